/* Several streams of sound in one call, as max_audio_streams allows: taken, offered to whom they call, joined. */
#include "alice.h"
#include "base/obj.h"
#include "media/media.h"
#include "service/call/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define EVENTS " 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
#define ONE SDP_HEAD "m=audio 6000 RTP/AVP 0" EVENTS
#define TWO ONE "m=audio 6002 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define TEXT ONE "m=text 6004 RTP/AVP 98\r\na=rtpmap:98 t140/1000\r\n"

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

#define CONF(of_alice, of_bob) WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,t140\ndirect_media=no\n" \
	"[alice](phone)\naors=alice\n" of_alice "[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n" \
	"[bob](phone)\naors=bob\n" of_bob "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

static void begin(const char *conf)
{
	wire_open_media(&t, plan, conf);
	alice_begins();
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

/* How often `what` stands in the SDP. */
static unsigned times(struct str body, const char *what)
{
	unsigned n = 0;
	size_t at;

	while ((at = str_find(body, str_z(what))) < body.n) {
		body = str_skip(body, at + 1);
		n++;
	}
	return n;
}

static unsigned lines_on(struct str body)
{
	return times(body, "m=audio ") - times(body, "m=audio 0 ");
}

static void as_many_as_allowed(void **state)
{
	(void)state;
	begin(CONF("", ""));
	alice("INVITE", "up", 1, "", TWO);
	assert_int_equal(lines_on(response(SIP_INVITE)->body), 1);
	assert_int_equal(times(response(SIP_INVITE)->body, "m=audio 0 "), 1);
	teardown(NULL);
	begin(CONF("max_audio_streams=2\n", ""));
	alice("INVITE", "up", 1, "", TWO);
	assert_int_equal(lines_on(response(SIP_INVITE)->body), 2);
	/* Digits are the first one's. */
	assert_int_equal(times(response(SIP_INVITE)->body, "telephone-event"), 1);
}

static void text_is_declined(void **state)
{
	(void)state;
	begin(CONF("", ""));
	alice("INVITE", "up", 1, "", TEXT);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(times(response(SIP_INVITE)->body, "m=text 0 "), 1);
}

/* The n-th sound of `a` with the n-th of `b`. */
static bool joined(struct session *a, struct session *b, size_t n)
{
	struct media_session *ma = session_stream_media(neg_stream(a->neg, n)), *mb = session_stream_media(neg_stream(b->neg, n));

	return ma && mb && media_session_bridged(ma) && media_session_bridged(mb);
}

static void to_whom_it_calls(void **state)
{
	struct session *a, *b;

	(void)state;
	begin(CONF("max_audio_streams=2\n", "max_audio_streams=3\n"));
	alice("INVITE", "bob", 1, "", TWO);
	assert_int_equal(lines_on(requested(SIP_INVITE, BOB)->body), 2);
	assert_int_equal(times(requested(SIP_INVITE, BOB)->body, "telephone-event"), 1);
	answer(SIP_INVITE, BOB, 200, "", TWO);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	a = session_of_channel(channel_at(0));
	b = session_of_channel(channel_at(1));
	assert_true(joined(a, b, 0));
	assert_true(joined(a, b, 1));
	assert_false(session_is_sound(a, session_stream_media(neg_stream(a->neg, 1))));
	/* Her second one ends, and so does his. */
	wire_forget(&t);
	alice("INVITE", "bob", 2, "", ONE "m=audio 0 RTP/AVP 0\r\n");
	alice("ACK", "bob", 2, "", "");
	assert_int_equal(lines_on(requested(SIP_INVITE, BOB)->body), 1);
	answer(SIP_INVITE, BOB, 200, "", ONE "m=audio 0 RTP/AVP 0\r\n");
	assert_true(joined(a, b, 0));
	assert_int_equal(neg_stream(b->neg, 1)->active, false);
}

/* He may have one only; and who adds one later. */
static void by_the_others_limit(void **state)
{
	(void)state;
	begin(CONF("max_audio_streams=2\n", ""));
	alice("INVITE", "bob", 1, "", TWO);
	assert_int_equal(lines_on(requested(SIP_INVITE, BOB)->body), 1);
	answer(SIP_INVITE, BOB, 200, "", ONE);
	assert_int_equal(lines_on(response(SIP_INVITE)->body), 2);
}

static void added_later(void **state)
{
	(void)state;
	begin(CONF("max_audio_streams=2\n", "max_audio_streams=2\n"));
	alice_talks_to("bob", BOB, ONE);
	alice("INVITE", "bob", 2, "", TWO);
	assert_int_equal(lines_on(response(SIP_INVITE)->body), 2);
	alice("ACK", "bob", 2, "", "");
	assert_int_equal(lines_on(requested(SIP_INVITE, BOB)->body), 2);
	answer(SIP_INVITE, BOB, 200, "", TWO);
	assert_true(joined(session_of_channel(channel_at(0)), session_of_channel(channel_at(1)), 1));
}

/* Video comes and goes for both. */
static void video_comes_and_goes(void **state)
{
	(void)state;
	begin(CONF("allow=h264\n", "allow=h264\n"));
	alice_talks_to("bob", BOB, ONE);
	alice("INVITE", "bob", 2, "", ONE "m=video 6008 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "bob", 2, "", "");
	assert_int_equal(times(requested(SIP_INVITE, BOB)->body, "m=video "), 1);
	answer(SIP_INVITE, BOB, 200, "", ONE "m=video 6018 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n");
	assert_true(joined(session_of_channel(channel_at(0)), session_of_channel(channel_at(1)), 1));
	wire_forget(&t);
	alice("INVITE", "bob", 3, "", ONE "m=video 0 RTP/AVP 96\r\n");
	alice("ACK", "bob", 3, "", "");
	assert_int_equal(times(requested(SIP_INVITE, BOB)->body, "m=video 0 "), 1);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(as_many_as_allowed), T(text_is_declined), T(to_whom_it_calls), T(by_the_others_limit), T(added_later),
		T(video_comes_and_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
