/* Addresses: read, printed, compared, classified, masked; and the source that the kernel chooses. */
#include "net/address.h"
#include "net/route.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void parse_and_print(void **state)
{
	static const struct {
		struct str in;
		int err;
		const char *out, *bare;
	} tv[] = {
		{ STR_INIT("1.2.3.4"), 0, "1.2.3.4:0", "1.2.3.4" },
		{ STR_INIT("1.2.3.4:5060"), 0, "1.2.3.4:5060", "1.2.3.4" },
		{ STR_INIT("255.255.255.255:65535"), 0, "255.255.255.255:65535", "255.255.255.255" },
		{ STR_INIT("::1"), 0, "[::1]:0", "::1" },
		{ STR_INIT("[::1]"), 0, "[::1]:0", "::1" },
		{ STR_INIT("[2001:DB8::a]:5061"), 0, "[2001:db8::a]:5061", "2001:db8::a" },
		{ STR_INIT("::ffff:10.1.2.3"), 0, "10.1.2.3:0", "10.1.2.3" },
		{ STR_INIT("[::ffff:10.1.2.3]:5060"), 0, "10.1.2.3:5060", "10.1.2.3" },
		{ STR_INIT("fe80::1%1"), 0, "[fe80::1%1]:0", "fe80::1%1" },
		{ STR_INIT("2001:db8::1%1"), 0, "[2001:db8::1]:0", "2001:db8::1" },
		{ STR_INIT(""), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.4.5"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.256"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.0004"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.4:"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.4:65536"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.4:-1"), EBADMSG, 0, 0 },
		{ STR_INIT("1.2.3.4 "), EBADMSG, 0, 0 },
		{ STR_INIT("[1.2.3.4]"), EBADMSG, 0, 0 },
		{ STR_INIT("[::1"), EBADMSG, 0, 0 },
		{ STR_INIT("[::1]x"), EBADMSG, 0, 0 },
		{ STR_INIT("::1%nosuchif0"), EBADMSG, 0, 0 },
		{ STR_INIT("host"), EBADMSG, 0, 0 },
		{ STR_INIT("::1\0x"), EBADMSG, 0, 0 },
	};
	char text[SA_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sa a;
		int err = sa_parse(&a, tv[i].in);

		assert_int_equal(err, tv[i].err);
		if (err)
			continue;
		assert_string_equal(sa_text(&a, text), tv[i].out);
		assert_string_equal(sa_text_bare(&a, text), tv[i].bare);
	}
}

static struct sa sa(const char *z)
{
	struct sa a;

	assert_int_equal(sa_parse(&a, str_z(z)), 0);
	return a;
}

static void compare(void **state)
{
	struct sa a = sa("1.2.3.4:5"), b = sa("1.2.3.4:6"), c = sa("[::ffff:1.2.3.4]:5"), d = sa("[::1]:5");

	(void)state;
	assert_true(sa_eq(&a, &c));
	assert_false(sa_eq(&a, &b));
	assert_true(sa_eq_host(&a, &b));
	assert_false(sa_eq_host(&a, &d));
	assert_int_equal(sa_hash_host(&a), sa_hash_host(&b));
	assert_true(sa_hash_host(&a) != sa_hash_host(&d));
	sa_set_port(&b, 5);
	assert_true(sa_eq(&a, &b));
	sa_set_port(&d, 7);
	assert_int_equal(sa_port(&d), 7);
	assert_int_equal(sa_len(&a), sizeof(struct sockaddr_in));
	assert_int_equal(sa_len(&d), sizeof(struct sockaddr_in6));
}

static void classify(void **state)
{
	static const struct {
		const char *a;
		bool any, loop, priv;
	} tv[] = {
		{ "0.0.0.0", true, false, false }, { "::", true, false, false },
		{ "127.9.9.9", false, true, false }, { "::1", false, true, false },
		{ "10.0.0.1", false, false, true }, { "172.15.0.1", false, false, false },
		{ "172.16.0.1", false, false, true }, { "172.31.255.1", false, false, true },
		{ "172.32.0.1", false, false, false }, { "192.168.0.1", false, false, true },
		{ "169.254.1.1", false, false, true }, { "192.169.0.1", false, false, false },
		{ "fd00::1", false, false, true }, { "fe80::1", false, false, true },
		{ "2001:db8::1", false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sa a = sa(tv[i].a);

		assert_int_equal(sa_is_any(&a), tv[i].any);
		assert_int_equal(sa_is_loopback(&a), tv[i].loop);
		assert_int_equal(sa_is_private(&a), tv[i].priv);
	}
}

static void from_kernel(void **state)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(9),
		.sin6_addr.s6_addr = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } };
	struct sa a;
	char text[SA_TEXT];

	(void)state;
	sa_from(&a, (struct sockaddr *)&in6, sizeof(in6));
	assert_string_equal(sa_text(&a, text), "10.0.0.1:9");
	sa_from(&a, (struct sockaddr *)&in6, 3);
	assert_false(sa_is_set(&a));
}

static void masked(void **state)
{
	static const struct { const char *a; unsigned bits; const char *out; } tv[] = {
		{ "255.255.255.255:7", 32, "255.255.255.255:7" }, { "255.255.255.255", 31, "255.255.255.254:0" },
		{ "255.255.255.255", 24, "255.255.255.0:0" }, { "255.255.255.255", 9, "255.128.0.0:0" },
		{ "255.255.255.255", 0, "0.0.0.0:0" }, { "[ffff:ffff:ffff::ffff]:7", 128, "[ffff:ffff:ffff::ffff]:7" },
		{ "ffff:ffff:ffff::ffff", 127, "[ffff:ffff:ffff::fffe]:0" },
		{ "ffff:ffff:ffff::ffff", 33, "[ffff:ffff:8000::]:0" }, { "ffff::1", 0, "[::]:0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sa a = sa(tv[i].a);
		char text[SA_TEXT];

		sa_mask_host(&a, tv[i].bits);
		assert_string_equal(sa_text(&a, text), tv[i].out);
	}
}

static void source(void **state)
{
	struct sa peer = sa("127.0.0.1:5060"), local;

	(void)state;
	assert_int_equal(sa_source_for(&peer, &local), 0);
	assert_true(sa_is_loopback(&local));
	assert_int_equal(sa_port(&local), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_and_print), cmocka_unit_test(compare), cmocka_unit_test(classify),
		cmocka_unit_test(masked), cmocka_unit_test(from_kernel), cmocka_unit_test(source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
