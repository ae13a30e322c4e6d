/* service/event/compositor.h -- what others publish here (type=inbound-publication; RFC 3903 6).
 * Threads: core. */
#ifndef SERVICE_EVENT_COMPOSITOR_H
#define SERVICE_EVENT_COMPOSITOR_H

#include "service/common/service.h"

int compositor_start(struct service *svc);
void compositor_free(struct service *svc);

#endif
