/* /httpstatus: what the server of HTTP is set to, and what it was asked with. */
#include "service/web/private.h"

static void put_row(struct buf *b, const char *what, struct str name, const char *after, struct str value)
{
	buf_printf(b, "<tr><td><i>%s", what);
	web_escape(b, name);
	buf_printf(b, "%s</i></td><td>", after);
	web_escape(b, value);
	buf_put(b, STR("</td></tr>\r\n"));
}

static void put_line(struct buf *b)
{
	buf_put(b, STR("<tr><td colspan=\"2\"><hr></td></tr>\r\n"));
}

static void put_cookies(struct buf *b, const struct http_head *h)
{
	for (size_t i = 0; i < h->fields; i++) {
		struct str rest = h->field[i].value;

		while (str_ieq(h->field[i].name, STR("Cookie")) && rest.n) {
			struct str value = str_cut_raw(&rest, ';'), name = str_trim(str_cut_raw(&value, '='));

			value = str_unquote(str_trim(value));
			/* Scripts of a page must not find here what HttpOnly keeps from them. */
			if (name.n && value.n)
				put_row(b, "Cookie '", name, "'", str_eq(name, STR("mansession_id")) ? STR("***") : value);
		}
	}
}

static void put_page(struct buf *b, const struct web_call *c, const struct web_params *p)
{
	const struct http_conf *h = web_conf(c->web);
	char text[SA_TEXT];
	struct sa at;

	buf_put(b, STR("<html><head><title>HTTP Status</title></head>\r\n<body>\r\n<table>\r\n"
		       "<tr><th colspan=\"2\">HTTP Status</th></tr>\r\n"));
	put_row(b, "Server", STR_NULL, "", h->servername);
	put_row(b, "Prefix", STR_NULL, "", h->path);
	if (web_bound(c->web, false, &at))
		put_row(b, "Bind Address", STR_NULL, "", str_z(sa_text(&at, text)));
	if (web_bound(c->web, true, &at))
		put_row(b, "TLS Bind Address", STR_NULL, "", str_z(sa_text(&at, text)));
	put_line(b);
	for (size_t i = 0; i < p->n; i++)
		put_row(b, "Submitted GET Variable '", p->v[i].name, "'", p->v[i].value);
	put_line(b);
	put_cookies(b, web_head(c));
	buf_put(b, STR("</table></body></html>\r\n"));
}

void web_serve_status(void *arg, struct web_call *c)
{
	struct web_params p = { .n = 0 };
	struct buf page = BUF_INIT;

	(void)arg;
	if (!web_is_get(c)) {
		web_method_error(c);
		return;
	}
	web_params_parse(&p, web_head(c)->query);
	put_page(&page, c, &p);
	if (buf_err(&page))
		web_cut_off(c);
	else
		web_reply(c, 200, "OK", STR("Content-type: text/html\r\n"), buf_view(&page));
	buf_free(&page);
	web_params_free(&p);
}
