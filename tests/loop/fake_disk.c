/* A disk that fails or waits when the test says so. */
#include "fake_disk.h"
#include "base/obj.h"
#include "store/publication.h"
#include "store/subscription.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <unistd.h>

#define JOBS 256

static struct loop *own;         /* the store outlives the test's loop */
static struct store *store;
static struct subscription_store *subscriptions;
static struct publication_store *publications;
static struct store_job *job[JOBS];     /* held */
static size_t jobs;
static char dir[64];

int __wrap_store_submit(struct store *s, struct store_job *j);
int __wrap_store_submit(struct store *s, struct store_job *j)
{
	(void)s;
	if (jobs == JOBS)
		return ENOBUFS;
	job[jobs++] = obj_hold(j);
	return 0;
}

struct contact_store *disk_open(struct loop *l)
{
	struct store_prm prm = { .unsafe = true };
	struct contact_store *cs = NULL;
	struct text why = { 0 };
	char path[80];

	(void)l;
	jobs = 0;
	own = GOT(loop_new(clock_real()));
	if (!dir[0]) {
		str_copy(dir, sizeof(dir), STR("/tmp/sidetone-disk-XXXXXX"));
		assert_non_null(mkdtemp(dir));
	}
	snprintf(path, sizeof(path), "%s/contacts", dir);
	prm.path = str_z(path);
	assert_int_equal(store_open(&store, own, &prm, &why), 0);
	assert_int_equal(contact_store_new(&cs, store), 0);
	assert_int_equal(subscription_store_new(&subscriptions, store), 0);
	assert_int_equal(publication_store_new(&publications, store), 0);
	return cs;
}

void disk_kept(struct service_prm *prm)
{
	prm->kept = subscriptions;
	prm->kept_publications = publications;
}

static void close_store(void)
{
	store_close(store);
	store = NULL;
	loop_free(own);
}

void disk_leave(void)
{
	disk_lose();
	close_store();
}

void disk_close(void)
{
	while (jobs)
		disk_commit(1, 0);
	close_store();
	for (size_t i = 0; i < 3; i++) {
		char path[96];

		snprintf(path, sizeof(path), "%s/contacts%s", dir, (const char *[]){ "", "-wal", "-shm" }[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
	dir[0] = '\0';
}

void disk_exec(const char *sql)
{
	assert_int_equal(sqlite3_exec(store_db(store), sql, NULL, NULL, NULL), SQLITE_OK);
}

size_t disk_commit(size_t n, int err)
{
	size_t done = 0;

	for (; n && jobs; n--, done++) {
		struct store_job *j = job[0];

		memmove(job, job + 1, --jobs * sizeof(job[0]));
		disk_exec("BEGIN");
		j->err = err ? err : j->run(j, store_db(store));
		disk_exec(j->err ? "ROLLBACK" : "COMMIT");
		if (j->done)
			j->done(j, j->err);
		obj_drop(j);
	}
	return done;
}

void disk_lose(void)
{
	while (jobs) {
		struct store_job *j = job[--jobs];

		if (j->done)
			j->done(j, ECANCELED);
		obj_drop(j);
	}
}

size_t disk_waiting(void)
{
	return jobs;
}

unsigned disk_rows(const char *table)
{
	char sql[100];
	sqlite3_stmt *st = NULL;
	unsigned n;

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	assert_int_equal(sqlite3_prepare_v2(store_db(store), sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = (unsigned)sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}

unsigned disk_has(const char *uri)
{
	sqlite3_stmt *st = NULL;
	unsigned n;

	assert_int_equal(sqlite3_prepare_v2(store_db(store), "SELECT count(*) FROM contact WHERE uri=?", -1, &st, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(st, 1, uri, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = (unsigned)sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return n;
}
