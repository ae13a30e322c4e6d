/* media/media.c -- the threads as the core sees them: started, told, heard. */
#define LOG_MODULE "media"
#include "media/core.h"
#include "media/wire.h"
#include "base/log.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/poison.h"

/* Commands beyond this many waiting for one thread are refused. */
enum { OVERFLOW_MAX = 65536, ROOM = 128, EARLY_US = 40000 };

uint64_t core_random(struct media *m)
{
	uint64_t z = m->seed += 0x9e3779b97f4a7c15u;    /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* ---- to the threads */

void core_notify(struct media *m)
{
	if (m->bell)
		bell_ring(m->bell);
}

static void notify(void *arg)
{
	core_notify(arg);
}

static void mark(void *arg)
{
	bell_mark(((struct media *)arg)->bell);
}

static void ring(struct core_thread *t)
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
			ring(r->m->t[i]);
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
	ring(t);
	if (m->prm.core)
		obj_drop(r);
}

static void rearm(struct media *m);

static bool try_cmd(struct media *m, struct core_thread *t, const struct cmd *c)
{
	if (!m->inline_) {
		bool pushed = queue_push(t->m.cmds, c);

		if (!pushed || queue_room(t->m.cmds) < ROOM)
			ring(t);
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
	rearm(m);
	return true;
}

static int wait_in(struct list *l, const struct cmd *c)
{
	struct pending *p = malloc(sizeof(*p));

	if (!p)
		return ENOMEM;
	p->c = *c;
	list_append(l, &p->link);
	return 0;
}

static int post_thread(struct media *m, struct core_thread *t, const struct cmd *c)
{
	/* In order: nothing may pass what already waits. */
	if (list_empty(&t->overflow) && try_cmd(m, t, c))
		return 0;
	core_notify(m);
	return wait_in(&t->overflow, c);
}

static void flush(struct media *m, struct core_thread *t)
{
	list_each_safe(l, tmp, &t->overflow) {
		struct pending *p = container_of(l, struct pending, link);

		if (!try_cmd(m, t, &p->c))
			return;
		list_remove(l);
		free(p);
	}
}

static size_t overflowing(const struct core_thread *t)
{
	size_t n = 0;

	list_each(l, &t->overflow)
		n++;
	return n;
}

int core_post(struct media_session *s, const struct cmd *c)
{
	struct cmd mine = *c;

	if (s->closed || !s->m)
		return ESHUTDOWN;
	mine.s = s->st;
	if (!s->added) {
		int err = core_add(s);

		if (err)
			return err;
	}
	if (s->moving)
		return wait_in(&s->held, &mine);
	if (!list_empty(&s->t->overflow) && overflowing(s->t) > OVERFLOW_MAX)
		return ENOBUFS;
	return post_thread(s->m, s->t, &mine);
}

void core_post_sure(struct media_session *s, const struct cmd *c)
{
	struct cmd mine = *c;

	mine.s = s->st;
	if (!s->added && core_add(s))
		log_error("no memory to close a media session");
	if (s->moving ? wait_in(&s->held, &mine) : post_thread(s->m, s->t, &mine))
		log_error("no memory to close a media session");
}

/* A session is its thread's from the first command on: what nobody has told
 * anything costs no wake-up. */
int core_add(struct media_session *s)
{
	/* Packets may come ahead of the answer that says whose they are, but not long. */
	struct cmd add = { .type = CMD_ADD, .s = s->st, .v = clock_us(s->m->clock) - s->born_us > EARLY_US };
	int err = post_thread(s->m, s->t, &add);

	s->added = !err;
	return err;
}

/* ---- moving a stream to its bridge's thread */

void core_move(struct media_session *s, struct core_thread *to)
{
	struct cmd c = { .type = CMD_LEAVE, .s = s->st };

	if (s->t == to)
		return;
	if (s->added && !s->moving) {
		post_thread(s->m, s->t, &c);
		s->moving = true;
	}
	s->t->load--;
	to->load++;
	s->t = to;
}

void core_cancel_bridge(struct media_session *s)
{
	list_each_safe(l, tmp, &s->held) {
		struct pending *p = container_of(l, struct pending, link);

		if (p->c.type != CMD_BRIDGE)
			continue;
		free(p->c.p);
		free(p->c.q);
		list_remove(l);
		free(p);
	}
}

/* It has left its old thread: into the new one, and all that waited after it. */
static void moved(struct media_session *s)
{
	struct cmd add = { .type = CMD_ADD, .s = s->st };

	s->moving = false;
	post_thread(s->m, s->t, &add);
	list_each_safe(l, tmp, &s->held) {
		struct pending *p = container_of(l, struct pending, link);
		struct media_session *other = p->c.type == CMD_BRIDGE ? p->c.peer->session : NULL;

		list_remove(l);
		/* A bridge needs both there. */
		if (other && other != s && other->moving) {
			list_append(&other->held, l);
			continue;
		}
		post_thread(s->m, s->t, &p->c);
		free(p);
	}
}

/* ---- from the threads */

void core_later(struct media_session *s, const struct media_event *e)
{
	struct later *l = malloc(sizeof(*l));

	if (!l)
		return;
	*l = (struct later){ .s = obj_hold(s), .e = *e };
	list_append(&s->m->later, &l->link);
	core_notify(s->m);
}

static void run_later(struct media *m)
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
	list_each_safe(l, tmp, &now) {
		struct later *x = container_of(l, struct later, link);

		list_remove(l);
		session_event(x->s, &x->e);
		obj_drop(x->s);
		free(x);
	}
}

static void played(struct media_session *s, struct playlist *p, int err)
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

static void stats_done(struct media *m, struct stats_req *r)
{
	if (r && r->fn && !m->closing)
		r->fn(r->arg, &r->st);
	free(r);
}

static void handle(struct media *m, struct ev *e)
{
	struct media_session *s = e->s->session;

	switch (e->type) {
	case EV_PUBLIC:
		session_event(s, &e->e);
		break;
	case EV_PLAYED:
		played(s, e->p, e->e.err);
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
	case EV_LEFT:
		moved(s);
		break;
	case EV_CLOSED:
		session_gone(s);
		stats_done(m, e->p);
		break;
	}
}

static void dispatch(void *arg)
{
	struct media *m = arg;
	struct ev e;

	for (size_t i = 0; i < m->nt; i++) {
		/* Not all that there are, so that a chatty thread does not keep
		 * the core. */
		for (int n = 0; n < 1024 && queue_pop(m->t[i]->m.evs, &e); n++)
			handle(m, &e);
		flush(m, m->t[i]);
		if (!queue_empty(m->t[i]->m.evs) || !list_empty(&m->t[i]->overflow))
			core_notify(m);
	}
	run_later(m);
}

/* ---- on the core's own loop */

static void turn(struct media *m)
{
	mthread_turn(&m->t[0]->m, 0);
	rearm(m);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	turn(h->data);
}

static void on_tick(void *arg)
{
	turn(arg);
}

static void rearm(struct media *m)
{
	int ms;

	if (!m->inline_ || !m->prm.core)
		return;
	ms = mthread_wait_ms(&m->t[0]->m);
	if (ms < 0)
		timer_stop(&m->tick);
	else if (!timer_running(&m->tick) ||
		 timer_left_ms(loop_wheel(m->prm.core), &m->tick) > (uint64_t)ms)
		timer_start(loop_wheel(m->prm.core), &m->tick, (uint64_t)ms, on_tick, m);
}

static void poll_closed(uv_handle_t *h)
{
	free(h);
}

static int poll_start(struct media *m)
{
	int err;

	m->poll = calloc(1, sizeof(*m->poll));
	if (!m->poll)
		return ENOMEM;
	err = uv_poll_init(loop_uv(m->prm.core), m->poll, m->t[0]->m.ep);
	if (err) {
		free(m->poll);
		m->poll = NULL;
		return -err;
	}
	m->poll->data = m;
	return -uv_poll_start(m->poll, UV_READABLE, on_poll);
}

void media_poll(struct media *m, int wait_ms)
{
	if (m->inline_)
		mthread_turn(&m->t[0]->m, wait_ms);
	dispatch(m);
}

/* Is this the place that `to` names? One bound to all addresses is everybody's. */
static bool is_at(const struct sa *place, const struct sa *to)
{
	return sa_port(place) == sa_port(to) && (sa_is_any(place) || sa_eq_host(place, to));
}

static struct stream *stream_at(struct mthread *t, const struct sa *local, bool *rtcp)
{
	for (int i = 0; i < SLOTS; i++)
		list_each(l, &t->slots[i]) {
			struct stream *s = container_of(l, struct stream, link);

			*rtcp = is_at(&s->session->local[1], local);
			if (*rtcp || is_at(&s->session->local[0], local))
				return s;
		}
	return NULL;
}

bool media_deliver(struct media *m, const struct sa *local, const struct sa *from, const void *p, size_t n)
{
	struct mthread *t = &m->t[0]->m;
	struct stream *s;
	bool rtcp;

	/* A datagram longer than we read is cut by the kernel, and bad. */
	if (!m->inline_ || !n || n > sizeof(t->pkt))
		return false;
	s = stream_at(t, local, &rtcp);
	if (!s)
		return false;
	mthread_now(t);
	mthread_began(t);
	memcpy(t->pkt, p, n);
	wire_arrived(s, rtcp, n, from);
	mthread_tell(t, false);
	mthread_ended(t);
	rearm(m);
	return true;
}

/* ---- beginning and end */

static void *thread_main(void *t)
{
	mthread_main(t);
	return NULL;
}

static int thread_new(struct media *m, struct core_thread **out)
{
	struct core_thread *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return ENOMEM;
	list_init(&t->overflow);
	t->m.clock = m->clock;
	t->m.wire = m->prm.wire;
	t->m.strict = m->prm.strict;
	t->m.learn_packets = m->prm.learn_packets ? m->prm.learn_packets : 4;
	t->m.learn_ms = m->prm.learn_ms ? m->prm.learn_ms : 5000;
	t->m.rtcp_ms = m->prm.rtcp_ms;
	t->m.dtmf_ms = m->prm.dtmf_ms ? m->prm.dtmf_ms : 150;
	t->m.notify = notify;
	t->m.mark = m->bell && !m->inline_ ? mark : NULL;
	t->m.notify_arg = m;
	err = mthread_init(&t->m);
	if (!err && !m->inline_) {
		err = pthread_create(&t->id, NULL, thread_main, &t->m);
		t->running = !err;
	}
	if (err) {
		mthread_free(&t->m);
		free(t);
		return err;
	}
	*out = t;
	return 0;
}

static int prm_take(struct media *m, const struct media_prm *prm)
{
	char *dir = str_dup(prm->sounds);

	if (!dir)
		return ENOMEM;
	free(m->sounds);
	m->sounds = dir;
	m->prm = *prm;
	m->prm.sounds = str_z(dir);
	if (!sa_is_set(&m->prm.bind))
		return sa_parse_host(&m->prm.bind, STR("0.0.0.0"), 0);
	return 0;
}

static int start(struct media *m)
{
	size_t n = m->inline_ ? 1 : m->prm.threads;
	int err = 0;

	m->cache = sound_cache_new(m->prm.cache_bytes ? m->prm.cache_bytes : 64u << 20);
	m->t = calloc(n, sizeof(*m->t));
	m->ringer = obj_new(sizeof(*m->ringer), NULL);
	if (m->prm.core)
		m->bell = bell_new(m->prm.core, dispatch, m);
	if (m->ringer)
		m->ringer->m = m;
	if (!m->cache || !m->t || !m->ringer || (m->prm.core && !m->bell))
		return ENOMEM;
	for (; m->nt < n && !err; m->nt += !err)
		err = thread_new(m, &m->t[m->nt]);
	if (!err && m->inline_ && m->prm.core && !m->prm.wire)
		err = poll_start(m);
	return err;
}

int media_new(struct media **out, const struct media_prm *prm)
{
	struct media *m;
	int err;

	if (prm->wire && prm->threads)
		return EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return ENOMEM;
	list_init(&m->sessions);
	list_init(&m->later);
	m->inline_ = prm->threads == 0;
	m->clock = prm->clock ? prm->clock : prm->core ? loop_clock(prm->core) : clock_real();
	if (getrandom(&m->seed, sizeof(m->seed), 0) != (ssize_t)sizeof(m->seed))
		m->seed = clock_us(m->clock);
	err = prm_take(m, prm);
	if (!err)
		err = start(m);
	if (err)
		media_close(m);
	else
		*out = m;
	return err;
}

void media_reload(struct media *m, const struct media_prm *prm)
{
	struct media_prm was = m->prm;

	if (prm_take(m, prm))
		return;
	/* What threads were started with stays until they are started anew. */
	m->prm.core = was.core;
	m->prm.clock = was.clock;
	m->prm.wire = was.wire;
	m->prm.threads = was.threads;
	sound_cache_clear(m->cache);
}

/* Threads are joined; run what is left here, until nothing comes back. */
static void drain(struct media *m)
{
	struct ev e;

	for (size_t i = 0; i < m->nt; i++) {
		struct mthread *t = &m->t[i]->m;
		struct cmd c;

		while (queue_pop(t->evs, &e))
			handle(m, &e);
		while (queue_pop(t->cmds, &c)) {
			mthread_cmd(t, &c);
			while (queue_pop(t->evs, &e))
				handle(m, &e);
		}
		flush(m, m->t[i]);
	}
}

void media_close(struct media *m)
{
	if (!m)
		return;
	m->closing = true;
	for (size_t i = 0; i < m->nt; i++) {
		if (!m->t[i]->running)
			continue;
		atomic_store(&m->t[i]->m.stop, true);
		atomic_store(&m->t[i]->m.asleep, true);
		ring(m->t[i]);
		pthread_join(m->t[i]->id, NULL);
		m->t[i]->running = false;
	}
	list_each_safe(l, tmp, &m->sessions)
		session_abandon(container_of(l, struct media_session, link));
	for (int i = 0; i < 1000 && !list_empty(&m->sessions); i++)
		drain(m);
	if (m->nt)
		drain(m);
	run_later(m);
	timer_stop(&m->tick);
	if (m->poll) {
		uv_poll_stop(m->poll);
		uv_close((uv_handle_t *)m->poll, poll_closed);
	}
	for (size_t i = 0; i < m->nt; i++) {
		mthread_free(&m->t[i]->m);
		free(m->t[i]);
	}
	if (m->ringer)
		m->ringer->m = NULL;
	obj_drop(m->ringer);
	bell_free(m->bell);
	sound_cache_free(m->cache);
	free(m->t);
	free(m->sounds);
	free(m);
}

size_t media_threads(const struct media *m) { return m->nt; }

const char *media_doing_name(enum media_doing d)
{
	static const char *const names[] = { "asleep", "packets", "commands", "ticks" };

	return (unsigned)d < ARRAY_LEN(names) ? names[d] : "";
}

bool media_watch(const struct media *m, size_t thread, struct media_watch *out)
{
	const struct mthread *t = thread < m->nt ? &m->t[thread]->m : NULL;
	unsigned now;

	if (!t)
		return false;
	now = atomic_load_explicit(&t->at, memory_order_relaxed);
	*out = (struct media_watch){
		.began_us = atomic_load_explicit(&t->began_us, memory_order_relaxed),
		.turns = atomic_load_explicit(&t->turns, memory_order_relaxed),
		.doing = (enum media_doing)(now >> 16), .port = (uint16_t)now,
	};
	return true;
}

void media_count(const struct media *m, struct media_counters *out)
{
	*out = (struct media_counters){
		.sessions = m->nsessions, .ports_used = m->ports.count, .ports_exhausted = m->exhausted,
		.sounds_cached_bytes = sound_cache_bytes(m->cache),
	};
	for (size_t i = 0; i < m->nt; i++)
		out->events_dropped += atomic_load_explicit(&m->t[i]->m.events_dropped, memory_order_relaxed);
}
