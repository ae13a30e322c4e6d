/* Views of text: cutting, comparing, numbers. */
#include "base/str.h"
#include "data.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define assert_str(a, b) check_str((a), str_z(b), #a, __FILE__, __LINE__)

static void check_str(struct str got, struct str want, const char *what, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("%s is '%.*s', not '%.*s'\n", what, STR_ARG(got), STR_ARG(want));
	_fail(file, line);
}

static void comparing(void **state)
{
	(void)state;
	assert_true(str_eq(STR("a"), STR("a")));
	assert_false(str_eq(STR("a"), STR("A")));
	assert_true(str_eq(STR_NULL, STR("")));
	assert_true(str_ieq(STR("AbZ[@`{"), STR("aBz[@`{")));
	/* Only letters fold: [ is { with bit 5 off, @ is `. */
	assert_false(str_ieq(STR("["), STR("{")));
	assert_false(str_ieq(STR("@"), STR("`")));
	assert_false(str_ieq(STR("ab"), STR("abc")));
	assert_true(str_cmp(STR("a"), STR("b")) < 0);
	assert_true(str_cmp(STR("ab"), STR("a")) > 0);
	assert_int_equal(str_cmp(STR_NULL, STR("")), 0);
	assert_true(str_cmp(STR("\xff"), STR("a")) > 0);
	assert_int_equal(str_icmp(STR("ABC"), STR("abc")), 0);
	assert_true(str_icmp(STR("abc"), STR("ABD")) < 0);
	assert_true(str_icmp(STR("\xff"), STR("z")) > 0);
	assert_true(str_icmp(STR("abcd"), STR("ABC")) > 0);
	assert_true(str_starts(STR("abc"), STR("ab")));
	assert_false(str_starts(STR("abc"), STR("AB")));
	assert_false(str_starts(STR("a"), STR("ab")));
	assert_true(str_starts(STR_NULL, STR_NULL));
	assert_true(str_istarts(STR("abc"), STR("AB")));
	assert_true(str_ends(STR("abc"), STR("bc")));
	assert_true(str_ends(STR("abc"), STR_NULL));
	assert_false(str_ends(STR("c"), STR("bc")));
}

static void cuts_clamp(void **state)
{
	struct str s = STR("hello");

	(void)state;
	assert_str(str_sub(s, 1, 3), "ell");
	assert_str(str_sub(s, 1, 99), "ello");
	assert_str(str_sub(s, 99, 1), "");
	assert_str(str_sub(s, 4, SIZE_MAX), "o");
	assert_str(str_skip(s, 5), "");
	assert_str(str_skip(s, SIZE_MAX), "");
	assert_ptr_equal(str_skip(s, 99).p, s.p + 5);
	assert_str(str_skip(STR_NULL, 3), "");
	assert_null(str_skip(STR_NULL, 3).p);
}

static void blanks_and_quotes_come_off(void **state)
{
	(void)state;
	assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
	assert_str(str_ltrim(STR("  a ")), "a ");
	assert_str(str_rtrim(STR("  a ")), "  a");
	assert_str(str_trim(STR("  \t ")), "");
	assert_str(str_trim(STR_NULL), "");
	assert_str(str_unquote(STR("\"a\\\"b\"")), "a\\\"b");
	assert_str(str_unquote(STR("\"")), "\"");
	assert_str(str_unquote(STR("\"\"")), "");
	assert_str(str_unquote(STR("a\"")), "a\"");
}

static void bytes_are_found(void **state)
{
	(void)state;
	assert_int_equal(str_chr(STR("abcb"), 'b'), 1);
	assert_int_equal(str_rchr(STR("abcb"), 'b'), 3);
	assert_int_equal(str_chr(STR("abc"), 'x'), 3);
	assert_int_equal(str_rchr(STR("abc"), 'x'), 3);
	assert_int_equal(str_chr(STR_NULL, 'x'), 0);
	assert_int_equal(str_chr(str_mk("a\0b", 3), 'b'), 2);
	assert_int_equal(str_find(STR("aaab"), STR("ab")), 2);
	assert_int_equal(str_find(STR("aaab"), STR("ba")), 4);
	assert_int_equal(str_find(STR("ab"), STR("abc")), 2);
	assert_int_equal(str_find(STR("ab"), STR_NULL), 0);
	assert_int_equal(str_find(STR_NULL, STR("a")), 0);
	assert_int_equal(str_ifind(STR("xxABxx"), STR("ab")), 2);
	assert_int_equal(str_ifind(STR("xxAxx"), STR("ab")), 5);
	assert_int_equal(str_ifind(STR("a"), STR("abc")), 1);
}

static void cutting_at_a_separator(void **state)
{
	struct str s = STR("a,b,,c");

	(void)state;
	assert_str(str_cut_raw(&s, ','), "a");
	assert_str(str_cut_raw(&s, ','), "b");
	assert_str(str_cut_raw(&s, ','), "");
	assert_str(str_cut_raw(&s, ','), "c");
	assert_str(s, "");
	assert_str(str_cut_raw(&s, ','), "");

	s = STR("a\"x,y\\\",z\"b,c");
	assert_str(str_cut(&s, ','), "a\"x,y\\\",z\"b");
	assert_str(s, "c");
	s = STR("\"open, for ever");
	assert_str(str_cut(&s, ','), "\"open, for ever");
	assert_str(s, "");
	s = STR("\"ends in\\");
	assert_str(str_cut(&s, ','), "\"ends in\\");
	assert_str(s, "");
	s = STR("\"a\\\\\",\"b\\\"\\\",\" and, \"c\"");
	assert_str(str_cut(&s, ','), "\"a\\\\\"");
	assert_str(str_cut(&s, ','), "\"b\\\"\\\",\" and");
	assert_str(s, " \"c\"");
	s = STR("a=\"1\" b=\"2,3\" c=4,d");
	assert_str(str_cut(&s, ','), "a=\"1\" b=\"2,3\" c=4");
	assert_str(s, "d");
	s = STR("<a,b>,c");
	assert_str(str_cut(&s, ','), "<a");
	s = STR("\"x>,\" <a,b>;q,c");
	assert_str(str_cut_addr(&s, ','), "\"x>,\" <a,b>;q");
	assert_str(s, "c");
}

static void lines(void **state)
{
	struct str s = STR("one\r\ntwo\n\r\nlast"), line;

	(void)state;
	assert_true(str_line(&s, &line));
	assert_str(line, "one");
	assert_true(str_line(&s, &line));
	assert_str(line, "two");
	assert_true(str_line(&s, &line));
	assert_str(line, "");
	assert_true(str_line(&s, &line));
	assert_str(line, "last");
	assert_false(str_line(&s, &line));
}

static void numbers(void **state)
{
	static const struct { const char *text; int err32, err64, erri; uint64_t v; } tv[] = {
		{ "0", 0, 0, 0, 0 }, { "007", 0, 0, 0, 7 }, { "4294967295", 0, 0, 0, UINT32_MAX },
		{ "4294967296", ERANGE, 0, 0, 4294967296 }, { "9223372036854775807", ERANGE, 0, 0, INT64_MAX },
		{ "9223372036854775808", ERANGE, 0, ERANGE, 9223372036854775808u },
		{ "18446744073709551615", ERANGE, 0, ERANGE, UINT64_MAX },
		{ "18446744073709551616", ERANGE, ERANGE, ERANGE, 0 }, { "99999999999999999999999", ERANGE, ERANGE, ERANGE, 0 },
		{ "99999999999999999999999x", EBADMSG, EBADMSG, EBADMSG, 0 }, { "", EBADMSG, EBADMSG, EBADMSG, 0 },
		{ " 1", EBADMSG, EBADMSG, EBADMSG, 0 }, { "1 ", EBADMSG, EBADMSG, EBADMSG, 0 }, { "+1", EBADMSG, EBADMSG, EBADMSG, 0 },
		{ "0x1", EBADMSG, EBADMSG, EBADMSG, 0 }, { "1.", EBADMSG, EBADMSG, EBADMSG, 0 }, { "--1", EBADMSG, EBADMSG, EBADMSG, 0 },
		{ "-", EBADMSG, EBADMSG, EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char *copy = exact_copy(str_z(tv[i].text));
		struct str s = str_mk(copy, strlen(tv[i].text));
		uint32_t v32 = 5;
		uint64_t v64 = 5;
		int64_t vi = 5;

		print_message("'%s'\n", tv[i].text);
		assert_int_equal(str_u32(s, &v32), tv[i].err32);
		assert_int_equal(v32, tv[i].err32 ? 5 : tv[i].v);
		assert_int_equal(str_u64(s, &v64), tv[i].err64);
		assert_int_equal(v64, tv[i].err64 ? 5 : tv[i].v);
		assert_int_equal(str_i64(s, &vi), tv[i].erri);
		assert_int_equal(vi, tv[i].erri ? 5 : tv[i].v);
		free(copy);
	}
}

static void signed_numbers(void **state)
{
	int64_t v = 5;

	(void)state;
	assert_int_equal(str_i64(STR("-42"), &v), 0);
	assert_int_equal(v, -42);
	assert_int_equal(str_i64(STR("-9223372036854775807"), &v), 0);
	assert_true(v == -INT64_MAX);
	assert_int_equal(str_i64(STR("-9223372036854775808"), &v), 0);
	assert_true(v == INT64_MIN);
	assert_int_equal(str_i64(STR("-9223372036854775809"), &v), ERANGE);
}

static void fractions(void **state)
{
	double v = 5;

	(void)state;
	assert_int_equal(str_double(STR("1.5"), &v), 0);
	assert_true(v > 1.49 && v < 1.51);
	assert_int_equal(str_double(STR("-2e3"), &v), 0);
	assert_true(v < -1999 && v > -2001);
	v = 5;
	assert_int_equal(str_double(STR(""), &v), EBADMSG);
	assert_int_equal(str_double(STR("."), &v), EBADMSG);
	assert_int_equal(str_double(STR("e"), &v), EBADMSG);
	assert_int_equal(str_double(STR("-"), &v), EBADMSG);
	assert_int_equal(str_double(STR("1.5.5"), &v), EBADMSG);
	assert_int_equal(str_double(STR("nan"), &v), EBADMSG);
	assert_int_equal(str_double(STR("inf"), &v), EBADMSG);
	assert_int_equal(str_double(STR("0x10"), &v), EBADMSG);
	assert_int_equal(str_double(STR(" 1"), &v), EBADMSG);
	assert_int_equal(str_double(str_mk("1\0", 2), &v), EBADMSG);
	assert_int_equal(str_double(STR("1e999"), &v), ERANGE);
	assert_true(v == 5);
}

static void hex_and_truth(void **state)
{
	static const char *const yes[] = { "yes", "TRUE", "y", "T", "1", "On" }, *const no[] = { "no", "False", "N", "f", "0", "OFF" };
	uint8_t b[4] = { 1, 2, 3, 4 };
	bool v;

	(void)state;
	assert_int_equal(str_hex(STR("00fFA5"), b, 3), 0);
	assert_memory_equal(b, "\x00\xff\xa5\x04", 4);
	assert_int_equal(str_hex(STR("0001"), b, 3), EBADMSG);
	assert_int_equal(str_hex(STR("00010g"), b, 3), EBADMSG);
	assert_memory_equal(b, "\x00\xff\xa5\x04", 4);
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		assert_int_equal(str_bool(str_z(yes[i]), &v), 0);
		assert_true(v);
		assert_int_equal(str_bool(str_z(no[i]), &v), 0);
		assert_false(v);
	}
	assert_int_equal(str_bool(STR("maybe"), &v), EBADMSG);
	assert_int_equal(str_bool(STR_NULL, &v), EBADMSG);
}

static void copies(void **state)
{
	char dst[4] = "xyz", *z = GOT(str_dup(STR("abc")));

	(void)state;
	assert_string_equal(z, "abc");
	free(z);
	z = GOT(str_dup(STR_NULL));
	assert_string_equal(z, "");
	free(z);
	assert_ptr_equal(str_copy(dst, sizeof(dst), STR("hello")), dst);
	assert_string_equal(dst, "hel");
	assert_string_equal(str_copy(dst, sizeof(dst), STR_NULL), "");
	dst[0] = 'q';
	str_copy(dst, 0, STR("hello"));
	assert_int_equal(dst[0], 'q');
	assert_int_equal(str_z(NULL).n, 0);
}

static void distances(void **state)
{
	char longest[65];

	(void)state;
	assert_int_equal(str_distance(STR("kitten"), STR("sitting")), 3);
	assert_int_equal(str_distance(STR("a"), STR("A")), 0);
	assert_int_equal(str_distance(STR(""), STR("abc")), 3);
	assert_int_equal(str_distance(STR("abc"), STR("")), 3);
	assert_int_equal(str_distance(STR("direct_media"), STR("direct_mdia")), 1);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(str_distance(str_mk(longest, 64), str_mk(longest, 64)), 0);
	assert_int_equal(str_distance(str_mk(longest, 65), str_mk(longest, 1)), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparing),
		cmocka_unit_test(cuts_clamp),
		cmocka_unit_test(blanks_and_quotes_come_off),
		cmocka_unit_test(bytes_are_found),
		cmocka_unit_test(cutting_at_a_separator),
		cmocka_unit_test(lines),
		cmocka_unit_test(numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(fractions),
		cmocka_unit_test(hex_and_truth),
		cmocka_unit_test(copies),
		cmocka_unit_test(distances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
