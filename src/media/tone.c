/* media/tone.c -- tones from their text, as samples, and heard again. */
#include "media/tone.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <math.h>
#include "base/poison.h"

/* Each frequency at a sixth of full scale: -13 dBm0 or so, and four of them
 * still do not clip. */
enum { AMPLITUDE = 5461 };

/* ---- text */

/* "350", "350+440", "950*25": frequencies of one part. */
static int freqs_parse(struct tone_part *p, struct str s)
{
	size_t star = str_chr(s, '*');
	uint32_t hz;
	int k = 0;

	if (star < s.n) {
		if (str_u32(str_trim(str_skip(s, star + 1)), &hz) || hz == 0 || hz > 4000)
			return EBADMSG;
		p->modulate = (uint16_t)hz;
		s = str_sub(s, 0, star);
	}
	if (str_ends(str_trim(s), STR("+")))
		return EBADMSG;
	do {
		if (k == TONE_FREQS || str_u32(str_trim(str_cut_raw(&s, '+')), &hz) || hz > 20000)
			return EBADMSG;
		p->freq[k++] = (uint16_t)hz;
	} while (s.n);
	return p->modulate && k > 1 ? EBADMSG : 0;
}

static int part_parse(struct tone_part *p, struct str s)
{
	struct str freqs = str_trim(str_cut_raw(&s, '/'));
	uint32_t ms = 0;

	if (!freqs.n)
		return EBADMSG;
	if (s.n && (str_u32(str_trim(s), &ms) || ms > UINT16_MAX))
		return EBADMSG;
	p->ms = (uint16_t)ms;
	return freqs_parse(p, freqs);
}

int tone_parse(struct tone **out, struct str s)
{
	struct tone_part parts[TONE_PARTS];
	struct tone *t;
	uint16_t n = 0, loop = 0;

	s = str_trim(s);
	if (!s.n)
		return EBADMSG;
	do {
		/* indications.conf cuts at ',', Playtones also at '|'. */
		size_t end = str_chr(s, ','), bar = str_chr(s, '|');
		struct str item = str_trim(str_sub(s, 0, end < bar ? end : bar));
		int err;

		s = str_skip(s, (end < bar ? end : bar) + 1);
		if (n == TONE_PARTS)
			return E2BIG;
		parts[n] = (struct tone_part){ 0 };
		if (item.n && item.p[0] == '!') {
			item = str_skip(item, 1);
			/* Only a run of them at the start is played once. */
			if (loop == n)
				loop++;
		}
		err = part_parse(&parts[n++], item);
		if (err)
			return err;
	} while (s.n);
	t = obj_new(sizeof(*t) + n * sizeof(t->part[0]), NULL);
	if (!t)
		return ENOMEM;
	t->nparts = n;
	t->loop = loop;
	memcpy(t->part, parts, n * sizeof(parts[0]));
	*out = t;
	return 0;
}

int tone_named(struct tone **out, struct str name, struct str zone)
{
	struct str whole = str_trim(name), plain = str_trim(str_cut_raw(&name, '/')), text;

	/* "425/50,0/50" has a slash as well: a name starts with a letter. */
	if (name.n && tone_zone_exists(str_trim(name)))
		zone = str_trim(name);
	text = tone_zone_text(zone, plain);
	if (text.n)
		return tone_parse(out, text);
	if (!whole.n || !(whole.p[0] == '!' || (whole.p[0] >= '0' && whole.p[0] <= '9')))
		return ENOENT;
	return tone_parse(out, whole);
}

bool tone_dtmf_freqs(char digit, uint16_t *low, uint16_t *high)
{
	static const char digits[] = "123A456B789C*0#D";
	static const uint16_t rows[] = { 697, 770, 852, 941 }, cols[] = { 1209, 1336, 1477, 1633 };
	const char *at;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	at = digit ? strchr(digits, digit) : NULL;
	if (!at)
		return false;
	*low = rows[(at - digits) / 4];
	*high = cols[(at - digits) % 4];
	return true;
}

int tone_dtmf(struct tone **out, char digit, unsigned ms)
{
	uint16_t low, high;
	struct tone *t;

	if (!tone_dtmf_freqs(digit, &low, &high))
		return EINVAL;
	t = obj_new(sizeof(*t) + sizeof(t->part[0]), NULL);
	if (!t)
		return ENOMEM;
	t->nparts = t->loop = 1;
	t->part[0] = (struct tone_part){ .freq = { low, high },
					 .ms = num_u16(ms) };
	*out = t;
	return 0;
}

/* ---- samples */

static uint32_t part_samples(const struct tone_gen *g)
{
	uint16_t ms = g->tone->part[g->part].ms;

	return ms ? num_u32(num_muldiv(ms, g->rate, 1000, 0)) : UINT32_MAX;
}

void tone_gen_init(struct tone_gen *g, const struct tone *t, uint32_t rate)
{
	*g = (struct tone_gen){ .tone = t, .rate = rate };
	g->left = t->nparts ? part_samples(g) : 0;
}

/* To the next part; false: that was the last. */
static bool part_next(struct tone_gen *g)
{
	uint16_t turns = 0;

	do {
		g->part++;
		if (g->part >= g->tone->nparts) {
			if (g->tone->loop >= g->tone->nparts)
				return false;
			g->part = g->tone->loop;
		}
		g->left = part_samples(g);
	} while (!g->left && ++turns < TONE_PARTS);
	return g->left > 0;
}

/* sin() of a 32-bit turn, by a table of a quarter and its mirror, is not worth
 * its memory here: a polynomial good to 1e-4 (Bhaskara's form is 2e-3). */
static float sine(uint32_t turn)
{
	float x = (float)(int32_t)turn * (1.0f / 2147483648.0f);        /* -1..1 half turns */
	float y, x2;

	if (x > 0.5f)
		x = 1.0f - x;
	else if (x < -0.5f)
		x = -1.0f - x;
	x2 = x * x;
	/* Taylor's odd terms to x^7, of sin(pi x). */
	y = 3.14159265f + x2 * (-5.16771278f + x2 * (2.55016404f + x2 * -0.59926453f));
	return x * y;
}

static uint32_t phase_step(uint32_t hz, uint32_t rate)
{
	return (uint32_t)num_div((uint64_t)hz << 32, rate, 0);
}

static void part_run(struct tone_gen *g, int16_t *out, size_t n)
{
	const struct tone_part *p = &g->tone->part[g->part];
	uint32_t steps[TONE_FREQS], mod = phase_step(p->modulate, g->rate);
	int k = 0;

	while (k < TONE_FREQS && p->freq[k]) {
		steps[k] = phase_step(p->freq[k], g->rate);
		k++;
	}
	for (size_t i = 0; i < n; i++) {
		float v = 0;

		for (int j = 0; j < k; j++) {
			v += sine(g->phase[j]);
			g->phase[j] += steps[j];
		}
		if (p->modulate) {
			/* 90 % modulation, as RECORDERTONE-like signals have it. */
			v *= (1.0f + 0.9f * sine(g->mod_phase)) * 0.5f;
			g->mod_phase += mod;
		}
		out[i] = (int16_t)(v * AMPLITUDE);
	}
}

bool tone_gen_run(struct tone_gen *g, int16_t *out, size_t n)
{
	bool any = false;

	while (n) {
		size_t k;

		if (!g->left && !part_next(g)) {
			memset(out, 0, n * sizeof(*out));
			return any;
		}
		any = true;
		k = n < g->left ? n : g->left;
		part_run(g, out, k);
		if (g->left != UINT32_MAX)
			g->left -= (uint32_t)k;
		out += k;
		n -= k;
	}
	return true;
}

double tone_goertzel(const int16_t *in, size_t n, uint32_t rate, uint32_t freq)
{
	double c = 2 * cos(2 * M_PI * freq / rate), s1 = 0, s2 = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		double s = in[i] + c * s1 - s2;

		s2 = s1;
		s1 = s;
		all += (double)in[i] * in[i];
	}
	/* A pure tone of amplitude A: magnitude (A n / 2)^2, energy A^2 n / 2. */
	return all > 0 ? (s1 * s1 + s2 * s2 - c * s1 * s2) * 2 / (all * (double)n) : 0;
}
