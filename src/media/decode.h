/* media/decode.h -- packets of one sender, decoded in their order: what was lost in
 * between is concealed when the codec can. Pure; one owner. */
#ifndef MEDIA_DECODE_H
#define MEDIA_DECODE_H

#include "media/codec.h"
#include "media/rtp.h"

enum { DECODE_CONCEAL_MS = 120 };       /* as much of a gap is made up for, the end of it */

struct decode_place {           /* the last packet that was decoded; zeroed: none */
	const void *st;         /* its decoder; compared only */
	uint32_t ssrc, ts;
	uint16_t seq;
	uint16_t samples;       /* in it */
};

struct decode_lost {
	unsigned n;             /* packets before this one that are to be made up for, */
	uint32_t samples;       /* of so many samples each */
	bool late;              /* it comes after it was made up for: leave it */
};

/* What is missing before `r`. Nothing for a codec that conceals nothing. */
struct decode_lost decode_lost(const struct decode_place *d, const struct codec *row, const void *st, const struct rtp *r);
/* Packet number `left` before `r`, oldest first, or with 0 itself; `payload` is r's. Its samples. */
size_t decode_next(struct decode_place *d, const struct codec *row, void *st, const struct rtp *r, const uint8_t *payload,
		   struct decode_lost lost, unsigned left, int16_t *out, size_t max);

#endif
