/* media/tap_leg.c -- taps on a media thread: what a stream's peer says and what it is
 * sent, decoded from the payloads that pass, for a tap's ring. The core's side is mixer.c. */
#include "media/legs.h"
#include "base/poison.h"

void tap_leg_attach(struct stream *s, struct run *r)
{
	struct tap_leg *g = container_of(r, struct tap_leg, run);

	g->next = s->ears.taps;
	s->ears.taps = g;
}

static void finish(struct stream *s, struct tap_leg *g)
{
	tap_finish(g->tap, s->t->now_us);
	g->finished = true;
	mthread_give(s->t, EV_RUN, s, &g->run, 0);
}

void tap_leg_stop(struct stream *s, struct run *r)
{
	struct tap_leg *g = container_of(r, struct tap_leg, stop), **p = &s->ears.taps;

	while (*p && *p != g)
		p = &(*p)->next;
	if (*p) {
		*p = g->next;
		finish(s, g);
	}
	mthread_give(s->t, EV_RUN, s, r, 0);
}

void tap_leg_detach_all(struct stream *s)
{
	while (s->ears.taps) {
		struct tap_leg *g = s->ears.taps;

		s->ears.taps = g->next;
		finish(s, g);
	}
}

static void *state_of(const struct tap_lane *l, const struct codec *row)
{
	for (size_t i = 0; i < l->ndec; i++)
		if (l->dec[i].row == row)
			return l->dec[i].st;
	return NULL;
}

/* One payload of codec `c`. */
static void put(struct tap_leg *g, struct stream *s, enum tap_dir dir, const struct stream_codec *c, const uint8_t *p,
		size_t n, uint32_t ssrc, uint32_t ts)
{
	struct tap_lane *l = &g->lane[dir];
	struct tap_frame f = { .dir = dir, .now_us = s->t->now_us, .pcm = s->t->buf.pcm };
	void *st;

	if (!c->row || tap_failed(g->tap))
		return;
	st = state_of(l, c->row);
	if (c->row->state_new && !st)
		return;
	f.rate = c->row->rate;
	f.n = c->row->decode(st, p, n, s->t->buf.pcm, CODEC_MAX_SAMPLES);
	if (!l->started || l->ssrc != ssrc)
		l->at += (uint64_t)1 << 32;
	else
		l->at += (uint64_t)((int64_t)(int32_t)(ts - l->ts) * f.rate / c->clock);
	l->started = true;
	l->ssrc = ssrc;
	l->ts = ts;
	f.at = l->at;
	tap_put(g->tap, &f);
}

void tap_leg_heard(struct stream *s, const struct stream_codec *c, const struct rtp *r, const uint8_t *p)
{
	for (struct tap_leg *g = s->ears.taps; g; g = g->next)
		put(g, s, TAP_IN, c, p + r->at, r->n, r->ssrc, r->ts);
}

void tap_leg_sent(struct stream *s, const uint8_t *packet, size_t n)
{
	const struct stream_codec *c = NULL;
	struct rtp r;

	if (rtp_parse(&r, packet, n))
		return;
	/* Digits are no sound. */
	for (size_t i = 0; i < s->cfg->n && !c; i++)
		if (s->cfg->codec[i].pt_tx == r.pt)
			c = &s->cfg->codec[i];
	for (struct tap_leg *g = s->ears.taps; g && c; g = g->next)
		put(g, s, TAP_OUT, c, packet + r.at, r.n, r.ssrc, r.ts);
}
