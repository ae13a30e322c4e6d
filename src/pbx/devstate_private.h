/* pbx/devstate_private.h -- what devstate.c, hint.c and the registry share.
 * Threads: core. */
#ifndef PBX_DEVSTATE_PRIVATE_H
#define PBX_DEVSTATE_PRIVATE_H

#include "pbx/devstate.h"

int devstates_new(struct pbx *p);
void devstates_free(struct pbx *p);
int hints_new(struct pbx *p);
void hints_free(struct pbx *p);
/* The dialplan changed: which hints there are, and of what. */
void hints_changed(struct pbx *p);

#endif
