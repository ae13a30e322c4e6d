/* media/hook_level.c -- hooks that ask for nothing but samples: louder or softer, nothing at all;
 * talk, words and silence. */
#include "media/hook.h"
#include "media/detect.h"
#include "base/num.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

static void free_hook(struct media_hook *h)
{
	free(h);
}

enum { SOUNDS = 1 << LANE_HEARD | 1 << LANE_SENT };

/* ---- louder and softer */

struct volume {
	struct media_hook h;
	_Atomic float gain[LANES];      /* the core's to say; [LANE_EARLY] is not used */
};

static float gain_of(struct media_hook *h, enum hook_lane lane)
{
	return atomic_load_explicit(&((struct volume *)h)->gain[lane], memory_order_relaxed);
}

static bool volume_wants(struct media_hook *h, enum hook_lane lane)
{
	return gain_of(h, lane) != 0;
}

static int16_t saturated(float v)
{
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

static bool volume_pass(struct media_hook *h, struct hook_sound *f)
{
	float gain = gain_of(h, f->lane);

	for (size_t i = 0; i < f->n; i++)
		f->pcm[i] = saturated(gain > 0 ? f->pcm[i] * gain : f->pcm[i] / -gain);
	return true;
}

void media_volume_set(struct media_hook *h, float rx, float tx)
{
	struct volume *v = (struct volume *)h;

	atomic_store_explicit(&v->gain[LANE_HEARD], rx, memory_order_relaxed);
	atomic_store_explicit(&v->gain[LANE_SENT], tx, memory_order_relaxed);
}

int media_volume_start(struct media_hook **out, struct media_session *s, float rx, float tx)
{
	static const struct hook_ops ops = { .lanes = SOUNDS, .wants = volume_wants, .pass = volume_pass, .free = free_hook };
	struct volume *v = calloc(1, sizeof(*v));

	if (!v)
		return ENOMEM;
	media_volume_set(&v->h, rx, tx);
	return hook_start(out, &v->h, s, &ops, 0);
}

/* ---- nothing at all */

struct mute {
	struct media_hook h;
	atomic_uint lanes;              /* bits of enum hook_lane */
};

static bool mute_wants(struct media_hook *h, enum hook_lane lane)
{
	return atomic_load_explicit(&((struct mute *)h)->lanes, memory_order_relaxed) >> lane & 1;
}

static bool mute_pass(struct media_hook *h, struct hook_sound *f)
{
	(void)h;
	memset(f->pcm, 0, f->n * sizeof(*f->pcm));
	return true;
}

void media_mute_set(struct media_hook *h, bool rx, bool tx)
{
	unsigned lanes = (unsigned)rx << LANE_HEARD | (unsigned)tx << LANE_SENT;

	atomic_store_explicit(&((struct mute *)h)->lanes, lanes, memory_order_relaxed);
}

int media_mute_start(struct media_hook **out, struct media_session *s, bool rx, bool tx)
{
	static const struct hook_ops ops = { .lanes = SOUNDS, .wants = mute_wants, .pass = mute_pass, .free = free_hook };
	struct mute *m = calloc(1, sizeof(*m));

	if (!m)
		return ENOMEM;
	media_mute_set(&m->h, rx, tx);
	return hook_start(out, &m->h, s, &ops, 0);
}

/* ---- how long it has been quiet */

struct quiet {
	uint32_t silent_ms;             /* since the last packet that was not */
	uint64_t talk_us;               /* when the talk that goes on began */
	bool talks;
};

/* Is this packet silence? */
static bool hear_quiet(struct quiet *q, const struct hook_sound *f, uint32_t level)
{
	bool silent = detect_level(f->pcm, f->n) < level;

	q->silent_ms = silent ? q->silent_ms + (uint32_t)(f->n * 1000 / f->rate) : 0;
	return silent;
}

static uint32_t talked_ms(const struct quiet *q, uint64_t now_us, uint32_t less_ms)
{
	return num_u32(num_sub((now_us - q->talk_us) / 1000, less_ms));
}

/* ---- talk */

struct talk {
	struct media_hook h;
	atomic_uint level, quiet_ms;    /* the core's to say */
	struct quiet q;
};

static bool talk_pass(struct media_hook *h, struct hook_sound *f)
{
	struct talk *t = (struct talk *)h;
	uint32_t quiet_ms = atomic_load_explicit(&t->quiet_ms, memory_order_relaxed);
	bool silent = hear_quiet(&t->q, f, atomic_load_explicit(&t->level, memory_order_relaxed));

	if (!silent && !t->q.talks) {
		t->q.talks = true;
		t->q.talk_us = h->s->t->now_us;
		hook_tell(h, 1, 0);
	} else if (silent && t->q.talks && t->q.silent_ms >= quiet_ms) {
		t->q.talks = false;
		hook_tell(h, 0, talked_ms(&t->q, h->s->t->now_us, quiet_ms));
	}
	return false;
}

void media_talk_set(struct media_hook *h, uint32_t level, uint32_t quiet_ms)
{
	struct talk *t = (struct talk *)h;

	atomic_store_explicit(&t->level, level, memory_order_relaxed);
	atomic_store_explicit(&t->quiet_ms, quiet_ms, memory_order_relaxed);
}

int media_talk_start(struct media_hook **out, struct media_session *s, uint32_t level, uint32_t quiet_ms, uint32_t tag)
{
	static const struct hook_ops ops = { .lanes = 1 << LANE_HEARD, .pass = talk_pass, .free = free_hook };
	struct talk *t = calloc(1, sizeof(*t));

	if (!t)
		return ENOMEM;
	media_talk_set(&t->h, level, quiet_ms);
	return hook_start(out, &t->h, s, &ops, tag);
}

/* ---- a word */

struct word {
	struct media_hook h;
	struct media_word prm;
	struct quiet q;
	uint64_t began_us;              /* 0: nothing heard yet */
	bool over;                      /* one was found, or the time for it has passed */
};

static bool word_wants(struct media_hook *h, enum hook_lane lane)
{
	(void)lane;
	return !((struct word *)h)->over;
}

static bool word_pass(struct media_hook *h, struct hook_sound *f)
{
	struct word *w = (struct word *)h;
	uint64_t now_us = h->s->t->now_us;
	uint32_t ms;

	if (w->prm.within_ms && now_us - w->began_us >= num_us_of_ms(w->prm.within_ms)) {
		w->over = true;
		return false;
	}
	if (!hear_quiet(&w->q, f, w->prm.level) || w->q.silent_ms <= w->prm.quiet_ms) {
		/* A silence too short to end it is part of it, and begins one as well: as in Asterisk. */
		if (!w->q.talks)
			w->q.talk_us = now_us;
		w->q.talks = true;
	} else if (w->q.talks) {
		ms = talked_ms(&w->q, now_us, w->prm.quiet_ms);
		w->q.talks = false;
		w->over = ms > w->prm.min_ms && (!w->prm.max_ms || ms < w->prm.max_ms);
		if (w->over)
			hook_tell(h, 1, ms);
	}
	return false;
}

static void word_arrive(struct media_hook *h)
{
	struct word *w = (struct word *)h;

	if (!w->began_us)
		w->began_us = h->s->t->now_us;
}

int media_word_start(struct media_hook **out, struct media_session *s, const struct media_word *prm, uint32_t tag)
{
	static const struct hook_ops ops = { .lanes = 1 << LANE_HEARD, .wants = word_wants, .pass = word_pass, .arrive = word_arrive,
		.free = free_hook };
	struct word *w = calloc(1, sizeof(*w));

	if (!w)
		return ENOMEM;
	w->prm = *prm;
	return hook_start(out, &w->h, s, &ops, tag);
}

/* ---- silence, or noise, for some time */

struct silence {
	struct media_hook h;
	uint32_t level, ms, for_ms;
	bool noise, told;
};

static bool silence_pass(struct media_hook *h, struct hook_sound *f)
{
	struct silence *s = (struct silence *)h;

	if ((detect_level(f->pcm, f->n) < s->level) == s->noise) {
		s->for_ms = 0;
		s->told = false;
		return false;
	}
	s->for_ms += (uint32_t)(f->n * 1000 / f->rate);
	if (!s->told && s->for_ms >= s->ms) {
		s->told = true;
		hook_tell(h, 1, s->for_ms);
	}
	return false;
}

int media_silence_start(struct media_hook **out, struct media_session *s, uint32_t level, uint32_t ms, bool noise, uint32_t tag)
{
	static const struct hook_ops ops = { .lanes = 1 << LANE_HEARD, .pass = silence_pass, .free = free_hook };
	struct silence *x = calloc(1, sizeof(*x));

	if (!x)
		return ENOMEM;
	x->level = level;
	x->ms = ms;
	x->noise = noise;
	return hook_start(out, &x->h, s, &ops, tag);
}
