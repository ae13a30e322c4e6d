/* bridge ... */
#include "manage/bridge_tech.h"
#include "manage/command.h"
#include "pbx/bridge.h"
#include "pbx/channel.h"

static const char *technology(const struct bridge *b)
{
	if (b->native)
		return "native_rtp";
	return str_eq(text_view(&b->type), STR("holding")) ? "holding_bridge" : "simple_bridge";
}

static enum command_result show_all(struct command_ctx *c)
{
	static const char fmt[] = "%-36s %-36s %5s %-15s %-15s %s\n";
	struct map_walk w = { 0 };
	struct bridge *b;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, fmt, "Bridge-ID", "Name", "Chans", "Type", "Technology", "Duration");
	while ((b = bridge_walk_next(c->m->pbx, &w))) {
		char n[16];

		snprintf(n, sizeof(n), "%zu", b->count);
		command_printf(c, fmt, text_z(&b->id), b->name.n ? b->name.p : "<unknown>", n, text_z(&b->type),
			       technology(b), "");
		if (!command_row(c))
			break;
	}
	map_walk_end(&w);
	return COMMAND_OK;
}

static struct bridge *find_bridge(struct command_ctx *c, struct str id)
{
	struct bridge *b = bridge_by_id(c->m->pbx, id);

	if (!b)
		command_printf(c, "Bridge '%.*s' not found\n", STR_ARG(id));
	return b;
}

static enum command_result show_bridge(struct command_ctx *c)
{
	struct bridge *b;

	if (c->args != 1)
		return COMMAND_USAGE;
	b = find_bridge(c, c->arg[0]);
	if (!b)
		return COMMAND_OK;
	command_printf(c, "Id: %s\nType: %s\nTechnology: %s\nSubclass: %s\nCreator: %s\nName: %s\nNum-Channels: %zu\n"
		       "Num-Active: %zu\n", text_z(&b->id), text_z(&b->type), technology(b), text_z(&b->type),
		       text_z(&b->creator), text_z(&b->name), b->count, b->count);
	list_each(l, &b->members)
		command_printf(c, "Channel: %s\n", text_z(&container_of(l, struct member, link)->ch->name));
	return COMMAND_OK;
}

static enum command_result destroy_bridge(struct command_ctx *c)
{
	struct bridge *b;

	if (c->args != 1)
		return COMMAND_USAGE;
	b = find_bridge(c, c->arg[0]);
	if (!b)
		return COMMAND_OK;
	command_printf(c, "Destroying bridge '%s'\n", text_z(&b->id));
	bridge_dissolve(b, CAUSE_NORMAL);
	return COMMAND_OK;
}

static enum command_result kick_member(struct command_ctx *c)
{
	struct bridge *b;
	struct channel *ch;

	if (c->args != 2)
		return COMMAND_USAGE;
	b = find_bridge(c, c->arg[0]);
	if (!b)
		return COMMAND_OK;
	if (str_ieq(c->arg[1], STR("all"))) {
		command_printf(c, "Kicking all channels from bridge '%s'\n", text_z(&b->id));
		bridge_dissolve(b, CAUSE_NORMAL);
		return COMMAND_OK;
	}
	ch = channel_by_name(c->m->pbx, c->arg[1]);
	if (!ch || ch->bridge != b) {
		command_printf(c, "Channel '%.*s' not found\n", STR_ARG(c->arg[1]));
		return COMMAND_OK;
	}
	command_printf(c, "Kicking channel '%s' from bridge '%s'\n", text_z(&ch->name), text_z(&b->id));
	channel_soft_hangup(ch, CAUSE_NORMAL, SOFT_EXPLICIT);
	return COMMAND_OK;
}

static enum command_result show_technologies(struct command_ctx *c)
{
	const struct bridge_tech *t;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "%-20s %-20s %8s %s\n", "Name", "Type", "Priority", "Suspended");
	for (size_t i = 0; (t = bridge_tech_at(i)); i++)
		command_printf(c, "%-20s %-20s %8u %s\n", t->name, t->type, t->priority,
			       bridge_tech_suspended(c->m->pbx, t) ? "Yes" : "No");
	return COMMAND_OK;
}

static enum command_result set_technology(struct command_ctx *c, bool suspend)
{
	const struct bridge_tech *t = bridge_tech_named(command_arg(c, 0));
	struct str name = command_arg(c, 0);

	if (c->args != 1)
		return COMMAND_USAGE;
	if (!t)
		command_printf(c, "Bridge technology '%.*s' not found\n", STR_ARG(name));
	else if (bridge_tech_suspend(c->m->pbx, t, suspend))
		command_printf(c, "Bridge technology '%.*s' has no substitute and cannot be suspended\n", STR_ARG(name));
	else
		command_printf(c, "%s bridge technology '%.*s'\n", suspend ? "Suspended" : "Unsuspended", STR_ARG(name));
	return COMMAND_OK;
}

static enum command_result suspend_technology(struct command_ctx *c)
{
	return set_technology(c, true);
}

static enum command_result unsuspend_technology(struct command_ctx *c)
{
	return set_technology(c, false);
}

static const struct command rows[] = {
	{ "bridge technology show", NULL, "List the ways in which bridges join calls", show_technologies, false, NULL },
	{ "bridge technology suspend", "<name>", "Join calls in that way no more", suspend_technology, false, NULL },
	{ "bridge technology unsuspend", "<name>", "Join calls in that way again", unsuspend_technology, false, NULL },
	{ "bridge show all", NULL, "List bridges", show_all, false, NULL },
	{ "bridge show", "<id>", "Show a bridge and who is in it", show_bridge, false, NULL },
	{ "bridge destroy", "<id>", "End a bridge and the calls in it", destroy_bridge, false, NULL },
	{ "bridge kick", "<id> <channel>|all", "End a call of a bridge", kick_member, false, NULL },
};
const struct command_table commands_bridge = { rows, ARRAY_LEN(rows) };
