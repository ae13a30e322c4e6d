/* media/trace.h -- packets on their way through the media threads, shown to whoever looks for a fault.
 * A thread copies what it is asked for into a ring of its own and waits for nobody: what finds no
 * room, or is more than MEDIA_TRACE_RATE a second, is counted. While nobody looks a packet pays one
 * branch. Threads: core, but for the second part. */
#ifndef MEDIA_TRACE_H
#define MEDIA_TRACE_H

#include "media/media.h"

enum media_trace_kind { MEDIA_TRACE_RTP, MEDIA_TRACE_RTCP, MEDIA_TRACE_STUN, MEDIA_TRACE_DTLS, MEDIA_TRACE_UDPTL };
#define MEDIA_TRACE_BIT(k) (1u << (k))
enum { MEDIA_TRACE_RATE = 2000 /* [packets/s] of a thread */, MEDIA_TRACE_BYTES = 400 };

struct media_trace {            /* one datagram, decrypted */
	uint8_t kind;           /* enum media_trace_kind */
	bool out, ice, event;   /* event: RTP of a digit */
	struct sa peer;
	struct rtp rtp;         /* of RTP */
	uint32_t clock;         /* [Hz] RTCP: of the jitter in it */
	float rtt, mes;         /* RTCP that came: as it made them */
	uint16_t n, kept;       /* [bytes] of the datagram, of these here */
	uint8_t p[MEDIA_TRACE_BYTES];
};

struct media_trace_rule {
	unsigned kinds;         /* MEDIA_TRACE_BIT() of each; 0: nobody looks */
	bool reports;           /* MEDIA_RTCP events */
	/* Only packets from and to there; port 0: any. Unset: all. */
	struct sa rtp, rtcp, udptl;
};

/* `t` NULL: `lost` packets more than before were not shown. */
typedef void media_trace_fn(void *arg, const struct media_trace *t, uint64_t lost);
/* The rule from now on, for all threads; `fn` is called on the core. ENOMEM: as it was. */
int media_trace(struct media *m, const struct media_trace_rule *rule, media_trace_fn *fn, void *arg);

/* The lines about one packet, in Asterisk's words, each ended by '\n'. Pure. */
void media_trace_write(struct buf *out, const struct media_trace *t);

/* ---- inside media/ */

struct mthread;
struct stream;
struct tracer;
struct wire;

/* On the thread, when t->trace says that somebody looks. */
void trace_rtp(struct stream *s, bool out, const struct sa *peer, const uint8_t *p, size_t n);
void trace_rtcp(struct stream *s, bool out, const struct sa *peer, const uint8_t *p, size_t n, uint32_t clock);
void trace_udptl(struct stream *s, bool out, const struct sa *peer, const uint8_t *p, size_t n);
void trace_raw(struct mthread *t, enum media_trace_kind k, bool out, const struct sa *peer, const uint8_t *p, size_t n);
struct trace_job {
	struct tracer *tr;
	struct media_trace_rule rule;
};
void trace_apply(struct mthread *t, const struct trace_job *j);      /* CMD_TRACE */
/* The core's. */
void trace_drain(struct media *m);
struct tracer *tracer_new(void);     /* NULL: ENOMEM */
void tracer_free(struct tracer *tr);

#endif
