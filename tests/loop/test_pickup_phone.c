/* features.conf's pickupexten dialled by a phone, and the groups of pjsip.conf. */
#include "alice.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/features.h"
#include "service/call/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => names,1,Answer()\n"
	" same => n,Set(GLOBAL(N)=${CHANNEL(namedcallgroup)}/${CHANNEL(namedpickupgroup)}/${CHANNEL(callgroup)}/${CHANNEL(pickupgroup)})\n"
	" same => n,Wait(60)\n";

#define PHONE "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\nsend_pai=yes\ntrust_id_outbound=yes\n"
#define CONF(alices, bobs) WIRE_UDP PHONE "[alice](phone)\naors=alice\ncallerid=\"Alice\" <100>\n" alices \
	"[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n[bob](phone)\naors=bob\n" bobs \
	"[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

static struct fake *caller;

static void begins(const char *conf)
{
	wire_open(&t, plan, conf);
	alice_begins();
	caller = world_call_in(&t.w, "dora", "400", "default", "bob");
	world_turn(&t.w);
	answer(SIP_INVITE, BOB, 180, "", "");
	world_turn(&t.w);
	assert_int_equal(caller->ch->state, CHAN_RING);
}

static int ends(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static void features(const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct config *cfg;

	assert_int_equal(config_parse(&cfg, &prm, STR("features.conf"), str_z(text), NULL), 0);
	assert_int_equal(features_load(t.w.pbx, cfg), 0);
	config_free(cfg);
}

static void dials(const char *exten)
{
	wire_forget(&t);
	alice("INVITE", exten, 1, "", SDP_ULAW);
	world_pass(&t.w, 100);
}

static void taken(void)
{
	assert_int_equal(status(SIP_INVITE), 200);
	assert_non_null(caller->ch->bridge);
	assert_int_equal(world_events(&t.w, "Pickup", "Context: default"), 1);
	assert_int_equal(world_events(&t.w, "DialEnd", "DialStatus: ANSWER"), 1);
	assert_string_equal(text_z(&caller->ch->connected.number), "100");
	/* Who rang is told; that it was by pickupexten makes it an ordinary end. */
	assert_non_null(requested(SIP_CANCEL, BOB));
	assert_int_equal(world_events(&t.w, "Hangup", "Cause: 16"), 1);
}

static void not_taken(unsigned code)
{
	assert_int_equal(status(SIP_INVITE), code);
	assert_null(caller->ch->bridge);
	assert_int_equal(world_events(&t.w, "Pickup", NULL), 0);
}

static void call_group(void **state)
{
	(void)state;
	begins(CONF("pickup_group=2\n", "call_group=1-3\n"));
	dials("*8");
	taken();
}

static void named_call_group(void **state)
{
	(void)state;
	begins(CONF("named_pickup_group=help,sales\n", "named_call_group=sales\n"));
	dials("*8");
	taken();
}

static void another_group(void **state)
{
	(void)state;
	begins(CONF("pickup_group=4\nnamed_pickup_group=help\n", "call_group=1-3\nnamed_call_group=sales\n"));
	dials("*8");
	not_taken(403);
}

static void pickupexten(void **state)
{
	(void)state;
	begins(CONF("pickup_group=2\n", "call_group=2\n"));
	features("[general]\npickupexten=77\n");
	dials("*8");
	not_taken(404);
	alice_starts_anew();
	dials("77");
	taken();
}

/* It is answered to hear that there is nothing. */
static void pickupfailsound(void **state)
{
	(void)state;
	begins(CONF("pickup_group=2\n", ""));
	features("[general]\npickupfailsound=beeperr\n");
	dials("*8");
	world_pass(&t.w, 1000);
	not_taken(200);
}

static void pickupsound(void **state)
{
	(void)state;
	begins(CONF("pickup_group=2\n", "call_group=2\n"));
	features("[general]\npickupsound=beep\n");
	dials("*8");
	taken();
	assert_int_equal(world_events(&t.w, "VarSet", "Value: beep"), 1);
	/* Said once. */
	assert_int_equal(world_events(&t.w, "VarSet", "Variable: BRIDGE_PLAY_SOUND"), 2);
}

static void groups_of_a_channel(void **state)
{
	(void)state;
	begins(CONF("pickup_group=2\ncall_group=0,4-6\nnamed_call_group=b, a\nnamed_pickup_group=c\n", ""));
	alice_talks("names");
	assert_string_equal(global("N"), "a, b/c/0, 4, 5, 6/2");
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, ends)
	const struct CMUnitTest tests[] = {
		T(call_group), T(named_call_group), T(another_group), T(pickupexten), T(pickupfailsound), T(pickupsound),
		T(groups_of_a_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
