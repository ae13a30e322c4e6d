/* phone/host.h -- what the rest of this floor may know of the host (include/sidetone-ua-host.h):
 * the loop on which it lives. Threads: the loop's. */
#ifndef PHONE_HOST_H
#define PHONE_HOST_H

#include "net/loop.h"
#include "sidetone-ua-host.h"

struct loop *host_loop(struct sidetone_loop *l);

#endif
