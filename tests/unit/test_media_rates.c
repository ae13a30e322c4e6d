/* Digits on the clock of the codec in use (RFC 4733 section 2.1): sent, received, passed on
 * between legs of other clocks, and so long that they take several segments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "media_net.h"

enum { OPUS = 107, ULAW = 0, G722_16 = 118, TE48 = 110, TE8 = 101, TE16 = 113 };

static uint16_t seq;

/* A phone with Opus, L16 at 16 kHz and G.711, and events for each clock. */
static struct media_set three_clocks(const struct sa *far)
{
	struct media_set set = to_phone(far, FORMAT_OPUS, OPUS);

	set.codec[set.ncodecs++] = (struct media_codec){ .id = FORMAT_SLIN16, .pt_rx = G722_16, .pt_tx = G722_16 };
	set.codec[set.ncodecs++] = (struct media_codec){ .id = FORMAT_ULAW, .pt_rx = ULAW, .pt_tx = ULAW };
	set.event[0].rate = 48000;
	set.event[0].pt_rx = set.event[0].pt_tx = TE48;
	set.event[1].rate = 16000;
	set.event[1].pt_rx = set.event[1].pt_tx = TE16;
	set.event[2].rate = 8000;
	set.event[2].pt_rx = set.event[2].pt_tx = TE8;
	set.nevents = 3;
	return set;
}

static struct media_set one_clock(const struct sa *far)
{
	struct media_set set = to_phone(far, FORMAT_ULAW, ULAW);

	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = TE8;
	set.nevents = 1;
	return set;
}

static void rtp_in(struct media_session *s, const struct sa *from, uint8_t pt, uint32_t ts, const void *p, size_t n)
{
	uint8_t pkt[400];

	rtp_write(pkt, pt, false, seq++, ts, SSRC);
	memcpy(pkt + RTP_HEADER, p, n);
	assert_true(media_deliver(m, media_session_local(s), from, pkt, RTP_HEADER + n));
}

static void event_in(struct media_session *s, const struct sa *from, uint8_t pt, uint32_t ts, uint8_t event,
		     uint32_t duration, bool end)
{
	struct rtp_event e = { .event = event, .volume = 10, .duration = (uint16_t)duration, .end = end };
	uint8_t pay[4];

	rtp_event_write(pay, &e);
	rtp_in(s, from, pt, ts, pay, 4);
}

/* 100 ms of a digit, on a clock of `rate`. */
static void press(struct media_session *s, const struct sa *from, uint8_t pt, uint32_t rate, uint8_t event)
{
	static uint32_t ts = 1000;

	for (uint32_t i = 1; i <= 5; i++) {
		event_in(s, from, pt, ts, event, i * rate / 50, false);
		pass(20);
	}
	for (int i = 0; i < 3; i++)
		event_in(s, from, pt, ts, event, rate / 10, true);
	ts += rate;
	pass(200);
}

/* All that was sent to `far` is one digit under `pt`, whose length is `ms`, and once. */
static void check_digit(const struct sa *far, uint8_t pt, uint32_t rate, uint8_t event, unsigned ms)
{
	size_t ends = 0;
	uint32_t ts = 0;
	struct rtp r;

	for (size_t i = 0; i < net.n; i++) {
		struct rtp_event e;

		if (!sa_eq(&net.sent[i].to, far))
			continue;
		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		assert_int_equal(r.pt, pt);
		assert_int_equal(rtp_event_parse(&e, net.sent[i].b + r.at, r.n), 0);
		assert_int_equal(e.event, event);
		assert_true(!ts || r.ts == ts);
		ts = r.ts;
		if (e.end) {
			assert_in_range(e.duration, rate / 1000 * (ms - 20), rate / 1000 * (ms + 40));
			ends++;
		}
	}
	assert_int_equal(ends, 3);
	net.n = net.nrtcp = 0;
}

/* The rate of what we send follows the codec that we send. */
static void test_sent(void **state)
{
	struct media_session *x = session(NULL);
	struct media_set set = three_clocks(&far_x);
	uint8_t noise_[320] = { 1 };

	(void)state;
	assert_int_equal(media_session_set(x, &set), 0);
	assert_int_equal(media_dtmf_send(x, STR("5"), 100, 0, 1), 0);
	pass(300);
	check_digit(&far_x, TE48, 48000, 5, 100);
	rtp_in(x, &far_x, ULAW, 0, noise_, 160);
	assert_int_equal(media_dtmf_send(x, STR("6"), 100, 0, 1), 0);
	pass(300);
	check_digit(&far_x, TE8, 8000, 6, 100);
	rtp_in(x, &far_x, G722_16, 160, noise_, 320);
	assert_int_equal(media_dtmf_send(x, STR("7"), 100, 0, 1), 0);
	pass(300);
	check_digit(&far_x, TE16, 16000, 7, 100);
	media_session_close(x, NULL, NULL);
}

static void test_received(void **state)
{
	static const struct { uint8_t pt; uint32_t rate; char digit; } tv[] = {
		{ TE48, 48000, '1' }, { TE16, 16000, '2' }, { TE8, 8000, '3' },
	};
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = three_clocks(&far_x);

	(void)state;
	assert_int_equal(media_session_set(x, &set), 0);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		press(x, &far_x, tv[i].pt, tv[i].rate, (uint8_t)(tv[i].digit - '0'));
		assert_int_equal(count(&sx, MEDIA_DTMF_END), i + 1);
		assert_int_equal(last(&sx, MEDIA_DTMF_END)->digit, tv[i].digit);
		assert_int_equal(last(&sx, MEDIA_DTMF_END)->ms, 100);
	}
	media_session_close(x, NULL, NULL);
}

/* Between a leg of Opus and one of G.711: each hears digits on its own clock. */
static void test_bridged(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = three_clocks(&far_x);
	uint8_t noise_[160] = { 1 };

	(void)state;
	assert_int_equal(media_session_set(x, &set), 0);
	set = one_clock(&far_y);
	assert_int_equal(media_session_set(y, &set), 0);
	assert_int_equal(media_bridge(x, y), 0);
	press(y, &far_y, TE8, 8000, 4);
	check_digit(&far_x, TE48, 48000, 4, 100);
	press(x, &far_x, TE48, 48000, 9);
	check_digit(&far_y, TE8, 8000, 9, 100);
	/* It speaks G.711 now: so do its digits, header by header. */
	rtp_in(x, &far_x, ULAW, 0, noise_, 160);
	net.n = 0;
	press(y, &far_y, TE8, 8000, 4);
	check_digit(&far_x, TE8, 8000, 4, 100);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* Three seconds are over 65535 ticks at 48 kHz. */
static void test_long_digit(void **state)
{
	struct seen sx = { 0 }, sy = { 0 };
	struct media_session *x = session(&sx), *y = session(&sy);
	struct media_set set = three_clocks(&far_x);
	size_t segments = 0, n;
	struct rtp r, before = { 0 };

	(void)state;
	assert_int_equal(media_session_set(x, &set), 0);
	set = three_clocks(&far_y);
	assert_int_equal(media_session_set(y, &set), 0);
	assert_int_equal(media_dtmf_send(x, STR("8"), 3000, 0, 1), 0);
	pass(3300);
	n = net.n;
	for (size_t i = 0; i < n; i++) {
		struct rtp_event e;

		assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
		assert_int_equal(rtp_event_parse(&e, net.sent[i].b + r.at, r.n), 0);
		assert_int_equal(r.marker, i == 0);
		if (i && r.ts != before.ts) {
			assert_int_equal(r.ts - before.ts, 65535);
			segments++;
		}
		before = r;
		/* What we send we understand. */
		rtp_in(y, &far_y, r.pt, r.ts, net.sent[i].b + r.at, r.n);
	}
	assert_int_equal(segments, 2);
	pass(10);
	assert_int_equal(count(&sy, MEDIA_DTMF_BEGIN), 1);
	assert_int_equal(count(&sy, MEDIA_DTMF_END), 1);
	assert_in_range(last(&sy, MEDIA_DTMF_END)->ms, 2980, 3020);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sent, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_received, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_bridged, net_up, net_down),
		cmocka_unit_test_setup_teardown(test_long_digit, net_up, net_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
