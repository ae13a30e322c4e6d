/* media/exchange.c -- commands to the media threads, in order and none lost, and
 * what the threads say back. Which command a call becomes is session.c's. */
#define LOG_MODULE "media"
#include "media/core.h"
#include "media/tap.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/poison.h"

/* Commands beyond this many waiting for one thread are refused. */
enum { OVERFLOW_MAX = 65536, ROOM = 128, EARLY_US = 40000 };

/* ---- waking one another */

void core_notify(struct media *m)
{
	if (m->bell)
		bell_ring(m->bell);
}

void core_ring(struct core_thread *t)
{
	uint64_t one = 1;

	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&t->m.asleep) && atomic_exchange(&t->m.asleep, false) &&
	    write(t->m.wake, &one, sizeof(one)) < 0)
		return;         /* full: it is awake */
}

/* One wake-up for all that a turn of the core's loop had to say. */
static void ring_all(void *arg)
{
	struct ringer *r = arg;

	r->due = false;
	for (size_t i = 0; r->m && i < r->m->nt; i++) {
		if (r->m->t[i]->ring_due)
			core_ring(r->m->t[i]);
		r->m->t[i]->ring_due = false;
	}
	obj_drop(r);
}

static void ring_later(struct media *m, struct core_thread *t)
{
	struct ringer *r = m->ringer;

	t->ring_due = true;
	if (r->due)
		return;
	r->due = m->prm.core && !loop_defer(m->prm.core, ring_all, obj_hold(r));
	if (r->due)
		return;
	core_ring(t);
	if (m->prm.core)
		obj_drop(r);
}

static bool try_cmd(struct media *m, struct core_thread *t, const struct cmd *c)
{
	if (!m->inline_) {
		bool pushed = queue_push(t->m.cmds, c);

		if (!pushed || queue_room(t->m.cmds) < ROOM)
			core_ring(t);
		else if (!c->may_wait)
			ring_later(m, t);
		return pushed;
	}
	if (queue_room(t->m.evs) < ROOM)
		return false;
	mthread_now(&t->m);
	mthread_began(&t->m);
	mthread_cmd(&t->m, c);
	mthread_tell(&t->m, true);
	mthread_ended(&t->m);
	core_rearm(m);
	return true;
}

/* ---- to the threads */

static struct pending *pending_new(const struct cmd *c)
{
	struct pending *p = malloc(sizeof(*p));

	if (p)
		p->c = *c;
	return p;
}

/* What a command brings, when it will not be run. */
static void cmd_discard(struct cmd *c)
{
	switch (c->type) {
	case CMD_CFG:
		cfg_free(c->p);
		break;
	case CMD_PLAY:
		playlist_free(c->p);
		break;
	case CMD_TONE:
		obj_drop(c->p);
		break;
	case CMD_BRIDGE:
	case CMD_DTMF:
	case CMD_STATS:
		free(c->p);
		free(c->q);
		break;
	case CMD_RUN:
		((struct run *)c->p)->back(c->p);
		break;
	default:
		break;
	}
}

/* In order: nothing may pass what already waits. */
static bool post_now(struct media *m, struct core_thread *t, const struct cmd *c)
{
	return list_empty(&t->overflow) && try_cmd(m, t, c);
}

static void wait_for_room(struct media *m, struct core_thread *t, struct pending *p)
{
	list_append(&t->overflow, &p->link);
	t->waiting++;
	core_notify(m);
}

int core_post_thread(struct media *m, struct core_thread *t, const struct cmd *c)
{
	struct pending *p;

	if (post_now(m, t, c))
		return 0;
	p = pending_new(c);
	if (!p)
		return ENOMEM;
	wait_for_room(m, t, p);
	return 0;
}

/* The same with memory that is at hand, so that it cannot fail. Takes `p`. */
static void post_pending(struct media *m, struct core_thread *t, struct pending *p)
{
	if (post_now(m, t, &p->c))
		free(p);
	else
		wait_for_room(m, t, p);
}

void core_flush(struct media *m, struct core_thread *t)
{
	list_each_safe(l, tmp, &t->overflow) {
		struct pending *p = container_of(l, struct pending, link);

		if (!try_cmd(m, t, &p->c))
			return;
		list_remove(l);
		t->waiting--;
		free(p);
	}
}

/* One command about a wire, in order with all others about it. */
static int post_wire(struct core_wire *w, struct cmd c)
{
	struct pending *p;

	c.w = &w->w;
	w->known = true;
	if (!w->moving)
		return core_post_thread(w->m, w->t, &c);
	p = pending_new(&c);
	if (!p)
		return ENOMEM;
	list_append(&w->held, &p->link);
	return 0;
}

/* A session is its thread's from the first command on: what nobody has told
 * anything costs no wake-up. */
int core_add(struct media_session *s)
{
	/* Packets may come ahead of the answer that says whose they are, but not long. */
	struct cmd add = { .type = CMD_ADD, .s = s->st,
			   .v = clock_us(s->m->clock) - s->born_us > EARLY_US && !s->w->keep_early };
	int err = post_wire(s->w, add);

	s->added = !err;
	return err;
}

int core_post(struct media_session *s, const struct cmd *c)
{
	struct cmd mine = *c;
	int err;

	if (s->closed || !s->m)
		return ESHUTDOWN;
	mine.s = s->st;
	err = s->added ? 0 : core_add(s);
	if (err)
		return err;
	if (!s->w->moving && s->w->t->waiting > OVERFLOW_MAX)
		return ENOBUFS;
	return post_wire(s->w, mine);
}

void core_close(struct media_session *s, struct stats_req *req, bool last)
{
	struct pending *p = s->closing;
	struct core_wire *w = s->w;

	s->closing = NULL;
	w->known = true;
	p->c = (struct cmd){ .type = CMD_CLOSE, .s = s->st, .w = &w->w, .p = req, .may_wait = !req,
			     .v = (s->added ? 0 : CLOSE_UNKNOWN) | (last ? CLOSE_LAST : 0) };
	if (w->moving)
		list_append(&w->held, &p->link);
	else
		post_pending(w->m, w->t, p);
}

int core_closing_new(struct media_session *s)
{
	s->closing = pending_new(&(struct cmd){ .type = CMD_CLOSE });
	return s->closing ? 0 : ENOMEM;
}

/* ---- moving a wire to its bridge's thread */

static struct core_wire *wire_of(const struct stream *st)
{
	return container_of(st->w, struct core_wire, w);
}

static int move_wire(struct core_wire *w, struct core_thread *to, struct list *moved)
{
	struct pending *leave;

	if (w->known && !w->moving) {
		leave = pending_new(&(struct cmd){ .type = CMD_LEAVE, .w = &w->w });
		w->arrive = pending_new(&(struct cmd){ .type = CMD_ARRIVE, .w = &w->w });
		if (!leave || !w->arrive) {
			free(leave);
			free(w->arrive);
			w->arrive = NULL;
			return ENOMEM;
		}
		post_pending(w->m, w->t, leave);
		w->moving = true;
	}
	w->t->load -= w->nsessions;
	to->load += w->nsessions;
	w->t = to;
	list_append(moved, &w->move_link);
	return 0;
}

static void end_bridge(struct media_session *s)
{
	log_error("a bridge of media ends: no memory to move it to another thread");
	s->peer->peer = NULL;
	s->peer = NULL;
}

/* The wire leaves with all its streams: whom they are bridged to comes along. */
static void move_peers(struct core_wire *w, struct core_thread *to, struct list *moved)
{
	list_each(l, &w->sessions) {
		struct media_session *s = container_of(l, struct media_session, wire_link);

		if (!s->peer)
			continue;
		core_cancel_bridge(s);
		core_cancel_bridge(s->peer);
		if (s->peer->w->t != to && move_wire(s->peer->w, to, moved))
			end_bridge(s);
	}
}

/* Leaving has ended the bridges. Once a pair. */
static void bridge_again(struct core_wire *w)
{
	list_each(l, &w->sessions) {
		struct media_session *s = container_of(l, struct media_session, wire_link);

		if (s->peer && (uintptr_t)s < (uintptr_t)s->peer && session_bridge(s, s->peer))
			end_bridge(s);
	}
}

int core_move(struct core_wire *w, struct core_thread *to)
{
	struct list moved;
	int err;

	if (w->t == to)
		return 0;
	list_init(&moved);
	err = move_wire(w, to, &moved);
	/* It grows while it is walked. */
	list_each(l, &moved)
		move_peers(container_of(l, struct core_wire, move_link), to, &moved);
	list_each_safe(l, tmp, &moved) {
		bridge_again(container_of(l, struct core_wire, move_link));
		list_remove(l);
	}
	return err;
}

bool core_is_pinned(struct core_wire *w, const struct core_thread *to, const struct media_session *but)
{
	struct list *all = &w->m->looked_at;
	bool pinned = false;

	list_append(all, &w->move_link);
	/* It grows while it is walked. */
	list_each(l, all) {
		struct core_wire *o = container_of(l, struct core_wire, move_link);

		list_each(k, &o->sessions) {
			struct media_session *s = container_of(k, struct media_session, wire_link);

			if (s == but)
				continue;
			pinned = pinned || (s->place && s->place->t != to);
			if (s->peer && s->peer != but && s->peer->w->t != to && !list_linked(&s->peer->w->move_link))
				list_append(all, &s->peer->w->move_link);
		}
	}
	list_each_safe(l, tmp, all)
		list_remove(l);
	return pinned;
}

void core_cancel_bridge(struct media_session *s)
{
	list_each_safe(l, tmp, &s->w->held) {
		struct pending *p = container_of(l, struct pending, link);

		if (p->c.type != CMD_BRIDGE || (p->c.s != s->st && p->c.peer != s->st))
			continue;
		list_remove(l);
		cmd_discard(&p->c);
		free(p);
	}
}

/* A bridge needs both there: the wire that it must wait for. */
static struct core_wire *absent(const struct cmd *c)
{
	if (c->type != CMD_BRIDGE)
		return NULL;
	if (wire_of(c->s)->moving)
		return wire_of(c->s);
	return wire_of(c->peer)->moving ? wire_of(c->peer) : NULL;
}

/* It has left its old thread: into the new one, and all that waited after it. */
static void wire_moved(struct core_wire *w)
{
	struct pending *arrive = w->arrive;

	w->moving = false;
	w->arrive = NULL;
	post_pending(w->m, w->t, arrive);
	list_each_safe(l, tmp, &w->held) {
		struct pending *p = container_of(l, struct pending, link);
		struct core_wire *other = absent(&p->c);

		list_remove(l);
		if (other)
			list_append(&other->held, l);
		else
			post_pending(w->m, w->t, p);
	}
}

void core_forget(struct media_session *s)
{
	free(s->closing);
	s->closing = NULL;
}

void core_forget_wire(struct core_wire *w)
{
	list_each_safe(l, tmp, &w->held) {
		struct pending *p = container_of(l, struct pending, link);

		list_remove(l);
		cmd_discard(&p->c);
		free(p);
	}
	free(w->arrive);
	for (int i = 0; i < 2; i++) {
		obj_drop(w->w.srtp[i]);
		obj_drop(w->w.dtls[i]);
	}
	secure_forget(w);
	core_ice_free(w);
	free(w);
}

/* ---- from the threads */

struct later *later_new(void)
{
	return malloc(sizeof(struct later));
}

void core_later(struct media_session *s, struct later *l, const struct media_event *e)
{
	*l = (struct later){ .s = obj_hold(s), .e = *e };
	list_append(&s->m->later, &l->link);
	core_notify(s->m);
}

void core_run_later(struct media *m)
{
	/* What a handler adds waits for the next time. */
	struct list now;

	if (list_empty(&m->later))
		return;
	list_init(&now);
	list_each_safe(l, tmp, &m->later) {
		list_remove(l);
		list_append(&now, l);
	}
	while (!list_empty(&now)) {
		struct later *x = container_of(now.next, struct later, link);

		list_remove(&x->link);
		session_event(x->s, &x->e);
		obj_drop(x->s);
		free(x);
	}
}

static void tell_played(struct media_session *s, struct playlist *p, int err)
{
	struct media_event e = { .type = MEDIA_PLAYED, .err = err, .tag = p->tag, .missing = p->missing,
				 .count = (uint16_t)(err ? p->at : p->n) };

	session_event(s, &e);
	playlist_free(p);
}

static void dtmf_sent(struct media_session *s, struct dtmf_job *j, int err)
{
	struct media_event e = { .type = MEDIA_DTMF_SENT, .err = err, .tag = j->tag };

	if (!j->open)
		session_event(s, &e);
	free(j);
}

/* Once for each request, so that what `arg` holds is given back. */
static void stats_done(struct media *m, struct stats_req *r)
{
	if (r && r->fn)
		r->fn(r->arg, m->closing ? NULL : &r->st);
	free(r);
}

void core_handle(struct media *m, struct ev *e)
{
	struct media_session *s = e->s ? e->s->session : NULL;

	switch (e->type) {
	case EV_PUBLIC:
		if (e->e.type >= MEDIA_ICE && s->w)
			core_ice_event(s->w, &e->e);
		session_event(s, &e->e);
		break;
	case EV_PLAYED:
		tell_played(s, e->p, e->e.err);
		break;
	case EV_DTMF_SENT:
		dtmf_sent(s, e->p, e->e.err);
		break;
	case EV_CFG:
		cfg_free(e->p);
		break;
	case EV_DROP:
		obj_drop(e->p);
		break;
	case EV_FREE:
		free(e->p);
		break;
	case EV_STATS:
		stats_done(m, e->p);
		break;
	case EV_RUN:
		((struct run *)e->p)->back(e->p);
		break;
	case EV_LEFT:
		wire_moved(container_of((struct wire *)e->p, struct core_wire, w));
		break;
	case EV_CLOSED:
		session_gone(s);
		stats_done(m, e->p);
		break;
	}
}

void core_dispatch(void *arg)
{
	struct media *m = arg;
	struct ev e;

	for (size_t i = 0; i < m->nt; i++) {
		/* Not all that there are, so that a chatty thread does not keep
		 * the core. */
		for (int n = 0; n < 1024 && queue_pop(m->t[i]->m.evs, &e); n++)
			core_handle(m, &e);
		core_flush(m, m->t[i]);
		if (!queue_empty(m->t[i]->m.evs) || !list_empty(&m->t[i]->overflow))
			core_notify(m);
	}
	trace_drain(m);
	core_run_later(m);
	if (m->taps)
		tap_writer_results(m->taps);
}
