/* The watchdog's thread, its judgement and the dump. What it looks at is published by
 * net/loop.c (struct pulse) and media (media_watch()). */
#define LOG_MODULE "watchdog"
#include "main/watchdog.h"
#include "base/log.h"
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_MIN 10           /* [ms] between two looks */
#define PERIOD_MAX 250
#define FRAMES 64
#define ALT_STACK (64u << 10)   /* [bytes] for the handler: a fiber may have used its own up */
#define SECOND_TRY_MS 2000      /* the stuck thread did not take the signal: abort from here */

struct watched {
	struct watchdog_thread pub;
	uint64_t turn_ms;               /* how long this turn has been seen running, without our own absences */
	uint64_t changed_ms;            /* when the last turn was seen to have ended */
	uint64_t poked_ms;              /* 0: not since then */
	uint64_t warn_at_ms;            /* how long it runs when it is told again */
	uint64_t abort_ms;              /* how long it ran when it was aborted; 0: it was not */
	bool counted;                   /* this turn is in pub.slow */
};

/* One moment of one thread. */
struct look {
	uint64_t turns, began_ms;       /* 0: asleep, or in callbacks of sockets */
	const char *doing;
	char what[FIBER_NAME];
};

struct watchdog {
	struct watchdog_prm prm;
	pthread_t core, thread, teller;
	pthread_mutex_t lock;           /* guards all below but `told` */
	pthread_cond_t wake;
	bool running, stop;
	uint64_t period_ms, looked_ms;
	struct watched *v;
	size_t n;
	struct look sight;              /* of the core, late in a long turn */
	bool telling;                   /* teller is to be joined */
	atomic_bool told;
	char line[256];
	void *alt;
};

/* The handler has no other way to it. */
static _Atomic(struct watchdog *) dumper;

/* ---- the dump --------------------------------------------------------- */

static void put(const char *s)
{
	if (write(STDERR_FILENO, s, strlen(s)) < 0)
		return;         /* nowhere left to complain */
}

/* On the thread that aborts: async-signal-safe. backtrace() was called once before, so
 * it loads nothing here. */
static void on_abort(int sig)
{
	struct watchdog *w = atomic_load(&dumper);
	void *frames[FRAMES];
	char name[FIBER_NAME];
	int n;

	put("sidetone: aborted. Fiber of the core: '");
	if (w)
		fiber_view_read(&w->prm.core->fiber, name);
	put(w && name[0] ? name : "none");
	put("', doing ");
	put(w ? pulse_doing_name(atomic_load(&w->prm.core->doing)) : "?");
	put("\nThis thread:\n");
	n = backtrace(frames, FRAMES);
	backtrace_symbols_fd(frames, n, STDERR_FILENO);
	if (w && w->prm.dump) {
		put("Newest reasons:\n");
		w->prm.dump(w->prm.dump_arg, STDERR_FILENO);
	}
	raise(sig);             /* SA_RESETHAND: now it is the end */
}

static int catch_abort(struct watchdog *w)
{
	struct sigaction sa = { .sa_handler = on_abort, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER | SA_ONSTACK) };
	stack_t alt = { .ss_size = ALT_STACK };
	void *frame;

	w->alt = malloc(ALT_STACK);
	if (!w->alt)
		return ENOMEM;
	alt.ss_sp = w->alt;
	(void)backtrace(&frame, 1);
	atomic_store(&dumper, w);
	sigemptyset(&sa.sa_mask);
	return sigaltstack(&alt, NULL) || sigaction(SIGABRT, &sa, NULL) ? errno : 0;
}

static void uncatch_abort(struct watchdog *w)
{
	stack_t off = { .ss_flags = SS_DISABLE };

	if (!w->alt)
		return;
	signal(SIGABRT, SIG_DFL);
	sigaltstack(&off, NULL);
	atomic_store(&dumper, NULL);
	free(w->alt);
}

/* ---- telling ---------------------------------------------------------- */

static void *tell(void *arg)
{
	struct watchdog *w = arg;

	log_warning("%s", w->line);
	atomic_store(&w->told, true);
	return NULL;
}

/* The stuck thread may hold the logger's lock, and then whoever logs is stuck too: so
 * that is a thread of its own, and at most one. */
static void log_apart(struct watchdog *w, const char *line)
{
	if (w->telling && !atomic_load(&w->told))
		return;
	if (w->telling)
		pthread_join(w->teller, NULL);
	str_copy(w->line, sizeof(w->line), str_z(line));
	atomic_store(&w->told, false);
	w->telling = !pthread_create(&w->teller, NULL, tell, w);
}

/* ---- one look --------------------------------------------------------- */

static void look_core(const struct watchdog *w, struct look *l)
{
	const struct pulse *p = w->prm.core;

	l->turns = atomic_load_explicit(&p->turns, memory_order_relaxed);
	l->began_ms = atomic_load_explicit(&p->began_ms, memory_order_relaxed);
	l->doing = pulse_doing_name(atomic_load_explicit(&p->doing, memory_order_relaxed));
	fiber_view_read(&p->fiber, l->what);
}

static bool look_media(const struct watchdog *w, size_t i, struct look *l)
{
	struct media_watch mw;

	if (!w->prm.media || !media_watch(w->prm.media, i, &mw))
		return false;
	l->turns = mw.turns;
	l->began_ms = mw.began_us / 1000;
	l->doing = media_doing_name(mw.doing);
	l->what[0] = 0;
	if (mw.port)
		snprintf(l->what, sizeof(l->what), "port %u", mw.port);
	return true;
}

static void new_turn(struct watched *t, const struct look *l, uint64_t now)
{
	t->pub.turns = l->turns;
	t->turn_ms = t->poked_ms = 0;
	t->warn_at_ms = 0;
	t->changed_ms = now;
	t->counted = false;
}

/* How long this turn has run [ms]. What did not answer a poke is in a turn that began
 * before it. */
static uint64_t took(struct watchdog *w, struct watched *t, const struct look *l, uint64_t now, bool core)
{
	if (l->began_ms)
		return now > l->began_ms ? now - l->began_ms : 0;
	if (!core)
		return 0;
	if (t->poked_ms)
		return now - t->poked_ms;
	if (w->prm.poke && now - t->changed_ms >= w->prm.warn_ms) {
		t->poked_ms = now;
		w->prm.poke(w->prm.poke_arg);
	}
	return 0;
}

static void end_it(struct watchdog *w, struct watched *t, const struct look *l, uint64_t ms, bool core)
{
	char line[200];

	if (!t->abort_ms) {
		snprintf(line, sizeof(line), "sidetone: a turn of the thread '%s' has run for %llu ms (%s%s%s): aborting "
			 "(abort_ms in sidetone.conf)\n", t->pub.name, (unsigned long long)ms, l->doing,
			 l->what[0] ? ", " : "", l->what);
		put(line);
		t->abort_ms = ms;
		if (core)
			pthread_kill(w->core, SIGABRT);
	}
	if (!core || ms >= t->abort_ms + SECOND_TRY_MS)
		abort();
}

static void warn(struct watchdog *w, struct watched *t, const struct look *l, uint64_t ms)
{
	char line[200];

	t->pub.slow += !t->counted;
	t->counted = true;
	if (ms < t->warn_at_ms)
		return;
	t->warn_at_ms = 2 * ms;
	snprintf(line, sizeof(line), "A turn of the thread '%s' is still running after %llu ms: %s%s%s%s", t->pub.name,
		 (unsigned long long)ms, l->doing, l->what[0] ? ", '" : "", l->what, l->what[0] ? "'" : "");
	log_apart(w, line);
}

static void judge(struct watchdog *w, struct watched *t, const struct look *l, uint64_t now, uint64_t gap)
{
	bool core = t == w->v;
	uint64_t ms;

	if (l->turns != t->pub.turns || !t->changed_ms)
		new_turn(t, l, now);
	ms = took(w, t, l, now, core);
	if (!ms)
		return;
	/* When nobody ran for a while, neither did we: a stopped process is not stuck. */
	if (ms > t->turn_ms)
		t->turn_ms += gap < ms - t->turn_ms ? gap : ms - t->turn_ms;
	if (core && w->prm.warn_ms && ms >= w->prm.warn_ms / 2)
		w->sight = *l;
	if (ms > t->pub.longest_ms)
		t->pub.longest_ms = ms;
	if (w->prm.abort_ms && t->turn_ms >= w->prm.abort_ms)
		end_it(w, t, l, t->turn_ms, core);
	if (w->prm.warn_ms && ms >= w->prm.warn_ms)
		warn(w, t, l, ms);
}

static void look_all(struct watchdog *w, uint64_t now)
{
	uint64_t gap = w->looked_ms && now > w->looked_ms ? now - w->looked_ms : 0;
	struct look l = { 0 };

	if (gap > 2 * w->period_ms)
		gap = 2 * w->period_ms;
	w->looked_ms = now;
	look_core(w, &l);
	judge(w, &w->v[0], &l, now, gap);
	for (size_t i = 1; i < w->n; i++)
		if (look_media(w, i - 1, &l))
			judge(w, &w->v[i], &l, now, gap);
}

void watchdog_look(struct watchdog *w, uint64_t now_ms)
{
	pthread_mutex_lock(&w->lock);
	look_all(w, now_ms);
	pthread_mutex_unlock(&w->lock);
}

/* ---- questions -------------------------------------------------------- */

void watchdog_saw(struct watchdog *w, uint64_t turn, struct buf *out)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	if (w->sight.doing && w->sight.turns == turn) {
		buf_puts(out, STR("in "), str_z(w->sight.doing));
		if (w->sight.what[0])
			buf_puts(out, STR(", '"), str_z(w->sight.what), STR("'"));
	}
	pthread_mutex_unlock(&w->lock);
}

bool watchdog_thread(struct watchdog *w, size_t i, struct watchdog_thread *out)
{
	if (!w || i >= w->n)
		return false;
	pthread_mutex_lock(&w->lock);
	*out = w->v[i].pub;
	pthread_mutex_unlock(&w->lock);
	return true;
}

/* ---- life ------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void *run(void *arg)
{
	struct watchdog *w = arg;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		struct timespec until;
		uint64_t now = now_ms(), next = now + w->period_ms;

		look_all(w, now);
		until = (struct timespec){ (time_t)(next / 1000), (long)(next % 1000) * 1000000 };
		pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static uint64_t period(const struct watchdog_prm *prm)
{
	uint64_t ms = (prm->warn_ms ? prm->warn_ms : prm->abort_ms) / 4;

	return ms < PERIOD_MIN ? PERIOD_MIN : ms > PERIOD_MAX ? PERIOD_MAX : ms;
}

int watchdog_new(struct watchdog **out, const struct watchdog_prm *prm)
{
	struct watchdog *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int err = 0;

	if (!w)
		return ENOMEM;
	w->prm = *prm;
	w->core = pthread_self();
	w->period_ms = period(prm);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	w->n = 1 + (prm->media ? media_threads(prm->media) : 0);
	w->v = calloc(w->n, sizeof(*w->v));
	if (!w->v)
		err = ENOMEM;
	for (size_t i = 0; !err && i < w->n; i++)
		snprintf(w->v[i].pub.name, sizeof(w->v[i].pub.name), i ? "media %zu" : "core", i - 1);
	if (!err && prm->abort_ms)
		err = catch_abort(w);
	if (err)
		watchdog_stop(w);
	else
		*out = w;
	return err;
}

int watchdog_start(struct watchdog **out, const struct watchdog_prm *prm)
{
	struct watchdog *w = NULL;
	sigset_t all, was;
	int err;

	*out = NULL;
	if (!prm->warn_ms && !prm->abort_ms)
		return 0;
	err = watchdog_new(&w, prm);
	if (err)
		return err;
	/* Signals of the process are the core's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &was);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	w->running = !err;
	if (err)
		watchdog_stop(w);
	else
		*out = w;
	return err;
}

void watchdog_stop(struct watchdog *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (w->running)
		pthread_join(w->thread, NULL);
	if (w->telling)
		pthread_join(w->teller, NULL);
	uncatch_abort(w);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->v);
	free(w);
}
