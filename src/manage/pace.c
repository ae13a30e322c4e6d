/* The queue in which managers and consoles take turns. client.c bounds what waits
 * to be sent; this bounds what is done. */
#include "manage/pace.h"
#include "base/fiber.h"
#include "base/obj.h"
#include <stdlib.h>

struct pace {
	struct loop *loop;
	const struct clock *clock;
	struct list queue;              /* struct pace_job */
	const void *holder;             /* who has the slice: a fiber or a job; compared, never followed */
	uint64_t turn;                  /* loop_turns() when the slice was given */
	uint64_t turn_end_us, slice_end_us;
	unsigned turn_steps, slice_steps;
	bool due;                       /* give_slice() is on its way */
	bool stopped;
};

struct waiter {
	struct pace_job job;
	struct fiber *fiber;
	bool granted;
};

static void give_slice(void *arg);

struct pace *pace_new(struct loop *l)
{
	struct pace *p = obj_new(sizeof(*p), NULL);

	if (!p)
		return NULL;
	p->loop = l;
	p->clock = loop_clock(l);
	p->turn = UINT64_MAX;
	list_init(&p->queue);
	return p;
}

static struct pace_job *pop_job(struct pace *p)
{
	struct pace_job *j = container_of(p->queue.next, struct pace_job, link);

	list_remove(&j->link);
	return j;
}

void pace_stop(struct pace *p)
{
	p->stopped = true;
	while (!list_empty(&p->queue)) {
		struct pace_job *j = pop_job(p);

		j->run(j->arg);
	}
}

/* A deferred call comes after the fibers that run now, so after the slice that was
 * given before; that is how its length is known whatever its fiber went on to do. */
static void schedule_slice(struct pace *p, bool next_turn)
{
	if (p->due || list_empty(&p->queue))
		return;
	if (next_turn ? loop_next_turn(p->loop, give_slice, p) : loop_defer(p->loop, give_slice, p)) {
		struct pace_job *j = pop_job(p);    /* no memory: better too early than never */

		j->run(j->arg);
		return;
	}
	p->due = true;
	obj_hold(p);
}

static bool turn_is_full(const struct pace *p, uint64_t now)
{
	return p->turn_steps >= PACE_TURN_STEPS || now >= p->turn_end_us;
}

static void give_slice(void *arg)
{
	struct pace *p = arg;
	uint64_t now = clock_us(p->clock);

	p->due = false;
	p->holder = NULL;
	if (p->turn != loop_turns(p->loop)) {
		p->turn = loop_turns(p->loop);
		p->turn_end_us = now + PACE_TURN_US;
		p->turn_steps = 0;
	}
	if (turn_is_full(p, now)) {
		schedule_slice(p, true);
	} else if (!list_empty(&p->queue)) {
		struct pace_job *j = pop_job(p);

		p->holder = j;
		p->slice_steps = 0;
		p->slice_end_us = now + PACE_SLICE_US;
		j->run(j->arg);
		schedule_slice(p, false);
	}
	obj_drop(p);
}

bool pace_more(struct pace *p)
{
	if (p->stopped)
		return true;
	if (!p->holder || p->turn != loop_turns(p->loop) || p->slice_steps >= PACE_SLICE_STEPS ||
	    (p->slice_steps && clock_us(p->clock) >= p->slice_end_us))
		return false;
	p->slice_steps++;
	p->turn_steps++;
	return true;
}

void pace_add(struct pace *p, struct pace_job *job)
{
	if (list_linked(&job->link))
		return;
	list_append(&p->queue, &job->link);
	schedule_slice(p, false);
}

void pace_end_slice(struct pace *p)
{
	p->holder = NULL;
}

static void wake_waiter(void *arg)
{
	struct waiter *w = arg;

	w->granted = true;
	fiber_wake(w->fiber);
}

void pace_step(struct pace *p)
{
	struct waiter w = { .job = { .run = wake_waiter, .arg = &w }, .fiber = fiber_self() };

	if (!w.fiber || p->stopped || (p->holder == w.fiber && pace_more(p)))
		return;
	list_init(&w.job.link);
	obj_hold(p);
	pace_add(p, &w.job);
	while (!w.granted)
		fiber_wait();
	p->holder = w.fiber;
	pace_more(p);
	obj_drop(p);
}

size_t pace_waiting(const struct pace *p)
{
	size_t n = 0;

	list_each(l, &p->queue)
		n++;
	return n;
}
