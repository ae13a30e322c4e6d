/* base/entity.h -- the id of this server among others: 48 bits, written like a hardware
 * address. Threads: any. */
#ifndef BASE_ENTITY_H
#define BASE_ENTITY_H

#include "base/str.h"

#define ENTITY_ID 17            /* "00:16:3e:0a:0b:0c" */

/* Six bytes in hexadecimal digits, joined by colons. */
bool entity_id_is(struct str s);

#endif
