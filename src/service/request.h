/* service/request.h -- sending a request until there is an answer: finds the
 * address (RFC 3263), tries the next one when a target is dead, answers
 * challenges with the endpoint's outbound_auth. Threads: core. */
#ifndef SERVICE_REQUEST_H
#define SERVICE_REQUEST_H

#include "service/service.h"

struct request;         /* obj */

struct request_prm {
	struct sip_out *out;            /* taken a reference of */
	struct str transport;           /* name to use; empty: by the URI */
	struct str target;              /* URI to send to; empty: out's next hop */
	const struct net_path *path;    /* NULL: resolve. Else go there and nowhere else */
	bool prefer_path;               /* path is a stream that may be gone: then resolve */
	const struct endpoint *ep;      /* of `conf`; NULL: none */
	struct auth_conf *const *auths; /* of `conf`, which is held meanwhile */
	size_t auth_n;
	struct snapshot *conf;
	uint32_t timeout_ms;            /* total; 0: the transactions' own */
	void *arg;
	/* Every response over 100; a final one ends the request (but 2xx to INVITE
	 * may be repeated). 401 and 407 that were answered are not shown. */
	void (*response)(void *arg, struct request *rq, struct sip_msg *msg);
	/* No answer at all: ETIMEDOUT, EHOSTUNREACH, ENOENT (no such host), ... */
	void (*failed)(void *arg, struct request *rq, int err);
	/* Just before it goes out (again): path is known, headers may be completed. An
	 * error (errno) keeps it from going there. */
	int (*prepare)(void *arg, struct request *rq, struct sip_out *out, const struct net_path *path);
	void *owner;    /* the obj that `arg` is or lives in, counted by obj_point(); NULL: `arg` holds it */
};
/* On 0 the caller owns *rq (rq may be NULL: fire and forget). No callback but
 * `prepare` comes before it returns; `failed` is then told by a timer. */
int request_send(struct service *svc, const struct request_prm *prm, struct request **rq);
/* ACK of a 2xx: finds its way as a request does, makes no transaction. */
void request_send_ack(struct service *svc, const struct request_prm *prm);
void request_cancel(struct request *rq, struct str headers);         /* INVITE */
/* At the end of the program: every request fails with ECANCELED. */
void requests_abandon(struct service *svc);
/* No more callbacks; the transaction ends by itself. Gives prm.arg back. */
void *request_detach(struct request *rq);
const struct net_path *request_path(const struct request *rq);
struct sip_out *request_out(struct request *rq);
/* A request outside of dialogs, to `uri`, as `ep` says (may be NULL): R-URI, To,
 * Call-ID, CSeq, Max-Forwards, User-Agent. From and Contact need to know the
 * way it goes: service_out_prepare() (a prm.prepare) writes them. */
struct sip_out *service_out(struct service *svc, enum sip_method m, const struct endpoint *ep, struct str uri,
			    struct str from /* header value; empty: from_user, from_domain */);
int service_out_prepare(void *arg, struct request *rq, struct sip_out *out, const struct net_path *path);
/* "sip:user@host" of our side of a request along `path`, by from_user, from_domain, default_from_user. */
void service_from_uri(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct buf *b);
struct service *request_service(struct request *rq);
const struct endpoint *request_endpoint(struct request *rq);

/* Add credentials for the challenges in `msg` to `out` (new cseq is the caller's). ENOENT: none fits. */
int request_authorize(struct service *svc, struct sip_out *out, const struct sip_msg *msg,
		      struct auth_conf *const *auths, size_t n, uint32_t nc);

#endif
