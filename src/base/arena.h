/* base/arena.h -- scratch that dies as one: per message, per configuration.
 * Threads: one owner at a time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/str.h"
#include <stdarg.h>

struct arena;

/* `chunk` [bytes]: size of the blocks taken from the heap (0: 4096). */
struct arena *arena_new(size_t chunk);
void arena_free(struct arena *a);
void *arena_alloc(struct arena *a, size_t n);        /* zeroed, 16-aligned; NULL: ENOMEM */
struct str arena_dup(struct arena *a, struct str s); /* terminated copy; empty view on ENOMEM */
struct str arena_printf(struct arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* One after the other, terminated; empty view on ENOMEM. */
#define arena_cat(a, ...) arena_catv((a), (const struct str[]){ __VA_ARGS__ }, \
	sizeof((const struct str[]){ __VA_ARGS__ }) / sizeof(struct str))
struct str arena_catv(struct arena *a, const struct str *v, size_t n);
/* Was something ever not there? So a whole that is built of many parts is checked
 * once, when it is done: a part that is missing is no empty part. */
bool arena_failed(const struct arena *a);
size_t arena_size(const struct arena *a);            /* [bytes] taken from the heap */

#endif
