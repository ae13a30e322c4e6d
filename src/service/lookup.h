/* service/lookup.h -- names for sip_resolve, looked up by net/dns. Threads: core. */
#ifndef SERVICE_LOOKUP_H
#define SERVICE_LOOKUP_H

#include "net/dns.h"
#include "sip/resolve.h"

/* The row of functions over `d`, which outlives whoever uses it. */
struct sip_lookup lookup_over_dns(struct dns *d);

#endif
