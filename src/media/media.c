/* media/media.c -- the media as the core sees it: threads started and ended, their
 * turns on the core's own loop, time and datagrams of a test. What is said between
 * the core and the threads is exchange.c's. */
#define LOG_MODULE "media"
#include "media/core.h"
#include "media/mixer.h"
#include "media/tap.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>
#include "base/poison.h"

uint64_t core_random(struct media *m)
{
	uint64_t z = m->seed += 0x9e3779b97f4a7c15u;    /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* ---- on the core's own loop */

static void turn_inline(struct media *m)
{
	mthread_turn(&m->t[0]->m, 0);
	core_rearm(m);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	(void)status;
	(void)events;
	turn_inline(h->data);
}

static void on_tick(void *arg)
{
	turn_inline(arg);
}

void core_rearm(struct media *m)
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
	core_dispatch(m);
}

/* Is this the place that `to` names? One bound to all addresses is everybody's. */
static bool is_at(const struct sa *place, const struct sa *to)
{
	return sa_port(place) == sa_port(to) && (sa_is_any(place) || sa_eq_host(place, to));
}

static struct wire *wire_at(struct mthread *t, const struct sa *local, bool *rtcp)
{
	for (int i = 0; i <= SLOTS; i++)
		list_each(l, &t->slots[i]) {
			struct stream *s = container_of(l, struct stream, link);

			*rtcp = is_at(&s->session->local[1], local);
			if (*rtcp || is_at(&s->session->local[0], local))
				return s->w;
		}
	return NULL;
}

bool media_deliver(struct media *m, const struct sa *local, const struct sa *from, const void *p, size_t n)
{
	struct mthread *t = &m->t[0]->m;
	struct wire *w;
	bool rtcp;

	/* A datagram longer than we read is cut by the kernel, and bad. */
	if (!m->inline_ || !n || n > sizeof(t->buf.pkt))
		return false;
	w = wire_at(t, local, &rtcp);
	if (!w)
		return false;
	mthread_now(t);
	mthread_began(t);
	memcpy(t->buf.pkt, p, n);
	wire_arrived(w, rtcp, n, from);
	mthread_tell(t, false);
	mthread_ended(t);
	core_rearm(m);
	return true;
}

/* ---- beginning and end */

static void notify_core(void *arg)
{
	core_notify(arg);
}

static void mark_core(void *arg)
{
	bell_mark(((struct media *)arg)->bell);
}

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
	t->m.prm = (struct mthread_prm){
		.clock = m->clock, .net = m->prm.net, .strict = m->prm.strict, .strict_time = m->prm.strict_time,
		.learn_packets = m->prm.learn_packets ? m->prm.learn_packets : 4,
		.learn_ms = m->prm.learn_ms ? m->prm.learn_ms : 5000, .rtcp_ms = m->prm.rtcp_ms,
		.dtmf_ms = m->prm.dtmf_ms ? m->prm.dtmf_ms : 150,
		.notify = notify_core, .mark = m->bell && !m->inline_ ? mark_core : NULL, .notify_arg = m,
	};
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

static int start_threads(struct media *m)
{
	size_t n = m->inline_ ? 1 : m->prm.threads;
	int err = 0;

	m->cache = sound_cache_new(m->prm.cache_bytes ? m->prm.cache_bytes : 64u << 20);
	m->t = calloc(n, sizeof(*m->t));
	m->ringer = obj_new(sizeof(*m->ringer), NULL);
	if (m->prm.core)
		m->bell = bell_new(m->prm.core, core_dispatch, m);
	if (m->ringer)
		m->ringer->m = m;
	if (!m->cache || !m->t || !m->ringer || (m->prm.core && !m->bell))
		return ENOMEM;
	for (; m->nt < n && !err; m->nt += !err)
		err = thread_new(m, &m->t[m->nt]);
	if (!err && m->inline_ && m->prm.core && !m->prm.net)
		err = poll_start(m);
	return err;
}

int media_new(struct media **out, const struct media_prm *prm)
{
	struct media *m;
	int err;

	if (prm->net && prm->threads)
		return EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return ENOMEM;
	list_init(&m->sessions);
	list_init(&m->later);
	list_init(&m->followers);
	list_init(&m->looked_at);
	list_init(&m->faxes);
	m->inline_ = prm->threads == 0;
	m->clock = prm->clock ? prm->clock : prm->core ? loop_clock(prm->core) : clock_real();
	if (getrandom(&m->seed, sizeof(m->seed), 0) != (ssize_t)sizeof(m->seed))
		m->seed = clock_us(m->clock);
	err = prm_take(m, prm);
	if (!err)
		err = start_threads(m);
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
	m->prm.net = was.net;
	m->prm.threads = was.threads;
	sound_cache_clear(m->cache);
}

/* Threads are joined; run what is left here, until nothing comes back. */
static void drain_events(struct media *m)
{
	struct ev e;

	for (size_t i = 0; i < m->nt; i++) {
		struct mthread *t = &m->t[i]->m;
		struct cmd c;

		while (queue_pop(t->evs, &e))
			core_handle(m, &e);
		while (queue_pop(t->cmds, &c)) {
			mthread_cmd(t, &c);
			while (queue_pop(t->evs, &e))
				core_handle(m, &e);
		}
		core_flush(m, m->t[i]);
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
		core_ring(m->t[i]);
		pthread_join(m->t[i]->id, NULL);
		m->t[i]->running = false;
	}
	list_each_safe(l, tmp, &m->sessions)
		session_abandon(container_of(l, struct media_session, link));
	for (int i = 0; i < 1000 && !list_empty(&m->sessions); i++)
		drain_events(m);
	if (m->nt)
		drain_events(m);
	list_each_safe(l, tmp, &m->followers) {
		list_remove(l);
		container_of(l, struct core_follower, link)->m = NULL;
	}
	if (m->faxes_end)
		m->faxes_end(m);
	tap_writer_free(m->taps);
	obj_drop(m->rates);
	core_run_later(m);
	timer_stop(&m->tick);
	if (m->poll) {
		uv_poll_stop(m->poll);
		uv_close((uv_handle_t *)m->poll, poll_closed);
	}
	for (size_t i = 0; i < m->nt; i++) {
		mthread_free(&m->t[i]->m);
		tracer_free(m->t[i]->tracer);
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
	now = atomic_load_explicit(&t->seen.at, memory_order_relaxed);
	*out = (struct media_watch){
		.began_us = atomic_load_explicit(&t->seen.began_us, memory_order_relaxed),
		.turns = atomic_load_explicit(&t->seen.turns, memory_order_relaxed),
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

struct rate_bank *media_rates(struct media *m)
{
	if (!m->rates && rate_bank_new(&m->rates))
		return NULL;
	return m->rates;
}
