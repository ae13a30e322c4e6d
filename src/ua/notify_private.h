/* ua/notify_private.h -- what the two files of the notifier's side share: notify.c, its NOTIFYs and states;
 * notify_make.c, how one comes about and goes. */
#ifndef UA_NOTIFY_PRIVATE_H
#define UA_NOTIFY_PRIVATE_H

#include "ua/notify.h"

struct ua_notify {
	struct ua *ua;
	struct ua_notify_prm prm;       /* hold: held. dialog: see dlg */
	enum ua_notify_state state;
	struct sip_dialog *dlg;         /* held */
	bool own_dialog;                /* made here */
	bool pending;
	bool full;                      /* the next NOTIFY tells everything */
	struct text event;              /* as in the SUBSCRIBE, with its id */
	struct ua_request *rq;          /* held: the NOTIFY on its way; NULL: none */
	struct timer gather;            /* until news is told */
	struct timer expire;            /* until it ends; then, until OVER is told */
	enum ua_event_reason reason;    /* of the end */
	uint32_t retry_after_s;
	uint32_t granted_s;             /* by the newest SUBSCRIBE */
	unsigned starved;               /* NOTIFYs in a row that found no memory, or none for their body */
	uint64_t not_before_ms;         /* the subscriber wants no NOTIFY until then */
};

/* ---- notify_make.c */
void ua_notify_drop_request(struct ua_notify *n);    /* the NOTIFY on its way is nobody's any more */
void ua_notify_leave_dialog(struct ua_notify *n);    /* requests in it find nobody from here on: 481 */

/* ---- notify.c */
void ua_notify_on_expired(void *arg);        /* of the timer `expire` */
void ua_notify_on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg);

#endif
