/* media/hook_speech.c -- a hook that takes noise away and keeps a level, by libspeexdsp's
 * preprocessor. States are made by the core for all rates that the session may speak at: blocks of
 * 10 ms, which packets of any length are cut into. Without the library: hook_no_speech.c. */
#include "media/hook.h"
#include "media/core.h"
#include <errno.h>
#include <stdlib.h>
#include <speex/speex_preprocess.h>
#include "base/poison.h"

enum { BLOCK_MS = 10, WAYS = 2 };

struct speech_way {             /* a direction */
	atomic_bool denoise;            /* these two are the core's to say, */
	_Atomic float agc;
	bool denoises;                  /* and what the states were last told: the thread's */
	float level;
	SpeexPreprocessState *state[RATE_KINDS];        /* owned; NULL: not spoken */
};

struct speech {
	struct media_hook h;
	struct speech_way way[WAYS];    /* what comes, what leaves */
};

static struct speech_way *way_of(struct media_hook *h, enum hook_lane lane)
{
	return &((struct speech *)h)->way[lane == LANE_SENT];
}

static bool speech_wants(struct media_hook *h, enum hook_lane lane)
{
	struct speech_way *w = way_of(h, lane);

	return atomic_load_explicit(&w->denoise, memory_order_relaxed) || atomic_load_explicit(&w->agc, memory_order_relaxed) > 0;
}

static void tell_state(SpeexPreprocessState *st, bool denoise, float agc)
{
	int on = denoise, gains = agc > 0;

	speex_preprocess_ctl(st, SPEEX_PREPROCESS_SET_DENOISE, &on);
	speex_preprocess_ctl(st, SPEEX_PREPROCESS_SET_AGC, &gains);
	if (gains)
		speex_preprocess_ctl(st, SPEEX_PREPROCESS_SET_AGC_LEVEL, &agc);
}

/* What was changed since the last packet. */
static void follow_core(struct speech_way *w)
{
	bool denoise = atomic_load_explicit(&w->denoise, memory_order_relaxed);
	float agc = atomic_load_explicit(&w->agc, memory_order_relaxed);

	if (denoise == w->denoises && agc >= w->level && agc <= w->level)
		return;
	w->denoises = denoise;
	w->level = agc;
	for (int i = 0; i < RATE_KINDS; i++)
		if (w->state[i])
			tell_state(w->state[i], denoise, agc);
}

static bool speech_pass(struct media_hook *h, struct hook_sound *f)
{
	struct speech_way *w = way_of(h, f->lane);
	int kind = rate_kind(f->rate);
	size_t block = f->rate * BLOCK_MS / 1000;

	if (kind < 0 || !w->state[kind])
		return false;
	follow_core(w);
	for (size_t at = 0; at + block <= f->n; at += block)
		speex_preprocess_run(w->state[kind], f->pcm + at);
	return true;
}

static void speech_free(struct media_hook *h)
{
	struct speech *x = (struct speech *)h;

	for (int k = 0; k < WAYS; k++)
		for (int i = 0; i < RATE_KINDS; i++)
			if (x->way[k].state[i])
				speex_preprocess_state_destroy(x->way[k].state[i]);
	free(x);
}

/* One for each rate, and none where it is not wanted now or later: both ways are cheap. */
static int make_states(struct speech *x, uint8_t rates)
{
	for (int k = 0; k < WAYS; k++)
		for (int i = 0; i < RATE_KINDS; i++) {
			struct speech_way *w = &x->way[k];
			uint32_t rate = rate_of_kind(i);

			if (!(rates >> i & 1))
				continue;
			w->state[i] = speex_preprocess_state_init((int)(rate * BLOCK_MS / 1000), (int)rate);
			if (!w->state[i])
				return ENOMEM;
			w->denoises = atomic_load(&w->denoise);
			w->level = atomic_load(&w->agc);
			tell_state(w->state[i], w->denoises, w->level);
		}
	return 0;
}

bool media_speech_exists(void) { return true; }

void media_speech_set(struct media_hook *h, const struct media_speech *rx, const struct media_speech *tx)
{
	struct speech *x = (struct speech *)h;

	for (int k = 0; k < WAYS; k++) {
		const struct media_speech *p = k ? tx : rx;

		atomic_store_explicit(&x->way[k].denoise, p->denoise, memory_order_relaxed);
		atomic_store_explicit(&x->way[k].agc, p->agc, memory_order_relaxed);
	}
}

int media_speech_start(struct media_hook **out, struct media_session *s, const struct media_speech *rx, const struct media_speech *tx)
{
	static const struct hook_ops ops = { .lanes = 1 << LANE_HEARD | 1 << LANE_SENT, .wants = speech_wants, .pass = speech_pass,
		.free = speech_free };
	struct speech *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return ENOMEM;
	media_speech_set(&x->h, rx, tx);
	err = make_states(x, s->rates);
	if (!err)
		return hook_start(out, &x->h, s, &ops, 0);
	speech_free(&x->h);
	return err;
}
