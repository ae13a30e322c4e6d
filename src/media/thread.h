/* media/thread.h -- inside media/: what a media thread knows. A struct stream
 * belongs to its thread from CMD_ADD to EV_LEFT or EV_CLOSED; before and after
 * to the core. Fields say who else may look. Nothing here is seen outside. */
#ifndef MEDIA_THREAD_H
#define MEDIA_THREAD_H

#include "base/list.h"
#include "media/file.h"
#include "media/media.h"
#include "media/queue.h"
#include "media/rtp.h"
#include <stdatomic.h>

/* ---- what the core makes and the thread uses */

/* Class of a payload type received: below CLS_EVENT an index of cfg->codec. */
enum { CLS_EVENT = 64, CLS_CN = 128, CLS_NONE = 255 };
enum { FWD_SLOW = 255 };        /* stream.fwd: not by header alone */

struct stream_codec {
	enum format_id id;
	const struct codec *row;        /* NULL: relay only */
	void *dec, *enc;                /* states of row; owned */
	uint32_t clock;                 /* [Hz] of its timestamps; never 0 */
	uint8_t pt_rx, pt_tx;
	uint8_t ptime;                  /* [ms] as we send it: see codec_packet_ms(); never 0 */
};

struct stream_cfg {             /* one media_session_set(); the core makes and frees it */
	struct media_set set;
	uint8_t cls[128];
	size_t n;
	struct stream_codec codec[];
};

struct playlist {               /* one media_play(); goes back to the core when it is over */
	uint32_t tag;
	uint16_t missing;
	size_t n, at;           /* sounds, the one that plays */
	uint64_t pos;           /* [samples] in it */
	struct sound *sound[];  /* held */
};

enum { DTMF_MAX = 64 };
struct dtmf_job {               /* one media_dtmf_send() or _begin(); goes back as well */
	char digits[DTMF_MAX + 1];
	uint16_t ms, gap_ms;
	uint32_t tag;
	bool open;              /* until media_dtmf_end(); no MEDIA_DTMF_SENT */
};

/* Cuts what passes into packets of another length: bytes of the outgoing format. */
struct smoother {
	uint16_t n;
	uint8_t buf[RTP_MAX];
};

/* ---- streams */

struct latch {                  /* who may send to us; hardening: RTP bleed */
	struct sa source;       /* latched; unset: nobody yet */
	bool learning;          /* another may still take over */
	bool exact;             /* source is what the SDP said */
	uint64_t until_us;      /* of learning; 0: no packet yet */
	struct sa cand;         /* who is on probation */
	uint16_t cand_seq;
	uint8_t cand_n;
	struct sa rtcp;         /* where the RTCP of a source behind a NAT comes from; unset: not known */
};

struct tx_map {                 /* how a source's numbers become ours */
	const struct stream *from;      /* NULL: none; compared only */
	uint32_t ssrc;
	uint16_t seq_off;
	uint32_t in_ts, out_ts; /* a pair that belongs together */
};

enum dtmf_state { DTMF_IDLE, DTMF_EVENT, DTMF_TONE, DTMF_GAP };
struct dtmf_tx {
	struct dtmf_job *job;   /* NULL: nothing to send */
	uint8_t at;             /* in job->digits */
	uint8_t state;          /* enum dtmf_state */
	uint8_t event, pt;
	bool ending;            /* media_dtmf_end() came */
	uint32_t rate, ts;
	uint32_t sent_ms;       /* of this digit or gap */
};
struct dtmf_rx {
	bool on, has_ended;
	bool inband;            /* passed on as a tone or event of our own making */
	uint8_t event;
	uint32_t ts, ended_ts, duration, rate;
	uint64_t last_us;
};

struct mthread;
struct stream {
	struct mthread *t;
	struct stream_cfg *cfg; /* NULL until the first set */
	int fd[2];              /* RTP, RTCP: see media/wire.h */
	uint16_t port;          /* of fd[0], for the watchdog */
	enum media_type type;
	bool can_tx, can_rx;    /* direction and address allow it */
	bool busy;              /* its own sound or digits go out: nothing is relayed to it */
	bool echo, silence, dtmf_hold;
	bool active;            /* in t->active */
	bool v6;                /* its sockets are */
	bool told_first, told_timeout;
	struct stream *peer;    /* on the same thread */
	uint8_t fwd[128];       /* payload type for the peer, by received one; FWD_SLOW */
	struct latch latch;
	struct rtp_rx rx;
	uint8_t rx_pt, tx_pt, tx_codec; /* tx_codec: index of cfg->codec to make sound in */
	struct sa dst, rtcp_dst;
	uint32_t ssrc, ts;      /* ts: of the last packet sent */
	uint16_t seq;           /* of the next */
	uint64_t ts_us;         /* when ts was sent */
	struct tx_map map;
	uint64_t set_us, last_rx_us, last_tx_us, last_rtcp_us, next_us;
	uint64_t heard_rtcp_us; /* RTCP of the peer came; last_rx_us: RTP */
	struct media_stats stats;       /* counters; the rest is filled on request */
	uint32_t tx_octets, tx_reported;
	uint32_t last_sr;       /* middle of the peer's last NTP time */
	uint64_t last_sr_us;
	struct smoother *smooth;        /* of what goes out here; NULL: packets as they come */
	struct resample rs;
	struct playlist *play;
	struct tone *tone;      /* held */
	struct tone_gen gen;
	struct dtmf_tx dtx;
	struct dtmf_rx drx;
	_Alignas(struct tone) uint8_t dtmf_tone[sizeof(struct tone) + sizeof(struct tone_part)];
	struct dtmf_job own_job;        /* a digit that a bridge brings */
	char cname[20];
	struct list link;       /* in a slot of t */
	struct list active_link;
	struct media_session *session;  /* core's; the thread only hands it back */
};

/* ---- between core and thread */

enum cmd_type {
	CMD_ADD /* v: drop what has come */, CMD_LEAVE, CMD_CLOSE /* p: struct stats_req or NULL; v: it was never added */, CMD_CFG /* p */, CMD_BRIDGE /* peer, p and q: smoothers or NULL */,
	CMD_UNBRIDGE, CMD_ECHO /* v */, CMD_PLAY /* p */, CMD_PLAY_STOP, CMD_TONE /* p held or NULL */, CMD_SILENCE /* v */,
	CMD_DTMF /* p */, CMD_DTMF_END, CMD_DTMF_HOLD /* v */, CMD_STATS /* p */
};
struct cmd {
	enum cmd_type type;
	int v;
	bool may_wait;          /* the thread need not wake for it: it does within SLOT_US */
	struct stream *s, *peer;
	void *p, *q;
};

enum ev_type {
	EV_PUBLIC, EV_PLAYED /* p: playlist */, EV_DTMF_SENT /* p: job */, EV_CFG /* p: to free */,
	EV_DROP /* p: obj */, EV_FREE /* p: heap */, EV_STATS /* p: req */, EV_LEFT, EV_CLOSED /* p: req or NULL */
};
struct ev {
	enum ev_type type;
	struct stream *s;
	void *p;
	struct media_event e;
};

struct stats_req {              /* the core's, filled by the thread */
	struct media_stats st;
	media_stats_fn *fn;
	void *arg;
};

enum { SLOTS = 10, SLOT_US = 100000, GRID_US = 10000 };
enum { PKT_MAX = 2048 };

struct mthread {
	/* constant while it runs */
	const struct clock *clock;
	const struct media_wire *wire;  /* NULL: sockets */
	bool strict;
	unsigned learn_packets;
	uint32_t learn_ms, rtcp_ms, dtmf_ms;
	void (*notify)(void *arg);      /* events are waiting; any thread */
	void (*mark)(void *arg);        /* some that may wait a little; NULL: notify for these too */
	void *notify_arg;
	int ep, wake;                   /* epoll, eventfd; -1 when there is a wire */
	struct queue *cmds, *evs;
	atomic_bool asleep, stop;
	/* for media_watch(): written by the thread, read by anybody */
	atomic_ullong began_us, turns;
	atomic_uint at;                 /* enum media_doing << 16 | port */
	/* the thread's own */
	uint64_t now_us;
	struct list slots[SLOTS], active;
	size_t nactive;
	unsigned slot;
	uint64_t slot_us;               /* when the next slot is due */
	uint64_t due_us;                /* nothing is, before this; UINT64_MAX: never */
	size_t streams;
	bool rang;                      /* events were pushed that the core must see now */
	bool left;                      /* and such as may wait: told by the next slot at the latest */
	atomic_ullong events_dropped;   /* the core reads it */
	uint8_t pkt[PKT_MAX], out[PKT_MAX];
	int16_t pcm[CODEC_MAX_SAMPLES], pcm2[CODEC_MAX_SAMPLES];
	uint8_t bytes[CODEC_MAX_SAMPLES * sizeof(int16_t)];     /* translated, before it is cut into packets */
};

/* What is being done now, and for whom. A store: once a packet is not too often. */
static inline void mthread_at(struct mthread *t, enum media_doing d, const struct stream *s)
{
	atomic_store_explicit(&t->at, (unsigned)d << 16 | (s ? s->port : 0u), memory_order_relaxed);
}

/* A turn: what a watchdog measures. `now_us` has just been read. */
static inline void mthread_began(struct mthread *t)
{
	atomic_store_explicit(&t->began_us, t->now_us ? t->now_us : 1, memory_order_relaxed);
}

static inline void mthread_ended(struct mthread *t)
{
	mthread_at(t, MEDIA_ASLEEP, NULL);
	atomic_store_explicit(&t->began_us, 0, memory_order_relaxed);
	/* One writer: no locked instruction. */
	atomic_store_explicit(&t->turns, atomic_load_explicit(&t->turns, memory_order_relaxed) + 1, memory_order_relaxed);
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
void stream_wake(struct stream *s);                  /* it has something to do by the clock */

/* stream.c: receiving */
void stream_packet(struct stream *s, uint8_t *p, size_t n, const struct sa *from);
void stream_udptl(struct stream *s, uint8_t *p, size_t n, const struct sa *from);
void stream_rtcp(struct stream *s, const uint8_t *p, size_t n, const struct sa *from);
void stream_apply(struct stream *s, struct stream_cfg *cfg);
void stream_route(struct stream *s);                 /* recompute fwd after a change on either side */
void stream_frame(struct stream *s, const struct stream_codec *c, const uint8_t *p, size_t n);
/* latch.c */
void latch_restart(struct stream *s);
bool latch_accept(struct stream *s, const struct sa *from, uint16_t seq);
bool latch_accept_rtcp(struct stream *s, const struct sa *from, const struct rtcp *r);
void stream_aim(struct stream *s);                   /* where to send now */
/* send.c */
void send_packet(struct stream *s, uint8_t *p, size_t n);    /* whole RTP packet */
void send_relay(struct stream *to, struct stream *from, const struct rtp *r, uint8_t *p);
void send_sound(struct stream *s, const struct stream_codec *c, const uint8_t *p, size_t n, uint32_t ticks, bool first);
/* Time of the next packet of our own making, after what was sent before. */
void send_advance(struct stream *s, uint32_t clock);
/* source.c: sounds of our own making */
void source_changed(struct stream *s);               /* after play, tone, silence or digits started or ended */
void source_tick(struct stream *s);
void source_play(struct stream *s, struct playlist *p);
void source_play_end(struct stream *s, int err);
void source_tone(struct stream *s, struct tone *t);
bool source_wanted(const struct stream *s);
const struct stream_codec *source_codec(struct stream *s);
void source_pcm(struct stream *s, const struct stream_codec *c, const int16_t *pcm, size_t n);
/* dtmf.c */
void dtmf_receive(struct stream *s, const struct rtp *r, uint8_t *p, uint32_t rate);
void dtmf_rx_tick(struct stream *s);
void dtmf_start(struct stream *s, struct dtmf_job *j);
void dtmf_stop(struct stream *s);                    /* media_dtmf_end() */
void dtmf_passed(struct stream *s);                  /* the digit that the peer was given of it ends */
void dtmf_abort(struct stream *s);                   /* give the job back unfinished */
bool dtmf_tick(struct stream *s, unsigned ms);       /* one step; false: nothing to send */
unsigned dtmf_tick_ms(struct stream *s, unsigned packet_ms);   /* how long the next step is */
/* report.c */
void report_tick(struct stream *s);                  /* about once a second */
void report_receive(struct stream *s, const struct rtcp *r);
void report_send(struct stream *s, bool bye);
void report_fill(struct stream *s, struct media_stats *st);

#endif
