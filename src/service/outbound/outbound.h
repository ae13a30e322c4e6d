/* service/outbound/outbound.h -- our registrations with other servers (type=registration;
 * RFC 3261 10.2): made, renewed, tried again, ended. Threads: core. */
#ifndef SERVICE_OUTBOUND_OUTBOUND_H
#define SERVICE_OUTBOUND_OUTBOUND_H

#include "service/common/service.h"

struct ua_agreement;

enum outbound_status { OUTBOUND_UNREGISTERED, OUTBOUND_REGISTERED, OUTBOUND_REJECTED, OUTBOUND_STOPPED };
const char *outbound_status_name(enum outbound_status s);    /* "Registered", ...: the manager's words */

/* Each registration of the configuration, after its random delay. */
int outbound_start(struct service *svc);
/* New ones start, removed ones unregister; one that changed in any option does
 * both. The others keep what they have. */
void outbound_reload(struct service *svc);
/* Unregister all, for good; outbound_resume() takes it back. */
void outbound_stop(struct service *svc);
void outbound_resume(struct service *svc);
bool outbound_busy(const struct service *svc);       /* some REGISTER waits for its answer */
void outbound_free(struct service *svc);
/* A connection is gone: what was registered by it registers again (RFC 5626 4.4). */
void outbound_closed(struct service *svc, uint64_t conn);

/* `left`: [s] until the next REGISTER; 0: none is planned. */
enum outbound_status outbound_status(const struct service *svc, struct str name, int64_t *left);
/* Now. `name` "*all": each. ENOENT. */
int outbound_register(struct service *svc, struct str name);
int outbound_unregister(struct service *svc, struct str name);
/* The registration whose Contact had `line`; its name, or empty. */
struct str outbound_of_line(const struct service *svc, struct str line);
/* What a registration for this endpoint has learnt of the protection of media; NULL: nothing. A view. */
const struct ua_agreement *outbound_agreement(const struct service *svc, struct str endpoint);

#endif
