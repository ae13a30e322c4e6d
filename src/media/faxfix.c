/* media/faxfix.c -- frames at 300 bit/s with bits that are missing: see faxfix.h. */
#include "media/faxfix.h"
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/poison.h"

enum {
	RATE = 8000, BAUD = 300,
	PERIOD = 160,           /* samples after which both tones begin anew */
	WINDOW = 27,            /* samples of a bit, rounded up */
	SURE = 21,              /* of which so many must be there */
	BITS = 1000,            /* T.30 5.3: a frame takes 3 s at most */
	GAPS = 14,              /* bits: two packets. With more the right values are not the only ones any more */
	SAME = 48,              /* bits that two times the same frame have in common at least */
	BYTES = BITS / 8,
	LEAST = 5               /* bytes: address, control, a byte, two of the check sequence */
};
enum bit { ZERO, ONE, GONE };

#define TONE_ONE 1650.0         /* [Hz] */
#define TONE_ZERO 1850.0
#define SILENCE 0.003f          /* of a whole window: -45 dBm0 */
#define FCS_GOOD 0xf0b8         /* ISO/IEC 13239: what is left of a frame with its check sequence */

struct tone {
	float cos[PERIOD], sin[PERIOD];
	float re[WINDOW], im[WINDOW];   /* of the last samples */
	float sum_re, sum_im;
};

struct run {                     /* of bits */
	uint8_t bit[BITS];              /* enum bit */
	size_t n;
};

struct faxfix {
	faxfix_fn *fn;
	void *arg;
	struct tone tone[2];            /* by the bit that it is */
	bool there[WINDOW];
	unsigned at;                    /* within PERIOD */
	unsigned pos, here;             /* here: how many of there[] */
	int phase;                      /* of a bit: RATE is a whole one */
	enum bit last;
	struct run now;                 /* since the last flag that was heard whole */
	bool open;                      /* there was one */
	bool lost;                      /* some bit of `now` is GONE */
	struct run before;              /* the last one that was not understood; without bits: none */
	uint8_t newest;                 /* bits, for the next flag */
	unsigned known;                 /* of `newest` */
};

static void make_tone(struct tone *t, double hz)
{
	for (unsigned i = 0; i < PERIOD; i++) {
		t->cos[i] = (float)cos(2 * M_PI * hz * i / RATE);
		t->sin[i] = (float)sin(2 * M_PI * hz * i / RATE);
	}
}

struct faxfix *faxfix_new(faxfix_fn *fn, void *arg)
{
	struct faxfix *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fn = fn;
	f->arg = arg;
	make_tone(&f->tone[ONE], TONE_ONE);
	make_tone(&f->tone[ZERO], TONE_ZERO);
	return f;
}

void faxfix_free(struct faxfix *f)
{
	free(f);
}

/* ---- a frame and what it may have been ---------------------------------------------------------- */

struct reading {                 /* of HDLC */
	uint8_t byte[BYTES];
	size_t bits;
	unsigned ones;
};

static void add(struct reading *r, unsigned bit)
{
	uint8_t *to = &r->byte[r->bits / 8];

	*to = (uint8_t)(r->bits % 8 ? *to | bit << r->bits % 8 : bit);
	r->bits++;
}

static bool is_right(const uint8_t *p, size_t n)
{
	unsigned fcs = 0xffff;

	for (size_t i = 0; i < n * 8; i++)
		fcs = fcs >> 1 ^ ((fcs ^ (unsigned)p[i / 8] >> i % 8) & 1 ? 0x8408u : 0);
	return fcs == FCS_GOOD;
}

/* At a flag, of which the first six bits went in as if they were the frame's. T.30 5.3.6: an address of all ones, a
 * control field. */
static size_t end_of_frame(const struct reading *r)
{
	size_t n = r->bits / 8;

	if (r->bits % 8 != 6 || n < LEAST || r->byte[0] != 0xff || (r->byte[1] & 0xef) != 0x03)
		return 0;
	return is_right(r->byte, n) ? n - 2 : 0;
}

/* The first frame with a right check sequence, and a flag behind it, in bits of which none is missing. 0: none. */
static size_t read_frame(struct reading *r, const uint8_t *bit, size_t n)
{
	size_t got;

	r->bits = r->ones = 0;
	for (size_t i = 0; i < n; i++) {
		if (bit[i] == ONE) {
			if (++r->ones > 6)
				return 0;       /* nobody is heard, or it was given up */
			if (r->ones < 6)
				add(r, 1);
			continue;
		}
		if (r->ones == 6) {
			got = end_of_frame(r);
			if (got)
				return got;
			r->bits = 0;
		} else if (r->ones < 5) {
			add(r, 0);
		}
		r->ones = 0;
	}
	return 0;
}

/* All values of what is missing. Those of the sender are always among them, so when a single frame comes out it is
 * the sender's. */
static bool try_all(struct faxfix *f, const struct run *heard)
{
	struct reading r, found = { .bits = 0 };
	struct run x = *heard;
	size_t gap[GAPS], gaps = 0, n = 0, got;

	for (size_t i = 0; i < x.n; i++) {
		if (x.bit[i] != GONE)
			continue;
		if (gaps == GAPS)
			return false;
		gap[gaps++] = i;
	}
	for (uint32_t v = 0; v < 1u << gaps; v++) {
		for (size_t i = 0; i < gaps; i++)
			x.bit[gap[i]] = v >> i & 1;
		got = read_frame(&r, x.bit, x.n);
		if (!got || (got == n && !memcmp(r.byte, found.byte, n)))
			continue;
		if (n)
			return false;
		found = r;
		n = got;
	}
	if (n)
		f->fn(f->arg, found.byte, n);
	return n != 0;
}

/* Was `old` the same, from the end on? Then what is missing of `x` is taken from it. */
static bool fill(struct run *x, const struct run *old)
{
	size_t n = x->n < old->n ? x->n : old->n, same = 0;

	for (size_t k = 1; k <= n; k++) {
		uint8_t one = x->bit[x->n - k], other = old->bit[old->n - k];

		if (one != GONE && other != GONE && one != other)
			return false;
		same += one != GONE && one == other;
	}
	if (same < SAME)
		return false;
	for (size_t k = 1; k <= n; k++)
		if (x->bit[x->n - k] == GONE)
			x->bit[x->n - k] = old->bit[old->n - k];
	return true;
}

/* What is not understood is said again (T.30 5.4.2): what is missing of both times is not much. */
static void repair(struct faxfix *f, bool flag)
{
	bool whole = try_all(f, &f->now);

	if (!whole && flag) {
		whole = fill(&f->now, &f->before) && try_all(f, &f->now);
		f->before = f->now;
	}
	if (whole)
		f->before.n = 0;
	else if (f->now.n >= LEAST * 8)
		f->fn(f->arg, NULL, 0);
}

/* Up to here; what comes next is of use only behind a flag. */
static void end(struct faxfix *f, bool flag)
{
	if (f->open && f->lost)
		repair(f, flag);
	f->now.n = 0;
	f->lost = false;
	f->open = flag;
}

static void take(struct faxfix *f, enum bit b)
{
	f->newest = (uint8_t)(f->newest << 1 | (b == ONE));
	f->known = b == GONE ? 0 : f->known + 1;
	if (f->open && f->now.n < BITS) {
		f->lost |= b == GONE;
		f->now.bit[f->now.n++] = (uint8_t)b;
	} else {
		f->open = false;
	}
	if (f->known >= 8 && f->newest == 0x7e)
		end(f, true);
}

/* ---- from sound to bits ----------------------------------------------------------------------------- */

/* The energy of the tone in the last samples, x the newest. */
static float slide(struct tone *t, unsigned at, unsigned pos, float x)
{
	float re = x * t->cos[at], im = x * t->sin[at];

	t->sum_re += re - t->re[pos];
	t->sum_im += im - t->im[pos];
	t->re[pos] = re;
	t->im[pos] = im;
	return t->sum_re * t->sum_re + t->sum_im * t->sum_im;
}

static void sample(struct faxfix *f, float x, bool there)
{
	float one = slide(&f->tone[ONE], f->at, f->pos, x), zero = slide(&f->tone[ZERO], f->at, f->pos, x);
	enum bit now = one > zero ? ONE : ZERO;

	f->here += there;
	f->here -= f->there[f->pos];
	f->there[f->pos] = there;
	f->pos = (f->pos + 1) % WINDOW;
	f->at = (f->at + 1) % PERIOD;
	f->phase += BAUD;
	/* A change is in the middle between two bits. */
	if (f->here == WINDOW && now != f->last) {
		f->phase += f->phase < RATE / 2 ? BAUD / 8 : -BAUD / 8;
		f->last = now;
	}
	if (f->phase < RATE)
		return;
	f->phase -= RATE;
	if (f->here == WINDOW && one < SILENCE && zero < SILENCE)
		end(f, false);
	else
		take(f, f->here < SURE ? GONE : now);
}

void faxfix_hear(struct faxfix *f, const int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sample(f, pcm[i] / 32768.0f, true);
}

void faxfix_miss(struct faxfix *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sample(f, 0, false);
}
