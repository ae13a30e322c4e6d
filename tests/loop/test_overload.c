/* taskprocessor_overload_trigger: while this server lags, what is new waits and what goes on does not. */
#include "alice.h"
#include "media/media.h"
#include "service/common/overload.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CONF(trigger) WIRE_UDP "[global]\ntype=global\n" trigger \
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n" ALICE_LINE

static int setup(void **state)
{
	(void)state;
	wire_open(&t, "[default]\nexten => up,1,Answer()\n same => n,Wait(600)\n", CONF(""));
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(0);
	wire_close(&t);
	return 0;
}

/* The loop was at something for so long. */
static void stall(unsigned ms)
{
	clock_fake_add(&t.w.clock, ms * UINT64_C(1000));
}

static unsigned asked(unsigned cseq)
{
	wire_forget(&t);
	alice_starts_anew();
	alice("OPTIONS", "up", cseq, "", "");
	return status(SIP_OPTIONS);
}

static void new_work_waits(void **state)
{
	(void)state;
	assert_int_equal(asked(1), 200);
	stall(OVERLOAD_PROBE_MS + OVERLOAD_HIGH_MS - 100);
	assert_int_equal(asked(2), 200);
	world_pass(&t.w, 300);
	stall(OVERLOAD_PROBE_MS + OVERLOAD_HIGH_MS + 10);
	assert_int_equal(asked(3), 503);
	assert_string_not_equal(wire_header(response(SIP_OPTIONS), "Retry-After"), "");
	/* Until its timers are in time again. */
	world_pass(&t.w, 2 * OVERLOAD_PROBE_MS);
	assert_int_equal(asked(4), 200);
}

static void calls_go_on(void **state)
{
	(void)state;
	alice_calls("up");
	alice("ACK", "up", 1, "", "");
	world_pass(&t.w, 1000);
	stall(2000);
	wire_forget(&t);
	alice("INFO", "up", 2, "", "");
	assert_int_equal(status(SIP_INFO), 200);
	alice("BYE", "up", 3, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	assert_int_equal(asked(1), 503);
}

/* It stays so as long as each comes late, and ends only well below. */
static void until_it_is_over(void **state)
{
	(void)state;
	assert_int_equal(asked(1), 200);
	stall(OVERLOAD_PROBE_MS + 600);
	world_turn(&t.w);
	assert_int_equal(asked(2), 503);
	stall(OVERLOAD_PROBE_MS + 300);
	world_turn(&t.w);
	assert_int_equal(asked(3), 503);
	stall(OVERLOAD_PROBE_MS + 100);
	world_turn(&t.w);
	assert_int_equal(asked(4), 200);
	/* Nobody asks: nothing runs. */
	world_pass(&t.w, 5000);
	assert_false(timer_running(&t.svc->overload.probe));
}

static void never(void **state)
{
	(void)state;
	wire_reload(&t, CONF("taskprocessor_overload_trigger=none\n"));
	assert_int_equal(asked(1), 200);
	stall(3000);
	assert_int_equal(asked(2), 200);
}

/* A media thread that is at one thing for long: only `global` minds. */
bool __wrap_media_watch(const struct media *m, size_t thread, struct media_watch *out);
static struct media_watch watched;
bool __wrap_media_watch(const struct media *m, size_t thread, struct media_watch *out)
{
	(void)m;
	*out = watched;
	return thread == 0;
}

static void media_threads_count(void **state)
{
	static char some;

	(void)state;
	wire_reload(&t, CONF("taskprocessor_overload_trigger=pjsip_only\n"));
	world_pass(&t.w, 2000);
	watched.began_us = clock_us(&t.w.clock.c) - 600 * 1000;
	t.svc->media = (struct media *)(void *)&some;
	assert_null(overload_why(t.svc));
	wire_reload(&t, CONF("taskprocessor_overload_trigger=global\n"));
	assert_non_null(overload_why(t.svc));
	watched.began_us = 0;
	assert_null(overload_why(t.svc));
	t.svc->media = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(new_work_waits), T(calls_go_on), T(until_it_is_over), T(never), T(media_threads_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
