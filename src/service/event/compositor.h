/* service/event/compositor.h -- what others publish here (type=inbound-publication; RFC 3903 6).
 * Threads: core. */
#ifndef SERVICE_EVENT_COMPOSITOR_H
#define SERVICE_EVENT_COMPOSITOR_H

#include "base/hash.h"
#include "pbx/devstate.h"
#include "service/common/service.h"

int compositor_start(struct service *svc);
void compositor_free(struct service *svc);
/* After a reload: what may not be published any more is forgotten, and no longer counts. */
void compositor_reload(struct service *svc);

/* One publication, all there is to know of it: compositor_restore() makes the same of a row. For listings
 * that take several turns: all, oldest first. A row's views live until the next wait.
 *   struct map_walk w = { 0 };
 *   while (compositor_next(svc, &w, &row))
 *           ...
 *   map_walk_end(&w); */
struct taken_row {
	struct str etag, event, resource, endpoint;
	struct str section;             /* event_NAME= of the resource's inbound-publication */
	struct str device;              /* presence, dialog: whose state it is; else empty */
	enum device_state state;        /* of that device; DEV_UNKNOWN: it says none */
	uint32_t expires_s, left_s;     /* granted; until its end */
	uint64_t kept;                  /* id of its row on disk; 0: none */
};
bool compositor_next(const struct service *svc, struct map_walk *w, struct taken_row *row);
/* From before a restart. EINVAL: no such event; EPERM: not as the configuration is now; EEXIST; EDQUOT, ENOSPC, ENOMEM. */
int compositor_restore(struct service *svc, const struct taken_row *row);

struct taken_counters {
	uint64_t begun, renewed, changed, removed, expired, refused;
	size_t now;
};
void compositor_count(const struct service *svc, struct taken_counters *out);

#endif
