/* A bounded queue from one thread to another, without a lock: one writes, one reads. */
#include "base/ring.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* Producer and consumer write different cache lines. */
struct ring {
	_Alignas(64) atomic_size_t head;        /* written by the producer */
	_Alignas(64) atomic_size_t tail;        /* written by the consumer */
	_Alignas(64) size_t mask;
	void **slot;
};

struct ring *ring_new(size_t slots)
{
	struct ring *r = aligned_alloc(64, sizeof(*r));
	size_t n = 2;

	if (!r)
		return NULL;
	while (n < slots)
		n *= 2;
	r->slot = calloc(n, sizeof(*r->slot));
	if (!r->slot) {
		free(r);
		return NULL;
	}
	r->mask = n - 1;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	free(r->slot);
	free(r);
}

int ring_push(struct ring *r, void *p)
{
	size_t h = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (h - atomic_load_explicit(&r->tail, memory_order_acquire) > r->mask)
		return ENOBUFS;
	r->slot[h & r->mask] = p;
	atomic_store_explicit(&r->head, h + 1, memory_order_release);
	return 0;
}

size_t ring_pop_many(struct ring *r, void **out, size_t max)
{
	size_t t = atomic_load_explicit(&r->tail, memory_order_relaxed);
	size_t have = atomic_load_explicit(&r->head, memory_order_acquire) - t;

	if (have > max)
		have = max;
	for (size_t i = 0; i < have; i++)
		out[i] = r->slot[(t + i) & r->mask];
	if (have)
		atomic_store_explicit(&r->tail, t + have, memory_order_release);
	return have;
}

void *ring_pop(struct ring *r)
{
	void *p;

	return ring_pop_many(r, &p, 1) ? p : NULL;
}

bool ring_empty(const struct ring *r)
{
	return atomic_load_explicit(&r->head, memory_order_acquire) ==
	       atomic_load_explicit(&r->tail, memory_order_acquire);
}

size_t ring_count(const struct ring *r)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	size_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return head - tail > r->mask + 1 ? 0 : head - tail;
}
