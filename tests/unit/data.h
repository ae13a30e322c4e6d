/* tests/unit/data.h -- input for tests: files under tests/data, and copies in a
 * heap block of exactly their size, so that the sanitizer sees a read of one
 * byte too many. */
#ifndef TESTS_DATA_H
#define TESTS_DATA_H

#include "base/str.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef SIDETONE_SANITIZE
#define SLOWNESS 30     /* how much slower a sanitized debug build may be */
#elif !defined(__OPTIMIZE__)
#define SLOWNESS 6      /* ... and one that is not optimised and may count its lines */
#else
#define SLOWNESS 1
#endif

/* An empty copy is a real block too; free() it. */
static inline char *exact_copy(struct str s)
{
	char *p = malloc(s.n ? s.n : 1);

	if (!p)
		abort();
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

/* All of tests/data/DIR/NAME; the bytes are the caller's to free(). */
static inline struct str data_read(const char *dir, const char *name)
{
	char path[1024];
	char *p = NULL;
	size_t n = 0, got;
	FILE *f;

	snprintf(path, sizeof(path), TEST_DATA "/%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f) {
		fprintf(stderr, "no test data: %s\n", path);
		abort();
	}
	do {
		p = realloc(p, n + 4096);
		if (!p)
			abort();
		got = fread(p + n, 1, 4096, f);
		n += got;
	} while (got);
	fclose(f);
	return str_mk(p, n);
}

/* CPU time of this process [ns]: what else runs on the machine does not count. */
static inline double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

#endif
