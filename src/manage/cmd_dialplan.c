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
			break;
	return COMMAND_OK;
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
	return COMMAND_OK;
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

static enum command_result eval(struct command_ctx *c)
{
	if (!c->args)
		return COMMAND_USAGE;
	command_printf(c, "Return Value: ");
	pbx_substitute(c->m->pbx, NULL, c->rest[0], &c->out);
	command_put(c, STR("\n"));
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

static enum command_result add_extension(struct command_ctx *c)
{
	struct str exten, app, data, context;
	int priority, err;

	if (c->args < 3 || !str_ieq(c->arg[1], STR("into")) || parse_extension(c->arg[0], &exten, &priority, &app, &data))
		return COMMAND_USAGE;
	context = c->arg[2];
	if (str_ieq(command_arg(c, 3), STR("replace")))
		dialplan_remove(c->m->pbx, context, exten, priority);
	err = dialplan_add(c->m->pbx, context, exten, priority, app, data);
	if (err == EEXIST)
		command_printf(c, "Extension %.*s@%.*s with priority %d already exists\n", STR_ARG(exten),
			       STR_ARG(context), priority);
	else if (err)
		command_printf(c, "Failed to add '%.*s' extension: %s\n", STR_ARG(c->arg[0]), strerror(err));
	else
		command_printf(c, "Extension '%.*s' added into '%.*s' context\n", STR_ARG(c->arg[0]), STR_ARG(context));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result remove_exten(struct command_ctx *c)
{
	struct str context, exten;
	uint32_t priority = 0;
	int err;

	if (!c->args || c->args > 2 || (c->args == 2 && str_u32(c->arg[1], &priority)))
		return COMMAND_USAGE;
	context = c->arg[0];
	exten = str_cut_raw(&context, '@');
	if (!exten.n || !context.n)
		return COMMAND_USAGE;
	err = dialplan_remove(c->m->pbx, context, exten, (int)priority);
	if (err)
		command_printf(c, "Failed to remove extension %.*s\n", STR_ARG(c->arg[0]));
	else
		command_printf(c, "Extension %.*s%s removed\n", STR_ARG(c->arg[0]), priority ? " with that priority" : "");
	return err ? COMMAND_FAILED : COMMAND_OK;
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
	{ "dialplan eval function", "<text>", "Replace the variables and functions in a text", eval, false, NULL },
	{ "dialplan add extension", "<exten>,<priority>,<app>(<data>) into <context> [replace]", "Add to the dialplan",
	  add_extension,
	  false, NULL },
	{ "dialplan remove extension", "<exten>@<context> [priority]", "Take what was added out of the dialplan",
	  remove_exten, false, NULL },
};
const struct command_table commands_dialplan = { rows, ARRAY_LEN(rows) };
