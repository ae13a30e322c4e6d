/* media/latch.c -- whose packets are taken, and where ours go.
 *
 * A stream learns its source once after each SDP: the address in the SDP is
 * believed at its first packet; any other must send a few packets in sequence
 * within the learning time, and the SDP's own address still wins over it. When
 * that time is over others are dropped and counted, so that nobody can take
 * over or listen to a call by sending to its port. RTCP follows: it is taken from
 * the port that belongs to the RTP source, and never says where RTP goes. */
#include "media/thread.h"
#include "base/num.h"
#include "base/poison.h"

/* An IPv4 peer of an IPv6 socket goes by its mapped address (RFC 4291 section 2.5.5.2). */
static void fit(const struct stream *s, struct sa *a)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (!s->v6 || !sa_is_set(a) || sa_is_v6(a))
		return;
	six.sin6_port = a->u.in4.sin_port;
	six.sin6_addr.s6_addr[10] = six.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&six.sin6_addr.s6_addr[12], &a->u.in4.sin_addr, 4);
	a->u.in6 = six;
}

/* RFC 3605 section 2.1: where RTCP is unless a=rtcp says otherwise. */
static struct sa next_port(const struct sa *rtp)
{
	struct sa a = *rtp;

	if (!sa_is_set(&a) || sa_port(&a) == UINT16_MAX)
		return (struct sa){ 0 };
	sa_set_port(&a, (uint16_t)(sa_port(&a) + 1));
	return a;
}

static struct sa signalled_rtcp(const struct media_set *set)
{
	return sa_is_set(&set->remote_rtcp) ? set->remote_rtcp : next_port(&set->remote);
}

/* Its RTP comes from elsewhere than the SDP said: a NAT is between us. */
static bool is_away(const struct stream *s)
{
	return sa_is_set(&s->latch.source) && !sa_eq(&s->latch.source, &s->cfg->set.remote);
}

void stream_aim(struct stream *s)
{
	const struct media_set *set = &s->cfg->set;
	bool away = set->symmetric && is_away(s);

	s->dst = away ? s->latch.source : set->remote;
	if (set->rtcp_mux)
		s->rtcp_dst = s->dst;
	else if (away)
		s->rtcp_dst = sa_is_set(&s->latch.rtcp) ? s->latch.rtcp : next_port(&s->dst);
	else
		s->rtcp_dst = signalled_rtcp(set);
	s->can_tx = (set->dir & SDP_SENDONLY) && sa_is_set(&s->dst) && !sa_is_any(&s->dst) && sa_port(&s->dst);
	s->can_rx = set->dir & SDP_RECVONLY;
	if (sa_is_set(&s->dst) && sa_is_any(&s->dst))
		s->dst = s->rtcp_dst = (struct sa){ 0 };
	fit(s, &s->dst);
	fit(s, &s->rtcp_dst);
}

void latch_restart(struct stream *s)
{
	s->latch = (struct latch){ .learning = true };
	s->told_first = false;
}

static void take(struct stream *s, const struct sa *from, bool exact)
{
	struct media_event e = { .type = MEDIA_SOURCE, .peer = *from };
	bool tell = !exact || sa_is_set(&s->latch.source);

	s->latch.source = *from;
	s->latch.exact = exact;
	s->latch.cand_n = 0;
	s->latch.rtcp = (struct sa){ 0 };
	if (exact)
		s->latch.learning = false;
	stream_aim(s);
	if (tell)
		mthread_event(s, &e);
}

/* Has this one sent enough in a row? */
static bool probation(struct stream *s, const struct sa *from, uint16_t seq)
{
	struct latch *l = &s->latch;

	if (l->cand_n && sa_eq(&l->cand, from) && seq == (uint16_t)(l->cand_seq + 1)) {
		l->cand_n++;
	} else {
		l->cand = *from;
		l->cand_n = 1;
	}
	l->cand_seq = seq;
	return l->cand_n >= s->t->learn_packets;
}

bool latch_accept(struct stream *s, const struct sa *from, uint16_t seq)
{
	struct latch *l = &s->latch;
	uint64_t now = s->t->now_us, window = num_us_of_ms(s->t->learn_ms);

	if (sa_is_set(&l->source) && sa_eq(&l->source, from))
		return true;
	if (!l->until_us)
		l->until_us = now + window;
	if (l->learning && now >= l->until_us)
		l->learning = false;
	if (!s->t->strict) {
		take(s, from, sa_eq(from, &s->cfg->set.remote));
		return true;
	}
	if (sa_is_set(&s->cfg->set.remote) && sa_eq(from, &s->cfg->set.remote)) {
		/* The signalled address is entitled, though not to break in on
		 * one that has been talking beyond the learning time. */
		if (l->learning || !sa_is_set(&l->source) || now - s->last_rx_us >= window) {
			take(s, from, true);
			return true;
		}
	} else if (l->learning && !sa_is_set(&l->source) && probation(s, from, seq)) {
		take(s, from, false);
		return true;
	}
	s->stats.dropped_source++;
	return false;
}

/* Behind a NAT the port of RTCP is anybody's guess. The first that comes from the
 * source's host and knows the SSRC of its RTP is it, until the source changes: a
 * neighbour behind the same NAT comes too late, and a stranger cannot know it. */
static bool learn_rtcp(struct stream *s, const struct sa *from, const struct rtcp *r)
{
	struct latch *l = &s->latch;

	if (sa_is_set(&l->rtcp))
		return sa_eq(&l->rtcp, from);
	if (!sa_eq_host(from, &l->source) || !(r->sr || r->rr) || !s->rx.started || r->ssrc != s->rx.ssrc)
		return false;
	l->rtcp = *from;
	stream_aim(s);
	return true;
}

bool latch_accept_rtcp(struct stream *s, const struct sa *from, const struct rtcp *r)
{
	const struct media_set *set = &s->cfg->set;
	const struct sa *source = sa_is_set(&s->latch.source) ? &s->latch.source : &set->remote;
	struct sa signalled = signalled_rtcp(set);
	bool ok;

	if (set->rtcp_mux)
		ok = sa_is_set(source) && sa_eq(from, source);
	else if (is_away(s))
		ok = learn_rtcp(s, from, r);
	else
		ok = sa_is_set(&signalled) && sa_eq(from, &signalled);
	s->stats.dropped_source += !ok;
	return ok;
}
