/* The head of an HTTP/1.1 request or answer, cut into views. */
#include "net/http.h"
#include <errno.h>

static bool is_tchar(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_tchar(s.p[i]))
			return false;
	return s.n != 0;
}

/* Blanks and what is visible; bytes over 127 are somebody's old character set. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] == 127)
			return false;
	return true;
}

static bool is_target(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 127)
			return false;
	return s.n != 0;
}

/* "http://a:80/x" (RFC 9112 3.2.2): the authority, which is cut off; a bare one asks for "/". */
static struct str cut_authority(struct str *target)
{
	size_t scheme = str_istarts(*target, STR("http://")) ? 7 : str_istarts(*target, STR("https://")) ? 8 : 0;
	struct str rest = str_skip(*target, scheme), authority;
	size_t end = 0;

	if (!scheme)
		return STR_NULL;
	while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
		end++;
	authority = str_sub(rest, 0, end);
	*target = end < rest.n ? str_skip(rest, end) : STR("/");
	return authority;
}

/* All up to CRLF; false: a bare LF or CR. */
static bool cut_line(struct str *rest, struct str *line)
{
	size_t lf = str_chr(*rest, '\n');

	if (lf == rest->n || !lf || rest->p[lf - 1] != '\r')
		return false;
	*line = str_sub(*rest, 0, lf - 1);
	*rest = str_skip(*rest, lf + 1);
	return str_chr(*line, '\r') == line->n;
}

static int parse_version(struct http_head *h, struct str s)
{
	if (s.n != 8 || !str_starts(s, STR("HTTP/")) || s.p[6] != '.' || s.p[5] < '0' || s.p[5] > '9' || s.p[7] < '0' ||
	    s.p[7] > '9')
		return EBADMSG;
	h->minor = (unsigned)(s.p[7] - '0');
	return s.p[5] == '1' ? 0 : ENOTSUP;
}

static int parse_request_line(struct http_head *h, struct str line)
{
	struct str method = str_cut_raw(&line, ' '), target = str_cut_raw(&line, ' ');

	if (!is_token(method) || !is_target(target))
		return EBADMSG;
	h->authority = cut_authority(&target);
	if (target.p[0] != '/')
		return EBADMSG;
	h->method = method;
	h->path = str_cut_raw(&target, '?');
	h->query = target;
	return parse_version(h, line);
}

static int parse_status_line(struct http_head *h, struct str line)
{
	struct str version = str_cut_raw(&line, ' '), code = str_cut_raw(&line, ' ');
	uint32_t n;

	if (code.n != 3 || str_u32(code, &n) || n < 100 || !is_value(line))
		return EBADMSG;
	h->status = n;
	if (parse_version(h, version))
		return EBADMSG;
	return h->minor ? 0 : ENOTSUP;
}

static int parse_field(struct http_head *h, struct str line)
{
	size_t colon = str_chr(line, ':');
	struct str name = str_sub(line, 0, colon);

	if (h->fields == HTTP_FIELDS_MAX)
		return EMSGSIZE;
	if (colon == line.n || !is_token(name) || !is_value(line))
		return EBADMSG;
	h->field[h->fields++] = (struct http_field){ name, str_trim(str_skip(line, colon + 1)) };
	return 0;
}

static int parse_head(struct http_head *h, struct str data, size_t *len, bool request)
{
	size_t end = str_find(data, STR("\r\n\r\n"));
	struct str rest, line;
	int err;

	*h = (struct http_head){ 0 };
	if (end == data.n || end + 4 > HTTP_HEAD_MAX)
		return data.n >= HTTP_HEAD_MAX ? EMSGSIZE : EAGAIN;
	rest = str_sub(data, 0, end + 2);
	if (!cut_line(&rest, &line))
		return EBADMSG;
	err = request ? parse_request_line(h, line) : parse_status_line(h, line);
	while (!err && rest.n)
		err = cut_line(&rest, &line) ? parse_field(h, line) : EBADMSG;
	if (!err)
		*len = end + 4;
	return err;
}

int http_parse_request(struct http_head *h, struct str data, size_t *len)
{
	return parse_head(h, data, len, true);
}

int http_parse_answer(struct http_head *h, struct str data, size_t *len)
{
	return parse_head(h, data, len, false);
}

size_t http_field(const struct http_head *h, struct str name, struct str *value)
{
	size_t n = 0;

	*value = STR_NULL;
	for (size_t i = 0; i < h->fields; i++) {
		if (!str_ieq(h->field[i].name, name))
			continue;
		if (!n)
			*value = h->field[i].value;
		n++;
	}
	return n;
}

bool http_has_token(const struct http_head *h, struct str name, struct str token)
{
	for (size_t i = 0; i < h->fields; i++) {
		struct str rest = h->field[i].value;

		while (str_ieq(h->field[i].name, name) && rest.n)
			if (str_ieq(str_trim(str_cut_raw(&rest, ',')), token))
				return true;
	}
	return false;
}
