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
	struct ticker ticker;   /* in t->tickers */
	struct mthread *t;      /* constant once there was a member */
	struct mix *mix;
	struct list legs;       /* of struct mix_leg */
};

enum { LEG_SAMPLES = 4096 };    /* the longest packet: 255 ms of G.722 */

struct mix_leg {
	struct run run;         /* joins; given back when it has left */
	struct stream_ear ear;
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
/* ---- taps */

enum { TAP_DECODERS = 8 };

struct tap_lane {               /* a direction */
	bool started;
	uint32_t ssrc, ts;
	uint64_t at;            /* [samples] */
	/* states of our own: the stream's belong to what is relayed */
	struct { const struct codec *row; void *st; } dec[TAP_DECODERS];
	struct decode_place place;
	size_t ndec;
};

struct tap_leg {
	struct run run;         /* attaches; given back when it is no longer attached */
	struct run stop;        /* detaches; given back at once */
	struct stream_ear ear;
	struct tap *tap;
	bool finished;          /* tap_finish() was called */
	struct tap_lane lane[TAP_DIRS];
};

void tap_leg_attach(struct stream *s, struct run *r);
void tap_leg_stop(struct stream *s, struct run *r);

#endif
