/* A call, whichever side began it: its life, its events, how it ends. */
#define LOG_MODULE "agent"
#include "agent/session.h"

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
	text_free(&s->remote);
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
	struct text copy = { 0 };

	e.session = s;
	if (!s->kept)
		return;
	/* The next message takes its place, perhaps while this one is told of. */
	if (e.text_n && e.text == s->ua->core->sent.p && !text_set(&copy, str_mk(e.text, e.text_n)))
		e.text = text_z(&copy);
	agent_tell(s->ua, e);
	text_free(&copy);
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
	s->described = NULL;
	s->set = NULL;
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

bool agent_session_is_answered(const struct sidetone_session *s)
{
	return s->status == SIDETONE_WAITING_FOR_ACK || s->status == SIDETONE_STATUS_CONFIRMED;
}

void agent_session_confirm(struct sidetone_session *s, const struct sip_msg *msg)
{
	s->status = SIDETONE_STATUS_CONFIRMED;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_ACCEPTED, .message = agent_message(msg),
		.status = (int)msg->status, .cause = sip_reason(msg->status) });
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
