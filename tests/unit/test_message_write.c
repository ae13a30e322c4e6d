/* SIP messages as we write them: responses to the right place, requests whole or not at all. */
#include "message_stage.h"
#include "base/obj.h"
#include "sip/out.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

static void response_to(const char *request, const char *peer, unsigned status, const char *tag, const char *want)
{
	struct sip_msg *m = parse_msg(request);
	struct buf b = BUF_INIT;

	if (peer)
		assert_int_equal(sa_parse(&m->from_path.peer, str_z(peer)), 0);
	sip_write_response(&b, m, status, STR_NULL, str_z(tag));
	assert_str(buf_view(&b), want);
	buf_free(&b);
	obj_drop(m);
}

static void responses_go_back_as_they_must(void **state)
{
	(void)state;
	/* RFC 3581 section 4 */
	response_to(INVITE "Record-Route: <sip:p;lr>\r\nTimestamp: 54\r\n\r\n", "192.0.2.1:9988", 180, "tt",
		"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;rport=9988;received=192.0.2.1;branch=z9hG4bKabc\r\n"
		"Record-Route: <sip:p;lr>\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=tt\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n");
	/* No route set in a 100 or a refusal; RFC 3261 8.2.6.1 for Timestamp. */
	response_to(INVITE "Record-Route: <sip:p;lr>\r\nTimestamp: 54\r\n\r\n", "192.0.2.1:9988", 100, "",
		"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;rport=9988;received=192.0.2.1;branch=z9hG4bKabc\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\nTimestamp: 54\r\n");
	/* Where it came from is said always. What the client claims is dropped; later Vias stay as they are; To keeps its own tag. */
	response_to("BYE sip:b SIP/2.0\r\nVia: SIP/2.0/TCP [2001:db8::1];branch=b1\r\nFrom: sip:a;tag=1\r\nTo: sip:b;tag=2\r\n"
		"Call-ID: c\r\nCSeq: 1 BYE\r\n\r\n", "[2001:db8::1]:5060", 200, "new",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP [2001:db8::1];received=2001:db8::1;branch=b1\r\nFrom: sip:a;tag=1\r\nTo: sip:b;tag=2\r\n"
		"Call-ID: c\r\nCSeq: 1 BYE\r\n");
	response_to("BYE sip:b SIP/2.0\r\nv: SIP / 2.0 / TCP h ;received=6.6.6.6; branch=b1;ttl = 3 , SIP/2.0/UDP i;branch=b2\r\n"
		"Via: SIP/2.0/UDP j\r\nFrom: sip:a;tag=1\r\nTo: sip:b;tag=2\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n",
		"[2001:db8::1]:5060", 481, "",
		"SIP/2.0 481 Call/Transaction Does Not Exist\r\nVia: SIP/2.0/TCP h;received=2001:db8::1;branch=b1;ttl = 3\r\n"
		"Via: SIP/2.0/UDP i;branch=b2\r\nVia: SIP/2.0/UDP j\r\n"
		"From: sip:a;tag=1\r\nTo: sip:b;tag=2\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n");
	/* What is missing in a broken request is missing in its 400. */
	response_to("BYE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP 1.2.3.4:;;\r\nCSeq: 1 BYE\r\n\r\n", "1.2.3.4:5060", 400, "t",
		"SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 1.2.3.4:;;\r\nCSeq: 1 BYE\r\n");
}

static void nothing_written_breaks_a_line(void **state)
{
	struct buf b = BUF_INIT;

	(void)state;
	sip_write_hdr(&b, STR("Subject"), STR("a\r\nVia: x\n"));
	assert_str(buf_view(&b), "Subject: a  Via: x \r\n");
	buf_reset(&b);
	sip_write_body(&b, STR_NULL, STR_NULL);
	assert_str(buf_view(&b), "Content-Length: 0\r\n\r\n");
	buf_reset(&b);
	sip_write_body(&b, STR("text/plain"), STR("x\r\ny"));
	assert_str(buf_view(&b), "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nx\r\ny");
	buf_free(&b);
}

static void compact_names_when_asked(void **state)
{
	static const struct {
		const char *in, *out;
		size_t from;
		bool response;
	} tv[] = {
		{ "Call-ID: 1\r\nCSeq: 1 BYE\r\nX-Other: y\r\ncontent-type: a/b\r\nContent-Length: 4\r\n\r\nTo: z",
		  "i: 1\r\nCSeq: 1 BYE\r\nX-Other: y\r\nc: a/b\r\nl: 4\r\n\r\nTo: z", 0, false },
		/* A start line is no header, whatever stands in it; nor is a folded line. */
		{ "SIP/2.0 200 To: you\r\nTo: a\r\n From: b\r\ni: 1\r\n",
		  "SIP/2.0 200 To: you\r\nt: a\r\n From: b\r\ni: 1\r\n", 0, false },
		{ "INVITE sip:to:x@y SIP/2.0\r\nVia: z\r\n", "INVITE sip:to:x@y SIP/2.0\r\nv: z\r\n", 0, false },
		/* From a line on, and a line without its end. */
		{ "To: a\r\nTo: b\r\nTo: c", "To: a\r\nt: b\r\nt: c", 7, false },
		{ "Supported: timer\r\nTo: a\r\n", "k: timer\r\nt: a\r\n", 0, false },
		{ "Supported: timer\r\nTo: a\r\n", "Supported: timer\r\nt: a\r\n", 0, true },
		{ "", "", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct buf b = BUF_INIT;

		buf_put(&b, str_z(tv[i].in));
		sip_write_compact(&b, tv[i].from, tv[i].response);
		assert_str(buf_view(&b), tv[i].out);
		buf_free(&b);
	}
}

/* A part that found no memory is empty; the request must not go without it. */
static void a_request_leaves_whole_or_not(void **state)
{
	struct sip_out *o = GOT(sip_out_new(SIP_BYE));
	struct net_path path = { .proto = NET_UDP };
	struct net_bytes *b;

	(void)state;
	assert_int_equal(sa_parse(&path.local, STR("192.0.2.1:5060")), 0);
	o->from = sip_out_dup(o, STR("<sip:a@x>;tag=1"));
	o->to = sip_out_dup(o, STR("<sip:b@x>"));
	o->call_id = sip_out_dup(o, STR("c"));
	b = sip_out_encode(o, NULL, &path, STR("z9hG4bK1"));
	assert_non_null(b);
	obj_drop(b);
	o->contact = sip_out_dup(o, str_mk("x", SIZE_MAX - 1));
	assert_null(sip_out_encode(o, NULL, &path, STR("z9hG4bK1")));
	obj_drop(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_go_back_as_they_must), cmocka_unit_test(nothing_written_breaks_a_line),
		cmocka_unit_test(compact_names_when_asked), cmocka_unit_test(a_request_leaves_whole_or_not),
		cmocka_unit_test(nothing_was_leaked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
