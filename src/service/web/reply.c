/* Answers of the server of HTTP, whole or piece by piece, and the pages of its errors. */
#include "service/web/private.h"
#include "base/fiber.h"
#include <errno.h>
#include <time.h>

static void put_date(struct buf *b, int64_t s)
{
	time_t at = (time_t)s;
	char text[64];
	struct tm tm;

	if (gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		buf_printf(b, "Date: %s\r\n", text);
}

static void put_head(struct web_call *c, struct buf *b, unsigned status, const char *title, struct str headers, uint64_t length)
{
	struct str server = c->web->conf ? c->web->conf->servername : STR_NULL;

	buf_printf(b, "HTTP/1.1 %u %s\r\n", status, title);
	if (server.n)
		buf_puts(b, STR("Server: "), server, STR("\r\n"));
	put_date(b, clock_wall_s(loop_clock(c->web->loop)));
	if (c->close)
		buf_put(b, STR("Connection: close\r\n"));
	if (str_ifind(headers, STR("Cache-Control:")) == headers.n)
		buf_put(b, STR("Cache-Control: no-cache, no-store\r\n"));
	buf_puts(b, STR("X-Content-Type-Options: nosniff\r\n"), headers);
	if (c->chunked)
		buf_put(b, STR("Transfer-Encoding: chunked\r\n"));
	else if (length != WEB_UNKNOWN)
		buf_printf(b, "Content-Length: %llu\r\n", (unsigned long long)length);
	buf_put(b, STR("\r\n"));
}

static void send_bytes(struct web_call *c, struct str bytes, enum net_http_then then)
{
	int err;

	if (web_gone(c))
		return;
	err = net_http_send(c->web->net, c->path.conn, bytes, then);
	/* An answer with a hole in it is none. ENOTCONN: its end is being told. */
	if (err && err != ENOTCONN)
		net_disconnect(c->web->net, c->path.conn);
	if (then != HTTP_MORE) {
		web_call_over(c);
	} else if (bytes.n) {
		c->waiting += bytes.n;
		c->full = true;
	}
}

static enum net_http_then then_of(const struct web_call *c)
{
	return c->close ? HTTP_CLOSE : HTTP_NEXT;
}

void web_reply(struct web_call *c, unsigned status, const char *title, struct str headers, struct str body)
{
	struct buf b = BUF_INIT;

	if (web_gone(c) || c->state != WEB_NOT_BEGUN)
		return;
	put_head(c, &b, status, title, headers, body.n);
	if (!c->silent)
		buf_put(&b, body);
	if (buf_err(&b))
		web_cut_off(c);
	else
		send_bytes(c, buf_view(&b), then_of(c));
	buf_free(&b);
}

void web_error(struct web_call *c, unsigned status, const char *title, struct str headers, const char *text)
{
	struct buf page = BUF_INIT, all = BUF_INIT;

	if (web_gone(c))
		return;
	buf_printf(&page, "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\r\n<html><head>\r\n<title>%u %s</title>\r\n"
		   "</head><body>\r\n<h1>%s</h1>\r\n<p>", status, title, title);
	web_escape(&page, str_z(text));
	buf_put(&page, STR("</p>\r\n<hr />\r\n"));
	if (c->web->conf && c->web->conf->servername.n) {
		buf_put(&page, STR("<address>"));
		web_escape(&page, c->web->conf->servername);
		buf_put(&page, STR("</address>\r\n"));
	}
	buf_put(&page, STR("</body></html>\r\n"));
	buf_puts(&all, headers, STR("Content-type: text/html\r\n"));
	if (buf_err(&page) || buf_err(&all))
		web_cut_off(c);
	else
		web_reply(c, status, title, buf_view(&all), buf_view(&page));
	buf_free(&all);
	buf_free(&page);
}

void web_method_error(struct web_call *c)
{
	web_error(c, 501, "Not Implemented", STR_NULL, "Attempt to use unimplemented / unsupported method");
}

/* ---- in pieces -------------------------------------------------------------------------------- */

void web_begin(struct web_call *c, unsigned status, const char *title, struct str headers, uint64_t length)
{
	struct buf b = BUF_INIT;

	if (web_gone(c) || c->state != WEB_NOT_BEGUN)
		return;
	c->state = WEB_BEGUN;
	c->chunked = length == WEB_UNKNOWN && web_head(c)->minor;
	/* HTTP/1.0 knows the end of the connection only. */
	c->close |= length == WEB_UNKNOWN && !c->chunked;
	put_head(c, &b, status, title, headers, length);
	if (buf_err(&b))
		web_cut_off(c);
	else
		send_bytes(c, buf_view(&b), HTTP_MORE);
	buf_free(&b);
}

void web_write(struct web_call *c, struct str bytes)
{
	struct buf b = BUF_INIT;

	if (web_gone(c) || c->state != WEB_BEGUN || c->silent || !bytes.n)
		return;
	if (!c->chunked) {
		send_bytes(c, bytes, HTTP_MORE);
		return;
	}
	buf_printf(&b, "%zx\r\n", bytes.n);
	buf_puts(&b, bytes, STR("\r\n"));
	if (buf_err(&b))
		web_cut_off(c);
	else
		send_bytes(c, buf_view(&b), HTTP_MORE);
	buf_free(&b);
}

void web_end(struct web_call *c)
{
	if (!web_gone(c) && c->state == WEB_BEGUN)
		send_bytes(c, c->chunked && !c->silent ? STR("0\r\n\r\n") : STR_NULL, then_of(c));
}

int web_drain(struct web_call *c)
{
	struct fiber *before = c->waiter;

	c->waiter = fiber_self();
	while (!web_gone(c) && c->full && c->waiting > WEB_LOW)
		fiber_wait();
	c->waiter = before;
	return web_gone(c) ? EPIPE : 0;
}

void web_cut_off(struct web_call *c)
{
	if (web_gone(c))
		return;
	net_disconnect(c->web->net, c->path.conn);
	web_call_over(c);
}

/* ---- as they are ------------------------------------------------------------------------------- */

void web_raw(struct web_call *c, struct str bytes)
{
	send_bytes(c, bytes, HTTP_CLOSE);
}

void web_upgrade(struct web_call *c, struct str bytes, uint32_t id, uint32_t write_ms)
{
	struct web *w = c->web;

	if (!w)
		return;
	if (net_http_upgrade(w->net, c->path.conn, bytes, id, write_ms))
		net_disconnect(w->net, c->path.conn);
	web_call_over(c);
	/* It counts as a connection of HTTP no longer. */
	web_closed(w, &c->path);
}
