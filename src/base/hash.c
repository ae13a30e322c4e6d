/* Keyed hashing, and the map on it: open addressing. Its order, where one is kept, is order.c's. */
#include "base/hash.h"
#include "base/order.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

/* SipHash-1-3 (Aumasson, Bernstein): one compression, three finalisation
 * rounds; enough to keep table keys unguessable, and quick on short keys.
 * The secret is file-scope because every map of the process shares it. */
static uint64_t secret[2];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void draw_secret(void)
{
	if (getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		abort();
}

static inline uint64_t rotl(uint64_t x, unsigned b)
{
	return x << b | x >> (64 - b);
}

struct siphash {
	uint64_t v0, v1, v2, v3;
};

static inline void round_once(struct siphash *s)
{
	s->v0 += s->v1; s->v1 = rotl(s->v1, 13); s->v1 ^= s->v0; s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3; s->v3 = rotl(s->v3, 16); s->v3 ^= s->v2;
	s->v0 += s->v3; s->v3 = rotl(s->v3, 21); s->v3 ^= s->v0;
	s->v2 += s->v1; s->v1 = rotl(s->v1, 17); s->v1 ^= s->v2; s->v2 = rotl(s->v2, 32);
}

static inline void absorb(struct siphash *s, uint64_t m)
{
	s->v3 ^= m;
	round_once(s);
	s->v0 ^= m;
}

/* Eight letters to lower case at once: the top bit of a byte of `upper` says that
 * it is an ASCII capital, and 0x80 >> 2 is what tells 'a' from 'A'. */
static inline uint64_t fold_word(uint64_t m)
{
	const uint64_t ones = 0x0101010101010101ull, low = m & 0x7f * ones;
	uint64_t from_a = low + (0x80 - 'A') * ones, past_z = low + (0x80 - 'Z' - 1) * ones;
	uint64_t upper = ~m & (from_a ^ past_z) & 0x80 * ones;

	return m | upper >> 2;
}

/* The last n % 8 bytes: of a key that has eight, as the end of its last eight. */
static inline uint64_t rest_of(const unsigned char *p, size_t n)
{
	unsigned k = n % 8;
	uint64_t m = 0;

	if (k && n > 8) {
		memcpy(&m, p + n - 8, 8);
		return m >> (8 * (8 - k));
	}
	for (unsigned i = 0; i < k; i++)
		m |= (uint64_t)p[n - k + i] << (8 * i);
	return m;
}

static uint64_t siphash(const unsigned char *p, size_t n, bool fold)
{
	struct siphash s;
	uint64_t m = 0;
	size_t i;

	pthread_once(&once, draw_secret);
	s = (struct siphash){ secret[0] ^ 0x736f6d6570736575ull, secret[1] ^ 0x646f72616e646f6dull,
		secret[0] ^ 0x6c7967656e657261ull, secret[1] ^ 0x7465646279746573ull };
	for (i = 0; i + 8 <= n; i += 8) {
		memcpy(&m, p + i, 8);
		absorb(&s, fold ? fold_word(m) : m);
	}
	m = rest_of(p, n);
	absorb(&s, (fold ? fold_word(m) : m) | (uint64_t)(n & 0xff) << 56);
	s.v2 ^= 0xff;
	round_once(&s);
	round_once(&s);
	round_once(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t hash_mem(const void *p, size_t n)
{
	return siphash(p, n, false);
}

uint64_t hash_str(struct str s)
{
	return siphash((const unsigned char *)s.p, s.n, false);
}

uint64_t hash_istr(struct str s)
{
	return siphash((const unsigned char *)s.p, s.n, true);
}

/* Open addressing, linear probing; a deleted slot keeps a tombstone until the
 * next rehash, so that iterating while deleting is safe. */
struct slot {
	uint64_t hash;
	struct str key;
	void *value;                    /* NULL and key.p == NULL: never used */
};

struct map {
	struct slot *slots;
	size_t mask, live, used;        /* used: live and tombstones */
	bool fold;
	struct order *order;            /* NULL: not kept */
	uint64_t changes;               /* so far: a walk's place is good until the next */
};

#define TOMB ((void *)&tomb)
static char tomb;

struct map *map_new(bool fold_case)
{
	struct map *m = calloc(1, sizeof(*m));

	if (m)
		m->fold = fold_case;
	return m;
}

struct map *map_new_ordered(void)
{
	struct map *m = map_new(false);

	if (m)
		m->order = order_new();
	if (m && !m->order) {
		free(m);
		return NULL;
	}
	return m;
}

void map_free(struct map *m)
{
	if (!m)
		return;
	order_free(m->order);
	free(m->slots);
	free(m);
}

size_t map_count(const struct map *m)
{
	return m->live;
}

static uint64_t key_hash(const struct map *m, struct str key)
{
	return siphash((const unsigned char *)key.p, key.n, m->fold);
}

static bool key_eq(const struct map *m, struct str a, struct str b)
{
	return m->fold ? str_ieq(a, b) : str_eq(a, b);
}

static struct slot *find(const struct map *m, struct str key, uint64_t h)
{
	if (!m->slots)
		return NULL;
	for (size_t i = h & m->mask;; i = (i + 1) & m->mask) {
		struct slot *s = &m->slots[i];

		if (!s->value)
			return NULL;
		if (s->value != TOMB && s->hash == h && key_eq(m, s->key, key))
			return s;
	}
}

static void place(struct map *m, struct slot e)
{
	size_t i = e.hash & m->mask;

	while (m->slots[i].value)
		i = (i + 1) & m->mask;
	m->slots[i] = e;
}

static int rehash(struct map *m)
{
	struct slot *old = m->slots;
	size_t old_n = old ? m->mask + 1 : 0, n = 8;

	while (n < m->live * 2 + 2)
		n *= 2;
	m->slots = calloc(n, sizeof(*m->slots));
	if (!m->slots) {
		m->slots = old;
		return ENOMEM;
	}
	m->mask = n - 1;
	m->used = m->live;
	for (size_t i = 0; i < old_n; i++)
		if (old[i].value && old[i].value != TOMB)
			place(m, old[i]);
	free(old);
	return 0;
}

/* After a flood: the room that it took is given back. */
static bool is_sparse(const struct map *m)
{
	return m->mask >= 1024 && m->live * 16 < m->mask;
}

void *map_get(const struct map *m, struct str key)
{
	struct slot *s = find(m, key, key_hash(m, key));

	return s ? s->value : NULL;
}

int map_add(struct map *m, struct str key, void *value)
{
	uint64_t h = key_hash(m, key);

	if (!value)
		return EINVAL;
	if (find(m, key, h))
		return EEXIST;
	if (!m->slots || (m->used + 1) * 4 > (m->mask + 1) * 3 || is_sparse(m)) {
		int err = rehash(m);

		if (err)
			return err;
	}
	if (m->order && order_add(m->order, key, h, value))
		return ENOMEM;
	place(m, (struct slot){ h, key, value });
	m->changes++;
	m->live++;
	m->used++;
	return 0;
}

int map_set(struct map *m, struct str key, void *value, void **old)
{
	struct slot *s = find(m, key, key_hash(m, key));

	if (old)
		*old = s ? s->value : NULL;
	if (!s)
		return map_add(m, key, value);
	if (!value)
		return EINVAL;
	if (m->order)
		order_replace(m->order, key, value);
	s->key = key;
	s->value = value;
	m->changes++;
	return 0;
}

void *map_del(struct map *m, struct str key)
{
	struct slot *s = find(m, key, key_hash(m, key));
	void *v;

	if (!s)
		return NULL;
	v = s->value;
	if (m->order)
		order_del(m->order, key);
	m->changes++;
	s->value = TOMB;
	s->key = STR_NULL;
	m->live--;
	/* With nothing behind it a tombstone holds no chain together; so a map that
	 * is filled and emptied all day keeps its probes short. */
	for (size_t i = (size_t)(s - m->slots); !m->slots[(i + 1) & m->mask].value && m->slots[i].value == TOMB;
	     i = (i - 1) & m->mask) {
		m->slots[i].value = NULL;
		m->used--;
	}
	if (!m->live && is_sparse(m)) {
		free(m->slots);
		m->slots = NULL;
		m->mask = m->used = 0;
	}
	return v;
}

void *map_next(const struct map *m, size_t *it)
{
	size_t n = m->slots ? m->mask + 1 : 0;

	while (*it < n) {
		struct slot *s = &m->slots[(*it)++];

		if (s->value && s->value != TOMB)
			return s->value;
	}
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	return str_cmp(((const struct slot *)a)->key, ((const struct slot *)b)->key);
}

void **map_sorted(const struct map *m, size_t *n)
{
	struct slot *tmp = calloc(m->live + 1, sizeof(*tmp));
	void **out = calloc(m->live + 1, sizeof(*out));
	size_t k = 0;

	*n = 0;
	if (!tmp || !out) {
		free(tmp);
		free(out);
		return NULL;
	}
	for (size_t i = 0; m->slots && i <= m->mask; i++)
		if (m->slots[i].value && m->slots[i].value != TOMB)
			tmp[k++] = m->slots[i];
	qsort(tmp, k, sizeof(*tmp), by_key);
	for (size_t i = 0; i < k; i++)
		out[i] = tmp[i].value;
	free(tmp);
	*n = k;
	return out;
}

/* ---- in order, in pieces */

void map_walk_from(struct map_walk *w, struct str key)
{
	buf_reset(&w->last);
	buf_put(&w->last, key);
	w->state = buf_err(&w->last) ? MAP_WALK_OVER : MAP_WALK_FROM;
}

static const struct order_node *walk_step(const struct map *m, const struct map_walk *w)
{
	if (w->state == MAP_WALK_FIRST)
		return order_seek(m->order, STR_NULL, true);
	if (w->state == MAP_WALK_FROM)
		return order_seek(m->order, buf_view(&w->last), true);
	if (w->state == MAP_WALK_OVER)
		return NULL;
	return w->changes == m->changes ? order_next(w->at) : order_seek(m->order, buf_view(&w->last), false);
}

void *map_walk_next(const struct map *m, struct map_walk *w)
{
	const struct order_node *n = walk_step(m, w);

	w->state = MAP_WALK_OVER;
	if (!n)
		return NULL;
	buf_reset(&w->last);
	buf_put(&w->last, order_key(n));
	if (buf_err(&w->last))
		return NULL;
	w->at = n;
	w->changes = m->changes;
	w->state = MAP_WALK_AFTER;
	return order_value(n);
}

void map_walk_end(struct map_walk *w)
{
	buf_free(&w->last);
	*w = (struct map_walk){ 0 };
}
