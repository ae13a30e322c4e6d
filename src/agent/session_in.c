/* Calls of others (SIP.InviteServerContext): they come, are announced, answered, refused;
 * and how either side's call is ended by us. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include <errno.h>

/* ---- Replaces (RFC 3891) --------------------------------------------------------------------- */

/* Whom the INVITE takes the place of; 0, or the status that it is refused with. */
static unsigned find_replaced(struct sidetone_ua *ua, const struct sip_msg *msg, struct sidetone_session **out)
{
	const struct sip_hdr *h = sip_hdr_named(msg, STR("Replaces"), 0);
	struct ua_replaces r;
	struct ua_invite *iv;
	struct sidetone_session *s;

	if (!h || ua->config.replaces == AGENT_NONE)
		return 0;
	if (ua_replaces_read(&r, h->value))
		return 400;
	iv = ua_replaces_find(&ua->ua, &r);
	if (!iv)
		return 481;
	s = ua_invite_arg(iv);
	if (!s || s->over)
		return 603;
	if (r.early_only && s->status == SIDETONE_STATUS_CONFIRMED)
		return 486;
	*out = obj_hold(s);
	return 0;
}

/* Its place is taken. */
static void replace(struct sidetone_session *s)
{
	struct sidetone_session *old = s->replaces;

	if (!old)
		return;
	s->replaces = NULL;
	if (!old->over) {
		agent_session_tell(old, (struct sidetone_event){ .type = SIDETONE_REPLACED, .other = s });
		sidetone_session_terminate(old, 0, NULL, NULL);
	}
	obj_drop(old);
}

/* ---- it comes ----------------------------------------------------------------------------------- */

static void on_no_answer(void *arg)
{
	struct sidetone_session *s = arg;
	bool expired = s->expires;
	struct sip_msg *msg = obj_hold(s->invite);

	obj_hold(s);
	ua_invite_refuse(s->iv, expired ? 487 : 408, STR_NULL);
	agent_session_over(s, msg, expired ? "Expires" : "No Answer", true);
	obj_drop(s);
	obj_drop(msg);
}

static void plan_no_answer(struct sidetone_session *s)
{
	uint32_t wait = s->ua->config.no_answer_timeout, expires;

	/* RFC 3261 13.3.1.1 */
	if (!sip_hdr_u32(s->invite, SIP_H_EXPIRES, &expires) && expires < wait) {
		s->expires = true;
		wait = expires;
	}
	timer_start(s->ua->core->wheel, &s->no_answer, 1000ull * wait, on_no_answer, s);
}

static unsigned take(struct sidetone_session *s, struct sip_server_tx *tx, struct sip_msg *msg, struct buf *headers)
{
	unsigned status = find_replaced(s->ua, msg, &s->replaces);
	struct buf b = BUF_INIT;

	if (status)
		return status;
	s->status = SIDETONE_INVITE_RECEIVED;
	s->invite = obj_hold(msg);
	if (agent_session_invite_new(s))
		return 503;
	status = ua_invite_take(s->iv, tx, msg, text_view(&s->contact), text_view(&s->ua->via_host), headers);
	if (status)
		return status;
	buf_puts(&b, msg->call_id, msg->from.tag);
	text_set(&s->id, buf_view(&b));
	buf_free(&b);
	return 0;
}

void agent_invite_came(struct sidetone_ua *ua, struct sip_server_tx *tx, struct sip_msg *msg)
{
	struct sidetone_session *s = ua->stopping ? NULL : agent_session_new(ua, true);
	struct buf headers = BUF_INIT;
	unsigned status = s ? take(s, tx, msg, &headers) : 503;

	if (status) {
		agent_respond(ua, tx, status, STR_NULL, buf_view(&headers), STR_NULL, STR_NULL);
		if (s) {
			agent_session_over(s, NULL, NULL, false);
			obj_drop(s);
		}
		buf_free(&headers);
		return;
	}
	buf_free(&headers);
	s->kept = true;
	/* A 180 that has to be acknowledged is left to progress(). */
	if (!sip_hdr_has_token(msg, SIP_H_REQUIRE, STR("100rel")))
		ua_invite_ring(s->iv, 180, false);
	s->status = SIDETONE_WAITING_FOR_ANSWER;
	plan_no_answer(s);
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_INVITE, .message = agent_message(msg) });
}

/* ---- answers of the application -------------------------------------------------------------------- */

static int wrong_state(struct sidetone_session *s)
{
	return agent_fail(s->ua, EPERM, "Invalid status: %d", (int)s->status);
}

static int set_lines(struct sidetone_session *s, const char *headers)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, str_z(headers));

	if (!err)
		err = text_set(&s->lines, buf_view(&b));
	buf_free(&b);
	return err ? agent_fail(s->ua, err, "extraHeaders: not header lines") : 0;
}

static void refuse(struct sidetone_session *s, unsigned status, const char *cause)
{
	struct sip_msg *msg = obj_hold(s->invite);

	obj_hold(s);
	ua_invite_refuse(s->iv, status, text_view(&s->lines));
	agent_session_over(s, msg, cause, true);
	obj_drop(s);
	obj_drop(msg);
}

static void send_200(struct sidetone_session *s)
{
	int err = ua_invite_answer(s->iv);

	if (s->over)
		return;
	if (err) {
		refuse(s, 500, "Internal Error");
		return;
	}
	timer_stop(&s->no_answer);
	s->status = ua_invite_state(s->iv) == UA_INVITE_ANSWERING ? SIDETONE_ANSWERED_WAITING_FOR_PRACK : SIDETONE_WAITING_FOR_ACK;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_ACCEPTED, .text = buf_z(&s->ua->core->sent),
		.text_n = s->ua->core->sent.n, .status = 200, .cause = "OK" });
	if (!s->over)
		replace(s);
}

static void send_1xx(struct sidetone_session *s, bool body)
{
	if (s->reliable)
		ua_invite_set_rel100(s->iv, UA_REL100_PEER_SUPPORTED);
	if (ua_invite_ring(s->iv, s->progress_status, body) || s->over)
		return;
	if (body)
		s->early = true;
	if (s->reliable)
		s->status = SIDETONE_WAITING_FOR_PRACK;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_PROGRESS, .text = buf_z(&s->ua->core->sent),
		.text_n = s->ua->core->sent.n, .status = (int)s->progress_status });
}

void agent_session_described_in(struct sidetone_session *s, enum agent_wish wish, bool ok)
{
	if (!ok)
		refuse(s, 480, "WebRTC Error");
	else if (wish == AGENT_WISH_ACCEPT)
		send_200(s);
	else
		send_1xx(s, true);
}

void agent_session_first_set(struct sidetone_session *s, unsigned status)
{
	if (status)
		refuse(s, status, status == 415 ? "Bad Media Description" : "Incompatible SDP");
	else
		agent_session_ask(s, s->status == SIDETONE_ANSWERED ? AGENT_WISH_ACCEPT : AGENT_WISH_PROGRESS, SIDETONE_ANSWER);
}

/* Their offer is set, or ours is asked for: then the response leaves. */
static void begin_response(struct sidetone_session *s, enum agent_wish wish)
{
	if (s->invite->body.n && !s->has_offer)
		refuse(s, 415, "Bad Media Description");
	else if (s->has_offer)
		agent_session_set(s, AGENT_JUDGING_FIRST, text_view(&s->offer));
	else
		agent_session_ask(s, wish, SIDETONE_OFFER);
}

int sidetone_session_accept(struct sidetone_session *s, const char *headers)
{
	int err;

	if (!s->theirs || (s->status != SIDETONE_WAITING_FOR_ANSWER && s->status != SIDETONE_EARLY_MEDIA &&
			   s->status != SIDETONE_WAITING_FOR_PRACK))
		return wrong_state(s);
	err = set_lines(s, headers);
	if (err)
		return err;
	obj_hold(s);
	s->status = SIDETONE_ANSWERED;
	if (s->early)
		send_200(s);
	else
		begin_response(s, AGENT_WISH_ACCEPT);
	obj_drop(s);
	return 0;
}

int sidetone_session_progress(struct sidetone_session *s, unsigned status, const char *reason, const char *headers, bool reliable)
{
	bool can, must;
	int err;

	if (!s->theirs || s->over || s->status >= SIDETONE_ANSWERED)
		return wrong_state(s);
	can = sip_hdr_has_token(s->invite, SIP_H_SUPPORTED, STR("100rel"));
	must = sip_hdr_has_token(s->invite, SIP_H_REQUIRE, STR("100rel"));
	s->reliable = must || (can && (reliable || s->ua->config.rel100 == AGENT_REQUIRED));
	status = status ? status : s->reliable ? 183 : 180;
	if (status < 100 || status > 199)
		return agent_fail(s->ua, EINVAL, "Invalid statusCode: %u", status);
	err = set_lines(s, headers);
	if (!err)
		err = ua_invite_set_reason(s->iv, str_z(reason));
	if (err)
		return err;
	s->progress_status = status;
	obj_hold(s);
	if (s->reliable && status > 100 && !s->early)
		begin_response(s, AGENT_WISH_PROGRESS);
	else
		send_1xx(s, false);
	obj_drop(s);
	return 0;
}

int sidetone_session_reject(struct sidetone_session *s, unsigned status, const char *reason, const char *headers)
{
	int err;

	status = status ? status : 480;
	if (!s->theirs || s->over || s->status >= SIDETONE_WAITING_FOR_ACK)
		return wrong_state(s);
	if (status < 300 || status > 699)
		return agent_fail(s->ua, EINVAL, "Invalid statusCode: %u", status);
	err = set_lines(s, headers);
	if (!err)
		err = ua_invite_set_reason(s->iv, str_z(reason));
	if (!err)
		refuse(s, status, agent_cause(status));
	return err;
}

/* ---- ended by us ------------------------------------------------------------------------------------ */

/* "Reason: SIP ;cause=200 ;text="..."" (RFC 3326) and the application's lines. */
static int write_reason(struct sidetone_session *s, struct buf *b, unsigned status, const char *reason, const char *headers)
{
	if (status && (status < 200 || status > 699))
		return agent_fail(s->ua, EINVAL, "Invalid status_code: %u", status);
	if (status) {
		buf_printf(b, "Reason: SIP ;cause=%u ;text=", status);
		sip_write_quoted(b, reason ? str_z(reason) : str_z(sip_reason(status)));
		buf_put(b, STR("\r\n"));
	}
	return agent_put_lines(b, str_z(headers));
}

int sidetone_session_cancel(struct sidetone_session *s, unsigned status, const char *reason, const char *headers)
{
	struct buf b = BUF_INIT;
	int err;

	if (s->theirs || s->over || s->cancelled || s->status == SIDETONE_STATUS_CONFIRMED)
		return wrong_state(s);
	err = write_reason(s, &b, status, reason, headers);
	if (!err) {
		obj_hold(s);
		s->cancelled = true;
		s->status = SIDETONE_CANCELED;
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_CANCEL });
		if (!s->over && s->iv)
			ua_invite_cancel(s->iv, buf_view(&b));
		else if (!s->over)
			agent_session_over(s, NULL, "Canceled", true);
		obj_drop(s);
	}
	buf_free(&b);
	return err;
}

int sidetone_session_bye(struct sidetone_session *s, unsigned status, const char *reason, const char *headers)
{
	struct buf b = BUF_INIT;
	int err;

	if (s->over)
		return 0;
	if (!s->iv || (s->theirs && s->status < SIDETONE_WAITING_FOR_ACK))
		return s->theirs ? sidetone_session_reject(s, 0, NULL, headers) : sidetone_session_cancel(s, status, reason, headers);
	err = write_reason(s, &b, status, reason, headers);
	if (!err) {
		obj_hold(s);
		buf_reset(&s->ua->core->sent);
		ua_invite_end(s->iv, buf_view(&b));
		/* It may have to wait for the ACK: then there is no text of it yet. */
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_BYE, .text = buf_z(&s->ua->core->sent),
			.text_n = s->ua->core->sent.n });
		agent_session_over(s, NULL, NULL, false);
		obj_drop(s);
	}
	buf_free(&b);
	return err;
}

int sidetone_session_terminate(struct sidetone_session *s, unsigned status, const char *reason, const char *headers)
{
	if (s->over)
		return 0;
	if (s->status == SIDETONE_STATUS_CONFIRMED || s->status == SIDETONE_WAITING_FOR_ACK)
		return sidetone_session_bye(s, status, reason, headers);
	if (s->theirs)
		return sidetone_session_reject(s, status, reason, headers);
	return s->cancelled ? 0 : sidetone_session_cancel(s, status, reason, headers);
}
