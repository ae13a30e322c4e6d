/* ua/register.h -- a registration of ours with a registrar (RFC 3261 10.2): made,
 * renewed before it ends, tried again when refused, ended. Threads: the sip stack's. */
#ifndef UA_REGISTER_H
#define UA_REGISTER_H

#include "ua/request.h"

/*   IDLE --REGISTER--> ASKING --2xx--> REGISTERED --in time--> RENEWING --2xx--> REGISTERED
 *                        |  ^                                     |
 *                 refused|  |the wait is over                     |refused
 *                        v  |                                     v
 *                      REFUSED <----------------------------------+
 *
 * From each: ua_register_end() --Expires: 0--> LEAVING --any answer--> IDLE. */
enum ua_register_state { UA_REGISTER_IDLE, UA_REGISTER_ASKING, UA_REGISTER_REGISTERED, UA_REGISTER_RENEWING,
	UA_REGISTER_REFUSED, UA_REGISTER_LEAVING };

/* When a refusal is followed by another try. 0: by none. Retry-After comes before all. */
struct ua_register_retry {
	uint32_t interval_s;            /* after no answer, 408, 500, 502-504, 6xx, and 401, 407 (but see auth_permanent) */
	uint32_t forbidden_s;           /* after 403 */
	uint32_t fatal_s;               /* after anything else */
	uint32_t most;                  /* tries that Retry-After did not ask for */
	bool auth_permanent;            /* 401 and 407 to our credentials: fatal_s */
};

struct ua_register;

struct ua_register_event {
	enum ua_register_state state;   /* REGISTERED, REFUSED or IDLE (it has ended) */
	unsigned status;                /* that came; 0: no answer */
	uint32_t seconds;               /* REGISTERED: granted; REFUSED: until the next try, 0: none */
	const struct sip_msg *msg;      /* the response; NULL: none came */
};

/* Views: what `hold` holds keeps them. */
struct ua_register_prm {
	struct str registrar, aor;      /* URIs: Request-URI; From and To */
	struct str proxy;               /* URI to send to, as Route; empty: the registrar */
	struct str transport;           /* as in struct ua_request_prm */
	struct str user_agent;
	struct str headers;             /* whole lines for each REGISTER: Allow, Supported */
	int max_forwards;
	bool no_rport;
	uint32_t expires_s;             /* to ask for */
	bool expires_in_contact;        /* not in a header of its own (RFC 3261 10.2.1.1 has both) */
	uint32_t renew_before_s;        /* the end; at most half of what was granted. 0: 10 */
	struct ua_register_retry retry;
	ua_credentials_fn *credentials;
	void *credentials_arg;
	struct ua_agree agree;          /* as in struct ua_request_prm */
	void *hold;                     /* obj; NULL */
	const void *context;            /* ua_request_context() */
	void *arg;
	/* Via's sent-by and Contact, now that the way is known. errno */
	int (*prepare)(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path);
	void (*progress)(void *arg, struct ua_register *r, const struct sip_msg *msg);  /* 1xx. Optional */
	/* The last thing that happens in a turn: ua_register_free() is allowed. */
	void (*changed)(void *arg, struct ua_register *r, const struct ua_register_event *e);
};

/* Nothing goes out yet. Call-ID and tag are drawn here and stay (10.2). ENOMEM. */
int ua_register_new(struct ua_register **out, struct ua *ua, const struct ua_register_prm *prm);
/* Without a word to the registrar, and without callback. */
void ua_register_free(struct ua_register *r);
/* Other parameters from the next REGISTER on. */
void ua_register_set(struct ua_register *r, const struct ua_register_prm *prm);
/* REGISTER in `ms`; 0: now. Refusals of before do not count. ENOMEM. */
int ua_register_start(struct ua_register *r, uint64_t ms);
/* REGISTER with Expires: 0; `again`: and register when it was answered. ENOMEM. */
int ua_register_end(struct ua_register *r, bool again);
/* No timer, no request, no callback any more; what the registrar knows it keeps. */
void ua_register_halt(struct ua_register *r);

enum ua_register_state ua_register_state(const struct ua_register *r);
bool ua_register_busy(const struct ua_register *r);          /* a REGISTER waits for its answer */
uint64_t ua_register_left_ms(const struct ua_register *r);   /* until the next one; 0: none is planned */
/* The connection that it is registered by; 0: none. */
uint64_t ua_register_conn(const struct ua_register *r);

#endif
