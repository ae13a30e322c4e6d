/* tests/fuzz/server_stir.h -- STIR/SHAKEN of the harness: stir_shaken.conf with keys made at the start, the
 * certificates' server and the files of the cache, and Identity headers of callers. */
#ifndef FUZZ_SERVER_STIR_H
#define FUZZ_SERVER_STIR_H

#include "service/service.h"

void stir_world_once(void);
int stir_world_attach(struct service *svc);
bool stir_world_turn(void);            /* what was asked for is there; true: something was */
void stir_world_forget(void);          /* the service has ended */
/* Header lines of an INVITE by which `tn` is proven, or is not: `how` says which fault they have, 0 none. */
void stir_world_write(struct buf *b, const char *tn, unsigned how);

#endif
