/* A node stands in the chain of all, and in each chain above it with a quarter of
 * the nodes of the one below. A search runs along the highest chain until the next
 * node would be too far, then one lower: about log(n) steps. */
#include "base/order.h"
#include <errno.h>
#include <stdlib.h>

#define LEVELS 12               /* 4^12 keys before searches get longer */

struct order_node {
	struct str key;
	void *value;
	unsigned levels;
	struct order_node *next[];      /* `levels` of them */
};

struct order {
	struct order_node *first[LEVELS];
};

struct order *order_new(void)
{
	return calloc(1, sizeof(struct order));
}

void order_free(struct order *o)
{
	struct order_node *next;

	for (struct order_node *n = o ? o->first[0] : NULL; n; n = next) {
		next = n->next[0];
		free(n);
	}
	free(o);
}

/* Of each chain the link behind which `key` has its place: what points at the first
 * node that is not less. */
static void find(struct order *o, struct str key, struct order_node **link[LEVELS])
{
	struct order_node **row = o->first;

	for (int i = LEVELS - 1; i >= 0; i--) {
		while (row[i] && str_cmp(row[i]->key, key) < 0)
			row = row[i]->next;
		link[i] = &row[i];
	}
}

int order_add(struct order *o, struct str key, uint64_t hash, void *value)
{
	struct order_node **link[LEVELS], *n;
	unsigned levels = 1;

	/* The low bits choose the map's slot, and would be alike for its neighbours. */
	for (hash >>= 32; levels < LEVELS && !(hash & 3); hash >>= 2)
		levels++;
	n = malloc(sizeof(*n) + levels * sizeof(n->next[0]));
	if (!n)
		return ENOMEM;
	n->key = key;
	n->value = value;
	n->levels = levels;
	find(o, key, link);
	for (unsigned i = 0; i < levels; i++) {
		n->next[i] = *link[i];
		*link[i] = n;
	}
	return 0;
}

void order_del(struct order *o, struct str key)
{
	struct order_node **link[LEVELS], *n;

	find(o, key, link);
	n = *link[0];
	for (unsigned i = 0; i < n->levels; i++)
		*link[i] = n->next[i];
	free(n);
}

void order_replace(struct order *o, struct str key, void *value)
{
	struct order_node **link[LEVELS];

	find(o, key, link);
	(*link[0])->key = key;
	(*link[0])->value = value;
}

const struct order_node *order_seek(const struct order *o, struct str key, bool equal)
{
	struct order_node *const *row = o->first;

	for (int i = LEVELS - 1; i >= 0; i--) {
		while (row[i]) {
			int c = str_cmp(row[i]->key, key);

			if (c > 0 || (c == 0 && equal))
				break;
			row = row[i]->next;
		}
	}
	return row[0];
}

const struct order_node *order_next(const struct order_node *n)
{
	return n->next[0];
}

struct str order_key(const struct order_node *n)
{
	return n->key;
}

void *order_value(const struct order_node *n)
{
	return n->value;
}
