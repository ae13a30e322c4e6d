/* What is looked up in a SIP message: names, lists, numbers, Via, the parts of a body. */
#include "message_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "data.h"

static void names_have_ids(void **state)
{
	static const struct { const char *compact; enum sip_hdr_id id; } letters[] = {
		{ "v", SIP_H_VIA }, { "F", SIP_H_FROM }, { "t", SIP_H_TO }, { "i", SIP_H_CALL_ID }, { "m", SIP_H_CONTACT },
		{ "l", SIP_H_CONTENT_LENGTH }, { "C", SIP_H_CONTENT_TYPE }, { "k", SIP_H_SUPPORTED }, { "o", SIP_H_EVENT },
		{ "u", SIP_H_ALLOW_EVENTS }, { "r", SIP_H_REFER_TO }, { "b", SIP_H_REFERRED_BY },
		{ "x", SIP_H_SESSION_EXPIRES }, { "e", SIP_H_CONTENT_ENCODING }, { "s", SIP_H_SUBJECT },
		{ "z", SIP_H_OTHER }, { "1", SIP_H_OTHER },
	};

	(void)state;
	for (unsigned id = 1; id < SIP_H_IDS; id++) {
		struct str name = sip_hdr_name(id);
		char folded[64];

		assert_true(name.n > 1);
		assert_int_equal(sip_hdr_id_of(name), id);
		str_copy(folded, sizeof(folded), name);
		for (size_t i = 0; folded[i]; i++)
			folded[i] = (char)(folded[i] ^ (folded[i] >= 'A' ? 0x20 : 0));
		assert_int_equal(sip_hdr_id_of(str_z(folded)), id);
		folded[1] = (char)(folded[1] ^ 1);
		assert_int_equal(sip_hdr_id_of(str_z(folded)), SIP_H_OTHER);
	}
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		assert_int_equal(sip_hdr_id_of(str_z(letters[i].compact)), letters[i].id);
	assert_int_equal(sip_hdr_id_of(STR_NULL), SIP_H_OTHER);
	for (unsigned m = 1; m < SIP_METHODS; m++)
		assert_int_equal(sip_method_of(sip_method_name(m)), m);
	assert_int_equal(sip_method_of(STR("invite")), SIP_UNKNOWN);
	assert_int_equal(sip_method_of(STR("INVITES")), SIP_UNKNOWN);
	assert_int_equal(sip_method_of(STR_NULL), SIP_UNKNOWN);
	assert_string_equal(sip_reason(486), "Busy Here");
	assert_string_equal(sip_reason(100), "Trying");
	assert_string_equal(sip_reason(608), "Rejected");
	assert_string_equal(sip_reason(299), "");
}

static void lists_are_walked_over_lines_and_commas(void **state)
{
	struct sip_msg *m = parse_msg(INVITE "Route: <sip:a;lr>, \"x, y\" <sip:b,c>\r\nRecord-Route: <sip:z>\r\nRoute: ,, <sip:d>,\r\n"
		"Authorization: Digest a=\"1\", b=2\r\nAuthorization: Digest c=3\r\nX-One: 1\r\nx-one: 2\r\n\r\n");
	static const char *const routes[] = { "<sip:a;lr>", "\"x, y\" <sip:b,c>", "<sip:d>" };
	struct sip_each e = { 0 };
	struct str v;
	size_t n = 0;

	(void)state;
	while (sip_each(m, SIP_H_ROUTE, &e, &v)) {
		assert_true(n < 3);
		assert_str(v, routes[n++]);
	}
	assert_int_equal(n, 3);
	e = (struct sip_each){ 0 };
	assert_true(sip_each(m, SIP_H_AUTHORIZATION, &e, &v));
	assert_str(v, "Digest a=\"1\", b=2");
	assert_true(sip_each(m, SIP_H_AUTHORIZATION, &e, &v));
	assert_str(v, "Digest c=3");
	assert_false(sip_each(m, SIP_H_AUTHORIZATION, &e, &v));
	assert_str(sip_hdr_named(m, STR("X-ONE"), 1)->value, "2");
	assert_null(sip_hdr_named(m, STR("X-One"), 2));
	assert_str(sip_hdr_named(m, STR("f"), 0)->value, "<sip:a@x>;tag=1");
	assert_null(sip_hdr(m, SIP_H_PATH));
	obj_drop(m);
}

static void numbers_end_where_they_end(void **state)
{
	static const struct { const char *text; int err; uint32_t v; } tv[] = {
		{ "3600", 0, 3600 }, { "90;refresher=uas", 0, 90 }, { "120 (busy)", 0, 120 }, { "5 ; duration=1", 0, 5 },
		{ "4294967295", 0, UINT32_MAX }, { "4294967296", ERANGE, 0 }, { "", EBADMSG, 0 }, { "-1", EBADMSG, 0 },
		{ "1x", EBADMSG, 0 }, { "1 2", EBADMSG, 0 }, { ";x=1", EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char text[512];
		struct sip_msg *m;
		uint32_t v = 0;

		snprintf(text, sizeof(text), INVITE "Expires: %s\r\n\r\n", tv[i].text);
		m = parse_msg(text);
		assert_int_equal(sip_hdr_u32(m, SIP_H_EXPIRES, &v), tv[i].err);
		assert_int_equal(v, tv[i].v);
		assert_int_equal(sip_hdr_u32(m, SIP_H_MIN_SE, &v), ENOENT);
		obj_drop(m);
	}
}

static void vias_fall_into_their_parts(void **state)
{
	static const struct { const char *text, *protocol, *host, *branch, *received; unsigned port; int rport; } good[] = {
		{ "SIP/2.0/UDP h", "UDP", "h", "", "", 0, -1 },
		{ "SIP/2.0/TLS [2001:db8::9:1]:6050;branch=z9hG4bKas3-111", "TLS", "[2001:db8::9:1]", "z9hG4bKas3-111", "", 6050, -1 },
		{ "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=x", "UDP", "[2001:db8::9:1]", "x", "2001:db8::9:255",
		  0, -1 },
		{ "sip/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks;rport", "WSS", "df7jal23ls0d.invalid", "z9hG4bK56sdasks",
		  "", 0, 0 },
		{ "SIP / 2.0 / UDP   h : 5060 ; branch = a ; rport = 99 ;", "UDP", "h", "a", "", 5060, 99 },
		{ "SIP/2.0/UDP h;x=\";branch=evil\";branch=good, SIP/2.0/TCP i;branch=later", "UDP", "h", "good", "", 0, -1 },
		{ "SIP/2.0/UDP h;branch=", "UDP", "h", "", "", 0, -1 },
	};
	static const char *const bad[] = { "", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 h", "SIP/2.0/UDPh:1", "HTTP/1.1/UDP h",
		"SIP/2.0/UDP h:", "SIP/2.0/UDP h:70000", "SIP/2.0/UDP h:x", "SIP/2.0/UDP h x", "SIP/2.0/UDP ;branch=x", "SIP//UDP h",
		"SIP/2.0/UDP h;a=\"open", "SIP/2.0/UDP 2001:db8::1", "SIP/2.0/UDP [::1", "SIP/2.0/UDP h;rport=x",
		"SIP/2.0/UDP h;rport=65536", "SIP/2.0/UDP h/x" };
	struct sip_via v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		print_message("%s\n", good[i].text);
		assert_int_equal(sip_via_parse(&v, str_z(good[i].text)), 0);
		assert_str(v.protocol, good[i].protocol);
		assert_str(v.host, good[i].host);
		assert_str(v.branch, good[i].branch);
		assert_str(v.received, good[i].received);
		assert_int_equal(v.port, good[i].port);
		assert_int_equal(v.has_rport, good[i].rport >= 0);
		assert_int_equal(v.rport, good[i].rport > 0 ? good[i].rport : 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *copy = exact_copy(str_z(bad[i]));

		print_message("%s\n", bad[i]);
		assert_int_equal(sip_via_parse(&v, str_mk(copy, strlen(bad[i]))), EBADMSG);
		free(copy);
	}
}

/* ---- bodies ------------------------------------------------------------- */

static bool find_body(const char *type, const char *body, const char *want, struct str *part, struct sip_msg **m)
{
	struct buf b = BUF_INIT;
	bool found;

	buf_puts(&b, STR(INVITE "Content-Type: "), str_z(type), STR("\r\n\r\n"), str_z(body));
	assert_int_equal(sip_msg_parse(m, buf_view(&b), true), 0);
	assert_int_equal((*m)->fault, 0);
	buf_free(&b);
	found = sip_body(*m, str_z(want), part);
	return found;
}

static void bodies_are_found_in_multiparts(void **state)
{
	static const struct { const char *type, *body, *want, *found; } tv[] = {
		{ "application/sdp", "v=0", "application/sdp", "v=0" },
		{ "application/SDP;x=y", "v=0", "Application/sdp", "v=0" },
		{ "application/sdp", "v=0", "text/plain", NULL },
		{ "multipart/mixed;boundary=b1", "preamble\r\n--b1\r\n\r\nplain\r\n--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1--\r\nepilogue",
		  "application/sdp", "v=0\r\n" },
		{ "multipart/mixed;boundary=\"b 1\"", "--b 1\r\n\r\nplain\r\n--b 1--", "text/plain", "plain" },
		{ "multipart/related;boundary=o", "--o\nc:multipart/alternative;\n boundary=i\n\n--i\nc: a/b\n\nx\n--i\nContent-type : c/d ; q=1\n\ny\n--i--\n--o--",
		  "c/d", "y" },
		/* Only a line's start is a delimiter. */
		{ "multipart/mixed;boundary=b", "--b\r\n\r\nx --b\r\nContent-Type: a/b\r\n\r\n--b--", "text/plain",
		  "x --b\r\nContent-Type: a/b\r\n" },
		/* Cut off: a part without its end is not used. */
		{ "multipart/mixed;boundary=b", "--b\r\nContent-Type: a/b\r\n\r\nhalf", "a/b", NULL },
		{ "multipart/mixed;boundary=b", "--b--\r\n--b\r\nc: a/b\r\n\r\nx\r\n--b--", "a/b", NULL },
		{ "multipart/mixed", "--b\r\n\r\nx\r\n--b--", "text/plain", NULL },
		{ "multipart/mixed;boundary=\"\"", "--\r\n\r\nx\r\n----", "text/plain", NULL },
		/* Five deep is one too many. */
		{ "multipart/a;boundary=1", "--1\nc:multipart/a;boundary=2\n\n--2\nc:multipart/a;boundary=3\n\n--3\nc:multipart/a;boundary=4\n\n"
		  "--4\nc:x/y\n\nfour\n--4--\n--3--\n--2--\n--1--", "x/y", "four" },
		{ "multipart/a;boundary=1", "--1\nc:multipart/a;boundary=2\n\n--2\nc:multipart/a;boundary=3\n\n--3\nc:multipart/a;boundary=4\n\n"
		  "--4\nc:multipart/a;boundary=5\n\n--5\nc:x/y\n\nfive\n--5--\n--4--\n--3--\n--2--\n--1--", "x/y", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sip_msg *m = NULL;
		struct str part = STR_NULL;

		print_message("%zu\n", i);
		assert_int_equal(find_body(tv[i].type, tv[i].body, tv[i].want, &part, &m), tv[i].found != NULL);
		if (tv[i].found)
			assert_str(part, tv[i].found);
		obj_drop(m);
	}
}

static void at_most_32_parts_are_looked_at(void **state)
{
	(void)state;
	for (unsigned before = 31; before <= 32; before++) {
		struct buf b = BUF_INIT;
		struct sip_msg *m = NULL;
		struct str part;

		for (unsigned i = 0; i < before; i++)
			buf_put(&b, STR("--b\r\nc: a/b\r\n\r\nx\r\n"));
		buf_put(&b, STR("--b\r\nc: c/d\r\n\r\ny\r\n--b--"));
		assert_int_equal(find_body("multipart/mixed;boundary=b", buf_z(&b), "c/d", &part, &m), before == 31);
		buf_free(&b);
		obj_drop(m);
	}
}

static void parts_are_found_by_their_id(void **state)
{
	static const char body[] = "--b\r\nc: a/b\r\n\r\nx\r\n--b\r\nContent-ID:  <one@a.b> \r\nc: a/b\r\n\r\ny\r\n"
		"--b\r\ncontent-id: two\r\n\r\nz\r\n--b--";
	static const struct { const char *id, *found; } tv[] = { { "one@a.b", "y" }, { "two", "z" }, { "ONE@a.b", NULL }, { "", NULL } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sip_msg *m = NULL;
		struct str part = STR_NULL;

		find_body("multipart/mixed;boundary=b", body, "a/b", &part, &m);
		assert_int_equal(sip_body_part(m, str_z(tv[i].id), &part), tv[i].found != NULL);
		if (tv[i].found)
			assert_str(part, tv[i].found);
		obj_drop(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_ids), cmocka_unit_test(lists_are_walked_over_lines_and_commas),
		cmocka_unit_test(numbers_end_where_they_end), cmocka_unit_test(vias_fall_into_their_parts),
		cmocka_unit_test(bodies_are_found_in_multiparts), cmocka_unit_test(at_most_32_parts_are_looked_at),
		cmocka_unit_test(parts_are_found_by_their_id),
		cmocka_unit_test(nothing_was_leaked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
