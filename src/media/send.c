/* media/send.c -- packets out: relayed under our own numbers, or made here. */
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

static void smooth_jitter(struct stream *to, const struct stream_codec *c, const uint8_t *p, size_t n)
{
	struct smoother *sm = to->tx.smooth;
	size_t samples = codec_samples(c->row, c->ptime), want = codec_bytes(c->row, samples);

	if (!want || want > sizeof(sm->buf))
		return;
	if (sm->n >= want)      /* of packets that were longer */
		sm->n = 0;
	while (n) {
		size_t k = n < want - sm->n ? n : want - sm->n;

		memcpy(sm->buf + sm->n, p, k);
		sm->n = (uint16_t)(sm->n + k);
		p += k;
		n -= k;
		if (sm->n < want)
			break;
		send_sound(to, c, sm->buf, want, codec_ticks(c->row, samples, c->clock), !to->tx.map.from);
		to->tx.map.from = to;      /* our own numbers, going on */
		sm->n = 0;
	}
}

/* More than a packet holds, and nobody waits for the rest: pieces. */
static void send_pieces(struct stream *to, const struct stream_codec *c, const uint8_t *p, size_t n)
{
	size_t samples = codec_samples(c->row, c->ptime), want = codec_bytes(c->row, samples);

	for (size_t at = 0; want && at < n; at += want) {
		send_sound(to, c, p + at, n - at < want ? n - at : want, codec_ticks(c->row, samples, c->clock),
			   !to->tx.map.from);
		to->tx.map.from = to;
	}
}

/* From what came in, the bytes of codec `c`; 0: cannot be done. */
static size_t translate_packet(struct stream *to, const struct stream_codec *in, const struct stream_codec *c,
			       const uint8_t *p, size_t n, uint8_t *out, size_t max)
{
	struct mthread *t = to->t;
	const int16_t *pcm = t->buf.pcm;
	size_t k;

	if (!in->row || !c->row)
		return 0;
	k = in->row->decode(in->dec, p, n, t->buf.pcm, CODEC_MAX_SAMPLES);
	if (in->row->rate != c->row->rate) {
		if (to->tx.rs.from != in->row->rate || to->tx.rs.to != c->row->rate)
			resample_init(&to->tx.rs, in->row->rate, c->row->rate);
		k = resample_run(&to->tx.rs, t->buf.pcm, k, t->buf.pcm2, CODEC_MAX_SAMPLES);
		pcm = t->buf.pcm2;
	}
	return c->row->encode(c->enc, pcm, k, out, max);
}

static void relay_slow(struct stream *to, struct stream *from, const struct rtp *r, const uint8_t *p,
		       const struct stream_codec *in)
{
	const struct stream_codec *c = source_codec(to);
	uint8_t *out = to->t->buf.out, *made = to->t->buf.bytes;
	const uint8_t *bytes = p + r->at;
	size_t n = r->n;
	uint16_t seq;
	uint32_t ts;
	bool start;

	/* The same format elsewhere in its table (packets of another length). */
	for (size_t i = 0; i < to->cfg->n; i++)
		if (to->cfg->codec[i].id == in->id)
			c = &to->cfg->codec[i];
	if (!c)
		return;
	if (c->id != in->id) {
		n = translate_packet(to, in, c, p + r->at, r->n, made, sizeof(to->t->buf.bytes));
		bytes = made;
		if (!n) {
			to->stats.untranslated++;
			return;
		}
	}
	if (to->tx.smooth && c->row) {
		smooth_jitter(to, c, bytes, n);
		return;
	}
	if (n > RTP_MAX - RTP_HEADER) {
		if (c->row)
			send_pieces(to, c, bytes, n);
		return;
	}
	start = map_timestamp(to, from, r, in->clock, c->clock, &seq, &ts);
	memcpy(out + RTP_HEADER, bytes, n);
	rtp_write(out, c->pt_tx, r->marker || start, seq, ts, to->tx.ssrc);
	to->tx.pt = c->pt_tx;
	send_packet(to, out, RTP_HEADER + n);
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
			relay_slow(to, from, r, p, in);
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
	memmove(out + RTP_HEADER, p, n);
	rtp_write(out, c->pt_tx, first, s->tx.seq++, s->tx.ts, s->tx.ssrc);
	s->tx.pt = c->pt_tx;
	send_packet(s, out, RTP_HEADER + n);
}
