/* Contacts in SQLite: the table, loading it, and batches that are written by the store's thread. */
#include "store/contact.h"
#include "base/buf.h"
#include "base/obj.h"
#include "store/db.h"
#include <errno.h>
#include <stdlib.h>

/* The row's number is the key and the service keeps it: so a refreshed contact
 * changes one page and no index. Numbers grow, so phones that register one
 * after the other stand, and are refreshed, side by side. */

enum field_type { F_TEXT, F_U16, F_U32, F_I64, F_DOUBLE, F_BOOL };

#define FIELD(name, type) { #name, type, offsetof(struct contact_row, name) }

static const struct field {
	const char *name;
	enum field_type type;
	size_t off;
} fields[] = {
	FIELD(aor, F_TEXT), FIELD(uri, F_TEXT), FIELD(expires, F_I64), FIELD(path, F_TEXT),
	FIELD(user_agent, F_TEXT), FIELD(call_id, F_TEXT), FIELD(cseq, F_U32), FIELD(endpoint, F_TEXT),
	FIELD(reg_server, F_TEXT), FIELD(via_addr, F_TEXT), FIELD(via_port, F_U16),
	FIELD(transport, F_TEXT), FIELD(txp, F_TEXT), FIELD(peer, F_TEXT), FIELD(local, F_TEXT),
	FIELD(instance, F_TEXT), FIELD(reg_id, F_U32), FIELD(outbound_proxy, F_TEXT),
	FIELD(qualify_frequency, F_U32), FIELD(qualify_timeout, F_DOUBLE), FIELD(qualify_2xx_only, F_BOOL),
	FIELD(authenticate_qualify, F_BOOL), FIELD(prune_on_boot, F_BOOL),
	FIELD(expires_us, F_I64), FIELD(orig_uri, F_TEXT),
};

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

static void column_list(struct buf *b, const char *each)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (i)
			buf_char(b, ',');
		buf_put(b, str_z(each ? each : fields[i].name));
	}
}

static int make_table(sqlite3 *db)
{
	static const char *const types[] = { [F_TEXT] = " TEXT", [F_U16] = " INTEGER", [F_U32] = " INTEGER",
		[F_I64] = " INTEGER", [F_DOUBLE] = " REAL", [F_BOOL] = " INTEGER" };
	struct buf b = BUF_INIT;
	int err;

	buf_put(&b, STR("CREATE TABLE IF NOT EXISTS contact(id INTEGER PRIMARY KEY"));
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		buf_puts(&b, STR(","), str_z(fields[i].name), str_z(types[fields[i].type]));
	buf_char(&b, ')');
	err = buf_err(&b) ? ENOMEM : db_exec(db, buf_z(&b));
	buf_free(&b);
	return err;
}

/* A file of an older version lacks columns that came since. */
static int add_columns(sqlite3 *db)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_LEN(fields) && !err; i++) {
		struct buf b = BUF_INIT;
		sqlite3_stmt *st = NULL;

		buf_puts(&b, STR("SELECT "), str_z(fields[i].name), STR(" FROM contact LIMIT 0"));
		if (sqlite3_prepare_v2(db, buf_z(&b), -1, &st, NULL) != SQLITE_OK) {
			buf_reset(&b);
			buf_puts(&b, STR("ALTER TABLE contact ADD COLUMN "), str_z(fields[i].name));
			err = db_exec(db, buf_z(&b));
		}
		sqlite3_finalize(st);
		buf_free(&b);
	}
	return err;
}

static int prepare_statements(struct contact_store *cs, sqlite3 *db)
{
	struct buf b = BUF_INIT;
	int err;

	buf_put(&b, STR("REPLACE INTO contact(id,"));
	column_list(&b, NULL);
	buf_put(&b, STR(") VALUES(?,"));
	column_list(&b, "?");
	buf_char(&b, ')');
	err = buf_err(&b) ? ENOMEM : db_prepare(db, &cs->put, buf_z(&b));
	buf_free(&b);
	if (!err)
		err = db_prepare(db, &cs->del, "DELETE FROM contact WHERE id=?");
	return err;
}

static void contact_store_free(void *arg)
{
	struct contact_store *cs = arg;

	sqlite3_finalize(cs->put);
	sqlite3_finalize(cs->del);
	free(cs);
}

static int last_id(sqlite3 *db, uint64_t *id)
{
	sqlite3_stmt *st = NULL;
	int err = db_prepare(db, &st, "SELECT coalesce(max(id),0) FROM contact");

	if (!err)
		err = db_errno(db, sqlite3_step(st));
	if (!err)
		*id = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return err;
}

int contact_store_new(struct contact_store **out, struct store *s)
{
	struct contact_store *cs = calloc(1, sizeof(*cs));
	sqlite3 *db = store_db(s);
	int err;

	if (!cs)
		return ENOMEM;
	cs->store = s;
	err = make_table(db);
	if (!err)
		err = add_columns(db);
	if (!err)
		err = prepare_statements(cs, db);
	if (!err)
		err = last_id(db, &cs->next_id);
	if (!err)
		err = store_on_close(s, contact_store_free, cs);
	if (err)
		contact_store_free(cs);
	else
		*out = cs;
	return err;
}

/* ---- loading ---------------------------------------------------------- */

static void read_field(sqlite3_stmt *st, int col, const struct field *f, struct contact_row *row)
{
	void *to = (char *)row + f->off;

	switch (f->type) {
	case F_TEXT:
		*(struct str *)to = db_text(st, col);
		break;
	case F_U16:
		*(uint16_t *)to = (uint16_t)sqlite3_column_int(st, col);
		break;
	case F_U32:
		*(uint32_t *)to = (uint32_t)sqlite3_column_int64(st, col);
		break;
	case F_I64:
		*(int64_t *)to = sqlite3_column_int64(st, col);
		break;
	case F_DOUBLE:
		*(double *)to = sqlite3_column_double(st, col);
		break;
	case F_BOOL:
		*(bool *)to = sqlite3_column_int(st, col) != 0;
		break;
	}
}

int contact_store_load(struct contact_store *cs, contact_row_fn *fn, void *arg)
{
	sqlite3 *db = store_db(cs->store);
	struct buf b = BUF_INIT;
	sqlite3_stmt *st = NULL;
	int err, rc = SQLITE_DONE;

	buf_put(&b, STR("SELECT id,"));
	column_list(&b, NULL);
	buf_put(&b, STR(" FROM contact ORDER BY id"));
	err = buf_err(&b) ? ENOMEM : db_prepare(db, &st, buf_z(&b));
	while (!err && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct contact_row row = { .id = (uint64_t)sqlite3_column_int64(st, 0) };

		for (size_t i = 0; i < ARRAY_LEN(fields); i++)
			read_field(st, (int)i + 1, &fields[i], &row);
		err = fn(arg, &row);
	}
	if (!err)
		err = db_errno(db, rc);
	sqlite3_finalize(st);
	buf_free(&b);
	return err;
}

/* ---- changing --------------------------------------------------------- */

static void bind_field(sqlite3_stmt *st, int at, const struct field *f, const struct contact_row *row)
{
	const void *from = (const char *)row + f->off;

	switch (f->type) {
	case F_TEXT:
		db_bind(st, at, *(const struct str *)from);
		break;
	case F_U16:
		sqlite3_bind_int(st, at, *(const uint16_t *)from);
		break;
	case F_U32:
		sqlite3_bind_int64(st, at, *(const uint32_t *)from);
		break;
	case F_I64:
		sqlite3_bind_int64(st, at, *(const int64_t *)from);
		break;
	case F_DOUBLE:
		sqlite3_bind_double(st, at, *(const double *)from);
		break;
	case F_BOOL:
		sqlite3_bind_int(st, at, *(const bool *)from);
		break;
	}
}

static int batch_run(struct store_job *j, sqlite3 *db)
{
	struct contact_batch *b = container_of(j, struct contact_batch, job);
	int err = 0;

	for (size_t i = 0; i < b->n && !err; i++) {
		struct op *o = &b->op[i];
		sqlite3_stmt *st = o->put ? b->cs->put : b->cs->del;

		sqlite3_bind_int64(st, 1, (sqlite3_int64)o->row.id);
		for (size_t k = 0; o->put && k < ARRAY_LEN(fields); k++)
			bind_field(st, (int)k + 2, &fields[k], &o->row);
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

static struct str *text_at(struct contact_row *row, size_t i)
{
	return fields[i].type == F_TEXT ? (struct str *)(void *)((char *)row + fields[i].off) : NULL;
}

int contact_batch_put(struct contact_batch *b, struct contact_row *row)
{
	struct op o = { .put = true, .row = *row };
	int err;

	if (!o.row.id)
		o.row.id = b->cs->next_id + 1;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct str *s = text_at(&o.row, i);
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
			struct str *s = text_at(&b->op[i].row, k);

			if (s)
				s->p = s->n ? b->bytes.p + (size_t)s->p : "";
		}
	b->committed = true;
	b->done = done;
	b->arg = arg;
	return store_submit(b->cs->store, &b->job);
}
