/* sip/message.h -- a SIP message as parsed (RFC 3261 section 7 and 25, RFC 4475).
 * Parsing is a pure function from bytes to an obj; what is unknown is kept.
 * All views look into the message's own copy of the bytes, so they live as
 * long as a reference to the message. Threads: parse on any; a parsed message
 * is immutable. */
#ifndef SIP_MESSAGE_H
#define SIP_MESSAGE_H

#include "net/path.h"
#include "sip/uri.h"

enum sip_method {
	SIP_UNKNOWN, SIP_INVITE, SIP_ACK, SIP_BYE, SIP_CANCEL, SIP_REGISTER, SIP_OPTIONS, SIP_PRACK,
	SIP_UPDATE, SIP_INFO, SIP_SUBSCRIBE, SIP_NOTIFY, SIP_PUBLISH, SIP_MESSAGE, SIP_REFER, SIP_METHODS
};

/* Headers with an id are found without comparing text. SIP_H_OTHER: by name.
 * One row each in message.c's table: id, name, compact form, single or list. */
enum sip_hdr_id {
	SIP_H_OTHER, SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ, SIP_H_MAX_FORWARDS,
	SIP_H_CONTACT, SIP_H_ROUTE, SIP_H_RECORD_ROUTE, SIP_H_CONTENT_LENGTH, SIP_H_CONTENT_TYPE,
	SIP_H_EXPIRES, SIP_H_MIN_EXPIRES, SIP_H_AUTHORIZATION, SIP_H_WWW_AUTHENTICATE,
	SIP_H_PROXY_AUTHORIZATION, SIP_H_PROXY_AUTHENTICATE, SIP_H_ALLOW, SIP_H_SUPPORTED, SIP_H_REQUIRE,
	SIP_H_UNSUPPORTED, SIP_H_USER_AGENT, SIP_H_SERVER, SIP_H_PATH, SIP_H_SERVICE_ROUTE, SIP_H_EVENT,
	SIP_H_ACCEPT, SIP_H_ALLOW_EVENTS, SIP_H_SUBSCRIPTION_STATE, SIP_H_REFER_TO, SIP_H_REFERRED_BY,
	SIP_H_REPLACES, SIP_H_RSEQ, SIP_H_RACK, SIP_H_SESSION_EXPIRES, SIP_H_MIN_SE, SIP_H_DATE,
	SIP_H_WARNING, SIP_H_REASON, SIP_H_RETRY_AFTER, SIP_H_DIVERSION, SIP_H_HISTORY_INFO,
	SIP_H_P_ASSERTED_IDENTITY, SIP_H_REMOTE_PARTY_ID, SIP_H_PRIVACY, SIP_H_SIP_ETAG,
	SIP_H_SIP_IF_MATCH, SIP_H_PROXY_REQUIRE, SIP_H_TIMESTAMP, SIP_H_IN_REPLY_TO,
	SIP_H_CONTENT_ENCODING, SIP_H_CONTENT_DISPOSITION, SIP_H_MIME_VERSION, SIP_H_SUBJECT,
	SIP_H_IDS
};

struct sip_hdr {
	uint16_t id;
	struct str name;        /* as written */
	struct str value;       /* trimmed; the line ends of folds are blanks, see sip_unfold() */
};

struct sip_via {
	struct str protocol;    /* "UDP" in SIP/2.0/UDP */
	struct str host;        /* IPv6 with brackets */
	uint16_t port;          /* 0: absent */
	struct str params;
	struct str branch;      /* empty: none */
	struct str received;
	bool has_rport;
	uint16_t rport;         /* 0: flag without a value */
};

struct sip_msg {                /* obj */
	struct str bytes;       /* all of it, our own copy */
	bool request;
	enum sip_method method; /* of the request line, or of CSeq in a response */
	struct str method_name; /* as written */
	struct sip_uri ruri;    /* requests */
	unsigned status;        /* responses: 100-699 */
	struct str reason;
	struct sip_hdr *hdr;    /* held, in arrival order */
	size_t hdrs;
	struct str body;
	/* Decoded on the way; from, to, call_id, cseq and via are always there
	 * when fault is 0. */
	struct sip_via via;     /* topmost */
	struct sip_addr from, to;
	struct str call_id;
	uint32_t cseq;
	struct str cseq_method;
	int max_forwards;       /* -1: absent */
	struct str content_type;        /* "application/sdp", parameters cut off; empty: none */
	/* A request that is a message, but a wrong one: answer with this. 0: fine */
	unsigned fault;         /* 400, 413, 416, 420, 505, ... */
	char fault_reason[96];
	struct net_path from_path;      /* filled in by the caller of sip_msg_parse */
	uint64_t recv_us;       /* mono clock at arrival */
};

#define SIP_MAX_HEADERS 256
#define SIP_MAX_BODY (64 * 1024)
#define SIP_MAX_PASSED (16 * 1024 * 1024)      /* of a body that is not taken and passed over on a stream */

/* 0 and *msg (which may carry a fault); EBADMSG: not SIP, or so broken that
 * nobody can be answered; ENOMEM. `datagram`: without Content-Length the rest
 * is the body, and bytes after it are ignored; on a stream it is required. */
int sip_msg_parse(struct sip_msg **msg, struct str bytes, bool datagram);
/* For net_handlers.frame: length of the first message (or of leading CRLFs), or more than `data` of one whose body is too long. */
int sip_msg_frame(struct str data, size_t *len);

/* For net_handlers.begins: a request that belongs to no call or dialog yet, as far as its
 * first letters tell (a re-INVITE looks the same). */
bool sip_msg_begins(struct str data);

enum sip_method sip_method_of(struct str name);              /* case-sensitive */
struct str sip_method_name(enum sip_method m);
struct str sip_hdr_name(enum sip_hdr_id id);
enum sip_hdr_id sip_hdr_id_of(struct str name);              /* compact forms too */
const char *sip_reason(unsigned status);                     /* "OK"; "" unknown */

/* First header of the kind; NULL. */
const struct sip_hdr *sip_hdr(const struct sip_msg *m, enum sip_hdr_id id);
struct str sip_hdr_value(const struct sip_msg *m, enum sip_hdr_id id);       /* empty: none */
/* By name, any header; `nth` from 0. */
const struct sip_hdr *sip_hdr_named(const struct sip_msg *m, struct str name, size_t nth);
/* Every value of a list header, over all its lines and commas:
 * for (struct sip_each e = {0}; sip_each(m, SIP_H_ROUTE, &e, &v); ) */
struct sip_each {
	size_t line;
	struct str rest;
};
bool sip_each(const struct sip_msg *m, enum sip_hdr_id id, struct sip_each *e, struct str *value);
/* Does a token list (Supported, Require, Allow) hold `token`? Folded. */
bool sip_hdr_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct str token);
int sip_hdr_u32(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out); /* ENOENT, EBADMSG, ERANGE */
int sip_via_parse(struct sip_via *v, struct str value);
struct str sip_unfold(struct arena *a, struct str value);
/* First body part of that type: the body itself, or inside multipart (depth 4,
 * 32 parts). False: none. */
bool sip_body(const struct sip_msg *m, struct str type, struct str *part);
/* The body part, not the body itself, that has this Content-ID (RFC 2392), without its <>. False: none. */
bool sip_body_part(const struct sip_msg *m, struct str content_id, struct str *part);
/* Is there a part of none of these types that must be understood (handling=required)? */
bool sip_body_demands_other(const struct sip_msg *m, const struct str *types, size_t n);

/* ---- writing ---------------------------------------------------------- */

/* "Name: value\r\n" */
void sip_write_hdr(struct buf *b, struct str name, struct str value);
/* Status line, all Vias (the top one with received= and rport= filled in from
 * the message's path, RFC 3581 and 18.2.1), From, To (with `to_tag` unless it
 * has one or the tag is empty), Call-ID, CSeq; for 1xx/2xx that make dialogs
 * also Record-Route. No body yet. `reason` empty: the standard phrase. */
void sip_write_response(struct buf *b, const struct sip_msg *req, unsigned status, struct str reason,
			struct str to_tag);
/* Content-Type (left out when empty), Content-Length, blank line, body. */
void sip_write_body(struct buf *b, struct str type, struct str body);
/* One part of a multipart body, and what ends the last one. `headers`: further lines of it, each with its end. */
void sip_write_part(struct buf *b, struct str boundary, struct str type, struct str headers, struct str body);
void sip_write_parts_end(struct buf *b, struct str boundary);
/* Give the headers in `b` their compact names (7.3.3), from the line that begins at `from`
 * to the blank line. */
void sip_write_compact(struct buf *b, size_t from, bool response);

#endif
