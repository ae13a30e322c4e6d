/* pbx/substitute.h -- ${...} where there is no switch: while a configuration is read.
 * Threads: touches only its arguments. */
#ifndef PBX_SUBSTITUTE_H
#define PBX_SUBSTITUTE_H

#include "base/buf.h"
#include "pbx/vars.h"

/* As pbx_substitute(), with these variables alone; functions give nothing. */
void pbx_substitute_vars(const struct vars *v, struct str text, struct buf *out);
/* As pbx_substitute() without a channel, but ${CONTEXT} and ${EXTEN} are these. */
struct pbx;
struct channel;
void pbx_substitute_at(struct pbx *p, struct str context, struct str exten, struct str text, struct buf *out);
/* The same with the channel's variables. */
void pbx_substitute_there(struct channel *ch, struct str context, struct str exten, struct str text, struct buf *out);

#endif
