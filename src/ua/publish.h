/* ua/publish.h -- an event publication agent (RFC 3903): the state of one resource at a
 * compositor; published, changed, renewed before it ends, taken back. Threads: the sip stack's. */
#ifndef UA_PUBLISH_H
#define UA_PUBLISH_H

#include "ua/request.h"

/*   IDLE --a state--> ASKING --2xx--> PUBLISHED --a state, in time--> ASKING
 *                      |  ^
 *               refused|  |the wait is over, a new state
 *                      v  |
 *                     REFUSED
 *
 * From each: ua_publish_end() --Expires: 0--> LEAVING --any answer--> IDLE.
 *
 * States that come while a PUBLISH waits for its answer wait too; of those with the same key the
 * newest takes the place of the one before. What was refused because the server has trouble (no
 * answer, 408, 5xx, 6xx, Retry-After) is sent again after a wait; what was refused for good is dropped. */
enum ua_publish_state { UA_PUBLISH_IDLE, UA_PUBLISH_ASKING, UA_PUBLISH_PUBLISHED, UA_PUBLISH_REFUSED, UA_PUBLISH_LEAVING };

struct ua_publish;

struct ua_publish_event {
	enum ua_publish_state state;    /* PUBLISHED, REFUSED or IDLE (it has ended) */
	unsigned status;                /* that came; 0: no answer */
	uint32_t seconds;               /* PUBLISHED: granted; REFUSED: until the next try, 0: none */
	const struct sip_msg *msg;      /* the response; NULL: none came */
};

/* Views: what `hold` holds keeps them. */
struct ua_publish_prm {
	struct str target, from, to;    /* URIs: Request-URI; From; To */
	struct str proxy;               /* URI to send to, as Route; empty: the target */
	struct str transport;           /* as in struct ua_request_prm */
	struct str user_agent;
	struct str event;               /* package */
	int max_forwards;
	bool no_rport;
	uint32_t expires_s;             /* to ask for */
	unsigned max_challenges;        /* that are answered in a row; the next ends the publication (REFUSED, no more tries) */
	uint32_t retry_s, retry_most_s; /* first wait after trouble, doubled each time up to the most; 0: 5 and 300 */
	ua_credentials_fn *credentials;
	void *credentials_arg;
	void *hold;                     /* obj; NULL */
	const void *context;            /* ua_request_context() */
	void *arg;
	/* Via's sent-by, now that the way is known. errno */
	int (*prepare)(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path);
	/* The server knows nothing of us any more (412): say with ua_publish_send() all there is. NULL: the last
	 * state is said again. */
	void (*lost)(void *arg, struct ua_publish *p);
	/* The last thing that happens in a turn: ua_publish_free() is allowed. */
	void (*changed)(void *arg, struct ua_publish *p, const struct ua_publish_event *e);
};

/* Nothing goes out yet. ENOMEM. */
int ua_publish_new(struct ua_publish **out, struct ua *ua, const struct ua_publish_prm *prm);
/* The server has it by this tag, of a process before this one, for `left_s` more. Before anything is sent. ENOMEM. */
int ua_publish_restore(struct ua_publish *p, struct str etag, uint32_t left_s);
/* Without a word to the server, and without callback. */
void ua_publish_free(struct ua_publish *p);
/* Other parameters from the next PUBLISH on. */
void ua_publish_set(struct ua_publish *p, const struct ua_publish_prm *prm);
/* The resource has this state now; copied. `key`: which part of it this body says. ENOMEM. */
int ua_publish_send(struct ua_publish *p, struct str key, struct str type, struct str body);
/* PUBLISH with Expires: 0, when anything was published; else over at once (no callback). ENOMEM. */
int ua_publish_end(struct ua_publish *p);

enum ua_publish_state ua_publish_state(const struct ua_publish *p);
bool ua_publish_busy(const struct ua_publish *p);            /* a PUBLISH waits for its answer */
uint64_t ua_publish_left_ms(const struct ua_publish *p);     /* until the next one; 0: none is planned */
struct str ua_publish_etag(const struct ua_publish *p);      /* of what the server has; empty: nothing */

#endif
