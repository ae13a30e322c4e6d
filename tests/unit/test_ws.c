/* WebSocket without a socket: the handshake's words, and frames. */
#include "data.h"
#include "base/obj.h"
#include "net/ws_frame.h"
#include "net/ws_private.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="       /* RFC 6455 1.3 */
#define FIELDS "Host: sip.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
	"Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat, sip\r\n"
#define REQUEST "GET /ws HTTP/1.1\r\n" FIELDS "Origin: https://example.com\r\n\r\n"

/* ---- HTTP --------------------------------------------------------------------------------- */

static int parse(const char *z, struct http_head *h, size_t *len)
{
	char *exact = exact_copy(str_z(z));
	int err = http_parse_request(h, str_mk(exact, strlen(z)), len);

	free(exact);
	return err;
}

static void requests(void **state)
{
	static const struct { const char *text; int err; } rows[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 0 },
		{ "GET /ws?a=b HTTP/1.1\r\nA: b\r\nC:d\r\nE:\r\nF: \t g \r\n\r\n", 0 },
		{ "G@T / HTTP/1.1\r\n\r\n", EBADMSG },
		{ "GET ws HTTP/1.1\r\n\r\n", EBADMSG },
		{ "GET http://a/ HTTP/1.1\r\n\r\n", 0 },
		{ "GET HTTPS://a:1?b HTTP/1.1\r\n\r\n", EBADMSG },
		{ "GET ftp://a/ HTTP/1.1\r\n\r\n", EBADMSG },
		{ "OPTIONS * HTTP/1.1\r\n\r\n", EBADMSG },
		{ "GET  / HTTP/1.1\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1 \r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.0\r\n\r\n", 0 },
		{ "GET / HTTP/2.0\r\n\r\n", ENOTSUP },
		{ "GET / HTTP/x.1\r\n\r\n", EBADMSG },
		{ "GET / SIP/2.0\r\n\r\n", EBADMSG },
		{ "GET /\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\nA: b\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA: b\n\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA : b\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\n: b\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA: \001\r\n\r\n", EBADMSG },
		{ "GET / HTTP/1.1\r\nA: b\r\n", EAGAIN },
		{ "GET", EAGAIN },
		{ "", EAGAIN },
	};
	struct http_head h;
	struct str v;
	size_t len;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (parse(rows[i].text, &h, &len) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
	assert_int_equal(http_parse_request(&h, str_z(rows[1].text), &len), 0);
	assert_int_equal(len, strlen(rows[1].text));
	assert_true(str_eq(h.path, STR("/ws")) && str_eq(h.query, STR("a=b")));
	assert_int_equal(http_field(&h, STR("f"), &v), 1);
	assert_true(str_eq(v, STR("g")));
	assert_int_equal(http_field(&h, STR("x"), &v), 0);
}

static void bounds_of_requests(void **state)
{
	static char text[HTTP_HEAD_MAX + 100];
	struct buf b = BUF_INIT;
	struct http_head h;
	size_t len;

	(void)state;
	buf_put(&b, STR("GET / HTTP/1.1\r\n"));
	for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
		buf_put(&b, STR("A: b\r\n"));
	assert_int_equal(parse((buf_z(&b)), &h, &len), EAGAIN);
	buf_put(&b, STR("\r\n"));
	assert_int_equal(parse((buf_z(&b)), &h, &len), 0);
	b.n -= 2;
	buf_put(&b, STR("A: b\r\n\r\n"));
	assert_int_equal(parse((buf_z(&b)), &h, &len), EMSGSIZE);
	buf_free(&b);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "GET / HTTP/1.1\r\nA: ", 19);
	text[HTTP_HEAD_MAX - 1] = 0;
	assert_int_equal(parse(text, &h, &len), EAGAIN);
	text[HTTP_HEAD_MAX - 1] = 'x';
	assert_int_equal(parse(text, &h, &len), EMSGSIZE);
}

/* ---- the handshake ---------------------------------------------------------------------------- */

static void answers(const struct ws_rules *rules, const char *request, const char *begins)
{
	struct buf b = BUF_INIT;
	struct http_head h, back;
	size_t len;
	bool yes = str_starts(str_z(begins), STR("HTTP/1.1 101"));

	assert_int_equal(http_parse_request(&h, str_z(request), &len), 0);
	assert_int_equal(ws_answer(&b, rules, &h), yes ? 0 : EACCES);
	if (!str_starts(buf_view(&b), str_z(begins)))
		fail_msg("%s\ngave\n%s", request, buf_z(&b));
	assert_int_equal(http_parse_answer(&back, buf_view(&b), &len), 0);
	if (yes)
		assert_int_equal(len, b.n);
	else
		assert_true(http_has_token(&back, STR("Connection"), STR("close")) && len < b.n);
	buf_free(&b);
}

/* REQUEST with one of its lines changed. */
static void changed(const struct ws_rules *rules, const char *line, const char *to, const char *begins)
{
	struct str all = STR(REQUEST);
	size_t at = str_find(all, str_z(line));
	struct buf b = BUF_INIT;

	assert_true(at < all.n);
	buf_puts(&b, str_sub(all, 0, at), str_z(to), str_skip(all, at + strlen(line)));
	answers(rules, buf_z(&b), begins);
	buf_free(&b);
}

static void upgrades(void **state)
{
	struct ws_rules *rules = ws_rules_new(STR("/ws"), STR("https://example.com, https://b.example"));

	(void)state;
	answers(rules, REQUEST, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n");
	answers(NULL, REQUEST, "HTTP/1.1 101");
	changed(rules, "HTTP/1.1", "HTTP/1.0", "HTTP/1.1 505");
	changed(rules, "GET", "POST", "HTTP/1.1 405");
	changed(rules, "/ws", "/", "HTTP/1.1 404");
	changed(rules, "/ws", "/ws/", "HTTP/1.1 404");
	changed(rules, "/ws", "/ws?x", "HTTP/1.1 101");
	changed(NULL, "/ws", "/anything", "HTTP/1.1 101");
	changed(rules, "Host: sip.example.com\r\n", "", "HTTP/1.1 400");
	changed(rules, "Host: sip.example.com\r\n", "Host: a\r\nHost: b\r\n", "HTTP/1.1 400");
	changed(rules, "Upgrade: websocket\r\n", "", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n");
	changed(rules, "websocket", "h2c", "HTTP/1.1 426");
	changed(rules, "websocket", "WebSocket", "HTTP/1.1 101");
	changed(rules, "keep-alive, Upgrade", "keep-alive", "HTTP/1.1 426");
	changed(rules, "Version: 13", "Version: 8", "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
	changed(rules, "Sec-WebSocket-Key: " KEY "\r\n", "", "HTTP/1.1 400");
	changed(rules, KEY, "c2hvcnQ=", "HTTP/1.1 400");
	changed(rules, KEY, "dGhlIHNhbXBsZSBub25jZ!==", "HTTP/1.1 400");
	changed(rules, "chat, sip", "chat", "HTTP/1.1 400");
	changed(rules, "chat, sip", "SIP", "HTTP/1.1 101");
	changed(rules, "Origin: https://example.com", "Origin: https://evil.example", "HTTP/1.1 403");
	changed(rules, "Origin: https://example.com", "Origin: https://b.example", "HTTP/1.1 101");
	changed(rules, "Origin: https://example.com", "Origin: https://example.com\r\nOrigin: https://evil.example", "HTTP/1.1 403");
	changed(rules, "Origin: https://example.com\r\n", "", "HTTP/1.1 101");
	changed(NULL, "Origin: https://example.com", "Origin: null", "HTTP/1.1 101");
	changed(rules, "Origin:", "Content-Length: 5\r\nOrigin:", "HTTP/1.1 400");
	changed(rules, "Origin:", "Content-Length: 0\r\nOrigin:", "HTTP/1.1 101");
	changed(rules, "Origin:", "Transfer-Encoding: chunked\r\nOrigin:", "HTTP/1.1 400");
	obj_drop(rules);
}

static int check(const char *answer, const char *key)
{
	const char *why = NULL;
	struct http_head h;
	size_t len;
	int err;

	assert_int_equal(http_parse_answer(&h, str_z(answer), &len), 0);
	err = ws_check_answer(&h, key, &why);
	assert_int_equal(err != 0, why != NULL);
	return err;
}

static void as_client(void **state)
{
	char key[WS_KEY + 1], other[WS_KEY + 1];
	struct buf request = BUF_INIT, answer = BUF_INIT;
	struct http_head h;
	size_t len;

	(void)state;
	assert_int_equal(ws_new_key(key), 0);
	assert_int_equal(ws_new_key(other), 0);
	assert_string_not_equal(key, other);
	ws_request(&request, key, STR("a.example:8088"), STR("/ws"));
	assert_int_equal(http_parse_request(&h, buf_view(&request), &len), 0);
	assert_int_equal(ws_answer(&answer, NULL, &h), 0);
	assert_int_equal(check(buf_z(&answer), key), 0);
	assert_int_equal(check(buf_z(&answer), other), EPROTO);
	buf_free(&request);
	buf_free(&answer);
#define A "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	assert_int_equal(check(A "Sec-WebSocket-Protocol: sip\r\n\r\n", KEY), 0);
	assert_int_equal(check(A "\r\n", KEY), EPROTO);
	assert_int_equal(check(A "Sec-WebSocket-Protocol: chat\r\n\r\n", KEY), EPROTO);
	assert_int_equal(check(A "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", KEY), EPROTO);
	assert_int_equal(check("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", KEY), EPROTO);
#undef A
}

/* ---- frames ------------------------------------------------------------------------------------ */

/* One frame of a server or client, by hand. */
static void put_frame(struct buf *b, unsigned first, struct str payload, bool masked)
{
	static const uint8_t mask[4] = { 1, 2, 3, 4 };
	uint8_t head[WS_HEAD_MAX];
	size_t n = ws_frame_head(head, (enum ws_op)(first & 15), payload.n, masked ? mask : NULL), at;

	head[0] = (uint8_t)first;
	buf_mem(b, head, n);
	at = b->n;
	buf_put(b, payload);
	assert_int_equal(buf_err(b), 0);
	if (masked)
		ws_mask(b->p + at, payload.n, mask);
}

static struct ws_got read_one(struct ws_reader *r, struct buf *b)
{
	char *exact = exact_copy(buf_view(b));
	static char kept[70000];
	struct ws_got got;

	ws_read(r, exact, b->n, &got);
	assert_true(got.used <= b->n);
	if (got.payload.n) {
		memcpy(kept, got.payload.p, got.payload.n);
		got.payload.p = kept;
	}
	free(exact);
	return got;
}

static void broken_frames(void **state)
{
	static const struct { const char *bytes; size_t n; unsigned code; } rows[] = {
		{ "\x81\x02hi", 4, WS_CODE_PROTOCOL },                  /* not masked */
		{ "\xc1\x80\0\0\0\0", 6, WS_CODE_PROTOCOL },            /* RSV1 */
		{ "\x83\x80\0\0\0\0", 6, WS_CODE_PROTOCOL },            /* opcode 3 */
		{ "\x8b\x80\0\0\0\0", 6, WS_CODE_PROTOCOL },            /* opcode 11 */
		{ "\x09\x80\0\0\0\0", 6, WS_CODE_PROTOCOL },            /* a ping in fragments */
		{ "\x89\xfe\0\x80\0\0\0\0", 8, WS_CODE_PROTOCOL },      /* a long ping */
		{ "\x81\xfe\0\x7d\0\0\0\0", 8, WS_CODE_PROTOCOL },      /* 125 in two bytes */
		{ "\x81\xff\0\0\0\0\0\0\xff\xff", 10, WS_CODE_PROTOCOL },       /* 65535 in eight */
		{ "\x81\xff\x80\0\0\0\0\0\0\0", 10, WS_CODE_PROTOCOL }, /* 2^63 */
		{ "\x81\xff\0\0\0\1\0\0\0\0", 10, WS_CODE_TOO_BIG },
		{ "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10, WS_CODE_TOO_BIG },
		{ "\x80\x80\0\0\0\0", 6, WS_CODE_PROTOCOL },            /* a continuation of nothing */
		{ "\x81\x81\0\0\0\0\xff", 7, WS_CODE_NOT_UTF8 },
		{ "\x88\x81\0\0\0\0\3", 7, WS_CODE_PROTOCOL },          /* half a code */
		{ "\x88\x82\0\0\0\0\3\xed", 8, WS_CODE_PROTOCOL },      /* 1005 */
		{ "\x88\x82\0\0\0\0\0\0", 8, WS_CODE_PROTOCOL },
		{ "\x88\x83\0\0\0\0\3\xe8\xff", 9, WS_CODE_NOT_UTF8 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_reader r = { .masked = true, .max = 65535 };
		struct buf b = BUF_INIT;
		struct ws_got got;

		buf_mem(&b, rows[i].bytes, rows[i].n);
		got = read_one(&r, &b);
		if (got.kind != WS_BROKEN || got.code != rows[i].code)
			fail_msg("row %zu: kind %d, code %u", i, (int)got.kind, got.code);
		buf_free(&b);
		ws_reader_free(&r);
	}
}

static void frames_of_all_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 125, 126, 127, 65535 };
	static char text[65536];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (int masked = 0; masked < 2; masked++) {
			struct ws_reader r = { .masked = masked, .max = 65535 };
			struct buf b = BUF_INIT;
			struct ws_got got;
			size_t whole;

			put_frame(&b, 0x80 | WS_TEXT, str_mk(text, lengths[i]), masked);
			whole = b.n;
			for (b.n = 0; b.n < whole; b.n = b.n < 20 || b.n >= whole - 20 ? b.n + 1 : whole - 20)
				if (read_one(&r, &b).kind != WS_NOTHING)
					fail_msg("%zu of %zu bytes", b.n, whole);
			got = read_one(&r, &b);
			assert_int_equal(got.kind, WS_MESSAGE);
			assert_int_equal(got.used, whole);
			assert_true(str_eq(got.payload, str_mk(text, lengths[i])));
			buf_free(&b);
			ws_reader_free(&r);
		}
}

/* Three fragments with a ping between; a character may be cut in two. */
static void fragments(void **state)
{
	struct ws_reader r = { .masked = true, .max = 10 };
	struct buf b = BUF_INIT;
	struct ws_got got;

	(void)state;
	put_frame(&b, WS_TEXT, STR("a\xc3"), true);
	assert_int_equal(read_one(&r, &b).kind, WS_PART);
	buf_reset(&b);
	put_frame(&b, 0x80 | WS_PING, STR("p"), true);
	got = read_one(&r, &b);
	assert_int_equal(got.kind, WS_PINGED);
	assert_true(str_eq(got.payload, STR("p")));
	buf_reset(&b);
	put_frame(&b, WS_CONTINUATION, STR(""), true);
	assert_int_equal(read_one(&r, &b).kind, WS_PART);
	buf_reset(&b);
	put_frame(&b, 0x80 | WS_CONTINUATION, STR("\xa4z"), true);
	got = read_one(&r, &b);
	assert_int_equal(got.kind, WS_MESSAGE);
	assert_true(str_eq(got.payload, STR("a\xc3\xa4z")));
	/* Another message inside of one; and one that gets too long. */
	buf_reset(&b);
	put_frame(&b, WS_BINARY, STR("12345"), true);
	assert_int_equal(read_one(&r, &b).kind, WS_PART);
	buf_reset(&b);
	put_frame(&b, WS_CONTINUATION, STR("123456"), true);
	got = read_one(&r, &b);
	assert_int_equal(got.kind, WS_BROKEN);
	assert_int_equal(got.code, WS_CODE_TOO_BIG);
	ws_reader_free(&r);
	r = (struct ws_reader){ .masked = true, .max = 10 };
	buf_reset(&b);
	put_frame(&b, WS_BINARY, STR("1"), true);
	assert_int_equal(read_one(&r, &b).kind, WS_PART);
	buf_reset(&b);
	put_frame(&b, 0x80 | WS_TEXT, STR("2"), true);
	assert_int_equal(read_one(&r, &b).code, WS_CODE_PROTOCOL);
	ws_reader_free(&r);
	buf_free(&b);
}

static void closes(void **state)
{
	static const struct { const char *bytes; size_t n; unsigned code; } rows[] = {
		{ "", 0, WS_CODE_NO_STATUS }, { "\3\xe8", 2, 1000 }, { "\3\xe9gone", 6, 1001 }, { "\x0f\xa0", 2, 4000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ws_reader r = { .masked = true, .max = 10 };
		struct buf b = BUF_INIT;
		struct ws_got got;

		put_frame(&b, 0x80 | WS_CLOSE, str_mk(rows[i].bytes, rows[i].n), true);
		got = read_one(&r, &b);
		assert_int_equal(got.kind, WS_CLOSED);
		assert_int_equal(got.code, rows[i].code);
		buf_free(&b);
	}
}

static void utf8(void **state)
{
	static const struct { const char *z; bool ok; } rows[] = {
		{ "", true }, { "abc", true }, { "\xc3\xa4", true }, { "\xe2\x82\xac", true }, { "\xf0\x9f\x98\x80", true },
		{ "\xf4\x8f\xbf\xbf", true }, { "\xf4\x90\x80\x80", false }, { "\xc0\xaf", false }, { "\xe0\x9f\xbf", false },
		{ "\xf0\x8f\xbf\xbf", false }, { "\xed\xa0\x80", false }, { "\xed\x9f\xbf", true }, { "\xc3", false },
		{ "\xe2\x82", false }, { "\x80", false }, { "\xfe", false }, { "\xc3\x28", false }, { "\xf8\x88\x80\x80\x80", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (ws_is_utf8(str_z(rows[i].z)) != rows[i].ok)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests), cmocka_unit_test(bounds_of_requests), cmocka_unit_test(upgrades),
		cmocka_unit_test(as_client), cmocka_unit_test(broken_frames), cmocka_unit_test(frames_of_all_lengths),
		cmocka_unit_test(fragments), cmocka_unit_test(closes), cmocka_unit_test(utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
