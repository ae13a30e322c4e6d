/* service/functions.h -- dialplan functions and applications that know SIP:
 * one row each in functions.c. */
#ifndef SERVICE_FUNCTIONS_H
#define SERVICE_FUNCTIONS_H

#include "service/session.h"

int functions_register(struct pbx *p);

#endif
