/* media/wav.c -- RIFF headers, read with suspicion, and what files of sound are written with. */
#include "media/file.h"
#include <errno.h>
#include <unistd.h>
#include "base/poison.h"

static uint16_t le16(const char *p)
{
	return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

static uint32_t le32(const char *p)
{
	return (uint32_t)le16(p) | (uint32_t)le16(p + 2) << 16;
}

enum format_id sound_slin_id(uint32_t rate)
{
	static const enum format_id ids[] = { FORMAT_SLIN, FORMAT_SLIN12, FORMAT_SLIN16, FORMAT_SLIN24,
					      FORMAT_SLIN32, FORMAT_SLIN44, FORMAT_SLIN48 };

	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		if (format_get(ids[i])->rate == rate)
			return ids[i];
	return FORMAT_NONE;
}

/* WAVE_FORMAT_ numbers: 1 PCM, 6 A-law, 7 mu-law, 0x31 GSM 6.10, 0xfffe extensible. */
static int fmt_parse(struct wav_info *w, struct str chunk)
{
	uint16_t tag;

	if (chunk.n < 16)
		return EBADMSG;
	tag = le16(chunk.p);
	w->channels = le16(chunk.p + 2);
	w->rate = le32(chunk.p + 4);
	w->bits = le16(chunk.p + 14);
	if (tag == 0xfffe && chunk.n >= 26)
		tag = le16(chunk.p + 24);
	if (!w->channels || w->channels > 8 || w->rate < 1000 || w->rate > 192000)
		return EBADMSG;
	switch (tag) {
	case 1:
		w->id = FORMAT_SLIN;
		return w->bits == 16 || w->bits == 8 ? 0 : EBADMSG;
	case 6:
	case 7:
		w->id = tag == 6 ? FORMAT_ALAW : FORMAT_ULAW;
		return w->bits == 8 && w->channels == 1 && w->rate == 8000 ? 0 : EBADMSG;
	case 0x31:
		w->id = FORMAT_GSM;
		w->wav49 = true;
		return w->channels == 1 && w->rate == 8000 ? 0 : EBADMSG;
	default:
		return EBADMSG;
	}
}

int wav_parse(struct wav_info *w, struct str bytes)
{
	struct wav_info out = { 0 };
	size_t at = 12;
	int err;

	if (bytes.n < 12 || memcmp(bytes.p, "RIFF", 4) || memcmp(bytes.p + 8, "WAVE", 4))
		return EBADMSG;
	while (bytes.n - at >= 8) {
		struct str id = str_sub(bytes, at, 4);
		size_t n = le32(bytes.p + at + 4);

		at += 8;
		if (str_eq(id, STR("data"))) {
			/* A length of 0 or past the end: still being written when it
			 * was copied; what is there counts. */
			out.data_at = at;
			out.data_n = n == 0 || n > bytes.n - at ? bytes.n - at : n;
			if (out.id == FORMAT_NONE)
				return EBADMSG;
			*w = out;
			return 0;
		}
		if (n > bytes.n - at)
			return EBADMSG;
		if (str_eq(id, STR("fmt "))) {
			err = fmt_parse(&out, str_sub(bytes, at, n));
			if (err)
				return err;
		}
		/* Chunks are padded to even lengths. */
		n += n & 1;
		at += n < bytes.n - at ? n : bytes.n - at;
	}
	return EBADMSG;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

void wav_header(uint8_t out[44], uint32_t rate, uint16_t channels, uint32_t data_n)
{
	static const uint8_t head[44] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\2\0\20\0data";

	memcpy(out, head, 44);
	put32(out + 4, data_n + 36);
	out[22] = (uint8_t)channels;
	put32(out + 24, rate);
	put32(out + 28, rate * 2 * channels);
	out[32] = (uint8_t)(2 * channels);
	put32(out + 40, data_n);
}

int sound_write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno != EINTR)
			return errno;
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
	}
	return 0;
}
