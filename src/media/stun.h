/* media/stun.h -- STUN messages (RFC 8489) with the attributes of ICE (RFC 8445) and TURN
 * (RFC 8656): bytes to fields and back, integrity and fingerprint.
 * Shape:   the parser gives views into the datagram; of an attribute that is there twice the
 *          first counts, and what follows MESSAGE-INTEGRITY is not looked at (RFC 8489 14.5).
 * Hashes:  come by a row of functions, so that this file needs no library.
 * Threads: touches only its arguments. */
#ifndef MEDIA_STUN_H
#define MEDIA_STUN_H

#include "net/address.h"

enum { STUN_HEADER = 20, STUN_ID = 12, STUN_MAX = 1500, STUN_MAX_UNKNOWN = 16 };
enum { STUN_SHA1 = 20, STUN_SHA256 = 32 };      /* [bytes] */

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };
enum stun_method {
	STUN_BINDING = 1, STUN_ALLOCATE = 3, STUN_REFRESH = 4, STUN_SEND = 6, STUN_DATA = 7,
	STUN_CREATE_PERMISSION = 8, STUN_CHANNEL_BIND = 9
};

enum stun_attr {
	STUN_MAPPED_ADDRESS = 0x0001, STUN_USERNAME = 0x0006, STUN_MESSAGE_INTEGRITY = 0x0008,
	STUN_ERROR_CODE = 0x0009, STUN_UNKNOWN_ATTRIBUTES = 0x000a, STUN_CHANNEL_NUMBER = 0x000c,
	STUN_LIFETIME = 0x000d, STUN_XOR_PEER_ADDRESS = 0x0012, STUN_DATA_ATTR = 0x0013, STUN_REALM = 0x0014,
	STUN_NONCE = 0x0015, STUN_XOR_RELAYED_ADDRESS = 0x0016, STUN_REQUESTED_FAMILY = 0x0017,
	STUN_REQUESTED_TRANSPORT = 0x0019, STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c, STUN_XOR_MAPPED_ADDRESS = 0x0020,
	STUN_PRIORITY = 0x0024, STUN_USE_CANDIDATE = 0x0025, STUN_SOFTWARE = 0x8022, STUN_FINGERPRINT = 0x8028,
	STUN_ICE_CONTROLLED = 0x8029, STUN_ICE_CONTROLLING = 0x802a
};

/* Functions from outside. Called on the thread of whoever calls the functions below. */
enum stun_hash_alg { STUN_HASH_MD5, STUN_HASH_SHA1, STUN_HASH_SHA256 };
struct stun_hash {
	void *arg;              /* an obj; or NULL */
	/* HMAC of the `n` parts, one behind the other: 20 bytes for SHA1, 32 for SHA256. ENOTSUP */
	int (*hmac)(void *arg, enum stun_hash_alg a, struct str key, const struct str *part, size_t n,
		    uint8_t out[STUN_SHA256]);
	/* Plain hash: 16 bytes for MD5. ENOTSUP */
	int (*digest)(void *arg, enum stun_hash_alg a, const struct str *part, size_t n, uint8_t out[STUN_SHA256]);
};

struct stun_msg {               /* all views look into the datagram */
	const uint8_t *p;               /* the whole of it */
	size_t n;
	enum stun_class cls;
	uint16_t method;                /* any of 12 bits, enum stun_method if known */
	const uint8_t *id;              /* STUN_ID bytes */
	struct str username, realm, nonce, software, data;
	struct sa mapped, xor_mapped, relayed;  /* unset: not there */
	struct sa peer;                 /* the first of them */
	uint64_t tie_breaker;           /* of controlling or controlled */
	uint32_t priority, lifetime;
	uint16_t channel, error;        /* 0: not there; error 300..699 */
	struct str reason;              /* text of the error */
	bool has_priority, has_lifetime, use_candidate, controlling, controlled;
	/* Attributes that must be understood and are not: what a 420 names. */
	uint16_t unknown[STUN_MAX_UNKNOWN];
	size_t nunknown;
	size_t integrity_at, integrity256_at, fingerprint_at;   /* [bytes] where the attribute begins; 0: not there */
	size_t integrity256_n;          /* [bytes] 16..32, a multiple of 4 */
};

/* Is it one, by its first bytes (RFC 7983, magic cookie, length)? */
bool stun_is(const uint8_t *p, size_t n);
/* EBADMSG: no STUN, an attribute that does not fit, a fingerprint that is not the last. E2BIG: over
 * STUN_MAX bytes. `m` is written on success only. */
int stun_parse(struct stun_msg *m, const uint8_t *p, size_t n);
/* 0: it has the attribute and this key made it. ENOENT: it has none. EACCES: another key.
 * ENOTSUP as the hash. Costs one hash; compares in constant time. */
int stun_check(const struct stun_msg *m, const struct stun_hash *h, struct str key);     /* SHA-256 if that is there, else SHA-1 */
/* True as well when there is none. */
bool stun_fingerprint_ok(const struct stun_msg *m);
/* The key of long-term credentials (RFC 8489 9.2.2): MD5 of user:realm:password. */
int stun_long_key(const struct stun_hash *h, struct str user, struct str realm, struct str password, uint8_t key[16]);

/* ---- writing, into the caller's bytes. Errors stick: stun_end() gives 0 then. */

struct stun_out {
	uint8_t *p;
	size_t n, max;
	bool failed;            /* no room, or a value that cannot be */
};

void stun_begin(struct stun_out *o, void *p, size_t max, enum stun_class cls, unsigned method, const uint8_t id[STUN_ID]);
void stun_put(struct stun_out *o, enum stun_attr type, struct str value);
void stun_put_u32(struct stun_out *o, enum stun_attr type, uint32_t v);
void stun_put_u64(struct stun_out *o, enum stun_attr type, uint64_t v);
void stun_put_flag(struct stun_out *o, enum stun_attr type);
void stun_put_addr(struct stun_out *o, enum stun_attr type, const struct sa *a);    /* XORed unless MAPPED-ADDRESS */
void stun_put_channel(struct stun_out *o, uint16_t number);
/* DATA whose `n` bytes stand already where its value goes: STUN_HEADER, what was put, 4 more. */
void stun_wrap_data(struct stun_out *o, size_t n);
void stun_put_error(struct stun_out *o, unsigned code, struct str reason);
void stun_put_unknown(struct stun_out *o, const uint16_t *type, size_t n);
void stun_put_integrity(struct stun_out *o, const struct stun_hash *h, enum stun_hash_alg a, struct str key);
void stun_put_fingerprint(struct stun_out *o);
size_t stun_end(struct stun_out *o);                 /* [bytes] of the whole message; 0: it failed */

/* ---- TURN's other framing (RFC 8656 section 12.4) */

enum { STUN_CHANNEL_HEADER = 4, STUN_CHANNEL_MIN = 0x4000, STUN_CHANNEL_MAX = 0x4fff };
/* EBADMSG: not one, or its length is over what came. */
int stun_channel_parse(const uint8_t *p, size_t n, uint16_t *number, struct str *data);
void stun_channel_header(uint8_t p[STUN_CHANNEL_HEADER], uint16_t number, uint16_t n);

/* media/stun_openssl.c: a row of OpenSSL's, one a thread; release with obj_drop(row.arg). ENOMEM, ENOTSUP. */
int stun_hash_openssl(struct stun_hash *row);

#endif
