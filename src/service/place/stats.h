/* service/place/stats.h -- what a StatsD server is told of contacts and endpoints, under the names
 * that Asterisk's res_pjsip and res_endpoint_stats use. Threads: core. */
#ifndef SERVICE_PLACE_STATS_H
#define SERVICE_PLACE_STATS_H

#include "service/place/endpoint_state.h"
#include "service/place/location.h"

/* PJSIP.contacts.states.STATE: how many there are of each. */
void contact_stats_reset(struct service *svc);       /* the program starts: none of any */
void contact_stats_came(struct service *svc, enum contact_status s);
void contact_stats_changed(struct service *svc, enum contact_status from, enum contact_status to);
/* PJSIP.contacts.ID.rtt [ms]; -1: no answer. */
void contact_stats_asked(struct service *svc, const struct contact *c);

/* endpoints.count, endpoints.state.STATE, endpoints.PJSIP.NAME.channels: told when modules.conf loads
 * res_endpoint_stats by name. From one configuration to the next; NULL: none. */
void endpoint_stats_set_conf(struct service *svc, const struct snapshot *from, const struct snapshot *to);
void endpoint_stats_state(struct service *svc, bool reachable);      /* of one, that was the other before */
void endpoint_stats_channels(struct service *svc, const struct endpoint_state *s);

#endif
