/* media/hook_delay.c -- a hook that keeps the peer's packets until their time (JITTERBUFFER()): what
 * media/delay.h keeps, by the thread's clock. Digits (RFC 4733) do not wait. */
#include "media/hook.h"
#include "base/num.h"
#include "media/delay.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

enum { INTERVAL_MS = 20, LATE_US = 100000 };

struct waiting {
	struct media_hook h;
	struct ticker ticker;
	struct delay *d;                /* owned */
	uint64_t began_us;              /* 0 of the delay's time */
	uint32_t interval;              /* [ms] of a packet */
	/* the sender's time, without an end */
	bool started;
	uint32_t ssrc, ts;
	int64_t place;                  /* [ticks] */
	uint32_t clock;
};

static int64_t now_ms(const struct waiting *w)
{
	return (int64_t)((w->h.s->t->now_us - w->began_us) / 1000);
}

static void let_go(struct waiting *w)
{
	size_t n;
	uint8_t *p;

	if (delay_get(w->d, now_ms(w), w->interval, &p, &n) == DELAY_PACKET)
		hook_release(w->h.s, p, n);
}

/* Another source or clock: its first packet is right on time. */
static int64_t sender_ms(struct waiting *w, const struct stream_codec *c, const struct rtp *r)
{
	if (!w->started || w->ssrc != r->ssrc || w->clock != c->clock)
		w->place = now_ms(w) * c->clock / 1000;
	else
		w->place += (int32_t)(r->ts - w->ts);
	w->started = true;
	w->ssrc = r->ssrc;
	w->clock = c->clock;
	w->ts = r->ts;
	return w->place * 1000 / c->clock;
}

/* Without looking into it; what has no frames of a known length is as long as it was agreed. */
static uint32_t packet_ms(const struct stream_codec *c, const struct rtp *r)
{
	const struct codec *row = c->row;

	if (!row || !row->frame_bytes)
		return c->ptime;
	return (uint32_t)((uint64_t)r->n / row->frame_bytes * row->frame_samples * 1000 / row->rate);
}

static bool delay_keeps(struct media_hook *h, const struct stream_codec *c, const struct rtp *r, const uint8_t *p)
{
	struct waiting *w = (struct waiting *)h;
	size_t n = (size_t)r->at + r->n;
	uint32_t ms = packet_ms(c, r);
	int64_t ts;

	if (n > DELAY_BYTES || ms < 2)
		return false;
	ts = sender_ms(w, c, r);
	if (ts < 0)
		return false;
	w->interval = ms;
	delay_put(w->d, ts, ms, now_ms(w), p, n);
	/* The peer's own packets keep the time, as long as they come. */
	if (delay_next(w->d) - now_ms(w) < w->interval)
		let_go(w);
	return true;
}

static size_t delay_tick(struct ticker *k)
{
	struct waiting *w = container_of(k, struct waiting, ticker);

	k->next_us += (uint64_t)w->interval * 1000;
	if (k->next_us + LATE_US < w->h.s->t->now_us)
		k->next_us = w->h.s->t->now_us;
	if (now_ms(w) >= delay_next(w->d))
		let_go(w);
	return 1;
}

static void delay_arrive(struct media_hook *h)
{
	struct waiting *w = (struct waiting *)h;
	struct ticker *k = &w->ticker;

	if (!w->began_us)
		w->began_us = h->s->t->now_us;
	k->tick = delay_tick;
	k->next_us = (h->s->t->now_us + GRID_US - 1) / GRID_US * GRID_US;
	k->w = h->s->w;
	list_append(&h->s->t->tickers, &k->link);
	if (k->next_us < h->s->t->due_us)
		h->s->t->due_us = k->next_us;
}

static void delay_depart(struct media_hook *h)
{
	list_remove(&((struct waiting *)h)->ticker.link);
}

static void waiting_free(struct media_hook *h)
{
	delay_free(((struct waiting *)h)->d);
	free(h);
}

int media_delay_start(struct media_hook **out, struct media_session *s, const struct media_delay *prm)
{
	static const struct hook_ops ops = { .keeps = delay_keeps, .arrive = delay_arrive, .depart = delay_depart, .free = waiting_free };
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return ENOMEM;
	w->interval = INTERVAL_MS;
	w->d = delay_new(&(struct delay_prm){ .adaptive = prm->adaptive, .max_ms = prm->max_ms, .resync_ms = prm->resync_ms,
					      .extra_ms = prm->extra_ms });
	if (w->d)
		return hook_start(out, &w->h, s, &ops, 0);
	waiting_free(&w->h);
	return ENOMEM;
}
