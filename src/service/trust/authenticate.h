/* service/trust/authenticate.h -- ACLs and digest; the only maker of identities. */
#ifndef SERVICE_TRUST_AUTHENTICATE_H
#define SERVICE_TRUST_AUTHENTICATE_H

#include "service/common/service.h"

/* Wrong passwords that one address may send for one endpoint: so many at once, then
 * one each six seconds; and for how many of these pairs that is known. */
#define GUESSES 10
#define GUESS_EVERY_US 6000000
#define GUESSERS 16384
#define TELL_EVERY_US 1000000   /* of one address that sends many requests without credentials */

/* At the start, and before svc->conf becomes `conf`: unidentified_request_count and
 * unidentified_request_period. ENOMEM. */
int authenticate_set_conf(struct service *svc, const struct snapshot *conf);

/* Identifies the sender of `msg`, applies ACLs and checks its credentials.
 * 0: *id is the caller's. EACCES: a refusal or challenge was sent on `tx`. */
int authenticate(struct service *svc, struct sip_server_tx *tx, struct sip_msg *msg, struct identity **id);

#endif
