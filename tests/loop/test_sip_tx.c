/* Transactions between two engines over a wire that loses, on a clock that the
 * test moves (RFC 3261 17, RFC 6026, RFC 4320). */
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

static int setup_tcp(void **state)
{
	static struct link l;

	before = obj_live();
	link_init(&l, NET_TCP);
	*state = &l;
	return 0;
}

static int teardown(void **state)
{
	link_free(*state);
	return obj_live() != before;    /* a leak fails the test */
}

static void non_invite_is_answered(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));

	link_run(l, 5);
	assert_int_equal(l->b.requests, 1);
	sip_server_tx_reply(l->b.tx, 200);
	link_run(l, 5);
	assert_int_equal(l->a.last_status, 200);
	assert_true(str_starts(sip_hdr_value(l->a.last, SIP_H_TO), STR("<sip:b@192.0.2.2>;tag=")));
	obj_drop(tx);
}

/* Timer E: 500, 1000, 2000, 4000, 4000 ... until timer F at 32 s. */
static void non_invite_repeats_then_fails(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx;

	l->a.lose = 1000;
	tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	link_run(l, 499);
	assert_int_equal(l->a.sent, 1);
	link_run(l, 2);
	assert_int_equal(l->a.sent, 2);
	link_run(l, 1000);
	assert_int_equal(l->a.sent, 3);
	link_run(l, 30000);
	assert_int_equal(l->a.failures, 0);
	link_run(l, 600);
	assert_int_equal(l->a.failures, 1);
	assert_int_equal(l->a.last_err, ETIMEDOUT);
	assert_in_range(l->a.sent, 10, 11);
	obj_drop(tx);
}

static void lost_answer_is_repeated_not_served_twice(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx;

	l->b.lose = 2;
	tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	link_run(l, 5);
	sip_server_tx_reply(l->b.tx, 200);
	link_run(l, 2000);
	assert_int_equal(l->b.requests, 1);
	assert_int_equal(l->a.last_status, 200);
	assert_int_equal(l->a.responses, 1);
	obj_drop(tx);
}

static void stateless_answer_leaves_nothing(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	struct sip_counters c;

	link_run(l, 5);
	sip_server_tx_respond_stateless(l->b.tx, 401, STR("X: y\r\n"));
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.server_tx, 0);
	link_run(l, 5);
	assert_int_equal(l->a.last_status, 401);
	obj_drop(tx);
}

/* Timer A doubles without a cap, timer B ends it at 32 s. */
static void invite_unanswered(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx;

	l->a.lose = 1000;
	tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 31900);
	assert_int_equal(l->a.sent, 7);         /* 0 .5 1.5 3.5 7.5 15.5 31.5 */
	assert_int_equal(l->a.failures, 0);
	link_run(l, 200);
	assert_int_equal(l->a.failures, 1);
	obj_drop(tx);
}

static void invite_may_ring_for_minutes(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	sip_server_tx_reply(l->b.tx, 180);
	link_run(l, 300000);
	assert_int_equal(l->a.failures, 0);
	assert_int_equal(l->a.sent, 1);
	obj_drop(tx);
}

/* 3xx-6xx: repeated by timer G until the ACK, which the transaction sends. */
static void refusal_is_acknowledged(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx;

	l->b.lose = 1;
	tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 5);
	sip_server_tx_reply(l->b.tx, 486);
	link_run(l, 5);
	assert_int_equal(l->a.responses, 0);
	link_run(l, 600);
	assert_int_equal(l->a.last_status, 486);
	assert_int_equal(l->a.responses, 1);
	assert_int_equal(l->b.acked, 1);
	assert_int_equal(l->b.unacked, 0);
	obj_drop(tx);
}

static void refusal_never_acknowledged(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	l->a.lose = 1000;
	sip_server_tx_reply(l->b.tx, 486);
	link_run(l, 32100);
	assert_int_equal(l->b.unacked, 1);
	obj_drop(tx);
}

/* The core repeats a 2xx until its ACK (13.3.1.4), on any transport. */
static void answer_repeats_until_acked(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	sip_server_tx_respond(l->b.tx, 200, STR_NULL, STR("Contact: <sip:b@192.0.2.2:5060>\r\n"), STR_NULL, STR_NULL);
	link_run(l, 1600);
	assert_int_equal(l->a.responses, 3);    /* 0, 500, 1500 */
	sip_server_tx_acked(l->b.tx);
	link_run(l, 10000);
	assert_int_equal(l->a.responses, 3);
	assert_int_equal(l->b.acked, 1);
	obj_drop(tx);
}

static void answer_never_acked_is_told(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	sip_server_tx_reply(l->b.tx, 200);
	link_run(l, 32100);
	assert_int_equal(l->b.unacked, 1);
	obj_drop(tx);
}

static void cancel_waits_for_a_provisional(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	sip_client_tx_cancel(tx, STR("Reason: SIP;cause=200\r\n"));
	link_run(l, 5);
	assert_int_equal(l->a.sent, 1);         /* 9.1: not before an answer came */
	assert_non_null(l->b.tx);
	sip_server_tx_reply(l->b.tx, 100);
	link_run(l, 10);
	assert_int_equal(l->b.cancels, 1);
	assert_int_equal(l->a.last_status, 487);
	assert_int_equal(l->b.acked, 1);
	obj_drop(tx);
}

static void cancel_of_nothing_is_481(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_CANCEL));

	link_run(l, 5);
	assert_int_equal(l->a.last_status, 481);
	obj_drop(tx);
}

/* 8.2.2.2: the same request by another branch while the first is served. */
static void merged_request_is_482(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *one = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	struct sip_client_tx *two;

	link_run(l, 5);
	two = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 5);
	assert_int_equal(l->b.requests, 1);
	assert_int_equal(l->a.last_status, 482);
	sip_server_tx_reply(l->b.tx, 486);
	link_run(l, 5);
	obj_drop(one);
	obj_drop(two);
}

static void faulty_request_is_refused_with_its_reason(void **state)
{
	struct link *l = *state;
	unsigned sent = l->b.sent;

	link_inject(&l->b, "OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
		    "From: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: f\r\nCSeq: 4294967296 OPTIONS\r\n"
		    "Content-Length: 0\r\n\r\n");
	assert_int_equal(l->b.sent, sent + 1);
	assert_int_equal(l->b.requests, 0);
}

/* Half of everything is lost both ways; the exchange still comes to its end. */
static void survives_a_lossy_wire(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx;

	l->a.lose_every = 2;
	l->b.lose_every = 2;
	tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 3000);
	assert_int_equal(l->b.requests, 1);
	sip_server_tx_reply(l->b.tx, 404);
	link_run(l, 8000);
	assert_int_equal(l->a.last_status, 404);
	assert_int_equal(l->a.responses, 1);
	assert_int_equal(l->b.acked, 1);
	obj_drop(tx);
}

static void stream_never_repeats(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx;

	l->a.lose = 1;
	tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	link_run(l, 31000);
	assert_int_equal(l->a.sent, 1);
	link_run(l, 1100);
	assert_int_equal(l->a.failures, 1);
	obj_drop(tx);
}

static void all_timers_end(void **state)
{
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	struct sip_counters c;

	link_run(l, 5);
	sip_server_tx_reply(l->b.tx, 486);
	link_run(l, 70000);
	sip_stack_count(l->a.sip, &c);
	assert_int_equal(c.client_tx, 0);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.server_tx, 0);
	assert_int_equal(wheel_count(l->wheel), 0);
	obj_drop(tx);
}

/* A request that its handler never answers has an end all the same: when its sender
 * has given up too. */
static void never_answered_ends(void **state)
{
	struct link *l = *state;
	struct sip_counters c;
	struct sip_out *o;

	o = link_out(&l->a, SIP_OPTIONS);
	obj_drop(link_send(&l->a, o));
	link_run(l, 31000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.server_tx, 1);
	link_run(l, 2000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.server_tx, 0);
	assert_int_equal(sip_server_tx_reply(l->b.tx, 200), EALREADY);
	/* An INVITE as long as somebody is there for it. */
	o = link_out(&l->a, SIP_INVITE);
	obj_drop(link_send(&l->a, o));
	link_run(l, 10);
	sip_server_tx_reply(l->b.tx, 180);
	link_run(l, 200000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.server_tx, 1);
	sip_server_tx_detach(l->b.tx);
	link_run(l, 33000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.server_tx, 0);
}

/* The transport says later that it could not deliver: the transaction whose bytes they
 * were fails, and no other. */
static void undelivered_request_fails(void **state)
{
	struct link *l = *state;
	const struct net_path *path = &(struct net_path){ .peer = l->b.addr };
	struct sip_client_tx *tx[3];
	struct net_bytes *bytes;

	l->a.lose = 3;
	for (size_t i = 0; i < ARRAY_LEN(tx); i++)
		tx[i] = link_send(&l->a, link_out(&l->a, i ? SIP_OPTIONS : SIP_INVITE));
	/* Equal to those of the second, but not they. */
	bytes = GOT(net_bytes_new(str_mk(tx[1]->bytes->p, tx[1]->bytes->n)));
	sip_stack_send_failed(l->a.sip, path, bytes, ECONNREFUSED);
	assert_int_equal(l->a.failures, 0);
	obj_drop(bytes);
	bytes = obj_hold(tx[1]->bytes);
	sip_stack_send_failed(l->a.sip, path, bytes, ECONNREFUSED);
	assert_int_equal(l->a.failures, 1);
	assert_int_equal(l->a.last_err, ECONNREFUSED);
	assert_false(tx[1]->in_map);
	sip_stack_send_failed(l->a.sip, path, bytes, ECONNREFUSED);
	sip_stack_send_failed(l->a.sip, path, tx[0]->bytes, EHOSTUNREACH);
	assert_int_equal(l->a.failures, 2);
	assert_int_equal(l->a.last_err, EHOSTUNREACH);
	assert_true(tx[2]->in_map);
	obj_drop(bytes);
	/* Who has answered was reached: only a repetition can have been lost. */
	link_run(l, 600);
	sip_server_tx_reply(l->b.tx, 100);
	link_run(l, 10);
	sip_stack_send_failed(l->a.sip, path, tx[2]->bytes, ECONNREFUSED);
	assert_int_equal(l->a.failures, 2);
	/* A response, and what is no message at all, belong to no transaction of ours. */
	sip_stack_send_failed(l->b.sip, path, l->b.tx->last, ECONNREFUSED);
	bytes = GOT(net_bytes_new(STR("\r\n\r\n")));
	sip_stack_send_failed(l->b.sip, path, bytes, ECONNREFUSED);
	obj_drop(bytes);
	assert_int_equal(l->b.failures, 0);
	for (size_t i = 0; i < ARRAY_LEN(tx); i++)
		obj_drop(tx[i]);
}

static int setup_compact(void **state)
{
	static struct link l;

	before = obj_live();
	link_init_limits(&l, NET_UDP, &(struct sip_stack_prm){ .compact = true });
	*state = &l;
	return 0;
}

/* Short names are one engine's choice: the other one, in the same process, writes long ones. */
static void short_names_are_one_engines(void **state)
{
	static const char rest[] = "\r\nm: <sip:b@192.0.2.2>\r\nX-Y: To: y\r\nc: text/plain\r\nl: 11\r\n\r\nSupported: ";
	struct link *l = *state;
	struct sip_client_tx *tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	char first[sizeof(l->b.said)];
	unsigned sent;

	assert_non_null(strstr(l->a.said, "\r\nVia: "));
	assert_non_null(strstr(l->a.said, "\r\nCall-ID: "));
	link_run(l, 5);
	sip_server_tx_respond(l->b.tx, 200, STR_NULL, STR("Contact: <sip:b@192.0.2.2>\r\nX-Y: To: y\r\n"), STR("text/plain"),
			STR("Supported: "));
	assert_true(str_starts(str_z(l->b.said), STR("SIP/2.0 200 OK\r\nv: SIP/2.0/UDP 192.0.2.1:5060;")));
	assert_non_null(strstr(l->b.said, "\r\nf: <sip:a@192.0.2.1>;tag=from1\r\nt: <sip:b@192.0.2.2>;tag="));
	assert_non_null(strstr(l->b.said, rest));
	/* What is remembered of the answer gives the same bytes again. */
	str_copy(first, sizeof(first), str_z(l->b.said));
	sent = l->b.sent;
	link_inject(&l->b, l->a.said);
	assert_int_equal(l->b.sent, sent + 1);
	assert_string_equal(l->b.said, first);
	link_run(l, 5);
	assert_int_equal(l->a.last_status, 200);
	obj_drop(tx);
	tx = link_send(&l->b, link_out(&l->b, SIP_MESSAGE));
	assert_true(str_starts(str_z(l->b.said), STR("MESSAGE sip:b@192.0.2.2 SIP/2.0\r\nv: SIP/2.0/UDP ")));
	sip_stack_send_failed(l->b.sip, &(struct net_path){ .peer = l->a.addr }, tx->bytes, ECONNREFUSED);
	assert_int_equal(l->b.failures, 1);
	obj_drop(tx);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TCP(f) cmocka_unit_test_setup_teardown(f, setup_tcp, teardown)
	const struct CMUnitTest tests[] = {
		T(non_invite_is_answered), T(non_invite_repeats_then_fails),
		T(lost_answer_is_repeated_not_served_twice), T(stateless_answer_leaves_nothing),
		T(invite_unanswered), T(invite_may_ring_for_minutes), T(refusal_is_acknowledged),
		T(refusal_never_acknowledged), T(answer_repeats_until_acked), T(answer_never_acked_is_told),
		T(cancel_waits_for_a_provisional), T(cancel_of_nothing_is_481), T(merged_request_is_482),
		T(faulty_request_is_refused_with_its_reason), T(survives_a_lossy_wire), TCP(stream_never_repeats),
		T(all_timers_end), T(never_answered_ends), T(undelivered_request_fails),
		cmocka_unit_test_setup_teardown(short_names_are_one_engines, setup_compact, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
