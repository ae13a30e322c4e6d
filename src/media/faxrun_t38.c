/* media/faxrun_t38.c -- a fax terminal at work on a session of T.38: IFPs in and out of its rings. */
#include "media/faxrun.h"
#include "media/faxrun_private.h"
#include "media/t38.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include "base/poison.h"

struct fax_user {
	struct t38_user u;              /* first */
	struct faxrun *run;             /* held */
	struct fax_item item;
};

/* ---- the media thread */

static void on_ifp(struct t38_user *u, uint16_t seq, const uint8_t *p, size_t n)
{
	struct fax_user *x = (struct fax_user *)u;

	if (n > sizeof(x->item.ifp))
		return;
	x->item.type = FAX_IFP;
	x->item.seq = seq;
	x->item.n = (uint16_t)n;
	memcpy(x->item.ifp, p, n);
	faxrun_feed(x->run, &x->item);
}

static void on_tick(struct t38_user *u)
{
	struct fax_user *x = (struct fax_user *)u;

	/* Sound that is left of before is nothing here. */
	while (queue_pop(x->run->out, &x->item))
		if (x->item.type == FAX_IFP)
			(void)t38_send_ifp(u, x->item.ifp, x->item.n, x->item.copies);
	x->item.type = FAX_PASSED;
	x->item.n = T38_TICK_SAMPLES;
	faxrun_feed(x->run, &x->item);
}

/* ---- the core */

static void on_free(struct t38_user *u)
{
	struct fax_user *x = (struct fax_user *)u;

	obj_drop(x->run);
	free(x);
}

static void detach(struct faxrun *r)
{
	media_t38_detach(&r->t38);
}

int faxrun_t38(struct faxrun *r, struct media_session *s, const struct fax_t38 *prm)
{
	static const struct t38_user_ops ops = { .ifp = on_ifp, .tick = on_tick, .free = on_free };
	struct fax_user *x = calloc(1, sizeof(*x));

	if (!x)
		return ENOMEM;
	faxrun_detach(r);
	r->t38_detach = detach;
	x->run = obj_hold(r);
	pthread_mutex_lock(&r->lock);
	r->turn.due = true;
	r->turn.prm = *prm;
	pthread_mutex_unlock(&r->lock);
	return media_t38_attach(&r->t38, &x->u, s, &ops);
}
