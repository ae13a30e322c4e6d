/* How a notifier is made, made anew after a restart, and asked. */
#include "ua/notify_private.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

unsigned ua_notify_expires(const struct ua_notify_terms *t, const struct sip_msg *subscribe, uint32_t *seconds)
{
	uint32_t max = t->max_s ? t->max_s : INT32_MAX;
	int err = sip_hdr_u32(subscribe, SIP_H_EXPIRES, seconds);

	if (err == ENOENT)
		*seconds = t->default_s;
	else if (err == ERANGE)
		*seconds = UINT32_MAX;
	else if (err)
		return 400;
	if (*seconds && *seconds < t->min_s)
		return 423;
	if (*seconds > max)
		*seconds = max;
	return 0;
}

static int make_dialog(struct ua_notify *n, struct sip_server_tx *tx)
{
	const struct ua_notify_prm *p = &n->prm;
	struct sip_dialog_user user = { .arg = n, .request = ua_notify_on_request };
	int err;

	if (p->dialog) {
		n->dlg = obj_hold(p->dialog);
		return 0;
	}
	n->own_dialog = true;
	err = sip_dialog_new_uas(&n->dlg, tx, p->contact, &user);
	if (!err)
		err = sip_dialog_set_via(n->dlg, p->via_host);
	if (!err)
		err = sip_dialog_set_agent(n->dlg, p->user_agent);
	if (!err && p->target)
		err = p->target(p->arg, n->dlg, tx->req);
	return err;
}

static struct ua_notify *notifier(struct ua *ua, const struct ua_notify_prm *prm)
{
	struct ua_notify *n = calloc(1, sizeof(*n));

	if (n) {
		n->ua = ua;
		n->prm = *prm;
		n->prm.hold = obj_hold(prm->hold);
		n->pending = prm->pending;
	}
	return n;
}

/* Views that are the caller's end with the call that made it. */
static void forget_views(struct ua_notify *n)
{
	n->prm.contact = n->prm.via_host = n->prm.user_agent = n->prm.event = STR_NULL;
	n->prm.dialog = NULL;
}

int ua_notify_new(struct ua_notify **out, struct ua *ua, const struct ua_notify_prm *prm, struct sip_server_tx *tx)
{
	struct ua_notify *n = notifier(ua, prm);
	int err;

	if (!n)
		return ENOMEM;
	err = text_set(&n->event, tx ? sip_hdr_value(tx->req, SIP_H_EVENT) : prm->event);
	if (!err)
		err = make_dialog(n, tx);
	forget_views(n);
	if (err)
		ua_notify_free(n);
	else
		*out = n;
	return err;
}

int ua_notify_restore(struct ua_notify **out, struct ua *ua, const struct ua_notify_prm *prm, const struct sip_dialog_kept *k)
{
	struct ua_notify *n = notifier(ua, prm);
	struct sip_dialog_user user = { .arg = n, .request = ua_notify_on_request };
	int err;

	if (!n)
		return ENOMEM;
	n->own_dialog = n->full = true;
	n->state = UA_NOTIFY_TOLD;      /* by the process before */
	err = text_set(&n->event, prm->event);
	err = err ? err : sip_dialog_restore(&n->dlg, ua->sip, k, &user);
	err = err ? err : sip_dialog_set_via(n->dlg, prm->via_host);
	err = err ? err : sip_dialog_set_agent(n->dlg, prm->user_agent);
	forget_views(n);
	ua_notify_set_end(n, prm->expires_s);
	if (err)
		ua_notify_free(n);
	else
		*out = n;
	return err;
}

void ua_notify_set(struct ua_notify *n, const struct ua_notify_prm *prm)
{
	void *before = n->prm.hold;
	uint32_t expires_s = n->prm.expires_s;

	n->prm = *prm;
	n->prm.expires_s = expires_s;
	n->prm.hold = obj_hold(prm->hold);
	forget_views(n);
	obj_drop(before);
}

enum ua_notify_state ua_notify_state(const struct ua_notify *n)
{
	return n->state;
}

bool ua_notify_has_ended(const struct ua_notify *n)
{
	return n->state >= UA_NOTIFY_CLOSING;
}

uint64_t ua_notify_left_ms(const struct ua_notify *n)
{
	return timer_running(&n->expire) ? timer_left_ms(ua_notify_wheel(n), &n->expire) : 0;
}

struct sip_dialog *ua_notify_dialog(const struct ua_notify *n)
{
	return n->dlg;
}

struct str ua_notify_event(const struct ua_notify *n)
{
	return text_view(&n->event);
}
