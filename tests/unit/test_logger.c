/* Log files: what logger.conf makes of their names, of their lines and of those that went before. */
#include "base/log.h"
#include "base/obj.h"
#include "main/logger.h"
#include "main/rotate.h"
#include "pbx/pbx.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static char dir[64];
static struct logger *l;

static int setup(void **state)
{
	(void)state;
	l = NULL;
	snprintf(dir, sizeof(dir), "/tmp/sidetone-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	logger_stop(l);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) ? -1 : 0;
}

static const char *path_of(const char *name)
{
	static char path[8][256];
	static unsigned n;

	snprintf(path[++n % 8], sizeof(path[0]), "%s/%s", dir, name);
	return path[n % 8];
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* What is in it; "-": there is none. */
static const char *in(const char *name)
{
	static char text[4096];
	FILE *f = fopen(path_of(name), "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = 0;
	if (!f)
		return "-";
	fclose(f);
	return text;
}

static void start(const char *general, const char *logfiles)
{
	struct config_prm prm = { .dir = dir };
	struct logger_prm lp = { .dir = dir };
	struct logger_conf *conf = NULL;
	char text[1024];

	snprintf(text, sizeof(text), "[general]\n%s[logfiles]\n%s", general, logfiles);
	put("logger.conf", text);
	assert_int_equal(logger_conf_load(&conf, &prm, NULL), 0);
	if (l)
		assert_int_equal(logger_reload(l, conf, NULL), 0);
	else
		assert_int_equal(logger_start(&l, conf, &lp, NULL), 0);
	obj_drop(conf);
}

static void say(const char *text)
{
	log_write(LOG_NOTICE, "test", 0, "%s", text);
}

static void rotates(enum logger_rotate how, const char *want)
{
	struct text now = { 0 };

	put("x", "new");
	assert_int_equal(rotate_file(path_of("x"), how, 1700000000, &now), 0);
	assert_string_equal(text_z(&now), path_of(want));
	assert_string_equal(in(want), "new");
	text_free(&now);
}

static void names_of_old_files(void **state)
{
	struct text now = { 0 };

	(void)state;
	rotates(ROTATE_SEQUENTIAL, "x.0");
	put("x.1.gz", "packed");
	rotates(ROTATE_SEQUENTIAL, "x.1");
	rotates(ROTATE_TIMESTAMP, "x.1700000000");
	rotates(ROTATE_NONE, "x");
	assert_int_equal(rotate_file(path_of("none"), ROTATE_SEQUENTIAL, 1, &now), ENOENT);
	text_free(&now);
}

static void each_moves_up(void **state)
{
	(void)state;
	put("x.0", "zero");
	put("x.1.gz", "one");
	put("x.2.bz2", "two");
	put("x.4", "four");
	rotates(ROTATE_ROTATE, "x.0");
	assert_string_equal(in("x.1"), "zero");
	assert_string_equal(in("x.2.gz"), "one");
	assert_string_equal(in("x.3.bz2"), "two");
	assert_string_equal(in("x.4"), "four");
	assert_string_equal(in("x.1.gz"), "-");
}

static void as_configured(void **state)
{
	(void)state;
	start("rotatestrategy=rotate\n", "full => notice\n");
	say("first");
	assert_int_equal(logger_rotate(l), 0);
	say("second");
	assert_non_null(strstr(in("full.0"), "first"));
	assert_non_null(strstr(in("full"), "second"));
	assert_null(strstr(in("full"), "first"));
	start("rotatestrategy=none\n", "full => notice\n");
	assert_int_equal(logger_rotate(l), 0);
	say("third");
	assert_non_null(strstr(in("full"), "second"));
	assert_non_null(strstr(in("full"), "third"));
}

static void told_to_a_command(void **state)
{
	int tries = 2000;

	(void)state;
	start("queue_log=no\nexec_after_rotate=cat ${filename} > $(dirname ${filename})/got\n", "full => notice\n");
	say("first");
	assert_int_equal(logger_rotate(l), 0);
	while (!strstr(in("got"), "first") && --tries)
		poll(NULL, 0, 5);
	assert_true(tries > 0);
}

static void with_the_hosts_name(void **state)
{
	char host[128] = "", name[160];

	(void)state;
	gethostname(host, sizeof(host) - 1);
	snprintf(name, sizeof(name), "full.%s", host);
	start("appendhostname=yes\n", "full => notice\n");
	say("hello");
	assert_non_null(strstr(in(name), "hello"));
	assert_string_equal(in("full"), "-");
}

static void calls_are_named(void **state)
{
	struct str old = log_context(STR("call-1"));

	(void)state;
	start("", "full => notice\n");
	say("a");
	start("display_callids=no\n", "full => notice\n");
	say("b");
	log_context(old);
	assert_non_null(strstr(in("full"), "test: [call-1] a\n"));
	assert_non_null(strstr(in("full"), "test: b\n"));
	log_show_context(true);
}

/* Log() at levels of their own. */
static void levels_of_their_own(void **state)
{
	(void)state;
	start("custom_levels=audit,billing\n", "full => notice\nmoney => billing\nall => *\n");
	assert_int_equal(logger_custom(l, STR("BILLING"), STR("a\nb")), 0);
	assert_int_equal(logger_custom(l, STR("audit"), STR("c")), 0);
	assert_int_equal(logger_custom(l, STR("other"), STR("d")), ENOENT);
	assert_string_equal(in("full"), "");
	assert_non_null(strstr(in("money"), "] billing["));
	assert_non_null(strstr(in("money"), "dialplan: a b\n"));
	assert_null(strstr(in("money"), "dialplan: c"));
	assert_non_null(strstr(in("all"), "dialplan: c\n"));
	start("", "money => notice\n");
	assert_int_equal(logger_custom(l, STR("billing"), STR("e")), ENOENT);
}

static void queue_lines(void **state)
{
	const struct queue_event e = { STR_INIT("sales"), STR_INIT("1.2"), STR_INIT("a|b"), STR_INIT("JOIN\n"), STR_INIT("x|y") };

	(void)state;
	start("", "full => notice\n");
	assert_non_null(strstr(in("queue_log"), "|NONE|NONE|NONE|QUEUESTART|\n"));
	logger_queue(l, &e);
	assert_non_null(strstr(in("queue_log"), "|1.2|sales|a b|JOIN |x|y\n"));
	assert_int_equal(logger_rotate(l), 0);
	assert_non_null(strstr(in("queue_log.0"), "|1.2|sales|"));
	assert_non_null(strstr(in("queue_log"), "|NONE|NONE|NONE|CONFIGRELOAD|\n"));
	assert_null(strstr(in("queue_log"), "sales"));
	start("queue_log_name=other\n", "full => notice\n");
	logger_queue(l, &e);
	assert_non_null(strstr(in("other"), "|1.2|sales|"));
	start("queue_log=no\nqueue_log_name=off\n", "full => notice\n");
	logger_queue(l, &e);
	assert_string_equal(in("off"), "-");
}

static void as_json(void **state)
{
	(void)state;
	start("", "full => [json]notice\nplain => [plain]notice\n");
	say("a \"b\" \\ c");
	assert_non_null(strstr(in("full"), "\"level\":\"NOTICE\""));
	assert_non_null(strstr(in("full"), "\"message\":\"a \\\"b\\\" "));
	assert_int_equal(in("full")[0], '{');
	assert_non_null(strstr(in("full"), "}\n"));
	assert_non_null(strstr(in("plain"), "test: a \"b\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(names_of_old_files), T(each_moves_up), T(as_configured), T(told_to_a_command), T(with_the_hosts_name),
		T(calls_are_named), T(levels_of_their_own), T(queue_lines), T(as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
