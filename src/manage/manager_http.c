/* The manager over HTTP: /rawman, /manager and /mxml with a cookie, /arawman, /amanager and /amxml with digest
 * credentials. Parameters become one message, which the manager serves as those that come over its own port. */
#define LOG_MODULE "manager"
#include "manage/manager_http.h"
#include "base/fiber.h"
#include "base/log.h"
#include <errno.h>
#include <stdlib.h>

_Static_assert(HTTP_BODY_MAX < 2 * AMI_LINE_MAX * AMI_LINES_MAX, "a parameter may be all of a request");

#define PIECE (32u << 10)       /* [bytes] after which an answer begins before its end is known */

/* ---- the answer -------------------------------------------------------------------------------- */

static bool sink_gone(const struct ami_sink *k)
{
	return web_gone(((const struct ami_http *)(const void *)k)->call);
}

static const char *type_of(enum ami_format f)
{
	return f == AMI_XML ? "xml" : f == AMI_HTML ? "html" : "plain";
}

static void make_headers(struct ami_http *h)
{
	buf_printf(&h->headers, "Content-type: text/%s\r\n", type_of(h->page.format));
	if (!h->digest && ami_web_current(h))
		ami_web_cookie(h, h->s->gone, &h->headers);
	if (!h->digest)
		buf_put(&h->headers, STR("Pragma: SuppressEvents\r\n"));
	if (h->page.format == AMI_HTML)
		buf_put(&h->headers, STR("Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"));
	web_allow_origin(h->call, &h->conf->allowed_origins, &h->headers);
}

static bool spoilt(const struct ami_http *h)
{
	return buf_err(&h->out) || buf_err(&h->headers) || h->page.err;
}

static void send_part(struct ami_http *h)
{
	if (!h->begun) {
		make_headers(h);
		web_begin(h->call, 200, "OK", buf_view(&h->headers), WEB_UNKNOWN);
	}
	h->begun = true;
	if (spoilt(h))
		web_cut_off(h->call);
	else
		web_write(h->call, buf_view(&h->out));
	buf_reset(&h->out);
}

static int sink_send(struct ami_sink *k, struct str bytes)
{
	struct ami_http *h = container_of(k, struct ami_http, sink);

	ami_page_put(&h->page, bytes, &h->out);
	if (h->out.n >= PIECE || spoilt(h))
		send_part(h);
	return web_gone(h->call) ? EPIPE : 0;
}

static int sink_drain(struct ami_sink *k)
{
	return web_drain(container_of(k, struct ami_http, sink)->call);
}

static void finish(struct ami_http *h)
{
	ami_page_end(&h->page, &h->out);
	if (web_gone(h->call))
		return;
	if (h->begun) {
		send_part(h);
		web_end(h->call);
		return;
	}
	make_headers(h);
	if (spoilt(h))
		web_cut_off(h->call);
	else
		web_reply(h->call, 200, "OK", buf_view(&h->headers), buf_view(&h->out));
}

/* ---- the message ------------------------------------------------------------------------------- */

static bool is_form(const struct http_head *head)
{
	struct str type;

	http_field(head, STR("Content-Type"), &type);
	return str_ieq(str_trim(str_cut_raw(&type, ';')), STR("application/x-www-form-urlencoded"));
}

/* Lines end where a value says so only for us: what would be another header is a blank. */
static void put_line(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_char(b, s.p[i] == '\r' || s.p[i] == '\n' || !s.p[i] ? ' ' : s.p[i]);
}

/* 0, or as ami_parse(): EMSGSIZE, E2BIG; ENOMEM. */
static int make_message(struct ami_http *h)
{
	const struct http_request *r = h->call->request;
	bool post = str_eq(r->head.method, STR("POST"));
	struct buf text = BUF_INIT;
	struct str rest;
	int err = 0, fault = 0;

	if (!post)
		fault = web_params_parse(&h->params, r->head.query);
	else if (is_form(&r->head))
		fault = web_params_parse(&h->params, buf_view(&r->body.data));
	for (size_t i = 0; i < h->params.n; i++) {
		put_line(&text, h->params.v[i].name);
		buf_put(&text, STR(": "));
		put_line(&text, h->params.v[i].value);
		buf_put(&text, STR("\r\n"));
	}
	buf_put(&text, STR("\r\n"));
	rest = buf_view(&text);
	err = buf_err(&text) || fault == ENOMEM ? ENOMEM : ami_parse(&h->parser, &rest);
	buf_free(&text);
	return err ? err : fault;
}

/* ---- a request --------------------------------------------------------------------------------- */

static void http_end(struct ami_http *h)
{
	h->call->waiter = NULL;
	ami_web_leave(h);
	web_params_free(&h->params);
	ami_parser_free(&h->parser);
	ami_page_free(&h->page);
	buf_free(&h->headers);
	buf_free(&h->out);
	obj_drop(h->call);
	obj_drop(h->conf);
	obj_drop(h->m);
	free(h);
}

static bool wants_events(const struct ami_http *h)
{
	return !ami_header(&h->parser.msg, STR("SuppressEvents")).n;
}

static void run_action(struct ami_http *h, int fault)
{
	struct ami_ctx a = { .s = h->s, .m = h->m, .msg = &h->parser.msg, .http = &h->sink };

	ami_page_init(&h->page, h->page.format, web_param(&h->params, STR("ajaxdest")), web_param(&h->params, STR("ajaxobjtype")));
	ami_page_begin(&h->page, &h->out);
	/* Another request may have come meanwhile; it is the peer of the login that must be permitted. */
	if (!h->s->authenticated && !h->digest)
		h->s->peer = h->call->path.peer;
	ami_serve(&a, fault);
	if (!a.close && !h->s->gone && wants_events(h))
		ami_take_events(h->s, &h->sink);
	if (a.close && !h->s->gone)
		ami_session_leave(h->s);
	buf_free(&a.out);
	finish(h);
}

/* On a fiber of its own. */
static void work(void *arg)
{
	struct ami_http *h = arg;
	int fault;

	h->call->waiter = fiber_self();
	fiber_set_name(fiber_self(), (const struct str[]){ STR("manager over http") }, 1);
	fault = make_message(h);
	if (!h->m->manager || fault == ENOMEM) {
		h->call->close = true;
		web_error(h->call, 500, "Server Error", STR_NULL, "Out of memory");
	} else if (!ami_web_enter(h)) {
		pace_step(h->m->pace);
		if (h->s->gone || !ami_web_current(h))
			web_error(h->call, 503, "Service Unavailable", STR_NULL, "The session is over");
		else
			run_action(h, fault);
	}
	http_end(h);
}

static struct ami_http *http_new(struct manager *mgr, struct web_call *c, enum ami_format f, bool digest)
{
	struct ami_http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->sink = (struct ami_sink){ sink_send, sink_drain, sink_gone, ami_web_rename };
	h->m = obj_hold(mgr->m);
	h->conf = obj_hold(mgr->conf);
	h->call = obj_hold(c);
	h->digest = digest;
	h->page.format = f;
	ami_parser_init(&h->parser);
	h->parser.line_max = HTTP_BODY_MAX;
	return h;
}

/* Does it ask for more than the form? */
static bool says_something(const struct web_call *c)
{
	return web_head(c)->query.n || !web_is_get(c);
}

static void serve(struct manager *mgr, struct web_call *c, enum ami_format f, bool digest)
{
	struct ami_http *h;
	struct fiber *fiber;

	if (!web_is_get(c) && !str_eq(web_head(c)->method, STR("POST"))) {
		web_method_error(c);
		return;
	}
	if (web_is_foreign(c, &mgr->conf->allowed_origins, says_something(c), digest)) {
		web_error(c, 403, "Forbidden", STR_NULL, "Pages of this Origin may not ask.");
		return;
	}
	h = http_new(mgr, c, f, digest);
	fiber = h ? fiber_new(work, h, 0) : NULL;
	if (fiber) {
		fiber_wake(fiber);
		return;
	}
	if (h)
		http_end(h);
	web_error(c, 500, "Server Error", STR_NULL, "Out of memory");
}

static void serve_raw(void *arg, struct web_call *c) { serve(arg, c, AMI_RAW, false); }
static void serve_html(void *arg, struct web_call *c) { serve(arg, c, AMI_HTML, false); }
static void serve_xml(void *arg, struct web_call *c) { serve(arg, c, AMI_XML, false); }
static void serve_digest_raw(void *arg, struct web_call *c) { serve(arg, c, AMI_RAW, true); }
static void serve_digest_html(void *arg, struct web_call *c) { serve(arg, c, AMI_HTML, true); }
static void serve_digest_xml(void *arg, struct web_call *c) { serve(arg, c, AMI_XML, true); }

static bool is_enabled(void *arg)
{
	const struct manager *mgr = arg;

	return mgr->conf && mgr->conf->enabled && mgr->conf->webenabled;
}

const struct web_route ami_http_routes[AMI_HTTP_ROUTES] = {
	{ "/rawman", false, "Raw HTTP Manager Event Interface", is_enabled, serve_raw },
	{ "/manager", false, "HTML Manager Event Interface", is_enabled, serve_html },
	{ "/mxml", false, "XML Manager Event Interface", is_enabled, serve_xml },
	{ "/arawman", false, "Raw HTTP Manager Event Interface w/Digest authentication", is_enabled, serve_digest_raw },
	{ "/amanager", false, "HTML Manager Event Interface w/Digest authentication", is_enabled, serve_digest_html },
	{ "/amxml", false, "XML Manager Event Interface w/Digest authentication", is_enabled, serve_digest_xml },
};
