/* media/translate.c -- relaying the slow way: packets into another codec, or of another
 * length. The fast way, and what leaves, is send.c's. */
#include "media/thread.h"
#include "base/poison.h"

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
	struct mthread *t = to->t;
	const int16_t *pcm = t->buf.pcm;
	size_t want = codec_samples(c->row, c->ptime);
	struct smoother *sm = to->tx.smooth;

	if (in->row->rate != c->row->rate) {
		if (to->tx.rs.from != in->row->rate || to->tx.rs.to != c->row->rate)
			resample_init(&to->tx.rs, in->row->rate, c->row->rate);
		n = resample_run(&to->tx.rs, t->buf.pcm, n, t->buf.pcm2, CODEC_MAX_SAMPLES);
		pcm = t->buf.pcm2;
	}
	if ((in->row->frame_bytes && c->row->frame_bytes) || (n == want && !(sm && sm->pcm && sm->n)))
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

void translate_relay(struct stream *to, struct stream *from, const struct rtp *r, const uint8_t *p,
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
