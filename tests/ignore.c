/* SIDETONE_IGNORE=endpoint/allow: a configuration that says nothing of that option, whatever the test
 * writes into it. A test that still passes does not show what the option does: tools/check-options --try.
 * The linker puts option_apply() here in place of the library's. */
#include "config/option.h"
#include <stdlib.h>

int __real_option_apply(const struct option_index *i, struct option_ctx *ctx, void *obj, struct str name, struct str value);
int __wrap_option_apply(const struct option_index *i, struct option_ctx *ctx, void *obj, struct str name, struct str value);

static bool is_ignored(const struct option_index *i, struct str name)
{
	struct str what = str_z(getenv("SIDETONE_IGNORE"));
	const struct option *o = what.n ? option_find(i, name) : NULL;
	struct str type = str_cut_raw(&what, '/');

	return o && str_eq(what, str_z(o->name)) && str_eq(type, str_z(option_index_set(i)->type));
}

int __wrap_option_apply(const struct option_index *i, struct option_ctx *ctx, void *obj, struct str name, struct str value)
{
	return is_ignored(i, name) ? 0 : __real_option_apply(i, ctx, obj, name, value);
}
