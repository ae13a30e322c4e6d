/* Requests of ours as the configuration wants them: the network that ua/ sends through,
 * and an endpoint's credentials, From and Contact. */
#define LOG_MODULE "request"
#include "service/common/request.h"
#include "base/log.h"
#include <errno.h>

enum { UDP_MOST = 1300 };       /* [bytes] RFC 3261 18.1.1 */

/* ---- the network ------------------------------------------------------------------ */

static int route(void *arg, struct net_path *path, struct str transport, const struct ua_target *to)
{
	struct service *svc = arg;
	int err = service_route(svc, path, transport, to->proto, &to->peer);

	if (!err && svc->net && net_is_secure(path->proto))
		path->host = net_host(svc->net, to->host);
	return err;
}

static int reach(void *arg, struct str transport, struct ua_reach *out)
{
	struct service *svc = arg;
	const struct service_transport *t = transport.n ? service_transport(svc, transport) : NULL;

	if (transport.n && !t)
		return ENOENT;
	out->fixed = t != NULL;
	if (t)
		out->proto = t->proto;
	for (size_t i = 0; i < svc->transports.n; i++) {
		const struct service_transport *have = &svc->transports.v[i];

		if (t && t != have)
			continue;
		out->can_v4[have->proto] |= !sa_is_v6(&have->bound);
		out->can_v6[have->proto] |= sa_is_v6(&have->bound);
	}
	return 0;
}

static bool usable(void *arg, const struct net_path *path)
{
	struct service *svc = arg;

	return !svc->net || !path->conn || net_conn_alive(svc->net, path->conn);
}

void service_ua_start(struct service *svc)
{
	static const struct ua_ways ways = { route, reach, usable };

	ua_init(&svc->ua, svc->sip, svc->digest, &ways, svc, svc->resolver.dns ? &svc->resolver.lookup : NULL);
	if (!svc->conf->system->disable_tcp_switch)
		svc->ua.tcp_from = UDP_MOST;
}

/* ---- credentials ------------------------------------------------------------------ */

/* The object made for this realm, else the first for any (empty or *). */
static const struct auth_conf *auth_for(const struct auth_list *auths, struct str realm)
{
	for (size_t i = 0; i < auths->n; i++)
		if (str_eq(auths->v[i]->realm, realm))
			return auths->v[i];
	for (size_t i = 0; i < auths->n; i++)
		if (!auths->v[i]->realm.n || str_eq(auths->v[i]->realm, STR("*")))
			return auths->v[i];
	return NULL;
}

static bool credentials(void *arg, struct str realm, struct ua_credentials *out)
{
	const struct auth_conf *a = auth_for(arg, realm);

	if (!a)
		return false;
	out->username = a->username;
	out->password = a->password.s;
	for (size_t i = 0; i < DIGEST_ALGS; i++)
		out->ha1[i] = a->ha1[i].s;
	for (size_t i = 0; i < a->supported_algorithms_uac.n; i++)
		out->supports[a->supported_algorithms_uac.v[i]] = true;
	return true;
}

void service_request_auths(struct ua_request_prm *prm, const struct auth_list *auths)
{
	prm->credentials = auths->n ? credentials : NULL;
	prm->credentials_arg = (void *)(uintptr_t)auths;
}

struct ua_request_prm service_request_prm(struct snapshot *conf, const struct endpoint *ep)
{
	struct ua_request_prm prm = { .hold = conf, .context = ep };

	if (ep) {
		prm.transport = ep->transport;
		service_request_auths(&prm, &ep->outbound_auths);
	}
	return prm;
}

void service_send_ack(struct service *svc, const struct ua_request_prm *prm)
{
	if (ua_request_send(&svc->ua, prm, NULL))
		log_error("out of memory: an ACK is not sent");
}

struct service *service_of_request(const struct ua_request *rq)
{
	return ua_request_ua(rq)->arg;
}

const struct endpoint *service_endpoint_of_request(const struct ua_request *rq)
{
	return ua_request_context(rq);
}

/* ---- requests of our own --------------------------------------------------------- */

static void write_from(struct str user, const struct endpoint *ep, const struct net_path *path, struct buf *b)
{
	buf_put(b, STR("sip:"));
	sip_escape_user(b, user);
	if (user.n)
		buf_char(b, '@');
	if (ep && ep->from_domain.n)
		buf_put(b, ep->from_domain);
	else
		sa_write_host(b, &path->local);
}

void service_from_uri(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct buf *b)
{
	write_from(ep && ep->from_user.n ? ep->from_user : svc->conf->global->default_from_user, ep, path, b);
}

static struct str from_user(struct service *svc, const struct endpoint *ep)
{
	if (!ep)
		return svc->conf->global->default_from_user;
	return ep->from_user.n ? ep->from_user : ep->name;
}

void service_request_from(struct service *svc, const struct endpoint *ep, const struct net_path *path, struct buf *b)
{
	write_from(from_user(svc, ep), ep, path, b);
}

/* RFC 3261 19.1.1, table 1: without what only leads there. */
static void write_to(struct sip_out *o, struct str uri)
{
	static const struct str not_there[] = { STR_INIT("transport"), STR_INIT("maddr"), STR_INIT("ttl"), STR_INIT("lr"),
		STR_INIT("method") };
	struct buf b = BUF_INIT;
	struct sip_uri u;
	struct str rest;

	if (sip_uri_parse(&u, uri) || !sip_uri_is_sip(&u) || (!u.port && !u.params.n))
		return;
	buf_puts(&b, STR("<"), u.scheme, STR(":"), u.user);
	if (u.password.n)
		buf_puts(&b, STR(":"), u.password);
	buf_puts(&b, u.user.n ? STR("@") : STR_NULL, u.host);
	for (rest = u.params; rest.n; ) {
		struct str one = str_cut(&rest, ';'), name = str_trim(str_sub(one, 0, str_chr(one, '=')));
		bool keep = name.n > 0;

		for (size_t i = 0; i < ARRAY_LEN(not_there); i++)
			keep &= !str_ieq(name, not_there[i]);
		if (keep)
			buf_puts(&b, STR(";"), one);
	}
	buf_char(&b, '>');
	if (!buf_err(&b))
		o->to = sip_out_dup(o, buf_view(&b));
	buf_free(&b);
}

struct sip_out *service_out(struct service *svc, enum sip_method m, const struct endpoint *ep, struct str uri,
			    struct str from)
{
	struct sip_out *o = ua_out(&svc->ua, m, uri);

	if (!o)
		return NULL;
	if (from.n) {
		char tag[SIP_TAG + 1];

		sip_token(svc->sip, tag, SIP_TAG);
		o->from = arena_cat(o->arena, from, STR(";tag="), str_z(tag));
	}
	write_to(o, o->ruri);
	o->max_forwards = (int)svc->conf->global->max_forwards;
	o->user_agent = sip_out_dup(o, text_view(&svc->names.user_agent));
	o->no_rport = svc->conf->system->disable_rport;
	if (ep && ep->outbound_proxy.n)
		o->route = arena_cat(o->arena, STR("<"), ep->outbound_proxy, STR(">"));
	return o;
}

int service_out_prepare(void *arg, struct ua_request *rq, struct sip_out *out, const struct net_path *path)
{
	struct service *svc = service_of_request(rq);
	const struct endpoint *ep = service_endpoint_of_request(rq);
	char room[512];
	struct buf b;

	(void)arg;
	buf_init(&b, room, sizeof(room), sizeof(room));
	service_sent_by(svc, path, &b);
	out->via_host = sip_out_dup(out, buf_view(&b));
	if (!out->from.n) {
		char tag[SIP_TAG + 1];

		sip_token(svc->sip, tag, SIP_TAG);
		buf_reset(&b);
		service_request_from(svc, ep, path, &b);
		out->from = arena_cat(out->arena, STR("<"), buf_view(&b), STR(">;tag="), str_z(tag));
	}
	buf_reset(&b);
	service_contact(svc, path, ep && ep->contact_user.n ? ep->contact_user : from_user(svc, ep), false, &b);
	out->contact = sip_out_dup(out, buf_view(&b));
	return buf_err(&b);
}
