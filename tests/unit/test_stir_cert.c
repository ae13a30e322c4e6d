/* Certificates of STIR, what they are worth, and signatures. */
#include "base/obj.h"
#include "service/stir/stir_private.h"
#include "stir_stage.h"
#include <errno.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct pki pki;

static int setup(void **state)
{
	(void)state;
	pki_make(&pki);
	pki_files(&pki, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pki_free(&pki);
	return 0;
}

static struct stir_store *store_of(struct stir_store_prm prm)
{
	struct stir_store *s = NULL;
	char why[STIR_WHY] = "";
	int err = stir_store_new(&s, &prm, why);

	if (err == EBADMSG)
		fail_msg("%s", why);
	return s;
}

static struct stir_store *good_store(void)
{
	return store_of((struct stir_store_prm){ .ca_file = str_z(pki_path(&pki, "ca.pem")) });
}

static enum stir_result judge(struct str pem, const struct stir_store *s, int64_t iat)
{
	struct stir_cert *c = stir_cert_read(pem);
	enum stir_result r = STIR_CERT_CONTENTS;
	const char *why = NULL;

	if (c) {
		r = stir_cert_judge(c, s, STAGE_NOW, iat, &why);
		assert_true((r == STIR_SUCCESS) == !*why);
	}
	stir_cert_free(c);
	return r;
}

static void test_judge(void **state)
{
	static const char no_spc[] = { 0x30, 8, (char)0xa2, 6, 0x16, 4, '1', '2', '3', '4' };
	static const char no_list[] = { 0x16, 2, '1', '2' };
	const struct { struct leaf leaf; enum stir_result want; int64_t iat; } rows[] = {
		{ { 0 }, STIR_SUCCESS, STAGE_NOW },
		{ { .no_name = true }, STIR_CERT_CONTENTS, STAGE_NOW },
		{ { .from = STAGE_NOW - 20, .to = STAGE_NOW - 10 }, STIR_CERT_NOT_TRUSTED, STAGE_NOW - 15 },
		{ { .from = STAGE_NOW + 10, .to = STAGE_NOW + 20 }, STIR_CERT_NOT_TRUSTED, STAGE_NOW + 15 },
		{ { .from = STAGE_NOW - 5 }, STIR_CERT_DATE, STAGE_NOW - 9 },
		{ { .issuer = pki.ca_expired }, STIR_CERT_NOT_TRUSTED, STAGE_NOW },
		{ { .no_tn_list = true }, STIR_CERT_NO_TN_AUTH, STAGE_NOW },
		{ { .tn_list = no_list, .tn_list_n = sizeof(no_list) }, STIR_CERT_NO_TN_AUTH, STAGE_NOW },
		{ { .tn_list = no_spc, .tn_list_n = sizeof(no_spc) }, STIR_CERT_NO_SPC, STAGE_NOW },
	};
	struct stir_store *s = good_store();

	(void)state;
	for (size_t i = 0; s && i < ARRAY_LEN(rows); i++) {
		enum stir_result r = judge(pki_leaf(&pki, &rows[i].leaf), s, rows[i].iat);

		if (r != rows[i].want)
			fail_msg("row %zu: %s, not %s", i, stir_result_name(r), stir_result_name(rows[i].want));
	}
	assert_int_equal(judge(STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), s, STAGE_NOW), STIR_CERT_CONTENTS);
	assert_int_equal(judge(STR(""), s, STAGE_NOW), STIR_CERT_CONTENTS);
	assert_int_equal(judge(pki_leaf(&pki, &(struct leaf){ 0 }), NULL, STAGE_NOW), STIR_CERT_NOT_TRUSTED);
	obj_drop(s);
}

static void test_expired_authority(void **state)
{
	struct stir_store *s = store_of((struct stir_store_prm){ .ca_file = str_z(pki_path(&pki, "ca_expired.pem")) });

	(void)state;
	assert_int_equal(judge(pki_leaf(&pki, &(struct leaf){ .issuer = pki.ca_expired }), s, STAGE_NOW), STIR_CERT_NOT_TRUSTED);
	obj_drop(s);
}

static void test_tn_list(void **state)
{
	static const struct { const char *der; size_t n; enum stir_result want; } rows[] = {
		{ "\x30\x05\xa0\x03\x16\x01" "1", 7, STIR_SUCCESS },
		{ "", 0, STIR_CERT_NO_TN_AUTH }, { "\x30", 1, STIR_CERT_NO_TN_AUTH }, { "\x30\x00", 2, STIR_CERT_NO_SPC },
		{ "\x30\x80\xa0\x03\x16\x01" "1", 7, STIR_CERT_NO_TN_AUTH }, { "\x30\x7f\xa0\x03\x16\x01" "1", 7, STIR_CERT_NO_TN_AUTH },
		{ "\x30\x02\xa0\x03\x16\x01" "1", 7, STIR_CERT_NO_SPC }, { "\x30\x04\xa0\x02\x16\x00", 6, STIR_CERT_NO_SPC },
		{ "\x30\x05\x80\x03\x16\x01" "1", 7, STIR_CERT_NO_SPC }, { "\x30\x05\xa0\x03\x0c\x01" "1", 7, STIR_CERT_NO_SPC },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(stir_tn_auth_read(str_mk(rows[i].der, rows[i].n)), rows[i].want);
}

static void test_revoked(void **state)
{
	X509 *bad = pki_leaf_cert(&pki, &(struct leaf){ 0 });
	struct stir_store_prm prm = { .ca_file = str_z(pki_path(&pki, "ca.pem")), .crl_file = str_z(pki_path(&pki, "revoked.pem")) };
	struct stir_store *s;

	(void)state;
	pki_files(&pki, bad);
	s = store_of(prm);
	assert_int_equal(judge(pki_pem(bad), s, STAGE_NOW), STIR_CERT_NOT_TRUSTED);
	if (s)
		assert_int_equal(judge(pki_leaf(&pki, &(struct leaf){ 0 }), s, STAGE_NOW), STIR_SUCCESS);
	obj_drop(s);
	prm.crl_file = str_z(pki_path(&pki, "crl.pem"));
	s = store_of(prm);
	if (s)
		assert_int_equal(judge(pki_pem(bad), s, STAGE_NOW), STIR_SUCCESS);
	obj_drop(s);
	X509_free(bad);
}

/* Directories as `openssl rehash` makes them: names, and links to the files. */
static void test_directories(void **state)
{
	struct stir_store_prm prm = { .ca_path = str_z(pki.dir) };
	struct buf b = BUF_INIT;
	struct stir_store *s;

	(void)state;
	s = store_of(prm);
	assert_int_equal(judge(pki_leaf(&pki, &(struct leaf){ 0 }), s, STAGE_NOW), STIR_CERT_NOT_TRUSTED);
	obj_drop(s);
	assert_int_equal(symlink("ca.pem", pki_path(&pki, "0123abcd.0")), 0);
	assert_int_equal(symlink("crl.pem", pki_path(&pki, "0123abcd.r0")), 0);
	prm.crl_path = prm.untrusted_path = prm.ca_path;
	s = store_of(prm);
	if (s) {
		assert_int_equal(judge(pki_leaf(&pki, &(struct leaf){ 0 }), s, STAGE_NOW), STIR_SUCCESS);
		assert_int_equal(stir_store_write(s, &b), 3);
		assert_string_equal(buf_z(&b), "Cert: /O=Test/CN=Authority\nUntrusted: /O=Test/CN=Authority\nCRL: /O=Test/CN=Authority\n");
	}
	obj_drop(s);
	buf_free(&b);
	unlink(pki_path(&pki, "0123abcd.0"));
	unlink(pki_path(&pki, "0123abcd.r0"));
}

static void test_store_faults(void **state)
{
	const struct stir_store_prm rows[] = {
		{ .ca_file = STR_INIT("/nowhere") }, { .ca_path = STR_INIT("/nowhere") }, { .crl_file = str_z(pki_path(&pki, "ca.pem")) },
		{ .untrusted_file = str_z(pki_path(&pki, "crl.pem")) },
	};
	struct stir_store *s = NULL;
	char why[STIR_WHY];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int err = stir_store_new(&s, &rows[i], why);

		assert_true(err == EBADMSG || err == ENOMEM);
		if (err == EBADMSG)
			assert_true(*why);
	}
}

static void test_signature(void **state)
{
	struct str pem = pki_leaf(&pki, &(struct leaf){ 0 });
	uint8_t sig[PASSPORT_SIGNATURE];
	struct stir_key *k = NULL, *other = NULL;
	struct stir_cert *c = stir_cert_read(pem);
	char why[STIR_WHY];

	(void)state;
	if (!c || stir_key_load(&k, str_z(pki_path(&pki, "key.pem")), why) || stir_key_load(&other, str_z(pki_path(&pki, "other.pem")), why))
		goto out;
	assert_int_equal(stir_key_load(&k, str_z(pki_path(&pki, "rsa.pem")), why), EBADMSG);
	assert_int_equal(stir_key_load(&k, str_z(pki_path(&pki, "ca.pem")), why), EBADMSG);
	assert_int_equal(stir_key_load(&k, STR("/nowhere"), why), EBADMSG);
	for (int i = 0; i < 20; i++) {  /* also those whose r or s begin with a zero */
		assert_int_equal(stir_key_sign(k, STR("bytes"), sig), 0);
		assert_true(stir_cert_verifies(c, STR("bytes"), sig));
	}
	assert_false(stir_cert_verifies(c, STR("bytez"), sig));
	sig[5] ^= 1;
	assert_false(stir_cert_verifies(c, STR("bytes"), sig));
	memset(sig, 0, sizeof(sig));
	assert_false(stir_cert_verifies(c, STR("bytes"), sig));
	assert_int_equal(stir_key_sign(other, STR("bytes"), sig), 0);
	assert_false(stir_cert_verifies(c, STR("bytes"), sig));
	assert_false(stir_pem_has_key(pem));
 out:
	stir_cert_free(c);
	obj_drop(k);
	obj_drop(other);
}

/* A key of another kind signs nothing here. */
static void test_rsa(void **state)
{
	struct stir_cert *c = stir_cert_read(pki_leaf(&pki, &(struct leaf){ .key = pki.rsa_key }));
	uint8_t sig[PASSPORT_SIGNATURE] = { 1 };

	(void)state;
	if (c)
		assert_false(stir_cert_verifies(c, STR("bytes"), sig));
	stir_cert_free(c);
}

/* RFC 7515, A.3: its key, in a certificate of ours. (The signature that RFC 8225 prints is not its key's.) */
static void test_example(void **state)
{
	static const char point[] = "BH_Nzidw9sRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRFx_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
	static const char signature[] = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	struct str bytes = STR("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290"
			       "Ijp0cnVlfQ");
	struct buf pub = BUF_INIT, sig = BUF_INIT;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct stir_cert *c;

	(void)state;
	base64url_read(&pub, str_z(point));
	base64url_read(&sig, str_z(signature));
	if (!buf_err(&pub) && !buf_err(&sig)) {
		assert_int_equal(EVP_PKEY_set1_encoded_public_key(key, (const unsigned char *)pub.p, pub.n), 1);
		c = stir_cert_read(pki_leaf(&pki, &(struct leaf){ .key = key }));
		if (c)
			assert_true(stir_cert_verifies(c, bytes, (const uint8_t *)sig.p));
		stir_cert_free(c);
	}
	EVP_PKEY_free(key);
	buf_free(&pub);
	buf_free(&sig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge), cmocka_unit_test(test_expired_authority), cmocka_unit_test(test_tn_list),
		cmocka_unit_test(test_revoked), cmocka_unit_test(test_directories), cmocka_unit_test(test_store_faults),
		cmocka_unit_test(test_signature), cmocka_unit_test(test_rsa), cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
