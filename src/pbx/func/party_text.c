/* A party as the dialplan writes it: "Name" <number>, and the words for who may see it. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/channel.h"
#include "pbx/func/party.h"
#include "pbx/func/text.h"
#include <errno.h>

static const struct {
	struct str name;
	int value;
} presentations[] = {
	{ STR_INIT("allowed_not_screened"), PRES_ALLOWED_NOT_SCREENED },
	{ STR_INIT("allowed_passed_screen"), PRES_ALLOWED_PASSED_SCREEN },
	{ STR_INIT("allowed_failed_screen"), PRES_ALLOWED_FAILED_SCREEN },
	{ STR_INIT("allowed"), PRES_ALLOWED },
	{ STR_INIT("prohib_not_screened"), PRES_PROHIB_NOT_SCREENED },
	{ STR_INIT("prohib_passed_screen"), PRES_PROHIB_PASSED_SCREEN },
	{ STR_INIT("prohib_failed_screen"), PRES_PROHIB_FAILED_SCREEN },
	{ STR_INIT("prohib"), PRES_PROHIB },
	{ STR_INIT("unavailable"), PRES_UNAVAILABLE },
	{ STR_INIT("unavailable"), PRES_UNAVAILABLE & PRES_RESTRICTION },
	{ STR_INIT("unavailable"), (PRES_UNAVAILABLE & PRES_RESTRICTION) | 1 },
	{ STR_INIT("unavailable"), (PRES_UNAVAILABLE & PRES_RESTRICTION) | 2 },
};

struct str presentation_word(int v)
{
	for (size_t i = 0; i < ARRAY_LEN(presentations); i++)
		if (presentations[i].value == v)
			return presentations[i].name;
	return STR("unknown");
}

int presentation_of(struct str s, uint8_t *out)
{
	int64_t n;

	s = str_trim(s);
	if (s.n && s.p[0] >= '0' && s.p[0] <= '9') {    /* what follows the number is passed over */
		*out = text_leading_int(s, &n) ? (uint8_t)n : 0;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(presentations); i++)
		if (str_ieq(s, presentations[i].name)) {
			*out = (uint8_t)presentations[i].value;
			return 0;
		}
	log_error("Unknown presentation '%.*s', value unchanged", STR_ARG(s));
	return EINVAL;
}

/* Without the signs that only make a number readable. */
static void put_shrunk(struct str s, struct buf *out)
{
	int brackets = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		brackets += (c == '[') - (c == ']');
		if ((c == '-' && !brackets) || (c == '.' && i + 1 < s.n) || (c && strchr("( )", c)))
			continue;
		buf_char(out, c);
	}
}

static bool is_number(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr("0123456789*#+", s.p[i]))
			return false;
	return s.n > 0;
}

static void put_name(struct str s, struct buf *out)
{
	s = str_trim(str_unquote(str_trim(s)));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && ++i == s.n)
			break;
		buf_char(out, s.p[i]);
	}
}

int callerid_split(struct str s, struct buf *name, struct buf *number)
{
	struct str in = str_trim(s), inner = str_trim(str_unquote(in));
	bool quoted = inner.n != in.n;
	size_t open = str_rchr(inner, '<');
	struct str where = str_skip(inner, open + 1);

	if (open < inner.n) {
		put_shrunk(str_sub(where, 0, str_rchr(where, '>')), number);
		put_name(str_sub(inner, 0, open), name);
		return buf_err(name) ? buf_err(name) : buf_err(number);
	}
	put_shrunk(inner, number);
	if (quoted || !is_number(buf_view(number))) {
		number->n = 0;
		put_name(inner, name);
	}
	return buf_err(name) ? buf_err(name) : buf_err(number);
}
