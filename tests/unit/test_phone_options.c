/* What sidetone-ua is told: names in all spellings, values, files, and the words for what is wrong. */
#include "phone/options.h"
#include "phone/outcome.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

static struct buf why;

static int parse(struct phone_options *o, const char *const *words)
{
	char *argv[32] = { (char *)(uintptr_t)"sidetone-ua" };
	int argc = 1, err;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
	setenv("HOME", "/nowhere", 1);
	phone_options_init(o);
	buf_free(&why);
	why = (struct buf){ 0 };
	err = phone_options_parse(o, argc, argv, &why);
	if (err == ENOMEM || buf_err(&why))
		GOT(NULL);
	return err;
}

#define PARSE(o, ...) parse(o, (const char *const[]){ __VA_ARGS__, NULL })

static void expect_param(const struct phone_options *o, const char *name, const char *json)
{
	struct str got = phone_options_param(o, name);

	if (!str_eq(got, str_z(json)))
		print_error("%s is %.*s\n", name, STR_ARG(got));
	assert_true(str_eq(got, str_z(json)));
}

static void names_in_each_spelling(void **state)
{
	struct phone_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--uri", "1001@example.com", "--registerExpires=60", "--no-answer-timeout", "5", "--ws_server_max_reconnection",
			       "2", "--password", "0123", "--server", "udp:127.0.0.1:5060", "--traceSip", "--register=false"), 0);
	expect_param(&o, "uri", "\"sip:1001@example.com\"");
	expect_param(&o, "registerExpires", "60");
	expect_param(&o, "noAnswerTimeout", "5");
	expect_param(&o, "wsServerMaxReconnection", "2");
	expect_param(&o, "password", "\"0123\"");
	expect_param(&o, "traceSip", "true");
	expect_param(&o, "register", "false");
	assert_true(phone_options_param(&o, "wsServers").n > 0);
	assert_int_equal(o.task, TASK_INTERACTIVE);
	assert_int_equal(phone_options_param(&o, "rel100").n, 0);
	phone_options_free(&o);
}

static void own_options(void **state)
{
	struct phone_options o;

	(void)state;
	assert_int_equal(PARSE(&o, "--call", "sip:600@a", "--seconds", "1.5", "--json", "--dtmf=12#,9", "--header", "X-A: 1", "--header",
			       "X-B: 2", "--expect", "486", "--colour", "never", "--from-address", "127.0.0.1"), 0);
	assert_int_equal(o.task, TASK_CALL);
	assert_string_equal(text_z(&o.target), "sip:600@a");
	assert_true(o.seconds > 1.4 && o.seconds < 1.6 && o.json && o.colour == COLOUR_NEVER && o.timeout < 0);
	assert_string_equal(text_z(&o.headers), "X-A: 1\r\nX-B: 2\r\n");
	assert_string_equal(text_z(&o.dtmf), "12#,9");
	phone_options_free(&o);
	assert_int_equal(PARSE(&o, "--register", "--seconds", "0"), 0);
	assert_int_equal(o.task, TASK_REGISTER);
	phone_options_free(&o);
	assert_int_equal(PARSE(&o, "--message", "--json is no option here", "--to", "bob", "--json=no"), 0);
	assert_string_equal(text_z(&o.text), "--json is no option here");
	assert_false(o.json);
	phone_options_free(&o);
}

static void wrong_ones_say_so(void **state)
{
	static const struct {
		const char *words[4], *why;
	} v[] = {
		{ { "600" }, "'600' is no option: they begin with --, and sidetone-ua --help has them" },
		{ { "--registerExpire", "5" }, "there is no option or parameter 'registerExpire'; did you mean 'registerExpires'?" },
		{ { "--qqqqqqqqqq" }, "there is no option or parameter 'qqqqqqqqqq'" },
		{ { "--registerExpires", "1.5" }, "Invalid value 1.5 for parameter \"registerExpires\"" },
		{ { "--registerExpires" }, "'registerExpires' needs a value" },
		{ { "--seconds", "-1" }, "'-1' is no value for 'seconds' (S: " },
		{ { "--call" }, "'call' needs a value: TARGET" },
		{ { "--call", "a", "--answer" }, "--answer: one thing at a time" },
		{ { "--message", "hi" }, "whom? --to says so" },
		{ { "--expect", "happy" }, "'happy' is no value for 'expect'" },
		{ { "--header", "nothing" }, "'nothing' is no value for 'header'" },
		{ { "--header", "A: b\r\nC: d" }, "'A: b\\x0d\\x0aC: d' is no value" },
		{ { "--reject", "200" }, "'200' is no value for 'reject'" },
		{ { "--encryption", "rot13" }, "'rot13' is no value for 'encryption'" },
		{ { "--dtmf", "12x" }, "'12x' is no value for 'dtmf'" },
		{ { "--register=7" }, "'register' takes no value" },
		{ { "--autostop" }, "there is no option or parameter 'autostop'" },
		{ { "--file", "/no/such" }, "/no/such cannot be read: No such file or directory" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct phone_options o;
		int err = parse(&o, v[i].words);

		if (err != EINVAL || strncmp(buf_z(&why), v[i].why, strlen(v[i].why)) != 0)
			print_error("%s: %d, %s\n", v[i].words[0], err, buf_z(&why));
		assert_int_equal(err, EINVAL);
		assert_memory_equal(buf_z(&why), v[i].why, strlen(v[i].why));
		phone_options_free(&o);
	}
	buf_free(&why);
}

/* Nobody reads a password in what an error says. */
static void no_password_is_shown(void **state)
{
	char long_one[70000];
	struct phone_options o;

	(void)state;
	memset(long_one, 'x', sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = 0;
	assert_int_equal(PARSE(&o, "--password", long_one), EINVAL);
	assert_null(strstr(buf_z(&why), "xxx"));
	phone_options_free(&o);
	buf_free(&why);
}

static int read_text(struct phone_options *o, const char *text)
{
	int err;

	phone_options_init(o);
	buf_free(&why);
	why = (struct buf){ 0 };
	err = phone_options_read(o, STR("phone.conf"), str_z(text), &why);
	if (err == ENOMEM || buf_err(&why))
		GOT(NULL);
	return err;
}

static void files(void **state)
{
	struct phone_options o;

	(void)state;
	assert_int_equal(read_text(&o, "# a phone\n[me]\nuri = sip:1001@a\nregisterExpires=60\n; nothing\nseconds = 3\njson\ndisplayName = \"A B\"\n"), 0);
	expect_param(&o, "registerExpires", "60");
	expect_param(&o, "displayName", "\"A B\"");
	assert_true(o.seconds > 2.9 && o.json);
	phone_options_free(&o);
	assert_int_equal(read_text(&o, "{\"uri\": \"sip:1001@a\", \"register\": false, \"wsServers\": [{\"ws_uri\": \"ws://a:1/x\", \"weight\": 3}], "
				   "\"seconds\": 2, \"rel100\": null}"), 0);
	expect_param(&o, "register", "false");
	assert_true(str_find(phone_options_param(&o, "wsServers"), STR("ws://a:1/x")) < 100);
	assert_true(o.seconds > 1.9 && o.seconds < 2.1);
	phone_options_free(&o);
	assert_int_equal(read_text(&o, "\n\nregisterExpires = soon\n"), EINVAL);
	assert_memory_equal(buf_z(&why), "phone.conf:3: Invalid value \"soon\"", 33);
	phone_options_free(&o);
	assert_int_equal(read_text(&o, "{\"uri\": }"), EINVAL);
	assert_string_equal(buf_z(&why), "phone.conf: this is no JSON object");
	phone_options_free(&o);
	assert_int_equal(read_text(&o, "file = other\n"), EINVAL);
	phone_options_free(&o);
	buf_free(&why);
}

static void default_servers(void **state)
{
	static const struct {
		const char *uri, *server;
	} v[] = {
		{ "sip:1001@example.com", "udp://example.com" }, { "1001@127.0.0.1:5070", "udp://127.0.0.1:5070" },
		{ "sips:a@b", "tls://b" }, { "sip:a@b;transport=tcp", "tcp://b" }, { "sip:a@[::1]:5", "udp://[::1]:5" },
		{ "sip:600@b:1;transport=TLS", "tls://b:1" }, { "tel:600", NULL }, { "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct text t = { 0 };
		int err = phone_default_server(str_z(v[i].uri), &t);

		if (err == ENOMEM)
			GOT(NULL);
		assert_int_equal(err, v[i].server ? 0 : EINVAL);
		if (v[i].server)
			assert_string_equal(text_z(&t), v[i].server);
		text_free(&t);
	}
}

static void outcomes(void **state)
{
	(void)state;
	assert_int_equal(outcome_of(486, "Busy"), OUTCOME_BUSY);
	assert_int_equal(outcome_of(0, "Connection Error"), OUTCOME_DISCONNECTED);
	assert_int_equal(outcome_of(407, NULL), OUTCOME_UNAUTHORIZED);
	assert_int_equal(outcome_of(302, NULL), OUTCOME_REDIRECTED);
	assert_int_equal(outcome_of(599, NULL), OUTCOME_FAILED);
	assert_true(outcome_is(OUTCOME_BUSY, 486, STR("busy")) && outcome_is(OUTCOME_BUSY, 486, STR("486")));
	assert_false(outcome_is(OUTCOME_BUSY, 486, STR("600")) || outcome_is(OUTCOME_BUSY, 486, STR("answered")));
	assert_true(outcome_is_known(STR("no-answer")) && outcome_is_known(STR("603")));
	assert_false(outcome_is_known(STR("1000")) || outcome_is_known(STR("none")));
	/* A script tells them apart. */
	for (int a = OUTCOME_BUSY; a < OUTCOMES; a++)
		for (int b = a + 1; b < OUTCOMES; b++)
			assert_int_not_equal(outcome_row((enum outcome)a)->exit_code, outcome_row((enum outcome)b)->exit_code);
}

/* Each option is in both; a line is no wider than it may be, but for words that are. */
static void help_and_completion(void **state)
{
	struct buf help = BUF_INIT, comp = BUF_INIT;
	const struct phone_option *row;
	struct str rest, line;

	(void)state;
	phone_write_help(&help, 80);
	phone_write_completion(&comp);
	if (buf_err(&help) || buf_err(&comp))
		GOT(NULL);
	for (size_t i = 0; (row = phone_option(i)); i++) {
		char name[40];

		snprintf(name, sizeof(name), "--%s ", row->name);
		assert_non_null(strstr(buf_z(&help), name));
		assert_non_null(strstr(buf_z(&comp), name));
	}
	assert_non_null(strstr(buf_z(&help), "--registerExpires VALUE"));
	assert_non_null(strstr(buf_z(&comp), " --registerExpires"));
	assert_null(strstr(buf_z(&help), "authenticationFactory"));
	for (rest = buf_view(&help); str_line(&rest, &line); )
		assert_true(line.n <= 110);
	buf_free(&help);
	buf_free(&comp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_each_spelling), cmocka_unit_test(own_options), cmocka_unit_test(wrong_ones_say_so),
		cmocka_unit_test(no_password_is_shown), cmocka_unit_test(files), cmocka_unit_test(default_servers),
		cmocka_unit_test(outcomes), cmocka_unit_test(help_and_completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
