/* Each TLS option of a type=transport reaches what connections are made of. */
#include "tls_stage.h"
#include "base/obj.h"
#include "net/tls_private.h"
#include "service/common/transport_tls.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static struct tls_files f;
static char cert[96], key[96], locked[96];

static int start(void **state)
{
	(void)state;
	files_start(&f);
	write_cert(&f, "good", &(struct cert_prm){ .cn = "a", .by = &f.ca });
	write_cert(&f, "locked", &(struct cert_prm){ .cn = "a", .password = "open sesame" });
	snprintf(cert, sizeof(cert), "%s/good.pem", f.dir);
	snprintf(key, sizeof(key), "%s/good.key", f.dir);
	snprintf(locked, sizeof(locked), "%s/locked", f.dir);
	return 0;
}

static int end(void **state)
{
	(void)state;
	files_end(&f);
	return 0;
}

static struct transport_conf conf(void)
{
	return (struct transport_conf){ .name = STR("t"), .protocol = TRANSPORT_TLS, .cert_file = str_z(cert),
		.priv_key_file = str_z(key) };
}

static struct tls_context *make(const struct transport_conf *t)
{
	struct report *r = report_new();
	struct tls_context *tls = NULL;

	if (transport_tls_new(&tls, t, r))
		fail_msg("%.*s", STR_ARG(report_at(r, 0)->text));
	report_free(r);
	return tls;
}

/* The connection of a peer, or to one. */
static SSL *side(struct tls_context *tls, enum tls_side which)
{
	SSL *ssl = tls_context_ssl(tls, which, 0);

	assert_non_null(ssl);
	return ssl;
}

static int mode_of(const struct transport_conf *t, enum tls_side which)
{
	struct tls_context *tls = make(t);
	SSL *ssl = side(tls, which);
	int mode = SSL_get_verify_mode(ssl);

	SSL_free(ssl);
	obj_drop(tls);
	return mode;
}

static void refused(const struct transport_conf *t, const char *words)
{
	struct report *r = report_new();
	struct tls_context *tls = NULL;

	assert_true(transport_tls_new(&tls, t, r) != 0);
	assert_null(tls);
	assert_int_equal(report_count(r), 1);
	if (str_find(report_at(r, 0)->text, str_z(words)) == report_at(r, 0)->text.n)
		fail_msg("'%s' is not in: %.*s", words, STR_ARG(report_at(r, 0)->text));
	report_free(r);
}

static void verification(void **state)
{
	struct transport_conf t = conf();

	(void)state;
	assert_int_equal(mode_of(&t, TLS_ACCEPT), SSL_VERIFY_NONE);
	assert_int_equal(mode_of(&t, TLS_CONNECT), SSL_VERIFY_NONE);
	t.verify_server = true;
	assert_int_equal(mode_of(&t, TLS_ACCEPT), SSL_VERIFY_NONE);
	assert_int_equal(mode_of(&t, TLS_CONNECT), SSL_VERIFY_PEER);
	t.verify_client = true;
	refused(&t, "verify_client needs ca_list_file=");
	t.ca_list_path = str_z(f.dir);
	assert_int_equal(mode_of(&t, TLS_ACCEPT), SSL_VERIFY_PEER);
	t.ca_list_path = STR_NULL;
	t.ca_list_file = str_z(f.ca_pem);
	assert_int_equal(mode_of(&t, TLS_ACCEPT), SSL_VERIFY_PEER);
	t.require_client_cert = true;
	assert_int_equal(mode_of(&t, TLS_ACCEPT), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
}

static void wildcards(void **state)
{
	struct transport_conf t = conf();

	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		struct tls_context *tls;
		bool verify, wild;

		t.allow_wildcard_certs = yes;
		tls = make(&t);
		tls_context_rules(tls, &verify, &wild);
		assert_int_equal(wild, yes);
		obj_drop(tls);
	}
}

static void methods(void **state)
{
	static const struct { uint8_t method; int least; } rows[] = {
		{ TLS_METHOD_UNSPECIFIED, TLS1_2_VERSION }, { TLS_METHOD_SSLV23, TLS1_2_VERSION },
		{ TLS_METHOD_TLSV1, TLS1_2_VERSION }, { TLS_METHOD_TLSV1_1, TLS1_2_VERSION },
		{ TLS_METHOD_TLSV1_2, TLS1_2_VERSION }, { TLS_METHOD_TLSV1_3, TLS1_3_VERSION },
	};
	struct transport_conf t = conf();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tls_context *tls;
		SSL *ssl;

		t.method = rows[i].method;
		tls = make(&t);
		ssl = side(tls, TLS_ACCEPT);
		assert_int_equal(SSL_get_min_proto_version(ssl), rows[i].least);
		SSL_free(ssl);
		obj_drop(tls);
	}
	t.method = TLS_METHOD_SSLV3;
	refused(&t, "SSL 2 and 3 are broken");
}

static void ciphers(void **state)
{
	static const struct str two[] = { STR_INIT("ECDHE-ECDSA-AES256-GCM-SHA384"), STR_INIT("ECDHE-ECDSA-AES128-GCM-SHA256") };
	struct transport_conf t = conf();
	struct tls_context *tls;
	SSL *ssl;
	int i = 0;

	(void)state;
	t.cipher.v = two;
	t.cipher.n = 2;
	tls = make(&t);
	ssl = side(tls, TLS_ACCEPT);
	while (str_istarts(str_z(SSL_get_cipher_list(ssl, i)), STR("TLS_")))
		i++;    /* of 1.3, which is not spoken then */
	assert_string_equal(SSL_get_cipher_list(ssl, i), "ECDHE-ECDSA-AES256-GCM-SHA384");
	assert_string_equal(SSL_get_cipher_list(ssl, i + 1), "ECDHE-ECDSA-AES128-GCM-SHA256");
	assert_null(SSL_get_cipher_list(ssl, i + 2));
	assert_int_equal(SSL_get_max_proto_version(ssl), TLS1_2_VERSION);
	SSL_free(ssl);
	obj_drop(tls);
}

static void password(void **state)
{
	struct transport_conf t = conf();
	char pem[112], k[112];

	(void)state;
	snprintf(pem, sizeof(pem), "%s.pem", locked);
	snprintf(k, sizeof(k), "%s.key", locked);
	t.cert_file = str_z(pem);
	t.priv_key_file = str_z(k);
	refused(&t, "set password=");
	t.password.s = STR("open sesame");
	obj_drop(make(&t));
}

static void differences(void **state)
{
	struct transport_conf a = conf(), b = conf();

	(void)state;
	assert_false(transport_tls_differs(&a, &b));
#define DIFFERS(field, value) do { b = conf(); b.field = value; assert_true(transport_tls_differs(&a, &b)); } while (0)
	DIFFERS(ca_list_file, STR("x"));
	DIFFERS(ca_list_path, STR("x"));
	DIFFERS(cert_file, STR("x"));
	DIFFERS(priv_key_file, STR("x"));
	DIFFERS(password.s, STR("x"));
	DIFFERS(cipher, ((struct str_list){ &b.name, 1 }));
	DIFFERS(method, TLS_METHOD_TLSV1_3);
	DIFFERS(require_client_cert, true);
	DIFFERS(verify_client, true);
	DIFFERS(verify_server, true);
	DIFFERS(allow_wildcard_certs, true);
#undef DIFFERS
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verification), cmocka_unit_test(wildcards), cmocka_unit_test(methods),
		cmocka_unit_test(ciphers), cmocka_unit_test(password), cmocka_unit_test(differences),
	};

	return cmocka_run_group_tests(tests, start, end);
}
