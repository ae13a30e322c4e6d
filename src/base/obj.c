/* base/obj.c -- reference counts, and in sanitizer builds the count of pointers
 * that are no references. */
#include "base/obj.h"
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct head {
	atomic_size_t refs;
	void (*free_fn)(void *);
#ifdef SIDETONE_SANITIZE
	atomic_size_t points;   /* obj_point() less obj_unpoint() */
#endif
	_Alignas(16) char body[];
};

/* File-scope, against the rule: a leak count is about the whole process. */
static atomic_size_t live;

static struct head *head_of(const void *o)
{
	return (struct head *)(void *)((char *)(size_t)o - offsetof(struct head, body));
}

void *obj_new(size_t size, void (*free_fn)(void *))
{
	/* glibc's calloc() passes its per-thread cache by; malloc() does not. */
	struct head *h = malloc(sizeof(*h) + size);

	if (!h)
		return NULL;
	memset(h->body, 0, size);       /* all of it, and the compiler would make it a calloc() again */
	atomic_init(&h->refs, 1);
	h->free_fn = free_fn;
#ifdef SIDETONE_SANITIZE
	atomic_init(&h->points, 0);
#endif
	atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
	return h->body;
}

void *obj_hold(void *o)
{
	if (o)
		atomic_fetch_add_explicit(&head_of(o)->refs, 1, memory_order_relaxed);
	return o;
}

#ifdef SIDETONE_SANITIZE
void obj_point(void *o)
{
	if (o)
		atomic_fetch_add_explicit(&head_of(o)->points, 1, memory_order_relaxed);
}

void obj_unpoint(void *o)
{
	if (o && atomic_fetch_sub_explicit(&head_of(o)->points, 1, memory_order_relaxed) == 0) {
		fprintf(stderr, "obj_unpoint: %p has no pointer left to clear\n", o);
		abort();
	}
}

static void check_unpointed(const struct head *h)
{
	size_t n = atomic_load_explicit(&h->points, memory_order_relaxed);

	if (n) {
		fprintf(stderr, "obj_drop: %p is freed while %zu callbacks still name it\n",
			(const void *)h->body, n);
		abort();
	}
}
#else
static void check_unpointed(const struct head *h) { (void)h; }
#endif

void *obj_drop(void *o)
{
	struct head *h;

	if (!o)
		return NULL;
	h = head_of(o);
	if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
		if (h->free_fn)
			h->free_fn(o);
		check_unpointed(h);
		atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
		free(h);
	}
	return NULL;
}

size_t obj_refs(const void *o)
{
	return o ? atomic_load(&head_of(o)->refs) : 0;
}

size_t obj_live(void)
{
	return atomic_load(&live);
}
