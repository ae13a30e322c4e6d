/* Dial() from the caller's leg to DIALSTATUS, with both far ends in the test. */
#include "fake_tech.h"
#include "pbx/aoc.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include "pbx/bridge.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => one,1,Dial(Fake/bob,20)\n"
	" same => n,NoOp(after)\n"
	"exten => go,1,Dial(Fake/bob,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => two,1,Dial(Fake/bob&Fake/carl,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => nobody,1,Dial(Fake/refuse1&Fake/refuse2,20)\n"
	" same => n,Wait(60)\n"
	"exten => noargs,1,Dial()\n"
	" same => n,Wait(60)\n"
	"exten => fwd,1,Dial(Fake/bob,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => nofwd,1,Dial(Fake/bob,20,gi)\n"
	" same => n,Wait(60)\n"
	"exten => moved,1,Dial(Fake/carl,20)\n"
	"exten => predial,1,Dial(Fake/bob,20,b(default^mark^1(x)))\n"
	"exten => mark,1,Set(SEEN=${ARG1})\n"
	" same => n,Return()\n"
	"exten => limit,1,Dial(Fake/bob,20,gS(5))\n"
	" same => n,Wait(60)\n"
	"exten => feat,1,Dial(Fake/bob,20,gtTHh)\n"
	" same => n,Wait(60)\n"
	"exten => elsewhere,1,Dial(Fake/bob,20,c)\n"
	"exten => ring,1,Dial(Fake/bob,20,r)\n"
	"exten => music,1,Dial(Fake/bob,20,m)\n"
	"exten => exit,1,Dial(Fake/bob,20,d)\n"
	"exten => 5,1,Wait(60)\n"
	"exten => both,1,Dial(Fake/bob,20,G(place^1))\n"
	"exten => place,1,NoOp(head)\n"
	" same => n,Wait(60)\n"
	" same => n,NoOp(no)\n"
	"exten => later,1,Dial(Fake/bob,20,F(default^place^2))\n"
	"exten => xfer,1,Wait(60)\n"
	"exten => routine,1,Dial(Fake/bob,20,U(slow))\n"
	"exten => h,1,NoOp(${DIALSTATUS})\n"
	"[slow]\n"
	"exten => s,1,Wait(2)\n same => n,Return()\n";

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_open(&w, plan);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static struct fake *dial(const char *exten)
{
	return world_call_in(&w, "alice", "100", "default", exten);
}

static void answered_and_hung_up_by_callee(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob");

	(void)state;
	assert_non_null(b);
	assert_true(fake_was_told(b, "call"));
	assert_string_equal(text_z(&b->ch->connected.number), "100");
	assert_string_equal(text_z(&b->ch->caller.number), "one");
	fake_event(b, CE_RINGING);
	assert_true(fake_was_told(a, "ringing"));
	assert_int_equal(b->ch->state, CHAN_RINGING);
	fake_event(b, CE_ANSWER);
	assert_true(fake_was_told(a, "answer"));
	assert_int_equal(a->ch->state, CHAN_UP);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "ANSWER");
	assert_string_equal(world_var(a->ch, "DIALEDPEERNUMBER"), "bob");
	world_pass(&w, 2500);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(b->ch);
	assert_null(a->ch);
	assert_true(fake_was_told(a, "hangup:16"));
	assert_string_equal(world_order(&w, "Newchannel DialBegin DialState DialEnd BridgeCreate BridgeEnter BridgeLeave "
					"BridgeDestroy Hangup"),
			    "Newchannel Newchannel DialBegin DialState DialEnd BridgeCreate BridgeEnter BridgeEnter "
			    "BridgeLeave BridgeLeave BridgeDestroy Hangup Hangup");
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: ANSWER"), 1);
	assert_int_equal(world_events(&w, "HangupRequest", "Cause: 16"), 1);
	assert_int_equal(world_events(&w, "SoftHangupRequest", "Cause: 16"), 1);
	assert_int_equal(world_events(&w, "Hangup", "Cause-txt: Normal Clearing"), 2);
}

static void caller_hangs_up_while_talking(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_null(b->ch);
	assert_true(fake_was_told(b, "hangup:16"));
}

static void caller_gives_up(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_RINGING);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_null(b->ch);
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: CANCEL"), 1);
	assert_int_equal(world_events(&w, "BridgeCreate", NULL), 0);
}

static void check_refusal(int cause, const char *status)
{
	struct fake *a = dial("go"), *b = world_fake(&w, "bob");

	fake_hangup(b, cause);
	assert_null(b->ch);
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), status);
	assert_string_equal(world_var(a->ch, "HANGUPCAUSE"), cause == CAUSE_BUSY ? "17" : world_var(a->ch, "HANGUPCAUSE"));
	fake_hangup(a, CAUSE_NORMAL);
}

static void causes_become_statuses(void **state)
{
	(void)state;
	check_refusal(CAUSE_BUSY, "BUSY");
	check_refusal(CAUSE_NO_CIRCUIT, "CONGESTION");
	check_refusal(CAUSE_SUBSCRIBER_ABSENT, "CHANUNAVAIL");
	check_refusal(CAUSE_NO_RESPONSE, "CHANUNAVAIL");
	check_refusal(CAUSE_NO_ANSWER, "NOANSWER");
}

static void nobody_in_time(void **state)
{
	struct fake *a = dial("go"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_RINGING);
	world_pass(&w, 19900);
	assert_non_null(b->ch);
	world_pass(&w, 200);
	assert_null(b->ch);
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "NOANSWER");
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: NOANSWER"), 1);
}

static void first_of_two_wins(void **state)
{
	struct fake *a = dial("two"), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(b, CE_RINGING);
	fake_event(c, CE_RINGING);
	assert_int_equal(fake_told_times(a, "ringing"), 1);
	fake_line(c, "200", "Carl");
	assert_false(fake_was_told(a, "line:200"));
	fake_event(c, CE_ANSWER);
	assert_true(fake_was_told(a, "line:200"));
	assert_null(b->ch);
	assert_true(fake_was_told(b, "hangup:26"));
	assert_ptr_equal(bridge_peer(a->ch), c->ch);
	fake_hangup(c, CAUSE_NORMAL);
	assert_non_null(a->ch);         /* option g */
}

static void busy_and_absent_is_busy(void **state)
{
	struct fake *a = dial("two"), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	fake_event(b, CE_BUSY);
	assert_null(b->ch);
	fake_hangup(c, CAUSE_SUBSCRIBER_ABSENT);
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "BUSY");
}

static void nobody_to_call(void **state)
{
	struct fake *a = dial("nobody");

	(void)state;
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "CHANUNAVAIL");
	a = dial("noargs");
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "CHANUNAVAIL");
	w.refuse_cause = CAUSE_BUSY;
	a = dial("go");
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "BUSY");
}

static void forwarded(void **state)
{
	struct fake *a = dial("fwd"), *b = world_fake(&w, "bob"), *c;

	(void)state;
	fake_forward(b, "Fake/carl");
	assert_null(b->ch);
	c = world_fake(&w, "carl");
	assert_non_null(c);
	assert_true(fake_was_told(a, "redirecting"));
	assert_string_equal(text_z(&c->ch->redirecting.from.number), "fwd");
	assert_memory_equal(world_var(c->ch, "FORWARDERNAME"), "Fake/bob-", 9);
	fake_event(c, CE_ANSWER);
	assert_ptr_equal(bridge_peer(a->ch), c->ch);
}

static void forward_refused(void **state)
{
	struct fake *a = dial("nofwd"), *b = world_fake(&w, "bob");

	(void)state;
	fake_forward(b, "Fake/carl");
	assert_null(b->ch);
	assert_null(world_fake(&w, "carl"));
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "BUSY");
}

static void predial_on_the_callee(void **state)
{
	struct fake *b;

	(void)state;
	dial("predial");
	b = world_fake(&w, "bob");
	assert_true(fake_was_told(b, "call"));
	assert_string_equal(world_var(b->ch, "SEEN"), "x");
}

static void time_limit(void **state)
{
	struct fake *a = dial("limit"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	world_pass(&w, 4900);
	assert_non_null(b->ch);
	world_pass(&w, 200);
	assert_null(b->ch);
	assert_non_null(a->ch);
	assert_string_equal(world_var(a->ch, "ANSWEREDTIME"), "5");
}

static void star_hangs_up(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_digit(b, '7');
	assert_true(fake_was_told(a, "digit:7"));
	fake_digit(b, '*');
	assert_null(b->ch);
	assert_false(fake_was_told(a, "digit:*"));
}

static void pound_transfers(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_digit(b, '#');
	assert_true(fake_was_told(a, "hold"));
	fake_digit(b, '5');
	world_pass(&w, 4000);
	assert_null(b->ch);
	assert_non_null(a->ch);
	assert_string_equal(text_z(&a->ch->exten), "5");
	assert_int_equal(world_events(&w, "BlindTransfer", "Result: Success"), 1);
	assert_memory_equal(world_var(a->ch, "BLINDTRANSFER"), "Fake/bob-", 9);
}

/* The caller is dialling where to transfer to when the called hangs up: the dialplan goes
 * on when that is over, and alone. */
static void hangs_up_while_the_caller_transfers(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_digit(a, '#');
	assert_true(fake_was_told(b, "hold"));
	fake_hangup(b, CAUSE_NORMAL);
	assert_non_null(a->ch);
	assert_string_equal(text_z(&a->ch->app), "Dial");
	world_pass(&w, 10000);
	assert_string_equal(text_z(&a->ch->app), "Wait");
	fake_hangup(a, CAUSE_NORMAL);
	world_turn(&w);
	assert_null(a->ch);
	/* The same, and the caller hangs up in the middle of it. */
	a = dial("feat");
	b = world_fake(&w, "bob");
	fake_event(b, CE_ANSWER);
	fake_digit(a, '#');
	fake_hangup(b, CAUSE_NORMAL);
	fake_hangup(a, CAUSE_NORMAL);
	world_turn(&w);
	assert_null(a->ch);
}

/* ... and while features.conf is read again. */
static void reload_while_the_callee_transfers(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");
	struct features_conf *c;

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_digit(b, '#');
	assert_int_equal(features_new(&c), 0);
	features_set(w.pbx, c);
	fake_digit(b, '5');
	world_pass(&w, 4000);
	assert_null(b->ch);
	assert_string_equal(text_z(&a->ch->exten), "5");
}

/* Both dial where to send the other, and one is sent away in the middle of it: its
 * dialplan begins when its own digits are read no more. */
static void both_transfer_at_once(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_digit(b, '#');
	fake_digit(a, '#');
	fake_digit(a, '5');
	world_turn(&w);
	assert_int_equal(world_events(&w, "BlindTransfer", "Result: Success"), 1);
	assert_non_null(b->ch);
	assert_string_equal(text_z(&b->ch->exten), "5");
	assert_string_equal(text_z(&b->ch->app), "Wait");
	fake_digit(b, '7');
	world_pass(&w, 4000);
	assert_non_null(b->ch);
	world_pass(&w, 60000);
	assert_null(b->ch);
}

/* ... and hangs up before it begins. */
static void sent_away_and_gone(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_digit(b, '#');
	assert_int_equal(pbx_async_goto(b->ch, STR("default"), STR("5"), 1), 0);
	assert_int_equal(pbx_async_goto(b->ch, STR("default"), STR("xfer"), 1), 0);
	fake_hangup(b, CAUSE_NORMAL);
	world_turn(&w);
	assert_null(b->ch);
	fake_hangup(a, CAUSE_NORMAL);
}

static void answered_elsewhere(void **state)
{
	struct fake *a = dial("elsewhere"), *b = world_fake(&w, "bob");

	(void)state;
	fake_hangup(a, CAUSE_NORMAL);
	assert_true(fake_was_told(b, "hangup:26"));
}

static void ringing_from_the_start(void **state)
{
	struct fake *a = dial("ring"), *b = world_fake(&w, "bob");

	(void)state;
	assert_true(fake_was_told(a, "ringing"));
	fake_event(b, CE_PROGRESS);
	assert_false(fake_was_told(a, "progress"));
	fake_event(b, CE_ANSWER);
	assert_true(fake_was_told(a, "stop"));
}

static void music_meanwhile(void **state)
{
	struct fake *b;

	(void)state;
	dial("music");
	b = world_fake(&w, "bob");
	assert_int_equal(world_events(&w, "MusicOnHoldStart", "Class: default"), 1);
	fake_event(b, CE_ANSWER);
	assert_int_equal(world_events(&w, "MusicOnHoldStop", NULL), 1);
}

static void one_digit_exit(void **state)
{
	struct fake *a = dial("exit"), *b = world_fake(&w, "bob");

	(void)state;
	fake_digit(a, '5');
	assert_null(b->ch);
	assert_string_equal(text_z(&a->ch->exten), "5");
	assert_string_equal(text_z(&a->ch->app), "Wait");
}

static void both_into_the_dialplan(void **state)
{
	struct fake *a = dial("both"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	assert_string_equal(text_z(&a->ch->exten), "place");
	assert_null(a->ch->bridge);
	assert_string_equal(text_z(&a->ch->app), "Wait");
	assert_non_null(b->ch);
	assert_string_equal(text_z(&b->ch->app), "Wait");
}

static void callee_goes_on(void **state)
{
	struct fake *a = dial("later"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_non_null(b->ch);
	assert_string_equal(text_z(&b->ch->app), "Wait");
}

static void hold_and_line_reach_the_other(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob");

	(void)state;
	fake_line(b, "201", "Bob");
	assert_true(fake_was_told(a, "line:201"));
	fake_event(b, CE_ANSWER);
	fake_event(a, CE_HOLD);
	assert_true(fake_was_told(b, "hold"));
	assert_int_equal(world_events(&w, "Hold", NULL), 1);
	assert_int_equal(world_events(&w, "MusicOnHoldStart", NULL), 1);
	fake_event(a, CE_UNHOLD);
	assert_true(fake_was_told(b, "unhold"));
	assert_int_equal(world_events(&w, "MusicOnHoldStop", NULL), 1);
	fake_line(a, "101", "Alice");
	assert_true(fake_was_told(b, "line:101"));
	fake_digit(a, '1');
	assert_true(fake_was_told(b, "digit:1"));
	assert_int_equal(world_events(&w, "DTMFEnd", "Direction: Received"), 1);
	assert_int_equal(world_events(&w, "DTMFEnd", "Direction: Sent"), 1);
}

static void replaced_while_it_rings(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob"), *c;

	(void)state;
	fake_event(b, CE_RINGING);
	c = world_call_in(&w, "dora", "400", "default", "xfer");
	channel_set_state(c->ch, CHAN_UP);
	assert_int_equal(channel_replace(c->ch, b->ch), 0);
	world_turn(&w);
	assert_null(b->ch);
	assert_true(fake_was_told(b, "hangup:26"));
	assert_ptr_equal(bridge_peer(a->ch), c->ch);
	assert_true(fake_was_told(a, "line:400"));
}

/* The dialler gives up in the turn in which somebody picks up: he has no place to go. */
static void given_up_while_it_is_replaced(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob"), *c;

	(void)state;
	fake_event(b, CE_RINGING);
	c = world_call_in(&w, "dora", "400", "default", "xfer");
	channel_set_state(c->ch, CHAN_UP);
	channel_soft_hangup(a->ch, CAUSE_NORMAL, SOFT_EXPLICIT);
	assert_int_equal(channel_replace(c->ch, b->ch), 0);
	world_turn(&w);
	assert_null(a->ch);
	assert_null(b->ch);
	assert_false(c->ch->owned);     /* or his own end would wait for a dialler that is gone */
	fake_hangup(c, CAUSE_NORMAL);
	assert_null(c->ch);
}

/* Answered, and on its way into the bridge by a routine that takes its time. */
static void not_replaced_after_its_answer(void **state)
{
	struct fake *a = dial("routine"), *b = world_fake(&w, "bob"), *c;

	(void)state;
	fake_event(b, CE_ANSWER);
	assert_null(b->ch->bridge);
	c = world_call_in(&w, "dora", "400", "default", "xfer");
	channel_set_state(c->ch, CHAN_UP);
	assert_int_equal(channel_replace(c->ch, b->ch), EBUSY);
	world_pass(&w, 3000);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
}

static void rates_come(struct fake *f, enum aoc_type type)
{
	struct chan_event *e = chan_event_new(CE_AOC);

	assert_non_null(e);
	e->data = aoc_new(type);
	channel_event(f->ch, e);
	world_turn(&w);
}

/* Of what they would cost the caller hears when one has answered, and of that one only. */
static void rates_of_the_one_that_answers(void **state)
{
	struct fake *a = dial("two"), *b = world_fake(&w, "bob"), *c = world_fake(&w, "carl");

	(void)state;
	rates_come(b, AOC_S);
	rates_come(c, AOC_S);
	rates_come(c, AOC_S);
	rates_come(c, AOC_D);
	assert_false(fake_was_told(a, "aoc:S/0"));
	fake_event(c, CE_ANSWER);
	assert_int_equal(fake_told_times(a, "aoc:S/0"), 1);
	assert_false(fake_was_told(a, "aoc:D/0:0"));
	rates_come(c, AOC_D);
	assert_true(fake_was_told(a, "aoc:D/0:0"));
	fake_hangup(a, CAUSE_NORMAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(answered_and_hung_up_by_callee), T(caller_hangs_up_while_talking), T(caller_gives_up),
		T(causes_become_statuses), T(nobody_in_time), T(first_of_two_wins), T(busy_and_absent_is_busy),
		T(nobody_to_call), T(forwarded), T(forward_refused), T(predial_on_the_callee), T(time_limit),
		T(star_hangs_up), T(pound_transfers), T(hangs_up_while_the_caller_transfers), T(reload_while_the_callee_transfers),
		T(both_transfer_at_once), T(sent_away_and_gone),
		T(answered_elsewhere), T(ringing_from_the_start),
		T(music_meanwhile), T(one_digit_exit), T(both_into_the_dialplan), T(callee_goes_on),
		T(hold_and_line_reach_the_other), T(replaced_while_it_rings), T(given_up_while_it_is_replaced),
		T(not_replaced_after_its_answer), T(rates_of_the_one_that_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
