/* service/object/snapshot_internal.h -- a snapshot being loaded: what the snapshot's own
 * files share. */
#ifndef SERVICE_OBJECT_SNAPSHOT_INTERNAL_H
#define SERVICE_OBJECT_SNAPSHOT_INTERNAL_H

#include "service/object/objects.h"

/* One section that will be an object. */
struct source {
	const struct config *c;
	const struct config_section *s;
};

struct sources {
	struct source *v;       /* held */
	size_t n, cap;
	bool refused;           /* a duplicate: none of this type is taken */
};

#define FILES 4 /* pjsip.conf, pjsip_wizard.conf, acl.conf, http.conf */

/* What a snapshot owns besides its arena. */
struct snapshot_parts {
	struct object_build build;      /* acl sets and regexes live on in it */
	struct named_acls *acls;        /* held */
	struct config_stamp *stamp[FILES];      /* held */
};

struct loader {
	struct snapshot *s;
	struct snapshot *previous;      /* view; NULL */
	struct object_build *b;
	struct report *r;
	struct sources of[OBJECT_TYPES];
	struct option_index *index[OBJECT_TYPES];       /* held */
	struct config *c[2];            /* held: pjsip.conf, pjsip_wizard.conf */
	struct arena *made;             /* held: sections made of wizards */
	size_t hint_cap;
};

/* snapshot_resolve.c: names of other objects into pointers, where all are read. */
int resolve_all(struct loader *l);

#endif
