/* media/wire.c -- datagrams in and out: sockets, or what a struct media_wire puts
 * in their place; and which kind of packet a datagram is. What is in a packet is
 * for stream.c, what goes into one for send.c and report.c. */
#include "media/wire.h"
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "base/poison.h"

/* ---- places */

static int socket_open(const struct sa *at, int *place, struct sa *bound)
{
	socklen_t len = sizeof(*bound);
	int err = 0, fd = socket(at->u.s.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno;
	*bound = *at;
	if (bind(fd, &at->u.s, sa_len(at)) || (!sa_port(at) && getsockname(fd, &bound->u.s, &len)))
		err = errno;
	if (err)
		close(fd);
	else
		*place = fd;
	return err;
}

int mwire_open(const struct media_wire *w, const struct sa *at, int *place, struct sa *bound)
{
	return w ? w->open(w->arg, at, place, bound) : socket_open(at, place, bound);
}

void mwire_close(const struct media_wire *w, int place)
{
	if (w)
		w->close(w->arg, place);
	else
		close(place);
}

/* ---- on the media thread */

/* epoll's word for a socket: the stream, with RTCP in the lowest bit. */
int mwire_watch(struct stream *s)
{
	for (unsigned i = 0; !s->t->wire && i < 2; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uintptr_t)s | i };

		if (epoll_ctl(s->t->ep, EPOLL_CTL_ADD, s->fd[i], &e))
			return errno;
	}
	return 0;
}

void mwire_unwatch(struct stream *s)
{
	/* Closing a socket would take it out of the epoll only if no child that
	 * is just being forked holds it as well. */
	for (int i = 0; !s->t->wire && i < 2; i++)
		epoll_ctl(s->t->ep, EPOLL_CTL_DEL, s->fd[i], NULL);
}

size_t mwire_drain(struct stream *s)
{
	size_t n = 0;

	/* Bounded: somebody may be sending faster than we throw away. */
	while (!s->t->wire && n < 1024 && recv(s->fd[0], s->t->pkt, sizeof(s->t->pkt), MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

static inline void arrived(struct stream *s, bool rtcp, size_t n, const struct sa *from)
{
	uint8_t *p = s->t->pkt;

	mthread_at(s->t, MEDIA_PACKETS, s);
	if (s->type == MEDIA_IMAGE) {
		if (!rtcp)
			stream_udptl(s, p, n, from);
		return;
	}
	switch (rtp_kind(p, n)) {
	case RTP_KIND_RTP:
		if (!rtcp) {
			stream_packet(s, p, n, from);
			return;
		}
		break;
	case RTP_KIND_RTCP:
		/* Both on one port only where that was agreed (RFC 5761 section 5.1.1). */
		if (rtcp || (s->cfg && s->cfg->set.rtcp_mux)) {
			stream_rtcp(s, p, n, from);
			return;
		}
		break;
	default:        /* STUN and DTLS: their rooms are not built yet */
		break;
	}
	s->stats.dropped_bad++;
}

void mwire_arrived(struct stream *s, bool rtcp, size_t n, const struct sa *from)
{
	arrived(s, rtcp, n, from);
}

void mwire_readable(struct stream *s, bool rtcp)
{
	struct mthread *t = s->t;
	struct sa from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(s->fd[rtcp], t->pkt, sizeof(t->pkt), MSG_DONTWAIT | MSG_TRUNC, &from.u.s, &len);

	if (n <= 0 || (size_t)n > sizeof(t->pkt)) {
		s->stats.dropped_bad += n > 0;
		return;
	}
	if (from.u.s.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&from.u.in6.sin6_addr)) {
		struct sa mapped = from;

		sa_from(&from, &mapped.u.s, len);
	}
	arrived(s, rtcp, (size_t)n, &from);
}
