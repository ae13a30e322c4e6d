/* The NOTIFYs of a subscription of ours: which are taken, what they say of it, and those of
 * a second place to which the SUBSCRIBE was forked. */
#include "ua/subscribe_private.h"

/* ---- NOTIFY ------------------------------------------------------------------------------ */

static void reply(struct ua_subscribe *s, struct sip_server_tx *tx, unsigned status, struct str more)
{
	struct buf b = BUF_INIT;

	buf_put(&b, more);
	if (s->prm.answer)
		s->prm.answer(s->prm.arg, s, status, &b);
	if (!buf_err(&b))
		sip_server_tx_respond(tx, status, STR_NULL, buf_view(&b), STR_NULL, STR_NULL);
	buf_free(&b);
}

/* ua_event_differs(); but a NOTIFY about the first REFER of a dialog may leave out the id
 * (RFC 3515 2.4.6). */
static unsigned differs(const struct ua_subscribe *s, const struct sip_msg *msg)
{
	unsigned status = ua_event_differs(s->prm.event, msg);

	return status == 481 && s->implied && !ua_event_id(sip_hdr_value(msg, SIP_H_EVENT)).n ? 0 : status;
}

/* 0, or the status to refuse it with. */
static unsigned read_notify(struct ua_subscribe *s, const struct sip_msg *msg, struct ua_event_state *st)
{
	unsigned status = differs(s, msg);

	if (!status && ua_event_state_parse(st, sip_hdr_value(msg, SIP_H_SUBSCRIPTION_STATE)))
		status = 400;
	if (!status && s->prm.check)
		status = s->prm.check(s->prm.arg, s, msg);
	return status;
}

static void heed_notify(struct ua_subscribe *s, const struct ua_event_state *st, const struct sip_msg *msg)
{
	/* Whatever the answer to a fetch says, no other one comes. */
	if (st->sub == UA_EVENT_TERMINATED || (s->fetch && s->state == UA_SUBSCRIBE_ASKING)) {
		ua_subscribe_terminated(s, st, msg);
		return;
	}
	/* LEAVING: the one that ends it is still to come. */
	if (s->state != UA_SUBSCRIBE_LEAVING) {
		timer_stop(&s->silence);
		s->pending = st->sub == UA_EVENT_PENDING;
		if (s->state == UA_SUBSCRIBE_ASKING) {
			ua_subscribe_change(s, UA_SUBSCRIBE_SUBSCRIBED);
			s->born_ms = ua_subscribe_now(s);
			ua_subscribe_live(s, s->granted_s);
		}
		if (st->has_expires) {
			s->granted_s = 0;
			ua_subscribe_live(s, st->expires_s);
		}
	}
	ua_subscribe_tell(s, (struct ua_subscribe_event){ .notify = msg });
}

static void take_notify(struct ua_subscribe *s, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct ua_event_state st;
	unsigned status = read_notify(s, msg, &st);

	if (!status && !d->confirmed && sip_dialog_learn(d, msg))
		status = 500;
	if (status) {
		reply(s, tx, status, STR_NULL);
		return;
	}
	(void)sip_dialog_refresh(d, msg);
	reply(s, tx, 200, STR_NULL);
	heed_notify(s, &st, msg);
}

void ua_subscribe_on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct ua_subscribe *s = arg;

	if (msg->method == SIP_NOTIFY)
		take_notify(s, d, tx, msg);
	else
		reply(s, tx, 405, STR("Allow: NOTIFY\r\n"));
}

bool ua_subscribe_request(struct ua_subscribe *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	if (msg->method != SIP_NOTIFY || differs(s, msg) || !s->dlg || s->state == UA_SUBSCRIBE_IDLE)
		return false;
	take_notify(s, s->dlg, tx, msg);
	return true;
}

/* ---- forks --------------------------------------------------------------------------------- */

static struct ua_subscribe *fork_new(struct ua_subscribe *s, const struct sip_dialog *d, const struct sip_msg *msg)
{
	struct ua_subscribe *f;
	struct sip_dialog_user user = { .request = ua_subscribe_on_request };

	if (ua_subscribe_new(&f, s->ua, &s->prm))
		return NULL;
	user.arg = f;
	f->prm.retry = (struct ua_subscribe_retry){ .again = false };
	f->state = UA_SUBSCRIBE_ASKING;
	f->expires_s = s->expires_s;
	f->fetch = s->fetch;
	f->granted_s = s->granted_s ? s->granted_s : s->expires_s;
	f->forks_until_ms = s->forks_until_ms;
	if (sip_dialog_new_fork(&f->dlg, d, msg, &user)) {
		ua_subscribe_free(f);
		return NULL;
	}
	return f;
}

bool ua_subscribe_notify_came(struct ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sip_dialog *d = sip_dialog_sibling(ua->sip, msg->call_id, msg->to.tag);
	struct ua_subscribe *s, *f;
	struct ua_event_state st;
	unsigned status;

	if (msg->method != SIP_NOTIFY || !d || d->user.request != ua_subscribe_on_request)
		return false;
	s = d->user.arg;
	if (!s->prm.forked || ua_subscribe_now(s) > s->forks_until_ms)
		return false;
	status = read_notify(s, msg, &st);
	f = status ? NULL : fork_new(s, d, msg);
	if (!f) {
		reply(s, tx, status ? status : 500, STR_NULL);
		return true;
	}
	f->prm.arg = s->prm.forked(s->prm.arg, s, f);
	if (!f->prm.arg) {
		ua_subscribe_free(f);
		return false;
	}
	reply(f, tx, 200, STR_NULL);
	heed_notify(f, &st, msg);
	return true;
}
