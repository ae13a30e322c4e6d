/* pbx/devstate.h -- states of devices and the hints made of them. Threads: core. */
#ifndef PBX_DEVSTATE_H
#define PBX_DEVSTATE_H

#include "base/hash.h"
#include "pbx/pbx.h"

enum device_state { DEV_UNKNOWN, DEV_NOT_INUSE, DEV_INUSE, DEV_BUSY, DEV_INVALID, DEV_UNAVAILABLE,
	DEV_RINGING, DEV_RINGINUSE, DEV_ONHOLD, DEV_STATES };
const char *device_state_name(enum device_state s);  /* "NOT_INUSE" */
int device_state_of(struct str name, enum device_state *s);

/* Something about "PJSIP/alice" may have changed: asks its technology, and when
 * the state differs sends DeviceStateChange and recomputes hints (coalesced to
 * the end of this loop turn). */
void device_changed(struct pbx *p, struct str device);
enum device_state device_get(struct pbx *p, struct str device);
/* "Custom:x" or "x", kept in astdb. EINVAL: no name. */
int device_set_custom(struct pbx *p, struct str name, enum device_state s);
int device_del_custom(struct pbx *p, struct str name);       /* ENOENT */
/* Another server, `eid`, says this of a device: its state is what all servers say, together.
 * ENOSPC: they say too much. */
int device_set_remote(struct pbx *p, struct str device, struct str eid, enum device_state s);
/* What a phone of ours has said of itself (RFC 3903), by way of `source`, which is unlike all others.
 * DEV_UNAVAILABLE, "closed", shows while no other source says otherwise and the device is idle; all
 * else counts together with what is known here. ENOSPC: too much. */
int device_set_published(struct pbx *p, struct str device, struct str source, enum device_state s);
void device_del_published(struct pbx *p, struct str device, struct str source);
/* What happens to devices here, with what their phones have said; whatever other servers say of them. */
struct device_listener {
	struct list link;               /* list_remove() ends it, not inside `changed` */
	void (*changed)(void *arg, struct str device, enum device_state own);
	void *arg;
};
void device_listen(struct pbx *p, struct device_listener *l);
/* Devices that are no channel technology's: "LABEL:name" (Confbridge, Park, MWI). */
typedef enum device_state device_fn(struct pbx *p, struct str name);
int device_add_provider(struct pbx *p, const char *label, device_fn *fn);
/* What is known of every device that was heard of, by name; then what only the
 * database knows. For listings: like map_walk_next() it may take several turns, in
 * which anything changes. A row's views live until the next wait or change.
 *   struct device_walk w = { 0 };
 *   while (device_next(p, &w, &row))
 *           ...
 *   device_walk_end(&w); */
struct device_row {
	struct str name;
	enum device_state state;
	enum device_state own;          /* here, with what phones said; DEV_INVALID: there is none here */
	bool again;                     /* came before: a row all the same, so that none takes long */
};
struct device_walk {
	struct map_walk known, stored;
	struct buf name;
};
bool device_next(struct pbx *p, struct device_walk *w, struct device_row *row);
void device_walk_end(struct device_walk *w);

/* What several devices are together, as extension states count. */
struct device_sum {
	enum device_state state;
	bool ringing, inuse;
};
void device_sum_init(struct device_sum *s);
void device_sum_add(struct device_sum *s, enum device_state d);

/* Extension states: bits as the manager numbers them. */
enum { EXTEN_REMOVED = -2, EXTEN_DEACTIVATED = -1, EXTEN_IDLE = 0, EXTEN_INUSE = 1, EXTEN_BUSY = 2,
	EXTEN_UNAVAILABLE = 4, EXTEN_RINGING = 8, EXTEN_ONHOLD = 16 };
/* -1: no hint there. *hint: the hint's text. */
int hint_state(struct pbx *p, struct str context, struct str exten, struct str *hint);
/* Presence state of a hint: "available", subtype, message. */
struct presence {
	struct str state, subtype, message;
};
bool hint_presence(struct pbx *p, struct str context, struct str exten, struct presence *out);
/* "CustomPresence:x" or "x", kept in astdb. EINVAL: no such state. */
int presence_set_custom(struct pbx *p, struct str name, const struct presence *v);
int presence_del_custom(struct pbx *p, struct str name);     /* ENOENT */
/* Of "CustomPresence:x", or of several joined with &: the most telling one. The
 * views live until the next change. False: no such provider. */
bool presence_get(struct pbx *p, struct str name, struct presence *out);
/* All that were set, as device_next() does it. */
struct presence_row {
	struct str name;                /* without "CustomPresence:" */
	struct presence v;
	bool again;
};
struct presence_walk {
	struct map_walk known, stored;
};
bool presence_next(struct pbx *p, struct presence_walk *w, struct presence_row *row);
void presence_walk_end(struct presence_walk *w);
const char *exten_state_name(int state);     /* "Idle", "InUse&Ringing", ... */
/* Every hint of the dialplan by "exten@context", then patterns (their state is -1);
 * as device_next() does it. */
struct hint_row {
	struct str context, exten, hint;
	int state;
	size_t watchers;
	struct presence presence;
};
struct hint_walk {
	struct map_walk hints;
	enum hint_walk_part { HINT_WALK_HINTS, HINT_WALK_PLAN, HINT_WALK_ADDED, HINT_WALK_OVER } part;
	size_t context, exten;          /* the next of the part */
};
bool hint_next(struct pbx *p, struct hint_walk *w, struct hint_row *row);
void hint_walk_end(struct hint_walk *w);
/* Watch an extension's hint; `fn` on every change of state or presence, and on removal. */
typedef void hint_fn(void *arg, int exten_state);
struct hint_watch;
struct hint_watch *hint_watch(struct pbx *p, struct str context, struct str exten, hint_fn *fn, void *arg);
void hint_unwatch(struct hint_watch *w);
/* Every change of every hint, as a watch of each would hear it, and the first state of a new one.
 * list_remove(&o->link) ends it, not inside `changed`. */
struct hint_observer {
	struct list link;
	void (*changed)(void *arg, struct str context, struct str exten, int exten_state);
	void *arg;
};
void hint_observe(struct pbx *p, struct hint_observer *o);

#endif
