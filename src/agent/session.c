/* A call, whichever side began it: its life, its events, how it ends. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include "ua/info.h"
#include "ua/refer.h"
#include <errno.h>
#include <stdlib.h>

#define SESSION_EXPIRES_S 1800  /* RFC 4028 4: the recommended interval */
#define SESSION_LEAST_S 90

static void session_free(void *arg)
{
	struct sidetone_session *s = arg;

	obj_drop(s->iv);
	obj_drop(s->out);
	obj_drop(s->invite);
	obj_drop(s->answered);
	obj_drop(s->replaces);
	text_free(&s->id);
	text_free(&s->lines);
	text_free(&s->contact);
	text_free(&s->supported);
	text_free(&s->type);
	text_free(&s->local);
	text_free(&s->offer);
	obj_drop(s->ua);
}

struct sidetone_session *agent_session_new(struct sidetone_ua *ua, bool theirs)
{
	struct sidetone_session *s = obj_new(sizeof(*s), session_free);

	if (!s)
		return NULL;
	s->ua = obj_hold(ua);
	s->theirs = theirs;
	list_append(&ua->sessions, &s->link);
	obj_hold(s);            /* until it is over */
	return s;
}

void agent_session_tell(struct sidetone_session *s, struct sidetone_event e)
{
	e.session = s;
	if (s->kept)
		agent_tell(s->ua, e);
}

/* It is in nobody's list any more, and hears nothing. */
static void leave(struct sidetone_session *s)
{
	s->over = true;
	s->status = SIDETONE_STATUS_TERMINATED;
	timer_stop(&s->no_answer);
	timer_stop(&s->offer_again);
	list_remove(&s->start.link);
	list_remove(&s->link);
	agent_requests_of_session(s->ua, s);
	s->wish = AGENT_WISH_NONE;
	s->judging = AGENT_JUDGING_NONE;
	s->answered = obj_drop(s->answered);
	s->replaces = obj_drop(s->replaces);
}

void agent_session_over(struct sidetone_session *s, const struct sip_msg *msg, const char *cause, bool failed)
{
	int status = msg && !msg->request ? (int)msg->status : 0;

	if (s->over)
		return;
	obj_hold(s);
	leave(s);
	if (failed && msg)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REJECTED, .message = agent_message(msg),
			.status = status, .cause = cause });
	if (failed)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_FAILED, .message = agent_message(msg),
			.status = status, .cause = cause });
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_MEDIA_CLOSED });
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_TERMINATED, .message = agent_message(msg),
		.status = status, .cause = cause });
	if (s->iv)
		ua_invite_end(s->iv, STR_NULL);
	/* The list's reference lasts until the next turn. */
	list_append(&s->ua->core->dying, &s->link);
	timer_start(s->ua->core->wheel, &s->ua->core->bury, 0, agent_sessions_bury, s->ua->core);
	obj_drop(s);
}

void agent_sessions_bury(void *arg)
{
	struct sidetone_core *c = arg;

	while (!list_empty(&c->dying)) {
		struct sidetone_session *s = container_of(c->dying.next, struct sidetone_session, link);

		list_remove(&s->link);
		obj_drop(s);
	}
}

/* ---- what the INVITE session tells ------------------------------------------------------------ */

static int prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path)
{
	struct sidetone_session *s = arg;

	(void)rq;
	o->via_host = sip_out_dup(o, text_view(&s->ua->via_host));
	o->no_rport = net_is_stream(path->proto) && !s->ua->config.force_rport;
	o->contact = sip_out_dup(o, text_view(&s->contact));
	return 0;
}

static void headers(void *arg, enum ua_invite_message kind, unsigned status, struct buf *b)
{
	struct sidetone_session *s = arg;

	buf_put(b, text_view(&s->lines));
	if (kind != UA_INVITE_RESPONSE || status / 100 == 2)
		agent_put_allow(b);
	if (kind == UA_INVITE_REQUEST && s->ua->config.replaces == AGENT_REQUIRED)
		buf_put(b, STR("Require: replaces\r\n"));
}

static void told_dialog(struct sidetone_session *s)
{
	const struct sip_dialog *d = ua_invite_dialog(s->iv);

	if (s->told_dialog || !d || !d->remote_tag.n)
		return;
	s->told_dialog = true;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_DIALOG });
}

static void progress(void *arg, struct sip_msg *msg)
{
	struct sidetone_session *s = arg;

	if (s->status == SIDETONE_STATUS_INVITE_SENT)
		s->status = SIDETONE_1XX_RECEIVED;
	if (msg->body.n && ua_invite_exchange(s->iv) == UA_EXCHANGE_NONE)
		s->status = SIDETONE_EARLY_MEDIA;
	told_dialog(s);
	if (!s->over)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_PROGRESS, .message = agent_message(msg),
			.status = (int)msg->status, .cause = sip_reason(msg->status) });
}

void agent_session_confirm(struct sidetone_session *s, const struct sip_msg *msg)
{
	s->status = SIDETONE_STATUS_CONFIRMED;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_ACCEPTED, .message = agent_message(msg),
		.status = (int)msg->status, .cause = sip_reason(msg->status) });
}

static void answered(void *arg, struct sip_msg *msg)
{
	struct sidetone_session *s = arg;

	told_dialog(s);
	if (s->over)
		return;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_ACK_SENT, .text = buf_z(&s->ua->core->sent),
		.text_n = s->ua->core->sent.n });
	if (s->over)
		return;
	if (s->judging == AGENT_JUDGING_ANSWER)
		s->answered = obj_hold(msg);
	else
		agent_session_confirm(s, msg);
}

static void acked(void *arg)
{
	struct sidetone_session *s = arg;

	s->status = SIDETONE_STATUS_CONFIRMED;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_CONFIRMED, .message = agent_message(s->ua->core->now) });
}

static void changed(void *arg, struct sip_msg *msg, bool offer)
{
	(void)offer;
	agent_session_tell(arg, (struct sidetone_event){ .type = SIDETONE_REINVITE_ACCEPTED, .message = agent_message(msg) });
}

static void refreshed(void *arg, const struct sip_msg *msg)
{
	struct sidetone_session *s = arg;
	bool ok = msg && msg->status < 300;

	if (!s->renewing)
		return;         /* of the session timer */
	/* Both sides offered at once (RFC 3261 14.1): it waits for its turn, and what it says is out of date by then. */
	if (!ok && ua_invite_refreshing(s->iv)) {
		s->stale = true;
		return;
	}
	if (ok && s->judging == AGENT_JUDGING_ANSWER) {
		s->answered = obj_hold((void *)(size_t)msg);
		return;
	}
	s->renewing = false;
	agent_session_tell(s, (struct sidetone_event){ .type = ok ? SIDETONE_REINVITE_ACCEPTED : SIDETONE_REINVITE_FAILED,
		.message = agent_message(msg), .status = msg ? (int)msg->status : 0,
		.cause = ok ? NULL : msg ? agent_cause(msg->status) : "Request Timeout" });
}

static void on_info(struct sidetone_session *s, struct sip_server_tx *tx, struct sip_msg *msg)
{
	char digit[2] = "";
	uint32_t ms;

	if (ua_info_is_digit(msg) && ua_info_digit(msg, digit, &ms)) {
		ua_invite_reply(s->iv, tx, 200, STR_NULL);
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_DTMF, .text = digit, .text_n = 1, .status = (int)ms,
			.message = agent_message(msg) });
		return;
	}
	struct sidetone_incoming *in = agent_incoming_new(s->ua, tx, s->iv, false);

	if (!in) {
		ua_invite_reply(s->iv, tx, 503, STR_NULL);
		return;
	}
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_INFO, .incoming = in, .message = agent_message(msg) });
	if (tx->status < 200)
		ua_invite_reply(s->iv, tx, 200, STR_NULL);
	sidetone_incoming_free(in);
}

static void request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_session *s = arg;

	obj_hold(s);
	obj_hold(tx);
	switch (msg->method) {
	case SIP_INFO:
		on_info(s, tx, msg);
		break;
	case SIP_NOTIFY:
		ua_invite_reply(s->iv, tx, 200, STR_NULL);
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_NOTIFY, .message = agent_message(msg) });
		break;
	case SIP_OPTIONS:
	case SIP_MESSAGE:
		agent_request_in_call(s->ua, tx, msg);
		break;
	default:
		agent_respond(s->ua, tx, 405, STR_NULL, STR_NULL, STR_NULL, STR_NULL);
	}
	obj_drop(tx);
	obj_drop(s);
}

static void refer(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_session *s = arg;
	struct sidetone_incoming *in = sip_hdr(msg, SIP_H_REFER_TO) ? agent_incoming_new(s->ua, tx, s->iv, true) : NULL;

	if (in)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REFER, .incoming = in, .message = agent_message(msg) });
	else
		ua_invite_reply(s->iv, tx, 400, STR_NULL);
}

/* "SIP/2.0 180 Ringing" */
static unsigned sipfrag_status(struct str body)
{
	uint32_t status = 0;

	str_cut_raw(&body, ' ');
	return str_u32(str_sub(body, 0, 3), &status) ? 0 : status;
}

static bool refer_notified(void *arg, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_session *s = arg;
	struct str event = sip_hdr_value(msg, SIP_H_EVENT);
	unsigned status = sipfrag_status(msg->body);

	if (!str_ieq(str_trim(str_cut(&event, ';')), STR("refer")))
		return false;
	if (!status || !str_istarts(msg->content_type, STR("message/sipfrag"))) {
		ua_invite_reply(s->iv, tx, 489, STR_NULL);
		return true;
	}
	ua_invite_reply(s->iv, tx, 200, STR_NULL);
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REFER_PROGRESS, .status = (int)status,
		.message = agent_message(msg) });
	return true;
}

/* ---- the end ------------------------------------------------------------------------------------- */

static void ended(void *arg, enum ua_end why, struct sip_msg *msg, int err)
{
	struct sidetone_session *s = arg;
	bool up = s->status == SIDETONE_STATUS_CONFIRMED;

	switch (why) {
	case UA_END_BYE:
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_BYE, .message = agent_message(msg) });
		agent_session_over(s, msg, NULL, !up);
		break;
	case UA_END_CANCEL:
		s->status = SIDETONE_CANCELED;
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_CANCEL, .message = agent_message(msg) });
		agent_session_over(s, msg, "Canceled", true);
		break;
	case UA_END_REFUSED:
		agent_session_over(s, msg, s->cancelled ? "Canceled" : agent_cause(msg->status), true);
		break;
	case UA_END_FAILED:
		agent_session_over(s, NULL, err == ECANCELED ? "Canceled" : agent_err_cause(err), true);
		break;
	case UA_END_NO_BODY:
		agent_session_over(s, NULL, "Bad Media Description", true);
		break;
	case UA_END_NO_ACK:
		agent_session_over(s, NULL, "No ACK", false);
		break;
	case UA_END_NO_PRACK:
		agent_session_over(s, NULL, "No PRACK", true);
		break;
	case UA_END_GONE:
		agent_session_over(s, msg, "Dialog Error", !up);
		break;
	case UA_END_EXPIRED:
		agent_session_over(s, NULL, "Expires", false);
		break;
	}
}

const struct ua_invite_user agent_session_user = {
	.offer_make = agent_session_offer_make, .answer_make = agent_session_answer_make,
	.offer_came = agent_session_offer_came, .answer_came = agent_session_answer_came,
	.exchange_failed = agent_session_exchange_failed, .prepare = prepare, .headers = headers, .progress = progress,
	.answered = answered, .acked = acked, .changed = changed, .refreshed = refreshed, .request = request, .refer = refer,
	.refer_notified = refer_notified, .ended = ended,
};

/* ---- begin --------------------------------------------------------------------------------------- */

static enum ua_rel100 rel100_of(enum agent_supported s)
{
	return s == AGENT_REQUIRED ? UA_REL100_REQUIRED : s == AGENT_SUPPORTED ? UA_REL100_SUPPORTED : UA_REL100_NO;
}

static int write_supported(struct sidetone_ua *ua, struct buf *b)
{
	if (ua->config.replaces != AGENT_NONE)
		buf_put(b, STR("replaces, "));
	if (ua->pub_gruu.n || ua->temp_gruu.n)
		buf_put(b, STR("gruu, "));
	buf_put(b, STR("timer, outbound"));
	if (ua->config.option_tags.n)
		buf_puts(b, STR(", "), text_view(&ua->config.option_tags));
	return buf_err(b);
}

static int write_contact(struct sidetone_session *s)
{
	struct buf b = BUF_INIT;
	int err;

	agent_put_contact(s->ua, &b, true, s->anonymous);
	err = buf_err(&b);
	if (!err)
		err = text_set(&s->contact, buf_view(&b));
	buf_free(&b);
	return err;
}

int agent_session_invite_new(struct sidetone_session *s)
{
	struct sidetone_ua *ua = s->ua;
	const struct agent_config *c = &ua->config;
	struct buf supported = BUF_INIT;
	struct ua_invite_prm prm = { .allow = STR_NULL, .server = text_view(&c->user_agent_string),
		.user_agent = text_view(&c->user_agent_string), .max_forwards = 70, .rel100 = rel100_of(c->rel100),
		.timers = UA_TIMERS_YES, .timers_expires_s = SESSION_EXPIRES_S, .timers_min_s = SESSION_LEAST_S,
		.follow_forks = true, .user = &agent_session_user, .arg = s, .hold = s };
	int err = write_contact(s);

	if (!err)
		err = write_supported(ua, &supported);
	if (!err)
		err = text_set(&s->supported, buf_view(&supported));
	buf_free(&supported);
	if (err)
		return err;
	prm.supported = text_view(&s->supported);
	prm.request.credentials = agent_credentials;
	prm.request.credentials_arg = ua;
	prm.request.trying = true;
	return ua_invite_new(&s->iv, &ua->ua, &prm);
}

/* ---- all of an agent ------------------------------------------------------------------------------- */

void agent_sessions_lost(struct sidetone_ua *ua)
{
	list_each_safe(l, next, &ua->sessions) {
		struct sidetone_session *s = container_of(l, struct sidetone_session, link);

		/* Ours hear of it as their INVITE fails; whoever is up goes on when there is a connection again. */
		if (s->theirs && s->status < SIDETONE_ANSWERED)
			agent_session_over(s, NULL, "Connection Error", true);
	}
}

void agent_sessions_end(struct sidetone_ua *ua)
{
	list_each_safe(l, next, &ua->sessions)
		sidetone_session_terminate(container_of(l, struct sidetone_session, link), 0, NULL, NULL);
}

void agent_sessions_free(struct sidetone_ua *ua)
{
	while (!list_empty(&ua->sessions)) {
		struct sidetone_session *s = container_of(ua->sessions.next, struct sidetone_session, link);

		agent_session_over(s, NULL, NULL, false);
	}
}

void sidetone_session_free(struct sidetone_session *s)
{
	if (!s || !s->kept)
		return;
	s->kept = false;
	if (!s->over)
		agent_session_over(s, NULL, NULL, false);
	obj_drop(s);
}

enum sidetone_session_status sidetone_session_status(const struct sidetone_session *s)
{
	return s->status;
}

bool sidetone_session_is_theirs(const struct sidetone_session *s)
{
	return s->theirs;
}

const char *sidetone_session_id(const struct sidetone_session *s)
{
	return text_z(&s->id);
}
