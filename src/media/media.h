/* media/media.h -- RTP for the core: sessions, what they play, who hears whom.
 * A session is one RTP stream of one leg (an m= line). Its packets live on a
 * media thread; the core sends commands down a ring and gets events back by
 * one. Both legs of a bridge are brought to the same thread, so a relayed
 * packet meets no lock, no queue and no allocation.
 * Threads: every function here is the core's; nothing blocks.
 * Errors:  ENOBUFS the command ring is full (the thread is stuck or swamped);
 *          ESHUTDOWN the session is closed. A close never fails.
 * SRTP and DTLS are steps of a wire (media/wire.h): what media_set.secure says.
 * Rooms kept: ICE is a further step; video is
 * relayed by payload type as it is, UDPTL (a session whose type is MEDIA_IMAGE)
 * datagram by datagram, both between two sessions of that type; a T.38 gateway is a
 * later source. Mixes and taps: media/mixer.h.
 * See docs/media.md. */
#ifndef MEDIA_MEDIA_H
#define MEDIA_MEDIA_H

#include "media/codec.h"
#include "media/detect.h"
#include "media/quality.h"
#include "media/rtp.h"
#include "media/tone.h"
#include "net/address.h"
#include "net/loop.h"
#include "sdp/crypto.h"
#include "sdp/rtp_ext.h"
#include "sdp/sdp.h"

struct dtls_identity;   /* obj; media/dtls.h */
struct media;
struct media_session;   /* obj; the owner closes, others may keep references */

/* What carries datagrams in place of sockets, for simulations: a test that has
 * its own network and its own time. A place to receive at is a number of the
 * network's choice (0 or more), as a socket is its descriptor. What arrives is handed
 * over with media_deliver(). Called on the core, from inside calls of this header:
 * none of them may call it back, so a network that joins two places keeps what is
 * sent until the next turn. */
struct media_net {
	void *arg;
	/* Port 0 in `at`: any that is free. `*bound`: `at` with that port.
	 * EADDRINUSE: taken; others end the search for a pair. */
	int (*open)(void *arg, const struct sa *at, int *place, struct sa *bound);
	void (*close)(void *arg, int place);
	int (*send)(void *arg, int place, const struct sa *to, const void *p, size_t n);     /* errno: did not leave */
};

struct media_prm {
	struct loop *core;              /* NULL: tests; events come from media_poll() */
	const struct clock *clock;      /* NULL: the loop's, or the real one */
	unsigned threads;               /* 0: on the core's loop */
	const struct media_net *net;    /* NULL: sockets. Only with threads 0; lives as long as the media */
	struct sa bind;                 /* address to bind (port ignored); unset: 0.0.0.0 */
	uint16_t port_min, port_max;    /* rtp.conf rtpstart, rtpend: 10000, 20000; both 0: the kernel's choice */
	struct str sounds;              /* directory; see media/file.h */
	size_t cache_bytes;             /* of sounds; 0: 64 MiB */
	bool strict;                    /* rtp.conf strictrtp: yes or seqno */
	bool strict_time;               /* ... yes: who is not known sends audio no faster than it is spoken */
	unsigned learn_packets;         /* rtp.conf probation: 4 */
	uint32_t learn_ms;              /* how long another source may still take over: 5000 */
	uint32_t rtcp_ms;               /* rtp.conf rtcpinterval: 5000; 0: no reports */
	bool srtp_replay;               /* rtp.conf srtpreplayprotection: drop what came before */
	unsigned dtls_mtu;              /* [bytes] rtp.conf dtls_mtu; 0: 1200 */
	bool no_checksums;              /* rtp.conf rtpchecksums=no: UDP over IPv4 leaves without a checksum */
	struct detect_prm detect;       /* dsp.conf; of sessions that begin to listen from now on */
	uint32_t dtmf_ms;               /* rtp.conf dtmftimeout turned to ms: 150 (lost end of an event) */
};

int media_new(struct media **out, const struct media_prm *prm);
/* Closes all sessions without events, stops and joins the threads. Not from
 * inside an event. */
void media_close(struct media *m);
/* New ports and directory for sessions made from now on; what threads work with needs new ones. */
void media_reload(struct media *m, const struct media_prm *prm);
/* Only with core == NULL: let packets, ticks and events happen that are due,
 * waiting at most `wait_ms` of real time for the first packet. */
void media_poll(struct media *m, int wait_ms);
/* Only with a media_net: `n` bytes from `from` have come to the place at `local`.
 * false: nobody receives there (yet, or any more), or over 2048 bytes. */
bool media_deliver(struct media *m, const struct sa *local, const struct sa *from, const void *p, size_t n);

/* ---- events, in order, on the core, never from inside a call of this header */

enum media_event_type {
	MEDIA_FIRST_PACKET,     /* after each (re)start of learning: .peer */
	MEDIA_DTMF_BEGIN,       /* .digit */
	MEDIA_DTMF_END,         /* .digit, .ms */
	MEDIA_PLAYED,           /* media_play: .err 0 to the end, ECANCELED stopped or replaced,
				 * ENOENT none of the files exists; .count played, .missing not found */
	MEDIA_TONE_DONE,        /* a tone that ends by itself did */
	MEDIA_DTMF_SENT,        /* media_dtmf_send: all out; .err ECANCELED: cut short */
	MEDIA_TIMEOUT,          /* no RTP nor RTCP for .ms (rtp_timeout); once until RTP comes again */
	MEDIA_SOURCE,           /* latched to another source: .peer */
	MEDIA_SECURE,           /* DTLS: .err 0 there are keys; EACCES the certificate is not the peer's, ETIMEDOUT
				 * nobody answers, EPROTO: no handshake; .peer with whom, .guest */
	MEDIA_RTCP,             /* a report came or left, while media_trace() asks for these: .rtcp, .peer */
	MEDIA_CNG,              /* a calling fax machine is heard: MEDIA_LISTEN_CNG */
	MEDIA_HOOK,             /* media/hooks.h: .tag, .count, .ms */
	MEDIA_TALK_BEGIN,       /* a member of a mix speaks: media/mixer.h */
	MEDIA_TALK_END,
	MEDIA_ICE,              /* media/ice_media.h has these three; they stay the last */
	MEDIA_ICE_CANDIDATE,
	MEDIA_ICE_GATHERED
};

struct media_event {
	enum media_event_type type;
	char digit;
	bool guest;             /* MEDIA_SECURE: of a handshake from elsewhere, not the peer's own */
	int err;
	uint32_t ms;
	uint32_t tag;           /* of the media_play or media_dtmf_send it answers */
	uint16_t count, missing;
	struct sa peer;
	union {
		struct {                /* of ICE */
			uint8_t state;          /* enum ice_state */
			bool nominated, relayed;
			uint8_t component, type;        /* of a candidate; its address is .peer */
			uint32_t priority;
			struct sa related;
			char foundation[12];
		} ice;
		struct {                /* a report, SR or RR */
			bool sent, sr, has_block, mux;  /* mux: by RTP's port */
			uint32_t ssrc, ntp_sec, ntp_frac, ts, packets, octets;  /* but the first: of an SR */
			struct rtcp_block block;
			float rtt, mes;         /* [s]; of the side that the block speaks of */
		} rtcp;
	};
};
typedef void media_event_fn(void *arg, struct media_session *s, const struct media_event *e);

/* ---- what a thread is at, for a watchdog */

enum media_doing { MEDIA_ASLEEP, MEDIA_PACKETS, MEDIA_COMMANDS, MEDIA_TICKS };
const char *media_doing_name(enum media_doing d);    /* "packets", ... */
struct media_watch {
	uint64_t began_us;      /* of the turn under way, by the media's clock; 0: asleep */
	enum media_doing doing;
	uint16_t port;          /* local RTP port of the stream that is being served; 0: none yet */
	uint64_t turns;         /* so far: one that goes on and on is one turn */
};
size_t media_threads(const struct media *m);         /* 1 also when it runs on the core's loop */
/* Any thread, as long as the media lives; the fields may be a few instructions
 * apart. false: there is no thread of that number. */
bool media_watch(const struct media *m, size_t thread, struct media_watch *out);

/* ---- sessions */

struct media_session_prm {
	enum media_type type;
	struct sa bind;                 /* address; unset: the media's */
	uint16_t port_min, port_max;    /* endpoint's rtp_port_start/end; 0: the media's */
	int tos, cos;                   /* [DSCP << 2], SO_PRIORITY; -1: untouched */
	bool rtcp_mux;                  /* may turn out so: the second socket is bound anyway */
	/* Share the wire of this session: its ports, thread and latch (BUNDLE). `bind`,
	 * ports, tos and cos are that one's then. The ports go back with the last. */
	struct media_session *on_wire_of;
	struct media_session *near;     /* put it on this one's thread, with its CNAME; NULL: the least loaded */
	uint32_t ssrc;                  /* ours; 0: drawn at random */
	media_event_fn *fn;             /* NULL: nobody listens yet */
	void *arg;
};
/* Binds an even RTP port and the RTCP port after it, at a random place of the
 * range. ENOBUFS none free; EADDRINUSE other programs have all that were tried,
 * the next call tries further ones; EADDRNOTAVAIL, EMFILE, ENOMEM. With on_wire_of:
 * ESHUTDOWN that session is closed, EINVAL one of them is MEDIA_IMAGE. */
int media_session_new(struct media_session **out, struct media *m, const struct media_session_prm *prm);
/* Says RTCP BYE, frees ports and sockets on its thread; no events after this
 * call. Also drops the caller's reference. By its owner, once. `done` (may be NULL) gets the last numbers, later, on the core. */
struct media_stats;
/* Once for each request that was taken. NULL: the media closes, there are none any
 * more; only what `arg` holds is to be given back. */
typedef void media_stats_fn(void *arg, const struct media_stats *st);
void media_session_close(struct media_session *s, media_stats_fn *done, void *arg);
void media_session_handler(struct media_session *s, media_event_fn *fn, void *arg);
/* Where it receives. The address is the bound one (0.0.0.0 perhaps): what goes
 * into the SDP is the caller's to choose. */
const struct sa *media_session_local(const struct media_session *s);
const struct sa *media_session_local_rtcp(const struct media_session *s);
enum media_type media_session_type(const struct media_session *s);
uint32_t media_session_ssrc(const struct media_session *s);

const char *media_session_cname(const struct media_session *s);
/* Both on one pair of ports. */
bool media_session_together(const struct media_session *a, const struct media_session *b);

enum { MEDIA_MAX_CODECS = 32, MEDIA_MAX_EVENTS = 5, MEDIA_MID_MAX = 32, MEDIA_MAX_SSRCS = 4 };

/* What is heard in the sound of the peer: digits, which are taken out of it and come and go on as digits do; the
 * tone of a calling fax machine, MEDIA_CNG. In every codec that can be decoded. */
enum media_listen { MEDIA_LISTEN_DIGITS = 1, MEDIA_LISTEN_CNG = 2 };
enum media_dtmf { MEDIA_DTMF_RFC4733, MEDIA_DTMF_INBAND, MEDIA_DTMF_NONE };

struct media_codec {
	uint8_t id;             /* enum format_id */
	uint8_t pt_rx, pt_tx;
	uint8_t ptime;          /* [ms] to send, as near as the codec can: see codec_packet_ms(); 0: the format's */
};

/* The ciphers' self-tests take 25 ms, once: at a moment that suits, or else when the first
 * session is encrypted. EPROTO: they fail. */
int media_secure_prepare(struct media *m);

/* How the wire is encrypted. What was agreed again as it was keeps its keys and counts. */
enum media_secure_mode { MEDIA_CLEAR, MEDIA_SDES, MEDIA_DTLS };
struct media_secure {
	enum media_secure_mode mode;
	struct crypto_line tx, rx;      /* SDES: what we send with, what the peer does */
	struct dtls_identity *identity; /* DTLS: ours; held by what the session makes of it */
	struct crypto_fingerprint fingerprint;  /* DTLS: of the peer's certificate */
	enum crypto_setup setup;        /* DTLS: our role */
};

/* All that the SDP in force says: struct neg_stream has it field for field. */
struct media_set {
	struct sa remote;               /* unset or 0.0.0.0: send nothing */
	struct sa remote_rtcp;          /* unset: remote's port + 1 */
	enum sdp_dir dir;               /* ours */
	struct media_codec codec[MEDIA_MAX_CODECS];     /* [0] is sent */
	size_t ncodecs;
	struct codec_prm encoder;       /* of the codecs that have a choice: Opus */
	struct { uint32_t rate; uint8_t pt_rx, pt_tx; } event[MEDIA_MAX_EVENTS];  /* [0] is sent; pt_tx 255: receive only */
	size_t nevents;
	enum media_dtmf dtmf;           /* how media_dtmf_send() and a bridge's digits leave */
	bool symmetric;                 /* rtp_symmetric: send to where it comes from */
	bool asymmetric_codec;          /* asymmetric_rtp_codec: keep sending codec[0] whatever arrives */
	bool rtcp_mux;
	struct media_secure secure;
	/* The session's a=mid, the numbers of the header extensions (RFC 8285) that were agreed on; 0: none;
	 * and the SSRCs that the peer has said it sends this with. */
	char mid[MEDIA_MID_MAX + 1];
	uint8_t ext[RTP_EXTS];
	uint32_t ssrc[MEDIA_MAX_SSRCS];
	size_t nssrcs;
	bool relearn;                   /* forget the latched source even when `remote` is the same */
	uint64_t timeout_ms;            /* 0: none. Pass rtp_timeout_hold's while on hold */
	uint64_t keepalive_ms;          /* comfort noise (RFC 3389) when nothing was sent so long; 0: none */
	/* The peer was told to send elsewhere: no reports, timeouts or keepalives, so that nothing wakes the
	 * thread. What still comes is passed on. */
	bool rest;
};
/* EINVAL: too many rows, a payload type over 127, a clock of 0, a name without end, a header extension 15.
 * ENOMEM. After an error all is as it was. On a shared wire the sessions' addresses and
 * keys are one: the last that was said holds. */
int media_session_set(struct media_session *s, const struct media_set *set);

/* Bits of enum media_listen, until the next call. */
void media_listen(struct media_session *s, unsigned what);

/* ---- who hears whom: the last of these calls holds */

/* Relay between the two, translating where needed; digits pass as digits. A
 * session is in one bridge at most. Video sessions: relayed as they are. EXDEV: others
 * on the wires of both are in mixes on different threads; then they are in no bridge. */
int media_bridge(struct media_session *a, struct media_session *b);
int media_unbridge(struct media_session *s);         /* takes its peer out too */
/* Send back what comes. */
int media_echo(struct media_session *s, bool on);
bool media_session_bridged(const struct media_session *s);

/* ---- what a session hears instead of its peer (a bridge goes on afterwards) */

/* `names`: sound names, `n` of them, e.g. "hello-world", "digits/1". Missing
 * ones are logged and skipped. Replaces what plays. `tag` comes back in
 * MEDIA_PLAYED, which always comes, exactly once. */
int media_play(struct media_session *s, const struct str *names, size_t n, struct str lang, uint32_t tag);
/* The same from sounds at hand (text to speech, recordings); takes references. */
struct sound;
int media_play_sounds(struct media_session *s, struct sound *const *v, size_t n, uint32_t tag);
int media_play_stop(struct media_session *s);
/* Does this sound exist? (Synchronous: BackGround's and Playback's checks in
 * tests and at load; blocks on the disk like stat does.) */
bool media_sound_exists(struct media *m, struct str name, struct str lang);
/* Until media_tone(s, NULL) or its end. Takes its own reference. */
int media_tone(struct media_session *s, struct tone *t);
/* Send silence (keeps NAT and peers content) until `on` is false. */
int media_silence(struct media_session *s, bool on);
/* Digits 0-9 * # A-D, 'w' half a second of pause, 'W' a second, `ms` each (0:
 * 100) and `gap_ms` between (0: 100). MEDIA_DTMF_SENT when all are out.
 * As RFC 4733 events, or tones when the session says inband, E2BIG over 64,
 * EINVAL no such digit, ENOTSUP: dtmf none. */
int media_dtmf_send(struct media_session *s, struct str digits, unsigned ms, unsigned gap_ms, uint32_t tag);
/* One digit whose length is not known yet: begin ... end. */
int media_dtmf_begin(struct media_session *s, char digit);
int media_dtmf_end(struct media_session *s);
/* Do digits of a bridge pass through by themselves (default), or stop here and
 * come only as events (features are being collected)? */
int media_dtmf_hold(struct media_session *s, bool hold);

/* ---- numbers */

struct media_stats {
	uint64_t rx, rx_bytes, tx, tx_bytes;
	uint64_t rx_lost;               /* RFC 3550 A.3, never below 0 */
	/* These two are of the whole wire, also when it is shared. */
	uint64_t dropped_source;        /* not from the latched source, or not from where its RTCP comes */
	uint64_t dropped_bad;           /* no RTP, unknown payload type, direction, ... */
	uint64_t untranslated;          /* no path between the codecs of the bridge */
	uint64_t rtcp_rx, rtcp_tx;
	double rx_jitter_ms, remote_jitter_ms;
	uint64_t remote_lost;           /* what the peer says it missed */
	double rtt_ms;                  /* 0: not known */
	uint32_t ssrc, remote_ssrc;
	uint8_t rx_pt, tx_pt;
	enum format_id rx_format, tx_format;    /* last used */
	struct sa source;               /* latched; unset: none */
	enum crypto_suite suite;        /* of SRTP, when it has keys; CRYPTO_NONE: none */
	struct media_quality quality;
};
/* Asks the thread; `fn` is called later on the core. */
int media_stats(struct media_session *s, media_stats_fn *fn, void *arg);

struct media_counters {
	uint64_t sessions, ports_used, ports_exhausted;
	uint64_t events_dropped;        /* event ring full */
	uint64_t sounds_cached_bytes;
};
void media_count(const struct media *m, struct media_counters *out);

#endif
