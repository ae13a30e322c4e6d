/* ua/invite.h -- the session that an INVITE makes (RFC 3261 13-15), whichever side sent it:
 * offer and answer (RFC 3264, 6337), reliable provisional responses (RFC 3262), UPDATE
 * (RFC 3311), session timers (RFC 4028), forks, and who may speak when. Bodies are opaque:
 * its user writes and judges them. What else a dialog carries is in ua/refer.h and ua/info.h.
 * Threads: the sip stack's. */
#ifndef UA_INVITE_H
#define UA_INVITE_H

#include "sip/dialog.h"
#include "ua/request.h"

/*   ours:    IDLE --call--> CALLING --2xx--> UP
 *                              |  \--end--> CANCELLED --final response--> OVER
 *                              \--any other final response, or none--> OVER
 *   theirs:  RINGING --answer--> (ANSWERING --PRACK-->) UP
 *               \--refuse, end, CANCEL, BYE, no PRACK--> OVER
 *   both:    UP --their BYE--> OVER
 *            UP --end--> OVER, with our BYE; by way of LEAVING while that has to wait */
enum ua_invite_state {
	UA_INVITE_IDLE,
	UA_INVITE_CALLING,      /* our INVITE is out */
	UA_INVITE_RINGING,      /* theirs waits for our final response */
	UA_INVITE_ANSWERING,    /* the same; our 2xx waits for the PRACK of a reliable response (RFC 3262 3) */
	UA_INVITE_UP,
	UA_INVITE_CANCELLED,    /* a 2xx that crosses the CANCEL is acknowledged and ended by BYE */
	UA_INVITE_LEAVING,      /* the BYE waits for the ACK of our 2xx (RFC 3261 15) or for the end of a re-INVITE
				 * of ours, or is the peer's to send */
	UA_INVITE_OVER
};

/* Offer and answer, whichever messages carry them:
 *
 *   NONE --offer_came--> THEIRS --answer_make--> NONE
 *   NONE --offer_make--> OURS --answer_came--> NONE
 *   OURS, THEIRS --exchange_failed--> NONE, with all that was before
 *
 * Only NONE lets an offer in or out; in the others its sender is told to wait. */
enum ua_exchange { UA_EXCHANGE_NONE, UA_EXCHANGE_OURS, UA_EXCHANGE_THEIRS };

enum ua_rel100 { UA_REL100_NO, UA_REL100_SUPPORTED, UA_REL100_PEER_SUPPORTED /* used when the peer can */,
	UA_REL100_REQUIRED };
enum ua_timers { UA_TIMERS_NO, UA_TIMERS_YES, UA_TIMERS_REQUIRED, UA_TIMERS_ALWAYS };

/* Why it ended. `msg` of the `ended` callback is the one that says so; NULL: none does. */
enum ua_end {
	UA_END_BYE,             /* theirs */
	UA_END_CANCEL,          /* theirs, and 487 was sent */
	UA_END_REFUSED,         /* a 3xx-6xx to our INVITE */
	UA_END_FAILED,          /* our INVITE got no answer: `err` */
	/* From here on it is still up, and ua_invite_end() sends a BYE. */
	UA_END_NO_BODY,         /* our INVITE was answered, but not our offer; or nothing of it can be used */
	UA_END_NO_ACK,          /* our 2xx was not acknowledged in 64*T1 */
	UA_END_NO_PRACK,        /* nor a reliable response; 504 was sent. It is over */
	UA_END_GONE,            /* 408 or 481 to a request of ours, or no answer at all (12.2.1.2) */
	UA_END_EXPIRED,         /* the session timer ran out (RFC 4028 10) */
	UA_END_NO_TIMER         /* our INVITE, which asks for one, was answered without (UA_TIMERS_REQUIRED) */
};

/* For what its user writes headers and further parts of the body. The last two have parts only. */
enum ua_invite_message { UA_INVITE_REQUEST, UA_INVITE_REFRESH, UA_INVITE_RESPONSE, UA_INVITE_BYE,
	UA_INVITE_BYE_RESPONSE };

/* What a message says beside its description (RFC 5621). Views, copied at once. */
struct ua_part {
	struct str type, headers, body; /* headers: whole lines, may be empty */
};
enum { UA_PARTS = 4 };

/* Of an offer that takes time to judge: ua_invite_judged() follows. */
enum { UA_INVITE_LATER = 1 };

struct ua_invite;               /* obj */

/* Callbacks. `arg` is prm.arg. After ua_invite_end() none is called. Each may be NULL but
 * the first six. Inside each ua_invite_end() is allowed. */
struct ua_invite_user {
	/* Write our offer. ENODATA: there is none, the peer makes one; another errno: it
	 * cannot be made, and what would have carried it is not sent. */
	int (*offer_make)(void *arg, struct buf *b);
	/* Write the answer to what offer_came() took, and put both in force. errno */
	int (*answer_make)(void *arg, struct buf *b);
	/* 0; UA_INVITE_LATER (but for a PRACK's); or the status to refuse with: then nothing
	 * has changed. In a response to an INVITE that had no offer, too. */
	unsigned (*offer_came)(void *arg, struct str body);
	/* Their re-INVITE has no offer: offer_make() is next. 0, LATER or a status as above. Optional. */
	unsigned (*offer_wanted)(void *arg);
	/* Put the answer to our offer in force. 0, or why not (488): another response may
	 * bring a better one. Called again for the answer of another fork. */
	unsigned (*answer_came)(void *arg, struct str body);
	/* The offer under way came to nothing: what was before it holds. */
	void (*exchange_failed)(void *arg);
	/* Of INVITE: as in struct ua_request_prm, with out->from (no tag) to write the first
	 * time; out->to may be changed then. EINPROGRESS: ua_invite_go_on() follows. */
	int (*prepare)(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path);

	/* Further lines; `status` of a response. */
	void (*headers)(void *arg, enum ua_invite_message kind, unsigned status, struct buf *b);
	/* Further parts of the body, how many. With a description, or where a response to an INVITE has
	 * none, they go as multipart/mixed; one that is alone in a BYE goes as it is. Optional. */
	size_t (*parts)(void *arg, enum ua_invite_message kind, unsigned status, struct ua_part v[static UA_PARTS]);
	/* The dialog's target was learnt from `msg`: a NAT may have to be mended. */
	void (*target)(void *arg, struct sip_dialog *d, const struct sip_msg *msg);
	void (*progress)(void *arg, struct sip_msg *msg);       /* a provisional response; its answer was taken */
	/* A refusal of our INVITE. True: it goes on, in the same dialog, to *uri (RFC 3261 8.1.3.4).
	 * Optional. */
	bool (*retarget)(void *arg, struct sip_msg *msg, struct str *uri);
	void (*answered)(void *arg, struct sip_msg *msg);       /* a 2xx to our INVITE; acknowledged */
	void (*acked)(void *arg);                               /* our 2xx was */
	void (*pracked)(void *arg);     /* a reliable response of ours was; our 2xx, if it waited for that, is out. Optional */
	/* A re-INVITE or UPDATE of theirs was answered with 2xx. */
	void (*changed)(void *arg, struct sip_msg *msg, bool offer);
	/* Ours got its final response; NULL: none. ua_invite_refreshing(): it is tried again. */
	void (*refreshed)(void *arg, const struct sip_msg *msg);
	/* Another request in the dialog (INFO, MESSAGE, OPTIONS ...): to be answered on `tx`.
	 * NULL: 405. */
	void (*request)(void *arg, struct sip_server_tx *tx, struct sip_msg *msg);
	/* A REFER (ua/refer.h). NULL: 603. */
	void (*refer)(void *arg, struct sip_server_tx *tx, struct sip_msg *msg);
	/* A NOTIFY about a REFER that went out as any other request, ua_invite_send(). False: it is
	 * ua_refer_send()'s. Optional. */
	bool (*refer_notified)(void *arg, struct sip_server_tx *tx, struct sip_msg *msg);
	/* Once: its user has ua_invite_end() to say, now or soon. */
	void (*ended)(void *arg, enum ua_end why, struct sip_msg *msg, int err);
};

/* Views: what `hold` holds keeps them. */
struct ua_invite_prm {
	struct ua_request_prm request;  /* transport, credentials, hold and context of all requests */
	struct str body_type;           /* empty: application/sdp */
	bool any_body;                  /* their descriptions may be of any type, ours as ua_invite_set_body_type() says */
	struct str allow;               /* "Allow: ...\r\n" */
	struct str supported;           /* option tags beside 100rel: "timer, replaces" */
	bool as_pjproject;              /* Allow is in a refusal after 18x and in the 202 to REFER, Supported in no 18x;
					 * no description in a 2xx after one in a reliable 18x */
	struct str supported_more;      /* the same, of our INVITEs and 181s only: "histinfo" */
	struct str allow_events;        /* of the NOTIFYs about a transfer; empty: not said */
	struct str server, user_agent;  /* of each response, of each request in the dialog; empty: none */
	int max_forwards;
	bool no_rport;                  /* requests do not ask for rport (RFC 3581) */
	enum ua_rel100 rel100;
	enum ua_timers timers;
	uint32_t timers_expires_s, timers_min_s;        /* RFC 4028: to ask for; the least to take */
	bool follow_forks;              /* a provisional response of another fork brings its answer in force */
	bool follow_answers;            /* and another answer of the same fork */
	bool force_rport;
	const struct ua_invite_user *user;
	void *arg;
	void *hold;                     /* obj: held until it is over; NULL */
};

/* IDLE. ENOMEM. The caller's reference ends with obj_drop(), after ua_invite_end(). */
int ua_invite_new(struct ua_invite **out, struct ua *ua, const struct ua_invite_prm *prm);

/* Send `o` (an INVITE, not sent yet; taken a reference of). `path`: as in struct
 * ua_request_prm, a stream to prefer; NULL. ENOMEM. */
int ua_invite_call(struct ua_invite *iv, struct sip_out *o, const struct net_path *path);
void ua_invite_go_on(struct ua_invite *iv);  /* what prepare() of our INVITE waited for is there */

/* Their INVITE, out of a dialog, on `tx`: makes the dialog and hands in the offer, if it
 * has one. RINGING; 100 was sent. Else the status that it is to be refused with, and
 * *headers what that says; 503: no memory. `contact`: header value; `via_host`: sent-by. */
unsigned ua_invite_take(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg, struct str contact,
			struct str via_host, struct buf *headers);
/* 101-199, with the answer or our offer (`body`). EALREADY: no INVITE waits. */
int ua_invite_ring(struct ua_invite *iv, unsigned status, bool body);
/* 200. errno: it was not sent, and RINGING it stays. */
int ua_invite_answer(struct ua_invite *iv);
/* The phrase of the next response to their first INVITE in place of the standard one; copied. ENOMEM. */
int ua_invite_set_reason(struct ua_invite *iv, struct str reason);
/* 300-699 to the first INVITE, with further lines. EALREADY. OVER. */
int ua_invite_refuse(struct ua_invite *iv, unsigned status, struct str headers);

/* Over, as far as the user is concerned: BYE, CANCEL or 480, with further lines (Reason).
 * Nothing is told any more. */
void ua_invite_end(struct ua_invite *iv, struct str headers);
/* CANCEL our INVITE, and be told how that ends: `ended` with UA_END_REFUSED (the 487), or
 * UA_END_FAILED: ECANCELED when a 2xx crossed it, which was acknowledged and ended by BYE.
 * EALREADY: it is not CALLING. */
int ua_invite_cancel(struct ua_invite *iv, struct str headers);
/* Of all requests from now on, in place of prm.request.transport; of what prm.request.hold holds. */
void ua_invite_set_transport(struct ua_invite *iv, struct str transport);
/* What `reliable` responses of ours are to be from now on. */
void ua_invite_set_rel100(struct ua_invite *iv, enum ua_rel100 r);
/* Of the descriptions that we send from now on. ENOMEM. */
int ua_invite_set_body_type(struct ua_invite *iv, struct str type);
/* How its requests from now on take part in a security agreement. */
void ua_invite_set_agree(struct ua_invite *iv, const struct ua_agree *g);
/* When it ends the BYE is the peer's to send, for `ms` at most (RFC 5589 6.1). 0: no longer. */
void ua_invite_leave_bye(struct ua_invite *iv, uint64_t ms);
bool ua_invites_leaving(const struct ua *ua);        /* is there one? */
/* All that only wait for the right time for their BYE send it now. */
void ua_invites_abandon(struct ua *ua);

/* re-INVITE or UPDATE with an offer, as soon as it is its turn (14.1). ENOTCONN. */
int ua_invite_refresh(struct ua_invite *iv, bool update);
/* What its headers say has changed, and nothing else: by UPDATE without a body, or by re-INVITE. ENOTCONN. */
int ua_invite_tell(struct ua_invite *iv, bool update);
bool ua_invite_refreshing(const struct ua_invite *iv);       /* one is out, or waits for its turn */
/* What UA_INVITE_LATER waited for. 0: taken. */
void ua_invite_judged(struct ua_invite *iv, unsigned status);
/* The offer of their first INVITE, which is not answered yet, is handed in anew. 0, or a status. */
unsigned ua_invite_offer_again(struct ua_invite *iv);

/* `o`, made by sip_dialog_request(), in its time: not before our 2xx was acknowledged.
 * `fn` (may be NULL) hears of the final response; NULL: none. errno */
typedef void ua_invite_done_fn(void *arg, const struct sip_msg *final);
int ua_invite_send(struct ua_invite *iv, struct sip_out *o, ua_invite_done_fn *fn);
/* A response with prm.server and further lines. */
int ua_invite_reply(struct ua_invite *iv, struct sip_server_tx *tx, unsigned status, struct str headers);

enum ua_invite_state ua_invite_state(const struct ua_invite *iv);
enum ua_exchange ua_invite_exchange(const struct ua_invite *iv);
struct sip_dialog *ua_invite_dialog(const struct ua_invite *iv);     /* view; NULL: none yet */
void *ua_invite_arg(const struct ua_invite *iv);                     /* NULL after ua_invite_end() */
struct ua_invite *ua_invite_of(const struct sip_dialog *d);          /* NULL: it is no INVITE's */
uint32_t ua_invite_timer_s(const struct ua_invite *iv);              /* session interval; 0: no timer */

/* Replaces (RFC 3891): views into the header's value. EINVAL. */
struct ua_replaces {
	struct str call_id, to_tag, from_tag;
	bool early_only;
};
int ua_replaces_read(struct ua_replaces *r, struct str value);
/* The session that is meant; NULL: none here. */
struct ua_invite *ua_replaces_find(struct ua *ua, const struct ua_replaces *r);

#endif
