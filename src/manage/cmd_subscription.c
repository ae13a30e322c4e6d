/* pjsip show subscriptions: what phones watch. */
#include "manage/command.h"
#include "service/event/subscription.h"

/* Lines of a listing that do not match are left out, as a whole. */
struct listing {
	struct command_ctx *c;
	struct command_filter like;
	struct str pattern;
	unsigned n;
};

static enum command_result listing_init(struct listing *l, struct command_ctx *c)
{
	*l = (struct listing){ .c = c };
	if (c->args == 2)
		l->pattern = c->arg[1];
	return command_filter_init(&l->like, c, 0);
}

static void listing_end(struct listing *l, const char *before)
{
	command_printf(l->c, "%s%u active subscriptions", before, l->n);
	if (l->pattern.n)
		command_printf(l->c, " matched \"%.*s\"", STR_ARG(l->pattern));
	command_put(l->c, STR("\n"));
	command_filter_free(&l->like);
}

/* As callerid= would say it. */
static void put_caller(struct buf *b, const struct endpoint *ep)
{
	if (ep->callerid_name.n && ep->callerid_num.n)
		buf_printf(b, "\"%.*s\" <%.*s>", STR_ARG(ep->callerid_name), STR_ARG(ep->callerid_num));
	else if (ep->callerid_name.n || ep->callerid_num.n)
		buf_put(b, ep->callerid_name.n ? ep->callerid_name : ep->callerid_num);
	else
		buf_put(b, STR("none"));
}

static void show_row(struct buf *b, const struct subscription_row *r)
{
	buf_printf(b, "Endpoint: %.*s/", STR_ARG(r->ep->name));
	put_caller(b, r->ep);
	buf_printf(b, "\nResource: %.*s/%.*s\n  Expiry: %8u  %.*s\n\n", STR_ARG(r->resource), STR_ARG(r->event), r->left_s,
		   STR_ARG(r->call_id));
}

static void list_row(struct buf *b, const struct subscription_row *r)
{
	struct str caller = r->ep->callerid_name.n ? r->ep->callerid_name :
			    r->ep->callerid_num.n ? r->ep->callerid_num : STR("<none>");
	struct buf who = BUF_INIT, what = BUF_INIT;

	buf_puts(&who, r->ep->name, STR("/"), caller);
	buf_puts(&what, r->resource, STR("/"), r->event);
	buf_printf(b, "%-30.30s %-30.30s %6u %.*s\n", buf_z(&who), buf_z(&what), r->left_s, STR_ARG(r->call_id));
	buf_free(&who);
	buf_free(&what);
}

static void each_inbound(struct listing *l, void (*row)(struct buf *b, const struct subscription_row *r))
{
	struct subscription_walk w = { 0 };
	struct subscription_row r;

	while (subscription_next(l->c->m->service, &w, &r)) {
		struct buf b = BUF_INIT;

		row(&b, &r);
		if (command_filter_has(&l->like, buf_view(&b))) {
			command_put(l->c, buf_view(&b));
			l->n++;
		}
		buf_free(&b);
		if (!command_row(l->c))
			break;
	}
	subscription_walk_end(&w);
}

/* Nobody is subscribed to by us. */
static enum command_result show_all(struct command_ctx *c, bool inbound)
{
	struct listing l;
	enum command_result res = listing_init(&l, c);

	if (res != COMMAND_OK)
		return res;
	command_put(c, STR("Endpoint: <Endpoint/Caller-ID.............................................>\n"
			   "Resource: <Resource/Event.................................................>\n"
			   "  Expiry: <Expiry>  <Call-id..............................................>\n"
			   "===========================================================================\n\n"));
	if (inbound)
		each_inbound(&l, show_row);
	listing_end(&l, "");
	return COMMAND_OK;
}

static enum command_result list_all(struct command_ctx *c, bool inbound)
{
	struct listing l;
	enum command_result res = listing_init(&l, c);

	if (res != COMMAND_OK)
		return res;
	command_printf(c, "%-30.30s %-30.30s %6.6s %s\n", "Endpoint/CLI", "Resource/Event", "Expiry", "Call-id");
	if (inbound)
		each_inbound(&l, list_row);
	listing_end(&l, "\n");
	return COMMAND_OK;
}

static enum command_result show_inbound(struct command_ctx *c) { return show_all(c, true); }
static enum command_result show_outbound(struct command_ctx *c) { return show_all(c, false); }
static enum command_result list_inbound(struct command_ctx *c) { return list_all(c, true); }
static enum command_result list_outbound(struct command_ctx *c) { return list_all(c, false); }

/* ---- one, by its Call-ID ----------------------------------------------- */

static void put_detail(struct command_ctx *c, const char *key, struct str value)
{
	command_printf(c, "%-20s: %.*s\n", key, STR_ARG(value));
}

static void put_details(struct command_ctx *c, const struct subscription_row *r)
{
	struct buf b = BUF_INIT;
	char left[16];

	snprintf(left, sizeof(left), "%u", r->left_s);
	put_detail(c, "ParameterName", STR("ParameterValue"));
	command_put(c, STR("===========================================================================\n"));
	put_detail(c, "Resource", r->resource);
	put_detail(c, "Event", r->event);
	put_detail(c, "Expiry", str_z(left));
	put_detail(c, "Role", STR("Notifier"));
	put_detail(c, "Endpoint", r->ep->name);
	put_detail(c, "Callid", r->call_id);
	put_detail(c, "State", r->state);
	put_caller(&b, r->ep);
	put_detail(c, "Callerid", buf_view(&b));
	command_put(c, STR("\n"));
	buf_free(&b);
}

static enum command_result one_inbound(struct command_ctx *c)
{
	struct subscription_walk w = { 0 };
	struct subscription_row r;

	if (c->args != 1)
		return COMMAND_USAGE;
	while (subscription_next(c->m->service, &w, &r)) {
		if (!str_eq(r.call_id, c->arg[0])) {
			manage_step(c->m);
			continue;
		}
		put_details(c, &r);
		break;
	}
	subscription_walk_end(&w);
	return COMMAND_OK;
}

static enum command_result one_outbound(struct command_ctx *c)
{
	return c->args == 1 ? COMMAND_OK : COMMAND_USAGE;
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
	{ "pjsip show subscriptions inbound", "[like <regex>]", "What phones subscribed to", show_inbound, false, NULL },
	{ "pjsip show subscriptions outbound", "[like <regex>]", "Subscriptions of ours", show_outbound, false, NULL },
	{ "pjsip list subscriptions inbound", "[like <regex>]", "What phones subscribed to, a line each", list_inbound, false,
	  NULL },
	{ "pjsip list subscriptions outbound", "[like <regex>]", "Subscriptions of ours, a line each", list_outbound, false, NULL },
	{ "pjsip show subscription inbound", "<call-id>", "All about such a subscription", one_inbound, false, NULL },
	{ "pjsip show subscription outbound", "<call-id>", "All about a subscription of ours", one_outbound, false, NULL },
	{ "mwi show mailboxes", NULL, "What MWIUpdate said is in mailboxes", mailboxes, false, NULL },
};
const struct command_table commands_subscription = { rows, ARRAY_LEN(rows) };
