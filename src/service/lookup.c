/* sip/ knows no resolver: here are the functions by which it reaches ours. */
#include "service/lookup.h"
#include "net/route.h"

static int start_query(void *arg, struct str name, enum dns_type t, dns_fn *fn, void *fn_arg,
		       struct dns_query **query)
{
	return dns_lookup(arg, name, t, fn, fn_arg, query);
}

static void cancel_query(void *arg, struct dns_query *query)
{
	(void)arg;
	dns_cancel(query);
}

static bool has_route(void *arg, const struct sa *peer)
{
	struct sa from;

	(void)arg;
	return sa_source_for(peer, &from) == 0;
}

struct sip_lookup lookup_over_dns(struct dns *d)
{
	return (struct sip_lookup){ .arg = d, .start = start_query, .cancel = cancel_query, .reaches = has_route };
}
