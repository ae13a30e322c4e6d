#include "base/obj.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct head {
	atomic_size_t refs;
	void (*free_fn)(void *);
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
	atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
	return h->body;
}

void *obj_hold(void *o)
{
	if (o)
		atomic_fetch_add_explicit(&head_of(o)->refs, 1, memory_order_relaxed);
	return o;
}

void *obj_drop(void *o)
{
	struct head *h;

	if (!o)
		return NULL;
	h = head_of(o);
	if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
		if (h->free_fn)
			h->free_fn(o);
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
