/* sip/digest.h -- HTTP digest as SIP uses it (RFC 3261 22, RFC 7616, RFC 8760).
 * Threads: each digest_ctx belongs to one thread. */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include "base/clock.h"
#include "net/address.h"

enum digest_alg { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_ALGS };
#define DIGEST_HEX 65   /* the longest hash in hex and a NUL */

struct str digest_alg_name(enum digest_alg a);               /* "MD5", "SHA-256", "SHA-512-256" */
int digest_alg_of(struct str name, enum digest_alg *a);      /* folded; empty: MD5. ENOENT */

/* The value of Authorization, Proxy-Authorization, WWW- or Proxy-Authenticate. */
struct digest_fields {
	struct str username, realm, nonce, uri, response, cnonce, opaque, qop, algorithm, domain;
	struct str nc;          /* eight hex digits */
	bool stale;
	bool has_username_ext;  /* username* */
};
/* EBADMSG: not "Digest", or a field that is doubled, unquoted or too long. */
int digest_parse(struct digest_fields *f, struct str value);

/* Hash functions, which this library does not have: whoever uses it gives them. */
#define SIP_HASH_MAX 32 /* [bytes] */
struct sip_hash {
	void *arg;              /* an obj; or NULL */
	/* Of the `n` parts, one behind the other: 16 bytes for MD5, 32 for the others. They may
	 * be passwords, so no copy of them stays. ENOTSUP: this algorithm is not to be had. */
	int (*digest)(void *arg, enum digest_alg a, const struct str *part, size_t n, uint8_t out[SIP_HASH_MAX]);
};

struct digest_ctx;              /* obj: the nonce secret and table */
/* Holds a reference to hash->arg. NULL: out of memory, or without random numbers. */
struct digest_ctx *digest_ctx_new(const struct clock *clock, const struct sip_hash *hash);

void digest_ha1(struct digest_ctx *d, enum digest_alg a, struct str user, struct str realm,
		struct str password, char out[DIGEST_HEX]);
/* In hex; empty: this algorithm is not to be had. */
void digest_hash(struct digest_ctx *d, enum digest_alg a, struct str text, char out[DIGEST_HEX]);
/* `qop` empty: RFC 2069 style. `body` only for auth-int. */
void digest_response(struct digest_ctx *d, enum digest_alg a, struct str ha1, struct str method,
		     const struct digest_fields *f, struct str body, char out[DIGEST_HEX]);
/* How many hashes were taken: tests hold against each other what two answers cost. */
uint64_t digest_hashes(const struct digest_ctx *d);
/* Constant time. */
bool digest_equal(struct str a, struct str b);

/* Server side. A nonce is time, random salt and a MAC over both, the peer's address
 * and the realm, so it needs no memory until it is used; each used nonce keeps a
 * bitmap of its nonce counts until it ends. */
#define DIGEST_NONCE 80
void nonce_make(struct digest_ctx *d, const struct sa *peer, struct str realm, char out[DIGEST_NONCE]);
enum nonce_verdict { NONCE_OK, NONCE_STALE, NONCE_REPLAYED, NONCE_FORGED };
/* `lifetime_s` from the auth object; `nc` empty when qop is absent (then the
 * nonce serves once per request it was made for: NONCE_OK). `mark`: remember the count
 * as used (call again with true only after the response was right). */
enum nonce_verdict nonce_check(struct digest_ctx *d, struct str nonce, const struct sa *peer,
			       struct str realm, uint32_t lifetime_s, struct str nc, bool mark);

/* Client side: one Authorization value answering a challenge. */
struct digest_answer_prm {
	const struct digest_fields *challenge;
	enum digest_alg alg;
	struct str username, password;
	struct str ha1;         /* used in place of password when not empty */
	struct str method, uri, body;
	uint32_t nc;            /* 1 for a fresh nonce */
};
int digest_answer(struct digest_ctx *d, const struct digest_answer_prm *prm, struct buf *out);
/* One challenge value: Digest realm="..",nonce="..",algorithm=..,qop="auth"[,stale=true],opaque="..". */
void digest_write_challenge(struct digest_ctx *d, struct buf *b, enum digest_alg a, struct str realm,
			    struct str nonce, bool stale);

#endif
