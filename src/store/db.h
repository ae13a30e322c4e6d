/* store/db.h -- the few calls of SQLite that store/ is made of. Files in store/
 * only. Threads: whoever owns the database at the time. */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/text.h"
#include <sqlite3.h>

/* [KiB] pages kept in memory; while a table is read from end to end, which reads each page once. */
#define DB_CACHE "PRAGMA cache_size=-65536;"
#define DB_CACHE_SCAN "PRAGMA cache_size=-1024;"

/* SQLite's code as an errno: ENOSPC, EIO, EROFS, ENOMEM, EBUSY, EEXIST, ... */
int db_errno(sqlite3 *db, int rc);
/* Open or make the file, private to its owner, and take it for us alone. */
int db_open(sqlite3 **db, struct str path, bool unsafe, struct text *why);
int db_exec(sqlite3 *db, const char *sql);
/* A statement that is used again and again. */
int db_prepare(sqlite3 *db, sqlite3_stmt **st, const char *sql);
/* Run a statement that gives no rows; resets it. */
int db_run(sqlite3 *db, sqlite3_stmt *st);
/* A view that must live until the statement is reset. An empty one is NULL-free. */
void db_bind(sqlite3_stmt *st, int at, struct str s);
struct str db_text(sqlite3_stmt *st, int col);       /* until the next step */

#endif
