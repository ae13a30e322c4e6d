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
};
/* `type`: "Bridge", "App", "Threeway", "Fail"; `dest`: the bridge's id or the application. */
void transfer_tell_attended(const struct attended *a, const char *result, const char *type, struct str dest);
/* BLINDTRANSFER, or ATTENDEDTRANSFER, is `who`; the other one is no more. */
void transfer_set_variables(struct channel *ch, struct str who, bool attended);
/* All of `from` but `stays` (NULL: all) go to `to`, with their features. ENOMEM, ESHUTDOWN: somebody had hung up. */
int transfer_merge(struct bridge *to, struct bridge *from, const struct channel *stays);
/* The others of the bridge hear music, or m, again; said of m as if it had asked for it. */
void transfer_hold(struct member *m, bool on);
/* Each learns who the other is. */
void transfer_introduce(struct channel *a, struct channel *b);

/* Call exten for `ch`, a member of a bridge, let it talk, and do what its digits (atxferabort ...) or its end say. On a
 * fiber of its own, which has ch's events until then. Not 0: nobody could be called, and ch is where it was. */
int transfer_attended_dtmf(struct channel *ch, struct str exten, struct str context);

/* The transferer has gone before anybody answered. */
struct atxfer_recall_prm {      /* views */
	struct channel *ch;             /* the transferer */
	struct channel *target;         /* rings, in the bridge of those who wait */
	struct bridge *bridge;
	struct str exten, context;
	struct party connected;         /* whom ch talked to at first */
	struct bridge_features f;       /* of ch, if it comes back; no texts */
	struct features_conf *conf;
	uint64_t end;                   /* [ms] mono: how long the target may ring */
};
/* Look after the bridge from now on: when the target does not answer the transferer is called back, then the target
 * again. Not 0: it has to go without. */
int atxfer_recall(const struct atxfer_recall_prm *prm);

#endif
