/* pbx/bridge_private.h -- what the files behind bridge.h share. Threads: core. */
#ifndef PBX_BRIDGE_PRIVATE_H
#define PBX_BRIDGE_PRIVATE_H

#include "pbx/bridge.h"
#include "pbx/features.h"

/* bridge_member.c */
struct member *bridge_member(const struct channel *ch);      /* NULL: in none */
struct member *bridge_other(const struct bridge *b, const struct channel *ch);       /* the first who is not `ch` */
bool bridge_wants_digits(const struct channel *ch);
/* bridge.c */
void bridge_let_go(struct channel *ch);      /* it ends: out of its bridge, if it is in one */
/* The peer of a member hears / gets this. */
void bridge_pass_digit(struct member *m, char digit, unsigned ms);
void bridge_indicate_others(struct member *m, enum indication ind, const void *data);
/* A member goes; `cause` for those who must end with it. */
void bridge_leave(struct member *m, int cause);
/* Its events come to the bridge again, those first that waited. */
void bridge_resume(struct member *m);
void bridge_dissolve_by(struct member *m);   /* who wants it leaves first */

/* bridge_events.c: the chan_sink_fn of members. */
void bridge_sink(void *arg, struct channel *ch, struct chan_event *e);

/* bridge_limit.c */
/* `came` when the time is over and the last words are said. */
void bridge_limit_start(struct member *m, void (*came)(struct member *m));
void bridge_limit_stop(struct member *m);
void bridge_limit_said(struct member *m);    /* a sound in its session ended */

/* bridge_native.c: b->native, and where the members' peers send, by what holds now. */
void bridge_native_update(struct bridge *b);
void bridge_heard_anew(struct channel *ch);          /* pbx->heard_anew */

/* bridge_mix.c: more than two hear one another in a mix, by who is in it now. */
void bridge_mix_update(struct bridge *b);
void bridge_mix_leave(struct bridge *b, struct channel *ch);

/* bridge_record.c */
void bridge_record_toggle(struct member *m);         /* automixmon */

/* bridge_dynamic.c */
int bridge_features_begin(struct member *m);         /* it enters: what DYNAMIC_FEATURES gives it. ENOMEM */

/* bridge_features.c */
/* True: the digit was taken (or kept for now). */
bool bridge_features_digit(struct member *m, char digit, unsigned ms);

#endif
