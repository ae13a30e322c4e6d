/* net/entity_own.h -- an entity id (base/entity.h) for this server. Threads: any. */
#ifndef NET_ENTITY_OWN_H
#define NET_ENTITY_OWN_H

#include "base/entity.h"

/* Of the first network interface that has an address of hardware; without any, one that is drawn. Terminated. */
void entity_id_own(char out[ENTITY_ID + 1]);

#endif
