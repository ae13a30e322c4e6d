/* PJSIP...: what is done with SIP objects. */
#include "manage/manager_private.h"
#include "manage/pjsip_view.h"
#include "service/outbound/outbound.h"
#include <stdlib.h>

static void qualify(struct ami_ctx *a)
{
	struct str name = ami_get(a, "Endpoint");
	const struct endpoint *ep = name.n ? snapshot_endpoint(a->m->service->conf, name) : NULL;

	if (!name.n) {
		ami_error(a, "Endpoint parameter missing.");
		return;
	}
	if (!ep || !ep->aors.n) {
		ami_error(a, ep ? "No AoRs configured for endpoint" : "Unable to retrieve endpoint");
		return;
	}
	for (size_t i = 0; i < ep->aor_n; i++)
		view_qualify_aor(a->m->service, ep->aor_objs[i]->name);
	ami_ok(a, "Endpoint found, will qualify");
}

/* ---- registrations of ours -------------------------------------------- */

static void registration(struct ami_ctx *a, int (*fn)(struct service *, struct str), const char *all,
			 const char *one)
{
	struct str name = ami_get(a, "Registration");

	if (!name.n)
		ami_error(a, "Registration parameter missing.");
	else if (fn(a->m->service, name))
		ami_error(a, "Unable to retrieve registration entry");
	else
		ami_ok(a, "%s", str_eq(name, STR("*all")) ? all : one);
}

static void do_register(struct ami_ctx *a)
{
	registration(a, outbound_register, "Reregistrations queued.", "Reregistration sent");
}

static void do_unregister(struct ami_ctx *a)
{
	registration(a, outbound_unregister, "Unregistrations queued.", "Unregistration sent");
}

/* ---- maintenance ------------------------------------------------------ */

static void maintenance_all(struct ami_ctx *a, bool on)
{
	struct service *svc = a->m->service;
	size_t n = 0;

	snapshot_each(endpoint, OBJECT_ENDPOINT, ep, svc->conf)
		n += view_set_maintenance(svc, ep->name, on) > 0;
	if (n)
		view_tell_maintenance(svc, STR("all"), on);
	ami_ok(a, "Maintenance mode %s for all endpoints", on ? "enabled" : "disabled");
}

static void set_maintenance(struct ami_ctx *a)
{
	struct str name = ami_get(a, "Endpoint"), state = ami_get(a, "State");
	bool on = str_ieq(state, STR("on"));
	int changed;

	if (!name.n || !state.n) {
		ami_error(a, "%s parameter missing", name.n ? "State" : "Endpoint");
		return;
	}
	if (!on && !str_ieq(state, STR("off"))) {
		ami_error(a, "State must be 'on' or 'off'");
		return;
	}
	if (str_ieq(name, STR("all"))) {
		maintenance_all(a, on);
		return;
	}
	if (!snapshot_endpoint(a->m->service->conf, name)) {
		ami_error(a, "Endpoint '%.*s' not found", STR_ARG(name));
		return;
	}
	changed = view_set_maintenance(a->m->service, name, on);
	if (changed < 0) {
		ami_error(a, "Failed to %s maintenance mode for endpoint '%.*s'", on ? "enable" : "disable", STR_ARG(name));
		return;
	}
	if (changed)
		view_tell_maintenance(a->m->service, name, on);
	ami_ok(a, "Maintenance mode %s", on ? "enabled" : "disabled");
}

static bool maintenance_item(struct ami_ctx *a, struct str name, bool on)
{
	ami_event(a, "PJSIPMaintenanceStatus");
	ami_put(a, "Endpoint", name);
	ami_put(a, "Status", on ? STR("enabled") : STR("disabled"));
	return ami_item_end(a);
}

static void show_maintenance(struct ami_ctx *a)
{
	struct service *svc = a->m->service;
	struct str name = ami_get(a, "Endpoint");

	ami_list_start(a, "Maintenance status events follow");
	if (name.n) {
		maintenance_item(a, name, view_maintenance(svc, name));
	} else {
		struct map_walk w = { 0 };
		const char *z;

		while (svc->guard.maintenance && (z = map_walk_next(svc->guard.maintenance, &w)) && maintenance_item(a, str_z(z), true))
			;
		map_walk_end(&w);
	}
	ami_list_end(a, "PJSIPMaintenanceStatusComplete");
}

static const struct ami_action rows[] = {
	{ "PJSIPQualify", EV_SYSTEM | EV_REPORTING, "Ask an endpoint's contacts by OPTIONS now", qualify, false },
	{ "PJSIPRegister", EV_SYSTEM | EV_REPORTING, "Register with another server now", do_register, false },
	{ "PJSIPUnregister", EV_SYSTEM | EV_REPORTING, "End a registration with another server", do_unregister, false },
	{ "PJSIPSetMaintenance", EV_SYSTEM, "Refuse new calls of an endpoint, or take them again", set_maintenance, false },
	{ "PJSIPShowMaintenance", EV_SYSTEM | EV_REPORTING, "List endpoints whose calls are refused", show_maintenance, false },
};
const struct ami_table ami_pjsip_do_actions = { rows, ARRAY_LEN(rows) };
