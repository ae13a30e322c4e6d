/* Relayed candidates: credentials, permissions, channels, and what keeps an allocation alive. */
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

/* Two that can only meet over a relay. */
static void apart(struct stage *s)
{
	agent_add(s, 0, NAT_SYMMETRIC, "10.1.0.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_SYMMETRIC, "10.2.0.5", ICE_CONTROLLED, 1);
}

static const struct ice_candidate *relay_of(const struct agent *a)
{
	for (size_t i = 0; i < ice_locals(a->ice); i++)
		if (ice_local(a->ice, i)->type == CANDIDATE_RELAY)
			return ice_local(a->ice, i);
	return NULL;
}

static void test_relayed(void **state)
{
	struct stage *s = *state;
	unsigned indications, channel_data;

	apart(s);
	agent_servers(&s->agent[0], true, true);
	agent_servers(&s->agent[1], true, false);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	assert_true(s->agent[0].last.relayed);
	run(s, 1000000);                /* the channel is bound */
	indications = s->indications;
	channel_data = s->channel_data;
	assert_true(talk(s, 0, "by channel"));
	assert_true(talk(s, 1, "and back by it"));
	assert_int_equal(s->indications, indications);
	assert_true(s->channel_data > channel_data);
}

/* 401 with realm and nonce, then all with the same nonce; one that is stale is replaced. */
static void test_nonce(void **state)
{
	struct stage *s = *state;

	apart(s);
	agent_servers(&s->agent[0], false, true);
	agent_servers(&s->agent[1], true, false);
	gather_both(s);
	assert_non_null(relay_of(&s->agent[0]));
	assert_int_equal(s->auth_sent, 1);
	s->stale_once = true;
	describe(&s->agent[0], &s->agent[1], true);
	describe(&s->agent[1], &s->agent[0], true);
	assert_true(run_until_connected(s, 20000000));
	assert_int_equal(s->stale_sent, 1);
	assert_int_equal(s->auth_sent, 2);
	assert_true(talk(s, 0, "with a new nonce"));
}

static void test_wrong_password(void **state)
{
	struct stage *s = *state;

	apart(s);
	assert_int_equal(ice_add_server(s->agent[0].ice, ICE_TURN, &s->server, STR("user"), STR("guess")), 0);
	ice_gather(s->agent[0].ice, s->now);
	run(s, 1000000);
	assert_true(ice_gathered(s->agent[0].ice));
	assert_null(relay_of(&s->agent[0]));
	assert_int_equal(s->auth_sent, 2);       /* asked without, asked wrongly, and that was it */
	run(s, 60000000);
	assert_int_equal(s->auth_sent, 2);
}

/* One host of the peer's is refused by the server: the others are reached. */
static void test_permission_refused(void **state)
{
	struct stage *s = *state;
	struct candidate c;

	apart(s);
	agent_servers(&s->agent[0], false, true);
	agent_servers(&s->agent[1], true, false);
	assert_int_equal(sa_parse(&s->refused, STR("192.88.99.1:1")), 0);
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	describe(&s->agent[1], &s->agent[0], true);
	assert_int_equal(candidate_parse(&c, STR("9 1 UDP 2122252543 192.88.99.1 7000 typ host")), 0);
	assert_int_equal(ice_add_remote(s->agent[0].ice, &c, s->now), 0);
	assert_true(run_until_connected(s, 20000000));
	assert_true(talk(s, 0, "past it"));
}

/* An hour: allocation (10 min), permission (5 min) and channel (10 min) are renewed in time. */
static void test_an_hour(void **state)
{
	struct stage *s = *state;

	apart(s);
	agent_servers(&s->agent[0], true, true);
	agent_servers(&s->agent[1], true, true);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	for (int i = 0; i < 60; i++) {
		run(s, 60000000);
		assert_true(talk(s, 0, "minute"));
		assert_true(talk(s, 1, "after minute"));
	}
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
	assert_in_range(s->refreshes, 2 * 6, 2 * 8);
}

static void test_given_back(void **state)
{
	struct stage *s = *state;

	apart(s);
	agent_servers(&s->agent[0], true, true);
	agent_servers(&s->agent[1], true, true);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	assert_true(s->alloc[0].on && s->alloc[1].on);
	ice_close(s->agent[0].ice);
	ice_close(s->agent[1].ice);
	run(s, 1000000);
	assert_false(s->alloc[0].on || s->alloc[1].on);
	assert_false(talk(s, 0, "closed"));
}

/* The server is gone: no consent over it, and that is noticed. */
static void test_server_dies(void **state)
{
	struct stage *s = *state;

	apart(s);
	agent_servers(&s->agent[0], true, true);
	agent_servers(&s->agent[1], true, false);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	s->alloc[0].on = false;
	run(s, 40000000);
	assert_int_equal(s->agent[0].state, ICE_LOST);
	assert_int_equal(s->agent[1].state, ICE_LOST);
}

/* A stranger who sends from the server's port to our base cannot pass off data as relayed: only
 * peers with a permission count; nor can one who sends to the relay's port. */
static void test_strangers(void **state)
{
	struct stage *s = *state;
	uint8_t p[256];
	struct sa peer, relay;
	struct stun_out o;
	unsigned data;

	agent_add(s, 0, NAT_NONE, "192.0.2.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_SYMMETRIC, "10.2.0.5", ICE_CONTROLLED, 1);
	agent_servers(&s->agent[0], true, true);
	exchange(s);
	assert_true(run_until_connected(s, 20000000));
	data = s->agent[0].data;
	assert_int_equal(sa_parse(&peer, STR("198.18.0.9:9000")), 0);
	stun_begin(&o, p, sizeof(p), STUN_INDICATION, STUN_DATA, (const uint8_t *)"strangstrang");
	stun_put_addr(&o, STUN_XOR_PEER_ADDRESS, &peer);
	stun_put(&o, STUN_DATA_ATTR, STR("\x80\x00 media"));
	inject(s, &s->server, &s->agent[0].host[0], p, stun_end(&o));
	relay = relay_of(&s->agent[0])->addr;
	inject(s, &peer, &relay, "\x80\x00 media", 8);
	stun_channel_header(p, 0x4000, 4);
	inject(s, &s->server, &s->agent[0].host[0], p, 8);
	run(s, 500000);
	assert_int_equal(s->agent[0].data, data);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(test_relayed), T(test_nonce), T(test_wrong_password), T(test_permission_refused), T(test_an_hour),
		T(test_given_back), T(test_server_dies), T(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
