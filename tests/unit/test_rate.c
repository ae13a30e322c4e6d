/* Sampling rates: what passes, what does not, and that nothing is lost between frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "base/obj.h"
#include "media/rate.h"
#include "media/tone.h"

static struct rate_bank *bank;

static int up(void **state)
{
	(void)state;
	return rate_bank_new(&bank);
}

static int down(void **state)
{
	(void)state;
	bank = obj_drop(bank);
	return 0;
}

static void sine(int16_t *out, size_t n, uint32_t rate, double hz, double amplitude)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)lrint(amplitude * sin(2 * M_PI * hz * (double)i / rate));
}

static double rms(const int16_t *v, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)v[i] * v[i];
	return sqrt(sum / (double)n);
}

/* A second of a sine in frames of 20 ms; what comes out, in `out`. */
static size_t pass(uint32_t from, uint32_t to, double hz, int16_t out[48000])
{
	int16_t in[48000];
	struct rate r;
	size_t n = 0;

	sine(in, from, from, hz, 10000);
	rate_init(&r, bank, from, to);
	for (size_t at = 0; at < from; at += from / 50) {
		size_t k = rate_run(&r, in + at, from / 50, out + n, 48000 - n);

		assert_int_equal(k, to / 50);
		n += k;
	}
	return n;
}

/* Between all pairs: 20 ms are 20 ms, a tone stays itself, at its level. */
static void test_pairs(void **state)
{
	static int16_t out[48000];

	(void)state;
	assert_int_equal(rate_kind(11025), -1);
	for (int i = 0; i < RATE_KINDS; i++)
		for (int k = 0; k < RATE_KINDS; k++) {
			uint32_t from = rate_of_kind(i), to = rate_of_kind(k);

			for (int hz = 300; hz <= 3300; hz += 1000) {
				assert_int_equal(pass(from, to, hz, out), to);
				assert_true(tone_goertzel(out + to / 10, to / 10, to, (uint32_t)hz) > 0.999);
				assert_true(fabs(rms(out + to / 10, to / 10) * sqrt(2) - 10000) < 300);
			}
		}
}

/* What the slower rate cannot hold is gone: no alias of it, and no image. */
static void test_bands(void **state)
{
	static int16_t out[48000];
	static const struct { uint32_t from, to; double hz; } gone[] = {
		{ 48000, 8000, 5000 }, { 48000, 8000, 7000 }, { 48000, 8000, 20000 }, { 16000, 8000, 5000 },
		{ 48000, 16000, 9500 }, { 44100, 8000, 6000 }, { 32000, 24000, 14000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		pass(gone[i].from, gone[i].to, gone[i].hz, out);
		/* -80 dB: half of a step of sixteen bits. */
		assert_true(rms(out + gone[i].to / 10, gone[i].to / 10) < 0.8);
	}
	/* The image of 2 kHz at 8 kHz is 6 kHz. */
	pass(8000, 48000, 2000, out);
	assert_true(tone_goertzel(out + 4800, 4800, 48000, 6000) < 0.0001);
	pass(8000, 44100, 2000, out);
	assert_true(tone_goertzel(out + 4410, 4410, 44100, 6000) < 0.0001);
}

/* What is not the tone, over the band: as libspeexdsp leaves it at the quality that others take
 * for calls (bench/resample.c has both side by side). */
static void test_clean(void **state)
{
	static const uint32_t pairs[][2] = {
		{ 8000, 48000 }, { 48000, 8000 }, { 16000, 8000 }, { 8000, 16000 }, { 48000, 16000 }, { 44100, 8000 }, { 8000, 44100 },
	};
	static int16_t out[48000];

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint32_t low = pairs[i][0] < pairs[i][1] ? pairs[i][0] : pairs[i][1], to = pairs[i][1];

		for (uint32_t hz = 300; hz <= low * 17 / 40; hz += 500) {
			double re = 0, im = 0, all = 0, tone;
			size_t from = to / 2, n = to / 2;

			pass(pairs[i][0], to, hz, out);
			for (size_t k = from; k < from + n; k++) {
				re += out[k] * cos(2 * M_PI * hz * (double)k / to);
				im += out[k] * sin(2 * M_PI * hz * (double)k / to);
				all += (double)out[k] * out[k];
			}
			tone = 2 * (re * re + im * im) / (double)n;
			assert_true(10 * log10(tone / (all - tone)) > 70);
			assert_true(fabs(10 * log10(tone / (double)n / 5e7)) < 0.2);
		}
	}
}

/* Rates of files, which may be any. */
static void test_odd_files(void **state)
{
	static const uint32_t rates[] = { 11025, 22050, 96000, 192000, 7999 };
	static int16_t in[192000], out[48000];

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct rate_filter *f = rate_filter_new(rates[i], 8000);
		struct rate r;
		size_t n;

		assert_non_null(f);
		sine(in, rates[i], rates[i], 1000, 10000);
		rate_use(&r, f);
		n = rate_run(&r, in, rates[i], out, 48000);
		assert_in_range(n, 7999, 8001);
		assert_true(tone_goertzel(out + 4000, 4000, 8000, 1000) > 0.999);
		rate_filter_free(f);
	}
}

/* The same in one piece, in frames, and in pieces of odd lengths; no more than fits. */
static void test_pieces(void **state)
{
	static const struct { uint32_t from, to; } pair[] = { { 8000, 48000 }, { 48000, 8000 }, { 44100, 16000 }, { 12000, 32000 } };
	static int16_t in[48000], whole[48000], parts[48000];

	(void)state;
	for (size_t i = 0; i < sizeof(pair) / sizeof(pair[0]); i++) {
		struct rate a, b;
		size_t n = 0, k, odd = 1;

		sine(in, pair[i].from, pair[i].from, 1234, 32000);
		rate_init(&a, bank, pair[i].from, pair[i].to);
		b = a;
		k = rate_run(&a, in, pair[i].from, whole, 48000);
		assert_int_equal(k, pair[i].to);
		for (size_t at = 0; at < pair[i].from; at += odd, odd = (odd * 7 + 3) % 1500) {
			odd = odd < pair[i].from - at ? odd : pair[i].from - at;
			n += rate_run(&b, in + at, odd, parts + n, 48000 - n);
		}
		assert_int_equal(n, k);
		assert_memory_equal(whole, parts, n * sizeof(parts[0]));
		assert_int_equal(rate_run(&a, in, 4800, parts, 10), 10);
	}
}

/* A sample that turned over has the sign of its neighbours no more: a slow square
 * wave of full scale changes its sign twice a period, and no oftener. */
static void test_loud(void **state)
{
	static int16_t in[4800], out[48000];
	struct rate r;

	(void)state;
	for (size_t i = 0; i < 4800; i++)
		in[i] = i / 160 % 2 ? INT16_MAX : INT16_MIN;
	for (int k = 0; k < RATE_KINDS; k++) {
		size_t n, turns = 0;

		rate_init(&r, bank, 16000, rate_of_kind(k));
		n = rate_run(&r, in, 4800, out, 48000);
		for (size_t i = n / 10; i + 1 < n; i++)
			turns += (out[i] < 0) != (out[i + 1] < 0);
		assert_in_range(turns, 26, 28);
		assert_true(rms(out + n / 2, n / 4) > 29000);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(test_pairs), T(test_bands), T(test_clean), T(test_odd_files), T(test_pieces), T(test_loud) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
