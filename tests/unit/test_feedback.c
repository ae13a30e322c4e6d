/* Feedback about video: the lines of the SDP, and the packets, in the other leg's numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "media_net.h"
#include "sdp/negotiate.h"

/* ---- packets ------------------------------------------------------------- */

enum { OURS = 0x11111111, THERE = 0x22222222, SOURCE = 0x33333333 };

static void test_map(void **state)
{
	static const struct rtcp_map map = { .about = OURS, .sender = THERE, .media = SOURCE, .numbered = true, .seq_off = 100 };
#define SSRCS_IN "\xaa\xaa\xaa\xaa\x11\x11\x11\x11"
#define SSRCS_OUT "\x22\x22\x22\x22\x33\x33\x33\x33"
	static const struct { size_t n; const char *in; size_t out_n; const char *out; } tv[] = {
		{ 12, "\x81\xce\0\2" SSRCS_IN, 12, "\x81\xce\0\2" SSRCS_OUT },                  /* PLI */
		{ 12, "\x81\xce\0\2\xaa\xaa\xaa\xaa\x11\x11\x11\x12", 0, "" },                  /* of somebody else */
		{ 16, "\x81\xcd\0\3" SSRCS_IN "\0\x65\x80\1", 16, "\x81\xcd\0\3" SSRCS_OUT "\0\1\x80\1" },      /* NACK */
		{ 16, "\x81\xcd\0\3" SSRCS_IN "\0\1\0\0", 16, "\x81\xcd\0\3" SSRCS_OUT "\xff\x9d\0\0" },
		{ 12, "\x81\xcd\0\2" SSRCS_IN, 0, "" },                                         /* of nothing */
		{ 20, "\x84\xce\0\4\xaa\xaa\xaa\xaa\0\0\0\0\x11\x11\x11\x11\7\0\0\0", 20,
		  "\x84\xce\0\4\x22\x22\x22\x22\0\0\0\0\x33\x33\x33\x33\7\0\0\0" },              /* FIR */
		{ 24, "\x8f\xce\0\5\xaa\xaa\xaa\xaa\0\0\0\0REMB\1\x0b\xff\xff\x11\x11\x11\x11", 24,
		  "\x8f\xce\0\5\x22\x22\x22\x22\0\0\0\0REMB\1\x0b\xff\xff\x33\x33\x33\x33" },
		{ 24, "\x8f\xce\0\5\xaa\xaa\xaa\xaa\0\0\0\0REMB\1\x0b\xff\xff\x11\x11\x11\x19", 0, "" },
		{ 24, "\x8f\xce\0\5\xaa\xaa\xaa\xaa\0\0\0\0REMA\1\x0b\xff\xff\x11\x11\x11\x11", 0, "" },
		{ 20, "\x8f\xce\0\4\xaa\xaa\xaa\xaa\0\0\0\0REMB\xff\x0b\xff\xff", 0, "" },      /* fewer than it says */
		/* In a compound, behind a report and a kind that we do not pass on. */
		{ 8 + 12 + 12, "\x80\xc9\0\1\xaa\xaa\xaa\xaa\x8f\xcd\0\2" SSRCS_IN "\x81\xce\0\2" SSRCS_IN, 12, "\x81\xce\0\2" SSRCS_OUT },
		{ 12, "\x81\xce\0\3" SSRCS_IN, 0, "" },                                         /* longer than it is */
	};
	struct rtcp_map unnumbered = map;
	uint8_t out[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		size_t n = rtcp_map_feedback(out, sizeof(out), (const uint8_t *)tv[i].in, tv[i].n, &map);

		assert_int_equal(n, tv[i].out_n);
		assert_memory_equal(out, tv[i].out, n);
	}
	unnumbered.numbered = false;
	assert_int_equal(rtcp_map_feedback(out, sizeof(out), (const uint8_t *)tv[2].in, 16, &unnumbered), 0);
	assert_int_equal(rtcp_map_feedback(out, 20, (const uint8_t *)tv[0].in, 12, &map), 0);
}

static struct media_session *video(const struct sa *far)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct media_set set = to_phone(far, FORMAT_VP8, 100);
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	assert_int_equal(media_session_set(s, &set), 0);
	return s;
}

/* y's phone misses a packet of what x's phone sends: x's phone hears of it, in its own numbers. */
static void test_nack_relayed(void **state)
{
	struct media_session *x = video(&far_x), *y = video(&far_y);
	struct sa from = far_y, to = *media_session_local_rtcp(y);
	uint8_t pkt[40] = { 0 }, nack[16] = { 0x81, RTCP_RTPFB, 0, 3, 1, 2, 3, 4 };
	uint32_t ssrc = media_session_ssrc(y);
	struct rtp r;

	(void)state;
	assert_int_equal(media_bridge(x, y), 0);
	for (uint16_t i = 0; i < 4; i++) {
		rtp_write(pkt, 100, false, (uint16_t)(7000 + i), 3000u * i, 77);
		assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, sizeof(pkt)));
	}
	assert_int_equal(net.n, 4);
	assert_int_equal(rtp_parse(&r, net.sent[2].b, net.sent[2].n), 0);
	for (int i = 0; i < 4; i++)
		nack[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	nack[12] = (uint8_t)(r.seq >> 8);
	nack[13] = (uint8_t)r.seq;
	sa_set_port(&from, (uint16_t)(sa_port(&from) + 1));
	net.nrtcp = 0;
	assert_true(media_deliver(m, &to, &from, nack, sizeof(nack)));
	assert_int_equal(net.nrtcp, 1);
	assert_int_equal(net.rtcp[0].n, 16);
	assert_memory_equal(net.rtcp[0].b + 8, "\0\0\0\x4d", 4);
	assert_int_equal(net.rtcp[0].b[12] << 8 | net.rtcp[0].b[13], 7002);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	media_poll(m, 0);
}

/* ---- lines --------------------------------------------------------------- */

static struct neg *negotiation(bool avpf)
{
	struct neg_prm prm = { .max_audio = 1, .max_video = 1, .use_avpf = avpf };
	struct neg *n = NULL;

	formats_edit(&prm.formats, STR("vp8,vp9,h264,av1"), true, NULL);
	format_pref_parse(&prm.pref_in, STR("local"));
	assert_int_equal(neg_new(&n, &prm), 0);
	return n;
}

static void sdp_of(struct neg *n, struct buf *b, bool answer)
{
	sa_parse(&neg_stream(n, 0)->local, STR("192.0.2.1:4000"));
	buf_reset(b);
	assert_int_equal(answer ? neg_answer_out(n, b) : neg_offer_out(n, b), 0);
	buf_char(b, 0);
}

static void test_lines(void **state)
{
	static const char head[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";
	static const char lines[] = "a=rtpmap:120 AV1/90000\r\na=rtpmap:98 VP9/90000\r\na=rtcp-fb:* nack\r\na=rtcp-fb:120 nack pli\r\n"
				    "a=rtcp-fb:98 ccm fir\r\na=rtcp-fb:98 goog-remb\r\na=rtcp-fb:98 x-new\r\na=rtcp-fb:99 nack pli\r\n";
	static const char *const all[] = { "nack", "nack pli", "ccm fir", "goog-remb" };
	struct formats two = { .n = 2, .v = { { FORMAT_VP8, 0 }, { FORMAT_AV1, 0 } } };
	struct buf b = BUF_INIT;
	char text[900], want[60];
	size_t i;

	(void)state;
	for (int avpf = 0; avpf < 2; avpf++) {
		struct neg *n = negotiation(avpf);
		enum neg_verdict why;
		struct sdp *o = NULL;

		assert_int_equal(neg_stream_add(n, MEDIA_VIDEO, &two, &i), 0);
		sdp_of(n, &b, false);
		assert_non_null(strstr(buf_view(&b).p, "a=rtpmap:98 AV1/90000\r\n"));
		for (size_t k = 0; k < ARRAY_LEN(all); k++) {
			snprintf(want, sizeof(want), "a=rtcp-fb:98 %s\r\n", all[k]);
			assert_int_equal(strstr(buf_view(&b).p, want) != NULL, avpf);
		}
		neg_rollback(n);
		assert_int_equal(neg_stream_add(n, MEDIA_VIDEO, &two, &i), 0);
		neg_stream(n, 0)->feedback = 1 << NEG_FIR;
		sdp_of(n, &b, false);
		assert_int_equal(strstr(buf_view(&b).p, "a=rtcp-fb:100 ccm fir\r\n") != NULL, avpf);
		assert_null(strstr(buf_view(&b).p, " nack"));
		obj_drop(n);
		/* Their offer: what we can pass on of each format comes back. */
		n = negotiation(avpf);
		snprintf(text, sizeof(text), "%sm=video 5000 RTP/AVP%s 120 98\r\n%s", head, avpf ? "F" : "", lines);
		assert_int_equal(sdp_parse(&o, str_z(text)), 0);
		assert_int_equal(neg_offer_in(n, o, NULL, &why), 0);
		obj_drop(o);
		sdp_of(n, &b, true);
		assert_int_equal(strstr(buf_view(&b).p, "a=rtcp-fb:98 nack\r\na=rtcp-fb:98 ccm fir\r\na=rtcp-fb:98 goog-remb\r\n"
					"a=rtcp-fb:120 nack\r\na=rtcp-fb:120 nack pli\r\n") != NULL, avpf);
		assert_null(strstr(buf_view(&b).p, "x-new"));
		assert_null(strstr(buf_view(&b).p, ":99 "));
		obj_drop(n);
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test_setup_teardown(test_nack_relayed, net_up, net_down),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
