/* service/common/transport_web.h -- WebSocket transports without a port of their own, which are reached at /ws of the
 * server of HTTP. Threads: core. */
#ifndef SERVICE_COMMON_TRANSPORT_WEB_H
#define SERVICE_COMMON_TRANSPORT_WEB_H

#include "service/common/service.h"
#include "service/web/web.h"

bool transport_is_http(const struct transport_conf *t);
/* Whose pages may connect: of any path. NULL: ENOMEM. */
struct ws_rules *transport_ws_rules(const struct transport_conf *t);
/* svc->web, which serves /ws, and what svc->conf says. Faults are reported. ENOMEM. */
int service_web_start(struct service *svc, struct str data_dir, struct report *r);

#endif
