/* media/codec_codec2.c -- Codec 2 at 2400 bit/s by libcodec2: the only one of its rates that has a name in SDP. */
#include "media/codec_rows.h"
#include <codec2/codec2.h>
#include "base/poison.h"

enum { FRAME = 6, SAMPLES = 160 };

static void *state_new(enum codec_side side, const struct codec_prm *prm)
{
	(void)side;
	(void)prm;
	return codec2_create(CODEC2_MODE_2400);
}

static void state_free(void *st)
{
	if (st)
		codec2_destroy(st);
}

static size_t decode(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	size_t k = 0;

	for (; n >= FRAME && max - k >= SAMPLES; n -= FRAME, in += FRAME, k += SAMPLES)
		codec2_decode(st, out + k, in);
	return k;
}

static size_t encode(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	int16_t frame[SAMPLES];
	size_t k = 0;

	for (; n >= SAMPLES && max - k >= FRAME; n -= SAMPLES, in += SAMPLES, k += FRAME) {
		memcpy(frame, in, sizeof(frame));       /* libcodec2's argument is not const */
		codec2_encode(st, out + k, frame);
	}
	return k;
}

const struct codec codec_row_codec2 = {
	.id = FORMAT_CODEC2, .rate = 8000, .frame_samples = SAMPLES, .frame_bytes = FRAME, .cost = 40,
	.state_new = state_new, .state_free = state_free, .decode = decode, .encode = encode,
};
