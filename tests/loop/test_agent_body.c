/* Descriptions of an application's own types, and calls that end because of them or of an ACK that is lost. */
#include "agent_net.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static struct agent_net n;
static char type[32];           /* of the last description that came */

static int setup(void **state)
{
	(void)state;
	agent_open(&n);
	type[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sidetone_session_free(n.a.session);
	sidetone_session_free(n.b.session);
	return agent_close(&n);
}

static void note_type(struct agent_party *p, const struct sidetone_event *e)
{
	(void)p;
	if (e->type == SIDETONE_SET_DESCRIPTION && strlen(e->cause) < sizeof(type))
		memcpy(type, e->cause, strlen(e->cause) + 1);
}

/* Alice's INVITE is out, bob's answer is awaited. */
static void offer(const char *content_type, const char *body)
{
	agent_begin(&n.a);
	agent_begin(&n.b);
	n.a.late = n.b.late = true;
	n.a.on_event = n.b.on_event = note_type;
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } },
					    &n.a.session), 0);
	agent_run(&n, 50);
	sidetone_session_describe(n.a.session, content_type, body);
	agent_run(&n, 50);
	agent_forget(&n.a);
	agent_forget(&n.b);
	assert_int_equal(sidetone_session_accept(n.b.session, NULL), 0);
	agent_run(&n, 5);
}

static void any_type(void **state)
{
	(void)state;
	offer("text/offer", "rock");
	assert_true(agent_said(&n.a, "Content-Type: text/offer\r\n"));
	agent_expect(&n.b, "setDescription");
	assert_string_equal(type, "text/offer");
	sidetone_session_described(n.b.session, 0);
	sidetone_session_describe(n.b.session, "text/answer", "paper");
	assert_true(agent_said(&n.b, "Content-Type: text/answer\r\n"));
	agent_run(&n, 5);
	assert_string_equal(type, "text/answer");
	sidetone_session_described(n.a.session, 0);
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_CONFIRMED);
}

/* Only whoever calls is reached by the flow of his INVITE (RFC 5626 4.3); SIP.js too says ;ob there alone. */
static void outbound_in_requests(void **state)
{
	(void)state;
	offer(NULL, "offer");
	assert_true(agent_said(&n.a, ";ob>\r\n"));
	sidetone_session_described(n.b.session, 0);
	sidetone_session_describe(n.b.session, NULL, "answer");
	assert_true(agent_said(&n.b, "SIP/2.0 200 "));
	assert_true(agent_said(&n.b, "Contact: "));
	assert_false(agent_said(&n.b, ";ob>"));
}

/* The ACK was out before anybody could know: BYE, and why. */
static void an_answer_refused_late(void **state)
{
	(void)state;
	offer(NULL, "offer");
	sidetone_session_described(n.b.session, 0);
	sidetone_session_describe(n.b.session, NULL, "answer");
	agent_run(&n, 5);
	agent_forget(&n.a);
	agent_forget(&n.b);
	sidetone_session_described(n.a.session, 488);
	agent_expect(&n.a, "rejected failed mediaClosed terminated");
	assert_string_equal(n.a.cause, "Bad Media Description");
	assert_true(agent_said(&n.a, "BYE "));
	assert_true(agent_said(&n.a, "Reason: SIP ;cause=488"));
	agent_run(&n, 5);
	agent_expect(&n.b, "bye mediaClosed terminated");
}

static bool bye_was_first;

static void note_bye(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_TERMINATED)
		bye_was_first = agent_said(p, "BYE ");
}

/* RFC 3261 13.3.1.4 */
static void bye_before_the_end(void **state)
{
	(void)state;
	offer(NULL, "offer");
	n.a.deaf = true;
	n.b.on_event = note_bye;
	sidetone_session_described(n.b.session, 0);
	sidetone_session_describe(n.b.session, NULL, "answer");
	agent_run(&n, 33000);
	assert_string_equal(n.b.cause, "No ACK");
	assert_true(bye_was_first);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(any_type), T(outbound_in_requests), T(an_answer_refused_late), T(bye_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
