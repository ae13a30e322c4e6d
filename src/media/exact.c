/* media/exact.c -- a queue that leaves samples where they belong. */
#include "media/exact.h"
#include <string.h>
#include "base/poison.h"

static bool has(const struct exact *x, uint64_t at)
{
	unsigned i = (unsigned)(at % EXACT_ROOM);

	return x->have[i / 8] >> i % 8 & 1;
}

static void mark(struct exact *x, uint64_t at, bool on)
{
	unsigned i = (unsigned)(at % EXACT_ROOM);

	if (on)
		x->have[i / 8] |= (uint8_t)(1u << i % 8);
	else
		x->have[i / 8] &= (uint8_t)~(1u << i % 8);
}

void exact_init(struct exact *x, uint32_t rate)
{
	memset(x, 0, sizeof(*x));
	x->rate = rate;
}

static void start(struct exact *x, uint64_t at)
{
	uint64_t delay = (uint64_t)x->rate * EXACT_DELAY_MS / 1000;

	memset(x->have, 0, sizeof(x->have));
	/* Places may begin at 0: they are only compared. */
	x->head = at + EXACT_ROOM - delay;
	x->tail = at + EXACT_ROOM;
	x->late = 0;
	x->started = true;
}

void exact_put(struct exact *x, uint64_t at, const int16_t *pcm, size_t n)
{
	uint64_t place = at + EXACT_ROOM;

	if (!x->started || place > x->head + EXACT_ROOM / 2 || place + EXACT_ROOM / 2 < x->head)
		start(x, at);
	if (place + n <= x->head) {
		x->lost += n;
		if (++x->late < EXACT_LATE)
			return;
		/* The way has become longer: hear the same silence for as long, and be in time from then on. */
		start(x, at);
	}
	x->late = 0;
	for (size_t i = 0; i < n; i++, place++)
		if (place >= x->head && place < x->head + EXACT_ROOM) {
			x->ring[place % EXACT_ROOM] = pcm[i];
			mark(x, place, true);
		}
	if (place > x->tail)
		x->tail = place;
}

enum exact_frame exact_get(struct exact *x, int16_t *pcm, size_t n)
{
	size_t got = 0;

	if (!x->started) {
		memset(pcm, 0, n * sizeof(*pcm));
		return EXACT_NOTHING;
	}
	for (size_t i = 0; i < n; i++, x->head++) {
		bool here = has(x, x->head);

		pcm[i] = here ? x->ring[x->head % EXACT_ROOM] : 0;
		got += here;
		mark(x, x->head, false);
	}
	if (got * 2 > n)
		return EXACT_HEARD;
	/* Nothing has come for a quarter of a second: it does not send, so it is silent. */
	if (x->head > x->tail + x->rate / 4) {
		if (x->head > x->tail + EXACT_ROOM / 4)
			x->started = false;
		return EXACT_NOTHING;
	}
	x->lost += n - got;
	return EXACT_MISSING;
}
