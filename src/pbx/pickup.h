/* pbx/pickup.h -- a call that rings at one phone is taken by another. Who may be picked up, by
 * whom, and how: what Pickup(), PickupChan() and features.conf's pickupexten do.
 * Threads: core. */
#ifndef PBX_PICKUP_H
#define PBX_PICKUP_H

#include "pbx/channel.h"

/* It is called, and whoever calls it still waits for it. */
bool pickup_possible(const struct channel *target);
/* The oldest call of a group that `ch` may pick up; NULL: none. */
struct channel *pickup_find_group(struct channel *ch);
/* `ch` is answered and takes the place of `target`, whose leg is in `ch` from then on: the caller of this function ends it.
 * ENOENT it can't be picked up (any more), ECANCELED `ch` has gone, errno of channel_exchange(). */
int pickup_take(struct channel *ch, struct channel *target);
/* A fiber that picks up by group with the sounds of features.conf, without a dialplan, and ends the channel. ENOMEM, EBUSY. */
int pickup_start(struct channel *ch);

/* Names of groups: "sales, support" in the order that Asterisk shows them in, each once. ENOMEM. */
int named_groups_set(struct text *to, struct str names);
bool named_groups_meet(struct str a, struct str b);
/* "1,3-5" to bits; what is wrong is logged and left out. */
uint64_t groups_parse(struct str s);

#endif
