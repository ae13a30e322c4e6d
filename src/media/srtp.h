/* media/srtp.h -- inside media/: SRTP and SRTCP of one wire (RFC 3711, 6188, 7714), by
 * libsrtp2 with AES and SHA-1 of OpenSSL (srtp_cipher.c).
 *
 * Data:    struct srtp: keys for what we send, and for what we receive. One that replaces
 *          another keeps the old receiving keys for a while (SRTP_GRACE_US), because
 *          packets sealed with them are still on their way.
 * Owner:   the core makes it (srtp_new), a command hands it to the media thread in a
 *          struct stream_cfg, wire.srtp holds it there. The thread drops what others
 *          replace, core_forget_wire() the last. DTLS makes its own on the media thread,
 *          at the end of a handshake.
 * States:  wire.steps has srtp_step and wire.srtp is NULL: no keys yet. Nothing leaves,
 *          what comes is dropped and counted. wire.srtp set: sealed and opened.
 * Cost:    no allocation a packet. libsrtp2 allocates once for each SSRC, which only a
 *          packet with a right tag can bring; the 65th takes the place of the oldest. */
#ifndef MEDIA_SRTP_H
#define MEDIA_SRTP_H

#include "media/wire.h"
#include "sdp/crypto.h"

enum { SRTP_SSRCS = 64, SRTP_GRACE_US = 5000000 };

struct srtp;                    /* obj */

struct srtp_prm {
	struct crypto_line tx, rx;      /* what we send with, what the peer does; tags are not looked at */
	bool replay;                    /* rtp.conf srtpreplayprotection: drop what came before */
};

/* Once before the first srtp_new(); again does no harm. Not from two threads at once.
 * EPROTO: the library's own tests fail. */
int srtp_setup(void);
/* ENOMEM, EINVAL: no such suite. Any thread. */
int srtp_new(struct srtp **out, const struct srtp_prm *prm);
/* On the wire's thread: `s` (may be NULL: no keys) is w->srtp[which] from now on. Takes
 * the reference; gives back what is to be dropped. */
struct srtp *srtp_install(struct wire *w, bool which, struct srtp *s);
enum crypto_suite srtp_suite(const struct srtp *s);
/* How often the sequence numbers of our packets from this SSRC went round. */
uint32_t srtp_rollover(const struct srtp *s, uint32_t ssrc);

/* Without a wire: for tests and fuzzing. Sealing needs room for SRTP_TRAILER and the MKI. */
enum { SRTP_TRAILER = 32 };
bool srtp_seal(struct srtp *s, bool rtcp, uint8_t *p, size_t *n, size_t max);
bool srtp_open(struct srtp *s, bool rtcp, uint8_t *p, size_t *n, uint64_t now_us);

/* Its memory is needed soon: fetch it; once it is there, what it leads to. */
void srtp_prefetch(const struct srtp *s);
void srtp_expect(const struct srtp *s);

extern const struct wire_step srtp_step;

/* srtp_cipher.c: OpenSSL's ciphers in place of libsrtp2's. EPROTO: they fail its tests. */
int srtp_cipher_install(void);

#endif
