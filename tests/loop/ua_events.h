/* tests/loop/ua_events.h -- a subscriber and a notifier (ua/subscribe.h, ua/notify.h), a
 * user-agent core each, on the two ends of a wire. What is watched is a number. */
#ifndef TESTS_LOOP_UA_EVENTS_H
#define TESTS_LOOP_UA_EVENTS_H

#include "ua/notify.h"
#include "ua/subscribe.h"
#include "ua_net.h"

struct events {
	struct ua_net n;                /* the subscriber is at n.l.a ... */
	struct ua ua_b;                 /* ... and the notifier at n.l.b */
	/* the subscriber */
	struct ua_subscribe *sub;
	struct ua_subscribe_event last; /* its messages are gone */
	unsigned status;                /* of its answer; 0: it had none */
	unsigned told, notified, strays;        /* strays: NOTIFYs that nobody wanted */
	char heard[256];                /* the numbers: "1 4 t5": the last of a subscription has a t */
	bool free_sub;                  /* when it is told */
	unsigned check;                 /* it refuses NOTIFYs with this; 0: it takes them */
	/* the notifier */
	struct ua_notify *notify;       /* of the last SUBSCRIBE taken; NULL: it is over */
	struct ua_notify_event gone;
	unsigned number, taken, renewed, over, expired;
	unsigned refuse;                /* the next SUBSCRIBE with this; 0: it is taken */
	const char *refuse_headers;
	struct ua_notify_terms terms;
	bool pending;
	int mute;                       /* errno of say() */
	unsigned partial;               /* NOTIFYs that were not asked for everything */
};

void events_open(struct events *e);
/* 0, or a leak. */
int events_close(struct events *e);
/* Asks for event "number" for 100 s; no retries. */
struct ua_subscribe_prm events_prm(struct events *e);
struct ua_notify_prm events_notify_prm(struct events *e);
/* What is watched has another value: the notifier tells it within `ms`. */
void events_set(struct events *e, unsigned number, uint32_t ms);
/* Subscribed, and 5 ms have passed. */
void events_begin(struct events *e, const struct ua_subscribe_prm *prm);
void events_pass(struct events *e, uint64_t ms);

#endif
