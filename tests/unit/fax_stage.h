/* tests/unit/fax_stage.h -- pages for fax machines, and whether they came whole. */
#ifndef TESTS_FAX_STAGE_H
#define TESTS_FAX_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_WIDTH = 1728, PAGE_ROWS = 160 };
/* A TIFF of so many pages, each with a pattern of its own, `rows` high; 204 by 98 dots an inch. */
void pages_write(const char *path, unsigned n, unsigned rows, uint32_t seed);
/* How many pages of `path` are, dot for dot, those that pages_write() makes of `seed`; -1: they have another height. */
int pages_whole(const char *path, unsigned rows, uint32_t seed);
unsigned pages_count(const char *path);

/* One in a hundred, and the like: an even chance that is the same in each run. */
struct loss { uint32_t x; unsigned permille; };
bool loss_now(struct loss *l);

#endif
