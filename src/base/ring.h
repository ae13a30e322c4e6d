/* base/ring.h -- bounded queue of pointers: one producer, one consumer thread.
 * Full is ENOBUFS, which the caller handles; nothing ever waits. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stddef.h>
#include <stdbool.h>

struct ring;

struct ring *ring_new(size_t slots);  /* rounded up to a power of two */
void ring_free(struct ring *r);       /* entries still inside are not touched */
int ring_push(struct ring *r, void *p);              /* producer thread */
void *ring_pop(struct ring *r);                      /* consumer thread; NULL: empty */
size_t ring_pop_many(struct ring *r, void **out, size_t max);
size_t ring_count(const struct ring *r);              /* either thread: about so many */
bool ring_empty(const struct ring *r);

#endif
