#include "base/obj.h"
#include "sip/message.h"
#include "sip/out.h"
#include "data.h"
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

static struct sip_msg *parse(const char *text)
{
	char *copy = exact_copy(str_z(text));
	struct sip_msg *m = NULL;

	assert_int_equal(sip_msg_parse(&m, str_mk(copy, strlen(text)), true), 0);
	free(copy);
	return m;
}

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

#define VIA "Via: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport\r\n"
#define IDS "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c1\r\n"
#define INVITE "INVITE sip:b@x SIP/2.0\r\n" VIA IDS "CSeq: 7 INVITE\r\n"

static unsigned fault_of(const char *text)
{
	struct sip_msg *m = parse(text);
	unsigned fault = m->fault;

	print_message("%u %s\n", fault, m->fault_reason);
	assert_int_equal(fault != 0, m->fault_reason[0] != 0);
	obj_drop(m);
	return fault;
}

static void request_is_decoded(void **state)
{
	struct sip_msg *m = parse("\r\n\r\nINVITE sip:bob@biloxi.com;user=phone SIP/2.0\r\n"
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
	struct sip_msg *m = parse("SIP/2.0 183 Session In  Progress\r\n" VIA IDS "CSeq: 7 PRACK\r\n\r\n");

	(void)state;
	assert_int_equal(m->fault, 0);
	assert_false(m->request);
	assert_int_equal(m->status, 183);
	assert_str(m->reason, "Session In  Progress");
	assert_int_equal(m->method, SIP_PRACK);
	assert_int_equal(m->max_forwards, -1);
	obj_drop(m);
	m = parse("sip/2.0 200\r\n" VIA IDS "CSeq: 7 FOO\r\n\r\n");
	assert_int_equal(m->fault, 0);
	assert_int_equal(m->method, SIP_UNKNOWN);
	assert_str(m->reason, "");
	obj_drop(m);
}

/* What SIPp scenarios and old phones send. */
static void sloppy_senders_are_understood(void **state)
{
	struct sip_msg *m = parse("\nOPTIONS sip:x SIP/2.0\nv:SIP / 2.0 / UDP h:5060 ; branch = z9hG4bKx \n"
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
	struct sip_msg *m = parse(INVITE "Subject: one\r\n  two\r\n\tthree\r\n\r\n");
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
		/* What is too long is framed without its body, to be refused with 413. */
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

/* ---- looking things up -------------------------------------------------- */

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
	struct sip_msg *m = parse(INVITE "Route: <sip:a;lr>, \"x, y\" <sip:b,c>\r\nRecord-Route: <sip:z>\r\nRoute: ,, <sip:d>,\r\n"
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
		m = parse(text);
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

/* ---- writing ------------------------------------------------------------ */

static void response_to(const char *request, const char *peer, unsigned status, const char *tag, const char *want)
{
	struct sip_msg *m = parse(request);
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
		"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport=9988;received=192.0.2.1\r\n"
		"Record-Route: <sip:p;lr>\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=tt\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n");
	/* No route set in a 100 or a refusal; RFC 3261 8.2.6.1 for Timestamp. */
	response_to(INVITE "Record-Route: <sip:p;lr>\r\nTimestamp: 54\r\n\r\n", "192.0.2.1:9988", 100, "",
		"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKabc;rport=9988;received=192.0.2.1\r\n"
		"From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\nTimestamp: 54\r\n");
	/* Host is the source: nothing to add. A name, or another address: received. What the client claims is
	 * dropped; later Vias stay as they are; To keeps its own tag. */
	response_to("BYE sip:b SIP/2.0\r\nVia: SIP/2.0/TCP [2001:db8::1];branch=b1\r\nFrom: sip:a;tag=1\r\nTo: sip:b;tag=2\r\n"
		"Call-ID: c\r\nCSeq: 1 BYE\r\n\r\n", "[2001:db8::1]:5060", 200, "new",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP [2001:db8::1];branch=b1\r\nFrom: sip:a;tag=1\r\nTo: sip:b;tag=2\r\n"
		"Call-ID: c\r\nCSeq: 1 BYE\r\n");
	response_to("BYE sip:b SIP/2.0\r\nv: SIP / 2.0 / TCP h ;received=6.6.6.6; branch=b1;ttl = 3 , SIP/2.0/UDP i;branch=b2\r\n"
		"Via: SIP/2.0/UDP j\r\nFrom: sip:a;tag=1\r\nTo: sip:b;tag=2\r\nCall-ID: c\r\nCSeq: 1 BYE\r\n\r\n",
		"[2001:db8::1]:5060", 481, "",
		"SIP/2.0 481 Call/Transaction Does Not Exist\r\nVia: SIP/2.0/TCP h;branch=b1;ttl = 3;received=2001:db8::1\r\n"
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
	} tv[] = {
		{ "Call-ID: 1\r\nCSeq: 1 BYE\r\nX-Other: y\r\ncontent-type: a/b\r\nContent-Length: 4\r\n\r\nTo: z",
		  "i: 1\r\nCSeq: 1 BYE\r\nX-Other: y\r\nc: a/b\r\nl: 4\r\n\r\nTo: z", 0 },
		/* A start line is no header, whatever stands in it; nor is a folded line. */
		{ "SIP/2.0 200 To: you\r\nTo: a\r\n From: b\r\ni: 1\r\n",
		  "SIP/2.0 200 To: you\r\nt: a\r\n From: b\r\ni: 1\r\n", 0 },
		{ "INVITE sip:to:x@y SIP/2.0\r\nVia: z\r\n", "INVITE sip:to:x@y SIP/2.0\r\nv: z\r\n", 0 },
		/* From a line on, and a line without its end. */
		{ "To: a\r\nTo: b\r\nTo: c", "To: a\r\nt: b\r\nt: c", 7 },
		{ "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct buf b = BUF_INIT;

		buf_put(&b, str_z(tv[i].in));
		sip_write_compact(&b, tv[i].from);
		assert_str(buf_view(&b), tv[i].out);
		buf_free(&b);
	}
}

static void nothing_was_leaked(void **state)
{
	(void)state;
	assert_int_equal(obj_live(), 0);
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
		cmocka_unit_test(request_is_decoded),
		cmocka_unit_test(a_request_leaves_whole_or_not),
		cmocka_unit_test(response_is_decoded),
		cmocka_unit_test(sloppy_senders_are_understood),
		cmocka_unit_test(folds_become_blanks),
		cmocka_unit_test(what_is_no_message_is_not_taken),
		cmocka_unit_test(wrong_requests_say_what_to_answer),
		cmocka_unit_test(responses_are_not_judged_by_contact_and_date),
		cmocka_unit_test(the_caps_hold),
		cmocka_unit_test(streams_need_a_length),
		cmocka_unit_test(frames_are_cut_from_a_stream),
		cmocka_unit_test(frames_do_not_depend_on_the_cut),
		cmocka_unit_test(an_endless_start_line_ends_the_connection),
		cmocka_unit_test(names_have_ids),
		cmocka_unit_test(lists_are_walked_over_lines_and_commas),
		cmocka_unit_test(numbers_end_where_they_end),
		cmocka_unit_test(vias_fall_into_their_parts),
		cmocka_unit_test(bodies_are_found_in_multiparts),
		cmocka_unit_test(at_most_32_parts_are_looked_at),
		cmocka_unit_test(responses_go_back_as_they_must),
		cmocka_unit_test(nothing_written_breaks_a_line),
		cmocka_unit_test(compact_names_when_asked),
		cmocka_unit_test(nothing_was_leaked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
