/* Patterns of extensions, and which of two is the better one. */
#include "pbx/pattern.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
	const char *name, *digits;
	int exact, more, can;
} cases[] = {
	{ "100", "100", 1, 0, 1 },
	{ "100", "10", 0, 1, 1 },
	{ "100", "1000", 0, 0, 0 },
	{ "100", "", 0, 1, 1 },
	{ "5-5-5", "555", 1, 0, 1 },
	{ "555", "5-55", 1, 0, 1 },
	{ "_1XX", "123", 1, 0, 1 },
	{ "_1XX", "12", 0, 1, 1 },
	{ "_1XX", "1234", 0, 0, 0 },
	{ "_1XX", "12a", 0, 0, 0 },
	{ "_ZXX", "012", 0, 0, 0 },
	{ "_NXX", "123", 0, 0, 0 },
	{ "_nxx", "234", 1, 0, 1 },
	{ "_[13-5]00", "100", 1, 0, 1 },
	{ "_[13-5]00", "400", 1, 0, 1 },
	{ "_[13-5]00", "200", 0, 0, 0 },
	{ "_[a-c-]x", "-1", 0, 0, 0 },          /* a dash that was dialled counts for nothing */
	{ "_[]1", "1", 1, 0, 1 },
	{ "_NXX-XXX", "234567", 1, 0, 1 },
	{ "_9.", "91", 1, 1, 1 },
	{ "_9.", "9", 0, 1, 1 },
	{ "_9.", "9123456", 1, 1, 1 },
	{ "_9!", "9", 2, 2, 2 },
	{ "_9!", "912", 2, 2, 2 },
	{ "_9!", "8", 0, 0, 0 },
	{ "_!", "", 2, 2, 2 },
	{ "_X.", "_X.", 1, 0, 0 },              /* asked for by its own name */
	{ "_[1-", "1", 0, 0, 0 },
	{ "_+49.", "+4930", 1, 1, 1 },
	{ "_alice", "alice", 1, 0, 1 },
	{ "_.", "anything", 1, 1, 1 },
};

static void matches(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str name = str_z(cases[i].name), digits = str_z(cases[i].digits);
		int got[] = { pattern_match(name, digits, PATTERN_EXACT), pattern_match(name, digits, PATTERN_MORE),
			pattern_match(name, digits, PATTERN_CAN) };

		if (got[0] != cases[i].exact || got[1] != cases[i].more || got[2] != cases[i].can)
			fail_msg("%s / %s: %d %d %d", cases[i].name, cases[i].digits, got[0], got[1], got[2]);
	}
}

static int by_cmp(const void *a, const void *b)
{
	return pattern_cmp(str_z(*(const char *const *)a), str_z(*(const char *const *)b));
}

static void sorts(void **state)
{
	const char *v[] = { "_!", "_X.", "_XX", "100", "_.", "_N.", "_1XX", "_ZXX", "_[12]XX", "101" };
	const char *const want[] = { "100", "101", "_1XX", "_[12]XX", "_N.", "_ZXX", "_XX", "_X.", "_.", "_!" };

	(void)state;
	qsort(v, ARRAY_LEN(v), sizeof(v[0]), by_cmp);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		assert_string_equal(v[i], want[i]);
	assert_int_equal(pattern_cmp(STR("_X-X"), STR("_xx")), 0);
	assert_int_equal(pattern_cmp(STR("1-0"), STR("10")), 0);
	/* sets of one size: the one with the lower character first */
	assert_true(pattern_cmp(STR("_[1-3]"), STR("_[2-4]")) < 0);
	assert_true(pattern_cmp(STR("_[13]"), STR("_[12]")) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(sorts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
