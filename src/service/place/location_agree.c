/* What contacts have said of the protection of media (security_negotiation=mediasec): learnt from
 * their answers to calls, or by a registration of ours with them, and repeated to them. */
#include "base/log.h"
#include "service/outbound/outbound.h"
#include "service/place/location.h"

struct ua_agree contact_agree(struct contact *c, const struct endpoint *ep)
{
	const struct ua_agreement *registered;

	if (!ep || ep->security_negotiation != SECURITY_MEDIASEC)
		return (struct ua_agree){ .server = NULL };
	if (!c->agreement)
		c->agreement = ua_agreement_new();
	registered = outbound_agreement(c->svc, ep->name);
	if (!c->agreement || (registered && ua_agreement_copy(c->agreement, registered)))
		log_error("out of memory: a request to %s does not say what it can", c->uri.p);
	return (struct ua_agree){ .server = c->agreement, .client = ep->security_mechanisms };
}
