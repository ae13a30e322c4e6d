/* media/queue.c -- a single-producer ring of values. */
#include "media/queue.h"
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "base/poison.h"

struct queue {
	size_t mask, size;
	uint8_t *slots;                         /* owned */
	_Alignas(64) atomic_size_t head;        /* next to pop; the consumer's */
	_Alignas(64) atomic_size_t tail;        /* next to push; the producer's */
};

struct queue *queue_new(size_t slots, size_t size)
{
	struct queue *q = aligned_alloc(64, sizeof(*q));
	size_t n = 2;

	if (!q)
		return NULL;
	while (n < slots)
		n *= 2;
	q->mask = n - 1;
	q->size = size;
	atomic_init(&q->head, 0);
	atomic_init(&q->tail, 0);
	q->slots = malloc(n * size);
	if (!q->slots) {
		free(q);
		return NULL;
	}
	return q;
}

void queue_free(struct queue *q)
{
	if (!q)
		return;
	free(q->slots);
	free(q);
}

size_t queue_room(struct queue *q)
{
	size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	return q->mask + 1 - (tail - atomic_load_explicit(&q->head, memory_order_acquire));
}

bool queue_push(struct queue *q, const void *v)
{
	size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (!queue_room(q))
		return false;
	memcpy(q->slots + (tail & q->mask) * q->size, v, q->size);
	atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
	return true;
}

bool queue_pop(struct queue *q, void *v)
{
	size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);

	if (head == atomic_load_explicit(&q->tail, memory_order_acquire))
		return false;
	memcpy(v, q->slots + (head & q->mask) * q->size, q->size);
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return true;
}

bool queue_empty(const struct queue *q)
{
	return atomic_load_explicit(&q->head, memory_order_relaxed) ==
	       atomic_load_explicit(&q->tail, memory_order_acquire);
}
