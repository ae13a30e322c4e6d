/* bench/secure.h -- what the load generator needs to be a phone with SRTP: packets sealed
 * and opened (RFC 3711, 7714), keys in SDP (RFC 4568), DTLS handshakes (RFC 5764). All of
 * it on OpenSSL alone and apart from the server's code: that both agree is part of the
 * measurement. */
#ifndef BENCH_SECURE_H
#define BENCH_SECURE_H

#include "load.h"

enum srtp_suite { SRTP_NONE, SRTP_CM, SRTP_GCM };

#define SRTP_MASTER 30          /* [bytes] the longest master key with its salt */
#define SRTP_MORE 16            /* [bytes] a sealed packet is longer by so many at most */

struct srtp_way;                /* packets of one direction, under one key */

struct str srtp_suite_name(enum srtp_suite suite);
enum srtp_suite srtp_suite_of(struct str name);         /* SRTP_NONE: no such */
/* NULL: no memory. */
struct srtp_way *srtp_way_new(enum srtp_suite suite, const uint8_t master[SRTP_MASTER]);
void srtp_way_free(struct srtp_way *w);
/* In place; `p` begins with a header of 12 bytes. The new length; 0: failed, or not authentic. */
size_t srtp_seal(struct srtp_way *w, uint8_t *p, size_t n);
size_t srtp_open(struct srtp_way *w, uint8_t *p, size_t n);

/* The line a=crypto of one suite, written and looked for in the body of a message. */
void srtp_put_line(struct buf *b, uint32_t tag, enum srtp_suite suite, const uint8_t master[SRTP_MASTER]);
bool srtp_find_line(const struct msg *m, enum srtp_suite suite, uint32_t *tag, uint8_t master[SRTP_MASTER]);

/* ---- DTLS: one handshake for a call, on a socket of its own */

struct dtls_load;
struct dtls_leg;
typedef void dtls_done_fn(void *arg, uint32_t call);

/* NULL: no memory (a message is printed). `done` is called when a call's keys are agreed. */
struct dtls_load *dtls_load_new(struct load *l, uint32_t calls, dtls_done_fn *done, void *arg);
void dtls_load_free(struct dtls_load *d);
/* A new socket for the call; its port, 0: none. */
uint16_t dtls_open(struct dtls_load *d, uint32_t call);
void dtls_close(struct dtls_load *d, uint32_t call);
/* What our SDP says besides: a=setup, a=fingerprint. */
void dtls_put_lines(const struct dtls_load *d, struct buf *b);
/* The peer has answered: the handshake may begin. False: its SDP has no DTLS. */
bool dtls_begin(struct dtls_load *d, uint32_t call, const struct msg *m);
bool dtls_owns(const struct dtls_load *d, const void *data);
void dtls_read(struct dtls_load *d, void *data);
void dtls_tick(struct dtls_load *d);
void dtls_report(const struct dtls_load *d, FILE *out);
void dtls_mark(struct dtls_load *d);    /* delays are counted from now on */

#endif
