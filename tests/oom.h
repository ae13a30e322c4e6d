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

/* Is this run one in which an allocation fails? Then what follows from the
 * failure (a text that is missing, a call that was refused) is no fault. */
bool oom_armed(void);

/* What a test cannot do without: it stops when `p` is NULL. */
void *oom_got(void *p, const char *file, int line);
#define GOT(p) oom_got(p, __FILE__, __LINE__)

#endif
