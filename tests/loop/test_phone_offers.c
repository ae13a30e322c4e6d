/* A user agent's offers and answers: late ones, several, those that are refused or left, and the end of a call in the
 * midst of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "phone_media_stage.h"

static struct sidetone_media_options options(const char *codecs)
{
	struct sidetone_media_options o;

	sidetone_media_options_init(&o);
	o.codecs = codecs;
	return o;
}

static void both(const char *codecs_a, const char *codecs_b)
{
	struct sidetone_media_options oa = options(codecs_a), ob = options(codecs_b);

	side_up(&a, &oa);
	side_up(&b, &ob);
}

/* ---- offers and answers */

/* Who is called without an offer makes one. */
static void test_late_offer(void **state)
{
	(void)state;
	both("alaw", "g722,alaw");
	listens(&a, 8000);
	source(&b, SIDETONE_TONE, "440");
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_true(hears(&a, 440));
	/* In a call as well: all that it can, what is spoken first. */
	assert_non_null(make(&b, SIDETONE_OFFER));
	assert_non_null(strstr(b.s.body, " RTP/AVP 8 9 "));
	assert_int_equal(take(&a, SIDETONE_OFFER, "application/sdp", b.s.body), 0);
	assert_non_null(make(&a, SIDETONE_ANSWER));
	assert_int_equal(take(&b, SIDETONE_ANSWER, "application/sdp", a.s.body), 0);
	assert_true(hears(&a, 440));
}

/* Two have answered one offer: the last one is heard, and hears. */
static void test_forks(void **state)
{
	struct sidetone_media_options o = options("ulaw");
	const char *offer;

	(void)state;
	both("ulaw,alaw", "alaw");
	side_up(&c, &o);
	listens(&a, 8000);
	source(&b, SIDETONE_TONE, "440");
	source(&c, SIDETONE_TONE, "700");
	offer = make(&a, SIDETONE_OFFER);
	assert_int_equal(take(&b, SIDETONE_OFFER, "application/sdp", offer), 0);
	assert_int_equal(take(&c, SIDETONE_OFFER, "application/sdp", offer), 0);
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&b, SIDETONE_ANSWER)), 0);
	assert_true(hears(&a, 440));
	assert_string_equal(state_of(&a).codec, "alaw");
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&c, SIDETONE_ANSWER)), 0);
	closed(&b);
	assert_true(hears(&a, 700));
	assert_string_equal(state_of(&a).codec, "ulaw");
	/* The same once more, as 200 has it. */
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, c.s.body), 0);
	assert_true(hears(&a, 700));
}

/* The offer is made again, as after a 401. */
static void test_offer_twice(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, 440));
	/* Both at once. */
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_non_null(make(&b, SIDETONE_OFFER));
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, b.s.body), 0);
	refused(&a);
	refused(&b);
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_true(hears(&b, 440));
}

static const char good[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";

static void test_refusals(void **state)
{
	static const struct { const char *type, *body; unsigned status; } rows[] = {
		{ "text/plain", good, 415 },
		{ "application/sdp", "", 488 },
		{ NULL, "\r\n\r\n", 488 },
		{ NULL, "v=0\r\nm=audio", 488 },
		{ NULL, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n", 488 },
		/* no codec in common; no address; keys that were not asked for; only video */
		{ NULL, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 3\r\n", 488 },
		{ NULL, "v=0\r\nm=audio 4000 RTP/AVP 0\r\n", 488 },
		{ NULL, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 0\r\n", 488 },
		{ NULL, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=video 4000 RTP/AVP 34\r\n", 488 },
	};

	(void)state;
	both("ulaw", "ulaw");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(take(&a, SIDETONE_OFFER, rows[i].type, rows[i].body), rows[i].status);
		assert_int_equal(count(&a, SIDETONE_MEDIA_REFUSED), i + 1);
		assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_REFUSED)].status, rows[i].status);
		assert_true(a.e[last(&a, SIDETONE_MEDIA_REFUSED)].text[0]);
	}
	/* An answer to nothing; an answer that has nothing. */
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, good), 488);
	assert_non_null(make(&a, SIDETONE_OFFER));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(take(&a, SIDETONE_ANSWER, rows[i].type, rows[i].body), rows[i].status);
	/* And still it calls. */
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, 440));
	for (size_t i = 1; i < ARRAY_LEN(rows); i++)
		assert_int_equal(take(&a, SIDETONE_OFFER, NULL, rows[i].body), 488);
	assert_true(hears(&b, 440));
	assert_int_equal(take(&b, SIDETONE_OFFER, "Application/SDP ;charset=x", make(&a, SIDETONE_OFFER)), 0);
}

/* Asked for an answer when nothing was offered. */
static void test_answer_to_nothing(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	assert_null(make(&a, SIDETONE_ANSWER));
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_REFUSED)].status, 500);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_null(make(&a, SIDETONE_ANSWER));
	assert_true(state_of(&a).agreed);
}

/* Its sound is not the first that it offers: it has its place in all that follows. */
static void test_sound_is_second(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, "v=0\r\nc=IN IP4 198.51.100.2\r\nm=video 4002 RTP/AVP 34\r\n"
		"m=audio 4000 RTP/AVP 0\r\n"), 0);
	assert_non_null(make(&a, SIDETONE_ANSWER));
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_non_null(strstr(a.s.body, "m=video 0 RTP/AVP"));
	assert_non_null(strstr(strstr(a.s.body, "m=video"), "m=audio 200"));
	assert_null(strstr(strstr(a.s.body, "m=audio") + 1, "m=audio"));
	assert_non_null(strstr(a.s.body, "a=sendonly"));
}

/* A description without any sound is refused, and the call goes on as it was. */
static void test_declined(void **state)
{
	static const char none[] = "v=0\r\nc=IN IP4 198.51.100.2\r\nm=audio 0 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n";
	char before[64];

	(void)state;
	both("ulaw", "ulaw");
	listens(&a, 8000);
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	source(&b, SIDETONE_TONE, "700");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, 440));
	str_copy(before, sizeof(before), str_z(state_of(&a).local));
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, none), 488);
	assert_true(hears(&b, 440));
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, "v=0\r\nc=IN IP4 198.51.100.2\r\nm=audio 0 RTP/AVP 0\r\n"), 488);
	refused(&a);
	assert_true(hears(&b, 440));
	assert_string_equal(before, state_of(&a).local);
}

/* Ours is wanted still when theirs has come to nothing. */
static void test_hold_survives(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, make(&b, SIDETONE_OFFER)), 0);
	refused(&a);
	refused(&b);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(state_of(&a).held);
}

/* An offer that was never answered is in nobody's way. */
static void test_offers_left(void **state)
{
	static const char with_video[] = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 34\r\n";

	(void)state;
	both("ulaw,alaw", "ulaw,alaw");
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, with_video), 0);
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, good), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, good), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_true(hears(&b, 440));
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, good), 0);
	refused(&a);
	assert_true(hears(&b, 440));
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, 440));
}

/* ---- the end */

static void close_it(struct side *x, const struct sidetone_media_event *e)
{
	if (e->type == SIDETONE_MEDIA_AGREED)
		closed(x);
}

static void test_close_in_event(void **state)
{
	struct sidetone_media_state st;

	(void)state;
	both("ulaw", "ulaw");
	b.in_event = close_it;
	listens(&b, 8000);
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, make(&a, SIDETONE_OFFER)), 0);
	assert_non_null(make(&b, SIDETONE_ANSWER));
	pass(100);
	assert_int_equal(b.ended, 1);
	/* Nobody waits for what comes of a description of a call that is over. */
	a.in_event = close_it;
	a.s.told = false;
	sidetone_media_handle(a.m, &(struct sidetone_event){ .type = SIDETONE_SET_DESCRIPTION, .session = &a.s, .status = SIDETONE_ANSWER,
		.text = b.s.body, .text_n = strlen(b.s.body) });
	assert_int_equal(count(&a, SIDETONE_MEDIA_AGREED), 1);
	assert_false(a.s.told);
	assert_int_equal(sidetone_media_state(b.m, &b.s, &st), ENOENT);
	assert_int_equal(sidetone_media_renew(b.m, &b.s), ENOTCONN);
	assert_int_equal(sidetone_media_record(b.m, &b.s, "/tmp/x.wav", false), ENOTCONN);
	assert_int_equal(sidetone_media_ask_stats(b.m, &b.s), ENOTCONN);
	sidetone_media_forget(a.m, &a.s);
	sidetone_media_forget(a.m, &a.s);
	assert_false(sidetone_media_handle(a.m, &(struct sidetone_event){ .type = SIDETONE_CONNECTED }));
}

#define T(f) cmocka_unit_test_setup_teardown(f, stage_up, stage_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_late_offer), T(test_forks), T(test_offer_twice), T(test_refusals), T(test_answer_to_nothing), T(test_offers_left),
		T(test_declined), T(test_sound_is_second), T(test_hold_survives), T(test_close_in_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
