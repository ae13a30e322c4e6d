/* Console commands about the process: booted, stop, restart, reload, levels, help. */
#define LOG_MODULE "console"
#include "manage/command.h"
#include "base/log.h"
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

static enum command_result wait_booted(struct command_ctx *c)
{
	if (manage_wait_booted(c->m)) {
		command_printf(c, "The server is stopping.\n");
		return COMMAND_FAILED;
	}
	command_printf(c, "Asterisk has fully booted.\n");
	return COMMAND_OK;
}

/* ---- stop ------------------------------------------------------------- */

static enum command_result stop_server(struct command_ctx *c, enum manage_stop how, bool restart)
{
	if (c->args)
		return COMMAND_USAGE;
	if (!c->m->hooks.stop) {
		command_printf(c, "Not available\n");
		return COMMAND_FAILED;
	}
	if (how == MANAGE_STOP_WHEN_CONVENIENT)
		command_printf(c, "Waiting for inactivity to perform %s\n", restart ? "restart" : "halt");
	c->m->stops++;
	c->m->hooks.stop(c->m->hooks.arg, how, restart);
	return COMMAND_OK;
}

static enum command_result stop_now(struct command_ctx *c) { return stop_server(c, MANAGE_STOP_NOW, false); }

static enum command_result stop_gracefully(struct command_ctx *c)
{
	return stop_server(c, MANAGE_STOP_GRACEFULLY, false);
}

static enum command_result stop_convenient(struct command_ctx *c)
{
	return stop_server(c, MANAGE_STOP_WHEN_CONVENIENT, false);
}

static enum command_result restart_now(struct command_ctx *c) { return stop_server(c, MANAGE_STOP_NOW, true); }

static enum command_result restart_gracefully(struct command_ctx *c)
{
	return stop_server(c, MANAGE_STOP_GRACEFULLY, true);
}

static enum command_result restart_convenient(struct command_ctx *c)
{
	return stop_server(c, MANAGE_STOP_WHEN_CONVENIENT, true);
}

static enum command_result abort_shutdown(struct command_ctx *c)
{
	if (c->m->hooks.stop)
		c->m->hooks.stop(c->m->hooks.arg, MANAGE_STOP_ABORT, false);
	return COMMAND_OK;
}

/* ---- reload ----------------------------------------------------------- */

static enum command_result reload_all(struct command_ctx *c)
{
	struct report *r = report_new();
	int err;

	if (c->args) {
		report_free(r);
		return COMMAND_USAGE;
	}
	err = manage_reload(c->m, STR_NULL, r);
	if (r)
		command_report(c, r);
	report_free(r);
	if (err == EBUSY)
		command_printf(c, "A module reload request is already in progress; please be patient\n");
	else if (err && err != EALREADY)
		command_printf(c, "The reload failed: %s\n", strerror(err));
	return err && err != EALREADY ? COMMAND_FAILED : COMMAND_OK;
}

/* ---- levels ----------------------------------------------------------- */

struct level {
	const char *what, *name;
	int (*get)(void);
	void (*set)(int n);
};

/* "N", "off", "atleast N", "N MODULE", "MODULE N": levels are per process, so a
 * module's name is taken and lets the level only grow. */
static enum command_result set_level(struct command_ctx *c, const struct level *l)
{
	struct str a = command_arg(c, 0), b = command_arg(c, 1);
	bool atleast = str_ieq(a, STR("atleast"));
	uint32_t n = 0;
	int old = l->get();

	if (!a.n)
		return COMMAND_USAGE;
	if (str_ieq(a, STR("off"))) {
		n = 0;
	} else if (str_u32(a, &n)) {
		if (str_u32(b, &n))
			return COMMAND_USAGE;
		atleast = true;
	} else if (b.n && !str_ieq(b, STR("silent"))) {
		atleast = true;
	}
	if (n > 99)
		n = 99;
	if (!atleast || (int)n > old)
		l->set((int)n);
	if (str_ieq(command_arg(c, c->args - 1), STR("silent")))
		return COMMAND_OK;
	if (old == l->get())
		command_printf(c, old ? "%s is still %d.\n" : "%s is still OFF.\n", l->what, old);
	else if (!l->get())
		command_printf(c, "%s was %d and is now OFF.\n", l->what, old);
	else if (!old)
		command_printf(c, "%s was OFF and is now %d.\n", l->what, l->get());
	else
		command_printf(c, "%s was %d and is now %d.\n", l->what, old, l->get());
	return COMMAND_OK;
}

static enum command_result set_verbose(struct command_ctx *c)
{
	static const struct level l = { "Console verbose", "verbose", log_verbose_level, log_set_verbose };

	return set_level(c, &l);
}

static enum command_result set_debug(struct command_ctx *c)
{
	static const struct level l = { "Core debug", "debug", log_debug_level, log_set_debug };

	return set_level(c, &l);
}

/* ---- help ------------------------------------------------------------- */

static bool begins(const struct command *cmd, const struct command_ctx *c)
{
	struct str words = str_z(cmd->words);

	for (size_t i = 0; i < c->args; i++) {
		struct str w = str_cut_raw(&words, ' ');

		if (!str_ieq(w, c->arg[i]) && !(i + 1 == c->args && str_istarts(w, c->arg[i])))
			return false;
	}
	return true;
}

static enum command_result help(struct command_ctx *c)
{
	size_t n, found = 0;
	const struct command **v = command_sorted(&n), *exact = NULL;

	for (size_t i = 0; v && i < n; i++) {
		if (!begins(v[i], c))
			continue;
		if (c->args && str_ieq(str_z(v[i]->words), c->rest[0]))
			exact = v[i];
		found++;
	}
	if (exact)
		command_printf(c, "Usage: %s%s%s\n       %s\n", exact->words, exact->args ? " " : "",
			       exact->args ? exact->args : "", exact->help ? exact->help : exact->summary);
	for (size_t i = 0; v && i < n && !exact; i++)
		if (begins(v[i], c))
			command_printf(c, "%-30s -- %s\n", v[i]->words, v[i]->summary);
	if (!found)
		command_printf(c, "No such command '%.*s'.\n", STR_ARG(c->rest[0]));
	free(v);
	return COMMAND_OK;
}

static enum command_result malloc_trim_now(struct command_ctx *c)
{
	command_printf(c, malloc_trim(0) ? "Returned some memory to the OS.\n" : "No memory returned to the OS.\n");
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "core waitfullybooted", NULL, "Wait until everything is up", wait_booted, true, NULL },
	{ "core stop now", NULL, "End at once", stop_now, true, NULL },
	{ "core stop gracefully", NULL, "Take no new calls, end when the last one is gone", stop_gracefully, true,
	  NULL },
	{ "core stop when convenient", NULL, "Go on as ever, end when no call is left", stop_convenient, true, NULL },
	{ "core restart now", NULL, "Start anew at once", restart_now, true, NULL },
	{ "core restart gracefully", NULL, "Take no new calls, start anew when the last one is gone", restart_gracefully,
	  true, NULL },
	{ "core restart when convenient", NULL, "Start anew when no call is left", restart_convenient, true, NULL },
	{ "core abort shutdown", NULL, "Forget a stop or restart that is waiting", abort_shutdown, true, NULL },
	{ "core reload", NULL, "Read all configuration files again", reload_all, false, NULL },
	{ "reload", NULL, "Read all configuration files again", reload_all, false, NULL },
	{ "core set verbose", "[atleast] <level> | off [silent]", "Set how much is told about what happens", set_verbose,
	  true, NULL },
	{ "core set debug", "[atleast] <level> [module] | off", "Set how much is told for developers", set_debug, true,
	  NULL },
	{ "core show help", "[words]", "List commands, or show one's usage", help, true, NULL },
	{ "help", "[words]", "List commands, or show one's usage", help, true, NULL },
	{ "malloc trim", NULL, "Give unused memory back to the system", malloc_trim_now, true, NULL },
};
const struct command_table commands_core = { rows, ARRAY_LEN(rows) };
