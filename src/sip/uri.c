/* SIP and tel URIs: taken apart, compared (RFC 3261 19.1.4), escaped. */
#include "sip/uri.h"
#include "sip/chars.h"
#include <errno.h>

/* Above so many parameters two URIs are compared as text: the comparison by
 * name is quadratic, and no phone sends as many. */
#define PARAMS_COMPARED 32

static bool scheme_is(struct str scheme, const char *lower, size_t n)
{
	if (scheme.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (char_fold(scheme.p[i]) != (unsigned char)lower[i])
			return false;
	return true;
}

bool sip_uri_is_sips(const struct sip_uri *u)
{
	return scheme_is(u->scheme, "sips", 4);
}

bool sip_uri_is_sip(const struct sip_uri *u)
{
	return scheme_is(u->scheme, "sip", 3) || sip_uri_is_sips(u);
}

bool sip_uri_is_tel(const struct sip_uri *u)
{
	return scheme_is(u->scheme, "tel", 3);
}

/* user[:password] */
static int userinfo_parse(struct sip_uri *u, struct str s)
{
	size_t colon = str_chr(s, ':');

	u->user = from_to(s, 0, colon);
	if (colon < s.n)
		u->password = from_to(s, colon + 1, s.n);
	return u->user.n ? 0 : EBADMSG;
}

/* host[:port][;params][?headers] from s.p[i] on */
static int hostpart_parse(struct sip_uri *u, struct str s, size_t i)
{
	size_t end = host_span(s, i);

	if (!end)
		return EBADMSG;
	u->host = from_to(s, i, end);
	i = end;
	if (i < s.n && s.p[i] == ':') {
		end = span(s, i + 1, CHAR_DIGIT);
		if (port_of(from_to(s, i + 1, end), &u->port) || !u->port)
			return EBADMSG;
		i = end;
	}
	if (i < s.n && s.p[i] == ';') {
		end = i + 1 + str_chr(from_to(s, i + 1, s.n), '?');
		u->params = from_to(s, i + 1, end);
		i = end;
	}
	if (i < s.n && s.p[i] == '?') {
		u->headers = from_to(s, i + 1, s.n);
		i = s.n;
	}
	return i == s.n ? 0 : EBADMSG;
}

int sip_uri_parse(struct sip_uri *out, struct str s)
{
	struct sip_uri u = { .text = s };
	size_t i = span(s, 0, CHAR_SCHEME), colon = i, at = 0, ats = 0;
	int err = 0;

	if (!i || i == s.n || s.p[i] != ':' || char_is(s.p[0], CHAR_DIGIT))
		return EBADMSG;
	u.scheme = from_to(s, 0, i);
	for (i++; i < s.n; i++) {
		if (s.p[i] == '@' && !ats++)
			at = i;
		if (!char_is(s.p[i], CHAR_URI))
			return EBADMSG;
	}
	if (sip_uri_is_sip(&u)) {
		/* An @ stands unescaped nowhere but after the user, so a second
		 * one means that two readers could see two hosts. */
		if (ats > 1)
			return EBADMSG;
		if (ats)
			err = userinfo_parse(&u, from_to(s, colon + 1, at));
		if (!err)
			err = hostpart_parse(&u, s, ats ? at + 1 : colon + 1);
	} else if (sip_uri_is_tel(&u)) {
		struct str rest = from_to(s, colon + 1, s.n);

		u.user = str_cut_raw(&rest, ';');
		u.params = rest;
		err = u.user.n ? 0 : EBADMSG;
	} else {
		u.opaque = from_to(s, colon + 1, s.n);
		err = u.opaque.n ? 0 : EBADMSG;
	}
	if (!err)
		*out = u;
	return err;
}

struct str sip_uri_as_target(const struct sip_uri *u)
{
	size_t host;

	if (!sip_uri_is_sip(u) || !u->host.n)
		return u->text;
	/* A '?' in front of the host is the user's. */
	host = (size_t)(u->host.p - u->text.p);
	return str_sub(u->text, 0, host + str_chr(str_skip(u->text, host), '?'));
}

bool sip_param(struct str params, struct str name, struct str *value)
{
	struct str n, v;

	while (param_next(&params, &n, &v)) {
		if (str_ieq(n, name)) {
			if (value)
				*value = v;
			return true;
		}
	}
	return false;
}

bool sip_uri_param(const struct sip_uri *u, struct str name, struct str *value)
{
	return sip_param(u->params, name, value);
}

static int hex_of(char c)
{
	if (!char_is(c, CHAR_HEX))
		return -1;
	return c <= '9' ? c - '0' : char_fold(c) - 'a' + 10;
}

/* The byte at s.p[*i], unescaped; *i moves behind it. %00 stays three bytes. */
static char unescaped(struct str s, size_t *i)
{
	char c = s.p[(*i)++];

	if (c == '%' && *i + 1 < s.n && hex_of(s.p[*i]) >= 0 && hex_of(s.p[*i + 1]) >= 0) {
		int v = hex_of(s.p[*i]) << 4 | hex_of(s.p[*i + 1]);

		if (v) {
			*i += 2;
			return (char)v;
		}
	}
	return c;
}

static bool eq_unescaped(struct str a, struct str b, bool fold)
{
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		char x = unescaped(a, &i), y = unescaped(b, &k);

		if (fold ? char_fold(x) != char_fold(y) : x != y)
			return false;
	}
	return i == a.n && k == b.n;
}

/* RFC 3261 19.1.4: these never match when only one URI has them. */
static bool must_be_in_both(struct str name)
{
	static const struct str names[] = { STR_INIT("user"), STR_INIT("ttl"), STR_INIT("method"),
		STR_INIT("maddr"), STR_INIT("transport") };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_ieq(name, names[i]))
			return true;
	return false;
}

static size_t count_of(struct str s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/* Does each parameter of `a` agree with `b`? */
static bool params_agree(struct str a, struct str b)
{
	struct str name, value, other;

	while (param_next(&a, &name, &value)) {
		if (!name.n)
			continue;
		if (sip_param(b, name, &other)) {
			if (!eq_unescaped(value, other, true))
				return false;
		} else if (must_be_in_both(name)) {
			return false;
		}
	}
	return true;
}

static bool params_eq(struct str a, struct str b)
{
	if (str_eq(a, b))
		return true;
	if (count_of(a, ';') >= PARAMS_COMPARED || count_of(b, ';') >= PARAMS_COMPARED)
		return str_ieq(a, b);
	return params_agree(a, b) && params_agree(b, a);
}

/* Does each "name=value" of `a` stand in `b`? */
static bool headers_within(struct str a, struct str b)
{
	while (a.n) {
		struct str one = str_cut_raw(&a, '&'), name = str_cut_raw(&one, '='), rest = b;
		bool found = false;

		while (rest.n && !found) {
			struct str other = str_cut_raw(&rest, '&'), other_name = str_cut_raw(&other, '=');

			found = eq_unescaped(name, other_name, true) && eq_unescaped(one, other, false);
		}
		if (!found)
			return false;
	}
	return true;
}

static bool headers_eq(struct str a, struct str b)
{
	if (str_eq(a, b))
		return true;
	if (count_of(a, '&') != count_of(b, '&') || count_of(a, '&') >= PARAMS_COMPARED)
		return false;
	return headers_within(a, b) && headers_within(b, a);
}

/* RFC 3966 section 5: visual separators do not count. */
static bool number_eq(struct str a, struct str b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.n && memchr("-.()", a.p[i], 4))
			i++;
		while (k < b.n && memchr("-.()", b.p[k], 4))
			k++;
		if (i == a.n || k == b.n)
			return i == a.n && k == b.n;
		if (char_fold(a.p[i++]) != char_fold(b.p[k++]))
			return false;
	}
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (!str_ieq(a->scheme, b->scheme))
		return false;
	if (sip_uri_is_tel(a))
		return number_eq(a->user, b->user) && params_eq(a->params, b->params);
	return eq_unescaped(a->user, b->user, false) && eq_unescaped(a->password, b->password, false) &&
	       str_ieq(a->host, b->host) && a->port == b->port && str_eq(a->opaque, b->opaque) &&
	       params_eq(a->params, b->params) && headers_eq(a->headers, b->headers);
}

struct str sip_unescape(struct arena *a, struct str s)
{
	size_t i = str_chr(s, '%'), n = i;
	char *p;

	if (i == s.n)
		return s;
	p = arena_alloc(a, s.n);
	if (!p)
		return STR_NULL;
	memcpy(p, s.p, n);
	while (i < s.n)
		p[n++] = unescaped(s, &i);
	return str_mk(p, n);
}

void sip_escape_user(struct buf *b, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n;) {
		size_t end = span(s, i, CHAR_USER);

		buf_put(b, from_to(s, i, end));
		if (end < s.n) {
			unsigned char c = (unsigned char)s.p[end++];

			buf_mem(b, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
		}
		i = end;
	}
}

struct str sip_user_bare(struct str user)
{
	return from_to(user, 0, str_chr(user, ';'));
}
