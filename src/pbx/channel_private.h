/* pbx/channel_private.h -- what the files behind channel.h and bridge.h share.
 * Threads: core. */
#ifndef PBX_CHANNEL_PRIVATE_H
#define PBX_CHANNEL_PRIVATE_H

#include "pbx/channel.h"

void channel_notes_free(struct channel *ch);

bool chan_event_decides(enum chan_event_type t);     /* about the call: it must not get lost */

/* channel_queue.c: to the sink, or into the queue; channel_event() is the way in from
 * outside. Takes over `e`. */
void channel_deliver(struct channel *ch, struct chan_event *e);
/* digit_pace.c: true, and `e` is taken over: a digit that came too soon; `hear` gets it when
 * its time has come. */
typedef void channel_hear_fn(struct channel *ch, struct chan_event *e);
bool channel_digit_waits(struct channel *ch, struct chan_event *e, channel_hear_fn *hear);
void channel_digits_forget(struct channel *ch);
/* channel_sleep(); with `till_heard` only until the peer's sound or a digit comes. */
int channel_nap(struct channel *ch, uint64_t ms, bool till_heard);

/* channel_tell.c: events of the manager about one channel. Each builds nothing
 * while nobody listens. */
struct event *channel_event_begin(struct channel *ch, const char *name, unsigned privilege);
void channel_tell(struct channel *ch, const char *name, unsigned privilege);  /* the channel's headers alone */
void channel_tell_hangup(struct channel *ch);
void channel_tell_stats(const struct channel *ch, bool begins);       /* channels.count, channels.calltime */
void channel_tell_hangup_request(struct channel *ch, const char *name, int cause);
void channel_tell_caller(struct channel *ch);
void channel_tell_digit(struct channel *ch, bool end, char digit, unsigned ms, const char *direction);
void channel_tell_hold(struct channel *ch, struct str music_class);
void channel_tell_device(struct channel *ch);        /* device_changed() of its device */

/* follow.c: this happened to ch; nothing when nobody follows it. */
void channel_news(struct channel *ch, enum channel_news news);
void channel_news_of(struct channel *ch, enum indication ind);
void channel_follow_ends(struct channel *ch);

/* path.c: who is heard where. */
/* What plays into the session of `end` from now on is `by`'s, under `tag`. Another channel
 * whose sound it was hears so: CE_PLAY_DONE with cause EBUSY. */
void channel_take_player(struct channel *end, struct channel *by, uint32_t tag);
struct channel *channel_facing(const struct channel *ch);    /* in a bridge of two, or early */
void channel_link_early(struct channel *a, struct channel *b);
void channel_unlink_early(struct channel *a);
/* Something on the way from ch changed: join or part the sessions at the ends.
 * `again`: even when they were joined before (their media changed). */
void channel_path_update(struct channel *ch, bool again);

/* moh.c */
void channel_moh_start(struct channel *ch, struct str music_class);
void channel_moh_stop(struct channel *ch);
void channel_moh_again(struct channel *ch);  /* the list is through */

#endif
