/* SQLite: opening, statements, and its errors as errnos. */
#include "store/db.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rows are a few hundred bytes, and each commit writes every page it touched
 * in whole. Contacts refreshed in order like large pages, in random order small
 * ones; from 1024 to 4096 both stay within a third of each other. */
#define PAGE "2048"
/* Pages of the log before they are copied home. A longer log means fewer and
 * better sorted copies; 8 MiB is read again in no time at the next start. */
#define CHECKPOINT "4096"

int db_errno(sqlite3 *db, int rc)
{
	int sys = db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_IOERR:      /* also an exceeded quota: SQLite does not keep that errno */
		return EIO;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_CONSTRAINT:
		return EEXIST;
	case SQLITE_CANTOPEN:
		return sys ? sys : EIO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_TOOBIG:
		return E2BIG;
	default:
		return EIO;
	}
}

int db_exec(sqlite3 *db, const char *sql)
{
	return db_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int db_prepare(sqlite3 *db, sqlite3_stmt **st, const char *sql)
{
	return db_errno(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, st, NULL));
}

int db_run(sqlite3 *db, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st), err = db_errno(db, rc);

	sqlite3_reset(st);
	return err;
}

void db_bind(sqlite3_stmt *st, int at, struct str s)
{
	sqlite3_bind_text(st, at, s.n ? s.p : "", (int)(s.n > INT_MAX ? INT_MAX : s.n), SQLITE_STATIC);
}

struct str db_text(sqlite3_stmt *st, int col)
{
	const void *p = sqlite3_column_text(st, col);

	return str_mk(p, p ? (size_t)sqlite3_column_bytes(st, col) : 0);
}

static int check_dir(struct str path, char *dir, size_t size, struct text *why)
{
	size_t slash = str_rchr(path, '/');
	struct stat st;

	str_copy(dir, size, slash == path.n ? STR(".") : slash ? str_sub(path, 0, slash) : STR("/"));
	if (stat(dir, &st)) {
		text_printf(why, "directory %s cannot be used: %s; create it or name another", dir, strerror(errno));
		return errno;
	}
	if (!S_ISDIR(st.st_mode)) {
		text_printf(why, "%s is not a directory", dir);
		return ENOTDIR;
	}
	if (access(dir, W_OK | X_OK)) {
		text_printf(why, "directory %s is not writable by user %u: %s; change its owner or mode", dir,
			    (unsigned)geteuid(), strerror(errno));
		return errno;
	}
	return 0;
}

/* The name of a new file is only on disk when its directory is. */
static int sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return errno;
	if (fsync(fd))
		err = errno;
	close(fd);
	return err;
}

static int make_file(const char *path, const char *dir, struct text *why)
{
	/* SQLite would make it readable to all; the log takes over the mode. */
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600), err = 0;

	if (fd < 0) {
		err = errno;
		text_printf(why, "%s cannot be written: %s", path, strerror(err));
		return err;
	}
	close(fd);
	err = sync_dir(dir);
	if (err)
		text_printf(why, "directory %s: %s", dir, strerror(err));
	return err;
}

static int take_file(sqlite3 *db, bool unsafe)
{
	int err = db_exec(db, "PRAGMA page_size=" PAGE ";PRAGMA locking_mode=EXCLUSIVE;");

	if (!err)
		err = db_exec(db, "PRAGMA journal_mode=WAL;PRAGMA wal_autocheckpoint=" CHECKPOINT ";"
				  DB_CACHE "PRAGMA temp_store=MEMORY;");
	if (!err)       /* FULL: in WAL mode every commit is synced before it returns */
		err = db_exec(db, unsafe ? "PRAGMA synchronous=OFF" : "PRAGMA synchronous=FULL");
	if (!err)
		err = db_exec(db, "BEGIN IMMEDIATE;COMMIT");
	return err;
}

int db_open(sqlite3 **out, struct str path, bool unsafe, struct text *why)
{
	char file[PATH_MAX], dir[PATH_MAX];
	sqlite3 *db = NULL;
	int rc, err;

	if (!path.n || path.n >= sizeof(file)) {
		text_set(why, STR("the path of the database is empty or too long"));
		return EINVAL;
	}
	str_copy(file, sizeof(file), path);
	err = check_dir(path, dir, sizeof(dir), why);
	if (!err)
		err = make_file(file, dir, why);
	if (err)
		return err;
	rc = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	err = db_errno(db, rc);
	if (!err)
		err = take_file(db, unsafe);
	if (err == EBUSY)
		text_printf(why, "%s is in use by another process; only one server may have it", file);
	else if (err == EBADMSG)
		text_printf(why, "%s is not a database, or damaged; move it away to start empty", file);
	else if (err)
		text_printf(why, "%s: %s", file, db ? sqlite3_errmsg(db) : strerror(err));
	if (err)
		sqlite3_close(db);
	else
		*out = db;
	return err;
}
