/* media/hook_fax.c -- the hook that hears fax machines begin: the preamble of V.21 (T.30 5.3.1), which comes before
 * every message of theirs, in either direction. */
#include "media/hook.h"
#include "media/faxear.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

enum { SOUNDS = 1 << LANE_HEARD | 1 << LANE_SENT, RATE = 8000 };

struct fax_ear {
	struct media_hook h;
	struct faxear *ear[LANES];      /* owned; NULL: not this way */
	bool heard[LANES];
	atomic_bool silent, deaf;
};

static void ear_free(struct media_hook *h)
{
	struct fax_ear *e = (struct fax_ear *)h;

	for (int i = 0; i < LANES; i++)
		faxear_free(e->ear[i]);
	free(e);
}

static bool fax_wants(struct media_hook *h, enum hook_lane lane)
{
	struct fax_ear *e = (struct fax_ear *)h;

	return atomic_load_explicit(&e->silent, memory_order_relaxed) ||
	       (e->ear[lane] && !e->heard[lane] && !atomic_load_explicit(&e->deaf, memory_order_relaxed));
}

static bool fax_pass(struct media_hook *h, struct hook_sound *f)
{
	struct fax_ear *e = (struct fax_ear *)h;

	if (e->ear[f->lane] && !e->heard[f->lane] && !atomic_load_explicit(&e->deaf, memory_order_relaxed) && f->rate == RATE) {
		e->heard[f->lane] = faxear_hear(e->ear[f->lane], f->pcm, f->n);
		if (e->heard[f->lane])
			hook_tell(h, f->lane == LANE_HEARD ? 1 : 2, 0);
	}
	if (!atomic_load_explicit(&e->silent, memory_order_relaxed))
		return false;
	memset(f->pcm, 0, f->n * sizeof(*f->pcm));
	return true;
}

void media_fax_listen_set(struct media_hook *h, bool listens, bool silent)
{
	struct fax_ear *e = (struct fax_ear *)h;

	atomic_store_explicit(&e->deaf, !listens, memory_order_relaxed);
	atomic_store_explicit(&e->silent, silent, memory_order_relaxed);
}

static int start(struct media_hook **out, struct media_session *s, enum faxear_for what, enum hook_lane last, uint32_t tag)
{
	static const struct hook_ops ops = { .lanes = SOUNDS, .wants = fax_wants, .pass = fax_pass, .free = ear_free };
	struct fax_ear *e = calloc(1, sizeof(*e));

	if (!e)
		return ENOMEM;
	for (int i = LANE_HEARD; i <= (int)last; i++) {
		e->ear[i] = faxear_new(what);
		if (!e->ear[i]) {
			ear_free(&e->h);
			return ENOMEM;
		}
	}
	return hook_start(out, &e->h, s, &ops, tag);
}

int media_fax_listen_start(struct media_hook **out, struct media_session *s, uint32_t tag)
{
	return start(out, s, FAXEAR_PREAMBLE, LANE_SENT, tag);
}

int media_cng_listen_start(struct media_hook **out, struct media_session *s, uint32_t tag)
{
	return start(out, s, FAXEAR_CNG, LANE_HEARD, tag);
}
