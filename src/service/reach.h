/* service/reach.h -- requests of ours outside of calls (MESSAGE, NOTIFY): from a
 * destination as people write it to an endpoint and a URI, and the way there.
 * Threads: core. */
#ifndef SERVICE_REACH_H
#define SERVICE_REACH_H

#include "service/location.h"
#include "service/request.h"

struct reach {
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* of conf, never NULL */
	struct contact *contact;        /* held; NULL: a URI that was given */
	struct text uri;                /* goes into the Request-URI */
	struct text display;            /* as it stood in the destination */
};
/* "endpoint", "endpoint@domain", "endpoint/aor", "endpoint/uri",
 * "PJSIP/user@endpoint"; else a URI or a host, for default_outbound_endpoint.
 * ENOENT no such endpoint, and no default one; ECHILD it has no contact. */
int reach_find(struct service *svc, struct str dest, struct reach *r);
/* One contact of an endpoint. */
int reach_contact(struct service *svc, const struct endpoint *ep, struct contact *c, struct reach *r);
void reach_free(struct reach *r);

/* A request to it; `from` as in service_out(). NULL: ENOMEM. */
struct sip_out *reach_out(struct service *svc, const struct reach *r, enum sip_method m, struct str from);
/* `prm` has the callbacks; the rest is filled in. */
int reach_send(struct service *svc, const struct reach *r, struct sip_out *out, struct ua_request_prm *prm,
	       struct ua_request **rq);

#endif
