/* The database of values: what it keeps, and that it tries again when the disk refused. */
#include "store_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/resource.h>
#include <cmocka.h>

static void expect_all(struct store_world *w, struct str family, struct str key, const char *want)
{
	struct map_walk walk = { 0 };
	struct str path, value;

	buf_reset(&w->text);
	while (astdb_next(w->db, &walk, family, key, &path, &value))
		buf_puts(&w->text, path, STR("="), value, STR(" "));
	map_walk_end(&walk);
	assert_string_equal(buf_z(&w->text), want);
}

static void astdb_keeps(void **state)
{
	struct store_world w;
	struct str v;
	size_t n;
	char longest[300];

	(void)state;
	make_dir(&w);
	open_all(&w);
	assert_int_equal(store_start(w.store), 0);
	assert_int_equal(astdb_put(w.db, STR("cfu"), STR("1001"), STR("x")), 0);
	assert_int_equal(astdb_put(w.db, STR("cfu"), STR("1001"), STR("1002")), 0);
	assert_int_equal(astdb_put(w.db, STR("cfu"), STR("a/b"), STR("")), 0);
	assert_int_equal(astdb_put(w.db, STR("cfuture"), STR("1"), STR("2")), 0);
	assert_int_equal(astdb_put(w.db, STR("tmp"), STR("1"), STR("2")), 0);
	assert_true(astdb_get(w.db, STR("cfu"), STR("1001"), &v));      /* at once */
	assert_true(str_eq(v, STR("1002")));
	assert_true(astdb_get(w.db, STR("cfu"), STR("a/b"), &v));
	assert_int_equal(v.n, 0);
	assert_false(astdb_get(w.db, STR("CFU"), STR("1001"), &v));
	assert_int_equal(astdb_del(w.db, STR("tmp"), STR("1")), 0);
	assert_int_equal(astdb_del(w.db, STR("tmp"), STR("1")), ENOENT);
	assert_int_equal(astdb_put(w.db, STR(""), STR("1"), STR("2")), EINVAL);
	assert_int_equal(astdb_put(w.db, STR("f"), STR(""), STR("2")), EINVAL);
	memset(longest, 'k', sizeof(longest));
	assert_int_equal(astdb_put(w.db, STR("f"), str_mk(longest, 256), STR("2")), EINVAL);
	assert_int_equal(astdb_put(w.db, STR("f"), str_mk(longest, 255), STR("2")), 0);
	assert_int_equal(astdb_del(w.db, STR("f"), str_mk(longest, 255)), 0);
	close_all(&w);

	open_all(&w);
	assert_int_equal(store_start(w.store), 0);
	expect_all(&w, STR(""), STR(""), "/cfu/1001=1002 /cfu/a/b= /cfuture/1=2 ");
	expect_all(&w, STR("cfu"), STR(""), "/cfu/1001=1002 /cfu/a/b= ");
	expect_all(&w, STR("cfu"), STR("a"), "/cfu/a/b= ");
	expect_all(&w, STR("cf"), STR(""), "");
	assert_int_equal(astdb_del_tree(w.db, STR("cfu"), STR(""), &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(astdb_put(w.db, STR("cfu"), STR("1001"), STR("new")), 0);      /* and back */
	close_all(&w);

	open_all(&w);
	expect_all(&w, STR(""), STR(""), "/cfu/1001=new /cfuture/1=2 ");
	close_all(&w);
	remove_dir(&w);
}

/* A change that the disk refused is written when it can be. */
static void astdb_tries_again(void **state)
{
	struct store_world w;
	struct rlimit old, low;
	struct store_counters c = { 0 };
	struct clock_fake clock;
	struct store_prm prm = { .gap_ms = 1 };
	struct text why = { 0 };
	uint64_t give_up = clock_ms(clock_real()) + 10000;

	(void)state;
	make_dir(&w);
	signal(SIGXFSZ, SIG_IGN);
	clock_fake_init(&clock, 0);
	w.live = obj_live();
	w.loop = GOT(loop_new(&clock.c));
	prm.path = str_z(w.path);
	assert_int_equal(store_open(&w.store, w.loop, &prm, &why), 0);
	assert_int_equal(astdb_new(&w.db, w.store), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){ 4096, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &low);
	assert_int_equal(store_start(w.store), 0);
	assert_int_equal(astdb_put(w.db, STR("a"), STR("b"), STR("c")), 0);
	while (!c.failed || c.waiting) {
		uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		store_count(w.store, &c);
		assert_true(clock_ms(clock_real()) < give_up);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	clock_fake_add(&clock, 60000000);
	while (!c.jobs) {
		uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		store_count(w.store, &c);
		assert_true(clock_ms(clock_real()) < give_up);
	}
	close_all(&w);
	open_all(&w);
	expect_all(&w, STR(""), STR(""), "/a/b=c ");
	close_all(&w);
	remove_dir(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(astdb_keeps), cmocka_unit_test(astdb_tries_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
