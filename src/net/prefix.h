/* net/prefix.h -- which of many networks an address lies in, without looking at each:
 * one binary search for every prefix length that occurs. Read-only once it is built.
 * Threads: any. */
#ifndef NET_PREFIX_H
#define NET_PREFIX_H

#include "net/acl.h"

struct prefix {
	uint8_t addr[16];       /* network order; 4 used by IPv4 */
	uint32_t value;         /* the caller's: smaller ones come first */
	uint8_t bits;
	bool v6;
};

enum { PREFIX_LENGTHS = 33 + 129 };

struct prefix_set {
	const struct prefix *v; /* view into the caller's rows; n of them, sorted */
	size_t n, lengths;
	struct { size_t from, to; } length[PREFIX_LENGTHS];
};

/* `m` without its port and without its "not". */
void prefix_of(struct prefix *p, const struct netmask *m, uint32_t value);
/* Sorts `v`, which lives as long as the set. */
void prefix_set_build(struct prefix_set *s, struct prefix *v, size_t n);
/* The smallest value of the networks that hold `a` and for which fits() is true.
 * UINT32_MAX: none. */
uint32_t prefix_first(const struct prefix_set *s, const struct sa *a,
		      bool (*fits)(const void *arg, uint32_t value), const void *arg);

#endif
