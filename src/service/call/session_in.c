/* service/call/session_in.c -- what the peer asks: INVITE, re-INVITE, UPDATE, BYE and the
 * rest of its dialog. What we ask is in session_out.c. */
#define LOG_MODULE "session"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "service/call/channel_tech.h"
#include "service/common/dialog.h"
#include "service/common/nat.h"
#include "service/call/transfer.h"
#include <errno.h>

#define SDP STR("application/sdp")

/* ---- answering ---------------------------------------------------------------------- */

static void write_headers(struct session *s, struct buf *h, unsigned status)
{
	if (status > 100 && s->dlg && status < 300)
		buf_puts(h, STR("Contact: "), s->dlg->contact, STR("\r\n"));
	if (status > 100) {
		if (status < 300) {
			buf_put(h, service_allow());
			buf_put(h, STR("Supported: 100rel, timer, replaces, norefersub\r\n"));
			session_write_identity(s, h, false);
		}
		if (status == 181)
			session_write_diversion(s, h, false);
		session_headers_write(&s->response_headers, h);
	}
	if (status >= 200 && status < 300)
		session_timer_write(s, h, false);
	buf_put(h, service_server_header(s->svc));
}

/* The body of a response: our answer to their offer, our offer when they made none,
 * or what went out before in this exchange. */
static int write_sdp(struct session *s, struct buf *b)
{
	int err;

	if (s->local_sdp.n) {
		buf_put(b, text_view(&s->local_sdp));
		return buf_err(b);
	}
	err = s->offer == OFFER_THEIRS ? session_answer_out(s, b) : session_offer_out(s, b);
	if (!err)
		err = text_set(&s->local_sdp, buf_view(b));
	return err;
}

/* A response to `tx`, which is held: what the SDP sets off may end the session. */
static int respond(struct session *s, struct sip_server_tx *tx, unsigned status, bool sdp)
{
	char hroom[2048], broom[2048];
	bool reliable = status > 100 && status < 200 && session_reliable_wanted(s);
	struct buf h, b;
	int err = 0;

	buf_init(&h, hroom, sizeof(hroom), 0);
	buf_init(&b, broom, sizeof(broom), 0);
	if (sdp)
		err = write_sdp(s, &b);
	write_headers(s, &h, status);
	if (!err)
		err = buf_err(&h) ? buf_err(&h) : buf_err(&b);
	if (!err && reliable)
		err = session_reliable_send(s, status, buf_view(&h), buf_view(&b));
	else if (!err)
		err = sip_server_tx_respond(tx, status, STR_NULL, buf_view(&h), b.n ? SDP : STR_NULL, buf_view(&b));
	buf_free(&h);
	buf_free(&b);
	return err;
}

int session_respond(struct session *s, unsigned status, bool sdp)
{
	struct sip_server_tx *tx = obj_hold(session_uas_waiting(s));
	int err = tx ? respond(s, tx, status, sdp) : EALREADY;

	if (!err && status < 200) {
		s->sent_status = status;
		s->early_media |= sdp;
	}
	obj_drop(tx);
	return err;
}

int session_answer(struct session *s)
{
	int err;

	s->answer_wanted = s->rel_pending;
	if (s->answer_wanted)
		return 0;
	session_reliable_stop(s);
	s->st = SESSION_UP;
	err = session_respond(s, 200, true);
	/* Nothing went out: it can still be refused. */
	if (err && s->st == SESSION_UP && session_uas_waiting(s))
		s->st = SESSION_RINGING;
	return err;
}

/* ---- a new call ---------------------------------------------------------------------- */

static void on_cancelled(void *arg, struct sip_server_tx *tx, struct sip_msg *cancel)
{
	struct session *s = arg;
	char room[64];
	int cause = session_reason_of(cancel);

	obj_hold(s);
	if (session_refuse(s, 487, session_reason_header(s, 0, room, sizeof(room))) == 0) {
		session_peer_ended(s, cause ? cause : CAUSE_INTERWORKING, 487);
	} else {
		sip_server_tx_reply(tx, 487);         /* a re-INVITE: the call goes on */
		session_offer_failed(s);
		session_uas_set(s, NULL, NULL);
	}
	obj_drop(s);
}

/* Timer L: nobody acknowledged our 2xx, which ends the call (13.3.1.4). */
static void on_ended(void *arg, struct sip_server_tx *tx, bool acked)
{
	struct session *s = arg;

	(void)tx;
	if (acked)
		return;         /* session_dialog_ack() does what follows */
	obj_hold(s);
	session_uas_set(s, NULL, NULL);
	session_offer_failed(s);
	if (s->ending) {
		s->bye_sent = false;
		session_finish_ending(s);
	} else if (s->st == SESSION_UP) {
		log_notice("'%.*s' never acknowledged the answer to its INVITE; ending the call",
			   STR_ARG(s->ep->name));
		if (s->ch)
			channel_hangup(s->ch, CAUSE_NO_RESPONSE);
	}
	obj_drop(s);
}

static void uas_begin(struct session *s, struct sip_server_tx *tx)
{
	const struct sip_server_tx_user user = { .arg = s, .cancelled = on_cancelled, .ended = on_ended, .owner = s };

	session_uas_set(s, tx, &user);
}

static unsigned check_100rel(struct session *s, const struct sip_msg *msg)
{
	s->rel_supported = sip_hdr_has_token(msg, SIP_H_SUPPORTED, STR("100rel"));
	s->rel_required = sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("100rel"));
	s->rel_supported |= s->rel_required;
	if (s->rel_required && s->ep->rel100 == REL100_NO)
		return 420;
	if (!s->rel_supported && s->ep->rel100 == REL100_REQUIRED)
		return 421;
	return 0;
}

/* 404, 484 or 0 and the extension. */
static unsigned find_exten(struct service *svc, struct identity *id, const struct sip_msg *msg, struct str *exten,
			   char *room, size_t n)
{
	struct str caller = msg->from.uri.user;
	struct str context = id->ep->context;

	*exten = service_exten(id->conf, &msg->ruri, room, n);
	if (dialplan_exists(svc->pbx, context, *exten, 1, caller))
		return 0;
	if (id->ep->allow_overlap) {
		struct str oc = id->ep->overlap_context.n ? id->ep->overlap_context : context;

		if (dialplan_can_grow(svc->pbx, oc, *exten, caller))
			return 484;
	}
	return 404;
}

static int make_dialog(struct session *s, struct sip_server_tx *tx, const struct sip_msg *msg)
{
	struct sip_dialog_user user = { s, session_dialog_request, session_dialog_ack, .owner = s };

	return service_dialog_uas(s->svc, s->ep, tx, msg, &user, &s->dlg);
}

static int make_channel(struct session *s, struct str exten)
{
	struct channel_new_prm prm = { .pbx = s->svc->pbx, .tech = &pjsip_tech, .pvt = s, .stem = s->ep->name,
		.state = CHAN_RING, .context = s->ep->context, .exten = exten, .accountcode = s->ep->accountcode,
		.language = s->ep->language };
	struct party caller = { 0 };
	int err;

	session_read_caller(s, s->invite, &caller);
	prm.caller_number = text_view(&caller.number);
	prm.caller_name = text_view(&caller.name);
	err = channel_new(&s->ch, &prm);
	if (!err) {
		obj_hold(s);            /* the channel's pvt */
		party_copy(&s->ch->caller, &caller);
		channel_tech_setup(s);
		session_read_redirecting(s, s->invite);
		session_channel_state(s, CHAN_RING);
		pbx_setvar(s->ch->pbx, s->ch, STR("SIPDOMAIN"), s->invite->ruri.host);
	}
	party_free(&caller);
	return err;
}

/* Everything that can refuse, in the order in which phones expect the refusals. */
static unsigned prepare(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg, struct buf *extra)
{
	unsigned status = check_100rel(s, msg);
	struct str body;

	if (status == 420)
		buf_put(extra, STR("Unsupported: 100rel\r\n"));
	if (status == 421)
		buf_put(extra, STR("Require: 100rel\r\n"));
	if (!status)
		status = session_timer_request(s, msg, extra);
	if (!status && make_dialog(s, tx, msg))
		status = 503;
	if (!status && sip_body(msg, SDP, &body))
		status = session_offer_in(s, body);
	else if (!status && session_sdp_start(s))
		status = 503;
	if (status == 503)
		buf_put(extra, STR(SHARES_RETRY));
	return status;
}

static void abandon(struct session *s)
{
	s->st = SESSION_NEW;
	session_end(s, 0);
	obj_drop(s);
}

static struct session *session_accept_at(struct service *svc, struct identity *id, struct sip_server_tx *tx,
					 struct sip_msg *msg, struct str exten)
{
	char xroom[512];
	struct session *s;
	struct buf extra;
	unsigned status;

	if (session_new(svc, id->conf, id->ep, &s)) {
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		return NULL;
	}
	share_open(&s->account, svc->shares, id->ep->name, &msg->from_path.peer);
	if (share_take(&s->account, SHARE_CALL) || share_take(&s->account, SHARE_DIALOG)) {
		shares_refuse(svc, id->ep->name, tx, msg, "it has its share of calls");
		abandon(s);
		return NULL;
	}
	buf_init(&extra, xroom, sizeof(xroom), sizeof(xroom));
	s->incoming = s->counted = true;
	svc->calls++;
	s->invite = obj_hold(msg);
	status = prepare(s, tx, msg, &extra);
	if (status) {
		service_reply(svc, tx, status, buf_view(&extra));
		abandon(s);
		return NULL;
	}
	s->st = SESSION_RINGING;
	uas_begin(s, tx);
	sip_server_tx_reply(tx, 100);
	if (make_channel(s, exten)) {
		service_reply(svc, tx, 503, STR(SHARES_RETRY));
		session_end(s, CAUSE_CONGESTION);
		obj_drop(s);
		return NULL;
	}
	obj_drop(s);            /* the channel has its own */
	return s;
}

struct session *session_accept(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char room[256];

	return session_accept_at(svc, id, tx, msg, service_exten(id->conf, &msg->ruri, room, sizeof(room)));
}

/* Bodies that a call may have to be understood by us. */
static const struct str body_types[] = { STR_INIT("application/sdp"), STR_INIT("application/pidf+xml"),
	STR_INIT("message/sipfrag") };

/* Requests in the dialog could not be sent to what is no SIP URI. */
static bool has_foreign_contact(const struct sip_msg *msg)
{
	struct sip_each e = { 0 };
	struct sip_addr a;
	struct str v;

	return sip_each(msg, SIP_H_CONTACT, &e, &v) && (sip_addr_parse(&a, v) || !sip_uri_is_sip(&a.uri));
}

void invite_request(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char room[256];
	struct session *s;
	struct str exten;
	unsigned status;

	if (!sip_uri_is_sip(&msg->ruri) && !sip_uri_is_tel(&msg->ruri)) {
		service_reply(svc, tx, 416, STR_NULL);
		return;
	}
	if (has_foreign_contact(msg)) {
		service_reply(svc, tx, 416, STR_NULL);
		return;
	}
	if (sip_body_demands_other(msg, body_types, ARRAY_LEN(body_types))) {
		service_reply(svc, tx, 415, STR("Accept: application/sdp\r\n"));
		return;
	}
	if (map_get(svc->maintenance, id->ep->name)) {
		reason_add(svc->reasons, REASON_SESSION, REASON_REFUSED, 503, id->ep->name, &msg->from_path.peer,
			   "the endpoint is in maintenance");
		service_reply(svc, tx, 503, STR_NULL);
		return;
	}
	if (transfer_replaces(svc, id, tx, msg))
		return;
	status = find_exten(svc, id, msg, &exten, room, sizeof(room));
	if (status) {
		reason_add(svc->reasons, REASON_SESSION, REASON_REFUSED, status, id->ep->name,
			   &msg->from_path.peer, "no extension '%.*s' in context '%.*s'", STR_ARG(exten),
			   STR_ARG(id->ep->context));
		log_notice("Call from '%.*s' (%s:%s) to extension '%.*s' rejected because extension not found "
			   "in context '%.*s'.", STR_ARG(id->ep->name), net_proto_name(msg->from_path.proto),
			   sa_text(&msg->from_path.peer, (char[SA_TEXT]){ 0 }), STR_ARG(exten),
			   STR_ARG(id->ep->context));
		service_reply(svc, tx, status, STR_NULL);
		return;
	}
	s = session_accept_at(svc, id, tx, msg, exten);
	if (s && pbx_start(s->ch))
		channel_destroy(s->ch);
}

/* ---- inside the dialog ------------------------------------------------------------------ */

/* 13.2.1: it has to have one. Some forget to say what kind of body it is. */
static unsigned answer_in_ack(struct session *s, const struct sip_msg *msg)
{
	bool first = !neg_remote(s->neg);
	struct str body;

	if (sip_body(msg, SDP, &body))
		return session_answer_in(s, body);
	if (msg->body.n && !msg->content_type.n)
		return session_answer_in(s, msg->body);
	session_offer_failed(s);
	return first ? 488 : 0;
}

void session_dialog_ack(void *arg, struct sip_dialog *d, struct sip_msg *msg)
{
	struct session *s = arg;
	struct sip_server_tx *tx = s->uas;
	unsigned status = 0;

	(void)d;
	/* The ACK of another final response is its transaction's, not the dialog's. */
	if (!tx || tx->status / 100 != 2)
		return;
	obj_hold(tx);
	obj_hold(s);
	if (s->offer == OFFER_OURS && !s->ending)       /* our offer was in the 200; the answer is due now */
		status = answer_in_ack(s, msg);
	session_uas_set(s, NULL, NULL);
	sip_server_tx_acked(tx);
	obj_drop(tx);
	if (status && s->ch)
		channel_hangup(s->ch, CAUSE_BEARER_NOT_AVAILABLE);
	session_acked(s);
	if (!s->peer_hangs_up)
		session_finish_ending(s);
	obj_drop(s);
}

static void on_bye(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	int cause = session_cause_of_msg(msg);

	obj_drop(s->last_response);
	s->last_response = obj_hold(msg);
	service_reply(s->svc, tx, 200, STR_NULL);
	session_refuse(s, 487, STR_NULL);
	session_peer_ended(s, cause, session_tech_cause(cause));
}

/* An INVITE of ours that the peer has not answered finally. */
static bool inviting(const struct session *s)
{
	return s->st == SESSION_INVITING || (s->uac_is_refresh && !s->uac_is_update);
}

/* RFC 3261 14.2, RFC 3311 5.2: one exchange at a time, whoever began it. 0: go on. */
static unsigned judge_turn(struct session *s, bool update, bool offer, struct buf *headers)
{
	if (!update && session_uas_waiting(s)) {
		buf_put(headers, STR("Retry-After: 5\r\n"));
		return 500;
	}
	/* Ours is under way, or our 2xx still waits for its ACK. */
	if (!update && (inviting(s) || s->uas || s->offer == OFFER_OURS))
		return 491;
	return offer ? session_offer_glare(s, headers) : 0;
}

static void answer_reinvite(struct session *s, struct sip_server_tx *tx)
{
	uas_begin(s, tx);
	text_set(&s->local_sdp, STR_NULL);
	if (session_respond(s, 200, true)) {
		session_offer_failed(s);
		sip_server_tx_reply(tx, 500);
		session_uas_set(s, NULL, NULL);
	}
}

/* An INVITE that is still being answered keeps its own exchange: only an UPDATE
 * with an offer changes what its responses say from now on. */
static void answer_update(struct session *s, struct sip_server_tx *tx, bool offer)
{
	if (offer)
		text_set(&s->local_sdp, STR_NULL);
	if (respond(s, tx, 200, offer)) {
		session_offer_failed(s);
		sip_server_tx_reply(tx, 500);
	}
}

static void on_reinvite(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg, bool update)
{
	char xroom[512];
	struct buf extra;
	struct str body;
	bool offer = sip_body(msg, SDP, &body);
	unsigned status;

	buf_init(&extra, xroom, sizeof(xroom), sizeof(xroom));
	status = judge_turn(s, update, offer, &extra);
	if (!status) {
		sip_dialog_refresh(s->dlg, msg);
		if (s->ep->rewrite_contact)
			nat_fix_dialog(s->dlg, msg);
		status = session_timer_request(s, msg, &extra);
	}
	if (!status && offer)
		status = session_offer_in(s, body);
	if (status == 503)
		buf_put(&extra, STR(SHARES_RETRY));
	if (status) {
		service_reply(s->svc, tx, status, buf_view(&extra));
		return;
	}
	if (update)
		answer_update(s, tx, offer);
	else
		answer_reinvite(s, tx);
	if (offer)
		session_streams_offered(s);
	session_identity_came(s, msg);
	/* A call that is up already has no place of another to take (RFC 3891 3). */
	if (!update && s->ch && sip_hdr_value(msg, SIP_H_REPLACES).n) {
		log_notice("'%.*s' asked to replace a call by one that is up; ending it", STR_ARG(s->ep->name));
		channel_hangup(s->ch, CAUSE_NORMAL);
	}
}

static void on_dtmf_info(struct session *s, struct sip_msg *msg)
{
	uint32_t ms = 100, code = 0;
	struct str body = msg->body, line, digit = STR_NULL;
	struct chan_event *e;
	char d;

	if (str_ieq(msg->content_type, STR("application/dtmf"))) {
		digit = str_trim(msg->body);
	} else {
		while (str_line(&body, &line)) {
			struct str name = str_trim(str_cut(&line, '='));

			if (str_ieq(name, STR("Signal")))
				digit = str_trim(line);
			else if (str_ieq(name, STR("Duration")))
				str_u32(str_trim(line), &ms);
		}
	}
	if (!digit.n)
		return;
	d = digit.p[0];
	if (digit.n > 1 && str_u32(digit, &code) == 0 && code < 17)
		d = "0123456789*#ABCD!"[code];
	if (!s->ch)
		return;
	e = chan_event_new(d == '!' ? CE_FLASH : CE_DTMF_BEGIN);
	if (!e)
		return;
	e->digit = d;
	channel_event(s->ch, e);
	/* The digit may have ended the call. */
	e = d == '!' || !s->ch ? NULL : chan_event_new(CE_DTMF_END);
	if (e) {
		e->digit = d;
		e->ms = ms > 5000 ? 100 : ms;
		channel_event(s->ch, e);
	}
}

static void on_info(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	bool dtmf = str_ieq(msg->content_type, STR("application/dtmf-relay")) ||
		    str_ieq(msg->content_type, STR("application/dtmf"));

	if (dtmf) {
		service_reply(s->svc, tx, 200, STR_NULL);
		on_dtmf_info(s, msg);
	} else if (!msg->body.n) {
		service_reply(s->svc, tx, 200, STR_NULL);
	} else {
		service_reply(s->svc, tx, 415, STR_NULL);
	}
}

static void on_message(struct session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct chan_event *e = s->ch ? chan_event_new(CE_TEXT) : NULL;

	service_reply(s->svc, tx, e ? 202 : 503, e ? STR_NULL : STR(SHARES_RETRY));
	if (e && !text_set(&e->text, msg->body) && !text_set(&e->text2, msg->content_type))
		channel_event(s->ch, e);
	else if (e)
		chan_event_free(e);
}

void session_dialog_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct session *s = arg;

	(void)d;
	obj_hold(s);
	if (s->ep->force_rport)
		sip_server_tx_force_rport(tx);
	if (s->st == SESSION_ENDED || s->st == SESSION_NEW) {
		if (msg->method == SIP_BYE) {   /* they were quicker than our BYE */
			s->bye_sent = true;
			service_reply(s->svc, tx, 200, STR_NULL);
			session_finish_ending(s);
		} else {
			service_reply(s->svc, tx, 481, STR_NULL);
		}
		obj_drop(s);
		return;
	}
	switch (msg->method) {
	case SIP_BYE:
		on_bye(s, tx, msg);
		break;
	case SIP_INVITE:
		on_reinvite(s, tx, msg, false);
		break;
	case SIP_UPDATE:
		on_reinvite(s, tx, msg, true);
		break;
	case SIP_PRACK:
		session_reliable_prack(s, tx, msg);
		break;
	case SIP_INFO:
		on_info(s, tx, msg);
		break;
	case SIP_MESSAGE:
		on_message(s, tx, msg);
		break;
	case SIP_OPTIONS:
		service_reply(s->svc, tx, 200, service_allow());
		break;
	case SIP_REFER:
		transfer_refer(s, tx, msg);
		break;
	case SIP_NOTIFY:
		transfer_notify(s, tx, msg);
		break;
	default:
		service_reply(s->svc, tx, 405, service_allow());
	}
	obj_drop(s);
}
