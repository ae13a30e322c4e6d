/* URIs: parts, escapes, comparison (RFC 3261 19.1). */
#include "sip/chars.h"
#include "sip/uri.h"
#include "data.h"
#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define assert_str(a, b) check_str((a), str_z(b), #a, __FILE__, __LINE__)

static void check_str(struct str got, struct str want, const char *what, const char *file, int line)
{
	if (str_eq(got, want))
		return;
	print_error("%s is '%.*s', not '%.*s'\n", what, STR_ARG(got), STR_ARG(want));
	_fail(file, line);
}

/* RFC 3261 25.1, in its own words. */
static void byte_classes_are_the_grammars(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		bool alnum = c < 128 && isalnum(c), token = alnum || (c && strchr("-.!%*_+`'~", c));
		bool user = alnum || (c && strchr("-_.!~*'()&=+$,;?/", c));
		bool uri = c > 0x20 && c != 0x7f && !strchr("<>\"", c);

		assert_int_equal(char_is((char)c, CHAR_TOKEN), token ? CHAR_TOKEN : 0);
		assert_int_equal(char_is((char)c, CHAR_USER) != 0, user);
		assert_int_equal(char_is((char)c, CHAR_URI) != 0, uri);
		assert_int_equal(char_is((char)c, CHAR_HOST) != 0, alnum || (c && strchr("-._", c)));
		assert_int_equal(char_is((char)c, CHAR_HEX) != 0, c < 128 && isxdigit(c));
		assert_int_equal(char_is((char)c, CHAR_DIGIT) != 0, c < 128 && isdigit(c));
		assert_int_equal(char_is((char)c, CHAR_SCHEME) != 0, alnum || (c && strchr("+-.", c)));
		assert_int_equal(char_is((char)c, CHAR_BLANK) != 0, c && strchr(" \t\r\n", c));
	}
}

static void uris_fall_into_their_parts(void **state)
{
	static const struct { const char *in, *scheme, *user, *password, *host, *params, *headers, *opaque; unsigned port; } tv[] = {
		{ "sip:bob", "sip", "", "", "bob", "", "", "", 0 },
		{ "sip:alice@atlanta.com", "sip", "alice", "", "atlanta.com", "", "", "", 0 },
		{ "SIPS:alice:secret@atlanta.com:5061;transport=tcp;lr?subject=x&a=b", "SIPS", "alice", "secret",
		  "atlanta.com", "transport=tcp;lr", "subject=x&a=b", "", 5061 },
		{ "sip:a@[2001:db8::9:1]:5070;lr", "sip", "a", "", "[2001:db8::9:1]", "lr", "", "", 5070 },
		{ "sip:[::ffff:192.0.2.1]", "sip", "", "", "[::ffff:192.0.2.1]", "", "", "", 0 },
		{ "sip:[fe80::1%25eth0]:5060", "sip", "", "", "[fe80::1%25eth0]", "", "", "", 5060 },
		{ "sip:user;par=u%40example.net@example.com", "sip", "user;par=u%40example.net", "", "example.com",
		  "", "", "", 0 },
		{ "sip:+1-212?x/;y@g.com?Route=%3Csip:a%3E", "sip", "+1-212?x/;y", "", "g.com", "", "Route=%3Csip:a%3E", "", 0 },
		{ "sip:a_host.example:1", "sip", "", "", "a_host.example", "", "", "", 1 },
		{ "sip:a:@b", "sip", "a", "", "b", "", "", "", 0 },
		{ "sip:u@h;", "sip", "u", "", "h", "", "", "", 0 },
		{ "sip:u@h:65535;;", "sip", "u", "", "h", ";", "", "", 65535 },
		{ "tel:+1-201-555-0123;phone-context=example.com", "tel", "+1-201-555-0123", "", "",
		  "phone-context=example.com", "", "", 0 },
		{ "isbn:2983792873", "isbn", "", "", "", "", "", "2983792873", 0 },
		{ "soap.beep://192.0.2.103:3002", "soap.beep", "", "", "", "", "", "//192.0.2.103:3002", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sip_uri u = { 0 };

		print_message("%s\n", tv[i].in);
		assert_int_equal(sip_uri_parse(&u, str_z(tv[i].in)), 0);
		assert_str(u.text, tv[i].in);
		assert_str(u.scheme, tv[i].scheme);
		assert_str(u.user, tv[i].user);
		assert_str(u.password, tv[i].password);
		assert_str(u.host, tv[i].host);
		assert_str(u.params, tv[i].params);
		assert_str(u.headers, tv[i].headers);
		assert_str(u.opaque, tv[i].opaque);
		assert_int_equal(u.port, tv[i].port);
	}
}

static void what_is_no_uri_is_refused(void **state)
{
	static const char *const bad[] = { "", ":", "sip", "sip:", "sip:@", "sip:@host", "sip:u@", "sip:u@h:", "sip:u@h:0",
		"sip:u@h:65536", "sip:u@h:99999999999999999999", "sip:u@h:5a", "sip:u@h@i", "sip:u@h;x=y@z", "sip:u@h?a=b@c",
		"sip:2001:db8::10", "sip:[::1", "sip:[]", "sip:[::1]x", "sip:[g::1]", "sip:u@h x", "sip:u@h\t", "sip:u@h\n",
		"sip:<u@h", "sip:u@h>", "sip:\"u\"@h", "sip:u@\x01h", "sip:u@h\x7f", "1sip:u@h", "s p:u@h", "tel:", "tel:;x=y",
		"foo:", "sip:;lr", "sip:?a=b", "sip::5060", "sip:u@h/x", "sip:u:p@", "sip:\xc3\xbc@h\xc3\xbc" };
	struct sip_uri u = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *copy = exact_copy(str_z(bad[i]));

		print_message("'%s'\n", bad[i]);
		assert_int_equal(sip_uri_parse(&u, str_mk(copy, strlen(bad[i]))), EBADMSG);
		assert_int_equal(u.port, 7);    /* untouched */
		free(copy);
	}
	assert_int_equal(sip_uri_parse(&u, str_mk("sip:a\0b@h", 9)), EBADMSG);
	assert_int_equal(sip_uri_parse(&u, STR_NULL), EBADMSG);
}

static void schemes_are_told_apart(void **state)
{
	struct sip_uri u;

	(void)state;
	assert_int_equal(sip_uri_parse(&u, STR("sIp:a@b")), 0);
	assert_true(sip_uri_is_sip(&u) && !sip_uri_is_sips(&u) && !sip_uri_is_tel(&u));
	assert_int_equal(sip_uri_parse(&u, STR("SIPS:a@b")), 0);
	assert_true(sip_uri_is_sip(&u) && sip_uri_is_sips(&u));
	assert_int_equal(sip_uri_parse(&u, STR("TEL:1")), 0);
	assert_true(!sip_uri_is_sip(&u) && sip_uri_is_tel(&u));
	assert_int_equal(sip_uri_parse(&u, STR("sipx:1")), 0);
	assert_true(!sip_uri_is_sip(&u) && !sip_uri_is_tel(&u));
}

static void parameters_are_found_by_name(void **state)
{
	struct str p = STR("a=1; B = \"x;c=9\" ;c;;d=;e=\"\\\"\";f"), v;

	(void)state;
	assert_true(sip_param(p, STR("A"), &v));
	assert_str(v, "1");
	assert_true(sip_param(p, STR("b"), &v));
	assert_str(v, "x;c=9");
	/* The c inside the quotes is data; the real one has no value. */
	assert_true(sip_param(p, STR("c"), &v));
	assert_str(v, "");
	assert_true(sip_param(p, STR("d"), &v));
	assert_str(v, "");
	assert_true(sip_param(p, STR("e"), &v));
	assert_str(v, "\\\"");
	assert_true(sip_param(p, STR("f"), NULL));
	assert_false(sip_param(p, STR("g"), &v));
	assert_false(sip_param(p, STR("x"), &v));
	assert_false(sip_param(STR_NULL, STR("a"), &v));
	assert_false(sip_param(STR("a=\"unterminated;b=1"), STR("b"), &v));
}

static bool eq(const char *a, const char *b)
{
	struct sip_uri x, y;
	bool one, two;

	assert_int_equal(sip_uri_parse(&x, str_z(a)), 0);
	assert_int_equal(sip_uri_parse(&y, str_z(b)), 0);
	one = sip_uri_eq(&x, &y);
	two = sip_uri_eq(&y, &x);
	assert_int_equal(one, two);
	return one;
}

/* The examples of RFC 3261 19.1.4 first. */
static void uris_are_compared_as_the_rfc_says(void **state)
{
	static const char *const same[][2] = {
		{ "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5" },
		{ "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5" },
		{ "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		  "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com" },
		{ "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		  "sip:alice@atlanta.com?priority=urgent&subject=project%20x" },
		{ "tel:+1-201-555-0123", "tel:+1(201)5550123" },
		{ "SIP:a@b", "sip:a@b" },
	};
	static const char *const other[][2] = {
		{ "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp" },
		{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp" },
		{ "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting" },
		{ "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4" },
		{ "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off" },
		{ "sip:a@b;user=phone", "sip:a@b" }, { "sip:a@b;ttl=1", "sip:a@b" },
		{ "sip:a@b;maddr=1.2.3.4", "sip:a@b" }, { "sip:a@b;method=INVITE", "sip:a@b" },
		{ "sip:a@b", "sips:a@b" }, { "sip:a:p@b", "sip:a@b" }, { "sip:a@b", "sip:b" },
		{ "sip:a%00@b", "sip:a@b" }, { "tel:+1", "tel:1" }, { "urn:x", "urn:y" },
		{ "sip:a@b?x=1&x=2", "sip:a@b?x=1&y=2" }, { "sip:a@b?x=1&x=1", "sip:a@b?x=1&y=2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		print_message("%s = %s\n", same[i][0], same[i][1]);
		assert_true(eq(same[i][0], same[i][1]));
	}
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		print_message("%s / %s\n", other[i][0], other[i][1]);
		assert_false(eq(other[i][0], other[i][1]));
	}
}

static void escapes_go_both_ways(void **state)
{
	struct arena *a = GOT(arena_new(0));
	struct buf b = BUF_INIT;
	struct str s = STR("plain");

	(void)state;
	assert_ptr_equal(sip_unescape(a, s).p, s.p);
	assert_str(sip_unescape(a, STR("I%20have%20spaces")), "I have spaces");
	assert_str(sip_unescape(a, STR("%41%6c%6C")), "All");
	assert_str(sip_unescape(a, STR("null-%00-null")), "null-%00-null");
	assert_str(sip_unescape(a, STR("100%")), "100%");
	assert_str(sip_unescape(a, STR("%4")), "%4");
	assert_str(sip_unescape(a, STR("%zz%")), "%zz%");
	sip_escape_user(&b, STR("a b@c:d<\xc3>%+1;x"));
	assert_str(buf_view(&b), "a%20b%40c%3Ad%3C%C3%3E%25+1;x");
	assert_str(sip_user_bare(STR("100;phone-context=x")), "100");
	assert_str(sip_user_bare(STR("100")), "100");
	buf_free(&b);
	arena_free(a);
}

static void addresses_fall_into_their_parts(void **state)
{
	static const struct { const char *in, *display, *uri, *params, *tag; bool bracketed; } tv[] = {
		{ "\"A. G. Bell\" <sip:agb@bell.com> ;tag=a48s", "A. G. Bell", "sip:agb@bell.com", "tag=a48s", "a48s", true },
		{ "sip:+12125551212@server.com;tag=887s", "", "sip:+12125551212@server.com", "tag=887s", "887s", false },
		{ "Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8", "Anonymous", "sip:c8oqz84zk7z@privacy.org", "tag=hyh8",
		  "hyh8", true },
		{ "caller<sip:caller@example.com>;tag=323", "caller", "sip:caller@example.com", "tag=323", "323", true },
		{ "<sip:a@b;lr>", "", "sip:a@b;lr", "", "", true },
		{ " sip:a@b \r\n ;  tag \t = 1918181833n", "", "sip:a@b", "tag \t = 1918181833n", "1918181833n", false },
		{ "\"a \\\" <sip:evil@x>;tag=evil\" <sip:a@b>;x=\";tag=evil\";TAG=good", "a \\\" <sip:evil@x>;tag=evil", "sip:a@b",
		  "x=\";tag=evil\";TAG=good", "good", true },
		{ "J\xc3\xbcrgen (home) <sip:a@b>", "J\xc3\xbcrgen (home)", "sip:a@b", "", "", true },
		{ "\"\" <tel:+1>;q=0.5", "", "tel:+1", "q=0.5", "", true },
		{ "<sip:a@b>;;;;", "", "sip:a@b", ";;;", "", true },
		{ "sip:a@b;p=\"<x>\"", "", "sip:a@b", "p=\"<x>\"", "", false },
	};
	struct sip_addr a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char *copy = exact_copy(str_z(tv[i].in));

		print_message("%s\n", tv[i].in);
		assert_int_equal(sip_addr_parse(&a, str_mk(copy, strlen(tv[i].in))), 0);
		assert_str(a.display, tv[i].display);
		assert_str(a.uri_text, tv[i].uri);
		assert_str(a.params, tv[i].params);
		assert_str(a.tag, tv[i].tag);
		assert_int_equal(a.bracketed, tv[i].bracketed);
		assert_false(a.star);
		free(copy);
	}
	assert_int_equal(sip_addr_parse(&a, STR(" * ")), 0);
	assert_true(a.star);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = { "", "bob", "<sip:a@b", "sip:a@b>", "\"Mr. User <sip:a@b>", "\"a\" sip:a@b", "\"a\"",
		"< sip:a@b >", "<sip:a@b> x", "<sip:a@b>,<sip:c@d>", "sip:a@b?Route=x", "sip:a@b,c", "Bell, Alexander <sip:a@b>",
		"a;b <sip:a@b>", "<>", "<sip:>", "<sip:a@b>;x=\"open", "a > <sip:a@b>", "**", "a \x01 <sip:a@b>",
		"\"a\\\" <sip:a@b>", "sip:a b@c", "<sip:a>;tag=", "<sip:a>;tag", "sip:a;tag=;x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char *copy = exact_copy(str_z(bad[i]));
		struct sip_addr a = { .star = true };

		print_message("'%s'\n", bad[i]);
		assert_int_equal(sip_addr_parse(&a, str_mk(copy, strlen(bad[i]))), EBADMSG);
		assert_true(a.star);
		free(copy);
	}
}

static void quoting_goes_both_ways(void **state)
{
	static const char *const texts[] = { "", "plain", "say \"hi\"", "back\\slash", "\\\"", "J\xc3\xbcrgen" };
	struct arena *a = GOT(arena_new(0));
	struct buf b = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sip_addr addr;

		buf_reset(&b);
		sip_write_addr(&b, str_z(texts[i]), STR("sip:a@b"));
		assert_int_equal(sip_addr_parse(&addr, buf_view(&b)), 0);
		assert_str(sip_unquote(a, addr.display), texts[i]);
	}
	/* No text ends the header it stands in. */
	buf_reset(&b);
	sip_write_quoted(&b, str_mk("a\r\nVia: x\0y", 11));
	assert_str(buf_view(&b), "\"a  Via: x y\"");
	buf_free(&b);
	arena_free(a);
}

/* Header components end before the Request-URI. */
static void headers_end_before_the_request_uri(void **state)
{
	static const struct { const char *in, *out; } tv[] = {
		{ "sip:a@b", "sip:a@b" }, { "sip:a@b?c=d", "sip:a@b" }, { "sips:a?b@c:5061;lr?Replaces=x%3Fy", "sips:a?b@c:5061;lr" },
		{ "sip:[::1]:5060?a=b&c=d", "sip:[::1]:5060" }, { "tel:+123;x=?", "tel:+123;x=?" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct sip_uri u;

		assert_int_equal(sip_uri_parse(&u, str_z(tv[i].in)), 0);
		assert_true(str_eq(sip_uri_as_target(&u), str_z(tv[i].out)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(byte_classes_are_the_grammars),
		cmocka_unit_test(uris_fall_into_their_parts),
		cmocka_unit_test(what_is_no_uri_is_refused),
		cmocka_unit_test(schemes_are_told_apart),
		cmocka_unit_test(parameters_are_found_by_name),
		cmocka_unit_test(uris_are_compared_as_the_rfc_says),
		cmocka_unit_test(escapes_go_both_ways),
		cmocka_unit_test(addresses_fall_into_their_parts),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(quoting_goes_both_ways), cmocka_unit_test(headers_end_before_the_request_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
