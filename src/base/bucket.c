/* Token buckets in a table of fixed size: how often each key may do something. Keys that meet in one
 * slot share it, so the table costs the same however many keys there are. */
#include "base/bucket.h"
#include "base/obj.h"
#include <stdatomic.h>

/* Instead of a level and when it was, one time says both: when the bucket will be
 * full again if nothing more is taken (the "generic cell rate algorithm"). */
struct slot {
	_Atomic uint64_t key, full_us;
};

struct buckets {
	size_t slots;
	uint64_t every_us, room_us;     /* room_us: what may be owed */
	struct slot slot[];
};

struct buckets *buckets_new(size_t slots, uint32_t burst, uint64_t every_us)
{
	struct buckets *b = obj_new(sizeof(*b) + slots * sizeof(b->slot[0]), NULL);

	if (!b)
		return NULL;
	b->slots = slots;
	b->every_us = every_us;
	b->room_us = burst * every_us;
	return b;
}

static uint64_t get(const _Atomic uint64_t *v)
{
	return atomic_load_explicit(v, memory_order_relaxed);
}

/* Two places serve for a key. NULL: it has neither. */
static const struct slot *find(const struct buckets *b, uint64_t key)
{
	size_t i = key & (b->slots - 1);

	for (size_t k = 0; k < 2; k++)
		if (get(&b->slot[i ^ k].key) == key)
			return &b->slot[i ^ k];
	return NULL;
}

static struct slot *claim(struct buckets *b, uint64_t key)
{
	size_t i = key & (b->slots - 1);
	struct slot *s = &b->slot[i], *other = &b->slot[i ^ 1];

	if (get(&other->full_us) < get(&s->full_us))
		s = other;
	atomic_store_explicit(&s->key, key, memory_order_relaxed);
	atomic_store_explicit(&s->full_us, 0, memory_order_relaxed);
	return s;
}

/* When it will be full with one more taken; 0: none is left. */
static uint64_t after_one(const struct buckets *b, const struct slot *s, uint64_t now_us)
{
	uint64_t full = s ? get(&s->full_us) : 0;

	full = (full > now_us ? full : now_us) + b->every_us;
	return full - now_us > b->room_us ? 0 : full;
}

bool buckets_have(const struct buckets *b, uint64_t key, uint64_t now_us)
{
	return after_one(b, find(b, key), now_us) != 0;
}

bool buckets_take(struct buckets *b, uint64_t key, uint64_t now_us)
{
	struct slot *s = (struct slot *)find(b, key);
	uint64_t full;

	if (!s)
		s = claim(b, key);
	full = after_one(b, s, now_us);
	if (full)
		atomic_store_explicit(&s->full_us, full, memory_order_relaxed);
	return full != 0;
}

void buckets_refill(struct buckets *b, uint64_t key)
{
	struct slot *s = (struct slot *)find(b, key);

	if (s)
		atomic_store_explicit(&s->full_us, 0, memory_order_relaxed);
}
