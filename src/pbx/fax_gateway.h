/* pbx/fax_gateway.h -- FAXOPT(gateway): a channel whose bridge peer may have a fax machine with sound while it speaks T.38
 * itself, or the other way round. The gateway watches what both say of T.38, hears fax machines begin (V.21), asks for
 * T.38 where nobody does, and stands between when one of them has it and the other does not. When both have it, it goes.
 * Threads: core. */
#ifndef PBX_FAX_GATEWAY_H
#define PBX_FAX_GATEWAY_H

#include "pbx/fax.h"

/* `timeout_ms` 0: no end. FAXSTATUS and the others say how it went. EALREADY: there is one; ENOMEM. */
int fax_gateway_attach(struct channel *ch, struct fax_details *d, uint64_t timeout_ms);
void fax_gateway_detach(struct channel *ch);         /* if there is one */
bool fax_gateway_is_on(struct channel *ch);

#endif
