/* net/dns.h -- asynchronous DNS over libunbound. Nothing here blocks. Threads: core. */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "net/loop.h"
#include "net/record.h"

struct dns;
struct dns_prm {                /* resolver_unbound.conf [general] */
	struct str hosts;               /* file; "system": /etc/hosts; empty: none */
	struct str resolv;              /* file; "system": /etc/resolv.conf; empty: none */
	const struct str *nameserver;   /* "127.0.0.1@10053"; nameservers of them */
	size_t nameservers;
	struct str ta_file;             /* DNSSEC trust anchor; empty: none */
	uint32_t timeout_ms;            /* of one query; 0: 5000 */
};
/* EINVAL: a setting is wrong, which was logged. */
int dns_new(struct dns **out, struct loop *l, const struct dns_prm *prm);
/* Queries still running end without their callback. */
void dns_free(struct dns *d);
/* `fn` is called once, never before this returns. EINVAL: not a host name. */
int dns_lookup(struct dns *d, struct str name, enum dns_type t, dns_fn *fn, void *arg, struct dns_query **out);
void dns_cancel(struct dns_query *q);        /* no callback any more; not after it */

#endif
