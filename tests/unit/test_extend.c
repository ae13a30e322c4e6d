/* Header extensions of what leaves a wire: the stream's own name, what relayed video keeps of what it
 * brought, and feedback about the transport's numbers. How they are read is in test_rtp.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "wire_stage.h"

enum { TIME_IN = 2, CC_IN = 3, TURN_IN = 4, TIME_OUT = 5, CC_OUT = 9 };

static struct media_set video(uint8_t pt, const uint8_t ext[RTP_EXTS])
{
	struct media_set set = set_of(FORMAT_VP8, pt, 0);

	memcpy(set.ext, ext, sizeof(set.ext));
	return set;
}

static const uint8_t exts_in[RTP_EXTS] = { [RTP_EXT_SEND_TIME] = TIME_IN, [RTP_EXT_TRANSPORT_CC] = CC_IN, [RTP_EXT_ORIENTATION] = TURN_IN };
static const uint8_t exts_out[RTP_EXTS] = { [RTP_EXT_SEND_TIME] = TIME_OUT, [RTP_EXT_TRANSPORT_CC] = CC_OUT };

static struct media_session *leg(const struct media_set *set)
{
	struct media_session *s = session(MEDIA_VIDEO, NULL);

	assert_int_equal(media_session_set(s, set), 0);
	return s;
}

/* A packet of a camera with all that it has agreed on, and one that nobody knows. */
static void shot_of(struct media_session *to, uint8_t pt, uint32_t ssrc, uint16_t number, size_t payload)
{
	uint8_t cc[2] = { (uint8_t)(number >> 8), (uint8_t)number }, b[1600] = { 0 };
	const struct rtp_element v[] = {
		{ TIME_IN, STR_INIT("now") }, { CC_IN, str_mk((char *)cc, 2) }, { TURN_IN, STR_INIT("t") }, { 8, STR_INIT("?") },
	};
	size_t n;

	next_seq++;
	rtp_write(b, pt, true, next_seq, 3000u * next_seq, ssrc);
	b[0] |= 0x10;
	n = 12 + rtp_extensions_write(b + 12, 100, v, ARRAY_LEN(v), false);
	memset(b + n, 'v', payload);
	assert_true(media_deliver(m, media_session_local(to), &far_a, b, n + payload));
}

static void shot(struct media_session *to, uint16_t number)
{
	shot_of(to, 99, 77, number, 20);
}

static bool brings(const struct sent *s, uint8_t id, struct str *v)
{
	struct rtp r;

	assert_int_equal(rtp_parse(&r, s->b, s->n), 0);
	return !rtp_extension(v, s->b, r.at, id);
}

static unsigned number_of(const struct sent *s)
{
	struct str v;

	if (!brings(s, CC_OUT, &v))
		return UINT32_MAX;
	assert_int_equal(v.n, 2);
	return (unsigned)((uint8_t)v.p[0] << 8 | (uint8_t)v.p[1]);
}

/* ---- names ----------------------------------------------------------------- */

static void named(struct media_set *set, const char *mid, uint8_t id)
{
	set->ext[RTP_EXT_MID] = id;
	memcpy(set->mid, mid, strlen(mid) + 1);
}

/* Until the peer has reported on our source: from then on it knows. New settings begin anew. */
static void test_name_until_heard(void **state)
{
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);
	struct media_session *s = session(MEDIA_AUDIO, NULL);
	struct rtcp_out o = { .ssrc = 4, .cname = STR("x"), .has_block = true };
	struct str v;
	struct rtp r;
	uint8_t b[200];

	(void)state;
	named(&set, "0", 6);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(media_session_set(s, &set), 0);
		media_echo(s, true);
		net.n = 0;
		rtp(s, 0, 4, NULL);
		rtp(s, 0, 4, NULL);
		assert_int_equal(net.n, 2);
		for (int i = 0; i < 2; i++) {
			assert_true(brings(&net.sent[i], 6, &v));
			assert_true(str_eq(v, STR("0")));
			assert_int_equal(rtp_parse(&r, net.sent[i].b, net.sent[i].n), 0);
			assert_int_equal(r.n, 20);
		}
		o.block.ssrc = media_session_ssrc(s) + 1;       /* of another */
		media_deliver(m, media_session_local(s), &far_a, b, rtcp_write(b, sizeof(b), &o));
		rtp(s, 0, 4, NULL);
		assert_true(brings(&net.sent[2], 6, &v));
		o.block.ssrc = media_session_ssrc(s);
		media_deliver(m, media_session_local(s), &far_a, b, rtcp_write(b, sizeof(b), &o));
		rtp(s, 0, 4, NULL);
		assert_int_equal(net.n, 4);
		assert_false(brings(&net.sent[3], 6, &v));
	}
	assert_int_equal(stats(s)->tx, 8);
	media_session_close(s, NULL, NULL);
}

/* A number over 14, or a long name, takes the two-byte form. */
static void test_long_form(void **state)
{
	static const struct { const char *mid; uint8_t id; uint16_t mark; } tv[] = {
		{ "a", 14, 0xbede }, { "a", 16, 0x1000 }, { "0123456789abcdef", 1, 0xbede }, { "0123456789abcdefg", 1, 0x1000 },
	};
	struct media_session *s = session(MEDIA_AUDIO, NULL);

	(void)state;
	media_echo(s, true);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct media_set set = set_of(FORMAT_ULAW, 0, 0);
		struct str v;

		named(&set, tv[i].mid, tv[i].id);
		assert_int_equal(media_session_set(s, &set), 0);
		net.n = 0;
		rtp(s, 0, 4, NULL);
		assert_int_equal(net.n, 1);
		assert_int_equal(net.sent[0].b[12] << 8 | net.sent[0].b[13], tv[i].mark);
		assert_true(brings(&net.sent[0], tv[i].id, &v));
		assert_true(str_eq(v, str_z(tv[i].mid)));
	}
	media_session_close(s, NULL, NULL);
}

/* ---- relayed --------------------------------------------------------------- */

static void test_passed(void **state)
{
	struct media_set in = video(99, exts_in), out = video(98, exts_out);
	struct media_session *x = leg(&in), *y;
	struct str v;
	struct rtp r;

	(void)state;
	named(&out, "v", 1);
	y = leg(&out);
	assert_int_equal(media_bridge(x, y), 0);
	shot(x, 500);
	assert_int_equal(net.n, 1);
	assert_int_equal(rtp_parse(&r, net.sent[0].b, net.sent[0].n), 0);
	assert_int_equal(r.pt, 98);
	assert_true(r.marker);
	assert_int_equal(r.ssrc, media_session_ssrc(y));
	assert_int_equal(r.n, 20);
	assert_int_equal(net.sent[0].b[r.at], 'v');
	assert_true(brings(&net.sent[0], TIME_OUT, &v) && str_eq(v, STR("now")));
	assert_true(brings(&net.sent[0], 1, &v) && str_eq(v, STR("v")));
	assert_true(number_of(&net.sent[0]) != UINT32_MAX);
	/* What only one of them knows is left out, whatever its number means on the other. */
	for (uint8_t id = 2; id < 15; id++)
		assert_int_equal(brings(&net.sent[0], id, &v), id == TIME_OUT || id == CC_OUT);
	/* The other way nothing is brought, so there is no header for it. */
	net.n = 0;
	rtp(y, 98, 5, NULL);
	assert_int_equal(net.sent[0].b[0], 0x80);
	/* Agreed on no more: gone at once. */
	memset(out.ext, 0, sizeof(out.ext));
	media_session_set(y, &out);
	net.n = 0;
	shot(x, 501);
	assert_int_equal(net.sent[0].b[0], 0x80);
	assert_int_equal(net.sent[0].n, 32);
	/* One that fills a datagram goes on without what does not fit. */
	media_session_set(y, &(struct media_set){ .remote = far_a, .dir = SDP_SENDRECV, .ncodecs = 1, .codec = { { FORMAT_VP8, 98, 98, 0 } },
						  .rtcp_mux = true, .ext = { [RTP_EXT_SEND_TIME] = 200 } });
	net.n = 0;
	shot_of(x, 99, 77, 502, 1500);
	assert_int_equal(net.n, 1);
	assert_int_equal(rtp_parse(&r, net.sent[0].b, net.sent[0].n), 0);
	assert_int_equal(r.n, 1500);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* The transport's numbers: as far apart as they came, so that what is missing is missing; what comes late
 * keeps its own. A source that follows another goes on where that one was, at once: its bridge has ended,
 * wherever in memory its wire was. */
static void test_numbers(void **state)
{
	static const uint16_t in[] = { 65534, 65535, 2, 1, 3 };
	static const unsigned step[] = { 0, 1, 4, 3, 5 };
	struct media_set a = video(99, exts_in), b = video(98, exts_out);
	struct media_session *x = leg(&a), *y = leg(&b);
	unsigned first;

	(void)state;
	media_bridge(x, y);
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		shot(x, in[i]);
	first = number_of(&net.sent[0]);
	for (size_t i = 0; i < ARRAY_LEN(in); i++)
		assert_int_equal(number_of(&net.sent[i]), (first + step[i]) & 0xffff);
	media_session_close(x, NULL, NULL);
	media_poll(m, 0);
	x = leg(&a);
	media_bridge(x, y);
	media_poll(m, 0);
	net.n = 0;
	shot(x, 40000);
	assert_int_equal(number_of(&net.sent[0]), (first + 6) & 0xffff);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

static size_t cc_feedback(uint8_t *b, uint32_t about, uint16_t base)
{
	/* Two packets, both there: a run of two small deltas; a byte of each, and padding. */
	static const uint8_t rest[] = { 0, 2, 0, 0, 1, 9, 0x20, 2, 4, 4, 0, 2 };

	b[0] = 0xaf;
	b[1] = RTCP_RTPFB;
	b[2] = 0;
	b[3] = 6;
	memcpy(b + 4, "\xaa\xaa\xaa\xaa", 4);
	for (int i = 0; i < 4; i++)
		b[8 + i] = (uint8_t)(about >> (24 - 8 * i));
	b[12] = (uint8_t)(base >> 8);
	b[13] = (uint8_t)base;
	memcpy(b + 14, rest, sizeof(rest));
	b[26] = 0;
	b[27] = 4;
	return 28;
}

/* What y's phone says of our numbers comes to x's in its own, whole with its padding. */
static void test_feedback_of_numbers(void **state)
{
	struct media_set a = video(99, exts_in), o = video(98, exts_out);
	struct media_session *x = leg(&a), *y = leg(&o);
	uint8_t b[64], want[64];
	size_t n;

	(void)state;
	media_bridge(x, y);
	shot(x, 500);
	shot(x, 501);
	assert_int_equal(number_of(&net.sent[1]), number_of(&net.sent[0]) + 1);
	n = cc_feedback(b, media_session_ssrc(y), (uint16_t)number_of(&net.sent[0]));
	net.n = 0;
	assert_true(media_deliver(m, media_session_local(y), &far_a, b, n));
	assert_int_equal(net.n, 1);
	cc_feedback(want, 77, 500);
	assert_int_equal(net.sent[0].n, n);
	for (int i = 0; i < 4; i++)
		want[4 + i] = (uint8_t)(media_session_ssrc(x) >> (24 - 8 * i));
	assert_memory_equal(net.sent[0].b, want, n);
	/* About a source that is not ours: nobody's. */
	n = cc_feedback(b, 12345, 0);
	media_deliver(m, media_session_local(y), &far_a, b, n);
	assert_int_equal(net.n, 1);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* Without numbers of that leg there is nothing that feedback could be about. */
static void test_feedback_without_numbers(void **state)
{
	struct media_set a = video(99, exts_in), o = video(98, (const uint8_t[RTP_EXTS]){ 0 });
	struct media_session *x = leg(&a), *y = leg(&o);
	uint8_t b[64];

	(void)state;
	media_bridge(x, y);
	shot(x, 500);
	net.n = 0;
	media_deliver(m, media_session_local(y), &far_a, b, cc_feedback(b, media_session_ssrc(y), 1));
	assert_int_equal(net.n, 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* ---- whose packet it is: the SDP's word on sources ------------------------- */

static void test_by_signalled_source(void **state)
{
	struct media_set set = set_of(FORMAT_VP8, 96, 0);
	struct media_session *x = session(MEDIA_VIDEO, NULL), *y = session(MEDIA_VIDEO, x);

	(void)state;
	set.ext[RTP_EXT_MID] = 5;
	named(&set, "x", 5);
	set.ssrc[0] = 1;
	set.nssrcs = 1;
	assert_int_equal(media_session_set(x, &set), 0);
	named(&set, "y", 5);
	set.ssrc[0] = 2;
	set.ssrc[1] = 3;
	set.nssrcs = 2;
	assert_int_equal(media_session_set(y, &set), 0);
	rtp(x, 96, 1, NULL);
	rtp(x, 96, 2, NULL);
	rtp(x, 96, 3, NULL);
	rtp(x, 96, 4, NULL);
	assert_heard(x, 1);
	assert_heard(y, 2);
	assert_int_equal(stats(x)->dropped_bad, 1);
	/* What packets say themselves counts more, and for those that follow. */
	rtp(x, 96, 2, "x");
	rtp(x, 96, 2, NULL);
	assert_heard(x, 3);
	assert_heard(y, 2);
	close_pair(x, y);
}

/* A session that takes the place of another keeps its source; all of one peer have one name. */
static void test_identity(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1, .ssrc = 0x12345678 };
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y = NULL, *z = session(MEDIA_VIDEO, NULL);

	(void)state;
	prm.on_wire_of = x;
	assert_int_equal(media_session_new(&y, m, &prm), 0);
	assert_int_equal(media_session_ssrc(y), 0x12345678);
	assert_string_equal(media_session_cname(x), media_session_cname(y));
	assert_string_not_equal(media_session_cname(x), media_session_cname(z));
	assert_true(media_session_together(x, y));
	assert_false(media_session_together(x, z));
	close_pair(x, y);
	media_session_close(z, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_name_until_heard), T(test_long_form), T(test_passed), T(test_numbers), T(test_feedback_of_numbers),
		T(test_feedback_without_numbers), T(test_by_signalled_source), T(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
