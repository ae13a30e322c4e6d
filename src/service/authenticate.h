/* service/authenticate.h -- ACLs and digest; the only maker of identities. */
#ifndef SERVICE_AUTHENTICATE_H
#define SERVICE_AUTHENTICATE_H

#include "service/service.h"

/* Identifies the sender of `msg`, applies ACLs and checks its credentials.
 * 0: *id is the caller's. EACCES: a refusal or challenge was sent on `tx`. */
int authenticate(struct service *svc, struct sip_stx *tx, struct sip_msg *msg, struct identity **id);

#endif
