/* The store: contacts that come back, jobs that fail alone, a full disk, a kill at any moment. */
#include "store_stage.h"
#include "base/hash.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static struct contact_row row_of(char text[64], unsigned i)
{
	snprintf(text, 64, "sip:%u@192.0.2.1:5060", i);
	return (struct contact_row){
		.aor = STR("1001"), .uri = str_z(text), .expires = 1000000 + i, .path = STR("<sip:p;lr>"),
		.user_agent = STR("Phone/1.0"), .call_id = STR("abc@host"), .cseq = 4000000000u, .endpoint = STR("1001"),
		.reg_server = STR("pbx"), .via_addr = STR("10.0.0.9"), .via_port = 65535, .transport = STR("udp"),
		.txp = STR("transport-udp"), .orig_uri = STR("sip:a@192.168.1.2"), .peer = STR("10.0.0.9:5060"), .local = STR("10.0.0.1:5060"),
		.instance = STR("<urn:uuid:1>"), .reg_id = 2, .outbound_proxy = STR("sip:proxy"), .qualify_frequency = 60,
		.qualify_timeout = 3.5, .qualify_2xx_only = true, .authenticate_qualify = true, .prune_on_boot = true,
	};
}

static void on_done(void *arg, int err)
{
	struct store_world *w = arg;

	w->err = err;
	if (++w->done == w->want)
		loop_stop(w->loop);
}

static void wait_for(struct store_world *w, unsigned n)
{
	w->want = n;
	if (w->done < n)
		loop_run(w->loop);
	assert_int_equal(w->done, n);
}

static int check_row(void *arg, const struct contact_row *row)
{
	struct store_world *w = arg;
	char text[64];
	struct contact_row want = row_of(text, (unsigned)(row->expires - 1000000));

	w->rows++;
	assert_true(row->id != 0);
	assert_true(str_eq(row->uri, want.uri));
	assert_true(str_eq(row->path, want.path));
	assert_true(str_eq(row->user_agent, want.user_agent));
	assert_true(str_eq(row->call_id, want.call_id));
	assert_true(str_eq(row->endpoint, want.endpoint));
	assert_true(str_eq(row->reg_server, want.reg_server));
	assert_true(str_eq(row->via_addr, want.via_addr));
	assert_true(str_eq(row->transport, want.transport));
	assert_true(str_eq(row->txp, want.txp));
	assert_true(str_eq(row->orig_uri, want.orig_uri));
	assert_true(str_eq(row->peer, want.peer));
	assert_true(str_eq(row->local, want.local));
	assert_true(str_eq(row->instance, want.instance));
	assert_true(str_eq(row->outbound_proxy, want.outbound_proxy));
	assert_int_equal(row->cseq, want.cseq);
	assert_int_equal(row->via_port, want.via_port);
	assert_int_equal(row->reg_id, want.reg_id);
	assert_int_equal(row->qualify_frequency, want.qualify_frequency);
	assert_true(row->qualify_timeout > 3.4 && row->qualify_timeout < 3.6);
	assert_true(row->qualify_2xx_only && row->authenticate_qualify && row->prune_on_boot);
	return 0;
}

static uint64_t put_one(struct store_world *w, unsigned i, uint64_t id)
{
	char text[64];
	struct contact_row row = row_of(text, i);
	struct contact_batch *b = GOT(contact_batch_new(w->cs));

	row.id = id;
	assert_int_equal(contact_batch_put(b, &row), 0);
	assert_int_equal(contact_batch_commit(b, on_done, w), 0);
	obj_drop(b);
	return row.id;
}

static void contacts_come_back(void **state)
{
	struct store_world w;
	struct contact_batch *b;
	uint64_t first, second;

	(void)state;
	make_dir(&w);
	open_all(&w);
	assert_int_equal(store_start(w.store), 0);
	first = put_one(&w, 1, 0);
	second = put_one(&w, 2, 0);
	assert_true(first && second > first);
	put_one(&w, 3, first);          /* replaces the first */
	wait_for(&w, 3);
	assert_int_equal(w.err, 0);
	close_all(&w);

	w.rows = 0;
	open_all(&w);
	assert_int_equal(contact_store_load(w.cs, check_row, &w), 0);
	assert_int_equal(w.rows, 2);
	assert_int_equal(store_start(w.store), 0);
	assert_true(put_one(&w, 4, 0) > second);
	b = GOT(contact_batch_new(w.cs));
	assert_int_equal(contact_batch_del(b, first), 0);
	assert_int_equal(contact_batch_del(b, second), 0);
	assert_int_equal(contact_batch_commit(b, NULL, NULL), 0);
	assert_int_equal(contact_batch_commit(b, NULL, NULL), EALREADY);
	obj_drop(b);
	close_all(&w);                  /* commits what is waiting */
	assert_int_equal(w.done, 4);

	w.rows = 0;
	open_all(&w);
	assert_int_equal(contact_store_load(w.cs, check_row, &w), 0);
	assert_int_equal(w.rows, 1);
	close_all(&w);
	remove_dir(&w);
}

/* What may not be lost: each commit synced, and the file ours alone. */
static void durable_and_private(void **state)
{
	struct store_world w;
	struct store_world second;
	struct store *other = NULL;
	struct store_prm prm;
	struct text why = { 0 };
	struct stat st;
	sqlite3_stmt *q = NULL;

	(void)state;
	make_dir(&w);
	open_all(&w);
	second = w;
	prm = (struct store_prm){ .path = str_z(w.path) };
	assert_int_equal(sqlite3_prepare_v2(store_db(w.store), "PRAGMA synchronous", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(q, 0), 2);
	sqlite3_finalize(q);
	assert_int_equal(sqlite3_prepare_v2(store_db(w.store), "PRAGMA journal_mode", -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(q, 0), "wal");
	sqlite3_finalize(q);
	assert_int_equal(stat(w.path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(store_open(&other, second.loop, &prm, &why), EBUSY);
	assert_true(str_find(text_view(&why), STR("in use by another process")) < why.n);
	text_free(&why);
	close_all(&w);
	remove_dir(&w);
}

static void expect_refused(struct store_world *w, const char *name, int err, struct str words)
{
	char path[128];
	struct store *s = NULL;
	struct store_prm prm;
	struct text why = { 0 };

	snprintf(path, sizeof(path), "%s/%s", w->dir, name);
	prm = (struct store_prm){ .path = str_z(path) };
	assert_int_equal(store_open(&s, w->loop, &prm, &why), err);
	assert_true(str_find(text_view(&why), words) < why.n);
	text_free(&why);
}

static void open_errors(void **state)
{
	struct store_world w;
	char path[128];
	FILE *f;

	(void)state;
	make_dir(&w);
	w.loop = GOT(loop_new(clock_real()));
	expect_refused(&w, "no/db", ENOENT, STR("create it"));
	snprintf(path, sizeof(path), "%s/junk", w.dir);
	f = fopen(path, "w");
	for (unsigned i = 0; i < 2000; i++)
		fputs("this is no database ", f);
	fclose(f);
	expect_refused(&w, "junk", EBADMSG, STR("not a database"));
	expect_refused(&w, "junk/db", ENOTDIR, STR("directory"));
	if (geteuid() != 0) {
		chmod(w.dir, 0500);
		expect_refused(&w, "db", EACCES, STR("not writable"));
		chmod(w.dir, 0700);
	}
	loop_free(w.loop);
	remove_dir(&w);
}

/* ---- jobs ------------------------------------------------------------- */

struct probe {
	struct store_job job;
	struct store_world *w;
	int fail;
	unsigned runs, value;
	int got;
};

static int probe_run(struct store_job *j, struct sqlite3 *db)
{
	struct probe *p = container_of(j, struct probe, job);
	char sql[96];

	p->runs++;
	snprintf(sql, sizeof(sql), "INSERT INTO astdb VALUES('/probe/%u','%u')", p->value, p->value);
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return EEXIST;
	return p->fail;
}

static void probe_done(struct store_job *j, int err)
{
	struct probe *p = container_of(j, struct probe, job);

	p->got = err;
	on_done(p->w, err);
}

static struct probe *probe(struct store_world *w, unsigned value, int fail)
{
	struct probe *p = obj_new(sizeof(*p), NULL);

	p->job.run = probe_run;
	p->job.done = probe_done;
	p->w = w;
	p->value = value;
	p->fail = fail;
	return p;
}

static void one_bad_job_fails_alone(void **state)
{
	struct store_world w;
	struct probe *p[5];
	struct store_counters c;

	(void)state;
	make_dir(&w);
	open_all(&w);
	for (unsigned i = 0; i < 5; i++) {
		p[i] = probe(&w, i == 4 ? 0 : i, i == 2 ? EINVAL : 0);  /* 4 collides with 0 */
		assert_int_equal(store_submit(w.store, &p[i]->job), 0);
	}
	assert_int_equal(store_start(w.store), 0);      /* all five meet in one commit */
	wait_for(&w, 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(p[i]->got, i == 2 ? EINVAL : i == 4 ? EEXIST : 0);
		obj_drop(p[i]);
	}
	store_count(w.store, &c);
	assert_int_equal(c.jobs, 3);
	assert_int_equal(c.failed, 2);
	assert_int_equal(c.commits, 1);
	close_all(&w);
	open_all(&w);
	assert_int_equal(astdb_count(w.db), 3);         /* nothing half written */
	assert_false(astdb_get(w.db, STR("probe"), STR("2"), NULL));
	close_all(&w);
	remove_dir(&w);
}

static void full_queue_is_refused(void **state)
{
	struct store_world w;
	struct store_counters c;
	unsigned n = 0;
	int err = 0;

	(void)state;
	make_dir(&w);
	open_all(&w);
	while (!err && n < 100000) {    /* the thread does not run yet */
		struct probe *p = probe(&w, n, 0);

		err = store_submit(w.store, &p->job);
		n += !err;
		obj_drop(p);
	}
	assert_int_equal(err, ENOBUFS);
	store_count(w.store, &c);
	assert_int_equal(c.waiting, n);
	assert_int_equal(c.refused, 1);
	assert_int_equal(store_start(w.store), 0);
	wait_for(&w, n);
	assert_int_equal(w.err, 0);
	store_count(w.store, &c);
	assert_int_equal(c.waiting, 0);
	assert_true(c.commits < 100);   /* shared */
	close_all(&w);
	remove_dir(&w);
}

static void submit(struct store_world *w, unsigned value, bool patient)
{
	struct probe *p = probe(w, value, 0);

	p->job.patient = patient;
	assert_int_equal(store_submit(w->store, &p->job), 0);
	obj_drop(p);
}

/* They wait for each other, but nobody waits for them, nor the end of the program. */
static void patient_jobs_share(void **state)
{
	struct store_world w;
	struct store_counters c;
	unsigned n = 0;

	(void)state;
	make_dir(&w);
	open_all(&w);
	assert_int_equal(store_start(w.store), 0);
	submit(&w, n++, true);
	wait_for(&w, n);                /* the first has nothing to wait for */
	for (unsigned i = 0; i < 20; i++)
		submit(&w, n++, true);
	submit(&w, n++, false);
	wait_for(&w, n);
	store_count(w.store, &c);
	assert_true(c.commits <= 3);    /* two, or the last one is a moment later than the thread */
	submit(&w, n++, true);
	close_all(&w);
	assert_int_equal(w.done, n);
	remove_dir(&w);
}

/* A file that may not grow: what SQLite calls full is ENOSPC, and passes. */
static void full_database(void **state)
{
	struct store_world w;
	unsigned i;

	(void)state;
	make_dir(&w);
	open_all(&w);
	assert_int_equal(sqlite3_exec(store_db(w.store), "PRAGMA max_page_count=12", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_start(w.store), 0);
	for (i = 0; i < 200 && !w.err; i++) {
		put_one(&w, i, 0);
		wait_for(&w, i + 1);
	}
	assert_int_equal(w.err, ENOSPC);
	close_all(&w);
	w.rows = 0;
	open_all(&w);
	assert_int_equal(contact_store_load(w.cs, check_row, &w), 0);
	assert_int_equal(w.rows, i - 1);
	close_all(&w);
	remove_dir(&w);
}

/* The same for a disk that refuses writes in the middle of a commit. */
static void full_disk(void **state)
{
	struct store_world w;
	struct rlimit old, low;
	unsigned ok = 0, bad = 0;
	struct stat st;
	char wal[128];

	(void)state;
	make_dir(&w);
	signal(SIGXFSZ, SIG_IGN);
	open_all(&w);
	assert_int_equal(store_start(w.store), 0);
	put_one(&w, 1, 0);
	wait_for(&w, 1);
	getrlimit(RLIMIT_FSIZE, &old);
	snprintf(wal, sizeof(wal), "%s-wal", w.path);
	assert_int_equal(stat(wal, &st), 0);
	low = (struct rlimit){ (rlim_t)st.st_size + 30000, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &low);
	for (unsigned i = 0; i < 100; i++) {
		put_one(&w, 2 + i, 0);
		wait_for(&w, 2 + i);
		if (w.err)
			bad++;
		else
			ok++;
		assert_true(w.err == 0 || w.err == EIO);
	}
	assert_true(bad > 0);
	setrlimit(RLIMIT_FSIZE, &old);
	put_one(&w, 500, 0);            /* there is room again */
	wait_for(&w, 102);
	assert_int_equal(w.err, 0);
	close_all(&w);
	w.rows = 0;
	open_all(&w);
	assert_int_equal(contact_store_load(w.cs, check_row, &w), 0);
	assert_int_equal(w.rows, 1 + ok + 1);
	close_all(&w);
	remove_dir(&w);
}

/* ---- kill -9 ---------------------------------------------------------- */

struct mark {
	struct store_world *w;
	uint64_t id;
};

static void on_marked(void *arg, int err)
{
	struct mark *m = arg;

	if (!err && write(m->w->pipe, &m->id, sizeof(m->id)) != sizeof(m->id))
		_exit(3);
	free(m);
}

static void pour(void *arg)
{
	struct store_world *w = arg;

	for (unsigned i = 0; i < 20; i++) {
		char text[64];
		struct contact_row row = row_of(text, (unsigned)rand() % 1000);
		struct contact_batch *b = GOT(contact_batch_new(w->cs));
		struct mark *m = malloc(sizeof(*m));

		contact_batch_put(b, &row);
		*m = (struct mark){ w, row.id };
		if (contact_batch_commit(b, on_marked, m))
			free(m);
		obj_drop(b);
	}
	loop_post(w->loop, pour, w);
}

static int note_id(void *arg, const struct contact_row *row)
{
	struct store_world *w = arg;
	uint64_t *id = malloc(sizeof(*id));

	*id = row->id;
	assert_int_equal(check_row(w, row), 0);
	assert_int_equal(map_add(w->seen, str_mk((char *)id, sizeof(*id)), id), 0);
	return 0;
}

/* All that was reported done before a kill -9, at any moment, is there after. */
static void survives_kill(void **state)
{
	struct store_world w;
	unsigned seed = (unsigned)getpid();
	size_t promised = 0;

	(void)state;
	make_dir(&w);
	for (unsigned round = 0; round < 20; round++) {
		uint64_t ids[4096], *id;
		int fd[2], status;
		size_t have = 0;
		ssize_t n;
		pid_t pid;

		assert_int_equal(pipe(fd), 0);
		pid = fork();
		if (pid == 0) {
			close(fd[0]);
			w.pipe = fd[1];
			open_all(&w);
			store_start(w.store);
			loop_post(w.loop, pour, &w);
			loop_run(w.loop);
			_exit(2);
		}
		close(fd[1]);
		/* As many as chance wants, then the axe. */
		for (size_t want = 1 + (size_t)rand_r(&seed) % 3000; have < want; have += (size_t)n / sizeof(*ids)) {
			n = read(fd[0], ids + have, sizeof(*ids));
			assert_int_equal(n, sizeof(*ids));
		}
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (have < ARRAY_LEN(ids) && read(fd[0], ids + have, sizeof(*ids)) == sizeof(*ids))
			have++;
		close(fd[0]);

		w.seen = GOT(map_new(false));
		open_all(&w);
		assert_int_equal(contact_store_load(w.cs, note_id, &w), 0);
		close_all(&w);
		for (size_t i = 0; i < have; i++)
			assert_non_null(map_get(w.seen, str_mk((char *)&ids[i], sizeof(ids[i]))));
		promised += have;
		for (size_t it = 0; (id = map_next(w.seen, &it)); )
			free(id);
		map_free(w.seen);
	}
	assert_true(promised > 1000);
	remove_dir(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contacts_come_back), cmocka_unit_test(durable_and_private),
		cmocka_unit_test(open_errors), cmocka_unit_test(one_bad_job_fails_alone),
		cmocka_unit_test(full_queue_is_refused), cmocka_unit_test(patient_jobs_share),
		cmocka_unit_test(full_database), cmocka_unit_test(full_disk), cmocka_unit_test(survives_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
