/* Lines of the console: words, the row that is meant, usage, help, times. */
#include "base/fiber.h"
#include "base/obj.h"
#include "manage/command.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void words(void **state)
{
	static const struct { const char *line; size_t n; const char *want[4]; } tv[] = {
		{ "", 0, { NULL } },
		{ "  \t ", 0, { NULL } },
		{ "core show", 2, { "core", "show" } },
		{ "  a   b\t", 2, { "a", "b" } },
		{ "x \"a b\" c", 3, { "x", "a b", "c" } },
		{ "x a\" \"b", 2, { "x", "a b" } },
		{ "\"\" y", 2, { "", "y" } },
		{ "a\\ b \\\"c", 2, { "a b", "\"c" } },
		{ "\"a\\\"b\"", 1, { "a\"b" } },
		{ "\"open end", 1, { "open end" } },
		{ "end\\", 1, { "end\\" } },
		{ "a b c d e", SIZE_MAX, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct str line = str_z(tv[i].line), word[4], rest[4];
		char *mem = malloc(line.n ? line.n : 1);        /* exactly: a byte too many is seen */
		size_t n = command_split(line, mem, word, rest, 4);

		if (n != tv[i].n)
			fail_msg("'%s': %zu words", tv[i].line, n);
		for (size_t k = 0; n != SIZE_MAX && k < n; k++)
			if (!str_eq(word[k], str_z(tv[i].want[k])))
				fail_msg("'%s': word %zu is '%.*s'", tv[i].line, k, STR_ARG(word[k]));
		free(mem);
	}
}

static void rest_of_the_line(void **state)
{
	struct str word[4], rest[4];
	char mem[64];

	(void)state;
	assert_int_equal(command_split(STR("a \"b c\"  d "), mem, word, rest, 4), 3);
	assert_true(str_eq(rest[0], STR("a \"b c\"  d")));
	assert_true(str_eq(rest[1], STR("\"b c\"  d")));
	assert_true(str_eq(rest[2], STR("d")));
}

/* ---- running ---------------------------------------------------------- */

static int collect(void *arg, struct str text)
{
	buf_put(arg, text);
	return 0;
}

static enum command_result run(struct manage *m, const char *line, struct buf *out)
{
	buf_reset(out);
	return command_run(m, str_z(line), collect, out);
}

static struct manage *manage_of(struct loop *l)
{
	struct manage_prm prm = { .loop = l, .version = "1" };
	struct manage *m = NULL;

	assert_int_equal(manage_start(&m, &prm, NULL), 0);
	return m;
}

static void finds_the_row(void **state)
{
	struct loop *l = GOT(loop_new(clock_real()));
	struct manage *m = manage_of(l);
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(run(m, "Core SHOW uptime seconds", &out), COMMAND_OK);
	assert_string_equal(buf_z(&out), "System uptime: 0\nLast reload: 0\n");
	assert_int_equal(run(m, "core show uptime in days", &out), COMMAND_USAGE);
	assert_string_equal(buf_z(&out), "Usage: core show uptime [seconds]\n       Show how long the server runs\n");
	assert_int_equal(run(m, "core show up", &out), COMMAND_FAILED);
	assert_string_equal(buf_z(&out),
			    "No such command 'core show up' (type 'core show help core' for other possible commands)\n");
	assert_int_equal(run(m, "   ", &out), COMMAND_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(run(m, "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a", &out),
			 COMMAND_FAILED);
	assert_int_equal(run(m, "core stop now", &out), COMMAND_FAILED);        /* no hook */
	buf_free(&out);
	manage_stop(m);
	loop_free(l);
}

/* rtp.conf as it is in force, from the moment that it is. */
static void shows_rtp(void **state)
{
	struct loop *l = GOT(loop_new(clock_real()));
	struct manage *m = manage_of(l);
	struct config_prm prm = { .dir = "/nonexistent" };
	struct rtp_conf *rc = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	m->booted = true;
	assert_int_equal(run(m, "rtp show settings", &out), COMMAND_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(rtp_conf_load(&rc, &prm, NULL), 0);
	rc->rtpstart = 10000;
	rc->probation = 7;
	manage_set_rtp(m, rc);
	obj_drop(rc);
	assert_int_equal(run(m, "rtp show settings", &out), COMMAND_OK);
	assert_string_equal(buf_z(&out),
			    "\n\nGeneral Settings:\n----------------\n  Port start:      10000\n  Port end:        30999\n"
			    "  Checksums:       Yes\n  DTMF Timeout:    1200\n  Strict RTP:      Yes\n"
			    "  Probation:       7 frames\n  Replay Protect:  Yes\n  ICE support:     Yes\n"
			    "  STUN:            disabled\n   Address:        0.0.0.0:0\n");
	assert_int_equal(run(m, "rtp show settings now", &out), COMMAND_USAGE);
	buf_free(&out);
	manage_stop(m);
	loop_free(l);
}

static void shows_udptl(void **state)
{
	struct loop *l = GOT(loop_new(clock_real()));
	struct manage *m = manage_of(l);
	struct config_prm prm = { .dir = "/nonexistent" };
	struct udptl_conf *uc = NULL;
	struct buf out = BUF_INIT;

	(void)state;
	m->booted = true;
	assert_int_equal(run(m, "udptl show config", &out), COMMAND_FAILED);
	buf_reset(&out);
	assert_int_equal(udptl_conf_load(&uc, &prm, NULL), 0);
	manage_set_udptl(m, uc);
	obj_drop(uc);
	assert_int_equal(run(m, "udptl show config", &out), COMMAND_OK);
	assert_string_equal(buf_z(&out),
			    "UDPTL Global options\n--------------------\nudptlstart:      4000\nudptlend:        4999\n"
			    "udptlfecentries: 3\nudptlfecspan:    3\nuse_even_ports:  No\nudptlchecksums: Yes\n");
	assert_int_equal(run(m, "udptl show config now", &out), COMMAND_USAGE);
	buf_free(&out);
	manage_stop(m);
	loop_free(l);
}

static void shows_help(void **state)
{
	struct loop *l = GOT(loop_new(clock_real()));
	struct manage *m = manage_of(l);
	struct buf out = BUF_INIT;
	const struct command **v;
	size_t n;

	(void)state;
	assert_int_equal(run(m, "core show help", &out), COMMAND_OK);
	v = command_sorted(&n);
	assert_true(n > 50);
	for (size_t i = 0; i < n; i++) {
		assert_true(str_find(buf_view(&out), str_z(v[i]->words)) < out.n);
		/* Each row is found by its own words, and no two share them. */
		if (i)
			assert_string_not_equal(v[i - 1]->words, v[i]->words);
		assert_non_null(v[i]->summary);
		assert_non_null(v[i]->run);
	}
	free(v);
	run(m, "core show help pjsip show e", &out);
	assert_true(str_find(buf_view(&out), STR("pjsip show endpoints ")) < out.n);
	assert_false(str_find(buf_view(&out), STR("pjsip show aors")) < out.n);
	run(m, "core show help pjsip show endpoint", &out);
	assert_true(str_starts(buf_view(&out), STR("Usage: pjsip show endpoint <name>\n")));
	run(m, "core show help nothing", &out);
	assert_string_equal(buf_z(&out), "No such command 'nothing'.\n");
	buf_free(&out);
	manage_stop(m);
	loop_free(l);
}

static void levels(void **state)
{
	struct loop *l = GOT(loop_new(clock_real()));
	struct manage *m = manage_of(l);
	struct buf out = BUF_INIT;

	(void)state;
	log_set_debug(0);
	log_set_verbose(0);
	run(m, "core set verbose 3", &out);
	assert_int_equal(log_verbose_level(), 3);
	assert_string_equal(buf_z(&out), "Console verbose was OFF and is now 3.\n");
	run(m, "core set verbose atleast 2", &out);
	assert_int_equal(log_verbose_level(), 3);
	run(m, "core set verbose off silent", &out);
	assert_int_equal(log_verbose_level(), 0);
	assert_int_equal(out.n, 0);
	run(m, "core set debug 4 res_pjsip_pubsub", &out);
	assert_int_equal(log_debug_level(), 4);
	run(m, "core set debug res_pjsip_pubsub 5", &out);
	assert_int_equal(log_debug_level(), 5);
	run(m, "core set debug 0", &out);
	assert_int_equal(log_debug_level(), 0);
	assert_string_equal(buf_z(&out), "Core debug was 5 and is now OFF.\n");
	run(m, "core set debug 0", &out);
	assert_string_equal(buf_z(&out), "Core debug is still OFF.\n");
	assert_int_equal(run(m, "core set debug", &out), COMMAND_USAGE);
	assert_int_equal(run(m, "core set debug many", &out), COMMAND_USAGE);
	buf_free(&out);
	manage_stop(m);
	loop_free(l);
}

static void spans(void **state)
{
	static const struct { int64_t s; const char *want; } tv[] = {
		{ 0, "0 seconds" }, { 1, "1 second" }, { 59, "59 seconds" }, { 60, "1 minute" }, { 61, "1 minute, 1 second" },
		{ 3600, "1 hour" }, { 3661, "1 hour, 1 minute, 1 second" }, { 86400 * 8 + 2, "1 week, 1 day, 2 seconds" },
		{ 31536000 * 2, "2 years" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct buf b = BUF_INIT;

		manage_write_span(&b, tv[i].s);
		assert_string_equal(buf_z(&b), tv[i].want);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words), cmocka_unit_test(rest_of_the_line), cmocka_unit_test(finds_the_row), cmocka_unit_test(shows_rtp), cmocka_unit_test(shows_udptl),
		cmocka_unit_test(shows_help), cmocka_unit_test(levels), cmocka_unit_test(spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
