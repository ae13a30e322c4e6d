/* service/dispatch.h -- from the stack to the method's handler. */
#ifndef SERVICE_DISPATCH_H
#define SERVICE_DISPATCH_H

#include "service/service.h"

/* sip_stack_prm.request */
void dispatch_request(void *arg, struct sip_server_tx *tx, struct sip_msg *msg);

method_fn options_request;         /* options.c */

#endif
