/* pjsip send ...: what is sent to others when somebody asks. */
#include "manage/command.h"
#include "service/outbound.h"

static enum command_result registration(struct command_ctx *c, int (*fn)(struct service *, struct str),
					const char *all)
{
	struct str name = command_arg(c, 0);

	if (c->args != 1)
		return COMMAND_USAGE;
	if (fn(c->m->service, name)) {
		command_printf(c, "Unable to retrieve registration %.*s\n", STR_ARG(name));
		return COMMAND_FAILED;
	}
	if (str_eq(name, STR("*all")))
		command_printf(c, "%s all queued\n", all);
	return COMMAND_OK;
}

static enum command_result send_register(struct command_ctx *c)
{
	return registration(c, outbound_register, "Re-register");
}

static enum command_result send_unregister(struct command_ctx *c)
{
	return registration(c, outbound_unregister, "Unregister");
}

static const struct command rows[] = {
	{ "pjsip send register", "<registration>|*all", "Register anew with another server", send_register, false, NULL },
	{ "pjsip send unregister", "<registration>|*all", "End a registration with another server", send_unregister,
	  false, "No further REGISTER is sent until it is asked for." },
};
const struct command_table commands_pjsip_send = { rows, ARRAY_LEN(rows) };
