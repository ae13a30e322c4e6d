/* service/common/ice.h -- what rtp.conf says of ICE, and the addresses that we are at: for
 * service/call/session_ice.c. Threads: core. */
#ifndef SERVICE_COMMON_ICE_H
#define SERVICE_COMMON_ICE_H

#include "config/report.h"
#include "config/settings.h"
#include "media/ice_media.h"
#include "service/common/service.h"

struct named_acls;
enum { SERVICE_ICE_HOSTS = 12 };        /* two components of each, and room for reflexive and relayed ones */

/* Another rtp.conf is in force. `acls`: acl.conf; NULL: none. Faults into `r`, one line each: what is wrong is left
 * out, but a list that cannot be read lets no address through. ENOMEM: all is as it was. */
int service_ice_set(struct service *svc, struct rtp_conf *conf, const struct named_acls *acls, struct report *r);
void service_ice_free(struct service *svc);
/* icesupport, and there is media. */
bool service_ice_on(const struct service *svc);
/* And there is a server to ask: candidates take their time. */
bool service_ice_asks(const struct service *svc);
/* Everything but role and components. `shown`: what c= says, which is the first. The views hold until the next
 * call of service_ice_set(); `host` is the caller's room. */
void service_ice_fill(struct service *svc, const struct sa *shown, struct media_ice_host host[SERVICE_ICE_HOSTS],
		      struct media_ice_prm *prm);

/* stunaddr at work, for `rtp show settings` and `stun show status`. All unset: there is none. */
enum { SERVICE_ICE_RETRIES = 7 };       /* of a request (RFC 8489 section 6.2.1) */
struct service_ice_server {
	struct str host;                /* view; empty: an address was configured */
	uint16_t port;
	struct sa addr;                 /* unset: not known (yet) */
	uint32_t ttl;                   /* [s] as the name server last said */
	bool again, failed;             /* it will be looked up again; it has no address */
	struct sa external;             /* what it last said that we are seen as; unset: not asked yet */
};
void service_ice_server(const struct service *svc, struct service_ice_server *out);
/* Look stunaddr's name up now. ENOENT: it has none; EIO: no name can be looked up. */
int service_ice_resolve(struct service *svc);
/* A reflexive candidate was found: at `external` they see us. */
void service_ice_seen(struct service *svc, const struct sa *external);

#endif
