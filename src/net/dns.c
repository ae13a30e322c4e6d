/* Names looked up by libunbound, asynchronously, on the loop. */
#define LOG_MODULE "dns"
#include "net/dns.h"
#include "base/list.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unbound.h>

/* libunbound resolves, caches and validates on a thread of its own (it can do
 * so in a process or a thread, or block). Answers come through its descriptor,
 * so callbacks run on our loop like those of any socket. */

#define TIMEOUT_MS 5000
#define NAME_MAX_BYTES 255      /* RFC 1035 2.3.4 */
#define RECORDS_MAX 64          /* more in one answer is abuse; the rest is not looked at */
#define CLASS_IN 1

struct dns {
	struct loop *loop;
	struct ub_ctx *ub;              /* held */
	uv_poll_t poll;
	struct list queries;
	uint32_t timeout_ms;
	bool processing, dead;
};

struct dns_query {
	struct list link;
	struct dns *dns;
	struct timer timer;
	int id;
	enum dns_type type;
	dns_fn *fn;
	void *arg;
	bool answering;
};

/* ---- answers ---------------------------------------------------------- */

/* The bytes of an answer come from anybody: a cursor that cannot leave them. */
struct cursor {
	const uint8_t *p;
	size_t n;
};

static int take_u16(struct cursor *c, uint16_t *v)
{
	if (c->n < 2)
		return EBADMSG;
	*v = (uint16_t)(c->p[0] << 8 | c->p[1]);
	c->p += 2;
	c->n -= 2;
	return 0;
}

static int take_string(struct cursor *c, struct str *s)
{
	if (!c->n || c->n - 1 < c->p[0])
		return EBADMSG;
	*s = str_mk((const char *)c->p + 1, c->p[0]);
	c->p += s->n + 1;
	c->n -= s->n + 1;
	return 0;
}

static bool host_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* An uncompressed name as text in `room`; the root is "". Only what may stand
 * in a host name, so that nothing else gets into URIs and logs. */
static int take_name(struct cursor *c, char room[NAME_MAX_BYTES + 1], struct str *name)
{
	size_t n = 0;
	struct str label;

	for (;;) {
		if (take_string(c, &label) || label.n > 63)
			return EBADMSG;
		if (!label.n)
			break;
		if (n + label.n + 1 > NAME_MAX_BYTES)
			return EBADMSG;
		if (n)
			room[n++] = '.';
		for (size_t i = 0; i < label.n; i++) {
			if (!host_byte(label.p[i]))
				return EBADMSG;
			room[n++] = label.p[i];
		}
	}
	*name = str_mk(room, n);
	return 0;
}

static int decode_addr(struct dns_record *r, struct cursor c, bool v6)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in4 = { .sin_family = AF_INET };

	if (c.n != (v6 ? 16u : 4u))
		return EBADMSG;
	if (v6) {
		memcpy(&in6.sin6_addr, c.p, 16);
		sa_from(&r->u.addr, (struct sockaddr *)&in6, sizeof(in6));
	} else {
		memcpy(&in4.sin_addr, c.p, 4);
		sa_from(&r->u.addr, (struct sockaddr *)&in4, sizeof(in4));
	}
	return 0;
}

static int decode_record(struct dns_record *r, enum dns_type type, struct cursor c, char room[NAME_MAX_BYTES + 1])
{
	int err = 0;

	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		return decode_addr(r, c, type == DNS_AAAA);
	case DNS_SRV:           /* RFC 2782 */
		err = take_u16(&c, &r->u.srv.priority);
		err = err ? err : take_u16(&c, &r->u.srv.weight);
		err = err ? err : take_u16(&c, &r->u.srv.port);
		return err ? err : take_name(&c, room, &r->u.srv.target);
	case DNS_NAPTR:         /* RFC 3403 4.1 */
		err = take_u16(&c, &r->u.naptr.order);
		err = err ? err : take_u16(&c, &r->u.naptr.preference);
		err = err ? err : take_string(&c, &r->u.naptr.flags);
		err = err ? err : take_string(&c, &r->u.naptr.service);
		err = err ? err : take_string(&c, &r->u.naptr.regexp);
		return err ? err : take_name(&c, room, &r->u.naptr.replacement);
	}
	return EINVAL;
}

static int judge_result(int ub_err, const struct ub_result *res)
{
	if (ub_err || !res)
		return EIO;
	if (res->bogus) {
		log_warning("the answer for %s is forged or badly signed: %s", res->qname,
			    res->why_bogus ? res->why_bogus : "");
		return EIO;
	}
	if (res->nxdomain)
		return ENOENT;
	return res->havedata || res->rcode == 0 ? 0 : EIO;
}

struct names {
	char room[RECORDS_MAX][NAME_MAX_BYTES + 1];
};

static void answer_query(struct dns_query *q, const struct ub_result *res)
{
	struct dns_record *v = calloc(RECORDS_MAX, sizeof(*v));
	struct names *names = malloc(sizeof(*names));
	size_t n = 0;

	for (size_t i = 0; v && names && res->havedata && res->data[i] && n < RECORDS_MAX; i++) {
		struct cursor c = { (const uint8_t *)res->data[i], res->len[i] > 0 ? (size_t)res->len[i] : 0 };

		v[n].ttl = res->ttl > 0 ? (uint32_t)res->ttl : 0;
		if (!decode_record(&v[n], q->type, c, names->room[n]))
			n++;
	}
	q->fn(q->arg, v && names ? 0 : ENOMEM, v, n);
	free(names);
	free(v);
}

static void query_free(struct dns_query *q)
{
	timer_stop(&q->timer);
	list_remove(&q->link);
	free(q);
}

static void on_result(void *arg, int ub_err, struct ub_result *res)
{
	struct dns_query *q = arg;
	int err = judge_result(ub_err, res);

	q->answering = true;
	if (q->dns->dead)
		err = ECANCELED;        /* dns_free() came from another callback */
	else if (err)
		q->fn(q->arg, err, NULL, 0);
	else
		answer_query(q, res);
	query_free(q);
	ub_resolve_free(res);
}

static void on_timeout(void *arg)
{
	struct dns_query *q = arg;
	dns_fn *fn = q->fn;
	void *fn_arg = q->arg;

	dns_cancel(q);
	fn(fn_arg, ETIMEDOUT, NULL, 0);
}

/* ---- questions -------------------------------------------------------- */

int dns_lookup(struct dns *d, struct str name, enum dns_type t, dns_fn *fn, void *arg, struct dns_query **out)
{
	char z[NAME_MAX_BYTES + 1];
	struct dns_query *q;
	int rc;

	if (name.n && name.p[name.n - 1] == '.')
		name.n--;
	if (!name.n || name.n >= sizeof(z))
		return EINVAL;
	for (size_t i = 0; i < name.n; i++)
		if (!host_byte(name.p[i]) && name.p[i] != '.')
			return EINVAL;
	q = calloc(1, sizeof(*q));
	if (!q)
		return ENOMEM;
	q->dns = d;
	q->type = t;
	q->fn = fn;
	q->arg = arg;
	rc = ub_resolve_async(d->ub, str_copy(z, sizeof(z), name), (int)t, CLASS_IN, q, on_result, &q->id);
	if (rc) {
		free(q);
		return rc == UB_NOMEM ? ENOMEM : EIO;
	}
	list_append(&d->queries, &q->link);
	timer_start(loop_wheel(d->loop), &q->timer, d->timeout_ms, on_timeout, q);
	if (out)
		*out = q;
	return 0;
}

void dns_cancel(struct dns_query *q)
{
	if (!q || q->answering)
		return;
	ub_cancel(q->dns->ub, q->id);
	query_free(q);
}

/* ---- life ------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void finish_dns(struct dns *d)
{
	while (!list_empty(&d->queries))
		dns_cancel(container_of(d->queries.next, struct dns_query, link));
	uv_poll_stop(&d->poll);
	ub_ctx_delete(d->ub);
	uv_close((uv_handle_t *)&d->poll, on_closed);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct dns *d = h->data;

	(void)status;
	(void)events;
	d->processing = true;
	ub_process(d->ub);
	d->processing = false;
	if (d->dead)
		finish_dns(d);
}

static int read_file(struct dns *d, struct str name, int (*fn)(struct ub_ctx *, const char *), const char *what)
{
	char path[PATH_MAX];
	bool system = str_ieq(name, STR("system"));
	int rc;

	if (!name.n)
		return 0;
	rc = fn(d->ub, system ? NULL : str_copy(path, sizeof(path), name));
	if (rc && system)       /* a container without the file: not what anybody asked for */
		log_debug(1, "no system %s file: %s", what, ub_strerror(rc));
	else if (rc)
		log_error("resolver_unbound.conf: %s = %.*s: %s", what, STR_ARG(name), ub_strerror(rc));
	return rc && !system ? EINVAL : 0;
}

static int configure_dns(struct dns *d, const struct dns_prm *prm)
{
	char server[128];
	int rc, err = ub_ctx_async(d->ub, 1) ? ENOMEM : 0;

	ub_ctx_debugout(d->ub, NULL);   /* it would write past our log */
	if (!err)
		err = read_file(d, prm->hosts, ub_ctx_hosts, "hosts");
	if (!err)
		err = read_file(d, prm->resolv, ub_ctx_resolvconf, "resolv");
	for (size_t i = 0; i < prm->nameservers && !err; i++) {
		rc = ub_ctx_set_fwd(d->ub, str_copy(server, sizeof(server), prm->nameserver[i]));
		if (rc)
			log_error("resolver_unbound.conf: nameserver = %s: %s; write ADDRESS or ADDRESS@PORT", server,
				  ub_strerror(rc));
		err = rc ? EINVAL : 0;
	}
	/* Going on without the anchor would believe what was to be checked. */
	if (!err)
		err = read_file(d, prm->ta_file, ub_ctx_add_ta_file, "ta_file");
	if (err)
		return err;
	/* libunbound refuses all of ".test" (RFC 6761 6.2), which is just where
	 * laboratories have their phones. Adding a zone also settles the context,
	 * so that a bad trust anchor is found now and not at the first question. */
	rc = ub_ctx_zone_add(d->ub, "test.", "transparent");
	if (rc)
		log_error("resolver_unbound.conf: %s%s%.*s", ub_strerror(rc), prm->ta_file.n ? "; look at ta_file = " : "",
			  STR_ARG(prm->ta_file));
	return rc ? EINVAL : 0;
}

int dns_new(struct dns **out, struct loop *l, const struct dns_prm *prm)
{
	struct dns *d = calloc(1, sizeof(*d));
	int err = ENOMEM;

	if (!d)
		return ENOMEM;
	d->loop = l;
	d->timeout_ms = prm->timeout_ms ? prm->timeout_ms : TIMEOUT_MS;
	list_init(&d->queries);
	d->ub = ub_ctx_create();
	if (d->ub)
		err = configure_dns(d, prm);
	if (!err)
		err = -uv_poll_init(loop_uv(l), &d->poll, ub_fd(d->ub));
	if (err) {
		ub_ctx_delete(d->ub);
		free(d);
		return err;
	}
	d->poll.data = d;
	uv_poll_start(&d->poll, UV_READABLE, on_poll);
	*out = d;
	return 0;
}

void dns_free(struct dns *d)
{
	if (!d || d->dead)
		return;
	d->dead = true;
	if (!d->processing)
		finish_dns(d);
}
