/* Messages and filters of the manager interface. */
#include "config/settings.h"
#include "manage/manager_filter.h"
#include "manage/secret.h"
#include "service/object/objects.h"
#include "service/object/settings.h"
#include "manage/manager_parse.h"
#include "manage/pattern.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* Feed `text` in pieces of `step` bytes; gives the result of the first message. */
static int feed(struct ami_parser *p, struct str text, size_t step)
{
	while (text.n) {
		struct str piece = str_sub(text, 0, step), left = piece;
		int err = ami_parse(p, &left);

		if (err != EAGAIN)
			return err;
		text = str_skip(text, piece.n);
	}
	return EAGAIN;
}

static void headers(void **state)
{
	struct str text = STR("Action: Login\r\nusername:  bob \r\nX:a:b\nnothing\r\nX: second\r\n\r\n");

	(void)state;
	for (size_t step = 1; step <= text.n; step++) {
		struct ami_parser p;

		ami_parser_init(&p);
		assert_int_equal(feed(&p, text, step), 0);
		assert_int_equal(p.msg.n, 5);
		assert_true(str_eq(ami_header(&p.msg, STR("ACTION")), STR("Login")));
		assert_true(str_eq(ami_header(&p.msg, STR("Username")), STR("bob ")));
		assert_true(str_eq(ami_header(&p.msg, STR("x")), STR("a:b")));
		assert_true(str_eq(p.msg.v[3].line, STR("nothing")));
		assert_true(str_empty(p.msg.v[3].name));
		assert_true(str_empty(ami_header(&p.msg, STR("nothing"))));
		ami_parser_free(&p);
	}
}

static void several(void **state)
{
	struct str in = STR("Action: a\r\n\r\nAction: b\n\n\r\nAct");
	struct ami_parser p;

	(void)state;
	ami_parser_init(&p);
	assert_int_equal(ami_parse(&p, &in), 0);
	assert_true(str_eq(ami_header(&p.msg, STR("Action")), STR("a")));
	assert_int_equal(ami_parse(&p, &in), 0);
	assert_true(str_eq(ami_header(&p.msg, STR("Action")), STR("b")));
	assert_int_equal(ami_parse(&p, &in), 0);        /* empty: an error for the session to answer */
	assert_int_equal(p.msg.n, 0);
	assert_int_equal(ami_parse(&p, &in), EAGAIN);
	in = STR("ion: c\n\n");
	assert_int_equal(ami_parse(&p, &in), 0);
	assert_true(str_eq(ami_header(&p.msg, STR("Action")), STR("c")));
	ami_parser_free(&p);
}

static int line_of(size_t n, const char *end, size_t step, size_t *got)
{
	struct ami_parser p;
	struct buf b = BUF_INIT;
	int err;

	buf_put(&b, STR("ActionID: 7\r\n"));
	buf_put(&b, STR("X:"));
	for (size_t i = 2; i < n; i++)
		buf_char(&b, 'v');
	buf_put(&b, str_z(end));
	buf_put(&b, STR("\r\n"));
	ami_parser_init(&p);
	err = feed(&p, buf_view(&b), step);
	*got = ami_header(&p.msg, STR("X")).n;
	assert_true(str_eq(ami_header(&p.msg, STR("ActionID")), STR("7")));
	ami_parser_free(&p);
	buf_free(&b);
	return err;
}

static void long_lines(void **state)
{
	static const size_t steps[] = { 1, 7, 1023, 1024, 1025, 5000 };
	size_t got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		assert_int_equal(line_of(AMI_LINE_MAX, "\r\n", steps[i], &got), 0);
		assert_int_equal(got, AMI_LINE_MAX - 2);
		assert_int_equal(line_of(AMI_LINE_MAX, "\n", steps[i], &got), 0);
		assert_int_equal(line_of(AMI_LINE_MAX + 1, "\r\n", steps[i], &got), EMSGSIZE);
		assert_int_equal(line_of(AMI_LINE_MAX + 1, "\n", steps[i], &got), EMSGSIZE);
		assert_int_equal(line_of(100000, "\n", steps[i], &got), EMSGSIZE);
		assert_int_equal(got, 0);
	}
}

static void many_lines(void **state)
{
	(void)state;
	for (size_t n = AMI_LINES_MAX - 1; n <= AMI_LINES_MAX + 2; n++) {
		struct ami_parser p;
		struct buf b = BUF_INIT;
		struct str in;

		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "H%zu: %zu\n", i, i);
		buf_put(&b, STR("\nAction: next\n\n"));
		in = buf_view(&b);
		ami_parser_init(&p);
		assert_int_equal(ami_parse(&p, &in), n <= AMI_LINES_MAX ? 0 : E2BIG);
		assert_true(p.msg.n <= AMI_LINES_MAX);
		assert_true(str_eq(ami_header(&p.msg, STR("H5")), STR("5")));
		assert_int_equal(ami_parse(&p, &in), 0);
		assert_true(str_eq(ami_header(&p.msg, STR("Action")), STR("next")));
		ami_parser_free(&p);
		buf_free(&b);
	}
}

/* ---- patterns --------------------------------------------------------- */

static void patterns(void **state)
{
	static const struct { const char *pattern, *text; bool good, match; } tv[] = {
		{ "^Fake/b.*", "Fake/bob-1", true, true },
		{ "b$", "ab", true, true },
		{ "b$", "abc", true, false },
		{ "a{2,3}b", "xaab", true, true },
		{ "(a|b)+c", "zzc", true, false },
		{ "", "x", false, false },
		{ "[", "x", false, false },
		{ "(a)\\1", "aa", false, false },              /* backtracks */
		{ "^[0-9]+-[0-9]+-[0-9]+-[0-9]+-[0-9]+-[a-z]+ .+, .+, .+, .+$", "1-2-3-4-5-a b, c, d, e", true, true },
		{ "[]{100}(+]{2}x", "](x", true, true },
		{ "[[:digit:]]{3}", "a123", true, true },
		{ "a{10000}", "a", false, false },
		{ "a++++++++++++++++++++++++++++++", "a", false, false },
		{ "a{x++++++++++++++++++++++++++++++}", "a", false, false },
		{ "(((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+", "a", false, false },
		{ "((a{100}){100}){100}", "a", false, false },
		{ "a{99999999999}", "a", false, false },
	};
	char deep[PATTERN_MAX + 2];
	regex_t re;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		bool good = !pattern_compile(&re, str_z(tv[i].pattern));
		struct str text = str_z(tv[i].text);
		char *copy = malloc(text.n);            /* not terminated */

		memcpy(copy, text.p, text.n);
		if (good != tv[i].good || (good && pattern_has(&re, str_mk(copy, text.n)) != tv[i].match))
			fail_msg("%s", tv[i].pattern);
		if (good)
			regfree(&re);
		free(copy);
	}
	for (size_t n = PATTERN_NEST; n <= PATTERN_NEST + 1; n++) {
		memset(deep, '(', n);
		deep[n] = 'x';
		memset(deep + n + 1, ')', n);
		assert_int_equal(pattern_compile(&re, str_mk(deep, 2 * n + 1)), n > PATTERN_NEST ? EINVAL : 0);
		if (n <= PATTERN_NEST)
			regfree(&re);
	}
	memset(deep, 'x', sizeof(deep));
	assert_int_equal(pattern_compile(&re, str_mk(deep, PATTERN_MAX)), 0);
	regfree(&re);
	assert_int_equal(pattern_compile(&re, str_mk(deep, PATTERN_MAX + 1)), EINVAL);
}

/* ---- filters ---------------------------------------------------------- */

#define NEWCHANNEL STR("Event: Newchannel\r\nChannel: XXX\r\nSomeheader: YYY\r\n\r\n")
#define VARSET STR("Event: VarSet\r\nChannel: ABC\r\nSomeheader: XXX\r\n\r\n")

static int add(struct ami_filters *f, const char *criteria, const char *pattern)
{
	return ami_filters_add(f, criteria != NULL, str_z(criteria), str_z(pattern));
}

static void one_filter(void **state)
{
	static const struct { const char *criteria, *pattern; int err; bool newchannel, varset; } tv[] = {
		{ NULL, "XXX", 0, true, true },
		{ NULL, "!XXX", 0, false, false },
		{ NULL, "Channel: A.C", 0, false, true },
		{ "name(VarSet),method(none)", "", 0, false, true },
		{ "name(VarSet)", "", 0, false, true },
		{ "name(Newchannel),method(regex)", "X[XYZ]X", 0, true, false },
		{ "action(exclude),name(Newchannel),method(regex)", "X[XYZ]X", 0, false, true },
		{ "name(VarSet),header(Channel),method(starts_with)", "AB", 0, false, true },
		{ "header(Channel:),method(ends_with)", "XX", 0, true, false },
		{ "header(Channel),method(contains)", "B", 0, false, true },
		{ "header(Channel),method(exact)", "AB", 0, false, false },
		{ "action(include),header(Someheader),method(exact)", "!XXX", 0, false, true },
		{ "header(Channel)", "", 0, true, true },
		{ "", "XXX", EBADMSG, false, false },
		{ NULL, "", EBADMSG, false, false },
		{ NULL, "!", EBADMSG, false, false },
		{ "action(inlude),name(a)", "", EBADMSG, false, false },
		{ "nnnn(yyy)", "XXX", EBADMSG, false, false },
		{ "name(yyy),heder(VarSet),method(contains)", "XXX", EBADMSG, false, false },
		{ "method(yyy)", "XXX", EBADMSG, false, false },
		{ "name(a),method(exact)", "", EBADMSG, false, false },
		{ "name(a)", "XXX", EBADMSG, false, false },
		{ "name", "", EBADMSG, false, false },
		{ "method(none)", "", EBADMSG, false, false },
		{ NULL, "XX[X", EINVAL, false, false },
		{ "method(regex)", "XX[X", EINVAL, false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct ami_filters f;
		int err;

		ami_filters_init(&f);
		err = add(&f, tv[i].criteria, tv[i].pattern);
		if (err != tv[i].err)
			fail_msg("row %zu: %d", i, err);
		if (!err && tv[i].newchannel != ami_filters_pass(&f, STR("Newchannel"), NEWCHANNEL))
			fail_msg("row %zu: Newchannel", i);
		if (!err && tv[i].varset != ami_filters_pass(&f, STR("VarSet"), VARSET))
			fail_msg("row %zu: VarSet", i);
		ami_filters_free(&f);
	}
}

static void filters_together(void **state)
{
	struct ami_filters f;

	(void)state;
	ami_filters_init(&f);
	assert_true(ami_filters_pass(&f, STR("VarSet"), VARSET));
	assert_int_equal(add(&f, "name(VarSet)", ""), 0);
	assert_int_equal(add(&f, "name(Newchannel),method(contains)", "XXX"), 0);
	assert_int_equal(add(&f, "action(exclude),header(Channel),method(exact)", "ABC"), 0);
	assert_true(ami_filters_pass(&f, STR("Newchannel"), NEWCHANNEL));
	assert_false(ami_filters_pass(&f, STR("VarSet"), VARSET));
	assert_false(ami_filters_pass(&f, STR("Hangup"), STR("Event: Hangup\r\n\r\n")));
	for (size_t i = f.n; i < AMI_FILTERS_MAX; i++)
		assert_int_equal(add(&f, NULL, "x"), 0);
	assert_int_equal(add(&f, NULL, "x"), ENOBUFS);
	ami_filters_free(&f);
}

/* Many filters on a long event are judged in several steps, to the same end. */
static void filters_in_steps(void **state)
{
	struct buf text = BUF_INIT;
	struct ami_match m = { 0 };
	struct ami_filters f;
	enum ami_verdict v;
	unsigned steps = 0;

	(void)state;
	buf_put(&text, STR("Event: UserEvent\r\nText: "));
	for (unsigned i = 0; i < 20000; i++)
		buf_char(&text, 'x');
	buf_put(&text, STR("\r\n\r\n"));
	ami_filters_init(&f);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(add(&f, "name(UserEvent),method(contains)", "nothing like it"), 0);
	assert_int_equal(add(&f, "name(UserEvent),method(contains)", "xxx"), 0);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(add(&f, "action(exclude),method(contains)", "nor this"), 0);
	while ((v = ami_filters_step(&f, &m, STR("UserEvent"), buf_view(&text))) == AMI_NOT_YET)
		steps++;
	assert_int_equal(v, AMI_PASSES);
	assert_in_range(steps, 101 * 20000 / AMI_MATCH_BYTES - 5, 101);
	assert_true(ami_filters_pass(&f, STR("UserEvent"), buf_view(&text)));
	assert_int_equal(add(&f, "action(exclude),method(contains)", "xx"), 0);
	assert_false(ami_filters_pass(&f, STR("UserEvent"), buf_view(&text)));
	ami_filters_free(&f);
	buf_free(&text);
}

/* ---- secrets ---------------------------------------------------------- */

static void check_set(const struct option_set *set)
{
	option_each(o, set) {
		bool secret = o->kind == OPTION_SECRET || (o->flags & OPT_PRIVATE);

		if (secret && !secret_option(str_z(o->name)))
			fail_msg("%s: %s is shown", set->file, o->name);
	}
}

/* Whatever a table here calls a secret is one by its name too. */
static void every_secret_option(void **state)
{
	(void)state;
	for (int i = 0; i < OBJECT_TYPES; i++)
		if (object_options((enum object_type)i))
			check_set(object_options((enum object_type)i));
	for (unsigned i = 0; manager_conf_options(i); i++)
		check_set(manager_conf_options(i));
	check_set(rtp_conf_options());
}

static void secrets_by_name(void **state)
{
	static const struct { const char *name, *value; bool hidden; } tv[] = {
		{ "password", "x", true }, { "Secret", "x", true }, { "md5_cred", "x", true },
		{ "password_digest", "MD5:1", true }, { "oauth_secret", "x", true }, { "refresh_token", "x", true },
		{ "inbound_auth/password", "x", true }, { "outbound_auth/oauth_secret", "x", true },
		{ "dbpass", "x", true }, { "admin_pin", "1", true }, { "turnpassword", "x", true }, { "auth_token", "x", true },
		{ "register", "u:p@host", true }, { "key", "x", true }, { "uri", "postgres://u:p@host/db", true },
		{ "uri", "https://host/a:b@c", false }, { "server_uri", "sip:u@host", false }, { "username", "x", false },
		{ "priv_key_file", "/k.pem", false }, { "tlsprivatekey", "x", false }, { "type", "auth", false },
		{ "password", "", false }, { "callerid", "\"a\" <1>", false }, { "context", "x", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct str got = secret_value(str_z(tv[i].name), str_z(tv[i].value));

		if (str_eq(got, STR("***")) != tv[i].hidden || (!tv[i].hidden && !str_eq(got, str_z(tv[i].value))))
			fail_msg("%s=%s: %.*s", tv[i].name, tv[i].value, STR_ARG(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers), cmocka_unit_test(several), cmocka_unit_test(long_lines),
		cmocka_unit_test(many_lines), cmocka_unit_test(patterns), cmocka_unit_test(one_filter), cmocka_unit_test(filters_together),
		cmocka_unit_test(filters_in_steps), cmocka_unit_test(every_secret_option), cmocka_unit_test(secrets_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
