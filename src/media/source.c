/* media/source.c -- what a stream sends of its own: files, tones, silence. */
#include "media/thread.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include "base/poison.h"

bool source_wanted(const struct stream *s)
{
	return s->dtmf.tx.job || s->play.list || s->play.tone || s->play.silence;
}

/* The row to make sound in: what is in use, else the first that we can make. */
const struct stream_codec *source_codec(struct stream *s)
{
	if (!s->cfg || !s->cfg->n)
		return NULL;
	if (s->tx.codec < s->cfg->n && s->cfg->codec[s->tx.codec].row)
		return &s->cfg->codec[s->tx.codec];
	for (size_t i = 0; i < s->cfg->n; i++)
		if (s->cfg->codec[i].row)
			return &s->cfg->codec[i];
	return &s->cfg->codec[0];
}

void source_changed(struct stream *s)
{
	bool wanted = source_wanted(s);

	if (wanted && !s->busy) {
		s->tx.map.from = NULL;     /* a new spurt: marker, time as it passed */
		/* On a grid all streams share, so that one wake serves many. */
		s->play.next_us = (s->t->now_us + GRID_US - 1) / GRID_US * GRID_US;
		s->busy = true;
		stream_wake(s);
	}
	s->busy = wanted;
}

/* ---- files */

void source_play_end(struct stream *s, int err)
{
	struct playlist *p = s->play.list;

	if (!p)
		return;
	s->play.list = NULL;
	mthread_give(s->t, EV_PLAYED, s, p, err);
}

void source_play(struct stream *s, struct playlist *p)
{
	source_play_end(s, ECANCELED);
	s->play.list = p;
	source_changed(s);
}

void source_tone(struct stream *s, struct tone *tone)
{
	if (s->play.tone)
		mthread_give(s->t, EV_DROP, s, s->play.tone, 0);
	s->play.tone = tone;
	s->play.gen.tone = NULL;
	source_changed(s);
}

static bool is_slin(enum format_id id)
{
	return id >= FORMAT_SLIN && id <= FORMAT_SLIN192;
}

/* Next `want` samples of the list as linear at the sound's rate; fewer at a sound's end. */
static size_t sound_pcm(struct playlist *p, int16_t *out, size_t want)
{
	const struct sound *snd = p->sound[p->at];
	const struct codec *row = codec_get(snd->id);
	size_t left = (size_t)(snd->samples - p->pos), n = want < left ? want : left;

	if (is_slin(snd->id)) {
		memcpy(out, snd->data + p->pos * sizeof(*out), n * sizeof(*out));
	} else if (row && !row->state_new) {
		row->decode(NULL, snd->data + codec_bytes(row, (size_t)p->pos), codec_bytes(row, n), out, n);
	} else {
		/* Loaded for a codec that is no longer in use, and with a memory
		 * of its own: its time passes in silence. */
		memset(out, 0, n * sizeof(*out));
	}
	p->pos += n;
	return n;
}

void source_pcm(struct stream *s, const struct stream_codec *c, const int16_t *pcm, size_t n)
{
	uint8_t bytes[RTP_MAX];
	size_t k = c->row->encode(c->enc, pcm, n, bytes, sizeof(bytes) - RTP_HEADER);

	send_sound(s, c, bytes, k, codec_ticks(c->row, n, c->clock), s->tx.map.from != s);
	s->tx.map.from = s;
}

/* One packet of the list; false: there was nothing left. */
static bool play_tick(struct stream *s, const struct stream_codec *c, size_t samples)
{
	struct playlist *p = s->play.list;
	struct mthread *t = s->t;
	const struct sound *snd;
	size_t in, n;

	while (p->at < p->n && p->pos >= p->sound[p->at]->samples) {
		p->at++;
		p->pos = 0;
	}
	if (p->at == p->n)
		return false;
	snd = p->sound[p->at];
	if (snd->id == c->id && !is_slin(snd->id) && snd->samples - p->pos >= samples) {
		const uint8_t *from = snd->data + codec_bytes(c->row, (size_t)p->pos);

		p->pos += samples;
		send_sound(s, c, from, codec_bytes(c->row, samples),
			   codec_ticks(c->row, samples, c->clock), s->tx.map.from != s);
		s->tx.map.from = s;
		return true;
	}
	in = (size_t)num_muldiv(samples, snd->rate, c->row->rate, samples);
	n = sound_pcm(p, t->buf.pcm, in < CODEC_MAX_SAMPLES ? in : CODEC_MAX_SAMPLES);
	if (snd->rate != c->row->rate)
		n = rate_convert(&p->conv, snd->rate, c->row->rate, t->buf.pcm, n, t->buf.pcm2, CODEC_MAX_SAMPLES);
	else
		memcpy(t->buf.pcm2, t->buf.pcm, n * sizeof(t->buf.pcm[0]));
	if (n < samples)
		memset(t->buf.pcm2 + n, 0, (samples - n) * sizeof(t->buf.pcm2[0]));
	source_pcm(s, c, t->buf.pcm2, samples);
	return true;
}

/* A leg whose codec we cannot make: the time passes all the same, so that the
 * dialplan goes on as it would. */
static bool play_pass(struct playlist *p, unsigned ms)
{
	while (p->at < p->n) {
		p->pos += (uint64_t)p->sound[p->at]->rate * ms / 1000;
		if (p->pos < p->sound[p->at]->samples)
			return true;
		p->at++;
		p->pos = 0;
	}
	return false;
}

static void tone_tick(struct stream *s, const struct stream_codec *c, size_t samples)
{
	struct media_event e = { .type = MEDIA_TONE_DONE };

	if (s->play.gen.tone != s->play.tone || s->play.gen.rate != c->row->rate)
		tone_gen_init(&s->play.gen, s->play.tone, c->row->rate);
	if (tone_gen_run(&s->play.gen, s->t->buf.pcm, samples)) {
		source_pcm(s, c, s->t->buf.pcm, samples);
		return;
	}
	mthread_give(s->t, EV_DROP, s, s->play.tone, 0);
	s->play.tone = NULL;
	mthread_event(s, &e);
}

void source_tick(struct stream *s)
{
	const struct stream_codec *c = source_codec(s);
	unsigned ms = c ? c->ptime : CODEC_PTIME, step = s->dtmf.tx.job ? dtmf_tick_ms(s, ms) : ms;
	size_t samples = c && c->row ? codec_samples(c->row, ms) : 0;

	if (s->dtmf.tx.job && dtmf_tick(s, step)) {
		ms = step;      /* digits go first, at their own pace */
	} else if (s->play.list) {
		if (!(samples ? play_tick(s, c, samples) : play_pass(s->play.list, ms)))
			source_play_end(s, 0);
	} else if (!samples) {
		s->tx.map.from = NULL;
	} else if (s->play.tone) {
		tone_tick(s, c, samples);
	} else if (s->play.silence) {
		memset(s->t->buf.pcm, 0, samples * sizeof(s->t->buf.pcm[0]));
		source_pcm(s, c, s->t->buf.pcm, samples);
	}
	source_changed(s);
	/* By the plan, not by when we came to it; but never a burst to catch up. */
	s->play.next_us += (uint64_t)ms * 1000;
	if (s->play.next_us + 100000 < s->t->now_us)
		s->play.next_us = s->t->now_us;
}
