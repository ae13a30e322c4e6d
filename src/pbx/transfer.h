/* pbx/transfer.h -- what the transfers of bridge.h and the features share.
 * Threads: core. */
#ifndef PBX_TRANSFER_H
#define PBX_TRANSFER_H

#include "pbx/bridge.h"

/* Ask for the extension to transfer to: "pbx-transfer", then digits. 0, ENOENT no such
 * extension, ETIMEDOUT, ECANCELED. On ch's (or its feature's) fiber. */
int transfer_ask(struct channel *ch, char *exten, size_t size, struct text *context);
struct attended {               /* views, for the event */
	struct channel *first, *second;         /* the transferer's two legs */
	struct channel *transferee, *target;    /* who is behind them; NULL: an application */
	struct bridge *first_bridge, *second_bridge;
	bool internal;                          /* by digits, not by the protocol */
};
/* `type`: "Bridge", "App", "Fail"; `dest`: the bridge's id or the application. */
void transfer_tell_attended(const struct attended *a, const char *result, const char *type, struct str dest);
/* BLINDTRANSFER, or ATTENDEDTRANSFER, is `who`; the other one is no more. */
void transfer_set_variables(struct channel *ch, struct str who, bool attended);
/* All of `from` but `stays` (NULL: all) go to `to`, with their features. ENOMEM, ESHUTDOWN: somebody had hung up. */
int transfer_merge(struct bridge *to, struct bridge *from, const struct channel *stays);
/* Each learns who the other is. */
void transfer_introduce(struct channel *a, struct channel *b);

/* Call exten, talk, and hand over when `ch` hangs up. On a fiber. */
int transfer_attended_dtmf(struct channel *ch, struct str exten, struct str context);

#endif
