/* JSON: a reader without recursion into anything but lists and objects, whose depth is bounded, and a
 * writer. What a value means stands in config_value.c. */
#include "agent/json.h"
#include <errno.h>
#include <stdio.h>

struct reader {
	struct arena *a;
	struct str s;           /* what is still to be read */
	unsigned depth;
};

static void skip_blanks(struct reader *r)
{
	while (r->s.n && strchr(" \t\r\n", r->s.p[0]) && r->s.p[0])
		r->s = str_skip(r->s, 1);
}

static bool take(struct reader *r, struct str word)
{
	if (!str_starts(r->s, word))
		return false;
	r->s = str_skip(r->s, word.n);
	return true;
}

/* ---- strings */

/* The length of the UTF-8 character at the front; 0: it is none (RFC 3629: no surrogates, nothing
 * longer than it must be, nothing over U+10FFFF). */
static size_t utf8_length(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

static size_t utf8_put(char *to, uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* The four digits after \u. */
static int read_unit(struct reader *r, uint32_t *unit)
{
	uint8_t b[2];

	if (str_hex(str_sub(r->s, 0, 4), b, 2))
		return EBADMSG;
	r->s = str_skip(r->s, 4);
	*unit = (uint32_t)b[0] << 8 | b[1];
	return 0;
}

/* Half of a pair alone is no character, and UTF-8 has no bytes for it. */
static int read_unicode(struct reader *r, uint32_t *c)
{
	uint32_t low;
	int err = read_unit(r, c);

	if (err || *c < 0xd800 || *c > 0xdfff)
		return err;
	if (*c > 0xdbff || !take(r, STR("\\u")) || read_unit(r, &low) || low < 0xdc00 || low > 0xdfff)
		return EBADMSG;
	*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
	return 0;
}

/* What follows a backslash. */
static int read_escape(struct reader *r, char *to, size_t *n)
{
	static const char names[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
	uint32_t c = 0;
	const char *at;
	int err = 0;

	if (take(r, STR("u"))) {
		err = read_unicode(r, &c);
	} else {
		at = r->s.n && r->s.p[0] ? strchr(names, r->s.p[0]) : NULL;
		if (!at)
			return EBADMSG;
		c = (uint32_t)bytes[at - names];
		r->s = str_skip(r->s, 1);
	}
	if (!err)
		*n += utf8_put(to + *n, c);
	return err;
}

/* Up to the closing quote, or the end. */
static size_t string_length(struct str s)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' ? 2 : 1;
	return i < s.n ? i : s.n;
}

/* After the opening quote. What is written is never longer than what is read. */
static int read_string(struct reader *r, struct str *out)
{
	char *to = arena_alloc(r->a, string_length(r->s) + 1);
	size_t n = 0, k;
	int err = 0;

	if (!to)
		return ENOMEM;
	while (!err) {
		if (!r->s.n || (unsigned char)r->s.p[0] < 0x20)
			return EBADMSG;
		if (take(r, STR("\"")))
			break;
		if (take(r, STR("\\"))) {
			err = read_escape(r, to, &n);
			continue;
		}
		k = utf8_length(r->s);
		if (!k)
			return EBADMSG;
		memcpy(to + n, r->s.p, k);
		n += k;
		r->s = str_skip(r->s, k);
	}
	*out = str_mk(to, n);
	return err;
}

/* ---- numbers */

static size_t digits(struct str s, size_t i)
{
	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i;
}

static int read_number(struct reader *r, struct agent_json *v)
{
	struct str s = r->s;
	size_t i = str_starts(s, STR("-")), end = digits(s, i);

	if (end == i || (s.p[i] == '0' && end > i + 1))
		return EBADMSG;
	i = end;
	if (i < s.n && s.p[i] == '.') {
		end = digits(s, i + 1);
		if (end == i + 1)
			return EBADMSG;
		i = end;
	}
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		end = digits(s, i);
		if (end == i)
			return EBADMSG;
		i = end;
	}
	v->type = AGENT_JSON_NUMBER;
	v->text = str_sub(s, 0, i);
	r->s = str_skip(s, i);
	return str_double(v->text, &v->number);
}

/* ---- lists, objects and all values */

static int read_value(struct reader *r, struct agent_json **out);

static int read_key(struct reader *r, struct str *key)
{
	int err;

	skip_blanks(r);
	err = take(r, STR("\"")) ? read_string(r, key) : EBADMSG;
	skip_blanks(r);
	return err ? err : take(r, STR(":")) ? 0 : EBADMSG;
}

/* After the bracket. */
static int read_members(struct reader *r, struct agent_json *v, struct str close)
{
	const struct agent_json **end = &v->first;
	struct agent_json *m;
	struct str key = STR_NULL;
	int err;

	skip_blanks(r);
	if (take(r, close))
		return 0;
	for (;;) {
		err = v->type == AGENT_JSON_OBJECT ? read_key(r, &key) : 0;
		if (!err)
			err = read_value(r, &m);
		if (err)
			return err;
		m->key = key;
		*end = m;
		end = &m->next;
		v->n++;
		if (take(r, close))
			return 0;
		if (!take(r, STR(",")))
			return EBADMSG;
	}
}

static int read_nested(struct reader *r, struct agent_json *v)
{
	bool list = v->type == AGENT_JSON_LIST;
	int err;

	if (r->depth == AGENT_JSON_DEPTH)
		return EBADMSG;
	r->depth++;
	err = read_members(r, v, list ? STR("]") : STR("}"));
	r->depth--;
	return err;
}

/* And the blanks around it. */
static int read_value(struct reader *r, struct agent_json **out)
{
	struct agent_json *v = arena_alloc(r->a, sizeof(*v));
	int err = 0;

	if (!v)
		return ENOMEM;
	skip_blanks(r);
	if (take(r, STR("null"))) {
		v->type = AGENT_JSON_NULL;
	} else if (take(r, STR("true"))) {
		v->type = AGENT_JSON_BOOL;
		v->truth = true;
	} else if (take(r, STR("false"))) {
		v->type = AGENT_JSON_BOOL;
	} else if (take(r, STR("\""))) {
		v->type = AGENT_JSON_STRING;
		err = read_string(r, &v->text);
	} else if (take(r, STR("["))) {
		v->type = AGENT_JSON_LIST;
		err = read_nested(r, v);
	} else if (take(r, STR("{"))) {
		v->type = AGENT_JSON_OBJECT;
		err = read_nested(r, v);
	} else {
		err = read_number(r, v);
	}
	skip_blanks(r);
	*out = v;
	return err;
}

int agent_json_parse(struct arena *a, struct str s, const struct agent_json **out)
{
	struct reader r = { .a = a, .s = s };
	struct agent_json *v;
	int err;

	if (s.n > AGENT_JSON_BYTES)
		return E2BIG;
	err = read_value(&r, &v);
	if (!err && r.s.n)
		err = EBADMSG;
	if (!err)
		*out = v;
	return err;
}

const struct agent_json *agent_json_member(const struct agent_json *object, struct str key)
{
	const struct agent_json *found = NULL;

	for (const struct agent_json *m = object->first; m; m = m->next)
		if (str_eq(m->key, key))
			found = m;
	return found;
}

/* ---- writing */

/* What is no UTF-8 becomes U+FFFD: whoever reads this takes no other. */
void agent_json_write_string(struct buf *b, struct str s)
{
	static const char names[] = "\"\\bfnrt", bytes[] = "\"\\\b\f\n\r\t";

	buf_char(b, '"');
	while (s.n) {
		size_t n = utf8_length(s);
		const char *at = s.p[0] ? strchr(bytes, s.p[0]) : NULL;

		if (!n)
			buf_put(b, STR("\xef\xbf\xbd"));
		else if (at)
			buf_mem(b, (char[]){ '\\', names[at - bytes] }, 2);
		else if ((unsigned char)s.p[0] < 0x20)
			buf_printf(b, "\\u%04x", (unsigned char)s.p[0]);
		else
			buf_mem(b, s.p, n);
		s = str_skip(s, n ? n : 1);
	}
	buf_char(b, '"');
}

void agent_json_write_number(struct buf *b, double v)
{
	char room[40];
	double again;

	for (int digits_kept = 15; digits_kept <= 17; digits_kept++) {
		(void)snprintf(room, sizeof(room), "%.*g", digits_kept, v);
		if (!str_double(str_z(room), &again) && again >= v && again <= v)
			break;
	}
	buf_put(b, str_z(room));
}

void agent_json_write(struct buf *b, const struct agent_json *v)
{
	bool object = v->type == AGENT_JSON_OBJECT;

	switch (v->type) {
	case AGENT_JSON_NULL:
		buf_put(b, STR("null"));
		break;
	case AGENT_JSON_BOOL:
		buf_put(b, v->truth ? STR("true") : STR("false"));
		break;
	case AGENT_JSON_NUMBER:
		buf_put(b, v->text);
		break;
	case AGENT_JSON_STRING:
		agent_json_write_string(b, v->text);
		break;
	case AGENT_JSON_LIST:
	case AGENT_JSON_OBJECT:
		buf_char(b, object ? '{' : '[');
		for (const struct agent_json *m = v->first; m; m = m->next) {
			if (object) {
				agent_json_write_string(b, m->key);
				buf_char(b, ':');
			}
			agent_json_write(b, m);
			if (m->next)
				buf_char(b, ',');
		}
		buf_char(b, object ? '}' : ']');
	}
}
