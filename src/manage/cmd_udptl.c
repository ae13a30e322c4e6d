/* udptl ...: udptl.conf as it is in force, and packets of T.38 to look at, in Asterisk's words. */
#include "manage/command.h"
#include "service/common/service.h"

static enum command_result show_config(struct command_ctx *c)
{
	const struct udptl_conf *u = c->m->udptl;

	if (c->args)
		return COMMAND_USAGE;
	if (!u)
		return COMMAND_FAILED;
	command_printf(c, "UDPTL Global options\n--------------------\n");
	command_printf(c, "udptlstart:      %u\nudptlend:        %u\n", u->udptlstart, u->udptlend);
	command_printf(c, "udptlfecentries: %u\nudptlfecspan:    %u\n", u->udptlfecentries, u->udptlfecspan);
	command_printf(c, "use_even_ports:  %s\nudptlchecksums: %s\n", u->use_even_ports ? "Yes" : "No", u->udptlchecksums ? "Yes" : "No");
	return COMMAND_OK;
}

static enum command_result apply(struct command_ctx *c)
{
	if (!service_debug_apply(c->m->service))
		return COMMAND_OK;
	command_printf(c, "No memory\n");
	return COMMAND_FAILED;
}

static enum command_result set_debug(struct command_ctx *c)
{
	struct service_debug *d = &c->m->service->debug;
	bool on = str_ieq(command_arg(c, 0), STR("on"));
	char text[SA_TEXT];
	struct sa a = { 0 };

	if (c->args == 1 && (on || str_ieq(c->arg[0], STR("off")))) {
		command_printf(c, "UDPTL Debugging %s\n", on ? "Enabled" : "Disabled");
	} else if (c->args != 2 || !str_ieq(c->arg[0], STR("ip"))) {
		return COMMAND_USAGE;
	} else if (sa_parse(&a, c->arg[1])) {
		command_printf(c, "Lookup failed for '%.*s'\n", STR_ARG(c->arg[1]));
		return COMMAND_FAILED;
	} else {
		on = true;
		command_printf(c, "UDPTL Debugging Enabled for IP: %s\n", sa_text(&a, text));
	}
	d->udptl_packets = on;
	d->udptl = a;
	return apply(c);
}

static const struct command rows[] = {
	{ "udptl show config", NULL, "Show UDPTL config options", show_config, false, NULL },
	{ "udptl set debug", "{on|off|ip host[:port]}", "Enable/Disable UDPTL debugging", set_debug, false,
	  "Shows each UDPTL packet, or those from and to one address, at most 2000 a second." },
};
const struct command_table commands_udptl = { rows, ARRAY_LEN(rows) };
