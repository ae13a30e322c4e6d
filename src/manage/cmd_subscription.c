/* pjsip show subscriptions: what phones watch. */
#include "manage/command.h"
#include "service/event/subscription.h"

static enum command_result inbound(struct command_ctx *c)
{
	struct subscription_walk w = { 0 };
	struct subscription_row r;
	unsigned n = 0;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n %-20s %-15s %-20s %8s  %s\n", "Endpoint", "Event", "Resource", "Expires", "Call-ID");
	while (subscription_next(c->m->service, &w, &r)) {
		command_printf(c, " %-20.*s %-15.*s %-20.*s %8u  %.*s\n", STR_ARG(r.ep->name), STR_ARG(r.event),
			       STR_ARG(r.resource), r.left_s, STR_ARG(r.call_id));
		n++;
		if (!command_row(c))
			break;
	}
	subscription_walk_end(&w);
	command_printf(c, "\n%u active subscriptions\n", n);
	return COMMAND_OK;
}

static enum command_result outbound(struct command_ctx *c)
{
	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n0 active subscriptions\n");
	return COMMAND_OK;
}

static enum command_result mailboxes(struct command_ctx *c)
{
	struct map_walk w = { 0 };
	struct mailbox_row box;
	unsigned n = 0;

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n %-40s %8s %8s\n", "Mailbox", "New", "Old");
	while (mailbox_next(c->m->service, &w, &box)) {
		command_printf(c, " %-40.*s %8u %8u\n", STR_ARG(box.name), box.new_msgs, box.old_msgs);
		n++;
		if (!command_row(c))
			break;
	}
	map_walk_end(&w);
	command_printf(c, "\n%u mailboxes\n", n);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip show subscriptions inbound", NULL, "What phones subscribed to", inbound, false, NULL },
	{ "pjsip show subscriptions outbound", NULL, "Subscriptions of ours", outbound, false, NULL },
	{ "mwi show mailboxes", NULL, "What MWIUpdate said is in mailboxes", mailboxes, false, NULL },
};
const struct command_table commands_subscription = { rows, ARRAY_LEN(rows) };
