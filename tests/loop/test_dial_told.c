/* What managers are told of a Dial() with subroutines and odd ends, and where both ends go then. */
#include "fake_tech.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => before,1,Dial(Fake/bob,20,b(pre^1))\n"
	"exten => pre,1,NoOp(one)\n"
	" same => n,Return()\n"
	"exten => own,1,Dial(Fake/bob,20,B(pre^1))\n"
	"exten => not,1,Dial(Fake/bob,20,gb(end^1))\n"
	" same => n,Wait(60)\n"
	"exten => end,1,Hangup(17)\n"
	"exten => lost,1,Dial(Fake/bob,20,U(nowhere))\n"
	"exten => routine,1,Dial(Fake/bob,20,U(talk))\n"
	"exten => sent,1,Dial(Fake/bob,20,U(elsewhere))\n"
	"exten => after,1,Wait(60)\n"
	"exten => limit,1,Set(DIALSTATUS=old)\n"
	" same => n,Dial(Fake/bob,20,gL(x))\n"
	"exten => rites,1,Dial(Fake/bob,20,e)\n"
	"exten => split,1,Dial(Fake/bob,20,G(nope^nolabel))\n"
	" same => n,Wait(60)\n"
	" same => n,Wait(60)\n"
	"exten => star,1,Dial(Fake/bob,20,gH)\n"
	" same => n,Wait(60)\n"
	"exten => warned,1,Dial(Fake/bob,20,gL(3000:1000))\n"
	" same => n,Wait(60)\n"
	"exten => unwarned,1,Dial(Fake/bob,20,gL(3000))\n"
	" same => n,Wait(60)\n"
	"exten => hidden,1,Dial(Fake/bob,20,f(\"Some One\" <555>)u(prohib))\n"
	"exten => moved,1,Dial(Fake/bob,20,gi)\n"
	" same => n,Wait(60)\n"
	"exten => forward,1,Dial(Fake/bob,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => over,1,UserEvent(last)\n"
	"exten => handled,1,Set(CHANNEL(hangup_handler_push)=pre,1)\n"
	" same => n,Set(CHANNEL(hangup_handler_push)=pre,1)\n"
	" same => n,Hangup()\n"
	"exten => again,1,RetryDial(,2,2,Fake/bob,5)\n"
	" same => n,Wait(60)\n"
	"exten => press,1,RetryDial(none,0,0,Fake/bob,5,d)\n"
	" same => n,Wait(60)\n"
	"exten => nothing,1,RetryDial(,2,0,)\n"
	" same => n,Wait(60)\n"
	"exten => few,1,RetryDial(,2,0)\n"
	" same => n,Wait(60)\n"
	"exten => 5,1,Wait(60)\n"
	"exten => h,1,UserEvent(H,C: ${CHANNEL})\n"
	"[talk]\n"
	"exten => s,1,NoOp()\n same => n,Return(v)\n"
	"[elsewhere]\n"
	"exten => s,1,Set(GOSUB_RESULT=GOTO:default^after^1)\n same => n,Return(v)\n";

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

static struct fake *talk(const char *exten)
{
	struct fake *a = dial(exten), *b = world_fake(&w, "bob");

	assert_non_null(b);
	fake_event(b, CE_ANSWER);
	return a;
}

/* The nth event of that name has the line. */
static bool nth(const char *name, unsigned n, const char *line)
{
	list_each(l, &w.events) {
		const struct told *t = container_of(l, struct told, link);

		if (strcmp(text_z(&t->name), name) == 0 && !n--)
			return strstr(text_z(&t->body), line) != NULL;
	}
	return false;
}

static void callee_stands_where_it_was_told_last(void **state)
{
	struct fake *a = dial("before"), *b = world_fake(&w, "bob");

	(void)state;
	assert_true(nth("DialBegin", 0, "DestExten: pre\r\n"));
	assert_true(nth("DialBegin", 0, "DestPriority: 2\r\n"));
	assert_string_equal(text_z(&b->ch->exten), "before");
	assert_int_equal(world_events(&w, "Newexten", "Application: AppDial"), 1);
	fake_event(b, CE_RINGING);      /* the first news: it is back */
	assert_int_equal(world_events(&w, "Newexten", "Application: AppDial"), 2);
	assert_int_equal(world_events(&w, "DialState", "DestExten: before"), 1);
	assert_int_equal(world_events(&w, "VarSet", "Variable: LOCAL(ARGC)"), 1);
	assert_int_equal(world_events(&w, "VarSet", "Variable: ARGC"), 1);      /* that it is gone */
	fake_hangup(a, CAUSE_NORMAL);
}

static void caller_stands_where_it_was_told_last(void **state)
{
	struct fake *a = dial("own"), *b = world_fake(&w, "bob");

	(void)state;
	assert_true(nth("DialBegin", 0, "\r\nExten: pre\r\n"));
	fake_event(b, CE_RINGING);
	assert_int_equal(world_events(&w, "Newexten", "Application: Dial"), 2);
	fake_hangup(a, CAUSE_NORMAL);
}

static void callee_that_was_hung_up_is_not_called(void **state)
{
	struct fake *a = dial("not"), *b = world_fake(&w, "bob");

	(void)state;
	assert_false(fake_was_told(b, "call"));
	assert_null(b->ch);
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "CHANUNAVAIL");
}

static void routine_that_is_nowhere(void **state)
{
	struct fake *a = talk("lost");

	(void)state;
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: ANSWER"), 1);
	assert_ptr_equal(bridge_peer(a->ch), world_fake(&w, "bob")->ch);
}

static void routine_leaves_the_callee_without_extension(void **state)
{
	struct fake *a = talk("routine"), *b = world_fake(&w, "bob");

	(void)state;
	assert_true(nth("DialEnd", 0, "DestExten: \r\n"));
	assert_string_equal(text_z(&b->ch->exten), "");
	assert_string_equal(world_var(a->ch, "GOSUB_RETVAL"), "");      /* without a result it stays there */
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
}

static void routine_sends_the_caller(void **state)
{
	struct fake *a = talk("sent");

	(void)state;
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: GOTO:default,after,1"), 1);
	assert_string_equal(text_z(&a->ch->exten), "after");
	assert_string_equal(world_var(a->ch, "GOSUB_RETVAL"), "v");
	assert_null(world_fake(&w, "bob")->ch);
}

static void limit_that_is_none(void **state)
{
	(void)state;
	assert_null(dial("limit")->ch);
	assert_null(world_fake(&w, "bob"));
	assert_int_equal(world_events(&w, "VarSet", "Value: INVALIDARGS"), 0);
}

static void h_of_the_callee(void **state)
{
	struct fake *a = talk("rites"), *b = world_fake(&w, "bob");

	(void)state;
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(b->ch);
	assert_int_equal(world_events(&w, "UserEvent", "UserEvent: H"), 2);     /* and of the caller */
	assert_int_equal(world_events(&w, "SoftHangupRequest", NULL), 1);       /* the caller's dialplan has ended, the other's had none */
	world_forget_events(&w);
	talk("rites");
	fake_hangup(world_fake(&w, "bob"), CAUSE_NORMAL);
	assert_int_equal(world_events(&w, "UserEvent", "UserEvent: H"), 2);
}

static void nowhere_for_both_is_here(void **state)
{
	struct fake *a = talk("split"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: ANSWER"), 1);
	assert_int_equal(a->ch->priority, 2);
	assert_non_null(b->ch);
	assert_int_equal(b->ch->priority, 3);
	assert_true(world_events(&w, "Newexten", "Application: Wait") == 1);    /* his was told before it began */
}

static void who_ends_it_leaves_first(void **state)
{
	struct fake *a = talk("star");

	(void)state;
	fake_digit(a, '*');
	assert_true(nth("BridgeLeave", 0, "\r\nChannel: Fake/alice"));
	assert_non_null(a->ch);
}

static void limit_with_a_warning_is_the_caller_s(void **state)
{
	(void)state;
	talk("warned");
	world_pass(&w, 3100);
	assert_true(nth("BridgeLeave", 0, "\r\nChannel: Fake/alice"));
	world_forget_events(&w);
	talk("unwarned");
	world_pass(&w, 3100);
	assert_true(nth("BridgeLeave", 0, "\r\nChannel: Fake/bob"));
}

static void presentation_by_name(void **state)
{
	struct fake *a = dial("hidden"), *b = world_fake(&w, "bob");

	(void)state;
	assert_string_equal(text_z(&b->ch->connected.number), "555");
	assert_int_equal(b->ch->connected.number_pres, PRES_PROHIB);
	fake_hangup(a, CAUSE_NORMAL);
}

static void forward_that_fails(void **state)
{
	struct fake *b;

	(void)state;
	dial("moved");
	b = world_fake(&w, "bob");
	fake_forward(b, "Fake/carl");
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: CANCEL"), 1);
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: BUSY"), 1);
	world_forget_events(&w);
	dial("forward");
	fake_forward(world_fake(&w, "bob"), "Fake/refuse1");    /* a channel that cannot call */
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: CONGESTION"), 1);
	world_forget_events(&w);
	dial("forward");
	w.refuse_cause = CAUSE_BUSY;
	fake_forward(world_fake(&w, "bob"), "Fake/carl");       /* no channel */
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: BUSY"), 1);
}

static void digit_of_a_caller_who_waits(void **state)
{
	struct fake *a = dial("forward"), *b = world_fake(&w, "bob");

	(void)state;
	fake_digit(a, '7');
	assert_int_equal(world_events(&w, "DTMFBegin", "Direction: Sent"), 1);
	assert_int_equal(world_events(&w, "DTMFEnd", "Direction: Sent"), 1);
	assert_int_equal(fake_told_times(b, "digit:7"), 1);
	fake_hangup(a, CAUSE_NORMAL);
}

static void again_and_again(void **state)
{
	struct fake *a = dial("again");

	(void)state;
	world_pass(&w, 5100);
	assert_int_equal(world_events(&w, "MusicOnHoldStart", NULL), 1);
	assert_int_equal(world_events(&w, "DialBegin", NULL), 1);
	world_pass(&w, 2100);
	assert_int_equal(world_events(&w, "MusicOnHoldStop", NULL), 1);
	assert_int_equal(world_events(&w, "DialBegin", NULL), 2);
	world_pass(&w, 7100);
	assert_string_equal(text_z(&a->ch->app), "Wait");
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "NOANSWER");
	assert_int_equal(world_events(&w, "MusicOnHoldStop", NULL), 2);
}

static void until_somebody_answers(void **state)
{
	struct fake *a = dial("again");

	(void)state;
	fake_event(world_fake(&w, "bob"), CE_BUSY);
	world_pass(&w, 2100);
	fake_event(world_fake(&w, "bob"), CE_ANSWER);
	assert_ptr_equal(bridge_peer(a->ch), world_fake(&w, "bob")->ch);
	fake_hangup(world_fake(&w, "bob"), CAUSE_NORMAL);
	assert_null(a->ch);
}

static void digits_while_it_is_tried_again(void **state)
{
	struct fake *a = dial("press");

	(void)state;
	fake_digit(a, '5');             /* while it rings */
	assert_string_equal(text_z(&a->ch->exten), "5");
	a = dial("press");
	fake_event(world_fake(&w, "bob"), CE_BUSY);
	fake_digit(a, '6');             /* between, and nowhere: once more at once */
	assert_int_equal(world_events(&w, "DialBegin", NULL), 3);
	fake_event(world_fake(&w, "bob"), CE_BUSY);
	world_pass(&w, 9000);
	assert_int_equal(world_events(&w, "DialBegin", NULL), 3);
	fake_digit(a, '5');
	assert_string_equal(text_z(&a->ch->exten), "5");
	assert_false(a->ch->moh);
	a = dial("press");
	fake_event(world_fake(&w, "bob"), CE_BUSY);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(a->ch);
}

static void nothing_to_try(void **state)
{
	struct fake *a = dial("nothing");

	(void)state;
	assert_string_equal(text_z(&a->ch->app), "Wait");
	assert_null(dial("few")->ch);
}

static void end_of_the_dialplan(void **state)
{
	(void)state;
	dial("over");
	assert_true(nth("SoftHangupRequest", 0, "Priority: 1\r\n"));
	assert_true(nth("Hangup", 0, "\r\nExten: h\r\n"));
	world_forget_events(&w);
	dial("handled");
	assert_true(nth("HangupHandlerRun", 0, "Exten: h\r\nPriority: 1\r\n"));
	assert_true(nth("HangupHandlerRun", 1, "Exten: pre\r\nPriority: 2\r\n"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(callee_stands_where_it_was_told_last), T(caller_stands_where_it_was_told_last),
		T(callee_that_was_hung_up_is_not_called), T(routine_that_is_nowhere),
		T(routine_leaves_the_callee_without_extension), T(routine_sends_the_caller), T(limit_that_is_none),
		T(h_of_the_callee), T(nowhere_for_both_is_here), T(who_ends_it_leaves_first),
		T(limit_with_a_warning_is_the_caller_s), T(presentation_by_name), T(forward_that_fails),
		T(digit_of_a_caller_who_waits), T(end_of_the_dialplan),
		T(again_and_again), T(until_somebody_answers), T(digits_while_it_is_tried_again), T(nothing_to_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
