/* service/common/request.h -- requests of ours (ua/request.h) as the configuration wants them:
 * an endpoint's transport, credentials, From and Contact. Threads: core. */
#ifndef SERVICE_COMMON_REQUEST_H
#define SERVICE_COMMON_REQUEST_H

#include "service/common/service.h"
#include "ua/request.h"

/* svc->ua. */
void service_ua_start(struct service *svc);

/* What a request for `ep` has: its transport and its outbound_auth. `conf` is held
 * while it lasts; `ep` is of it, NULL: nobody's. */
struct ua_request_prm service_request_prm(struct snapshot *conf, const struct endpoint *ep);
/* The same with other credentials. `auths` is of prm->hold. */
void service_request_auths(struct ua_request_prm *prm, const struct auth_list *auths);
/* ACK of a 2xx: finds its way as a request does, makes no transaction. */
void service_send_ack(struct service *svc, const struct ua_request_prm *prm);
/* Of a request made with service_request_prm(). */
struct service *service_of_request(const struct ua_request *rq);
const struct endpoint *service_endpoint_of_request(const struct ua_request *rq);

/* A request outside of dialogs, to `uri`, as `ep` says (may be NULL): R-URI, To,
 * Call-ID, CSeq, Max-Forwards, User-Agent. From and Contact need to know the
 * way it goes: service_out_prepare() (a prm.prepare) writes them. */
struct sip_out *service_out(struct service *svc, enum sip_method m, const struct endpoint *ep, struct str uri,
			    struct str from /* header value; empty: from_user, from_domain */);
int service_out_prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path);
/* "sip:user@host" of our side of a request along `path`, by from_user, from_domain, default_from_user. */
void service_from_uri(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct buf *b);
/* The same of a request outside of dialogs: without from_user the endpoint's name. */
void service_request_from(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct buf *b);

#endif
