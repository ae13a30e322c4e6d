/* pbx/channel.h -- one leg of a call, whatever protocol carries it.
 * A channel is made by its technology (PJSIP, Local), runs the dialplan on a
 * fiber, or sits in a bridge, or is being dialled by another channel's fiber.
 * What happens to it arrives as events, in order, at exactly one place: its
 * sink (the queue of a waiting fiber, or the bridge). Threads: core. */
#ifndef PBX_CHANNEL_H
#define PBX_CHANNEL_H

#include "base/fiber.h"
#include "base/list.h"
#include "base/text.h"
#include "net/wheel.h"
#include "pbx/event.h"
#include "pbx/pbx.h"
#include "pbx/presentation.h"
#include "pbx/vars.h"

struct bridge;
struct media_session;
struct channel;

/* The numbers are on the manager's wire (ChannelState). */
enum channel_state {
	CHAN_DOWN, CHAN_RESERVED, CHAN_OFFHOOK, CHAN_DIALING, CHAN_RING, CHAN_RINGING, CHAN_UP, CHAN_BUSY,
	CHAN_DIALING_OFFHOOK, CHAN_PRERING
};
const char *channel_state_name(enum channel_state s);        /* "Down", "Rsrvd", ..., "Ring", "Ringing", "Up" */

struct party {
	struct text name, number, subaddress, tag;
	bool name_valid, number_valid;
	uint8_t name_pres, number_pres;      /* enum presentation */
	int ton;                             /* Q.931 type of number and plan */
	uint8_t charset;                     /* of the name, as CALLERID(name-charset) has them; 0: ISO 8859-1 */
	bool subaddress_valid, subaddress_odd, subaddress_user;     /* user: its type 2, else NSAP */
	uint8_t source;                      /* connected line only: what CONNECTEDLINE(source) says */
	struct text ani, dnid;               /* caller only */
	int ani2;
	struct text priv_name, priv_number;  /* private ids, when set */
	bool priv_valid;
};
int party_copy(struct party *to, const struct party *from);
void party_free(struct party *p);
void party_clear(struct party *p);           /* freed and zeroed */
int party_set(struct party *p, struct str number, struct str name);  /* valid where not empty */
bool party_same(const struct party *a, const struct party *b);       /* as shown: number and name */
int party_presentation(const struct party *p);       /* of both together */
const char *presentation_text(int pres);     /* "Presentation Allowed, Not Screened" */

struct redirecting {
	struct party from, to, orig;
	int reason, orig_reason;             /* as REDIRECTING(reason) numbers them */
	struct text reason_text, orig_reason_text;   /* what is none of the numbered ones */
	int count;
};
int redirecting_copy(struct redirecting *to, const struct redirecting *from);
void redirecting_free(struct redirecting *r);

enum chan_event_type {
	CE_HANGUP,              /* .cause; the other side is gone */
	CE_ANSWER, CE_RINGING, CE_PROGRESS, CE_PROCEEDING, CE_BUSY, CE_CONGESTION, CE_INCOMPLETE,
	CE_HOLD,                /* .text: suggested music class */
	CE_UNHOLD,
	CE_DTMF_BEGIN, CE_DTMF_END,     /* .digit, .ms */
	CE_FLASH,
	CE_CONNECTED_LINE,      /* .party */
	CE_REDIRECTING,         /* .redirecting */
	CE_FORWARD,             /* .text: new destination ("PJSIP/..", "exten@context"): a 3xx */
	CE_TEXT,                /* .text, .text2: content type */
	CE_MEDIA,               /* the negotiated media changed (codecs, address, direction) */
	CE_PLAY_DONE,           /* .cause: 0 to the end, else errno (EBUSY: another sound took its
				 * place with the listener); .tag, .count, .missing */
	CE_T38,                 /* .data: struct t38_parameters, pbx/t38.h */
	CE_AOC,                 /* .data */
	CE_VIDUPDATE,
	CE_TRANSFER,            /* .cause: 0 the peer went there, else errno: after tech->transfer's EINPROGRESS */
	CE_PATH,                /* on a Local half: its application may have somebody to play to now, or nobody more */
	CE_WAKE                 /* nothing happened; look at your conditions again */
};

struct chan_event {
	struct list link;
	enum chan_event_type type;
	char digit;
	bool untold;                    /* the beginning of a digit that came as a whole: no DTMFBegin */
	bool aside;                     /* a digit that did not come by media: no bridge of media has passed it */
	unsigned ms;
	int cause;
	uint32_t tag;
	uint16_t count, missing;
	struct text text, text2;
	struct party *party;            /* held until chan_event_free() */
	struct redirecting *redirecting;
	void *data;                     /* an obj */
};
struct chan_event *chan_event_new(enum chan_event_type t);
void chan_event_free(struct chan_event *e);

/* What one side wants the other to see or hear. */
enum indication {
	IND_RINGING, IND_PROGRESS, IND_PROCEEDING, IND_BUSY, IND_CONGESTION, IND_INCOMPLETE,
	IND_HOLD /* data: const struct str *, the music class, or NULL */, IND_UNHOLD, IND_CONNECTED_LINE /* data: NULL, look at ch->connected */,
	IND_REDIRECTING /* look at ch->redirecting */, IND_SRCUPDATE, IND_VIDUPDATE, IND_FLASH,
	IND_T38 /* data: struct t38_parameters, an obj: channel_t38_indicate() */,
	IND_AOC /* data: obj */, IND_STOP
};

/* How two legs of one technology may be joined in a bridge. */
enum channel_native {
	CHAN_NATIVE_NO,         /* the sound of one is handed to the other piece by piece (video, encryption) */
	CHAN_NATIVE_HERE,       /* packets of one become packets of the other */
	CHAN_NATIVE_DIRECT      /* the two peers can send to one another */
};

struct channel_request {
	struct pbx *pbx;
	struct str dest;                /* what follows "PJSIP/" */
	struct channel *requestor;      /* NULL: originated */
	struct str uniqueid, other_uniqueid;    /* asked for by Originate; may be empty */
	struct str codecs;              /* "ulaw,alaw"; empty: no wish */
};

/* A technology: one row in pbx->techs. Every function is called on the core
 * and never blocks. `ch->pvt` is the technology's own. */
struct channel_tech {
	const char *type;
	const char *description;
	bool internal;          /* no call: managers do not hear of its beginning and end, and no h is run for it */
	/* Make an outbound channel, not yet calling. On failure *cause is a Q.850 cause. */
	int (*request)(const struct channel_request *rq, struct channel **out, int *cause);
	/* Start calling. What follows arrives as events. */
	int (*call)(struct channel *ch, uint32_t timeout_ms);
	int (*answer)(struct channel *ch);
	/* ENOSYS: the PBX makes the sound itself (tones for ringing, busy). */
	int (*indicate)(struct channel *ch, enum indication ind, const void *data);
	int (*digit)(struct channel *ch, char digit, unsigned ms);
	int (*text)(struct channel *ch, struct str body, struct str content_type);
	/* The same with display names of whom it is from and to; empty: as the call has them. Optional. */
	int (*text_as)(struct channel *ch, struct str body, struct str content_type, struct str from, struct str to);
	/* Ask the peer to go elsewhere: REFER when up, 302 before. EINPROGRESS: a
	 * CE_TRANSFER will tell. */
	int (*transfer)(struct channel *ch, struct str dest);
	/* The channel is being destroyed: say so to the peer with ch->cause, free
	 * pvt, give media back. Called once; no events afterwards. */
	void (*hangup)(struct channel *ch);
	/* The session to play into and to bridge; NULL: none (Local). */
	struct media_session *(*media)(struct channel *ch);
	/* pbx/t38.h: enum t38_state; the session of T.38, while that is negotiated. NULL: knows no T.38. */
	int (*t38_state)(const struct channel *ch);
	struct media_session *(*image)(struct channel *ch);
	/* The other half: sound that comes to `ch` goes on from there (Local). NULL, as a
	 * function or as what it gives: the way ends at ch. */
	struct channel *(*twin)(const struct channel *ch);
	/* ch now talks to `peer` (or to nobody, NULL). */
	void (*bridged)(struct channel *ch, struct channel *peer);
	/* How may ch and `peer`, of the same technology, be joined? NULL: CHAN_NATIVE_NO. */
	enum channel_native (*native)(struct channel *ch, struct channel *peer);
	/* The peer of ch is to send its media to that of `peer`, or (NULL) to us, as it did at first. Called whenever
	 * something may have changed; what is so already is not told again. */
	void (*direct)(struct channel *ch, struct channel *peer);
	/* pvt, and all that points back to `from`, belongs to `to` now (a call moved
	 * into the place of another: attended transfer to an application, Replaces
	 * of a ringing call). NULL: such moves are refused. */
	void (*moved)(struct channel *from, struct channel *to);
	/* CHANNEL(item): ENOENT when not ours. */
	int (*read)(struct channel *ch, struct str item, struct buf *out);
	int (*write)(struct channel *ch, struct str item, struct str value);
	/* State of device "PJSIP/alice" (name without the type); enum device_state. */
	int (*device_state)(struct pbx *pbx, struct str name);
};

typedef void chan_sink_fn(void *arg, struct channel *ch, struct chan_event *e /* taken over */);

/* When the next digit may be heard, and those that came before it: digit_pace.c. */
struct digit_pace {
	struct list waiting;            /* of struct chan_event */
	unsigned n;
	struct timer timer;
	void (*hear)(struct channel *ch, struct chan_event *e);      /* gets the first of them in its time */
	bool inside;                    /* a begin was heard, its end not yet */
	uint64_t begun_ms, next_ms;
};

struct channel {                        /* obj; pbx->channels holds one reference */
	struct list link;               /* in pbx->channels */
	struct pbx *pbx;
	const struct channel_tech *tech;
	void *pvt;                      /* owned by tech */
	struct text name;               /* "PJSIP/alice-0000002a" */
	struct text uniqueid, linkedid;
	enum channel_state state;
	struct party caller, connected, dialed;
	struct redirecting redirecting;
	struct text context, exten;
	int priority;
	struct text macro_app, app, appdata;    /* what it runs now */
	struct text accountcode, peeraccount, language, musicclass, parkinglot, userfield;
	struct text tonezone, hangsource, tenantid;
	struct vars vars;
	int64_t created;                /* [s] wall */
	uint64_t created_us, answered_us;       /* mono; answered 0: not yet */
	int cause;                      /* Q.850; 0: none yet */
	unsigned transfer_status;       /* how its technology says that transfer() was refused (a SIP status); 0: it does not */
	int tech_cause;                 /* the technology's own (a SIP status); 0: it ended well */
	bool outgoing;                  /* made by request() */
	bool hungup;                    /* a hangup was received or asked for: leave all apps */
	bool dead;                      /* destroyed; kept only by references */
	bool async_goto;                /* context/exten/priority were changed from outside: leave the app, go there */
	bool no_pbx_hangup;             /* runs h and hangup handlers already */
	bool reaped;                    /* channel_destroy_soon() was called */
	struct loop_call reap_call;
	struct chan_event *last_event;  /* held: CE_HANGUP, made with the channel so that no hangup is lost */
	bool owned;                     /* whoever requested it will destroy it: a hangup is only queued */
	bool away;                      /* a feature took it out of its bridge for a while: bridge_wait() waits on */
	bool worked_on;                 /* a feature's fiber reads its events: bridge_wait() waits for its end too */
	bool start_due;                 /* ... and at its end its dialplan begins */
	bool moh;                       /* hears music on hold */
	bool tone;                      /* hears a tone, until somebody stops it */
	bool digits_in_media;           /* set by tech: its digits come and go in RTP, so a media bridge passes them */
	bool digits_relayed;            /* ... and just now it does */
	bool heard;                     /* the peer's first packet came, or the handshake of its media is done */
	bool listens;                   /* wake it for that */
	int8_t shown;                   /* enum indication last given before the answer; -1: none */
	int amaflags;                   /* AMA_* */
	int forwards;                   /* left of max_forwards: so many more Dials may follow one another */
	int max_forwards;
	/* Events */
	struct list queue;              /* of struct chan_event, while sink is NULL */
	struct fiber *waiter;           /* woken when queue fills */
	chan_sink_fn *sink;
	void *sink_arg;
	/* Doing */
	struct fiber *fiber;            /* its own dialplan fiber, NULL: none */
	void *run;                      /* pbx/run.c: GoSub stack, loop guard, timeouts */
	struct bridge *bridge;          /* NULL: not in one */
	struct list datastores;         /* struct datastore: apps' and services' private notes */
	unsigned recordings;            /* of it, in pbx->recordings: its sound has to come through here */
	unsigned listeners;             /* others for whom it has to: channel_heard_anew() */
	unsigned sounds;                /* that play in its session, and have not ended yet */
	uint64_t call_group, pickup_group;
	struct text named_call_group, named_pickup_group;
	struct digit_pace pace;
	char dtmf_pending[32];          /* digits received while nobody read them */
	unsigned queued;                /* events in queue */
	struct channel *early;          /* heard before the answer; the other one points back */
	struct media_session *joined;   /* which session media_bridge() was given; to compare only */
	struct media_session *joined_image;     /* the same of its T.38 */
	bool gated;                     /* a fax gateway speaks with its session: no bridge of media joins it */
	bool held;                      /* it was last told that it is on hold, not that it no longer is */
	bool t38_active;                /* it was last told to negotiate T.38, not to end it */
	struct text moh_class;
	struct channel *player;         /* held: the channel whose sound plays in our session */
	uint32_t play_tag, moh_tag;
	struct channel *replaced_by;    /* held: takes our place with the dialler */
};

/* `name_suffix` NULL: "TYPE/stem-%08x" with the pbx's counter. Sends Newchannel. */
struct channel_new_prm {
	struct pbx *pbx;
	const struct channel_tech *tech;
	void *pvt;
	struct str stem;                /* "alice": name becomes PJSIP/alice-0000002a */
	struct str name;                /* whole name, used in place of stem when not empty */
	enum channel_state state;
	struct str context, exten;
	struct str caller_number, caller_name;
	struct str accountcode, tenantid, language;
	struct str uniqueid;            /* asked for; empty: systemname-time.counter */
	struct channel *linked;         /* takes its linkedid; NULL: starts one */
	bool outgoing;
};
/* *out is a view: it lives until channel_destroy(). ESHUTDOWN the pbx stops,
 * EEXIST the asked uniqueid is taken, ENOMEM. */
int channel_new(struct channel **out, const struct channel_new_prm *prm);

/* From the technology: this happened. Takes over `e`. */
void channel_event(struct channel *ch, struct chan_event *e);
void channel_event_simple(struct channel *ch, enum chan_event_type t);
void channel_event_hangup(struct channel *ch, int cause);    /* marks hungup, queues CE_HANGUP */
/* From the technology's media_event_fn: makes CE_DTMF_*, CE_PLAY_DONE of what
 * concerns channels (a Local half may be the one who plays here). The rest
 * (MEDIA_TIMEOUT, MEDIA_SOURCE ...) is left to the technology: false. */
struct media_event;
/* MUTEAUDIO(): `direction` is in, out or all. EINVAL another, ENOMEM. */
int channel_mute(struct channel *ch, struct str direction, bool on);
bool channel_media_event(struct channel *ch, const struct media_event *e);

/* From anybody: end this channel. Its fiber leaves the dialplan (then h and
 * hangup handlers run) and destroys it; without fiber or bridge it goes at once. */
void channel_hangup(struct channel *ch, int cause);
/* The same with the reason that SoftHangupRequest shows as its Cause. */
enum { SOFT_QUIET = 0 /* no event */, SOFT_DEVICE = 1, SOFT_SHUTDOWN = 4, SOFT_TIMEOUT = 8, SOFT_PBX_END = 16, SOFT_EXPLICIT = 32 };
void channel_soft_hangup(struct channel *ch, int cause, int reason);
void channel_tell_soft_hangup(struct channel *ch, int reason);       /* the event alone: run_dialplan.c at its end */
/* The end: hang up with the technology, Hangup event, out of the lists.
 * Owner of the moment only (its fiber, the dialler, the bridge). */
void channel_destroy(struct channel *ch);
void channel_destroy_soon(struct channel *ch);       /* from the loop; safe inside its own events */

/* Inside a fiber: the next event of one of `v` (waiter is set meanwhile; a NULL
 * in `v` is passed over, and v[0] NULL cancels nothing).
 * 0 and *ev (yours to free) and *which; ETIMEDOUT; ECANCELED: v[0] was hung up
 * or sent elsewhere (events still queued are left). ms UINT64_MAX: for ever. */
int channels_next(struct channel **v, size_t n, uint64_t ms, size_t *which, struct chan_event **ev);
int channel_next(struct channel *ch, uint64_t ms, struct chan_event **ev);
enum { AMA_OMIT = 1, AMA_BILLING, AMA_DOCUMENTATION };
enum { MAX_FORWARDS = 20 };     /* CHANNEL(max_forwards) of a new channel */

/* Sleep on the channel, dropping what arrives but keeping DTMF in
 * dtmf_pending: 0 when the time is over, else ECANCELED. */
int channel_sleep(struct channel *ch, uint64_t ms);

void channel_set_state(struct channel *ch, enum channel_state s);    /* Newstate, device state */
void channel_set_caller(struct channel *ch, struct str number, struct str name);     /* NewCallerid */
void channel_set_caller_party(struct channel *ch, const struct party *p);
void channel_set_connected(struct channel *ch, const struct party *p);       /* NewConnectedLine + indication */
void channel_put_connected(struct channel *ch, const struct party *p);       /* without indication */
void channel_set_accountcode(struct channel *ch, struct str code);   /* NewAccountCode */
void channel_tell_account(struct channel *ch, struct str old);       /* the event alone */
void channel_inherit_forwards(struct channel *ch, const struct channel *from);
void channel_set_exten(struct channel *ch, struct str context, struct str exten, int priority);
int channel_answer(struct channel *ch);      /* answers unless up already; 0 or errno */
/* The same for an application that will speak: one that rang waits until the peer's
 * sound comes, half a second at most (a reliable provisional response has its
 * PRACK by then, and the far end has opened its ears); `ms` not 0: that long and no
 * less than half a second. Inside a fiber; digits are kept. */
int channel_answer_settled(struct channel *ch, uint32_t ms);
int channel_indicate(struct channel *ch, enum indication ind, const void *data);
int channel_digit(struct channel *ch, char digit, unsigned ms);         /* with DTMFBegin and DTMFEnd: it is passed on */
int channel_digit_untold(struct channel *ch, char digit, unsigned ms);  /* of ours: SendDTMF and the like */
/* Whoever listens to the sound of ch, or changes it, has counted itself in `listeners` (or `recordings`), or out
 * again: its media come through here, or need no longer. */
void channel_heard_anew(struct channel *ch);
/* media_play() into the session at the end of the way of `ch`, which therefore has to send there. As media_play();
 * ENOTCONN: there is none. */
int channel_play(struct channel *ch, const struct str *names, size_t n, struct str lang, uint32_t tag);
struct media_session *channel_media(struct channel *ch);     /* follows Local halves to where sound goes */
struct channel *channel_media_end(struct channel *ch);       /* whose session that is; NULL */
int channel_rename(struct channel *ch, struct str name);     /* Rename event */

/* Give `into` (running an application, or being dialled) the leg of `from`, and
 * `from` the leg that `into` had: names, ids and parties go with the legs, fibers and
 * dialplan stay. `from` must be in no bridge. ENOSYS: a technology cannot. */
int channel_exchange(struct channel *into, struct channel *from);

struct channel *channel_by_name(struct pbx *pbx, struct str name);   /* name or uniqueid; a view, not held */
size_t channel_count(const struct pbx *pbx);
/* All, by uniqueid, for listings that take several turns: see map_walk_next(). Not held. */
struct channel *channel_walk_next(struct pbx *pbx, struct map_walk *w);
/* Request by "TECH/dest". *cause as tech->request. *out is `owned` by the
 * caller: destroy it, start a fiber for it or put it into a bridge. */
int channel_request(struct pbx *pbx, struct str tech_dest, struct channel *requestor, struct channel **out,
		    int *cause);
int channel_request_prm(const struct channel_request *rq, struct str tech_dest, struct channel **out, int *cause);

/* What becomes of a channel that was sent elsewhere. One follows it: the latest, an earlier one hears LOST. Told until
 * it gives true, or LOST, which is the last: the channel has ended. */
enum channel_news {
	CHAN_NEWS_PROCEEDING, CHAN_NEWS_RINGING, CHAN_NEWS_PROGRESS,   /* whom it calls */
	CHAN_NEWS_BUSY, CHAN_NEWS_CONGESTION,
	CHAN_NEWS_ANSWERED,             /* it is in a bridge, or hears something */
	CHAN_NEWS_LOST
};
typedef bool channel_news_fn(void *arg, enum channel_news news);
int channel_follow(struct channel *ch, channel_news_fn *fn, void *arg /* obj; held */);

/* Private notes by key, freed with the channel. */
struct datastore {
	struct list link;
	const char *key;        /* compared by address */
	void *data;             /* an obj */
	void *(*heir)(const void *data);        /* channel_note_inherit(); NULL: nobody inherits it */
};
int channel_note_set(struct channel *ch, const char *key, void *obj /* takes the reference */);
void *channel_note(struct channel *ch, const char *key);
/* What channels that are made for this one get of that note, while it is there: an obj of their own, and
 * their heirs the same; NULL: nothing. */
void channel_note_inherit(struct channel *ch, const char *key, void *(*heir)(const void *obj));
int channel_inherit_notes(struct channel *to, struct channel *from); /* ENOMEM */

/* Q.850 causes that the code names. */
enum {
	CAUSE_NONE = 0, CAUSE_UNALLOCATED = 1, CAUSE_NO_ROUTE = 3, CAUSE_NORMAL = 16, CAUSE_BUSY = 17,
	CAUSE_NO_RESPONSE = 18, CAUSE_NO_ANSWER = 19, CAUSE_SUBSCRIBER_ABSENT = 20, CAUSE_REJECTED = 21,
	CAUSE_REDIRECTED = 23, CAUSE_ANSWERED_ELSEWHERE = 26, CAUSE_DEST_OUT_OF_ORDER = 27,
	CAUSE_INVALID_NUMBER = 28, CAUSE_FACILITY_REJECTED = 29, CAUSE_NORMAL_UNSPECIFIED = 31,
	CAUSE_NO_CIRCUIT = 34, CAUSE_NETWORK_OUT_OF_ORDER = 38, CAUSE_TEMPORARY_FAILURE = 41,
	CAUSE_CONGESTION = 42, CAUSE_BEARER_NOT_AVAILABLE = 58, CAUSE_BEARER_NOT_IMPLEMENTED = 65,
	CAUSE_INCOMPATIBLE = 88, CAUSE_TIMER_EXPIRED = 102, CAUSE_INTERWORKING = 127
};
int cause_of(struct str name);       /* "NO_ANSWER" or "19"; -1: no such cause */
const char *cause_text(int cause);   /* "Normal Clearing", ... as the manager's Cause-txt */

#endif
