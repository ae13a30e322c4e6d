/* The timer wheel, against a plain list. */
#include "net/wheel.h"
#include "base/str.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

struct probe {
	struct timer t;
	struct wheel *w;
	const struct clock *clock;
	unsigned fired;
	uint64_t at, not_before, again_ms;
	struct probe *kill;
};

static void on_probe(void *arg)
{
	struct probe *p = arg;

	p->fired++;
	p->at = clock_us(p->clock);
	assert_true(p->at >= p->not_before);
	assert_false(timer_running(&p->t));
	if (p->again_ms != UINT64_MAX)
		timer_start(p->w, &p->t, p->again_ms, on_probe, p);
	if (p->kill)
		timer_stop(&p->kill->t);
}

static void probe_start(struct probe *p, struct wheel *w, uint64_t ms)
{
	p->w = w;
	p->clock = wheel_clock(w);
	p->again_ms = UINT64_MAX;
	p->not_before = clock_us(p->clock) + ms * 1000;
	timer_start(w, &p->t, ms, on_probe, p);
}

static void fires_once_and_never_early(void **state)
{
	static const uint64_t delays[] = { 0, 1, 2, 63, 64, 65, 100, 4095, 4096, 4097, 64000, 262144, 3600000,
		86400000, 31536000000ull };
	struct clock_fake c;
	struct wheel *w;

	(void)state;
	clock_fake_init(&c, 0);
	w = GOT(wheel_new(&c.c));
	for (size_t i = 0; i < ARRAY_LEN(delays); i++) {
		struct probe p = { 0 };

		clock_fake_add(&c, 777);
		probe_start(&p, w, delays[i]);
		assert_true(timer_running(&p.t));
		assert_int_equal(wheel_count(w), 1);
		clock_fake_add(&c, delays[i] ? delays[i] * 1000 - 1 : 0);
		wheel_run(w);
		if (delays[i])
			assert_int_equal(p.fired, 0);
		clock_fake_add(&c, 1001);
		wheel_run(w);
		assert_int_equal(p.fired, 1);
		clock_fake_add(&c, delays[i] * 2000 + 5000);
		wheel_run(w);
		assert_int_equal(p.fired, 1);
		assert_int_equal(wheel_count(w), 0);
		assert_int_equal(wheel_next_ms(w), UINT64_MAX);
	}
	wheel_free(w);
}

static void next_never_oversleeps(void **state)
{
	struct clock_fake c;
	struct wheel *w;
	struct probe p = { 0 };
	unsigned turns = 0;

	(void)state;
	clock_fake_init(&c, 0);
	c.mono = 123456789;
	w = GOT(wheel_new(&c.c));
	probe_start(&p, w, 64000);
	assert_int_equal(timer_left_ms(w, &p.t), 64000 + 1);
	while (!p.fired) {
		uint64_t n = wheel_next_ms(w);

		assert_true(n != UINT64_MAX);
		clock_fake_add(&c, n * 1000);
		wheel_run(w);
		assert_true(++turns < 10);
	}
	assert_true(p.at - p.not_before <= 1000);
	wheel_free(w);
}

static void stops_and_restarts_inside(void **state)
{
	struct clock_fake c;
	struct wheel *w;
	struct probe a = { 0 }, b = { 0 }, z = { 0 };

	(void)state;
	clock_fake_init(&c, 0);
	w = GOT(wheel_new(&c.c));
	probe_start(&a, w, 10);
	probe_start(&b, w, 10);
	a.kill = &b;                    /* both due in the same tick */
	clock_fake_add(&c, 10000);
	wheel_run(w);
	assert_int_equal(a.fired, 1);
	assert_int_equal(b.fired, 0);

	probe_start(&z, w, 0);          /* one that restarts itself for now must not spin */
	z.again_ms = 0;
	wheel_run(w);
	assert_true(z.fired >= 1 && z.fired <= 2);
	assert_int_equal(wheel_next_ms(w), 0);
	timer_stop(&z.t);
	assert_false(timer_running(&z.t));
	assert_int_equal(wheel_next_ms(w), UINT64_MAX);

	probe_start(&a, w, 5);
	a.kill = NULL;
	probe_start(&a, w, 50);         /* a second start moves it */
	clock_fake_add(&c, 6000);
	wheel_run(w);
	assert_int_equal(a.fired, 1);
	clock_fake_add(&c, 44000);
	wheel_run(w);
	assert_int_equal(a.fired, 2);
	wheel_free(w);
}

/* Against a plain list: any order of starts, stops and leaps of time. */
static void same_as_a_list(void **state)
{
	enum { N = 300 };
	static struct probe p[N];
	struct clock_fake c;
	struct wheel *w;
	uint64_t due[N] = { 0 };
	unsigned expect[N] = { 0 };
	unsigned seed = 1;

	(void)state;
	clock_fake_init(&c, 0);
	w = GOT(wheel_new(&c.c));
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = (unsigned)rand_r(&seed) % N, what = (unsigned)rand_r(&seed) % 4;

		if (what < 2) {
			unsigned shift = (unsigned)rand_r(&seed) % 20;
			uint64_t ms = (unsigned)rand_r(&seed) % (1u << shift);

			probe_start(&p[i], w, ms);
			due[i] = c.mono / 1000 + (c.mono % 1000 != 0) + ms;
		} else if (what == 2) {
			timer_stop(&p[i].t);
			due[i] = 0;
		} else {
			clock_fake_add(&c, (unsigned)rand_r(&seed) % (1u << (unsigned)rand_r(&seed) % 24));
			wheel_run(w);
			for (unsigned k = 0; k < N; k++) {
				if (due[k] && due[k] <= c.mono / 1000) {
					expect[k]++;
					due[k] = 0;
				}
				assert_int_equal(p[k].fired, expect[k]);
			}
		}
	}
	wheel_free(w);
}

/* Not earlier, at most 255 ms later, and two that are near each other at the same time. */
static void coarse_ones_fire_together(void **state)
{
	struct clock_fake c;
	struct wheel *w;
	uint64_t first, second;

	(void)state;
	clock_fake_init(&c, 0);
	w = GOT(wheel_new(&c.c));
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t now = clock_ms(&c.c), ms = timer_coarse_ms(w, 5000);

		assert_in_range(ms, 5000, 5255);
		assert_int_equal((now + ms) % 256, 0);
		clock_fake_add(&c, 7777);
	}
	first = clock_ms(&c.c) / 256 * 256 + 256 - clock_ms(&c.c);
	clock_fake_add(&c, first * 1000);
	first = clock_ms(&c.c) + timer_coarse_ms(w, 101);
	clock_fake_add(&c, 100000);
	second = clock_ms(&c.c) + timer_coarse_ms(w, 101);
	assert_int_equal(first, second);
	wheel_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_once_and_never_early), cmocka_unit_test(next_never_oversleeps),
		cmocka_unit_test(stops_and_restarts_inside), cmocka_unit_test(same_as_a_list),
		cmocka_unit_test(coarse_ones_fire_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
