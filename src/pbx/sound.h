/* pbx/sound.h -- sounds for a channel's fiber: play and wait, listening for
 * digits. A channel without media hears them for as long as they last.
 * Threads: core, inside the fiber that waits on the channel. */
#ifndef PBX_SOUND_H
#define PBX_SOUND_H

#include "pbx/channel.h"

/* Play `names` ("a&b&c") in the channel's language until the end or a digit of
 * `stop` ("0123456789*#"; empty: none), which *digit (may be NULL, '\0': none) gets.
 * 0; ENOENT none of the files exists; ECANCELED the channel left. */
int sound_play(struct channel *ch, struct str names, struct str stop, char *digit);
int sound_play_list(struct channel *ch, const struct str *names, size_t n, struct str stop, char *digit);
/* How many of those played in the last call of sound_play() were not found is
 * the return of this one: as PLAYBACKSTATUS wants to know. */
struct sound_result {
	unsigned played, missing;
	char digit;
};
int sound_play_result(struct channel *ch, const struct str *names, size_t n, struct str stop,
		      struct sound_result *r);
/* The same, also until `over` says so of an event. */
struct sound_until {
	bool (*over)(void *arg, const struct chan_event *e);
	void *arg;
};
int sound_play_until(struct channel *ch, struct str name, const struct sound_until *u, struct sound_result *r);
/* Take digits (those waiting first) until `max`, `timeout_ms` without one, or a digit of
 * `term`, which is not stored. 0, ETIMEDOUT (what came is there), ECANCELED. */
int sound_digits(struct channel *ch, char *out, size_t size, size_t max, uint64_t timeout_ms, struct str term);
/* One digit: from dtmf_pending or the next to come. */
int sound_digit(struct channel *ch, uint64_t timeout_ms, char *digit);
/* Does the sound exist? */
bool sound_exists(struct channel *ch, struct str name);
/* Play one of the named tones or a tone text; NULL-like empty name: stop. */
int sound_tone(struct channel *ch, struct str name);
/* transmit_silence: from now on, or no longer, while nothing else is heard. False: nothing was begun. */
bool sound_silence(struct channel *ch, bool on);

/* Names of the sounds that say a number (English), up to `max`; 0: does not fit. */
size_t say_number(int64_t n, char (*out)[32], size_t max);
/* Same for digits ("digits/1") and letters ("letters/a", "digits/1"). */
size_t say_digits(struct str s, char (*out)[32], size_t max);
size_t say_alpha(struct str s, char (*out)[32], size_t max);

#endif
