/* service/message/notify.h -- NOTIFY on demand: the kinds that pjsip_notify.conf names, or
 * headers as given, to endpoints, URIs and calls. Threads: core, but for
 * notify_conf_load(): any. */
#ifndef SERVICE_MESSAGE_NOTIFY_H
#define SERVICE_MESSAGE_NOTIFY_H

#include "config/reader.h"
#include "service/common/service.h"

/* A header; "Content" is a line of the body, "Content-type" its type. */
struct notify_item {
	struct str name, value;
};
struct notify_kind {
	struct str name;
	const struct notify_item *v;
	size_t n;
};

/* pjsip_notify.conf. No file: an empty one, and 0. Errors as config_load(). */
struct notify_conf;             /* obj; owns its strings; immutable */
int notify_conf_load(struct notify_conf **out, const struct config_prm *prm, struct report *r);
int notify_conf_build(struct notify_conf **out, const struct config *c);
void notify_set_conf(struct service *svc, struct notify_conf *c);     /* holds it */
void notify_free(struct service *svc);
/* By name, case folded; a view into the configuration. NULL. */
const struct notify_kind *notify_kind(const struct service *svc, struct str name);

/* To each contact. ENOENT: no such endpoint. */
int notify_endpoint(struct service *svc, struct str name, const struct notify_item *v, size_t n);
/* As reach_find(), for default_outbound_endpoint. */
int notify_uri(struct service *svc, struct str uri, const struct notify_item *v, size_t n);
/* Inside its dialog. ENOENT: no PJSIP channel; ENOTCONN: it has no dialog now. */
int notify_channel(struct channel *ch, const struct notify_item *v, size_t n);

int app_pjsip_notify_run(struct channel *ch, struct str data);

#endif
