/* service/identify_rules.h -- the identify sections by what they match: part of a
 * snapshot, made with it. Threads: a worker builds it, then any may read. */
#ifndef SERVICE_IDENTIFY_RULES_H
#define SERVICE_IDENTIFY_RULES_H

#include "net/prefix.h"
#include "service/object.h"

struct identify_rules {
	struct prefix_set nets;                 /* value: identify_conf.order */
	const struct identify_conf **header;    /* header_n with match_header, in order */
	const struct identify_conf **uri;       /* uri_n with match_request_uri */
	size_t header_n, uri_n;
};

/* Sets s->identify_rules and each section's order. ENOMEM. */
int identify_rules_build(struct snapshot *s);
/* The first section, in the configuration's order, whose networks have `peer`. NULL: none. */
const struct identify_conf *identify_rules_net(const struct snapshot *conf, const struct sa *peer);

#endif
