/* media/jitter.c -- packets of one sender to an even flow of frames. A ring of
 * samples addressed by the sender's time; see jitter.h for the rules. */
#include "media/jitter.h"
#include <stdlib.h>
#include <string.h>
#include "base/poison.h"

/* Our time begins so far from 0 that no packet can be from before it: an early one that came
 * second would wrap, and the gap behind it be filled for ever. */
#define BEGIN ((uint64_t)1 << 32)

static uint32_t samples_of(const struct jitter *j, unsigned ms)
{
	return j->rate / 100 * ms / 10;
}

void jitter_init(struct jitter *j, uint32_t rate)
{
	j->rate = rate;
	j->state = JITTER_IDLE;
	j->head = j->tail = BEGIN;
	j->offset = 0;
	j->cap = samples_of(j, JITTER_MAX_MS);
	j->fade = samples_of(j, JITTER_FADE_MS);
	j->packet = j->faded = 0;
	j->waited = 0;
	j->fresh = true;
	j->jumped = false;
	j->late = j->lost = j->dropped = j->empty = 0;
}

uint32_t jitter_level(const int16_t *pcm, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (unsigned)abs(pcm[i]);
	return n ? sum / (uint32_t)n : 0;
}

static int16_t *at_time(struct jitter *j, uint64_t t)
{
	return &j->ring[t % j->cap];
}

static void copy_in(struct jitter *j, uint64_t t, const int16_t *pcm, size_t n)
{
	size_t at = (size_t)(t % j->cap), k = j->cap - at < n ? j->cap - at : n;

	memcpy(j->ring + at, pcm, k * sizeof(*pcm));
	memcpy(j->ring, pcm + k, (n - k) * sizeof(*pcm));
}

static void copy_out(struct jitter *j, uint64_t t, int16_t *pcm, size_t n)
{
	size_t at = (size_t)(t % j->cap), k = j->cap - at < n ? j->cap - at : n;

	memcpy(pcm, j->ring + at, k * sizeof(*pcm));
	memcpy(pcm + k, j->ring, (n - k) * sizeof(*pcm));
}

/* ---- in */

static int16_t scale_sample(int16_t v, uint32_t by, uint32_t of)
{
	return (int16_t)(v * (int32_t)by / (int32_t)of);
}

/* Nothing has come for tail .. t: what stood before runs backwards and fades out,
 * what comes after is heard backwards first and fades in. A packet that comes late
 * is written over it. */
static void fill_gap(struct jitter *j, uint64_t t, const int16_t *pcm, size_t n)
{
	uint64_t gap = t - j->tail;

	for (uint64_t u = j->tail; u < t; u++)
		*at_time(j, u) = 0;
	for (uint32_t i = 0; i < j->fade && i < gap && j->tail > i && j->tail - 1 - i + j->cap >= t; i++)
		*at_time(j, j->tail + i) = scale_sample(*at_time(j, j->tail - 1 - i), j->fade - i, j->fade);
	for (uint32_t i = 0; i < j->fade && i < gap && i < n; i++) {
		int16_t *p = at_time(j, t - 1 - i);
		int32_t v = *p + scale_sample(pcm[i], j->fade - i, j->fade);

		*p = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
	}
	j->lost += gap;
}

/* Our time for the sender's `at`. false: it is from before what was played. */
static bool place_packet(struct jitter *j, uint64_t at, size_t n, uint64_t *t)
{
	int64_t ahead = (int64_t)(at + j->offset - j->tail), far = j->cap;
	bool empty = j->head == j->tail;

	if (!j->fresh && ahead > -far * 4 && ahead <= 0 && ahead + (int64_t)n <= (int64_t)(j->head - j->tail))
		return false;
	if (j->fresh || (empty && j->state == JITTER_IDLE) || ahead > far || ahead <= -far * 4) {
		/* A new start; behind something else with a gap, so that one fades into the other. */
		uint64_t to = j->tail + (empty ? 0 : 2 * j->fade);

		j->offset = to - at;
	}
	j->fresh = false;
	*t = at + j->offset;
	return true;
}

void jitter_put(struct jitter *j, uint64_t at, const int16_t *pcm, size_t n)
{
	uint64_t t;

	j->packet = (uint32_t)n;
	if (n > j->cap / 2) {
		at += n - j->cap / 2;
		pcm += n - j->cap / 2;
		n = j->cap / 2;
	}
	if (!n || !place_packet(j, at, n, &t)) {
		j->late += n;
		return;
	}
	if (t < j->head) {
		pcm += j->head - t;
		n -= (size_t)(j->head - t);
		t = j->head;
	}
	if (t + n > j->head + j->cap) {
		uint64_t to = t + n - j->cap;

		j->dropped += (to < j->tail ? to : j->tail) - j->head;
		j->head = to;
		j->jumped = j->state == JITTER_RUNNING;
	}
	if (j->head > j->tail)
		j->tail = j->head;
	if (t > j->tail)
		fill_gap(j, t, pcm, n);
	copy_in(j, t, pcm, n);
	if (t + n > j->tail)
		j->tail = t + n;
}

/* ---- out */

/* The samples before a gap, newest first: `k` of them are in `out`, the others in
 * what was `last` before. */
static void remember_tail(struct jitter *j, const int16_t *out, size_t k)
{
	k = k < j->fade ? k : j->fade;
	memmove(j->last + k, j->last, (j->fade - k) * sizeof(*out));
	for (size_t i = 0; i < k; i++)
		j->last[i] = out[i];
}

static void remember_end(struct jitter *j, const int16_t *out, size_t n)
{
	size_t k = n < j->fade ? n : j->fade;
	int16_t newest[JITTER_MAX_RATE * JITTER_FADE_MS / 1000];

	for (size_t i = 0; i < k; i++)
		newest[i] = out[n - 1 - i];
	remember_tail(j, newest, k);
}

/* What was heard last runs backwards, more and more softly, then nothing: it begins
 * where the sound stopped, so that there is no step. */
static void fade_out(struct jitter *j, int16_t *out, size_t n)
{
	size_t i = 0;

	for (; i < n && j->faded < j->fade; i++, j->faded++)
		out[i] = scale_sample(j->last[j->faded], j->fade - j->faded, j->fade);
	memset(out + i, 0, (n - i) * sizeof(*out));
	/* Filters behind us want some silence before they are left alone. */
	j->state = n - i >= 2 * j->fade ? JITTER_IDLE : JITTER_FADING;
}

static void start_fade(struct jitter *j)
{
	j->state = JITTER_FADING;
	j->faded = 0;
	j->waited = 0;
}

static bool may_start(struct jitter *j)
{
	uint32_t want = samples_of(j, JITTER_START_MS);

	/* Packets longer than a frame come more seldom. */
	if (j->packet > want / 2)
		want += j->packet - want / 2;
	return jitter_queued(j) >= want || j->waited++ >= JITTER_START_TURNS;
}

/* From the sound before, backwards, to what comes now. */
static void fade_over(struct jitter *j, int16_t *out, size_t n)
{
	for (uint32_t i = 0; i < j->fade && i < n; i++)
		out[i] = (int16_t)(scale_sample(j->last[i], j->fade - i, j->fade) + scale_sample(out[i], i, j->fade));
	j->jumped = false;
}

/* Leave out `n` samples: from the place where we are, fade to what comes after. */
static void leave_out(struct jitter *j, int16_t *out, size_t n)
{
	copy_out(j, j->head + n, out, n);
	for (uint32_t i = 0; i < j->fade && i < n; i++) {
		int16_t was = *at_time(j, j->head + i);

		out[i] = (int16_t)(scale_sample(was, j->fade - i, j->fade) + scale_sample(out[i], i, j->fade));
	}
	j->head += 2 * n;
	j->dropped += n;
}

/* Too much is waiting, and this is a good moment to leave out a frame. */
static bool is_too_long(const struct jitter *j, const int16_t *frame, size_t n)
{
	size_t queued = jitter_queued(j), high = samples_of(j, JITTER_HIGH_MS) + j->packet;

	if (queued <= high || queued < 2 * n)
		return false;
	return queued > samples_of(j, JITTER_HARD_MS) + j->packet / 2 || jitter_level(frame, n) < JITTER_QUIET;
}

bool jitter_get(struct jitter *j, int16_t *out, size_t n)
{
	size_t k;

	if (j->state == JITTER_FADING) {
		fade_out(j, out, n);
		return true;
	}
	if (j->state == JITTER_IDLE && (j->head == j->tail || !may_start(j)))
		return false;
	k = jitter_queued(j) < n ? jitter_queued(j) : n;
	copy_out(j, j->head, out, k);
	if (j->jumped) {
		fade_over(j, out, k);
		j->head += k;
	} else if (is_too_long(j, out, k)) {
		leave_out(j, out, n);
	} else {
		j->head += k;
	}
	if (j->state == JITTER_IDLE)
		for (uint32_t i = 0; i < j->fade && i < k; i++)
			out[i] = scale_sample(out[i], i, j->fade);
	j->state = JITTER_RUNNING;
	remember_end(j, out, k);
	if (k < n) {
		j->empty++;
		start_fade(j);
		fade_out(j, out + k, n - k);
	}
	return true;
}

bool jitter_finish(struct jitter *j, int16_t *out, size_t n)
{
	bool sounds = j->state != JITTER_IDLE;

	if (j->state == JITTER_RUNNING)
		start_fade(j);
	if (sounds)
		fade_out(j, out, n);
	j->state = JITTER_IDLE;
	j->head = j->tail;
	return sounds;
}
