/* base/num.h -- arithmetic on numbers that a peer, a file or a configuration gave.
 * Nothing here traps, wraps or depends on what the compiler makes of an overflow:
 * a divisor of 0 gives what the caller says, and what does not fit becomes the
 * largest number that does. Pure; any thread. */
#ifndef BASE_NUM_H
#define BASE_NUM_H

#include <stdint.h>

static inline uint64_t num_div(uint64_t a, uint64_t b, uint64_t otherwise) { return b ? a / b : otherwise; }
static inline uint64_t num_mod(uint64_t a, uint64_t b, uint64_t otherwise) { return b ? a % b : otherwise; }

static inline uint64_t num_add(uint64_t a, uint64_t b)
{
	uint64_t v;

	return __builtin_add_overflow(a, b, &v) ? UINT64_MAX : v;
}

static inline uint64_t num_mul(uint64_t a, uint64_t b)
{
	uint64_t v;

	return __builtin_mul_overflow(a, b, &v) ? UINT64_MAX : v;
}

/* 0 when b is larger: how long ago, how much is left. */
static inline uint64_t num_sub(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* a * b / c, rounded down; the product may need 128 bits. */
static inline uint64_t num_muldiv(uint64_t a, uint64_t b, uint64_t c, uint64_t otherwise)
{
	uint64_t v;
	__extension__ unsigned __int128 wide;

	if (!c)
		return otherwise;
	if (!__builtin_mul_overflow(a, b, &v))
		return v / c;
	wide = a;
	wide = wide * b / c;
	return wide > UINT64_MAX ? UINT64_MAX : (uint64_t)wide;
}

static inline uint64_t num_gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* ---- into narrower types */

static inline uint8_t num_u8(uint64_t v) { return v < UINT8_MAX ? (uint8_t)v : UINT8_MAX; }
static inline uint16_t num_u16(uint64_t v) { return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX; }
static inline uint32_t num_u32(uint64_t v) { return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX; }
static inline int num_int(uint64_t v) { return v < INT32_MAX ? (int)v : INT32_MAX; }
static inline int64_t num_clamp(int64_t v, int64_t lo, int64_t hi) { return v < lo ? lo : v > hi ? hi : v; }

/* ---- time */

static inline uint64_t num_ms_of_s(uint64_t s) { return num_mul(s, 1000); }
static inline uint64_t num_us_of_ms(uint64_t ms) { return num_mul(ms, 1000); }
/* A time given as "1.5": what is no number or below 0 is none. */
static inline uint64_t num_ms_of_seconds(double s)
{
	s *= 1000;
	if (!(s > 0))
		return 0;
	return s < 18446744073709549568.0 ? (uint64_t)s : UINT64_MAX;
}

#endif
