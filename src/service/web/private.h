/* service/web/private.h -- what the files of the server of HTTP share and nobody else includes. Threads: core. */
#ifndef SERVICE_WEB_PRIVATE_H
#define SERVICE_WEB_PRIVATE_H

#include "base/hash.h"
#include "base/list.h"
#include "service/web/web.h"

struct web_listener {
	uint32_t id;                    /* of its transport; 0: it does not listen */
	struct sa asked, bound;
	struct tls_context *tls;        /* held; NULL: none */
	struct text tls_of;             /* the options that `tls` was made of */
};

struct web_mount {
	const struct web_route *rows;
	size_t n;
	void *arg;
};

struct web {                    /* obj */
	struct loop *loop;
	struct net *net;
	struct text data_dir;
	struct text program_dir;        /* where the program is; empty: not known */
	const char *bind;               /* web_prm.bind */
	const struct http_conf *conf;
	void *hold;                     /* held: keeps `conf` alive */
	struct http_limits *limits;     /* held */
	struct web_listener plain, secure;
	struct web_mount *mount;        /* owned */
	size_t mounts;
	struct map *conns;              /* struct web_conn by id */
	bool stopped;                   /* `net` is about to go */
	struct list idle;               /* those that serve nothing, the longest so first */
	bool (*proven)(void *arg, const struct web_call *c);
	void *proven_arg;
};

struct web_conn {
	uint64_t id;
	struct web_call *call;          /* held; NULL: it is idle */
	struct list link;               /* in web.idle */
};

/* conns.c */
struct web_conn *web_conn_of(const struct web *w, uint64_t id);      /* NULL: it has gone */
void web_forget(struct web *w, struct web_conn *conn);       /* its call has lost its peer */
void web_call_over(struct web_call *c);                      /* the answer has ended */
/* listen.c. Listens where `h` says from now on, or not; what fails is reported, and all is as it was. */
void web_set_listener(struct web *w, struct web_listener *l, const struct http_conf *h, bool tls, struct report *r);
void web_stop_listener(struct web *w, struct web_listener *l);
/* files.c. A place whose files a route serves; static. */
struct web_place {
	const char *route;              /* for the name of the fiber */
	const char *headers;            /* whole lines, sent with each file */
	const char *no_dir;             /* what a 404 says when there is none of the directories; NULL: as always */
	void (*put_type)(struct buf *b, struct str name);    /* writes Content-type by the file's name */
};
#define WEB_DIRS 3
/* Answers with the file `name` in the first of these directories that is there. An empty one ends the list. */
void web_serve_file(struct web_call *c, const struct web_place *place, const struct str dirs[WEB_DIRS], struct str name);
bool web_is_funny_file(struct str name);             /* it could mean something else than a file below */
void web_refuse_file(struct web_call *c);
void web_serve_phone(void *arg, struct web_call *c);
void web_serve_static(void *arg, struct web_call *c);
void web_serve_status(void *arg, struct web_call *c);

#endif
