/* STUN messages: the vectors of RFC 5769, what we write and read again, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include "base/obj.h"
#include "media/stun.h"

static int hash_begin(void **state)
{
	static struct stun_hash h;

	*state = &h;
	return stun_hash_openssl(&h);
}

static int hash_end(void **state)
{
	obj_drop(((struct stun_hash *)*state)->arg);
	return 0;
}

static size_t bytes_of(const char *hex, uint8_t *p)
{
	size_t n = 0;

	for (; *hex; hex++)
		if (*hex != ' ') {
			assert_int_equal(str_hex(str_mk(hex, 2), &p[n++], 1), 0);
			hex++;
		}
	return n;
}

/* RFC 5769 2.1 */
static const char request[] =
	"00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74"
	"00240004 6e0001ff 80290008 932ff9b151263b36 00060009 6576746a3a68367659202020"
	"00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2 80280004 e57a3bcf";
static const struct str password = STR_INIT("VOkJxbRl1RmTxUk/WvJxBt");

static void test_request(void **state)
{
	uint8_t p[256];
	size_t n = bytes_of(request, p);
	struct stun_msg m;

	assert_int_equal(stun_parse(&m, p, n), 0);
	assert_int_equal(m.cls, STUN_REQUEST);
	assert_int_equal(m.method, STUN_BINDING);
	assert_true(str_eq(m.software, STR("STUN test client")));
	assert_true(str_eq(m.username, STR("evtj:h6vY")));
	assert_true(m.has_priority);
	assert_int_equal(m.priority, 0x6e0001ff);
	assert_true(m.controlled);
	assert_true(m.tie_breaker == 0x932ff9b151263b36ull);
	assert_int_equal(stun_check(&m, *state, password), 0);
	assert_int_equal(stun_check(&m, *state, STR("VOkJxbRl1RmTxUk/WvJxBT")), EACCES);
	assert_true(stun_fingerprint_ok(&m));
	p[45] ^= 1;                     /* the priority: both see it */
	assert_int_equal(stun_parse(&m, p, n), 0);
	assert_int_equal(stun_check(&m, *state, password), EACCES);
	assert_false(stun_fingerprint_ok(&m));
}

/* RFC 5769 2.2 and 2.3 */
static void test_responses(void **state)
{
	static const struct { const char *hex, *addr; } tv[] = {
		{ "0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147e112a643"
		  "00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96", "192.0.2.1:32853" },
		{ "01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220"
		  "00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9"
		  "00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c",
		  "[2001:db8:1234:5678:11:2233:4455:6677]:32853" },
	};

	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		uint8_t p[256];
		size_t n = bytes_of(tv[i].hex, p);
		struct stun_msg m;
		char text[SA_TEXT];

		assert_int_equal(stun_parse(&m, p, n), 0);
		assert_int_equal(m.cls, STUN_SUCCESS);
		assert_string_equal(sa_text(&m.xor_mapped, text), tv[i].addr);
		assert_int_equal(stun_check(&m, *state, password), 0);
		assert_true(stun_fingerprint_ok(&m));
	}
}

/* RFC 5769 2.4 */
static void test_long_term(void **state)
{
	const struct str user = STR("\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9");
	uint8_t p[256], key[16];
	size_t n = bytes_of("00010060 2112a442 78ad3433c6ad72c029da412e"
			    "00060012 e3839ee38388e383aae38383e382afe382b90000"
			    "0015001c 662f2f3439396b39353464364f4c33346f4c394653547679363473410014000b 6578616d706c652e6f726700"
			    "00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666", p);
	struct stun_msg m;

	assert_int_equal(stun_parse(&m, p, n), 0);
	assert_true(str_eq(m.username, user));
	assert_true(str_eq(m.realm, STR("example.org")));
	assert_true(str_eq(m.nonce, STR("f//499k954d6OL34oL9FSTvy64sA")));
	assert_int_equal(stun_long_key(*state, user, STR("example.org"), STR("TheMatrIX"), key), 0);
	assert_int_equal(stun_check(&m, *state, str_mk((char *)key, 16)), 0);
	assert_int_equal(stun_long_key(*state, user, STR("example.org"), STR("TheMatrix"), key), 0);
	assert_int_equal(stun_check(&m, *state, str_mk((char *)key, 16)), EACCES);
}

static const uint8_t ID[STUN_ID] = "abcdefghijkl";

static void test_sha256(void **state)
{
	uint8_t p[256];
	struct stun_out o;
	struct stun_msg m;

	stun_begin(&o, p, sizeof(p), STUN_REQUEST, STUN_BINDING, ID);
	stun_put(&o, STUN_USERNAME, STR("a:b"));
	stun_put_integrity(&o, *state, STUN_HASH_SHA256, password);
	stun_put_fingerprint(&o);
	assert_int_equal(stun_parse(&m, p, stun_end(&o)), 0);
	assert_true(m.integrity256_at && !m.integrity_at && m.fingerprint_at);
	assert_int_equal(stun_check(&m, *state, password), 0);
	assert_int_equal(stun_check(&m, *state, STR("x")), EACCES);
	/* Both: the better one counts (RFC 8489 9.1.3), so a good SHA-1 cannot stand in for it. */
	stun_begin(&o, p, sizeof(p), STUN_REQUEST, STUN_BINDING, ID);
	stun_put_integrity(&o, *state, STUN_HASH_SHA1, password);
	stun_put_integrity(&o, *state, STUN_HASH_SHA256, STR("x"));
	assert_int_equal(stun_parse(&m, p, stun_end(&o)), 0);
	assert_int_equal(stun_check(&m, *state, password), EACCES);
}

/* Each class with each method: all 14 bits come back. */
static void test_types(void **state)
{
	(void)state;
	for (unsigned method = 0; method < 0x1000; method += 7)
		for (unsigned c = 0; c < 4; c++) {
			uint8_t p[STUN_HEADER];
			struct stun_out o;
			struct stun_msg m;

			stun_begin(&o, p, sizeof(p), (enum stun_class)c, method, ID);
			assert_int_equal(stun_parse(&m, p, stun_end(&o)), 0);
			assert_int_equal(m.cls, c);
			assert_int_equal(m.method, method);
		}
}

static size_t write_all(uint8_t *p, size_t max, const struct stun_hash *h)
{
	struct sa four, six;
	struct stun_out o;

	sa_parse(&four, STR("203.0.113.5:65535"));
	sa_parse(&six, STR("[2001:db8::1]:1"));
	stun_begin(&o, p, max, STUN_ERROR, STUN_ALLOCATE, ID);
	stun_put(&o, STUN_USERNAME, STR("user"));
	stun_put(&o, STUN_REALM, STR("realm"));
	stun_put(&o, STUN_NONCE, STR("n"));
	stun_put(&o, STUN_DATA_ATTR, STR(""));
	stun_put_addr(&o, STUN_MAPPED_ADDRESS, &four);
	stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &six);
	stun_put_addr(&o, STUN_XOR_RELAYED_ADDRESS, &four);
	stun_put_addr(&o, STUN_XOR_PEER_ADDRESS, &six);
	stun_put_u32(&o, STUN_LIFETIME, 0);
	stun_put_u32(&o, STUN_PRIORITY, 0xffffffff);
	stun_put_u64(&o, STUN_ICE_CONTROLLING, UINT64_MAX);
	stun_put_flag(&o, STUN_USE_CANDIDATE);
	stun_put_channel(&o, 0x4001);
	stun_put_error(&o, 438, STR("Stale Nonce"));
	stun_put_unknown(&o, (const uint16_t[]){ 0x7ff0 }, 1);
	stun_put_integrity(&o, h, STUN_HASH_SHA1, password);
	stun_put_fingerprint(&o);
	return stun_end(&o);
}

static void test_all(void **state)
{
	uint8_t p[STUN_MAX];
	size_t n = write_all(p, sizeof(p), *state);
	struct stun_msg m;
	char text[SA_TEXT];

	assert_int_equal(stun_parse(&m, p, n), 0);
	assert_true(str_eq(m.username, STR("user")) && str_eq(m.realm, STR("realm")) && str_eq(m.nonce, STR("n")));
	assert_true(m.data.p && !m.data.n);
	assert_string_equal(sa_text(&m.mapped, text), "203.0.113.5:65535");
	assert_string_equal(sa_text(&m.relayed, text), "203.0.113.5:65535");
	assert_string_equal(sa_text(&m.xor_mapped, text), "[2001:db8::1]:1");
	assert_string_equal(sa_text(&m.peer, text), "[2001:db8::1]:1");
	assert_true(m.has_lifetime && !m.lifetime && m.priority == 0xffffffff && m.use_candidate && m.controlling);
	assert_true(m.tie_breaker == UINT64_MAX);
	assert_int_equal(m.channel, 0x4001);
	assert_int_equal(m.error, 438);
	assert_true(str_eq(m.reason, STR("Stale Nonce")));
	assert_int_equal(stun_check(&m, *state, password), 0);
	assert_true(stun_fingerprint_ok(&m));
	/* Any room that is too small fails, and nothing is written behind it. */
	for (size_t max = 0; max < n; max++) {
		uint8_t *q = malloc(max ? max : 1);

		assert_int_equal(write_all(q, max, *state), 0);
		free(q);
	}
}

/* Each prefix, and each byte changed, in a block of just that size. */
static void test_cut_and_bent(void **state)
{
	uint8_t p[STUN_MAX];
	size_t n = write_all(p, sizeof(p), *state);
	struct stun_msg m;

	for (size_t i = 0; i < n; i++) {
		uint8_t *q = malloc(i ? i : 1);

		memcpy(q, p, i);
		assert_int_equal(stun_parse(&m, q, i), EBADMSG);
		free(q);
	}
	/* The fingerprint itself (8 bytes) is not signed. */
	for (size_t i = 0; i < n - 8; i++) {
		uint8_t *q = malloc(n);

		memcpy(q, p, n);
		q[i] ^= 0x41;
		if (!stun_parse(&m, q, n))
			assert_false(stun_fingerprint_ok(&m) && !stun_check(&m, *state, password));
		free(q);
	}
}

static void test_refused(void **state)
{
	static const struct { const char *hex; int err; } tv[] = {
		{ "00010000 2112a442 000000000000000000000000", 0 },
		{ "00010000 2112a443 000000000000000000000000", EBADMSG },                      /* no cookie */
		{ "40010000 2112a442 000000000000000000000000", EBADMSG },                      /* first bits */
		{ "00010004 2112a442 000000000000000000000000", EBADMSG },                      /* length over */
		{ "00010002 2112a442 000000000000000000000000 0000", EBADMSG },                 /* not in fours */
		{ "00010004 2112a442 000000000000000000000000 00240004", EBADMSG },             /* value missing */
		{ "00010008 2112a442 000000000000000000000000 00240003 00000000", EBADMSG },    /* 3 bytes of priority */
		{ "00010008 2112a442 000000000000000000000000 00250004 00000000", EBADMSG },    /* flag with a value */
		{ "0001000c 2112a442 000000000000000000000000 00200008 0003000000000000", EBADMSG },    /* family 3 */
		{ "0001000c 2112a442 000000000000000000000000 00200008 0002000000000000", EBADMSG },    /* v6, 4 bytes */
		{ "01110008 2112a442 000000000000000000000000 00090004 00000200", EBADMSG },    /* error 200 */
		{ "01110008 2112a442 000000000000000000000000 00090004 00000464", EBADMSG },    /* error 4.100 */
		{ "00010008 2112a442 000000000000000000000000 00080004 00000000", EBADMSG },    /* short HMAC */
		{ "00010010 2112a442 000000000000000000000000 80280004 00000000 00240004 00000000", EBADMSG },
		{ "00010018 2112a442 000000000000000000000000 80290008 0000000000000000 802a0008 0000000000000000", EBADMSG },
		{ "00010004 2112a442 000000000000000000000000 80220000", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		uint8_t p[256];
		size_t n = bytes_of(tv[i].hex, p);
		struct stun_msg m;

		assert_int_equal(stun_parse(&m, p, n), tv[i].err);
	}
}

static void test_unknown(void **state)
{
	struct stun_out o;
	struct stun_msg m;
	uint8_t p[STUN_MAX];

	stun_begin(&o, p, sizeof(p), STUN_REQUEST, STUN_BINDING, ID);
	stun_put(&o, (enum stun_attr)0x7001, STR("x"));
	stun_put(&o, (enum stun_attr)0xc001, STR("may be passed over"));
	stun_put_u32(&o, STUN_PRIORITY, 1);
	stun_put_u32(&o, STUN_PRIORITY, 2);     /* the first counts */
	stun_put_integrity(&o, *state, STUN_HASH_SHA1, password);
	stun_put(&o, (enum stun_attr)0x7002, STR("x"));  /* nobody has signed these two */
	stun_put_flag(&o, STUN_USE_CANDIDATE);
	assert_int_equal(stun_parse(&m, p, stun_end(&o)), 0);
	assert_int_equal(m.nunknown, 1);
	assert_int_equal(m.unknown[0], 0x7001);
	assert_int_equal(m.priority, 1);
	assert_false(m.use_candidate);
	assert_int_equal(stun_check(&m, *state, password), 0);
	/* More than there is room for. */
	stun_begin(&o, p, sizeof(p), STUN_REQUEST, STUN_BINDING, ID);
	for (unsigned i = 0; i < 100; i++)
		stun_put_flag(&o, (enum stun_attr)(0x7000 + i));
	assert_int_equal(stun_parse(&m, p, stun_end(&o)), 0);
	assert_int_equal(m.nunknown, STUN_MAX_UNKNOWN);
}

static void test_channel(void **state)
{
	uint8_t p[16] = { 0 };
	uint16_t number;
	struct str data;

	(void)state;
	stun_channel_header(p, 0x4002, 5);
	assert_int_equal(stun_channel_parse(p, 9, &number, &data), 0);
	assert_int_equal(number, 0x4002);
	assert_int_equal(data.n, 5);
	assert_int_equal(stun_channel_parse(p, 12, &number, &data), 0);  /* padded */
	assert_int_equal(data.n, 5);
	assert_int_equal(stun_channel_parse(p, 8, &number, &data), EBADMSG);
	assert_int_equal(stun_channel_parse(p, 3, &number, &data), EBADMSG);
	p[0] = 0x50;
	assert_int_equal(stun_channel_parse(p, 12, &number, &data), EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request), cmocka_unit_test(test_responses), cmocka_unit_test(test_long_term),
		cmocka_unit_test(test_sha256), cmocka_unit_test(test_types), cmocka_unit_test(test_all),
		cmocka_unit_test(test_cut_and_bent), cmocka_unit_test(test_refused), cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_channel),
	};

	return cmocka_run_group_tests(tests, hash_begin, hash_end);
}
