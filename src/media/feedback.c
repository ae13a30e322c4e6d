/* media/feedback.c -- what one leg says of the video that it is relayed (RFC 4585, 5104), in the
 * numbers of the leg that makes it. Pure. */
#include "media/rtp.h"
#include "base/poison.h"

enum { NACK = 1, PLI = 1, FIR = 4, APPLICATION = 15, TRANSPORT_CC = 15, HEAD = 12, MOST = 16 };

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Header and the two SSRCs of a packet whose entries are `n` bytes. */
static void write_head(uint8_t *out, uint8_t format, uint8_t type, const struct rtcp_map *m, uint32_t media, size_t n)
{
	out[0] = (uint8_t)(0x80 | format);
	out[1] = type;
	out[2] = 0;             /* HEAD + 4 * MOST at most */
	out[3] = (uint8_t)((HEAD + n) / 4 - 1);
	put32(out + 4, m->sender);
	put32(out + 8, media);
}

/* RFC 4585 section 6.2.1: numbers of packets that are missing. They lie as far apart on
 * the other side, so that the bits beside each stay. */
static size_t map_nack(uint8_t *out, const uint8_t *p, size_t n, const struct rtcp_map *m)
{
	n = n / 4 < MOST ? n / 4 * 4 : 4 * MOST;
	for (size_t at = 0; at < n; at += 4) {
		uint16_t seq = (uint16_t)((p[at] << 8 | p[at + 1]) - m->seq_off);

		out[HEAD + at] = (uint8_t)(seq >> 8);
		out[HEAD + at + 1] = (uint8_t)seq;
		out[HEAD + at + 2] = p[at + 2];
		out[HEAD + at + 3] = p[at + 3];
	}
	if (n)
		write_head(out, NACK, RTCP_RTPFB, m, m->media, n);
	return n ? HEAD + n : 0;
}

/* RFC 5104 section 4.3.1: each entry names whom it wants a picture of. */
static size_t map_fir(uint8_t *out, const uint8_t *p, size_t n, const struct rtcp_map *m)
{
	for (; n >= 8; p += 8, n -= 8) {
		if (be32(p) != m->about)
			continue;
		put32(out + HEAD, m->media);
		put32(out + HEAD + 4, (uint32_t)p[4] << 24);
		write_head(out, FIR, RTCP_PSFB, m, 0, 8);
		return HEAD + 8;
	}
	return 0;
}

/* draft-alvestrand-rmcat-remb: how many bits a second all of the listed may send together. */
static size_t map_remb(uint8_t *out, const uint8_t *p, size_t n, const struct rtcp_map *m)
{
	bool ours = false;

	if (n < 8 || memcmp(p, "REMB", 4) != 0)
		return 0;
	for (size_t i = 0; i < p[4] && 12 + 4 * i <= n; i++)
		ours = ours || be32(p + 8 + 4 * i) == m->about;
	if (!ours)
		return 0;
	memcpy(out + HEAD, p, 8);
	out[HEAD + 4] = 1;
	put32(out + HEAD + 8, m->media);
	write_head(out, APPLICATION, RTCP_PSFB, m, 0, 12);
	return HEAD + 12;
}

/* draft-holmer-rmcat-transport-wide-cc-extensions section 3.1: which of the transport's packets came when.
 * The numbers lie as far apart on the other side, so only the first is another. Its padding
 * is part of it. `p`: the whole packet. */
static size_t map_transport_cc(uint8_t *out, size_t max, const uint8_t *p, size_t n, const struct rtcp_map *m)
{
	uint16_t base;

	if (n < 20 || n > max || be32(p + 8) != m->about || !m->counted)
		return 0;
	base = (uint16_t)((p[12] << 8 | p[13]) - m->cc_off);
	memcpy(out, p, n);
	put32(out + 4, m->sender);
	put32(out + 8, m->media);
	out[12] = (uint8_t)(base >> 8);
	out[13] = (uint8_t)base;
	return n;
}

/* One packet: `n` bytes behind its header of four. */
static size_t map_one(uint8_t *out, uint8_t type, uint8_t format, const uint8_t *p, size_t n, const struct rtcp_map *m)
{
	bool ours = n >= 8 && be32(p + 4) == m->about;

	if (n < 8)
		return 0;
	if (type == RTCP_RTPFB)
		return format == NACK && ours && m->numbered ? map_nack(out, p + 8, n - 8, m) : 0;
	switch (format) {
	case PLI:
		if (!ours)
			return 0;
		write_head(out, PLI, RTCP_PSFB, m, m->media, 0);
		return HEAD;
	case FIR:
		return map_fir(out, p + 8, n - 8, m);
	case APPLICATION:
		return map_remb(out, p + 8, n - 8, m);
	default:
		return 0;
	}
}

size_t rtcp_map_feedback(uint8_t *out, size_t max, const uint8_t *p, size_t n, const struct rtcp_map *m)
{
	size_t made = 0;

	while (n >= 4 && max - made >= HEAD + 4 * MOST) {
		size_t len = 4 + 4u * ((size_t)p[2] << 8 | p[3]), pad = p[0] & 0x20 && len <= n ? p[len - 1] : 0;

		if (len > n || pad > len - 4)
			break;
		if (p[1] == RTCP_RTPFB && (p[0] & 0x1f) == TRANSPORT_CC)
			made += map_transport_cc(out + made, max - made, p, len, m);
		else if (p[1] == RTCP_RTPFB || p[1] == RTCP_PSFB)
			made += map_one(out + made, p[1], p[0] & 0x1f, p + 4, len - 4 - pad, m);
		p += len;
		n -= len;
	}
	return made;
}
