/* media/latch.c -- whose packets a wire takes, and where ours go.
 *
 * A wire learns its source once after each SDP: the address in the SDP is
 * believed at its first packet; any other must send a few packets in sequence
 * within the learning time, and the SDP's own address still wins over it. When
 * that time is over others are dropped and counted, so that nobody can take
 * over or listen to a call by sending to its port. RTCP follows: it is taken from
 * the port that belongs to the RTP source, and never says where RTP goes. */
#include "media/thread.h"
#include "base/num.h"
#include "base/poison.h"

/* An IPv4 peer of an IPv6 socket goes by its mapped address (RFC 4291 section 2.5.5.2). */
void wire_fit_family(const struct wire *w, struct sa *a)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };

	if (!w->v6 || !sa_is_set(a) || sa_is_v6(a))
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

static struct sa signalled_rtcp(const struct wire *w)
{
	return sa_is_set(&w->remote_rtcp) ? w->remote_rtcp : next_port(&w->remote);
}

/* Its RTP comes from elsewhere than the SDP said: a NAT is between us. */
static bool is_away(const struct wire *w)
{
	return sa_is_set(&w->latch.source) && !sa_eq(&w->latch.source, &w->remote);
}

/* With ICE its pairs say where; whoever tells its candidates later writes 0.0.0.0 in a line that is on. */
static bool names_address(const struct wire *w, const struct media_set *set)
{
	return (w->ice && set->ncodecs) || (sa_is_set(&set->remote) && !sa_is_any(&set->remote));
}

static void aim_stream(struct stream *s)
{
	const struct wire *w = s->w;
	const struct media_set *set;

	if (!s->cfg)
		return;
	set = &s->cfg->set;
	s->can_rx = set->dir & SDP_RECVONLY;
	s->can_tx = (set->dir & SDP_SENDONLY) && sa_is_set(&w->dst) && sa_port(&w->dst) &&
		    (!w->shared || names_address(w, set));
}

/* Where its checked pairs lead, whatever the SDP says. */
static void aim_ice(struct wire *w)
{
	w->dst = w->ice->dst[0];
	w->rtcp_dst = w->ice->dst[w->rtcp_mux ? 0 : 1];
	list_each(l, &w->streams)
		aim_stream(container_of(l, struct stream, wire_link));
}

void wire_aim(struct wire *w)
{
	bool away = w->symmetric && is_away(w);

	if (w->ice) {
		aim_ice(w);
		return;
	}
	w->dst = away ? w->latch.source : w->remote;
	if (w->rtcp_mux)
		w->rtcp_dst = w->dst;
	else if (away)
		w->rtcp_dst = sa_is_set(&w->latch.rtcp) ? w->latch.rtcp : next_port(&w->dst);
	else
		w->rtcp_dst = signalled_rtcp(w);
	if (sa_is_set(&w->dst) && sa_is_any(&w->dst))
		w->dst = w->rtcp_dst = (struct sa){ 0 };
	wire_fit_family(w, &w->dst);
	wire_fit_family(w, &w->rtcp_dst);
	list_each(l, &w->streams)
		aim_stream(container_of(l, struct stream, wire_link));
}

static void forget_candidate(struct wire *w)
{
	w->latch.cand = (struct sa){ 0 };
	list_each(l, &w->streams)
		container_of(l, struct stream, wire_link)->rx.cand_n = 0;
}

static void restart_latch(struct wire *w)
{
	w->latch = (struct latch){ .learning = true, .heard_us = w->latch.heard_us };
	forget_candidate(w);
	list_each(l, &w->streams)
		container_of(l, struct stream, wire_link)->rx.told_first = false;
}

void wire_set(struct wire *w, const struct media_set *set)
{
	/* An m= line that is off says nothing of a wire that others use. */
	if (!w->shared || names_address(w, set)) {
		if ((!w->told || set->relearn || !sa_eq(&w->remote, &set->remote)) && !w->ice)
			restart_latch(w);
		w->told = true;
		w->remote = set->remote;
		w->remote_rtcp = set->remote_rtcp;
		w->symmetric = set->symmetric;
		w->rtcp_mux = set->rtcp_mux;
	}
	wire_aim(w);
}

static void take_source(struct wire *w, const struct sa *from, bool exact)
{
	struct media_event e = { .type = MEDIA_SOURCE, .peer = *from };
	bool tell = !exact || sa_is_set(&w->latch.source);

	w->latch.source = *from;
	w->latch.exact = exact;
	w->latch.rtcp = (struct sa){ 0 };
	if (exact)
		w->latch.learning = false;
	forget_candidate(w);
	wire_aim(w);
	if (!tell)
		return;
	list_each(l, &w->streams)
		mthread_event(container_of(l, struct stream, wire_link), &e);
}

/* A packet of audio has 10 ms at least; 1 ms of each, and 5 in all, are jitter's. Who has not the time sends a
 * flood, to be the first to pass. */
static bool is_too_soon(const struct stream *s)
{
	uint64_t least_ms = (s->t->prm.learn_packets - 1) * UINT64_C(9);

	return s->t->prm.strict_time && s->type == MEDIA_AUDIO && s->t->now_us + 5000 < s->rx.cand_us + num_us_of_ms(least_ms);
}

/* Has this one sent enough in a row? Each stream has a sequence of its own. */
static bool passes_probation(struct stream *s, const struct sa *from, uint16_t seq)
{
	struct stream_rx *x = &s->rx;

	if (!sa_is_set(&s->w->latch.cand) || !sa_eq(&s->w->latch.cand, from)) {
		forget_candidate(s->w);
		s->w->latch.cand = *from;
	}
	x->cand_n = x->cand_n && seq == (uint16_t)(x->cand_seq + 1) ? (uint8_t)(x->cand_n + 1) : 1;
	x->cand_seq = seq;
	if (x->cand_n == 1)
		x->cand_us = s->t->now_us;
	if (x->cand_n < s->t->prm.learn_packets)
		return false;
	if (!is_too_soon(s))
		return true;
	x->cand_n = 1;
	x->cand_us = s->t->now_us;
	return false;
}

/* From another than the latched one: may it take the place? */
static bool may_take(struct stream *s, const struct sa *from, uint16_t seq)
{
	struct wire *w = s->w;
	struct latch *l = &w->latch;
	uint64_t now = s->t->now_us, window = num_us_of_ms(s->t->prm.learn_ms);
	bool exact = sa_eq(from, &w->remote);

	if (!l->until_us)
		l->until_us = now + window;
	if (l->learning && now >= l->until_us)
		l->learning = false;
	if (!s->t->prm.strict) {
		take_source(w, from, exact);
		return true;
	}
	if (sa_is_set(&w->remote) && exact) {
		/* The signalled address is entitled, though not to break in on
		 * one that has been talking beyond the learning time. */
		if (l->learning || !sa_is_set(&l->source) || now - l->heard_us >= window) {
			take_source(w, from, true);
			return true;
		}
	} else if (l->learning && !sa_is_set(&l->source) && passes_probation(s, from, seq)) {
		take_source(w, from, false);
		return true;
	}
	return false;
}

bool latch_accept(struct stream *s, const struct sa *from, uint16_t seq)
{
	struct wire *w = s->w;

	/* With ICE nothing comes this far that was not checked. */
	if (!(sa_is_set(&w->latch.source) && sa_eq(&w->latch.source, from)) && !w->ice && !may_take(s, from, seq)) {
		w->dropped_source++;
		return false;
	}
	w->latch.heard_us = s->t->now_us;
	return true;
}

bool latch_is_shut(const struct wire *w, const struct sa *from)
{
	const struct latch *l = &w->latch;

	return !w->ice && w->t->prm.strict && sa_is_set(&l->source) && !sa_eq(&l->source, from) && !sa_eq(&w->remote, from);
}

bool wire_is_peer(const struct wire *w, bool rtcp, const struct sa *from)
{
	struct sa told = rtcp ? signalled_rtcp(w) : w->remote;
	const struct sa *learnt = rtcp ? &w->latch.rtcp : &w->latch.source;

	/* With ICE nothing comes this far that was not checked. */
	if (w->ice)
		return true;
	return (sa_is_set(&told) && sa_eq(&told, from)) || (sa_is_set(learnt) && sa_eq(learnt, from));
}

static bool is_heard(const struct wire *w, uint32_t ssrc)
{
	list_each(l, &w->streams) {
		const struct rtp_rx *x = &container_of(l, struct stream, wire_link)->rx.count;

		if (x->started && x->ssrc == ssrc)
			return true;
	}
	return false;
}

/* Behind a NAT the port of RTCP is anybody's guess. The first that comes from the
 * source's host and knows the SSRC of its RTP is it, until the source changes: a
 * neighbour behind the same NAT comes too late, and a stranger cannot know it. */
static bool learn_rtcp(struct wire *w, const struct sa *from, const struct rtcp *r)
{
	struct latch *l = &w->latch;

	if (sa_is_set(&l->rtcp))
		return sa_eq(&l->rtcp, from);
	if (!sa_eq_host(from, &l->source) || !(r->sr || r->rr) || !is_heard(w, r->ssrc))
		return false;
	l->rtcp = *from;
	wire_aim(w);
	return true;
}

bool latch_accept_rtcp(struct wire *w, const struct sa *from, const struct rtcp *r)
{
	const struct sa *source = sa_is_set(&w->latch.source) ? &w->latch.source : &w->remote;
	struct sa signalled = signalled_rtcp(w);
	bool ok;

	if (w->ice)
		ok = true;
	else if (w->rtcp_mux)
		ok = sa_is_set(source) && sa_eq(from, source);
	else if (is_away(w))
		ok = learn_rtcp(w, from, r);
	else
		ok = sa_is_set(&signalled) && sa_eq(from, &signalled);
	w->dropped_source += !ok;
	return ok;
}
