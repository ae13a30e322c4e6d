/* Whose sessions are joined: bridges, early media, Local channels in between. */
#include "fake_tech.h"
#include "base/fiber.h"
#include "media/media.h"
#include "pbx/bridge.h"
#include "pbx/channel_private.h"
#include "pbx/local.h"
#include "pbx/originate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <errno.h>

static const char plan[] =
	"[default]\n"
	"exten => one,1,Dial(Fake/bob,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => feat,1,Dial(Fake/bob,20,gT)\n"
	" same => n,Wait(60)\n"
	"exten => two,1,Dial(Fake/bob&Fake/carl,20,g)\n"
	" same => n,Wait(60)\n"
	"exten => stay,1,Dial(Local/bob@inner/n,20)\n"
	"exten => deep,1,Dial(Local/deep@inner/n,20)\n"
	"exten => early,1,Dial(Local/talk@inner/n,20)\n"
	"exten => fork,1,Dial(Local/fork@inner/n&Fake/carl,20)\n"
	"exten => ans,1,Answer()\n"
	" same => n,Wait(60)\n"
	"exten => slow,1,Answer(700)\n"
	" same => n,Wait(60)\n"
	"exten => now,1,Answer(,i)\n"
	" same => n,Wait(60)\n"
	"exten => sing,1,Playback(${SOUND})\n"
	" same => n,Wait(60)\n"
	"[inner]\n"
	"exten => bob,1,Dial(Fake/bob,20)\n"
	"exten => deep,1,Dial(Local/bob@inner/n,20)\n"
	"exten => fork,1,Dial(Fake/bob&Fake/dora,20)\n"
	"exten => talk,1,Progress()\n"
	" same => n,Echo()\n";

static struct world w;

static int setup(void **state)
{
	(void)state;
	world_open_media(&w, plan);
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

static bool joined(const struct fake *a, const struct fake *b)
{
	return a->ch->joined == b->session && b->ch->joined == a->session && media_session_bridged(a->session) &&
	       media_session_bridged(b->session);
}

static void in_a_bridge(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob");

	(void)state;
	assert_false(media_session_bridged(a->session));
	fake_event(b, CE_ANSWER);
	assert_true(joined(a, b));
	assert_true(a->ch->digits_relayed);
	world_forget_events(&w);
	fake_digit(a, '1');                     /* media passed it: told, not sent again */
	assert_false(fake_was_told(b, "digit:1"));
	assert_int_equal(world_events(&w, "DTMFEnd", "Direction: Sent"), 1);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(a->ch->joined);
	assert_false(media_session_bridged(a->session));
}

static void digits_that_may_be_codes_stop_here(void **state)
{
	struct fake *a = dial("feat"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	assert_true(joined(a, b));
	assert_false(a->ch->digits_relayed);
	assert_true(b->ch->digits_relayed);
	fake_digit(a, '1');
	assert_true(fake_was_told(b, "digit:1"));
}

static void before_the_answer(void **state)
{
	struct fake *a = dial("one"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_PROGRESS);
	assert_true(joined(a, b));
	fake_event(b, CE_ANSWER);
	assert_true(joined(a, b));
	fake_hangup(a, CAUSE_NORMAL);
	a = dial("one");
	b = world_fake(&w, "bob");
	fake_event(b, CE_PROGRESS);
	fake_hangup(b, CAUSE_BUSY);
	assert_false(media_session_bridged(a->session));
}

static void several_are_not_heard_early(void **state)
{
	struct fake *a = dial("two"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_PROGRESS);
	assert_false(media_session_bridged(a->session));
}

static void first_packet(struct fake *f)
{
	channel_media_event(f->ch, &(struct media_event){ .type = MEDIA_FIRST_PACKET });
	world_turn(&w);
}

static const char *app(const struct fake *f)
{
	return text_z(&f->ch->app);
}

/* Sound or half a second, whichever comes first; sound of before counts. */
static void an_answer_settles(void **state)
{
	struct fake *a = dial("ans");

	(void)state;
	assert_true(fake_was_told(a, "answer"));
	assert_string_equal(app(a), "Answer");
	world_pass(&w, 400);
	assert_string_equal(app(a), "Answer");
	world_pass(&w, 200);
	assert_string_equal(app(a), "Wait");
	a = dial("ans");
	first_packet(a);
	assert_string_equal(app(a), "Wait");
	/* Encrypted media is open when its handshake is done; the first packet is the application's already. */
	a = dial("ans");
	channel_media_event(a->ch, &(struct media_event){ .type = MEDIA_SECURE, .err = EACCES });
	world_turn(&w);
	assert_string_equal(app(a), "Answer");
	channel_media_event(a->ch, &(struct media_event){ .type = MEDIA_SECURE });
	world_turn(&w);
	assert_string_equal(app(a), "Wait");
	a = dial("ans");
	fake_digit(a, '5');
	assert_string_equal(app(a), "Wait");
	assert_string_equal(a->ch->dtmf_pending, "5");
	a = dial("slow");
	first_packet(a);
	world_pass(&w, 600);
	assert_string_equal(app(a), "Answer");
	world_pass(&w, 200);
	assert_string_equal(app(a), "Wait");
	assert_string_equal(app(dial("now")), "Wait");
}

static void through_local_channels(void **state)
{
	struct fake *a = dial("deep"), *b = world_fake(&w, "bob");

	(void)state;
	assert_int_equal(channel_count(w.pbx), 6);
	fake_event(b, CE_PROGRESS);
	assert_true(joined(a, b));              /* six channels, one hop of sound */
	fake_event(b, CE_ANSWER);
	assert_int_equal(channel_count(w.pbx), 6);
	assert_true(joined(a, b));
	assert_true(a->ch->digits_relayed);
	fake_hangup(b, CAUSE_NORMAL);
	assert_null(a->ch);
}

static void after_optimization(void **state)
{
	struct fake *a = dial("stay"), *b = world_fake(&w, "bob");

	(void)state;
	fake_event(b, CE_ANSWER);
	assert_true(joined(a, b));
	assert_int_equal(local_allow_optimize(bridge_peer(a->ch)), 0);
	world_turn(&w);
	assert_int_equal(channel_count(w.pbx), 2);
	assert_true(joined(a, b));
	assert_int_equal(world_events(&w, "BridgeLeave", "BridgeTechnology: native_rtp") > 0 ? 1 : 0, 0);
}

static void an_application_behind_local_is_heard(void **state)
{
	struct fake *a = dial("early");
	struct channel *half;

	(void)state;
	/* Echo() on ;2 works in the caller's session, before the answer. */
	half = channel_by_name(w.pbx, STR("Local/talk@inner-00000000;2"));
	assert_non_null(half);
	assert_string_equal(text_z(&half->app), "Echo");
	assert_ptr_equal(channel_media(half), a->session);
	assert_ptr_equal(channel_media_end(half), a->ch);
	fake_hangup(a, CAUSE_NORMAL);
	assert_int_equal(channel_count(w.pbx), 0);
}

/* Two that dial several stand at the two halves: neither tells the other without end. */
static void a_dial_around_a_dial_comes_to_rest(void **state)
{
	struct fake *a = dial("fork");
	struct channel *half = channel_by_name(w.pbx, STR("Local/fork@inner-00000000;2"));

	(void)state;
	assert_non_null(half);
	assert_non_null(world_fake(&w, "dora"));
	channel_event_simple(half, CE_MEDIA);
	world_turn(&w);
	assert_false(fiber_ready());
	fake_hangup(a, CAUSE_NORMAL);
	assert_int_equal(channel_count(w.pbx), 0);
}

/* A second of silence in a file of this process alone; `name` is without its ending. */
static void make_sound(char name[static 40])
{
	char path[48], second[8000];
	FILE *f;

	strcpy(name, "/tmp/sidetone-test-XXXXXX");
	assert_non_null(mkdtemp(name));
	strcat(name, "/tone");
	snprintf(path, sizeof(path), "%s.ulaw", name);
	f = fopen(path, "wb");
	assert_non_null(f);
	memset(second, 0xff, sizeof(second));
	assert_int_equal(fwrite(second, 1, sizeof(second), f), sizeof(second));
	fclose(f);
}

static void drop_sound(char *name)
{
	char path[48];

	snprintf(path, sizeof(path), "%s.ulaw", name);
	unlink(path);
	*strrchr(name, '/') = '\0';
	rmdir(name);
}

/* Sounds of two at one listener: the first is heard no more, and goes on in its dialplan
 * when it would have ended. */
static void another_sound_takes_the_listener(void **state)
{
	struct originate_prm prm = { .channel = STR("Local/bob@inner/n"), .context = STR("default"),
		.exten = STR("sing") };
	struct channel *one;
	struct fake *b;
	char sound[40];

	(void)state;
	make_sound(sound);
	assert_int_equal(vars_set(&w.pbx->globals, STR("SOUND"), str_z(sound)), 0);
	assert_int_equal(originate(w.pbx, &prm, NULL, NULL), 0);
	world_turn(&w);
	b = world_fake(&w, "bob");
	assert_non_null(b);
	fake_event(b, CE_ANSWER);
	assert_int_equal(channel_count(w.pbx), 3);
	one = container_of(w.pbx->channels.next, struct channel, link);
	assert_string_equal(text_z(&one->app), "Playback");
	assert_ptr_equal(b->ch->player, one);
	channel_take_player(b->ch, b->ch, 99);
	world_pass(&w, 500);
	assert_int_equal(channel_count(w.pbx), 3);
	assert_string_equal(text_z(&one->app), "Playback");
	world_pass(&w, 1000);
	assert_int_equal(channel_count(w.pbx), 3);
	assert_string_equal(text_z(&one->app), "Wait");
	drop_sound(sound);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(in_a_bridge), T(digits_that_may_be_codes_stop_here), T(before_the_answer),
		T(several_are_not_heard_early), T(an_answer_settles), T(through_local_channels), T(after_optimization),
		T(an_application_behind_local_is_heard), T(a_dial_around_a_dial_comes_to_rest),
		T(another_sound_takes_the_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
