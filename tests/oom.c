/* tests/oom.c -- allocation failures. Linked into every test program. With
 * SIDETONE_OOM=1 in the environment the program runs each of its tests again and
 * again in a child process, and in child n the n-th allocation that src/ asks for
 * fails. docs/testing.md, "Allocation failures", says how to use it.
 *
 * A child may stop at an assertion: the code under test gave an error. What it
 * may not: crash, hang, be reported by a sanitizer, or leak. A test that stops at
 * an assertion never cleans up, so there the leak check runs on the spot, with the
 * test's stack still in place: what the test still holds is no leak. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <dirent.h>
#include <regex.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <openssl/evp.h>
#include <cmocka.h>

#define FIRST 150               /* every n up to here, then a sample */
#define SAMPLE 60
#define BUDGET 6                /* [s] of one program; what did not come to its turn is told */
#define SECONDS 120             /* of a child in which nothing fails; the others have ... */
#define SECONDS_MORE 30         /* ... these, more than a test itself waits, and five times what that one took */
#define FAULTS_MAX 10           /* of one test; the rest are likely the same */

/* Also the exit codes of a child, far from a sanitizer's 99 and from cmocka's
 * 255, with which it ends the program at an assertion of another thread. */
enum end { PASSED = 40, STOPPED, LEAKED, CRASHED, HUNG };
#define CMOCKA_EXIT 255

/* Shared with the children, who count in it. */
static struct shared {
	atomic_size_t count;    /* allocations so far */
	size_t fail_at;         /* 0: none */
	bool forever;           /* all from there on */
	bool trace;             /* print where the failing one was asked for */
	atomic_bool failed;
	bool child;
} *shared;

/* Both come with the sanitizer. */
void __lsan_do_leak_check(void) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __sanitizer_print_stack_trace(void) __attribute__((weak));

void *oom_got(void *p, const char *file, int line);
void *oom_got(void *p, const char *file, int line)
{
	_assert_true((uintmax_t)(p != NULL), "a new object", file, line);
	return p;
}

/* What oom_begin() set; there are no children then. */
static struct {
	size_t at, left;        /* left: until the one that fails; 0: none */
	bool failed, paused;
} here;

void oom_begin(size_t n);
void oom_begin(size_t n)
{
	here.at = here.left = n;
	here.failed = here.paused = false;
}

bool oom_end(void);
bool oom_end(void)
{
	here.left = 0;
	return here.failed;
}

void oom_pause(bool pause);
void oom_pause(bool pause)
{
	here.paused = pause;
}

static bool fails_here(void)
{
	if (!here.left || here.paused || --here.left)
		return false;
	here.failed = true;
	if (getenv("SIDETONE_OOM_AT") && strtoul(getenv("SIDETONE_OOM_AT"), NULL, 10) == here.at &&
	    __sanitizer_print_stack_trace)
		__sanitizer_print_stack_trace();
	errno = ENOMEM;
	return true;
}

static bool fails(void)
{
	size_t n;

	if (here.left)
		return fails_here();
	if (!shared || !shared->child)
		return false;
	n = atomic_fetch_add_explicit(&shared->count, 1, memory_order_relaxed) + 1;
	if (!shared->fail_at || n < shared->fail_at || (n > shared->fail_at && !shared->forever))
		return false;
	if (shared->trace && n == shared->fail_at && __sanitizer_print_stack_trace) {
		fprintf(stderr, "oom: allocation %zu fails, asked for here:\n", n);
		__sanitizer_print_stack_trace();
	}
	atomic_store_explicit(&shared->failed, true, memory_order_relaxed);
	errno = ENOMEM;
	return true;
}

/* One wrap a function: the linker gives it every call from src/. */
#define WRAP(type, name, none, args, ...)            \
	type __real_##name args;                     \
	type __wrap_##name args;                     \
	type __wrap_##name args                      \
	{                                            \
		return fails() ? (none) : __real_##name(__VA_ARGS__); \
	}

WRAP(void *, malloc, NULL, (size_t n), n)
WRAP(void *, calloc, NULL, (size_t n, size_t size), n, size)
WRAP(void *, realloc, NULL, (void *p, size_t n), p, n)
WRAP(void *, reallocarray, NULL, (void *p, size_t n, size_t size), p, n, size)
WRAP(void *, aligned_alloc, NULL, (size_t align, size_t n), align, n)
WRAP(void *, mmap, MAP_FAILED, (void *at, size_t n, int prot, int flags, int fd, off_t off), at, n, prot, flags,
     fd, off)
WRAP(char *, realpath, NULL, (const char *path, char *out), path, out)
WRAP(FILE *, fopen, NULL, (const char *path, const char *mode), path, mode)
WRAP(DIR *, opendir, NULL, (const char *path), path)
WRAP(int, regcomp, REG_ESPACE, (regex_t *re, const char *pattern, int flags), re, pattern, flags)
WRAP(EVP_MD_CTX *, EVP_MD_CTX_new, NULL, (void), )

static _Noreturn void child_ends(int code)
{
	fflush(NULL);
	alarm(SECONDS);
	/* The allocator's own threads of this process may still run; they may not fail any more. */
	shared->fail_at = 0;
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		code = LEAKED;
	_exit(code);
}

/* How cmocka leaves a test: a failed assertion, or skip(). */
void __longjmp_chk(jmp_buf env, int value) __attribute__((noreturn));
void __longjmp_chk(jmp_buf env, int value)
{
	static void (*real)(jmp_buf, int);

	if (shared && shared->child)
		child_ends(STOPPED);
	if (here.at)
		fprintf(stderr, "with allocation %zu of the test failing\n", here.at);
	*(void **)&real = dlsym(RTLD_NEXT, "__longjmp_chk");
	real(env, value);
	abort();
}

/* cmocka would read a string that is not there: no fault of the library's. */
void __real__assert_string_equal(const char *a, const char *b, const char *file, int line);
void __wrap__assert_string_equal(const char *a, const char *b, const char *file, int line);
void __wrap__assert_string_equal(const char *a, const char *b, const char *file, int line)
{
	_assert_true(a && b, "there is such a string", file, line);
	__real__assert_string_equal(a, b, file, line);
}

int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown);

struct run {
	const char *group;
	const struct CMUnitTest *test;  /* one of them */
	CMFixtureFunction setup, teardown;
	int output;             /* file: what the child prints */
	unsigned seconds;       /* a child that takes longer hangs */
};

/* A null pointer that the test itself stumbles over, or hands to the function that
 * it calls: it went on with something that it did not get, where an assertion
 * would have stopped it. */
static bool test_stumbled(int fd)
{
	static const char fault[] = ": runtime error: ";
	char room[65536], *at, *line, *frame;
	ssize_t n = pread(fd, room, sizeof(room) - 1, 0);

	room[n > 0 ? n : 0] = '\0';
	at = strstr(room, fault);
	if (!at || !(line = strchr(at, '\n')))
		return false;
	*line++ = '\0';
	if (!strstr(at, "null pointer"))
		return false;
	while (at > room && at[-1] != '\n')
		at--;
	if (!strncmp(at, "../tests/", 9))
		return true;
	/* The function that the test called, or one further down. */
	frame = strstr(line, "#1 ");
	line = frame ? strstr(frame, "#3 ") : NULL;
	if (!line)
		return false;
	*line = '\0';
	return strstr(frame, " ../tests/");
}

static enum end child_run(const struct run *r, size_t at, bool forever, bool trace)
{
	pid_t pid;
	int status;

	atomic_store(&shared->count, 0);
	atomic_store(&shared->failed, false);
	shared->fail_at = at;
	shared->forever = forever;
	shared->trace = trace;
	if (ftruncate(r->output, 0) || lseek(r->output, 0, SEEK_SET))
		abort();
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		abort();
	if (pid == 0) {
		int failures;

		dup2(r->output, 1);
		dup2(r->output, 2);
		alarm(r->seconds);
		shared->child = true;
		failures = __real__cmocka_run_group_tests(r->group, r->test, 1, r->setup, r->teardown);
		child_ends(failures ? STOPPED : PASSED);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	shared->child = false;
	if (test_stumbled(r->output))
		return STOPPED;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? HUNG : CRASHED;
	if (WEXITSTATUS(status) == CMOCKA_EXIT)
		return STOPPED;
	return WEXITSTATUS(status) >= PASSED && WEXITSTATUS(status) <= LEAKED ? (enum end)WEXITSTATUS(status) : CRASHED;
}

static void output_show(int fd)
{
	char room[4096];
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, room, sizeof(room))) > 0)
		fwrite(room, 1, (size_t)n, stdout);
}

static size_t number_of(const char *name, size_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoul(s, NULL, 10) : otherwise;
}

/* The place of run `i` among `count` allocations: all of the first ones, then one
 * drawn from each of SAMPLE equal parts of the rest. */
static size_t place_of(size_t i, size_t first, size_t sample, size_t count, uint64_t *seed)
{
	size_t rest = count - first, k = i - first, from, to;

	if (i < first)
		return i + 1;
	from = first + rest * k / sample;
	to = first + rest * (k + 1) / sample;
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return from + 1 + (to > from ? (size_t)(*seed >> 33) % (to - from) : 0);
}

static const char *end_name(enum end e)
{
	static const char *const names[] = { "passed", "stopped", "LEAK", "CRASH", "HANG" };

	return names[e - PASSED];
}

struct totals {
	size_t runs, passed, stopped, faults, skipped;
};

static bool one_failure(const struct run *r, size_t at, bool forever, struct totals *t)
{
	enum end e = child_run(r, at, forever, false);

	t->runs++;
	t->passed += e == PASSED;
	t->stopped += e == STOPPED;
	if (e <= STOPPED)
		return true;
	t->faults++;
	/* Once more, for the place; a test with threads may go another way now. */
	if (child_run(r, at, forever, true) <= STOPPED)
		child_run(r, at, forever, false);
	printf("\noom: %s: %s: SIDETONE_OOM_AT=%zu%s\n", end_name(e), r->test->name, at,
	       forever ? " SIDETONE_OOM_FOREVER=1" : "");
	output_show(r->output);
	fflush(stdout);
	return false;
}

/* cmocka takes a crash for a failed assertion, so the sanitizer must come first;
 * it reads this at its own start. */
static void begin_again(void)
{
	static char name[] = "test";
	char *argv[] = { name, NULL };

	if (getenv("SIDETONE_OOM_AGAIN"))
		return;
	setenv("SIDETONE_OOM_AGAIN", "1", 1);
	setenv("ASAN_OPTIONS", "exitcode=99:handle_segv=2:handle_sigbus=2:handle_abort=2:handle_sigill=2:handle_sigfpe=2", 1);
	setenv("UBSAN_OPTIONS", "print_stacktrace=1", 1);
	execv("/proc/self/exe", argv);
	abort();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The places of `count` allocations at which one shall fail, in a random order, so
 * that a budget which ends early leaves out none by where it stands. */
static size_t *places_new(size_t count, size_t *n)
{
	size_t first = number_of("SIDETONE_OOM_FIRST", FIRST), sample = number_of("SIDETONE_OOM_SAMPLE", SAMPLE);
	uint64_t seed = number_of("SIDETONE_OOM_SEED", 1);
	size_t *v;

	if (count < first + sample) {
		first = count;
		sample = 0;
	}
	*n = first + sample;
	v = __real_calloc(*n + 1, sizeof(*v));
	if (!v)
		abort();
	for (size_t i = 0; i < *n; i++) {
		size_t at, k;

		at = place_of(i, first, sample, count, &seed);
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		k = (size_t)(seed >> 33) % (i + 1);
		v[i] = v[k];
		v[k] = at;
	}
	return v;
}

static void test_run(struct run *r, double until, struct totals *t)
{
	size_t at = number_of("SIDETONE_OOM_AT", 0), faults = 0, n, *v;
	double from = now();
	enum end e;

	if (at) {
		one_failure(r, at, getenv("SIDETONE_OOM_FOREVER"), t);
		return;
	}
	e = child_run(r, 0, false, false);
	r->seconds = SECONDS_MORE + (unsigned)(5 * (now() - from));
	if (e > STOPPED) {
		printf("oom: %s: %s without any failure\n", r->test->name, end_name(e));
		output_show(r->output);
		t->faults++;
		return;
	}
	v = places_new(atomic_load(&shared->count), &n);
	for (size_t i = 0; i < n; i++) {
		if (faults >= FAULTS_MAX || now() > until) {
			t->skipped += n - i;
			break;
		}
		faults += !one_failure(r, v[i], false, t);
		/* Every eighth also with nothing left from there on. */
		if (i % 8 == 0)
			faults += !one_failure(r, v[i], true, t);
	}
	free(v);
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t n,
				   CMFixtureFunction setup, CMFixtureFunction teardown)
{
	double budget = (double)number_of("SIDETONE_OOM_SECONDS", BUDGET), until = now();
	const char *only = getenv("SIDETONE_OOM_TEST");
	struct totals t = { 0 };
	FILE *f;

	if (getenv("SIDETONE_TEST"))    /* this one of them */
		cmocka_set_test_filter(getenv("SIDETONE_TEST"));
	if (!getenv("SIDETONE_OOM"))
		return __real__cmocka_run_group_tests(name, tests, n, setup, teardown);
	begin_again();
	shared = __real_mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	f = tmpfile();
	if (shared == MAP_FAILED || !f)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct run r = { name, &tests[i], setup, teardown, fileno(f), SECONDS };

		/* What one test does not need the next ones have. */
		until += budget / (double)n;
		if (!only || !strcmp(only, tests[i].name))
			test_run(&r, only ? until + budget : until, &t);
	}
	fclose(f);
	printf("oom: %zu runs: %zu passed, %zu stopped at an assertion, %zu faults, %zu left out\n", t.runs,
	       t.passed, t.stopped, t.faults, t.skipped);
	return t.faults ? 1 : 0;
}
