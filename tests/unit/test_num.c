/* Arithmetic that neither traps nor wraps: the edges of every helper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "base/num.h"

static void division(void **state)
{
	(void)state;
	assert_int_equal(num_div(7, 2, 9), 3);
	assert_int_equal(num_div(7, 0, 9), 9);
	assert_int_equal(num_mod(7, 4, 9), 3);
	assert_int_equal(num_mod(7, 0, 9), 9);
	assert_int_equal(num_gcd(44100, 1000), 100);
	assert_int_equal(num_gcd(0, 5), 5);
	assert_int_equal(num_gcd(0, 0), 0);
	assert_int_equal(num_muldiv(3, 5, 2, 9), 7);
	assert_int_equal(num_muldiv(3, 5, 0, 9), 9);
	/* A product beyond 64 bits, and a quotient beyond them. */
	assert_true(num_muldiv(UINT64_MAX, 1000, 1000, 9) == UINT64_MAX);
	assert_true(num_muldiv(UINT64_MAX / 2, 1000, 500, 9) == UINT64_MAX - 1);
	assert_true(num_muldiv(UINT64_MAX, 3, 2, 9) == UINT64_MAX);
}

static void saturation(void **state)
{
	(void)state;
	assert_true(num_add(UINT64_MAX, 1) == UINT64_MAX);
	assert_int_equal(num_add(2, 3), 5);
	assert_true(num_mul(UINT64_MAX, 2) == UINT64_MAX);
	assert_int_equal(num_mul(6, 7), 42);
	assert_int_equal(num_sub(5, 3), 2);
	assert_int_equal(num_sub(3, 5), 0);
	assert_int_equal(num_u8(255), 255);
	assert_int_equal(num_u8(256), 255);
	assert_int_equal(num_u8(300), 255);
	assert_int_equal(num_u16(65535), 65535);
	assert_int_equal(num_u16(65536), 65535);
	assert_int_equal(num_u32(UINT32_MAX), UINT32_MAX);
	assert_int_equal(num_u32((uint64_t)UINT32_MAX + 1), UINT32_MAX);
	assert_int_equal(num_int(5), 5);
	assert_int_equal(num_int((uint64_t)INT32_MAX + 1), INT32_MAX);
	assert_int_equal(num_clamp(-9, -3, 3), -3);
	assert_int_equal(num_clamp(9, -3, 3), 3);
	assert_int_equal(num_clamp(1, -3, 3), 1);
}

static void times(void **state)
{
	(void)state;
	assert_true(num_ms_of_s(4294968) == 4294968000u);
	assert_true(num_ms_of_s(UINT64_MAX) == UINT64_MAX);
	assert_true(num_us_of_ms(UINT32_MAX) == 4294967295000u);
	assert_int_equal(num_ms_of_seconds(1.5), 1500);
	assert_int_equal(num_ms_of_seconds(0), 0);
	assert_int_equal(num_ms_of_seconds(-1), 0);
	assert_int_equal(num_ms_of_seconds(NAN), 0);
	assert_true(num_ms_of_seconds(INFINITY) == UINT64_MAX);
	assert_true(num_ms_of_seconds(1e300) == UINT64_MAX);
	assert_true(num_ms_of_seconds(18446744073709551.0) > 18000000000000000000u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(division), cmocka_unit_test(saturation), cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
