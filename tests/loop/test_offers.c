/* What SDP says of what endpoints ask for: Opus, digits at each clock, IPv6; video of two legs, of which
 * one has what the other has; and an answer that cannot be used. */
#include "alice.h"
#include "base/obj.h"
#include "service/call/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n same => n,Set(GLOBAL(CAUSE)=${HANGUPCAUSE})\n";

#define PHONE "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,opus,ulaw,h264\nmax_video_streams=1\n"
#define CONF(lines) WIRE_UDP PHONE lines ALICE_LINE \
	"[bob](phone)\naors=bob\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, CONF(""));
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static bool says(struct str body, const char *what)
{
	return str_find(body, str_z(what)) < body.n;
}

#define OPUS "m=audio 6000 RTP/AVP 111 0 110 126\r\na=rtpmap:111 opus/48000/2\r\n" \
	"a=fmtp:111 minptime=10;useinbandfec=1;maxplaybackrate=16000\r\n" \
	"a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"

static void opus_is_answered(void **state)
{
	struct str body;

	(void)state;
	alice("INVITE", "up", 1, "", SDP_HEAD OPUS);
	assert_int_equal(status(SIP_INVITE), 200);
	body = response(SIP_INVITE)->body;
	assert_true(says(body, "m=audio "));
	assert_true(says(body, " RTP/AVP 111 0 110 126\r\n"));
	assert_true(says(body, "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 maxplaybackrate=16000;useinbandfec=1\r\n"));
	assert_true(says(body, "a=rtpmap:110 telephone-event/48000\r\n"));
	assert_true(says(body, "a=rtpmap:126 telephone-event/8000\r\n"));
	alice("ACK", "up", 1, "", "");
}

/* What alice's phone can be told of its video is what bob's is asked for. */
static void feedback_is_the_callers(void **state)
{
	struct str body;

	(void)state;
	wire_reload(&t, CONF("use_avpf=yes\n"));
	alice("INVITE", "bob", 1, "", SDP_HEAD "m=audio 6000 RTP/AVPF 0\r\nm=video 6002 RTP/AVPF 96\r\n"
	      "a=rtpmap:96 H264/90000\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 transport-cc\r\n");
	world_turn(&t.w);
	assert_true(request(SIP_INVITE, 5062) != SIZE_MAX);
	body = t.sent[request(SIP_INVITE, 5062)]->body;
	assert_true(says(body, "a=rtcp-fb:99 nack\r\n"));
	assert_true(says(body, "a=rtcp-fb:99 nack pli\r\n"));
	assert_false(says(body, "ccm fir"));
	assert_false(says(body, "goog-remb"));
	wire_forget(&t);
	alice("CANCEL", "bob", 1, "", "");
}

/* ---- two legs with video: what one has, the other is told ---------------------------------- */

#define RTP_EXT "http://www.webrtc.org/experiments/rtp-hdrext/"
#define CC_EXT "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
#define FEEDBACK(pt) "a=rtcp-fb:" pt " nack\r\na=rtcp-fb:" pt " nack pli\r\na=rtcp-fb:" pt " ccm fir\r\n" \
	"a=rtcp-fb:" pt " goog-remb\r\na=rtcp-fb:" pt " transport-cc\r\n"
#define HER_VIDEO(port) "m=video " port " RTP/AVPF 102 103\r\na=rtpmap:102 H264/90000\r\n" \
	"a=fmtp:102 packetization-mode=0;profile-level-id=42e01f\r\na=rtpmap:103 H264/90000\r\n" \
	"a=fmtp:103 packetization-mode=1;profile-level-id=42e01f\r\n" FEEDBACK("102") FEEDBACK("103") \
	"a=extmap:2 " RTP_EXT "abs-send-time\r\na=extmap:3 " CC_EXT "\r\na=extmap:13 urn:3gpp:video-orientation\r\n"
#define HER_SOUND "m=audio 6000 RTP/AVPF 0\r\n"

static struct str bobs_offer(void)
{
	world_turn(&t.w);
	return requested(SIP_INVITE, BOB)->body;
}

static void video_legs(const char *bobs, const char *const want[], const char *const none[])
{
	struct str body;

	wire_reload(&t, CONF("use_avpf=yes\n"));
	alice("INVITE", "bob", 1, "", SDP_HEAD HER_SOUND HER_VIDEO("6002"));
	body = bobs_offer();
	assert_true(says(body, "a=fmtp:99 packetization-mode=1;profile-level-id=42e01f\r\n"));
	assert_true(says(body, "a=rtcp-fb:99 transport-cc\r\n") && says(body, CC_EXT));
	assert_true(says(body, " " RTP_EXT "abs-send-time\r\n") && says(body, "video-orientation"));
	assert_false(says(body, "playout-delay") || says(body, "toffset"));
	answer(SIP_INVITE, BOB, 200, "", bobs);
	assert_int_equal(status(SIP_INVITE), 200);
	body = response(SIP_INVITE)->body;
	for (size_t i = 0; want[i]; i++)
		if (!says(body, want[i]))
			fail_msg("'%s' is not in %.*s", want[i], STR_ARG(body));
	for (size_t i = 0; none[i]; i++)
		if (says(body, none[i]))
			fail_msg("'%s' is in %.*s", none[i], STR_ARG(body));
	learn_tag();
	alice("ACK", "bob", 1, "", "");
}

#define BOBS(lines) SDP_HEAD HER_SOUND "m=video 7002 RTP/AVPF 99\r\na=rtpmap:99 H264/90000\r\n" lines

/* The transport's numbers are passed on, so hers are agreed on as soon as his are. */
static void answer_follows_the_called_one(void **state)
{
	static const char *const want[] = { "a=rtcp-fb:103 transport-cc\r\n", "a=rtcp-fb:103 nack pli\r\n", "a=extmap:3 " CC_EXT "\r\n",
		"m=video ", " RTP/AVPF 103\r\n", NULL };
	static const char *const none[] = { "goog-remb", "ccm fir", "a=rtcp-fb:103 nack\r\n", "abs-send-time", "orientation", NULL };
	struct str body;

	(void)state;
	video_legs(BOBS("a=fmtp:99 packetization-mode=1;profile-level-id=42e02a\r\na=rtcp-fb:99 nack pli\r\na=rtcp-fb:99 transport-cc\r\n"
			"a=extmap:2 " CC_EXT "\r\n"), want, none);
	/* Once the two talk it stays so, whoever asks again. */
	wire_forget(&t);
	alice("INVITE", "bob", 2, "", SDP_HEAD HER_SOUND HER_VIDEO("6002"));
	body = response(SIP_INVITE)->body;
	assert_true(says(body, "a=rtcp-fb:103 transport-cc\r\n") && says(body, CC_EXT));
	assert_false(says(body, "goog-remb") || says(body, "orientation"));
	alice("ACK", "bob", 2, "", "");
}

/* He has no numbers: she must not count on feedback about hers. */
static void called_one_has_less(void **state)
{
	static const char *const want[] = { "a=rtcp-fb:103 ccm fir\r\n", "a=extmap:13 urn:3gpp:video-orientation\r\n", NULL };
	static const char *const none[] = { "transport-cc", "transport-wide", "nack", NULL };

	(void)state;
	video_legs(BOBS("a=rtcp-fb:99 ccm fir\r\na=rtcp-fb:99 transport-cc\r\na=extmap:3 urn:3gpp:video-orientation\r\n"), want, none);
}

/* Answered before anybody is called: what does no harm alone. */
static void answered_alone(void **state)
{
	struct str body;

	(void)state;
	wire_reload(&t, CONF("use_avpf=yes\n"));
	alice("INVITE", "up", 1, "", SDP_HEAD HER_SOUND HER_VIDEO("6002"));
	body = response(SIP_INVITE)->body;
	assert_true(says(body, "a=rtcp-fb:103 nack pli\r\n") && says(body, "orientation"));
	assert_false(says(body, "transport"));
	alice("ACK", "up", 1, "", "");
}

/* As many as both may have, in one group where the endpoint has them. */
static void two_videos(void **state)
{
	static const struct { const char *conf; unsigned videos, only; bool cc; } tv[] = {
		{ CONF("use_avpf=yes\nmax_video_streams=2\nbundle=yes\n"), 2, 1, true },
		{ CONF("use_avpf=yes\nmax_video_streams=2\n"), 2, 0, false },
		{ CONF("use_avpf=yes\nbundle=yes\n"), 1, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct str body, rest;
		unsigned videos = 0, only = 0;

		wire_reload(&t, tv[i].conf);
		alice("INVITE", "bob", 1, "", SDP_HEAD "a=group:BUNDLE a v w\r\n" HER_SOUND "a=mid:a\r\na=rtcp-mux\r\n"
		      HER_VIDEO("6002") "a=mid:v\r\n" HER_VIDEO("6004") "a=mid:w\r\n");
		body = rest = bobs_offer();
		for (struct str line; str_line(&rest, &line); ) {
			videos += str_starts(line, STR("m=video "));
			only += str_eq(line, STR("a=bundle-only"));
		}
		if (videos != tv[i].videos)
			fail_msg("row %zu: %.*s", i, STR_ARG(body));
		assert_int_equal(only, tv[i].only);
		/* Where they would go two ways, numbers of one transport say nothing. */
		assert_int_equal(says(body, "transport-cc"), tv[i].cc);
		answer(SIP_INVITE, BOB, 486, "", "");
		world_turn(&t.w);
		alice("ACK", "bob", 1, "", "");
		alice_starts_anew();
	}
}

/* He answers with what cannot be used, so that he has not answered; or, as in Asterisk, with nothing, and she is answered
 * too. Both calls end. */
static void unusable_answer(void **state)
{
	static const char *const bodies[] = { SDP_HEAD "m=audio 7000 RTP/AVP 18\r\n", "v=0\r\nnonsense\r\n",
		SDP_HEAD "m=audio 0 RTP/AVP 0\r\n", SDP_ULAW "m=audio 1 RTP/AVP 0\r\n", SDP_HEAD "m=audio 7000 RTP/SAVP 0\r\n", "" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		alice_calls("bob");
		answer(SIP_INVITE, BOB, 200, "", bodies[i]);
		world_turn(&t.w);
		if (status(SIP_INVITE) != (bodies[i][0] ? 503 : 200) || str_find(str_z(global("CAUSE")), STR("58")) != 0)
			fail_msg("answer %zu: %u, cause %s", i, status(SIP_INVITE), global("CAUSE"));
		set_global("CAUSE", "");
		requested(SIP_ACK, BOB);
		requested(SIP_BYE, BOB);
		learn_tag();
		alice("ACK", "bob", 1, "", "");
		world_turn(&t.w);
		assert_int_equal(channels(), 0);
		alice_starts_anew();
	}
}

/* external_media_address: who is told what, by where the peer is and what would be told else. */
static void from_outside(void **state)
{
	static const struct { const char *conf, *peer, *c; } tv[] = {
		{ "", "192.0.2.7:5061", "c=IN IP4 198.51.100.1" },      /* no local_net: always */
		{ "local_net=127.0.0.0/8\n", "192.0.2.7:5061", "c=IN IP4 198.51.100.1" },
		{ "local_net=192.0.2.0/24\n", "192.0.2.7:5061", "c=IN IP4 127.0.0.1" },
		/* Not towards inside; nor when our own is no address of the inside. */
		{ "local_net=127.0.0.0/8\nlocal_net=192.0.2.0/24\n", "192.0.2.7:5061", "c=IN IP4 127.0.0.1" },
		{ "local_net=10.0.0.0/8\n", "192.0.2.7:5061", "c=IN IP4 127.0.0.1" },
		{ "local_net=10.0.0.0/8\n#media_address=10.0.0.5\n", "192.0.2.7:5061", "c=IN IP4 198.51.100.1" },
		{ "local_net=10.0.0.0/8\n#media_address=203.0.113.5\n", "192.0.2.7:5061", "c=IN IP4 203.0.113.5" },
	};
	char text[1024], invite[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		const char *media = strchr(tv[i].conf, '#');
		int n = media ? (int)(media - tv[i].conf) : (int)strlen(tv[i].conf);

		alice_ends(0);
		wire_close(&t);
		snprintf(text, sizeof(text), WIRE_UDP "external_media_address=198.51.100.1\n%.*s" PHONE
			 "[alice](phone)\n%s", n, tv[i].conf, media ? media + 1 : "");
		wire_open(&t, plan, text);
		snprintf(invite, sizeof(invite), "INVITE sip:up@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%zu\r\n"
			 "From: <sip:alice@127.0.0.1>;tag=o\r\nTo: <sip:up@127.0.0.1>\r\nCall-ID: o%zu\r\nCSeq: 1 INVITE\r\n"
			 "Contact: <sip:alice@%s>\r\nContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
			 tv[i].peer, i, i, tv[i].peer, strlen(SDP_ULAW), SDP_ULAW);
		wire_come(&t, tv[i].peer, invite);
		if (!has(response(SIP_INVITE)->body, tv[i].c))
			print_error("row %zu: %.*s\n", i, STR_ARG(response(SIP_INVITE)->body));
		assert_true(has(response(SIP_INVITE)->body, tv[i].c));
	}
}

static void ipv6_on_demand(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", SDP_HEAD OPUS);
	assert_true(says(response(SIP_INVITE)->body, "c=IN IP4 127.0.0.1\r\n"));
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	alice("BYE", "up", 2, "", "");
	wire_reload(&t, CONF("rtp_ipv6=yes\n"));
	alice_starts_anew();
	alice("INVITE", "up", 1, "", SDP_HEAD OPUS);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(says(response(SIP_INVITE)->body, "c=IN IP6 ::1\r\n"));
	alice("ACK", "up", 1, "", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(opus_is_answered), T(feedback_is_the_callers), T(answer_follows_the_called_one), T(called_one_has_less),
		T(answered_alone), T(two_videos), T(unusable_answer), T(from_outside), T(ipv6_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
