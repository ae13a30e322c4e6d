/* What happens to a channel: one queue or one sink, in order. */
#define LOG_MODULE "channel"
#include "base/log.h"
#include "base/obj.h"
#include "media/media.h"
#include "pbx/channel_private.h"
#include "pbx/event.h"
#include <errno.h>
#include <stdlib.h>

/* A channel whose fiber never looks must not collect for ever; what decides
 * about the call still comes through. */
#define QUEUE_MAX 256

#define SETTLE_MS 500   /* from an answer to the first packet, at most */

struct chan_event *chan_event_new(enum chan_event_type t)
{
	struct chan_event *e = calloc(1, sizeof(*e));

	if (e)
		e->type = t;
	return e;
}

void chan_event_free(struct chan_event *e)
{
	if (!e)
		return;
	text_free(&e->text);
	text_free(&e->text2);
	if (e->party) {
		party_free(e->party);
		free(e->party);
	}
	if (e->redirecting) {
		redirecting_free(e->redirecting);
		free(e->redirecting);
	}
	obj_drop(e->data);
	free(e);
}

static bool decides(enum chan_event_type t)
{
	return t <= CE_INCOMPLETE || t == CE_FORWARD || t == CE_PLAY_DONE || t == CE_WAKE;
}

static void deliver(struct channel *ch, struct chan_event *e)
{
	if (ch->sink) {
		ch->sink(ch->sink_arg, ch, e);
		return;
	}
	if (ch->queued >= QUEUE_MAX && !decides(e->type)) {
		chan_event_free(e);
		return;
	}
	if (e->type == CE_HANGUP && !ch->fiber && !ch->owned)
		channel_destroy_soon(ch);
	list_append(&ch->queue, &e->link);
	ch->queued++;
	fiber_wake(ch->waiter);
}

/* What an event means for the channel itself, whoever gets it. */
static void note(struct channel *ch, const struct chan_event *e)
{
	switch (e->type) {
	case CE_HANGUP:
		ch->hungup = true;
		if (e->cause)
			ch->cause = e->cause;
		channel_tell_hangup_request(ch, "HangupRequest", e->cause);
		break;
	case CE_ANSWER:
		channel_set_state(ch, CHAN_UP);
		break;
	case CE_RINGING:
		if (ch->outgoing && ch->state != CHAN_UP)
			channel_set_state(ch, CHAN_RINGING);
		break;
	case CE_HOLD:
		channel_tell_hold(ch, text_view(&e->text));
		break;
	case CE_UNHOLD:
		channel_tell(ch, "Unhold", EV_CALL);
		break;
	case CE_DTMF_BEGIN:
	case CE_DTMF_END:
		if (log_mask() & (1u << LOG_DTMF))
			log_write(LOG_DTMF, LOG_MODULE, 0, "DTMF %s '%c' received on %s",
				  e->type == CE_DTMF_END ? "end" : "begin", e->digit, text_z(&ch->name));
		channel_tell_digit(ch, e->type == CE_DTMF_END, e->digit, e->ms, "Received");
		break;
	case CE_FLASH:
		channel_tell(ch, "Flash", EV_CALL);
		break;
	case CE_PLAY_DONE:
		if (ch->moh && e->tag == ch->moh_tag && !e->cause)
			channel_moh_again(ch);
		break;
	default:
		break;
	}
}

/* Sounds for a Local half play in the session behind its twin: their end is told
 * to whoever asked for them. */
static struct channel *player_of(struct channel *ch, struct chan_event *e)
{
	if (!e->tag)
		e->tag = e->ms;         /* a technology that knows no better field */
	return ch->player && e->tag && ch->play_tag == e->tag ? ch->player : ch;
}

void channel_event(struct channel *ch, struct chan_event *e)
{
	if (!e)
		return;
	if (e->type == CE_PLAY_DONE)
		ch = player_of(ch, e);
	if (ch->dead || (ch->hungup && e->type == CE_HANGUP)) {
		chan_event_free(e);
		return;
	}
	note(ch, e);
	deliver(ch, e);
}

/* A call that misses what decides about it would stay for ever: without memory for
 * the event it ends. */
void channel_event_simple(struct channel *ch, enum chan_event_type t)
{
	struct chan_event *e = chan_event_new(t);

	if (e)
		channel_event(ch, e);
	else if (t == CE_WAKE)
		fiber_wake(ch->waiter);
	else if (decides(t))
		channel_event_hangup(ch, CAUSE_CONGESTION);
}

/* The first hangup has its event ready; there is no second. */
static struct chan_event *take_hangup(struct channel *ch, int cause)
{
	struct chan_event *e = ch->last_event;

	ch->last_event = NULL;
	if (e)
		e->cause = cause;
	return e;
}

void channel_event_hangup(struct channel *ch, int cause)
{
	if (!ch->dead && !ch->hungup)
		channel_event(ch, take_hangup(ch, cause));
}

void channel_tell_soft_hangup(struct channel *ch, int reason)
{
	channel_tell_hangup_request(ch, "SoftHangupRequest", reason);
}

void channel_soft_hangup(struct channel *ch, int cause, int reason)
{
	struct chan_event *e;

	if (ch->dead)
		return;
	if (cause)
		ch->cause = cause;
	channel_tell_soft_hangup(ch, reason);
	if (ch->hungup)
		return;
	ch->hungup = true;
	e = take_hangup(ch, cause);
	if (e)
		deliver(ch, e);
	else
		fiber_wake(ch->waiter);
}

void channel_hangup(struct channel *ch, int cause)
{
	channel_soft_hangup(ch, cause, SOFT_EXPLICIT);
}

bool channel_media_event(struct channel *ch, const struct media_event *e)
{
	struct chan_event *ce;

	switch (e->type) {
	case MEDIA_DTMF_BEGIN:
	case MEDIA_DTMF_END:
		ce = chan_event_new(e->type == MEDIA_DTMF_BEGIN ? CE_DTMF_BEGIN : CE_DTMF_END);
		break;
	case MEDIA_FIRST_PACKET:
		ch->heard = true;
		if (ch->listens)
			channel_event_simple(ch, CE_WAKE);
		return true;
	case MEDIA_PLAYED:
	case MEDIA_DTMF_SENT:
	case MEDIA_TONE_DONE:
		ce = chan_event_new(CE_PLAY_DONE);
		break;
	default:
		return false;
	}
	if (!ce)
		return true;
	ce->digit = e->digit;
	ce->ms = e->ms;
	ce->cause = e->err;
	ce->tag = e->tag;
	ce->count = e->count;
	ce->missing = e->missing;
	channel_event(ch, ce);
	return true;
}

/* ---- waiting */

struct nap {
	struct fiber *fiber;
	bool over;
};

static void nap_over(void *arg)
{
	struct nap *n = arg;

	n->over = true;
	fiber_wake(n->fiber);
}

static struct chan_event *take(struct channel *ch)
{
	struct chan_event *e;

	if (list_empty(&ch->queue))
		return NULL;
	e = container_of(ch->queue.next, struct chan_event, link);
	list_remove(&e->link);
	ch->queued--;
	return e;
}

/* One fiber at a time reads a channel's events: a second one would take the first
 * one's wake, and that would sleep for ever. */
static void set_waiter(struct channel **v, size_t n, struct fiber *f)
{
	for (size_t i = 0; i < n; i++) {
		if (!v[i])
			continue;
#ifdef SIDETONE_SANITIZE
		if (f && v[i]->waiter && v[i]->waiter != f) {
			log_error("two fibers wait for the events of %s", text_z(&v[i]->name));
			abort();
		}
#endif
		v[i]->waiter = f;
	}
}

static int poll_events(struct channel **v, size_t n, size_t *which, struct chan_event **ev)
{
	if (v[0] && (v[0]->hungup || v[0]->async_goto))
		return ECANCELED;
	for (size_t i = 0; i < n; i++) {
		struct chan_event *e = v[i] ? take(v[i]) : NULL;

		if (!e)
			continue;
		*ev = e;
		*which = i;
		return 0;
	}
	return EAGAIN;
}

int channels_next(struct channel **v, size_t n, uint64_t ms, size_t *which, struct chan_event **ev)
{
	struct nap nap = { .fiber = fiber_self() };
	struct timer t = { 0 };
	struct wheel *w = NULL;
	int err;

	for (size_t i = 0; i < n && !w; i++)
		w = v[i] ? v[i]->pbx->wheel : NULL;
	err = poll_events(v, n, which, ev);
	if (err != EAGAIN || !w)
		return err == EAGAIN ? ETIMEDOUT : err;
	if (!ms)
		return ETIMEDOUT;
	if (ms != UINT64_MAX)
		timer_start(w, &t, ms, nap_over, &nap);
	for (;;) {
		set_waiter(v, n, nap.fiber);
		fiber_wait();
		set_waiter(v, n, NULL);
		err = poll_events(v, n, which, ev);
		if (err != EAGAIN)
			break;
		if (nap.over) {
			err = ETIMEDOUT;
			break;
		}
	}
	timer_stop(&t);
	return err;
}

int channel_next(struct channel *ch, uint64_t ms, struct chan_event **ev)
{
	size_t which;

	return channels_next(&ch, 1, ms, &which, ev);
}

static void keep_digit(struct channel *ch, char digit)
{
	size_t n = strnlen(ch->dtmf_pending, sizeof(ch->dtmf_pending));

	if (n + 1 < sizeof(ch->dtmf_pending)) {
		ch->dtmf_pending[n] = digit;
		ch->dtmf_pending[n + 1] = '\0';
	}
}

/* Sleep; with `till_heard` only until the peer's sound or a digit comes. */
static int nap_for(struct channel *ch, uint64_t ms, bool till_heard)
{
	uint64_t end = ms == UINT64_MAX ? ms : clock_ms(ch->pbx->clock) + ms;

	while (!till_heard || !ch->heard) {
		uint64_t now = clock_ms(ch->pbx->clock);
		struct chan_event *e = NULL;
		int err = channel_next(ch, end == UINT64_MAX ? end : end > now ? end - now : 0, &e);
		bool digit;

		if (err)
			return err == ETIMEDOUT ? 0 : err;
		digit = e->type == CE_DTMF_END;
		if (digit)
			keep_digit(ch, e->digit);
		chan_event_free(e);
		if (digit && till_heard)
			break;
	}
	return 0;
}

int channel_sleep(struct channel *ch, uint64_t ms)
{
	return nap_for(ch, ms, false);
}

int channel_answer_settled(struct channel *ch, uint32_t ms)
{
	bool rang = ch->state == CHAN_RING || ch->state == CHAN_RINGING;
	int err = channel_answer(ch);

	if (err || !rang || !ch->tech->media || !ch->tech->media(ch))
		return err || !ms ? err : channel_sleep(ch, ms);
	ch->listens = !ms;
	err = nap_for(ch, ms > SETTLE_MS ? ms : SETTLE_MS, !ms);
	ch->listens = false;
	return err;
}
