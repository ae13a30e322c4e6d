/* ua/request_private.h -- what the files of one request share: request.c, its life; request_way.c,
 * where it goes. */
#ifndef UA_REQUEST_PRIVATE_H
#define UA_REQUEST_PRIVATE_H

#include "base/obj.h"
#include "ua/challenge.h"
#include "ua/request.h"

#define MAX_TARGETS 8           /* addresses tried for one request */
#define MAX_AGAIN 4             /* a chain of proxies may ask for more one after the other */

struct ua_request {             /* obj */
	struct list link;               /* in ua.requests until it is over */
	struct ua *ua;
	struct ua_request_prm prm;
	enum ua_request_state state;
	struct sip_out *out;            /* held */
	struct sip_client_tx *tx;            /* held: the transaction under way */
	struct net_path path;
	struct ua_target target[MAX_TARGETS];   /* host: view into ours */
	size_t targets, next;
	struct sip_resolve *resolving;
	struct timer timer;             /* total timeout, or a failure to be told */
	int err;
	struct ua_challenges challenges;
	struct text transport;
	struct text host;               /* of the URI that was resolved */
	struct text cancel_headers;
	bool cancel;                    /* asked for, perhaps before there is anything to cancel */
	bool again;                     /* ua_request_again() was called */
	bool elsewhere;                 /* ... or ua_request_again_at(): out's R-URI is another one */
	bool measured;                  /* it was too long for UDP, and TCP was tried first */
	bool waiting;                   /* prepare() has asked for time: ua_request_go_on() follows */
	unsigned agains;                /* so often it was sent anew */
	unsigned refused;               /* the 401, 407 or 494 that it answers now; 0: none */
};

/* The next address that can be sent to; the error of the last one. */
int ua_request_send_next(struct ua_request *rq);
void ua_request_fail_later(struct ua_request *rq, int err);
void ua_request_finish_ack(struct ua_request *rq);   /* an ACK that is out is done */
/* request_way.c: find the addresses of its URI and send to the first. errno */
int ua_request_resolve(struct ua_request *rq);
/* It is about to go by UDP. Is it too long for that (ua.tcp_from)? Then the same addresses by TCP come first. */
bool ua_request_prefers_tcp(struct ua_request *rq);
/* What names a sips URI may not go in the open (RFC 5630): says so. errno */
int ua_request_refuse_open(const struct ua_request *rq);
bool ua_request_names_sips(const struct sip_out *o);
struct wheel *ua_request_wheel(const struct ua_request *rq);

#endif
