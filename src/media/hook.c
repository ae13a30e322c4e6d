/* media/hook.c -- hooks as the core sees them: made, handed to the session's media thread, freed
 * when they come back. The thread's side is hook_run.c. */
#define LOG_MODULE "media"
#include "media/hook.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/core.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

/* What a stream gives back when it closes must find room among the events. */
enum { HOOKS_MAX = 8 };

static int post_run(struct media_session *s, struct run *r)
{
	return core_post(s, &(struct cmd){ .type = CMD_RUN, .p = r });
}

/* ---- states of codecs */

static void lanes_free(struct hook_lanes *l)
{
	for (size_t i = 0; l && i < l->n; i++)
		for (int k = 0; k < LANES; k++) {
			if (l->of[i].dec[k])
				l->of[i].row->state_free(l->of[i].dec[k]);
			if (l->of[i].enc[k])
				l->of[i].row->state_free(l->of[i].enc[k]);
		}
	free(l);
}

static void lanes_back(struct run *r)
{
	lanes_free(container_of(r, struct hook_lanes, run));
}

static bool states_new(struct hook_lanes *l, const struct codec *row, const struct codec_prm *prm)
{
	size_t i = l->n++;

	l->of[i].row = row;
	for (int k = 0; k < LANES; k++) {
		l->of[i].dec[k] = codec_state(row, CODEC_DECODER, NULL);
		l->of[i].enc[k] = codec_state(row, CODEC_ENCODER, prm);
		if (!l->of[i].dec[k] || !l->of[i].enc[k])
			return false;
	}
	return true;
}

static uint64_t with_states(uint64_t formats)
{
	uint64_t some = 0;

	for (unsigned id = 0; id < FORMATS; id++) {
		const struct codec *row = formats >> id & 1 ? codec_get((enum format_id)id) : NULL;

		if (row && row->state_new)
			some |= (uint64_t)1 << id;
	}
	return some;
}

/* What is agreed on now, and what was before: packets of that may still come. */
static int make_lanes(struct media_session *s)
{
	uint64_t want = with_states(s->speaks) | s->hooked_formats;
	struct hook_lanes *l;
	int err = 0;

	if (want == s->hooked_formats)
		return 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return ENOMEM;
	l->run = (struct run){ hook_take_lanes, lanes_back };
	for (unsigned id = 0; id < FORMATS && !err; id++)
		if (want >> id & 1)
			err = l->n < LANE_CODECS && states_new(l, codec_get((enum format_id)id), &s->encoder) ? 0 : ENOMEM;
	if (!err)
		err = post_run(s, &l->run);
	if (err)
		lanes_free(l);
	else
		s->hooked_formats = want;
	return err;
}

static void follow_codecs(struct media_session *s)
{
	if (s->nhooks && make_lanes(s))
		log_error("the sound of a call passes unchanged and unheard: no memory for another codec");
}

uint64_t media_session_formats(const struct media_session *s) { return s->speaks; }

/* ---- hooks */

static void hook_left(struct media_hook *h)
{
	struct media_session *s = h->session;

	if (--h->left)
		return;
	if (h->holder)
		*h->holder = NULL;
	h->ops->free(h);
	obj_drop(s);
}

static void hook_back(struct run *r)
{
	struct media_hook *h = container_of(r, struct media_hook, run);

	h->session->nhooks--;
	hook_left(h);
}

static void stop_back(struct run *r)
{
	hook_left(container_of(r, struct media_hook, stop));
}

int hook_start(struct media_hook **out, struct media_hook *h, struct media_session *s, const struct hook_ops *ops, uint32_t tag)
{
	int err = s->closed || !s->m ? ESHUTDOWN : s->type != MEDIA_AUDIO ? EINVAL : s->nhooks >= HOOKS_MAX ? ENOBUFS : make_lanes(s);

	if (err) {
		ops->free(h);
		return err;
	}
	h->run = (struct run){ hook_attach, hook_back };
	h->stop = (struct run){ hook_stop, stop_back };
	h->ops = ops;
	h->tag = tag;
	h->left = 1;
	h->session = obj_hold(s);
	err = post_run(s, &h->run);
	if (err) {
		ops->free(h);
		obj_drop(s);
		return err;
	}
	s->nhooks++;
	s->hooks_follow = follow_codecs;
	h->holder = out;
	*out = h;
	return 0;
}

void media_hook_stop(struct media_hook **holder)
{
	struct media_hook *h = *holder;

	if (!h)
		return;
	*holder = NULL;
	h->holder = NULL;
	if (h->session->closed || !h->session->m)
		return;
	h->left++;
	/* Without memory it goes on until the session closes. */
	if (post_run(h->session, &h->stop))
		h->left--;
}
