/* pjsip show subscriptions: what phones watch here, and what we watch on other servers. */
#include "manage/command.h"
#include "manage/subscription_rows.h"
#include <stdio.h>

/* A row of a listing, as a filter sees it and as it is printed. */
typedef void write_row_fn(const struct subscription_show *r, struct buf *b);

static void write_block(const struct subscription_show *r, struct buf *b)
{
	buf_puts(b, STR("Endpoint: "), r->endpoint, STR("/"));
	subscription_callerid(r, "<none>", b);
	buf_puts(b, STR("\nResource: "), r->resource, STR("/"), r->event);
	buf_printf(b, "\n  Expiry: %8u  %.*s\n\n", r->left_s, STR_ARG(r->call_id));
}

static void write_column(struct buf *b, struct str first, struct str second, size_t width)
{
	char room[256];
	struct buf both;

	buf_init(&both, room, sizeof(room), sizeof(room));
	buf_puts(&both, first, STR("/"), second);
	buf_printf(b, "%-*.*s ", (int)width, (int)(both.n < width ? both.n : width), both.p);
}

static void write_line(const struct subscription_show *r, struct buf *b)
{
	write_column(b, r->endpoint, r->name.n ? r->name : r->number.n ? r->number : STR("<none>"), 30);
	write_column(b, r->resource, r->event, 30);
	buf_printf(b, "%6u %.*s\n", r->left_s, STR_ARG(r->call_id));
}

/* All that fit `like REGEX`, and how many they are. */
static enum command_result put_rows(struct command_ctx *c, bool inbound, write_row_fn *write, const char *header,
				    const char *last)
{
	struct subscription_show_walk w = { .inbound = inbound };
	struct subscription_show r;
	struct command_filter f;
	struct buf b = BUF_INIT;
	unsigned n = 0;
	enum command_result res = command_filter_init(&f, c, 0);

	if (res != COMMAND_OK)
		return res;
	command_put(c, str_z(header));
	while (subscription_show_next(c->m, &w, &r)) {
		buf_reset(&b);
		write(&r, &b);
		if (!command_filter_has(&f, buf_view(&b)))
			continue;
		command_put(c, buf_view(&b));
		n++;
		if (!command_row(c))
			break;
	}
	subscription_show_end(&w);
	buf_free(&b);
	command_printf(c, "%s%u active subscriptions%s%.*s%s\n", last, n, f.on ? " matched \"" : "",
		       STR_ARG(command_arg(c, 1)), f.on ? "\"" : "");
	command_filter_free(&f);
	return COMMAND_OK;
}

static enum command_result show_all(struct command_ctx *c, bool inbound)
{
	return put_rows(c, inbound, write_block,
			"Endpoint: <Endpoint/Caller-ID.............................................>\n"
			"Resource: <Resource/Event.................................................>\n"
			"  Expiry: <Expiry>  <Call-id..............................................>\n"
			"===========================================================================\n\n", "");
}

static enum command_result list_all(struct command_ctx *c, bool inbound)
{
	char header[128];

	snprintf(header, sizeof(header), "%-30s %-30s %6s %s\n", "Endpoint/CLI", "Resource/Event", "Expiry", "Call-id");
	return put_rows(c, inbound, write_line, header, "\n");
}

static enum command_result show_inbound(struct command_ctx *c) { return show_all(c, true); }
static enum command_result show_outbound(struct command_ctx *c) { return show_all(c, false); }
static enum command_result list_inbound(struct command_ctx *c) { return list_all(c, true); }
static enum command_result list_outbound(struct command_ctx *c) { return list_all(c, false); }

/* ---- one of them ------------------------------------------------------------------------ */

static void put_field(void *arg, const char *key, struct str value)
{
	command_printf(arg, "%-20s: %.*s\n", key, STR_ARG(value));
}

static enum command_result show_one(struct command_ctx *c, bool inbound)
{
	struct subscription_show_walk w = { .inbound = inbound };
	struct subscription_show r;

	if (c->args != 1)
		return COMMAND_USAGE;
	while (subscription_show_next(c->m, &w, &r)) {
		if (!str_eq(r.call_id, c->arg[0]))
			continue;
		command_printf(c, "%-20s: %s\n", "ParameterName", "ParameterValue");
		command_printf(c, "===========================================================================\n");
		put_field(c, "Resource", r.resource);
		put_field(c, "Event", r.event);
		command_printf(c, "%-20s: %u\n", "Expiry", r.left_s);
		subscription_fields(c->m, &r, put_field, c);
		command_printf(c, "\n");
		break;
	}
	subscription_show_end(&w);
	return COMMAND_OK;
}

static enum command_result show_one_inbound(struct command_ctx *c) { return show_one(c, true); }
static enum command_result show_one_outbound(struct command_ctx *c) { return show_one(c, false); }

/* ---- mailboxes --------------------------------------------------------------------------- */

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

#define LIKE "[like <regex>]"
static const struct command rows[] = {
	{ "pjsip show subscriptions inbound", LIKE, "What phones subscribed to", show_inbound, false, NULL },
	{ "pjsip show subscriptions outbound", LIKE, "Subscriptions of ours", show_outbound, false, NULL },
	{ "pjsip show subscription inbound", "<call-id>", "What a phone subscribed to", show_one_inbound, false, NULL },
	{ "pjsip show subscription outbound", "<call-id>", "A subscription of ours", show_one_outbound, false, NULL },
	{ "pjsip list subscriptions inbound", LIKE, "What phones subscribed to, a line each", list_inbound, false, NULL },
	{ "pjsip list subscriptions outbound", LIKE, "Subscriptions of ours, a line each", list_outbound, false, NULL },
	{ "mwi show mailboxes", NULL, "What MWIUpdate said is in mailboxes", mailboxes, false, NULL },
};
const struct command_table commands_subscription = { rows, ARRAY_LEN(rows) };
