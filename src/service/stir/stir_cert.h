/* service/stir/stir_cert.h -- certificates and keys of STIR (RFC 8226): whom we trust, what a certificate that was
 * fetched is worth, signatures of ES256 (RFC 7518 3.4).
 * Ownership: stir_store and stir_key are objs, immutable once made; a stir_cert is its reader's.
 * Threads: touches only its arguments, so any. Loading blocks on files. */
#ifndef SERVICE_STIR_CERT_H
#define SERVICE_STIR_CERT_H

#include "base/buf.h"
#include "service/stir/passport.h"
#include "service/stir/result.h"

#define STIR_WHY 256

struct stir_store;      /* obj */
struct stir_key;        /* obj */
struct stir_cert;

struct stir_store_prm {         /* empty: none */
	struct str ca_file, ca_path, crl_file, crl_path, untrusted_file, untrusted_path;
	bool system;                    /* the system's authorities too */
};
/* Of directories those files count that `openssl rehash` has made. EBADMSG: `why` says which file; ENOMEM. */
int stir_store_new(struct stir_store **out, const struct stir_store_prm *prm, char why[STIR_WHY]);
/* A line each: "Cert: ", "Untrusted: " or "CRL: " and the name. Gives how many. */
size_t stir_store_write(const struct stir_store *s, struct buf *out);

/* The first certificate of a PEM text, and the others as its chain. NULL: there is none. */
struct stir_cert *stir_cert_read(struct str pem);
void stir_cert_free(struct stir_cert *c);
/* Does the store lead to it, `now` [s]? `s` NULL: it does not. `why` (may be NULL): a static text. */
bool stir_cert_trusted(const struct stir_cert *c, const struct stir_store *s, int64_t now, const char **why);
bool stir_cert_valid_at(const struct stir_cert *c, int64_t at /* [s] */);
int64_t stir_cert_ends(const struct stir_cert *c);   /* [s] 0: not known */
/* Everything that must hold before its key counts: a common name, the chain, its dates at `iat`, and a TNAuthList
 * that begins with a service provider's code. */
enum stir_result stir_cert_judge(const struct stir_cert *c, const struct stir_store *s, int64_t now, int64_t iat, const char **why);
/* Does its key, of P-256, verify that? */
bool stir_cert_verifies(const struct stir_cert *c, struct str bytes, const uint8_t signature[PASSPORT_SIGNATURE]);

/* A private key of P-256. EBADMSG with `why`, ENOMEM. */
int stir_key_load(struct stir_key **out, struct str file, char why[STIR_WHY]);
/* EIO, ENOMEM */
int stir_key_sign(const struct stir_key *k, struct str bytes, uint8_t signature[PASSPORT_SIGNATURE]);
bool stir_pem_has_key(struct str pem);

#endif
