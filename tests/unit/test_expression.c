/* Expressions of the dialplan: $[...]. */
#include "pbx/expression.h"
#include "base/buf.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static const struct {
	const char *in, *out;
} cases[] = {
	{ "", "" },
	{ "1", "1" },
	{ "007", "007" },                       /* nothing calculated: the text itself */
	{ "1 + 2", "3" },
	{ "1+2*3", "7" },
	{ "(1+2)*3", "9" },
	{ "10 - 2 - 3", "5" },
	{ "7 / 2", "3.5" },
	{ "7 % 4", "3" },
	{ "-3 + 5", "2" },
	{ "2 - -2", "4" },
	{ "1.5 * 2", "3" },
	{ "0.1 + 0.2", "0.3" },
	{ "5 / 0", "2147483647" },
	{ "5 % 0", "0" },
	{ "1 = 1", "1" },
	{ "1 == 1", "1" },
	{ "1 = 1.0", "1" },                     /* numbers compare as numbers */
	{ "01 = 1", "1" },
	{ "abc = abc", "1" },
	{ "abc = abd", "0" },
	{ "\"abc\" = abc", "0" },               /* quotes are part of the text */
	{ "\"\" = \"\"", "1" },
	{ "\"a b\" = \"a b\"", "1" },
	{ "1 != 2", "1" },
	{ "2 < 10", "1" },
	{ "a2 < a10", "0" },                    /* texts compare as texts */
	{ "2 >= 2", "1" },
	{ "3 <= 2", "0" },
	{ "0 | 5", "5" },
	{ "3 | 5", "3" },
	{ "0 || 0", "0" },
	{ "3 & 5", "3" },
	{ "3 && 0", "0" },
	{ "1 = 1 & 2 = 2", "1" },
	{ "1 = 2 | 2 = 2", "1" },
	{ "!1", "0" },
	{ "!0", "1" },
	{ "!abc", "1" },
	{ "! 0 = 0", "0" },                     /* ! binds tighter than = */
	{ "1 ? yes :: no", "yes" },
	{ "0 ? yes :: no", "no" },
	{ "\"\" ? yes :: no", "no" },
	{ "0 ? a :: 1 ? b :: c", "b" },         /* from left to right */
	{ "0 ? 5 :: 0 ? b :: c", "c" },
	{ "abc : \"[a-c]+\"", "3" },
	{ "abcd : \"ab(.)\"", "c" },
	{ "xabc : \"abc\"", "0" },              /* : is anchored */
	{ "xabc =~ \"abc\"", "3" },
	{ "xabc =~ \"a(.)c\"", "b" },
	{ "xyz =~ \"a(.)c\"", "" },
	{ "\"0412345\" =~ \"^0[1-9]\"", "2" },
	{ "ab ~~ cd", "abcd" },
	{ "\"a b\" ~~ \"c\"", "a bc" },
	{ "12 ~~ 34 = 1234", "1" },
	{ "POW(2,10)", "1024" },
	{ "SQRT(16) + 1", "5" },
	{ "ABS(-3)", "3" },
	{ "ROUND(2.5)", "3" },
	{ "FLOOR(-1.5)", "-2" },
	{ "ATAN2(0,1)", "0" },
	{ "TRUNC(1.9) = 1", "1" },
	{ "NOSUCH(1)", "0" },
	{ "abc + 1", "1" },
	{ "1 + abc", "1" },
	{ "x * 2", "0" },
	{ "1 2", "1" },                         /* no expression at all: what it begins with */
	{ "x = y z", "0" },
	{ "a b = a", "a" },
	{ "1,5", "1" },
	{ "= a", "" },                          /* cannot begin one */
	{ "+ 1", "" },
	{ "* 1", "" },
	{ "1 +", "0" },
	{ "(1", "0" },
	{ "1)", "1" },
	{ "sip:100@host = sip:100@host", "1" },
	{ "user@host = user@host", "1" },
	{ "1.2.3.4 = 1.2.3.4", "1" },
	{ "PJSIP/alice = x", "0" },
	{ "99999999999999999999 > 1", "1" },
	{ "1 \"", "1" },
};

static void values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct buf b = BUF_INIT;

		(void)pbx_expression(str_z(cases[i].in), &b);
		if (!str_eq(buf_view(&b), str_z(cases[i].out)))
			fail_msg("%s: %.*s, not %s", cases[i].in, STR_ARG(buf_view(&b)), cases[i].out);
		buf_free(&b);
	}
}

/* Depth, length and hostile regular expressions end in an error, not in a crash. */
static void bounds(void **state)
{
	struct buf in = BUF_INIT, out = BUF_INIT;
	struct regex_match m;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_char(&in, '(');
	assert_int_equal(pbx_expression(buf_view(&in), &out), EBADMSG);
	buf_reset(&in);
	for (int i = 0; i < 5000; i++)
		buf_put(&in, STR("!-"));
	assert_int_equal(pbx_expression(buf_view(&in), &out), EBADMSG);
	buf_reset(&in);
	buf_reset(&out);
	buf_char(&in, '1');
	for (int i = 0; i < 5000; i++)
		buf_put(&in, STR("+1"));
	assert_int_equal(pbx_expression(buf_view(&in), &out), 0);
	assert_true(str_eq(buf_view(&out), STR("5001")));
	buf_reset(&in);
	for (int i = 0; i < 100; i++)
		buf_char(&in, '(');
	assert_int_equal(regex_match(buf_view(&in), STR("a"), false, &m), EINVAL);
	assert_int_equal(regex_match(STR("a{1,30000}"), STR("a"), false, &m), EINVAL);
	assert_int_equal(regex_match(STR("A(.)"), STR("xab"), true, &m), 0);
	assert_true(str_eq(m.first, STR("b")));
	assert_int_equal(regex_match(STR("["), STR("a"), false, &m), EINVAL);
	buf_free(&in);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(bounds),
	};

	log_set_mask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
