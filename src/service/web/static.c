/* /static/...: the files below static-http in the data directory. */
#include "service/web/private.h"

/* What is said of a file by its name; others are text/NAME, as in Asterisk. */
static const struct { const char *ext, *type; } types[] = {
	{ "png", "image/png" }, { "xml", "text/xml" }, { "jpg", "image/jpeg" }, { "jpeg", "image/jpeg" },
	{ "js", "application/x-javascript" }, { "mjs", "text/javascript" }, { "json", "application/json" },
	{ "map", "application/json" }, { "wav", "audio/x-wav" }, { "mp3", "audio/mpeg" }, { "ogg", "audio/ogg" },
	{ "svg", "image/svg+xml" }, { "svgz", "image/svg+xml" }, { "gif", "image/gif" }, { "ico", "image/x-icon" },
	{ "webp", "image/webp" }, { "html", "text/html" }, { "htm", "text/html" }, { "css", "text/css" },
	{ "txt", "text/plain" }, { "cnf", "text/plain" }, { "cfg", "text/plain" }, { "woff", "font/woff" },
	{ "woff2", "font/woff2" }, { "wasm", "application/wasm" }, { "bin", "application/octet-stream" },
	{ "sbn", "application/octet-stream" }, { "ld", "application/octet-stream" },
};

static void put_type(struct buf *b, struct str name)
{
	size_t dot = str_rchr(name, '.'), i = 0;
	struct str ext = str_skip(name, dot + 1);

	for (; i < ext.n; i++)
		if (!((ext.p[i] >= 'a' && ext.p[i] <= 'z') || (ext.p[i] >= 'A' && ext.p[i] <= 'Z') || (ext.p[i] >= '0' && ext.p[i] <= '9')))
			break;
	if (!ext.n || i < ext.n)
		ext = STR("plain");
	for (i = 0; i < ARRAY_LEN(types); i++)
		if (str_ieq(ext, str_z(types[i].ext)))
			break;
	if (i < ARRAY_LEN(types))
		buf_printf(b, "Content-type: %s\r\n", types[i].type);
	else
		buf_printf(b, "Content-type: text/%.*s\r\n", STR_ARG(ext));
}

static const struct web_place place = { .route = "/static", .headers = "", .put_type = put_type };

void web_serve_static(void *arg, struct web_call *c)
{
	struct str private = STR("private/"), dirs[WEB_DIRS] = { 0 };
	struct buf dir = BUF_INIT;

	(void)arg;
	if (!web_is_get(c)) {
		web_method_error(c);
		return;
	}
	if (web_is_funny_file(c->below) || ((str_starts(c->below, private) || str_find(c->below, STR("/private/")) < c->below.n) &&
					    !web_is_proven(c))) {
		web_refuse_file(c);
		return;
	}
	buf_puts(&dir, text_view(&c->web->data_dir), STR("/static-http"));
	dirs[0] = buf_view(&dir);
	if (buf_err(&dir))
		web_error(c, 500, "Server Error", STR_NULL, "Out of memory");
	else
		web_serve_file(c, &place, dirs, c->below);
	buf_free(&dir);
}
