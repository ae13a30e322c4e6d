/* ua/agree.h -- which protection of media both sides can (RFC 3329 as
 * draft-dawes-sipcore-mediasec-parameter uses it): we say ours in Security-Client, the
 * server says its own in Security-Server of a refusal, and we repeat those in
 * Security-Verify, so that nobody between us can have taken the better ones away.
 * Threads: the sip stack's. */
#ifndef UA_AGREE_H
#define UA_AGREE_H

#include "sip/out.h"

/* One mechanism of a list: "sdes-srtp;q=0.2;mediaplane". Views into the list. */
struct ua_mechanism {
	struct str name;        /* in its canonical letters */
	struct str params;      /* as written, with q */
};
/* The next one that is known and whose q (RFC 3261 25.1) is one. False: no more. */
bool ua_mechanism_next(struct str *list, struct ua_mechanism *m);
/* "sdes-srtp;mediaplane": q is left out, since no order is meant in what we send. */
void ua_mechanism_write(struct buf *b, const struct ua_mechanism *m);

/* What a server has said. */
struct ua_agreement;    /* obj */
struct ua_agreement *ua_agreement_new(void);         /* NULL: ENOMEM */
/* Its Security-Server headers, in place of what was known. False: it has none with a mechanism
 * that we know, or ENOMEM: what was known stays. */
bool ua_agreement_learn(struct ua_agreement *a, const struct sip_msg *msg);
bool ua_agreement_is_known(const struct ua_agreement *a);
int ua_agreement_copy(struct ua_agreement *to, const struct ua_agreement *from);    /* ENOMEM */

/* How a request takes part. Views: what ua_request_prm.hold holds keeps `client`. */
struct ua_agree {
	struct ua_agreement *server;    /* NULL: it does not take part */
	struct str client;              /* a list of ours */
	bool client_first;              /* Security-Client at once, and Security-Verify not before an answer */
	bool verify_first;              /* ... but this time both: a request before has been refused */
};
/* Lines for a message that answers `refused` (401, 407, 494; 0: the first one), with Require and
 * Proxy-Require: mediasec; none when it has nothing to say. */
void ua_agree_write(const struct ua_agree *g, unsigned refused, struct buf *b);

#endif
