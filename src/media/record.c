/* media/record.c -- a recording's files, as a sink of taps. Formats are sound_out.c's, times align.c's. */
#include "media/record.h"
#include "base/obj.h"
#include "media/align.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "base/poison.h"

enum { PIECE = 480 };

/* A switch, and since when: what comes from before is treated as it was then. */
typedef atomic_ullong record_switch;            /* time in us * 2 + on */

struct out {
	char *path;             /* owned; NULL: none */
	const struct sound_kind *kind;
	struct sound_out *file; /* owned; NULL: not open */
	struct rate rate;
	struct rate second;     /* interleaved: of what is sent */
};

struct record {                 /* obj */
	struct out out[RECORD_FILES];
	struct align *align;    /* owned */
	struct rate_bank *bank; /* held */
	bool append, interleaved, no_sync;
	int volume[TAP_DIRS];
	uint64_t skip_us;
	/* the core's words */
	record_switch mute[TAP_DIRS], pause;
	atomic_bool last;
	/* of whoever has it: the writer, or the core when there is no tap */
	bool ever, begun;       /* its files: were open; are */
	int err;                /* the first: then nothing is written any more */
	uint64_t start_us, last_us;     /* the clock: at its begin, as last seen */
};

/* ---- switches */

static bool is_on(const record_switch *s, uint64_t now_us)
{
	unsigned long long v = atomic_load_explicit(s, memory_order_relaxed);
	bool on = v & 1;

	return now_us >= v >> 1 ? on : !on;
}

static void switch_to(record_switch *s, bool on, uint64_t now_us)
{
	if ((atomic_load_explicit(s, memory_order_relaxed) & 1) != on)
		atomic_store_explicit(s, (unsigned long long)now_us << 1 | on, memory_order_relaxed);
}

void record_mute(struct record *r, enum tap_dir dir, bool mute, uint64_t now_us)
{
	switch_to(&r->mute[dir], mute, now_us);
}

void record_pause(struct record *r, bool pause, uint64_t now_us)
{
	switch_to(&r->pause, pause, now_us);
}

void record_finish(struct record *r)
{
	atomic_store_explicit(&r->last, true, memory_order_relaxed);
}

/* ---- what leaves the window, to the files */

static int put_file(struct out *o, const int16_t *pcm, size_t n)
{
	int err = 0;

	for (size_t at = 0; at < n && !err; at += PIECE) {
		int16_t out[6 * PIECE];
		size_t k = rate_run(&o->rate, pcm + at, n - at < PIECE ? n - at : PIECE, out, ARRAY_LEN(out));

		err = sound_out_put(o->file, out, k);
	}
	return err;
}

static int put_mixed(struct out *o, const struct align_block *b)
{
	int16_t v[PIECE];
	int err = 0;

	for (size_t at = 0; at < b->n && !err; at += PIECE) {
		size_t n = b->n - at < PIECE ? b->n - at : PIECE;

		for (size_t i = 0; i < n; i++) {
			int32_t sum = b->pcm[TAP_IN][at + i] + b->pcm[TAP_OUT][at + i];

			v[i] = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
		}
		err = put_file(o, v, n);
	}
	return err;
}

static int put_interleaved(struct out *o, const struct align_block *b)
{
	int16_t side[TAP_DIRS][6 * PIECE], v[TAP_DIRS * 6 * PIECE];
	int err = 0;

	for (size_t at = 0; at < b->n && !err; at += PIECE) {
		size_t n = b->n - at < PIECE ? b->n - at : PIECE, k;

		k = rate_run(&o->rate, b->pcm[TAP_IN] + at, n, side[TAP_IN], ARRAY_LEN(side[0]));
		(void)rate_run(&o->second, b->pcm[TAP_OUT] + at, n, side[TAP_OUT], ARRAY_LEN(side[0]));
		for (size_t i = 0; i < k; i++) {
			v[2 * i] = side[TAP_IN][i];
			v[2 * i + 1] = side[TAP_OUT][i];
		}
		err = sound_out_put(o->file, v, 2 * k);
	}
	return err;
}

/* One direction. Without silence: only where it came. */
static int put_single(struct record *r, struct out *o, enum tap_dir dir, const struct align_block *b)
{
	size_t at = 0;
	int err = 0;

	if (!r->no_sync)
		return put_file(o, b->pcm[dir], b->n);
	while (at < b->n && !err) {
		size_t from;

		while (at < b->n && !(b->has[at] & 1 << dir))
			at++;
		from = at;
		while (at < b->n && (b->has[at] & 1 << dir))
			at++;
		if (at > from)
			err = put_file(o, b->pcm[dir] + from, at - from);
	}
	return err;
}

static int put_block(void *arg, const struct align_block *b)
{
	struct record *r = arg;
	int err = 0;

	if (r->out[RECORD_MIXED].file)
		err = (r->interleaved ? put_interleaved : put_mixed)(&r->out[RECORD_MIXED], b);
	if (!err && r->out[RECORD_IN].file)
		err = put_single(r, &r->out[RECORD_IN], TAP_IN, b);
	if (!err && r->out[RECORD_OUT].file)
		err = put_single(r, &r->out[RECORD_OUT], TAP_OUT, b);
	return err;
}

/* ---- the sink */

static uint32_t rate_of(const struct record *r)
{
	uint32_t rate = 8000;

	for (int i = 0; i < RECORD_FILES; i++)
		if (r->out[i].path && r->out[i].kind->rate > rate)
			rate = r->out[i].kind->rate;
	return rate;
}

static int open_files(struct record *r)
{
	int err = 0;

	for (int i = 0; i < RECORD_FILES && !err; i++) {
		struct out *o = &r->out[i];
		struct sound_out_prm prm = { .path = o->path, .kind = o->kind, .append = r->append,
					     .channels = i == RECORD_MIXED && r->interleaved ? 2 : 1 };

		if (!o->path)
			continue;
		rate_init(&o->rate, r->bank, rate_of(r), o->kind->rate);
		o->second = o->rate;
		err = sound_out_open(&o->file, &prm);
	}
	return err;
}

static int close_files(struct record *r)
{
	int err = r->begun && !r->err ? align_end(r->align, r->last_us) : 0;

	for (int i = 0; i < RECORD_FILES; i++) {
		int late = r->out[i].file ? sound_out_close(r->out[i].file) : 0;

		r->out[i].file = NULL;
		err = err ? err : late;
	}
	r->begun = false;
	return err;
}

static int begin(void *arg, uint64_t now_us)
{
	struct record *r = arg;

	if (r->err)
		return r->err;
	if (r->begun) {
		align_restart(r->align);
		return 0;
	}
	r->start_us = r->last_us = now_us;
	align_begin(r->align, now_us);
	r->ever = r->begun = true;
	r->err = open_files(r);
	return r->err;
}

static void louder(const struct tap_frame *f, int16_t *out, int by)
{
	for (size_t i = 0; i < f->n; i++) {
		int32_t v = by > 0 ? f->pcm[i] * by : f->pcm[i] / -by;

		out[i] = (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
	}
}

static int frame(void *arg, const struct tap_frame *f)
{
	struct record *r = arg;
	bool mute = is_on(&r->mute[f->dir], f->now_us);
	int16_t changed[TAP_MAX];
	struct tap_frame g = *f;

	r->last_us = f->now_us;
	if (r->err)
		return r->err;
	if (is_on(&r->pause, f->now_us) || f->now_us < r->start_us + r->skip_us)
		return 0;
	if (mute)
		memset(changed, 0, f->n * sizeof(changed[0]));
	else if (r->volume[f->dir])
		louder(f, changed, r->volume[f->dir]);
	if (mute || r->volume[f->dir])
		g.pcm = changed;
	r->err = align_put(r->align, &g);
	return r->err;
}

static int end(void *arg, uint64_t now_us)
{
	struct record *r = arg;
	int err;

	if (now_us)
		r->last_us = now_us;
	if (!r->err && !atomic_load_explicit(&r->last, memory_order_relaxed))
		return 0;
	err = close_files(r);
	r->err = r->err ? r->err : err;
	return err;
}

static void drop(void *arg)
{
	obj_drop(arg);
}

struct tap_sink record_sink(struct record *r)
{
	return (struct tap_sink){ .arg = obj_hold(r), .begin = begin, .frame = frame, .end = end, .free = drop };
}

int record_close(struct record *r)
{
	int err = 0;

	/* Nothing ever came: a file without sound. */
	if (!r->ever && !r->err)
		(void)begin(r, 0);
	if (r->begun)
		err = close_files(r);
	r->err = r->err ? r->err : err;
	return r->err;
}

/* ---- life */

static void record_free(void *arg)
{
	struct record *r = arg;

	for (int i = 0; i < RECORD_FILES; i++) {
		if (r->out[i].file)
			sound_out_close(r->out[i].file);
		free(r->out[i].path);
	}
	align_free(r->align);
	obj_drop(r->bank);
}

int record_new(struct record **out, const struct record_prm *prm)
{
	struct record *r = obj_new(sizeof(*r), record_free);
	struct align_prm ap = { .bank = prm->bank, .skip_gaps = true, .out = put_block };
	int err = r && prm->bank ? 0 : ENOMEM;

	for (int i = 0; i < RECORD_FILES && !err; i++) {
		if (!prm->path[i].n)
			continue;
		r->out[i].kind = prm->kind[i];
		r->out[i].path = str_dup(prm->path[i]);
		err = r->out[i].path ? 0 : ENOMEM;
	}
	if (!err) {
		r->bank = obj_hold(prm->bank);
		r->append = prm->append;
		r->interleaved = prm->interleaved;
		r->no_sync = prm->no_sync;
		r->skip_us = prm->skip_us;
		memcpy(r->volume, prm->volume, sizeof(r->volume));
		ap.rate = rate_of(r);
		ap.arg = r;
		err = align_new(&r->align, &ap);
	}
	if (err)
		obj_drop(r);
	else
		*out = r;
	return err;
}
