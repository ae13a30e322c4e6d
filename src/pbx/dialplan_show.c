/* Listing the dialplan. */
#include "base/buf.h"
#include "pbx/dialplan_private.h"
#include "pbx/pattern.h"
#include <stdint.h>

struct walk {
	struct pbx *p;
	struct str exten;       /* empty: all */
	struct dialplan_count *n;
	dialplan_row_fn *fn;
	void *arg;
	struct str seen[INCLUDE_DEPTH];
	size_t depth;
	bool open;              /* the context's head was given */
	bool included;
};

static void open_context(struct walk *w, const struct context *c)
{
	struct dialplan_row row = { .type = ROW_CONTEXT, .context = c->name, .registrar = str_z(c->registrar),
		.included = w->included };

	if (w->open)
		return;
	w->open = true;
	w->n->contexts++;
	w->fn(w->arg, &row);
}

static void show_exten(struct walk *w, const struct context *c, const struct exten *e)
{
	if (w->exten.n && !pattern_match(e->key, w->exten, PATTERN_EXACT))
		return;
	w->n->exten = true;
	w->n->extens++;
	open_context(w, c);
	for (size_t i = 0; i < e->steps; i++) {
		const struct step *s = e->step[i];
		struct dialplan_row row = { .type = ROW_STEP, .context = c->name,
			.registrar = str_z(c->registrar), .exten = e->name, .cid = e->cid, .has_cid = e->has_cid,
			.label = s->label, .app = s->app, .data = s->data, .file = s->file, .line = s->line,
			.priority = s->priority, .first = i == 0 };

		w->n->steps++;
		w->fn(w->arg, &row);
	}
}

static void show_extens(struct walk *w, const struct context *c)
{
	for (size_t i = 0; c && i < c->plain.n; i++)
		show_exten(w, c, c->plain.v[i]);
	for (size_t i = 0; c && i < c->patterns.n; i++)
		show_exten(w, c, c->patterns.v[i]);
}

static void text_row(struct walk *w, const struct context *c, enum dialplan_row_type type, struct str text)
{
	struct dialplan_row row = { .type = type, .context = c->name, .registrar = str_z(c->registrar),
		.text = text };

	w->fn(w->arg, &row);
}

static void show_context(struct walk *w, struct str name);

static void show_included(struct walk *w, struct str name)
{
	bool open = w->open, included = w->included;

	for (size_t i = 0; i < w->depth; i++)
		if (str_eq(w->seen[i], name))
			return;
	if (w->depth == INCLUDE_DEPTH)
		return;
	w->seen[w->depth++] = name;
	w->included = true;
	show_context(w, name);
	w->open = open;
	w->included = included;
}

static void show_includes(struct walk *w, const struct context *c)
{
	for (size_t i = 0; c && i < c->includes; i++) {
		if (w->exten.n)
			show_included(w, c->include[i].name);
		else
			text_row(w, c, ROW_INCLUDE, str_z(c->include[i].text));
	}
}

static void show_ignorepats(struct walk *w, const struct context *c)
{
	for (size_t i = 0; c && i < c->ignorepats && !w->exten.n; i++)
		text_row(w, c, ROW_IGNOREPAT, str_z(c->ignorepat[i]));
}

static void show_switches(struct walk *w, const struct context *c)
{
	for (size_t i = 0; c && i < c->switches && !w->included; i++)
		text_row(w, c, ROW_SWITCH, str_z(c->swtch[i]));
}

static void show_context(struct walk *w, struct str name)
{
	const struct context *c = dialplan_context(w->p->plan, name), *a = dialplan_context(w->p->added, name);
	const struct context *any = c ? c : a;

	if (!any)
		return;
	w->open = false;
	w->n->context = true;
	if (!w->exten.n)
		open_context(w, any);
	show_extens(w, c);
	show_extens(w, a);
	show_includes(w, c);
	show_includes(w, a);
	show_ignorepats(w, c);
	show_ignorepats(w, a);
	show_switches(w, c);
	if (w->open)
		text_row(w, any, ROW_CONTEXT_END, STR_NULL);
}

static void show_from(struct walk *w, struct str name)
{
	w->depth = 0;
	w->included = false;
	w->seen[w->depth++] = name;
	show_context(w, name);
}

void dialplan_each(struct pbx *p, struct str context, struct str exten, struct dialplan_count *n,
		   dialplan_row_fn *fn, void *arg)
{
	struct walk w = { .p = p, .exten = exten, .n = n, .fn = fn, .arg = arg };

	*n = (struct dialplan_count){ 0 };
	if (context.n) {
		show_from(&w, context);
		return;
	}
	for (size_t i = 0; p->plan && i < p->plan->n; i++)
		show_from(&w, p->plan->order[i]->name);
	for (size_t i = 0; p->added && i < p->added->n; i++)
		if (!dialplan_context(p->plan, p->added->order[i]->name))
			show_from(&w, p->added->order[i]->name);
}

/* ---- the console's form */

static void place(struct buf *out, const struct dialplan_row *r)
{
	if (r->file.n)
		buf_printf(out, " [%.*s:%u]\n", STR_ARG(r->file), r->line);
	else
		buf_printf(out, " [%.*s]\n", STR_ARG(r->registrar));
}

static void step_row(struct buf *out, const struct dialplan_row *r)
{
	char head[600] = "", text[1400];

	if (r->first && r->has_cid)
		snprintf(head, sizeof(head), "'%.*s' (CID match '%.*s') => ", STR_ARG(r->exten), STR_ARG(r->cid));
	else if (r->first)
		snprintf(head, sizeof(head), "'%.*s' =>", STR_ARG(r->exten));
	else if (r->label.n)
		snprintf(head, sizeof(head), "   [%.*s]", STR_ARG(r->label));
	if (r->priority == PRIORITY_HINT)
		snprintf(text, sizeof(text), "hint: %.*s", STR_ARG(r->app));
	else
		snprintf(text, sizeof(text), "%d. %.*s(%.*s)", r->priority, STR_ARG(r->app), STR_ARG(r->data));
	buf_printf(out, "  %-17s %-45s", head, text);
	place(out, r);
}

static void row(void *arg, const struct dialplan_row *r)
{
	static const char *const heads[] = { [ROW_INCLUDE] = "Include =>        ",
		[ROW_IGNOREPAT] = "Ignore pattern => ", [ROW_SWITCH] = "Alt. Switch =>    " };
	struct buf *out = arg;
	char text[1400];

	switch (r->type) {
	case ROW_CONTEXT:
		buf_printf(out, "[ %s '%.*s' created by '%.*s' ]\n", r->included ? "Included context" : "Context",
			   STR_ARG(r->context), STR_ARG(r->registrar));
		break;
	case ROW_STEP:
		step_row(out, r);
		break;
	case ROW_CONTEXT_END:
		buf_char(out, '\n');
		break;
	default:
		snprintf(text, sizeof(text), "'%.*s'", STR_ARG(r->text));
		buf_printf(out, "  %s%-45s", heads[r->type], text);
		place(out, r);
	}
}

static const char *plural(unsigned n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

struct part {
	struct buf *out;
	size_t from, max, at;
};

static void part_row(void *arg, const struct dialplan_row *r)
{
	struct part *part = arg;
	size_t i = part->at++;

	if (i >= part->from && i - part->from < part->max)
		row(part->out, r);
}

bool dialplan_show_part(struct pbx *p, struct str what, size_t from, size_t max, struct buf *out)
{
	struct part part = { .out = out, .from = from, .max = max };
	struct dialplan_count n;
	struct str exten = STR_NULL, context = what;

	if (str_chr(what, '@') < what.n)
		exten = str_cut_raw(&context, '@');
	dialplan_each(p, context, exten, &n, part_row, &part);
	if (part.at > from && part.at - from > max)
		return true;
	if (context.n && !n.context)
		buf_printf(out, "There is no existence of '%.*s' context\n", STR_ARG(context));
	else if (exten.n && !n.exten && context.n)
		buf_printf(out, "There is no existence of %.*s@%.*s extension\n", STR_ARG(exten), STR_ARG(context));
	else if (exten.n && !n.exten)
		buf_printf(out, "There is no existence of '%.*s' extension in all contexts\n", STR_ARG(exten));
	else
		buf_printf(out, "-= %u %s (%u %s) in %u %s. =-\n", n.extens,
			   plural(n.extens, "extension", "extensions"), n.steps,
			   plural(n.steps, "priority", "priorities"), n.contexts,
			   plural(n.contexts, "context", "contexts"));
	return false;
}

static void no_row(void *arg, const struct dialplan_row *r)
{
	(void)arg;
	(void)r;
}

bool dialplan_has(struct pbx *p, struct str what)
{
	struct str exten = STR_NULL, context = what;
	struct dialplan_count n;

	if (str_chr(what, '@') < what.n)
		exten = str_cut_raw(&context, '@');
	dialplan_each(p, context, exten, &n, no_row, NULL);
	return (!context.n || n.context) && (!exten.n || n.exten);
}

void dialplan_show(struct pbx *p, struct str what, struct buf *out)
{
	(void)dialplan_show_part(p, what, 0, SIZE_MAX, out);
}
