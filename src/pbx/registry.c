/* The rows that the pbx was given by name: applications, functions, computed variables, technologies. */
#include "pbx/channel.h"
#include "pbx/devstate_private.h"
#include "pbx/pbx.h"

int pbx_add_app(struct pbx *p, const struct app *a)
{
	return map_add(p->apps, str_z(a->name), (void *)(uintptr_t)a);
}

int pbx_add_func(struct pbx *p, const struct func *f)
{
	return map_add(p->funcs, str_z(f->name), (void *)(uintptr_t)f);
}

int pbx_add_builtin(struct pbx *p, const struct builtin *b)
{
	return map_add(p->builtins, str_z(b->name), (void *)(uintptr_t)b);
}

int pbx_add_tech(struct pbx *p, const struct channel_tech *t)
{
	int err = map_add(p->techs, str_z(t->type), (void *)(uintptr_t)t);

	if (!err)
		devices_of_tech_changed(p, t);
	return err;
}

const struct app *pbx_app(const struct pbx *p, struct str name)
{
	return map_get(p->apps, name);
}

const struct func *pbx_func(const struct pbx *p, struct str name)
{
	return map_get(p->funcs, name);
}

const struct builtin *pbx_builtin(const struct pbx *p, struct str name)
{
	return map_get(p->builtins, name);
}
