/* Descriptions of a call's media: asked of the application, and handed in to it. Both may
 * take their time; what waits for them is kept here. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include <errno.h>

/* ---- ours ---------------------------------------------------------------------------------- */

void agent_session_ask(struct sidetone_session *s, enum agent_wish wish, enum sidetone_description what)
{
	s->wish = wish;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_DESCRIBE, .status = (int)what });
}

/* Of their offer: it was judged, and answered. */
static void conclude(struct sidetone_session *s, unsigned status)
{
	if (s->inside) {
		s->decided = true;
		s->verdict = status;
	} else if (s->iv) {
		ua_invite_judged(s->iv, status);
	}
}

void sidetone_session_describe(struct sidetone_session *s, const char *content_type, const char *body)
{
	enum agent_wish wish = s->wish;
	bool ok = body != NULL;

	if (wish == AGENT_WISH_NONE || s->over)
		return;
	obj_hold(s);
	s->wish = AGENT_WISH_NONE;
	if (ok && (text_set(&s->local, str_z(body)) || text_set(&s->type, content_type ? str_z(content_type) : STR("application/sdp"))))
		ok = false;
	switch (wish) {
	case AGENT_WISH_INVITE:
	case AGENT_WISH_REINVITE:
		agent_session_described_out(s, wish, ok);
		break;
	case AGENT_WISH_ACCEPT:
	case AGENT_WISH_PROGRESS:
		agent_session_described_in(s, wish, ok);
		break;
	default:
		conclude(s, ok ? 0 : 488);
	}
	obj_drop(s);
}

static int write_local(struct sidetone_session *s, struct buf *b)
{
	if (!s->local.n)
		return ENODATA;
	buf_put(b, text_view(&s->local));
	return buf_err(b);
}

static void ask_again(void *arg)
{
	agent_session_ask(arg, AGENT_WISH_REINVITE, SIDETONE_OFFER);
}

int agent_session_offer_make(void *arg, struct buf *b)
{
	struct sidetone_session *s = arg;

	if (s->stale) {
		s->stale = s->renewing = false;
		timer_start(s->ua->core->wheel, &s->offer_again, 0, ask_again, s);
		return EAGAIN;
	}
	if (s->without_sdp && s->status < SIDETONE_STATUS_CONFIRMED && !s->theirs)
		return ENODATA;
	return write_local(s, b);
}

int agent_session_answer_make(void *arg, struct buf *b)
{
	return write_local(arg, b);
}

/* ---- theirs ----------------------------------------------------------------------------------- */

unsigned agent_session_set(struct sidetone_session *s, enum agent_judging judging, struct str body)
{
	bool inside = s->inside;
	struct text copy = { 0 };

	if (text_set(&copy, body))
		return 500;
	s->judging = judging;
	s->inside = true;
	s->decided = false;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_SET_DESCRIPTION, .text = text_z(&copy), .text_n = copy.n,
		.cause = "application/sdp", .status = judging == AGENT_JUDGING_ANSWER ? SIDETONE_ANSWER : SIDETONE_OFFER });
	s->inside = inside;
	text_free(&copy);
	return s->decided ? s->verdict : UA_INVITE_LATER;
}

static void tell_renewed(struct sidetone_session *s, struct sip_msg *msg)
{
	s->renewing = false;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE_ACCEPTED, .message = agent_message(msg),
		.status = (int)msg->status });
}

/* The answer to our offer is in force, or cannot be used. */
static void answer_set(struct sidetone_session *s, unsigned status)
{
	struct sip_msg *msg = s->answered;

	if (s->inside) {
		s->decided = true;
		s->verdict = status;
		return;
	}
	s->answered = NULL;
	if (status && s->renewing) {
		s->renewing = false;
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE_FAILED, .message = agent_message(msg),
			.status = (int)status, .cause = "Bad Media Description" });
	} else if (status) {
		sidetone_session_terminate(s, 488, "Not Acceptable Here", NULL);
	} else if (msg && s->renewing) {
		tell_renewed(s, msg);
	} else if (msg) {
		agent_session_confirm(s, msg);
	}
	obj_drop(msg);
}

void sidetone_session_described(struct sidetone_session *s, unsigned status)
{
	enum agent_judging judging = s->judging;

	if (judging == AGENT_JUDGING_NONE || s->over)
		return;
	obj_hold(s);
	s->judging = AGENT_JUDGING_NONE;
	if (judging == AGENT_JUDGING_ANSWER)
		answer_set(s, status);
	else if (judging == AGENT_JUDGING_FIRST)
		agent_session_first_set(s, status);
	else if (status)
		conclude(s, status);
	else
		agent_session_ask(s, AGENT_WISH_ANSWER, SIDETONE_ANSWER);
	obj_drop(s);
}

unsigned agent_session_offer_came(void *arg, struct str body)
{
	struct sidetone_session *s = arg;

	/* Of their INVITE: nothing is made of it before it is accepted. */
	if (s->theirs && s->status <= SIDETONE_INVITE_RECEIVED) {
		s->has_offer = true;
		return text_set(&s->offer, body) ? 503 : 0;
	}
	if (s->status == SIDETONE_STATUS_CONFIRMED || s->theirs)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE, .message = agent_message(s->ua->core->now) });
	return s->over ? 500 : agent_session_set(s, AGENT_JUDGING_OFFER, body);
}

unsigned agent_session_answer_came(void *arg, struct str body)
{
	struct sidetone_session *s = arg;
	unsigned status;

	/* The session timer's re-INVITE says what was agreed on before. */
	if (s->status == SIDETONE_STATUS_CONFIRMED && !s->renewing)
		return 0;
	status = agent_session_set(s, AGENT_JUDGING_ANSWER, body);
	return status == UA_INVITE_LATER ? 0 : status;
}

void agent_session_exchange_failed(void *arg)
{
	struct sidetone_session *s = arg;

	if (s->judging == AGENT_JUDGING_OFFER)
		s->judging = AGENT_JUDGING_NONE;
	if (s->wish == AGENT_WISH_ANSWER)
		s->wish = AGENT_WISH_NONE;
}
