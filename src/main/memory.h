/* main/memory.h -- free memory goes back to the system. Threads: core. */
#ifndef MAIN_MEMORY_H
#define MAIN_MEMORY_H

#include "net/wheel.h"

/* Before any other thread allocates. */
void memory_keep_together(unsigned io_threads);

struct memory_watch {
	struct wheel *wheel;
	struct timer timer;
};
void memory_watch_start(struct memory_watch *w, struct wheel *wheel);
void memory_watch_stop(struct memory_watch *w);

#endif
