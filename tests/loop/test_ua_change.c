/* Changes of a call between two user agents: re-INVITE, UPDATE and session timers, and
 * whose turn it is. */
#include "ua_call.h"
#include "ua/info.h"
#include "ua/info.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct call_net n;

static int setup(void **state)
{
	(void)state;
	call_open(&n);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return call_close(&n);
}

static enum ua_invite_state a_is(void)
{
	return ua_invite_state(n.a.iv);
}

/* ---- changes -------------------------------------------------------------------------------------------------- */

static void changed_by_reinvite(void **state)
{
	(void)state;
	call_up(&n);
	n.b.offer = "offer-b2";
	n.a.answer = "answer-a2";
	assert_int_equal(ua_invite_refresh(n.b.iv, false), 0);
	assert_true(ua_invite_refreshing(n.b.iv));
	assert_non_null(strstr(n.l.b.said, "X-Kind: refresh 0\r\n"));
	link_run(&n.l, 10);
	assert_false(ua_invite_refreshing(n.b.iv));
	assert_int_equal(n.b.refreshed_status, 200);
	assert_int_equal(n.a.changed, 1);
	assert_string_equal(n.a.heard, "offer-b2");
	assert_string_equal(n.b.heard, "answer-a2");
	assert_int_equal(n.a.acked, 1);
}

static void changed_by_update(void **state)
{
	(void)state;
	call_up(&n);
	assert_int_equal(ua_invite_refresh(n.a.iv, true), 0);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refreshed_status, 200);
	assert_int_equal(n.b.changed, 1);
	assert_int_equal(n.b.offers, 2);
}

static void change_refused(void **state)
{
	(void)state;
	call_up(&n);
	n.b.refuse_offer = 488;
	assert_int_equal(ua_invite_refresh(n.a.iv, false), 0);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refreshed_status, 488);
	assert_int_equal(n.a.failed, 1);
	assert_int_equal(n.b.changed, 0);
	assert_int_equal(a_is(), UA_INVITE_UP);
	/* The next one has its turn. */
	n.b.refuse_offer = 0;
	assert_int_equal(ua_invite_refresh(n.a.iv, false), 0);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refreshed_status, 200);
}

static void both_change_at_once(void **state)
{
	(void)state;
	call_up(&n);
	assert_int_equal(ua_invite_refresh(n.a.iv, false), 0);
	assert_int_equal(ua_invite_refresh(n.b.iv, false), 0);
	link_run(&n.l, 20);
	assert_int_equal(n.a.refreshed_status, 491);
	assert_int_equal(n.b.refreshed_status, 491);
	assert_true(ua_invite_refreshing(n.a.iv));
	/* Bob waits up to 2 s, alice, whose Call-ID it is, longer (14.1). */
	link_run(&n.l, 2050);
	assert_int_equal(n.b.refreshed_status, 200);
	assert_int_equal(n.a.refreshed_status, 491);
	link_run(&n.l, 2100);
	assert_int_equal(n.a.refreshed_status, 200);
}

static void one_change_after_the_other(void **state)
{
	(void)state;
	call_up(&n);
	assert_int_equal(ua_invite_refresh(n.a.iv, false), 0);
	assert_int_equal(ua_invite_refresh(n.a.iv, true), 0);
	link_run(&n.l, 30);
	assert_int_equal(n.a.refreshed, 2);
	assert_int_equal(n.b.changed, 2);
}

static void judged_later(void **state)
{
	(void)state;
	call_up(&n);
	n.b.refuse_offer = UA_INVITE_LATER;
	assert_int_equal(ua_invite_refresh(n.a.iv, false), 0);
	link_run(&n.l, 100);
	assert_int_equal(n.a.refreshed, 0);
	ua_invite_judged(n.b.iv, 0);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refreshed_status, 200);
	assert_int_equal(n.b.changed, 1);
	/* An UPDATE, and no. */
	assert_int_equal(ua_invite_refresh(n.a.iv, true), 0);
	link_run(&n.l, 100);
	assert_int_equal(ua_invite_refresh(n.b.iv, false), 0);         /* has to wait for it */
	ua_invite_judged(n.b.iv, 488);
	link_run(&n.l, 20);
	assert_int_equal(n.a.refreshed_status, 488);
	assert_int_equal(n.b.failed, 1);
	assert_int_equal(n.b.refreshed_status, 200);
	ua_invite_judged(n.b.iv, 0);            /* nothing waits */
	/* Over, while it is judged. */
	assert_int_equal(ua_invite_refresh(n.a.iv, true), 0);
	link_run(&n.l, 5);
	call_end(&n.b);
	link_run(&n.l, 10);
	assert_int_equal(n.a.why, UA_END_BYE);
}

static void requests_wait_for_the_ack(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.l.a.lose = 1;
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	assert_int_equal(ua_info_send_digit(n.b.iv, '5', 120), 0);
	assert_int_equal(ua_invite_refresh(n.b.iv, false), 0);
	link_run(&n.l, 100);
	assert_int_equal(n.a.requests, 0);
	link_run(&n.l, 1000);
	assert_int_equal(n.a.requests, 1);
	assert_int_equal(n.a.method, SIP_INFO);
	assert_int_equal(n.b.refreshed_status, 200);
}

/* The 2xx of the INVITE comes again when a re-INVITE is out already. */
static void repeated_200_after_a_change(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.l.a.lose = 1;
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 3);
	assert_int_equal(n.a.answered, 1);
	assert_int_equal(ua_invite_refresh(n.a.iv, true), 0);
	link_run(&n.l, 2000);
	assert_int_equal(n.b.acked, 1);
}

/* ---- session timers ------------------------------------------------------------------------------------------------ */

static void refreshed_in_time(void **state)
{
	(void)state;
	n.a.prm.timers = n.b.prm.timers = UA_TIMERS_ALWAYS;
	n.a.prm.timers_expires_s = 100;
	call_up(&n);
	assert_int_equal(ua_invite_timer_s(n.a.iv), 100);
	assert_int_equal(ua_invite_timer_s(n.b.iv), 100);
	link_run(&n.l, 51000);
	assert_int_equal(n.a.refreshed + n.b.refreshed, 1);
	link_run(&n.l, 51000);
	assert_int_equal(n.a.refreshed + n.b.refreshed, 2);
	assert_int_equal(n.a.ended + n.b.ended, 0);
}

static void not_refreshed(void **state)
{
	(void)state;
	n.a.prm.timers = n.b.prm.timers = UA_TIMERS_ALWAYS;
	n.a.prm.timers_expires_s = 100;
	call_up(&n);
	n.l.a.lose = n.l.b.lose = 100000;
	link_run(&n.l, 101000);
	/* One refreshes in vain, the other waits in vain. */
	assert_int_equal(n.a.ended, 1);
	assert_int_equal(n.b.ended, 1);
	assert_true(n.a.why == UA_END_EXPIRED || n.b.why == UA_END_EXPIRED);
	assert_true(n.a.why == UA_END_GONE || n.b.why == UA_END_GONE);
}

static void interval_too_small(void **state)
{
	(void)state;
	n.a.prm.timers = n.b.prm.timers = UA_TIMERS_YES;
	n.a.prm.timers_expires_s = 100;
	n.b.prm.timers_min_s = 200;
	call_invite(&n);
	assert_int_equal(call_take(&n), 422);
	call_end(&n.b);
	/* Again, with what bob wants. */
	assert_non_null(strstr(n.l.a.said, "Session-Expires: 200"));
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 5);
	assert_int_equal(n.a.answered, 1);
	assert_int_equal(ua_invite_timer_s(n.a.iv), 200);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(changed_by_reinvite), T(changed_by_update), T(change_refused), T(both_change_at_once),
		T(one_change_after_the_other), T(judged_later), T(requests_wait_for_the_ack),
		T(repeated_200_after_a_change), T(refreshed_in_time), T(not_refreshed), T(interval_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
