/* Calls that we refuse, cancel or hang up, and the end of all calls of an agent. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include <errno.h>

int agent_session_wrong_state(struct sidetone_session *s)
{
	return agent_fail(s->ua, EPERM, "Invalid status: %d", (int)s->status);
}

int agent_session_set_lines(struct sidetone_session *s, const char *headers)
{
	struct buf b = BUF_INIT;
	int err = agent_put_lines(&b, str_z(headers));

	if (!err)
		err = text_set(&s->lines, buf_view(&b));
	buf_free(&b);
	return err ? agent_fail(s->ua, err, "extraHeaders: not header lines") : 0;
}

void agent_session_refuse(struct sidetone_session *s, unsigned status, const char *cause)
{
	struct sip_msg *msg = obj_hold(s->invite);

	obj_hold(s);
	ua_invite_refuse(s->iv, status, text_view(&s->lines));
	agent_session_over(s, msg, cause, true);
	obj_drop(s);
	obj_drop(msg);
}

int sidetone_session_reject(struct sidetone_session *s, unsigned status, const char *reason, const char *headers)
{
	int err;

	status = status ? status : 480;
	if (!s->theirs || s->over || agent_session_is_answered(s))
		return agent_session_wrong_state(s);
	if (status < 300 || status > 699)
		return agent_fail(s->ua, EINVAL, "Invalid statusCode: %u", status);
	err = agent_session_set_lines(s, headers);
	if (!err)
		err = ua_invite_set_reason(s->iv, str_z(reason));
	if (!err)
		agent_session_refuse(s, status, agent_cause(status));
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
		return agent_session_wrong_state(s);
	/* Answered, while what the answer says is still being set. */
	if (s->iv && ua_invite_state(s->iv) == UA_INVITE_UP)
		return sidetone_session_bye(s, status, reason, headers);
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
	if (!s->iv || (s->theirs && !agent_session_is_answered(s)))
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

/* ---- all of an agent ------------------------------------------------------------------------- */

/* The application may end any of them inside the events of one, so each look begins anew. */
static struct sidetone_session *next_of(struct sidetone_ua *ua, bool (*wanted)(const struct sidetone_session *s))
{
	list_each(l, &ua->sessions) {
		struct sidetone_session *s = container_of(l, struct sidetone_session, link);

		if (wanted(s))
			return s;
	}
	return NULL;
}

/* Ours hear of it as their INVITE fails; whoever is up goes on when there is a connection again. */
static bool is_unanswered(const struct sidetone_session *s)
{
	return s->theirs && !agent_session_is_answered(s);
}

void agent_sessions_lost(struct sidetone_ua *ua)
{
	struct sidetone_session *s;

	while ((s = next_of(ua, is_unanswered)))
		agent_session_over(s, NULL, "Connection Error", true);
}

static bool is_staying(const struct sidetone_session *s)
{
	return !s->leaving;
}

void agent_sessions_end(struct sidetone_ua *ua)
{
	struct sidetone_session *s;

	while ((s = next_of(ua, is_staying))) {
		s->leaving = true;
		sidetone_session_terminate(s, 0, NULL, NULL);
	}
}

void agent_sessions_free(struct sidetone_ua *ua)
{
	while (!list_empty(&ua->sessions)) {
		struct sidetone_session *s = container_of(ua->sessions.next, struct sidetone_session, link);

		agent_session_over(s, NULL, NULL, false);
	}
}
