/* media/mix_leg.c -- mixes on a media thread: packets of a member become samples for
 * media/mix.c, and what it hears becomes packets. The core's side is mixer.c. */
#include "media/legs.h"
#include "base/poison.h"

enum { LATE_US = 100000, RATE = 8000 };

/* The rate that a member speaks and hears at: of the codec that it is sent. */
static uint32_t leg_rate(struct stream *s)
{
	const struct stream_codec *c = source_codec(s);

	return c && c->row && rate_kind(c->row->rate) >= 0 ? c->row->rate : RATE;
}

/* ---- what it hears. Called by mix_tick() */

void mix_leg_out(void *arg, const struct mix_frame *f)
{
	struct mix_leg *g = arg;
	struct stream *s = g->s;
	const struct stream_codec *c = source_codec(s);
	size_t want;

	/* A codec that we cannot make, sounds that are heard instead, or held. */
	if (!c || !c->row || c->row->rate != f->rate || s->busy || !s->can_tx) {
		g->n = 0;
		if (!s->busy)
			s->tx.map.from = NULL;
		return;
	}
	/* Where f->shared is not 0, one encoded frame could serve all of that number and codec. */
	memcpy(g->pcm + g->n, f->pcm, f->n * sizeof(f->pcm[0]));
	g->n += f->n;
	want = codec_samples(c->row, c->ptime);
	if (want > LEG_SAMPLES) {
		g->n = 0;
		return;
	}
	while (g->n >= want) {
		source_pcm(s, c, g->pcm, want);
		g->n -= want;
		memmove(g->pcm, g->pcm + want, g->n * sizeof(g->pcm[0]));
	}
}

void mix_leg_talk(void *arg, bool talking)
{
	struct mix_leg *g = arg;
	struct media_event e = { .type = talking ? MEDIA_TALK_BEGIN : MEDIA_TALK_END };

	mthread_event(g->s, &e);
}

/* ---- what it says */

/* The place of a packet in time, counted in samples without an end. */
static uint64_t place_of(struct mix_leg *g, const struct stream_codec *c, const struct rtp *r, uint32_t rate)
{
	/* Another source, another codec: far enough away to be taken as a new start. */
	if (!g->started || g->ssrc != r->ssrc || g->rate_in != rate)
		g->at += (uint64_t)1 << 32;
	else
		g->at += (uint64_t)((int64_t)(int32_t)(r->ts - g->ts) * rate / c->clock);
	g->started = true;
	g->ssrc = r->ssrc;
	g->ts = r->ts;
	return g->at;
}

/* Samples whose first is at `at` of the sender's clock. */
static void put_samples(struct mix_leg *g, uint64_t at, const int16_t *pcm, size_t n, int16_t *room)
{
	uint32_t rate = g->rate_in, to = mix_member_rate(g->member);

	if (rate != to) {
		n = rate_run(&g->rate, pcm, n, room, CODEC_MAX_SAMPLES);
		pcm = room;
		at = at / rate * to + at % rate * to / rate;
	}
	mix_put(g->member, at, pcm, n);
}

static void leg_heard(struct stream *s, struct stream_ear *e, const struct stream_codec *c, const struct rtp *r,
		      const uint8_t *p)
{
	struct mix_leg *g = container_of(e, struct mix_leg, ear);
	uint32_t rate, to = mix_member_rate(g->member);
	struct decode_lost lost;
	unsigned left;
	uint64_t at;

	if (!c->row || rate_kind(c->row->rate) < 0)
		return;
	lost = decode_lost(&s->rx.place, c->row, c->dec, r);
	if (lost.late)
		return;
	rate = c->row->rate;
	at = place_of(g, c, r, rate);
	if (g->rate_in != rate)
		rate_init(&g->rate, g->bank, rate, to);
	g->rate_in = rate;
	left = lost.n;
	do {
		size_t n = decode_next(&s->rx.place, c->row, c->dec, r, p + r->at, lost, left, s->t->buf.pcm,
				       CODEC_MAX_SAMPLES);

		put_samples(g, at - left * lost.samples, s->t->buf.pcm, n, s->t->buf.pcm2);
	} while (left--);
}

/* ---- the tick */

static size_t mixer_tick(struct ticker *k)
{
	struct mixer *x = container_of(k, struct mixer, ticker);

	list_each(l, &x->legs) {
		struct mix_leg *g = container_of(l, struct mix_leg, link);
		uint32_t rate = leg_rate(g->s);

		if (rate == mix_member_rate(g->member))
			continue;
		/* It sends another codec now. */
		mix_set_rate(g->member, rate);
		g->rate_in = 0;
		g->n = 0;
	}
	mix_tick(x->mix);
	/* By the plan, but never a burst to catch up. */
	k->next_us += MIX_MS * 1000;
	if (k->next_us + LATE_US < x->t->now_us)
		k->next_us = x->t->now_us;
	return mix_members(x->mix);
}

/* ---- coming and going */

static void leg_detach(struct stream *s, struct mix_leg *g)
{
	struct mixer *x = g->mixer;

	ear_remove(s, &g->ear);
	mix_leave(g->member);
	s->tx.map.from = NULL;
	list_remove(&g->link);
	if (list_empty(&x->legs))
		list_remove(&x->ticker.link);
	else
		x->ticker.w = container_of(x->legs.next, struct mix_leg, link)->s->w;
	mthread_give(s->t, EV_RUN, s, &g->run, 0);
}

static void leg_leave(struct stream *s, struct stream_ear *e, bool closing)
{
	(void)closing;
	leg_detach(s, container_of(e, struct mix_leg, ear));
}

static const struct ear_ops leg_ops = { .heard = leg_heard, .leave = leg_leave };

void mix_leg_join(struct stream *s, struct run *r)
{
	struct mix_leg *g = container_of(r, struct mix_leg, run);
	struct mixer *x = g->mixer;
	struct ticker *k = &x->ticker;

	/* Its wire was taken elsewhere on its way to us: it has left us meanwhile. */
	if (s->t != x->t) {
		mthread_give(s->t, EV_RUN, s, r, 0);
		return;
	}
	g->s = s;
	g->ear.ops = &leg_ops;
	ear_add(s, &g->ear);
	if (list_empty(&x->legs)) {
		k->tick = mixer_tick;
		k->next_us = (s->t->now_us + GRID_US - 1) / GRID_US * GRID_US;
		k->w = s->w;
		list_append(&s->t->tickers, &k->link);
	}
	if (k->next_us < s->t->due_us)
		s->t->due_us = k->next_us;
	list_append(&x->legs, &g->link);
	mix_join(x->mix, g->member, leg_rate(s));
	s->tx.map.from = NULL;
}

/* That leg of the stream; NULL: it has gone. */
static struct mix_leg *leg_of(const struct stream *s, const struct mix_leg *g)
{
	for (struct stream_ear *e = s->ears; e; e = e->next)
		if (e->ops == &leg_ops && container_of(e, struct mix_leg, ear) == g)
			return container_of(e, struct mix_leg, ear);
	return NULL;
}

void mix_leg_ask(struct stream *s, struct run *r)
{
	struct mix_ask *a = container_of(r, struct mix_ask, run);
	struct mix_leg *g = leg_of(s, a->leg);

	if (g && a->leave) {
		leg_detach(s, g);
	} else if (g) {
		mix_set_gain(g->member, a->gain);
		mix_set_mute(g->member, a->mute);
		mix_set_deaf(g->member, a->deaf);
	}
	mthread_give(s->t, EV_RUN, s, r, 0);
}
