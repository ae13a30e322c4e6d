/* pbx/devstate_private.h -- what devstate.c, presence.c, hint.c and the registry
 * share.
 * Threads: core. */
#ifndef PBX_DEVSTATE_PRIVATE_H
#define PBX_DEVSTATE_PRIVATE_H

#include "base/list.h"
#include "base/text.h"
#include "pbx/devstate.h"

struct device {
	struct text name;               /* "PJSIP/alice", "Custom:lamp" */
	enum device_state state;        /* of all servers together */
	enum device_state own;          /* its technology's, or as set */
	enum device_state local;        /* own, with what its phones have said */
	struct list remotes;            /* struct device_remote: on other servers, and what phones said */
	bool known;             /* asked at least once */
	bool custom;            /* its state was set and is not asked for */
	bool busy;              /* its watchers are being told */
	struct list changed;    /* in devstates.changed */
	struct list hints;      /* struct hint_device */
};

struct device_remote {
	struct list link;       /* in device.remotes */
	struct text eid;        /* of the server, or the publication */
	enum device_state state;
	bool published;         /* here, by a phone */
};

/* Who makes something of devices and presences is told when they change. */
struct device_observer {
	void (*device)(struct pbx *p, struct device *d);
	void (*presence)(struct pbx *p, struct str name /* "CustomPresence:alice" */);
};

struct devstates {              /* obj: a deferred call holds it */
	struct pbx *pbx;                /* NULL: gone */
	struct map *by_name;            /* struct device */
	struct map *presences;          /* struct custom_presence */
	struct map *providers;          /* struct provider, by label */
	struct list changed;
	bool deferred;
	const struct device_observer *observer;        /* the hints; NULL: nobody */
	struct list listeners;          /* struct device_listener */
	size_t remotes;                 /* of all devices */
};

/* ---- devstate_remote.c */
enum device_state device_local(const struct device *d, enum device_state own);       /* with what phones said */
enum device_state device_together(const struct device *d, enum device_state local);  /* with other servers */
/* ENOSPC: they say too much; ENOMEM. */
int device_told_set(struct devstates *ds, struct device *d, struct str source, bool published, enum device_state s, bool *changed);
bool device_told_del(struct devstates *ds, struct device *d, struct str source);     /* of a phone; false: there is none */
void device_told_free(struct device *d);

/* ---- devstate.c */
int devstates_new(struct pbx *p);
void devstates_free(struct pbx *p);
/* Its state asked for when new. NULL: ENOMEM. */
struct device *device_take(struct pbx *p, struct str name);
/* Forgets it when nobody needs it any more. */
void device_release(struct pbx *p, struct device *d);
/* A technology came: what hints know of its devices was a guess. */
void devices_of_tech_changed(struct pbx *p, const struct channel_tech *t);
void presences_free(struct devstates *ds);

int hints_new(struct pbx *p);
void hints_free(struct pbx *p);
/* The dialplan changed: which hints there are, and of what. */
void hints_changed(struct pbx *p);

int device_to_exten(enum device_state s);

#endif
