/* service/identify.h -- whose request is this (endpoint_identifier_order). */
#ifndef SERVICE_IDENTIFY_H
#define SERVICE_IDENTIFY_H

#include "service/service.h"
#include "sip/digest.h"

/* The first Authorization header, taken apart once for whoever reads it. */
struct credentials {
	const struct sip_hdr *hdr;      /* NULL: there is none */
	bool readable;
	struct digest_fields f;         /* when readable */
};
void credentials_read(struct credentials *c, const struct sip_msg *msg);

struct identified {
	const struct endpoint *ep;      /* NULL: nobody */
	struct str method;              /* static text */
	struct str rule;                /* section or user that matched; view into conf or msg */
	const struct credentials *cred; /* while it is looked for: what was sent */
};
void identify(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
	      const struct credentials *cred, struct identified *out);
/* The endpoint's "user@domain", "user@alias", "user" tried in `list`: shared by
 * identify and by the registrar's AOR lookup. False: none. */
typedef const void *identify_lookup_fn(const struct snapshot *conf, struct str name);
const void *identify_by_user(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			     struct str user, struct str domain, identify_lookup_fn *lookup);
/* The first section in order that has a name with this address. NULL: none. */
const struct identify_conf *identify_hosts_rule(struct service *svc, const struct snapshot *conf, const struct sa *peer);
/* Hostnames in match= are resolved when the configuration is applied. */
void identify_resolve_hosts(struct service *svc);
void identify_forget_hosts(struct service *svc);

#endif
