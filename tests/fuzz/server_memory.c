/* Memory that runs out when the program of the fuzzer says so, and a count of the
 * blocks that are not freed. Linked with --wrap: what libc, SQLite or OpenSSL
 * allocate for themselves never fails and is not counted. */
#include "server_hooks.h"
#include "base/bucket.h"
#include "service/common/reason.h"
#include <errno.h>
#include <jansson.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);
char *__real_json_dumps(const json_t *j, size_t flags);
char *__wrap_json_dumps(const json_t *j, size_t flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
int __wrap_RAND_bytes(unsigned char *p, int n);

static struct {
	bool library, failed, trace;
	unsigned left, more;
	long blocks;
	uint64_t random;
} h = { .random = 1 };

bool hooks_library(bool on)
{
	bool before = h.library;

	h.library = on;
	return before;
}

void hooks_fail(unsigned nth, unsigned more)
{
	h.left = nth;
	h.more = more;
}

void hooks_trace(bool on)
{
	h.trace = on;
}

bool hooks_failed(void)
{
	return h.failed;
}

long hooks_blocks(void)
{
	return h.blocks;
}

void hooks_reset(void)
{
	h.library = h.failed = false;
	h.left = h.more = 0;
	h.random = 1;
}

static bool out_of_memory(void)
{
	if (!h.library || !h.left || --h.left)
		return false;
	h.failed = true;
	if (h.trace)
		__sanitizer_print_stack_trace();
	if (h.more) {
		h.more--;
		h.left = 1;
	}
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	void *p = out_of_memory() ? NULL : __real_malloc(n);

	h.blocks += p != NULL;
	return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
	void *p = out_of_memory() ? NULL : __real_calloc(n, size);

	h.blocks += p != NULL;
	return p;
}

void *__wrap_aligned_alloc(size_t align, size_t n)
{
	void *p = out_of_memory() ? NULL : __real_aligned_alloc(align, n);

	h.blocks += p != NULL;
	return p;
}

void *__wrap_realloc(void *old, size_t n)
{
	void *p = out_of_memory() ? NULL : __real_realloc(old, n);

	h.blocks += p && !old;
	return p;
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	void *p = out_of_memory() ? NULL : __real_reallocarray(old, n, size);

	h.blocks += p && !old;
	return p;
}

void __wrap_free(void *p)
{
	h.blocks -= p != NULL;
	__real_free(p);
}

/* Made by the library of JSON, freed by ours. */
char *__wrap_json_dumps(const json_t *j, size_t flags)
{
	char *p = out_of_memory() ? NULL : __real_json_dumps(j, flags);

	h.blocks += p != NULL;
	return p;
}

/* ---- tables that are large for the sake of a busy server ------------------ */

#define FEW 64

struct reasons *__real_reasons_new(const struct clock *clock, size_t slots);
struct reasons *__wrap_reasons_new(const struct clock *clock, size_t slots);
struct buckets *__real_buckets_new(size_t slots, uint32_t burst, uint64_t every_us);
struct buckets *__wrap_buckets_new(size_t slots, uint32_t burst, uint64_t every_us);

struct reasons *__wrap_reasons_new(const struct clock *clock, size_t slots)
{
	return __real_reasons_new(clock, slots < FEW ? slots : FEW);
}

struct buckets *__wrap_buckets_new(size_t slots, uint32_t burst, uint64_t every_us)
{
	return __real_buckets_new(slots < FEW ? slots : FEW, burst, every_us);
}

/* ---- compared values ------------------------------------------------------
 * libFuzzer would look at every comparison of the library for words to put into
 * its input. The mutator has them; a fifth of the time was spent there. The call
 * itself costs more than that: -Dfuzz_compares=false builds without it. */

#define NO_TRACE(name, type) \
	void __wrap___sanitizer_cov_trace_##name(type a, type b); \
	__attribute__((no_sanitize("coverage", "address", "undefined"))) void __wrap___sanitizer_cov_trace_##name(type a, type b) \
	{ (void)a, (void)b; }
NO_TRACE(cmp1, uint8_t)
NO_TRACE(cmp2, uint16_t)
NO_TRACE(cmp4, uint32_t)
NO_TRACE(cmp8, uint64_t)
NO_TRACE(const_cmp1, uint8_t)
NO_TRACE(const_cmp2, uint16_t)
NO_TRACE(const_cmp4, uint32_t)
NO_TRACE(const_cmp8, uint64_t)

/* ---- random numbers: xorshift, the same for each program ---------------- */

unsigned hooks_random(void)
{
	h.random ^= h.random << 13;
	h.random ^= h.random >> 7;
	h.random ^= h.random << 17;
	return (unsigned)(h.random >> 16);
}

ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
	uint8_t *to = p;

	(void)flags;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)hooks_random();
	return (ssize_t)n;
}

int __wrap_RAND_bytes(unsigned char *p, int n)
{
	return __wrap_getrandom(p, (size_t)n, 0) == n;
}
