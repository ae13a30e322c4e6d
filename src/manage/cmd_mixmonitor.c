/* mixmonitor ...: recordings of a channel, begun, ended and listed. */
#include "manage/command.h"
#include "base/obj.h"
#include "pbx/mixmonitor.h"

/* Its name, or the beginning of one. */
static struct channel *channel_of(struct command_ctx *c)
{
	struct str name = command_arg(c, 0);

	list_each(l, &c->m->pbx->channels) {
		struct channel *ch = container_of(l, struct channel, link);

		if (str_istarts(text_view(&ch->name), name))
			return ch;
	}
	command_printf(c, "No channel matching '%.*s' found.\n", STR_ARG(name));
	return NULL;
}

static enum command_result start(struct command_ctx *c)
{
	struct channel *ch = c->args ? channel_of(c) : NULL;

	if (!c->args)
		return COMMAND_USAGE;
	if (ch)
		(void)mixmonitor_start(ch, command_arg(c, 1));
	return COMMAND_OK;
}

static enum command_result stop(struct command_ctx *c)
{
	struct channel *ch = c->args ? obj_hold(channel_of(c)) : NULL;

	if (!c->args)
		return COMMAND_USAGE;
	if (ch)
		(void)mixmonitor_stop(ch, command_arg(c, 1));
	obj_drop(ch);
	return COMMAND_OK;
}

static enum command_result list(struct command_ctx *c)
{
	struct channel *ch = c->args ? channel_of(c) : NULL;

	if (!c->args)
		return COMMAND_USAGE;
	if (!ch)
		return COMMAND_OK;
	command_printf(c, "MixMonitor ID\tFile\tReceive File\tTransmit File\n");
	command_printf(c, "=========================================================================\n");
	list_each(l, &c->m->pbx->recordings) {
		struct mixmonitor *m = container_of(l, struct mixmonitor, link);

		if (m->ch == ch)
			command_printf(c, "%s\t%s\t%s\t%s\n", text_z(&m->id), text_z(&m->file[RECORD_MIXED]),
				       text_z(&m->file[RECORD_IN]), text_z(&m->file[RECORD_OUT]));
	}
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "mixmonitor start", "<channel> [args]", "Record a channel; the arguments are those of MixMonitor()", start, false, NULL },
	{ "mixmonitor stop", "<channel> [id]", "End a recording of a channel", stop, false, NULL },
	{ "mixmonitor list", "<channel>", "List the recordings of a channel", list, false, NULL },
};
const struct command_table commands_mixmonitor = { rows, ARRAY_LEN(rows) };
