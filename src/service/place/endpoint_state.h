/* service/place/endpoint_state.h -- an endpoint while the program runs: who talks, who can be
 * reached. Threads: core. */
#ifndef SERVICE_PLACE_ENDPOINT_STATE_H
#define SERVICE_PLACE_ENDPOINT_STATE_H

#include "service/common/service.h"

struct endpoint_state {
	struct text name;
	unsigned channels, ringing, inuse, onhold;
	bool reachable;                 /* some contact is: PeerStatus, regcontext */
	bool known;                     /* PeerStatus was ever sent */
	struct list sessions;           /* struct session.by_endpoint */
	uint32_t subscriptions;
};
struct endpoint_state *endpoint_state_get(struct service *svc, struct str name, bool create);
/* After anything that device state depends on. */
void endpoint_changed(struct service *svc, struct str name);
int endpoint_device_state(struct service *svc, struct str name);     /* enum device_state */

#endif
