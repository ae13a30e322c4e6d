/* Fibers on ucontext. Whoever waits for something wakes them; net/loop runs them. */
#include "base/fiber.h"
#include "base/fiber_sanitize.h"
#include "base/list.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define ROUNDS 16       /* one fiber_run_ready() gives way after so many */
#define POOL_MAX 64     /* stacks kept for reuse; a busy PBX starts as many fibers as it ends */

struct fiber {
	struct list ready;      /* in sched.ready while awake */
	struct list all;        /* in sched.all until it ends: tools/gdb.py lists them */
	ucontext_t ctx;
	fiber_fn *fn;
	void *arg;
	char *map;              /* held: guard page and stack */
	size_t size;            /* [bytes] of the stack, without the guard page */
	bool awake, done;
	union {
		char text[FIBER_NAME];
		uint64_t word[FIBER_NAME / 8];
	} name;
	struct fiber_shadow shadow;
};

struct stack {
	struct stack *next;
	char *map;
};

/* One scheduler a thread: which fiber runs is a fact of the thread. */
static _Thread_local struct {
	struct list ready, all;
	struct fiber *current;
	ucontext_t main;
	struct stack *pool;
	size_t pooled, count;
	struct fiber_view *view;        /* not held; NULL: nobody looks */
	struct fiber_shadow shadow;     /* of the thread's own stack */
} sched;

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static char *stack_take(size_t size)
{
	char *map;

	if (size == FIBER_STACK && sched.pool) {
		struct stack *s = sched.pool;

		sched.pool = s->next;
		sched.pooled--;
		return s->map;
	}
	map = mmap(NULL, size + page(), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (mprotect(map, page(), PROT_NONE)) {
		munmap(map, size + page());
		return NULL;
	}
	return map;
}

static void stack_give(char *map, size_t size)
{
	struct stack *s;

	if (size != FIBER_STACK || sched.pooled >= POOL_MAX) {
		munmap(map, size + page());
		return;
	}
	/* The note lies at the top, in a page that the next user touches anyway. */
	s = (struct stack *)(void *)(map + page() + size - sizeof(*s));
	s->map = map;
	s->next = sched.pool;
	sched.pool = s;
	sched.pooled++;
}

void fiber_trim(void)
{
	while (sched.pool) {
		struct stack *s = sched.pool;

		sched.pool = s->next;
		munmap(s->map, FIBER_STACK + page());
	}
	sched.pooled = 0;
}

static void switch_to_main(struct fiber *f)
{
	shadow_leave(&f->shadow, &sched.shadow, f->done);
	swapcontext(&f->ctx, &sched.main);
	shadow_arrive(&f->shadow);
}

static void entry(void)
{
	struct fiber *f = sched.current;

	shadow_arrive_first(&f->shadow, &sched.shadow);
	f->fn(f->arg);
	f->done = true;
	switch_to_main(f);
}

/* Apart from fiber_new(), because getcontext() returns twice as far as the
 * compiler knows and then distrusts every local. */
static void context_make(struct fiber *f)
{
	getcontext(&f->ctx);
	f->ctx.uc_stack.ss_sp = f->map + page();
	f->ctx.uc_stack.ss_size = f->size;
	f->ctx.uc_link = NULL;
	makecontext(&f->ctx, entry, 0);
}

struct fiber *fiber_new(fiber_fn *fn, void *arg, size_t stack)
{
	struct fiber *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fn = fn;
	f->arg = arg;
	f->size = stack ? (stack + page() - 1) & ~(page() - 1) : FIBER_STACK;
	f->map = stack_take(f->size);
	if (!f->map) {
		free(f);
		return NULL;
	}
	context_make(f);
	shadow_open(&f->shadow, f->map + page(), f->size);
	list_init(&f->ready);
	if (!sched.all.next)
		list_init(&sched.all);
	list_append(&sched.all, &f->all);
	sched.count++;
	return f;
}

struct fiber *fiber_self(void)
{
	return sched.current;
}

/* ---- names ------------------------------------------------------------ */

/* Relaxed: a reader wants a hint and no order. Off a fiber the first word alone
 * says so, which keeps a switch cheap. */
static void show(const struct fiber *f)
{
	if (!sched.view)
		return;
	if (!f) {
		atomic_store_explicit(&sched.view->word[0], 0, memory_order_relaxed);
		return;
	}
	for (size_t i = 0; i < FIBER_NAME / 8; i++)
		atomic_store_explicit(&sched.view->word[i], f->name.word[i], memory_order_relaxed);
}

void fiber_set_name(struct fiber *f, const struct str *words, size_t n)
{
	size_t at = 0;

	if (!f)
		return;
	memset(&f->name, 0, sizeof(f->name));
	for (size_t i = 0; i < n; i++) {
		struct str w = str_sub(words[i], 0, FIBER_NAME - 1 - at);

		if (w.n)
			memcpy(f->name.text + at, w.p, w.n);
		at += w.n;
	}
	if (f == sched.current)
		show(f);
}

void fiber_publish(struct fiber_view *v)
{
	sched.view = v;
	show(sched.current);
}

void fiber_view_read(const struct fiber_view *v, char name[FIBER_NAME])
{
	uint64_t word[FIBER_NAME / 8];

	for (size_t i = 0; i < FIBER_NAME / 8; i++)
		word[i] = atomic_load_explicit(&v->word[i], memory_order_relaxed);
	memcpy(name, word, FIBER_NAME);
	name[FIBER_NAME - 1] = 0;
}

/* ---- running ---------------------------------------------------------- */

static void resume(struct fiber *f)
{
	sched.current = f;
	show(f);
	shadow_thread(&sched.shadow);
	shadow_leave(&sched.shadow, &f->shadow, 0);
	swapcontext(&sched.main, &f->ctx);
	shadow_arrive(&sched.shadow);
	sched.current = NULL;
	show(NULL);
	if (f->done) {
		list_remove(&f->ready);
		list_remove(&f->all);
		shadow_close(&f->shadow);
		stack_give(f->map, f->size);
		sched.count--;
		free(f);
	}
}

void fiber_wait(void)
{
	struct fiber *f = sched.current;

	if (!f)
		abort();        /* blocking the thread itself is what fibers are there to avoid */
	switch_to_main(f);      /* already awake: it stands in the queue and comes back after the others */
}

void fiber_wake(struct fiber *f)
{
	if (!f || f->awake)
		return;
	f->awake = true;
	if (!sched.ready.next)
		list_init(&sched.ready);
	list_append(&sched.ready, &f->ready);
}

size_t fiber_count(void)
{
	return sched.count;
}

bool fiber_ready(void)
{
	return sched.ready.next && !list_empty(&sched.ready);
}

/* All that stand in the queue now; who is woken meanwhile comes behind `last`. */
static void run_round(void)
{
	struct list *last = sched.ready.prev;
	bool more = true;

	while (more) {
		struct fiber *f = container_of(sched.ready.next, struct fiber, ready);

		more = &f->ready != last;
		list_remove(&f->ready);
		f->awake = false;
		resume(f);
	}
}

void fiber_run_ready(void)
{
	if (sched.current)
		return;
	/* A fiber that yields (wakes itself and waits) is always ready: without
	 * a bound it would keep the loop from its sockets. */
	for (unsigned i = 0; i < ROUNDS && fiber_ready(); i++)
		run_round();
}
