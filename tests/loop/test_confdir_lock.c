/* lockconfdir: the lock of the configuration's folder, in both modes, and who waits for it. */
#include "fake_tech.h"
#include "base/fiber.h"
#include "base/obj.h"
#include "main/confdir_lock.h"
#include "net/loop.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct world w;
static char dir[64];
static int result;
static bool done;
static const char *mode;

static int up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/sidetone-lock-XXXXXX");
	assert_non_null(mkdtemp(dir));
	world_open(&w, "[default]\n");
	return 0;
}

static int down(void **state)
{
	char path[96];

	(void)state;
	world_close(&w);
	snprintf(path, sizeof(path), "%s/.lock", dir);
	unlink(path);
	return rmdir(dir);
}

static void second(void *arg)
{
	struct confdir_lock l;

	(void)arg;
	result = confdir_lock(&l, loop_wheel(w.loop), str_z(dir), str_z(mode));
	confdir_unlock(&l);
	done = true;
}

static void ask(void)
{
	struct fiber *f = fiber_new(second, NULL, 0);

	assert_non_null(f);
	done = false;
	result = -1;
	fiber_wake(f);
	world_turn(&w);
}

static void try_mode(const char *name)
{
	struct confdir_lock l;

	mode = name;
	assert_int_equal(confdir_lock(&l, loop_wheel(w.loop), str_z(dir), str_z(mode)), 0);
	/* It comes to who waits... */
	ask();
	assert_false(done);
	world_pass(&w, 1000);
	assert_false(done);
	confdir_unlock(&l);
	world_pass(&w, 1000);
	assert_true(done);
	assert_int_equal(result, 0);
	/* ... but not for ever. */
	assert_int_equal(confdir_lock(&l, loop_wheel(w.loop), str_z(dir), str_z(mode)), 0);
	ask();
	world_pass(&w, 10000);
	assert_true(done);
	assert_int_equal(result, ETIMEDOUT);
	confdir_unlock(&l);
	ask();
	assert_true(done);
	assert_int_equal(result, 0);
}

static void by_link(void **state)
{
	char path[96];

	(void)state;
	try_mode("lockfile");
	snprintf(path, sizeof(path), "%s/.lock", dir);
	assert_int_equal(access(path, F_OK), -1);
}

static void by_flock(void **state)
{
	(void)state;
	try_mode("flock");
}

static void no_folder(void **state)
{
	struct confdir_lock l;

	(void)state;
	assert_int_equal(confdir_lock(&l, loop_wheel(w.loop), STR("/nowhere/at/all"), STR("lockfile")), ENOENT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(by_link), T(by_flock), T(no_folder) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
