/* LEN(), FILTER(), REPLACE() and other functions over one text. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/expression.h"
#include "pbx/func/text.h"
#include <errno.h>
#include <stdlib.h>

static int len(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_u64(out, args.n);
	return 0;
}

/* Characters of "a-z0-9\x2d" as a set. */
static void char_set(struct str allowed, bool set[256])
{
	char a, b;

	memset(set, 0, 256);
	while (text_take(&allowed, &a)) {
		b = a;
		if (str_starts(allowed, STR("-"))) {    /* one at the very end is no character of the set */
			allowed = str_skip(allowed, 1);
			(void)text_take(&allowed, &b);
		}
		for (uint8_t c = (uint8_t)a; c != (uint8_t)b; c++)
			set[c] = true;
		set[(uint8_t)b] = true;
	}
}

static int filter(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	bool set[256];
	struct str v[2];

	(void)p;
	(void)ch;
	if (pbx_args(args, v, 2) < 2)
		return EINVAL;
	char_set(v[0], set);
	for (size_t i = 0; i < v[1].n; i++)
		if (set[(uint8_t)v[1].p[i]])
			buf_char(out, v[1].p[i]);
	return 0;
}

/* REPLACE(variable,characters[,character]) */
static int replace(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf find = BUF_INIT, value = BUF_INIT;
	struct args a;
	struct str with;
	char c = '\0';
	int err = args_split(&a, args, ',', 3);

	if (err)
		return err;
	text_unescape(a.v[1], &find);
	with = a.v[2];
	(void)text_take(&with, &c);
	text_variable(p, ch, a.v[0], &value);
	err = a.v[0].n && find.n ? 0 : EINVAL;
	for (size_t i = 0; !err && i < value.n; i++) {
		if (!memchr(find.p, value.p[i], find.n))
			buf_char(out, value.p[i]);
		else if (c)
			buf_char(out, c);
	}
	args_free(&a);
	buf_free(&find);
	buf_free(&value);
	return err;
}

/* STRREPLACE(variable,find[,replace[,how often]]) */
static int str_replace(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct args a;
	struct str rest;
	uint32_t times = 0;
	int err = args_split(&a, args, ',', 5);

	if (err)
		return err;
	if (!a.v[0].n || !a.v[1].n) {
		args_free(&a);
		return EINVAL;
	}
	if (str_u32(a.v[3], &times) || !times)
		times = UINT32_MAX;
	text_variable(p, ch, a.v[0], &value);
	rest = buf_view(&value);
	while (times--) {
		size_t at = str_find(rest, a.v[1]);

		if (at == rest.n)
			break;
		buf_puts(out, str_sub(rest, 0, at), a.v[2]);
		rest = str_skip(rest, at + a.v[1].n);
	}
	buf_put(out, rest);
	args_free(&a);
	buf_free(&value);
	return 0;
}

static int str_between(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct args a;
	int err = args_split(&a, args, ',', 3);

	if (err)
		return err;
	err = a.n == 2 ? 0 : EINVAL;
	text_variable(p, ch, a.v[0], &value);
	for (size_t i = 0; !err && i < value.n; i++) {
		if (i)
			buf_put(out, a.v[1]);
		buf_char(out, value.p[i]);
	}
	args_free(&a);
	buf_free(&value);
	return err;
}

static int pass_thru(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_put(out, args);
	return 0;
}

/* REGEX("expression" text) */
static int regex(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct regex_match m;
	struct str expression, text;
	int err;

	(void)p;
	(void)ch;
	(void)str_cut_raw(&args, '"');
	if (!args.p || str_chr(args, '"') == args.n) {
		log_error("REGEX needs \"expression\" text");
		return EINVAL;
	}
	expression = str_cut_raw(&args, '"');
	text = args.n && (args.p[0] == ' ' || args.p[0] == '\t') ? str_skip(args, 1) : args;
	err = regex_match(expression, text, false, &m);
	if (err && err != ENOENT) {
		log_warning("'%.*s' is no regular expression", STR_ARG(expression));
		return err;
	}
	buf_char(out, err ? '0' : '1');
	return 0;
}

static int upper(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	for (size_t i = 0; i < args.n; i++)
		buf_char(out, args.p[i] >= 'a' && args.p[i] <= 'z' ? (char)(args.p[i] - 32) : args.p[i]);
	return 0;
}

static int lower(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	for (size_t i = 0; i < args.n; i++)
		buf_char(out, args.p[i] >= 'A' && args.p[i] <= 'Z' ? (char)(args.p[i] + 32) : args.p[i]);
	return 0;
}

static int trim(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_put(out, str_trim(args));
	return 0;
}

static int ltrim(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_put(out, str_ltrim(args));
	return 0;
}

static int rtrim(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_put(out, str_rtrim(args));
	return 0;
}

static int quote(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_char(out, '"');
	for (size_t i = 0; i < args.n; i++) {
		if (args.p[i] == '"' || args.p[i] == '\\')
			buf_char(out, '\\');
		buf_char(out, args.p[i]);
	}
	buf_char(out, '"');
	return 0;
}

static int csv_quote(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	(void)p;
	(void)ch;
	buf_char(out, '"');
	for (size_t i = 0; i < args.n; i++) {
		if (args.p[i] == '"')
			buf_char(out, '"');
		buf_char(out, args.p[i]);
	}
	buf_char(out, '"');
	return 0;
}

/* Letters to the keys of a telephone. */
static int keypad(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	static const char keys[] = "22233344455566677778889999";

	(void)p;
	(void)ch;
	for (size_t i = 0; i < args.n; i++) {
		char c = args.p[i], l = (char)(c | 32);

		if (l >= 'a' && l <= 'z')
			buf_char(out, keys[l - 'a']);
		else if (c >= '0' && c <= '9')
			buf_char(out, c);
	}
	return 0;
}

static int eval(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	pbx_substitute(p, ch, args, out);
	return 0;
}

const struct func func_len = { .name = "LEN", .synopsis = "Length of a text", .read = len };
const struct func func_filter = { .name = "FILTER", .synopsis = "Only the allowed characters", .read = filter };
const struct func func_replace = { .name = "REPLACE", .synopsis = "A variable with characters replaced",
	.read = replace };
const struct func func_strreplace = { .name = "STRREPLACE", .synopsis = "A variable with a text replaced",
	.read = str_replace };
const struct func func_strbetween = { .name = "STRBETWEEN", .synopsis = "A variable with a text between its characters",
	.read = str_between };
const struct func func_passthru = { .name = "PASSTHRU", .synopsis = "The text itself", .read = pass_thru };
const struct func func_regex = { .name = "REGEX", .synopsis = "Does an expression match?", .read = regex };
const struct func func_toupper = { .name = "TOUPPER", .synopsis = "In capital letters", .read = upper };
const struct func func_tolower = { .name = "TOLOWER", .synopsis = "In small letters", .read = lower };
const struct func func_trim = { .name = "TRIM", .synopsis = "Without blanks around it", .read = trim };
const struct func func_ltrim = { .name = "LTRIM", .synopsis = "Without blanks before it", .read = ltrim };
const struct func func_rtrim = { .name = "RTRIM", .synopsis = "Without blanks after it", .read = rtrim };
const struct func func_quote = { .name = "QUOTE", .synopsis = "In quotes, with \\ before quotes", .read = quote };
const struct func func_csv_quote = { .name = "CSV_QUOTE", .synopsis = "In quotes as CSV wants it",
	.read = csv_quote };
const struct func func_keypadhash = { .name = "KEYPADHASH", .synopsis = "Letters as telephone keys",
	.read = keypad };
const struct func func_eval = { .name = "EVAL", .synopsis = "What the text gives when substituted again",
	.read = eval };
