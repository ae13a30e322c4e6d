/* What there is to show of a subscription, of whichever side. */
#include "manage/subscription_rows.h"
#include "pbx/devstate.h"

static void of_phone(const struct subscription_row *r, struct subscription_show *row)
{
	*row = (struct subscription_show){ .inbound = true, .endpoint = r->ep->name, .name = r->ep->callerid_name,
		.number = r->ep->callerid_num, .resource = r->resource, .event = r->event, .call_id = r->call_id,
		.state = r->state, .mailboxes = r->resource, .left_s = r->left_s,
		.context = r->ep->subscribe_context.n ? r->ep->subscribe_context : r->ep->context };
}

static void of_ours(const struct upstream_row *r, struct subscription_show *row)
{
	*row = (struct subscription_show){ .endpoint = r->name, .resource = r->server, .event = r->event,
		.call_id = r->call_id.n ? r->call_id : STR("<unknown>"), .state = str_z(r->state), .mailboxes = r->mailbox,
		.left_s = r->left_s };
}

bool subscription_show_next(struct manage *m, struct subscription_show_walk *w, struct subscription_show *row)
{
	struct subscription_row in;
	struct upstream_row out;

	if (w->inbound) {
		if (!subscription_next(m->service, &w->in, &in))
			return false;
		of_phone(&in, row);
		return true;
	}
	if (!upstream_next(m->service, &w->out, &out))
		return false;
	of_ours(&out, row);
	return true;
}

void subscription_show_end(struct subscription_show_walk *w)
{
	subscription_walk_end(&w->in);
	map_walk_end(&w->out);
}

void subscription_callerid(const struct subscription_show *row, const char *none, struct buf *out)
{
	if (row->name.n && row->number.n)
		buf_puts(out, STR("\""), row->name, STR("\" <"), row->number, STR(">"));
	else
		buf_put(out, row->name.n ? row->name : row->number.n ? row->number : str_z(none));
}

void subscription_fields(struct manage *m, const struct subscription_show *row, subscription_put_fn *put, void *arg)
{
	char room[300];
	struct buf callerid;

	buf_init(&callerid, room, sizeof(room), sizeof(room));
	subscription_callerid(row, "Unknown", &callerid);
	put(arg, "Role", row->inbound ? STR("Notifier") : STR("Subscriber"));
	put(arg, "Endpoint", row->endpoint);
	put(arg, "Callid", row->call_id);
	put(arg, "State", row->state);
	put(arg, "Callerid", buf_view(&callerid));
	if (str_eq(row->event, STR("message-summary"))) {
		put(arg, "SubscriptionType", STR("mwi"));
		put(arg, "Mailboxes", row->mailboxes);
	} else {
		put(arg, "SubscriptionType", STR("extension_state"));
		put(arg, "Extension", row->resource);
		put(arg, "ExtensionStates", str_z(exten_state_name(hint_state(m->pbx, row->context, row->resource, NULL))));
	}
}
