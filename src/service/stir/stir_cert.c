/* Certificates that were fetched, and signatures. Whom we trust is stir_store.c's. */
#include "service/stir/stir_private.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/asn1.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <stdlib.h>

#define CHAIN_MAX 16
#define TN_AUTH_LIST "1.3.6.1.5.5.7.1.26"       /* RFC 8226 9 */

/* ---- reading ---------------------------------------------------------------------------- */

struct stir_cert *stir_cert_read(struct str pem)
{
	struct stir_cert *c = calloc(1, sizeof(*c));
	BIO *bio = c && pem.n && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	X509 *x;

	if (bio)
		c->leaf = PEM_read_bio_X509(bio, NULL, stir_no_password, NULL);
	if (c && c->leaf)
		c->chain = sk_X509_new_null();
	for (int i = 0; c && c->chain && i < CHAIN_MAX && (x = PEM_read_bio_X509(bio, NULL, stir_no_password, NULL)); i++)
		if (sk_X509_push(c->chain, x) <= 0)
			X509_free(x);
	ERR_clear_error();      /* the end of the text is one for OpenSSL */
	BIO_free(bio);
	if (c && !c->chain) {
		stir_cert_free(c);
		c = NULL;
	}
	return c;
}

void stir_cert_free(struct stir_cert *c)
{
	if (!c)
		return;
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	free(c);
}

/* ---- judging ------------------------------------------------------------------------------- */

/* What stands below a tag. False: not that tag, or it is longer than what it stands in. */
static bool enter(struct str *der, int want_tag, int want_class, bool constructed)
{
	const unsigned char *p = (const unsigned char *)der->p;
	int tag = -1, class = -1, res;
	long n = 0;

	if (!der->n || der->n > INT32_MAX)
		return false;
	res = ASN1_get_object(&p, &n, &tag, &class, (long)der->n);
	/* 0x80: malformed; 1: of indefinite length, which DER does not have. */
	if (res & 0x81 || n < 0 || !(res & V_ASN1_CONSTRUCTED) != !constructed || tag != want_tag || class != want_class)
		return false;
	der->p = (const char *)p;
	der->n = (size_t)n;
	return true;
}

enum stir_result stir_tn_auth_read(struct str der)
{
	if (!enter(&der, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL, true))
		return STIR_CERT_NO_TN_AUTH;
	/* TNEntry: [0] spc, an IA5String. ATIS-1000080 allows no other kind. */
	if (!enter(&der, 0, V_ASN1_CONTEXT_SPECIFIC, true) || !enter(&der, V_ASN1_IA5STRING, V_ASN1_UNIVERSAL, false) || !der.n)
		return STIR_CERT_NO_SPC;
	return STIR_SUCCESS;
}

static enum stir_result check_tn_auth_list(X509 *x)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(TN_AUTH_LIST, 1);
	int at = oid ? X509_get_ext_by_OBJ(x, oid, -1) : -1;
	X509_EXTENSION *e = at >= 0 ? X509_get_ext(x, at) : NULL;
	const ASN1_OCTET_STRING *data = e ? X509_EXTENSION_get_data(e) : NULL;
	bool short_of_memory = !oid;

	ASN1_OBJECT_free(oid);
	if (!data)
		return short_of_memory ? STIR_INTERNAL_ERROR : STIR_CERT_NO_TN_AUTH;
	return stir_tn_auth_read(str_mk((const char *)ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)));
}

bool stir_cert_valid_at(const struct stir_cert *c, int64_t at)
{
	time_t t = (time_t)at;

	return X509_cmp_time(X509_get0_notBefore(c->leaf), &t) < 0 && X509_cmp_time(X509_get0_notAfter(c->leaf), &t) > 0;
}

int64_t stir_cert_ends(const struct stir_cert *c)
{
	struct tm tm;

	return ASN1_TIME_to_tm(X509_get0_notAfter(c->leaf), &tm) == 1 ? timegm(&tm) : 0;
}

enum stir_result stir_cert_judge(const struct stir_cert *c, const struct stir_store *s, int64_t now, int64_t iat, const char **why)
{
	const char *text = "it has no common name";
	enum stir_result r = STIR_SUCCESS;

	if (X509_NAME_get_index_by_NID(X509_get_subject_name(c->leaf), NID_commonName, -1) < 0) {
		r = STIR_CERT_CONTENTS;
	} else if (!stir_cert_trusted(c, s, now, &text)) {
		r = STIR_CERT_NOT_TRUSTED;
	} else if (!X509_get0_pubkey(c->leaf)) {
		text = "its key cannot be used";
		r = STIR_NO_KEY;
	} else if (!stir_cert_valid_at(c, iat)) {
		text = "it was not valid when the call was signed";
		r = STIR_CERT_DATE;
	} else {
		text = "it has no TNAuthList with a service provider's code";
		r = check_tn_auth_list(c->leaf);
	}
	ERR_clear_error();
	*why = r == STIR_SUCCESS ? "" : text;
	return r;
}

/* ---- signatures ------------------------------------------------------------------------------ */

#define HALF (PASSPORT_SIGNATURE / 2)

static bool is_p256(EVP_PKEY *k)
{
	char name[64] = "";
	size_t n = 0;

	if (!k || EVP_PKEY_get_base_id(k) != EVP_PKEY_EC || EVP_PKEY_get_group_name(k, name, sizeof(name), &n) != 1)
		return false;
	return OBJ_txt2nid(name) == NID_X9_62_prime256v1;
}

/* r and s as OpenSSL wants them. The length, 0: that failed. *out is OpenSSL's memory. */
static int to_der(const uint8_t raw[PASSPORT_SIGNATURE], unsigned char **out)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, HALF, NULL), *s = BN_bin2bn(raw + HALF, HALF, NULL);
	int n = 0;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s)) {
		r = s = NULL;           /* they are its own now */
		n = i2d_ECDSA_SIG(sig, out);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n > 0 ? n : 0;
}

bool stir_cert_verifies(const struct stir_cert *c, struct str bytes, const uint8_t signature[PASSPORT_SIGNATURE])
{
	EVP_PKEY *key = X509_get0_pubkey(c->leaf);
	EVP_MD_CTX *ctx = is_p256(key) ? EVP_MD_CTX_new() : NULL;
	unsigned char *der = NULL;
	int n = ctx ? to_der(signature, &der) : 0;
	bool ok = n && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		  EVP_DigestVerify(ctx, der, (size_t)n, (const unsigned char *)bytes.p, bytes.n) == 1;

	ERR_clear_error();
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* ---- our keys ---------------------------------------------------------------------------------- */

static void key_free(void *arg)
{
	EVP_PKEY_free(((struct stir_key *)arg)->key);
}

int stir_key_load(struct stir_key **out, struct str file, char why[STIR_WHY])
{
	struct stir_key *k = obj_new(sizeof(*k), key_free);
	char *path = str_dup(file);
	FILE *f = path ? fopen(path, "re") : NULL;
	int err = k && path ? 0 : ENOMEM;

	if (!err && !f) {
		snprintf(why, STIR_WHY, "'%s' cannot be read: %s", path, strerror(errno));
		err = EBADMSG;
	}
	if (!err)
		k->key = PEM_read_PrivateKey(f, NULL, stir_no_password, NULL);
	ERR_clear_error();
	if (!err && !is_p256(k->key)) {
		snprintf(why, STIR_WHY, k->key ? "'%s' is no key of the curve P-256, which ES256 needs" :
			 "'%s' has no private key in PEM, or one with a password", path);
		err = EBADMSG;
	}
	if (f)
		fclose(f);
	free(path);
	if (err)
		obj_drop(k);
	else
		*out = k;
	return err;
}

bool stir_pem_has_key(struct str pem)
{
	BIO *bio = pem.n && pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *k = bio ? PEM_read_bio_PrivateKey(bio, NULL, stir_no_password, NULL) : NULL;
	bool has = k != NULL;

	ERR_clear_error();
	EVP_PKEY_free(k);
	BIO_free(bio);
	return has;
}

/* DER's r and s, each as 32 bytes. */
static int from_der(const unsigned char *der, size_t n, uint8_t raw[PASSPORT_SIGNATURE])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	int err = sig ? 0 : EIO;

	if (!err && (BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, HALF) != HALF ||
		     BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + HALF, HALF) != HALF))
		err = EIO;
	ECDSA_SIG_free(sig);
	return err;
}

int stir_key_sign(const struct stir_key *k, struct str bytes, uint8_t signature[PASSPORT_SIGNATURE])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char der[128];
	size_t n = sizeof(der);
	int err = ctx ? 0 : ENOMEM;

	if (!err && (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->key) != 1 ||
		     EVP_DigestSign(ctx, der, &n, (const unsigned char *)bytes.p, bytes.n) != 1))
		err = EIO;
	ERR_clear_error();
	EVP_MD_CTX_free(ctx);
	return err ? err : from_der(der, n, signature);
}
