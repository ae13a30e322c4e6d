/* base/pulse.h -- what a thread that turns in a loop shows to whoever watches it from
 * another thread. Written with relaxed stores, a few a turn; a reader gets a hint that
 * may be a moment old. Threads: one writes, any reads. */
#ifndef BASE_PULSE_H
#define BASE_PULSE_H

#include "base/fiber.h"

/* POLL: it sleeps, or a callback of a socket runs. */
enum pulse_doing { PULSE_POLL, PULSE_BELL, PULSE_TIMER, PULSE_FIBER, PULSE_DEFERRED, PULSE_DOINGS };

struct pulse {
	_Atomic uint64_t turns;         /* that have ended */
	_Atomic uint64_t began_ms;      /* [ms] monotonic; 0: it sleeps, or only sockets had their turn so far */
	_Atomic uint32_t doing;         /* enum pulse_doing */
	struct fiber_view fiber;        /* the one that runs now */
};

static inline void pulse_doing(struct pulse *p, enum pulse_doing d)
{
	atomic_store_explicit(&p->doing, d, memory_order_relaxed);
}

static inline const char *pulse_doing_name(unsigned d)
{
	static const char *const names[PULSE_DOINGS] = { "a socket", "a bell", "a timer", "a fiber", "a deferred call" };

	return d < PULSE_DOINGS ? names[d] : "?";
}

#endif
