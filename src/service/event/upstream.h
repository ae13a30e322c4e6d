/* service/event/upstream.h -- mailboxes on other servers that we subscribe to
 * (type=outbound-subscription; RFC 6665 as subscriber, RFC 3842). What their NOTIFYs say is
 * in the mailbox that the section names, as if the manager had set it. Asterisk has nothing
 * like it. Threads: core. */
#ifndef SERVICE_EVENT_UPSTREAM_H
#define SERVICE_EVENT_UPSTREAM_H

#include "base/hash.h"
#include "service/common/service.h"

/* Each section of the configuration; SUBSCRIBE goes out a second later. After
 * subscriptions_start(). */
int upstreams_start(struct service *svc);
/* New ones subscribe, removed ones end; one that changed in any option does both. The others
 * keep what they have. */
void upstreams_reload(struct service *svc);
/* End all, for good; upstreams_resume() subscribes again. */
void upstreams_stop(struct service *svc);
void upstreams_resume(struct service *svc);
bool upstreams_busy(const struct service *svc);      /* one waits for its last NOTIFY */
void upstreams_free(struct service *svc);

/* All by name, as map_walk_next() does it. A row's views live until the next wait. */
struct upstream_row {
	struct str name, server, mailbox, event;
	struct str call_id;             /* empty: it has no dialog now */
	const char *state;              /* "ACTIVE": as Asterisk names states of subscriptions */
	uint32_t left_s;                /* until it ends unless it is renewed */
	uint32_t next_s;                /* until the next SUBSCRIBE; 0: none is planned */
};
bool upstream_next(const struct service *svc, struct map_walk *w, struct upstream_row *row);

#endif
