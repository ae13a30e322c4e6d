/* media/faxrun.c -- fax terminals on threads of their own, and on sessions of sound. What they do there is
 * faxterm.c's; sessions of T.38 are faxrun_t38.c's. */
#define LOG_MODULE "fax"
#include "media/faxrun.h"
#include "media/faxrun_private.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* RING: 1.3 s, for a disk that is slow. AHEAD: what must be there before the first sound leaves, so that a thread
 * that wakes a little late makes no gap. AFTER: how long the line stays after the result, so that the last signal
 * has left. */
enum { RING = 64, AHEAD = 2, AFTER = 6, STATS_STEPS = 25 };

/* ---- the fax's thread (or the media's turn, without one) */

static void stats_publish(struct faxrun *r)
{
	struct faxterm_stats st;

	faxterm_stats(r->term, &st);
	pthread_mutex_lock(&r->lock);
	r->stats = st;
	pthread_mutex_unlock(&r->lock);
	r->unread = 0;
}

static void make_ifp(void *arg, const uint8_t *p, size_t n, unsigned copies)
{
	struct faxrun *r = arg;

	if (n > sizeof(r->made.ifp))
		return;
	r->made.type = FAX_IFP;
	r->made.copies = (uint8_t)(copies > 255 ? 255 : copies);
	r->made.n = (uint16_t)n;
	memcpy(r->made.ifp, p, n);
	queue_push(r->out, &r->made);
}

static void say(struct faxrun *r)
{
	r->made.type = FAX_HEARD;
	r->made.n = FAX_SAMPLES;
	faxterm_say(r->term, r->made.pcm, FAX_SAMPLES);
	queue_push(r->out, &r->made);
}

static void step(struct faxrun *r, struct fax_item *x)
{
	switch ((enum fax_item_type)x->type) {
	case FAX_HEARD:
		faxterm_hear(r->term, x->pcm, x->n);
		say(r);
		break;
	case FAX_MISSED:
		faxterm_miss(r->term, x->n);
		say(r);
		break;
	case FAX_IFP:
		faxterm_ifp(r->term, x->ifp, x->n, x->seq);
		return;
	case FAX_PASSED:
		faxterm_pass(r->term, x->n);
		break;
	}
	r->since += faxterm_done(r->term);
	r->unread++;
}

/* From sound to T.38: what the core has asked for. */
static void turn(struct faxrun *r)
{
	struct fax_t38 prm;
	bool due;

	pthread_mutex_lock(&r->lock);
	due = r->turn.due;
	prm = r->turn.prm;
	r->turn.due = false;
	pthread_mutex_unlock(&r->lock);
	if (due && faxterm_t38(r->term, &prm))
		faxterm_end(r->term);
}

static void work(struct faxrun *r)
{
	if (atomic_load(&r->quit))
		return;
	turn(r);
	while (!atomic_load(&r->quit) && queue_pop(r->in, &r->now))
		step(r, &r->now);
	if (atomic_load(&r->end) && !faxterm_done(r->term)) {
		faxterm_end(r->term);
		r->since = AFTER;
	}
	if (r->unread >= STATS_STEPS)
		stats_publish(r);
	if ((r->since >= AFTER || (atomic_load(&r->end) && faxterm_done(r->term))) && !atomic_load(&r->done)) {
		stats_publish(r);
		atomic_store(&r->done, true);
		bell_ring(r->bell);
	}
}

static void *thread_main(void *arg)
{
	struct faxrun *r = arg;

	while (!atomic_load(&r->quit)) {
		while (sem_wait(&r->wake) && errno == EINTR)
			;
		work(r);
	}
	/* May end a file that was begun, so not on the core. */
	faxterm_free(r->term);
	r->term = NULL;
	atomic_store(&r->gone, true);
	bell_ring(r->bell);
	return NULL;
}

/* ---- the media thread */

void faxrun_feed(struct faxrun *r, struct fax_item *item)
{
	atomic_fetch_add_explicit(&r->steps, 1, memory_order_relaxed);
	queue_push(r->in, item);
	if (r->threaded)
		sem_post(&r->wake);
	else
		work(r);
}

struct fax_line {                /* on a session of sound: what media_pcm has */
	struct faxrun *run;             /* held */
	struct media_pcm *pcm;          /* compared only */
	struct fax_item item;
	unsigned ahead;                 /* steps that were fed before the first sound is taken */
};

static void on_heard(void *arg, const int16_t *pcm, size_t n)
{
	struct fax_line *s = arg;

	s->item.type = FAX_HEARD;
	s->item.n = (uint16_t)(n > FAX_SAMPLES ? FAX_SAMPLES : n);
	memcpy(s->item.pcm, pcm, s->item.n * sizeof(*pcm));
	faxrun_feed(s->run, &s->item);
}

static void on_missed(void *arg, size_t n)
{
	struct fax_line *s = arg;

	s->item.type = FAX_MISSED;
	s->item.n = (uint16_t)(n > FAX_SAMPLES ? FAX_SAMPLES : n);
	faxrun_feed(s->run, &s->item);
}

/* Always something: a stream that stops is no line. */
static bool on_say(void *arg, int16_t *pcm, size_t n)
{
	struct fax_line *s = arg;
	bool got = false;

	if (s->ahead < AHEAD)
		s->ahead++;
	else
		/* IFPs are left of a time with T.38. */
		while ((got = queue_pop(s->run->out, &s->item)) && s->item.type != FAX_HEARD)
			;
	memset(pcm, 0, n * sizeof(*pcm));
	if (got)
		memcpy(pcm, s->item.pcm, (s->item.n < n ? s->item.n : n) * sizeof(*pcm));
	return true;
}

/* ---- the core */

void faxrun_let_go(struct faxrun *r)
{
	obj_drop(r);
}

static void on_sound_gone(void *arg)
{
	struct fax_line *s = arg;

	if (s->run->pcm == s->pcm)
		s->run->pcm = NULL;
	faxrun_let_go(s->run);
	free(s);
}

/* Its thread has ended, or there is none. */
static void join(struct faxrun *r)
{
	if (r->joined)
		return;
	r->joined = true;
	if (r->threaded)
		pthread_join(r->id, NULL);
	list_remove(&r->link);
	r->m->nfaxes--;
	r->m = NULL;
	bell_free(r->bell);
	r->bell = NULL;
	obj_drop(r);
}

static void on_bell(void *arg)
{
	struct faxrun *r = obj_hold(arg);

	if (atomic_load(&r->done) && !r->told) {
		r->told = true;
		if (r->told_fn)
			r->told_fn(r->arg);
	}
	if (atomic_load(&r->gone))
		join(r);
	obj_drop(r);
}

static void run_free(void *arg)
{
	struct faxrun *r = arg;

	faxterm_free(r->term);
	bell_free(r->bell);
	queue_free(r->in);
	queue_free(r->out);
	pthread_mutex_destroy(&r->lock);
	sem_destroy(&r->wake);
}

/* The media goes: whoever had a fax is gone already. */
static void end_all(struct media *m)
{
	list_each_safe(l, tmp, &m->faxes) {
		struct faxrun *r = container_of(l, struct faxrun, link);

		atomic_store(&r->quit, true);
		sem_post(&r->wake);
		join(r);
	}
}

static int start(struct faxrun *r, struct media *m)
{
	int err;

	r->threaded = !m->inline_;
	r->in = queue_new(RING, sizeof(struct fax_item));
	r->out = queue_new(RING, sizeof(struct fax_item));
	r->bell = bell_new(m->prm.core, on_bell, r);
	if (!r->in || !r->out || !r->bell)
		return ENOMEM;
	err = r->threaded ? pthread_create(&r->id, NULL, thread_main, r) : 0;
	if (err)
		return err;
	obj_hold(r);            /* the thread's */
	r->m = m;
	m->nfaxes++;
	list_append(&m->faxes, &r->link);
	m->faxes_end = end_all;
	return 0;
}

int faxrun_new(struct faxrun **out, const struct faxrun_prm *prm)
{
	struct faxterm_prm term = prm->term;
	struct faxrun *r;
	int err;

	if (!prm->media || !prm->media->prm.core)
		return EINVAL;
	if (prm->media->nfaxes >= FAX_RUNS_MAX)
		return ENOBUFS;
	r = obj_new(sizeof(*r), run_free);
	if (!r)
		return ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	sem_init(&r->wake, 0, 0);
	r->told_fn = prm->told;
	r->arg = prm->arg;
	term.send_ifp = make_ifp;
	term.arg = r;
	err = faxterm_new(&r->term, &term);
	if (!err)
		faxterm_stats(r->term, &r->stats);
	if (!err)
		err = start(r, prm->media);
	if (err)
		obj_drop(r);
	else
		*out = r;
	return err;
}

void faxrun_free(struct faxrun *r)
{
	if (!r)
		return;
	r->told_fn = NULL;
	faxrun_detach(r);
	atomic_store(&r->quit, true);
	if (!r->joined && r->threaded)
		sem_post(&r->wake);
	else if (!r->joined)
		join(r);
	obj_drop(r);
}

int faxrun_sound(struct faxrun *r, struct media_session *s)
{
	struct fax_line *x = calloc(1, sizeof(*x));
	const struct media_pcm_ops ops = { .arg = x, .rate = FAX_RATE, .read = on_say, .write = on_heard, .miss = on_missed,
		.free = on_sound_gone };
	int err;

	if (!x)
		return ENOMEM;
	faxrun_detach(r);
	x->run = obj_hold(r);
	err = media_pcm_start(&x->pcm, s, &ops);
	if (err) {
		obj_drop(r);
		free(x);
		return err;
	}
	r->pcm = x->pcm;
	return 0;
}

void faxrun_detach(struct faxrun *r)
{
	struct media_pcm *p = r->pcm;

	r->pcm = NULL;
	if (p)
		(void)media_pcm_stop(p);
}

bool faxrun_attached(const struct faxrun *r) { return r->pcm != NULL; }

void faxrun_end(struct faxrun *r)
{
	atomic_store(&r->end, true);
	if (r->threaded)
		sem_post(&r->wake);
	else
		work(r);
}

void faxrun_stats(struct faxrun *r, struct faxterm_stats *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->stats;
	pthread_mutex_unlock(&r->lock);
}

uint64_t faxrun_steps(const struct faxrun *r)
{
	return atomic_load_explicit(&r->steps, memory_order_relaxed);
}
