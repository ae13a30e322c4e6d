/* A user agent's media: the sound of calls between two of them, holds, digits. Offers and answers that
 * are more than that are in test_phone_offers.c, encryption, ICE and other ports in test_phone_media_paths.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
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

/* ---- codecs */

static void call_with(const char *codec, unsigned rate, double hz)
{
	struct sidetone_media_state st;

	both(codec, NULL);
	listens(&a, 48000);
	listens(&b, 48000);
	source(&a, SIDETONE_SOUND, NULL);
	source(&b, SIDETONE_TONE, "440");
	a.hz = hz;
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, hz));
	assert_true(share(&b, 440) < 0.05);
	assert_true(share(&a, 440) > 0.8);
	assert_true(share(&a, hz) < 0.05);
	for (int i = 0; i < 2; i++) {
		st = state_of(i ? &b : &a);
		assert_true(st.agreed && st.sends && st.receives && st.digits_by_rtp);
		assert_false(st.held || st.held_by_peer || st.muted);
		assert_string_equal(st.codec, codec);
		assert_int_equal(st.rate, rate);
		assert_int_equal(st.ptime, 20);
		assert_int_equal(st.encryption, SIDETONE_PLAIN);
		assert_string_equal(st.ice, "off");
	}
	assert_string_equal(state_of(&a).local, state_of(&b).remote);
	assert_int_equal(count(&a, SIDETONE_MEDIA_FLOWS), 1);
	assert_int_equal(count(&b, SIDETONE_MEDIA_FLOWS), 1);
}

/* Beyond 4 kHz where the codec goes there. */
static void test_opus(void **state) { (void)state; call_with("opus", 48000, 7000); }
static void test_g722(void **state) { (void)state; call_with("g722", 16000, 6000); }
static void test_alaw(void **state) { (void)state; call_with("alaw", 8000, 1000); }
static void test_ulaw(void **state) { (void)state; call_with("ulaw", 8000, 1000); }

/* The answer has what both can, in the order of who answers; a device of any rate. */
static void test_in_common(void **state)
{
	(void)state;
	both("opus,ulaw,alaw", "g722,alaw,ulaw");
	listens(&b, 44100);
	source(&a, SIDETONE_TONE, "1000");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_string_equal(state_of(&a).codec, "alaw");
	assert_string_equal(state_of(&b).codec, "alaw");
	assert_true(hears(&b, 1000));
}

static void test_packet_length(void **state)
{
	(void)state;
	both("ulaw:40", "ulaw");
	listens(&a, 8000);
	listens(&b, 8000);
	source(&a, SIDETONE_SOUND, NULL);
	source(&b, SIDETONE_SOUND, NULL);
	a.hz = b.hz = 500;
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&b, 500) && hears(&a, 500));
	packets[0] = packets[1] = 0;
	pass(400);
	/* What each has asked for. */
	assert_in_range(packets[1], 9, 11);
}

/* ---- what is sent */

static void test_sources(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	listens(&a, 8000);
	listens(&b, 8000);
	b.hz = 1000;
	assert_int_equal(offer_answer(&a, &b), 0);
	/* Silence, which is packets. */
	pass(400);
	assert_true(packets[1] >= 18);
	source(&b, SIDETONE_NOTHING, NULL);
	assert_false(state_of(&b).sends);
	pass(100);
	packets[1] = 0;
	pass(200);
	assert_int_equal(packets[1], 0);
	/* What comes goes back. */
	source(&b, SIDETONE_ECHO, NULL);
	source(&a, SIDETONE_TONE, "700");
	assert_true(hears(&a, 700));
	source(&b, SIDETONE_TONE, "!440/100");
	assert_true(await_event(&b, SIDETONE_MEDIA_TONE_DONE, 500));
	assert_true(hears_nothing(&a));
	/* And does not begin anew. */
	sidetone_media_mute(b.m, &b.s, true);
	sidetone_media_mute(b.m, &b.s, false);
	forget();
	pass(300);
	assert_true(share(&a, 440) < 0);
	source(&b, SIDETONE_TONE, "440");
	assert_true(hears(&a, 440));
	assert_int_equal(sidetone_media_mute(b.m, &b.s, true), 0);
	assert_true(state_of(&b).muted);
	assert_true(hears_nothing(&a));
	sidetone_media_mute(b.m, &b.s, false);
	assert_true(hears(&a, 440));
	source(&b, SIDETONE_SOUND, NULL);
	assert_true(hears(&a, 1000));
	/* Functions: none any more. */
	assert_int_equal(sidetone_media_pcm(a.m, &a.s, NULL), 0);
	pass(100);
	assert_int_equal(a.ended, 1);
}

static void test_bad_sources(void **state)
{
	static const struct sidetone_source bad[] = { { .type = SIDETONE_TONE }, { .type = SIDETONE_TONE, .text = "high" },
		{ .type = SIDETONE_FILE }, { .type = SIDETONE_FILE, .text = "" }, { .type = (enum sidetone_source_type)77 } };
	struct sidetone_pcm pcm = { .rate = 11025 };

	(void)state;
	both("ulaw", "ulaw");
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_int_equal(offer_answer(&a, &b), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(sidetone_media_source(a.m, &a.s, &bad[i]), EINVAL);
	assert_int_equal(sidetone_media_pcm(a.m, &a.s, &pcm), EINVAL);
	/* What was there goes on. */
	assert_true(hears(&b, 440));
}

/* ---- digits */

static void digits_of(const struct side *x, char out[65])
{
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++)
		if (x->e[i].type == SIDETONE_MEDIA_DIGIT_END && n < 64)
			out[n++] = x->e[i].digit;
	out[n] = 0;
}

static void digits_by_rtp(const char *codec)
{
	char got[65];

	both(codec, codec);
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "1", 0, 0), ENOTCONN);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "12#D", 80, 50), 0);
	assert_int_equal(sidetone_media_digits(b.m, &b.s, "9", 0, 0), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_DIGITS_SENT, 2000));
	pass(200);
	digits_of(&b, got);
	assert_string_equal(got, "12#D");
	assert_in_range(b.e[last(&b, SIDETONE_MEDIA_DIGIT_END)].status, 60, 120);
	digits_of(&a, got);
	assert_string_equal(got, "9");
	assert_string_equal(a.s.info, "");
	/* The tone goes on after them. */
	assert_true(hears(&b, 440));
}

static void test_digits(void **state) { (void)state; digits_by_rtp("ulaw"); }
/* Events at the clock of the sound around them (RFC 4733 section 2.1). */
static void test_digits_48(void **state) { (void)state; digits_by_rtp("opus"); }

static void test_digits_by_info(void **state)
{
	struct sidetone_media_options o = options("ulaw");

	(void)state;
	side_up(&a, NULL);
	o.digits = SIDETONE_DIGITS_INBAND;      /* says nothing of events */
	side_up(&b, &o);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_false(state_of(&a).digits_by_rtp);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "4w2", 100, 50), 0);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "1", 0, 0), EBUSY);
	pass(20);
	assert_string_equal(a.s.info, "4");
	pass(400);
	assert_string_equal(a.s.info, "4");
	assert_true(await_event(&a, SIDETONE_MEDIA_DIGITS_SENT, 2000));
	assert_string_equal(a.s.info, "42");
	/* It sends tones. */
	listens(&a, 8000);
	assert_int_equal(sidetone_media_digits(b.m, &b.s, "5", 500, 0), 0);
	pass(100);
	forget();
	pass(300);
	assert_true(share(&a, 770) > 0.3 && share(&a, 1336) > 0.3);
	/* The agent cannot send them. */
	a.s.info_error = EPERM;
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "3333", 0, 0), 0);
	pass(1000);
	assert_string_equal(a.s.info, "423");
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_DIGITS_SENT)].error, EPERM);
	a.s.info_error = 0;
	/* The call ends with some on their way. */
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "777", 0, 0), 0);
	pass(20);
	closed(&a);
	pass(1000);
	assert_string_equal(a.s.info, "4237");
}

static void test_bad_digits(void **state)
{
	char many[66] = "";

	(void)state;
	both("ulaw", "ulaw");
	assert_int_equal(offer_answer(&a, &b), 0);
	memset(many, '1', 65);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "", 0, 0), EINVAL);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "1x", 0, 0), EINVAL);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, many, 0, 0), E2BIG);
	assert_int_equal(sidetone_media_digits(a.m, &a.s, "1", 70000, 0), EINVAL);
}

/* ---- hold */

static void test_hold(void **state)
{
	(void)state;
	both("g722", "g722");
	listens(&a, 16000);
	listens(&b, 16000);
	source(&a, SIDETONE_TONE, "440");
	source(&b, SIDETONE_TONE, "700");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(hears(&a, 700) && hears(&b, 440));

	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(a.s.reinvites, 1);
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(a.s.reinvites, 1);
	/* Until the peer has agreed, nothing has changed but that it hears nothing. */
	assert_false(state_of(&a).held);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_non_null(strstr(a.s.body, "a=sendonly"));
	assert_non_null(strstr(b.s.body, "a=recvonly"));
	assert_true(state_of(&a).held && state_of(&a).sends && !state_of(&a).receives);
	assert_true(state_of(&b).held_by_peer && !state_of(&b).sends && state_of(&b).receives && !state_of(&b).held);
	assert_true(hears_nothing(&a) && hears_nothing(&b));

	/* Theirs, and ours stays. */
	assert_int_equal(sidetone_media_hold(b.m, &b.s, SIDETONE_HOLD_SILENT), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_non_null(strstr(b.s.body, "a=inactive"));
	assert_false(state_of(&a).sends || state_of(&a).receives || state_of(&b).sends || state_of(&b).receives);
	assert_int_equal(sidetone_media_hold(b.m, &b.s, SIDETONE_HOLD_OFF), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_false(state_of(&b).held);
	assert_true(state_of(&a).held);

	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_OFF), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_false(state_of(&a).held || state_of(&b).held_by_peer);
	assert_true(hears(&a, 700) && hears(&b, 440));
	assert_int_equal(sidetone_media_hold(a.m, &a.s, (enum sidetone_hold)9), EINVAL);
}

/* From the first answer on. */
static void test_answers_on_hold(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	assert_int_equal(sidetone_media_hold(b.m, &b.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(b.s.reinvites, 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(state_of(&b).held && state_of(&a).held_by_peer);
	assert_true(state_of(&b).sends && !state_of(&b).receives);
}

/* It says what is so, not what was wanted. */
static void test_hold_refused(void **state)
{
	(void)state;
	both("ulaw", "ulaw");
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_non_null(make(&a, SIDETONE_OFFER));
	refused(&a);
	assert_false(state_of(&a).held);
	assert_true(state_of(&a).receives);
	assert_true(hears(&b, 440));
	/* The agent may not offer now. */
	a.s.reinvite_error = EPERM;
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), EPERM);
	assert_true(hears(&b, 440));
	a.s.reinvite_error = 0;
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(state_of(&a).held);
}

/* Fewer samples than asked for: silence behind them. */
static size_t read_half(void *arg, int16_t *pcm, size_t n)
{
	for (size_t i = 0; i < n / 2; i++)
		pcm[i] = *(int16_t *)arg;
	return n / 2;
}

static void test_half_a_frame(void **state)
{
	int16_t value = 8000;
	size_t loud = 0;

	(void)state;
	both("ulaw", "ulaw");
	assert_int_equal(sidetone_media_pcm(a.m, &a.s, &(struct sidetone_pcm){ .arg = &value, .rate = 8000, .read = read_half }), 0);
	source(&a, SIDETONE_SOUND, NULL);
	listens(&b, 8000);
	assert_int_equal(offer_answer(&a, &b), 0);
	pass(200);
	forget();
	pass(400);
	for (size_t i = 0; i < b.nheard; i++)
		loud += b.heard[i] > 4000;
	assert_true(b.nheard > 0);
	assert_in_range(loud * 100 / b.nheard, 48, 52);
}

static void test_silent_peer(void **state)
{
	struct sidetone_media_options o = options("ulaw");

	(void)state;
	o.silence_ms = 2000;
	side_up(&a, &o);
	side_up(&b, NULL);
	assert_int_equal(offer_answer(&a, &b), 0);
	pass(1000);
	assert_int_equal(count(&a, SIDETONE_MEDIA_SILENT), 0);
	cut = true;
	assert_true(await_event(&a, SIDETONE_MEDIA_SILENT, 5000));
	sidetone_media_forget(a.m, &a.s);
}

static void test_options(void **state)
{
	static const struct { struct sidetone_media_options o; const char *word; } rows[] = {
		{ { .codecs = "opus,mp3" }, "mp3" }, { { .codecs = "!all" }, "none" }, { { .codecs = "vp8" }, "vp8" },
		{ { .port_min = 5000 }, "5000" }, { { .port_min = 5000, .port_max = 5000 }, "5000" },
		{ { .port_min = 5001, .port_max = 5002 }, "5001" }, { { .address = "somewhere" }, "somewhere" },
		{ { .address = "0.0.0.0" }, "0.0.0.0" }, { { .public_address = "1.2.3" }, "1.2.3" },
		{ { .encryption = (enum sidetone_encryption)9 }, "9" }, { { .ice = true, .stun = "a:b:c" }, "a:b:c" },
		{ { .turn = "turn:h?transport=sctp" }, "sctp" }, { { .stun = "h:0" }, "h:0" },
	};
	struct phone_media_prm prm = { 0 };

	(void)state;
	side_up(&a, NULL);
	prm.loop = a.m->loop;
	prm.user = a.m->user;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sidetone_media *m = NULL;
		char why[200] = "";

		prm.why = why;
		prm.why_n = sizeof(why);
		assert_int_equal(phone_media_new(&m, &rows[i].o, &prm), EINVAL);
		assert_non_null(strstr(why, rows[i].word));
	}
	for (int t = 0; t < SIDETONE_MEDIA_EVENT_TYPES; t++)
		assert_true(sidetone_media_event_name((enum sidetone_media_event_type)t)[0]);
}

/* Sound may be asked for before there is a description, and not after the end. */
static void test_over(void **state)
{
	struct sidetone_source tone = { .type = SIDETONE_TONE, .text = "440" };
	struct sidetone_media_state st;
	double in, out;

	(void)state;
	both(NULL, NULL);
	assert_int_equal(sidetone_media_mute(a.m, &a.s, true), 0);
	assert_int_equal(sidetone_media_levels(a.m, &a.s, &in, &out), 0);
	assert_int_equal(offer_answer(&a, &b), 0);
	closed(&a);
	assert_int_equal(sidetone_media_mute(a.m, &a.s, true), ENOTCONN);
	assert_int_equal(sidetone_media_source(a.m, &a.s, &tone), ENOTCONN);
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), ENOTCONN);
	assert_int_equal(sidetone_media_levels(a.m, &a.s, &in, &out), ENOTCONN);
	assert_true(isinf(in) && isinf(out));
	assert_int_equal(sidetone_media_pcm(a.m, &a.s, &(struct sidetone_pcm){ .rate = 8000 }), ENOTCONN);
	assert_int_equal(sidetone_media_state(a.m, &a.s, &st), ENOENT);
	assert_int_equal(a.s.reinvites, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, stage_up, stage_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_opus), T(test_g722), T(test_alaw), T(test_ulaw), T(test_in_common), T(test_packet_length), T(test_sources),
		T(test_bad_sources), T(test_digits), T(test_digits_48), T(test_digits_by_info), T(test_bad_digits), T(test_hold), T(test_answers_on_hold),
		T(test_hold_refused), T(test_half_a_frame), T(test_silent_peer), T(test_options), T(test_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
