/* Access lists: networks, order, defaults. */
#include "base/obj.h"
#include "net/acl.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static bool permits(const struct acl *a, const char *z)
{
	struct sa peer;

	assert_int_equal(sa_parse(&peer, str_z(z)), 0);
	return acl_permits(a, &peer);
}

static void last_match_decides(void **state)
{
	struct acl *a = GOT(acl_new(STR("lan")));

	(void)state;
	assert_non_null(a);
	assert_true(acl_is_empty(a));
	assert_true(permits(a, "1.2.3.4"));
	assert_true(permits(NULL, "1.2.3.4"));
	assert_int_equal(acl_add(a, false, STR("0.0.0.0/0.0.0.0")), 0);
	assert_int_equal(acl_add(a, true, STR("10.0.0.0/8, 192.168.1.0/255.255.255.0")), 0);
	assert_int_equal(acl_add(a, false, STR("10.9.0.0/16")), 0);
	assert_false(acl_is_empty(a));
	assert_false(permits(a, "1.2.3.4"));
	assert_true(permits(a, "10.1.1.1"));
	assert_false(permits(a, "10.9.1.1"));
	assert_true(permits(a, "192.168.1.77"));
	assert_false(permits(a, "192.168.2.77"));
	/* 0.0.0.0/0 says nothing about the other family. */
	assert_true(permits(a, "::1"));
	assert_true(permits(a, "[::ffff:10.1.1.1]:9"));
	assert_true(str_eq(acl_name(a), STR("lan")));
	obj_drop(a);
}

static void inversion(void **state)
{
	struct acl *a = GOT(acl_new(STR("x")));

	(void)state;
	assert_int_equal(acl_add(a, true, STR("!0.0.0.0/0,10.0.0.0/8,!10.1.0.0/16")), 0);
	assert_false(permits(a, "1.1.1.1"));
	assert_true(permits(a, "10.2.1.1"));
	assert_false(permits(a, "10.1.1.1"));
	obj_drop(a);
}

static void bad_values_change_nothing(void **state)
{
	static const struct str bad[] = { STR_INIT(""), STR_INIT("x"), STR_INIT("1.2.3.4/33"), STR_INIT("::1/129"),
		STR_INIT("1.2.3.4/255.0.255.0"), STR_INIT("1.2.3.4/"), STR_INIT("1.2.3.4/ffff::"),
		STR_INIT("10.0.0.0/8,bad"), STR_INIT("1.2.3.4/-1"), STR_INIT("!") };
	struct acl *a = GOT(acl_new(STR("x")));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(acl_add(a, false, bad[i]), EBADMSG);
		assert_true(acl_is_empty(a));
	}
	obj_drop(a);
}

static void networks(void **state)
{
	static const struct {
		struct str mask;
		const char *in, *out;
	} tv[] = {
		{ STR_INIT("10.1.2.3/8"), "10.255.0.1", "11.0.0.1" },
		{ STR_INIT("10.1.2.3/9"), "10.127.0.1", "10.128.0.1" },
		{ STR_INIT("10.1.2.3"), "10.1.2.3:99", "10.1.2.4" },
		{ STR_INIT("10.1.2.3:5060"), "10.1.2.3:5060", "10.1.2.3:5061" },
		{ STR_INIT("2001:db8::/33"), "2001:db8:7fff::1", "2001:db8:8000::1" },
		{ STR_INIT("[2001:db8::1]:5060"), "[2001:db8::1]:5060", "[2001:db8::1]:5061" },
		{ STR_INIT("::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), "::1", "::2" },
		{ STR_INIT("1.2.3.4/32"), "1.2.3.4", "1.2.3.5" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct netmask m;
		struct sa in, out;

		assert_int_equal(netmask_parse(&m, tv[i].mask), 0);
		assert_int_equal(sa_parse(&in, str_z(tv[i].in)), 0);
		assert_int_equal(sa_parse(&out, str_z(tv[i].out)), 0);
		assert_true(netmask_has(&m, &in));
		assert_false(netmask_has(&m, &out));
	}
}

static void base_is_the_network(void **state)
{
	struct netmask m;
	char text[SA_TEXT];

	(void)state;
	assert_int_equal(netmask_parse(&m, STR(" !10.1.2.3/20 ")), 0);
	assert_true(m.invert);
	assert_string_equal(sa_text_bare(&m.base, text), "10.1.0.0");
	assert_int_equal(m.bits, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_match_decides), cmocka_unit_test(inversion),
		cmocka_unit_test(bad_values_change_nothing), cmocka_unit_test(networks),
		cmocka_unit_test(base_is_the_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
