/* Names that resolve as the program of the fuzzer says, in place of libunbound. */
#include "server_hooks.h"
#include "net/route.h"
#include <errno.h>
#include <stdlib.h>

#define QUERIES 64
#define RECORDS 12

struct dns {            /* all names are below */
	char nothing;
};

struct dns_query {
	enum dns_type type;
	unsigned key;           /* of the name */
	dns_fn *fn;             /* NULL: free */
	void *arg;
};

int __wrap_dns_lookup(struct dns *d, struct str name, enum dns_type t, dns_fn *fn, void *arg, struct dns_query **out);
void __wrap_dns_cancel(struct dns_query *q);

/* Routes are this machine's, and asking for them costs system calls: here is one. */
int __wrap_sa_source_for(const struct sa *peer, struct sa *local);

int __wrap_sa_source_for(const struct sa *peer, struct sa *local)
{
	return sa_is_v6(peer) ? ENETUNREACH : sa_parse(local, STR("10.0.0.100"));
}

size_t __wrap_sa_interfaces(struct sa *out, size_t max);

size_t __wrap_sa_interfaces(struct sa *out, size_t max)
{
	size_t n = max < 2 ? max : 2;

	if (n)
		sa_parse(&out[0], STR("10.0.0.100"));
	if (n > 1)
		sa_parse(&out[1], STR("10.0.0.101"));
	return n;
}

static struct dns dns;
static struct dns_query query[QUERIES];
static enum names_mode mode;

int __wrap_dns_lookup(struct dns *d, struct str name, enum dns_type t, dns_fn *fn, void *arg, struct dns_query **out)
{
	(void)d;
	if (!name.n || name.n > 253)
		return EINVAL;
	for (size_t i = 0; i < QUERIES; i++) {
		struct dns_query *q = &query[i];

		if (q->fn)
			continue;
		*q = (struct dns_query){ .type = t, .fn = fn, .arg = arg };
		for (size_t k = 0; k < name.n; k++)
			q->key = q->key * 31 + (unsigned char)name.p[k];
		*out = q;
		return 0;
	}
	return ENOMEM;
}

void __wrap_dns_cancel(struct dns_query *q)
{
	if (q)
		q->fn = NULL;
}

static void fill(struct dns_record *r, const struct dns_query *q, unsigned i)
{
	static const char *const services[] = { "SIP+D2U", "SIP+D2T", "SIPS+D2T", "x", "" };
	static const char *const places[] = { "_sip._udp.far.example", "_sip._tcp.far.example", "", ".", "far.example" };
	static const char *const hosts[] = { "h1.example", "h2.example", ".", "h3.example", "" };
	static const char *const v4[] = { "10.0.0.1", "10.0.0.2", "10.0.0.6", "10.0.0.9", "255.255.255.255", "0.0.0.0" };
	unsigned odd = mode == NAMES_ODD ? 1 : 0, at = q->key + i + odd * 2;

	*r = (struct dns_record){ .ttl = at % 3 * 60 };
	switch (q->type) {
	case DNS_A:
		sa_parse(&r->u.addr, str_z(v4[odd ? at % ARRAY_LEN(v4) : i % 4]));
		break;
	case DNS_AAAA:
		sa_parse(&r->u.addr, STR("2001:db8::1"));
		break;
	case DNS_SRV:
		r->u.srv.priority = (uint16_t)(at % 3);
		r->u.srv.weight = (uint16_t)(odd ? at % 7 * 9362 : at % 2);
		r->u.srv.port = (uint16_t)(odd && at % 3 == 0 ? 0 : 5060);
		r->u.srv.target = str_z(hosts[odd ? at % ARRAY_LEN(hosts) : at % 2]);
		break;
	case DNS_NAPTR:
		r->u.naptr.order = (uint16_t)(at % 4);
		r->u.naptr.preference = (uint16_t)(at % 5);
		r->u.naptr.flags = odd && at % 4 == 3 ? STR("a") : STR("s");
		r->u.naptr.service = str_z(services[odd ? at % ARRAY_LEN(services) : i % 2]);
		r->u.naptr.replacement = str_z(places[odd ? at % ARRAY_LEN(places) : i % 2]);
		break;
	}
}

static void answer(struct dns_query *q)
{
	struct dns_record v[RECORDS];
	unsigned n = mode == NAMES_EMPTY || mode == NAMES_NONE || mode == NAMES_LATE ? 0 :
		mode == NAMES_MANY ? RECORDS : mode == NAMES_ODD ? 4 : 2;
	struct dns_query asked = *q;

	/* Half of the names have no NAPTR, a third no SRV, none IPv6, as it is outside. */
	if (mode == NAMES_GOOD && ((q->type == DNS_NAPTR && q->key % 2) || (q->type == DNS_SRV && q->key % 3 == 0) ||
				   q->type == DNS_AAAA))
		n = 0;
	for (unsigned i = 0; i < n; i++)
		fill(&v[i], q, i);
	q->fn = NULL;
	hooks_library(true);
	asked.fn(asked.arg, mode == NAMES_NONE ? ENOENT : mode == NAMES_LATE ? ETIMEDOUT : 0, v, n);
	hooks_library(false);
}

struct dns *names_open(void)
{
	mode = NAMES_GOOD;
	return &dns;
}

void names_mode(enum names_mode m)
{
	mode = m;
}

bool names_answer(void)
{
	bool any = false;

	for (size_t i = 0; mode != NAMES_SLOW && i < QUERIES; i++) {
		if (query[i].fn) {
			answer(&query[i]);
			any = true;
		}
	}
	return any;
}

void names_forget(void)
{
	for (size_t i = 0; i < QUERIES; i++)
		if (query[i].fn)
			abort();        /* whoever asked is gone, its query is not */
}
