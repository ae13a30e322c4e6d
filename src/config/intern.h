/* config/intern.h -- equal bytes kept once. Fifty thousand endpoints repeat the
 * same context, codec list and variables; a snapshot holds one of each.
 * Threads: one owner at a time. */
#ifndef CONFIG_INTERN_H
#define CONFIG_INTERN_H

#include "base/arena.h"
#include "base/buf.h"

/* A list of strings; both levels are views (into an arena). */
struct str_list {
	const struct str *v;
	uint16_t n;
};

struct intern;

/* Copies go to `a`, which must outlive every view given out. NULL: ENOMEM. */
struct intern *intern_new(struct arena *a);
void intern_free(struct intern *i);      /* only the index; what was given stays in the arena */
/* A terminated copy in the arena; the same pointer for the same bytes. Empty for
 * empty, and on ENOMEM (*err set). */
struct str intern_str(struct intern *i, struct str s, int *err);
/* `size` bytes, 8-aligned. NULL: ENOMEM. */
const void *intern_mem(struct intern *i, const void *p, size_t size);
/* The array of `l` is interned (its strings must be already). */
int intern_list(struct intern *i, struct str_list *l);

bool str_list_has(const struct str_list *l, struct str s);           /* exact */
void str_list_write(struct buf *b, const struct str_list *l, char sep);

#endif
