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

static void is_out(struct sidetone_session *s);

static unsigned take(struct sidetone_session *s, struct sip_server_tx *tx, struct sip_msg *msg, struct buf *headers)
{
	unsigned status = find_replaced(s->ua, msg, &s->replaces);
	struct buf b = BUF_INIT;

	if (status)
		return status;
	s->status = SIDETONE_INVITE_RECEIVED;
	s->is_out = is_out;
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

static void is_out(struct sidetone_session *s)
{
	s->status = SIDETONE_WAITING_FOR_ACK;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_ACCEPTED, .text = buf_z(&s->ua->core->sent),
		.text_n = s->ua->core->sent.n, .status = 200, .cause = "OK" });
	if (!s->over)
		replace(s);
}

static void send_200(struct sidetone_session *s)
{
	int err = ua_invite_answer(s->iv);

	if (s->over)
		return;
	if (err) {
		agent_session_refuse(s, 500, "Internal Error");
		return;
	}
	timer_stop(&s->no_answer);
	/* It waits for the PRACK of a reliable response: is_out() follows. */
	if (ua_invite_state(s->iv) == UA_INVITE_ANSWERING)
		s->status = SIDETONE_ANSWERED_WAITING_FOR_PRACK;
	else
		is_out(s);
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

static void made_for_200(struct sidetone_session *s, bool ok)
{
	if (ok)
		send_200(s);
	else
		agent_session_refuse(s, 480, "WebRTC Error");
}

static void made_for_1xx(struct sidetone_session *s, bool ok)
{
	if (ok && s->status == SIDETONE_ANSWERED)
		send_200(s);
	else if (ok)
		send_1xx(s, true);
	else
		agent_session_refuse(s, 480, "WebRTC Error");
}

static void first_set(struct sidetone_session *s, unsigned status)
{
	if (status)
		agent_session_refuse(s, status, status == 415 ? "Bad Media Description" : "Incompatible SDP");
	else
		agent_session_ask(s, SIDETONE_ANSWER, s->status == SIDETONE_ANSWERED ? made_for_200 : made_for_1xx);
}

/* Their offer is set, or ours is asked for: then the response leaves. */
static void begin_response(struct sidetone_session *s, agent_described_fn *fn)
{
	if (s->invite->body.n && !s->has_offer)
		agent_session_refuse(s, 415, "Bad Media Description");
	else if (s->has_offer)
		agent_session_set(s, SIDETONE_OFFER, text_view(&s->offer), first_set);
	else
		agent_session_ask(s, SIDETONE_OFFER, fn);
}

int sidetone_session_accept(struct sidetone_session *s, const char *headers)
{
	int err;

	if (!s->theirs || (s->status != SIDETONE_WAITING_FOR_ANSWER && s->status != SIDETONE_EARLY_MEDIA &&
			   s->status != SIDETONE_WAITING_FOR_PRACK))
		return agent_session_wrong_state(s);
	err = agent_session_set_lines(s, headers);
	if (err)
		return err;
	obj_hold(s);
	s->status = SIDETONE_ANSWERED;
	if (s->set || s->described)
		;       /* progress() has asked for what the 200 needs too */
	else if (s->early)
		send_200(s);
	else
		begin_response(s, made_for_200);
	obj_drop(s);
	return 0;
}

static bool may_progress(const struct sidetone_session *s)
{
	return s->status == SIDETONE_WAITING_FOR_ANSWER || s->status == SIDETONE_WAITING_FOR_PRACK ||
	       s->status == SIDETONE_EARLY_MEDIA;
}

int sidetone_session_progress(struct sidetone_session *s, unsigned status, const char *reason, const char *headers, bool reliable)
{
	bool can, must;
	int err;

	if (!s->theirs || s->over || !may_progress(s))
		return agent_session_wrong_state(s);
	can = sip_hdr_has_token(s->invite, SIP_H_SUPPORTED, STR("100rel"));
	must = sip_hdr_has_token(s->invite, SIP_H_REQUIRE, STR("100rel"));
	s->reliable = must || (can && (reliable || s->ua->config.rel100 == AGENT_REQUIRED));
	status = status ? status : s->reliable ? 183 : 180;
	if (status < 100 || status > 199)
		return agent_fail(s->ua, EINVAL, "Invalid statusCode: %u", status);
	err = agent_session_set_lines(s, headers);
	if (!err)
		err = ua_invite_set_reason(s->iv, str_z(reason));
	if (err)
		return err;
	s->progress_status = status;
	obj_hold(s);
	if (s->reliable && status > 100 && !s->early)
		begin_response(s, made_for_1xx);
	else
		send_1xx(s, false);
	obj_drop(s);
	return 0;
}
