/* pbx/func/party.h -- caller ids as text. Threads: any. */
#ifndef PBX_FUNC_PARTY_H
#define PBX_FUNC_PARTY_H

#include "base/str.h"

/* "Name" <number>, <number>, a number alone, a name alone: views into `s`. */
void callerid_split(struct str s, struct str *name, struct str *number);

#endif
