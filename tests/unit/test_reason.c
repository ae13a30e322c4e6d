/* What is remembered of why: the newest first, as much as fits, cut where it is too long. */
#include "service/common/reason.h"
#include "base/buf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct clock_fake clock_;

static struct reasons *fresh(size_t slots)
{
	clock_fake_init(&clock_, 1700000000);
	return GOT(reasons_new(&clock_.c, slots));
}

static void add(struct reasons *r, unsigned i, unsigned length)
{
	struct sa peer;
	char word[200];

	memset(word, (int)('a' + i % 26), length);
	word[length] = 0;
	assert_int_equal(sa_parse(&peer, STR("192.0.2.1:5060")), 0);
	reason_add(r, REASON_ROUTE, REASON_REFUSED, 404, STR("alice"), &peer, "%u %s", i, word);
	clock_fake_add(&clock_, 100000);
}

static size_t explain(struct reasons *r, struct str what, size_t max, unsigned newest, unsigned length)
{
	struct buf out;
	struct str rest, line;
	size_t lines = 0;

	buf_init(&out, NULL, 0, 0);
	reasons_explain(r, what, max, &out);
	for (rest = buf_view(&out); str_line(&rest, &line); lines++) {
		char want[256];
		int n = snprintf(want, sizeof(want), "404 192.0.2.1:5060 alice: %u ", newest - (unsigned)lines);

		memset(want + n, (int)('a' + (newest - lines) % 26), length);
		assert_true(str_ends(line, str_mk(want, (size_t)n + length)));
	}
	buf_free(&out);
	return lines;
}

static void newest_first_and_as_many_as_there_are(void **state __attribute__((unused)))
{
	struct reasons *r = fresh(16);

	for (unsigned i = 1; i <= 10; i++)
		add(r, i, 20);
	assert_int_equal(explain(r, STR_NULL, 100, 10, 20), 10);
	assert_int_equal(explain(r, STR("alice"), 3, 10, 20), 3);
	assert_int_equal(explain(r, STR("192.0.2.1"), 100, 10, 20), 10);
	assert_int_equal(reasons_count(r, REASON_ROUTE, REASON_REFUSED), 10);
	reasons_free(r);
}

/* Whatever their lengths, and wherever the edge of the ring falls. */
static void the_oldest_give_way(void **state __attribute__((unused)))
{
	for (unsigned length = 1; length < 150; length += 7) {
		struct reasons *r = fresh(16);
		size_t n;

		for (unsigned i = 1; i <= 200; i++) {
			add(r, i, length);
			n = explain(r, STR_NULL, 100, i, length);
			assert_true(n <= 16 && n >= (i < 6 ? i : 6));
		}
		reasons_free(r);
	}
}

static void what_is_too_long_is_cut(void **state __attribute__((unused)))
{
	struct reasons *r = fresh(4);
	char name[300], text[400];
	struct sa peer = { 0 };
	struct buf out;

	memset(name, 'n', sizeof(name));
	memset(text, 't', sizeof(text));
	for (int i = 0; i < 20; i++)
		reason_cat(r, REASON_AUTH, REASON_REFUSED, 401, str_mk(name, sizeof(name)), &peer,
			   str_mk(text, sizeof(text)));
	buf_init(&out, NULL, 0, 0);
	reasons_explain(r, STR_NULL, 1, &out);
	assert_true(str_find(buf_view(&out), str_mk(name, 63)) < buf_view(&out).n);
	assert_true(str_find(buf_view(&out), str_mk(text, 159)) < buf_view(&out).n);
	assert_true(buf_view(&out).n < 400);
	buf_free(&out);
	reasons_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newest_first_and_as_many_as_there_are),
		cmocka_unit_test(the_oldest_give_way),
		cmocka_unit_test(what_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
