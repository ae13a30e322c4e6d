/* service/common/media_names.c -- the addresses behind the names in media_address and external_media_address. */
#define LOG_MODULE "rtp"
#include "service/common/media_names.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "net/dns.h"
#include <errno.h>
#include <stdlib.h>

enum { RETRY_S = 60, LEAST_S = 30, MOST_S = 300 };

struct media_name {
	struct list link;               /* in media_names.all */
	struct service *svc;
	struct text host, of;           /* name; "endpoint 'a'": who has it first */
	bool stale, old, warned;        /* this configuration does not name it, nor did the one before; the last answer was none */
	struct dns_query *query;        /* NULL: answered */
	enum dns_type type;             /* asked for now: A, then AAAA */
	struct timer again;
	struct sa addr;                 /* unset: not known yet */
};

struct media_names {
	struct list all;
	struct map *by_host;
};

static void name_free(struct media_names *n, struct media_name *m)
{
	timer_stop(&m->again);
	if (m->query)
		dns_cancel(m->query);
	if (map_get(n->by_host, text_view(&m->host)) == m)
		map_del(n->by_host, text_view(&m->host));
	list_remove(&m->link);
	text_free(&m->host);
	text_free(&m->of);
	free(m);
}

void media_names_free(struct service *svc)
{
	struct media_names *n = svc->rtp.names;

	if (!n)
		return;
	list_each_safe(l, next, &n->all)
		name_free(n, container_of(l, struct media_name, link));
	map_free(n->by_host);
	free(n);
	svc->rtp.names = NULL;
}

/* ---- asking ------------------------------------------------------------------------------ */

static void ask(void *arg);

static void not_found(struct media_name *m, int err)
{
	if (!m->warned)
		log_warning("%s: '%s' has no address%s%s; %s", text_z(&m->of), text_z(&m->host), err && err != ENOENT ? ": " : "",
			    err && err != ENOENT ? strerror(err) : "", sa_is_set(&m->addr) ? "its last one stays in use" :
			    "until it has, SDP names the address that signalling uses");
	m->warned = true;
	timer_start(m->svc->wheel, &m->again, RETRY_S * 1000u, ask, m);
}

static void start(struct media_name *m, enum dns_type type, int err_before);

static void on_answer(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct media_name *m = arg;
	uint32_t ttl;

	m->query = NULL;
	if (!n && m->type == DNS_A && (!err || err == ENOENT)) {
		start(m, DNS_AAAA, err);
		return;
	}
	if (!n) {
		not_found(m, err);
		return;
	}
	m->addr = v[0].u.addr;
	m->warned = false;
	ttl = v[0].ttl < LEAST_S ? LEAST_S : v[0].ttl > MOST_S ? MOST_S : v[0].ttl;
	timer_start(m->svc->wheel, &m->again, ttl * 1000u, ask, m);
}

static void start(struct media_name *m, enum dns_type type, int err)
{
	struct dns *dns = m->svc->resolver.dns;

	m->type = type;
	if (!dns || dns_lookup(dns, text_view(&m->host), type, on_answer, m, &m->query))
		not_found(m, err ? err : EIO);
}

static void ask(void *arg)
{
	struct media_name *m = arg;

	if (!m->query)
		start(m, DNS_A, 0);
}

/* ---- which there are ----------------------------------------------------------------------- */

static int names_start(struct service *svc)
{
	struct media_names *n;

	if (svc->rtp.names)
		return 0;
	n = calloc(1, sizeof(*n));
	if (!n)
		return ENOMEM;
	list_init(&n->all);
	n->by_host = map_new(true);
	if (!n->by_host) {
		free(n);
		return ENOMEM;
	}
	svc->rtp.names = n;
	return 0;
}

static struct media_name *name_new(struct service *svc, struct str host, const char *kind, struct str of)
{
	struct media_name *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return NULL;
	m->svc = svc;
	list_append(&svc->rtp.names->all, &m->link);
	err = text_set(&m->host, host);
	err = err ? err : text_printf(&m->of, "%s '%.*s'", kind, STR_ARG(of));
	err = err ? err : map_add(svc->rtp.names->by_host, text_view(&m->host), m);
	if (err) {
		name_free(svc->rtp.names, m);
		return NULL;
	}
	return m;
}

static void keep(struct service *svc, struct str host, const char *kind, struct str of)
{
	struct media_name *m;
	struct sa a;

	if (!host.n || !sa_parse(&a, host))
		return;
	m = map_get(svc->rtp.names->by_host, host);
	m = m ? m : name_new(svc, host, kind, of);
	if (!m) {
		log_warning("no memory to look up '%.*s'", STR_ARG(host));
		return;
	}
	if (m->stale || (!m->query && !timer_running(&m->again))) {
		m->stale = m->warned = false;
		ask(m);
	}
}

void media_names_reload(struct service *svc)
{
	if (names_start(svc)) {
		log_warning("no memory to look up host names of media_address");
		return;
	}
	list_each(l, &svc->rtp.names->all) {
		struct media_name *m = container_of(l, struct media_name, link);

		m->old = m->stale;
		m->stale = true;
	}
	snapshot_each(endpoint, OBJECT_ENDPOINT, ep, svc->conf)
		keep(svc, ep->media_address, "media_address of endpoint", ep->name);
	snapshot_each(transport_conf, OBJECT_TRANSPORT, t, svc->conf)
		keep(svc, t->external_media_address, "external_media_address of transport", t->name);
	/* Without allow_reload a transport goes on as it was. */
	for (size_t i = 0; i < svc->transports.n; i++)
		if (svc->transports.v[i].conf)
			keep(svc, svc->transports.v[i].conf->external_media_address, "external_media_address of transport",
			     svc->transports.v[i].conf->name);
	/* Calls that began before go on naming theirs. */
	list_each_safe(l, next, &svc->rtp.names->all) {
		struct media_name *m = container_of(l, struct media_name, link);

		if (m->stale && m->old)
			name_free(svc->rtp.names, m);
	}
}

int media_names_address(const struct service *svc, struct str host, struct sa *out)
{
	const struct media_name *m;

	if (!sa_parse(out, host))
		return 0;
	m = svc->rtp.names ? map_get(svc->rtp.names->by_host, host) : NULL;
	if (!m || !sa_is_set(&m->addr))
		return ENOENT;
	*out = m->addr;
	return 0;
}
