/* media/detect.c -- digits and tones heard in sound, block by block with Goertzel filters. */
#include "media/detect.h"
#include <math.h>
#include <string.h>
#include "base/poison.h"

/* Powers are compared as if the block were one of 8 kHz. */
static const float digit_power = 8.0e7f, tone_power = 7.8e7f;
static const float peak = 6.3f;                 /* 8 dB over the other tones of its group */
static const float share_of_all = 42.0f;        /* of the block's energy; 51 is nothing but the two tones */

enum { RATE = 8000 };
enum { CNG_HZ = 1100, CNG_MS = 500, CNG_DB = 16, TONE_BLOCK_MS = 20, TONE_PERIODS = 5 };

void detect_defaults(struct detect_prm *p)
{
	if (!p->hits_to_begin)
		p->hits_to_begin = 2;
	if (!p->misses_to_end)
		p->misses_to_end = 3;
	if (p->normal_twist <= 0)
		p->normal_twist = 6.31f;        /* 8 dB */
	if (p->reverse_twist <= 0)
		p->reverse_twist = 2.51f;       /* 4 dB */
}

static void goertzel_init(struct goertzel *g, double hz, uint32_t rate)
{
	*g = (struct goertzel){ .coef = (float)(2 * cos(2 * M_PI * hz / rate)) };
}

static inline void goertzel_add(struct goertzel *g, float sample)
{
	float s = sample + g->coef * g->s1 - g->s2;

	g->s2 = g->s1;
	g->s1 = s;
}

/* ... and begin anew. */
static float goertzel_power(struct goertzel *g)
{
	float power = g->s1 * g->s1 + g->s2 * g->s2 - g->coef * g->s1 * g->s2;

	g->s1 = g->s2 = 0;
	return power;
}

/* ---- digits */

void dtmf_detect_init(struct dtmf_detect *d, uint32_t rate, const struct detect_prm *prm)
{
	static const uint16_t rows[DTMF_TONES] = { 697, 770, 852, 941 }, cols[DTMF_TONES] = { 1209, 1336, 1477, 1633 };

	*d = (struct dtmf_detect){ .prm = *prm, .scale = (float)rate / RATE, .block = DTMF_BLOCK * rate / RATE };
	detect_defaults(&d->prm);
	for (int i = 0; i < DTMF_TONES; i++) {
		goertzel_init(&d->row[i], rows[i], rate);
		goertzel_init(&d->col[i], cols[i], rate);
	}
}

/* The powers of a group; its strongest. */
static int strongest(struct goertzel *g, float scale, float power[static DTMF_TONES])
{
	int best = 0;

	for (int i = 0; i < DTMF_TONES; i++) {
		power[i] = goertzel_power(&g[i]) / (scale * scale);
		if (power[i] > power[best])
			best = i;
	}
	return best;
}

static bool stands_out(const float power[static DTMF_TONES], int best)
{
	for (int i = 0; i < DTMF_TONES; i++)
		if (i != best && power[i] * peak > power[best])
			return false;
	return true;
}

/* The digit of the block that is full; 0: none. The next one begins. */
static char judge_block(struct dtmf_detect *d)
{
	static const char digits[] = "123A456B789C*0#D";
	float row[DTMF_TONES], col[DTMF_TONES], energy = d->energy / d->scale;
	int r = strongest(d->row, d->scale, row), c = strongest(d->col, d->scale, col);

	d->in = 0;
	d->energy = 0;
	if (row[r] < digit_power || col[c] < digit_power)
		return 0;
	if (col[c] >= row[r] * d->prm.reverse_twist || row[r] >= col[c] * d->prm.normal_twist)
		return 0;
	if (!stands_out(row, r) || !stands_out(col, c) || row[r] + col[c] <= share_of_all * energy)
		return 0;
	return digits[r * DTMF_TONES + c];
}

static void tell_end(struct dtmf_detect *d, dtmf_detect_fn *fn, void *arg)
{
	if (d->told)
		fn(arg, true, d->told, d->blocks * DTMF_BLOCK * 1000 / RATE);
	d->told = 0;
}

static void begin_digit(struct dtmf_detect *d, char digit, dtmf_detect_fn *fn, void *arg)
{
	tell_end(d, fn, arg);
	d->current = d->told = digit;
	d->blocks = d->prm.hits_to_begin;
	d->misses = 0;
	fn(arg, false, digit, 0);
}

/* A digit begins by so many blocks of it in a row, and ends by so many of anything else: it may
 * begin before the one before has ended. */
static void follow_digit(struct dtmf_detect *d, char hit, dtmf_detect_fn *fn, void *arg)
{
	if (d->current && hit == d->current) {
		d->misses = 0;
		d->blocks++;
	} else if (d->current && ++d->misses == d->prm.misses_to_end) {
		d->current = 0;
	}
	if (hit != d->last) {
		d->last = hit;
		d->hits = 0;
	}
	if (hit && hit != d->current && ++d->hits == d->prm.hits_to_begin)
		begin_digit(d, hit, fn, arg);
	else if (!d->current)
		tell_end(d, fn, arg);
}

static void hear_block(struct dtmf_detect *d, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		float v = pcm[i];

		d->energy += v * v;
		for (int k = 0; k < DTMF_TONES; k++) {
			goertzel_add(&d->row[k], v);
			goertzel_add(&d->col[k], v);
		}
	}
	d->in += (uint32_t)n;
}

struct span { size_t from, to; };

static bool mute_span(int16_t *pcm, struct span s)
{
	if (s.to > s.from)
		memset(pcm + s.from, 0, (s.to - s.from) * sizeof(*pcm));
	return s.to > s.from;
}

/* A tone that begins inside of a block is heard in the next one only: a block before and one
 * behind are taken out as well, as far as they are at hand. `at`, `end`: the block's part here. */
static bool widen_span(struct span *s, int16_t *pcm, size_t at, size_t end, size_t block)
{
	bool gap = s->to + block < at, muted = gap && mute_span(pcm, *s);

	if (gap)
		s->from = at - block;
	s->to = end + block;
	return muted;
}

bool dtmf_detect_run(struct dtmf_detect *d, int16_t *pcm, size_t n, dtmf_detect_fn *fn, void *arg)
{
	struct span mute = { 0, d->mute_left < n ? d->mute_left : n };
	bool changed = false;

	d->mute_left -= (uint32_t)mute.to;
	for (size_t at = 0, end; at < n; at = end) {
		size_t want = d->block - d->in;
		char hit;

		end = n - at < want ? n : at + want;
		hear_block(d, pcm + at, end - at);
		if (d->in < d->block)
			break;
		hit = judge_block(d);
		follow_digit(d, hit, fn, arg);
		if (hit && widen_span(&mute, pcm, at, end, d->block))
			changed = true;
	}
	if (mute.to > n) {
		d->mute_left = (uint32_t)(mute.to - n);
		mute.to = n;
	}
	return mute_span(pcm, mute) || changed;
}

/* ---- one tone */

static void tone_init(struct tone_detect *d, uint32_t rate, uint32_t hz, uint32_t ms, double db)
{
	uint32_t periods = rate * TONE_BLOCK_MS / 1000 * hz / rate, lasts = ms * rate / 1000 * 9 / 10;
	double ratio = pow(10, db / 10);

	if (periods < TONE_PERIODS)
		periods = TONE_PERIODS;
	/* Whole periods; the first and the last block may be in the tone by a part only. */
	*d = (struct tone_detect){ .block = periods * rate / hz, .scale = (float)rate / RATE, .share = (float)(ratio / (ratio + 1)) };
	d->left = d->block;
	d->need = (lasts - (d->block - 1)) / d->block;
	goertzel_init(&d->tone, hz, rate);
}

void cng_detect_init(struct tone_detect *d, uint32_t rate)
{
	tone_init(d, rate, CNG_HZ, CNG_MS, CNG_DB);
}

/* One block that is not it does no harm, two in a row do. */
static bool follow_tone(struct tone_detect *d, bool hit)
{
	if (d->hits)
		d->hits++;
	if (hit == d->last && !hit)
		d->hits = 0;
	else if (hit == d->last && !d->hits)
		d->hits = 1;
	d->last = hit;
	return d->hits == d->need;
}

bool tone_detect_run(struct tone_detect *d, const int16_t *pcm, size_t n)
{
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		float v = pcm[i], power;

		d->energy += v * v;
		goertzel_add(&d->tone, v);
		if (--d->left)
			continue;
		power = 2 * goertzel_power(&d->tone);
		if (follow_tone(d, power >= tone_power * d->scale * d->scale && power > d->energy * (float)d->block * d->share))
			found = true;
		d->energy = 0;
		d->left = d->block;
	}
	return found;
}

/* ---- silence */

uint32_t detect_level(const int16_t *pcm, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)(pcm[i] < 0 ? -(int32_t)pcm[i] : pcm[i]);
	return n ? (uint32_t)(sum / n) : 0;
}
