/* media/codec.c -- the rows: the two laws of G.711 and signed linear. */
#include "media/codec_rows.h"
#include "base/num.h"
#include "base/poison.h"

/* ITU-T G.711: eight segments of sixteen steps; mu-law after a bias of 33 on
 * 14 bits (132 on 16), A-law on 13 bits with every other bit inverted. */
uint8_t codec_ulaw(int16_t s)
{
	unsigned sign = s < 0 ? 0x80 : 0;
	unsigned mag = (unsigned)(s < 0 ? -(int)s : s);
	unsigned seg;

	if (mag > 32635)
		mag = 32635;
	mag += 132;
	seg = 31u - (unsigned)__builtin_clz(mag) - 7;
	return (uint8_t)~(sign | seg << 4 | ((mag >> (seg + 3)) & 15));
}

int16_t codec_ulaw_linear(uint8_t u)
{
	unsigned v = (uint8_t)~u;
	int t = (int)((((v & 15) << 3) + 132) << ((v >> 4) & 7)) - 132;

	return (int16_t)(v & 0x80 ? -t : t);
}

uint8_t codec_alaw(int16_t s)
{
	unsigned mask = s < 0 ? 0x55 : 0xd5;
	unsigned mag = (unsigned)(s < 0 ? ~(int)s : s) >> 3, seg = 0;

	if (mag >= 32)
		seg = 31u - (unsigned)__builtin_clz(mag) - 4;
	return (uint8_t)((seg << 4 | ((mag >> (seg < 2 ? 1 : seg)) & 15)) ^ mask);
}

int16_t codec_alaw_linear(uint8_t a)
{
	unsigned v = a ^ 0x55u, seg = (v >> 4) & 7;
	int t = (int)((v & 15) << 4) + (seg ? 0x108 : 8);

	if (seg > 1)
		t <<= seg - 1;
	return (int16_t)(v & 0x80 ? t : -t);
}

static size_t ulaw_decode(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	(void)st;
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		out[i] = codec_ulaw_linear(in[i]);
	return n;
}

static size_t ulaw_encode(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	(void)st;
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		out[i] = codec_ulaw(in[i]);
	return n;
}

static size_t alaw_decode(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	(void)st;
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		out[i] = codec_alaw_linear(in[i]);
	return n;
}

static size_t alaw_encode(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	(void)st;
	n = n < max ? n : max;
	for (size_t i = 0; i < n; i++)
		out[i] = codec_alaw(in[i]);
	return n;
}

/* L16 is in network order (RFC 3551 section 4.5.11). */
static size_t l16_decode(void *st, const uint8_t *in, size_t n, int16_t *out, size_t max)
{
	(void)st;
	n = n / 2 < max ? n / 2 : max;
	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)(in[2 * i] << 8 | in[2 * i + 1]);
	return n;
}

static size_t l16_encode(void *st, const int16_t *in, size_t n, uint8_t *out, size_t max)
{
	(void)st;
	n = n < max / 2 ? n : max / 2;
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = (uint8_t)((uint16_t)in[i] >> 8);
		out[2 * i + 1] = (uint8_t)in[i];
	}
	return 2 * n;
}

#define L16(f, hz) { .id = FORMAT_##f, .rate = hz, .frame_samples = 1, .frame_bytes = 2, .cost = 2, \
	.decode = l16_decode, .encode = l16_encode }

static const struct codec own[] = {
	{ .id = FORMAT_ULAW, .rate = 8000, .frame_samples = 1, .frame_bytes = 1, .cost = 1, .silence = 0xff,
	  .decode = ulaw_decode, .encode = ulaw_encode },
	{ .id = FORMAT_ALAW, .rate = 8000, .frame_samples = 1, .frame_bytes = 1, .cost = 1, .silence = 0xd5,
	  .decode = alaw_decode, .encode = alaw_encode },
	L16(SLIN, 8000), L16(SLIN12, 12000), L16(SLIN16, 16000), L16(SLIN24, 24000), L16(SLIN32, 32000),
	L16(SLIN44, 44100), L16(SLIN48, 48000),
};

const struct codec *codec_get(enum format_id id)
{
	static const struct codec *const others[] = { &codec_row_gsm, &codec_row_g722, &codec_row_opus, &codec_row_codec2 };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (own[i].id == id)
			return &own[i];
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (others[i]->id == id && id != FORMAT_NONE)
			return others[i];
	return NULL;
}

bool codec_can_translate(enum format_id from, enum format_id to)
{
	return from == to || (codec_get(from) && codec_get(to));
}

size_t codec_bytes(const struct codec *c, size_t samples)
{
	return num_div(samples, c->frame_samples, 0) * c->frame_bytes;
}

size_t codec_samples(const struct codec *c, unsigned ms)
{
	return (size_t)ms * c->rate / 1000;
}

uint32_t codec_ticks(const struct codec *c, size_t samples, uint32_t clock)
{
	return num_u32(num_muldiv(samples, clock, c->rate, 0));
}

/* The longest that it can make up to `ms`; else its shortest. */
static uint8_t listed_ms(const struct codec *c, uint32_t ms)
{
	uint8_t best = 0;

	for (uint8_t i = 0; i < 16; i++)
		if (c->lengths >> i & 1 && (!best || 10u * (i + 1u) <= ms))
			best = (uint8_t)(10 * (i + 1));
	return best;
}

uint8_t codec_packet_ms(const struct codec *c, unsigned wish, size_t max)
{
	/* Frames end on a millisecond every `step`: 20 for GSM, 1 for most. A
	 * frame of G.722 is two samples, an eighth of a millisecond. */
	uint32_t frame = 1000u * c->frame_samples, step = num_u32(num_div(frame, num_gcd(c->rate, frame), 1));
	uint32_t ms = wish ? wish : CODEC_PTIME;

	if (c->lengths)
		return listed_ms(c, ms);
	ms = ms < UINT8_MAX ? ms : UINT8_MAX;
	ms = ms > CODEC_PTIME_MIN ? ms : CODEC_PTIME_MIN;
	ms = ms > step ? ms - (uint32_t)num_mod(ms, step, 0) : step;
	while (ms > step && (codec_bytes(c, codec_samples(c, ms)) > max || codec_samples(c, ms) > CODEC_MAX_SAMPLES))
		ms -= step;
	return num_u8(ms);
}
