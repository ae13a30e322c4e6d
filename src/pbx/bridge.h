/* pbx/bridge.h -- channels that hear each other. Event-driven: a bridge is the
 * sink of its members, so a member needs no fiber; one that has a fiber waits
 * in bridge_wait(). Media of two members are joined on their media thread.
 * Threads: core. */
#ifndef PBX_BRIDGE_H
#define PBX_BRIDGE_H

#include "pbx/channel.h"

struct event;

struct bridge_features {        /* of one member */
	bool hangup_star;               /* H/h: * ends the call */
	bool blind_transfer;            /* T/t */
	bool attended_transfer;
	bool park, automixmon;          /* K/k, X/x */
	bool consults;                  /* it transfers, and asks first: atxferabort and the like, and nothing else */
	bool dissolve_on_leave;         /* the bridge ends when this one leaves */
	struct text after_context, after_exten;  /* where it goes when the bridge ends; empty: hang up (or its fiber goes on) */
	int after_priority;
	bool after_h;                   /* h of after_context, whatever ended it */
	uint32_t limit_ms, warn_ms, warn_every_ms;       /* L() */
	struct text warn_sound, limit_sound;
};

enum { FEATURE_DIGITS = 12 };

struct features_map;
struct features_choice;

/* Others may read these; only pbx/bridge*.c writes. */
struct member {                 /* obj */
	struct list link;               /* in bridge.members */
	struct bridge *bridge;          /* held */
	struct channel *ch;             /* held */
	struct bridge_features f;       /* owns its texts */
	struct fiber *waiter;           /* in bridge_wait() */
	struct {                        /* what DYNAMIC_FEATURES named when it entered */
		struct features_map *map;       /* held; NULL: nothing */
		struct features_choice *v;      /* owned */
		size_t n;
	} dynamic;
	bool on_hold;                   /* it said CE_HOLD */
	bool on_fax;                    /* it asked for T.38, or has it */
	bool busy;                      /* a feature's fiber works for it: events are in the channel's queue */
	char digits[FEATURE_DIGITS];    /* collected, not yet passed on */
	unsigned digit_ms[FEATURE_DIGITS];
	unsigned ndigits;
	struct timer digit_timer, limit_timer, warn_timer;
	void (*limit_came)(struct member *m);   /* what bridge_limit_start() was given */
	uint64_t limit_at;              /* [ms] mono */
};

/* What the transferer in it pressed. */
enum bridge_wish { BRIDGE_WISH_NONE, BRIDGE_WISH_ABORT, BRIDGE_WISH_COMPLETE, BRIDGE_WISH_THREEWAY, BRIDGE_WISH_SWAP };

struct media_mix;

struct bridge {                 /* obj */
	struct pbx *pbx;
	struct text id, type, name, creator;
	struct list members;            /* oldest first */
	size_t count;
	bool native;                    /* packets pass as they are, here or from peer to peer: BridgeTechnology native_rtp */
	bool dissolved;
	bool moving;                    /* members are exchanged: not empty even when it looks so */
	struct fiber *watcher;          /* of an attended transfer: woken when somebody leaves, answers or wishes; features rest */
	enum bridge_wish wish;
	struct media_mix *mix;          /* of more than two; NULL: none */
};

int bridge_new(struct bridge **out, struct pbx *pbx, struct str type /* "basic", "holding", ... */);
struct str bridge_id(const struct bridge *b);                /* the uuid on the manager's wire */
/* Join: BridgeEnter. The bridge takes over the events. */
int bridge_add(struct bridge *b, struct channel *ch, const struct bridge_features *f);
/* Leave: BridgeLeave; the channel's sink is its queue again. */
int bridge_remove(struct channel *ch);
/* On ch's fiber: until it is out of the bridge. */
void bridge_wait(struct channel *ch);
/* Add both and wait with `caller`'s fiber; `peer` has none and is destroyed
 * or sent to its after-bridge place at the end. What Dial() does. */
int bridge_call(struct channel *caller, struct channel *peer, const struct bridge_features *caller_f,
		const struct bridge_features *peer_f);
struct channel *bridge_peer(const struct channel *ch);       /* the only other member, or NULL */
size_t bridge_count(const struct bridge *b);
/* All, by id, for listings that take several turns: see map_walk_next(). Not held. */
struct bridge *bridge_walk_next(struct pbx *p, struct map_walk *w);
struct bridge *bridge_by_id(struct pbx *p, struct str id);   /* NULL: none */
/* BridgeUniqueid, BridgeType ... each with `prefix`. */
void bridge_headers(struct event *e, const char *prefix, const struct bridge *b);
/* All leave: who has no fiber ends with `cause`. */
void bridge_dissolve(struct bridge *b, int cause);
/* Put `in` where `out` was (Local optimisation, Replaces, pickup). `in` leaves its own
 * bridge first. `out` is left alone in no bridge. */
int bridge_swap(struct channel *in, struct channel *out);

/* Transfers (used by REFER and by features). Send AMI BlindTransfer/AttendedTransfer. */
struct blind_transfer {
	struct str exten, context;
	bool external;                  /* by the protocol or a manager, not by digits */
	/* Before whoever is sent on goes (with more than one, a Local channel in their place). NULL: nothing. */
	void (*note)(void *arg, struct channel *sent);
	void *arg;
};
/* ENOENT no such extension, EINVAL there is nobody to send on, ENOMEM. */
int bridge_blind_transfer(struct channel *transferer, const struct blind_transfer *t);
int bridge_attended_transfer(struct channel *to_transferee, struct channel *to_target);
/* Move channel `from`'s place in the call (bridge, dial) to `to` (Replaces, pickup). */
int channel_replace(struct channel *to, struct channel *from);

#endif
