/* phone/media.h -- inside phone/: the media of sidetone-ua-media.h. One struct phone_call for each session that
 * has or wants media: its negotiation (sdp/negotiate.h), the port that it receives at (media/media.h), its sound.
 *
 *   media.c          what all sessions have in common; events of the agent in
 *   media_call.c     calls found, made, told of
 *   media_user.c     the agent's functions, for everybody but tests
 *   media_conf.c     the options, checked
 *   media_server.c   names of STUN and TURN servers
 *   media_offer.c    offers and answers of a call
 *   media_port.c     where it receives: ports, ICE
 *   media_apply.c    what was agreed, in force, and how it stands
 *   media_told.c     what media's events say
 *   media_sound.c    source, mute, hold
 *   media_tap.c      recording, levels
 *   media_pcm.c      sound by functions
 *   media_digits.c   digits that are sent
 *   media_device.c   PortAudio, or media_no_device.c
 *
 * No file calls one that calls it: the order is call, conf, server; digits, pcm, tap; sound; port; apply; offer; told; media.
 *
 * Threads: the host's, but where it is said. */
#ifndef PHONE_MEDIA_H
#define PHONE_MEDIA_H

#include "base/list.h"
#include "base/text.h"
#include "media/agreed.h"
#include "media/mixer.h"
#include "net/loop.h"
#include "sidetone-ua-media.h"

struct dtls_cert;
struct dtls_identity;

/* What is said to the agent: its functions of the same names, or a test's. */
struct phone_media_user {
	void (*describe)(struct sidetone_session *s, const char *content_type, const char *body);
	void (*described)(struct sidetone_session *s, unsigned status);
	int (*reinvite)(struct sidetone_session *s, const char *headers, bool update);
	int (*info_digit)(struct sidetone_session *s, char digit, unsigned duration_ms);
	bool (*is_over)(const struct sidetone_session *s);      /* no description comes any more */
};

/* The options, read. */
struct phone_conf {
	struct formats formats;
	struct sa address, public;      /* unset: none said */
	struct sa way;                  /* of ours, on the way to the server; unset: not known */
	enum sidetone_digits digits;
	enum sidetone_encryption encryption;
	bool optional, rtcp_mux, bundle, ice;
	uint32_t silence_ms;
	struct text turn_user, turn_password;
};

struct phone_server {           /* of STUN or TURN */
	struct text host;       /* empty: none, or an address was said */
	uint16_t port;
	enum ice_server kind;
	struct sa addr;         /* unset: not known (yet) */
};

struct sidetone_media {
	struct loop *loop;
	bool own_loop;
	struct media *media;
	const struct phone_media_user *user;
	void (*call_free)(void *c);     /* obj's, for media_call.c */
	sidetone_media_event_fn *fn;
	void *arg;
	struct phone_conf conf;
	struct phone_server stun, turn;
	struct phone_lookup *lookup;    /* of their names, under way; NULL: none */
	struct dtls_cert *cert;         /* held; NULL without DTLS */
	struct dtls_identity *identity; /* the same */
	struct list calls;              /* of struct phone_call */
};

/* What the agent waits for. */
enum phone_due { PHONE_NOTHING, PHONE_OFFER, PHONE_ANSWER };

struct phone_source {
	enum sidetone_source_type type;
	bool loop;
	struct tone *tone;      /* held */
	struct text path;       /* of a file */
	struct sound *sound;    /* held; what was in it, once it is read */
	uint32_t turn;          /* of sources: what is read for an earlier one is too late */
};

struct phone_call {             /* obj */
	struct list link;       /* in m->calls */
	struct sidetone_media *m;       /* NULL: it is over */
	struct sidetone_session *s;
	struct neg *neg;        /* held; NULL: not a description yet */
	/* the description that is being made */
	enum phone_due due;
	bool offered;           /* theirs is taken, and not answered yet */
	bool prepared;          /* the streams and ports of ours are there */
	bool waited;            /* long enough for candidates */
	struct timer timer;
	bool renew;             /* our next offer has another port, and looks for another path */
	enum sdp_dir want;      /* what our next description allows at most */
	/* Certificates of its own: in force, and of an offer under way. Held. NULL: as all have it */
	struct dtls_identity *identity, *fresh;
	/* in force */
	bool agreed;
	bool keyed;             /* DTLS: the handshake is done */
	bool rtp_digits;        /* the peer takes RFC 4733 */
	struct crypto_fingerprint peer; /* whose handshake that was */
	struct media_session *on;       /* what source and taps are on; compared only. NULL: nothing */
	/* sound */
	struct phone_source source;
	bool muted;
	int says;               /* enum sidetone_source_type that the media was told; -1: anew */
	uint32_t play_tag;      /* of the list of sounds that plays; others are over */
	struct phone_recorder *recorder;        /* held; NULL: none */
	struct phone_meter *meter;      /* held; NULL: never asked for */
	struct phone_pcm *pcm;          /* held; NULL: none */
	struct phone_digits *digits;    /* owned; on their way by INFO. NULL: none */
};

/* ---- media.c */
struct phone_media_prm {
	const struct phone_media_user *user;
	struct loop *loop;              /* the caller's, who runs it; NULL: its own */
	const struct media_net *net;    /* a test's (media.h), with a loop of the test's clock; NULL */
	char *why;                      /* room for words about EINVAL; NULL */
	size_t why_n;
};
int phone_media_new(struct sidetone_media **out, const struct sidetone_media_options *o, const struct phone_media_prm *prm);
void phone_media_listen(struct sidetone_media *m, sidetone_media_event_fn *fn, void *arg);

/* ---- media_call.c */
struct phone_call *phone_call_of(struct sidetone_media *m, struct sidetone_session *s);       /* NULL: none */
struct phone_call *phone_call_make(struct sidetone_media *m, struct sidetone_session *s);     /* if there is none. NULL: ENOMEM */
/* What an application asks for may be the first thing of a call. ENOTCONN: the session is over; ENOMEM. */
int phone_call_want(struct sidetone_media *m, struct sidetone_session *s, struct phone_call **out);
/* The call may be over when it comes back; a reference of the caller's keeps its memory. */
void phone_tell(struct phone_call *c, const struct sidetone_media_event *e);

struct dtls_identity *phone_identity(const struct phone_call *c);    /* view: its certificate; NULL without DTLS */
/* The stream of its sound that is in force; NULL: none. */
struct neg_stream *phone_stream(const struct phone_call *c);
/* A certificate of its own: what both sides know to be another association (RFC 5763 section 6.6). */
int phone_identity_new(struct dtls_cert **cert, struct dtls_identity **out, char *why, size_t why_n);

/* ---- media_conf.c */
int phone_conf_read(struct phone_conf *c, const struct sidetone_media_options *o, char *why, size_t why_n);
int phone_conf_address(struct phone_conf *c, const char *address, const char *public_address);
int phone_conf_way(struct phone_conf *c, const char *address);
void phone_conf_free(struct phone_conf *c);
void phone_why(char *why, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ---- media_server.c */
int phone_server_read(struct phone_server *s, const char *text, bool turn);
void phone_server_free(struct phone_server *s);
/* Names become addresses, later; then `known` is called. Forgotten: nothing is waited for. */
int phone_servers_look_up(struct sidetone_media *m, void (*known)(struct sidetone_media *m));
bool phone_servers_pending(const struct sidetone_media *m);
void phone_servers_forget(struct sidetone_media *m);

/* ---- media_offer.c */
void phone_describe(struct phone_call *c, enum phone_due kind);
void phone_go_on(struct phone_call *c);              /* something that a description waits for may have come */
void phone_described(struct phone_call *c, enum sidetone_description kind, struct str type, struct str body);
void phone_offer_failed(struct phone_call *c);
void phone_forget_due(struct phone_call *c);         /* nobody waits any more */

/* ---- media_port.c */
int phone_ports_open(struct phone_call *c, bool anew /* also where there is one */);
struct media_session *phone_port(const struct neg_stream *st);       /* view; NULL: none */
/* ICE of the description that is being made: begun early, so that servers have time to answer. */
void phone_ice_begin(struct phone_call *c, enum phone_due kind);
int phone_ice_lines(struct phone_call *c, enum phone_due kind);
bool phone_ice_gathers(const struct phone_call *c);
void phone_ice_apply(struct phone_call *c);          /* the negotiation is in force */
void phone_ice_undo(struct phone_call *c);           /* it came to nothing */
bool phone_ice_is_good(const struct phone_call *c, const struct sdp *sdp);

/* ---- media_apply.c */
void phone_apply(struct phone_call *c);
void phone_tell_agreed(struct phone_call *c);        /* afterwards: the application may do anything in it */
/* ---- media_told.c */
media_event_fn phone_on_media;

/* ---- media_sound.c */
/* The media may be another one, or something else may be sent. */
void phone_sound_apply(struct phone_call *c);
void phone_sound_event(struct phone_call *c, const struct media_event *e);
void phone_sound_free(struct phone_call *c);
/* ---- media_tap.c */
void phone_taps_apply(struct phone_call *c, struct media_session *ms);
void phone_taps_free(struct phone_call *c);
/* ---- media_pcm.c */
void phone_pcm_apply(struct phone_call *c, struct media_session *ms);
void phone_pcm_say(struct phone_call *c, bool on);   /* what its functions give is sent */
void phone_pcm_free(struct phone_call *c);
/* ---- media_digits.c */
void phone_digits_free(struct phone_call *c);

#endif
