/* pbx/fax_t38.h -- from sound to T.38 and back, for the applications of faxes: who asks, how long one waits, and which
 * tones are heard meanwhile. Each function may wait: on the channel's fiber. Threads: core. */
#ifndef PBX_FAX_T38_H
#define PBX_FAX_T38_H

#include "pbx/fax.h"
#include "pbx/t38.h"

/* What this fax may become on the channel as it is now: details.can_t38, .can_audio. EPROTO. */
int fax_t38_look(struct channel *ch, struct fax_details *d);
/* Before the terminal begins. 0: T.38 is there (channel_t38_state()), or sound is allowed in its place;
 * EACCES: neither; ECANCELED: hung up. */
int fax_t38_receive(struct channel *ch, struct fax_details *d);
int fax_t38_send(struct channel *ch, struct fax_details *d);
/* An event of the channel while a terminal works. true: it is T.38 from now on. */
bool fax_t38_event(struct channel *ch, struct fax_details *d, const struct chan_event *e);
/* Back to sound, if it is not; five seconds at most. */
void fax_t38_end(struct channel *ch);
/* Ours: version 0, 400 bytes, 14400 bit/s, the training goes through. */
struct t38_parameters fax_t38_ours(enum t38_what what);
void fax_t38_theirs(struct fax_details *d, const struct t38_parameters *p);

#endif
