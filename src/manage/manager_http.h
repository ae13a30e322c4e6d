/* manage/manager_http.h -- the manager over HTTP: what its two files share. Threads: core.
 *
 *   manager_http.c   a request: its parameters become an action, what that says becomes the answer
 *   manager_web.c    sessions that no connection keeps: cookies, digest, how long they live
 *   manager_page.c   what is said as XML or as a page */
#ifndef MANAGE_MANAGER_HTTP_H
#define MANAGE_MANAGER_HTTP_H

#include "manage/manager_page.h"
#include "manage/manager_private.h"
#include "service/web/web.h"
#include "sip/digest.h"

struct ami_http {
	struct ami_sink sink;           /* first: what it is given is this */
	struct manage *m;               /* held */
	struct manager_conf *conf;      /* held: of when it came */
	struct web_call *call;          /* held */
	struct ami_session *s;          /* held; NULL: not found yet */
	char id[AMI_WEB_ID];            /* of the session, as this request knows it */
	bool digest;
	struct web_params params;
	struct ami_parser parser;
	struct ami_page page;
	struct buf headers, out;        /* of the answer; out: not sent yet */
	bool begun;                     /* a part of it is on its way */
};

/* The session of a request, held, in use until ami_web_leave(). 0; otherwise the answer is written. On a fiber. */
int ami_web_enter(struct ami_http *h);
void ami_web_leave(struct ami_http *h);
/* Is this request one of a session that has logged in? */
bool ami_web_proven(void *mgr, const struct web_call *c);
int ami_web_rename(struct ami_sink *http);           /* of its session with a cookie: ami_sink.rename */
/* False: somebody has logged in under its id since it came, so what it asks for is not that session's. */
bool ami_web_current(const struct ami_http *h);
/* Set-Cookie of this session, as a line. */
void ami_web_cookie(const struct ami_http *h, bool over, struct buf *out);

/* The manager's routes; arg is the struct manager. */
#define AMI_HTTP_ROUTES 6
extern const struct web_route ami_http_routes[AMI_HTTP_ROUTES];

#endif
