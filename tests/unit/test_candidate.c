/* ICE in session descriptions: candidates, credentials, fragments that trickle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "base/obj.h"
#include "sdp/candidate.h"

static void test_parse(void **state)
{
	struct candidate c;
	char text[SA_TEXT];

	(void)state;
	assert_int_equal(candidate_parse(&c, STR("842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.1.1 "
						 "rport 8998 generation 0 ufrag EEtu network-cost 999")), 0);
	assert_true(str_eq(c.foundation, STR("842163049")));
	assert_int_equal(c.component, 1);
	assert_int_equal(c.transport, CANDIDATE_UDP);
	assert_int_equal(c.priority, 1677729535);
	assert_string_equal(sa_text(&c.addr, text), "203.0.113.7:46154");
	assert_int_equal(c.type, CANDIDATE_SRFLX);
	assert_string_equal(sa_text(&c.related, text), "10.0.1.1:8998");
	assert_true(str_eq(candidate_ext(&c, STR("ufrag")), STR("EEtu")));
	assert_true(str_eq(candidate_ext(&c, STR("network-cost")), STR("999")));
	assert_false(candidate_ext(&c, STR("tcptype")).n);
	assert_true(candidate_usable(&c));
	assert_int_equal(candidate_parse(&c, STR("1 2 UDP 1 2001:db8::5 9 typ host")), 0);
	assert_string_equal(sa_text(&c.addr, text), "[2001:db8::5]:9");
	assert_true(candidate_usable(&c));
}

static void test_passed_over(void **state)
{
	static const struct { struct str v; bool mdns; } tv[] = {
		{ STR_INIT("1 1 UDP 2122252543 3d9a6d3e-ff9a-4f1e-9cc7-8d3f1c3b7d11.local 50000 typ host"), true },
		{ STR_INIT("1 1 UDP 2122252543 host.example.org 50000 typ host"), false },
		{ STR_INIT("1 1 TCP 2122252543 192.0.2.1 9 typ host tcptype active"), false },
		{ STR_INIT("1 1 SCTP 2122252543 192.0.2.1 9 typ host"), false },
		{ STR_INIT("1 1 UDP 2122252543 192.0.2.1 9 typ warp"), false },
		{ STR_INIT("1 1 UDP 2122252543 192.0.2.1 0 typ host"), false },
	};
	struct candidate c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(candidate_parse(&c, tv[i].v), 0);
		assert_false(candidate_usable(&c));
		assert_int_equal(candidate_is_mdns(&c), tv[i].mdns);
	}
}

static void test_refused(void **state)
{
	static const struct { struct str v; int err; } tv[] = {
		{ STR_INIT(""), EBADMSG },
		{ STR_INIT("1"), EBADMSG },
		{ STR_INIT("1-2 1 UDP 1 192.0.2.1 9 typ host"), EBADMSG },
		{ STR_INIT("123456789012345678901234567890123 1 UDP 1 192.0.2.1 9 typ host"), ERANGE },
		{ STR_INIT("1 0 UDP 1 192.0.2.1 9 typ host"), ERANGE },
		{ STR_INIT("1 257 UDP 1 192.0.2.1 9 typ host"), ERANGE },
		{ STR_INIT("1 1 UDP 0 192.0.2.1 9 typ host"), ERANGE },
		{ STR_INIT("1 1 UDP 2147483648 192.0.2.1 9 typ host"), ERANGE },
		{ STR_INIT("1 1 UDP 99999999999 192.0.2.1 9 typ host"), ERANGE },
		{ STR_INIT("1 1 UDP -1 192.0.2.1 9 typ host"), EBADMSG },
		{ STR_INIT("1 1 UDP 1 192.0.2.1 65536 typ host"), ERANGE },
		{ STR_INIT("1 1 UDP 1 192.0.2.1 9 host"), EBADMSG },
		{ STR_INIT("1 1 UDP 1 192.0.2.1 9 typ"), EBADMSG },
		{ STR_INIT("1 1 UDP 1 192.0.2.1 9 typ host raddr"), EBADMSG },
		{ STR_INIT("1 1 UDP 1 192.0.2.1 9 typ host rport 70000"), ERANGE },
		{ STR_INIT("1 1 UDP 1 192.0.2.1 9 typ host name"), EBADMSG },
	};
	struct candidate c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++)
		assert_int_equal(candidate_parse(&c, tv[i].v), tv[i].err);
}

static void test_write(void **state)
{
	static const struct str tv[] = {
		STR_INIT("1 1 UDP 2130706431 10.0.1.1 8998 typ host"),
		STR_INIT("2 1 UDP 1694498815 192.0.2.3 45664 typ srflx raddr 10.0.1.1 rport 8998"),
		STR_INIT("a+/Z 256 TCP 1 2001:db8::1 9 typ relay raddr :: rport 0 tcptype passive x y"),
		STR_INIT("1 1 UDP 5 a.local 50000 typ host generation 0"),
		STR_INIT("1 1 UDP 5 192.0.2.3 50000 typ warp"),
	};
	struct buf b = BUF_INIT;
	struct candidate c;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		buf_reset(&b);
		assert_int_equal(candidate_parse(&c, tv[i]), 0);
		candidate_write(&b, &c);
		assert_true(str_eq(buf_view(&b), tv[i]));
	}
	/* Related address behind an extension: it has one place when it is written. */
	buf_reset(&b);
	assert_int_equal(candidate_parse(&c, STR("1 1 UDP 5 192.0.2.3 1 typ srflx x y raddr 10.0.0.1 rport 7 z 1")), 0);
	candidate_write(&b, &c);
	assert_true(str_eq(buf_view(&b), STR("1 1 UDP 5 192.0.2.3 1 typ srflx raddr 10.0.0.1 rport 7 x y z 1")));
	buf_free(&b);
}

static int desc_of(const char *session, const char *media, struct ice_desc *d, struct sdp **s)
{
	struct buf b = BUF_INIT;
	int err;

	buf_printf(&b, "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n%sm=audio 5000 RTP/AVP 0\r\n%s",
		   session, media);
	assert_int_equal(sdp_parse(s, buf_view(&b)), 0);
	buf_free(&b);
	err = ice_desc_read(d, *s, &(*s)->media[0]);
	return err;
}

#define PWD "asd88fgpdd777uzjYhagZg"     /* 22, the shortest */

static void test_desc(void **state)
{
	static const struct { const char *session, *media; int err; } tv[] = {
		{ "", "", ENOENT },
		{ "a=ice-ufrag:8hhY\r\na=ice-pwd:" PWD "\r\n", "", 0 },
		{ "a=ice-pwd:" PWD "\r\n", "a=ice-ufrag:8hhY\r\n", 0 },
		{ "", "a=ice-ufrag:8hhY\r\n", EBADMSG },
		{ "", "a=ice-ufrag:8hh\r\na=ice-pwd:" PWD "\r\n", ERANGE },
		{ "", "a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhagZ\r\n", ERANGE },
		{ "", "a=ice-ufrag:8h\"Y\r\na=ice-pwd:" PWD "\r\n", EBADMSG },
		{ "", "a=ice-ufrag:8hhY\r\na=ice-pwd:asd88fgpdd777uzjYhag:g\r\n", EBADMSG },
	};
	struct ice_desc d;
	struct sdp *s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		assert_int_equal(desc_of(tv[i].session, tv[i].media, &d, &s), tv[i].err);
		obj_drop(s);
	}
	assert_int_equal(desc_of("a=ice-lite\r\na=ice-options:ice2\r\na=ice-ufrag:aaaa\r\na=ice-pwd:" PWD "\r\n",
				 "a=ice-ufrag:bbbb\r\na=ice-options:foo trickle\r\na=ice-mismatch\r\na=end-of-candidates\r\n"
				 "a=remote-candidates:1 192.0.2.9 7000 2 2001:db8::1 7001\r\n", &d, &s), 0);
	assert_true(str_eq(d.ufrag, STR("bbbb")) && str_eq(d.pwd, STR(PWD)));
	assert_true(d.lite && d.mismatch && d.trickle && d.ice2 && d.end_of_candidates);
	obj_drop(s);
}

static void test_remote_candidates(void **state)
{
	struct str v = STR("1 192.0.2.9 7000  2 2001:db8::1 7001");
	struct buf b = BUF_INIT;
	uint16_t n;
	struct sa a;

	(void)state;
	assert_int_equal(ice_remote_candidate(&v, &n, &a), 0);
	assert_int_equal(n, 1);
	ice_remote_candidate_write(&b, n, &a);
	assert_int_equal(ice_remote_candidate(&v, &n, &a), 0);
	ice_remote_candidate_write(&b, n, &a);
	assert_int_equal(ice_remote_candidate(&v, &n, &a), ENOENT);
	assert_true(str_eq(buf_view(&b), STR("1 192.0.2.9 7000 2 2001:db8::1 7001")));
	buf_free(&b);
	v = STR("1 192.0.2.9");
	assert_int_equal(ice_remote_candidate(&v, &n, &a), EBADMSG);
	v = STR("1 name.example.org 5");
	assert_int_equal(ice_remote_candidate(&v, &n, &a), EBADMSG);
}

static void test_of_media(void **state)
{
	struct ice_desc d;
	struct candidate c;
	struct sdp *s;
	size_t it = 0;

	(void)state;
	assert_int_equal(desc_of("", "a=ice-ufrag:bbbb\r\na=ice-pwd:" PWD "\r\n"
				 "a=candidate:1 1 UDP 9 x.local 5000 typ host\r\na=candidate:junk\r\n"
				 "a=candidate:2 1 UDP 8 192.0.2.1 5000 typ host\r\na=candidate:3 1 TCP 7 192.0.2.1 9 typ host\r\n"
				 "a=candidate:4 2 UDP 6 192.0.2.1 5001 typ host\r\n", &d, &s), 0);
	assert_true(ice_candidate_next(&s->media[0], &it, &c));
	assert_true(str_eq(c.foundation, STR("2")));
	assert_true(ice_candidate_next(&s->media[0], &it, &c));
	assert_true(str_eq(c.foundation, STR("4")));
	assert_false(ice_candidate_next(&s->media[0], &it, &c));
	assert_true(ice_default_matches(&s->media[0], false));
	obj_drop(s);
	assert_int_equal(desc_of("", "a=ice-ufrag:bbbb\r\na=ice-pwd:" PWD "\r\n"
				 "a=candidate:2 1 UDP 8 192.0.2.2 5000 typ host\r\n", &d, &s), 0);
	assert_false(ice_default_matches(&s->media[0], false));
	obj_drop(s);
}

static void test_fragment(void **state)
{
	const struct str body = STR(
		"a=ice-ufrag:CEhH\r\na=ice-pwd:" PWD "\r\na=group:BUNDLE 1 2\r\n"
		"m=audio 9 RTP/AVP 0\r\na=mid:1\r\na=candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host\r\n"
		"a=candidate:9 1 UDP 1 x.local 1 typ host\r\na=candidate:2 1 UDP 5 192.0.2.3 45664 typ srflx\r\n"
		"a=end-of-candidates\r\nm=video 9 RTP/AVP 96\r\na=mid:2\r\na=ice-ufrag:xxxx\r\na=ice-pwd:" PWD "x\r\n");
	struct candidate c[2];
	struct sdpfrag f, g;
	struct str rest;
	struct buf b = BUF_INIT;

	(void)state;
	assert_int_equal(sdpfrag_parse(&f, body), 0);
	assert_int_equal(f.nmedia, 2);
	assert_true(str_eq(f.media[0].mid, STR("1")) && str_eq(f.media[0].ufrag, STR("CEhH")));
	assert_true(f.media[0].end_of_candidates && !f.media[1].end_of_candidates);
	assert_true(str_eq(f.media[1].ufrag, STR("xxxx")) && str_eq(f.media[1].pwd, STR(PWD "x")));
	rest = f.media[0].lines;
	assert_true(sdpfrag_candidate(&rest, &c[0]));
	assert_true(sdpfrag_candidate(&rest, &c[1]));
	assert_int_equal(c[1].type, CANDIDATE_SRFLX);
	assert_false(sdpfrag_candidate(&rest, &(struct candidate){ 0 }));
	rest = f.media[1].lines;
	assert_false(sdpfrag_candidate(&rest, &(struct candidate){ 0 }));
	sdpfrag_write_head(&b, f.ufrag, f.pwd);
	sdpfrag_write_media(&b, f.media[0].m, f.media[0].mid, c, 2, true);
	assert_int_equal(sdpfrag_parse(&g, buf_view(&b)), 0);
	assert_int_equal(g.nmedia, 1);
	assert_true(g.media[0].end_of_candidates);
	rest = g.media[0].lines;
	assert_true(sdpfrag_candidate(&rest, &c[0]) && sdpfrag_candidate(&rest, &c[1]));
	buf_free(&b);
}

static void test_fragment_refused(void **state)
{
	static const struct { struct str v; int err; } tv[] = {
		{ STR_INIT(""), EBADMSG },
		{ STR_INIT("nonsense"), EBADMSG },
		/* Without names they go by their places: all or none. */
		{ STR_INIT("a=ice-ufrag:CEhH\na=ice-pwd:" PWD "\nm=audio 9 RTP/AVP 0\na=end-of-candidates\n"), 0 },
		{ STR_INIT("a=ice-ufrag:CEhH\na=ice-pwd:" PWD "\nm=audio 9 RTP/AVP 0\nm=video 9 RTP/AVP 0\na=mid:v\n"), EBADMSG },
		{ STR_INIT("m=audio 9 RTP/AVP 0\na=mid:1\n"), EBADMSG },          /* no credentials */
		{ STR_INIT("a=ice-ufrag:CEhH\na=ice-pwd:short\nm=audio 9 RTP/AVP 0\na=mid:1\n"), EBADMSG },
		{ STR_INIT("a=ice-ufrag:CEhH\na=ice-pwd:" PWD "\nm=audio 9 RTP/AVP 0\na=mid:1\nx\n"), EBADMSG },
		{ STR_INIT("a=ice-ufrag:CEhH\na=ice-pwd:" PWD "\nm=audio 9 RTP/AVP 0\na=mid:1\na=x\x01\n"), EBADMSG },
	};
	struct buf b = BUF_INIT;
	struct sdpfrag f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++)
		assert_int_equal(sdpfrag_parse(&f, tv[i].v), tv[i].err);
	sdpfrag_write_head(&b, STR("CEhH"), STR(PWD));
	for (int i = 0; i < SDP_MAX_MEDIA; i++)
		sdpfrag_write_media(&b, STR("audio 9 RTP/AVP 0"), STR("1"), NULL, 0, false);
	assert_int_equal(sdpfrag_parse(&f, buf_view(&b)), 0);
	sdpfrag_write_media(&b, STR("audio 9 RTP/AVP 0"), STR("1"), NULL, 0, false);
	assert_int_equal(sdpfrag_parse(&f, buf_view(&b)), E2BIG);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_passed_over), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_write), cmocka_unit_test(test_desc), cmocka_unit_test(test_remote_candidates),
		cmocka_unit_test(test_of_media), cmocka_unit_test(test_fragment), cmocka_unit_test(test_fragment_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
