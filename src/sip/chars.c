/* Classes of characters (RFC 3261 25.1), and parameters one after the other. */
#include "sip/chars.h"
#include <errno.h>

/* One row holds 16 bytes; tests/unit/test_uri.c builds the sets again from the
 * grammar's own words and compares. */
const uint8_t sip_chars[256] = {
	  0,   0,   0,   0,   0,   0,   0,   0,   0,  64,  64,   0,   0,  64,   0,   0,
	  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
	 64,  19,   0,   2,  18,   3,  18,  19,  18,  18,  19,  51,  18,  55,  55,  18,
	191, 191, 191, 191, 191, 191, 191, 191, 191, 191,   2,  18,   0,  18,   0,  18,
	  2,  63,  63,  63,  63,  63,  63,  55,  55,  55,  55,  55,  55,  55,  55,  55,
	 55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,   2,   2,   2,   2,  23,
	  3,  63,  63,  63,  63,  63,  63,  55,  55,  55,  55,  55,  55,  55,  55,  55,
	 55,  55,  55,  55,  55,  55,  55,  55,  55,  55,  55,   2,   2,   2,  19,   0,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
	  2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,   2,
};

bool param_next(struct str *params, struct str *name, struct str *value)
{
	struct str s = *params;
	size_t i = 0, eq = SIZE_MAX;

	if (!s.n)
		return false;
	while (i < s.n && s.p[i] != ';') {
		if (s.p[i] == '=' && eq == SIZE_MAX) {
			eq = i;
		} else if (s.p[i] == '"') {
			size_t end = span_quoted(s, i);

			i = end ? end : s.n;
			continue;
		}
		i++;
	}
	*name = trim(from_to(s, 0, eq < i ? eq : i));
	*value = eq < i ? str_unquote(trim(from_to(s, eq + 1, i))) : STR_NULL;
	*params = from_to(s, i < s.n ? i + 1 : i, s.n);
	return true;
}

/* Only the alphabet is checked: RFC 5118 4.10 wants even "2001:db8:::192.0.2.1"
 * let through, and what is no address fails when it is used as one. */
static size_t v6_span(struct str s, size_t i)
{
	size_t from = ++i;

	while (i < s.n && (char_is(s.p[i], CHAR_HEX) || s.p[i] == ':' || s.p[i] == '.'))
		i++;
	if (i == from)
		return 0;
	if (i < s.n && s.p[i] == '%')
		i = span(s, i + 1, CHAR_HOST | CHAR_TOKEN);     /* zone, RFC 6874 */
	return i < s.n && s.p[i] == ']' ? i + 1 : 0;
}

size_t host_span(struct str s, size_t i)
{
	size_t end;

	if (i < s.n && s.p[i] == '[')
		return v6_span(s, i);
	end = span(s, i, CHAR_HOST);
	return end > i ? end : 0;
}

int port_of(struct str digits, uint16_t *port)
{
	unsigned v = 0;

	if (!digits.n)
		return EBADMSG;
	for (size_t i = 0; i < digits.n; i++) {
		if (!char_is(digits.p[i], CHAR_DIGIT))
			return EBADMSG;
		v = v * 10 + (unsigned)(digits.p[i] - '0');
		if (v > 65535)
			return ERANGE;
	}
	*port = (uint16_t)v;
	return 0;
}
