/* media/align.c -- the window in which both directions of a tap find their place in time. */
#include "media/align.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* A direction keeps to its own time as long as it is no further from the clock's. */
enum { AHEAD_MS = 100, PIECE = 480 };
/* [samples] Further apart than a recording is long. */
#define FAR ((int64_t)1 << 40)

struct lane {                   /* a direction */
	bool started;
	uint32_t rate_in;
	uint64_t at, place;     /* of its stream and of the file, that belong together */
	struct rate rate;
	int16_t *window;        /* owned, prm.rate samples: a ring by place in the file */
};

struct align {
	struct align_prm prm;
	uint64_t start_us;
	uint64_t base, top;     /* [samples] the window's begin; the end of what has come */
	uint64_t gap;           /* [samples] since anything came */
	uint8_t *has;           /* owned, as the windows */
	struct lane lane[TAP_DIRS];
};

/* `n` samples from place `i` of the rings on, in pieces that are to go out. */
static int put_out(struct align *a, size_t i, size_t n)
{
	struct align_block b = { .pcm = { a->lane[TAP_IN].window + i, a->lane[TAP_OUT].window + i }, .has = a->has + i, .n = n };
	uint64_t most = (uint64_t)a->prm.rate * ALIGN_GAP_MS / 1000;
	size_t k = 0;
	int err = 0;

	if (!a->prm.skip_gaps)
		return a->prm.out(a->prm.arg, &b);
	while (k < n && !err) {
		size_t from = k;

		while (k < n && (a->has[i + k] || a->gap < most))
			a->gap = a->has[i + k++] ? 0 : a->gap + 1;
		b = (struct align_block){ .pcm = { a->lane[TAP_IN].window + i + from, a->lane[TAP_OUT].window + i + from },
					  .has = a->has + i + from, .n = k - from };
		err = b.n ? a->prm.out(a->prm.arg, &b) : 0;
		while (k < n && !a->has[i + k])
			k++;
	}
	return err;
}

/* The window moves on to `to`: what it leaves behind goes out. */
static int advance_to(struct align *a, uint64_t to)
{
	size_t size = a->prm.rate;
	int err = 0;

	while (a->base < to && !err) {
		size_t i = (size_t)(a->base % size), n = size - i;

		n = n < to - a->base ? n : (size_t)(to - a->base);
		err = put_out(a, i, n);
		for (int d = 0; d < TAP_DIRS; d++)
			memset(a->lane[d].window + i, 0, n * sizeof(int16_t));
		memset(a->has + i, 0, n);
		a->base += n;
	}
	return err;
}

/* By its own time, which knows no jitter, as long as that is near the clock's. A
 * direction that begins, changes its rate or paused begins at the clock's. */
static uint64_t place_of(struct align *a, struct lane *l, const struct tap_frame *f)
{
	uint64_t clock = num_muldiv(num_sub(f->now_us, a->start_us), a->prm.rate, 1000000, 0);
	int64_t since = num_clamp((int64_t)(f->at - l->at), -FAR, FAR);
	int64_t place = (int64_t)l->place + since * a->prm.rate / (int64_t)f->rate;
	int64_t off = place - (int64_t)clock, most = (int64_t)a->prm.rate * AHEAD_MS / 1000;

	if (l->started && l->rate_in == f->rate && off >= -most && off <= most && place >= 0) {
		/* From a place close by, so that rounding and FAR do no harm. */
		if ((f->at - l->at) % f->rate == 0) {
			l->at = f->at;
			l->place = (uint64_t)place;
		}
		return (uint64_t)place;
	}
	if (!l->started || l->rate_in != f->rate)
		rate_init(&l->rate, a->prm.bank, f->rate, a->prm.rate);
	l->started = true;
	l->rate_in = f->rate;
	l->at = f->at;
	l->place = clock;
	return clock;
}

static int put_window(struct align *a, enum tap_dir dir, uint64_t place, const int16_t *pcm, size_t n)
{
	struct lane *l = &a->lane[dir];
	uint32_t size = a->prm.rate;
	int err = place + n > a->base + size ? advance_to(a, place + n - size) : 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (place + i < a->base)
			continue;
		l->window[(place + i) % size] = pcm[i];
		a->has[(place + i) % size] |= (uint8_t)(1 << dir);
	}
	a->top = place + n > a->top ? place + n : a->top;
	return err;
}

int align_put(struct align *a, const struct tap_frame *f)
{
	struct lane *l = &a->lane[f->dir];
	uint64_t place;
	int err = 0;

	if (rate_kind(f->rate) < 0)
		return 0;
	place = place_of(a, l, f);
	for (size_t at = 0; at < f->n && !err; ) {
		int16_t pcm[6 * PIECE];
		size_t k = f->n - at < PIECE ? f->n - at : PIECE;
		size_t n = rate_run(&l->rate, f->pcm + at, k, pcm, ARRAY_LEN(pcm));

		err = put_window(a, f->dir, place, pcm, n);
		place += n;
		at += k;
	}
	return err;
}

void align_begin(struct align *a, uint64_t now_us)
{
	a->start_us = now_us;
}

void align_restart(struct align *a)
{
	for (int d = 0; d < TAP_DIRS; d++)
		a->lane[d].started = false;
}

int align_end(struct align *a, uint64_t now_us)
{
	uint64_t last = a->prm.skip_gaps ? 0 : num_muldiv(num_sub(now_us, a->start_us), a->prm.rate, 1000000, 0);

	return advance_to(a, last > a->top ? last : a->top);
}

void align_free(struct align *a)
{
	if (!a)
		return;
	for (int d = 0; d < TAP_DIRS; d++)
		free(a->lane[d].window);
	free(a->has);
	obj_drop(a->prm.bank);
	free(a);
}

int align_new(struct align **out, const struct align_prm *prm)
{
	struct align *a;

	if (rate_kind(prm->rate) < 0)
		return EINVAL;
	a = prm->bank ? calloc(1, sizeof(*a)) : NULL;
	if (!a)
		return ENOMEM;
	a->prm = *prm;
	a->prm.bank = obj_hold(prm->bank);
	a->has = calloc(prm->rate, 1);
	for (int d = 0; d < TAP_DIRS; d++)
		a->lane[d].window = calloc(prm->rate, sizeof(int16_t));
	if (!a->has || !a->lane[0].window || !a->lane[1].window) {
		align_free(a);
		return ENOMEM;
	}
	*out = a;
	return 0;
}
