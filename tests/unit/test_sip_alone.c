/* base, net/path, sip and sdp with nothing else: this program is linked with no libuv, no
 * OpenSSL and no libunbound (tools/check-alone proves it). What a server gives them, a wire, a
 * clock, a hash function, a resolver, stands in this file. */
#include "base/obj.h"
#include "sdp/negotiate.h"
#include "sip/dialog.h"
#include "sip/digest.h"
#include "sip/resolve.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* ---- a hash function: MD5 (RFC 1321), and no other -------------------------- */

static void md5_block(uint32_t h[4], const uint8_t *p)
{
	static const uint32_t k[64] = {
		0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
		0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
		0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
		0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
		0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
		0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
		0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
		0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
	};
	static const uint8_t shift[4][4] = { { 7, 12, 17, 22 }, { 5, 9, 14, 20 }, { 4, 11, 16, 23 }, { 6, 10, 15, 21 } };
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], word[16];

	for (unsigned i = 0; i < 16; i++)
		word[i] = p[4 * i] | (uint32_t)p[4 * i + 1] << 8 | (uint32_t)p[4 * i + 2] << 16 |
			  (uint32_t)p[4 * i + 3] << 24;
	for (unsigned i = 0; i < 64; i++) {
		unsigned round = i / 16, s = shift[round][i % 4];
		uint32_t f = round == 0 ? (b & c) | (~b & d) : round == 1 ? (d & b) | (~d & c) :
			     round == 2 ? b ^ c ^ d : c ^ (b | ~d);
		unsigned at = round == 0 ? i : round == 1 ? 5 * i + 1 : round == 2 ? 3 * i + 5 : 7 * i;

		f += a + k[i] + word[at % 16];
		a = d;
		d = c;
		c = b;
		b += f << s | f >> (32 - s);
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

static int md5_digest(void *arg, enum digest_alg alg, const struct str *part, size_t n, uint8_t out[SIP_HASH_MAX])
{
	uint32_t h[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };
	uint8_t block[64];
	size_t fill = 0;
	uint64_t bits = 0;

	(void)arg;
	if (alg != DIGEST_MD5)
		return ENOTSUP;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < part[i].n; k++) {
			block[fill++] = (uint8_t)part[i].p[k];
			bits += 8;
			if (fill == sizeof(block)) {
				md5_block(h, block);
				fill = 0;
			}
		}
	}
	block[fill++] = 0x80;
	if (fill > 56) {
		memset(block + fill, 0, sizeof(block) - fill);
		md5_block(h, block);
		fill = 0;
	}
	memset(block + fill, 0, 56 - fill);
	for (unsigned i = 0; i < 8; i++)
		block[56 + i] = (uint8_t)(bits >> (8 * i));
	md5_block(h, block);
	for (unsigned i = 0; i < 16; i++)
		out[i] = (uint8_t)(h[i / 4] >> (8 * (i % 4)));
	return 0;
}

static const struct sip_hash only_md5 = { .digest = md5_digest };

/* ---- a world: time, and a wire that keeps what is sent ---------------------- */

struct world {
	struct clock_fake clock;
	struct wheel *wheel;
	struct sip_stack *sip;
	size_t live;
	unsigned sent, retransmits_at[16];      /* [ms] since the start of the test */
	uint64_t start_ms;
	char last[2048];                /* sent */
	unsigned responses, status, requests, failed;
	int err;
	struct sip_stx *asked;          /* held */
};

static int send_bytes(void *arg, struct net_path *path, struct net_bytes *bytes)
{
	struct world *w = arg;

	(void)path;
	if (w->sent < ARRAY_LEN(w->retransmits_at))
		w->retransmits_at[w->sent] = (unsigned)(clock_ms(&w->clock.c) - w->start_ms);
	w->sent++;
	str_copy(w->last, sizeof(w->last), str_mk(bytes->p, bytes->n));
	return 0;
}

static void on_request(void *arg, struct sip_stx *tx, struct sip_msg *msg)
{
	struct world *w = arg;

	(void)msg;
	w->requests++;
	obj_drop(w->asked);
	w->asked = obj_hold(tx);
}

static void on_response(void *arg, struct sip_ctx *tx, struct sip_msg *msg)
{
	struct world *w = arg;

	(void)tx;
	w->responses++;
	w->status = msg->status;
}

static void on_failed(void *arg, struct sip_ctx *tx, int err)
{
	struct world *w = arg;

	(void)tx;
	w->failed++;
	w->err = err;
}

static int setup(void **state)
{
	static struct world w;
	struct sip_stack_prm prm = { .arg = &w, .send = send_bytes, .request = on_request };

	w = (struct world){ .live = obj_live() };
	clock_fake_init(&w.clock, 1700000000);
	w.start_ms = clock_ms(&w.clock.c);
	w.wheel = wheel_new(&w.clock.c);
	prm.wheel = w.wheel;
	*state = &w;
	return !w.wheel || sip_stack_new(&w.sip, &prm);
}

static int teardown(void **state)
{
	struct world *w = *state;

	obj_drop(w->asked);
	sip_stack_free(w->sip);
	wheel_free(w->wheel);
	return obj_live() != w->live;   /* a leak fails the test */
}

static void pass(struct world *w, unsigned ms)
{
	while (ms--) {
		clock_fake_add(&w->clock, 1000);
		wheel_run(w->wheel);
	}
}

static struct sa address(const char *text)
{
	struct sa a;

	assert_int_equal(sa_parse(&a, str_z(text)), 0);
	return a;
}

static void come(struct world *w, const char *text)
{
	struct sip_msg *msg;

	assert_int_equal(sip_msg_parse(&msg, str_z(text), true), 0);
	msg->from_path = (struct net_path){ .transport = 1, .proto = NET_UDP, .local = address("192.0.2.1:5060"),
		.peer = address("192.0.2.2:5060") };
	sip_stack_recv(w->sip, msg);
}

/* The other side answers what was sent last. */
static void answer(struct world *w, const char *request, const char *status)
{
	struct sip_msg *msg;
	char text[1024];

	assert_int_equal(sip_msg_parse(&msg, str_z(request), true), 0);
	snprintf(text, sizeof(text), "SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: <sip:b@192.0.2.2>;tag=far\r\n"
		 "Call-ID: %.*s\r\nCSeq: %u %.*s\r\nContent-Length: 0\r\n\r\n", status,
		 STR_ARG(sip_hdr_value(msg, SIP_H_VIA)), STR_ARG(sip_hdr_value(msg, SIP_H_FROM)),
		 STR_ARG(msg->call_id), msg->cseq, STR_ARG(msg->cseq_method));
	obj_drop(msg);
	come(w, text);
}

/* ---- tests ------------------------------------------------------------------ */

static void a_message_is_parsed(void **state)
{
	static const char text[] =
		"INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKa\r\n"
		"From: \"A\" <sip:alice@192.0.2.2>;tag=1\r\nTo: <sip:bob@192.0.2.1>\r\nCall-ID: c1\r\nCSeq: 7 INVITE\r\n"
		"Max-Forwards: 70\r\nX-Ours: yes\r\nContent-Length: 4\r\n\r\nbody";
	struct sip_msg *msg;

	(void)state;
	assert_int_equal(sip_msg_parse(&msg, str_z(text), true), 0);
	assert_int_equal(msg->fault, 0);
	assert_int_equal(msg->method, SIP_INVITE);
	assert_int_equal(msg->cseq, 7);
	assert_true(str_eq(msg->from.tag, STR("1")));
	assert_true(str_eq(msg->body, STR("body")));
	assert_true(str_eq(sip_hdr_named(msg, STR("x-ours"), 0)->value, STR("yes")));
	obj_drop(msg);
}

static struct sip_ctx *invite(struct world *w)
{
	struct sip_ctx_user user = { .arg = w, .response = on_response, .failed = on_failed };
	struct net_path path = { .transport = 1, .proto = NET_UDP, .local = address("192.0.2.1:5060"),
		.peer = address("192.0.2.2:5060") };
	struct sip_out *o = sip_out_new(SIP_INVITE);
	struct sip_ctx *tx = NULL;

	assert_non_null(o);
	o->ruri = STR("sip:b@192.0.2.2");
	o->from = STR("<sip:a@192.0.2.1>;tag=near");
	o->to = STR("<sip:b@192.0.2.2>");
	o->call_id = STR("call-1");
	o->cseq = 1;
	o->contact = STR("<sip:a@192.0.2.1:5060>");
	assert_int_equal(sip_ctx_send(w->sip, o, &path, &user, &tx), 0);
	obj_drop(o);
	return tx;
}

/* Timer A: after 500 ms, and each time twice as long; timer B: 32 s. */
static void an_invite_repeats_on_the_given_clock(void **state)
{
	static const unsigned at[] = { 0, 500, 1500, 3500, 7500, 15500, 31500 };
	struct world *w = *state;
	struct sip_ctx *tx = invite(w);

	pass(w, 31999);
	assert_int_equal(w->sent, ARRAY_LEN(at));
	assert_memory_equal(w->retransmits_at, at, sizeof(at));
	assert_int_equal(w->failed, 0);
	pass(w, 1);
	assert_int_equal(w->failed, 1);
	assert_int_equal(w->err, ETIMEDOUT);
	obj_drop(tx);
}

static void an_invite_is_refused_and_acknowledged(void **state)
{
	struct world *w = *state;
	struct sip_ctx *tx = invite(w);
	char request[sizeof(w->last)];

	memcpy(request, w->last, sizeof(request));
	answer(w, request, "180 Ringing");
	assert_int_equal(w->status, 180);
	pass(w, 60000);
	assert_int_equal(w->sent, 1);
	answer(w, request, "486 Busy Here");
	assert_int_equal(w->status, 486);
	assert_int_equal(w->responses, 2);
	assert_int_equal(w->sent, 2);
	assert_true(str_starts(str_z(w->last), STR("ACK sip:b@192.0.2.2 SIP/2.0\r\n")));
	assert_non_null(strstr(w->last, ";tag=far\r\n"));
	obj_drop(tx);
}

static void a_request_is_answered_once(void **state)
{
	static const char text[] =
		"OPTIONS sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKo\r\n"
		"From: <sip:a@192.0.2.2>;tag=1\r\nTo: <sip:192.0.2.1>\r\nCall-ID: c2\r\nCSeq: 1 OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n";
	struct world *w = *state;
	char first[sizeof(w->last)];

	come(w, text);
	assert_int_equal(w->requests, 1);
	sip_stx_reply(w->asked, 200);
	memcpy(first, w->last, sizeof(first));
	come(w, text);
	assert_int_equal(w->requests, 1);
	assert_int_equal(w->sent, 2);
	assert_string_equal(w->last, first);
}

/* RFC 2617 3.5, and a challenge of ours answered by ourselves. */
static void digests_are_made_by_the_given_hash(void **state)
{
	struct world *w = *state;
	struct digest_ctx *d = digest_ctx_new(&w->clock.c, &only_md5);
	struct digest_fields f = { .uri = STR("/dir/index.html"), .nonce = STR("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
		.nc = STR("00000001"), .cnonce = STR("0a4f113b"), .qop = STR("auth") };
	struct digest_fields challenge, given;
	struct digest_answer_prm prm = { .challenge = &challenge, .username = STR("bob"), .password = STR("secret"),
		.method = STR("REGISTER"), .uri = STR("sip:x"), .nc = 1 };
	char ha1[DIGEST_HEX], out[DIGEST_HEX], nonce[DIGEST_NONCE];
	struct sa peer = address("192.0.2.2:5060");
	struct buf b = BUF_INIT, c = BUF_INIT;

	assert_non_null(d);
	digest_ha1(d, DIGEST_MD5, STR("Mufasa"), STR("testrealm@host.com"), STR("Circle Of Life"), ha1);
	assert_string_equal(ha1, "939e7578ed9e3c518a452acee763bce9");
	digest_response(d, DIGEST_MD5, str_z(ha1), STR("GET"), &f, STR_NULL, out);
	assert_string_equal(out, "6629fae49393a05397450978507c4ef1");

	nonce_make(d, &peer, STR("r"), nonce);
	digest_write_challenge(d, &c, DIGEST_MD5, STR("r"), str_z(nonce), false);
	assert_int_equal(digest_parse(&challenge, buf_view(&c)), 0);
	assert_int_equal(digest_answer(d, &prm, &b), 0);
	assert_int_equal(digest_parse(&given, buf_view(&b)), 0);
	digest_ha1(d, DIGEST_MD5, STR("bob"), STR("r"), STR("secret"), ha1);
	digest_response(d, DIGEST_MD5, str_z(ha1), STR("REGISTER"), &given, STR_NULL, out);
	assert_true(digest_equal(given.response, str_z(out)));
	assert_int_equal(nonce_check(d, given.nonce, &peer, STR("r"), 32, given.nc, true), NONCE_OK);
	assert_int_equal(nonce_check(d, given.nonce, &peer, STR("r"), 32, given.nc, true), NONCE_REPLAYED);

	/* What the row does not have is refused, and equal to nothing. */
	prm.alg = DIGEST_SHA256;
	buf_reset(&b);
	assert_int_equal(digest_answer(d, &prm, &b), ENOTSUP);
	digest_hash(d, DIGEST_SHA256, STR("x"), out);
	assert_string_equal(out, "");
	buf_free(&b);
	buf_free(&c);
	obj_drop(d);
}

static void a_session_is_negotiated(void **state)
{
	static const char offer[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
		"m=audio 9000 RTP/AVP 18 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
	struct neg_prm prm = { .id = 7, .max_audio = 1, .telephone_event = true };
	struct buf b = BUF_INIT;
	struct sdp *sdp;
	enum neg_verdict why;
	struct neg *n;

	(void)state;
	formats_edit(&prm.formats, STR("ulaw,alaw"), true, NULL);
	format_pref_parse(&prm.pref_in, STR("local"));
	assert_int_equal(neg_new(&n, &prm), 0);
	assert_int_equal(sdp_parse(&sdp, str_z(offer)), 0);
	assert_int_equal(neg_offer_in(n, sdp, NULL, &why), 0);
	neg_stream(n, 0)->local = address("192.0.2.1:10000");
	assert_int_equal(neg_answer_out(n, &b), 0);
	assert_non_null(strstr(buf_z(&b), "\r\nm=audio 10000 RTP/AVP 0 8 101\r\n"));
	assert_int_equal(neg_stream(n, 0)->codecs[0].id, FORMAT_ULAW);
	assert_int_equal(sa_port(&neg_stream(n, 0)->remote), 9000);
	buf_free(&b);
	obj_drop(sdp);
	obj_drop(n);
}

/* ---- names: asked for in one place, answered when the test says so ---------- */

struct dns_query {
	dns_fn *fn;             /* NULL: free */
	void *arg;
	enum dns_type type;
	char name[64];
};

struct names {
	struct dns_query query[8];
	const char *unreached;
	unsigned cancelled;
	/* what came out */
	unsigned calls;
	int err;
	char targets[256];
};

static int start_query(void *arg, struct str name, enum dns_type t, dns_fn *fn, void *fn_arg, struct dns_query **query)
{
	struct names *names = arg;

	for (size_t i = 0; i < ARRAY_LEN(names->query); i++) {
		struct dns_query *q = &names->query[i];

		if (q->fn)
			continue;
		*q = (struct dns_query){ .fn = fn, .arg = fn_arg, .type = t };
		str_copy(q->name, sizeof(q->name), name);
		*query = q;
		return 0;
	}
	return ENOMEM;
}

static void cancel_query(void *arg, struct dns_query *query)
{
	((struct names *)arg)->cancelled++;
	query->fn = NULL;
}

static bool reaches(void *arg, const struct sa *peer)
{
	const struct names *names = arg;
	char text[SA_TEXT];

	return !names->unreached || strcmp(sa_text_bare(peer, text), names->unreached) != 0;
}

/* Answer the question that waits; false: there is none. */
static bool answer_one(struct names *names)
{
	for (size_t i = 0; i < ARRAY_LEN(names->query); i++) {
		struct dns_query q = names->query[i];
		struct dns_record v[2] = { 0 };
		size_t n = 0;

		if (!q.fn)
			continue;
		names->query[i].fn = NULL;
		if (q.type == DNS_SRV && strcmp(q.name, "_sip._udp.far.example") == 0) {
			v[0].u.srv.priority = 20;
			v[0].u.srv.port = 5070;
			v[0].u.srv.target = STR("second.example");
			v[1].u.srv.priority = 10;
			v[1].u.srv.port = 5080;
			v[1].u.srv.target = STR("first.example");
			n = 2;
		} else if (q.type == DNS_A) {
			v[0].u.addr = address("192.0.2.8");
			v[1].u.addr = address(strcmp(q.name, "first.example") == 0 ? "192.0.2.9" : "192.0.2.10");
			n = 2;
		}
		q.fn(q.arg, n ? 0 : ENOENT, v, n);
		return true;
	}
	return false;
}

static void on_targets(void *arg, int err, const struct sip_target *v, size_t n)
{
	struct names *names = arg;
	struct buf b;

	names->calls++;
	names->err = err;
	buf_init(&b, names->targets, sizeof(names->targets), sizeof(names->targets));
	for (size_t i = 0; i < n; i++) {
		buf_puts(&b, str_z(net_proto_lower(v[i].proto)), STR(" "));
		sa_write(&b, &v[i].addr);
		buf_put(&b, STR(" "));
	}
	buf_z(&b);
}

static struct sip_resolve *resolve(struct world *w, const struct sip_lookup *by, const char *text)
{
	struct sip_uri u;
	struct sip_resolve_prm prm = { .lookup = by, .wheel = w->wheel, .uri = &u, .fn = on_targets,
		.can_v4[NET_UDP] = true, .arg = by ? by->arg : NULL };
	struct sip_resolve *r = NULL;

	assert_int_equal(sip_uri_parse(&u, str_z(text)), 0);
	assert_int_equal(sip_resolve_start(&prm, &r), by ? 0 : EINVAL);
	return r;
}

static void a_name_is_looked_up_by_the_given_functions(void **state)
{
	struct world *w = *state;
	struct names names = { 0 };
	struct sip_lookup by = { .arg = &names, .start = start_query, .cancel = cancel_query };

	resolve(w, &by, "sip:far.example");
	while (answer_one(&names))
		;
	assert_int_equal(names.calls, 1);
	assert_string_equal(names.targets, "udp 192.0.2.8:5080 udp 192.0.2.9:5080 udp 192.0.2.8:5070 udp 192.0.2.10:5070 ");
	/* RFC 6724 rule 1: what cannot be reached comes last. */
	by.reaches = reaches;
	names.unreached = "192.0.2.8";
	resolve(w, &by, "sip:first.example:5099");
	while (answer_one(&names))
		;
	assert_int_equal(names.calls, 2);
	assert_string_equal(names.targets, "udp 192.0.2.9:5099 udp 192.0.2.8:5099 ");
	/* An address needs no look-up, but comes later all the same. */
	resolve(w, &by, "sip:192.0.2.7");
	assert_int_equal(names.calls, 2);
	pass(w, 1);
	assert_int_equal(names.calls, 3);
	assert_string_equal(names.targets, "udp 192.0.2.7:5060 ");
	/* Cancelled: what waits is taken back, and nobody is called. */
	sip_resolve_cancel(resolve(w, &by, "sip:far.example"));
	assert_int_equal(names.cancelled, 1);
	assert_false(answer_one(&names));
	sip_resolve_cancel(resolve(w, &by, "sip:192.0.2.7"));
	pass(w, 10);
	assert_int_equal(names.calls, 3);
	assert_null(resolve(w, NULL, "sip:far.example"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_message_is_parsed), T(an_invite_repeats_on_the_given_clock), T(an_invite_is_refused_and_acknowledged),
		T(a_request_is_answered_once), T(digests_are_made_by_the_given_hash), T(a_session_is_negotiated),
		T(a_name_is_looked_up_by_the_given_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
