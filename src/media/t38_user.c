/* media/t38_user.c -- who speaks T.38 by a stream: attached, told, let go. What its stream makes of datagrams is
 * t38_leg.c's. */
#include "media/t38.h"
#include "base/obj.h"
#include "media/core.h"
#include <errno.h>
#include "base/poison.h"

/* Of ticks that a late turn caught up with; and of room that the thread's events must have left. */
enum { LATE_TICKS = 5, ROOM = 256 };
#define TICK_US ((uint64_t)T38_TICK_MS * 1000)

/* ---- on the thread */

static void give_note(struct t38_user *u)
{
	u->unsaid = queue_room(u->s->t->evs) <= ROOM;
	if (!u->unsaid)
		mthread_give(u->s->t, EV_RUN, u->s, &u->note, 0);
}

void t38_notify(struct t38_user *u)
{
	if (u->s && !atomic_exchange(&u->noted, true))
		give_note(u);
}

bool t38_send_ifp(struct t38_user *u, const uint8_t *p, size_t n, unsigned copies)
{
	return u->s && t38_leg_send(u->s, p, n, copies ? copies : 1);
}

static size_t tick(struct ticker *k)
{
	struct t38_user *u = container_of(k, struct t38_user, ticker);
	uint64_t now = u->s->t->now_us;

	for (int i = 0; i < LATE_TICKS && k->next_us <= now; i++) {
		u->ops->tick(u);
		k->next_us += TICK_US;
	}
	if (k->next_us <= now)
		k->next_us = now + TICK_US;
	if (u->unsaid)
		give_note(u);
	return 1;
}

static void arrive(struct stream *s)
{
	struct t38_user *u = s->t38->user;

	if (!u)
		return;
	u->ticker.tick = tick;
	u->ticker.w = s->w;
	/* All such wake the thread at the same times. */
	u->ticker.next_us = (s->t->now_us / GRID_US + 1) * GRID_US;
	list_append(&s->t->tickers, &u->ticker.link);
	if (u->ticker.next_us < s->t->due_us)
		s->t->due_us = u->ticker.next_us;
	if (u->ops->arrive)
		u->ops->arrive(u);
}

static void detach(struct t38_user *u)
{
	struct stream *s = u->s;

	if (!s)
		return;
	list_remove(&u->ticker.link);
	if (u->ops->depart)
		u->ops->depart(u);
	if (u->unsaid)
		mthread_give(s->t, EV_RUN, s, &u->note, 0);
	u->unsaid = false;
	u->s = NULL;
	s->t38->user = NULL;
	mthread_give(s->t, EV_RUN, s, &u->run, 0);
}

static void leave(struct stream *s, bool closing)
{
	struct t38_user *u = s->t38->user;

	if (u && closing) {
		detach(u);
	} else if (u) {
		list_remove(&u->ticker.link);
		if (u->ops->depart)
			u->ops->depart(u);
	}
}

static void take_ifp(struct stream *s, uint16_t seq, const uint8_t *p, size_t n)
{
	struct t38_user *u = s->t38->user;

	u->ops->ifp(u, seq, p, n);
}

static const struct t38_leg_ops leg_ops = { .ifp = take_ifp, .leave = leave, .arrive = arrive };

static void run_attach(struct stream *s, struct run *r)
{
	struct t38_user *u = container_of(r, struct t38_user, run);

	/* The one before goes with a command that is still behind. */
	if (s->t38->user)
		detach(s->t38->user);
	s->t38->ops = &leg_ops;
	s->t38->user = u;
	u->s = s;
	arrive(s);
}

static void run_stop(struct stream *s, struct run *r)
{
	detach(container_of(r, struct t38_user, stop));
	mthread_give(s->t, EV_RUN, s, r, 0);
}

/* ---- on the core */

static void user_left(struct t38_user *u)
{
	struct media_session *s = u->session;

	if (--u->left)
		return;
	if (s->t38 == u)
		s->t38 = NULL;
	if (u->holder)
		*u->holder = NULL;
	u->ops->free(u);
	obj_drop(s);
}

static void run_back(struct run *r)
{
	user_left(container_of(r, struct t38_user, run));
}

static void stop_back(struct run *r)
{
	user_left(container_of(r, struct t38_user, stop));
}

/* It comes before the run that it was given after: the user is still there. */
static void note_back(struct run *r)
{
	struct t38_user *u = container_of(r, struct t38_user, note);

	atomic_store(&u->noted, false);
	if (u->holder && u->ops->told)
		u->ops->told(u);
}

static int post_run(struct media_session *s, struct run *r)
{
	return core_post(s, &(struct cmd){ .type = CMD_RUN, .p = r });
}

int media_t38_attach(struct t38_user **holder, struct t38_user *u, struct media_session *s, const struct t38_user_ops *ops)
{
	int err = s->closed || !s->m ? ESHUTDOWN : s->type != MEDIA_IMAGE ? EINVAL : s->t38 ? EBUSY : 0;

	u->ops = ops;
	u->run = (struct run){ run_attach, run_back };
	u->stop = (struct run){ run_stop, stop_back };
	u->note = (struct run){ NULL, note_back };
	atomic_init(&u->noted, false);
	u->left = 1;
	u->session = obj_hold(s);
	if (!err)
		err = post_run(s, &u->run);
	if (err) {
		ops->free(u);
		obj_drop(s);
		return err;
	}
	s->t38 = u;
	u->holder = holder;
	*holder = u;
	return 0;
}

void media_t38_detach(struct t38_user **holder)
{
	struct t38_user *u = *holder;

	if (!u)
		return;
	*holder = NULL;
	u->holder = NULL;
	if (u->session->t38 == u)
		u->session->t38 = NULL;
	if (u->session->closed || !u->session->m)
		return;
	u->left++;
	/* Without memory it goes on until the session closes, and is told nothing. */
	if (post_run(u->session, &u->stop))
		u->left--;
}

int media_t38_together(struct media_session *a, struct media_session *b)
{
	int err = a->closed || b->closed || !a->m || !b->m ? ESHUTDOWN : 0;

	if (!err && !a->added)
		err = core_add(a);
	if (!err && !b->added)
		err = core_add(b);
	return err ? err : session_bring_together(a, b);
}
