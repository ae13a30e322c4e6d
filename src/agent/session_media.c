/* Descriptions of a call's media: asked of the application, and handed in to it. Both may
 * take their time; what waits for them is kept here. */
#define LOG_MODULE "agent"
#include "agent/session.h"
#include <errno.h>

/* ---- ours ---------------------------------------------------------------------------------- */

void agent_session_ask(struct sidetone_session *s, enum sidetone_description what, agent_described_fn *fn)
{
	s->described = fn;
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
	agent_described_fn *fn = s->described;
	struct str type = content_type ? str_z(content_type) : STR("application/sdp");
	bool ok = body != NULL;

	if (!fn || s->over)
		return;
	obj_hold(s);
	s->described = NULL;
	/* Our INVITE is there only when its offer is. */
	if (ok && (text_set(&s->local, str_z(body)) || text_set(&s->type, type) || (s->iv && ua_invite_set_body_type(s->iv, type))))
		ok = false;
	fn(s, ok);
	obj_drop(s);
}

static int write_local(struct sidetone_session *s, struct buf *b)
{
	if (!s->local.n)
		return ENODATA;
	buf_put(b, text_view(&s->local));
	return buf_err(b);
}

void agent_session_renew(struct sidetone_session *s, bool ok)
{
	int err;

	s->renewing = ok;
	err = ok ? ua_invite_refresh(s->iv, s->update) : ECANCELED;
	if (err) {
		s->renewing = false;
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE_FAILED, .cause = "WebRTC Error" });
	}
}

static void ask_again(void *arg)
{
	agent_session_ask(arg, SIDETONE_OFFER, agent_session_renew);
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

/* Of the message that brought a description. */
static int type_of(const struct sip_msg *msg, struct text *out)
{
	struct str type = msg ? msg->content_type : STR_NULL;

	/* The part of several that is one, or nobody said. */
	if (!type.n || str_istarts(type, STR("multipart/")))
		type = STR("application/sdp");
	return text_set(out, type);
}

unsigned agent_session_set(struct sidetone_session *s, enum sidetone_description what, struct str body, agent_set_fn *fn)
{
	bool inside = s->inside;
	bool first = s->theirs && s->status < SIDETONE_WAITING_FOR_ACK;
	struct text copy = { 0 }, type = { 0 };

	if (text_set(&copy, body) || type_of(first ? s->invite : s->ua->core->now, &type)) {
		text_free(&copy);
		return 500;
	}
	text_set(&s->remote, body);
	s->set = fn;
	s->inside = true;
	s->decided = false;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_SET_DESCRIPTION, .text = text_z(&copy), .text_n = copy.n,
		.cause = text_z(&type), .status = (int)what });
	s->inside = inside;
	text_free(&copy);
	text_free(&type);
	if (s->over)            /* ended by what it was told */
		return 481;
	return s->decided ? s->verdict : UA_INVITE_LATER;
}

static void tell_renewed(struct sidetone_session *s, struct sip_msg *msg)
{
	s->renewing = false;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE_ACCEPTED, .message = agent_message(msg),
		.status = (int)msg->status });
}

/* Their 2xx was acknowledged, and its answer cannot be used (RFC 3261 13.2.2.4). */
static void refuse_answer(struct sidetone_session *s, struct sip_msg *msg)
{
	obj_hold(s);
	ua_invite_end(s->iv, STR("Reason: SIP ;cause=488 ;text=\"Not Acceptable Here\"\r\n"));
	agent_session_over(s, msg, "Bad Media Description", true);
	obj_drop(s);
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
		refuse_answer(s, msg);
	} else if (msg && s->renewing) {
		tell_renewed(s, msg);
	} else if (msg) {
		agent_session_confirm(s, msg);
	}
	obj_drop(msg);
}

bool agent_session_waits_for_answer(const struct sidetone_session *s)
{
	return s->set == answer_set;
}

static void refuse_theirs(struct sidetone_session *s, unsigned status)
{
	conclude(s, status);
	if (s->status == SIDETONE_STATUS_CONFIRMED)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE_FAILED, .status = (int)status,
			.cause = agent_cause(status) });
}

static void answer_made(struct sidetone_session *s, bool ok)
{
	s->stale = s->renewing;         /* what waits for its turn was another one */
	if (ok)
		conclude(s, 0);
	else
		refuse_theirs(s, 488);
}

static void offer_set(struct sidetone_session *s, unsigned status)
{
	if (status)
		refuse_theirs(s, status);
	else
		agent_session_ask(s, SIDETONE_ANSWER, answer_made);
}

void sidetone_session_described(struct sidetone_session *s, unsigned status)
{
	agent_set_fn *fn = s->set;

	if (!fn || s->over)
		return;
	obj_hold(s);
	s->set = NULL;
	fn(s, status);
	obj_drop(s);
}

/* Ours is being made, or made again: it goes first. */
static bool is_renewing(const struct sidetone_session *s)
{
	return s->described == agent_session_renew || timer_running(&s->offer_again);
}

unsigned agent_session_offer_came(void *arg, struct str body)
{
	struct sidetone_session *s = arg;

	/* Of their INVITE: nothing is made of it before it is accepted. */
	if (s->theirs && s->status <= SIDETONE_INVITE_RECEIVED) {
		s->has_offer = true;
		return text_set(&s->offer, body) ? 503 : 0;
	}
	if (is_renewing(s))
		return 491;
	if (s->status == SIDETONE_STATUS_CONFIRMED || s->theirs)
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE, .message = agent_message(s->ua->core->now) });
	return s->over ? 500 : agent_session_set(s, SIDETONE_OFFER, body, offer_set);
}

unsigned agent_session_answer_came(void *arg, struct str body)
{
	struct sidetone_session *s = arg;
	unsigned status;

	/* The session timer's re-INVITE mostly says what was agreed on before. */
	if (s->status == SIDETONE_STATUS_CONFIRMED && !s->renewing && str_eq(body, text_view(&s->remote)))
		return 0;
	status = agent_session_set(s, SIDETONE_ANSWER, body, answer_set);
	s->refused = status == UA_INVITE_LATER ? 0 : status;
	return status == UA_INVITE_LATER ? 0 : status;
}

static void late_offer_made(struct sidetone_session *s, bool ok)
{
	conclude(s, ok ? 0 : 488);
}

/* Their re-INVITE asks for an offer of ours. */
unsigned agent_session_offer_wanted(void *arg)
{
	struct sidetone_session *s = arg;
	bool inside = s->inside;

	if (is_renewing(s))
		return 491;
	agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE, .message = agent_message(s->ua->core->now) });
	if (s->over)
		return 481;
	s->inside = true;
	s->decided = false;
	agent_session_ask(s, SIDETONE_OFFER, late_offer_made);
	s->inside = inside;
	if (s->over)
		return 481;
	return s->decided ? s->verdict : UA_INVITE_LATER;
}

void agent_session_exchange_failed(void *arg)
{
	struct sidetone_session *s = arg;

	bool theirs = s->set == offer_set || s->described == answer_made || s->described == late_offer_made;

	if (s->set == offer_set)
		s->set = NULL;
	if (theirs)
		s->described = NULL;
	if (theirs && !s->inside && s->status == SIDETONE_STATUS_CONFIRMED)     /* it was cancelled */
		agent_session_tell(s, (struct sidetone_event){ .type = SIDETONE_REINVITE_FAILED, .cause = "Canceled" });
}
