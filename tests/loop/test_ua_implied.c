/* A subscription that a REFER implies (RFC 3515), both sides of it: NOTIFYs without a
 * SUBSCRIBE, in a dialog that is somebody else's. */
#include "ua_events.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct events e;
static struct sip_dialog *at_a, *at_b;          /* held: the dialog, at each end */
static unsigned others;                         /* requests in it that no subscription wanted */

/* ---- the dialog and its user --------------------------------------------------------- */

static void came_to_a(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	(void)arg;
	(void)d;
	if (e.sub && ua_subscribe_request(e.sub, tx, msg))
		return;
	others++;
	sip_server_tx_reply(tx, 481);
}

static void came_to_b(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg)
{
	(void)arg;
	(void)d;
	if (e.notify && ua_notify_request(e.notify, tx, msg))
		return;
	others++;
	sip_server_tx_reply(tx, msg->method == SIP_SUBSCRIBE ? 489 : 200);
}

static int setup(void **state)
{
	struct sip_dialog_user a = { .request = came_to_a }, b = { .request = came_to_b };
	struct sip_out *o;

	(void)state;
	events_open(&e);
	others = 0;
	e.n.l.a.handle = e.n.l.b.handle = NULL;
	o = link_out(&e.n.l.a, SIP_REFER);
	assert_int_equal(sip_dialog_new_uac(&at_a, e.n.l.a.sip, o, STR("<sip:a@192.0.2.1>"), STR("<sip:b@192.0.2.2>"),
					    STR("<sip:a@192.0.2.1>"), &a), 0);
	obj_drop(link_send(&e.n.l.a, o));
	events_pass(&e, 5);
	assert_int_equal(sip_dialog_new_uas(&at_b, e.n.l.b.tx, STR("<sip:b@192.0.2.2>"), &b), 0);
	ua_net_answer(&e.n, 202, "Contact: <sip:b@192.0.2.2>\r\n");
	assert_int_equal(sip_dialog_response(at_a, e.n.l.a.last, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ua_subscribe_free(e.sub);
	e.sub = NULL;
	/* It was there all the time. */
	assert_ptr_equal(sip_dialog_find(e.n.l.a.sip, at_a->call_id, at_a->local_tag, at_a->remote_tag), at_a);
	assert_ptr_equal(sip_dialog_find(e.n.l.b.sip, at_b->call_id, at_b->local_tag, at_b->remote_tag), at_b);
	sip_dialog_close(at_a);
	sip_dialog_close(at_b);
	at_a = obj_drop(at_a);
	at_b = obj_drop(at_b);
	return events_close(&e);
}

static void subscriber_begins(uint32_t expires_s)
{
	struct ua_subscribe_prm prm = events_prm(&e);

	prm.dialog = at_a;
	prm.event = STR("refer;id=1");
	prm.expires_s = expires_s;
	prm.retry = (struct ua_subscribe_retry){ .again = true, .interval_s = 10, .most = 3 };
	assert_int_equal(ua_subscribe_new(&e.sub, &e.n.ua, &prm), 0);
	assert_int_equal(ua_subscribe_start(e.sub), 0);
	assert_int_equal(ua_subscribe_state(e.sub), UA_SUBSCRIBE_ASKING);
}

static void notifier_begins(void)
{
	struct ua_notify_prm prm = events_notify_prm(&e);

	prm.dialog = at_b;
	prm.event = STR("refer;id=1");
	prm.expires_s = 60;
	assert_int_equal(ua_notify_new(&e.notify, &e.ua_b, &prm, NULL), 0);
	ua_notify_start(e.notify, NULL);
	events_pass(&e, 5);
}

static void sub_is(enum ua_subscribe_state state)
{
	assert_int_equal(ua_subscribe_state(e.sub), state);
	assert_int_equal(e.last.state, state);
}

/* By hand, in the dialog; the status that it is answered with. */
static unsigned send_in_dialog(struct node *from, enum sip_method m, const char *event, const char *name, const char *value)
{
	struct sip_out *o = GOT(sip_dialog_request(from == &e.n.l.a ? at_a : at_b, m));

	sip_out_header(o, STR("Event"), str_z(event));
	sip_out_header(o, str_z(name), str_z(value));
	obj_drop(link_send(from, o));
	events_pass(&e, 5);
	return from->last_status;
}

static unsigned send_notify(const char *event, const char *state)
{
	return send_in_dialog(&e.n.l.b, SIP_NOTIFY, event, "Subscription-State", state);
}

/* ---- tests ---------------------------------------------------------------------------- */

static void life(void **state)
{
	(void)state;
	subscriber_begins(0);
	notifier_begins();
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.last.seconds, 60);
	assert_non_null(strstr(e.n.l.b.said, "\r\nEvent: refer;id=1\r\nSubscription-State: active;expires=60\r\n"));
	events_set(&e, 2, 0);
	events_pass(&e, 5);
	assert_string_equal(e.heard, "1 2");
	/* The dialog has other uses. */
	assert_int_equal(send_in_dialog(&e.n.l.a, SIP_INFO, "refer;id=1", "X", "1"), 200);
	assert_int_equal(others, 1);
	ua_notify_end(e.notify, UA_EVENT_NORESOURCE, 0);
	events_pass(&e, 5);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_int_equal(e.last.reason, UA_EVENT_NORESOURCE);
	assert_string_equal(e.heard, "1 2 t2");
	assert_int_equal(e.over, 1);
	assert_int_equal(send_in_dialog(&e.n.l.a, SIP_INFO, "refer;id=1", "X", "1"), 200);
	assert_int_equal(others, 2);
	/* Nobody but another REFER could make a new one. */
	assert_int_equal(ua_subscribe_start(e.sub), EBUSY);
	assert_int_equal(send_notify("refer;id=1", "active"), 481);
}

static void renewed_and_ended_by_subscribe(void **state)
{
	(void)state;
	subscriber_begins(100);
	notifier_begins();
	events_pass(&e, 50100);
	assert_int_equal(e.renewed, 1);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.last.seconds, 100);
	assert_int_equal(ua_subscribe_end(e.sub), 0);
	events_pass(&e, 10);
	sub_is(UA_SUBSCRIBE_IDLE);
	assert_int_equal(e.over, 1);
	assert_int_equal(others, 0);
}

static void not_renewed(void **state)
{
	(void)state;
	subscriber_begins(0);
	notifier_begins();
	assert_int_equal(ua_subscribe_start(e.sub), EBUSY);
	events_pass(&e, 59900);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.expired, 0);
	events_pass(&e, 200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
	assert_int_equal(e.expired, 1);
	assert_int_equal(e.renewed, 0);
}

static void no_notify(void **state)
{
	(void)state;
	subscriber_begins(0);
	events_pass(&e, 31900);
	assert_int_equal(e.told, 0);
	events_pass(&e, 200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
}

/* The first REFER of a dialog needs no id; what is of another one is not ours. */
static void whose_notify(void **state)
{
	(void)state;
	subscriber_begins(0);
	assert_int_equal(send_notify("refer;id=2", "active"), 481);
	assert_int_equal(send_notify("presence", "active"), 481);
	assert_int_equal(others, 2);
	assert_int_equal(e.notified, 0);
	assert_int_equal(send_notify("refer", "active"), 200);
	sub_is(UA_SUBSCRIBE_SUBSCRIBED);
	assert_int_equal(e.last.seconds, 3600);
	assert_int_equal(send_notify("refer;id=1", "active;expires=60"), 200);
	assert_int_equal(e.last.seconds, 60);
	assert_int_equal(send_notify("refer", "terminated;reason=deactivated"), 200);
	sub_is(UA_SUBSCRIBE_LOST);
	assert_false(e.last.again);
	assert_int_equal(others, 2);
}

static void whose_subscribe(void **state)
{
	(void)state;
	subscriber_begins(0);
	notifier_begins();
	assert_int_equal(send_in_dialog(&e.n.l.a, SIP_SUBSCRIBE, "refer;id=2", "Expires", "300"), 489);
	assert_int_equal(send_in_dialog(&e.n.l.a, SIP_SUBSCRIBE, "refer", "Expires", "300"), 489);
	assert_int_equal(others, 2);
	assert_int_equal(send_in_dialog(&e.n.l.a, SIP_SUBSCRIBE, "refer;id=1", "Expires", "300"), 200);
	assert_int_equal(e.renewed, 1);
	assert_int_equal(e.last.seconds, 300);
	ua_notify_end(e.notify, UA_EVENT_NORESOURCE, 0);
	assert_int_equal(send_in_dialog(&e.n.l.a, SIP_SUBSCRIBE, "refer;id=1", "Expires", "300"), 489);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(life), T(renewed_and_ended_by_subscribe), T(not_renewed), T(no_notify), T(whose_notify), T(whose_subscribe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
