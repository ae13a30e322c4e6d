/* Channels by themselves: names, events, waiting, parties, notes; and the
 * applications that need no second one. */
#include "base/obj.h"
#include "config/reader.h"
#include "fake_tech.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/moh.h"
#include "pbx/sound.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => wait,1,Wait(5)\n"
	"exten => long,1,Wait(60)\n"
	"exten => play,1,Playback(tone)\n"
	" same => n,Wait(60)\n"
	"exten => none,1,Playback(no-such-sound)\n"
	" same => n,Wait(60)\n"
	"exten => early,1,Progress()\n"
	" same => n,Playback(tone,noanswer)\n"
	" same => n,Wait(60)\n"
	"exten => skip,1,Playback(tone,skip)\n"
	" same => n,Wait(60)\n"
	"exten => read,1,Read(N,,3,,1,2)\n"
	" same => n,Wait(60)\n"
	"exten => digit,1,WaitDigit(10,#)\n"
	" same => n,Wait(60)\n"
	"exten => echo,1,Answer()\n"
	" same => n,Echo()\n"
	" same => n,Wait(60)\n"
	"exten => dtmf,1,SendDTMF(1w2,250,100)\n"
	" same => n,Wait(60)\n"
	"exten => busy,1,Busy(3)\n"
	"exten => refer,1,Transfer(Fake/carl)\n"
	" same => n,Wait(60)\n"
	"exten => other,1,Transfer(Other/carl)\n"
	" same => n,Wait(60)\n"
	"exten => music,1,MusicOnHold(jazz,2)\n"
	" same => n,Wait(60)\n"
	"exten => menu,1,BackGround(tone)\n"
	" same => n,Wait(60)\n"
	"exten => 7,1,Wait(60)\n"
	"exten => far,1,ChannelRedirect(${TARGET},default,7,1)\n"
	" same => n,Wait(60)\n"
	"exten => kill,1,SoftHangup(Fake/bob)\n"
	" same => n,Wait(60)\n"
	"exten => pick,1,Pickup(ring@default)\n"
	" same => n,Wait(60)\n"
	"exten => ring,1,Dial(Fake/carl,20)\n";

static struct world w;
static char dir[64];

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

static const char *app(const struct fake *f)
{
	return f->ch ? text_z(&f->ch->app) : "gone";
}

/* A second of ulaw under a name that only this process has. */
static void make_sound(void)
{
	char path[128], second[8000];
	FILE *f;

	strcpy(dir, "/tmp/sidetone-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/en", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/en/tone.ulaw", dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	memset(second, 0xff, sizeof(second));
	assert_int_equal(fwrite(second, 1, sizeof(second), f), sizeof(second));
	fclose(f);
	w.pbx->sounds_dir = str_z(dir);
}

static void drop_sound(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/en/tone.ulaw", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/en", dir);
	rmdir(path);
	rmdir(dir);
}

static void names_and_ids(void **state)
{
	struct fake *a = call("wait");

	(void)state;
	assert_string_equal(text_z(&a->ch->name), "Fake/alice-00000000");
	assert_string_equal(text_z(&a->ch->uniqueid), "1700000000.0");
	assert_string_equal(text_z(&a->ch->linkedid), "1700000000.0");
	assert_ptr_equal(channel_by_name(w.pbx, STR("fake/ALICE-00000000")), a->ch);
	assert_ptr_equal(channel_by_name(w.pbx, STR("1700000000.0")), a->ch);
	assert_int_equal(channel_rename(a->ch, STR("Fake/renamed")), 0);
	assert_null(channel_by_name(w.pbx, STR("Fake/alice-00000000")));
	assert_ptr_equal(channel_by_name(w.pbx, STR("Fake/renamed")), a->ch);
	assert_int_equal(world_events(&w, "Rename", "Newname: Fake/renamed"), 1);
	assert_int_equal(world_events(&w, "Newchannel", "ChannelStateDesc: Ring"), 1);
	assert_int_equal(channel_count(w.pbx), 1);
}

static void sleeps_as_long_as_said(void **state)
{
	struct fake *a = call("wait");

	(void)state;
	world_pass(&w, 4900);
	assert_string_equal(app(a), "Wait");
	fake_digit(a, '4');
	assert_string_equal(a->ch->dtmf_pending, "4");
	world_pass(&w, 200);
	assert_null(a->ch);
}

static void hangup_wakes_it(void **state)
{
	struct fake *a = call("wait");

	(void)state;
	fake_hangup(a, 31);
	assert_null(a->ch);
	assert_true(fake_was_told(a, "hangup:31"));
	assert_int_equal(world_events(&w, "Hangup", "Cause: 31"), 1);
	assert_int_equal(world_events(&w, "HangupRequest", "Cause: 31"), 1);
}

static void a_flood_of_events_ends(void **state)
{
	struct fake *a = call("wait");

	(void)state;
	for (int i = 0; i < 1000; i++)
		channel_event_simple(a->ch, CE_FLASH);
	assert_int_equal(a->ch->queued, 256);
	channel_event_simple(a->ch, CE_BUSY);
	assert_int_equal(a->ch->queued, 257);   /* what decides still comes through */
}

static void digit(struct channel *ch, enum chan_event_type t, char c, unsigned ms)
{
	struct chan_event *e = GOT(chan_event_new(t));

	e->digit = c;
	e->ms = ms;
	channel_event(ch, e);
}

static void a_flood_of_digits_is_heard_in_its_time(void **state)
{
	struct fake *a = call("long");

	(void)state;
	w.pbx->mindtmfduration = 80;
	for (int i = 0; i < 1000; i++)
		digit(a->ch, CE_DTMF_END, '1', 40);
	world_turn(&w);
	assert_string_equal(a->ch->dtmf_pending, "1");
	world_pass(&w, 540);            /* of 80 ms each, and 45 between them */
	assert_string_equal(a->ch->dtmf_pending, "11111");
	assert_int_equal(world_events(&w, "DTMFEnd", "DurationMs: 80"), 5);
	world_pass(&w, 20000);
	assert_int_equal(world_events(&w, "DTMFEnd", NULL), 65);
}

static void a_short_digit_is_stretched(void **state)
{
	struct fake *a = call("long");

	(void)state;
	w.pbx->mindtmfduration = 80;
	digit(a->ch, CE_DTMF_BEGIN, '1', 0);
	world_pass(&w, 40);
	digit(a->ch, CE_DTMF_END, '1', 40);
	world_turn(&w);
	assert_string_equal(a->ch->dtmf_pending, "");
	world_pass(&w, 30);
	assert_string_equal(a->ch->dtmf_pending, "");
	digit(a->ch, CE_DTMF_BEGIN, '2', 0);
	world_pass(&w, 20);
	assert_string_equal(a->ch->dtmf_pending, "1");
	assert_int_equal(world_events(&w, "DTMFEnd", "DurationMs: 80"), 1);
	assert_int_equal(world_events(&w, "DTMFBegin", NULL), 1);
	world_pass(&w, 50);             /* the gap is over */
	assert_int_equal(world_events(&w, "DTMFBegin", NULL), 2);
	fake_hangup(a, CAUSE_NORMAL);
}

static void parties(void **state)
{
	struct party p = { 0 };
	struct fake *a = call("wait");

	(void)state;
	assert_int_equal(party_presentation(&p), PRES_UNAVAILABLE);
	party_set(&p, STR("200"), STR("Bob"));
	assert_int_equal(party_presentation(&p), PRES_ALLOWED_NOT_SCREENED);
	p.name_pres = PRES_PROHIB_NOT_SCREENED;
	assert_int_equal(party_presentation(&p), PRES_PROHIB_NOT_SCREENED);
	channel_set_connected(a->ch, &p);
	channel_set_connected(a->ch, &p);
	assert_int_equal(world_events(&w, "NewConnectedLine", "ConnectedLineNum: 200"), 1);
	assert_int_equal(fake_told_times(a, "line:200"), 2);
	channel_set_caller(a->ch, STR("300"), STR("Carl"));
	assert_int_equal(world_events(&w, "NewCallerid", "CID-CallingPres: 0 (Presentation Allowed, Not Screened)"), 1);
	channel_set_accountcode(a->ch, STR("acme"));
	assert_int_equal(world_events(&w, "NewAccountCode", "AccountCode: acme"), 1);
	party_free(&p);
}

static const char key_a[] = "a", key_b[] = "b";

static void notes(void **state)
{
	struct fake *a = call("wait");
	void *one = obj_new(1, NULL), *two = obj_new(1, NULL);

	(void)state;
	assert_int_equal(channel_note_set(a->ch, key_a, one), 0);
	assert_ptr_equal(channel_note(a->ch, key_a), one);
	assert_null(channel_note(a->ch, key_b));
	assert_int_equal(channel_note_set(a->ch, key_a, two), 0);
	assert_ptr_equal(channel_note(a->ch, key_a), two);
	assert_int_equal(channel_note_set(a->ch, key_a, NULL), 0);
	assert_null(channel_note(a->ch, key_a));
}

static void causes(void **state)
{
	(void)state;
	assert_string_equal(cause_text(16), "Normal Clearing");
	assert_string_equal(cause_text(17), "User busy");
	assert_string_equal(cause_text(0), "Unknown");
	assert_int_equal(cause_of(STR("interworking")), 127);
	assert_int_equal(cause_of(STR("NO_ANSWER")), 19);
	assert_int_equal(cause_of(STR("34")), 34);
	assert_int_equal(cause_of(STR("128")), -1);
	assert_int_equal(cause_of(STR("NONSENSE")), -1);
}

static void playback_lasts_as_long_as_its_file(void **state)
{
	struct fake *a;

	(void)state;
	make_sound();
	a = call("play");
	assert_true(fake_was_told(a, "answer"));
	assert_string_equal(app(a), "Playback");
	world_pass(&w, 900);
	assert_string_equal(app(a), "Playback");
	world_pass(&w, 200);
	assert_string_equal(app(a), "Wait");
	assert_string_equal(world_var(a->ch, "PLAYBACKSTATUS"), "SUCCESS");
	assert_int_equal(world_events(&w, "TestEvent", "Message: tone"), 1);
	a = call("none");
	assert_string_equal(app(a), "Wait");
	assert_string_equal(world_var(a->ch, "PLAYBACKSTATUS"), "FAILED");
	a = call("early");
	assert_false(fake_was_told(a, "answer"));
	assert_string_equal(app(a), "Playback");
	a = call("skip");
	assert_string_equal(app(a), "Wait");
	assert_false(fake_was_told(a, "answer"));
	drop_sound();
}

static void background_is_cut_by_a_digit(void **state)
{
	struct fake *a;

	(void)state;
	make_sound();
	a = call("menu");
	assert_string_equal(app(a), "BackGround");
	fake_digit(a, '7');
	world_pass(&w, 100);
	assert_string_equal(text_z(&a->ch->exten), "7");
	drop_sound();
}

static void reads_digits(void **state)
{
	struct fake *a = call("read");

	(void)state;
	fake_digit(a, '1');
	fake_digit(a, '2');
	assert_string_equal(app(a), "Read");
	fake_digit(a, '3');
	assert_string_equal(app(a), "Wait");
	assert_string_equal(world_var(a->ch, "N"), "123");
	assert_string_equal(world_var(a->ch, "READSTATUS"), "OK");
	a = call("read");
	fake_digit(a, '1');
	fake_digit(a, '#');
	assert_string_equal(world_var(a->ch, "N"), "1");
	a = call("read");
	world_pass(&w, 2100);
	assert_string_equal(world_var(a->ch, "READSTATUS"), "TIMEOUT");
}

static void waits_for_one_digit(void **state)
{
	struct fake *a = call("digit");

	(void)state;
	fake_digit(a, '1');
	assert_string_equal(app(a), "WaitDigit");
	fake_digit(a, '#');
	assert_string_equal(app(a), "Wait");
	assert_string_equal(world_var(a->ch, "WAITDIGITRESULT"), "#");
	a = call("digit");
	world_pass(&w, 10100);
	assert_string_equal(world_var(a->ch, "WAITDIGITSTATUS"), "TIMEOUT");
}

static void echo_ends_with_pound(void **state)
{
	struct fake *a = call("echo");

	(void)state;
	fake_digit(a, '1');
	assert_true(fake_was_told(a, "digit:1"));
	assert_string_equal(app(a), "Echo");
	fake_digit(a, '#');
	assert_string_equal(app(a), "Wait");
}

static void digits_are_sent_at_their_pace(void **state)
{
	struct fake *a = call("dtmf");

	(void)state;
	assert_false(fake_was_told(a, "digit:1"));      /* a moment of silence */
	world_pass(&w, 100);
	assert_true(fake_was_told(a, "digit:1"));
	world_pass(&w, 800);
	assert_false(fake_was_told(a, "digit:2"));
	world_pass(&w, 100);
	assert_true(fake_was_told(a, "digit:2"));
	world_pass(&w, 400);
	assert_string_equal(app(a), "Wait");
	assert_int_equal(world_events(&w, "DTMFEnd", "Direction: Sent"), 0);    /* our own are no news */
}

static void busy_ends_the_call(void **state)
{
	struct fake *a = call("busy");

	(void)state;
	assert_true(fake_was_told(a, "busy"));
	world_pass(&w, 2900);
	assert_non_null(a->ch);
	world_pass(&w, 200);
	assert_null(a->ch);
	assert_true(fake_was_told(a, "hangup:17"));
}

static void transfer_asks_the_technology(void **state)
{
	struct fake *a = call("refer");

	(void)state;
	assert_true(fake_was_told(a, "transfer:carl"));
	assert_string_equal(world_var(a->ch, "TRANSFERSTATUS"), "SUCCESS");
	a = call("other");
	assert_string_equal(world_var(a->ch, "TRANSFERSTATUS"), "FAILURE");
}

static void music_for_two_seconds(void **state)
{
	static const struct config_prm prm = { .dir = "/" };
	struct config *c = NULL;
	struct fake *a = call("music");

	(void)state;
	assert_int_equal(world_events(&w, "MusicOnHoldStart", "Class: default"), 1);    /* there is no jazz */
	world_pass(&w, 2100);
	world_forget_events(&w);
	assert_int_equal(config_parse(&c, &prm, STR("musiconhold.conf"), STR("[jazz]\nmode=files\ndirectory=/nowhere\n"), NULL), 0);
	assert_int_equal(moh_load(w.pbx, c, STR("/")), 0);
	config_free(c);
	a = call("music");
	assert_int_equal(world_events(&w, "MusicOnHoldStart", "Class: jazz"), 1);
	world_pass(&w, 2100);
	assert_int_equal(world_events(&w, "MusicOnHoldStop", NULL), 1);
	assert_string_equal(app(a), "Wait");
}

static void others_are_sent_elsewhere_and_ended(void **state)
{
	struct fake *b = world_call_in(&w, "bob", "200", "default", "wait"), *a;

	(void)state;
	vars_set(&w.pbx->globals, STR("TARGET"), text_view(&b->ch->name));
	a = call("far");
	assert_string_equal(text_z(&b->ch->exten), "7");
	assert_string_equal(world_var(a->ch, "CHANNELREDIRECT_STATUS"), "SUCCESS");
	call("kill");
	assert_null(b->ch);
}

static void picked_up(void **state)
{
	struct fake *a = call("ring"), *c = world_fake(&w, "carl"), *d;

	(void)state;
	fake_event(c, CE_RINGING);
	d = world_call_in(&w, "dora", "400", "default", "pick");
	world_pass(&w, 100);
	assert_null(c->ch);
	assert_true(fake_was_told(c, "hangup:26"));
	assert_non_null(a->ch->bridge);
	assert_ptr_equal(a->ch->bridge, d->ch->bridge);
	assert_int_equal(world_events(&w, "Pickup", NULL), 1);
	fake_hangup(a, CAUSE_NORMAL);
	world_pass(&w, 100);
	assert_null(d->ch);
}

static void says_numbers(void **state)
{
	char v[16][32];

	(void)state;
	assert_int_equal(say_number(-1234, v, 16), 7);
	assert_string_equal(v[0], "digits/minus");
	assert_string_equal(v[2], "digits/thousand");
	assert_string_equal(v[5], "digits/30");
	assert_int_equal(say_number(0, v, 16), 1);
	assert_int_equal(say_number(1234567, v, 3), 0);
	assert_int_equal(say_digits(STR("1*#"), v, 16), 3);
	assert_string_equal(v[1], "digits/star");
	assert_int_equal(say_alpha(STR("aB1"), v, 16), 3);
	assert_string_equal(v[1], "letters/b");
	assert_int_equal(say_alpha(STR("!"), v, 16), 1);
	assert_string_equal(v[0], "letters/exclaimation-point");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(names_and_ids), T(sleeps_as_long_as_said), T(hangup_wakes_it), T(a_flood_of_events_ends),
		T(a_flood_of_digits_is_heard_in_its_time), T(a_short_digit_is_stretched), T(parties),
		T(notes), T(playback_lasts_as_long_as_its_file), T(background_is_cut_by_a_digit), T(reads_digits),
		T(waits_for_one_digit), T(echo_ends_with_pound), T(digits_are_sent_at_their_pace),
		T(busy_ends_the_call), T(transfer_asks_the_technology), T(music_for_two_seconds),
		T(others_are_sent_elsewhere_and_ended), T(picked_up),
		cmocka_unit_test(causes), cmocka_unit_test(says_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
