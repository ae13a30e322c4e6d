/* media/rate.c -- sampling rates to one another by a polyphase filter. The filters
 * of all pairs are made once (struct rate_bank); running one allocates nothing. */
#include "media/rate.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/poison.h"

/* TAPS: length in samples of the slower rate. A ratio of small numbers has a row of
 * coefficients for each place of an output between two inputs; for others (44.1 kHz)
 * the four nearest of PLACES are interpolated. CHUNK: inputs taken at a time. */
enum { TAPS = 80, EXACT = 8, PLACES = 16, CHUNK = 960, FILTERS = RATE_KINDS * RATE_KINDS };
/* Kaiser window: 95 dB. The cut lies in the middle of the transition. */
#define BETA 9.4
#define CUT 0.466

static const uint32_t kinds[RATE_KINDS] = { 8000, 12000, 16000, 24000, 32000, 44100, 48000 };

struct rate_filter {
	uint32_t up, down;      /* to/from in lowest terms */
	uint32_t taps;          /* of a row, in inputs; a multiple of 8 */
	bool exact;             /* row i is of place i/up; else of place (i - 1)/PLACES */
	float *row;             /* owned, [up, or PLACES + 3][taps] */
};

struct rate_bank {
	size_t n;
	struct rate_filter f[FILTERS];          /* one a ratio */
	uint8_t of[RATE_KINDS][RATE_KINDS];     /* which of them */
};

int rate_kind(uint32_t hz)
{
	for (int i = 0; i < RATE_KINDS; i++)
		if (kinds[i] == hz)
			return i;
	return -1;
}

uint32_t rate_of_kind(int kind)
{
	return kinds[kind];
}

/* ---- making the filters */

/* Modified Bessel function of the first kind, order 0. */
static double bessel(double x)
{
	double sum = 1, term = 1, q = x * x / 4;

	for (int k = 1; term > sum * 1e-9; k++) {
		term *= q / (k * k);
		sum += term;
	}
	return sum;
}

/* The ideal low-pass `cut` [of the input rate], `x` inputs from its middle, in a
 * window `half` inputs wide to each side. */
static double filter_tap(double x, double cut, double half)
{
	double w = x / half, s = x == 0 ? 2 * cut : sin(2 * M_PI * cut * x) / (M_PI * x);

	return w <= -1 || w >= 1 ? 0 : s * bessel(BETA * sqrt(1 - w * w));
}

/* One row, scaled so that what is constant stays as it is. */
static void make_row(float *row, uint32_t taps, double place, double cut)
{
	double v[RATE_PAST], all = 0;

	for (uint32_t k = 0; k < taps; k++) {
		v[k] = filter_tap(place - k + taps / 2 - 1, cut, taps / 2);
		all += v[k];
	}
	for (uint32_t k = 0; k < taps; k++)
		row[k] = (float)(v[k] / all);
}

static int make_filter(struct rate_filter *f, uint32_t up, uint32_t down)
{
	uint32_t slower = up < down ? up : down, rows;
	double cut = CUT * slower / down;

	f->up = up;
	f->down = down;
	f->exact = up <= EXACT;
	f->taps = ((TAPS * down + slower - 1) / slower + 7) / 8 * 8;
	if (f->taps > RATE_PAST)        /* 1:6 is the farthest that two of ours are apart */
		f->taps = RATE_PAST;
	rows = f->exact ? up : PLACES + 3;
	f->row = calloc((size_t)rows * f->taps, sizeof(*f->row));
	if (!f->row)
		return ENOMEM;
	for (uint32_t i = 0; i < rows; i++)
		make_row(f->row + (size_t)i * f->taps, f->taps, f->exact ? (double)i / up : ((double)i - 1) / PLACES, cut);
	return 0;
}

/* The filter of a ratio: 8 to 16 kHz is 24 to 48. */
static int find_filter(struct rate_bank *b, uint32_t from, uint32_t to, uint8_t *at)
{
	uint32_t g = (uint32_t)num_gcd(from, to);
	int err;

	for (*at = 0; *at < b->n; ++*at)
		if (b->f[*at].up == to / g && b->f[*at].down == from / g)
			return 0;
	err = make_filter(&b->f[b->n], to / g, from / g);
	b->n += !err;
	return err;
}

static void free_bank(void *arg)
{
	struct rate_bank *b = arg;

	for (size_t i = 0; i < b->n; i++)
		free(b->f[i].row);
}

int rate_bank_new(struct rate_bank **out)
{
	struct rate_bank *b = obj_new(sizeof(*b), free_bank);
	int err = b ? 0 : ENOMEM;

	for (int i = 0; i < RATE_KINDS && !err; i++)
		for (int k = 0; k < RATE_KINDS && !err; k++)
			if (i != k)
				err = find_filter(b, kinds[i], kinds[k], &b->of[i][k]);
	if (err)
		obj_drop(b);
	else
		*out = b;
	return err;
}

struct rate_filter *rate_filter_new(uint32_t from, uint32_t to)
{
	struct rate_filter *f = calloc(1, sizeof(*f));
	uint32_t g = (uint32_t)num_gcd(from, to);

	if (!f || make_filter(f, to / g, from / g)) {
		free(f);
		return NULL;
	}
	return f;
}

void rate_filter_free(struct rate_filter *f)
{
	if (f)
		free(f->row);
	free(f);
}

/* ---- running one */

void rate_use(struct rate *r, const struct rate_filter *f)
{
	*r = (struct rate){ .f = f };
}

size_t rate_delay(const struct rate_filter *f)
{
	return f->taps / 2;
}

void rate_init(struct rate *r, const struct rate_bank *b, uint32_t from, uint32_t to)
{
	*r = (struct rate){ .f = from == to ? NULL : &b->f[b->of[rate_kind(from)][rate_kind(to)]] };
}

/* Four at a time, wherever they stand: a compiler may not order the sum of floats anew by
 * itself. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

static float sum_taps(const float *in, const float *row, size_t taps)
{
	const four *a = (const four *)in, *b = (const four *)row;
	four x = { 0 }, y = { 0 };

	for (size_t k = 0; k < taps / 4; k += 2) {
		x += a[k] * b[k];
		y += a[k + 1] * b[k + 1];
	}
	x += y;
	return (x[0] + x[1]) + (x[2] + x[3]);
}

static int16_t clamp(float v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : lrintf(v));
}

/* Between four rows, `part` of an input after the first of `in`: the cubic through them. */
static float sum_between(const struct rate_filter *f, const float *in, uint32_t part)
{
	uint32_t at = part * PLACES / f->up;
	float t = (float)(part * PLACES - at * f->up) / (float)f->up, sum = 0;
	const float weight[4] = { -t * (t - 1) * (t - 2) / 6, (t + 1) * (t - 1) * (t - 2) / 2,
				  -(t + 1) * t * (t - 2) / 2, (t + 1) * t * (t - 1) / 6 };

	for (uint32_t i = 0; i < 4; i++)
		sum += weight[i] * sum_taps(in, f->row + (size_t)(at + i) * f->taps, f->taps);
	return sum;
}

/* The output `part` of an input after in[0]; `in` has f->taps samples. */
static int16_t filter_sample(const struct rate_filter *f, const float *in, uint32_t part)
{
	return clamp(f->exact ? sum_taps(in, f->row + (size_t)part * f->taps, f->taps) : sum_between(f, in, part));
}

static void to_float(float *out, const int16_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = in[i];
}

/* The last `keep` of what came, for the next time. */
static void remember(struct rate *r, const int16_t *in, size_t n, size_t keep)
{
	int16_t *end = r->past + RATE_PAST;

	if (n < keep)
		memmove(end - keep, end - keep + n, (keep - n) * sizeof(*in));
	n = n < keep ? n : keep;
	memcpy(end - n, in, n * sizeof(*in));
}

size_t rate_run(struct rate *r, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	const struct rate_filter *f = r->f;
	float work[RATE_PAST + CHUNK];
	size_t made = 0, keep;

	if (!f) {
		n = n < max ? n : max;
		memcpy(out, in, n * sizeof(*in));
		return n;
	}
	keep = f->taps - 1;
	while (n) {
		size_t k = n < CHUNK ? n : CHUNK, at = r->part / f->up;

		to_float(work, r->past + RATE_PAST - keep, keep);
		to_float(work + keep, in, k);
		for (r->part %= f->up; at < k; ) {
			if (made < max)
				out[made++] = filter_sample(f, work + at, r->part);
			for (r->part += f->down; r->part >= f->up; r->part -= f->up)
				at++;
		}
		/* What goes beyond this chunk is a place in the next one. */
		r->part += (uint32_t)(at - k) * f->up;
		remember(r, in + (k > keep ? k - keep : 0), k < keep ? k : keep, keep);
		in += k;
		n -= k;
	}
	return made;
}

size_t rate_convert(struct rate_converter *c, uint32_t from, uint32_t to, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	if (!c->bank)
		return 0;
	if (c->from != from || c->to != to)
		rate_init(&c->rate, c->bank, from, to);
	c->from = from;
	c->to = to;
	return rate_run(&c->rate, in, n, out, max);
}
