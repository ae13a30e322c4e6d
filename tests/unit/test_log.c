/* What reaches the log: escaped, and of equal lines no more than a few a second. */
#include "base/clock.h"
#include "base/log.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define FORMS 256
#define LIMIT 100

static struct clock_fake now;
static char forms[FORMS][8];            /* formats whose addresses are near each other */
static unsigned lines, of_form[FORMS];
static char last[16384], before_last[16384];

static void keep(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	uint32_t form;

	(void)arg;
	(void)level;
	(void)module;
	(void)verbosity;
	lines++;
	memcpy(before_last, last, sizeof(last));
	str_copy(last, sizeof(last), line);
	if (line.n && line.p[0] == 'f' && str_u32(str_skip(line, 1), &form) == 0 && form < FORMS)
		of_form[form]++;
}

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++)
		snprintf(forms[i], sizeof(forms[i]), "f%%d");
	memset(of_form, 0, sizeof(of_form));
	lines = 0;
	last[0] = before_last[0] = '\0';
	clock_fake_init(&now, 1700000000);
	log_set_clock(&now.c);
	log_set_sink(keep, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	log_set_sink(NULL, NULL);
	log_set_clock(NULL);
	return 0;
}

static void say(size_t form)
{
	log_write(LOG_NOTICE, "test", 0, forms[form], (int)form);
}

static void equal_lines_are_cut(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * LIMIT; i++)
		say(0);
	assert_int_equal(of_form[0], LIMIT);
	clock_fake_add(&now, 1000000);
	say(0);
	/* Told in a line of its own, so that the next is as it always is. */
	assert_string_equal(before_last, "200 lines like the next one were left out");
	assert_string_equal(last, "f0");
	assert_int_equal(lines, LIMIT + 2);
	clock_fake_add(&now, 1000000);
	say(0);
	assert_int_equal(lines, LIMIT + 3);
}

/* Any two forms, line by line in turn: neither makes the other forgotten. */
static void two_forms_do_not_evade_it(void **state)
{
	for (size_t k = 1; k < FORMS; k++) {
		setup(state);
		for (int i = 0; i < 3 * LIMIT; i++) {
			say(0);
			say(k);
		}
		assert_int_equal(of_form[0], LIMIT);
		assert_int_equal(of_form[k], LIMIT);
	}
}

/* More forms than there are places: some share one, and together get what one gets. */
static void many_forms_do_not_evade_it(void **state)
{
	(void)state;
	for (int second = 0; second < 3; second++) {
		memset(of_form, 0, sizeof(of_form));
		lines = 0;
		for (int i = 0; i < 2 * LIMIT; i++)
			for (size_t k = 0; k < FORMS; k++)
				say(k);
		for (size_t k = 0; k < FORMS; k++)
			assert_true(of_form[k] <= LIMIT);
		assert_true(lines > 10 * LIMIT && lines < FORMS * LIMIT / 2);
		clock_fake_add(&now, 1000000);
	}
}

static void what_was_asked_for_is_not_cut(void **state)
{
	(void)state;
	log_set_mask(log_mask() | 1u << LOG_DEBUG);
	for (int i = 0; i < 3 * LIMIT; i++)
		log_write(LOG_DEBUG, "test", 0, forms[0], 0);
	log_set_mask(log_mask() & ~(1u << LOG_DEBUG));
	assert_int_equal(of_form[0], 3 * LIMIT);
}

/* Nothing that a peer sends begins a line or moves a cursor, also not in the context. */
static void control_bytes_are_escaped(void **state)
{
	static const char evil[] = "x\r\n[2026-01-01] NOTICE[1] auth: forged\x1b[2J\x7f\t\x01";
	struct str old = log_context(STR("id\n\x1b]0;"));

	(void)state;
	log_notice("name '%s'", evil);
	log_context(old);
	assert_int_equal(lines, 1);
	for (const char *p = last; *p; p++)
		assert_true((unsigned char)*p >= ' ' && *p != 0x7f);
	assert_non_null(strstr(last, "forged"));
}

static void long_lines_are_cut(void **state)
{
	static char huge[20000];

	(void)state;
	memset(huge, '\n', sizeof(huge) - 1);
	huge[0] = 'a';
	huge[sizeof(huge) - 2] = 'b';
	log_notice("%s", huge);
	assert_int_equal(lines, 1);
	assert_true(strlen(last) < 8192);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(equal_lines_are_cut), T(two_forms_do_not_evade_it), T(many_forms_do_not_evade_it),
		T(what_was_asked_for_is_not_cut), T(control_bytes_are_escaped), T(long_lines_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
