/* Taps: frames through the real writer thread to a sink or a WAV file. Nothing here
 * waits for a time: a thread is joined, or its sink says what it has got. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/obj.h"
#include "media/file.h"
#include "media/tap.h"
#include "media/tone.h"

enum { N = 160, TAPS = 8 };

/* ---- a sink that looks at what it gets */

struct sink {
	int begin_err, frame_err, end_err;
	uint64_t fail_at;       /* the frame that frame_err is for */
	sem_t *hold;            /* frame() waits for it; NULL: does not wait */
	sem_t *got;             /* told of each frame; NULL: nobody */
	uint64_t begun_us, ended_us;
	size_t begins, frames, ends, frees;
	uint64_t next_at[TAP_DIRS], gaps;
	bool wrong;
	/* core */
	size_t dones;
	struct tap_result result;
};

static int on_begin(void *arg, uint64_t now_us)
{
	struct sink *s = arg;

	s->begins++;
	s->begun_us = now_us;
	return s->begin_err;
}

static int on_frame(void *arg, const struct tap_frame *f)
{
	struct sink *s = arg;

	if (s->hold)
		sem_wait(s->hold);
	if (s->frame_err && s->frames == s->fail_at) {
		if (s->got)
			sem_post(s->got);
		return s->frame_err;
	}
	s->gaps += f->at != s->next_at[f->dir];
	s->next_at[f->dir] = f->at + f->n;
	for (size_t i = 0; i < f->n; i++)
		s->wrong = s->wrong || f->pcm[i] != (int16_t)(f->at + i);
	s->frames++;
	if (s->got)
		sem_post(s->got);
	return 0;
}

static int on_end(void *arg, uint64_t now_us)
{
	struct sink *s = arg;

	s->ends++;
	s->ended_us = now_us;
	return s->end_err;
}

static void on_free(void *arg)
{
	((struct sink *)arg)->frees++;
}

static void on_done(void *arg, const struct tap_result *r)
{
	struct sink *s = arg;

	s->dones++;
	s->result = *r;
}

static struct tap_writer *w;
static struct sink sink[TAPS];
static struct rate_bank *bank;
static size_t live;
static atomic_int notified;
static char dir[] = "/tmp/test_tap.XXXXXX";
static char path[64];

static void on_notify(void *arg)
{
	(void)arg;
	atomic_fetch_add(&notified, 1);
}

static int up(void **state)
{
	(void)state;
	live = obj_live();
	memset(sink, 0, sizeof(sink));
	w = NULL;
	if (rate_bank_new(&bank))
		return -1;
	if (tap_writer_new(&w, on_notify, NULL)) {
		bank = obj_drop(bank);
		return -1;
	}
	return 0;
}

/* The writer's end: all that was put has been written and told. */
static void join(void)
{
	tap_writer_free(w);
	w = NULL;
}

static int down(void **state)
{
	(void)state;
	join();
	obj_drop(bank);
	unlink(path);
	return obj_live() != live;
}

static struct tap *tap_of(struct sink *s, size_t ring_bytes)
{
	struct tap_prm prm = { .sink = { s, on_begin, on_frame, on_end, on_free }, .ring_bytes = ring_bytes, .now_us = 77,
			       .done = on_done, .arg = s };
	struct tap *t = NULL;

	assert_int_equal(tap_new(&t, w, &prm), 0);
	return t;
}

static bool put(struct tap *t, enum tap_dir d, uint64_t at, size_t n)
{
	int16_t pcm[TAP_MAX];
	struct tap_frame f = { .dir = d, .rate = 8000, .now_us = 77 + at * 125, .at = at, .n = n, .pcm = pcm };

	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)(at + i);
	return tap_put(t, &f);
}

static void test_frames(void **state)
{
	struct tap *t = tap_of(&sink[0], 1 << 20);

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		assert_true(put(t, TAP_IN, i * N, N));
		assert_true(put(t, TAP_OUT, i * 80, 80));
	}
	tap_finish(t, 99);
	join();
	assert_int_equal(sink[0].begins, 1);
	assert_int_equal(sink[0].begun_us, 77);
	assert_int_equal(sink[0].frames, 2000);
	assert_int_equal(sink[0].gaps, 0);
	assert_false(sink[0].wrong);
	assert_int_equal(sink[0].ends, 1);
	assert_int_equal(sink[0].ended_us, 99);
	assert_int_equal(sink[0].dones, 1);
	assert_int_equal(sink[0].frees, 1);
	assert_int_equal(sink[0].result.err, 0);
	assert_int_equal(sink[0].result.frames, 2000);
	assert_int_equal(sink[0].result.dropped, 0);
	assert_true(atomic_load(&notified) >= 1);
}

/* A sink that is stuck: what finds no room is dropped and counted, and what was in
 * the ring comes whole when it goes on. */
static void test_full(void **state)
{
	sem_t hold;
	struct tap *t;
	uint64_t put_n = 0, dropped = 0;

	(void)state;
	sem_init(&hold, 0, 0);
	sink[0].hold = &hold;
	t = tap_of(&sink[0], 4096);
	for (uint64_t i = 0; i < 100; i++) {
		bool ok = put(t, TAP_IN, i * N, N);

		put_n += ok;
		dropped += !ok;
	}
	/* 4096 bytes hold 11, and the writer may have taken one. */
	assert_in_range(put_n, 11, 12);
	assert_false(put(t, TAP_IN, 0, TAP_MAX));
	tap_finish(t, 99);
	for (uint64_t i = 0; i < put_n; i++)
		sem_post(&hold);
	join();
	assert_int_equal(sink[0].frames, put_n);
	assert_false(sink[0].wrong);
	assert_int_equal(sink[0].result.frames, put_n);
	assert_int_equal(sink[0].result.dropped, dropped + 1);
	sem_destroy(&hold);
}

/* A sink that fails at its begin, at a frame, at its end: told once, with the reason,
 * and the other taps go on. */
static void test_failures(void **state)
{
	sem_t got;
	struct tap *t[4];

	(void)state;
	sem_init(&got, 0, 0);
	sink[0].begin_err = EACCES;
	sink[1].frame_err = ENOSPC;
	sink[1].fail_at = 3;
	sink[1].got = &got;
	sink[2].end_err = EIO;
	for (int i = 0; i < 4; i++)
		t[i] = tap_of(&sink[i], 0);
	for (uint64_t i = 0; i < 10; i++)
		for (int k = 0; k < 4; k++)
			put(t[k], TAP_OUT, i * N, N);
	/* It is told although its producer goes on. */
	for (int i = 0; i < 4; i++)
		sem_wait(&got);
	while (!sink[1].dones)          /* the writer has only to say so */
		tap_writer_results(w);
	assert_int_equal(sink[1].result.err, ENOSPC);
	assert_true(tap_failed(t[1]));
	assert_int_equal(sink[1].frees, 0);
	put(t[1], TAP_OUT, 10 * N, N);
	for (int i = 0; i < 4; i++)
		tap_finish(t[i], 99);
	join();
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sink[i].dones, 1);
		assert_int_equal(sink[i].frees, 1);
		assert_int_equal(sink[i].ends, i > 0);
	}
	assert_int_equal(sink[0].result.err, EACCES);
	assert_int_equal(sink[0].frames, 0);
	assert_int_equal(sink[1].result.err, ENOSPC);
	assert_int_equal(sink[1].result.frames, 3);
	assert_int_equal(sink[2].result.err, EIO);
	assert_int_equal(sink[2].result.frames, 10);
	assert_int_equal(sink[3].result.err, 0);
	assert_int_equal(sink[3].frames, 10);
	sem_destroy(&got);
}

/* Two producers, each with its taps, as fast as they can; and one that nothing comes for. */
static void *producer(void *arg)
{
	struct tap **t = arg;

	for (uint64_t i = 0; i < 3000; i++)
		for (int k = 0; k < 3; k++)
			if (!tap_failed(t[k]))
				put(t[k], i & 1, i / 2 * (80 + (unsigned)k), 80 + (size_t)k);
	for (int k = 0; k < 3; k++)
		tap_finish(t[k], 5);
	return NULL;
}

static void test_threads(void **state)
{
	struct tap *t[TAPS];
	pthread_t id[2];

	(void)state;
	sink[2].frame_err = EIO;
	sink[2].fail_at = 100;
	for (int i = 0; i < 7; i++)
		t[i] = tap_of(&sink[i], i == 2 ? 1 << 20 : 16384);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&id[i], NULL, producer, &t[3 * i]), 0);
	tap_finish(t[6], 1);
	for (int i = 0; i < 2; i++) {
		tap_writer_results(w);
		pthread_join(id[i], NULL);
	}
	join();
	for (int i = 0; i < 7; i++) {
		assert_int_equal(sink[i].dones, 1);
		assert_int_equal(sink[i].frees, 1);
		assert_false(sink[i].wrong);
		if (i != 2 && i != 6)
			assert_int_equal(sink[i].result.frames + sink[i].result.dropped, 3000);
		if (!sink[i].result.dropped)
			assert_int_equal(sink[i].gaps, 0);
	}
	assert_int_equal(sink[2].result.err, EIO);
	assert_int_equal(sink[6].result.frames, 0);
	assert_int_equal(sink[6].ends, 1);
}

/* No memory for a tap: the sink is given back. */
static void test_no_memory(void **state)
{
	struct tap_prm prm = { .sink = { &sink[0], on_begin, on_frame, on_end, on_free } };
	struct tap *t = NULL;

	(void)state;
	for (size_t n = 1; n <= 2; n++) {
		oom_begin(n);
		assert_int_equal(tap_new(&t, w, &prm), ENOMEM);
		assert_true(oom_end());
		assert_int_equal(sink[0].frees, n);
	}
}

/* ---- WAV files */

static struct tap *wav_of(struct sink *s, const char *file, uint32_t rate, bool stereo)
{
	struct tap_wav_prm wav = { .path = str_z(file), .rate = rate, .stereo = stereo, .bank = bank };
	struct tap_prm prm = { .ring_bytes = 1 << 22, .now_us = 1000000, .done = on_done, .arg = s };
	struct tap *t = NULL;

	assert_int_equal(tap_wav_new(&prm.sink, &wav), 0);
	assert_int_equal(tap_new(&t, w, &prm), 0);
	return t;
}

/* A tone of `hz` that passes from `from_ms` on, in frames of 20 ms. `late_ms`: how
 * late every other of them is. */
static void tone(struct tap *t, enum tap_dir d, uint32_t rate, int hz, unsigned from_ms, unsigned ms, unsigned late_ms)
{
	for (unsigned at = 0; at < ms; at += 20) {
		int16_t pcm[960];
		uint64_t first = (uint64_t)rate * at / 1000;
		struct tap_frame f = { .dir = d, .rate = rate, .at = 5000000 + first, .n = rate / 50, .pcm = pcm,
				       .now_us = 1000000 + (from_ms + at + (at % 40 ? late_ms : 0)) * 1000ull };

		for (size_t i = 0; i < f.n; i++)
			pcm[i] = (int16_t)lrint(8000 * sin(2 * M_PI * hz * (double)(first + i) / rate));
		assert_true(tap_put(t, &f));
	}
}

static struct {
	struct wav_info info;
	int16_t pcm[2 * 48000 * 4];
	size_t n;               /* [samples] of each channel */
} file;

static void load(void)
{
	static char raw[sizeof(file.pcm) + 100];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	n = fread(raw, 1, sizeof(raw), f);
	fclose(f);
	assert_int_equal(wav_parse(&file.info, str_mk(raw, n)), 0);
	assert_int_equal(file.info.data_at + file.info.data_n, n);
	memcpy(file.pcm, raw + file.info.data_at, file.info.data_n);
	file.n = file.info.data_n / 2 / file.info.channels;
}

/* The amplitude of a tone in a piece of one channel. */
static double level(unsigned channel, unsigned hz, unsigned from_ms, unsigned ms)
{
	static int16_t pcm[48000 * 4];
	size_t first = (size_t)file.info.rate * from_ms / 1000, n = (size_t)file.info.rate * ms / 1000;
	double sum = 0;

	assert_true(first + n <= file.n);
	for (size_t i = 0; i < n; i++) {
		pcm[i] = file.pcm[(first + i) * file.info.channels + channel];
		sum += (double)pcm[i] * pcm[i];
	}
	return sqrt(tone_goertzel(pcm, n, file.info.rate, hz) * sum / (double)n * 2);
}

static void heard(unsigned channel, unsigned hz, unsigned from_ms, unsigned ms)
{
	assert_true(fabs(level(channel, hz, from_ms, ms) - 8000) < 300);
}

static void silent(unsigned channel, unsigned from_ms, unsigned ms)
{
	size_t first = (size_t)file.info.rate * from_ms / 1000, n = (size_t)file.info.rate * ms / 1000;

	for (size_t i = first; i < first + n; i++)
		assert_int_equal(file.pcm[i * file.info.channels + channel], 0);
}

/* Each direction at its time, whatever its rate, and silence where there was none. */
static void test_stereo(void **state)
{
	struct tap *t = wav_of(&sink[0], path, 16000, true);

	(void)state;
	tone(t, TAP_IN, 8000, 500, 200, 1000, 0);
	tone(t, TAP_OUT, 48000, 900, 600, 1400, 30);
	tone(t, TAP_IN, 8000, 1500, 2500, 100, 0);
	tap_finish(t, 1000000 + 3000000);
	join();
	assert_int_equal(sink[0].result.err, 0);
	load();
	assert_int_equal(file.info.channels, 2);
	assert_int_equal(file.info.rate, 16000);
	assert_int_equal(file.n, 48000);        /* to its end */
	silent(0, 0, 199);
	heard(0, 500, 220, 960);
	silent(0, 1210, 1280);
	heard(0, 1500, 2510, 80);
	silent(0, 2610, 380);
	silent(1, 0, 599);
	heard(1, 900, 620, 1360);
	silent(1, 2050, 900);
}

static void test_mono(void **state)
{
	struct tap *t = wav_of(&sink[0], path, 8000, false);

	(void)state;
	tone(t, TAP_IN, 8000, 500, 0, 1000, 0);
	tone(t, TAP_OUT, 8000, 900, 0, 500, 0);
	tap_finish(t, 1000000 + 1500000);
	join();
	load();
	assert_int_equal(file.info.channels, 1);
	assert_int_equal(file.n, 12000);
	heard(0, 500, 0, 1000);
	heard(0, 900, 0, 500);
	assert_true(level(0, 900, 500, 500) < 10);
	silent(0, 1000, 500);
}

/* Frames that come late by their clock, or with one missing, keep their place. */
static void test_jitter(void **state)
{
	struct tap *t = wav_of(&sink[0], path, 8000, true);

	(void)state;
	tone(t, TAP_IN, 8000, 500, 0, 2000, 60);
	/* No step anywhere: it is whole. */
	tap_finish(t, 1000000 + 2000000);
	join();
	load();
	for (size_t i = 1; i < file.n; i++)
		assert_true(abs(file.pcm[2 * i] - file.pcm[2 * i - 2]) < 8000 * 2 * M_PI * 500 / 8000 + 2);
}

/* Timestamps and moments of any kind: the file is whole, and no longer than the time. */
static void test_anything(void **state)
{
	struct tap *t = wav_of(&sink[0], path, 8000, true);
	uint32_t dice = 1;
	uint64_t at = (uint64_t)1 << 32, now = 1000000;
	static int16_t pcm[N];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint64_t jump[] = { N, N, N, 0, 3, 50 * N, UINT64_MAX - N, UINT64_MAX - 70 * N, (uint64_t)1 << 62, dice };
		struct tap_frame f = { .dir = dice >> 31, .rate = 8000, .n = N - dice % 40, .pcm = pcm };

		dice = dice * 1664525 + 1013904223;
		at += jump[(dice >> 16) % 10];
		now += dice % 4000;
		f.at = at;
		f.now_us = now;
		assert_true(tap_put(t, &f));
	}
	tap_finish(t, now);
	join();
	assert_int_equal(sink[0].result.err, 0);
	load();
	assert_in_range(file.n, (now - 1000000) / 125, (now - 1000000) / 125 + 1200);
}

/* The disk is full, the folder is not there: the reason comes to the core. */
static void test_disk(void **state)
{
	struct tap *t[3];

	(void)state;
	t[0] = wav_of(&sink[0], "/dev/full", 8000, false);
	t[1] = wav_of(&sink[1], "/tmp/no such folder/x.wav", 8000, false);
	t[2] = wav_of(&sink[2], path, 8000, false);
	for (int i = 0; i < 3; i++) {
		tone(t[i], TAP_IN, 8000, 500, 0, 4000, 0);
		tap_finish(t[i], 1000000 + 1000000);
	}
	join();
	assert_int_equal(sink[0].result.err, ENOSPC);
	assert_int_equal(sink[1].result.err, ENOENT);
	assert_int_equal(sink[2].result.err, 0);
	load();
	assert_int_equal(file.n, 32000);
}

/* A rate that has no kind; frames of one; a frame of another rate in between. */
static void test_odd_rates(void **state)
{
	struct tap_wav_prm wav = { .path = str_z(path), .rate = 11025, .bank = bank };
	struct tap_sink none;
	struct tap *t;

	(void)state;
	assert_int_equal(tap_wav_new(&none, &wav), EINVAL);
	t = wav_of(&sink[0], path, 44100, true);
	tone(t, TAP_IN, 8000, 500, 0, 500, 0);
	tone(t, TAP_IN, 11025, 500, 500, 100, 0);
	tone(t, TAP_IN, 16000, 500, 600, 400, 0);
	tap_finish(t, 0);
	join();
	load();
	assert_int_equal(file.n, 44100);
	heard(0, 500, 20, 460);
	silent(0, 510, 80);
	heard(0, 500, 620, 360);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_frames), T(test_full), T(test_failures), T(test_threads), T(test_no_memory), T(test_stereo),
		T(test_mono), T(test_jitter), T(test_anything), T(test_disk), T(test_odd_rates),
	};
	int err;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s/x.wav", dir);
	err = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return err;
}
