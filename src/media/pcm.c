/* media/pcm.c -- sound of a session by functions (pcm.h): an ear and a ticker of its stream. */
#include "media/pcm.h"
#include "media/core.h"
#include "media/exact.h"
#include "media/jitter.h"
#include "media/mixer.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

enum { TICK_MS = 20, LATE_US = 100000, ROOM = 4096 };   /* ROOM [samples]: the longest packet, and a frame */

struct media_pcm {
	struct run run, stop;
	struct stream_ear ear;
	struct ticker ticker;
	struct media_pcm_ops ops;
	struct stream *s;               /* NULL: not attached */
	const struct rate_bank *bank;   /* view: the media's */
	/* what the peer says */
	bool started;
	uint32_t ssrc, ts, rate_in;
	uint64_t at;                    /* [samples of rate_in] */
	struct rate rate;
	struct jitter queue;
	struct exact *exact;            /* owned; NULL: `queue` it is */
	/* what it is sent, until it is a packet */
	struct rate_converter conv;
	size_t n;
	int16_t out[2 * ROOM];
	/* the core's */
	struct media_session *session;  /* held */
	unsigned left;                  /* of run and stop, how many are to come back */
	bool stopping;
};

/* ---- what the peer says */

static uint64_t place_of(struct media_pcm *p, const struct stream_codec *c, const struct rtp *r)
{
	/* Another source, another codec: far enough away to be taken as a new start. */
	if (!p->started || p->ssrc != r->ssrc || p->rate_in != c->row->rate)
		p->at += (uint64_t)1 << 32;
	else
		p->at += (uint64_t)((int64_t)(int32_t)(r->ts - p->ts) * p->rate_in / c->clock);
	if (p->rate_in != c->row->rate)
		rate_init(&p->rate, p->bank, c->row->rate, p->ops.rate);
	p->started = true;
	p->ssrc = r->ssrc;
	p->ts = r->ts;
	p->rate_in = c->row->rate;
	return p->at;
}

static void put_samples(struct media_pcm *p, uint64_t at, const int16_t *pcm, size_t n, int16_t *room)
{
	uint32_t rate = p->rate_in, to = p->ops.rate;

	if (rate != to) {
		n = rate_run(&p->rate, pcm, n, room, CODEC_MAX_SAMPLES);
		pcm = room;
		at = at / rate * to + at % rate * to / rate;
	}
	if (p->exact)
		exact_put(p->exact, at, pcm, n);
	else
		jitter_put(&p->queue, at, pcm, n);
}

static void pcm_heard(struct stream *s, struct stream_ear *e, const struct stream_codec *c, const struct rtp *r, const uint8_t *b)
{
	struct media_pcm *p = container_of(e, struct media_pcm, ear);
	struct decode_lost lost;
	unsigned left;
	uint64_t at;

	if (!c->row || rate_kind(c->row->rate) < 0 || !p->ops.write)
		return;
	lost = decode_lost(&s->rx.place, c->row, c->dec, r);
	if (lost.late)
		return;
	at = place_of(p, c, r);
	left = lost.n;
	do {
		size_t n = decode_next(&s->rx.place, c->row, c->dec, r, b + r->at, lost, left, s->t->buf.pcm, CODEC_MAX_SAMPLES);

		put_samples(p, at - left * lost.samples, s->t->buf.pcm, n, s->t->buf.pcm2);
	} while (left--);
}

/* ---- the tick */

static void play_out(struct media_pcm *p, size_t n)
{
	int16_t *pcm = p->s->t->buf.pcm;

	if (p->exact) {
		if (exact_get(p->exact, pcm, n) == EXACT_MISSING)
			p->ops.miss(p->ops.arg, n);
		else
			p->ops.write(p->ops.arg, pcm, n);
		return;
	}
	if (!jitter_get(&p->queue, pcm, n))
		memset(pcm, 0, n * sizeof(*pcm));
	p->ops.write(p->ops.arg, pcm, n);
}

static void send_nothing(struct media_pcm *p)
{
	p->n = 0;
	if (!p->s->busy)
		p->s->tx.map.from = NULL;
}

static void take_in(struct media_pcm *p, size_t n)
{
	struct stream *s = p->s;
	const struct stream_codec *c = source_codec(s);
	int16_t *pcm = s->t->buf.pcm, *at = pcm;
	size_t want;

	/* What is not sent is read all the same, so that it is not late afterwards. */
	if (!p->ops.read(p->ops.arg, pcm, n) || s->busy || !s->can_tx || !c || !c->row) {
		send_nothing(p);
		return;
	}
	if (c->row->rate != p->ops.rate) {
		n = rate_convert(&p->conv, p->ops.rate, c->row->rate, pcm, n, s->t->buf.pcm2, CODEC_MAX_SAMPLES);
		at = s->t->buf.pcm2;
	}
	want = codec_samples(c->row, c->ptime);
	if (want > ROOM || p->n >= want || n > ROOM) {
		send_nothing(p);        /* of a codec that is no longer in use */
		return;
	}
	memcpy(p->out + p->n, at, n * sizeof(*at));
	for (p->n += n; p->n >= want; p->n -= want) {
		source_pcm(s, c, p->out, want);
		memmove(p->out, p->out + want, (p->n - want) * sizeof(*at));
	}
}

static size_t pcm_tick(struct ticker *k)
{
	struct media_pcm *p = container_of(k, struct media_pcm, ticker);
	size_t n = p->ops.rate * TICK_MS / 1000;

	if (p->ops.write)
		play_out(p, n);
	if (p->s->cfg)
		take_in(p, n);
	/* By the plan, but never a burst to catch up. */
	k->next_us += TICK_MS * 1000;
	if (k->next_us + LATE_US < p->s->t->now_us)
		k->next_us = p->s->t->now_us;
	return 1;
}

/* ---- coming and going, on the thread */

static void pcm_detach(struct stream *s, struct media_pcm *p)
{
	if (!ear_remove(s, &p->ear))
		return;
	list_remove(&p->ticker.link);
	send_nothing(p);
	p->s = NULL;
	mthread_give(s->t, EV_RUN, s, &p->run, 0);
}

static void pcm_leave(struct stream *s, struct stream_ear *e, bool closing)
{
	(void)closing;
	pcm_detach(s, container_of(e, struct media_pcm, ear));
}

static void pcm_attach(struct stream *s, struct run *r)
{
	static const struct ear_ops ops = { .heard = pcm_heard, .leave = pcm_leave };
	struct media_pcm *p = container_of(r, struct media_pcm, run);
	struct ticker *k = &p->ticker;

	p->s = s;
	p->ear.ops = &ops;
	ear_add(s, &p->ear);
	k->tick = pcm_tick;
	k->next_us = (s->t->now_us + GRID_US - 1) / GRID_US * GRID_US;
	k->w = s->w;
	list_append(&s->t->tickers, &k->link);
	if (k->next_us < s->t->due_us)
		s->t->due_us = k->next_us;
}

static void pcm_stop(struct stream *s, struct run *r)
{
	pcm_detach(s, container_of(r, struct media_pcm, stop));
	mthread_give(s->t, EV_RUN, s, r, 0);
}

/* ---- the core */

static void pcm_left(struct media_pcm *p)
{
	if (--p->left)
		return;
	p->ops.free(p->ops.arg);
	obj_drop(p->session);
	free(p->exact);
	free(p);
}

static void pcm_back(struct run *r)
{
	pcm_left(container_of(r, struct media_pcm, run));
}

static void stop_back(struct run *r)
{
	pcm_left(container_of(r, struct media_pcm, stop));
}

static int post_run(struct media_session *s, struct run *r)
{
	return core_post(s, &(struct cmd){ .type = CMD_RUN, .p = r });
}

int media_pcm_start(struct media_pcm **out, struct media_session *s, const struct media_pcm_ops *ops)
{
	struct rate_bank *bank;
	struct media_pcm *p;
	int err;

	if (s->closed || !s->m)
		return ESHUTDOWN;
	if (s->type != MEDIA_AUDIO || s->peer || s->place || rate_kind(ops->rate) < 0 || (ops->miss && ops->rate != 8000))
		return EINVAL;
	bank = media_rates(s->m);
	p = bank ? calloc(1, sizeof(*p)) : NULL;
	if (!p)
		return ENOMEM;
	p->exact = ops->miss ? malloc(sizeof(*p->exact)) : NULL;
	if (ops->miss && !p->exact) {
		free(p);
		return ENOMEM;
	}
	if (p->exact)
		exact_init(p->exact, ops->rate);
	p->ops = *ops;
	p->bank = p->conv.bank = bank;
	jitter_init(&p->queue, ops->rate);
	p->run = (struct run){ pcm_attach, pcm_back };
	p->stop = (struct run){ pcm_stop, stop_back };
	p->session = obj_hold(s);
	p->left = 1;
	err = post_run(s, &p->run);
	if (err) {
		obj_drop(p->session);
		free(p->exact);
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

int media_pcm_stop(struct media_pcm *p)
{
	int err;

	if (p->stopping || p->session->closed || !p->session->m)
		return 0;
	p->stopping = true;
	p->left++;
	err = post_run(p->session, &p->stop);
	if (err) {
		p->stopping = false;
		p->left--;
	}
	return err;
}
