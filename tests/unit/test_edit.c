/* Changes of a configuration file: what changes, and that nothing else does. */
#include "config/edit.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static const char before[] =
	"; head\n"
	"\n"
	"[base](!)\n"
	"a = 1      ; one\n"
	"\n"
	"; about x\n"
	"[x](base)\n"
	"b => 2\n"
	";-- a = 9\n"
	"--;\n"
	"c=\"3\\;4\"\n"
	"b = 5\n"
	"\n"
	"; about y\n"
	"[y]\n"
	"k = v\n"
	"[y]\n"
	"k = w\n";

static struct edit *open_text(const char *text)
{
	struct config_prm prm = { .dir = "/nowhere" };
	struct config *c = NULL;
	struct edit *e = NULL;

	assert_int_equal(config_parse(&c, &prm, STR("a.conf"), str_z(text), NULL), 0);
	assert_int_equal(edit_new(&e, str_z(text), c), 0);
	config_free(c);
	return e;
}

/* What it has become; and it can still be read. */
static void close_text(struct edit *e, const char *want)
{
	struct config_prm prm = { .dir = "/nowhere" };
	struct config *c = NULL;
	struct buf b = BUF_INIT;

	assert_int_equal(edit_write(e, &b), 0);
	assert_string_equal(buf_z(&b), want);
	assert_int_equal(config_parse(&c, &prm, STR("a.conf"), buf_view(&b), NULL), 0);
	config_free(c);
	buf_free(&b);
	edit_free(e);
}

/* `want`: what of `before` from [x] on is different. */
static void becomes(struct edit *e, const char *from, const char *to)
{
	struct buf b = BUF_INIT;
	size_t at = str_find(str_z(before), str_z(from));

	assert_true(at < sizeof(before) - 1);
	buf_puts(&b, str_mk(before, at), str_z(to), str_z(before + at + strlen(from)));
	close_text(e, buf_z(&b));
	buf_free(&b);
}

static const struct edit_where x = { STR_INIT("X"), { NULL, 0 } }, y = { STR_INIT("y"), { NULL, 0 } },
	y2 = { STR_INIT("y"), STR_INIT("k=w") }, none = { STR_INIT("z"), { NULL, 0 } },
	base = { STR_INIT("base"), STR_INIT("TEMPLATES=restrict") }, hidden = { STR_INIT("base"), { NULL, 0 } };

static void variables(void **state)
{
	struct edit *e;

	(void)state;
	becomes(open_text(before), "[x]", "[x]");
	e = open_text(before);
	assert_int_equal(edit_set(e, &x, STR("B"), STR("7;8"), STR_NULL, false), 0);
	becomes(e, "b => 2\n", "b => 7\\;8\n");
	e = open_text(before);
	assert_int_equal(edit_set(e, &x, STR("b"), STR("7"), STR("5"), true), 0);
	becomes(e, "b = 5\n", "b => 7\n");
	e = open_text(before);
	assert_int_equal(edit_set(e, &base, STR("a"), STR("2"), STR_NULL, false), 0);
	becomes(e, "a = 1      ; one\n", "a = 2 ; one\n");
	e = open_text(before);
	assert_int_equal(edit_set(e, &y2, STR("k"), STR("z"), STR_NULL, false), 0);
	becomes(e, "k = w\n", "k = z\n");
	e = open_text(before);
	assert_int_equal(edit_set(e, &y, STR("k"), STR("z"), STR_NULL, false), 0);
	becomes(e, "k = v\n[y]\nk = w\n", "k = z\n[y]\nk = z\n");
	e = open_text(before);
	assert_int_equal(edit_append(e, &x, STR("d"), STR("6"), true), 0);
	becomes(e, "b = 5\n", "b = 5\nd => 6\n");
	/* Places: the template's one is 0. */
	e = open_text(before);
	assert_int_equal(edit_insert(e, &x, STR("d"), STR("6"), 2), 0);
	becomes(e, "c=", "d = 6\nc=");
	e = open_text(before);
	assert_int_equal(edit_insert(e, &x, STR("d"), STR("6"), 99), 0);
	becomes(e, "b = 5\n", "b = 5\nd = 6\n");
	e = open_text(before);
	assert_int_equal(edit_delete(e, &x, STR_NULL, STR_NULL, 1), 0);
	becomes(e, "b => 2\n", "");
	e = open_text(before);
	assert_int_equal(edit_delete(e, &x, STR("b"), STR("5"), -1), 0);
	becomes(e, "b = 5\n", "");
	e = open_text(before);
	assert_int_equal(edit_delete(e, &x, STR("b"), STR_NULL, -1), 0);
	assert_int_equal(edit_delete(e, &x, STR("c"), STR_NULL, -1), 0);
	becomes(e, "b => 2\n;-- a = 9\n--;\nc=\"3\\;4\"\nb = 5\n", ";-- a = 9\n--;\n");
}

static void refusals(void **state)
{
	static const char *const names[] = { "", "#include", "a=b", "a;b", "[a", "a\nb", "a]" };
	struct edit *e = open_text(before);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(edit_append(e, &x, str_z(names[i]), STR("1"), false), EINVAL);
		assert_int_equal(edit_set(e, &x, str_z(names[i]), STR("1"), STR_NULL, false), EINVAL);
		assert_int_equal(edit_insert(e, &x, str_z(names[i]), STR("1"), 0), EINVAL);
	}
	assert_int_equal(edit_append(e, &x, STR("a"), STR("1\n[z]"), false), EINVAL);
	assert_int_equal(edit_set(e, &x, STR("n"), STR("1"), STR_NULL, false), ESRCH);
	assert_int_equal(edit_set(e, &x, STR("b"), STR("1"), STR("3"), false), ESRCH);
	assert_int_equal(edit_set(e, &none, STR("b"), STR("1"), STR_NULL, false), ENOENT);
	assert_int_equal(edit_set(e, &hidden, STR("a"), STR("1"), STR_NULL, false), ENOENT);
	assert_int_equal(edit_delete(e, &x, STR("n"), STR_NULL, -1), ESRCH);
	assert_int_equal(edit_delete(e, &x, STR_NULL, STR_NULL, 0), ESRCH);     /* the template's */
	assert_int_equal(edit_append(e, &none, STR("a"), STR("1"), false), ENOENT);
	assert_int_equal(edit_section_delete(e, &none), ENOENT);
	assert_int_equal(edit_section_empty(e, &none), ENOENT);
	assert_int_equal(edit_section_rename(e, &none, STR("a")), ENOENT);
	assert_int_equal(edit_section_rename(e, &x, STR("a]")), EINVAL);
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("x") }), EEXIST);
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("n"), .before = STR("m") }), ENOENT);
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("n"), .bases = &STR("x"), .nbases = 1 }), EDOM);
	becomes(e, "[x]", "[x]");
}

static void sections(void **state)
{
	const struct str bases[] = { STR("base") };
	struct edit *e;

	(void)state;
	e = open_text(before);
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("z"), .bases = bases, .nbases = 1 }), 0);
	assert_int_equal(edit_append(e, &none, STR("a"), STR("2"), false), 0);
	becomes(e, "k = w\n", "k = w\n\n[z](base)\na = 2\n");
	e = open_text(before);
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("z"), .before = STR("y"), .is_template = true }), 0);
	becomes(e, "; about y\n", "[z](!)\n\n; about y\n");
	e = open_text(before);
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("x"), .again = true }), 0);
	becomes(e, "k = w\n", "k = w\n\n[x]\n");
	e = open_text(before);
	assert_int_equal(edit_section_rename(e, &x, STR("new")), 0);
	becomes(e, "[x](base)", "[new](base)");
	e = open_text(before);
	assert_int_equal(edit_section_delete(e, &x), 0);
	becomes(e, "; about x\n[x](base)\nb => 2\n;-- a = 9\n--;\nc=\"3\\;4\"\nb = 5\n", "");
	e = open_text(before);
	assert_int_equal(edit_section_delete(e, &y2), 0);
	becomes(e, "[y]\nk = w\n", "");
	e = open_text(before);
	assert_int_equal(edit_section_empty(e, &x), 0);
	becomes(e, "b => 2\n;-- a = 9\n--;\nc=\"3\\;4\"\nb = 5\n", "");
	e = open_text("");
	assert_int_equal(edit_section_add(e, &(struct edit_section){ .name = STR("a") }), 0);
	close_text(e, "[a]\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(variables), cmocka_unit_test(refusals), cmocka_unit_test(sections) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
