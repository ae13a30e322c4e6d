/* What is sent with a request: parameters, cookies; and how text is put into a page. */
#include "service/web/web.h"
#include <errno.h>

struct str web_decode(char *mem, size_t n, bool plus)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t byte;

		if (mem[i] == '%' && n - i > 2 && !str_hex(str_mk(mem + i + 1, 2), &byte, 1)) {
			mem[out++] = (char)byte;
			i += 2;
		} else {
			mem[out++] = plus && mem[i] == '+' ? ' ' : mem[i];
		}
	}
	return str_mk(mem, out);
}

int web_params_parse(struct web_params *p, struct str encoded)
{
	char *mem;
	size_t from = p->text.n;
	struct str rest;

	/* Views into what may move: so there is one text, and nothing is added to it later. */
	if (from)
		return EINVAL;
	buf_put(&p->text, encoded);
	if (buf_err(&p->text))
		return ENOMEM;
	mem = p->text.p;
	for (rest = buf_view(&p->text); rest.n; ) {
		struct str value = str_cut_raw(&rest, '&'), name = str_cut_raw(&value, '=');

		if (!name.n && !value.n)
			continue;
		if (p->n == WEB_PARAMS)
			return E2BIG;
		p->v[p->n].name = web_decode(mem + (name.p - mem), name.n, true);
		p->v[p->n].value = value.n ? web_decode(mem + (value.p - mem), value.n, true) : STR_NULL;
		p->n++;
	}
	return 0;
}

void web_params_free(struct web_params *p)
{
	buf_free(&p->text);
}

struct str web_param(const struct web_params *p, struct str name)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_ieq(p->v[i].name, name))
			return p->v[i].value;
	return STR_NULL;
}

struct str web_cookie(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->fields; i++) {
		struct str rest = h->field[i].value;

		while (str_ieq(h->field[i].name, STR("Cookie")) && rest.n) {
			struct str value = str_cut_raw(&rest, ';'), key = str_trim(str_cut_raw(&value, '='));

			if (str_eq(key, name))
				return str_unquote(str_trim(value));
		}
	}
	return STR_NULL;
}

void web_escape(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '<')
			buf_put(b, STR("&lt;"));
		else if (c == '>')
			buf_put(b, STR("&gt;"));
		else if (c == '&')
			buf_put(b, STR("&amp;"));
		else if (c == '"')
			buf_put(b, STR("&quot;"));
		else if (c == '\'')
			buf_put(b, STR("&apos;"));
		else if (c < ' ' && c != '\t' && c != '\n' && c != '\r')
			buf_char(b, '?');       /* XML has no way to say it */
		else
			buf_char(b, (char)c);
	}
}
