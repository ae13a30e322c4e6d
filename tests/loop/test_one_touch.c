/* one_touch_recording: a phone's INFO with Record begins and ends a recording as if its digits had been pressed;
 * and the digits themselves, with the variables that say how. */
#include "alice.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/features.h"
#include "pbx/mixmonitor.h"
#include "pbx/bridge.h"
#include "service/call/session.h"
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => x,1,Dial(PJSIP/bob,30,X)\n"
	"exten => peer,1,Dial(PJSIP/bob,30,x)\n"
	"exten => none,1,Dial(PJSIP/bob,30)\n";

#define PHONE "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n"
#define CONF(alices) WIRE_UDP PHONE "[alice](phone)\naors=alice\ncallerid=\"Alice\" <100>\n" alices \
	"[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n[bob](phone)\naors=bob\ncallerid=\"Bob\" <200>\n" \
	"[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

static char dir[] = "/tmp/test_one_touch.XXXXXX";
static unsigned cseq;

static void features(const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct config *cfg;

	assert_int_equal(config_parse(&cfg, &prm, STR("features.conf"), str_z(text), NULL), 0);
	assert_int_equal(features_load(t.w.pbx, cfg), 0);
	config_free(cfg);
}

static void begins(const char *conf, const char *exten)
{
	wire_open_media(&t, plan, conf);
	t.w.pbx->spool_dir = str_z(dir);
	alice_begins();
	features("[featuremap]\nautomixmon=*3\n");
	alice_talks_to(exten, BOB, SDP_ULAW);
	cseq = 2;
}

/* The files are removed by their recordings' option d, or here. */
static int ends(void **state)
{
	char text[128];

	(void)state;
	alice_ends(40000);
	wire_close(&t);
	snprintf(text, sizeof(text), "rm -rf %s/monitor", dir);
	return system(text);
}

static unsigned info(const char *record)
{
	char more[64];

	snprintf(more, sizeof(more), "Record: %s\r\n", record);
	wire_forget(&t);
	alice("INFO", "x", ++cseq, more, "");
	world_pass(&t.w, 500);
	return status(SIP_INFO);
}

static struct channel *bob(void)
{
	return bridge_peer(channel_at(0));
}

static void on_and_off(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=yes\n"), "x");
	assert_int_equal(info("on"), 200);
	assert_int_equal(world_events(&t.w, "DTMFEnd", "Digit: 3"), 1);
	assert_int_equal(world_events(&t.w, "DTMFEnd", "DurationMs: 100"), 2);
	/* The peer's channel is recorded, while it is in the bridge. */
	assert_int_equal(bob()->recordings, 1);
	assert_int_equal(channel_at(0)->recordings, 0);
	assert_true(mixmonitor_find(bob(), STR_NULL)->only_bridged);
	assert_int_equal(world_events(&t.w, "MixMonitorStart", NULL), 1);
	assert_true(str_starts(str_z(world_var(channel_at(0), "TOUCH_MIXMONITOR_OUTPUT")), STR("auto-17000")));
	assert_true(str_ends(str_z(world_var(channel_at(0), "TOUCH_MIXMONITOR_OUTPUT")), STR("-100-200.wav")));
	assert_true(str_ends(str_z(world_var(bob(), "TOUCH_MIXMONITOR_OUTPUT")), STR("-100-200.wav")));
	assert_int_equal(info("OFF"), 200);
	assert_int_equal(bob()->recordings, 0);
	assert_int_equal(world_events(&t.w, "MixMonitorStop", NULL), 1);
}

static void not_configured(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=no\n"), "x");
	assert_int_equal(info("on"), 403);
	assert_int_equal(info("off"), 403);
	assert_int_equal(bob()->recordings, 0);
}

static void without_the_digits_of_dial(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=yes\n"), "none");
	assert_int_equal(info("on"), 200);
	assert_int_equal(bob()->recordings, 0);
	/* Nobody wanted them: they are the peer's. */
	assert_int_equal(world_events(&t.w, "DTMFEnd", "Direction: Sent"), 2);
}

static void record_on_feature(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=yes\nrecord_on_feature=atxfer\n"), "x");
	assert_int_equal(info("on"), 403);      /* atxfer has no digits */
	assert_int_equal(info("off"), 200);
	assert_int_equal(bob()->recordings, 1);
}

static void record_off_feature(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=yes\nrecord_off_feature=nosuch\n"), "x");
	assert_int_equal(info("on"), 200);
	assert_int_equal(info("off"), 403);
	assert_int_equal(bob()->recordings, 1);
}

static void other_words(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=yes\n"), "x");
	assert_int_equal(info("maybe"), 200);   /* an INFO without a body */
	assert_int_equal(bob()->recordings, 0);
}

static void no_digits_in_features(void **state)
{
	(void)state;
	begins(CONF("one_touch_recording=yes\n"), "x");
	features("[featuremap]\nautomixmon=\n");
	assert_int_equal(info("on"), 403);
}

/* ---- digits, and how */

static void press(struct channel *ch, const char *digits)
{
	for (; *digits; digits++) {
		struct chan_event *e = chan_event_new(CE_DTMF_END);

		e->digit = *digits;
		e->ms = 100;
		channel_event(ch, e);
		world_pass(&t.w, 300);
	}
}

static void by_digits_of_the_called(void **state)
{
	(void)state;
	begins(CONF(""), "peer");
	press(channel_at(0), "*3");
	assert_int_equal(bob()->recordings, 0);
	press(bob(), "*3");
	assert_int_equal(channel_at(0)->recordings, 1);
	press(bob(), "*3");
	assert_int_equal(channel_at(0)->recordings, 0);
}

static void variables(void **state)
{
	static const char *const v[][2] = { { "TOUCH_MIXMONITOR", "a/b" }, { "TOUCH_MIXMONITOR_PREFIX", "pre" },
		{ "TOUCH_MIXMONITOR_FORMAT", "gsm" }, { "TOUCH_MIXMONITOR_BEEP", "3" } };
	struct mixmonitor *m;
	const char *out;

	(void)state;
	begins(CONF(""), "x");
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		vars_set(&channel_at(0)->vars, str_z(v[i][0]), str_z(v[i][1]));
	press(channel_at(0), "*3");
	m = mixmonitor_find(bob(), STR_NULL);
	assert_non_null(m);
	out = world_var(channel_at(0), "TOUCH_MIXMONITOR_OUTPUT");
	assert_true(str_starts(str_z(out), STR("pre-17000")) && str_ends(str_z(out), STR("-a-b.gsm")));
	assert_int_equal(m->beep_ms, 5000);
	assert_int_equal(world_events(&t.w, "TestEvent", "State: PERIODIC_HOOK_ENABLED"), 1);
	assert_int_equal(world_events(&t.w, "TestEvent", "Interval: 5"), 1);
	press(channel_at(0), "*3");
	/* What is written there is all. */
	vars_set(&channel_at(0)->vars, STR("TOUCH_MIXMONITOR_OPTIONS"), STR("a"));
	press(channel_at(0), "*3");
	m = mixmonitor_find(bob(), STR_NULL);
	assert_false(m->only_bridged);
	assert_int_equal(m->beep_ms, 0);
}

static void variables_of_the_peer(void **state)
{
	(void)state;
	begins(CONF(""), "x");
	vars_set(&bob()->vars, STR("TOUCH_MIXMONITOR_PREFIX"), STR("his"));
	press(channel_at(0), "*3");
	assert_true(str_starts(str_z(world_var(channel_at(0), "TOUCH_MIXMONITOR_OUTPUT")), STR("his-17000")));
}

static void a_format_that_is_none(void **state)
{
	(void)state;
	begins(CONF(""), "x");
	vars_set(&channel_at(0)->vars, STR("TOUCH_MIXMONITOR_FORMAT"), STR("mp3"));
	press(channel_at(0), "*3");
	assert_int_equal(bob()->recordings, 0);
	assert_string_equal(world_var(channel_at(0), "TOUCH_MIXMONITOR_OUTPUT"), "");
}

static int up(void **state)
{
	(void)state;
	return !mkdtemp(dir);
}

static int down(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, ends)
	const struct CMUnitTest tests[] = {
		T(on_and_off), T(not_configured), T(without_the_digits_of_dial), T(record_on_feature), T(record_off_feature),
		T(other_words), T(no_digits_in_features), T(by_digits_of_the_called), T(variables), T(variables_of_the_peer),
		T(a_format_that_is_none),
	};

	return cmocka_run_group_tests(tests, up, down);
}
