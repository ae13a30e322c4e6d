/* Actions on the dialplan. */
#include "manage/chunk.h"
#include "manage/manager_private.h"
#include "pbx/dialplan.h"
#include <errno.h>

static void put_step(struct ami_ctx *a, const struct dialplan_row *r)
{
	if (r->has_cid)
		ami_printf(a, "Extension", "%.*s/%.*s", STR_ARG(r->exten), STR_ARG(r->cid));
	else
		ami_put(a, "Extension", r->exten);
	if (r->label.n)
		ami_put(a, "ExtensionLabel", r->label);
	if (r->priority < 0) {
		ami_put(a, "Priority", STR("hint"));
		ami_put(a, "Application", r->app);
	} else {
		ami_printf(a, "Priority", "%d", r->priority);
		ami_put(a, "Application", r->app);
		ami_put(a, "AppData", r->data);
	}
}

struct listing {
	struct ami_ctx *a;
	struct chunk k;
};

/* The rows are walked in one go: the dialplan may change at any wait. */
static void put_row(void *arg, const struct dialplan_row *r)
{
	struct listing *l = arg;
	struct ami_ctx *a = l->a;

	if (r->type == ROW_CONTEXT || r->type == ROW_CONTEXT_END || !chunk_takes(&l->k))
		return;
	ami_event(a, "ListDialplan");
	ami_put(a, "Context", r->context);
	if (r->type == ROW_STEP)
		put_step(a, r);
	else
		ami_put(a, r->type == ROW_INCLUDE ? "IncludeContext" : r->type == ROW_IGNOREPAT ? "IgnorePattern" : "Switch",
			r->text);
	ami_put(a, "Registrar", r->registrar);
	ami_end(a);
	a->items++;
}

static void show_dialplan(struct ami_ctx *a)
{
	struct str context = ami_get(a, "Context"), exten = ami_get(a, "Extension");
	struct listing l = { .a = a };
	struct dialplan_count n;

	ami_list_start(a, "DialPlan list will follow");
	do
		dialplan_each(a->m->pbx, context, exten, &n, put_row, &l);
	while (chunk_more(&l.k) && ami_pause(a));
	if ((context.n && !n.context) || (exten.n && !n.exten))
		buf_reset(&a->out);
	if (context.n && !n.context) {
		ami_error(a, "Did not find context %.*s", STR_ARG(context));
	} else if (exten.n && !n.exten && context.n) {
		ami_error(a, "Did not find extension %.*s@%.*s", STR_ARG(exten), STR_ARG(context));
	} else if (exten.n && !n.exten) {
		ami_error(a, "Did not find extension %.*s in any context", STR_ARG(exten));
	} else {
		ami_list_complete(a, "ShowDialPlanComplete");
		ami_printf(a, "ListExtensions", "%u", n.extens);
		ami_printf(a, "ListPriorities", "%u", n.steps);
		ami_printf(a, "ListContexts", "%u", n.contexts);
		ami_end(a);
	}
}

/* False: no number, and answered. */
static bool priority_of(struct ami_ctx *a, struct str s, int *priority)
{
	uint32_t n;

	if (str_eq(s, STR("hint"))) {
		*priority = -1;
		return true;
	}
	if (str_u32(s, &n) || !n || n > INT32_MAX) {
		ami_error(a, "The priority specified was invalid.");
		return false;
	}
	*priority = (int)n;
	return true;
}

static void add_extension(struct ami_ctx *a)
{
	struct str context = ami_get(a, "Context"), exten = ami_get(a, "Extension"), app = ami_get(a, "Application");
	int priority, err;

	if (!context.n || !exten.n || !app.n || !ami_get(a, "Priority").n) {
		ami_error(a, "Context, Extension, Priority, and Application must be defined for DialplanExtensionAdd.");
		return;
	}
	if (!priority_of(a, ami_get(a, "Priority"), &priority))
		return;
	if (ami_get_bool(a, "Replace"))
		dialplan_remove(a->m->pbx, context, exten, priority);
	err = dialplan_add(a->m->pbx, context, exten, priority, app, ami_get(a, "ApplicationData"));
	if (!err)
		ami_ok(a, "Added requested extension");
	else if (err == EEXIST)
		ami_error(a, "That extension and priority already exist at that context");
	else
		ami_error(a, err == ENOMEM ? "Out of Memory" : "Failed to add extension");
}

static void remove_exten(struct ami_ctx *a)
{
	struct str context = ami_get(a, "Context"), exten = ami_get(a, "Extension"), p = ami_get(a, "Priority");
	int priority = 0;

	if (!context.n || !exten.n) {
		ami_error(a, "Context and Extension must be provided for DialplanExtensionRemove");
		return;
	}
	if (p.n && !priority_of(a, p, &priority))
		return;
	if (dialplan_remove(a->m->pbx, context, exten, priority))
		ami_error(a, "Failed to remove requested extension");
	else
		ami_ok(a, priority ? "Removed the requested priority from the extension" : "Removed the requested extension");
}

static const struct ami_action rows[] = {
	{ "ShowDialPlan", EV_CONFIG | EV_REPORTING, "List contexts and extensions", show_dialplan, false },
	{ "DialplanExtensionAdd", EV_SYSTEM, "Add an extension to the dialplan", add_extension, false },
	{ "DialplanExtensionRemove", EV_SYSTEM, "Take an added extension out of the dialplan", remove_exten, false },
};
const struct ami_table ami_dialplan_actions = { rows, ARRAY_LEN(rows) };
