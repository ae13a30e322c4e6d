/* Functions, variables and expressions in their odd forms: arguments too many, too few, empty and wrong. */
#include "base/buf.h"
#include "base/log.h"
#include "base/obj.h"
#include "pbx/channel.h"
#include "pbx/dialplan.h"
#include "pbx/event.h"
#include "pbx/substitute.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>


static const struct channel_tech quiet = { .type = "Quiet", .description = "does nothing" };

struct world {
	struct pbx *p;
	struct channel *ch;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct pbx_prm prm = { .systemname = STR("box") };
	struct channel_new_prm cp = { .tech = &quiet, .stem = STR("alice"), .context = STR("default"),
		.exten = STR("12345"), .caller_number = STR("100"), .caller_name = STR("Alice") };

	assert_int_equal(pbx_new(&w->p, &prm), 0);
	cp.pbx = w->p;
	assert_int_equal(channel_new(&w->ch, &cp), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	channel_destroy(w->ch);
	pbx_free(w->p);
	free(w);
	return 0;
}

/* "NAME=value" is set, anything else is what a text gives. */
struct row {
	const char *in, *want;
};

static void check_all(struct world *w, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT;

		if (!rows[i].want) {
			struct str value = str_z(rows[i].in), name = str_cut_raw(&value, '=');

			(void)pbx_setvar(w->p, w->ch, name, value.n ? value : STR(""));
			continue;
		}
		pbx_substitute(w->p, w->ch, str_z(rows[i].in), &b);
		if (!str_eq(buf_view(&b), str_z(rows[i].want)))
			fail_msg("%s gives '%.*s', not '%s'", rows[i].in, STR_ARG(buf_view(&b)), rows[i].want);
		buf_free(&b);
	}
}

#define CHECK(rows) check_all(*state, rows, ARRAY_LEN(rows))

static void lists(void **state)
{
	static const struct row rows[] = {
		{ "v=one-two-three", NULL }, { "w=a,b,,d", NULL },
		{ "${CUT(v,-,1-x)}|${CUT(v,-,1,x)}|${CUT(v,-,-)}|${CUT(v,-,1&)}|${CUT(v,-,2x)}", "one-two-three|one|||two" },
		{ "${FIELDQTY()}|${FIELDQTY(w)}|${FIELDQTY(w,,)}", "1|1|4" },
		{ "${FIELDNUM(v,-)}|${FIELDNUM(v,-,TWO)}|${FIELDNUM(v,,one-two-three)}|${FIELDNUM(w,\\,,)}", "|2|0|3" },
		{ "${LISTFILTER(v,-)}|${LISTFILTER(v,--,two)}|${LISTFILTER(v,-,two)}", "|one-two-three|one-three" },
		{ "${SORT(a)}|${SORT(a:1,,b:0)}", "|b,a" },
		{ "ARRAY( a ,b)=1,2", NULL }, { "${a}|${ a }|${b}", "|1|2" },
		{ "HASH(h,x)=1", NULL }, { "HASH(h,y)=2", NULL }, { "${HASH(h)}|${~ODBCFIELDS~}", "2,1|y,x" },
		{ "HASH(h)=9,8", NULL }, { "${HASH(h,x)}|${HASH(h,y)}", "8|9" },
		{ "HASH(_i,x)=1", NULL }, { "${HASH(i,x)}|${HASH(_i,x)}|${HASHKEYS(i)}", "1||x" },
	};

	CHECK(rows);
}

static void texts(void **state)
{
	static const struct row rows[] = {
		{ "v=ab", NULL },
		{ "${FILTER(a-,a-b)}|${STRBETWEEN(v)}|${STRBETWEEN(v,-,x)}|${STRBETWEEN(v,-)}", "a|||a-b" },
		{ "${KEYPADHASH(a1*#z z.)}", "2199" }, { "${MD5()}|${SHA1()}", "|" },
		{ "${BASE64_DECODE(YQ)}|${BASE64_DECODE(YWI)}|${BASE64_DECODE(YWJjZA==x)}|${BASE64_DECODE(YQ==YQ==)}", "a|ab|abcd|a" },
		{ "${BASE64_DECODE(!!!!)}|${BASE64_DECODE(YQBi)}", "\xff\xff\xff|a" },
		{ "${URIDECODE(a+b)}|${URIDECODE(a%00b)}", "a+b|a" },
		{ "${SPRINTF(%u,-1)}|${SPRINTF(%ld,5)}|${SPRINTF(%hd,70000)}|${SPRINTF(%d,5.7)}|${SPRINTF(%d,99999999999)}",
		  "4294967295|5|4464|5|1215752191" },
		{ "${STRFTIME(0,UTC,)}|${STRFTIME(1.123456,UTC,%6q)}|${STRPTIME(2020,UTC,)}", "|123455|" },
	};

	CHECK(rows);
}

static void logic(void **state)
{
	static const struct row rows[] = {
		{ "${IF(?a:b)}|${IF(0?\"a\":\"b\")}|${IF(1?\"a\":\"b\")}|${IF(\"0\"?a:b)}|${IF(1?\\:a:b)}|${IF(1?)}",
		  "|\"b\"|a|b|:a|" },
		{ "${IFMODULE(func_logic.so)}${IFMODULE(res_pjsip)}${IFMODULE(pbx_config.so)}${IFMODULE(APP_DIAL.SO)}"
		  "${IFMODULE(nope.so)}", "11110" },
		{ "${DIALPLAN_EXISTS()}|${DIALPLAN_EXISTS(,s)}|${DIALPLAN_EXISTS(x,,1)}", "|0|0" },
		{ "${DEVICE_STATE()}", "INVALID" }, { "${EXTENSION_STATE(1@)}|${HINT(1)}", "UNKNOWN|" },
		{ "TIMEOUT(digit)=0", NULL }, { "TIMEOUT(response)=4,5", NULL }, { "${TIMEOUT(digit)}|${TIMEOUT(response)}", "0.000|4.000" },
		{ "${STAT(e)}", "" },
		{ "GROUP()=g", NULL }, { "GROUP(c)=p@q", NULL }, { "${GROUP_LIST()}|${GROUP(q@c)}", "g p@q@c|p" },
		{ "${GROUP_COUNT(p)}|${GROUP_COUNT(@q@c)}|${GROUP_MATCH_COUNT(.)}|${GROUP_MATCH_COUNT()}", "1|1|2|" },
		{ "GROUP()=", NULL }, { "${GROUP_LIST()}|${GROUP()}|${GROUP_COUNT()}", "p@q@c|p|1" },
	};

	CHECK(rows);
}

static void numbers(void **state)
{
	static const struct row rows[] = {
		{ "${MATH(5and3)}|${MATH(7/2,nope)}|${MATH(7/2,)}|${MATH(7/2,int,x)}|${MATH(9999999999+1,int)}", "||||-2147483648" },
		{ "n= 3 ", NULL }, { "${INC(n)}|${INC(nope)}|${INC(EXTEN)}|${INC(n,2)}", "|||" },
		{ "n=2147483647", NULL }, { "${INC(n)}|${n}", "-2147483648|-2147483648" },
		{ "${MIN(a,1)}|${MAX(1,a)}|${MAX(,1)}|${DIGIT_SUM()}", "||1|" }, { "$[${RAND(5,4)} > 3]", "1" },
	};

	CHECK(rows);
}

static void scopes(void **state)
{
	static const struct row rows[] = {
		{ "v=0123456789", NULL }, { "_i=1", NULL },
		{ "${v::2}|${v:1:x}|${v:x}", "0123456789|123456789|0123456789" }, { "${i}|${_i}|${__i}", "1||" },
		{ "${LEN (a)}|${ LEN(a)}|${len(a)}|${LEN(a)}", "|||1" },
		{ "GLOBAL(_H)=2", NULL }, { "${GLOBAL(H)}|${GLOBAL(_H)}|${GLOBAL( H)}|${GLOBAL(LEN(a))}|${GLOBAL(H:1)}", "2||||" },
		{ "ENV(SIDETONE_NONE)=env", NULL }, { "${ENV(SIDETONE_NONE)}|${ENV(NOPE)}", "env|" },
		{ "SHARED(u,alice)=1", NULL }, { "${SHARED(u)}|${SHARED(u,alice)}|${SHARED(u,ali)}", "||" },
		{ "SHARED(u,${CHANNEL})=1", NULL },
	};

	CHECK(rows);
}

static void names(void **state)
{
	static const struct row rows[] = {
		{ "a=", NULL }, { "GLOBAL(g)=2", NULL }, { "EXPORT(alice)=1", NULL }, { "EXPORT(nobody,e)=1", NULL },
		{ "${VARIABLE_EXISTS(a)}${VARIABLE_EXISTS(g)}${VARIABLE_EXISTS(b)}${VARIABLE_EXISTS()}", "1100" },
		{ "${GLOBAL_EXISTS(g)}${GLOBAL_EXISTS(a)}", "10" },
		{ "DELETE(a)=", NULL }, { "GLOBAL_DELETE(g)=", NULL }, { "${VARIABLE_EXISTS(a)}${GLOBAL_EXISTS(g)}", "00" },
		{ "${BASENAME(/a/b.c)}|${BASENAME(/a/b/)}|${BASENAME(b)}|${BASENAME(/)}|${BASENAME()}", "b.c|b|b|/|." },
		{ "${DIRNAME(/a/b.c)}|${DIRNAME(/a//b/)}|${DIRNAME(b)}|${DIRNAME(/)}|${DIRNAME(/a)}|${DIRNAME()}|${DIRNAME(//)}", "/a|/a|.|/|/|.|//" },
		{ "${LEN(${UUID()})}|${UUID():14:1}${UUID():8:1}", "36|4-" },
		{ "${FILE_COUNT_LINE(/nope)}|${FILE_FORMAT(/nope)}|${FILE_FORMAT(/etc/passwd)}", "-1|x|u" },
	};
	struct world *w = *state;
	struct buf name = BUF_INIT;

	w->p->live_dangerously = true;
	CHECK(rows);
	buf_puts(&name, STR("EXPORT("), text_view(&w->ch->name), STR(",e)"));
	assert_int_equal(pbx_setvar(w->p, w->ch, buf_view(&name), STR("3")), 0);
	buf_free(&name);
	check_all(w, (const struct row[]){ { "${e}", "3" } }, 1);
}

/* How lines end, by what comes first or is asked for. */
static void ends_of_lines(void **state)
{
	static const char *const texts[] = { "a\nb\n", "a\r\nb\r\n\r\n", "a\rb\r", "a" };
	static const char *const want[] = { "2u2|0", "3d3|3", "2m0|2", "0x0|0" };
	struct world *w = *state;

	w->p->live_dangerously = true;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		char path[] = "/tmp/valuesXXXXXX", in[200];
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		close(fd);
		snprintf(in, sizeof(in), "${FILE_COUNT_LINE(%s)}${FILE_FORMAT(%s)}${FILE_COUNT_LINE(%s,u)}|${FILE_COUNT_LINE(%s,m)}",
			 path, path, path, path);
		check_all(w, (const struct row[]){ { in, want[i] } }, 1);
		unlink(path);
	}
}

static void parties(void **state)
{
	static const struct row rows[] = {
		{ "${CALLERID(all,+1 (55) 6)}|${CALLERID(all,Bob <55)}|${CALLERID(name,\"B\\\"b\" <5>)}|${CALLERID(all,)}",
		  "\"\" <+1556>|\"Bob\" <55>|B\"b|\"\" <>" },
		{ "${CALLERID(num-pres-x)}|${CALLERID(all-x)}|${CALLERID( num)}|${CALLERID(dnid-num-plan)}|${CALLERID(dnid-subaddr)}",
		  "|||0|" },
		{ "CALLERID(name)= Bob ", NULL }, { "CALLERID(subaddr)=7", NULL }, { "CALLERID(subaddr-type)=2", NULL },
		{ "CALLERID(subaddr-odd)=1", NULL }, { "CALLERID(name-charset)=utf8", NULL }, { "CALLERID(num-plan)=7x", NULL },
		{ "${CALLERID(name)}|${CALLERID(subaddr-valid)}|${CALLERID(subaddr-type)}|${CALLERID(subaddr-odd)}", "Bob|0|2|1" },
		{ "${CALLERID(name-charset)}|${CALLERID(num-plan)}", "utf8|7" },
		{ "CALLERID(dnid-num-plan)=3", NULL }, { "${CALLERID(dnid-num-plan)}", "3" },
		{ "CALLERID(num-pres)=64", NULL }, { "${CALLERID(num-pres)}", "unavailable" },
		{ "CALLERID(num-pres)=255", NULL }, { "${CALLERID(num-pres)}|${CALLERID(name-pres)}|${CALLERID(pres)}|${CALLINGPRES}",
		  "unknown|allowed_not_screened|allowed_not_screened|0" },
		{ "CONNECTEDLINE(source,i)=answer", NULL }, { "CONNECTEDLINE(source,i)=nope", NULL }, { "${CONNECTEDLINE(source)}", "answer" },
		{ "CONNECTEDLINE(source,i)=transfer", NULL }, { "${CONNECTEDLINE(source)}", "transfer_active" },
		{ "REDIRECTING(orig-reason,i)=nope", NULL }, { "REDIRECTING(reason,i)=99", NULL }, { "REDIRECTING(count,i)=5000", NULL },
		{ "${REDIRECTING(orig-reason)}|${REDIRECTING(reason)}|${REDIRECTING(count)}", "nope|not-known|5000" },
		{ "REDIRECTING(reason,i)=user-busy", NULL }, { "${REDIRECTING(reason)}|${REDIRECTING(reason-x)}", "cfb|" },
		{ "CHANNEL(amaflags)=9", NULL }, { "${CHANNEL(amaflags)}", "9" }, { "CHANNEL(amaflags)=x", NULL },
		{ "${CHANNEL(amaflags)}|${CHANNEL( state)}|${CHANNEL(onhold)}", "0||0" },
		{ "CHANNEL(hangupsource)=me", NULL }, { "CHANNEL(hangupsource)=you", NULL }, { "${CHANNEL(hangupsource)}", "me" },
	};

	CHECK(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lists, setup, teardown),
		cmocka_unit_test_setup_teardown(texts, setup, teardown),
		cmocka_unit_test_setup_teardown(logic, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(scopes, setup, teardown),
		cmocka_unit_test_setup_teardown(names, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_of_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(parties, setup, teardown),
	};

	log_set_mask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
