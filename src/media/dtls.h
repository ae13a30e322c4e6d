/* media/dtls.h -- DTLS-SRTP of one wire (RFC 5763, 5764, 6347): the handshake that makes
 * the keys of media/srtp.h, by OpenSSL over memory BIOs.
 *
 * Data:    struct dtls_identity: our certificate, its key, ciphers and authorities, as an
 *          endpoint's options have them (an SSL_CTX). Shared by all wires that use it.
 *          struct dtls: one association of a wire: a handshake with the peer, some with
 *          guests (below), each an SSL with a queue of datagrams that wait to be looked
 *          at; a timer.
 * Owner:   identities are the core's (references may be dropped on any thread). The core
 *          makes a struct dtls and hands it to the media thread in a struct stream_cfg;
 *          there wire.dtls holds it. The thread drops one that another replaces,
 *          core_forget_wire() the last.
 *          Without rtcp-mux, RTCP has an association of its own: wire.dtls[1].
 * Steps:   socket -> (ICE) -> dtls_step -> srtp_step. A datagram of kind DTLS is copied
 *          into the queue; the association's ticker looks at it, at most DTLS_TURN of
 *          them in a turn of the thread for all wires together. So no number of
 *          handshakes keeps packets waiting. What the queue has no room for is dropped: the
 *          peer sends it again.
 * States:  enum dtls_state. SRTP has keys from DTLS_UP on; new ones after each rekey.
 *          WAITING --first datagram, or we begin--> SHAKING --finished, checked--> UP
 *          SHAKING --alert, wrong certificate--> FAILED --(we begin: later anew)--> SHAKING
 *          FAILED --ClientHello of the peer--> SHAKING
 *          HELD (a=setup:holdconn): nothing is sent or taken.
 * Whom:    as client, only the peer's own address (of the SDP or the latch) is listened to.
 *          As server, whoever says hello is asked for a cookie (HelloVerifyRequest) at
 *          once, without any state, and only where ICE has checked the pair it is not. Who
 *          brings it back from the peer's own address begins the handshake at once, in
 *          place of any that was begun there. From elsewhere (a NAT) it becomes a guest,
 *          who shakes hands beside the peer and other guests: DTLS_GUESTS of them,
 *          DTLS_OF_A_HOST from one host; one that gets no further for DTLS_STUCK_US gives
 *          way. The first that finishes with the right certificate is the peer. No failure
 *          ends a call. */
#ifndef MEDIA_DTLS_H
#define MEDIA_DTLS_H

#include "net/address.h"
#include "sdp/crypto.h"

enum { DTLS_TURN = 4, DTLS_QUEUE = 6, DTLS_GUESTS = 8, DTLS_OF_A_HOST = 2 };
enum {
	DTLS_STUCK_US = 500000,
	DTLS_GUEST_US = 10000000,       /* a guest has so long in all */
	DTLS_AGAIN_US = 2000000         /* as client: from a failure to the next try */
};

struct dtls;                    /* obj */
struct dtls_identity;           /* obj */
struct media_event;
struct wire;
struct wire_step;

enum dtls_verify { DTLS_CHECK_NOTHING, DTLS_CHECK_FINGERPRINT, DTLS_CHECK_CHAIN, DTLS_CHECK_BOTH };
struct dtls_identity_prm {      /* an endpoint's dtls_* options; views */
	struct str cert_file, key_file; /* empty cert_file: the process's own certificate */
	struct str cipher;              /* OpenSSL's list; empty: its usual one */
	struct str ca_file, ca_path;    /* whom to believe; empty: nobody */
	enum dtls_verify verify;
	enum crypto_hash hash;          /* of our a=fingerprint */
	bool tag_32;                    /* srtp_tag_32: offer SRTP with the short tag too */
	uint32_t rekey_s;               /* 0: never */
};
/* The process's own certificate: an EC P-256 key and what it signed itself. Core. */
struct dtls_cert;               /* obj */
int dtls_cert_new(struct dtls_cert **out);
/* `own` is used (a reference taken) when the prm names no file. EINVAL: *why (room for
 * 200 bytes) says which file or list is at fault, and what to do. */
int dtls_identity_new(struct dtls_identity **out, const struct dtls_identity_prm *prm, struct dtls_cert *own,
		      char why[static 200]);
bool dtls_identity_is(const struct dtls_identity *d, const struct dtls_identity_prm *prm);
const struct crypto_fingerprint *dtls_identity_fingerprint(const struct dtls_identity *d);

enum dtls_state { DTLS_WAITING, DTLS_SHAKING, DTLS_UP, DTLS_FAILED, DTLS_HELD };

/* How an association reaches its wire. */
struct dtls_owner {
	bool (*send)(struct wire *w, bool rtcp, const struct sa *to, const uint8_t *p, size_t n);
	bool (*is_peer)(const struct wire *w, bool rtcp, const struct sa *from);
	void (*tell)(struct wire *w, bool rtcp, const struct media_event *e);
};

struct dtls_prm {
	const struct dtls_owner *owner;
	struct dtls_identity *identity; /* a reference is taken */
	struct crypto_fingerprint fingerprint;  /* of the peer */
	enum crypto_setup setup;        /* our role */
	unsigned mtu;
	bool replay;                    /* for the SRTP that it makes */
	bool rtcp;                      /* it is RTCP's own */
};
int dtls_new(struct dtls **out, const struct dtls_prm *prm);
enum dtls_state dtls_state(const struct dtls *d);
/* On the wire's thread: the wire's associations come to it, or leave the thread with it. */
void dtls_arrive(struct wire *w);
void dtls_leave(struct wire *w);

extern const struct wire_step dtls_step;

#endif
