/* Certificates, keys and signed headers for tests of STIR. */
#include "stir_stage.h"
#include "service/stir/passport.h"
#include <dirent.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define DAY 86400

static X509 *make_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *signer, int64_t from, int64_t to, bool ca)
{
	static long serial;
	X509 *x = X509_new();
	X509_NAME *n = X509_get_subject_name(x);
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)from);
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)to);
	X509_NAME_add_entry_by_txt(n, "O", MBSTRING_ASC, (const unsigned char *)"Test", -1, -1, 0);
	if (name)
		X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : n);
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, issuer ? issuer : x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	assert_true(X509_sign(x, signer, EVP_sha256()) > 0);
	return x;
}

void pki_make(struct pki *p)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "/tmp/sidetone-stir-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->ca_key = EVP_EC_gen("P-256");
	p->key = EVP_EC_gen("P-256");
	p->other_key = EVP_EC_gen("P-256");
	p->rsa_key = EVP_RSA_gen(1024);
	p->ca = make_cert(p->ca_key, "Authority", NULL, p->ca_key, STAGE_NOW - 30 * DAY, STAGE_NOW + 30 * DAY, true);
	p->ca_expired = make_cert(p->ca_key, "Old authority", NULL, p->ca_key, STAGE_NOW - 30 * DAY, STAGE_NOW - DAY, true);
}

static void remove_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	char path[512];

	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (unlink(path))
			remove_files(path);
	}
	closedir(d);
	rmdir(dir);
}

void pki_free(struct pki *p)
{
	EVP_PKEY_free(p->ca_key);
	EVP_PKEY_free(p->key);
	EVP_PKEY_free(p->other_key);
	EVP_PKEY_free(p->rsa_key);
	X509_free(p->ca);
	X509_free(p->ca_expired);
	remove_files(p->dir);
}

/* ---- certificates ------------------------------------------------------------------------ */

static void add_tn_list(X509 *x, const struct leaf *l)
{
	static const char good[] = { 0x30, 8, (char)0xa0, 6, 0x16, 4, '1', '2', '3', '4' };
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *oid = OBJ_txt2obj("1.3.6.1.5.5.7.1.26", 1);
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(data, (const unsigned char *)(l->tn_list ? l->tn_list : good),
			      (int)(l->tn_list ? l->tn_list_n : sizeof(good)));
	e = X509_EXTENSION_create_by_OBJ(NULL, oid, 0, data);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(oid);
	ASN1_OCTET_STRING_free(data);
}

X509 *pki_leaf_cert(struct pki *p, const struct leaf *l)
{
	X509 *x = make_cert(l->key ? l->key : p->key, l->no_name ? NULL : "Provider 1234", l->issuer ? l->issuer : p->ca, p->ca_key,
			    l->from ? l->from : STAGE_NOW - DAY, l->to ? l->to : STAGE_NOW + DAY, false);

	if (!l->no_tn_list) {
		add_tn_list(x, l);
		assert_true(X509_sign(x, p->ca_key, EVP_sha256()) > 0);
	}
	return x;
}

struct str pki_pem(X509 *x)
{
	static char room[8192];
	BIO *b = BIO_new(BIO_s_mem());
	int n;

	PEM_write_bio_X509(b, x);
	n = BIO_read(b, room, sizeof(room) - 1);
	BIO_free(b);
	assert_true(n > 0);
	room[n] = 0;
	return str_mk(room, (size_t)n);
}

struct str pki_leaf(struct pki *p, const struct leaf *l)
{
	X509 *x = pki_leaf_cert(p, l);
	struct str pem = pki_pem(x);

	X509_free(x);
	return pem;
}

/* ---- files ---------------------------------------------------------------------------------- */

const char *pki_path(const struct pki *p, const char *name)
{
	static char room[32][512];
	static unsigned at;
	char *z = room[at++ % 32];

	snprintf(z, sizeof(room[0]), "%s/%s", p->dir, name);
	return z;
}

void pki_put(const struct pki *p, const char *name, struct str text)
{
	FILE *f = fopen(pki_path(p, name), "w");

	assert_non_null(f);
	fwrite(text.p, 1, text.n, f);
	fclose(f);
}

static void put_key(const struct pki *p, const char *name, EVP_PKEY *key)
{
	FILE *f = fopen(pki_path(p, name), "w");

	assert_non_null(f);
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	chmod(pki_path(p, name), 0600);
}

static void put_crl(struct pki *p, const char *name, X509 *revoked)
{
	X509_CRL *c = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	FILE *f = fopen(pki_path(p, name), "w");

	assert_non_null(f);
	X509_CRL_set_version(c, 1);
	X509_CRL_set_issuer_name(c, X509_get_subject_name(p->ca));
	ASN1_TIME_set(t, STAGE_NOW - DAY);
	X509_CRL_set1_lastUpdate(c, t);
	if (revoked) {
		X509_REVOKED *r = X509_REVOKED_new();

		X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked));
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(c, r);
	}
	ASN1_TIME_set(t, STAGE_NOW + DAY);
	X509_CRL_set1_nextUpdate(c, t);
	X509_CRL_sign(c, p->ca_key, EVP_sha256());
	PEM_write_X509_CRL(f, c);
	fclose(f);
	ASN1_TIME_free(t);
	X509_CRL_free(c);
}

void pki_files(struct pki *p, X509 *revoked)
{
	pki_put(p, "ca.pem", pki_pem(p->ca));
	pki_put(p, "ca_expired.pem", pki_pem(p->ca_expired));
	put_key(p, "key.pem", p->key);
	put_key(p, "other.pem", p->other_key);
	put_key(p, "rsa.pem", p->rsa_key);
	put_crl(p, "crl.pem", NULL);
	put_crl(p, "revoked.pem", revoked);
}

/* ---- headers --------------------------------------------------------------------------------- */

static void sign(EVP_PKEY *key, struct str bytes, uint8_t out[PASSPORT_SIGNATURE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[512];
	const unsigned char *at = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, der, &n, (const unsigned char *)bytes.p, bytes.n), 1);
	sig = d2i_ECDSA_SIG(NULL, &at, (long)n);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
}

const char *pki_identity(struct pki *p, const struct identity_of *i)
{
	static char room[4096];
	char header[1024], claims[1024];
	uint8_t signature[PASSPORT_SIGNATURE];
	struct buf b;

	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"ppt\":\"shaken\",\"typ\":\"passport\",\"x5u\":\"%s\"}", i->x5u ? i->x5u : "");
	snprintf(claims, sizeof(claims), "{\"attest\":\"B\",\"dest\":{\"tn\":[\"600\"]},\"iat\":%lld,\"orig\":{\"tn\":\"%s\"},\"origid\":\"x\"}",
		 (long long)(i->iat ? i->iat : STAGE_NOW), i->orig ? i->orig : "");
	buf_init(&b, room, sizeof(room), sizeof(room));
	base64url_write(&b, i->header ? i->header : header, strlen(i->header ? i->header : header));
	buf_char(&b, '.');
	base64url_write(&b, i->claims ? i->claims : claims, strlen(i->claims ? i->claims : claims));
	sign(i->key ? i->key : p->key, buf_view(&b), signature);
	buf_char(&b, '.');
	base64url_write(&b, signature, sizeof(signature));
	buf_put(&b, STR(";info=<https://x/c.pem>;alg=ES256;ppt=shaken"));
	return buf_z(&b);
}
