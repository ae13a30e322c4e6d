/* What a StatsD server is told: by the dialplan, of contacts, registrations, endpoints and channels. */
#include "alice.h"
#include "service/place/location.h"
#include "service/outbound/outbound.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static char said[8192];         /* since heard(): each with a blank behind */

static int hear(void *arg, const struct sa *to, struct str bytes)
{
	size_t n = strlen(said);

	(void)arg;
	(void)to;
	snprintf(said + n, sizeof(said) - n, "%.*s ", STR_ARG(bytes));
	return 0;
}

/* All of them and no other. */
static void heard(const char *what)
{
	assert_string_equal(said, what);
	said[0] = '\0';
}

/* This one; the others are another test's. */
static void was_heard(const char *what)
{
	char word[256];

	snprintf(word, sizeof(word), "%s ", what);
	if (!strstr(said, word))
		fail_msg("not heard: %s; but %s", what, said);
}

static int open_world(void **state)
{
	(void)state;
	said[0] = '\0';
	return 0;
}

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

static int close_calls(void **state)
{
	alice_ends(40000);
	return close_wire(state);
}

#define NO_CONTACTS "PJSIP.contacts.states.Unreachable:0|g PJSIP.contacts.states.Reachable:0|g PJSIP.contacts.states.Unknown:0|g " \
	"PJSIP.contacts.states.NonQualified:0|g PJSIP.contacts.states.Removed:0|g "
#define NO_REGISTRATIONS "PJSIP.registrations.count:0|g PJSIP.registrations.state.Registered:0|g " \
	"PJSIP.registrations.state.Unregistered:0|g PJSIP.registrations.state.Rejected:0|g "

static void registrations(void **state)
{
	(void)state;
	wire_open_stats(&t, "", WIRE_UDP "[far]\ntype=registration\nserver_uri=sip:127.0.0.1:5062\nclient_uri=sip:us@127.0.0.1\n"
			"max_random_initial_delay=0\nretry_interval=5\n", hear);
	heard(NO_CONTACTS NO_REGISTRATIONS "PJSIP.registrations.count:+1|g PJSIP.registrations.state.Unregistered:+1|g ");
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 20\r\n");
	heard("PJSIP.registrations.state.Unregistered:-1|g PJSIP.registrations.state.Registered:+1|g ");
	world_pass(&t.w, 10100);
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 20\r\n");
	heard("");
	world_pass(&t.w, 10100);
	wire_reply(&t, SIP_REGISTER, 503, "");
	heard("PJSIP.registrations.state.Registered:-1|g PJSIP.registrations.state.Rejected:+1|g ");
	world_pass(&t.w, 5100);
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 20\r\n");
	heard("PJSIP.registrations.state.Rejected:-1|g PJSIP.registrations.state.Registered:+1|g ");
	service_stop(t.svc);
	heard("PJSIP.registrations.state.Registered:-1|g PJSIP.registrations.state.Unregistered:+1|g ");
	wire_reply(&t, SIP_REGISTER, 200, "");
	heard("");
	wire_reload(&t, WIRE_UDP);
	heard("PJSIP.registrations.count:-1|g PJSIP.registrations.state.Unregistered:-1|g ");
}


static void contacts(void **state)
{
	char rtt[128];
	struct contact *c;

	(void)state;
	wire_open_stats(&t, "", WIRE_UDP "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\nqualify_frequency=5\nqualify_timeout=2\n"
			"[bob]\ntype=endpoint\naors=bob\n", hear);
	heard("endpoints.count:+1|g endpoints.state.offline:+1|g " NO_CONTACTS "PJSIP.contacts.states.NonQualified:+1|g " NO_REGISTRATIONS);
	c = location_pick(location_get(t.svc, STR("bob"), false));
	contact_qualify_now(t.svc, c);
	world_pass(&t.w, 7);
	wire_reply(&t, SIP_OPTIONS, 200, "");
	was_heard("PJSIP.contacts.states.NonQualified:-1|g PJSIP.contacts.states.Reachable:+1|g endpoints.state.offline:-1|g "
		  "endpoints.state.online:+1|g");
	snprintf(rtt, sizeof(rtt), "PJSIP.contacts.%.*s.rtt:7|ms", STR_ARG(c->id));
	was_heard(rtt);
	said[0] = '\0';
	contact_qualify_now(t.svc, c);
	world_pass(&t.w, 2100);
	snprintf(rtt, sizeof(rtt), "PJSIP.contacts.%.*s.rtt:-1|ms ", STR_ARG(c->id));
	was_heard("PJSIP.contacts.states.Reachable:-1|g PJSIP.contacts.states.Unreachable:+1|g endpoints.state.online:-1|g "
		  "endpoints.state.offline:+1|g");
	assert_non_null(strstr(said, rtt));
	said[0] = '\0';
	/* Never asked any more, and then gone. */
	wire_reload(&t, WIRE_UDP "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n[bob]\ntype=endpoint\naors=bob\n");
	was_heard("PJSIP.contacts.states.Unreachable:-1|g PJSIP.contacts.states.NonQualified:+1|g");
	said[0] = '\0';
	wire_reload(&t, WIRE_UDP "[bob]\ntype=aor\n[carl]\ntype=endpoint\n");
	was_heard("PJSIP.contacts.states.NonQualified:-1|g PJSIP.contacts.states.Removed:+1|g");
	was_heard("endpoints.count:-1|g");
	was_heard("endpoints.count:+1|g endpoints.state.offline:+1|g");
}

static void channels_told(void **state)
{
	(void)state;
	wire_open_stats(&t, "[default]\nexten => up,1,Answer()\n same => n,StatsD(c,my.calls,+1)\n same => n,Wait(60)\n",
			WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n" ALICE_LINE BOB_LINE, hear);
	alice_begins();
	said[0] = '\0';
	alice_talks("up");
	world_pass(&t.w, 1000);
	heard("endpoints.PJSIP.alice.channels:1|g channels.count:+1|g my.calls:+1|c ");
	world_pass(&t.w, 3000);
	alice("BYE", "up", 2, "", "");
	was_heard("endpoints.PJSIP.alice.channels:0|g");
	was_heard("channels.count:-1|g");
	assert_non_null(strstr(said, "channels.calltime:40"));
}

/* ---- StatsD() ------------------------------------------------------------------------------------ */

static void run(const char *args)
{
	char text[512];

	snprintf(text, sizeof(text), "[default]\nexten => s,1,StatsD(%s)\n same => n,StatsD(s,went,on)\n same => n,Wait(1)\n", args);
	world_dialplan(&t.w, text);
	said[0] = '\0';
	world_call_in(&t.w, "x", "1", "default", "s");
	world_turn(&t.w);
	pbx_hangup_all(t.w.pbx, 16);
	world_pass(&t.w, 100);
}

static void application(void **state)
{
	static const struct { const char *args, *out; } rows[] = {
		{ "g,a,1", "a:1|g" }, { "g,a,+1", "a:+1|g" }, { "g,a,-1.5", "a:-1.5|g" }, { "c,a,-9", "a:-9|c" },
		{ "ms,a.b,320", "a.b:320|ms" }, { "ms,a,0.5", "a:0.5|ms" }, { "s,a,any thing", "a:any thing|s" },
		{ "c,a,1,1", "a:1|c" }, { "c,a,1,7.5", "a:1|c" }, { "g,a,9223372036854775807", "a:9223372036854775807|g" },
		{ "ms,a,18446744073709551615", "a:18446744073709551615|ms" }, { "g,a,.", "a:.|g" },
	};
	static const char *const wrong[] = { "", "g", "g,a", "g,a,", "m,a,1", "G,a,1", ",a,1", "g,,1", "g,a|b,1", "g,a,+", "g,a,1x",
		"g,a,1.2.3", "g,a,++1", "ms,a,-1", "ms,a,+1", "s,a,b|c", "c,a,1,x", "c,a,1,-1", "g,a,9323372036854775808",
		"ms,a,18546744073709551616", "g,a,1e3" };
	static const char *const never[] = { "c,a,1,0", "c,a,1,0.0", "c,a,1," };

	(void)state;
	wire_open_stats(&t, "", WIRE_UDP, hear);
	t.w.pbx->channel_stats = false;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		run(rows[i].args);
		was_heard(rows[i].out);
		was_heard("went:on|s");
	}
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		run(wrong[i]);
		heard("");              /* and it ends the call */
	}
	for (size_t i = 0; i < ARRAY_LEN(never); i++) {
		run(never[i]);
		heard("went:on|s ");
	}
}

/* Half of them, and each says so. */
static void sampled(void **state)
{
	size_t n = 0;

	(void)state;
	wire_open_stats(&t, "", WIRE_UDP, hear);
	for (unsigned i = 0; i < 400; i++) {
		said[0] = '\0';
		statsd_send(t.stats, STATSD_COUNTER, STR("a"), STR("1"), 0.5);
		n += said[0] != '\0';
		if (said[0])
			heard("a:1|c|@0.50 ");
	}
	assert_in_range(n, 100, 300);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_world, close_wire)
	const struct CMUnitTest tests[] = { T(registrations), T(contacts), cmocka_unit_test_setup_teardown(channels_told, open_world, close_calls), T(application), T(sampled) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
