/* sdp/crypto.h -- keys of SRTP as session descriptions carry them: a=crypto lines
 * (SDES, RFC 4568), and a=fingerprint and a=setup of DTLS-SRTP (RFC 8122, 5763).
 * Shape:   "1 AES_CM_128_HMAC_SHA1_80 inline:BASE64|2^20|1:4 WSH=128"
 * Secrets: struct crypto_line holds a key. Whoever keeps one wipes it at the end.
 * Threads: pure functions of their arguments. */
#ifndef SDP_CRYPTO_H
#define SDP_CRYPTO_H

#include "base/buf.h"

/* RFC 4568 section 6.2, RFC 6188 section 6, RFC 7714 section 14.2. */
enum crypto_suite {
	CRYPTO_NONE,
	CRYPTO_AES_CM_128_HMAC_SHA1_80, CRYPTO_AES_CM_128_HMAC_SHA1_32,
	CRYPTO_AES_256_CM_HMAC_SHA1_80, CRYPTO_AES_256_CM_HMAC_SHA1_32,
	CRYPTO_AEAD_AES_128_GCM, CRYPTO_AEAD_AES_256_GCM,
	CRYPTO_SUITES
};

enum { CRYPTO_KEY_MAX = 46, CRYPTO_MKI_MAX = 128 };

struct crypto_suite_row {
	const char *name;       /* as in a=crypto */
	uint8_t key, salt;      /* [bytes] of the master key and salt */
};
const struct crypto_suite_row *crypto_suite(enum crypto_suite s);    /* never NULL */
static inline size_t crypto_key_bytes(enum crypto_suite s)
{
	return (size_t)crypto_suite(s)->key + crypto_suite(s)->salt;
}

/* One a=crypto line. Zeroed: none. */
struct crypto_line {
	uint32_t tag;           /* 1..999999999 */
	uint8_t suite;          /* enum crypto_suite */
	uint8_t mki_n;          /* [bytes] that the MKI, which is 1, takes in each packet; 0: there is none */
	uint8_t key[CRYPTO_KEY_MAX];    /* master key, then salt: crypto_key_bytes() of them */
};
bool crypto_line_eq(const struct crypto_line *a, const struct crypto_line *b);     /* but for the tag */

/* Decode the value of one line. EBADMSG grammar, wrong key length or a session
 * parameter that takes protection away or that we cannot do; then *why says which.
 * ENOTSUP: a suite that we do not know; the line is to be passed over. *out is
 * written on success only. */
int crypto_parse(struct crypto_line *out, struct str value, const char **why);
void crypto_write(struct buf *b, const struct crypto_line *l);

/* ---- DTLS */

enum crypto_hash { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA384, CRYPTO_SHA512, CRYPTO_HASHES };
struct crypto_fingerprint {     /* zeroed: none */
	uint8_t hash;           /* enum crypto_hash */
	uint8_t n;              /* [bytes] 0: none */
	uint8_t v[64];
};
const char *crypto_hash_name(enum crypto_hash h);    /* "sha-256" */
/* "sha-256 AB:CD:..." EBADMSG grammar or length; ENOTSUP a hash that we do not know. */
int crypto_fingerprint_parse(struct crypto_fingerprint *out, struct str value);
void crypto_fingerprint_write(struct buf *b, const struct crypto_fingerprint *f);
bool crypto_fingerprint_eq(const struct crypto_fingerprint *a, const struct crypto_fingerprint *b);

/* Who begins the handshake (RFC 4145 section 4). */
enum crypto_setup { SETUP_ACTIVE, SETUP_PASSIVE, SETUP_ACTPASS, SETUP_HOLDCONN, SETUPS };
const char *crypto_setup_name(enum crypto_setup s);
int crypto_setup_parse(enum crypto_setup *out, struct str value);    /* EBADMSG */
/* Our answer to an offer's a=setup when we would like `ours`. */
enum crypto_setup crypto_setup_answer(enum crypto_setup theirs, enum crypto_setup ours);
/* Our role when we have offered `ours` and they answered `theirs`. */
enum crypto_setup crypto_setup_agreed(enum crypto_setup ours, enum crypto_setup theirs);

#endif
