/* media/tap.c -- rings of frames and the one thread that empties them into sinks.
 * What a sink does with them is its own: see tap_wav.c. */
#include "media/tap.h"
#include "base/list.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include "base/poison.h"

/* The writer looks at its rings so often: waking it would cost the media threads a
 * system call a frame. */
enum { RING_BYTES = 65536, POLL_MS = 100 };

struct record {                 /* in the ring, in front of its samples */
	uint64_t now_us, at;
	uint32_t rate;
	uint16_t n;
	uint8_t dir;
};

enum tap_state { TAP_NEW, TAP_WRITING, TAP_ENDED /* the sink is done; the producer perhaps not */ };

struct tap {
	struct tap_prm prm;
	struct tap_writer *w;
	/* the ring: bytes are counted without end, `size` is a power of two */
	uint8_t *bytes;         /* owned */
	size_t size;
	_Alignas(64) atomic_size_t head;        /* the writer's */
	_Alignas(64) atomic_size_t tail;        /* the producer's */
	atomic_ullong dropped;  /* the producer's; the writer reads it */
	atomic_bool failed;     /* the writer's; the producer reads it */
	atomic_bool finished;   /* the producer has let go; end_us is valid */
	uint64_t end_us;
	/* the writer's */
	struct list link;       /* in w->fresh or w->taps */
	enum tap_state state;
	uint64_t frames;
	struct tap_result result;       /* the core's after it was told */
	/* under w->lock */
	struct list told_link;  /* in w->told */
	bool over;              /* neither the producer nor the writer knows it any more */
	/* the core's */
	bool done;              /* was called */
};

struct tap_writer {
	pthread_t id;
	void (*notify)(void *arg);
	void *arg;
	pthread_mutex_t lock;   /* for lists; held for some instructions */
	pthread_cond_t wake;
	struct list fresh;      /* of struct tap: not taken up yet */
	struct list told;       /* of struct tap: the core has to look */
	atomic_bool tells;      /* something was put into it: without, the core needs no lock */
	bool stop;
	struct list taps;       /* the thread's own */
	int16_t pcm[TAP_MAX];
};

/* ---- the ring */

static void copy_in(struct tap *t, size_t at, const void *p, size_t n)
{
	size_t from = at & (t->size - 1), k = t->size - from < n ? t->size - from : n;

	memcpy(t->bytes + from, p, k);
	memcpy(t->bytes, (const uint8_t *)p + k, n - k);
}

static void copy_out(const struct tap *t, size_t at, void *p, size_t n)
{
	size_t from = at & (t->size - 1), k = t->size - from < n ? t->size - from : n;

	memcpy(p, t->bytes + from, k);
	memcpy((uint8_t *)p + k, t->bytes, n - k);
}

bool tap_put(struct tap *t, const struct tap_frame *f)
{
	struct record r = { .now_us = f->now_us, .at = f->at, .rate = f->rate, .n = (uint16_t)f->n, .dir = (uint8_t)f->dir };
	size_t tail = atomic_load_explicit(&t->tail, memory_order_relaxed);
	size_t room = t->size - (tail - atomic_load_explicit(&t->head, memory_order_acquire));
	size_t n = f->n * sizeof(*f->pcm);

	if (f->n > TAP_MAX || room < sizeof(r) + n) {
		atomic_fetch_add_explicit(&t->dropped, 1, memory_order_relaxed);
		return false;
	}
	copy_in(t, tail, &r, sizeof(r));
	copy_in(t, tail + sizeof(r), f->pcm, n);
	atomic_store_explicit(&t->tail, tail + sizeof(r) + n, memory_order_release);
	return true;
}

bool tap_failed(const struct tap *t)
{
	return atomic_load_explicit(&t->failed, memory_order_relaxed);
}

void tap_finish(struct tap *t, uint64_t now_us)
{
	struct tap_writer *w = t->w;    /* from then on the tap may be gone */

	t->end_us = now_us;
	atomic_store_explicit(&t->finished, true, memory_order_release);
	/* Whoever asked for the end waits for the file. */
	pthread_cond_signal(&w->wake);
}

/* ---- life. Core */

static void tap_free(struct tap *t)
{
	t->prm.sink.free(t->prm.sink.arg);
	free(t->bytes);
	free(t);
}

int tap_new(struct tap **out, struct tap_writer *w, const struct tap_prm *prm)
{
	struct tap *t = aligned_alloc(64, sizeof(*t));
	size_t want = prm->ring_bytes ? prm->ring_bytes : RING_BYTES, size = 1024;

	while (size < want && size < SIZE_MAX / 2)
		size *= 2;
	if (t)
		*t = (struct tap){ .prm = *prm, .w = w, .size = size, .bytes = malloc(size) };
	if (!t || !t->bytes) {
		prm->sink.free(prm->sink.arg);
		free(t);
		return ENOMEM;
	}
	pthread_mutex_lock(&w->lock);
	list_append(&w->fresh, &t->link);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	*out = t;
	return 0;
}

void tap_writer_results(struct tap_writer *w)
{
	if (!atomic_exchange_explicit(&w->tells, false, memory_order_acquire))
		return;
	for (;;) {
		struct tap *t = NULL;
		bool over = false;

		pthread_mutex_lock(&w->lock);
		if (!list_empty(&w->told)) {
			t = container_of(w->told.next, struct tap, told_link);
			list_remove(&t->told_link);
			over = t->over;
		}
		pthread_mutex_unlock(&w->lock);
		if (!t)
			return;
		if (!t->done && t->prm.done)
			t->prm.done(t->prm.arg, &t->result);
		t->done = true;
		if (over)
			tap_free(t);
	}
}

/* ---- the writer's thread */

/* The core is to look at it: for the first time with the result, for the last time
 * to free it. */
static void tell_owner(struct tap *t, bool over)
{
	struct tap_writer *w = t->w;

	pthread_mutex_lock(&w->lock);
	t->over = over;
	if (!list_linked(&t->told_link))
		list_append(&w->told, &t->told_link);
	atomic_store_explicit(&w->tells, true, memory_order_release);
	pthread_mutex_unlock(&w->lock);
	/* From here on the core may have freed it. */
	if (w->notify)
		w->notify(w->arg);
}

static void end_sink(struct tap *t, int err, uint64_t end_us)
{
	int late = t->state == TAP_WRITING ? t->prm.sink.end(t->prm.sink.arg, end_us) : 0;

	err = err ? err : late;
	t->state = TAP_ENDED;
	atomic_store_explicit(&t->failed, err != 0, memory_order_relaxed);
	t->result = (struct tap_result){ .err = err, .frames = t->frames,
					 .dropped = atomic_load_explicit(&t->dropped, memory_order_relaxed) };
}

/* All frames that are there. errno of the sink. */
static int drain_ring(struct tap *t)
{
	size_t tail = atomic_load_explicit(&t->tail, memory_order_acquire);
	size_t head = atomic_load_explicit(&t->head, memory_order_relaxed);
	int err = 0;

	while (head != tail && !err) {
		struct tap_frame f;
		struct record r;

		copy_out(t, head, &r, sizeof(r));
		copy_out(t, head + sizeof(r), t->w->pcm, r.n * sizeof(t->w->pcm[0]));
		head += sizeof(r) + r.n * sizeof(t->w->pcm[0]);
		atomic_store_explicit(&t->head, head, memory_order_release);
		f = (struct tap_frame){ .dir = (enum tap_dir)r.dir, .rate = r.rate, .now_us = r.now_us, .at = r.at,
					.n = r.n, .pcm = t->w->pcm };
		err = t->prm.sink.frame(t->prm.sink.arg, &f);
		t->frames += !err;
	}
	return err;
}

static void serve_tap(struct tap *t)
{
	/* Before the ring is looked at: what was put before the end is in it then. */
	bool finished = atomic_load_explicit(&t->finished, memory_order_acquire), ends = false;
	int err = 0;

	if (t->state == TAP_NEW) {
		err = t->prm.sink.begin(t->prm.sink.arg, t->prm.now_us);
		t->state = err ? TAP_NEW : TAP_WRITING;
	}
	if (t->state == TAP_WRITING)
		err = drain_ring(t);
	if (t->state != TAP_ENDED && (err || finished)) {
		end_sink(t, err, finished ? t->end_us : 0);
		ends = true;
	}
	if (finished)
		list_remove(&t->link);
	if (finished || ends)
		tell_owner(t, finished);
}

static void wait_ms(struct tap_writer *w, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)ms * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&w->wake, &w->lock, &until);
}

static void *run_writer(void *arg)
{
	struct tap_writer *w = arg;
	bool stop = false;

	while (!stop || !list_empty(&w->taps)) {
		pthread_mutex_lock(&w->lock);
		if (!w->stop && list_empty(&w->fresh) && list_empty(&w->taps))
			pthread_cond_wait(&w->wake, &w->lock);
		else if (!w->stop && list_empty(&w->fresh))
			wait_ms(w, POLL_MS);
		stop = w->stop;
		list_each_safe(l, tmp, &w->fresh) {
			list_remove(l);
			list_append(&w->taps, l);
		}
		pthread_mutex_unlock(&w->lock);
		list_each_safe(l, tmp, &w->taps)
			serve_tap(container_of(l, struct tap, link));
	}
	return NULL;
}

int tap_writer_new(struct tap_writer **out, void (*notify)(void *arg), void *arg)
{
	struct tap_writer *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int err;

	if (!w)
		return ENOMEM;
	w->notify = notify;
	w->arg = arg;
	list_init(&w->fresh);
	list_init(&w->told);
	list_init(&w->taps);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = pthread_create(&w->id, NULL, run_writer, w);
	if (err) {
		free(w);
		return err;
	}
	*out = w;
	return 0;
}

void tap_writer_free(struct tap_writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->id, NULL);
	tap_writer_results(w);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
