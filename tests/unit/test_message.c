/* SIP messages as they come: what is one, what is wrong with it, and where a stream is cut. */
#include "message_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include "data.h"

static int parse_err(const char *text, bool datagram)
{
	char *copy = exact_copy(str_z(text));
	struct sip_msg *m = NULL;
	int err = sip_msg_parse(&m, str_mk(copy, strlen(text)), datagram);

	free(copy);
	if (err)
		assert_null(m);
	obj_drop(m);
	return err;
}

static unsigned fault_of(const char *text)
{
	struct sip_msg *m = parse_msg(text);
	unsigned fault = m->fault;

	print_message("%u %s\n", fault, m->fault_reason);
	assert_int_equal(fault != 0, m->fault_reason[0] != 0);
	obj_drop(m);
	return fault;
}

static void request_is_decoded(void **state)
{
	struct sip_msg *m = parse_msg("\r\n\r\nINVITE sip:bob@biloxi.com;user=phone SIP/2.0\r\n"
		"Via: SIP/2.0/TCP pc33.atlanta.com:5070;branch=z9hG4bK776;received=192.0.2.9;rport=4000;x=\";branch=evil\"\r\n"
		"Max-Forwards: 69\r\nTo: Bob <sip:bob@biloxi.com>\r\nFrom: \"Alice\" <sip:alice@atlanta.com>;tag=1928301774\r\n"
		"Call-ID: a84b4c76e66710\r\nCSeq: 314159 INVITE\r\nContact: <sip:alice@pc33>\r\n"
		"Content-Type: Application/SDP ; charset=x\r\nX-Any: thing\r\nContent-Length: 4\r\n\r\nv=0\ntrailing");

	(void)state;
	assert_int_equal(m->fault, 0);
	assert_true(m->request);
	assert_int_equal(m->method, SIP_INVITE);
	assert_str(m->method_name, "INVITE");
	assert_str(m->ruri.user, "bob");
	assert_str(m->via.protocol, "TCP");
	assert_str(m->via.host, "pc33.atlanta.com");
	assert_int_equal(m->via.port, 5070);
	assert_str(m->via.branch, "z9hG4bK776");
	assert_str(m->via.received, "192.0.2.9");
	assert_true(m->via.has_rport);
	assert_int_equal(m->via.rport, 4000);
	assert_str(m->from.display, "Alice");
	assert_str(m->from.tag, "1928301774");
	assert_str(m->to.display, "Bob");
	assert_str(m->to.tag, "");
	assert_str(m->call_id, "a84b4c76e66710");
	assert_int_equal(m->cseq, 314159);
	assert_str(m->cseq_method, "INVITE");
	assert_int_equal(m->max_forwards, 69);
	assert_str(m->content_type, "Application/SDP");
	assert_str(m->body, "v=0\n");
	assert_int_equal(m->hdrs, 10);
	assert_str(m->hdr[8].name, "X-Any");
	assert_int_equal(m->hdr[8].id, SIP_H_OTHER);
	/* Own bytes, from the start line to the end of the body. */
	assert_true(str_starts(m->bytes, STR("INVITE ")) && str_ends(m->bytes, STR("v=0\n")));
	obj_drop(m);
}

static void response_is_decoded(void **state)
{
	struct sip_msg *m = parse_msg("SIP/2.0 183 Session In  Progress\r\n" VIA IDS "CSeq: 7 PRACK\r\n\r\n");

	(void)state;
	assert_int_equal(m->fault, 0);
	assert_false(m->request);
	assert_int_equal(m->status, 183);
	assert_str(m->reason, "Session In  Progress");
	assert_int_equal(m->method, SIP_PRACK);
	assert_int_equal(m->max_forwards, -1);
	obj_drop(m);
	m = parse_msg("sip/2.0 200\r\n" VIA IDS "CSeq: 7 FOO\r\n\r\n");
	assert_int_equal(m->fault, 0);
	assert_int_equal(m->method, SIP_UNKNOWN);
	assert_str(m->reason, "");
	obj_drop(m);
}

/* What SIPp scenarios and old phones send. */
static void sloppy_senders_are_understood(void **state)
{
	struct sip_msg *m = parse_msg("\nOPTIONS sip:x SIP/2.0\nv:SIP / 2.0 / UDP h:5060 ; branch = z9hG4bKx \n"
		"f :sip:a@b;tag=9\nT\t:\n\tBob\n <sip:b@x>\nI: 1@2\ncseq:\t1   OPTIONS  \nL:  0\nk: a,\n b ,, c\n\n");

	(void)state;
	assert_int_equal(m->fault, 0);
	assert_str(m->via.protocol, "UDP");
	assert_str(m->via.branch, "z9hG4bKx");
	assert_int_equal(m->via.port, 5060);
	assert_str(m->from.tag, "9");
	assert_str(m->to.display, "Bob");
	assert_true(sip_hdr_has_token(m, SIP_H_SUPPORTED, STR("B")));
	assert_true(sip_hdr_has_token(m, SIP_H_SUPPORTED, STR("c")));
	assert_false(sip_hdr_has_token(m, SIP_H_SUPPORTED, STR("a,")));
	obj_drop(m);
}

/* No view into a message holds a line end, so none can be carried into a log
 * or another header. */
static void folds_become_blanks(void **state)
{
	struct sip_msg *m = parse_msg(INVITE "Subject: one\r\n  two\r\n\tthree\r\n\r\n");
	struct arena *a = GOT(arena_new(0));

	(void)state;
	assert_int_equal(m->fault, 0);
	assert_str(sip_hdr_value(m, SIP_H_SUBJECT), "one    two  \tthree");
	assert_str(sip_unfold(a, sip_hdr_value(m, SIP_H_SUBJECT)), "one two three");
	assert_ptr_equal(sip_unfold(a, m->call_id).p, m->call_id.p);
	arena_free(a);
	obj_drop(m);
}

static void what_is_no_message_is_not_taken(void **state)
{
	static const char *const bad[] = { "", "\r\n\r\n", "x", "\r\n\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
		"INVITE sip:b@x SIP/2.0\r\n", " INVITE sip:b@x SIP/2.0\r\n\r\n", "INVITE  sip:b@x SIP/2.0\r\n\r\n",
		"INVITE sip:b@x  SIP/2.0\r\n\r\n", "INVITE sip:b@x SIP/2.0 \r\n\r\n", "INVITE\tsip:b@x SIP/2.0\r\n\r\n",
		"INVITE sip:b@x\r\n\r\n", "INVITE sip:b@x SIP/2\r\n\r\n", "INVITE sip:b@x SIP/2.\r\n\r\n",
		"INVITE sip:b@x SIP/x.0\r\n\r\n", "INV(ITE sip:b@x SIP/2.0\r\n\r\n", "INVITE \"x\" SIP/2.0\r\n\r\n",
		"INVITE sip:b@x SIP/2.0\r\r\n\r\n", "INVITE sip:b@x SIP/2.0\r\n folded\r\n\r\n",
		"SIP/2.0 099 x\r\n\r\n", "SIP/2.0 700 x\r\n\r\n", "SIP/2.0 2000 x\r\n\r\n", "SIP/2.0 20 x\r\n\r\n",
		"SIP/2.0  200 OK\r\n\r\n", "SIP/2.0 +20 OK\r\n\r\n",
		INVITE "Content-Length: -1\r\n\r\n", INVITE "Content-Length: 1 2\r\n\r\nxxxxxxxxxxxx",
		INVITE "Content-Length:\r\n\r\n", INVITE "Content-Length: 5\r\n\r\nfour",
		INVITE "Content-Length: 1\r\nl: 2\r\n\r\nxx", INVITE "Content-Length: 0x1\r\n\r\nxx",
		"INVITE sip:b@x SIP/2.0\r\n" VIA "From: A, B <sip:a@x>;tag=1\r\n\r\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		print_message("%zu: %s\n", i, bad[i]);
		assert_int_equal(parse_err(bad[i], true), EBADMSG);
	}
}

static void wrong_requests_say_what_to_answer(void **state)
{
	static const struct { unsigned fault; const char *text; } tv[] = {
		{ 0, INVITE "\r\n" },
		{ 0, INVITE },          /* a datagram whose blank line was forgotten */
		{ 400, INVITE "no colon here\r\n\r\n" },
		{ 400, INVITE ": no name\r\n\r\n" },
		{ 400, INVITE "bad(name: x\r\n\r\n" },
		{ 400, INVITE "Subject: a\rVia: x\r\n\r\n" },
		{ 400, INVITE "Subject: a\r\n b\rVia: x\r\n\r\n" },
		{ 400, INVITE "Max-Forwards: x\r\n\r\n" },
		{ 400, INVITE "Max-Forwards: -1\r\n\r\n" },
		{ 400, INVITE "Date: Mon, 32 Jan 2020 00:00:00 GMT\r\n\r\n" },
		{ 400, INVITE "Date: Xon, 12 Jan 2020 00:00:00 GMT\r\n\r\n" },
		{ 400, INVITE "Date: Mon, 12 Jan 2020 24:00:00 GMT\r\n\r\n" },
		{ 400, INVITE "Date: now\r\n\r\n" },
		{ 0, INVITE "Date: Mon, 12 Jan 2020 23:59:60 GMT\r\n\r\n" },
		{ 0, INVITE "Date: Mon, 2 Jan 2020 23:59:00 GMT\r\n\r\n" },
		{ 400, INVITE "Contact: <sip:x\r\n\r\n" },
		{ 400, INVITE "Contact: <sip:x>, junk\r\n\r\n" },
		{ 0, INVITE "Contact: <sip:x>, \"a, b\" <sip:y;x=1>;q=1\r\nContact: sip:z\r\n\r\n" },
		{ 400, INVITE "Call-ID: again\r\n\r\n" },
		{ 400, INVITE "Expires: 1\r\nExpires: 2\r\n\r\n" },
		{ 400, INVITE "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" },
		{ 0, INVITE "User-Agent: a\r\nUser-Agent: b\r\n\r\n" },
		{ 400, INVITE "Via: SIP/2.0/UDP\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" IDS "CSeq: 1 INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 1 BYE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 2147483648 INVITE\r\n\r\n" },
		{ 0, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 2147483647 INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: garbage 12 INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 4294967297 INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 1INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 1 invite\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA "From: *\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x SIP/2.0\r\n" VIA "From: sip:a\r\nTo: <sip:b@x>\r\nCall-ID: a b\r\nCSeq: 1 INVITE\r\n\r\n" },
		{ 400, "INVITE sip:b@x:0 SIP/2.0\r\n" VIA IDS "CSeq: 1 INVITE\r\n\r\n" },
		{ 400, "INVITE * SIP/2.0\r\n" VIA IDS "CSeq: 1 INVITE\r\n\r\n" },
		{ 0, "INVITE foo:bar SIP/2.0\r\n" VIA IDS "CSeq: 1 INVITE\r\n\r\n" },
		{ 505, "INVITE sip:b@x SIP/3.0\r\n\r\n" },
		{ 505, "INVITE sip:b@x SIP/2.1\r\n" VIA "CSeq: junk\r\n\r\n" },
		{ 0, "INVITE sip:b@x sip/2.0\r\n" VIA IDS "CSeq: 1 INVITE\r\n\r\n" },
		{ 413, INVITE "Content-Length: 65537\r\n\r\n" },
		{ 413, INVITE "Content-Length: 99999999999999999999999\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		print_message("%zu ", i);
		assert_int_equal(fault_of(tv[i].text), tv[i].fault);
	}
}

static void responses_are_not_judged_by_contact_and_date(void **state)
{
	(void)state;
	assert_int_equal(fault_of("SIP/2.0 200 OK\r\n" VIA IDS "CSeq: 1 BYE\r\nContact: junk\r\nDate: x\r\n\r\n"), 0);
	assert_int_equal(fault_of("SIP/2.0 200 OK\r\n" VIA IDS "\r\n"), 400);
}

static struct sip_msg *parse_many(size_t headers)
{
	struct buf b = BUF_INIT;
	struct sip_msg *m = NULL;

	buf_put(&b, STR(INVITE));
	for (size_t i = 5; i < headers; i++)
		buf_printf(&b, "X-%zu: %zu\r\n", i, i);
	buf_put(&b, STR("\r\n"));
	assert_int_equal(sip_msg_parse(&m, buf_view(&b), true), 0);
	buf_free(&b);
	return m;
}

static void the_caps_hold(void **state)
{
	struct buf b = BUF_INIT;
	struct sip_msg *m;

	(void)state;
	m = parse_many(SIP_MAX_HEADERS);
	assert_int_equal(m->fault, 0);
	assert_int_equal(m->hdrs, SIP_MAX_HEADERS);
	assert_str(sip_hdr_named(m, STR("x-255"), 0)->value, "255");
	obj_drop(m);
	m = parse_many(SIP_MAX_HEADERS + 1);
	assert_int_equal(m->fault, 400);
	assert_int_equal(m->hdrs, SIP_MAX_HEADERS);
	obj_drop(m);

	for (size_t n = SIP_MAX_BODY - 1; n <= SIP_MAX_BODY + 1; n++) {
		buf_reset(&b);
		buf_put(&b, STR(INVITE "\r\n"));
		memset(buf_room(&b, n), 'x', n);
		b.n += n;
		m = NULL;
		assert_int_equal(sip_msg_parse(&m, buf_view(&b), true), 0);
		assert_int_equal(m->fault, n > SIP_MAX_BODY ? 413 : 0);
		assert_int_equal(m->body.n, n > SIP_MAX_BODY ? 0 : n);
		obj_drop(m);
	}
	buf_free(&b);
}

static void streams_need_a_length(void **state)
{
	struct sip_msg *m = NULL;

	(void)state;
	assert_int_equal(sip_msg_parse(&m, STR(INVITE "\r\nrest"), false), 0);
	assert_int_equal(m->fault, 400);
	assert_int_equal(m->body.n, 0);
	obj_drop(m);
	assert_int_equal(sip_msg_parse(&m, STR(INVITE "l: 4\r\n\r\nrest"), false), 0);
	assert_int_equal(m->fault, 0);
	assert_str(m->body, "rest");
	obj_drop(m);
	assert_int_equal(parse_err(INVITE "l: 5\r\n\r\nrest", false), EBADMSG);
}

/* ---- framing ------------------------------------------------------------ */

static void frames_are_cut_from_a_stream(void **state)
{
	static const struct { const char *data; int err; size_t len; } tv[] = {
		{ "", EAGAIN, 0 }, { "\r", 0, 1 }, { "\r\n", 0, 2 }, { "\r\n\r\nINVITE", 0, 4 },
		{ "INV", EAGAIN, 0 }, { INVITE, EAGAIN, 0 }, { INVITE "\r", EAGAIN, 0 },
		{ INVITE "l: 0\r\n\r\nINVITE", 0, sizeof(INVITE "l: 0\r\n\r\n") - 1 },
		{ INVITE "l: 3\r\n\r\nab", EAGAIN, 0 },
		{ INVITE "l: 3\r\n\r\nabc", 0, sizeof(INVITE "l: 3\r\n\r\nabc") - 1 },
		{ INVITE "Content-Length :\r\n 3\r\n\r\nabcd", 0, sizeof(INVITE "Content-Length :\r\n 3\r\n\r\nabc") - 1 },
		{ INVITE "cONTENT-length: 1\n\nabcd", 0, sizeof(INVITE "cONTENT-length: 1\n\na") - 1 },
		{ INVITE "Content-Type: a\r\nCall-Info: l\r\n\r\nabcd", 0, sizeof(INVITE "Content-Type: a\r\nCall-Info: l\r\n\r\n") - 1 },
		{ INVITE "l: 3\r\nContent-Length: 4\r\n\r\nabcd", EBADMSG, 0 },
		{ INVITE "l: -3\r\n\r\nabcd", EBADMSG, 0 }, { INVITE "l:\r\n\r\nabcd", EBADMSG, 0 },
		/* What is too long is refused with 413 by its head, and its body passed over, if that ever ends. */
		{ INVITE "l: 65536\r\n\r\nab", EAGAIN, 0 },
		{ INVITE "l: 65537\r\n\r\nab", 0, sizeof(INVITE "l: 65537\r\n\r\n") - 1 + 65537 },
		{ INVITE "l: 16777216\r\n\r\n", 0, sizeof(INVITE "l: 16777216\r\n\r\n") - 1 + 16777216 },
		{ INVITE "l: 16777217\r\n\r\n", 0, sizeof(INVITE "l: 16777217\r\n\r\n") - 1 },
		{ INVITE "l: 99999999999999999999999\r\n\r\nabcd", 0,
		  sizeof(INVITE "l: 99999999999999999999999\r\n\r\n") - 1 },
		{ "SIP/2.0 200 OK\r\nl: 0\r\n\r\n", 0, sizeof("SIP/2.0 200 OK\r\nl: 0\r\n\r\n") - 1 },
		{ "GET / HTTP/1.1\r\n", EBADMSG, 0 }, { "\x16\x03\x01\x02\n", EBADMSG, 0 }, { " \r\n", EBADMSG, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char *copy = exact_copy(str_z(tv[i].data));
		size_t len = 0;

		print_message("%zu\n", i);
		assert_int_equal(sip_msg_frame(str_mk(copy, strlen(tv[i].data)), &len), tv[i].err);
		assert_int_equal(len, tv[i].len);
		free(copy);
	}
}

/* Byte by byte, the parts are what went in. */
static void frames_do_not_depend_on_the_cut(void **state)
{
	static const char one[] = INVITE "l: 3\r\n\r\na\n\n", two[] = "SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
	static const char stream[] = INVITE "l: 3\r\n\r\na\n\n" "\r\n\r\n" "SIP/2.0 200 OK\r\nl: 0\r\n\r\n";
	size_t at = 0, have = 0, messages = 0, len;

	(void)state;
	while (at < sizeof(stream) - 1) {
		int err = sip_msg_frame(str_mk(stream + at, have - at), &len);

		if (err == EAGAIN) {
			assert_true(have < sizeof(stream) - 1);
			have++;
			continue;
		}
		assert_int_equal(err, 0);
		if (stream[at] != '\r' && stream[at] != '\n')
			assert_str(str_mk(stream + at, len), messages++ ? two : one);
		at += len;
	}
	assert_int_equal(messages, 2);
}

static void an_endless_start_line_ends_the_connection(void **state)
{
	size_t n = 20000, len;
	char *p = malloc(n);

	(void)state;
	memset(p, 'a', n);
	assert_int_equal(sip_msg_frame(str_mk(p, 1000), &len), EAGAIN);
	assert_int_equal(sip_msg_frame(str_mk(p, n), &len), EBADMSG);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_decoded), cmocka_unit_test(response_is_decoded),
		cmocka_unit_test(sloppy_senders_are_understood), cmocka_unit_test(folds_become_blanks),
		cmocka_unit_test(what_is_no_message_is_not_taken), cmocka_unit_test(wrong_requests_say_what_to_answer),
		cmocka_unit_test(responses_are_not_judged_by_contact_and_date), cmocka_unit_test(the_caps_hold),
		cmocka_unit_test(streams_need_a_length), cmocka_unit_test(frames_are_cut_from_a_stream),
		cmocka_unit_test(frames_do_not_depend_on_the_cut),
		cmocka_unit_test(an_endless_start_line_ends_the_connection), cmocka_unit_test(nothing_was_leaked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
