/* media/hook.h -- inside media/: sound that passes a stream, looked at or changed on its way. A
 * hook hears what came from the peer before anybody else does (bridge, mix, functions), or what
 * is about to leave; what it changes is encoded again in the same codec, so that nobody behind it
 * knows. The kinds are hook_NAME.c; what the core may ask for is media/hooks.h.
 *
 *    came ─▶ early: listening ─▶ delay ─▶ taps ─▶ the others, oldest first ─▶ bridge, mix, echo
 *    bridge, mix, files, tones ─▶ taps ─▶ hooks, oldest first ─▶ leaves
 *
 * A packet pays one comparison where there is no hook. Nothing is allocated on the thread.
 * Threads: each struct says whose it is; functions are the stream's thread's but where it is said. */
#ifndef MEDIA_HOOK_H
#define MEDIA_HOOK_H

#include "media/hooks.h"
#include "media/thread.h"

enum hook_lane { LANE_EARLY, LANE_HEARD, LANE_SENT, LANES };
enum { LANE_CODECS = 4 };

struct hook_sound {
	enum hook_lane lane;
	uint32_t rate;          /* [Hz] */
	size_t n;
	int16_t *pcm;           /* view; may be changed in place */
};

struct hook_ops {
	uint8_t lanes;          /* bit of each enum hook_lane that it may want */
	/* Optional: not now. Without any that wants it a packet is not even decoded. */
	bool (*wants)(struct media_hook *h, enum hook_lane lane);
	/* true: it was changed. NULL: only `keeps` */
	bool (*pass)(struct media_hook *h, struct hook_sound *f);
	/* Optional: a packet of the peer's, whole, behind the early hooks. true: it was kept, and hook_release()
	 * lets it go on. */
	bool (*keeps)(struct media_hook *h, const struct stream_codec *c, const struct rtp *r, const uint8_t *p);
	/* Optional. The stream is on a thread now, is about to leave it. */
	void (*arrive)(struct media_hook *h);
	void (*depart)(struct media_hook *h);
	void (*free)(struct media_hook *h);     /* core: the last of it; the whole block that it is in */
};

struct media_hook {             /* at the beginning of what a kind allocates */
	struct run run, stop;
	const struct hook_ops *ops;
	struct media_hook *next;        /* the thread's: of the same stream */
	struct stream *s;               /* the thread's; NULL: not attached */
	uint32_t tag;                   /* of its events */
	/* the core's */
	struct media_session *session;  /* held */
	struct media_hook **holder;     /* cleared with it; NULL: it was stopped */
	unsigned left;                  /* of run and stop, how many are to come back */
};

/* States of the codecs that have some, for each lane. The core makes them, the stream has them. */
struct hook_lanes {
	struct run run;
	size_t n;
	struct { const struct codec *row; void *dec[LANES], *enc[LANES]; } of[LANE_CODECS];
};

/* hook.c. Core: puts `h` into *out, or frees it by its ops. ESHUTDOWN, EINVAL (no audio), ENOBUFS, ENOMEM. */
int hook_start(struct media_hook **out, struct media_hook *h, struct media_session *s, const struct hook_ops *ops, uint32_t tag);

/* hook_run.c */
void hook_attach(struct stream *s, struct run *r);
void hook_stop(struct stream *s, struct run *r);
void hook_take_lanes(struct stream *s, struct run *r);
void hook_tell(struct media_hook *h, unsigned what, uint32_t ms);    /* MEDIA_HOOK */
/* What was kept goes on: the whole packet `p`, in memory that may be written to. */
void hook_release(struct stream *s, uint8_t *p, size_t n);

#endif
