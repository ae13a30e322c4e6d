/* What functions over text share: characters with their escapes, variables by name. */
#include "pbx/func/text.h"

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char number(struct str *s, int base, int max)
{
	int v = 0, d;

	for (int i = 0; i < max && s->n && (d = hex(s->p[0])) >= 0 && d < base; i++) {
		v = v * base + d;
		*s = str_skip(*s, 1);
	}
	return (char)v;
}

bool text_take(struct str *s, char *c)
{
	static const char letters[] = "abfnrtv", bytes[] = "\a\b\f\n\r\t\v";
	const char *at;

	if (!s->n)
		return false;
	*c = s->p[0];
	*s = str_skip(*s, 1);
	if (*c != '\\' || !s->n)
		return true;
	*c = s->p[0];
	*s = str_skip(*s, 1);
	at = *c ? strchr(letters, *c) : NULL;
	if (at)
		*c = bytes[at - letters];
	else if (*c == 'x' && s->n && hex(s->p[0]) >= 0)
		*c = number(s, 16, 2);
	else if (*c == '0')
		*c = number(s, 8, 3);
	return true;
}

void text_unescape(struct str s, struct buf *out)
{
	char c;

	while (text_take(&s, &c))
		if (c)
			buf_char(out, c);
}

void text_variable(struct pbx *p, struct channel *ch, struct str name, struct buf *out)
{
	struct buf expr = BUF_INIT;

	buf_puts(&expr, STR("${"), name, STR("}"));
	pbx_substitute(p, ch, buf_view(&expr), out);
	buf_free(&expr);
}

bool text_leading_int(struct str s, int64_t *out)
{
	size_t n = 0;

	s = str_trim(s);
	n += s.n && (s.p[0] == '-' || s.p[0] == '+');
	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	s = str_sub(s, 0, n);
	return !str_i64(s.n && s.p[0] == '+' ? str_skip(s, 1) : s, out);
}

bool text_leading_number(struct str s, double *out)
{
	enum { LONGEST = 63 };

	s = str_trim(s);
	for (size_t n = s.n < LONGEST ? s.n : LONGEST; n; n--)
		if (!str_double(str_sub(s, 0, n), out))
			return true;
	return false;
}
