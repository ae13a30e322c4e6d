/* A hash table of the nonces whose counts are checked. */
#include "sip/nonce.h"
#include <stdlib.h>

#define WINDOW 64

void nonce_table_free(struct nonce_table *t)
{
	free(t->ring);
	free(t->bucket);
}

/* The salt is the output of a keyed hash: its low bits will do. */
static uint32_t *bucket_of(const struct nonce_table *t, uint64_t salt)
{
	return &t->bucket[salt & (t->cap - 1)];
}

struct nonce_use *nonce_find(const struct nonce_table *t, uint64_t salt)
{
	uint32_t i = t->cap ? *bucket_of(t, salt) : 0;

	while (i && t->ring[i - 1].salt != salt)
		i = t->ring[i - 1].next;
	return i ? &t->ring[i - 1] : NULL;
}

static void forget_first(struct nonce_table *t)
{
	struct nonce_use *u = &t->ring[t->first];
	uint32_t *link = bucket_of(t, u->salt);

	while (*link != t->first + 1)
		link = &t->ring[*link - 1].next;
	*link = u->next;
	if (u->issued > t->forgotten)
		t->forgotten = u->issued;
	t->first = (t->first + 1) & (t->cap - 1);
	t->count--;
}

static int grow_table(struct nonce_table *t)
{
	struct nonce_table n = *t;

	n.cap = t->cap ? t->cap * 2 : 64;
	n.first = 0;
	n.ring = malloc(n.cap * sizeof(*n.ring));
	n.bucket = calloc(n.cap, sizeof(*n.bucket));
	if (!n.ring || !n.bucket) {
		nonce_table_free(&n);
		return -1;
	}
	for (uint32_t i = 0; i < t->count; i++) {
		struct nonce_use *u = &n.ring[i];
		uint32_t *b;

		*u = t->ring[(t->first + i) & (t->cap - 1)];
		b = bucket_of(&n, u->salt);
		u->next = *b;
		*b = i + 1;
	}
	nonce_table_free(t);
	*t = n;
	return 0;
}

struct nonce_use *nonce_add(struct nonce_table *t, uint64_t salt, uint32_t issued, uint32_t now)
{
	struct nonce_use *u;
	uint32_t at, *b;

	while (t->count && now - t->ring[t->first].issued > t->longest)
		forget_first(t);
	if (t->count == t->cap) {
		if (t->cap >= NONCE_TABLE_MAX)
			forget_first(t);
		else if (grow_table(t))
			return NULL;
	}
	at = (t->first + t->count++) & (t->cap - 1);
	b = bucket_of(t, salt);
	u = &t->ring[at];
	*u = (struct nonce_use){ .salt = salt, .issued = issued, .next = *b };
	*b = at + 1;
	return u;
}

bool nonce_count_fresh(const struct nonce_use *u, uint32_t count)
{
	if (count > u->top)
		return true;
	return u->top - count < WINDOW && !(u->window >> (u->top - count) & 1);
}

void nonce_count_use(struct nonce_use *u, uint32_t count)
{
	if (count > u->top) {
		uint32_t by = count - u->top;

		u->window = by < WINDOW ? u->window << by | 1 : 1;
		u->top = count;
	} else {
		u->window |= 1ull << (u->top - count);
	}
}
