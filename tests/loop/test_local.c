/* Local channels: halves that pass everything on, then get out of the way. */
#include "fake_tech.h"
#include "base/obj.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "pbx/local.h"
#include "pbx/originate.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => thru,1,Dial(Local/bob@inner,20)\n"
	"exten => stay,1,Dial(Local/bob@inner/n,20)\n"
	"exten => pass,1,Dial(Local/bob@inner/nm,20)\n"
	"exten => gone,1,Dial(Local/none@inner,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => busy,1,Dial(Local/busy@inner,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => deep,1,Dial(Local/deep@inner,20)\n"
	"exten => run,1,Wait(60)\n"
	"exten => round,1,Dial(Local/round@default/n,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => two,1,Set(CHANNEL(max_forwards)=2)\n"
	" same => n,Dial(Local/last@inner/n,20)\n"
	"exten => none,1,Set(CHANNEL(max_forwards)=0)\n"
	" same => n,Dial(Fake/bob,20,g)\n"
	"[inner]\n"
	"exten => bob,1,Dial(Fake/bob,20)\n"
	"exten => deep,1,Dial(Local/bob@inner,20)\n"
	"exten => busy,1,Busy(1)\n"
	"exten => answer,1,Answer()\n"
	" same => n,Wait(60)\n"
	"exten => soon,1,Answer()\n same => n,Set(GLOBAL(DONE)=)\n same => n,Wait(60)\n"
	"exten => echo,1,Answer()\n"
	" same => n,Echo()\n"
	"exten => last,1,Set(LEFT=${CHANNEL(max_forwards)})\n"
	" same => n,Dial(Fake/bob,20)\n"
	"exten => vars,1,Set(GOT=${HELLO})\n"
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

/* Nobody hears the other end yet: an answer waits for that, half a second at most. */
static void an_answer_waits(void **state)
{
	struct channel *one = NULL;
	int cause = 0;

	(void)state;
	world_open_media(&w, plan);
	assert_int_equal(channel_request(w.pbx, STR("Local/soon@inner"), NULL, &one, &cause), 0);
	obj_hold(one);
	assert_int_equal(one->tech->call(one, 0), 0);
	world_pass(&w, 450);
	assert_false(pbx_getvar(w.pbx, NULL, STR("DONE"), &(struct buf)BUF_INIT));
	world_pass(&w, 100);
	assert_true(pbx_getvar(w.pbx, NULL, STR("DONE"), &(struct buf)BUF_INIT));
	channel_destroy(one);
	obj_drop(one);
	world_close(&w);
}

static struct fake *dial(const char *exten)
{
	return world_call_in(&w, "alice", "100", "default", exten);
}

static void optimized_away(void **state)
{
	struct fake *a = dial("thru"), *b = world_fake(&w, "bob");

	(void)state;
	assert_non_null(b);
	assert_int_equal(channel_count(w.pbx), 4);
	assert_int_equal(world_events(&w, "LocalBridge", "LocalOptimization: Yes"), 1);
	assert_string_equal(text_z(&b->ch->connected.number), "100");
	fake_event(b, CE_RINGING);
	assert_true(fake_was_told(a, "ringing"));
	fake_event(b, CE_ANSWER);
	assert_true(fake_was_told(a, "answer"));
	assert_int_equal(channel_count(w.pbx), 2);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	assert_int_equal(world_events(&w, "LocalOptimizationBegin", NULL), 1);
	assert_int_equal(world_events(&w, "LocalOptimizationEnd", "Success: Yes"), 1);
	assert_int_equal(world_events(&w, "BridgeDestroy", NULL), 1);
	fake_digit(a, '3');
	assert_true(fake_was_told(b, "digit:3"));
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(b->ch);
}

static void optimized_away_callee_ends(void **state)
{
	struct fake *a = dial("deep"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(channel_count(w.pbx), 6);
	fake_event(b, CE_ANSWER);
	world_turn(&w);
	assert_int_equal(channel_count(w.pbx), 2);
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_int_equal(channel_count(w.pbx), 0);
}

static void kept_with_n(void **state)
{
	struct fake *a = dial("stay"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(world_events(&w, "LocalBridge", "LocalOptimization: No"), 1);
	fake_event(b, CE_ANSWER);
	world_pass(&w, 1000);
	assert_int_equal(channel_count(w.pbx), 4);
	fake_digit(a, '3');
	assert_true(fake_was_told(b, "digit:3"));
	fake_digit(b, '4');
	assert_true(fake_was_told(a, "digit:4"));
	fake_event(b, CE_HOLD);         /* music begins in between */
	assert_false(fake_was_told(a, "hold"));
	assert_int_equal(world_events(&w, "MusicOnHoldStart", "Channel: Local/bob@inner-00000000;2"), 1);
	fake_event(b, CE_UNHOLD);
	assert_int_equal(world_events(&w, "MusicOnHoldStop", "Channel: Local/bob@inner-00000000;2"), 1);
	fake_line(b, "200", "Bob");
	assert_true(fake_was_told(a, "line:200"));
	fake_hangup(b, CAUSE_NORMAL);
	a = dial("pass");
	b = world_fake(&w, "bob");
	fake_event(b, CE_ANSWER);
	fake_event(b, CE_HOLD);         /* /m: whoever is behind is told */
	assert_true(fake_was_told(a, "hold"));
	fake_event(b, CE_UNHOLD);
	assert_true(fake_was_told(a, "unhold"));
	/* Allowed later: LocalOptimizeAway. */
	assert_int_equal(local_allow_optimize(bridge_peer(a->ch)), 0);
	world_turn(&w);
	assert_int_equal(channel_count(w.pbx), 2);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(a->ch);
}

static void hangup_passes_through(void **state)
{
	struct fake *a = dial("stay"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(a->ch);
	assert_int_equal(channel_count(w.pbx), 0);
	a = dial("stay");
	b = world_fake(&w, "bob");
	fake_event(b, CE_ANSWER);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(b->ch);
	assert_int_equal(channel_count(w.pbx), 0);
}

static void caller_gives_up(void **state)
{
	struct fake *a = dial("thru"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_RINGING);
	fake_hangup(a, CAUSE_NORMAL);
	assert_null(b->ch);
	assert_int_equal(channel_count(w.pbx), 0);
}

static void no_such_extension(void **state)
{
	struct fake *a = dial("gone");

	(void)state;
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "CHANUNAVAIL");
	assert_int_equal(channel_count(w.pbx), 1);
}

static void refusals_pass(void **state)
{
	struct fake *a = dial("busy");

	(void)state;
	assert_string_equal(world_var(a->ch, "DIALSTATUS"), "BUSY");
	world_pass(&w, 1100);
	assert_int_equal(channel_count(w.pbx), 1);
	fake_hangup(a, CAUSE_NORMAL);
	a = dial("thru");
	fake_hangup(world_fake(&w, "bob"), CAUSE_NO_RESPONSE);
	world_pass(&w, 21000);          /* both dialplans end in congestion for a while */
	assert_null(a->ch);
	assert_int_equal(world_events(&w, "HangupRequest", "Cause: 18"), 1);
	assert_int_equal(channel_count(w.pbx), 0);
}

/* ---- originate */

struct outcome {
	unsigned calls;
	enum originate_reason reason;
	bool channel;
};

static void note(void *arg, enum originate_reason reason, struct channel *ch)
{
	struct outcome *o = arg;

	o->calls++;
	o->reason = reason;
	o->channel = ch != NULL;
}

static struct outcome start(struct originate_prm prm, int want)
{
	static struct outcome o;

	o = (struct outcome){ 0 };
	assert_int_equal(originate(w.pbx, &prm, note, &o), want);
	world_turn(&w);
	return o;
}

static struct outcome later;

static void originate_answered(void **state)
{
	struct originate_var vars[] = { { STR("HELLO"), STR("world") } };
	struct originate_prm prm = { .channel = STR("Fake/bob"), .context = STR("inner"), .exten = STR("vars"),
		.caller_number = STR("77"), .caller_name = STR("Seven"), .vars = vars, .nvars = 1, .tell = true,
		.actionid = STR("a-1"), .uniqueid = STR("mine") };
	struct fake *b;

	(void)state;
	later = (struct outcome){ 0 };
	assert_int_equal(originate(w.pbx, &prm, note, &later), 0);
	world_turn(&w);
	b = world_fake(&w, "bob");
	assert_string_equal(text_z(&b->ch->uniqueid), "mine");
	assert_string_equal(text_z(&b->ch->connected.number), "77");
	assert_int_equal(originate(w.pbx, &prm, note, &later), EEXIST);
	fake_event(b, CE_RINGING);
	assert_int_equal(later.calls, 0);
	fake_event(b, CE_ANSWER);
	assert_int_equal(later.calls, 1);
	assert_int_equal(later.reason, ORIGINATE_ANSWERED);
	assert_string_equal(world_var(b->ch, "GOT"), "world");
	assert_int_equal(world_events(&w, "OriginateResponse", "ActionID: a-1"), 1);
	assert_int_equal(world_events(&w, "OriginateResponse", "Reason: 4"), 1);
	assert_int_equal(world_events(&w, "Newexten", "Application: AppDial2"), 1);
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: ANSWER"), 1);
}

static void originate_refused(void **state)
{
	struct originate_prm prm = { .channel = STR("Fake/bob"), .app = STR("Wait"), .data = STR("60"),
		.timeout_ms = 3000, .tell = true };
	struct outcome o;

	(void)state;
	later = (struct outcome){ 0 };
	assert_int_equal(originate(w.pbx, &prm, note, &later), 0);
	world_turn(&w);
	fake_event(world_fake(&w, "bob"), CE_BUSY);
	assert_int_equal(later.reason, ORIGINATE_BUSY);
	assert_int_equal(channel_count(w.pbx), 0);
	later = (struct outcome){ 0 };
	assert_int_equal(originate(w.pbx, &prm, note, &later), 0);
	world_turn(&w);
	/* A hangup's reason stands in DialEnd alone. */
	fake_hangup(world_fake(&w, "bob"), CAUSE_BUSY);
	assert_int_equal(later.reason, ORIGINATE_FAILED);
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: BUSY"), 2);
	assert_int_equal(world_events(&w, "OriginateResponse", "Channel: Fake/bob"), 2);
	assert_int_equal(world_events(&w, "OriginateResponse", "Uniqueid: <unknown>"), 2);
	assert_int_equal(channel_count(w.pbx), 0);
	later = (struct outcome){ 0 };
	assert_int_equal(originate(w.pbx, &prm, note, &later), 0);
	world_pass(&w, 3100);
	assert_int_equal(later.calls, 1);
	assert_int_equal(later.reason, ORIGINATE_TIMEOUT);
	assert_int_equal(channel_count(w.pbx), 0);
	assert_int_equal(world_events(&w, "DialEnd", NULL), 2);
	assert_int_equal(world_events(&w, "Hangup", "Cause: 19"), 1);
	w.refuse_cause = CAUSE_NO_ROUTE;
	o = start(prm, 0);
	assert_int_equal(o.calls, 1);
	assert_int_equal(o.reason, ORIGINATE_FAILED);
	assert_false(o.channel);
	prm.channel = STR("Fake/");
	start(prm, EINVAL);
	prm.channel = STR("Fake/bob");
	prm.app = STR_NULL;
	start(prm, EINVAL);
}

static void originate_local(void **state)
{
	struct originate_prm prm = { .channel = STR("Local/answer@inner"), .context = STR("default"),
		.exten = STR("run") };

	(void)state;
	later = (struct outcome){ 0 };
	assert_int_equal(originate(w.pbx, &prm, note, &later), 0);
	world_turn(&w);
	assert_int_equal(later.reason, ORIGINATE_ANSWERED);
	assert_int_equal(channel_count(w.pbx), 2);
	pbx_hangup_all(w.pbx, CAUSE_NORMAL);
	world_turn(&w);
	assert_int_equal(channel_count(w.pbx), 0);
}

/* A digit between two that give back what they hear goes round no faster than digits are. */
static void two_echoes(void **state)
{
	struct originate_prm prm = { .channel = STR("Local/echo@inner/n"), .context = STR("inner"),
		.exten = STR("echo") };
	struct chan_event *e = GOT(chan_event_new(CE_DTMF_END));

	(void)state;
	later = (struct outcome){ 0 };
	w.pbx->mindtmfduration = 80;
	assert_int_equal(originate(w.pbx, &prm, note, &later), 0);
	world_turn(&w);
	assert_int_equal(channel_count(w.pbx), 2);
	e->digit = '5';
	channel_event(container_of(w.pbx->channels.next, struct channel, link), e);
	world_pass(&w, 1000);
	assert_in_range(world_events(&w, "DTMFEnd", "Direction: Received"), 4, 20);
	pbx_hangup_all(w.pbx, CAUSE_NORMAL);
	world_turn(&w);
}

/* A dialplan that dials itself ends by itself: so many Dials follow one another, no more. */
static void round_and_round(void **state)
{
	struct fake *a = dial("round");

	(void)state;
	assert_int_equal(world_events(&w, "DialBegin", NULL), 20);
	assert_int_equal(world_events(&w, "LocalBridge", NULL), 20);
	/* Nobody was called by the last; each of the others waits in its next step. */
	assert_true(a->ch->state != CHAN_UP);
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 61000);
	assert_int_equal(channel_count(w.pbx), 0);
}

static void forwards_are_counted_down_and_begin_anew_when_they_talk(void **state)
{
	struct fake *a = dial("two"), *b = world_fake(&w, "bob");
	struct channel *two;

	(void)state;
	assert_non_null(b);
	assert_int_equal(b->ch->forwards, 0);
	assert_int_equal(a->ch->forwards, 2);
	assert_int_equal(world_events(&w, "VarSet", "Value: 1"), 1);
	fake_event(b, CE_ANSWER);
	two = bridge_peer(b->ch);
	assert_non_null(two);
	assert_int_equal(two->forwards, 2);
	assert_int_equal(b->ch->forwards, 2);
	fake_hangup(a, CAUSE_NORMAL);
}

static void no_forward_left(void **state)
{
	struct fake *a = dial("none");

	(void)state;
	assert_null(world_fake(&w, "bob"));
	assert_null(a->ch);
	assert_int_equal(world_events(&w, "VarSet", "Value: BUSY"), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_waits),
		T(optimized_away), T(optimized_away_callee_ends), T(kept_with_n), T(hangup_passes_through),
		T(caller_gives_up), T(no_such_extension), T(refusals_pass), T(originate_answered),
		T(originate_refused), T(originate_local), T(two_echoes), T(round_and_round),
		T(forwards_are_counted_down_and_begin_anew_when_they_talk), T(no_forward_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
