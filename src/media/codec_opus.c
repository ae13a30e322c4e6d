/* media/codec_opus.c -- Opus (RFC 6716, RTP: RFC 7587) by libopus, one channel at 48 kHz;
 * stereo is mixed down by the decoder. What the SDP says of it: sdp/opus.h. */
#include "media/codec_rows.h"
#include <opus.h>
#include <stdlib.h>
#include "base/poison.h"

enum { RATE = 48000, STEP = 120, LONGEST = 5760 };      /* [samples] 2.5 ms, 120 ms */

/* Memory for the library's state; it is filled with the first packet, so that a call
 * whose packets are only relayed never touches it. */
struct state {
	enum codec_side side;
	bool ready;
	struct codec_prm prm;
	uint8_t loss;           /* [%] as the encoder was last told */
	_Alignas(max_align_t) uint8_t mem[];
};

static void *state_new(enum codec_side side, const struct codec_prm *prm)
{
	int n = side == CODEC_DECODER ? opus_decoder_get_size(1) : opus_encoder_get_size(1);
	struct state *s = malloc(sizeof(*s) + (size_t)n);

	if (!s)
		return NULL;
	s->side = side;
	s->ready = false;
	s->loss = 0;
	s->prm = prm ? *prm : (struct codec_prm){ 0 };
	return s;
}

static void state_free(void *st)
{
	free(st);
}

/* ---- bytes to samples */

static OpusDecoder *decoder_of(struct state *s)
{
	OpusDecoder *d = (OpusDecoder *)(void *)s->mem;

	if (!s->ready && opus_decoder_init(d, RATE, 1) != OPUS_OK)
		return NULL;
	s->ready = true;
	return d;
}

static size_t opus_decode_packet(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	struct state *s = st;
	OpusDecoder *d = decoder_of(s);
	int k;

	/* No bytes at all would be taken for a packet that was lost. */
	if (!d || !n || n > INT32_MAX || !max)
		return 0;
	k = opus_decode(d, in, (opus_int32)n, out, max < LONGEST ? (int)max : LONGEST, 0);
	return k > 0 ? (size_t)k : 0;
}

static size_t opus_conceal(void *st, const uint8_t *next, size_t n, int16_t *out, size_t samples)
{
	struct state *s = st;
	int k;

	samples = samples < LONGEST ? samples / STEP * STEP : LONGEST;
	if (!s->ready || !samples || n > INT32_MAX)
		return 0;
	/* Where the next packet has no copy of the one before it, the library guesses. */
	k = next && n ? opus_decode(decoder_of(s), next, (opus_int32)n, out, (int)samples, 1) :
			opus_decode(decoder_of(s), NULL, 0, out, (int)samples, 0);
	return k > 0 ? (size_t)k : 0;
}

/* ---- samples to bytes */

static opus_int32 bandwidth_of(uint32_t rate)
{
	static const struct {
		uint32_t rate;
		opus_int32 band;
	} rows[] = {
		{ 8000, OPUS_BANDWIDTH_NARROWBAND }, { 12000, OPUS_BANDWIDTH_MEDIUMBAND },
		{ 16000, OPUS_BANDWIDTH_WIDEBAND }, { 24000, OPUS_BANDWIDTH_SUPERWIDEBAND },
	};

	/* RFC 7587 section 7: a rate between two of them is the lower one's. */
	for (size_t i = 0; rate && i + 1 < sizeof(rows) / sizeof(rows[0]); i++)
		if (rate < rows[i + 1].rate)
			return rows[i].band;
	return !rate || rate >= RATE ? OPUS_BANDWIDTH_FULLBAND : OPUS_BANDWIDTH_SUPERWIDEBAND;
}

static int encoder_init(OpusEncoder *e, const struct codec_prm *p)
{
	static const int uses[] = { OPUS_APPLICATION_VOIP, OPUS_APPLICATION_AUDIO, OPUS_APPLICATION_RESTRICTED_LOWDELAY };
	static const opus_int32 signals[] = { OPUS_AUTO, OPUS_SIGNAL_VOICE, OPUS_SIGNAL_MUSIC };
	int err = opus_encoder_init(e, RATE, 1, uses[p->use % 3]);

	if (err != OPUS_OK)
		return err;
	opus_encoder_ctl(e, OPUS_SET_BITRATE(p->bitrate ? (opus_int32)p->bitrate : OPUS_AUTO));
	opus_encoder_ctl(e, OPUS_SET_MAX_BANDWIDTH(bandwidth_of(p->max_rate)));
	opus_encoder_ctl(e, OPUS_SET_VBR(!p->cbr));
	opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(p->fec));
	opus_encoder_ctl(e, OPUS_SET_DTX(p->dtx));
	opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(p->loss));
	opus_encoder_ctl(e, OPUS_SET_COMPLEXITY(p->saving < 10 ? 10 - p->saving : 0));
	opus_encoder_ctl(e, OPUS_SET_SIGNAL(signals[p->signal % 3]));
	return OPUS_OK;
}

static OpusEncoder *encoder_of(struct state *s)
{
	OpusEncoder *e = (OpusEncoder *)(void *)s->mem;

	if (!s->ready && encoder_init(e, &s->prm) != OPUS_OK)
		return NULL;
	if (!s->ready)
		s->loss = s->prm.loss;
	s->ready = true;
	return e;
}

static size_t opus_encode_packet(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	struct state *s = st;
	OpusEncoder *e = encoder_of(s);
	int k;

	if (!e || n > LONGEST)
		return 0;
	k = opus_encode(e, in, (int)n, out, max < INT16_MAX ? (opus_int32)max : INT16_MAX);
	/* RFC 6716 and opus_encode(): with DTX two bytes or less need not be sent. */
	if (s->prm.dtx && k <= 2)
		return 0;
	return k > 0 ? (size_t)k : 0;
}

/* Up at once, down by a quarter a report: losses come in bursts. */
static void opus_expect_loss(void *st, unsigned percent)
{
	struct state *s = st;
	unsigned loss = percent < 100 ? percent : 100;

	if (s->side != CODEC_ENCODER || !s->ready)
		return;
	if (loss < s->loss)
		loss = (3u * s->loss + loss) / 4;
	loss = loss > s->prm.loss ? loss : s->prm.loss;
	if (loss == s->loss)
		return;
	s->loss = (uint8_t)loss;
	opus_encoder_ctl(encoder_of(s), OPUS_SET_PACKET_LOSS_PERC((opus_int32)loss));
}

const struct codec codec_row_opus = {
	.id = FORMAT_OPUS, .rate = RATE, .frame_samples = 480, .frame_bytes = 0, .cost = 60,
	.lengths = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5,
	.state_new = state_new, .state_free = state_free, .decode = opus_decode_packet, .encode = opus_encode_packet,
	.conceal = opus_conceal, .expect_loss = opus_expect_loss,
};
