/* Names and their values, as locations are made of. */
#include "service/geoloc/geoloc.h"
#include <errno.h>
#include <stdlib.h>

#define QUOTES 7        /* quotes inside of one another */

int geoloc_list_add(struct geoloc_list *l, struct str name, struct str value)
{
	struct geoloc_item item = { 0 };

	if (l->n == GEOLOC_ITEMS)
		return E2BIG;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 8;
		struct geoloc_item *v = reallocarray(l->v, cap, sizeof(*v));

		if (!v)
			return ENOMEM;
		l->v = v;
		l->cap = cap;
	}
	if (text_set(&item.name, name) || text_set(&item.value, value)) {
		text_free(&item.name);
		return ENOMEM;
	}
	l->v[l->n++] = item;
	return 0;
}

int geoloc_list_add_all(struct geoloc_list *to, const struct geoloc_list *from)
{
	int err = 0;

	for (size_t i = 0; !err && i < from->n; i++)
		err = geoloc_list_add(to, text_view(&from->v[i].name), text_view(&from->v[i].value));
	return err;
}

static struct geoloc_item *find(const struct geoloc_list *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(text_view(&l->v[i].name), name))
			return &l->v[i];
	return NULL;
}

const struct geoloc_item *geoloc_list_find(const struct geoloc_list *l, struct str name)
{
	return find(l, name);
}

struct str geoloc_list_value(const struct geoloc_list *l, struct str name, struct str otherwise)
{
	const struct geoloc_item *i = find(l, name);

	return i && i->value.n ? text_view(&i->value) : otherwise;
}

int geoloc_list_put(struct geoloc_list *l, struct str name, struct str value)
{
	struct geoloc_item *i = find(l, name);

	return i ? text_set(&i->value, value) : geoloc_list_add(l, name, value);
}

void geoloc_list_free(struct geoloc_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		text_free(&l->v[i].name);
		text_free(&l->v[i].value);
	}
	free(l->v);
	*l = (struct geoloc_list){ 0 };
}

void geoloc_list_move(struct geoloc_list *to, struct geoloc_list *from)
{
	geoloc_list_free(to);
	*to = *from;
	*from = (struct geoloc_list){ 0 };
}

/* ---- text ------------------------------------------------------------------------------------- */

static bool is_quote(char c, bool apostrophes)
{
	return c == '"' || (apostrophes && c == '\'');
}

/* What stands before `sep`, taken off the front of *s; a separator inside of quotes is none.
 * False: there are too many quotes inside of quotes. */
static bool cut(struct str *s, char sep, bool apostrophes, struct str *out)
{
	char open[QUOTES];
	size_t depth = 0, i;

	for (i = 0; i < s->n && (s->p[i] != sep || depth); i++) {
		char c = s->p[i];

		if (c == '\\') {
			i++;
		} else if (is_quote(c, apostrophes) && depth && open[depth - 1] == c) {
			depth--;
		} else if (is_quote(c, apostrophes)) {
			if (depth == QUOTES)
				return false;
			open[depth++] = c;
		}
	}
	*out = str_sub(*s, 0, i);
	*s = str_skip(*s, i + 1);
	return true;
}

static struct str bare(struct str s, bool apostrophes)
{
	s = str_trim(s);
	if (s.n > 1 && is_quote(s.p[0], apostrophes) && s.p[s.n - 1] == s.p[0])
		s = str_sub(s, 1, s.n - 2);
	return str_trim(s);
}

/* In place: `to` may be where `s` stands. */
static struct str unescape(char *to, struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && ++i == s.n)
			break;
		to[n++] = s.p[i];
	}
	return str_mk(to, n);
}

/* Asterisk takes backslashes away from the item, and from its halves again. */
static int add_item(struct geoloc_list *l, struct str item, bool apostrophes, char *room)
{
	struct str name, value;

	value = unescape(room, bare(item, apostrophes));
	if (!value.n)
		return 0;
	if (!cut(&value, '=', apostrophes, &name))
		return EBADMSG;
	name = unescape(room, bare(name, apostrophes));
	value = bare(value, apostrophes);
	if (value.n)
		value = unescape(room + (value.p - room), value);
	return name.n ? geoloc_list_add(l, name, value) : EBADMSG;
}

int geoloc_list_parse(struct geoloc_list *l, struct str text, bool apostrophes)
{
	char *room = malloc(text.n + 1);
	int err = room ? 0 : ENOMEM;

	while (!err && text.n) {
		struct str item;

		err = cut(&text, ',', apostrophes, &item) ? add_item(l, item, apostrophes, room) : EBADMSG;
	}
	free(room);
	return err;
}

void geoloc_list_write(const struct geoloc_list *l, struct buf *b)
{
	for (size_t i = 0; i < l->n; i++)
		buf_puts(b, i ? STR(",") : STR_NULL, text_view(&l->v[i].name), STR("=\""), text_view(&l->v[i].value),
			 STR("\""));
}
