/* The notifier's side of a subscription: in what order NOTIFYs go out, what an answer to
 * one means, how it ends, and a subscription that a REFER implies. */
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

/* ---- what the answers say, and none ------------------------------------------------------ */

static void ended_by_the_status_of_a_notify(void **state)
{
	(void)state;
	begin();
	e.check = 415;
	events_set(&e, 2, 0);
	events_pass(&e, 5);
	assert_int_equal(e.over, 0);
	assert_int_equal(ua_notify_state(e.notify), UA_NOTIFY_TOLD);
	assert_int_equal(e.notified, 1);
	e.check = 489;
	events_set(&e, 3, 0);
	events_set(&e, 4, 0);
	events_pass(&e, 5);
	assert_int_equal(e.over, 1);
	assert_int_equal(e.gone.status, 489);
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

/* ---- a subscription that another request implies (RFC 3515) ----------------------------------- */

static struct {
	struct sip_dialog *d;
	unsigned foreign;               /* requests in the dialog that are not the subscription's */
} implied;

static void in_dialog(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	(void)arg;
	(void)d;
	if (e.notify && ua_notify_request(e.notify, tx, msg))
		return;
	implied.foreign++;
	sip_server_tx_reply(tx, msg->method == SIP_SUBSCRIBE ? 489 : 200);
}

static void send_in_dialog(enum sip_method m, uint32_t cseq, const char *event, const char *expires)
{
	struct sip_out *o = link_out(&e.n.l.a, m);

	o->cseq = cseq;
	o->to = arena_printf(o->arena, "<sip:b@192.0.2.2>;tag=%.*s", STR_ARG(implied.d->local_tag));
	sip_out_header(o, STR("Event"), str_z(event));
	sip_out_header(o, STR("Expires"), str_z(expires));
	obj_drop(link_send(&e.n.l.a, o));
	events_pass(&e, 5);
}

static void implied_by_refer(void **state)
{
	struct ua_notify_prm prm = events_notify_prm(&e);
	struct sip_dialog_user user = { .request = in_dialog };

	(void)state;
	e.n.l.a.handle = e.n.l.b.handle = NULL;
	obj_drop(link_send(&e.n.l.a, link_out(&e.n.l.a, SIP_REFER)));
	events_pass(&e, 5);
	assert_int_equal(sip_dialog_new_uas(&implied.d, e.n.l.b.tx, STR("<sip:b@192.0.2.2:5060>"), &user), 0);
	ua_net_answer(&e.n, 202, "");
	prm.dialog = implied.d;
	prm.event = STR("refer;id=1");
	prm.expires_s = 60;
	assert_int_equal(ua_notify_new(&e.notify, &e.ua_b, &prm, NULL), 0);
	ua_notify_start(e.notify, NULL);
	events_pass(&e, 5);
	assert_non_null(strstr(e.n.l.b.said, "\r\nEvent: refer;id=1\r\nSubscription-State: active;expires=60\r\n"));
	sip_server_tx_reply(e.n.l.a.tx, 200);
	events_pass(&e, 5);
	/* Its own SUBSCRIBE, and others of the dialog. */
	send_in_dialog(SIP_SUBSCRIBE, 2, "refer;id=1", "300");
	assert_int_equal(e.n.l.a.last_status, 200);
	assert_non_null(strstr(e.n.l.b.said, "\r\nSubscription-State: active;expires=300\r\n"));
	sip_server_tx_reply(e.n.l.a.tx, 200);
	send_in_dialog(SIP_SUBSCRIBE, 3, "refer;id=2", "300");
	assert_int_equal(e.n.l.a.last_status, 489);
	send_in_dialog(SIP_INFO, 4, "refer", "1");
	assert_int_equal(implied.foreign, 2);
	/* It ends, and leaves the dialog as it is. */
	ua_notify_end(e.notify, UA_EVENT_NORESOURCE, 0);
	events_pass(&e, 5);
	assert_non_null(strstr(e.n.l.b.said, "\r\nSubscription-State: terminated;reason=noresource\r\n"));
	send_in_dialog(SIP_SUBSCRIBE, 5, "refer;id=1", "300");
	assert_int_equal(e.n.l.a.last_status, 489);
	sip_server_tx_reply(e.n.l.a.tx, 200);
	events_pass(&e, 5);
	assert_int_equal(e.over, 1);
	send_in_dialog(SIP_INFO, 6, "refer", "1");
	assert_int_equal(implied.foreign, 4);
	sip_dialog_close(implied.d);
	obj_drop(implied.d);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(pending_first), T(one_at_a_time), T(changes_are_gathered), T(nothing_to_tell),
		T(ended_by_the_status_of_a_notify), T(subscriber_gone), T(subscriber_silent), T(the_last_comes_last),
		T(abandoned), T(terms), T(implied_by_refer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
