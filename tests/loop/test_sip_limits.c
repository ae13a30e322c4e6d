/* How many transactions one source may have, and what is left of them after their final answer:
 * sip/finished.c, on the wire and the clock of test_sip_tx.c. */
#include "sip_link.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static size_t before;

static int setup(void **state)
{
	static struct link l;

	before = obj_live();
	link_init(&l, NET_UDP);
	*state = &l;
	return 0;
}

static int teardown(void **state)
{
	link_free(*state);
	return obj_live() != before;    /* a leak fails the test */
}

#define FLOODER "192.0.2.66:5060"
#define PHONE "192.0.2.7:5060"

/* Request number `i` of whoever is at `peer`. */
static void come_with(struct link *l, const char *peer, const char *method, unsigned i, const char *cseq)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s sip:b@192.0.2.2 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bK%s-%u\r\n"
		 "From: <sip:a@x>;tag=f%u\r\nTo: <sip:b@y>\r\nCall-ID: c-%s-%u\r\nCSeq: %s %s\r\nContent-Length: 0\r\n\r\n",
		 method, peer, i, i, peer, i, cseq, method);
	link_inject_from(&l->b, peer, text);
}

static void come(struct link *l, const char *peer, const char *method, unsigned i)
{
	come_with(l, peer, method, i, "1");
}

static bool says(const struct link *l, const char *what)
{
	return strstr(l->b.said, what) != NULL;
}

static struct sip_counters counters(struct link *l)
{
	struct sip_counters c;

	sip_stack_count(l->b.sip, &c);
	return c;
}

static int setup_few(void **state)
{
	static struct link l;

	before = obj_live();
	link_init_limits(&l, NET_UDP, &(struct sip_stack_prm){ .max_tx = 100, .finished_bytes = 20000 });
	*state = &l;
	return 0;
}

static int setup_few_tcp(void **state)
{
	static struct link l;

	before = obj_live();
	link_init_limits(&l, NET_TCP, &(struct sip_stack_prm){ .max_tx = 100, .max_tx_per_source = 5 });
	*state = &l;
	return 0;
}

/* One source takes what it may; whoever comes from elsewhere is served. */
static void one_source_cannot_take_all(void **state)
{
	struct link *l = *state;

	for (unsigned i = 0; i < 300; i++)
		come(l, FLOODER, "INVITE", i);
	assert_int_equal(l->b.requests, 91);
	assert_int_equal(counters(l).refused_full, 209);
	come(l, PHONE, "REGISTER", 1);
	assert_int_equal(l->b.requests, 92);
	sip_server_tx_reply(l->b.tx, 200);
	assert_true(says(l, "SIP/2.0 200 "));
	assert_int_equal(sa_port(&l->b.said_to), 5060);
	/* Nor from a whole network of IPv6. */
	come(l, "[2001:db8::1]:5060", "INVITE", 1);
	assert_int_equal(l->b.requests, 93);
}

static void an_ipv6_network_is_one_source(void **state)
{
	struct link *l = *state;
	char peer[64];

	for (unsigned i = 0; i < 300; i++) {
		snprintf(peer, sizeof(peer), "[2001:db8::%x]:5060", i + 1);
		come(l, peer, "INVITE", i);
	}
	assert_int_equal(l->b.requests, 91);
	assert_int_equal(counters(l).sources, 1);
	come(l, "[2001:db8:0:1::1]:5060", "INVITE", 1);
	assert_int_equal(l->b.requests, 92);
}

/* A refusal says when to come again, and there are not many of them. */
static void refusals_are_few(void **state)
{
	struct link *l = *state;
	unsigned sent;

	for (unsigned i = 0; i < 91; i++)
		come(l, FLOODER, "INVITE", i);
	sent = l->b.sent;
	come(l, FLOODER, "INVITE", 91);
	assert_true(says(l, "SIP/2.0 503 "));
	assert_true(says(l, "\r\nRetry-After: "));
	for (unsigned i = 92; i < 1000; i++)
		come(l, FLOODER, "INVITE", i);
	assert_in_range(l->b.sent - sent, 20, 60);
	link_run(l, 1000);
	sent = l->b.sent;
	for (unsigned i = 1000; i < 2000; i++)
		come(l, FLOODER, "INVITE", i);
	assert_in_range(l->b.sent - sent, 20, 100);
}

static void stream_is_always_told(void **state)
{
	struct link *l = *state;

	for (unsigned i = 0; i < 105; i++)
		come(l, FLOODER, "INVITE", i);
	assert_int_equal(l->b.requests, 5);
	assert_int_equal(l->b.sent, 100);
	assert_true(says(l, "SIP/2.0 503 "));
	assert_true(says(l, "\r\nRetry-After: "));
}

/* Places come back when transactions end. */
static void places_come_back(void **state)
{
	struct link *l = *state;

	for (unsigned i = 0; i < 500; i++) {
		come(l, FLOODER, "OPTIONS", i);
		sip_server_tx_reply(l->b.tx, 200);
	}
	assert_int_equal(l->b.requests, 500);
	assert_int_equal(counters(l).server_tx, 0);
}

/* What was answered is remembered until there is no room, and whoever has most of
 * it pays: the oldest of the flooder's, never the phone's. */
static void finished_ones_give_way(void **state)
{
	struct link *l = *state;
	unsigned served;

	come(l, PHONE, "OPTIONS", 1);
	sip_server_tx_respond(l->b.tx, 200, STR("Fine"), STR("X-Mine: yes\r\n"), STR("text/plain"), STR("body"));
	for (unsigned i = 0; i < 1000; i++) {
		come(l, FLOODER, "OPTIONS", i);
		sip_server_tx_reply(l->b.tx, 200);
	}
	assert_true(counters(l).finished_bytes <= 20000);
	assert_in_range(counters(l).finished, 50, 200);
	assert_int_equal(counters(l).finished + counters(l).forgotten, 1001);
	served = l->b.requests;
	/* The phone's is answered again, and in the same words. */
	come(l, PHONE, "OPTIONS", 1);
	assert_int_equal(l->b.requests, served);
	assert_true(says(l, "SIP/2.0 200 Fine\r\n"));
	assert_true(says(l, "X-Mine: yes\r\n"));
	assert_true(says(l, "\r\n\r\nbody"));
	assert_true(says(l, ";tag="));
	/* So is the flooder's last one; its first one is new again. */
	come(l, FLOODER, "OPTIONS", 999);
	assert_int_equal(l->b.requests, served);
	come(l, FLOODER, "OPTIONS", 0);
	assert_int_equal(l->b.requests, served + 1);
}

/* All is forgotten after 64*T1, as RFC 3261 17.2.2 has it, or up to 255 ms later. */
static void finished_ones_end(void **state)
{
	struct link *l = *state;

	for (unsigned i = 0; i < 50; i++) {
		come(l, FLOODER, "OPTIONS", i);
		sip_server_tx_reply(l->b.tx, 200);
		link_run(l, 10);
	}
	link_run(l, 31400);
	come(l, FLOODER, "OPTIONS", 0);
	assert_int_equal(l->b.requests, 50);
	link_run(l, 400);
	assert_in_range(counters(l).finished, 15, 45);
	link_run(l, 1000);
	assert_int_equal(counters(l).finished, 0);
	assert_int_equal(counters(l).finished_bytes, 0);
	assert_int_equal(counters(l).sources, 0);
	assert_int_equal(wheel_count(l->wheel), 0);
	come(l, FLOODER, "OPTIONS", 0);
	assert_int_equal(l->b.requests, 51);
}

static void repeated_answer_has_the_same_tag(void **state)
{
	struct link *l = *state;
	char first[1024];

	come(l, PHONE, "OPTIONS", 1);
	sip_server_tx_reply(l->b.tx, 480);
	str_copy(first, sizeof(first), str_z(l->b.said));
	l->b.said[0] = 0;
	come(l, PHONE, "OPTIONS", 1);
	assert_string_equal(l->b.said, first);
	assert_int_equal(counters(l).retransmits_in, 1);
}

/* The branch of a request that was answered 200, and a CSeq that is none. */
static void success_is_not_repeated_to_a_malformed_request(void **state)
{
	struct link *l = *state;

	come(l, PHONE, "OPTIONS", 1);
	sip_server_tx_reply(l->b.tx, 200);
	l->b.said[0] = 0;
	come_with(l, PHONE, "OPTIONS", 1, "4294967294");
	assert_string_equal(l->b.said, "");
	assert_int_equal(l->b.requests, 1);
	come(l, PHONE, "OPTIONS", 1);
	assert_true(says(l, "SIP/2.0 200 "));
}

/* Who never acknowledges a refusal has only the last thousand of them repeated. */
static void refusals_without_ack_are_bounded(void **state)
{
	struct link *l = *state;
	unsigned sent;

	for (unsigned i = 0; i < 3000; i++) {
		come(l, FLOODER, "INVITE", i);
		sip_server_tx_reply(l->b.tx, 486);
	}
	assert_int_equal(counters(l).server_tx, 1000);
	assert_int_equal(l->b.unacked, 2000);
	sent = l->b.sent;
	link_run(l, 600);
	assert_int_equal(l->b.sent - sent, 1000);
	link_run(l, 70000);
	assert_int_equal(counters(l).server_tx, 0);
}

static void cancel_after_the_answer_changes_nothing(void **state)
{
	struct link *l = *state;
	char tag[64];

	come(l, PHONE, "INVITE", 1);
	sip_server_tx_reply(l->b.tx, 200);
	str_copy(tag, sizeof(tag), str_z(l->b.tx->to_tag));
	sip_server_tx_acked(l->b.tx);
	come(l, PHONE, "CANCEL", 1);
	assert_int_equal(l->b.cancels, 0);
	assert_true(says(l, "SIP/2.0 200 "));
	assert_true(says(l, tag));      /* 9.2: the same as the INVITE's */
	/* The INVITE once more is absorbed, and so is an ACK that comes late. */
	come(l, PHONE, "INVITE", 1);
	assert_int_equal(l->b.requests, 1);
}

static unsigned settled;

static void on_settled(void *arg, void *account)
{
	(void)arg;
	settled += account == &settled;
}

static int setup_account(void **state)
{
	static struct link l;

	before = obj_live();
	settled = 0;
	link_init_limits(&l, NET_UDP, &(struct sip_stack_prm){ .settled = on_settled });
	*state = &l;
	return 0;
}

/* Whoever is charged for a transaction hears once that it is over, whatever ends it. */
static void account_is_settled_once(void **state)
{
	struct link *l = *state;

	come(l, PHONE, "OPTIONS", 1);
	l->b.tx->account = &settled;
	sip_server_tx_reply(l->b.tx, 100);
	assert_int_equal(settled, 0);
	sip_server_tx_reply(l->b.tx, 200);
	assert_int_equal(settled, 1);
	come(l, PHONE, "OPTIONS", 2);
	l->b.tx->account = &settled;
	sip_server_tx_respond_stateless(l->b.tx, 401, STR_NULL);
	assert_int_equal(settled, 2);
	come(l, PHONE, "INVITE", 3);
	l->b.tx->account = &settled;
	sip_server_tx_reply(l->b.tx, 486);
	assert_int_equal(settled, 3);
	link_run(l, 40000);
	assert_int_equal(settled, 3);
	come(l, PHONE, "INVITE", 4);
	l->b.tx->account = &settled;
	sip_server_tx_reply(l->b.tx, 200);
	sip_server_tx_acked(l->b.tx);
	sip_server_tx_acked(l->b.tx);
	assert_int_equal(settled, 4);
	assert_int_equal(l->b.acked, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define FEW(f) cmocka_unit_test_setup_teardown(f, setup_few, teardown)
	const struct CMUnitTest tests[] = {
		FEW(one_source_cannot_take_all), FEW(an_ipv6_network_is_one_source), FEW(refusals_are_few),
		cmocka_unit_test_setup_teardown(stream_is_always_told, setup_few_tcp, teardown),
		FEW(places_come_back), FEW(finished_ones_give_way), T(finished_ones_end),
		T(repeated_answer_has_the_same_tag), T(success_is_not_repeated_to_a_malformed_request),
		T(refusals_without_ack_are_bounded), T(cancel_after_the_answer_changes_nothing),
		cmocka_unit_test_setup_teardown(account_is_settled_once, setup_account, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
