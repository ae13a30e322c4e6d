/* Digits of a media session: as events and as tones, in, out and through a bridge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "media_stage.h"

static void press(struct phone *p, struct media_session *s, uint8_t pt, uint8_t event)
{
	for (uint16_t i = 1; i <= 5; i++) {
		phone_event(p, s, pt, event, (uint16_t)(160 * i), false);
		pass(20);
	}
	for (int i = 0; i < 3; i++)
		phone_event(p, s, pt, event, 960, true);
	p->ts += 960;
	pass(20);
}

static void test_digits_in(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	uint32_t ts;

	(void)state;
	media_session_set(x, &set);
	press(&a, x, 101, 1);
	press(&a, x, 101, 1);
	press(&a, x, 101, 11);
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 3);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 3);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '#');
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->ms, 120);
	/* A late packet of a digit that is over says nothing. */
	ts = a.ts;
	a.ts -= 960;
	phone_event(&a, x, 101, 11, 480, false);
	a.ts = ts;
	settle();
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 3);
	/* All ends lost: the next digit ends it. */
	phone_event(&a, x, 101, 2, 160, false);
	a.ts += 1600;
	phone_event(&a, x, 101, 3, 160, false);
	settle();
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 5);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 4);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '2');
	/* Or time does. */
	pass(140);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 4);
	pass(30);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 5);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '3');
	/* Only its end arrived: a whole digit all the same. */
	a.ts += 1600;
	phone_event(&a, x, 101, 10, 800, true);
	settle();
	assert_int_equal(count(&sx, MEDIA_DTMF_BEGIN), 6);
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, '*');
	assert_int_equal(last(&sx, MEDIA_DTMF_END)->ms, 100);
	media_session_close(x, NULL, NULL);
}

/* What a has heard is a 5 and a #, as they were asked for. */
static void check_five_and_hash(void)
{
	struct rtp_event e;
	size_t ends = 0;

	assert_true(a.n >= 12);
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.rx[i].pt, 101);
		assert_int_equal(rtp_event_parse(&e, a.pay[i], a.rx[i].n), 0);
		assert_int_equal(e.event, ends < 3 ? 5 : 11);
		assert_int_equal(a.rx[i].marker, i == 0 || ends == 3);
		if (i)
			assert_int_equal((uint16_t)(a.rx[i].seq - a.rx[i - 1].seq), 1);
		if (i && ends != 3)
			assert_int_equal(a.rx[i].ts, a.rx[i - 1].ts);
		if (e.end) {
			assert_int_equal(e.duration, 800);
			ends++;
		} else if (ends == 3) {
			/* The second begins after the first and the pause. */
			assert_in_range(a.rx[i].ts - a.rx[i - 1].ts, 8 * 140, 8 * 220);
			ends++;
		}
	}
	assert_int_equal(ends, 7);
}

/* b sends what a has heard, under its own number. */
static void echo_to(struct media_session *y)
{
	for (size_t i = 0; i < a.n; i++) {
		uint8_t pkt[16];

		rtp_write(pkt, 96, a.rx[i].marker, a.rx[i].seq, a.rx[i].ts, 5);
		memcpy(pkt + 12, a.pay[i], 4);
		phone_raw(&b, y, pkt, 16);
	}
}

static void test_digits_out(void **state)
{
	struct seen sx = { 0 }, sy = { 0 };
	struct media_session *x = session(&sx), *y = session(&sy);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	struct rtp_event e;

	(void)state;
	media_session_set(x, &set);
	assert_int_equal(media_dtmf_send(x, STR("1x"), 0, 0, 1), EINVAL);
	assert_int_equal(media_dtmf_send(x, STR(""), 0, 0, 1), EINVAL);
	assert_int_equal(media_dtmf_send(y, STR("1"), 0, 0, 1), ENOTSUP);
	assert_int_equal(media_dtmf_send(x, STR("5#"), 100, 60, 42), 0);
	pass(400);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 1);
	assert_int_equal(last(&sx, MEDIA_DTMF_SENT)->tag, 42);
	assert_int_equal(last(&sx, MEDIA_DTMF_SENT)->err, 0);
	check_five_and_hash();
	/* What we send, we also understand. */
	set = to_phone(&b, FORMAT_ULAW, 0, 96);
	media_session_set(y, &set);
	echo_to(y);
	settle();
	assert_int_equal(count(&sy, MEDIA_DTMF_BEGIN), 2);
	assert_int_equal(count(&sy, MEDIA_DTMF_END), 2);
	assert_int_equal(last(&sy, MEDIA_DTMF_END)->digit, '#');
	/* Begin and end by hand. */
	a.n = 0;
	assert_int_equal(media_dtmf_begin(x, '9'), 0);
	pass(300);
	assert_int_equal(media_dtmf_end(x), 0);
	pass(60);
	assert_int_equal(rtp_event_parse(&e, a.pay[a.n - 1], 4), 0);
	assert_true(e.end && e.event == 9);
	assert_in_range(e.duration, 8 * 280, 8 * 360);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 1);
	/* A second job ends the first. */
	media_dtmf_send(x, STR("111"), 0, 0, 50);
	media_dtmf_send(x, STR("2"), 0, 0, 51);
	pass(500);
	assert_int_equal(count(&sx, MEDIA_DTMF_SENT), 3);
	assert_int_equal(sx.e[sx.n - 1].tag, 51);
	assert_int_equal(sx.e[sx.n - 2].err, ECANCELED);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* Digits of a bridge: as they are under the peer's number, as tones, or held. */
static void test_digits_bridged(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);
	struct rtp_event e;
	int16_t pcm[8000];
	size_t n = 0;
	uint16_t low, high;

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ALAW, 8, 96);
	media_session_set(y, &set);
	media_bridge(x, y);
	press(&a, x, 101, 4);
	assert_int_equal(b.n, 8);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.rx[i].pt, 96);
		assert_int_equal(b.rx[i].ts, b.rx[0].ts);
		assert_int_equal(rtp_event_parse(&e, b.pay[i], b.rx[i].n), 0);
		assert_int_equal(e.event, 4);
	}
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 1);
	/* Held back. */
	media_dtmf_hold(x, true);
	press(&a, x, 101, 4);
	assert_int_equal(b.n, 8);
	assert_int_equal(count(&sx, MEDIA_DTMF_END), 2);
	media_dtmf_hold(x, false);
	/* The peer wants tones. */
	set = to_phone(&b, FORMAT_ALAW, 8, 0);
	set.dtmf = MEDIA_DTMF_INBAND;
	media_session_set(y, &set);
	b.n = 0;
	press(&a, x, 101, 4);
	pass(100);
	assert_true(b.n >= 5);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.rx[i].pt, 8);
		n += codec_get(FORMAT_ALAW)->decode(NULL, b.pay[i], b.rx[i].n, pcm + n, 8000 - n);
	}
	tone_dtmf_freqs('4', &low, &high);
	assert_true(tone_goertzel(pcm, n, 8000, low) > 0.4 && tone_goertzel(pcm, n, 8000, high) > 0.4);
	/* The bridge ends in the middle of a digit: so does the tone. */
	phone_event(&a, x, 101, 4, 160, false);
	pass(100);
	media_unbridge(x);
	pass(200);
	b.n = 0;
	pass(200);
	assert_int_equal(b.n, 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* Who is not known yet begins with a digit: what is passed on of it has a beginning. */
static void test_digit_comes_first(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 101);
	media_session_set(y, &set);
	media_bridge(x, y);
	press(&c, x, 101, 4);
	assert_int_equal(b.n, 5);       /* of eight: three were its probation */
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(b.rx[i].marker, i == 0);
	b.n = 0;
	press(&c, x, 101, 5);
	assert_int_equal(b.n, 8);
	for (size_t i = 0; i < b.n; i++)
		assert_int_equal(b.rx[i].marker, i == 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, media_up, media_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_digits_in), T(test_digits_out), T(test_digits_bridged), T(test_digit_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
