/* The receive path of a bridged stream: [length][source] packet, again and again. */
#include <stdlib.h>
#include "media/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct clock_fake clk;

static struct media_session *session(struct media *m, int i)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };
	struct media_set set = { .dir = SDP_SENDRECV, .ncodecs = 5, .nevents = 2, .symmetric = true };
	static const uint8_t id[2][5] = { { FORMAT_ULAW, FORMAT_ALAW, FORMAT_GSM, FORMAT_SLIN16, FORMAT_G729 },
					  { FORMAT_ALAW, FORMAT_GSM, FORMAT_SLIN, FORMAT_G729, FORMAT_G729 } };
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
	if (media_session_set(s, &set))
		abort();
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true };
	struct media_session *v[2];
	struct media *m = NULL;
	size_t at = 0;

	clock_fake_init(&clk, 1700000000);
	clk.mono = 1000000;
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	if (media_new(&m, &prm))
		abort();
	v[0] = session(m, 0);
	v[1] = session(m, 1);
	media_bridge(v[0], v[1]);
	while (n - at >= 2) {
		size_t len = data[at], room;
		uint8_t *copy;
		struct sa from;
		struct stream *s = v[data[at + 1] & 1]->st;

		sa_parse(&from, data[at + 1] & 2 ? STR("127.0.0.1:9") : STR("127.0.0.2:7"));
		at += 2;
		room = n - at;
		len = len < room ? len : room;
		copy = malloc(len ? len : 1);
		memcpy(copy, data + at, len);
		clock_fake_add(&clk, 7000);
		mthread_now(s->t);
		switch (rtp_kind(copy, len)) {
		case RTP_KIND_RTP:
			stream_packet(s, copy, len, &from);
			break;
		case RTP_KIND_RTCP:
			report_receive(s, copy, len);
			break;
		default:
			break;
		}
		free(copy);
		at += len;
		media_poll(m, 0);
	}
	media_session_close(v[0], NULL, NULL);
	media_session_close(v[1], NULL, NULL);
	media_close(m);
	return 0;
}
