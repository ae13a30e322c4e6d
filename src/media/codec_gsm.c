/* media/codec_gsm.c -- GSM 06.10 full rate by libgsm. One state does both
 * directions' worth of memory, so encoder and decoder each get their own. */
#include "media/codec_rows.h"
#include <errno.h>
#include <gsm.h>
#include <stdlib.h>
#include "base/poison.h"

enum { FRAME = 33, SAMPLES = 160 };

static void *state_new(enum codec_side side, const struct codec_prm *prm)
{
	(void)side;
	(void)prm;
	return gsm_create();
}

static void state_free(void *st)
{
	if (st)
		gsm_destroy(st);
}

static size_t gsm_decode_frames(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	uint8_t frame[FRAME];
	size_t k = 0;

	for (; n >= FRAME && max - k >= SAMPLES; n -= FRAME, in += FRAME, k += SAMPLES) {
		memcpy(frame, in, FRAME);       /* libgsm's argument is not const */
		if (gsm_decode(st, frame, out + k))
			break;
	}
	return k;
}

static size_t gsm_encode_frames(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	int16_t frame[SAMPLES];
	size_t k = 0;

	for (; n >= SAMPLES && max - k >= FRAME; n -= SAMPLES, in += SAMPLES, k += FRAME) {
		memcpy(frame, in, sizeof(frame));
		gsm_encode(st, frame, out + k);
	}
	return k;
}

const struct codec codec_row_gsm = {
	.id = FORMAT_GSM, .rate = 8000, .frame_samples = SAMPLES, .frame_bytes = FRAME, .cost = 10,
	.state_new = state_new, .state_free = state_free, .decode = gsm_decode_frames, .encode = gsm_encode_frames,
};

/* Microsoft's packing: two frames in 65 bytes, the first with a nibble more. */
int codec_gsm_wav49(struct str bytes, int16_t **out, size_t *n, uint32_t *rate)
{
	size_t blocks = bytes.n / 65, k = 0;
	int16_t *v = malloc((blocks * 2 * SAMPLES + 1) * sizeof(*v));
	gsm st = gsm_create();
	int on = 1;

	if (!v || !st) {
		free(v);
		if (st)
			gsm_destroy(st);
		return ENOMEM;
	}
	gsm_option(st, GSM_OPT_WAV49, &on);
	for (size_t i = 0; i < blocks; i++) {
		uint8_t block[66];

		memcpy(block, bytes.p + i * 65, 65);
		if (gsm_decode(st, block, v + k) || gsm_decode(st, block + 33, v + k + SAMPLES))
			break;
		k += 2 * SAMPLES;
	}
	gsm_destroy(st);
	*out = v;
	*n = k;
	*rate = 8000;
	return 0;
}

void *codec_gsm_wav49_encoder(void)
{
	gsm st = gsm_create();
	int on = 1;

	if (st)
		gsm_option(st, GSM_OPT_WAV49, &on);
	return st;
}

/* libgsm writes 32 bytes and a nibble that it keeps, then 33. */
void codec_gsm_wav49_block(void *st, const int16_t pcm[320], uint8_t out[65])
{
	int16_t frame[2 * SAMPLES];

	memcpy(frame, pcm, sizeof(frame));
	gsm_encode(st, frame, out);
	gsm_encode(st, frame + SAMPLES, out + 32);
}
