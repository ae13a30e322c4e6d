/* [applicationmap] of features.conf, the groups of its lines, and what of both DYNAMIC_FEATURES names. */
#define LOG_MODULE "features"
#include "base/log.h"
#include "base/obj.h"
#include "config/reader.h"
#include "pbx/dialplan.h"
#include "pbx/features.h"
#include <errno.h>
#include <stdlib.h>

static void map_free_all(void *o)
{
	struct features_map *m = o;

	for (size_t i = 0; i < m->items; i++) {
		struct features_item *t = &m->item[i];

		text_free(&t->name);
		text_free(&t->code);
		text_free(&t->app);
		text_free(&t->data);
		text_free(&t->music);
	}
	for (size_t i = 0; i < m->groups; i++) {
		for (size_t k = 0; k < m->group[i].n; k++)
			text_free(&m->group[i].v[k].code);
		text_free(&m->group[i].name);
		free(m->group[i].v);
	}
	free(m->item);
	free(m->group);
}

static size_t find_item(const struct features_map *m, struct str name)
{
	size_t i = 0;

	while (i < m->items && !str_ieq(name, text_view(&m->item[i].name)))
		i++;
	return i;
}

/* ---- a line ------------------------------------------------------------------------------------------ */

/* self or peer; an old "activated by" behind a slash says nothing any more. */
static bool read_target(struct str s, bool *on_self)
{
	s = str_cut_raw(&s, '/');
	*on_self = str_ieq(s, STR("self")) || str_ieq(s, STR("caller"));
	return *on_self || str_ieq(s, STR("peer")) || str_ieq(s, STR("callee"));
}

/* code,self,App(arguments),music or code,self,App,arguments,music */
static int set_item(struct features_item *t, const struct config_var *v, const struct args *a)
{
	struct str app = a->v[2], data = a->v[3], music = a->v[4];
	size_t paren = str_chr(app, '(');
	int err;

	if (paren < app.n) {
		music = data;
		data = str_skip(app, paren + 1);
		data.n = str_rchr(data, ')');
		app.n = paren;
	}
	err = text_set(&t->name, v->name);
	err = err ? err : text_set(&t->code, str_trim(a->v[0]));
	err = err ? err : text_set(&t->app, str_trim(app));
	err = err ? err : text_set(&t->data, str_unquote(data));
	return err ? err : text_set(&t->music, str_trim(music));
}

static const char *fault_of(const struct args *a, bool target)
{
	if (a->n < 3 || !a->v[0].n || !a->v[1].n || !a->v[2].n || a->v[2].p[0] == '(')
		return "is not digits,self|peer,application[(arguments)][,music class]";
	if (!target)
		return "is neither for self nor for peer";
	return a->v[0].n > 11 ? "has more than 11 digits" : NULL;
}

static int read_item(struct features_map *m, const struct config *cfg, const struct config_var *v, struct report *r)
{
	size_t at = find_item(m, v->name);
	struct features_item t = { 0 };
	const char *fault;
	struct args a;
	int err = args_split(&a, v->value, ',', 5);

	if (err)
		return err;
	fault = fault_of(&a, a.n > 1 && read_target(str_trim(a.v[1]), &t.on_self));
	if (fault)
		config_fault(cfg, v, r, REPORT_ERROR, "applicationmap: '%.*s' %s", STR_ARG(v->name), fault);
	else
		err = set_item(&t, v, &a);
	args_free(&a);
	if (fault)
		return 0;
	/* The last of a name counts. */
	if (at < m->items) {
		struct features_item old = m->item[at];

		m->item[at] = t;
		t = old;
	} else {
		m->item[m->items++] = t;
		t = (struct features_item){ 0 };
	}
	text_free(&t.name);
	text_free(&t.code);
	text_free(&t.app);
	text_free(&t.data);
	text_free(&t.music);
	return err;
}

/* ---- a group -------------------------------------------------------------------------------------------- */

static int read_group(struct features_map *m, const struct config *cfg, const struct config_section *s, struct report *r)
{
	struct features_group *g = &m->group[m->groups++];
	size_t n = 0;
	int err = text_set(&g->name, s->name);

	for (const struct config_var *v = s->first; v; v = v->next)
		n++;
	g->v = n ? calloc(n, sizeof(*g->v)) : NULL;
	if (n && !g->v)
		return ENOMEM;
	for (const struct config_var *v = s->first; !err && v; v = v->next) {
		size_t item = find_item(m, v->name);

		if (item == m->items) {
			config_fault(cfg, v, r, REPORT_ERROR, "group '%.*s': '%.*s' is not in [applicationmap]", STR_ARG(s->name),
				     STR_ARG(v->name));
			continue;
		}
		g->v[g->n].item = item;
		err = text_set(&g->v[g->n++].code, str_trim(v->value));
	}
	return err;
}

static bool is_group(const struct config_section *s)
{
	return !str_ieq(s->name, STR("general")) && !str_ieq(s->name, STR("featuremap")) &&
	       !str_ieq(s->name, STR("applicationmap")) && !str_istarts(s->name, STR("parkinglot_"));
}

int features_map_build(struct features_map **out, const struct config *cfg, struct report *r)
{
	struct features_map *m = obj_new(sizeof(*m), map_free_all);
	int err = 0;

	if (!m)
		return ENOMEM;
	m->item = calloc(config_var_count(cfg) + 1, sizeof(*m->item));
	m->group = calloc(config_section_count(cfg) + 1, sizeof(*m->group));
	if (!m->item || !m->group)
		err = ENOMEM;
	for (const struct config_section *s = config_first(cfg); s && !err; s = config_next(s))
		if (str_ieq(s->name, STR("applicationmap")))
			for (const struct config_var *v = s->first; v && !err; v = v->next)
				err = read_item(m, cfg, v, r);
	for (const struct config_section *s = config_first(cfg); s && !err; s = config_next(s))
		if (is_group(s))
			err = read_group(m, cfg, s, r);
	if (err)
		obj_drop(m);
	else
		*out = m;
	return err;
}

/* ---- DYNAMIC_FEATURES -------------------------------------------------------------------------------------- */

static const struct features_group *find_group(const struct features_map *m, struct str name)
{
	for (size_t i = 0; i < m->groups; i++)
		if (str_ieq(name, text_view(&m->group[i].name)))
			return &m->group[i];
	return NULL;
}

static size_t add(struct features_choice *v, size_t n, const struct features_item *t, struct str code)
{
	if (n < FEATURES_CHOICES)
		v[n++] = (struct features_choice){ t, code.n ? code : text_view(&t->code) };
	return n;
}

size_t features_choose(const struct features_map *m, struct str names, struct str who,
		       struct features_choice v[static FEATURES_CHOICES])
{
	size_t n = 0;

	while (names.n) {
		struct str name = str_trim(str_cut_raw(&names, '#'));
		const struct features_group *g = m ? find_group(m, name) : NULL;
		size_t item = m ? find_item(m, name) : 0;

		for (size_t i = 0; g && i < g->n; i++)
			n = add(v, n, &m->item[g->v[i].item], text_view(&g->v[i].code));
		if (!g && m && item < m->items)
			n = add(v, n, &m->item[item], STR_NULL);
		else if (!g && name.n)
			log_warning("Unknown DYNAMIC_FEATURES item '%.*s' on channel %.*s.", STR_ARG(name), STR_ARG(who));
	}
	return n;
}
