/* media/wire.c -- datagrams in and out of a wire: which kind each is (RFC 7983), what
 * its steps make of it, and which of the wire's streams it is for. What is in a
 * packet is for stream.c; whose packets are taken is in latch.c. */
#include "media/thread.h"
#include "media/trace.h"
#include "media/dtls.h"
#include "media/srtp.h"
#include <errno.h>
#include <sys/epoll.h>
#include "base/poison.h"

void wire_init(struct wire *w, const struct media_net *net, const int place[2], const struct sa *local)
{
	*w = (struct wire){ .net = net, .place = { place[0], place[1] }, .port = sa_port(local), .v6 = sa_is_v6(local) };
	list_init(&w->streams);
}

void wire_shut(struct wire *w)
{
	place_close(w->net, w->place[0]);
	place_close(w->net, w->place[1]);
}

/* ---- its streams */

void wire_attach(struct wire *w, struct stream *s)
{
	/* Alone, it was not asked for its SSRC; now it must be told apart by it. */
	if (w->only && w->only->rx.count.started) {
		w->only->rx.has_ssrc = true;
		w->only->rx.ssrc = w->only->rx.count.ssrc;
	}
	list_append(&w->streams, &s->wire_link);
	w->nstreams++;
	w->shared = w->shared || w->nstreams > 1;
	w->only = w->nstreams == 1 ? s : NULL;
}

void wire_detach(struct wire *w, struct stream *s)
{
	list_remove(&s->wire_link);
	w->nstreams--;
	w->only = w->nstreams == 1 ? container_of(w->streams.next, struct stream, wire_link) : NULL;
}

/* RFC 8843 section 9.2: what the packet says of itself, what its source said
 * before, what the SDP says of its source, and last its payload type, if only one stream has it. */
struct stream *wire_choose(const struct wire *w, const struct rtp *r, const uint8_t *p)
{
	struct stream *by_ssrc = NULL, *by_word = NULL, *by_type = NULL;
	bool named = false;
	size_t types = 0;
	struct str mid;

	list_each(l, &w->streams) {
		struct stream *s = container_of(l, struct stream, wire_link);
		const struct media_set *set = s->cfg ? &s->cfg->set : NULL;

		if (!set)
			continue;
		if (set->ext[RTP_EXT_MID] && !rtp_extension(&mid, p, r->at, set->ext[RTP_EXT_MID])) {
			if (str_eq(mid, str_z(set->mid)))
				return s;
			named = true;
		}
		if (s->rx.has_ssrc && s->rx.ssrc == r->ssrc)
			by_ssrc = s;
		for (size_t i = 0; i < set->nssrcs; i++)
			by_word = set->ssrc[i] == r->ssrc ? s : by_word;
		if (s->cfg->cls[r->pt] != CLS_NONE) {
			by_type = s;
			types++;
		}
	}
	/* The name of a stream that we do not have: nobody's, whatever else it says. */
	if (named)
		return NULL;
	if (!by_ssrc)
		by_ssrc = by_word;
	return by_ssrc ? by_ssrc : types == 1 ? by_type : NULL;
}

/* ---- on the media thread */

/* epoll's word for a place: the wire, with RTCP in the lowest bit. */
void wire_watch(struct wire *w, struct mthread *t)
{
	w->t = t;
	for (unsigned i = 0; !w->net && i < 2 && w->place[i] >= 0; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u64 = (uintptr_t)w | i };

		epoll_ctl(t->ep, EPOLL_CTL_ADD, w->place[i], &e);
	}
	dtls_arrive(w);
	if (w->ice)
		w->ice->ops->arrive(w);
}

void wire_unwatch(struct wire *w)
{
	/* Closing a socket would take it out of the epoll only if no child that
	 * is just being forked holds it as well. */
	for (int i = 0; w->t && !w->net && i < 2 && w->place[i] >= 0; i++)
		epoll_ctl(w->t->ep, EPOLL_CTL_DEL, w->place[i], NULL);
	dtls_leave(w);
	if (w->ice)
		w->ice->ops->leave(w);
	w->cc.from = NULL;
	w->t = NULL;
}

void wire_drain(struct wire *w)
{
	uint8_t *pkt = w->t->buf.pkt;

	/* Bounded: somebody may be sending faster than we throw away. */
	for (int i = 0; !w->net && i < 1024 && recv(w->place[0], pkt, WIRE_DATAGRAM, MSG_DONTWAIT) >= 0; i++)
		w->dropped_bad++;
}

/* ---- steps */

/* Up from the socket. false: it ends here. */
static bool open_steps(struct wire *w, uint8_t *p, size_t *n, const struct sa *from)
{
	if (w->only && w->only->peer)
		wire_prefetch(w->only->peer->w);
	/* Whom the latch will not take costs no look at a tag. */
	if (w->srtp[0] && rtp_kind(p, *n) == RTP_KIND_RTP && latch_is_shut(w, from)) {
		w->dropped_source++;
		return false;
	}
	for (const struct wire_step *const *st = w->steps; *st; st++) {
		enum wire_verdict v = WIRE_PASS;

		if ((*st)->recv && (*st)->takes & WIRE_KIND(rtp_kind(p, *n)))
			v = (*st)->recv(w, p, n, from);
		w->dropped_bad += v == WIRE_BAD;
		if (v != WIRE_PASS)
			return false;
	}
	return true;
}

/* Down to the socket, in a copy, because each step may need room at the end. */
bool wire_send_steps(struct wire *w, bool rtcp, const struct sa *to, const uint8_t *p, size_t n)
{
	uint8_t *out = w->t->buf.sealed;
	unsigned kind = WIRE_KIND(rtp_kind(p, n));
	size_t i = 0;

	if (n > sizeof(w->t->buf.sealed))
		return false;
	memcpy(out, p, n);
	while (w->steps && w->steps[i])
		i++;
	while (i-- > 0) {
		const struct wire_step *st = w->steps[i];

		if (st->send && st->takes & kind && !st->send(w, out, &n, sizeof(w->t->buf.sealed)))
			return false;
	}
	if (w->ice)
		return w->ice->ops->out(w, rtcp, out, n, sizeof(w->t->buf.sealed));
	return place_send(w->net, w->place[rtcp], to, out, n);
}

/* ---- for DTLS */

static bool send_dtls(struct wire *w, bool rtcp, const struct sa *to, const uint8_t *p, size_t n)
{
	struct sa fit = *to;

	wire_fit_family(w, &fit);
	if (__builtin_expect(w->t->trace != NULL, 0))
		trace_raw(w->t, MEDIA_TRACE_DTLS, true, to, p, n);
	return wire_send(w, rtcp, &fit, p, n);
}

/* Of RTCP's own association only what goes wrong is news. */
static void tell_secure(struct wire *w, bool rtcp, const struct media_event *e)
{
	if (rtcp && !e->err)
		return;
	list_each(l, &w->streams)
		mthread_event(container_of(l, struct stream, wire_link), e);
}

const struct dtls_owner wire_dtls_owner = { .send = send_dtls, .is_peer = wire_is_peer, .tell = tell_secure };

/* ---- in */

static inline void take_rtp(struct wire *w, uint8_t *p, size_t n, const struct sa *from)
{
	struct stream *s = w->only;
	struct rtp r;

	if (s && s->peer && s->peer->w->srtp[0])
		srtp_prefetch(s->peer->w->srtp[0]);
	if (rtp_parse(&r, p, n)) {
		w->dropped_bad++;
		return;
	}
	if (__builtin_expect(!s, 0))
		s = wire_choose(w, &r, p);
	if (s)
		stream_packet(s, &r, p, n, from);
	else
		w->dropped_bad++;
}

/* Of a peer that may send here, as far as ICE knows. */
static inline void take_of_peer(struct wire *w, bool rtcp, size_t n, const struct sa *from)
{
	uint8_t *p = w->t->buf.pkt;

	if (__builtin_expect(w->steps != NULL, 0) && !open_steps(w, p, &n, from))
		return;
	if (w->udptl) {
		if (!rtcp && w->only)
			stream_udptl(w->only, p, n, from);
		return;
	}
	switch (rtp_kind(p, n)) {
	case RTP_KIND_RTP:
		if (!rtcp) {
			take_rtp(w, p, n, from);
			return;
		}
		break;
	case RTP_KIND_RTCP:
		/* Both on one port only where that was agreed (RFC 5761 section 5.1.1). */
		if (rtcp || w->rtcp_mux) {
			stream_rtcp(w, p, n, from);
			return;
		}
		break;
	default:        /* STUN and DTLS: no step has taken it */
		break;
	}
	w->dropped_bad++;
}

static inline void take_datagram(struct wire *w, bool rtcp, size_t n, struct sa *from)
{
	mthread_at(w->t, MEDIA_PACKETS, w);
	w->at_rtcp = rtcp;
	if (__builtin_expect(w->ice != NULL, 0) && !w->ice->ops->in(w, rtcp, w->t->buf.pkt, &n, from))
		return;
	take_of_peer(w, rtcp, n, from);
}

void wire_checked(struct wire *w, bool rtcp, size_t n, const struct sa *from)
{
	mthread_at(w->t, MEDIA_PACKETS, w);
	w->at_rtcp = rtcp;
	take_of_peer(w, rtcp, n, from);
}

void wire_arrived(struct wire *w, bool rtcp, size_t n, const struct sa *from)
{
	struct sa peer = *from;

	take_datagram(w, rtcp, n, &peer);
}

static void prefetch_stream(const struct stream *s)
{
	__builtin_prefetch(s);
	__builtin_prefetch(&s->rx);
	__builtin_prefetch(&s->tx);
	__builtin_prefetch((const char *)&s->tx + 64);
	__builtin_prefetch(&s->stats);
}

void wire_expect(const struct wire *w)
{
	if (w->only)
		prefetch_stream(w->only);
	if (w->srtp[0])
		srtp_prefetch(w->srtp[0]);
}

/* As wire_expect(), one step on: the streams and keys are there by now. */
static void expect_way(const struct wire *w)
{
	const struct stream *s = w->only;

	if (s && s->peer)
		prefetch_stream(s->peer);
	if (s && s->cfg)
		__builtin_prefetch(s->cfg->cls);
	if (w->srtp[0])
		srtp_expect(w->srtp[0]);
}

void wire_readable(struct wire *w, bool rtcp)
{
	struct sa from = { 0 };
	ssize_t n;

	expect_way(w);
	n = place_recv(w->place[rtcp], w->t->buf.pkt, WIRE_DATAGRAM, &from);

	if (n > 0 && n <= WIRE_DATAGRAM)
		take_datagram(w, rtcp, (size_t)n, &from);
	else
		w->dropped_bad += n > 0;
}
