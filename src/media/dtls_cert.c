/* media/dtls_cert.c -- the certificate that a process makes for itself, and fingerprints of any. */
#include "media/dtls_int.h"
#include "base/obj.h"
#include <errno.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include "base/poison.h"

/* ---- the process's own certificate */

static void cert_free(void *arg)
{
	struct dtls_cert *c = arg;

	X509_free(c->cert);
	EVP_PKEY_free(c->key);
}

/* RFC 8827 section 6.5: P-256 is what everybody must have. Only the fingerprint counts,
 * so that the name says nothing; a month is more than a process's calls last. */
static bool fill_cert(struct dtls_cert *c)
{
	uint64_t serial;
	X509_NAME *name;

	c->key = EVP_EC_gen("P-256");
	c->cert = X509_new();
	if (!c->key || !c->cert || RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return false;
	name = X509_get_subject_name(c->cert);
	return X509_set_version(c->cert, 2) && ASN1_INTEGER_set_uint64(X509_get_serialNumber(c->cert), serial >> 1) &&
	       X509_gmtime_adj(X509_getm_notBefore(c->cert), -86400) &&
	       X509_time_adj_ex(X509_getm_notAfter(c->cert), 3650, 0, NULL) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"sidetone", -1, -1, 0) &&
	       X509_set_issuer_name(c->cert, name) && X509_set_pubkey(c->cert, c->key) &&
	       X509_sign(c->cert, c->key, EVP_sha256());
}

int dtls_cert_new(struct dtls_cert **out)
{
	struct dtls_cert *c = obj_new(sizeof(*c), cert_free);

	if (!c)
		return ENOMEM;
	if (!fill_cert(c)) {
		obj_drop(c);
		return ENOMEM;
	}
	*out = c;
	return 0;
}

/* ---- fingerprints */

static const EVP_MD *digest_of(enum crypto_hash h)
{
	switch (h) {
	case CRYPTO_SHA1:
		return EVP_sha1();
	case CRYPTO_SHA384:
		return EVP_sha384();
	case CRYPTO_SHA512:
		return EVP_sha512();
	default:
		return EVP_sha256();
	}
}

bool dtls_fingerprint_of(struct crypto_fingerprint *out, enum crypto_hash hash, const X509 *cert)
{
	unsigned n = 0;

	*out = (struct crypto_fingerprint){ .hash = (uint8_t)hash };
	if (!X509_digest(cert, digest_of(hash), out->v, &n) || n > sizeof(out->v))
		return false;
	out->n = (uint8_t)n;
	return true;
}
