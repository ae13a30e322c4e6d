/* media/faxgate_run.c -- a fax gateway on a media thread: its two ends are a user of T.38 and functions of sound. */
#include "media/faxgate_run.h"
#include "media/core.h"
#include "media/pcm.h"
#include "media/t38.h"
#include "base/obj.h"
#include <errno.h>
#include "base/poison.h"

struct faxgate_run {            /* obj: held by its owner and by either end while it is attached */
	struct t38_user u;              /* first: so it is there as long as the gateway sends */
	struct faxgate *gate;           /* owned; the thread's while an end is attached */
	int16_t heard[FAX_SAMPLES];
	atomic_bool over;               /* its owner has gone: neither end touches the gateway */
	atomic_uint rate, pages;
	atomic_bool ecm;
	unsigned ticks;
	/* the core's */
	struct t38_user *user;          /* NULL: off T.38 */
	struct media_pcm *pcm;          /* NULL: off sound */
};

/* ---- the media thread */

static void send_ifp(void *arg, const uint8_t *p, size_t n, unsigned copies)
{
	struct faxgate_run *g = arg;

	(void)t38_send_ifp(&g->u, p, n, copies);
}

static void on_ifp(struct t38_user *u, uint16_t seq, const uint8_t *p, size_t n)
{
	struct faxgate_run *g = (struct faxgate_run *)u;

	if (!atomic_load(&g->over))
		faxgate_ifp(g->gate, p, n, seq);
}

/* The sound is its clock. */
static void on_tick(struct t38_user *u)
{
	struct faxgate_run *g = (struct faxgate_run *)u;
	struct faxgate_stats st;

	if (!g->ticks++)
		faxgate_open(g->gate);
	if (g->ticks % 25)
		return;
	faxgate_stats(g->gate, &st);
	atomic_store_explicit(&g->rate, st.rate, memory_order_relaxed);
	atomic_store_explicit(&g->pages, st.pages, memory_order_relaxed);
	atomic_store_explicit(&g->ecm, st.ecm, memory_order_relaxed);
}

static void on_heard(void *arg, const int16_t *pcm, size_t n)
{
	struct faxgate_run *g = arg;

	if (atomic_load(&g->over) || n > FAX_SAMPLES)
		return;
	memcpy(g->heard, pcm, n * sizeof(*pcm));
	faxgate_hear(g->gate, g->heard, n);
}

static void on_missed(void *arg, size_t n)
{
	struct faxgate_run *g = arg;

	if (!atomic_load(&g->over))
		faxgate_miss(g->gate, n);
}

static bool on_say(void *arg, int16_t *pcm, size_t n)
{
	struct faxgate_run *g = arg;

	if (atomic_load(&g->over))
		return false;
	faxgate_say(g->gate, pcm, n);
	return true;
}

/* ---- the core */

static void gate_free(void *arg)
{
	struct faxgate_run *g = arg;

	faxgate_free(g->gate);
}

static void on_t38_gone(struct t38_user *u)
{
	obj_drop(u);
}

static void on_sound_gone(void *arg)
{
	struct faxgate_run *g = arg;

	g->pcm = NULL;
	obj_drop(g);
}

static int attach(struct faxgate_run *g, struct media_session *image, struct media_session *sound)
{
	static const struct t38_user_ops ops = { .ifp = on_ifp, .tick = on_tick, .free = on_t38_gone };
	const struct media_pcm_ops pcm = { .arg = obj_hold(g), .rate = FAX_RATE, .read = on_say, .write = on_heard, .miss = on_missed,
		.free = on_sound_gone };
	int err = media_pcm_start(&g->pcm, sound, &pcm);

	if (err) {
		obj_drop(g);
		return err;
	}
	return media_t38_attach(&g->user, obj_hold(g), image, &ops);
}

int faxgate_run_new(struct faxgate_run **out, const struct faxgate_prm *prm, struct media_session *image, struct media_session *sound)
{
	struct faxgate_run *g = obj_new(sizeof(*g), gate_free);
	struct faxgate_prm own = *prm;
	int err;

	if (!g)
		return ENOMEM;
	own.send_ifp = send_ifp;
	own.arg = g;
	err = faxgate_new(&g->gate, &own);
	if (!err)
		err = media_t38_together(image, sound);
	if (!err)
		err = attach(g, image, sound);
	if (err)
		faxgate_run_free(g);
	else
		*out = g;
	return err;
}

void faxgate_run_free(struct faxgate_run *g)
{
	if (!g)
		return;
	atomic_store(&g->over, true);
	if (g->pcm)
		(void)media_pcm_stop(g->pcm);
	media_t38_detach(&g->user);
	obj_drop(g);
}

bool faxgate_run_attached(const struct faxgate_run *g)
{
	return g->pcm && g->user;
}

void faxgate_run_stats(const struct faxgate_run *g, struct faxgate_stats *out)
{
	*out = (struct faxgate_stats){ .ecm = atomic_load_explicit(&g->ecm, memory_order_relaxed),
		.rate = atomic_load_explicit(&g->rate, memory_order_relaxed),
		.pages = atomic_load_explicit(&g->pages, memory_order_relaxed) };
}
