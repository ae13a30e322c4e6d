/* sip/out.h -- a request that we make. It is kept as parts, so that it can be
 * sent again with credentials, to another target, or become a CANCEL or an ACK.
 * Threads: core. */
#ifndef SIP_OUT_H
#define SIP_OUT_H

#include "sip/stack.h"

struct sip_out {                /* obj; all views look into `arena` */
	struct arena *arena;    /* held */
	enum sip_method method;
	struct str method_name;
	struct str ruri;
	struct str from, to;    /* whole header values, tags included */
	struct str call_id;
	uint32_t cseq;
	struct str route;       /* list of name-addrs; empty: none */
	struct str contact;     /* whole header value; empty: none */
	struct str via_host;    /* sent-by when it shall differ from path.local ("host" or "host:port") */
	struct str user_agent;
	int max_forwards;
	bool no_rport;
	bool strict_route;      /* the R-URI is a strict router's (RFC 3261 12.2.1.1): send there, not to `route` */
	struct buf headers;     /* whole lines, in order */
	struct str auth;        /* Authorization lines, replaced at each challenge */
	struct str agree;       /* Security-Client and its like, replaced at each sending */
	struct str body_type, body;
};

struct sip_out *sip_out_new(enum sip_method m);              /* NULL: ENOMEM */
/* Copy `s` into out's arena and give the view. */
struct str sip_out_dup(struct sip_out *o, struct str s);
void sip_out_header(struct sip_out *o, struct str name, struct str value);
void sip_out_body(struct sip_out *o, struct str type, struct str body);
/* The bytes on the wire, with the header names that `s` writes (s NULL: long ones). NULL: ENOMEM,
 * now or when a part was put in. */
struct net_bytes *sip_out_encode(const struct sip_out *o, const struct sip_stack *s, const struct net_path *path,
				 struct str branch);
/* The URI to send to: first Route (when it is a loose router) or the R-URI. */
struct str sip_out_next_hop(const struct sip_out *o);

#endif
