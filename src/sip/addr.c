/* Name-addrs: display name, URI, parameters (RFC 3261 20.10). */
#include "sip/uri.h"
#include "sip/chars.h"
#include <errno.h>

/* A quote that never closes could hide a separator from one reader and show it
 * to another: refused. */
static bool quotes_balanced(struct str s)
{
	for (size_t i = str_chr(s, '"'); i < s.n;) {
		size_t end = span_quoted(s, i);

		if (!end)
			return false;
		i = end + str_chr(from_to(s, end, s.n), '"');
	}
	return true;
}

/* What follows the address: nothing, or ;params. A tag must not be empty:
 * dialogs are told apart by it. Of several, a slip of careless peers, the
 * first counts: everybody's parameter search finds that one. */
static int params_parse(struct sip_addr *a, struct str rest)
{
	struct str name, value;

	rest = trim(rest);
	if (!rest.n)
		return 0;
	if (rest.p[0] != ';' || !quotes_balanced(rest))
		return EBADMSG;
	a->params = rest = trim(from_to(rest, 1, rest.n));
	while (param_next(&rest, &name, &value)) {
		if (name.n != 3 || !str_ieq(name, STR("tag")))
			continue;
		if (!value.n)
			return EBADMSG;
		if (!a->tag.n)
			a->tag = value;
	}
	return 0;
}

/* <uri>;params, with s.p[i] the '<' */
static int bracketed_parse(struct sip_addr *a, struct str s, size_t i)
{
	size_t end = i + str_chr(from_to(s, i, s.n), '>');

	if (end == s.n)
		return EBADMSG;
	a->bracketed = true;
	a->uri_text = from_to(s, i + 1, end);
	return params_parse(a, from_to(s, end + 1, s.n));
}

/* A user part may hold ';' ("sip:123;phone-context=x@host"). That such a URI
 * wants <> (RFC 3261 20) not all peers know; an '@' tells it from parameters,
 * where none can stand outside of quotes. */
static size_t user_length(struct str s)
{
	size_t at = str_chr(s, '@');

	return at < s.n && at < str_chr(s, '"') && at < str_chr(s, '?') && at < str_chr(s, ',') ? at : 0;
}

/* uri;params. RFC 3261 20: a URI with a comma, question mark or semicolon must
 * have brackets, so those of the last kind belong to the header. */
static int bare_parse(struct sip_addr *a, struct str s)
{
	size_t end = 0;

	end = user_length(s);
	while (end < s.n && s.p[end] != ';') {
		if (s.p[end] == '?' || s.p[end] == ',')
			return EBADMSG;
		end++;
	}
	a->uri_text = trim(from_to(s, 0, end));
	return params_parse(a, from_to(s, end, s.n));
}

/* Words before a '<'. Tokens by the grammar; phones write any letters there,
 * but a comma or semicolon would change what the line is. */
static bool words_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f || c == ',' || c == ';' || c == '>')
			return false;
	}
	return true;
}

int sip_addr_parse(struct sip_addr *out, struct str value)
{
	struct str s = trim(value);
	struct sip_addr a = { 0 };
	size_t i = 0;
	int err;

	if (str_eq(s, STR("*"))) {
		*out = (struct sip_addr){ .star = true };
		return 0;
	}
	if (s.n && s.p[0] == '"') {
		size_t end = span_quoted(s, 0);

		if (!end)
			return EBADMSG;
		a.display = from_to(s, 1, end - 1);
		i = span(s, end, CHAR_BLANK);
		err = i < s.n && s.p[i] == '<' ? bracketed_parse(&a, s, i) : EBADMSG;
	} else {
		while (i < s.n && s.p[i] != '<' && s.p[i] != '"')
			i++;
		if (i < s.n && s.p[i] == '<') {
			a.display = trim(from_to(s, 0, i));
			err = words_ok(a.display) ? bracketed_parse(&a, s, i) : EBADMSG;
		} else {
			err = bare_parse(&a, s);
		}
	}
	if (!err)
		err = sip_uri_parse(&a.uri, a.uri_text);
	if (!err)
		*out = a;
	return err;
}

struct str sip_unquote(struct arena *a, struct str s)
{
	size_t n, i;
	char *p;

	s = str_unquote(s);
	i = n = str_chr(s, '\\');
	if (i == s.n)
		return s;
	p = arena_alloc(a, s.n);
	if (!p)
		return STR_NULL;
	memcpy(p, s.p, n);
	for (; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		p[n++] = s.p[i];
	}
	return str_mk(p, n);
}

/* A line end in the text would end the header: it becomes a blank. */
void sip_write_quoted(struct buf *b, struct str text)
{
	size_t from = 0;

	buf_char(b, '"');
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c != '"' && c != '\\' && c != '\r' && c != '\n' && c != 0)
			continue;
		buf_put(b, from_to(text, from, i));
		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		buf_char(b, c == '"' || c == '\\' ? c : ' ');
		from = i + 1;
	}
	if (text.n > from)
		buf_put(b, from_to(text, from, text.n));
	buf_char(b, '"');
}

void sip_write_addr(struct buf *b, struct str display, struct str uri)
{
	if (display.n) {
		sip_write_quoted(b, display);
		buf_char(b, ' ');
	}
	buf_puts(b, STR("<"), uri, STR(">"));
}
