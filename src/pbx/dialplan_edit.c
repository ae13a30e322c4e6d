/* The dialplan in use: installed as a whole, and changed by commands while it runs: what is added is kept beside
 * extensions.conf and outlives its reloads, what is removed comes back with the next one. */
#include "base/obj.h"
#include "pbx/devstate_private.h"
#include "pbx/dialplan_private.h"
#include "pbx/pattern.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#define REGISTRAR "pbx_config"

void dialplan_install(struct pbx *p, struct dialplan *plan, struct vars *globals)
{
	struct dialplan *old = p->plan;

	if (old && plan && plan->clearglobals)
		vars_free(&p->globals);
	if (globals && globals->head.next) {
		for (struct list *l = globals->head.prev; l != &globals->head; l = l->prev) {
			const struct var *v = container_of(l, struct var, link);

			(void)vars_set(&p->globals, v->name, v->value);
		}
		vars_free(globals);
	}
	p->plan = plan;
	obj_drop(old);
	hints_changed(p);
}

static int layer(struct pbx *p)
{
	if (p->added)
		return 0;
	p->added = dialplan_new();
	if (!p->added)
		return ENOMEM;
	p->added->changing = true;
	return 0;
}

int dialplan_add(struct pbx *p, struct str context, struct str exten, int priority, struct str app, struct str data)
{
	struct step_prm prm = { .exten = exten, .priority = priority, .app = app, .data = data };
	struct context *c = dialplan_context(p->plan, context);
	const struct exten *e = c ? dialplan_exten(c, exten) : NULL;
	int err;

	if (priority < 1 && priority != PRIORITY_HINT)
		return EINVAL;
	if (e && exten_step(e, priority))
		return EEXIST;
	err = layer(p);
	err = err ? err : dialplan_context_make(p->added, context, REGISTRAR, &c);
	err = err ? err : dialplan_put(p->added, c, &prm);
	if (!err && priority == PRIORITY_HINT)
		hints_changed(p);
	return err;
}

static void unlist(struct exten_list *l, struct exten *e)
{
	for (size_t i = exten_list_find(l, e->key); i < l->n; i++)
		if (l->v[i] == e) {
			memmove(l->v + i, l->v + i + 1, (l->n - i - 1) * sizeof(struct exten *));
			l->n--;
			return;
		}
}

static void unlist_pattern(struct exten_list *l, struct exten *e)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i] == e) {
			memmove(l->v + i, l->v + i + 1, (l->n - i - 1) * sizeof(struct exten *));
			l->n--;
			return;
		}
}

/* Free steps of one priority, or all (0). `hint`: one of them was a hint. */
static bool drop_steps(struct exten *e, int priority, bool *hint)
{
	bool found = false;

	for (size_t i = 0; i < e->steps;) {
		if (priority && e->step[i]->priority != priority) {
			i++;
			continue;
		}
		found = true;
		*hint |= e->step[i]->priority == PRIORITY_HINT;
		free(e->step[i]);
		memmove(e->step + i, e->step + i + 1, (e->steps - i - 1) * sizeof(struct step *));
		e->steps--;
	}
	return found;
}

static bool remove_from(struct dialplan *d, struct str context, struct str exten, int priority, bool *hints)
{
	struct context *c = dialplan_context(d, context);
	struct exten *e = c ? dialplan_exten(c, exten) : NULL;
	bool hint = false, found = e && drop_steps(e, priority, &hint);

	if (e && !e->steps) {
		if (pattern_is(e->key))
			unlist_pattern(&c->patterns, e);
		else
			unlist(&c->plain, e);
		exten_free(e);
		d->extens--;
	}
	if (hint) {
		d->hints--;
		*hints = true;
	}
	return found;
}

int dialplan_remove(struct pbx *p, struct str context, struct str exten, int priority)
{
	bool hints = false, found = remove_from(p->plan, context, exten, priority, &hints);

	found |= remove_from(p->added, context, exten, priority, &hints);
	if (hints)
		hints_changed(p);
	return found ? 0 : ENOENT;
}

/* ---- contexts, includes, ignored patterns ------------------------------ */

static size_t count_hints(const struct exten_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += exten_step(l->v[i], PRIORITY_HINT) != NULL;
	return n;
}

static bool remove_context_from(struct dialplan *d, struct str name, bool *hints)
{
	struct context *c = dialplan_context(d, name);
	size_t n, i = 0;

	if (!c)
		return false;
	n = count_hints(&c->plain) + count_hints(&c->patterns);
	d->hints -= n;
	d->extens -= c->plain.n + c->patterns.n;
	*hints |= n > 0;
	while (d->order[i] != c)
		i++;
	memmove(d->order + i, d->order + i + 1, (d->n - i - 1) * sizeof(struct context *));
	d->n--;
	map_del(d->contexts, c->name);
	context_free(c);
	return true;
}

int dialplan_remove_context(struct pbx *p, struct str name)
{
	bool hints = false, found = remove_context_from(p->plan, name, &hints);

	found |= remove_context_from(p->added, name, &hints);
	if (hints)
		hints_changed(p);
	return found ? 0 : ENOENT;
}

static size_t find_include(const struct context *c, struct str name)
{
	size_t i = 0;

	while (c && i < c->includes && !str_ieq(c->include[i].name, name) && !str_ieq(str_z(c->include[i].text), name))
		i++;
	return c && i < c->includes ? i : SIZE_MAX;
}

int dialplan_add_include(struct pbx *p, struct str context, struct str included)
{
	struct context *c;
	char *text;
	int err = layer(p);

	if (find_include(dialplan_context(p->plan, context), included) != SIZE_MAX)
		return EEXIST;
	err = err ? err : dialplan_context_make(p->added, context, REGISTRAR, &c);
	if (err)
		return err;
	text = str_dup(included);
	err = text ? context_include(c, text) : ENOMEM;
	return err == EBADMSG ? 0 : err;
}

static bool remove_include_from(struct context *c, struct str included)
{
	size_t i = find_include(c, included);

	if (i == SIZE_MAX)
		return false;
	free(c->include[i].text);
	memmove(c->include + i, c->include + i + 1, (c->includes - i - 1) * sizeof(*c->include));
	c->includes--;
	return true;
}

int dialplan_remove_include(struct pbx *p, struct str context, struct str included)
{
	return remove_include_from(dialplan_context(p->plan, context), included) ||
	       remove_include_from(dialplan_context(p->added, context), included) ? 0 : ENOENT;
}

static size_t find_ignorepat(const struct context *c, struct str pattern)
{
	size_t i = 0;

	while (c && i < c->ignorepats && !str_ieq(str_z(c->ignorepat[i]), pattern))
		i++;
	return c && i < c->ignorepats ? i : SIZE_MAX;
}

int dialplan_add_ignorepat(struct pbx *p, struct str context, struct str pattern)
{
	struct context *c = dialplan_context(p->added, context);
	char *text, **grown;
	int err = 0;

	if (find_ignorepat(dialplan_context(p->plan, context), pattern) != SIZE_MAX || find_ignorepat(c, pattern) != SIZE_MAX)
		return EEXIST;
	if (!pattern.n || (c && c->ignorepats >= LIST_MAX))
		return EINVAL;
	err = layer(p);
	err = err ? err : dialplan_context_make(p->added, context, REGISTRAR, &c);
	if (err)
		return err;
	text = str_dup(pattern);
	grown = text ? reallocarray(c->ignorepat, c->ignorepats + 1, sizeof(*grown)) : NULL;
	if (!grown) {
		free(text);
		return ENOMEM;
	}
	c->ignorepat = grown;
	c->ignorepat[c->ignorepats++] = text;
	return 0;
}

static bool remove_ignorepat_from(struct context *c, struct str pattern)
{
	size_t i = find_ignorepat(c, pattern);

	if (i == SIZE_MAX)
		return false;
	free(c->ignorepat[i]);
	memmove(c->ignorepat + i, c->ignorepat + i + 1, (c->ignorepats - i - 1) * sizeof(*c->ignorepat));
	c->ignorepats--;
	return true;
}

int dialplan_remove_ignorepat(struct pbx *p, struct str context, struct str pattern)
{
	return remove_ignorepat_from(dialplan_context(p->plan, context), pattern) ||
	       remove_ignorepat_from(dialplan_context(p->added, context), pattern) ? 0 : ENOENT;
}
