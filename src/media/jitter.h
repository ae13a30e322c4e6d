/* media/jitter.h -- what one sender says, from packets as they come to an even
 * flow: samples stand at the place that their timestamp gives them, so that packets
 * may be late, doubled or in another order. Where something is missing the sound is
 * faded out and in again, so that nothing clicks.
 * A sender whose clock is faster than ours fills the queue: over JITTER_HIGH_MS a
 * frame is left out where it is quiet, over JITTER_HARD_MS at any place. One that is
 * slower empties it: silence, until there is enough again.
 * Pure: allocates nothing. Threads: one owner. */
#ifndef MEDIA_JITTER_H
#define MEDIA_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JITTER_MAX_RATE = 48000,        /* [Hz] */
	JITTER_MAX_MS = 240,            /* the queue's room */
	JITTER_START_MS = 40,           /* so much must be there before it starts, ... */
	JITTER_START_TURNS = 2,         /* ... or this many turns have passed */
	JITTER_HIGH_MS = 80,
	JITTER_HARD_MS = 160,
	JITTER_FADE_MS = 5,
	JITTER_QUIET = 160              /* mean magnitude under which a frame may be left out */
};

enum jitter_state { JITTER_IDLE, JITTER_RUNNING, JITTER_FADING };

struct jitter {
	uint32_t rate;
	enum jitter_state state;
	uint64_t head, tail;            /* [samples] next to be played; end of what has come */
	uint64_t offset;                /* from the sender's time to head's and tail's */
	uint32_t cap, fade;             /* [samples] */
	uint32_t packet;                /* [samples] of the last put */
	uint32_t faded;                 /* [samples] of the fade so far */
	unsigned waited;                /* turns since the first sample came */
	bool fresh;                     /* has not put anything yet */
	bool jumped;                    /* head was moved on to make room */
	uint64_t late, lost, dropped;   /* [samples] came too late; never came; left out */
	uint64_t empty;                 /* times that nothing was there */
	int16_t last[JITTER_MAX_RATE * JITTER_FADE_MS / 1000];       /* before the fade, newest first */
	int16_t ring[JITTER_MAX_RATE / 1000 * JITTER_MAX_MS];
};

void jitter_init(struct jitter *j, uint32_t rate);   /* empty */
/* `n` samples whose first is at `at` of the sender's clock, counted in samples and
 * without wrapping. A step of more than JITTER_MAX_MS is taken as a new start. */
void jitter_put(struct jitter *j, uint64_t at, const int16_t *pcm, size_t n);
/* The next `n` samples, a frame of 10 ms or more, always as long. false: silence,
 * nothing is written. */
bool jitter_get(struct jitter *j, int16_t *out, size_t n);
/* End it now: `n` samples that fade out. false: it is silent already. Empty afterwards. */
bool jitter_finish(struct jitter *j, int16_t *out, size_t n);
/* [samples] waiting. */
static inline size_t jitter_queued(const struct jitter *j) { return (size_t)(j->tail - j->head); }
/* Mean magnitude, 0..32768. */
uint32_t jitter_level(const int16_t *pcm, size_t n);

#endif
