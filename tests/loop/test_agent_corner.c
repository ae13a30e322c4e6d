/* Calls of a user agent where two things meet: what the application does inside of events, offers of
 * both sides at once, answers that come late, an agent that stops. */
#include "agent_net.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct agent_net n;

static int setup(void **state)
{
	(void)state;
	agent_open(&n);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sidetone_session_free(n.a.session);
	sidetone_session_free(n.b.session);
	return agent_close(&n);
}

static void both_begin(void)
{
	agent_begin(&n.a);
	agent_begin(&n.b);
}

/* ---- reliable responses ------------------------------------------------------------------------ */

/* The 200 waits for the PRACK, and is told when it is out. */
static void accepted_before_the_prack(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "rel100", "supported");
	both_begin();
	agent_call(&n);
	agent_forget(&n.b);
	assert_int_equal(sidetone_session_progress(n.b.session, 183, NULL, NULL, true), 0);
	assert_int_equal(sidetone_session_accept(n.b.session, NULL), 0);
	agent_expect(&n.b, "setDescription describe progress(183)");
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_ANSWERED_WAITING_FOR_PRACK);
	agent_run(&n, 10);
	agent_expect(&n.b, "accepted confirmed");
	assert_non_null(strstr(n.b.text, "SIP/2.0 200 "));
}

static void accepted_while_progress_is_described(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "rel100", "supported");
	both_begin();
	agent_call(&n);
	n.b.late = true;
	assert_int_equal(sidetone_session_progress(n.b.session, 183, NULL, NULL, true), 0);
	assert_int_equal(sidetone_session_accept(n.b.session, NULL), 0);
	sidetone_session_described(n.b.session, 0);
	agent_describe(&n.b);
	agent_run(&n, 10);
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_STATUS_CONFIRMED);
}

/* ---- what the application does inside of events --------------------------------------------------- */

static void ended_while_the_answer_is_set(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	n.a.late = true;
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 10);
	agent_forget(&n.a);
	assert_int_equal(sidetone_session_terminate(n.a.session, 0, NULL, NULL), 0);
	agent_expect(&n.a, "bye mediaClosed terminated");
	agent_run(&n, 10);
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_STATUS_TERMINATED);
}

static void bye_at_their_offer(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_SET_DESCRIPTION)
		sidetone_session_bye(p->session, 0, NULL, NULL);
}

static void ended_inside_their_offer(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.b.on_event = bye_at_their_offer;
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 20);
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_TERMINATED);
	assert_non_null(strstr(n.b.sent, "481"));
}

static struct sidetone_session *linked;

static void end_the_other(struct agent_party *p, const struct sidetone_event *e)
{
	(void)p;
	if (e->type == SIDETONE_TERMINATED && linked && e->session != linked) {
		struct sidetone_session *s = linked;

		linked = NULL;
		sidetone_session_free(s);
	}
}

static void one_leg_ends_the_other(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	linked = n.b.session;
	sidetone_session_free(n.a.session);
	agent_run(&n, 10);
	agent_call(&n);
	assert_ptr_not_equal(linked, n.b.session);
	n.b.on_event = end_the_other;
	agent_drop(&n.b);
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_STATUS_TERMINATED);
	sidetone_session_free(linked);
}

static void free_the_info(struct agent_party *p, const struct sidetone_event *e)
{
	(void)p;
	if (e->type == SIDETONE_INFO)
		sidetone_incoming_free(e->incoming);
}

static void an_info_is_freed_inside_its_event(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.b.on_event = free_the_info;
	assert_int_equal(sidetone_session_request(n.a.session, "INFO", NULL, "text/plain", "hey", NULL), 0);
	agent_run(&n, 5);
	agent_expect(&n.a, "accepted");
	assert_int_equal(sidetone_session_request(n.a.session, "X\r\nY: z", NULL, NULL, NULL, NULL), EINVAL);
}

/* ---- offers that meet, that wait, that come late ------------------------------------------------------ */

static void their_offer_while_ours_is_made(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.a.late = true;
	assert_int_equal(sidetone_session_reinvite(n.a.session, NULL, false), 0);
	sidetone_session_reinvite(n.b.session, NULL, false);
	agent_run(&n, 5);
	assert_non_null(strstr(n.a.sent, "491"));
	agent_describe(&n.a);
	agent_run(&n, 10);
	sidetone_session_described(n.a.session, 0);
	assert_non_null(strstr(n.a.log, "reinviteAccepted"));
	n.a.late = false;
	agent_run(&n, 6000);
	assert_non_null(strstr(n.b.log, "reinviteAccepted"));
}

static void a_reinvite_outlives_the_connection(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.a.deaf = true;
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 5);
	n.a.deaf = false;
	agent_drop(&n.a);
	agent_run(&n, 6000);
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_CONFIRMED);
	assert_non_null(strstr(n.a.log, "reinviteAccepted"));
	assert_null(strstr(n.a.log, "terminated"));
}

static void a_refused_offer_is_told_on_both_sides(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.b.described = 488;
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 10);
	agent_expect(&n.b, "reinvite setDescription reinviteFailed");
	n.b.described = 0;
	n.a.described = 488;
	agent_forget(&n.a);
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 10);
	agent_expect(&n.a, "describe setDescription reinviteFailed");
}

static void lines_are_of_one_message(void **state)
{
	(void)state;
	agent_call_up(&n);
	sidetone_session_reinvite(n.a.session, "X-One: yes", false);
	assert_true(agent_said(&n.a, "X-One: yes"));
	agent_run(&n, 10);
	sidetone_session_reinvite(n.a.session, NULL, false);
	assert_false(agent_said(&n.a, "X-One: yes"));
	assert_int_equal(sidetone_session_info_digit(n.a.session, '1', 100), 0);
	agent_run(&n, 10);
	assert_non_null(strstr(n.b.log, "dtmf"));
}

static void a_stop_sends_every_bye(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	n.a.deaf = true;        /* the ACK never comes */
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 5);
	sidetone_ua_stop(n.b.ua);
	agent_run(&n, 3000);
	assert_non_null(strstr(n.b.sent, "BYE"));
	agent_run(&n, 32000);   /* nobody answers it */
	assert_int_equal(n.b.conn, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(accepted_before_the_prack), T(accepted_while_progress_is_described), T(ended_while_the_answer_is_set),
		T(ended_inside_their_offer), T(one_leg_ends_the_other), T(an_info_is_freed_inside_its_event),
		T(their_offer_while_ours_is_made), T(a_reinvite_outlives_the_connection), T(a_refused_offer_is_told_on_both_sides),
		T(lines_are_of_one_message), T(a_stop_sends_every_bye),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
