/* Actions that tell states: of extensions, devices and presence. */
#include "manage/manager_private.h"
#include "pbx/devstate.h"

static void extension_state(struct ami_ctx *a)
{
	struct str exten = ami_get(a, "Exten"), context = ami_get(a, "Context"), hint = STR_NULL;
	int s;

	if (!exten.n) {
		ami_error(a, "Extension not specified");
		return;
	}
	if (!context.n)
		context = STR("default");
	s = hint_state(a->m->pbx, context, exten, &hint);
	ami_start(a);
	ami_put(a, "Message", STR("Extension Status"));
	ami_put(a, "Exten", exten);
	ami_put(a, "Context", context);
	ami_put(a, "Hint", hint);
	ami_printf(a, "Status", "%d", s);
	ami_put(a, "StatusText", s == EXTEN_DEACTIVATED ? STR("Unknown") : str_z(exten_state_name(s)));
	ami_end(a);
}

static bool put_hint(struct ami_ctx *a, const struct hint_row *h)
{
	ami_event(a, "ExtensionStatus");
	ami_put(a, "Exten", h->exten);
	ami_put(a, "Context", h->context);
	ami_put(a, "Hint", h->hint);
	ami_printf(a, "Status", "%d", h->state);
	ami_put(a, "StatusText", str_z(exten_state_name(h->state)));
	return ami_item_end(a);
}

static void extension_state_list(struct ami_ctx *a)
{
	struct hint_walk w = { 0 };
	struct hint_row row;

	ami_list_start(a, "Extension Statuses will follow");
	while (hint_next(a->m->pbx, &w, &row) && put_hint(a, &row))
		;
	hint_walk_end(&w);
	if (!a->items) {
		buf_reset(&a->out);
		ami_error(a, "No dialplan hints are available");
		return;
	}
	ami_list_end(a, "ExtensionStateListComplete");
}

static bool put_device(struct ami_ctx *a, const struct device_row *d)
{
	if (d->again)
		return ami_pause(a);
	ami_event(a, "DeviceStateChange");
	ami_put(a, "Device", d->name);
	ami_put(a, "State", str_z(device_state_name(d->state)));
	return ami_item_end(a);
}

static void device_state_list(struct ami_ctx *a)
{
	struct device_walk w = { 0 };
	struct device_row row;

	ami_list_start(a, "Device State Changes will follow");
	while (device_next(a->m->pbx, &w, &row) && put_device(a, &row))
		;
	device_walk_end(&w);
	ami_list_end(a, "DeviceStateListComplete");
}

static void presence_state(struct ami_ctx *a)
{
	struct str provider = ami_get(a, "Provider");
	struct presence v;

	if (!provider.n) {
		ami_error(a, "No provider specified");
		return;
	}
	if (!presence_get(a->m->pbx, provider, &v)) {
		ami_error(a, "Invalid provider %.*s or provider in invalid state", STR_ARG(provider));
		return;
	}
	ami_start(a);
	ami_put(a, "Message", STR("Presence State"));
	ami_put(a, "State", v.state);
	if (v.subtype.n)
		ami_put(a, "Subtype", v.subtype);
	if (v.message.n) {
		ami_put(a, "Message", v.message);
		ami_put(a, "PresenceMessage", v.message);
	}
	ami_end(a);
}

static bool put_presence(struct ami_ctx *a, const struct presence_row *p)
{
	if (p->again)
		return ami_pause(a);
	ami_event(a, "PresenceStateChange");
	ami_put(a, "Presentity", p->name);
	ami_put(a, "Status", p->v.state);
	if (p->v.subtype.n)
		ami_put(a, "Subtype", p->v.subtype);
	if (p->v.message.n)
		ami_put(a, "Message", p->v.message);
	return ami_item_end(a);
}

static void presence_state_list(struct ami_ctx *a)
{
	struct presence_walk w = { 0 };
	struct presence_row row;

	ami_list_start(a, "Presence State Changes will follow");
	while (presence_next(a->m->pbx, &w, &row) && put_presence(a, &row))
		;
	presence_walk_end(&w);
	ami_list_end(a, "PresenceStateListComplete");
}

static const struct ami_action rows[] = {
	{ "ExtensionState", EV_CALL | EV_REPORTING, "The state of a hint", extension_state, false },
	{ "ExtensionStateList", EV_CALL | EV_REPORTING, "The states of all hints", extension_state_list, false },
	{ "DeviceStateList", EV_CALL | EV_REPORTING, "The states of all devices", device_state_list, false },
	{ "PresenceState", EV_CALL | EV_REPORTING, "The state of a presence provider", presence_state, false },
	{ "PresenceStateList", EV_CALL | EV_REPORTING, "The states of all presence providers", presence_state_list, false },
};
const struct ami_table ami_state_actions = { rows, ARRAY_LEN(rows) };
