/* Handshakes that wait for their turn. */
#include "net/private.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Each address in its turn, however many connections it has. */
static void each_in_its_turn(void **state)
{
	struct shakes *s = shakes_new();
	struct list conn[6];

	(void)state;
	memset(conn, 0, sizeof(conn));
	assert_false(shakes_wait(s));
	for (int i = 0; i < 4; i++)
		assert_int_equal(shakes_put(s, 1, false, &conn[i]), 0);
	shakes_put(s, 2, false, &conn[4]);
	shakes_put(s, 3, false, &conn[5]);
	assert_true(shakes_wait(s));
	assert_ptr_equal(shakes_next(s), &conn[0]);
	assert_ptr_equal(shakes_next(s), &conn[4]);
	assert_ptr_equal(shakes_next(s), &conn[5]);
	assert_ptr_equal(shakes_next(s), &conn[1]);
	/* One that is gone is not served. */
	list_remove(&conn[2]);
	assert_ptr_equal(shakes_next(s), &conn[3]);
	assert_null(shakes_next(s));
	assert_false(shakes_wait(s));
	obj_drop(s);
}

/* Of a hundred strangers and one address that is known every second turn is the latter's. */
static void known_have_half(void **state)
{
	struct shakes *s = shakes_new();
	struct list strangers[100], known[3];
	bool second;

	(void)state;
	memset(strangers, 0, sizeof(strangers));
	memset(known, 0, sizeof(known));
	for (uint64_t i = 0; i < 100; i++)
		shakes_put(s, 10 + i, false, &strangers[i]);
	for (int i = 0; i < 3; i++)
		shakes_put(s, 1, true, &known[i]);
	second = shakes_next(s) != &known[0];
	for (int i = 1; i < 5; i++) {
		struct list *l = shakes_next(s);

		assert_int_equal(l >= known && l < known + 3, (i & 1) == second);
	}
	for (int i = 0; i < 3; i++)
		list_remove(&known[i]);
	for (int i = 0; i < 100; i++)
		list_remove(&strangers[i]);
	assert_null(shakes_next(s));
	obj_drop(s);
}

static void a_turn_has_so_much_time(void **state)
{
	struct shakes *s = shakes_new();

	(void)state;
	assert_true(shakes_may(s, 1000));
	shakes_spent(s, SHAKES_TURN_US - 1);
	assert_true(shakes_may(s, 1000));
	shakes_spent(s, 1);
	assert_false(shakes_may(s, 1000));
	assert_true(shakes_may(s, 1001));
	obj_drop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_in_its_turn), cmocka_unit_test(known_have_half), cmocka_unit_test(a_turn_has_so_much_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
