/* sip/resolve.h -- where a SIP URI leads (RFC 3263): NAPTR, SRV, A and AAAA, in
 * the order to try. Who asks the name servers is the caller's choice: it gives
 * the look-up functions. Threads: the wheel's owner. */
#ifndef SIP_RESOLVE_H
#define SIP_RESOLVE_H

#include "net/path.h"
#include "net/record.h"
#include "net/wheel.h"
#include "sip/uri.h"

struct sip_target {
	enum net_proto proto;
	struct sa addr;
};
/* err 0: `n` > 0 targets, best first. ENOENT: no such name; ETIMEDOUT, EIO. Once. */
typedef void sip_resolve_fn(void *arg, int err, const struct sip_target *v, size_t n);

/* How names are looked up. */
struct sip_lookup {
	void *arg;
	/* Ask for the records of one type. `fn` is called once, never before this returns, unless it is
	 * cancelled; *query is there when this gave 0. EINVAL: not a host name; ENOMEM, EIO. */
	int (*start)(void *arg, struct str name, enum dns_type t, dns_fn *fn, void *fn_arg,
		     struct dns_query **query);
	void (*cancel)(void *arg, struct dns_query *query);     /* no callback any more; not after it */
	/* Is there a route to this address? What has none is tried last. Optional: all have one. */
	bool (*reaches)(void *arg, const struct sa *peer);
};

struct sip_resolve_prm {
	const struct sip_lookup *lookup;        /* lives until the callback, or sip_resolve_cancel() */
	struct wheel *wheel;
	const struct sip_uri *uri;      /* read before sip_resolve_start() returns */
	bool fixed_proto;               /* only `proto`; else the URI's transport=, else NAPTR decides */
	enum net_proto proto;
	bool can_v4[NET_PROTOS], can_v6[NET_PROTOS];    /* what our transports can reach */
	sip_resolve_fn *fn;
	void *arg;
};
struct sip_resolve;
/* `fn` is never called before this returns. A URI whose host is an address is
 * answered too. EINVAL: no look-up functions, or not a SIP URI with a host. */
int sip_resolve_start(const struct sip_resolve_prm *prm, struct sip_resolve **out);
void sip_resolve_cancel(struct sip_resolve *r);      /* no more callback */

#endif
