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
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));

	link_run(l, 5);
	assert_int_equal(l->b.requests, 1);
	sip_stx_reply(l->b.tx, 200);
	link_run(l, 5);
	assert_int_equal(l->a.last_status, 200);
	assert_true(str_starts(sip_hdr_value(l->a.last, SIP_H_TO), STR("<sip:b@192.0.2.2>;tag=")));
	obj_drop(tx);
}

/* Timer E: 500, 1000, 2000, 4000, 4000 ... until timer F at 32 s. */
static void non_invite_repeats_then_fails(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx;

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
	struct sip_ctx *tx;

	l->b.lose = 2;
	tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	link_run(l, 5);
	sip_stx_reply(l->b.tx, 200);
	link_run(l, 2000);
	assert_int_equal(l->b.requests, 1);
	assert_int_equal(l->a.last_status, 200);
	assert_int_equal(l->a.responses, 1);
	obj_drop(tx);
}

static void stateless_answer_leaves_nothing(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	struct sip_counters c;

	link_run(l, 5);
	sip_stx_respond_stateless(l->b.tx, 401, STR("X: y\r\n"));
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.stx, 0);
	link_run(l, 5);
	assert_int_equal(l->a.last_status, 401);
	obj_drop(tx);
}

/* Timer A doubles without a cap, timer B ends it at 32 s. */
static void invite_unanswered(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx;

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
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	sip_stx_reply(l->b.tx, 180);
	link_run(l, 300000);
	assert_int_equal(l->a.failures, 0);
	assert_int_equal(l->a.sent, 1);
	obj_drop(tx);
}

/* 3xx-6xx: repeated by timer G until the ACK, which the transaction sends. */
static void refusal_is_acknowledged(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx;

	l->b.lose = 1;
	tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 5);
	sip_stx_reply(l->b.tx, 486);
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
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	l->a.lose = 1000;
	sip_stx_reply(l->b.tx, 486);
	link_run(l, 32100);
	assert_int_equal(l->b.unacked, 1);
	obj_drop(tx);
}

/* The core repeats a 2xx until its ACK (13.3.1.4), on any transport. */
static void answer_repeats_until_acked(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	sip_stx_respond(l->b.tx, 200, STR_NULL, STR("Contact: <sip:b@192.0.2.2:5060>\r\n"), STR_NULL, STR_NULL);
	link_run(l, 1600);
	assert_int_equal(l->a.responses, 3);    /* 0, 500, 1500 */
	sip_stx_acked(l->b.tx);
	link_run(l, 10000);
	assert_int_equal(l->a.responses, 3);
	assert_int_equal(l->b.acked, 1);
	obj_drop(tx);
}

static void answer_never_acked_is_told(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	link_run(l, 5);
	sip_stx_reply(l->b.tx, 200);
	link_run(l, 32100);
	assert_int_equal(l->b.unacked, 1);
	obj_drop(tx);
}

static void cancel_waits_for_a_provisional(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));

	sip_ctx_cancel(tx, STR("Reason: SIP;cause=200\r\n"));
	link_run(l, 5);
	assert_int_equal(l->a.sent, 1);         /* 9.1: not before an answer came */
	assert_non_null(l->b.tx);
	sip_stx_reply(l->b.tx, 100);
	link_run(l, 10);
	assert_int_equal(l->b.cancels, 1);
	assert_int_equal(l->a.last_status, 487);
	assert_int_equal(l->b.acked, 1);
	obj_drop(tx);
}

static void cancel_of_nothing_is_481(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_CANCEL));

	link_run(l, 5);
	assert_int_equal(l->a.last_status, 481);
	obj_drop(tx);
}

/* 8.2.2.2: the same request by another branch while the first is served. */
static void merged_request_is_482(void **state)
{
	struct link *l = *state;
	struct sip_ctx *one = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	struct sip_ctx *two;

	link_run(l, 5);
	two = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 5);
	assert_int_equal(l->b.requests, 1);
	assert_int_equal(l->a.last_status, 482);
	sip_stx_reply(l->b.tx, 486);
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
	struct sip_ctx *tx;

	l->a.lose_every = 2;
	l->b.lose_every = 2;
	tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	link_run(l, 3000);
	assert_int_equal(l->b.requests, 1);
	sip_stx_reply(l->b.tx, 404);
	link_run(l, 8000);
	assert_int_equal(l->a.last_status, 404);
	assert_int_equal(l->a.responses, 1);
	assert_int_equal(l->b.acked, 1);
	obj_drop(tx);
}

static void stream_never_repeats(void **state)
{
	struct link *l = *state;
	struct sip_ctx *tx;

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
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_INVITE));
	struct sip_counters c;

	link_run(l, 5);
	sip_stx_reply(l->b.tx, 486);
	link_run(l, 70000);
	sip_stack_count(l->a.sip, &c);
	assert_int_equal(c.ctx, 0);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.stx, 0);
	assert_int_equal(wheel_count(l->wheel), 0);
	obj_drop(tx);
}

/* ---- shares, and what is left of a transaction -------------------------------------- */

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
	sip_stx_reply(l->b.tx, 200);
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
		sip_stx_reply(l->b.tx, 200);
	}
	assert_int_equal(l->b.requests, 500);
	assert_int_equal(counters(l).stx, 0);
}

/* What was answered is remembered until there is no room, and whoever has most of
 * it pays: the oldest of the flooder's, never the phone's. */
static void finished_ones_give_way(void **state)
{
	struct link *l = *state;
	unsigned served;

	come(l, PHONE, "OPTIONS", 1);
	sip_stx_respond(l->b.tx, 200, STR("Fine"), STR("X-Mine: yes\r\n"), STR("text/plain"), STR("body"));
	for (unsigned i = 0; i < 1000; i++) {
		come(l, FLOODER, "OPTIONS", i);
		sip_stx_reply(l->b.tx, 200);
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

/* All is forgotten after 64*T1, as RFC 3261 17.2.2 has it. */
static void finished_ones_end(void **state)
{
	struct link *l = *state;

	for (unsigned i = 0; i < 50; i++) {
		come(l, FLOODER, "OPTIONS", i);
		sip_stx_reply(l->b.tx, 200);
		link_run(l, 10);
	}
	link_run(l, 31400);
	come(l, FLOODER, "OPTIONS", 0);
	assert_int_equal(l->b.requests, 50);
	link_run(l, 200);
	assert_in_range(counters(l).finished, 20, 45);
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
	sip_stx_reply(l->b.tx, 480);
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
	sip_stx_reply(l->b.tx, 200);
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
		sip_stx_reply(l->b.tx, 486);
	}
	assert_int_equal(counters(l).stx, 1000);
	assert_int_equal(l->b.unacked, 2000);
	sent = l->b.sent;
	link_run(l, 600);
	assert_int_equal(l->b.sent - sent, 1000);
	link_run(l, 70000);
	assert_int_equal(counters(l).stx, 0);
}

static void cancel_after_the_answer_changes_nothing(void **state)
{
	struct link *l = *state;
	char tag[64];

	come(l, PHONE, "INVITE", 1);
	sip_stx_reply(l->b.tx, 200);
	str_copy(tag, sizeof(tag), str_z(l->b.tx->to_tag));
	sip_stx_acked(l->b.tx);
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
	sip_stx_reply(l->b.tx, 100);
	assert_int_equal(settled, 0);
	sip_stx_reply(l->b.tx, 200);
	assert_int_equal(settled, 1);
	come(l, PHONE, "OPTIONS", 2);
	l->b.tx->account = &settled;
	sip_stx_respond_stateless(l->b.tx, 401, STR_NULL);
	assert_int_equal(settled, 2);
	come(l, PHONE, "INVITE", 3);
	l->b.tx->account = &settled;
	sip_stx_reply(l->b.tx, 486);
	assert_int_equal(settled, 3);
	link_run(l, 40000);
	assert_int_equal(settled, 3);
	come(l, PHONE, "INVITE", 4);
	l->b.tx->account = &settled;
	sip_stx_reply(l->b.tx, 200);
	sip_stx_acked(l->b.tx);
	sip_stx_acked(l->b.tx);
	assert_int_equal(settled, 4);
	assert_int_equal(l->b.acked, 1);
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
	assert_int_equal(c.stx, 1);
	link_run(l, 2000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.stx, 0);
	assert_int_equal(sip_stx_reply(l->b.tx, 200), EALREADY);
	/* An INVITE as long as somebody is there for it. */
	o = link_out(&l->a, SIP_INVITE);
	obj_drop(link_send(&l->a, o));
	link_run(l, 10);
	sip_stx_reply(l->b.tx, 180);
	link_run(l, 200000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.stx, 1);
	sip_stx_detach(l->b.tx);
	link_run(l, 33000);
	sip_stack_count(l->b.sip, &c);
	assert_int_equal(c.stx, 0);
}

/* The transport says later that it could not deliver: the transaction whose bytes they
 * were fails, and no other. */
static void undelivered_request_fails(void **state)
{
	struct link *l = *state;
	const struct net_path *path = &(struct net_path){ .peer = l->b.addr };
	struct sip_ctx *tx[3];
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
	sip_stx_reply(l->b.tx, 100);
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
	struct sip_ctx *tx = link_send(&l->a, link_out(&l->a, SIP_OPTIONS));
	char first[sizeof(l->b.said)];
	unsigned sent;

	assert_non_null(strstr(l->a.said, "\r\nVia: "));
	assert_non_null(strstr(l->a.said, "\r\nCall-ID: "));
	link_run(l, 5);
	sip_stx_respond(l->b.tx, 200, STR_NULL, STR("Contact: <sip:b@192.0.2.2>\r\nX-Y: To: y\r\n"), STR("text/plain"),
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
#define FEW(f) cmocka_unit_test_setup_teardown(f, setup_few, teardown)
#define TCP(f) cmocka_unit_test_setup_teardown(f, setup_tcp, teardown)
	const struct CMUnitTest tests[] = {
		T(non_invite_is_answered), T(non_invite_repeats_then_fails),
		T(lost_answer_is_repeated_not_served_twice), T(stateless_answer_leaves_nothing),
		T(invite_unanswered), T(invite_may_ring_for_minutes), T(refusal_is_acknowledged),
		T(refusal_never_acknowledged), T(answer_repeats_until_acked), T(answer_never_acked_is_told),
		T(cancel_waits_for_a_provisional), T(cancel_of_nothing_is_481), T(merged_request_is_482),
		T(faulty_request_is_refused_with_its_reason), T(survives_a_lossy_wire), TCP(stream_never_repeats),
		T(all_timers_end), T(never_answered_ends), T(repeated_answer_has_the_same_tag),
		T(success_is_not_repeated_to_a_malformed_request), T(finished_ones_end),
		T(refusals_without_ack_are_bounded), T(undelivered_request_fails), T(cancel_after_the_answer_changes_nothing),
		FEW(one_source_cannot_take_all), FEW(an_ipv6_network_is_one_source), FEW(refusals_are_few),
		FEW(places_come_back), FEW(finished_ones_give_way),
		cmocka_unit_test_setup_teardown(stream_is_always_told, setup_few_tcp, teardown),
		cmocka_unit_test_setup_teardown(short_names_are_one_engines, setup_compact, teardown),
		cmocka_unit_test_setup_teardown(account_is_settled_once, setup_account, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
