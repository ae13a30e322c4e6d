/* pbx/devstate.h -- states of devices and the hints made of them. Threads: core. */
#ifndef PBX_DEVSTATE_H
#define PBX_DEVSTATE_H

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
int device_set_custom(struct pbx *p, struct str name, enum device_state s);  /* Custom:x, kept in astdb */

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
int presence_set_custom(struct pbx *p, struct str name, const struct presence *v);
/* Watch an extension's hint; `fn` on every change of state or presence, and on removal. */
typedef void hint_fn(void *arg, int exten_state);
struct hint_watch;
struct hint_watch *hint_watch(struct pbx *p, struct str context, struct str exten, hint_fn *fn, void *arg);
void hint_unwatch(struct hint_watch *w);

#endif
