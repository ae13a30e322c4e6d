/* The rule by which holders share what is scarce. */
#include "base/share.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

/* Each of `n` takes as much as it gets, in turn; how much the last one has. */
static size_t take_all(struct share *s, size_t *held, size_t n)
{
	bool any = true;

	while (any) {
		any = false;
		for (size_t i = 0; i < n; i++) {
			if (!share_permits(s, held[i]))
				continue;
			held[i]++;
			s->used++;
			any = true;
		}
	}
	return held[n - 1];
}

static void one_holder_leaves_a_tenth(void **state)
{
	struct share s = { .total = 1000, .percent = 90 };
	size_t held[2] = { 0 };

	(void)state;
	assert_int_equal(take_all(&s, held, 1), 901);
	/* Whoever comes then finds a place, and what it may have is no trifle. */
	assert_true(share_permits(&s, 0));
	held[1] = 0;
	while (share_permits(&s, held[1])) {
		held[1]++;
		s.used++;
	}
	assert_in_range(held[1], 85, 95);
	assert_true(share_permits(&s, 0));
	assert_false(share_permits(&s, held[0]));
}

static void greedy_ones_get_the_same(void **state)
{
	struct share s = { .total = 13000, .percent = 90 };
	size_t held[10] = { 0 };

	(void)state;
	take_all(&s, held, 10);
	for (size_t i = 1; i < 10; i++)
		assert_in_range(held[i], held[0] - 1, held[0] + 1);
	assert_in_range(s.used, 12800, 12900);
	assert_true(share_permits(&s, 0));
}

static void limits(void **state)
{
	struct share s = { .total = 100, .percent = 100 };
	size_t held[1] = { 0 };

	(void)state;
	assert_int_equal(take_all(&s, held, 1), 100);   /* 100: no reserve */
	assert_false(share_permits(&s, 0));
	s = (struct share){ .total = 0, .percent = 90 };
	assert_true(share_permits(&s, SIZE_MAX / 2));   /* no total: no limit */
	s.most = 5;
	assert_true(share_permits(&s, 4));
	assert_false(share_permits(&s, 5));
	s = (struct share){ .total = 4, .used = 3, .percent = 90 };
	assert_true(share_permits(&s, 3));              /* 1 is free: 9 are allowed */
	s.used = 5;                                     /* the total was made smaller */
	assert_false(share_permits(&s, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_holder_leaves_a_tenth), cmocka_unit_test(greedy_ones_get_the_same),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
