/* How many connections there may be. */
#include "net/private.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct sa addr(const char *z)
{
	struct sa a;

	assert_int_equal(sa_parse(&a, str_z(z)), 0);
	return a;
}

/* In all, from one address, and of an IPv6 network. */
static void caps(void **state)
{
	struct gate *g = gate_new(5, 2, 2);
	struct sa a = addr("192.0.2.1:1"), b = addr("192.0.2.2:1"), six = addr("[2001:db8::1]:1"), near = addr("[2001:db8::2]:1"),
		  far = addr("[2001:db8:0:1::1]:1");
	struct gate_addr *s[6];

	(void)state;
	assert_int_equal(gate_enter(g, &a, false, &s[0]), 0);
	assert_int_equal(gate_enter(g, &a, false, &s[1]), 0);
	assert_int_equal(gate_enter(g, &a, true, &s[2]), EACCES);
	assert_int_equal(gate_enter(g, &six, false, &s[2]), 0);
	assert_int_equal(gate_enter(g, &near, false, &s[3]), 0);
	assert_int_equal(gate_enter(g, &near, false, &s[4]), EACCES);
	assert_int_equal(gate_enter(g, &far, false, &s[4]), 0);
	assert_int_equal(gate_enter(g, &b, false, &s[5]), ENOSPC);
	assert_int_equal(gate_count(g), 5);
	gate_leave(g, s[0], false);
	assert_int_equal(gate_enter(g, &a, false, &s[0]), 0);
	for (int i = 0; i < 5; i++)
		gate_leave(g, s[i], false);
	assert_int_equal(gate_count(g), 0);
	obj_drop(g);
}

/* Those that have not said anything yet are fewer, but for an address that is known. */
static void silent_ones(void **state)
{
	struct gate *g = gate_new(100, 5, 2);
	struct sa a = addr("192.0.2.1:1"), b = addr("192.0.2.2:1");
	struct gate_addr *s[5], *t;

	(void)state;
	assert_int_equal(gate_enter(g, &a, false, &s[0]), 0);
	assert_int_equal(gate_enter(g, &a, false, &s[1]), 0);
	assert_int_equal(gate_enter(g, &a, false, &s[2]), EACCES);
	assert_int_equal(gate_enter(g, &b, false, &t), 0);
	gate_spoke(g, s[0]);
	assert_int_equal(gate_enter(g, &a, false, &s[2]), 0);
	assert_int_equal(gate_enter(g, &a, false, &s[3]), EACCES);
	assert_int_equal(gate_enter(g, &a, true, &s[3]), 0);
	/* Two are silent still when one that spoke goes, and one when one of them does. */
	gate_leave(g, s[0], true);
	assert_int_equal(gate_enter(g, &a, false, &s[0]), EACCES);
	gate_leave(g, s[1], false);
	gate_leave(g, s[2], false);
	assert_int_equal(gate_enter(g, &a, false, &s[0]), 0);
	gate_leave(g, s[0], false);
	gate_leave(g, s[3], false);
	gate_leave(g, t, false);
	gate_spoke(g, NULL);
	obj_drop(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(caps), cmocka_unit_test(silent_ones) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
