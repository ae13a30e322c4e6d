/* sidetone-ua-media.h -- media for the sessions of sidetone-ua.h: it makes and takes their
 * descriptions (offer and answer, RFC 3264) and has their sound: RTP, SRTP, ICE, codecs, tones,
 * files, devices.
 *
 * The use: one struct sidetone_media for as many sessions as wanted. The application hands every
 * event of its agents to sidetone_media_handle(), which answers those about media. What is said of
 * a session before it has media (a source, mute) holds once it has.
 *
 *   its loop     sidetone_media_fd() is readable when sidetone_media_process() has something to
 *                do; it has also when sidetone_media_wait_ms() have passed.
 *   its threads  packets are those of media threads, which the application does not see but for
 *                struct sidetone_pcm. Everything else here is for the thread of the agents' host.
 *
 * Functions return 0 or an errno; ENOTCONN also where a session is over. Strings are UTF-8, end with a NUL, and are copied. */
#ifndef SIDETONE_UA_MEDIA_H
#define SIDETONE_UA_MEDIA_H

#include "sidetone-ua.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sidetone_media;

/* ---- what all sessions have in common ------------------------------------------------------- */

enum sidetone_encryption { SIDETONE_PLAIN, SIDETONE_SDES /* RFC 4568 */, SIDETONE_DTLS /* RFC 5763 */ };
enum sidetone_digits { SIDETONE_DIGITS_AUTO /* RFC 4733; INFO when the peer has none of it */, SIDETONE_DIGITS_INFO,
	SIDETONE_DIGITS_INBAND /* as tones */ };

struct sidetone_media_options {
	/* Ours: bound to, and said to peers. NULL: all are bound to, and the one that leads to the peer is said. */
	const char *address;
	const char *public_address;     /* said to peers instead: a router's that passes our ports on. NULL: none */
	uint16_t port_min, port_max;    /* both 0: the kernel's choice */
	const char *codecs;             /* the best first, "opus,g722,alaw,ulaw"; "ulaw:30": packets of 30 ms. NULL: these four */
	enum sidetone_digits digits;
	enum sidetone_encryption encryption;
	bool optional_encryption;       /* a peer that has none is taken as well */
	bool rtcp_mux, bundle;
	bool ice;                       /* all candidates are gathered first, which may take 2 s (half trickle, RFC 8838) */
	/* "host", "host:port", "stun:host:port", "turn:host:port?transport=tcp". NULL: none */
	const char *stun, *turn, *turn_user, *turn_password;
	unsigned threads;               /* 0: one */
	uint32_t silence_ms;            /* SIDETONE_MEDIA_SILENT after so long without a packet; 0: never */
	uint32_t rtcp_ms;               /* between our reports; 0: none */
};
/* RTP in the clear to anybody: rtcp_mux, threads 1, reports each 5 s, all else 0. */
void sidetone_media_options_init(struct sidetone_media_options *o);

enum sidetone_media_event_type {
	SIDETONE_MEDIA_AGREED,          /* a description is in force: sidetone_media_state() has what it means */
	SIDETONE_MEDIA_REFUSED,         /* one cannot be taken or made; status: the response; text: why */
	SIDETONE_MEDIA_FLOWS,           /* the first packet has come; text: from where */
	SIDETONE_MEDIA_SECURED,         /* DTLS: error 0: there are keys; else text: what is wrong */
	SIDETONE_MEDIA_PATH,            /* ICE; text: "connected", "failed", "lost" */
	SIDETONE_MEDIA_SILENT,          /* no packet for silence_ms; once until one comes again */
	SIDETONE_MEDIA_DIGIT,           /* one begins: digit */
	SIDETONE_MEDIA_DIGIT_END,       /* it ends: digit, status: its length [ms] */
	SIDETONE_MEDIA_DIGITS_SENT,     /* all of them; error ECANCELED: cut short */
	SIDETONE_MEDIA_PLAYED,          /* a file that is not looped has ended; any that cannot be played: error, text */
	SIDETONE_MEDIA_RECORDED,        /* a recording is complete, or ends with error, text */
	SIDETONE_MEDIA_TONE_DONE,       /* a tone that ends by itself has */
	SIDETONE_MEDIA_DEVICE_LOST,     /* error, text */
	SIDETONE_MEDIA_STATS,           /* sidetone_media_ask_stats(): stats */
	SIDETONE_MEDIA_EVENT_TYPES
};
const char *sidetone_media_event_name(enum sidetone_media_event_type t);     /* "agreed", ... */

struct sidetone_media_stats {
	uint64_t sent, sent_bytes, received, received_bytes;    /* packets of RTP */
	uint64_t lost, lost_there;      /* of the peer's; of ours, as it says */
	uint64_t dropped;               /* not of the peer, not encrypted as agreed, not to be read */
	double jitter_ms, jitter_there_ms, rtt_ms;
};

struct sidetone_media_event {
	enum sidetone_media_event_type type;
	struct sidetone_session *session;
	int status, error;
	char digit;
	const char *text;               /* NULL: none */
	const struct sidetone_media_stats *stats;
};
/* On the host's thread, from sidetone_media_process() and from _handle(). Every function here may be called in it but
 * those two that turn or free: sidetone_media_process(), sidetone_media_free(). */
typedef void sidetone_media_event_fn(void *arg, const struct sidetone_media_event *e);

/* EINVAL: an option is wrong, and `why` (may be NULL) says which. */
int sidetone_media_new(struct sidetone_media **out, const struct sidetone_media_options *o, sidetone_media_event_fn *fn,
		       void *arg, char *why, size_t why_n);
/* All of its sessions' sound ends; none of them is answered any more, and no name is waited for. Not from inside an event. */
void sidetone_media_free(struct sidetone_media *m);

int sidetone_media_fd(const struct sidetone_media *m);
uint64_t sidetone_media_wait_ms(const struct sidetone_media *m);     /* to be asked before each wait. UINT64_MAX: no limit */
void sidetone_media_process(struct sidetone_media *m);

/* True: it asked for or brought a description and is answered, now or later, or media ended with it. */
bool sidetone_media_handle(struct sidetone_media *m, const struct sidetone_event *e);
/* The session is gone without SIDETONE_MEDIA_CLOSED. */
void sidetone_media_forget(struct sidetone_media *m, struct sidetone_session *s);
/* From the next description on. A session that is up needs sidetone_media_renew(). */
int sidetone_media_set_address(struct sidetone_media *m, const char *address, const char *public_address);
/* The address of ours that leads to the server: what offers say while no `address` was given, for where the peer
 * is nobody knows then. NULL: forgotten, and the address of the way to the Internet is said. sidetone_loop_media()
 * does it at each connection. EINVAL. */
int sidetone_media_set_way(struct sidetone_media *m, const char *address);

/* ---- one session ------------------------------------------------------------------------------- */

enum sidetone_source_type {
	SIDETONE_SILENCE,               /* packets without a sound; what a session begins with */
	SIDETONE_NOTHING,               /* no packets */
	SIDETONE_TONE,                  /* text: "440", "350+440", "425/200,0/200" */
	SIDETONE_FILE,                  /* text: its path; WAV, or what its extension says */
	SIDETONE_ECHO,                  /* what comes */
	SIDETONE_SOUND                  /* of the session's sidetone_pcm or devices */
};
struct sidetone_source {
	enum sidetone_source_type type;
	const char *text;
	bool loop;                      /* a file from its beginning again */
};
/* EINVAL: no such tone. What a file comes to is an event. */
int sidetone_media_source(struct sidetone_media *m, struct sidetone_session *s, const struct sidetone_source *src);
int sidetone_media_mute(struct sidetone_media *m, struct sidetone_session *s, bool mute);    /* silence instead of the source */

/* ON: we send silence and receive nothing (a=sendonly); SILENT: nor do we send (a=inactive). A new offer leaves at once
 * when there is a description already; what is in force is in sidetone_media_state(). */
enum sidetone_hold { SIDETONE_HOLD_OFF, SIDETONE_HOLD_ON, SIDETONE_HOLD_SILENT };
int sidetone_media_hold(struct sidetone_media *m, struct sidetone_session *s, enum sidetone_hold hold);
/* A new offer: after sidetone_media_set_address(), or to find another path (ICE restart). */
int sidetone_media_renew(struct sidetone_media *m, struct sidetone_session *s);

/* 0-9 * # A-D, `w` half a second of pause, `W` a second; `ms` each (0: 100) and `gap_ms` between (0: 70). EBUSY: some
 * are still on their way by INFO. EINVAL, E2BIG (over 64). ENOTCONN: nothing is agreed yet. */
int sidetone_media_digits(struct sidetone_media *m, struct sidetone_session *s, const char *digits, unsigned ms, unsigned gap_ms);

/* Both directions into a WAV file: mixed, or left what the peer says and right what it hears. `path` NULL: it ends.
 * EBUSY: one is under way. */
int sidetone_media_record(struct sidetone_media *m, struct sidetone_session *s, const char *path, bool stereo);

/* The highest sample of each direction since the last call [dBFS], 0 at most; -INFINITY: not a sound.
 * Counting begins with the first call. */
int sidetone_media_levels(struct sidetone_media *m, struct sidetone_session *s, double *in, double *out);

/* Sound by functions, 20 ms at a time. Both are called on a media thread and must neither block nor call anything here. */
struct sidetone_pcm {
	void *arg;
	unsigned rate;                  /* [Hz] 8000, 12000, 16000, 24000, 32000, 44100 or 48000 */
	size_t (*read)(void *arg, int16_t *pcm, size_t n);      /* `n` samples to send; fewer, and the rest is silence. NULL: none */
	void (*write)(void *arg, const int16_t *pcm, size_t n); /* what the peer says. NULL: nobody listens */
	void (*end)(void *arg);         /* neither is called any more; on the host's thread. NULL: nobody wants to know */
};
/* In place of the one before. NULL: none. EINVAL: another rate. After an error `end` is not called. */
int sidetone_media_pcm(struct sidetone_media *m, struct sidetone_session *s, const struct sidetone_pcm *pcm);
/* A microphone and a loudspeaker, by a part of their names; "": the system's; NULL: none. ENOTSUP: built without
 * them. ENODEV: no such device. `why` may be NULL. */
int sidetone_media_devices(struct sidetone_media *m, struct sidetone_session *s, const char *input, const char *output,
			   char *why, size_t why_n);
/* Calls `fn` with each device of the system. ENOTSUP. */
int sidetone_media_list_devices(void (*fn)(void *arg, const char *name, unsigned inputs, unsigned outputs), void *arg);

struct sidetone_media_state {
	bool agreed;                    /* a description of both sides is in force; else all else is 0 */
	const char *codec;              /* what we send in: "opus", "g722", "alaw", "ulaw" */
	unsigned rate, ptime;           /* of its sound [Hz], of our packets [ms] */
	bool sends, receives;           /* it may, and it can: direction, address, keys, path */
	bool held, held_by_peer, muted;
	enum sidetone_encryption encryption;
	const char *ice;                /* "off", "idle", "checking", "connected", "failed", "lost" */
	bool digits_by_rtp;
	char local[64], remote[64];     /* where it receives, and sends to; "": nowhere */
};
/* ENOENT: it has no media. */
int sidetone_media_state(struct sidetone_media *m, struct sidetone_session *s, struct sidetone_media_state *out);
int sidetone_media_ask_stats(struct sidetone_media *m, struct sidetone_session *s);

#ifdef __cplusplus
}
#endif
#endif
