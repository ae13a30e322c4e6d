/* ua/request.h -- one request until there is an answer: finds the address (RFC 3263),
 * tries the next one when a target is dead or says 503 (4.3), answers challenges
 * (RFC 3261 22.2, 22.3). Threads: the sip stack's. */
#ifndef UA_REQUEST_H
#define UA_REQUEST_H

#include "ua/agree.h"
#include "ua/ua.h"

/*   RESOLVING --an address--> TRYING --final response--> ANSWERED --> OVER
 *       |                       |                           2xx to INVITE stays: repeated
 *       +-----------------------+--no answer--> FAILING --told--> OVER
 *
 * An ACK ends with being sent: it has no answer. */
enum ua_request_state { UA_REQUEST_RESOLVING, UA_REQUEST_TRYING, UA_REQUEST_FAILING, UA_REQUEST_ANSWERED,
	UA_REQUEST_OVER };

struct ua_request;      /* obj */

/* Views are read before ua_credentials_fn's caller goes on. */
struct ua_credentials {
	struct str username, password;
	struct str ha1[DIGEST_ALGS];            /* in place of password where not empty */
	bool supports[DIGEST_ALGS];
};
/* Credentials for `realm`. False: none, so the challenge is the final answer. */
typedef bool ua_credentials_fn(void *arg, struct str realm, struct ua_credentials *out);

struct ua_request_prm {
	struct sip_out *out;            /* taken a reference of */
	struct str transport;           /* name to use; empty: by the URI */
	struct str target;              /* URI to send to; empty: out's next hop */
	const struct net_path *path;    /* NULL: resolve. Else go there and nowhere else */
	bool prefer_path;               /* path is a stream that may be gone: then resolve */
	bool secure;                    /* over TLS and nothing else, whatever the URI: of a dialog that began so (RFC 5630) */
	ua_credentials_fn *credentials; /* NULL: no challenge is answered */
	void *credentials_arg;
	uint32_t timeout_ms;            /* total; 0: the transactions' own */
	void *hold;                     /* obj that is held meanwhile: what credentials and context look into; NULL */
	const void *context;            /* ua_request_context() */
	void *arg;
	struct ua_agree agree;          /* about the protection of media; .server is held */
	bool trying;                    /* 100 is told too */
	/* Every response over 100; a final one ends the request (but 2xx to INVITE
	 * may be repeated). 401 and 407 that were answered are not shown. */
	void (*response)(void *arg, struct ua_request *rq, struct sip_msg *msg);
	/* No answer at all: ETIMEDOUT, EHOSTUNREACH, ENOENT (no such host), ... */
	void (*failed)(void *arg, struct ua_request *rq, int err);
	/* Just before it goes out (again): path is known, headers may be completed. An
	 * error (errno) keeps it from going there. EINPROGRESS, the first time only: it is not
	 * ready, and waits for ua_request_go_on(), which prepares anew. */
	int (*prepare)(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path);
	void *owner;    /* the obj that `arg` is or lives in, counted by obj_point(); NULL: `arg` holds it */
};
/* A request outside of dialogs, to `uri`: R-URI, To, Call-ID and CSeq. NULL: ENOMEM. */
struct sip_out *ua_out(struct ua *ua, enum sip_method m, struct str uri);
/* On 0 the caller owns *rq (rq may be NULL: fire and forget). No callback but
 * `prepare` comes before it returns; `failed` is then told by a timer. ENOMEM. */
int ua_request_send(struct ua *ua, const struct ua_request_prm *prm, struct ua_request **rq);
/* Inside prm.response, of a final response that is no 2xx: send the request anew on the
 * same path with the next CSeq, after prm.prepare. For those that say what they lack
 * (RFC 4028 7.4: 422). True: the response was no final one then; false: it was done four
 * times already, or the request is cancelled. */
bool ua_request_again(struct ua_request *rq);
/* The same to another Request-URI, whose address is looked for. False: it is cancelled, or ENOMEM. */
bool ua_request_again_at(struct ua_request *rq, struct str uri);
void ua_request_go_on(struct ua_request *rq);        /* what prepare() waited for is there; else nothing */
void ua_request_cancel(struct ua_request *rq, struct str headers);   /* INVITE */
/* No more callbacks; the transaction ends by itself. Gives prm.arg back. */
void *ua_request_detach(struct ua_request *rq);
/* At the end of the program: every request fails with ECANCELED. */
void ua_requests_abandon(struct ua *ua);
/* The way is gone: those that wait for an answer fail with `err`, told by timers. */
void ua_requests_fail(struct ua *ua, int err);

struct ua *ua_request_ua(const struct ua_request *rq);
const struct net_path *ua_request_path(const struct ua_request *rq);
struct sip_out *ua_request_out(struct ua_request *rq);
/* Is every request under way of that method? */
bool ua_requests_are(const struct ua *ua, enum sip_method m);
const void *ua_request_context(const struct ua_request *rq);

#endif
