/* The manager's lines as XML or as a page: what /mxml and /manager answer with. */
#include "manage/manager_page.h"
#include "net/ws_frame.h"
#include "service/web/web.h"
#include <errno.h>
#include <stdlib.h>

#define LINE_MAX_KEPT (1u << 20)        /* [bytes]; the rest of a longer line is left out */

struct name {
	unsigned n;
	size_t len;
	char text[];
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Can `s` name an element of XML? */
static bool is_element(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '_' && (s.p[i] != '-' || !i))
			return false;
	return s.n && s.n <= 64 && !(s.p[0] >= '0' && s.p[0] <= '9');
}

void ami_page_init(struct ami_page *p, enum ami_format f, struct str dest, struct str type)
{
	*p = (struct ami_page){ .format = f, .line = { .max = LINE_MAX_KEPT } };
	p->dest = dest.n ? dest : STR("unknown");
	p->type = is_element(type) ? type : STR("generic");
}

static void forget_names(struct ami_page *p)
{
	struct name *n;

	for (size_t it = 0; p->names && (n = map_next(p->names, &it)); )
		free(n);
	map_free(p->names);
	p->names = NULL;
}

void ami_page_free(struct ami_page *p)
{
	forget_names(p);
	buf_free(&p->line);
}

/* How many of that name there are in this message, with this one. */
static unsigned count_name(struct ami_page *p, struct str name)
{
	struct name *n;

	if (!p->names)
		p->names = map_new(false);
	n = p->names ? map_get(p->names, name) : NULL;
	if (n)
		return ++n->n;
	n = p->names ? malloc(sizeof(*n) + name.n + 1) : NULL;
	if (!n) {
		p->err = ENOMEM;
		return 1;
	}
	n->n = 1;
	n->len = name.n;
	if (name.n)
		memcpy(n->text, name.p, name.n);
	n->text[name.n] = 0;
	if (map_add(p->names, str_mk(n->text, n->len), n)) {
		free(n);
		p->err = ENOMEM;
	}
	return 1;
}

/* Bytes that are no UTF-8 would make the whole answer unreadable. */
static void put_text(struct buf *out, struct str s)
{
	struct buf plain = BUF_INIT;

	if (ws_is_utf8(s)) {
		web_escape(out, s);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		buf_char(&plain, (unsigned char)s.p[i] < 128 ? s.p[i] : '?');
	web_escape(out, buf_view(&plain));
	buf_free(&plain);
}

/* Small letters and digits; the rest is '_', and a digit does not stand first. */
static void put_attribute(struct buf *out, struct str name)
{
	if (!name.n || (name.p[0] >= '0' && name.p[0] <= '9'))
		buf_char(out, '_');
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		buf_char(out, !is_alnum(c) ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
	}
}

static void put_name(struct ami_page *p, struct str name, struct buf *out)
{
	struct buf shown = BUF_INIT;
	unsigned n;

	if (p->format == AMI_XML)
		put_attribute(&shown, name);
	else
		put_text(&shown, name);
	n = count_name(p, buf_view(&shown));
	buf_put(out, buf_view(&shown));
	if (n > 1)
		buf_printf(out, "-%u", n);
	if (buf_err(&shown))
		p->err = ENOMEM;
	buf_free(&shown);
}

static void close_value(struct ami_page *p, struct buf *out)
{
	buf_put(out, p->format == AMI_XML ? STR("'") : STR("</td></tr>\n"));
}

static void end_message(struct ami_page *p, struct buf *out)
{
	if (p->in_data)
		close_value(p, out);
	if (p->in_message)
		buf_put(out, p->format == AMI_XML ? STR(" /></response>\n") : STR("<tr><td colspan=\"2\"><hr></td></tr>\r\n"));
	p->in_data = p->in_message = false;
	forget_names(p);
}

static void begin_message(struct ami_page *p, struct buf *out)
{
	p->in_message = true;
	if (p->format != AMI_XML)
		return;
	buf_put(out, STR("<response type='object' id='"));
	put_text(out, p->dest);
	buf_puts(out, STR("'><"), p->type);
}

static void put_line(struct ami_page *p, struct str line, struct buf *out)
{
	bool xml = p->format == AMI_XML;
	size_t colon;

	line = str_rtrim(line);
	if (!line.n) {
		end_message(p, out);
		return;
	}
	if (!p->in_message)
		begin_message(p, out);
	if (p->in_data) {
		buf_put(out, xml ? STR("\n") : STR("<br>\n"));
		put_text(out, line);
		return;
	}
	colon = str_chr(line, ':');
	p->in_data = colon == line.n;
	buf_put(out, xml ? STR(" ") : STR("<tr><td>"));
	put_name(p, p->in_data ? STR("Opaque-data") : str_trim(str_sub(line, 0, colon)), out);
	buf_put(out, xml ? STR("='") : STR("</td><td>"));
	put_text(out, p->in_data ? line : str_ltrim(str_skip(line, colon + 1)));
	if (!p->in_data)
		close_value(p, out);
}

void ami_page_begin(struct ami_page *p, struct buf *out)
{
	if (p->format == AMI_XML)
		buf_put(out, STR("<ajax-response>\n"));
	else if (p->format == AMI_HTML)
		buf_put(out, STR("<!DOCTYPE html>\n<html><head><title>Manager</title></head><body>\n<form method=\"post\">\n"
			"<p>Action <input name=\"action\"> Command <input name=\"command\"></p>\n"
			"<p>User <input name=\"username\"> Password <input type=\"password\" name=\"secret\"></p>\n"
			"<p><input type=\"submit\" value=\"Send\"></p>\n</form>\n<table>\n"));
}

void ami_page_put(struct ami_page *p, struct str bytes, struct buf *out)
{
	if (p->format == AMI_RAW) {
		buf_put(out, bytes);
		return;
	}
	while (bytes.n && !p->err) {
		size_t n = str_chr(bytes, '\n');

		if (n == bytes.n) {
			buf_put(&p->line, str_sub(bytes, 0, p->line.max - p->line.n - 1));
			return;
		}
		if (!p->line.n) {
			put_line(p, str_sub(bytes, 0, n), out);
		} else {
			buf_put(&p->line, str_sub(bytes, 0, n < p->line.max - p->line.n ? n : p->line.max - p->line.n - 1));
			put_line(p, buf_view(&p->line), out);
			if (buf_err(&p->line))
				p->err = ENOMEM;
			buf_reset(&p->line);
		}
		bytes = str_skip(bytes, n + 1);
	}
}

void ami_page_end(struct ami_page *p, struct buf *out)
{
	if (p->line.n)
		put_line(p, buf_view(&p->line), out);
	end_message(p, out);
	if (p->format == AMI_XML)
		buf_put(out, STR("</ajax-response>\n"));
	else if (p->format == AMI_HTML)
		buf_put(out, STR("</table></body></html>\n"));
}
