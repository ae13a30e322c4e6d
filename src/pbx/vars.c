/* Variables of a channel or of all, in the order of their making, with inheritance by underscores. */
#include "pbx/vars.h"
#include <errno.h>
#include <stdlib.h>

static struct list *head_of(struct vars *v)
{
	if (!v->head.next)
		list_init(&v->head);
	return &v->head;
}

/* The name as lookups see it: at most two underscores say how it is inherited. */
struct str vars_bare(struct str name)
{
	for (int i = 0; i < 2 && name.n && name.p[0] == '_'; i++)
		name = str_skip(name, 1);
	return name;
}

static struct var *find(const struct vars *v, struct str name)
{
	if (!v->head.next)
		return NULL;
	list_each(l, &v->head) {
		struct var *e = container_of(l, struct var, link);

		if (str_eq(vars_bare(e->name), name))
			return e;
	}
	return NULL;
}

static struct var *make(struct str name, struct str value)
{
	struct var *e;

	if (name.n > SIZE_MAX / 4 || value.n > SIZE_MAX / 4)
		return NULL;
	e = malloc(sizeof(*e) + name.n + value.n + 2);
	if (!e)
		return NULL;
	e->link = (struct list){ 0 };
	if (name.n)
		memcpy(e->bytes, name.p, name.n);
	e->bytes[name.n] = 0;
	if (value.n)
		memcpy(e->bytes + name.n + 1, value.p, value.n);
	e->bytes[name.n + 1 + value.n] = 0;
	e->name = str_mk(e->bytes, name.n);
	e->value = str_mk(e->bytes + name.n + 1, value.n);
	return e;
}

static void drop(struct var *e)
{
	list_remove(&e->link);
	free(e);
}

bool vars_get(const struct vars *v, struct str name, struct str *value)
{
	const struct var *e = find(v, name);

	if (e)
		*value = e->value;
	return e != NULL;
}

int vars_push(struct vars *v, struct str name, struct str value)
{
	struct var *e;

	if (!vars_bare(name).n)
		return EINVAL;
	e = make(name, value);
	if (!e)
		return ENOMEM;
	list_prepend(head_of(v), &e->link);
	return 0;
}

int vars_set(struct vars *v, struct str name, struct str value)
{
	struct var *old = find(v, vars_bare(name));
	int err = 0;

	/* The new one is made first: `value` may be a view into the old. */
	if (value.p)
		err = vars_push(v, name, value);
	if (!err && old)
		drop(old);
	return err;
}

void vars_free(struct vars *v)
{
	if (!v->head.next)
		return;
	list_each_safe(l, tmp, &v->head)
		drop(container_of(l, struct var, link));
}

int vars_inherit(struct vars *to, const struct vars *from)
{
	if (!from->head.next)
		return 0;
	for (struct list *l = from->head.prev; l != &from->head; l = l->prev) {
		const struct var *e = container_of(l, struct var, link);
		int err;

		if (!str_starts(e->name, STR("_")))
			continue;
		/* _NAME arrives as NAME and goes no further; __NAME stays as it is. */
		err = vars_push(to, str_starts(e->name, STR("__")) ? e->name : str_skip(e->name, 1), e->value);
		if (err)
			return err;
	}
	return 0;
}
