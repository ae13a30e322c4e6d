/* agent/session.h -- the inside of a call (SIP.Session): what is told of it when, and what
 * waits for a description. Private to agent/. Threads: the host's. */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "agent/agent.h"

/* What is done with the description that was asked for.
 *
 *   IDLE --DESCRIBE--> each of them --sidetone_session_describe()--> IDLE
 *
 * SET_DESCRIPTION is beside it: it may be answered late too (`judging`). */
enum agent_wish {
	AGENT_WISH_NONE,
	AGENT_WISH_INVITE,      /* the offer of our INVITE */
	AGENT_WISH_ACCEPT,      /* answer, or offer, of our 200 */
	AGENT_WISH_PROGRESS,    /* the same of a 1xx with a body */
	AGENT_WISH_REINVITE,    /* the offer of a re-INVITE or UPDATE */
	AGENT_WISH_ANSWER       /* the answer to their re-INVITE, or to the offer in their 200 */
};
/* Whose description is being set by the application. */
enum agent_judging {
	AGENT_JUDGING_NONE,
	AGENT_JUDGING_OFFER,    /* theirs, to be answered */
	AGENT_JUDGING_FIRST,    /* the offer of their INVITE, on the way to our 200 or 1xx */
	AGENT_JUDGING_ANSWER    /* theirs to ours */
};

struct sidetone_session {       /* obj */
	struct sidetone_ua *ua;         /* held */
	struct list link;               /* in ua.sessions; over: in core.dying */
	struct agent_start start;
	struct ua_invite *iv;           /* held */
	struct sip_out *out;            /* held: our INVITE until it is sent */
	struct sip_msg *invite;         /* held: theirs */
	enum sidetone_session_status status;
	bool theirs, kept, anonymous, without_sdp, told_dialog, over, cancelled, early;
	struct text id;
	struct text lines;              /* the application's headers for what goes out next */
	struct text contact, supported; /* values of these headers */

	enum agent_wish wish;
	enum agent_judging judging;
	bool inside;                    /* of an event whose answer may come before it returns */
	unsigned verdict;               /* that came inside: 0, or a status */
	bool decided;
	struct text type, local;        /* our last description */
	struct text offer;              /* theirs that waits to be set */
	bool has_offer;                 /* their INVITE had one */
	bool renewing;                  /* the exchange under way is the application's re-INVITE */
	bool update;                    /* ... by UPDATE */
	bool stale;                     /* its offer is: another is asked for before it goes out again */
	struct timer offer_again;
	unsigned progress_status;
	bool reliable;
	struct sip_msg *answered;       /* held: the 2xx whose answer is being set */
	struct sidetone_session *replaces;      /* held: whom this call takes the place of */
	struct timer no_answer;
	bool expires;                   /* ... by the Expires of their INVITE */
};

/* ---- session.c */
struct sidetone_session *agent_session_new(struct sidetone_ua *ua, bool theirs);
void agent_session_tell(struct sidetone_session *s, struct sidetone_event e);
/* REJECTED, FAILED (when `failed`), TERMINATED; nothing after it. */
void agent_session_over(struct sidetone_session *s, const struct sip_msg *msg, const char *cause, bool failed);
int agent_session_invite_new(struct sidetone_session *s);
void agent_session_confirm(struct sidetone_session *s, const struct sip_msg *msg);
extern const struct ua_invite_user agent_session_user;

/* ---- session_media.c */
void agent_session_ask(struct sidetone_session *s, enum agent_wish wish, enum sidetone_description what);
/* Hands it in. 0: taken, UA_INVITE_LATER, or a status. */
unsigned agent_session_set(struct sidetone_session *s, enum agent_judging judging, struct str body);
int agent_session_offer_make(void *arg, struct buf *b);
int agent_session_answer_make(void *arg, struct buf *b);
unsigned agent_session_offer_came(void *arg, struct str body);
unsigned agent_session_answer_came(void *arg, struct str body);
void agent_session_exchange_failed(void *arg);

/* ---- session_in.c, session_out.c: when a description is there; NULL: it cannot be made */
void agent_session_described_in(struct sidetone_session *s, enum agent_wish wish, bool ok);
void agent_session_described_out(struct sidetone_session *s, enum agent_wish wish, bool ok);
void agent_session_first_set(struct sidetone_session *s, unsigned status);   /* the offer of their INVITE */

#endif
