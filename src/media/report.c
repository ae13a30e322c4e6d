/* media/report.c -- RTCP reports, timeouts and numbers: what happens about once
 * a second. */
#include "media/thread.h"
#include "media/trace.h"
#include "media/srtp.h"
#include "base/num.h"
#include "base/poison.h"

uint32_t stream_rx_clock(const struct stream *s)
{
	uint8_t cls = s->cfg ? s->cfg->cls[s->rx.pt & 127] : CLS_NONE;

	return cls < CLS_EVENT ? s->cfg->codec[cls].clock : 8000;
}

uint32_t stream_tx_clock(struct stream *s)
{
	const struct stream_codec *c = source_codec(s);

	for (size_t i = 0; s->cfg && i < s->cfg->n; i++)
		if (s->cfg->codec[i].pt_tx == s->tx.pt)
			return s->cfg->codec[i].clock;
	return c ? c->clock : 8000;
}

static bool send_rtcp(struct stream *s, const uint8_t *p, size_t n)
{
	if (!n || !sa_is_set(&s->w->rtcp_dst) || !sa_port(&s->w->rtcp_dst) ||
	    !wire_send(s->w, !s->w->rtcp_mux, &s->w->rtcp_dst, p, n))
		return false;
	s->stats.rtcp_tx++;
	if (__builtin_expect(s->t->trace != NULL, 0))
		trace_rtcp(s, true, &s->w->rtcp_dst, p, n, stream_rx_clock(s));
	return true;
}

/* ---- how good it is, and who wants to know */

static double jitter_s(const struct stream *s)
{
	return (double)(s->rx.count.jitter16 >> 4) / stream_rx_clock(s);
}

/* What this report has to say of loss is one value more. */
static void judge_received(struct stream *s)
{
	const struct rtp_rx *x = &s->rx.count;
	struct media_quality *q = &s->stats.quality;
	int32_t lost = (int32_t)(rtp_rx_expected(x) - x->expected_prior - (x->received - x->received_prior));

	if (!x->started)
		return;
	spread_add(&q->lost, lost > 0 ? lost : 0);
	spread_add(&q->mes, quality_mes(q->rtt.mean, jitter_s(s), q->jitter.stdev, q->lost.mean));
}

static void judge_sent(struct stream *s, const struct rtcp_block *b)
{
	struct media_quality *q = &s->stats.quality;

	spread_add(&q->remote_jitter, (double)b->jitter / stream_tx_clock(s));
	spread_add(&q->remote_lost, b->lost > 0 ? b->lost : 0);
	spread_add(&q->remote_mes, quality_mes(q->rtt.mean, q->remote_jitter.last, q->remote_jitter.stdev, q->remote_lost.mean));
}

/* A peer may send reports as it likes: of more than twenty a second nobody hears. */
static void tell_report(struct stream *s, bool sent, const struct rtcp *r, const struct sa *peer)
{
	const struct media_quality *q = &s->stats.quality;
	struct media_event e = { .type = MEDIA_RTCP, .peer = *peer };

	if (s->t->now_us - s->report.told_us >= 1000000) {
		s->report.told_us = s->t->now_us;
		s->report.told = 0;
	}
	if (s->report.told == 20)
		return;
	s->report.told++;
	e.rtcp.sent = sent;
	e.rtcp.mux = s->w->rtcp_mux;
	e.rtcp.sr = r->sr;
	e.rtcp.has_block = r->has_block;
	e.rtcp.ssrc = r->ssrc;
	e.rtcp.ntp_sec = r->ntp_sec;
	e.rtcp.ntp_frac = r->ntp_frac;
	e.rtcp.ts = r->ts;
	e.rtcp.packets = r->packets;
	e.rtcp.octets = r->octets;
	e.rtcp.block = r->block;
	e.rtcp.mes = (float)(sent ? q->mes.last : q->remote_mes.last);
	e.rtcp.rtt = (float)q->rtt.last;
	mthread_event(s, &e);
}

static void tell_sent(struct stream *s, const struct rtcp_out *r)
{
	struct rtcp same = { .sr = r->sender, .ssrc = r->ssrc, .ntp_sec = r->ntp_sec, .ntp_frac = r->ntp_frac, .ts = r->ts,
		.packets = r->packets, .octets = r->octets, .has_block = r->has_block, .block = r->block };

	tell_report(s, true, &same, &s->w->rtcp_dst);
}

/* ---- reports */

/* SR or RR about what was received since the last one (RFC 3550 section 6.4). */
void report_send(struct stream *s, bool bye)
{
	uint64_t now = s->t->now_us;
	struct rtcp_out r = { .ssrc = s->tx.ssrc, .bye = bye, .cname = str_z(s->report.cname) };
	uint8_t buf[300];

	if (!s->cfg || s->type == MEDIA_IMAGE || (!s->stats.tx && !s->rx.count.started))
		return;
	r.sender = s->stats.tx != s->report.told_tx;
	if (r.sender) {
		ntp_from_us(clock_wall_us(s->t->prm.clock), &r.ntp_sec, &r.ntp_frac);
		r.ts = s->tx.ts + (uint32_t)num_muldiv(now - s->tx.ts_us, stream_tx_clock(s), 1000000, 0);
		r.packets = (uint32_t)s->stats.tx;
		r.octets = s->tx.octets;
		s->report.told_tx = (uint32_t)s->stats.tx;
	}
	judge_received(s);
	if (s->rx.count.started) {
		r.has_block = true;
		r.block = (struct rtcp_block){
			.ssrc = s->rx.count.ssrc, .fraction = rtp_rx_fraction(&s->rx.count),
			/* 24 bits of the packet (RFC 3550 section 6.4.1). */
			.lost = (int32_t)num_clamp(rtp_rx_lost(&s->rx.count), -0x800000, 0x7fffff),
			.max_seq = s->rx.count.cycles + s->rx.count.max_seq, .jitter = s->rx.count.jitter16 >> 4,
		};
		if (s->report.last_sr_us) {
			r.block.lsr = s->report.last_sr;
			r.block.dlsr = num_u32(num_muldiv(now - s->report.last_sr_us, 65536, 1000000, 0));
		}
	}
	s->report.sent_us = now;
	if (send_rtcp(s, buf, rtcp_write(buf, sizeof(buf), &r)) && s->t->reports)
		tell_sent(s, &r);
}

/* What the peer says of the video that it sees goes to whom it sees (RFC 4585, 5104). */
void report_feedback(struct stream *s, const uint8_t *p, size_t n)
{
	struct stream *o = s->peer;
	struct rtcp_map m = { .about = s->tx.ssrc };
	uint8_t buf[RTP_MAX];

	if (s->type != MEDIA_VIDEO || !o || !o->cfg || !o->rx.count.started)
		return;
	m.sender = o->tx.ssrc;
	m.media = o->rx.count.ssrc;
	m.numbered = s->tx.map.from == o && s->tx.map.ssrc == m.media;
	m.seq_off = s->tx.map.seq_off;
	m.counted = s->w->cc.from == o->w;
	m.cc_off = s->w->cc.off;
	send_rtcp(o, buf, rtcp_map_feedback(buf, sizeof(buf), p, n, &m));
}

/* `fraction`: of 256 packets, lost on their way to the peer. */
static void tell_encoder(struct stream *s, uint8_t fraction)
{
	const struct stream_codec *c = source_codec(s);

	if (c && c->row && c->row->expect_loss && c->enc)
		c->row->expect_loss(c->enc, (100u * fraction + 128) / 256);
}

/* What the peer reports is kept as numbers. It changes nothing of how its RTP is
 * taken or ours is sent; a BYE neither, as RTP says itself when it stops. */
void report_receive(struct stream *s, const struct rtcp *r, const struct sa *from)
{
	uint64_t now = s->t->now_us;
	uint32_t sec, frac;

	s->stats.rtcp_rx++;
	s->report.heard_us = now;
	if (r->sr) {
		s->report.last_sr = ntp_middle(r->ntp_sec, r->ntp_frac);
		s->report.last_sr_us = now;
	}
	if (r->has_block) {
		uint32_t trip;

		s->stats.remote_lost = r->block.lost > 0 ? (uint64_t)r->block.lost : 0;
		s->stats.remote_jitter_ms = r->block.jitter * 1000.0 / stream_tx_clock(s);
		ntp_from_us(clock_wall_us(s->t->prm.clock), &sec, &frac);
		trip = ntp_middle(sec, frac) - r->block.lsr - r->block.dlsr;
		/* A clock that was set in between gives nonsense: over 30 s is none. */
		if (r->block.lsr && trip < 30 * 65536)
			s->stats.rtt_ms = trip * 1000.0 / 65536;
		if (r->block.lsr && trip < 30 * 65536)
			spread_add(&s->stats.quality.rtt, trip / 65536.0);
		judge_sent(s, &r->block);
	}
	if (r->has_block) {
		/* It has had a packet of this source, and so its name. */
		extend_named(s, true);
		tell_encoder(s, r->block.fraction);
	}
	if (s->t->reports && (r->sr || r->rr))
		tell_report(s, false, r, from);
}

static void check_timeout(struct stream *s)
{
	uint64_t ms = s->cfg->set.timeout_ms;
	uint64_t heard = s->rx.last_us > s->report.heard_us ? s->rx.last_us : s->report.heard_us;
	uint64_t since = heard > s->report.set_us ? heard : s->report.set_us;
	struct media_event e = { .type = MEDIA_TIMEOUT };

	if (!ms || s->report.told_timeout || s->t->now_us - since < num_us_of_ms(ms))
		return;
	s->report.told_timeout = true;
	e.ms = num_u32((s->t->now_us - since) / 1000);
	mthread_event(s, &e);
}

/* Comfort noise (RFC 3389), the least that keeps a NAT's door open. */
static void send_keepalive(struct stream *s)
{
	const uint64_t ms = s->cfg->set.keepalive_ms;
	uint64_t since = s->tx.last_us > s->report.set_us ? s->tx.last_us : s->report.set_us;
	uint8_t pkt[RTP_HEADER + 1];

	if (!ms || s->type == MEDIA_IMAGE || s->t->now_us - since < num_us_of_ms(ms) || !sa_is_set(&s->w->dst) || !sa_port(&s->w->dst))
		return;
	send_advance(s, 8000);
	rtp_write(pkt, 13, false, s->tx.seq++, s->tx.ts, s->tx.ssrc);
	pkt[RTP_HEADER] = 127;
	send_packet(s, pkt, sizeof(pkt));
}

void report_tick(struct stream *s)
{
	if (!s->cfg)
		return;
	if (s->rx.count.has_transit && s->rx.count.received != s->report.heard) {
		s->report.heard = s->rx.count.received;
		spread_add(&s->stats.quality.jitter, jitter_s(s));
	}
	check_timeout(s);
	send_keepalive(s);
	if (s->t->prm.rtcp_ms && s->t->now_us - s->report.sent_us >= num_us_of_ms(s->t->prm.rtcp_ms))
		report_send(s, false);
}

void report_fill(struct stream *s, struct media_stats *st)
{
	int32_t lost = rtp_rx_lost(&s->rx.count);
	uint8_t cls = s->cfg ? s->cfg->cls[s->rx.pt & 127] : CLS_NONE;

	*st = s->stats;
	st->dropped_bad += s->w->dropped_bad;
	st->dropped_source = s->w->dropped_source;
	st->rx_lost = lost > 0 ? (uint64_t)lost : 0;
	st->rx_jitter_ms = jitter_s(s) * 1000;
	if (s->rx.count.has_transit && !st->quality.jitter.n)
		spread_add(&st->quality.jitter, jitter_s(s));
	st->ssrc = s->tx.ssrc;
	st->remote_ssrc = s->rx.count.ssrc;
	st->rx_pt = s->rx.pt;
	st->tx_pt = s->tx.pt;
	st->rx_format = cls < CLS_EVENT ? s->cfg->codec[cls].id : FORMAT_NONE;
	for (size_t i = 0; s->cfg && i < s->cfg->n; i++)
		if (s->cfg->codec[i].pt_tx == s->tx.pt)
			st->tx_format = s->cfg->codec[i].id;
	st->source = s->w->latch.source;
	st->suite = s->w->srtp[0] ? srtp_suite(s->w->srtp[0]) : CRYPTO_NONE;
}
