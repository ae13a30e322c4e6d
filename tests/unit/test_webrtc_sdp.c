/* Offers as browsers make them, and what is answered: tests/data/webrtc has them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "data.h"
#include "negotiate_stage.h"

/* What webrtc=yes implies. */
static void browser(struct neg_prm *p)
{
	p->max_video = 2;
	p->use_avpf = p->use_received_transport = p->dtls = p->rtcp_mux = p->bundle = true;
	p->setup = SETUP_ACTPASS;
	p->fingerprint = (struct crypto_fingerprint){ .n = 32, .hash = CRYPTO_SHA256 };
}

static void no_video(struct neg_prm *p)
{
	browser(p);
	p->max_video = 0;
}

static void one_video(struct neg_prm *p)
{
	browser(p);
	p->max_video = 1;
}

static void no_bundle(struct neg_prm *p)
{
	browser(p);
	p->bundle = false;
}

#define FILE_OF(name) name ".sdp"
enum { LINES = 14 };

/* How often a text stands in the answer. */
static unsigned count(const char *in, const char *what)
{
	unsigned n = 0;

	for (const char *p = in; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static const struct {
	const char *file, *allow;
	void (*tune)(struct neg_prm *);
	uint8_t feedback, exts;         /* what the other leg has; 0: there is none yet */
	const char *yes[LINES];
	const char *no[LINES];
	struct { const char *what; unsigned n; } times[4];
} tv[] = {
	{ FILE_OF("libwebrtc-audio"), "opus,ulaw", browser, 0, 0,
	  { "a=group:BUNDLE 0", "m=audio 10000 UDP/TLS/RTP/SAVPF 111 0 110 126", "a=rtpmap:111 opus/48000/2", "a=mid:0", "a=rtcp-mux",
	    "a=setup:active", "a=msid:sidetone 0", "a=sendrecv" },
	  /* Alone on its transport it needs no name in its packets. */
	  { "extmap", "red/", "transport-cc", "bundle-only", "CN/8000" }, { { "a=fingerprint:", 1 } } },
	{ FILE_OF("libwebrtc-audio-video"), "opus,vp8,h264,vp9,av1", browser, 0, 0,
	  { "a=group:BUNDLE 0 1", "m=audio 10000 UDP/TLS/RTP/SAVPF 111 110 126", "m=video 10000 UDP/TLS/RTP/SAVPF 96 106 98 45",
	    "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", "a=fmtp:98 profile-id=0",
	    "a=fmtp:45 level-idx=5;profile=0;tier=0", "a=rtcp-fb:96 nack pli", "a=rtcp-fb:106 ccm fir", "a=rtcp-fb:45 goog-remb",
	    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:13 urn:3gpp:video-orientation",
	    "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset", "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time" },
	  { "transport-cc", "transport-wide", "rtx", "red/", "ulpfec", "flexfec", "rtp-stream-id", "color-space", "profile-id=2", "ssrc-audio-level" },
	  { { "a=fingerprint:", 1 }, { "a=setup:", 1 }, { "a=rtcp-mux", 2 }, { "hdrext:sdes:mid", 2 } } },
	/* As the leg that was called has it: numbers of the transport and their feedback, and no more. */
	{ FILE_OF("libwebrtc-audio-video"), "opus,vp8", browser, 1 << NEG_TRANSPORT_CC | 1 << NEG_PLI, 1 << RTP_EXT_MID | 1 << RTP_EXT_TRANSPORT_CC,
	  { "a=rtcp-fb:96 transport-cc", "a=rtcp-fb:96 nack pli", "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" },
	  { "goog-remb", "ccm fir", "a=rtcp-fb:96 nack\r\n", "video-orientation", "abs-send-time" }, { { "transport-wide", 1 } } },
	/* One of the two alone is none. */
	{ FILE_OF("libwebrtc-audio-video"), "opus,vp8", browser, 1 << NEG_TRANSPORT_CC, 1 << RTP_EXT_MID, { "a=mid:1" },
	  { "transport-cc", "transport-wide", "rtcp-fb" }, { { 0 } } },
	{ FILE_OF("libwebrtc-audio-video"), "opus,vp8", browser, 1 << NEG_NACK, 1 << RTP_EXT_MID | 1 << RTP_EXT_TRANSPORT_CC, { "a=rtcp-fb:96 nack" },
	  { "transport-cc", "transport-wide" }, { { 0 } } },
	{ FILE_OF("libwebrtc-audio-video"), "opus,vp8", no_video, 0, 0, { "a=group:BUNDLE 0", "m=video 0 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105 106 107 108 109 45 46 98 99 100 101 112 113 114 116" },
	  { "extmap", "a=mid:1" }, { { 0 } } },
	/* Without bundle=yes each has its own transport, and its own keys. */
	{ FILE_OF("libwebrtc-audio-video"), "opus,vp8", no_bundle, 0, 0, { "m=audio 10000 UDP/TLS/RTP/SAVPF 111 110 126", "m=video 10002 UDP/TLS/RTP/SAVPF 96" },
	  { "BUNDLE", "sdes:mid" }, { { "a=fingerprint:", 2 } } },
	{ FILE_OF("libwebrtc-two-videos"), "opus,vp8", browser, 0, 0, { "a=group:BUNDLE 0 1 2", "a=mid:2" }, { "bundle-only" },
	  { { "a=fingerprint:", 1 }, { "m=video 10000", 2 }, { "sdes:mid", 3 } } },
	{ FILE_OF("libwebrtc-two-videos"), "opus,vp8", one_video, 0, 0, { "a=group:BUNDLE 0 1" }, { "a=mid:2" }, { { "m=video 10000", 1 }, { "m=video 0 ", 1 } } },
	{ FILE_OF("libwebrtc-max-bundle"), "opus,vp8", browser, 0, 0,
	  { "a=group:BUNDLE 0 1", "m=video 10000 UDP/TLS/RTP/SAVPF 96", "m=application 0 UDP/DTLS/SCTP webrtc-datachannel" }, { "bundle-only", "sctp" },
	  { { "a=fingerprint:", 1 } } },
	{ FILE_OF("libwebrtc-max-bundle"), "opus,vp8", no_bundle, 0, 0, { "m=audio 10000 UDP/TLS/RTP/SAVPF 111 110 126" }, { "BUNDLE" }, { { "m=video 0 ", 1 } } },
	/* No sound in common: the picture, which has no transport of its own there, has nobody to go with. */
	{ FILE_OF("libwebrtc-two-videos"), "g729,vp8", browser, 0, 0, { "a=group:BUNDLE 1 2" }, { "bundle-only" }, { { "m=audio 0 ", 1 }, { "m=video 10002", 2 } } },
	{ FILE_OF("firefox-audio"), "opus,ulaw", browser, 0, 0, { "a=group:BUNDLE 0", "m=audio 10000 UDP/TLS/RTP/SAVPF 109 0 101", "a=setup:active" },
	  { "extmap" }, { { "a=fingerprint:", 1 } } },
	{ FILE_OF("firefox-audio-video"), "opus,h264,vp8", browser, 0, 0,
	  { "a=group:BUNDLE 0 1", "m=video 10000 UDP/TLS/RTP/SAVPF 126 120", "a=fmtp:126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1",
	    "a=fmtp:120 max-fs=12288;max-fr=60", "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time" },
	  /* What they would only receive does not go both ways. */
	  { "playout-delay", "rtx", "transport", "csrc-audio-level" }, { { "a=fingerprint:", 1 } } },
	{ FILE_OF("firefox-bundle-only"), "opus,vp8", browser, 0, 0, { "a=group:BUNDLE 0 1", "m=video 10000 UDP/TLS/RTP/SAVPF 120" }, { "bundle-only" },
	  { { "a=fingerprint:", 1 } } },
};

static const char *answered(struct side *s, size_t i)
{
	struct str body = data_read("webrtc", tv[i].file);
	enum neg_verdict why;
	struct sdp *o = NULL;

	side_init(s, tv[i].allow, tv[i].tune);
	assert_int_equal(sdp_parse(&o, body), 0);
	free((char *)(uintptr_t)body.p);
	assert_int_equal(neg_offer_in(s->n, o, NULL, &why), 0);
	obj_drop(o);
	for (size_t k = 0; tv[i].exts && k < neg_count(s->n); k++) {
		neg_stream(s->n, k)->feedback = tv[i].feedback;
		neg_stream(s->n, k)->exts = tv[i].exts;
	}
	ports(s->n, 10000);
	assert_int_equal(neg_answer_out(s->n, &s->text), 0);
	return buf_z(&s->text);
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct side s;
		const char *text = answered(&s, i);

		for (size_t k = 0; k < LINES && tv[i].yes[k]; k++)
			has(text, tv[i].yes[k]);
		for (size_t k = 0; k < LINES && tv[i].no[k]; k++)
			if (strstr(text, tv[i].no[k]))
				fail_msg("row %zu, %s: '%s' in\n%s", i, tv[i].file, tv[i].no[k], text);
		for (size_t k = 0; k < ARRAY_LEN(tv[i].times) && tv[i].times[k].what; k++)
			if (count(text, tv[i].times[k].what) != tv[i].times[k].n)
				fail_msg("row %zu, %s: '%s' is not %u times in\n%s", i, tv[i].file, tv[i].times[k].what, tv[i].times[k].n, text);
		side_free(&s);
	}
}

/* What it means to us: one transport with one fingerprint, and sources. */
static void test_meaning(void **state)
{
	struct side s;
	uint32_t ssrc[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		if (tv[i].tune != browser)
			continue;
		answered(&s, i);
		for (size_t k = 0; k < neg_count(s.n); k++) {
			struct neg_stream *st = neg_stream(s.n, k);
			const struct neg_stream *tag = st->bundled_in >= 0 ? neg_stream(s.n, (size_t)st->bundled_in) : st;

			if (!st->active)
				continue;
			assert_int_equal(st->secure.mode, NEG_DTLS);
			assert_true(crypto_fingerprint_eq(&st->secure.fingerprint, &tag->secure.fingerprint));
			assert_int_equal(st->secure.setup, SETUP_ACTIVE);
			assert_true(st->rtcp_mux);
			assert_false(st->remote_hold);
		}
		side_free(&s);
	}
	answered(&s, 1);
	assert_int_equal(sdp_ssrcs(neg_stream(s.n, 1)->media, ssrc, 4), 2);
	assert_int_equal(ssrc[0], 2071993040);
	assert_int_equal(ssrc[1], 2071993041);
	assert_int_equal(sdp_ssrcs(neg_stream(s.n, 1)->media, ssrc, 1), 1);
	side_free(&s);
}

/* Our offer to a browser: numbers of header extensions stay as the peer has them, and new ones are free. */
static void test_offer_again(void **state)
{
	struct side s;
	struct formats f = { 0 };
	size_t k;

	(void)state;
	answered(&s, 1);
	formats_edit(&f, STR("vp8"), true, NULL);
	assert_int_equal(neg_stream_add(s.n, MEDIA_VIDEO, &f, &k), 0);
	neg_stream(s.n, k)->exts = RTP_EXT_ALL;
	neg_stream(s.n, k)->feedback = NEG_FEEDBACK_ALL;
	buf_reset(&s.text);
	assert_int_equal(neg_offer_out(s.n, &s.text), 0);
	has(buf_z(&s.text), "a=group:BUNDLE 0 1 video-2");
	assert_int_equal(count(buf_z(&s.text), "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"), 3);
	assert_int_equal(count(buf_z(&s.text), "a=extmap:13 urn:3gpp:video-orientation\r\n"), 2);
	has(buf_z(&s.text), "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01");
	has(buf_z(&s.text), "a=rtcp-fb:96 transport-cc");
	has(buf_z(&s.text), "m=video 10000 UDP/TLS/RTP/SAVPF 96");
	/* Theirs go on under the description that they had. */
	has(buf_z(&s.text), "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f");
	assert_int_equal(count(buf_z(&s.text), "a=fingerprint:"), 1);
	side_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_meaning), cmocka_unit_test(test_offer_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
