/* The media side of a fax gateway. */
#define LOG_MODULE "fax"
#include "pbx/fax_gate.h"
#include "base/log.h"
#include "base/obj.h"
#include "media/faxgate_run.h"
#include "pbx/channel_private.h"
#include "pbx/hooks.h"
#include "pbx/t38.h"
#include <stdlib.h>

struct fax_gate {
	struct channel *ch;             /* view */
	struct fax_details *d;          /* held */
	void (*heard)(void *arg, bool from_channel);
	void *arg;
	struct gate_hook *hook;         /* held */
	struct fax_session *v21[2];     /* of the channel and its peer, while it listens to them; NULL: none */
	struct fax_session *session;    /* NULL: it does not stand between */
	struct channel *t38, *sound;    /* held: the ends of both ways, while it stands between */
	struct faxgate_run *run;        /* owned; NULL: not yet, or no more */
	struct faxterm_stats last;
};

/* ---- its ear */

struct gate_hook {
	struct chan_hook h;
	struct fax_gate *gate;          /* NULL: it has gone before */
	bool listen, silent;
};

static int start_hook(struct chan_hook *h, struct media_session *s)
{
	struct gate_hook *x = (struct gate_hook *)h;
	int err = media_fax_listen_start(&h->on, s, h->tag);

	if (!err)
		media_fax_listen_set(h->on, x->listen, x->silent);
	return err;
}

static void told_hook(struct chan_hook *h, const struct media_event *e)
{
	struct fax_gate *g = ((struct gate_hook *)h)->gate;

	if (g)
		g->heard(g->arg, e->count == 1);
}

static const struct chan_hook_kind hook_kind = { .name = "FAXOPT(gateway)", .start = start_hook, .told = told_hook };

static void set_hook(struct fax_gate *g, bool listen, bool silent)
{
	struct gate_hook *x = g->hook;

	if (!x || (x->listen == listen && x->silent == silent))
		return;
	x->listen = listen;
	x->silent = silent;
	if (x->h.on)
		media_fax_listen_set(x->h.on, listen, silent);
}

static void stop_listening(struct fax_gate *g)
{
	for (int i = 0; i < 2; i++)
		if (g->v21[i]) {
			fax_session_over(g->v21[i]);
			g->v21[i] = NULL;
		}
}

/* A row of `fax show sessions`; the gateway does without when there is no memory for it. */
static struct fax_session *listening(struct channel *ch)
{
	struct fax_details *d = fax_details_new(ch->pbx->fax, FAX_KIND_V21);
	struct fax_session *s = d ? fax_session_new(ch, d) : NULL;

	if (s)
		s->state = FAX_STATE_ACTIVE;
	obj_drop(d);
	return s;
}

struct fax_gate *fax_gate_new(struct channel *ch, struct fax_details *d, void (*heard)(void *arg, bool from_channel), void *arg)
{
	struct fax_gate *g = calloc(1, sizeof(*g));
	struct gate_hook *x = g ? chan_hook_new(sizeof(*x), &hook_kind) : NULL;

	if (!x) {
		free(g);
		return NULL;
	}
	*g = (struct fax_gate){ .ch = ch, .d = obj_hold(d), .heard = heard, .arg = arg, .hook = obj_hold(x) };
	x->gate = g;
	x->listen = true;
	if (channel_hook_add(ch, x)) {
		obj_drop(x);
		obj_drop(d);
		free(g);
		return NULL;
	}
	g->v21[0] = listening(ch);
	return g;
}

void fax_gate_meet(struct fax_gate *g, struct channel *peer)
{
	if (!g->v21[1])
		g->v21[1] = listening(peer);
}

/* ---- standing between */

static void numbers(void *arg, struct faxterm_stats *out)
{
	struct fax_gate *g = arg;
	struct faxgate_stats st;

	if (g->run) {
		faxgate_run_stats(g->run, &st);
		g->last = (struct faxterm_stats){ .t38 = true, .ecm = st.ecm, .rate = st.rate, .sent = st.pages };
	}
	*out = g->last;
}

static void let_go(struct fax_gate *g)
{
	struct channel *ends[] = { g->t38, g->sound };

	numbers(g, &g->last);
	faxgate_run_free(g->run);
	g->run = NULL;
	g->t38 = g->sound = NULL;
	for (int i = 0; i < 2; i++)
		if (ends[i]) {
			ends[i]->gated = false;
			if (!ends[i]->dead)
				channel_path_update(ends[i], true);
			obj_drop(ends[i]);
		}
}

void fax_gate_begin(struct fax_gate *g, struct channel *t38, struct channel *sound)
{
	stop_listening(g);
	let_go(g);
	g->t38 = obj_hold(channel_end(t38));
	g->sound = obj_hold(channel_end(sound));
	g->t38->gated = g->sound->gated = true;
	channel_path_update(g->t38, false);
	channel_path_update(g->sound, false);
	g->session = g->session ? g->session : fax_session_new(g->ch, g->d);
	if (!g->session)
		return;
	g->session->state = FAX_STATE_OPEN;
	g->session->numbers = numbers;
	g->session->arg = g;
}

static void join(struct fax_gate *g)
{
	struct media_session *image = channel_t38_media(g->t38), *sound = channel_media(g->sound);
	const struct fax_details *d = g->d;
	const struct faxgate_prm prm = { .ecm = d->ecm, .debug = d->debug, .t38 = d->theirs,
		.modems = (d->modems & 1 ? FAX_V17 : 0) | (d->modems & 2 ? FAX_V27 : 0) | (d->modems & 4 ? FAX_V29 : 0) };

	if (!image || !sound || faxgate_run_new(&g->run, &prm, image, sound))
		return;
	if (g->session)
		g->session->state = FAX_STATE_ACTIVE;
}

void fax_gate_look(struct fax_gate *g, struct channel *peer, bool listen, bool silent)
{
	if (!listen)
		stop_listening(g);
	if (g->run && (!peer || !faxgate_run_attached(g->run))) {
		numbers(g, &g->last);
		faxgate_run_free(g->run);
		g->run = NULL;
	}
	if (!peer && g->t38)
		let_go(g);
	if (peer && g->t38 && !g->run)
		join(g);
	/* Who stands between hears all himself. */
	set_hook(g, listen, silent && !g->t38);
}

void fax_gate_end(struct fax_gate *g, struct fax_details *d)
{
	if (g->session) {
		numbers(g, &g->last);
		d->ecm = g->last.ecm;
		d->pages = g->last.sent;
		(void)text_printf(&d->rate, "%u", g->last.rate);
		g->session->numbers = NULL;
		fax_session_over(g->session);
		g->session = NULL;
	}
	stop_listening(g);
	let_go(g);
	if (g->hook) {
		g->hook->gate = NULL;
		channel_hook_remove(g->hook);
		g->hook = obj_drop(g->hook);
	}
}

void fax_gate_free(struct fax_gate *g)
{
	if (!g)
		return;
	fax_gate_end(g, g->d);
	obj_drop(g->d);
	free(g);
}
