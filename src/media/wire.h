/* media/wire.h -- inside media/: where datagrams leave and arrive. A place is a
 * socket's descriptor, or a number of the struct media_wire that stands for the
 * sockets. Everything between a datagram and a stream's packets has its place
 * here: the kinds are told apart (RFC 7983), and SRTP, DTLS and ICE will stand
 * between mwire_arrived() and stream.c, and between send.c and mwire_send().
 * Threads: open and close any; the rest the stream's. */
#ifndef MEDIA_WIRE_H
#define MEDIA_WIRE_H

#include "media/thread.h"

/* `w` NULL: sockets. Port 0: any. errno of socket() or bind(). */
int mwire_open(const struct media_wire *w, const struct sa *at, int *place, struct sa *bound);
void mwire_close(const struct media_wire *w, int place);

/* Have the thread's epoll tell of both places of a stream, and no longer. */
int mwire_watch(struct stream *s);
void mwire_unwatch(struct stream *s);
/* Throw away what lies unread at the RTP place. Number of datagrams. */
size_t mwire_drain(struct stream *s);
/* epoll says that one of its places has something: take one datagram. */
void mwire_readable(struct stream *s, bool rtcp);
/* A datagram of `n` bytes has come. It lies in t->pkt, which is written to. */
void mwire_arrived(struct stream *s, bool rtcp, size_t n, const struct sa *from);
/* From its RTP or RTCP place; false: it did not leave. */
static inline bool mwire_send(struct stream *s, bool rtcp, const struct sa *to, const uint8_t *p, size_t n)
{
	const struct media_wire *w = s->t->wire;

	if (__builtin_expect(w != NULL, 0))
		return w->send(w->arg, s->fd[rtcp], to, p, n) == 0;
	return sendto(s->fd[rtcp], p, n, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.s, sa_len(to)) >= 0;
}

#endif
