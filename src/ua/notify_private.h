/* ua/notify_private.h -- what the notifier's files share.
 * notify.c      when a NOTIFY goes out, and what comes back
 * notify_new.c  how one is made, made anew after a restart, and asked
 * Threads: core. */
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

static inline struct wheel *ua_notify_wheel(const struct ua_notify *n)
{
	return sip_stack_wheel(n->ua->sip);
}

void ua_notify_set_end(struct ua_notify *n, uint32_t seconds);
/* A request in the dialog that it made itself: a sip_dialog_user's. */
void ua_notify_on_request(void *arg, struct sip_dialog *d, struct sip_server_tx *tx, struct sip_msg *msg);

#endif
