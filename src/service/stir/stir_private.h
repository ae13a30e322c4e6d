/* service/stir/stir_private.h -- what stir_cert.c and stir_store.c share, and the fuzzer looks into. */
#ifndef SERVICE_STIR_PRIVATE_H
#define SERVICE_STIR_PRIVATE_H

#include "service/stir/stir_cert.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

struct stir_cert {
	X509 *leaf;
	STACK_OF(X509) *chain;
};

struct stir_key {
	EVP_PKEY *key;
};

/* A pem_password_cb that has none: OpenSSL's own would ask the terminal. */
static inline int stir_no_password(char *to, int size, int writing, void *arg)
{
	(void)to, (void)size, (void)writing, (void)arg;
	return -1;
}

/* A TNAuthorizationList (RFC 8226 9) as DER: does it begin with a service provider's code? */
enum stir_result stir_tn_auth_read(struct str der);

#endif
