/* media/tap_wav.c -- a tap's sink that writes a WAV file. Both directions come with
 * their own times and rates and at different moments; they are brought together in a
 * window of a second, and what leaves the window goes into the file. */
#include "media/tap.h"
#include "base/num.h"
#include "base/obj.h"
#include "media/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/poison.h"

/* OUT_BYTES: written at once. AHEAD_MS: a direction keeps to its own time as long as
 * it is no further from the clock's. Header and data fit into 32 bits. */
enum { OUT_BYTES = 32768, AHEAD_MS = 100, HEADER = 44 };
/* [samples] Further apart than a recording is long. */
#define FAR ((int64_t)1 << 40)
#define DATA_MAX (UINT32_MAX - 4096u)

struct lane {                   /* a direction */
	bool started;
	uint32_t rate_in;
	uint64_t at, place;     /* of its stream and of the file, that belong together */
	struct rate rate;
	int16_t *window;        /* owned, w->rate samples: a ring by place in the file */
};

struct tap_wav {
	struct tap_wav_prm prm; /* path: owned */
	char *path;             /* owned */
	int fd;                 /* -1: not open */
	uint64_t start_us;
	uint64_t base, top;     /* [samples] of the file: the window's begin; the end of what has come */
	uint64_t written;       /* [bytes] of data */
	struct lane lane[TAP_DIRS];
	size_t n;               /* [bytes] in out */
	uint8_t out[OUT_BYTES];
};

/* ---- the file */

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);

		if (k < 0 && errno != EINTR)
			return errno;
		if (k > 0) {
			p += k;
			n -= (size_t)k;
		}
	}
	return 0;
}

static int flush_samples(struct tap_wav *w)
{
	size_t n = w->n;
	int err = write_all(w->fd, w->out, n);

	w->n = 0;
	w->written += err ? 0 : n;
	return err;
}

static int put_sample(struct tap_wav *w, int32_t v)
{
	int err = 0;

	if (w->n == OUT_BYTES)
		err = w->written > DATA_MAX - 2 * OUT_BYTES ? EFBIG : flush_samples(w);
	if (err)
		return err;
	v = v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v;
	w->out[w->n++] = (uint8_t)v;
	w->out[w->n++] = (uint8_t)((uint32_t)v >> 8);
	return 0;
}

/* The window moves on to `to`: what it leaves behind is written. */
static int advance_to(struct tap_wav *w, uint64_t to)
{
	uint32_t size = w->prm.rate;
	int err = 0;

	for (; w->base < to && !err; w->base++) {
		size_t i = (size_t)(w->base % size);
		int16_t in = w->lane[TAP_IN].window[i], out = w->lane[TAP_OUT].window[i];

		w->lane[TAP_IN].window[i] = w->lane[TAP_OUT].window[i] = 0;
		if (!w->prm.stereo) {
			err = put_sample(w, in + out);
			continue;
		}
		err = put_sample(w, in);
		if (!err)
			err = put_sample(w, out);
	}
	return err;
}

static int begin_file(void *arg, uint64_t now_us)
{
	struct tap_wav *w = arg;
	uint8_t head[HEADER];
	int err;

	w->fd = open(w->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0640);
	if (w->fd < 0)
		return errno;
	w->start_us = now_us;
	/* A length of 0 says that it is still being written. */
	wav_header(head, w->prm.rate, w->prm.stereo ? 2 : 1, 0);
	err = write_all(w->fd, head, sizeof(head));
	if (err) {
		close(w->fd);
		w->fd = -1;
	}
	return err;
}

static int end_file(void *arg, uint64_t now_us)
{
	struct tap_wav *w = arg;
	uint64_t last = num_muldiv(num_sub(now_us, w->start_us), w->prm.rate, 1000000, 0);
	uint8_t head[HEADER];
	int err = advance_to(w, last > w->top ? last : w->top), late = flush_samples(w);

	err = err ? err : late;
	wav_header(head, w->prm.rate, w->prm.stereo ? 2 : 1, (uint32_t)w->written);
	if (pwrite(w->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) && !err)
		err = errno;
	if (close(w->fd) && !err)
		err = errno;
	w->fd = -1;
	return err;
}

/* ---- what comes, at its place */

/* By its own time, which knows no jitter, as long as that is near the clock's. A
 * direction that begins, changes its rate or paused begins at the clock's. */
static uint64_t place_of(struct tap_wav *w, struct lane *l, const struct tap_frame *f)
{
	uint64_t clock = num_muldiv(num_sub(f->now_us, w->start_us), w->prm.rate, 1000000, 0);
	int64_t since = num_clamp((int64_t)(f->at - l->at), -FAR, FAR);
	int64_t place = (int64_t)l->place + since * w->prm.rate / (int64_t)f->rate;
	int64_t off = place - (int64_t)clock, most = (int64_t)w->prm.rate * AHEAD_MS / 1000;

	if (l->started && l->rate_in == f->rate && off >= -most && off <= most && place >= 0) {
		/* From a place close by, so that rounding and FAR do no harm. */
		if ((f->at - l->at) % f->rate == 0) {
			l->at = f->at;
			l->place = (uint64_t)place;
		}
		return (uint64_t)place;
	}
	if (!l->started || l->rate_in != f->rate)
		rate_init(&l->rate, w->prm.bank, f->rate, w->prm.rate);
	l->started = true;
	l->rate_in = f->rate;
	l->at = f->at;
	l->place = clock;
	return clock;
}

static int put_window(struct tap_wav *w, struct lane *l, uint64_t place, const int16_t *pcm, size_t n)
{
	uint32_t size = w->prm.rate;
	int err = place + n > w->base + size ? advance_to(w, place + n - size) : 0;

	for (size_t i = 0; i < n && !err; i++)
		if (place + i >= w->base)
			l->window[(place + i) % size] = pcm[i];
	w->top = place + n > w->top ? place + n : w->top;
	return err;
}

static int write_frame(void *arg, const struct tap_frame *f)
{
	struct tap_wav *w = arg;
	struct lane *l = &w->lane[f->dir];
	uint64_t place;
	int err = 0;

	if (rate_kind(f->rate) < 0)
		return 0;
	place = place_of(w, l, f);
	for (size_t at = 0; at < f->n && !err; ) {
		int16_t pcm[6 * 480];
		size_t k = f->n - at < 480 ? f->n - at : 480;
		size_t n = rate_run(&l->rate, f->pcm + at, k, pcm, ARRAY_LEN(pcm));

		err = put_window(w, l, place, pcm, n);
		place += n;
		at += k;
	}
	return err;
}

/* ---- life */

static void free_wav(void *arg)
{
	struct tap_wav *w = arg;

	if (!w)
		return;
	for (int i = 0; i < TAP_DIRS; i++)
		free(w->lane[i].window);
	obj_drop(w->prm.bank);
	free(w->path);
	free(w);
}

int tap_wav_new(struct tap_sink *out, const struct tap_wav_prm *prm)
{
	struct tap_wav *w;

	if (rate_kind(prm->rate) < 0)
		return EINVAL;
	w = prm->bank ? calloc(1, sizeof(*w)) : NULL;
	if (!w)
		return ENOMEM;
	w->prm = *prm;
	w->prm.bank = obj_hold(prm->bank);
	w->path = str_dup(prm->path);
	w->fd = -1;
	for (int i = 0; i < TAP_DIRS; i++)
		w->lane[i].window = calloc(prm->rate, sizeof(int16_t));
	w->prm.path = STR_NULL;         /* the caller's; `path` is ours */
	if (!w->path || !w->lane[0].window || !w->lane[1].window) {
		free_wav(w);
		return ENOMEM;
	}
	*out = (struct tap_sink){ .arg = w, .begin = begin_file, .frame = write_frame, .end = end_file,
		.free = free_wav };
	return 0;
}
