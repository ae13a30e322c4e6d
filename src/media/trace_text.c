/* media/trace_text.c -- what `rtp set debug`, `rtcp set debug`, `stun set debug` and the category
 * dtls_packet show of a packet, in the words of Asterisk. Pure. */
#include "media/trace.h"
#include "media/stun.h"
#include "base/poison.h"

struct name {
	unsigned v;
	const char *name;
};

static const char *name_of(const struct name *v, size_t n, unsigned key, const char *other)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].v == key)
			return v[i].name;
	return other;
}

static unsigned be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static const char *via(const struct media_trace *t)
{
	return t->ice ? " (via ICE)" : "";
}

/* ---- RTP */

static void write_digit(struct buf *out, const struct media_trace *t, const struct rtp *r, const char *peer)
{
	const uint8_t *p = t->p + r->at;

	if (t->out || r->at + 4u > t->kept || r->n < 4)
		return;
	buf_printf(out, "Got  RTP RFC2833 from   %s (type %-2.2u, seq %-6.6u, ts %-6.6u, len %-6.6u, mark %d, "
		   "event %08x, end %d, duration %-5.5u)\n", peer, r->pt, r->seq, r->ts, r->n, r->marker, (unsigned)p[0],
		   p[1] >> 7, be16(p + 2));
}

static void write_rtp(struct buf *out, const struct media_trace *t)
{
	char peer[SA_TEXT];
	const struct rtp *r = &t->rtp;

	sa_text(&t->peer, peer);
	buf_printf(out, "%s%s%s (type %-2.2u, seq %-6.6u, ts %-6.6u, len %-6.6u)\n",
		   !t->out ? "Got  RTP packet from    " : t->event ? "Sent RTP DTMF packet to " :
		   r->pt == 13 ? "Sent Comfort Noise RTP packet to " : "Sent RTP packet to      ", peer, t->out ? via(t) : "",
		   r->pt, r->seq, r->ts, r->n);
	if (t->event)
		write_digit(out, t, r, peer);
}

/* ---- RTCP */

static const struct name types[] = { { RTCP_SR, "Sender Report" }, { RTCP_RR, "Receiver Report" },
	{ RTCP_SDES, "Source Description" }, { RTCP_BYE, "BYE" }, { RTCP_RTPFB, "RTPFB" }, { RTCP_PSFB, "PSFB" },
	{ 192, "H.261 FUR" } };

static void write_ntp(struct buf *out, const char *before, const uint8_t *p)
{
	/* Seconds of 1900 to those of 1970. */
	buf_printf(out, "%s%u.%06u\n", before, be32(p) - 2208988800u, (unsigned)((uint64_t)be32(p + 4) * 1000000 >> 32));
}

static double secs(uint32_t samples, const struct media_trace *t)
{
	return t->clock ? (double)samples / t->clock : 0;
}

static void write_block_sent(struct buf *out, const struct media_trace *t, const uint8_t *p)
{
	buf_printf(out, "  Report block:\n    Their SSRC: %u\n    Fraction lost: %u\n    Cumulative loss: %u\n", be32(p), p[4],
		   be32(p + 4) & 0xffffff);
	buf_printf(out, "    Highest seq no: %u\n    IA jitter (samp): %u\n    IA jitter (secs): %.6f\n", be32(p + 8),
		   be32(p + 12), secs(be32(p + 12), t));
	buf_printf(out, "    Their last SR: %u\n    DLSR: %4.4f (sec)\n", be32(p + 16), be32(p + 20) / 65536.0);
}

static void write_sent(struct buf *out, const struct media_trace *t, const uint8_t *p, size_t n)
{
	bool sr = p[1] == RTCP_SR;
	size_t at = sr ? 28 : 8;
	char peer[SA_TEXT];

	if (n < at)
		return;
	buf_printf(out, "* Sent RTCP %s to %s%s\n  Our SSRC: %u\n", sr ? "SR" : "RR", sa_text(&t->peer, peer), via(t), be32(p + 4));
	if (sr) {
		write_ntp(out, "  Sent(NTP): ", p + 8);
		buf_printf(out, "  Sent(RTP): %u\n  Sent packets: %u\n  Sent octets: %u\n", be32(p + 16), be32(p + 20), be32(p + 24));
	}
	if ((p[0] & 0x1f) && n >= at + 24)
		write_block_sent(out, t, p + at);
}

static void write_block_came(struct buf *out, const struct media_trace *t, const uint8_t *p)
{
	uint32_t lsr = be32(p + 16);

	buf_printf(out, "  Fraction lost: %u\n  Packets lost so far: %u\n  Highest sequence number: %u\n"
		   "  Sequence number cycles: %u\n", p[4], be32(p + 4) & 0xffffff, be16(p + 10), be16(p + 8));
	buf_printf(out, "  Interarrival jitter (samp): %u\n  Interarrival jitter (secs): %.6f\n", be32(p + 12),
		   secs(be32(p + 12), t));
	buf_printf(out, "  Last SR(our NTP): %u.%010llu\n  DLSR: %4.4f (sec)\n", lsr >> 16,
		   (unsigned long long)(lsr & 0xffff) * 65536 * 4096, be32(p + 20) / 65536.0);
	buf_printf(out, "  RTT: %4.4f(sec)\n  MES: %4.1f\n", (double)t->rtt, (double)t->mes);
}

static void write_report_came(struct buf *out, const struct media_trace *t, const uint8_t *p, size_t n)
{
	size_t at = p[1] == RTCP_SR ? 28 : 8;

	if (n < at)
		return;
	if (at == 28) {
		write_ntp(out, "NTP timestamp: ", p + 8);
		buf_printf(out, "RTP timestamp: %u\nSPC: %u\tSOC: %u\n", be32(p + 16), be32(p + 20), be32(p + 24));
	}
	if ((p[0] & 0x1f) && n >= at + 24)
		write_block_came(out, t, p + at);
}

static const char *subtype(unsigned type, unsigned count)
{
	static const struct name transport[] = { { 1, "NACK" }, { 15, "TRANSPORT-CC" } };
	static const struct name picture[] = { { 1, "PLI" }, { 4, "FIR" }, { 15, "REMB" } };

	if (type == RTCP_RTPFB)
		return name_of(transport, ARRAY_LEN(transport), count, NULL);
	return type == RTCP_PSFB ? name_of(picture, ARRAY_LEN(picture), count, NULL) : NULL;
}

static void write_came(struct buf *out, const struct media_trace *t, const uint8_t *p, size_t n)
{
	unsigned count = p[0] & 0x1f, type = p[1];
	const char *sub = subtype(type, count), *what = name_of(types, ARRAY_LEN(types), type, NULL);
	char peer[SA_TEXT];

	sa_text(&t->peer, peer);
	if (!what) {
		buf_printf(out, "\nRTCP from %s: %u(Unknown) skipping record\n", peer, type);
		return;
	}
	buf_printf(out, "\nRTCP from %s\nPT: %u (%s)\n", peer, type, what);
	if (sub)
		buf_printf(out, "Packet Subtype: %u (%s)\n", count, sub);
	else
		buf_printf(out, "Reception reports: %u\n", count);
	buf_printf(out, "SSRC of sender: %u\n", n >= 8 && type != RTCP_SDES && type != RTCP_BYE ? be32(p + 4) : 0);
	if (type == RTCP_SR || type == RTCP_RR)
		write_report_came(out, t, p, n);
	else if (type == RTCP_RTPFB && count == 1)
		buf_put(out, STR("Received generic RTCP NACK message\n"));
	else if (type == RTCP_PSFB && (count == 1 || count == 4))
		buf_put(out, STR("Received an RTCP Fast Update Request\n"));
	else if (type == RTCP_PSFB && count == 15)
		buf_put(out, STR("Received REMB report\n"));
	else if (type == RTCP_SDES || type == RTCP_BYE)
		buf_printf(out, "Received %s from %s\n", type == RTCP_SDES ? "an SDES" : "a BYE", peer);
}

static void write_rtcp(struct buf *out, const struct media_trace *t)
{
	const uint8_t *p = t->p;
	size_t left = t->kept;

	while (left >= 4) {
		size_t n = 4 + 4u * be16(p + 2);

		if (n > left)
			n = left;       /* cut: what is there of it */
		if (!t->out)
			write_came(out, t, p, n);
		else if (p[1] == RTCP_SR || p[1] == RTCP_RR)
			write_sent(out, t, p, n);
		p += n;
		left -= n;
	}
}

/* ---- STUN */

static const struct name methods[] = { { STUN_BINDING, "Binding" }, { STUN_ALLOCATE, "Allocate" }, { STUN_REFRESH, "Refresh" },
	{ STUN_SEND, "Send" }, { STUN_DATA, "Data" }, { STUN_CREATE_PERMISSION, "Create Permission" },
	{ STUN_CHANNEL_BIND, "Channel Bind" } };
static const struct name attributes[] = { { STUN_MAPPED_ADDRESS, "Mapped Address" }, { STUN_USERNAME, "Username" },
	{ STUN_MESSAGE_INTEGRITY, "Message Integrity" }, { STUN_ERROR_CODE, "Error Code" },
	{ STUN_UNKNOWN_ATTRIBUTES, "Unknown Attributes" }, { STUN_CHANNEL_NUMBER, "Channel Number" },
	{ STUN_LIFETIME, "Lifetime" }, { STUN_XOR_PEER_ADDRESS, "XOR Peer Address" }, { STUN_DATA_ATTR, "Data" },
	{ STUN_REALM, "Realm" }, { STUN_NONCE, "Nonce" }, { STUN_XOR_RELAYED_ADDRESS, "XOR Relayed Address" },
	{ STUN_REQUESTED_FAMILY, "Requested Address Family" }, { STUN_REQUESTED_TRANSPORT, "Requested Transport" },
	{ STUN_MESSAGE_INTEGRITY_SHA256, "Message Integrity SHA256" }, { STUN_XOR_MAPPED_ADDRESS, "XOR Mapped Address" },
	{ STUN_PRIORITY, "Priority" }, { STUN_USE_CANDIDATE, "Use Candidate" }, { STUN_SOFTWARE, "Software" },
	{ STUN_FINGERPRINT, "Fingerprint" }, { STUN_ICE_CONTROLLED, "ICE Controlled" },
	{ STUN_ICE_CONTROLLING, "ICE Controlling" } };

static void write_stun(struct buf *out, const struct media_trace *t)
{
	static const char *const classes[] = { "Request", "Indication", "Response", "Error Response" };
	char peer[SA_TEXT];
	unsigned type;

	if (t->kept < STUN_HEADER)
		return;
	type = be16(t->p);
	buf_printf(out, "STUN Packet, msg %s %s (%04x), length: %u, %s %s\n",
		   name_of(methods, ARRAY_LEN(methods), (type & 0xf) | (type & 0xe0) >> 1 | (type & 0x3e00) >> 2, "Unknown"),
		   classes[(type >> 4 & 1) | (type >> 7 & 2)], type, be16(t->p + 2), t->out ? "to" : "from", sa_text(&t->peer, peer));
	for (size_t at = STUN_HEADER; at + 4 <= t->kept; at += 4 + ((be16(t->p + at + 2) + 3u) & ~3u)) {
		unsigned attr = be16(t->p + at);

		buf_printf(out, "Found STUN Attribute %s (%04x), length %u\n",
			   name_of(attributes, ARRAY_LEN(attributes), attr, "Unknown Attribute"), attr, be16(t->p + at + 2));
	}
}

/* ---- DTLS */

static void write_dtls(struct buf *out, const struct media_trace *t)
{
	static const struct name records[] = { { 20, "change cipher spec" }, { 21, "alert" }, { 22, "handshake" },
		{ 23, "application data" } };
	char peer[SA_TEXT];

	if (t->kept)
		buf_printf(out, "DTLS - %s %s packet %s %s (len %-6.6u)\n", t->out ? "sent" : "got",
			   name_of(records, ARRAY_LEN(records), t->p[0], "unknown"), t->out ? "to" : "from",
			   sa_text(&t->peer, peer), t->n);
}

static void write_udptl(struct buf *out, const struct media_trace *t)
{
	char peer[SA_TEXT];

	buf_printf(out, "UDPTL: packet %s %s (seq %d, len %u)\n", t->out ? "to" : "from", sa_text(&t->peer, peer),
		   t->kept < 2 ? -1 : (int)be16(t->p), t->n);
}

void media_trace_write(struct buf *out, const struct media_trace *t)
{
	switch ((enum media_trace_kind)t->kind) {
	case MEDIA_TRACE_RTP:
		write_rtp(out, t);
		break;
	case MEDIA_TRACE_RTCP:
		write_rtcp(out, t);
		break;
	case MEDIA_TRACE_STUN:
		write_stun(out, t);
		break;
	case MEDIA_TRACE_DTLS:
		write_dtls(out, t);
		break;
	case MEDIA_TRACE_UDPTL:
		write_udptl(out, t);
		break;
	}
}
