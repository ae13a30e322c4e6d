/* sdp/negotiate.h -- offer and answer (RFC 3264) for one SIP session: which
 * streams, which codecs under which numbers, in which direction. Pure: it opens
 * no ports. The way to use it:
 *
 *   we answer:  neg_offer_in(n, sdp, local)   which streams go on, with what
 *               the caller opens ports for the active ones (neg_port_set), sets stream->local,
 *               decides direction with neg_hold()
 *               neg_answer_out(n, buf)         writes; streams are now in force
 *   we offer:   neg_stream_add() or neg_stream_set() for what we want, ports opened
 *               neg_offer_out(n, buf)
 *               neg_answer_in(n, sdp)          streams are now in force
 *               neg_rollback(n)                the offer was refused (488, 491, CANCEL)
 *
 * Numbers stay with their formats for the whole session (RFC 3264 section 8.3.2).
 * Encryption: what an endpoint wants stands in neg_prm, what was agreed in stream->secure.
 * Keys of ours come from the caller's neg_prm.random.
 * Later: ICE candidates are attributes that the caller adds to a stream (neg_attr_add)
 * and reads from stream->remote.
 * Threads: core; an object has one owner. */
#ifndef SDP_NEGOTIATE_H
#define SDP_NEGOTIATE_H

#include "base/text.h"
#include "sdp/opus.h"
#include "sdp/crypto.h"
#include "sdp/rtp_ext.h"
#include "sdp/sdp.h"
#include "sdp/t38.h"

struct neg;                             /* obj */

/* What the endpoint says; copied. */
struct neg_prm {
	struct str owner;               /* o=; empty: "-" */
	struct str session;             /* s=; empty: "-" */
	uint64_t id;                    /* of o=; 0: drawn at random. Only neg_new() looks */
	struct formats formats;         /* of all types, in order */
	struct format_pref pref_in;     /* how our formats and an offer's make the answer */
	uint8_t max_audio, max_video;   /* streams accepted in an offer; image: 1, text: none */
	bool telephone_event;           /* dtmf_mode rfc4733, auto, auto_info */
	bool use_ptime;                 /* follow the peer's a=ptime */
	bool use_avpf, force_avp;       /* profile we demand and write */
	bool use_received_transport;    /* take any profile and repeat it */
	bool savp;                      /* media_encryption=sdes: RTP/SAVP */
	bool dtls;                      /* media_encryption=dtls: UDP/TLS/RTP/SAVP */
	bool optimistic;                /* media_encryption_optimistic: either will do */
	bool mediasec;                  /* SDES: say a=3ge2ae:requested (3GPP TS 24.229) */
	bool srtp_tag_32;               /* offer the suites with a short tag first */
	int (*random)(uint8_t *p, size_t n);    /* makes keys; 0 or errno. NULL: no SDES */
	enum crypto_setup setup;        /* DTLS: the role that we would like */
	struct crypto_fingerprint fingerprint;  /* of our certificate; none: no DTLS */
	bool rtcp_mux;                  /* say a=rtcp-mux, and take it */
	bool bundle;                    /* say a=group:BUNDLE and a=mid, and take them */
	bool compact;                   /* no rtpmap for static numbers (RFC 3551), as Asterisk with compact_headers */
	bool g726_swapped;              /* g726_non_standard */
	bool t38;                       /* image streams (udptl t38) are taken */
	struct opus_fmtp opus;          /* what we say of Opus; zeroed: nothing */
};

/* a=rtcp-fb (RFC 4585, 5104) that can be passed on between two legs. */
enum neg_feedback { NEG_NACK, NEG_PLI, NEG_FIR, NEG_REMB, NEG_TRANSPORT_CC, NEG_FEEDBACKS };
enum {
	NEG_FEEDBACK_ALL = (1 << NEG_FEEDBACKS) - 1,
	/* What does no harm when there is nobody to pass it to: who counts on transport-cc and hears nothing slows down. */
	NEG_FEEDBACK_ALONE = NEG_FEEDBACK_ALL & ~(1 << NEG_TRANSPORT_CC),
	NEG_EXTS_ALONE = RTP_EXT_ALL & ~(1 << RTP_EXT_TRANSPORT_CC)
};

struct neg_codec {
	uint8_t id;             /* enum format_id */
	uint8_t pt_rx;          /* they send it to us under this number: our SDP's */
	uint8_t pt_tx;          /* we send it under this one: their SDP's */
	uint8_t ptime;          /* [ms] to send with */
	uint8_t feedback;       /* of video: bits (1 << enum neg_feedback) that both can */
	struct text fmtp;       /* parameters the peer gave; to send within */
};
struct neg_event {              /* telephone-event at one clock rate */
	uint32_t rate;
	uint8_t pt_rx, pt_tx;   /* pt_tx 255: the peer did not name this rate */
};

enum { NEG_MAX_CODECS = FORMATS, NEG_MAX_EVENTS = 5, NEG_MID_MAX = 32, NEG_CNAME_MAX = 24 };

enum neg_secure_mode { NEG_CLEAR, NEG_SDES, NEG_DTLS };
struct neg_secure {             /* how a stream is encrypted, as in force */
	enum neg_secure_mode mode;
	struct crypto_line ours, theirs;        /* SDES: what we send with, and they */
	enum crypto_setup setup;                /* DTLS: our role, never SETUP_ACTPASS */
	struct crypto_fingerprint fingerprint;  /* DTLS: theirs */
};

struct neg_stream {
	enum media_type type;
	bool active;            /* false: declined or removed; port 0 is written */
	struct sa local;        /* where we receive; caller sets (port; address for c=) */
	struct sa local_rtcp;   /* unset: local's port + 1, nothing written */
	struct sa remote, remote_rtcp;  /* where we send; remote unset or 0.0.0.0: nowhere */
	enum sdp_dir want;      /* caller: the most we would do (video passed one way); sendrecv */
	enum sdp_dir dir;       /* ours, as in force: what we may send and receive */
	bool remote_hold;       /* the peer said sendonly, inactive or c=0.0.0.0 */
	bool local_hold;
	enum sdp_proto proto;
	struct neg_codec *codecs;       /* best first; codecs[0] is what we send */
	size_t ncodecs;
	struct neg_event events[NEG_MAX_EVENTS];        /* [0] is what we send with */
	size_t nevents;
	uint8_t ptime;          /* [ms] of codecs[0]; 0: none */
	bool rtcp_mux;
	struct neg_secure secure;
	struct text mid;
	uint8_t ext[RTP_EXTS];  /* numbers of the header extensions that both have; 0: none */
	int bundled_in;         /* BUNDLE: the stream (the tagged one) whose port it shares; -1: its own */
	struct formats wanted;  /* what we offer on this stream */
	struct sdp_t38 t38;     /* caller: what our SDPs say of an image stream */
	/* caller: the most that our next SDP says of video, bits of enum neg_feedback and of enum
	 * rtp_ext: what the other leg has as well; NEG_FEEDBACK_ALONE, NEG_EXTS_ALONE */
	uint8_t feedback, exts;
	uint32_t ssrc;          /* caller: for a=ssrc where there is BUNDLE; 0: none */
	char cname[NEG_CNAME_MAX];
	const struct sdp_media *media;  /* view into neg_remote(): the peer's m= line, NULL: none yet */
	void *port;             /* held obj: the caller's, where it receives; neg_port_set() */
};

int neg_new(struct neg **out, const struct neg_prm *prm);
/* Another configuration from the next offer or answer on. */
void neg_set(struct neg *n, const struct neg_prm *prm);
size_t neg_count(const struct neg *n);
struct neg_stream *neg_stream(struct neg *n, size_t i);      /* NULL: no such */
struct neg_stream *neg_first(struct neg *n, enum media_type t);      /* first active of that type */
const struct sdp *neg_remote(const struct neg *n);           /* last SDP of the peer; NULL */
struct str neg_local_text(const struct neg *n);              /* last SDP of ours; empty */

/* Will our next SDP, the answer that is due or an offer, have this stream? One with
 * bundled_in shares the port of that one, and needs a place on it. */
bool neg_needs_port(const struct neg *n, size_t i);
/* The caller's port of stream i: takes over the reference. Each stream of the state
 * in force and of the one that a rollback would put back holds its port, so it
 * is freed with the last stream that could still use it. NULL: closes it. */
void neg_port_set(struct neg *n, size_t i, void *port);
/* The ports of streams that are not in force. */
void neg_ports_close_unused(struct neg *n);
/* All of them: the session is over. */
void neg_ports_close(struct neg *n);

/* The verdict on an offer or an answer, for the caller's 488 and its log. */
enum neg_verdict {
	NEG_OK,
	NEG_NO_STREAM,          /* nothing in common: every stream is declined */
	NEG_PROFILE,            /* RTP/AVP where AVPF or encryption is demanded, SAVP where it is not, ... */
	NEG_ADDRESS,            /* c= missing or not an address of ours' kind */
	NEG_SHAPE,              /* answer has other m= lines than the offer */
	NEG_KEYS                /* a=crypto, a=fingerprint or a=setup that cannot be used */
};
const char *neg_verdict_text(enum neg_verdict v);
/* The same for the last verdict of `n`: NEG_KEYS says which line is at fault, and how. */
const char *neg_why(const struct neg *n, enum neg_verdict v);

/* Take a peer's offer. ENOMEM; EPROTO with *why. On EPROTO nothing in force
 * changes; EBUSY while an offer of ours is out (491). A stream that cannot be taken becomes inactive in its place; the
 * whole is refused only when none is left (as Asterisk does). `narrow`: only
 * these formats of ours (PJSIP_MEDIA_OFFER, direct media), NULL: the endpoint's. */
int neg_offer_in(struct neg *n, const struct sdp *offer, const struct formats *narrow, enum neg_verdict *why);
/* Write the answer to it. */
int neg_answer_out(struct neg *n, struct buf *b);

/* Before an offer of ours: a further stream. *i is its place. ENOSPC. */
int neg_stream_add(struct neg *n, enum media_type type, const struct formats *wanted, size_t *i);
/* Change what stream i offers; active false removes it. */
void neg_stream_set(struct neg *n, size_t i, const struct formats *wanted, bool active);
/* Another stream in the place of i, of another type perhaps (RFC 3264 section 8.3.3): a call turns into a fax
 * call and back. EINVAL no such place; ENOMEM. */
int neg_stream_replace(struct neg *n, size_t i, enum media_type type, const struct formats *wanted);
/* Put it on hold (sendonly, inactive) or take it off in the next SDP. */
void neg_hold(struct neg *n, size_t i, bool hold);
/* A further a= line in every SDP of this stream ("crypto", "1 AES_CM..."), until neg_attrs_clear(). */
int neg_attr_add(struct neg *n, size_t i, struct str name, struct str value);
void neg_attrs_clear(struct neg *n, size_t i);
/* What our offers say of a format ("profile-level-id=42e01f"); empty: nothing.
 * An answer repeats what the peer said, as we pass such media on untouched. */
int neg_fmtp_set(struct neg *n, size_t i, enum format_id id, struct str fmtp);
/* The same before an answer: of several descriptions that the peer offers of this format the one that
 * goes with `fmtp` is taken. */
int neg_fmtp_follow(struct neg *n, size_t i, enum format_id id, struct str fmtp);
int neg_offer_out(struct neg *n, struct buf *b);
/* Also for further answers to the same offer (forks, 183 then 200 with other
 * SDP): each is judged by the offer, and holds. On EPROTO as neg_rollback(). */
int neg_answer_in(struct neg *n, const struct sdp *answer, enum neg_verdict *why);
/* The offer under way came to nothing, and no further answer to it will be taken:
 * what was in force before it is again, and what it opened is closed. */
void neg_rollback(struct neg *n);
bool neg_offer_pending(const struct neg *n);
/* No further answer to our last offer will come: ports that only such a one could need are closed. */
void neg_answer_settled(struct neg *n);

/* "a=group:BUNDLE a v": our groups, as in force (`answer`) or as our next offer has them. */
void neg_write_group(struct buf *b, const struct neg *n, bool answer);
/* The codecs in force of all active streams, in order: the channel's formats. */
void neg_formats(const struct neg *n, struct formats *out);

#endif
