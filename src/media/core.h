/* media/core.h -- inside media/: the core's side of the threads. Threads: core. */
#ifndef MEDIA_CORE_H
#define MEDIA_CORE_H

#include "media/ice.h"
#include "media/thread.h"
#include "media/trace.h"
#include <pthread.h>

struct pending {                /* a command that waits on the core's side */
	struct list link;
	struct cmd c;
};

struct core_thread {
	struct mthread m;
	pthread_t id;
	bool running;
	bool ring_due;          /* commands were pushed in this turn of the core's loop */
	size_t load;            /* sessions */
	struct tracer *tracer;  /* owned; NULL until somebody looked at packets */
	struct list overflow;   /* of struct pending: its queue was full */
	size_t waiting;         /* in it */
};

/* The wake-ups at the end of a turn; outlives `m`, because the loop holds it. */
struct ringer {                 /* obj */
	struct media *m;        /* NULL: gone */
	bool due;
};

struct later {                  /* an event that the core itself makes */
	struct list link;
	struct media_session *s;        /* held */
	struct media_event e;
};

struct ports {
	uint64_t used[512];     /* one bit a pair: port / 2 */
	uint64_t foreign[512];  /* taken by other programs when last tried */
	size_t count;
};

/* What must know when the media goes: a mix. */
struct core_follower {
	struct list link;       /* in m->followers */
	struct media *m;        /* NULL: it is gone */
};

struct media {
	struct media_prm prm;
	char *sounds;           /* owned; prm.sounds looks into it */
	const struct clock *clock;
	struct core_thread **t; /* owned, nt of them */
	size_t nt;
	bool inline_;           /* t[0] runs here */
	bool closing;           /* no events any more */
	bool srtp_ready;        /* srtp_setup() has been called */
	struct bell *bell;      /* owned; NULL without a loop */
	uv_poll_t *poll;        /* owned until closed; inline with a loop */
	struct timer tick;      /* the same */
	struct ringer *ringer;  /* held */
	struct list sessions, later;
	struct sound_cache *cache;      /* owned */
	struct ports ports;
	uint64_t seed;
	uint64_t exhausted;
	size_t nsessions;
	/* mixer.c */
	struct list followers;  /* of struct core_follower */
	struct list looked_at;  /* of struct core_wire, while it is asked what may move */
	struct rate_bank *rates;        /* held; NULL until needed */
	struct tap_writer *taps;        /* owned; NULL until needed */
	/* faxrun.c */
	struct list faxes;      /* of struct faxrun, while their threads run */
	size_t nfaxes;
	void (*faxes_end)(struct media *m);     /* NULL: there never was one */
	/* trace.c */
	media_trace_fn *trace_fn;       /* NULL: nobody looked at packets yet */
	void *trace_arg;
};

/* What the core knows of a wire's ICE agent. */
struct core_ice {
	struct ice_own own, before;     /* before: of the last session, while a restart may be undone */
	bool restarted;
	struct ice_candidate local[ICE_MAX_CANDIDATES];
	size_t nlocal;
	bool gathered;
	enum ice_state state;
	bool relayed, v6;       /* media goes over our relay now, to an IPv6 address */
	char rufrag[ICE_CREDENTIAL_MAX + 1], rpwd[ICE_CREDENTIAL_MAX + 1];       /* of the peer, as last given; empty: none */
	char rufrag_before[ICE_CREDENTIAL_MAX + 1], rpwd_before[ICE_CREDENTIAL_MAX + 1];
};

/* A pair of ports and the sessions on it. All of them are on one thread, and move
 * together. Goes with the last session. */
struct core_wire {
	struct wire w;          /* the thread's, while it is known */
	struct media *m;
	struct core_thread *t;
	bool known;             /* a command about it was sent: the thread may have it */
	bool moving;
	bool keep_early;        /* a handshake may have begun before its thread knows it */
	uint16_t ranged;        /* its port pair is marked in m->ports; 0: not */
	struct list sessions;   /* of struct media_session, by wire_link */
	size_t nsessions;
	size_t nopen;           /* of these, not closed yet */
	/* as last handed to the thread */
	struct media_secure secure;     /* its identity is held */
	bool secure_mux;                /* it had rtcp_mux */
	struct core_ice *ice;   /* owned; what the core knows of w.ice. NULL: none */
	struct list held;       /* of struct pending, while moving */
	struct pending *arrive; /* owned; memory for the command that ends the move, while moving */
	struct list move_link;  /* core_move() */
};

/* A session's place in something that holds it on a thread: a mix. */
struct core_place {
	const struct core_thread *t;
	int (*leave)(struct media_session *s);
};

/* What a bridge takes besides two sessions. */
struct bridge_needs {
	bool any;
	bool cut;               /* packets of both sides have other lengths */
	bool rates;             /* samples of both sides have other rates */
	size_t room;            /* [bytes] of a struct smoother */
};

struct media_session {          /* obj */
	struct list link;       /* in m->sessions */
	struct media *m;        /* NULL: media is gone */
	struct core_wire *w;    /* NULL with m */
	struct list wire_link;  /* in w->sessions */
	struct stream *st;      /* the thread's; freed at EV_CLOSED */
	struct media_session *peer;     /* bridged, as the core sees it */
	struct core_place *place;       /* in a mix; NULL: in none */
	unsigned ntaps, nhooks;
	uint64_t hooked_formats;        /* bit i: hooks have states of format i */
	void (*hooks_follow)(struct media_session *s);  /* other codecs were agreed on; NULL: there never was a hook */
	struct media_hook *listening;   /* for digits and fax tones; NULL: nobody asked */
	media_event_fn *fn;
	void *arg;
	struct sa local[2];     /* of its wire */
	enum media_type type;
	bool closed;
	bool given_up;          /* its owner has closed it */
	bool added;             /* the thread knows it */
	uint64_t born_us;
	struct pending *closing;        /* owned; the memory that its close will need */
	uint32_t play_turn;     /* of the last media_play or _stop */
	uint32_t ssrc;
	char cname[17];
	/* of the last media_session_set() */
	enum format_id format;  /* sent */
	uint8_t ptime;
	enum media_dtmf dtmf;
	struct codec_prm encoder;
	uint64_t speaks;        /* bit i: format i is agreed */
	uint8_t rates;          /* bit i: one of them is decoded at the rate of kind i */
	struct bridge_needs needs;      /* of the bridge it is in */
};

/* media.c */
uint64_t core_random(struct media *m);
void core_rearm(struct media *m);                    /* the tick, on the core's own loop */
/* exchange.c */
int core_post(struct media_session *s, const struct cmd *c); /* ENOMEM, ENOBUFS, ESHUTDOWN */
/* Its last command. Cannot fail: core_closing_new() has seen to it. */
void core_close(struct media_session *s, struct stats_req *req, bool last);
int core_post_thread(struct media *m, struct core_thread *t, const struct cmd *c);   /* about no session. ENOMEM */
int core_closing_new(struct media_session *s);
/* An event that the core makes. Takes `l`, which is had beforehand, so that an
 * event that was promised comes. */
struct later *later_new(void);
void core_later(struct media_session *s, struct later *l, const struct media_event *e);
int core_add(struct media_session *s);               /* let its thread know it */
/* Takes along whom the others on this wire are bridged to. ENOMEM: they stay where
 * they are, or a bridge of another pair on the way has ended. */
int core_move(struct core_wire *w, struct core_thread *to);
/* May it not go there, because somebody on its way has a place elsewhere? `but`: that
 * session (or NULL) will have no place and no bridge then. */
bool core_is_pinned(struct core_wire *w, const struct core_thread *to, const struct media_session *but);
void core_cancel_bridge(struct media_session *s);    /* one that waits for a move */
void core_forget(struct media_session *s);           /* it is gone: its memory as well */
void core_forget_wire(struct core_wire *w);          /* so is its wire */
void core_notify(struct media *m);                   /* have events looked at soon */
void core_ring(struct core_thread *t);               /* have commands looked at now */
void core_dispatch(void *m);                         /* handle what the threads have said */
void core_handle(struct media *m, struct ev *e);
void core_flush(struct media *m, struct core_thread *t);     /* what waits for room in its queue */
void core_run_later(struct media *m);
/* session.c */
void session_event(struct media_session *s, const struct media_event *e);
void session_gone(struct media_session *s);          /* EV_CLOSED */
int session_bridge(struct media_session *a, struct media_session *b);        /* tell their thread; ENOMEM */
void session_abandon(struct media_session *s);       /* media_close(): close it without its owner */
void cfg_free(struct stream_cfg *c);
/* secure.c */
/* What is new of keys, into `c`. ENOMEM, EINVAL, EPROTO */
int secure_make(struct core_wire *w, struct stream_cfg *c);
void secure_made(struct core_wire *w, const struct media_set *set);       /* `c` is on its way */
void secure_forget(struct core_wire *w);
/* core_ice.c */
void core_ice_event(struct core_wire *w, const struct media_event *e);       /* before the session hears it */
void core_ice_free(struct core_wire *w);
/* ports.c */
int ports_bind(struct media *m, const struct sa *addr, uint16_t min, uint16_t max, int fd[2], struct sa local[2],
	       uint16_t *ranged);
void ports_release(struct media *m, uint16_t ranged);
/* play.c */
void playlist_free(struct playlist *p);

#endif
