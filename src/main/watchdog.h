/* main/watchdog.h -- a thread that looks whether the others still turn. A turn over
 * warn_ms is logged while it lasts, with what it does; one over abort_ms ends the
 * process with a dump, so that a supervisor can start it anew.
 * Threads: each function says; watchdog_start() on the core's. */
#ifndef MAIN_WATCHDOG_H
#define MAIN_WATCHDOG_H

#include "base/buf.h"
#include "base/pulse.h"
#include "media/media.h"
#include <pthread.h>

struct watchdog;

struct watchdog_prm {
	const struct pulse *core;
	void (*poke)(void *arg);        /* makes an idle core turn once; any thread */
	void *poke_arg;
	const struct media *media;      /* NULL: none */
	uint32_t warn_ms, abort_ms;     /* 0: never */
	/* What else is known, for the dump: on the thread that aborts, in a signal handler. */
	void (*dump)(void *arg, int fd);
	void *dump_arg;
};

/* The calling thread is the core. NULL with 0: neither limit is set. Errors of threads. */
int watchdog_start(struct watchdog **out, const struct watchdog_prm *prm);
void watchdog_stop(struct watchdog *w);      /* NULL is fine */

/* What the core was seen doing in its turn number `turn`: "in a fiber, 'reload'"; nothing
 * when nobody looked. Any thread. */
void watchdog_saw(struct watchdog *w, uint64_t turn, struct buf *out);
struct watchdog_thread {
	char name[16];          /* "core", "media 0" */
	uint64_t turns, slow, longest_ms;       /* slow: turns seen over warn_ms; longest of those seen */
};
/* Thread number `i`, the core first. False: there is none. Any thread. */
bool watchdog_thread(struct watchdog *w, size_t i, struct watchdog_thread *out);

/* watchdog_start() in its parts, for tests: without a thread, and one look at time `now`. */
int watchdog_new(struct watchdog **out, const struct watchdog_prm *prm);
void watchdog_look(struct watchdog *w, uint64_t now_ms);

#endif
