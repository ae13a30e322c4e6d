/* The .conf reader: every rule of the file format, and what it refuses. */
#include "config/reader.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* What a configuration holds, as text: "[a]x=1;y>2;[b]..." where > marks =>. */
static char *flat(const struct config *c)
{
	struct buf b = BUF_INIT;

	for (const struct config_section *s = config_first(c); s; s = config_next(s)) {
		buf_printf(&b, "[%.*s]", STR_ARG(s->name));
		for (const struct config_var *v = s->first; v; v = v->next)
			buf_printf(&b, "%.*s%c%.*s;", STR_ARG(v->name), v->arrow ? '>' : '=', STR_ARG(v->value));
	}
	return buf_take(&b);
}

static const struct {
	const char *what, *text;
	int err;
	const char *flat;       /* NULL: not compared */
} tv[] = {
	{ "plain", "[a]\nx=1\n y = 2 \n", 0, "[a]x=1;y=2;" },
	{ "no newline at the end", "[a]\nx=1", 0, "[a]x=1;" },
	{ "crlf", "[a]\r\nx=1\r\n", 0, "[a]x=1;" },
	{ "arrow", "[a]\nexten => 1,1,NoOp()\n", 0, "[a]exten>1,1,NoOp();" },
	{ "arrow only at once", "[a]\nx= >1\n", 0, "[a]x=>1;" },
	{ "empty value", "[a]\nx=\n", 0, "[a]x=;" },
	{ "value with equals", "[a]\nx=a=b\n", 0, "[a]x=a=b;" },
	{ "bom", "\xEF\xBB\xBF[a]\nx=1\n", 0, "[a]x=1;" },
	{ "order and repeats", "[a]\nx=1\nx=2\n[a]\nx=3\n", 0, "[a]x=1;x=2;[a]x=3;" },
	{ "comment", "[a] ; one\nx=1 ; two\n;x=2\n", 0, "[a]x=1;" },
	{ "escaped semicolon", "[a]\nx=1\\;2 ; c\n", 0, "[a]x=1;2;" },
	{ "two escaped semicolons", "[a]\nx=\\;\\;\n", 0, "[a]x=;;;" },
	{ "block over lines", "[a]\nx=1\n;--\nx=2\n--;\nx=3\n", 0, "[a]x=1;x=3;" },
	{ "block in a line", "[a]\nx=1 ;-- no --; 2\n", 0, "[a]x=1  2;" },
	{ "two blocks in a line", "[a]\nx=1;-- a --;2;-- b --;3\n", 0, "[a]x=123;" },
	{ "block and comment", "[a]\nx=1;-- a --;2 ; c\n", 0, "[a]x=12;" },
	{ "nested blocks", "[a]\n;-- 1 ;-- 2 --; 3\nx=2\n--;\nx=3\n", 0, "[a]x=3;" },
	{ "text after a block", "[a]\n;--\n--; x=4\n", 0, "[a]x=4;" },
	{ "text before a block", "[a]\nx=5 ;-- begins\nx=6\n--;\n", 0, "[a]x=5;" },
	{ ";--- is a comment", "[a]\nx=1 ;--- not a block\ny=2\n", 0, "[a]x=1;y=2;" },
	{ "--; closes nothing", "[a]\nx=1 --; c\ny=2\n", 0, "[a]x=1 --;y=2;" },
	{ "comment inside a block", "[a]\n;-- ; x=1 --;\ny=2\n", 0, "[a]y=2;" },
	{ "block not ended", "[a]\nx=1\n;--\ny=2\n", 0, "[a]x=1;" },
	{ "leading backslash", "[a]\n\\[x]=1\n\\#y=2\n", 0, "[a][x]=1;#y=2;" },
	{ "backslash equals", "[a]\n\\=x=1\n", 0, "[a]=x=1;" },
	{ "backslash and nothing", "[a]\n\\\n", EBADMSG, NULL },
	{ "before a section", "x=1\n[a]\n", EBADMSG, NULL },
	{ "comment before a section", ";x=1\n[a]\n", 0, "[a]" },
	{ "no bracket", "[a\nx=1\n", EBADMSG, NULL },
	{ "no parenthesis", "[a](!\n", EBADMSG, NULL },
	{ "no equals", "[a]\nx\ny=1\n", 0, "[a]y=1;" },
	{ "no name", "[a]\n=1\ny=1\n", 0, "[a]y=1;" },
	{ "template", "[t](!)\nx=1\n[a](t)\ny=2\n", 0, "[a]x=1;y=2;" },
	{ "two templates", "[t](!)\nx=1\n[u](!)\nx=2\nz=3\n[a](t,u)\ny=2\n", 0, "[a]x=1;x=2;z=3;y=2;" },
	{ "blanks between templates", "[t](!)\nx=1\n[u](!)\nz=3\n[a](t, u)\n", 0, "[a]x=1;z=3;" },
	{ "template of a template", "[t](!)\nx=1\n[u](!,t)\ny=2\n[a](u)\n", 0, "[a]x=1;y=2;" },
	{ "a section as template", "[t]\nx=1\n[a](t)\n", 0, "[t]x=1;[a]x=1;" },
	{ "names fold case", "[Tpl](!)\nx=1\n[a](tPL)\n", 0, "[a]x=1;" },
	{ "template unknown", "[a](t)\n", EBADMSG, NULL },
	{ "template below", "[a](t)\n[t](!)\n", EBADMSG, NULL },
	{ "template is as it was", "[t](!)\nx=1\n[a](t)\n[t](+)\n", EBADMSG, NULL },
	{ "blank before (!)", "[t] (!)\nx=1\n", 0, "[t]x=1;" },
	{ "append", "[a]\nx=1\n[b]\ny=2\n[a](+)\nz=3\n", 0, "[a]x=1;z=3;[b]y=2;" },
	{ "append to none", "[a](+)\nx=1\n", EBADMSG, NULL },
	{ "append and inherit", "[t](!)\nq=9\n[a]\nx=1\n[a](+,t)\nz=3\n", 0, "[a]x=1;q=9;z=3;" },
	{ "append with a template's name", "[t](!)\nq=9\n[a]\nx=1\n[a](+t)\nz=3\n", 0, "[a]x=1;q=9;z=3;" },
	{ "append to a template", "[t](!)\nx=1\n[t](+TEMPLATES=restrict)\ny=2\n[a](t)\n", 0, "[a]x=1;y=2;" },
	{ "append by a value", "[a]\ntype=one\n[a]\ntype=two\n[a](+type=two)\nz=3\n", 0,
	  "[a]type=one;[a]type=two;z=3;" },
	{ "plus equals", "[a]\nx = a\nx += b\n", 0, "[a]x=a b;" },
	{ "plus equals, no blank", "[a]\nx=a\nx+=b\n", 0, "[a]x=ab;" },
	{ "plus equals, the last", "[a]\nx=a\nx=b\nx+=c\n", 0, "[a]x=a;x=bc;" },
	{ "plus equals, none yet", "[a]\nx += b\n", 0, "[a]x=b;" },
	{ "plus equals on a template's", "[t](!)\nx=a\n[a](t)\nx+=b\n[b](t)\n", 0, "[a]x=ab;[b]x=a;" },
	{ "plus equals minds the case", "[a]\nX=a\nx+=b\n", 0, "[a]X=a;x=b;" },
	{ "odd directive", "[a]\n#pragma x\ny=1\n", 0, "[a]y=1;" },
	{ "include without a directory", "[a]\n#include x.conf\n", EBADMSG, NULL },
	{ "tryinclude without a directory", "[a]\n#tryinclude x.conf\ny=1\n", 0, "[a]y=1;" },
	{ "exec is off", "[a]\n#exec /bin/false\ny=1\n", 0, "[a]y=1;" },
	{ "blanks in a name", "[ a ]\nx y = 1\n", 0, "[ a ]x y=1;" },
	{ "nothing", "", 0, "" },
};

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct config_prm prm = { 0 };
		struct config *c = NULL;
		struct report *r = GOT(report_new());
		int err = config_parse(&c, &prm, STR("t.conf"), str_z(tv[i].text), r);
		char *got;

		if (err != tv[i].err)
			fail_msg("%s: gave %d, not %d", tv[i].what, err, tv[i].err);
		if (err) {
			assert_null(c);
			assert_int_equal(report_errors(r), 1);
		} else {
			got = flat(c);
			if (strcmp(got ? got : "", tv[i].flat))
				fail_msg("%s: gave %s, not %s", tv[i].what, got, tv[i].flat);
			free(got);
		}
		config_free(c);
		report_free(r);
	}
}

/* Lines around the limit: 8190 bytes are read, 8191 are skipped. */
static void long_lines(void **state)
{
	struct config_prm prm = { 0 };

	(void)state;
	for (size_t n = CONFIG_LINE_MAX - 1; n <= CONFIG_LINE_MAX + 1; n++) {
		struct buf b = BUF_INIT;
		struct config *c = NULL;
		struct report *r = GOT(report_new());
		const struct config_section *s;

		buf_put(&b, STR("[a]\nx="));
		memset(buf_room(&b, n - 2), 'v', n - 2);
		b.n += n - 2;
		buf_put(&b, STR("\ny=1\n"));
		assert_int_equal(config_parse(&c, &prm, STR("t"), buf_view(&b), r), 0);
		s = config_section_get(c, STR("a"));
		assert_int_equal(config_var_get(s, STR("x")) != NULL, n < CONFIG_LINE_MAX);
		assert_int_equal(report_count(r), n >= CONFIG_LINE_MAX);
		assert_int_equal(config_var_get(s, STR("y"))->line, 3);
		config_free(c);
		report_free(r);
		buf_free(&b);
	}
}

static void lines_and_lookups(void **state)
{
	struct config_prm prm = { 0 };
	struct config *c = NULL;
	const struct config_section *a;
	const struct config_var *v;
	struct report *r = GOT(report_new());
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(config_parse(&c, &prm, STR("x.conf"),
		STR("[t](!)\nk=1\n\n[A](t)\nK=2\n[b]\n"), r), 0);
	a = config_section_get(c, STR("a"));
	assert_non_null(a);
	assert_int_equal(a->line, 4);
	assert_null(config_section_get(c, STR("t")));
	v = config_var_get(a, STR("k"));
	assert_int_equal(v->line, 5);
	assert_false(v->inherited);
	assert_int_equal(a->first->line, 2);
	assert_true(a->first->inherited);
	assert_true(str_eq(config_value(a, STR("none"), STR("else")), STR("else")));
	assert_true(str_eq(config_value(NULL, STR("k"), STR("else")), STR("else")));
	config_fault(c, v, r, REPORT_ERROR, "bad\x01 %s", "value");
	report_write(&b, report_at(r, 0));
	assert_string_equal(buf_z(&b), "x.conf:5: bad\\x01 value");
	buf_free(&b);
	config_free(c);
	report_free(r);
}

struct dir {
	char path[64];
};

static void put(struct dir *d, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void drop(struct dir *d, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", d->path, name);
	if (unlink(path))
		rmdir(path);
}

static int in_dir(void **state)
{
	struct dir *d = calloc(1, sizeof(*d));

	snprintf(d->path, sizeof(d->path), "/tmp/sidetone-test-XXXXXX");
	if (!mkdtemp(d->path))
		return -1;
	*state = d;
	return 0;
}

static int out_of_dir(void **state)
{
	struct dir *d = *state;
	static const char *const names[] = { "main.conf", "one.conf", "d/1.conf", "d/2.conf", "d/3.conf", "d" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		drop(d, names[i]);
	rmdir(d->path);
	free(d);
	return 0;
}

static int load(struct dir *d, struct config **c, bool exec, struct report *r)
{
	struct config_prm prm = { .dir = d->path, .exec_includes = exec };

	return config_load(c, &prm, "main.conf", r);
}

static void expect(struct dir *d, bool exec, const char *want)
{
	struct config *c = NULL;
	char *got;

	assert_int_equal(load(d, &c, exec, NULL), 0);
	got = flat(c);
	assert_string_equal(got ? got : "", want);
	free(got);
	config_free(c);
}

static void includes(void **state)
{
	struct dir *d = *state;
	char sub[128];
	struct config *c = NULL;
	struct report *r = GOT(report_new());

	snprintf(sub, sizeof(sub), "%s/d", d->path);
	mkdir(sub, 0700);
	assert_int_equal(load(d, &c, false, r), ENOENT);
	put(d, "one.conf", "y=2\n[b]\nz=3\n");
	put(d, "main.conf", "[a]\nx=1\n#include \"one.conf\"\nw=4\n");
	/* The included file goes on in [a]; what follows the #include does too. */
	expect(d, false, "[a]x=1;y=2;w=4;[b]z=3;");
	put(d, "main.conf", "[a]\n#include <one.conf>\n#tryinclude none.conf\n");
	expect(d, false, "[a]y=2;[b]z=3;");
	put(d, "d/1.conf", "[c]\nx=1\n");
	put(d, "d/2.conf", "x=2\n");
	put(d, "main.conf", "#include d/*.conf\n");
	expect(d, false, "[c]x=1;x=2;");
	put(d, "main.conf", "#include d/{2,1}.conf\n");
	assert_int_equal(load(d, &c, false, r), EBADMSG);
	put(d, "main.conf", "#include none*.conf\n");
	assert_int_equal(load(d, &c, false, r), EBADMSG);
	assert_true(str_ends(report_at(r, report_count(r) - 1)->text, STR("'none*.conf'")));
	put(d, "main.conf", "#include main.conf\n");
	assert_int_equal(load(d, &c, false, r), EBADMSG);
	put(d, "main.conf", "#exec printf '[e]\\nx=1\\n'\n");
	expect(d, false, "");
	expect(d, true, "[e]x=1;");
	report_free(r);
}

static void stamps(void **state)
{
	struct dir *d = *state;
	struct config *c = NULL;
	struct config_stamp *s;
	char sub[128];

	snprintf(sub, sizeof(sub), "%s/d", d->path);
	mkdir(sub, 0700);
	assert_false(config_stamp_holds(NULL));
	put(d, "main.conf", "[a]\n#tryinclude d/*.conf\nx=1\n");
	assert_int_equal(load(d, &c, false, NULL), 0);
	s = config_stamp_new(c);
	config_free(c);
	assert_true(config_stamp_holds(s));
	/* The same bytes written again are no change. */
	put(d, "main.conf", "[a]\n#tryinclude d/*.conf\nx=1\n");
	assert_true(config_stamp_holds(s));
	put(d, "main.conf", "[a]\n#tryinclude d/*.conf\nx=2\n");
	assert_false(config_stamp_holds(s));
	put(d, "main.conf", "[a]\n#tryinclude d/*.conf\nx=1\n");
	assert_true(config_stamp_holds(s));
	/* A new file that the glob would take. */
	put(d, "d/1.conf", "y=1\n");
	assert_false(config_stamp_holds(s));
	config_stamp_free(s);
	put(d, "main.conf", "#exec true\n");
	assert_int_equal(load(d, &c, true, NULL), 0);
	s = config_stamp_new(c);
	config_free(c);
	assert_false(config_stamp_holds(s));
	config_stamp_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(lines_and_lookups),
		cmocka_unit_test_setup_teardown(includes, in_dir, out_of_dir),
		cmocka_unit_test_setup_teardown(stamps, in_dir, out_of_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
