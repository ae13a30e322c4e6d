/* ua/subscribe.h -- the subscriber's side of a subscription (RFC 6665 4.1): asked for,
 * renewed in time, made anew when it was lost, ended. Threads: the sip stack's.
 *
 * How a NOTIFY reaches it. The sip stack finds the dialog by Call-ID and tags, also for one
 * that overtakes the 2xx (4.1.2.4), and hands it over (sip_dialog_user.request). A NOTIFY
 * from a second place to which a proxy forked the SUBSCRIBE is of no dialog yet: whoever
 * owns the sip stack gets it as a new request, and asks ua_subscribe_notify_came() before
 * it answers 481. In a dialog that was handed in (REFER, RFC 3515: no SUBSCRIBE), the user
 * of that dialog gets them, and asks ua_subscribe_request() whose they are. */
#ifndef UA_SUBSCRIBE_H
#define UA_SUBSCRIBE_H

#include "ua/event.h"

/*   IDLE --SUBSCRIBE--> ASKING --NOTIFY--> SUBSCRIBED --in time--> RENEWING --answered--> SUBSCRIBED
 *                        |  ^                 |                       |
 *        refused, timer N|  |the wait is over |terminated, timer N,   |the same, and 481
 *                        v  |                 |nobody renewed it      |
 *                       LOST <----------------+-----------------------+
 *
 * From SUBSCRIBED, RENEWING: ua_subscribe_end() --Expires: 0--> LEAVING --terminated, refused, timer N--> IDLE
 * From IDLE, ASKING, LOST: ua_subscribe_end() --> LEAVING, at once --> IDLE
 *
 * A 2xx makes no subscription, a NOTIFY does (4.1.2.4, 4.4.1). Timer N (64*T1) waits for the
 * one that follows each SUBSCRIBE. A fetch (expires_s 0) goes from ASKING to IDLE. */
enum ua_subscribe_state { UA_SUBSCRIBE_IDLE, UA_SUBSCRIBE_ASKING, UA_SUBSCRIBE_SUBSCRIBED, UA_SUBSCRIBE_RENEWING,
	UA_SUBSCRIBE_LOST, UA_SUBSCRIBE_LEAVING };

/* When one that was refused or lost is asked for again, as a new one. */
struct ua_subscribe_retry {
	/* As the other side wishes (4.1.3): at once after 481, deactivated and timeout; after
	 * retry-after, or interval_s, when it gave probation, giveup, or no reason. Never after
	 * rejected, noresource and invariant. One that did not live for 32 s is asked for again
	 * after interval_s (but at least 1 s), so that two programs do not keep each other busy. */
	bool again;
	uint32_t interval_s;    /* after no answer, no NOTIFY, 408, 500, 502-504, 6xx, 401, 407; 0: not. Retry-After comes before it */
	uint32_t most;          /* tries in a row; the row ends with a subscription that lived for 32 s */
};

struct ua_subscribe;

struct ua_subscribe_event {
	enum ua_subscribe_state state;
	const struct sip_msg *notify;   /* the NOTIFY, answered already; NULL: none */
	const struct sip_msg *answer;   /* to the SUBSCRIBE; NULL: none */
	bool pending;                   /* SUBSCRIBED: as the last NOTIFY said */
	enum ua_event_reason reason;    /* LOST, IDLE: as the last NOTIFY said */
	uint32_t seconds;               /* SUBSCRIBED: that are left; LOST: until the next try */
	bool again;                     /* LOST: there will be one */
};

/* Views: what `hold` holds keeps them. */
struct ua_subscribe_prm {
	struct sip_dialog *dialog;      /* of the request that implies it; others close it; held from ua_subscribe_new() on.
	                                 * NULL: each SUBSCRIBE that asks for it makes one */
	struct str target, local;       /* URIs: Request-URI and To; From */
	struct str proxy;               /* URI to send to, as Route; empty: the target */
	struct str transport;           /* as in struct ua_request_prm */
	struct str event;               /* "presence", "dialog;id=7"; "refer;id=" and the CSeq of the REFER */
	struct str accept;              /* types; empty: the event's own */
	struct str headers;             /* whole lines for each SUBSCRIBE */
	struct str body_type, body;     /* of each but the one that ends it */
	struct str user_agent;
	int max_forwards;
	bool no_rport;
	uint32_t expires_s;             /* to ask for; 0: a fetch; with prm.dialog: it is not renewed */
	struct ua_subscribe_retry retry;
	ua_credentials_fn *credentials;
	void *credentials_arg;
	void *hold;                     /* obj; NULL */
	const void *context;            /* ua_request_context() */
	void *arg;
	/* Via's sent-by and Contact, now that the way is known. errno */
	int (*prepare)(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path);
	/* May this NOTIFY (its event is right) be taken? 0, or the status to refuse it with: 415,
	 * 489. Optional. */
	unsigned (*check)(void *arg, struct ua_subscribe *s, const struct sip_msg *notify);
	/* Whole lines for answers of ours: Server, Allow. Optional. */
	void (*answer)(void *arg, struct ua_subscribe *s, unsigned status, struct buf *headers);
	/* A second place was subscribed to by the same SUBSCRIBE. Gives the `arg` of `fork`, which
	 * is the user's from now on, lives like any other but is never asked for anew, and is told
	 * its first NOTIFY next. NULL: refused with 481. No such callback: all are. */
	void *(*forked)(void *arg, struct ua_subscribe *s, struct ua_subscribe *fork);
	/* Each NOTIFY, each 2xx that comes before the first one (ASKING), each change of state
	 * but those to ASKING, RENEWING and LEAVING. The last thing that happens in a turn:
	 * ua_subscribe_free() is allowed. Never inside a call of the user's, but for
	 * ua_subscribe_notify_came() and ua_subscribe_request(). */
	void (*told)(void *arg, struct ua_subscribe *s, const struct ua_subscribe_event *e);
};

/* Nothing goes out yet. ENOMEM. */
int ua_subscribe_new(struct ua_subscribe **out, struct ua *ua, const struct ua_subscribe_prm *prm);
/* Without a word to the notifier, and without callback. Its next NOTIFY gets 481. */
void ua_subscribe_free(struct ua_subscribe *s);
/* Other parameters from the next SUBSCRIBE on; the event stays. */
void ua_subscribe_set(struct ua_subscribe *s, const struct ua_subscribe_prm *prm);
/* prm.dialog: the other request was answered with 2xx, a NOTIFY must come. Else
 * SUBSCRIBE now: the first one, or (SUBSCRIBED) one that renews it. ASKING, RENEWING: one is
 * on its way, nothing happens. EBUSY: LEAVING; one with prm.dialog
 * that is LOST or not to be renewed. ENOMEM. */
int ua_subscribe_start(struct ua_subscribe *s);
/* SUBSCRIBE with Expires: 0; IDLE is told when it has ended. Before the first NOTIFY
 * there is nothing to end it with: then that gets 481. ENOMEM: it goes on. */
int ua_subscribe_end(struct ua_subscribe *s);
/* A NOTIFY outside of dialogs. False: no subscription of `ua` wants it; not answered. */
bool ua_subscribe_notify_came(struct ua *ua, struct sip_server_tx *tx, struct sip_msg *msg);
/* A NOTIFY in prm.dialog. False: it is not of this subscription, and not answered. One
 * without id is taken by any subscription of that package (RFC 3515 2.4.6), so the oldest
 * is asked first. */
bool ua_subscribe_request(struct ua_subscribe *s, struct sip_server_tx *tx, struct sip_msg *msg);

enum ua_subscribe_state ua_subscribe_state(const struct ua_subscribe *s);
uint64_t ua_subscribe_left_ms(const struct ua_subscribe *s);         /* until it ends unless it is renewed; 0: not subscribed */
/* Until the next SUBSCRIBE; 0: none is planned. */
uint64_t ua_subscribe_next_ms(const struct ua_subscribe *s);
struct sip_dialog *ua_subscribe_dialog(const struct ua_subscribe *s);        /* NULL: none */

#endif
