/* ua/invite_private.h -- what the files of the INVITE session share.
 *
 *   invite.c           birth and end
 *   invite_parts.c     what it is made of; letting go of that
 *   invite_uac.c       INVITE of ours, and its forks
 *   invite_uas.c       INVITE of theirs, and requests in the dialog
 *   invite_refresh.c   re-INVITE and UPDATE of ours
 *   invite_send.c      any request of ours in the dialog
 *   invite_exchange.c  offer and answer
 *   invite_body.c      what a message carries: the description, and its user's parts
 *   invite_reliable.c  100rel (RFC 3262)
 *   invite_timer.c     session timers (RFC 4028)
 *
 * Who comes in from outside (a transaction, a timer, its user) holds the session while it
 * is at work: a callback may end it. */
#ifndef UA_INVITE_PRIVATE_H
#define UA_INVITE_PRIVATE_H

#include "base/buf.h"
#include "base/obj.h"
#include "ua/invite.h"
#include "ua/refer.h"

/* The request of ours that waits for its final response, of those that only one of may. */
enum ua_turn { UA_TURN_NONE, UA_TURN_INVITE, UA_TURN_REINVITE, UA_TURN_UPDATE };

/* An early dialog beside the first one (12.1.2). */
struct ua_fork {
	struct list link;
	struct sip_dialog *dlg;         /* held */
	uint32_t rseq;                  /* of its last reliable response */
};
enum { UA_MAX_FORKS = 32 };

/* A reliable response of ours behind one that waits for its PRACK. */
struct ua_held_response {
	struct list link;
	unsigned status;
	struct text headers, type, body;
};

struct ua_reliable {
	bool described;                 /* one of ours carried the session's description */
	uint32_t rseq;                  /* of our last one */
	uint32_t remote_rseq;           /* of theirs, in the first dialog */
	bool supported, required;       /* by the peer */
	bool pending;                   /* one waits for its PRACK ... */
	struct list queue;              /* ... and these behind it */
	struct timer timer;
	uint32_t interval_ms, waited_ms;
};

struct ua_session_timer {
	bool on, ours;                  /* ours: we refresh */
	uint32_t interval_s;
	uint32_t min_s;                 /* the least that the peer takes: of its 422; 0: it did not say */
	struct timer timer;
};

/* Who hears of the final response to a request in the dialog: its user, or this folder.
 * `status` 0: there was none. */
typedef void ua_own_done_fn(struct ua_invite *iv, unsigned status);
struct ua_done {
	ua_invite_done_fn *fn;
	ua_own_done_fn *own;
};

/* A request of ours that waits for the ACK of our 2xx. */
struct ua_deferred {
	struct list link;
	struct sip_out *o;      /* held */
	struct ua_done done;
};

/* REFER of ours. */
struct ua_refer_out {
	ua_refer_fn *fn;                /* NULL: none is under way */
};

/* A re-INVITE or UPDATE that waits for its turn. */
struct ua_refresh {
	bool wanted, update;
	bool bare;                      /* an UPDATE without an offer */
	struct timer glare;             /* after a 491 */
};

struct ua_leave {
	struct text headers, type, body;        /* for the BYE */
	bool peer_hangs_up;
	struct timer grace;             /* ... but not for ever */
};

struct ua_invite {              /* obj */
	struct list link;               /* in ua.invites until it is over */
	struct ua *ua;
	struct ua_invite_prm prm;       /* prm.user NULL: nothing is told any more */
	enum ua_invite_state state;
	enum ua_exchange exchange;
	bool incoming;
	bool told_end;                  /* its user knows; ua_invite_end() follows */
	bool no_offer;                  /* our INVITE had none: the peer makes it */
	bool accepted;                  /* our INVITE has its 2xx: further ones are repeated, or of other forks */
	struct sip_dialog *dlg;         /* held */
	struct sip_msg *invite;         /* held: theirs, until it is answered */
	struct sip_server_tx *uas;      /* held: an INVITE of theirs until its ACK; ua_uas_clear() */
	struct sip_server_tx *update;   /* held: an UPDATE of theirs whose offer is being judged */
	struct sip_msg *judged;         /* held: what brought the offer that is being judged */
	struct ua_request *uac;         /* held: our INVITE; later for its repeated 2xx */
	struct ua_request *refresh;     /* held: our last re-INVITE or UPDATE */
	enum ua_turn turn;
	bool rings;             /* our re-INVITE: somebody is asked */
	struct text reason;             /* of the next response to their first INVITE */
	struct text body_type;          /* of our descriptions; empty: as prm has it */
	struct text body;               /* as ours went out last: later responses to the same INVITE repeat it */
	struct text ack_body;           /* our answer to an offer in a response: for PRACK, ACK and repeated ACK */
	struct text answered_by;        /* To tag of whose answer is in force */
	struct list forks;              /* struct ua_fork */
	struct list deferred;           /* requests of ours that wait for the ACK of our 2xx */
	struct ua_reliable rel;
	struct ua_session_timer timer;
	struct ua_refresh next;
	struct ua_leave leave;
	struct ua_refer_out refer;
};

/* ---- invite_parts.c */
void ua_invite_change(struct ua_invite *iv, enum ua_invite_state to);
bool ua_is_ringing(const struct ua_invite *iv);      /* their first INVITE waits for our final response */
struct str ua_invite_body_type(const struct ua_invite *iv);
/* Their description. */
bool ua_invite_body(const struct ua_invite *iv, const struct sip_msg *msg, struct str *body);
void ua_invite_write_server(const struct ua_invite *iv, struct buf *b);
/* Allow and Supported. `more`: with prm.supported_more. */
void ua_invite_write_supported(const struct ua_invite *iv, struct buf *b, bool more);
void ua_invite_write_tags(const struct ua_invite *iv, struct buf *b, bool more);       /* Supported without Allow */
void ua_invite_write_require(const struct ua_invite *iv, struct buf *b);     /* of an INVITE */
void ua_invite_headers(struct ua_invite *iv, enum ua_invite_message kind, unsigned status, struct buf *b);
void ua_invite_learn_target(struct ua_invite *iv, struct sip_dialog *d, const struct sip_msg *msg);
struct sip_server_tx *ua_uas_waiting(const struct ua_invite *iv);    /* no final response yet; NULL */
void ua_uas_clear(struct ua_invite *iv);             /* the INVITE of theirs tells nothing more */
void ua_part_request(struct ua_request **rq);        /* nobody hears of it any more */
void ua_turn_drop(struct ua_invite *iv);             /* nor of our INVITE, re-INVITE or UPDATE */
void ua_refresh_stop(struct ua_invite *iv);
void ua_timer_stop(struct ua_invite *iv);
void ua_reliable_stop(struct ua_invite *iv);
void ua_held_free(struct ua_held_response *h);
void ua_invite_close_forks(struct ua_invite *iv);
void ua_deferred_free(struct ua_deferred *d);
void ua_invite_free_deferred(struct ua_invite *iv);

/* ---- invite.c */
/* No timer, transaction or dialog calls it any more; gives up its own reference. */
void ua_invite_over(struct ua_invite *iv);
/* Tells its user, when there is one; who is over by it ends before. */
void ua_invite_ended(struct ua_invite *iv, enum ua_end why, struct sip_msg *msg, int err);
/* It was LEAVING and nothing is waited for any more: BYE. */
void ua_invite_finish(struct ua_invite *iv);

/* ---- invite_uas.c */
void ua_invite_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg);
void ua_invite_ack(void *arg, struct sip_dialog *d, struct sip_msg *msg);
void ua_change_judged(struct ua_invite *iv, struct sip_msg *msg, unsigned status);

/* ---- invite_send.c */
struct ua_request_prm ua_invite_request_prm(const struct ua_invite *iv, const struct sip_dialog *d, struct sip_out *o);
int ua_invite_send_in(struct ua_invite *iv, struct sip_dialog *d, struct sip_out *o, struct ua_done done);
/* As ua_invite_send(); told also after ua_invite_end(). */
int ua_invite_send_own(struct ua_invite *iv, struct sip_out *o, ua_own_done_fn *fn);
/* Of a 2xx to `invite`, whose credentials go with it (22.1). */
void ua_invite_send_ack(struct ua_invite *iv, struct sip_dialog *d, const struct sip_msg *msg,
			const struct sip_out *invite, struct str body);
void ua_invite_bye(struct ua_invite *iv, struct sip_dialog *d, struct str headers);

/* ---- invite_refresh.c */
void ua_refresh_go_on(struct ua_invite *iv);         /* the one that waits, when it may */

/* ---- invite_exchange.c */
/* Why no offer of the peer can be taken now: 491 while ours is out, 500 while theirs is
 * not answered (RFC 3311 5.2, RFC 3261 14.2), with what the refusal says. 0: it can. */
unsigned ua_exchange_glare(struct ua_invite *iv, struct buf *headers);
unsigned ua_exchange_offer_in(struct ua_invite *iv, struct str body);        /* 0, LATER or a status */
int ua_exchange_answer_out(struct ua_invite *iv, struct buf *b);
int ua_exchange_offer_out(struct ua_invite *iv, struct buf *b);
unsigned ua_exchange_answer_in(struct ua_invite *iv, struct str body);       /* 0, or a status */
/* Of a response to our INVITE: the first answer, and those of further forks. */
unsigned ua_exchange_response(struct ua_invite *iv, const struct sip_msg *msg);
void ua_exchange_fail(struct ua_invite *iv);
/* What a response of ours says: answer, offer, or what it said before in this exchange. */
int ua_exchange_write(struct ua_invite *iv, struct buf *b);

/* ---- invite_body.c */
struct ua_body {
	char room[2048];
	struct buf b;
	char type_room[64 + SIP_TAG];
	struct str type;                /* empty: there is no body */
};
void ua_body_init(struct ua_body *body);
void ua_body_free(struct ua_body *body);
/* What ua_exchange_write() or its like put into body->b is a description, and `kind` may have parts
 * beside. ENOMEM */
int ua_body_finish(struct ua_invite *iv, struct ua_body *body, enum ua_invite_message kind, unsigned status);

/* ---- invite_reliable.c */
bool ua_reliable_wanted(const struct ua_invite *iv);
int ua_reliable_send(struct ua_invite *iv, unsigned status, struct str headers, const struct ua_body *body);
void ua_reliable_prack(struct ua_invite *iv, struct sip_server_tx *tx, struct sip_msg *msg);
/* Must `msg` be acknowledged by PRACK, and was it not yet? `last`: RSeq of the one before. */
bool ua_reliable_is_new(const struct sip_msg *msg, uint32_t last, uint32_t *rseq);
void ua_reliable_send_prack(struct ua_invite *iv, struct sip_dialog *d, const struct sip_msg *msg, struct str body);

/* ---- invite_timer.c */
/* 0, or the status to refuse with, and what it says. */
unsigned ua_timer_request(struct ua_invite *iv, const struct sip_msg *msg, struct buf *headers);
void ua_timer_write(struct ua_invite *iv, struct buf *headers, bool request);
bool ua_timer_refused(struct ua_invite *iv, const struct sip_msg *msg);      /* a 422: the next try says more */
/* Of a 2xx. False: it has no timer, and the call must have one. */
bool ua_timer_response(struct ua_invite *iv, const struct sip_msg *msg);

/* ---- refer.c */
/* A NOTIFY of the implicit subscription was answered; false: it is of another event. */
bool ua_refer_notified(struct ua_invite *iv, struct sip_server_tx *tx, const struct sip_msg *msg);

#endif
