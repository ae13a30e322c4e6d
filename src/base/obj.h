/* base/obj.h -- reference-counted objects. The count is atomic: an object may
 * be dropped on another thread than it was made on; its fields have one owner
 * thread as their header says. */
#ifndef BASE_OBJ_H
#define BASE_OBJ_H

#include <stddef.h>

/* Zeroed, with one reference; `free_fn` releases what the fields hold, and does
 * nothing else (no messages, no callbacks). NULL when out of memory. */
void *obj_new(size_t size, void (*free_fn)(void *));
void *obj_hold(void *o);         /* gives o; NULL stays NULL */
void *obj_drop(void *o);         /* always gives NULL, so: p = obj_drop(p) */
size_t obj_refs(const void *o);
size_t obj_live(void);           /* objects alive in the process: leak tests */

/* A pointer to `o` that is not a reference: the argument of a callback. Who sets
 * one says obj_point(), who clears it obj_unpoint(). Sanitizer builds count them,
 * and obj_drop() aborts when the last reference goes while one is left, because
 * that callback would run on freed memory. Elsewhere both do nothing. NULL is
 * allowed. */
#ifdef SIDETONE_SANITIZE
void obj_point(void *o);
void obj_unpoint(void *o);
#else
static inline void obj_point(void *o) { (void)o; }
static inline void obj_unpoint(void *o) { (void)o; }
#endif

#endif
