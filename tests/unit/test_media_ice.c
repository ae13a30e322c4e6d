/* Wires with ICE: two sessions of one media that meet over a network of the test's own. What the agent
 * itself does is in test_ice*.c; here: that packets go where it says, and come from whom it has checked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "media/ice_media.h"
#include "media_net.h"

static struct sa here;

static size_t delivered;        /* of net.sent, so far */
static bool deaf;               /* nothing arrives */

/* All that was sent arrives. */
static void pump(void)
{
	while (delivered < net.n) {
		struct sent p = net.sent[delivered++];

		if (!deaf)
			media_deliver(m, &p.to, &net.at[p.place], p.b, p.n);
	}
	if (delivered == net.n)
		delivered = net.n = 0;
}

static void pass_pumped(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
		pump();
		net.nrtcp = 0;
	}
	media_poll(m, 0);
}

static void start(struct media_session *s, enum ice_role role)
{
	struct media_ice_host host = { .addr = here };
	struct media_ice_prm prm = { .role = role, .components = 2, .host = &host, .nhosts = 1 };

	assert_int_equal(media_ice_start(s, &prm), 0);
	assert_int_equal(media_ice_start(s, &prm), EEXIST);
}

static void describe(struct media_session *from, struct media_session *to, bool mux)
{
	struct candidate c[4];
	struct ice_remote r = { .ufrag = str_z(media_ice_own(from)->ufrag), .pwd = str_z(media_ice_own(from)->pwd), .done = true };
	size_t n = media_ice_locals(from);

	assert_true(n <= 4);
	for (size_t i = 0; i < n; i++)
		ice_candidate_describe(media_ice_local(from, i), &c[i]);
	assert_int_equal(media_ice_remote(to, &r, mux, c, n), 0);
}

/* The SDP's own address is nobody's: with ICE it does not count. */
static struct media_set set_of(bool mux)
{
	struct sa nobody;
	struct media_set set;

	sa_parse(&nobody, STR("192.0.2.99:9"));
	set = to_phone(&nobody, FORMAT_ULAW, 0);
	set.rtcp_mux = mux;
	return set;
}

static struct media_session *x, *y;
static struct seen sx, sy;

static void meet(bool mux)
{
	struct media_set set = set_of(mux);

	sa_parse_host(&here, STR("198.51.100.9"), 0);
	delivered = 0;
	deaf = false;
	sx = sy = (struct seen){ .n = 0 };
	x = session(&sx);
	y = session(&sy);
	start(x, ICE_CONTROLLING);
	start(y, ICE_CONTROLLED);
	assert_true(media_ice_is_on(x));
	assert_int_equal(media_ice_locals(x), 2);
	media_session_set(x, &set);
	media_session_set(y, &set);
	describe(x, y, mux);
	describe(y, x, mux);
}

static void leave(void)
{
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	media_poll(m, 0);
}

static void test_media_flows(void **state)
{
	const struct media_event *e;

	(void)state;
	for (int mux = 0; mux < 2; mux++) {
		net.n = net.nrtcp = 0;
		meet(mux);
		/* Nothing but checks until one is answered. */
		media_silence(x, true);
		clock_fake_add(&clk, 20000);
		media_poll(m, 0);
		for (size_t i = 0; i < net.n; i++)
			assert_int_equal(rtp_kind(net.sent[i].b, net.sent[i].n), RTP_KIND_STUN);
		pass_pumped(1500);
		e = last(&sx, MEDIA_ICE);
		assert_non_null(e);
		assert_int_equal(e->ice.state, ICE_CONNECTED);
		assert_int_equal(media_ice_state(x), ICE_CONNECTED);
		assert_int_equal(media_ice_state(y), ICE_CONNECTED);
		assert_true(media_ice_gathered(x));
		e = last(&sy, MEDIA_FIRST_PACKET);
		assert_non_null(e);
		assert_true(sa_eq(&e->peer, media_session_local(x)));
		/* RTCP goes to its own component, or to the one there is. */
		pass(6000);
		assert_true(net.nrtcp > 0);
		assert_int_equal(sa_port(&net.rtcp[0].to), sa_port(mux ? media_session_local(y) : media_session_local_rtcp(y)));
		leave();
	}
}

/* Packets of strangers are dropped and counted, the first one too, and even from where the SDP says. */
static void test_strangers(void **state)
{
	struct sa stranger, nobody;
	uint64_t before;

	(void)state;
	meet(true);
	sa_parse(&stranger, STR("203.0.113.66:66"));
	sa_parse(&nobody, STR("192.0.2.99:9"));
	for (uint16_t i = 0; i < 8; i++) {
		net_rtp(media_session_local(y), &stranger, i);
		net_rtp(media_session_local(y), &nobody, i);
	}
	media_poll(m, 0);
	assert_int_equal(count(&sy, MEDIA_FIRST_PACKET), 0);
	pass_pumped(1500);
	media_stats(y, on_stats, NULL);
	media_poll(m, 0);
	before = got.dropped_source;
	assert_true(before >= 16);
	for (uint16_t i = 0; i < 8; i++)
		net_rtp(media_session_local(y), &stranger, i);
	net_rtp(media_session_local(y), media_session_local(x), 1);
	media_stats(y, on_stats, NULL);
	media_poll(m, 0);
	assert_int_equal(got.dropped_source, before + 8);
	assert_int_equal(got.rx, 1);
	leave();
}

static void test_consent_lost(void **state)
{
	const struct media_event *e;

	(void)state;
	meet(true);
	pass_pumped(1500);
	assert_int_equal(media_ice_state(x), ICE_CONNECTED);
	deaf = true;
	pass_pumped(32000);
	e = last(&sx, MEDIA_ICE);
	assert_int_equal(e->ice.state, ICE_LOST);
	net.n = delivered = 0;
	media_silence(x, true);
	pass(1000);
	assert_int_equal(net.n, 0);
	leave();
}

static void test_restart(void **state)
{
	struct ice_own old;

	(void)state;
	meet(true);
	pass_pumped(1500);
	old = *media_ice_own(x);
	assert_int_equal(media_ice_restart(x, ICE_CONTROLLING), 0);
	assert_string_not_equal(old.ufrag, media_ice_own(x)->ufrag);
	assert_int_equal(media_ice_undo(x), 0);
	assert_string_equal(old.ufrag, media_ice_own(x)->ufrag);
	assert_false(media_ice_is_other(x, str_z(media_ice_own(y)->ufrag), str_z(media_ice_own(y)->pwd)));
	assert_true(media_ice_is_other(x, STR("abcd"), str_z(media_ice_own(y)->pwd)));
	assert_int_equal(media_ice_undo(x), 0);
	assert_true(media_ice_is_on(x));
	assert_int_equal(media_ice_restart(x, ICE_CONTROLLING), 0);
	assert_true(media_ice_is_other(y, str_z(media_ice_own(x)->ufrag), str_z(media_ice_own(x)->pwd)));
	/* Until the other side has restarted as well, its new credentials are no answer. */
	assert_int_equal(media_ice_remote(y, &(struct ice_remote){ .ufrag = str_z(media_ice_own(x)->ufrag),
		.pwd = str_z(media_ice_own(x)->pwd) }, true, NULL, 0), EPROTO);
	assert_int_equal(media_ice_restart(y, ICE_CONTROLLED), 0);
	sy.n = 0;
	media_silence(x, true);
	pass_pumped(500);               /* over the old path */
	media_stats(y, on_stats, NULL);
	media_poll(m, 0);
	assert_true(got.rx >= 20);
	describe(x, y, true);
	describe(y, x, true);
	pass_pumped(1500);
	assert_int_equal(media_ice_state(x), ICE_CONNECTED);
	assert_int_equal(media_ice_state(y), ICE_CONNECTED);
	leave();
}

/* Two forks answer one offer, with credentials of their own: the last one has the call. */
static void test_fork(void **state)
{
	struct media_set set = set_of(true);
	struct media_session *z;
	struct seen sz = { 0 };
	struct ice_own own;

	(void)state;
	meet(true);
	pass_pumped(1500);
	assert_int_equal(media_ice_state(x), ICE_CONNECTED);
	own = *media_ice_own(x);
	z = session(&sz);
	start(z, ICE_CONTROLLED);
	media_session_set(z, &set);
	describe(x, z, true);
	assert_true(media_ice_is_other(x, str_z(media_ice_own(z)->ufrag), str_z(media_ice_own(z)->pwd)));
	assert_int_equal(media_ice_forget_remote(x), 0);
	assert_string_equal(own.pwd, media_ice_own(x)->pwd);
	describe(z, x, true);
	media_silence(x, true);
	pass_pumped(1500);
	assert_int_equal(media_ice_state(x), ICE_CONNECTED);
	assert_int_equal(media_ice_state(z), ICE_CONNECTED);
	assert_int_equal(count(&sz, MEDIA_FIRST_PACKET), 1);
	assert_true(sa_eq(&last(&sx, MEDIA_ICE)->peer, media_session_local(z)));
	media_session_close(z, NULL, NULL);
	leave();
}

/* The answer has no ICE: the wire is as any other, and learns its source as any other. */
static void test_stop(void **state)
{
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	meet(true);
	pass_pumped(1500);
	assert_int_equal(media_ice_stop(x), 0);
	assert_false(media_ice_is_on(x));
	media_session_set(x, &set);
	sx.n = 0;
	net.n = delivered = 0;
	media_silence(x, true);
	pass(100);
	assert_true(net.n > 0);
	for (size_t i = 0; i < net.n; i++)
		if (rtp_kind(net.sent[i].b, net.sent[i].n) == RTP_KIND_RTP)
			assert_true(sa_eq(&net.sent[i].to, &far_x) || !sa_eq(&net.at[net.sent[i].place], media_session_local(x)));
	net_rtp(media_session_local(x), &far_x, 1);
	media_poll(m, 0);
	assert_int_equal(count(&sx, MEDIA_FIRST_PACKET), 1);
	leave();
}

static void test_refused(void **state)
{
	struct media_ice_host host = { 0 };
	struct media_ice_prm prm = { .role = ICE_CONTROLLED, .components = 1, .host = &host, .nhosts = 1 };
	struct media_session *s = session(NULL);

	(void)state;
	/* The wire is bound to another address. */
	sa_parse_host(&host.addr, STR("198.51.100.10"), 0);
	assert_int_equal(media_ice_start(s, &prm), EINVAL);
	assert_false(media_ice_is_on(s));
	assert_int_equal(media_ice_stop(s), 0);
	sa_parse_host(&host.addr, STR("198.51.100.9"), 0);
	assert_int_equal(media_ice_start(s, &prm), 0);
	assert_int_equal(media_ice_remote(s, &(struct ice_remote){ .ufrag = STR("abcd"), .pwd = STR("short") }, true, NULL, 0), ERANGE);
	assert_int_equal(media_ice_more(s, STR("abcd"), NULL, 0, true), ESTALE);
	/* No peer came of it: the wire is plain again. */
	assert_int_equal(media_ice_undo(s), 0);
	assert_false(media_ice_is_on(s));
	assert_int_equal(media_ice_start(s, &prm), 0);
	/* Closed in the middle of it: all is given back. */
	media_session_close(s, NULL, NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, net_up, net_down)
	const struct CMUnitTest tests[] = {
		T(test_media_flows), T(test_strangers), T(test_consent_lost), T(test_restart), T(test_fork), T(test_stop), T(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
