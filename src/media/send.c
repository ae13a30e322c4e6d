/* media/send.c -- packets out: relayed under our own numbers, or made here. What has to be
 * decoded first is translate.c's. */
#include "media/thread.h"
#include "base/poison.h"

/* For those who hear what passes. */
static void send_frame(struct stream *s, const uint8_t *p, size_t n)
{
	for (struct stream_ear *e = s->ears; e; e = e->next)
		if (e->ops->sent)
			e->ops->sent(s, e, p, n);
}

void send_packet(struct stream *s, uint8_t *p, size_t n)
{
	if (__builtin_expect(s->ears != NULL, 0))
		send_frame(s, p, n);
	if (!wire_send(s->w, false, &s->w->dst, p, n))
		return;
	s->stats.tx++;
	s->stats.tx_bytes += n;
	s->tx.octets += (uint32_t)(n - RTP_HEADER);
	s->tx.last_us = s->t->now_us;
}

void send_advance(struct stream *s, uint32_t clock)
{
	uint64_t gap = s->tx.ts_us ? s->t->now_us - s->tx.ts_us : 0;

	/* An hour of silence is not told apart from a minute's. */
	if (gap > 3600000000u)
		gap = 3600000000u;
	/* At least a packet's worth, so that two never share a timestamp. */
	if (gap < GRID_US)
		gap = 2 * GRID_US;
	s->tx.ts += (uint32_t)(gap * clock / 1000000);
	s->tx.ts_us = s->t->now_us;
	s->tx.map.from = NULL;
}

/* Sequence number and timestamp of `r` in our stream; true: a new start. */
static bool map_timestamp(struct stream *to, const struct stream *from, const struct rtp *r, uint32_t in, uint32_t out,
			  uint16_t *seq, uint32_t *ts)
{
	struct tx_map *m = &to->tx.map;
	bool start = m->from != from || m->ssrc != r->ssrc;
	int32_t delta;

	if (start) {
		send_advance(to, out);
		*m = (struct tx_map){ .from = from, .ssrc = r->ssrc, .seq_off = (uint16_t)(to->tx.seq - r->seq),
				      .in_ts = r->ts, .out_ts = to->tx.ts };
	}
	delta = (int32_t)(r->ts - m->in_ts);
	*seq = (uint16_t)(r->seq + m->seq_off);
	*ts = m->out_ts + (in == out || !in ? (uint32_t)delta : (uint32_t)((int64_t)delta * out / in));
	/* Move the pair along, so that delta stays small. Whole seconds, so that
	 * nothing is lost between two clocks. */
	if (delta > (int32_t)(64 * in) && in) {
		m->in_ts += 64 * in;
		m->out_ts += 64 * out;
	}
	if ((int16_t)(*seq - to->tx.seq) >= 0) {
		to->tx.seq = (uint16_t)(*seq + 1);
		to->tx.ts = *ts;
		to->tx.ts_us = to->t->now_us;
	}
	return start;
}

void send_mapped(struct stream *to, struct stream *from, const struct rtp *r, uint32_t in, const struct stream_codec *c,
		 const uint8_t *p, size_t n)
{
	uint8_t *out = to->t->buf.out;
	uint16_t seq;
	uint32_t ts;
	bool start = map_timestamp(to, from, r, in, c->clock, &seq, &ts) || to->tx.quiet;

	to->tx.quiet = false;
	memcpy(out + RTP_HEADER, p, n);
	rtp_write(out, c->pt_tx, r->marker || start, seq, ts, to->tx.ssrc);
	to->tx.pt = c->pt_tx;
	send_packet(to, out, RTP_HEADER + n);
}

/* What is left out is no loss: the number that it would have had is the next one's. */
void send_nothing(struct stream *to, struct stream *from, const struct rtp *r)
{
	struct tx_map *m = &to->tx.map;

	to->tx.quiet = true;
	if (m->from == from && m->ssrc == r->ssrc)
		m->seq_off--;
}

/* The fast way: the header is rewritten in front of the payload where it lies. */
void send_relay(struct stream *to, struct stream *from, const struct rtp *r, uint8_t *p)
{
	uint8_t cls = from->cfg->cls[r->pt], pt = from == to ? FWD_SLOW : from->fwd[r->pt];
	const struct stream_codec *in = cls < CLS_EVENT ? &from->cfg->codec[cls] : NULL;
	uint32_t clock = in ? in->clock : from->cfg->set.event[cls - CLS_EVENT].rate;
	uint16_t seq;
	uint32_t ts;
	bool start;

	if (!to->can_tx || to->busy) {
		to->tx.map.from = NULL;
		return;
	}
	if (from == to)         /* echo */
		pt = in ? in->pt_tx : from->cfg->set.event[cls - CLS_EVENT].pt_tx;
	if (pt == FWD_SLOW) {
		if (in)
			translate_relay(to, from, r, p, in);
		return;
	}
	start = map_timestamp(to, from, r, clock, clock, &seq, &ts);
	p += r->at - RTP_HEADER;
	/* An event's marker means its beginning and is not ours to add. */
	rtp_write(p, pt, r->marker || (start && in), seq, ts, to->tx.ssrc);
	to->tx.pt = pt;
	send_packet(to, p, RTP_HEADER + (size_t)r->n);
}

/* A packet of our own making: `ticks` of the clock long. `first`: of a spurt. */
void send_sound(struct stream *s, const struct stream_codec *c, const uint8_t *p, size_t n, uint32_t ticks, bool first)
{
	uint8_t *out = s->t->buf.out;

	if (n > RTP_MAX - RTP_HEADER)
		return;
	if (first)
		send_advance(s, c->clock);
	else
		s->tx.ts += ticks;
	s->tx.ts_us = s->t->now_us;
	if (!s->can_tx)
		return;
	/* Nothing to be heard is not sent; its time passes. */
	if (!n) {
		s->tx.quiet = true;
		return;
	}
	memmove(out + RTP_HEADER, p, n);
	rtp_write(out, c->pt_tx, first || s->tx.quiet, s->tx.seq++, s->tx.ts, s->tx.ssrc);
	s->tx.quiet = false;
	s->tx.pt = c->pt_tx;
	send_packet(s, out, RTP_HEADER + n);
}
