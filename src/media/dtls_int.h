/* media/dtls_int.h -- what dtls.c, dtls_cert.c and dtls_identity.c share. */
#ifndef MEDIA_DTLS_INT_H
#define MEDIA_DTLS_INT_H

#include "base/text.h"
#include "media/dtls.h"
#include "media/wire.h"
#include <openssl/ssl.h>

struct dtls_cert {              /* obj */
	EVP_PKEY *key;          /* owned */
	X509 *cert;             /* owned */
};

struct dtls_identity {          /* obj; does not change once it is made */
	SSL_CTX *ctx;           /* owned */
	BIO_METHOD *bio;        /* owned; of all BIOs of its associations */
	struct crypto_fingerprint fingerprint;
	uint8_t secret[32];     /* of cookies */
	/* as dtls_identity_prm */
	struct text cert_file, key_file, cipher, ca_file, ca_path;
	enum dtls_verify verify;
	enum crypto_hash hash;
	bool tag_32;
	uint32_t rekey_s;
	int64_t changed[3];     /* [ns since 1970] of cert_file, key_file, ca_file */
};

/* dtls_cert.c */
bool dtls_fingerprint_of(struct crypto_fingerprint *out, enum crypto_hash hash, const X509 *cert);
/* dtls.c */
BIO_METHOD *dtls_bio_new(void);
void dtls_set_callbacks(struct dtls_identity *d);

#endif
