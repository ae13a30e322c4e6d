/* The option tables: each kind of row, what it refuses, and what is said then. */
#include "config/option.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { RED, GREEN };

struct thing {
	struct str name, text;
	struct secret key;
	struct str_list list, more, whole;
	double d;
	int32_t i;
	uint32_t u;
	uint8_t colour;
	bool b, yes;
};

static const struct option_choice colours[] = {
	{ "red", RED }, { "no", RED }, { "green", GREEN }, { "yes", GREEN }, { NULL, 0 } };

static const struct option rows[] = {
	OPT_BOOL(struct thing, b, "yes", 0, "A bool."),
	OPT_BOOL(struct thing, yes, NULL, OPT_YESNO, "A bool shown as a word."),
	OPT_INT(struct thing, i, "-1", -5, 5, NULL, 0, "An int."),
	OPT_UINT(struct thing, u, "10", 2, 4294967295.0, "s", 0, "A uint."),
	OPT_DOUBLE(struct thing, d, "3.0", 0, 10, "s", 0, "A double."),
	OPT_STR(struct thing, text, "some | text", 0, "A text."),
	OPT_SECRET(struct thing, key, 0, "A secret."),
	OPT_ENUM(struct thing, colour, colours, "green", OPT_LATER, "A choice."),
	OPT_LIST(struct thing, list, "x,y", 0, "A list."),
	OPT_LIST(struct thing, more, "z", OPT_ADD, "A list that adds up."),
	OPT_LIST(struct thing, whole, NULL, OPT_ADD | OPT_WHOLE, "A list of lines."),
	{ .name = "old_name", .aliases = "oldest older", .kind = OPTION_UINT, .offset = OPT_AT(struct thing, u, uint32_t),
	  .max = 9, .help = "An alias.", .flags = OPT_HIDDEN },
	OPT_NONE("ignored", NULL, 0, "Nothing."),
};
static const struct option_set set = {
	.type = "thing", .file = "thing.conf", .help = "A thing.", .rows = rows, .n = ARRAY_LEN(rows),
	.size = sizeof(struct thing),
};

struct fixture {
	struct option_ctx ctx;
	struct option_index *i;
	struct thing t;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ctx.arena = GOT(arena_new(0));
	f->ctx.intern = GOT(intern_new(f->ctx.arena));
	assert_non_null(f->ctx.intern);
	assert_int_equal(option_index_new(&f->i, &set, &f->ctx), 0);
	option_begin(f->i, &f->ctx, &f->t);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	option_index_free(f->i);
	intern_free(f->ctx.intern);
	arena_free(f->ctx.arena);
	free(f);
	return 0;
}

static int put(struct fixture *f, const char *name, const char *value)
{
	return option_apply(f->i, &f->ctx, &f->t, str_z(name), str_z(value));
}

static void shows(struct fixture *f, const char *name, const char *want)
{
	struct buf b = BUF_INIT;

	option_write(&b, option_find(f->i, str_z(name)), &f->t, false);
	assert_string_equal(buf_z(&b), want);
	buf_free(&b);
}

static void defaults(void **state)
{
	struct fixture *f = *state;

	shows(f, "b", "true");
	shows(f, "yes", "no");
	shows(f, "i", "-1");
	shows(f, "u", "10");
	shows(f, "d", "3.000000");
	shows(f, "text", "some | text");
	shows(f, "key", "");
	shows(f, "colour", "green");
	shows(f, "list", "x,y");
	shows(f, "more", "z");
	shows(f, "whole", "");
	assert_non_null(f->t.key.s.p);
}

static void values(void **state)
{
	static const struct {
		const char *name, *value;
		int err;
		const char *shown;      /* or the reason, on EBADMSG */
	} tv[] = {
		{ "b", "off", 0, "false" },
		{ "B", "TRUE", 0, "true" },
		{ "b", "maybe", EBADMSG, "'maybe' is neither yes nor no" },
		{ "b", "", EBADMSG, "'' is neither yes nor no" },
		{ "yes", "1", 0, "yes" },
		{ "i", "5", 0, "5" },
		{ "i", "-5", 0, "-5" },
		{ "i", "6", EBADMSG, "6 is not within -5..5" },
		{ "i", "5x", EBADMSG, "'5x' is not a whole number" },
		{ "i", "99999999999999999999", EBADMSG, "99999999999999999999 is not within -5..5" },
		{ "u", "4294967295", 0, "4294967295" },
		{ "u", "4294967296", EBADMSG, "4294967296 is not within 2..4294967295" },
		{ "u", "1", EBADMSG, "1 is not within 2..4294967295" },
		{ "u", "-2", EBADMSG, "-2 is not within 2..4294967295" },
		{ "u", "", EBADMSG, "'' is not a whole number" },
		{ "older", "7", 0, "7" },
		{ "d", "0.5", 0, "0.500000" },
		{ "d", "nan", EBADMSG, "'nan' is not a number" },
		{ "d", "11", EBADMSG, "11 is not within 0..10" },
		{ "text", "", 0, "" },
		{ "key", "hush", 0, "***" },
		{ "colour", "RED", 0, "red" },
		{ "colour", "1", 0, "green" },
		{ "colour", "blue", EBADMSG, "'blue' is not one of red, no, green, yes" },
		{ "list", " a , b,,c ", 0, "a,b,c" },
		{ "list", "d", 0, "d" },
		{ "list", "", 0, "" },
		{ "list", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", 0, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17" },
		{ "more", "a,b", 0, "a,b" },
		{ "more", "c", 0, "a,b,c" },
		{ "whole", "a,b", 0, "a,b" },
		{ "whole", "c", 0, "a,b,c" },
		{ "ignored", "what", 0, "" },
		{ "nothing", "x", ENOENT, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		int err = put(f, tv[i].name, tv[i].value);

		if (err != tv[i].err)
			fail_msg("%s=%s gave %d", tv[i].name, tv[i].value, err);
		if (!err)
			shows(f, tv[i].name, tv[i].shown);
		if (err == EBADMSG)
			assert_string_equal(f->ctx.why, tv[i].shown);
	}
	assert_int_equal(f->t.whole.n, 2);
}

/* A bad line leaves the field as it was. */
static void bad_keeps(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, "u", "x"), EBADMSG);
	assert_int_equal(f->t.u, 10);
	assert_int_equal(put(f, "colour", "x"), EBADMSG);
	assert_int_equal(f->t.colour, GREEN);
}

static void interning(void **state)
{
	struct fixture *f = *state;
	struct str first;
	const struct str *v;

	put(f, "text", "same");
	put(f, "list", "p,q");
	first = f->t.text;
	v = f->t.list.v;
	option_begin(f->i, &f->ctx, &f->t);
	put(f, "text", "same");
	put(f, "list", "p, q");
	assert_ptr_equal(f->t.text.p, first.p);
	assert_ptr_equal(f->t.list.v, v);
	assert_int_equal(f->t.text.p[4], 0);
}

static void names(void **state)
{
	struct fixture *f = *state;
	struct buf b = BUF_INIT;

	assert_true(str_eq(option_nearest(f->i, STR("colur")), STR("colour")));
	assert_true(str_eq(option_nearest(f->i, STR("ignroed")), STR("ignored")));
	assert_true(str_empty(option_nearest(f->i, STR("something_else"))));
	option_camel(&b, "qualify_2xx_only");
	assert_string_equal(buf_z(&b), "Qualify2xxOnly");
	buf_reset(&b);
	option_camel(&b, "100rel");
	assert_string_equal(buf_z(&b), "100rel");
	buf_free(&b);
}

static void sections(void **state)
{
	static const char *const want[] = {
		"t.conf:2: thing 'a': unknown option 'colur'; did you mean 'colour'?",
		"t.conf:3: thing 'a': U: '-' is not a whole number",
		"t.conf:4: thing 'a': unknown option 'completely_other'",
	};
	struct fixture *f = *state;
	struct config_prm prm = { 0 };
	struct config *c = NULL;
	struct report *r = GOT(report_new());
	const struct config_section *s;

	config_parse(&c, &prm, STR("t.conf"), STR("[a]\ncolur=red\nU=-\ncompletely_other=1\ntype=thing\n@x=1\n"
		"[ok]\nu=3\n@y=2\n"), r);
	s = config_first(c);
	assert_int_equal(option_apply_section(f->i, &f->ctx, &f->t, c, s, r), EBADMSG);
	assert_int_equal(report_count(r), ARRAY_LEN(want));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct buf b = BUF_INIT;

		report_write(&b, report_at(r, i));
		assert_string_equal(buf_z(&b), want[i]);
		buf_free(&b);
	}
	assert_int_equal(option_apply_section(f->i, &f->ctx, &f->t, c, config_next(s), r), 0);
	assert_int_equal(f->t.u, 3);
	assert_true(f->t.b);
	config_free(c);
	report_free(r);
}

static void texts(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	option_markdown(&b, &set);
	assert_true(str_find(buf_view(&b), STR("| `u` | 2..4294967295 s | `10` | A uint. |\n")) < b.n);
	assert_true(str_find(buf_view(&b), STR("| `text` | text | `some | text` |")) == b.n);
	assert_true(str_find(buf_view(&b), STR("A choice. *Not yet.* |\n")) < b.n);
	assert_true(str_find(buf_view(&b), STR("`old_name` (`oldest older`)")) < b.n);
	buf_reset(&b);
	option_help(&b, &set, &rows[4]);
	assert_true(str_starts(buf_view(&b), STR("[thing] d\n\nA double.\n")));
	assert_true(str_find(buf_view(&b), STR("0..10 s\n")) < b.n);
	buf_free(&b);
}

/* A row whose default does not parse is found when the table is made. */
static void broken_table(void **state)
{
	static const struct option bad[] = { OPT_UINT(struct thing, u, "nine", 0, 9, NULL, 0, "Bad.") };
	struct option_set s = set;
	struct fixture *f = *state;
	struct option_index *i = NULL;

	s.rows = bad;
	s.n = 1;
	assert_int_equal(option_index_new(&i, &s, &f->ctx), EBADMSG);
	assert_null(i);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(defaults), T(values), T(bad_keeps), T(interning), T(names), T(sections), T(texts), T(broken_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
