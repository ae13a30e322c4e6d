/* The identify sections of a configuration, by what they match, so that a request is not
 * compared with each of them. Host names come and go: identify_hosts.c. */
#include "service/identify_rules.h"
#include <errno.h>

static struct identify_conf *rule_at(const struct snapshot *s, size_t i)
{
	return (struct identify_conf *)(void *)s->list[OBJECT_IDENTIFY].v[i];
}

/* Networks that are not "not": those only keep their own section from matching. */
static size_t add_nets(struct prefix *rows, size_t at, const struct identify_conf *r)
{
	for (size_t i = 0; i < r->net_n; i++) {
		if (r->nets[i].invert)
			continue;
		if (rows)
			prefix_of(&rows[at], &r->nets[i], r->order);
		at++;
	}
	return at;
}

static int build_nets(struct snapshot *s, struct identify_rules *rules)
{
	struct prefix *rows;
	size_t n = 0, at = 0;

	for (size_t i = 0; i < s->list[OBJECT_IDENTIFY].n; i++)
		n = add_nets(NULL, n, rule_at(s, i));
	rows = arena_alloc(s->arena, (n + 1) * sizeof(*rows));
	if (!rows)
		return ENOMEM;
	for (size_t i = 0; i < s->list[OBJECT_IDENTIFY].n; i++)
		if (rule_at(s, i)->endpoint_obj)
			at = add_nets(rows, at, rule_at(s, i));
	prefix_set_build(&rules->nets, rows, at);
	return 0;
}

static int build_lists(struct snapshot *s, struct identify_rules *rules)
{
	size_t n = s->list[OBJECT_IDENTIFY].n;

	rules->header = arena_alloc(s->arena, (n + 1) * sizeof(*rules->header));
	rules->uri = arena_alloc(s->arena, (n + 1) * sizeof(*rules->uri));
	if (!rules->header || !rules->uri)
		return ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct identify_conf *r = rule_at(s, i);

		if (r->endpoint_obj && r->match_header.n)
			rules->header[rules->header_n++] = r;
		if (r->endpoint_obj && r->match_request_uri.n)
			rules->uri[rules->uri_n++] = r;
	}
	return 0;
}

int identify_rules_build(struct snapshot *s)
{
	struct identify_rules *rules = arena_alloc(s->arena, sizeof(*rules));
	int err = rules ? 0 : ENOMEM;

	for (size_t i = 0; i < s->list[OBJECT_IDENTIFY].n; i++)
		rule_at(s, i)->order = (uint32_t)i;
	err = err ? err : build_nets(s, rules);
	err = err ? err : build_lists(s, rules);
	if (!err)
		s->identify_rules = rules;
	return err;
}

struct search {
	const struct snapshot *conf;
	const struct sa *peer;
};

/* The first of a section's networks that has the peer decides for the section. */
static bool section_has(const void *arg, uint32_t order)
{
	const struct search *x = arg;
	const struct identify_conf *r = rule_at(x->conf, order);

	for (size_t i = 0; i < r->net_n; i++)
		if (netmask_has(&r->nets[i], x->peer))
			return !r->nets[i].invert;
	return false;
}

const struct identify_conf *identify_rules_net(const struct snapshot *conf, const struct sa *peer)
{
	struct search x = { conf, peer };
	uint32_t order = prefix_first(&conf->identify_rules->nets, peer, section_has, &x);

	return order == UINT32_MAX ? NULL : rule_at(conf, order);
}
