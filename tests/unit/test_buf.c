/* Buffers: growth, limits, errors that are remembered. */
#include "base/buf.h"
#include "data.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define assert_buf(b, text) do { \
	assert_int_equal((b)->n, strlen(text)); \
	assert_memory_equal((b)->p, text, (b)->n); \
} while (0)

static void grows_from_nothing(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(buf_view(&b).n, 0);
	for (unsigned i = 0; i < 10000; i++)
		buf_char(&b, (char)('a' + i % 26));
	assert_int_equal(buf_err(&b), 0);
	assert_int_equal(b.n, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	assert_true(b.heap);
	buf_free(&b);
	assert_int_equal(b.n, 0);
	/* Free may be repeated, and the buffer used again. */
	buf_free(&b);
	buf_put(&b, STR("again"));
	assert_buf(&b, "again");
	buf_free(&b);
}

static void starts_in_the_callers_array(void **state)
{
	char array[8];
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array), 100);
	buf_put(&b, STR("12345678"));
	assert_false(b.heap);
	assert_ptr_equal(b.p, array);
	buf_char(&b, '9');
	assert_true(b.heap);
	assert_buf(&b, "123456789");
	buf_free(&b);
	/* After free there is no array to write to any more. */
	buf_put(&b, STR("x"));
	assert_ptr_not_equal(b.p, array);
	buf_free(&b);
}

static void the_limit_holds_and_errors_stick(void **state)
{
	char array[4];
	struct buf b;

	(void)state;
	for (size_t max = 1; max < 600; max += 37) {
		buf_init(&b, NULL, 0, max);
		for (size_t i = 0; i < max; i++)
			buf_char(&b, 'x');
		assert_int_equal(buf_err(&b), 0);
		assert_int_equal(b.n, max);
		buf_char(&b, 'x');
		assert_int_equal(buf_err(&b), ENOBUFS);
		assert_int_equal(b.n, max);
		buf_free(&b);
	}
	buf_init(&b, array, sizeof(array), sizeof(array));
	buf_put(&b, STR("abc"));
	buf_put(&b, STR("de"));
	assert_int_equal(buf_err(&b), ENOBUFS);
	/* It would fit, but after an error nothing is written. */
	buf_char(&b, 'd');
	assert_buf(&b, "abc");
	assert_null(buf_room(&b, 1));
	assert_string_equal(buf_z(&b), "");
	assert_null(buf_take(&b));
	buf_init(&b, array, sizeof(array), sizeof(array));
	assert_null(buf_room(&b, SIZE_MAX));
	assert_int_equal(buf_err(&b), ENOBUFS);
	buf_reset(&b);
	buf_put(&b, STR("abcd"));
	assert_int_equal(buf_err(&b), 0);
	buf_free(&b);
}

/* A limit smaller than the array the caller gave holds too. */
static void the_limit_holds_inside_the_array(void **state)
{
	char array[16];
	struct buf b;

	(void)state;
	buf_init(&b, array, sizeof(array), 4);
	buf_put(&b, STR("12345"));
	assert_int_equal(buf_err(&b), ENOBUFS);
	assert_int_equal(b.n, 0);
	buf_init(&b, array, sizeof(array), 4);
	buf_printf(&b, "%d", 12345);
	assert_int_equal(buf_err(&b), ENOBUFS);
	buf_free(&b);
}

static void numbers_and_hex(void **state)
{
	static const struct { uint64_t v; const char *text; } tv[] = {
		{ 0, "0" }, { 9, "9" }, { 10, "10" }, { 4294967295u, "4294967295" }, { UINT64_MAX, "18446744073709551615" },
	};
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		buf_reset(&b);
		buf_u64(&b, tv[i].v);
		assert_buf(&b, tv[i].text);
	}
	buf_reset(&b);
	buf_hex(&b, (const uint8_t *)"\x00\x9a\xff", 3);
	assert_buf(&b, "009aff");
	buf_reset(&b);
	buf_puts(&b, STR("a"), STR_NULL, STR("bc"));
	assert_buf(&b, "abc");
	buf_free(&b);
}

static void printing(void **state)
{
	char array[8];
	struct buf b = BUF_INIT;

	(void)state;
	buf_printf(&b, "%s-%d", "x", 7);
	assert_buf(&b, "x-7");
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "%0200d", i);
	assert_int_equal(b.n, 3 + 500 * 200);
	assert_int_equal(buf_err(&b), 0);
	buf_free(&b);

	/* Exactly as long as the array, which printf itself could not terminate. */
	buf_init(&b, array, sizeof(array), 0);
	buf_printf(&b, "%s", "1234567");
	assert_false(b.heap);
	buf_reset(&b);
	buf_printf(&b, "%s", "12345678");
	assert_buf(&b, "12345678");
	buf_free(&b);
	buf_init(&b, array, sizeof(array), sizeof(array));
	buf_printf(&b, "%s", "12345678");
	assert_int_equal(buf_err(&b), 0);
	assert_buf(&b, "12345678");
	buf_printf(&b, "%s", "");
	assert_int_equal(buf_err(&b), 0);
	buf_free(&b);
}

static void escaping_for_logs(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	buf_escape(&b, str_mk("a\n\x1b[31m\0\\\x7f\xc3\xbc", 12));
	assert_buf(&b, "a\\x0a\\x1b[31m\\x00\\x5c\\x7f\xc3\xbc");
	buf_reset(&b);
	buf_escape(&b, STR_NULL);
	assert_int_equal(b.n, 0);
	buf_free(&b);
}

static void terminated_strings(void **state)
{
	char array[4], *z;
	struct buf b = BUF_INIT;

	(void)state;
	assert_string_equal(buf_z(&b), "");
	assert_int_equal(buf_err(&b), 0);
	buf_put(&b, STR("abc"));
	assert_string_equal(buf_z(&b), "abc");
	assert_int_equal(b.n, 3);
	z = GOT(buf_take(&b));
	assert_string_equal(z, "abc");
	assert_int_equal(b.n, 0);
	free(z);
	buf_init(&b, array, sizeof(array), 0);
	buf_put(&b, STR("abc"));
	z = GOT(buf_take(&b));
	assert_string_equal(z, "abc");
	assert_ptr_not_equal(z, array);
	free(z);
	z = GOT(buf_take(&b));
	assert_string_equal(z, "");
	free(z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_from_nothing),
		cmocka_unit_test(starts_in_the_callers_array),
		cmocka_unit_test(the_limit_holds_and_errors_stick),
		cmocka_unit_test(the_limit_holds_inside_the_array),
		cmocka_unit_test(numbers_and_hex),
		cmocka_unit_test(printing),
		cmocka_unit_test(escaping_for_logs),
		cmocka_unit_test(terminated_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
