/* Relays over TCP: the same allocation, by a stream that is cut anywhere, refused, or lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
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

/* Two that can only meet over a relay; the first has one. */
static void apart(struct stage *s, enum ice_server kind)
{
	agent_add(s, 0, NAT_SYMMETRIC, "10.1.0.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_SYMMETRIC, "10.2.0.5", ICE_CONTROLLED, 1);
	agent_turn(&s->agent[0], kind);
	agent_servers(&s->agent[1], true, false);
}

static unsigned locals(const struct agent *a, enum candidate_type type)
{
	unsigned n = 0;

	for (size_t i = 0; i < ice_locals(a->ice); i++)
		n += ice_local(a->ice, i)->type == type;
	return n;
}

/* The firewall: no datagram from agent 0 to the server. */
static bool no_udp(struct stage *s, const struct flight *f)
{
	return sa_eq(&f->to, &s->server) && sa_eq_host(&f->from, &s->agent[0].public);
}

static void test_relayed(void **state)
{
	struct stage *s = *state;

	for (s->cut = 1; s->cut < 400; s->cut *= 7) {
		unsigned cut = s->cut, indications;

		stage_end(s);
		stage_begin(s);
		s->cut = cut;
		s->drop = no_udp;
		apart(s, ICE_TURN_TCP);
		exchange(s);
		assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 1);
		/* Where the connection is seen from is no place for datagrams. */
		assert_int_equal(locals(&s->agent[0], CANDIDATE_SRFLX), 0);
		assert_true(run_until_connected(s, 20000000));
		assert_true(s->agent[0].last.relayed);
		run(s, 1000000);
		indications = s->indications;
		assert_true(talk(s, 0, "by channel, and padded"));
		assert_true(talk(s, 1, "and back"));
		assert_int_equal(s->indications, indications);
		assert_int_equal(s->agent[0].pipes_opened, 1);
	}
}

/* Nobody answers a datagram: TCP after half a second, without being told. */
static void test_by_itself(void **state)
{
	struct stage *s = *state;

	s->drop = no_udp;
	apart(s, ICE_TURN);
	ice_gather(s->agent[0].ice, s->now);
	run(s, 490000);
	assert_int_equal(s->agent[0].pipes_opened, 0);
	run(s, 500000);
	assert_int_equal(s->agent[0].pipes_opened, 1);
	assert_true(ice_gathered(s->agent[0].ice));
	assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 1);
}

/* UDP works: no connection. And only UDP is wanted: none either. */
static void test_not_needed(void **state)
{
	struct stage *s = *state;

	apart(s, ICE_TURN);
	gather_both(s);
	assert_int_equal(s->agent[0].pipes_opened, 0);
	assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 1);
	stage_end(s);
	stage_begin(s);
	s->drop = no_udp;
	apart(s, ICE_TURN_UDP);
	gather_both(s);
	assert_int_equal(s->agent[0].pipes_opened, 0);
	assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 0);
}

/* The first answers are lost, and there is no TCP: UDP goes on. */
static bool slow_udp(struct stage *s, const struct flight *f)
{
	return s->now < 1000000 + 700000 && no_udp(s, f);
}

static void test_refused(void **state)
{
	struct stage *s = *state;

	s->refuse_pipes = true;
	s->drop = slow_udp;
	apart(s, ICE_TURN);
	gather_both(s);
	assert_int_equal(s->agent[0].pipes_opened, 1);
	assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 1);
	stage_end(s);
	stage_begin(s);
	s->refuse_pipes = true;
	apart(s, ICE_TURN_TCP);
	ice_gather(s->agent[0].ice, s->now);
	run(s, 200000);
	assert_true(ice_gathered(s->agent[0].ice));
	assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 0);
}

/* UDP is slow, and TCP leads nowhere without saying so: UDP goes on meanwhile, and the connection is given up. */
static void test_udp_is_first(void **state)
{
	struct stage *s = *state;

	s->drop = slow_udp;
	apart(s, ICE_TURN);
	ice_gather(s->agent[0].ice, s->now);
	run(s, 505000);
	assert_int_equal(s->agent[0].pipes_opened, 1);
	s->agent[0].pipe[0].on = false;         /* what the server says to it is lost */
	run(s, 400000);
	assert_false(s->agent[0].pipe[0].opened);
	s->agent[0].pipe[0].on = true;
	run(s, 1000000);
	assert_true(ice_gathered(s->agent[0].ice));
	assert_int_equal(locals(&s->agent[0], CANDIDATE_RELAY), 1);
	assert_int_equal(s->agent[0].pipes_closed, 1);
	assert_int_equal(s->agent[0].pipes_opened, 1);
}

/* Over TCP a request is sent once (RFC 8489 section 6.2.2). */
static void test_asked_once(void **state)
{
	struct stage *s = *state;
	unsigned sent;

	apart(s, ICE_TURN_TCP);
	ice_gather(s->agent[0].ice, s->now);
	run(s, 45000);                  /* open, and the request is on its way */
	sent = s->agent[0].sent;
	assert_int_equal(sent, 1);
	s->agent[0].pipe[0].on = false; /* what is on its way back is lost */
	run(s, 39000000);
	assert_int_equal(s->agent[0].sent, sent);
	s->agent[0].pipe[0].on = true;
	run(s, 1000000);
	assert_int_equal(s->agent[0].pipes_closed, 1);   /* 39.5 s without an answer */
}

/* The connection ends: the allocation is gone with it, and nothing is sent any more. */
static void test_lost(void **state)
{
	struct stage *s = *state;
	unsigned sent;

	apart(s, ICE_TURN_TCP);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	pipe_cut(s, 0, 0);
	run(s, 100000);
	sent = s->agent[0].sent;
	assert_false(talk(s, 0, "nowhere"));
	assert_int_equal(s->agent[0].sent, sent);
	run(s, 40000000);
	assert_int_equal(s->agent[0].state, ICE_LOST);
	assert_int_equal(s->agent[0].pipes_closed, 0);
}

static void test_given_back(void **state)
{
	struct stage *s = *state;

	apart(s, ICE_TURN_TCP);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	assert_true(s->alloc[0].on);
	ice_close(s->agent[0].ice);
	run(s, 1000000);
	assert_false(s->alloc[0].on);
	assert_int_equal(s->agent[0].pipes_closed, 1);
}

/* Whoever sends datagrams from the server's port: the relay is reached by its connection only. */
static void test_strangers(void **state)
{
	struct stage *s = *state;
	uint8_t p[16] = { 0 };
	unsigned data;

	agent_add(s, 0, NAT_NONE, "192.0.2.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_SYMMETRIC, "10.2.0.5", ICE_CONTROLLED, 1);
	agent_turn(&s->agent[0], ICE_TURN_TCP);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	data = s->agent[0].data;
	for (uint16_t number = 0x4000; number < 0x4004; number++) {
		stun_channel_header(p, number, 4);
		inject(s, &s->server, &s->agent[0].host[0], p, 8);
	}
	run(s, 500000);
	assert_int_equal(s->agent[0].data, data);
}

/* An hour: what must be renewed is, over the same connection. */
static void test_an_hour(void **state)
{
	struct stage *s = *state;

	apart(s, ICE_TURN_TCP);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	for (int i = 0; i < 60; i++) {
		run(s, 60000000);
		assert_true(talk(s, 0, "minute"));
		assert_true(talk(s, 1, "after minute"));
	}
	assert_int_equal(s->agent[0].pipes_opened, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(test_relayed), T(test_by_itself), T(test_not_needed), T(test_refused), T(test_udp_is_first),
		T(test_asked_once), T(test_lost), T(test_given_back), T(test_strangers), T(test_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
