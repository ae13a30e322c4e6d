/* media/thread.c -- a media thread: one epoll for all its wires, commands from
 * the core, and a coarse clock. In a turn: what arrived, what the core asked,
 * what is due. The clock is read once a turn. */
#include "media/thread.h"
#include "media/trace.h"
#include "base/num.h"
#include "base/obj.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/poison.h"

/* With a simulated network the core does the commands itself, and a simulation makes and drops
 * many a media: it need not pay for room that nothing fills. */
enum { CMD_SLOTS = 1024, EV_SLOTS = 2048, NET_CMD_SLOTS = 2, NET_EV_SLOTS = 1024 };
/* The most of each that one turn does, so that nothing waits long for its own:
 * datagrams, commands, streams that make sound, slots of reports. What is left is
 * the next turn's, which comes at once. */
enum { BATCH = 256, TURN_CMDS = 256, TURN_SOUNDS = 256, TURN_SLOTS = 2 };
/* Commands wait while fewer event slots than this are free: what a command must
 * give back always finds room. What is told may not use the last of them, and of what one
 * packet brings about, as a digit, still less: one caller's many keep no other call's state from
 * the core. */
enum { EV_RESERVE = 64, EV_STATES = 192 };

int mthread_init(struct mthread *t)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 0 };

	for (int i = 0; i <= SLOTS; i++)
		list_init(&t->slots[i]);
	list_init(&t->active);
	list_init(&t->tickers);
	t->ep = t->prm.net ? -1 : epoll_create1(EPOLL_CLOEXEC);
	t->wake = t->prm.net ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->cmds = queue_new(t->prm.net ? NET_CMD_SLOTS : CMD_SLOTS, sizeof(struct cmd));
	t->evs = queue_new(t->prm.net ? NET_EV_SLOTS : EV_SLOTS, sizeof(struct ev));
	atomic_init(&t->asleep, false);
	atomic_init(&t->stop, false);
	atomic_init(&t->seen.began_us, 0);
	atomic_init(&t->seen.turns, 0);
	atomic_init(&t->seen.at, MEDIA_ASLEEP << 16);
	atomic_init(&t->events_dropped, 0);
	if (!t->prm.net && (t->ep < 0 || t->wake < 0))
		return errno;
	if (!t->cmds || !t->evs)
		return ENOMEM;
	if (!t->prm.net && epoll_ctl(t->ep, EPOLL_CTL_ADD, t->wake, &e))
		return errno;
	mthread_now(t);
	t->slot_us = t->now_us + SLOT_US;
	t->due_us = UINT64_MAX;
	return 0;
}

void mthread_free(struct mthread *t)
{
	if (t->ep >= 0)
		close(t->ep);
	if (t->wake >= 0)
		close(t->wake);
	queue_free(t->cmds);
	queue_free(t->evs);
}

void mthread_now(struct mthread *t)
{
	t->now_us = clock_us(t->prm.clock);
}

/* ---- to the core */

/* What only gives memory back does not wake the core: a call would cost it two
 * wake-ups more. */
static bool may_wait(const struct ev *e)
{
	switch (e->type) {
	case EV_CFG:
	case EV_DROP:
	case EV_FREE:
		return true;
	case EV_CLOSED:
		return !e->p;
	default:
		return false;
	}
}

static void push_event(struct mthread *t, const struct ev *e)
{
	if (!queue_push(t->evs, e))
		atomic_fetch_add_explicit(&t->events_dropped, 1, memory_order_relaxed);
	else if (may_wait(e))
		t->left = true;
	else
		t->rang = true;
}

void mthread_tell(struct mthread *t, bool all)
{
	if (t->rang || (t->left && (all || !t->prm.mark || queue_room(t->evs) < EV_SLOTS / 2))) {
		t->rang = t->left = false;
		t->prm.notify(t->prm.notify_arg);
	} else if (t->left) {
		t->prm.mark(t->prm.notify_arg);
	}
}

/* Few in a call, and it goes wrong without. */
static bool is_state(enum media_event_type type)
{
	switch (type) {
	case MEDIA_SECURE:
	case MEDIA_ICE:
	case MEDIA_ICE_GATHERED:
	case MEDIA_TIMEOUT:
	case MEDIA_TONE_DONE:
		return true;
	default:
		return false;
	}
}

void mthread_event(struct stream *s, const struct media_event *e)
{
	struct ev ev = { .type = EV_PUBLIC, .s = s, .e = *e };

	if (queue_room(s->t->evs) <= (is_state(e->type) ? EV_RESERVE : EV_RESERVE + EV_STATES))
		atomic_fetch_add_explicit(&s->t->events_dropped, 1, memory_order_relaxed);
	else
		push_event(s->t, &ev);
}

void mthread_give(struct mthread *t, enum ev_type type, struct stream *s, void *p, int err)
{
	struct ev ev = { .type = type, .s = s, .p = p, .e.err = err };

	push_event(t, &ev);
}

/* ---- streams come and go */

static uint64_t stream_due(const struct stream *s)
{
	uint64_t heard = s->dtmf.rx.on ? s->dtmf.rx.last_us + num_us_of_ms(s->t->prm.dtmf_ms) : UINT64_MAX;

	return s->busy && s->play.next_us < heard ? s->play.next_us : heard;
}

static void stream_sleep(struct stream *s)
{
	if (!s->active)
		return;
	s->active = false;
	s->t->nactive--;
	list_remove(&s->active_link);
}

void stream_wake(struct stream *s)
{
	uint64_t at = stream_due(s);

	if (at < s->t->due_us)
		s->t->due_us = at;
	if (s->active)
		return;
	s->active = true;
	s->t->nactive++;
	list_append(&s->t->active, &s->active_link);
}

/* Looked at by the clock about once a second, or never. */
static void stream_place(struct mthread *t, struct stream *s)
{
	s->rests = s->cfg && s->cfg->set.rest;
	list_append(&t->slots[s->rests ? SLOTS : t->streams++ % SLOTS], &s->link);
	if (!s->rests && t->slot_us < t->due_us) {
		if (t->slot_us < t->now_us)
			t->slot_us = t->now_us + SLOT_US;
		t->due_us = t->slot_us;
	}
	s->report.sent_us = t->now_us;
}

void stream_rest(struct stream *s)
{
	if (s->rests == s->cfg->set.rest)
		return;
	list_remove(&s->link);
	stream_place(s->t, s);
}

static void stream_arrive(struct mthread *t, struct stream *s)
{
	s->t = t;
	stream_place(t, s);
	if (s->hooks.ops)
		s->hooks.ops->arrive(s);
	if (source_wanted(s) || s->dtmf.rx.on)
		stream_wake(s);
}

static void stream_add(struct mthread *t, struct stream *s, bool late)
{
	struct wire *w = s->w;

	if (!w->t) {
		wire_watch(w, t);
		/* What came while nothing was agreed is nobody's, and too old to be heard. */
		if (late)
			wire_drain(w);
	}
	wire_attach(w, s);
	stream_arrive(t, s);
}

static void smoother_give(struct stream *s)
{
	if (s->tx.smooth)
		mthread_give(s->t, EV_FREE, s, s->tx.smooth, 0);
	s->tx.smooth = NULL;
}

/* The numbers that `w` sends are no longer those of that wire, which may be gone soon, and another
 * one in its place. */
static void forget_numbers(struct wire *w, const struct wire *from)
{
	if (w->cc.from == from)
		w->cc.from = NULL;
}

static void unbridge(struct stream *s)
{
	struct stream *p = s->peer;

	if (!p)
		return;
	/* A digit that was being passed on as ours ends with the bridge. */
	dtmf_passed(s);
	dtmf_passed(p);
	smoother_give(s);
	smoother_give(p);
	forget_numbers(s->w, p->w);
	forget_numbers(p->w, s->w);
	s->peer = p->peer = NULL;
	s->tx.map.from = p->tx.map.from = NULL;
	stream_route(s);
	stream_route(p);
}

static void bridge(struct stream *a, struct stream *b, struct smoother *for_a, struct smoother *for_b)
{
	unbridge(a);
	unbridge(b);
	a->tx.smooth = for_a;
	b->tx.smooth = for_b;
	a->peer = b;
	b->peer = a;
	stream_route(a);
	stream_route(b);
}

static void stream_leave(struct stream *s, bool closing)
{
	unbridge(s);
	for (struct stream_ear *e = s->ears, *next; e; e = next) {
		next = e->next;
		if (e->ops->leave)
			e->ops->leave(s, e, closing);
	}
	if (s->hooks.ops)
		s->hooks.ops->leave(s, closing);
	list_remove(&s->link);
	stream_sleep(s);
}

/* The wire goes to another thread with all that is on it. */
static void wire_leave(struct mthread *t, struct wire *w)
{
	list_each(l, &w->streams)
		stream_leave(container_of(l, struct stream, wire_link), false);
	wire_unwatch(w);
	mthread_give(t, EV_LEFT, NULL, w, 0);
}

static void wire_arrive(struct mthread *t, struct wire *w)
{
	wire_watch(w, t);
	list_each(l, &w->streams)
		stream_arrive(t, container_of(l, struct stream, wire_link));
}

static void stream_close(struct mthread *t, struct stream *s, struct stats_req *req, int how)
{
	struct wire *w = s->w;

	s->t = t;
	report_send(s, true);
	if (req)
		report_fill(s, &req->st);
	source_play_end(s, ECANCELED);
	source_tone(s, NULL);
	dtmf_abort(s);
	if (!(how & CLOSE_UNKNOWN)) {
		stream_leave(s, true);
		wire_detach(w, s);
	}
	if (s->cfg)
		mthread_give(t, EV_CFG, s, s->cfg, 0);
	s->cfg = NULL;
	if (how & CLOSE_LAST) {
		if (w->ice)
			w->ice->ops->shut(w);
		wire_unwatch(w);
		wire_shut(w);
	}
	mthread_give(t, EV_CLOSED, s, req, 0);
}

/* What a session is to send of its own. */
static void sound_cmd(struct stream *s, const struct cmd *c)
{
	switch (c->type) {
	case CMD_PLAY:
		source_play(s, c->p);
		break;
	case CMD_PLAY_STOP:
		source_play_end(s, ECANCELED);
		source_changed(s);
		break;
	case CMD_TONE:
		source_tone(s, c->p);
		break;
	case CMD_SILENCE:
		s->play.silence = c->v;
		source_changed(s);
		break;
	case CMD_DTMF:
		dtmf_start(s, c->p);
		break;
	case CMD_DTMF_END:
		dtmf_stop(s);
		break;
	case CMD_DTMF_HOLD:
		s->dtmf.hold = c->v;
		break;
	default:
		break;
	}
}

void mthread_cmd(struct mthread *t, const struct cmd *c)
{
	struct stream *s = c->s;

	mthread_at(t, MEDIA_COMMANDS, c->w);
	switch (c->type) {
	case CMD_ADD:
		stream_add(t, s, c->v);
		break;
	case CMD_LEAVE:
		wire_leave(t, c->w);
		break;
	case CMD_ARRIVE:
		wire_arrive(t, c->w);
		break;
	case CMD_CLOSE:
		stream_close(t, s, c->p, c->v);
		break;
	case CMD_CFG:
		stream_apply(s, c->p);
		break;
	case CMD_BRIDGE:
		bridge(s, c->peer, c->p, c->q);
		break;
	case CMD_UNBRIDGE:
		unbridge(s);
		break;
	case CMD_ECHO:
		s->echo = c->v;
		s->tx.map.from = NULL;
		break;
	case CMD_STATS:
		report_fill(s, &((struct stats_req *)c->p)->st);
		mthread_give(t, EV_STATS, s, c->p, 0);
		break;
	case CMD_RUN:
		((struct run *)c->p)->fn(s, c->p);
		break;
	case CMD_TRACE:
		trace_apply(t, c->p);
		mthread_give(t, EV_FREE, NULL, c->p, 0);
		break;
	default:
		sound_cmd(s, c);
		break;
	}
}

/* ---- the turn */

static void commands(struct mthread *t)
{
	struct cmd c;

	for (int n = 0; n < TURN_CMDS && queue_room(t->evs) > EV_RESERVE / 2 && queue_pop(t->cmds, &c); n++)
		mthread_cmd(t, &c);
}

/* Those whose time has come. One that was served goes to the end of the list, so
 * that all get their turn when there are more than one turn can serve. What a step
 * gives back must find room: it waits like a command while the core is behind. */
static void tick_active(struct mthread *t)
{
	size_t n = t->nactive;
	int served = 0;

	for (struct list *l = t->active.next, *next; n && served < TURN_SOUNDS; n--, l = next) {
		struct stream *s = container_of(l, struct stream, active_link);

		next = l->next;
		if (queue_room(t->evs) <= EV_RESERVE / 2)
			return;
		mthread_at(t, MEDIA_TICKS, s->w);
		dtmf_rx_tick(s);
		if (s->busy && t->now_us >= s->play.next_us) {
			source_tick(s);
			list_remove(l);
			list_append(&t->active, l);
			served++;
		}
		if (!s->busy && !s->dtmf.rx.on)
			stream_sleep(s);
	}
}

/* Mixes, handshakes: who was served goes to the end here as well. Who found the turn's work done
 * stays in front, and is the first of the next one. */
static void tick_others(struct mthread *t)
{
	size_t served = 0, n = 0, done;

	list_each(l, &t->tickers)
		n++;
	for (struct list *l = t->tickers.next, *next; n && served < TURN_SOUNDS; n--, l = next) {
		struct ticker *k = container_of(l, struct ticker, link);

		next = l->next;
		if (t->now_us < k->next_us)
			continue;
		mthread_at(t, MEDIA_TICKS, k->w);
		done = k->tick(k);
		served += done;
		if (!done)
			continue;
		list_remove(l);
		list_append(&t->tickers, l);
	}
}

static void tick_slots(struct mthread *t)
{
	if (t->left && t->now_us >= t->slot_us)
		t->rang = true;
	/* We slept long, or a test moved the clock: each stream is looked at once. */
	if (t->now_us >= t->slot_us + SLOTS * SLOT_US)
		t->slot_us = t->now_us - (SLOTS - 1) * SLOT_US;
	for (int n = 0; t->now_us >= t->slot_us && n < TURN_SLOTS; n++) {
		list_each_safe(l, tmp, &t->slots[t->slot]) {
			struct stream *s = container_of(l, struct stream, link);

			mthread_at(t, MEDIA_TICKS, s->w);
			report_tick(s);
		}
		t->slot = (t->slot + 1) % SLOTS;
		t->slot_us += SLOT_US;
	}
}

static bool any_streams(const struct mthread *t)
{
	for (int i = 0; i < SLOTS; i++)
		if (!list_empty(&t->slots[i]))
			return true;
	return false;
}

/* All that is due, and when the next will be. */
static void ticks(struct mthread *t)
{
	if (t->now_us < t->due_us)
		return;
	tick_active(t);
	tick_others(t);
	tick_slots(t);
	t->due_us = any_streams(t) || t->left ? t->slot_us : UINT64_MAX;
	list_each(l, &t->tickers) {
		uint64_t at = container_of(l, struct ticker, link)->next_us;

		if (at < t->due_us)
			t->due_us = at;
	}
	list_each(l, &t->active) {
		uint64_t at = stream_due(container_of(l, struct stream, active_link));

		if (at < t->due_us)
			t->due_us = at;
	}
}

int mthread_wait_ms(struct mthread *t)
{
	if (t->due_us == UINT64_MAX)
		return -1;
	/* The core is behind with our events: no use in turning round and round. */
	if (t->due_us <= t->now_us && queue_room(t->evs) <= EV_RESERVE / 2)
		return 1;
	return t->due_us <= t->now_us ? 0 : num_int((t->due_us - t->now_us + 999) / 1000);
}

static void clear_wakeup(struct mthread *t)
{
	uint64_t n;

	if (read(t->wake, &n, sizeof(n)) < 0)
		return;
}

/* NULL: it is none's. */
static struct wire *wire_of(const struct epoll_event *e)
{
	return e->data.u64 & WATCHED ? NULL : (struct wire *)(uintptr_t)(e->data.u64 & ~(uint64_t)1);
}

static void tell_ready(struct mthread *t, const struct epoll_event *e)
{
	uint64_t word = e->data.u64;
	struct watched *w;

	if (!word) {
		clear_wakeup(t);
	} else if (__builtin_expect(!(word & WATCHED), 1)) {
		wire_readable(wire_of(e), word & 1);
	} else {
		w = (struct watched *)(uintptr_t)(word & ~(uint64_t)WATCHED);
		w->ready(w, e->events);
	}
}

/* What the next datagrams need comes from memory while the kernel is at work for this one: the calls
 * of a busy thread do not fit the caches. */
static void expect_next(const struct epoll_event *ev, int left)
{
	if (left > 2 && wire_of(&ev[2]))
		wire_prefetch(wire_of(&ev[2]));
	if (left > 1 && wire_of(&ev[1]))
		wire_expect(wire_of(&ev[1]));
}

void mthread_turn(struct mthread *t, int max_wait_ms)
{
	struct epoll_event ev[BATCH];
	int n = t->prm.net ? 0 : epoll_wait(t->ep, ev, BATCH, max_wait_ms);

	mthread_now(t);
	mthread_began(t);
	for (int i = 0; i < n; i++) {
		expect_next(ev + i, n - i);
		tell_ready(t, &ev[i]);
	}
	/* Closing happens here, after the batch: no event of it can name a
	 * stream that is gone. */
	commands(t);
	ticks(t);
	mthread_tell(t, false);
	mthread_ended(t);
}

void mthread_main(void *arg)
{
	struct mthread *t = arg;

	while (!atomic_load_explicit(&t->stop, memory_order_acquire)) {
		int wait = mthread_wait_ms(t);

		/* Pairs with the core's push: it sees `asleep`, or we its command. */
		atomic_store(&t->asleep, true);
		atomic_thread_fence(memory_order_seq_cst);
		if (!queue_empty(t->cmds))
			wait = queue_room(t->evs) > EV_RESERVE / 2 ? 0 : 1;
		mthread_turn(t, wait);
		atomic_store(&t->asleep, false);
	}
}
