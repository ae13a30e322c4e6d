/* SIP messages as a ladder. */
#include "phone/ladder.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <time.h>

#define INVITE "INVITE sip:600@example.com SIP/2.0\r\nVia: SIP/2.0/UDP a\r\ni: a84b4c76e66710\r\nCSeq: 4711 INVITE\r\n" \
	"c: application/sdp\r\nl: 312\r\n\r\nv=0\r\n"

static void expect(const struct ladder *l, bool sent, const char *message, const char *line)
{
	struct buf b = BUF_INIT;

	ladder_write(&b, l, sent, INT64_C(1700000001123000), str_z(message));
	if (buf_err(&b))
		GOT(NULL);
	assert_string_equal(buf_z(&b), line);
	buf_free(&b);
}

static void requests_and_responses(void **state)
{
	const struct ladder l = { .ascii = true, .width = 95 };

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	expect(&l, true, INVITE,
	       "22:13:21.123 |--- INVITE sip:600@example.com -------->| 4711 INVITE  a84b4c76  application/sdp 312");
	expect(&l, false, "SIP/2.0 180 Ringing\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
	       "22:13:21.123 |<----------------------- 180 Ringing ---| 1 INVITE  x");
	expect(&l, true, "OPTIONS sip:a-host-whose-name-is-much-too-long-for-a-ladder.example.com SIP/2.0\r\n\r\n",
	       "22:13:21.123 |--- OPTIONS sip:a-host-whose-name-is-m >|   ");
}

static void colour_tells_what_it_is(void **state)
{
	static const struct {
		const char *message, *colour;
	} v[] = {
		{ INVITE, "\033[1;36m" }, { "SIP/2.0 100 Trying\r\n\r\n", "\033[33m" }, { "SIP/2.0 200 OK\r\n\r\n", "\033[32m" },
		{ "SIP/2.0 302 Moved\r\n\r\n", "\033[35m" }, { "SIP/2.0 486 Busy Here\r\n\r\n", "\033[31m" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct buf b = BUF_INIT;

		ladder_write(&b, &(struct ladder){ .colour = true }, false, 0, str_z(v[i].message));
		if (buf_err(&b))
			GOT(NULL);
		assert_non_null(strstr(buf_z(&b), v[i].colour));
		assert_non_null(strstr(buf_z(&b), "\033[0m"));
		buf_free(&b);
	}
}

/* A peer writes nothing to the terminal but what it says. */
static void no_escape_gets_through(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	ladder_write(&b, &(struct ladder){ .ascii = true }, false, 0,
		     STR("SIP/2.0 200 \033]0;pwned\a\r\nCall-ID: \033[2J\r\nCSeq: \b\b\b\r\n\r\n"));
	if (buf_err(&b))
		GOT(NULL);
	for (size_t i = 0; i < b.n; i++)
		assert_true((unsigned char)b.p[i] >= ' ');
	buf_free(&b);
}

static void what_a_terminal_is_shown(void **state)
{
	static const struct {
		struct str in, utf8, ascii;
	} v[] = {
		{ STR_INIT("Gr\xc3\xbc\xc3\x9f" "e \\o/"), STR_INIT("Gr\xc3\xbc\xc3\x9f" "e \\o/"),
		  STR_INIT("Gr\\xc3\\xbc\\xc3\\x9fe \\o/") },
		{ STR_INIT("\xc2\x9b" "2J\xc2\xa9"), STR_INIT("\\xc2\\x9b2J\xc2\xa9"), STR_INIT("\\xc2\\x9b2J\\xc2\\xa9") },
		{ STR_INIT("\x9b" "2J\033[m\x7f\xe2\x82"), STR_INIT("\\x9b2J\\x1b[m\\x7f\\xe2\\x82"),
		  STR_INIT("\\x9b2J\\x1b[m\\x7f\\xe2\\x82") },
		{ STR_INIT("\xf0\x9f\x93\x9e"), STR_INIT("\xf0\x9f\x93\x9e"), STR_INIT("\\xf0\\x9f\\x93\\x9e") },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v); i++) {
		struct buf a = BUF_INIT, b = BUF_INIT;

		ladder_escape(&a, v[i].in, false);
		ladder_escape(&b, v[i].in, true);
		if (buf_err(&a) || buf_err(&b))
			GOT(NULL);
		assert_string_equal(buf_z(&a), v[i].utf8.p);
		assert_string_equal(buf_z(&b), v[i].ascii.p);
		buf_free(&a);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_responses), cmocka_unit_test(colour_tells_what_it_is), cmocka_unit_test(no_escape_gets_through),
		cmocka_unit_test(what_a_terminal_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
