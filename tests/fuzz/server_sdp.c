/* Session descriptions out of parts: a preset's lines, then changes of them. */
#include "server_sdp.h"
#include "server_secure.h"

#define LINES 8
#define EDITS 6

enum type { AUDIO, VIDEO, IMAGE, TEXT, APPLICATION, STRANGE, TYPES };
enum dir { SENDRECV, SENDONLY, RECVONLY, INACTIVE, TWO_DIRS, DIRS };

struct line {
	uint8_t type, fmt, dir, proto, extra;
	uint16_t port;
};

struct preset {
	uint8_t n;
	uint8_t session;                /* bits: 1 BUNDLE, 2 c=0.0.0.0, 4 IPv6, 8 session-level direction */
	struct line line[3];
};

static const char *const types[TYPES] = { "audio", "video", "image", "text", "application", "x-a" };
static const char *const dirs[DIRS] = { "sendrecv", "sendonly", "recvonly", "inactive", "sendonly\r\na=recvonly" };
static const char *const protos[] = { "RTP/AVP", "RTP/SAVP", "RTP/AVPF", "udptl", "UDP/TLS/RTP/SAVPF", "TCP", "UDPTL",
	"UDP/TLS/RTP/SAVP", "RTP/SAVPF" };
enum { AVP, SAVP, AVPF, DTLS_F = 4, DTLS = 7, SAVPF };

/* Formats of a line and what explains them. */
static const struct {
	const char *list, *attributes;
} fmts[] = {
	{ "0", "" },
	{ "0 8 101", "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n" },
	{ "9 101", "a=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\n" },
	{ "3 8", "a=rtpmap:3 GSM/8000\r\n" },
	{ "96 97", "a=rtpmap:96 PCMU/8000\r\na=rtpmap:97 telephone-event/8000\r\n" },
	{ "111 110 9 0", "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\na=rtpmap:110 telephone-event/48000\r\n" },
	{ "99 100", "a=rtpmap:99 X-NONE/8000\r\na=rtpmap:100 Y/0\r\n" },
	{ "118 117", "a=rtpmap:118 L16/16000\r\na=rtpmap:117 L16/8000\r\n" },
	{ "18 4 2", "a=fmtp:18 annexb=no\r\na=rtpmap:2 G726-32/8000\r\n" },
	{ "0 0 0 8 8", "a=rtpmap:0 PCMU/8000\r\na=rtpmap:0 PCMA/8000\r\n" },
	{ "96", "a=rtpmap:96 H264/90000\r\na=fmtp:96 profile-level-id=42e01f;packetization-mode=1\r\na=rtcp-fb:* nack pli\r\n" },
	{ "96 34 31", "a=rtpmap:96 VP8/90000\r\na=imageattr:96 send *\r\n" },
	{ "t38", "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
		 "a=T38FaxRateManagement:transferredTCF\r\n" },
	{ "98", "a=rtpmap:98 t140/1000\r\n" },
	{ "*", "" },
	{ "300 -1 x", "a=rtpmap:300 PCMU/8000\r\na=rtpmap: \r\na=fmtp\r\n" },
	{ "", "" },
};
enum { FMT_H264 = 10, FMT_VP8, FMT_T38, FMT_T140 };

/* An extra of server_secure.c, behind those of `extras`. */
enum { EXTRAS = 16 };
#define S(which) (EXTRAS + (which))

static const struct preset presets[SDP_PRESETS] = {
	[1] = { 1, 0, { { AUDIO, 0, SENDRECV, 0, 0, 6000 } } },
	[2] = { 1, 0, { { AUDIO, 1, SENDRECV, 0, 0, 6000 } } },
	[3] = { 1, 0, { { AUDIO, 2, SENDRECV, 0, 1, 6000 } } },
	[4] = { 1, 0, { { AUDIO, 3, SENDRECV, 0, 2, 6000 } } },
	[5] = { 2, 0, { { AUDIO, 1, SENDRECV, 0, 0, 6000 }, { VIDEO, FMT_H264, SENDRECV, 0, 0, 6002 } } },
	[6] = { 2, 0, { { AUDIO, 1, SENDRECV, 0, 0, 6000 }, { IMAGE, FMT_T38, SENDRECV, 3, 0, 6004 } } },
	[7] = { 1, 0, { { IMAGE, FMT_T38, SENDRECV, 3, 0, 6004 } } },
	[8] = { 1, 0, { { AUDIO, 1, SENDONLY, 0, 0, 6000 } } },
	[9] = { 1, 0, { { AUDIO, 1, INACTIVE, 0, 0, 6000 } } },
	[10] = { 1, 2, { { AUDIO, 1, SENDRECV, 0, 0, 6000 } } },
	[11] = { 1, 0, { { AUDIO, 1, SENDRECV, 0, 0, 0 } } },
	[12] = { 1, 0, { { VIDEO, FMT_VP8, SENDRECV, 0, 0, 6002 } } },
	[13] = { 2, 0, { { AUDIO, 1, SENDRECV, 0, 0, 6000 }, { AUDIO, 2, SENDRECV, 0, 0, 6006 } } },
	[14] = { 1, 0, { { AUDIO, 4, SENDRECV, 0, 3, 6000 } } },
	[15] = { 2, 1, { { AUDIO, 5, SENDRECV, 0, 4, 6000 }, { VIDEO, FMT_H264, SENDRECV, 2, 4, 6000 } } },
	[16] = { 2, 0, { { TEXT, FMT_T140, SENDRECV, 0, 0, 6008 }, { APPLICATION, 14, SENDRECV, 5, 0, 9 } } },
	[17] = { 1, 0, { { AUDIO, 6, SENDRECV, 0, 0, 6000 } } },
	[18] = { 1, 8, { { AUDIO, 1, RECVONLY, 0, 0, 6000 } } },
	[19] = { 0, 0, { { 0 } } },
	[20] = { 1, 0, { { AUDIO, 7, SENDRECV, 0, 5, 6000 } } },
	[21] = { 1, 0, { { AUDIO, 1, SENDRECV, 1, 6, 6000 } } },
	[22] = { 3, 4, { { AUDIO, 8, SENDRECV, 0, 0, 6000 }, { VIDEO, FMT_VP8, RECVONLY, 0, 0, 6002 }, { STRANGE, 15, TWO_DIRS, 5, 7, 1 } } },
	[23] = { 1, 0, { { AUDIO, 9, SENDRECV, 0, 7, 6001 } } },
	/* A page: asks, answers in each role, with a film, with candidates that come later, alone and with two. */
	[24] = { 1, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(0), 6000 } } },
	[25] = { 1, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(1), 6000 } } },
	[26] = { 1, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(2), 6000 } } },
	[27] = { 2, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(0), 6000 }, { VIDEO, FMT_VP8, SENDRECV, DTLS_F, S(14), 6000 } } },
	[28] = { 2, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(1), 6000 }, { VIDEO, FMT_VP8, SENDRECV, DTLS_F, S(1), 6000 } } },
	[29] = { 1, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(4), 9 } } },
	[30] = { 3, 1, { { AUDIO, 5, SENDRECV, DTLS_F, S(0), 6000 }, { AUDIO, 1, SENDRECV, DTLS_F, S(0), 6000 },
			 { VIDEO, FMT_H264, SENDRECV, DTLS_F, S(14), 0 } } },
	/* Phones: DTLS without ICE, SDES, ICE in the clear, ICE and SDES. */
	[31] = { 1, 0, { { AUDIO, 1, SENDRECV, DTLS, S(7), 6000 } } },
	[32] = { 1, 0, { { AUDIO, 1, SENDRECV, DTLS, S(15), 6000 } } },
	[33] = { 1, 0, { { AUDIO, 1, SENDRECV, SAVP, S(8), 6000 } } },
	[34] = { 1, 0, { { AUDIO, 1, SENDRECV, SAVP, S(16), 6000 } } },
	[35] = { 1, 0, { { AUDIO, 1, SENDRECV, AVP, S(3), 6000 } } },
	[36] = { 1, 0, { { AUDIO, 1, SENDRECV, SAVP, S(10), 6000 } } },
	[37] = { 2, 16, { { AUDIO, 5, SENDRECV, DTLS_F, S(11), 6000 }, { AUDIO, 1, SENDRECV, AVP, S(12), 6000 } } },
};

static const char *const extras[EXTRAS] = {
	"", "a=ptime:20\r\n", "a=ptime:1\r\na=maxptime:0\r\n", "a=ptime:150\r\n", "a=rtcp-mux\r\na=mid:0\r\n",
	"a=ptime:30\r\na=maxptime:240\r\na=rtcp:7001\r\n",
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n",
	"a=ptime:4294967296\r\na=rtcp:0\r\na=ptime:-1\r\n", "a=label:1\r\na=ssrc:1 cname:x\r\n",
	"c=IN IP4 10.0.0.66\r\n", "c=IN IP4 0.0.0.0\r\n", "b=AS:1\r\nb=TIAS:\r\n", "a=ptime:0\r\n", "a=ptime:60\r\n",
	"c=IN IP4 far.example\r\n", "a=setup:actpass\r\na=fingerprint:sha-256 AA:BB\r\n",
};

static struct {
	struct { uint8_t op, arg; } edit[EDITS];
	unsigned n;
	unsigned version;
} later;

static const char *const edit_names[] = { "as it is", "add", "drop", "re-type", "refuse", "swap", "port", "direction",
	"codec", "extra", "transport", "double", "all refused", "garbage", "origin", "session" };

const char *sdp_edit_name(uint8_t op)
{
	return edit_names[op % ARRAY_LEN(edit_names)];
}

void sdp_edit_later(uint8_t op, uint8_t arg)
{
	if (later.n < EDITS) {
		later.edit[later.n].op = op;
		later.edit[later.n++].arg = arg;
	}
}

void sdp_forget(void)
{
	memset(&later, 0, sizeof(later));
}

struct form {
	struct line v[LINES];
	unsigned n;
	uint8_t session, garbage, origin;
};

static uint8_t fmt_for(unsigned type, unsigned arg)
{
	switch (type) {
	case AUDIO:
		return (uint8_t)(arg % FMT_H264);
	case VIDEO:
		return (uint8_t)(FMT_H264 + arg % 2);
	case IMAGE:
		return FMT_T38;
	default:
		return (uint8_t)(FMT_T140 + arg % 4);
	}
}

static void add(struct form *f, uint8_t arg)
{
	struct line l = { .type = arg % TYPES, .port = (uint16_t)(6010 + f->n * 2) };

	l.fmt = fmt_for(l.type, arg / TYPES);
	l.proto = l.type == IMAGE ? 3 : 0;
	if (f->n < LINES)
		f->v[f->n++] = l;
}

static void edit(struct form *f, uint8_t op, uint8_t arg)
{
	struct line *l = f->n ? &f->v[arg % f->n] : NULL;
	unsigned more = f->n ? arg / f->n : arg;

	op %= ARRAY_LEN(edit_names);
	if (op == 1)
		add(f, arg);
	else if (op == 13)
		f->garbage = arg;
	else if (op == 14)
		f->origin = arg;
	else if (op == 15)
		f->session = (uint8_t)(f->session ^ arg);
	if (!l)
		return;
	switch (op) {
	case 2:
		memmove(l, l + 1, (size_t)(&f->v[f->n] - l - 1) * sizeof(*l));
		f->n--;
		break;
	case 3:
		l->type = (uint8_t)(more % TYPES);
		l->fmt = fmt_for(l->type, more / TYPES);
		l->proto = l->type == IMAGE ? 3 : 0;
		break;
	case 4:
		l->port = 0;
		break;
	case 5: {
		struct line t = *l;

		*l = f->v[more % f->n];
		f->v[more % f->n] = t;
		break;
	}
	case 6:
		l->port = (uint16_t)(more % 4 == 3 ? 65535 : more % 4 == 2 ? 1 : 7000 + more);
		break;
	case 7:
		l->dir = (uint8_t)(more % DIRS);
		break;
	case 8:
		l->fmt = (uint8_t)(more % ARRAY_LEN(fmts));
		break;
	case 9:
		l->extra = (uint8_t)(more % (EXTRAS + SECURE_EXTRAS));
		break;
	case 10:
		l->proto = (uint8_t)(more % ARRAY_LEN(protos));
		break;
	case 11:
		if (f->n < LINES)
			f->v[f->n++] = *l;
		break;
	case 12:
		for (unsigned i = 0; i < f->n; i++)
			f->v[i].port = 0;
		break;
	}
}

static void write_line(struct buf *b, const struct line *l, unsigned at, unsigned phone)
{
	unsigned extra = l->extra % (EXTRAS + SECURE_EXTRAS);

	buf_printf(b, "m=%s %u %s %s\r\n%s%s", types[l->type % TYPES], l->port, protos[l->proto % ARRAY_LEN(protos)],
		   fmts[l->fmt % ARRAY_LEN(fmts)].list, extra < EXTRAS ? extras[extra] : "", fmts[l->fmt % ARRAY_LEN(fmts)].attributes);
	if (extra >= EXTRAS)
		secure_write(b, extra - EXTRAS, phone, l->port);
	if (l->dir)
		buf_printf(b, "a=%s\r\n", dirs[l->dir % DIRS]);
	if (extra == 4 || extra >= EXTRAS)
		buf_printf(b, "a=mid:%u\r\n", at);
}

static void write_garbage(struct buf *b, uint8_t g)
{
	static const char *const junk[] = { "", "m=\r\n", "a\r\n", "z=0 0\r\nr=\r\n", "m=audio 99999 RTP/AVP 0\r\n",
		"m=audio 6000/4 RTP/AVP 0\r\n", "=\r\n", "c=IN IP6 ::\r\n", "a=group:BUNDLE 0 1 2 3\r\n", "\r\n",
		"v=0\r\no=\r\n", "a=sendonly\r\na=inactive\r\n" };

	buf_put(b, str_z(junk[g % ARRAY_LEN(junk)]));
}

bool sdp_write_text(struct buf *b, unsigned phone, unsigned preset, uint8_t op, uint8_t arg)
{
	const struct preset *p = &presets[preset % SDP_PRESETS];
	struct form f = { .n = p->n, .session = p->session };
	const char *host = "10.0.0";

	if (!(preset % SDP_PRESETS))
		return false;
	memcpy(f.v, p->line, sizeof(p->line));
	for (unsigned i = 0; i < later.n; i++)
		edit(&f, later.edit[i].op, later.edit[i].arg);
	later.n = 0;
	edit(&f, op, arg);
	later.version += f.origin ? f.origin : 1;
	buf_printf(b, "v=0\r\no=- %u %u IN IP4 %s.%u\r\ns=-\r\n", f.origin, later.version, host, phone + 1);
	if (f.session & 4)
		buf_put(b, STR("c=IN IP6 2001:db8::7\r\n"));
	else if (f.session & 2)
		buf_put(b, STR("c=IN IP4 0.0.0.0\r\n"));
	else
		buf_printf(b, "c=IN IP4 %s.%u\r\n", host, phone + 1);
	buf_put(b, STR("t=0 0\r\n"));
	if (f.session & 1)
		buf_put(b, f.n == 1 ? STR("a=group:BUNDLE 0\r\n") : f.n == 3 ? STR("a=group:BUNDLE 0 1 2\r\n") : STR("a=group:BUNDLE 0 1\r\n"));
	if (f.session & 16)
		buf_put(b, STR("a=ice-lite\r\n"));
	if (f.session & 32)
		buf_put(b, STR("a=group:BUNDLE 1 0\r\na=group:BUNDLE 2\r\n"));
	if (f.session & 8)
		buf_put(b, STR("a=recvonly\r\n"));
	for (unsigned i = 0; i < f.n; i++)
		write_line(b, &f.v[i], i, phone);
	write_garbage(b, f.garbage);
	return true;
}
