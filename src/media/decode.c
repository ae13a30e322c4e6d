/* media/decode.c -- which packets of a sender are missing, and what is heard in their place. */
#include "media/decode.h"
#include "base/poison.h"

/* Farther apart than this the numbers are another sender's, or a sender's that began anew. */
enum { FAR = 100 };

struct decode_lost decode_lost(const struct decode_place *d, const struct codec *row, const void *st, const struct rtp *r)
{
	struct decode_lost lost = { 0 };
	int16_t step = (int16_t)(r->seq - d->seq);
	uint32_t missing, most = row->rate / 1000 * DECODE_CONCEAL_MS, grain = row->rate / 400;

	if (!row->conceal || d->st != st || d->ssrc != r->ssrc || step > FAR || step < -FAR)
		return lost;
	lost.late = step <= 0;
	if (step < 2)
		return lost;
	/* Rows that conceal have a clock of their rate. What is longer than the packets
	 * in it can have been is a pause that the sender made besides. */
	missing = r->ts - d->ts - d->samples;
	if (missing > FAR * most)
		return lost;
	lost.samples = missing / (uint32_t)(step - 1);
	if (lost.samples > most)
		lost.samples = d->samples;
	lost.samples = lost.samples / grain * grain;
	lost.n = (unsigned)(step - 1);
	if (lost.samples && lost.n > most / lost.samples)
		lost.n = most / lost.samples;
	if (!lost.samples)
		lost.n = 0;
	return lost;
}

size_t decode_next(struct decode_place *d, const struct codec *row, void *st, const struct rtp *r, const uint8_t *payload,
		   struct decode_lost lost, unsigned left, int16_t *out, size_t max)
{
	size_t n;

	/* Only the last one may be told by what came after it. */
	if (left)
		return lost.samples > max ? 0 :
		       row->conceal(st, left == 1 ? payload : NULL, left == 1 ? r->n : 0, out, lost.samples);
	n = row->decode(st, payload, r->n, out, max);
	*d = (struct decode_place){ .st = st, .ssrc = r->ssrc, .ts = r->ts, .seq = r->seq, .samples = (uint16_t)n };
	return n;
}
