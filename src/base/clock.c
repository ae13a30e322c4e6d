/* The two clocks: the machine's, and one that a test moves by hand. */
#include "base/clock.h"
#include <time.h>

static uint64_t real_mono(const struct clock *c)
{
	struct timespec t;

	(void)c;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static int64_t real_wall(const struct clock *c)
{
	struct timespec t;

	(void)c;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const struct clock *clock_real(void)
{
	static const struct clock real = { real_mono, real_wall };

	return &real;
}

static uint64_t fake_mono(const struct clock *c)
{
	return ((const struct clock_fake *)c)->mono;
}

static int64_t fake_wall(const struct clock *c)
{
	return ((const struct clock_fake *)c)->wall;
}

void clock_fake_init(struct clock_fake *f, int64_t wall_s)
{
	*f = (struct clock_fake){ { fake_mono, fake_wall }, 1000000, wall_s * 1000000 };
}
