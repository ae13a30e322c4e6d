/* The same as objects_endpoint.c for registrations, publications, identify, acl and lists. */
#include "service/object/objects.h"
#include "base/list.h"
#include <errno.h>
#include <regex.h>

#define MAX32 4294967295.0
#define L OPT_LATER

static const struct option_choice securities[] = {
	{ "no", SECURITY_NO }, { "mediasec", SECURITY_MEDIASEC }, { NULL, 0 } };

static int report_fault(struct object_build *b, const char *what)
{
	return build_fault(b, REPORT_ERROR, "%s '%.*s': %s", b->type, STR_ARG(b->s->name), what);
}

#define R struct registration_conf
static const struct option registration_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be registration."),
	OPT_STR(R, server_uri, NULL, 0, "The registrar's URI."),
	OPT_STR(R, client_uri, NULL, 0, "Our address of record there."),
	OPT_STR(R, contact_user, NULL, 0, "User part of Contact; empty: s."),
	OPT_STR(R, contact_header_params, NULL, 0, "Parameters added to Contact."),
	OPT_STR(R, transport, NULL, 0, "Transport to use; empty: by the URI."),
	OPT_STR(R, outbound_proxy, NULL, 0, "Full URI of the proxy in between."),
	OPT_UINT(R, expiration, "3600", 0, MAX32, "s", 0, "Lifetime asked for."),
	OPT_UINT(R, max_random_initial_delay, "10", 0, MAX32, "s", 0, "Spread of the first REGISTER after the start."),
	OPT_UINT(R, retry_interval, "60", 0, MAX32, "s", 0, "Time until the next try after no or a temporary answer."),
	OPT_UINT(R, forbidden_retry_interval, "0", 0, MAX32, "s", 0, "Time until the next try after 403; 0: none."),
	OPT_UINT(R, fatal_retry_interval, "0", 0, MAX32, "s", 0, "Time until the next try after other refusals; 0: none."),
	OPT_UINT(R, max_retries, "10", 0, MAX32, NULL, 0, "How many tries in a row."),
	OPT_BOOL(R, auth_rejection_permanent, "yes", 0, "Give up when our credentials are refused."),
	OPT_LIST(R, outbound_auth, NULL, 0, "Auth objects to answer challenges with."),
	OPT_BOOL(R, support_path, "no", 0, "Say Supported: path (RFC 3327)."),
	OPT_BOOL(R, support_outbound, "no", OPT_YESNO, "Say Supported: outbound (RFC 5626)."),
	OPT_ENUM(R, security_negotiation, securities, "no", 0, "Agree on the protection of media (RFC 3329, mediasec)."),
	OPT_CUSTOM(R, security_mechanisms, struct str, parse_mechanisms, write_str, MECHANISM_VALUES, NULL, OPT_IF_SET, "Mechanisms to say in it."),
	OPT_BOOL(R, line, "no", 0, "Mark Contact with a random line, to know calls that come by this registration."),
	OPT_STR(R, endpoint, NULL, 0, "Endpoint of those calls."),
	OPT_STR(R, user_agent, NULL, 0, "User-Agent of the REGISTER; empty: the global one."),
};
#undef R

const struct option_set registration_options = {
	.type = "registration", .file = "pjsip.conf", .rows = registration_rows, .n = ARRAY_LEN(registration_rows),
	.size = sizeof(struct registration_conf), .help = "A registration of this server with another one.",
};

int finish_registration(struct object_build *b, struct registration_conf *r)
{
	int err;

	if (!r->server_uri.n)
		return report_fault(b, "needs server_uri=");
	if (!r->client_uri.n)
		return report_fault(b, "needs client_uri=");
	err = build_uri(b, "server_uri", r->server_uri);
	if (!err)
		err = build_uri(b, "client_uri", r->client_uri);
	if (err)
		return err;
	if (r->line && !r->endpoint.n)
		return report_fault(b, "line=yes needs endpoint=");
	if (!r->line && r->endpoint.n)
		return report_fault(b, "endpoint= needs line=yes");
	return 0;
}

/* Kept as text: who filters compiles it. */
static int parse_filter(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	regex_t re;
	int err = 0;

	(void)o;
	value = intern_str(ctx->intern, value, &err);
	if (err)
		return err;
	if (value.n) {
		if (regcomp(&re, value.p, REG_EXTENDED | REG_NOSUB))
			return option_why(ctx, "'%.*s' is no regular expression", STR_ARG(value));
		regfree(&re);
	}
	*(struct str *)field = value;
	return 0;
}

static int parse_body(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	static const struct str types[] = { STR_INIT("application/pidf+xml"), STR_INIT("application/xpidf+xml"),
		STR_INIT("application/cpim-pidf+xml"), STR_INIT("application/dialog-info+xml") };

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (str_ieq(value, types[i])) {
			*(struct str *)field = types[i];
			return 0;
		}
	return option_why(ctx, "'%.*s' is not %s", STR_ARG(value), o->values);
}

#define P struct outbound_publish
static const struct option publish_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be outbound-publish."),
	OPT_UINT(P, expiration, "3600", 0, MAX32, "s", 0, "Lifetime asked for (RFC 3903)."),
	OPT_LIST(P, outbound_auth, NULL, 0, "Auth objects to answer challenges with."),
	OPT_STR(P, outbound_proxy, NULL, 0, "Full URI of the proxy in between."),
	OPT_STR(P, server_uri, NULL, 0, "Request-URI of the PUBLISH."),
	OPT_STR(P, from_uri, NULL, 0, "From; empty: server_uri."),
	OPT_STR(P, to_uri, NULL, 0, "To; empty: server_uri."),
	OPT_STR(P, event, NULL, 0, "Event package."),
	OPT_UINT(P, max_auth_attempts, "5", 0, MAX32, NULL, 0, "How often to answer challenges."),
	OPT_STR(P, transport, NULL, 0, "Transport to use; empty: by the URI."),
	OPT_BOOL(P, multi_user, "no", 0, "Publish for each user separately: states of extensions always are, those of devices and mailboxes are not "
		 "published then."),
	OPT_CUSTOM_AS("@body", P, body, struct str, parse_body, write_str, "application/pidf+xml, application/xpidf+xml, "
		"application/cpim-pidf+xml or application/dialog-info+xml", NULL, 0, "How states of extensions are written."),
	OPT_CUSTOM_AS("@context", P, context, struct str, parse_filter, write_str, "regular expression", NULL, 0,
		      "Contexts whose extensions are published; empty: all."),
	OPT_CUSTOM_AS("@exten", P, exten, struct str, parse_filter, write_str, "regular expression", NULL, 0,
		      "Extensions that are published; empty: all that have a hint."),
	OPT_CUSTOM_AS("@device_state_filter", P, device_state_filter, struct str, parse_filter, write_str, "regular expression",
		      NULL, 0, "Devices that are published by event=asterisk-devicestate; empty: all."),
	OPT_CUSTOM_AS("@mailbox_state_filter", P, mailbox_state_filter, struct str, parse_filter, write_str,
		      "regular expression", NULL, 0, "Mailboxes that are published by event=asterisk-mwi; empty: all."),
};
#undef P

const struct option_set outbound_publish_options = {
	.type = "outbound-publish", .file = "pjsip.conf", .rows = publish_rows, .n = ARRAY_LEN(publish_rows),
	.size = sizeof(struct outbound_publish), .help = "State published to another server.",
};

int finish_outbound_publish(struct object_build *b, struct outbound_publish *p)
{
	int err;

	if (!p->server_uri.n)
		return report_fault(b, "needs server_uri=");
	if (!p->event.n)
		return report_fault(b, "needs event=");
	if ((str_ieq(p->event, STR("presence")) || str_ieq(p->event, STR("dialog"))) && !p->body.n)
		(void)build_fault(b, REPORT_WARNING, "%s '%.*s': publishes nothing: it needs @body=, the content type", b->type,
				  STR_ARG(b->s->name));
	if (p->multi_user && (str_ieq(p->event, STR("asterisk-devicestate")) || str_ieq(p->event, STR("asterisk-mwi"))))
		(void)build_fault(b, REPORT_WARNING, "%s '%.*s': publishes nothing: its states have no user, and multi_user=yes has no "
				  "others", b->type, STR_ARG(b->s->name));
	err = build_uri(b, "server_uri", p->server_uri);
	if (!err && p->from_uri.n)
		err = build_uri(b, "from_uri", p->from_uri);
	if (!err && p->to_uri.n)
		err = build_uri(b, "to_uri", p->to_uri);
	return err;
}

#define S struct outbound_subscription
static const struct option subscription_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be outbound-subscription."),
	OPT_STR(S, server_uri, NULL, 0, "Request-URI of the SUBSCRIBE: the mailbox as the other server calls it."),
	OPT_STR(S, from_uri, NULL, 0, "From; empty: server_uri."),
	OPT_STR(S, event, "message-summary", 0, "Event package: message-summary (RFC 3842)."),
	OPT_STR(S, mailbox, NULL, 0, "Mailbox here that gets what the other server says is waiting."),
	OPT_UINT(S, expiration, "3600", 1, MAX32, "s", 0, "Lifetime asked for."),
	OPT_LIST(S, outbound_auth, NULL, 0, "Auth objects to answer challenges with."),
	OPT_STR(S, outbound_proxy, NULL, 0, "Full URI of the proxy in between."),
	OPT_STR(S, transport, NULL, 0, "Transport to use; empty: by the URI."),
	OPT_UINT(S, retry_interval, "60", 1, MAX32, "s", 0, "Time until the next try after no or a temporary answer; doubles with each."),
	OPT_UINT(S, max_retry_interval, "1800", 1, MAX32, "s", 0, "The longest of these times."),
	OPT_UINT(S, fatal_retry_interval, "0", 0, MAX32, "s", 0, "Time until the next try after other refusals; 0: none."),
};
#undef S

const struct option_set outbound_subscription_options = {
	.type = "outbound-subscription", .file = "pjsip.conf", .rows = subscription_rows, .n = ARRAY_LEN(subscription_rows),
	.size = sizeof(struct outbound_subscription), .help = "A mailbox on another server that is subscribed to; not in Asterisk.",
};

int finish_outbound_subscription(struct object_build *b, struct outbound_subscription *s)
{
	int err;

	if (!s->server_uri.n)
		return report_fault(b, "needs server_uri=");
	if (!s->mailbox.n)
		return report_fault(b, "needs mailbox=");
	if (!str_ieq(s->event, STR("message-summary")))
		return report_fault(b, "event= can be message-summary only");
	err = build_uri(b, "server_uri", s->server_uri);
	return !err && s->from_uri.n ? build_uri(b, "from_uri", s->from_uri) : err;
}

static const struct option inbound_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be inbound-publication."),
	OPT_STR(struct inbound_publication, endpoint, NULL, 0, "Endpoint that may publish; empty: any."),
	{ .name = "event_*", .kind = OPTION_CUSTOM, .parse = parse_event_var, .write = write_vars,
	  .offset = OPT_AT(struct inbound_publication, events, const struct conf_var_list *),
	  .values = "section or device", .flags = OPT_PREFIX | OPT_HIDDEN,
	  .help = "event_PACKAGE: that event may be published. asterisk-devicestate, asterisk-mwi: the asterisk-publication "
		  "that takes it. presence, dialog: the device whose state it is (with a / or a :), else that of the endpoint." },
};

const struct option_set inbound_publication_options = {
	.type = "inbound-publication", .file = "pjsip.conf", .rows = inbound_rows, .n = ARRAY_LEN(inbound_rows),
	.size = sizeof(struct inbound_publication), .help = "State that others may publish here.",
};

/* "yes", or a device. */
static bool is_device_or_own(struct str v)
{
	return str_ieq(v, STR("yes")) || str_chr(v, '/') < v.n || str_chr(v, ':') < v.n;
}

int finish_inbound_publication(struct object_build *b, struct inbound_publication *p)
{
	int err = build_vars(b, &p->events);

	for (size_t i = 0; !err && p->events && i < p->events->n; i++) {
		const struct conf_var *v = &p->events->v[i];

		if ((str_eq(v->name, STR("presence")) || str_eq(v->name, STR("dialog"))) && !is_device_or_own(v->value))
			(void)build_fault(b, REPORT_WARNING, "%s '%.*s': event_%.*s=%.*s is no device, so the state is that of the endpoint's",
					  b->type, STR_ARG(b->s->name), STR_ARG(v->name), STR_ARG(v->value));
	}
	return err;
}

#define P struct asterisk_publication
static const struct option asterisk_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be asterisk-publication."),
	OPT_STR(P, devicestate_publish, NULL, 0, "The outbound-publish for device states."),
	OPT_STR(P, mailboxstate_publish, NULL, 0, "The outbound-publish for mailbox states."),
	OPT_BOOL(P, device_state, "no", 0, "Take device states from others."),
	OPT_CUSTOM(P, device_state_filter, struct str, parse_filter, write_str, "regular expression", NULL, 0, "Devices to take."),
	OPT_BOOL(P, mailbox_state, "no", 0, "Take mailbox states from others."),
	OPT_CUSTOM(P, mailbox_state_filter, struct str, parse_filter, write_str, "regular expression", NULL, 0, "Mailboxes to take."),
};
#undef P

const struct option_set asterisk_publication_options = {
	.type = "asterisk-publication", .file = "pjsip.conf", .rows = asterisk_rows, .n = ARRAY_LEN(asterisk_rows),
	.size = sizeof(struct asterisk_publication), .help = "Device and mailbox states shared between servers.",
};

/* Addresses are shown with their mask, as the manager's Match field has them. */
static void write_match(struct buf *b, const struct option *o, const void *field)
{
	const struct identify_conf *i = container_of((const struct str_list *)field, const struct identify_conf, match);

	(void)o;
	for (size_t k = 0; k < i->net_n; k++) {
		const struct netmask *m = &i->nets[k];
		struct sa mask = netmask_mask(m), base = m->base;

		buf_put(b, k ? STR(",") : STR(""));
		buf_put(b, m->invert ? STR("!") : STR(""));
		sa_set_port(&base, m->port);
		if (m->port)
			sa_write(b, &base);
		else
			sa_write_bare(b, &base);
		buf_char(b, '/');
		sa_write_bare(b, &mask);
	}
}

/* What has a / or is a literal is a network; the rest are names. */
static int parse_match(struct option_ctx *ctx, const struct option *o, void *field, struct str value)
{
	struct identify_conf *i = container_of((struct str_list *)field, struct identify_conf, match);
	int err = 0;

	(void)o;
	while (!err && value.n) {
		struct str word = str_trim(str_cut_raw(&value, ','));
		struct netmask m;

		if (!word.n)
			continue;
		err = option_list_add(ctx, &i->match, word);
		if (err || !netmask_parse(&m, word))
			continue;
		if (str_chr(word, '/') < word.n)
			return option_why(ctx, "'%.*s' is not a network (10.0.0.0/8, fd00::/8)", STR_ARG(word));
		err = option_list_add(ctx, &i->hosts, word);
	}
	return err;
}

#define I struct identify_conf
static const struct option identify_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be identify."),
	OPT_STR(I, endpoint, NULL, OPT_REQUIRED, "The endpoint that requests which fit belong to."),
	OPT_CUSTOM(I, match, struct str_list, parse_match, write_match,
		"addresses, networks and host names between commas; may be repeated", NULL, 0,
		"Where such requests come from."),
	OPT_BOOL(I, srv_lookups, "yes", 0, "Look up SRV records of the host names, too."),
	OPT_STR(I, match_header, NULL, 0, "\"Name: value\" or \"Name: /expression/\": a header such requests have."),
	OPT_STR(I, match_request_uri, NULL, 0, "Request-URI of such requests, or /expression/."),
};
#undef I

const struct option_set identify_options = {
	.type = "identify", .file = "pjsip.conf", .rows = identify_rows, .n = ARRAY_LEN(identify_rows),
	.size = sizeof(struct identify_conf),
	.help = "Says which endpoint a request is from, by address, header or Request-URI; one that fits is enough.",
};

static int cut_header(struct object_build *b, struct identify_conf *i)
{
	struct str value = i->match_header;

	if (!value.n)
		return 0;
	if (str_chr(value, ':') == value.n)
		return report_fault(b, "match_header is not \"Name: value\"");
	i->header_name = str_trim(str_cut_raw(&value, ':'));
	i->header_value = str_trim(value);
	if (!i->header_name.n)
		return report_fault(b, "match_header names no header");
	if (str_eq(i->header_value, STR("//")))
		i->header_value = STR("");
	return build_regex(b, "match_header", i->header_value, &i->header_re);
}

int finish_identify(struct object_build *b, struct identify_conf *i)
{
	size_t nets = i->match.n - i->hosts.n;
	int err;

	if (!i->endpoint.n)
		return report_fault(b, "needs endpoint=");
	if (!i->match.n && !i->match_header.n && !i->match_request_uri.n)
		return report_fault(b, "needs match=, match_header= or match_request_uri=");
	err = cut_header(b, i);
	if (!err)
		err = build_regex(b, "match_request_uri", i->match_request_uri, &i->request_uri_re);
	if (!err && nets) {
		struct netmask *m = arena_alloc(b->ctx.arena, nets * sizeof(*m));

		if (!m)
			return ENOMEM;
		i->nets = m;
		for (size_t k = 0; k < i->match.n && i->net_n < nets; k++)
			if (!netmask_parse(&m[i->net_n], i->match.v[k]))
				i->net_n++;
	}
	return err;
}

#define ACLS(n, f, pf, wf, v, fl, h) \
	OPT_CUSTOM_AS(n, struct acl_conf, f, const struct acl_set *, pf, wf, v, NULL, fl, h)
static const struct option acl_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be acl."),
	ACLS("acl", acl, parse_acl, write_acl, "names from acl.conf between commas", 0, "Named lists that every request's address must pass."),
	ACLS("contact_acl", contact_acl, parse_contact_acl, write_acl, "names from acl.conf between commas", 0,
		"Named lists that every Contact's address must pass; names do not, but for .invalid."),
	ACLS("contact_deny", contact_acl, parse_contact_deny, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses that no Contact may have."),
	ACLS("contact_permit", contact_acl, parse_contact_permit, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses that it may have, although a contact_deny above fits."),
	ACLS("deny", acl, parse_deny, NULL, "address or network; may be repeated", OPT_HIDDEN, "Addresses whose requests are answered 403."),
	ACLS("permit", acl, parse_permit, NULL, "address or network; may be repeated", OPT_HIDDEN,
		"Addresses let in, although a deny above fits."),
};

const struct option_set acl_options = {
	.type = "acl", .file = "pjsip.conf", .rows = acl_rows, .n = ARRAY_LEN(acl_rows), .size = sizeof(struct acl_conf),
	.help = "Addresses that may speak to this server at all.",
};

int finish_acl(struct object_build *b, struct acl_conf *a)
{
	int err = build_acl(b, &b->acl, &a->acl);

	return err ? err : build_acl(b, &b->contact_acl, &a->contact_acl);
}

#define Q struct resource_list
static const struct option list_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be resource_list."),
	OPT_STR(Q, event, NULL, 0, "Event package: presence, dialog or message-summary."),
	OPT_LIST(Q, list_item, NULL, OPT_ADD, "Resources and other lists in it."),
	OPT_BOOL(Q, full_state, "no", 0, "Send the state of all resources each time."),
	OPT_UINT(Q, notification_batch_interval, "0", 0, MAX32, "ms", 0, "Gather changes for so long; 0: send at once."),
	OPT_BOOL(Q, resource_display_name, "no", 0, "Send the hint's name as display name."),
};
#undef Q

const struct option_set resource_list_options = {
	.type = "resource_list", .file = "pjsip.conf", .rows = list_rows, .n = ARRAY_LEN(list_rows),
	.size = sizeof(struct resource_list), .help = "A list that one subscription watches (RFC 4662).",
};

int finish_resource_list(struct object_build *b, struct resource_list *l)
{
	if (!l->event.n)
		return report_fault(b, "needs event=");
	return l->list_item.n ? 0 : report_fault(b, "needs list_item=");
}

#define V struct subscription_persistence
static const struct option persistence_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be subscription_persistence."),
	OPT_STR(V, packet, NULL, OPT_VOID, "The SUBSCRIBE that began it; kept by the server itself."),
	OPT_STR(V, src_name, NULL, OPT_VOID, "Address it came from; kept by the server itself."),
	OPT_UINT(V, src_port, "0", 0, 65535, NULL, OPT_VOID, "Port it came from; kept by the server itself."),
	OPT_STR(V, transport_key, "0", OPT_VOID, "Transport it came over; kept by the server itself."),
	OPT_STR(V, local_name, NULL, OPT_VOID, "Address it came to; kept by the server itself."),
	OPT_UINT(V, local_port, "0", 0, 65535, NULL, OPT_VOID, "Port it came to; kept by the server itself."),
	OPT_UINT(V, cseq, "0", 0, MAX32, NULL, OPT_VOID, "Last CSeq of our NOTIFYs; kept by the server itself."),
	OPT_STR(V, tag, NULL, OPT_VOID, "Our tag; kept by the server itself."),
	OPT_STR(V, endpoint, NULL, OPT_VOID, "Endpoint that subscribed; kept by the server itself."),
	OPT_CUSTOM(V, expires, int64_t, parse_time, write_time, "seconds since 1970", NULL, OPT_VOID, "When it ends; kept by the server itself."),
	OPT_STR(V, contact_uri, NULL, OPT_VOID, "Contact of the subscriber; kept by the server itself."),
	OPT_BOOL(V, prune_on_boot, "no", OPT_VOID | OPT_YESNO, "Cannot survive a restart; kept by the server itself."),
	OPT_STR(V, generator_data, NULL, OPT_VOID, "State of the body writer, as JSON; kept by the server itself."),
};
#undef V

const struct option_set subscription_persistence_options = {
	.type = "subscription_persistence", .file = "pjsip.conf", .rows = persistence_rows,
	.n = ARRAY_LEN(persistence_rows), .size = sizeof(struct subscription_persistence),
	.help = "A subscription as it is stored. The server keeps these itself, in its database; a section of this type is read "
		"and changes nothing.",
};

#define H struct phoneprov_conf
static const struct option phoneprov_rows[] = {
	OPT_NONE("type", NULL, OPT_HIDDEN, "Must be phoneprov."),
	OPT_STR(H, endpoint, NULL, L, "Endpoint of the phone."),
	OPT_STR(H, MAC, NULL, L, "Its hardware address."),
	OPT_STR(H, PROFILE, NULL, L, "Profile of phoneprov.conf to use."),
	OPT_CUSTOM_AS("*", H, vars, const struct conf_var_list *, parse_any_var, write_vars, "any", NULL,
		L | OPT_PREFIX | OPT_HIDDEN, "Every other line sets a variable of the profile."),
};
#undef H

const struct option_set phoneprov_options = {
	.type = "phoneprov", .file = "pjsip.conf", .rows = phoneprov_rows, .n = ARRAY_LEN(phoneprov_rows),
	.size = sizeof(struct phoneprov_conf), .help = "Provisioning data of a phone.",
};

int finish_phoneprov(struct object_build *b, struct phoneprov_conf *p)
{
	if (!p->endpoint.n || !p->MAC.n || !p->PROFILE.n)
		return report_fault(b, "needs endpoint=, MAC= and PROFILE=");
	return build_vars(b, &p->vars);
}
