/* Calls that are taken from where they ring: by extension, mark, group, name, with the events
 * around it; and those that can't be taken any more. */
#include "base/obj.h"
#include "config/reader.h"
#include "fake_tech.h"
#include "pbx/bridge.h"
#include "pbx/features.h"
#include "pbx/originate.h"
#include "pbx/pickup.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => ring,1,Dial(Fake/carl,20)\n same => n,Set(GLOBAL(GOES_ON)=${DIALSTATUS})\n"
	"exten => both,1,Dial(Fake/carl&Fake/emil,20)\n"
	"exten => loop,1,Dial(Local/ring@default)\n"
	"exten => h,1,Set(GLOBAL(H)=${CHANNEL(name)})\n"
	"exten => exten,1,Pickup(nobody@default&ring@default)\n same => n,Set(GLOBAL(AFTER)=1)\n same => n,Wait(60)\n"
	"exten => here,1,Pickup(RING)\n same => n,Wait(60)\n"
	"exten => mark,1,Pickup(sales@PICKUPMARK)\n same => n,Wait(60)\n"
	"exten => group,1,Set(CHANNEL(pickupgroup)=${G})\n same => n,Set(CHANNEL(namedpickupgroup)=${NG})\n"
	" same => n,Pickup()\n same => n,Set(GLOBAL(AFTER)=1)\n same => n,Wait(60)\n"
	"exten => chan,1,PickupChan(Fake/nobody&${C},${O})\n same => n,Set(GLOBAL(AFTER)=1)\n same => n,Wait(60)\n"
	"exten => far,1,Wait(60)\n";

static struct world w;
static struct fake *a, *c;      /* who calls, who rings */

static int setup(void **state)
{
	(void)state;
	world_open(&w, plan);
	a = world_call_in(&w, "alice", "100", "default", "ring");
	c = world_fake(&w, "carl");
	fake_event(c, CE_RINGING);
	world_turn(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static const char *global(const char *name)
{
	static char room[128];
	struct str v = STR_NULL;

	vars_get(&w.pbx->globals, str_z(name), &v);
	snprintf(room, sizeof(room), "%.*s", STR_ARG(v));
	return room;
}

static void set_global(const char *name, const char *value)
{
	assert_int_equal(vars_set(&w.pbx->globals, str_z(name), str_z(value)), 0);
}

static struct fake *dora(const char *exten)
{
	struct fake *d = world_call_in(&w, "dora", "400", "default", exten);

	world_pass(&w, 100);
	return d;
}

static void taken(struct fake *d)
{
	assert_null(c->ch);
	assert_true(fake_was_told(c, "hangup:26"));
	assert_non_null(d->ch);
	assert_non_null(a->ch->bridge);
	assert_ptr_equal(a->ch->bridge, d->ch->bridge);
	assert_int_equal(world_events(&w, "Pickup", NULL), 1);
}

static void not_taken(struct fake *d)
{
	assert_non_null(c->ch);
	assert_null(a->ch->bridge);
	assert_int_equal(world_events(&w, "Pickup", NULL), 0);
	assert_non_null(d->ch);
	assert_string_equal(global("AFTER"), "1");
}

/* ---- the events, as Asterisk has them */

static void by_extension(void **state)
{
	struct fake *d;

	(void)state;
	text_set(&c->ch->caller.number, STR("300"));
	world_forget_events(&w);
	d = dora("exten");
	taken(d);
	assert_string_equal(world_order(&w, "Pickup SoftHangupRequest DialEnd Hangup BridgeEnter Rename"),
			    "Pickup SoftHangupRequest Hangup DialEnd BridgeEnter BridgeEnter");
	assert_int_equal(world_events(&w, "Pickup", "Channel: Fake/dora-00000002"), 1);
	assert_int_equal(world_events(&w, "Pickup", "Exten: exten"), 1);
	assert_int_equal(world_events(&w, "Pickup", "ChannelStateDesc: Up"), 1);
	assert_int_equal(world_events(&w, "Pickup", "ConnectedLineNum: 100"), 1);
	assert_int_equal(world_events(&w, "Pickup", "TargetChannel: Fake/carl-00000001"), 1);
	assert_int_equal(world_events(&w, "Pickup", "TargetChannelStateDesc: Ringing"), 1);
	assert_int_equal(world_events(&w, "DialEnd", "DestChannel: Fake/dora-00000002"), 1);
	assert_int_equal(world_events(&w, "DialEnd", "DialStatus: ANSWER"), 1);
	assert_int_equal(world_events(&w, "Newexten", "Application: AppDial"), 2);
	assert_int_equal(world_events(&w, "SoftHangupRequest", "Channel: Fake/carl-00000001"), 1);
	assert_int_equal(world_events(&w, "Hangup", "Cause: 26"), 1);
	/* The leg that rang ends in the dialplan of whoever took it. */
	assert_string_equal(global("H"), "Fake/carl-00000001");
	assert_string_equal(global("AFTER"), "");
	assert_string_equal(text_z(&a->ch->connected.number), "400");
	assert_string_equal(text_z(&d->ch->connected.number), "100");
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 100);
	assert_null(d->ch);
}

static void by_its_own_context(void **state)
{
	(void)state;
	taken(dora("here"));
}

static void by_mark(void **state)
{
	struct fake *d = dora("mark");

	(void)state;
	assert_non_null(c->ch);
	fake_hangup(d, CAUSE_NORMAL);
	assert_int_equal(vars_set(&c->ch->vars, STR("PICKUPMARK"), STR("SALES")), 0);
	taken(dora("mark"));
}

static struct fake *by_groups(const char *numbers, const char *names)
{
	set_global("G", numbers);
	set_global("NG", names);
	return dora("group");
}

static void by_number_of_group(void **state)
{
	(void)state;
	c->ch->call_group = groups_parse(STR("1,3-5"));
	taken(by_groups("4", ""));
}

static void by_name_of_group(void **state)
{
	(void)state;
	named_groups_set(&c->ch->named_call_group, STR("help,sales"));
	taken(by_groups("", "support, sales"));
}

static void other_groups(void **state)
{
	(void)state;
	c->ch->call_group = groups_parse(STR("1,3-5"));
	named_groups_set(&c->ch->named_call_group, STR("help,sales"));
	not_taken(by_groups("2,6-63", "support,Sales"));
}

static struct fake *by_channel(const char *name, const char *options)
{
	set_global("C", name);
	set_global("O", options);
	return dora("chan");
}

static void by_name(void **state)
{
	(void)state;
	taken(by_channel("fake/CARL", ""));
}

static void by_whole_name(void **state)
{
	(void)state;
	taken(by_channel("Fake/carl-00000001", ""));
}

static void by_uniqueid(void **state)
{
	(void)state;
	taken(by_channel(text_z(&c->ch->uniqueid), ""));
}

static void by_prefix(void **state)
{
	(void)state;
	taken(by_channel("Fake/ca", "p"));
}

static void no_prefix_without_p(void **state)
{
	(void)state;
	not_taken(by_channel("Fake/ca", ""));
}

static void one_of_several(void **state)
{
	struct fake *b, *e;

	(void)state;
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 100);
	a = world_call_in(&w, "alice", "100", "default", "both");
	c = world_fake(&w, "carl");
	e = world_fake(&w, "emil");
	fake_event(c, CE_RINGING);
	fake_event(e, CE_RINGING);
	world_turn(&w);
	b = by_channel("Fake/emil", "");
	assert_null(c->ch);
	assert_null(e->ch);
	assert_ptr_equal(a->ch->bridge, b->ch->bridge);
	assert_string_equal(text_z(&a->ch->connected.number), "400");
}

/* Dialled through a Local channel, whose first half can be taken too. */
static void through_local(void **state)
{
	struct fake *d;

	(void)state;
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 100);
	world_forget_events(&w);
	a = world_call_in(&w, "alice", "100", "default", "loop");
	c = world_fake(&w, "carl");
	fake_event(c, CE_RINGING);
	world_turn(&w);
	d = by_channel("Local/ring@default-00000000;1", "");
	taken(d);
	assert_int_equal(channel_count(w.pbx), 2);
}

/* Nobody but the dialler waits for it. */
static void of_an_originated_call(void **state)
{
	struct originate_prm prm = { .channel = STR("Fake/emil"), .context = STR("default"), .exten = STR("far"),
		.priority = 1, .timeout_ms = 5000 };
	struct fake *d, *e;

	(void)state;
	assert_int_equal(originate(w.pbx, &prm, NULL, NULL), 0);
	world_turn(&w);
	e = world_fake(&w, "emil");
	fake_event(e, CE_RINGING);
	world_turn(&w);
	d = by_channel("Fake/emil", "");
	assert_null(e->ch);
	assert_string_equal(text_z(&d->ch->exten), "far");
	assert_string_equal(text_z(&d->ch->app), "Wait");
}

/* ---- too late */

static void answered_at_that_moment(void **state)
{
	struct fake *d;

	(void)state;
	fake_event(c, CE_ANSWER);
	d = dora("exten");
	assert_ptr_equal(a->ch->bridge, c->ch->bridge);
	assert_null(d->ch->bridge);
	assert_string_equal(global("AFTER"), "1");
}

/* The dialler has not read it yet. */
static void refused_at_that_moment(void **state)
{
	struct chan_event *e = chan_event_new(CE_BUSY);

	(void)state;
	a->ch->waiter = NULL;   /* it does not run yet */
	channel_event(c->ch, e);
	assert_false(pickup_possible(c->ch));
	assert_int_equal(pickup_take(a->ch, c->ch), ENOENT);
	fiber_wake(a->ch->fiber);
	world_pass(&w, 100);
	assert_null(c->ch);
	assert_string_equal(global("GOES_ON"), "BUSY");
}

static void hung_up_at_that_moment(void **state)
{
	struct fake *d;

	(void)state;
	fake_hangup(a, CAUSE_NORMAL);
	d = dora("exten");
	assert_null(c->ch);
	assert_int_equal(world_events(&w, "Pickup", NULL), 0);
	assert_non_null(d->ch);
}

static void two_want_it(void **state)
{
	struct fake *d, *e;

	(void)state;
	d = world_call_in(&w, "dora", "400", "default", "exten");
	e = world_call_in(&w, "emil", "500", "default", "exten");
	world_pass(&w, 100);
	taken(d);
	assert_string_equal(global("AFTER"), "1");
	assert_null(e->ch->bridge);
}

/* Not oneself, nor one that picks up oneself, in a ring. */
static void not_oneself(void **state)
{
	(void)state;
	assert_false(pickup_possible(a->ch));
	assert_int_equal(pickup_take(a->ch, a->ch), ENOENT);
}

/* ---- without a dialplan */

static void features(const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct config *cfg;

	assert_int_equal(config_parse(&cfg, &prm, STR("features.conf"), str_z(text), NULL), 0);
	assert_int_equal(features_load(w.pbx, cfg), 0);
	config_free(cfg);
}

static void by_the_extension_of_features(void **state)
{
	struct fake *d;

	(void)state;
	features("[general]\npickupsound=hurrah\npickupfailsound=alas\npickupexten=*7\n");
	assert_string_equal(text_z(&features_get(w.pbx)->pickupexten), "*7");
	assert_string_equal(text_z(&features_get(w.pbx)->pickupfailsound), "alas");
	assert_string_equal(text_z(&features_get(w.pbx)->pickupsound), "hurrah");
	d = world_call_in(&w, "dora", "400", "default", "far");
	assert_int_equal(pickup_start(d->ch), EBUSY);
}

/* ---- groups as text */

static void groups(void **state)
{
	struct text t = { 0 };

	(void)state;
	assert_int_equal(groups_parse(STR("1,3-5")), 0x3a);
	assert_int_equal(groups_parse(STR("0, 63")), 1ull << 63 | 1);
	assert_int_equal(groups_parse(STR("2,x,62-70")), 3ull << 62 | 4);
	assert_int_equal(groups_parse(STR("5-3")), 0);
	assert_int_equal(groups_parse(STR("")), 0);
	assert_int_equal(named_groups_set(&t, STR(" b ,a,,b")), 0);
	assert_string_equal(text_z(&t), "a, b");
	assert_true(named_groups_meet(text_view(&t), STR("x,a")));
	assert_false(named_groups_meet(text_view(&t), STR("A")));
	assert_false(named_groups_meet(STR(""), STR("")));
	text_free(&t);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(by_extension), T(by_its_own_context), T(by_mark), T(by_number_of_group), T(by_name_of_group),
		T(other_groups), T(by_name), T(by_whole_name), T(by_uniqueid), T(by_prefix), T(no_prefix_without_p),
		T(one_of_several), T(through_local), T(of_an_originated_call), T(answered_at_that_moment),
		T(refused_at_that_moment), T(hung_up_at_that_moment), T(two_want_it), T(not_oneself),
		T(by_the_extension_of_features), cmocka_unit_test(groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
