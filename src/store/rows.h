/* store/rows.h -- rows of one table, each written by a job of its own: what a room of the service keeps in
 * memory and needs after a restart. Files in store/ only; the rooms have a header for each table.
 * A row is a struct that begins with its id (uint64_t, never 0). Threads: the core's. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/store.h"
#include "store/table.h"

struct rows;

/* Makes the table; before store_start(). `size` of a row. Goes with the store. */
int rows_new(struct rows **out, struct store *s, const struct db_table *t, size_t size);
uint64_t rows_next_id(struct rows *r);
struct sqlite3 *rows_db(struct rows *r);             /* before store_start() */

/* Before store_start(). Every row, oldest first; what it views lives during the call. `err`: EBADMSG, a number in
 * it is none of ours. Not 0 from fn() ends it with that. */
typedef int rows_fn(void *arg, const void *row, int err);
int rows_load(struct rows *r, rows_fn *fn, void *arg);

/* Insert or replace; copies. done(arg, 0): on disk; else an errno, and nothing is. It is called once, never inside
 * this call, unless this fails: ENOMEM; ENOBUFS, too much waits; ECANCELED, the store has closed. NULL: nobody waits. */
int rows_put(struct rows *r, const void *row, void (*done)(void *arg, int err), void *arg);
/* Nobody waits. What fails, or finds no room, goes with the next. */
void rows_del(struct rows *r, uint64_t id);
/* No next one will come: what is left of these is the next start's. */
void rows_end(struct rows *r);

#endif
