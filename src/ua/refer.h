/* ua/refer.h -- REFER inside a call (RFC 3515, 3892, 4488, 5589): asked of us, and by us.
 * Threads: the sip stack's. */
#ifndef UA_REFER_H
#define UA_REFER_H

#include "ua/invite.h"

/* Views into the message, or into the arena. */
struct ua_refer {
	struct sip_addr to;             /* Refer-To */
	struct str target;              /* its URI without headers */
	struct str replaces;            /* unescaped; empty: none */
	struct str referred_by;
	bool quiet, wanted;             /* Refer-Sub (RFC 4488): false; true */
};
/* 0, or the status to refuse it with. */
unsigned ua_refer_read(struct ua_refer *r, const struct sip_msg *msg, struct arena *a);
/* 202, and a NOTIFY with 100 unless `quiet`. From now on the BYE is the peer's to send. */
void ua_refer_accept(struct ua_invite *iv, struct sip_server_tx *tx, bool quiet);
/* 202 alone, for one that is not `quiet`: how it fares is told later. */
void ua_refer_take(struct ua_invite *iv, struct sip_server_tx *tx, const struct ua_refer *r);
/* 200 for one that is `quiet`, when it went well. */
void ua_refer_done_quietly(struct ua_invite *iv, struct sip_server_tx *tx);
/* How it fares: NOTIFY, the `last` or not. Whose the BYE is stays as it was. */
void ua_refer_tell(struct ua_invite *iv, unsigned status, bool last);
/* How it went, the last word: NOTIFY (unless `quiet`). The peer is given 2 s for its BYE
 * after a success. */
void ua_refer_done(struct ua_invite *iv, unsigned status, bool quiet);

/* Ask the peer to call `uri`, `by` whom (Referred-By, RFC 3892; empty: not said). `fn` is told once: the status of the final NOTIFY, or of a
 * response that refuses; 0: neither came. EBUSY: one is under way. */
typedef void ua_refer_fn(void *arg /* prm.arg */, unsigned status);
int ua_refer_send(struct ua_invite *iv, struct str uri, struct str by, ua_refer_fn *fn);

#endif
