/* RTCP of a media session: whose is taken, and where ours goes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "media/core.h"
#include "media_net.h"

static struct sa at(const char *text)
{
	struct sa a = { 0 };

	assert_int_equal(sa_parse(&a, str_z(text)), 0);
	return a;
}

static uint64_t taken(struct media_session *s)
{
	assert_int_equal(media_stats(s, on_stats, NULL), 0);
	media_poll(m, 0);
	return got.rtcp_rx;
}

/* A report of `ssrc` arrives at `local`; true: it was believed. */
static bool reported(struct media_session *s, const struct sa *local, const char *from, uint32_t ssrc, bool bye)
{
	struct rtcp_out o = { .ssrc = ssrc, .cname = STR("x"), .sender = true, .packets = 1, .octets = 160, .bye = bye };
	uint64_t before = taken(s);
	struct sa source = at(from);
	uint8_t buf[200];

	assert_true(media_deliver(m, local, &source, buf, rtcp_write(buf, sizeof(buf), &o)));
	return taken(s) > before;
}

/* Where our next report goes. */
static struct sa report_to(void)
{
	net.nrtcp = 0;
	pass(6000);
	assert_true(net.nrtcp > 0);
	return net.rtcp[net.nrtcp - 1].to;
}

static void assert_to(const char *want)
{
	struct sa a = report_to(), b = at(want);
	char text[SA_TEXT];

	if (!sa_eq(&a, &b))
		print_error("reports go to %s, not to %s\n", sa_text(&a, text), want);
	assert_true(sa_eq(&a, &b));
}

static void start_at(struct media_session *x, const struct media_set *set, const char *from)
{
	struct sa source = at(from);

	assert_int_equal(media_session_set(x, set), 0);
	for (uint16_t i = 0; i < 6; i++)
		assert_true(net_rtp(media_session_local(x), &source, i));
}

/* No NAT: RTCP comes from where the SDP says, else from RTP's port + 1. */
static void test_rtcp_signalled(void **state)
{
	struct media_session *x = session(NULL);
	const struct sa *local = media_session_local_rtcp(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.symmetric = true;
	media_session_set(x, &set);
	/* Before any RTP: the signalled address is believed, nobody else. */
	assert_false(reported(x, local, "192.0.2.1:4002", SSRC, false));
	assert_false(reported(x, local, "203.0.113.1:4001", SSRC, false));
	assert_true(reported(x, local, "192.0.2.1:4001", SSRC, false));
	start_at(x, &set, "192.0.2.1:4000");
	assert_to("192.0.2.1:4001");
	assert_true(reported(x, local, "192.0.2.1:4001", SSRC, false));
	/* Another port of that host, whatever it knows; the RTP port itself. */
	assert_false(reported(x, local, "192.0.2.1:4002", SSRC, false));
	assert_false(reported(x, local, "192.0.2.1:4000", SSRC, false));
	assert_false(reported(x, local, "203.0.113.1:4001", SSRC, false));
	assert_int_equal(got.dropped_source, 5);
	assert_to("192.0.2.1:4001");
	/* a=rtcp names another place, of another host even. */
	set.remote_rtcp = at("192.0.2.9:9");
	media_session_set(x, &set);
	assert_false(reported(x, local, "192.0.2.1:4001", SSRC, false));
	assert_true(reported(x, local, "192.0.2.9:9", SSRC, false));
	assert_to("192.0.2.9:9");
	/* Each kind to its place: RTP is none of RTCP's, and the other way round. */
	{
		struct sa far_rtcp = at("192.0.2.9:9");
		uint64_t rx;

		taken(x);
		rx = got.rx;
		assert_true(net_rtp(local, &far_x, 50));
		assert_true(net_rtp(local, &far_rtcp, 50));
		assert_false(reported(x, media_session_local(x), "192.0.2.9:9", SSRC, false));
		assert_int_equal(got.rx, rx);
	}
	media_session_close(x, NULL, NULL);
}

/* On one port (RFC 5761) it comes from the very source of RTP. */
static void test_rtcp_mux(void **state)
{
	struct media_session *x = session(NULL);
	const struct sa *local = media_session_local(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.symmetric = set.rtcp_mux = true;
	media_session_set(x, &set);
	assert_false(reported(x, local, "192.0.2.1:4001", SSRC, false));
	assert_true(reported(x, local, "192.0.2.1:4000", SSRC, false));
	start_at(x, &set, "203.0.113.5:30000");
	assert_true(reported(x, local, "203.0.113.5:30000", SSRC, false));
	assert_false(reported(x, local, "203.0.113.5:30001", SSRC, false));
	assert_false(reported(x, local, "192.0.2.1:4000", SSRC, false));
	assert_to("203.0.113.5:30000");
	media_session_close(x, NULL, NULL);
}

/* Behind a NAT: any port of the source's host may be it, if it knows the SSRC;
 * one is learned, and stays. */
static void test_rtcp_behind_nat(void **state)
{
	struct media_session *x = session(NULL);
	const struct sa *local = media_session_local_rtcp(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sa nat = at("203.0.113.5:30000");
	uint8_t pli[12];
	uint64_t rx;

	(void)state;
	set.symmetric = true;
	set.remote_rtcp = at("192.0.2.1:4001");
	start_at(x, &set, "203.0.113.5:30000");
	assert_to("203.0.113.5:30001");
	/* Another host, a guess at the SSRC, a packet that says nothing of a
	 * sender: all without effect. */
	assert_false(reported(x, local, "203.0.113.6:31111", SSRC, false));
	assert_false(reported(x, local, "203.0.113.5:31112", SSRC + 1, false));
	assert_int_equal(rtcp_write_pli(pli, sizeof(pli), SSRC, 1), sizeof(pli));
	{
		struct sa from = at("203.0.113.5:31112");

		rx = taken(x);
		assert_true(media_deliver(m, local, &from, pli, sizeof(pli)));
		assert_int_equal(taken(x), rx);
	}
	assert_to("203.0.113.5:30001");
	/* The phone's own, from a port of the NAT's choice. */
	assert_true(reported(x, local, "203.0.113.5:31111", SSRC, false));
	assert_to("203.0.113.5:31111");
	/* Whoever comes later, even with the right SSRC, a BYE, and many of them. */
	for (int i = 0; i < 20; i++) {
		assert_false(reported(x, local, "203.0.113.5:31112", SSRC, i & 1));
		assert_false(reported(x, local, "192.0.2.1:4001", SSRC, i & 1));
	}
	assert_to("203.0.113.5:31111");
	/* Nor does it move RTP: not where it is taken from, not when it says BYE. */
	assert_true(reported(x, local, "203.0.113.5:31111", SSRC, true));
	rx = got.rx;
	assert_true(sa_eq(&got.source, &nat));
	assert_true(net_rtp(media_session_local(x), &nat, 6));
	taken(x);
	assert_int_equal(got.rx, rx + 1);
	assert_int_equal(got.remote_ssrc, SSRC);
	/* A new source begins anew. */
	set.relearn = true;
	start_at(x, &set, "203.0.113.7:5000");
	assert_to("203.0.113.7:5001");
	assert_false(reported(x, local, "203.0.113.5:31111", SSRC, false));
	/* Not symmetric: heard, but ours goes where the SDP says. */
	set.symmetric = false;
	start_at(x, &set, "203.0.113.7:5000");
	assert_true(reported(x, local, "203.0.113.7:6000", SSRC, false));
	assert_to("192.0.2.1:4001");
	media_session_close(x, NULL, NULL);
}

/* Reports keep a silent call alive, but do not hold the place of a source that
 * has stopped: the signalled address may take it again. */
static void test_rtcp_is_no_rtp(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	const struct sa *local = media_session_local_rtcp(x);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.symmetric = true;
	set.timeout_ms = 10000;
	start_at(x, &set, "203.0.113.5:30000");
	for (int i = 0; i < 6; i++) {
		assert_true(reported(x, local, "203.0.113.5:31111", SSRC, false));
		pass(4000);
	}
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_true(reported(x, local, "203.0.113.5:31111", SSRC, false));
	assert_true(net_rtp(media_session_local(x), &far_x, 100));
	taken(x);
	assert_true(sa_eq(&got.source, &far_x));
	/* Those of a stranger keep nothing alive. */
	for (int i = 0; i < 4; i++) {
		assert_false(reported(x, local, "203.0.113.99:31111", SSRC, false));
		pass(3000);
	}
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	media_session_close(x, NULL, NULL);
}

/* Whose peer was told to send elsewhere: nothing of ours leaves and nothing wakes the thread, but a packet that still
 * comes is passed on; and all is as it was when the media come back. */
static void test_rests(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0), other = to_phone(&far_y, FORMAT_ULAW, 0);

	(void)state;
	set.timeout_ms = 5000;
	set.keepalive_ms = 1000;
	start_at(x, &set, "192.0.2.1:4000");
	media_session_set(y, &other);
	assert_int_equal(media_bridge(x, y), 0);
	pass(1500);
	assert_true(mthread_wait_ms(&m->t[0]->m) >= 0);
	set.rest = other.rest = true;
	media_session_set(x, &set);
	media_session_set(y, &other);
	pass(100);
	net.n = net.nrtcp = 0;
	assert_int_equal(mthread_wait_ms(&m->t[0]->m), -1);
	pass(20000);
	assert_int_equal(net.n + net.nrtcp, 0);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_true(net_rtp(media_session_local(x), &far_x, 6));
	pass(20);
	assert_int_equal(net.n, 1);
	assert_true(sa_eq(&net.sent[0].to, &far_y));
	assert_int_equal(mthread_wait_ms(&m->t[0]->m), -1);
	set.rest = false;
	media_session_set(x, &set);
	pass(4000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_true(net.n > 2);
	pass(3000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	assert_to("192.0.2.1:4001");
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_up, net_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_rtcp_signalled), T(test_rtcp_mux), T(test_rtcp_behind_nat), T(test_rtcp_is_no_rtp),
		T(test_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
