/* tests/loop/watcher.h -- somebody who subscribes to a service on a wire, and what it hears. */
#ifndef TESTS_LOOP_WATCHER_H
#define TESTS_LOOP_WATCHER_H

#include "svc_wire.h"

/* One dialog of a watcher's. Zeroed but for the names. */
struct watcher {
	struct wire *t;
	const char *user, *to, *peer;   /* of From, of the Request-URI; "192.0.2.1:5070" */
	unsigned call, cseq;            /* the number in its Call-ID */
	char tag[64];                   /* the server's; empty: no dialog yet */
};

/* A request; the status of its answer, 0: none came. What was sent before is forgotten. */
unsigned watcher_ask(struct watcher *w, const char *method, const char *headers, const char *body);
unsigned watcher_subscribe(struct watcher *w, const char *headers);
/* Its newest NOTIFY that was not forgotten; NULL. */
struct sip_msg *watcher_notify(struct watcher *w);
/* That one, answered with 200; it has a body that holds each of `what` (until NULL). Then all that was sent is forgotten. */
void watcher_hears(struct watcher *w, const char *state, ...);
/* There is none. */
void watcher_hears_nothing(struct watcher *w);

#endif
