/* Cuts the bytes of a manager into lines and messages, within their limits. */
#include "manage/manager_parse.h"
#include <errno.h>

void ami_parser_init(struct ami_parser *p)
{
	memset(p, 0, sizeof(*p));
	p->line_max = AMI_LINE_MAX;
	p->msg.text.max = 2 * AMI_LINE_MAX * AMI_LINES_MAX;
}

void ami_parser_free(struct ami_parser *p)
{
	buf_free(&p->msg.text);
}

static void restart_message(struct ami_parser *p)
{
	buf_reset(&p->msg.text);
	p->msg.n = 0;
	p->line = 0;
	p->too_long = p->too_many = p->done = p->skip = false;
}

static void cut_lines(struct ami_message *m)
{
	size_t from = 0;

	for (size_t i = 0; i < m->n; from = m->end[i++]) {
		struct str rest = str_mk(m->text.p + from, m->end[i] - from);
		struct ami_line *l = &m->v[i];
		size_t colon = str_chr(rest, ':');
		bool named = colon < rest.n;

		l->line = rest;
		l->name = named ? str_sub(rest, 0, colon) : STR_NULL;
		l->value = named ? str_ltrim(str_skip(rest, colon + 1)) : STR_NULL;
	}
}

/* Bytes of the current line; one more than the limit, for the CR of a full one. */
static void take_part(struct ami_parser *p, struct str part)
{
	struct buf *b = &p->msg.text;

	if (b->n - p->line + part.n <= p->line_max + 1) {
		buf_put(b, part);
		return;
	}
	p->too_long = p->skip = true;
	b->n = p->line;
}

/* The line is whole. True: it was the empty one. */
static bool end_line(struct ami_parser *p)
{
	struct ami_message *m = &p->msg;
	size_t n;

	if (p->skip) {
		p->skip = false;
		return false;
	}
	if (m->text.n > p->line && m->text.p[m->text.n - 1] == '\r')
		m->text.n--;
	n = m->text.n - p->line;
	if (!n)
		return true;
	if (n > p->line_max || m->n == AMI_LINES_MAX) {
		p->too_long |= n > p->line_max;
		p->too_many |= n <= p->line_max;
		m->text.n = p->line;
		return false;
	}
	m->end[m->n++] = m->text.n;
	p->line = m->text.n;
	return false;
}

int ami_parse(struct ami_parser *p, struct str *in)
{
	if (p->done)
		restart_message(p);
	while (in->n) {
		size_t n = str_chr(*in, '\n');
		bool whole = n < in->n;

		if (!p->skip)
			take_part(p, str_sub(*in, 0, n));
		*in = str_skip(*in, whole ? n + 1 : n);
		if (buf_err(&p->msg.text))
			return ENOMEM;
		if (!whole || !end_line(p))
			continue;
		p->done = true;
		cut_lines(&p->msg);
		return p->too_long ? EMSGSIZE : p->too_many ? E2BIG : 0;
	}
	return EAGAIN;
}

struct str ami_header(const struct ami_message *m, struct str name)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].name.p && str_ieq(m->v[i].name, name))
			return m->v[i].value;
	return STR_NULL;
}
