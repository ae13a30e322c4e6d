/* sip/resolve.h -- where a SIP URI leads (RFC 3263): NAPTR, SRV, A and AAAA, in
 * the order to try. Threads: core. */
#ifndef SIP_RESOLVE_H
#define SIP_RESOLVE_H

#include "net/dns.h"
#include "net/net.h"
#include "sip/uri.h"

struct sip_target {
	enum net_proto proto;
	struct sa addr;
};
/* err 0: `n` > 0 targets, best first. ENOENT: no such name; ETIMEDOUT, EIO. Once. */
typedef void sip_resolve_fn(void *arg, int err, const struct sip_target *v, size_t n);

struct sip_resolve_prm {
	struct dns *dns;
	const struct sip_uri *uri;      /* read before sip_resolve_start() returns */
	bool fixed_proto;               /* only `proto`; else the URI's transport=, else NAPTR decides */
	enum net_proto proto;
	bool can_v4[NET_PROTOS], can_v6[NET_PROTOS];    /* what our transports can reach */
	sip_resolve_fn *fn;
	void *arg;
};
struct sip_resolve;
/* `fn` is never called before this returns. A URI whose host is an address is
 * answered too. */
int sip_resolve_start(const struct sip_resolve_prm *prm, struct sip_resolve **out);
void sip_resolve_cancel(struct sip_resolve *r);      /* no more callback */

#endif
