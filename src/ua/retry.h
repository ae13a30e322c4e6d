/* ua/retry.h -- inside ua/: which refusals may be over soon. */
#ifndef UA_RETRY_H
#define UA_RETRY_H

#include "sip/message.h"

/* Retry-After [s]; 0: none. */
uint32_t ua_retry_after(const struct sip_msg *msg);
/* The same request may be taken later; 0: there was no answer. 401 and 407 are not among
 * them: whether other credentials come is the caller's. */
bool ua_retry_helps(unsigned status);

#endif
