/* Packets that wait for their time (media/delay.h): order, loss, jitter, jumps of the sender's time, and no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "media/delay.h"

static struct delay *d;
static int64_t now, next_tick;
static struct { uint32_t number; int64_t at; } out[4000];
static size_t nout, missing, dropped;

static void make(const struct delay_prm *prm)
{
	d = delay_new(prm);
	assert_non_null(d);
	now = next_tick = 0;
	nout = missing = dropped = 0;
}

static void take(void)
{
	size_t n;
	uint8_t *p;

	switch (delay_get(d, now, 20, &p, &n)) {
	case DELAY_PACKET:
		assert_int_equal(n, sizeof(uint32_t));
		memcpy(&out[nout].number, p, n);
		out[nout++].at = now;
		memset(p, 0xee, n);
		break;
	case DELAY_MISSING:
		missing++;
		break;
	case DELAY_DROP:
		dropped++;
		break;
	default:
		break;
	}
}

/* As hook_delay.c has it: each 20 ms, and when a packet comes. */
static void until(int64_t t)
{
	for (; next_tick <= t; next_tick += 20) {
		now = next_tick;
		if (now >= delay_next(d))
			take();
	}
	now = t;
}

static bool put(uint32_t number, int64_t at)
{
	bool kept;

	until(at);
	kept = delay_put(d, (int64_t)number * 20, 20, now, (const uint8_t *)&number, sizeof(number));
	if (delay_next(d) - now < 20)
		take();
	return kept;
}

static void check_order(void)
{
	for (size_t i = 1; i < nout; i++) {
		assert_true(out[i].number > out[i - 1].number);
		assert_true(out[i].at >= out[i - 1].at);
	}
}

static void test_fixed(void **state)
{
	static const int late[] = { 0, 30, 5, 90, 60, 0, 45, 10 };

	(void)state;
	make(&(struct delay_prm){ .max_ms = 100 });
	for (uint32_t i = 0; i < 200; i++)
		assert_true(put(i, (int64_t)i * 20 + (i % 5 == 4 ? 15 : 0)));
	until(6000);
	assert_int_equal(nout, 200);
	check_order();
	for (size_t i = 0; i < nout; i++)
		assert_in_range(out[i].at - (int64_t)out[i].number * 20, 100, 120);
	delay_free(d);
	/* Those that overtake one another come in their order, at their time. */
	make(&(struct delay_prm){ .max_ms = 100 });
	for (int64_t t = 0; t < 8 * 20 + 200; t++)
		for (uint32_t i = 0; i < 8; i++)
			if ((int64_t)i * 20 + late[i] == t)
				assert_true(put(i, t));
	until(2000);
	assert_int_equal(nout, 8);
	check_order();
	delay_free(d);
}

static void test_fixed_loss(void **state)
{
	(void)state;
	make(&(struct delay_prm){ .max_ms = 60 });
	for (uint32_t i = 0; i < 50; i++)
		if (i % 10 != 5)
			put(i, (int64_t)i * 20);
	/* Too late: its time has passed. Twice the same. */
	assert_false(put(40, 985));
	assert_false(put(49, 985));
	until(1050 + 60);
	assert_int_equal(nout, 45);
	assert_true(missing >= 5);
	check_order();
	delay_free(d);
}

/* The sender's clock jumps: more than the threshold is a new time, less is a packet to be dropped. */
static void test_fixed_jump(void **state)
{
	(void)state;
	make(&(struct delay_prm){ .max_ms = 100, .resync_ms = 500 });
	for (uint32_t i = 0; i < 20; i++)
		put(i, (int64_t)i * 20);
	assert_false(put(8, 400));
	assert_true(put(100020, 400));
	assert_true(put(100021, 420));
	until(2000);
	assert_int_equal(nout, 22);
	assert_in_range(out[21].at, 500, 560);
	/* Empty: whatever comes begins anew. */
	assert_true(put(3, 2000));
	until(2120);
	assert_int_equal(nout, 23);
	delay_free(d);
}

/* It is as long as the jitter, and grows and shrinks with it. */
static void test_adaptive(void **state)
{
	uint32_t seed = 7;
	int64_t calm, rough, at = 0;

	(void)state;
	make(&(struct delay_prm){ .adaptive = true, .max_ms = 200, .extra_ms = 40 });
	for (uint32_t i = 0; i < 500; i++)
		put(i, (int64_t)i * 20);
	calm = out[nout - 1].at - (int64_t)out[nout - 1].number * 20;
	assert_in_range(calm, 20, 60);
	assert_int_equal(nout + delay_count(d), 500);
	for (uint32_t i = 500; i < 1500; i++) {
		int64_t t = (int64_t)i * 20 + (seed >> 16) % 100;

		seed = seed * 1103515245 + 12345;
		at = t > at ? t : at;
		put(i, at);
	}
	rough = out[nout - 1].at - (int64_t)out[nout - 1].number * 20;
	assert_in_range(rough, calm + 50, 200);
	for (uint32_t i = 1500; i < 3500; i++)
		put(i, (int64_t)i * 20 > at ? (int64_t)i * 20 : at);
	check_order();
	assert_true(out[nout - 1].at - (int64_t)out[nout - 1].number * 20 < rough);
	assert_true(nout > 3400);
	delay_free(d);
}

/* Three packets that are far off are dropped, a fourth is a new time. Silence ends what waits for more. */
static void test_adaptive_jump(void **state)
{
	(void)state;
	make(&(struct delay_prm){ .adaptive = true, .extra_ms = -1 });
	for (uint32_t i = 0; i < 50; i++)
		put(i, (int64_t)i * 20);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(put(100000 + i, (int64_t)(50 + i) * 20), i >= 3);
	until(3000);
	assert_int_equal(out[nout - 1].number, 100019);
	assert_in_range(missing, 1, 25);
	missing = 0;
	until(10000);
	assert_int_equal(missing, 0);
	delay_free(d);
}

/* More than there is room for, packets too long, lengths that are none. */
static void test_limits(void **state)
{
	static const uint8_t big[DELAY_BYTES + 1];
	size_t n;
	uint8_t *p;

	(void)state;
	make(&(struct delay_prm){ .max_ms = UINT32_MAX, .resync_ms = UINT32_MAX });
	for (uint32_t i = 0; i < 2000; i++)
		put(i, 0);
	assert_in_range(delay_count(d), 20, 300);
	assert_false(delay_put(d, 0, 20, 0, big, sizeof(big)));
	assert_false(delay_put(d, 0, 1, 0, big, 10));
	delay_empty(d);
	assert_int_equal(delay_count(d), 0);
	assert_int_equal(delay_get(d, 1000000, 20, &p, &n), DELAY_NONE);
	delay_free(d);
	make(&(struct delay_prm){ .adaptive = true, .max_ms = 100, .extra_ms = INT32_MIN });
	for (uint32_t i = 0; i < 2000; i++)
		put(i, (int64_t)i);
	until(100000);
	delay_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed), cmocka_unit_test(test_fixed_loss), cmocka_unit_test(test_fixed_jump),
		cmocka_unit_test(test_adaptive), cmocka_unit_test(test_adaptive_jump), cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
