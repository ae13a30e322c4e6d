/* PJSIPShow...: SIP objects as lists of events. Their fields are the rows of the
 * option tables under CamelCase names, so that none can be missing. */
#include "manage/manager_private.h"
#include "manage/pjsip_view.h"
#include <stdlib.h>

/* ---- pieces ----------------------------------------------------------- */

/* An AOR's contact= is called `contacts`. */
static void fields_of(struct ami_ctx *a, const struct object *o, const char *contacts)
{
	const struct option_set *set = object_options((enum object_type)o->type);

	ami_put(a, "ObjectType", object_type_name((enum object_type)o->type));
	ami_put(a, "ObjectName", o->name);
	option_each(row, set) {
		char mem[256];
		struct buf key = BUF_INIT, b;

		if (!view_shown(row, o))
			continue;
		buf_init(&b, mem, sizeof(mem), 0);
		option_camel(&key, row->name);
		view_option(a->m->service, row, o, a->s->write & EV_SYSTEM, &b);
		ami_put(a, o->type == OBJECT_AOR && str_eq(buf_view(&key), STR("Contact")) ? contacts : buf_z(&key),
			buf_view(&b));
		buf_free(&key);
		buf_free(&b);
	}
}

static void fields(struct ami_ctx *a, const struct object *o)
{
	fields_of(a, o, "Contacts");
}

static void put_auths(struct ami_ctx *a, const char *key, const struct str_list *l)
{
	struct buf b = BUF_INIT;

	for (size_t i = 0; i < l->n; i++)
		buf_puts(&b, i ? STR(",") : STR_NULL, l->v[i]);
	ami_put(a, key, buf_view(&b));
	buf_free(&b);
}

static void put_channels(struct ami_ctx *a, struct str endpoint)
{
	ami_put(a, "DeviceState", str_z(view_device_state(a->m->service, endpoint)));
	ami_printf(a, "ActiveChannels", "%u", view_channels(a->m->service, endpoint));
}

static void put_rtt(struct ami_ctx *a, const struct contact *c)
{
	if (c->status == CONTACT_REACHABLE)
		ami_printf(a, "RoundtripUsec", "%u", c->rtt_us);
	else
		ami_put(a, "RoundtripUsec", STR("N/A"));
}

static bool contact_status(struct ami_ctx *a, const struct contact *c, struct str endpoint)
{
	const struct aor *aor = contact_aor(a->m->service, c);

	ami_event(a, "ContactStatusDetail");
	ami_put(a, "AOR", c->loc ? text_view(&c->loc->aor) : STR_NULL);
	ami_put(a, "URI", c->uri);
	ami_put(a, "UserAgent", c->user_agent);
	ami_printf(a, "RegExpire", "%lld", (long long)contact_end_s(c));
	if (c->via_addr.n && c->via_port)
		ami_printf(a, "ViaAddress", "%s:%u", c->via_addr.p, c->via_port);
	else if (c->via_addr.n)
		ami_put(a, "ViaAddress", c->via_addr);
	if (c->call_id.n)
		ami_put(a, "CallID", c->call_id);
	ami_put(a, "Status", str_z(contact_status_name(c->status)));
	put_rtt(a, c);
	ami_put(a, "EndpointName", endpoint.n ? endpoint : c->endpoint);
	ami_put(a, "ID", c->id);
	ami_printf(a, "AuthenticateQualify", "%d", aor && aor->authenticate_qualify);
	ami_put(a, "OutboundProxy", aor ? aor->outbound_proxy : STR_NULL);
	ami_put(a, "Path", c->path);
	ami_printf(a, "QualifyFrequency", "%u", aor ? aor->qualify_frequency : 0);
	ami_printf(a, "QualifyTimeout", "%.3f", aor ? aor->qualify_timeout : 3.0);
	ami_printf(a, "Qualify2xxOnly", "%d", aor && aor->qualify_2xx_only);
	return ami_item_end(a);
}

/* ---- one endpoint ----------------------------------------------------- */

static void aor_detail(struct ami_ctx *a, const struct aor *aor, struct str endpoint)
{
	const struct location *l = location_get(a->m->service, aor->name, false);

	ami_event(a, "AorDetail");
	fields(a, (const struct object *)(const void *)aor);
	ami_printf(a, "TotalContacts", "%zu", l ? l->n : 0);
	ami_printf(a, "ContactsRegistered", "%zu", l ? l->n - l->n_static : 0);
	ami_put(a, "EndpointName", endpoint);
	ami_item_end(a);
}

static void detail(struct ami_ctx *a, const char *event, const void *o, struct str endpoint)
{
	ami_event(a, event);
	fields(a, o);
	if (endpoint.n)
		ami_put(a, "EndpointName", endpoint);
	ami_item_end(a);
}

static void endpoint_parts(struct ami_ctx *a, const struct snapshot *conf, const struct endpoint *ep)
{
	struct view_identifies *ids = view_identifies_new(a->m, conf);
	const struct identify_conf *id;

	for (size_t i = 0; i < ep->auth_n; i++)
		detail(a, "AuthDetail", ep->auth_objs[i], ep->name);
	for (size_t i = 0; i < ep->outbound_auths.n; i++)
		detail(a, "AuthDetail", ep->outbound_auths.v[i], ep->name);
	if (ep->transport_obj)
		detail(a, "TransportDetail", ep->transport_obj, ep->name);
	for (size_t i = 0; i < ep->aor_n; i++)
		aor_detail(a, ep->aor_objs[i], ep->name);
	for (size_t i = 0; i < ep->aor_n && !a->s->gone; i++) {
		size_t n;
		struct contact **v = view_aor_contacts_held(a->m->service, ep->aor_objs[i]->name, &n);

		for (size_t k = 0; k < n; k++)
			if (v[k]->loc && !contact_status(a, v[k], ep->name))
				break;
		view_contacts_free(v, n);
	}
	for (size_t i = 0; (id = view_identify(ids, ep->name, i)) && !a->s->gone; i++)
		detail(a, "IdentifyDetail", id, ep->name);
	view_identifies_free(ids);
}

static void show_endpoint(struct ami_ctx *a)
{
	struct str name = ami_get(a, "Endpoint");
	struct snapshot *conf = a->m->service->conf;
	const struct endpoint *ep;

	if (!name.n) {
		ami_error(a, "PJSIPShowEndpoint requires an endpoint name");
		return;
	}
	if (str_istarts(name, STR("pjsip/")))
		name = str_skip(name, 6);
	ep = snapshot_endpoint(conf, name);
	if (!ep) {
		ami_error(a, "Unable to retrieve endpoint %.*s", STR_ARG(name));
		return;
	}
	obj_hold(conf);
	ami_list_start(a, "Following are Events for each object associated with the Endpoint");
	ami_event(a, "EndpointDetail");
	fields(a, (const struct object *)(const void *)ep);
	put_channels(a, ep->name);
	ami_item_end(a);
	endpoint_parts(a, conf, ep);
	ami_list_end(a, "EndpointDetailComplete");
	obj_drop(conf);
}

/* ---- all of a type ---------------------------------------------------- */

static bool endpoint_row(struct ami_ctx *a, const void *o)
{
	const struct endpoint *ep = o;

	ami_event(a, "EndpointList");
	ami_put(a, "ObjectType", STR("endpoint"));
	ami_put(a, "ObjectName", ep->name);
	ami_put(a, "Transport", ep->transport);
	put_auths(a, "Aor", &ep->aors);
	put_auths(a, "Auths", &ep->auth);
	put_auths(a, "OutboundAuths", &ep->outbound_auth);
	for (size_t i = 0; i < ep->aor_n; i++) {
		struct buf b = BUF_INIT;

		view_aor_contacts(a->m->service, ep->aor_objs[i]->name, true, &b);
		ami_put(a, "Contacts", buf_view(&b));
		buf_free(&b);
	}
	put_channels(a, ep->name);
	return ami_item_end(a);
}

static bool aor_row(struct ami_ctx *a, const void *o)
{
	ami_event(a, "AorList");
	fields(a, o);
	return ami_item_end(a);
}

static bool auth_row(struct ami_ctx *a, const void *o)
{
	ami_event(a, "AuthList");
	fields(a, o);
	return ami_item_end(a);
}

static bool resource_row(struct ami_ctx *a, const void *o)
{
	ami_event(a, "ResourceListDetail");
	fields(a, o);
	return ami_item_end(a);
}

struct list_of {
	enum object_type type;
	bool (*row)(struct ami_ctx *a, const void *o);
	const char *none, *follows, *complete;
};

static void show_all(struct ami_ctx *a, const struct list_of *l)
{
	struct snapshot *conf = obj_hold(a->m->service->conf);
	size_t n;
	const struct object **v = view_sorted(a->m, conf, l->type, &n);

	if (!n && l->none) {
		ami_error(a, "%s", l->none);
	} else {
		ami_list_start(a, l->follows);
		for (size_t i = 0; i < n && l->row(a, v[i]); i++)
			;
		ami_list_end(a, l->complete);
	}
	free(v);
	obj_drop(conf);
}

static void show_endpoints(struct ami_ctx *a)
{
	show_all(a, &(const struct list_of){ OBJECT_ENDPOINT, endpoint_row, "No endpoints found",
		"A listing of Endpoints follows, presented as EndpointList events", "EndpointListComplete" });
}

static void show_aors(struct ami_ctx *a)
{
	show_all(a, &(const struct list_of){ OBJECT_AOR, aor_row, "No AORs found",
		"A listing of AORs follows, presented as AorList events", "AorListComplete" });
}

static void show_auths(struct ami_ctx *a)
{
	show_all(a, &(const struct list_of){ OBJECT_AUTH, auth_row, "No Auths found",
		"A listing of Auths follows, presented as AuthList events", "AuthListComplete" });
}

static void show_resource_lists(struct ami_ctx *a)
{
	show_all(a, &(const struct list_of){ OBJECT_RESOURCE_LIST, resource_row, NULL,
		"A listing of resource lists follows, presented as ResourceListDetail events",
		"ResourceListDetailComplete" });
}

/* ---- contacts --------------------------------------------------------- */

static bool contact_row(struct ami_ctx *a, const struct contact *c)
{
	const struct aor *aor = contact_aor(a->m->service, c);

	ami_event(a, "ContactList");
	ami_put(a, "ObjectType", STR("contact"));
	ami_put(a, "ObjectName", c->id);
	ami_put(a, "ViaAddr", c->via_addr);
	ami_printf(a, "QualifyTimeout", "%f", aor ? aor->qualify_timeout : 3.0);
	ami_put(a, "CallId", c->call_id);
	ami_put(a, "RegServer", c->reg_server);
	ami_put(a, "PruneOnBoot", c->prune_on_boot ? STR("yes") : STR("no"));
	ami_put(a, "Path", c->path);
	ami_put(a, "Endpoint", c->endpoint);
	ami_printf(a, "ViaPort", "%u", c->via_port);
	ami_put(a, "AuthenticateQualify", aor && aor->authenticate_qualify ? STR("yes") : STR("no"));
	ami_put(a, "Uri", c->uri);
	ami_printf(a, "QualifyFrequency", "%u", aor ? aor->qualify_frequency : 0);
	ami_put(a, "UserAgent", c->user_agent);
	ami_printf(a, "ExpirationTime", "%lld", (long long)contact_end_s(c));
	ami_put(a, "OutboundProxy", aor ? aor->outbound_proxy : STR_NULL);
	ami_put(a, "Qualify2xxOnly", aor && aor->qualify_2xx_only ? STR("yes") : STR("no"));
	ami_put(a, "Status", str_z(contact_status_name(c->status)));
	put_rtt(a, c);
	return ami_item_end(a);
}

static void show_contacts(struct ami_ctx *a)
{
	size_t n, registered = 0;
	struct contact **v = view_contacts(a->m, &n);

	for (size_t i = 0; i < n; i++)
		registered += !v[i]->is_static;
	if (!registered) {
		ami_error(a, "No Contacts found");
	} else {
		ami_list_start(a, "A listing of Contacts follows, presented as ContactList events");
		for (size_t i = 0; i < n; i++)
			if (v[i]->loc && !v[i]->is_static && !contact_row(a, v[i]))
				break;
		ami_list_end(a, "ContactListComplete");
	}
	view_contacts_free(v, n);
}

static void show_contact_statuses(struct ami_ctx *a)
{
	size_t n;
	struct contact **v = view_contacts(a->m, &n);

	ami_list_start(a, "Following are ContactStatusEvents for each Inbound registration");
	for (size_t i = 0; i < n; i++)
		if (v[i]->loc && !v[i]->is_static && !contact_status(a, v[i], STR_NULL))
			break;
	ami_list_end(a, "ContactStatusDetailComplete");
	view_contacts_free(v, n);
}

static bool inbound_row(struct ami_ctx *a, const void *o)
{
	const struct endpoint *ep = o;

	for (size_t i = 0; i < ep->aor_n; i++) {
		struct buf b = BUF_INIT;

		ami_event(a, "InboundRegistrationDetail");
		fields_of(a, (const struct object *)(const void *)ep->aor_objs[i], "Contact");
		view_aor_contacts(a->m->service, ep->aor_objs[i]->name, true, &b);
		ami_put(a, "Contacts", buf_view(&b));
		buf_free(&b);
		if (!ami_item_end(a))
			return false;
	}
	return true;
}

static void show_inbound(struct ami_ctx *a)
{
	show_all(a, &(const struct list_of){ OBJECT_ENDPOINT, inbound_row, NULL,
		"Following are Events for each Inbound registration", "InboundRegistrationDetailComplete" });
}

/* ---- outbound registrations ------------------------------------------- */

static void show_outbound(struct ami_ctx *a)
{
	struct snapshot *conf = obj_hold(a->m->service->conf);
	size_t n, registered = 0, others = 0;
	const struct object **v = view_sorted(a->m, conf, OBJECT_REGISTRATION, &n);

	ami_list_start(a, "Following are Events for each Outbound registration");
	for (size_t i = 0; i < n && !a->s->gone; i++) {
		const struct registration_conf *r = (const struct registration_conf *)(const void *)v[i];
		int64_t left;
		const char *status = view_registration(a->m->service, r->name, &left);

		ami_event(a, "OutboundRegistrationDetail");
		fields(a, v[i]);
		ami_put(a, "Status", str_z(status));
		ami_printf(a, "NextReg", "%lld", str_eq(str_z(status), STR("Registered")) ? (long long)left : 0LL);
		ami_item_end(a);
		for (size_t k = 0; k < r->outbound_auths.n; k++)
			detail(a, "AuthDetail", r->outbound_auths.v[k], STR_NULL);
		if (str_eq(str_z(status), STR("Registered")))
			registered++;
		else
			others++;
	}
	a->items = registered + others;
	ami_list_complete(a, "OutboundRegistrationDetailComplete");
	ami_printf(a, "Registered", "%zu", registered);
	ami_printf(a, "NotRegistered", "%zu", others);
	ami_end(a);
	free(v);
	obj_drop(conf);
}

#define SHOW (EV_SYSTEM | EV_REPORTING)
static const struct ami_action rows[] = {
	{ "PJSIPShowEndpoint", EV_SYSTEM, "All about an endpoint and what belongs to it", show_endpoint, false },
	{ "PJSIPShowEndpoints", EV_SYSTEM, "List endpoints", show_endpoints, false },
	{ "PJSIPShowAors", EV_SYSTEM, "List AORs", show_aors, false },
	{ "PJSIPShowAuths", EV_SYSTEM, "List auths", show_auths, false },
	{ "PJSIPShowContacts", EV_SYSTEM, "List contacts", show_contacts, false },
	{ "PJSIPShowResourceLists", EV_SYSTEM, "List resource lists", show_resource_lists, false },
	{ "PJSIPShowRegistrationsInbound", SHOW, "List AORs that phones register to", show_inbound, false },
	{ "PJSIPShowRegistrationInboundContactStatuses", SHOW, "List registered contacts", show_contact_statuses, false },
	{ "PJSIPShowRegistrationsOutbound", SHOW, "List registrations of ours", show_outbound, false },
};
const struct ami_table ami_pjsip_actions = { rows, ARRAY_LEN(rows) };
