/* service/call/session_user.c -- what a call's ua_invite tells and asks, in the words of its
 * channel and of its endpoint's options. Offers and answers are session_sdp.c's. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "service/call/channel_tech.h"
#include "service/call/session_t38.h"
#include "service/call/transfer.h"
#include "service/common/nat.h"
#include "ua/info.h"
#include <errno.h>
#include <string.h>

#define SDP STR("application/sdp")

static void tell(struct session *s, enum chan_event_type t)
{
	if (s->ch)
		channel_event_simple(s->ch, t);
}

static void see_response(struct session *s, struct sip_msg *msg)
{
	obj_drop(s->seen.response);
	s->seen.response = obj_hold(msg);
}

static void write_headers(void *arg, enum ua_invite_message kind, unsigned status, struct buf *h)
{
	struct session *s = arg;

	if (kind != UA_INVITE_RESPONSE || status < 300)
		session_ice_headers(s, h);
	if (kind == UA_INVITE_REQUEST) {
		session_write_request(s, h);
		return;
	}
	if (kind == UA_INVITE_REFRESH || status < 300)
		session_write_identity(s, h, kind == UA_INVITE_REFRESH);
	if (kind == UA_INVITE_RESPONSE) {
		session_stir_reason(s, status, h);
		s->forwarded |= status == 181;
		if (s->forwarded && status < 300)
			session_write_diversion(s, h, false);
		s->forwarded &= status < 200;
	}
}

static size_t write_parts(void *arg, enum ua_invite_message kind, unsigned status, struct ua_part v[static UA_PARTS])
{
	size_t n = session_aoc_parts(arg, kind, status, v);

	return n + session_geoloc_parts(arg, kind, v + n);
}

static void learn_target(void *arg, struct sip_dialog *d, const struct sip_msg *msg)
{
	struct session *s = arg;

	if (s->ep->rewrite_contact)
		nat_fix_dialog(d, msg);
}

/* ---- our INVITE ------------------------------------------------------------------------ */

static void on_progress(void *arg, struct sip_msg *msg)
{
	struct session *s = arg;
	bool sdp = msg->content_type.n && sip_body(msg, SDP, &(struct str){ 0 });

	see_response(s, msg);
	s->early_media |= sdp;
	session_identity_came(s, msg);
	/* As in Asterisk: a 180 that can be heard is progress, and what is neither heard nor ringing is nothing. */
	if (msg->status == 180) {
		tell(s, sdp ? CE_PROGRESS : CE_RINGING);
		if (s->ch && sdp && s->ch->state != CHAN_UP)
			channel_set_state(s->ch, CHAN_RINGING);
		if (s->ch)
			session_channel_state(s, CHAN_RINGING);
	} else if (msg->status == 183) {
		if (sdp || !s->ep->ignore_183_without_sdp)
			tell(s, CE_PROGRESS);
	} else if (msg->status == 181) {
		if (session_read_redirecting(s, msg))
			session_tell_redirecting(s);
	}
}

static void on_answered(void *arg, struct sip_msg *msg)
{
	struct session *s = arg;

	see_response(s, msg);
	session_identity_came(s, msg);
	if (s->neg)
		neg_answer_settled(s->neg);
	session_streams_tell(s, true);
	session_channel_state(s, CHAN_UP);
	/* The caller became another while it rang. */
	if (s->ch && session_may_tell_line(s) && !party_same(&s->told, &s->ch->connected))
		ua_invite_tell(s->iv, session_tells_by_update(s));
	tell(s, CE_ANSWER);
}

/* ---- in the dialog -------------------------------------------------------------------------- */

static void on_changed(void *arg, struct sip_msg *msg, bool offer)
{
	struct session *s = arg;

	if (offer)
		session_streams_offered(s);
	session_identity_came(s, msg);
	/* A call that is up already has no place of another to take (RFC 3891 3). */
	if (msg->method == SIP_INVITE && s->ch && sip_hdr_value(msg, SIP_H_REPLACES).n) {
		log_notice("'%.*s' asked to replace a call by one that is up; ending it", STR_ARG(s->ep->name));
		channel_hangup(s->ch, CAUSE_NORMAL);
	}
}

/* Whoever waits in session_refresh_wait() looks again. */
static void on_refreshed(void *arg, const struct sip_msg *msg)
{
	session_t38_refreshed(arg, msg);
	tell(arg, CE_WAKE);
}

static void on_digit(struct session *s, const struct sip_msg *msg)
{
	struct chan_event *e;
	uint32_t ms;
	char d;

	if (!s->ch || !ua_info_digit(msg, &d, &ms))
		return;
	e = chan_event_new(d == '!' ? CE_FLASH : CE_DTMF_BEGIN);
	if (!e)
		return;
	e->digit = d;
	e->untold = true;
	channel_event(s->ch, e);
	/* The digit may have ended the call. */
	e = d == '!' || !s->ch ? NULL : chan_event_new(CE_DTMF_END);
	if (e) {
		e->digit = d;
		e->ms = ms;
		channel_event(s->ch, e);
	}
}

static void on_info(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	bool digit = ua_info_is_digit(msg);

	if (session_record_info(s, tx, msg))
		return;
	if (str_ieq(msg->content_type, STR("application/trickle-ice-sdpfrag"))) {
		ua_invite_reply(s->iv, tx, session_ice_info(s, msg), STR_NULL);
		return;
	}
	ua_invite_reply(s->iv, tx, digit || !msg->body.n ? 200 : 415, STR_NULL);
	if (digit)
		on_digit(s, msg);
}

static void on_message(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct chan_event *e = s->ch ? chan_event_new(CE_TEXT) : NULL;

	ua_invite_reply(s->iv, tx, e ? 202 : 503, e ? STR_NULL : STR(SHARES_RETRY));
	if (e && !text_set(&e->text, msg->body) && !text_set(&e->text2, msg->content_type))
		channel_event(s->ch, e);
	else if (e)
		chan_event_free(e);
}

static void on_options(struct session *s, struct sip_server_tx *tx)
{
	char room[512];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	service_abilities(s->conf, &b);
	ua_invite_reply(s->iv, tx, 200, buf_view(&b));
}

static void on_request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct session *s = arg;

	switch (msg->method) {
	case SIP_INFO:
		on_info(s, tx, msg);
		break;
	case SIP_MESSAGE:
		on_message(s, tx, msg);
		break;
	case SIP_OPTIONS:
		on_options(s, tx);
		break;
	case SIP_NOTIFY:
		ua_invite_reply(s->iv, tx, 489, STR_NULL);
		break;
	default:
		ua_invite_reply(s->iv, tx, 405, service_allow(true));
	}
}

static void on_refer(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	transfer_refer(arg, tx, msg);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void on_bye(struct session *s, struct sip_msg *msg)
{
	int cause = session_cause_of_msg(msg);

	see_response(s, msg);
	session_peer_ended(s, cause, session_tech_cause(cause));
}

static void on_refused(struct session *s, struct sip_msg *msg)
{
	see_response(s, msg);
	if (msg->status < 400)
		session_redirected(s, msg);
	else
		session_peer_ended(s, session_cause_of_msg(msg), msg->status);
}

static void on_failed(struct session *s, int err)
{
	bool late = err == ETIMEDOUT;
	struct sa nobody = { 0 };

	if (err == EPROTONOSUPPORT || (err != ETIMEDOUT && str_istarts(text_view(&s->callee.uri), STR("sips:"))))
		reason_add(s->svc->reasons, REASON_TRANSPORT, REASON_REFUSED, 0, s->ep->name, &nobody,
			   "a sips URI goes over TLS and nothing else (RFC 5630): no such transport leads there (%s); INVITE not sent",
			   strerror(err));
	log_notice("INVITE to '%.*s' failed: %s", STR_ARG(s->ep->name), strerror(err));
	session_peer_ended(s, late ? CAUSE_NO_RESPONSE : CAUSE_NO_ROUTE, late ? 408 : 503);
}

static void hang_up(struct session *s, int cause)
{
	if (s->ch)
		channel_hangup(s->ch, cause);
}

static void on_no_body(struct session *s, struct sip_msg *msg)
{
	struct channel *ch = s->ch;

	if (!ch)
		return;
	if (s->incoming) {
		channel_hangup(ch, CAUSE_BEARER_NOT_AVAILABLE);
		return;
	}
	see_response(s, msg);
	/* What it speaks is nothing that we do: for the dialplan it never answered. */
	if (sip_body(msg, SDP, &(struct str){ 0 })) {
		log_notice("'%.*s' answered with an SDP that cannot be used; ending the call", STR_ARG(s->ep->name));
		session_peer_ended(s, CAUSE_BEARER_NOT_AVAILABLE, 0);
		if (s->ch)
			s->ch->tech_cause = 488;
		return;
	}
	log_notice("'%.*s' answered without SDP; ending the call", STR_ARG(s->ep->name));
	/* As in Asterisk somebody has answered, for the dialplan and for whoever called. */
	s->end_reason = "SIP;cause=406;text=\"SDP offer/answer incomplete\"";
	tell(s, CE_ANSWER);
	session_peer_ended(s, CAUSE_BEARER_NOT_AVAILABLE, 406);
}

/* timers=required, and who answered keeps none. As in Asterisk somebody has answered. */
static void on_no_timer(struct session *s, struct sip_msg *msg)
{
	if (!s->ch)
		return;
	see_response(s, msg);
	s->end_reason = "SIP;cause=421;text=\"Failed processing session timer response\"";
	log_notice("'%.*s' has timers=required and was answered without a session timer; ending the call", STR_ARG(s->ep->name));
	reason_add(s->svc->reasons, REASON_SESSION, REASON_REFUSED, 421, s->ep->name, &msg->from_path.peer,
		   "timers=required, and the answer has no Session-Expires: the call is ended");
	tell(s, CE_ANSWER);
	session_peer_ended(s, session_cause_of(421), 421);
}

static void on_ended(void *arg, enum ua_end why, struct sip_msg *msg, int err)
{
	struct session *s = arg;
	int cause;

	switch (why) {
	case UA_END_BYE:
		on_bye(s, msg);
		break;
	case UA_END_CANCEL:
		cause = session_reason_of(msg);
		session_peer_ended(s, cause ? cause : CAUSE_INTERWORKING, 487);
		break;
	case UA_END_REFUSED:
		on_refused(s, msg);
		break;
	case UA_END_FAILED:
		on_failed(s, err);
		break;
	case UA_END_NO_BODY:
		on_no_body(s, msg);
		break;
	case UA_END_NO_TIMER:
		on_no_timer(s, msg);
		break;
	case UA_END_NO_ACK:
		log_notice("'%.*s' never acknowledged the answer to its INVITE; ending the call", STR_ARG(s->ep->name));
		hang_up(s, CAUSE_NO_RESPONSE);
		break;
	case UA_END_NO_PRACK:
		log_notice("'%.*s' never acknowledged a reliable response", STR_ARG(s->ep->name));
		session_peer_ended(s, CAUSE_INTERWORKING, 504);
		break;
	case UA_END_GONE:
		hang_up(s, CAUSE_NORMAL);
		break;
	case UA_END_EXPIRED:
		log_notice("session of '%.*s' was not refreshed in time; ending the call", STR_ARG(s->ep->name));
		hang_up(s, CAUSE_TIMER_EXPIRED);
		break;
	}
}

const struct ua_invite_user session_user = {
	.offer_make = session_offer_make,
	.answer_make = session_answer_make,
	.offer_came = session_offer_came,
	.answer_came = session_answer_came,
	.exchange_failed = session_exchange_failed,
	.prepare = session_prepare,
	.headers = write_headers,
	.parts = write_parts,
	.target = learn_target,
	.progress = on_progress,
	.retarget = session_retarget,
	.answered = on_answered,
	.changed = on_changed,
	.refreshed = on_refreshed,
	.request = on_request,
	.refer = on_refer,
	.ended = on_ended,
};
