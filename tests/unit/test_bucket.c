#include "base/bucket.h"
#include "base/hash.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define SECOND 1000000u

/* Three at once and one a second, whoever else asks. */
static void burst_then_rate(void **state)
{
	struct buckets *b = GOT(buckets_new(16, 3, SECOND));
	uint64_t now = 5 * SECOND;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(buckets_have(b, 7, now));
		assert_true(buckets_take(b, 7, now));
	}
	assert_false(buckets_have(b, 7, now));
	assert_false(buckets_take(b, 7, now));
	assert_true(buckets_take(b, 9, now));
	assert_false(buckets_take(b, 7, now + SECOND - 1));
	assert_true(buckets_take(b, 7, now + SECOND));
	assert_false(buckets_take(b, 7, now + SECOND));
	/* A refusal costs nothing, and what rests fills up to the burst and no more. */
	now += 100 * SECOND;
	for (int i = 0; i < 3; i++)
		assert_true(buckets_take(b, 7, now));
	assert_false(buckets_take(b, 7, now));
	obj_drop(b);
}

/* However many come, a busy one is only forgotten for two busier ones. */
static void memory_is_bounded(void **state)
{
	struct buckets *b = GOT(buckets_new(16, 3, SECOND));

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(buckets_take(b, 1, SECOND));
	for (uint64_t other = 17; other < 17 + 1000 * 16; other += 16)
		assert_true(buckets_take(b, other, SECOND));
	assert_false(buckets_take(b, 1, SECOND));
	obj_drop(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(burst_then_rate),
		cmocka_unit_test(memory_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
