/* Options as text: a value as it would be written, help, and the rows of docs/options.md. */
#include "config/option.h"

static const char *choice_name(const struct option *o, uint8_t value)
{
	for (const struct option_choice *c = o->choices; c->name; c++)
		if (c->value == value)
			return c->name;
	return "";
}

static void write_bool(struct buf *b, const struct option *o, bool v)
{
	if (o->flags & OPT_YESNO)
		buf_put(b, v ? STR("yes") : STR("no"));
	else if (o->flags & OPT_YESNO_CAP)
		buf_put(b, v ? STR("Yes") : STR("No"));
	else
		buf_put(b, v ? STR("true") : STR("false"));
}

static void write_secret(struct buf *b, const struct secret *s, bool reveal)
{
	if (s->s.n)
		buf_put(b, reveal ? s->s : STR("***"));
}

static void write_custom(struct buf *b, const struct option *o, const void *field, bool reveal)
{
	struct buf t = BUF_INIT;

	if (!o->write)
		return;
	if (reveal || !(o->flags & OPT_PRIVATE)) {
		o->write(b, o, field);
		return;
	}
	o->write(&t, o, field);
	if (t.n)
		buf_put(b, STR("***"));
	buf_free(&t);
}

void option_write(struct buf *b, const struct option *o, const void *obj, bool reveal)
{
	const void *field = (const char *)obj + o->offset;

	switch ((enum option_kind)o->kind) {
	case OPTION_BOOL:
		write_bool(b, o, *(const bool *)field);
		break;
	case OPTION_INT:
		buf_printf(b, "%d", *(const int32_t *)field);
		break;
	case OPTION_UINT:
		buf_printf(b, "%u", *(const uint32_t *)field);
		break;
	case OPTION_DOUBLE:
		buf_printf(b, "%f", *(const double *)field);
		break;
	case OPTION_STRING:
		buf_put(b, *(const struct str *)field);
		break;
	case OPTION_SECRET:
		write_secret(b, field, reveal);
		break;
	case OPTION_ENUM:
		buf_put(b, str_z(choice_name(o, *(const uint8_t *)field)));
		break;
	case OPTION_LIST:
		str_list_write(b, field, ',');
		break;
	case OPTION_CUSTOM:
		write_custom(b, o, field, reveal);
		break;
	case OPTION_IGNORED:
		if (o->flags & OPT_SHOWN)
			buf_put(b, str_z(o->def));
		break;
	}
}

void option_camel(struct buf *b, const char *name)
{
	bool up = true;

	for (; *name; name++) {
		if (*name == '_' || *name == '-') {
			up = true;
			continue;
		}
		buf_char(b, up && *name >= 'a' && *name <= 'z' ? (char)(*name - 32) : *name);
		up = false;
	}
}

const char *option_kind_name(const struct option *o)
{
	static const char *const names[] = {
		[OPTION_BOOL] = "boolean", [OPTION_INT] = "number", [OPTION_UINT] = "number",
		[OPTION_DOUBLE] = "decimal number", [OPTION_STRING] = "text", [OPTION_SECRET] = "secret",
		[OPTION_ENUM] = "choice", [OPTION_LIST] = "list", [OPTION_CUSTOM] = "text",
		[OPTION_IGNORED] = "text",
	};

	return names[o->kind];
}

void option_write_values(struct buf *b, const struct option *o)
{
	switch ((enum option_kind)o->kind) {
	case OPTION_BOOL:
		buf_put(b, STR("yes, no"));
		break;
	case OPTION_INT:
	case OPTION_UINT:
		buf_printf(b, "%.0f..%.0f", o->min, o->max);
		break;
	case OPTION_DOUBLE:
		buf_printf(b, "%g..%g", o->min, o->max);
		break;
	case OPTION_ENUM:
		for (const struct option_choice *c = o->choices; c->name; c++)
			buf_printf(b, "%s%s", c == o->choices ? "" : ", ", c->name);
		break;
	case OPTION_LIST:
		buf_put(b, o->flags & OPT_WHOLE ? STR("one element a line") : STR("elements between commas"));
		break;
	case OPTION_CUSTOM:
		buf_put(b, str_z(o->values));
		break;
	case OPTION_STRING:
	case OPTION_SECRET:
	case OPTION_IGNORED:
		break;
	}
	if (o->unit)
		buf_printf(b, " %s", o->unit);
	if (o->flags & OPT_ADD)
		buf_put(b, b->n ? STR("; may be repeated") : STR("may be repeated"));
}

void option_help(struct buf *b, const struct option_set *set, const struct option *o)
{
	struct buf values = BUF_INIT;

	option_write_values(&values, o);
	buf_printf(b, "[%s] %s\n\n%s\n\n", set->type, o->name, o->help);
	buf_printf(b, "  Kind:     %s\n", option_kind_name(o));
	if (values.n)
		buf_printf(b, "  Values:   %.*s\n", STR_ARG(buf_view(&values)));
	buf_printf(b, "  Default:  %s\n", o->def && *o->def ? o->def : "(none)");
	if (o->aliases)
		buf_printf(b, "  Also:     %s\n", o->aliases);
	buf_printf(b, "  Reload:   %s\n", o->flags & OPT_RESTART ? "needs a restart" : "applies it");
	if (o->flags & OPT_REQUIRED)
		buf_put(b, STR("  Required: yes\n"));
	if (o->flags & OPT_LATER)
		buf_put(b, STR("  This version reads the option and does nothing with it yet.\n"));
	if (o->flags & OPT_VOID)
		buf_put(b, STR("  What it is about is not in this program: the option changes nothing.\n"));
	buf_free(&values);
}

void option_help_set(struct buf *b, const struct option_set *set)
{
	buf_printf(b, "[%s] (%s)\n\n%s\n\n", set->type, set->file, set->help);
	option_each(o, set)
		buf_printf(b, "%-25s -- %s%s\n", o->name, o->help, o->flags & OPT_LATER ? " (not yet)" : o->flags & OPT_VOID ? " (without a meaning here)" : "");
}

/* A | would end the table's cell. */
static void write_cell(struct buf *b, struct str s)
{
	buf_put(b, STR("| "));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '|')
			buf_char(b, '\\');
		buf_char(b, s.p[i]);
	}
	buf_char(b, ' ');
}

static void markdown_row(struct buf *b, const struct option *o)
{
	struct buf t = BUF_INIT;

	buf_printf(&t, "`%s`", o->name);
	if (o->aliases)
		buf_printf(&t, " (`%s`)", o->aliases);
	write_cell(b, buf_view(&t));
	buf_reset(&t);
	option_write_values(&t, o);
	if (!t.n)
		buf_put(&t, str_z(option_kind_name(o)));
	write_cell(b, buf_view(&t));
	buf_reset(&t);
	if (o->def && *o->def)
		buf_printf(&t, "`%s`", o->def);
	write_cell(b, buf_view(&t));
	buf_reset(&t);
	buf_put(&t, str_z(o->help));
	if (o->flags & OPT_REQUIRED)
		buf_put(&t, STR(" Required."));
	if (o->flags & OPT_RESTART)
		buf_put(&t, STR(" Needs a restart."));
	if (o->flags & OPT_LATER)
		buf_put(&t, STR(" *Not yet.*"));
	if (o->flags & OPT_VOID)
		buf_put(&t, STR(" *Without a meaning here.*"));
	write_cell(b, buf_view(&t));
	buf_put(b, STR("|\n"));
	buf_free(&t);
}

void option_markdown(struct buf *b, const struct option_set *set)
{
	buf_printf(b, "## %s: `%s`\n\n%s\n\n", set->file, set->type, set->help);
	buf_put(b, STR("| option | values | default | what it does |\n| --- | --- | --- | --- |\n"));
	option_each(o, set)
		markdown_row(b, o);
	buf_char(b, '\n');
}
