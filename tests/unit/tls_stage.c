/* Certificates for tests: made with OpenSSL, never kept. */
#include "tls_stage.h"
#include "base/obj.h"
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void add_extension(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static void add_raw_name(X509 *x, const void *p, size_t n)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	assert_true(names && name && s);
	assert_int_equal(ASN1_STRING_set(s, p, (int)n), 1);
	GENERAL_NAME_set0_value(name, GEN_DNS, s);
	sk_GENERAL_NAME_push(names, name);
	assert_int_equal(X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
}

void make_cert(const struct cert_prm *prm, struct authority *out)
{
	static long serial = 1;
	X509 *x = X509_new();
	X509_NAME *name;

	out->key = EVP_EC_gen("P-256");
	out->cert = x;
	assert_true(x && out->key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
	X509_gmtime_adj(X509_getm_notBefore(x), prm->from_s ? prm->from_s : -60);
	X509_gmtime_adj(X509_getm_notAfter(x), prm->until_s ? prm->until_s : 3600);
	X509_set_pubkey(x, out->key);
	name = X509_get_subject_name(x);
	if (prm->cn)
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)prm->cn, -1, -1, 0);
	X509_set_issuer_name(x, prm->by ? X509_get_subject_name(prm->by->cert) : name);
	if (prm->ca)
		add_extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
	if (prm->san)
		add_extension(x, x, NID_subject_alt_name, prm->san);
	if (prm->nul_dns)
		add_raw_name(x, prm->nul_dns, prm->nul_len);
	assert_true(X509_sign(x, prm->by ? prm->by->key : out->key, EVP_sha256()) > 0);
}

void authority_free(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
	*a = (struct authority){ 0 };
}

const char *file_at(const struct tls_files *f, const char *name)
{
	static char path[8][160];
	static unsigned next;
	char *to = path[next++ % 8];

	snprintf(to, sizeof(path[0]), "%s/%s", f->dir, name);
	return to;
}

/* Written beside it and renamed, so that its stamp changes as a whole. */
static void write_pem(const struct tls_files *f, const char *name, const char *ext, const X509 *cert, EVP_PKEY *key,
		      const char *password)
{
	char to[160], tmp[170];
	FILE *out;

	snprintf(to, sizeof(to), "%s/%s%s", f->dir, name, ext);
	snprintf(tmp, sizeof(tmp), "%s.new", to);
	out = fopen(tmp, "w");
	assert_non_null(out);
	if (cert)
		assert_int_equal(PEM_write_X509(out, cert), 1);
	else
		assert_int_equal(PEM_write_PrivateKey(out, key, password ? EVP_aes_128_cbc() : NULL,
				 (const unsigned char *)password, password ? (int)strlen(password) : 0, NULL, NULL), 1);
	fclose(out);
	assert_int_equal(rename(tmp, to), 0);
}

void write_cert(const struct tls_files *f, const char *name, const struct cert_prm *prm)
{
	struct authority a;

	make_cert(prm, &a);
	write_pem(f, name, ".pem", a.cert, NULL, NULL);
	write_pem(f, name, ".key", NULL, a.key, prm->password);
	authority_free(&a);
}

void files_start(struct tls_files *f)
{
	const struct cert_prm ca = { .cn = "Test authority", .ca = true }, other = { .cn = "Other authority", .ca = true };

	*f = (struct tls_files){ .dir = "/tmp/test-tls-XXXXXX" };
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->ca_pem, sizeof(f->ca_pem), "%s/ca.pem", f->dir);
	make_cert(&ca, &f->ca);
	make_cert(&other, &f->other);
	write_pem(f, "ca", ".pem", f->ca.cert, NULL, NULL);
	write_pem(f, "other", ".pem", f->other.cert, NULL, NULL);
}

void files_end(struct tls_files *f)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;

	authority_free(&f->ca);
	authority_free(&f->other);
	assert_non_null(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			unlink(file_at(f, e->d_name));
	closedir(d);
	assert_int_equal(rmdir(f->dir), 0);
}

struct tls_context *make_context(const struct tls_files *f, const char *name, const struct tls_prm *more)
{
	struct tls_prm prm = more ? *more : (struct tls_prm){ 0 };
	struct buf why = BUF_INIT;
	struct tls_context *t = NULL;
	char cert[160], key[160];

	snprintf(cert, sizeof(cert), "%s/%s.pem", f->dir, name);
	snprintf(key, sizeof(key), "%s/%s.key", f->dir, name);
	prm.name = STR("transport 'test'");
	prm.cert_file = str_z(cert);
	prm.priv_key_file = str_z(key);
	if (tls_context_new(&t, &prm, &why))
		fail_msg("%s", buf_z(&why));
	buf_free(&why);
	return t;
}
