/* sdp/sdp.h -- session descriptions (RFC 8866) as a tree of views, and back.
 * Shape:   what is known is decoded, all attributes are kept in order.
 * Limits:  SDP_MAX_TEXT bytes, SDP_MAX_MEDIA m= lines, SDP_MAX_ATTRS a= lines in
 *          all, SDP_MAX_FMTS formats an m= line; over a limit is E2BIG.
 * Threads: pure functions of their arguments; a struct sdp is immutable. */
#ifndef SDP_SDP_H
#define SDP_SDP_H

#include "net/address.h"
#include "sdp/format.h"

enum { SDP_MAX_TEXT = 65536, SDP_MAX_MEDIA = 16, SDP_MAX_ATTRS = 1024, SDP_MAX_FMTS = 64 };

enum sdp_dir { SDP_INACTIVE = 0, SDP_SENDONLY = 1, SDP_RECVONLY = 2, SDP_SENDRECV = 3 };  /* bits: 1 send, 2 receive */
static inline enum sdp_dir sdp_dir_reverse(enum sdp_dir d)
{
	return (enum sdp_dir)(((unsigned)d & 1) << 1 | ((unsigned)d & 2) >> 1);
}
const char *sdp_dir_name(enum sdp_dir d);            /* "sendrecv", ... */

enum sdp_proto {
	SDP_PROTO_OTHER, SDP_RTP_AVP, SDP_RTP_AVPF, SDP_RTP_SAVP, SDP_RTP_SAVPF, SDP_UDP_TLS_SAVP,
	SDP_UDP_TLS_SAVPF, SDP_UDPTL, SDP_TCP_MSRP, SDP_PROTOS
};
const char *sdp_proto_name(enum sdp_proto p);        /* "RTP/AVP", ...; "" for SDP_PROTO_OTHER */
static inline bool sdp_proto_is_rtp(enum sdp_proto p) { return p >= SDP_RTP_AVP && p <= SDP_UDP_TLS_SAVPF; }
static inline bool sdp_proto_is_avpf(enum sdp_proto p)
{
	return p == SDP_RTP_AVPF || p == SDP_RTP_SAVPF || p == SDP_UDP_TLS_SAVPF;
}
static inline bool sdp_proto_is_savp(enum sdp_proto p) { return p >= SDP_RTP_SAVP && p <= SDP_UDP_TLS_SAVPF; }

struct sdp_attr {               /* views into the session's text */
	struct str name, value; /* "rtpmap", "0 PCMU/8000"; value empty: a flag */
};

struct sdp_rtpmap {             /* one format of an m= line, with what describes it */
	uint8_t pt;
	struct str encoding;    /* empty: no rtpmap, the number speaks (RFC 3551) */
	uint32_t clock;         /* 0 then */
	uint8_t channels;       /* 1 unless said */
	struct str fmtp;        /* of the first fmtp of this pt, without the number */
};

struct sdp_media {
	enum media_type type;
	struct str type_text, proto_text;
	enum sdp_proto proto;
	uint16_t port;          /* 0: declined */
	uint16_t nports;
	struct str *fmts;       /* as written; for RTP also decoded in rtpmap */
	size_t nfmts;
	struct sdp_rtpmap *rtpmap;      /* RTP only: one a format, in order, numbers 0..127 */
	size_t nrtpmap;
	struct str conn;        /* address text of c=, the session's when it has none */
	struct sa addr;         /* the same with `port`; unset when it is a name or absent */
	struct sa rtcp;         /* a=rtcp, else addr with port + 1; unset as addr */
	enum sdp_dir dir;       /* as the peer says, session level unless set here; default sendrecv */
	bool dir_set;           /* an attribute said so */
	uint32_t ptime, maxptime;       /* [ms] 0: not said */
	bool rtcp_mux, has_crypto, ice_mismatch, ice_lite;
	bool bundle_only;       /* port 0 says that it has no transport of its own (RFC 8843 section 6) */
	struct str mid, setup, fingerprint, ice_ufrag, ice_pwd, connection;     /* own or session's */
	struct sdp_attr *attrs;
	size_t nattrs;
};

struct sdp {                    /* obj; all views look into its own copy of the text */
	struct str text;
	struct str owner, id, version, name;    /* of o= and s= */
	uint64_t id_num, version_num;   /* 0 when not a number */
	struct str conn;                /* c= of the session */
	enum sdp_dir dir;
	struct str group;               /* value of the first a=group ("BUNDLE audio video") */
	struct sdp_attr *attrs;         /* session level */
	size_t nattrs;
	struct sdp_media *media;
	size_t nmedia;
	struct arena *arena;            /* held */
};

/* Decode a body. On 0 the caller owns *out; else it is untouched. EBADMSG
 * grammar (no v=, broken m= or c=, a dynamic number without rtpmap in a stream
 * that is not declined): what a 400 is for. E2BIG, ENOMEM. Lines may end in CRLF
 * or LF. A missing o=, s= or t= is forgiven, as phones forget them. */
int sdp_parse(struct sdp **out, struct str body);

/* First attribute of that name at this level. NULL: none. */
const struct sdp_attr *sdp_attr_find(const struct sdp_attr *a, size_t n, const char *name);
/* Next one after *it (start with 0): for crypto, candidate, ssrc. */
const struct sdp_attr *sdp_attr_next(const struct sdp_attr *a, size_t n, const char *name, size_t *it);
/* The SSRCs of a=ssrc (RFC 5576), each once. How many, `max` at most. */
size_t sdp_ssrcs(const struct sdp_media *m, uint32_t *v, size_t max);
/* The text of a parsed session again, from the tree. */
void sdp_write(struct buf *b, const struct sdp *s);

#endif
