/* manager show ... */
#include "manage/command.h"
#include "manage/manager_private.h"
#include <stdlib.h>

static const char *yesno(bool b) { return b ? "Yes" : "No"; }

static struct manager *manager_of(struct command_ctx *c)
{
	if (!c->m->manager || !c->m->manager->conf)
		command_printf(c, "The manager interface is not configured.\n");
	return c->m->manager && c->m->manager->conf ? c->m->manager : NULL;
}

static enum command_result commands(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);
	size_t n = 0;
	void **v = mgr ? map_sorted(mgr->actions, &n) : NULL;

	if (!mgr)
		return COMMAND_OK;
	command_printf(c, "  %-30.30s  %s\n  %-30.30s  %s\n", "Action", "Synopsis", "------", "--------");
	for (size_t i = 0; v && i < n; i++) {
		const struct ami_action *a = v[i];

		command_printf(c, "  %-30.30s  %s\n", a->name, a->summary);
	}
	free(v);
	return COMMAND_OK;
}

static enum command_result command(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);

	if (!c->args)
		return COMMAND_USAGE;
	for (size_t i = 0; mgr && i < c->args; i++) {
		const struct ami_action *a = map_get(mgr->actions, c->arg[i]);

		if (!a)
			continue;
		command_printf(c, "[Action]\n%s\n\n[Synopsis]\n%s\n\n[Privilege]\n", a->name, a->summary);
		ami_write_privilege(&c->out, a->privilege);
		command_put(c, STR("\n\n"));
	}
	return COMMAND_OK;
}

static enum command_result users(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);

	if (!mgr)
		return COMMAND_OK;
	if (!mgr->conf->users) {
		command_printf(c, "There are no manager users.\n");
		return COMMAND_OK;
	}
	command_printf(c, "\nusername\n--------\n");
	for (size_t i = 0; i < mgr->conf->users; i++)
		command_printf(c, "%.*s\n", STR_ARG(mgr->conf->user[i].name));
	command_printf(c, "-------------------\n%zu manager users configured.\n", mgr->conf->users);
	return COMMAND_OK;
}

static enum command_result user(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);
	const struct manager_user *u;

	if (c->args != 1)
		return COMMAND_USAGE;
	u = mgr ? manager_conf_user(mgr->conf, c->arg[0]) : NULL;
	if (!u) {
		command_printf(c, "There is no manager called %.*s\n", STR_ARG(c->arg[0]));
		return COMMAND_OK;
	}
	command_printf(c, "\n          username: %.*s\n            secret: %s\n               ACL: %s\n         read perm: ",
		       STR_ARG(u->name), u->secret.s.n ? "<Set>" : "(N/A)", u->acl ? "yes" : "no");
	manager_perm_write(&c->out, u->read);
	command_printf(c, "\n        write perm: ");
	manager_perm_write(&c->out, u->write);
	command_printf(c, "\n   displayconnects: %s\nallowmultiplelogin: %s\n         Variables: \n",
		       u->displayconnects ? "yes" : "no", u->allowmultiplelogin ? "yes" : "no");
	for (size_t i = 0; u->setvar && i < u->setvar->n; i++)
		command_printf(c, "                 %.*s = %.*s\n", STR_ARG(u->setvar->v[i].name),
			       STR_ARG(u->setvar->v[i].value));
	return COMMAND_OK;
}

static enum command_result connected(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);
	char text[SA_TEXT];
	size_t n = 0;

	command_printf(c, "  %-15.15s  %-55.55s  %-10.10s  %-10.10s  %-8.8s  %-8.8s  %-10.10s  %-10.10s\n", "Username",
		       "IP Address", "Start", "Elapsed", "FileDes", "HttpCnt", "ReadPerms", "WritePerms");
	if (mgr) {
		list_each(l, &mgr->sessions) {
			const struct ami_session *s = container_of(l, struct ami_session, link);

			command_printf(c, "  %-15.15s  %-55.55s  %-10lld  %-10lld  %-8d  %-8d  %-10u  %-10u\n", text_z(&s->user),
				       sa_text_bare(&s->peer, text), (long long)(s->started_us / 1000000),
				       (long long)(clock_wall_s(c->m->clock) - s->started_us / 1000000), s->web ? -1 : 0, s->web ? (int)s->web->in_use : 0,
				       s->read, s->write);
			n++;
		}
	}
	command_printf(c, "%zu users connected.\n", n);
	return COMMAND_OK;
}

static void put_list(struct command_ctx *c, const char *name, const struct str_list *l)
{
	command_printf(c, "  %-25.25s  ", name);
	str_list_write(&c->out, l, ',');
	command_put(c, STR("\n"));
}

/* on, off, or which of them it is. */
static enum command_result set_debug(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);
	bool on = str_ieq(command_arg(c, 0), STR("on"));

	if (c->args > 1 || (c->args && !on && !str_ieq(c->arg[0], STR("off"))))
		return COMMAND_USAGE;
	if (mgr && c->args)
		mgr->debug = on;
	else if (mgr)
		command_printf(c, "manager debug is %s\n", mgr->debug ? "on" : "off");
	return COMMAND_OK;
}

static enum command_result settings(struct command_ctx *c)
{
	struct manager *mgr = manager_of(c);
	const struct manager_conf *f = mgr ? mgr->conf : NULL;
	char text[SA_TEXT];

	if (!f)
		return COMMAND_OK;
	command_printf(c, "\nGlobal Settings:\n----------------\n");
	command_printf(c, "  %-25.25s  %-15.55s\n", "Manager (AMI):", yesno(mgr->listener));
	command_printf(c, "  %-25.25s  %-15.55s\n", "Web Manager (AMI/HTTP):", yesno(f->webenabled));
	command_printf(c, "  %-25.25s  %-15.55s\n", "TCP Bindaddress:",
		       mgr->listener ? sa_text(&mgr->bound, text) : "Disabled");
	command_printf(c, "  %-25.25s  %-15u\n", "HTTP Timeout (seconds):", f->httptimeout);
	command_printf(c, "  %-25.25s  %-15.55s\n", "TLS Enable:", yesno(f->tlsenable));
	command_printf(c, "  %-25.25s  %-15.55s\n", "TLS Bindaddress:",
		       mgr->tls_listener ? sa_text(&mgr->tls_bound, text) : "Disabled");
	command_printf(c, "  %-25.25s  %.*s\n", "TLS Certfile:", STR_ARG(f->tlscertfile));
	command_printf(c, "  %-25.25s  %.*s\n", "TLS Privatekey:", STR_ARG(f->tlsprivatekey));
	command_printf(c, "  %-25.25s  %.*s\n", "TLS Cipher:", STR_ARG(f->tlscipher));
	command_printf(c, "  %-25.25s  %-15.55s\n", "Allow multiple login:", yesno(f->allowmultiplelogin));
	command_printf(c, "  %-25.25s  %-15.55s\n", "Display connects:", yesno(f->displayconnects));
	command_printf(c, "  %-25.25s  %-15.55s\n", "Timestamp events:", yesno(f->timestampevents));
	put_list(c, "Channel vars:", &f->channelvars);
	put_list(c, "Disabled events:", &f->disabledevents);
	command_printf(c, "  %-25.25s  %-15.55s\n", "Debug:", yesno(mgr->debug));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "manager show commands", NULL, "List the manager's actions", commands, true, NULL },
	{ "manager show command", "<action> ...", "Show an action", command, true, NULL },
	{ "manager show users", NULL, "List the users of manager.conf", users, true, NULL },
	{ "manager show user", "<name>", "Show a user of manager.conf", user, true, NULL },
	{ "manager show connected", NULL, "List who is logged in", connected, true, NULL },
	{ "manager set debug", "[on|off]", "Number events and say where they are made", set_debug, true, NULL },
	{ "manager show settings", NULL, "Show settings of the manager interface", settings, true, NULL },
};
const struct command_table commands_manager = { rows, ARRAY_LEN(rows) };
