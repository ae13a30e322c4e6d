/* service/common/flow.h -- what is reached by one connection and by nothing else: contacts and subscriptions of
 * pages, and of phones behind NAT that came over TCP or TLS. When it closes, they end. Threads: core. */
#ifndef SERVICE_FLOW_H
#define SERVICE_FLOW_H

#include "base/hash.h"
#include "base/list.h"

/* One of these: a member of what is reached. All zero: of no connection. */
struct flow_member {
	struct list link;
	uint64_t conn;
};

/* By connection; flows_free(): all members have left. NULL: ENOMEM. */
struct map *flows_new(void);
void flows_free(struct map *flows);
/* Leaves the one that it had. `conn` 0: none. ENOMEM: it is of none. */
int flow_join(struct map *flows, struct flow_member *m, uint64_t conn);
void flow_leave(struct map *flows, struct flow_member *m);
struct flow_member *flow_first(const struct map *flows, uint64_t conn);     /* NULL: nobody is */

#endif
