/* sip/chars.h -- what a byte may be in SIP's grammar (RFC 3261 25.1). Private
 * to sip/. Threads: constant data. */
#ifndef SIP_CHARS_H
#define SIP_CHARS_H

#include "base/str.h"

enum {
	CHAR_TOKEN = 1,         /* token: methods, header and parameter names */
	CHAR_URI = 2,           /* may stand in a URI: no blank, control, <, > or " */
	CHAR_HOST = 4,          /* host name; underscores are seen in the field */
	CHAR_HEX = 8,
	CHAR_USER = 16,         /* unescaped in a user part */
	CHAR_SCHEME = 32,
	CHAR_BLANK = 64,        /* SP HTAB, and CR LF of folded lines */
	CHAR_DIGIT = 128,
};

extern const uint8_t sip_chars[256];

static inline bool char_is(char c, unsigned set)
{
	return sip_chars[(unsigned char)c] & set;
}

static inline unsigned char char_fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* How many bytes at the front of `s`, from `i` on, are of the set: the index after them. */
static inline size_t span(struct str s, size_t i, unsigned set)
{
	while (i < s.n && char_is(s.p[i], set))
		i++;
	return i;
}

/* The cuts of base/str.h for the parser's inner loops. */
static inline struct str trim(struct str s)
{
	while (s.n && char_is(s.p[s.n - 1], CHAR_BLANK))
		s.n--;
	while (s.n && char_is(*s.p, CHAR_BLANK)) {
		s.p++;
		s.n--;
	}
	return s;
}

static inline struct str from_to(struct str s, size_t from, size_t to)
{
	return str_mk(from ? s.p + from : s.p, to - from);      /* NULL + 0 is undefined */
}

/* Index after a quoted-string that starts at s.p[i]; 0: it never ends. */
static inline size_t span_quoted(struct str s, size_t i)
{
	for (i++; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Take one parameter off *params: "a = b ;..." Quotes around the value are
 * taken off. False at the end. Empty ones (";;") come as empty names. */
bool param_next(struct str *params, struct str *name, struct str *value);

/* host or [v6], at s.p[i]: the index after it; 0: none. */
size_t host_span(struct str s, size_t i);
/* Digits of a port at s.p[i] up to `end`: 0 and *port. EBADMSG, ERANGE. */
int port_of(struct str digits, uint16_t *port);

#endif
