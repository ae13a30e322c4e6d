/* Datagrams that wait their turn. */
#include "net/private.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define ROOM 100000

static int put(struct fair *f, uint64_t key, bool known, bool fresh, const char *text)
{
	struct fair_item i = { .data = str_z(text) };

	return fair_put(f, key, known, fresh, &i);
}

/* The next one's text is `want`. */
static bool next_is(struct fair *f, const char *want)
{
	struct fair_item *i = fair_next(f);
	bool same = i && str_eq(i->data, str_z(want));

	fair_item_free(i);
	return same;
}

static void each_in_its_turn(void **state)
{
	struct fair *f = fair_new(ROOM);

	(void)state;
	put(f, 1, true, true, "a1");
	put(f, 1, true, true, "a2");
	put(f, 1, true, true, "a3");
	put(f, 2, true, true, "b1");
	put(f, 2, true, true, "b2");
	put(f, 3, true, true, "c1");
	assert_int_equal(fair_count(f), 6);
	assert_true(next_is(f, "a1"));
	assert_true(next_is(f, "b1"));
	assert_true(next_is(f, "c1"));
	assert_true(next_is(f, "a2"));
	assert_true(next_is(f, "b2"));
	assert_true(next_is(f, "a3"));
	assert_null(fair_next(f));
	assert_int_equal(fair_count(f), 0);
	obj_drop(f);
}

/* A thousand forged strangers get one half of the turns, the one that is known the other. */
static void strangers_get_half(void **state)
{
	struct fair *f = fair_new(1000000);

	(void)state;
	for (uint64_t k = 0; k < 1000; k++)
		put(f, 100 + k, false, true, "stranger");
	for (int i = 0; i < 10; i++)
		put(f, 1, true, true, "known");
	for (int i = 0; i < 10; i++) {
		assert_true(next_is(f, "stranger"));
		assert_true(next_is(f, "known"));
	}
	/* What the known do not need is the strangers'. */
	for (int i = 0; i < 990; i++)
		assert_true(next_is(f, "stranger"));
	assert_null(fair_next(f));
	obj_drop(f);
}

static void a_flood_leaves_room(void **state)
{
	struct fair *f = fair_new(ROOM);
	size_t fresh = 0, all;

	(void)state;
	while (put(f, 1, true, true, "0123456789012345678901234567890123456789") == 0)
		fresh++;
	/* What belongs to calls that are up still gets in behind it. */
	all = fresh;
	while (put(f, 1, true, false, "0123456789012345678901234567890123456789") == 0)
		all++;
	assert_in_range(fresh, all / 2, all * 3 / 4);
	assert_int_equal(put(f, 1, true, false, "one more"), ENOBUFS);
	for (int i = 0; i < 20; i++)
		assert_int_equal(put(f, 2, true, true, "another"), 0);
	/* Sources without anything waiting cost nothing. */
	while (fair_count(f))
		fair_item_free(fair_next(f));
	assert_int_equal(put(f, 1, true, true, "again"), 0);
	obj_drop(f);            /* with one inside */
}

static void nothing_leaks(void **state)
{
	size_t before = obj_live();
	struct fair *f = fair_new(ROOM);

	(void)state;
	for (uint64_t k = 0; k < 50; k++)
		put(f, k, k % 2, k % 3, "x");
	obj_drop(f);
	assert_int_equal(obj_live(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_in_its_turn), cmocka_unit_test(strangers_get_half),
		cmocka_unit_test(a_flood_leaves_room), cmocka_unit_test(nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
