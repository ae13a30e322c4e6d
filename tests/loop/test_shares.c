/* What one endpoint or one address may hold of what all need, and how whoever may not
 * have more is refused. */
#include "svc_wire.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => ring,1,Ringing()\n same => n,Wait(600)\n"
	"exten => text,1,Wait(600)\n"
	"exten => lamp,hint,PJSIP/bob\n";

static const char conf[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n"
	"[alice](phone)\n[bob](phone)\n[carl](phone)\n";

static struct wire t;

static int teardown(void **state)
{
	(void)state;
	t.deaf = true;
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	wire_close(&t);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	wire_open_shares(&t, plan, conf, &(struct share_limits){ .dialogs = 20, .transactions = 20 });
	return 0;
}

static int setup_calls(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	shares_set_total(t.svc->shares, SHARE_CALL, 20);
	return 0;
}

static int setup_fixed(void **state)
{
	(void)state;
	wire_open_shares(&t, plan, conf, &(struct share_limits){ .calls_per_endpoint = 3, .calls_per_address = 2 });
	return 0;
}

/* Request number `n` of `who` at `peer`; the status of its last answer, 0: none. */
static unsigned ask(const char *who, const char *peer, const char *method, const char *exten, unsigned n, const char *more)
{
	char text[1024];
	struct sip_msg *m;

	wire_forget(&t);
	snprintf(text, sizeof(text), "%s sip:%s@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s%u\r\n"
		 "From: <sip:%s@127.0.0.1>;tag=%s%u\r\nTo: <sip:%s@127.0.0.1>\r\nCall-ID: %s-%u\r\nCSeq: 1 %s\r\n"
		 "Contact: <sip:%s@%s>\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n", method, exten, peer, who, n, who, who,
		 n, exten, who, n, !strcmp(method, "CANCEL") ? "CANCEL" : method, who, peer, more);
	wire_come(&t, peer, text);
	for (size_t i = t.n; i; i--) {
		m = t.sent[i - 1];
		if (!m->request && str_eq(m->cseq_method, str_z(method)))
			return m->status;
	}
	return 0;
}

/* The last answer refuses for want of room and says when to come again. */
static bool told_to_come_again(void)
{
	for (size_t i = t.n; i; i--)
		if (!t.sent[i - 1]->request)
			return t.sent[i - 1]->status == 503 && atoi(wire_header(t.sent[i - 1], "Retry-After")) > 0;
	return false;
}

/* How many of them get `good`, until one is refused. */
static unsigned until_refused(const char *who, const char *peer, const char *method, const char *exten, const char *more,
			      unsigned good)
{
	unsigned n = 0;

	while (n < 100 && ask(who, peer, method, exten, n, more) == good)
		n++;
	assert_true(told_to_come_again());
	return n;
}

static void calls(void **state)
{
	(void)state;
	assert_int_equal(until_refused("alice", "127.0.0.2:5060", "INVITE", "up", "", 200), 19);
	/* From elsewhere it is still the same endpoint, and from there another still the same address. */
	assert_int_equal(ask("alice", "127.0.0.9:5060", "INVITE", "up", 100, ""), 503);
	assert_int_equal(ask("carl", "127.0.0.2:5060", "INVITE", "up", 101, ""), 503);
	assert_int_equal(ask("bob", "127.0.0.3:5060", "INVITE", "up", 102, ""), 200);
	/* What ends is given back. */
	t.deaf = true;
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	t.deaf = false;
	assert_int_equal(shares_used(t.svc->shares, SHARE_CALL), 0);
	assert_int_equal(ask("alice", "127.0.0.2:5060", "INVITE", "up", 103, ""), 200);
}

/* Those whose INVITE is refused have nothing. */
static void a_refused_call_holds_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(ask("alice", "127.0.0.2:5060", "INVITE", "nowhere", i, ""), 404);
	assert_int_equal(shares_used(t.svc->shares, SHARE_CALL), 0);
	assert_int_equal(shares_used(t.svc->shares, SHARE_DIALOG), 0);
}

static void fixed_limits(void **state)
{
	(void)state;
	assert_int_equal(until_refused("alice", "127.0.0.2:5060", "INVITE", "up", "", 200), 2);
	assert_int_equal(ask("alice", "127.0.0.3:5060", "INVITE", "up", 10, ""), 200);
	assert_int_equal(ask("alice", "127.0.0.4:5060", "INVITE", "up", 11, ""), 503);
	assert_int_equal(ask("bob", "127.0.0.4:5060", "INVITE", "up", 12, ""), 200);
}

static void subscriptions(void **state)
{
	static const char more[] = "Event: presence\r\nAccept: application/pidf+xml\r\nExpires: 600\r\n";
	unsigned n;

	(void)state;
	for (n = 0; n < 100 && ask("alice", "127.0.0.2:5060", "SUBSCRIBE", "lamp", n, more) == 200; n++)
		;
	assert_int_equal(n, 19);
	assert_int_equal(ask("alice", "127.0.0.2:5060", "SUBSCRIBE", "lamp", 200, more), 503);
	assert_true(told_to_come_again());
	assert_int_equal(ask("bob", "127.0.0.3:5060", "SUBSCRIBE", "lamp", 201, more), 200);
}

/* Requests without final answer, from an address each, but all of one endpoint. */
static void transactions_of_an_endpoint(void **state)
{
	char peer[32];
	unsigned n;

	(void)state;
	for (n = 0; n < 50; n++) {
		snprintf(peer, sizeof(peer), "127.0.1.%u:5060", n + 1);
		if (ask("alice", peer, "INVITE", "ring", n, "") != 180)
			break;
	}
	assert_int_equal(n, 19);
	assert_true(told_to_come_again());
	assert_int_equal(ask("bob", "127.0.0.3:5060", "OPTIONS", "ring", 100, ""), 200);
}

static void transactions_come_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(ask("alice", "127.0.0.2:5060", "OPTIONS", "up", i, ""), 200);
	assert_int_equal(shares_used(t.svc->shares, SHARE_TRANSACTION), 0);
}

static void texts(void **state)
{
	static const char more[] = "Content-Type: text/plain\r\n";

	(void)state;
	shares_set_total(t.svc->shares, SHARE_MESSAGE, 20);
	/* The first is in the dialplan, the others wait behind it. */
	assert_int_equal(until_refused("alice", "127.0.0.2:5060", "MESSAGE", "text", more, 202), 20);
	assert_int_equal(ask("bob", "127.0.0.3:5060", "MESSAGE", "text", 100, more), 202);
}

/* One message waits behind the other, and the end of the first does not begin the next. */
static void texts_at_the_stop(void **state)
{
	static const char more[] = "Content-Type: text/plain\r\n";

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(ask("alice", "127.0.0.2:5060", "MESSAGE", "text", i, more), 202);
	assert_int_equal(channel_count(t.w.pbx), 1);
	pbx_stop(t.w.pbx);
	world_turn(&t.w);
	assert_int_equal(channel_count(t.w.pbx), 0);
}

/* An account outlives neither its holders nor what it took. */
static void accounts(void **state)
{
	struct shares *all = GOT(shares_new(&(struct share_limits){ .percent = 50, .ports = 10 }));
	struct share_account a, b, nobody = { 0 };
	struct sa peer;

	(void)state;
	sa_parse(&peer, STR("192.0.2.1"));
	share_open(&a, all, STR("alice"), &peer);
	share_open_like(&b, &a);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(share_take(&a, SHARE_PORT), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(share_take(&b, SHARE_PORT), 0);
	assert_true(share_take(&b, SHARE_PORT) != 0);   /* 6 of 10: together they have their half */
	assert_false(shares_permit(all, SHARE_PORT, STR("alice"), NULL));
	assert_true(shares_permit(all, SHARE_PORT, STR("bob"), NULL));
	share_close(&a);
	assert_int_equal(shares_used(all, SHARE_PORT), 3);
	share_give(&b, SHARE_PORT);
	share_give(&b, SHARE_CALL);             /* it has none: nothing happens */
	share_close(&b);
	share_close(&b);
	assert_int_equal(shares_used(all, SHARE_PORT), 0);
	assert_int_equal(share_take(&nobody, SHARE_PORT), 0);
	share_give(&nobody, SHARE_PORT);
	share_close(&nobody);
	shares_free(all);
}

static int nothing(void **state)
{
	(void)state;
	return 0;
}

int main(void)
{
#define T(f, s) cmocka_unit_test_setup_teardown(f, s, teardown)
	const struct CMUnitTest tests[] = {
		T(calls, setup_calls), T(a_refused_call_holds_nothing, setup_calls), T(fixed_limits, setup_fixed),
		T(subscriptions, setup), T(transactions_of_an_endpoint, setup), T(transactions_come_back, setup),
		T(texts, setup_calls),
		T(texts_at_the_stop, setup_calls), cmocka_unit_test_setup_teardown(accounts, nothing, nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
