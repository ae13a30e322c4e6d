/* Certificates without a socket: whose they are, and what is said of those that cannot be used. */
#include "tls_stage.h"
#include "base/obj.h"
#include "net/tls_private.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- names (RFC 5922) ---------------------------------------------------------------------- */

static int check(const struct cert_prm *prm, const char *name, bool wildcards)
{
	struct authority a;
	struct buf why = BUF_INIT;
	int err;

	make_cert(prm, &a);
	err = tls_name_check(a.cert, str_z(name), wildcards, &why);
	assert_true(err ? why.n > 0 : why.n == 0);
	buf_free(&why);
	authority_free(&a);
	return err;
}

static void names(void **state)
{
	static const struct {
		const char *cn, *san, *name;
		bool wildcards;
		int err;
	} rows[] = {
		{ NULL, "URI:sip:example.com", "example.com", false, 0 },
		{ NULL, "URI:sip:EXAMPLE.com", "example.COM", false, 0 },
		{ NULL, "URI:sip:example.com", "example.com.", false, 0 },
		{ NULL, "URI:SIP:example.com", "example.com", false, 0 },
		{ NULL, "URI:sip:example.com", "sip.example.com", false, EACCES },
		{ NULL, "URI:sip:example.com", "xample.com", false, EACCES },
		{ NULL, "URI:sip:alice@example.com", "example.com", false, EACCES },    /* a user's, no domain's */
		{ NULL, "URI:https://example.com", "example.com", false, EACCES },
		{ NULL, "DNS:example.com", "example.com", false, 0 },
		{ NULL, "DNS:a.example,DNS:example.com", "example.com", false, 0 },
		{ NULL, "URI:http://x,DNS:example.com", "example.com", false, 0 },
		/* A certificate that names SIP domains is for no others (7.1). */
		{ NULL, "URI:sip:other.example,DNS:example.com", "example.com", false, EACCES },
		{ NULL, "URI:sip:other.example,URI:sip:example.com", "example.com", false, 0 },
		{ "example.com", NULL, "example.com", false, 0 },
		{ "other.example", NULL, "example.com", false, EACCES },
		/* The CN counts only when there is no subjectAltName. */
		{ "example.com", "DNS:other.example", "example.com", false, EACCES },
		{ "example.com", "email:a@other.example", "example.com", false, EACCES },
		{ "example.com", "IP:192.0.2.1", "example.com", false, EACCES },
		{ NULL, "IP:192.0.2.1", "192.0.2.1", false, 0 },
		{ NULL, "IP:192.0.2.1", "192.0.2.2", false, EACCES },
		{ NULL, "IP:2001:db8::1", "2001:db8::1", false, 0 },
		{ NULL, "IP:2001:db8::1", "[2001:db8::1]", false, 0 },
		{ NULL, "DNS:192.0.2.1", "192.0.2.1", false, 0 },
		{ "192.0.2.1", NULL, "192.0.2.1", false, 0 },
		/* RFC 5922 7.2 forbids wildcards; they are a choice. */
		{ NULL, "DNS:*.example.com", "sip.example.com", false, EACCES },
		{ NULL, "DNS:*.example.com", "sip.example.com", true, 0 },
		{ "*.example.com", NULL, "sip.example.com", true, 0 },
		{ "*.example.com", NULL, "sip.example.com", false, EACCES },
		{ NULL, "DNS:*.example.com", "example.com", true, EACCES },
		{ NULL, "DNS:*.example.com", "a.b.example.com", true, EACCES },
		{ NULL, "DNS:s*.example.com", "sip.example.com", true, EACCES },
		{ NULL, "DNS:*.com", "example.com", true, EACCES },
		{ NULL, "DNS:*.*.com", "a.example.com", true, EACCES },
		{ NULL, "DNS:*.0.2.1", "192.0.2.1", true, EACCES },
		{ NULL, NULL, "example.com", false, EACCES },
		{ NULL, "DNS:example.com", "", false, EACCES },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct cert_prm prm = { .cn = rows[i].cn, .san = rows[i].san };

		if (check(&prm, rows[i].name, rows[i].wildcards) != rows[i].err)
			fail_msg("row %zu: %s for %s", i, rows[i].san ? rows[i].san : rows[i].cn, rows[i].name);
	}
}

static void names_with_nul(void **state)
{
	static const char evil[] = "example.com\0.evil.example";
	const struct cert_prm prm = { .cn = "example.com", .nul_dns = evil, .nul_len = sizeof(evil) - 1 };

	(void)state;
	assert_int_equal(check(&prm, "example.com", false), EACCES);
	assert_int_equal(check(&prm, "example.com", true), EACCES);
}

/* ---- what is refused, and with which words ------------------------------------------------- */

static int load(const struct tls_prm *prm, struct buf *why)
{
	struct tls_context *t = NULL;
	int err = tls_context_new(&t, prm, why);

	obj_drop(t);
	return err;
}

static void refused(const struct tls_prm *prm, const char *words)
{
	struct buf why = BUF_INIT;

	assert_true(load(prm, &why) != 0);
	if (str_find(buf_view(&why), str_z(words)) == why.n)
		fail_msg("'%s' is not in: %s", words, buf_z(&why));
	buf_free(&why);
}

static void accepted(const struct tls_prm *prm)
{
	struct buf why = BUF_INIT;

	if (load(prm, &why))
		fail_msg("%s", buf_z(&why));
	buf_free(&why);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void faults(void **state)
{
	struct tls_files f;
	struct tls_prm prm = { .name = STR("t") };
	struct str good, key;

	(void)state;
	files_start(&f);
	write_cert(&f, "good", &(struct cert_prm){ .cn = "a", .by = &f.ca });
	write_cert(&f, "old", &(struct cert_prm){ .cn = "a", .from_s = -7200, .until_s = -3600 });
	write_cert(&f, "early", &(struct cert_prm){ .cn = "a", .from_s = 1800 });
	write_cert(&f, "locked", &(struct cert_prm){ .cn = "a", .password = "open sesame" });
	good = str_z(file_at(&f, "good.pem"));
	key = str_z(file_at(&f, "good.key"));

	refused(&prm, "needs cert_file=");
	prm.cert_file = good;
	prm.priv_key_file = key;
	accepted(&prm);
	prm.priv_key_file = str_z(file_at(&f, "old.key"));
	refused(&prm, "is not the key of cert_file");
	prm.priv_key_file = str_z(file_at(&f, "none.key"));
	refused(&prm, "cannot be read: No such file");
	prm.priv_key_file = good;
	refused(&prm, "it must be a key in PEM form");
	prm.priv_key_file = STR_NULL;
	refused(&prm, "set priv_key_file");
	prm.priv_key_file = key;
	prm.cert_file = key;
	refused(&prm, "holds no certificate");
	prm.cert_file = str_z(file_at(&f, "none.pem"));
	refused(&prm, "cert_file '");
	prm.cert_file = str_z(file_at(&f, "old.pem"));
	prm.priv_key_file = str_z(file_at(&f, "old.key"));
	refused(&prm, "expired on 2");
	prm.cert_file = str_z(file_at(&f, "early.pem"));
	prm.priv_key_file = str_z(file_at(&f, "early.key"));
	refused(&prm, "is not valid before 2");
	prm.cert_file = str_z(file_at(&f, "locked.pem"));
	prm.priv_key_file = str_z(file_at(&f, "locked.key"));
	refused(&prm, "set password=");
	prm.password = STR("wrong");
	refused(&prm, "password= must be its password");
	prm.password = STR("open sesame");
	accepted(&prm);
	files_end(&f);
}

static void faults_of_options(void **state)
{
	struct tls_files f;
	struct tls_prm prm = { .name = STR("t") };

	(void)state;
	files_start(&f);
	write_cert(&f, "good", &(struct cert_prm){ .cn = "a", .by = &f.ca });
	write_text(file_at(&f, "junk"), "no certificate\n");
	prm.cert_file = str_z(file_at(&f, "good.pem"));
	prm.priv_key_file = str_z(file_at(&f, "good.key"));
	prm.ca_list_file = str_z(file_at(&f, "junk"));
	refused(&prm, "ca_list_file '");
	prm.ca_list_file = str_z(file_at(&f, "ca.pem"));
	accepted(&prm);
	prm.ca_list_path = str_z(file_at(&f, "missing"));
	refused(&prm, "ca_list_path '");
	prm.ca_list_path = str_z(f.dir);
	accepted(&prm);
	prm.ca_list_path = prm.ca_list_file = STR_NULL;
	prm.verify_client = true;
	refused(&prm, "verify_client needs ca_list_file=");
	prm.verify_client = false;
	prm.cipher = STR("NO-SUCH-CIPHER");
	refused(&prm, "cipher: none of 'NO-SUCH-CIPHER'");
	prm.cipher = STR("TLS_NO_SUCH");
	refused(&prm, "cipher: none of 'TLS_NO_SUCH'");
	prm.cipher = STR("ECDHE-ECDSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256");
	accepted(&prm);
	prm.version = TLS_VERSION_1_3;
	prm.cipher = STR("ECDHE-ECDSA-AES128-GCM-SHA256");
	refused(&prm, "none of TLS 1.3");
	files_end(&f);
}

/* A change is all or nothing, and the next connection sees it. */
static void changes(void **state)
{
	struct tls_files f;
	struct tls_context *t;
	struct tls_prm prm = { .name = STR("t") };
	struct buf why = BUF_INIT;
	bool verify, wildcards;
	SSL *a, *b;

	(void)state;
	files_start(&f);
	write_cert(&f, "good", &(struct cert_prm){ .cn = "a", .by = &f.ca });
	t = make_context(&f, "good", NULL);
	a = tls_context_ssl(t, TLS_ACCEPT, 5000);
	prm.verify_server = true;
	assert_int_equal(tls_context_change(t, &prm, &why), EINVAL);
	tls_context_rules(t, &verify, &wildcards);
	assert_false(verify);
	b = tls_context_ssl(t, TLS_ACCEPT, 5000);
	assert_ptr_equal(SSL_get_SSL_CTX(a), SSL_get_SSL_CTX(b));
	SSL_free(b);
	prm.cert_file = str_z(file_at(&f, "good.pem"));
	prm.priv_key_file = str_z(file_at(&f, "good.key"));
	prm.allow_wildcard_certs = true;
	assert_int_equal(tls_context_change(t, &prm, &why), 0);
	tls_context_rules(t, &verify, &wildcards);
	assert_true(verify && wildcards);
	b = tls_context_ssl(t, TLS_ACCEPT, 5000);
	assert_ptr_not_equal(SSL_get_SSL_CTX(a), SSL_get_SSL_CTX(b));
	SSL_free(a);
	SSL_free(b);
	buf_free(&why);
	obj_drop(t);
	files_end(&f);
}

static bool same_cert(struct tls_context *t, uint64_t now_ms, const SSL_CTX *of)
{
	SSL *s = tls_context_ssl(t, TLS_ACCEPT, now_ms);
	bool same = SSL_get_SSL_CTX(s) == of;

	SSL_free(s);
	return same;
}

/* Once a second at most; a faulty one is passed over until it is replaced. */
static void changed_files(void **state)
{
	struct tls_files f;
	struct tls_context *t;
	SSL *first, *second;
	const SSL_CTX *of;

	(void)state;
	files_start(&f);
	write_cert(&f, "c", &(struct cert_prm){ .cn = "a" });
	t = make_context(&f, "c", NULL);
	first = tls_context_ssl(t, TLS_ACCEPT, 10000);
	of = SSL_get_SSL_CTX(first);
	assert_true(same_cert(t, 20000, of));
	write_cert(&f, "c", &(struct cert_prm){ .cn = "b" });
	assert_true(same_cert(t, 20999, of));
	assert_false(same_cert(t, 21000, of));
	second = tls_context_ssl(t, TLS_ACCEPT, 21000);
	of = SSL_get_SSL_CTX(second);
	write_cert(&f, "c", &(struct cert_prm){ .cn = "c", .from_s = -7200, .until_s = -3600 });
	assert_true(same_cert(t, 30000, of));
	assert_int_equal(unlink(file_at(&f, "c.pem")), 0);
	assert_true(same_cert(t, 40000, of));
	write_cert(&f, "c", &(struct cert_prm){ .cn = "d" });
	assert_false(same_cert(t, 50000, of));
	SSL_free(first);
	SSL_free(second);
	obj_drop(t);
	files_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names), cmocka_unit_test(names_with_nul), cmocka_unit_test(faults),
		cmocka_unit_test(faults_of_options), cmocka_unit_test(changes), cmocka_unit_test(changed_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
