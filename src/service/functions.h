/* service/functions.h -- the dialplan functions and applications that know SIP, for the
 * pbx. Threads: core. */
#ifndef SERVICE_FUNCTIONS_H
#define SERVICE_FUNCTIONS_H

struct pbx;
int functions_register(struct pbx *p);

#endif
