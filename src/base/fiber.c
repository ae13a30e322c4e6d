#include "base/fiber.h"
#include "base/list.h"
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/asan_interface.h>
#endif

#define ROUNDS 16       /* one fiber_run_ready() gives way after so many */
#define POOL_MAX 64     /* stacks kept for reuse; a busy PBX starts as many fibers as it ends */

struct fiber {
	struct list ready;      /* in sched.ready while awake */
	ucontext_t ctx;
	fiber_fn *fn;
	void *arg;
	char *map;              /* held: guard page and stack */
	size_t size;            /* [bytes] of the stack, without the guard page */
	bool awake, done;
	void *fake;             /* ASan's shadow of this stack while it is away */
};

struct stack {
	struct stack *next;
	char *map;
};

/* One scheduler a thread: which fiber runs is a fact of the thread. */
static _Thread_local struct {
	struct list ready;
	struct fiber *current;
	ucontext_t main;
	struct stack *pool;
	size_t pooled, count;
	const void *main_bottom;
	size_t main_size;
	void *main_fake;
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

#ifdef FIBER_ASAN
	ASAN_UNPOISON_MEMORY_REGION(map + page(), size);
#endif
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
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(f->done ? NULL : &f->fake, sched.main_bottom, sched.main_size);
#endif
	swapcontext(&f->ctx, &sched.main);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(f->fake, &sched.main_bottom, &sched.main_size);
#endif
}

static void entry(void)
{
	struct fiber *f = sched.current;

#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(NULL, &sched.main_bottom, &sched.main_size);
#endif
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
	list_init(&f->ready);
	sched.count++;
	return f;
}

struct fiber *fiber_self(void)
{
	return sched.current;
}

static void resume(struct fiber *f)
{
	sched.current = f;
#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(&sched.main_fake, f->map + page(), f->size);
#endif
	swapcontext(&sched.main, &f->ctx);
#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(sched.main_fake, NULL, NULL);
#endif
	sched.current = NULL;
	if (f->done) {
		list_remove(&f->ready);
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
