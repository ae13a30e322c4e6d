/* sip/nonce.h -- which counts of which nonces were used. Private to sip/.
 * Threads: one owner. */
#ifndef SIP_NONCE_H
#define SIP_NONCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/* At most so many nonces are remembered, 32 bytes each: two seconds of 30,000
 * registrations a second. The oldest goes first, and what was issued before it
 * counts as stale from then on, so forgetting never lets a replay in. */
#define NONCE_TABLE_MAX 65536

struct nonce_use {
	uint64_t salt;
	uint64_t window;        /* bit i: count top - i was used */
	uint32_t issued;        /* [s] */
	uint32_t top;           /* the highest count used */
	uint32_t next;          /* index + 1 in the chain of its bucket; 0: end */
};

struct nonce_table {
	struct nonce_use *ring; /* held; in the order of first use */
	uint32_t *bucket;       /* held; index + 1 */
	uint32_t cap, first, count;     /* cap: a power of two, as many buckets */
	uint32_t forgotten;     /* [s] nonces issued up to here may have been used */
	uint32_t longest;       /* [s] lifetime seen */
};

void nonce_table_free(struct nonce_table *t);
/* NULL: never used. */
struct nonce_use *nonce_find(const struct nonce_table *t, uint64_t salt);
/* Remember a nonce never used before. NULL: out of memory. */
struct nonce_use *nonce_add(struct nonce_table *t, uint64_t salt, uint32_t issued, uint32_t now);
/* Has the count not been used, and is it still inside the window of 64? */
bool nonce_count_fresh(const struct nonce_use *u, uint32_t count);
void nonce_count_use(struct nonce_use *u, uint32_t count);

#endif
