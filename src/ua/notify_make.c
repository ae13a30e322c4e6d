/* A notifier comes about by a SUBSCRIBE, another request or a row on disk, and goes. */
#include "ua/notify_private.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

void ua_notify_drop_request(struct ua_notify *n)
{
	if (n->rq)
		ua_request_detach(n->rq);
	n->rq = obj_drop(n->rq);
}

void ua_notify_leave_dialog(struct ua_notify *n)
{
	if (n->own_dialog && n->dlg)
		sip_dialog_close(n->dlg);
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
	timer_start(sip_stack_wheel(ua->sip), &n->expire, 1000ull * prm->expires_s, ua_notify_on_expired, n);
	if (err)
		ua_notify_free(n);
	else
		*out = n;
	return err;
}

void ua_notify_free(struct ua_notify *n)
{
	if (!n)
		return;
	timer_stop(&n->gather);
	timer_stop(&n->expire);
	ua_notify_drop_request(n);
	ua_notify_leave_dialog(n);
	obj_drop(n->dlg);
	obj_drop(n->prm.hold);
	text_free(&n->event);
	free(n);
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
