/* A mixer: who hears whom, at which rate, without a click. Each member says a tone
 * of its own, so that a Goertzel filter finds it in what the others hear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include "base/obj.h"
#include "media/mix.h"
#include "media/tone.h"

enum { MEMBERS = 12, HEARD = 96000 };

struct who {
	struct mix_member *x;
	uint32_t rate;
	double hz, amplitude;           /* 0: says nothing */
	uint64_t at;
	int16_t heard[HEARD];           /* since forget() */
	size_t n;
	size_t frames, silent, shared;
	int talks;                      /* begun, less ended */
	size_t changes;
};

static struct rate_bank *bank;
static struct mix *m;
static struct who who[MEMBERS];
static const int16_t *last_shared[64];
static size_t live;

static void on_out(void *arg, const struct mix_frame *f)
{
	struct who *w = arg;

	assert_int_equal(f->rate, w->rate);
	assert_int_equal(f->n, w->rate / 50);
	assert_true(w->n + f->n <= HEARD);
	memcpy(w->heard + w->n, f->pcm, f->n * sizeof(f->pcm[0]));
	w->n += f->n;
	w->frames++;
	w->silent += f->silence;
	w->shared += f->shared != 0;
	for (size_t i = 0; f->silence && i < f->n; i++)
		assert_int_equal(f->pcm[i], 0);
	/* The same number, the same samples. */
	if (f->shared && last_shared[f->shared])
		assert_ptr_equal(last_shared[f->shared], f->pcm);
	if (f->shared)
		last_shared[f->shared] = f->pcm;
}

static void on_talk(void *arg, bool talking)
{
	struct who *w = arg;

	w->talks += talking ? 1 : -1;
	w->changes++;
	assert_int_equal(w->talks, mix_talking(w->x));
}

static int up(void **state)
{
	(void)state;
	live = obj_live();
	memset(who, 0, sizeof(who));
	return rate_bank_new(&bank) || mix_new(&m, bank) ? -1 : 0;
}

static int down(void **state)
{
	(void)state;
	for (int i = 0; i < MEMBERS; i++) {
		if (who[i].x)
			mix_leave(who[i].x);
		mix_member_free(who[i].x);
	}
	mix_free(m);
	m = NULL;
	bank = obj_drop(bank);
	return obj_live() != live;
}

/* From the beginning, within a test. */
static void anew(void)
{
	assert_int_equal(down(NULL), 0);
	assert_int_equal(up(NULL), 0);
}

static struct who *join(int i, uint32_t rate, double hz, double amplitude)
{
	struct who *w = &who[i];
	struct mix_member_prm prm = { .out = on_out, .talk = on_talk, .arg = w };

	w->rate = rate;
	w->hz = hz;
	w->amplitude = amplitude;
	w->at = (uint64_t)i * 1000003;
	if (!w->x)
		assert_int_equal(mix_member_new(&w->x, &prm), 0);
	mix_join(m, w->x, rate);
	return w;
}

static void say(struct who *w, size_t n)
{
	int16_t pcm[MIX_FRAME];

	if (w->amplitude <= 0)
		return;
	for (size_t i = 0; i < n; i++)
		pcm[i] = (int16_t)lrint(w->amplitude * sin(2 * M_PI * w->hz * (double)(w->at + i) / w->rate));
	mix_put(w->x, w->at, pcm, n);
	w->at += n;
}

static void tick(void)
{
	memset(last_shared, 0, sizeof(last_shared));
	mix_tick(m);
}

static void run(int ticks)
{
	while (ticks--) {
		for (int i = 0; i < MEMBERS; i++)
			if (who[i].n > HEARD - MIX_FRAME)
				who[i].n = 0;
		for (int i = 0; i < MEMBERS; i++)
			if (who[i].x)
				say(&who[i], who[i].rate / 50);
		tick();
	}
}

static void forget(void)
{
	for (int i = 0; i < MEMBERS; i++)
		who[i].n = who[i].frames = who[i].silent = who[i].shared = 0;
}

static double rms(const struct who *w)
{
	double sum = 0;

	for (size_t i = 0; i < w->n; i++)
		sum += (double)w->heard[i] * w->heard[i];
	return w->n > 0 ? sqrt(sum / (double)w->n) : 0.0;
}

/* The amplitude of a tone in what `w` heard. */
static double level(const struct who *w, double hz)
{
	double share = tone_goertzel(w->heard, w->n, w->rate, (uint32_t)hz);

	return sqrt(share > 0 ? share : 0) * rms(w) * sqrt(2);
}

static void hears(const struct who *w, const struct who *other)
{
	assert_true(fabs(level(w, other->hz) - other->amplitude) < other->amplitude * 0.03);
}

static void hears_not(const struct who *w, const struct who *other)
{
	assert_true(level(w, other->hz) < 20);
}

static int worst_step(const struct who *w)
{
	int worst = 0;

	for (size_t i = 1; i < w->n; i++)
		if (abs(w->heard[i] - w->heard[i - 1]) > worst)
			worst = abs(w->heard[i] - w->heard[i - 1]);
	return worst;
}

/* Of a sum of sines at the listener's rate, and a fade of 5 ms over each of them. */
static int max_step(const struct who *w)
{
	double sum = 0;

	for (int i = 0; i < MEMBERS; i++)
		sum += who[i].amplitude * (2 * M_PI * who[i].hz / w->rate + 400.0 / w->rate);
	return (int)sum;
}

/* Each hears the others and not itself, at whatever rate each of them has. */
static void all_hear_all(const uint32_t rate[4])
{
	static const double hz[] = { 350, 700, 1150, 2000 };

	for (int i = 0; i < 4; i++)
		join(i, rate[i], hz[i], 3000 + 1000 * i);
	run(10);
	forget();
	run(10);
	for (int i = 0; i < 4; i++)
		for (int k = 0; k < 4; k++) {
			if (i == k)
				hears_not(&who[i], &who[k]);
			else
				hears(&who[i], &who[k]);
		}
}

static void test_one_rate(void **state)
{
	(void)state;
	all_hear_all((uint32_t[]){ 8000, 8000, 8000, 8000 });
	assert_int_equal(mix_rate(m), 8000);
	assert_int_equal(mix_members(m), 4);
	assert_int_equal(who[0].shared, 0);
}

static void test_rates(void **state)
{
	(void)state;
	all_hear_all((uint32_t[]){ 8000, 16000, 48000, 8000 });
	assert_int_equal(mix_rate(m), 48000);
	anew();
	all_hear_all((uint32_t[]){ 12000, 44100, 32000, 24000 });
	assert_int_equal(mix_rate(m), 44100);
}

/* Two of one rate hear the whole band of each other, whoever else is there. */
static void test_wide(void **state)
{
	struct who *a = join(0, 16000, 6500, 8000), *b = join(1, 16000, 0, 0), *c = join(2, 8000, 0, 0);

	(void)state;
	run(10);
	forget();
	run(10);
	hears(b, a);
	assert_true(rms(c) < 60);
}

/* Those who say nothing are handed one frame, and nothing is made while all are still. */
static void test_shared(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		join(i, i % 2 ? 16000 : 8000, 400 + 100 * i, 0);
	run(10);
	assert_int_equal(who[0].frames, 10);
	assert_true(who[0].silent >= 8);
	who[0].amplitude = 5000;
	run(10);
	forget();
	run(10);
	assert_int_equal(who[0].shared, 0);
	for (int i = 1; i < 6; i++) {
		assert_int_equal(who[i].shared, 10);
		assert_int_equal(who[i].silent, 0);
		hears(&who[i], &who[0]);
	}
	assert_int_equal(who[0].silent, 0);
	assert_true(rms(&who[0]) < 1);
	who[0].amplitude = 0;
	run(10);
	forget();
	run(2);
	assert_int_equal(who[3].silent, 2);
}

/* Ten who shout: as loud as there is, and no sample turns over. */
static void test_saturation(void **state)
{
	struct who *w = NULL;
	size_t turns = 0;

	(void)state;
	for (int i = 0; i < 10; i++) {
		w = join(i, 8000, 400, 32000);
		w->at = 0;
	}
	w->amplitude = 0;
	run(10);
	forget();
	run(10);
	for (size_t i = 1; i < w->n; i++)
		turns += (w->heard[i] < 0) != (w->heard[i - 1] < 0);
	assert_in_range(turns, 158, 162);       /* 200 ms of 400 Hz */
	assert_true(rms(w) > 31000);
}

static void test_gain_mute_deaf(void **state)
{
	struct who *a = join(0, 8000, 500, 4000), *b = join(1, 16000, 900, 3000), *c = join(2, 8000, 1400, 0);

	(void)state;
	run(10);
	mix_set_gain(a->x, MIX_UNITY / 2);
	mix_set_gain(b->x, 2 * MIX_UNITY);
	run(2);
	forget();
	run(10);
	assert_true(fabs(level(c, 500) - 2000) < 60);
	assert_true(fabs(level(c, 900) - 6000) < 180);
	assert_true(fabs(level(a, 900) - 6000) < 180);
	mix_set_gain(a->x, MIX_UNITY);
	mix_set_gain(b->x, MIX_UNITY);
	mix_set_mute(a->x, true);
	run(2);
	forget();
	run(10);
	hears_not(c, a);
	hears(c, b);
	hears(a, b);
	mix_set_mute(a->x, false);
	mix_set_deaf(c->x, true);
	run(2);
	forget();
	run(10);
	hears(b, a);
	assert_int_equal(c->frames, 10);
	assert_int_equal(c->silent, 10);
	forget();
	mix_set_deaf(c->x, false);
	run(10);
	assert_true(worst_step(c) <= max_step(c));
	forget();
	run(5);
	hears(c, a);
	/* As loud as can be asked for. */
	mix_set_gain(a->x, UINT32_MAX);
	run(10);
}

/* They are all faded to. */
static void test_soft_changes(void **state)
{
	struct who *a = join(0, 8000, 110, 8000), *b = join(1, 8000, 500, 0);

	(void)state;
	run(10);
	forget();
	for (int i = 0; i < 8; i++) {
		mix_set_mute(a->x, i & 1);
		run(3);
		mix_set_gain(a->x, i & 2 ? MIX_UNITY : MIX_UNITY / 8);
		run(2);
		mix_set_deaf(b->x, false);
	}
	assert_true(worst_step(b) <= max_step(b));
}

/* Loud for a while, and quiet for a longer while. */
static void test_talking(void **state)
{
	struct who *a = join(0, 8000, 500, 0), *b = join(1, 48000, 600, 60);

	(void)state;
	run(50);
	assert_int_equal(a->changes + b->changes, 0);
	/* A click is no talk. */
	a->amplitude = 5000;
	run(1);
	a->amplitude = 0;
	run(20);
	assert_int_equal(a->changes, 0);
	a->amplitude = 5000;
	run(10);
	assert_int_equal(a->talks, 1);
	/* Nor is a breath an end, be it noise or nothing at all. */
	a->amplitude = 0;
	run(20);
	assert_int_equal(a->talks, 1);
	a->amplitude = 160;     /* between the two levels */
	run(100);
	assert_int_equal(a->talks, 1);
	a->amplitude = 40;
	run(50);
	assert_int_equal(a->talks, 0);
	assert_int_equal(a->changes, 2);
	/* Who is muted, or has left, does not talk. */
	a->amplitude = b->amplitude = 5000;
	run(10);
	assert_int_equal(a->talks, 1);
	assert_int_equal(b->talks, 1);
	mix_set_mute(a->x, true);
	run(1);
	assert_int_equal(a->talks, 0);
	run(10);
	assert_int_equal(a->changes, 4);
	mix_leave(b->x);
	assert_int_equal(b->talks, 0);
}

/* Members come and go in the middle of their sound, with them the mixing rate:
 * nobody hears a step. */
static void coming_and_going(uint32_t first, const uint32_t *rates, size_t n)
{
	struct who *a = join(0, first, 90, 5000), *b = join(1, first, 130, 4000);

	join(2, first, 1, 0);
	run(10);
	forget();
	for (size_t i = 0; i < n; i++) {
		struct who *c = join(3 + (int)i % 3, rates[i], 170, 4000);

		c->n = 0;
		run(7);
		/* The newcomer hears it begin softly as well. */
		assert_true(abs(c->heard[0]) < 200);
		assert_true(worst_step(c) <= max_step(c));
		mix_leave(c->x);
		c->amplitude = 0;
		/* One that left hears and says nothing more. */
		mix_put(c->x, 1, c->heard, 160);
		run(6);
	}
	for (int i = 0; i < 3; i++) {
		who[3].amplitude = 4000;
		who[3].hz = 170;
		assert_true(worst_step(&who[i]) <= max_step(&who[i]));
		assert_true(rms(&who[i]) > 2000);
	}
	forget();
	run(5);
	hears(a, b);
	hears(b, a);
	hears(&who[2], a);
	hears_not(a, a);
}

static void test_coming_and_going(void **state)
{
	(void)state;
	coming_and_going(8000, (uint32_t[]){ 8000, 48000, 16000, 44100 }, 4);
	assert_int_equal(mix_rate(m), 8000);
	anew();
	coming_and_going(16000, (uint32_t[]){ 8000, 24000, 48000 }, 3);
	assert_int_equal(mix_rate(m), 16000);
	anew();
	coming_and_going(44100, (uint32_t[]){ 8000, 48000 }, 2);
}

/* Somebody speaks, is silent, speaks: it changes between a frame of its own and the
 * one of all, while another is heard. */
static void test_own_and_common(void **state)
{
	static const uint32_t rates[] = { 8000, 16000, 48000 };
	struct who *a = join(0, 48000, 65, 5000), *b[3];
	double loud = 3000;

	(void)state;
	for (int i = 0; i < 3; i++)
		b[i] = join(1 + i, rates[i], 80 + 20 * i, 0);
	run(10);
	forget();
	for (int k = 0; k < 9; k++) {
		b[k % 3]->amplitude = loud;
		run(3);
		b[k % 3]->amplitude = 0;
		run(k % 2 ? 2 : 5);
	}
	for (int i = 0; i < 3; i++)
		b[i]->amplitude = loud;
	for (int i = 0; i < 3; i++) {
		assert_true(worst_step(b[i]) <= max_step(b[i]));
		/* 65 Hz all the time, at its level. */
		assert_true(fabs(level(b[i], 65) - a->amplitude) < 150);
		assert_true(level(b[i], b[i]->hz) < 200);
	}
	assert_true(worst_step(a) <= max_step(a));
}

/* All stop at once, after a while in which nobody was handed what all hear: it begins
 * anew from silence. */
static void test_after_silence(void **state)
{
	struct who *a = join(0, 48000, 60, 8000), *b = join(1, 8000, 80, 0);

	(void)state;
	run(8);
	b->amplitude = 8000;
	run(5);
	a->amplitude = b->amplitude = 0;
	run(8);
	forget();
	a->amplitude = 8000;
	run(4);
	assert_true(worst_step(b) <= max_step(b));
	assert_true(rms(b) > 1000);
}

/* A member that changes its rate: its own sound stops and starts softly. */
static void test_new_rate(void **state)
{
	struct who *a = join(0, 8000, 70, 5000), *b = join(1, 8000, 110, 5000), *c = join(2, 16000, 500, 0);

	(void)state;
	run(10);
	forget();
	mix_set_rate(b->x, 8000);
	run(5);
	mix_set_rate(b->x, 48000);
	assert_int_equal(mix_member_rate(b->x), 48000);
	b->rate = 48000;
	b->n = 0;
	run(10);
	assert_int_equal(mix_rate(m), 48000);
	assert_true(worst_step(a) <= max_step(a));
	assert_true(worst_step(b) <= max_step(b));
	assert_true(worst_step(c) <= max_step(c));
	forget();
	run(10);
	hears(a, b);
	hears(b, a);
	hears(c, b);
}

/* A member whose packets are odd: 10 ms, 30 ms, one second; and one without any. */
static void test_packets(void **state)
{
	struct who *a = join(0, 8000, 500, 0), *b = join(1, 8000, 800, 0);
	struct mix_stats st;

	(void)state;
	mix_count(b->x, &st);
	assert_int_equal(st.queued, 0);
	b->amplitude = 4000;
	for (int i = 0; i < 30; i++) {
		if (i % 3 == 0) {
			say(b, 240);
			say(b, 80);
			say(b, 160);
		}
		a->amplitude = b->amplitude = 0;
		tick();
		b->amplitude = 4000;
		if (i == 10)
			forget();
	}
	hears(a, b);
	mix_count(b->x, &st);
	assert_int_equal(st.empty + st.late + st.lost + st.dropped, 0);
	for (int i = 0; i < 8; i++)
		say(b, MIX_FRAME);
	mix_count(b->x, &st);
	assert_in_range(st.queued, 200, 240);
	assert_true(st.dropped > 500);
}

/* A mix without members, twice; the last one leaves while it speaks. */
static void test_empty(void **state)
{
	(void)state;
	tick();
	assert_int_equal(mix_rate(m), 0);
	join(0, 16000, 500, 5000);
	run(5);
	mix_leave(who[0].x);
	mix_leave(who[0].x);
	tick();
	join(1, 8000, 500, 0);
	run(5);
	assert_true(rms(&who[1]) < 10);
	assert_int_equal(mix_rate(m), 8000);
}

/* No tick, and nothing that is done between ticks, allocates. */
static void test_no_allocation(void **state)
{
	struct who *a = join(0, 8000, 500, 5000), *b = join(1, 16000, 700, 5000);

	(void)state;
	oom_begin(1);
	run(5);
	mix_leave(b->x);
	run(2);
	mix_join(m, b->x, 48000);
	b->rate = 48000;
	run(5);
	mix_set_rate(a->x, 16000);
	a->rate = 16000;
	run(5);
	assert_false(oom_end());
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_one_rate), T(test_rates), T(test_wide), T(test_shared), T(test_saturation), T(test_gain_mute_deaf),
		T(test_soft_changes),
		T(test_talking), T(test_coming_and_going), T(test_own_and_common), T(test_after_silence), T(test_new_rate), T(test_packets),
		T(test_empty), T(test_no_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
