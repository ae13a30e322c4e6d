/* The notifier's side of a subscription: in what order NOTIFYs go out, what an answer to
 * one means, and how it ends. */
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

static void pending_first(void **state)
{
	(void)state;
	e.pending = true;
	begin();
	assert_true(e.last.pending);
	ua_notify_activate(e.notify);
	events_pass(&e, 5);
	assert_false(e.last.pending);
	assert_string_equal(e.heard, "1 1");
	assert_int_equal(e.partial, 0);
	ua_notify_activate(e.notify);
	events_pass(&e, 5);
	assert_string_equal(e.heard, "1 1");
}

/* What changes while one is under way is in the next one, once. */
static void one_at_a_time(void **state)
{
	(void)state;
	begin();
	e.n.l.delay_ms = 100;
	for (unsigned i = 2; i < 10; i++)
		events_set(&e, i, 0);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_BEHIND);
	events_pass(&e, 1000);
	assert_string_equal(e.heard, "1 2 9");
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_TOLD);
	assert_int_equal(e.partial, 2);
}

static void changes_are_gathered(void **state)
{
	(void)state;
	begin();
	events_set(&e, 2, 500);
	events_pass(&e, 400);
	events_set(&e, 3, 500);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_GATHERING);
	assert_string_equal(e.heard, "1");
	events_pass(&e, 105);
	assert_string_equal(e.heard, "1 3");
	/* Urgent news takes the rest along. */
	events_set(&e, 4, 500);
	events_set(&e, 5, 0);
	events_pass(&e, 5);
	assert_string_equal(e.heard, "1 3 5");
	events_pass(&e, 1000);
	assert_string_equal(e.heard, "1 3 5");
	/* What came while one was under way waits for the rest of its time. */
	e.n.l.delay_ms = 100;
	events_set(&e, 6, 0);
	events_set(&e, 7, 500);
	events_pass(&e, 300);
	assert_string_equal(e.heard, "1 3 5 6");
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_GATHERING);
	events_pass(&e, 400);
	assert_string_equal(e.heard, "1 3 5 6 7");
	/* ... unless there is urgent news too. */
	events_set(&e, 8, 0);
	events_set(&e, 9, 5000);
	events_set(&e, 10, 0);
	events_pass(&e, 400);
	assert_string_equal(e.heard, "1 3 5 6 7 8 10");
}

static void nothing_to_tell(void **state)
{
	(void)state;
	begin();
	e.mute = ENODATA;
	events_set(&e, 2, 0);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_TOLD);
	/* What cannot be written now is told with everything else later. */
	e.mute = ENOBUFS;
	events_set(&e, 3, 0);
	events_pass(&e, 5);
	assert_int_equal(e.notified, 1);
	e.mute = 0;
	events_set(&e, 4, 0);
	events_pass(&e, 5);
	assert_string_equal(e.heard, "1 4");
	assert_int_equal(e.partial, 0);
	/* A SUBSCRIBE is followed by a NOTIFY in any case. */
	e.mute = ENOBUFS;
	ua_subscribe_start(e.sub);
	events_pass(&e, 5);
	assert_int_equal(e.notified, 3);
	assert_string_equal(e.heard, "1 4 ");
}

/* Memory that comes back is waited for; if it does not, the subscription ends for now (RFC 6665 4.1.3). */
static void no_memory(void **state)
{
	(void)state;
	begin();
	e.mute = ENOMEM;
	events_set(&e, 2, 0);
	events_pass(&e, 500);
	e.mute = 0;
	events_pass(&e, 1000);
	assert_string_equal(e.heard, "1 2");
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_TOLD);
	e.mute = ENOMEM;
	events_set(&e, 3, 0);
	events_pass(&e, 3000);
	assert_non_null(e.notify);
	events_pass(&e, 5000);
	assert_null(e.notify);
	assert_int_equal(e.last.reason, UA_EVENT_PROBATION);
}

/* ---- what the answers say, and none ------------------------------------------------------ */

static void ended_by_the_status_of_a_notify(void **state)
{
	(void)state;
	begin();
	e.check = 415;
	events_set(&e, 3, 0);
	events_set(&e, 4, 0);
	events_pass(&e, 5);
	assert_int_equal(e.over, 1);
	assert_int_equal(e.gone.status, 415);
}

static void subscriber_gone(void **state)
{
	(void)state;
	begin();
	ua_subscribe_free(e.sub);
	e.sub = NULL;
	events_set(&e, 2, 0);
	events_pass(&e, 5);
	assert_int_equal(e.strays, 1);
	assert_int_equal(e.over, 1);
	assert_int_equal(e.gone.status, 481);
}

static void subscriber_silent(void **state)
{
	(void)state;
	begin();
	e.n.l.a.lose = 10000;
	events_set(&e, 2, 0);
	events_set(&e, 3, 0);
	events_pass(&e, 31000);
	assert_int_equal(e.over, 0);
	events_pass(&e, 2000);
	assert_int_equal(e.over, 1);
	assert_int_equal(e.gone.status, 0);
}

/* ---- the end ------------------------------------------------------------------------------ */

/* The last NOTIFY waits for the one under way. */
static void the_last_comes_last(void **state)
{
	(void)state;
	begin();
	e.n.l.delay_ms = 100;
	events_set(&e, 2, 0);
	events_set(&e, 3, 0);
	ua_notify_end(e.notify, UA_EVENT_NORESOURCE, 0);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_CLOSING);
	events_set(&e, 4, 0);
	events_pass(&e, 150);
	assert_string_equal(e.heard, "1 2");
	events_pass(&e, 500);
	assert_string_equal(e.heard, "1 2 t4");
	assert_int_equal(e.over, 1);
	assert_int_equal(e.last.reason, UA_EVENT_NORESOURCE);
}

/* ... but for the end of the program, which waits for nobody. */
static void abandoned(void **state)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	(void)state;
	prm.retry = (struct ua_subscribe_retry){ .again = true, .interval_s = 20, .most = 5 };
	events_begin(&e, &prm);
	events_pass(&e, 40000);
	e.n.l.delay_ms = 20;
	events_set(&e, 2, 0);
	ua_notify_abandon(e.notify, UA_EVENT_DEACTIVATED);
	e.notify = NULL;
	events_pass(&e, 25);
	assert_string_equal(e.heard, "1 2 t2");
	events_pass(&e, 200);
	assert_int_equal(e.taken, 2);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.over, 0);
}

static void terms(void **state)
{
	static const struct { const char *value; unsigned status; uint32_t seconds; } tv[] = {
		{ "", 0, 600 }, { "Expires: 60\r\n", 0, 60 }, { "Expires: 59\r\n", 423, 0 }, { "Expires: 0\r\n", 0, 0 },
		{ "Expires: soon\r\n", 400, 0 }, { "Expires: 99999999999\r\n", 0, 900 }, { "Expires: 901\r\n", 0, 900 },
	};
	const struct ua_notify_terms t = { .default_s = 600, .min_s = 60, .max_s = 900 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char text[512];
		struct sip_msg *msg;
		uint32_t seconds = 0;

		snprintf(text, sizeof(text), "SUBSCRIBE sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n"
			 "To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 SUBSCRIBE\r\n%s\r\n", tv[i].value);
		assert_int_equal(sip_msg_parse(&msg, str_z(text), true), 0);
		assert_int_equal(ua_notify_expires(&t, msg, &seconds), tv[i].status);
		if (!tv[i].status)
			assert_int_equal(seconds, tv[i].seconds);
		obj_drop(msg);
	}
}

/* ---- a subscriber that the test writes ---------------------------------------------------------- */

static char tag_b[SIP_TAG + 1];
static uint32_t cseq;

static unsigned send_subscribe(const char *event, const char *contact)
{
	struct sip_out *o = link_out(&e.n.l.a, SIP_SUBSCRIBE);

	o->cseq = ++cseq;
	if (tag_b[0])
		o->to = arena_printf(o->arena, "<sip:b@192.0.2.2>;tag=%s", tag_b);
	o->contact = str_z(contact);
	sip_out_header(o, STR("Event"), str_z(event));
	obj_drop(link_send(&e.n.l.a, o));
	events_pass(&e, 5);
	if (e.n.l.a.last_status == 200)
		str_copy(tag_b, sizeof(tag_b), e.n.l.a.last->to.tag);
	return e.n.l.a.last_status;
}

static void answer_notify(unsigned status, const char *headers)
{
	sip_server_tx_respond(e.n.l.a.tx, status, STR_NULL, str_z(headers), STR_NULL, STR_NULL);
	events_pass(&e, 5);
}

static void by_hand(void)
{
	e.n.l.a.handle = NULL;
	tag_b[0] = '\0';
	cseq = 0;
	assert_int_equal(send_subscribe("number;id=7", "<sip:a@192.0.2.1:5060>"), 200);
	answer_notify(200, "");
}

static void wrong_events(void **state)
{
	(void)state;
	by_hand();
	assert_int_equal(send_subscribe("other;id=7", "<sip:a@192.0.2.1:5060>"), 489);
	assert_int_equal(send_subscribe("number;id=8", "<sip:a@192.0.2.1:5060>"), 481);
	assert_int_equal(send_subscribe("number", "<sip:a@192.0.2.1:5060>"), 481);
	assert_int_equal(e.renewed, 0);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_TOLD);
	assert_int_equal(send_subscribe("Number ; id=7", "<sip:a@192.0.2.1:5060>"), 200);
	assert_int_equal(e.renewed, 1);
	answer_notify(200, "");
}

static void subscriber_moves(void **state)
{
	(void)state;
	by_hand();
	assert_int_equal(send_subscribe("number;id=7", "<sip:moved@192.0.2.1:5070>"), 200);
	assert_non_null(strstr(e.n.l.b.said, "NOTIFY sip:moved@192.0.2.1:5070 SIP/2.0\r\n"));
	assert_int_equal(sa_port(&e.n.l.b.said_to), 5070);
	answer_notify(200, "");
}

/* A challenge takes a CSeq; the next NOTIFY must not use it again. */
static void challenged(void **state)
{
	(void)state;
	by_hand();
	events_set(&e, 2, 0);
	events_pass(&e, 5);
	assert_int_equal(e.n.l.a.msg->cseq, 2);
	answer_notify(401, "WWW-Authenticate: Digest realm=\"x\",nonce=\"n\"\r\n");
	assert_int_equal(e.n.l.a.msg->cseq, 3);
	answer_notify(200, "");
	events_set(&e, 3, 0);
	events_pass(&e, 5);
	assert_int_equal(e.n.l.a.msg->cseq, 4);
	answer_notify(200, "");
}

static void other_methods(void **state)
{
	struct sip_out *o;

	(void)state;
	by_hand();
	o = link_out(&e.n.l.a, SIP_OPTIONS);
	o->cseq = ++cseq;
	o->to = arena_printf(o->arena, "<sip:b@192.0.2.2>;tag=%s", tag_b);
	obj_drop(link_send(&e.n.l.a, o));
	events_pass(&e, 5);
	assert_int_equal(e.n.l.a.last_status, 405);
	assert_true(str_eq(sip_hdr_value(e.n.l.a.last, SIP_H_ALLOW), STR("SUBSCRIBE")));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pending_first), T(one_at_a_time), T(changes_are_gathered), T(nothing_to_tell), T(no_memory),
		T(ended_by_the_status_of_a_notify), T(subscriber_gone), T(subscriber_silent), T(the_last_comes_last),
		T(abandoned), T(terms), T(wrong_events), T(subscriber_moves), T(challenged),
		T(other_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
