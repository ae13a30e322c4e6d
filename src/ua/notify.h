/* ua/notify.h -- the notifier's side of one subscription (RFC 6665 4.2): taken from a
 * SUBSCRIBE, or implied by another request (REFER, RFC 3515). It owns the dialog, the time
 * that is left, and the order of the NOTIFYs: one at a time, and what changes meanwhile is
 * told by the next one. What a NOTIFY says is its user's. Threads: the sip stack's.
 *
 * How requests reach it. The SUBSCRIBE that begins it: whoever owns the sip stack gets it as
 * any new request, decides, and calls ua_notify_new() and ua_notify_start(). Later ones come
 * through the dialog (sip_dialog_user.request) by themselves. In a dialog that was handed in,
 * the user of that dialog gets them, and asks ua_notify_request() whose they are. */
#ifndef UA_NOTIFY_H
#define UA_NOTIFY_H

#include "ua/event.h"

/*   NEW --start--> TELLING --answered--> TOLD --news, SUBSCRIBE--> TELLING
 *                   |   ^                 |                           ^
 *               news|   |answered         |news that may wait         |waited
 *                   v   |                 v                           |
 *                  BEHIND --answered--> GATHERING --------------------+
 *
 * The end: SUBSCRIBE with Expires: 0 (4.2.1.4), nobody renewed it, ua_notify_end():
 *
 *   TOLD, GATHERING --------------------------------------> LAST --answered or not--> OVER
 *   TELLING, BEHIND --> CLOSING --answered----------------> LAST
 *   NEW --start of a fetch (Expires: 0)-------------------> LAST
 *
 *   TELLING, BEHIND, CLOSING --the NOTIFY shows that nobody listens (4.2.2)--> OVER
 *
 *   TELLING    a NOTIFY is on its way
 *   BEHIND     the same, and it is out of date already
 *   TOLD       the subscriber knows everything
 *   GATHERING  there is news, and it waits for more
 *   CLOSING    it has ended; the last NOTIFY waits for the one on its way
 *   LAST       it has ended; the last NOTIFY is on its way */
enum ua_notify_state { UA_NOTIFY_NEW, UA_NOTIFY_TELLING, UA_NOTIFY_BEHIND, UA_NOTIFY_TOLD, UA_NOTIFY_GATHERING,
	UA_NOTIFY_CLOSING, UA_NOTIFY_LAST, UA_NOTIFY_OVER };

struct ua_notify;

/* How long a subscription lives, by what its SUBSCRIBE asks for. */
struct ua_notify_terms {
	uint32_t default_s;             /* without Expires */
	uint32_t min_s;                 /* shorter ones are refused: 423 */
	uint32_t max_s;                 /* longer ones are cut; 0: 2^31-1 */
	bool lenient;                   /* a renewal may be as short as it likes, and without Expires is as long as what was
	                                 * granted last; else both are as of the first */
};
/* 0 and *seconds (0: to end, or a fetch); or the status to refuse with: 400, 423. */
unsigned ua_notify_expires(const struct ua_notify_terms *t, const struct sip_msg *subscribe, uint32_t *seconds);

struct ua_notify_event {
	/* CLOSING or LAST: it has ended. OVER: and nothing is on its way any more. Others: a
	 * SUBSCRIBE has renewed it. */
	enum ua_notify_state state;
	bool expired;                   /* CLOSING, LAST: nobody renewed it */
	bool gone;                      /* OVER: it had not ended, the subscriber is gone */
	unsigned status;                /* OVER: that the NOTIFY was answered with; 0: no answer */
};

struct ua_notify_prm {
	/* For ua_notify_new() only; views are copied. */
	struct sip_dialog *dialog;      /* shared with others, who close it; held. NULL: made from the SUBSCRIBE, and closed here */
	struct str contact, via_host;   /* of a dialog made here: our Contact's value; Via's sent-by, empty: the path's */
	struct str user_agent;          /* of a dialog made here */
	struct str event;               /* without a SUBSCRIBE: "refer;id=7" */
	uint32_t expires_s;             /* of the first SUBSCRIBE: what ua_notify_expires() gave; 0: a fetch */
	bool pending;                   /* it begins as pending, until ua_notify_activate() */
	/* From now on. Views: what `hold` holds keeps them. */
	struct str transport;           /* as in struct ua_request_prm */
	int max_forwards;
	bool no_rport;
	struct ua_notify_terms terms;   /* of each SUBSCRIBE that renews it */
	ua_credentials_fn *credentials;
	void *credentials_arg;
	void *hold;                     /* obj; NULL */
	const void *context;            /* ua_request_context() of the NOTIFYs */
	void *arg;
	/* Write the body and further headers of a NOTIFY into `out`. `full`: the whole state,
	 * else what has changed since the last call; ENODATA: nothing has. Another errno: it
	 * cannot be written now; a NOTIFY that must go out goes without a body then. ENOMEM: it is tried
	 * again in a second, some times; then the subscription ends, with "probation" and a time to come again. */
	int (*say)(void *arg, struct ua_notify *n, bool full, struct sip_out *out);
	/* A SUBSCRIBE renews it for `seconds` (0: ends it), and is not answered yet. 0, or the
	 * status to refuse it with; what was granted before is still granted then. Optional. */
	unsigned (*renew)(void *arg, struct ua_notify *n, const struct sip_msg *msg, uint32_t seconds);
	/* What that SUBSCRIBE has changed must be kept before it is granted: 0, and ua_notify_granted() comes with
	 * `tx`; EALREADY: grant it now; another errno: 503. Not for an end. Optional. */
	int (*keep)(void *arg, struct ua_notify *n, struct sip_server_tx *tx, uint32_t seconds);
	/* Whole lines for answers of ours: Server, Allow. Optional. */
	void (*answer)(void *arg, struct ua_notify *n, unsigned status, struct buf *headers);
	/* `d` has taken its target from `msg`, and may be given another one. Optional. */
	int (*target)(void *arg, struct sip_dialog *d, const struct sip_msg *msg);
	/* Another request than SUBSCRIBE in a dialog made here. NULL: 405. */
	void (*request)(void *arg, struct ua_notify *n, struct sip_server_tx *tx, struct sip_msg *msg);
	/* The last thing that happens in a turn: ua_notify_free() is allowed. Never inside a call
	 * of the user's, but for ua_notify_request(). */
	void (*changed)(void *arg, struct ua_notify *n, const struct ua_notify_event *e);
};

/* The dialog is there, nothing went out. `tx`: the SUBSCRIBE; NULL: prm.dialog and
 * prm.event, an implicit subscription. ENOMEM, and what prm.target says. */
int ua_notify_new(struct ua_notify **out, struct ua *ua, const struct ua_notify_prm *prm, struct sip_server_tx *tx);
/* One of a process that has ended: prm.event and prm.expires_s, what is left of it. It counts as told, but for
 * ua_notify_tell(); its next NOTIFY has the whole state. As sip_dialog_restore(). */
int ua_notify_restore(struct ua_notify **out, struct ua *ua, const struct ua_notify_prm *prm, const struct sip_dialog_kept *k);
/* The NOTIFY that ua_notify_restore() owes. False: there was news since, and so it is told. */
bool ua_notify_tell(struct ua_notify *n);
/* It is kept: 200 and what follows of it. 481 when the subscription has ended meanwhile. */
void ua_notify_granted(struct ua_notify *n, struct sip_server_tx *tx, uint32_t seconds);
/* Without a word to the subscriber, and without callback. */
void ua_notify_free(struct ua_notify *n);
/* Take the subscription: 200 on `tx` (NULL: the other request has its answer), and the
 * first NOTIFY. */
void ua_notify_start(struct ua_notify *n, struct sip_server_tx *tx);
/* Other parameters from now on; those for ua_notify_new() are not looked at. */
void ua_notify_set(struct ua_notify *n, const struct ua_notify_prm *prm);
/* There is news. It is told within `ms`; 0: now, or as soon as the NOTIFY under way is answered. Later when the
 * subscriber has refused one and said Retry-After; what it refused is in the next one. */
void ua_notify_changed(struct ua_notify *n, uint32_t ms);
/* No longer pending. */
void ua_notify_activate(struct ua_notify *n);
/* The last NOTIFY, with why (4.1.3); `retry_after_s` 0: not said. */
void ua_notify_end(struct ua_notify *n, enum ua_event_reason reason, uint32_t retry_after_s);
/* The last NOTIFY at once, also beside one on its way, and ua_notify_free(): for the end
 * of the program. */
void ua_notify_abandon(struct ua_notify *n, enum ua_event_reason reason);
/* A SUBSCRIBE in prm.dialog. False: it is not of this subscription, and not answered. */
bool ua_notify_request(struct ua_notify *n, struct sip_server_tx *tx, struct sip_msg *msg);

enum ua_notify_state ua_notify_state(const struct ua_notify *n);
bool ua_notify_has_ended(const struct ua_notify *n);         /* CLOSING, LAST or OVER */
uint64_t ua_notify_left_ms(const struct ua_notify *n);       /* until it ends unless it is renewed */
struct sip_dialog *ua_notify_dialog(const struct ua_notify *n);
struct str ua_notify_event(const struct ua_notify *n);       /* "presence;id=7" */

#endif
