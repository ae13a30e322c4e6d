/* A channel's events, in order: to one sink, or into one queue on which a fiber waits. */
#define LOG_MODULE "channel"
#include "base/log.h"
#include "pbx/channel_private.h"
#include <errno.h>
#include <stdlib.h>

/* A channel whose fiber never looks must not collect for ever; what decides
 * about the call still comes through. */
#define QUEUE_MAX 256

void channel_deliver(struct channel *ch, struct chan_event *e)
{
	if (ch->sink) {
		ch->sink(ch->sink_arg, ch, e);
		return;
	}
	if (ch->queued >= QUEUE_MAX && !chan_event_decides(e->type)) {
		chan_event_free(e);
		return;
	}
	if (e->type == CE_HANGUP && !ch->fiber && !ch->owned)
		channel_destroy_soon(ch);
	list_append(&ch->queue, &e->link);
	ch->queued++;
	fiber_wake(ch->waiter);
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
int channel_nap(struct channel *ch, uint64_t ms, bool till_heard)
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
	return channel_nap(ch, ms, false);
}
