/* service/session.h -- a call leg over SIP: INVITE dialogs as PJSIP channels.
 *
 *   session.c          birth, death, what the channel is told
 *   session_in.c       INVITE, re-INVITE, UPDATE, BYE ... that come
 *   session_out.c      INVITE and other requests that we send
 *   session_refresh.c  re-INVITE and UPDATE that we send
 *   session_sdp.c      offers and answers, and the media they set
 *   session_port.c     RTP ports of a session's streams
 *   session_streams.c  video of two legs
 *   session_party.c    who calls: From, P-Asserted-Identity, Remote-Party-ID
 *   session_diversion.c  whom the call was for: Diversion, History-Info
 *   session_reliable.c 100rel (RFC 3262)
 *   session_timer.c    session timers (RFC 4028)
 *   channel_tech.c     what the pbx asks of a channel
 *
 * Ownership: the channel's pvt holds one reference until tech->hangup; the
 * dialog and the transactions point here and are closed by session_end().
 * Threads: core. */
#ifndef SERVICE_SESSION_H
#define SERVICE_SESSION_H

#include "sdp/negotiate.h"
#include "service/location.h"
#include "service/request.h"

enum session_state {
	SESSION_NEW,            /* no INVITE yet, or it was refused: only the channel's end is waited for */
	SESSION_INVITING,       /* ours is out */
	SESSION_RINGING,        /* theirs is in: `uas` waits for our final response */
	SESSION_UP, SESSION_ENDED
};

/* The exchange of an offer and its answer (RFC 3264), whichever messages carry it:
 *
 *   NONE --session_offer_in()--> THEIRS --session_answer_out()--> NONE
 *   NONE --session_offer_out()--> OURS --session_answer_in()--> NONE
 *   OURS, THEIRS --session_offer_failed()--> NONE, with all that was before
 *
 * Only NONE lets an offer in or out; the others make its sender wait
 * (session_offer_glare()). */
enum offer_state { OFFER_NONE, OFFER_OURS, OFFER_THEIRS };

/* A video stream as our next offer shall have it. */
struct stream_plan {
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

struct session {                /* obj */
	struct list link;               /* service.sessions */
	struct list by_endpoint;        /* endpoint_state.sessions */
	struct service *svc;
	struct snapshot *conf;          /* held */
	const struct endpoint *ep;      /* of conf */
	struct endpoint_state *state_of;
	struct share_account account;   /* whoever pays for it: theirs to us, or the one who calls through us */
	struct channel *ch;             /* not held: it ends us */
	struct sip_dialog *dlg;         /* held */
	enum session_state st;
	bool incoming, bye_sent, ringing_counted, up_counted;

	/* a request of theirs that waits for our final answer */
	struct sip_stx *uas;            /* held: INVITE (first one, or re-INVITE), until its ACK; session_uas_*() */
	bool counted;                   /* in service.calls */
	bool ending;                    /* over, but our 2xx is not acknowledged yet: BYE follows (15) */
	bool peer_hangs_up;             /* it asked for a transfer: the BYE is its own to send (RFC 5589 6.1) */
	struct timer grace;             /* ... but not for ever */
	bool answer_wanted;             /* 200 waits for a PRACK */
	struct list deferred;           /* requests of ours that wait for that ACK */
	struct sip_msg *invite;         /* held: their first INVITE, for PJSIP_HEADER */
	struct sip_msg *last_response;  /* held */
	struct sip_msg *sent_on;        /* held: the REFER that sent its channel on: PJSIP_HEADER */
	unsigned sent_status;           /* last provisional of ours */

	/* INVITE of ours */
	struct ua_request *uac;            /* held */
	bool uac_sdp_done;              /* its offer was answered */
	bool uac_is_refresh, uac_is_update;
	bool uac_held;                  /* our INVITE under way holds a reference to us */
	struct net_bytes *ack;          /* held: sent again for a repeated 2xx */
	struct net_path ack_path;

	/* parties */
	struct party id;                /* the peer, as last learnt or configured */
	struct party told;              /* whom our last P-Asserted-Identity or Remote-Party-ID named */

	/* what to send */
	struct text target, request_user;       /* URI; user to put into it */
	struct contact *contact;        /* held: whom we call; NULL */
	struct text transport;
	struct list headers;            /* struct session_header: for the next INVITE */
	struct list response_headers;
	struct text from_params, from_uri_params, to_params, to_uri_params;     /* PJSIP_HEADER_PARAM: ";a=b" */

	/* media */
	struct neg *neg;                /* held */
	enum offer_state offer;
	bool local_hold, remote_hold;
	bool early_media;               /* SDP was answered before 200 */
	struct text local_sdp;          /* as it went out last: repeated by later responses to the same INVITE */
	struct formats offer_formats;   /* PJSIP_MEDIA_OFFER; n 0: the endpoint's */
	bool has_offer_formats;
	struct formats caller_formats;  /* of whoever calls through us; n 0: nobody, or not known */
	struct stream_plan plan[STREAM_PLANS];  /* session_streams.c: n-th video stream */
	size_t plans;
	bool reduce;                    /* offer to end streams of a type behind the n-th */
	uint8_t reduce_type, reduce_to;
	uint8_t dtmf_mode;              /* enum endpoint_dtmf_mode; AUTO decided at each SDP */
	struct formats native;          /* codecs in force */
	struct text media_address_text;

	/* 100rel */
	bool rel_supported, rel_required;       /* by the peer */
	uint32_t rseq;
	struct timer rel_timer;
	uint32_t rel_interval_ms, rel_waited_ms;
	bool rel_pending;
	struct list rel_queue;          /* struct held_response: behind an unacknowledged one */
	uint32_t rel_remote_rseq;

	/* session timer */
	bool timer_on, timer_refresher_us;
	uint32_t timer_interval;        /* [s] */
	uint32_t timer_min;             /* [s] the least that the peer takes: of its 422; 0: it did not say */
	struct timer timer;

	/* refresh */
	bool refresh_wanted, refresh_by_update;
	struct timer glare;

	int hangup_cause;
	struct { bool active, done, ok; } refer;        /* REFER of ours: transfer.c */
};

#define SESSION_OF(ch) ((struct session *)(ch)->pvt)

/* session.c */
int session_new(struct service *svc, struct snapshot *conf, const struct endpoint *ep, struct session **out);
/* Tell the peer that it is over (BYE, CANCEL, final response by `cause`) and
 * let go of everything. The channel is told nothing. */
void session_end(struct session *s, int cause);
/* Nothing calls this session any more: timers, transactions, dialog and ports. */
void session_detach(struct session *s);
/* `tx` is the INVITE that waits for our final response; NULL: none. The one before
 * is told nothing more. */
void session_uas_set(struct session *s, struct sip_stx *tx, const struct sip_stx_user *user);
/* It, while no final response was sent; NULL: none waits. */
struct sip_stx *session_uas_waiting(const struct session *s);
/* A final response but 2xx to their first INVITE. EALREADY: none waits. */
int session_refuse(struct session *s, unsigned status, struct str headers);
/* The peer ended it: the channel gets a hangup with `cause`. */
void session_peer_ended(struct session *s, int cause, unsigned status /* TechCause; 0: it ended well */);
/* At the end of the program: nobody waits for an ACK any more. */
void sessions_abandon(struct service *svc);
/* An ended session whose BYE had to wait sends it. */
void session_finish_ending(struct session *s);
/* Leave the BYE to the peer, but for `ms` at most, when the session ends. */
void session_leave_bye(struct session *s, uint64_t ms);
unsigned session_status_of(int cause);               /* Q.850 to SIP */
unsigned session_tech_cause(int cause);              /* the same; 0: that is no failure, or has no status */
int session_cause_of(unsigned status);               /* SIP to Q.850 */
int session_reason_of(const struct sip_msg *msg);    /* what its Reason headers say (RFC 3326); 0: nothing */
int session_cause_of_msg(const struct sip_msg *msg); /* a Reason header first (RFC 3326) */
struct str session_reason_header(const struct session *s, int cause, char *room, size_t n);
/* Counts for device state. */
void session_channel_state(struct session *s, enum channel_state st);
struct session *session_of_channel(struct channel *ch);      /* NULL: not PJSIP */
void session_set_target(struct session *s, struct str uri);
/* The extension that a R-URI names: user part without options, unescaped; "s" when empty. */
struct str session_exten(const struct snapshot *conf, const struct sip_uri *uri, char *room, size_t n);
int session_header_add(struct list *l, struct str name, struct str value);
void session_headers_free(struct list *l);
void session_headers_write(const struct list *l, struct buf *b);

/* session_in.c */
void session_dialog_request(void *arg, struct sip_dialog *d, struct sip_stx *tx, struct sip_msg *msg);
void session_dialog_ack(void *arg, struct sip_dialog *d, struct sip_msg *msg);
/* Everything that a new INVITE needs but its dialplan: session, dialog, offer
 * and channel. NULL: it was refused on `tx`. The channel owns the session. */
struct session *session_accept(struct service *svc, struct identity *id, struct sip_stx *tx, struct sip_msg *msg);
/* Provisional or final answer to their INVITE. `sdp`: with what the negotiation has. */
int session_respond(struct session *s, unsigned status, bool sdp);

/* 200 to their INVITE, as soon as no reliable response waits for its PRACK
 * (RFC 3262 3). */
int session_answer(struct session *s);

/* session_out.c */
int session_call(struct session *s);
/* Of a 2xx to `invite`, whose credentials go with it (RFC 3261 22.1). */
void session_send_ack(struct session *s, struct sip_dialog *d, const struct sip_msg *msg, const struct sip_out *invite);

/* Any request inside the dialog; answers challenges. `fn` may be NULL. */
typedef void session_done_fn(struct session *s, const struct sip_msg *final /* NULL: none came */, void *arg);
int session_send(struct session *s, struct sip_out *o, session_done_fn *fn, void *arg);

/* Our 2xx was acknowledged, or never will be: what waited for it goes out. */
void session_acked(struct session *s);
void session_deferred_free(struct session *s);

/* session_refresh.c */
/* re-INVITE or UPDATE with the present state of things; waits for its turn. */
int session_refresh(struct session *s, bool update);
/* The same, and on the channel's fiber wait until it was answered. */
int session_refresh_wait(struct session *s, bool update);

/* session_sdp.c */
int session_sdp_start(struct session *s);            /* makes s->neg */
/* Its media must be encrypted: no call goes without. */
bool session_needs_srtp(const struct endpoint *ep);
/* Why no offer of the peer can be taken now: 491 while ours is out, 500 while
 * theirs is not answered (RFC 3311 5.2, RFC 3261 14.2), with what the refusal
 * must say in *headers. 0: it can. */
unsigned session_offer_glare(struct session *s, struct buf *headers);
/* 0, or the SIP status to refuse with; then nothing has changed. */
unsigned session_offer_in(struct session *s, struct str body);
/* The endpoint's settings changed: an offer that waits for its answer is judged anew. */
unsigned session_offer_again(struct session *s);
/* 488 leaves our offer out: another response may bring a better answer. */
unsigned session_answer_in(struct session *s, struct str body);
/* EINVAL: not the time for it. On an error the offer has failed. */
int session_answer_out(struct session *s, struct buf *b);
int session_offer_out(struct session *s, struct buf *b);
void session_media_apply(struct session *s);
void session_media_close(struct session *s);
/* The exchange under way ends without an answer; nothing when none is. */
void session_offer_failed(struct session *s);
enum endpoint_dtmf_mode session_dtmf(struct session *s);

/* The formats of an offer or answer of ours: PJSIP_MEDIA_OFFER, else the endpoint's. */
void session_formats(struct session *s, struct formats *out);

/* session_port.c */
/* What opens the ports of the streams that are in force or about to be offered.
 * ENOBUFS, EMFILE: there is no room. */
int session_ports_open(struct session *s);
struct media_session *session_stream_media(const struct neg_stream *st);     /* view; NULL: no port */
struct media_session *session_audio(struct session *s);

/* session_streams.c */
/* The peer has offered other streams: the other leg follows. */
void session_streams_offered(struct session *s);
void session_streams_plan(struct session *s);        /* into the offer that is being made */
void session_streams_reduce(struct session *s);
/* What is spoken in the call that `requestor` (NULL: none) belongs to; its packet
 * lengths are that leg's own affair and left out. */
void session_streams_formats(struct channel *requestor, struct formats *out);
/* Media of the further streams, with the leg that we are bridged to now. */
void session_streams_join(struct session *s);
void session_streams_part(struct session *s);

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
void session_write_uri(struct session *s, const struct net_path *path, const struct party *p, struct buf *b);
/* May the peer be told who is on the other side now? */
bool session_may_tell_line(const struct session *s);

/* session_diversion.c */
void session_write_diversion(struct session *s, struct buf *headers, bool request);
/* True: the channel's redirecting data was set from `msg`. */
bool session_read_redirecting(struct session *s, const struct sip_msg *msg);
void session_tell_redirecting(struct session *s);    /* CE_REDIRECTING */

/* session_reliable.c */
bool session_reliable_wanted(const struct session *s);
/* Sends it reliably, or queues it behind one that waits for PRACK. */
int session_reliable_send(struct session *s, unsigned status, struct str headers, struct str sdp);
void session_reliable_prack(struct session *s, struct sip_stx *tx, struct sip_msg *msg);
void session_reliable_stop(struct session *s);
void session_reliable_response(struct session *s, const struct sip_msg *msg);        /* sends PRACK */

/* session_timer.c */
/* 0, or the status to refuse with (422; *headers filled). */
unsigned session_timer_request(struct session *s, const struct sip_msg *msg, struct buf *headers);
void session_timer_write(struct session *s, struct buf *headers, bool request);
/* A 422 to what session_timer_write() wrote: true when the next try says more. */
bool session_timer_refused(struct session *s, const struct sip_msg *msg);
void session_timer_response(struct session *s, const struct sip_msg *msg);
void session_timer_stop(struct session *s);

#endif
