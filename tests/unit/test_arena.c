/* Memory given back all at once. */
#include "base/arena.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
	struct arena *a = GOT(arena_new(256));
	char *p[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		size_t n = (i * 37) % 150;

		p[i] = arena_alloc(a, n);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(p[i][k], 0);
		memset(p[i], (int)i, n);
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		for (size_t k = 0; k < (i * 37) % 150; k++)
			assert_int_equal((unsigned char)p[i][k], i & 255);
	arena_free(a);
	arena_free(NULL);
}

static void large_pieces_do_not_waste_the_block(void **state)
{
	struct arena *a = GOT(arena_new(4096));
	char *small = arena_alloc(a, 16), *large, *next;
	size_t before;

	(void)state;
	large = arena_alloc(a, 1 << 20);
	assert_non_null(large);
	memset(large, 1, 1 << 20);
	before = arena_size(a);
	assert_true(before >= (1 << 20) + 4096 && before < (1 << 20) + 3 * 4096);
	next = arena_alloc(a, 16);
	assert_ptr_equal(next, small + 16);
	assert_int_equal(arena_size(a), before);
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX - 8));
	arena_free(a);
}

static void a_large_first_piece(void **state)
{
	struct arena *a = GOT(arena_new(64));
	char *large = arena_alloc(a, 10000), *small = arena_alloc(a, 10);

	(void)state;
	memset(large, 1, 10000);
	memset(small, 2, 10);
	assert_int_equal(large[9999], 1);
	arena_free(a);
}

static void text(void **state)
{
	struct arena *a = GOT(arena_new(32));
	struct str s, t;

	(void)state;
	s = arena_dup(a, str_mk("ab\0c", 4));
	assert_int_equal(s.n, 4);
	assert_memory_equal(s.p, "ab\0c\0", 5);
	t = arena_dup(a, STR_NULL);
	assert_int_equal(t.n, 0);
	assert_string_equal(t.p, "");
	t = arena_printf(a, "%s=%0500d", "x", 7);
	assert_int_equal(t.n, 502);
	assert_int_equal(t.p[502], 0);
	assert_memory_equal(s.p, "ab\0c\0", 5);
	t = arena_printf(a, "%s", "");
	assert_int_equal(t.n, 0);
	assert_non_null(t.p);
	arena_free(a);
}

/* ---- obj.h --------------------------------------------------------------- */

struct thing {
	unsigned *freed;
	char data[100];
};

static void thing_free(void *o)
{
	++*((struct thing *)o)->freed;
}

static void a_refusal_is_remembered(void **state)
{
	struct arena *a = GOT(arena_new(0));

	(void)state;
	assert_false(arena_failed(a));
	assert_null(arena_dup(a, str_mk("x", SIZE_MAX - 1)).p);
	assert_true(arena_failed(a));
	assert_non_null(arena_alloc(a, 1));     /* there is room again, and yet something lacks */
	assert_true(arena_failed(a));
	arena_free(a);
}

static void objects_live_as_long_as_someone_holds_them(void **state)
{
	size_t live = obj_live();
	unsigned freed = 0;
	struct thing *t = obj_new(sizeof(*t), thing_free);

	(void)state;
	assert_int_equal((uintptr_t)t % 16, 0);
	for (size_t i = 0; i < sizeof(t->data); i++)
		assert_int_equal(t->data[i], 0);
	t->freed = &freed;
	assert_int_equal(obj_live(), live + 1);
	assert_ptr_equal(obj_hold(t), t);
	assert_int_equal(obj_refs(t), 2);
	assert_null(obj_drop(t));
	assert_int_equal(freed, 0);
	assert_null(obj_drop(t));
	assert_int_equal(freed, 1);
	assert_int_equal(obj_live(), live);
	assert_null(obj_drop(NULL));
	assert_null(obj_hold(NULL));
	assert_int_equal(obj_refs(NULL), 0);
	assert_null(obj_drop(obj_new(10, NULL)));
	assert_int_equal(obj_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(large_pieces_do_not_waste_the_block),
		cmocka_unit_test(a_large_first_piece),
		cmocka_unit_test(text),
		cmocka_unit_test(a_refusal_is_remembered),
		cmocka_unit_test(objects_live_as_long_as_someone_holds_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
