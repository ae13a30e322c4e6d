/* The subscriber's side against a peer that the test writes: NOTIFYs that are early, wrong,
 * late or of another fork, and answers that lie. */
#include "ua_events.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static struct events e;
static struct ua_subscribe *forks[4];
static unsigned fork_n, fork_told, numbered;
static struct ua_subscribe_event fork_last;
static bool refuse_forks;
static const char *contact, *route;     /* of NOTIFYs; contact NULL: their tag */

static int setup(void **state)
{
	(void)state;
	events_open(&e);
	e.n.l.b.handle = NULL;
	fork_n = fork_told = numbered = 0;
	refuse_forks = false;
	contact = NULL;
	route = "192.0.2.2";
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < fork_n; i++)
		ua_subscribe_free(forks[i]);
	return events_close(&e);
}

static void begin(void)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	prm.retry = (struct ua_subscribe_retry){ .again = true, .interval_s = 10, .most = 3 };
	e.n.l.b.requests = 0;
	events_begin(&e, &prm);
	assert_int_equal(e.n.l.b.requests, 1);
}

/* The status that the subscriber answers a NOTIFY with, which comes from `tag`. */
static unsigned notify(const char *tag, const char *headers)
{
	const struct sip_msg *m = e.n.l.b.msg;
	char text[2048];
	unsigned status = 0;

	numbered++;
	snprintf(text, sizeof(text), "NOTIFY sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKn%u\r\n"
		 "From: <sip:b@192.0.2.2>;tag=%s\r\nTo: <sip:a@192.0.2.1>;tag=%.*s\r\nCall-ID: %.*s\r\nCSeq: %u NOTIFY\r\n"
		 "Contact: <sip:%s@192.0.2.2>\r\nRecord-Route: <sip:%s;lr>\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		 numbered, tag, STR_ARG(m->from.tag), STR_ARG(m->call_id), numbered, contact ? contact : tag, route, headers);
	e.n.l.a.said[0] = '\0';
	link_inject(&e.n.l.a, text);
	if (sscanf(e.n.l.a.said, "SIP/2.0 %u", &status) != 1)
		return 0;
	events_pass(&e, 5);
	return status;
}

#define ACTIVE "Event: number\r\nSubscription-State: active;expires=50\r\n"

static void sub_is(enum ua_subscribe_state state)
{
	assert_int_equal(ua_subscribe_state(e.sub), state);
	assert_int_equal(e.last.state, state);
}

/* ---- early and late ------------------------------------------------------------------ */

static void before_the_answer(void **state)
{
	(void)state;
	begin();
	assert_int_equal(notify("x", ACTIVE), 200);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.last.seconds, 50);
	/* The NOTIFY has said how long, and from where; its answer can be another fork's. */
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	assert_int_equal(ua_subscribe_left_ms(e.sub) / 1000, 49);
	assert_int_equal(e.told, 1);
	events_pass(&e, 41000);
	assert_int_equal(e.n.l.b.requests, 2);
	assert_true(str_eq(e.n.l.b.msg->to.tag, STR("x")));
	assert_non_null(strstr(e.n.l.a.said, "SUBSCRIBE sip:x@192.0.2.2 SIP/2.0\r\n"));
	assert_non_null(strstr(e.n.l.a.said, "\r\nRoute: <sip:192.0.2.2;lr>\r\n"));
}

/* Each NOTIFY may bring another Contact; the route is that of the first. */
static void where_it_is_renewed(void **state)
{
	(void)state;
	begin();
	assert_int_equal(notify("x", ACTIVE), 200);
	contact = "moved";
	route = "192.0.2.3";
	assert_int_equal(notify("x", ACTIVE), 200);
	ua_net_answer(&e.n, 200, "Expires: 90\r\nRecord-Route: <sip:192.0.2.4;lr>\r\n");
	ua_subscribe_start(e.sub);
	assert_non_null(strstr(e.n.l.a.said, "SUBSCRIBE sip:moved@192.0.2.2 SIP/2.0\r\n"));
	assert_non_null(strstr(e.n.l.a.said, "\r\nRoute: <sip:192.0.2.2;lr>\r\n"));
	/* A peer that can only be answered where it spoke from. */
	ua_subscribe_dialog(e.sub)->use_path = true;
	assert_int_equal(sa_parse(&ua_subscribe_dialog(e.sub)->path.peer, STR("192.0.2.9:5099")), 0);
	events_pass(&e, 5);
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	assert_int_equal(sa_port(&e.n.l.a.said_to), 5099);
}

static void before_an_answer_that_says_how_long(void **state)
{
	(void)state;
	begin();
	assert_int_equal(notify("x", "Event: number\r\nSubscription-State: active\r\n"), 200);
	assert_int_equal(e.last.seconds, 100);
	ua_net_answer(&e.n, 200, "Expires: 30\r\n");
	assert_int_equal(ua_subscribe_left_ms(e.sub) / 1000, 29);
	/* More than was asked for is not to be had. */
	events_pass(&e, 20000);
	assert_int_equal(e.n.l.b.requests, 2);
	ua_net_answer(&e.n, 200, "Expires: 5000\r\n");
	assert_int_equal(e.last.seconds, 100);
}

/* One fork refuses; the one that sent a NOTIFY is there. */
static void before_a_refusal(void **state)
{
	(void)state;
	begin();
	assert_int_equal(notify("x", ACTIVE), 200);
	ua_net_answer(&e.n, 480, "");
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.told, 1);
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_int_equal(e.notified, 2);
}

static void after_it_ended(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	assert_int_equal(e.told, 1);
	events_pass(&e, 1);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(notify("x", ACTIVE), 481);
	assert_int_equal(e.strays, 1);
	events_pass(&e, 100000);
	assert_int_equal(e.n.l.b.requests, 1);
	assert_int_equal(e.told, 2);
}

static void news_while_it_ends(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	notify("x", ACTIVE);
	ua_subscribe_end(e.sub);
	events_pass(&e, 5);
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_LEAVING);
	ua_net_answer(&e.n, 200, "Expires: 0\r\n");
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_LEAVING);
	assert_int_equal(notify("x", "Event: number\r\nSubscription-State: terminated;reason=deactivated\r\n"), 200);
	sub_is(UA_SUBSCRIBE_IDLE);
	events_pass(&e, 50000);
	assert_int_equal(e.n.l.b.requests, 2);
	/* Only the one that ends it is an end. */
	ua_subscribe_free(e.sub);
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	notify("x", ACTIVE);
	ua_subscribe_end(e.sub);
	events_pass(&e, 5);
	ua_net_answer(&e.n, 200, "Expires: 0\r\n");
	assert_int_equal(notify("x", ACTIVE), 200);
	events_pass(&e, 32100);
	sub_is(UA_SUBSCRIBE_IDLE);
}

/* A notifier that does not say that it was the only one. */
static void fetched(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.expires_s = 0;
	events_begin(&e, &prm);
	ua_net_answer(&e.n, 200, "Expires: 0\r\n");
	assert_int_equal(notify("x", "Event: number\r\nSubscription-State: active;expires=0\r\n"), 200);
	sub_is(UA_SUBSCRIBE_IDLE);
	events_pass(&e, 100000);
	assert_int_equal(e.told, 2);
	assert_int_equal(e.n.l.b.requests, 1);
}

/* ---- wrong ones ------------------------------------------------------------------------- */

static void wrong_notifies(void **state)
{
	static const struct { const char *headers; unsigned status; } tv[] = {
		{ "Subscription-State: active\r\n", 489 },
		{ "Event: presence\r\nSubscription-State: active\r\n", 489 },
		{ "Event: number;id=1\r\nSubscription-State: active\r\n", 481 },
		{ "Event: number\r\n", 400 },
		{ "Event: NUMBER\r\nSubscription-State: Active;Expires=90\r\n", 200 },
		{ "Event: number\r\nSubscription-State: delayed\r\n", 200 },
		{ "Event: number\r\nSubscription-State: pending\r\n", 200 },
		{ "Event: number\r\nSubscription-State: active;expires=never\r\n", 200 },
	};
	unsigned taken = 0;

	(void)state;
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(notify("x", tv[i].headers), tv[i].status);
		taken += tv[i].status == 200;
		assert_int_equal(e.notified, taken);
	}
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_false(e.last.pending);
	assert_int_equal(e.last.seconds, 90);
	/* One that its user does not take; and a repetition of one that was told. */
	e.check = 415;
	assert_int_equal(notify("x", ACTIVE), 415);
	numbered -= 2;
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_int_equal(e.notified, taken);
}

static void wrong_id(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.event = STR("number;id=1");
	events_begin(&e, &prm);
	assert_int_equal(notify("x", "Event: number\r\nSubscription-State: active\r\n"), 481);
	assert_int_equal(notify("x", "Event: number;id=2\r\nSubscription-State: active\r\n"), 481);
	assert_int_equal(notify("x", "Event: number;id=1\r\nSubscription-State: active\r\n"), 200);
	assert_int_equal(e.notified, 1);
}

static void a_number_of_before(void **state)
{
	(void)state;
	begin();
	numbered = 10;
	assert_int_equal(notify("x", ACTIVE), 200);
	numbered = 5;
	assert_int_equal(notify("x", ACTIVE), 500);
	assert_int_equal(e.notified, 1);
}

static void reasons_that_nobody_knows(void **state)
{
	(void)state;
	begin();
	assert_int_equal(notify("x", "Event: number\r\nSubscription-State: terminated;reason=bored;retry-after=7\r\n"), 200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.last.reason, UA_EVENT_OTHER);
	assert_true(e.last.again);
	assert_int_equal(e.last.seconds, 7);
	/* In a call of its own. */
	events_pass(&e, 7100);
	assert_int_equal(e.n.l.b.requests, 2);
	assert_int_equal(e.n.l.b.msg->to.tag.n, 0);
}

/* ---- answers ------------------------------------------------------------------------------- */

static void no_answer(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	e.n.l.a.lose = 1000;
	assert_int_equal(ua_subscribe_new(&e.sub, &e.n.ua, &prm), 0);
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	events_pass(&e, 31900);
	assert_int_equal(e.told, 0);
	events_pass(&e, 200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.status, 0);
	assert_int_equal(e.told, 1);
}

/* The first address says nothing; timer N must not end what the second one takes. */
static void next_address(void **state)
{
	static const char *const hosts[] = { "192.0.2.11", "192.0.2.12" };
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.target = STR("sip:b@name.example:5060");
	e.n.l.a.lose = 11;
	assert_int_equal(ua_subscribe_new(&e.sub, &e.n.ua, &prm), 0);
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	ua_net_give(&e.n, hosts, 2);
	events_pass(&e, 33000);
	assert_int_equal(e.told, 0);
	assert_int_equal(e.n.l.b.requests, 1);
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	assert_int_equal(notify("x", ACTIVE), 200);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
}

static void renewal_without_answer(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	notify("x", ACTIVE);
	e.n.l.a.lose = 1000;
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	events_pass(&e, 32200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.last.seconds, 10);
}

/* RFC 5839: no NOTIFY follows, and none is missed. */
static void renewal_without_news(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	notify("x", "Event: number\r\nSubscription-State: active;expires=90\r\n");
	ua_subscribe_start(e.sub);
	events_pass(&e, 5);
	ua_net_answer(&e.n, 204, "Expires: 90\r\n");
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	events_pass(&e, 70000);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_SUBSCRIBED);
}

static void stubborn_423(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 423, "Min-Expires: 300\r\n");
	assert_int_equal(e.n.l.b.requests, 2);
	assert_int_equal(e.n.l.b.msg->cseq, 2);
	assert_non_null(strstr(e.n.l.a.said, "\r\nExpires: 300\r\n"));
	ua_net_answer(&e.n, 423, "Min-Expires: 300\r\n");
	assert_int_equal(e.n.l.b.requests, 2);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.status, 423);
}

static void no_endless_tries(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 3; i++) {
		ua_net_answer(&e.n, 500, "");
		assert_int_equal(e.last.seconds, 10);
		events_pass(&e, 10100);
		assert_int_equal(e.n.l.b.requests, i + 2);
	}
	ua_net_answer(&e.n, 500, "");
	assert_false(e.last.again);
	events_pass(&e, 100000);
	assert_int_equal(e.n.l.b.requests, 4);
	/* Its user may try again. */
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	events_pass(&e, 5);
	ua_net_answer(&e.n, 500, "");
	assert_true(e.last.again);
}

static void ended_before_the_next_try(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 500, "");
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	events_pass(&e, 100000);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(e.n.l.b.requests, 1);
}

static void freed_when_told(void **state)
{
	(void)state;
	e.free_sub = true;
	begin();
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_null(e.sub);
	ua_net_answer(&e.n, 200, "");
	assert_int_equal(notify("x", ACTIVE), 481);
	/* ... by an answer. */
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	assert_null(e.sub);
}

/* ---- forks ---------------------------------------------------------------------------------- */

static void fork_is_told(void *arg, struct ua_subscribe *s, const struct ua_subscribe_event *what)
{
	(void)arg;
	(void)s;
	fork_told++;
	fork_last = *what;
}

static void *forked(void *arg, struct ua_subscribe *s, struct ua_subscribe *f)
{
	(void)s;
	if (refuse_forks)
		return NULL;
	forks[fork_n++] = f;
	return arg;
}

static void forks_are_refused(void **state)
{
	(void)state;
	begin();
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_int_equal(notify("y", ACTIVE), 481);
	assert_int_equal(e.strays, 1);
	assert_int_equal(notify("x", ACTIVE), 200);
}

static void forks_live(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.forked = forked;
	prm.retry = (struct ua_subscribe_retry){ .again = true, .interval_s = 10, .most = 3 };
	events_begin(&e, &prm);
	ua_net_answer(&e.n, 200, "Expires: 90\r\n");
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_int_equal(notify("y", "Event: other\r\nSubscription-State: active\r\n"), 489);
	assert_int_equal(fork_n, 0);
	assert_int_equal(notify("y", ACTIVE), 200);
	assert_int_equal(fork_n, 1);
	assert_int_equal(e.notified, 2);
	assert_int_equal(notify("y", ACTIVE), 200);
	assert_int_equal(fork_n, 1);
	assert_int_equal(ua_subscribe_state(forks[0]), UA_SUBSCRIBE_SUBSCRIBED);
	refuse_forks = true;
	assert_int_equal(notify("z", ACTIVE), 481);
	refuse_forks = false;
	/* Each is renewed by itself. */
	events_pass(&e, 45000);
	assert_int_equal(e.n.l.b.requests, 3);
	/* The first goes; nobody is taken in later. */
	ua_subscribe_free(e.sub);
	e.sub = NULL;
	assert_int_equal(notify("y", ACTIVE), 200);
	assert_int_equal(notify("u", ACTIVE), 481);
	assert_int_equal(notify("y", "Event: number\r\nSubscription-State: terminated;reason=deactivated\r\n"), 200);
	assert_int_equal(e.last.state, UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
}

static void a_number_of_before_in_a_fork(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.forked = forked;
	events_begin(&e, &prm);
	assert_int_equal(notify("x", ACTIVE), 200);
	numbered = 10;
	assert_int_equal(notify("y", ACTIVE), 200);
	numbered = 5;
	assert_int_equal(notify("y", ACTIVE), 500);
	assert_int_equal(e.notified, 2);
}

static void a_fork_that_ends_at_once(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.forked = forked;
	prm.told = fork_is_told;
	events_begin(&e, &prm);
	assert_int_equal(notify("x", ACTIVE), 200);
	assert_int_equal(notify("y", "Event: number\r\nSubscription-State: terminated;reason=rejected\r\n"), 200);
	assert_int_equal(fork_n, 1);
	assert_int_equal(fork_told, 2);
	assert_int_equal(fork_last.state, UA_SUBSCRIBE_LOST);
	assert_int_equal(fork_last.reason, UA_EVENT_REJECTED);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_SUBSCRIBED);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(before_the_answer), T(where_it_is_renewed), T(before_an_answer_that_says_how_long), T(before_a_refusal), T(after_it_ended),
		T(news_while_it_ends), T(fetched), T(wrong_id), T(wrong_notifies), T(a_number_of_before), T(reasons_that_nobody_knows), T(no_answer),
		T(next_address), T(renewal_without_answer), T(renewal_without_news), T(stubborn_423), T(no_endless_tries),
		T(ended_before_the_next_try), T(freed_when_told), T(forks_are_refused), T(forks_live),
		T(a_number_of_before_in_a_fork), T(a_fork_that_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
