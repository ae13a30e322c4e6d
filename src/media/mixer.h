/* media/mixer.h -- for the core: sessions heard together in a mix, and taps on what
 * a session says and is sent. What is in them: media/mix.h, media/tap.h.
 * Threads: every function here is the core's; nothing blocks. */
#ifndef MEDIA_MIXER_H
#define MEDIA_MIXER_H

#include "media/media.h"
#include "media/mix.h"
#include "media/tap.h"

/* ---- mixes. A session hears all others of its mix, at the rate of the codec that it
 * sends, and tells MEDIA_TALK_BEGIN and MEDIA_TALK_END. What it plays (media_play,
 * tones, digits) it hears instead, as in a bridge; its digits come as events only. */

struct media_mix;       /* obj; the owner closes, members keep references */

int media_mix_new(struct media_mix **out, struct media *m);  /* ENOMEM */
/* All members leave; drops the caller's reference. */
void media_mix_close(struct media_mix *x);
size_t media_mix_members(const struct media_mix *x);

struct media_member {
	uint32_t gain;          /* of what it says, in 1/MIX_UNITY */
	bool mute;              /* nobody hears it */
	bool deaf;              /* it hears nothing */
	uint16_t talk_level, talk_ms, quiet_ms;         /* see mix_member_prm; only at the join */
};
/* Takes the session out of its bridge or of another mix, and to the thread of this
 * mix. Of this mix already: only sets. EINVAL no audio session, or of another media;
 * EXDEV another session of its wire, or of one that is bridged to it, is in a mix on
 * another thread; ESHUTDOWN closed;
 * ENOMEM, ENOBUFS. */
int media_mix_join(struct media_mix *x, struct media_session *s, const struct media_member *set);
/* EINVAL: it is in none. */
int media_mix_set(struct media_session *s, const struct media_member *set);
/* Also done by media_bridge() and media_session_close(). In none: nothing. */
int media_mix_leave(struct media_session *s);
bool media_session_mixed(const struct media_session *s);

/* ---- taps. As many as wanted on a session, whatever it is joined to. A bridge goes on
 * relaying as it did; what passes is decoded for the tap besides. */

struct media_tap;       /* gone when `done` returns */

struct media_tap_prm {
	struct tap_sink sink;   /* taken in any case */
	size_t ring_bytes;      /* 0: enough for two seconds at the session's rate */
	tap_done_fn *done;      /* exactly once, on the core: stopped, failed, session or media closed */
	void *arg;
};
/* EINVAL no audio session; ESHUTDOWN, ENOMEM, ENOBUFS, errno of pthread_create(). */
int media_tap_start(struct media_tap **out, struct media_session *s, const struct media_tap_prm *prm);
/* What has passed until now is written; then `done`. ENOMEM, ENOBUFS: it goes on. */
int media_tap_stop(struct media_tap *t);
/* The filters that tap_wav_new() wants, made when they are first needed: a view. NULL: ENOMEM. */
struct rate_bank *media_rates(struct media *m);

#endif
