/* Several streams on one wire: whose a packet is, what they share, when the ports go
 * back. Sessions alone on their wire are in test_media.c and test_media_net.c, the
 * steps and moves of a wire in test_wire_steps.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "wire_stage.h"

/* ---- whose packet it is */

static void test_by_payload_type(void **state)
{
	struct media_session *x, *y;

	(void)state;
	pair_up(&x, &y, 0);
	rtp(x, 0, 1, NULL);
	rtp(x, 99, 2, NULL);
	rtp(x, 99, 2, NULL);
	assert_heard(x, 1);
	assert_heard(y, 2);
	assert_int_equal(stats(x)->remote_ssrc, 1);
	assert_int_equal(stats(y)->remote_ssrc, 2);
	/* One that nobody agreed to; one that both know: nobody's. */
	assert_int_equal(stats(x)->dropped_bad, 0);
	rtp(x, 50, 3, NULL);
	rtp(x, 13, 4, NULL);
	assert_heard(x, 1);
	assert_heard(y, 2);
	assert_int_equal(stats(x)->dropped_bad, 2);
	close_pair(x, y);
}

/* The same payload type in both: the source tells, once it is known. */
static void test_by_ssrc(void **state)
{
	struct media_session *x, *y;
	struct sa stranger = addr("203.0.113.66:66");

	(void)state;
	pair_up(&x, &y, 96);
	rtp(x, 96, 1, NULL);
	assert_int_equal(stats(x)->dropped_bad, 1);
	rtp(x, 0, 1, NULL);
	rtp(x, 99, 2, NULL);
	for (int i = 0; i < 3; i++)
		rtp(x, 96, 1, NULL);
	rtp(x, 96, 2, NULL);
	assert_heard(x, 4);
	assert_heard(y, 2);
	/* Who is not the latched source teaches nothing. */
	rtp_from(x, &stranger, 0, 7, NULL);
	rtp_from(x, &stranger, 96, 1, NULL);
	rtp(x, 96, 7, NULL);
	rtp(x, 96, 1, NULL);
	assert_heard(x, 5);
	assert_heard(y, 2);
	assert_int_equal(stats(x)->dropped_source, 2);
	assert_int_equal(stats(x)->dropped_bad, 2);
	close_pair(x, y);
}

/* One that was alone and gets a neighbour keeps its source. */
static void test_second_comes_later(void **state)
{
	struct media_set set = set_of(FORMAT_ULAW, 0, 96);
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y;

	(void)state;
	media_session_set(x, &set);
	rtp(x, 96, 1, NULL);
	y = session(MEDIA_VIDEO, x);
	set = set_of(FORMAT_VP8, 99, 96);
	media_session_set(y, &set);
	rtp(x, 96, 1, NULL);
	assert_heard(x, 2);
	assert_heard(y, 0);
	close_pair(x, y);
}

static void set_mid(struct media_set *set, const char *mid)
{
	assert_true(strlen(mid) < sizeof(set->mid));
	memcpy(set->mid, mid, strlen(mid) + 1);
}

static void test_by_mid(void **state)
{
	struct media_set set = set_of(FORMAT_ULAW, 96, 0);
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y = session(MEDIA_VIDEO, x);

	(void)state;
	set.ext[RTP_EXT_MID] = 5;
	set_mid(&set, "sound");
	assert_int_equal(media_session_set(x, &set), 0);
	set.codec[0].id = FORMAT_VP8;
	set_mid(&set, "0123456789abcdef");
	assert_int_equal(media_session_set(y, &set), 0);
	rtp(x, 96, 1, "sound");
	rtp(x, 96, 2, "0123456789abcdef");
	/* From then on the source alone tells it. */
	rtp(x, 96, 1, NULL);
	rtp(x, 96, 2, NULL);
	rtp(x, 96, 2, NULL);
	assert_heard(x, 2);
	assert_heard(y, 3);
	/* A source may move to another (RFC 8843 section 9.2). */
	rtp(x, 96, 1, "0123456789abcdef");
	rtp(x, 96, 1, NULL);
	assert_heard(x, 2);
	assert_heard(y, 5);
	rtp(x, 96, 1, "sound");
	rtp(x, 96, 1, NULL);
	assert_heard(x, 4);
	/* A name that is nobody's, or only begins like one: nobody's packet. */
	rtp(x, 96, 1, "soun");
	rtp(x, 96, 1, "soundx");
	assert_heard(x, 4);
	assert_heard(y, 5);
	assert_int_equal(stats(x)->dropped_bad, 2);
	/* Ids of two bytes' headers and a name without an end are refused. */
	set.ext[RTP_EXT_MID] = 15;
	assert_int_equal(media_session_set(y, &set), EINVAL);
	set.ext[RTP_EXT_MID] = 14;
	memset(set.mid, 'x', sizeof(set.mid));
	assert_int_equal(media_session_set(y, &set), EINVAL);
	close_pair(x, y);
}

/* ---- what they share */

/* One latch: what one stream taught holds for the other. */
static void test_latch_is_the_wires(void **state)
{
	struct media_set set = set_of(FORMAT_VP8, 99, 0);
	struct sa nat = addr("203.0.113.5:30000"), stranger = addr("203.0.113.66:66");
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y = session(MEDIA_VIDEO, x);

	(void)state;
	set.symmetric = true;
	media_session_set(y, &set);
	set = set_of(FORMAT_ULAW, 0, 0);
	set.symmetric = true;
	media_session_set(x, &set);
	/* Each stream has its own sequence; four in a row of one of them are enough. */
	for (uint16_t i = 0; i < 4; i++) {
		next_seq = (uint16_t)(99 + i);
		rtp_from(x, &nat, 0, 1, NULL);
		next_seq = (uint16_t)(899 + i);
		if (i < 3)
			rtp_from(x, &nat, 99, 2, NULL);
	}
	assert_heard(x, 1);
	assert_heard(y, 0);
	rtp_from(x, &nat, 99, 2, NULL);
	assert_heard(y, 1);
	rtp_from(x, &stranger, 99, 2, NULL);
	assert_heard(y, 1);
	assert_true(sa_eq(&stats(y)->source, &nat));
	assert_int_equal(events[MEDIA_SOURCE], 2);              /* both are told */
	assert_int_equal(events[MEDIA_FIRST_PACKET], 2);
	/* Both send to where it was latched. */
	net.n = 0;
	media_echo(y, true);
	media_echo(x, true);
	rtp_from(x, &nat, 99, 2, NULL);
	rtp_from(x, &nat, 0, 1, NULL);
	assert_int_equal(net.n, 2);
	assert_true(sa_eq(&net.sent[0].to, &nat) && sa_eq(&net.sent[1].to, &nat));
	assert_int_equal(net.sent[0].place, net.sent[1].place);
	/* The other's SDP says the same once more: nothing is learned anew. */
	media_session_set(x, &set);
	rtp_from(x, &nat, 0, 1, NULL);
	assert_int_equal(net.n, 3);
	/* One of them says another address: for both, and learned anew. */
	set.remote = addr("192.0.2.8:8000");
	media_session_set(x, &set);
	rtp_from(x, &nat, 99, 2, NULL);
	assert_int_equal(net.n, 3);
	rtp_from(x, &set.remote, 99, 2, NULL);
	assert_int_equal(net.n, 4);
	assert_true(sa_eq(&net.sent[3].to, &set.remote));
	close_pair(x, y);
}

/* What one has sent in a row is not counted for another who comes from elsewhere. */
static void test_probation_is_ones_own(void **state)
{
	struct sa first = addr("203.0.113.5:30000"), second = addr("203.0.113.6:30000");
	struct media_session *x, *y;

	(void)state;
	pair_up(&x, &y, 0);
	for (uint16_t i = 0; i < 12; i++) {
		next_seq = (uint16_t)(100 + i);
		rtp_from(x, i % 4 < 3 ? &first : &second, 0, 1, NULL);
	}
	assert_heard(x, 0);
	/* Its last one was the first of four. */
	for (uint16_t i = 0; i < 3; i++)
		rtp_from(x, &second, 0, 1, NULL);
	assert_heard(x, 1);
	assert_true(sa_eq(&stats(y)->source, &second));
	close_pair(x, y);
}

/* An m= line without an address is silent, and leaves the wire to the others. */
static void test_line_without_address(void **state)
{
	struct media_session *x, *y;
	struct media_set set;

	(void)state;
	pair_up(&x, &y, 0);
	media_echo(x, true);
	media_echo(y, true);
	set = set_of(FORMAT_VP8, 99, 0);
	sa_parse_host(&set.remote, STR("0.0.0.0"), 4000);
	media_session_set(y, &set);
	rtp(x, 0, 1, NULL);
	rtp(x, 99, 2, NULL);
	assert_heard(y, 1);
	assert_int_equal(net.n, 1);
	assert_int_equal(net.sent[0].b[1] & 127, 0);
	set.remote = far_a;
	media_session_set(y, &set);
	rtp(x, 99, 2, NULL);
	assert_int_equal(net.n, 2);
	close_pair(x, y);
}

static size_t report(uint8_t *b, size_t max, uint32_t ssrc, uint32_t about, int32_t lost)
{
	struct rtcp_out o = { .ssrc = ssrc, .cname = STR("x"), .sender = true, .has_block = true,
			      .block = { .ssrc = about, .lost = lost } };
	size_t n = rtcp_write(b, max, &o);

	assert_true(n > 0);
	return n;
}

/* Behind a NAT the port of RTCP is learned by the SSRC of either stream, once, for
 * both; a report goes to those that it speaks of. */
static void test_rtcp_follows(void **state)
{
	struct sa nat = addr("203.0.113.5:30000"), nat_rtcp = addr("203.0.113.5:31111"), other = addr("203.0.113.5:32222");
	struct media_session *x, *y;
	struct media_set set;
	uint8_t b[400];
	size_t n;

	(void)state;
	pair_up(&x, &y, 0);
	set = set_of(FORMAT_ULAW, 0, 0);
	set.symmetric = true;
	set.rtcp_mux = false;
	media_session_set(x, &set);
	for (int i = 0; i < 5; i++)
		rtp_from(x, &nat, 0, 1, NULL);
	rtp_from(x, &nat, 99, 2, NULL);
	/* A guess, then the picture's source; from there on nobody else. */
	n = report(b, sizeof(b), 3, media_session_ssrc(y), 7);
	media_deliver(m, media_session_local_rtcp(x), &other, b, n);
	n = report(b, sizeof(b), 2, media_session_ssrc(y), 7);
	media_deliver(m, media_session_local_rtcp(x), &nat_rtcp, b, n);
	media_deliver(m, media_session_local_rtcp(x), &other, b, n);
	assert_int_equal(stats(x)->rtcp_rx, 0);
	assert_int_equal(stats(y)->rtcp_rx, 1);
	assert_int_equal(stats(y)->remote_lost, 7);
	/* Both in one datagram; whoever reports, a block is for whom it is about. */
	n = report(b, sizeof(b), 1, media_session_ssrc(x), 3);
	n += report(b + n, sizeof(b) - n, 2, media_session_ssrc(y), 5);
	media_deliver(m, media_session_local_rtcp(x), &nat_rtcp, b, n);
	assert_int_equal(stats(x)->remote_lost, 3);
	assert_int_equal(stats(y)->remote_lost, 5);
	n = report(b, sizeof(b), 2, media_session_ssrc(x), 4);
	media_deliver(m, media_session_local_rtcp(x), &nat_rtcp, b, n);
	assert_int_equal(stats(x)->remote_lost, 4);
	assert_int_equal(stats(y)->remote_lost, 5);
	assert_int_equal(stats(x)->rtcp_rx, 2);
	assert_int_equal(stats(y)->rtcp_rx, 3);
	/* Ours: of both, to the port that was learned. */
	net.n = 0;
	for (int i = 0; i < 700; i++) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
	assert_int_equal(net.n, 2);
	assert_true(sa_eq(&net.sent[0].to, &nat_rtcp) && sa_eq(&net.sent[1].to, &nat_rtcp));
	close_pair(x, y);
}

/* A wish for a picture goes on from the stream that it names, not from its neighbour. */
static void test_picture_wish(void **state)
{
	struct media_session *x, *y, *px, *py;
	uint8_t b[32] = { 0 };
	struct rtcp r;
	size_t n;

	(void)state;
	pair_up(&x, &y, 0);
	pair_up(&px, &py, 0);
	media_bridge(x, px);
	media_bridge(y, py);
	rtp(px, 0, 11, NULL);
	rtp(px, 99, 12, NULL);
	assert_int_equal(net.n, 2);
	n = rtcp_write_pli(b, sizeof(b), 2, media_session_ssrc(y));
	assert_true(media_deliver(m, media_session_local(x), &far_a, b, n));
	assert_int_equal(net.n, 3);
	assert_int_equal(rtcp_parse_pair(&r, net.sent[2].b, net.sent[2].n, 12, NULL), 0);
	assert_true(r.pli);
	close_pair(x, y);
	close_pair(px, py);
}

/* ---- one closes while the other lives */

static void heard_alone(struct media_session *s, uint8_t pt)
{
	uint64_t before = stats(s)->rx;

	rtp(s, pt, pt, NULL);
	assert_int_equal(stats(s)->rx, before + 1);
}

static void test_neighbour_closes(void **state)
{
	struct media_counters n;
	struct media_session *x, *y, *z;

	(void)state;
	for (int round = 0; round < 2; round++) {
		pair_up(&x, &y, 0);
		assert_true(sa_eq(media_session_local(x), media_session_local(y)));
		assert_true(sa_eq(media_session_local_rtcp(x), media_session_local_rtcp(y)));
		heard_alone(x, 0);
		heard_alone(y, 99);
		/* Whoever opened them, the ports are taken as long as one is there. */
		media_session_close(round ? x : y, NULL, NULL);
		media_poll(m, 0);
		assert_int_equal(net_places(), 2);
		media_count(m, &n);
		assert_int_equal(n.ports_used, 1);
		heard_alone(round ? y : x, round ? 99 : 0);
		/* A third may come. */
		z = session(MEDIA_AUDIO, round ? y : x);
		media_session_close(round ? y : x, NULL, NULL);
		assert_int_equal(net_places(), 2);
		media_session_close(z, NULL, NULL);
		media_poll(m, 0);
		assert_int_equal(net_places(), 0);
		media_count(m, &n);
		assert_int_equal(n.ports_used, 0);
		assert_int_equal(n.sessions, 0);
	}
}

/* Of those that no thread was told of, too; and with an answer that is waited for. */
static void test_unknown_neighbours(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y = session(MEDIA_VIDEO, x), *z = NULL;

	(void)state;
	media_session_close(x, NULL, NULL);
	assert_int_equal(net_places(), 2);
	/* One that is closed has no wire to share. */
	obj_hold(y);
	media_session_close(y, on_stats, NULL);
	prm.on_wire_of = y;
	assert_int_equal(media_session_new(&z, m, &prm), ESHUTDOWN);
	media_poll(m, 0);
	assert_int_equal(net_places(), 0);
	assert_int_equal(media_session_new(&z, m, &prm), ESHUTDOWN);
	obj_drop(y);
	/* T.38 has no RTP to share a wire with. */
	x = session(MEDIA_AUDIO, NULL);
	prm.type = MEDIA_IMAGE;
	prm.on_wire_of = x;
	assert_int_equal(media_session_new(&z, m, &prm), EINVAL);
	media_session_close(x, NULL, NULL);
	/* Left for media_close(). */
	pair_up(&x, &y, 0);
	rtp(x, 0, 1, NULL);
	obj_drop(x);
	obj_drop(y);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_by_payload_type), T(test_by_ssrc), T(test_second_comes_later), T(test_by_mid),
		T(test_latch_is_the_wires), T(test_probation_is_ones_own),
		T(test_line_without_address), T(test_rtcp_follows), T(test_picture_wish),
		T(test_neighbour_closes), T(test_unknown_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
