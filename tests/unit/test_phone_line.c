/* A line that is typed: keys, history, and what is drawn. */
#include "phone/line.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static enum line_key type(struct line *l, const char *keys)
{
	enum line_key k = LINE_NOTHING;

	for (; *keys; keys++) {
		k = line_feed(l, *keys);
		if (l->text.err)
			GOT(NULL);
	}
	return k;
}

static void expect(struct line *l, const char *text, size_t at)
{
	struct str s = buf_view(&l->text);

	if (!str_eq(s, str_z(text)) || l->at != at)
		print_error("'%.*s' at %zu\n", STR_ARG(s), l->at);
	assert_true(str_eq(s, str_z(text)) && l->at == at);
}

static void keys(void **state)
{
	struct line l = { 0 };

	(void)state;
	assert_int_equal(type(&l, "call 600"), LINE_CHANGED);
	expect(&l, "call 600", 8);
	type(&l, "\x01" "re");
	expect(&l, "recall 600", 2);
	type(&l, "\033[C\033[D\033[C\b");
	expect(&l, "reall 600", 2);
	type(&l, "\x05\x17");
	expect(&l, "reall ", 6);
	type(&l, "\033[H\033[3~");
	expect(&l, "eall ", 0);
	type(&l, "\033[4~x\033OD\x0b");
	expect(&l, "eall ", 5);
	type(&l, "\x15");
	expect(&l, "", 0);
	assert_int_equal(type(&l, "\x04"), LINE_END);
	assert_int_equal(type(&l, "\x03"), LINE_INTERRUPT);
	assert_int_equal(type(&l, "\t"), LINE_TAB);
	assert_int_equal(type(&l, "a\r"), LINE_DONE);
	line_free(&l);
}

/* A letter of several bytes is one. */
static void letters(void **state)
{
	struct line l = { 0 };

	(void)state;
	type(&l, "a\xc3\xa4z\033[D\033[D");
	expect(&l, "a\xc3\xa4z", 1);
	type(&l, "\033[3~");
	expect(&l, "az", 1);
	type(&l, "\xe2\x82\xac\x7f");
	expect(&l, "az", 1);
	line_free(&l);
}

static void enter(struct line *l, const char *keys)
{
	assert_int_equal(type(l, keys), LINE_CHANGED);
	assert_int_equal(type(l, "\r"), LINE_DONE);
	line_next(l);
}

static void history(void **state)
{
	struct line l = { 0 };
	char word[16];

	(void)state;
	enter(&l, "one");
	enter(&l, "two");
	enter(&l, "two");
	if (l.n != 2)
		GOT(NULL);
	type(&l, "\033[A");
	expect(&l, "two", 3);
	type(&l, "\033[A\033[A");
	expect(&l, "one", 3);
	type(&l, "\033[B\033[B");
	expect(&l, "", 0);
	for (unsigned i = 0; i < LINE_HISTORY + 5; i++) {
		snprintf(word, sizeof(word), "%u", i);
		enter(&l, word);
	}
	if (l.n == LINE_HISTORY)
		assert_string_equal(text_z(&l.history[LINE_HISTORY - 1]), "104");
	line_free(&l);
}

static void drawn(void **state)
{
	struct line l = { 0 };
	struct buf b = BUF_INIT;

	(void)state;
	type(&l, "abc\033[D");
	line_draw(&b, &l, STR("> "), 80);
	if (buf_err(&b))
		GOT(NULL);
	assert_string_equal(buf_z(&b), "\r\033[K> abc\033[1D");
	buf_reset(&b);
	type(&l, "\x15\x0b" "0123456789abcdefghij");
	line_draw(&b, &l, STR("> "), 16);
	/* The end of it, with room for the cursor. */
	assert_string_equal(buf_z(&b), "\r\033[K> 89abcdefghij");
	buf_free(&b);
	line_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys), cmocka_unit_test(letters), cmocka_unit_test(history), cmocka_unit_test(drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
