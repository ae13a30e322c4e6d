/* sdp/opus.c -- the fmtp of Opus: one row a parameter. */
#include "sdp/opus.h"
#include <stddef.h>
#include "base/num.h"
#include "base/poison.h"

enum kind { RATE, BITRATE, FLAG, LENGTH };

static const struct {
	const char *name;
	enum kind kind;
	size_t at;              /* in struct opus_fmtp */
} rows[] = {
	{ "maxplaybackrate", RATE, offsetof(struct opus_fmtp, max_playback) },
	/* Its name in drafts of the RFC. */
	{ "maxcodedaudiobandwidth", RATE, offsetof(struct opus_fmtp, max_playback) },
	{ "sprop-maxcapturerate", RATE, offsetof(struct opus_fmtp, max_capture) },
	{ "maxaveragebitrate", BITRATE, offsetof(struct opus_fmtp, max_bitrate) },
	{ "stereo", FLAG, offsetof(struct opus_fmtp, stereo) },
	{ "sprop-stereo", FLAG, offsetof(struct opus_fmtp, sprop_stereo) },
	{ "cbr", FLAG, offsetof(struct opus_fmtp, cbr) },
	{ "useinbandfec", FLAG, offsetof(struct opus_fmtp, fec) },
	{ "usedtx", FLAG, offsetof(struct opus_fmtp, dtx) },
	{ "ptime", LENGTH, offsetof(struct opus_fmtp, ptime) },
	{ "minptime", LENGTH, offsetof(struct opus_fmtp, minptime) },
	{ "maxptime", LENGTH, offsetof(struct opus_fmtp, maxptime) },
};

/* false: out of its range. */
static bool set_value(struct opus_fmtp *f, size_t row, uint32_t v)
{
	void *p = (uint8_t *)f + rows[row].at;

	switch (rows[row].kind) {
	case RATE:
		if (v < 8000)
			return false;
		*(uint32_t *)p = v < OPUS_RATE ? v : OPUS_RATE;
		return true;
	case BITRATE:
		if (v < OPUS_FMTP_LEAST)
			return false;
		*(uint32_t *)p = v < OPUS_FMTP_MOST ? v : OPUS_FMTP_MOST;
		return true;
	case FLAG:
		if (v > 1)
			return false;
		*(bool *)p = v;
		return true;
	case LENGTH:
		if (!v || v > 120)
			return false;
		*(uint8_t *)p = (uint8_t)v;
		return true;
	}
	return false;
}

void opus_fmtp_parse(struct opus_fmtp *f, struct str s)
{
	uint32_t seen = 0;

	*f = (struct opus_fmtp)OPUS_FMTP_INIT;
	while (s.n) {
		struct str val = str_trim(str_cut_raw(&s, ';')), name = str_trim(str_cut_raw(&val, '='));
		uint32_t v;

		if (str_u32(str_trim(val), &v))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (str_ieq(name, str_z(rows[i].name)) && !(seen >> i & 1) && set_value(f, i, v))
				seen |= 1u << i;
	}
}

static uint32_t value_of(const struct opus_fmtp *f, size_t row)
{
	const void *p = (const uint8_t *)f + rows[row].at;

	switch (rows[row].kind) {
	case RATE:
	case BITRATE:
		return *(const uint32_t *)p;
	case FLAG:
		return *(const bool *)p;
	default:
		return *(const uint8_t *)p;
	}
}

void opus_fmtp_write(struct buf *b, const struct opus_fmtp *f)
{
	static const struct opus_fmtp none = OPUS_FMTP_INIT;
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (value_of(f, i) == value_of(&none, i) || (i && rows[i].at == rows[i - 1].at))
			continue;
		buf_puts(b, any ? STR(";") : STR(""), str_z(rows[i].name), STR("="));
		buf_u64(b, value_of(f, i));
		any = true;
	}
}

void opus_fmtp_join(struct opus_fmtp *out, const struct opus_fmtp *ours, const struct opus_fmtp *peer)
{
	struct opus_fmtp f = {
		.max_playback = ours->max_playback < peer->max_playback ? ours->max_playback : peer->max_playback,
		.max_capture = ours->max_capture < peer->max_capture ? ours->max_capture : peer->max_capture,
		.max_bitrate = !ours->max_bitrate ? peer->max_bitrate : ours->max_bitrate,
		.stereo = ours->stereo && peer->stereo, .sprop_stereo = ours->sprop_stereo || peer->sprop_stereo,
		.cbr = ours->cbr || peer->cbr, .fec = ours->fec && peer->fec, .dtx = ours->dtx || peer->dtx,
	};

	if (peer->max_bitrate && peer->max_bitrate < f.max_bitrate)
		f.max_bitrate = peer->max_bitrate;
	*out = f;
}

uint8_t opus_ptime(const struct opus_fmtp *peer, uint8_t wish, uint32_t maxptime)
{
	uint32_t ms = wish;

	if (peer->minptime && ms < peer->minptime)
		ms = peer->minptime;
	if (peer->maxptime && ms > peer->maxptime)
		ms = peer->maxptime;
	if (maxptime && ms > maxptime)
		ms = maxptime;
	return num_u8(ms);
}
