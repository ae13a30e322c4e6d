/* net/acl.h -- permit and deny lists as acl.conf and pjsip.conf write them.
 * A rule is ADDRESS[/BITS or /MASK], several separated by commas, ! inverts.
 * The last rule that matches decides; none that matches permits.
 * Threads: an acl is immutable once built, then any thread may match. */
#ifndef NET_ACL_H
#define NET_ACL_H

#include "net/address.h"

struct acl;     /* obj */

struct acl *acl_new(struct str name);                        /* NULL: ENOMEM */
struct str acl_name(const struct acl *a);
/* `value`: the text after permit= or deny=. EBADMSG: not an address. */
int acl_add(struct acl *a, bool permit, struct str value);
bool acl_is_empty(const struct acl *a);
/* Rule number i, as it was written; false: there are no more. */
struct netmask;
bool acl_rule_at(const struct acl *a, size_t i, struct netmask *m, bool *permit);
bool acl_permits(const struct acl *a, const struct sa *peer);        /* NULL permits */

/* One network, for identify's match= and local_net. "10.0.0.0/8", "::1",
 * "1.2.3.4:5060" (port 0: any). */
struct netmask {
	struct sa base;
	uint8_t bits;
	uint16_t port;
	bool invert;
};
int netmask_parse(struct netmask *m, struct str s);
struct sa netmask_mask(const struct netmask *m);              /* 255.255.0.0 of 1.2.0.0/16 */
bool netmask_has(const struct netmask *m, const struct sa *peer);    /* without invert */

#endif
