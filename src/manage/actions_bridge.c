/* Actions on bridges. */
#include "manage/manager_private.h"
#include "manage/bridge_tech.h"
#include "pbx/bridge.h"
#include "pbx/channel.h"
#include <errno.h>

/* By header BridgeUniqueid; answers the error. */
static struct bridge *named_bridge(struct ami_ctx *a)
{
	struct str id = ami_get(a, "BridgeUniqueid");
	struct bridge *b = id.n ? bridge_by_id(a->m->pbx, id) : NULL;

	if (!id.n)
		ami_error(a, "BridgeUniqueid must be provided");
	else if (!b)
		ami_error(a, "Specified BridgeUniqueid not found");
	return b;
}

static void put_bridge(struct ami_ctx *a, const struct bridge *b)
{
	struct event e = { .name = "", .body = a->out };

	bridge_headers(&e, "", b);
	a->out = e.body;
}

static void bridge_list(struct ami_ctx *a)
{
	struct map_walk w = { 0 };
	struct bridge *b;

	ami_list_start(a, "Bridge listing will follow");
	while ((b = bridge_walk_next(a->m->pbx, &w))) {
		ami_event(a, "BridgeListItem");
		put_bridge(a, b);
		if (!ami_item_end(a))
			break;
	}
	map_walk_end(&w);
	ami_list_end(a, "BridgeListComplete");
}

static void info(struct ami_ctx *a)
{
	struct bridge *b = named_bridge(a);

	if (!b)
		return;
	ami_list_start(a, "Bridge channel listing will follow");
	list_each(l, &b->members) {
		ami_event(a, "BridgeInfoChannel");
		ami_channel(a, container_of(l, struct member, link)->ch);
		ami_end(a);
		a->items++;
	}
	ami_list_complete(a, "BridgeInfoComplete");
	put_bridge(a, b);
	ami_end(a);
}

static void destroy_bridge(struct ami_ctx *a)
{
	struct bridge *b = named_bridge(a);

	if (!b)
		return;
	bridge_dissolve(b, CAUSE_NORMAL);
	ami_ok(a, "Bridge has been destroyed");
}

static void kick_member(struct ami_ctx *a)
{
	struct str id = ami_get(a, "BridgeUniqueid");
	struct channel *ch = ami_get_channel(a, "Channel", "Channel must be provided", "Channel does not exist");

	if (!ch)
		return;
	if (!ch->bridge) {
		ami_error(a, "Channel is not in a bridge");
	} else if (id.n && bridge_by_id(a->m->pbx, id) != ch->bridge) {
		ami_error(a, "Bridge not found");
	} else {
		channel_soft_hangup(ch, CAUSE_NORMAL, SOFT_EXPLICIT);
		ami_ok(a, "Channel has been kicked");
	}
}

/* Bridge: channel 2 takes the place of channel 1's peer. Both must be in bridges:
 * one whose fiber runs an application cannot be taken from under it. */
static void join_channels(struct ami_ctx *a)
{
	struct channel *one, *two, *peer;

	if (!ami_get(a, "Channel1").n || !ami_get(a, "Channel2").n) {
		ami_error(a, "Missing channel parameter in request");
		return;
	}
	one = channel_by_name(a->m->pbx, ami_get(a, "Channel1"));
	two = channel_by_name(a->m->pbx, ami_get(a, "Channel2"));
	if (!one || !two) {
		const char *which = one ? "Channel2" : "Channel1";
		struct str name = ami_get(a, which);

		ami_error(a, "%s does not exist: %.*s", which, STR_ARG(name));
		return;
	}
	peer = bridge_peer(one);
	if (one == two || !peer || !two->bridge || (peer != two && bridge_swap(two, peer))) {
		ami_error(a, "Unable to bridge channels");
		return;
	}
	if (peer != two && !peer->fiber && !peer->dead)
		channel_soft_hangup(peer, CAUSE_NORMAL, SOFT_EXPLICIT);
	ami_ok(a, "Channels have been bridged");
}

/* ---- technologies ----------------------------------------------------------- */

static void list_technologies(struct ami_ctx *a)
{
	const struct bridge_tech *t;

	ami_list_start(a, "Bridge technology listing will follow");
	for (size_t i = 0; (t = bridge_tech_at(i)); i++) {
		ami_put(a, "Event", STR("BridgeTechnologyListItem"));
		ami_put(a, "BridgeTechnology", str_z(t->name));
		ami_put(a, "BridgeType", str_z(t->type));
		ami_printf(a, "BridgePriority", "%u", t->priority);
		ami_put(a, "BridgeSuspended", bridge_tech_suspended(a->m->pbx, t) ? STR("Yes") : STR("No"));
		if (a->id.n)
			ami_put(a, "ActionID", a->id);
		if (!ami_item_end(a))
			break;
	}
	ami_list_end(a, "BridgeTechnologyListComplete");
}

static void set_technology(struct ami_ctx *a, bool suspend)
{
	struct str name = ami_get(a, "BridgeTechnology");
	const struct bridge_tech *t = bridge_tech_named(name);

	if (!name.n)
		ami_error(a, "BridgeTechnology must be provided");
	else if (!t)
		ami_error(a, "BridgeTechnology not found");
	else if (bridge_tech_suspend(a->m->pbx, t, suspend))
		ami_error(a, "BridgeTechnology has no substitute and cannot be suspended");
	else
		ami_ok(a, suspend ? "Suspended bridge technology" : "Unsuspended bridge technology");
}

static void suspend_technology(struct ami_ctx *a)
{
	set_technology(a, true);
}

static void unsuspend_technology(struct ami_ctx *a)
{
	set_technology(a, false);
}

static const struct ami_action rows[] = {
	{ "BridgeTechnologyList", 0, "List the ways in which bridges join calls", list_technologies, false },
	{ "BridgeTechnologySuspend", 0, "Join calls in that way no more", suspend_technology, false },
	{ "BridgeTechnologyUnsuspend", 0, "Join calls in that way again", unsuspend_technology, false },
	{ "BridgeList", 0, "List bridges", bridge_list, false },
	{ "BridgeInfo", 0, "List the channels of a bridge", info, false },
	{ "BridgeDestroy", 0, "End a bridge and the calls in it", destroy_bridge, false },
	{ "BridgeKick", 0, "End a call of a bridge", kick_member, false },
	{ "Bridge", EV_CALL, "Join two channels", join_channels, false },
};
const struct ami_table ami_bridge_actions = { rows, ARRAY_LEN(rows) };
