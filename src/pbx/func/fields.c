/* Lists in a text: fields with a character between them. */
#define LOG_MODULE "pbx"
#include "base/log.h"
#include "pbx/func/text.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define FIELDS_MAX 65536

static char delimiter(struct str s, char otherwise)
{
	char c;

	return text_take(&s, &c) && c ? c : otherwise;
}

/* The number at the start of *s, taken off. False: none is there. */
static bool take_number(struct str *s, int64_t *out)
{
	size_t n;

	if (!text_leading_int(*s, out))
		return false;
	*s = str_ltrim(*s);
	n = s->p[0] == '-' || s->p[0] == '+';
	while (n < s->n && s->p[n] >= '0' && s->p[n] <= '9')
		n++;
	*s = str_skip(*s, n);
	return true;
}

/* "2", "2-4", "-3", "3-"; what follows is passed over. */
static int range_of(struct str s, int64_t *from, int64_t *to)
{
	struct str rest;

	if (str_starts(s, STR("-"))) {
		rest = str_skip(s, 1);
		*from = 1;
		return take_number(&rest, to) ? 0 : EINVAL;
	}
	if (!take_number(&s, from))
		return EINVAL;
	*to = *from;
	if (str_starts(s, STR("-"))) {
		rest = str_skip(s, 1);
		if (!take_number(&rest, to))
			*to = INT64_MAX;
	}
	return 0;
}

/* Field number i (from 1) taken off *rest; false: no more. */
static bool take_field(struct str *rest, bool *more, char delim, struct str *field)
{
	size_t n;

	if (!*more)
		return false;
	n = str_chr(*rest, delim);
	*more = n < rest->n;
	*field = str_sub(*rest, 0, n);
	*rest = str_skip(*rest, n + 1);
	return true;
}

static int cut_ranges(struct str value, char delim, struct str ranges, struct buf *out)
{
	struct str rest = value, field;
	bool more = value.n > 0, any = false, another = true;
	int64_t at = 1, from, to;

	while (another && more) {
		another = str_chr(ranges, '&') < ranges.n;
		if (range_of(str_cut_raw(&ranges, '&'), &from, &to))
			return EINVAL;
		while (at < from && take_field(&rest, &more, delim, &field))
			at++;
		while (at <= to && take_field(&rest, &more, delim, &field)) {
			if (any)
				buf_char(out, delim);
			buf_put(out, field);
			any = true;
			at++;
		}
	}
	return 0;
}

/* CUT(variable,delimiter,ranges) */
static int cut(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct args a;
	int err = args_split(&a, args, ',', 3);

	if (err)
		return err;
	err = a.n < 3 ? EINVAL : 0;
	if (!err) {
		text_variable(p, ch, a.v[0], &value);
		err = cut_ranges(buf_view(&value), delimiter(a.v[1], '-'), a.v[2], out);
	}
	if (err)
		log_error("CUT needs variable,delimiter,fields, not '%.*s'", STR_ARG(args));
	args_free(&a);
	buf_free(&value);
	return err;
}

static int quantity(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct args a;
	uint64_t n = 0;
	char delim;
	int err = args_split(&a, args, ',', 2);

	if (err)
		return err;
	delim = delimiter(a.v[1], ',');
	text_variable(p, ch, a.v[0], &value);
	for (size_t i = 0; i < value.n; i++)
		n += value.p[i] == delim;
	buf_u64(out, a.n < 2 ? 1 : value.n ? n + 1 : 0);
	args_free(&a);
	buf_free(&value);
	return 0;
}

/* FIELDNUM(variable,delimiter,value): which one, 0 none. */
static int number(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct str rest, field;
	struct args a;
	uint64_t at = 1;
	bool more, found = false;
	char delim;
	int err = args_split(&a, args, ',', 3);

	if (err)
		return err;
	if (a.n < 3) {
		args_free(&a);
		return EINVAL;
	}
	delim = delimiter(a.v[1], '\0');
	text_variable(p, ch, a.v[0], &value);
	rest = buf_view(&value);
	more = rest.n > 0 && delim;
	while (!found && take_field(&rest, &more, delim, &field)) {
		found = str_ieq(field, a.v[2]);
		at += !found;
	}
	buf_u64(out, found ? at : 0);
	args_free(&a);
	buf_free(&value);
	return 0;
}

static void put_others(struct str rest, struct str delim, struct str without, struct buf *out)
{
	bool more = true, any = false;

	while (more) {
		size_t n = str_find(rest, delim);
		struct str field = str_sub(rest, 0, n);

		more = n < rest.n;
		rest = str_skip(rest, n + delim.n);
		if (str_eq(field, without))
			continue;
		buf_puts(out, any ? delim : STR_NULL, field);
		any = true;
	}
}

/* LISTFILTER(variable,delimiter,value): the list without it. The delimiter may be long. */
static int list_filter(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct buf value = BUF_INIT, delim = BUF_INIT;
	struct args a;
	int err = args_split(&a, args, ',', 3);

	if (err)
		return err;
	text_unescape(a.v[1], &delim);
	text_variable(p, ch, a.v[0], &value);
	err = a.n < 3 || !value.n ? EINVAL : 0;
	if (!err)
		put_others(buf_view(&value), delim.n ? buf_view(&delim) : STR(","), a.v[2], out);
	args_free(&a);
	buf_free(&delim);
	buf_free(&value);
	return err;
}

/* ---- SORT(key:number,...) */

struct pair {
	struct str key;
	double value;
	size_t at;
};

static int by_value(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int sort(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	struct pair *v;
	size_t n = 1, at = 0;

	(void)p;
	(void)ch;
	for (size_t i = 0; i < args.n; i++)
		n += args.p[i] == ',';
	if (n > FIELDS_MAX)
		return E2BIG;
	v = calloc(n, sizeof(*v));
	if (!v)
		return ENOMEM;
	while (args.n && at < n) {
		struct str value = str_cut_raw(&args, ',');

		if (str_chr(value, ':') == value.n)
			continue;
		v[at].key = str_cut_raw(&value, ':');
		if (str_double(str_trim(value), &v[at].value))
			v[at].value = 0;
		v[at].at = at;
		at++;
	}
	qsort(v, at, sizeof(*v), by_value);
	for (size_t i = 0; i < at; i++)
		buf_puts(out, i ? STR(",") : STR_NULL, v[i].key);
	free(v);
	return 0;
}

/* ---- a variable as a stack or queue */

struct list_args {
	struct args a;
	struct buf value;
	char delim;
};

static int open_list(struct list_args *l, struct pbx *p, struct channel *ch, struct str args)
{
	int err = args_split(&l->a, args, ',', 2);

	l->value = (struct buf)BUF_INIT;
	if (err)
		return err;
	l->delim = delimiter(l->a.v[1], ',');
	if (!l->a.v[0].n) {
		args_free(&l->a);
		return EINVAL;
	}
	text_variable(p, ch, l->a.v[0], &l->value);
	return 0;
}

static void close_list(struct list_args *l)
{
	args_free(&l->a);
	buf_free(&l->value);
}

static int take(struct pbx *p, struct channel *ch, struct str args, struct buf *out, bool first)
{
	struct list_args l;
	struct str all, rest;
	size_t at;
	int err = open_list(&l, p, ch, args);

	if (err)
		return err;
	all = buf_view(&l.value);
	at = first ? str_chr(all, l.delim) : str_rchr(all, l.delim);
	if (at == all.n) {
		buf_put(out, all);
		rest = STR("");
	} else if (first) {
		buf_put(out, str_sub(all, 0, at));
		rest = str_skip(all, at + 1);
	} else {
		buf_put(out, str_skip(all, at + 1));
		rest = str_sub(all, 0, at);
	}
	if (all.n)
		err = pbx_setvar(p, ch, l.a.v[0], rest.n ? rest : STR(""));
	close_list(&l);
	return err;
}

static int shift(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	return take(p, ch, args, out, true);
}

static int pop(struct pbx *p, struct channel *ch, struct str args, struct buf *out)
{
	return take(p, ch, args, out, false);
}

static int put(struct pbx *p, struct channel *ch, struct str args, struct str value, bool first)
{
	struct buf both = BUF_INIT;
	struct list_args l;
	struct str had, between;
	int err = open_list(&l, p, ch, args);

	if (err)
		return err;
	had = buf_view(&l.value);
	between = had.n ? str_mk(&l.delim, 1) : STR_NULL;
	buf_puts(&both, first ? value : had, between, first ? had : value);
	err = pbx_setvar(p, ch, l.a.v[0], both.n ? buf_view(&both) : STR(""));
	buf_free(&both);
	close_list(&l);
	return err;
}

static int push(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	return put(p, ch, args, value, false);
}

static int unshift(struct pbx *p, struct channel *ch, struct str args, struct str value)
{
	return put(p, ch, args, value, true);
}

const struct func func_cut = { .name = "CUT", .synopsis = "Some fields of a variable", .read = cut };
const struct func func_fieldqty = { .name = "FIELDQTY", .synopsis = "How many fields a variable has",
	.read = quantity };
const struct func func_fieldnum = { .name = "FIELDNUM", .synopsis = "Which field of a variable that is",
	.read = number };
const struct func func_listfilter = { .name = "LISTFILTER", .synopsis = "A list without one of its values",
	.read = list_filter };
const struct func func_sort = { .name = "SORT", .synopsis = "Keys in the order of their numbers", .read = sort };
const struct func func_shift = { .name = "SHIFT", .synopsis = "Takes the first off a list", .read = shift };
const struct func func_pop = { .name = "POP", .synopsis = "Takes the last off a list", .read = pop };
const struct func func_push = { .name = "PUSH", .synopsis = "Adds to the end of a list", .write = push };
const struct func func_unshift = { .name = "UNSHIFT", .synopsis = "Adds to the front of a list", .write = unshift };
