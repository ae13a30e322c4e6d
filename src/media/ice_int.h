/* media/ice_int.h -- inside media/ice*.c: what the parts of an agent share. */
#ifndef MEDIA_ICE_INT_H
#define MEDIA_ICE_INT_H

#include "media/ice.h"

enum {
	ICE_TA_US = 50000,              /* RFC 8445 section 14.2: pace of new transactions */
	ICE_RTO_US = 500000,            /* RFC 8445 section 14.3, RFC 8489 section 6.2.1 */
	ICE_RC = 7, ICE_RM = 16,        /* RFC 8489 section 6.2.1: sendings, and the wait after the last */
	ICE_CONSENT_US = 5000000,       /* RFC 7675 section 5.1, +-20 % */
	ICE_CONSENT_DEAD_US = 30000000, /* the same */
	ICE_CONSENT_IDS = 8,            /* requests that may still be answered: 30 s / 4 s */
	ICE_PATIENCE_US = 39500000,     /* RFC 8863 section 4: nothing fails before */
	ICE_TI_US = 39500000,           /* RFC 8489 section 6.2.2: how long a request over TCP may take */
	ICE_BINDING_US = 15000000,      /* RFC 8445 section 11: Tr, keeps a NAT's binding */
	/* How long the controlling side waits for a better pair than the one that works:
	 * shorter for direct ones. Media flows meanwhile. */
	ICE_NOMINATE_US = 200000, ICE_NOMINATE_RELAY_US = 1000000,
	ICE_MAX_EARLY = 8,              /* requests that came before the peer's description */
	ICE_MESSAGE = 1024              /* [bytes] our longest: user names of 513 */
};

/* ---- transactions */

struct ice_tx {
	bool on;
	bool once;                      /* over a stream: not repeated */
	uint8_t id[STUN_ID];
	uint8_t sends;
	uint32_t rto_us;
	uint64_t next_us;               /* send again, or give up */
};
enum ice_tx_step { ICE_TX_WAIT, ICE_TX_SEND, ICE_TX_OVER };

/* ---- candidates and pairs */

struct ice_local {
	struct ice_candidate c;
	struct sa base_addr, server;    /* for foundations; server unset: none was asked */
};

enum ice_pair_state { ICE_PAIR_FROZEN, ICE_PAIR_WAITING, ICE_PAIR_IN_PROGRESS, ICE_PAIR_SUCCEEDED, ICE_PAIR_FAILED,
		      ICE_PAIR_STATES };

struct ice_pair {
	bool on;
	uint8_t local, remote;          /* places in ice.local, ice.remote */
	uint8_t state;                  /* enum ice_pair_state */
	bool valid;                     /* a check of it was answered */
	bool nominated;
	bool nominate;                  /* controlling: its checks say USE-CANDIDATE */
	bool named;                     /* controlled: the peer's check said it */
	uint64_t priority;
	uint32_t queued;                /* place in the queue of triggered checks; 0: not in it */
	struct ice_tx tx;
	bool sent_nominate;             /* what tx says of these */
	enum ice_role sent_role;
	bool has_old;                   /* a check that is not sent again, but may be answered */
	uint8_t old_id[STUN_ID];
	uint64_t valid_us, heard_us;    /* first and last answer */
};

/* ---- where media goes */

enum ice_generation { ICE_NOW, ICE_OLD };

struct ice_path {
	bool on;
	bool nominated;
	enum ice_generation gen;        /* whose credentials its consent has */
	int pair;                       /* place in ice.pair; -1: of the last session */
	uint8_t component, base;
	bool relayed;
	struct sa remote;
	uint32_t priority;              /* what its checks say */
	uint64_t consent_us, dead_us;   /* next request; when it is over */
	uint8_t id[ICE_CONSENT_IDS][STUN_ID];
	unsigned nids;                  /* sent so far */
};

struct ice_creds {
	struct ice_own own;
	char rufrag[ICE_CREDENTIAL_MAX + 1], rpwd[ICE_CREDENTIAL_MAX + 1];
};

/* ---- gathering */

enum ice_job_state { ICE_JOB_NEW, ICE_JOB_ASKING, ICE_JOB_DONE, ICE_JOB_FAILED };

struct ice_job {                /* one base asks one STUN server */
	enum ice_job_state state;
	uint8_t base, server;
	struct ice_tx tx;
	uint64_t again_us;              /* keep the binding; 0: no need */
};

struct ice_base {
	bool on;
	bool no_servers;
	uint8_t component;
	struct sa addr;
};

enum ice_turn_state { ICE_TURN_NEW, ICE_TURN_ASKING, ICE_TURN_READY, ICE_TURN_FAILED };
enum ice_turn_work { ICE_WORK_ALLOCATE, ICE_WORK_REFRESH, ICE_WORK_PERMIT, ICE_WORK_CHANNEL };
enum ice_grant { ICE_GRANT_NONE, ICE_GRANT_WANTED, ICE_GRANT_ASKED, ICE_GRANT_THERE, ICE_GRANT_REFUSED };
enum { ICE_CHANNELS = 4, ICE_TURN_TEXT = 763 /* RFC 8489 14.9, 14.10 */ };

struct ice_permit {             /* RFC 8656 section 9: of a host, whatever its port */
	enum ice_grant grant;
	struct sa peer;
	uint64_t again_us;
};
struct ice_channel {            /* RFC 8656 section 12 */
	enum ice_grant grant;
	bool usable;                    /* was bound, also while it is bound anew */
	struct sa peer;
	uint16_t number;
	uint64_t again_us;
};

struct ice_turn {               /* the allocation of one base */
	enum ice_turn_state state;
	uint8_t base;
	uint8_t local;                  /* place of its candidate */
	bool stream;                    /* over TCP and nothing else: a connection is there, or is being made */
	bool opening;                   /* one is being made, and UDP is asked as well */
	bool stream_tried;
	struct ice_tx tx;
	enum ice_turn_work work;        /* of tx */
	unsigned tries;                 /* 401 and 438 in a row */
	bool one_by_one;                /* a request for several permissions was refused */
	bool has_key;
	uint8_t key[16];
	char realm[ICE_TURN_TEXT], nonce[ICE_TURN_TEXT];
	uint16_t realm_n, nonce_n;
	uint64_t refresh_us;
	struct ice_permit permit[ICE_MAX_CANDIDATES];
	struct ice_channel channel[ICE_CHANNELS];
	uint16_t next_channel;
};

struct ice_early {
	uint8_t local;
	bool nominate;
	struct sa from;
	uint32_t priority;
};

/* Candidates that servers give. */
struct ice_gather {
	struct sa server[ICE_MAX_STUN];
	size_t nservers;
	struct ice_job job[ICE_MAX_BASES * ICE_MAX_STUN];
	size_t njobs;
	struct ice_turn *turn;          /* owned; ICE_MAX_BASES of them, NULL: no TURN server */
	size_t nturns;
	struct sa turn_server;
	enum ice_server turn_kind;
	char *turn_user, *turn_password;        /* owned */
	bool under_way, done;
	uint64_t until_us;
	bool next;                      /* checks and gathering take turns */
};

struct ice_peer {
	bool known, lite;
	bool done;                      /* it has no further candidates */
};

struct ice {
	struct ice_prm prm;
	uint64_t now_us;
	enum ice_role role;
	enum ice_state state;
	uint64_t tie_breaker;
	unsigned components;
	struct ice_creds cur, old;      /* old: while a path is of ICE_OLD */
	struct ice_peer peer;
	bool closed;
	uint64_t began_us;              /* of checking */
	struct ice_local local[ICE_MAX_CANDIDATES];
	size_t nlocal;
	struct ice_candidate remote[ICE_MAX_CANDIDATES];
	size_t nremote;
	struct ice_pair pair[ICE_MAX_PAIRS];
	uint32_t queue_last;            /* of the triggered queue */
	uint64_t wraps;                 /* indications to TURN so far: makes their ids differ */
	unsigned foundations, prflx;    /* numbers given so far */
	struct ice_path path[ICE_COMPONENTS];
	struct ice_early early[ICE_MAX_EARLY];
	size_t nearly;
	struct ice_base base[ICE_MAX_BASES];
	unsigned nbases;                /* in order of preference, for local preferences */
	struct ice_gather gather;
	uint64_t pace_us;               /* no new transaction before */
	bool reckon;                    /* something changed: nomination, selection, failure are looked at */
	struct ice_counts counts;
};

/* The parts, each on those before it; ice.c has the whole. */

/* ice_base.c */
void ice_tell(struct ice *ice, const struct ice_event *e);
void ice_state_set(struct ice *ice, enum ice_state s);
void ice_random(struct ice *ice, void *p, size_t n);
void ice_tx_start(struct ice *ice, struct ice_tx *tx, uint32_t rto_us);
enum ice_tx_step ice_tx_due(struct ice *ice, struct ice_tx *tx);
static inline bool ice_tx_is(const struct ice_tx *tx, const uint8_t *id) { return tx->on && !memcmp(tx->id, id, STUN_ID); }
static inline bool ice_is_relay(const struct ice *ice, unsigned local) { return ice->local[local].c.type == CANDIDATE_RELAY; }

/* ice_grant.c */
struct ice_turn *ice_turn_by_base(struct ice *ice, unsigned base);  /* NULL: it has none */
void ice_turn_send(struct ice *ice, const struct ice_turn *t, const void *p, size_t n);       /* to the server */
struct ice_turn *ice_turn_at(struct ice *ice, unsigned base, const struct sa *from);        /* NULL: not its server */
struct ice_turn *ice_turn_of(struct ice *ice, unsigned local);
enum ice_grant ice_turn_permit(struct ice_turn *t, const struct sa *peer);   /* wanted from now on */
void ice_turn_channel(struct ice_turn *t, const struct sa *peer);    /* for media */
bool ice_turn_knows(const struct ice_turn *t, const struct sa *peer);
/* `n` bytes at `p`, with room for `max`, become what goes to the server. */
bool ice_turn_wrap(const struct ice_turn *t, const uint8_t id[STUN_ID], const struct sa *peer, uint8_t *p, size_t *n, size_t max);
const struct sa *ice_turn_channel_peer(const struct ice_turn *t, uint16_t number);
void ice_turn_forget(struct ice *ice, struct ice_turn *t);   /* what the old session's peer needed, but for a path */

/* ice_message.c */
/* From a local candidate: by its base, or by its relay. */
void ice_send(struct ice *ice, unsigned local, const struct sa *to, const void *p, size_t n);
size_t ice_check_write(struct ice *ice, uint8_t *p, size_t max, const uint8_t *id, const struct ice_creds *c, uint32_t priority,
		       bool nominate);
void ice_message_close(struct ice *ice, struct stun_out *o, const char *pwd);        /* integrity and fingerprint */

/* ice_pair.c */
uint32_t ice_priority(enum candidate_type t, unsigned preference, unsigned component);
unsigned ice_preference(const struct ice *ice, unsigned base);
/* Gives its place, or -1: no room. One that is there already is found. */
int ice_local_add(struct ice *ice, enum candidate_type t, unsigned base, const struct sa *addr, const struct sa *related,
		  const struct sa *server);
int ice_local_by_base(const struct ice *ice, unsigned base);         /* best host candidate; -1: none */
int ice_remote_find(const struct ice *ice, unsigned component, const struct sa *addr);
int ice_remote_learn(struct ice *ice, unsigned component, const struct sa *addr, uint32_t priority);
struct ice_pair *ice_pair_find(struct ice *ice, unsigned local, const struct sa *remote);
struct ice_pair *ice_pair_add(struct ice *ice, unsigned local, unsigned remote);
void ice_pairs_of_local(struct ice *ice, unsigned local);
void ice_pairs_of_remote(struct ice *ice, unsigned remote);
void ice_pairs_rank(struct ice *ice);                /* roles or priorities have changed */
void ice_pairs_clear(struct ice *ice);               /* with what the peer's side was */
void ice_pair_state(struct ice_pair *p, enum ice_pair_state s);
struct ice_pair *ice_pair_triggered(struct ice *ice);        /* whose check goes out at once; NULL: none */
struct ice_pair *ice_pair_next(struct ice *ice);     /* whose check is to be sent in its turn; NULL: none */
void ice_pair_trigger(struct ice *ice, struct ice_pair *p);
void ice_unfreeze(struct ice *ice, const struct ice_pair *like);
unsigned ice_pair_component(const struct ice *ice, const struct ice_pair *p);
bool ice_pair_unfinished(const struct ice_pair *p);
enum ice_grant ice_pair_grant(struct ice *ice, const struct ice_pair *p);

/* ice_check.c */
void ice_check_send(struct ice *ice, struct ice_pair *p);    /* begin a transaction */
void ice_checks_tick(struct ice *ice);
void ice_role_set(struct ice *ice, enum ice_role role);
/* A Binding message that is not of gathering came to this local candidate. false: a response to no check. */
bool ice_binding_came(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m);
void ice_learn(struct ice *ice, unsigned local, const struct sa *from, uint32_t priority, bool nominate);

/* ice_select.c */
void ice_reckon(struct ice *ice);
void ice_consent_tick(struct ice *ice);
bool ice_consent_answered(struct ice *ice, unsigned local, const struct sa *from, const struct stun_msg *m);
bool ice_is_checked(const struct ice *ice, unsigned component, unsigned base, bool relayed, const struct sa *from);
uint64_t ice_select_due(const struct ice *ice);

/* ice_gather.c */
bool ice_gather_step(struct ice *ice);               /* one new transaction; false: none is waiting */
void ice_gather_tick(struct ice *ice);
bool ice_gather_answered(struct ice *ice, unsigned base, const struct sa *from, const struct stun_msg *m);
uint64_t ice_gather_due(const struct ice *ice);
void ice_gather_check(struct ice *ice);              /* is it over? */
void ice_job_add(struct ice *ice, unsigned base, unsigned server);
bool ice_job_waits(const struct ice *ice);

/* ice_turn.c: the requests of an allocation */
void ice_turn_begin(struct ice *ice, struct ice_turn *t);
void ice_turn_tick(struct ice *ice, struct ice_turn *t);
void ice_turn_answered(struct ice *ice, struct ice_turn *t, const struct stun_msg *m);
uint64_t ice_turn_due(const struct ice_turn *t);
void ice_turn_release(struct ice *ice, struct ice_turn *t);
void ice_turn_opened(struct ice *ice, struct ice_turn *t);   /* its connection is there */
void ice_turn_lost(struct ice *ice, struct ice_turn *t);     /* or is no more */

#endif
