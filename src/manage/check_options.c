/* manage/check_options.c -- looks the options that are set up in the tables, for what their rows say of them. */
#include "manage/check_options.h"
#include "config/settings.h"
#include "service/object/http_conf.h"
#include "service/object/settings.h"
#include "base/arena.h"
#include <stdlib.h>

#define NAMES_MAX 600   /* more than there are options */

struct names {
	uint16_t flag;                  /* of the rows that count */
	struct arena *text;             /* view */
	const char *v[NAMES_MAX];       /* "type/option", "file/option" */
	size_t n;
};

static void add(struct names *l, struct str type, const char *option)
{
	struct str name = arena_printf(l->text, "%.*s/%s", STR_ARG(type), option);

	for (size_t i = 0; i < l->n; i++)
		if (str_eq(str_z(l->v[i]), name))
			return;
	if (l->n < NAMES_MAX && name.p)
		l->v[l->n++] = name.p;
}

/* What is said like the default, or switched off, asks for nothing. */
static bool asks(const struct option *o, uint16_t flag, struct str value)
{
	bool b;

	if (!(o->flags & flag) || str_ieq(value, str_z(o->def)))
		return false;
	return !(o->kind == OPTION_BOOL && !str_bool(value, &b) && !b);
}

static void find_in(struct names *l, const struct config_section *s, const struct option_set *set, const char *type)
{
	for (const struct config_var *v = s->first; v; v = v->next)
		option_each(o, set)
			if (str_ieq(v->name, str_z(o->name)) && asks(o, l->flag, v->value))
				add(l, str_z(type), o->name);
}

static void find_in_pjsip(struct names *l, const struct config_prm *prm)
{
	struct config *c = NULL;

	if (config_load(&c, prm, "pjsip.conf", NULL))
		return;
	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		const struct option_set *set = object_options(object_type_of(config_value(s, STR("type"), s->name)));

		if (set)
			find_in(l, s, set, set->type);
	}
	config_free(c);
}

/* A file whose sections are named as its tables are. */
static void find_in_file(struct names *l, const struct config_prm *prm, const struct option_set *set)
{
	const struct config_section *s;
	struct config *c = NULL;

	if (config_load(&c, prm, set->file, NULL))
		return;
	s = config_section_get(c, str_z(set->type));
	if (s)
		find_in(l, s, set, set->file);
	config_free(c);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void print(const struct config_prm *prm, uint16_t flag, const char *what, FILE *out)
{
	struct arena *text = arena_new(0);
	struct names *l = calloc(1, sizeof(*l));

	if (text && l) {
		l->flag = flag;
		l->text = text;
		find_in_pjsip(l, prm);
		for (unsigned i = 0; asterisk_conf_options(i); i++)
			find_in_file(l, prm, asterisk_conf_options(i));
		find_in_file(l, prm, rtp_conf_options());
		find_in_file(l, prm, logger_conf_options());
		find_in_file(l, prm, http_conf_options(0));
		find_in_file(l, prm, manager_conf_options(0));
		qsort(l->v, l->n, sizeof(l->v[0]), by_text);
		for (size_t i = 0; i < l->n; i++)
			fprintf(out, "%s %s%s", i ? "," : what, l->v[i], i + 1 < l->n ? "" : "\n");
	}
	free(l);
	arena_free(text);
}

void check_options(const struct config_prm *prm, FILE *out)
{
	print(prm, OPT_LATER, "read, but without effect in this version:", out);
	print(prm, OPT_VOID, "taken, and without a meaning here:", out);
}
