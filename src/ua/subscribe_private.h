/* ua/subscribe_private.h -- what the two files of the subscriber's side share: subscribe.c,
 * its SUBSCRIBEs and states; subscribe_notify.c, the NOTIFYs that come. */
#ifndef UA_SUBSCRIBE_PRIVATE_H
#define UA_SUBSCRIBE_PRIVATE_H

#include "ua/subscribe.h"

struct ua_subscribe {
	struct ua *ua;
	struct ua_subscribe_prm prm;    /* hold: held */
	enum ua_subscribe_state state;
	struct sip_dialog *dlg;         /* held; NULL: none */
	struct ua_request *rq;          /* held: the SUBSCRIBE on its way; NULL: none */
	struct timer next;              /* the next SUBSCRIBE, the end of the lifetime, or IDLE is told */
	struct timer silence;           /* timer N */
	uint32_t expires_s;             /* to ask for: the parameter, or what a 423 made of it */
	uint32_t granted_s;             /* ASKING: what a 2xx gave, or asked for */
	uint64_t ends_ms, born_ms;      /* mono */
	uint64_t forks_until_ms;        /* mono */
	uint32_t retries;
	bool pending;
	bool fetch;                     /* it asked for the state once */
	bool implied;                   /* by another request: the dialog is shared */
};

/* A change that the table of subscribe.c allows. */
void ua_subscribe_change(struct ua_subscribe *s, enum ua_subscribe_state to);
/* It lives for `seconds` from now on, and is renewed before. */
void ua_subscribe_live(struct ua_subscribe *s, uint32_t seconds);
/* A NOTIFY has ended it. Tells the user: the last thing in a turn. */
void ua_subscribe_terminated(struct ua_subscribe *s, const struct ua_event_state *st, const struct sip_msg *notify);
/* Tell the user; state, pending and seconds are filled in. The last thing in a turn. */
void ua_subscribe_tell(struct ua_subscribe *s, struct ua_subscribe_event e);
uint64_t ua_subscribe_now(const struct ua_subscribe *s);     /* [ms] mono */

/* struct sip_dialog_user: request. `arg` is the subscription. */
void ua_subscribe_on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg);

#endif
