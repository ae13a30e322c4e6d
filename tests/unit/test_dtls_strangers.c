/* DTLS and who is not the peer: cookies, floods of ClientHellos, forged ones, handshakes that stop
 * half-way, a peer behind a NAT among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "dtls_stage.h"
#include "media/dtls_int.h"

/* Behind a NAT the SDP's address is not where it comes from: who can answer there, by a
 * cookie, may shake hands. */
static void test_cookie(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE);
	struct sa elsewhere = addr("203.0.113.5:5555");
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);
	struct media_secure of_b = dtls(x, x, SETUP_ACTIVE);
	struct sent first;
	size_t hellos = 0;

	(void)state;
	/* a believes that its peer is far_a; b's packets come from a third place. */
	set.secure = of_a;
	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_poll(m, 0);
	first = only_sent();
	assert_true(media_deliver(m, media_session_local(a), &elsewhere, first.b, first.n));
	/* HelloVerifyRequest, to where it came from, and not more than that. */
	assert_int_equal(net.n, 1);
	assert_true(net.sent[0].n <= first.n);
	assert_true(sa_eq(&net.sent[0].to, &elsewhere));
	assert_int_equal(net.sent[0].b[13], 3);
	/* b hears it and says hello again, with the cookie; only from there is it good. */
	assert_true(media_deliver(m, media_session_local(b), media_session_local(a), net.sent[0].b, net.sent[0].n));
	net.n = 0;
	media_poll(m, 0);
	assert_int_equal(net.n, 1);
	{
		struct sent hello = net.sent[0];
		struct sa liar = addr("203.0.113.6:5555");

		net.n = 0;
		media_deliver(m, media_session_local(a), &liar, hello.b, hello.n);
		assert_int_equal(net.n, 1);
		assert_int_equal(net.sent[0].b[13], 3);
		net.n = 0;
		media_deliver(m, media_session_local(a), &elsewhere, hello.b, hello.n);
		media_poll(m, 0);
		for (size_t i = 0; i < net.n; i++) {
			assert_true(sa_eq(&net.sent[i].to, &elsewhere));
			hellos += net.sent[i].b[0] == 22 && net.sent[i].b[13] == 2;
		}
		assert_int_equal(hellos, 1);    /* ServerHello */
	}
	obj_drop(x);
}

/* `liar` calls `a` from `at` as far as the ClientHello with its cookie, and hears no more. Gives
 * the datagrams that `a` answered that with. */
static size_t half_shake(struct media_session *liar, const struct media_secure *sec, const struct sa *at)
{
	struct media_set set = to(a, sec);
	struct sent s;
	size_t n;

	assert_int_equal(media_session_set(liar, &set), 0);
	media_poll(m, 0);
	for (int i = 0; i < 2; i++) {
		s = only_sent();
		media_deliver(m, media_session_local(a), at, s.b, s.n);
		media_poll(m, 0);
		if (i)
			break;
		s = only_sent();
		media_deliver(m, media_session_local(liar), media_session_local(a), s.b, s.n);
		media_poll(m, 0);
	}
	n = net.n;
	net.n = 0;
	return n;
}

/* However many say hello, each gets a short answer, nothing is kept of it, and the peer's
 * handshake takes its way in the middle of them, without a datagram lost. */
static void test_flood(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct sa stranger = addr("203.0.113.5:5555");
	struct media_set set = to(a, &of_b);
	struct sent hello;
	size_t asked = 0;

	(void)state;
	assert_int_equal(media_session_set(b, &set), 0);
	media_poll(m, 0);
	hello = only_sent();
	set = to(b, &of_a);
	assert_int_equal(media_session_set(a, &set), 0);
	media_poll(m, 0);
	net.n = 0;
	seen.cut = false;
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	media_deliver(m, media_session_local(a), media_session_local(b), hello.b, hello.n);
	for (int i = 0; i < 1000; i++) {
		struct sent kept[KEEP];
		size_t n;

		sa_set_port(&stranger, (uint16_t)(1000 + i));
		media_deliver(m, media_session_local(a), &stranger, hello.b, hello.n);
		/* A hundred come before the peer's next datagram. */
		if (i % 20 < 19)
			continue;
		if (i % 100 == 99)
			media_poll(m, 0);
		n = net.n;
		memcpy(kept, net.sent, n * sizeof(kept[0]));
		net.n = 0;
		for (size_t k = 0; k < n; k++) {
			if (sa_eq_host(&kept[k].to, &stranger)) {
				assert_true(kept[k].n <= hello.n && kept[k].b[13] == 3);
				asked++;
			} else {
				carry(&kept[k]);
			}
		}
	}
	/* Once the keys are there nobody is asked any more. */
	assert_true(asked >= 200);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

/* A ClientHello in the peer's name by somebody who does not receive there: it changes nothing,
 * before, during and after the peer's own. */
static void test_forged_hello(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct media_session *liar = member();
	struct media_set set = to(a, &of_b);
	struct sent hello;

	(void)state;
	assert_int_equal(media_session_set(liar, &set), 0);
	media_poll(m, 0);
	hello = only_sent();
	set = to(b, &of_a);
	assert_int_equal(media_session_set(a, &set), 0);
	media_poll(m, 0);
	media_deliver(m, media_session_local(a), media_session_local(b), hello.b, hello.n);
	media_poll(m, 0);
	assert_int_equal(only_sent().b[13], 3);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_WAITING);
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	for (int i = 0; i < 8; i++) {
		struct sent kept[KEEP];
		size_t n;

		media_poll(m, 0);
		n = net.n;
		memcpy(kept, net.sent, n * sizeof(kept[0]));
		net.n = 0;
		for (size_t k = 0; k < n; k++)
			carry(&kept[k]);
		media_deliver(m, media_session_local(a), media_session_local(b), hello.b, hello.n);
	}
	settle();
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	media_session_close(liar, NULL, NULL);
	obj_drop(x);
}

/* The peer begins, is started anew, and begins again from the same address. */
static void test_restart(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct media_session *before = member();
	struct media_set set = to(b, &of_a);

	(void)state;
	assert_int_equal(media_session_set(a, &set), 0);
	assert_true(half_shake(before, &of_b, media_session_local(b)) > 0);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_SHAKING);
	media_session_close(before, NULL, NULL);
	agree(&of_a, &of_b);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

static void liars(struct media_session *s[DTLS_GUESTS], const struct media_secure *sec)
{
	for (int i = 0; i < DTLS_GUESTS; i++) {
		char at[32];
		struct sa from;

		snprintf(at, sizeof(at), "203.0.113.%d:5555", i + 1);
		from = addr(at);
		s[i] = member();
		assert_true(half_shake(s[i], sec, &from) > 0);
	}
}

static void close_liars(struct media_session *s[DTLS_GUESTS])
{
	for (int i = 0; i < DTLS_GUESTS; i++)
		media_session_close(s[i], NULL, NULL);
	media_poll(m, 0);
	net.n = 0;
}

/* Who begin handshakes from elsewhere, with a cookie, and stop: the peer's own address is served
 * at once, however many they are. */
static void test_stuck(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct media_session *liar[DTLS_GUESTS];
	struct media_set set = to(b, &of_a);

	(void)state;
	assert_int_equal(media_session_set(a, &set), 0);
	liars(liar, &of_b);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_WAITING);
	close_liars(liar);
	agree(&of_a, &of_b);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

/* The peer is behind a NAT, a stranger himself: other strangers who stop do not keep it waiting;
 * one whose certificate is not the SDP's is not taken, and does no harm. */
static void test_guests(void **state)
{
	struct dtls_cert *other = NULL;
	struct dtls_identity *x = identity(by_print, cert), *y;
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE), of_liar;
	struct sa nat = addr("203.0.113.77:7777"), elsewhere = addr("203.0.113.5:5555");
	struct media_session *liar = member();
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	assert_int_equal(dtls_cert_new(&other), 0);
	y = identity(by_print, other);
	of_liar = dtls(y, x, SETUP_ACTIVE);
	set.remote = far_a;
	set.secure = of_a;
	set.symmetric = true;
	assert_int_equal(media_session_set(a, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	/* all the way, with a wrong certificate */
	seen.nat = &elsewhere;
	seen.behind = liar;
	set = to(a, &of_liar);
	assert_int_equal(media_session_set(liar, &set), 0);
	settle();
	assert_int_equal(refused, 1);
	assert_int_equal(guests_refused, 1);
	assert_int_equal(secured, 0);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_WAITING);
	media_session_close(liar, NULL, NULL);
	media_poll(m, 0);
	net.n = 0;
	/* half of the way */
	liar = member();
	assert_true(half_shake(liar, &of_b, &elsewhere) > 0);
	seen.nat = &nat;
	seen.behind = b;
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	settle();
	assert_int_equal(secured, 2);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_UP);
	media_session_close(liar, NULL, NULL);
	obj_drop(x);
	obj_drop(y);
	obj_drop(other);
}

/* All places are taken by strangers that stopped: a peer behind a NAT has one as soon as they have
 * got no further for a while; and one host does not have them all. */
static void test_places(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct sa nat = addr("203.0.113.77:7777"), one = addr("203.0.113.99:1");
	struct media_session *liar[DTLS_GUESTS];
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	set.remote = far_a;
	set.secure = of_a;
	assert_int_equal(media_session_set(a, &set), 0);
	for (int i = 0; i <= DTLS_OF_A_HOST; i++) {
		sa_set_port(&one, (uint16_t)(5000 + i));
		liar[i] = member();
		assert_int_equal(half_shake(liar[i], &of_b, &one) > 0, i < DTLS_OF_A_HOST);
		media_session_close(liar[i], NULL, NULL);
	}
	media_poll(m, 0);
	net.n = 0;
	clock_fake_add(&clk, DTLS_STUCK_US);
	liars(liar, &of_b);
	close_liars(liar);
	liar[0] = member();
	assert_int_equal(half_shake(liar[0], &of_b, &nat), 0);
	media_session_close(liar[0], NULL, NULL);
	clock_fake_add(&clk, DTLS_STUCK_US);
	media_poll(m, 0);
	net.n = 0;
	seen.nat = &nat;
	seen.behind = b;
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	settle();
	assert_int_equal(secured, 2);
	obj_drop(x);
}

/* Strangers in all places begin again and again, from where they are or from another port: a peer
 * behind a NAT gets one all the same. */
static void keep_places(struct dtls_identity *x, unsigned step)
{
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct sa nat = addr("203.0.113.77:7777");
	struct media_set set = to(b, &of_a);
	size_t answered = 0;

	set.remote = far_a;
	assert_int_equal(media_session_set(a, &set), 0);
	/* twice from everywhere, the second time when the first is late */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < DTLS_GUESTS; i++) {
			struct media_session *liar = member();
			char at[32];
			struct sa from;

			/* two ports of each host: the second round is of the same, or of new ones */
			snprintf(at, sizeof(at), "203.0.113.%u:%u", 1 + i / 2, 5000 + i % 2 + round * step);
			from = addr(at);
			answered += half_shake(liar, &of_b, &from) > 0;
			media_session_close(liar, NULL, NULL);
			media_poll(m, 0);
			net.n = 0;
		}
		if (!round)
			clock_fake_add(&clk, DTLS_STUCK_US);
	}
	assert_int_equal(answered, 2 * DTLS_GUESTS);
	seen.nat = &nat;
	seen.behind = b;
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	settle();
	assert_int_equal(secured, 2);
}

static void test_places_kept(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);

	(void)state;
	keep_places(x, 0);
	obj_drop(x);
}

static void test_places_renewed(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);

	(void)state;
	keep_places(x, 10);
	obj_drop(x);
}

/* More associations have something to do than one turn serves: the next turn begins with those
 * that were left. */
static void test_turns(void **state)
{
	enum { MANY = DTLS_TURN + 2 };
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_us = dtls(x, x, SETUP_PASSIVE), of_them = dtls(x, x, SETUP_ACTIVE);
	struct media_session *us[MANY], *them[MANY];
	struct sent hello[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		struct media_set set;

		us[i] = member();
		them[i] = member();
		set = to(them[i], &of_us);
		assert_int_equal(media_session_set(us[i], &set), 0);
		media_poll(m, 0);
		set = to(us[i], &of_them);
		assert_int_equal(media_session_set(them[i], &set), 0);
		media_poll(m, 0);
		for (int k = 0; k < 2; k++) {
			struct media_session *dst = k ? them[i] : us[i];

			hello[i] = only_sent();
			media_deliver(m, media_session_local(dst), media_session_local(k ? us[i] : them[i]), hello[i].b, hello[i].n);
		}
		media_poll(m, 0);
		hello[i] = only_sent();
	}
	for (int i = 0; i < MANY; i++)
		for (int k = 0; k < 4; k++)
			media_deliver(m, media_session_local(us[i]), media_session_local(them[i]), hello[i].b, hello[i].n);
	for (int turn = 0; turn < 2; turn++) {
		int begun = 0;

		media_poll(m, 0);
		for (int i = 0; i < MANY; i++)
			begun += dtls_state(us[i]->w->w.dtls[0]) == DTLS_SHAKING;
		assert_int_equal(begun, turn ? MANY : DTLS_TURN);
	}
	for (int i = 0; i < MANY; i++) {
		media_session_close(us[i], NULL, NULL);
		media_session_close(them[i], NULL, NULL);
	}
	obj_drop(x);
}

/* Many that do not know yet whom to call look for it again and again: that is no step of a handshake. */
static void test_waiting(void **state)
{
	enum { MANY = 3 * DTLS_TURN };
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE);
	struct media_session *idle[MANY];
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	set.remote = (struct sa){ 0 };
	set.secure = of_a;
	for (int i = 0; i < MANY; i++) {
		idle[i] = member();
		assert_int_equal(media_session_set(idle[i], &set), 0);
	}
	media_poll(m, 0);
	clock_fake_add(&clk, 1000000);
	set = to(b, &of_a);
	assert_int_equal(media_session_set(a, &set), 0);
	media_poll(m, 0);
	assert_int_equal(dtls_state(idle[0]->w->w.dtls[0]), DTLS_WAITING);
	assert_int_equal(dtls_state(a->w->w.dtls[0]), DTLS_SHAKING);
	for (int i = 0; i < MANY; i++)
		media_session_close(idle[i], NULL, NULL);
	obj_drop(x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_cookie), T(test_flood), T(test_forged_hello), T(test_restart), T(test_stuck), T(test_guests), T(test_places),
		T(test_places_kept), T(test_places_renewed), T(test_turns), T(test_waiting),
	};

	(void)up;
	(void)down;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
