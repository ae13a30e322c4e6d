/* Applications of the dialplan at their edges: loops without beginning, refusals of an answered call, sounds that are not there. */
#include "fake_tech.h"
#include "pbx/dialplan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => loop,1,Set(I=0)\n"
	" same => n,While($[${I} < 2])\n"
	" same => n,Set(I=$[${I}+1])\n"
	" same => n,Set(IN=${WHILE_0})\n"
	" same => n,EndWhile()\n"
	" same => n,Wait(60)\n"
	"exten => twice,1,Set(I=0)\n"
	" same => n,While($[${I} < 3])\n"
	" same => n,Set(I=$[${I}+1])\n"
	" same => n,Set(J=0)\n"
	" same => n,While(1)\n"
	" same => n,Set(J=$[${J}+1])\n"
	" same => n,ExecIf($[${J}=2]?ExitWhile())\n"
	" same => n,Set(SEEN=${SEEN}${I}${J})\n"
	" same => n,EndWhile()\n"
	" same => n,ExecIf($[${I}=2]?ContinueWhile())\n"
	" same => n,Set(SEEN=${SEEN}.)\n"
	" same => n,EndWhile()\n"
	" same => n,Wait(60)\n"
	"exten => open,1,EndWhile()\n"
	" same => n,ContinueWhile()\n"
	" same => n,ExitWhile()\n"
	" same => n,Wait(60)\n"
	"exten => unknown,1,ExecIf(0?NoSuchApp())\n"
	" same => n,Set(SEEN=here)\n"
	" same => n,ExecIf(1?NoSuchApp())\n"
	" same => n,Set(SEEN=not here)\n"
	"exten => busy,1,Answer()\n"
	" same => n,Busy(1)\n"
	"exten => full,1,Congestion(1)\n"
	"exten => more,1,Incomplete()\n"
	"exten => moreof,1,Incomplete(n)\n"
	"exten => sounds,1,BackGround(none,s)\n"
	" same => n,Set(A=${BACKGROUNDSTATUS})\n"
	" same => n,Read(V,none,1,,1,5)\n"
	" same => n,Set(B=${READSTATUS})\n"
	" same => n,Wait(60)\n"
	"exten => pop,1,Dial(Fake/bob,20,b(popped^1))\n"
	"exten => popped,1,StackPop()\n"
	" same => n,Set(SEEN=not here)\n"
	"exten => shell,1,System(${WHAT})\n"
	" same => n,Wait(60)\n"
	"exten => try,1,TrySystem(${WHAT})\n"
	" same => n,Wait(60)\n"
	"exten => lost,1,Goto(nope,1)\n"
	"exten => local,1,Gosub(sub,1(x))\n"
	" same => n,Wait(60)\n"
	"exten => sub,1,Set(LOCAL(Y)=${ARG1})\n"
	" same => n,Set(LOCAL(Y)=z)\n"
	" same => n,Return()\n";

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

static void loop_tells_where_it_is(void **state)
{
	struct fake *a = call("loop");

	(void)state;
	assert_string_equal(world_var(a->ch, "I"), "2");
	assert_string_equal(world_var(a->ch, "IN"), "default,loop,2");
	assert_string_equal(world_var(a->ch, "WHILE_0"), "");
	assert_int_equal(world_events(&w, "VarSet", "Variable: END_WHILE_0"), 2);
	assert_int_equal(world_events(&w, "VarSet", "Value: default,loop,6"), 1);
	assert_int_equal(world_events(&w, "VarSet", "Variable: default_loop_2"), 2);
}

static void loop_inside_a_loop(void **state)
{
	struct fake *a = call("twice");

	(void)state;
	assert_string_equal(world_var(a->ch, "SEEN"), "11.2131.");
	assert_string_equal(text_z(&a->ch->app), "Wait");
}

static void ends_of_no_loop(void **state)
{
	(void)state;
	assert_string_equal(text_z(&call("open")->ch->app), "Wait");
}

static void application_that_is_none(void **state)
{
	(void)state;
	assert_null(call("unknown")->ch);
	assert_int_equal(world_events(&w, "VarSet", "Value: here"), 1);
	assert_int_equal(world_events(&w, "VarSet", "Value: not here"), 0);
}

static void refusal_of_an_answered_call(void **state)
{
	struct fake *a = call("busy");

	(void)state;
	world_pass(&w, 1100);
	assert_null(a->ch);
	assert_true(fake_was_told(a, "busy"));
	assert_int_equal(world_events(&w, "Hangup", "Cause: 0"), 1);
	a = call("full");
	world_pass(&w, 1100);
	assert_null(a->ch);
	assert_int_equal(world_events(&w, "Hangup", "Cause: 34"), 1);
}

static void incomplete_is_answered(void **state)
{
	struct fake *a = call("more");

	(void)state;
	assert_true(fake_was_told(a, "answer"));
	a = call("moreof");
	assert_false(fake_was_told(a, "answer"));
	assert_true(fake_was_told(a, "incomplete"));
}

static void sounds_that_are_not_there(void **state)
{
	struct fake *a = call("sounds");

	(void)state;
	world_pass(&w, 600);
	assert_string_equal(world_var(a->ch, "A"), "SUCCESS");
	assert_string_equal(world_var(a->ch, "B"), "ERROR");
}

static void stack_of_a_subroutine_of_ours(void **state)
{
	struct fake *a = call("pop"), *b = world_fake(&w, "bob");

	(void)state;
	assert_true(fake_was_told(b, "call"));
	assert_int_equal(world_events(&w, "VarSet", "Value: not here"), 0);
	fake_hangup(a, CAUSE_NORMAL);
}

/* The command's end comes in its own time, the call's next look in ours. */
static struct fake *shell(const char *exten, const char *what)
{
	struct fake *a;

	assert_int_equal(pbx_setvar(w.pbx, NULL, STR("WHAT"), str_z(what)), 0);
	a = call(exten);
	while (a->ch && str_ends(text_view(&a->ch->app), STR("ystem")))
		world_pass(&w, 100);
	return a;
}

static void commands(void **state)
{
	static const struct { const char *what, *status; } tv[] = {
		{ "exit 0", "SUCCESS" }, { "exit 3", "APPERROR" }, { "exit 127", "FAILURE" }, { "kill -9 $$", "FAILURE" },
		{ "", "FAILURE" }, { "'exit 3'", "APPERROR" }, { "test x = \\x78 -a y = \\171", "SUCCESS" },
		{ "test $(printf 'a\\nb' | wc -l) = 1", "SUCCESS" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct fake *a = shell("try", tv[i].what);

		assert_string_equal(world_var(a->ch, "SYSTEMSTATUS"), tv[i].status);
		assert_string_equal(text_z(&a->ch->app), "Wait");
		fake_hangup(a, CAUSE_NORMAL);
	}
	assert_null(shell("shell", "exit 127")->ch);
	assert_string_equal(text_z(&shell("shell", "exit 1")->ch->app), "Wait");
}

static void nowhere_is_not_told(void **state)
{
	(void)state;
	assert_null(call("lost")->ch);
	assert_int_equal(world_events(&w, "SoftHangupRequest", "Exten: lost"), 1);
	assert_int_equal(world_events(&w, "Hangup", "Exten: nope"), 1);
}

static void local_variables_are_told(void **state)
{
	(void)state;
	call("local");
	assert_int_equal(world_events(&w, "VarSet", "Variable: LOCAL(Y)"), 2);
	assert_int_equal(world_events(&w, "VarSet", "Variable: Y"), 2);         /* z, and that it is gone */
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(loop_tells_where_it_is), T(loop_inside_a_loop), T(ends_of_no_loop), T(application_that_is_none),
		T(refusal_of_an_answered_call), T(incomplete_is_answered), T(sounds_that_are_not_there),
		T(stack_of_a_subroutine_of_ours), T(commands), T(nowhere_is_not_told), T(local_variables_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
