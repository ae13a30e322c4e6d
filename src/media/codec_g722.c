/* media/codec_g722.c -- ITU-T G.722 at 64 kbit/s: 16 kHz split into two bands by a
 * quadrature mirror filter, each coded by ADPCM: six bits low, two bits high.
 * Block names and signal names are the Recommendation's (section 6). */
#include "media/codec_rows.h"
#include <stdlib.h>
#include "base/poison.h"

struct band {
	int32_t s, sp, sz;              /* predictions: whole, by poles, by zeros */
	int32_t r[3], p[3], a[3], ap[3];        /* [0] now, [1] and [2] before */
	int32_t d[7], b[7], bp[7];
	int32_t nb, det;                /* log scale factor, step */
};

struct state {
	struct band low, high;
	int32_t x[24];                  /* of the filter, newest last */
};

/* ---- tables of the Recommendation */

static const int32_t qmf[12] = { 3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11 };
static const int32_t q6[32] = { 0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858,
				940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919, 0, 0 };
static const int32_t iln[32] = { 0, 63, 62, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13,
				 12, 11, 10, 9, 8, 7, 6, 5, 4, 0 };
static const int32_t ilp[32] = { 0, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
				 40, 39, 38, 37, 36, 35, 34, 33, 32, 0 };
static const int32_t wl[8] = { -60, -30, 58, 172, 334, 538, 1198, 3042 };
static const int32_t rl42[16] = { 0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0 };
static const int32_t ilb[32] = { 2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714,
				 2774, 2834, 2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676,
				 3756, 3838, 3922, 4008 };
static const int32_t wh[3] = { 0, -214, 798 };
static const int32_t rh2[4] = { 2, 1, 2, 1 };
static const int32_t qm2[4] = { -7408, -1616, 7408, 1616 };
static const int32_t qm4[16] = { 0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240,
				 2584, 1200, 0 };
static const int32_t qm6[64] = {
	-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576,
	-7856, -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040,
	-728, 24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
	4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
};

static int32_t sat(int32_t v)
{
	return v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v;
}

static int32_t clamp(int32_t v, int32_t lo, int32_t hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* ---- the adaptive predictor, alike in both bands (block 4) */

/* UPPOL2 and UPPOL1: the two poles, kept where the filter is stable. */
static void poles(struct band *b)
{
	bool same1 = (b->p[0] < 0) == (b->p[1] < 0), same2 = (b->p[0] < 0) == (b->p[2] < 0);
	int32_t w = sat(b->a[1] * 4), lim;

	w = same1 ? -w : w;
	w = w > 32767 ? 32767 : w;
	b->ap[2] = clamp((same2 ? 128 : -128) + (w >> 7) + ((b->a[2] * 32512) >> 15), -12288, 12288);
	lim = sat(15360 - b->ap[2]);
	b->ap[1] = clamp(sat((same1 ? 192 : -192) + ((b->a[1] * 32640) >> 15)), -lim, lim);
}

/* UPZERO: the six zeros. */
static void zeros(struct band *b)
{
	int32_t step = b->d[0] == 0 ? 0 : 128;

	for (int i = 1; i < 7; i++) {
		int32_t w = (b->d[i] < 0) == (b->d[0] < 0) ? step : -step;

		b->bp[i] = sat(w + ((b->b[i] * 32640) >> 15));
	}
}

static void predict(struct band *b, int32_t d)
{
	b->d[0] = d;
	b->r[0] = sat(b->s + d);
	b->p[0] = sat(b->sz + d);
	poles(b);
	zeros(b);
	/* DELAYA, then FILTEP and FILTEZ. */
	for (int i = 6; i > 0; i--) {
		b->d[i] = b->d[i - 1];
		b->b[i] = b->bp[i];
	}
	for (int i = 2; i > 0; i--) {
		b->r[i] = b->r[i - 1];
		b->p[i] = b->p[i - 1];
		b->a[i] = b->ap[i];
	}
	b->sp = sat(((b->a[1] * sat(b->r[1] + b->r[1])) >> 15) + ((b->a[2] * sat(b->r[2] + b->r[2])) >> 15));
	b->sz = 0;
	for (int i = 6; i > 0; i--)
		b->sz += (b->b[i] * sat(b->d[i] + b->d[i])) >> 15;
	b->sz = sat(b->sz);
	b->s = sat(b->sp + b->sz);
}

/* LOGSC and SCALE: the step of the quantiser, adapted to what it said. */
static void scale_band(struct band *b, int32_t w, int32_t top, int32_t shift)
{
	int32_t at;

	b->nb = clamp(((b->nb * 127) >> 7) + w, 0, top);
	at = shift - (b->nb >> 11);
	b->det = (at < 0 ? ilb[(b->nb >> 6) & 31] << -at : ilb[(b->nb >> 6) & 31] >> at) << 2;
}

static void low_adapt(struct state *s, int32_t il)
{
	int32_t ril = il >> 2;

	predict(&s->low, (s->low.det * qm4[ril]) >> 15);
	scale_band(&s->low, wl[rl42[ril]], 18432, 8);
}

static void high_adapt(struct state *s, int32_t ih)
{
	int32_t d = (s->high.det * qm2[ih]) >> 15;

	scale_band(&s->high, wh[rh2[ih]], 22528, 10);
	predict(&s->high, d);
}

/* ---- quantisers */

static int32_t low_quantise(const struct band *b, int32_t el)
{
	int32_t w = el >= 0 ? el : -(el + 1), i = 1;

	while (i < 30 && w >= (q6[i] * b->det) >> 12)
		i++;
	return el < 0 ? iln[i] : ilp[i];
}

static int32_t high_quantise(const struct band *b, int32_t eh)
{
	int32_t w = eh >= 0 ? eh : -(eh + 1), m = w >= (564 * b->det) >> 12 ? 2 : 1;

	return eh < 0 ? (m == 2 ? 0 : 1) : (m == 2 ? 2 : 3);
}

/* ---- samples and bytes */

static size_t g722_encode(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	struct state *s = st;
	size_t k = 0;

	for (; n >= 2 && k < max; n -= 2, in += 2) {
		int32_t odd = 0, even = 0, xl, xh, il, ih;

		memmove(s->x, s->x + 2, 22 * sizeof(s->x[0]));
		s->x[22] = in[0];
		s->x[23] = in[1];
		for (int i = 0; i < 12; i++) {
			odd += s->x[2 * i] * qmf[i];
			even += s->x[2 * i + 1] * qmf[11 - i];
		}
		xl = (even + odd) >> 14;
		xh = (even - odd) >> 14;
		il = low_quantise(&s->low, sat(xl - s->low.s));
		low_adapt(s, il);
		ih = high_quantise(&s->high, sat(xh - s->high.s));
		high_adapt(s, ih);
		out[k++] = (uint8_t)(ih << 6 | il);
	}
	return k;
}

static size_t g722_decode(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	struct state *s = st;
	size_t k = 0;

	for (; n && max - k >= 2; n--, in++) {
		int32_t il = *in & 63, ih = *in >> 6, rl, rh, one = 0, two = 0;

		rl = clamp(s->low.s + ((s->low.det * qm6[il]) >> 15), -16384, 16383);
		low_adapt(s, il);
		rh = clamp(((s->high.det * qm2[ih]) >> 15) + s->high.s, -16384, 16383);
		high_adapt(s, ih);
		memmove(s->x, s->x + 2, 22 * sizeof(s->x[0]));
		s->x[22] = rl + rh;
		s->x[23] = rl - rh;
		for (int i = 0; i < 12; i++) {
			two += s->x[2 * i] * qmf[i];
			one += s->x[2 * i + 1] * qmf[11 - i];
		}
		out[k++] = (int16_t)sat(one >> 11);
		out[k++] = (int16_t)sat(two >> 11);
	}
	return k;
}

static void *state_new(enum codec_side side, const struct codec_prm *prm)
{
	struct state *s = calloc(1, sizeof(*s));

	(void)side;
	(void)prm;
	if (s) {
		s->low.det = 32;
		s->high.det = 8;
	}
	return s;
}

static void state_free(void *st)
{
	free(st);
}

const struct codec codec_row_g722 = {
	.id = FORMAT_G722, .rate = 16000, .frame_samples = 2, .frame_bytes = 1, .cost = 12,
	.state_new = state_new, .state_free = state_free, .decode = g722_decode, .encode = g722_encode,
};
