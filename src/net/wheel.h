/* net/wheel.h -- many timers, cheap to start and stop: a hierarchical wheel
 * with ticks of 1 ms. Time comes from the clock object, so a test that moves a
 * fake clock and calls wheel_run() sees a 64 s timer fire at once.
 * Threads: the owner's. */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include "base/clock.h"
#include "base/list.h"
#include <stdbool.h>

struct wheel;
typedef void timer_fn(void *arg);

struct timer {          /* lives inside its owner; zeroed is stopped */
	struct list link;
	uint64_t due;   /* [ms] on the wheel's clock */
	timer_fn *fn;
	void *arg;
};

struct wheel *wheel_new(const struct clock *clock);
void wheel_free(struct wheel *w);            /* timers still running are forgotten */
const struct clock *wheel_clock(const struct wheel *w);
/* (Re)start. It fires once, from wheel_run(), never before `delay_ms`; a timer
 * may be started or stopped from any timer's function, itself included. */
void timer_start(struct wheel *w, struct timer *t, uint64_t delay_ms, timer_fn *fn, void *arg);
void timer_stop(struct timer *t);
/* `delay_ms`, or up to 255 more, so that a timer fires together with others: for what has a least
 * time only, so that a busy server does not wake up for each. */
#ifdef SIDETONE_SMALL
static inline uint64_t timer_coarse_ms(const struct wheel *w, uint64_t delay_ms)
{
	(void)w;
	return delay_ms;
}
#else
uint64_t timer_coarse_ms(const struct wheel *w, uint64_t delay_ms);
#endif
static inline bool timer_running(const struct timer *t) { return list_linked(&t->link); }
uint64_t timer_left_ms(const struct wheel *w, const struct timer *t);
/* Fire all that are due. */
void wheel_run(struct wheel *w);
/* [ms] until the next may be due; UINT64_MAX: none. */
uint64_t wheel_next_ms(const struct wheel *w);
/* For whoever sleeps elsewhere: `fn` is told in how many ms wheel_run() is due, at the end of
 * each run and whenever a timer is started that is due before what was told; UINT64_MAX: no timer. */
typedef void wheel_wake_fn(void *arg, uint64_t ms);
void wheel_tell(struct wheel *w, wheel_wake_fn *fn, void *arg);
size_t wheel_count(const struct wheel *w);

#endif
