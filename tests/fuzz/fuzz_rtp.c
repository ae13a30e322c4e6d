/* The receive path of two bridged streams, one of which shares its wire with a third,
 * over a network that keeps nothing:
 * [length][where, whence, time] packet, again and again. Where: RTP or RTCP port of
 * either; whence: the signalled address, a NAT's, a stranger's. */
#include <stdlib.h>
#include "media/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct clock_fake clk;

static int net_open(void *arg, const struct sa *at, int *place, struct sa *bound)
{
	int *next = arg;

	*bound = *at;
	if (!sa_port(bound))
		sa_set_port(bound, (uint16_t)(20000 + 2 * *next));
	*place = (*next)++;
	return 0;
}

static void net_close(void *arg, int place)
{
	(void)arg;
	(void)place;
}

static int net_send(void *arg, int place, const struct sa *to, const void *p, size_t n)
{
	uint8_t seen[2048];

	(void)arg;
	(void)place;
	if (!sa_is_set(to) || n > sizeof(seen))
		abort();
	memcpy(seen, p, n);     /* all of it is there */
	return 0;
}

static struct media_session *session(struct media *m, int i)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_set set = { .dir = SDP_SENDRECV, .ncodecs = 5, .nevents = 2, .symmetric = true };
	static const uint8_t id[2][5] = { { FORMAT_ULAW, FORMAT_ALAW, FORMAT_GSM, FORMAT_SLIN16, FORMAT_G722 },
					  { FORMAT_ALAW, FORMAT_GSM, FORMAT_SLIN48, FORMAT_G729, FORMAT_G722 } };
	struct media_session *s = NULL;

	if (media_session_new(&s, m, &prm))
		abort();
	sa_parse(&set.remote, STR("127.0.0.1:9"));
	for (unsigned k = 0; k < 5; k++) {
		uint8_t pt = format_get((enum format_id)id[i][k])->pt;

		set.codec[k] = (struct media_codec){ .id = id[i][k], .pt_rx = pt, .pt_tx = pt, .ptime = i ? 20 : 30 };
	}
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	set.event[1].rate = 16000;
	set.event[1].pt_rx = 102;
	set.event[1].pt_tx = 255;
	set.dtmf = i ? MEDIA_DTMF_INBAND : MEDIA_DTMF_RFC4733;
	set.rtcp_mux = i;
	if (media_session_set(s, &set))
		abort();
	return s;
}

/* Hears what the one that it shares the wire with hears, and more. */
static struct media_session *companion(struct media *m, struct media_session *with, uint8_t first)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1, .on_wire_of = with };
	struct media_set set = { .dir = SDP_SENDRECV, .ncodecs = 2, .symmetric = true, .mid = "v", .ssrc = { 7 }, .nssrcs = 1 };
	struct media_session *s = NULL;

	if (media_session_new(&s, m, &prm))
		abort();
	sa_parse(&set.remote, STR("127.0.0.1:9"));
	set.codec[0] = (struct media_codec){ .id = FORMAT_VP8, .pt_rx = 99, .pt_tx = 99 };
	set.codec[1] = (struct media_codec){ .id = FORMAT_H264, .pt_rx = 3, .pt_tx = 3 };
	for (uint8_t e = 0; e < RTP_EXTS; e++)
		set.ext[e] = (uint8_t)(first + e);
	if (media_session_set(s, &set))
		abort();
	return s;
}

static void deliver(struct media *m, struct media_session *s, uint8_t how, const uint8_t *p, size_t n)
{
	static const char *const from[] = { "127.0.0.1:9", "127.0.0.2:7", "127.0.0.2:71", "127.0.0.3:10" };
	const struct sa *local = how & 2 ? media_session_local_rtcp(s) : media_session_local(s);
	struct sa a;

	sa_parse(&a, str_z(from[how >> 2 & 3]));
	media_deliver(m, local, &a, p, n);
	clock_fake_add(&clk, 1000u << (how >> 4));
	media_poll(m, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int places = 0;
	struct media_net net = { &places, net_open, net_close, net_send };
	struct media_prm prm = { .clock = &clk.c, .strict = true, .rtcp_ms = 500, .net = &net };
	struct media_session *v[4];
	struct media *m = NULL;
	size_t at = 0;

	clock_fake_init(&clk, 1700000000);
	clk.mono = 1000000;
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	if (media_new(&m, &prm))
		abort();
	v[0] = session(m, 0);
	v[1] = session(m, 1);
	v[2] = companion(m, v[0], 1);
	v[3] = companion(m, v[1], 20);  /* some of them in the long form */
	media_bridge(v[0], v[1]);
	media_bridge(v[2], v[3]);
	while (n - at >= 2) {
		size_t len = data[at], room = n - at - 2;
		uint8_t how = data[at + 1], *copy;

		len = len < room ? len : room;
		/* Of its own size, so that a byte too much is seen. */
		copy = malloc(len ? len : 1);
		if (!copy)
			abort();
		memcpy(copy, data + at + 2, len);
		deliver(m, v[how & 1], how, copy, len);
		free(copy);
		at += 2 + len;
	}
	for (int i = 0; i < 4; i++)
		media_session_close(v[i], NULL, NULL);
	media_close(m);
	return 0;
}
