/* service/place/location_private.h -- what the files of the locations share. Threads: core. */
#ifndef SERVICE_PLACE_LOCATION_PRIVATE_H
#define SERVICE_PLACE_LOCATION_PRIVATE_H

#include "service/place/location.h"

struct locations {
	struct map *aors;       /* struct location by AOR name */
	struct map *ids;        /* struct contact by id */
	struct map *flows;      /* of contacts: service/common/flow.h */
	struct map *endpoint_of;        /* const struct endpoint by AOR; of svc->conf */
};

/* location.c */
/* A change whose turn it is, made: in memory, and told to whom it concerns. */
void location_apply(struct service *svc, struct location *l, struct contact_change *ch);
/* Nothing is in it, under way or waiting: nobody needs it. */
void location_maybe_free(struct service *svc, struct location *l);

/* location_queue.c */
/* The program ends: nobody has a turn any more. A commit that is on its way finds
 * out by itself. */
void location_drop_jobs(struct location *l);
/* From now on its end is a job of its location. */
void contact_start_expiry(struct service *svc, struct contact *c);

/* Its connection is gone, and it with it. */
void contact_cut_off(struct contact *c);

#endif
