/* pbx/hint_private.h -- a hint as hint.c keeps it, for hint_list.c. Threads: core. */
#ifndef PBX_HINT_PRIVATE_H
#define PBX_HINT_PRIVATE_H

#include "base/hash.h"
#include "pbx/devstate_private.h"

struct hint_watch {
	struct list link;       /* in hint.watches */
	struct hint *hint;
	hint_fn *fn;            /* NULL: gone while the list was walked */
	void *arg;
};

/* A device's place in a hint, listed with both. */
struct hint_device {
	struct list link;       /* in device.hints */
	struct hint *hint;
	struct device *device;
};

struct hint {                   /* obj: a walk over its watches holds it */
	struct pbx *pbx;
	struct text key;                /* "exten@context" */
	struct text context, exten;
	struct text text;               /* what the dialplan says, substituted */
	struct hint_device *device;     /* held */
	size_t devices;
	struct text presence_source;
	struct text presence;           /* as last told: "state,subtype,message" */
	int state;
	bool gone;              /* no longer in the dialplan; watches still hold it */
	bool seen;              /* in a new dialplan, while it is compared */
	unsigned walk;          /* the last walk over all hints that came by */
	bool by_pattern;        /* exists for its watches only */
	struct list watches;
	unsigned walking;
};

struct hints {
	struct map *by_key;
	struct list observers;  /* struct hint_observer */
	unsigned walk;          /* walks over all of them so far */
};

#endif
