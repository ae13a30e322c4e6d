/* An ICE agent over time: candidates that come late, restarts, consent, failure; and what
 * strangers and peers that ask too much can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
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

static void direct(struct stage *s)
{
	agent_add(s, 0, NAT_NONE, "192.0.2.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 1);
}

static void connect_both(struct stage *s)
{
	direct(s);
	exchange(s);
	assert_true(run_until_connected(s, 5000000));
}

/* ---- trickle */

static void test_late_candidates(void **state)
{
	struct stage *s = *state;

	direct(s);
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], false);
	describe(&s->agent[1], &s->agent[0], false);
	/* Nobody fails who has not heard the end of candidates. */
	run(s, 60000000);
	assert_int_equal(s->agent[0].state, ICE_CHECKING);
	candidates(&s->agent[1], &s->agent[0]);
	assert_true(run_until_connected(s, 5000000));
	assert_true(talk(s, 0, "late"));
	assert_true(talk(s, 1, "as well"));
}

/* Ours are found after the peer's description is there. */
static void test_late_gathering(void **state)
{
	struct stage *s = *state;

	agent_add(s, 0, NAT_PORT, "10.1.0.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_PORT, "10.2.0.5", ICE_CONTROLLED, 1);
	for (unsigned i = 0; i < 2; i++)
		agent_servers(&s->agent[i], true, true);
	describe(&s->agent[0], &s->agent[1], false);
	describe(&s->agent[1], &s->agent[0], false);
	ice_gather(s->agent[0].ice, s->now);
	ice_gather(s->agent[1].ice, s->now);
	run(s, 1000000);
	candidates(&s->agent[0], &s->agent[1]);
	run(s, 300000);
	candidates(&s->agent[1], &s->agent[0]);
	assert_true(run_until_connected(s, 10000000));
	assert_true(talk(s, 0, "trickled"));
}

/* The peer's checks are here before its answer is: they are answered, and remembered. */
static void test_early_checks(void **state)
{
	struct stage *s = *state;

	direct(s);
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	run(s, 2000000);
	assert_int_equal(s->agent[0].state, ICE_IDLE);
	assert_false(s->agent[1].last.nominated);
	/* Only credentials: where the peer is, the checks have said. */
	describe(&s->agent[1], &s->agent[0], false);
	assert_true(run_until_connected(s, 1000000));
	assert_true(talk(s, 0, "early"));
}

/* A reflexive candidate stays open in the NAT while the phone rings. */
static void test_binding_is_kept(void **state)
{
	struct stage *s = *state;
	unsigned before;

	agent_add(s, 0, NAT_PORT, "10.1.0.5", ICE_CONTROLLING, 1);
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 1);
	agent_servers(&s->agent[0], true, false);
	gather_both(s);
	before = s->agent[0].sent;
	run(s, 61000000);
	assert_int_equal(s->agent[0].sent - before, 4);
}

/* ---- failure */

static void test_fails_in_time(void **state)
{
	struct stage *s = *state;

	direct(s);
	s->agent[0].deaf = s->agent[1].deaf = true;
	gather_both(s);
	describe(&s->agent[0], &s->agent[1], true);
	describe(&s->agent[1], &s->agent[0], true);
	run(s, 39000000);               /* RFC 8863: not before 39.5 s */
	assert_int_equal(s->agent[0].state, ICE_CHECKING);
	run(s, 10000000);
	assert_int_equal(s->agent[0].state, ICE_FAILED);
	/* And then it is quiet. */
	assert_true(ice_due(s->agent[0].ice) == UINT64_MAX);
}

static void test_no_candidates(void **state)
{
	struct stage *s = *state;
	struct candidate c;

	direct(s);
	gather_both(s);
	describe(&s->agent[1], &s->agent[0], false);
	assert_int_equal(candidate_parse(&c, STR("1 1 UDP 2122252543 3d9a6d3e.local 50000 typ host")), 0);
	assert_int_equal(ice_add_remote(s->agent[0].ice, &c, s->now), ENOTSUP);
	assert_int_equal(candidate_parse(&c, STR("1 1 TCP 2122252543 192.0.2.1 9 typ host")), 0);
	assert_int_equal(ice_add_remote(s->agent[0].ice, &c, s->now), ENOTSUP);
	ice_remote_done(s->agent[0].ice);
	/* The peer's own checks may still come. */
	run(s, 39000000);
	assert_int_equal(s->agent[0].state, ICE_CHECKING);
	run(s, 1000000);
	assert_int_equal(s->agent[0].state, ICE_FAILED);
}

/* ---- consent (RFC 7675) */

static void test_consent(void **state)
{
	struct stage *s = *state;
	unsigned before;
	uint64_t silent;

	connect_both(s);
	before = s->agent[0].sent;
	run(s, 60000000);
	/* Its own every 4 to 6 seconds, and an answer to each of the peer's. */
	assert_in_range(s->agent[0].sent - before, 20, 30);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
	s->agent[1].deaf = true;
	silent = s->now;
	for (int i = 0; i < 400 && s->agent[0].state == ICE_CONNECTED; i++)
		run(s, 100000);
	assert_in_range((s->now - silent) / 1000000, 23, 31);
	assert_int_equal(s->agent[0].state, ICE_LOST);
	assert_false(talk(s, 0, "nothing leaves"));
	before = s->agent[0].sent;
	run(s, 60000000);
	/* Answers to its checks; none of ours. */
	assert_true(s->agent[0].sent - before <= 60 / 4 + 1);
}

/* ---- restart */

static void test_restart(void **state)
{
	struct stage *s = *state;
	char old[64];

	connect_both(s);
	str_copy(old, sizeof(old), ice_ufrag(s->agent[0].ice));
	ice_restart(s->agent[0].ice, ICE_CONTROLLING, NULL, s->now);
	ice_restart(s->agent[1].ice, ICE_CONTROLLED, NULL, s->now);
	assert_false(str_eq(ice_ufrag(s->agent[0].ice), str_z(old)));
	/* Media goes on meanwhile, however long the offer takes, and consent with it. */
	run(s, 90000000);
	assert_true(talk(s, 0, "old path"));
	assert_true(talk(s, 1, "old path too"));
	describe(&s->agent[0], &s->agent[1], true);
	run(s, 3000000);
	assert_true(talk(s, 1, "still"));
	describe(&s->agent[1], &s->agent[0], true);
	assert_true(talk(s, 0, "and still"));
	assert_true(run_until_connected(s, 5000000));
	assert_true(talk(s, 0, "new path"));
	run(s, 90000000);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
	assert_int_equal(s->agent[1].state, ICE_CONNECTED);
}

/* The network has changed: the old path is dead, and the restart finds another. */
static void test_restart_elsewhere(void **state)
{
	struct stage *s = *state;

	connect_both(s);
	s->agent[1].on[0] = false;
	agent_host(&s->agent[1], 1, 1, "203.0.113.77:6000");
	run(s, 10000000);
	ice_restart(s->agent[0].ice, ICE_CONTROLLING, NULL, s->now);
	ice_restart(s->agent[1].ice, ICE_CONTROLLED, NULL, s->now);
	run(s, 40000000);               /* the old one has died of lack of consent */
	assert_false(talk(s, 0, "nowhere"));
	describe(&s->agent[0], &s->agent[1], true);
	describe(&s->agent[1], &s->agent[0], true);
	assert_true(run_until_connected(s, 20000000));
	assert_int_equal(sa_port(&s->agent[0].last.remote), 6000);
	assert_true(talk(s, 0, "there"));
}

static void test_restart_undone(void **state)
{
	struct stage *s = *state;
	struct ice_remote r;

	connect_both(s);
	ice_restart(s->agent[0].ice, ICE_CONTROLLING, NULL, s->now);
	run(s, 20000000);
	ice_restart_undo(s->agent[0].ice);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
	run(s, 90000000);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
	assert_int_equal(s->agent[1].state, ICE_CONNECTED);
	assert_true(talk(s, 0, "as before"));
	/* Other credentials without a restart of ours: refused. The same: nothing new. */
	r = (struct ice_remote){ .ufrag = STR("other"), .pwd = STR("0123456789012345678901"), .now_us = s->now };
	assert_int_equal(ice_set_remote(s->agent[0].ice, &r), EPROTO);
	describe(&s->agent[1], &s->agent[0], true);
	assert_int_equal(s->agent[0].state, ICE_CONNECTED);
}

/* ---- peers that do it in another way */

/* Aggressive nomination (RFC 5245): each check of the peer says USE-CANDIDATE. */
static void check_from(struct stage *s, const struct sa *from, const char *pwd, bool nominate, enum stun_attr role)
{
	uint8_t p[512], id[STUN_ID] = "aggressive00";
	struct str ufrag = ice_ufrag(s->agent[1].ice);
	char user[64];
	struct stun_out o;

	id[11] = (uint8_t)++s->seq;
	snprintf(user, sizeof(user), "%.*s:peer", STR_ARG(ufrag));
	stun_begin(&o, p, sizeof(p), STUN_REQUEST, STUN_BINDING, id);
	stun_put(&o, STUN_USERNAME, str_z(user));
	stun_put_u32(&o, STUN_PRIORITY, 1845501695);
	stun_put_u64(&o, role, 1);
	if (nominate)
		stun_put_flag(&o, STUN_USE_CANDIDATE);
	if (pwd)
		stun_put_integrity(&o, &s->hash, STUN_HASH_SHA1, str_z(pwd));
	stun_put_fingerprint(&o);
	inject(s, from, &s->agent[1].host[0], p, stun_end(&o));
}

static struct sa peer_at;
static struct str peer_pwd = STR_INIT("0123456789012345678901");

/* The peer at `peer_at` answers what we send it. */
static bool peer_answers(struct stage *s, const struct flight *f)
{
	uint8_t p[512];
	struct stun_out o;
	struct stun_msg m;

	if (!sa_eq_host(&f->to, &peer_at) || stun_parse(&m, f->p, f->n) || m.cls != STUN_REQUEST)
		return false;
	assert_int_equal(stun_check(&m, &s->hash, peer_pwd), 0);
	stun_begin(&o, p, sizeof(p), STUN_SUCCESS, STUN_BINDING, m.id);
	stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &f->from);
	stun_put_integrity(&o, &s->hash, STUN_HASH_SHA1, peer_pwd);
	stun_put_fingerprint(&o);
	inject(s, &f->to, &f->from, p, stun_end(&o));
	return true;
}

static void with_peer(struct stage *s)
{
	struct ice_remote r = { .ufrag = STR("peer"), .pwd = peer_pwd, .done = true, .now_us = s->now };

	sa_parse(&peer_at, STR("198.51.100.77:7000"));
	agent_add(s, 1, NAT_NONE, "203.0.113.5", ICE_CONTROLLED, 1);
	ice_gather(s->agent[1].ice, s->now);
	assert_int_equal(ice_set_remote(s->agent[1].ice, &r), 0);
	s->drop = peer_answers;
}

static void test_aggressive(void **state)
{
	struct stage *s = *state;
	char pwd[64];
	struct sa second;

	with_peer(s);
	str_copy(pwd, sizeof(pwd), ice_pwd(s->agent[1].ice));
	check_from(s, &peer_at, pwd, true, STUN_ICE_CONTROLLING);
	run(s, 500000);
	assert_int_equal(s->agent[1].state, ICE_CONNECTED);
	assert_true(sa_eq(&s->agent[1].last.remote, &peer_at));
	/* Another of its pairs, with the same flag: of the nominated the best is used. */
	second = peer_at;
	sa_set_port(&second, 7001);
	check_from(s, &second, pwd, true, STUN_ICE_CONTROLLING);
	run(s, 500000);
	assert_int_equal(s->agent[1].state, ICE_CONNECTED);
}

/* ---- strangers */

static void test_forged(void **state)
{
	struct stage *s = *state;
	struct ice_counts c;
	char pwd[64];
	unsigned sent;

	with_peer(s);
	str_copy(pwd, sizeof(pwd), ice_pwd(s->agent[1].ice));
	run(s, 1000000);
	sent = s->agent[1].sent;
	check_from(s, &peer_at, NULL, true, STUN_ICE_CONTROLLING);
	check_from(s, &peer_at, "wrong", true, STUN_ICE_CONTROLLING);
	check_from(s, &peer_at, "wrong", true, STUN_ICE_CONTROLLED);     /* would change the role */
	run(s, 1000000);
	assert_int_equal(s->agent[1].sent, sent);        /* not even an answer */
	assert_int_equal(ice_role(s->agent[1].ice), ICE_CONTROLLED);
	assert_int_equal(s->agent[1].state, ICE_CHECKING);
	ice_count(s->agent[1].ice, &c);
	assert_int_equal(c.unsigned_came, 3);
	assert_int_equal(c.checks_came, 0);
	/* Right, but with an attribute that must be understood: 420, and no more. */
	check_from(s, &peer_at, pwd, false, (enum stun_attr)0x7001);
	run(s, 1000000);
	assert_int_equal(s->agent[1].sent, sent + 1);
	assert_int_equal(s->agent[1].state, ICE_CHECKING);
	/* And then with the right ones it works. */
	check_from(s, &peer_at, pwd, true, STUN_ICE_CONTROLLING);
	run(s, 1000000);
	assert_int_equal(s->agent[1].state, ICE_CONNECTED);
}

/* Answers and errors that others make up change nothing. */
static bool forge_answers(struct stage *s, const struct flight *f)
{
	uint8_t p[512];
	struct stun_out o;
	struct stun_msg m;

	if (!sa_eq_host(&f->to, &peer_at) || stun_parse(&m, f->p, f->n) || m.cls != STUN_REQUEST)
		return false;
	for (unsigned code = 0; code < 500; code += 487) {
		stun_begin(&o, p, sizeof(p), code ? STUN_ERROR : STUN_SUCCESS, STUN_BINDING, m.id);
		if (code)
			stun_put_error(&o, code, STR(""));
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &f->from);
		if (code)
			stun_put_integrity(&o, &s->hash, STUN_HASH_SHA1, STR("guess"));
		inject(s, &f->to, &f->from, p, stun_end(&o));
	}
	return true;
}

static void test_forged_answers(void **state)
{
	struct stage *s = *state;
	struct candidate c;
	struct ice_event e;

	with_peer(s);
	s->drop = forge_answers;
	assert_int_equal(candidate_parse(&c, STR("1 1 UDP 2122252543 198.51.100.77 7000 typ host")), 0);
	assert_int_equal(ice_add_remote(s->agent[1].ice, &c, s->now), 0);
	run(s, 10000000);
	assert_int_equal(s->agent[1].state, ICE_CHECKING);
	assert_int_equal(ice_role(s->agent[1].ice), ICE_CONTROLLED);
	assert_false(ice_selected(s->agent[1].ice, 1, &e));
	assert_true(s->agent[1].sent >= 4);      /* it goes on asking */
}

/* An answer that is right, but comes from elsewhere than the check went to. */
static bool answer_from_elsewhere(struct stage *s, const struct flight *f)
{
	struct flight bent = *f;

	if (!sa_eq(&f->to, &peer_at))
		return false;
	s->drop = NULL;
	sa_set_port(&bent.to, 7009);
	peer_answers(s, &bent);
	s->drop = answer_from_elsewhere;
	return true;
}

static void test_not_symmetric(void **state)
{
	struct stage *s = *state;
	struct candidate c;
	struct ice_event e;

	with_peer(s);
	s->drop = answer_from_elsewhere;
	assert_int_equal(candidate_parse(&c, STR("1 1 UDP 2122252543 198.51.100.77 7000 typ host")), 0);
	assert_int_equal(ice_add_remote(s->agent[1].ice, &c, s->now), 0);
	run(s, 10000000);
	assert_false(ice_selected(s->agent[1].ice, 1, &e));
	assert_int_equal(s->agent[1].sent, 1);
}

static void test_strangers_media(void **state)
{
	struct stage *s = *state;
	struct sa from;
	struct ice_counts c;

	connect_both(s);
	assert_int_equal(sa_parse(&from, STR("192.0.2.5:5001")), 0);
	inject(s, &from, &s->agent[1].host[0], "\x80\x00rtp", 5);
	run(s, 100000);
	assert_int_equal(s->agent[1].data, 0);
	ice_count(s->agent[1].ice, &c);
	assert_int_equal(c.strangers, 1);
	assert_true(talk(s, 0, "from the right port"));
}

/* More candidates and pairs than there is room for; addresses that must not be. */
static void test_bounds(void **state)
{
	struct stage *s = *state;
	struct candidate c;
	char line[128];
	int got = 0;

	with_peer(s);
	s->drop = NULL;
	for (int i = 0; i < 100; i++) {
		int err;

		snprintf(line, sizeof(line), "%d 1 UDP %d 198.51.%d.2 7000 typ host", i, 1000000 + i, i);
		assert_int_equal(candidate_parse(&c, str_z(line)), 0);
		err = ice_add_remote(s->agent[1].ice, &c, s->now);
		assert_true(err == 0 || err == ENOSPC);
		got += !err;
	}
	assert_int_equal(got, ICE_MAX_CANDIDATES);
	run(s, 3000000);
	/* Ta: 20 new ones a second, and what is repeated of them. */
	assert_true(s->agent[1].sent <= 32 * 4);
	for (unsigned i = 0; i < s->agent[1].ndst; i++)
		assert_int_equal(sa_port(&s->agent[1].dst[i].to), 7000);
}

static void test_bad_addresses(void **state)
{
	static const char *const tv[] = { "127.0.0.1 7000", "::1 7000", "0.0.0.0 7000", "224.0.0.1 7000", "255.255.255.255 7000",
					  "ff02::1 7000", "192.0.2.1 0" };
	struct stage *s = *state;
	struct candidate c;
	char line[128];

	with_peer(s);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		snprintf(line, sizeof(line), "1 1 UDP 1000 %s typ host", tv[i]);
		assert_int_equal(candidate_parse(&c, str_z(line)), 0);
		assert_int_equal(ice_add_remote(s->agent[1].ice, &c, s->now), ENOTSUP);
	}
	run(s, 5000000);
	assert_int_equal(s->agent[1].sent, 0);
}

static void test_refused(void **state)
{
	struct stage *s = *state;
	struct ice *ice;
	struct ice_remote r = { .ufrag = STR("abc"), .pwd = STR("0123456789012345678901"), .now_us = s->now };
	struct sa a;

	direct(s);
	ice = s->agent[0].ice;
	assert_int_equal(ice_set_remote(ice, &r), ERANGE);
	r.ufrag = STR("abcd");
	r.pwd = STR("012345678901234567890");
	assert_int_equal(ice_set_remote(ice, &r), ERANGE);
	r.pwd = STR("012345678901234567890\"");
	assert_int_equal(ice_set_remote(ice, &r), EBADMSG);
	assert_int_equal(sa_parse(&a, STR("192.0.2.5:5000")), 0);
	assert_int_equal(ice_add_host(ice, 1, 0, &a, NULL), EEXIST);
	assert_int_equal(ice_add_host(ice, 2, 0, &a, NULL), EINVAL);
	assert_int_equal(ice_add_host(ice, 1, ICE_MAX_BASES, &a, NULL), EINVAL);
	assert_int_equal(sa_parse(&a, STR("0.0.0.0:5000")), 0);
	assert_int_equal(ice_add_host(ice, 1, 1, &a, NULL), EINVAL);
	assert_int_equal(sa_parse(&a, STR("198.51.100.1:3478")), 0);
	assert_int_equal(ice_add_server(ice, ICE_TURN, &a, STR_NULL, STR("x")), EINVAL);
	assert_int_equal(ice_add_server(ice, ICE_TURN, &a, STR("u"), STR("x")), 0);
	assert_int_equal(ice_add_server(ice, ICE_TURN, &a, STR("u"), STR("x")), ENOSPC);
	for (int i = 0; i < ICE_MAX_STUN; i++)
		assert_int_equal(ice_add_server(ice, ICE_STUN, &a, STR_NULL, STR_NULL), 0);
	assert_int_equal(ice_add_server(ice, ICE_STUN, &a, STR_NULL, STR_NULL), ENOSPC);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(test_late_candidates), T(test_late_gathering), T(test_early_checks), T(test_binding_is_kept),
		T(test_fails_in_time), T(test_no_candidates), T(test_consent), T(test_restart), T(test_restart_elsewhere),
		T(test_restart_undone), T(test_aggressive), T(test_forged), T(test_forged_answers), T(test_not_symmetric),
		T(test_strangers_media), T(test_bounds), T(test_bad_addresses), T(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
