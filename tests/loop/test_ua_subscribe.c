/* Both sides of a subscription face each other over a wire that loses and delays: what is
 * watched is heard, in order, until one of them ends it. test_ua_notify.c has what is
 * the notifier's alone, test_ua_subscriber.c the subscriber against a peer that does it wrong,
 * test_ua_implied.c subscriptions without a SUBSCRIBE. */
#include "ua_events.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct events e;

static int setup(void **state)
{
	(void)state;
	events_open(&e);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return events_close(&e);
}

static void begin(void)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	events_begin(&e, &prm);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_TOLD);
}

static void begin_again(uint32_t interval_s, unsigned most)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	prm.retry = (struct ua_subscribe_retry){ .again = true, .interval_s = interval_s, .most = most };
	events_begin(&e, &prm);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_SUBSCRIBED);
}

static void sub_is(enum ua_subscribe_state state)
{
	assert_int_equal(ua_subscribe_state(e.sub), state);
	assert_int_equal(e.last.state, state);
}

/* ---- a life ------------------------------------------------------------------------- */

static void life(void **state)
{
	(void)state;
	begin();
	assert_int_equal(e.last.seconds, 100);
	assert_int_equal(ua_notify_left_ms(e.notify) / 1000, 99);
	events_set(&e, 2, 0);
	events_pass(&e, 5);
	assert_string_equal(e.heard, "1 2");
	/* 10 s before it would end, and so on. */
	events_pass(&e, 89000);
	assert_int_equal(e.renewed, 0);
	events_pass(&e, 2000);
	assert_int_equal(e.renewed, 1);
	assert_string_equal(e.heard, "1 2 2");
	events_pass(&e, 900000);
	assert_int_equal(e.renewed, 11);
	assert_int_equal(e.taken, 1);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	e.heard[0] = '\0';
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_LEAVING);
	assert_int_equal(ua_subscribe_start(e.sub), EBUSY);
	events_pass(&e, 10);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(e.last.reason, UA_EVENT_TIMEOUT);
	assert_string_equal(e.heard, "t2");
	assert_int_equal(e.over, 1);
	assert_int_equal(e.gone.status, 200);
	assert_int_equal(e.expired, 0);
	/* And again. */
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	events_pass(&e, 5);
	assert_int_equal(e.taken, 2);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
}

static void headers(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.event = STR("number;id=7");
	prm.body = STR("<filter/>");
	prm.body_type = STR("text/filter");
	e.n.l.b.handle = NULL;
	events_begin(&e, &prm);
	assert_int_equal(e.n.l.b.requests, 1);
	assert_non_null(strstr(e.n.l.a.said, "SUBSCRIBE sip:b@192.0.2.2 SIP/2.0\r\n"));
	assert_non_null(strstr(e.n.l.a.said, "\r\nEvent: number;id=7\r\nAccept: text/plain\r\nExpires: 100\r\nX-Test: 1\r\n"));
	assert_non_null(strstr(e.n.l.a.said, "\r\nContact: <sip:a@192.0.2.1:5060>\r\n"));
	assert_non_null(strstr(e.n.l.a.said, "\r\nUser-Agent: Subscriber\r\n"));
	assert_non_null(strstr(e.n.l.a.said, "\r\n\r\n<filter/>"));
	ua_net_answer(&e.n, 404, "");
	sub_is(UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
}

/* The id of the SUBSCRIBE is in each NOTIFY, or the subscriber would refuse it. */
static void event_with_an_id(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.event = STR("Number ;id=7");
	events_begin(&e, &prm);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_SUBSCRIBED);
	events_pass(&e, 95000);
	assert_int_equal(e.renewed, 1);
	assert_string_equal(e.heard, "1 1");
}

static void fetch(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.expires_s = 0;
	prm.retry = (struct ua_subscribe_retry){ .again = true, .interval_s = 5, .most = 5 };
	events_begin(&e, &prm);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_string_equal(e.heard, "t1");
	events_pass(&e, 100000);
	assert_int_equal(e.taken, 1);
	assert_int_equal(e.over, 1);
}

static void challenged(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	e.refuse = 401;
	e.refuse_headers = "WWW-Authenticate: Digest realm=\"here\",nonce=\"n\"\r\n";
	events_begin(&e, &prm);
	events_pass(&e, 5);
	assert_int_equal(e.taken, 1);
	assert_non_null(strstr(e.n.l.b.said, "CSeq: 1 NOTIFY"));
	/* What a challenge took of the dialog's numbers is not used again. */
	e.refuse = 401;
	events_pass(&e, 91000);
	assert_int_equal(e.renewed, 1);
	assert_int_equal(ua_subscribe_dialog(e.sub)->local_cseq, 4);
	events_pass(&e, 91000);
	assert_int_equal(e.renewed, 2);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
}

static void over_a_bad_wire(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);
	unsigned was = 0, n;
	char *at = e.heard;

	(void)state;
	e.n.l.a.lose_every = 3;
	e.n.l.b.lose_every = 4;
	events_begin(&e, &prm);
	for (unsigned i = 2; i <= 40; i++) {
		events_set(&e, i, 0);
		events_pass(&e, 300);
	}
	events_pass(&e, 500000);
	assert_int_equal(e.taken, 1);
	assert_true(e.renewed >= 5);
	/* In order, and the last one is the truth. */
	while (sscanf(at, "%u", &n) == 1) {
		assert_true(n >= was);
		was = n;
		at = strchr(at, ' ') ? strchr(at, ' ') + 1 : at + strlen(at);
	}
	assert_int_equal(was, 40);
	ua_subscribe_end(e.sub);
	events_pass(&e, 64000);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(e.over, 1);
}

/* ---- refusals -------------------------------------------------------------------------- */

static void refused(void **state)
{
	static const struct { unsigned status; const char *headers; uint32_t seconds; bool again; } tv[] = {
		{ 403, "", 0, false },
		{ 489, "Allow-Events: presence\r\n", 0, false },
		{ 403, "Retry-After: 9\r\n", 9, true },
		{ 500, "", 30, true },
		{ 603, "", 30, true },
	};
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.retry = (struct ua_subscribe_retry){ .interval_s = 30, .most = 3 };
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		e.refuse = tv[i].status;
		e.refuse_headers = tv[i].headers;
		events_begin(&e, &prm);
		sub_is(UA_SUBSCRIBE_LOST);
		assert_int_equal(e.status, tv[i].status);
		assert_int_equal(e.last.seconds, tv[i].seconds);
		assert_int_equal(e.last.again, tv[i].again);
		assert_int_equal(ua_subscribe_next_ms(e.sub) / 1000, tv[i].seconds ? tv[i].seconds - 1 : 0);
		ua_subscribe_free(e.sub);
	}
	assert_int_equal(e.taken, 0);
	events_begin(&e, &prm);
	assert_int_equal(e.taken, 1);
}

static void longer_then(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);
	struct ua_notify_prm stricter;

	(void)state;
	e.terms.min_s = 300;
	events_begin(&e, &prm);
	events_pass(&e, 5);
	assert_int_equal(e.taken, 1);
	assert_int_equal(e.last.seconds, 300);
	/* The notifier has become stricter meanwhile. */
	e.terms.min_s = 700;
	stricter = events_notify_prm(&e);
	ua_notify_set(e.notify, &stricter);
	events_pass(&e, 271000);
	assert_int_equal(e.last.seconds, 700);
	assert_int_equal(e.taken, 1);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
}

/* ---- one of them is gone ------------------------------------------------------------------- */

/* Nobody renews it, and the one who should is still there. */
static void expired(void **state)
{
	(void)state;
	begin();
	e.n.l.a.lose = 1000;
	events_pass(&e, 99000);
	assert_int_equal(e.expired, 0);
	events_pass(&e, 1500);
	assert_int_equal(e.expired, 1);
	assert_true(ua_notify_has_ended(e.notify));
	e.n.l.a.lose = 0;
	events_pass(&e, 64000);
	assert_int_equal(e.over, 1);
	assert_null(strstr(e.heard, "1 1"));
	assert_non_null(strstr(e.heard, " t1"));
	sub_is(UA_SUBSCRIBE_LOST);
}

/* Timer N: the answer comes, the NOTIFY does not. The notifier waits for as long. */
static void no_notify(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.retry = (struct ua_subscribe_retry){ .interval_s = 10, .most = 1 };
	e.n.l.b.lose_all = "NOTIFY";
	events_begin(&e, &prm);
	assert_int_equal(e.last.state, UA_SUBSCRIBE_ASKING);
	assert_int_equal(e.status, 200);
	events_pass(&e, 31900);
	assert_int_equal(e.told, 1);
	events_pass(&e, 200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.last.seconds, 10);
	assert_int_equal(e.over, 1);
	events_pass(&e, 10000);
	assert_int_equal(e.taken, 2);
	events_pass(&e, 33000);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
}

/* ... also not the one that follows a renewal, or that should end it. */
static void no_more_notify(void **state)
{
	(void)state;
	begin();
	e.n.l.b.lose_all = "NOTIFY";
	events_pass(&e, 90100);
	assert_int_equal(e.last.state, UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.renewed, 1);
	events_pass(&e, 32100);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.over, 1);
	e.n.l.b.lose_all = NULL;
	ua_subscribe_start(e.sub);
	events_pass(&e, 5);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	e.n.l.b.lose_all = "NOTIFY";
	ua_subscribe_end(e.sub);
	events_pass(&e, 31000);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_LEAVING);
	events_pass(&e, 2000);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(e.over, 2);
}

static void notifier_forgot(void **state)
{
	(void)state;
	begin();
	ua_notify_free(e.notify);
	e.notify = NULL;
	events_pass(&e, 91000);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.status, 481);
	assert_false(e.last.again);
	assert_int_equal(e.taken, 1);
	/* A new one when that is wished. */
	ua_subscribe_free(e.sub);
	begin_again(10, 1);
	ua_notify_free(e.notify);
	e.notify = NULL;
	events_pass(&e, 91000);
	assert_int_equal(e.taken, 3);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
}

/* ---- the end ----------------------------------------------------------------------------- */

static void both_end_it(void **state)
{
	(void)state;
	begin();
	e.n.l.delay_ms = 50;
	e.told = 0;
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	ua_notify_end(e.notify, UA_EVENT_REJECTED, 0);
	ua_notify_end(e.notify, UA_EVENT_GIVEUP, 0);
	events_pass(&e, 70000);
	assert_int_equal(e.told, 1);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(e.last.reason, UA_EVENT_REJECTED);
	assert_string_equal(e.heard, "1 t1");
	assert_int_equal(e.over, 1);
	assert_int_equal(e.gone.status, 200);
	assert_int_equal(e.strays, 0);
}

/* It is renewed while the last NOTIFY is on its way. */
static void ended_while_renewed(void **state)
{
	(void)state;
	begin_again(0, 5);
	events_pass(&e, 40000);
	e.n.l.delay_ms = 50;
	ua_subscribe_start(e.sub);
	ua_notify_end(e.notify, UA_EVENT_DEACTIVATED, 0);
	events_pass(&e, 1000);
	assert_int_equal(e.over, 1);
	assert_int_equal(e.taken, 2);
	assert_int_equal(e.renewed, 0);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
}

/* 4.1.3: what each reason means for whoever wants it back. */
static void reasons(void **state)
{
	static const struct { enum ua_event_reason reason; uint32_t retry_after; bool again; uint32_t seconds; } tv[] = {
		{ UA_EVENT_DEACTIVATED, 0, true, 0 }, { UA_EVENT_TIMEOUT, 0, true, 0 },
		{ UA_EVENT_PROBATION, 0, true, 30 }, { UA_EVENT_PROBATION, 7, true, 7 },
		{ UA_EVENT_GIVEUP, 0, true, 30 }, { UA_EVENT_GIVEUP, 8, true, 8 },
		{ UA_EVENT_REJECTED, 0, false, 0 }, { UA_EVENT_NORESOURCE, 0, false, 0 },
		{ UA_EVENT_INVARIANT, 0, false, 0 }, { UA_EVENT_NONE, 0, true, 30 }, { UA_EVENT_NONE, 9, true, 9 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		begin_again(30, 1);
		events_pass(&e, 33000);
		ua_notify_end(e.notify, tv[i].reason, tv[i].retry_after);
		events_pass(&e, 1);
		sub_is(UA_SUBSCRIBE_LOST);
		assert_int_equal(e.last.reason, tv[i].reason);
		assert_int_equal(e.last.again, tv[i].again);
		assert_int_equal(e.last.seconds, tv[i].seconds);
		e.taken = 0;
		events_pass(&e, 1000ull * tv[i].seconds + 10);
		assert_int_equal(e.taken, tv[i].again);
		ua_subscribe_free(e.sub);
		e.sub = NULL;
		ua_notify_free(e.notify);
		e.notify = NULL;
	}
}

/* Two programs that do not like each other do not keep each other busy. */
static void ended_at_once_each_time(void **state)
{
	(void)state;
	begin_again(0, 4);
	for (int i = 0; i < 10; i++) {
		if (e.notify)
			ua_notify_end(e.notify, UA_EVENT_DEACTIVATED, 0);
		events_pass(&e, 900);
		assert_true(e.taken <= (unsigned)i + 1);
		events_pass(&e, 105);
	}
	assert_int_equal(e.taken, 5);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
}

/* One that lived is no failed try. */
static void ended_now_and_then(void **state)
{
	(void)state;
	begin_again(30, 1);
	for (unsigned i = 1; i < 5; i++) {
		events_pass(&e, 40000);
		ua_notify_end(e.notify, UA_EVENT_DEACTIVATED, 0);
		events_pass(&e, 100);
		assert_int_equal(e.taken, i + 1);
		sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	}
}

static void renewal_refused(void **state)
{
	(void)state;
	begin();
	e.refuse = 403;
	ua_subscribe_start(e.sub);
	events_pass(&e, 5);
	assert_int_equal(e.status, 403);
	assert_int_equal(e.last.seconds, 100);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.renewed, 0);
	/* What was granted still holds. */
	events_pass(&e, 40000);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	events_pass(&e, 59900);
	assert_string_equal(e.heard, "1");
	assert_int_equal(e.expired, 0);
	events_pass(&e, 100);
	assert_int_equal(e.expired, 1);
	assert_int_equal(e.over, 1);
	sub_is(UA_SUBSCRIBE_LOST);
}

/* It is tried again while there is time. */
static void renewal_refused_for_now(void **state)
{
	(void)state;
	begin_again(4, 5);
	e.refuse = 500;
	events_pass(&e, 90100);
	assert_int_equal(e.status, 500);
	assert_int_equal(ua_subscribe_next_ms(e.sub) / 1000, 3);
	events_pass(&e, 4000);
	assert_int_equal(e.renewed, 1);
	assert_int_equal(e.last.seconds, 100);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.taken, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(life), T(headers), T(event_with_an_id), T(fetch), T(challenged),
	 T(over_a_bad_wire), T(refused), T(longer_then),
	 T(expired), T(no_notify), T(no_more_notify), T(notifier_forgot),
		T(both_end_it), T(ended_while_renewed), T(reasons),
		T(ended_at_once_each_time), T(ended_now_and_then), T(renewal_refused),
		T(renewal_refused_for_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
