/* tests/oom.h -- included before every test: what the tests themselves allocate
 * never fails, only what src/ does. See oom.c. */
#ifndef TESTS_OOM_H
#define TESTS_OOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
#define malloc __real_malloc
#define calloc __real_calloc
#define realloc __real_realloc

/* In this process, for tests that go on after a failure: from here on the n-th
 * allocation of src/ fails. oom_end(): none any more; did one? What stands between
 * oom_pause(true) and oom_pause(false) neither counts nor fails. One thread only. */
void oom_begin(size_t n);
bool oom_end(void);
void oom_pause(bool pause);

/* What a test cannot do without: it stops when `p` is NULL. */
void *oom_got(void *p, const char *file, int line);
#define GOT(p) oom_got(p, __FILE__, __LINE__)

#endif
