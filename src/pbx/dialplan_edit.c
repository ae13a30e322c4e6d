/* The dialplan in use: installed as a whole, and extensions added and removed while running. */
#include "base/obj.h"
#include "pbx/devstate_private.h"
#include "pbx/dialplan_private.h"
#include "pbx/pattern.h"
#include <errno.h>
#include <stdlib.h>

#define REGISTRAR "running"

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
	struct context *c;
	int err;

	if (priority < 1 && priority != PRIORITY_HINT)
		return EINVAL;
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

int dialplan_remove(struct pbx *p, struct str context, struct str exten, int priority)
{
	struct context *c = dialplan_context(p->added, context);
	struct exten *e = c ? dialplan_exten(c, exten) : NULL;
	bool hint = false, found = false;

	if (!e)
		return ENOENT;
	for (size_t i = 0; i < e->steps;) {
		if (priority && e->step[i]->priority != priority) {
			i++;
			continue;
		}
		found = true;
		hint |= e->step[i]->priority == PRIORITY_HINT;
		free(e->step[i]);
		memmove(e->step + i, e->step + i + 1, (e->steps - i - 1) * sizeof(struct step *));
		e->steps--;
	}
	if (!e->steps) {
		if (pattern_is(e->key))
			unlist_pattern(&c->patterns, e);
		else
			unlist(&c->plain, e);
		exten_free(e);
		p->added->extens--;
	}
	if (hint) {
		p->added->hints--;
		hints_changed(p);
	}
	return found ? 0 : ENOENT;
}
