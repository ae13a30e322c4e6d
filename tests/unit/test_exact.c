/* A queue for modems: media/exact.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "media/exact.h"

static struct exact x;
static int16_t out[160];

static void put(uint64_t at, int16_t first)
{
	int16_t pcm[160];

	for (int i = 0; i < 160; i++)
		pcm[i] = (int16_t)(first + i);
	exact_put(&x, at, pcm, 160);
}

static enum exact_frame get(void)
{
	return exact_get(&x, out, 160);
}

static int setup(void **state)
{
	(void)state;
	exact_init(&x, 8000);
	return 0;
}

/* 60 ms of nothing that has come, then each sample at its place: late, doubled and in another order. */
static void places(void **state)
{
	(void)state;
	assert_int_equal(get(), EXACT_NOTHING);
	put(5000, 1000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(), EXACT_MISSING);
	put(5320, 3000);
	put(5160, 2000);
	put(5160, 2000);
	for (int k = 1; k <= 3; k++) {
		assert_int_equal(get(), EXACT_HEARD);
		assert_int_equal(out[0], 1000 * k);
		assert_int_equal(out[159], 1000 * k + 159);
	}
	assert_int_equal(x.lost, 3 * 160);
}

static void missing(void **state)
{
	(void)state;
	put(0, 1000);
	put(320, 3000);
	for (int i = 0; i < 4; i++)
		(void)get();
	assert_int_equal(get(), EXACT_MISSING);
	assert_int_equal(out[0], 0);
	/* It comes too late now, and what follows is in its time all the same. */
	put(160, 2000);
	assert_int_equal(get(), EXACT_HEARD);
	assert_int_equal(out[0], 3000);
}

/* Nothing for long: the sender is silent. Later it begins anew. */
static void silence(void **state)
{
	unsigned missed = 0, nothing = 0;

	(void)state;
	put(0, 1000);
	for (int i = 0; i < 50; i++) {
		enum exact_frame f = get();

		missed += f == EXACT_MISSING;
		nothing += f == EXACT_NOTHING;
	}
	assert_int_equal(missed, 3 + 12);
	assert_int_equal(nothing, 50 - 1 - 15);
	put(100000, 500);
	for (int i = 0; i < 3; i++)
		(void)get();
	assert_int_equal(get(), EXACT_HEARD);
	assert_int_equal(out[0], 500);
}

/* The way becomes longer: three packets are lost, those after them are in time. */
static void slower(void **state)
{
	(void)state;
	put(0, 1000);
	for (int i = 0; i < 10; i++)
		(void)get();
	for (uint64_t k = 1; k <= 3; k++)
		put(160 * k, (int16_t)(1000 + k));
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(), EXACT_MISSING);
	put(160 * 4, 2000);
	assert_int_equal(get(), EXACT_HEARD);
	assert_int_equal(out[0], 1003);
	assert_int_equal(get(), EXACT_HEARD);
	assert_int_equal(out[0], 2000);
}

/* Another source, far away. */
static void jumps(void **state)
{
	(void)state;
	put(0, 1000);
	put((uint64_t)1 << 32, 2000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(get(), EXACT_MISSING);
	assert_int_equal(get(), EXACT_HEARD);
	assert_int_equal(out[0], 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(places, setup),
		cmocka_unit_test_setup(missing, setup),
		cmocka_unit_test_setup(silence, setup),
		cmocka_unit_test_setup(slower, setup),
		cmocka_unit_test_setup(jumps, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
