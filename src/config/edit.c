/* A configuration file as a list of lines, some of which are known to begin a section or to be a
 * variable: the reader has said which. */
#include "config/edit.h"
#include "base/list.h"
#include "base/text.h"
#include <errno.h>
#include <stdlib.h>

enum kind { OTHER, SECTION, VAR };

struct line {
	struct list link;
	enum kind kind;
	struct text raw;                /* without its end */
	struct text name, value;        /* of a section: its name */
	size_t inherited;               /* of a section: how many variables its templates gave it */
	bool is_template;
};

struct edit {
	struct list lines;
};

/* ---- lines ---------------------------------------------------------------------------------- */

static void line_free(struct line *l)
{
	list_remove(&l->link);
	text_free(&l->raw);
	text_free(&l->name);
	text_free(&l->value);
	free(l);
}

/* In front of `at`. NULL: ENOMEM. */
static struct line *line_add(struct list *at, enum kind kind, struct str raw, struct str name, struct str value)
{
	struct line *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->kind = kind;
	list_add_before(at, &l->link);
	if (text_set(&l->raw, raw) || text_set(&l->name, name) || text_set(&l->value, value)) {
		line_free(l);
		return NULL;
	}
	return l;
}

static struct line *at_link(struct list *p)
{
	return container_of(p, struct line, link);
}

/* The end of a section: the header of the next one, or the end of the file. */
static struct list *end_of(const struct edit *e, const struct line *s)
{
	struct list *p = s->link.next;

	while (p != &e->lines && at_link(p)->kind != SECTION)
		p = p->next;
	return p;
}

/* Behind its last variable: comments further down are about what comes next. */
static struct list *behind_vars(const struct edit *e, struct line *s)
{
	struct list *at = s->link.next;

	for (struct list *p = s->link.next; p != end_of(e, s); p = p->next)
		if (at_link(p)->kind == VAR)
			at = p->next;
	return at;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* What the reader says of one line. */
struct known {
	uint32_t line;
	const struct config_section *s;
	const struct config_var *v;     /* NULL: the section begins */
};

static int by_line(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return x->line < y->line ? -1 : x->line > y->line;
}

static size_t count_known(const struct config *c)
{
	return config_section_count(c) + config_var_count(c) + 1;
}

static size_t list_known(const struct config *c, struct known *k, size_t room)
{
	size_t n = 0;

	for (const struct config_section *s = config_all_first(c); s; s = s->next) {
		if (s->file == 0 && n < room)
			k[n++] = (struct known){ s->line, s, NULL };
		for (const struct config_var *v = s->first; v; v = v->next)
			if (v->file == 0 && !v->inherited && n < room)
				k[n++] = (struct known){ v->line, s, v };
	}
	qsort(k, n, sizeof(*k), by_line);
	return n;
}

static size_t count_inherited(const struct config_section *s)
{
	size_t n = 0;

	for (const struct config_var *v = s->first; v; v = v->next)
		n += v->inherited;
	return n;
}

static int read_lines(struct edit *e, struct str text, const struct known *k, size_t n)
{
	struct str raw;
	uint32_t number = 0;
	size_t i = 0;

	while (str_line(&text, &raw)) {
		struct line *l;
		const struct known *it;

		number++;
		while (i < n && k[i].line < number)
			i++;
		it = i < n && k[i].line == number ? &k[i] : NULL;
		l = line_add(&e->lines, !it ? OTHER : it->v ? VAR : SECTION, raw,
			     !it ? STR_NULL : it->v ? it->v->name : it->s->name, it && it->v ? it->v->value : STR_NULL);
		if (!l)
			return ENOMEM;
		if (l->kind == SECTION) {
			l->inherited = count_inherited(it->s);
			l->is_template = it->s->is_template;
		}
	}
	return 0;
}

int edit_new(struct edit **out, struct str text, const struct config *c)
{
	size_t room = count_known(c);
	struct edit *e = calloc(1, sizeof(*e));
	struct known *k = calloc(room, sizeof(*k));
	int err = ENOMEM;

	if (e)
		list_init(&e->lines);
	if (e && k)
		err = read_lines(e, text, k, list_known(c, k, room));
	free(k);
	if (err)
		edit_free(e);
	else
		*out = e;
	return err;
}

void edit_free(struct edit *e)
{
	if (!e)
		return;
	while (!list_empty(&e->lines))
		line_free(at_link(e->lines.next));
	free(e);
}

int edit_write(const struct edit *e, struct buf *b)
{
	for (struct list *p = e->lines.next; p != &e->lines; p = p->next)
		buf_puts(b, text_view(&at_link(p)->raw), STR("\n"));
	return buf_err(b);
}

/* ---- which section ------------------------------------------------------------------------------ */

static bool has_var(const struct edit *e, const struct line *s, struct str name, struct str value)
{
	for (struct list *p = s->link.next; p != end_of(e, s); p = p->next) {
		const struct line *l = at_link(p);

		if (l->kind == VAR && str_ieq(text_view(&l->name), name) && str_eq(text_view(&l->value), value))
			return true;
	}
	return false;
}

static bool fits(const struct edit *e, const struct line *s, const struct edit_where *w)
{
	struct str rest = w->filter;
	bool templates = false;

	if (s->kind != SECTION || !str_ieq(text_view(&s->name), w->section))
		return false;
	while (rest.n) {
		struct str term = str_trim(str_cut_raw(&rest, ','));
		struct str name = str_trim(str_cut_raw(&term, '='));

		if (!str_ieq(name, STR("TEMPLATES"))) {
			if (!has_var(e, s, name, str_trim(term)))
				return false;
		} else if (str_ieq(str_trim(term), STR("restrict"))) {
			templates = true;
			if (!s->is_template)
				return false;
		} else {
			templates = str_ieq(str_trim(term), STR("include"));
		}
	}
	return templates || !s->is_template;
}

/* The next one behind `s` (NULL: the first) that fits; NULL: none. */
static struct line *next_section(struct edit *e, struct line *s, const struct edit_where *w)
{
	for (struct list *p = s ? s->link.next : e->lines.next; p != &e->lines; p = p->next)
		if (fits(e, at_link(p), w))
			return at_link(p);
	return NULL;
}

#define each_section(s, e, w) for (struct line *s = next_section(e, NULL, w); s; s = next_section(e, s, w))

/* ---- text of a line ------------------------------------------------------------------------------- */

static bool is_name(struct str name, const char *bad)
{
	if (!name.n || name.p[0] == '#' || name.n > CONFIG_LINE_MAX / 2)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || strchr(bad, name.p[i]))
			return false;
	return true;
}

static bool is_value(struct str value)
{
	for (size_t i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] < ' ' && value.p[i] != '\t')
			return false;
	return value.n <= CONFIG_LINE_MAX / 4;
}

/* A ; that is no comment. */
static void put_value(struct buf *b, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] == ';')
			buf_char(b, '\\');
		buf_char(b, value.p[i]);
	}
}

static void put_var(struct buf *b, struct str name, struct str value, bool arrow)
{
	buf_puts(b, name, arrow ? STR(" => ") : STR(" = "));
	put_value(b, value);
}

static int add_var(struct list *at, struct str name, struct str value, bool arrow)
{
	struct buf b = BUF_INIT;
	bool ok;

	put_var(&b, name, value, arrow);
	ok = !buf_err(&b) && line_add(at, VAR, buf_view(&b), name, value);
	buf_free(&b);
	return ok ? 0 : ENOMEM;
}

/* Where a comment begins in a line that holds a variable; its length: nowhere. */
static size_t comment_in(struct str raw)
{
	for (size_t i = 0; i < raw.n; i++)
		if (raw.p[i] == ';' && (!i || raw.p[i - 1] != '\\'))
			return i;
	return raw.n;
}

static int change_value(struct line *l, struct str value, bool arrow)
{
	struct str raw = text_view(&l->raw), comment = str_skip(raw, comment_in(raw));
	struct buf b = BUF_INIT;
	int err;

	put_var(&b, text_view(&l->name), value,
		arrow || str_find(str_sub(raw, 0, comment_in(raw)), STR("=>")) == str_chr(raw, '='));
	if (comment.n)
		buf_puts(&b, STR(" "), comment);
	err = buf_err(&b);
	err = err ? err : text_set(&l->value, value);
	err = err ? err : text_set(&l->raw, buf_view(&b));
	buf_free(&b);
	return err;
}

/* ---- sections ---------------------------------------------------------------------------------------- */

static int put_bases(struct edit *e, const struct edit_section *s, struct buf *b)
{
	for (size_t i = 0; i < s->nbases; i++) {
		struct edit_where w = { s->bases[i], STR("TEMPLATES=restrict") };

		if (!next_section(e, NULL, &w))
			return EDOM;
		buf_puts(b, b->n ? STR(",") : STR_NULL, s->bases[i]);
	}
	return 0;
}

static int write_header(struct edit *e, const struct edit_section *s, struct buf *b)
{
	struct buf options = BUF_INIT;
	int err;

	if (s->is_template)
		buf_char(&options, '!');
	err = put_bases(e, s, &options);
	buf_puts(b, STR("["), s->name, STR("]"));
	if (options.n)
		buf_puts(b, STR("("), buf_view(&options), STR(")"));
	err = err ? err : buf_err(&options);
	buf_free(&options);
	return err ? err : buf_err(b);
}

int edit_section_add(struct edit *e, const struct edit_section *s)
{
	struct edit_where there = { s->name, STR("TEMPLATES=include") }, next = { s->before, STR("TEMPLATES=include") };
	struct line *before = s->before.n ? next_section(e, NULL, &next) : NULL, *l;
	struct list *at = before ? &before->link : &e->lines;
	struct buf b = BUF_INIT;
	int err;

	if (!is_name(s->name, "[];"))
		return EINVAL;
	if (!s->again && next_section(e, NULL, &there))
		return EEXIST;
	if (s->before.n && !before)
		return ENOENT;
	/* Comments right above the next one are its own. */
	while (before && at->prev != &e->lines && at_link(at->prev)->kind == OTHER && at_link(at->prev)->raw.n)
		at = at->prev;
	err = write_header(e, s, &b);
	if (!err && at->prev != &e->lines && at_link(at->prev)->raw.n && !line_add(at, OTHER, STR_NULL, STR_NULL, STR_NULL))
		err = ENOMEM;
	l = err ? NULL : line_add(at, SECTION, buf_view(&b), s->name, STR_NULL);
	buf_free(&b);
	if (!l)
		return err ? err : ENOMEM;
	l->is_template = s->is_template;
	if (before && !line_add(at, OTHER, STR_NULL, STR_NULL, STR_NULL))
		return ENOMEM;
	return 0;
}

int edit_section_rename(struct edit *e, const struct edit_where *w, struct str name)
{
	int err = ENOENT;

	if (!is_name(name, "[];"))
		return EINVAL;
	each_section(s, e, w) {
		struct str raw = text_view(&s->raw), after = str_skip(raw, str_chr(raw, ']'));
		struct buf b = BUF_INIT;

		buf_puts(&b, STR("["), name, after);
		err = buf_err(&b) ? ENOMEM : text_set(&s->raw, buf_view(&b));
		err = err ? err : text_set(&s->name, name);
		buf_free(&b);
		if (err)
			return err;
	}
	return err;
}

static void drop_lines(struct list *from, struct list *to)
{
	while (from != to) {
		struct list *next = from->next;

		line_free(at_link(from));
		from = next;
	}
}

int edit_section_delete(struct edit *e, const struct edit_where *w)
{
	struct line *s, *first = next_section(e, NULL, w);

	while ((s = next_section(e, NULL, w)) != NULL) {
		struct list *from = &s->link;

		while (from->prev != &e->lines && at_link(from->prev)->kind == OTHER && at_link(from->prev)->raw.n)
			from = from->prev;
		drop_lines(from, behind_vars(e, s));
	}
	return first ? 0 : ENOENT;
}

int edit_section_empty(struct edit *e, const struct edit_where *w)
{
	int err = ENOENT;

	each_section(s, e, w) {
		drop_lines(s->link.next, behind_vars(e, s));
		err = 0;
	}
	return err;
}

/* ---- variables ------------------------------------------------------------------------------------------ */

/* One of that name, and of that value unless `match` is empty, behind `p`; NULL: none. */
static struct line *next_var(const struct edit *e, const struct line *s, struct list *p, struct str name, struct str match)
{
	for (p = p->next; p != end_of(e, s); p = p->next) {
		struct line *l = at_link(p);

		if (l->kind == VAR && str_ieq(text_view(&l->name), name) && (!match.n || str_ieq(text_view(&l->value), match)))
			return l;
	}
	return NULL;
}

/* The variable at a place; NULL: it is a template's, or there is none. */
static struct line *var_at(const struct edit *e, const struct line *s, long at)
{
	long n = (long)s->inherited;

	for (struct list *p = s->link.next; p != end_of(e, s); p = p->next)
		if (at_link(p)->kind == VAR && n++ == at)
			return at_link(p);
	return NULL;
}

int edit_set(struct edit *e, const struct edit_where *w, struct str name, struct str value, struct str match, bool arrow)
{
	int err = next_section(e, NULL, w) ? ESRCH : ENOENT;

	if (!is_name(name, "=;[]") || !is_value(value))
		return EINVAL;
	each_section(s, e, w) {
		struct line *l = next_var(e, s, &s->link, name, match);

		if (!l)
			continue;
		err = change_value(l, value, arrow);
		if (err)
			return err;
	}
	return err;
}

int edit_delete(struct edit *e, const struct edit_where *w, struct str name, struct str match, long at)
{
	int err = next_section(e, NULL, w) ? ESRCH : ENOENT;

	each_section(s, e, w) {
		struct line *l = at >= 0 ? var_at(e, s, at) : next_var(e, s, &s->link, name, match);

		while (l) {
			line_free(l);
			err = 0;
			l = at >= 0 ? NULL : next_var(e, s, &s->link, name, match);
		}
	}
	return err;
}

int edit_append(struct edit *e, const struct edit_where *w, struct str name, struct str value, bool arrow)
{
	int err = ENOENT;

	if (!is_name(name, "=;[]") || !is_value(value))
		return EINVAL;
	each_section(s, e, w) {
		err = add_var(behind_vars(e, s), name, value, arrow);
		if (err)
			return err;
	}
	return err;
}

int edit_insert(struct edit *e, const struct edit_where *w, struct str name, struct str value, long at)
{
	int err = ENOENT;

	if (!is_name(name, "=;[]") || !is_value(value))
		return EINVAL;
	each_section(s, e, w) {
		struct line *l = var_at(e, s, at);

		err = add_var(l ? &l->link : at <= (long)s->inherited ? s->link.next : behind_vars(e, s), name, value, false);
		if (err)
			return err;
	}
	return err;
}
