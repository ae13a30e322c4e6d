/* Two ICE agents facing each other: every kind of NAT, roles, components, lite peers, IPv6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "ice_stage.h"

static struct stage stage;

static int begin(void **state)
{
	*state = &stage;
	stage_begin(&stage);
	return 0;
}

static int end(void **state)
{
	stage_end(*state);
	return 0;
}

static void pair_up(struct stage *s, enum nat a, enum nat b, bool stun, bool turn)
{
	agent_add(s, 0, a, a ? "10.1.0.5" : "192.0.2.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, b, b ? "10.2.0.5" : "203.0.113.5", ICE_CONTROLLED, 1);
	for (unsigned i = 0; i < 2; i++)
		agent_servers(&s->agent[i], stun, turn);
}

static void assert_talks(struct stage *s)
{
	assert_true(talk(s, 0, "from a to b"));
	assert_true(talk(s, 1, "from b to a"));
}

static void test_direct(void **state)
{
	struct stage *s = *state;
	uint64_t began;

	pair_up(s, NAT_NONE, NAT_NONE, false, false);
	exchange(s);
	began = s->now;
	assert_true(run_until_connected(s, 5000000));
	assert_true(s->now - began < 500000);
	assert_talks(s);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(s->agent[i].last.nominated && !s->agent[i].last.relayed);
		assert_true(sa_eq(&s->agent[i].last.remote, &s->agent[!i].host[0]));
		assert_int_equal(s->agent[i].gathered, 1);
	}
	assert_int_equal(ice_role(s->agent[0].ice), ICE_CONTROLLING);
}

/* The answerer's first check is lost, because its answer is not there yet. The offerer's brings one back at once, not
 * when the pace lets go the next. */
static void test_asked_back_at_once(void **state)
{
	struct stage *s = *state;

	pair_up(s, NAT_NONE, NAT_NONE, false, false);
	s->delay = 1000;
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	s->agent[0].deaf = true;
	run(s, 10000);
	assert_true(s->agent[1].sent > 0);
	s->agent[0].deaf = false;
	describe(&s->agent[1], &s->agent[0], true);
	run(s, 10000);
	assert_true(s->agent[0].selected && s->agent[1].selected);
	assert_talks(s);
}

/* Without a relay, what can meet meets: not two symmetric ones, nor one with a port-restricted one. */
static void test_nats(void **state)
{
	struct stage *s = *state;

	for (int a = NAT_NONE; a < NAT_KINDS; a++)
		for (int b = NAT_NONE; b < NAT_KINDS; b++) {
			bool hard = (a == NAT_SYMMETRIC && b >= NAT_PORT) || (b == NAT_SYMMETRIC && a >= NAT_PORT);

			stage_end(s);
			stage_begin(s);
			pair_up(s, (enum nat)a, (enum nat)b, true, false);
			exchange(s);
			assert_int_equal(run_until_connected(s, 30000000), !hard);
			if (!hard)
				assert_talks(s);
		}
}

/* With a relay all do, and those that need none do not use it. */
static void test_nats_with_turn(void **state)
{
	struct stage *s = *state;

	for (int a = NAT_NONE; a < NAT_KINDS; a++)
		for (int b = NAT_NONE; b < NAT_KINDS; b++) {
			bool hard = (a == NAT_SYMMETRIC && b >= NAT_PORT) || (b == NAT_SYMMETRIC && a >= NAT_PORT);
			bool relayed;

			stage_end(s);
			stage_begin(s);
			pair_up(s, (enum nat)a, (enum nat)b, true, true);
			exchange(s);
			assert_true(run_until_connected(s, 30000000));
			assert_talks(s);
			relayed = s->agent[0].last.relayed || s->agent[1].last.relayed;
			assert_int_equal(relayed, hard);
		}
}

static void test_loss(void **state)
{
	struct stage *s = *state;

	for (unsigned loss = 3; loss < 12; loss++) {
		stage_end(s);
		stage_begin(s);
		pair_up(s, NAT_PORT, NAT_ADDRESS, true, true);
		s->loss = loss;
		s->dice += loss;
		exchange(s);
		assert_true(run_until_connected(s, 35000000));
		s->loss = 0;
		assert_talks(s);
	}
}

static void test_same_site(void **state)
{
	struct stage *s = *state;

	agent_add(s, 0, NAT_SYMMETRIC, "10.1.0.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_SYMMETRIC, "10.1.0.6", ICE_CONTROLLED, 1);
	agent_servers(&s->agent[0], true, true);
	agent_servers(&s->agent[1], true, true);
	exchange(s);
	assert_true(run_until_connected(s, 5000000));
	assert_true(sa_eq(&s->agent[0].last.remote, &s->agent[1].host[0]));
	assert_talks(s);
}

static void test_both_roles(void **state)
{
	struct stage *s = *state;

	for (int role = 0; role < 2; role++) {
		int controlling;

		stage_end(s);
		stage_begin(s);
		agent_add(s, 0, NAT_NONE, "192.0.2.5", (enum ice_role)role, 1);
		agent_add(s, 1, NAT_NONE, "203.0.113.5", (enum ice_role)role, 1);
		exchange(s);
		assert_true(run_until_connected(s, 10000000));
		controlling = (ice_role(s->agent[0].ice) == ICE_CONTROLLING) + (ice_role(s->agent[1].ice) == ICE_CONTROLLING);
		assert_int_equal(controlling, 1);
		assert_talks(s);
	}
}

static void test_two_components(void **state)
{
	struct stage *s = *state;
	struct ice_event e;

	agent_add(s, 0, NAT_PORT, "10.1.0.5", ICE_CONTROLLING, 2);
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 2);
	agent_servers(&s->agent[0], true, false);
	exchange(s);
	assert_true(run_until_connected(s, 10000000));
	assert_true(ice_selected(s->agent[0].ice, 1, &e));
	assert_int_equal(sa_port(&e.remote), 5000);
	assert_true(ice_selected(s->agent[0].ice, 2, &e));
	assert_int_equal(sa_port(&e.remote), 5001);
	/* Foundations do not know components, priorities do. */
	assert_string_equal(ice_local(s->agent[0].ice, 0)->foundation, ice_local(s->agent[0].ice, 1)->foundation);
	assert_int_equal(ice_local(s->agent[0].ice, 0)->priority, ice_local(s->agent[0].ice, 1)->priority + 1);
}

static void test_mux(void **state)
{
	struct stage *s = *state;
	struct ice_event e;

	agent_add(s, 0, NAT_NONE, "192.0.2.5", ICE_CONTROLLING, 2);
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 1);
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	ice_one_component(s->agent[0].ice, s->now);
	describe(&s->agent[1], &s->agent[0], true);
	assert_true(run_until_connected(s, 5000000));
	assert_false(ice_selected(s->agent[0].ice, 2, &e));
	assert_talks(s);
}

static void test_ipv6(void **state)
{
	struct stage *s = *state;

	agent_add(s, 0, NAT_NONE, NULL, ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_NONE, NULL, ICE_CONTROLLED, 1);
	agent_host(&s->agent[0], 0, 1, "[2001:db8::5]:5000");
	agent_host(&s->agent[0], 1, 1, "10.1.0.5:5000");
	agent_host(&s->agent[1], 0, 1, "203.0.113.5:5000");
	agent_host(&s->agent[1], 1, 1, "[2001:db8:1::5]:5000");
	exchange(s);
	assert_true(run_until_connected(s, 5000000));
	assert_true(sa_is_v6(&s->agent[0].last.remote) && sa_is_v6(&s->agent[1].last.remote));
	assert_talks(s);
}

/* ---- lite: answers, and never asks (RFC 8445 section 2.5) */

static bool lite_hears(struct stage *s, const struct flight *f)
{
	const struct agent *b = &s->agent[1];
	struct stun_msg m;

	/* What the full agent behind it sends of itself does not leave. */
	return sa_eq(&f->from, &b->host[0]) && !stun_parse(&m, f->p, f->n) && m.cls == STUN_REQUEST;
}

static void test_lite_peer(void **state)
{
	struct stage *s = *state;
	struct ice_remote r;

	agent_add(s, 0, NAT_SYMMETRIC, "10.1.0.5", ICE_CONTROLLED, 1);
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 1);
	s->drop = lite_hears;
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	r = (struct ice_remote){ .ufrag = ice_ufrag(s->agent[1].ice), .pwd = ice_pwd(s->agent[1].ice), .lite = true,
				 .done = true, .now_us = s->now };
	assert_int_equal(ice_set_remote(s->agent[0].ice, &r), 0);
	candidates(&s->agent[1], &s->agent[0]);
	run(s, 3000000);
	assert_int_equal(ice_role(s->agent[0].ice), ICE_CONTROLLING);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
	assert_true(s->agent[0].last.nominated && sa_eq(&s->agent[0].last.remote, &s->agent[1].host[0]));
	/* It answers our consent requests, and so we go on. */
	run(s, 120000000);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
}

static void test_priorities(void **state)
{
	struct stage *s = *state;
	const struct ice_candidate *host, *srflx, *relay;

	pair_up(s, NAT_PORT, NAT_NONE, true, true);
	gather_both(s);
	assert_int_equal(ice_locals(s->agent[0].ice), 3);
	host = ice_local(s->agent[0].ice, 0);
	srflx = ice_local(s->agent[0].ice, 1);
	relay = ice_local(s->agent[0].ice, 2);
	assert_int_equal(host->type, CANDIDATE_HOST);
	assert_int_equal(host->priority, (126u << 24) + (65535u << 8) + 255);
	assert_int_equal(srflx->type, CANDIDATE_SRFLX);
	assert_int_equal(srflx->priority >> 24, 100);
	assert_true(sa_eq(&srflx->related, &host->addr) && sa_eq_host(&srflx->addr, &s->agent[0].public));
	assert_int_equal(relay->type, CANDIDATE_RELAY);
	assert_int_equal(relay->priority >> 24, 0);
	assert_true(sa_eq(&relay->related, &srflx->addr) && sa_eq_host(&relay->addr, &s->server));
	assert_string_not_equal(host->foundation, srflx->foundation);
	/* Without a NAT the reflexive one is the host itself. */
	assert_int_equal(ice_locals(s->agent[1].ice), 2);
}

static void test_no_server_answers(void **state)
{
	struct stage *s = *state;

	s->server = (struct sa){ 0 };
	agent_add(s, 0, NAT_NONE, "192.0.2.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 1);
	assert_int_equal(sa_parse(&s->server, STR("198.51.100.1:3478")), 0);
	agent_servers(&s->agent[0], true, true);
	s->server = (struct sa){ 0 };
	ice_gather(s->agent[0].ice, s->now);
	ice_gather(s->agent[1].ice, s->now);
	run(s, 2900000);
	assert_int_equal(s->agent[0].gathered, 0);
	run(s, 200000);
	assert_int_equal(s->agent[0].gathered, 1);
	describe(&s->agent[0], &s->agent[1], true);
	describe(&s->agent[1], &s->agent[0], true);
	assert_true(run_until_connected(s, 5000000));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(test_direct), T(test_asked_back_at_once), T(test_nats), T(test_nats_with_turn), T(test_loss), T(test_same_site), T(test_both_roles),
		T(test_two_components), T(test_mux), T(test_ipv6), T(test_lite_peer), T(test_priorities),
		T(test_no_server_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
