/* moh show ...: classes of music on hold and their files. */
#include "manage/command.h"
#include "pbx/moh.h"

static enum command_result show_classes(struct command_ctx *c)
{
	struct moh_class m;

	if (c->args)
		return COMMAND_USAGE;
	for (size_t i = 0; moh_class_at(c->m->pbx, i, &m); i++) {
		command_printf(c, "Class: %.*s\n\tMode: files\n\tDirectory: %.*s\n", STR_ARG(m.name), STR_ARG(m.dir));
		if (!command_row(c))
			break;
	}
	return COMMAND_OK;
}

/* Another file of a class each time, for a reload may come between two rows. */
static enum command_result show_files(struct command_ctx *c)
{
	struct moh_class m;

	if (c->args)
		return COMMAND_USAGE;
	for (size_t i = 0; moh_class_at(c->m->pbx, i, &m); i++) {
		for (size_t f = 0; moh_class_at(c->m->pbx, i, &m) && f < m.n; f++) {
			if (!f)
				command_printf(c, "Class: %.*s\n", STR_ARG(m.name));
			command_printf(c, "\tFile: %.*s\n", STR_ARG(m.files[f]));
			if (!command_row(c))
				return COMMAND_OK;
		}
	}
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "moh show classes", NULL, "List classes of music on hold", show_classes, false, NULL },
	{ "moh show files", NULL, "List the files of each class of music on hold", show_files, false, NULL },
};
const struct command_table commands_moh = { rows, ARRAY_LEN(rows) };
