/* base/fiber_sanitize.h -- what the sanitizers must be told when a thread changes
 * its stack; for fiber.c only. In a plain build all of it is empty.
 * ASan wants the bounds of the stack that is switched to, and the leak check must
 * look for pointers on the stacks of fibers that sleep. TSan takes each fiber for
 * a thread that the others hand over to. */
#ifndef BASE_FIBER_SANITIZE_H
#define BASE_FIBER_SANITIZE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif

/* Part of its caller: TSan counts calls and returns for each stack apart, so no
 * function may be entered on one and left on another. */
#define SHADOW __attribute__((always_inline)) static inline

struct fiber_shadow {           /* of one stack, a fiber's or the thread's own */
	void *fake;             /* ASan's, while the stack is away */
	void *tsan;             /* TSan's name for it */
	const void *bottom;
	size_t size;            /* [bytes] */
};

#if defined(FIBER_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>

SHADOW void shadow_open(struct fiber_shadow *s, const void *bottom, size_t size)
{
	s->bottom = bottom;
	s->size = size;
	__lsan_register_root_region(bottom, size);
}

SHADOW void shadow_close(struct fiber_shadow *s)
{
	__lsan_unregister_root_region(s->bottom, s->size);
	ASAN_UNPOISON_MEMORY_REGION(s->bottom, s->size);
}

/* Just before the switch. `ends`: nothing comes back to `from`. */
SHADOW void shadow_leave(struct fiber_shadow *from, struct fiber_shadow *to, int ends)
{
	__sanitizer_start_switch_fiber(ends ? NULL : &from->fake, to->bottom, to->size);
}

/* First thing on the stack that was switched to. */
SHADOW void shadow_arrive(struct fiber_shadow *self)
{
	__sanitizer_finish_switch_fiber(self->fake, NULL, NULL);
}

/* The same, once: the thread's own stack, from which the first switch came. */
SHADOW void shadow_arrive_first(struct fiber_shadow *self, struct fiber_shadow *thread)
{
	const void *bottom;
	size_t size;

	(void)self;
	__sanitizer_finish_switch_fiber(NULL, &bottom, &size);
	if (!thread->bottom)
		shadow_open(thread, bottom, size);
}

SHADOW void shadow_thread(struct fiber_shadow *thread) { (void)thread; }

#elif defined(FIBER_TSAN)
#include <sanitizer/tsan_interface.h>

SHADOW void shadow_open(struct fiber_shadow *s, const void *bottom, size_t size)
{
	(void)bottom;
	(void)size;
	s->tsan = __tsan_create_fiber(0);
}

SHADOW void shadow_close(struct fiber_shadow *s) { __tsan_destroy_fiber(s->tsan); }

SHADOW void shadow_leave(struct fiber_shadow *from, struct fiber_shadow *to, int ends)
{
	(void)from;
	(void)ends;
	__tsan_switch_to_fiber(to->tsan, 0);
}

SHADOW void shadow_arrive(struct fiber_shadow *self) { (void)self; }
SHADOW void shadow_arrive_first(struct fiber_shadow *self, struct fiber_shadow *thread)
{
	(void)self;
	(void)thread;
}

SHADOW void shadow_thread(struct fiber_shadow *thread) { thread->tsan = __tsan_get_current_fiber(); }

#else

SHADOW void shadow_open(struct fiber_shadow *s, const void *bottom, size_t size)
{
	(void)s;
	(void)bottom;
	(void)size;
}

SHADOW void shadow_close(struct fiber_shadow *s) { (void)s; }
SHADOW void shadow_leave(struct fiber_shadow *from, struct fiber_shadow *to, int ends)
{
	(void)from;
	(void)to;
	(void)ends;
}

SHADOW void shadow_arrive(struct fiber_shadow *self) { (void)self; }
SHADOW void shadow_arrive_first(struct fiber_shadow *self, struct fiber_shadow *thread)
{
	(void)self;
	(void)thread;
}

SHADOW void shadow_thread(struct fiber_shadow *thread) { (void)thread; }
#endif

#endif
