/* What phones subscribed to, and the mailboxes that an outside voicemail fills. */
#include "manage/manager_private.h"
#include "manage/pattern.h"
#include "manage/subscription_rows.h"
#include <errno.h>

/* ---- subscriptions ---------------------------------------------------- */

static void put_field(void *arg, const char *key, struct str value)
{
	ami_put(arg, key, value);
}

static void list_subscriptions(struct ami_ctx *a, bool inbound, const char *event, const char *complete)
{
	struct subscription_show_walk w = { .inbound = inbound };
	struct subscription_show row;

	while (subscription_show_next(a->m, &w, &row)) {
		ami_event(a, event);
		subscription_fields(a->m, &row, put_field, a);
		if (!ami_item_end(a))
			break;
	}
	subscription_show_end(&w);
	ami_list_complete(a, complete);
	ami_end(a);
}

static void show_inbound(struct ami_ctx *a)
{
	ami_list_start(a, "Following are Events for each inbound Subscription");
	list_subscriptions(a, true, "InboundSubscriptionDetail", "InboundSubscriptionDetailComplete");
}

static void show_outbound(struct ami_ctx *a)
{
	ami_list_start(a, "Following are Events for each outbound Subscription");
	list_subscriptions(a, false, "OutboundSubscriptionDetail", "OutboundSubscriptionDetailComplete");
}

/* ---- mailboxes -------------------------------------------------------- */

/* True: the header names one; else the error went out. */
static bool read_name(struct ami_ctx *a, struct str *name)
{
	*name = ami_get(a, "Mailbox");
	if (!name->n)
		ami_error(a, "Missing mailbox parameter in request");
	return name->n > 0;
}

struct pick {
	struct ami_ctx *a;
	regex_t re;
	bool re_on;
	struct str name;
};

static bool is_picked(const struct pick *p, struct str name)
{
	char z[300];

	return !regexec(&p->re, str_copy(z, sizeof(z), name), 0, NULL, 0);
}

/* "box", or "/regex/". False: the error went out. */
static bool read_pick(struct ami_ctx *a, struct pick *p)
{
	*p = (struct pick){ .a = a };
	if (!read_name(a, &p->name))
		return false;
	if (p->name.p[0] != '/')
		return true;
	if (p->name.n < 2 || p->name.p[p->name.n - 1] != '/' ||
	    pattern_compile(&p->re, p->name.n == 2 ? STR("^") : str_sub(p->name, 1, p->name.n - 2))) {
		ami_error(a, "Mailbox regex format invalid in: %.*s", STR_ARG(p->name));
		return false;
	}
	p->re_on = true;
	return true;
}

static void put_mailbox(struct ami_ctx *a, const struct mailbox_row *box)
{
	ami_put(a, "Event", STR("MWIGet"));
	ami_put(a, "Mailbox", box->name);
	ami_printf(a, "OldMessages", "%u", box->old_msgs);
	ami_printf(a, "NewMessages", "%u", box->new_msgs);
	if (a->id.n)
		ami_put(a, "ActionID", a->id);
	a->items++;
	ami_end(a);
}

static void mwi_get(struct ami_ctx *a)
{
	struct map_walk w = { 0 };
	struct mailbox_row box;
	struct pick p;

	if (!read_pick(a, &p))
		return;
	ami_list_start(a, "Mailboxes will follow");
	if (!p.re_on && mailbox_find(a->m->service, p.name, &box))
		put_mailbox(a, &box);
	while (p.re_on && mailbox_next(a->m->service, &w, &box)) {
		if (is_picked(&p, box.name))
			put_mailbox(a, &box);
		if (!ami_pause(a))
			break;
	}
	map_walk_end(&w);
	ami_list_complete(a, "MWIGetComplete");
	ami_end(a);
	if (p.re_on)
		regfree(&p.re);
}

static void mwi_delete(struct ami_ctx *a)
{
	struct map_walk w = { 0 };
	struct mailbox_row box;
	struct pick p;

	if (!read_pick(a, &p))
		return;
	if (!p.re_on)
		(void)mailbox_delete(a->m->service, p.name);
	while (p.re_on && mailbox_next(a->m->service, &w, &box)) {
		if (is_picked(&p, box.name))
			(void)mailbox_delete(a->m->service, box.name);
		if (!ami_line_end(a))
			break;
	}
	map_walk_end(&w);
	if (p.re_on)
		regfree(&p.re);
	ami_start(a);
	ami_end(a);
}

/* As Asterisk reads it: a sign may stand before it, anything behind it. */
static bool read_messages(struct str v, uint32_t *n)
{
	uint64_t sum = 0;
	bool minus;
	size_t i;

	if (!v.n)
		return true;
	minus = v.p[0] == '-';
	v = str_skip(v, minus || v.p[0] == '+');
	for (i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9' && sum <= UINT32_MAX; i++)
		sum = sum * 10 + (uint64_t)(v.p[i] - '0');
	*n = (uint32_t)(minus ? 0 - sum : sum);
	return i > 0;
}

static void mwi_update(struct ami_ctx *a)
{
	struct str name, o = ami_get(a, "OldMessages"), n = ami_get(a, "NewMessages");
	uint32_t old_msgs = 0, new_msgs = 0;

	if (!read_name(a, &name))
		return;
	if (!read_messages(o, &old_msgs)) {
		ami_error(a, "Invalid OldMessages: %.*s", STR_ARG(o));
	} else if (!read_messages(n, &new_msgs)) {
		ami_error(a, "Invalid NewMessages: %.*s", STR_ARG(n));
	} else if (mailbox_set(a->m->service, name, new_msgs, old_msgs)) {
		ami_error(a, "Update attempt failed");
	} else {
		ami_start(a);
		ami_end(a);
	}
}

/* Begins the answer with what both say. False: the error went out. */
static bool begin_mailbox(struct ami_ctx *a, const char *message, uint32_t *new_msgs, uint32_t *old_msgs)
{
	struct str name = ami_get(a, "Mailbox");

	if (!name.n) {
		ami_error(a, "Mailbox not specified");
		return false;
	}
	(void)mailbox_get(a->m->service, name, new_msgs, old_msgs);
	ami_start(a);
	ami_put(a, "Message", str_z(message));
	ami_put(a, "Mailbox", name);
	return true;
}

static void mailbox_status(struct ami_ctx *a)
{
	uint32_t n, o;

	if (!begin_mailbox(a, "Mailbox Status", &n, &o))
		return;
	ami_put(a, "Waiting", n ? STR("1") : STR("0"));
	ami_end(a);
}

static void mailbox_count(struct ami_ctx *a)
{
	uint32_t n, o;

	if (!begin_mailbox(a, "Mailbox Message Count", &n, &o))
		return;
	ami_put(a, "UrgMessages", STR("0"));
	ami_printf(a, "NewMessages", "%u", n);
	ami_printf(a, "OldMessages", "%u", o);
	ami_end(a);
}

static const struct ami_action rows[] = {
	{ "PJSIPShowSubscriptionsInbound", EV_SYSTEM, "List what phones subscribed to", show_inbound, false },
	{ "PJSIPShowSubscriptionsOutbound", EV_SYSTEM, "List subscriptions of ours", show_outbound, false },
	{ "MWIGet", EV_CALL | EV_REPORTING, "What is in mailboxes", mwi_get, false },
	{ "MWIDelete", EV_CALL, "Forget mailboxes", mwi_delete, false },
	{ "MWIUpdate", EV_CALL, "Say what is in a mailbox", mwi_update, false },
	{ "MailboxStatus", EV_CALL | EV_REPORTING, "Are messages waiting?", mailbox_status, false },
	{ "MailboxCount", EV_CALL | EV_REPORTING, "How many messages are waiting", mailbox_count, false },
};
const struct ami_table ami_subscription_actions = { rows, ARRAY_LEN(rows) };
