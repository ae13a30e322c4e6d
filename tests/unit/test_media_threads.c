/* Media on threads of their own, and on or beside a core's real loop: sessions that move,
 * and what is gone when an answer comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include "base/log.h"
#include "media_stage.h"

static void wait_for(const size_t *n, size_t want)
{
	for (int i = 0; i < 2000 && *n < want; i++) {
		struct pollfd p = { .fd = b.fd[0], .events = POLLIN };

		poll(&p, 1, 5);
		media_poll(m, 0);
		phone_collect(&a);
		phone_collect(&b);
	}
	assert_true(*n >= want);
}

static int up_two(void **state)
{
	(void)state;
	return media_up_threads(2, 0);
}

static int up_three(void **state)
{
	(void)state;
	return media_up_threads(3, 50);
}

/* Sessions of two threads that are bridged: one moves to the other's. */
static void test_threads(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&a, FORMAT_ULAW, 0, 101);

	(void)state;
	media_session_set(x, &set);
	set = to_phone(&b, FORMAT_ALAW, 8, 101);
	media_session_set(y, &set);
	for (int round = 0; round < 20; round++) {
		b.n = 0;
		/* Changes of mind while one is on its way. */
		assert_int_equal(media_bridge(x, y), 0);
		assert_int_equal(media_unbridge(x), 0);
		assert_int_equal(media_bridge(y, x), 0);
		for (int i = 0; i < 5000 && !b.n; i++) {
			phone_send(&a, x, 0, noise, 160, 160);
			poll(NULL, 0, 1);
			media_poll(m, 0);
			phone_collect(&b);
		}
		assert_true(b.n);
		assert_int_equal(b.rx[0].pt, 8);
	}
	assert_int_equal(media_dtmf_send(x, STR("1"), 50, 0, 3), 0);
	wait_for(&sx.n, 2);
	assert_int_equal(last(&sx, MEDIA_DTMF_SENT)->tag, 3);
	media_session_close(y, NULL, NULL);
	/* x is closed with the media, y's thread may not have got to it yet. */
	obj_drop(x);
}

enum { CROWD = 12 };

static size_t ended;
static void on_any(void *arg, struct media_session *s, const struct media_event *e)
{
	struct media_session **place = arg;

	ended += e->type == MEDIA_PLAYED;
	/* One that closes itself, or its neighbour, from inside an event. */
	if (e->type == MEDIA_PLAYED && e->tag % 3 == 0 && *place == s) {
		media_session_close(s, NULL, NULL);
		*place = NULL;
	}
}

static void act(struct media_session **v, unsigned what, unsigned i, unsigned j, struct sound *snd)
{
	static const enum format_id ids[] = { FORMAT_ULAW, FORMAT_ALAW, FORMAT_G722, FORMAT_GSM };
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_any, .arg = &v[i] };
	struct media_set set = to_phone(i & 1 ? &a : &b, ids[j % 4], 96, 101);
	struct str name = STR("nothing");

	if (!v[i]) {
		prm.on_wire_of = what % 3 ? v[j] : NULL;
		assert_int_equal(media_session_new(&v[i], m, &prm), 0);
		return;
	}
	set.codec[0].ptime = (uint8_t)(10 * (j % 5));
	set.relearn = j & 1;
	switch (what) {
	case 0:
	case 1:
		media_session_set(v[i], &set);
		break;
	case 2:
	case 3:
		if (v[j])
			media_bridge(v[i], v[j]);
		break;
	case 4:
		media_unbridge(v[i]);
		break;
	case 5:
		media_play_sounds(v[i], &snd, 1, j);
		break;
	case 6:
		media_play(v[i], &name, 1, STR("en"), j);
		break;
	case 7:
		media_dtmf_send(v[i], STR("12"), 40, 40, j);
		break;
	case 8:
		media_stats(v[i], on_stats, NULL);
		break;
	case 9:
		media_echo(v[i], j & 1);
		media_silence(v[i], j & 2);
		break;
	case 10:
		phone_send(i & 1 ? &a : &b, v[i], 96, noise, 160, 160);
		phone_event(i & 1 ? &a : &b, v[i], 101, (uint8_t)j, 160, j & 1);
		break;
	default:
		media_session_close(v[i], j & 1 ? on_stats : NULL, NULL);
		v[i] = NULL;
		break;
	}
}

/* Sessions made, joined, parted, played to and closed in any order, while streams
 * are on their way between three threads and packets come in: nothing is used that
 * has gone, and all comes back. */
static void test_threads_any_order(void **state)
{
	struct media_session *v[CROWD] = { 0 };
	struct sound *snd = ulaw_sound(480, 1);
	uint32_t seed = 12345;
	unsigned mask = log_mask();
	uint64_t turns[3] = { 0 };
	struct media_watch w;

	(void)state;
	ended = 0;
	log_set_mask(0);        /* sounds that are missing */
	for (int n = 0; n < 6000; n++) {
		unsigned r[3];

		for (int k = 0; k < 3; k++) {
			seed = seed * 1664525u + 1013904223u;
			r[k] = seed >> 16;
		}
		act(v, r[0] % 12, r[1] % CROWD, r[2] % CROWD, snd);
		/* A watchdog may look from here while they are at it. */
		assert_true(media_watch(m, r[0] % 3, &w));
		assert_true(w.turns >= turns[r[0] % 3] && w.doing <= MEDIA_TICKS);
		turns[r[0] % 3] = w.turns;
		if (n % 7 == 0)
			media_poll(m, 0);
		if (n % 200 == 0) {     /* the phones only listen; wait for nothing */
			phone_drop(&a);
			phone_drop(&b);
			poll(NULL, 0, 1);
		}
	}
	assert_true(ended > 0);
	assert_int_equal(media_threads(m), 3);
	assert_false(media_watch(m, 3, &w));
	for (int i = 0; i < 3; i++)
		assert_true(turns[i] > 0);
	for (int i = 0; i < CROWD; i += 2)
		media_session_close(v[i], NULL, NULL);
	log_set_mask(mask);
	/* The others are left for media_close(). */
	for (int i = 1; i < CROWD; i += 2)
		obj_drop(v[i]);
	obj_drop(snd);
}

/* On a real loop, with the media on it or on a thread beside it: the events of
 * a played file and of a packet arrive, and all ends in order. */
static struct loop *loop;
static void on_loop_event(void *arg, struct media_session *s, const struct media_event *e)
{
	struct seen *x = arg;

	on_event(arg, s, e);
	if (e->type == MEDIA_FIRST_PACKET)
		media_tone(s, NULL);
	if (count(x, MEDIA_PLAYED) && count(x, MEDIA_FIRST_PACKET))
		loop_stop(loop);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void too_long(void *arg)
{
	(void)arg;
	print_error("nothing happened\n");
	loop_stop(loop);
}

/* A closed session's memory comes back although nothing else wakes the core. */
static void until_gone(void *arg)
{
	struct media_counters n;

	media_count(m, &n);
	if (n.sessions)
		timer_start(loop_wheel(loop), arg, 10, until_gone, arg);
	else
		loop_stop(loop);
}

static void on_loop(unsigned threads)
{
	struct beep beep;
	struct media_prm prm = { .threads = threads, .strict = true };
	struct media_session_prm sp = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_loop_event };
	struct str name = STR("beep");
	struct seen sx = { 0 };
	struct media_session *x = NULL;
	struct media_set set;
	struct timer guard = { 0 }, look = { 0 };
	struct media_counters n;

	loop = GOT(loop_new(clock_real()));
	assert_non_null(loop);
	phone_open(&a);
	beep_make(&beep, 0);
	prm.core = loop;
	prm.sounds = str_z(beep.dir);
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	sp.arg = &sx;
	assert_int_equal(media_session_new(&x, m, &sp), 0);
	set = to_phone(&a, FORMAT_ULAW, 0, 0);
	media_session_set(x, &set);
	assert_int_equal(media_play(x, &name, 1, STR("en"), 1), 0);
	phone_send(&a, x, 0, noise, 160, 160);
	timer_start(loop_wheel(loop), &guard, 20000, too_long, NULL);
	loop_run(loop);
	phone_collect(&a);
	assert_int_equal(last(&sx, MEDIA_PLAYED)->err, 0);
	assert_int_equal(a.n, 3);
	media_session_close(x, NULL, NULL);
	until_gone(&look);
	loop_run(loop);
	media_count(m, &n);
	assert_int_equal(n.sessions, 0);
	timer_stop(&guard);
	media_close(m);
	loop_free(loop);
	phone_close(&a);
	beep_remove(&beep);
}

/* A sound is being read from the disk when its session, or all of the media, goes. */
static void gone_meanwhile(unsigned threads, bool all)
{
	struct beep beep;
	struct media_prm prm = { .threads = threads, .strict = true };
	struct media_session_prm sp = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_event };
	struct str names[] = { STR("beep"), STR("missing") };
	struct timer guard = { 0 }, look = { 0 };
	struct media_session *x = NULL;
	size_t before = obj_live();
	struct seen sx = { 0 };

	loop = GOT(loop_new(clock_real()));
	beep_make(&beep, 0);
	prm.core = loop;
	prm.sounds = str_z(beep.dir);
	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	sp.arg = &sx;
	assert_int_equal(media_session_new(&x, m, &sp), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(media_play(x, names, 2, STR("en"), 1), 0);
	timer_start(loop_wheel(loop), &guard, 20000, too_long, NULL);
	if (all) {
		media_close(m);
		m = NULL;
		obj_drop(x);
		/* What was asked of the pool comes back to nobody. */
		uv_run(loop_uv(loop), UV_RUN_NOWAIT);
		loop_work(loop, nothing, stop, loop);
		loop_run(loop);
	} else {
		media_session_close(x, NULL, NULL);
		until_gone(&look);
		loop_run(loop);
		loop_work(loop, nothing, stop, loop);
		loop_run(loop);
	}
	assert_int_equal(sx.n, 0);
	timer_stop(&guard);
	if (m)
		media_close(m);
	loop_free(loop);
	beep_remove(&beep);
	assert_int_equal(obj_live(), before);
}

static void test_gone_meanwhile(void **state)
{
	(void)state;
	for (unsigned threads = 0; threads < 2; threads++) {
		gone_meanwhile(threads, false);
		gone_meanwhile(threads, true);
	}
}

static void test_on_core_loop(void **state) { (void)state; on_loop(0); }
static void test_beside_core_loop(void **state) { (void)state; on_loop(1); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_threads, up_two, media_down),
		cmocka_unit_test_setup_teardown(test_threads_any_order, up_three, media_down),
		cmocka_unit_test(test_gone_meanwhile), cmocka_unit_test(test_on_core_loop),
		cmocka_unit_test(test_beside_core_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
