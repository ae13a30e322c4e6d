/* RFC 3263: the steps from a URI to addresses. Each asks for records by the caller's
 * look-up functions and goes on when the answer comes. */
#define LOG_MODULE "resolve"
#include "sip/resolve.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define LEAVES_MAX 16           /* host and port pairs whose addresses are looked up */
#define ADDRS_MAX 8             /* of one host */
#define SERVICES_MAX 8          /* SRV names asked for one URI */

/* RFC 3263 4.1 and RFC 7118 5: how NAPTR names the transports, how SRV does, and
 * the ports of RFC 3261 19.1.2 and RFC 7118. Rows in the order we prefer. */
static const struct proto_row {
	enum net_proto proto;
	bool secure;
	struct str naptr, srv;
	uint16_t port;
} protos[] = {
	{ NET_UDP, false, STR_INIT("SIP+D2U"), STR_INIT("_sip._udp."), 5060 },
	{ NET_TCP, false, STR_INIT("SIP+D2T"), STR_INIT("_sip._tcp."), 5060 },
	{ NET_TLS, true, STR_INIT("SIPS+D2T"), STR_INIT("_sips._tcp."), 5061 },
	{ NET_WS, false, STR_INIT("SIP+D2W"), STR_INIT("_sip._ws."), 80 },
	{ NET_WSS, true, STR_INIT("SIPS+D2W"), STR_INIT("_sips._ws."), 443 },
};

struct lookup {
	struct sip_resolve *r;
	struct dns_query *q;            /* NULL: answered, or never asked */
	unsigned at;                    /* of services or leaves */
	bool v6;
};

struct srv_name {                       /* to ask for */
	enum net_proto proto;
	struct text name;
	struct lookup lookup;
};

struct leaf {                           /* a host and port of the answer, in its order */
	enum net_proto proto;
	uint16_t port;
	struct text host;
	struct lookup lookup[2];        /* AAAA, A */
	struct sa addr[2][ADDRS_MAX];
	size_t n[2];
};

struct sip_resolve {
	struct sip_resolve_prm prm;     /* prm.uri is dead after the start */
	struct text host;
	bool secure, settled;           /* settled: only `fallback` is wanted */
	enum net_proto fallback;        /* when neither NAPTR nor SRV say */
	struct lookup naptr;
	struct srv_name service[SERVICES_MAX];
	unsigned services;
	struct leaf *leaf;              /* held, LEAVES_MAX */
	unsigned leaves, open;          /* open: lookups of this step under way */
	struct sip_target literal;
	struct timer timer;             /* for the answer that needs no lookup */
	int err;                        /* why a step gave nothing */
};

static const struct proto_row *row_of(enum net_proto p)
{
	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (protos[i].proto == p)
			return &protos[i];
	return &protos[0];
}

static bool can(const struct sip_resolve *r, enum net_proto p)
{
	return r->prm.can_v4[p] || r->prm.can_v6[p];
}

/* ---- questions -------------------------------------------------------- */

static int start_lookup(struct lookup *lk, struct str name, enum dns_type t, dns_fn *fn)
{
	const struct sip_lookup *by = lk->r->prm.lookup;

	return by->start(by->arg, name, t, fn, lk, &lk->q);
}

static void cancel_lookup(struct lookup *lk)
{
	if (lk->q)
		lk->r->prm.lookup->cancel(lk->r->prm.lookup->arg, lk->q);
	lk->q = NULL;
}

/* ---- the end ---------------------------------------------------------- */

void sip_resolve_cancel(struct sip_resolve *r)
{
	if (!r)
		return;
	timer_stop(&r->timer);
	cancel_lookup(&r->naptr);
	for (unsigned i = 0; i < r->services; i++) {
		cancel_lookup(&r->service[i].lookup);
		text_free(&r->service[i].name);
	}
	for (unsigned i = 0; i < r->leaves; i++) {
		cancel_lookup(&r->leaf[i].lookup[0]);
		cancel_lookup(&r->leaf[i].lookup[1]);
		text_free(&r->leaf[i].host);
	}
	text_free(&r->host);
	free(r->leaf);
	free(r);
}

static void finish_resolve(struct sip_resolve *r, int err, const struct sip_target *v, size_t n)
{
	sip_resolve_fn *fn = r->prm.fn;
	void *arg = r->prm.arg;

	sip_resolve_cancel(r);
	fn(arg, err, v, n);
}

static bool is_reached(const struct sip_resolve *r, const struct sa *a)
{
	const struct sip_lookup *by = r->prm.lookup;

	return !by->reaches || by->reaches(by->arg, a);
}

/* RFC 7984 4: as RFC 6724 orders them, of which this is rule 1 (no route last)
 * and the default table (IPv6 before IPv4). */
static size_t add_leaf(const struct sip_resolve *r, const struct leaf *l, bool routed, struct sip_target *v)
{
	size_t n = 0;

	for (unsigned f = 0; f < 2; f++)
		for (size_t i = 0; i < l->n[f]; i++) {
			struct sip_target t = { l->proto, l->addr[f][i] };

			sa_set_port(&t.addr, l->port);
			if (is_reached(r, &t.addr) == routed)
				v[n++] = t;
		}
	return n;
}

static void give_targets(struct sip_resolve *r)
{
	struct sip_target *v = calloc(LEAVES_MAX * 2 * ADDRS_MAX, sizeof(*v));
	size_t n = 0;

	for (unsigned i = 0; v && i < r->leaves; i++) {
		n += add_leaf(r, &r->leaf[i], true, v + n);
		n += add_leaf(r, &r->leaf[i], false, v + n);
	}
	finish_resolve(r, !v ? ENOMEM : n ? 0 : r->err ? r->err : ENOENT, v, n);
	free(v);
}

/* ---- addresses -------------------------------------------------------- */

static void on_address(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct lookup *lk = arg;
	struct sip_resolve *r = lk->r;
	struct leaf *l = &r->leaf[lk->at];
	unsigned f = lk->v6 ? 0 : 1;

	lk->q = NULL;
	if (err)
		r->err = err;
	for (size_t i = 0; i < n && l->n[f] < ADDRS_MAX; i++)
		l->addr[f][l->n[f]++] = v[i].u.addr;
	if (--r->open == 0)
		give_targets(r);
}

static void ask_address(struct sip_resolve *r, unsigned at, bool v6)
{
	struct leaf *l = &r->leaf[at];
	struct lookup *lk = &l->lookup[v6 ? 0 : 1];
	int err;

	*lk = (struct lookup){ .r = r, .at = at, .v6 = v6 };
	err = start_lookup(lk, text_view(&l->host), v6 ? DNS_AAAA : DNS_A, on_address);
	if (err)
		r->err = err == EINVAL ? ENOENT : err;
	else
		r->open++;
}

static void ask_addresses(struct sip_resolve *r)
{
	r->err = 0;
	for (unsigned i = 0; i < r->leaves; i++) {
		struct leaf *l = &r->leaf[i];
		struct sa literal;

		/* An address where SRV must have a name: against RFC 2782, but clear. */
		if (!sa_parse_host(&literal, text_view(&l->host), 0)) {
			unsigned f = sa_is_v6(&literal) ? 0 : 1;

			l->addr[f][l->n[f]++] = literal;
			continue;
		}
		if (r->prm.can_v6[l->proto])
			ask_address(r, i, true);
		if (r->prm.can_v4[l->proto])
			ask_address(r, i, false);
	}
}

static int add_host(struct sip_resolve *r, enum net_proto proto, struct str host, uint16_t port)
{
	struct leaf *l = &r->leaf[r->leaves];
	int err;

	if (r->leaves == LEAVES_MAX)
		return ENOBUFS;
	l->proto = proto;
	l->port = port;
	err = text_set(&l->host, host);
	if (!err)
		r->leaves++;
	return err;
}

/* Nothing to wait for may be left when a step could not even ask. The timer
 * keeps the promise that the callback comes later. */
static void on_nothing(void *arg)
{
	give_targets(arg);
}

static void look_up_leaves(struct sip_resolve *r)
{
	ask_addresses(r);
	if (!r->open)
		timer_start(r->prm.wheel, &r->timer, 0, on_nothing, r);
}

/* 4.2, last paragraph: no SRV, so the host itself. */
static void look_up_host(struct sip_resolve *r, uint16_t port)
{
	enum net_proto p = r->fallback;

	if (add_host(r, p, text_view(&r->host), port ? port : row_of(p)->port))
		r->err = ENOMEM;
	look_up_leaves(r);
}

/* ---- SRV -------------------------------------------------------------- */

static uint32_t random_below(uint32_t n)
{
	uint32_t v = 0;

	/* Even a short read is random enough to share load. */
	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) < 0)
		return 0;
	return v % n;
}

/* RFC 2782: among records of one priority each is drawn with a chance as its
 * weight; those of weight 0 are put first, so they have a small one. */
static void order_by_weight(struct dns_record *v, size_t n)
{
	for (size_t done = 0; done + 1 < n; done++) {
		uint32_t sum = 0, run = 0, pick;
		size_t at = done;

		for (size_t i = done; i < n; i++)
			sum += v[i].u.srv.weight;
		pick = random_below(sum + 1);
		for (size_t i = done; i < n; i++) {
			run += v[i].u.srv.weight;
			if (run >= pick) {
				at = i;
				break;
			}
		}
		if (at != done) {
			struct dns_record t = v[at];

			memmove(v + done + 1, v + done, (at - done) * sizeof(*v));
			v[done] = t;
		}
	}
}

static int by_priority(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	if (x->u.srv.priority != y->u.srv.priority)
		return x->u.srv.priority < y->u.srv.priority ? -1 : 1;
	return (x->u.srv.weight != 0) - (y->u.srv.weight != 0);
}

static void order_srv(struct dns_record *v, size_t n)
{
	size_t from = 0;

	qsort(v, n, sizeof(*v), by_priority);
	for (size_t i = 1; i <= n; i++)
		if (i == n || v[i].u.srv.priority != v[from].u.srv.priority) {
			order_by_weight(v + from, i - from);
			from = i;
		}
}

static int keep_srv(struct sip_resolve *r, unsigned at, const struct dns_record *v, size_t n)
{
	struct dns_record *sorted = calloc(n + 1, sizeof(*sorted));
	enum net_proto proto = r->service[at].proto;
	int err = sorted ? 0 : ENOMEM;

	if (!err && n) {
		memcpy(sorted, v, n * sizeof(*v));
		order_srv(sorted, n);
	}
	for (size_t i = 0; !err && i < n; i++)
		if (sorted[i].u.srv.target.n)   /* ".": decidedly not here */
			err = add_host(r, proto, sorted[i].u.srv.target, sorted[i].u.srv.port);
	free(sorted);
	return err == ENOBUFS ? 0 : err;
}

static void ask_services(struct sip_resolve *r);

static void on_srv(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct lookup *lk = arg;
	struct sip_resolve *r = lk->r;

	lk->q = NULL;
	if (!err)
		err = keep_srv(r, lk->at, v, n);
	if (err && err != ENOENT)
		log_debug(1, "SRV %s: %s", text_z(&r->service[lk->at].name), strerror(err));
	/* A "." with nothing beside it says that the service is not offered. */
	if (!err && n == 1 && !v[0].u.srv.target.n)
		r->err = ENOENT;
	r->service[lk->at].proto = NET_PROTOS;  /* asked */
	ask_services(r);
}

/* One after the other, in order of preference: mostly there is one. */
static void ask_services(struct sip_resolve *r)
{
	for (unsigned i = 0; i < r->services; i++) {
		struct srv_name *s = &r->service[i];

		if (s->proto == NET_PROTOS)
			continue;
		s->lookup = (struct lookup){ .r = r, .at = i };
		if (!start_lookup(&s->lookup, text_view(&s->name), DNS_SRV, on_srv))
			return;
		s->proto = NET_PROTOS;
	}
	if (r->leaves)
		look_up_leaves(r);
	else if (r->err == ENOENT)
		timer_start(r->prm.wheel, &r->timer, 0, on_nothing, r);
	else
		look_up_host(r, 0);
}

static int add_service(struct sip_resolve *r, enum net_proto proto, struct str prefix, struct str name)
{
	struct srv_name *s = &r->service[r->services];
	int err;

	if (r->services == SERVICES_MAX)
		return ENOBUFS;
	s->proto = proto;
	err = text_printf(&s->name, "%.*s%.*s", STR_ARG(prefix), STR_ARG(name));
	if (!err)
		r->services++;
	return err;
}

/* ---- NAPTR ------------------------------------------------------------ */

static int by_order(const void *a, const void *b)
{
	const struct dns_record *x = a, *y = b;

	if (x->u.naptr.order != y->u.naptr.order)
		return x->u.naptr.order < y->u.naptr.order ? -1 : 1;
	return (x->u.naptr.preference > y->u.naptr.preference) - (x->u.naptr.preference < y->u.naptr.preference);
}

static const struct proto_row *row_of_naptr(const struct sip_resolve *r, const struct dns_record *v)
{
	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (str_ieq(v->u.naptr.service, protos[i].naptr) && str_ieq(v->u.naptr.flags, STR("s")) &&
		    v->u.naptr.replacement.n && can(r, protos[i].proto) && (protos[i].secure || !r->secure) &&
		    (!r->settled || protos[i].proto == r->fallback))
			return &protos[i];
	return NULL;
}

/* 4.1: no NAPTR, so the SRV of the transport that is settled, or of each that we
 * have: where an Asterisk looks, in its order. */
static void all_services(struct sip_resolve *r)
{
	static const enum net_proto order[] = { NET_TLS, NET_TCP, NET_UDP };

	for (size_t i = 0; i < ARRAY_LEN(order); i++) {
		const struct proto_row *row = row_of(order[i]);

		if (r->settled ? row->proto == r->fallback :
		    can(r, row->proto) && (row->secure || !r->secure))
			add_service(r, row->proto, row->srv, text_view(&r->host));
	}
}

static void on_naptr(void *arg, int err, const struct dns_record *v, size_t n)
{
	struct sip_resolve *r = ((struct lookup *)arg)->r;
	struct dns_record *sorted = calloc(n + 1, sizeof(*sorted));

	r->naptr.q = NULL;
	if (sorted && n && !err) {
		memcpy(sorted, v, n * sizeof(*v));
		qsort(sorted, n, sizeof(*sorted), by_order);
	}
	for (size_t i = 0; sorted && !err && i < n; i++) {
		const struct proto_row *row = row_of_naptr(r, &sorted[i]);

		if (row)
			add_service(r, row->proto, STR_NULL, sorted[i].u.naptr.replacement);
	}
	free(sorted);
	if (!r->services)
		all_services(r);
	ask_services(r);
}

/* ---- the start -------------------------------------------------------- */

static void on_literal(void *arg)
{
	struct sip_resolve *r = arg;
	struct sip_target t = r->literal;

	finish_resolve(r, 0, &t, 1);
}

/* Has the URI itself settled the transport? */
static bool uri_proto(const struct sip_resolve *r, const struct sip_uri *u, enum net_proto *proto)
{
	struct str t;

	if (r->prm.fixed_proto) {
		*proto = r->prm.proto;
		return true;
	}
	if (!sip_uri_param(u, STR("transport"), &t))
		return false;
	for (int p = 0; p < NET_PROTOS; p++) {
		if (!str_ieq(t, str_z(net_proto_lower((enum net_proto)p))))
			continue;
		*proto = (enum net_proto)p;
		/* 26.2.2: in a sips URI transport=tcp means TLS over it. */
		if (r->secure && (p == NET_TCP || p == NET_UDP))
			*proto = NET_TLS;
		if (r->secure && p == NET_WS)
			*proto = NET_WSS;
		return true;
	}
	return false;
}

static void begin_resolve(struct sip_resolve *r, const struct sip_uri *u)
{
	enum net_proto proto = r->secure ? NET_TLS : NET_UDP;
	struct sip_target *t = &r->literal;

	r->settled = uri_proto(r, u, &proto);
	for (size_t i = 0; !r->settled && !can(r, proto) && i < ARRAY_LEN(protos); i++)
		if (can(r, protos[i].proto) && (protos[i].secure || !r->secure))
			proto = protos[i].proto;
	r->fallback = proto;
	t->proto = proto;
	if (!sa_parse_host(&t->addr, text_view(&r->host), u->port ? u->port : row_of(proto)->port)) {
		timer_start(r->prm.wheel, &r->timer, 0, on_literal, r);
	} else if (u->port) {
		look_up_host(r, u->port);
	} else {
		/* A settled transport needs no NAPTR to choose it (4.1), but the
		 * records may name another domain's SRV for it, and Asterisk looks. */
		r->naptr = (struct lookup){ .r = r };
		if (start_lookup(&r->naptr, text_view(&r->host), DNS_NAPTR, on_naptr)) {
			all_services(r);
			ask_services(r);
		}
	}
}

int sip_resolve_start(const struct sip_resolve_prm *prm, struct sip_resolve **out)
{
	struct sip_resolve *r;
	struct str host = prm->uri->host, maddr;
	int err;

	if (!prm->lookup || !sip_uri_is_sip(prm->uri))
		return EINVAL;
	/* RFC 3263 4: maddr, when there is one, is the target. */
	if (sip_uri_param(prm->uri, STR("maddr"), &maddr) && maddr.n)
		host = maddr;
	if (!host.n)
		return EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return ENOMEM;
	r->prm = *prm;
	r->secure = sip_uri_is_sips(prm->uri);
	r->leaf = calloc(LEAVES_MAX, sizeof(*r->leaf));
	err = r->leaf ? text_set(&r->host, host) : ENOMEM;
	if (err) {
		sip_resolve_cancel(r);
		return err;
	}
	begin_resolve(r, prm->uri);
	r->prm.uri = NULL;
	if (out)
		*out = r;
	return 0;
}
