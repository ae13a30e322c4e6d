/* media/hooks.h -- for the core: what may listen to a session's sound or change it while it passes
 * (VOLUME(), TALK_DETECT(), JITTERBUFFER() and their like). Each stays until it is stopped or the
 * session closes; those that change the sound work in the order in which they were started.
 * What they find comes as MEDIA_HOOK with their tag.
 * Threads: core. What a _set() says is in force from the next packet on. */
#ifndef MEDIA_HOOKS_H
#define MEDIA_HOOKS_H

#include "media/media.h"

struct media_hook;

/* A hook belongs to the pointer that its start was given: it is cleared when the hook is gone, and
 * stays where it is until then. Stopping clears it at once. */
void media_hook_stop(struct media_hook **h);
/* The codecs that its session has agreed on, a bit each: what hears at their rates (the two of
 * media_speech_start()) is to be started anew when they change. */
uint64_t media_session_formats(const struct media_session *s);

/* All that start: ESHUTDOWN, EINVAL (no sound), ENOBUFS (eight are there), ENOMEM. */

/* Times `gain`, or with a negative one divided by it; 0: as it is. Of what comes, of what leaves. */
int media_volume_start(struct media_hook **out, struct media_session *s, float rx, float tx);
void media_volume_set(struct media_hook *h, float rx, float tx);

/* Talking: .count 1 the mean magnitude of a packet has reached `level`, 0 it was under it for `quiet_ms`;
 * then .ms: how long the talk was, without that. */
int media_talk_start(struct media_hook **out, struct media_session *s, uint32_t level, uint32_t quiet_ms, uint32_t tag);
void media_talk_set(struct media_hook *h, uint32_t level, uint32_t quiet_ms);

/* A word: talk that was longer than `min_ms` and shorter than `max_ms` (0: as long as it likes) and
 * then over for more than `quiet_ms`; once, within the first `within_ms` (0: always). .ms: its length. */
struct media_word { uint32_t level, quiet_ms, min_ms, max_ms, within_ms; };
int media_word_start(struct media_hook **out, struct media_session *s, const struct media_word *w, uint32_t tag);

/* Silence, or with `noise` the lack of it, for `ms` without a break: .count 1; begins anew at each packet of
 * the other kind. */
int media_silence_start(struct media_hook **out, struct media_session *s, uint32_t level, uint32_t ms, bool noise, uint32_t tag);

/* What comes or leaves is silence. */
int media_mute_start(struct media_hook **out, struct media_session *s, bool rx, bool tx);
void media_mute_set(struct media_hook *h, bool rx, bool tx);

/* Noise taken away, and a level of `agc` (1 to 32768; 0: none) kept. ENOSYS: built without speexdsp. */
struct media_speech { bool denoise; float agc; };
int media_speech_start(struct media_hook **out, struct media_session *s, const struct media_speech *rx, const struct media_speech *tx);
void media_speech_set(struct media_hook *h, const struct media_speech *rx, const struct media_speech *tx);
bool media_speech_exists(void);

/* Fax machines: .count 1 the preamble of V.21 was heard in what comes, 2 in what leaves; once each. Only in sound at
 * 8000 Hz. It listens until _set() says otherwise; `silent`: both directions are silence meanwhile. */
int media_fax_listen_start(struct media_hook **out, struct media_session *s, uint32_t tag);
/* A calling fax machine (CNG) in what comes: .count 1, once. */
int media_cng_listen_start(struct media_hook **out, struct media_session *s, uint32_t tag);
void media_fax_listen_set(struct media_hook *h, bool listens, bool silent);

/* What the peer says is passed on evenly, late by a time that is `max_ms` (fixed) or follows the jitter
 * (adaptive). A second one: what the first has kept is lost. */
struct media_delay { bool adaptive; uint32_t max_ms, resync_ms; int32_t extra_ms; };
int media_delay_start(struct media_hook **out, struct media_session *s, const struct media_delay *d);

#endif
