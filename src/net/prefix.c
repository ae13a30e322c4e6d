/* Networks sorted by length and address. The rules of a configuration know few lengths
 * (/32, /24 and two or three more), so a search costs a few comparisons however many
 * networks there are. */
#include "net/prefix.h"
#include <stdlib.h>

/* What lies outside of `p`'s length is 0: networks are compared as bytes. */
static void set_address(struct prefix *p, const struct sa *a)
{
	struct sa net = *a;

	sa_mask_host(&net, p->bits);
	p->v6 = sa_is_v6(a);
	if (p->v6)
		memcpy(p->addr, &net.u.in6.sin6_addr, 16);
	else
		memcpy(p->addr, &net.u.in4.sin_addr, 4);
}

void prefix_of(struct prefix *p, const struct netmask *m, uint32_t value)
{
	*p = (struct prefix){ .bits = m->bits, .value = value };
	set_address(p, &m->base);
}

static int compare_length(const struct prefix *p, const struct prefix *q)
{
	return p->v6 != q->v6 ? p->v6 - q->v6 : p->bits - q->bits;
}

static int compare_prefix(const void *a, const void *b)
{
	const struct prefix *p = a, *q = b;
	int c = compare_length(p, q);

	c = c ? c : memcmp(p->addr, q->addr, sizeof(p->addr));
	return c ? c : (p->value > q->value) - (p->value < q->value);
}

void prefix_set_build(struct prefix_set *s, struct prefix *v, size_t n)
{
	*s = (struct prefix_set){ .v = v, .n = n };
	if (n)
		qsort(v, n, sizeof(*v), compare_prefix);
	for (size_t i = 0; i < n; i++) {
		if (!i || compare_length(&v[i - 1], &v[i]))
			s->length[s->lengths++].from = i;
		s->length[s->lengths - 1].to = i + 1;
	}
}

/* The first of v[from..to) that is not before `p`. */
static size_t lower_bound(const struct prefix *v, size_t from, size_t to, const struct prefix *p)
{
	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (compare_prefix(&v[mid], p) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

uint32_t prefix_first(const struct prefix_set *s, const struct sa *a,
		      bool (*fits)(const void *arg, uint32_t value), const void *arg)
{
	uint32_t best = UINT32_MAX;

	for (size_t k = 0; k < s->lengths; k++) {
		size_t i = s->length[k].from, to = s->length[k].to;
		struct prefix p = { .bits = s->v[i].bits };

		if (s->v[i].v6 != sa_is_v6(a))
			continue;
		set_address(&p, a);
		for (i = lower_bound(s->v, i, to, &p); i < to && s->v[i].value < best; i++) {
			if (memcmp(s->v[i].addr, p.addr, sizeof(p.addr)))
				break;
			if (fits(arg, s->v[i].value)) {
				best = s->v[i].value;
				break;
			}
		}
	}
	return best;
}
