/* sip/uri.h -- SIP, SIPS and TEL URIs (RFC 3261 19.1, RFC 3966) and name-addr.
 * Every field is a view into the text parsed. Unknown schemes parse, with all
 * after the colon in `host` empty and in `opaque`. Threads: arguments only. */
#ifndef SIP_URI_H
#define SIP_URI_H

#include "base/arena.h"
#include "base/buf.h"

struct sip_uri {
	struct str text;        /* the whole URI as written */
	struct str scheme;      /* as written; compare with str_ieq */
	struct str user;        /* escaped as on the wire; tel: the number */
	struct str password;
	struct str host;        /* IPv6 in its brackets */
	struct str params;      /* after the first ';', without it; "a=b;lr" */
	struct str headers;     /* after '?' */
	struct str opaque;      /* neither sip, sips nor tel: all after the colon */
	uint16_t port;          /* 0: absent */
};

/* EBADMSG grammar. Port 1-65535. No blank, control byte, <, > or " anywhere. */
int sip_uri_parse(struct sip_uri *u, struct str s);
/* The URI as it may stand in a Request-URI: without its header components, which only
 * a Contact and a Refer-To may have (RFC 3261 19.1.1). A view into u->text. */
struct str sip_uri_as_target(const struct sip_uri *u);
bool sip_uri_is_sip(const struct sip_uri *u);                /* sip or sips */
bool sip_uri_is_sips(const struct sip_uri *u);
bool sip_uri_is_tel(const struct sip_uri *u);
/* A parameter of "a=b;c;d=\"x\"": true when there, *value (may be NULL) empty
 * when it has none; quotes taken off. Names fold case. */
bool sip_param(struct str params, struct str name, struct str *value);
bool sip_uri_param(const struct sip_uri *u, struct str name, struct str *value);
/* Equality of 19.1.4: userinfo exact after unescaping, host folded, parameters
 * that stand in both equal, user/ttl/method/maddr/transport not one-sided. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);
/* %41 becomes A; into the arena when something changes. %00 stays escaped. */
struct str sip_unescape(struct arena *a, struct str s);
/* Escape what may not stand in a user part. */
void sip_escape_user(struct buf *b, struct str s);
/* The user without ;params inside it (ignore_uri_user_options). */
struct str sip_user_bare(struct str user);

/* "Name" <uri>;params   or   uri;params (then params are the header's) */
struct sip_addr {
	struct str display;     /* inside of the quotes, escapes as written; or tokens */
	struct str uri_text;
	struct sip_uri uri;
	struct str params;      /* header parameters, after the first ';' */
	struct str tag;         /* its "tag", or empty */
	bool star;              /* Contact: * */
	bool bracketed;
};
int sip_addr_parse(struct sip_addr *a, struct str value);
/* Write `text` as a quoted-string with its quotes, escaping " and \. */
void sip_write_quoted(struct buf *b, struct str text);
/* Undo a quoted-string's escapes. */
struct str sip_unquote(struct arena *a, struct str s);
/* "display" <uri> : display left out when empty. */
void sip_write_addr(struct buf *b, struct str display, struct str uri);

#endif
