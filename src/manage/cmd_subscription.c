/* pjsip show subscriptions: what phones watch. */
#include "manage/chunk.h"
#include "manage/command.h"
#include "service/subscription/subscription.h"

struct rows {
	struct command_ctx *c;
	struct chunk k;
	unsigned n;
};

static void row(void *arg, const struct subscription_row *r)
{
	struct rows *l = arg;

	if (!chunk_takes(&l->k))
		return;
	command_printf(l->c, " %-20.*s %-15.*s %-20.*s %8u  %.*s\n", STR_ARG(r->ep->name), STR_ARG(r->event),
		       STR_ARG(r->resource), r->left_s, STR_ARG(r->call_id));
	l->n++;
}

static enum command_result inbound(struct command_ctx *c)
{
	struct rows l = { .c = c };

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n %-20s %-15s %-20s %8s  %s\n", "Endpoint", "Event", "Resource", "Expires", "Call-ID");
	do
		subscription_each(c->m->service, row, &l);
	while (chunk_more(&l.k) && command_row(c));
	command_printf(c, "\n%u active subscriptions\n", l.n);
	return COMMAND_OK;
}

static enum command_result outbound(struct command_ctx *c)
{
	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n0 active subscriptions\n");
	return COMMAND_OK;
}

static void box(void *arg, struct str name, uint32_t new_msgs, uint32_t old_msgs)
{
	struct rows *l = arg;

	if (!chunk_takes(&l->k))
		return;
	command_printf(l->c, " %-40.*s %8u %8u\n", STR_ARG(name), new_msgs, old_msgs);
	l->n++;
}

static enum command_result mailboxes(struct command_ctx *c)
{
	struct rows l = { .c = c };

	if (c->args)
		return COMMAND_USAGE;
	command_printf(c, "\n %-40s %8s %8s\n", "Mailbox", "New", "Old");
	do
		mailbox_each(c->m->service, box, &l);
	while (chunk_more(&l.k) && command_row(c));
	command_printf(c, "\n%u mailboxes\n", l.n);
	return COMMAND_OK;
}

static const struct command rows[] = {
	{ "pjsip show subscriptions inbound", NULL, "What phones subscribed to", inbound, false, NULL },
	{ "pjsip show subscriptions outbound", NULL, "Subscriptions of ours", outbound, false, NULL },
	{ "mwi show mailboxes", NULL, "What MWIUpdate said is in mailboxes", mailboxes, false, NULL },
};
const struct command_table commands_subscription = { rows, ARRAY_LEN(rows) };
