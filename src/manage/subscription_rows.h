/* manage/subscription_rows.h -- subscriptions as the manager and the console show them: those
 * of phones here, and ours on other servers. Threads: core. */
#ifndef MANAGE_SUBSCRIPTION_ROWS_H
#define MANAGE_SUBSCRIPTION_ROWS_H

#include "manage/manage.h"
#include "service/event/subscription.h"
#include "service/event/upstream.h"

/* Views that live until the next wait. */
struct subscription_show {
	bool inbound;
	struct str endpoint;            /* ours: the section's name */
	struct str name, number;        /* of the endpoint's callerid */
	struct str resource, event, call_id, state;
	struct str mailboxes, context;
	uint32_t left_s;
};

/* Those of phones, or ours; whatever begins and ends meanwhile.
 *   struct subscription_show_walk w = { .inbound = true };
 *   while (subscription_show_next(m, &w, &row))
 *           ... wait ...
 *   subscription_show_end(&w); */
struct subscription_show_walk {
	bool inbound;
	struct subscription_walk in;
	struct map_walk out;
};
bool subscription_show_next(struct manage *m, struct subscription_show_walk *w, struct subscription_show *row);
void subscription_show_end(struct subscription_show_walk *w);

/* "name" <number>, or what there is of it, or `none`. */
void subscription_callerid(const struct subscription_show *row, const char *none, struct buf *out);
/* Role, Endpoint, Callid, State, Callerid, and what the event has: in Asterisk's order. */
typedef void subscription_put_fn(void *arg, const char *key, struct str value);
void subscription_fields(struct manage *m, const struct subscription_show *row, subscription_put_fn *put, void *arg);

#endif
