/* service/common/ice.c -- rtp.conf's options of ICE at work: which of our addresses are candidates
 * and under which name, and which STUN and TURN servers are asked. */
#define LOG_MODULE "ice"
#include "service/common/ice.h"
#include "base/log.h"
#include "net/acl.h"
#include "net/dns.h"
#include "net/route.h"
#include "service/object/settings.h"
#include <errno.h>
#include <stdlib.h>

enum { STUN_PORT = 3478, LOOK_AGAIN_S = 60, MANY = 64 };
enum { STUN, TURN, SERVERS };   /* service_ice.server */

struct ice_server_conf {        /* stunaddr or turnaddr */
	struct service_ice *of;
	struct str host;                /* view into conf */
	uint16_t port;
	struct sa addr;                 /* unset: not known yet */
	enum ice_server kind;
	struct dns_query *query;
	struct timer again;
	uint32_t ttl;                   /* [s] of the last answer */
	bool failed;                    /* the last one had no address */
};

struct ice_alias {              /* [ice_host_candidates] */
	struct sa local, shown;
	bool both;
};

struct service_ice {
	struct service *svc;
	struct rtp_conf *conf;          /* held */
	struct acl *ice[8], *stun[8];   /* held: all must let an address pass */
	size_t nice, nstun;
	struct ice_server_conf server[SERVERS];
	struct ice_alias *alias;        /* owned */
	size_t naliases;
	/* Asked of the kernel at most once a second. */
	struct sa own[MANY];
	size_t nown;
	uint64_t seen_us;
	struct sa external;             /* as the STUN server last saw us */
};

/* ---- names of servers */

static void look_up(void *arg);

static void server_found(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct ice_server_conf *s = arg;
	uint32_t ttl = n ? v[0].ttl : LOOK_AGAIN_S;

	s->query = NULL;
	s->failed = !n;
	if (n) {
		char text[SA_TEXT];

		s->ttl = ttl;
		s->addr = v[0].u.addr;
		sa_set_port(&s->addr, s->port);
		debug_line(s->of->svc, DEBUG_STUN, 1, "'%.*s' of rtp.conf is %s for %u s", STR_ARG(s->host), sa_text(&s->addr, text),
			   ttl);
	} else {
		log_warning("'%.*s' of rtp.conf has no address%s%s; calls go without it until it has", STR_ARG(s->host),
			    err ? ": " : "", err ? strerror(err) : "");
	}
	/* With a TTL of 0 a call asks again, where that is wanted: look_again(). */
	if (n && !ttl)
		return;
	timer_start(s->of->svc->wheel, &s->again, (uint64_t)(ttl > LOOK_AGAIN_S || !n ? ttl : LOOK_AGAIN_S) * 1000, look_up, s);
}

static void look_up(void *arg)
{
	struct ice_server_conf *s = arg;
	struct dns *dns = s->of->svc->resolver.dns;

	if (s->query)
		return;
	timer_stop(&s->again);
	if (!dns || dns_lookup(dns, s->host, DNS_A, server_found, s, &s->query))
		log_warning("'%.*s' of rtp.conf cannot be looked up", STR_ARG(s->host));
}

/* stunaddr_reresolve_ttl_0: this call goes to where the last one did, the next has the answer. */
static void look_again(struct service_ice *i)
{
	for (unsigned k = 0; i->conf->stunaddr_reresolve_ttl_0 && k < ARRAY_LEN(i->server); k++) {
		struct ice_server_conf *s = &i->server[k];

		if (s->host.n && sa_is_set(&s->addr) && !s->ttl && !s->query)
			look_up(s);
	}
}

/* Cuts ";transport=tcp" (escaped in the file, as a ; begins a comment there) or "?transport=tcp" (RFC 7065) off a
 * TURN server. false: it is no transport of TURN. */
static bool transport_cut(struct str *text, enum ice_server *kind)
{
	struct str rest = *text, host;

	*kind = ICE_TURN;
	host = str_cut_raw(&rest, '?');
	if (!rest.n) {
		rest = *text;
		host = str_cut_raw(&rest, ';');
	}
	if (!rest.n)
		return true;
	*text = str_trim(host);
	if (!str_ieq(str_trim(str_cut_raw(&rest, '=')), STR("transport")))
		return false;
	*kind = str_ieq(str_trim(rest), STR("tcp")) ? ICE_TURN_TCP : ICE_TURN_UDP;
	return *kind == ICE_TURN_TCP || str_ieq(str_trim(rest), STR("udp"));
}

static void server_set(struct service_ice *i, unsigned which, struct str text, struct report *r)
{
	struct ice_server_conf *s = &i->server[which];
	struct str rest;
	uint32_t port = STUN_PORT;

	s->of = i;
	if (!text.n)
		return;
	if (which == TURN && !transport_cut(&text, &s->kind)) {
		report_add(r, REPORT_ERROR, STR("rtp.conf"), 0, "turnaddr: no relay is asked; after the server there may be "
			   "?transport=udp or ?transport=tcp, and nothing else");
		return;
	}
	rest = text;
	if (!sa_parse(&s->addr, text)) {
		if (!sa_port(&s->addr))
			sa_set_port(&s->addr, STUN_PORT);
		return;
	}
	s->host = str_cut_raw(&rest, ':');
	if ((rest.n && str_u32(rest, &port)) || !port || port > UINT16_MAX || !s->host.n) {
		report_add(r, REPORT_ERROR, STR("rtp.conf"), 0, "'%.*s' is no server; write a name or an address, and a port after ':'",
			   STR_ARG(text));
		s->host = STR_NULL;
		return;
	}
	s->port = (uint16_t)port;
	look_up(s);
}

/* ---- lists */

static int list_make(struct acl **out, const struct str_list *deny, const struct str_list *permit, struct report *r)
{
	struct acl *a = acl_new(STR("rtp.conf"));
	int err = a ? 0 : ENOMEM;

	for (int p = 0; !err && p < 2; p++) {
		const struct str_list *l = p ? permit : deny;

		for (size_t i = 0; !err && i < l->n; i++) {
			err = acl_add(a, p, l->v[i]);
			if (err != EBADMSG)
				continue;
			report_add(r, REPORT_ERROR, STR("rtp.conf"), 0, "'%.*s' is not an address or network; the list lets nothing pass",
				   STR_ARG(l->v[i]));
			err = acl_add(a, false, STR("0.0.0.0/0,::/0"));
		}
	}
	if (err)
		obj_drop(a);
	else
		*out = a;
	return err;
}

static int lists_set(struct acl **v, size_t max, size_t *n, const struct str_list *deny, const struct str_list *permit,
		     const struct str_list *names, const struct named_acls *acls, struct report *r)
{
	int err = list_make(&v[0], deny, permit, r);

	if (err)
		return err;
	*n = 1;
	for (size_t i = 0; i < names->n && *n < max; i++) {
		struct acl *a = acls ? named_acls_get(acls, names->v[i]) : NULL;

		if (a) {
			v[(*n)++] = obj_hold(a);
			continue;
		}
		report_add(r, REPORT_ERROR, STR("rtp.conf"), 0, "there is no acl '%.*s'; nothing passes until acl.conf has it",
			   STR_ARG(names->v[i]));
		if (acl_add(v[0], false, STR("0.0.0.0/0,::/0")))
			return ENOMEM;
	}
	return 0;
}

static bool passes(struct acl *const *v, size_t n, const struct sa *a)
{
	for (size_t i = 0; i < n; i++)
		if (!acl_permits(v[i], a))
			return false;
	return true;
}

/* "local=advertised[,include_local_address]" */
static int aliases_set(struct service_ice *i, const struct str_list *l, struct report *r)
{
	i->alias = calloc(l->n + 1, sizeof(*i->alias));
	if (!i->alias)
		return ENOMEM;
	for (size_t k = 0; k < l->n; k++) {
		struct ice_alias *a = &i->alias[i->naliases];
		struct str rest = l->v[k], local = str_trim(str_cut_raw(&rest, '=')), shown;

		rest = str_ltrim(rest);
		if (str_starts(rest, STR(">")))         /* "local => advertised" */
			rest = str_skip(rest, 1);
		shown = str_trim(str_cut_raw(&rest, ','));
		a->both = str_ieq(str_trim(rest), STR("include_local_address"));
		if (sa_parse_host(&a->local, local, 0) || sa_parse_host(&a->shown, shown, 0) ||
		    sa_is_v6(&a->local) != sa_is_v6(&a->shown) || (rest.n && !a->both)) {
			report_add(r, REPORT_ERROR, STR("rtp.conf"), 0,
				   "[ice_host_candidates] '%.*s': write LOCAL = ADVERTISED, both addresses of one family, and "
				   "',include_local_address' if both are to be offered", STR_ARG(l->v[k]));
			continue;
		}
		i->naliases++;
	}
	return 0;
}

/* ---- life */

static void ice_conf_free(struct service_ice *i)
{
	if (!i)
		return;
	for (unsigned k = 0; k < ARRAY_LEN(i->server); k++) {
		if (i->server[k].query)
			dns_cancel(i->server[k].query);
		timer_stop(&i->server[k].again);
	}
	for (size_t k = 0; k < ARRAY_LEN(i->ice); k++) {
		obj_drop(i->ice[k]);
		obj_drop(i->stun[k]);
	}
	free(i->alias);
	obj_drop(i->conf);
	free(i);
}

int service_ice_set(struct service *svc, struct rtp_conf *conf, const struct named_acls *acls, struct report *r)
{
	struct service_ice *i = calloc(1, sizeof(*i));
	int err;

	if (!i)
		return ENOMEM;
	i->svc = svc;
	i->conf = obj_hold(conf);
	err = lists_set(i->ice, ARRAY_LEN(i->ice), &i->nice, &conf->ice_deny, &conf->ice_permit, &conf->ice_acl, acls, r);
	err = err ? err : lists_set(i->stun, ARRAY_LEN(i->stun), &i->nstun, &conf->stun_deny, &conf->stun_permit, &conf->stun_acl,
				    acls, r);
	err = err ? err : aliases_set(i, &conf->ice_host_candidates, r);
	if (err) {
		ice_conf_free(i);
		return err;
	}
	if (conf->turnaddr.n && !conf->turnusername.n)
		report_add(r, REPORT_ERROR, STR("rtp.conf"), 0, "turnaddr without turnusername: no relay is asked; name the user");
	server_set(i, STUN, conf->stunaddr, r);
	server_set(i, TURN, conf->turnusername.n ? conf->turnaddr : STR_NULL, r);
	ice_conf_free(svc->rtp.ice);
	svc->rtp.ice = i;
	return 0;
}

void service_ice_free(struct service *svc)
{
	ice_conf_free(svc->rtp.ice);
	svc->rtp.ice = NULL;
}

bool service_ice_on(const struct service *svc)
{
	return svc->rtp.ice && svc->rtp.ice->conf->icesupport && svc->media;
}

bool service_ice_asks(const struct service *svc)
{
	const struct service_ice *i = svc->rtp.ice;

	return service_ice_on(svc) && (sa_is_set(&i->server[STUN].addr) || sa_is_set(&i->server[TURN].addr));
}

/* ---- what a session needs */

static void look_at_interfaces(struct service_ice *i)
{
	uint64_t now = clock_us(i->svc->clock);

	if (i->nown && now - i->seen_us < 1000000)
		return;
	i->nown = sa_interfaces(i->own, ARRAY_LEN(i->own));
	i->seen_us = now;
}

static const struct ice_alias *alias_of(const struct service_ice *i, const struct sa *local)
{
	for (size_t k = 0; k < i->naliases; k++)
		if (sa_eq_host(&i->alias[k].local, local))
			return &i->alias[k];
	return NULL;
}

static void host_put(const struct service_ice *i, struct media_ice_host *host, size_t *n, const struct sa *addr, const struct sa *shown)
{
	if (*n == SERVICE_ICE_HOSTS)
		return;
	host[*n] = (struct media_ice_host){ .addr = *addr, .no_servers = !passes(i->stun, i->nstun, addr) };
	if (shown)
		host[*n].shown = *shown;
	++*n;
}

static void host_add(const struct service_ice *i, struct media_ice_host *host, size_t *n, const struct sa *addr)
{
	const struct ice_alias *a = alias_of(i, addr);

	if (!passes(i->ice, i->nice, addr))
		return;
	if (a)
		host_put(i, host, n, addr, &a->shown);
	if (!a || a->both)
		host_put(i, host, n, addr, NULL);
}

/* Our own addresses, what c= says before all others. A loopback address is a candidate only for who
 * reaches us by one (RFC 8445 section 5.1.1.1). */
static size_t hosts_fill(struct service_ice *i, const struct sa *shown, struct media_ice_host *host)
{
	size_t n = 0;
	bool ours = false;

	look_at_interfaces(i);
	for (size_t k = 0; k < i->nown; k++)
		ours = ours || sa_eq_host(&i->own[k], shown);
	if (ours)
		host_add(i, host, &n, shown);
	for (size_t k = 0; k < i->nown; k++) {
		const struct sa *a = &i->own[k];

		if ((ours && sa_eq_host(a, shown)) || (sa_is_loopback(a) && !sa_is_loopback(shown)))
			continue;
		/* external_media_address and media_address: the router's, which passes our ports on. */
		if (!ours && sa_is_v6(a) == sa_is_v6(shown) && !sa_is_any(shown) && passes(i->ice, i->nice, a)) {
			host_put(i, host, &n, a, shown);
			ours = true;
		}
		host_add(i, host, &n, a);
	}
	return n;
}

void service_ice_fill(struct service *svc, const struct sa *shown, struct media_ice_host host[SERVICE_ICE_HOSTS],
		      struct media_ice_prm *prm)
{
	struct service_ice *i = svc->rtp.ice;

	look_again(i);
	prm->host = host;
	prm->nhosts = hosts_fill(i, shown, host);
	prm->stun = i->server[STUN].addr;
	prm->turn = i->server[TURN].addr;
	prm->turn_kind = i->server[TURN].kind;
	prm->turn_user = i->conf->turnusername;
	prm->turn_password = i->conf->turnpassword.s;
	prm->software = i->conf->stun_software_attribute;
}

/* ---- for who asks */

void service_ice_server(const struct service *svc, struct service_ice_server *out)
{
	const struct ice_server_conf *s = svc->rtp.ice ? &svc->rtp.ice->server[0] : NULL;

	if (!s)
		return;
	*out = (struct service_ice_server){ .host = s->host, .port = s->host.n ? s->port : sa_port(&s->addr), .addr = s->addr,
		.ttl = s->ttl, .again = s->query || timer_running(&s->again), .failed = s->failed, .external = svc->rtp.ice->external };
}

int service_ice_resolve(struct service *svc)
{
	struct ice_server_conf *s = svc->rtp.ice ? &svc->rtp.ice->server[0] : NULL;

	if (!s || !s->host.n)
		return ENOENT;
	look_up(s);
	return s->query || sa_is_set(&s->addr) ? 0 : EIO;
}

void service_ice_seen(struct service *svc, const struct sa *external)
{
	if (svc->rtp.ice)
		svc->rtp.ice->external = *external;
}
