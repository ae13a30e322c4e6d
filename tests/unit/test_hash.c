/* Hash tables: growth, walking while it changes, order of keys. */
#include "base/hash.h"
#include "base/str.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void hashes_agree_with_their_equality(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'A', sizeof(text));
	for (size_t n = 0; n <= sizeof(text); n++) {
		char folded[40];

		assert_true(hash_str(str_mk(text, n)) == hash_mem(text, n));
		for (size_t i = 0; i < n; i++)
			folded[i] = (char)(i % 2 ? 'a' : 'A');
		assert_true(hash_istr(str_mk(text, n)) == hash_istr(str_mk(folded, n)));
		if (n > 1)
			assert_true(hash_str(str_mk(text, n)) != hash_str(str_mk(folded, n)));
		if (n)
			assert_true(hash_str(str_mk(text, n)) != hash_str(str_mk(text, n - 1)));
	}
	for (size_t n = 1; n <= sizeof(text); n++) {
		uint64_t h = hash_istr(str_mk(text, n));

		for (size_t i = 0; i < n; i++) {
			text[i] = 'B';
			assert_true(hash_istr(str_mk(text, n)) != h);
			text[i] = 'A';
		}
	}
	assert_true(hash_str(STR_NULL) == hash_str(STR("")));
	/* Zero bytes count, and letters outside ASCII do not fold. */
	assert_true(hash_mem("\0\0", 1) != hash_mem("\0\0", 2));
	assert_true(hash_istr(STR("[")) != hash_istr(STR("{")));
}

#define N 5000

struct entry {
	char name[16];
	bool in, seen;
};

static struct entry *entries_new(void)
{
	struct entry *e = calloc(N, sizeof(*e));

	for (size_t i = 0; i < N; i++)
		snprintf(e[i].name, sizeof(e[i].name), "Key%zu", i);
	return e;
}

/* Long random use, against a plain array. */
static void a_map_agrees_with_a_plain_array(void **state)
{
	struct entry *e = entries_new();
	struct map *m = GOT(map_new(false));
	size_t count = 0;
	unsigned x = 1;

	(void)state;
	for (unsigned step = 0; step < 200000; step++) {
		struct entry *k = &e[(x >> 8) % N];
		struct str key = str_z(k->name);
		void *old = &x;

		x = x * 1664525 + 1013904223;
		switch (x >> 28) {
		case 0: case 1: case 2: case 3: case 4: case 5:
			assert_int_equal(map_add(m, key, k), k->in ? EEXIST : 0);
			count += !k->in;
			k->in = true;
			break;
		case 6:
			assert_int_equal(map_set(m, key, k, &old), 0);
			assert_ptr_equal(old, k->in ? k : NULL);
			count += !k->in;
			k->in = true;
			break;
		case 7: case 8: case 9: case 10: case 11: case 12:
			assert_ptr_equal(map_del(m, key), k->in ? k : NULL);
			count -= k->in;
			k->in = false;
			break;
		default:
			assert_ptr_equal(map_get(m, key), k->in ? k : NULL);
		}
		assert_int_equal(map_count(m), count);
	}
	for (size_t i = 0; i < N; i++)
		assert_ptr_equal(map_get(m, str_z(e[i].name)), e[i].in ? &e[i] : NULL);
	map_free(m);
	free(e);
}

static void deleting_while_walking(void **state)
{
	struct entry *e = entries_new(), *v;
	struct map *m = GOT(map_new(false));
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		assert_int_equal(map_add(m, str_z(e[i].name), &e[i]), 0);
	for (size_t it = 0; (v = map_next(m, &it));) {
		assert_false(v->seen);
		v->seen = true;
		if (seen++ % 2)
			assert_ptr_equal(map_del(m, str_z(v->name)), v);
	}
	assert_int_equal(seen, N);
	assert_int_equal(map_count(m), N / 2);
	seen = 0;
	for (size_t it = 0; (v = map_next(m, &it));)
		seen++;
	assert_int_equal(seen, N / 2);
	map_free(m);
	free(e);
}

/* Coming and going of short-lived keys must not fill a map with tombstones. */
static void coming_and_going_does_not_grow_it(void **state)
{
	struct map *m = GOT(map_new(false));
	char name[16];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(map_add(m, str_z(name), name), 0);
		assert_ptr_equal(map_get(m, str_z(name)), name);
		assert_null(map_get(m, STR("absent")));
		assert_ptr_equal(map_del(m, str_z(name)), name);
	}
	assert_int_equal(map_count(m), 0);
	map_free(m);
}

static void folded_keys(void **state)
{
	struct map *m = GOT(map_new(true));
	int a, b;
	void *old;

	(void)state;
	assert_int_equal(map_add(m, STR("Content-Length"), &a), 0);
	assert_int_equal(map_add(m, STR("CONTENT-length"), &b), EEXIST);
	assert_ptr_equal(map_get(m, STR("content-LENGTH")), &a);
	assert_int_equal(map_set(m, STR("content-length"), &b, &old), 0);
	assert_ptr_equal(old, &a);
	assert_int_equal(map_add(m, STR("x"), NULL), EINVAL);
	assert_ptr_equal(map_del(m, STR("CONTENT-LENGTH")), &b);
	assert_null(map_del(m, STR("CONTENT-LENGTH")));
	map_free(m);
	map_free(NULL);
}

static void sorted_by_key(void **state)
{
	static const char *const keys[] = { "b", "a", "c", "ab", "", "B" }, *const order[] = { "", "B", "a", "ab", "b", "c" };
	struct map *m = GOT(map_new(false));
	void **v;
	size_t n;

	(void)state;
	v = map_sorted(m, &n);
	assert_non_null(v);
	assert_int_equal(n, 0);
	free(v);
	assert_null(map_get(m, STR("a")));
	assert_null(map_del(m, STR("a")));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(map_add(m, str_z(keys[i]), (void *)(size_t)keys[i]), 0);
	v = map_sorted(m, &n);
	assert_int_equal(n, ARRAY_LEN(order));
	for (size_t i = 0; i < n; i++)
		assert_string_equal(v[i], order[i]);
	free(v);
	map_free(m);
}

/* Of a map that changes at random between the steps of a walk: what is there all the
 * time comes once, in order, and nothing twice. */
static void walked_while_it_changes(void **state)
{
	struct entry *e = entries_new();
	struct map *m = GOT(map_new_ordered());
	struct map_walk w = { 0 };
	struct str last = STR_NULL;
	struct entry *k;
	unsigned x = 1;

	(void)state;
	for (size_t i = 0; i < N; i += 2) {
		assert_int_equal(map_add(m, str_z(e[i].name), &e[i]), 0);
		e[i].in = true;
	}
	while ((k = map_walk_next(m, &w))) {
		assert_true(str_cmp(last, str_z(k->name)) < 0);
		assert_true(!k->seen);
		last = str_z(k->name);
		k->seen = true;
		for (unsigned i = 0; i < 3; i++) {
			struct entry *other = &e[(x >> 8) % N];

			x = x * 1664525 + 1013904223;
			/* The even ones whose number divides by four stay. */
			if ((other - e) % 4 == 0)
				assert_int_equal(map_set(m, str_z(other->name), other, NULL), 0);
			else if (!map_del(m, str_z(other->name)))
				assert_int_equal(map_add(m, str_z(other->name), other), 0);
		}
	}
	assert_null(map_walk_next(m, &w));
	map_walk_end(&w);
	for (size_t i = 0; i < N; i += 4)
		assert_true(e[i].seen);
	map_free(m);
	free(e);
}

static void walked_from_a_key(void **state)
{
	static const char *const keys[] = { "b", "a", "c", "ab", "B" };
	struct map *m = GOT(map_new_ordered());
	struct map_walk w = { 0 };

	(void)state;
	assert_null(map_walk_next(m, &w));
	map_walk_end(&w);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		assert_int_equal(map_add(m, str_z(keys[i]), (void *)(size_t)keys[i]), 0);
	map_walk_from(&w, STR("ab"));
	assert_string_equal(GOT(map_walk_next(m, &w)), "ab");
	map_del(m, STR("ab"));
	map_del(m, STR("b"));
	assert_string_equal(GOT(map_walk_next(m, &w)), "c");
	map_walk_from(&w, STR("aa"));
	assert_string_equal(GOT(map_walk_next(m, &w)), "c");
	assert_null(map_walk_next(m, &w));
	map_walk_end(&w);
	assert_string_equal(GOT(map_walk_next(m, &w)), "B");
	map_walk_end(&w);
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_agree_with_their_equality),
		cmocka_unit_test(a_map_agrees_with_a_plain_array),
		cmocka_unit_test(deleting_while_walking),
		cmocka_unit_test(coming_and_going_does_not_grow_it),
		cmocka_unit_test(folded_keys),
		cmocka_unit_test(sorted_by_key),
		cmocka_unit_test(walked_while_it_changes),
		cmocka_unit_test(walked_from_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
