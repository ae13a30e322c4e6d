/* media/mix.c -- a mixer: what each member says is added up once, and each is handed
 * the sum without itself. Queues are jitter.c's, sampling rates rate.c's. */
#include "media/mix.h"
#include "base/obj.h"
#include "media/jitter.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/poison.h"

enum { GAIN_BITS = 12, GAIN_MAX = 16 * MIX_UNITY };
enum { TALK_LEVEL = 160, TALK_MS = 60, QUIET_MS = 800 };
/* Turns that a member is handed a frame of its own after it said something: until
 * the filters have forgotten what was its own. */
enum { ALONE_TURNS = 2 };

/* Two ways through the mixer: at the rate in force, and while the rate changes at
 * the new one, so that one can be faded into the other. */
enum { WAYS = 2 };

struct mix_way {                /* of a member, at one mixing rate */
	struct rate in, out;    /* its rate to the mix's and back */
	int16_t pcm[MIX_FRAME]; /* what it says in this tick, at the mix's rate; valid when it sounds */
};

struct mix_member {
	struct list link;
	struct mix *mix;        /* NULL: in none */
	struct mix_member_prm prm;
	uint32_t rate;
	size_t n;               /* [samples] of its frames */
	bool sounds;            /* says something in this tick */
	bool mute, deaf;
	bool fresh;             /* has been handed nothing yet: faded in */
	unsigned alone;         /* turns that it is still handed a frame of its own */
	bool was_alone;         /* in the last turn: its own filter is at work */
	uint32_t gain, gain_now;
	bool talking;
	uint32_t talk_for, quiet_for;   /* [ms] over the level, under it */
	int16_t pcm[MIX_FRAME]; /* what it says in this tick, at its own rate; valid when it sounds */
	struct mix_way way[WAYS];
	struct jitter queue;
};

struct mix_common {             /* the whole sum, at one of the members' rates */
	struct rate rate;
	uint64_t turn;          /* when it was made last */
	int16_t pcm[MIX_FRAME];
};

struct mix_sum {                /* all that is said, at one mixing rate */
	uint32_t rate;          /* 0: none yet */
	size_t n;
	unsigned quiet;         /* turns that nobody said anything, this one too */
	int32_t sum[MIX_FRAME];
	struct mix_common common[RATE_KINDS];
};

struct mix {
	struct list members;
	size_t nmembers;
	struct rate_bank *bank; /* held */
	uint64_t turn;
	unsigned at;            /* the way in force */
	struct mix_sum sum[WAYS];
	bool has_rest;          /* `rest` is to be added */
	int32_t rest[MIX_FRAME];        /* what those who have left still say, at the rate in force */
	int16_t out[WAYS][MIX_FRAME];   /* frames on their way to a member */
};

/* ---- loops over samples, written so that the compiler uses vectors */

static void add_samples(int32_t *restrict sum, const int16_t *restrict pcm, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += pcm[i];
}

static int16_t clamp(int32_t v)
{
	v = v < INT16_MIN ? INT16_MIN : v;
	return (int16_t)(v > INT16_MAX ? INT16_MAX : v);
}

static void saturate(int16_t *restrict out, const int32_t *restrict sum, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = clamp(sum[i]);
}

static void saturate_without(int16_t *restrict out, const int32_t *restrict sum, const int16_t *restrict own, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = clamp(sum[i] - own[i]);
}

static void scale_samples(int16_t *pcm, size_t n, int32_t gain)
{
	for (size_t i = 0; i < n; i++)
		pcm[i] = clamp((pcm[i] * gain) >> GAIN_BITS);
}

/* From one gain to another in the course of a frame. */
static void scale_over(int16_t *pcm, size_t n, uint32_t from, uint32_t to)
{
	int64_t g = (int64_t)from << 16, step = ((int64_t)to - from) * 65536 / (int64_t)n;

	for (size_t i = 0; i < n; i++, g += step)
		pcm[i] = clamp((int32_t)(pcm[i] * (g >> 16) >> GAIN_BITS));
}

/* From `a` to `b`, or from nothing to `a`, in the second half of a frame: filters that begin
 * with silence are late by up to 10 ms, two of them after one another. The result is in `a`. */
static void fade_over(int16_t *restrict a, const int16_t *restrict b, size_t n)
{
	int32_t len = (int32_t)(n - n / 2);

	a += n / 2;
	b += n / 2;
	for (int32_t i = 0; i < len; i++)
		a[i] = (int16_t)((a[i] * (len - i) + b[i] * i) / len);
}

static void fade_in(int16_t *a, size_t n)
{
	memset(a, 0, n / 2 * sizeof(*a));
	scale_over(a + n / 2, n - n / 2, 0, MIX_UNITY);
}

/* ---- life */

int mix_new(struct mix **out, struct rate_bank *bank)
{
	struct mix *m = calloc(1, sizeof(*m));

	if (!m)
		return ENOMEM;
	list_init(&m->members);
	m->bank = obj_hold(bank);
	*out = m;
	return 0;
}

void mix_free(struct mix *m)
{
	if (!m)
		return;
	obj_drop(m->bank);
	free(m);
}

int mix_member_new(struct mix_member **out, const struct mix_member_prm *prm)
{
	struct mix_member *x = calloc(1, sizeof(*x));

	if (!x)
		return ENOMEM;
	x->prm = *prm;
	x->prm.talk_level = prm->talk_level ? prm->talk_level : TALK_LEVEL;
	x->prm.talk_ms = prm->talk_ms ? prm->talk_ms : TALK_MS;
	x->prm.quiet_ms = prm->quiet_ms ? prm->quiet_ms : QUIET_MS;
	x->gain = MIX_UNITY;
	*out = x;
	return 0;
}

void mix_member_free(struct mix_member *x)
{
	free(x);
}

/* ---- coming and going */

static void set_talking(struct mix_member *x, bool talking)
{
	x->talk_for = x->quiet_for = 0;
	if (x->talking == talking)
		return;
	x->talking = talking;
	if (x->prm.talk)
		x->prm.talk(x->prm.arg, talking);
}

static void start_way(const struct mix *m, struct mix_member *x, unsigned w)
{
	rate_init(&x->way[w].in, m->bank, x->rate, m->sum[w].rate);
	rate_init(&x->way[w].out, m->bank, m->sum[w].rate, x->rate);
}

static void start_member(struct mix_member *x, uint32_t rate)
{
	const struct mix *m = x->mix;

	x->rate = rate;
	x->n = rate / 50;
	x->sounds = false;
	x->fresh = true;
	x->alone = ALONE_TURNS;
	jitter_init(&x->queue, rate);
	if (m->sum[m->at].rate)
		start_way(m, x, m->at);
}

void mix_join(struct mix *m, struct mix_member *x, uint32_t rate)
{
	x->mix = m;
	x->gain_now = x->mute ? 0 : x->gain;
	list_append(&m->members, &x->link);
	m->nmembers++;
	start_member(x, rate);
}

/* What it says ends softly, in the next tick. */
static void leave_rest(struct mix *m, struct mix_member *x)
{
	struct mix_sum *s = &m->sum[m->at];
	struct mix_way *way = &x->way[m->at];

	if (!jitter_finish(&x->queue, x->pcm, x->n) || !x->gain_now || !s->rate)
		return;
	scale_samples(x->pcm, x->n, (int32_t)x->gain_now);
	rate_run(&way->in, x->pcm, x->n, way->pcm, s->n);
	if (!m->has_rest)
		memset(m->rest, 0, sizeof(m->rest));
	m->has_rest = true;
	add_samples(m->rest, way->pcm, s->n);
}

void mix_leave(struct mix_member *x)
{
	struct mix *m = x->mix;

	if (!m)
		return;
	leave_rest(m, x);
	set_talking(x, false);
	list_remove(&x->link);
	m->nmembers--;
	x->mix = NULL;
}

void mix_set_rate(struct mix_member *x, uint32_t rate)
{
	if (!x->mix || rate == x->rate)
		return;
	leave_rest(x->mix, x);
	start_member(x, rate);
}

/* ---- what a member says */

void mix_put(struct mix_member *x, uint64_t at, const int16_t *pcm, size_t n)
{
	if (x->mix)
		jitter_put(&x->queue, at, pcm, n);
}

void mix_set_gain(struct mix_member *x, uint32_t gain) { x->gain = gain < GAIN_MAX ? gain : GAIN_MAX; }
void mix_set_mute(struct mix_member *x, bool mute) { x->mute = mute; }

void mix_set_deaf(struct mix_member *x, bool deaf)
{
	if (x->deaf && !deaf) {
		/* Its filter stood still meanwhile. */
		x->fresh = true;
		x->alone = ALONE_TURNS;
		if (x->mix && x->mix->sum[x->mix->at].rate)
			rate_init(&x->way[x->mix->at].out, x->mix->bank, x->mix->sum[x->mix->at].rate, x->rate);
	}
	x->deaf = deaf;
}

/* Loud for a while is talking, soft for a longer while is not. */
static void hear_talk(struct mix_member *x, uint32_t level)
{
	x->talk_for = level >= x->prm.talk_level ? x->talk_for + MIX_MS : 0;
	x->quiet_for = level < x->prm.talk_level / 2u || !level ? x->quiet_for + MIX_MS : 0;
	if (!x->talking && x->talk_for >= x->prm.talk_ms)
		set_talking(x, true);
	else if (x->talking && x->quiet_for >= x->prm.quiet_ms)
		set_talking(x, false);
}

/* Its frame of this tick. */
static void take_frame(struct mix_member *x)
{
	uint32_t gain = x->mute ? 0 : x->gain, was = x->gain_now;
	bool has = jitter_get(&x->queue, x->pcm, x->n);

	if (x->mute)
		set_talking(x, false);
	else if (has || x->talking)
		hear_talk(x, has ? jitter_level(x->pcm, x->n) : 0);
	x->gain_now = gain;
	x->sounds = has && (gain || was);
	if (!x->sounds)
		return;
	x->alone = ALONE_TURNS;
	if (was != gain)
		scale_over(x->pcm, x->n, was, gain);
	else if (gain != MIX_UNITY)
		scale_samples(x->pcm, x->n, (int32_t)gain);
}

/* ---- the sum */

static void add_up(struct mix *m, unsigned w)
{
	struct mix_sum *s = &m->sum[w];
	bool any = false;

	memset(s->sum, 0, s->n * sizeof(s->sum[0]));
	list_each(l, &m->members) {
		struct mix_member *x = container_of(l, struct mix_member, link);
		struct mix_way *way = &x->way[w];

		if (!x->sounds)
			continue;
		rate_run(&way->in, x->pcm, x->n, way->pcm, s->n);
		add_samples(s->sum, way->pcm, s->n);
		any = true;
	}
	if (m->has_rest && w == m->at) {
		for (size_t i = 0; i < s->n; i++)
			s->sum[i] += m->rest[i];
		any = true;
	}
	if (any)
		s->quiet = 0;
	else if (s->quiet <= ALONE_TURNS)
		s->quiet++;
}

/* Nobody has said anything for so long that the filters hold nothing but silence:
 * nothing need be computed. */
static bool is_silent(const struct mix_sum *s)
{
	return s->quiet >= ALONE_TURNS;
}

/* The filters of what all hear go on from silence when somebody speaks again. */
static void keep_silence(struct mix *m, unsigned w)
{
	struct mix_sum *s = &m->sum[w];

	for (int k = 0; k < RATE_KINDS; k++) {
		struct mix_common *c = &s->common[k];

		if (s->quiet == ALONE_TURNS) {
			memset(c->rate.past, 0, sizeof(c->rate.past));
			memset(c->pcm, 0, sizeof(c->pcm));
		}
		c->turn = m->turn;
	}
}

/* ---- what a member hears */

/* It was handed what all hear until now, and speaks: its own filter goes on from
 * where the common one stands. To be done before this turn's common frames are made. */
static void part_filters(struct mix *m, unsigned w)
{
	list_each(l, &m->members) {
		struct mix_member *x = container_of(l, struct mix_member, link);
		const struct mix_common *c = &m->sum[w].common[rate_kind(x->rate)];

		if (x->alone && !x->was_alone && !x->fresh && c->turn + 1 == m->turn)
			x->way[w].out = c->rate;
	}
}

/* The sum at the member's rate, made once a tick for all who say nothing. */
static const int16_t *hear_all(struct mix *m, unsigned w, struct mix_member *x)
{
	struct mix_sum *s = &m->sum[w];
	struct mix_common *c = &s->common[rate_kind(x->rate)];
	int16_t whole[MIX_FRAME];

	if (c->turn == m->turn)
		return c->pcm;
	/* Nobody of this rate was handed it in the last turn. This member was alone and
	 * silent then, so that its own filter has seen the same. */
	if (c->turn + 1 != m->turn)
		c->rate = x->way[w].out;
	c->turn = m->turn;
	saturate(whole, s->sum, s->n);
	rate_run(&c->rate, whole, s->n, c->pcm, x->n);
	return c->pcm;
}

/* The sum without the member itself. */
static const int16_t *hear_others(struct mix *m, unsigned w, struct mix_member *x)
{
	struct mix_sum *s = &m->sum[w];
	int16_t others[MIX_FRAME];

	if (x->sounds)
		saturate_without(others, s->sum, x->way[w].pcm, s->n);
	else
		saturate(others, s->sum, s->n);
	rate_run(&x->way[w].out, others, s->n, m->out[w], x->n);
	return m->out[w];
}

static const int16_t *mix_for_member(struct mix *m, unsigned w, struct mix_member *x)
{
	return x->alone ? hear_others(m, w, x) : hear_all(m, w, x);
}

/* `to`: the way to fade to; the one in force when there is none. */
static void hand_out(struct mix *m, unsigned to, struct mix_member *x)
{
	static const int16_t nothing[MIX_FRAME];
	uint32_t kind = (uint32_t)rate_kind(x->rate);
	struct mix_frame f = { .pcm = nothing, .n = x->n, .rate = x->rate, .shared = 1 + RATE_KINDS + kind };
	bool silent = x->deaf || (is_silent(&m->sum[m->at]) && to == m->at);

	f.silence = silent;
	if (!silent) {
		f.pcm = mix_for_member(m, m->at, x);
		f.shared = x->alone ? 0 : 1 + kind;
		if (f.pcm != m->out[m->at] && (to != m->at || x->fresh))
			f.pcm = memcpy(m->out[m->at], f.pcm, x->n * sizeof(*f.pcm));
		if (to != m->at)
			fade_over(m->out[m->at], mix_for_member(m, to, x), x->n);
		if (x->fresh)
			fade_in(m->out[m->at], x->n);
	}
	x->was_alone = x->alone && !silent;
	x->alone -= x->alone > 0;
	x->fresh = x->fresh && x->deaf;
	x->prm.out(x->prm.arg, &f);
}

/* ---- the tick */

static void start_sum(struct mix *m, unsigned w, uint32_t rate)
{
	struct mix_sum *s = &m->sum[w];

	s->rate = rate;
	s->n = rate / 50;
	s->quiet = 0;
	for (int k = 0; k < RATE_KINDS; k++) {
		rate_init(&s->common[k].rate, m->bank, rate, rate_of_kind(k));
		s->common[k].turn = 0;
	}
	list_each(l, &m->members)
		start_way(m, container_of(l, struct mix_member, link), w);
}

static uint32_t highest_rate(const struct mix *m)
{
	uint32_t rate = 0;

	list_each(l, &m->members) {
		const struct mix_member *x = container_of(l, struct mix_member, link);

		rate = x->rate > rate ? x->rate : rate;
	}
	return rate < MIX_RATE_MAX ? rate : MIX_RATE_MAX;
}

/* The way to be in force after this tick. */
static unsigned choose_way(struct mix *m)
{
	uint32_t rate = highest_rate(m);
	unsigned to = m->at ^ 1u;

	if (rate == m->sum[m->at].rate)
		return m->at;
	if (!m->sum[m->at].rate) {
		start_sum(m, m->at, rate);
		return m->at;
	}
	/* Its filters begin with silence, and are full before much of it is heard. */
	start_sum(m, to, rate);
	return to;
}

void mix_tick(struct mix *m)
{
	unsigned to = m->at;

	m->turn++;
	if (m->nmembers)
		to = choose_way(m);
	list_each(l, &m->members)
		take_frame(container_of(l, struct mix_member, link));
	for (unsigned w = 0; m->nmembers && w < WAYS; w++) {
		if (w != m->at && w != to)
			continue;
		add_up(m, w);
		if (is_silent(&m->sum[w]))
			keep_silence(m, w);
		else
			part_filters(m, w);
	}
	list_each(l, &m->members)
		hand_out(m, to, container_of(l, struct mix_member, link));
	m->has_rest = false;
	m->at = to;
}

/* ---- numbers */

bool mix_talking(const struct mix_member *x) { return x->talking; }
uint32_t mix_member_rate(const struct mix_member *x) { return x->rate; }
size_t mix_members(const struct mix *m) { return m->nmembers; }
uint32_t mix_rate(const struct mix *m) { return m->sum[m->at].rate; }

void mix_count(const struct mix_member *x, struct mix_stats *out)
{
	uint32_t khz = x->rate / 1000;

	*out = (struct mix_stats){ 0 };
	if (!khz)
		return;
	*out = (struct mix_stats){
		.late = x->queue.late / khz, .lost = x->queue.lost / khz, .dropped = x->queue.dropped / khz,
		.empty = x->queue.empty, .queued = (uint32_t)jitter_queued(&x->queue) / khz,
	};
}
