/* Taps through whole sessions: what a member of a mix or a leg of a bridge says and is
 * sent, in a file. The ring, the writer and the file alone are in test_tap.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mixer_stage.h"

static struct {
	int16_t lane[2][HEARD];
	size_t n;
} file;

static void load(const char *name)
{
	static char raw[HEARD * 4 + 100];
	struct wav_info info;
	FILE *f = fopen(name, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	assert_int_equal(wav_parse(&info, str_mk(raw, n)), 0);
	assert_int_equal(info.channels, 2);
	file.n = info.data_n / 4;
	for (size_t i = 0; i < file.n; i++)
		for (int k = 0; k < 2; k++)
			memcpy(&file.lane[k][i], raw + info.data_at + 4 * i + 2 * (size_t)k, 2);
}

static double recorded(int lane, double hz, size_t from_ms, size_t ms)
{
	assert_true((from_ms + ms) * 8 <= file.n);
	return level_of(file.lane[lane] + from_ms * 8, ms * 8, 8000, hz);
}

/* Three in a mix, one of them recorded: what it said, and what it heard of the others. */
static void test_recorded_mix(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_G722, 700), *c = call(2, FORMAT_ALAW, 1100);
	struct done d = { 0 };
	struct media_mix *x = NULL;
	struct media_tap *t;

	(void)state;
	media_mix_new(&x, m);
	for (int i = 0; i < 3; i++)
		media_mix_join(x, phone[i].s, &plain);
	pass(200);
	t = record(b->s, path, &d);
	pass(500);
	c->hz = 0;
	pass(500);
	assert_int_equal(media_tap_stop(t), 0);
	assert_int_equal(media_tap_stop(t), 0);
	/* What passes after the end is not in it. */
	pass(200);
	await(&d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.r.err, 0);
	assert_int_equal(d.r.dropped, 0);
	assert_int_equal(d.r.frames, 100);
	load(path);
	assert_in_range(file.n, 8000, 8160);    /* the last frame may go on a little */
	assert_true(recorded(0, b->hz, 100, 800) > 5400);
	assert_true(recorded(1, a->hz, 100, 800) > 5400);
	assert_true(recorded(1, 1100, 100, 300) > 5400);
	assert_true(recorded(1, 1100, 700, 300) < 100);
	assert_true(recorded(1, b->hz, 100, 800) < 100);
	media_mix_close(x);
	for (int i = 0; i < 3; i++)
		hang_up(&phone[i]);
}

/* A bridged pair: packets pass byte by byte as without the tap, and are recorded. */
static void relayed(enum format_id id)
{
	struct phone *a = call(0, id, 400), *b = call(1, id, 700);
	struct done d = { 0 }, d2 = { 0 };
	struct media_tap *t;
	uint8_t before[160];

	media_bridge(a->s, b->s);
	a->said = 0;
	pass(200);
	memcpy(before, b->last + 12, sizeof(before));
	t = record(a->s, path, &d);
	record(a->s, "/dev/full", &d2);
	pass(1000);
	/* 400 Hz: the same eight samples in each packet of G.711. */
	if (id == FORMAT_ULAW)
		assert_memory_equal(before, b->last + 12, sizeof(before));
	forget();
	pass(200);
	assert_true(hears(a, b) && hears(b, a));
	assert_int_equal(a->packets + b->packets, 20);
	media_tap_stop(t);
	hang_up(a);
	await(&d);
	await(&d2);
	assert_int_equal(d.r.err, 0);
	assert_int_equal(d2.r.err, ENOSPC);
	assert_int_equal(d2.n, 1);
	load(path);
	assert_int_equal(file.n, 9600);
	assert_true(recorded(0, 400, 100, 1000) > 5400);
	assert_true(recorded(0, 700, 100, 1000) < 100);
	assert_true(recorded(1, 700, 100, 1000) > 5400);
	hang_up(b);
}

static void test_recorded_bridge(void **state)
{
	(void)state;
	relayed(FORMAT_ULAW);
}

static void test_recorded_g722(void **state)
{
	(void)state;
	relayed(FORMAT_G722);
}

/* Translated: the tap's decoder and the bridge's do not disturb each other. */
static void test_recorded_translation(void **state)
{
	struct phone *a = call(0, FORMAT_G722, 400), *b = call(1, FORMAT_GSM, 700);
	struct done d = { 0 };
	struct media_tap *t;

	(void)state;
	media_bridge(a->s, b->s);
	t = record(b->s, path, &d);
	pass(200);
	forget();
	pass(400);
	assert_true(level_of(a->heard, a->n, 16000, 700) > 4500);
	assert_true(level_of(b->heard, b->n, 8000, 400) > 4500);
	media_tap_stop(t);
	await(&d);
	load(path);
	assert_true(recorded(0, 700, 100, 400) > 4500);
	assert_true(recorded(1, 400, 100, 400) > 4500);
	hang_up(a);
	hang_up(b);
}

/* What ends it: the session's end, the media's end. No folder: the reason. */
static void test_tap_ends(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 0);
	struct done d[3] = { { 0 } };

	record(a->s, path, &d[0]);
	record(b->s, "/tmp/no such folder/x.wav", &d[1]);
	pass(400);
	hang_up(a);
	await(&d[0]);
	assert_int_equal(d[0].r.err, 0);
	load(path);
	assert_int_equal(file.n, 3200);
	await(&d[1]);
	assert_int_equal(d[1].r.err, ENOENT);
	/* One that failed takes none of the session's eight places. */
	for (int i = 0; i < 9; i++) {
		struct done again = { 0 };

		record(b->s, "/tmp/no such folder/x.wav", &again);
		await(&again);
		assert_int_equal(again.r.err, ENOENT);
	}
	pass(100);
	record(b->s, path, &d[2]);
	pass(100);
	media_close(m);
	assert_int_equal(d[2].n, 1);
	assert_int_equal(d[2].r.err, 0);
	assert_int_equal(d[1].n, 1);
	hang_up(b);
	live = obj_live();
	assert_int_equal(up(state), 0);
}

static int frees;
static void on_free(void *arg)
{
	(void)arg;
	frees++;
}

static void test_tap_refused(void **state)
{
	struct media_session_prm video = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct media_tap_prm prm = { .sink = { .free = on_free } };
	struct phone *a = call(0, FORMAT_ULAW, 0);
	struct done d[8] = { { 0 } };
	struct media_session *v = NULL;
	struct media_tap *t = NULL;

	(void)state;
	frees = 0;
	assert_int_equal(media_session_new(&v, m, &video), 0);
	assert_int_equal(media_tap_start(&t, v, &prm), EINVAL);
	for (int i = 0; i < 8; i++)
		record(a->s, "/dev/null", &d[i]);
	assert_int_equal(media_tap_start(&t, a->s, &prm), ENOBUFS);
	obj_hold(a->s);
	media_session_close(a->s, NULL, NULL);
	assert_int_equal(media_tap_start(&t, a->s, &prm), ESHUTDOWN);
	obj_drop(a->s);
	a->s = NULL;
	assert_null(t);
	assert_int_equal(frees, 3);
	for (int i = 0; i < 8; i++)
		await(&d[i]);
	media_session_close(v, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_recorded_mix),
		T(test_recorded_bridge),
		T(test_recorded_g722),
		T(test_recorded_translation),
		T(test_tap_ends),
		T(test_tap_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
