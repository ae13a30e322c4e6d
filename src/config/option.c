/* Options by name: the index of a table, values into an object's fields, and what was misspelt. */
#include "config/option.h"
#include <errno.h>
#include <stdlib.h>

#define ROWS_MAX 256    /* bits of option_ctx.seen */

struct option_index {
	const struct option_set *set;
	void *image;                    /* held: an object with its defaults */
	uint16_t *slot;                 /* held: row number + 1, by name and alias */
	uint16_t *prefix;               /* held: rows with OPT_PREFIX */
	size_t mask, prefixes;
};

static uint32_t name_hash(struct str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char ch = (unsigned char)s.p[i];

		h = (h ^ (ch >= 'A' && ch <= 'Z' ? ch + 32u : ch)) * 16777619u;
	}
	return h ^ h >> 15;
}

int option_why(struct option_ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ctx->why, sizeof(ctx->why), fmt, ap);
	va_end(ap);
	return EBADMSG;
}

static bool name_fits(const struct option *o, struct str name)
{
	struct str rest = str_z(o->aliases);

	if (str_ieq(str_z(o->name), name))
		return true;
	while (rest.n)
		if (str_ieq(str_cut_raw(&rest, ' '), name))
			return true;
	return false;
}

static void put_name(struct option_index *i, struct str name, size_t row)
{
	size_t at = name_hash(name) & i->mask;

	while (i->slot[at])
		at = (at + 1) & i->mask;
	i->slot[at] = (uint16_t)(row + 1);
}

static void put_rows(struct option_index *i)
{
	for (size_t k = 0; k < i->set->n; k++) {
		const struct option *o = &i->set->rows[k];
		struct str rest = str_z(o->aliases);

		if (o->flags & OPT_PREFIX)
			i->prefix[i->prefixes++] = (uint16_t)k;
		else
			put_name(i, str_z(o->name), k);
		while (rest.n)
			put_name(i, str_cut_raw(&rest, ' '), k);
	}
}

const struct option_set *option_index_set(const struct option_index *i)
{
	return i->set;
}

const struct option *option_find(const struct option_index *i, struct str name)
{
	for (size_t at = name_hash(name) & i->mask; i->slot[at]; at = (at + 1) & i->mask) {
		const struct option *o = &i->set->rows[i->slot[at] - 1];

		if (name_fits(o, name))
			return o;
	}
	for (size_t k = 0; k < i->prefixes; k++) {
		const struct option *o = &i->set->rows[i->prefix[k]];
		struct str start = str_z(o->name);

		start.n--;
		if (str_istarts(name, start))
			return o;
	}
	return NULL;
}

struct str option_nearest(const struct option_index *i, struct str name)
{
	struct str best = STR_NULL;
	unsigned least = (unsigned)(name.n < 6 ? 3 : name.n / 2);

	for (size_t k = 0; k < i->set->n; k++) {
		struct str n = str_z(i->set->rows[k].name);
		unsigned d = str_distance(name, n);

		if (d < least) {
			least = d;
			best = n;
		}
	}
	return best;
}

static int parse_number(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	int64_t v;
	int err = str_i64(value, &v);

	if (err == EBADMSG)
		return option_why(ctx, "'%.*s' is not a whole number", STR_ARG(value));
	if (err || (double)v < o->min || (double)v > o->max)
		return option_why(ctx, "%.*s is not within %.0f..%.0f", STR_ARG(value), o->min, o->max);
	if (o->kind == OPTION_INT)
		*(int32_t *)field = (int32_t)v;
	else
		*(uint32_t *)field = (uint32_t)v;
	return 0;
}

static int parse_double(struct option_ctx *ctx, const struct option *o, double *field, struct str value)
{
	double v;

	if (str_double(value, &v))
		return option_why(ctx, "'%.*s' is not a number", STR_ARG(value));
	if (!(v >= o->min && v <= o->max))
		return option_why(ctx, "%.*s is not within %g..%g", STR_ARG(value), o->min, o->max);
	*field = v;
	return 0;
}

/* A choice called yes or no may be spelt in all the ways of a boolean. */
static const struct option_choice *find_choice(const struct option_choice *c, struct str value)
{
	const struct option_choice *start = c;
	bool b;

	for (; c->name; c++)
		if (str_ieq(str_z(c->name), value))
			return c;
	if (str_bool(value, &b))
		return NULL;
	for (c = start; c->name; c++)
		if (str_ieq(str_z(c->name), b ? STR("yes") : STR("no")))
			return c;
	return NULL;
}

static int parse_enum(struct option_ctx *ctx, const struct option *o, uint8_t *field, struct str value)
{
	const struct option_choice *c = find_choice(o->choices, value);
	char list[160];
	struct buf b;

	if (c) {
		*field = c->value;
		return 0;
	}
	buf_init(&b, list, sizeof(list), sizeof(list));
	for (c = o->choices; c->name; c++)
		buf_printf(&b, "%s%s", c == o->choices ? "" : ", ", c->name);
	option_why(ctx, "'%.*s' is not one of %s", STR_ARG(value), buf_z(&b));
	buf_free(&b);
	return EBADMSG;
}

int option_list_add(struct option_ctx *ctx, struct str_list *l, struct str s)
{
	int err = 0;

	if (l->n == UINT16_MAX)
		return option_why(ctx, "more than 65535 elements");
	/* Full at each power of two, so no capacity need be stored. */
	if (!(l->n & (l->n - 1))) {
		struct str *v = arena_alloc(ctx->arena, (l->n ? l->n * 2u : 1u) * sizeof(*v));

		if (!v)
			return ENOMEM;
		if (l->n)
			memcpy(v, l->v, l->n * sizeof(*v));
		l->v = v;
	}
	s = intern_str(ctx->intern, s, &err);
	/* The array is still this object's own until the caller interns it. */
	((struct str *)(size_t)l->v)[l->n++] = s;
	return err;
}

/* A one-line list is gathered on the stack and interned as a whole, so that equal
 * lists of many objects are one. */
static int parse_short_list(struct option_ctx *ctx, struct str_list *l, struct str value, bool *fits)
{
	struct str v[16];
	struct str_list tmp = { v, 0 };
	int err = 0;

	*fits = true;
	while (value.n) {
		struct str e = str_trim(str_cut_raw(&value, ','));

		if (!e.n)
			continue;
		if (tmp.n == ARRAY_LEN(v)) {
			*fits = false;
			return 0;
		}
		v[tmp.n++] = intern_str(ctx->intern, e, &err);
	}
	if (!err)
		err = intern_list(ctx->intern, &tmp);
	if (!tmp.n)
		tmp.v = NULL;
	*l = tmp;
	return err;
}

static int parse_list(struct option_ctx *ctx, const struct option *o, struct str_list *l, struct str value)
{
	bool fits = false;
	int err = 0;

	if (!(o->flags & OPT_ADD)) {
		if (!(o->flags & OPT_WHOLE))
			err = parse_short_list(ctx, l, value, &fits);
		if (err || fits)
			return err;
		*l = (struct str_list){ 0 };
	} else if (ctx->first) {
		*l = (struct str_list){ 0 };
	}
	if (o->flags & OPT_WHOLE)
		return value.n ? option_list_add(ctx, l, value) : 0;
	while (!err && value.n) {
		struct str e = str_trim(str_cut_raw(&value, ','));

		if (e.n)
			err = option_list_add(ctx, l, e);
	}
	return err;
}

static int parse_value(struct option_ctx *ctx, const struct option *o, void *obj, struct str value)
{
	void *field = (char *)obj + o->offset;
	int err = 0;

	switch ((enum option_kind)o->kind) {
	case OPTION_BOOL:
		if (str_bool(value, field))
			return option_why(ctx, "'%.*s' is neither yes nor no", STR_ARG(value));
		return 0;
	case OPTION_INT:
	case OPTION_UINT:
		return parse_number(ctx, o, field, value);
	case OPTION_DOUBLE:
		return parse_double(ctx, o, field, value);
	case OPTION_STRING:
		*(struct str *)field = intern_str(ctx->intern, value, &err);
		return err;
	case OPTION_SECRET:
		((struct secret *)field)->s = intern_str(ctx->intern, value, &err);
		return err;
	case OPTION_ENUM:
		return parse_enum(ctx, o, field, value);
	case OPTION_LIST:
		return parse_list(ctx, o, field, value);
	case OPTION_CUSTOM:
		return o->parse(ctx, o, field, value);
	case OPTION_IGNORED:
		return 0;
	}
	return EINVAL;
}

static int make_image(struct option_index *i, struct option_ctx *ctx)
{
	for (size_t k = 0; k < i->set->n; k++) {
		const struct option *o = &i->set->rows[k];
		int err;

		ctx->row = o;
		ctx->first = true;
		ctx->obj = i->image;
		ctx->name = str_z(o->name);
		if (o->kind == OPTION_STRING)
			*(struct str *)(void *)((char *)i->image + o->offset) = STR("");
		if (o->kind == OPTION_SECRET)
			((struct secret *)(void *)((char *)i->image + o->offset))->s = STR("");
		if (!o->def || !*o->def)
			continue;
		err = parse_value(ctx, o, i->image, str_z(o->def));
		if (err)
			return err;
	}
	return 0;
}

int option_index_new(struct option_index **ip, const struct option_set *set, struct option_ctx *ctx)
{
	struct option_index *i = calloc(1, sizeof(*i));
	size_t n = 16;
	int err = i ? 0 : ENOMEM;

	if (err)
		return err;
	if (set->n > ROWS_MAX) {
		err = EINVAL;
		goto out;
	}
	while (n < set->n * 4)
		n *= 2;
	i->set = set;
	i->mask = n - 1;
	i->image = calloc(1, set->size);
	i->slot = calloc(n, sizeof(*i->slot));
	i->prefix = calloc(set->n + 1, sizeof(*i->prefix));
	if (!i->image || !i->slot || !i->prefix) {
		err = ENOMEM;
		goto out;
	}
	put_rows(i);
	err = make_image(i, ctx);
 out:
	if (err)
		option_index_free(i);
	else
		*ip = i;
	return err;
}

void option_index_free(struct option_index *i)
{
	if (!i)
		return;
	free(i->image);
	free(i->slot);
	free(i->prefix);
	free(i);
}

void option_begin(const struct option_index *i, struct option_ctx *ctx, void *obj)
{
	memcpy(obj, i->image, i->set->size);
	memset(ctx->seen, 0, sizeof(ctx->seen));
	ctx->obj = obj;
}

bool option_seen(const struct option_index *i, const struct option_ctx *ctx, const struct option *o)
{
	size_t k = (size_t)(o - i->set->rows);

	return ctx->seen[k / 64] >> (k % 64) & 1;
}

int option_apply(const struct option_index *i, struct option_ctx *ctx, void *obj,
		 struct str name, struct str value)
{
	const struct option *o = option_find(i, name);
	size_t k;

	if (!o)
		return ENOENT;
	k = (size_t)(o - i->set->rows);
	ctx->obj = obj;
	ctx->row = o;
	ctx->name = name;
	ctx->first = !option_seen(i, ctx, o);
	ctx->seen[k / 64] |= (uint64_t)1 << (k % 64);
	return parse_value(ctx, o, obj, value);
}

bool option_same(const struct option_set *set, const void *a, const void *b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool same;

	option_each(row, set) {
		option_write(&x, row, a, true);
		option_write(&y, row, b, true);
		buf_char(&x, '\n');
		buf_char(&y, '\n');
	}
	same = !buf_err(&x) && !buf_err(&y) && str_eq(buf_view(&x), buf_view(&y));
	buf_free(&x);
	buf_free(&y);
	return same;
}
