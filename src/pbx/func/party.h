/* pbx/func/party.h -- caller ids and presentations as text. Threads: any. */
#ifndef PBX_FUNC_PARTY_H
#define PBX_FUNC_PARTY_H

#include "base/str.h"

/* "Name" <number>, <number>, a number alone, a name alone: views into `s`. */
void callerid_split(struct str s, struct str *name, struct str *number);
/* "allowed_not_screened" and the like, for enum presentation; "unknown". */
struct str presentation_word(int pres);
/* The word or its number; EINVAL, told in the log: neither. */
int presentation_of(struct str s, uint8_t *out);

#endif
