/* pbx/hangup_cause.h -- why the channels that were called ended, for
 * HANGUPCAUSE(channel,tech|ast). Threads: core. */
#ifndef PBX_HANGUP_CAUSE_H
#define PBX_HANGUP_CAUSE_H

#include "pbx/channel.h"

/* `on` remembers that channel `name` ended by `cause`; `tech`: in the words of its
 * technology ("SIP 486 Busy Here"), may be empty. The last word counts. */
int hangup_cause_note(struct channel *on, struct str name, int cause, struct str tech);
void hangup_cause_clear(struct channel *on);

#endif
