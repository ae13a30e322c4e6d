/* service/event/subscription.h -- SUBSCRIBE and NOTIFY (RFC 6665): states of
 * extensions (RFC 3856 presence, RFC 4235 dialog), waiting messages (RFC 3842), and
 * lists of them (RFC 4662). Threads: core. */
#ifndef SERVICE_SUBSCRIPTION_H
#define SERVICE_SUBSCRIPTION_H

#include "base/hash.h"
#include "service/place/location.h"

int subscriptions_start(struct service *svc);
/* Those that the disk has go on; each gets a NOTIFY, once the loop turns. */
int subscriptions_restore(struct service *svc);
/* Those that the disk has hear nothing. Others are told to come again (reason deactivated):
 * once, nobody waits for the answer any more. */
void subscriptions_free(struct service *svc);
/* Those that only this connection led to have ended: nobody can be told. */
void subscriptions_closed(struct service *svc, uint64_t conn);
/* After a reload: mailboxes of endpoints and AORs may have changed. */
void subscriptions_reload(struct service *svc);

/* For listings that take several turns: all, oldest first, whatever begins and ends
 * meanwhile. A row's views live until the next wait.
 *   struct subscription_walk w = { 0 };
 *   while (subscription_next(svc, &w, &row))
 *           ...
 *   subscription_walk_end(&w); */
struct subscription_row {
	const struct endpoint *ep;
	struct str resource, event, call_id, callerid, state;   /* state: "ACTIVE", "TERMINATED" */
	uint32_t left_s;
};
struct subscription_walk {
	struct subscription *at;        /* held: the one given last */
};
bool subscription_next(struct service *svc, struct subscription_walk *w, struct subscription_row *row);
void subscription_walk_end(struct subscription_walk *w);

/* ---- mailboxes: mwi.c ---- */

/* Tells the manager (MessageWaiting) and whoever watches. Kept in the database. */
int mailbox_set(struct service *svc, struct str name, uint32_t new_msgs, uint32_t old_msgs);
int mailbox_delete(struct service *svc, struct str name);    /* ENOENT. Who watches hears 0/0, unless it was that */
/* What another server has in it, beside what is here: counted together. ENOSPC: it says too much. */
int mailbox_set_remote(struct service *svc, struct str name, struct str eid, uint32_t new_msgs, uint32_t old_msgs);
/* What is set here. */
struct mailbox_listener {
	struct list link;               /* list_remove() ends it, not inside `changed` */
	void (*changed)(void *arg, struct str name, uint32_t new_msgs, uint32_t old_msgs);
	void *arg;
};
void mailbox_listen(struct service *svc, struct mailbox_listener *l);
bool mailbox_get(struct service *svc, struct str name, uint32_t *new_msgs, uint32_t *old_msgs);
/* All that the database has, by name, as astdb_next() does it. The name lives until
 * the walk goes on. */
struct mailbox_row {
	struct str name;
	uint32_t new_msgs, old_msgs;
};
bool mailbox_find(struct service *svc, struct str name, struct mailbox_row *row);    /* that one; name is row's */
bool mailbox_next(struct service *svc, struct map_walk *w, struct mailbox_row *row);

method_fn subscribe_request, notify_request, publish_request;
method_fn refer_request;        /* outside of a call: refer.c */

#endif
