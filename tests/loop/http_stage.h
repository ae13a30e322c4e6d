/* tests/loop/http_stage.h -- a server of HTTP beside what manager_stage.h has: its net on the same loop, or on a
 * thread of its own, and peers on real sockets of loopback. */
#ifndef TESTS_LOOP_HTTP_STAGE_H
#define TESTS_LOOP_HTTP_STAGE_H

#include "manager_stage.h"
#include "service/web/web.h"

struct http_stage {
	struct net *net;
	struct web *web;
	struct snapshot *conf;
	char dir[64];                   /* http.conf is in it; the data directory too, if the test makes one */
	uint16_t port, tls_port;
};
extern struct http_stage hs;

/* After manager_up(). `lines`: of http.conf's [general], and what stands behind; "bindaddr=127.0.0.1" is there. */
void http_up(const char *lines, unsigned threads);
void http_reload(const char *lines);
void http_down(void);                    /* before manager_down() */
/* A file below static-http; `text` NULL: it goes. */
void http_file(const char *name, const char *text);

struct peer dial_web(void);
/* A request on a connection of its own, or on `p`; the whole answer is in p->in. */
void web_say(struct peer *p, const char *request);
struct peer web_ask(const char *request);
/* "GET TARGET HTTP/1.1" with Host and these further lines. */
struct peer web_get(const char *target, const char *lines);
void web_get_on(struct peer *p, const char *target, const char *lines);
/* ---- the manager over HTTP */
#define WEB_LOGIN "/rawman?action=login&username=admin&secret=pw"
struct str web_body(const struct peer *p);           /* of the last answer */
/* "Cookie: mansession_id=..." as it was set in the last answer. */
void web_cookie_of(const struct peer *p, char *line, size_t n);
struct peer web_enter(char *cookie, size_t n);       /* a connection whose session has logged in */
void web_event(const char *name);                    /* a UserEvent happens */

#endif
