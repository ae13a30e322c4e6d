/* Calls between two user agents over a wire that loses: how they begin and end. Changes are
 * test_ua_change.c's, forks and transfers test_ua_fork.c's. */
#include "ua_call.h"
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

static enum ua_invite_state b_is(void)
{
	return ua_invite_state(n.b.iv);
}

/* ---- beginning -------------------------------------------------------------------------- */

static void answered(void **state)
{
	(void)state;
	call_invite(&n);
	assert_non_null(strstr(n.l.a.said, "Supported: 100rel, timer, replaces\r\n"));
	assert_non_null(strstr(n.l.a.said, "X-Kind: request 0\r\n"));
	assert_non_null(strstr(n.l.a.said, "Content-Type: text/word\r\n"));
	assert_int_equal(call_take(&n), 0);
	assert_string_equal(n.b.heard, "offer-a");
	assert_int_equal(ua_invite_exchange(n.b.iv), UA_EXCHANGE_THEIRS);
	assert_int_equal(ua_invite_ring(n.b.iv, 180, false), 0);
	link_run(&n.l, 5);
	assert_int_equal(n.a.progress_status, 180);
	assert_int_equal(n.a.answers, 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	assert_non_null(strstr(n.l.b.said, "Contact: <sip:bob@192.0.2.2:5060>\r\n"));
	assert_non_null(strstr(n.l.b.said, "Server: Tester\r\n"));
	assert_non_null(strstr(n.l.b.said, "X-Kind: response 200\r\n"));
	link_run(&n.l, 5);
	assert_string_equal(n.a.heard, "answer-b");
	assert_int_equal(n.a.answered, 1);
	assert_int_equal(n.b.acked, 1);
	assert_ptr_equal(ua_invite_of(ua_invite_dialog(n.b.iv)), n.b.iv);
	call_end(&n.a);
	link_run(&n.l, 5);
	assert_int_equal(n.b.ended, 1);
	assert_int_equal(n.b.why, UA_END_BYE);
	assert_int_equal(b_is(), UA_INVITE_OVER);
}

static void over_a_bad_wire(void **state)
{
	(void)state;
	n.l.a.lose_every = n.l.b.lose_every = 3;
	n.l.a.lose = 1;
	call_invite(&n);
	link_run(&n.l, 3000);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 20000);
	assert_int_equal(n.a.answered, 1);
	assert_int_equal(n.b.acked, 1);
	n.l.b.lose = 2;
	call_end(&n.b);
	link_run(&n.l, 20000);
	assert_int_equal(n.a.why, UA_END_BYE);
}

static void offer_in_the_200(void **state)
{
	(void)state;
	n.a.offer = NULL;
	call_invite(&n);
	assert_null(strstr(n.l.a.said, "offer-a"));
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(n.b.offers, 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 5);
	assert_int_equal(n.a.offers, 1);
	assert_string_equal(n.a.heard, "offer-b");
	assert_string_equal(n.b.heard, "answer-a");
	assert_int_equal(n.a.answered, 1);
	assert_int_equal(n.b.answers, 1);
}

static void no_answer_in_the_ack(void **state)
{
	(void)state;
	n.b.end_at_once = true;
	n.a.offer = NULL;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.a.fail = EPROTO;              /* she cannot write the answer */
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 5);
	assert_int_equal(n.b.why, UA_END_NO_BODY);
	assert_int_equal(n.a.why, UA_END_NO_BODY);
}

/* Her answer takes time: the ACK waits for it. */
static void offer_in_the_200_judged_later(void **state)
{
	(void)state;
	n.a.offer = NULL;
	n.a.refuse_offer = UA_INVITE_LATER;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 2000);           /* the 200 comes again */
	assert_int_equal(n.a.answered, 0);
	assert_int_equal(n.b.acked, 0);
	ua_invite_judged(n.a.iv, 0);
	link_run(&n.l, 5);
	assert_int_equal(n.a.answered, 1);
	assert_string_equal(n.b.heard, "answer-a");
	/* Ended before she knew. */
	call_end(&n.a);
	call_end(&n.b);
	link_run(&n.l, 100);
	n.b.ended = 0;
	n.b.end_at_once = true;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 5);
	call_end(&n.a);
	link_run(&n.l, 10);
	assert_int_equal(n.b.ended, 1);
}

/* Another offer of his before she has answered the one in his 200. */
static void a_reinvite_before_our_ack(void **state)
{
	struct sip_out *o;

	(void)state;
	n.a.offer = NULL;
	n.a.refuse_offer = UA_INVITE_LATER;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 5);
	o = GOT(sip_dialog_request(ua_invite_dialog(n.b.iv), SIP_INVITE));
	sip_out_body(o, STR("text/word"), STR("offer-2"));
	obj_drop(link_send(&n.l.b, o));
	link_run(&n.l, 5);
	assert_int_equal(n.l.b.last_status, 491);
	n.a.refuse_offer = 0;
	ua_invite_judged(n.a.iv, 0);
	link_run(&n.l, 5);
	assert_int_equal(n.a.answered, 1);
}

static void offer_in_a_reliable_response(void **state)
{
	(void)state;
	n.a.offer = NULL;
	n.b.prm.rel100 = UA_REL100_REQUIRED;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_ring(n.b.iv, 183, true), 0);
	link_run(&n.l, 10);
	assert_string_equal(n.a.heard, "offer-b");
	assert_string_equal(n.b.heard, "answer-a");
	assert_int_equal(n.a.progress, 1);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 10);
	assert_int_equal(n.a.answered, 1);
	assert_int_equal(n.a.offers, 1);
}

static void refused(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_refuse(n.b.iv, 486, STR("Retry-After: 9\r\n")), 0);
	assert_non_null(strstr(n.l.b.said, "Retry-After: 9\r\n"));
	assert_int_equal(n.b.failed, 1);
	assert_int_equal(ua_invite_refuse(n.b.iv, 486, STR_NULL), EALREADY);
	assert_int_equal(ua_invite_answer(n.b.iv), EALREADY);
	link_run(&n.l, 5);
	assert_int_equal(n.a.why, UA_END_REFUSED);
	assert_int_equal(n.a.end_status, 486);
	assert_int_equal(n.a.failed, 1);
	assert_int_equal(a_is(), UA_INVITE_OVER);
	assert_int_equal(n.b.ended, 0);
}

static void offer_refused(void **state)
{
	(void)state;
	n.b.refuse_offer = 488;
	call_invite(&n);
	assert_int_equal(call_take(&n), 488);
	assert_int_equal(b_is(), UA_INVITE_OVER);
	assert_int_equal(n.a.end_status, 488);
}

static void answer_unusable(void **state)
{
	(void)state;
	n.a.refuse_answer = 488;
	n.a.end_at_once = true;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 10);
	assert_int_equal(n.a.why, UA_END_NO_BODY);
	assert_int_equal(n.a.answered, 0);
	assert_int_equal(n.b.why, UA_END_BYE);
	assert_int_equal(n.b.acked, 1);
}

static void nobody_there(void **state)
{
	(void)state;
	n.l.a.lose = 1000;
	call_invite(&n);
	link_run(&n.l, 33000);
	assert_int_equal(n.a.why, UA_END_FAILED);
	assert_int_equal(n.a.err, ETIMEDOUT);
}

static void answer_cannot_be_written(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.b.fail = ENOBUFS;
	assert_int_equal(ua_invite_answer(n.b.iv), ENOBUFS);
	assert_int_equal(b_is(), UA_INVITE_RINGING);
	assert_int_equal(ua_invite_refuse(n.b.iv, 503, STR_NULL), 0);
	link_run(&n.l, 5);
	assert_int_equal(n.a.end_status, 503);
}

static void offer_cannot_be_written(void **state)
{
	(void)state;
	n.a.fail = ENOBUFS;
	call_invite(&n);
	assert_int_equal(n.l.a.sent, 0);
	assert_int_equal(n.a.why, UA_END_FAILED);
	assert_int_equal(n.a.err, ENOBUFS);
}

/* ---- CANCEL ------------------------------------------------------------------------------------ */

static void cancelled(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	ua_invite_end(n.a.iv, STR("Reason: SIP;cause=200\r\n"));
	assert_int_equal(a_is(), UA_INVITE_CANCELLED);
	assert_non_null(strstr(n.l.a.said, "CANCEL sip:bob@192.0.2.2"));
	assert_non_null(strstr(n.l.a.said, "Reason: SIP;cause=200\r\n"));
	link_run(&n.l, 5);
	assert_int_equal(n.b.why, UA_END_CANCEL);
	assert_int_equal(b_is(), UA_INVITE_OVER);
	assert_int_equal(a_is(), UA_INVITE_OVER);
	assert_int_equal(n.a.ended, 0);         /* who ends it is told nothing */
}

static void cancel_crosses_the_answer(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	call_end(&n.a);
	link_run(&n.l, 10);
	assert_int_equal(n.a.answered, 0);
	assert_int_equal(n.b.acked, 1);
	assert_int_equal(n.b.why, UA_END_BYE);
}

static void cancelled_before_it_was_heard(void **state)
{
	(void)state;
	n.l.a.lose = 1;
	call_invite(&n);
	call_end(&n.a);
	link_run(&n.l, 600);            /* the INVITE again; no CANCEL before a response (9.1) */
	assert_int_equal(call_take(&n), 0);
	link_run(&n.l, 5);
	assert_int_equal(n.b.why, UA_END_CANCEL);
}

/* ---- reliable provisional responses ----------------------------------------------------------------- */

static void reliable(void **state)
{
	(void)state;
	n.b.prm.rel100 = UA_REL100_PEER_SUPPORTED;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.l.b.lose = 1;
	assert_int_equal(ua_invite_ring(n.b.iv, 183, true), 0);
	assert_int_equal(ua_invite_ring(n.b.iv, 180, false), 0);        /* waits for its turn */
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	assert_int_equal(b_is(), UA_INVITE_ANSWERING);
	link_run(&n.l, 400);
	assert_int_equal(n.a.progress, 0);
	link_run(&n.l, 200);
	/* 183 came again and was acknowledged; 180 and the 200 followed. */
	assert_int_equal(n.a.progress, 2);
	assert_int_equal(n.a.progress_status, 180);
	assert_int_equal(n.a.answers, 1);
	assert_int_equal(b_is(), UA_INVITE_UP);
	assert_int_equal(n.a.answered, 1);
}

static void never_acknowledged(void **state)
{
	(void)state;
	n.b.prm.rel100 = UA_REL100_REQUIRED;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	assert_int_equal(ua_invite_ring(n.b.iv, 180, false), 0);
	n.l.a.lose = 1000;
	link_run(&n.l, 31900);
	assert_int_equal(n.b.ended, 0);
	link_run(&n.l, 200);
	assert_int_equal(n.b.why, UA_END_NO_PRACK);
	assert_int_equal(n.a.end_status, 504);
}

static void not_reliable(void **state)
{
	(void)state;
	n.a.prm.rel100 = UA_REL100_NO;
	n.b.prm.rel100 = UA_REL100_REQUIRED;
	call_invite(&n);
	assert_null(strstr(n.l.a.said, "100rel"));
	assert_int_equal(call_take(&n), 421);
	call_end(&n.a);
	call_end(&n.b);
	n.a.prm.rel100 = UA_REL100_REQUIRED;
	n.b.prm.rel100 = UA_REL100_NO;
	call_invite(&n);
	assert_non_null(strstr(n.l.a.said, "Require: 100rel\r\n"));
	assert_int_equal(call_take(&n), 420);
	assert_int_equal(n.a.end_status, 420);
}

/* ---- ending ----------------------------------------------------------------------------------------------- */

static void bye_waits_for_the_ack(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.l.a.lose = 1;                 /* the ACK */
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	ua_invite_end(n.b.iv, STR("X-Last: word\r\n"));
	assert_int_equal(b_is(), UA_INVITE_LEAVING);
	link_run(&n.l, 100);
	assert_int_equal(n.a.ended, 0);
	link_run(&n.l, 1000);
	assert_int_equal(n.a.why, UA_END_BYE);
	assert_int_equal(b_is(), UA_INVITE_OVER);
}

static void no_ack_at_all(void **state)
{
	(void)state;
	n.b.end_at_once = true;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.l.a.lose = 1000;
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 33000);
	assert_int_equal(n.b.why, UA_END_NO_ACK);
	assert_int_equal(n.a.why, UA_END_BYE);
}

static void both_at_once(void **state)
{
	(void)state;
	call_up(&n);
	call_end(&n.a);
	call_end(&n.b);
	link_run(&n.l, 3);
	/* Neither has that dialog any more. */
	assert_int_equal(n.l.a.msg->method, SIP_BYE);
	sip_server_tx_reply(n.l.a.tx, 481);
	sip_server_tx_reply(n.l.b.tx, 481);
	link_run(&n.l, 5);
	assert_true(list_empty(&n.a.ua.requests));
	assert_true(list_empty(&n.b.ua.requests));
}

static void gone(void **state)
{
	struct sip_out *o;

	(void)state;
	n.a.end_at_once = true;
	call_up(&n);
	sip_dialog_close(ua_invite_dialog(n.b.iv));
	o = GOT(sip_dialog_request(ua_invite_dialog(n.a.iv), SIP_INFO));
	assert_int_equal(ua_invite_send(n.a.iv, o, call_done), 0);
	obj_drop(o);
	link_run(&n.l, 5);
	sip_server_tx_reply(n.l.b.tx, 481);
	link_run(&n.l, 5);
	assert_int_equal(n.a.done_status, 481);
	assert_int_equal(n.a.why, UA_END_GONE);
}

static void at_the_end_of_the_program(void **state)
{
	(void)state;
	call_invite(&n);
	assert_int_equal(call_take(&n), 0);
	n.l.a.lose = 1000;
	assert_int_equal(ua_invite_answer(n.b.iv), 0);
	link_run(&n.l, 5);
	call_end(&n.b);
	assert_int_equal(n.a.ended, 0);
	ua_invites_abandon(&n.b.ua);
	link_run(&n.l, 5);
	assert_int_equal(n.a.why, UA_END_BYE);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(answered), T(over_a_bad_wire), T(offer_in_the_200), T(no_answer_in_the_ack),
		T(offer_in_the_200_judged_later), T(offer_in_a_reliable_response), T(a_reinvite_before_our_ack), T(refused), T(offer_refused),
		T(answer_unusable), T(nobody_there), T(answer_cannot_be_written), T(offer_cannot_be_written), T(cancelled),
		T(cancel_crosses_the_answer), T(cancelled_before_it_was_heard), T(reliable), T(never_acknowledged),
		T(not_reliable), T(bye_waits_for_the_ack), T(no_ack_at_all), T(both_at_once), T(gone),
		T(at_the_end_of_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
