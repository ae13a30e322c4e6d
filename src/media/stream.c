/* media/stream.c -- packets in: checked, counted, passed on. */
#include "media/thread.h"
#include <errno.h>
#include "base/poison.h"

/* ---- what a media_session_set() means here */

static uint8_t forward_pt(const struct stream *to, const struct stream_codec *c)
{
	/* Cutting anew goes through the bytes. */
	if (to->smooth && c->row)
		return FWD_SLOW;
	for (size_t i = 0; i < to->cfg->n; i++)
		if (to->cfg->codec[i].id == c->id)
			return to->cfg->codec[i].pt_tx;
	return FWD_SLOW;
}

static uint8_t forward_event(const struct stream *to, uint32_t rate)
{
	if (to->cfg->set.dtmf != MEDIA_DTMF_RFC4733)
		return FWD_SLOW;
	for (size_t i = 0; i < to->cfg->set.nevents; i++)
		if (to->cfg->set.event[i].rate == rate)
			return to->cfg->set.event[i].pt_tx;
	return FWD_SLOW;
}

void stream_route(struct stream *s)
{
	memset(s->fwd, FWD_SLOW, sizeof(s->fwd));
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
	const struct media_set *set = &cfg->set;

	s->cfg = cfg;
	if (!old || set->relearn || !sa_eq(&old->set.remote, &set->remote))
		latch_restart(s);
	stream_aim(s);
	s->tx_codec = 0;
	s->set_us = s->t->now_us;
	s->told_timeout = false;
	s->map.from = NULL;
	if (s->smooth)          /* bytes of a format that may be another now */
		s->smooth->n = 0;
	stream_route(s);
	if (s->peer)
		stream_route(s->peer);
	if (old)
		mthread_give(s->t, EV_CFG, s, old, 0);
	source_changed(s);
}

/* ---- packets */

/* Room for what looks at or changes decoded sound: a recorder's or a mixer's
 * tap, a tone detector (inband_detect). `p` is one payload of format `c`. */
void stream_frame(struct stream *s, const struct stream_codec *c, const uint8_t *p, size_t n)
{
	(void)s;
	(void)c;
	(void)p;
	(void)n;
}

static void first_packet(struct stream *s, const struct sa *from)
{
	struct media_event e = { .type = MEDIA_FIRST_PACKET, .peer = *from };

	s->told_first = true;
	mthread_event(s, &e);
}

/* Send in what they send, if we can make it: a peer that changed its mind has
 * said what it likes. asymmetric_rtp_codec turns this off. */
static void follow_codec(struct stream *s, uint8_t i)
{
	if (i == s->tx_codec || s->cfg->set.asymmetric_codec || !s->cfg->codec[i].row)
		return;
	s->tx_codec = i;
}

static void codec_packet(struct stream *s, uint8_t i, const struct rtp *r, uint8_t *p)
{
	const struct stream_codec *c = &s->cfg->codec[i];

	rtp_rx_packet(&s->rx, r, c->clock, s->t->now_us);
	s->rx_pt = r->pt;
	if (!s->can_rx)
		return;
	follow_codec(s, i);
	stream_frame(s, c, p + r->at, r->n);
	if (s->echo)
		send_relay(s, s, r, p);
	else if (s->peer && s->peer->cfg)
		send_relay(s->peer, s, r, p);
}

void stream_packet(struct stream *s, uint8_t *p, size_t n, const struct sa *from)
{
	struct rtp r;
	uint8_t cls;

	if (!s->cfg || rtp_parse(&r, p, n)) {
		s->stats.dropped_bad++;
		return;
	}
	cls = s->cfg->cls[r.pt];
	/* Before anything may be learned from it, it must be one of ours. */
	if (cls == CLS_NONE) {
		s->stats.dropped_bad++;
		return;
	}
	if (!latch_accept(s, from, r.seq))
		return;
	s->stats.rx++;
	s->stats.rx_bytes += n;
	s->last_rx_us = s->t->now_us;
	s->told_timeout = false;
	if (!s->told_first)
		first_packet(s, from);
	if (cls < CLS_EVENT) {
		codec_packet(s, cls, &r, p);
	} else if (cls < CLS_CN) {
		rtp_rx_packet(&s->rx, &r, 0, s->t->now_us);
		if (s->can_rx)
			dtmf_receive(s, &r, p, s->cfg->set.event[cls - CLS_EVENT].rate);
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
	s->last_rx_us = s->t->now_us;
	s->told_timeout = false;
	if (!s->told_first)
		first_packet(s, from);
	if (s->can_rx && s->peer && s->peer->cfg && s->peer->can_tx)
		send_packet(s->peer, p, n);
}

void stream_rtcp(struct stream *s, const uint8_t *p, size_t n, const struct sa *from)
{
	struct rtcp r;

	if (!s->cfg || rtcp_parse(&r, p, n, s->ssrc))
		s->stats.dropped_bad++;
	else if (latch_accept_rtcp(s, from, &r))
		report_receive(s, &r);
}
