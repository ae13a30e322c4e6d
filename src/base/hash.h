/* base/hash.h -- keyed hashing and a map from a view to a pointer.
 * The key is SipHash-1-3 under a secret drawn at start, so nobody outside can
 * choose colliding keys. Threads: a map has one owner. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/str.h"

uint64_t hash_str(struct str s);
uint64_t hash_istr(struct str s);     /* ASCII case folded */
uint64_t hash_mem(const void *p, size_t n);

/* The map stores the key view, not its bytes: they must live as long as the
 * entry (normally they are a field of the value). */
struct map;

struct map *map_new(bool fold_case);  /* NULL: ENOMEM */
void map_free(struct map *m);         /* values are not touched */
size_t map_count(const struct map *m);
void *map_get(const struct map *m, struct str key);
/* EEXIST when the key is there (nothing changes), ENOMEM. */
int map_add(struct map *m, struct str key, void *value);
/* Replaces; *old (may be NULL) gets the previous value or NULL. */
int map_set(struct map *m, struct str key, void *value, void **old);
void *map_del(struct map *m, struct str key);        /* the value, or NULL */

/* for (size_t it = 0; (v = map_next(m, &it)); ) ...; deleting the value just
 * returned is allowed, adding is not. Order is arbitrary. */
void *map_next(const struct map *m, size_t *it);
/* All values sorted by key (memcmp); *n of them; free() the array. */
void **map_sorted(const struct map *m, size_t *n);

#endif
