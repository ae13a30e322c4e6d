/* service/common/media_names.h -- host names in media_address and external_media_address: looked up when a
 * configuration comes into force and again before their time is over, never for a call. What was
 * found last counts until there is a newer answer. Threads: core. */
#ifndef SERVICE_COMMON_MEDIA_NAMES_H
#define SERVICE_COMMON_MEDIA_NAMES_H

#include "service/common/service.h"

/* The names of svc->conf: new ones are looked up, those of before are kept. */
void media_names_reload(struct service *svc);
void media_names_free(struct service *svc);
/* An address as written, or what its name leads to. ENOENT: it has none (yet). */
int media_names_address(const struct service *svc, struct str host, struct sa *out);

#endif
