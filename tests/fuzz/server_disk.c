/* A disk in memory whose commits happen, fail and become known when the program
 * of the fuzzer says so. Stands in place of the store thread; the rows are
 * written by the library's own code. */
#include "server_hooks.h"
#include "base/obj.h"
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>

#define JOBS 64

struct store {
	sqlite3 *db;
	struct loop *loop;
	struct store_job *job[JOBS];
	size_t n, committed;    /* the first `committed` wait to be told */
	bool refuse;
	bool faulty;            /* a job failed or was refused, in this program */
	void (*closer)(void *arg);
	void *closer_arg;
	int changes;            /* seen when it was cleaned */
};

struct sqlite3 *__wrap_store_db(struct store *s);
int __wrap_store_on_close(struct store *s, void (*fn)(void *arg), void *arg);
int __wrap_store_submit(struct store *s, struct store_job *j);
void __wrap_store_count(struct store *s, struct store_counters *out);
struct loop *__wrap_store_loop(struct store *s);

static struct store disk;

struct sqlite3 *__wrap_store_db(struct store *s)
{
	return s->db;
}

/* The contacts' table stays for all programs; it is made without a loop. */
int __wrap_store_on_close(struct store *s, void (*fn)(void *arg), void *arg)
{
	if (s->loop) {
		s->closer = fn;
		s->closer_arg = arg;
	}
	return 0;
}

void disk_close(void)
{
	if (disk.closer)
		disk.closer(disk.closer_arg);
	disk.closer = NULL;
}

int __wrap_store_submit(struct store *s, struct store_job *j)
{
	if (s->refuse || s->n == JOBS) {
		s->faulty = true;
		return ENOBUFS;
	}
	s->job[s->n++] = obj_hold(j);
	return 0;
}

void __wrap_store_count(struct store *s, struct store_counters *out)
{
	*out = (struct store_counters){ .waiting = s->n };
}

struct loop *__wrap_store_loop(struct store *s)
{
	return s->loop;
}

static void sql(const char *text)
{
	if (sqlite3_exec(disk.db, text, NULL, NULL, NULL) != SQLITE_OK)
		abort();
}

struct store *disk_open(struct loop *l)
{
	disk.loop = l;
	if (!disk.db && sqlite3_open(":memory:", &disk.db) != SQLITE_OK)
		abort();
	return &disk;
}

void disk_begin(void)
{
	disk.changes = sqlite3_total_changes(disk.db);
}

bool disk_changed(void)
{
	return sqlite3_total_changes(disk.db) != disk.changes;
}

void disk_clean(void)
{
	if (disk.n)
		abort();
	disk.refuse = disk.faulty = false;
	if (!disk_changed())
		return;
	sql("DELETE FROM contact;DELETE FROM astdb;DELETE FROM subscription;DELETE FROM publication;DELETE FROM publication_taken;"
	    "DELETE FROM publication_state");
	disk_begin();
}

static int run(struct store_job *j, int err)
{
	sql("BEGIN");
	if (!err)
		err = j->run(j, disk.db);
	sql(err ? "ROLLBACK" : "COMMIT");
	return err;
}

void disk_commit(size_t n, int err)
{
	for (; n && disk.committed < disk.n; n--) {
		struct store_job *j = disk.job[disk.committed++];

		j->err = run(j, err);
		disk.faulty |= j->err != 0;
	}
}

void disk_tell(size_t n)
{
	for (; n && disk.committed; n--) {
		struct store_job *j = disk.job[0];
		bool before;

		disk.committed--;
		disk.n--;
		memmove(disk.job, disk.job + 1, disk.n * sizeof(disk.job[0]));
		before = hooks_library(true);
		if (j->done)
			j->done(j, j->err);
		obj_drop(j);
		hooks_library(before);
	}
}

void disk_refuse(bool on)
{
	disk.refuse = on;
}

size_t disk_waiting(void)
{
	return disk.n;
}

bool disk_was_faulty(void)
{
	return disk.faulty;
}

size_t disk_subscriptions(void)
{
	static sqlite3_stmt *st;
	size_t n;

	if (!st && sqlite3_prepare_v2(disk.db, "SELECT count(*) FROM subscription", -1, &st, NULL) != SQLITE_OK)
		abort();
	n = sqlite3_step(st) == SQLITE_ROW ? (size_t)sqlite3_column_int64(st, 0) : SIZE_MAX;
	sqlite3_reset(st);
	return n;
}

void disk_contacts(disk_row_fn *fn, void *arg)
{
	static sqlite3_stmt *st;

	if (!st && sqlite3_prepare_v2(disk.db, "SELECT id,aor,uri,expires FROM contact", -1, &st, NULL) != SQLITE_OK)
		abort();
	while (sqlite3_step(st) == SQLITE_ROW)
		fn(arg, (uint64_t)sqlite3_column_int64(st, 0), str_z((const char *)sqlite3_column_text(st, 1)),
		   str_z((const char *)sqlite3_column_text(st, 2)), sqlite3_column_int64(st, 3));
	sqlite3_reset(st);
}
