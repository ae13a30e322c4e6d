/* tests/unit/tls_stage.h -- certificates with EC keys, made when a test needs them, in a folder of
 * its own; and peers that speak TLS over loopback. */
#ifndef TESTS_TLS_STAGE_H
#define TESTS_TLS_STAGE_H

#include "net/tls.h"
#include <openssl/ssl.h>

struct authority {
	X509 *cert;
	EVP_PKEY *key;
};

struct tls_files {
	char dir[64], ca_pem[96];
	struct authority ca, other;     /* ca.pem and other.pem */
};

struct cert_prm {
	const char *cn;
	const char *san;                /* as in openssl.cnf: "URI:sip:a.example,DNS:b.example"; NULL: none */
	const struct authority *by;     /* NULL: by its own key */
	long from_s, until_s;           /* of now; until 0: an hour */
	bool ca;
	const void *nul_dns;            /* `nul_len` bytes as a DNS name */
	size_t nul_len;
	const char *password;           /* of the key's file */
};

void files_start(struct tls_files *f);
void files_end(struct tls_files *f);
const char *file_at(const struct tls_files *f, const char *name);      /* its path; good for eight calls */
void make_cert(const struct cert_prm *prm, struct authority *out);
void authority_free(struct authority *a);
/* NAME.pem and NAME.key */
void write_cert(const struct tls_files *f, const char *name, const struct cert_prm *prm);

/* A context for name.pem; `more`: options but the files of the certificate. */
struct tls_context *make_context(const struct tls_files *f, const char *name, const struct tls_prm *more);

#endif
