/* Packets as they come to an even flow: order, gaps, drift, and no clicks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include "media/jitter.h"

enum { RATE = 8000, N = 160, AMPLITUDE = 8000 };

static struct jitter j;
static uint64_t said;           /* [samples] by the sender */
static double hz = 200;
/* The largest step of such a sine from one sample to the next, and a fade on top. */
static int max_step(void) { return (int)(2 * M_PI * hz / RATE * AMPLITUDE) + 2 * AMPLITUDE / 40; }

static void say(int16_t *out, uint64_t at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)lrint(AMPLITUDE * sin(2 * M_PI * hz * (double)(at + i) / RATE));
}

static void put_at(uint64_t at, size_t n)
{
	int16_t pcm[2 * RATE];

	say(pcm, at, n);
	jitter_put(&j, at, pcm, n);
}

static void put(size_t n)
{
	put_at(said, n);
	said += n;
}

/* What was heard, one frame after the other. */
static int16_t heard[400 * N];
static size_t nheard;

static bool get(void)
{
	bool sounds = jitter_get(&j, heard + nheard, N);

	if (!sounds)
		memset(heard + nheard, 0, N * sizeof(heard[0]));
	nheard += N;
	assert_true(nheard < sizeof(heard) / sizeof(heard[0]));
	return sounds;
}

static int worst_step(void)
{
	int worst = 0;

	for (size_t i = 1; i < nheard; i++)
		if (abs(heard[i] - heard[i - 1]) > worst)
			worst = abs(heard[i] - heard[i - 1]);
	return worst;
}

static int up(void **state)
{
	(void)state;
	jitter_init(&j, RATE);
	said = 123456789;
	nheard = 0;
	hz = 200;
	return 0;
}

/* It starts with two frames, or after two turns, and gives what was put. */
static void test_in_order(void **state)
{
	int16_t want[N];

	(void)state;
	assert_false(get());
	put(N);
	assert_false(get());
	put(N);
	assert_true(get());
	for (int i = 0; i < 20; i++) {
		put(N);
		assert_true(get());
		say(want, said - 2 * N, N);
		assert_memory_equal(heard + nheard - N, want, sizeof(want));
	}
	assert_int_equal(jitter_queued(&j), N);
	assert_true(worst_step() <= max_step());
	/* One packet alone is heard all the same. */
	up(NULL);
	put(N);
	assert_false(get());
	assert_false(get());
	assert_true(get());
	assert_true(jitter_level(heard + nheard - N, N) > 1000);
}

/* Swapped, twice, and one that is missing at first. */
static void test_out_of_order(void **state)
{
	int16_t want[N];

	(void)state;
	put(N);
	put(N);
	put(N);
	get();
	for (int i = 0; i < 20; i++) {
		put_at(said + N, N);
		put_at(said, N);
		put_at(said, N);
		said += 2 * N;
		for (int k = 0; k < 2; k++) {
			assert_true(get());
			say(want, said - (unsigned)(4 - k) * N, N);
			assert_memory_equal(heard + nheard - N, want, sizeof(want));
		}
	}
	/* Long over: counted, not heard. */
	put_at(said - 10 * N, N);
	assert_int_equal(j.late, N);
	assert_int_equal(jitter_queued(&j), 2 * N);
}

/* A packet that never comes leaves a hole in its place, without a click. */
/* The second packet is from before the first one, and reaches into it. */
static void test_early_one_second(void **state)
{
	(void)state;
	put_at(1000, 64);
	put_at(920, 200);
	assert_true(jitter_queued(&j) <= 2 * RATE);
	assert_int_equal(j.lost, 0);
	put_at(1120, 2 * N);
	get();
}

static void test_lost(void **state)
{
	int16_t want[N];

	(void)state;
	for (int i = 0; i < 100; i++) {
		if (i == 40 || i == 70 || i == 71)
			said += N;
		else
			put(N);
		get();
	}
	/* What comes after the hole is where it would have been. */
	put(N);
	get();
	say(want, said - 2 * N, N);
	assert_memory_equal(heard + nheard - N, want, sizeof(want));
	assert_true(worst_step() <= max_step());
	assert_true(j.lost >= N);
	assert_int_equal(jitter_level(heard + 41 * N + N / 3, N / 3), 0);
}

/* It stops, it goes on, it stops in the middle of a frame: no step. */
static void test_starts_and_stops(void **state)
{
	size_t ended = N;

	(void)state;
	for (int i = 0; i < 12; i++) {
		hz = 150 + 50 * i;
		for (int k = 0; k < 5; k++) {
			put(N);
			get();
		}
		put((size_t)(13 * i));
		for (int k = 0; k < 6; k++)
			if (get())
				ended = nheard;
		/* Half a frame of silence is handed out behind it, for the filters that follow. */
		assert_int_equal(jitter_level(heard + ended - N / 2, N / 2), 0);
		assert_int_equal(jitter_queued(&j), 0);
		assert_int_equal(jitter_level(heard + nheard - N, N), 0);
		said += 7777;
	}
	hz = 700;
	assert_true(worst_step() <= max_step());
	assert_int_equal(j.empty, 12);
}

/* A sender whose timestamps begin anew goes on behind what waits. */
static void test_new_start(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		put(N);
		get();
	}
	said += 1000000000;
	for (int i = 0; i < 10; i++) {
		put(N);
		assert_true(get());
	}
	said -= 2000000000;
	for (int i = 0; i < 10; i++) {
		put(N);
		assert_true(get());
	}
	assert_int_equal(j.late, 0);
	assert_true(worst_step() <= max_step());
	assert_true(jitter_queued(&j) <= 3 * N);
}

/* One frame in fifty too many, and after a second of it some quiet. */
static void drift(bool with_quiet)
{
	static int16_t soft[N];
	size_t most = 0;

	hz = 212;       /* no whole periods in a frame */
	for (int i = 0; i < 350; i++) {
		if (with_quiet && i % 50 >= 40) {
			jitter_put(&j, said, soft, N);
			said += N;
		} else {
			put(N);
		}
		if (i % 25 == 24)
			put(N);
		get();
		most = jitter_queued(&j) > most ? jitter_queued(&j) : most;
		/* What is left out of a loud sound is faded over. */
		if (!with_quiet)
			assert_true(worst_step() <= max_step());
	}
	assert_true(j.dropped >= 5 * N && j.dropped <= 14 * N);
	assert_int_equal(j.empty, 0);
	assert_true(most <= RATE / 1000 * (with_quiet ? 140 : JITTER_HARD_MS + 30));
}

static void test_fast_sender(void **state)
{
	(void)state;
	drift(true);
	up(NULL);
	drift(false);
}

/* One that is slower: silence now and then, no clicks, and never much that waits. */
static void test_slow_sender(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		if (i % 25 != 24)
			put(N);
		get();
		assert_true(jitter_queued(&j) <= 3 * N);
	}
	assert_in_range(j.empty, 3, 12);
	assert_int_equal(j.dropped, 0);
	assert_true(worst_step() <= max_step());
}

/* More at once than there is room for: the newest is kept. */
static void test_flood(void **state)
{
	int16_t want[N];

	(void)state;
	hz = 212;
	for (int i = 0; i < 5; i++) {
		put(N);
		get();
	}
	for (int i = 0; i < 40; i++)
		put(N);
	assert_int_equal(jitter_queued(&j), RATE / 1000 * JITTER_MAX_MS);
	for (int i = 0; i < 5; i++)
		assert_true(get());
	assert_true(worst_step() <= max_step());
	while (jitter_queued(&j) > N)
		get();
	get();
	say(want, said - N, N);
	assert_memory_equal(heard + nheard - N, want, sizeof(want));
	/* A packet of two seconds. */
	put(2 * RATE);
	assert_true(jitter_queued(&j) <= RATE / 1000 * JITTER_MAX_MS);
}

/* Long packets come more seldom: no holes between them. */
static void test_long_packets(void **state)
{
	(void)state;
	for (int i = 0; i < 90; i++) {
		if (i % 3 == 0)
			put(3 * N);
		get();
	}
	assert_int_equal(j.empty, 0);
	assert_int_equal(j.dropped, 0);
	assert_true(worst_step() <= max_step());
}

static void test_finish(void **state)
{
	int16_t out[N];

	(void)state;
	assert_false(jitter_finish(&j, out, N));
	for (int i = 0; i < 5; i++) {
		put(N);
		get();
	}
	assert_true(jitter_finish(&j, heard + nheard, N));
	nheard += N;
	assert_true(worst_step() <= max_step());
	assert_int_equal(heard[nheard - 1], 0);
	assert_false(get());
}

/* Whatever timestamps and lengths a sender makes up: nothing is read or written that is
 * not there, the queue stays within its room, and a good sender is heard afterwards. */
static void test_anything(void **state)
{
	static int16_t pcm[12288], out[N];
	uint32_t dice = 1;
	uint64_t at = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint64_t jump[] = { N, 0, 1, 7 * N, 100 * N, UINT64_MAX - N, UINT64_MAX - 20 * N, (uint64_t)1 << 32,
				    (uint64_t)1 << 63, dice };
		size_t n[] = { N, N, N, 80, 1, 0, 3 * N, 12 * N, 12288, dice % 500 };

		dice = dice * 1664525 + 1013904223;
		at += jump[(dice >> 16) % 10];
		if (dice >> 31)
			jitter_put(&j, at, pcm, n[(dice >> 20) % 10]);
		else if (dice & 1 << 29)
			jitter_get(&j, out, N);
		else if ((dice & 63) == 0)
			jitter_finish(&j, out, N);
		assert_true(jitter_queued(&j) <= RATE / 1000 * JITTER_MAX_MS);
	}
	for (int i = 0; i < 30; i++) {
		put(N);
		jitter_get(&j, out, N);
	}
	assert_true(jitter_level(out, N) > 1000);
}

#define T(f) cmocka_unit_test_setup(f, up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_in_order), T(test_out_of_order), T(test_early_one_second), T(test_lost), T(test_starts_and_stops), T(test_new_start),
		T(test_fast_sender), T(test_slow_sender), T(test_flood), T(test_long_packets), T(test_finish), T(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
