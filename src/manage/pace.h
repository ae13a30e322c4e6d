/* manage/pace.h -- how managers and consoles share the core's time. All their work
 * is cut into steps (an action, a row of a list, an event for one session). Whoever
 * has work stands in one queue; its first gets a slice of steps, then the next, in
 * a circle. When a turn of the loop has given as much as it has for them, the rest
 * waits for the next turn, so that calls are served in between whatever is asked.
 * Threads: the loop's. */
#ifndef MANAGE_PACE_H
#define MANAGE_PACE_H

#include "base/list.h"
#include "net/loop.h"

#define PACE_TURN_US 5000       /* [us] of one turn for all of them together */
#define PACE_SLICE_US 500       /* [us] for one before the next has its slice */
#define PACE_TURN_STEPS 1024    /* the same in steps, for steps that cost others their time */
#define PACE_SLICE_STEPS 64

struct pace;                    /* obj */

/* Work without a fiber: `run` is called once its slice has come; it does steps
 * while pace_more() says so and adds itself again when there is more. The job is
 * the caller's; list_remove(&job->link) takes it out of the queue. */
struct pace_job {
	struct list link;
	void (*run)(void *arg);
	void *arg;
};

struct pace *pace_new(struct loop *l);
/* Nobody waits any more: all who stood in the queue go on at once. */
void pace_stop(struct pace *p);

/* On a fiber, before each step: returns when it may be done. Anything that is not
 * held may be gone then. Outside of fibers it returns at once. */
void pace_step(struct pace *p);
void pace_add(struct pace *p, struct pace_job *job);        /* nothing when it stands there already */
bool pace_more(struct pace *p);                             /* in `run`: one more step? */
/* This slice is over: the step set off work that others do in this turn. */
void pace_end_slice(struct pace *p);
size_t pace_waiting(const struct pace *p);

#endif
