/* media/send.c -- packets out: relayed under our own numbers, or made here. */
#include "media/thread.h"
#include "media/trace.h"
#include "base/poison.h"

/* For those who hear what passes. */
static void send_frame(struct stream *s, const uint8_t *p, size_t n)
{
	for (struct stream_ear *e = s->ears; e; e = e->next)
		if (e->ops->sent)
			e->ops->sent(s, e, p, n);
}

static inline void send_whole(struct stream *s, uint8_t *p, size_t n, size_t payload)
{
	if (!wire_send(s->w, false, &s->w->dst, p, n))
		return;
	if (__builtin_expect(s->t->trace != NULL, 0))
		trace_rtp(s, true, &s->w->dst, p, n);
	s->stats.tx++;
	s->stats.tx_bytes += n;
	s->tx.octets += (uint32_t)payload;
	s->tx.last_us = s->t->now_us;
}

bool send_udptl(struct stream *s, const uint8_t *p, size_t n)
{
	if (!wire_send(s->w, false, &s->w->dst, p, n))
		return false;
	if (__builtin_expect(s->t->trace != NULL, 0))
		trace_udptl(s, true, &s->w->dst, p, n);
	s->stats.tx++;
	s->stats.tx_bytes += n;
	s->tx.last_us = s->t->now_us;
	return true;
}

void send_packet(struct stream *s, uint8_t *p, size_t n)
{
	size_t payload;

	if (__builtin_expect(s->ears != NULL, 0))
		send_frame(s, p, n);
	if (__builtin_expect(s->hooks.lanes != 0, 0))
		p = s->hooks.ops->sent(s, p, &n);
	if (!p)
		return;
	payload = n - RTP_HEADER;
	if (__builtin_expect(s->tx.names, 0))
		p = extend_own(s, p, &n);
	send_whole(s, p, n, payload);
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

/* Sound in the place of packet `r`, whose clock is `in`. */
static void send_mapped(struct stream *to, struct stream *from, const struct rtp *r, uint32_t in, const struct stream_codec *c,
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
static void send_nothing(struct stream *to, struct stream *from, const struct rtp *r)
{
	struct tx_map *m = &to->tx.map;

	to->tx.quiet = true;
	if (m->from == from && m->ssrc == r->ssrc)
		m->seq_off--;
}

/* ---- the slow way: into another codec, or packets of another length */

/* Bytes of `c` into packets of its length. */
static void cut_bytes(struct stream *to, const struct stream_codec *c, const uint8_t *p, size_t n)
{
	struct smoother *sm = to->tx.smooth;
	size_t samples = codec_samples(c->row, c->ptime), want = codec_bytes(c->row, samples);

	if (!want || want > sm->room)
		return;
	if (sm->pcm || sm->n >= want)   /* samples, or of packets that were longer */
		sm->n = 0;
	sm->pcm = false;
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

static void send_bytes(struct stream *to, struct stream *from, const struct rtp *r, const struct stream_codec *in,
		       const struct stream_codec *c, const uint8_t *bytes, size_t n)
{
	if (to->tx.smooth && to->tx.smooth->cut && c->row && c->row->frame_bytes)
		cut_bytes(to, c, bytes, n);
	else if (n <= RTP_MAX - RTP_HEADER)
		send_mapped(to, from, r, in->clock, c, bytes, n);
	else if (c->row)
		send_pieces(to, c, bytes, n);
}

/* One packet of `want` samples; `r` is where it stands in time. */
static void encode_packet(struct stream *to, struct stream *from, const struct rtp *r, const struct stream_codec *in,
			  const struct stream_codec *c, const int16_t *pcm, size_t n)
{
	uint8_t *made = to->t->buf.bytes;
	size_t k = c->row->encode(c->enc, pcm, n, made, c->row->frame_bytes ? sizeof(to->t->buf.bytes) : RTP_MAX - RTP_HEADER);

	if (k)
		send_bytes(to, from, r, in, c, made, k);
	else if (!c->row->frame_bytes)
		send_nothing(to, from, r);
	else
		to->stats.untranslated++;
}

/* Samples into packets, where one side's packets have lengths of their own: what comes is
 * gathered until a packet is full. */
static void gather(struct stream *to, const struct rtp *r, const struct stream_codec *in, const struct stream_codec *c,
		   const int16_t *pcm, size_t n, size_t want)
{
	struct smoother *sm = to->tx.smooth;
	int16_t *held = (int16_t *)(void *)sm->buf;

	/* Bytes, or samples of a time that did not go on. */
	if (!sm->pcm || sm->n >= want || sm->ts != r->ts) {
		sm->n = 0;
		to->tx.map.from = NULL;
	}
	sm->pcm = true;
	sm->ts = r->ts + codec_ticks(c->row, n, in->clock);
	while (n) {
		size_t k = n < want - sm->n ? n : want - sm->n;

		memcpy(held + sm->n, pcm, k * sizeof(*pcm));
		sm->n = (uint16_t)(sm->n + k);
		pcm += k;
		n -= k;
		if (sm->n < want)
			break;
		source_pcm(to, c, held, want);
		sm->n = 0;
	}
}

/* Samples at the rate of `in` to whoever wants codec `c`. */
static void relay_pcm(struct stream *to, struct stream *from, const struct rtp *r, const struct stream_codec *in,
		      const struct stream_codec *c, size_t n)
{
	const int16_t *pcm = to->t->buf.pcm;
	size_t want = codec_samples(c->row, c->ptime);
	struct smoother *sm = to->tx.smooth;

	if (in->row->rate != c->row->rate) {
		n = sm ? rate_convert(&sm->conv, in->row->rate, c->row->rate, pcm, n, to->t->buf.pcm2, CODEC_MAX_SAMPLES) : 0;
		pcm = to->t->buf.pcm2;
	}
	if (!n)
		to->stats.untranslated++;
	else if ((in->row->frame_bytes && c->row->frame_bytes) || (n == want && !(sm && sm->pcm && sm->n)))
		encode_packet(to, from, r, in, c, pcm, n);
	else if (sm && want * sizeof(*pcm) <= sm->room)
		gather(to, r, in, c, pcm, n, want);
	else
		to->stats.untranslated++;
}

static void decode_and_relay(struct stream *to, struct stream *from, const struct rtp *r, const uint8_t *p,
			     const struct stream_codec *in, const struct stream_codec *c)
{
	struct decode_lost lost = decode_lost(&from->rx.place, in->row, in->dec, r);
	unsigned left = lost.n;

	if (lost.late)
		return;
	do {
		struct rtp at = *r;
		size_t n = decode_next(&from->rx.place, in->row, in->dec, r, p + r->at, lost, left, to->t->buf.pcm,
				       CODEC_MAX_SAMPLES);

		at.seq = (uint16_t)(r->seq - left);
		at.ts = r->ts - left * lost.samples;
		at.marker = r->marker && !left;
		if (n)
			relay_pcm(to, from, &at, in, c, n);
		else if (!left)
			to->stats.untranslated++;
	} while (left--);
}

static void relay_slow(struct stream *to, struct stream *from, const struct rtp *r, const uint8_t *p,
		     const struct stream_codec *in)
{
	const struct stream_codec *c = source_codec(to);

	/* The same format elsewhere in its table (packets of another length). */
	for (size_t i = 0; i < to->cfg->n; i++)
		if (to->cfg->codec[i].id == in->id)
			c = &to->cfg->codec[i];
	if (!c)
		return;
	if (c->id == in->id)
		send_bytes(to, from, r, in, c, p + r->at, r->n);
	else if (in->row && c->row)
		decode_and_relay(to, from, r, p, in, c);
	else
		to->stats.untranslated++;
}

static void send_extended(struct stream *to, uint8_t pt, size_t n, size_t payload)
{
	uint8_t *p = to->t->buf.extended;

	if (to->ears)
		send_frame(to, p, n);
	if (to->hooks.lanes)
		p = to->hooks.ops->sent(to, p, &n);
	to->tx.pt = pt;
	if (p)
		send_whole(to, p, n, payload);
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
	if (__builtin_expect(to->tx.passes && from != to, 0)) {
		uint8_t head[RTP_HEADER];
		size_t n;

		rtp_write(head, pt, r->marker || (start && in), seq, ts, to->tx.ssrc);
		n = extend_relayed(to, from, r, p, head);
		if (n) {
			send_extended(to, pt, n, r->n);
			return;
		}
	}
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
