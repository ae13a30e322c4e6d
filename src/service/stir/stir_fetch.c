/* The thread that fetches certificates, and reads and writes those that are kept. */
#define LOG_MODULE "stir"
#include "base/log.h"
#include "base/obj.h"
#include "base/ring.h"
#include "service/stir/stir_curl.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define SLEEP_MS 60000          /* it is woken before */

struct stir_fetch {
	struct ring *down, *up;         /* of struct stir_job, held: to the thread, and back */
	struct bell *bell;              /* the core's, for `up` */
	CURLM *multi;                   /* the thread's, but for curl_multi_wakeup() */
	pthread_t id;
	atomic_bool stop;
	/* the core's */
	size_t running;                 /* jobs between submit and done: never more than either ring holds */
	bool started;
	/* the thread's */
	struct stir_job *transfers;     /* by `next` */
};

/* ---- the thread: files ------------------------------------------------------------------- */

static int read_file(struct stir_job *j)
{
	int fd = open(text_z(&j->file), O_RDONLY | O_CLOEXEC);
	char room[1024];
	ssize_t n;
	int err = fd < 0 ? errno : 0;

	while (!err && (n = read(fd, room, sizeof(room))) != 0) {
		if (n < 0)
			err = errno;
		else
			buf_mem(&j->body, room, (size_t)n);
		err = err ? err : buf_err(&j->body);
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int write_all(int fd, struct str s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno != EINTR)
			return errno;
		s = str_skip(s, n > 0 ? (size_t)n : 0);
	}
	return 0;
}

/* As a whole or not at all: another program of the same directory reads it too. */
static int write_file(struct stir_job *j)
{
	struct text tmp = { 0 };
	int err = text_cat(&tmp, text_view(&j->file), STR(".new")), fd;

	if (err)
		return err;
	fd = open(text_z(&tmp), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	err = fd < 0 ? errno : write_all(fd, buf_view(&j->body));
	if (fd >= 0 && close(fd) && !err)
		err = errno;
	if (!err && rename(text_z(&tmp), text_z(&j->file)))
		err = errno;
	if (err && fd >= 0)
		unlink(text_z(&tmp));
	text_free(&tmp);
	return err;
}

/* ---- the thread: the network ---------------------------------------------------------------- */

static void give_back(struct stir_fetch *f, struct stir_job *j)
{
	ring_push(f->up, j);            /* has room: f->running */
	bell_ring(f->bell);
}

static void begin_get(struct stir_fetch *f, struct stir_job *j)
{
	CURL *e = stir_curl_new(j);

	if (!e || curl_multi_add_handle(f->multi, e) != CURLM_OK) {
		curl_easy_cleanup(e);
		give_back(f, j);
		return;
	}
	j->easy = e;
	j->next = f->transfers;
	f->transfers = j;
}

static void end_get(struct stir_fetch *f, struct stir_job *j)
{
	struct stir_job **at = &f->transfers;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	curl_multi_remove_handle(f->multi, j->easy);
	curl_easy_cleanup(j->easy);
	j->easy = NULL;
	give_back(f, j);
}

static void begin(struct stir_fetch *f, struct stir_job *j)
{
	switch (j->kind) {
	case STIR_JOB_GET:
		begin_get(f, j);
		return;
	case STIR_JOB_READ:
		j->err = read_file(j);
		break;
	case STIR_JOB_WRITE:
		j->err = write_file(j);
		break;
	case STIR_JOB_REMOVE:
		j->err = unlink(text_z(&j->file)) ? errno : 0;
		break;
	}
	give_back(f, j);
}

static void end_finished(struct stir_fetch *f)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(f->multi, &left))) {
		struct stir_job *j = NULL;

		if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &j) != CURLE_OK || !j)
			continue;
		stir_curl_over(j, m->easy_handle, m->data.result);
		end_get(f, j);
	}
}

static void *thread_main(void *arg)
{
	struct stir_fetch *f = arg;
	struct stir_job *j;
	int left;

	while (!atomic_load(&f->stop)) {
		while ((j = ring_pop(f->down)))
			begin(f, j);
		curl_multi_perform(f->multi, &left);
		end_finished(f);
		if (ring_empty(f->down))
			curl_multi_poll(f->multi, NULL, 0, SLEEP_MS, NULL);
	}
	while (f->transfers)
		end_get(f, f->transfers);
	return NULL;
}

/* ---- the core ---------------------------------------------------------------------------------- */

static void on_done(void *arg)
{
	struct stir_fetch *f = arg;
	struct stir_job *j;

	while ((j = ring_pop(f->up))) {
		f->running--;
		if (j->done)
			j->done(j);
		obj_drop(j);
	}
}

struct stir_fetch *stir_fetch_new(struct loop *l)
{
	struct stir_fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(f);
		return NULL;
	}
	atomic_init(&f->stop, false);
	f->down = ring_new(STIR_FETCHES);
	f->up = ring_new(STIR_FETCHES);
	f->bell = bell_new(l, on_done, f);
	f->multi = curl_multi_init();
	if (!f->down || !f->up || !f->bell || !f->multi) {
		stir_fetch_free(f);
		return NULL;
	}
	curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return f;
}

static void drop_all(struct ring *r)
{
	struct stir_job *j;

	while (r && (j = ring_pop(r)))
		obj_drop(j);
}

void stir_fetch_free(struct stir_fetch *f)
{
	if (!f)
		return;
	if (f->started) {
		atomic_store(&f->stop, true);
		curl_multi_wakeup(f->multi);
		pthread_join(f->id, NULL);
	}
	drop_all(f->down);
	drop_all(f->up);
	ring_free(f->down);
	ring_free(f->up);
	if (f->bell)
		bell_free(f->bell);
	curl_multi_cleanup(f->multi);
	curl_global_cleanup();
	free(f);
}

static int start(struct stir_fetch *f)
{
	sigset_t all, old;
	int err;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&f->id, NULL, thread_main, f);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	f->started = !err;
	return err;
}

int stir_fetch_submit(struct stir_fetch *f, struct stir_job *j)
{
	int err = f->started ? 0 : start(f);

	if (!err && f->running >= STIR_FETCHES)
		err = ENOBUFS;
	if (err)
		return err;
	err = ring_push(f->down, obj_hold(j));
	if (err) {
		obj_drop(j);
		return err;
	}
	f->running++;
	curl_multi_wakeup(f->multi);
	return 0;
}
