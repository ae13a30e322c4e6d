/* Finding the part of a body that is wanted, in multipart bodies too (RFC 5621). */
#include "sip/message.h"
#include "sip/chars.h"

#define MIME_DEPTH 4
#define MIME_PARTS 32

/* What one body or part is. */
struct entity {
	struct str type;        /* "application/sdp" */
	struct str params;
	struct str content;
	struct str id;          /* Content-ID without <>; empty: none */
	bool required;          /* Content-Disposition says handling=required (RFC 3261 20.11) */
};

/* True: stop here. */
typedef bool visit_fn(void *arg, const struct entity *e);

static void type_set(struct entity *e, struct str value)
{
	e->type = trim(str_cut_raw(&value, ';'));
	e->params = value;
}

static bool is_required(struct str disposition)
{
	struct str handling;

	str_cut(&disposition, ';');
	return sip_param(disposition, STR("handling"), &handling) && str_ieq(handling, STR("required"));
}

static struct str bare_id(struct str s)
{
	return s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>' ? from_to(s, 1, s.n - 1) : s;
}

/* Headers of a part, up to its blank line; text/plain when none says else
 * (RFC 2045 5.2). */
static void part_parse(struct entity *e, struct str part)
{
	struct str line;

	*e = (struct entity){ .type = STR("text/plain") };
	while (str_line(&part, &line) && line.n) {
		struct str name = trim(str_cut_raw(&line, ':'));

		/* A folded line goes on with the one before it. */
		while (part.n && (part.p[0] == ' ' || part.p[0] == '\t')) {
			struct str more;

			str_line(&part, &more);
			line.n = (size_t)(more.p + more.n - line.p);
		}
		if (str_ieq(name, STR("Content-Type")) || str_ieq(name, STR("c")))
			type_set(e, line);
		else if (str_ieq(name, STR("Content-Disposition")))
			e->required = is_required(line);
		else if (str_ieq(name, STR("Content-ID")))
			e->id = bare_id(trim(line));
	}
	e->content = part;
}

/* The next "--boundary" that starts a line; s.n: none. */
static size_t delimiter_find(struct str s, struct str boundary)
{
	size_t at = 0;

	while (at < s.n) {
		size_t f = str_find(from_to(s, at, s.n), boundary);

		if (f == s.n - at)
			break;
		at += f;
		if (at >= 2 && s.p[at - 1] == '-' && s.p[at - 2] == '-' && (at == 2 || s.p[at - 3] == '\n'))
			return at - 2;
		at++;
	}
	return s.n;
}

static bool entity_visit(const struct entity *e, unsigned depth, unsigned *parts, visit_fn *fn, void *arg);

static bool multipart_visit(const struct entity *e, unsigned depth, unsigned *parts, visit_fn *fn, void *arg)
{
	struct str boundary, s = e->content;
	size_t at;

	/* RFC 2046 5.1.1: 1 to 70 characters. */
	if (depth == MIME_DEPTH || !sip_param(e->params, STR("boundary"), &boundary) || !boundary.n || boundary.n > 70)
		return false;
	at = delimiter_find(s, boundary);
	while (at < s.n && (*parts)++ < MIME_PARTS) {
		struct entity part;
		struct str line;
		size_t end;

		s = from_to(s, at + 2 + boundary.n, s.n);
		if (str_starts(s, STR("--")))
			return false;
		str_line(&s, &line);            /* the rest of the delimiter's own line */
		at = end = delimiter_find(s, boundary);
		if (end == s.n)
			return false;           /* a part that does not end is not used */
		/* The line end before a delimiter belongs to it. */
		end -= end > 0;
		end -= end > 0 && s.p[end - 1] == '\r';
		part_parse(&part, from_to(s, 0, end));
		if (entity_visit(&part, depth + 1, parts, fn, arg))
			return true;
	}
	return false;
}

static bool entity_visit(const struct entity *e, unsigned depth, unsigned *parts, visit_fn *fn, void *arg)
{
	return fn(arg, e) || (str_istarts(e->type, STR("multipart/")) && multipart_visit(e, depth, parts, fn, arg));
}

static bool message_visit(const struct sip_msg *m, visit_fn *fn, void *arg)
{
	struct entity e = { 0 };
	unsigned parts = 0;

	if (!m->body.n)
		return false;
	type_set(&e, sip_hdr_value(m, SIP_H_CONTENT_TYPE));
	e.content = m->body;
	/* RFC 3261 20.11: what says nothing of it must be understood. What has no type is no body, as in Asterisk. */
	e.required = sip_hdr(m, SIP_H_CONTENT_TYPE) && (!sip_hdr_value(m, SIP_H_CONTENT_DISPOSITION).n ||
		     is_required(sip_hdr_value(m, SIP_H_CONTENT_DISPOSITION)));
	return entity_visit(&e, 0, &parts, fn, arg);
}

struct wanted {
	struct str type;        /* or the Content-ID */
	struct str found;
};

static bool is_wanted(void *arg, const struct entity *e)
{
	struct wanted *w = arg;

	if (!str_ieq(e->type, w->type))
		return false;
	w->found = e->content;
	return true;
}

bool sip_body(const struct sip_msg *m, struct str type, struct str *part)
{
	struct wanted w = { type, STR_NULL };

	if (!message_visit(m, is_wanted, &w))
		return false;
	*part = w.found;
	return true;
}

static bool has_id(void *arg, const struct entity *e)
{
	struct wanted *w = arg;

	if (!e->id.n || !str_eq(e->id, w->type))
		return false;
	w->found = e->content;
	return true;
}

bool sip_body_part(const struct sip_msg *m, struct str content_id, struct str *part)
{
	struct wanted w = { content_id, STR_NULL };

	if (!message_visit(m, has_id, &w))
		return false;
	*part = w.found;
	return true;
}

struct known {
	const struct str *types;
	size_t n;
};

static bool is_unknown(void *arg, const struct entity *e)
{
	const struct known *k = arg;

	if (!e->required || str_istarts(e->type, STR("multipart/")))
		return false;
	for (size_t i = 0; i < k->n; i++)
		if (str_ieq(e->type, k->types[i]))
			return false;
	return true;
}

bool sip_body_demands_other(const struct sip_msg *m, const struct str *types, size_t n)
{
	struct known k = { types, n };

	return message_visit(m, is_unknown, &k);
}

void sip_write_part(struct buf *b, struct str boundary, struct str type, struct str headers, struct str body)
{
	buf_puts(b, STR("--"), boundary, STR("\r\nContent-Type: "), type, STR("\r\n"), headers, STR("\r\n"), body,
		 STR("\r\n"));
}

void sip_write_parts_end(struct buf *b, struct str boundary)
{
	buf_puts(b, STR("--"), boundary, STR("--\r\n"));
}
