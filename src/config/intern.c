/* A hash table of the strings and bytes that a configuration has already kept. */
#include "config/intern.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>

/* Both kinds in one table: a string is bytes whose size does not count its NUL. */
struct slot {
	uint64_t hash;
	const void *p;
	size_t n;
};

struct intern {
	struct arena *arena;    /* view */
	struct slot *slot;      /* held */
	size_t mask, used;
};

struct intern *intern_new(struct arena *a)
{
	struct intern *i = calloc(1, sizeof(*i));

	if (i)
		i->arena = a;
	return i;
}

void intern_free(struct intern *i)
{
	if (!i)
		return;
	free(i->slot);
	free(i);
}

static int grow_slots(struct intern *i)
{
	size_t old_n = i->slot ? i->mask + 1 : 0, n = old_n ? old_n * 2 : 256;
	struct slot *fresh = calloc(n, sizeof(*fresh));

	if (!fresh)
		return ENOMEM;
	for (size_t k = 0; k < old_n; k++) {
		size_t at = i->slot[k].hash & (n - 1);

		if (!i->slot[k].p)
			continue;
		while (fresh[at].p)
			at = (at + 1) & (n - 1);
		fresh[at] = i->slot[k];
	}
	free(i->slot);
	i->slot = fresh;
	i->mask = n - 1;
	return 0;
}

/* `salt` keeps a string apart from raw bytes that look the same but lack its NUL. */
static struct slot *find_slot(struct intern *i, const void *p, size_t n, uint64_t salt)
{
	uint64_t h = hash_mem(p, n) ^ salt;
	size_t at;

	if (i->used * 4 >= (i->slot ? i->mask + 1 : 0) * 3 && grow_slots(i))
		return NULL;
	for (at = h & i->mask; i->slot[at].p; at = (at + 1) & i->mask)
		if (i->slot[at].hash == h && i->slot[at].n == n && !memcmp(i->slot[at].p, p, n))
			return &i->slot[at];
	i->slot[at].hash = h;
	i->slot[at].n = n;
	return &i->slot[at];
}

struct str intern_str(struct intern *i, struct str s, int *err)
{
	struct slot *e;

	if (!s.n)
		return STR("");
	e = find_slot(i, s.p, s.n, 1);
	if (e && !e->p) {
		e->p = arena_dup(i->arena, s).p;
		i->used += e->p != NULL;
	}
	if (!e || !e->p) {
		*err = ENOMEM;
		return STR("");
	}
	return str_mk(e->p, s.n);
}

const void *intern_mem(struct intern *i, const void *p, size_t size)
{
	struct slot *e = find_slot(i, p, size, 0);
	void *copy;

	if (!e || e->p)
		return e ? e->p : NULL;
	copy = arena_alloc(i->arena, size);
	if (copy)
		memcpy(copy, p, size);
	e->p = copy;
	i->used += copy != NULL;
	return copy;
}

int intern_list(struct intern *i, struct str_list *l)
{
	if (!l->n)
		return 0;
	l->v = intern_mem(i, l->v, l->n * sizeof(*l->v));
	return l->v ? 0 : ENOMEM;
}

bool str_list_has(const struct str_list *l, struct str s)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i], s))
			return true;
	return false;
}

void str_list_write(struct buf *b, const struct str_list *l, char sep)
{
	for (size_t i = 0; i < l->n; i++) {
		if (i)
			buf_char(b, sep);
		buf_put(b, l->v[i]);
	}
}
