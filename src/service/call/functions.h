/* service/call/functions.h -- dialplan functions and applications that know SIP:
 * one row each in functions.c. */
#ifndef SERVICE_CALL_FUNCTIONS_H
#define SERVICE_CALL_FUNCTIONS_H

#include "service/call/session.h"

/* CHANNEL(item[,...]) of a PJSIP channel: pjsip, rtp, rtcp, audionativeformat, ... */
int functions_channel_read(struct channel *ch, struct str item, struct buf *out);
int functions_channel_write(struct channel *ch, struct str item, struct str value);

#endif
