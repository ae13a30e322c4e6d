/* What SDP says of what endpoints ask for: Opus, digits at each clock, feedback about video, IPv6. */
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
	"exten => bob,1,Dial(PJSIP/bob)\n";

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
		T(opus_is_answered), T(feedback_is_the_callers), T(ipv6_on_demand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
