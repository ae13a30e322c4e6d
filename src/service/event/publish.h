/* service/event/publish.h -- what we publish at other servers (type=outbound-publish; RFC 3903):
 * the states of the dialplan's hints, each extension a publication of its own. Threads: core. */
#ifndef SERVICE_EVENT_PUBLISH_H
#define SERVICE_EVENT_PUBLISH_H

#include "service/common/service.h"

/* Each outbound-publish of the configuration; what there is is said a second later. */
int publications_start(struct service *svc);
/* New ones start, removed ones are taken back; one that changed in any option does both. */
void publications_reload(struct service *svc);
/* Take all back, for good; publications_resume() says all again. */
void publications_stop(struct service *svc);
void publications_resume(struct service *svc);
bool publications_busy(const struct service *svc);   /* some PUBLISH waits for its answer */
void publications_free(struct service *svc);

#endif
