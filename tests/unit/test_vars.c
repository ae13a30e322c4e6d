/* Variables, and what a new channel inherits. */
#include "pbx/vars.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_var(const struct vars *v, const char *name, const char *want)
{
	struct str got;

	if (!vars_get(v, str_z(name), &got))
		fail_msg("%s is not set", name);
	if (!str_eq(got, str_z(want)))
		fail_msg("%s is %.*s, not %s", name, STR_ARG(got), want);
}

static void set_and_unset(void **state)
{
	struct vars v = { 0 };
	struct str s;

	(void)state;
	assert_false(vars_get(&v, STR("A"), &s));
	assert_int_equal(vars_set(&v, STR("A"), STR("1")), 0);
	assert_int_equal(vars_set(&v, STR("a"), STR("2")), 0);
	assert_var(&v, "A", "1");
	assert_var(&v, "a", "2");
	assert_int_equal(vars_set(&v, STR("A"), STR("")), 0);
	assert_var(&v, "A", "");                /* empty, and yet there: it hides a global one */
	assert_int_equal(vars_set(&v, STR("A"), STR_NULL), 0);
	assert_false(vars_get(&v, STR("A"), &s));
	assert_int_equal(vars_set(&v, STR("__"), STR("1")), EINVAL);
	vars_free(&v);
	assert_false(vars_get(&v, STR("a"), &s));
}

static void value_of_itself(void **state)
{
	struct vars v = { 0 };
	struct str s;

	(void)state;
	vars_set(&v, STR("A"), STR("abcdef"));
	assert_true(vars_get(&v, STR("A"), &s));
	assert_int_equal(vars_set(&v, STR("A"), str_skip(s, 3)), 0);
	assert_var(&v, "A", "def");
	vars_free(&v);
}

static void shadows(void **state)
{
	struct vars v = { 0 };

	(void)state;
	vars_set(&v, STR("A"), STR("outer"));
	vars_push(&v, STR("A"), STR("inner"));
	assert_var(&v, "A", "inner");
	vars_set(&v, STR("A"), STR("changed"));
	assert_var(&v, "A", "changed");
	vars_set(&v, STR("A"), STR_NULL);
	assert_var(&v, "A", "outer");
	vars_free(&v);
}

static void inherits(void **state)
{
	struct vars a = { 0 }, b = { 0 }, c = { 0 };
	struct str s;

	(void)state;
	vars_set(&a, STR("OWN"), STR("1"));
	vars_set(&a, STR("_ONCE"), STR("2"));
	vars_set(&a, STR("__ALWAYS"), STR("3"));
	assert_var(&a, "ONCE", "2");
	assert_var(&a, "ALWAYS", "3");
	assert_int_equal(vars_inherit(&b, &a), 0);
	assert_false(vars_get(&b, STR("OWN"), &s));
	assert_var(&b, "ONCE", "2");
	assert_var(&b, "ALWAYS", "3");
	assert_int_equal(vars_inherit(&c, &b), 0);
	assert_false(vars_get(&c, STR("ONCE"), &s));
	assert_var(&c, "ALWAYS", "3");
	vars_free(&a);
	vars_free(&b);
	vars_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_and_unset),
		cmocka_unit_test(value_of_itself),
		cmocka_unit_test(shadows),
		cmocka_unit_test(inherits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
