/* The transports of pjsip.conf: opened, replaced by a reload, found for a peer, and what messages
 * say of them (Via, Contact, the address in SDP). */
#define LOG_MODULE "transport"
#include "service/common/media_names.h"
#include "service/common/transports.h"
#include "service/common/transport_tls.h"
#include "service/common/transport_web.h"
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

static void transport_end(struct service_transport *t)
{
	text_free(&t->t_name);
	obj_drop(t->tls);
	obj_drop(t->conf_of);
}

static int remember(struct service *svc, const struct service_transport *t, const struct transport_conf *conf)
{
	struct service_transport *more = realloc(svc->transports.v, (svc->transports.n + 1) * sizeof(*more)), *n;

	if (!more)
		return ENOMEM;
	svc->transports.v = more;
	n = &more[svc->transports.n];
	*n = *t;
	if (text_set(&n->t_name, conf->name))
		return ENOMEM;
	svc->transports.n++;
	n->name = text_view(&n->t_name);
	n->conf = conf;
	n->conf_of = obj_hold(svc->conf);
	obj_hold(n->tls);
	return 0;
}

static void report_bind(const struct transport_conf *t, const struct net_listen_prm *prm, int err, struct report *r)
{
	char where[SA_TEXT];

	report_add(r, REPORT_ERROR, str_z(t->o.file), t->o.line, "transport '%.*s': cannot listen on %s/%s: %s; %s",
		   STR_ARG(t->name), net_proto_lower(prm->proto), sa_text(&prm->bind, where), strerror(err),
		   err == EADDRINUSE ? "another program has this port, stop it or choose another bind=" :
		   err == EACCES ? "ports under 1024 need root" : "check that bind= is an address of this machine");
}

static bool is_websocket(const struct transport_conf *t)
{
	return t->protocol == TRANSPORT_WS || t->protocol == TRANSPORT_WSS;
}

static struct sa bind_of(const struct service *svc, const struct snapshot *conf, const struct transport_conf *t)
{
	struct sa at = t->bind;

	if (transport_is_http(t) && !(svc->web && web_bound(svc->web, t->protocol == TRANSPORT_WSS, &at)))
		at = t->protocol == TRANSPORT_WSS ? conf->http->tls_listen : conf->http->listen;
	return at;
}

static int make_ws_rules(const struct transport_conf *t, struct ws_rules **out)
{
	*out = NULL;
	if (!is_websocket(t) || transport_is_http(t))
		return 0;
	*out = transport_ws_rules(t);
	return *out ? 0 : ENOMEM;
}

static int make_tls(struct service *svc, const struct transport_conf *t, struct tls_context **out, struct report *r)
{
	*out = NULL;
	if (!transport_is_http(t))
		return transport_tls_new(out, t, r);
	if (t->protocol == TRANSPORT_WSS && svc->web)
		*out = obj_hold(web_tls(svc->web));
	return 0;
}

static int listen_on(struct service *svc, const struct transport_conf *t, struct tls_context *tls, struct report *r)
{
	struct net_listen_prm prm = { .proto = proto_of(t), .bind = bind_of(svc, svc->conf, t), .tos = t->tos ? t->tos : -1,
		.cos = t->cos ? (int)t->cos : -1, .keepalive = t->tcp_keepalive_enable,
		.keepalive_idle = t->tcp_keepalive_idle_time,
		.keepalive_interval = t->tcp_keepalive_interval_time,
		.keepalive_count = t->tcp_keepalive_probe_count, .name = t->name, .tls = tls, .by_http = transport_is_http(t) };
	struct service_transport open = { .id = (uint32_t)svc->transports.n + 1, .proto = prm.proto, .tls = tls };
	struct sa own = prm.bind;
	char where[SA_TEXT];
	int err = make_ws_rules(t, &prm.ws);

	/* A port that is told is that of SIP; WebSockets keep theirs. */
	if (svc->transports.bind && sa_parse(&prm.bind, str_z(svc->transports.bind)) == 0 &&
	    (!sa_port(&prm.bind) || is_websocket(t)))
		sa_set_port(&prm.bind, sa_port(&own));
	if (is_websocket(t))
		prm.write_ms = (uint32_t)t->websocket_write_timeout;
	open.bound = prm.bind;
	if (!err && svc->net)
		err = net_listen(svc->net, &prm, &open.id, &open.bound);
	obj_drop(prm.ws);
	if (err) {
		report_bind(t, &prm, err, r);
		return err;
	}
	err = remember(svc, &open, t);
	if (err) {
		report_bind(t, &prm, err, r);
		if (svc->net)
			net_unlisten(svc->net, open.id);
		return err;
	}
	log_notice("transport '%.*s' listens on %s/%s", STR_ARG(t->name), net_proto_lower(prm.proto),
		   sa_text(&open.bound, where));
	return 0;
}

/* Without sockets (in tests) the configuration counts. */
static bool http_serves(const struct service *svc, const struct transport_conf *t)
{
	bool tls = t->protocol == TRANSPORT_WSS;
	struct sa at;

	return svc->web ? web_bound(svc->web, tls, &at) : tls ? svc->conf->http->tls : svc->conf->http->plain;
}

static int open_one(struct service *svc, const struct transport_conf *t, struct report *r)
{
	struct tls_context *tls;
	int err;

	if (t->protocol == TRANSPORT_FLOW) {
		report_add(r, REPORT_WARNING, str_z(t->o.file), t->o.line,
			   "transport '%.*s': protocol flow is not there yet; it does not listen", STR_ARG(t->name));
		return 0;
	}
	if (transport_is_http(t) && !http_serves(svc, t)) {
		report_add(r, REPORT_WARNING, str_z(t->o.file), t->o.line,
			   "transport '%.*s' does not listen: give its bind= a port, or say enabled=yes%s in http.conf",
			   STR_ARG(t->name), t->protocol == TRANSPORT_WSS ? " and tlsenable=yes" : "");
		return 0;
	}
	err = make_tls(svc, t, &tls, r);
	if (!err)
		err = listen_on(svc, t, tls, r);
	obj_drop(tls);
	return err;
}

void transports_open(struct service *svc, struct report *r)
{
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, svc->conf)
		open_one(svc, t, r);
}

static bool same_origins(const struct transport_conf *a, const struct transport_conf *b)
{
	bool same = a->websocket_origins.n == b->websocket_origins.n;

	for (size_t i = 0; same && i < a->websocket_origins.n; i++)
		same = str_eq(a->websocket_origins.v[i], b->websocket_origins.v[i]);
	return same && a->websocket_write_timeout == b->websocket_write_timeout;
}

static bool same_listener(const struct service_transport *have, const struct transport_conf *t)
{
	const struct transport_conf *old = have->conf;
	struct sa a = old->bind, b = t->bind;

	return transport_is_http(old) == transport_is_http(t) && old->protocol == t->protocol && sa_eq(&a, &b) &&
	       old->tos == t->tos && old->cos == t->cos && (!is_websocket(t) || transport_is_http(t) || same_origins(old, t));
}

static void report_not_reloaded(const struct transport_conf *t, struct report *r)
{
	report_add(r, REPORT_WARNING, str_z(t->o.file), t->o.line,
		   "transport '%.*s' changed but is not reloaded: say allow_reload=yes or restart", STR_ARG(t->name));
}

static bool keepalive_differs(const struct transport_conf *a, const struct transport_conf *b)
{
	return a->tcp_keepalive_enable != b->tcp_keepalive_enable || a->tcp_keepalive_idle_time != b->tcp_keepalive_idle_time ||
	       a->tcp_keepalive_interval_time != b->tcp_keepalive_interval_time ||
	       a->tcp_keepalive_probe_count != b->tcp_keepalive_probe_count;
}

static void take_keepalive(struct service *svc, const struct service_transport *have, const struct transport_conf *t,
			   struct report *r)
{
	struct net_keepalive k = { .on = t->tcp_keepalive_enable, .idle = t->tcp_keepalive_idle_time,
		.interval = t->tcp_keepalive_interval_time, .count = t->tcp_keepalive_probe_count };

	if (svc->net && keepalive_differs(have->conf, t) && net_set_keepalive(svc->net, have->id, &k))
		report_add(r, REPORT_ERROR, str_z(t->o.file), t->o.line, "transport '%.*s': no memory to change tcp_keepalive_*",
			   STR_ARG(t->name));
}

/* The socket stays; what only shapes messages and handshakes is taken over when it may. */
static void take_over(struct service *svc, struct service_transport *have, const struct transport_conf *t, struct report *r)
{
	bool tls_differs = have->tls && !transport_is_http(t) && transport_tls_differs(have->conf, t);

	if (!t->allow_reload && !have->conf->allow_reload) {
		if (tls_differs || keepalive_differs(have->conf, t))
			report_not_reloaded(t, r);
		return;
	}
	if (tls_differs && transport_tls_change(have->tls, t, r))
		return;         /* as it was, with all that belongs to it */
	take_keepalive(svc, have, t, r);
	obj_hold(svc->conf);
	obj_drop(have->conf_of);
	have->conf_of = svc->conf;
	have->conf = t;
}

static void forget_transport(struct service *svc, size_t i)
{
	struct service_transport old = svc->transports.v[i];

	net_unlisten(svc->net, old.id);
	memmove(&svc->transports.v[i], &svc->transports.v[i + 1], (svc->transports.n - i - 1) * sizeof(old));
	svc->transports.n--;
	transport_end(&old);
}

/* What can fail is done before the old one goes: its certificate, and its socket unless the address
 * is the same. Connections of the old one stay. */
static void replace_transport(struct service *svc, size_t i, const struct transport_conf *t, struct report *r)
{
	const struct service_transport *have = &svc->transports.v[i];
	struct sa old = bind_of(svc, have->conf_of, have->conf), new = bind_of(svc, svc->conf, t);
	bool same_address = sa_eq(&old, &new);
	struct tls_context *tls;

	if (transport_is_http(t) && !http_serves(svc, t)) {
		forget_transport(svc, i);
		return;
	}
	if (make_tls(svc, t, &tls, r))
		return;
	if (same_address)
		forget_transport(svc, i);
	if (!listen_on(svc, t, tls, r) && !same_address)
		forget_transport(svc, i);
	obj_drop(tls);
}

/* It has no socket, and is where the server of HTTP is by now. */
static void follow_http(struct service *svc, size_t i, const struct transport_conf *t, struct report *r)
{
	const struct service_transport *have = &svc->transports.v[i];
	struct sa at = bind_of(svc, svc->conf, t);
	struct tls_context *tls = svc->web && t->protocol == TRANSPORT_WSS ? web_tls(svc->web) : NULL;

	if (http_serves(svc, t) && sa_eq(&have->bound, &at) && have->tls == tls) {
		take_over(svc, &svc->transports.v[i], t, r);
		return;
	}
	forget_transport(svc, i);
	open_one(svc, t, r);
}

void transports_reload(struct service *svc, struct report *r)
{
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, svc->conf) {
		size_t i = 0;

		while (i < svc->transports.n && !str_eq(svc->transports.v[i].name, t->name))
			i++;
		if (i == svc->transports.n)
			open_one(svc, t, r);
		else if (transport_is_http(t) && transport_is_http(svc->transports.v[i].conf) && svc->net)
			follow_http(svc, i, t, r);
		else if (same_listener(&svc->transports.v[i], t))
			take_over(svc, &svc->transports.v[i], t, r);
		else if (t->allow_reload && svc->net)
			replace_transport(svc, i, t, r);
		else
			report_not_reloaded(t, r);
	}
}

void transports_close(struct service *svc)
{
	for (size_t i = 0; i < svc->transports.n; i++)
		transport_end(&svc->transports.v[i]);
	free(svc->transports.v);
	svc->transports.v = NULL;
	svc->transports.n = 0;
}

struct str service_symmetric(const struct service *svc, const struct snapshot *conf, const struct net_path *from)
{
	const struct service_transport *t = from->proto == NET_UDP ? service_transport_by_id(svc, from->transport) : NULL;
	const struct transport_conf *c = t && t->conf->symmetric_transport ? snapshot_transport(conf, t->name) : NULL;

	return c ? c->name : STR_NULL;
}

struct str service_transport_named(const struct snapshot *conf, const struct endpoint *ep, struct str symmetric)
{
	const struct transport_conf *c;

	if (ep && ep->transport.n)
		return ep->transport;
	c = symmetric.n ? snapshot_transport(conf, symmetric) : NULL;
	return c ? c->name : STR_NULL;
}

/* What has a name may be reached over several protocols: RFC 3263 decides. */
struct str service_transport_to(const struct snapshot *conf, const struct endpoint *ep, struct str symmetric, struct str uri)
{
	bool literal = false;
	struct sip_uri u;
	struct sa a;

	if (symmetric.n)
		literal = !sip_uri_parse(&u, uri) && !sa_parse_host(&a, u.host, 0);
	return service_transport_named(conf, ep, literal ? symmetric : STR_NULL);
}

struct str service_transport_back(const struct service *svc, const struct snapshot *conf, const struct endpoint *ep,
				  const struct sip_msg *msg)
{
	struct str symmetric = service_symmetric(svc, conf, &msg->from_path);
	struct sip_addr contact;

	if (ep->rewrite_contact)        /* with the address that it came from */
		return service_transport_named(conf, ep, symmetric);
	if (!symmetric.n || sip_addr_parse(&contact, sip_hdr_value(msg, SIP_H_CONTACT)))
		return ep->transport;
	return service_transport_to(conf, ep, symmetric, contact.uri_text);
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
	if (net_is_websocket(path->proto))
		buf_put(out, STR(";transport=ws"));     /* RFC 7118 5.2.1, with TLS and without */
	else if (path->proto != NET_UDP && !sips)
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

	if (ep->media_address.n && !media_names_address(svc, ep->media_address, out))
		return;
	if (t && t->conf->external_media_address.n && !service_is_local_net(t->conf, &path->peer) &&
	    !media_names_address(svc, t->conf->external_media_address, out))
		return;
	*out = path->local;
	if (ep->rtp_ipv6)
		use_ipv6(path, out);
	sa_set_port(out, 0);
}
