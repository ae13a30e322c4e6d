/* Streams over one transport, as SDP says it (RFC 8843): our offers and their answers, theirs and
 * ours, and what changes within a group. What browsers offer is in test_webrtc_sdp.c. */
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

static bool says(const char *what)
{
	return strstr(buf_z(&text), what) != NULL;
}

static bool offer_says(const char *what)
{
	buf_reset(&text);
	assert_int_equal(neg_offer_out(n, &text), 0);
	return says(what);
}

static void answer(const char *sdp)
{
	struct sdp *o = NULL;
	enum neg_verdict why;

	assert_int_equal(sdp_parse(&o, str_z(sdp)), 0);
	assert_int_equal(neg_answer_in(n, o, &why), 0);
	obj_drop(o);
}

static void take(const char *sdp)
{
	struct sdp *o = NULL;
	enum neg_verdict why;

	assert_int_equal(sdp_parse(&o, str_z(sdp)), 0);
	assert_int_equal(neg_offer_in(n, o, NULL, &why), 0);
	obj_drop(o);
	for (size_t i = 0; i < neg_count(n); i++)
		at(i, "192.0.2.5:4000");
}

static void take_and_answer(const char *sdp)
{
	take(sdp);
	buf_reset(&text);
	assert_int_equal(neg_answer_out(n, &text), 0);
}

static int in(size_t i)
{
	return neg_stream(n, i)->bundled_in;
}

static unsigned there(size_t i)
{
	return sa_port(&neg_stream(n, i)->remote);
}

static void two(void)
{
	add(MEDIA_AUDIO, "ulaw");
	add(MEDIA_VIDEO, "h264");
	at(0, "192.0.2.5:4000");
	at(1, "192.0.2.5:4002");
}

/* The first stream of a kind has a transport of its own, further ones are there for the group alone. */
static void offered(void **state)
{
	(void)state;
	two();
	add(MEDIA_VIDEO, "h264");
	assert_int_equal(in(0), -1);
	assert_int_equal(in(1), -1);
	assert_int_equal(in(2), 0);
	assert_true(neg_needs_port(n, 1));
	assert_true(offer_says("a=group:BUNDLE audio-0 video-1 video-2\r\n"));
	assert_true(says("m=audio 4000 RTP/AVP"));
	assert_true(says("m=video 4002 RTP/AVP"));
	assert_true(says("m=video 0 RTP/AVP"));
	assert_true(says("a=mid:video-2\r\na=bundle-only\r\na=msid:sidetone video-2\r\na=extmap:1 " MID_EXT "\r\n"));
	assert_false(says("a=mid:video-1\r\na=bundle-only"));
	answer(HEAD "a=group:BUNDLE audio-0 video-1 video-2\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\na=rtcp-mux\r\n"
	       "a=extmap:1/sendrecv " MID_EXT "\r\nm=video 9 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO
	       "m=video 9 RTP/AVP 99\r\na=mid:video-2\r\na=extmap:3 " MID_EXT "\r\n" VIDEO);
	for (size_t i = 1; i < 3; i++) {
		assert_int_equal(in(i), 0);
		assert_int_equal(there(i), 6000);
		assert_true(neg_stream(n, i)->rtcp_mux);        /* the transport's */
	}
	assert_int_equal(neg_stream(n, 0)->ext[RTP_EXT_MID], 1);
	assert_int_equal(neg_stream(n, 1)->ext[RTP_EXT_MID], 0);
	assert_int_equal(neg_stream(n, 2)->ext[RTP_EXT_MID], 0);        /* another number is none */
	/* Again: now all of them are there. */
	assert_true(offer_says("a=group:BUNDLE audio-0 video-1 video-2\r\n"));
	assert_false(says("m=video 0 ") || says("bundle-only") || says("m=video 4002 "));
}

/* A further stream joins the group, and takes its place there or none. */
static void added(void **state)
{
	(void)state;
	two();
	offer_says("");
	answer(HEAD "a=group:BUNDLE audio-0 video-1\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\n"
	       "m=video 6000 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	assert_int_equal(add(MEDIA_VIDEO, "h264"), 2);
	assert_int_equal(in(2), 0);
	assert_true(offer_says("a=group:BUNDLE audio-0 video-1 video-2\r\n"));
	assert_true(says("m=video 4000 RTP/AVP 99\r\n"));
	answer(HEAD "a=group:BUNDLE audio-0 video-1\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\n"
	       "m=video 6000 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO "m=video 7000 RTP/AVP 99\r\na=mid:video-2\r\n" VIDEO);
	assert_false(neg_stream(n, 2)->active);
	assert_int_equal(in(1), 0);
}

/* A peer that knows no groups is offered none again, and each stream has its own port. What was there for
 * the group alone is not there. */
static void not_taken(void **state)
{
	(void)state;
	two();
	add(MEDIA_VIDEO, "h264");
	assert_true(offer_says("BUNDLE"));
	answer(HEAD "m=audio 6000 RTP/AVP 0\r\nm=video 6002 RTP/AVP 99\r\n" VIDEO "m=video 6004 RTP/AVP 99\r\n" VIDEO);
	assert_int_equal(in(1), -1);
	assert_int_equal(there(1), 6002);
	assert_false(neg_stream(n, 2)->active);
	assert_false(offer_says("BUNDLE"));
	assert_true(says("m=video 4002 RTP/AVP"));
}

/* A fork takes the group, the next does not: it needs the port that was offered. */
static void forks(void **state)
{
	void *port = obj_new(1, NULL), *other = obj_new(1, NULL);

	(void)state;
	two();
	neg_port_set(n, 1, port);
	offer_says("");
	answer(HEAD "a=group:BUNDLE audio-0 video-1\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\n"
	       "m=video 9 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	neg_port_set(n, 1, other);
	answer(HEAD "m=audio 7000 RTP/AVP 0\r\nm=video 7002 RTP/AVP 99\r\n" VIDEO);
	assert_ptr_equal(neg_stream(n, 1)->port, port);
	assert_int_equal(obj_refs(port), 2);
	neg_answer_settled(n);
	assert_int_equal(obj_refs(port), 1);
}

/* The tagged stream is refused: the group has the transport of the next. */
static void tagged_one_refused(void **state)
{
	(void)state;
	two();
	offer_says("");
	answer(HEAD "a=group:BUNDLE video-1\r\nm=audio 0 RTP/AVP 0\r\na=mid:audio-0\r\n"
	       "m=video 6002 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	assert_false(neg_stream(n, 0)->active);
	assert_true(neg_stream(n, 1)->active);
	assert_int_equal(in(1), -1);
	assert_int_equal(there(1), 6002);
	assert_true(offer_says("a=group:BUNDLE video-1\r\n"));
	assert_true(says("m=video 4002 "));
}

/* The first one ends, by our offer or theirs: the next carries on, on the same transport. */
static void first_one_ends(void **state)
{
	static const char both[] = HEAD "a=group:BUNDLE audio-0 video-1\r\nm=audio 6000 RTP/AVP 0\r\na=mid:audio-0\r\n"
		"m=video 6000 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO;

	(void)state;
	two();
	assert_true(offer_says("BUNDLE"));
	answer(both);
	neg_stream_set(n, 0, NULL, false);
	assert_int_equal(in(1), -1);
	at(1, "192.0.2.5:4000");
	assert_true(offer_says("a=group:BUNDLE video-1\r\n"));
	/* Refused: it is as before. */
	neg_rollback(n);
	assert_int_equal(in(1), 0);
	assert_true(neg_stream(n, 0)->active);
	/* Our offer keeps both, their answer ends the first: what is left goes on without an address of its own. */
	assert_true(offer_says("a=group:BUNDLE audio-0 video-1\r\n"));
	answer(HEAD "a=group:BUNDLE video-1\r\nm=audio 0 RTP/AVP 0\r\na=mid:audio-0\r\n"
	       "m=video 6000 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	assert_true(neg_stream(n, 1)->active);
	assert_int_equal(in(1), -1);
	/* Theirs: the first of their list is the tagged one, wherever its line stands. */
	take_and_answer(HEAD "a=group:BUNDLE video-1 audio-0\r\nm=audio 9 RTP/AVP 0\r\na=mid:audio-0\r\n"
			"m=video 6100 RTP/AVP 99\r\na=mid:video-1\r\n" VIDEO);
	assert_int_equal(in(0), 1);
	assert_int_equal(in(1), -1);
	assert_int_equal(there(0), 6100);
	assert_true(says("a=group:BUNDLE video-1 audio-0\r\n"));
}

/* Lines with port 0 that are only there for the group, and who takes no groups. */
static void bundle_only(void **state)
{
	static const char theirs[] = HEAD "a=group:LS a v\r\na=group:BUNDLE a v w\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n"
		"m=video 0 RTP/AVP 99\r\na=mid:v\r\na=bundle-only\r\na=extmap:5 " MID_EXT "\r\n" VIDEO
		"m=video 0 RTP/AVP 99\r\na=mid:w\r\n" VIDEO;
	struct neg_prm p = { .max_audio = 1, .max_video = 2 };

	(void)state;
	take_and_answer(theirs);
	assert_int_equal(in(1), 0);
	assert_int_equal(there(1), 6000);
	assert_int_equal(neg_stream(n, 1)->ext[RTP_EXT_MID], 5);
	assert_false(neg_stream(n, 2)->active);         /* a port of 0 alone is a refusal */
	assert_true(says("a=group:BUNDLE a v\r\n"));
	assert_true(says("m=video 4000 "));
	assert_false(says("bundle-only"));
	assert_true(says("a=mid:v\r\na=msid:sidetone v\r\na=extmap:5 " MID_EXT "\r\n"));
	n = obj_drop(n);
	formats_edit(&p.formats, STR("ulaw,h264"), true, NULL);
	assert_int_equal(neg_new(&n, &p), 0);
	take_and_answer(theirs);
	assert_false(neg_stream(n, 1)->active);
	assert_false(says("BUNDLE"));
}

/* We decline the tagged stream: the next of the list that has a transport is it (RFC 8843 section 7.3.1). */
static void we_decline_the_tagged_one(void **state)
{
	(void)state;
	take_and_answer(HEAD "a=group:BUNDLE a w v\r\nm=audio 6000 RTP/AVP 3\r\na=mid:a\r\n"
			"m=video 6002 RTP/AVP 99\r\na=mid:v\r\n" VIDEO
			"m=video 0 RTP/AVP 99\r\na=mid:w\r\na=bundle-only\r\n" VIDEO);
	assert_false(neg_stream(n, 0)->active);
	assert_int_equal(in(1), -1);
	assert_int_equal(in(2), 1);
	assert_int_equal(there(2), 6002);
	assert_true(says("a=group:BUNDLE v w\r\n"));
}

/* Two groups: a transport each. A name that two lines have is only the first one's. */
static void groups(void **state)
{
	(void)state;
	take_and_answer(HEAD "a=group:BUNDLE a v\r\na=group:BUNDLE w\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\n"
			"m=video 6000 RTP/AVP 99\r\na=mid:v\r\n" VIDEO "m=video 6004 RTP/AVP 99\r\na=mid:w\r\n" VIDEO);
	assert_int_equal(in(1), 0);
	assert_int_equal(in(2), -1);
	assert_int_equal(there(2), 6004);
	assert_true(says("a=group:BUNDLE a v\r\na=group:BUNDLE w\r\n"));
	teardown(NULL);
	setup(NULL);
	take_and_answer(HEAD "a=group:BUNDLE a\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\n"
			"m=video 6002 RTP/AVP 99\r\na=mid:a\r\n" VIDEO);
	assert_int_equal(in(1), -1);
	assert_true(says("a=group:BUNDLE a\r\n"));
}

/* Hold is said after the group was agreed on: the address stays the group's. */
static void held(void **state)
{
	(void)state;
	take(HEAD "a=group:BUNDLE a v\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\nm=video 9 RTP/AVP 99\r\na=mid:v\r\n" VIDEO);
	neg_hold(n, 1, true);
	assert_int_equal(there(1), 6000);
	assert_int_equal(neg_stream(n, 1)->dir, SDP_SENDONLY);
}

/* On one transport a payload type means one thing (RFC 8843 section 9.1): our own numbers stay clear of those
 * that the peer has given to other streams. */
static void numbers(void **state)
{
	struct neg_prm p = { .max_audio = 1, .max_video = 2, .bundle = true, .telephone_event = true };

	(void)state;
	n = obj_drop(n);
	formats_edit(&p.formats, STR("ulaw,opus,h264,vp8"), true, NULL);
	assert_int_equal(neg_new(&n, &p), 0);
	take_and_answer(HEAD "a=group:BUNDLE a v\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\n"
			"m=video 9 RTP/AVP 107 101\r\na=mid:v\r\na=rtpmap:107 H264/90000\r\na=rtpmap:101 VP8/90000\r\n");
	neg_stream_set(n, 0, &p.formats, true);
	add(MEDIA_VIDEO, "h264,vp8");
	assert_true(offer_says("m=audio 4000 RTP/AVP 0 108 102 103\r\n"));
	assert_true(says("m=video 4000 RTP/AVP 107 101\r\n"));
	assert_non_null(strstr(strstr(buf_z(&text), "a=mid:v\r\n"), "m=video 4000 RTP/AVP 107 101\r\n"));
}

/* Our source is named in whichever direction, as a hold must not make it another for a browser. */
static void sources(void **state)
{
	(void)state;
	take(HEAD "a=group:BUNDLE a v\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\nm=video 9 RTP/AVP 99\r\na=mid:v\r\na=sendonly\r\n" VIDEO);
	for (size_t i = 0; i < 2; i++) {
		neg_stream(n, i)->ssrc = 4000000000u + (unsigned)i;
		memcpy(neg_stream(n, i)->cname, "us", 3);
	}
	buf_reset(&text);
	assert_int_equal(neg_answer_out(n, &text), 0);
	assert_true(says("a=msid:sidetone a\r\na=ssrc:4000000000 cname:us\r\n"));
	assert_true(says("a=recvonly\r\n") && says("a=msid:sidetone v\r\na=ssrc:4000000001 cname:us\r\n"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(offered), T(added), T(not_taken), T(forks), T(tagged_one_refused), T(first_one_ends), T(bundle_only),
		T(we_decline_the_tagged_one), T(groups), T(held), T(sources), T(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
