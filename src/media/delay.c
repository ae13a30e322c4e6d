/* media/delay.c -- packets that wait for their time: the queue, and the fixed and the adaptive rules. */
#include "media/delay.h"
#include <stdlib.h>
#include <string.h>
#include "base/poison.h"

/* `SHORTEST_MS` [ms] of a packet: for how many there is room. HISTORY, DROPPED_SHARE [%]: the delays
 * of so many packets are looked at, but for the outliers on either side. */
enum { MAX_MS = 200, RESYNC_MS = 1000, EXTRA_MS = 40, SHORTEST_MS = 10, ROOM_MIN = 16, ROOM_MAX = 256 };
enum { HISTORY = 500, DROPPED_SHARE = 3, EXTREMES = HISTORY * 4 / 100 };
enum { GROW_MS = 40, SHRINK_MS = 500, SHRINK_EMPTY_MS = 80, SHRINK_QUIET_MS = 10, MISSING_MAX = 10, JUMPS = 3 };

struct place {                  /* a packet in the queue */
	int64_t ts;             /* in the sender's time, after what resyncs have added */
	int64_t due;            /* fixed: when it goes on */
	uint32_t ms;
	uint16_t slot;
};

struct slot {
	size_t n;
	_Alignas(8) uint8_t p[DELAY_BYTES];
};

struct fixed {
	int64_t base;           /* our time less theirs */
	int64_t next;
	bool started;
};

struct adaptive {
	int64_t offset;         /* taken from the sender's time */
	int64_t last_delay, min, jitter, target, current;
	int64_t next, adjusted; /* of the sound that goes on; when the length last changed */
	int64_t quiet_from;     /* nothing was there for long; 0: no */
	uint32_t last_ms, missing, jumps;
	uint32_t seen;          /* packets, of which the last are in history */
	bool known;             /* lows and highs are right */
	int64_t history[HISTORY], lows[EXTREMES], highs[EXTREMES];
};

struct delay {
	struct delay_prm prm;
	size_t n, room;
	struct place q[ROOM_MAX];       /* in the order of their time */
	uint16_t free[ROOM_MAX];        /* slots, room - n of them */
	struct fixed f;
	struct adaptive a;
	struct slot slot[];
};

/* ---- the queue */

struct delay *delay_new(const struct delay_prm *prm)
{
	struct delay_prm p = { .adaptive = prm->adaptive, .max_ms = prm->max_ms ? prm->max_ms : MAX_MS,
			       .resync_ms = prm->resync_ms ? prm->resync_ms : RESYNC_MS,
			       .extra_ms = prm->extra_ms == -1 ? EXTRA_MS : prm->extra_ms };
	uint64_t want = ((uint64_t)p.max_ms + p.resync_ms / 4) / SHORTEST_MS + ROOM_MIN;
	size_t room = want < ROOM_MAX ? (size_t)want : ROOM_MAX;
	struct delay *d = calloc(1, sizeof(*d) + room * sizeof(d->slot[0]));

	if (!d)
		return NULL;
	d->prm = p;
	d->room = room;
	delay_empty(d);
	return d;
}

void delay_free(struct delay *d)
{
	free(d);
}

void delay_empty(struct delay *d)
{
	d->n = 0;
	for (size_t i = 0; i < d->room; i++)
		d->free[i] = (uint16_t)i;
	d->f = (struct fixed){ 0 };
	memset(&d->a, 0, sizeof(d->a));
	d->a.current = d->a.target = d->prm.extra_ms;
	d->a.quiet_from = -1;
}

size_t delay_count(const struct delay *d)
{
	return d->n;
}

/* In front of place `i`. */
static bool put_place(struct delay *d, size_t i, struct place at, const uint8_t *p, size_t n)
{
	if (d->n == d->room)
		return false;
	at.slot = d->free[d->room - d->n - 1];
	memmove(d->q + i + 1, d->q + i, (d->n - i) * sizeof(d->q[0]));
	d->q[i] = at;
	d->n++;
	d->slot[at.slot].n = n;
	memcpy(d->slot[at.slot].p, p, n);
	return true;
}

static struct place take_first(struct delay *d)
{
	struct place first = d->q[0];

	d->n--;
	memmove(d->q, d->q + 1, d->n * sizeof(d->q[0]));
	d->free[d->room - d->n - 1] = first.slot;
	return first;
}

static enum delay_out hand_out(struct delay *d, const struct place *at, uint8_t **p, size_t *n)
{
	*p = d->slot[at->slot].p;
	*n = d->slot[at->slot].n;
	return DELAY_PACKET;
}

/* ---- always the same time */

static bool fixed_fits(const struct delay *d, int64_t due, uint32_t ms, size_t *place)
{
	size_t i = d->n;

	if (due < d->f.next || due > d->f.next + d->prm.max_ms + d->prm.resync_ms)
		return false;
	while (i && d->q[i - 1].due > due)
		i--;
	*place = i;
	return !i || (due >= d->q[i - 1].due + d->q[i - 1].ms && (i == d->n || due + ms <= d->q[i].due));
}

static void fixed_start(struct delay *d, int64_t ts, int64_t now)
{
	d->f.started = true;
	d->f.base = now - ts;
	d->f.next = now + d->prm.max_ms;
}

/* It has no place: the sender's time has jumped, and what is there is as if it had always been so.
 * false: it is a packet to be dropped. */
static bool fixed_resync(struct delay *d, int64_t ts, int64_t now)
{
	int64_t jump;

	if (!d->n) {
		fixed_start(d, ts, now);
		return true;
	}
	jump = ts - d->q[d->n - 1].ts - d->q[d->n - 1].ms;
	if (jump < d->prm.resync_ms && jump > -(int64_t)d->prm.resync_ms)
		return false;
	d->f.base -= jump;
	for (size_t i = 0; i < d->n; i++)
		d->q[i].ts += jump;
	return true;
}

static bool fixed_put(struct delay *d, int64_t ts, uint32_t ms, int64_t now, const uint8_t *p, size_t n)
{
	struct place at = { .ts = ts, .ms = ms };
	size_t i;

	if (!d->f.started)
		fixed_start(d, ts, now);
	for (int tries = 0; tries < 2; tries++) {
		at.due = d->f.base + d->prm.max_ms + ts;
		if (fixed_fits(d, at.due, ms, &i))
			return put_place(d, i, at, p, n);
		if (tries || !fixed_resync(d, ts, now))
			break;
	}
	return false;
}

static enum delay_out fixed_get(struct delay *d, int64_t now, uint32_t ms, uint8_t **p, size_t *n)
{
	struct place at;

	if (!d->f.started || now < d->f.next)
		return DELAY_NONE;
	if (!d->n || now < d->q[0].due) {
		d->f.next += ms;
		return DELAY_MISSING;
	}
	at = take_first(d);
	d->f.next = at.due + at.ms;
	return now > at.due + at.ms ? DELAY_DROP : hand_out(d, &at, p, n);
}

/* ---- a time that follows the jitter */

/* Into the list of extremes, the farthest first. `sign`: 1 the highest, -1 the lowest. */
static void note_extreme(int64_t list[static EXTREMES], int64_t v, int sign)
{
	size_t i = EXTREMES;

	while (i && (v - list[i - 1]) * sign > 0)
		i--;
	if (i == EXTREMES)
		return;
	memmove(list + i + 1, list + i, (EXTREMES - 1 - i) * sizeof(list[0]));
	list[i] = v;
}

static void find_extremes(struct adaptive *a)
{
	uint32_t n = a->seen < HISTORY ? a->seen : HISTORY;

	for (size_t i = 0; i < EXTREMES; i++) {
		a->highs[i] = INT32_MIN;
		a->lows[i] = INT32_MAX;
	}
	for (uint32_t i = 0; i < n; i++) {
		note_extreme(a->highs, a->history[i], 1);
		note_extreme(a->lows, a->history[i], -1);
	}
	a->known = true;
}

static void measure(struct adaptive *a)
{
	uint32_t n = a->seen < HISTORY ? a->seen : HISTORY, skip = n * DROPPED_SHARE / 100;

	if (!n)
		return;
	if (!a->known)
		find_extremes(a);
	a->min = a->lows[skip];
	a->jitter = a->highs[skip] - a->lows[skip];
}

static void remember(struct adaptive *a, int64_t delay)
{
	a->history[a->seen++ % HISTORY] = delay;
	/* Numbers go round; what is there stays there. */
	if (a->seen == UINT32_MAX / HISTORY * HISTORY)
		a->seen = HISTORY;
	a->known = false;
}

/* false: out of all proportion. Some in a row are a new time. */
static bool judge_delay(struct delay *d, int64_t ts, int64_t now, int64_t *delay)
{
	struct adaptive *a = &d->a;
	int64_t far = 2 * a->jitter + d->prm.resync_ms, off = *delay - a->last_delay;

	if (d->n && d->q[d->n - 1].ts - d->q[0].ts >= d->prm.max_ms)
		return false;
	if (off <= far && off >= -far) {
		a->last_delay = *delay;
		a->jumps = 0;
		return true;
	}
	if (++a->jumps <= JUMPS)
		return false;
	a->jumps = 0;
	a->seen = 0;
	a->known = false;
	a->offset = ts - now;
	a->last_delay = *delay = 0;
	return true;
}

static bool adaptive_put(struct delay *d, int64_t ts, uint32_t ms, int64_t now, const uint8_t *p, size_t n)
{
	struct place at = { .ts = ts - d->a.offset, .ms = ms };
	int64_t delay = now - at.ts;
	size_t i = d->n;

	if (!judge_delay(d, ts, now, &delay))
		return false;
	at.ts = ts - d->a.offset;
	if (ts > 0)
		remember(&d->a, delay);
	while (i && d->q[i - 1].ts > at.ts)
		i--;
	return put_place(d, i, at, p, n);
}

/* The first, when its time has come. */
static bool take_due(struct delay *d, int64_t ts, struct place *at)
{
	if (!d->n || ts < d->q[0].ts)
		return false;
	*at = take_first(d);
	return true;
}

/* There is nothing where something should be: soon it counts as silence. */
static enum delay_out miss(struct adaptive *a, uint32_t ms)
{
	a->next += ms;
	a->last_ms = ms;
	if (++a->missing >= MISSING_MAX)
		a->quiet_from = a->next - a->current;
	return DELAY_MISSING;
}

static int64_t span_of(const struct delay *d)
{
	return d->n ? d->q[d->n - 1].ts - d->q[0].ts : 0;
}

/* Behind its time: still good when it is less than a packet. */
static enum delay_out late_packet(struct delay *d, const struct place *at, uint8_t **p, size_t *n)
{
	struct adaptive *a = &d->a;

	if (at->ts + a->current <= a->next - a->last_ms)
		return DELAY_DROP;
	a->next = at->ts + a->current + at->ms;
	a->missing = 0;
	return hand_out(d, at, p, n);
}

/* Shorter by a packet: of those that are there, or of the time without any. */
static enum delay_out shrink(struct adaptive *a, const struct place *at, int64_t now)
{
	a->adjusted = now;
	a->missing = 0;
	a->current -= at ? at->ms : a->last_ms;
	return at ? DELAY_DROP : DELAY_NONE;
}

static enum delay_out sound_get(struct delay *d, int64_t now, uint32_t ms, int64_t diff, uint8_t **p, size_t *n)
{
	struct adaptive *a = &d->a;
	struct place at;
	bool there;

	if (diff > 0 && (a->adjusted + GROW_MS < now || diff > span_of(d))) {
		a->current += ms;
		a->adjusted = now;
		return miss(a, ms);
	}
	there = take_due(d, a->next - a->current, &at);
	if (there && at.ts + a->current < a->next)
		return late_packet(d, &at, p, n);
	if (there)
		a->last_ms = at.ms;
	if (diff < -(int64_t)d->prm.extra_ms &&
	    ((!there && a->adjusted + SHRINK_EMPTY_MS < now) || a->adjusted + SHRINK_MS < now))
		return shrink(a, there ? &at : NULL, now);
	if (!there)
		return miss(a, ms);
	a->next += at.ms;
	a->missing = 0;
	return hand_out(d, &at, p, n);
}

/* In silence the length is whatever is right, at once. */
static enum delay_out quiet_get(struct delay *d, int64_t now, uint32_t ms, int64_t diff, uint8_t **p, size_t *n)
{
	struct adaptive *a = &d->a;
	struct place at;

	if (diff < -(int64_t)d->prm.extra_ms && a->adjusted + SHRINK_QUIET_MS <= now) {
		a->current -= ms;
		a->adjusted = now;
	}
	if (!take_due(d, now - a->current, &at))
		return DELAY_NONE;
	if (at.ts < a->quiet_from)
		return DELAY_DROP;
	a->current = a->target;
	a->quiet_from = 0;
	a->missing = 0;
	a->next = at.ts + a->current + at.ms;
	a->last_ms = at.ms;
	return hand_out(d, &at, p, n);
}

static enum delay_out adaptive_get(struct delay *d, int64_t now, uint32_t ms, uint8_t **p, size_t *n)
{
	struct adaptive *a = &d->a;
	int64_t diff;

	measure(a);
	a->target = a->jitter + a->min + d->prm.extra_ms;
	if (a->target - a->min > d->prm.max_ms)
		a->target = a->min + d->prm.max_ms;
	diff = a->target - a->current;
	return a->quiet_from ? quiet_get(d, now, ms, diff, p, n) : sound_get(d, now, ms, diff, p, n);
}

static int64_t adaptive_next(struct delay *d)
{
	struct adaptive *a = &d->a;

	if (!a->quiet_from)
		return a->next;
	if (!d->n)
		return INT64_MAX;
	measure(a);
	if (a->target - a->current < -(int64_t)d->prm.extra_ms)
		return a->adjusted + SHRINK_QUIET_MS;
	return d->q[0].ts + a->target;
}

/* ---- either */

bool delay_put(struct delay *d, int64_t ts, uint32_t ms, int64_t now, const uint8_t *p, size_t n)
{
	if (n > DELAY_BYTES || ms < 2)
		return false;
	return d->prm.adaptive ? adaptive_put(d, ts, ms, now, p, n) : fixed_put(d, ts, ms, now, p, n);
}

enum delay_out delay_get(struct delay *d, int64_t now, uint32_t ms, uint8_t **p, size_t *n)
{
	return d->prm.adaptive ? adaptive_get(d, now, ms, p, n) : fixed_get(d, now, ms, p, n);
}

int64_t delay_next(struct delay *d)
{
	if (d->prm.adaptive)
		return adaptive_next(d);
	return d->f.started ? d->f.next : INT64_MAX;
}
