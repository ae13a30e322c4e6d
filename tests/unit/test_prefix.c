/* Networks found by search are those that a look at each would find. */
#include "net/prefix.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { NETS = 300 };

struct world {
	struct netmask net[NETS];
	uint32_t value[NETS];
	struct prefix rows[NETS];
	struct prefix_set set;
	unsigned odd_only;
};

static uint32_t seed = 7;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* Addresses that are near one another, so that networks lie inside one another. */
static void address(char *out, size_t n)
{
	if (draw(3))
		snprintf(out, n, "10.%u.%u.%u", draw(2), draw(4), draw(256));
	else
		snprintf(out, n, "2001:db8:%x::%x", draw(2), draw(16));
}

static void fill(struct world *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char a[64], text[80];

		address(a, sizeof(a));
		snprintf(text, sizeof(text), "%s/%u", a, draw(5) ? (strchr(a, ':') ? 128 : 32) : draw(33));
		assert_int_equal(netmask_parse(&w->net[i], str_z(text)), 0);
		w->value[i] = draw(1000);
		prefix_of(&w->rows[i], &w->net[i], w->value[i]);
	}
	prefix_set_build(&w->set, w->rows, n);
}

static bool fits(const void *arg, uint32_t value)
{
	return !((const struct world *)arg)->odd_only || value % 2;
}

static void as_a_look_at_each(void **state)
{
	static struct world w;

	(void)state;
	for (size_t n = 0; n <= NETS; n += 50) {
		fill(&w, n);
		for (unsigned k = 0; k < 4000; k++) {
			uint32_t best = UINT32_MAX;
			struct sa peer;
			char a[64];

			address(a, sizeof(a));
			assert_int_equal(sa_parse(&peer, str_z(a)), 0);
			w.odd_only = k % 2;
			for (size_t i = 0; i < n; i++)
				if (netmask_has(&w.net[i], &peer) && w.value[i] < best && fits(&w, w.value[i]))
					best = w.value[i];
			assert_int_equal(prefix_first(&w.set, &peer, fits, &w), best);
		}
	}
}

static void everything_and_nothing(void **state)
{
	struct world w = { .odd_only = 0 };
	struct sa v4, v6;

	(void)state;
	sa_parse(&v4, STR("192.0.2.1"));
	sa_parse(&v6, STR("2001:db8::1"));
	prefix_set_build(&w.set, w.rows, 0);
	assert_int_equal(prefix_first(&w.set, &v4, fits, &w), UINT32_MAX);
	assert_int_equal(netmask_parse(&w.net[0], STR("0.0.0.0/0")), 0);
	prefix_of(&w.rows[0], &w.net[0], 9);
	prefix_set_build(&w.set, w.rows, 1);
	assert_int_equal(prefix_first(&w.set, &v4, fits, &w), 9);
	assert_int_equal(prefix_first(&w.set, &v6, fits, &w), UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_a_look_at_each),
		cmocka_unit_test(everything_and_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
