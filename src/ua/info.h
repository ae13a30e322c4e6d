/* ua/info.h -- digits by INFO (application/dtmf-relay, application/dtmf). */
#ifndef UA_INFO_H
#define UA_INFO_H

#include "ua/invite.h"

bool ua_info_is_digit(const struct sip_msg *msg);
/* '!' is a hook flash. False: none is in it. */
bool ua_info_digit(const struct sip_msg *msg, char *digit, uint32_t *ms);
int ua_info_send_digit(struct ua_invite *iv, char digit, uint32_t ms);

#endif
