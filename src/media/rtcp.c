/* media/rtcp.c -- RTCP compound packets (RFC 3550 section 6). */
#include "media/rtp.h"
#include <errno.h>
#include "base/poison.h"

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Whose words count. */
struct pair {
	uint32_t about;         /* our SSRC */
	const uint32_t *peer;   /* the sender's; NULL: nobody's */
	bool any;               /* anybody's, about whatever */
};

static bool is_peer(const struct pair *w, uint32_t ssrc)
{
	return w->any || (w->peer && *w->peer == ssrc);
}

static void block_parse(struct rtcp *out, const uint8_t *p, size_t count, size_t n, uint32_t about)
{
	for (; count && n >= 24; count--, p += 24, n -= 24) {
		uint32_t lost = be32(p + 4) & 0xffffff;

		if (be32(p) != about)
			continue;
		out->has_block = true;
		out->block = (struct rtcp_block){
			.ssrc = about, .fraction = p[4],
			.lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost,
			.max_seq = be32(p + 8), .jitter = be32(p + 12), .lsr = be32(p + 16), .dlsr = be32(p + 20),
		};
	}
}

static void sr_parse(struct rtcp *out, const uint8_t *p)
{
	out->sr = true;
	out->ssrc = be32(p);
	out->ntp_sec = be32(p + 4);
	out->ntp_frac = be32(p + 8);
	out->ts = be32(p + 12);
	out->packets = be32(p + 16);
	out->octets = be32(p + 20);
}

/* RFC 4585 section 6.3: 1 PLI, of the SSRC after the sender's. RFC 5104 section
 * 4.3.1: 4 FIR, of the SSRC in each entry; that other one is 0. */
static void picture_parse(struct rtcp *out, uint8_t format, const uint8_t *p, size_t n, const struct pair *w)
{
	bool ours = w->any || be32(p + 4) == w->about;

	if (format == 1 && ours)
		out->pli = true;
	for (size_t at = 8; format == 4 && !ours && at + 8 <= n; at += 8)
		ours = be32(p + at) == w->about;
	if (format == 4 && ours)
		out->fir = true;
}

static bool bye_names(const uint8_t *p, size_t count, const struct pair *w)
{
	bool found = w->any;

	for (size_t i = 0; i < count && !found; i++)
		found = is_peer(w, be32(p + 4 * i));
	return found;
}

/* One packet of the compound: `n` bytes after its four of header. */
static int one_parse(struct rtcp *out, uint8_t type, uint8_t count, const uint8_t *p, size_t n, const struct pair *w)
{
	switch (type) {
	case RTCP_SR:
		if (n < 24 + 24u * count)
			return EBADMSG;
		if (is_peer(w, be32(p)))
			sr_parse(out, p);
		block_parse(out, p + 24, count, n - 24, w->about);
		return 0;
	case RTCP_RR:
		if (n < 4 + 24u * count)
			return EBADMSG;
		if (is_peer(w, be32(p))) {
			out->rr = true;
			out->ssrc = be32(p);
		}
		block_parse(out, p + 4, count, n - 4, w->about);
		return 0;
	case RTCP_BYE:
		if (n < 4u * count)
			return EBADMSG;
		out->bye = out->bye || bye_names(p, count, w);
		return 0;
	case RTCP_PSFB:
		if (n < 8)
			return EBADMSG;
		picture_parse(out, count, p, n, w);
		return 0;
	default:
		return 0;
	}
}

static int compound_parse(struct rtcp *out, const uint8_t *p, size_t n, const struct pair *w)
{
	struct rtcp r = { 0 };
	bool any = false;

	while (n) {
		size_t len, pad = 0;

		if (n < 4 || p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223)
			return EBADMSG;
		len = 4 + 4u * ((size_t)p[2] << 8 | p[3]);
		if (len > n)
			return EBADMSG;
		if (p[0] & 0x20) {
			/* Only the last of a compound may be padded. */
			pad = p[len - 1];
			if (len != n || pad == 0 || pad > len - 4)
				return EBADMSG;
		}
		if (one_parse(&r, p[1], p[0] & 0x1f, p + 4, len - 4 - pad, w))
			return EBADMSG;
		any = true;
		p += len;
		n -= len;
	}
	if (!any)
		return EBADMSG;
	*out = r;
	return 0;
}

int rtcp_parse(struct rtcp *out, const uint8_t *p, size_t n, uint32_t about)
{
	return compound_parse(out, p, n, &(struct pair){ .about = about, .any = true });
}

int rtcp_parse_pair(struct rtcp *out, const uint8_t *p, size_t n, uint32_t about, const uint32_t *peer)
{
	return compound_parse(out, p, n, &(struct pair){ .about = about, .peer = peer });
}

/* ---- writing */

struct out {
	uint8_t *p;
	size_t n, max;
};

static void u8(struct out *o, uint32_t v)
{
	if (o->n < o->max)
		o->p[o->n] = (uint8_t)v;
	o->n++;
}

static void u32(struct out *o, uint32_t v)
{
	u8(o, v >> 24);
	u8(o, v >> 16);
	u8(o, v >> 8);
	u8(o, v);
}

/* Header of a packet of `words` 32-bit words after it. */
static void write_header(struct out *o, uint32_t count, uint32_t type, uint32_t words)
{
	u32(o, 0x80u << 24 | count << 24 | type << 16 | words);
}

static void write_report(struct out *o, const struct rtcp_out *r)
{
	uint32_t blocks = r->has_block ? 1 : 0;

	write_header(o, blocks, r->sender ? RTCP_SR : RTCP_RR, (r->sender ? 6 : 1) + 6 * blocks);
	u32(o, r->ssrc);
	if (r->sender) {
		u32(o, r->ntp_sec);
		u32(o, r->ntp_frac);
		u32(o, r->ts);
		u32(o, r->packets);
		u32(o, r->octets);
	}
	if (!blocks)
		return;
	u32(o, r->block.ssrc);
	u32(o, (uint32_t)r->block.fraction << 24 | ((uint32_t)r->block.lost & 0xffffff));
	u32(o, r->block.max_seq);
	u32(o, r->block.jitter);
	u32(o, r->block.lsr);
	u32(o, r->block.dlsr);
}

size_t rtcp_write(uint8_t *out, size_t max, const struct rtcp_out *r)
{
	struct out o = { .p = out, .max = max };
	struct str cname = str_sub(r->cname, 0, 200);
	/* SSRC, item header, text, its end, padded to a word. */
	size_t sdes = (4 + 2 + cname.n + 1 + 3) / 4, end;

	write_report(&o, r);
	write_header(&o, 1, RTCP_SDES, (uint32_t)sdes);
	end = o.n + 4 * sdes;
	u32(&o, r->ssrc);
	u8(&o, 1);      /* CNAME */
	u8(&o, (uint32_t)cname.n);
	for (size_t i = 0; i < cname.n; i++)
		u8(&o, (uint8_t)cname.p[i]);
	while (o.n < end)
		u8(&o, 0);
	if (r->bye) {
		write_header(&o, 1, RTCP_BYE, 1);
		u32(&o, r->ssrc);
	}
	return o.n <= max ? o.n : 0;
}

size_t rtcp_write_pli(uint8_t *out, size_t max, uint32_t ssrc, uint32_t media_ssrc)
{
	struct out o = { .p = out, .max = max };

	write_header(&o, 1, RTCP_PSFB, 2);
	u32(&o, ssrc);
	u32(&o, media_ssrc);
	return o.n <= max ? o.n : 0;
}

/* Seconds between 1900 (NTP) and 1970 (RFC 5905 section 6). */
void ntp_from_us(int64_t wall_us, uint32_t *sec, uint32_t *frac)
{
	uint64_t us = wall_us > 0 ? (uint64_t)wall_us : 0;

	*sec = (uint32_t)(us / 1000000 + 2208988800u);
	*frac = (uint32_t)(((us % 1000000) << 32) / 1000000);
}
