/* Streams over one transport, as SDP says it (RFC 8843): our offers and their answers. What an
 * offer of theirs groups is in test_negotiate.c. */
#include "base/obj.h"
#include "sdp/negotiate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define VIDEO "a=rtpmap:99 H264/90000\r\n"
#define MID_EXT "urn:ietf:params:rtp-hdrext:sdes:mid"

static struct neg *n;
static struct buf text;

static int setup(void **state)
{
	struct neg_prm p = { .owner = STR("-"), .session = STR("-"), .max_audio = 1, .max_video = 2, .bundle = true,
		.rtcp_mux = true };

	(void)state;
	formats_edit(&p.formats, STR("ulaw,h264"), true, NULL);
	text = (struct buf)BUF_INIT;
	return neg_new(&n, &p);
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&text);
	n = obj_drop(n);
	return 0;
}

static size_t add(enum media_type t, const char *format)
{
	struct formats f = { 0 };
	size_t i = 99;

	formats_edit(&f, str_z(format), true, NULL);
	assert_int_equal(neg_stream_add(n, t, &f, &i), 0);
	return i;
}

static void at(size_t i, const char *address)
{
	sa_parse(&neg_stream(n, i)->local, str_z(address));
}

static bool offer_says(const char *what)
{
	buf_reset(&text);
	assert_int_equal(neg_offer_out(n, &text), 0);
	return strstr(buf_z(&text), what) != NULL;
}

static bool says(const char *what)
{
	return strstr(buf_z(&text), what) != NULL;
}

static void answer(const char *sdp)
{
	struct sdp *o = NULL;
	enum neg_verdict why;

	assert_int_equal(sdp_parse(&o, str_z(sdp)), 0);
	assert_int_equal(neg_answer_in(n, o, &why), 0);
	obj_drop(o);
}

static void offered(void **state)
{
	(void)state;
	add(MEDIA_AUDIO, "ulaw");
	add(MEDIA_VIDEO, "h264");
	assert_int_equal(neg_stream(n, 0)->bundled_in, -1);
	assert_int_equal(neg_stream(n, 1)->bundled_in, 0);
	assert_true(neg_needs_port(n, 1));
	at(0, "192.0.2.5:4000");
	assert_true(offer_says("a=group:BUNDLE audio-0 video-1\r\n"));
	assert_true(says("m=video 4000 RTP/AVP"));
	assert_true(says("a=mid:video-1\r\na=msid:sidetone video-1\r\n"));
	answer(HEAD "a=group:BUNDLE audio-0 video-1\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\na=rtcp-mux\r\n"
	       "a=extmap:3/sendrecv " MID_EXT "\r\nm=video 9 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	assert_int_equal(neg_stream(n, 0)->mid_ext, 3);
	assert_int_equal(sa_port(&neg_stream(n, 1)->remote), 6000);
	assert_int_equal(neg_stream(n, 1)->mid_ext, 0);
	assert_int_equal(neg_stream(n, 1)->bundled_in, 0);
	/* A further stream joins them: two of a kind are told apart by their names. */
	assert_int_equal(add(MEDIA_VIDEO, "h264"), 2);
	assert_true(offer_says("a=group:BUNDLE audio-0 video-1 video-2\r\n"));
	assert_true(says("a=mid:video-1\r\na=extmap:1 " MID_EXT "\r\n"));
	assert_true(says("a=mid:video-2\r\na=extmap:1 " MID_EXT "\r\n"));
	assert_true(says("a=mid:audio-0\r\na=msid:"));
	assert_int_equal(neg_stream(n, 2)->bundled_in, 0);
}

/* A peer that knows no groups is offered none again, and each stream has its own port. */
static void not_taken(void **state)
{
	(void)state;
	add(MEDIA_AUDIO, "ulaw");
	add(MEDIA_VIDEO, "h264");
	at(0, "192.0.2.5:4000");
	assert_true(offer_says("BUNDLE"));
	answer(HEAD "m=audio 6000 RTP/AVP 0\r\nm=video 6002 RTP/AVP 99\r\n" VIDEO);
	assert_int_equal(neg_stream(n, 1)->bundled_in, -1);
	at(1, "192.0.2.5:4002");
	assert_false(offer_says("BUNDLE"));
	assert_true(says("m=video 4002 RTP/AVP"));
}

/* The first one ends: the next is the transport's. */
static void first_one_ends(void **state)
{
	(void)state;
	add(MEDIA_AUDIO, "ulaw");
	add(MEDIA_VIDEO, "h264");
	at(0, "192.0.2.5:4000");
	assert_true(offer_says("BUNDLE"));
	answer(HEAD "a=group:BUNDLE audio-0 video-1\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\n"
	       "m=video 6000 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	neg_stream_set(n, 0, NULL, false);
	assert_int_equal(neg_stream(n, 1)->bundled_in, -1);
	at(1, "192.0.2.5:4000");
	assert_true(offer_says("a=group:BUNDLE video-1\r\n"));
	/* Refused: it is as before. */
	neg_rollback(n);
	assert_int_equal(neg_stream(n, 1)->bundled_in, 0);
	assert_true(neg_stream(n, 0)->active);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(offered), T(not_taken), T(first_one_ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
