/* Tables of structs: their statements, and a row's fields as columns. */
#include "store/table.h"
#include <errno.h>
#include <stdlib.h>

static void column_list(struct buf *b, const struct db_table *t, const char *each)
{
	for (size_t i = 0; i < t->n; i++)
		buf_puts(b, i ? STR(",") : STR_NULL, str_z(each ? each : t->fields[i].name));
}

static int run_text(sqlite3 *db, struct buf *b)
{
	int err = buf_err(b) ? ENOMEM : db_exec(db, buf_z(b));

	buf_free(b);
	return err;
}

static int prepare_text(sqlite3 *db, struct buf *b, sqlite3_stmt **st)
{
	int err = buf_err(b) ? ENOMEM : db_prepare(db, st, buf_z(b));

	buf_free(b);
	return err;
}

static int add_columns(sqlite3 *db, const struct db_table *t)
{
	int err = 0;

	for (size_t i = 0; i < t->n && !err; i++) {
		struct buf b = BUF_INIT;
		sqlite3_stmt *st = NULL;
		bool there;

		buf_puts(&b, STR("SELECT "), str_z(t->fields[i].name), STR(" FROM "), str_z(t->name), STR(" LIMIT 0"));
		there = sqlite3_prepare_v2(db, buf_z(&b), -1, &st, NULL) == SQLITE_OK;
		sqlite3_finalize(st);
		buf_free(&b);
		if (there)
			continue;
		buf_puts(&b, STR("ALTER TABLE "), str_z(t->name), STR(" ADD COLUMN "), str_z(t->fields[i].name));
		err = run_text(db, &b);
	}
	return err;
}

int db_table_make(sqlite3 *db, const struct db_table *t)
{
	static const char *const types[] = { [DB_TEXT] = " TEXT", [DB_U16] = " INTEGER", [DB_U32] = " INTEGER",
		[DB_I64] = " INTEGER", [DB_DOUBLE] = " REAL", [DB_BOOL] = " INTEGER" };
	struct buf b = BUF_INIT;
	int err;

	buf_puts(&b, STR("CREATE TABLE IF NOT EXISTS "), str_z(t->name), STR("(id INTEGER PRIMARY KEY"));
	for (size_t i = 0; i < t->n; i++)
		buf_puts(&b, STR(","), str_z(t->fields[i].name), str_z(types[t->fields[i].type]));
	buf_char(&b, ')');
	err = run_text(db, &b);
	return err ? err : add_columns(db, t);
}

int db_table_last_id(sqlite3 *db, const struct db_table *t, uint64_t *id)
{
	struct buf b = BUF_INIT;
	sqlite3_stmt *st = NULL;
	int err;

	buf_puts(&b, STR("SELECT coalesce(max(id),0) FROM "), str_z(t->name));
	err = prepare_text(db, &b, &st);
	if (!err)
		err = db_errno(db, sqlite3_step(st));
	if (!err)
		*id = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return err;
}

int db_table_put(sqlite3 *db, const struct db_table *t, sqlite3_stmt **st)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, STR("REPLACE INTO "), str_z(t->name), STR("(id,"));
	column_list(&b, t, NULL);
	buf_put(&b, STR(") VALUES(?,"));
	column_list(&b, t, "?");
	buf_char(&b, ')');
	return prepare_text(db, &b, st);
}

int db_table_del(sqlite3 *db, const struct db_table *t, sqlite3_stmt **st)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, STR("DELETE FROM "), str_z(t->name), STR(" WHERE id=?"));
	return prepare_text(db, &b, st);
}

int db_table_all(sqlite3 *db, const struct db_table *t, sqlite3_stmt **st)
{
	struct buf b = BUF_INIT;

	buf_put(&b, STR("SELECT id,"));
	column_list(&b, t, NULL);
	buf_puts(&b, STR(" FROM "), str_z(t->name), STR(" ORDER BY id"));
	return prepare_text(db, &b, st);
}

void db_row_bind(sqlite3_stmt *st, const struct db_table *t, const void *row)
{
	for (size_t i = 0; i < t->n; i++) {
		const void *from = (const char *)row + t->fields[i].off;
		int at = (int)i + 2;

		switch (t->fields[i].type) {
		case DB_TEXT:
			db_bind(st, at, *(const struct str *)from);
			break;
		case DB_U16:
			sqlite3_bind_int(st, at, *(const uint16_t *)from);
			break;
		case DB_U32:
			sqlite3_bind_int64(st, at, *(const uint32_t *)from);
			break;
		case DB_I64:
			sqlite3_bind_int64(st, at, *(const int64_t *)from);
			break;
		case DB_DOUBLE:
			sqlite3_bind_double(st, at, *(const double *)from);
			break;
		case DB_BOOL:
			sqlite3_bind_int(st, at, *(const bool *)from);
			break;
		}
	}
}

/* `to` has it, cut to its width; false: it was cut. */
static bool read_field(sqlite3_stmt *st, int col, const struct db_field *f, void *to)
{
	int64_t v = f->type == DB_TEXT || f->type == DB_DOUBLE ? 0 : sqlite3_column_int64(st, col);

	switch (f->type) {
	case DB_TEXT:
		*(struct str *)to = db_text(st, col);
		return true;
	case DB_U16:
		*(uint16_t *)to = (uint16_t)v;
		return v >= 0 && v <= UINT16_MAX;
	case DB_U32:
		*(uint32_t *)to = (uint32_t)v;
		return v >= 0 && v <= UINT32_MAX;
	case DB_I64:
		*(int64_t *)to = v;
		return true;
	case DB_DOUBLE:
		*(double *)to = sqlite3_column_double(st, col);
		return true;
	case DB_BOOL:
		*(bool *)to = v != 0;
		return true;
	}
	return true;
}

int db_row_read(sqlite3_stmt *st, const struct db_table *t, void *row)
{
	int err = 0;

	for (size_t i = 0; i < t->n; i++)
		if (!read_field(st, (int)i + 1, &t->fields[i], (char *)row + t->fields[i].off))
			err = EBADMSG;
	return err;
}

struct str *db_row_text(const struct db_table *t, void *row, size_t i)
{
	return t->fields[i].type == DB_TEXT ? (struct str *)(void *)((char *)row + t->fields[i].off) : NULL;
}

int db_row_own(const struct db_table *t, void *row, char **bytes)
{
	size_t n = 1, at = 0;
	char *p;

	for (size_t i = 0; i < t->n; i++)
		n += db_row_text(t, row, i) ? db_row_text(t, row, i)->n : 0;
	p = malloc(n);
	if (!p)
		return ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		struct str *s = db_row_text(t, row, i);

		if (!s)
			continue;
		if (s->n)
			memcpy(p + at, s->p, s->n);
		s->p = p + at;
		at += s->n;
	}
	*bytes = p;
	return 0;
}
