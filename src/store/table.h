/* store/table.h -- a table whose rows are structs: which field is which column. Files in store/ only.
 * Threads: whoever owns the database at the time. */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include "base/buf.h"
#include "store/db.h"
#include <stddef.h>

enum db_type { DB_TEXT, DB_U16, DB_U32, DB_I64, DB_DOUBLE, DB_BOOL };

struct db_field {
	const char *name;               /* of the column */
	enum db_type type;
	size_t off;                     /* in the row */
};
#define DB_FIELD(row, name, type) { #name, type, offsetof(row, name) }

/* Its key is `id`, a number that is none of the fields. */
struct db_table {
	const char *name;
	const struct db_field *fields;
	size_t n;
};

/* Makes it; a file of an older version gets the columns that came since. */
int db_table_make(sqlite3 *db, const struct db_table *t);
int db_table_last_id(sqlite3 *db, const struct db_table *t, uint64_t *id);   /* 0: it is empty */
int db_table_put(sqlite3 *db, const struct db_table *t, sqlite3_stmt **st);  /* insert or replace: id, then the fields */
int db_table_del(sqlite3 *db, const struct db_table *t, sqlite3_stmt **st);  /* by id */
int db_table_all(sqlite3 *db, const struct db_table *t, sqlite3_stmt **st);  /* id, then the fields; oldest first */

/* Parameters of db_table_put() after id; the texts must live until the statement is reset. */
void db_row_bind(sqlite3_stmt *st, const struct db_table *t, const void *row);
/* Columns of db_table_all() after id; texts are views until the next step. A number out of its field's range: EBADMSG. */
int db_row_read(sqlite3_stmt *st, const struct db_table *t, void *row);
/* The row's texts become views into one copy: free(*bytes). ENOMEM. */
int db_row_own(const struct db_table *t, void *row, char **bytes);
/* The text in field `i` of the row; NULL: the field is none. */
struct str *db_row_text(const struct db_table *t, void *row, size_t i);

#endif
