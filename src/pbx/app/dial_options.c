/* The option letters of Dial, and what they ask for. */
#define LOG_MODULE "dial"
#include "base/log.h"
#include "pbx/app/dial.h"
#include <errno.h>

static const char known[] = "AabBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvwWxXz";

/* L(limit[:warn[:repeat]]) in ms. */
static int parse_limit(struct dial_options *o)
{
	struct str s = o->arg['L'];
	struct str limit = str_cut_raw(&s, ':'), first = str_cut_raw(&s, ':'), repeat = str_cut_raw(&s, ':');

	if (str_u32(str_trim(limit), &o->limit_ms) || !o->limit_ms) {
		log_warning("Dial: L(%.*s) is no limit", STR_ARG(o->arg['L']));
		return ERANGE;
	}
	if (str_u32(str_trim(first), &o->warn_ms))
		o->warn_ms = 0;
	if (str_u32(str_trim(repeat), &o->warn_every_ms))
		o->warn_every_ms = 0;
	/* A call so short is not worth a warning about its end. */
	if (o->warn_ms > o->limit_ms)
		o->warn_ms = 0;
	return 0;
}

static int parse_seconds(struct dial_options *o)
{
	uint32_t s;

	if (str_u32(str_trim(o->arg['S']), &s) || !s || s > UINT32_MAX / 1000) {
		log_warning("Dial: S(%.*s) is no duration", STR_ARG(o->arg['S']));
		return EINVAL;
	}
	o->limit_ms = s * 1000;
	return 0;
}

/* The bracket that closes the one before text.p[at]. */
static size_t closing(struct str text, size_t at)
{
	unsigned depth = 1;

	for (; at < text.n; at++) {
		if (text.p[at] == '\\')
			at++;
		else if (text.p[at] == '(')
			depth++;
		else if (text.p[at] == ')' && !--depth)
			return at;
	}
	return text.n;
}

int dial_options_parse(struct dial_options *o, struct str text)
{
	int err = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == ' ')
			continue;
		if (str_chr(str_z(known), c) >= sizeof(known) - 1) {
			log_warning("Dial: '%c' is no option", c & 0x7f);
			continue;
		}
		o->has[(unsigned char)c] = true;
		if (i + 1 < text.n && text.p[i + 1] == '(') {
			size_t end = closing(text, i + 2);

			if (end == text.n) {
				log_warning("Dial: '%c(' is never closed", c);
				return EINVAL;
			}
			o->arg[(unsigned char)c] = str_sub(text, i + 2, end - i - 2);
			i = end;
		}
	}
	if (o->has['S'])
		err = parse_seconds(o);
	if (!err && o->has['L'])
		err = parse_limit(o);
	return err;
}
