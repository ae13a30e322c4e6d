/* media/exact.h -- what one sender says, for ears that hear every sample: modems. Each packet stands at the place of
 * its timestamp, nothing is faded, stretched or left out to sound well, and what is missing is said to be missing.
 * The delay is EXACT_DELAY_MS; when packets come later than that the queue waits longer, once, and goes on.
 * Pure: allocates nothing. Threads: one owner. */
#ifndef MEDIA_EXACT_H
#define MEDIA_EXACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXACT_DELAY_MS = 60,            /* between the first packet and its sound */
	EXACT_ROOM = 8192,              /* [samples], a power of two */
	EXACT_LATE = 3                  /* packets in a row that came too late: wait longer from now on */
};

enum exact_frame { EXACT_NOTHING /* the sender is silent */, EXACT_MISSING /* lost on its way */, EXACT_HEARD };

struct exact {
	uint32_t rate;          /* [Hz] at most 8000 */
	bool started;
	uint64_t head, tail;    /* [samples] next to be heard; end of what has come */
	unsigned late;          /* packets in a row */
	uint64_t lost;          /* [samples] that were missing, or came too late */
	uint8_t have[EXACT_ROOM / 8];   /* bit i: ring[i] has come */
	int16_t ring[EXACT_ROOM];
};

void exact_init(struct exact *x, uint32_t rate);
/* `n` samples whose first is at `at` of the sender's clock, without wrapping. One that is over half of the room
 * away is a new start. */
void exact_put(struct exact *x, uint64_t at, const int16_t *pcm, size_t n);
/* The next `n`; they are written (zeros where nothing is) in any case. Half of them missing: EXACT_MISSING. */
enum exact_frame exact_get(struct exact *x, int16_t *pcm, size_t n);

#endif
