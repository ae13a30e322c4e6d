/* Our change of sampling rates beside libspeexdsp's: how clean a tone comes out, what is left of
 * one that the new rate cannot hold, how wide the band is, and the time that it takes.
 *   build/bench/resample
 * The figures stand in docs/media.md. */
#include <math.h>
#include <speex/speex_resampler.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "base/obj.h"
#include "media/rate.h"

enum { SECOND = 48000, ROUNDS = 40 };

struct way {                    /* one that changes rates */
	const char *name;
	int quality;            /* of libspeexdsp; -1: ours */
};

static const struct way ways[] = {
	{ "rate.c", -1 }, { "speexdsp 3", 3 }, { "speexdsp 5", 5 }, { "speexdsp 8", 8 },
};
static struct rate_bank *bank;

static size_t convert(const struct way *w, uint32_t from, uint32_t to, const int16_t *in, size_t n, int16_t *out)
{
	size_t k = 0, frame = from / 50;

	if (w->quality == -1) {
		struct rate r;

		rate_init(&r, bank, from, to);
		for (size_t at = 0; at + frame <= n; at += frame)
			k += rate_run(&r, in + at, frame, out + k, SECOND - k);
	} else {
		int err;
		SpeexResamplerState *s = speex_resampler_init(1, from, to, w->quality, &err);

		for (size_t at = 0; s && at + frame <= n; at += frame) {
			spx_uint32_t a = (spx_uint32_t)frame, b = (spx_uint32_t)(SECOND - k);

			speex_resampler_process_int(s, 0, in + at, &a, out + k, &b);
			k += b;
		}
		if (s)
			speex_resampler_destroy(s);
	}
	return k;
}

static void sine(int16_t *out, uint32_t rate, double hz)
{
	/* Noise of half a step, so that the rounding is none of the tone's. */
	for (uint32_t i = 0; i < rate; i++)
		out[i] = (int16_t)lrint(16000 * sin(2 * M_PI * hz * i / rate) + drand48() - 0.5);
}

static double db(double power)
{
	return power > 1e-12 ? 10 * log10(power) : -120;
}

/* The tone's power and the rest's, of the second half. */
static void measure(const int16_t *v, size_t n, uint32_t rate, double hz, double *tone, double *rest)
{
	double re = 0, im = 0, all = 0;
	size_t from = n / 2 / (rate / 100) * (rate / 100), k = n - from;

	/* hz is a multiple of 100: the window has whole periods. */
	for (size_t i = from; i < n; i++) {
		re += v[i] * cos(2 * M_PI * hz * (double)i / rate);
		im += v[i] * sin(2 * M_PI * hz * (double)i / rate);
		all += (double)v[i] * v[i];
	}
	*tone = 2 * (re * re + im * im) / ((double)k * (double)k);
	*rest = all / (double)k - *tone;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(const struct way *w, uint32_t from, uint32_t to)
{
	static int16_t in[SECOND], out[SECOND + 100];
	double low = from < to ? from : to, worst = 200, level = 0, alias = -200, edge = 0, t;

	for (double hz = 200; hz < 0.475 * low; hz += 100) {
		double tone, rest, gain;
		size_t n;

		sine(in, from, hz);
		n = convert(w, from, to, in, from, out);
		measure(out, n, to, hz, &tone, &rest);
		gain = db(tone / (16000.0 * 16000 / 2));
		if (hz <= 0.425 * low) {
			double snr = db(tone / (rest > 0 ? rest : 1e-9));

			worst = snr < worst ? snr : worst;
			level = fabs(gain) > fabs(level) ? gain : level;
		}
		edge = gain > -3 && edge + 101 + (edge == 0) * 200 > hz ? hz : edge;
	}
	/* What cannot be had at the slower rate, from a tenth above its band on. */
	for (double hz = 0.55 * low; hz < 0.49 * from && from > to; hz += 100) {
		double tone, rest;
		size_t n;

		sine(in, from, round(hz / 100) * 100);
		n = convert(w, from, to, in, from, out);
		measure(out, n, to, 0, &tone, &rest);
		rest = db((rest + tone) / (16000.0 * 16000 / 2));
		alias = rest > alias ? rest : alias;
	}
	t = seconds();
	for (int i = 0; i < ROUNDS; i++)
		convert(w, from, to, in, from, out);
	t = (seconds() - t) / ROUNDS / 50 * 1e6;
	printf("| %5u to %5u | %-10s | %5.1f | %+5.1f | %5.0f |", from, to, w->name, worst, level, edge);
	if (from > to)
		printf(" %6.1f |", alias);
	else
		printf("      - |");
	printf(" %5.1f |\n", t);
}

int main(void)
{
	static const uint32_t pairs[][2] = {
		{ 48000, 8000 }, { 8000, 48000 }, { 16000, 8000 }, { 8000, 16000 }, { 48000, 16000 }, { 16000, 48000 },
		{ 44100, 8000 },
	};

	if (rate_bank_new(&bank))
		return 1;
	printf("| from, to [Hz] | by | worst SNR to 0.85 of the band [dB] | worst level there [dB] | -3 dB at [Hz] | "
	       "worst alias [dB] | 20 ms take [us] |\n| --- | --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		for (size_t k = 0; k < sizeof(ways) / sizeof(ways[0]); k++)
			run(&ways[k], pairs[i][0], pairs[i][1]);
	obj_drop(bank);
	return 0;
}
