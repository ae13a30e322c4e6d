/* What a media session plays by itself: sounds, files by their names, tones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <unistd.h>
#include "media_stage.h"

/* Stopped, replaced: each says so once. */
static void play_stopped(const struct seen *sx, struct media_session *x, struct sound **v)
{
	media_play_sounds(x, v, 1, 8);
	pass(40);
	media_play_stop(x);
	settle();
	assert_true(last(sx, MEDIA_PLAYED)->tag == 8 && last(sx, MEDIA_PLAYED)->err == ECANCELED);
	media_play_sounds(x, v, 1, 9);
	media_play_sounds(x, v, 1, 10);
	settle();
	assert_true(last(sx, MEDIA_PLAYED)->tag == 9 && last(sx, MEDIA_PLAYED)->err == ECANCELED);
	pass(200);
	assert_true(last(sx, MEDIA_PLAYED)->tag == 10 && last(sx, MEDIA_PLAYED)->err == 0);
	assert_int_equal(count(sx, MEDIA_PLAYED), 4);
}

static void play_in_another_codec(const struct seen *sx, struct media_session *x, struct sound **v)
{
	struct media_set set = to_phone(&a, FORMAT_G729, 18, 0);

	/* A leg we cannot speak to: the time passes, nothing is sent. */
	media_session_set(x, &set);
	settle();
	a.n = 0;
	media_play_sounds(x, v, 2, 11);
	pass(180);
	assert_int_equal(count(sx, MEDIA_PLAYED), 4);
	pass(120);
	assert_int_equal(count(sx, MEDIA_PLAYED), 5);
	assert_int_equal(a.n, 0);
	/* A sound made for another codec is translated on the way. */
	set = to_phone(&a, FORMAT_ALAW, 8, 0);
	media_session_set(x, &set);
	media_play_sounds(x, v, 1, 12);
	pass(200);
	assert_int_equal(a.n, 5);
	assert_int_equal(a.rx[0].pt, 8);
	assert_int_equal(a.pay[0][0], codec_alaw(codec_ulaw_linear(0x11)));
}

static void test_play(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);
	struct sound *v[2] = { ulaw_sound(800, 0x11), ulaw_sound(1000, 0x22) };

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ULAW, 0, 0);
	media_session_set(y, &set);
	media_bridge(x, y);
	assert_int_equal(media_play_sounds(x, v, 2, 7), 0);
	/* Its peer is not heard meanwhile. */
	phone_send(&b, y, 0, noise, 160, 160);
	pass(400);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 1);
	assert_true(last(&sx, MEDIA_PLAYED)->tag == 7 && last(&sx, MEDIA_PLAYED)->err == 0 &&
		    last(&sx, MEDIA_PLAYED)->count == 2);
	assert_int_equal(a.n, 12);      /* 5 of the first, 7 of the second, padded */
	for (size_t i = 0; i < a.n; i++) {
		assert_int_equal(a.rx[i].n, 160);
		assert_int_equal(a.pay[i][0], i < 5 ? 0x11 : 0x22);
		assert_int_equal(a.rx[i].marker, i == 0);
		if (i)
			assert_int_equal(a.rx[i].ts - a.rx[i - 1].ts, 160);
	}
	assert_true(a.pay[11][159] == 0xff || a.pay[11][159] == 0x7f);
	/* Afterwards it is, in one sequence, with a marker. */
	phone_send(&b, y, 0, noise, 160, 160);
	settle();
	assert_int_equal(a.n, 13);
	assert_true(a.rx[12].marker);
	assert_int_equal((uint16_t)(a.rx[12].seq - a.rx[11].seq), 1);
	assert_true((int32_t)(a.rx[12].ts - a.rx[11].ts) >= 160);
	play_stopped(&sx, x, v);
	play_in_another_codec(&sx, x, v);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	obj_drop(v[0]);
	obj_drop(v[1]);
}

static void test_play_names(void **state)
{
	struct beep beep;
	struct media_prm prm = { .clock = &clk.c };
	struct str names[] = { STR("beep"), STR("missing"), STR("beep") };
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ALAW, 8, 0);
	struct media_counters cnt;

	(void)state;
	beep_make(&beep, 0x11);
	prm.sounds = str_z(beep.dir);
	media_reload(m, &prm);
	assert_true(media_sound_exists(m, STR("beep"), STR("en")));
	assert_false(media_sound_exists(m, STR("missing"), STR("en")));
	media_session_set(x, &set);
	assert_int_equal(media_play(x, names, 3, STR("en"), 5), 0);
	assert_int_equal(sx.n, 0);
	pass(200);
	assert_int_equal(a.n, 6);
	assert_int_equal(a.pay[0][0], codec_alaw(codec_ulaw_linear(0x11)));
	assert_true(last(&sx, MEDIA_PLAYED)->count == 2 && last(&sx, MEDIA_PLAYED)->missing == 1 &&
		    last(&sx, MEDIA_PLAYED)->err == 0);
	media_count(m, &cnt);
	assert_int_equal(cnt.sounds_cached_bytes, 480);
	/* From memory now. */
	unlink(beep.path);
	assert_int_equal(media_play(x, names, 1, STR("en"), 6), 0);
	pass(200);
	assert_int_equal(a.n, 9);
	/* Nothing of it there: an answer all the same, and not from inside. */
	assert_int_equal(media_play(x, names + 1, 1, STR("en"), 7), 0);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 2);
	settle();
	assert_int_equal(count(&sx, MEDIA_PLAYED), 3);
	assert_int_equal(last(&sx, MEDIA_PLAYED)->err, ENOENT);
	rmdir(beep.dir);
	media_session_close(x, NULL, NULL);
}

static void test_tones(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 0);
	struct tone *t = NULL;
	int16_t pcm[8000];
	size_t n = 0;

	(void)state;
	media_session_set(x, &set);
	assert_int_equal(tone_parse(&t, STR("!440/100,!0/100")), 0);
	assert_int_equal(media_tone(x, t), 0);
	t = obj_drop(t);
	pass(300);
	assert_int_equal(count(&sx, MEDIA_TONE_DONE), 1);
	assert_int_equal(a.n, 10);
	for (size_t i = 0; i < 5; i++)
		n += codec_get(FORMAT_ULAW)->decode(NULL, a.pay[i], a.rx[i].n, pcm + n, 8000 - n);
	assert_true(tone_goertzel(pcm, n, 8000, 440) > 0.95);
	/* One without an end, ended; then silence. */
	assert_int_equal(tone_named(&t, STR("dial"), STR("us")), 0);
	media_tone(x, t);
	t = obj_drop(t);
	pass(1000);
	assert_in_range(a.n, 59, 61);
	media_tone(x, NULL);
	a.n = 0;
	pass(100);
	assert_int_equal(a.n, 0);
	media_silence(x, true);
	pass(100);
	assert_in_range(a.n, 4, 6);
	assert_int_equal(a.pay[0][7] & 0x7f, 0x7f);
	media_silence(x, false);
	a.n = 0;
	pass(100);
	assert_int_equal(a.n, 0);
	media_session_close(x, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, media_up, media_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_play), T(test_play_names), T(test_tones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
