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
		assert_true(rms(out + gone[i].to / 10, gone[i].to / 10) < 40);          /* -45 dB */
	}
	/* The image of 2 kHz at 8 kHz is 6 kHz. */
	pass(8000, 48000, 2000, out);
	assert_true(tone_goertzel(out + 4800, 4800, 48000, 6000) < 0.0001);
	pass(8000, 44100, 2000, out);
	assert_true(tone_goertzel(out + 4410, 4410, 44100, 6000) < 0.0001);
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
	const struct CMUnitTest tests[] = { T(test_pairs), T(test_bands), T(test_pieces), T(test_loud) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
