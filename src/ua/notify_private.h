/* ua/notify_private.h -- what the files of the notifier share. Threads: the sip stack's. */
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
	unsigned starved;               /* NOTIFYs in a row that found no memory, or none for their body */
	uint64_t not_before_ms;         /* the subscriber wants no NOTIFY until then */
};

/* ---- notify.c */
struct ua_notify *ua_notify_make(struct ua *ua, const struct ua_notify_prm *prm);    /* NULL: ENOMEM */
/* Views that are the caller's end with the call that made it. */
void ua_notify_forget_views(struct ua_notify *n);
void ua_notify_set_end(struct ua_notify *n, uint32_t seconds);
/* A request in its own dialog. */
void ua_notify_on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg);
/* Nothing is on its way. */
void ua_notify_tell_now(struct ua_notify *n);

#endif
