/* A thread's loop: its turn, its bells, what is deferred or posted to it, and how long turns
 * take. Work on libuv's pool and sleeping fibers are in loop_wait.c. */
#define LOG_MODULE "loop"
#include "net/loop.h"
#include "base/fiber.h"
#include "base/log.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* One turn, in libuv's order:
 *   check    (after poll)   bells, due timers, fibers, deferred calls
 *   prepare  (before poll)  the same once more for what woke since, then arm
 *                           the uv timer for the next due of the wheel
 * What is left for the next turn (loop_next_turn()) runs in its check.
 * Whoever rings a bell writes to the eventfd only while `asleep` is set, so a
 * busy loop is fed without system calls. */

#define ROUNDS 16       /* fibers and deferred calls that keep making work give way to sockets after this */

struct calls {
	struct loop_call *first, **last;
};

struct bell {
	struct list link;
	struct loop *loop;
	atomic_bool rung;
	loop_fn *fn;
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_timer_t timer;
	uv_idle_t idle;                 /* active: do not sleep, there is work left */
	uv_poll_t wake;                 /* of wake_fd, by which other threads end our sleep */
	int wake_fd;
	const struct clock *clock;
	struct wheel *wheel;            /* held */
	struct list bells;
	struct calls deferred, later;   /* later: for the next turn */
	struct pulse pulse;             /* pulse.turns counts */
	uint64_t armed;                 /* [ms on clock] the uv timer's due; UINT64_MAX: not armed */
	uint64_t turn_ms;               /* when the last poll ended; 0: not known */
	struct loop_health health;
	uint64_t asked_ms;              /* longest since loop_longest_us() */
	loop_slow_fn *slow;
	void *slow_arg;
	atomic_bool asleep, stop;
	pthread_mutex_t lock;           /* guards posted */
	struct calls posted;
	struct bell *post_bell;         /* held */
};

static void calls_init(struct calls *c)
{
	c->first = NULL;
	c->last = &c->first;
}

static int calls_new(struct loop_call **out, loop_fn *fn, void *arg)
{
	*out = malloc(sizeof(**out));
	if (!*out)
		return ENOMEM;
	**out = (struct loop_call){ .fn = fn, .arg = arg, .allocated = true };
	return 0;
}

static void calls_append(struct calls *c, struct loop_call *e)
{
	e->next = NULL;
	*c->last = e;
	c->last = &e->next;
}

static bool calls_run(struct loop_call *c)
{
	bool any = c != NULL;

	while (c) {
		struct loop_call now = *c, *next = c->next;

		/* Not ours: its function may free it, or defer it once more. */
		if (now.allocated)
			free(c);
		now.fn(now.arg);
		c = next;
	}
	return any;
}

static bool run_deferred(struct loop *l)
{
	struct loop_call *c = l->deferred.first;

	calls_init(&l->deferred);
	return calls_run(c);
}

static void run_posted(void *arg)
{
	struct loop *l = arg;
	struct loop_call *c;

	pthread_mutex_lock(&l->lock);
	c = l->posted.first;
	calls_init(&l->posted);
	pthread_mutex_unlock(&l->lock);
	calls_run(c);
}

/* uv_async_t would do, but its receiver spins until the sender has come back
 * from write(2): on few cores that is where a message's time went. */
static void wake_up(struct loop *l)
{
	uint64_t one = 1;

	if (write(l->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("eventfd: %s", strerror(errno));
}

/* ---- bells ------------------------------------------------------------ */

struct bell *bell_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct bell *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->loop = l;
	b->fn = fn;
	b->arg = arg;
	atomic_init(&b->rung, false);
	list_append(&l->bells, &b->link);
	return b;
}

void bell_free(struct bell *b)
{
	if (!b)
		return;
	list_remove(&b->link);
	free(b);
}

void bell_ring(struct bell *b)
{
	/* Pairs with prepare(): either it sees `rung`, or we see `asleep`. */
	atomic_store(&b->rung, true);
	if (atomic_load(&b->loop->asleep) && atomic_exchange(&b->loop->asleep, false))
		wake_up(b->loop);
}

void bell_mark(struct bell *b)
{
	atomic_store(&b->rung, true);
}

static bool any_rung(const struct loop *l)
{
	list_each(e, &l->bells)
		if (atomic_load(&container_of(e, struct bell, link)->rung))
			return true;
	return false;
}

static void run_bells(struct loop *l)
{
	struct list todo;

	/* Each once: a bell that rings itself must not keep the loop. Its
	 * function may free any bell, so none is looked at twice. */
	list_init(&todo);
	while (!list_empty(&l->bells)) {
		struct list *e = l->bells.next;

		list_remove(e);
		list_append(&todo, e);
	}
	pulse_doing(&l->pulse, PULSE_BELL);
	while (!list_empty(&todo)) {
		struct bell *b = container_of(todo.next, struct bell, link);

		list_remove(&b->link);
		list_append(&l->bells, &b->link);
		if (atomic_load_explicit(&b->rung, memory_order_relaxed) && atomic_exchange(&b->rung, false))
			b->fn(b->arg);
	}
}

/* ---- the turn --------------------------------------------------------- */

/* Fibers and deferred calls until both are quiet; true: they are. */
static bool settle_turn(struct loop *l)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		pulse_doing(&l->pulse, PULSE_FIBER);
		fiber_run_ready();
		pulse_doing(&l->pulse, PULSE_DEFERRED);
		if (!run_deferred(l) && !fiber_ready())
			return true;
	}
	return false;
}

static void take_later(struct loop *l)
{
	if (!l->later.first)
		return;
	*l->deferred.last = l->later.first;
	l->deferred.last = l->later.last;
	calls_init(&l->later);
}

/* On the loop's clock when that is a test's; else libuv knows when the poll ended. */
static uint64_t turn_began_ms(const struct loop *l)
{
	return l->clock == clock_real() ? uv_now(&l->uv) : clock_ms(l->clock);
}

static uint64_t turn_now_ms(const struct loop *l)
{
	return l->clock == clock_real() ? uv_hrtime() / 1000000 : clock_ms(l->clock);
}

static void on_check(uv_check_t *h)
{
	struct loop *l = h->data;

	l->turn_ms = turn_began_ms(l);
	atomic_store_explicit(&l->pulse.began_ms, l->turn_ms, memory_order_relaxed);
	take_later(l);
	atomic_store(&l->asleep, false);
	run_bells(l);
	pulse_doing(&l->pulse, PULSE_TIMER);
	wheel_run(l->wheel);
	settle_turn(l);
}

static void on_timer(uv_timer_t *h)
{
	/* It only ends the sleep; the wheel runs in on_check(). */
	((struct loop *)h->data)->armed = UINT64_MAX;
}

static void on_idle(uv_idle_t *h)
{
	(void)h;
}

static void on_wake(uv_poll_t *h, int status, int events)
{
	struct loop *l = h->data;
	uint64_t v;

	(void)status;
	(void)events;
	if (read(l->wake_fd, &v, sizeof(v)) < 0 && errno != EAGAIN)
		log_error("eventfd: %s", strerror(errno));
	if (atomic_load(&l->stop))
		uv_stop(&l->uv);
}

static void arm_timer(struct loop *l)
{
	uint64_t left = wheel_next_ms(l->wheel), due;

	if (left == UINT64_MAX) {
		if (l->armed != UINT64_MAX)
			uv_timer_stop(&l->timer);
		l->armed = UINT64_MAX;
		return;
	}
	due = clock_ms(l->clock) + left;
	if (due == l->armed)
		return;
	l->armed = due;
	uv_timer_start(&l->timer, on_timer, left, 0);
}

/* A turn goes from the end of one poll to the begin of the next. libuv noted
 * when the poll ended, in ms; its own metric of idle time would cost a second
 * epoll_wait() each turn. */
static void measure_turn(struct loop *l)
{
	struct loop_health *h = &l->health;
	uint64_t now = turn_now_ms(l), took = l->turn_ms && now > l->turn_ms ? now - l->turn_ms : 0;

	h->turns++;
	h->over_50 += took > LOOP_LONG_MS;
	h->over_warn += h->warn_ms && took >= h->warn_ms;
	if (took > h->longest_ms)
		h->longest_ms = took;
	if (took > h->recent_ms)
		h->recent_ms = took;
	if (took > l->asked_ms)
		l->asked_ms = took;
	if (h->warn_ms && took >= h->warn_ms && l->slow)
		l->slow(l->slow_arg, took);
	l->turn_ms = 0;
	atomic_store_explicit(&l->pulse.began_ms, 0, memory_order_relaxed);
	atomic_store_explicit(&l->pulse.turns, h->turns, memory_order_relaxed);
	pulse_doing(&l->pulse, PULSE_POLL);
}

static void on_prepare(uv_prepare_t *h)
{
	struct loop *l = h->data;
	bool quiet = settle_turn(l);

	atomic_store(&l->asleep, true);
	if (quiet && any_rung(l)) {
		atomic_store(&l->asleep, false);
		run_bells(l);
		quiet = settle_turn(l) && !any_rung(l);
		if (quiet) {
			atomic_store(&l->asleep, true);
			quiet = !any_rung(l);
		}
	}
	/* Stopping and starting is cheap, and does nothing when it is so already. */
	if (quiet && !l->later.first)
		uv_idle_stop(&l->idle);
	else
		uv_idle_start(&l->idle, on_idle);
	arm_timer(l);
	measure_turn(l);
}

uint64_t loop_left_ms(struct loop *l)
{
	uint64_t left = wheel_next_ms(l->wheel);
	int uv;

	/* From now on a bell of another thread makes the descriptor readable. */
	atomic_store(&l->asleep, true);
	if (any_rung(l) || l->deferred.first || l->later.first || fiber_ready())
		return 0;
	uv_update_time(&l->uv);
	uv = uv_backend_timeout(&l->uv);
	return uv >= 0 && (uint64_t)uv < left ? (uint64_t)uv : left;
}

uint64_t loop_longest_us(struct loop *l)
{
	uint64_t v = l->asked_ms * 1000;

	l->asked_ms = 0;
	return v;
}

void loop_health(struct loop *l, struct loop_health *h)
{
	*h = l->health;
	l->health.recent_ms = 0;
}

void loop_on_slow(struct loop *l, uint32_t warn_ms, loop_slow_fn *fn, void *arg)
{
	l->health.warn_ms = warn_ms;
	l->slow = fn;
	l->slow_arg = arg;
}

const struct pulse *loop_pulse(const struct loop *l) { return &l->pulse; }

void loop_poke(struct loop *l)
{
	if (atomic_exchange(&l->asleep, false))
		wake_up(l);
}

/* ---- life ------------------------------------------------------------- */

static int start_handles(struct loop *l)
{
	int err;

	l->prepare.data = l->check.data = l->timer.data = l->idle.data = l->wake.data = l;
	err = uv_prepare_init(&l->uv, &l->prepare);
	if (!err)
		err = uv_check_init(&l->uv, &l->check);
	if (!err)
		err = uv_timer_init(&l->uv, &l->timer);
	if (!err)
		err = uv_idle_init(&l->uv, &l->idle);
	if (!err)
		err = uv_poll_init(&l->uv, &l->wake, l->wake_fd);
	if (!err)
		err = uv_poll_start(&l->wake, UV_READABLE, on_wake);
	if (!err)
		err = uv_prepare_start(&l->prepare, on_prepare);
	if (!err)
		err = uv_check_start(&l->check, on_check);
	return err;
}

struct loop *loop_new(const struct clock *clock)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0 || uv_loop_init(&l->uv)) {
		if (l->wake_fd >= 0)
			close(l->wake_fd);
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	list_init(&l->bells);
	calls_init(&l->deferred);
	calls_init(&l->later);
	calls_init(&l->posted);
	l->clock = clock;
	l->armed = UINT64_MAX;
	l->wheel = wheel_new(clock);
	l->post_bell = bell_new(l, run_posted, l);
	if (!l->wheel || !l->post_bell || start_handles(l)) {
		loop_free(l);
		return NULL;
	}
	return l;
}

static void close_ours(struct loop *l)
{
	uv_handle_t *const ours[] = { (uv_handle_t *)&l->prepare, (uv_handle_t *)&l->check,
		(uv_handle_t *)&l->timer, (uv_handle_t *)&l->idle, (uv_handle_t *)&l->wake };

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (ours[i]->type && !uv_is_closing(ours[i]))
			uv_close(ours[i], NULL);
}

static void count_open(uv_handle_t *h, void *arg)
{
	if (!uv_is_closing(h))
		++*(unsigned *)arg;
}

void loop_free(struct loop *l)
{
	unsigned left = 0;
	struct loop_call *c;

	if (!l)
		return;
	/* No fibers here: they are the thread's, and it may have another loop. */
	for (unsigned i = 0; i < ROUNDS; i++) {
		take_later(l);
		if (!run_deferred(l))
			break;
	}
	close_ours(l);
	uv_walk(&l->uv, count_open, &left);
	/* With a foreign handle open a full run would never come back. */
	uv_run(&l->uv, left ? UV_RUN_NOWAIT : UV_RUN_DEFAULT);
	run_deferred(l);
	if (uv_loop_close(&l->uv))
		log_error("%u handles were still open when their loop ended", left);
	while ((c = l->posted.first)) {
		l->posted.first = c->next;
		free(c);
	}
	bell_free(l->post_bell);
	close(l->wake_fd);
	wheel_free(l->wheel);
	pthread_mutex_destroy(&l->lock);
	if (!left)
		free(l);        /* a leaked handle still points into it */
}

uv_loop_t *loop_uv(struct loop *l) { return &l->uv; }
struct wheel *loop_wheel(struct loop *l) { return l->wheel; }
const struct clock *loop_clock(const struct loop *l) { return l->clock; }

void loop_run(struct loop *l)
{
	l->turn_ms = 0;
	fiber_publish(&l->pulse.fiber);
	while (!atomic_exchange(&l->stop, false))
		if (!uv_run(&l->uv, UV_RUN_DEFAULT) && !atomic_load(&l->stop))
			break;
	fiber_publish(NULL);
	run_posted(l);          /* what was said before the stop may own something */
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	wake_up(l);
}

static void post_call(struct loop *l, struct loop_call *c)
{
	pthread_mutex_lock(&l->lock);
	calls_append(&l->posted, c);
	pthread_mutex_unlock(&l->lock);
	bell_ring(l->post_bell);
}

int loop_post(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_call *c;
	int err = calls_new(&c, fn, arg);

	if (err)
		return err;
	post_call(l, c);
	return 0;
}

void loop_post_call(struct loop *l, struct loop_call *c, loop_fn *fn, void *arg)
{
	*c = (struct loop_call){ .fn = fn, .arg = arg };
	post_call(l, c);
}

int loop_defer(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_call *c;
	int err = calls_new(&c, fn, arg);

	if (!err)
		calls_append(&l->deferred, c);
	return err;
}

void loop_defer_call(struct loop *l, struct loop_call *c, loop_fn *fn, void *arg)
{
	*c = (struct loop_call){ .fn = fn, .arg = arg };
	calls_append(&l->deferred, c);
}

int loop_next_turn(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_call *c;
	int err = calls_new(&c, fn, arg);

	if (!err)
		calls_append(&l->later, c);
	return err;
}

uint64_t loop_turns(const struct loop *l) { return l->health.turns; }
