/* base/hash.h -- keyed hashing and a map from a view to a pointer.
 * The key is SipHash-1-3 under a secret drawn at start, so nobody outside can
 * choose colliding keys. Threads: a map has one owner. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/buf.h"

uint64_t hash_str(struct str s);
uint64_t hash_istr(struct str s);     /* ASCII case folded */
uint64_t hash_mem(const void *p, size_t n);

/* The map stores the key view, not its bytes: they must live as long as the
 * entry (normally they are a field of the value). */
struct map;

struct map *map_new(bool fold_case);  /* NULL: ENOMEM */
/* One that can also be walked in order of its keys, in pieces. Adding, replacing and
 * deleting then take a search of about log(n) comparisons each, and a small allocation. */
struct map *map_new_ordered(void);
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

/* A walk over a map_new_ordered() in order of its keys, during which the map may change
 * as it likes: what is there all the time comes once, what comes or goes meanwhile
 * comes once or not at all. It remembers the last key, and holds nothing else.
 *   struct map_walk w = { 0 };
 *   while ((v = map_walk_next(m, &w)))
 *           ... wait, add, delete ...
 *   map_walk_end(&w); */
struct map_walk {
	struct buf last;
	const void *at;         /* where that is, as long as nothing changed */
	uint64_t changes;
	enum { MAP_WALK_FIRST, MAP_WALK_FROM, MAP_WALK_AFTER, MAP_WALK_OVER } state;
};

/* From the first key that is not less than `key`. Before map_walk_next(). */
void map_walk_from(struct map_walk *w, struct str key);
/* NULL: that was all, or there is no memory to remember the key. */
void *map_walk_next(const struct map *m, struct map_walk *w);
void map_walk_end(struct map_walk *w);

#endif
