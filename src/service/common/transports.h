/* service/common/transports.h -- opening and reloading what type=transport describes.
 * Faults go to the report; a transport that cannot listen does not stop others. */
#ifndef SERVICE_COMMON_TRANSPORTS_H
#define SERVICE_COMMON_TRANSPORTS_H

#include "config/report.h"
#include "service/common/service.h"

void transports_open(struct service *svc, struct report *r);
void transports_reload(struct service *svc, struct report *r);
void transports_close(struct service *svc);

#endif
