/* Rows of one table, put one by one and deleted together. */
#define LOG_MODULE "store"
#include "store/rows.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>

#define GONE_MAX 1000000        /* ids that wait to be deleted; a row that is forgotten is found to have ended at the next start */

struct ids {
	uint64_t *v;
	size_t n, cap;
};

struct rows {
	struct store *store;
	const struct db_table *table;
	size_t size;
	sqlite3_stmt *put, *del;        /* the store thread's */
	uint64_t next_id;
	struct ids gone;                /* to be deleted, and in no job: it failed, or there was no room */
};

static void rows_free(void *arg)
{
	struct rows *r = arg;

	sqlite3_finalize(r->put);
	sqlite3_finalize(r->del);
	free(r->gone.v);
	free(r);
}

int rows_new(struct rows **out, struct store *s, const struct db_table *t, size_t size)
{
	struct rows *r = calloc(1, sizeof(*r));
	sqlite3 *db = store_db(s);
	int err;

	if (!r)
		return ENOMEM;
	r->store = s;
	r->table = t;
	r->size = size;
	err = db_table_make(db, t);
	err = err ? err : db_table_put(db, t, &r->put);
	err = err ? err : db_table_del(db, t, &r->del);
	err = err ? err : db_table_last_id(db, t, &r->next_id);
	err = err ? err : store_on_close(s, rows_free, r);
	if (err)
		rows_free(r);
	else
		*out = r;
	return err;
}

uint64_t rows_next_id(struct rows *r)
{
	return ++r->next_id;
}

struct sqlite3 *rows_db(struct rows *r)
{
	return store_db(r->store);
}

int rows_load(struct rows *r, rows_fn *fn, void *arg)
{
	sqlite3 *db = store_db(r->store);
	sqlite3_stmt *st = NULL;
	void *row = malloc(r->size);
	int rc = SQLITE_DONE, err = row ? db_exec(db, DB_CACHE_SCAN) : ENOMEM;

	err = err ? err : db_table_all(db, r->table, &st);
	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		uint64_t id = (uint64_t)sqlite3_column_int64(st, 0);
		int bad;

		memset(row, 0, r->size);
		memcpy(row, &id, sizeof(id));
		bad = db_row_read(st, r->table, row);
		err = fn(arg, row, bad);
	}
	if (!err)
		err = db_errno(db, rc);
	sqlite3_finalize(st);
	(void)db_exec(db, DB_CACHE);
	free(row);
	return err;
}

/* ---- put ---------------------------------------------------------------- */

struct put {
	struct store_job job;
	struct rows *rows;
	char *bytes;                    /* owned: what the row's texts view */
	void (*done)(void *arg, int err);
	void *arg;
	max_align_t row[];
};

static void put_free(void *arg)
{
	free(((struct put *)arg)->bytes);
}

static int put_run(struct store_job *j, sqlite3 *db)
{
	struct put *p = container_of(j, struct put, job);
	uint64_t id;

	memcpy(&id, p->row, sizeof(id));
	sqlite3_bind_int64(p->rows->put, 1, (sqlite3_int64)id);
	db_row_bind(p->rows->put, p->rows->table, p->row);
	return db_run(db, p->rows->put);
}

static void put_done(struct store_job *j, int err)
{
	struct put *p = container_of(j, struct put, job);

	if (p->done)
		p->done(p->arg, err);
}

int rows_put(struct rows *r, const void *row, void (*done)(void *arg, int err), void *arg)
{
	struct put *p = obj_new(sizeof(*p) + r->size, put_free);
	int err;

	if (!p)
		return ENOMEM;
	p->job = (struct store_job){ .run = put_run, .done = put_done, .patient = true };
	p->rows = r;
	p->done = done;
	p->arg = arg;
	memcpy(p->row, row, r->size);
	err = db_row_own(r->table, p->row, &p->bytes);
	if (!err)
		err = store_submit(r->store, &p->job);
	obj_drop(p);
	return err;
}

/* ---- delete ---------------------------------------------------------------- */

struct del {
	struct store_job job;
	struct rows *rows;
	struct ids ids;                 /* owned */
};

static void del_free(void *arg)
{
	free(((struct del *)arg)->ids.v);
}

static int del_run(struct store_job *j, sqlite3 *db)
{
	struct del *d = container_of(j, struct del, job);
	int err = 0;

	for (size_t i = 0; i < d->ids.n && !err; i++) {
		sqlite3_bind_int64(d->rows->del, 1, (sqlite3_int64)d->ids.v[i]);
		err = db_run(db, d->rows->del);
	}
	return err;
}

static int add_id(struct ids *ids, uint64_t id)
{
	size_t cap = ids->cap ? 2 * ids->cap : 16;
	uint64_t *v;

	if (ids->n == GONE_MAX)
		return ENOSPC;
	if (ids->n == ids->cap) {
		v = realloc(ids->v, cap * sizeof(*v));
		if (!v)
			return ENOMEM;
		ids->v = v;
		ids->cap = cap;
	}
	ids->v[ids->n++] = id;
	return 0;
}

static void remember(struct rows *r, uint64_t id)
{
	int err = add_id(&r->gone, id);

	if (err)
		log_warning("a row of %s stays until its end: %s", r->table->name, strerror(err));
}

static void delete_next(struct rows *r);

static void del_done(struct store_job *j, int err)
{
	struct del *d = container_of(j, struct del, job);

	if (err)
		log_warning("%zu rows of %s are not deleted yet: %s", d->ids.n, d->rows->table->name, strerror(err));
	for (size_t i = 0; err && i < d->ids.n; i++)
		remember(d->rows, d->ids.v[i]);
	if (!err)
		delete_next(d->rows);
}

static void delete_next(struct rows *r)
{
	struct del *d = r->gone.n ? obj_new(sizeof(*d), del_free) : NULL;

	if (!d)
		return;
	d->job = (struct store_job){ .run = del_run, .done = del_done, .patient = true };
	d->rows = r;
	d->ids = r->gone;
	if (store_submit(r->store, &d->job))
		d->ids = (struct ids){ 0 };     /* with the next */
	else
		r->gone = (struct ids){ 0 };
	obj_drop(d);
}

void rows_end(struct rows *r)
{
	free(r->gone.v);
	r->gone = (struct ids){ 0 };
}

void rows_del(struct rows *r, uint64_t id)
{
	remember(r, id);
	delete_next(r);
}
