/* service/call/functions.h -- dialplan functions and applications that know SIP:
 * one row each in functions.c. */
#ifndef SERVICE_CALL_FUNCTIONS_H
#define SERVICE_CALL_FUNCTIONS_H

#include "service/call/session.h"

/* CHANNEL(item[,...]) of a PJSIP channel: pjsip, rtp, rtcp, audionativeformat, ... */
int functions_channel_read(struct channel *ch, struct str item, struct buf *out);
int functions_channel_write(struct channel *ch, struct str item, struct str value);

/* PJSIPHangup: "486", "BUSY_HERE", "PJSIP_SC_BUSY_HERE"; 603 for what is no status, which is logged as `who`'s. */
unsigned pjsip_hangup_status(struct str word, const char *who);
unsigned pjsip_status_named(struct str word);  /* of 400 to 699, by number or name; 0: none */
/* Refuse their INVITE so; the caller ends the channel. ENOTSUP no PJSIP channel; EALREADY it is answered,
 * refused, or ours. Both are logged. */
int pjsip_hangup(struct channel *ch, unsigned status);

#endif
