/* media/resample.c -- linear rates to one another. Halving and doubling, which
 * is nearly all there is in telephony, go through a half-band filter; other
 * ratios are interpolated between neighbours. */
#include "media/codec.h"
#include "base/poison.h"

/* Half-band low-pass, 23 taps, Q15, Hamming window: every other tap is 0 and the
 * middle is one half; these are the odd ones beside the middle, outwards. */
static const int32_t half[6] = { 10281, -2938, 1269, -522, 178, -76 };

enum { TAPS = 23, MID = 11 };

void resample_init(struct resample *r, uint32_t from, uint32_t to)
{
	*r = (struct resample){ .from = from, .to = to };
}

static int16_t clamp(int32_t v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* past[] holds the TAPS last samples, newest at the end. */
static void push_sample(struct resample *r, int16_t s)
{
	memmove(r->past, r->past + 1, (TAPS - 1) * sizeof(r->past[0]));
	r->past[TAPS - 1] = s;
}

static int32_t sum_sides(const struct resample *r)
{
	int32_t sum = 0;

	for (int i = 0; i < 6; i++)
		sum += half[i] * (r->past[MID - 1 - 2 * i] + r->past[MID + 1 + 2 * i]);
	return sum;
}

static size_t halve_rate(struct resample *r, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		push_sample(r, in[i]);
		r->phase ^= 1;
		if (!r->phase && k < max)
			out[k++] = clamp((sum_sides(r) + 16384 * r->past[MID]) >> 15);
	}
	return k;
}

static size_t double_rate(struct resample *r, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	size_t k = 0;

	/* Zeros between the samples: odd outputs see the side taps only, even ones
	 * the middle alone; both doubled. */
	for (size_t i = 0; i < n && k + 2 <= max; i++) {
		int32_t sum = 0;

		memmove(r->past, r->past + 1, 11 * sizeof(r->past[0]));
		r->past[11] = in[i];
		for (int j = 0; j < 6; j++)
			sum += half[j] * (r->past[5 - j] + r->past[6 + j]);
		out[k++] = r->past[5];
		out[k++] = clamp(sum >> 14);
	}
	return k;
}

static size_t any(struct resample *r, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	size_t k = 0;

	/* phase: place of the next output after past[0], in 1/to of an input step. */
	for (size_t i = 0; i < n; i++) {
		while (r->phase < r->to && k < max) {
			int64_t d = (int64_t)(in[i] - r->past[0]) * r->phase / r->to;

			out[k++] = clamp((int32_t)(r->past[0] + d));
			r->phase += r->from;
		}
		r->phase = r->phase >= r->to ? r->phase - r->to : 0;
		r->past[0] = in[i];
	}
	return k;
}

size_t resample_run(struct resample *r, const int16_t *in, size_t n, int16_t *out, size_t max)
{
	if (r->from == r->to) {
		n = n < max ? n : max;
		memcpy(out, in, n * sizeof(*in));
		return n;
	}
	if (r->from == 2 * r->to)
		return halve_rate(r, in, n, out, max);
	if (r->to == 2 * r->from)
		return double_rate(r, in, n, out, max);
	return any(r, in, n, out, max);
}
