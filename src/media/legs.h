/* media/legs.h -- inside media/: what hangs on a stream that is in a mix or has taps.
 * Made by the core (mixer.c), handed to the thread with CMD_RUN, and back with EV_RUN.
 * Threads: each struct says what is whose; the functions are the stream's thread's. */
#ifndef MEDIA_LEGS_H
#define MEDIA_LEGS_H

#include "media/mix.h"
#include "media/tap.h"
#include "media/thread.h"

/* ---- a mix and its members */

struct mixer {                  /* the thread's while it has members */
	struct mthread *t;      /* constant once there was a member */
	struct mix *mix;
	struct list link;       /* in t->mixes */
	struct list legs;       /* of struct mix_leg */
	uint64_t next_us;       /* of the next tick */
};

enum { LEG_SAMPLES = 4096 };    /* the longest packet: 255 ms of G.722 */

struct mix_leg {
	struct run run;         /* joins; given back when it has left */
	struct mixer *mixer;
	struct mix_member *member;
	struct stream *s;
	struct list link;
	/* what it says: its place in time from RTP's */
	bool started;
	uint32_t ssrc, ts;
	uint64_t at;            /* [samples] */
	uint32_t rate_in;       /* of the codec received; other than the member's: resampled */
	struct rate rate;
	const struct rate_bank *bank;   /* view; the mix holds it */
	/* what it hears, until it is a packet */
	size_t n;
	int16_t pcm[LEG_SAMPLES + MIX_FRAME];
	/* the core's */
	struct media_session *session;
	struct media_mix *x;    /* held */
};

struct mix_ask {                /* a change, or the end (`leave`) of a leg */
	struct run run;
	struct mix_leg *leg;    /* compared only: it may have gone */
	bool leave, mute, deaf;
	uint32_t gain;
};

void mix_leg_out(void *leg, const struct mix_frame *f);     /* mix_member_prm */
void mix_leg_talk(void *leg, bool talking);
void mix_leg_join(struct stream *s, struct run *r);
void mix_leg_ask(struct stream *s, struct run *r);
/* The stream closes, or goes to another thread: the leg goes back to the core. */
void mix_leg_detach(struct stream *s);
void mix_leg_hear(struct stream *s, const struct stream_codec *c, const struct rtp *r, const uint8_t *p);
/* Mixes whose time has come; when the next one's comes (UINT64_MAX: there is none). */
void mixer_ticks(struct mthread *t);
uint64_t mixer_due(const struct mthread *t);

/* ---- taps */

enum { TAP_DECODERS = 8 };

struct tap_lane {               /* a direction */
	bool started;
	uint32_t ssrc, ts;
	uint64_t at;            /* [samples] */
	/* states of our own: the stream's belong to what is relayed */
	struct { const struct codec *row; void *st; } dec[TAP_DECODERS];
	size_t ndec;
};

struct tap_leg {
	struct run run;         /* attaches; given back when it is no longer attached */
	struct run stop;        /* detaches; given back at once */
	struct tap_leg *next;   /* of the same stream */
	struct tap *tap;
	bool finished;          /* tap_finish() was called */
	struct tap_lane lane[TAP_DIRS];
};

void tap_leg_attach(struct stream *s, struct run *r);
void tap_leg_stop(struct stream *s, struct run *r);
void tap_leg_detach_all(struct stream *s);           /* the stream closes */
void tap_leg_heard(struct stream *s, const struct stream_codec *c, const struct rtp *r, const uint8_t *p);
void tap_leg_sent(struct stream *s, const uint8_t *packet, size_t n);

#endif
