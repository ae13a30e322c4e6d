/* pbx/fax_gate.h -- the media side of a gateway of a channel (fax_gateway.h): it hears fax machines begin, makes both
 * ways silent for a while, and joins the T.38 of one channel with the sound of the other. Threads: core. */
#ifndef PBX_FAX_GATE_H
#define PBX_FAX_GATE_H

#include "pbx/fax.h"

struct fax_gate;
/* Listens to `ch`. `heard`: a fax machine begins, said by ch's peer device (from_channel) or by whom it is bridged to.
 * NULL: no memory. */
struct fax_gate *fax_gate_new(struct channel *ch, struct fax_details *d, void (*heard)(void *arg, bool from_channel), void *arg);
void fax_gate_free(struct fax_gate *g);
void fax_gate_meet(struct fax_gate *g, struct channel *peer);        /* bridged now */
/* The two are joined as soon as both have their sessions. */
void fax_gate_begin(struct fax_gate *g, struct channel *t38, struct channel *sound);
/* Now and then; `peer` NULL: it is in no bridge. */
void fax_gate_look(struct fax_gate *g, struct channel *peer, bool listen, bool silent);
/* For good: the channels are joined as others are. `d` gets the numbers. */
void fax_gate_end(struct fax_gate *g, struct fax_details *d);

#endif
