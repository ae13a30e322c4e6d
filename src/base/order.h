/* base/order.h -- the keys of a map in their order (memcmp), kept up to date as they
 * come and go: a skip list (Pugh). hash.c's own; everybody else uses map_walk_next().
 * Threads: one owner. */
#ifndef BASE_ORDER_H
#define BASE_ORDER_H

#include "base/str.h"

struct order;
struct order_node;

struct order *order_new(void);       /* NULL: ENOMEM */
void order_free(struct order *o);    /* looks at no key */
/* `hash` is the key's, under the secret: nobody outside can choose how high a node
 * is. The key must not be there; its bytes live as long as the node. 0, ENOMEM. */
int order_add(struct order *o, struct str key, uint64_t hash, void *value);
void order_del(struct order *o, struct str key);
/* The entry of an equal key: its key's bytes and value are others now. */
void order_replace(struct order *o, struct str key, void *value);
/* The first whose key is greater than `key` (or equal to it, when `equal` is set); NULL: none. */
const struct order_node *order_seek(const struct order *o, struct str key, bool equal);
const struct order_node *order_next(const struct order_node *n);
struct str order_key(const struct order_node *n);
void *order_value(const struct order_node *n);

#endif
