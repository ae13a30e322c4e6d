/* net/route.h -- what the kernel's routing table says. Threads: any. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/address.h"

/* The local address the kernel would use to reach `peer` (port 0). ENETUNREACH, ... */
int sa_source_for(const struct sa *peer, struct sa *local);

#endif
