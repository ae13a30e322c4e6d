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
/* "Custom:x" or "x", kept in astdb. EINVAL: no name. */
int device_set_custom(struct pbx *p, struct str name, enum device_state s);
int device_del_custom(struct pbx *p, struct str name);       /* ENOENT */
/* Devices that are no channel technology's: "LABEL:name" (Confbridge, Park, MWI). */
typedef enum device_state device_fn(struct pbx *p, struct str name);
int device_add_provider(struct pbx *p, const char *label, device_fn *fn);
/* What is known of every device that was heard of, for listings. */
typedef void device_each_fn(void *arg, struct str device, enum device_state s);
void device_each(struct pbx *p, device_each_fn *fn, void *arg);

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
typedef void presence_each_fn(void *arg, struct str name, const struct presence *v);
void presence_each(struct pbx *p, presence_each_fn *fn, void *arg);
const char *exten_state_name(int state);     /* "Idle", "InUse&Ringing", ... */
/* Every hint of the dialplan, patterns too (their state is -1). */
struct hint_row {
	struct str context, exten, hint;
	int state;
	size_t watchers;
	struct presence presence;
};
typedef void hint_each_fn(void *arg, const struct hint_row *row);
void hint_each(struct pbx *p, hint_each_fn *fn, void *arg);
/* Watch an extension's hint; `fn` on every change of state or presence, and on removal. */
typedef void hint_fn(void *arg, int exten_state);
struct hint_watch;
struct hint_watch *hint_watch(struct pbx *p, struct str context, struct str exten, hint_fn *fn, void *arg);
void hint_unwatch(struct hint_watch *w);

#endif
