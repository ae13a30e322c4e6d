/* service/call/session.h -- a call leg over SIP: a channel on one side, a struct ua_invite
 * (ua/invite.h) on the other. What RFC 3261 and its kin ask of a call is there; here is
 * what an endpoint's options and the dialplan make of it.
 *
 *   session.c           birth, death, what the channel is told at the end
 *   session_cause.c     Q.850 and SIP
 *   session_user.c      what the ua_invite tells and asks
 *   session_in.c        a new INVITE of theirs
 *   session_out.c       one of ours; and the changes that a fiber waits for
 *   session_sdp.c       offers and answers, and the media they set
 *   session_ice.c       ICE in them
 *   session_port.c      RTP ports of a session's streams
 *   session_secure.c    encrypted media
 *   session_quality.c   how good the media are
 *   session_streams.c   video of two legs
 *   session_direct.c    the peers of two legs send to one another
 *   session_redirect.c  3xx to our INVITE
 *   session_party.c     who calls: From, P-Asserted-Identity, Remote-Party-ID
 *   session_diversion.c whom the call was for: Diversion, History-Info
 *   session_aoc.c       what it costs
 *   session_t38*.c      fax calls over T.38
 *   session_geoloc.c    where the caller is
 *   session_tones.c     digits and fax tones in the sound
 *   session_record.c    one-touch recording
 *   session_stir.c      the caller proven, our calls signed (STIR/SHAKEN)
 *   channel_tech.c      what the pbx asks of a channel
 *
 * Ownership: the channel's pvt holds one reference until tech->hangup; the ua_invite
 * holds one until it is over, which may be later (a BYE that has to wait).
 * Threads: core. */
#ifndef SERVICE_CALL_SESSION_H
#define SERVICE_CALL_SESSION_H

#include "sdp/negotiate.h"
#include "service/place/location.h"
#include "service/common/request.h"
#include "ua/invite.h"

/* A stream beside the first one of sound as our next offer shall have it. */
struct stream_plan {
	uint8_t type, nth;              /* enum media_type; which of that type, from 0 */
	bool active;
	enum sdp_dir want;
	struct formats formats;
};
enum { STREAM_PLANS = 8 };

/* A header line that the dialplan or a manager adds. */
struct session_header {
	struct list link;
	struct text name, value;
};

/* In what it is counted. */
struct session_counted {
	bool call;                      /* service.calls */
	bool ringing, up, hold;         /* endpoint_state */
};

/* Messages that PJSIP_HEADER and its kin look into; held. */
struct session_seen {
	struct sip_msg *invite;         /* their first INVITE */
	struct sip_msg *response;       /* the last one to ours */
	struct sip_msg *sent_on;        /* the REFER that sent its channel on */
};

/* To whom a 3xx sends our INVITE: session_redirect.c. */
struct session_target {
	struct list link;               /* session.targets, the highest q first */
	struct text uri;
	uint32_t q;                     /* in thousandths */
	bool asked;
};

/* Whom we call. */
struct session_callee {
	struct text uri;
	struct contact *contact;        /* held; NULL */
};

/* PJSIP_HEADER_PARAM: ";a=b" */
struct session_params {
	struct text from, from_uri;
};

struct session_formats {
	struct formats offer;           /* PJSIP_MEDIA_OFFER */
	bool has_offer;                 /* else the endpoint's */
	bool fresh;                     /* written since the call is up, and not offered yet: PJSIP_SEND_SESSION_REFRESH */
	struct formats caller;          /* of whoever calls through us; n 0: nobody, or not known */
	struct formats native;          /* codecs in force */
};

/* What our next offer changes in its streams: session_streams.c. */
struct session_streams {
	struct stream_plan plan[STREAM_PLANS];
	size_t plans;
	bool told;                      /* what the next answer may say of video: the leg that it called has said so */
	uint8_t of_caller;              /* how many streams of sound whoever calls through us has */
	bool reduce;                    /* end streams of a type behind the n-th */
	uint8_t reduce_type, reduce_to;
};

struct session;

struct session_ice {
	bool prepared;                  /* the streams of our first offer are made, and gather theirs */
	void (*go_on)(struct session *s);       /* what waits for them: the dialplan, or our INVITE; NULL: nothing */
	struct timer timer;             /* no longer than this */
};

struct stir_check;
struct session_stir {
	struct stir_check *check;       /* held, and points back; NULL: none runs */
	void (*go_on)(struct session *s);       /* what waits for it: the dialplan */
	struct text reason;             /* of the next response that may have it: a Reason header's value */
};

struct session_dtls {
	struct dtls_identity *identity; /* held; our certificate, once it was needed. NULL */
	bool up;                        /* one handshake has succeeded */
	struct timer end;               /* one has failed: the call ends unless another one succeeds */
};

/* What the phone is to be told about costs, as XML; empty: nothing. */
struct session_aoc {
	struct text rates;              /* AOC-S, in responses to its INVITE */
	struct text total, end;         /* AOC-D as it was last, AOC-E: at the end */
};

/* The location that goes with our INVITE: a URI, or a body of its own; both empty: none. */
struct session_geoloc {
	struct text uri, body, source;
	struct text part_headers;       /* those of the body, while it is written */
	bool routing;                   /* servers may route the call by it */
};

/* Direct media: session_direct.c. */
struct session_direct {
	struct sa addr, rtcp;           /* where the peer is told to send; unset: to us */
	struct sa own;                  /* where we receive, as it would be told */
	bool rtcp_mux;                  /* of the other leg */
	struct formats formats;         /* what it may send there */
	bool tried;                     /* it was to be told once */
	bool their_offer;               /* the SDP in force was offered by the peer */
	struct sa heard, heard_for;     /* MEDIA_SOURCE: where its sound comes from; the address in its SDP then */
};

struct session {                /* obj */
	struct list link;               /* service.sessions */
	struct list by_endpoint;        /* endpoint_state.sessions */
	struct service *svc;
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* of conf */
	struct endpoint_state *state_of;
	struct share_account account;   /* whoever pays for it: theirs to us, or the one who calls through us */
	struct channel *ch;             /* not held: it ends us; NULL: it did */
	struct ua_invite *iv;           /* held */
	bool incoming;
	bool early_media;               /* an answer went out or came before the 200 */
	bool local_hold;
	bool moh_passthrough;           /* the endpoint's, until PJSIP_MOH_PASSTHROUGH() */
	bool holds;                     /* the peer holds the call: CE_HOLD was told */
	bool forwarded;                 /* a 181 went out: further responses say where to, until the final one */
	struct session_ice ice;
	struct session_stir stir;
	uint8_t dtmf_mode;              /* enum endpoint_dtmf_mode; AUTO decided at each SDP */
	unsigned sent_status;           /* last provisional of ours */
	int hangup_cause;
	struct session_counted counted;
	struct session_seen seen;
	struct party id;                /* the peer, as last learnt or configured */
	struct party told;              /* whom our last P-Asserted-Identity or Remote-Party-ID named */
	struct session_callee callee;
	struct list headers;            /* struct session_header: of PJSIP_HEADER(), for our INVITE; or those of theirs */
	struct list sent_headers;       /* those that our INVITE has had, for when it is sent again */
	bool headers_taken;             /* of their INVITE */
	struct session_params params;
	struct neg *neg;                /* held */
	struct session_dtls dtls;
	struct session_formats formats;
	struct session_aoc aoc;
	struct session_t38 *t38;        /* owned; NULL: nobody spoke of T.38 */
	struct session_geoloc geoloc;
	struct { bool over; struct timer timer; } fax;  /* fax_detect: nobody listens any more; when that will be */
	struct list targets;            /* of session_redirect.c; not begun: nobody has redirected us */
	char supported[64];             /* option tags of our messages beside 100rel */
	const char *end_reason;         /* a Reason of SIP that its BYE has; NULL: that of the cause (a literal) */
	struct session_streams streams;
	const struct net_path *way;     /* of our INVITE, while it is prepared; NULL: the dialog has it */
	struct session *caller;         /* held; who calls through us and has video, until we are answered. NULL: nobody */
	struct session_direct direct;
	struct { bool done; unsigned status; } refer;   /* REFER of ours, and how it went (0: nobody said): transfer.c */
	struct session_qos *qos[2];     /* held; the numbers at the end of this leg, of the one it was bridged to; NULL */
};

#define SESSION_OF(ch) ((struct session *)(ch)->pvt)
extern const struct channel_tech pjsip_tech;
/* NULL: not PJSIP. */
static inline struct session *session_of_channel(const struct channel *ch)
{
	return ch && ch->tech == &pjsip_tech && ch->pvt ? SESSION_OF(ch) : NULL;
}

/* session.c */
/* Its ua_invite sends and has nothing yet. ENOMEM */
int session_new(struct service *svc, struct snapshot *conf, const struct endpoint *ep, struct session **out);
/* Tell the peer that it is over (BYE, CANCEL, final response by `cause`) and
 * let go of everything. The channel is told nothing. */
void session_end(struct session *s, int cause);
/* Over for the peer: the channel gets a hangup with `cause`. */
void session_peer_ended(struct session *s, int cause, unsigned status /* TechCause; 0: it ended well */);
bool session_is_up(const struct session *s);
bool session_is_ringing(const struct session *s);    /* their INVITE waits for our final response */
struct sip_dialog *session_dialog(const struct session *s);  /* view; NULL: none */
/* A final response but 2xx to their first INVITE. EALREADY: none waits. */
int session_refuse(struct session *s, unsigned status, struct str headers);
/* Counts for device state. */
void session_channel_state(struct session *s, enum channel_state st);
void session_hold_count(struct session *s, bool hold);

/* session_headers.c */
int session_header_add(struct list *l, struct str name, struct str value);
void session_header_free(struct session_header *h);
void session_headers_free(struct list *l);
bool session_headers_have(const struct list *l, struct str name);
/* Those of the dialplan in our INVITE, of this channel and of the one it was made for. */
void session_headers_put(struct session *s, struct buf *b);
/* PJSIP_INHERITABLE_HEADER(): a list that the channels which this one makes get a copy of. NULL: nothing was added, or
 * with `make` no memory. */
struct list *session_headers_for_heirs(struct channel *ch, bool make);

/* session_cause.c */
unsigned session_status_of(int cause);               /* Q.850 to SIP */
unsigned session_tech_cause(int cause);              /* the same; 0: that is no failure, or has no status */
int session_cause_of(unsigned status);               /* SIP to Q.850 */
int session_reason_of(const struct sip_msg *msg);    /* what its Reason headers say (RFC 3326); 0: nothing */
int session_cause_of_msg(const struct sip_msg *msg); /* a Reason header first */
/* "Reason: Q.850;cause=n\r\n", unless `ep` wants none, or there is no cause; before it, for
 * CAUSE_ANSWERED_ELSEWHERE, the SIP reason that forked calls are cancelled with. A view into `room`, which
 * has SESSION_REASON_MAX bytes. */
#define SESSION_REASON_MAX 96
struct str session_reason_header(const struct endpoint *ep, int cause, char *room, size_t n);

/* session_user.c */
extern const struct ua_invite_user session_user;

/* session_in.c */
/* Everything that a new INVITE needs but its dialplan: session, dialog, offer
 * and channel. NULL: it was refused on `tx`. The channel owns the session. */
struct session *session_accept(struct service *svc, struct identity *id, struct sip_server_tx *tx, struct sip_msg *msg);
method_fn invite_request;

/* session_out.c */
int session_call(struct session *s);
/* For the ua_invite, now that the way of our INVITE is known. */
int session_prepare(void *arg, struct ua_request *rq, struct sip_out *o, const struct net_path *path);
void session_write_request(struct session *s, struct buf *h);        /* headers of our INVITE */
/* ua_invite_refresh(), and on the channel's fiber wait until it was answered. */
int session_refresh_wait(struct session *s, bool update);

/* session_sdp.c: struct ua_invite_user says what each has to do. */
int session_offer_make(void *arg, struct buf *b);
int session_answer_make(void *arg, struct buf *b);
/* Our INVITE is about to be written, by this path. true: its streams have begun to gather candidates. */
bool session_offer_prepare(struct session *s, const struct net_path *path);
unsigned session_offer_came(void *arg, struct str body);
unsigned session_answer_came(void *arg, struct str body);
void session_exchange_failed(void *arg);
/* The endpoint's settings changed: an offer that waits for its answer is judged anew.
 * 0, or a SIP status. */
unsigned session_offer_again(struct session *s);
void session_media_apply(struct session *s);
void session_media_close(struct session *s);

/* The formats of an offer or answer of ours: PJSIP_MEDIA_OFFER, else the endpoint's. */
void session_formats(struct session *s, struct formats *out);

/* session_ice.c */
int session_ice_offer(struct session *s);            /* its lines into the SDP that is about to be written */
void session_ice_begin(struct session *s);           /* an offer has come, and its ports are open */
int session_ice_answer(struct session *s);
/* All of our candidates must be known now, and some are not yet: true; `go_on` is called when they are, or it has
 * taken too long. */
bool session_ice_must_wait(struct session *s, void (*go_on)(struct session *s));
void session_ice_forget(struct session *s);          /* nothing waits any more */
bool session_ice_is_good(struct session *s, const struct sdp *sdp);  /* false: to be refused, which is said */
void session_ice_apply(struct session *s);           /* the negotiation is in force */
void session_ice_undo(struct session *s);            /* it came to nothing */
void session_ice_event(struct session *s, const struct media_event *e);
void session_ice_headers(const struct session *s, struct buf *h);    /* of an INVITE, and of a 2xx to one */
unsigned session_ice_info(struct session *s, const struct sip_msg *msg);     /* trickle-ice-sdpfrag came: the answer's status */

/* session_stir.c */
/* A new call of theirs, with its channel: true: `go_on` is called when its caller was judged, or the call was refused. */
bool session_stir_must_wait(struct session *s, void (*go_on)(struct session *s));
void session_stir_forget(struct session *s);         /* nothing waits any more */
void session_stir_reason(struct session *s, unsigned status, struct buf *h);  /* of responses to an INVITE */
void session_stir_sign(struct session *s, struct buf *h);    /* headers of our INVITE */

/* session_port.c */
/* What opens the ports of the streams that are in force or about to be offered.
 * ENOBUFS, EMFILE: there is no room. */
int session_ports_open(struct session *s);
/* An answer has put streams together that had ports of their own in our offer: they move, with the SSRCs that it
 * named. At any other time what moves gets another, since its count of packets begins anew. */
int session_ports_follow(struct session *s);
struct session_port {           /* obj */
	struct media_session *m;        /* owned */
	struct session *s;              /* whom its events reach; obj_point() */
	bool shared;                    /* another stream's account pays for it (BUNDLE) */
	uint8_t ice_told;               /* of its candidates, how many the peer knows; the end of them counts one */
};
static inline struct media_session *session_stream_media(const struct neg_stream *st)        /* view; NULL: no port */
{
	const struct session_port *p = st->port;

	return p ? p->m : NULL;
}
struct media_session *session_audio(struct session *s);

/* session_secure.c */
void session_secrets_free(struct service *svc);
void session_secure_prepare(struct service *svc);    /* a configuration is in force: before its first call */
void session_secure_prm(struct session *s, struct neg_prm *p);
bool session_is_secure(struct session *s);           /* every stream of it is encrypted */
void session_secure_fingerprint(struct session *s, struct buf *out);  /* "sha-256 AB:CD..." of our DTLS; nothing: none */
void session_secure_event(struct session *s, const struct media_event *e);   /* MEDIA_SECURE */

/* session_quality.c */
/* On a fiber, which waits for the media thread: the numbers of one stream. 0, ENOMEM, ESHUTDOWN;
 * EAGAIN: on no fiber. */
int session_stats(struct media_session *m, struct media_stats *st);
enum session_quality { QUALITY_ALL, QUALITY_JITTER, QUALITY_LOSS, QUALITY_RTT, QUALITY_MES };
void session_quality_write(struct buf *out, enum session_quality kind, const struct media_stats *st);
void session_quality_ended(struct session *s, struct media_session *m /* its sound; NULL: none */);  /* the peer has hung up: RTPAUDIOQOS */
int session_quality_register(struct pbx *p);
void session_rtcp_event(struct session *s, const struct media_session *m, const struct media_event *e);

/* session_streams.c */
/* The peer has offered other streams: the other leg follows. */
void session_streams_offered(struct session *s);
void session_streams_plan(struct session *s);        /* into the offer that is being made */
void session_streams_reduce(struct session *s);
/* What is spoken in the call that `requestor` (NULL: none) belongs to; its packet
 * lengths are that leg's own affair and left out. */
void session_streams_formats(struct channel *requestor, struct formats *out);
/* `s` is called for `requestor`: its video is the pattern of ours. */
void session_streams_called_by(struct session *s, struct channel *requestor);
size_t session_streams_videos(const struct session *s);      /* how many it has; NULL: none */
size_t session_streams_sounds(const struct session *s);      /* how many of sound our first offer has */
bool session_is_sound(struct session *s, const struct media_session *m);     /* the one that is the channel's */
/* Before an SDP of ours: feedback, header extensions and descriptions of its video as the other leg has them. */
void session_streams_limit(struct session *s);
/* We have an answer: whoever calls through us is answered by it. `last`: and no other will come. */
void session_streams_tell(struct session *s, bool last);
/* Media of the further streams, with the leg that we are bridged to now. */
void session_streams_join(struct session *s);
void session_streams_part(struct session *s);

/* session_direct.c: as in struct channel_tech */
enum channel_native session_native(struct channel *a, struct channel *b);
void session_direct(struct channel *ch, struct channel *peer);
bool session_is_direct(const struct session *s);
void session_direct_local(struct session *s, struct neg_stream *st);         /* st->local was set: or there */
bool session_direct_rests(const struct session *s, const struct neg_stream *st);     /* media_set.rest */
/* Of `all` those that an SDP may name now. */
void session_direct_formats(struct session *s, const struct formats *all, struct formats *out);
void session_direct_event(struct session *s, const struct media_event *e);   /* MEDIA_SOURCE */

/* session_party.c */
void session_read_caller(struct session *s, const struct sip_msg *msg, struct party *p);
/* True and *p filled when a trusted identity stands in `msg`. */
bool session_read_identity(struct session *s, const struct sip_msg *msg, struct party *p);
void session_write_from(struct session *s, const struct net_path *path, struct buf *b);
void session_write_identity(struct session *s, struct buf *headers, bool outgoing);
/* callerid= and its like. */
void session_configured_party(struct session *s, struct party *p);
/* A trusted identity in `msg` that differs from what was known goes to the channel. */
void session_identity_came(struct session *s, const struct sip_msg *msg);
/* The call goes out: whom the dialplan said it is to is known from now on, until a response knows better. */
void session_called_party(struct session *s);
void session_write_uri(struct session *s, const struct net_path *path, const struct party *p, struct buf *b);
/* May the peer be told who is on the other side now? */
bool session_may_tell_line(const struct session *s);
/* connected_line_method=update, or the peer says that it takes UPDATE. */
bool session_tells_by_update(const struct session *s);

/* session_aoc.c */
struct aoc;
int session_aoc_tell(struct session *s, const struct aoc *a);        /* ENOMEM, ENOTCONN; nothing unless send_aoc */
size_t session_aoc_parts(const struct session *s, enum ua_invite_message kind, unsigned status, struct ua_part *p);

/* session_geoloc.c */
void session_geoloc_came(struct session *s, const struct sip_msg *msg);      /* their first INVITE, and its channel is there */
void session_geoloc_prepare(struct session *s);      /* before ours; on the fiber of whoever calls */
void session_geoloc_headers(struct session *s, struct buf *h);
size_t session_geoloc_parts(struct session *s, enum ua_invite_message kind, struct ua_part *p);

/* session_tones.c */
struct media_event;
unsigned session_tones_wanted(const struct session *s, const struct neg_stream *st);         /* media_set.listen */
void session_tones_up(struct session *s);            /* it has been answered: the time for fax tones begins */
void session_tones_event(struct session *s, const struct media_event *e);    /* MEDIA_CNG */

/* session_diversion.c */
void session_write_diversion(struct session *s, struct buf *headers, bool request);
/* True: the channel's redirecting data was set from `msg`. */
bool session_read_redirecting(struct session *s, const struct sip_msg *msg);
void session_tell_redirecting(struct session *s);    /* CE_REDIRECTING */

/* session_redirect.c */
bool session_retarget(void *arg, struct sip_msg *msg, struct str *uri);      /* as in struct ua_invite_user */
void session_redirected(struct session *s, struct sip_msg *msg);

/* session_record.c: true: it was an INFO with Record: on or off, and is answered. */
bool session_record_info(struct session *s, struct sip_server_tx *tx, const struct sip_msg *msg);

#endif
