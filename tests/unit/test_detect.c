/* Digits, fax tones and silence heard in sound (media/detect.h): levels, twist, lengths, noise, rates, and what is no
 * digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "media/detect.h"
#include "media/tone.h"

static struct {
	char begins[600], ends[600];
	unsigned ms[600];
	size_t nb, ne;
} told;

static void on_digit(void *arg, bool end, char digit, unsigned ms)
{
	(void)arg;
	if (end) {
		told.ms[told.ne] = ms;
		told.ends[told.ne++] = digit;
	} else {
		told.begins[told.nb++] = digit;
	}
	assert_in_range(told.nb - told.ne, 0, 1);
}

static int16_t pcm[48000 * 40];

static uint32_t seed = 1;
static double noise(void)
{
	seed = seed * 1664525 + 1013904223;
	return (double)(seed >> 8) / (1 << 23) - 1;
}

static int16_t cut(double v) { return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : lrint(v)); }

/* `ms` of two tones from sample `at` on; where it ends. */
static size_t put(size_t at, uint32_t rate, unsigned ms, double f1, double a1, double f2, double a2)
{
	size_t n = (size_t)ms * rate / 1000;

	for (size_t i = 0; i < n; i++)
		pcm[at + i] = cut(a1 * sin(2 * M_PI * f1 * (double)i / rate) + a2 * sin(2 * M_PI * f2 * (double)i / rate));
	return at + n;
}

static size_t put_digit(size_t at, uint32_t rate, unsigned ms, char digit, double low, double high)
{
	uint16_t f1 = 0, f2 = 0;

	tone_dtmf_freqs(digit, &f1, &f2);
	return put(at, rate, ms, f1, low, f2, high);
}

static size_t put_silence(size_t at, uint32_t rate, unsigned ms)
{
	return put(at, rate, ms, 100, 0, 100, 0);
}

static void add_noise(size_t n, double level)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = cut(pcm[i] + level * noise());
}

/* In packets of 20 ms, as they come. */
static void hear(size_t n, uint32_t rate, const struct detect_prm *prm)
{
	struct dtmf_detect d;

	memset(&told, 0, sizeof(told));
	dtmf_detect_init(&d, rate, prm);
	for (size_t at = 0; at < n; at += rate / 50)
		dtmf_detect_run(&d, pcm + at, n - at < rate / 50 ? n - at : rate / 50, on_digit, NULL);
}

static const struct detect_prm plain;
static const char all[] = "123A456B789C*0#D";

static void test_all_digits(void **state)
{
	static const uint32_t rates[] = { 8000, 12000, 16000, 24000, 32000, 44100, 48000 };

	(void)state;
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		size_t n = 0;

		for (const char *c = all; *c; c++) {
			n = put_digit(n, rates[r], 80, *c, 5000, 5000);
			n = put_silence(n, rates[r], 80);
		}
		hear(n, rates[r], &plain);
		assert_string_equal(told.begins, all);
		assert_string_equal(told.ends, all);
		for (size_t i = 0; i < told.ne; i++)
			assert_in_range(told.ms[i], 50, 90);
	}
}

/* As loud as Asterisk's dsp.c needs it: 180 is heard, 170 perhaps and 160 not. */
static void test_levels(void **state)
{
	static const int heard[] = { 16000, 10000, 1000, 500, 250, 200, 180 }, unheard[] = { 160, 100, 80, 10, 1 };

	(void)state;
	for (const char *c = all; *c; c++) {
		for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++) {
			hear(put_digit(0, 8000, 100, *c, heard[i], heard[i]), 8000, &plain);
			assert_int_equal(told.begins[0], *c);
		}
		for (size_t i = 0; i < sizeof(unheard) / sizeof(unheard[0]); i++) {
			hear(put_digit(0, 8000, 100, *c, unheard[i], unheard[i]), 8000, &plain);
			assert_int_equal(told.nb, 0);
		}
	}
	/* The same level is the same at another rate. */
	hear(put_digit(0, 48000, 100, '5', 200, 200), 48000, &plain);
	assert_string_equal(told.begins, "5");
	hear(put_digit(0, 48000, 100, '5', 150, 150), 48000, &plain);
	assert_int_equal(told.nb, 0);
}

static bool heard_at(double low_db, const struct detect_prm *prm)
{
	hear(put_digit(0, 8000, 100, '5', 2000 * pow(10, low_db / 20), 2000), 8000, prm);
	return told.nb == 1;
}

/* The low tone by 8 dB, the high one by 4. */
static void test_twist(void **state)
{
	const struct detect_prm wide = { .normal_twist = 40, .reverse_twist = 20 }, narrow = { .normal_twist = 2, .reverse_twist = 2 };

	(void)state;
	assert_true(heard_at(7, &plain));
	assert_true(heard_at(-3.5, &plain));
	assert_false(heard_at(9, &plain));
	assert_false(heard_at(-5, &plain));
	assert_false(heard_at(7, &narrow));
	assert_false(heard_at(-3.5, &narrow));
	assert_true(heard_at(9, &wide));
	assert_true(heard_at(-5, &wide));
}

/* Two blocks of 12.75 ms begin a digit, three end it. */
static void test_lengths(void **state)
{
	const struct detect_prm slow = { .hits_to_begin = 4, .misses_to_end = 6 };
	size_t n;

	(void)state;
	hear(put_silence(put_digit(0, 8000, 20, '1', 3000, 3000), 8000, 100), 8000, &plain);
	assert_int_equal(told.nb, 0);
	hear(put_silence(put_digit(0, 8000, 40, '1', 3000, 3000), 8000, 100), 8000, &plain);
	assert_int_equal(told.ne, 1);
	hear(put_silence(put_digit(0, 8000, 40, '1', 3000, 3000), 8000, 100), 8000, &slow);
	assert_int_equal(told.nb, 0);
	/* A gap of 20 ms does not end it, one of 60 does. */
	n = put_digit(0, 8000, 100, '1', 3000, 3000);
	n = put_silence(n, 8000, 20);
	n = put_digit(n, 8000, 100, '1', 3000, 3000);
	hear(put_silence(n, 8000, 100), 8000, &plain);
	assert_string_equal(told.ends, "1");
	n = put_digit(0, 8000, 100, '1', 3000, 3000);
	n = put_silence(n, 8000, 60);
	n = put_digit(n, 8000, 100, '1', 3000, 3000);
	hear(put_silence(n, 8000, 100), 8000, &plain);
	assert_string_equal(told.ends, "11");
	n = put_digit(0, 8000, 100, '1', 3000, 3000);
	n = put_silence(n, 8000, 60);
	n = put_digit(n, 8000, 100, '1', 3000, 3000);
	hear(put_silence(n, 8000, 150), 8000, &slow);
	assert_string_equal(told.ends, "1");
	/* Another one without a gap ends it at once: its end is told first. */
	n = put_digit(0, 8000, 100, '1', 3000, 3000);
	n = put_digit(n, 8000, 100, '2', 3000, 3000);
	hear(n, 8000, &plain);
	assert_string_equal(told.begins, "12");
	assert_string_equal(told.ends, "1");
}

static void test_noise(void **state)
{
	size_t n = 0;

	(void)state;
	for (const char *c = all; *c; c++) {
		n = put_digit(n, 8000, 100, *c, 3000, 3000);
		n = put_silence(n, 8000, 100);
	}
	/* 15 dB under the tones: still there, and once each. */
	add_noise(n, 3000 * sqrt(2.0) * pow(10, -15.0 / 20) * sqrt(1.5));
	hear(n, 8000, &plain);
	assert_string_equal(told.begins, all);
	/* Nothing but noise, of any level. */
	for (double level = 50; level < 32768; level *= 3) {
		n = put_silence(0, 8000, 20000);
		add_noise(n, level);
		hear(n, 8000, &plain);
		assert_int_equal(told.nb, 0);
	}
}

/* Speech as far as a detector cares: a buzz of a pitch that glides, shaped by formants that move,
 * with pauses. Voices of 80 to 300 Hz, a minute and a half. */
static size_t put_speech(uint32_t rate, double pitch, unsigned ms)
{
	size_t n = (size_t)ms * rate / 1000;
	double phase = 0;

	for (size_t i = 0; i < n; i++) {
		double t = (double)i / rate, v = 0, f0 = pitch * (1 + 0.2 * sin(2 * M_PI * 0.7 * t) + 0.03 * sin(2 * M_PI * 5 * t));
		double f[3] = { 500 + 250 * sin(2 * M_PI * 1.3 * t), 1400 + 500 * sin(2 * M_PI * 0.9 * t), 2500 + 200 * sin(2 * M_PI * 2.1 * t) };

		phase += 2 * M_PI * f0 / rate;
		for (int k = 1; k * f0 < 3400; k++)
			for (int j = 0; j < 3; j++)
				v += sin(k * phase) / (1 + pow((k * f0 - f[j]) / 90, 2)) / (j + 1);
		pcm[i] = cut(5000 * v * (sin(2 * M_PI * 2.5 * t) > -0.3));
	}
	return n;
}

static void test_talk_off(void **state)
{
	(void)state;
	for (double pitch = 80; pitch < 300; pitch *= 1.35) {
		hear(put_speech(8000, pitch, 15000), 8000, &plain);
		assert_int_equal(told.nb, 0);
	}
	/* One tone, three tones, dial tone, and tones beside the right ones. */
	hear(put(0, 8000, 500, 770, 5000, 770, 0), 8000, &plain);
	assert_int_equal(told.nb, 0);
	hear(put(0, 8000, 500, 350, 5000, 440, 5000), 8000, &plain);
	assert_int_equal(told.nb, 0);
	hear(put(0, 8000, 500, 730, 5000, 1270, 5000), 8000, &plain);
	assert_int_equal(told.nb, 0);
}

/* A digit is taken out; what is left of it is less than two blocks at its beginning. */
static void test_taken_out(void **state)
{
	size_t n = put_silence(0, 8000, 40), from = n, quiet, loud = 0;

	(void)state;
	n = put_digit(n, 8000, 200, '7', 4000, 4000);
	quiet = n;
	n = put_silence(n, 8000, 100);
	n = put(n, 8000, 200, 300, 4000, 300, 0);
	hear(n, 8000, &plain);
	assert_string_equal(told.ends, "7");
	for (size_t i = from; i < quiet; i++)
		loud += pcm[i] != 0;
	assert_in_range(loud, 0, 2 * DTMF_BLOCK + 60);
	/* Other sound stays. */
	loud = 0;
	for (size_t i = n - 1600; i < n; i++)
		loud += pcm[i] != 0;
	assert_true(loud > 1500);
}

static bool hears_cng(size_t n, uint32_t rate)
{
	struct tone_detect d;
	bool found = false;

	cng_detect_init(&d, rate);
	for (size_t at = 0; at < n; at += rate / 50)
		found |= tone_detect_run(&d, pcm + at, n - at < rate / 50 ? n - at : rate / 50);
	return found;
}

static void test_cng(void **state)
{
	(void)state;
	assert_true(hears_cng(put(0, 8000, 500, 1100, 3000, 1100, 0), 8000));
	assert_true(hears_cng(put(0, 16000, 500, 1100, 3000, 1100, 0), 16000));
	assert_true(hears_cng(put(0, 48000, 500, 1100, 90, 1100, 0), 48000));
	assert_true(hears_cng(put(0, 8000, 500, 1100, 80, 1100, 0), 8000));
	assert_false(hears_cng(put(0, 8000, 500, 1100, 70, 1100, 0), 8000));
	assert_false(hears_cng(put(0, 8000, 380, 1100, 3000, 1100, 0), 8000));
	assert_false(hears_cng(put(0, 8000, 2600, 2100, 3000, 2100, 0), 8000));
	assert_false(hears_cng(put(0, 8000, 500, 1140, 3000, 1140, 0), 8000));
	/* 16 dB over everything else. */
	assert_true(hears_cng(put(0, 8000, 500, 1100, 3000, 500, 300), 8000));
	assert_false(hears_cng(put(0, 8000, 500, 1100, 3000, 500, 900), 8000));
	for (double pitch = 80; pitch < 300; pitch *= 1.35)
		assert_false(hears_cng(put_speech(8000, pitch, 15000), 8000));
}

static void test_level(void **state)
{
	static const int16_t v[] = { 100, -100, -32768, 0 };

	(void)state;
	assert_int_equal(detect_level(v, 4), (100 + 100 + 32768) / 4);
	assert_int_equal(detect_level(v, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_digits), cmocka_unit_test(test_levels), cmocka_unit_test(test_twist),
		cmocka_unit_test(test_lengths), cmocka_unit_test(test_noise), cmocka_unit_test(test_talk_off),
		cmocka_unit_test(test_taken_out), cmocka_unit_test(test_cng), cmocka_unit_test(test_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
