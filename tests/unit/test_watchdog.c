/* The watchdog's judgement, by a clock of the test, and its dump, by a child that dies. */
#include "main/watchdog.h"
#include "base/log.h"
#include "net/loop.h"
#include "service/common/reason.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
	struct pulse pulse;
	struct watchdog *dog;
	unsigned poked;
	atomic_uint lines;
	char line[300];
};

static void poke(void *arg)
{
	((struct world *)arg)->poked++;
}

static void sink(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	struct world *w = arg;

	(void)level;
	(void)module;
	(void)verbosity;
	str_copy(w->line, sizeof(w->line), line);
	atomic_fetch_add(&w->lines, 1);
}

static void open_world(struct world *w, uint32_t warn_ms, uint32_t abort_ms)
{
	struct watchdog_prm prm = { .core = &w->pulse, .poke = poke, .poke_arg = w, .warn_ms = warn_ms,
		.abort_ms = abort_ms };

	memset(w, 0, sizeof(*w));
	log_set_sink(sink, w);
	assert_int_equal(watchdog_new(&w->dog, &prm), 0);
}

static void close_world(struct world *w)
{
	watchdog_stop(w->dog);  /* joins who logs */
	log_set_sink(NULL, NULL);
}

static void named(void *arg)
{
	struct world *w = arg;

	fiber_set_name(fiber_self(), (const struct str[]){ STR("manager bob: "), STR("PJSIPShowEndpoints") }, 2);
	watchdog_look(w->dog, 1000);
	watchdog_look(w->dog, 1240);
	assert_int_equal(atomic_load(&w->lines), 0);
	watchdog_look(w->dog, 1260);
}

/* While it runs: once, and again when it has taken twice as long. */
static void tells_of_a_turn_that_runs(void **state)
{
	struct watchdog_thread t;
	struct buf saw = BUF_INIT;
	struct world w;

	(void)state;
	open_world(&w, 250, 0);
	atomic_store(&w.pulse.turns, 7);
	atomic_store(&w.pulse.began_ms, 1000);
	pulse_doing(&w.pulse, PULSE_FIBER);
	fiber_publish(&w.pulse.fiber);
	fiber_wake(fiber_new(named, &w, 0));
	fiber_run_ready();
	fiber_publish(NULL);
	watchdog_look(w.dog, 1300);
	assert_true(watchdog_thread(w.dog, 0, &t));
	assert_string_equal(t.name, "core");
	assert_int_equal(t.slow, 1);
	assert_int_equal(t.longest_ms, 300);
	assert_false(watchdog_thread(w.dog, 1, &t));
	watchdog_saw(w.dog, 7, &saw);
	assert_string_equal(buf_z(&saw), "in a fiber");        /* the last look: the fiber had ended */
	buf_reset(&saw);
	watchdog_saw(w.dog, 8, &saw);
	assert_int_equal(saw.n, 0);
	buf_free(&saw);
	close_world(&w);
	assert_int_equal(atomic_load(&w.lines), 1);
	assert_string_equal(w.line, "A turn of the thread 'core' is still running after 260 ms: a fiber, "
			    "'manager bob: PJSIPShowEndpoints'");
}

/* Short turns and sleep are nothing to tell. What sleeps is poked and turns. */
static void quiet(void **state)
{
	struct watchdog_thread t;
	struct world w;

	(void)state;
	open_world(&w, 250, 0);
	for (uint64_t now = 1000; now < 11000; now += 60) {
		unsigned was = w.poked;

		watchdog_look(w.dog, now);
		if (w.poked != was)
			atomic_fetch_add(&w.pulse.turns, 1);
	}
	assert_in_range(w.poked, 20, 45);
	for (uint64_t now = 11000; now < 21000; now += 60) {
		atomic_fetch_add(&w.pulse.turns, 5);
		atomic_store(&w.pulse.began_ms, now - 100);
		watchdog_look(w.dog, now);
	}
	assert_true(watchdog_thread(w.dog, 0, &t));
	assert_int_equal(t.slow, 0);
	close_world(&w);
	assert_int_equal(atomic_load(&w.lines), 0);
}

/* Stuck in a callback of a socket: it does not say when it began, and it does not
 * answer a poke. */
static void stuck_in_a_socket(void **state)
{
	struct world w;

	(void)state;
	open_world(&w, 250, 0);
	for (uint64_t now = 1000; now < 1700; now += 60)
		watchdog_look(w.dog, now);
	close_world(&w);
	assert_int_equal(w.poked, 1);
	assert_int_equal(atomic_load(&w.lines), 1);
	assert_non_null(strstr(w.line, "still running"));
	assert_non_null(strstr(w.line, "a socket"));
}

/* ---- the end ---------------------------------------------------------- */

struct dying {
	struct pulse pulse;
	struct reasons *reasons;
	bool stopped;                   /* nobody ran for a minute: that is not the core's fault */
};

static void dump(void *arg, int fd)
{
	reasons_dump(((struct dying *)arg)->reasons, 5, fd);
}

static void stuck(void *arg)
{
	struct dying *d = arg;
	struct watchdog_prm prm = { .core = &d->pulse, .warn_ms = 250, .abort_ms = 10000, .dump = dump, .dump_arg = d };
	struct watchdog *dog = NULL;

	fiber_set_name(fiber_self(), (const struct str[]){ STR("PJSIP/alice-00000001: "), STR("Dial") }, 2);
	if (watchdog_new(&dog, &prm))
		_exit(3);
	atomic_store(&d->pulse.began_ms, 1000);
	watchdog_look(dog, 1001);
	if (d->stopped) {
		watchdog_look(dog, 61000);
		watchdog_look(dog, 61060);
		watchdog_stop(dog);
		_exit(0);
	}
	for (uint64_t now = 1060; now < 12000; now += 60)
		watchdog_look(dog, now);
	_exit(4);
}

static void die(bool stopped)
{
	struct dying d = { .reasons = reasons_new(clock_real(), 8), .stopped = stopped };
	struct sa peer = { 0 };

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	log_set_mask(0);        /* its lines would come between the dump's */
	sa_parse(&peer, STR("192.0.2.1:5060"));
	reason_add(d.reasons, REASON_AUTH, REASON_REFUSED, 401, STR("alice"), &peer, "wrong password");
	fiber_publish(&d.pulse.fiber);
	pulse_doing(&d.pulse, PULSE_FIBER);
	fiber_wake(fiber_new(stuck, &d, 0));
	fiber_run_ready();
}

/* What the child wrote, and how it ended. */
static int child(bool stopped, char *text, size_t max)
{
	int ends[2], status = 0;
	size_t n = 0;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		dup2(ends[1], 2);
		close(ends[0]);
		die(stopped);
		_exit(5);
	}
	close(ends[1]);
	for (ssize_t got; (got = read(ends[0], text + n, max - 1 - n)) > 0; )
		n += (size_t)got;
	text[n] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void aborts_with_a_dump(void **state)
{
	static const char *const want[] = {
		"a turn of the thread 'core' has run for 10", "(a fiber, PJSIP/alice-00000001: Dial): aborting",
		"Fiber of the core: 'PJSIP/alice-00000001: Dial', doing a fiber", "This thread:\n", "Newest reasons:\n",
		" auth refused 401 192.0.2.1:5060 alice: wrong password\n" };
	static char text[65536];
	int status;

	(void)state;
	status = child(false, text, sizeof(text));
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	for (size_t i = 0; i < ARRAY_LEN(want); i++)
		if (!strstr(text, want[i]))
			fail_msg("no '%s' in: %s", want[i], text);
	status = child(true, text, sizeof(text));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The real thread on a real loop: started, looks, is stopped. */
static void starts_and_stops(void **state)
{
	struct watchdog_prm prm = { .warn_ms = 0 };
	struct loop *l = loop_new(clock_real());
	struct watchdog *dog = NULL;

	(void)state;
	prm.core = loop_pulse(l);
	assert_int_equal(watchdog_start(&dog, &prm), 0);
	assert_null(dog);
	prm.warn_ms = 250;
	prm.abort_ms = 60000;
	assert_int_equal(watchdog_start(&dog, &prm), 0);
	assert_non_null(dog);
	loop_stop(l);
	loop_run(l);
	watchdog_stop(dog);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_of_a_turn_that_runs), cmocka_unit_test(quiet), cmocka_unit_test(stuck_in_a_socket),
		cmocka_unit_test(aborts_with_a_dump), cmocka_unit_test(starts_and_stops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
