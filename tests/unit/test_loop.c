/* The loop's turn: what runs when, and in which order. */
#include "net/loop.h"
#include "base/fiber.h"
#include "base/str.h"
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <cmocka.h>

struct world {
	struct loop *loop;
	struct timer t;
	char order[64];
	size_t n;
	unsigned count, want;
	atomic_uint made;
	struct bell *bell;
	int slept;
	struct fiber *fiber;
	pthread_t self;
};

static void note(struct world *w, char c)
{
	if (w->n < sizeof(w->order) - 1)
		w->order[w->n++] = c;
}

static void world_init(struct world *w)
{
	*w = (struct world){ .loop = GOT(loop_new(clock_real())), .self = pthread_self() };
	assert_non_null(w->loop);
}

static void on_deferred(void *arg)
{
	struct world *w = arg;

	note(w, 'd');
	loop_stop(w->loop);
}

static void fiber_body(void *arg)
{
	note(arg, 'f');
}

static void on_timer(void *arg)
{
	struct world *w = arg;

	note(w, 't');
	assert_int_equal(loop_defer(w->loop, on_deferred, w), 0);
	fiber_wake(GOT(fiber_new(fiber_body, w, 0)));
}

static void order_of_a_turn(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	timer_start(loop_wheel(w.loop), &w.t, 5, on_timer, &w);
	loop_run(w.loop);
	assert_string_equal(w.order, "tfd");
	loop_free(w.loop);
}

static void on_post(void *arg)
{
	struct world *w = arg;

	assert_true(pthread_equal(pthread_self(), w->self));
	if (++w->count == w->want)
		loop_stop(w->loop);
}

static void *poster(void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(loop_post(w->loop, on_post, w), 0);
	return NULL;
}

static void posts_from_threads(void **state)
{
	struct world w;
	pthread_t t[2];

	(void)state;
	world_init(&w);
	w.want = 2000;
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, poster, &w);
	loop_run(w.loop);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(w.count, 2000);
	loop_free(w.loop);
}

/* No wake may be lost, however the two threads interleave. */
static void on_bell(void *arg)
{
	struct world *w = arg;

	w->count = atomic_load(&w->made);
	if (w->count == w->want)
		loop_stop(w->loop);
}

static void *ringer(void *arg)
{
	struct world *w = arg;

	for (unsigned i = 0; i < w->want; i++) {
		atomic_fetch_add(&w->made, 1);
		bell_ring(w->bell);
	}
	return NULL;
}

static void bell_loses_nothing(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct world w;
		pthread_t t;

		world_init(&w);
		w.want = 2000;
		w.bell = GOT(bell_new(w.loop, on_bell, &w));
		pthread_create(&t, NULL, ringer, &w);
		loop_run(w.loop);
		pthread_join(t, NULL);
		bell_free(w.bell);
		loop_free(w.loop);
	}
}

static void sleeper(void *arg)
{
	struct world *w = arg;
	uint64_t from = clock_us(clock_real());

	assert_int_equal(fiber_sleep(loop_wheel(w->loop), 20), 0);
	assert_true(clock_us(clock_real()) - from >= 20000);
	assert_int_equal(fiber_sleep(loop_wheel(w->loop), 0), 0);
	w->slept = fiber_sleep(loop_wheel(w->loop), 3600000);
	assert_int_equal(wheel_count(loop_wheel(w->loop)), 0);
	loop_stop(w->loop);
}

static void wake_it(void *arg)
{
	struct world *w = arg;

	fiber_wake(w->fiber);
}

static void fibers_sleep(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.fiber = GOT(fiber_new(sleeper, &w, 0));
	fiber_wake(w.fiber);
	timer_start(loop_wheel(w.loop), &w.t, 60, wake_it, &w);
	loop_run(w.loop);
	assert_int_equal(w.slept, EINTR);
	assert_int_equal(fiber_count(), 0);
	loop_free(w.loop);
}

/* A fiber that always has more to do leaves sockets and timers their turns. */
static void greedy(void *arg)
{
	struct world *w = arg;

	while (!w->count)
		fiber_sleep(loop_wheel(w->loop), 0);
	loop_stop(w->loop);
}

static void count_up(void *arg)
{
	((struct world *)arg)->count = 1;
}

static void work_runs_elsewhere(void *arg)
{
	struct world *w = arg;

	assert_false(pthread_equal(pthread_self(), w->self));
	atomic_store(&w->made, 7);
}

static void yielding_and_work(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	fiber_wake(GOT(fiber_new(greedy, &w, 0)));
	assert_int_equal(loop_work(w.loop, work_runs_elsewhere, count_up, &w), 0);
	loop_run(w.loop);
	assert_int_equal(atomic_load(&w.made), 7);
	assert_int_equal(w.count, 1);
	loop_free(w.loop);
}

static void busy(void *arg)
{
	struct world *w = arg;
	uint64_t from = clock_us(clock_real());

	while (clock_us(clock_real()) - from < 30000)
		;
	timer_start(loop_wheel(w->loop), &w->t, 1, on_deferred, w);
}

static void longest_turn(void **state)
{
	struct world w;
	uint64_t us;

	(void)state;
	world_init(&w);
	timer_start(loop_wheel(w.loop), &w.t, 50, busy, &w);
	loop_run(w.loop);
	us = loop_longest_us(w.loop);
	assert_true(us >= 30000);
	assert_int_equal(loop_longest_us(w.loop), 0);
	loop_free(w.loop);
}

/* ---- what a watcher sees ---------------------------------------------- */

struct watched {
	struct clock_fake clock;
	struct loop *loop;
	struct timer t;
	uint64_t slow_ms, slow_calls;
	unsigned doing;
	char fiber[FIBER_NAME], after[FIBER_NAME];
	uint64_t began_ms;
};

static void on_slow(void *arg, uint64_t ms)
{
	struct watched *w = arg;

	w->slow_ms = ms;
	w->slow_calls++;
}

static void named_fiber(void *arg)
{
	struct watched *w = arg;
	const struct pulse *p = loop_pulse(w->loop);

	fiber_set_name(fiber_self(), (const struct str[]){ STR("PJSIP/alice-1: "), STR("Dial") }, 2);
	fiber_view_read(&p->fiber, w->fiber);
	w->doing = atomic_load(&p->doing);
	w->began_ms = atomic_load(&p->began_ms);
}

/* The turn is long by the loop's clock, which nobody sleeps for. */
static void on_long(void *arg)
{
	struct watched *w = arg;

	clock_fake_add(&w->clock, 300000);
	fiber_wake(fiber_new(named_fiber, w, 0));
}

static void tells_long_turns(void **state)
{
	struct watched w = { 0 };
	struct loop_health h;

	(void)state;
	clock_fake_init(&w.clock, 0);
	w.loop = GOT(loop_new(&w.clock.c));
	loop_on_slow(w.loop, 250, on_slow, &w);
	fiber_publish((struct fiber_view *)(size_t)&loop_pulse(w.loop)->fiber);
	uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
	assert_int_equal(w.slow_calls, 0);
	timer_start(loop_wheel(w.loop), &w.t, 0, on_long, &w);
	uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
	uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
	fiber_view_read(&loop_pulse(w.loop)->fiber, w.after);
	fiber_publish(NULL);
	assert_int_equal(w.slow_calls, 1);
	assert_int_equal(w.slow_ms, 300);
	assert_string_equal(w.fiber, "PJSIP/alice-1: Dial");
	assert_string_equal(w.after, "");
	assert_int_equal(w.doing, PULSE_FIBER);
	assert_int_equal(w.began_ms, clock_ms(&w.clock.c) - 300);
	loop_health(w.loop, &h);
	assert_int_equal(h.over_50, 1);
	assert_int_equal(h.over_warn, 1);
	assert_int_equal(h.longest_ms, 300);
	assert_int_equal(h.recent_ms, 300);
	assert_int_equal(h.turns, atomic_load(&loop_pulse(w.loop)->turns));
	loop_health(w.loop, &h);
	assert_int_equal(h.longest_ms, 300);
	assert_int_equal(h.recent_ms, 0);
	loop_free(w.loop);
}

/* ---- work for the next turn ------------------------------------------- */

struct pieces {
	struct loop *loop;
	uint64_t turn[5];
	unsigned n;
};

static void piece(void *arg)
{
	struct pieces *p = arg;

	p->turn[p->n++] = loop_turns(p->loop);
	if (p->n < 5)
		assert_int_equal(loop_next_turn(p->loop, piece, p), 0);
	else
		loop_stop(p->loop);
}

/* Each piece in a turn of its own, without a sleep between them. */
static void work_in_pieces(void **state)
{
	struct pieces p = { .loop = GOT(loop_new(clock_real())) };

	(void)state;
	assert_int_equal(loop_defer(p.loop, piece, &p), 0);
	loop_run(p.loop);
	assert_int_equal(p.n, 5);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(p.turn[i], p.turn[i - 1] + 1);
	loop_free(p.loop);
	/* What is left over is run when the loop goes. */
	p = (struct pieces){ .loop = GOT(loop_new(clock_real())), .n = 4 };
	assert_int_equal(loop_next_turn(p.loop, piece, &p), 0);
	loop_free(p.loop);
	assert_int_equal(p.n, 5);
}

static void set_true(void *arg)
{
	*(bool *)arg = true;
}

/* What was posted is run all the same: its argument may own something. */
static void stop_before_run(void **state)
{
	struct world w;
	bool ran = false;

	(void)state;
	world_init(&w);
	assert_int_equal(loop_post(w.loop, set_true, &ran), 0);
	loop_stop(w.loop);
	loop_run(w.loop);
	assert_true(ran);
	loop_free(w.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_of_a_turn), cmocka_unit_test(posts_from_threads),
		cmocka_unit_test(bell_loses_nothing), cmocka_unit_test(fibers_sleep),
		cmocka_unit_test(yielding_and_work), cmocka_unit_test(longest_turn),
		cmocka_unit_test(stop_before_run), cmocka_unit_test(tells_long_turns), cmocka_unit_test(work_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
