/* JSON (RFC 8259) as the user agent reads and writes it. */
#include "agent/json.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void json(void **state)
{
	static const struct { const char *in, *out; } tv[] = {
		{ " { \"a\" : [ 1 , -2.5e+3 , true , false , null ] , \"b\" : { } } ", "{\"a\":[1,-2.5e+3,true,false,null],\"b\":{}}" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\"" },
		{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "\"A\303\251\342\202\254\360\237\230\200\"" },
		{ "\"\x7f\xf4\x8f\xbf\xbf\"", "\"\x7f\xf4\x8f\xbf\xbf\"" },
		{ "0", "0" }, { "-0", "-0" }, { "0.5E-2", "0.5E-2" }, { "[[]]", "[[]]" },
		{ "", NULL }, { " ", NULL }, { "nul", NULL }, { "truefalse", NULL }, { "1 2", NULL }, { "[1,]", NULL }, { "[,1]", NULL },
		{ "{\"a\":1,}", NULL }, { "{a:1}", NULL }, { "{\"a\"}", NULL }, { "{\"a\":}", NULL }, { "{1:1}", NULL }, { "[1", NULL },
		{ "{\"a\":1", NULL }, { "01", NULL }, { "+1", NULL }, { ".5", NULL }, { "1.", NULL }, { "1e", NULL }, { "-", NULL },
		{ "0x1", NULL }, { "NaN", NULL }, { "Infinity", NULL }, { "1e999", NULL }, { "'a'", NULL }, { "\"a", NULL },
		{ "\"a\nb\"", NULL }, { "\"\\x41\"", NULL }, { "\"\\u12\"", NULL }, { "\"\\u12g4\"", NULL }, { "\"\\ud83d\"", NULL },
		{ "\"\\ude00\"", NULL }, { "\"\\ud83d\\u0041\"", NULL }, { "\"\xc0\x80\"", NULL }, { "\"\xe0\x80\x80\"", NULL },
		{ "\"\xed\xa0\x80\"", NULL }, { "\"\xf0\x80\x80\x80\"", NULL }, { "\"\xf4\x90\x80\x80\"", NULL }, { "\"\xf5\x80\x80\x80\"", NULL },
		{ "\"\xe2\x82\"", NULL }, { "\"\x80\"", NULL }, { "\"\\", NULL }, { "1 // no", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct arena *a = arena_new(0);
		const struct agent_json *v = NULL;
		struct buf b = BUF_INIT;
		int err = a ? agent_json_parse(a, str_z(tv[i].in), &v) : ENOMEM;

		if (!err)
			agent_json_write(&b, v);
		if (err == ENOMEM || buf_err(&b))
			fail();
		if (!err != !!tv[i].out || (!err && !str_eq(buf_view(&b), str_z(tv[i].out))))
			fail_msg("%s gives %d, %.*s", tv[i].in, err, STR_ARG(buf_view(&b)));
		buf_free(&b);
		arena_free(a);
	}
}

static void json_members_and_numbers(void **state)
{
	static const struct { double v; const char *out; } numbers[] = { { 0.1, "0.1" }, { 1.0 / 3, "0.3333333333333333" },
		{ 5e-324, "4.94065645841247e-324" }, { 1e21, "1e+21" }, { -3, "-3" } };
	struct arena *a = arena_new(0);
	const struct agent_json *v;
	struct buf b = BUF_INIT;

	(void)state;
	assert_non_null(a);
	assert_int_equal(agent_json_parse(a, STR("{\"a\":1,\"a\":2,\"\":3}"), &v), 0);
	assert_int_equal(v->n, 3);
	assert_true(str_eq(agent_json_member(v, STR("a"))->text, STR("2")));
	assert_true(str_eq(agent_json_member(v, STR_NULL)->text, STR("3")));
	assert_null(agent_json_member(v, STR("b")));
	agent_json_write_string(&b, STR("a\xff\xe2\x82z"));
	assert_string_equal(buf_z(&b), "\"a\357\277\275\357\277\275\357\277\275z\"");
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		buf_reset(&b);
		agent_json_write_number(&b, numbers[i].v);
		assert_string_equal(buf_z(&b), numbers[i].out);
	}
	buf_free(&b);
	arena_free(a);
}

/* Lists in lists go so deep, and no deeper. */
static void json_depth(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	for (unsigned depth = AGENT_JSON_DEPTH; depth <= AGENT_JSON_DEPTH + 1; depth++) {
		struct arena *a = arena_new(0);
		const struct agent_json *v;

		assert_non_null(a);
		buf_reset(&b);
		for (unsigned i = 0; i < depth; i++)
			buf_put(&b, i % 2 ? STR("[") : STR("{\"a\":"));
		buf_char(&b, '1');
		for (unsigned i = depth; i-- > 0;)
			buf_char(&b, i % 2 ? ']' : '}');
		assert_int_equal(agent_json_parse(a, buf_view(&b), &v), depth > AGENT_JSON_DEPTH ? EBADMSG : 0);
		arena_free(a);
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json),
		cmocka_unit_test(json_members_and_numbers),
		cmocka_unit_test(json_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
