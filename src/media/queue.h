/* media/queue.h -- bounded queue of values between two threads: one producer,
 * one consumer. Values are copied, so nothing is allocated to send one. */
#ifndef MEDIA_QUEUE_H
#define MEDIA_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct queue;

struct queue *queue_new(size_t slots, size_t size);  /* slots rounded up to a power of two; NULL: ENOMEM */
void queue_free(struct queue *q);
bool queue_push(struct queue *q, const void *v);     /* producer; false: full */
bool queue_pop(struct queue *q, void *v);            /* consumer; false: empty */
size_t queue_room(struct queue *q);                  /* producer: slots surely free */
bool queue_empty(const struct queue *q);             /* consumer */

#endif
