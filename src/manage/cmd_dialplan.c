/* dialplan ...: what extensions.conf says, and changes to it while it runs. */
#include "manage/chunk.h"
#include "manage/command.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include <errno.h>

static enum command_result show_dialplan(struct command_ctx *c)
{
	if (c->args > 1)
		return COMMAND_USAGE;
	for (size_t from = 0; dialplan_show_part(c->m->pbx, command_arg(c, 0), from, CHUNK_ROWS, &c->out); from += CHUNK_ROWS)
		if (!command_row(c))
			return COMMAND_OK;
	/* It has said itself that there is no such context or extension. */
	return dialplan_has(c->m->pbx, command_arg(c, 0)) ? COMMAND_OK : COMMAND_FAILED;
}

static size_t print_vars(struct command_ctx *c, const struct vars *vars)
{
	size_t n = 0;

	for (struct list *l = vars->head.next; l && l != &vars->head; l = l->next, n++) {
		const struct var *v = container_of(l, struct var, link);

		command_printf(c, "   %.*s=%.*s\n", STR_ARG(v->name), STR_ARG(v->value));
	}
	return n;
}

static enum command_result show_globals(struct command_ctx *c)
{
	size_t n = print_vars(c, &c->m->pbx->globals);

	command_printf(c, "\n    -- %zu variable(s)\n", n);
	return COMMAND_OK;
}

static struct channel *channel_arg(struct command_ctx *c)
{
	struct channel *ch = channel_by_name(c->m->pbx, command_arg(c, 0));

	if (!ch)
		command_printf(c, "Channel '%.*s' not found\n", STR_ARG(command_arg(c, 0)));
	return ch;
}

static enum command_result show_chanvar(struct command_ctx *c)
{
	struct channel *ch;

	if (c->args != 1)
		return COMMAND_USAGE;
	ch = channel_arg(c);
	if (ch)
		print_vars(c, &ch->vars);
	return ch ? COMMAND_OK : COMMAND_FAILED;
}

static enum command_result set_global(struct command_ctx *c)
{
	if (c->args != 2)
		return COMMAND_USAGE;
	if (pbx_setvar(c->m->pbx, NULL, c->arg[0], c->arg[1])) {
		command_printf(c, "Global variable '%.*s' cannot be set\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	command_printf(c, "\n    -- Global variable '%.*s' set to '%.*s'\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[1]));
	return COMMAND_OK;
}

static enum command_result set_chanvar(struct command_ctx *c)
{
	struct channel *ch;

	if (c->args != 3)
		return COMMAND_USAGE;
	ch = channel_arg(c);
	if (!ch)
		return COMMAND_FAILED;
	if (pbx_setvar(c->m->pbx, ch, c->arg[1], c->arg[2]))
		return COMMAND_FAILED;
	command_printf(c, "\n    -- Channel variable '%.*s' set to '%.*s' for '%s'\n", STR_ARG(c->arg[1]),
		       STR_ARG(c->arg[2]), text_z(&ch->name));
	return COMMAND_OK;
}

/* A function's name with its arguments, without ${ }. Without a channel it fails when it needs one. */
static enum command_result eval(struct command_ctx *c)
{
	struct buf out = BUF_INIT;
	struct str name;
	bool ok;

	if (c->args != 1)
		return COMMAND_USAGE;
	name = str_sub(c->arg[0], 0, str_chr(c->arg[0], '('));
	ok = map_get(c->m->pbx->funcs, name) && pbx_getvar(c->m->pbx, NULL, c->arg[0], &out);
	command_printf(c, "Return Value: %s (%d)\nResult: %s\n", ok ? "Success" : "Failure", ok ? 0 : -1, buf_z(&out));
	buf_free(&out);
	return COMMAND_OK;
}

/* ---- changes ---------------------------------------------------------- */

/* EXTEN,PRIORITY,APP(DATA) or EXTEN,PRIORITY,APP,DATA */
static int parse_extension(struct str s, struct str *exten, int *priority, struct str *app, struct str *data)
{
	uint32_t n = 0;
	size_t open;

	*exten = str_trim(str_cut(&s, ','));
	if (str_ieq(str_trim(str_sub(s, 0, str_chr(s, ','))), STR("hint"))) {
		*priority = -1;
		str_cut(&s, ',');
		*app = str_trim(s);
		*data = STR_NULL;
		return exten->n && app->n ? 0 : EINVAL;
	}
	if (str_u32(str_trim(str_cut(&s, ',')), &n) || !n || n > 100000)
		return EINVAL;
	*priority = (int)n;
	s = str_trim(s);
	open = str_chr(s, '(');
	if (open < str_chr(s, ',') && open < s.n) {
		*app = str_trim(str_sub(s, 0, open));
		*data = str_skip(s, open + 1);
		if (!str_ends(*data, STR(")")))
			return EINVAL;
		data->n--;
	} else {
		*app = str_trim(str_cut(&s, ','));
		*data = s;
	}
	return exten->n && app->n ? 0 : EINVAL;
}

/* "into" or "from" between two words. */
static bool is_joined(const struct command_ctx *c, const char *word)
{
	return c->args == 3 && str_ieq(c->arg[1], str_z(word));
}

static void tell_new_context(struct command_ctx *c, struct str context, const char *what)
{
	if (!dialplan_has_context(c->m->pbx, context))
		command_printf(c, "Context '%.*s' did not exist prior to add %s - the context will be created.\n", STR_ARG(context),
			       what);
}

/* What was asked for, as Asterisk repeats it: 300,1,NoOp(x) */
static void put_step(struct command_ctx *c, struct str exten, int priority, struct str app, struct str data)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", priority);
	command_printf(c, "%.*s,%s,%.*s(%.*s)", STR_ARG(exten), priority == -1 ? "hint" : number, STR_ARG(app), STR_ARG(data));
}

static enum command_result add_extension(struct command_ctx *c)
{
	struct str exten, app, data, context;
	bool replace = str_ieq(command_arg(c, 3), STR("replace"));
	int priority, err;

	if ((c->args != 3 && !(c->args == 4 && replace)) || !str_ieq(c->arg[1], STR("into")) ||
	    parse_extension(c->arg[0], &exten, &priority, &app, &data))
		return COMMAND_USAGE;
	context = c->arg[2];
	tell_new_context(c, context, "extension");
	if (replace)
		dialplan_remove(c->m->pbx, context, exten, priority);
	err = dialplan_add(c->m->pbx, context, exten, priority, app, data);
	if (err == EEXIST) {
		command_printf(c, "Extension %.*s@%.*s with priority %d already exists\n", STR_ARG(exten), STR_ARG(context),
			       priority);
		return COMMAND_FAILED;
	}
	if (!err && replace)
		command_printf(c, "Extension %.*s@%.*s (%d) replace by '", STR_ARG(exten), STR_ARG(context), priority);
	else
		command_printf(c, err ? "Failed to add '" : "Extension '");
	put_step(c, exten, priority, app, data);
	if (err)
		command_printf(c, "' extension into '%.*s' context\n", STR_ARG(context));
	else if (replace)
		command_printf(c, "'\n");
	else
		command_printf(c, "' added into '%.*s' context\n", STR_ARG(context));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result remove_exten(struct command_ctx *c)
{
	struct str context, exten;
	uint32_t priority = 0;
	int err, number;

	if (!c->args || c->args > 2)
		return COMMAND_USAGE;
	context = c->arg[0];
	exten = str_cut_raw(&context, '@');
	if (!exten.n || !context.n) {
		command_printf(c, "Missing extension or context name in third argument '%.*s'\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	if (c->args == 2 && !str_ieq(c->arg[1], STR("hint")) && (str_u32(c->arg[1], &priority) || !priority || priority > INT32_MAX)) {
		command_printf(c, "Invalid priority '%.*s'\n", STR_ARG(c->arg[1]));
		return COMMAND_FAILED;
	}
	number = c->args == 2 && !priority ? -1 : (int)priority;
	err = dialplan_remove(c->m->pbx, context, exten, number);
	if (err)
		command_printf(c, "Failed to remove extension %.*s@%.*s\n", STR_ARG(exten), STR_ARG(context));
	else if (number)
		command_printf(c, "Extension %.*s@%.*s with priority %d removed\n", STR_ARG(exten), STR_ARG(context), number);
	else
		command_printf(c, "Whole extension %.*s@%.*s removed\n", STR_ARG(exten), STR_ARG(context));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result add_include(struct command_ctx *c)
{
	int err;

	if (!is_joined(c, "into"))
		return COMMAND_USAGE;
	tell_new_context(c, c->arg[2], "include");
	err = dialplan_add_include(c->m->pbx, c->arg[2], c->arg[0]);
	if (err == EEXIST)
		command_printf(c, "Context '%.*s' already included in '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	else if (err)
		command_printf(c, "Failed to include '%.*s' in '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	else
		command_printf(c, "Context '%.*s' included in '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result remove_include(struct command_ctx *c)
{
	int err;

	if (!is_joined(c, "from"))
		return COMMAND_USAGE;
	err = dialplan_remove_include(c->m->pbx, c->arg[2], c->arg[0]);
	if (err)
		command_printf(c, "Failed to remove '%.*s' include from '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	else
		command_printf(c, "We are not including '%.*s' into '%.*s' now\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result add_ignorepat(struct command_ctx *c)
{
	int err;

	if (!is_joined(c, "into"))
		return COMMAND_USAGE;
	err = dialplan_add_ignorepat(c->m->pbx, c->arg[2], c->arg[0]);
	if (err == EEXIST)
		command_printf(c, "Ignore pattern '%.*s' already included in '%.*s' context\n", STR_ARG(c->arg[0]),
			       STR_ARG(c->arg[2]));
	else if (err)
		command_printf(c, "Failed to add ignore pattern '%.*s' into '%.*s' context\n", STR_ARG(c->arg[0]),
			       STR_ARG(c->arg[2]));
	else
		command_printf(c, "Ignore pattern '%.*s' added into '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result remove_ignorepat(struct command_ctx *c)
{
	int err;

	if (!is_joined(c, "from"))
		return COMMAND_USAGE;
	err = dialplan_remove_ignorepat(c->m->pbx, c->arg[2], c->arg[0]);
	if (err)
		command_printf(c, "There is no existence of '%.*s' ignore pattern in '%.*s' context\n", STR_ARG(c->arg[0]),
			       STR_ARG(c->arg[2]));
	else
		command_printf(c, "Ignore pattern '%.*s' removed from '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[2]));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result remove_context(struct command_ctx *c)
{
	if (c->args != 1)
		return COMMAND_USAGE;
	if (dialplan_remove_context(c->m->pbx, c->arg[0]))
		command_printf(c, "There is no such context as '%.*s'\n", STR_ARG(c->arg[0]));
	else
		command_printf(c, "Removed context '%.*s'\n", STR_ARG(c->arg[0]));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "dialplan show", "[[exten@]context]", "Show extensions", show_dialplan, false, NULL },
	{ "dialplan show globals", NULL, "Show global variables", show_globals, false, NULL },
	{ "core show globals", NULL, "Show global variables", show_globals, false, NULL },
	{ "dialplan show chanvar", "<channel>", "Show a channel's variables", show_chanvar, false, NULL },
	{ "dialplan set global", "<name> <value>", "Set a global variable", set_global, false, NULL },
	{ "core set global", "<name> <value>", "Set a global variable", set_global, false, NULL },
	{ "dialplan set chanvar", "<channel> <name> <value>", "Set a channel's variable", set_chanvar, false, NULL },
	{ "core set chanvar", "<channel> <name> <value>", "Set a channel's variable", set_chanvar, false, NULL },
	{ "dialplan eval function", "<name>(<args>)", "What a function gives without a channel", eval, false, NULL },
	{ "dialplan add extension", "<exten>,<priority>,<app>(<data>) into <context> [replace]", "Add to the dialplan",
	  add_extension,
	  false, NULL },
	{ "dialplan remove extension", "<exten>@<context> [priority]", "Take an extension out of the dialplan", remove_exten,
	  false, NULL },
	{ "dialplan add include", "<context> into <context>", "Include a context in another", add_include, false, NULL },
	{ "dialplan remove include", "<context> from <context>", "Include it no longer", remove_include, false, NULL },
	{ "dialplan add ignorepat", "<pattern> into <context>", "Keep the dial tone after such digits", add_ignorepat, false,
	  NULL },
	{ "dialplan remove ignorepat", "<pattern> from <context>", "Keep it no longer", remove_ignorepat, false, NULL },
	{ "dialplan remove context", "<context>", "Take a context out of the dialplan", remove_context, false, NULL },
};
const struct command_table commands_dialplan = { rows, ARRAY_LEN(rows) };
