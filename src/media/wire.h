/* media/wire.h -- inside media/: a pair of places (RTP, RTCP) and what stands
 * between them and RTP: steps that open and seal datagrams, whose packets are taken
 * (the latch), where ours go, and which of its streams a packet is for.
 * Threads: a wire is its media thread's from the first CMD_ADD on, and from
 * CMD_ARRIVE to EV_LEFT; otherwise the core's. */
#ifndef MEDIA_WIRE_H
#define MEDIA_WIRE_H

#include "base/list.h"
#include "media/place.h"
#include "media/rtp.h"

struct dtls;
struct dtls_owner;
struct mthread;
struct srtp;
struct stream;
struct stream_cfg;
struct wire;

/* Who may send to us: against strangers who take over or listen to a call. */
struct latch {
	struct sa source;       /* latched; unset: nobody yet */
	bool learning;          /* another may still take over */
	bool exact;             /* source is what the SDP said */
	uint64_t until_us;      /* of learning; 0: no packet yet */
	uint64_t heard_us;      /* last RTP that was taken */
	struct sa cand;         /* who is on probation; unset: nobody */
	struct sa rtcp;         /* where the RTCP of a source behind a NAT comes from; unset: not known */
};

/* ---- steps */

enum wire_verdict {
	WIRE_PASS,      /* on to the next step */
	WIRE_TAKEN,     /* it was for this step: a handshake, a check */
	WIRE_BAD        /* refused: dropped and counted */
};

enum { WIRE_DATAGRAM = 2048 };  /* the longest, sealed or not */
#define WIRE_KIND(k) (1u << (k))

/* SRTP, DTLS, ICE and their like are rows of this. Their state is in struct wire. */
struct wire_step {
	const char *name;
	unsigned takes;         /* WIRE_KIND() of each enum rtp_kind that it sees, by the bytes on its socket side */
	/* A datagram came: `*n` bytes at `p`, which may be changed; never longer than it was. */
	enum wire_verdict (*recv)(struct wire *w, uint8_t *p, size_t *n, const struct sa *from);
	/* One leaves: `*n` bytes at `p`, with room for `max`. false: it must not leave. */
	bool (*send)(struct wire *w, uint8_t *p, size_t *n, size_t max);
};

/* What stands between the sockets and the steps, and decides where datagrams go: ICE. Its state begins with
 * a pointer to this row. */
struct wire_ice_ops {
	void (*arrive)(struct wire *w);         /* the wire has come to a thread */
	void (*leave)(struct wire *w);          /* and goes from it */
	void (*shut)(struct wire *w);           /* its places are about to be closed */
	/* A datagram came. true: it is media of a checked pair; `*from` is the peer then. */
	bool (*in)(struct wire *w, bool rtcp, uint8_t *p, size_t *n, struct sa *from);
	/* It leaves, sealed already. */
	bool (*out)(struct wire *w, bool rtcp, uint8_t *p, size_t n, size_t max);
};
struct wire_ice {               /* obj; wire_ice.c has the rest of it */
	const struct wire_ice_ops *ops;
	struct sa dst[2];               /* where RTP and RTCP go; unset: nowhere */
};

/* ---- wires */

/* Numbers of transport-cc that it sends: those of one other wire at a time (extend.c). */
struct wire_cc {
	const struct wire *from;        /* NULL: none yet; compared only */
	uint16_t off;           /* ours is theirs plus this */
	uint16_t next;          /* of ours */
	uint64_t last_us;
};

struct wire {
	struct mthread *t;      /* NULL: no thread has it */
	const struct wire_step *const *steps;   /* from the socket up, ended by NULL; NULL: plain */
	enum media_secure_mode secure;  /* what the steps are for */
	/* Held. [1] is RTCP's own, with DTLS and without rtcp-mux (RFC 5764 section 4.1.2);
	 * else [0] serves both. */
	struct srtp *srtp[2];   /* NULL: plain, or no keys yet (srtp.h) */
	struct dtls *dtls[2];   /* NULL: no DTLS (dtls.h) */
	bool at_rtcp;           /* what the steps see came to place[1] */
	struct wire_ice *ice;   /* held; before the steps on the way in. NULL: no ICE (wire_ice.h) */
	struct stream *only;    /* its stream when there is one, so that it need not be chosen */
	const struct media_net *net;    /* NULL: sockets */
	int place[2];           /* RTP, RTCP; -1: none, as UDPTL has only one */
	uint16_t port;          /* of place[0], for the watchdog */
	bool v6;                /* its sockets are */
	bool udptl;             /* carries no RTP: datagrams of T.38 */
	bool shared;            /* has or had more than one stream */
	struct sa dst, rtcp_dst;        /* where we send now; unset: nowhere */
	struct latch latch;
	/* what the SDP says of it; see wire_set() */
	bool told, symmetric, rtcp_mux;
	struct sa remote, remote_rtcp;
	uint64_t dropped_bad;   /* no stream's: junk, or not to be told whose */
	uint64_t dropped_source;        /* whose sender is not the one */
	struct wire_cc cc;
	struct list streams;    /* of struct stream, by wire_link */
	size_t nstreams;
};

void wire_init(struct wire *w, const struct media_net *net, const int place[2], const struct sa *local);
/* The places go back; it is on no thread any more. */
void wire_shut(struct wire *w);
void wire_attach(struct wire *w, struct stream *s);
void wire_detach(struct wire *w, struct stream *s);
/* Have the epoll of `t` tell of both places, and no longer. */
void wire_watch(struct wire *w, struct mthread *t);
void wire_unwatch(struct wire *w);
/* Throw away what lies unread at the RTP place. */
void wire_drain(struct wire *w);
/* epoll says that one of its places has something: take one datagram. */
void wire_readable(struct wire *w, bool rtcp);
/* It soon will: have its memory fetched, and one datagram later what it leads to. */
static inline void wire_prefetch(const struct wire *w)
{
	for (size_t i = 0; i < sizeof(*w); i += 64)
		__builtin_prefetch((const char *)w + i);
}
void wire_expect(const struct wire *w);
/* A datagram of `n` bytes has come. It lies in the thread's buf.pkt, which is written to. */
void wire_arrived(struct wire *w, bool rtcp, size_t n, const struct sa *from);
/* The same, of a peer that ICE has checked, whichever way it came. */
void wire_checked(struct wire *w, bool rtcp, size_t n, const struct sa *from);
/* Whose packet is this, when there are several streams? NULL: nobody's. `p` is the
 * packet that `r` was read from. */
struct stream *wire_choose(const struct wire *w, const struct rtp *r, const uint8_t *p);

bool wire_send_steps(struct wire *w, bool rtcp, const struct sa *to, const uint8_t *p, size_t n);
/* From its RTP or RTCP place; false: it did not leave. */
static inline bool wire_send(struct wire *w, bool rtcp, const struct sa *to, const uint8_t *p, size_t n)
{
	if (__builtin_expect(w->steps != NULL || w->ice != NULL, 0))
		return wire_send_steps(w, rtcp, to, p, n);
	return place_send(w->net, w->place[rtcp], to, p, n);
}

/* ---- latch.c */

/* What one session's SDP says of the wire: the last one that names an address holds. */
void wire_set(struct wire *w, const struct media_set *set);
/* How it is encrypted from now on, by what the core made for `cfg`: steps and keys. */
void wire_secure(struct stream *s, struct stream_cfg *cfg);
void wire_fit_family(const struct wire *w, struct sa *a);    /* as its sockets know the address */
extern const struct dtls_owner wire_dtls_owner;      /* how an association reaches its wire (dtls.h) */
/* May `from` speak for the peer, as the SDP or the latch have it? */
bool wire_is_peer(const struct wire *w, bool rtcp, const struct sa *from);
void wire_aim(struct wire *w);  /* where to send now, and which of its streams may */
/* RTP from there will not be taken, whatever it is. */
bool latch_is_shut(const struct wire *w, const struct sa *from);
bool latch_accept(struct stream *s, const struct sa *from, uint16_t seq);
bool latch_accept_rtcp(struct wire *w, const struct sa *from, const struct rtcp *r);

#endif
