/* Attended transfer by digits, and what features.conf has for it: the transferer's digits, and who is called again when
 * it has gone. */
#include "fake_tech.h"
#include "base/obj.h"
#include "config/reader.h"
#include "media/mixer.h"
#include "pbx/bridge.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => opts,1,Dial(Fake/bob,20,gtTHh)\n same => n,Wait(600)\n"
	"exten => own,1,Set(FEATURE(atxferabort)=*7)\n same => n,Dial(Fake/bob,20,gtTHh)\n same => n,Wait(600)\n"
	"exten => 9,1,Set(GLOBAL(WHO)=${TRANSFERERNAME} ${ATTENDEDTRANSFER})\n same => n,Dial(Fake/carl,600)\n same => n,Hangup()\n"
	"exten => 8,1,Dial(Fake/nobody,600)\n";

static struct world w;
static struct fake *a, *b, *c;          /* a transfers b to c */

static void configure(const char *general)
{
	struct config_prm prm = { .dir = "/" };
	struct config *cfg = NULL;
	char text[512];
	int err;

	snprintf(text, sizeof(text), "[featuremap]\natxfer=*2\nblindxfer=#1\n[general]\n%s", general);
	err = config_parse(&cfg, &prm, STR("features.conf"), str_z(text), NULL);
	err = err ? err : features_load(w.pbx, cfg);
	config_free(cfg);
	assert_int_equal(err, 0);
}

static int setup(void **state)
{
	(void)state;
	world_open(&w, plan);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	a = b = c = NULL;
	world_close(&w);
	return 0;
}

static void press(struct fake *f, const char *digits)
{
	for (; *digits; digits++) {
		fake_digit(f, *digits);
		world_turn(&w);
	}
}

static void call(const char *exten, bool by_callee)
{
	struct fake *alice = world_call_in(&w, "alice", "100", "default", exten), *bob = world_fake(&w, "bob");

	fake_event(bob, CE_ANSWER);
	assert_ptr_equal(bridge_peer(alice->ch), bob->ch);
	a = by_callee ? bob : alice;
	b = by_callee ? alice : bob;
	press(a, "*29");
	c = world_fake(&w, "carl");
	assert_non_null(c);
}

/* The one who transfers has called (and its dialplan goes on), or was called. */
static void begin(const char *general, bool by_callee)
{
	configure(general);
	call("opts", by_callee);
	assert_true(b->ch->moh);
	fake_event(c, CE_RINGING);
	world_turn(&w);
}

static void begin_talking(const char *general, bool by_callee)
{
	begin(general, by_callee);
	fake_event(c, CE_ANSWER);
	world_turn(&w);
	assert_ptr_equal(bridge_peer(a->ch), c->ch);
}

static void talk(const struct fake *x, const struct fake *y)
{
	assert_non_null(x->ch);
	assert_non_null(y->ch);
	assert_ptr_equal(bridge_peer(x->ch), y->ch);
	assert_false(x->ch->moh);
	assert_false(y->ch->moh);
}

/* Out of the call: one who called goes on in its dialplan, one who was called is gone. */
static void is_out(struct fake *f, bool was_called)
{
	world_turn(&w);
	if (was_called)
		assert_null(f->ch);
	else
		assert_null(f->ch->bridge);
}

static unsigned transfers(const char *line)
{
	return world_events(&w, "AttendedTransfer", line);
}

static void end(void)
{
	while (!list_empty(&w.pbx->channels)) {
		channel_hangup(container_of(w.pbx->channels.next, struct channel, link), CAUSE_NORMAL);
		world_pass(&w, 100);
	}
	world_forget_events(&w);
}

/* ---- its digits -------------------------------------------------------------------------------------- */

static void aborted(void **state)
{
	(void)state;
	for (int by = 0; by < 2; by++) {
		begin("", by);
		press(a, "*1");
		talk(a, b);
		assert_null(c->ch);
		end();
		begin_talking("", by);
		press(a, "*1");
		talk(a, b);
		assert_null(c->ch);
		/* And its features are as before. */
		press(a, "*1");
		assert_true(fake_was_told(b, "digit:1"));
		press(a, "*29");
		assert_non_null(world_fake(&w, "carl")->ch);
		end();
	}
	assert_int_equal(transfers(NULL), 0);
}

static void digits_of_its_own(void **state)
{
	(void)state;
	configure("atxfercomplete=55\natxferabort=\n");
	call("own", false);
	fake_event(c, CE_ANSWER);
	world_turn(&w);
	press(a, "*1");
	assert_true(fake_was_told(c, "digit:1"));
	press(a, "55");
	talk(b, c);
	end();
	configure("");
	call("own", false);
	press(a, "*7");
	talk(a, b);
	end();
}

static void completed(void **state)
{
	(void)state;
	for (int by = 0; by < 2; by++) {
		begin_talking("", by);
		/* Others than these do nothing now. */
		press(a, "#1");
		assert_true(fake_was_told(c, "digit:#"));
		press(a, "*2");
		talk(b, c);
		is_out(a, by);
		assert_int_equal(transfers("DestType: Bridge"), 1);
		assert_int_equal(transfers("IsExternal: No"), 1);
		end();
		/* While it rings: who waits hears that. */
		begin("atxferdropcall=yes\n", by);
		press(a, "*2");
		is_out(a, by);
		assert_true(fake_was_told(b, "ringing"));
		assert_int_equal(transfers("Result: Success"), 1);
		fake_event(c, CE_ANSWER);
		world_turn(&w);
		talk(b, c);
		end();
	}
}

static void all_together(void **state)
{
	(void)state;
	for (int who = 0; who < 3; who++) {
		begin_talking("", false);
		press(a, "*3");
		assert_ptr_equal(a->ch->bridge, b->ch->bridge);
		assert_ptr_equal(a->ch->bridge, c->ch->bridge);
		assert_int_equal(bridge_count(a->ch->bridge), 3);
		assert_int_equal(transfers("DestType: Threeway"), 1);
		assert_true(str_find(str_z(world_var(a->ch, "BRIDGEPEER")), STR(",Fake/")) < strlen(world_var(a->ch, "BRIDGEPEER")));
		press(a, "5");
		assert_true(fake_was_told(b, "digit:5") && fake_was_told(c, "digit:5"));
		/* Any one of them may go. */
		fake_hangup(who == 0 ? a : who == 1 ? b : c, CAUSE_NORMAL);
		world_turn(&w);
		talk(who == 0 ? b : a, who == 2 ? b : c);
		end();
	}
	/* One who was not asked yet rings among them. */
	begin("", false);
	press(a, "*3");
	assert_int_equal(bridge_count(a->ch->bridge), 3);
	fake_event(c, CE_ANSWER);
	world_turn(&w);
	fake_hangup(b, CAUSE_NORMAL);
	world_turn(&w);
	talk(a, c);
	end();
}

/* Three of them are sent on together. */
static void all_sent_on(void **state)
{
	(void)state;
	begin_talking("", false);
	press(a, "*3");
	press(a, "#18");
	assert_non_null(world_fake(&w, "nobody"));
	is_out(a, false);
	fake_event(world_fake(&w, "nobody"), CE_ANSWER);
	world_turn(&w);
	assert_int_equal(bridge_count(b->ch->bridge), 3);
	assert_ptr_equal(b->ch->bridge, c->ch->bridge);
	end();
}

static void swapped(void **state)
{
	(void)state;
	for (int by = 0; by < 2; by++) {
		begin_talking("", by);
		press(a, "*4");
		talk(a, b);
		press(a, "*4");
		talk(a, c);
		assert_true(b->ch->moh);
		press(a, "*4");
		press(a, "*2");
		talk(b, c);
		is_out(a, by);
		end();
		/* While it rings, and then it answers. */
		begin("", by);
		press(a, "*4");
		talk(a, b);
		fake_event(c, CE_ANSWER);
		world_turn(&w);
		talk(a, b);
		press(a, "*4");
		talk(a, c);
		press(a, "*4");
		press(a, "*1");
		talk(a, b);
		assert_null(c->ch);
		end();
		begin("atxferdropcall=yes\n", by);
		press(a, "*4");
		press(a, "*4");
		assert_true(b->ch->moh);
		press(a, "*4");
		fake_hangup(a, CAUSE_NORMAL);
		world_turn(&w);
		fake_event(c, CE_ANSWER);
		world_turn(&w);
		talk(b, c);
		end();
	}
}

/* ---- who leaves ---------------------------------------------------------------------------------------- */

static void nobody_answers(void **state)
{
	(void)state;
	for (int swaps = 0; swaps < 2; swaps++) {
		begin("atxfernoanswertimeout=5\n", swaps);
		if (swaps)
			press(a, "*4");
		world_pass(&w, 4000);
		assert_non_null(c->ch);
		world_pass(&w, 1100);
		assert_null(c->ch);
		talk(a, b);
		end();
	}
}

static void the_target_leaves(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		if (i & 1)
			begin_talking("", false);
		else
			begin("", false);
		if (i & 2)
			press(a, "*4");
		fake_hangup(c, CAUSE_BUSY);
		world_turn(&w);
		talk(a, b);
		end();
	}
}

static void who_waits_leaves(void **state)
{
	(void)state;
	for (int by = 0; by < 2; by++) {
		begin("", by);
		fake_hangup(b, CAUSE_NORMAL);
		world_turn(&w);
		assert_null(c->ch);
		is_out(a, by);
		assert_int_equal(transfers("DestType: Fail"), 1);
		end();
		begin_talking("", by);
		fake_hangup(b, CAUSE_NORMAL);
		world_turn(&w);
		talk(a, c);
		assert_int_equal(transfers(NULL), 0);
		end();
	}
}

/* ---- the transferer leaves while it rings ------------------------------------------------------------------ */

static void the_call_is_dropped(void **state)
{
	(void)state;
	begin("atxferdropcall=yes\natxfernoanswertimeout=5\n", true);
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 6000);
	assert_non_null(c->ch);
	fake_hangup(c, CAUSE_BUSY);
	world_turn(&w);
	assert_null(world_fake(&w, "bob")->ch);
	assert_null(b->ch->bridge);
	end();
}

/* Its channel has gone at once, and is called back. */
static void leave(const char *general)
{
	begin(general, true);
	fake_hangup(a, CAUSE_NORMAL);
	world_turn(&w);
	assert_null(a->ch);
	assert_ptr_equal(world_fake(&w, "bob"), a);
	assert_true(fake_was_told(b, "ringing"));
}

static void the_target_answers_late(void **state)
{
	(void)state;
	leave("");
	fake_event(c, CE_ANSWER);
	world_turn(&w);
	talk(b, c);
	world_pass(&w, 60000);
	talk(b, c);
	fake_hangup(c, CAUSE_NORMAL);
	world_turn(&w);
	assert_null(b->ch->bridge);
	end();
}

static void the_transferer_is_called_back(void **state)
{
	(void)state;
	for (int busy = 0; busy < 2; busy++) {
		struct fake *again;

		leave("atxfernoanswertimeout=5\n");
		if (busy)
			fake_hangup(c, CAUSE_BUSY);
		world_pass(&w, busy ? 100 : 5100);
		assert_null(c->ch);
		again = world_fake(&w, "bob");
		assert_ptr_not_equal(again, a);
		fake_event(again, CE_ANSWER);
		world_turn(&w);
		talk(b, again);
		/* With what it could do before. */
		press(again, "*29");
		assert_non_null(world_fake(&w, "carl")->ch);
		end();
	}
}

static void the_target_is_called_again(void **state)
{
	struct fake *back, *again;

	(void)state;
	leave("atxfernoanswertimeout=5\natxferloopdelay=7\n");
	world_pass(&w, 5100);
	back = world_fake(&w, "bob");
	fake_hangup(back, CAUSE_BUSY);
	world_turn(&w);
	assert_null(back->ch);
	assert_true(b->ch->moh);
	world_pass(&w, 6800);
	assert_ptr_equal(world_fake(&w, "carl"), c);
	world_pass(&w, 300);
	again = world_fake(&w, "carl");
	assert_ptr_not_equal(again, c);
	assert_false(b->ch->moh);
	fake_event(again, CE_ANSWER);
	world_turn(&w);
	talk(b, again);
	end();
}

/* Back, target, back: so often as atxfercallbackretries says. */
static void nobody_is_found(void **state)
{
	(void)state;
	for (unsigned most = 1; most <= 2; most++) {
		char general[96];

		snprintf(general, sizeof(general), "atxfernoanswertimeout=5\natxferloopdelay=0\natxfercallbackretries=%u\n", most);
		leave(general);
		world_pass(&w, 9800);
		assert_non_null(b->ch->bridge);
		world_pass(&w, 400);
		if (most == 2) {
			assert_non_null(world_fake(&w, "carl")->ch);
			world_pass(&w, 5000);
			assert_non_null(world_fake(&w, "bob")->ch);
			world_pass(&w, 5000);
		}
		assert_null(b->ch->bridge);
		assert_null(world_fake(&w, "bob")->ch);
		assert_null(world_fake(&w, "carl")->ch);
		end();
	}
}

static void who_waits_gives_up(void **state)
{
	static const unsigned when[] = { 100, 5200, 9000, 11000, 19000, 23000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(when); i++) {
		leave("atxfernoanswertimeout=5\natxferloopdelay=4\n");
		world_pass(&w, when[i]);
		fake_hangup(b, CAUSE_NORMAL);
		world_pass(&w, 100);
		assert_int_equal(channel_count(w.pbx), 0);
		end();
	}
}

/* ---- what the others know ------------------------------------------------------------------------------------ */

static void who_transfers(void **state)
{
	char want[96];

	struct buf got = BUF_INIT;

	(void)state;
	begin("", false);
	snprintf(want, sizeof(want), "%s %s", text_z(&a->ch->name), text_z(&a->ch->name));
	assert_true(pbx_getvar(w.pbx, NULL, STR("WHO"), &got));
	assert_true(str_eq(buf_view(&got), str_z(want)));
	buf_free(&got);
	end();
}

/* ---- what is heard ----------------------------------------------------------------------------------------- */

static char dir[64];

/* A second of it. */
static void make_sound(void)
{
	char path[128], second[8000];
	FILE *f;

	strcpy(dir, "/tmp/test_atxfer.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/tone.ulaw", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	memset(second, 0xff, sizeof(second));
	assert_int_equal(fwrite(second, 1, sizeof(second), f), sizeof(second));
	fclose(f);
	w.pbx->sounds_dir = str_z(dir);
	media_reload(w.media, &(struct media_prm){ .core = w.loop, .sounds = str_z(dir) });
}

static int setup_media(void **state)
{
	(void)state;
	world_open_media(&w, plan);
	make_sound();
	return 0;
}

static int teardown_media(void **state)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/tone.ulaw", dir);
	assert_int_equal(unlink(path) + rmdir(dir), 0);
	return teardown(state);
}

static bool hears_tone(const struct fake *f)
{
	return f->ch->sounds;
}

static void sounds(void **state)
{
	static const char general[] = "xfersound=tone\nxferfailsound=\ntransferannouncesound=\n";
	static const char failed[] = "xfersound=\nxferfailsound=tone\ntransferannouncesound=\n";

	(void)state;
	begin_talking(general, true);
	press(a, "*2");
	assert_true(hears_tone(c) && !hears_tone(b));
	end();
	begin_talking(general, true);
	press(a, "*3");
	assert_true(hears_tone(c) && hears_tone(a) && !hears_tone(b));
	end();
	for (int fails = 0; fails < 2; fails++) {
		begin_talking(fails ? failed : general, true);
		press(a, "*1");
		assert_true(hears_tone(a) == fails && !hears_tone(b));
		end();
	}
	begin(failed, true);
	fake_hangup(c, CAUSE_NORMAL);
	world_turn(&w);
	assert_true(hears_tone(a));
	end();
	/* Whom it talked to has gone: that needs no word. */
	begin_talking(failed, true);
	fake_hangup(c, CAUSE_NORMAL);
	world_turn(&w);
	assert_false(hears_tone(a));
	end();
	begin_talking(failed, true);
	fake_hangup(b, CAUSE_NORMAL);
	world_turn(&w);
	assert_true(hears_tone(a));
	end();
}

static void three_hear_one_another(void **state)
{
	(void)state;
	begin_talking("transferannouncesound=\n", false);
	assert_ptr_equal(a->ch->joined, c->session);
	press(a, "*3");
	assert_true(media_session_mixed(a->session) && media_session_mixed(b->session) && media_session_mixed(c->session));
	fake_hangup(b, CAUSE_NORMAL);
	world_turn(&w);
	assert_false(media_session_mixed(a->session) || media_session_mixed(c->session));
	assert_ptr_equal(a->ch->joined, c->session);
	end();
}

int main(void)
{
#define M(f) cmocka_unit_test_setup_teardown(f, setup_media, teardown_media)
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(aborted), T(digits_of_its_own), T(completed), T(all_together), T(all_sent_on), T(swapped), T(nobody_answers),
		T(the_target_leaves), T(who_waits_leaves), T(the_call_is_dropped), T(the_target_answers_late),
		T(the_transferer_is_called_back), T(the_target_is_called_again), T(nobody_is_found), T(who_waits_gives_up),
		T(who_transfers), M(sounds), M(three_hear_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
