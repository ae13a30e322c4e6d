/* Packets shown to whoever looks for a fault, and how good a stream is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "base/buf.h"
#include "media/stun.h"
#include "media/trace.h"
#include "media_net.h"

/* ---- what is told */

static struct buf told;
static uint64_t left_out;
static size_t shown;

static void on_trace(void *arg, const struct media_trace *t, uint64_t lost)
{
	(void)arg;
	left_out += lost;
	if (!t)
		return;
	shown++;
	media_trace_write(&told, t);
}

static void look(unsigned kinds, const char *only)
{
	struct media_trace_rule r = { .kinds = kinds };

	if (only)
		assert_int_equal(sa_parse(&r.rtp, str_z(only)), 0);
	r.rtcp = r.rtp;
	assert_int_equal(media_trace(m, &r, on_trace, NULL), 0);
	buf_free(&told);
	told = (struct buf)BUF_INIT;
	shown = left_out = 0;
}

static bool says(const char *part)
{
	bool found = str_find(buf_view(&told), str_z(part)) < told.n;

	if (!found)
		print_error("'%s' is not in:\n%.*s\n", part, STR_ARG(buf_view(&told)));
	return found;
}

static int down(void **state)
{
	buf_free(&told);
	told = (struct buf)BUF_INIT;
	return net_down(state);
}

/* ---- RTP */

static struct media_session *talking(void)
{
	struct media_session *x = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	assert_int_equal(media_session_set(x, &set), 0);
	return x;
}

static void rtp_is_shown(void **state)
{
	struct media_session *x = talking();

	(void)state;
	media_echo(x, true);
	assert_true(net_rtp(media_session_local(x), &far_x, 6));
	pass(200);
	assert_int_equal(shown, 0);
	look(MEDIA_TRACE_BIT(MEDIA_TRACE_RTP), NULL);
	assert_true(net_rtp(media_session_local(x), &far_x, 7));
	pass(200);
	assert_int_equal(shown, 2);
	assert_true(says("Got  RTP packet from    192.0.2.1:4000 (type 00, seq 000007, ts "));
	assert_true(says("Sent RTP packet to      192.0.2.1:4000 (type 00, seq "));
	assert_true(says(", len 000160)\n"));
	/* Nobody looks any more. */
	look(0, NULL);
	assert_true(net_rtp(media_session_local(x), &far_x, 8));
	pass(200);
	assert_int_equal(shown, 0);
	media_session_close(x, NULL, NULL);
}

static void one_address_is_shown(void **state)
{
	static const struct { const char *only; size_t shown; } rows[] = {
		{ "192.0.2.1", 1 }, { "192.0.2.1:4000", 1 }, { "192.0.2.1:4001", 0 }, { "192.0.2.7", 0 },
	};
	struct media_session *x = talking();
	uint16_t seq = 1;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		look(MEDIA_TRACE_BIT(MEDIA_TRACE_RTP), rows[i].only);
		assert_true(net_rtp(media_session_local(x), &far_x, seq++));
		pass(200);
		assert_int_equal(shown, rows[i].shown);
	}
	media_session_close(x, NULL, NULL);
}

/* More than are shown in a second: the rest is counted, and none of the media's own events goes with it. */
static void a_flood_is_cut(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct media_counters c;

	(void)state;
	media_session_set(x, &set);
	look(MEDIA_TRACE_BIT(MEDIA_TRACE_RTP), NULL);
	for (uint16_t i = 0; i < 1000; i++)
		assert_true(net_rtp(media_session_local(x), &far_x, i));
	pass(200);
	assert_true(shown > 0 && shown <= MEDIA_TRACE_RATE / 10);
	assert_int_equal(shown + left_out, 1000);
	media_count(m, &c);
	assert_int_equal(c.events_dropped, 0);
	assert_int_equal(count(&sx, MEDIA_FIRST_PACKET), 1);
	/* The next tenth of a second has its own. */
	shown = 0;
	assert_true(net_rtp(media_session_local(x), &far_x, 1000));
	pass(200);
	assert_int_equal(shown, 1);
	media_session_close(x, NULL, NULL);
}

static void a_stranger_is_not_shown(void **state)
{
	struct media_session *x = talking();
	struct sa stranger = far_x;

	(void)state;
	for (uint16_t i = 0; i < 6; i++)
		assert_true(net_rtp(media_session_local(x), &far_x, i));
	look(MEDIA_TRACE_BIT(MEDIA_TRACE_RTP), NULL);
	sa_set_port(&stranger, 9);
	assert_true(net_rtp(media_session_local(x), &stranger, 1));
	pass(200);
	assert_int_equal(shown, 0);
	media_session_close(x, NULL, NULL);
}

/* ---- RTCP, and what its numbers become */

static struct sa far_rtcp(void)
{
	struct sa a = far_x;

	sa_set_port(&a, (uint16_t)(sa_port(&far_x) + 1));
	return a;
}

static void report(struct media_session *x, int32_t lost, uint32_t jitter)
{
	struct rtcp_out o = { .ssrc = SSRC, .cname = STR("x"), .sender = true, .ntp_sec = 2208988800u + 77, .packets = 50,
		.octets = 8000, .ts = 4242, .has_block = true,
		.block = { .ssrc = media_session_ssrc(x), .lost = lost, .fraction = 3, .jitter = jitter, .max_seq = 0x20007 } };
	struct sa from = far_rtcp();
	uint8_t b[200];

	assert_true(media_deliver(m, media_session_local_rtcp(x), &from, b, rtcp_write(b, sizeof(b), &o)));
}

static void rtcp_is_shown(void **state)
{
	struct media_session *x = talking();

	(void)state;
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	look(MEDIA_TRACE_BIT(MEDIA_TRACE_RTCP), NULL);
	report(x, 5, 800);
	pass(200);
	assert_true(says("RTCP from 192.0.2.1:4001\nPT: 200 (Sender Report)\nReception reports: 1\nSSRC of sender: 9\n"));
	assert_true(says("NTP timestamp: 77.000000\nRTP timestamp: 4242\nSPC: 50\tSOC: 8000\n"));
	assert_true(says("  Fraction lost: 3\n  Packets lost so far: 5\n  Highest sequence number: 7\n"
			 "  Sequence number cycles: 2\n"));
	assert_true(says("  Interarrival jitter (samp): 800\n  Interarrival jitter (secs): 0.100000\n"));
	assert_true(says("PT: 202 (Source Description)\n"));
	assert_true(says("Received an SDES from 192.0.2.1:4001\n"));
	look(MEDIA_TRACE_BIT(MEDIA_TRACE_RTCP), NULL);
	pass(6000);
	assert_true(says("* Sent RTCP RR to 192.0.2.1:4001\n  Our SSRC: "));
	assert_true(says("  Report block:\n    Their SSRC: 9\n    Fraction lost: 0\n"));
	media_session_close(x, NULL, NULL);
}

static void near(double a, double b)
{
	assert_true(fabs(a - b) < 1e-6);
}

static void reports_become_numbers(void **state)
{
	struct media_session *x = talking();

	(void)state;
	report(x, 2, 80);
	report(x, 4, 240);
	assert_int_equal(media_stats(x, on_stats, NULL), 0);
	media_poll(m, 0);
	near(got.quality.remote_jitter.min, 0.01);
	near(got.quality.remote_jitter.max, 0.03);
	near(got.quality.remote_jitter.mean, 0.02);
	near(got.quality.remote_jitter.stdev, 0.01);
	near(got.quality.remote_lost.mean, 3);
	near(got.quality.remote_lost.stdev, 1);
	assert_int_equal(got.quality.rtt.n, 0);
	/* 93.2 less a quarter for ten milliseconds and two for each packet lost. */
	near(got.quality.remote_mes.last, quality_mes(0, 0.03, 0.01, 3));
	media_session_close(x, NULL, NULL);
}

/* What the thread hears of reports comes as events only while somebody asks. */
static void reports_are_events(void **state)
{
	struct media_trace_rule r = { .reports = true };
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	media_session_set(x, &set);
	report(x, 2, 80);
	pass(200);
	assert_int_equal(count(&sx, MEDIA_RTCP), 0);
	assert_int_equal(media_trace(m, &r, on_trace, NULL), 0);
	report(x, 2, 80);
	pass(200);
	assert_int_equal(count(&sx, MEDIA_RTCP), 1);
	for (int i = 0; i < 100; i++)   /* more than anybody wants to hear in a second */
		report(x, 2, 80);
	pass(200);
	assert_int_equal(count(&sx, MEDIA_RTCP), 20);
	media_session_close(x, NULL, NULL);
}

/* ---- pure */

static void values_spread(void **state)
{
	static const double v[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
	struct spread s = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		spread_add(&s, v[i]);
	near(s.mean, 5);
	near(s.stdev, 2);
	near(s.min, 2);
	near(s.max, 9);
	near(s.last, 9);
}

static void scores(void **state)
{
	(void)state;
	/* Nothing lost, no delay: 92.95 is an opinion of 4.404. */
	assert_true(quality_mes(0, 0, 0, 0) > 88.0 && quality_mes(0, 0, 0, 0) < 88.2);
	assert_true(quality_mes(0.3, 0, 0, 0) < quality_mes(0.15, 0, 0, 0));
	assert_true(quality_mes(0, 0, 0, 10) < quality_mes(0, 0, 0, 1));
	near(quality_mes(0, 0, 0, 1000), 20);
}

static void stun_is_shown(void **state)
{
	static const uint8_t id[STUN_ID] = "abcdefghijk";
	struct media_trace t = { .kind = MEDIA_TRACE_STUN };
	struct stun_out o;

	(void)state;
	assert_int_equal(sa_parse(&t.peer, STR("192.0.2.1:3478")), 0);
	stun_begin(&o, t.p, sizeof(t.p), STUN_ERROR, STUN_ALLOCATE, id);
	stun_put(&o, STUN_USERNAME, STR("abcde"));
	stun_put_flag(&o, STUN_USE_CANDIDATE);
	t.n = t.kept = (uint16_t)stun_end(&o);
	media_trace_write(&told, &t);
	assert_true(says("STUN Packet, msg Allocate Error Response (0113), length: 16, from 192.0.2.1:3478\n"));
	assert_true(says("Found STUN Attribute Username (0006), length 5\nFound STUN Attribute Use Candidate (0025), length 0\n"));
	buf_free(&told);
	told = (struct buf)BUF_INIT;
}

/* Whatever the bytes are, and wherever they are cut. */
static void any_bytes(void **state)
{
	static const uint8_t heads[][4] = { { 0x81, 200, 0, 12 }, { 0x9f, 206, 255, 255 }, { 0, 1, 0, 80 }, { 22, 254, 253, 0 },
		{ 0x80, 0, 0, 0 } };

	(void)state;
	for (size_t h = 0; h < ARRAY_LEN(heads); h++)
		for (unsigned i = 0; i < 8 * 120; i++) {
			struct media_trace t = { .kind = (uint8_t)(i & 3), .out = i & 4, .n = (uint16_t)(i / 8), .kept = (uint16_t)(i / 8),
				.event = true, .rtp = { .at = (uint16_t)(i / 8), .n = 4 } };

			for (size_t k = 0; k < t.kept; k++)
				t.p[k] = k < 4 ? heads[h][k] : (uint8_t)(k * 37);
			media_trace_write(&told, &t);
			told.n = 0;
		}
	buf_free(&told);
	told = (struct buf)BUF_INIT;
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rtp_is_shown), T(one_address_is_shown), T(a_flood_is_cut), T(a_stranger_is_not_shown), T(rtcp_is_shown),
		T(reports_become_numbers), T(reports_are_events), cmocka_unit_test(values_spread), cmocka_unit_test(scores),
		cmocka_unit_test(stun_is_shown), cmocka_unit_test(any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
