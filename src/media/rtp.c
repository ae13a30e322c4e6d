/* media/rtp.c -- RTP headers, reception counts, telephone events. */
#include "media/rtp.h"
#include <errno.h>
#include "base/poison.h"

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

enum rtp_kind rtp_kind(const uint8_t *p, size_t n)
{
	if (n < 2)
		return RTP_KIND_JUNK;
	if (p[0] <= 3)
		return RTP_KIND_STUN;
	if (p[0] >= 20 && p[0] <= 63)
		return RTP_KIND_DTLS;
	if (p[0] < 128 || p[0] > 191)
		return RTP_KIND_JUNK;
	return p[1] >= 192 && p[1] <= 223 ? RTP_KIND_RTCP : RTP_KIND_RTP;
}

int rtp_parse(struct rtp *r, const uint8_t *p, size_t n)
{
	size_t at = RTP_HEADER, pad = 0;

	if (n < RTP_HEADER || n > UINT16_MAX || p[0] >> 6 != 2)
		return EBADMSG;
	at += 4u * (p[0] & 15);
	if (p[0] & 0x10) {
		if (n < at + 4)
			return EBADMSG;
		at += 4 + 4u * be16(p + at + 2);
	}
	if (at > n)
		return EBADMSG;
	if (p[0] & 0x20) {
		pad = p[n - 1];
		if (pad == 0 || pad > n - at)
			return EBADMSG;
	}
	r->marker = p[1] & 0x80;
	r->pt = p[1] & 0x7f;
	r->seq = be16(p + 2);
	r->ts = be32(p + 4);
	r->ssrc = be32(p + 8);
	r->at = (uint16_t)at;
	r->n = (uint16_t)(n - at - pad);
	return 0;
}

/* Bytes of 0 are padding in both forms. */
static int find_one_byte(struct str *out, const uint8_t *p, size_t at, size_t end, uint8_t id)
{
	while (at < end) {
		uint8_t is = p[at] >> 4;
		size_t n = (p[at] & 15) + 1u;

		/* 15 ends the list (section 4.2). */
		if (is == 15 || (is && at + 1 + n > end))
			return ENOENT;
		if (is && is == id) {
			*out = str_mk((const char *)p + at + 1, n);
			return 0;
		}
		at += is ? 1 + n : 1;
	}
	return ENOENT;
}

static int find_two_bytes(struct str *out, const uint8_t *p, size_t at, size_t end, uint8_t id)
{
	while (at < end) {
		uint8_t is = p[at];
		size_t n = is && at + 1 < end ? p[at + 1] : 0;

		if (is && at + 2 + n > end)
			return ENOENT;
		if (is == id) {
			*out = str_mk((const char *)p + at + 2, n);
			return 0;
		}
		at += is ? 2 + n : 1;
	}
	return ENOENT;
}

int rtp_extension(struct str *out, const uint8_t *p, size_t head, uint8_t id)
{
	size_t at = RTP_HEADER, end;
	bool two;

	if (head < RTP_HEADER || !(p[0] & 0x10) || !id)
		return ENOENT;
	at += 4u * (p[0] & 15);
	if (at + 4 > head)
		return ENOENT;
	/* The low four bits of the two-byte form's mark are the application's (section 4.3). */
	two = (be16(p + at) & 0xfff0) == 0x1000;
	end = at + 4 + 4u * be16(p + at + 2);
	if (end > head || (!two && be16(p + at) != 0xbede))
		return ENOENT;
	return two ? find_two_bytes(out, p, at + 4, end, id) : find_one_byte(out, p, at + 4, end, id);
}

size_t rtp_extensions_write(uint8_t *out, size_t max, const struct rtp_element *v, size_t n, bool two_bytes)
{
	size_t at = 4, head = two_bytes ? 2 : 1;

	for (size_t i = 0; i < n; i++) {
		size_t len = v[i].value.n;

		if (!v[i].id || (at + head + len + 3) / 4 * 4 > max || len > 255 || (!two_bytes && (v[i].id > 14 || len < 1 || len > 16)))
			return 0;
		out[at] = (uint8_t)(two_bytes ? v[i].id : (size_t)v[i].id << 4 | (len - 1));
		if (two_bytes)
			out[at + 1] = (uint8_t)len;
		memcpy(out + at + head, v[i].value.p, len);
		at += head + len;
	}
	if (max < 4)
		return 0;
	while (at % 4)
		out[at++] = 0;
	put16(out, two_bytes ? 0x1000 : 0xbede);
	put16(out + 2, (uint16_t)(at / 4 - 1));
	return at;
}

void rtp_write(uint8_t out[RTP_HEADER], uint8_t pt, bool marker, uint16_t seq, uint32_t ts, uint32_t ssrc)
{
	out[0] = 0x80;
	out[1] = (uint8_t)(pt | (marker ? 0x80 : 0));
	put16(out + 2, seq);
	put32(out + 4, ts);
	put32(out + 8, ssrc);
}

/* ---- reception */

/* RFC 3550 A.1: MAX_DROPOUT and MAX_MISORDER. */
enum { DROPOUT = 3000, MISORDER = 100 };

static void rx_start(struct rtp_rx *x, const struct rtp *r)
{
	*x = (struct rtp_rx){ .ssrc = r->ssrc, .max_seq = r->seq, .base_seq = r->seq, .started = true };
}

static void rx_seq(struct rtp_rx *x, const struct rtp *r)
{
	uint16_t delta;

	if (!x->started || x->ssrc != r->ssrc) {
		rx_start(x, r);
		return;
	}
	delta = (uint16_t)(r->seq - x->max_seq);
	if (delta < DROPOUT) {
		if (r->seq < x->max_seq)
			x->cycles += 65536;
		x->max_seq = r->seq;
	} else if (delta <= 65536 - MISORDER) {
		/* A jump: the sender began anew under its old name. */
		rx_start(x, r);
	}
}

void rtp_rx_packet(struct rtp_rx *x, const struct rtp *r, uint32_t clock, uint64_t now_us)
{
	uint32_t transit, d;

	rx_seq(x, r);
	x->received++;
	if (!clock)
		return;
	/* A.8: relative transit time in the stream's own clock. */
	transit = (uint32_t)(now_us / 1000 * clock / 1000 + now_us % 1000 * clock / 1000000) - r->ts;
	if (x->has_transit) {
		d = transit - x->transit;
		if (d > 0x7fffffff)
			d = 0 - d;
		/* A jump of the timestamp (hold, a new talk spurt of another
		 * source) is not jitter. */
		if (d < clock)
			x->jitter16 += d - ((x->jitter16 + 8) >> 4);
	}
	x->transit = transit;
	x->has_transit = true;
}

uint32_t rtp_rx_expected(const struct rtp_rx *x)
{
	return x->started ? x->cycles + x->max_seq - x->base_seq + 1 : 0;
}

int32_t rtp_rx_lost(const struct rtp_rx *x)
{
	return (int32_t)(rtp_rx_expected(x) - x->received);
}

uint8_t rtp_rx_fraction(struct rtp_rx *x)
{
	uint32_t expected = rtp_rx_expected(x) - x->expected_prior;
	uint32_t received = x->received - x->received_prior;

	x->expected_prior += expected;
	x->received_prior += received;
	if (!expected || expected > INT32_MAX || received >= expected)
		return 0;
	return (uint8_t)(((uint64_t)(expected - received) << 8) / expected > 255 ? 255 :
			 ((uint64_t)(expected - received) << 8) / expected);
}

/* ---- telephone events */

int rtp_event_parse(struct rtp_event *e, const uint8_t *p, size_t n)
{
	if (n < 4)
		return EBADMSG;
	e->event = p[0];
	e->end = p[1] & 0x80;
	e->volume = p[1] & 0x3f;
	e->duration = be16(p + 2);
	return 0;
}

void rtp_event_write(uint8_t out[4], const struct rtp_event *e)
{
	out[0] = e->event;
	out[1] = (uint8_t)((e->end ? 0x80 : 0) | (e->volume & 0x3f));
	put16(out + 2, e->duration);
}

static const char digits[] = "0123456789*#ABCD";

char rtp_event_digit(uint8_t event)
{
	return event < 16 ? digits[event] : 0;
}

int rtp_event_of(char digit)
{
	const char *at;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	at = digit ? strchr(digits, digit) : NULL;
	return at ? (int)(at - digits) : -1;
}
