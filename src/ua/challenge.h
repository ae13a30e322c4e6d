/* ua/challenge.h -- inside ua/: answers to 401 and 407. */
#ifndef UA_CHALLENGE_H
#define UA_CHALLENGE_H

#include "ua/request.h"

/* How often, and what was answered: a chain of proxies has a realm each. */
struct ua_challenges {
	unsigned answered;
	struct text last_realm;
};
/* Put credentials for the challenges in `msg` into `out`; the next CSeq is the caller's.
 * False: none fits, or they were wrong. */
bool ua_challenge_answer(struct ua_challenges *c, struct digest_ctx *digest, struct sip_out *out,
			 const struct sip_msg *msg, ua_credentials_fn *credentials, void *arg);

#endif
