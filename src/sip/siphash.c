/* SipHash-2-4 as its authors wrote it down, for 128 bits of output. */
#include "sip/siphash.h"
#include <string.h>

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t rotl(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

static inline void rounds(struct state *s, unsigned n)
{
	while (n--) {
		s->a += s->b; s->b = rotl(s->b, 13) ^ s->a; s->a = rotl(s->a, 32);
		s->c += s->d; s->d = rotl(s->d, 16) ^ s->c;
		s->a += s->d; s->d = rotl(s->d, 21) ^ s->a;
		s->c += s->b; s->b = rotl(s->b, 17) ^ s->c; s->c = rotl(s->c, 32);
	}
}

/* Little endian, whatever the machine. */
static inline uint64_t load_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static inline void store_le(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void absorb_word(struct state *s, uint64_t m)
{
	s->d ^= m;
	rounds(s, 2);
	s->a ^= m;
}

void siphash128(const uint8_t key[16], const void *data, size_t n, uint8_t out[16])
{
	const uint8_t *p = data;
	uint64_t k0 = load_le(key, 8), k1 = load_le(key + 8, 8);
	struct state s = { k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull ^ 0xee,
			   k0 ^ 0x6c7967656e657261ull, k1 ^ 0x7465646279746573ull };
	size_t i;

	for (i = 0; i + 8 <= n; i += 8)
		absorb_word(&s, load_le(p + i, 8));
	absorb_word(&s, load_le(p + i, n - i) | (uint64_t)(n & 0xff) << 56);
	s.c ^= 0xee;
	rounds(&s, 4);
	store_le(out, s.a ^ s.b ^ s.c ^ s.d);
	s.b ^= 0xdd;
	rounds(&s, 4);
	store_le(out + 8, s.a ^ s.b ^ s.c ^ s.d);
}
