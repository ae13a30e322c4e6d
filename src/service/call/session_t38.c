/* service/call/session_t38.c -- T.38 of a call: what the channel and the peer ask of each other. What stands in
 * SDP is session_t38_sdp.c's. */
#define LOG_MODULE "t38"
#include "base/log.h"
#include "service/call/channel_tech.h"
#include "service/call/session_t38_private.h"
#include <errno.h>
#include <stdlib.h>

/* As in Asterisk: who does not decide has refused. */
#define PATIENCE_MS 5000

struct session_t38 *session_t38_get(struct session *s)
{
	if (s->t38)
		return s->t38;
	s->t38 = calloc(1, sizeof(*s->t38));
	if (!s->t38)
		return NULL;
	s->t38->ec = (enum udptl_ec)s->ep->t38_udptl_ec;
	s->t38->entries = s->svc->calls.udptl.entries ? s->svc->calls.udptl.entries : UDPTL_ENTRIES;
	s->t38->far_max = s->ep->t38_udptl_maxdatagram;
	return s->t38;
}

void session_t38_end(struct session *s)
{
	if (s->t38)
		timer_stop(&s->t38->patience);
}

void session_t38_free(struct session *s)
{
	session_t38_end(s);
	free(s->t38);
	s->t38 = NULL;
}

static enum session_t38_state state_of(const struct session *s)
{
	return s->t38 ? s->t38->state : SESSION_T38_DISABLED;
}

int session_t38_channel_state(const struct session *s)
{
	if (!session_t38_allowed(s))
		return T38_UNAVAILABLE;
	switch (state_of(s)) {
	case SESSION_T38_LOCAL:
	case SESSION_T38_PEER:
		return T38_NEGOTIATING;
	case SESSION_T38_ENABLED:
		return T38_NEGOTIATED;
	case SESSION_T38_REJECTED:
		return T38_REJECTED;
	default:
		return T38_UNKNOWN;
	}
}

const char *session_t38_name(const struct session *s)
{
	static const char *const names[] = { [SESSION_T38_DISABLED] = "DISABLED", [SESSION_T38_LOCAL] = "LOCAL_REINVITE",
		[SESSION_T38_PEER] = "REMOTE_REINVITE", [SESSION_T38_ENABLED] = "ENABLED", [SESSION_T38_REJECTED] = "REJECTED" };

	return names[state_of(s)];
}

struct media_session *session_t38_media(struct session *s)
{
	struct neg_stream *st = s->neg && state_of(s) == SESSION_T38_ENABLED ? neg_first(s->neg, MEDIA_IMAGE) : NULL;

	return st ? session_stream_media(st) : NULL;
}

/* ---- to the channel ---------------------------------------------------------------------- */

static void tell(struct session *s, enum t38_what what)
{
	struct t38_parameters p = { .what = what };

	if (!s->ch)
		return;
	if (what == T38_ASK_NEGOTIATE || what == T38_IS_NEGOTIATED) {
		p = s->t38->theirs;
		p.what = what;
		p.max_ifp = session_t38_far_max_ifp(s);
	}
	log_debug(2, "T.38 of %s: %s", text_z(&s->ch->name), t38_what_name(what));
	if (channel_t38_tell(s->ch, &p))
		log_error("out of memory: %s does not hear of T.38", text_z(&s->ch->name));
}

static void change(struct session *s, enum session_t38_state to)
{
	struct session_t38 *t = s->t38;
	enum session_t38_state was = t->state;

	if (was == to)
		return;
	t->state = to;
	timer_stop(&t->patience);
	/* Whose stream of T.38 goes where is another question now. */
	if (s->ch && (to == SESSION_T38_ENABLED || was == SESSION_T38_ENABLED))
		channel_event_simple(s->ch, CE_MEDIA);
	if (to == SESSION_T38_ENABLED)
		tell(s, T38_IS_NEGOTIATED);
	else if (to != SESSION_T38_LOCAL && was == SESSION_T38_ENABLED)
		tell(s, T38_IS_TERMINATED);
	else if (to != SESSION_T38_LOCAL && was == SESSION_T38_LOCAL)
		tell(s, T38_IS_REFUSED);
}

/* ---- what the peer asked, decided ----------------------------------------------------------- */

/* The image stream is declined, and with nothing else in it the whole offer. */
static void refuse(struct session *s)
{
	change(s, SESSION_T38_DISABLED);
	ua_invite_judged(s->iv, s->t38->without(s));
}

static void lose_patience(void *arg)
{
	struct session *s = arg;

	log_debug(2, "'%.*s' asked for T.38 and nobody has decided: refused", STR_ARG(s->ep->name));
	obj_hold(s);
	refuse(s);
	obj_drop(s);
}

/* What both can (ITU-T T.38 table D.1). */
static void consent(struct session *s, const struct t38_parameters *p)
{
	struct session_t38 *t = s->t38;

	t->ours = *p;
	t->ours.fill_bit_removal &= t->theirs.fill_bit_removal;
	t->ours.transcoding_mmr &= t->theirs.transcoding_mmr;
	t->ours.transcoding_jbig &= t->theirs.transcoding_jbig;
	if (t->theirs.version < t->ours.version)
		t->ours.version = t->theirs.version;
	t->ours.management = t->theirs.management;
	timer_stop(&t->patience);
	/* session_t38_settle() says the rest, when the answer is in force. */
	ua_invite_judged(s->iv, 0);
}

static void ask_channel(void *arg)
{
	struct session *s = arg;

	s->t38->asking = false;
	if (s->t38->state == SESSION_T38_PEER)
		tell(s, T38_ASK_NEGOTIATE);
	obj_drop(s);
}

bool session_t38_must_wait(struct session *s, unsigned (*without)(struct session *s))
{
	struct neg_stream *st = neg_first(s->neg, MEDIA_IMAGE);

	if (!st)
		return false;
	session_t38_read(s);
	if (s->t38->state != SESSION_T38_DISABLED && s->t38->state != SESSION_T38_REJECTED)
		return false;
	s->t38->without = without;
	change(s, SESSION_T38_PEER);
	if (s->svc->wheel)
		timer_start(s->svc->wheel, &s->t38->patience, PATIENCE_MS, lose_patience, s);
	/* Who is asked may decide at once, and the offer has to be seen to wait first. */
	if (!s->t38->asking) {
		s->t38->asking = true;
		loop_defer_call(s->svc->loop, &s->t38->ask, ask_channel, obj_hold(s));
	}
	return true;
}

/* ---- what the channel asks --------------------------------------------------------------------- */

static void go_back(struct session *s)
{
	s->t38->back = true;
	change(s, SESSION_T38_DISABLED);
	ua_invite_refresh(s->iv, false);
}

static void ask(struct session *s, const struct t38_parameters *p)
{
	s->t38->ours = *p;
	s->t38->back = false;
	if (s->t38->state == SESSION_T38_LOCAL)
		return;
	change(s, SESSION_T38_LOCAL);
	s->t38->offered = false;
	if (ua_invite_refresh(s->iv, false))
		change(s, SESSION_T38_REJECTED);
}

static void negotiate(struct session *s, const struct t38_parameters *p)
{
	enum session_t38_state st = s->t38->state;

	if (!p->max_ifp && st == SESSION_T38_PEER)
		refuse(s);
	else if (!p->max_ifp && st == SESSION_T38_ENABLED)
		go_back(s);
	else if (p->max_ifp && st == SESSION_T38_PEER)
		consent(s, p);
	else if (p->max_ifp && (st != SESSION_T38_ENABLED || p->what == T38_ASK_NEGOTIATE))
		ask(s, p);
}

static void terminate(struct session *s)
{
	if (s->t38->state == SESSION_T38_PEER)
		refuse(s);
	else if (s->t38->state == SESSION_T38_ENABLED)
		go_back(s);
}

/* t38_udptl=no: the answer comes at once. */
static int deny(struct session *s, enum t38_what what)
{
	if (what == T38_ASK_NEGOTIATE)
		tell(s, T38_IS_REFUSED);
	else if (what == T38_ASK_TERMINATE)
		tell(s, T38_IS_TERMINATED);
	return 0;
}

int session_t38_indicate(struct session *s, const struct t38_parameters *p)
{
	if (!session_t38_allowed(s))
		return deny(s, p->what);
	if (!session_t38_get(s))
		return ENOMEM;
	obj_hold(s);
	switch (p->what) {
	case T38_ASK_NEGOTIATE:
	case T38_IS_NEGOTIATED:
		negotiate(s, p);
		break;
	case T38_ASK_TERMINATE:
	case T38_IS_TERMINATED:
	case T38_IS_REFUSED:
		terminate(s);
		break;
	case T38_ASK_PARAMETERS:
		if (s->t38->state == SESSION_T38_PEER)
			tell(s, T38_ASK_NEGOTIATE);
		break;
	}
	obj_drop(s);
	return 0;
}

/* ---- what came of it -------------------------------------------------------------------------------- */

void session_t38_settle(struct session *s)
{
	struct session_t38 *t = s->t38;
	bool image = s->neg && neg_first(s->neg, MEDIA_IMAGE);

	if (!t)
		return;
	if (image && t->state == SESSION_T38_PEER)
		change(s, SESSION_T38_ENABLED);
	else if (!image && (t->state == SESSION_T38_ENABLED || t->state == SESSION_T38_PEER))
		change(s, SESSION_T38_DISABLED);
	if (!image)
		t->back = false;
}

void session_t38_refreshed(struct session *s, const struct sip_msg *msg)
{
	struct session_t38 *t = s->t38;
	bool good = msg && msg->status < 300;

	/* One that was under way before ours, or ours again. */
	if (!t || t->state != SESSION_T38_LOCAL || ua_invite_refreshing(s->iv) || !t->offered)
		return;
	t->offered = false;
	if (neg_first(s->neg, MEDIA_IMAGE)) {
		/* It was a fax call before, and still is. */
		if (!good)
			tell(s, T38_IS_REFUSED);
		change(s, SESSION_T38_ENABLED);
	} else {
		change(s, good ? SESSION_T38_DISABLED : SESSION_T38_REJECTED);
	}
}

void session_t38_failed(struct session *s)
{
	if (s->t38 && s->t38->state == SESSION_T38_PEER)
		change(s, SESSION_T38_DISABLED);
}
