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
 * the two nearest of PLACES are interpolated. CHUNK: inputs taken at a time. */
enum { TAPS = 40, EXACT = 8, PLACES = 64, CHUNK = 960, UNITY = 1 << 14 };
/* Kaiser window: 55 dB. The cut lies in the middle of the transition. */
#define BETA 5.1
#define CUT 0.458

static const uint32_t kinds[RATE_KINDS] = { 8000, 12000, 16000, 24000, 32000, 44100, 48000 };

struct rate_filter {
	uint32_t up, down;      /* to/from in lowest terms */
	uint32_t places;        /* rows but one: the last is the first of the next input */
	uint32_t taps;          /* of a row, in inputs; a multiple of 8 */
	int16_t *row;           /* owned, [places + 1][taps] */
};

struct rate_bank {
	struct rate_filter f[RATE_KINDS][RATE_KINDS];
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
	double sum = 1, term = 1;

	for (int k = 1; k < 20; k++) {
		term *= (x / (2 * k)) * (x / (2 * k));
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
static void make_row(int16_t *row, uint32_t taps, double place, double cut)
{
	double v[RATE_PAST], all = 0;
	int sum = 0;

	for (uint32_t k = 0; k < taps; k++) {
		v[k] = filter_tap(place - k + taps / 2 - 1, cut, taps / 2);
		all += v[k];
	}
	for (uint32_t k = 0; k < taps; k++) {
		row[k] = (int16_t)lrint(v[k] / all * UNITY);
		sum += row[k];
	}
	row[taps / 2 - (place < 0.5)] = (int16_t)(row[taps / 2 - (place < 0.5)] + UNITY - sum);
}

static int make_filter(struct rate_filter *f, uint32_t from, uint32_t to)
{
	uint32_t g = (uint32_t)num_gcd(from, to), slower = from < to ? from : to;

	f->up = to / g;
	f->down = from / g;
	f->places = f->up <= EXACT ? f->up : PLACES;
	f->taps = ((TAPS * from + slower - 1) / slower + 7) / 8 * 8;
	f->row = calloc((size_t)(f->places + 1) * f->taps, sizeof(*f->row));
	if (!f->row)
		return ENOMEM;
	for (uint32_t i = 0; i <= f->places; i++)
		make_row(f->row + (size_t)i * f->taps, f->taps, (double)i / f->places, CUT * slower / from);
	return 0;
}

static void free_bank(void *arg)
{
	struct rate_bank *b = arg;

	for (int i = 0; i < RATE_KINDS; i++)
		for (int k = 0; k < RATE_KINDS; k++)
			free(b->f[i][k].row);
}

int rate_bank_new(struct rate_bank **out)
{
	struct rate_bank *b = obj_new(sizeof(*b), free_bank);
	int err = b ? 0 : ENOMEM;

	for (int i = 0; i < RATE_KINDS && !err; i++)
		for (int k = 0; k < RATE_KINDS && !err; k++)
			if (i != k)
				err = make_filter(&b->f[i][k], kinds[i], kinds[k]);
	if (err)
		obj_drop(b);
	else
		*out = b;
	return err;
}

/* ---- running one */

void rate_init(struct rate *r, const struct rate_bank *b, uint32_t from, uint32_t to)
{
	*r = (struct rate){ .f = from == to ? NULL : &b->f[rate_kind(from)][rate_kind(to)] };
}

/* A coefficient is at most 1 and their magnitudes add up to less than 2, in
 * fourteen bits: thirty-two hold the sum. */
static int32_t sum_taps(const int16_t *in, const int16_t *row, size_t taps)
{
	int32_t sum = 0;

	for (size_t k = 0; k < taps; k++)
		sum += in[k] * row[k];
	return sum;
}

static int16_t clamp(int32_t v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* The output `part` of an input after in[0]; `in` has f->taps samples. */
static int16_t filter_sample(const struct rate_filter *f, const int16_t *in, uint32_t part)
{
	uint32_t at, rest;
	int32_t a, b;

	if (f->places == f->up)
		return clamp((sum_taps(in, f->row + (size_t)part * f->taps, f->taps) + UNITY / 2) >> 14);
	at = part * PLACES / f->up;
	rest = part * PLACES - at * f->up;      /* in 1/up of the way to the next row */
	a = sum_taps(in, f->row + (size_t)at * f->taps, f->taps);
	b = sum_taps(in, f->row + (size_t)(at + 1) * f->taps, f->taps);
	return clamp((int32_t)(((int64_t)a * (f->up - rest) + (int64_t)b * rest) / ((int64_t)f->up << 14)));
}

size_t rate_run(struct rate *r, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	const struct rate_filter *f = r->f;
	int16_t work[RATE_PAST + CHUNK];
	size_t made = 0, keep;

	if (!f) {
		n = n < max ? n : max;
		memcpy(out, in, n * sizeof(*in));
		return n;
	}
	keep = f->taps - 1;
	while (n) {
		size_t k = n < CHUNK ? n : CHUNK, at = r->part / f->up;

		memcpy(work, r->past + RATE_PAST - keep, keep * sizeof(*in));
		memcpy(work + keep, in, k * sizeof(*in));
		for (r->part %= f->up; at < k; at += r->part / f->up, r->part %= f->up) {
			if (made < max)
				out[made++] = filter_sample(f, work + at, r->part);
			r->part += f->down;
		}
		/* What goes beyond this chunk is a place in the next one. */
		r->part += (uint32_t)(at - k) * f->up;
		memcpy(r->past + RATE_PAST - keep, work + k, keep * sizeof(*in));
		in += k;
		n -= k;
	}
	return made;
}
