/* media/mix.h -- members heard together: each hears the sum of all others. Every
 * MIX_MS a tick takes a frame of each from its queue (media/jitter.h), adds them up
 * at the highest rate of the members (48 kHz at most) and hands each member the sum
 * without itself, at the member's own rate. Who says nothing costs nothing, and all
 * who say nothing are handed the same frame.
 * Nothing clicks: a sound that stops, a member that comes or goes, a gain that
 * changes and another mixing rate are faded over.
 * Knows neither threads nor streams. mix_new() and mix_member_new() allocate, the
 * rest does not. Threads: one owner for a mix and all its members.
 * From inside out() and talk() only mix_talking() may be called. */
#ifndef MEDIA_MIX_H
#define MEDIA_MIX_H

#include "base/list.h"
#include "media/rate.h"

enum { MIX_MS = 20, MIX_RATE_MAX = 48000, MIX_FRAME = MIX_RATE_MAX / 1000 * MIX_MS, MIX_UNITY = 4096 };

struct mix;
struct mix_member;

struct mix_frame {
	const int16_t *pcm;     /* view, until out() returns */
	size_t n;
	uint32_t rate;
	bool silence;           /* all of it is 0 */
	/* Not 0: all members that are handed this number in a tick are handed the same
	 * samples, so that a frame need be encoded only once for each codec. */
	uint32_t shared;
};

struct mix_member_prm {
	void (*out)(void *arg, const struct mix_frame *f);      /* what it hears, once a tick */
	void (*talk)(void *arg, bool talking);                  /* NULL: not wanted */
	void *arg;
	/* Talking begins when the mean magnitude is `talk_level` (0: 160) or more for
	 * talk_ms (0: 60), and ends when it was under half of that for quiet_ms (0: 800). */
	uint16_t talk_level, talk_ms, quiet_ms;
};

int mix_new(struct mix **out, struct rate_bank *bank);       /* takes a reference. ENOMEM */
void mix_free(struct mix *m);                                /* its members have left */
int mix_member_new(struct mix_member **out, const struct mix_member_prm *prm);        /* ENOMEM */
void mix_member_free(struct mix_member *x);                  /* it has left */

/* `rate` has a rate_kind(). Of a mix at most one at a time. */
void mix_join(struct mix *m, struct mix_member *x, uint32_t rate);
void mix_leave(struct mix_member *x);                        /* in none: nothing */
/* Another rate from now on: its queue is emptied. Equal to the one it has: nothing. */
void mix_set_rate(struct mix_member *x, uint32_t rate);
uint32_t mix_member_rate(const struct mix_member *x);
/* It says `n` samples; `at`: see jitter_put(). In no mix: nothing. */
void mix_put(struct mix_member *x, uint64_t at, const int16_t *pcm, size_t n);
/* Of what it says, in 1/MIX_UNITY, at most 16 times. Without a mix as well. */
void mix_set_gain(struct mix_member *x, uint32_t gain);
void mix_set_mute(struct mix_member *x, bool mute);          /* nobody hears it; it does not talk */
void mix_set_deaf(struct mix_member *x, bool deaf);          /* it hears nothing */
bool mix_talking(const struct mix_member *x);
void mix_tick(struct mix *m);

size_t mix_members(const struct mix *m);
uint32_t mix_rate(const struct mix *m);                      /* of the last tick; 0: none yet */

struct mix_stats {      /* [ms] of one member's sound since it joined */
	uint64_t late;          /* came too late */
	uint64_t lost;          /* never came */
	uint64_t dropped;       /* left out because too much waited */
	uint64_t empty;         /* times that nothing was there while it spoke */
	uint32_t queued;        /* waiting now */
};
void mix_count(const struct mix_member *x, struct mix_stats *out);

#endif
