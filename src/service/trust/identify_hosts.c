/* Host names in match=: resolved when the configuration is applied, and again from time
 * to time, because a trunk moves. What was found last counts until there is a newer
 * answer, so neither a reload nor a name server that is away for a while shuts anybody
 * out. */
#define LOG_MODULE "identify"
#include "service/trust/identify.h"
#include "base/log.h"
#include "net/prefix.h"
#include "sip/resolve.h"
#include <errno.h>
#include <stdlib.h>

#define HOST_RETRY_MS 60000
#define HOST_REFRESH_MS 300000
#define HOST_ADDRESSES 8

struct ident_host {
	struct list link;               /* in identify_hosts.all */
	struct service *svc;
	struct text key;                /* in identify_hosts.by_key: rule, host, protocol */
	struct text rule, host;         /* identify section, name */
	enum net_proto proto;           /* of the SRV name */
	bool srv;
	bool stale;                     /* the new configuration has not named it yet */
	bool warned;                    /* the last answer was none */
	struct timer timer;             /* asks again */
	struct sip_resolve *query;      /* NULL: answered */
	struct sa addr[HOST_ADDRESSES];
	size_t n;
};

struct identify_hosts {
	struct list all;
	struct map *by_key;
	bool changed;                   /* an address came or went: the index is of before */
	struct prefix *rows;            /* owned: the addresses; value: index into `of_row` */
	struct ident_host **of_row;     /* owned */
	struct prefix_set index;
};

static void host_free(struct ident_host *h)
{
	struct identify_hosts *all = h->svc->ident_hosts;

	timer_stop(&h->timer);
	if (h->query)
		sip_resolve_cancel(h->query);
	if (h->key.n && map_get(all->by_key, text_view(&h->key)) == h)
		map_del(all->by_key, text_view(&h->key));
	list_remove(&h->link);
	all->changed = true;
	text_free(&h->key);
	text_free(&h->rule);
	text_free(&h->host);
	free(h);
}

static void index_free(struct identify_hosts *all)
{
	free(all->rows);
	free(all->of_row);
	all->rows = NULL;
	all->of_row = NULL;
	all->index = (struct prefix_set){ 0 };
}

void identify_forget_hosts(struct service *svc)
{
	struct identify_hosts *all = svc->ident_hosts;

	if (!all)
		return;
	list_each_safe(p, next, &all->all)
		host_free(container_of(p, struct ident_host, link));
	index_free(all);
	map_free(all->by_key);
	free(all);
	svc->ident_hosts = NULL;
}

static int hosts_start(struct service *svc)
{
	struct identify_hosts *all;

	if (svc->ident_hosts)
		return 0;
	all = calloc(1, sizeof(*all));
	if (!all)
		return ENOMEM;
	list_init(&all->all);
	all->by_key = map_new(false);
	if (!all->by_key) {
		free(all);
		return ENOMEM;
	}
	svc->ident_hosts = all;
	return 0;
}

/* ---- asking ------------------------------------------------------------------------- */

static void ask_host(void *arg);

/* Something else of the same name has an answer, or will. */
static bool others_know(const struct ident_host *h)
{
	list_each(p, &h->svc->ident_hosts->all) {
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
	if (!err) {
		h->n = 0;
		h->svc->ident_hosts->changed = true;
	}
	for (size_t i = 0; !err && i < n && h->n < ARRAY_LEN(h->addr); i++)
		h->addr[h->n++] = v[i].addr;
	timer_start(h->svc->wheel, &h->timer, err ? HOST_RETRY_MS : HOST_REFRESH_MS, ask_host, h);
}

static void ask_host(void *arg)
{
	struct ident_host *h = arg;
	struct sip_resolve_prm prm = { .lookup = &h->svc->resolver.lookup, .wheel = h->svc->wheel,
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

/* ---- which names there are -------------------------------------------------------------- */

static struct ident_host *host_new(struct service *svc, const struct identify_conf *r, struct str host,
				   enum net_proto proto, struct str key)
{
	struct identify_hosts *all = svc->ident_hosts;
	struct ident_host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	*h = (struct ident_host){ .svc = svc, .proto = proto, .srv = r->srv_lookups };
	list_append(&all->all, &h->link);
	err = text_set(&h->rule, r->name);
	err = err ? err : text_set(&h->host, host);
	err = err ? err : text_set(&h->key, key);
	err = err ? err : map_add(all->by_key, text_view(&h->key), h);
	if (err) {
		host_free(h);
		return NULL;
	}
	return h;
}

static void keep_host(struct service *svc, const struct identify_conf *r, struct str host, enum net_proto proto)
{
	struct ident_host *h = NULL;
	struct buf key = BUF_INIT;

	/* No section's name and no host's holds a line end. */
	buf_puts(&key, r->name, STR("\n"), host, STR("\n"), str_z(net_proto_lower(proto)),
		 r->srv_lookups ? STR(" srv") : STR_NULL);
	if (!buf_err(&key)) {
		h = map_get(svc->ident_hosts->by_key, buf_view(&key));
		h = h ? h : host_new(svc, r, host, proto, buf_view(&key));
	}
	buf_free(&key);
	if (!h) {
		log_warning("identify '%.*s': no memory to look up '%.*s'", STR_ARG(r->name), STR_ARG(host));
		return;
	}
	h->stale = h->warned = false;
	ask_host(h);
}

void identify_resolve_hosts(struct service *svc)
{
	/* Where a peer may have its SRV; without SRV any one leads to the addresses. */
	static const enum net_proto protos[] = { NET_UDP, NET_TCP, NET_TLS };

	if (hosts_start(svc)) {
		log_warning("identify: no memory to look up host names in match=");
		return;
	}
	list_each(p, &svc->ident_hosts->all)
		container_of(p, struct ident_host, link)->stale = true;
	snapshot_each(identify_conf, OBJECT_IDENTIFY, r, svc->conf)
		for (size_t i = 0; svc->resolver.dns && i < r->hosts.n; i++)
			for (size_t k = 0; k < (r->srv_lookups ? ARRAY_LEN(protos) : 1); k++)
				keep_host(svc, r, r->hosts.v[i], protos[k]);
	list_each_safe(p, next, &svc->ident_hosts->all)
		if (container_of(p, struct ident_host, link)->stale)
			host_free(container_of(p, struct ident_host, link));
}

/* ---- whose address is this ---------------------------------------------------------------- */

static void index_fill(struct identify_hosts *all)
{
	size_t n = 0;

	list_each(p, &all->all) {
		struct ident_host *h = container_of(p, struct ident_host, link);

		for (size_t i = 0; i < h->n; i++, n++) {
			struct netmask whole = { .base = h->addr[i], .bits = sa_is_v6(&h->addr[i]) ? 128 : 32 };

			all->of_row[n] = h;
			prefix_of(&all->rows[n], &whole, (uint32_t)n);
		}
	}
	prefix_set_build(&all->index, all->rows, n);
}

/* ENOMEM: nobody is found by name until it can be built. */
static int index_build(struct identify_hosts *all)
{
	size_t n = 0;

	if (!all->changed)
		return 0;
	index_free(all);
	list_each(p, &all->all)
		n += container_of(p, struct ident_host, link)->n;
	all->rows = calloc(n + 1, sizeof(*all->rows));
	all->of_row = calloc(n + 1, sizeof(struct ident_host *));
	if (!all->rows || !all->of_row) {
		index_free(all);
		return ENOMEM;
	}
	index_fill(all);
	all->changed = false;
	return 0;
}

struct search {
	const struct identify_hosts *all;
	const struct snapshot *conf;
	const struct identify_conf **best;      /* the first in the configuration's order */
};

/* Looks at every name that has this address: none of them fits. */
static bool note_rule(const void *arg, uint32_t value)
{
	const struct search *x = arg;
	const struct identify_conf *r = snapshot_identify(x->conf, text_view(&x->all->of_row[value]->rule));

	if (r && r->endpoint_obj && (!*x->best || r->order < (*x->best)->order))
		*x->best = r;
	return false;
}

const struct identify_conf *identify_hosts_rule(struct service *svc, const struct snapshot *conf, const struct sa *peer)
{
	const struct identify_conf *best = NULL;
	struct search x = { .all = svc->ident_hosts, .conf = conf, .best = &best };

	if (x.all && !index_build(svc->ident_hosts))
		prefix_first(&x.all->index, peer, note_rule, &x);
	return best;
}
