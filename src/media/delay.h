/* media/delay.h -- packets kept for a while so that they go on evenly: a fixed time, or one that
 * follows the jitter. Two buffers whose rules are those of Asterisk's (fixedjitterbuf.c,
 * jitterbuf.c). Unlike media/jitter.h, which is samples for a mix, this keeps whole packets: what is
 * relayed needs no decoding, and keeps its numbers.
 * Pure: times [ms] are the caller's. Threads: one owner at a time; delay_new() and _free() allocate. */
#ifndef MEDIA_DELAY_H
#define MEDIA_DELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct delay;
struct delay_prm {
	bool adaptive;
	uint32_t max_ms;                /* fixed: how late packets go on. Adaptive: at most so much. 0: 200 */
	uint32_t resync_ms;             /* a jump of the sender's time over this is a new start; 0: 1000 */
	int32_t extra_ms;               /* adaptive: over the jitter; -1: 40 */
};
enum delay_out {
	DELAY_NONE,             /* nothing now */
	DELAY_PACKET,           /* this one */
	DELAY_DROP,             /* one was too late, and is gone */
	DELAY_MISSING           /* it is time for one, and it is not there */
};

struct delay *delay_new(const struct delay_prm *prm);        /* NULL: ENOMEM */
void delay_free(struct delay *d);
/* `ts`, `ms`: place and length of the packet in the sender's time, from 0 on. false: too early, too late,
 * too long or no room: it was dropped. */
enum { DELAY_BYTES = 1500 };
bool delay_put(struct delay *d, int64_t ts, uint32_t ms, int64_t now, const uint8_t *p, size_t n);
/* With DELAY_PACKET `*p` is the delay's own memory, the caller's to write to until its next call. */
enum delay_out delay_get(struct delay *d, int64_t now, uint32_t ms, uint8_t **p, size_t *n);
/* When delay_get() is worth a call; INT64_MAX: not before something was put in. */
int64_t delay_next(struct delay *d);
void delay_empty(struct delay *d);
size_t delay_count(const struct delay *d);   /* packets in it */

#endif
