/* Gives memory back to the system that a flood took and nobody uses any more. glibc
 * does so by itself only for what lies at the end of its heap. */
#include "main/memory.h"
#include "base/fiber.h"
#include <malloc.h>
#include <stddef.h>

#define LOOK_MS 5000
#define WORTH (256u << 10)      /* [bytes] free: less is not worth the page faults when it is needed again */
#define WORTH_PART 20           /* ... nor is less than this part of what is in use */

static size_t unused(void)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
	struct mallinfo2 m = mallinfo2();

	return m.fordblks > m.uordblks / WORTH_PART ? m.fordblks : 0;
#else
	return WORTH;
#endif
}

static void look(void *arg)
{
	struct memory_watch *w = arg;

	fiber_trim();
	if (unused() >= WORTH)
		malloc_trim(WORTH / 4);
	timer_start(w->wheel, &w->timer, LOOK_MS, look, w);
}

/* glibc would give each thread a heap of its own, of which each keeps pages that only it
 * can fill. Besides the core only io threads allocate all the time. */
void memory_keep_together(unsigned io_threads)
{
	mallopt(M_ARENA_MAX, 1 + (int)io_threads);
}

void memory_watch_start(struct memory_watch *w, struct wheel *wheel)
{
	w->wheel = wheel;
	timer_start(wheel, &w->timer, LOOK_MS, look, w);
}

void memory_watch_stop(struct memory_watch *w)
{
	timer_stop(&w->timer);
}
