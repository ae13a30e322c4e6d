/* media/stream.h -- inside media/: what one m= line has on its media thread. Each
 * part of struct stream is written by the file that is named with it. Which
 * packets are a stream's, and where its own go, is its wire's: media/wire.h.
 * Threads: a stream is its thread's from CMD_ADD to EV_LEFT or EV_CLOSED; before and
 * after the core's. */
#ifndef MEDIA_STREAM_H
#define MEDIA_STREAM_H

#include "media/decode.h"
#include "media/file.h"
#include "media/rate.h"
#include "media/wire.h"

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
	struct media_set set;           /* set.secure has no keys any more */
	struct srtp *srtp;              /* held; new keys of the wire. NULL: as they are */
	struct dtls *dtls[2];           /* held; new associations, as in struct wire. NULL: as they are */
	uint32_t fresh_ssrc;            /* for an SSRC whose numbers went round under the old keys */
	uint8_t cls[128];
	size_t n;
	struct stream_codec codec[];
};

struct playlist {               /* one media_play(); goes back to the core when it is over */
	struct rate_converter conv;     /* its bank is the media's */
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

/* What a bridge needs besides. Changes rates, and cuts what passes into packets of another length: bytes of the outgoing format, or
 * samples on their way to or from a codec whose packets vary. */
struct smoother {
	struct rate_converter conv;     /* its bank is the media's */
	bool cut;               /* also what needs no decoding */
	bool pcm;               /* buf has samples; else bytes */
	uint16_t n;             /* of these */
	uint16_t room;          /* [bytes] of buf */
	uint32_t ts;            /* of the next sample to come */
	_Alignas(int16_t) uint8_t buf[];
};

/* ---- streams */

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
	uint32_t before;        /* [rate] of this digit, in earlier segments */
	uint32_t sent_ms;       /* of this digit or gap */
};
struct dtmf_rx {
	bool on, has_ended;
	bool inband;            /* passed on as a tone or event of our own making */
	uint64_t heard_us;      /* since when it is heard in the sound; 0: it came as an event */
	uint8_t event;
	uint32_t ts, ended_ts, duration, rate;
	uint32_t before;        /* [rate] of the duration, in earlier segments */
	uint64_t last_us;
};

struct stream_rx {              /* stream.c */
	struct rtp_rx count;
	uint64_t last_us;       /* RTP came */
	uint8_t pt;
	bool told_first;        /* MEDIA_FIRST_PACKET */
	bool has_ssrc;          /* on a shared wire: packets of this SSRC are ours */
	uint32_t ssrc;
	uint8_t cand_n;         /* latch.c: packets in a row from the wire's candidate, */
	uint16_t cand_seq;      /* and the number of the last */
	uint64_t cand_us;       /* when the first of them came */
	struct decode_place place;
};

struct stream_tx {              /* send.c */
	uint32_t ssrc, ts;      /* ts: of the last packet sent */
	uint16_t seq;           /* of the next */
	uint8_t pt;
	uint8_t codec;          /* index of cfg->codec to make sound in */
	bool quiet;             /* the encoder left out what came before */
	/* extend.c */
	bool names;             /* packets say the stream's name, until the peer has said that it heard some */
	bool long_form;         /* of header extensions: two bytes */
	uint8_t passes;         /* those that relayed packets keep: bits of enum rtp_ext */
	uint64_t ts_us;         /* when ts was sent */
	uint64_t last_us;       /* RTP left */
	uint32_t octets;
	struct tx_map map;
	struct smoother *smooth;        /* of what goes out here; NULL: packets as they come */
};

struct stream_play {            /* source.c */
	uint64_t next_us;       /* when the next packet of our own is due, while busy */
	struct playlist *list;
	struct tone *tone;      /* held */
	struct tone_gen gen;
	bool silence;
};

struct stream_dtmf {            /* dtmf.c */
	struct dtmf_tx tx;
	struct dtmf_rx rx;
	bool hold;              /* digits are not passed to the peer */
	_Alignas(struct tone) uint8_t tone[sizeof(struct tone) + sizeof(struct tone_part)];
	struct dtmf_job own_job;        /* a digit that a bridge brings */
};

struct media_hook;
struct hook_lanes;
/* What hook_run.c does. Told with the first of them, so that nothing here calls upwards. */
struct stream_hooks_ops {
	void (*heard)(struct stream *s, const struct stream_codec *c, const struct rtp *r, uint8_t *p);      /* a packet of the peer's */
	/* A whole packet that is to leave: as hooks want it. NULL: not at all. */
	uint8_t *(*sent)(struct stream *s, uint8_t *p, size_t *n);
	void (*leave)(struct stream *s, bool closing);  /* its thread, or for good */
	void (*arrive)(struct stream *s);
};
struct stream_hooks {           /* hook_run.c */
	const struct stream_hooks_ops *ops;     /* NULL: there never was any */
	struct media_hook *first;       /* of them, in the order in which they came; NULL: none */
	struct hook_lanes *states;      /* owned; of codecs. NULL: none was needed */
	uint8_t lanes;          /* that any of them may want: bits of enum hook_lane */
};

struct stream_report {          /* report.c */
	uint64_t set_us;        /* of the last media_session_set() */
	uint64_t sent_us;       /* our last report */
	uint64_t heard_us;      /* RTCP of the peer came */
	uint64_t last_sr_us;
	uint32_t last_sr;       /* middle of the peer's last NTP time */
	uint32_t told_tx;       /* packets sent, as of our last report */
	uint32_t heard;         /* packets received, when jitter was last looked at */
	uint64_t told_us;       /* since when MEDIA_RTCP are counted, */
	uint8_t told;           /* and how many */
	bool told_timeout;
	char cname[20];
};

/* Who hears what passes a stream: a member of a mix, a tap (legs.h). */
struct stream_ear {
	const struct ear_ops *ops;
	struct stream_ear *next;        /* of the same stream */
};

struct stream {
	struct mthread *t;
	struct wire *w;
	struct stream_cfg *cfg; /* NULL until the first set */
	struct stream *peer;    /* on the same thread */
	enum media_type type;
	bool can_tx, can_rx;    /* direction and address allow it */
	bool busy;              /* its own sound or digits go out: nothing is relayed to it */
	bool echo;
	bool active;            /* in t->active */
	bool rests;             /* thread.c: as cfg->set.rest */
	uint8_t fwd[128];       /* payload type for the peer, by received one; FWD_SLOW */
	struct stream_rx rx;
	struct stream_tx tx;
	struct stream_ear *ears;        /* first of them */
	struct stream_hooks hooks;
	struct media_stats stats;       /* counters; the rest is filled on request */
	struct stream_play play;
	struct stream_dtmf dtmf;
	struct stream_report report;
	struct list link;       /* in a slot of t */
	struct list active_link;
	struct list wire_link;  /* in w->streams */
	struct media_session *session;  /* core's; the thread only hands it back */
};

/* Each function may be NULL. */
struct ear_ops {
	bool raw;               /* hears what came, before hooks have changed it */
	/* A packet was accepted: its payload of codec `c` is at p + r->at. */
	void (*heard)(struct stream *s, struct stream_ear *e, const struct stream_codec *c, const struct rtp *r,
		      const uint8_t *p);
	/* A whole RTP packet leaves. */
	void (*sent)(struct stream *s, struct stream_ear *e, const uint8_t *packet, size_t n);
	/* The stream closes, or leaves its thread: who cannot go along takes itself out. */
	void (*leave)(struct stream *s, struct stream_ear *e, bool closing);
};

static inline void ear_add(struct stream *s, struct stream_ear *e)
{
	e->next = s->ears;
	s->ears = e;
}

/* false: it is not there. `e` is compared only. */
static inline bool ear_remove(struct stream *s, const struct stream_ear *e)
{
	struct stream_ear **p = &s->ears;

	while (*p && *p != e)
		p = &(*p)->next;
	if (!*p)
		return false;
	*p = (*p)->next;
	return true;
}

uint32_t stream_rx_clock(const struct stream *s);    /* report.c: [Hz] of what comes, of what leaves */
uint32_t stream_tx_clock(struct stream *s);
void stream_wake(struct stream *s);                  /* thread.c: it has something to do by the clock */
void stream_rest(struct stream *s);                  /* thread.c: cfg->set.rest may have changed */

/* stream.c: receiving */
void stream_packet(struct stream *s, const struct rtp *r, uint8_t *p, size_t n, const struct sa *from);
void stream_udptl(struct stream *s, uint8_t *p, size_t n, const struct sa *from);
void stream_rtcp(struct wire *w, const uint8_t *p, size_t n, const struct sa *from);    /* to all that it speaks of */
void stream_apply(struct stream *s, struct stream_cfg *cfg);
/* For those who hear what passes, raw or as it goes on: the payload of codec `c`. */
void stream_frame(struct stream *s, const struct stream_codec *c, const struct rtp *r, const uint8_t *p, bool raw);
/* A packet of the peer's, to all but the raw ears. */
void stream_go_on(struct stream *s, const struct stream_codec *c, const struct rtp *r, uint8_t *p);
void stream_route(struct stream *s);                 /* recompute fwd after a change on either side */
/* send.c */
void send_packet(struct stream *s, uint8_t *p, size_t n);    /* whole RTP packet */
void send_relay(struct stream *to, struct stream *from, const struct rtp *r, uint8_t *p);
void send_sound(struct stream *s, const struct stream_codec *c, const uint8_t *p, size_t n, uint32_t ticks, bool first);
/* Time of the next packet of our own making, after what was sent before. */
void send_advance(struct stream *s, uint32_t clock);
/* extend.c: header extensions */
void extend_named(struct stream *s, bool known);     /* a new start; known: the peer has heard the name */
void extend_route(struct stream *s);                 /* what passes from its peer; after a change on either side */
/* A whole packet that leaves with the stream's name; its new place and length. */
uint8_t *extend_own(struct stream *s, uint8_t *p, size_t *n);
/* A packet `p` of `from` with our header, in buf.extended. Its length; 0: it has no extension to bring. */
size_t extend_relayed(struct stream *to, const struct stream *from, const struct rtp *r, const uint8_t *p,
		      const uint8_t head[static RTP_HEADER]);
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
void dtmf_heard(struct stream *s, bool end, char digit, unsigned ms);        /* in the sound */
void dtmf_goes_on(struct stream *s);                 /* ... is still there */
void dtmf_rx_tick(struct stream *s);
int dtmf_row(struct stream *s);                      /* of cfg->set.event, to send with; -1: none */
void dtmf_start(struct stream *s, struct dtmf_job *j);
void dtmf_stop(struct stream *s);                    /* media_dtmf_end() */
void dtmf_passed(struct stream *s);                  /* the digit that the peer was given of it ends */
void dtmf_abort(struct stream *s);                   /* give the job back unfinished */
bool dtmf_tick(struct stream *s, unsigned ms);       /* one step; false: nothing to send */
unsigned dtmf_tick_ms(struct stream *s, unsigned packet_ms);   /* how long the next step is */
/* report.c */
void report_tick(struct stream *s);                  /* about once a second */
void report_receive(struct stream *s, const struct rtcp *r, const struct sa *from);
void report_feedback(struct stream *s, const uint8_t *p, size_t n);  /* of a compound that was accepted */
void report_send(struct stream *s, bool bye);
void report_fill(struct stream *s, struct media_stats *st);

#endif
