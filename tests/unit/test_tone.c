/* Tones: the syntax, the names, the samples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "base/obj.h"
#include "media/tone.h"

static void test_syntax(void **state)
{
	struct tone *t = NULL;

	(void)state;
	assert_int_equal(tone_parse(&t, STR("425/50,0/50")), 0);
	assert_int_equal(t->nparts, 2);
	assert_int_equal(t->loop, 0);
	assert_int_equal(t->part[0].freq[0], 425);
	assert_int_equal(t->part[0].ms, 50);
	assert_int_equal(t->part[1].freq[0], 0);
	t = obj_drop(t);
	assert_int_equal(tone_parse(&t, STR(" !350+440/100 , !0/100,350+440|480*25/7 ")), 0);
	assert_int_equal(t->nparts, 4);
	assert_int_equal(t->loop, 2);
	assert_int_equal(t->part[2].ms, 0);
	assert_int_equal(t->part[2].freq[1], 440);
	assert_int_equal(t->part[3].modulate, 25);
	t = obj_drop(t);
	static const char *const bad[] = { "", "x", "425/x", "425/99999", "425+", "1+2+3+4+5", "1/2,,3", "M60/100", "-5/1",
					   "425*0/5", "1+2*3", "30000" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(tone_parse(&t, str_z(bad[i])), EBADMSG);
	char many[5 * (TONE_PARTS + 1)] = "";
	for (int i = 0; i < TONE_PARTS; i++)
		memcpy(many + 4 * i, "1/1,", 4);
	assert_int_equal(tone_parse(&t, str_mk(many, 4 * TONE_PARTS - 1)), 0);
	t = obj_drop(t);
	memcpy(many + 4 * TONE_PARTS, "1/1", 3);
	assert_int_equal(tone_parse(&t, str_mk(many, 4 * TONE_PARTS + 3)), E2BIG);
}

static void test_names(void **state)
{
	static const char *const zones[] = { "us", "uk", "de", "fr", "it", "es", "nl", "at", "ch", "au" };
	static const char *const names[] = { "dial", "busy", "ring", "congestion", "callwaiting", "dialrecall", "record",
					     "info", "stutter" };
	struct tone *t = NULL;

	(void)state;
	/* Every tone of every zone can be played. */
	for (size_t z = 0; z < ARRAY_LEN(zones); z++)
		for (size_t n = 0; n < ARRAY_LEN(names); n++) {
			assert_int_equal(tone_named(&t, str_z(names[n]), str_z(zones[z])), 0);
			t = obj_drop(t);
		}
	assert_int_equal(tone_named(&t, STR("busy"), STR("uk")), 0);
	assert_int_equal(t->part[0].freq[0], 400);
	t = obj_drop(t);
	assert_int_equal(tone_named(&t, STR("busy/de"), STR("uk")), 0);
	assert_int_equal(t->part[0].ms, 480);
	t = obj_drop(t);
	assert_int_equal(tone_named(&t, STR("busy"), STR("atlantis")), 0);
	assert_int_equal(t->part[0].freq[1], 620);
	t = obj_drop(t);
	assert_int_equal(tone_named(&t, STR("425/50,0/50"), STR("us")), 0);
	assert_int_equal(t->nparts, 2);
	t = obj_drop(t);
	assert_int_equal(tone_named(&t, STR("nothing"), STR("us")), ENOENT);
	assert_int_equal(tone_named(&t, STR(""), STR("us")), ENOENT);
}

static void test_samples(void **state)
{
	struct tone *t = NULL;
	struct tone_gen g;
	int16_t v[8000];

	(void)state;
	assert_int_equal(tone_parse(&t, STR("!440/100,!0/50,350+620/100")), 0);
	tone_gen_init(&g, t, 8000);
	assert_true(tone_gen_run(&g, v, 8000));
	assert_true(tone_goertzel(v, 800, 8000, 440) > 0.98);
	for (int i = 800; i < 1200; i++)
		assert_int_equal(v[i], 0);
	/* From there on it repeats only the last part. */
	for (int at = 1200; at + 800 <= 8000; at += 800) {
		assert_true(tone_goertzel(v + at, 800, 8000, 350) > 0.45);
		assert_true(tone_goertzel(v + at, 800, 8000, 620) > 0.45);
		assert_true(tone_goertzel(v + at, 800, 8000, 440) < 0.02);
	}
	t = obj_drop(t);
	/* Odd pieces give the same samples as one run. */
	assert_int_equal(tone_parse(&t, STR("697+1209/33,0/11")), 0);
	tone_gen_init(&g, t, 16000);
	tone_gen_run(&g, v, 4000);
	tone_gen_init(&g, t, 16000);
	for (size_t at = 0, n = 1; at < 4000; at += n, n = n % 7 + 1) {
		int16_t piece[8];

		n = at + n > 4000 ? 4000 - at : n;
		tone_gen_run(&g, piece, n);
		assert_memory_equal(piece, v + at, n * sizeof(*v));
	}
	t = obj_drop(t);
	/* One that plays once ends, and says so. */
	assert_int_equal(tone_parse(&t, STR("!440/10")), 0);
	tone_gen_init(&g, t, 8000);
	assert_true(tone_gen_run(&g, v, 80));
	assert_false(tone_gen_run(&g, v, 80));
	t = obj_drop(t);
	/* Nothing but parts of no length must not spin. */
	assert_int_equal(tone_parse(&t, STR("0/1")), 0);
	tone_gen_init(&g, t, 100);      /* 1 ms is no whole sample here */
	tone_gen_run(&g, v, 10);
	t = obj_drop(t);
}

static void test_dtmf(void **state)
{
	struct tone *t = NULL;
	struct tone_gen g;
	uint16_t low, high;
	int16_t v[800];

	(void)state;
	for (const char *d = "0123456789*#ABCD"; *d; d++) {
		assert_int_equal(tone_dtmf(&t, *d, 100), 0);
		assert_true(tone_dtmf_freqs(*d, &low, &high));
		tone_gen_init(&g, t, 8000);
		tone_gen_run(&g, v, 800);
		assert_true(tone_goertzel(v, 800, 8000, low) > 0.45);
		assert_true(tone_goertzel(v, 800, 8000, high) > 0.45);
		assert_false(tone_gen_run(&g, v, 1));
		t = obj_drop(t);
	}
	assert_int_equal(tone_dtmf(&t, 'x', 100), EINVAL);
	assert_false(tone_dtmf_freqs(0, &low, &high));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax), cmocka_unit_test(test_names), cmocka_unit_test(test_samples),
		cmocka_unit_test(test_dtmf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
