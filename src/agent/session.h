/* agent/session.h -- the inside of a call (SIP.Session): what is told of it when, and what
 * waits for a description. Private to agent/. Threads: the host's. */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "agent/agent.h"

/* What is done when the description that was asked for is there; `ok` false: it cannot be made. */
typedef void agent_described_fn(struct sidetone_session *s, bool ok);
/* ... when the one that was handed in is set, or cannot be used: `status`. */
typedef void agent_set_fn(struct sidetone_session *s, unsigned status);

struct sidetone_session {       /* obj */
	struct sidetone_ua *ua;         /* held */
	struct list link;               /* in ua.sessions; over: in core.dying */
	struct agent_start start;
	struct ua_invite *iv;           /* held */
	struct sip_out *out;            /* held: our INVITE until it is sent */
	struct sip_msg *invite;         /* held: theirs */
	enum sidetone_session_status status;
	bool theirs, kept, anonymous, without_sdp, told_dialog, over, cancelled, early;
	bool leaving;                   /* its agent stops */
	struct text id;
	struct text lines;              /* the application's headers for what goes out next */
	void (*is_out)(struct sidetone_session *s);     /* a 200 that waited for a PRACK */
	unsigned refused;               /* what our answerer said of the answer to our offer; 0: nothing */
	struct text remote;             /* their last description */
	struct text contact, supported; /* values of these headers */

	agent_described_fn *described;  /* DESCRIBE was told, its answer not given; NULL: none is waited for */
	agent_set_fn *set;              /* the same of SET_DESCRIPTION */
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

/* ---- session.c -- its life */
struct sidetone_session *agent_session_new(struct sidetone_ua *ua, bool theirs);
void agent_session_tell(struct sidetone_session *s, struct sidetone_event e);
/* REJECTED, FAILED (when `failed`), TERMINATED; nothing after it. */
void agent_session_over(struct sidetone_session *s, const struct sip_msg *msg, const char *cause, bool failed);
void agent_session_confirm(struct sidetone_session *s, const struct sip_msg *msg);

bool agent_session_is_answered(const struct sidetone_session *s);    /* WAITING_FOR_ACK, CONFIRMED */

/* ---- session_end.c */
int agent_session_wrong_state(struct sidetone_session *s);                   /* EPERM, and why */
int agent_session_set_lines(struct sidetone_session *s, const char *headers);        /* for what goes out next */
void agent_session_refuse(struct sidetone_session *s, unsigned status, const char *cause);

/* ---- session_media.c */
void agent_session_ask(struct sidetone_session *s, enum sidetone_description what, agent_described_fn *fn);
/* Their description is handed in. 0: taken, UA_INVITE_LATER, or a status, if `fn` makes one of it. */
unsigned agent_session_set(struct sidetone_session *s, enum sidetone_description what, struct str body, agent_set_fn *fn);
bool agent_session_waits_for_answer(const struct sidetone_session *s);       /* ... to be set */
int agent_session_offer_make(void *arg, struct buf *b);
int agent_session_answer_make(void *arg, struct buf *b);
unsigned agent_session_offer_came(void *arg, struct str body);
unsigned agent_session_answer_came(void *arg, struct str body);
void agent_session_exchange_failed(void *arg);
unsigned agent_session_offer_wanted(void *arg);
/* A new offer was asked for: it goes out as re-INVITE or UPDATE. */
void agent_session_renew(struct sidetone_session *s, bool ok);

/* ---- session_told.c */
int agent_session_invite_new(struct sidetone_session *s);

#endif
