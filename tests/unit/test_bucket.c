/* Token buckets by key. */
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

static void refilled(void **state)
{
	struct buckets *b = GOT(buckets_new(16, 1, SECOND));

	(void)state;
	assert_true(buckets_take(b, 7, SECOND));
	assert_true(buckets_take(b, 8, SECOND));
	buckets_refill(b, 7);
	buckets_refill(b, 99);
	assert_true(buckets_take(b, 7, SECOND));
	assert_false(buckets_take(b, 7, SECOND));
	assert_false(buckets_take(b, 8, SECOND));
	obj_drop(b);
}

/* None at once: there is never one; and any number when it takes no time. */
static void none_and_any(void **state)
{
	struct buckets *none = GOT(buckets_new(16, 0, SECOND)), *any = GOT(buckets_new(16, 4, 0));

	(void)state;
	assert_false(buckets_take(none, 7, SECOND));
	for (int i = 0; i < 100; i++)
		assert_true(buckets_take(any, 7, SECOND));
	obj_drop(none);
	obj_drop(any);
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
		cmocka_unit_test(refilled),
		cmocka_unit_test(none_and_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
