/* net/loop.h -- a thread's libuv loop with its timer wheel and its fibers.
 * Each turn: poll, callbacks, timers of the wheel, then every awake fiber, then
 * deferred calls. Threads: the loop's own, but for loop_post() and loop_stop(). */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/pulse.h"
#include "net/wheel.h"
#include <uv.h>

struct loop;
typedef void loop_fn(void *arg);

struct loop *loop_new(const struct clock *clock);
void loop_free(struct loop *l);              /* closes what it opened; run it down first */
uv_loop_t *loop_uv(struct loop *l);
struct wheel *loop_wheel(struct loop *l);
const struct clock *loop_clock(const struct loop *l);
void loop_run(struct loop *l);               /* until loop_stop(); what was posted before it is run first */
void loop_stop(struct loop *l);              /* any thread */
/* For a loop that somebody else's turns: uv_run(loop_uv(l), UV_RUN_NOWAIT) is wanted in so many ms, or when
 * uv_backend_fd() is readable; UINT64_MAX: then alone. To be asked before each sleep. */
uint64_t loop_left_ms(struct loop *l);
/* Run fn(arg) on the loop's thread, soon, in order. Any thread. ENOMEM. For
 * what is rare; rates above a few hundred a second go through a ring. */
int loop_post(struct loop *l, loop_fn *fn, void *arg);
/* Run fn(arg) at the end of this turn (deferred frees). Loop's thread. */
int loop_defer(struct loop *l, loop_fn *fn, void *arg);
/* The same with the caller's memory, for what must happen: cannot fail. `c` lives
 * until fn is called and is not given again before; its fields are the loop's. */
struct loop_call {
	struct loop_call *next;
	loop_fn *fn;
	void *arg;
	bool allocated;
};
void loop_defer_call(struct loop *l, struct loop_call *c, loop_fn *fn, void *arg);
void loop_post_call(struct loop *l, struct loop_call *c, loop_fn *fn, void *arg);    /* any thread */
/* Run fn(arg) in the next turn, after the sockets had theirs; the loop does not
 * sleep before it. For work that is cut into pieces. Loop's thread. ENOMEM. */
int loop_next_turn(struct loop *l, loop_fn *fn, void *arg);
uint64_t loop_turns(const struct loop *l);   /* how many have ended: the same number in one turn */
/* Run `work(arg)` on a libuv pool thread, then `done(arg)` on this one. */
int loop_work(struct loop *l, loop_fn *work, loop_fn *done, void *arg);
/* Longest turn since the last call [us, to 1 ms]: the metric "never freezes". */
uint64_t loop_longest_us(struct loop *l);

/* How long turns took, on the loop's thread. */
#define LOOP_LONG_MS 50         /* no turn should be longer */
struct loop_health {
	uint64_t turns, over_50, over_warn;     /* turns that took longer */
	uint64_t longest_ms, recent_ms; /* ever; since the last loop_health() */
	uint32_t warn_ms;
};
void loop_health(struct loop *l, struct loop_health *h);
/* `fn` is called at the end of each turn that took `warn_ms` or more [ms]; 0: none. */
typedef void loop_slow_fn(void *arg, uint64_t ms);
void loop_on_slow(struct loop *l, uint32_t warn_ms, loop_slow_fn *fn, void *arg);
/* For a watcher on another thread; lives as long as the loop. */
const struct pulse *loop_pulse(const struct loop *l);
void loop_poke(struct loop *l);              /* any thread: one turn, if it is able to */

/* Only inside a fiber of this loop: sleep `ms`, or until someone wakes the
 * fiber, whichever comes first; 0 when the time passed, EINTR when woken. */
int fiber_sleep(struct wheel *w, uint64_t ms);

/* A consumer for a ring fed by another thread: wakes `fn` on the loop's thread
 * after ring_bell_ring() was called. Many rings before a wake cost one write. */
struct bell;
struct bell *bell_new(struct loop *l, loop_fn *fn, void *arg);
void bell_ring(struct bell *b);              /* any thread */
/* As bell_ring(), but a sleeping loop sleeps on: `fn` runs when it wakes for
 * something else. For what may wait, such as memory to free. Any thread. */
void bell_mark(struct bell *b);
void bell_free(struct bell *b);

#endif
