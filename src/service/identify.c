#define LOG_MODULE "identify"
#include "service/identify.h"
#include "base/log.h"
#include "service/outbound.h"
#include "sip/resolve.h"
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

static bool permits(const struct endpoint *ep, enum identify_method m)
{
	return ep && (ep->identify_by.mask & m);
}

static bool by_username(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			struct identified *out)
{
	const struct endpoint *ep = identify_by_user(svc, conf, msg, msg->from.uri.user, msg->from.uri.host,
						     get_endpoint);

	if (!permits(ep, IDENTIFY_USERNAME))
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

	if (!permits(ep, IDENTIFY_AUTH_USERNAME))
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

/* ---- host names in match= -------------------------------------------------------------
 * Resolved when the configuration is applied, and again from time to time: a trunk
 * moves. What was found last counts until there is a newer answer, so neither a
 * reload nor a name server that is away for a while shuts anybody out. */

#define HOST_RETRY_MS 60000
#define HOST_REFRESH_MS 300000

struct ident_host {
	struct list link;               /* in service.ident_hosts */
	struct service *svc;
	struct text rule, host;         /* identify section, name */
	enum net_proto proto;           /* of the SRV name */
	bool srv;
	bool stale;                     /* the new configuration has not named it yet */
	bool warned;                    /* the last answer was none */
	struct timer timer;             /* asks again */
	struct sip_resolve *query;      /* NULL: answered */
	struct sa addr[8];
	size_t n;
};

static void host_free(struct ident_host *h)
{
	timer_stop(&h->timer);
	if (h->query)
		sip_resolve_cancel(h->query);
	list_remove(&h->link);
	text_free(&h->rule);
	text_free(&h->host);
	free(h);
}

void identify_forget_hosts(struct service *svc)
{
	list_each_safe(p, next, &svc->ident_hosts)
		host_free(container_of(p, struct ident_host, link));
}

static void ask_host(void *arg);

/* Something else of the same name has an answer, or will. */
static bool others_know(const struct ident_host *h)
{
	list_each(p, &h->svc->ident_hosts) {
		const struct ident_host *o = container_of(p, struct ident_host, link);

		if (o != h && (o->query || (o->n && !o->warned)) && str_eq(text_view(&o->host), text_view(&h->host)))
			return true;
	}
	return false;
}

static void on_host(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct ident_host *h = arg;

	h->query = NULL;
	if (err && !h->warned && !others_know(h))
		log_warning("identify '%s': host name '%s' in match= was not found; %s", text_z(&h->rule),
			    text_z(&h->host), h->n ? "its last addresses still match" : "it matches nobody yet");
	h->warned = err != 0;
	if (!err)
		h->n = 0;
	for (size_t i = 0; !err && i < n && h->n < ARRAY_LEN(h->addr); i++)
		h->addr[h->n++] = v[i].addr;
	timer_start(h->svc->wheel, &h->timer, err ? HOST_RETRY_MS : HOST_REFRESH_MS, ask_host, h);
}

static void ask_host(void *arg)
{
	struct ident_host *h = arg;
	struct sip_resolve_prm prm = { .lookup = &h->svc->lookup, .wheel = h->svc->wheel,
		.fixed_proto = true, .proto = h->proto, .fn = on_host, .arg = h };
	struct buf b = BUF_INIT;
	struct sip_uri u;

	if (h->query)
		return;
	/* A port keeps RFC 3263 from asking for SRV. */
	buf_puts(&b, STR("sip:"), text_view(&h->host), h->srv ? STR_NULL : STR(":5060"));
	prm.uri = &u;
	prm.can_v4[h->proto] = prm.can_v6[h->proto] = true;
	if (buf_err(&b) || sip_uri_parse(&u, buf_view(&b)) || sip_resolve_start(&prm, &h->query))
		log_warning("identify '%s': '%s' is neither an address nor a host name", text_z(&h->rule),
			    text_z(&h->host));
	buf_free(&b);
}

static struct ident_host *host_of(struct service *svc, const struct identify_conf *r, struct str host,
				  enum net_proto proto)
{
	struct ident_host *h;

	list_each(p, &svc->ident_hosts) {
		h = container_of(p, struct ident_host, link);
		if (h->srv == r->srv_lookups && h->proto == proto && str_eq(text_view(&h->host), host) &&
		    str_eq(text_view(&h->rule), r->name))
			return h;
	}
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	*h = (struct ident_host){ .svc = svc, .proto = proto, .srv = r->srv_lookups };
	list_append(&svc->ident_hosts, &h->link);
	if (text_set(&h->rule, r->name) || text_set(&h->host, host)) {
		host_free(h);
		return NULL;
	}
	return h;
}

static void keep_host(struct service *svc, const struct identify_conf *r, struct str host, enum net_proto proto)
{
	struct ident_host *h = host_of(svc, r, host, proto);

	if (!h)
		return;
	h->stale = h->warned = false;
	ask_host(h);
}

void identify_resolve_hosts(struct service *svc)
{
	/* Where a peer may have its SRV; without SRV any one leads to the addresses. */
	static const enum net_proto protos[] = { NET_UDP, NET_TCP, NET_TLS };

	list_each(p, &svc->ident_hosts)
		container_of(p, struct ident_host, link)->stale = true;
	snapshot_each(identify_conf, OBJECT_IDENTIFY, r, svc->conf)
		for (size_t i = 0; svc->dns && i < r->hosts.n; i++)
			for (size_t k = 0; k < (r->srv_lookups ? ARRAY_LEN(protos) : 1); k++)
				keep_host(svc, r, r->hosts.v[i], protos[k]);
	list_each_safe(p, next, &svc->ident_hosts)
		if (container_of(p, struct ident_host, link)->stale)
			host_free(container_of(p, struct ident_host, link));
}

static bool host_matches(struct service *svc, const struct identify_conf *r, const struct sa *peer)
{
	list_each(p, &svc->ident_hosts) {
		struct ident_host *h = container_of(p, struct ident_host, link);

		if (!str_eq(text_view(&h->rule), r->name))
			continue;
		for (size_t i = 0; i < h->n; i++)
			if (sa_eq_host(&h->addr[i], peer))
				return true;
	}
	return false;
}

static bool by_ip(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
		  struct identified *out)
{
	snapshot_each(identify_conf, OBJECT_IDENTIFY, r, conf) {
		if (!r->endpoint_obj)
			continue;
		if (r->hosts.n && host_matches(svc, r, &msg->from_path.peer)) {
			*out = (struct identified){ .ep = r->endpoint_obj, .method = STR("ip"), .rule = r->name };
			return true;
		}
		for (size_t i = 0; i < r->net_n; i++) {
			if (netmask_has(&r->nets[i], &msg->from_path.peer)) {
				if (r->nets[i].invert)
					break;
				*out = (struct identified){ .ep = r->endpoint_obj, .method = STR("ip"), .rule = r->name };
				return true;
			}
		}
	}
	return false;
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
	(void)svc;
	snapshot_each(identify_conf, OBJECT_IDENTIFY, r, conf) {
		if (r->endpoint_obj && r->match_header.n && header_matches(r, msg)) {
			*out = (struct identified){ .ep = r->endpoint_obj, .method = STR("header"), .rule = r->name };
			return true;
		}
	}
	return false;
}

static bool by_request_uri(struct service *svc, const struct snapshot *conf, const struct sip_msg *msg,
			   struct identified *out)
{
	(void)svc;
	snapshot_each(identify_conf, OBJECT_IDENTIFY, r, conf) {
		bool hit = false;

		if (!r->endpoint_obj || !r->match_request_uri.n)
			continue;
		if (r->request_uri_re) {
			char *z = str_dup(msg->ruri.text);

			hit = z && regexec(r->request_uri_re, z, 0, NULL, 0) == 0;
			free(z);
		} else {
			hit = str_eq(msg->ruri.text, r->match_request_uri);
		}
		if (hit) {
			*out = (struct identified){ .ep = r->endpoint_obj, .method = STR("request_uri"), .rule = r->name };
			return true;
		}
	}
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
