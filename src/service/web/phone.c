/* /phone/...: the phone on a page, which `make web` builds from web/phone and sidetone-ua.js. */
#include "service/web/private.h"
#include <errno.h>
#include <unistd.h>

static const struct { const char *ext, *type; } types[] = {
	{ "html", "text/html; charset=utf-8" }, { "css", "text/css; charset=utf-8" }, { "js", "text/javascript; charset=utf-8" },
	{ "json", "application/json" }, { "svg", "image/svg+xml" }, { "png", "image/png" }, { "ico", "image/x-icon" },
	{ "wasm", "application/wasm" },
};

static void put_type(struct buf *b, struct str name)
{
	struct str ext = str_skip(name, str_rchr(name, '.') + 1);
	const char *type = "application/octet-stream";

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ieq(ext, str_z(types[i].ext)))
			type = types[i].type;
	buf_printf(b, "Content-type: %s\r\n", type);
}

/* The page may load its own files and compile its WebAssembly, open WebSockets (its user may name another server's)
 * and play what comes over WebRTC; nothing else, and no other page may show it. A form that is sent without the
 * script would put the password into an address: form-action. */
#define CSP "Content-Security-Policy: default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:; " \
	"media-src 'self' blob: mediastream:; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; " \
	"frame-ancestors 'none'\r\n"

static const struct web_place place = {
	.route = "/phone",
	.headers = CSP "Referrer-Policy: no-referrer\r\n",
	.put_type = put_type,
	.no_dir = "The page is not built. In Sidetone's sources: make web; the running server finds it then. An installed "
		"server has it in share/sidetone/phone, from make install after make web. phone_directory in http.conf names another "
		"directory.",
};

static void serve_page(struct web_call *c, struct str name)
{
	struct str data = text_view(&c->web->data_dir), program = text_view(&c->web->program_dir), dirs[WEB_DIRS] = { 0 };
	struct str ways[][2] = { { data, STR("/phone") }, { program, STR("/../share/sidetone/phone") }, { program, STR("/web/phone") } };
	struct text made[ARRAY_LEN(ways)] = { 0 };
	size_t n = 0;
	int err = 0;

	_Static_assert(ARRAY_LEN(ways) <= WEB_DIRS, "a place for each");
	if (c->web->conf->phone_directory.n)
		dirs[n++] = c->web->conf->phone_directory;
	for (size_t i = 0; i < ARRAY_LEN(ways) && !err && !c->web->conf->phone_directory.n; i++) {
		if (!ways[i][0].n)
			continue;
		err = text_cat(&made[i], ways[i][0], ways[i][1]);
		dirs[n++] = text_view(&made[i]);
	}
	if (err)
		web_error(c, 500, "Server Error", STR_NULL, "Out of memory");
	else
		web_serve_file(c, &place, dirs, name);
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		text_free(&made[i]);
}

/* What the page names is relative to /phone/, not to /phone. */
static void add_slash(struct web_call *c)
{
	const struct http_head *h = web_head(c);
	struct buf headers = BUF_INIT;

	buf_puts(&headers, STR("Location: "), h->path, STR("/"), h->query.n ? STR("?") : STR(""), h->query, STR("\r\n"));
	if (buf_err(&headers))
		web_error(c, 500, "Server Error", STR_NULL, "Out of memory");
	else
		web_reply(c, 302, "Moved Temporarily", buf_view(&headers), STR_NULL);
	buf_free(&headers);
}

void web_serve_phone(void *arg, struct web_call *c)
{
	struct str path = web_head(c)->path;

	(void)arg;
	if (!web_is_get(c))
		web_method_error(c);
	else if (!c->below.n && !str_ends(path, STR("/")))
		add_slash(c);
	else if (c->below.n && web_is_funny_file(c->below))
		web_refuse_file(c);
	else
		serve_page(c, c->below.n ? c->below : STR("index.html"));
}
