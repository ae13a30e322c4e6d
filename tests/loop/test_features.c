/* features.conf for all and for one channel: FEATURE(), FEATUREMAP(), and applications that digits run in a call. */
#include "fake_tech.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => bob,1,Dial(Fake/bob,20)\n"
	"exten => wait,1,Wait(600)\n"
	"exten => ends,1,Set(FEATUREMAP(disconnect)=9)\n same => n,Set(FEATURE(featuredigittimeout)=500)\n same => n,Dial(Fake/bob,20,Hhg)\n"
	" same => n,Wait(600)\n"
	"exten => heir,1,Set(FEATUREMAP(disconnect)=9)\n same => n,Set(FEATURE(inherit)=${HOW})\n same => n,Dial(Fake/bob,20,h)\n"
	"exten => move,1,Set(FEATURE(transferdialattempts)=${HOW})\n same => n,Dial(Fake/bob,20,T)\n"
	"exten => moved,1,Set(TRANSFER_EXTEN=90)\n same => n,Dial(Fake/bob,20,T)\n"
	"exten => 90,1,Dial(Fake/carl,20)\n"
	"exten => named,1,Set(__DYNAMIC_FEATURES=sendon#wrong#ask)\n same => n,Set(TRANSFER_CONTEXT=${HOW})\n"
	" same => n,Dial(Fake/bob,20,gT)\n same => n,Wait(600)\n"
	"exten => after,1,Set(GOTO_ON_BLINDXFR=default^there^1)\n same => n,Dial(Fake/bob,20,T)\n"
	"exten => there,1,Set(GLOBAL(RAN)=there)\n same => n,Wait(600)\n"
	"exten => apps,1,Set(__DYNAMIC_FEATURES=${HOW})\n same => n,Dial(Fake/bob,20,g)\n same => n,Wait(600)\n"
	"[sub]\nexten => s,1,Set(GLOBAL(RAN)=sub ${ARG1} ${CHANNEL})\n same => n,Return()\n";

static const char conf[] =
	"[general]\nfeaturedigittimeout=700\ncourtesytone=ding\natxferdropcall=yes\n"
	"[featuremap]\natxfer=*2\n"
	"[applicationmap]\n"
	"mine = *5,self,Set(GLOBAL(RAN)=${CHANNEL} ${DYNAMIC_WHO_ACTIVATED} ${DYNAMIC_FEATURENAME})\n"
	"theirs => *6,peer/both,Set,\"GLOBAL(RAN)=${CHANNEL} ${DYNAMIC_WHO_ACTIVATED}\"\n"
	"slow => 77,caller,Wait(2),default\n"
	"out => *7,callee,Hangup\n"
	"sub => *8,self,Gosub(sub,s,1(x))\n"
	"none => *9,self,Nonesuch()\n"
	"sendon => 71,self,BlindTransfer(90,default)\nwrong => 72,self,BlindTransfer(nowhere)\nask => 73,self,AttendedTransfer(90)\n"
	"[group]\nmine => 3\ntheirs =\n";

static struct world w;

static void configure(const char *text)
{
	struct config_prm prm = { .dir = "/" };
	struct config *cfg = NULL;
	int err = config_parse(&cfg, &prm, STR("features.conf"), str_z(text), NULL);

	err = err ? err : features_load(w.pbx, cfg);
	config_free(cfg);
	assert_int_equal(err, 0);
}

static int setup(void **state)
{
	(void)state;
	world_open(&w, plan);
	configure(conf);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

static void set_how(const char *value)
{
	assert_int_equal(pbx_setvar(w.pbx, NULL, STR("HOW"), str_z(value)), 0);
}

static const char *value(struct channel *ch, const char *expression)
{
	static char room[128];
	struct buf b = BUF_INIT;

	pbx_substitute(w.pbx, ch, str_z(expression), &b);
	str_copy(room, sizeof(room), buf_view(&b));
	buf_free(&b);
	return room;
}

static const char *ran(void)
{
	return value(NULL, "${RAN}");
}

static struct fake *talking(const char *exten)
{
	struct fake *a = world_call_in(&w, "alice", "100", "default", exten);

	fake_event(world_fake(&w, "bob"), CE_ANSWER);
	assert_ptr_equal(bridge_peer(a->ch), world_fake(&w, "bob")->ch);
	return a;
}

static void press(struct fake *f, const char *digits)
{
	for (; *digits; digits++) {
		fake_digit(f, *digits);
		world_turn(&w);
	}
}

/* ---- FEATURE() and FEATUREMAP() ------------------------------------------------------------------- */

static void options(void **state)
{
	static const struct { const char *function, *was, *set, *is; } tv[] = {
		{ "FEATURE(inherit)", "no", "yes", "yes" }, { "FEATURE(inherit)", "no", "0", "no" },
		{ "FEATURE(featuredigittimeout)", "700", "1500", "1500" }, { "FEATURE(featuredigittimeout)", "700", "soon", "700" },
		{ "FEATURE(transferdigittimeout)", "3", "7", "7" }, { "FEATURE(atxfernoanswertimeout)", "15", "20", "20" },
		{ "FEATURE(atxferdropcall)", "1", "no", "0" }, { "FEATURE(atxferloopdelay)", "10", "1", "1" },
		{ "FEATURE(atxfercallbackretries)", "2", "4", "4" }, { "FEATURE(transferdialattempts)", "3", "1", "1" },
		{ "FEATURE(xfersound)", "beep", "a", "a" }, { "FEATURE(xferfailsound)", "beeperr", "a", "a" },
		{ "FEATURE(transferannouncesound)", "pbx-transfer", "", "" }, { "FEATURE(transferretrysound)", "pbx-invalid", "a", "a" },
		{ "FEATURE(transferinvalidsound)", "privacy-incorrect", "a", "a" }, { "FEATURE(atxferabort)", "*1", "a", "a" },
		{ "FEATURE(atxfercomplete)", "*2", "a", "a" }, { "FEATURE(atxferthreeway)", "*3", "a", "a" },
		{ "FEATURE(atxferswap)", "*4", "a", "a" }, { "FEATURE(pickupexten)", "*8", "a", "a" },
		{ "FEATURE(pickupsound)", "", "a", "a" }, { "FEATURE(pickupfailsound)", "", "a", "a" },
		{ "FEATURE(courtesytone)", "ding", "a", "a" }, { "FEATURE(recordingfailsound)", "", "a", "a" },
		{ "FEATUREMAP(blindxfer)", "#", "5", "5" }, { "FEATUREMAP(disconnect)", "*", "5", "5" },
		{ "FEATUREMAP(atxfer)", "*2", "", "" }, { "FEATUREMAP(parkcall)", "", "5", "5" },
		{ "FEATUREMAP(automixmon)", "", "5", "5" },
		{ "FEATURE(blindxfer)", "", "5", "" }, { "FEATUREMAP(xfersound)", "", "5", "" }, { "FEATURE(nonesuch)", "", "5", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct fake *a = world_call_in(&w, "alice", "100", "default", "wait");
		struct fake *other = world_call_in(&w, "carl", "100", "default", "wait");
		char read[64];

		print_message("%s\n", tv[i].function);
		snprintf(read, sizeof(read), "${%s}", tv[i].function);
		assert_string_equal(value(a->ch, read), tv[i].was);
		(void)pbx_setvar(w.pbx, a->ch, str_z(tv[i].function), str_z(tv[i].set));
		assert_string_equal(value(a->ch, read), tv[i].is);
		/* Only its own. */
		assert_string_equal(value(other->ch, read), tv[i].was);
		fake_hangup(a, CAUSE_NORMAL);
		fake_hangup(other, CAUSE_NORMAL);
	}
}

static void own_digits(void **state)
{
	struct fake *a = talking("ends"), *b = world_fake(&w, "bob");

	(void)state;
	/* Its own are those of alice alone. */
	press(b, "9");
	assert_non_null(bridge_peer(a->ch));
	assert_true(fake_was_told(a, "digit:9"));
	press(a, "*");
	assert_non_null(bridge_peer(a->ch));
	press(a, "9");
	assert_null(a->ch->bridge);
	assert_null(b->ch);
}

static void inherited(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		struct fake *a;

		set_how(yes ? "yes" : "no");
		a = talking("heir");
		assert_string_equal(value(world_fake(&w, "bob")->ch, "${FEATUREMAP(disconnect)}"), yes ? "9" : "*");
		assert_string_equal(value(world_fake(&w, "bob")->ch, "${FEATURE(inherit)}"), yes ? "yes" : "no");
		fake_hangup(a, CAUSE_NORMAL);
	}
}

/* ---- transfers by digits ------------------------------------------------------------------------------ */

static void attempts(void **state)
{
	(void)state;
	for (int most = 1; most <= 2; most++) {
		struct fake *a;

		set_how(most == 1 ? "1" : "2");
		a = talking("move");
		/* Nothing begins so: that is known at once. */
		press(a, "#4");
		world_pass(&w, 1000);
		press(a, "90");
		world_pass(&w, 4000);
		assert_int_equal(world_fake(&w, "carl") != NULL, most == 2);
		if (most == 1)
			fake_hangup(a, CAUSE_NORMAL);
	}
}

static void the_variable_says_where(void **state)
{
	struct fake *a = talking("moved");

	(void)state;
	press(a, "#");
	assert_non_null(world_fake(&w, "carl"));
}

static void sent_on_by_name(void **state)
{
	struct fake *a, *b;

	(void)state;
	set_how("default");
	a = talking("named");
	b = world_fake(&w, "bob");
	press(a, "72");
	assert_string_equal(world_var(a->ch, "BLINDTRANSFERSTATUS"), "INVALID");
	assert_ptr_equal(bridge_peer(a->ch), b->ch);
	press(a, "71");
	world_pass(&w, 100);
	assert_string_equal(world_var(a->ch, "BLINDTRANSFERSTATUS"), "SUCCESS");
	assert_null(a->ch->bridge);
	fake_event(world_fake(&w, "carl"), CE_ANSWER);
	assert_ptr_equal(bridge_peer(b->ch), world_fake(&w, "carl")->ch);
}

static void asked_by_name(void **state)
{
	struct fake *a;

	(void)state;
	set_how("");
	a = talking("named");
	press(a, "73");
	assert_string_equal(world_var(a->ch, "ATTENDEDTRANSFERSTATUS"), "NOTPERMITTED");
	fake_hangup(a, CAUSE_NORMAL);
	set_how("default");
	a = talking("named");
	press(a, "73");
	assert_string_equal(world_var(a->ch, "ATTENDEDTRANSFERSTATUS"), "SUCCESS");
	world_pass(&w, 2000);
	assert_non_null(world_fake(&w, "carl"));
	fake_event(world_fake(&w, "carl"), CE_ANSWER);
	world_turn(&w);
	assert_ptr_equal(bridge_peer(a->ch), world_fake(&w, "carl")->ch);
}

/* Whoever sent the other on goes where it was told to. */
static void goes_elsewhere_itself(void **state)
{
	struct fake *a = talking("after");

	(void)state;
	press(a, "#90");
	world_pass(&w, 100);
	assert_non_null(world_fake(&w, "carl"));
	assert_string_equal(ran(), "there");
	assert_non_null(a->ch);
}

/* ---- [applicationmap] ------------------------------------------------------------------------------------ */

static void applications(void **state)
{
	static const struct { const char *dynamic, *digits, *ran; bool over; } tv[] = {
		{ "mine", "*5", "Fake/alice Fake/alice mine", false },
		{ "theirs#mine", "*5", "Fake/alice Fake/alice mine", false },
		{ "theirs#mine", "*6", "Fake/bob Fake/alice", false },
		{ "group", "3", "Fake/alice Fake/alice mine", false },
		{ "group", "*6", "Fake/bob Fake/alice", false },
		{ "group", "*5", "", false },
		{ "nonesuch#mine", "*5", "Fake/alice Fake/alice mine", false },
		{ "sub", "*8", "sub x Fake/alice", false },
		{ "none", "*9", "", false },
		{ "", "*5", "", false },
		{ "out", "*7", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct fake *a;
		char got[96] = "";
		struct str s, word;

		print_message("%s %s\n", tv[i].dynamic, tv[i].digits);
		pbx_setvar(w.pbx, NULL, STR("RAN"), STR(""));
		set_how(tv[i].dynamic);
		a = talking("apps");
		press(a, tv[i].digits);
		world_pass(&w, 100);
		/* Names of channels without their numbers. */
		for (s = str_z(ran()); s.n;) {
			word = str_cut_raw(&s, ' ');
			word.n = str_chr(word, '-');
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s", got[0] ? " " : "", STR_ARG(word));
		}
		assert_string_equal(got, tv[i].ran);
		assert_int_equal(!a->ch->bridge, tv[i].over);
		fake_hangup(a, CAUSE_NORMAL);
		world_turn(&w);
	}
}

/* While it works the others hear music, and its digits are not the call's. */
static void one_that_takes_time(void **state)
{
	struct fake *a, *b;

	(void)state;
	set_how("slow#mine");
	a = talking("apps");
	b = world_fake(&w, "bob");
	press(a, "7");
	assert_false(fake_was_told(b, "hold"));
	press(a, "7");
	assert_true(fake_was_told(b, "hold"));
	assert_false(fake_was_told(b, "unhold"));
	press(a, "*5");
	assert_string_equal(ran(), "");
	world_pass(&w, 3000);
	assert_true(fake_was_told(b, "unhold"));
	assert_non_null(bridge_peer(a->ch));
	press(a, "*5");
	world_pass(&w, 100);
	assert_string_not_equal(ran(), "");
}

/* The call ends meanwhile. */
static void it_ends_meanwhile(void **state)
{
	(void)state;
	for (int who = 0; who < 2; who++) {
		struct fake *a, *b;

		set_how("slow");
		a = talking("apps");
		b = world_fake(&w, "bob");
		press(a, "77");
		world_pass(&w, 1000);
		fake_hangup(who ? a : b, CAUSE_NORMAL);
		world_pass(&w, 3000);
		assert_null(b->ch);
		if (!who)
			fake_hangup(a, CAUSE_NORMAL);
	}
}

static void faults(void **state)
{
	static const struct { const char *line; unsigned at; const char *says; } tv[] = {
		{ "[general]\nfeaturedigittimeout=x\n", 2, "no number" }, { "[general]\nxfersond=x\n", 2, "unknown option" },
		{ "[general]\nparkext=700\n", 2, "res_parking.conf" }, { "[featuremap]\nautomixmonitor=*1\n", 2, "unknown option" }, { "[featuremap]\nautomon=*1\n", 2, "went away" },
		{ "[applicationmap]\nx=*1,self\n", 2, "is not digits" }, { "[applicationmap]\nx=*1,me,NoOp\n", 2, "neither for self" },
		{ "[applicationmap]\nx=*1,self,(y)\n", 2, "is not digits" }, { "[applicationmap]\nx=123456789012,self,NoOp\n", 2, "11 digits" },
		{ "[g]\nx=*1\n", 2, "not in [applicationmap]" }, { "[applicationmap]\nx=*1,self,NoOp\n[g]\nx=\n", 0, NULL },
	};
	struct config_prm prm = { .dir = "/" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct report *r = GOT(report_new());
		struct features_conf *f = NULL;
		struct config *cfg = NULL;
		int err = config_parse(&cfg, &prm, STR("features.conf"), str_z(tv[i].line), NULL);

		print_message("%s", tv[i].line);
		err = err ? err : features_build(&f, cfg, r);
		assert_int_equal(err, 0);
		assert_int_equal(report_count(r), tv[i].says ? 1 : 0);
		if (tv[i].says) {
			assert_int_equal(report_at(r, 0)->line, tv[i].at);
			assert_true(str_find(report_at(r, 0)->text, str_z(tv[i].says)) < report_at(r, 0)->text.n);
		}
		obj_drop(f);
		config_free(cfg);
		report_free(r);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		T(options), T(own_digits), T(inherited), T(attempts), T(the_variable_says_where), T(sent_on_by_name),
		T(asked_by_name), T(goes_elsewhere_itself), T(applications), T(one_that_takes_time),
		T(it_ends_meanwhile), T(faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
