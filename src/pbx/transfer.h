/* pbx/transfer.h -- what the transfers of bridge.h and the features share.
 * Threads: core. */
#ifndef PBX_TRANSFER_H
#define PBX_TRANSFER_H

#include "pbx/bridge.h"

/* Ask for the extension to transfer to: "pbx-transfer", then digits. 0, ENOENT no such
 * extension, ETIMEDOUT, ECANCELED. On ch's (or its feature's) fiber. */
int transfer_ask(struct channel *ch, char *exten, size_t size, struct text *context);
/* Call exten, talk, and hand over when `ch` hangs up. On a fiber. */
int transfer_attended_dtmf(struct channel *ch, struct str exten, struct str context);

#endif
