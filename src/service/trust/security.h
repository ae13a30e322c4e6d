/* service/trust/security.h -- the manager's security events (EV_SECURITY). Threads: core. */
#ifndef SERVICE_TRUST_SECURITY_H
#define SERVICE_TRUST_SECURITY_H

#include "service/common/service.h"

enum security_kind { SECURITY_FAILED_ACL, SECURITY_INVALID_ACCOUNT, SECURITY_CHALLENGE_SENT,
	SECURITY_CHALLENGE_FAILED, SECURITY_SUCCESS, SECURITY_BAD_FORMAT, SECURITY_NOT_SUPPORTED, SECURITY_KINDS };
/* `account` empty: "<unknown>". `key`, `value`: one more field, or NULL. */
void security_event(struct service *svc, enum security_kind k, const struct sip_msg *msg, struct str account,
		    const char *key, struct str value);

#endif
