/* pjsip ...: what is done to SIP objects, and questions about them. */
#include "manage/command.h"
#include "manage/config_help.h"
#include "manage/pjsip_rows.h"
#include "pbx/channel.h"
#include "service/message/notify.h"
#include "service/outbound/outbound.h"
#include <errno.h>
#include <stdlib.h>

/* ---- logger ----------------------------------------------------------- */

/* One host (name, address, network) more, or alone. */
static enum command_result logger_host(struct command_ctx *c, bool add)
{
	struct service *svc = c->m->service;
	int err = sip_log_host(&svc->wire.log, svc->resolver.dns, c->arg[1], add);

	if (err == EINVAL)
		return COMMAND_USAGE;
	if (err)
		command_printf(c, "Failed to add address '%.*s' for logging\n", STR_ARG(c->arg[1]));
	else
		command_printf(c, "PJSIP Logging Enabled for host: %.*s\n", STR_ARG(c->arg[1]));
	return COMMAND_OK;
}

static enum command_result logger_method(struct command_ctx *c, bool add)
{
	struct sip_log *l = &c->m->service->wire.log;
	int err = sip_log_method(l, c->arg[1], add);

	if (err == EEXIST) {
		command_printf(c, "Method '%.*s' is already enabled\n", STR_ARG(c->arg[1]));
		return COMMAND_OK;
	}
	if (err) {
		command_printf(c, "Method '%.*s' cannot be added: %s\n", STR_ARG(c->arg[1]), strerror(err));
		return COMMAND_FAILED;
	}
	command_printf(c, "PJSIP Logging Enabled for SIP Methods: ");
	for (size_t i = l->methods; i--; )
		command_printf(c, "%s%s", text_z(&l->method[i]), i ? ", " : "");
	command_printf(c, "\n");
	return COMMAND_OK;
}

static enum command_result logger_pcap(struct command_ctx *c)
{
	char path[4096];

	if (c->arg[1].n >= sizeof(path) || sip_log_pcap(&c->m->service->wire.log, str_copy(path, sizeof(path), c->arg[1])))
		command_printf(c, "Failed to open file '%.*s' for pcap writing\n", STR_ARG(c->arg[1]));
	else
		command_printf(c, "PJSIP logging to pcap file '%.*s'\n", STR_ARG(c->arg[1]));
	return COMMAND_OK;
}

static enum command_result logger_verbose(struct command_ctx *c)
{
	bool on = false;

	str_bool(c->arg[1], &on);
	sip_log_verbose(&c->m->service->wire.log, on);
	command_printf(c, "PJSIP Logging to verbose has been %s\n", on ? "enabled" : "disabled");
	return COMMAND_OK;
}

static enum command_result set_logger(struct command_ctx *c)
{
	struct sip_log *l = &c->m->service->wire.log;
	struct str how = command_arg(c, 0);

	if (c->args == 1 && str_ieq(how, STR("on"))) {
		sip_log_all(l);
		command_printf(c, "PJSIP Logging enabled\n");
		return COMMAND_OK;
	}
	if (c->args == 1 && str_ieq(how, STR("off"))) {
		sip_log_off(l);
		command_printf(c, "PJSIP Logging disabled\n");
		return COMMAND_OK;
	}
	if (c->args != 2)
		return COMMAND_USAGE;
	if (str_ieq(how, STR("host")) || str_ieq(how, STR("add")))
		return logger_host(c, str_ieq(how, STR("add")));
	if (str_ieq(how, STR("method")) || str_ieq(how, STR("methodadd")))
		return logger_method(c, str_ieq(how, STR("methodadd")));
	if (str_ieq(how, STR("pcap")))
		return logger_pcap(c);
	return str_ieq(how, STR("verbose")) ? logger_verbose(c) : COMMAND_USAGE;
}

/* ---- qualify ---------------------------------------------------------- */

static const struct endpoint *endpoint_arg(struct command_ctx *c)
{
	const struct endpoint *ep = c->args ? snapshot_endpoint(c->m->service->conf, c->arg[0]) : NULL;

	if (!ep)
		command_printf(c, "Unable to retrieve endpoint %.*s\n", STR_ARG(command_arg(c, 0)));
	else if (!ep->aor_n)
		command_printf(c, "No AORs configured for endpoint '%.*s'\n", STR_ARG(ep->name));
	return ep && ep->aor_n ? ep : NULL;
}

static enum command_result qualify(struct command_ctx *c)
{
	const struct endpoint *ep;

	if (c->args != 1)
		return COMMAND_USAGE;
	ep = endpoint_arg(c);
	if (!ep)
		return COMMAND_FAILED;
	for (size_t i = 0; i < ep->aor_n; i++) {
		command_printf(c, "Qualifying AOR '%.*s' on endpoint '%.*s'\n", STR_ARG(ep->aor_objs[i]->name),
			       STR_ARG(ep->name));
		view_qualify_aor(c->m->service, ep->aor_objs[i]->name);
	}
	return COMMAND_OK;
}

static void qualify_settings(struct command_ctx *c, const struct aor *a)
{
	command_printf(c, "  Qualify frequency    : %u sec\n  Qualify timeout      : %d ms\n"
		       "  Qualify 2xx only     : %s\n  Authenticate qualify : %s\n", a->qualify_frequency,
		       (int)(a->qualify_timeout * 1000), a->qualify_2xx_only ? "yes" : "no",
		       a->authenticate_qualify ? "yes" : "no");
}

static enum command_result qualify_endpoint(struct command_ctx *c)
{
	const struct endpoint *ep;

	if (c->args != 1)
		return COMMAND_USAGE;
	ep = endpoint_arg(c);
	if (!ep)
		return COMMAND_FAILED;
	for (size_t i = 0; i < ep->aor_n; i++) {
		command_printf(c, " * AOR '%.*s' on endpoint '%.*s'\n", STR_ARG(ep->aor_objs[i]->name), STR_ARG(ep->name));
		qualify_settings(c, ep->aor_objs[i]);
		command_put(c, STR("\n"));
	}
	return COMMAND_OK;
}

static enum command_result qualify_aor(struct command_ctx *c)
{
	const struct aor *a;

	if (c->args != 1)
		return COMMAND_USAGE;
	a = snapshot_aor(c->m->service->conf, c->arg[0]);
	if (!a) {
		command_printf(c, "Unable to retrieve aor '%.*s' qualify options\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	command_printf(c, " * AOR '%.*s'\n", STR_ARG(a->name));
	qualify_settings(c, a);
	return COMMAND_OK;
}

/* ---- registrations of ours -------------------------------------------- */

static enum command_result registration(struct command_ctx *c, int (*fn)(struct service *, struct str),
					const char *all)
{
	if (c->args != 1)
		return COMMAND_USAGE;
	if (fn(c->m->service, c->arg[0]))
		command_printf(c, "Unable to retrieve registration %.*s\n", STR_ARG(c->arg[0]));
	else if (str_eq(c->arg[0], STR("*all")))
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

/* ---- notify ----------------------------------------------------------- */

static int notify_one(struct command_ctx *c, const struct notify_kind *k, struct str to)
{
	struct str how = c->arg[1];
	struct channel *ch;

	if (str_ieq(how, STR("uri")))
		return notify_uri(c->m->service, to, k->v, k->n);
	if (str_ieq(how, STR("endpoint")))
		return notify_endpoint(c->m->service, to, k->v, k->n);
	ch = channel_by_name(c->m->pbx, to);
	return ch ? notify_channel(ch, k->v, k->n) : ENOENT;
}

static enum command_result send_notify(struct command_ctx *c)
{
	const struct notify_kind *k;

	if (c->args < 3 || (!str_ieq(c->arg[1], STR("endpoint")) && !str_ieq(c->arg[1], STR("uri")) &&
			    !str_ieq(c->arg[1], STR("channel"))))
		return COMMAND_USAGE;
	k = notify_kind(c->m->service, c->arg[0]);
	if (!k) {
		command_printf(c, "Unable to find notify type '%.*s'\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	for (size_t i = 2; i < c->args; i++) {
		int err;

		command_printf(c, "Sending NOTIFY of type '%.*s' to '%.*s'\n", STR_ARG(c->arg[0]), STR_ARG(c->arg[i]));
		err = notify_one(c, k, c->arg[i]);
		if (err == ENOENT && str_ieq(c->arg[1], STR("endpoint")))
			command_printf(c, "Unable to retrieve endpoint %.*s\n", STR_ARG(c->arg[i]));
		else if ((err == ENOENT || err == ENOTCONN) && str_ieq(c->arg[1], STR("channel")))
			command_printf(c, "Unable to find channel %.*s\n", STR_ARG(c->arg[i]));
		else if (err == ENOMEM)
			command_printf(c, "Unable to allocate NOTIFY task data\n");
	}
	return COMMAND_OK;
}

/* ---- maintenance ------------------------------------------------------ */

static enum command_result maintenance_all(struct command_ctx *c, bool on)
{
	struct service *svc = c->m->service;
	size_t n = 0;

	snapshot_each(endpoint, OBJECT_ENDPOINT, ep, svc->conf)
		n += view_set_maintenance(svc, ep->name, on) > 0;
	if (n)
		view_tell_maintenance(svc, STR("all"), on);
	command_printf(c, "Maintenance mode %s for %zu endpoint%s\n", on ? "ENABLED" : "DISABLED", n, n == 1 ? "" : "s");
	return COMMAND_OK;
}

static enum command_result set_maintenance(struct command_ctx *c)
{
	bool on = str_ieq(command_arg(c, 0), STR("on"));
	struct str name = command_arg(c, 1);
	int changed;

	if (c->args != 2 || (!on && !str_ieq(c->arg[0], STR("off"))))
		return COMMAND_USAGE;
	if (str_ieq(name, STR("all")))
		return maintenance_all(c, on);
	if (!snapshot_endpoint(c->m->service->conf, name)) {
		command_printf(c, "Endpoint '%.*s' not found\n", STR_ARG(name));
		return COMMAND_OK;
	}
	changed = view_set_maintenance(c->m->service, name, on);
	if (changed < 0) {
		command_printf(c, "Failed to %s maintenance mode for endpoint '%.*s'\n", on ? "enable" : "disable",
			       STR_ARG(name));
	} else if (changed) {
		view_tell_maintenance(c->m->service, name, on);
		command_printf(c, "Maintenance mode %s for endpoint '%.*s'\n", on ? "ENABLED" : "DISABLED", STR_ARG(name));
	} else {
		command_printf(c, "Endpoint '%.*s' %s in maintenance mode\n", STR_ARG(name), on ? "is already" : "was not");
	}
	return COMMAND_OK;
}

static enum command_result show_maintenance(struct command_ctx *c)
{
	struct service *svc = c->m->service;
	struct map_walk w = { 0 };
	const char *name;
	size_t n = 0;

	if (c->args) {
		command_printf(c, "Endpoint '%.*s' is %sin maintenance mode\n", STR_ARG(c->arg[0]),
			       view_maintenance(svc, c->arg[0]) ? "" : "NOT ");
		return COMMAND_OK;
	}
	command_printf(c, "\n  %-40s  %s\n  %-40s  -----\n", "Endpoint", "State",
		       "----------------------------------------");
	while (svc->guard.maintenance && (name = map_walk_next(svc->guard.maintenance, &w))) {
		command_printf(c, "  %-40s  ON\n", name);
		n++;
		if (!command_row(c))
			break;
	}
	map_walk_end(&w);
	command_printf(c, "\n  %zu endpoint%s in maintenance mode\n\n", n, n == 1 ? "" : "s");
	return COMMAND_OK;
}

/* ---- questions -------------------------------------------------------- */

static enum command_result explain(struct command_ctx *c)
{
	uint32_t max = 20;

	if (c->args > 2 || (c->args == 2 && str_u32(c->arg[1], &max)))
		return COMMAND_USAGE;
	reasons_explain(c->m->service->reasons, command_arg(c, 0), max, &c->out);
	if (!c->out.n)
		command_printf(c, "Nothing is known%s%.*s\n", c->args ? " about " : "", STR_ARG(command_arg(c, 0)));
	return COMMAND_OK;
}

static enum command_result settings(struct command_ctx *c)
{
	const struct snapshot *s = c->m->service->conf;

	command_put(c, STR("\nGlobal Settings:\n\n"));
	pjsip_print_options(c, &s->global->o);
	command_put(c, STR("\nSystem Settings:\n\n"));
	pjsip_print_options(c, &s->system->o);
	return COMMAND_OK;
}

static enum command_result version(struct command_ctx *c)
{
	command_printf(c, "The SIP stack is Sidetone's own, version %s\n", text_z(&c->m->version));
	return COMMAND_OK;
}

static enum command_result reasons(struct command_ctx *c)
{
	static const enum reason_verdict verdicts[] = { REASON_OK, REASON_CHALLENGED, REASON_REFUSED, REASON_DROPPED };

	command_printf(c, "%-12s", "Step");
	for (size_t v = 0; v < ARRAY_LEN(verdicts); v++)
		command_printf(c, " %12s", reason_verdict_name(verdicts[v]));
	command_put(c, STR("\n"));
	for (int s = 0; s < REASON_STEPS; s++) {
		command_printf(c, "%-12s", reason_step_name((enum reason_step)s));
		for (size_t v = 0; v < ARRAY_LEN(verdicts); v++)
			command_printf(c, " %12llu", (unsigned long long)reasons_count(c->m->service->reasons,
				       (enum reason_step)s, verdicts[v]));
		command_put(c, STR("\n"));
	}
	return COMMAND_OK;
}

static enum command_result config_show_help(struct command_ctx *c)
{
	config_help(&c->out, command_arg(c, 0), command_arg(c, 1), command_arg(c, 2));
	return COMMAND_OK;
}

static enum command_result old_debug(struct command_ctx *c)
{
	bool off = str_ieq(command_arg(c, 0), STR("off"));

	if (off)
		sip_log_off(&c->m->service->wire.log);
	else
		sip_log_all(&c->m->service->wire.log);
	command_printf(c, "PJSIP Logging %s\n", off ? "disabled" : "enabled");
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip set logger", "{on|off|host <name/subnet>|add <name/subnet>|method <method>|methodadd <method>|"
	  "verbose <on/off>|pcap <filename>}", "Enable/Disable PJSIP Logger Output", set_logger, false,
	  "Shows SIP messages: all, those from and to some hosts, or of some methods and their responses. pcap keeps\n"
	  "them in a file, too, as UDP packets whatever they came by; verbose off leaves them to that file." },
	{ "sip set debug", "on | off", "Show SIP messages", old_debug, false, NULL },
	{ "pjsip set debug", "on | off", "Show SIP messages", old_debug, false, NULL },
	{ "pjsip qualify", "<endpoint>", "Ask an endpoint's contacts by OPTIONS now", qualify, false, NULL },
	{ "pjsip show qualify endpoint", "<endpoint>", "How an endpoint's contacts are asked", qualify_endpoint, false, NULL },
	{ "pjsip show qualify aor", "<aor>", "How an AOR's contacts are asked", qualify_aor, false, NULL },
	{ "pjsip send register", "<registration>|*all", "Register with another server now", send_register, false, NULL },
	{ "pjsip send unregister", "<registration>|*all", "End a registration with another server", send_unregister,
	  false, NULL },
	{ "pjsip send notify", "<type> endpoint|uri|channel <peer> ...", "Send a NOTIFY of pjsip_notify.conf", send_notify,
	  false, NULL },
	{ "pjsip set maintenance", "on|off <endpoint>|all", "Refuse new calls of an endpoint", set_maintenance, false, NULL },
	{ "pjsip show maintenance", "[endpoint]", "Endpoints whose calls are refused", show_maintenance, false, NULL },
	{ "pjsip explain", "[<address>|<endpoint> [lines]]", "Why requests were taken or refused", explain, false,
	  "The newest choices first: who was identified how, what was refused, and by which rule." },
	{ "pjsip show reasons", NULL, "How often which step said what", reasons, false, NULL },
	{ "pjsip show settings", NULL, "The global and system objects", settings, false, NULL },
	{ "pjsip show version", NULL, "The version of the SIP stack", version, true, NULL },
	{ "config show help", "[<module> [<type> [<option>]]]", "Explain the options of configuration files",
	  config_show_help, true, NULL },
};
const struct command_table commands_pjsip_do = { rows, ARRAY_LEN(rows) };
