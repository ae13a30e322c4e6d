/* One INVITE and many answers: early dialogs of forks (RFC 3261 13.2.2.4, 3262), and calls
 * that are sent elsewhere (RFC 3515, 3891). Bob's transaction speaks for all forks. */
#include "ua_call.h"
#include "ua/info.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* A response of the fork that says `tag`. */
static void fork_says(const char *tag, unsigned status, const char *headers, const char *body)
{
	struct sip_server_tx *tx = n.l.b.tx;

	str_copy(tx->to_tag, sizeof(tx->to_tag), str_z(tag));
	sip_server_tx_respond(tx, status, STR_NULL, str_z(headers), *body ? STR("text/word") : STR_NULL, str_z(body));
	link_run(&n.l, 5);
}

static void fork_rings(const char *tag, unsigned rseq, const char *body)
{
	char h[128];

	snprintf(h, sizeof(h), "Contact: <sip:%s@192.0.2.2>\r\nRequire: 100rel\r\nRSeq: %u\r\n", tag, rseq);
	fork_says(tag, 183, h, body);
}

static bool said(const char *what)
{
	return strstr(n.l.a.said, what) != NULL;
}

/* Each PRACK in the dialog of its own fork, whatever numbers the others use. */
static void each_has_its_prack(void **state)
{
	(void)state;
	call_invite(&n);
	struct sip_server_tx *invite = obj_hold(n.l.b.tx);

	fork_rings("one", 700, "word-1");
	assert_int_equal(n.l.b.msg->method, SIP_PRACK);
	assert_true(said("PRACK sip:one@192.0.2.2 "));
	assert_true(said("RAck: 700 1 INVITE\r\n"));
	assert_string_equal(n.a.heard, "word-1");
	sip_server_tx_reply(n.l.b.tx, 200);
	obj_drop(n.l.b.tx);
	n.l.b.tx = obj_hold(invite);
	fork_rings("two", 5, "word-2");
	assert_true(said("PRACK sip:two@192.0.2.2 "));
	assert_true(said(";tag=two\r\n"));
	assert_true(said("RAck: 5 1 INVITE\r\n"));
	assert_string_equal(n.a.heard, "word-2");
	sip_server_tx_reply(n.l.b.tx, 200);
	obj_drop(n.l.b.tx);
	n.l.b.tx = obj_hold(invite);
	/* The first again, a number too late. */
	n.l.a.sent = 0;
	fork_rings("one", 700, "word-1");
	assert_int_equal(n.l.a.sent, 0);
	assert_int_equal(n.a.progress, 3);
	obj_drop(n.l.b.tx);
	n.l.b.tx = invite;
	fork_says("two", 200, "Contact: <sip:two@192.0.2.2>\r\n", "");
	assert_true(said("ACK sip:two@192.0.2.2 "));
	assert_int_equal(n.a.answered, 1);
	call_end(&n.a);
	assert_true(said("BYE sip:two@192.0.2.2 "));
	link_run(&n.l, 5);
	sip_server_tx_reply(n.l.b.tx, 200);
	link_run(&n.l, 5);
}

/* The answer in force is the one of whoever answered the call. */
static void the_answer_of_the_second(void **state)
{
	(void)state;
	n.a.prm.follow_forks = false;
	call_invite(&n);
	fork_says("one", 183, "Contact: <sip:one@192.0.2.2>\r\n", "word-1");
	fork_says("two", 183, "Contact: <sip:two@192.0.2.2>\r\n", "word-2");
	assert_string_equal(n.a.heard, "word-1");
	fork_says("two", 200, "Contact: <sip:two@192.0.2.2>\r\n", "word-3");
	assert_string_equal(n.a.heard, "word-3");
	assert_string_equal(ua_invite_dialog(n.a.iv)->remote_tag.p, "two");
}

/* An answer of another fork that cannot be used leaves the first one in force. */
static void an_unusable_answer_of_the_second(void **state)
{
	(void)state;
	call_invite(&n);
	fork_says("one", 183, "Contact: <sip:one@192.0.2.2>\r\n", "word-1");
	n.a.refuse_answer = 488;
	fork_says("two", 183, "Contact: <sip:two@192.0.2.2>\r\n", "word-2");
	n.a.refuse_answer = 0;
	fork_says("one", 200, "Contact: <sip:one@192.0.2.2>\r\n", "");
	assert_int_equal(n.a.answered, 1);
	assert_true(said("ACK sip:one@192.0.2.2 "));
	assert_false(said("BYE "));
}

/* A further answer of the same fork counts when that is wanted. */
static void further_answers(void **state)
{
	(void)state;
	call_invite(&n);
	fork_says("one", 183, "", "word-1");
	fork_says("one", 183, "", "word-2");
	assert_string_equal(n.a.heard, "word-1");
	call_end(&n.a);
	link_run(&n.l, 10);
	fork_says("one", 487, "", "");
	n.a.prm.follow_answers = true;
	call_invite(&n);
	fork_says("one", 183, "", "word-1");
	fork_says("one", 183, "", "word-2");
	assert_string_equal(n.a.heard, "word-2");
}

/* Two phones picked up: one call is enough. */
static void second_200(void **state)
{
	char copy[1024], *tag;

	(void)state;
	call_invite(&n);
	fork_says("one", 200, "Contact: <sip:one@192.0.2.2>\r\n", "word-1");
	assert_int_equal(n.a.answered, 1);
	str_copy(copy, sizeof(copy), str_z(n.l.b.said));
	tag = strstr(copy, ";tag=one");
	assert_non_null(tag);
	memcpy(tag, ";tag=two", 8);
	link_inject(&n.l.a, copy);
	assert_true(said(";tag=two\r\n"));
	assert_true(said("BYE "));
	assert_int_equal(n.a.answered, 1);
	/* The one that counts, again. */
	n.l.a.sent = 0;
	memcpy(tag, ";tag=one", 8);
	link_inject(&n.l.a, copy);
	assert_int_equal(n.l.a.sent, 1);
	assert_true(said("ACK "));
	link_run(&n.l, 5);
}

static void many_forks(void **state)
{
	char tag[16];

	(void)state;
	call_invite(&n);
	for (int i = 0; i < 60; i++) {
		snprintf(tag, sizeof(tag), "fork%d", i);
		fork_says(tag, 180, "", "");
	}
	assert_in_range(n.a.progress, 30, 40);
	fork_says("fork59", 200, "Contact: <sip:last@192.0.2.2>\r\n", "word");
	assert_int_equal(n.a.answered, 1);
}

/* An early dialog beside the first one ends; the call goes on ringing. */
static void a_fork_hangs_up(void **state)
{
	char bye[600];
	const struct sip_dialog *d;

	(void)state;
	call_invite(&n);
	fork_says("one", 180, "", "");
	fork_says("two", 180, "", "");
	d = ua_invite_dialog(n.a.iv);
	snprintf(bye, sizeof(bye), "BYE sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKbye\r\n"
		 "From: <sip:bob@192.0.2.2>;tag=two\r\nTo: <sip:alice@192.0.2.1>;tag=%s\r\nCall-ID: %s\r\n"
		 "CSeq: 9 BYE\r\nContent-Length: 0\r\n\r\n", d->local_tag.p, d->call_id.p);
	link_inject(&n.l.a, bye);
	assert_true(said("SIP/2.0 200 OK"));
	assert_int_equal(n.a.ended, 0);
	assert_int_equal(ua_invite_state(n.a.iv), UA_INVITE_CALLING);
}

/* ---- REFER ------------------------------------------------------------------------------------ */

static void transferred(void **state)
{
	struct arena *a = GOT(arena_new(512));
	struct ua_refer r;

	(void)state;
	call_up(&n);
	assert_int_equal(ua_refer_send(n.a.iv, STR("<sip:carol@192.0.2.3?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2>"), STR_NULL,
				       call_refer_told), 0);
	assert_int_equal(ua_refer_send(n.a.iv, STR("<sip:dave@192.0.2.4>"), STR_NULL, call_refer_told), EBUSY);
	link_run(&n.l, 5);
	assert_int_equal(n.b.refers, 1);
	assert_int_equal(ua_refer_read(&r, n.b.msg, a), 0);
	assert_true(str_eq(r.target, STR("sip:carol@192.0.2.3")));
	assert_true(str_eq(r.replaces, STR("x@y;to-tag=1;from-tag=2")));
	assert_false(r.quiet);
	ua_refer_accept(n.b.iv, n.b.tx, false);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refer_told, 0);            /* 100 Trying is no news */
	/* The call is elsewhere now; the BYE is alice's. */
	ua_refer_done(n.b.iv, 200, false);
	ua_invite_end(n.b.iv, STR_NULL);
	assert_int_equal(ua_invite_state(n.b.iv), UA_INVITE_LEAVING);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refer_told, 1);
	assert_int_equal(n.a.refer_status, 200);
	call_end(&n.a);
	link_run(&n.l, 5);
	assert_int_equal(ua_invite_state(n.b.iv), UA_INVITE_OVER);
	arena_free(a);
}

/* Whoever transferred does not hang up: its time is short. */
static void bye_left_to_one_who_forgets(void **state)
{
	(void)state;
	call_up(&n);
	assert_int_equal(ua_refer_send(n.a.iv, STR("<sip:carol@192.0.2.3>"), STR_NULL, call_refer_told), 0);
	link_run(&n.l, 5);
	assert_non_null(n.b.tx);
	ua_refer_accept(n.b.iv, n.b.tx, true);
	assert_non_null(strstr(n.l.b.said, "Refer-Sub: false\r\n"));
	ua_refer_done(n.b.iv, 200, true);
	ua_invite_end(n.b.iv, STR_NULL);
	link_run(&n.l, 1900);
	assert_int_equal(n.a.ended, 0);
	link_run(&n.l, 200);
	assert_int_equal(n.a.why, UA_END_BYE);
	assert_int_equal(n.a.refer_told, 1);
	assert_int_equal(n.a.refer_status, 0);
}

static void transfer_refused(void **state)
{
	(void)state;
	call_up(&n);
	assert_int_equal(ua_refer_send(n.a.iv, STR("<sip:carol@192.0.2.3>"), STR_NULL, call_refer_told), 0);
	link_run(&n.l, 5);
	assert_non_null(n.b.tx);
	ua_invite_reply(n.b.iv, n.b.tx, 603, STR_NULL);
	link_run(&n.l, 5);
	assert_int_equal(n.a.refer_status, 603);
	/* Tried, and in vain: both go on. */
	assert_int_equal(ua_refer_send(n.a.iv, STR("<sip:carol@192.0.2.3>"), STR_NULL, call_refer_told), 0);
	link_run(&n.l, 5);
	assert_non_null(n.b.tx);
	ua_refer_accept(n.b.iv, n.b.tx, false);
	ua_refer_done(n.b.iv, 404, false);
	link_run(&n.l, 10);
	assert_int_equal(n.a.refer_status, 404);
	call_end(&n.b);
	assert_int_equal(strncmp(n.l.b.said, "BYE ", 4), 0);
}

static void replaces(void **state)
{
	const struct sip_dialog *d;
	struct ua_replaces r;
	char v[200];

	(void)state;
	call_up(&n);
	d = ua_invite_dialog(n.b.iv);
	snprintf(v, sizeof(v), "%s;to-tag=%s;from-tag=%s;early-only", d->call_id.p, d->local_tag.p,
		 d->remote_tag.p);
	assert_int_equal(ua_replaces_read(&r, str_z(v)), 0);
	assert_true(r.early_only);
	assert_ptr_equal(ua_replaces_find(&n.b.ua, &r), n.b.iv);
	assert_int_equal(ua_replaces_read(&r, STR("x;to-tag=1;from-tag=2")), 0);
	assert_false(r.early_only);
	assert_null(ua_replaces_find(&n.b.ua, &r));
	assert_int_equal(ua_replaces_read(&r, STR("x;to-tag=1")), EINVAL);
}

static void digits(void **state)
{
	struct sip_out *o;
	uint32_t ms;
	char d;

	(void)state;
	call_up(&n);
	assert_int_equal(ua_info_send_digit(n.a.iv, '#', 160), 0);
	assert_true(said("Signal=#\r\nDuration=160\r\n"));
	link_run(&n.l, 5);
	assert_int_equal(n.b.method, SIP_INFO);
	/* As other phones write them. */
	o = GOT(sip_dialog_request(ua_invite_dialog(n.a.iv), SIP_INFO));
	sip_out_body(o, STR("application/dtmf"), STR("11"));
	assert_int_equal(ua_invite_send(n.a.iv, o, call_done), 0);
	obj_drop(o);
	struct sip_msg *m;
	assert_int_equal(sip_msg_parse(&m, str_z(n.l.a.said), true), 0);
	assert_true(ua_info_is_digit(m));
	assert_true(ua_info_digit(m, &d, &ms));
	assert_int_equal(d, '#');
	assert_int_equal(ms, 100);
	obj_drop(m);
	link_run(&n.l, 5);
	assert_int_equal(n.a.done_status, 200);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_has_its_prack), T(the_answer_of_the_second), T(an_unusable_answer_of_the_second), T(further_answers), T(second_200), T(many_forks),
		T(a_fork_hangs_up), T(transferred), T(bye_left_to_one_who_forgets), T(transfer_refused), T(replaces), T(digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
