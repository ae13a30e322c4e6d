/* media/tap_leg.c -- taps on a media thread: what a stream's peer says and what it is
 * sent, decoded from the payloads that pass, for a tap's ring. The core's side is mixer.c. */
#include "media/legs.h"
#include "base/poison.h"

static void *state_of(const struct tap_lane *l, const struct codec *row)
{
	for (size_t i = 0; i < l->ndec; i++)
		if (l->dec[i].row == row)
			return l->dec[i].st;
	return NULL;
}

/* One payload of codec `c`, and what was lost before it. */
static void put_tap(struct tap_leg *g, struct stream *s, enum tap_dir dir, const struct stream_codec *c,
		    const uint8_t *p, const struct rtp *r)
{
	struct tap_lane *l = &g->lane[dir];
	struct tap_frame f = { .dir = dir, .now_us = s->t->now_us, .pcm = s->t->buf.pcm };
	struct decode_lost lost;
	unsigned left;
	void *st;

	if (!c->row || tap_failed(g->tap))
		return;
	st = state_of(l, c->row);
	if (c->row->state_new && !st)
		return;
	lost = decode_lost(&l->place, c->row, st, r);
	if (lost.late)
		return;
	f.rate = c->row->rate;
	if (!l->started || l->ssrc != r->ssrc)
		l->at += (uint64_t)1 << 32;
	else
		l->at += (uint64_t)((int64_t)(int32_t)(r->ts - l->ts) * f.rate / c->clock);
	l->started = true;
	l->ssrc = r->ssrc;
	l->ts = r->ts;
	left = lost.n;
	do {
		f.n = decode_next(&l->place, c->row, st, r, p + r->at, lost, left, s->t->buf.pcm, CODEC_MAX_SAMPLES);
		f.at = l->at - left * lost.samples;
		tap_put(g->tap, &f);
	} while (left--);
}

static void tap_heard(struct stream *s, struct stream_ear *e, const struct stream_codec *c, const struct rtp *r,
		      const uint8_t *p)
{
	put_tap(container_of(e, struct tap_leg, ear), s, TAP_IN, c, p, r);
}

static void tap_sent(struct stream *s, struct stream_ear *e, const uint8_t *packet, size_t n)
{
	const struct stream_codec *c = NULL;
	struct rtp r;

	if (rtp_parse(&r, packet, n))
		return;
	/* Digits are no sound. */
	for (size_t i = 0; i < s->cfg->n && !c; i++)
		if (s->cfg->codec[i].pt_tx == r.pt)
			c = &s->cfg->codec[i];
	if (c)
		put_tap(container_of(e, struct tap_leg, ear), s, TAP_OUT, c, packet, &r);
}

/* ---- coming and going */

static void tap_detach(struct stream *s, struct tap_leg *g)
{
	if (!ear_remove(s, &g->ear))
		return;
	tap_finish(g->tap, s->t->now_us);
	g->finished = true;
	mthread_give(s->t, EV_RUN, s, &g->run, 0);
}

/* It goes along to another thread. */
static void tap_leave(struct stream *s, struct stream_ear *e, bool closing)
{
	if (closing)
		tap_detach(s, container_of(e, struct tap_leg, ear));
}

void tap_leg_attach(struct stream *s, struct run *r)
{
	static const struct ear_ops ops = { .raw = true, .heard = tap_heard, .sent = tap_sent, .leave = tap_leave };
	struct tap_leg *g = container_of(r, struct tap_leg, run);

	g->ear.ops = &ops;
	ear_add(s, &g->ear);
}

void tap_leg_stop(struct stream *s, struct run *r)
{
	tap_detach(s, container_of(r, struct tap_leg, stop));
	mthread_give(s->t, EV_RUN, s, r, 0);
}
