/* store/astdb.h -- the database of DB(), `database put` and DBPut: all of it is
 * in memory, so reading and writing never wait; the store thread writes the
 * changes behind, in order. Keys are "/family/key", where key may hold further
 * slashes. Threads: the core's. */
#ifndef STORE_ASTDB_H
#define STORE_ASTDB_H

#include "base/hash.h"
#include "store/store.h"

struct astdb;

/* Makes the table and loads it. Before store_start(). */
int astdb_new(struct astdb **db, struct store *s);
void astdb_free(struct astdb *db);           /* after store_close() */
size_t astdb_count(const struct astdb *db);
/* False: no such key. *value lives until the next change. */
bool astdb_get(const struct astdb *db, struct str family, struct str key, struct str *value);
/* EINVAL: empty family or key, or one over 255 bytes; ENOMEM. */
int astdb_put(struct astdb *db, struct str family, struct str key, struct str value);
int astdb_del(struct astdb *db, struct str family, struct str key);  /* ENOENT */
/* All below family (and, unless empty, key). *n of them (may be NULL). */
int astdb_del_tree(struct astdb *db, struct str family, struct str key, size_t *n);
/* All below family and key, one by one in order of their keys; family empty: all.
 * `path` is "/family/key" and lives until the walk goes on, `value` until the next
 * change. The database may change during the walk. False: that was all.
 *   struct map_walk w = { 0 };
 *   while (astdb_next(db, &w, family, key, &path, &value))
 *           ...
 *   map_walk_end(&w); */
bool astdb_next(const struct astdb *db, struct map_walk *w, struct str family, struct str key, struct str *path,
		struct str *value);

#endif
