/* pbx/t38.h -- a call that turns into a fax call (ITU-T T.38): what two channels, or a channel and
 * its application, say to each other of it. The technology makes a re-INVITE of what it is told,
 * and tells of the peer's. Threads: core.
 *
 *   IND_T38  to the channel:    negotiate, terminate; or the answer to what the peer asked
 *   CE_T38   from the channel:  the peer asks to negotiate; negotiated, refused, terminated
 *
 * The data of both is a struct t38_parameters, an obj that is fixed once it was told. */
#ifndef PBX_T38_H
#define PBX_T38_H

#include "pbx/channel.h"

/* IND_T38 means it as a wish, CE_T38 as what has happened or what the peer wishes. */
enum t38_what {
	T38_ASK_NEGOTIATE = 1,  /* from sound to fax; also the consent to the peer's own wish */
	T38_ASK_TERMINATE,      /* back to sound */
	T38_IS_NEGOTIATED,      /* IND_T38: consent, as T38_ASK_NEGOTIATE, but a fax call stays as it is */
	T38_IS_TERMINATED,      /* IND_T38: the other side has gone back: as T38_ASK_TERMINATE */
	T38_IS_REFUSED,         /* IND_T38: no to the peer's wish */
	T38_ASK_PARAMETERS      /* IND_T38 while the peer waits: its wish comes again, as CE_T38 */
};

enum t38_rate { T38_14400 /* also what a peer means that names none */, T38_2400, T38_4800, T38_7200, T38_9600, T38_12000 };
enum t38_management { T38_TRANSFERRED_TCF, T38_LOCAL_TCF };

struct t38_parameters {         /* obj */
	enum t38_what what;
	unsigned version;
	unsigned max_ifp;               /* [bytes] the longest that whoever says this takes; 0: none, no negotiation */
	enum t38_rate rate;             /* the highest */
	enum t38_management management;
	bool fill_bit_removal, transcoding_mmr, transcoding_jbig;
};

enum t38_state {
	T38_UNAVAILABLE,        /* never on this channel */
	T38_UNKNOWN,            /* could be; nobody has asked */
	T38_NEGOTIATING,        /* either side has asked, nobody has answered */
	T38_REJECTED,
	T38_NEGOTIATED
};

unsigned t38_bits_per_second(enum t38_rate r);
/* The names of the manager and the log: "Requested", "Negotiated", ... */
const char *t38_what_name(enum t38_what w);

/* A copy that can be told. NULL: no memory. */
struct t38_parameters *t38_parameters_new(const struct t38_parameters *like);
/* What CE_T38 says; a view of the event's, NULL: says nothing. */
const struct t38_parameters *t38_of_event(const struct chan_event *e);

/* To the channel. ENOSYS: its technology knows no T.38; ECANCELED it is over; ENOMEM. What comes of it is told by CE_T38,
 * also a refusal at once. */
int channel_t38_indicate(struct channel *ch, const struct t38_parameters *p);
/* From its technology. Without memory nobody hears of it; ENOMEM. */
int channel_t38_tell(struct channel *ch, const struct t38_parameters *p);
/* Of the channel at the end of the way, as sound goes: behind Local halves. */
enum t38_state channel_t38_state(struct channel *ch);
/* The stream of T.38 of that channel (media/t38.h), while it is negotiated; NULL: there is none. A view until the
 * next event. A user attached to it ends with it. */
struct media_session *channel_t38_media(struct channel *ch);

/* Whoever stands between the channel and all that talks to it: a gateway. One for each channel.
 * `came`: from the channel (CE_T38), else on its way to it (IND_T38). true: goes no further. */
typedef bool channel_t38_fn(void *arg, struct channel *ch, bool came, const struct t38_parameters *p);
/* EBUSY: another one stands there. It goes with t38_between_clear() (`arg` as it was given), or when its channel is
 * destroyed (`gone`, optional, is called then). */
int channel_t38_between(struct channel *ch, channel_t38_fn *fn, void (*gone)(void *arg), void *arg);
void channel_t38_between_clear(struct channel *ch, const void *arg);
/* Past whoever stands between: to the technology itself, to whoever hears the channel. */
int channel_t38_indicate_past(struct channel *ch, const struct t38_parameters *p);
int channel_t38_tell_past(struct channel *ch, const struct t38_parameters *p);

#endif
