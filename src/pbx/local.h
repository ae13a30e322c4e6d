/* pbx/local.h -- Local/exten@context[/njmb]: two halves back to back, so that a
 * call can go through the dialplan once more. ;1 is what was asked for, ;2 runs
 * the dialplan. Options: n never optimise away; m, j, b are accepted.
 * Threads: core. */
#ifndef PBX_LOCAL_H
#define PBX_LOCAL_H

#include "pbx/channel.h"

extern const struct channel_tech local_tech;    /* pbx_new() adds it */

/* The other half; NULL: not a Local channel, or its twin is gone. */
struct channel *local_twin(const struct channel *ch);
/* The manager's LocalOptimizeAway: takes /n back. ENOENT: no Local channel. */
int local_allow_optimize(struct channel *half);

#endif
