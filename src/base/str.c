/* Views of text: cutting, comparing, numbers. Nothing here allocates but str_dup(). */
#include "base/str.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

bool str_ieq(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (fold(a.p[i]) != fold(b.p[i]))
			return false;
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.p, b.p, n) : 0;

	return d ? d : (a.n > b.n) - (a.n < b.n);
}

int str_icmp(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		int d = fold(a.p[i]) - fold(b.p[i]);

		if (d)
			return d;
	}
	return (a.n > b.n) - (a.n < b.n);
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_mk(s.p, prefix.n), prefix);
}

bool str_istarts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_ieq(str_mk(s.p, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n && str_eq(str_skip(s, s.n - suffix.n), suffix);
}

struct str str_skip(struct str s, size_t off)
{
	if (off > s.n)
		off = s.n;
	return str_mk(off ? s.p + off : s.p, s.n - off);
}

struct str str_sub(struct str s, size_t off, size_t n)
{
	s = str_skip(s, off);
	if (n < s.n)
		s.n = n;
	return s;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_ltrim(struct str s)
{
	size_t i = 0;

	while (i < s.n && blank(s.p[i]))
		i++;
	return str_skip(s, i);
}

struct str str_rtrim(struct str s)
{
	while (s.n && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct str str_trim(struct str s)
{
	return str_ltrim(str_rtrim(s));
}

struct str str_unquote(struct str s)
{
	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		return str_mk(s.p + 1, s.n - 2);
	return s;
}

size_t str_chr(struct str s, char c)
{
	const char *f = s.n ? memchr(s.p, c, s.n) : NULL;

	return f ? (size_t)(f - s.p) : s.n;
}

size_t str_rchr(struct str s, char c)
{
	for (size_t i = s.n; i > 0; i--)
		if (s.p[i - 1] == c)
			return i - 1;
	return s.n;
}

size_t str_find(struct str s, struct str needle)
{
	const char *f;

	if (!needle.n)
		return 0;
	f = s.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
	return f ? (size_t)(f - s.p) : s.n;
}

size_t str_ifind(struct str s, struct str needle)
{
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (str_ieq(str_mk(s.p + i, needle.n), needle))
			return i;
	return s.n;
}

static struct str cut_at(struct str *s, size_t i)
{
	struct str head = str_mk(s->p, i);

	*s = str_skip(*s, i < s->n ? i + 1 : i);
	return head;
}

struct str str_cut_raw(struct str *s, char sep)
{
	return cut_at(s, str_chr(*s, sep));
}

/* Behind the quoted string that opens at i; s.n: it does not end. The closing
 * quote is looked for anew only when it turned out to be escaped. */
static size_t behind_quoted(struct str s, size_t i)
{
	const char *end = s.p + s.n, *at = s.p + i + 1, *quote = NULL;

	while (at < end) {
		const char *escape;

		if (!quote || quote < at)
			quote = memchr(at, '"', (size_t)(end - at));
		if (!quote)
			quote = end;
		escape = memchr(at, '\\', (size_t)(quote - at));
		if (!escape)
			return (size_t)(quote - s.p) + (quote < end);
		at = end - escape > 2 ? escape + 2 : end;
	}
	return s.n;
}

/* Where the first `sep` outside quotes and angle brackets is. */
static size_t find_outside(struct str s, char sep)
{
	bool inside = false;
	size_t i = 0;

	while (i < s.n) {
		char c = s.p[i];

		if (c == '"') {
			i = behind_quoted(s, i);
			continue;
		}
		if (c == '<')
			inside = true;
		else if (c == '>')
			inside = false;
		else if (c == sep && !inside)
			return i;
		i++;
	}
	return s.n;
}

/* Most text has nothing in it that would hide a separator. */
struct str str_cut(struct str *s, char sep)
{
	size_t at = str_chr(*s, sep), i = 0;
	const char *quote;

	while (i < at && (quote = memchr(s->p + i, '"', at - i))) {
		i = behind_quoted(*s, (size_t)(quote - s->p));
		if (at < i)
			at = i + str_chr(str_skip(*s, i), sep);
	}
	return cut_at(s, at);
}

struct str str_cut_addr(struct str *s, char sep)
{
	size_t at = str_chr(*s, sep);

	if (at && (memchr(s->p, '"', at) || memchr(s->p, '<', at)))
		at = find_outside(*s, sep);
	return cut_at(s, at);
}

bool str_line(struct str *s, struct str *line)
{
	if (!s->n)
		return false;
	*line = str_cut_raw(s, '\n');
	if (line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

int str_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (!s.n)
		return EBADMSG;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned)(unsigned char)s.p[i] - '0';

		if (d > 9)
			return EBADMSG;
		if (v > (UINT64_MAX - d) / 10) {
			for (; i < s.n; i++)
				if (s.p[i] < '0' || s.p[i] > '9')
					return EBADMSG;
			return ERANGE;
		}
		v = v * 10 + d;
	}
	*out = v;
	return 0;
}

int str_u32(struct str s, uint32_t *out)
{
	uint64_t v;
	int err = str_u64(s, &v);

	if (err)
		return err;
	if (v > UINT32_MAX)
		return ERANGE;
	*out = (uint32_t)v;
	return 0;
}

int str_i64(struct str s, int64_t *out)
{
	bool neg = s.n && s.p[0] == '-';
	uint64_t v;
	int err = str_u64(neg ? str_skip(s, 1) : s, &v);

	if (err)
		return err;
	if (v > (uint64_t)INT64_MAX + neg)
		return ERANGE;
	*out = neg ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

int str_double(struct str s, double *out)
{
	char z[64], *end;
	double v;

	if (!s.n || s.n >= sizeof(z))
		return EBADMSG;
	for (size_t i = 0; i < s.n; i++)
		if (!isdigit((unsigned char)s.p[i]) && !memchr("+-.eE", s.p[i], 5))
			return EBADMSG;
	str_copy(z, sizeof(z), s);
	v = strtod(z, &end);
	if (end == z || *end)
		return EBADMSG;
	if (!isfinite(v))
		return ERANGE;
	*out = v;
	return 0;
}

/* 0: no hex digit; its value is in the low four bits. */
static const uint8_t nibbles[256] = {
	['0'] = 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19,
	['A'] = 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
	['a'] = 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
};

int str_hex(struct str s, uint8_t *out, size_t n)
{
	uint8_t good = 0x10;

	if (s.n / 2 != n || s.n % 2)
		return EBADMSG;
	for (size_t i = 0; i < s.n; i++)
		good &= nibbles[(uint8_t)s.p[i]];
	if (!good)
		return EBADMSG;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(nibbles[(uint8_t)s.p[2 * i]] << 4 | (nibbles[(uint8_t)s.p[2 * i + 1]] & 15));
	return 0;
}

int str_bool(struct str s, bool *out)
{
	static const struct str yes[] = { STR_INIT("yes"), STR_INIT("true"), STR_INIT("y"),
		STR_INIT("t"), STR_INIT("1"), STR_INIT("on") };
	static const struct str no[] = { STR_INIT("no"), STR_INIT("false"), STR_INIT("n"),
		STR_INIT("f"), STR_INIT("0"), STR_INIT("off") };

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (str_ieq(s, yes[i]) || str_ieq(s, no[i])) {
			*out = str_ieq(s, yes[i]);
			return 0;
		}
	}
	return EBADMSG;
}

char *str_dup(struct str s)
{
	char *z = malloc(s.n + 1);

	if (!z)
		return NULL;
	if (s.n)
		memcpy(z, s.p, s.n);
	z[s.n] = 0;
	return z;
}

char *str_copy(char *dst, size_t size, struct str s)
{
	if (!size)
		return dst;
	if (s.n >= size)
		s.n = size - 1;
	if (s.n)
		memcpy(dst, s.p, s.n);
	dst[s.n] = 0;
	return dst;
}

unsigned str_distance(struct str a, struct str b)
{
	unsigned row[65];

	if (a.n > 64 || b.n > 64)
		return 64;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned diag = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b.n; j++) {
			unsigned up = row[j], best = diag + (fold(a.p[i - 1]) != fold(b.p[j - 1]));

			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diag = up;
			row[j] = best;
		}
	}
	return row[b.n];
}
