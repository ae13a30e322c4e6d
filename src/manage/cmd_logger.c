/* logger ... */
#include "manage/command.h"
#include <errno.h>

static enum command_result channels(struct command_ctx *c)
{
	command_printf(c, "%-60s %-8s %-8s %-12s %s\n", "Channel", "Type", "Formatter", "Status", "Configuration");
	command_printf(c, "%-60s %-8s %-8s %-12s %s\n", "-------", "----", "---------", "------", "-------------");
	if (c->m->hooks.logger_channels)
		c->m->hooks.logger_channels(c->m->hooks.arg, &c->out);
	return COMMAND_OK;
}

static enum command_result call_logger(struct command_ctx *c, int (*fn)(void *), const char *what)
{
	int err = fn ? fn(c->m->hooks.arg) : ENOSYS;

	if (err)
		command_printf(c, "Failed to %s: %s\n", what, strerror(err));
	return err ? COMMAND_FAILED : COMMAND_OK;
}

static enum command_result rotate_logs(struct command_ctx *c)
{
	return call_logger(c, c->m->hooks.logger_rotate, "reload the logger and rotate log files");
}

static enum command_result reload_logger(struct command_ctx *c)
{
	return call_logger(c, c->m->hooks.logger_reload, "reload the logger");
}

static const struct command rows[] = {
	{ "logger show channels", NULL, "List where log lines go", channels, true, NULL },
	{ "logger rotate", NULL, "Begin new log files", rotate_logs, true, NULL },
	{ "logger reload", NULL, "Read logger.conf again and open the files anew", reload_logger, true, NULL },
};
const struct command_table commands_logger = { rows, ARRAY_LEN(rows) };
