/* net/record.h -- what a name server answers, by value. Whoever asks may do so
 * without net/dns.h and its resolver. Threads: touches only its arguments. */
#ifndef NET_RECORD_H
#define NET_RECORD_H

#include "net/address.h"

enum dns_type { DNS_A = 1, DNS_AAAA = 28, DNS_SRV = 33, DNS_NAPTR = 35 };
struct dns_record {
	uint32_t ttl;
	union {
		struct sa addr;                 /* A, AAAA: port 0 */
		struct {
			uint16_t priority, weight, port;
			struct str target;
		} srv;
		struct {
			uint16_t order, preference;
			struct str flags, service, regexp, replacement;
		} naptr;
	} u;
};
/* err 0: n records (0: the name has none of that type); ENOENT: no such name;
 * ETIMEDOUT, EIO. The records live during the call. */
typedef void dns_fn(void *arg, int err, const struct dns_record *v, size_t n);
struct dns_query;       /* one that is under way; whoever answers it knows what is in it */

#endif
