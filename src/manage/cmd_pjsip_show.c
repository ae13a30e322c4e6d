/* pjsip show identifiers, pjsip show scheduled_tasks, pjsip reload qualify; acl show. */
#include "manage/command.h"
#include "manage/pjsip_view.h"
#include "service/object/settings.h"
#include <stdlib.h>
#include <time.h>

/* ---- identifiers ---------------------------------------------------------- */

/* In the order in which they are asked: that of a registration's line= first, those of
 * endpoint_identifier_order, then what else there is. */
static enum command_result identifiers(struct command_ctx *c)
{
	static const struct str all[] = { STR_INIT("ip"), STR_INIT("username"), STR_INIT("anonymous"), STR_INIT("auth_username"),
		STR_INIT("header"), STR_INIT("request_uri") };
	const struct str_list *order = &c->m->service->conf->global->endpoint_identifier_order;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "%-20.20s\n%-20.20s\n", "Identifier Names:", "name not specified");
	for (size_t i = 0; i < order->n; i++)
		command_printf(c, "%-20.*s\n", STR_ARG(str_sub(order->v[i], 0, 20)));
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		size_t k = 0;

		while (k < order->n && !str_ieq(order->v[k], all[i]))
			k++;
		if (k == order->n)
			command_printf(c, "%-20.*s\n", STR_ARG(all[i]));
	}
	return COMMAND_OK;
}

/* ---- scheduled tasks ------------------------------------------------------- */

/* What is done again and again: contacts are asked whether they are there. */
static void put_task(struct command_ctx *c, const struct contact *contact, uint32_t interval)
{
	uint64_t left = timer_left_ms(c->m->wheel, &contact->qualify) / 1000;
	time_t next = (time_t)(clock_wall_s(c->m->clock) + (int64_t)left);
	struct buf name = BUF_INIT;
	char when[32];
	struct tm tm;

	localtime_r(&next, &tm);
	strftime(when, sizeof(when), "%a %T", &tm);
	buf_printf(&name, "pjsip/options/%.*s", STR_ARG(text_view(&contact->loc->aor)));
	command_printf(c, "%-46.46s   %9u   %9s   %-5s  %-12s  %-12s  %-12s %8llu\n", buf_z(&name), interval, "",
		       contact->qualify_req ? "run" : "wait", "", "", when, (unsigned long long)left);
	buf_free(&name);
}

static enum command_result scheduled_tasks(struct command_ctx *c)
{
	struct command_filter f;
	enum command_result res = command_filter_init(&f, c, 0);
	size_t n, tasks = 0;
	struct contact **v;

	if (res != COMMAND_OK)
		return res;
	command_put(c, STR("PJSIP Scheduled Tasks:\n\n"
			   "<Task Name....................................> <Interval> <Times Run> <State>"
			   "  <Queued....>  <Last Start>  <Next Start.....secs>\n"
			   "=============================================================================="
			   "===================================================\n"));
	v = view_contacts(c->m, &n);
	for (size_t i = 0; i < n; i++) {
		const struct aor *a = v[i]->loc ? contact_aor(c->m->service, v[i]) : NULL;

		if (!a || !a->qualify_frequency || !command_filter_has(&f, a->name))
			continue;
		put_task(c, v[i], a->qualify_frequency);
		tasks++;
		if (!command_row(c))
			break;
	}
	view_contacts_free(v, n);
	command_filter_free(&f);
	command_printf(c, "\nTotal Scheduled Tasks: %zu\n\n", tasks);
	return COMMAND_OK;
}

/* ---- reload qualify -------------------------------------------------------- */

/* What pjsip.conf says is in force already; those that are asked at all are asked anew. */
static void synchronize(struct command_ctx *c, const struct aor *a)
{
	if (a->qualify_frequency)
		view_qualify_aor(c->m->service, a->name);
}

static enum command_result reload_aor(struct command_ctx *c)
{
	const struct aor *a;

	if (c->args != 1)
		return COMMAND_USAGE;
	a = snapshot_aor(c->m->service->conf, c->arg[0]);
	if (!a) {
		command_printf(c, "Unable to retrieve aor '%.*s'\n", STR_ARG(c->arg[0]));
		return COMMAND_FAILED;
	}
	command_printf(c, "Synchronizing AOR '%.*s'\n", STR_ARG(a->name));
	synchronize(c, a);
	return COMMAND_OK;
}

static enum command_result reload_endpoint(struct command_ctx *c)
{
	const struct endpoint *ep;

	if (c->args != 1)
		return COMMAND_USAGE;
	ep = snapshot_endpoint(c->m->service->conf, c->arg[0]);
	if (!ep)
		command_printf(c, "Unable to retrieve endpoint %.*s\n", STR_ARG(c->arg[0]));
	else if (!ep->aor_n)
		command_printf(c, "No AORs configured for endpoint '%.*s'\n", STR_ARG(ep->name));
	for (size_t i = 0; ep && i < ep->aor_n; i++) {
		command_printf(c, "Synchronizing AOR '%.*s' on endpoint '%.*s'\n", STR_ARG(ep->aor_objs[i]->name), STR_ARG(ep->name));
		synchronize(c, ep->aor_objs[i]);
	}
	return ep && ep->aor_n ? COMMAND_OK : COMMAND_FAILED;
}

/* ---- acl.conf -------------------------------------------------------------- */

static void put_acl(struct command_ctx *c, const struct acl *a)
{
	struct str name = acl_name(a);
	struct netmask m;
	bool permit;

	command_printf(c, "\nACL: %.*s\n---------------------------------------------\n", STR_ARG(name));
	for (size_t i = 0; acl_rule_at(a, i, &m, &permit); i++) {
		struct sa mask = netmask_mask(&m);
		char base[SA_TEXT], bits[SA_TEXT];

		command_printf(c, "%3zu: %s - %s%s/%s\n", i, permit ? "allow" : " deny", m.invert ? "!" : "",
			       sa_text_bare(&m.base, base), sa_text_bare(&mask, bits));
	}
}

static enum command_result acl_show(struct command_ctx *c)
{
	const struct named_acls *all = c->m->service ? snapshot_acls(c->m->service->conf) : NULL;
	const struct acl *a;

	if (c->args > 1)
		return COMMAND_USAGE;
	if (!c->args)
		command_printf(c, "\nacl\n---\n");
	if (!all) {
		if (!c->args)
			command_printf(c, "ACL configuration isn't available.\n");
		return COMMAND_OK;
	}
	for (size_t i = 0; !c->args && (a = named_acls_at(all, i)); i++)
		command_printf(c, "%.*s\n", STR_ARG(acl_name(a)));
	a = c->args ? named_acls_get(all, c->arg[0]) : NULL;
	if (a)
		put_acl(c, a);
	else if (c->args)
		command_printf(c, "\nCould not find ACL named '%.*s'\n", STR_ARG(c->arg[0]));
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip show identifiers", NULL, "In which order it is found out who sends", identifiers, false, NULL },
	{ "pjsip show scheduled_tasks", "[like <regex>]", "Which contacts are asked when", scheduled_tasks, false, NULL },
	{ "pjsip reload qualify aor", "<aor>", "Ask an AOR's contacts anew", reload_aor, false, NULL },
	{ "pjsip reload qualify endpoint", "<endpoint>", "Ask an endpoint's contacts anew", reload_endpoint, false, NULL },
	{ "acl show", "[name]", "Show the lists of acl.conf, or the rules of one", acl_show, false, NULL },
};
const struct command_table commands_pjsip_show = { rows, ARRAY_LEN(rows) };
