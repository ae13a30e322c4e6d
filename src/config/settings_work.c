/* What reading one of the small files needs: its arena, its sections, its report. */
#include "config/settings_internal.h"
#include <errno.h>

int settings_begin(struct settings_work *w, struct arena *arena, struct report *r)
{
	*w = (struct settings_work){ .r = r };
	w->ctx.arena = arena;
	w->ctx.intern = intern_new(arena);
	return w->ctx.intern ? 0 : ENOMEM;
}

int settings_open(struct settings_work *w, struct arena **arena, const struct config_prm *prm, struct report *r,
		  const char *name)
{
	int err;

	*w = (struct settings_work){ 0 };
	*arena = arena_new(0);
	err = *arena ? settings_begin(w, *arena, r) : ENOMEM;
	return err ? err : settings_file(w, prm, name);
}

void settings_end(struct settings_work *w)
{
	intern_free(w->ctx.intern);
	config_free(w->c);
}

/* Faults do not refuse a settings file: the option keeps its default, as it does
 * where the file does not have it. */
int settings_apply(struct settings_work *w, const struct option_set *set, void *obj, struct str section)
{
	const struct config_section *s = w->c ? config_section_get(w->c, section) : NULL;
	struct option_index *i = NULL;
	int err = option_index_new(&i, set, &w->ctx);

	if (err)
		return err;
	/* No option_begin(): several sets fill one struct. */
	option_each(o, set) {
		w->ctx.first = true;
		if (o->kind == OPTION_STRING)
			*(struct str *)(void *)((char *)obj + o->offset) = STR("");
		if (o->def && option_apply(i, &w->ctx, obj, str_z(o->name), str_z(o->def)) == ENOMEM)
			err = ENOMEM;
	}
	memset(w->ctx.seen, 0, sizeof(w->ctx.seen));
	for (const struct config_var *v = s ? s->first : NULL; !err && v; v = v->next) {
		struct str near;

		err = option_apply(i, &w->ctx, obj, v->name, v->value);
		if (err == EBADMSG)
			config_fault(w->c, v, w->r, REPORT_ERROR, "[%.*s] %.*s: %s", STR_ARG(section), STR_ARG(v->name),
				     w->ctx.why);
		if (err == ENOENT) {
			near = option_nearest(i, v->name);
			config_fault(w->c, v, w->r, REPORT_ERROR, "[%.*s]: unknown option '%.*s'%s%.*s%s", STR_ARG(section),
				     STR_ARG(v->name), near.n ? "; did you mean '" : "", STR_ARG(near), near.n ? "'?" : "");
		}
		err = err == ENOMEM ? err : 0;
	}
	option_index_free(i);
	return err;
}

int settings_file(struct settings_work *w, const struct config_prm *prm, const char *name)
{
	int err = config_load(&w->c, prm, name, w->r);

	if (err == ENOENT)
		return 0;
	if (err && err != EBADMSG && err != ENOMEM)
		report_add(w->r, REPORT_ERROR, str_z(name), 0, "cannot be read: %s", strerror(err));
	return err;
}
