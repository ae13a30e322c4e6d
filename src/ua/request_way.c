/* Where a request goes: the addresses of its URI (RFC 3263), and the transports that lead there. */
#define LOG_MODULE "request"
#include "ua/request_private.h"
#include "base/log.h"
#include <errno.h>

bool ua_request_names_sips(const struct sip_out *o)
{
	return str_istarts(o->ruri, STR("sips:")) || str_istarts(sip_out_next_hop(o), STR("sips:"));
}

int ua_request_refuse_open(const struct ua_request *rq)
{
	log_warning("%.*s is a sips URI, which goes over TLS and nothing else (RFC 5630): not sent", STR_ARG(rq->out->ruri));
	return EPROTONOSUPPORT;
}

#ifdef SIDETONE_SMALL   /* a page has one way, and looks for none */
int ua_request_resolve(struct ua_request *rq)
{
	(void)rq;
	return ENOENT;
}
#else
static void on_resolved(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct ua_request *rq = arg;

	rq->resolving = NULL;
	for (size_t i = 0; !err && i < n && rq->targets < MAX_TARGETS; i++)
		rq->target[rq->targets++] = (struct ua_target){ v[i].proto, v[i].addr, text_view(&rq->host) };
	if (!err)
		err = ua_request_send_next(rq);
	if (err)
		ua_request_fail_later(rq, err);
	else
		ua_request_finish_ack(rq);
}

/* RFC 5630 3.1: what names a sips URI, or goes to one, goes over TLS at every hop. */
static bool wants_tls(const struct ua_request *rq, const struct sip_uri *next_hop)
{
	return rq->prm.secure || sip_uri_is_sips(next_hop) || str_istarts(rq->out->ruri, STR("sips:"));
}

static enum net_proto uri_proto(const struct sip_uri *u, bool secure)
{
	enum net_proto proto = NET_UDP;
	struct str t;

	if (sip_uri_param(u, STR("transport"), &t))
		for (int p = 0; p < NET_PROTOS; p++)
			if (str_ieq(t, str_z(net_proto_name((enum net_proto)p))))
				proto = (enum net_proto)p;
	if (!secure || net_is_secure(proto))
		return proto;
	return proto == NET_WS ? NET_WSS : NET_TLS;
}

/* The branch is as long as any of a transaction. */
static size_t length_of(struct ua_request *rq)
{
	struct net_bytes *bytes = sip_out_encode(rq->out, rq->ua->sip, &rq->path, STR("z9hG4bK012345678901234567890123"));
	size_t n = bytes ? bytes->n : 0;

	obj_drop(bytes);
	return n;
}

bool ua_request_prefers_tcp(struct ua_request *rq)
{
	size_t at = rq->next ? rq->next - 1 : 0, left = rq->targets - at;
	struct ua_target *v = rq->target;

	if (!rq->ua->tcp_from || rq->measured || rq->path.proto != NET_UDP || !rq->targets || rq->transport.n ||
	    length_of(rq) < rq->ua->tcp_from)
		return false;
	rq->measured = true;
	if (left > MAX_TARGETS / 2)
		left = MAX_TARGETS / 2;
	memmove(v, v + at, left * sizeof(*v));
	memcpy(v + left, v, left * sizeof(*v));
	for (size_t i = 0; i < left; i++)
		if (v[i].proto == NET_UDP)
			v[i].proto = NET_TCP;
	rq->targets = 2 * left;
	rq->next = 0;
	return true;
}

static uint16_t default_port(enum net_proto p)
{
	return p == NET_TLS ? 5061 : p == NET_WS ? 80 : p == NET_WSS ? 443 : 5060;
}

int ua_request_resolve(struct ua_request *rq)
{
	struct sip_resolve_prm rp = { 0 };
	struct ua_target *first = &rq->target[0];
	struct ua_reach reach = { 0 };
	struct sip_uri u;
	bool secure;
	struct str text = rq->prm.target.n ? rq->prm.target : sip_out_next_hop(rq->out);
	int err = sip_uri_parse(&u, text);

	if (err || !sip_uri_is_sip(&u))
		return EINVAL;
	err = rq->ua->ways->reach(rq->ua->arg, text_view(&rq->transport), &reach);
	if (err)
		return err;
	secure = wants_tls(rq, &u);
	first->proto = reach.fixed ? reach.proto : uri_proto(&u, secure);
	if (secure && !net_is_secure(first->proto))
		return ua_request_refuse_open(rq);
	err = text_set(&rq->host, u.host);
	if (err)
		return err;
	if (sa_parse_host(&first->peer, u.host, u.port ? u.port : default_port(first->proto)) == 0) {
		first->host = text_view(&rq->host);
		rq->targets = 1;
		return ua_request_send_next(rq);
	}
	if (!rq->ua->lookup)
		return ENOENT;
	rp = (struct sip_resolve_prm){ .lookup = rq->ua->lookup, .wheel = ua_request_wheel(rq), .uri = &u,
		.fixed_proto = reach.fixed || (secure && !sip_uri_is_sips(&u)), .proto = first->proto, .fn = on_resolved, .arg = rq };
	memcpy(rp.can_v4, reach.can_v4, sizeof(rp.can_v4));
	memcpy(rp.can_v6, reach.can_v6, sizeof(rp.can_v6));
	return sip_resolve_start(&rp, &rq->resolving);
}
#endif
