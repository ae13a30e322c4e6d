/* service/web/web.h -- the server of HTTP on the core: which listeners there are, which route a request takes, and
 * how its answer is written. Bytes are net's (net/http_conn.c); what a route says is its owner's.
 *
 *   web.c        the way of a request to its route
 *   conns.c      connections
 *   listen.c     listeners
 *   reply.c      answers, whole or piece by piece
 *   params.c     name=value&name=value, cookies, escapes
 *   files.c      the files of a directory
 *   static.c     /static: what the data directory has for everybody
 *   phone.c      /phone: the phone on a page
 *   status.c     /httpstatus
 *   origin.c     is it a page of another site that asks?
 *
 * Ownership: a call is an obj; whoever answers it in a later turn holds it. Threads: core. */
#ifndef SERVICE_WEB_WEB_H
#define SERVICE_WEB_WEB_H

#include "base/text.h"
#include "config/report.h"
#include "net/net.h"
#include "service/object/http_conf.h"

struct web;                     /* obj */
struct web_call;
struct fiber;

/* ---- what is sent with a request ----------------------------------------------------------------- */

#define WEB_PARAMS 128

struct web_param {
	struct str name, value;         /* decoded; views into text */
};

struct web_params {
	struct web_param v[WEB_PARAMS];
	size_t n;
	struct buf text;
};

/* Adds those of "a=b&c=d" (application/x-www-form-urlencoded). E2BIG: there are more than WEB_PARAMS, those before
 * are added; ENOMEM. Once for each `p`, which is zeroed before and freed after. */
int web_params_parse(struct web_params *p, struct str encoded);
void web_params_free(struct web_params *p);
struct str web_param(const struct web_params *p, struct str name);   /* of the first, case folded; empty: none */
/* %41 and, with `plus`, "+" in place; gives what is left of `s`, which lies in `mem`. */
struct str web_decode(char *mem, size_t n, bool plus);
/* The cookie of that name, without quotes; empty: none. */
struct str web_cookie(const struct http_head *h, struct str name);
/* `s` in a page: < > & " ' become references, and what is no text of XML a '?'. */
void web_escape(struct buf *b, struct str s);

/* ---- routes --------------------------------------------------------------------------------------- */

struct web_route {
	const char *path;               /* "/httpstatus": behind the prefix; letters may be large or small */
	bool below;                     /* "/static/a/b" is its too */
	const char *description;        /* for `http show status` */
	bool (*enabled)(void *arg);     /* NULL: always. One that is not is not there: 404 */
	/* Answers `call`, now or later. */
	void (*serve)(void *arg, struct web_call *call);
};

/* A request that is being answered. */
struct web_call {               /* obj */
	struct web *web;                /* NULL: it is answered, its peer has gone, or the server stopped */
	struct http_request *request;   /* held */
	struct net_path path;
	struct str below;               /* what stands behind the route's path and a '/', decoded; may be empty */
	char *below_text;               /* owned */
	struct fiber *waiter;           /* woken when there is room, and when the peer has gone; NULL: none */
	enum { WEB_NOT_BEGUN, WEB_BEGUN, WEB_ENDED } state;
	bool chunked, silent;           /* silent: HEAD, so a body is counted and not sent */
	bool close;                     /* the connection ends with this answer */
	bool full;                      /* what was sent last has not left */
	size_t waiting;                 /* [bytes] sent since there was room */
};

static inline const struct http_head *web_head(const struct web_call *c) { return &c->request->head; }
static inline bool web_gone(const struct web_call *c) { return !c->web; }
bool web_is_get(const struct web_call *c);           /* GET or HEAD */
bool web_is_secure(const struct web_call *c);        /* it came over TLS */
/* Asks a page of a site that is neither ours nor in `allowed`? Ours: what Host says. `changes`: the request does
 * more than read, so one without a proof is no better than a wrong one. `password`: it is let in by one, which a
 * browser adds by itself whatever page asks. */
bool web_is_foreign(const struct web_call *c, const struct str_list *allowed, bool changes, bool password);
/* Writes the headers that let a page of an allowed Origin read the answer. */
void web_allow_origin(const struct web_call *c, const struct str_list *allowed, struct buf *headers);

/* ---- answers: each call has exactly one; after its peer has gone they do nothing ------------------- */

#define WEB_LOW (64u << 10)     /* [bytes] web_drain() waits for room when more are on their way */

/* `headers`: whole lines with CRLF; may be empty. `cached`: it may be kept by the peer. */
void web_reply(struct web_call *c, unsigned status, const char *title, struct str headers, struct str body);
/* A page that says so; status and title as Asterisk has them. `headers` as above. */
void web_error(struct web_call *c, unsigned status, const char *title, struct str headers, const char *text);
void web_method_error(struct web_call *c);           /* 501: this route does not know the method */
/* In pieces. `length` WEB_UNKNOWN: as long as it comes. After web_begin() comes web_end(), whatever happens. */
#define WEB_UNKNOWN UINT64_MAX
void web_begin(struct web_call *c, unsigned status, const char *title, struct str headers, uint64_t length);
void web_write(struct web_call *c, struct str bytes);
void web_end(struct web_call *c);
/* On a fiber: until little enough is on its way. EPIPE: the peer has gone. */
int web_drain(struct web_call *c);
void web_cut_off(struct web_call *c);                /* the answer that has begun cannot be finished: close */
/* A WebSocket of transport `id` from now on, after these bytes. */
void web_upgrade(struct web_call *c, struct str bytes, uint32_t id, uint32_t write_ms);
void web_raw(struct web_call *c, struct str bytes);  /* a whole answer as it is, which closes */

/* ---- the server ----------------------------------------------------------------------------------- */

struct web_prm {
	struct loop *loop;
	struct net *net;                /* lives longer */
	struct str data_dir;            /* static-http is in it; copied */
	const char *bind;               /* an address in place of those of http.conf, whose ports stay; NULL */
};
struct web *web_new(const struct web_prm *prm);      /* NULL: ENOMEM */
/* Its listeners close, its calls have lost their peers. Before net goes. Drops the reference. */
void web_stop(struct web *w);
void web_set_data_dir(struct web *w, struct str dir);
/* Listens as `h` says from now on, which `hold` (an obj) keeps alive. What cannot be opened is reported, and the
 * rest goes on. */
void web_set_conf(struct web *w, const struct http_conf *h, void *hold, struct report *r);
/* The certificate of http.conf as a start loads it. A fault is reported with the file and what to do. */
int web_tls_new(struct tls_context **out, const struct http_conf *h, struct report *r);
const struct http_conf *web_conf(const struct web *w);       /* NULL: none yet */
bool web_bound(const struct web *w, bool tls, struct sa *out);       /* false: it does not listen there */
struct tls_context *web_tls(const struct web *w);            /* NULL: none */
/* `rows` live until web_remove_routes() with the same `arg`. ENOMEM. */
int web_add_routes(struct web *w, const struct web_route *rows, size_t n, void *arg);
void web_remove_routes(struct web *w, const void *arg);
/* Each route that is there, as `http show status` lists them: the longest first. NULL after the last. */
const struct web_route *web_route_at(const struct web *w, size_t i);
/* Who may see /static/private/...: has this request a session of the manager? NULL: nobody. */
void web_set_proof(struct web *w, bool (*proven)(void *arg, const struct web_call *c), void *arg);
bool web_is_proven(const struct web_call *c);
size_t web_connections(const struct web *w);         /* that are no WebSockets */

/* For net_handlers; `w` NULL: none. web_closed() is called for all connections. */
void web_opened(struct web *w, const struct net_path *path);
void web_request(struct web *w, const struct net_path *path, struct http_request *r);
void web_room(struct web *w, uint64_t conn);
void web_closed(struct web *w, const struct net_path *path);

#endif
