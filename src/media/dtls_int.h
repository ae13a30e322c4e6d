/* media/dtls_int.h -- what the files of DTLS share. */
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

/* ---- dtls_hello.c: what is said before there is any state */

enum {
	DTLS_RECORD = 13,       /* RFC 6347 section 4.1: the header of a record */
	DTLS_RANDOM = 32,
	DTLS_COOKIE = 32,
	DTLS_ASK = 60           /* the length of a HelloVerifyRequest of ours */
};

struct dtls_hello {             /* a ClientHello; views */
	const uint8_t *random;          /* DTLS_RANDOM bytes */
	const uint8_t *cookie;
	size_t cookie_n;
	bool whole;             /* it is in this datagram from its first byte to its last */
};

/* A record as a peer may send it: its header, and a body that is there. */
bool dtls_is_record(const uint8_t *p, size_t n);
/* false: the datagram does not begin with a ClientHello. */
bool dtls_hello_parse(struct dtls_hello *h, const uint8_t *p, size_t n);
/* Only who receives at an address can know the cookie for it (RFC 6347 section 4.2.1). */
bool dtls_cookie_make(const struct dtls_identity *d, const struct sa *to, uint8_t cookie[static DTLS_COOKIE]);
bool dtls_cookie_is(const struct dtls_identity *d, const struct sa *from, const uint8_t *cookie, size_t n);
/* The HelloVerifyRequest for the ClientHello at `p`; false: there is to be none. */
bool dtls_ask_cookie(const struct dtls_identity *d, const struct sa *to, const uint8_t *p, size_t n,
		     uint8_t out[static DTLS_ASK]);

/* ---- dtls_shake.c: one handshake, with one address */

/* What it has to send. */
typedef void dtls_write_fn(void *arg, const struct sa *to, const uint8_t *p, size_t n);

struct dtls_datagram {          /* that the thread has not looked at */
	struct sa from;
	uint16_t n;
	bool hello;             /* a ClientHello that was admitted */
	uint8_t b[WIRE_DATAGRAM];
};

struct dtls_shake {             /* on the heap */
	const struct dtls_identity *identity;   /* views: its association holds them, and it */
	const struct dtls_prm *prm;
	dtls_write_fn *write;
	void *arg;
	SSL *ssl;               /* owned */
	struct sa to;           /* with whom it is; unset: nobody yet */
	bool proven;            /* `to` has shown that it receives there */
	bool heard;             /* something came back */
	bool done;              /* finished in this step */
	bool stopped;           /* nobody answers any more: its timer does not count */
	bool wrong;             /* the certificate was refused in this step */
	uint8_t random[DTLS_RANDOM];    /* of the ClientHello that began it */
	/* of a guest: since when it is there, when it last came further, and how far */
	uint64_t began_us, moved_us;
	OSSL_HANDSHAKE_STATE at;
	/* BIO: the datagram that OpenSSL may read */
	const uint8_t *in;
	size_t in_n;
	bool peek;              /* reading leaves it there */
	size_t nqueue;
	struct dtls_datagram queue[DTLS_QUEUE];
};

/* NULL: no memory. */
struct dtls_shake *dtls_shake_new(const struct dtls_identity *d, const struct dtls_prm *prm, dtls_write_fn *write, void *arg);
void dtls_shake_free(struct dtls_shake *s);
/* An SSL that knows of no handshake; false: no memory. */
bool dtls_shake_anew(struct dtls_shake *s, bool active);
/* false: no room; the peer sends it again. */
bool dtls_shake_put(struct dtls_shake *s, const uint8_t *p, size_t n, const struct sa *from, bool hello);
/* Is its ClientHello answered by our cookie? It may be from whom it says then. */
bool dtls_shake_listen(struct dtls_shake *s, const uint8_t *p, size_t n);
/* Of one that has finished: EPROTO no SRTP was agreed, ENOMEM. */
int dtls_shake_keys(struct srtp **out, struct dtls_shake *s, bool active);
BIO_METHOD *dtls_bio_new(void);
void dtls_set_callbacks(struct dtls_identity *d);

#endif
