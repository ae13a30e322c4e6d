/* Reads and matches the rules of an access list. */
#include "net/acl.h"
#include "base/obj.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#define RULES_MAX 65536         /* a list longer than this is a mistake, not a policy */

struct rule {
	struct netmask m;
	bool permit;
};

struct acl {
	struct text name;
	struct rule *rules;     /* held */
	size_t n, cap;
};

static void acl_free(void *arg)
{
	struct acl *a = arg;

	text_free(&a->name);
	free(a->rules);
}

struct acl *acl_new(struct str name)
{
	struct acl *a = obj_new(sizeof(*a), acl_free);

	if (a && text_set(&a->name, name))
		a = obj_drop(a);
	return a;
}

struct str acl_name(const struct acl *a)
{
	return text_view(&a->name);
}

bool acl_is_empty(const struct acl *a)
{
	return !a || !a->n;
}

static uint8_t *addr_bytes(struct sa *a, unsigned *bits)
{
	*bits = sa_is_v6(a) ? 128 : 32;
	return sa_is_v6(a) ? a->u.in6.sin6_addr.s6_addr : (uint8_t *)&a->u.in4.sin_addr;
}

/* 255.255.0.0 or ffff:: as a count of bits; holes in it are an error. */
static int mask_bits(struct str s, unsigned family, uint8_t *bits)
{
	struct sa a;
	unsigned all, n = 0;
	const uint8_t *p;

	if (sa_parse_host(&a, s, 0) || a.u.s.sa_family != family)
		return EBADMSG;
	p = addr_bytes(&a, &all);
	while (n < all && p[n / 8] & (0x80u >> n % 8))
		n++;
	for (unsigned i = n; i < all; i++)
		if (p[i / 8] & (0x80u >> i % 8))
			return EBADMSG;
	*bits = (uint8_t)n;
	return 0;
}

int netmask_parse(struct netmask *m, struct str s)
{
	struct netmask r = { .invert = false };
	struct str host, mask;
	uint32_t bits;
	unsigned all;

	s = str_trim(s);
	while (s.n && s.p[0] == '!') {
		r.invert = !r.invert;
		s = str_trim(str_skip(s, 1));
	}
	mask = s;
	host = str_trim(str_cut_raw(&mask, '/'));
	if (sa_parse(&r.base, host))
		return EBADMSG;
	r.port = sa_port(&r.base);
	sa_set_port(&r.base, 0);
	addr_bytes(&r.base, &all);
	r.bits = (uint8_t)all;
	if (host.n != s.n && str_chr(s, '/') < s.n) {
		mask = str_trim(mask);
		if (!str_u32(mask, &bits)) {
			if (bits > all)
				return EBADMSG;
			r.bits = (uint8_t)bits;
		} else if (mask_bits(mask, r.base.u.s.sa_family, &r.bits)) {
			return EBADMSG;
		}
	}
	sa_mask_host(&r.base, r.bits);
	*m = r;
	return 0;
}

struct sa netmask_mask(const struct netmask *m)
{
	struct sa mask = m->base;
	uint8_t *bytes = sa_is_v6(&mask) ? mask.u.in6.sin6_addr.s6_addr : (uint8_t *)&mask.u.in4.sin_addr;

	for (unsigned n = 0; n < (sa_is_v6(&mask) ? 16u : 4u); n++)
		bytes[n] = (uint8_t)(m->bits >= 8 * (n + 1) ? 0xff : m->bits <= 8 * n ? 0 : 0xff00 >> (m->bits - 8 * n));
	return mask;
}

bool netmask_has(const struct netmask *m, const struct sa *peer)
{
	unsigned all, whole = m->bits / 8, rest = m->bits % 8;
	struct sa base = m->base, a = *peer;
	const uint8_t *p, *q;

	if (base.u.s.sa_family != a.u.s.sa_family || (m->port && m->port != sa_port(peer)))
		return false;
	p = addr_bytes(&base, &all);
	q = addr_bytes(&a, &all);
	if (memcmp(p, q, whole))
		return false;
	return !rest || ((p[whole] ^ q[whole]) & (0xff00u >> rest & 0xff)) == 0;
}

static int rule_add(struct acl *a, struct rule r)
{
	if (a->n == a->cap) {
		size_t cap = a->cap ? a->cap * 2 : 8;
		struct rule *p;

		if (cap > RULES_MAX)
			return ENOBUFS;
		p = realloc(a->rules, cap * sizeof(*p));
		if (!p)
			return ENOMEM;
		a->rules = p;
		a->cap = cap;
	}
	a->rules[a->n++] = r;
	return 0;
}

int acl_add(struct acl *a, bool permit, struct str value)
{
	size_t before = a->n;
	int err = str_trim(value).n ? 0 : EBADMSG;

	while (!err && value.n) {
		struct str one = str_trim(str_cut_raw(&value, ','));
		struct rule r = { .permit = permit };

		if (!one.n)
			continue;
		err = netmask_parse(&r.m, one);
		if (!err) {
			r.permit = permit != r.m.invert;
			err = rule_add(a, r);
		}
	}
	/* All of a value or nothing: half a rule set would be another policy. */
	if (err)
		a->n = before;
	return err;
}

bool acl_rule_at(const struct acl *a, size_t i, struct netmask *m, bool *permit)
{
	if (i >= a->n)
		return false;
	*m = a->rules[i].m;
	*permit = a->rules[i].permit;
	return true;
}

bool acl_permits(const struct acl *a, const struct sa *peer)
{
	/* From the end: the last that matches decides. */
	for (size_t i = a ? a->n : 0; i > 0; i--)
		if (netmask_has(&a->rules[i - 1].m, peer))
			return a->rules[i - 1].permit;
	return true;
}
