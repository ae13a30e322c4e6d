/* What the floor below tells of a call, in the words of the events. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include "ua/info.h"
#include <errno.h>

#define SESSION_EXPIRES_S 1800  /* RFC 4028 4: the recommended interval */
#define SESSION_LEAST_S 90

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

	/* Of a re-INVITE that waits for its turn they stay, and are no response's. */
	if (kind != UA_INVITE_RESPONSE || !s->renewing)
		buf_put(b, text_view(&s->lines));
	if (kind != UA_INVITE_REQUEST && !s->renewing)
		text_free(&s->lines);
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

/* Told once its answer is set. */
static void keep_answer(struct sidetone_session *s, const struct sip_msg *msg)
{
	obj_drop(s->answered);
	s->answered = obj_hold((void *)(size_t)msg);
}

static void answered(void *arg, struct sip_msg *msg)
{
	struct sidetone_session *s = arg;

	text_free(&s->lines);   /* they were the INVITE's */
	told_dialog(s);
	if (s->over)
		return;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_ACK_SENT, .text = buf_z(&s->ua->core->sent),
		.text_n = s->ua->core->sent.n });
	if (s->over)
		return;
	if (agent_session_waits_for_answer(s))
		keep_answer(s, msg);
	else
		agent_session_confirm(s, msg);
}

static void acked(void *arg)
{
	struct sidetone_session *s = arg;

	s->status = SIDETONE_STATUS_CONFIRMED;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_CONFIRMED, .message = agent_message(s->ua->core->now) });
}

static void pracked(void *arg)
{
	struct sidetone_session *s = arg;

	if (s->status == SIDETONE_ANSWERED_WAITING_FOR_PRACK && ua_invite_state(s->iv) == UA_INVITE_UP)
		s->is_out(s);
	else if (s->status == SIDETONE_WAITING_FOR_PRACK)
		s->status = s->early ? SIDETONE_EARLY_MEDIA : SIDETONE_WAITING_FOR_ANSWER;
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
	ok = ok && !s->refused;
	s->refused = 0;
	if (ok && agent_session_waits_for_answer(s)) {
		keep_answer(s, msg);
		return;
	}
	text_free(&s->lines);
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
	agent_incoming_lend(in, true);
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_INFO, .incoming = in, .message = agent_message(msg) });
	if (tx->status < 200)
		ua_invite_reply(s->iv, tx, 200, STR_NULL);
	agent_incoming_lend(in, false);
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
		agent_options_came(s->ua, tx);
		break;
	case SIP_MESSAGE:
		agent_message_came(s->ua, tx, msg);
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
		ua_invite_end(s->iv, STR_NULL); /* RFC 3261 13.3.1.4 */
		agent_session_over(s, NULL, "No ACK", false);
		break;
	case UA_END_NO_PRACK:
		agent_session_over(s, NULL, "No PRACK", true);
		break;
	case UA_END_GONE:
		agent_session_over(s, msg, "Dialog Error", !up);
		break;
	case UA_END_NO_TIMER:
	case UA_END_EXPIRED:
		agent_session_over(s, NULL, "Expires", false);
		break;
	}
}

static const struct ua_invite_user session_user = {
	.offer_make = agent_session_offer_make, .answer_make = agent_session_answer_make,
	.offer_came = agent_session_offer_came, .answer_came = agent_session_answer_came,
	.exchange_failed = agent_session_exchange_failed, .prepare = prepare, .headers = headers, .progress = progress,
	.answered = answered, .acked = acked, .pracked = pracked, .offer_wanted = agent_session_offer_wanted, .changed = changed, .refreshed = refreshed, .request = request, .refer = refer,
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

	agent_put_contact(s->ua, &b, !s->theirs, s->anonymous);
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
		.user_agent = text_view(&c->user_agent_string), .max_forwards = 70, .rel100 = s->theirs ? UA_REL100_SUPPORTED : rel100_of(c->rel100),
		.timers = UA_TIMERS_YES, .timers_expires_s = SESSION_EXPIRES_S, .timers_min_s = SESSION_LEAST_S,
		.follow_forks = true, .any_body = true, .user = &session_user, .arg = s, .hold = s };
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
	err = ua_invite_new(&s->iv, &ua->ua, &prm);
	return err || !s->type.n ? err : ua_invite_set_body_type(s->iv, text_view(&s->type));
}
