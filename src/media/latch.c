/* media/latch.c -- whose packets are taken, and where ours go.
 *
 * A stream learns its source once after each SDP: the address in the SDP is
 * believed at its first packet; any other must send a few packets in sequence
 * within the learning time, and the SDP's own address still wins over it. When
 * that time is over others are dropped and counted, so that nobody can take
 * over or listen to a call by sending to its port. */
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

void stream_aim(struct stream *s)
{
	const struct media_set *set = &s->cfg->set;
	bool away = set->symmetric && sa_is_set(&s->latch.source) && !sa_eq(&s->latch.source, &set->remote);

	s->dst = away ? s->latch.source : set->remote;
	s->rtcp_dst = away ? s->latch.source : set->remote_rtcp;
	if ((away || !sa_is_set(&s->rtcp_dst)) && sa_is_set(&s->dst) && sa_port(&s->dst) < UINT16_MAX) {
		s->rtcp_dst = s->dst;
		sa_set_port(&s->rtcp_dst, (uint16_t)(sa_port(&s->dst) + 1));
	}
	if (set->rtcp_mux)
		s->rtcp_dst = s->dst;
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

bool latch_accept_rtcp(struct stream *s, const struct sa *from)
{
	const struct media_set *set = &s->cfg->set;

	if ((sa_is_set(&s->latch.source) && sa_eq_host(from, &s->latch.source)) ||
	    (sa_is_set(&set->remote) && sa_eq_host(from, &set->remote)) ||
	    (sa_is_set(&set->remote_rtcp) && sa_eq_host(from, &set->remote_rtcp))) {
		if (set->symmetric && !set->rtcp_mux) {
			s->rtcp_dst = *from;
			fit(s, &s->rtcp_dst);
		}
		return true;
	}
	s->stats.dropped_source++;
	return false;
}
