/* Opus as a peer may send it: [what][...] the fmtp of its SDP, read, joined and written; or its
 * packets, one after another, [how][length][bytes], some of them lost. What is decoded is encoded again. */
#include <stdlib.h>
#include <string.h>
#include "media/decode.h"
#include "sdp/opus.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What is written is read as the same. */
static void fmtp(const char *p, size_t n)
{
	struct opus_fmtp f, ours = OPUS_FMTP_INIT, again;
	struct buf b = BUF_INIT, c = BUF_INIT;

	opus_fmtp_parse(&f, str_mk(p, n));
	if (f.max_playback < 8000 || f.max_playback > OPUS_RATE || f.ptime > 120)
		abort();
	opus_fmtp_write(&b, &f);
	opus_fmtp_parse(&again, buf_view(&b));
	opus_fmtp_write(&c, &again);
	if (!str_eq(buf_view(&b), buf_view(&c)))
		abort();
	ours.fec = true;
	opus_fmtp_join(&ours, &ours, &f);
	if (ours.max_playback > f.max_playback || (f.max_bitrate && ours.max_bitrate > f.max_bitrate))
		abort();
	if (!opus_ptime(&f, 20, 0))
		abort();
	buf_free(&b);
	buf_free(&c);
}

static void packets(const uint8_t *data, size_t n, struct codec_prm prm)
{
	const struct codec *row = codec_get(FORMAT_OPUS);
	void *dec = row->state_new(CODEC_DECODER, NULL), *enc = row->state_new(CODEC_ENCODER, &prm);
	struct decode_place place = { 0 };
	struct rtp r = { .ssrc = 1 };
	static int16_t pcm[CODEC_MAX_SAMPLES + 1];
	unsigned encoded = 0;

	while (dec && enc && n >= 2) {
		uint8_t how = data[0], bytes[1500];
		size_t k = data[1] < n - 2 ? data[1] : n - 2;
		struct decode_lost lost;
		unsigned left;

		r.seq = (uint16_t)(r.seq + (how & 15));
		r.ts += 120u * (how & 15) * (1 + (how >> 4));
		r.n = (uint16_t)k;
		lost = decode_lost(&place, row, dec, &r);
		left = lost.n;
		if (left * lost.samples > 48u * DECODE_CONCEAL_MS)
			abort();
		do {
			size_t made;

			pcm[CODEC_MAX_SAMPLES] = 0x55;
			made = lost.late ? 0 : decode_next(&place, row, dec, &r, data + 2, lost, left, pcm, CODEC_MAX_SAMPLES);
			if (made > 5760 || pcm[CODEC_MAX_SAMPLES] != 0x55)
				abort();
			/* Encoding takes most of the time: some of it is enough. */
			if (made >= 480 && encoded++ < 4 && row->encode(enc, pcm, 480, bytes, sizeof(bytes)) > sizeof(bytes))
				abort();
		} while (left--);
		row->expect_loss(enc, how);
		data += 2 + k;
		n -= 2 + k;
	}
	if (dec)
		row->state_free(dec);
	if (enc)
		row->state_free(enc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (!n)
		return 0;
	if (data[0] & 1)
		fmtp((const char *)data + 1, n - 1);
	else
		packets(data + 1, n - 1, (struct codec_prm){ .fec = data[0] & 2, .dtx = data[0] & 4, .cbr = data[0] & 8,
			.saving = 10, .max_rate = data[0] & 16 ? 8000 : 0 });
	return 0;
}
