/* net/route.h -- what the kernel's routing table says. Threads: any. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/address.h"

/* The local address the kernel would use to reach `peer` (port 0). ENETUNREACH, ... */
int sa_source_for(const struct sa *peer, struct sa *local);
/* Addresses of our interfaces that are up (port 0), loopback included, IPv6 link-local ones not. How many
 * of `max` were written. */
size_t sa_interfaces(struct sa *out, size_t max);

#endif
