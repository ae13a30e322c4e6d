/* How managers and consoles share the core's time: by steps and by the clock. */
#include "manage/pace.h"
#include "base/fiber.h"
#include "base/obj.h"
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define WORKERS 100

struct world {
	struct clock_fake clock;
	struct loop *loop;
	struct pace *pace;
	unsigned step_us, wanted;
	unsigned done[WORKERS], total;
	uint64_t turn;
	unsigned in_turn, most;         /* steps of turn number `turn`; of the longest so far */
	struct pace_job jobs[WORKERS];
};

struct worker {
	struct world *w;
	unsigned i;
};

static void open_world(struct world *w)
{
	*w = (struct world){ 0 };
	clock_fake_init(&w->clock, 0);
	w->loop = GOT(loop_new(&w->clock.c));
	w->pace = pace_new(w->loop);
	assert_non_null(w->pace);
}

static void close_world(struct world *w)
{
	pace_stop(w->pace);
	obj_drop(w->pace);
	uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
	assert_int_equal(fiber_count(), 0);
	loop_free(w->loop);
}

static void a_step(struct world *w, unsigned i)
{
	clock_fake_add(&w->clock, w->step_us);
	w->done[i]++;
	w->total++;
	if (w->turn != loop_turns(w->loop))
		w->in_turn = 0;
	w->turn = loop_turns(w->loop);
	if (++w->in_turn > w->most)
		w->most = w->in_turn;
}

static void work(void *arg)
{
	struct worker *k = arg;

	while (k->w->done[k->i] < k->w->wanted) {
		pace_step(k->w->pace);
		a_step(k->w, k->i);
	}
	free(k);
}

static void start(struct world *w, unsigned workers)
{
	for (unsigned i = 0; i < workers; i++) {
		struct worker *k = malloc(sizeof(*k));

		*k = (struct worker){ w, i };
		fiber_wake(GOT(fiber_new(work, k, 0)));
	}
}

/* The longest turn in steps, until all is done. */
static unsigned run(struct world *w, unsigned all)
{
	for (unsigned i = 0; w->total < all && i < 100000; i++)
		uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
	assert_int_equal(w->total, all);
	return w->most;
}

static void bounded_by_steps(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	w.wanted = 200;
	start(&w, WORKERS);
	assert_in_range(run(&w, 200 * WORKERS), PACE_SLICE_STEPS, PACE_TURN_STEPS + PACE_SLICE_STEPS);
	close_world(&w);
}

static void bounded_by_time(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	w.wanted = 50;
	w.step_us = 200;
	start(&w, WORKERS);
	assert_in_range(run(&w, 50 * WORKERS), 10, PACE_TURN_US / 200 + PACE_SLICE_US / 200 + 1);
	close_world(&w);
	/* A step that takes longer than all that a turn has: one a turn. */
	open_world(&w);
	w.wanted = 3;
	w.step_us = 2 * PACE_TURN_US;
	start(&w, 10);
	assert_int_equal(run(&w, 30), 1);
	close_world(&w);
}

static void in_a_circle(void **state)
{
	struct world w;
	unsigned least = UINT_MAX, most = 0;

	(void)state;
	open_world(&w);
	w.wanted = 100000;
	w.step_us = 50;
	start(&w, WORKERS);
	while (w.total < 20000)
		uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
	for (unsigned i = 0; i < WORKERS; i++) {
		least = w.done[i] < least ? w.done[i] : least;
		most = w.done[i] > most ? w.done[i] : most;
	}
	assert_true(most - least <= PACE_SLICE_US / 50 + 1);
	w.wanted = 0;
	close_world(&w);
}

static void job(void *arg)
{
	struct world *w = arg;

	while (pace_more(w->pace))
		a_step(w, 0);
}

static void jobs_have_slices_too(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	for (unsigned i = 0; i < WORKERS; i++) {
		list_init(&w.jobs[i].link);
		w.jobs[i].run = job;
		w.jobs[i].arg = &w;
		pace_add(w.pace, &w.jobs[i]);
		pace_add(w.pace, &w.jobs[i]);
	}
	list_remove(&w.jobs[7].link);
	assert_int_equal(pace_waiting(w.pace), WORKERS - 1);
	assert_in_range(run(&w, (WORKERS - 1) * PACE_SLICE_STEPS), PACE_SLICE_STEPS, PACE_TURN_STEPS + PACE_SLICE_STEPS);
	assert_int_equal(pace_waiting(w.pace), 0);
	close_world(&w);
}

static void set_off(void *arg)
{
	struct worker *k = arg;

	for (unsigned i = 0; i < k->w->wanted; i++) {
		pace_step(k->w->pace);
		a_step(k->w, k->i);
		pace_end_slice(k->w->pace);
	}
	free(k);
}

/* A step that makes others work ends its slice, so that their time counts. */
static void ends_its_slice(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	w.wanted = 20;
	w.step_us = 1000;
	for (unsigned i = 0; i < 10; i++) {
		struct worker *k = malloc(sizeof(*k));
		struct fiber *f = fiber_new(set_off, k, 0);

		if (!f) {
			free(k);
			fail();
			return;
		}
		*k = (struct worker){ &w, i };
		fiber_wake(f);
	}
	assert_in_range(run(&w, 200), 1, PACE_TURN_US / 1000 + 1);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounded_by_steps), cmocka_unit_test(bounded_by_time), cmocka_unit_test(in_a_circle),
		cmocka_unit_test(jobs_have_slices_too), cmocka_unit_test(ends_its_slice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
