/* base/bucket.h -- how often may each of many do something? A leaky bucket for each
 * key, in memory that does not grow: when two keys want one place, the one that
 * did least lately is forgotten and begins anew.
 * Keys are hashes under this process's secret (base/hash.h), so nobody outside can
 * choose whom to displace. Threads: any; a count may be off by one between two. */
#ifndef BASE_BUCKET_H
#define BASE_BUCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buckets;

/* `slots`: a power of two. `burst` at once, and one more each `every_us`. An obj;
 * NULL: ENOMEM. */
struct buckets *buckets_new(size_t slots, uint32_t burst, uint64_t every_us);
/* Is there one left for `key`? `now_us` comes from one clock and is never 0. */
bool buckets_have(const struct buckets *b, uint64_t key, uint64_t now_us);
/* The same, and takes it. */
bool buckets_take(struct buckets *b, uint64_t key, uint64_t now_us);
/* Forgets what `key` has taken. */
void buckets_refill(struct buckets *b, uint64_t key);

#endif
