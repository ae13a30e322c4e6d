/* The lines of SDP that carry keys: a=crypto, a=fingerprint, a=setup. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "sdp/crypto.h"

#define K30 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define K46 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLQ=="
#define K28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
#define K44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
#define CM "1 AES_CM_128_HMAC_SHA1_80 inline:"

static const struct { const char *text; int err; unsigned tag, suite, mki; } lines[] = {
	{ CM K30, 0, 1, CRYPTO_AES_CM_128_HMAC_SHA1_80, 0 },
	{ "  7   aes_cm_128_hmac_sha1_32   INLINE:" K30 " ", 0, 7, CRYPTO_AES_CM_128_HMAC_SHA1_32, 0 },
	{ "999999999 AES_256_CM_HMAC_SHA1_80 inline:" K46, 0, 999999999, CRYPTO_AES_256_CM_HMAC_SHA1_80, 0 },
	{ "2 AES_256_CM_HMAC_SHA1_32 inline:" K46, 0, 2, CRYPTO_AES_256_CM_HMAC_SHA1_32, 0 },
	{ "3 AEAD_AES_128_GCM inline:" K28, 0, 3, CRYPTO_AEAD_AES_128_GCM, 0 },
	{ "4 AEAD_AES_256_GCM inline:" K44, 0, 4, CRYPTO_AEAD_AES_256_GCM, 0 },
	{ "4 AEAD_AES_256_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis", 0, 4,
	  CRYPTO_AEAD_AES_256_GCM, 0 },
	/* lifetime, MKI */
	{ CM K30 "|2^20", 0, 1, CRYPTO_AES_CM_128_HMAC_SHA1_80, 0 },
	{ CM K30 "|2^20|1:4", 0, 1, CRYPTO_AES_CM_128_HMAC_SHA1_80, 4 },
	{ CM K30 "|1:1", 0, 1, CRYPTO_AES_CM_128_HMAC_SHA1_80, 1 },
	{ CM K30 "|1048576|1:3", 0, 1, CRYPTO_AES_CM_128_HMAC_SHA1_80, 3 },
	{ CM K30 "|2^32|1:32", 0, 1, CRYPTO_AES_CM_128_HMAC_SHA1_80, 32 }, { CM K30 "|2^32|2:4", EBADMSG, 0, 0, 0 },
	{ CM K30 "|2^19", EBADMSG, 0, 0, 0 }, { CM K30 "|1048575", EBADMSG, 0, 0, 0 }, { CM K30 "||1:4", EBADMSG, 0, 0, 0 },
	{ CM K30 "|2^32|x:4", EBADMSG, 0, 0, 0 }, { CM K30 "|2^32|2", EBADMSG, 0, 0, 0 },
	{ CM K30 "|256:1", EBADMSG, 0, 0, 0 }, { CM K30 "|1:0", EBADMSG, 0, 0, 0 }, { CM K30 "|1:129", EBADMSG, 0, 0, 0 },
	{ CM K30 "|2^49", EBADMSG, 0, 0, 0 }, { CM K30 "|0", EBADMSG, 0, 0, 0 }, { CM K30 "|2^20|", 0, 1, 1, 0 },
	{ CM K30 "|2^20|1:4|2", EBADMSG, 0, 0, 0 }, { CM K30 "|x", EBADMSG, 0, 0, 0 },
	{ CM K30 ";inline:" K30, EBADMSG, 0, 0, 0 },
	/* keys of another length, or no base64 */
	{ CM K28, EBADMSG, 0, 0, 0 }, { CM K46, EBADMSG, 0, 0, 0 }, { CM, EBADMSG, 0, 0, 0 },
	{ "4 AEAD_AES_256_GCM inline:" K28, EBADMSG, 0, 0, 0 }, { "3 AEAD_AES_128_GCM inline:" K30, EBADMSG, 0, 0, 0 },
	{ "1 AES_256_CM_HMAC_SHA1_80 inline:" K44, EBADMSG, 0, 0, 0 },
	{ CM "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw!", EBADMSG, 0, 0, 0 },
	{ CM "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw=", EBADMSG, 0, 0, 0 },
	{ "3 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGx==", EBADMSG, 0, 0, 0 },
	/* session parameters */
	{ CM K30 " WSH=128", 0, 1, 1, 0 }, { CM K30 " WSH=63", EBADMSG, 0, 0, 0 }, { CM K30 " -xyz WSH=64", 0, 1, 1, 0 },
	{ CM K30 " UNENCRYPTED_SRTP", EBADMSG, 0, 0, 0 }, { CM K30 " UNENCRYPTED_SRTCP", EBADMSG, 0, 0, 0 },
	{ CM K30 " UNAUTHENTICATED_SRTP", EBADMSG, 0, 0, 0 }, { CM K30 " KDR=4", EBADMSG, 0, 0, 0 },
	{ CM K30 " FEC_ORDER=FEC_SRTP", EBADMSG, 0, 0, 0 }, { CM K30 " xyz", EBADMSG, 0, 0, 0 },
	/* the rest */
	{ "1 F8_128_HMAC_SHA1_80 inline:" K30, ENOTSUP, 0, 0, 0 }, { "1 NONE inline:", ENOTSUP, 0, 0, 0 },
	{ "0 AES_CM_128_HMAC_SHA1_80 inline:" K30, EBADMSG, 0, 0, 0 },
	{ "1000000000 AES_CM_128_HMAC_SHA1_80 inline:" K30, EBADMSG, 0, 0, 0 },
	{ "-1 AES_CM_128_HMAC_SHA1_80 inline:" K30, EBADMSG, 0, 0, 0 }, { "1 AES_CM_128_HMAC_SHA1_80", EBADMSG, 0, 0, 0 },
	{ "1 AES_CM_128_HMAC_SHA1_80 outline:" K30, EBADMSG, 0, 0, 0 }, { "", EBADMSG, 0, 0, 0 }, { "1", EBADMSG, 0, 0, 0 },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct crypto_line l = { .tag = 5 }, again;
		const char *why = NULL;
		struct buf b = BUF_INIT;
		int err = crypto_parse(&l, str_z(lines[i].text), &why);

		if (err != lines[i].err)
			print_error("case %zu: %s\n", i, lines[i].text);
		assert_int_equal(err, lines[i].err);
		assert_true((err == EBADMSG) == (why != NULL));
		if (err) {
			assert_int_equal(l.tag, 5);     /* untouched */
			continue;
		}
		assert_int_equal(l.tag, lines[i].tag);
		assert_int_equal(l.suite, lines[i].suite);
		assert_int_equal(l.mki_n, lines[i].mki);
		for (size_t k = 0; k < crypto_key_bytes((enum crypto_suite)l.suite); k++)
			assert_int_equal(l.key[k], k);
		/* What we write, we read. */
		crypto_write(&b, &l);
		assert_int_equal(crypto_parse(&again, buf_view(&b), &why), 0);
		assert_true(crypto_line_eq(&l, &again));
		assert_int_equal(l.tag, again.tag);
		again.key[3] ^= 1;
		assert_false(crypto_line_eq(&l, &again));
		buf_free(&b);
	}
}

#define F20 "00:11:22:33:44:55:66:77:88:99:aa:BB:CC:DD:EE:FF:00:11:22:33"

static void test_fingerprints(void **state)
{
	static const struct { const char *text; int err; unsigned hash, n; } tv[] = {
		{ "sha-1 " F20, 0, CRYPTO_SHA1, 20 }, { " SHA-1  " F20 " ", 0, CRYPTO_SHA1, 20 },
		{ "sha-256 " F20 ":" "00:11:22:33:44:55:66:77:88:99:AA:BB", 0, CRYPTO_SHA256, 32 },
		{ "sha-256 " F20, EBADMSG, 0, 0 }, { "sha-1 " F20 ":00", EBADMSG, 0, 0 }, { "sha-1 " F20 ":", 0, CRYPTO_SHA1, 20 },
		{ "md5 00:11", ENOTSUP, 0, 0 }, { "sha-1", EBADMSG, 0, 0 }, { "", EBADMSG, 0, 0 },
		{ "sha-1 0:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33", EBADMSG, 0, 0 },
		{ "sha-1 00112233445566778899AABBCCDDEEFF00112233", EBADMSG, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct crypto_fingerprint f = { 0 }, again = { 0 };
		struct buf b = BUF_INIT;
		int err = crypto_fingerprint_parse(&f, str_z(tv[i].text));

		if (err != tv[i].err)
			print_error("case %zu: %s\n", i, tv[i].text);
		assert_int_equal(err, tv[i].err);
		assert_int_equal(f.n, tv[i].n);
		if (err)
			continue;
		assert_int_equal(f.hash, tv[i].hash);
		crypto_fingerprint_write(&b, &f);
		assert_int_equal(crypto_fingerprint_parse(&again, buf_view(&b)), 0);
		assert_true(crypto_fingerprint_eq(&f, &again));
		again.v[f.n - 1] ^= 1;
		assert_false(crypto_fingerprint_eq(&f, &again));
		buf_free(&b);
	}
	/* None is like none. */
	assert_false(crypto_fingerprint_eq(&(struct crypto_fingerprint){ 0 }, &(struct crypto_fingerprint){ 0 }));
}

static void test_setups(void **state)
{
	enum crypto_setup s;

	(void)state;
	assert_int_equal(crypto_setup_parse(&s, STR(" ACTPASS ")), 0);
	assert_int_equal(s, SETUP_ACTPASS);
	assert_int_equal(crypto_setup_parse(&s, STR("act")), EBADMSG);
	assert_int_equal(crypto_setup_parse(&s, STR("")), EBADMSG);
	/* Whoever offers a role gets the other one, whatever we would like. */
	for (unsigned ours = 0; ours < SETUPS; ours++) {
		assert_int_equal(crypto_setup_answer(SETUP_ACTIVE, (enum crypto_setup)ours), SETUP_PASSIVE);
		assert_int_equal(crypto_setup_answer(SETUP_PASSIVE, (enum crypto_setup)ours), SETUP_ACTIVE);
		assert_int_equal(crypto_setup_answer(SETUP_HOLDCONN, (enum crypto_setup)ours), SETUP_HOLDCONN);
	}
	assert_int_equal(crypto_setup_answer(SETUP_ACTPASS, SETUP_ACTPASS), SETUP_ACTIVE);
	assert_int_equal(crypto_setup_answer(SETUP_ACTPASS, SETUP_PASSIVE), SETUP_PASSIVE);
	assert_int_equal(crypto_setup_answer(SETUP_ACTPASS, SETUP_ACTIVE), SETUP_ACTIVE);
	assert_int_equal(crypto_setup_agreed(SETUP_ACTPASS, SETUP_ACTIVE), SETUP_PASSIVE);
	assert_int_equal(crypto_setup_agreed(SETUP_ACTPASS, SETUP_PASSIVE), SETUP_ACTIVE);
	assert_int_equal(crypto_setup_agreed(SETUP_ACTIVE, SETUP_PASSIVE), SETUP_ACTIVE);
	assert_int_equal(crypto_setup_agreed(SETUP_PASSIVE, SETUP_ACTIVE), SETUP_PASSIVE);
	assert_int_equal(crypto_setup_agreed(SETUP_ACTIVE, SETUP_HOLDCONN), SETUP_HOLDCONN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_fingerprints), cmocka_unit_test(test_setups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
