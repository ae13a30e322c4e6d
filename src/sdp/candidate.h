/* sdp/candidate.h -- ICE in session descriptions (RFC 8839) and what trickles after them
 * (RFC 8840): text to fields and back.
 * Shape:   all strs are views into the text.
 * Errors:  EBADMSG grammar, ERANGE a number or a text out of its range, ENOENT there is none.
 * Threads: pure functions of their arguments. */
#ifndef SDP_CANDIDATE_H
#define SDP_CANDIDATE_H

#include "sdp/sdp.h"

/* RFC 8839 section 5.4. Both have 256 at most. */
enum { ICE_UFRAG_MIN = 4, ICE_PWD_MIN = 22, ICE_CREDENTIAL_MAX = 256, CANDIDATE_FOUNDATION_MAX = 32 };

enum candidate_type { CANDIDATE_HOST, CANDIDATE_PRFLX, CANDIDATE_SRFLX, CANDIDATE_RELAY, CANDIDATE_TYPES };
const char *candidate_type_name(enum candidate_type t);      /* "host", ... */
enum candidate_transport { CANDIDATE_UDP, CANDIDATE_TCP, CANDIDATE_TRANSPORT_OTHER };

struct candidate {
	struct str foundation;          /* 1..32 of ALPHA DIGIT + / */
	uint16_t component;             /* 1..256 */
	enum candidate_transport transport;
	struct str transport_text;      /* as written; empty: UDP */
	uint32_t priority;              /* 1..2^31-1 */
	struct str host;                /* address or name, as written */
	struct sa addr;                 /* with port; unset: host is a name */
	uint16_t port;
	enum candidate_type type;       /* CANDIDATE_TYPES: a type we do not know */
	struct str type_text;
	struct sa related;              /* raddr and rport; unset: not there, or a name */
	struct str ext;                 /* "name value name value", what else stands there */
};

/* `value` of a=candidate. An address family, a transport or a type that we do not know is
 * no fault: candidate_usable() says no to it. */
int candidate_parse(struct candidate *c, struct str value);
/* UDP, a known type, an address that is not a name, and a port. */
bool candidate_usable(const struct candidate *c);
bool candidate_is_mdns(const struct candidate *c);           /* a name under .local (browsers hide their address so) */
void candidate_write(struct buf *b, const struct candidate *c);      /* the value only */
/* One of the further name and value pairs ("generation", "tcptype"). Empty: not there. */
struct str candidate_ext(const struct candidate *c, struct str name);

/* What an m= line says of ICE, its own or its session's. */
struct ice_desc {
	struct str ufrag, pwd;
	bool lite, mismatch;
	bool trickle, ice2;             /* of ice-options */
	bool end_of_candidates;
	struct str remote_candidates;   /* empty: none */
};
/* ENOENT: no ICE. EBADMSG: only one of ufrag and pwd, or other than ICE's characters;
 * ERANGE: one of them is too short or too long. */
int ice_desc_read(struct ice_desc *d, const struct sdp *s, const struct sdp_media *m);
/* The next usable candidate from *it (start with 0). Others are passed over. */
bool ice_candidate_next(const struct sdp_media *m, size_t *it, struct candidate *c);
/* Is any candidate of that component, usable or not? */
bool ice_has_component(const struct sdp_media *m, unsigned component);
/* The default destination is among the candidates (RFC 8839 section 4.2.5); else a middle box has
 * changed the SDP: who keeps to RFC 8839 answers a=ice-mismatch. `trickle`: 0.0.0.0 port 9 is no mismatch (RFC 8840 4.1.1). */
bool ice_default_matches(const struct sdp_media *m, bool trickle);
int ice_ufrag_check(struct str ufrag);
int ice_pwd_check(struct str pwd);
/* Takes the first of "1 192.0.2.1 5000 2 ..." off *v. ENOENT: no more. */
int ice_remote_candidate(struct str *v, uint16_t *component, struct sa *addr);
void ice_remote_candidate_write(struct buf *b, uint16_t component, const struct sa *addr);   /* one, after a blank unless the first */

/* ---- application/trickle-ice-sdpfrag */

enum { SDPFRAG_MAX_TEXT = 16384 };

struct sdpfrag_media {
	struct str m;                   /* of m=: "audio 9 RTP/AVP 0" */
	struct str mid;                 /* empty in all of them: they stand in the order of the session's */
	struct str ufrag, pwd;          /* its own or the session's */
	bool end_of_candidates;         /* its own or the session's */
	struct str lines;               /* its a= lines, for sdpfrag_candidate() */
};
struct sdpfrag {
	struct str ufrag, pwd, group;   /* of the session part */
	bool end_of_candidates;
	struct sdpfrag_media media[SDP_MAX_MEDIA];
	size_t nmedia;
};
/* EBADMSG: a line that is none, an m= line without mid among others that have one, credentials that cannot be; E2BIG. */
int sdpfrag_parse(struct sdpfrag *f, struct str body);
/* Next usable candidate of a media part: start with *rest = media.lines. */
bool sdpfrag_candidate(struct str *rest, struct candidate *c);
/* Begin with the credentials of the session part, then each media part. */
void sdpfrag_write_head(struct buf *b, struct str ufrag, struct str pwd);
void sdpfrag_write_media(struct buf *b, struct str m, struct str mid, const struct candidate *c, size_t n, bool end);

#endif
