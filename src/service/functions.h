/* service/functions.h -- dialplan functions and applications that know SIP:
 * one row each in functions.c. */
#ifndef SERVICE_FUNCTIONS_H
#define SERVICE_FUNCTIONS_H

#include "service/session.h"

int functions_register(struct pbx *p);
/* CHANNEL(item[,...]) of a PJSIP channel: pjsip, rtp, rtcp, audionativeformat, ... */
int functions_channel_read(struct channel *ch, struct str item, struct buf *out);
int functions_channel_write(struct channel *ch, struct str item, struct str value);

#endif
