/* The thread that writes: all jobs that wait share one commit. */
#define LOG_MODULE "store"
#include "store/store.h"
#include "base/log.h"
#include "base/obj.h"
#include "base/ring.h"
#include "store/db.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 16384             /* jobs submitted and not done; more is ENOBUFS */
#define BATCH_MAX 4096          /* jobs in one commit: bounds the log and the wait of the first */
#define GAP_MS 10               /* a commit costs some 150 us of CPU, however little it carries */
#define PATIENCE_MS 50          /* whoever subscribes sees no difference */
#define UP_MAX 256              /* done() calls before the loop gets its turn */

struct closer {
	struct closer *next;
	void (*fn)(void *arg);
	void *arg;
};

struct store {
	struct loop *core;
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *rollback;
	struct ring *down, *up;         /* of held jobs */
	struct bell *up_bell;
	struct closer *closers;
	int wake;                       /* eventfd the thread sleeps on */
	atomic_bool asleep, stop;
	atomic_bool gathers;            /* asleep too, but for more jobs: only one in a hurry wakes it */
	atomic_size_t hurried;          /* jobs in `down` that are not patient */
	pthread_t thread;
	bool started, ring_due, closing;
	uint32_t gap_ms, patience_ms;
	size_t waiting;                 /* the core's */
	uint64_t refused;               /* the core's */
	_Atomic uint64_t jobs, failed, commits, worst_us;
	struct store_job *batch[BATCH_MAX];     /* the thread's */
};

/* ---- the store thread ------------------------------------------------- */

static uint64_t now_us(void)
{
	return clock_us(clock_real());
}

static int run_all(struct store *s, struct store_job **j, size_t n)
{
	int err = db_run(s->db, s->begin);

	for (size_t i = 0; i < n && !err; i++)
		err = j[i]->run(j[i], s->db);
	if (!err)
		err = db_run(s->db, s->commit);
	/* SQLite may have rolled back by itself (a full disk). */
	if (err && !sqlite3_get_autocommit(s->db))
		db_run(s->db, s->rollback);
	return err;
}

static bool is_the_disk(int err)
{
	return err == ENOSPC || err == EIO || err == EROFS || err == ENOMEM || err == EBADMSG;
}

static void commit_batch(struct store *s, size_t n)
{
	uint64_t from = now_us(), us;
	int err = run_all(s, s->batch, n);

	atomic_fetch_add(&s->commits, 1);
	for (size_t i = 0; i < n; i++)
		s->batch[i]->err = err;
	/* One job is at fault, not the disk: each by itself, so that it alone fails. */
	if (err && !is_the_disk(err) && n > 1)
		for (size_t i = 0; i < n; i++)
			s->batch[i]->err = run_all(s, &s->batch[i], 1);
	us = now_us() - from;
	if (us > atomic_load(&s->worst_us))
		atomic_store(&s->worst_us, us);
	for (size_t i = 0; i < n; i++) {
		atomic_fetch_add_explicit(s->batch[i]->err ? &s->failed : &s->jobs, 1, memory_order_relaxed);
		ring_push(s->up, s->batch[i]);  /* cannot be full: `waiting` is bounded by its size */
	}
	bell_ring(s->up_bell);
}

static void sleep_until_work(struct store *s)
{
	uint64_t v;

	atomic_store(&s->asleep, true);
	if (ring_empty(s->down) && !atomic_load(&s->stop) && read(s->wake, &v, sizeof(v)) < 0)
		log_debug(1, "eventfd: %s", strerror(errno));
	atomic_store(&s->asleep, false);
}

/* Until a job comes that is in a hurry, or the end. */
static void gather(struct store *s, uint64_t us)
{
	struct pollfd p = { .fd = s->wake, .events = POLLIN };
	uint64_t v;

	atomic_store(&s->gathers, true);
	if (!atomic_load(&s->hurried) && !atomic_load(&s->stop) && poll(&p, 1, (int)(us / 1000) + 1) > 0 &&
	    read(s->wake, &v, sizeof(v)) < 0)
		log_debug(1, "eventfd: %s", strerror(errno));
	atomic_store(&s->gathers, false);
}

/* Not sooner than the gap after the last commit: what comes meanwhile shares. */
static void keep_gap(struct store *s, uint64_t last_us)
{
	uint64_t due = last_us + s->gap_ms * 1000u, later = last_us + s->patience_ms * 1000u, now = now_us();
	struct timespec t;

	if (!last_us || atomic_load(&s->stop))
		return;
	if (now < due) {
		t.tv_sec = (time_t)((due - now) / 1000000);
		t.tv_nsec = (long)((due - now) % 1000000) * 1000;
		nanosleep(&t, NULL);
		now = now_us();
	}
	while (now < later && !atomic_load(&s->hurried) && !atomic_load(&s->stop)) {
		gather(s, later - now);
		now = now_us();
	}
}

static size_t take_jobs(struct store *s)
{
	size_t n = ring_pop_many(s->down, (void **)s->batch, BATCH_MAX), hurried = 0;

	for (size_t i = 0; i < n; i++)
		hurried += !s->batch[i]->patient;
	atomic_fetch_sub(&s->hurried, hurried);
	return n;
}

static void *thread_main(void *arg)
{
	struct store *s = arg;
	uint64_t last = 0;
	size_t n;

	for (;;) {
		if (ring_empty(s->down)) {
			if (atomic_load(&s->stop))
				break;
			sleep_until_work(s);
			continue;
		}
		keep_gap(s, last);
		last = now_us();
		n = take_jobs(s);
		if (n)
			commit_batch(s, n);
	}
	return NULL;
}

static void wake(struct store *s, bool patient)
{
	uint64_t one = 1;

	if ((atomic_exchange(&s->asleep, false) || (!patient && atomic_exchange(&s->gathers, false))) && write(s->wake, &one, sizeof(one)) < 0)
		log_error("eventfd: %s", strerror(errno));
}

/* ---- the core --------------------------------------------------------- */

static bool take_done(struct store *s)
{
	struct store_job *j[UP_MAX];
	size_t n = ring_pop_many(s->up, (void **)j, UP_MAX);

	s->waiting -= n;
	for (size_t i = 0; i < n; i++) {
		if (j[i]->done)
			j[i]->done(j[i], j[i]->err);
		obj_drop(j[i]);
	}
	return n == UP_MAX;
}

static void on_done(void *arg)
{
	struct store *s = arg;

	if (take_done(s))
		bell_ring(s->up_bell);
}

int store_submit(struct store *s, struct store_job *j)
{
	int err;

	if (s->closing)
		return ECANCELED;
	/* Before it can be taken, which counts it out. */
	if (!j->patient)
		atomic_fetch_add(&s->hurried, 1);
	err = s->waiting >= SLOTS ? ENOBUFS : ring_push(s->down, j);
	if (err) {
		if (!j->patient)
			atomic_fetch_sub(&s->hurried, 1);
		s->refused++;
		return err;
	}
	obj_hold(j);
	s->waiting++;
	if (s->started)
		wake(s, j->patient);
	return 0;
}

static void store_free(struct store *s)
{
	struct closer *c;

	while ((c = s->closers)) {
		s->closers = c->next;
		c->fn(c->arg);
		free(c);
	}
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->rollback);
	if (s->db && sqlite3_close(s->db) != SQLITE_OK)
		log_error("the database did not close: %s", sqlite3_errmsg(s->db));
	bell_free(s->up_bell);
	ring_free(s->down);
	ring_free(s->up);
	if (s->wake >= 0)
		close(s->wake);
	free(s);
}

int store_open(struct store **out, struct loop *core, const struct store_prm *prm, struct text *why)
{
	struct store *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return ENOMEM;
	s->core = core;
	s->gap_ms = prm->gap_ms ? prm->gap_ms : GAP_MS;
	s->patience_ms = prm->patience_ms ? prm->patience_ms : PATIENCE_MS;
	s->wake = eventfd(0, EFD_CLOEXEC);
	s->down = ring_new(SLOTS);
	s->up = ring_new(SLOTS);
	s->up_bell = bell_new(core, on_done, s);
	err = s->wake < 0 ? errno : s->down && s->up && s->up_bell ? 0 : ENOMEM;
	if (!err)
		err = db_open(&s->db, prm->path, prm->unsafe, why);
	if (!err)
		err = db_prepare(s->db, &s->begin, "BEGIN IMMEDIATE");
	if (!err)
		err = db_prepare(s->db, &s->commit, "COMMIT");
	if (!err)
		err = db_prepare(s->db, &s->rollback, "ROLLBACK");
	if (err) {
		if (!why->n)
			text_printf(why, "the store cannot start: %s", strerror(err));
		store_free(s);
		return err;
	}
	*out = s;
	return 0;
}

int store_start(struct store *s)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&s->thread, NULL, thread_main, s);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	s->started = !err;
	return err;
}

void store_drain(struct store *s)
{
	struct store_job *j;

	if (!s || s->closing)
		return;
	s->closing = true;
	if (s->started) {
		atomic_store(&s->stop, true);
		wake(s, false);
		pthread_join(s->thread, NULL);
	}
	while (take_done(s))
		;
	/* Never started: nothing of these is on disk. */
	while ((j = ring_pop(s->down))) {
		if (j->done)
			j->done(j, ECANCELED);
		obj_drop(j);
	}
}

void store_close(struct store *s)
{
	if (!s)
		return;
	store_drain(s);
	store_free(s);
}

struct loop *store_loop(struct store *s) { return s->core; }
struct sqlite3 *store_db(struct store *s) { return s->db; }

int store_on_close(struct store *s, void (*fn)(void *arg), void *arg)
{
	struct closer *c = malloc(sizeof(*c));

	if (!c)
		return ENOMEM;
	*c = (struct closer){ s->closers, fn, arg };
	s->closers = c;
	return 0;
}

void store_count(struct store *s, struct store_counters *out)
{
	*out = (struct store_counters){ atomic_load(&s->jobs), atomic_load(&s->failed),
		atomic_load(&s->commits), s->refused, s->waiting, atomic_exchange(&s->worst_us, 0) };
}
