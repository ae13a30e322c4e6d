/* Builds a snapshot out of the files, with what is kept of the one before; finds its objects. */
#include "service/object/snapshot_internal.h"
#include "service/object/http_conf.h"
#include "service/object/wizard.h"
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static void snapshot_free(void *p)
{
	struct snapshot *s = p;
	bool large = s->arena && arena_size(s->arena) > (size_t)8 << 20;

	for (size_t t = 0; t < OBJECT_TYPES; t++)
		map_free(s->list[t].by_name);
	if (s->parts) {
		build_free(&s->parts->build);
		obj_drop(s->parts->acls);
		for (size_t i = 0; i < FILES; i++)
			config_stamp_free(s->parts->stamp[i]);
		free(s->parts);
	}
	arena_free(s->arena);
	/* A hundred megabytes in pieces of the heap do not go back by themselves. */
	if (large)
		malloc_trim(0);
}

const struct object *snapshot_get(const struct snapshot *s, enum object_type t, struct str name)
{
	return s->list[t].by_name ? map_get(s->list[t].by_name, name) : NULL;
}

static int loader_init(struct loader *l, struct snapshot *previous, struct report *r)
{
	struct snapshot *s = obj_new(sizeof(*s), snapshot_free);
	struct object_build *b;

	if (!s)
		return ENOMEM;
	*l = (struct loader){ .s = s, .previous = previous, .r = r };
	s->serial = previous ? previous->serial + 1 : 1;
	s->arena = arena_new((size_t)256 << 10);
	s->parts = calloc(1, sizeof(*s->parts));
	if (!s->arena || !s->parts)
		return ENOMEM;
	b = l->b = &s->parts->build;
	b->r = r;
	b->ctx.arena = s->arena;
	b->ctx.user = b;
	b->ctx.intern = intern_new(s->arena);
	return b->ctx.intern ? 0 : ENOMEM;
}

/* What only a load needs; the rest of the build is the snapshot's. */
static void loader_end(struct loader *l)
{
	struct object_build *b = l->b;

	for (size_t t = 0; t < OBJECT_TYPES; t++) {
		option_index_free(l->index[t]);
		free(l->of[t].v);
	}
	for (size_t i = 0; i < ARRAY_LEN(l->c); i++)
		config_free(l->c[i]);
	arena_free(l->made);
	if (!b)
		return;
	intern_free(b->ctx.intern);
	b->ctx.intern = NULL;
	map_free(b->acl_sets);
	b->acl_sets = NULL;
	free(b->var);
	b->var = NULL;
	b->vars = b->var_cap = 0;
	buf_free(&b->acl.b);
	buf_free(&b->contact_acl.b);
	b->c = NULL;
	b->s = NULL;
	b->r = NULL;
	b->acls = NULL;
}

static int add_source(struct sources *x, struct source e)
{
	if (x->n == x->cap) {
		size_t cap = x->cap ? x->cap * 2 : 8;
		struct source *v = realloc(x->v, cap * sizeof(*v));

		if (!v)
			return ENOMEM;
		x->v = v;
		x->cap = cap;
	}
	x->v[x->n++] = e;
	return 0;
}

static void fault_at(struct loader *l, struct source e, enum report_level level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void fault_at(struct loader *l, struct source e, enum report_level level, const char *fmt, ...)
{
	struct buf t = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&t, fmt, ap);
	va_end(ap);
	report_add(l->r, level, config_file_name(e.c, e.s->file), e.s->line, "%s", buf_z(&t));
	buf_free(&t);
}

/* The first type= decides, even where a template's differs from the section's own:
 * that is what Asterisk does. */
static const struct config_var *type_var(const struct config_section *s)
{
	for (const struct config_var *v = s->first; v; v = v->next)
		if (str_ieq(v->name, STR("type")))
			return v;
	return NULL;
}

static void unknown_type(struct loader *l, struct source e, const struct config_var *v)
{
	struct str best = STR_NULL;
	unsigned least = 4;

	for (size_t t = 0; t < OBJECT_TYPES; t++) {
		struct str n = object_type_name((enum object_type)t);
		unsigned d = str_distance(n, v->value);

		if (d < least) {
			least = d;
			best = n;
		}
	}
	config_fault(e.c, v, l->r, REPORT_ERROR, "section '%.*s': unknown type '%.*s'%s%.*s%s", STR_ARG(e.s->name),
		     STR_ARG(v->value), best.n ? "; did you mean '" : "", STR_ARG(best), best.n ? "'?" : "");
}

static int sort_section(struct loader *l, struct source e)
{
	const struct config_var *v = type_var(e.s);
	enum object_type t;

	if (v) {
		t = object_type_of(v->value);
		if (t == OBJECT_TYPES)
			unknown_type(l, e, v);
	} else {
		t = str_eq(e.s->name, STR("global")) ? OBJECT_GLOBAL :
		    str_eq(e.s->name, STR("system")) ? OBJECT_SYSTEM : OBJECT_TYPES;
		if (t == OBJECT_TYPES)
			fault_at(l, e, REPORT_WARNING, "section '%.*s' has no type=, so it is ignored", STR_ARG(e.s->name));
	}
	return t == OBJECT_TYPES ? 0 : add_source(&l->of[t], e);
}

static int sort_sections(struct loader *l, const struct config *c)
{
	int err = 0;

	for (const struct config_section *s = config_first(c); !err && s; s = config_next(s))
		err = sort_section(l, (struct source){ c, s });
	return err;
}

static int made_section(void *arg, enum object_type t, struct config_section *s)
{
	struct loader *l = arg;

	return add_source(&l->of[t], (struct source){ l->c[1], s });
}

static int made_hint(void *arg, struct wizard_hint h)
{
	struct loader *l = arg;
	struct snapshot *s = l->s;

	/* Grown by doubling in the arena: they are few. */
	if (s->hint_n == l->hint_cap) {
		size_t cap = l->hint_cap ? l->hint_cap * 2 : 8;
		struct wizard_hint *v = arena_alloc(s->arena, cap * sizeof(*v));

		if (!v)
			return ENOMEM;
		if (s->hint_n)
			memcpy(v, s->hints, s->hint_n * sizeof(*v));
		s->hints = v;
		l->hint_cap = cap;
	}
	((struct wizard_hint *)(size_t)s->hints)[s->hint_n++] = h;
	return 0;
}

static int read_wizards(struct loader *l)
{
	struct wizard_prm prm = { .ctx = &l->b->ctx, .r = l->r, .section = made_section, .hint = made_hint, .arg = l };
	int err;

	if (!l->c[1])
		return 0;
	prm.arena = l->made = arena_new(0);
	err = l->made ? wizard_expand(&prm, l->c[1]) : ENOMEM;
	return !err && arena_failed(l->made) ? ENOMEM : err;
}

static int add_object(struct loader *l, enum object_type t, struct object *o)
{
	struct object_list *list = &l->s->list[t];
	int err;

	if (!list->by_name)
		list->by_name = map_new(false);
	err = list->by_name ? map_add(list->by_name, o->name, o) : ENOMEM;
	if (err)
		return err;
	o->of = l->s;
	list->v[list->n++] = o;
	return 0;
}

/* The last good version of a refused object, if there is one. */
static int keep_old(struct loader *l, enum object_type t, struct source e)
{
	const struct object *old = l->previous ? snapshot_get(l->previous, t, e.s->name) : NULL;
	struct object *o;
	int err;

	if (!old)
		return 0;
	err = keep_object(l->b, t, l->index[t], old, &o);
	if (err == ENOMEM)
		return err;
	if (err)
		return 0;
	fault_at(l, e, REPORT_NOTE, "%s '%.*s': goes on as it was before this reload", l->b->type, STR_ARG(o->name));
	return add_object(l, t, o);
}

static int read_object(struct loader *l, enum object_type t, struct source e)
{
	const struct option_set *set = object_options(t);
	struct object_build *b = l->b;
	struct object *o = arena_alloc(l->s->arena, set->size);
	struct str file = config_file_name(e.c, e.s->file);
	int err = o ? 0 : ENOMEM;

	if (err)
		return err;
	b->c = e.c;
	b->s = e.s;
	build_reset(b);
	err = option_apply_section(l->index[t], &b->ctx, o, e.c, e.s, l->r);
	if (!err) {
		o->name = intern_str(b->ctx.intern, e.s->name, &err);
		o->file = intern_str(b->ctx.intern, file, &err).p;
		o->line = e.s->line;
		o->type = (uint8_t)t;
	}
	if (!err)
		err = finish_object(b, t, o);
	if (err == EBADMSG)
		return keep_old(l, t, e);
	return err ? err : add_object(l, t, o);
}

static int by_name(const void *a, const void *b)
{
	const struct source *x = a, *y = b;
	int d = str_cmp(x->s->name, y->s->name);

	return d ? d : (x->s->line > y->s->line) - (x->s->line < y->s->line);
}

/* Two of one name: which one was meant nobody knows, so none of the type is taken.
 * The names are sorted on the side; file order stays. */
static int find_twins(struct loader *l, enum object_type t)
{
	struct sources *x = &l->of[t];
	struct source *v;

	if (x->n < 2)
		return 0;
	v = malloc(x->n * sizeof(*v));
	if (!v)
		return ENOMEM;
	memcpy(v, x->v, x->n * sizeof(*v));
	qsort(v, x->n, sizeof(*v), by_name);
	for (size_t i = 1; i < x->n; i++) {
		if (!str_eq(v[i].s->name, v[i - 1].s->name))
			continue;
		x->refused = true;
		fault_at(l, v[i], REPORT_ERROR, "%.*s '%.*s': there is one of that name at %.*s:%u; until one is taken away, "
			 "no %.*s is loaded", STR_ARG(object_type_name(t)), STR_ARG(v[i].s->name),
			 STR_ARG(config_file_name(v[i - 1].c, v[i - 1].s->file)), v[i - 1].s->line,
			 STR_ARG(object_type_name(t)));
	}
	free(v);
	return 0;
}

static void find_rivals(struct loader *l, enum object_type t)
{
	struct sources *x = &l->of[t];

	if (x->n < 2 || x->refused)
		return;
	x->refused = true;
	fault_at(l, x->v[1], REPORT_ERROR, "there is more than one section of type %.*s (the other at %.*s:%u); until one is "
		 "taken away, none is loaded", STR_ARG(object_type_name(t)),
		 STR_ARG(config_file_name(x->v[0].c, x->v[0].s->file)), x->v[0].s->line);
}

/* All of a type as before, when the type as a whole was refused. */
static int keep_all(struct loader *l, enum object_type t)
{
	const struct object_list *old = l->previous ? &l->previous->list[t] : NULL;
	int err = 0;

	for (size_t i = 0; !err && old && i < old->n; i++) {
		struct object *o;

		err = keep_object(l->b, t, l->index[t], old->v[i], &o);
		if (!err)
			err = add_object(l, t, o);
		else if (err == EBADMSG)
			err = 0;
	}
	return err;
}

static int read_type(struct loader *l, enum object_type t)
{
	struct sources *x = &l->of[t];
	struct object_list *list = &l->s->list[t];
	size_t room = x->refused ? (l->previous ? l->previous->list[t].n : 0) : x->n;
	int err = 0;

	if (!l->index[t]) {
		err = option_index_new(&l->index[t], object_options(t), &l->b->ctx);
		if (err)
			return err;
	}
	if (!room)
		return 0;
	l->b->type = object_options(t)->type;
	list->v = arena_alloc(l->s->arena, room * sizeof(*list->v));
	if (!list->v)
		return ENOMEM;
	if (x->refused)
		return keep_all(l, t);
	for (size_t i = 0; !err && i < x->n; i++)
		err = read_object(l, t, x->v[i]);
	return err;
}

/* [global] and [system]: the section, or what stands in the table. */
static int read_single(struct loader *l, enum object_type t, void *out)
{
	struct object *o;
	int err;

	find_rivals(l, t);
	err = read_type(l, t);
	if (err)
		return err;
	if (l->s->list[t].n) {
		*(struct object **)out = l->s->list[t].v[0];
		return 0;
	}
	o = arena_alloc(l->s->arena, object_options(t)->size);
	if (!o)
		return ENOMEM;
	option_begin(l->index[t], &l->b->ctx, o);
	o->name = object_type_name(t);
	o->of = l->s;
	o->file = "";
	o->type = (uint8_t)t;
	*(struct object **)out = o;
	return 0;
}

static int read_all(struct loader *l)
{
	int err = 0;

	for (size_t t = 0; !err && t < OBJECT_TYPES; t++)
		err = find_twins(l, (enum object_type)t);
	/* Auths need global's algorithms, so global comes first. */
	if (!err)
		err = read_single(l, OBJECT_GLOBAL, &l->s->global);
	l->b->global = l->s->global;
	if (!err)
		err = read_single(l, OBJECT_SYSTEM, &l->s->system);
	for (size_t t = 0; !err && t < OBJECT_TYPES; t++)
		if (t != OBJECT_GLOBAL && t != OBJECT_SYSTEM && (l->of[t].n || l->of[t].refused))
			err = read_type(l, (enum object_type)t);
	return err ? err : resolve_all(l);
}

static int finish_load(struct loader *l, struct snapshot **sp, int err)
{
	struct snapshot *s = l->s;

	if (err == EINVAL || (err == EBADMSG && l->b && l->b->ctx.why[0] && l->r && !report_errors(l->r)))
		report_add(l->r, REPORT_ERROR, STR(""), 0, "the option table of %s is broken: %s",
			   l->b->ctx.row ? l->b->ctx.row->name : "?", l->b->ctx.why);
	loader_end(l);
	/* A value that is missing for want of memory is not an empty one: no object of
	 * this may ever be used. */
	if (!err && arena_failed(s->arena))
		err = ENOMEM;
	if (err)
		obj_drop(s);
	else
		*sp = s;
	return err;
}

static bool is_unchanged(const struct snapshot *s)
{
	if (!s)
		return false;
	for (size_t i = 0; i < FILES; i++)
		if (!config_stamp_holds(s->parts->stamp[i]))
			return false;
	return true;
}

/* A file that may be missing still gets a stamp, so that its coming is seen. */
static int load_optional(struct loader *l, const struct config_prm *prm, const char *name, size_t slot,
			 struct config **out)
{
	struct config *c = NULL;
	char text[64];
	int err = config_load(&c, prm, name, l->r);

	*out = NULL;
	if (err && err != ENOENT) {
		if (err != EBADMSG && err != ENOMEM)
			report_add(l->r, REPORT_ERROR, str_z(name), 0, "cannot be read: %s", strerror(err));
		return err == ENOMEM ? ENOMEM : 0;
	}
	if (err) {
		snprintf(text, sizeof(text), "#tryinclude %s\n", name);
		err = config_parse(&c, prm, str_z(name), str_z(text), NULL);
		if (err)
			return err;
	}
	l->s->parts->stamp[slot] = config_stamp_new(c);
	*out = c;
	return 0;
}

const struct named_acls *snapshot_acls(const struct snapshot *s)
{
	return s->parts ? s->parts->acls : NULL;
}

static int load_acls(struct loader *l, const struct config_prm *prm)
{
	struct config *c;
	int err = load_optional(l, prm, "acl.conf", 2, &c);

	if (!err && c)
		err = named_acls_build(&l->s->parts->acls, c, l->r);
	config_free(c);
	l->b->acls = l->s->parts->acls;
	return err;
}

static int build_http(struct loader *l, const struct config *c)
{
	l->s->http = arena_alloc(l->s->arena, sizeof(*l->s->http));
	if (!l->s->http)
		return ENOMEM;
	*l->s->http = (struct http_conf){ 0 };
	return http_conf_build(l->s->http, c, &l->b->ctx, l->r);
}

static int load_http(struct loader *l, const struct config_prm *prm)
{
	struct config *c;
	int err = load_optional(l, prm, "http.conf", 3, &c);

	if (!err)
		err = build_http(l, c);
	config_free(c);
	return err;
}

static int load_main(struct loader *l, const struct config_prm *prm)
{
	int err = config_load(&l->c[0], prm, "pjsip.conf", l->r);

	if (err && err != EBADMSG)
		report_add(l->r, REPORT_ERROR, STR("pjsip.conf"), 0, err == ENOENT ?
			   "is not in %s; there is nothing to serve without it" : "in %s cannot be read: %s",
			   prm->dir, strerror(err));
	if (!err)
		l->s->parts->stamp[0] = config_stamp_new(l->c[0]);
	return err;
}

int snapshot_build(struct snapshot **sp, const struct snapshot_prm *prm, struct report *r)
{
	struct config_prm files = { .dir = prm->dir, .exec_includes = prm->exec_includes };
	struct loader l = { 0 };
	int err;

	if (is_unchanged(prm->previous))
		return EALREADY;
	err = loader_init(&l, prm->previous, r);
	if (!err)
		err = load_main(&l, &files);
	if (!err)
		err = load_optional(&l, &files, "pjsip_wizard.conf", 1, &l.c[1]);
	if (!err)
		err = load_acls(&l, &files);
	if (!err)
		err = load_http(&l, &files);
	if (!err)
		err = sort_sections(&l, l.c[0]);
	if (!err)
		err = read_wizards(&l);
	if (!err)
		err = read_all(&l);
	err = finish_load(&l, sp, err);
	/* The text of a large configuration is many small blocks of the heap. */
	malloc_trim(0);
	return err;
}

int snapshot_parse(struct snapshot **sp, struct str pjsip, struct str acl, struct snapshot *previous,
		   struct report *r)
{
	struct config_prm files = { 0 };
	struct loader l = { 0 };
	int err = loader_init(&l, previous, r);

	if (!err)
		err = config_parse(&l.c[0], &files, STR("pjsip.conf"), pjsip, r);
	if (!err)
		err = named_acls_parse(&l.s->parts->acls, acl, r);
	if (!err)
		err = build_http(&l, NULL);
	if (!err) {
		l.b->acls = l.s->parts->acls;
		err = sort_sections(&l, l.c[0]);
	}
	if (!err)
		err = read_all(&l);
	return finish_load(&l, sp, err);
}
