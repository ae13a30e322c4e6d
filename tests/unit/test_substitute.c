/* ${...}, $[...] and the functions, against a channel that does nothing. */
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
#include <stdlib.h>
#include <cmocka.h>

static int item_read(struct channel *ch, struct str item, struct buf *out)
{
	(void)ch;
	if (!str_ieq(item, STR("own,item")))
		return ENOENT;
	buf_put(out, STR("mine"));
	return 0;
}

static const struct channel_tech quiet = { .type = "Quiet", .description = "does nothing", .read = item_read };

struct world {
	struct pbx *p;
	struct channel *ch;
	struct listener *l;
	struct buf told;
};

static void hear(void *arg, const struct event *e)
{
	struct world *w = arg;

	if (strcmp(e->name, "VarSet") == 0)
		buf_put(&w->told, buf_view(&e->body));
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct pbx_prm prm = { .systemname = STR("box") };
	struct channel_new_prm cp = { .tech = &quiet, .stem = STR("alice"), .context = STR("default"),
		.exten = STR("12345"), .caller_number = STR("100"), .caller_name = STR("Alice") };

	assert_int_equal(pbx_new(&w->p, &prm), 0);
	cp.pbx = w->p;
	assert_int_equal(channel_new(&w->ch, &cp), 0);
	assert_int_equal(vars_set(&w->p->constants, STR("ASTETCDIR"), STR("/etc/x")), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	channel_destroy(w->ch);
	pbx_free(w->p);
	buf_free(&w->told);
	free(w);
	return 0;
}

static void check(struct world *w, struct channel *ch, const char *in, const char *want)
{
	struct buf b = BUF_INIT;

	pbx_substitute(w->p, ch, str_z(in), &b);
	if (!str_eq(buf_view(&b), str_z(want)))
		fail_msg("%s gives '%.*s', not '%s'", in, STR_ARG(buf_view(&b)), want);
	buf_free(&b);
}

static void set(struct world *w, const char *name, const char *value)
{
	assert_int_equal(pbx_setvar(w->p, w->ch, str_z(name), str_z(value)), 0);
}

struct row {
	const char *in, *want;
};

static void check_all(struct world *w, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(w, w->ch, rows[i].in, rows[i].want);
}

static void variables(void **state)
{
	static const struct row rows[] = {
		{ "plain", "plain" }, { "$5 and 10$", "$5 and 10$" }, { "$", "$" }, { "a${A}b", "aalphab" },
		{ "${A}${A}", "alphaalpha" }, { "${NONE}", "" }, { "${${B}}", "alpha" }, { "${A:1}", "lpha" },
		{ "${A:0:2}", "al" }, { "${A:-2}", "ha" }, { "${A:-2:1}", "h" }, { "${A:1:-1}", "lph" },
		{ "${A:-3:-1}", "ph" }, { "${A:9}", "" }, { "${A:-9}", "alpha" }, { "${A:0:-9}", "" },
		{ "${A:2:99}", "pha" }, { "${A:1:0}", "" }, { "${EXTEN}", "12345" }, { "${EXTEN:1}", "2345" },
		{ "${EXTEN:-2}", "45" }, { "${CONTEXT}", "default" }, { "${PRIORITY}", "1" },
		{ "${SYSTEMNAME}", "box" }, { "${ASTETCDIR}", "/etc/x" }, { "${HANGUPCAUSE}", "0" },
		{ "$[1+${N}]", "5" }, { "$[${N} > 3]", "1" }, { "${N}$[${N}*2]", "48" }, { "${IF($[${N}=4]?four:other)}", "four" },
		{ "$[${A}=alpha]", "1" }, { "${G}", "global" }, { "${SHADOW}", "" }, { "${A", "alpha" },
		{ "$[1+1", "2" }, { "${A${B}}", "" }, { "${LEN(${A})}", "5" }, { "${LEN({})}", "2" },
	};
	struct world *w = *state;

	set(w, "A", "alpha");
	set(w, "B", "A");
	set(w, "N", "4");
	assert_int_equal(pbx_setvar(w->p, NULL, STR("G"), STR("global")), 0);
	assert_int_equal(pbx_setvar(w->p, NULL, STR("SHADOW"), STR("outside")), 0);
	set(w, "SHADOW", "");
	check_all(w, rows, ARRAY_LEN(rows));
	check(w, NULL, "${SHADOW}${EXTEN}", "outside");
}

static void functions(void **state)
{
	static const struct row rows[] = {
		{ "${LEN(abc)}", "3" }, { "${TOUPPER(aBc1)}", "ABC1" }, { "${TOLOWER(aBC)}", "abc" },
		{ "${FILTER(0-9,a1b2-3)}", "123" }, { "${FILTER(a-c\\x2d,a-b_z)}", "a-b" },
		{ "${REPLACE(L,b,x)}", "a,x,c" }, { "${REPLACE(L,ac)}", ",b," }, { "${STRREPLACE(L,\\,,+)}", "a+b+c" },
		{ "${STRREPLACE(L,b,two,1)}", "a,two,c" }, { "${PASSTHRU(x${L})}", "xa,b,c" },
		{ "${CUT(L,\\,,2)}", "b" }, { "${CUT(L,\\,,2-)}", "b,c" }, { "${CUT(L,\\,,1&3)}", "a,c" },
		{ "${CUT(L,\\,,-2)}", "a,b" }, { "${CUT(CHANNELNAME,-,1)}", "PJSIP/x" }, { "${FIELDQTY(L,\\,)}", "3" },
		{ "${FIELDNUM(L,\\,,c)}", "3" }, { "${FIELDNUM(L,\\,,z)}", "0" }, { "${LISTFILTER(L,\\,,b)}", "a,c" },
		{ "${SORT(a:3,b:1,c:2)}", "b,c,a" }, { "${REGEX(\"^[0-9]+$\" 123)}", "1" },
		{ "${REGEX(\"^[0-9]+$\" 12a)}", "0" }, { "${QUOTE(a\"b)}", "\"a\\\"b\"" },
		{ "${CSV_QUOTE(a\"b)}", "\"a\"\"b\"" }, { "${KEYPADHASH(Les)}", "537" }, { "${EVAL(${REF})}", "a,b,c" },
		{ "${ISNULL()}", "1" }, { "${ISNULL(x)}", "0" }, { "${EXISTS(${NONE})}", "0" },
		{ "${IF($[1=2]?a:b)}", "b" }, { "${IF(1?\"x y\":z)}", "x y" }, { "${SET(NEW=5)}", "5" }, { "${NEW}", "5" },
		{ "${MATH(7+3)}", "10.000000" }, { "${MATH(7/2,i)}", "3" }, { "${MATH(255+0,h)}", "ff" },
		{ "${MATH(2^10,int)}", "1024" }, { "${MATH(1<2)}", "TRUE" }, { "${MATH(-3*2,i)}", "-6" },
		{ "${MATH(6 AND 3,i)}", "2" }, { "${MATH(1<<4,i)}", "16" }, { "${MATH(5-7,i)}", "-2" },
		{ "${INC(COUNT)}", "6" }, { "${INC(COUNT)}", "7" }, { "${DEC(COUNT)}", "6" }, { "${COUNT}", "6" },
		{ "${MIN(3,-2)}", "-2" }, { "${MAX(3,3.5)}", "3.500000" }, { "${ABS(-4)}", "4" },
		{ "${RAND(5,5)}", "5" }, { "${URIENCODE(a b&c)}", "a%20b%26c" }, { "${URIDECODE(a%20b%zz)}", "a b%zz" },
		{ "${MD5(abc)}", "900150983cd24fb0d6963f7d28e17f72" },
		{ "${SHA1(abc)}", "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ "${BASE64_ENCODE(hello)}", "aGVsbG8=" }, { "${BASE64_DECODE(aGVsbG8=)}", "hello" },
		{ "${SPRINTF(%05d|%-4s|%.2f|%x,42,ab,1.5,255)}", "00042|ab  |1.50|ff" }, { "${SPRINTF(%d%%,7)}", "7%" },
		{ "${STRFTIME(0,UTC,%Y-%m-%d %H:%M:%S)}", "1970-01-01 00:00:00" },
		{ "${STRFTIME(1.25,UTC,%S.%3q)}", "01.250" },
		{ "${STRFTIME(1720000000,Europe/Berlin,%H:%M)}", "11:46" },
		{ "${STRFTIME(4000000000,Europe/Berlin,%Y %H:%M)}", "2096 09:06" },
		{ "${STRPTIME(2024-07-03 11:46:40,Europe/Berlin,%Y-%m-%d %H:%M:%S)}", "1720000000" },
		{ "${GLOBAL(GG)}", "gg" }, { "${HASH(h,one)}", "1" }, { "${HASH(h,two)}", "2" },
		{ "${HASHKEYS(h)}", "two,one" }, { "${P1}${P2}", "xy" }, { "${CHANNEL(own,item)}", "mine" },
		{ "${CHANNEL(language)}", "en" }, { "${CHANNEL(state)}", "Down" }, { "${CHANNEL(channeltype)}", "Quiet" },
		{ "${CHANNEL(callgroup)}", "1, 3, 4" }, { "${CHANNEL(amaflags)}", "2" }, { "${CHANNEL(userfield)}", "uf" },
		{ "${CHANNEL(nothing)}", "" }, { "${TIMEOUT(digit)}", "5.000" }, { "${TIMEOUT(absolute)}", "0" },
		{ "${SHARED(S)}", "shared" }, { "${GROUP(cat)}", "g" }, { "${GROUP_COUNT(g@cat)}", "1" },
		{ "${GROUP_MATCH_COUNT(^g$@cat)}", "1" }, { "${GROUP_LIST()}", "g@cat" },
		{ "${GROUP_COUNT(none@cat)}", "0" }, { "${NOSUCHFUNC(x)}", "" }, { "${LEN(${LEN(${LEN(abc)})})}", "1" },
		{ "${IFTIME(12:30,wed,3,jul,UTC?now:never)}", "now" }, { "${MASTER_CHANNEL(L)}", "a,b,c" }, { "${VALID_EXTEN(nowhere,s,1)}", "0" },
	};
	struct world *w = *state;

	set(w, "L", "a,b,c");
	set(w, "REF", "${L}");
	set(w, "CHANNELNAME", "PJSIP/x-00000001");
	set(w, "COUNT", "5");
	set(w, "GLOBAL(GG)", "gg");
	set(w, "HASH(h,one)", "1");
	set(w, "HASH(h,two)", "2");
	set(w, "ARRAY(P1,P2)", "x,y");
	set(w, "CHANNEL(callgroup)", "1,3-4");
	set(w, "CHANNEL(amaflags)", "billing");
	set(w, "CHANNEL(userfield)", "uf");
	set(w, "SHARED(S)", "shared");
	set(w, "GROUP(cat)", "g");
	set(w, "TESTTIME()", "2024-07-03 12:30:00 UTC");
	check_all(w, rows, ARRAY_LEN(rows));
	assert_int_equal(pbx_setvar(w->p, w->ch, STR("LEN(x)"), STR("1")), ENOENT);
	assert_int_equal(pbx_setvar(w->p, w->ch, STR("VOLUME()"), STR("3")), EINVAL);
	assert_int_equal(pbx_setvar(w->p, w->ch, STR("JITTERBUFFER(disabled)"), STR("")), 0);
}

static void lists(void **state)
{
	struct world *w = *state;

	set(w, "PUSH(Q)", "one");
	set(w, "PUSH(Q)", "two");
	set(w, "UNSHIFT(Q)", "zero");
	check(w, w->ch, "${Q}", "zero,one,two");
	check(w, w->ch, "${POP(Q)}", "two");
	check(w, w->ch, "${SHIFT(Q)}", "zero");
	check(w, w->ch, "${Q}", "one");
	check(w, w->ch, "${POP(Q)}${POP(Q)}|${Q}", "one|");
}

static void parties(void **state)
{
	static const struct row rows[] = {
		{ "${CALLERID(num)}", "100" }, { "${CALLERID(number)}", "100" }, { "${CALLERID(name)}", "Alice" },
		{ "${CALLERID(all)}", "\"Alice\" <100>" }, { "${CALLERID(ani)}", "100" }, { "${CALLERID(name-valid)}", "1" },
		{ "${CALLERID(num-pres)}", "allowed_not_screened" }, { "${CALLERID(ani2)}", "0" },
		{ "${CALLERID(name,\"Bob\" <200>)}", "Bob" }, { "${CALLERID(num,Bob <200>)}", "200" },
		{ "${CALLERID(rubbish)}", "" }, { "${CONNECTEDLINE(num)}", "" }, { "${REDIRECTING(count)}", "0" },
	};
	static const struct row after[] = {
		{ "${CALLERID(all)}", "\"Eve\" <666>" }, { "${CALLERID(pres)}", "prohib" }, { "${CALLERID(tag)}", "t" },
		{ "${CALLERID(priv-num)}", "1" }, { "${CONNECTEDLINE(name)}", "Bob" }, { "${CONNECTEDLINE(num-pres)}", "unavailable" },
		{ "${REDIRECTING(from-num)}", "300" }, { "${REDIRECTING(reason)}", "cfb" }, { "${REDIRECTING(count)}", "2" },
		{ "${CALLERID(rdnis)}", "300" }, { "${REDIRECTING(orig-name)}", "Orig" }, { "${CALLERID(dnid)}", "900" },
		{ "${REDIRECTING(from-name-pres)}", "prohib_passed_screen" },
	};
	struct world *w = *state;

	check_all(w, rows, ARRAY_LEN(rows));
	set(w, "CALLERID(all)", "\"Eve\" <666>");
	set(w, "CALLERID(pres)", "prohib");
	set(w, "CALLERID(tag)", "t");
	set(w, "CALLERID(priv-num)", "1");
	set(w, "CALLERID(dnid)", "900");
	set(w, "CONNECTEDLINE(name,i)", "Bob");
	set(w, "CONNECTEDLINE(num-pres)", "67");
	set(w, "REDIRECTING(from-num,i)", "300");
	set(w, "REDIRECTING(from-name-pres,i)", "prohib_passed_screen");
	set(w, "REDIRECTING(orig-name,i)", "Orig");
	set(w, "REDIRECTING(reason,i)", "cfb");
	set(w, "REDIRECTING(count,i)", "2");
	check_all(w, after, ARRAY_LEN(after));
	assert_int_equal(pbx_setvar(w->p, w->ch, STR("CALLERID(num-pres)"), STR("whatever")), EINVAL);
}

static void told(void **state)
{
	struct world *w = *state;

	w->l = events_listen(w->p->events, EV_DIALPLAN, hear, w);
	set(w, "_MSG", "a\"b\nc\\");
	assert_true(str_find(buf_view(&w->told), STR("Channel: Quiet/alice-00000000\r\n")) < w->told.n);
	assert_true(str_find(buf_view(&w->told), STR("Variable: _MSG\r\nValue: a\\\"b\\nc\\\\\r\n")) < w->told.n);
	buf_reset(&w->told);
	assert_int_equal(pbx_setvar(w->p, NULL, STR("G"), STR("v")), 0);
	assert_true(str_eq(buf_view(&w->told), STR("Channel: none\r\nUniqueid: none\r\nVariable: G\r\nValue: v\r\n")));
	buf_reset(&w->told);
	assert_int_equal(pbx_setvar(w->p, w->ch, STR("NEVERSET"), STR_NULL), 0);
	assert_int_equal(w->told.n, 0);
	events_unlisten(w->p->events, w->l);
}

/* What refers to itself ends. */
static void endless(void **state)
{
	struct world *w = *state;
	struct buf deep = BUF_INIT, out = BUF_INIT;

	set(w, "SELF", "x${EVAL(${SELF})}");
	check(w, w->ch, "${LEN(${EVAL(${SELF})})}", "14");
	for (int i = 0; i < 2000; i++)
		buf_put(&deep, STR("${"));
	pbx_substitute(w->p, w->ch, buf_view(&deep), &out);
	buf_free(&deep);
	buf_free(&out);
}

static void arguments(void **state)
{
	struct str v[4], arg;
	struct args a;

	(void)state;
	assert_int_equal(pbx_args(STR("a,b(c,d),\"e,f\",g,h"), v, 4), 4);
	assert_true(str_eq(v[1], STR("b(c,d)")));
	assert_true(str_eq(v[2], STR("\"e,f\"")));
	assert_true(str_eq(v[3], STR("g,h")));
	assert_int_equal(pbx_args(STR(""), v, 4), 0);
	assert_int_equal(pbx_args(STR("a,"), v, 4), 2);
	assert_int_equal(pbx_args(STR("a\\,b,[c,d]"), v, 4), 2);
	assert_int_equal(args_split(&a, STR("a\\,b,\"c d\",e"), ',', 10), 0);
	assert_int_equal(a.n, 3);
	assert_true(str_eq(a.v[0], STR("a,b")));
	assert_true(str_eq(a.v[1], STR("c d")));
	args_free(&a);
	assert_true(pbx_option(STR("tTr(ring)b(ctx^s^1(x)^y)"), 'b', &arg));
	assert_true(str_eq(arg, STR("ctx^s^1(x)^y")));
	assert_false(pbx_option(STR("tTr(ring)"), 'i', NULL));
	assert_true(pbx_option(STR("tTr(ring)"), 'T', &arg));
	assert_int_equal(arg.n, 0);
}

static void without_pbx(void **state)
{
	struct vars v = { 0 };
	struct buf b = BUF_INIT;

	(void)state;
	vars_set(&v, STR("A"), STR("one"));
	pbx_substitute_vars(&v, STR("${A}:${B}:$[1+1]:${LEN(x)}"), &b);
	assert_true(str_eq(buf_view(&b), STR("one::2:")));
	buf_free(&b);
	vars_free(&v);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(variables), WITH_WORLD(functions), WITH_WORLD(lists), WITH_WORLD(parties), WITH_WORLD(told),
		WITH_WORLD(endless), cmocka_unit_test(arguments), cmocka_unit_test(without_pbx),
	};

	log_set_mask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
