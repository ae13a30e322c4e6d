/* Cutting up what stands between the brackets of an application or function. */
#include "base/buf.h"
#include "pbx/dialplan.h"
#include "pbx/run.h"
#include <errno.h>
#include <stdlib.h>

/* Up to the next `sep` outside (), [] and quotes; *end is where it stands. */
static size_t arg_length(struct str s, char sep)
{
	unsigned paren = 0, bracket = 0;
	bool quote = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '(')
			paren++;
		else if (c == ')')
			paren -= paren > 0;
		else if (c == '[')
			bracket++;
		else if (c == ']')
			bracket -= bracket > 0;
		else if (c == '"' && sep != '"')
			quote = !quote;
		else if (c == '\\')
			i++;
		else if (c == sep && !paren && !bracket && !quote)
			break;
	}
	return i < s.n ? i : s.n;
}

static size_t split(struct str data, char sep, struct str *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < max; i++)
		out[i] = STR_NULL;
	while (data.n && n < max) {
		size_t len = n + 1 < max ? arg_length(data, sep) : data.n;

		out[n++] = str_sub(data, 0, len);
		if (len + 1 == data.n && n < max)       /* a separator at the very end */
			out[n++] = str_skip(data, data.n);
		data = str_skip(data, len + 1);
	}
	return n;
}

size_t pbx_args(struct str data, struct str *out, size_t max)
{
	return split(data, ',', out, max);
}

static size_t clean(char *to, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			continue;
		if (s.p[i] == '\\' && ++i == s.n)
			break;
		to[n++] = s.p[i];
	}
	return n;
}

void pbx_arg_put(struct str arg, struct buf *out)
{
	char *p = buf_room(out, arg.n);

	if (p)
		out->n += clean(p, arg);
}

int args_split(struct args *a, struct str data, char sep, size_t max)
{
	char *at;

	*a = (struct args){ 0 };
	if (max > ARGS_MAX)
		return EINVAL;
	at = a->bytes = malloc(data.n + ARGS_MAX + 1);
	if (!at)
		return ENOMEM;
	a->n = split(data, sep, a->v, max);
	for (size_t i = 0; i < a->n; i++) {
		size_t n = a->v[i].n;

		if (i + 1 == max)
			memcpy(at, a->v[i].p, n);
		else
			n = clean(at, a->v[i]);
		a->v[i] = str_mk(at, n);
		at += n;
		*at++ = 0;
	}
	for (size_t i = a->n; i < ARGS_MAX; i++)
		a->v[i] = str_mk("", 0);
	return 0;
}

void args_free(struct args *a)
{
	free(a->bytes);
	*a = (struct args){ 0 };
}

bool run_condition(struct str s)
{
	if (!s.n)
		return false;
	if (s.p[0] < '0' || s.p[0] > '9')
		return true;
	for (size_t i = 0; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++)
		if (s.p[i] != '0')
			return true;
	return false;
}

void run_branches(struct str data, struct str *condition, struct str *yes, struct str *no)
{
	size_t n = arg_length(data, '?');

	*condition = str_sub(data, 0, n);
	data = str_skip(data, n + 1);
	n = arg_length(data, ':');
	*yes = str_sub(data, 0, n);
	*no = str_skip(data, n + 1);
}

void run_cut_call(struct str text, struct str *name, struct str *args)
{
	size_t open = str_chr(text, '(');
	struct str in = str_skip(text, open + 1);

	*name = str_trim(str_sub(text, 0, open));
	*args = str_sub(in, 0, str_rchr(in, ')'));
	if (!args->p)
		*args = STR("");
}

/* Up to the ) that closes what stands before `s`. Quotes count only when they
 * are the very first. */
static size_t option_length(struct str s)
{
	bool quotes = s.n && s.p[0] == '"', quote = false;
	unsigned paren = 1;
	size_t i;

	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\')
			i++;
		else if (c == '"' && quotes)
			quote = !quote;
		else if (c == '(' && !quote)
			paren++;
		else if (c == ')' && !quote && !--paren)
			break;
	}
	return i < s.n ? i : s.n;
}

bool pbx_option(struct str options, char opt, struct str *arg)
{
	bool found = false;

	if (arg)
		*arg = STR_NULL;
	for (size_t i = 0; i < options.n; i++) {
		char c = options.p[i];
		struct str in = STR_NULL;

		if (i + 1 < options.n && options.p[i + 1] == '(') {
			in = str_skip(options, i + 2);
			in.n = option_length(in);
			i += in.n + 2;
			if (in.n > 1 && in.p[0] == '"')
				in = str_unquote(in);
		}
		if (c != opt)
			continue;
		found = true;
		if (arg)
			*arg = in;
	}
	return found;
}
