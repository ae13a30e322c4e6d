/* Where a message's lines and its end are, before anything of it is understood. */
#include "sip/layout.h"
#include "sip/chars.h"
#include "sip/names.h"
#include <errno.h>

/* A start line this long is no SIP; on a stream it ends the wait for its end. */
#define START_LINE_MAX 16384

int layout_of(struct layout *l, struct str s)
{
	size_t at = 0;

	l->lines = 0;
	l->too_many = false;
	if (s.n > UINT32_MAX)
		return EBADMSG;
	for (;;) {
		const char *nl = at < s.n ? memchr(s.p + at, '\n', s.n - at) : NULL;
		size_t end, next;

		if (!nl) {
			l->head = at;
			return EAGAIN;
		}
		next = (size_t)(nl - s.p) + 1;
		end = next - 1;
		if (end > at && s.p[end - 1] == '\r')
			end--;
		if (end == at) {
			l->head = next;
			return l->lines ? 0 : EBADMSG;
		}
		if (s.p[at] == ' ' || s.p[at] == '\t') {
			if (l->lines < 2 && !l->too_many)
				return EBADMSG;         /* the start line cannot be folded */
			if (!l->too_many) {
				l->line[l->lines - 1].to = (uint32_t)end;
				l->line[l->lines - 1].folded = true;
			}
		} else if (l->lines == SIP_MAX_HEADERS + 1) {
			l->too_many = true;
		} else {
			l->line[l->lines].from = (uint32_t)at;
			l->line[l->lines].to = (uint32_t)end;
			l->line[l->lines++].folded = false;
		}
		at = next;
	}
}

int content_length_of(struct str value, uint64_t *n)
{
	int err = str_u64(value, n);

	if (err == ERANGE) {
		*n = UINT64_MAX;
		err = 0;
	}
	return err;
}

/* Is this line of a stream the start of a message? Cheap and early, so that a
 * TLS hello or an HTTP request ends the connection at once. */
static bool start_line_ok(struct str line)
{
	size_t last = str_rchr(line, ' ');

	return str_istarts(line, STR("SIP/")) ||
	       (last < line.n && str_istarts(from_to(line, last + 1, line.n), STR("SIP/")));
}

/* The line as a Content-Length: ENOENT: it is another header. */
static int line_length(struct str line, uint64_t *n)
{
	size_t end = span(line, 0, CHAR_TOKEN), colon = span(line, end, CHAR_BLANK);

	if (colon == line.n || line.p[colon] != ':')
		return ENOENT;
	if (sip_hdr_id_of(from_to(line, 0, end)) != SIP_H_CONTENT_LENGTH)
		return ENOENT;
	return content_length_of(trim(from_to(line, colon + 1, line.n)), n);
}

static int body_length(const struct layout *l, struct str s, uint64_t *n)
{
	bool found = false;

	*n = 0;
	for (size_t i = 1; i < l->lines; i++) {
		char c = s.p[l->line[i].from];
		uint64_t v;
		int err;

		if (c != 'C' && c != 'c' && c != 'l' && c != 'L')
			continue;
		err = line_length(from_to(s, l->line[i].from, l->line[i].to), &v);
		if (err == ENOENT)
			continue;
		if (err || (found && v != *n))
			return EBADMSG;
		found = true;
		*n = v;
	}
	/* Headers past the cap could hide a second length. */
	return l->too_many ? EBADMSG : 0;
}

int sip_msg_frame(struct str data, size_t *len)
{
	size_t skip = 0, eol;
	struct layout l;
	uint64_t body;
	int err;

	while (skip < data.n && (data.p[skip] == '\r' || data.p[skip] == '\n'))
		skip++;
	if (skip) {
		*len = skip;
		return 0;
	}
	if (!data.n)
		return EAGAIN;
	eol = str_chr(str_sub(data, 0, START_LINE_MAX), '\n');
	if (eol >= START_LINE_MAX)
		return EBADMSG;
	if (eol == data.n)
		return EAGAIN;
	if (!start_line_ok(str_rtrim(from_to(data, 0, eol))))
		return EBADMSG;
	err = layout_of(&l, data);
	if (err)
		return err;
	err = body_length(&l, data, &body);
	if (err)
		return err;
	/* What will not be taken gets its 413 by its head. The body goes by unread, when there is an end to it; else
	 * it is no message, and the connection ends with it. */
	if (body > SIP_MAX_PASSED)
		body = 0;
	if (body > data.n - l.head && body <= SIP_MAX_BODY)
		return EAGAIN;
	*len = l.head + (size_t)body;
	return 0;
}
