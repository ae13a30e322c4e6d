/* Whose request is this: the ways to find out, in the order that the configuration
 * gives them. Host names in match= are identify_hosts.c's. */
#include "service/trust/identify.h"
#include "service/object/identify_rules.h"
#include "service/outbound/outbound.h"
#include <stdlib.h>

static const void *get_endpoint(const struct snapshot *conf, struct str name)
{
	return snapshot_endpoint(conf, name);
}

static struct str user_of(struct service *svc, const struct snapshot *conf, struct str user)
{
	(void)svc;
	return conf->global->ignore_uri_user_options ? sip_user_bare(user) : user;
}

static const void *try_at(const struct snapshot *conf, struct str user, struct str domain,
			  identify_lookup_fn *lookup)
{
	char room[512];
	const void *found = NULL;
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	buf_puts(&b, user, STR("@"), domain);
	if (!buf_err(&b))
		found = lookup(conf, buf_view(&b));
	return found;
}

const void *identify_by_user(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			     struct str user, struct str domain, identify_lookup_fn *lookup)
{
	const struct service_transport *t = service_transport_by_id(svc, msg->from_path.transport);
	const struct domain_alias *alias;
	const void *found;

	user = user_of(svc, conf, user);
	if (!conf->global->disable_multi_domain) {
		found = try_at(conf, user, domain, lookup);
		if (found)
			return found;
		alias = snapshot_domain_alias(conf, domain);
		found = alias ? try_at(conf, user, alias->domain, lookup) : NULL;
		if (found)
			return found;
		if (t && t->conf && t->conf->domain.n) {
			found = try_at(conf, user, t->conf->domain, lookup);
			if (found)
				return found;
		}
	}
	return user.n ? lookup(conf, user) : NULL;
}

static bool permits_method(const struct endpoint *ep, enum identify_method m)
{
	return ep && (ep->identify_by.mask & m);
}

static bool by_username(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			struct identified *out)
{
	const struct endpoint *ep = identify_by_user(svc, conf, msg, msg->from.uri.user, msg->from.uri.host,
						     get_endpoint);

	if (!permits_method(ep, IDENTIFY_USERNAME))
		return false;
	*out = (struct identified){ .ep = ep, .method = STR("username"), .rule = msg->from.uri.user };
	return true;
}

void credentials_read(struct credentials *c, const struct sip_msg *msg)
{
	c->hdr = sip_hdr(msg, SIP_H_AUTHORIZATION);
	c->readable = c->hdr && digest_parse(&c->f, c->hdr->value) == 0;
}

static bool by_claimed_name(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			    const struct digest_fields *f, struct identified *out)
{
	const struct endpoint *ep = identify_by_user(svc, conf, msg, f->username, f->realm, get_endpoint);

	if (!permits_method(ep, IDENTIFY_AUTH_USERNAME))
		return false;
	*out = (struct identified){ .ep = ep, .method = STR("auth_username"), .rule = f->username };
	return true;
}

/* The username of any Authorization header, whatever it proves. */
static bool by_auth_username(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			     struct identified *out)
{
	const struct credentials *cred = out->cred;
	struct str v = sip_hdr_value(msg, SIP_H_PROXY_AUTHORIZATION);
	struct digest_fields f;

	if (!conf->has_auth_username)
		return false;
	if (cred->readable && by_claimed_name(svc, conf, msg, &cred->f, out))
		return true;
	return v.n && digest_parse(&f, v) == 0 && by_claimed_name(svc, conf, msg, &f, out);
}

/* ---- by match=, match_header= and match_request_uri= (identify_rules.c has the index) */

static bool found_rule(struct identified *out, const struct identify_conf *r, struct str method)
{
	if (r)
		*out = (struct identified){ .ep = r->endpoint_obj, .method = method, .rule = r->name };
	return r != NULL;
}

static bool by_ip(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
		  struct identified *out)
{
	const struct sa *peer = &msg->from_path.peer;
	const struct identify_conf *by_net = identify_rules_net(conf, peer);
	const struct identify_conf *by_name = identify_hosts_rule(svc, conf, peer);

	if (!by_net || (by_name && by_name->order < by_net->order))
		by_net = by_name;
	return found_rule(out, by_net, STR("ip"));
}

static bool header_matches(const struct identify_conf *r, const struct sip_msg *msg)
{
	const struct sip_hdr *h;

	for (size_t i = 0; (h = sip_hdr_named(msg, r->header_name, i)); i++) {
		if (r->header_re) {
			char *z = str_dup(h->value);
			bool hit = z && regexec(r->header_re, z, 0, NULL, 0) == 0;

			free(z);
			if (hit)
				return true;
		} else if (str_eq(h->value, r->header_value)) {
			return true;
		}
	}
	return false;
}

static bool by_header(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
		      struct identified *out)
{
	const struct identify_rules *rules = conf->identify_rules;

	(void)svc;
	for (size_t i = 0; i < rules->header_n; i++)
		if (header_matches(rules->header[i], msg))
			return found_rule(out, rules->header[i], STR("header"));
	return false;
}

static bool request_uri_matches(const struct identify_conf *r, struct str uri)
{
	char *z;
	bool hit;

	if (!r->request_uri_re)
		return str_eq(uri, r->match_request_uri);
	z = str_dup(uri);
	hit = z && regexec(r->request_uri_re, z, 0, NULL, 0) == 0;
	free(z);
	return hit;
}

static bool by_request_uri(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			   struct identified *out)
{
	const struct identify_rules *rules = conf->identify_rules;

	(void)svc;
	for (size_t i = 0; i < rules->uri_n; i++)
		if (request_uri_matches(rules->uri[i], msg->ruri.text))
			return found_rule(out, rules->uri[i], STR("request_uri"));
	return false;
}

static bool by_anonymous(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			 struct identified *out)
{
	const struct endpoint *ep = NULL;

	if (conf->has_anonymous)
		ep = identify_by_user(svc, conf, msg, STR("anonymous"), msg->from.uri.host, get_endpoint);
	if (!ep)
		return false;
	*out = (struct identified){ .ep = ep, .method = STR("anonymous"), .rule = ep->name };
	return true;
}

/* The line that a registration of ours put into its Contact. */
static bool by_line(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
		    struct identified *out)
{
	const struct registration_conf *r;
	struct str line;

	if (!sip_uri_param(&msg->to.uri, STR("line"), &line) && !sip_uri_param(&msg->ruri, STR("line"), &line))
		return false;
	r = snapshot_registration(conf, outbound_of_line(svc, line));
	if (!r || !r->endpoint_obj)
		return false;
	*out = (struct identified){ .ep = r->endpoint_obj, .method = STR("line"), .rule = r->name };
	return true;
}

struct identifier {
	struct str name;
	bool (*fn)(struct service *, const struct snapshot *, const struct sip_msg *, struct identified *);
};

/* In the order in which those run that the configuration does not name. */
static const struct identifier identifiers[] = {
	{ STR_INIT("ip"), by_ip },
	{ STR_INIT("header"), by_header },
	{ STR_INIT("request_uri"), by_request_uri },
	{ STR_INIT("username"), by_username },
	{ STR_INIT("auth_username"), by_auth_username },
	{ STR_INIT("anonymous"), by_anonymous },
};

void identify(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
	      const struct credentials *cred, struct identified *out)
{
	const struct str_list *order = &conf->global->endpoint_identifier_order;
	unsigned done = 0;

	*out = (struct identified){ .cred = cred };
	if (by_line(svc, conf, msg, out))
		return;
	for (size_t i = 0; i < order->n; i++) {
		for (size_t k = 0; k < ARRAY_LEN(identifiers); k++) {
			if (!str_eq(order->v[i], identifiers[k].name))
				continue;
			done |= 1u << k;
			if (identifiers[k].fn(svc, conf, msg, out))
				return;
		}
	}
	for (size_t k = 0; k < ARRAY_LEN(identifiers); k++)
		if (!(done & 1u << k) && identifiers[k].fn(svc, conf, msg, out))
			return;
}
