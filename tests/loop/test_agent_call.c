/* Calls between two user agents: what each side is told, in which order, and what goes wrong. */
#include "agent_net.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* ---- it comes up ---------------------------------------------------------------------------- */

static void a_call(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	agent_expect(&n.b, "invite");
	agent_expect(&n.a, "describe inviteSent progress(100) dialog progress(180)");
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_1XX_RECEIVED);
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_WAITING_FOR_ANSWER);
	assert_int_equal(sidetone_session_accept(n.b.session, "X-Foo: bar"), 0);
	agent_expect(&n.b, "setDescription describe accepted");
	assert_string_equal(n.b.heard, "word-a1");
	assert_true(agent_said(&n.b, "X-Foo: bar\r\n"));
	agent_run(&n, 5);
	agent_expect(&n.a, "setDescription ack accepted");
	assert_string_equal(n.a.heard, "word-b1");
	agent_expect(&n.b, "confirmed");
	assert_int_equal(sidetone_session_bye(n.a.session, 0, NULL, NULL), 0);
	agent_expect(&n.a, "bye mediaClosed terminated");
	agent_run(&n, 5);
	agent_expect(&n.b, "bye mediaClosed terminated");
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_TERMINATED);
	assert_int_equal(sidetone_session_bye(n.a.session, 0, NULL, NULL), 0);
}

/* Descriptions take their time on either side; nothing is told before they are there. */
static void late_descriptions(void **state)
{
	(void)state;
	both_begin();
	n.a.late = n.b.late = true;
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } },
					    &n.a.session), 0);
	agent_run(&n, 50);
	agent_expect(&n.a, "describe");
	agent_describe(&n.a);
	agent_run(&n, 50);
	agent_expect(&n.a, "inviteSent progress(100) dialog progress(180)");
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 50);
	agent_expect(&n.b, "invite setDescription");
	sidetone_session_described(n.b.session, 0);
	agent_expect(&n.b, "describe");
	agent_describe(&n.b);
	agent_run(&n, 50);
	agent_expect(&n.b, "accepted confirmed");
	agent_expect(&n.a, "setDescription ack");
	sidetone_session_described(n.a.session, 0);
	agent_expect(&n.a, "accepted");
}

static void without_sdp(void **state)
{
	(void)state;
	both_begin();
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" },
					    .without_sdp = true }, &n.a.session), 0);
	agent_run(&n, 10);
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 10);
	agent_expect(&n.b, "invite describe accepted setDescription confirmed");
	agent_expect(&n.a, "inviteSent progress(100) dialog progress(180) setDescription describe ack accepted");
	assert_string_equal(n.b.heard, "word-a1");
}

static void anonymous(void **state)
{
	const struct sidetone_invite_options o = { .request = { .target = "bob" }, .anonymous = true };

	(void)state;
	sidetone_ua_set_string(n.a.ua, "displayName", "Alice");
	both_begin();
	assert_int_equal(sidetone_ua_invite(n.a.ua, &o, &n.a.session), 0);
	agent_run(&n, 1);
	assert_true(agent_said(&n.a, "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
	assert_true(agent_said(&n.a, "P-Preferred-Identity: <sip:alice@example.com>\r\nPrivacy: id\r\n"));
	agent_run(&n, 10);
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 10);
	assert_false(agent_said(&n.a, "Alice"));        /* nor the ACK */
}

/* ---- it does not ------------------------------------------------------------------------------ */

static void refused(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	agent_forget(&n.a);
	agent_forget(&n.b);
	assert_int_equal(sidetone_session_reject(n.b.session, 486, "Out to lunch", "X-Why: so"), 0);
	agent_expect(&n.b, "rejected failed mediaClosed terminated");
	assert_true(agent_said(&n.b, "SIP/2.0 486 Out to lunch\r\n"));
	assert_true(agent_said(&n.b, "X-Why: so\r\n"));
	agent_run(&n, 5);
	agent_expect(&n.a, "rejected failed mediaClosed terminated");
	assert_string_equal(n.a.cause, "Busy");
	assert_int_equal(sidetone_session_reject(n.b.session, 486, NULL, NULL), EPERM);
}

static void wrong_states_and_statuses(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	assert_int_equal(sidetone_session_reject(n.b.session, 200, NULL, NULL), EINVAL);
	assert_string_equal(sidetone_ua_error(n.b.ua), "Invalid statusCode: 200");
	assert_int_equal(sidetone_session_accept(n.a.session, NULL), EPERM);
	assert_string_equal(sidetone_ua_error(n.a.ua), "Invalid status: 2");
	assert_int_equal(sidetone_session_reinvite(n.a.session, NULL, false), EPERM);
	assert_int_equal(sidetone_session_refer(n.a.session, "c", NULL, NULL, NULL), EPERM);
	assert_int_equal(sidetone_session_cancel(n.a.session, 100, NULL, NULL), EINVAL);
}

static void cancelled(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	agent_forget(&n.a);
	agent_forget(&n.b);
	assert_int_equal(sidetone_session_cancel(n.a.session, 487, "enough", NULL), 0);
	agent_expect(&n.a, "cancel");
	assert_true(agent_said(&n.a, "Reason: SIP ;cause=487 ;text=\"enough\"\r\n"));
	agent_run(&n, 10);
	agent_expect(&n.b, "cancel rejected failed mediaClosed terminated");
	assert_string_equal(n.b.cause, "Canceled");
	agent_expect(&n.a, "rejected failed mediaClosed terminated");
}

static void cancelled_before_the_first_answer(void **state)
{
	(void)state;
	both_begin();
	n.a.deaf = true;
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } },
					    &n.a.session), 0);
	agent_run(&n, 5);
	sidetone_session_cancel(n.a.session, 0, NULL, NULL);
	assert_string_equal(n.a.sent, "INVITE");        /* it may not overtake it (RFC 3261 9.1) */
	agent_run(&n, 33000);
	agent_expect(&n.a, "describe inviteSent cancel failed mediaClosed terminated");
}

static void cancelled_before_it_left(void **state)
{
	(void)state;
	agent_begin(&n.b);
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } },
					    &n.a.session), 0);
	sidetone_session_terminate(n.a.session, 0, NULL, NULL);
	agent_expect(&n.a, "cancel failed mediaClosed terminated");
}

static void an_answer_that_crosses_the_cancel(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	agent_forget(&n.a);
	sidetone_session_accept(n.b.session, NULL);
	sidetone_session_cancel(n.a.session, 0, NULL, NULL);
	agent_run(&n, 10);
	agent_expect(&n.a, "cancel failed mediaClosed terminated");
	agent_expect(&n.b, "invite setDescription describe accepted confirmed bye mediaClosed terminated");
}

static void nobody_answers(void **state)
{
	(void)state;
	sidetone_ua_set_number(n.b.ua, "noAnswerTimeout", 20);
	both_begin();
	agent_call(&n);
	agent_forget(&n.a);
	agent_run(&n, 20000);
	agent_expect(&n.b, "invite rejected failed mediaClosed terminated");
	assert_string_equal(n.b.cause, "No Answer");
	agent_expect(&n.a, "rejected failed mediaClosed terminated");
	assert_string_equal(n.a.cause, "Unavailable");
}

static void no_media(void **state)
{
	(void)state;
	both_begin();
	n.a.no_description = true;
	assert_int_equal(sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } },
					    &n.a.session), 0);
	agent_run(&n, 5);
	agent_expect(&n.a, "describe failed mediaClosed terminated");
	assert_string_equal(n.a.cause, "WebRTC Error");
}

static void an_offer_that_cannot_be_used(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	n.b.described = 488;
	agent_forget(&n.a);
	agent_forget(&n.b);
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 10);
	agent_expect(&n.b, "setDescription rejected failed mediaClosed terminated");
	agent_expect(&n.a, "rejected failed mediaClosed terminated");
	assert_string_equal(n.a.cause, "Incompatible SDP");
}

static void an_answer_that_cannot_be_used(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	n.a.described = 488;
	agent_forget(&n.a);
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 20);
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_TERMINATED);
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_STATUS_TERMINATED);
	assert_string_equal(n.a.cause, "Bad Media Description");
}

static void the_connection_is_lost_while_it_rings(void **state)
{
	(void)state;
	both_begin();
	agent_call(&n);
	agent_forget(&n.a);
	agent_forget(&n.b);
	agent_drop(&n.a);
	agent_drop(&n.b);
	agent_run(&n, 1);
	assert_non_null(strstr(n.a.log, "failed mediaClosed terminated"));
	assert_non_null(strstr(n.b.log, "failed mediaClosed terminated"));
	assert_string_equal(n.a.cause, "Connection Error");
}

/* ---- while it is up ------------------------------------------------------------------------------- */

static void it_outlives_its_connection(void **state)
{
	(void)state;
	agent_call_up(&n);
	agent_drop(&n.a);
	agent_run(&n, 20);
	agent_forget(&n.a);
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_CONFIRMED);
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 20);
	agent_expect(&n.a, "describe setDescription reinviteAccepted");
	sidetone_session_bye(n.b.session, 0, NULL, NULL);
	agent_run(&n, 5);
	agent_expect(&n.a, "bye mediaClosed terminated");
}

static void a_new_offer(void **state)
{
	(void)state;
	agent_call_up(&n);
	assert_int_equal(sidetone_session_reinvite(n.a.session, "X-Hold: yes", false), 0);
	assert_true(agent_said(&n.a, "X-Hold: yes\r\n"));
	agent_run(&n, 10);
	agent_expect(&n.a, "describe setDescription reinviteAccepted");
	agent_expect(&n.b, "reinvite setDescription describe reinviteAccepted confirmed");
	assert_string_equal(n.b.heard, "word-a2");
	assert_string_equal(n.a.heard, "word-b2");
}

static void a_new_offer_that_takes_time(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.a.late = n.b.late = true;
	sidetone_session_reinvite(n.a.session, NULL, true);
	agent_expect(&n.a, "describe");
	assert_int_equal(sidetone_session_reinvite(n.a.session, NULL, true), EBUSY);
	agent_describe(&n.a);
	assert_true(agent_said(&n.a, "UPDATE sip:"));
	agent_run(&n, 10);
	sidetone_session_described(n.b.session, 0);
	agent_describe(&n.b);
	agent_run(&n, 10);
	agent_expect(&n.b, "reinvite setDescription describe reinviteAccepted");
	agent_expect(&n.a, "setDescription");
	sidetone_session_described(n.a.session, 0);
	agent_expect(&n.a, "reinviteAccepted");
}

static void a_new_offer_is_refused(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.b.described = 488;
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 10);
	agent_expect(&n.a, "describe reinviteFailed");
	assert_string_equal(n.a.cause, "Incompatible SDP");
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_STATUS_CONFIRMED);
}

/* Both offer at once: RFC 3261 14.1 has them try again. */
static void glare(void **state)
{
	(void)state;
	agent_call_up(&n);
	sidetone_session_reinvite(n.a.session, NULL, false);
	sidetone_session_reinvite(n.b.session, NULL, false);
	agent_run(&n, 6000);
	assert_non_null(strstr(n.a.log, "describe setDescription reinviteAccepted"));
	assert_non_null(strstr(n.b.log, "reinviteAccepted"));
	assert_null(strstr(n.a.log, "Failed"));
	assert_null(strstr(n.b.log, "Failed"));
}

static void digits_and_other_requests(void **state)
{
	(void)state;
	agent_call_up(&n);
	assert_int_equal(sidetone_session_info_digit(n.a.session, '5', 120), 0);
	agent_run(&n, 5);
	agent_expect(&n.b, "dtmf");
	assert_string_equal(n.b.text, "5");
	agent_expect(&n.a, "accepted");
	assert_true(agent_said(&n.a, "Signal= 5\r\nDuration= 120"));
	assert_int_equal(sidetone_session_request(n.a.session, "INFO", "X-Foo: bar", "text/plain", "hey", NULL), 0);
	agent_run(&n, 5);
	agent_expect(&n.b, "info");
	agent_expect(&n.a, "accepted");
	sidetone_session_request(n.a.session, "FOO", NULL, NULL, NULL, NULL);
	agent_run(&n, 5);
	agent_expect(&n.a, "rejected failed");
	assert_true(agent_said(&n.b, "Allow: "));
}

static void a_message_in_the_call(void **state)
{
	(void)state;
	agent_call_up(&n);
	assert_int_equal(sidetone_session_request(n.a.session, "MESSAGE", NULL, "text/plain", "hello", NULL), 0);
	agent_run(&n, 5);
	agent_expect(&n.b, "message");
	agent_expect(&n.a, "accepted");
	sidetone_incoming_free(n.b.incoming);
}

static void a_transfer(void **state)
{
	(void)state;
	agent_call_up(&n);
	assert_int_equal(sidetone_session_refer(n.a.session, "carol", NULL, NULL, &n.a.request), 0);
	agent_run(&n, 2);
	agent_expect(&n.b, "referRequested");
	assert_true(agent_said(&n.a, "Refer-To: <sip:carol@example.com>\r\nReferred-By: <sip:alice@example.com>\r\n"));
	assert_int_equal(sidetone_refer_accept(n.b.incoming, NULL), 0);
	agent_run(&n, 5);
	agent_expect(&n.a, "accepted referProgress(100)");
	assert_int_equal(sidetone_refer_tell(n.b.incoming, 200, NULL), 0);
	agent_run(&n, 5);
	agent_expect(&n.a, "referProgress(200)");
	sidetone_incoming_free(n.b.incoming);
	sidetone_request_free(n.a.request);
}

static void a_transfer_is_refused(void **state)
{
	(void)state;
	agent_call_up(&n);
	sidetone_session_refer(n.a.session, "carol", NULL, NULL, NULL);
	agent_run(&n, 2);
	assert_int_equal(sidetone_incoming_reply(n.b.incoming, 603, NULL, NULL, NULL, NULL), 0);
	agent_run(&n, 5);
	agent_expect(&n.a, "rejected failed");
	sidetone_incoming_free(n.b.incoming);
}

/* ---- early media, reliable ---------------------------------------------------------------------------- */

static void reliable_early_media(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "rel100", "supported");
	sidetone_ua_set_string(n.b.ua, "rel100", "supported");
	both_begin();
	agent_call(&n);
	agent_forget(&n.a);
	agent_forget(&n.b);
	assert_int_equal(sidetone_session_progress(n.b.session, 0, NULL, NULL, true), 0);
	assert_true(agent_said(&n.b, "SIP/2.0 183 "));
	assert_true(agent_said(&n.b, "Require: 100rel\r\n"));
	agent_run(&n, 10);
	agent_expect(&n.a, "setDescription progress(183)");
	assert_non_null(strstr(n.a.sent, "PRACK"));
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_EARLY_MEDIA);
	assert_int_equal(sidetone_session_accept(n.b.session, NULL), 0);
	agent_run(&n, 10);
	agent_expect(&n.a, "ack accepted");
	agent_expect(&n.b, "setDescription describe progress(183) accepted confirmed");
}

static void it_is_required(void **state)
{
	(void)state;
	sidetone_ua_set_string(n.a.ua, "rel100", "required");
	both_begin();
	sidetone_ua_invite(n.a.ua, &(struct sidetone_invite_options){ .request = { .target = "bob" } }, &n.a.session);
	agent_run(&n, 1);
	assert_true(agent_said(&n.a, "Require: 100rel\r\n"));
	agent_run(&n, 5);
	/* Whoever must be asked is, with no 180 that would have to be acknowledged. */
	agent_expect(&n.b, "invite");
	assert_true(agent_said(&n.b, "SIP/2.0 100 "));
	assert_int_equal(sidetone_session_progress(n.b.session, 0, NULL, NULL, false), 0);
	agent_run(&n, 10);
	assert_int_equal(sidetone_session_status(n.b.session), SIDETONE_EARLY_MEDIA);
	assert_non_null(strstr(n.a.sent, "PRACK"));
}

/* ---- Replaces -------------------------------------------------------------------------------------------- */

static void one_call_takes_the_place_of_another(void **state)
{
	struct sidetone_session *first;
	char header[300];
	const char *id;

	(void)state;
	sidetone_ua_set_string(n.b.ua, "replaces", "supported");
	agent_call_up(&n);
	first = n.b.session;
	id = strstr(n.a.said, "Call-ID: ") + 9;
	{
		const char *from = strstr(n.a.said, "From: "), *to = strstr(n.a.said, "To: ");
		const char *ft = strstr(from, ";tag=") + 5, *tt = strstr(to, ";tag=") + 5;

		snprintf(header, sizeof(header), "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s", (int)strcspn(id, "\r"), id,
			 (int)strcspn(tt, "\r;"), tt, (int)strcspn(ft, "\r;"), ft);
	}
	struct sidetone_session *old = n.a.session;
	const struct sidetone_invite_options o = { .request = { .target = "bob", .headers = header } };

	assert_int_equal(sidetone_ua_invite(n.a.ua, &o, &n.a.session), 0);
	agent_run(&n, 10);
	assert_ptr_not_equal(n.b.session, first);
	sidetone_session_accept(n.b.session, NULL);
	agent_run(&n, 10);
	agent_expect(&n.b, "invite setDescription describe accepted replaced bye mediaClosed terminated confirmed");
	assert_int_equal(sidetone_session_status(n.a.session), SIDETONE_STATUS_CONFIRMED);
	assert_int_equal(sidetone_session_status(old), SIDETONE_STATUS_TERMINATED);
	sidetone_session_free(old);
	sidetone_session_free(first);
}

/* ---- the end of all ---------------------------------------------------------------------------------------- */

static void a_stop_ends_calls(void **state)
{
	(void)state;
	agent_call_up(&n);
	sidetone_ua_stop(n.a.ua);
	agent_run(&n, 60);
	assert_int_equal(n.a.conn, 0);
	agent_expect(&n.b, "bye mediaClosed terminated");
	agent_expect(&n.a, "bye mediaClosed terminated registerAccepted unregistered disconnected");
}

static void hung_up_inside_an_event(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type == SIDETONE_PROGRESS && e->status == 180) {
		sidetone_session_free(e->session);
		p->session = NULL;
	}
}

static void all_freed_inside_an_event(struct agent_party *p, const struct sidetone_event *e)
{
	if (e->type != SIDETONE_REINVITE)
		return;
	sidetone_session_free(e->session);
	p->session = NULL;
	sidetone_ua_free(p->ua);
	p->ua = NULL;
}

static void the_agent_is_freed_inside_an_event(void **state)
{
	(void)state;
	agent_call_up(&n);
	n.b.on_event = all_freed_inside_an_event;
	sidetone_session_reinvite(n.a.session, NULL, false);
	agent_run(&n, 10);
	assert_null(n.b.ua);
}

static void freed_inside_an_event(void **state)
{
	(void)state;
	both_begin();
	n.a.on_event = hung_up_inside_an_event;
	agent_call(&n);
	agent_run(&n, 50);
	assert_non_null(strstr(n.b.log, "cancel"));
}

static void freed_with_everything_alive(void **state)
{
	(void)state;
	agent_call_up(&n);
	sidetone_ua_request(n.a.ua, &(struct sidetone_request_options){ .method = "OPTIONS", .target = "bob" }, NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_call), T(late_descriptions), T(without_sdp), T(anonymous), T(refused), T(wrong_states_and_statuses),
		T(cancelled), T(cancelled_before_the_first_answer), T(cancelled_before_it_left), T(an_answer_that_crosses_the_cancel),
		T(nobody_answers), T(no_media), T(an_offer_that_cannot_be_used), T(an_answer_that_cannot_be_used),
		T(the_connection_is_lost_while_it_rings), T(it_outlives_its_connection), T(a_new_offer),
		T(a_new_offer_that_takes_time), T(a_new_offer_is_refused), T(glare), T(digits_and_other_requests), T(a_message_in_the_call), T(a_transfer),
		T(a_transfer_is_refused), T(reliable_early_media), T(it_is_required), T(one_call_takes_the_place_of_another),
		T(a_stop_ends_calls), T(freed_inside_an_event), T(the_agent_is_freed_inside_an_event), T(freed_with_everything_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
