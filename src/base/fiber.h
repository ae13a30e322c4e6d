/* base/fiber.h -- sequential code that blocks itself and not its thread.
 * A fiber has a small stack with a guard page (ucontext). It runs until it
 * calls fiber_wait() or ends; whoever resumed it then goes on. Stacks are
 * pooled. Threads: a fiber belongs to the thread that made it. */
#ifndef BASE_FIBER_H
#define BASE_FIBER_H

#include "base/str.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct fiber;
typedef void fiber_fn(void *arg);

/* Runs `fn(arg)` once fiber_wake() was called. `stack`
 * [bytes], 0: FIBER_STACK. NULL: ENOMEM. The fiber frees itself at its end. */
#define FIBER_STACK (64 * 1024)
/* Give the stacks kept for reuse back to the system. */
void fiber_trim(void);
struct fiber *fiber_new(fiber_fn *fn, void *arg, size_t stack);

struct fiber *fiber_self(void);      /* NULL outside any fiber */

/* Give the thread back until fiber_wake(). Only inside a fiber. A wake that
 * came while it ran makes the next wait return at once. */
void fiber_wait(void);

/* Let it go on, soon: it is queued, and runs when the loop comes to
 * fiber_run_ready(). Never runs anything itself, so no caller is re-entered.
 * Safe to repeat; a wake that arrives early is remembered, so always wait in a
 * loop on a condition. */
void fiber_wake(struct fiber *f);

/* What it is busy with ("PJSIP/alice-00000001: Dial"), for reports of turns that take
 * too long: `n` words joined and cut to fit. NULL: nothing happens. */
#define FIBER_NAME 64           /* [bytes] with the 0 */
void fiber_set_name(struct fiber *f, const struct str *words, size_t n);
/* Where a thread shows the name of the fiber that it runs; another thread may look at
 * any time and may see half of an old name and half of a new one. */
struct fiber_view {
	_Atomic uint64_t word[FIBER_NAME / 8];
};
void fiber_publish(struct fiber_view *v);    /* of this thread, from now on; NULL: no longer */
/* Any thread. Empty: no fiber runs. */
void fiber_view_read(const struct fiber_view *v, char name[FIBER_NAME]);

size_t fiber_count(void);            /* alive on this thread */
/* Run all that are awake, until none is, or those left only keep waking
 * themselves. net/loop calls it before it sleeps. */
void fiber_run_ready(void);
bool fiber_ready(void);

#endif
