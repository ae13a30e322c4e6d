#define LOG_MODULE "transport"
#include "service/common/transports.h"
#include "base/log.h"
#include "net/route.h"
#include <errno.h>
#include <stdlib.h>

static enum net_proto proto_of(const struct transport_conf *t)
{
	switch (t->protocol) {
	case TRANSPORT_TCP: return NET_TCP;
	case TRANSPORT_TLS: return NET_TLS;
	case TRANSPORT_WS: return NET_WS;
	case TRANSPORT_WSS: return NET_WSS;
	default: return NET_UDP;
	}
}

const struct service_transport *service_transport(const struct service *svc, struct str name)
{
	for (size_t i = 0; i < svc->transports.n; i++)
		if (str_eq(text_view(&svc->transports.v[i].t_name), name))
			return &svc->transports.v[i];
	return NULL;
}

const struct service_transport *service_transport_by_id(const struct service *svc, uint32_t id)
{
	for (size_t i = 0; i < svc->transports.n; i++)
		if (svc->transports.v[i].id == id)
			return &svc->transports.v[i];
	return NULL;
}

static int open_one(struct service *svc, const struct transport_conf *t, struct report *r)
{
	struct net_listen_prm prm = { .proto = proto_of(t), .bind = t->bind, .tos = t->tos ? t->tos : -1,
		.cos = t->cos ? (int)t->cos : -1, .keepalive = t->tcp_keepalive_enable,
		.keepalive_idle = t->tcp_keepalive_idle_time,
		.keepalive_interval = t->tcp_keepalive_interval_time,
		.keepalive_count = t->tcp_keepalive_probe_count, .name = t->name };
	struct service_transport *more, *n;
	struct sa bound;
	uint32_t id = (uint32_t)svc->transports.n + 1;
	char where[SA_TEXT];
	int err = 0;

	if (svc->transports.bind && sa_parse(&prm.bind, str_z(svc->transports.bind)) == 0 && !sa_port(&prm.bind))
		sa_set_port(&prm.bind, sa_port(&t->bind));
	bound = prm.bind;
	if (t->protocol > TRANSPORT_TCP) {
		report_add(r, REPORT_WARNING, str_z(t->o.file), t->o.line,
			   "transport '%.*s': protocol %s is not there yet; it does not listen", STR_ARG(t->name),
			   t->protocol == TRANSPORT_FLOW ? "flow" : net_proto_lower(prm.proto));
		return 0;
	}
	if (svc->net)
		err = net_listen(svc->net, &prm, &id, &bound);
	if (err) {
		report_add(r, REPORT_ERROR, str_z(t->o.file), t->o.line,
			   "transport '%.*s': cannot listen on %s/%s: %s; %s", STR_ARG(t->name),
			   net_proto_lower(prm.proto), sa_text(&prm.bind, where), strerror(err),
			   err == EADDRINUSE ? "another program has this port, stop it or choose another bind=" :
			   err == EACCES ? "ports under 1024 need root" :
			   "check that bind= is an address of this machine");
		return err;
	}
	more = realloc(svc->transports.v, (svc->transports.n + 1) * sizeof(*more));
	if (!more)
		return ENOMEM;
	svc->transports.v = more;
	n = &more[svc->transports.n++];
	*n = (struct service_transport){ .id = id, .proto = prm.proto, .bound = bound, .conf = t,
		.conf_of = obj_hold(svc->conf) };
	if (text_set(&n->t_name, t->name))
		return ENOMEM;
	n->name = text_view(&n->t_name);
	log_notice("transport '%.*s' listens on %s/%s", STR_ARG(t->name), net_proto_lower(prm.proto),
		   sa_text(&bound, where));
	return 0;
}

void transports_open(struct service *svc, struct report *r)
{
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, svc->conf)
		open_one(svc, t, r);
}

static bool same_listener(const struct transport_conf *a, const struct transport_conf *b)
{
	return a->protocol == b->protocol && sa_eq(&a->bind, &b->bind) && a->tos == b->tos && a->cos == b->cos;
}

void transports_reload(struct service *svc, struct report *r)
{
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, svc->conf) {
		struct service_transport *have = NULL;

		for (size_t i = 0; i < svc->transports.n; i++)
			if (str_eq(svc->transports.v[i].name, t->name))
				have = &svc->transports.v[i];
		if (!have) {
			open_one(svc, t, r);
		} else if (same_listener(have->conf, t)) {
			/* The socket stays; what only shapes messages is taken over when it may. */
			if (t->allow_reload || have->conf->allow_reload) {
				obj_hold(svc->conf);
				obj_drop(have->conf_of);
				have->conf_of = svc->conf;
				have->conf = t;
			}
		} else if (t->allow_reload && svc->net) {
			struct service_transport old = *have;
			size_t i = (size_t)(have - svc->transports.v);

			net_unlisten(svc->net, old.id);
			memmove(have, have + 1, (svc->transports.n - i - 1) * sizeof(*have));
			svc->transports.n--;
			open_one(svc, t, r);
			text_free(&old.t_name);
			obj_drop(old.conf_of);
		} else {
			report_add(r, REPORT_WARNING, str_z(t->o.file), t->o.line,
				   "transport '%.*s' changed but is not reloaded: say allow_reload=yes or restart",
				   STR_ARG(t->name));
		}
	}
}

void transports_close(struct service *svc)
{
	for (size_t i = 0; i < svc->transports.n; i++) {
		text_free(&svc->transports.v[i].t_name);
		obj_drop(svc->transports.v[i].conf_of);
	}
	free(svc->transports.v);
	svc->transports.v = NULL;
	svc->transports.n = 0;
}

static bool fits(const struct service_transport *t, enum net_proto proto, const struct sa *peer)
{
	return t->proto == proto && sa_is_v6(&t->bound) == sa_is_v6(peer);
}

int service_route(struct service *svc, struct net_path *path, struct str name, enum net_proto proto,
		  const struct sa *peer)
{
	const struct service_transport *t = name.n ? service_transport(svc, name) : NULL;

	if (name.n && !t)
		return ENOENT;
	for (size_t i = 0; !t && i < svc->transports.n; i++)
		if (fits(&svc->transports.v[i], proto, peer))
			t = &svc->transports.v[i];
	if (!t)
		return ENETUNREACH;
	*path = (struct net_path){ .transport = t->id, .proto = t->proto, .peer = *peer, .local = t->bound };
	if (sa_is_any(&t->bound)) {
		uint16_t port = sa_port(&t->bound);

		if (sa_source_for(peer, &path->local) == 0)
			sa_set_port(&path->local, port);
	}
	return 0;
}

bool service_is_local_net(const struct transport_conf *t, const struct sa *a)
{
	for (size_t i = 0; i < t->local_net_n; i++)
		if (netmask_has(&t->local_net[i], a) != t->local_net[i].invert)
			return true;
	return false;
}

/* external_signaling_*: only towards addresses outside of local_net. `here`: the
 * address otherwise shown. A port may stand in the address too. */
static bool external(const struct transport_conf *t, const struct net_path *path, const struct sa *here,
		     struct str *host, uint16_t *port)
{
	size_t colon;
	uint32_t own;

	if (!t || (!t->external_signaling_address.n && !t->external_signaling_hostname.n) ||
	    service_is_local_net(t, &path->peer))
		return false;
	*host = t->external_signaling_address.n ? t->external_signaling_address : t->external_signaling_hostname;
	*port = t->external_signaling_port ? (uint16_t)t->external_signaling_port : sa_port(here);
	colon = str_rchr(*host, ':');
	if (colon == host->n || (str_chr(*host, ':') != colon && host->p[colon - 1] != ']') ||
	    str_u32(str_skip(*host, colon + 1), &own) || !own || own > UINT16_MAX)
		return true;
	if (!t->external_signaling_port)
		*port = (uint16_t)own;
	*host = str_sub(*host, 0, colon);
	return true;
}

/* A stream's local port is the kernel's; peers must call back where we listen. */
static struct sa contact_addr(struct service *svc, const struct net_path *path,
			      const struct service_transport **tp)
{
	const struct service_transport *t = service_transport_by_id(svc, path->transport);
	struct sa a = path->local;

	if (t)
		sa_set_port(&a, sa_port(&t->bound));
	*tp = t;
	return a;
}

void service_sent_by(struct service *svc, const struct net_path *path, struct buf *out)
{
	const struct service_transport *t;
	struct sa a = contact_addr(svc, path, &t);
	struct str host;
	uint16_t port;

	if (t && external(t->conf, path, &a, &host, &port))
		buf_printf(out, host.p[0] != '[' && str_chr(host, ':') < host.n ? "[%.*s]:%u" : "%.*s:%u",
			   STR_ARG(host), port);
	else
		sa_write(out, &a);
}

void service_contact(struct service *svc, const struct net_path *path, struct str user, bool sips,
		     struct buf *out)
{
	buf_put(out, sips ? STR("<sips:") : STR("<sip:"));
	if (user.n) {
		sip_escape_user(out, user);
		buf_char(out, '@');
	}
	service_sent_by(svc, path, out);
	if (path->proto != NET_UDP && !sips)
		buf_puts(out, STR(";transport="), str_z(net_proto_name(path->proto)));
	buf_char(out, '>');
}

/* rtp_ipv6: an address of this host that such a peer reaches: the loop's for the loop's, else the
 * one that leads to where all addresses in use are (RFC 4291 section 2.4). */
static void use_ipv6(const struct net_path *path, struct sa *out)
{
	struct sa far, near;

	if (sa_is_v6(out) || sa_parse(&far, sa_is_loopback(&path->peer) ? STR("::1") : STR("2000::1")))
		return;
	if (sa_source_for(&far, &near))
		log_warning("rtp_ipv6: this host has no IPv6 address; media stay on IPv4");
	else
		*out = near;
}

void service_media_address(struct service *svc, const struct endpoint *ep, const struct net_path *path,
			   struct sa *out)
{
	const struct service_transport *t = service_transport_by_id(svc, path->transport);

	if (ep->media_address.n && sa_parse(out, ep->media_address) == 0)
		return;
	if (t && t->conf->external_media_address.n && !service_is_local_net(t->conf, &path->peer) &&
	    sa_parse(out, t->conf->external_media_address) == 0)
		return;
	*out = path->local;
	if (ep->rtp_ipv6)
		use_ipv6(path, out);
	sa_set_port(out, 0);
}
