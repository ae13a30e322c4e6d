/* Fibers: switching, waking, timeouts, many of them. */
#include "base/fiber.h"
#include "base/str.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct probe {
	struct fiber *f;
	unsigned steps, waits;
	bool go, done;
};

static void waiter(void *arg)
{
	struct probe *p = arg;

	assert_ptr_equal(fiber_self(), p->f);
	while (!p->go) {
		p->waits++;
		fiber_wait();
	}
	p->done = true;
}

static void runs_when_woken_and_not_before(void **state)
{
	struct probe p = { 0 };

	(void)state;
	assert_null(fiber_self());
	p.f = GOT(fiber_new(waiter, &p, 0));
	assert_non_null(p.f);
	assert_int_equal(fiber_count(), 1);
	assert_false(fiber_ready());
	fiber_run_ready();
	assert_int_equal(p.waits, 0);
	fiber_wake(p.f);
	assert_true(fiber_ready());
	assert_int_equal(p.waits, 0);           /* waking runs nothing */
	fiber_run_ready();
	assert_int_equal(p.waits, 1);
	assert_null(fiber_self());
	fiber_wake(p.f);
	fiber_wake(p.f);                        /* twice is once */
	fiber_run_ready();
	assert_int_equal(p.waits, 2);
	p.go = true;
	fiber_wake(p.f);
	fiber_run_ready();
	assert_true(p.done);
	assert_int_equal(fiber_count(), 0);
	assert_false(fiber_ready());
	fiber_wake(NULL);
}

static void early(void *arg)
{
	struct probe *p = arg;

	fiber_wake(fiber_self());       /* as a callback does that comes before the wait */
	fiber_wait();
	p->done = true;
}

static void a_wake_that_comes_early_is_kept(void **state)
{
	struct probe p = { 0 };

	(void)state;
	p.f = GOT(fiber_new(early, &p, 0));
	fiber_wake(p.f);
	fiber_run_ready();
	assert_true(p.done);
	assert_int_equal(fiber_count(), 0);
}

static char trace[64];

static void tracer(void *arg)
{
	const char *name = arg;

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(trace);

		assert_true(n + 1 < sizeof(trace));
		trace[n] = *name;
		trace[n + 1] = 0;
		fiber_wake(fiber_self());
		fiber_wait();
	}
}

static void they_take_turns_in_order(void **state)
{
	struct fiber *a = GOT(fiber_new(tracer, "a", 0)), *b = GOT(fiber_new(tracer, "b", 0)), *c = GOT(fiber_new(tracer, "c", 0));

	(void)state;
	trace[0] = 0;
	fiber_wake(b);
	fiber_wake(a);
	fiber_wake(c);
	fiber_run_ready();
	assert_string_equal(trace, "bacbacbac");
	assert_int_equal(fiber_count(), 0);
}

static void yielder(void *arg)
{
	struct probe *p = arg;

	while (!p->go) {
		p->steps++;
		fiber_wake(fiber_self());
		fiber_wait();
	}
}

/* Who only yields must not keep the loop from its sockets. */
static void an_endless_yielder_gives_way(void **state)
{
	struct probe p = { 0 };

	(void)state;
	p.f = GOT(fiber_new(yielder, &p, 0));
	fiber_wake(p.f);
	fiber_run_ready();
	assert_true(p.steps > 1 && p.steps < 1000);
	assert_true(fiber_ready());
	p.go = true;
	fiber_run_ready();
	assert_int_equal(fiber_count(), 0);
}

static void spawner(void *arg)
{
	struct probe *p = arg;

	p->f = GOT(fiber_new(early, p, 0));
	fiber_wake(p->f);
	fiber_run_ready();              /* inside a fiber this does nothing */
	assert_false(p->done);
}

static void a_fiber_may_start_another(void **state)
{
	struct probe p = { 0 };

	(void)state;
	fiber_wake(GOT(fiber_new(spawner, &p, 0)));
	fiber_run_ready();
	assert_true(p.done);
	assert_int_equal(fiber_count(), 0);
}

/* Deep enough to use most of a stack; the sum keeps the compiler from dropping it. */
__attribute__((noinline)) static unsigned deep(unsigned n)
{
	volatile char pad[512];

	pad[0] = (char)n;
	pad[511] = (char)n;
	if (n % 16 == 0) {
		fiber_wake(fiber_self());
		fiber_wait();
	}
	return n ? deep(n - 1) + (unsigned char)pad[0] - (unsigned char)pad[511] + 1 : 0;
}

static void diver(void *arg)
{
	struct probe *p = arg;

	p->steps = deep(p->steps);
	p->done = true;
}

/* Stacks keep their content over switches, come back from the pool, and the
 * sanitizer follows each switch. */
static void many_with_deep_stacks(void **state)
{
	struct probe p[200];

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
			p[i] = (struct probe){ .steps = i % 50 };
			p[i].f = GOT(fiber_new(diver, &p[i], i % 3 ? 0 : 256 * 1024));
			fiber_wake(p[i].f);
		}
		assert_int_equal(fiber_count(), ARRAY_LEN(p));
		fiber_run_ready();
		assert_int_equal(fiber_count(), 0);
		for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
			assert_true(p[i].done);
			assert_int_equal(p[i].steps, i % 50);
		}
	}
}

static void *other_thread(void *arg)
{
	struct probe p = { 0 };

	p.f = GOT(fiber_new(early, &p, 0));
	fiber_wake(p.f);
	assert_int_equal(fiber_count(), 1);
	fiber_run_ready();
	*(bool *)arg = p.done && fiber_count() == 0;
	return NULL;
}

static void each_thread_has_its_own(void **state)
{
	struct probe p = { 0 };
	bool ok = false;
	pthread_t t;

	(void)state;
	p.f = GOT(fiber_new(waiter, &p, 0));
	fiber_wake(p.f);
	assert_int_equal(pthread_create(&t, NULL, other_thread, &ok), 0);
	pthread_join(t, NULL);
	assert_true(ok);
	assert_int_equal(p.waits, 0);
	p.go = true;
	fiber_run_ready();
	assert_int_equal(fiber_count(), 0);
}

__attribute__((noinline)) static unsigned bottomless(unsigned n)
{
	volatile char pad[1024];

	pad[n % sizeof(pad)] = 1;
	if (n == UINT32_MAX)
		return 0;
	return bottomless(n + 1) + (unsigned char)pad[n % sizeof(pad)];
}

static void overflower(void *arg)
{
	*(unsigned *)arg = bottomless(0);
}

/* Past its end lies the guard page: the process dies there, and nobody else's
 * stack is written. */
static void an_overflow_hits_the_guard_page(void **state)
{
	unsigned x = 0;
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGSEGV, SIG_DFL);       /* the sanitizer's report is no news */
		fiber_wake(GOT(fiber_new(overflower, &x, 0)));
		fiber_run_ready();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_when_woken_and_not_before),
		cmocka_unit_test(a_wake_that_comes_early_is_kept),
		cmocka_unit_test(they_take_turns_in_order),
		cmocka_unit_test(an_endless_yielder_gives_way),
		cmocka_unit_test(a_fiber_may_start_another),
		cmocka_unit_test(many_with_deep_stacks),
		cmocka_unit_test(each_thread_has_its_own),
		cmocka_unit_test(an_overflow_hits_the_guard_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
