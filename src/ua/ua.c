/* What all user agents of one owner share; requests are request.c's. */
#include "ua/ua.h"

void ua_init(struct ua *ua, struct sip_stack *sip, struct digest_ctx *digest, const struct ua_ways *ways, void *arg,
	     const struct sip_lookup *lookup)
{
	*ua = (struct ua){ .sip = sip, .digest = digest, .ways = ways, .arg = arg,
		.lookup = lookup };
	list_init(&ua->requests);
	list_init(&ua->invites);
}
