/* tests/fuzz/server_secure.h -- the phones' side of ICE, DTLS and SRTP: what their SDP says of it, what
 * the server's said, and packets that are right by that, or wrong. */
#ifndef FUZZ_SERVER_SECURE_H
#define FUZZ_SERVER_SECURE_H

#include "media/stun.h"
#include "sdp/crypto.h"
#include "server_step.h"
#include "service/service.h"
#include <openssl/ssl.h>

enum { SECURE_EXTRAS = 18, SECURE_OWN = 2, SECURE_PLACES = 64 };

/* What the server's SDP said of one of its places, and what has come of it. */
struct secure_far {
	bool ice, checks /* due */, checked, dtls /* due */, client /* we begin */, either /* as our answer says */;
	uint8_t phone, line;
	uint16_t port;                  /* 0: nothing is known of this place */
	char ufrag[64], pwd[128];
	struct crypto_line theirs;      /* of SDES */
	struct sa us;                   /* where its packets go */
	uint8_t asked[STUN_ID];         /* of its last check */
	SSL *ssl;
	struct crypto_line tx;          /* what we seal with; suite 0: nothing yet */
};

struct dtls_cert;
/* A certificate of the phones. */
struct secure_own {
	X509 *cert;
	EVP_PKEY *key;
	struct dtls_cert *made;         /* held: who has both */
	struct crypto_fingerprint print;
};
const struct secure_own *secure_own(unsigned n);

void secure_once(void);
int secure_attach(struct service *svc);      /* rtp.conf */
void phones_forget(void);
/* The lines of an m= line of ours: `which` of SECURE_EXTRAS, for the phone and its port. */
void secure_write(struct buf *b, unsigned which, unsigned phone, unsigned port);
void secure_fragment(struct buf *b, const struct step *s, unsigned phone);
/* An SDP of the server, to that phone. */
void secure_learn(struct str body, unsigned phone);
/* The server sends STUN or DTLS. */
void secure_sent(int place, const struct sa *to, const uint8_t *p, size_t n);
bool secure_turn(void);                 /* phones answer; true: they did */
void secure_step_ice(const struct step *s);
struct secure_far *secure_far_of(int place);
/* To the place, from where its SDP has us (`who` 0), or from elsewhere. */
void secure_deliver(int place, unsigned who, const uint8_t *p, size_t n);

/* server_dtls.c */
void dtls_once(void);
void dtls_begin(int place, bool client, unsigned own);
void dtls_take(int place, const uint8_t *p, size_t n);
void dtls_end(struct secure_far *f);
void secure_step_dtls(const struct step *s);
void secure_step_srtp(const struct step *s);
void dtls_forget(void);

#endif
