/* store/store.h -- the store thread: one SQLite file, and jobs that change it.
 * All jobs that arrive while the disk is busy with the last commit share the
 * next one, and so one fsync. A job's done() runs only when its changes would
 * survive a power loss.
 * Threads: functions are the core's; a job's run() is the store thread's. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/text.h"
#include "net/loop.h"

struct sqlite3;
struct store;

/* First member of an obj. The store holds a reference until after done(). */
struct store_job {
	/* Store thread, inside a transaction. 0 or an errno, by which nothing of
	 * this job stays. It may run twice when another job of the commit failed. */
	int (*run)(struct store_job *j, struct sqlite3 *db);
	/* Core. 0: on disk. ENOSPC, EIO, EROFS, ...: nothing is. May be NULL. */
	void (*done)(struct store_job *j, int err);
	bool patient;           /* may wait patience_ms for others to share its commit; one that may not takes it along */
	int err;                /* the store's */
};

struct store_prm {
	struct str path;        /* of the file; its directory must be there */
	uint32_t gap_ms;        /* commits are at least this far apart, so that they are shared; the first never waits */
	uint32_t patience_ms;   /* the same for those of nothing but patient jobs */
	bool unsafe;            /* no fsync: for measurements only */
};

/* 0 and *s. Else *why says in one line what is wrong and what to do: the
 * directory is missing, not writable, the file belongs to another server, ... */
int store_open(struct store **s, struct loop *core, const struct store_prm *prm, struct text *why);
/* Until now the opener alone used the file, to make tables and to load. */
int store_start(struct store *s);
/* Finishes and commits all that was submitted and runs their done(): call it
 * while those who wait still live. From then on store_submit() is ECANCELED. */
void store_drain(struct store *s);
void store_close(struct store *s);           /* drains, and frees */
struct loop *store_loop(struct store *s);
/* Before store_start(), or on the store thread. */
struct sqlite3 *store_db(struct store *s);
/* Called when the store closes, before its database does: drops statements. */
int store_on_close(struct store *s, void (*fn)(void *arg), void *arg);

/* Takes its own reference. ENOBUFS: too much is waiting, nothing was taken:
 * answer 503. */
int store_submit(struct store *s, struct store_job *j);

struct store_counters {
	uint64_t jobs, failed, commits, refused;
	uint64_t waiting;       /* submitted and not done */
	uint64_t worst_us;      /* longest commit since the last call */
};
void store_count(struct store *s, struct store_counters *out);

#endif
