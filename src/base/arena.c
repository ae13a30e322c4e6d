/* Memory that is given back all at once: blocks in a chain, each larger than the one before. */
#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>

struct block {
	struct block *next;
	size_t cap, used;
	_Alignas(16) char data[];
};

struct arena {
	struct block *head;
	size_t chunk, total;
	bool failed;
};

struct arena *arena_new(size_t chunk)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->chunk = chunk ? chunk : 4096;
	return a;
}

void arena_free(struct arena *a)
{
	struct block *b, *next;

	if (!a)
		return;
	for (b = a->head; b; b = next) {
		next = b->next;
		free(b);
	}
	free(a);
}

static struct block *add_block(struct arena *a, size_t n)
{
	size_t cap = n > a->chunk / 4 ? n : a->chunk;
	struct block *b = malloc(sizeof(*b) + cap);

	if (!b)
		return NULL;
	b->cap = cap;
	b->used = 0;
	a->total += sizeof(*b) + cap;
	/* A block made for one large piece goes behind the head, whose rest
	 * still serves small ones. */
	if (a->head && cap == n) {
		b->next = a->head->next;
		a->head->next = b;
	} else {
		b->next = a->head;
		a->head = b;
	}
	return b;
}

static void *take(struct arena *a, size_t n, size_t align)
{
	struct block *b = a->head;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;

	if (!b || at > b->cap || n > b->cap - at) {
		b = n > SIZE_MAX / 2 ? NULL : add_block(a, n);
		if (!b) {
			a->failed = true;
			return NULL;
		}
		at = 0;
	}
	b->used = at + n;
	return b->data + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = take(a, n ? n : 1, 16);

	return p ? memset(p, 0, n) : NULL;
}

struct str arena_dup(struct arena *a, struct str s)
{
	char *p = take(a, s.n + 1, 1);

	if (!p)
		return STR_NULL;
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = 0;
	return str_mk(p, s.n);
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		p = take(a, (size_t)n + 1, 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return p ? str_mk(p, (size_t)n) : STR_NULL;
}

struct str arena_catv(struct arena *a, const struct str *v, size_t n)
{
	size_t all = 0, at = 0;
	char *p;

	for (size_t i = 0; i < n; i++)
		all += v[i].n;
	p = take(a, all + 1, 1);
	if (!p)
		return STR_NULL;
	for (size_t i = 0; i < n; i++) {
		if (v[i].n)
			memcpy(p + at, v[i].p, v[i].n);
		at += v[i].n;
	}
	p[all] = 0;
	return str_mk(p, all);
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}

size_t arena_size(const struct arena *a)
{
	return a->total;
}
