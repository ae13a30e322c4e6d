/* Bodies of HTTP, parameters, cookies, and the manager's lines as XML: all without a socket. */
#include "base/obj.h"
#include "manage/manager_page.h"
#include "net/http_body.h"
#include "service/web/web.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- bodies --------------------------------------------------------------------------------------- */

#define POST "POST / HTTP/1.1\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

static void begins(void **state)
{
	static const struct { const char *head; int err; enum http_body_state state; size_t left; } rows[] = {
		{ POST "\r\n", 0, HTTP_BODY_NONE, 0 },
		{ POST "Content-Length: 0\r\n\r\n", 0, HTTP_BODY_NONE, 0 },
		{ POST "Content-Length: 40960\r\n\r\n", 0, HTTP_BODY_SIZED, 40960 },
		{ POST "Content-Length: 40961\r\n\r\n", EMSGSIZE, 0, 0 },
		{ POST "Content-Length: -1\r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Content-Length: 1, 1\r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Content-Length: \r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Content-Length: 0x1\r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", EBADMSG, 0, 0 },
		{ POST "Transfer-Encoding: identity\r\n\r\n", 0, HTTP_BODY_NONE, 0 },
		{ POST "Transfer-Encoding: CHUNKED\r\n\r\n", 0, HTTP_BODY_CHUNK_SIZE, 0 },
		{ POST "Transfer-Encoding: gzip, chunked\r\n\r\n", ENOTSUP, 0, 0 },
		{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", EBADMSG, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head h;
		struct http_body b;
		size_t len;

		assert_int_equal(http_parse_request(&h, str_z(rows[i].head), &len), 0);
		if (http_body_begin(&b, &h) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].head);
		if (!rows[i].err)
			assert_true(b.state == rows[i].state && b.left == rows[i].left);
	}
}

static void reads(void **state)
{
	static const struct { const char *head, *data; int err; size_t used; const char *body; } rows[] = {
		{ POST "Content-Length: 3\r\n\r\n", "abcGET", 0, 3, "abc" },
		{ POST "Content-Length: 3\r\n\r\n", "ab", EAGAIN, 2, "ab" },
		{ CHUNKED, "3\r\nabc\r\n0\r\n\r\nGET", 0, 13, "abc" },
		{ CHUNKED, "0\r\n\r\n", 0, 5, "" },
		{ CHUNKED, "1\r\na\r\n00A;x=y;z\r\n0123456789\r\n0\r\nA: b\r\nC: d\r\n\r\n", 0, 46, "a0123456789" },
		{ CHUNKED, "1 \r\na\r\n0\r\n\r\n", 0, 12, "a" },
		{ CHUNKED, "1\r\na\r\n0\r\nA: b", EAGAIN, 13, "a" },
		{ CHUNKED, "\r\n", EBADMSG, 2, "" },
		{ CHUNKED, ";x\r\n", EBADMSG, 1, "" },
		{ CHUNKED, "1\na", EBADMSG, 2, "" },
		{ CHUNKED, "1\r\nab\r\n", EBADMSG, 5, "a" },
		{ CHUNKED, "1\r\na\n", EBADMSG, 5, "a" },
		{ CHUNKED, "-1\r\n", EBADMSG, 1, "" },
		{ CHUNKED, "g\r\n", EBADMSG, 1, "" },
		{ CHUNKED, "000000001\r\n", EMSGSIZE, 9, "" },
		{ CHUNKED, "a001\r\n", EMSGSIZE, 6, "" },
		{ CHUNKED, "ffffffff\r\n", EMSGSIZE, 10, "" },
		{ CHUNKED, "1\r\na\r\na000\r\n", EMSGSIZE, 12, "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head h;
		struct http_body b, bit;
		size_t len, used, at = 0, n = strlen(rows[i].data);
		int err = EAGAIN;

		assert_int_equal(http_parse_request(&h, str_z(rows[i].head), &len), 0);
		assert_int_equal(http_body_begin(&b, &h), 0);
		assert_int_equal(http_body_begin(&bit, &h), 0);
		if (http_body_read(&b, str_z(rows[i].data), &used) != rows[i].err || used != rows[i].used ||
		    !str_eq(buf_view(&b.data), str_z(rows[i].body)))
			fail_msg("row %zu: %zu used, body '%s'", i, used, buf_z(&b.data));
		/* Byte by byte it is the same. */
		while (err == EAGAIN && at < n) {
			err = http_body_read(&bit, str_mk(rows[i].data + at, 1), &used);
			at += used;
		}
		assert_int_equal(err, rows[i].err);
		assert_int_equal(at, rows[i].used);
		assert_true(str_eq(buf_view(&bit.data), str_z(rows[i].body)));
		http_body_free(&bit);
		http_body_free(&b);
	}
}

/* A body of empty lines costs no more than one of data. */
static void bounded_lines(void **state)
{
	struct http_head h;
	struct http_body b;
	size_t len, used, all = 0;
	int err;

	(void)state;
	assert_int_equal(http_parse_request(&h, STR(CHUNKED), &len), 0);
	assert_int_equal(http_body_begin(&b, &h), 0);
	assert_int_equal(http_body_read(&b, STR("0\r\n"), &used), EAGAIN);
	while ((err = http_body_read(&b, STR("A: b\r\n"), &used)) == EAGAIN)
		all += used;
	assert_int_equal(err, EMSGSIZE);
	assert_true(all < 10000);
	http_body_free(&b);
}

/* ---- parameters ------------------------------------------------------------------------------------ */

static void params(void **state)
{
	struct web_params p = { .n = 0 };
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(web_params_parse(&p, STR("a=b&&c=d%20e+f&g&=h&A=second&%41b=%zz%4&x=1=2")), 0);
	assert_int_equal(p.n, 7);
	assert_true(str_eq(web_param(&p, STR("A")), STR("b")));
	assert_true(str_eq(web_param(&p, STR("c")), STR("d e f")));
	assert_true(str_eq(p.v[2].name, STR("g")) && !p.v[2].value.n);
	assert_true(!p.v[3].name.n && str_eq(p.v[3].value, STR("h")));
	assert_true(str_eq(web_param(&p, STR("ab")), STR("%zz%4")));
	assert_true(str_eq(web_param(&p, STR("x")), STR("1=2")));
	assert_false(web_param(&p, STR("none")).n);
	web_params_free(&p);
	p = (struct web_params){ .n = 0 };
	for (int i = 0; i <= WEB_PARAMS; i++)
		buf_put(&b, STR("a=b&"));
	assert_int_equal(web_params_parse(&p, buf_view(&b)), E2BIG);
	assert_int_equal(p.n, WEB_PARAMS);
	web_params_free(&p);
	buf_free(&b);
}

static void cookies(void **state)
{
	struct http_head h;
	size_t len;

	(void)state;
	assert_int_equal(http_parse_request(&h, STR("GET / HTTP/1.1\r\nCookie: a=1; b=\"two\";c = 3\r\nCookie: d=4\r\n\r\n"), &len), 0);
	assert_true(str_eq(web_cookie(&h, STR("a")), STR("1")));
	assert_true(str_eq(web_cookie(&h, STR("b")), STR("two")));
	assert_true(str_eq(web_cookie(&h, STR("c")), STR("3")));
	assert_true(str_eq(web_cookie(&h, STR("d")), STR("4")));
	assert_false(web_cookie(&h, STR("A")).n);
	assert_int_equal(http_parse_request(&h, STR("GET http://b:8/c?d HTTP/1.1\r\n\r\n"), &len), 0);
	assert_true(str_eq(h.authority, STR("b:8")) && str_eq(h.path, STR("/c")) && str_eq(h.query, STR("d")));
}

/* ---- pages -------------------------------------------------------------------------------------------- */

/* In one piece, and byte by byte. */
static void page(enum ami_format f, const char *text, const char *want)
{
	for (size_t step = strlen(text); ; step = 1) {
		struct buf out = BUF_INIT;
		struct ami_page p;

		ami_page_init(&p, f, STR_NULL, STR("1x"));
		ami_page_begin(&p, &out);
		for (size_t i = 0; i < strlen(text); i += step)
			ami_page_put(&p, str_sub(str_z(text), i, step), &out);
		ami_page_end(&p, &out);
		assert_int_equal(p.err, 0);
		if (!str_eq(buf_view(&out), str_z(want)) && f != AMI_HTML)
			fail_msg("%s gave %s", text, buf_z(&out));
		if (f == AMI_HTML && str_find(buf_view(&out), str_z(want)) == out.n)
			fail_msg("%s gave %s", text, buf_z(&out));
		ami_page_free(&p);
		buf_free(&out);
		if (step == 1)
			break;
	}
}

#define XML(x) "<ajax-response>\n" x "</ajax-response>\n"
#define ONE(x) "<response type='object' id='unknown'><generic" x " /></response>\n"

static void pages(void **state)
{
	(void)state;
	page(AMI_RAW, "A: b\r\n\r\n", "A: b\r\n\r\n");
	page(AMI_XML, "\r\n\r\n", XML(""));
	page(AMI_XML, "Response: Success\r\nMy-Key 2: a:b <&>'\"\r\n\r\nEvent: X\r\n\r\n",
	     XML(ONE(" response='Success' my_key_2='a:b &lt;&amp;&gt;&apos;&quot;'") ONE(" event='X'")));
	page(AMI_XML, "Output: a\r\nOutput: b\r\noutput: c\r\n\r\nOutput: d\r\n\r\n",
	     XML(ONE(" output='a' output-2='b' output-3='c'") ONE(" output='d'")));
	page(AMI_XML, "1st: x\r\n: y\r\n\r\n", XML(ONE(" _1st='x' _='y'")));
	page(AMI_XML, "A: b\r\nfree text\r\nmore: of it\r\n\r\nA: c\r\n\r\n",
	     XML(ONE(" a='b' opaque_data='free text\nmore: of it'") ONE(" a='c'")));
	page(AMI_XML, "A: \377\001\r\n\r\n", XML(ONE(" a='?" "?'")));
	page(AMI_XML, "A: no end", XML(ONE(" a='no end'")));
	page(AMI_HTML, "A: <b>\r\nA: c\r\n\r\n", "<tr><td>A</td><td>&lt;b&gt;</td></tr>\n<tr><td>A-2</td><td>c</td></tr>\n"
	     "<tr><td colspan=\"2\"><hr></td></tr>\r\n</table>");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins), cmocka_unit_test(reads), cmocka_unit_test(bounded_lines), cmocka_unit_test(params),
		cmocka_unit_test(cookies), cmocka_unit_test(pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
