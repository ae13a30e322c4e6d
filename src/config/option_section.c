/* A whole section of a file into an object: option.c does it line by line, here is what is said of
 * those that are wrong or missing. */
#include "config/option.h"
#include <errno.h>

static void report_unknown(const struct option_index *i, const struct config *c, const struct config_section *s,
			   const struct config_var *v, struct report *r)
{
	struct str near = option_nearest(i, v->name);

	config_fault(c, v, r, REPORT_ERROR, "%s '%.*s': unknown option '%.*s'%s%.*s%s", option_index_set(i)->type,
		     STR_ARG(s->name), STR_ARG(v->name), near.n ? "; did you mean '" : "", STR_ARG(near),
		     near.n ? "'?" : "");
}

static int check_required(const struct option_index *i, const struct option_ctx *ctx,
			  const struct config *c, const struct config_section *s, struct report *r)
{
	const struct option_set *set = option_index_set(i);
	int err = 0;

	option_each(o, set) {
		if (!(o->flags & OPT_REQUIRED) || option_seen(i, ctx, o))
			continue;
		report_add(r, REPORT_ERROR, config_file_name(c, s->file), s->line,
			   "%s '%.*s': needs %s=", set->type, STR_ARG(s->name), o->name);
		err = EBADMSG;
	}
	return err;
}

int option_apply_section(const struct option_index *i, struct option_ctx *ctx, void *obj,
			 const struct config *c, const struct config_section *s, struct report *r)
{
	int result = 0;

	ctx->object = s->name;
	option_begin(i, ctx, obj);
	for (const struct config_var *v = s->first; v; v = v->next) {
		int err;

		if (str_ieq(v->name, STR("type")) || (v->name.p[0] == '@' && !option_find(i, v->name)))
			continue;       /* @name: for whoever reads the file besides us */
		err = option_apply(i, ctx, obj, v->name, v->value);
		if (err == ENOMEM)
			return err;
		if (err == ENOENT)
			report_unknown(i, c, s, v, r);
		else if (err)
			config_fault(c, v, r, REPORT_ERROR, "%s '%.*s': %.*s: %s", option_index_set(i)->type,
				     STR_ARG(s->name), STR_ARG(v->name), ctx->why);
		if (err)
			result = EBADMSG;
	}
	return result ? result : check_required(i, ctx, c, s, r);
}
