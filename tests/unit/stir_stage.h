/* tests/unit/stir_stage.h -- authorities, certificates and keys of STIR, made for a test, in a directory of its own.
 * All of it is valid around STAGE_NOW, but for what its name says. */
#ifndef TESTS_UNIT_STIR_STAGE_H
#define TESTS_UNIT_STIR_STAGE_H

#include "base/buf.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

#define STAGE_NOW 1700000000    /* [s] */

struct pki {
	char dir[64];
	EVP_PKEY *ca_key, *key, *other_key, *rsa_key;
	X509 *ca, *ca_expired;
};

/* What differs from a good certificate of a service provider. */
struct leaf {
	EVP_PKEY *key;                  /* NULL: pki.key */
	X509 *issuer;                   /* NULL: pki.ca */
	int64_t from, to;               /* [s] around STAGE_NOW; 0: a day */
	bool no_name, no_tn_list;
	const char *tn_list;            /* DER; NULL: one with the code 1234 */
	size_t tn_list_n;
};

void pki_make(struct pki *p);
void pki_free(struct pki *p);
/* The next call's buffer. */
struct str pki_leaf(struct pki *p, const struct leaf *l);    /* PEM of a certificate */
X509 *pki_leaf_cert(struct pki *p, const struct leaf *l);
struct str pki_pem(X509 *x);
const char *pki_path(const struct pki *p, const char *name);
/* A file of the directory. */
void pki_put(const struct pki *p, const char *name, struct str text);
/* ca.pem, ca_expired.pem, key.pem, other.pem, rsa.pem, crl.pem (empty), revoked.pem (of `revoked`, may be NULL) */
void pki_files(struct pki *p, X509 *revoked);

/* "Identity" value for these claims, signed with `key`. */
struct identity_of {
	EVP_PKEY *key;                  /* NULL: pki.key */
	const char *header;             /* JSON; NULL: a good one with `x5u` */
	const char *claims;             /* JSON; NULL: a good one with `orig` and `iat` */
	const char *x5u, *orig;
	int64_t iat;
};
const char *pki_identity(struct pki *p, const struct identity_of *i);

#endif
