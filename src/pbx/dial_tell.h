/* pbx/dial_tell.h -- DialBegin, DialState, DialEnd: for Dial() and Originate.
 * Threads: core. */
#ifndef PBX_DIAL_TELL_H
#define PBX_DIAL_TELL_H

#include "pbx/channel.h"

/* `caller` NULL: originated. */
void dial_tell_begin(struct channel *caller, struct channel *peer, struct str dialstring);
/* RINGING PROGRESS PROCEEDING are a DialState, all else is a DialEnd. */
void dial_tell(struct channel *caller, struct channel *peer, const char *status, struct str forward);
/* What a hangup cause is called as a DialStatus. */
const char *dial_status_of(int cause);

#endif
