/* For test_gdb.py: fibers that sleep, and nothing else. It is built optimised and
 * without sanitizers, because a core dump of a program with these has terabytes. */
#include "base/fiber.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct sleeper {
	struct str name;
	int depth;
	volatile int left;      /* keeps the compiler from making a loop of the recursion */
};

__attribute__((noinline)) static void sleep_below(struct sleeper *s, int depth)
{
	if (depth)
		sleep_below(s, depth - 1);
	else
		fiber_wait();
	s->left--;
}

static void sleep_long(void *arg)
{
	struct sleeper *s = arg;

	fiber_set_name(fiber_self(), &s->name, 1);
	sleep_below(s, s->depth);
}

static void never(void *arg)
{
	(void)arg;
}

int main(void)
{
	static struct sleeper sleepers[] = { { STR_INIT("first"), 0, 0 }, { STR_INIT("second"), 3, 0 } };

	for (size_t i = 0; i < ARRAY_LEN(sleepers); i++)
		fiber_wake(fiber_new(sleep_long, &sleepers[i], 0));
	fiber_run_ready();
	/* Two that have ended are not to be seen; this one has not begun. */
	for (int i = 0; i < 2; i++)
		fiber_wake(fiber_new(never, NULL, 0));
	fiber_run_ready();
	fiber_wake(fiber_new(never, NULL, 0));
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
