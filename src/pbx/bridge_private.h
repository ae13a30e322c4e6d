/* pbx/bridge_private.h -- what the files behind bridge.h share. Threads: core. */
#ifndef PBX_BRIDGE_PRIVATE_H
#define PBX_BRIDGE_PRIVATE_H

#include "pbx/bridge.h"
#include "pbx/features.h"

struct event;

enum { FEATURE_DIGITS = 12 };

struct member {
	struct list link;               /* in bridge.members */
	struct bridge *bridge;          /* held */
	struct channel *ch;             /* held */
	struct bridge_features f;       /* owns its texts */
	struct fiber *waiter;           /* in bridge_wait() */
	bool on_hold;                   /* it said CE_HOLD */
	bool busy;                      /* a feature's fiber works for it: events are in the channel's queue */
	char digits[FEATURE_DIGITS];    /* collected, not yet passed on */
	unsigned digit_ms[FEATURE_DIGITS];
	unsigned ndigits;
	struct timer digit_timer, limit_timer, warn_timer;
	uint64_t limit_at;              /* [ms] mono */
};

struct bridge {
	struct list link;               /* in pbx->bridges */
	struct pbx *pbx;
	struct text id, type, name, creator;
	struct list members;            /* oldest first */
	size_t count;
	bool native;                    /* both sessions are joined: BridgeTechnology native_rtp */
	bool dissolved;
	bool moving;                    /* members are exchanged: not empty even when it looks so */
	struct fiber *watcher;          /* woken when somebody leaves */
};

struct member *bridge_member(const struct channel *ch);      /* NULL: in none */
bool bridge_wants_digits(const struct channel *ch);
void bridge_headers(struct event *e, const char *prefix, const struct bridge *b);
/* The peer of a member hears / gets this. */
void bridge_pass_digit(struct member *m, char digit, unsigned ms);
/* A member goes; `cause` for those who must end with it. */
void bridge_leave(struct member *m, int cause);
void bridge_dissolve(struct bridge *b, int cause);
/* Its events come to the bridge again, those first that waited. */
void bridge_resume(struct member *m);
/* Put `in` where `out` was (Local optimisation, Replaces, pickup). `in` leaves its own
 * bridge first. `out` is left alone in no bridge. */
int bridge_swap(struct channel *in, struct channel *out);

/* bridge_features.c */
void bridge_features_stop(struct member *m);
/* True: the digit was taken (or kept for now). */
bool bridge_features_digit(struct member *m, char digit, unsigned ms);

#endif
