/* net/tls_pipe.h -- the accepting side of a TLS connection without a socket: bytes of the peer go in, what they
 * say and what has to be sent come out. For whoever has the socket himself (manage/client.c).
 * Threads: one owner. */
#ifndef NET_TLS_PIPE_H
#define NET_TLS_PIPE_H

#include "net/tls.h"

struct tls_pipe;        /* owned */

/* NULL: ENOMEM. `now_ms`: as the clock of the loop, to look at the context's files now and then. */
struct tls_pipe *tls_pipe_new(struct tls_context *t, uint64_t now_ms);
void tls_pipe_free(struct tls_pipe *p);      /* NULL is fine */
/* Bytes of the peer: what they say is appended to `plain`, what is to be sent to `out`, on an error too.
 * 0; EPIPE: the peer ended it; EPROTO: it is no TLS, or none that we speak; ENOMEM. */
int tls_pipe_take(struct tls_pipe *p, struct str bytes, struct buf *plain, struct buf *out);
/* What to say. Until the handshake is done it waits inside. EPROTO, ENOMEM. */
int tls_pipe_put(struct tls_pipe *p, struct str plain, struct buf *out);
/* Nothing more will be said. */
void tls_pipe_end(struct tls_pipe *p, struct buf *out);

#endif
