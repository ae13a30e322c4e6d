/* media/stream.c -- packets in: checked, counted, passed on. */
#include "media/thread.h"
#include "media/trace.h"
#include "base/poison.h"

/* ---- what a media_session_set() means here */

static uint8_t forward_pt(const struct stream *to, const struct stream_codec *c)
{
	/* Cutting anew goes through the bytes. */
	if (to->tx.smooth && to->tx.smooth->cut && c->row && c->row->frame_bytes)
		return FWD_SLOW;
	for (size_t i = 0; i < to->cfg->n; i++)
		if (to->cfg->codec[i].id == c->id)
			return to->cfg->codec[i].pt_tx;
	return FWD_SLOW;
}

/* Only when it is the rate that a digit of our own would have: an event stands in the time
 * of the sound around it. */
static uint8_t forward_event(struct stream *to, uint32_t rate)
{
	int row = dtmf_row(to);

	return row >= 0 && to->cfg->set.event[row].rate == rate ? to->cfg->set.event[row].pt_tx : FWD_SLOW;
}

void stream_route(struct stream *s)
{
	memset(s->fwd, FWD_SLOW, sizeof(s->fwd));
	extend_route(s);
	if (!s->cfg || !s->peer || !s->peer->cfg)
		return;
	for (unsigned pt = 0; pt < 128; pt++) {
		uint8_t cls = s->cfg->cls[pt];

		if (cls < CLS_EVENT)
			s->fwd[pt] = forward_pt(s->peer, &s->cfg->codec[cls]);
		else if (cls < CLS_CN)
			s->fwd[pt] = forward_event(s->peer, s->cfg->set.event[cls - CLS_EVENT].rate);
	}
}

void stream_apply(struct stream *s, struct stream_cfg *cfg)
{
	struct stream_cfg *old = s->cfg;

	s->cfg = cfg;
	wire_secure(s, cfg);
	wire_set(s->w, &cfg->set);
	s->tx.codec = 0;
	s->report.set_us = s->t->now_us;
	s->report.told_timeout = false;
	s->tx.map.from = NULL;
	extend_named(s, false);
	if (s->tx.smooth)          /* bytes of a format that may be another now */
		s->tx.smooth->n = 0;
	stream_route(s);
	if (s->peer)
		stream_route(s->peer);
	if (old)
		mthread_give(s->t, EV_CFG, s, old, 0);
	source_changed(s);
	stream_rest(s);
}

/* ---- packets */

void stream_frame(struct stream *s, const struct stream_codec *c, const struct rtp *r, const uint8_t *p, bool raw)
{
	for (struct stream_ear *e = s->ears; e; e = e->next)
		if (e->ops->heard && e->ops->raw == raw)
			e->ops->heard(s, e, c, r, p);
}

void stream_go_on(struct stream *s, const struct stream_codec *c, const struct rtp *r, uint8_t *p)
{
	if (__builtin_expect(s->ears != NULL, 0))
		stream_frame(s, c, r, p, false);
	if (s->echo)
		send_relay(s, s, r, p);
	else if (s->peer && s->peer->cfg)
		send_relay(s->peer, s, r, p);
}

static void first_packet(struct stream *s, const struct sa *from)
{
	struct media_event e = { .type = MEDIA_FIRST_PACKET, .peer = *from };

	s->rx.told_first = true;
	mthread_event(s, &e);
}

/* Send in what they send, if we can make it: a peer that changed its mind has
 * said what it likes. asymmetric_rtp_codec turns this off. */
static void follow_codec(struct stream *s, uint8_t i)
{
	if (i == s->tx.codec || s->cfg->set.asymmetric_codec || !s->cfg->codec[i].row)
		return;
	s->tx.codec = i;
	if (s->peer)            /* its digits may have another rate here now */
		stream_route(s->peer);
}

static void codec_packet(struct stream *s, uint8_t i, const struct rtp *r, uint8_t *p)
{
	const struct stream_codec *c = &s->cfg->codec[i];

	rtp_rx_packet(&s->rx.count, r, c->clock, s->t->now_us);
	s->rx.pt = r->pt;
	if (!s->can_rx)
		return;
	follow_codec(s, i);
	if (__builtin_expect(s->hooks.first != NULL, 0)) {
		s->hooks.ops->heard(s, c, r, p);
		return;
	}
	if (__builtin_expect(s->ears != NULL, 0))
		stream_frame(s, c, r, p, true);
	stream_go_on(s, c, r, p);
}

/* On a wire of several, what comes from this source is ours from now on. */
static void claim_ssrc(struct stream *s, uint32_t ssrc)
{
	if (s->rx.has_ssrc && s->rx.ssrc == ssrc)
		return;
	list_each(l, &s->w->streams) {
		struct stream *o = container_of(l, struct stream, wire_link);

		if (o->rx.ssrc == ssrc)
			o->rx.has_ssrc = false;
	}
	s->rx.has_ssrc = true;
	s->rx.ssrc = ssrc;
}

void stream_packet(struct stream *s, const struct rtp *r, uint8_t *p, size_t n, const struct sa *from)
{
	uint8_t cls = s->cfg ? s->cfg->cls[r->pt] : CLS_NONE;

	/* Before anything may be learned from it, it must be one of ours. */
	if (cls == CLS_NONE) {
		s->stats.dropped_bad++;
		return;
	}
	if (!latch_accept(s, from, r->seq))
		return;
	s->stats.rx++;
	s->stats.rx_bytes += n;
	if (__builtin_expect(s->t->trace != NULL, 0))
		trace_rtp(s, false, from, p, n);
	s->rx.last_us = s->t->now_us;
	s->report.told_timeout = false;
	if (!s->rx.told_first)
		first_packet(s, from);
	if (__builtin_expect(s->w->shared, 0))
		claim_ssrc(s, r->ssrc);
	if (cls < CLS_EVENT) {
		codec_packet(s, cls, r, p);
	} else if (cls < CLS_CN) {
		rtp_rx_packet(&s->rx.count, r, 0, s->t->now_us);
		if (s->can_rx)
			dtmf_receive(s, r, p, s->cfg->set.event[cls - CLS_EVENT].rate);
	}
}

/* T.38 over UDPTL: sixteen bits of sequence, then what only the ends understand.
 * Relayed as it is. */
void stream_udptl(struct stream *s, uint8_t *p, size_t n, const struct sa *from)
{
	if (!s->cfg || n < 4) {
		s->stats.dropped_bad++;
		return;
	}
	if (!latch_accept(s, from, (uint16_t)(p[0] << 8 | p[1])))
		return;
	s->stats.rx++;
	s->stats.rx_bytes += n;
	s->rx.last_us = s->t->now_us;
	s->report.told_timeout = false;
	if (!s->rx.told_first)
		first_packet(s, from);
	if (s->can_rx && s->peer && s->peer->cfg && s->peer->can_tx)
		send_packet(s->peer, p, n);
}

/* One compound may speak of several streams (RFC 8843 section 9.2): each takes what
 * its own source said and what was said of its own SSRC. */
static void share_rtcp(struct wire *w, const uint8_t *p, size_t n, const struct sa *from)
{
	list_each(l, &w->streams) {
		struct stream *s = container_of(l, struct stream, wire_link);
		struct rtcp r;

		if (!s->cfg || rtcp_parse_pair(&r, p, n, s->tx.ssrc, s->rx.has_ssrc ? &s->rx.ssrc : NULL))
			continue;
		if (r.sr || r.rr || r.has_block || r.pli || r.fir)
			report_receive(s, &r, from);
		report_feedback(s, p, n);
	}
}

void stream_rtcp(struct wire *w, const uint8_t *p, size_t n, const struct sa *from)
{
	struct stream *s = w->only;
	struct rtcp r;

	if (!w->told || rtcp_parse(&r, p, n, s ? s->tx.ssrc : 0)) {
		w->dropped_bad++;
		return;
	}
	if (!latch_accept_rtcp(w, from, &r))
		return;
	if (s) {
		report_receive(s, &r, from);
		report_feedback(s, p, n);
	} else {
		share_rtcp(w, p, n, from);
	}
	s = list_empty(&w->streams) ? NULL : container_of(w->streams.next, struct stream, wire_link);
	if (__builtin_expect(w->t->trace != NULL, 0) && s)
		trace_rtcp(s, false, from, p, n, stream_tx_clock(s));
}
