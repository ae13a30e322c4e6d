/* service/place/location.h -- where an AOR's user can be reached now: its contacts,
 * registered and permanent, and whether they answer. Registered ones are on
 * disk before anybody is told that they are. Threads: core. */
#ifndef SERVICE_PLACE_LOCATION_H
#define SERVICE_PLACE_LOCATION_H

#include "service/common/flow.h"
#include "service/common/service.h"
#include "ua/agree.h"

/* Words on the manager's wire: see contact_status_name(). */
enum contact_status { CONTACT_UNKNOWN, CONTACT_NONQUALIFIED, CONTACT_REACHABLE, CONTACT_UNREACHABLE,
	CONTACT_REMOVED };
const char *contact_status_name(enum contact_status s);      /* "Reachable", "NonQualified", ... */
const char *contact_status_short(enum contact_status s);     /* "Avail", "Unavail", "NonQual", "Unknown": console */

/* What made a contact what it is: the events of RFC 3680 4.7.1. */
enum contact_why {
	CONTACT_REGISTERED,             /* by REGISTER; also one found on disk */
	CONTACT_CREATED,                /* by the configuration */
	CONTACT_REFRESHED,
	CONTACT_UNREGISTERED,           /* its REGISTER took it back */
	CONTACT_EXPIRED,
	CONTACT_DEACTIVATED,            /* its connection is closed, or it did not answer and made room: register again */
	CONTACT_REJECTED,               /* another one took its place, or the configuration has it no more */
};

struct location;
struct ua_request;
struct ua_request_prm;
struct contact {                /* obj */
	struct list link;               /* in location.contacts */
	struct flow_member on_flow;     /* of the connection that alone leads to it */
	struct location *loc;           /* not held; NULL once removed */
	struct service *svc;
	/* Words of its own block, each with a NUL behind; they never change. */
	struct str uri;                 /* what requests go to */
	struct str orig_uri;            /* as the phone wrote it, when rewritten; else empty */
	struct str id;                  /* "aor;@md5" registered, "aor@@md5" permanent */
	struct str path;                /* Path values, comma list */
	struct str user_agent, call_id, via_addr, reg_server, endpoint, instance;
	struct str txp;                 /* symmetric_transport: the name of what its REGISTER came by; else empty */
	uint32_t cseq, reg_id;
	uint64_t row;                   /* on disk; 0: not there */
	uint16_t via_port;
	int64_t expires_us;             /* [us] wall: seconds would lose one where they tick; 0: permanent */
	int64_t since_us;               /* [us] wall: when it came; 0: before this program did */
	enum contact_why why;           /* its last event */
	bool is_static, outbound;
	bool prune_on_boot;             /* only the connection of its REGISTER leads there: it goes with that */
	struct net_path flow;           /* how its REGISTER came; proto and transport always, conn when a stream */
	bool has_flow;
	struct timer expire;
	/* qualify.c */
	struct timer qualify;
	struct ua_request *qualify_req;
	uint64_t qualify_sent_us;
	enum contact_status status;
	uint32_t rtt_us;                /* 0: never measured */
	struct ua_agreement *agreement; /* held: what it said of the protection of media; NULL: never asked */
};

struct location {
	struct text aor;
	struct list contacts;           /* static ones first, then by age */
	size_t n, n_static;
	struct list jobs;               /* struct location_job: changes that wait for their turn */
	size_t waits;                   /* of them */
	struct commit *commit;          /* the change that is on its way to the disk; NULL: none */
	bool running;                   /* location_submit() is at work further up the stack */
	struct list marked;             /* locations_reload() */
};

/* Everything that changes an AOR's contacts is a job: REGISTER, expiry, reload. They
 * have their turns one after the other, and the next one plans only when the last
 * is on disk and in memory, or has failed. */
struct location_job {
	struct list link;
	/* Its turn: what shall change goes into *changes (contact_change_add). An errno:
	 * nothing. Must not submit to this location or wait. */
	int (*plan)(struct location_job *j, struct location *l, struct list *changes);
	/* The end, exactly once; frees the job. 0: all changes are on disk and made. Else
	 * nothing has changed: plan's errno, why the disk refused, ECANCELED at the
	 * end of the program. */
	void (*done)(struct location_job *j, int err);
	bool despite_disk;              /* memory changes also when the disk fails: what is over is over */
};
/* May call both at once. */
void location_submit(struct service *svc, struct str aor, struct location_job *j);

int locations_start(struct service *svc);    /* permanent contacts, then those on disk */
void locations_stop(struct service *svc);
/* After a reload: permanent contacts and qualify settings as they are now. */
void locations_reload(struct service *svc);

/* A connection is closed: the contacts that only it reached are removed. */
void locations_closed(struct service *svc, uint64_t conn);

/* NULL when the AOR has no contact and `create` is false. */
struct location *location_get(struct service *svc, struct str aor, bool create);
struct location *location_next(struct service *svc, size_t *it);     /* all, in no order */
struct contact *location_find(struct location *l, const struct sip_uri *uri);        /* by URI equality */
struct contact *contact_by_id(struct service *svc, struct str id);
/* The endpoint that a contact's requests are made for; NULL: none has its AOR. */
const struct endpoint *contact_endpoint(struct service *svc, const struct contact *c);
const struct aor *contact_aor(struct service *svc, const struct contact *c);
/* Requests to it: as the endpoint `ep` (NULL: nobody's) of `conf` and symmetric_transport say, over the
 * connection of its REGISTER while that lives. `conf` is held while the request lasts. */
void contact_request_way(struct ua_request_prm *prm, const struct snapshot *conf, const struct endpoint *ep,
			 const struct contact *c);
/* First endpoint that lists this AOR. */
const struct endpoint *endpoint_of_aor(struct service *svc, struct str aor);

enum contact_op { CONTACT_ADD, CONTACT_UPDATE, CONTACT_DELETE };

/* One contact's part of a change. */
struct contact_change {
	struct list link;
	enum contact_op op;
	struct contact *old;            /* held: UPDATE, DELETE */
	struct contact *now;            /* held: ADD, UPDATE: all values of the new state */
	struct text aor;
	enum contact_why why;           /* DELETE; UNREGISTERED unless contact_change_why() says otherwise */
};
int contact_change_add(struct list *changes, enum contact_op op, struct str aor, struct contact *old, struct contact *now);
/* Why the change that was added last removes its contact. */
void contact_change_why(struct list *changes, enum contact_why why);
void contact_changes_free(struct list *changes);
/* What a contact is made of; all are copied. */
struct contact_words {
	struct str uri, orig_uri, path, user_agent, call_id, via_addr, reg_server, endpoint, instance, txp;
};
struct contact *contact_new(struct service *svc, struct str aor, const struct contact_words *w, bool is_static);

static inline int64_t contact_end_s(const struct contact *c) { return (c->expires_us + 500000) / 1000000; }
/* [s] what it has left, a second that has begun too: a slow disk takes nothing of what was granted. Not below 0. */
static inline int64_t contact_left_s(const struct contact *c, const struct clock *clock)
{
	int64_t left = (c->expires_us - clock_wall_us(clock) + 999999) / 1000000;

	return left > 0 ? left : 0;
}

/* The best contact to send to: reachable before unknown, never unreachable. NULL. */
struct contact *location_pick(struct location *l);

/* location_agree.c */
/* How a request of `ep` (NULL: nobody's) to it takes part in the agreement about the protection of media
 * (security_negotiation). Views into ep and c. */
struct ua_agree contact_agree(struct contact *c, const struct endpoint *ep);

/* qualify.c */
void contact_qualify_start(struct service *svc, struct contact *c, bool first);
void contact_qualify_stop(struct contact *c);
void contact_qualify_now(struct service *svc, struct contact *c);
void contact_set_status(struct service *svc, struct contact *c, enum contact_status s, uint32_t rtt_us);
/* ContactStatus event. */
void contact_event(struct service *svc, const struct contact *c, enum contact_status s, struct str endpoint);

/* location_store.c */
int location_store_load(struct service *svc);
void location_restore(struct service *svc, struct str aor, struct contact *c);       /* found on disk */
/* ENOENT: none of them concerns the disk. Else errors of contact_batch_commit(). */
typedef void location_done_fn(void *arg, int err);
int location_store_write(struct service *svc, struct list *changes, location_done_fn *done, void *arg);

/* Who is told of contacts. */
struct contact_observer {
	struct list link;               /* in service.contact_observers, until its owner takes it out */
	void (*added)(struct service *svc, struct contact *c);       /* one came by REGISTER */
	/* One came, was refreshed, or has just gone: then it is in its location no more, which
	 * may be without any. Must not change contacts. Optional. */
	void (*changed)(struct service *svc, struct location *l, struct contact *c, enum contact_why why);
};
void location_observe(struct service *svc, struct contact_observer *o);

#endif
