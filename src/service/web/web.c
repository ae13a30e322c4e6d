/* The server of HTTP: its listeners and connections, and the way of a request to its route. */
#define LOG_MODULE "http"
#include "service/web/private.h"
#include "base/fiber.h"
#include "base/log.h"
#include "service/object/object.h"
#include <errno.h>
#include <stdlib.h>

/* ---- calls ------------------------------------------------------------------------------------- */

static void call_free(void *arg)
{
	struct web_call *c = arg;

	obj_drop(c->request);
	free(c->below_text);
}

bool web_is_get(const struct web_call *c)
{
	return str_eq(web_head(c)->method, STR("GET")) || str_eq(web_head(c)->method, STR("HEAD"));
}

bool web_is_secure(const struct web_call *c)
{
	return net_is_secure(c->path.proto);
}

/* ---- routes ------------------------------------------------------------------------------------- */

static bool static_enabled(void *arg)
{
	const struct web *w = arg;

	return w->conf && w->conf->enable_static;
}

static bool phone_enabled(void *arg)
{
	const struct web *w = arg;

	return w->conf && w->conf->enable_phone;
}

static bool status_enabled(void *arg)
{
	const struct web *w = arg;

	return w->conf && w->conf->enable_status;
}

static const struct web_route own_routes[] = {
	{ "/httpstatus", false, "Asterisk HTTP General Status", status_enabled, web_serve_status },
	{ "/static", true, "Asterisk HTTP Static Delivery", static_enabled, web_serve_static },
	{ "/phone", true, "Phone on a page", phone_enabled, web_serve_phone },
};

/* Where the program is: its page is in share/sidetone/phone of the same PREFIX, or, in a build, in web/phone. */
static int find_program(struct text *dir)
{
	char path[1024];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	struct str s = str_mk(path, n > 0 && (size_t)n < sizeof(path) ? (size_t)n : 0);

	s.n = s.n ? str_rchr(s, '/') : 0;
	return text_set(dir, s);
}

int web_add_routes(struct web *w, const struct web_route *rows, size_t n, void *arg)
{
	struct web_mount *more = realloc(w->mount, (w->mounts + 1) * sizeof(*more));

	if (!more)
		return ENOMEM;
	w->mount = more;
	w->mount[w->mounts++] = (struct web_mount){ rows, n, arg };
	return 0;
}

void web_remove_routes(struct web *w, const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < w->mounts; i++)
		if (w->mount[i].arg != arg)
			w->mount[kept++] = w->mount[i];
	w->mounts = kept;
}

static bool is_enabled(const struct web_mount *m, const struct web_route *r)
{
	return !r->enabled || r->enabled(m->arg);
}

/* *below: what stands behind it and its '/'. */
static bool route_fits(const struct web_route *r, struct str path, struct str *below)
{
	struct str own = str_z(r->path);

	if (!str_istarts(path, own))
		return false;
	*below = str_skip(path, own.n);
	if (below->n && below->p[0] != '/')
		return false;
	*below = str_skip(*below, 1);
	return !below->n || r->below;
}

static const struct web_route *find_route(const struct web *w, struct str path, struct str *below, void **arg)
{
	for (size_t i = 0; i < w->mounts; i++) {
		const struct web_mount *m = &w->mount[i];

		for (size_t k = 0; k < m->n; k++)
			if (route_fits(&m->rows[k], path, below) && is_enabled(m, &m->rows[k])) {
				*arg = m->arg;
				return &m->rows[k];
			}
	}
	return NULL;
}

/* How many are there that are listed before `at`? */
static size_t rank_of(const struct web *w, size_t mount, size_t row)
{
	size_t n = strlen(w->mount[mount].rows[row].path), rank = 0;

	for (size_t i = 0; i < w->mounts; i++)
		for (size_t k = 0; k < w->mount[i].n; k++) {
			size_t len = strlen(w->mount[i].rows[k].path);

			if (is_enabled(&w->mount[i], &w->mount[i].rows[k]))
				rank += len > n || (len == n && (i < mount || (i == mount && k < row)));
		}
	return rank;
}

const struct web_route *web_route_at(const struct web *w, size_t at)
{
	for (size_t i = 0; i < w->mounts; i++)
		for (size_t k = 0; k < w->mount[i].n; k++)
			if (is_enabled(&w->mount[i], &w->mount[i].rows[k]) && rank_of(w, i, k) == at)
				return &w->mount[i].rows[k];
	return NULL;
}

void web_set_proof(struct web *w, bool (*proven)(void *arg, const struct web_call *c), void *arg)
{
	w->proven = proven;
	w->proven_arg = arg;
}

bool web_is_proven(const struct web_call *c)
{
	return c->web && c->web->proven && c->web->proven(c->web->proven_arg, c);
}

/* ---- a request ---------------------------------------------------------------------------------- */

static const struct { unsigned status; const char *title; } titles[] = {
	{ 400, "Bad Request" }, { 413, "Request Entity Too Large" }, { 417, "Expectation Failed" },
	{ 431, "Request Header Fields Too Large" }, { 501, "Unimplemented" }, { 505, "HTTP Version Not Supported" },
};

static void refuse_unread(struct web_call *c)
{
	const char *title = "Bad Request";

	for (size_t i = 0; i < ARRAY_LEN(titles); i++)
		if (titles[i].status == c->request->fault)
			title = titles[i].title;
	web_error(c, c->request->fault, title, STR_NULL, c->request->why);
}

/* RFC 9112 3.2: one Host, and HTTP/1.0 may have none. */
static bool has_host(const struct http_head *h)
{
	struct str host;
	size_t n = http_field(h, STR("Host"), &host);

	return n == 1 || (!n && !h->minor);
}

/* The path as routes and files understand it, so that no other way of writing it goes around a restriction. */
static struct str plain_path(char *mem, size_t n)
{
	struct str s = web_decode(mem, n, true);
	size_t out = 0;

	for (size_t i = 0; i < s.n; i++)
		if (mem[i] != '/' || !out || mem[out - 1] != '/')
			mem[out++] = mem[i];
	return str_mk(mem, out);
}

/* The first that refuses decides: a narrower one that permits does not help. */
static bool is_restricted(const struct web *w, const struct web_call *c)
{
	char *mem = w->conf->restrictions ? str_dup(web_head(c)->path) : NULL;
	bool refused = w->conf->restrictions && !mem;
	struct str path = mem ? plain_path(mem, web_head(c)->path.n) : STR_NULL, list;

	for (const struct http_restriction *x = w->conf->restrictions; x && !refused; x = x->next)
		refused = str_istarts(path, x->path) && !acl_set_permits(x->acl, &c->path.peer, &list);
	free(mem);
	return refused;
}

static bool redirect(struct web_call *c)
{
	const struct http_conf *h = c->web->conf;

	for (size_t i = h->redirects_n; i-- > 0; ) {
		struct buf headers = BUF_INIT;

		if (!str_ieq(web_head(c)->path, h->redirects[i].from))
			continue;
		buf_puts(&headers, STR("Location: "), h->redirects[i].to, STR("\r\n"));
		web_reply(c, 302, "Moved Temporarily", buf_view(&headers), STR_NULL);
		buf_free(&headers);
		return true;
	}
	return false;
}

static int decode_below(struct web_call *c, struct str below)
{
	c->below_text = str_dup(below);
	if (!c->below_text)
		return ENOMEM;
	c->below = web_decode(c->below_text, below.n, true);
	/* "%00" would end the name for whoever opens it. */
	return str_chr(c->below, '\0') < c->below.n ? EBADMSG : 0;
}

static void route(struct web *w, struct web_call *c)
{
	struct str path = web_head(c)->path, prefix = w->conf->path, below = STR_NULL;
	const struct web_route *r = NULL;
	void *arg = NULL;
	int err = 0;

	if (str_istarts(path, prefix))
		r = find_route(w, str_skip(path, prefix.n), &below, &arg);
	if (r)
		err = decode_below(c, below);
	if (err)
		web_error(c, err == ENOMEM ? 500 : 400, err == ENOMEM ? "Server Error" : "Bad Request", STR_NULL,
			  err == ENOMEM ? "Out of memory" : "Invalid Request");
	else if (r)
		r->serve(arg, c);
	else
		web_error(c, 404, "Not Found", STR_NULL, "The requested URL was not found on this server.");
}

static void serve(struct web *w, struct web_call *c)
{
	if (c->request->fault) {
		refuse_unread(c);
	} else if (!has_host(web_head(c))) {
		c->close = true;
		web_error(c, 400, "Bad Request", STR_NULL, "One Host is needed.");
	} else if (is_restricted(w, c)) {
		c->close = true;
		web_error(c, 403, "Forbidden", STR_NULL, "Access denied by ACL");
	} else if (!redirect(c)) {
		route(w, c);
	}
}

void web_request(struct web *w, const struct net_path *path, struct http_request *r)
{
	struct web_conn *conn = w ? web_conn_of(w, path->conn) : NULL;
	struct web_call *c = conn && w->conf ? obj_new(sizeof(*c), call_free) : NULL;

	if (!c) {
		if (w)
			net_disconnect(w->net, path->conn);
		obj_drop(r);
		return;
	}
	c->web = w;
	c->request = r;
	c->path = *path;
	c->close = r->last;
	c->silent = str_eq(r->head.method, STR("HEAD"));
	conn->call = obj_hold(c);
	list_remove(&conn->link);
	serve(w, c);
	obj_drop(c);
}

/* ---- configuration ------------------------------------------------------------------------------- */

void web_set_conf(struct web *w, const struct http_conf *h, void *hold, struct report *r)
{
	void *old = w->hold;

	atomic_store_explicit(&w->limits->inactivity_ms, h->session_inactivity, memory_order_relaxed);
	atomic_store_explicit(&w->limits->keep_alive_ms, h->session_keep_alive, memory_order_relaxed);
	web_set_listener(w, &w->plain, h, false, r);
	web_set_listener(w, &w->secure, h, true, r);
	w->conf = h;
	w->hold = obj_hold(hold);
	obj_drop(old);
}

const struct http_conf *web_conf(const struct web *w)
{
	return w->conf;
}

bool web_bound(const struct web *w, bool tls, struct sa *out)
{
	const struct web_listener *l = tls ? &w->secure : &w->plain;

	if (l->id)
		*out = l->bound;
	return l->id != 0;
}

struct tls_context *web_tls(const struct web *w)
{
	return w->secure.tls;
}

/* ---- life ----------------------------------------------------------------------------------------- */

static void web_free(void *arg)
{
	struct web *w = arg;

	map_free(w->conns);
	obj_drop(w->limits);
	obj_drop(w->hold);
	text_free(&w->data_dir);
	text_free(&w->program_dir);
	free(w->mount);
}

struct web *web_new(const struct web_prm *prm)
{
	struct web *w = obj_new(sizeof(*w), web_free);

	if (!w)
		return NULL;
	w->loop = prm->loop;
	w->net = prm->net;
	w->bind = prm->bind;
	list_init(&w->idle);
	w->conns = map_new(false);
	w->limits = http_limits_new(30000, 15000);
	if (!w->conns || !w->limits || text_set(&w->data_dir, prm->data_dir) || find_program(&w->program_dir) ||
	    web_add_routes(w, own_routes, ARRAY_LEN(own_routes), w))
		w = obj_drop(w);
	return w;
}

void web_set_data_dir(struct web *w, struct str dir)
{
	text_set(&w->data_dir, dir);
}

void web_stop(struct web *w)
{
	struct web_conn *conn;

	if (!w)
		return;
	web_stop_listener(w, &w->plain);
	web_stop_listener(w, &w->secure);
	for (size_t it = 0; (conn = map_next(w->conns, &it)); ) {
		uint64_t id = conn->id;

		web_forget(w, conn);
		net_disconnect(w->net, id);
	}
	w->mounts = 0;
	w->stopped = true;
	obj_drop(w);
}
