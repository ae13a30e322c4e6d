/* Running the dialplan: steps, jumps, subroutines, what happens at the end. */
#include "fake_tech.h"
#include "base/log.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => steps,1,Set(GLOBAL(seen)=)\n"
	" same => n,Goto(later)\n"
	" same => n,Set(GLOBAL(seen)=wrong)\n"
	" same => n(later),Set(GLOBAL(seen)=${GLOBAL(seen)}a)\n"
	" same => n,GotoIf($[1=2]?bad:good)\n"
	" same => n(bad),Set(GLOBAL(seen)=wrong)\n"
	" same => n(good),GotoIf(0?bad)\n"
	" same => n,ExecIf(1?Set(GLOBAL(seen)=${GLOBAL(seen)}b):Set(GLOBAL(seen)=wrong))\n"
	" same => n,ExecIf(0?Set(GLOBAL(seen)=wrong))\n"
	" same => n,Goto(other,s,1)\n"
	"exten => loop,1,Set(I=0)\n"
	" same => n,While($[${I} < 5])\n"
	" same => n,Set(I=$[${I}+1])\n"
	" same => n,GotoIf($[${I}=2]?skip)\n"
	" same => n,ExecIf($[${I}=4]?ExitWhile())\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}${I})\n"
	" same => n(skip),EndWhile()\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}.)\n"
	"exten => ifs,1,If($[${EXTEN:0:1}=x])\n"
	" same => n,Set(GLOBAL(seen)=wrong)\n"
	" same => n,If(1)\n"
	" same => n,EndIf()\n"
	" same => n,ElseIf($[2=2])\n"
	" same => n,Set(GLOBAL(seen)=elseif)\n"
	" same => n,Else()\n"
	" same => n,Set(GLOBAL(seen)=wrong)\n"
	" same => n,EndIf()\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}!)\n"
	"exten => sub,1,Set(X=outer)\n"
	" same => n,Gosub(subs,add,1(2,3))\n"
	" same => n,Set(GLOBAL(seen)=${GOSUB_RETVAL}:${X}:${ARG1}:${ARGC})\n"
	" same => n,GosubIf(1?subs,nested,1(a):subs,add,1)\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}|${GOSUB_RETVAL})\n"
	"exten => badsub,1,Gosub(nowhere,s,1)\n"
	" same => n,Set(GLOBAL(seen)=wrong)\n"
	"exten => handlers,1,Set(CHANNEL(hangup_handler_push)=handlers,first,1(x))\n"
	" same => n,Set(CHANNEL(hangup_handler_push)=handlers,second,1)\n"
	" same => n,Wait(60)\n"
	"exten => h,1,Set(GLOBAL(seen)=${GLOBAL(seen)}h)\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}h)\n"
	"exten => wait,1,Answer()\n"
	" same => n,Wait(5)\n"
	" same => n,Set(GLOBAL(seen)=waited)\n"
	" same => n,Hangup(17)\n"
	"exten => bye,1,Hangup(INTERWORKING)\n"
	"exten => fall,1,Set(DIALSTATUS=BUSY)\n"
	"exten => congest,1,Set(DIALSTATUS=CHANUNAVAIL)\n"
	"exten => unknown,1,NoSuchApp()\n"
	"exten => event,1,UserEvent(Mine,Result: yes,Other:\"a,b\",nocolon)\n"
	"exten => busyloop,1,Goto(1)\n"
	"exten => deep,1,Gosub(deep,1)\n"
	"exten => absolute,1,Set(TIMEOUT(absolute)=3)\n"
	" same => n,Wait(60)\n"
	"exten => tried,1,TryExec(NoSuch(x))\n"
	" same => n,Set(GLOBAL(seen)=${TRYSTATUS})\n"
	" same => n,TryExec(Set(Y=${EXTEN}))\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}${TRYSTATUS}${Y})\n"
	"exten => named,1,Set(GLOBAL(seen)=none)\n"
	"exten => named/555,1,Set(GLOBAL(seen)=five)\n"
	"exten => raise,1,RaiseException(mine)\n"
	"exten => stack,1,Set(GLOBAL(seen)=$[${LEN(${EVAL(${SELF})})} > 10])\n"
	"exten => evals,1,Set(X=1)\n"
	" same => n,Set(GLOBAL(seen)=${EVAL_EXTEN(evals,lab)}|${EVAL_EXTEN(subs,add,2)}|${EVAL_EXTEN(nope,1)}|)\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}${EVAL_SUB(subs,add,1(2,3))}:${X}|${EVAL_SUB(nowhere,s,1)}|)\n"
	" same => n,Set(GLOBAL(seen)=${GLOBAL(seen)}${EVAL_SUB(subs,slow,1)}|${EVAL_SUB(subs,silent,1)})\n"
	" same => n(lab),NoOp(${EXTEN} ${X}$[1+1])\n"
	"exten => endless,1,Set(GLOBAL(seen)=${EVAL_SUB(subs,endless,1)})\n"
	"exten => digits,1,Answer()\n"
	" same => n,Goto(menu,s,1)\n"
	"[other]\n"
	"exten => s,1,Set(GLOBAL(seen)=${GLOBAL(seen)}c)\n"
	"[subs]\n"
	"exten => add,1,Set(LOCAL(X)=inner)\n"
	" same => n,Return($[${ARG1}+${ARG2}])\n"
	"exten => nested,1,Gosub(add,1(10,${ARGC}))\n"
	" same => n,Return(${GOSUB_RETVAL}${ARG1}${ARG2})\n"
	"exten => slow,1,Wait(2)\n same => n,Return(slow)\n"
	"exten => silent,1,Return()\n"
	"exten => endless,1,Return(x${EVAL_SUB(subs,endless,1)})\n"
	"[handlers]\n"
	"exten => first,1,Set(GLOBAL(seen)=${GLOBAL(seen)}1${ARG1})\n"
	" same => n,Return()\n"
	"exten => second,1,Set(GLOBAL(seen)=${GLOBAL(seen)}2)\n"
	" same => n,Return()\n"
	"[menu]\n"
	"exten => s,1,Set(TIMEOUT(digit)=1)\n"
	" same => n,WaitExten(3)\n"
	"exten => 12,1,Set(GLOBAL(seen)=twelve)\n"
	"exten => 123,1,Set(GLOBAL(seen)=all)\n"
	"exten => _9X,1,Set(GLOBAL(seen)=nine${EXTEN})\n"
	"exten => i,1,Set(GLOBAL(seen)=invalid:${INVALID_EXTEN})\n"
	"exten => t,1,Set(GLOBAL(seen)=timeout)\n"
	"[T]\n"
	"exten => s,1,Set(TIMEOUT(absolute)=2)\n"
	" same => n,Wait(60)\n"
	"exten => T,1,Set(GLOBAL(seen)=T)\n"
	"[exceptions]\n"
	"exten => s,1,RaiseException(mine)\n"
	"exten => e,1,Set(GLOBAL(seen)=${EXCEPTION()}:${EXCEPTION(exten)})\n"
	"[away]\n"
	"exten => s,1,Set(GLOBAL(seen)=redirected)\n"
	" same => n,Wait(60)\n";

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

static struct fake *call(const char *exten)
{
	return world_call_in(&w, "alice", "100", "default", exten);
}

static void saw(const char *want)
{
	struct str got = STR("");

	(void)vars_get(&w.pbx->globals, STR("seen"), &got);
	if (!str_eq(got, str_z(want)))
		fail_msg("saw '%.*s', not '%s'", STR_ARG(got), want);
}

static void jumps(void **state)
{
	(void)state;
	call("steps");
	saw("abc");
}

static void loops(void **state)
{
	(void)state;
	call("loop");
	saw("13.hh");
}

static void branches(void **state)
{
	(void)state;
	call("ifs");
	saw("elseif!hh");
}

static void subroutines(void **state)
{
	(void)state;
	call("sub");
	/* the arguments of the outer one are hidden inside, and back afterwards */
	saw("5:outer::|11ahh");
}

static void bad_subroutine(void **state)
{
	struct fake *f = call("badsub");

	(void)state;
	assert_null(f->ch);
	saw("hh");
}

static void the_end(void **state)
{
	struct fake *f = call("handlers");

	(void)state;
	assert_non_null(f->ch);
	fake_hangup(f, CAUSE_NORMAL);
	assert_null(f->ch);
	saw("hh21x");
	assert_string_equal(world_order(&w, "SoftHangupRequest HangupHandlerPush HangupHandlerRun Hangup"),
		"HangupHandlerPush HangupHandlerPush SoftHangupRequest HangupHandlerRun HangupHandlerRun Hangup");
	assert_int_equal(world_events(&w, "HangupHandlerRun", "Handler: handlers,second,1"), 1);
}

static void waits(void **state)
{
	struct fake *f = call("wait");

	(void)state;
	assert_true(fake_was_told(f, "answer"));
	world_pass(&w, 4900);
	saw("");
	world_pass(&w, 200);
	saw("waitedhh");
	assert_true(fake_was_told(f, "hangup:17"));
	assert_int_equal(world_events(&w, "Newexten", "Application: Wait"), 1);
	assert_int_equal(world_events(&w, "Newexten", "AppData: 5"), 1);
	assert_int_equal(world_events(&w, "SoftHangupRequest", NULL), 1);
}

static void causes(void **state)
{
	struct fake *f = call("bye");

	(void)state;
	assert_true(fake_was_told(f, "hangup:127"));
}

static void falls_through(void **state)
{
	struct fake *f = call("fall");

	(void)state;
	assert_true(fake_was_told(f, "busy"));
	assert_non_null(f->ch);
	world_pass(&w, 10100);
	assert_true(fake_was_told(f, "hangup:17"));
	f = call("congest");
	assert_true(fake_was_told(f, "congestion"));
	fake_hangup(f, 0);
	assert_null(f->ch);
}

static void unknown_app(void **state)
{
	struct fake *f = call("unknown");

	(void)state;
	assert_null(f->ch);
}

static void user_event(void **state)
{
	(void)state;
	call("event");
	assert_int_equal(world_events(&w, "UserEvent", "UserEvent: Mine"), 1);
	assert_int_equal(world_events(&w, "UserEvent", "Result: yes"), 1);
	assert_int_equal(world_events(&w, "UserEvent", "Other: a,b"), 1);
	assert_int_equal(world_events(&w, "UserEvent", "nocolon: "), 0);
}

/* A dialplan that never waits leaves the others their turn. */
static void takes_turns(void **state)
{
	struct fake *f = call("busyloop"), *g = call("wait");

	(void)state;
	assert_non_null(f->ch);
	world_pass(&w, 6000);
	assert_null(g->ch);
	fake_hangup(f, CAUSE_NORMAL);
	world_pass(&w, 20);
	assert_null(f->ch);
}

static void too_deep(void **state)
{
	struct fake *f = call("deep");

	(void)state;
	world_pass(&w, 100);
	assert_null(f->ch);
}

static void absolute_timeout(void **state)
{
	struct fake *f = call("absolute"), *g;

	(void)state;
	world_pass(&w, 2900);
	assert_non_null(f->ch);
	world_pass(&w, 200);
	assert_null(f->ch);
	assert_int_equal(world_events(&w, "SoftHangupRequest", "Cause: 8"), 1);
	g = world_call_in(&w, "bob", "100", "T", "s");
	world_pass(&w, 2100);
	saw("T");
	assert_null(g->ch);
}

static void tries(void **state)
{
	(void)state;
	call("tried");
	saw("NOAPPSUCCESStriedhh");
}

static void by_caller(void **state)
{
	(void)state;
	call("named");
	saw("nonehh");
	world_call_in(&w, "bob", "555", "default", "named");
	saw("fivehh");
}

static void exceptions(void **state)
{
	(void)state;
	world_call_in(&w, "bob", "1", "exceptions", "s");
	saw("mine:s");
}

static void no_such_place(void **state)
{
	struct fake *f = world_call_in(&w, "bob", "1", "nowhere", "77");

	(void)state;
	assert_null(f->ch);
}

static void menu(void **state)
{
	struct fake *f = call("digits");

	(void)state;
	fake_digit(f, '1');
	fake_digit(f, '2');
	saw("");
	world_pass(&w, 1100);           /* 123 could still have come */
	saw("twelve");
	f = call("digits");
	fake_digit(f, '1');
	fake_digit(f, '2');
	fake_digit(f, '3');
	saw("all");
	f = call("digits");
	fake_digit(f, '9');
	fake_digit(f, '7');
	saw("nine97");
	f = call("digits");
	fake_digit(f, '5');
	saw("invalid:5");
	f = call("digits");
	world_pass(&w, 3100);
	saw("timeout");
}

static void sent_elsewhere(void **state)
{
	struct fake *f = call("handlers");

	(void)state;
	assert_int_equal(pbx_async_goto(f->ch, STR("away"), STR("s"), 1), 0);
	world_turn(&w);
	saw("redirected");
	assert_non_null(f->ch);
	assert_string_equal(text_z(&f->ch->context), "away");
	fake_hangup(f, CAUSE_NORMAL);
	saw("redirected21x");
}

/* All that recurses fits a fiber's stack. */
static void small_stack(void **state)
{
	(void)state;
	vars_set(&w.pbx->globals, STR("SELF"),
		 STR("x$[((((((((((((((((((((1))))))))))))))))))))]"
		     "${REGEX(\"((((((((((((((((a))))))))))))))))\" xxxa)}${EVAL(${SELF})}"));
	call("stack");
	saw("1hh");
}

static void evaluated_places(void **state)
{
	(void)state;
	call("evals");
	world_pass(&w, 2100);
	saw("evals 12|||5:1||slow|hh");
}

/* A subroutine that asks for itself ends, and so does its answer. */
static void endless_subroutine(void **state)
{
	(void)state;
	call("endless");
	saw("xxxxxxxxhh");
}

static void one_application(void **state)
{
	struct fake *f = call("handlers");
	struct channel *ch;
	int err;

	(void)state;
	assert_int_equal(pbx_start(f->ch), EBUSY);
	err = channel_request(w.pbx, STR("Fake/carol"), NULL, &ch, &(int){ 0 });
	assert_int_equal(err, 0);
	ch->owned = false;
	assert_int_equal(pbx_start_app(ch, STR("Wait"), STR("2")), 0);
	world_pass(&w, 1900);
	assert_non_null(world_fake(&w, "carol")->ch);
	assert_int_equal(world_events(&w, "Newexten", "Application: Wait"), 2);
	world_pass(&w, 200);
	assert_null(world_fake(&w, "carol")->ch);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(jumps), WITH_WORLD(loops), WITH_WORLD(branches), WITH_WORLD(subroutines),
		WITH_WORLD(bad_subroutine), WITH_WORLD(the_end), WITH_WORLD(waits), WITH_WORLD(causes),
		WITH_WORLD(falls_through), WITH_WORLD(unknown_app), WITH_WORLD(user_event), WITH_WORLD(takes_turns),
		WITH_WORLD(too_deep), WITH_WORLD(absolute_timeout), WITH_WORLD(tries), WITH_WORLD(by_caller),
		WITH_WORLD(exceptions), WITH_WORLD(no_such_place), WITH_WORLD(menu), WITH_WORLD(sent_elsewhere),
		WITH_WORLD(small_stack), WITH_WORLD(one_application), WITH_WORLD(evaluated_places),
		WITH_WORLD(endless_subroutine),
	};

	log_set_mask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
