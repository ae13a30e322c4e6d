/* media/thread.h -- inside media/: a media thread, and what it and the core say to
 * each other. What it works on: media/wire.h, media/stream.h. */
#ifndef MEDIA_THREAD_H
#define MEDIA_THREAD_H

#include "media/queue.h"
#include "media/stream.h"
#include <stdatomic.h>

/* ---- between core and thread */

enum cmd_type {
	CMD_ADD /* v: drop what has come */, CMD_CLOSE /* p: struct stats_req or NULL; v: enum close_how */,
	CMD_LEAVE, CMD_ARRIVE /* these two: w with all its streams; no s */,
	CMD_CFG /* p */, CMD_BRIDGE /* peer, p and q: smoothers or NULL */,
	CMD_UNBRIDGE, CMD_ECHO /* v */, CMD_PLAY /* p */, CMD_PLAY_STOP, CMD_TONE /* p held or NULL */, CMD_SILENCE /* v */,
	CMD_DTMF /* p */, CMD_DTMF_END, CMD_DTMF_HOLD /* v */, CMD_STATS /* p */,
	CMD_RUN /* p: struct run */, CMD_TRACE /* p: struct trace_job; no s, no w */
};
enum close_how {
	CLOSE_UNKNOWN = 1,      /* the thread never heard of it */
	CLOSE_LAST = 2          /* nobody else is on its wire: the places go as well */
};
struct cmd {
	enum cmd_type type;
	int v;
	bool may_wait;          /* the thread need not wake for it: it does within SLOT_US */
	struct wire *w;         /* of s */
	struct stream *s, *peer;
	void *p, *q;
};

enum ev_type {
	EV_PUBLIC, EV_PLAYED /* p: playlist */, EV_DTMF_SENT /* p: job */, EV_CFG /* p: to free */,
	EV_DROP /* p: obj */, EV_FREE /* p: heap */, EV_STATS /* p: req */, EV_LEFT /* p: wire; no s */, EV_CLOSED /* p: req or NULL */,
	EV_RUN /* p: struct run */
};
struct ev {
	enum ev_type type;
	struct stream *s;
	void *p;
	struct media_event e;
};

/* A command of its own kind, with its memory: `fn` runs on the stream's thread and sees
 * to it that EV_RUN brings `r` back, at once or later; then, or when the command is
 * discarded, the core calls `back`. */
struct run {
	void (*fn)(struct stream *s, struct run *r);
	void (*back)(struct run *r);
};

struct stats_req {              /* the core's, filled by the thread */
	struct media_stats st;
	media_stats_fn *fn;
	void *arg;
};

enum { SLOTS = 10, SLOT_US = 100000, GRID_US = 10000 };

/* What else happens by the clock: a mix. The thread calls tick() when next_us has come;
 * tick() sets it on. */
struct ticker {
	struct list link;       /* in t->tickers */
	uint64_t next_us;
	size_t (*tick)(struct ticker *k);       /* how many streams it served */
	const struct wire *w;   /* one that it serves, for the watchdog */
};

/* What else the epoll tells of, beside places: a connection. Its address, marked, is epoll's word for it. */
struct watched {
	void (*ready)(struct watched *w, uint32_t events);
};
enum { WATCHED = 2 };           /* bit of the word; bit 0 is RTCP's of a wire, 0 as a whole the thread's own */
static inline uint64_t watched_mark(const struct watched *w) { return (uintptr_t)w | WATCHED; }

struct mthread_prm {            /* constant while it runs */
	const struct clock *clock;
	const struct media_net *net;    /* NULL: sockets */
	bool strict;
	bool strict_time;
	unsigned learn_packets;
	uint32_t learn_ms, rtcp_ms, dtmf_ms;
	void (*notify)(void *arg);      /* events are waiting; any thread */
	void (*mark)(void *arg);        /* some that may wait a little; NULL: notify for these too */
	void *notify_arg;
};

struct mthread_seen {           /* for media_watch(): written by the thread, read by anybody */
	atomic_ullong began_us, turns;
	atomic_uint at;                 /* enum media_doing << 16 | port */
};

struct mthread_buf {            /* what one packet needs while it is worked on */
	/* Aligned: libsrtp2 looks at headers in words. */
	_Alignas(8) uint8_t pkt[WIRE_DATAGRAM];
	_Alignas(8) uint8_t out[WIRE_DATAGRAM];
	_Alignas(8) uint8_t extended[WIRE_DATAGRAM];    /* with header extensions of ours */
	_Alignas(8) uint8_t sealed[WIRE_DATAGRAM];      /* what leaves by a wire with steps */
	_Alignas(8) uint8_t hooked[3][WIRE_DATAGRAM];   /* what hooks have changed, by enum hook_lane */
	int16_t pcm[CODEC_MAX_SAMPLES], pcm2[CODEC_MAX_SAMPLES];
	int16_t hook_pcm[CODEC_MAX_SAMPLES];    /* what they hear: the others may be in use around it */
	uint8_t bytes[CODEC_MAX_SAMPLES * sizeof(int16_t)];     /* translated, before it is cut into packets */
};

struct tracer;

struct mthread {
	struct mthread_prm prm;
	int ep, wake;                   /* epoll, eventfd; -1 with a media_net */
	struct queue *cmds, *evs;
	atomic_bool asleep, stop;
	struct mthread_seen seen;
	/* the thread's own */
	uint64_t now_us;
	struct tracer *trace;           /* trace.h; NULL: nobody looks at packets */
	bool reports;                   /* somebody wants MEDIA_RTCP */
	struct list slots[SLOTS + 1], active;   /* the last: of streams that rest, never looked at by the clock */
	struct list tickers;            /* of struct ticker */
	size_t nactive;
	unsigned slot;
	uint64_t slot_us;               /* when the next slot is due */
	uint64_t due_us;                /* nothing is, before this; UINT64_MAX: never */
	size_t streams;
	uint64_t dtls_turn;             /* dtls.c: the turn that dtls_left is of, */
	unsigned dtls_left;             /* and the steps of handshakes that it may still do */
	uint64_t dtls_guests_us;        /* strangers' handshakes rest until then */
	bool rang;                      /* events were pushed that the core must see now */
	bool left;                      /* and such as may wait: told by the next slot at the latest */
	atomic_ullong events_dropped;   /* the core reads it */
	struct mthread_buf buf;
};

/* What is being done now, and for whom. A store: once a packet is not too often. */
static inline void mthread_at(struct mthread *t, enum media_doing d, const struct wire *w)
{
	atomic_store_explicit(&t->seen.at, (unsigned)d << 16 | (w ? w->port : 0u), memory_order_relaxed);
}

/* A turn: what a watchdog measures. `now_us` has just been read. */
static inline void mthread_began(struct mthread *t)
{
	atomic_store_explicit(&t->seen.began_us, t->now_us ? t->now_us : 1, memory_order_relaxed);
}

static inline void mthread_ended(struct mthread *t)
{
	mthread_at(t, MEDIA_ASLEEP, NULL);
	atomic_store_explicit(&t->seen.began_us, 0, memory_order_relaxed);
	/* One writer: no locked instruction. */
	atomic_store_explicit(&t->seen.turns, atomic_load_explicit(&t->seen.turns, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* thread.c */
int mthread_init(struct mthread *t);                 /* fds and queues; the constants are set before */
void mthread_free(struct mthread *t);
void mthread_turn(struct mthread *t, int max_wait_ms);       /* one epoll_wait and all that follows */
int mthread_wait_ms(struct mthread *t);              /* until the next tick; -1: for ever */
void mthread_main(void *t);                          /* turns until t->stop */
void mthread_cmd(struct mthread *t, const struct cmd *c);    /* run one (on its thread) */
void mthread_now(struct mthread *t);                 /* read the clock */
void mthread_tell(struct mthread *t, bool all);      /* the core of what was pushed; all: of what may wait too */
void mthread_event(struct stream *s, const struct media_event *e);   /* may be dropped and counted */
void mthread_give(struct mthread *t, enum ev_type type, struct stream *s, void *p, int err); /* never lost */

#endif
