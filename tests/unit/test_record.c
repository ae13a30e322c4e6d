/* Recordings: which sound stands where in which of their files, in each format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/obj.h"
#include "media/file.h"
#include "media/record.h"
#include "media/tone.h"

static char dir[] = "/tmp/test_record.XXXXXX";
static struct rate_bank *bank;
static struct record_prm prm;
static struct record *rec;
static struct tap_sink sink;
static struct sound *got;
static char names[RECORD_FILES][128];

static int setup(void **state)
{
	(void)state;
	prm = (struct record_prm){ .bank = bank };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	got = obj_drop(got);
	for (int i = 0; i < RECORD_FILES; i++) {
		unlink(names[i]);
		names[i][0] = '\0';
	}
	return 0;
}

static void file_is(enum record_file which, const char *name)
{
	snprintf(names[which], sizeof(names[which]), "%s/%s", dir, name);
	prm.path[which] = str_z(names[which]);
	prm.kind[which] = sound_kind_of(str_z(strrchr(name, '.') + 1));
	assert_non_null(prm.kind[which]);
}

static void begins(void)
{
	assert_int_equal(record_new(&rec, &prm), 0);
	sink = record_sink(rec);
	assert_int_equal(sink.begin(sink.arg, 1000000), 0);
}

static int ends(uint64_t ms)
{
	int err;

	record_finish(rec);
	sink.end(sink.arg, 1000000 + ms * 1000);
	sink.free(sink.arg);
	err = record_close(rec);
	rec = obj_drop(rec);
	return err;
}

/* `hz` 0: silence. */
static int says(enum tap_dir d, uint32_t rate, int hz, unsigned from_ms, unsigned ms)
{
	int err = 0;

	for (unsigned at = 0; at < ms && !err; at += 20) {
		int16_t pcm[960];
		uint64_t first = (uint64_t)rate * (from_ms + at) / 1000;
		struct tap_frame f = { .dir = d, .rate = rate, .at = 5000000 + first, .n = rate / 50, .pcm = pcm,
				       .now_us = 1000000 + (from_ms + at) * 1000ull };

		for (size_t i = 0; i < f.n; i++)
			pcm[i] = hz ? (int16_t)lrint(4000 * sin(2 * M_PI * hz * (double)(first + i) / rate)) : 0;
		err = sink.frame(sink.arg, &f);
	}
	return err;
}

static void both_say(unsigned from_ms, unsigned ms)
{
	for (unsigned at = from_ms; at < from_ms + ms; at += 20) {
		assert_int_equal(says(TAP_IN, 8000, 500, at, 20), 0);
		assert_int_equal(says(TAP_OUT, 8000, 900, at, 20), 0);
	}
}

static void load(enum record_file which)
{
	struct file_name f = { .id = FORMAT_NONE };
	const struct sound_kind *k = prm.kind[which];

	got = obj_drop(got);
	str_copy(f.path, sizeof(f.path), str_z(names[which]));
	if (k->head == SOUND_RAW)
		f.id = k->id;
	assert_int_equal(file_load(&got, &f, sound_slin_id(k->rate), 0), 0);
	assert_int_equal(got->rate, k->rate);
}

static unsigned lasts_ms(void)
{
	return (unsigned)(got->samples * 1000 / got->rate);
}

/* Amplitude. */
static int level(unsigned hz, unsigned from_ms, unsigned ms)
{
	const int16_t *pcm = (const int16_t *)(const void *)got->data + (size_t)got->rate * from_ms / 1000;
	size_t n = (size_t)got->rate * ms / 1000;
	double sum = 0;

	assert_true((size_t)got->rate * (from_ms + ms) / 1000 <= got->samples);
	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return (int)sqrt(tone_goertzel(pcm, n, got->rate, hz) * sum / (double)n * 2);
}

static void near(int is, int wanted)
{
	if (abs(is - wanted) > 250 + wanted / 8)
		fail_msg("%d in place of %d", is, wanted);
}

/* ---- where what stands */

static void test_mixed(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "new/folder/m.wav");
	begins();
	both_say(0, 1000);
	assert_int_equal(ends(1000), 0);
	load(RECORD_MIXED);
	assert_int_equal(lasts_ms(), 1000);
	near(level(500, 100, 800), 4000);
	near(level(900, 100, 800), 4000);
	unlink(names[0]);
	snprintf(names[0], sizeof(names[0]), "%s/new/folder", dir);
	assert_int_equal(rmdir(names[0]), 0);
	snprintf(names[0], sizeof(names[0]), "%s/new", dir);
	assert_int_equal(rmdir(names[0]), 0);
}

static void test_each_direction_alone(void **state)
{
	(void)state;
	file_is(RECORD_IN, "r.wav");
	file_is(RECORD_OUT, "t.sln16");
	begins();
	both_say(0, 1000);
	assert_int_equal(ends(1000), 0);
	load(RECORD_IN);
	near(level(500, 100, 800), 4000);
	near(level(900, 100, 800), 0);
	load(RECORD_OUT);
	near(level(500, 100, 800), 0);
	near(level(900, 100, 800), 4000);
}

static void test_each_format(void **state)
{
	static const char *const ext[] = { "wav", "wav16", "WAV", "gsm", "g722", "pcm", "ulaw", "ul", "mu", "ulw", "alaw", "al",
		"alw", "sln", "slin", "raw", "sln12", "sln16", "sln24", "sln32", "sln44", "sln48" };

	(void)state;
	for (size_t i = 0; i < sizeof(ext) / sizeof(ext[0]); i++) {
		char name[32];

		snprintf(name, sizeof(name), "m.%s", ext[i]);
		prm = (struct record_prm){ .bank = bank };
		file_is(RECORD_MIXED, name);
		begins();
		both_say(0, 1000);
		assert_int_equal(ends(1000), 0);
		load(RECORD_MIXED);
		assert_true(lasts_ms() >= 1000 && lasts_ms() < 1040);
		near(level(500, 200, 700), 4000);
		near(level(900, 200, 700), 4000);
		unlink(names[0]);
	}
	assert_null(sound_kind_of(STR("mp3")));
	assert_null(sound_kind_of(STR("Wav")));
}

/* Silence for the one that says nothing, as long as the other speaks ... */
static void one_pauses(bool no_sync)
{
	file_is(RECORD_IN, "r.wav");
	file_is(RECORD_OUT, "t.wav");
	prm.no_sync = no_sync;
	begins();
	both_say(0, 500);
	assert_int_equal(says(TAP_OUT, 8000, 900, 500, 1000), 0);
	both_say(1500, 500);
	assert_int_equal(ends(2000), 0);
	load(RECORD_OUT);
	assert_int_equal(lasts_ms(), 2000);
	load(RECORD_IN);
}

static void test_synchronous(void **state)
{
	(void)state;
	one_pauses(false);
	assert_int_equal(lasts_ms(), 2000);
	near(level(500, 600, 800), 0);
	near(level(500, 1600, 300), 4000);
}

static void test_not_synchronous(void **state)
{
	(void)state;
	one_pauses(true);
	assert_int_equal(lasts_ms(), 1000);
	near(level(500, 600, 300), 4000);
}

/* ... and when nobody sends anything, no time passes in the file. */
static void test_nobody_speaks(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	begins();
	both_say(0, 500);
	both_say(10000, 500);
	assert_int_equal(ends(20000), 0);
	load(RECORD_MIXED);
	assert_in_range(lasts_ms(), 1000, 1000 + 60);
}

static void test_interleaved(void **state)
{
	struct stat st;

	(void)state;
	file_is(RECORD_MIXED, "m.raw");
	prm.interleaved = true;
	begins();
	both_say(0, 1000);
	assert_int_equal(ends(1000), 0);
	assert_int_equal(stat(names[0], &st), 0);
	assert_int_equal(st.st_size, 8000 * 2 * 2);
	load(RECORD_MIXED);
	for (size_t i = 0; i < 8000; i++)
		((int16_t *)(uintptr_t)got->data)[i] = ((int16_t *)(uintptr_t)got->data)[2 * i];
	got->samples /= 2;
	near(level(500, 100, 800), 4000);
	near(level(900, 100, 800), 0);
}

static void test_interleaved_beside_a_faster_one(void **state)
{
	struct stat st;

	(void)state;
	file_is(RECORD_MIXED, "m.raw");
	file_is(RECORD_IN, "r.sln16");
	prm.interleaved = true;
	begins();
	both_say(0, 1000);
	assert_int_equal(ends(1000), 0);
	assert_int_equal(stat(names[0], &st), 0);
	assert_in_range(st.st_size, 8000 * 4 - 80, 8000 * 4 + 80);
}

/* ---- volume, mute, pause */

static void test_volume(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	prm.volume[TAP_IN] = 2;
	prm.volume[TAP_OUT] = -4;
	begins();
	both_say(0, 1000);
	assert_int_equal(ends(1000), 0);
	load(RECORD_MIXED);
	near(level(500, 100, 800), 8000);
	near(level(900, 100, 800), 1000);
}

/* Volume at the end of the scale stays there. */
static void test_too_loud(void **state)
{
	(void)state;
	file_is(RECORD_IN, "r.wav");
	prm.volume[TAP_IN] = 16;
	begins();
	assert_int_equal(says(TAP_IN, 8000, 500, 0, 1000), 0);
	assert_int_equal(ends(1000), 0);
	load(RECORD_IN);
	for (size_t i = 0; i < got->samples; i++)
		assert_true(((const int16_t *)(const void *)got->data)[i] != 0 || i % 8 == 0);
	assert_true(level(500, 100, 800) > 30000);
}

static void test_mute(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	begins();
	/* Said before what it concerns has reached the file. */
	record_mute(rec, TAP_IN, true, 1000000 + 1000000);
	both_say(0, 2000);
	record_mute(rec, TAP_IN, false, 1000000 + 2000000);
	record_mute(rec, TAP_OUT, true, 1000000 + 2000000);
	both_say(2000, 1000);
	assert_int_equal(ends(3000), 0);
	load(RECORD_MIXED);
	near(level(500, 100, 800), 4000);
	near(level(500, 1100, 800), 0);
	near(level(900, 1100, 800), 4000);
	near(level(500, 2100, 800), 4000);
	near(level(900, 2100, 800), 0);
}

static void test_pause(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	begins();
	record_pause(rec, true, 0);
	both_say(0, 1000);
	record_pause(rec, false, 1000000 + 1000000);
	both_say(1000, 1000);
	assert_int_equal(ends(2000), 0);
	load(RECORD_MIXED);
	assert_in_range(lasts_ms(), 1000, 1060);
}

static void test_skip(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	prm.skip_us = 1500000;
	begins();
	both_say(0, 2000);
	assert_int_equal(ends(2000), 0);
	load(RECORD_MIXED);
	assert_in_range(lasts_ms(), 500, 560);
}

/* ---- files that are there */

static void append_to(const char *name)
{
	file_is(RECORD_MIXED, name);
	prm.append = true;
	for (int i = 0; i < 2; i++) {
		begins();
		both_say(0, 960);
		assert_int_equal(ends(960), 0);
	}
	load(RECORD_MIXED);
	assert_int_equal(lasts_ms(), 1920);
	near(level(500, 1100, 700), 4000);
	unlink(names[0]);
}

static void test_append(void **state)
{
	(void)state;
	append_to("m.wav");
	append_to("m.WAV");
	append_to("m.sln");
	append_to("m.ulaw");
}

static void test_overwrite(void **state)
{
	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	for (int i = 0; i < 2; i++) {
		begins();
		both_say(0, 960);
		assert_int_equal(ends(960), 0);
	}
	load(RECORD_MIXED);
	assert_int_equal(lasts_ms(), 960);
}

/* What is no sound of ours is not written into. */
static void test_append_to_another_file(void **state)
{
	FILE *f;
	struct stat st;

	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	f = fopen(names[0], "w");
	fputs("a letter to somebody, which is longer than a header is", f);
	fclose(f);
	prm.append = true;
	assert_int_equal(record_new(&rec, &prm), 0);
	sink = record_sink(rec);
	assert_int_equal(sink.begin(sink.arg, 0), ESPIPE);
	sink.free(sink.arg);
	assert_int_equal(record_close(rec), ESPIPE);
	rec = obj_drop(rec);
	assert_int_equal(stat(names[0], &st), 0);
	assert_int_equal(st.st_size, 54);
}

static void test_full_disk(void **state)
{
	(void)state;
	if (access("/dev/full", W_OK))
		skip();
	snprintf(names[0], sizeof(names[0]), "%s/full.sln", dir);
	assert_int_equal(symlink("/dev/full", names[0]), 0);
	file_is(RECORD_MIXED, "full.sln");
	begins();
	assert_int_equal(says(TAP_IN, 8000, 500, 0, 10000), ENOSPC);
	assert_int_equal(sink.frame(sink.arg, &(struct tap_frame){ .rate = 8000 }), ENOSPC);
	assert_int_equal(ends(1000), ENOSPC);
}

static void test_no_folder(void **state)
{
	(void)state;
	prm.path[RECORD_MIXED] = STR("/dev/null/m.wav");
	prm.kind[RECORD_MIXED] = sound_kind_of(STR("wav"));
	assert_int_equal(record_new(&rec, &prm), 0);
	sink = record_sink(rec);
	assert_int_equal(sink.begin(sink.arg, 0), ENOTDIR);
	sink.free(sink.arg);
	assert_int_equal(record_close(rec), ENOTDIR);
	rec = obj_drop(rec);
}

/* From one port to the next: one file. */
static void test_two_taps(void **state)
{
	struct tap_sink first;

	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	begins();
	both_say(0, 500);
	first = sink;
	sink = record_sink(rec);
	assert_int_equal(first.end(first.arg, 1000000 + 500000), 0);
	first.free(first.arg);
	assert_int_equal(sink.begin(sink.arg, 1000000 + 500000), 0);
	both_say(500, 500);
	assert_int_equal(ends(1000), 0);
	load(RECORD_MIXED);
	assert_int_equal(lasts_ms(), 1000);
	near(level(500, 600, 300), 4000);
}

/* Nothing ever came, nor was there a tap: a file without sound. */
static void test_empty(void **state)
{
	struct stat st;

	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	assert_int_equal(record_new(&rec, &prm), 0);
	assert_int_equal(record_close(rec), 0);
	rec = obj_drop(rec);
	assert_int_equal(stat(names[0], &st), 0);
	assert_int_equal(st.st_size, 44);
}

/* What a pair of packets of 20 ms costs from the decoded frame to the file; the bound is far above what it takes even here. */
static void test_cost(void **state)
{
	struct timespec a, b;
	unsigned us;

	(void)state;
	file_is(RECORD_MIXED, "m.wav");
	begins();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	both_say(0, 60000);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	assert_int_equal(ends(60000), 0);
	us = (unsigned)((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000) / 3000;
	print_message("%u us of CPU for a pair of packets, with the tones\n", us);
	assert_true(us < 1000);
}

static int up(void **state)
{
	(void)state;
	return !mkdtemp(dir) || rate_bank_new(&bank);
}

static int down(void **state)
{
	(void)state;
	bank = obj_drop(bank);
	return rmdir(dir);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_mixed), T(test_each_direction_alone), T(test_each_format), T(test_synchronous), T(test_not_synchronous),
		T(test_nobody_speaks), T(test_interleaved), T(test_interleaved_beside_a_faster_one), T(test_volume),
		T(test_too_loud), T(test_mute), T(test_pause), T(test_skip), T(test_append), T(test_overwrite),
		T(test_append_to_another_file), T(test_full_disk), T(test_no_folder), T(test_two_taps), T(test_empty), T(test_cost),
	};

	return cmocka_run_group_tests(tests, up, down);
}
