/* media/mixer.c -- mixes and taps as the core sees them: made and handed to the media
 * threads, freed when they come back. The threads' side is mix_leg.c and tap_leg.c. */
#define LOG_MODULE "media"
#include "media/mixer.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/core.h"
#include "media/legs.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* What a stream gives back when it closes must find room among the events. */
enum { TAPS_MAX = 8 };

static int post_run(struct media_session *s, struct run *r)
{
	struct cmd c = { .type = CMD_RUN, .p = r };

	return core_post(s, &c);
}

/* ---- mixes */

struct media_mix {              /* obj */
	struct mixer mixer;     /* the thread's while it has members */
	struct core_follower media;
	struct core_thread *t;  /* NULL until the first member; then for good */
	struct list members;    /* of struct media_place */
	size_t n;
	bool closed;
};

struct media_place {            /* a session's membership */
	struct core_place place;        /* s->place */
	struct media_session *s;        /* view: it goes before its session */
	struct media_mix *x;    /* view: the leg holds it */
	struct list link;       /* in x->members */
	struct mix_leg *leg;    /* the thread's; compared only */
	struct mix_ask *leave;  /* owned; memory for its end */
};

static void mix_gone(void *arg)
{
	mix_free(((struct media_mix *)arg)->mixer.mix);
}

int media_mix_new(struct media_mix **out, struct media *m)
{
	struct media_mix *x = media_rates(m) ? obj_new(sizeof(*x), mix_gone) : NULL;

	if (!x)
		return ENOMEM;
	list_init(&x->members);
	list_init(&x->mixer.legs);
	if (mix_new(&x->mixer.mix, m->rates)) {
		obj_drop(x);
		return ENOMEM;
	}
	x->media.m = m;
	list_append(&m->followers, &x->media.link);
	*out = x;
	return 0;
}

void media_mix_close(struct media_mix *x)
{
	if (!x || x->closed)
		return;
	x->closed = true;
	list_each_safe(l, tmp, &x->members)
		media_mix_leave(container_of(l, struct media_place, link)->s);
	list_remove(&x->media.link);
	obj_drop(x);
}

size_t media_mix_members(const struct media_mix *x) { return x->n; }
bool media_session_mixed(const struct media_session *s) { return s->place != NULL; }

static struct media_place *place_of(const struct media_session *s)
{
	return s->place ? container_of(s->place, struct media_place, place) : NULL;
}

static void place_free(struct media_place *p)
{
	p->s->place = NULL;
	list_remove(&p->link);
	p->x->n--;
	free(p->leave);
	free(p);
}

/* Its thread has let go of it, or never had it. */
static void leg_back(struct run *r)
{
	struct mix_leg *g = container_of(r, struct mix_leg, run);
	struct media_place *p = place_of(g->session);

	/* Nobody has asked for that: the session closes, or was moved away with others
	 * of its wire. */
	if (p && p->leg == g) {
		if (!g->session->closed)
			log_error("a session has left its mix: its wire went to another thread");
		place_free(p);
	}
	mix_member_free(g->member);
	obj_drop(g->session);
	obj_drop(g->x);
	free(g);
}

static void ask_back(struct run *r)
{
	free(container_of(r, struct mix_ask, run));
}

static struct mix_ask *ask_new(struct mix_leg *g)
{
	struct mix_ask *a = calloc(1, sizeof(*a));

	if (a)
		*a = (struct mix_ask){ .run = { mix_leg_ask, ask_back }, .leg = g };
	return a;
}

/* All of a place but that it is in force. */
static int place_new(struct media_place **out, struct media_mix *x, struct media_session *s,
		     const struct media_member *set)
{
	struct mix_member_prm prm = { .out = mix_leg_out, .talk = mix_leg_talk, .talk_level = set->talk_level,
				      .talk_ms = set->talk_ms, .quiet_ms = set->quiet_ms };
	struct media_place *p = calloc(1, sizeof(*p));
	struct mix_leg *g = calloc(1, sizeof(*g));
	struct mix_ask *leave = ask_new(g);

	prm.arg = g;
	if (!p || !g || !leave || mix_member_new(&g->member, &prm)) {
		free(p);
		free(g);
		free(leave);
		return ENOMEM;
	}
	mix_set_gain(g->member, set->gain);
	mix_set_mute(g->member, set->mute);
	mix_set_deaf(g->member, set->deaf);
	g->run = (struct run){ mix_leg_join, leg_back };
	g->mixer = &x->mixer;
	g->bank = x->media.m->rates;
	g->session = obj_hold(s);
	g->x = obj_hold(x);
	leave->leave = true;
	*p = (struct media_place){ .place = { x->t, media_mix_leave }, .s = s, .x = x, .leg = g, .leave = leave };
	*out = p;
	return 0;
}

static int join_mix(struct media_mix *x, struct media_session *s, const struct media_member *set)
{
	struct media_place *p;
	int err;

	err = core_move(s->w, x->t);
	if (!err)
		err = place_new(&p, x, s, set);
	if (err)
		return err;
	s->place = &p->place;
	list_append(&x->members, &p->link);
	x->n++;
	err = post_run(s, &p->leg->run);
	if (err) {
		struct mix_leg *g = p->leg;

		place_free(p);
		leg_back(&g->run);
	}
	return err;
}

int media_mix_join(struct media_mix *x, struct media_session *s, const struct media_member *set)
{
	int err;

	if (s->closed || x->closed || !x->media.m || !s->m)
		return ESHUTDOWN;
	if (s->m != x->media.m || s->type != MEDIA_AUDIO)
		return EINVAL;
	if (s->place && place_of(s)->x == x)
		return media_mix_set(s, set);
	if (!x->t) {
		x->t = s->w->t;
		x->mixer.t = &x->t->m;
	}
	/* Before anything has changed. */
	if (s->w->t != x->t && core_is_pinned(s->w, x->t, s))
		return EXDEV;
	err = media_unbridge(s);
	return err ? err : join_mix(x, s, set);
}

int media_mix_set(struct media_session *s, const struct media_member *set)
{
	struct mix_ask *a;
	int err;

	if (!s->place)
		return EINVAL;
	a = ask_new(place_of(s)->leg);
	if (!a)
		return ENOMEM;
	a->gain = set->gain;
	a->mute = set->mute;
	a->deaf = set->deaf;
	err = post_run(s, &a->run);
	if (err)
		free(a);
	return err;
}

int media_mix_leave(struct media_session *s)
{
	struct media_place *p = place_of(s);
	int err;

	if (!p)
		return 0;
	/* Behind the join, also when that still waits for a move. */
	err = post_run(s, &p->leave->run);
	if (err)
		return err;
	p->leave = NULL;
	place_free(p);
	return 0;
}

/* ---- taps */

struct media_tap {
	struct tap_leg leg;     /* the thread's until it comes back */
	struct media_session *s;        /* held */
	tap_done_fn *done;
	void *arg;
	/* The result, the leg, the command that stops it: freed when all have come. */
	unsigned left;
	bool stopping;
};

static void tap_left(struct media_tap *t)
{
	if (--t->left)
		return;
	for (int d = 0; d < TAP_DIRS; d++)
		for (size_t i = 0; i < t->leg.lane[d].ndec; i++)
			t->leg.lane[d].dec[i].row->state_free(t->leg.lane[d].dec[i].st);
	obj_drop(t->s);
	free(t);
}

static void tap_back(struct run *r)
{
	struct media_tap *t = container_of(r, struct media_tap, leg.run);

	/* It was never attached. */
	if (!t->leg.finished)
		tap_finish(t->leg.tap, 0);
	t->s->ntaps--;
	tap_left(t);
}

static void stop_back(struct run *r)
{
	tap_left(container_of(r, struct media_tap, leg.stop));
}

int media_tap_stop(struct media_tap *t)
{
	int err;

	if (t->stopping || t->s->closed || !t->s->m)
		return 0;
	t->stopping = true;
	t->left++;
	err = post_run(t->s, &t->leg.stop);
	if (err) {
		t->stopping = false;
		t->left--;
	}
	return err;
}

static void tap_is_done(void *arg, const struct tap_result *result)
{
	struct media_tap *t = arg;

	if (t->done)
		t->done(t->arg, result);
	/* After an error its thread has it still. If there is no memory for that, it
	 * stays there unused until the session closes. */
	if (result->err)
		media_tap_stop(t);
	tap_left(t);
}

static bool decoders_new(struct tap_lane *l)
{
	for (int id = 0; id <= FORMAT_T38 && l->ndec < TAP_DECODERS; id++) {
		const struct codec *row = codec_get((enum format_id)id);
		void *st;

		if (!row || !row->state_new)
			continue;
		st = row->state_new(CODEC_DECODER, NULL);
		if (!st)
			return false;
		l->dec[l->ndec].row = row;
		l->dec[l->ndec++].st = st;
	}
	return true;
}

static void notify_core(void *m)
{
	core_notify(m);
}

static int start_writer(struct media *m)
{
	return m->taps ? 0 : tap_writer_new(&m->taps, notify_core, m);
}

/* Room for two seconds of both directions. */
static size_t ring_of(const struct media_session *s)
{
	const struct codec *c = codec_get(s->format);

	return (c ? c->rate : 8000) * 2u * TAP_DIRS * sizeof(int16_t);
}

int media_tap_start(struct media_tap **out, struct media_session *s, const struct media_tap_prm *prm)
{
	struct tap_prm tap = { .sink = prm->sink, .ring_bytes = prm->ring_bytes ? prm->ring_bytes : ring_of(s),
			       .done = tap_is_done };
	struct media_tap *t = calloc(1, sizeof(*t));
	int err = s->closed || !s->m ? ESHUTDOWN : s->type != MEDIA_AUDIO ? EINVAL : s->ntaps >= TAPS_MAX ? ENOBUFS :
		  !t ? ENOMEM : start_writer(s->m);

	if (!err && (!decoders_new(&t->leg.lane[0]) || !decoders_new(&t->leg.lane[1])))
		err = ENOMEM;
	if (err) {
		prm->sink.free(prm->sink.arg);
	} else {
		tap.arg = t;
		tap.now_us = clock_us(s->m->clock);
		err = tap_new(&t->leg.tap, s->m->taps, &tap);
	}
	if (err) {
		if (t) {
			t->left = 1;
			tap_left(t);
		}
		return err;
	}
	t->leg.run = (struct run){ tap_leg_attach, tap_back };
	t->leg.stop = (struct run){ tap_leg_stop, stop_back };
	t->s = obj_hold(s);
	t->left = 2;
	s->ntaps++;
	err = post_run(s, &t->leg.run);
	if (err) {
		/* The writer has it already: it ends without a word. */
		tap_back(&t->leg.run);
		return err;
	}
	t->done = prm->done;
	t->arg = prm->arg;
	*out = t;
	return 0;
}
