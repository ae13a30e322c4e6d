/* base/clock.h -- time as an object. The program passes clock_real(); tests
 * pass one they move by hand. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	uint64_t (*mono_us)(const struct clock *c);  /* [us] never goes back */
	int64_t (*wall_us)(const struct clock *c);   /* [us] since 1970 UTC */
};

struct clock_fake {
	struct clock c;                              /* pass &fake.c */
	uint64_t mono;                               /* [us] the test moves these */
	int64_t wall;
};

const struct clock *clock_real(void);
void clock_fake_init(struct clock_fake *f, int64_t wall_s);
static inline void clock_fake_add(struct clock_fake *f, uint64_t us)
{
	f->mono += us;
	f->wall += (int64_t)us;
}
static inline uint64_t clock_us(const struct clock *c) { return c->mono_us(c); }
static inline uint64_t clock_ms(const struct clock *c) { return c->mono_us(c) / 1000; }
static inline int64_t clock_wall_us(const struct clock *c) { return c->wall_us(c); }
static inline int64_t clock_wall_s(const struct clock *c) { return c->wall_us(c) / 1000000; }

#endif
