/* The torture messages of RFC 4475 and RFC 5118: each gets exactly the verdict
 * of its row, and no truncation and no flipped bit of any makes the parser, the
 * lookups or the writers read a byte they do not own. */
#include "base/obj.h"
#include "sip/digest.h"
#include "sip/message.h"
#include "data.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static unsigned sink;           /* keeps the reads */

static void touch(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		sink += (unsigned char)s.p[i];
}

static void touch_uri(const struct sip_uri *u)
{
	touch(u->text);
	touch(u->scheme);
	touch(u->user);
	touch(u->password);
	touch(u->host);
	touch(u->params);
	touch(u->headers);
	touch(u->opaque);
	sink += sip_uri_eq(u, u);
	sink += sip_uri_param(u, STR("transport"), NULL);
}

static void touch_addrs(const struct sip_msg *m)
{
	static const enum sip_hdr_id ids[] = { SIP_H_CONTACT, SIP_H_ROUTE, SIP_H_RECORD_ROUTE, SIP_H_PATH };
	struct sip_addr a;
	struct str v;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		for (struct sip_each e = { 0 }; sip_each(m, ids[i], &e, &v);) {
			touch(v);
			if (sip_addr_parse(&a, v))
				continue;
			touch(a.display);
			touch(a.tag);
			touch_uri(&a.uri);
		}
	}
}

static void touch_lists(const struct sip_msg *m)
{
	struct sip_via via;
	uint32_t n;
	struct str v;

	for (unsigned id = 0; id < SIP_H_IDS; id++) {
		for (struct sip_each e = { 0 }; sip_each(m, id, &e, &v);)
			touch(v);
		sink += !sip_hdr_u32(m, id, &n);
	}
	for (struct sip_each e = { 0 }; sip_each(m, SIP_H_VIA, &e, &v);)
		sink += !sip_via_parse(&via, v);
	sink += sip_hdr_has_token(m, SIP_H_SUPPORTED, STR("path"));
}

static void touch_message(const struct sip_msg *m)
{
	struct arena *a = GOT(arena_new(0));
	struct digest_fields f;
	struct str part;

	touch(m->bytes);
	touch(m->method_name);
	touch(m->reason);
	touch(m->body);
	touch(m->content_type);
	touch(m->call_id);
	touch(m->cseq_method);
	touch(m->via.params);
	touch(m->via.branch);
	touch_uri(&m->ruri);
	touch_uri(&m->from.uri);
	touch_uri(&m->to.uri);
	touch_addrs(m);
	touch_lists(m);
	for (size_t i = 0; i < m->hdrs; i++)
		touch(sip_unfold(a, m->hdr[i].value));
	touch(sip_unescape(a, m->ruri.user));
	touch(sip_unquote(a, m->from.display));
	sink += !digest_parse(&f, sip_hdr_value(m, SIP_H_AUTHORIZATION));
	if (sip_body(m, STR("application/sdp"), &part))
		touch(part);
	arena_free(a);
}

static void touch_response(struct sip_msg *m)
{
	struct buf b = BUF_INIT;

	sa_parse(&m->from_path.peer, STR("192.0.2.77:5099"));
	sip_write_response(&b, m, 200, STR_NULL, STR("localtag"));
	sip_write_body(&b, STR_NULL, STR_NULL);
	assert_int_equal(buf_err(&b), 0);
	/* Whatever came in, what goes out has no line that is not a header's. */
	if (!m->fault) {
		struct sip_msg *r = NULL;

		assert_int_equal(sip_msg_parse(&r, buf_view(&b), true), 0);
		assert_int_equal(r->fault, 0);
		assert_true(str_eq(r->call_id, m->call_id));
		assert_int_equal(r->cseq, m->cseq);
		assert_true(str_eq(r->from.tag, m->from.tag));
		assert_true(str_eq(r->via.branch, m->via.branch));
		obj_drop(r);
	}
	buf_free(&b);
}

/* Everything that reads a message, on bytes in a block of their own size. */
static int parse_all(struct str bytes, bool datagram)
{
	char *copy = exact_copy(bytes);
	struct sip_msg *m = NULL;
	size_t len = 0;
	int err = sip_msg_parse(&m, str_mk(copy, bytes.n), datagram);

	if (!sip_msg_frame(str_mk(copy, bytes.n), &len))
		assert_true(len > 0 && len <= bytes.n);
	free(copy);             /* the message has its own */
	if (!err) {
		touch_message(m);
		if (m->request)
			touch_response(m);
	}
	obj_drop(m);
	return err;
}

struct row {
	char name[64], layer[32], object[96];
};

/* The rows of verdicts.tsv. */
static size_t rows_read(struct row *rows, size_t max)
{
	struct str file = data_read("rfc4475", "verdicts.tsv"), rest = file, line;
	size_t n = 0;

	while (str_line(&rest, &line)) {
		struct str section;

		if (!line.n || line.p[0] == '#')
			continue;
		assert_true(n < max);
		str_copy(rows[n].name, sizeof(rows[n].name), str_cut_raw(&line, '\t'));
		section = str_cut_raw(&line, '\t');
		assert_true(section.n > 0);
		str_copy(rows[n].layer, sizeof(rows[n].layer), str_cut_raw(&line, '\t'));
		str_copy(rows[n].object, sizeof(rows[n].object), line);
		n++;
	}
	free((void *)(size_t)file.p);
	return n;
}

static struct str row_data(const struct row *r)
{
	char name[80];

	snprintf(name, sizeof(name), "%.64s.dat", r->name);
	return data_read("rfc4475", name);
}

static void verdict_check(const struct row *r, int err, const struct sip_msg *m)
{
	if (!strcmp(r->layer, "not a message")) {
		assert_int_equal(err, EBADMSG);
		return;
	}
	assert_int_equal(err, 0);
	if (!strcmp(r->layer, "parses")) {
		assert_int_equal(m->fault, 0);
	} else if (!strcmp(r->layer, "bad header")) {
		assert_int_equal(m->fault, 400);
		assert_non_null(strstr(m->fault_reason, r->object));
	} else {
		assert_string_equal(r->layer, "fails validation");
		assert_int_equal(m->fault, strstr(r->object, "505") ? 505 : 400);
	}
}

static void each_gets_its_verdict(void **state)
{
	struct row rows[64];
	size_t n = rows_read(rows, ARRAY_LEN(rows)), live = obj_live();

	(void)state;
	assert_int_equal(n, 49);
	for (size_t i = 0; i < n; i++) {
		struct str data = row_data(&rows[i]);
		struct sip_msg *m = NULL;
		int err = sip_msg_parse(&m, data, true);

		print_message("%s: %d %u %s\n", rows[i].name, err, m ? m->fault : 0, m ? m->fault_reason : "");
		verdict_check(&rows[i], err, m);
		obj_drop(m);
		parse_all(data, true);
		parse_all(data, false);
		free((void *)(size_t)data.p);
	}
	assert_int_equal(obj_live(), live);
}

static const char *const v6[] = { "ipv4-mapped-ipv6", "ipv6-bad", "ipv6-bug-abnf-3-colons",
	"ipv6-correct-abnf-2-colons", "ipv6-good", "ipv6-in-sdp", "mult-ip-in-header", "mult-ip-in-sdp",
	"port-ambiguous", "port-unambiguous", "via-received-param-no-delim", "via-received-param-with-delim" };

static void all_ipv6_but_the_bad_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
		struct str data = data_read("rfc5118", v6[i]);
		struct sip_msg *m = NULL;

		assert_int_equal(sip_msg_parse(&m, data, true), 0);
		print_message("%s: %u %s\n", v6[i], m->fault, m->fault_reason);
		assert_int_equal(m->fault, strcmp(v6[i], "ipv6-bad") ? 0 : 400);
		obj_drop(m);
		parse_all(data, true);
		free((void *)(size_t)data.p);
	}
}

static void truncate_all(struct str data)
{
	for (size_t n = 0; n <= data.n; n++) {
		parse_all(str_mk(data.p, n), true);
		parse_all(str_mk(data.p, n), false);
	}
}

static void no_truncation_is_read_past(void **state)
{
	struct row rows[64];
	size_t n = rows_read(rows, ARRAY_LEN(rows));

	(void)state;
	for (size_t i = 0; i < n; i++) {
		struct str data = row_data(&rows[i]);

		truncate_all(data);
		free((void *)(size_t)data.p);
	}
	for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
		struct str data = data_read("rfc5118", v6[i]);

		truncate_all(data);
		free((void *)(size_t)data.p);
	}
}

static void flip_all(struct str data, size_t step)
{
	char *copy = exact_copy(data);

	for (size_t bit = step / 2; bit < data.n * 8; bit += step) {
		copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
		parse_all(str_mk(copy, data.n), true);
		copy[bit / 8] = data.p[bit / 8];
	}
	free(copy);
}

/* Every bit; in the slow sanitizer builds every third (prime to 8, so all bits of
 * a byte get their turn). */
static void no_flipped_bit_is_read_past(void **state)
{
	size_t step = SLOWNESS > 1 ? 3 : 1, live = obj_live(), n;
	struct row rows[64];

	(void)state;
	n = rows_read(rows, ARRAY_LEN(rows));
	for (size_t i = 0; i < n; i++) {
		struct str data = row_data(&rows[i]);

		flip_all(data, step);
		free((void *)(size_t)data.p);
	}
	for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
		struct str data = data_read("rfc5118", v6[i]);

		flip_all(data, step);
		free((void *)(size_t)data.p);
	}
	assert_int_equal(obj_live(), live);
}

/* ---- time is linear in the bytes --------------------------------------- */

#define HEAD "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n" \
	"Call-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
#define START "INVITE sip:x@y SIP/2.0\r\n"

/* `head`, `unit` again and again up to the limit, `tail`. */
static void fill(struct buf *b, struct str head, struct str unit, struct str tail)
{
	buf_put(b, head);
	while (b->n + unit.n + tail.n < 60000)
		buf_put(b, unit);
	buf_put(b, tail);
}

static double seconds_of_all(struct str data)
{
	double t = cpu_ns();

	parse_all(data, true);
	return cpu_ns() - t;
}

static void pathological_input_takes_linear_time(void **state)
{
	static const struct { const char *head, *unit, *tail; } shapes[] = {
		{ START HEAD "Contact: ", "<sip:a@b>,", "\r\n\r\n" },
		{ START HEAD "Contact: ", "\"", "\r\n\r\n" },
		{ START HEAD "Contact: ", "<", "\r\n\r\n" },
		{ START HEAD "Contact: ", ",", "\r\n\r\n" },
		{ START HEAD "Contact: <sip:a@b", ";a", ">\r\n\r\n" },
		{ START HEAD "Contact: <sip:a@b?", "a=b&", ">\r\n\r\n" },
		{ START HEAD "Contact: <sip:a@b>", ";a=\"x\"", "\r\n\r\n" },
		{ START HEAD "Contact: \"", "\\\\", "\" <sip:a@b>\r\n\r\n" },
		{ START HEAD "Subject: x", "\r\n y", "\r\n\r\n" },
		{ START HEAD, "a: b\r\n", "\r\n" },
		{ START HEAD, ":\r\n", "\r\n" },
		{ START HEAD "Via: SIP/2.0/UDP h", ",SIP/2.0/UDP h", "\r\n\r\n" },
		{ START HEAD "Via: SIP/2.0/UDP h", ";x=y", "\r\n\r\n" },
		{ START HEAD "Route: ", "<sip:a;lr>,", "<sip:b;lr>\r\n\r\n" },
		{ START HEAD "Supported: ", "a ,", "b\r\n\r\n" },
		{ START HEAD "Authorization: Digest ", "a=\"b\",", "c=d\r\n\r\n" },
		{ START HEAD "Authorization: Digest ", "a=\"\\\"", "\r\n\r\n" },
		{ START HEAD "Content-Type: multipart/mixed;boundary=x\r\n\r\n", "--x\r\n\r\n", "" },
		{ START HEAD "Content-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n", "x", "\r\n--x--" },
		{ START HEAD "Content-Type: multipart/mixed;boundary=xxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n", "x", "" },
		{ START HEAD "Content-Type: multipart/mixed;boundary=x\r\n\r\n--x\r\n", "a:b\r\n c\r\n", "\r\n--x--" },
		{ "INVITE sip:", "a", "@y SIP/2.0\r\n" HEAD "\r\n" },
		{ "INVITE sip:y", ";a=b", " SIP/2.0\r\n" HEAD "\r\n" },
		{ "INVITE sip:", "%41", "@y SIP/2.0\r\n" HEAD "\r\n" },
		{ "INVITE tel:1", "-", " SIP/2.0\r\n" HEAD "\r\n" },
		{ "", "\r\n", "" }, { "", " ", "" }, { "", "A", "" }, { "SIP/2.0 ", "2", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
		struct buf b = BUF_INIT;
		double best = 1e18;

		fill(&b, str_z(shapes[i].head), str_z(shapes[i].unit), str_z(shapes[i].tail));
		assert_int_equal(buf_err(&b), 0);
		for (int k = 0; k < 3; k++) {
			double t = seconds_of_all(buf_view(&b));

			best = t < best ? t : best;
		}
		print_message("%2zu: %.1f ns/byte\n", i, best / (double)b.n);
		/* All passes together come to 25 at most; quadratic would be thousands. */
		assert_true(best / (double)b.n < 150.0 * SLOWNESS);
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gets_its_verdict),
		cmocka_unit_test(all_ipv6_but_the_bad_one),
		cmocka_unit_test(no_truncation_is_read_past),
		cmocka_unit_test(no_flipped_bit_is_read_past),
		cmocka_unit_test(pathological_input_takes_linear_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
