/* Contacts in SQLite: the table, loading it, and batches that are written by the store's thread. */
#include "store/contact.h"
#include "base/obj.h"
#include "store/table.h"
#include <errno.h>
#include <stdlib.h>

/* The row's number is the key and the service keeps it: so a refreshed contact
 * changes one page and no index. Numbers grow, so phones that register one
 * after the other stand, and are refreshed, side by side. */

#define FIELD(name, type) DB_FIELD(struct contact_row, name, type)

static const struct db_field fields[] = {
	FIELD(aor, DB_TEXT), FIELD(uri, DB_TEXT), FIELD(expires, DB_I64), FIELD(path, DB_TEXT),
	FIELD(user_agent, DB_TEXT), FIELD(call_id, DB_TEXT), FIELD(cseq, DB_U32), FIELD(endpoint, DB_TEXT),
	FIELD(reg_server, DB_TEXT), FIELD(via_addr, DB_TEXT), FIELD(via_port, DB_U16),
	FIELD(transport, DB_TEXT), FIELD(txp, DB_TEXT), FIELD(peer, DB_TEXT), FIELD(local, DB_TEXT),
	FIELD(instance, DB_TEXT), FIELD(reg_id, DB_U32), FIELD(outbound_proxy, DB_TEXT),
	FIELD(qualify_frequency, DB_U32), FIELD(qualify_timeout, DB_DOUBLE), FIELD(qualify_2xx_only, DB_BOOL),
	FIELD(authenticate_qualify, DB_BOOL), FIELD(prune_on_boot, DB_BOOL),
	FIELD(expires_us, DB_I64), FIELD(orig_uri, DB_TEXT),
};

static const struct db_table table = { "contact", fields, ARRAY_LEN(fields) };

struct contact_store {
	struct store *store;
	sqlite3_stmt *put, *del;        /* the store thread's */
	uint64_t next_id;               /* the core's */
};

struct op {
	bool put;
	struct contact_row row;         /* del: only id. Texts: offsets into `bytes` until commit */
};

struct contact_batch {
	struct store_job job;
	struct contact_store *cs;
	struct buf bytes;
	struct op *op;                  /* held */
	size_t n, cap;
	void (*done)(void *arg, int err);
	void *arg;
	bool committed;
};

/* ---- the table -------------------------------------------------------- */

static void contact_store_free(void *arg)
{
	struct contact_store *cs = arg;

	sqlite3_finalize(cs->put);
	sqlite3_finalize(cs->del);
	free(cs);
}

int contact_store_new(struct contact_store **out, struct store *s)
{
	struct contact_store *cs = calloc(1, sizeof(*cs));
	sqlite3 *db = store_db(s);
	int err;

	if (!cs)
		return ENOMEM;
	cs->store = s;
	err = db_table_make(db, &table);
	if (!err)
		err = db_table_put(db, &table, &cs->put);
	if (!err)
		err = db_table_del(db, &table, &cs->del);
	if (!err)
		err = db_table_last_id(db, &table, &cs->next_id);
	if (!err)
		err = store_on_close(s, contact_store_free, cs);
	if (err)
		contact_store_free(cs);
	else
		*out = cs;
	return err;
}

/* ---- loading ---------------------------------------------------------- */

int contact_store_load(struct contact_store *cs, contact_row_fn *fn, void *arg)
{
	sqlite3 *db = store_db(cs->store);
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_DONE, err = db_table_all(db, &table, &st);

	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct contact_row row = { .id = (uint64_t)sqlite3_column_int64(st, 0) };

		(void)db_row_read(st, &table, &row);
		err = fn(arg, &row);
	}
	if (!err)
		err = db_errno(db, rc);
	sqlite3_finalize(st);
	return err;
}

/* ---- changing --------------------------------------------------------- */

static int batch_run(struct store_job *j, sqlite3 *db)
{
	struct contact_batch *b = container_of(j, struct contact_batch, job);
	int err = 0;

	for (size_t i = 0; i < b->n && !err; i++) {
		struct op *o = &b->op[i];
		sqlite3_stmt *st = o->put ? b->cs->put : b->cs->del;

		sqlite3_bind_int64(st, 1, (sqlite3_int64)o->row.id);
		if (o->put)
			db_row_bind(st, &table, &o->row);
		err = db_run(db, st);
	}
	return err;
}

static void batch_done(struct store_job *j, int err)
{
	struct contact_batch *b = container_of(j, struct contact_batch, job);

	if (b->done)
		b->done(b->arg, err);
}

static void batch_free(void *arg)
{
	struct contact_batch *b = arg;

	buf_free(&b->bytes);
	free(b->op);
}

struct contact_batch *contact_batch_new(struct contact_store *cs)
{
	struct contact_batch *b = obj_new(sizeof(*b), batch_free);

	if (!b)
		return NULL;
	b->cs = cs;
	b->job.run = batch_run;
	b->job.done = batch_done;
	return b;
}

static int add_op(struct contact_batch *b, struct op o)
{
	size_t cap = b->cap ? b->cap * 2 : 1;
	struct op *p;

	if (b->committed)
		return EALREADY;
	if (b->n == b->cap) {
		p = realloc(b->op, cap * sizeof(*p));
		if (!p)
			return ENOMEM;
		b->op = p;
		b->cap = cap;
	}
	b->op[b->n++] = o;
	return 0;
}

int contact_batch_put(struct contact_batch *b, struct contact_row *row)
{
	struct op o = { .put = true, .row = *row };
	int err;

	if (!o.row.id)
		o.row.id = b->cs->next_id + 1;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct str *s = db_row_text(&table, &o.row, i);
		size_t off = b->bytes.n;

		if (!s)
			continue;
		buf_put(&b->bytes, *s);
		s->p = (const char *)off;       /* the buffer may move yet */
	}
	err = buf_err(&b->bytes) ? buf_err(&b->bytes) : add_op(b, o);
	if (err)
		return err;
	if (!row->id)
		row->id = ++b->cs->next_id;
	return 0;
}

int contact_batch_del(struct contact_batch *b, uint64_t id)
{
	return add_op(b, (struct op){ .row.id = id });
}

size_t contact_batch_count(const struct contact_batch *b)
{
	return b->n;
}

int contact_batch_commit(struct contact_batch *b, void (*done)(void *arg, int err), void *arg)
{
	if (b->committed)
		return EALREADY;
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = 0; b->op[i].put && k < ARRAY_LEN(fields); k++) {
			struct str *s = db_row_text(&table, &b->op[i].row, k);

			if (s)
				s->p = s->n ? b->bytes.p + (size_t)s->p : "";
		}
	b->committed = true;
	b->done = done;
	b->arg = arg;
	return store_submit(b->cs->store, &b->job);
}
