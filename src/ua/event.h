/* ua/event.h -- what both sides of a subscription (RFC 6665) share: the event that it is
 * about, and the Subscription-State of a NOTIFY. The sides are ua/notify.h and
 * ua/subscribe.h. Threads: touches only its arguments. */
#ifndef UA_EVENT_H
#define UA_EVENT_H

#include "sip/dialog.h"
#include "ua/request.h"

/* Why a subscription ended (4.1.3). OTHER: a reason that is not known here. */
enum ua_event_reason { UA_EVENT_NONE, UA_EVENT_DEACTIVATED, UA_EVENT_PROBATION, UA_EVENT_REJECTED, UA_EVENT_TIMEOUT,
	UA_EVENT_GIVEUP, UA_EVENT_NORESOURCE, UA_EVENT_INVARIANT, UA_EVENT_OTHER };
/* "deactivated"; empty for NONE and OTHER. */
struct str ua_event_reason_name(enum ua_event_reason r);

/* PENDING: whoever may decide has not decided yet whether the subscriber may know. */
enum ua_event_sub { UA_EVENT_ACTIVE, UA_EVENT_PENDING, UA_EVENT_TERMINATED };

/* Value of Subscription-State. */
struct ua_event_state {
	enum ua_event_sub sub;          /* one that is not known counts as active */
	bool has_expires;
	uint32_t expires_s;             /* until it ends, unless it is renewed */
	enum ua_event_reason reason;    /* TERMINATED */
	uint32_t retry_after_s;         /* TERMINATED: not before; 0: not said */
};
int ua_event_state_parse(struct ua_event_state *out, struct str value);       /* EBADMSG: empty */
void ua_event_state_write(const struct ua_event_state *s, struct buf *b);

/* 0: `msg` is about `event`, a value of Event like "dialog;id=7". Else what it is refused
 * with: 489, another package; 481, another id of the same package (8.2.1). */
unsigned ua_event_differs(struct str event, const struct sip_msg *msg);
struct str ua_event_id(struct str event);     /* empty: none */

/* 4.1.2.2, 4.2.2: after these statuses the other side has no such subscription any more.
 * After any other error it still has it. */
bool ua_event_status_ends(unsigned status);

/* A request in `d`: the way it goes. */
void ua_event_way(struct ua_request_prm *prm, const struct sip_dialog *d);
/* For prm.prepare: a request that answers a challenge takes a CSeq of its dialog. */
void ua_event_cseq(struct sip_dialog *d, const struct sip_out *o);

#endif
