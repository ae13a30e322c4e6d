/* The steps between socket and RTP, and wires that move from thread to thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <unistd.h>
#include "wire_stage.h"

/* ---- steps */

static struct wire *wire_of(struct media_session *s) { return &s->w->w; }

static unsigned seen_by[2];     /* datagrams, by the row */

static enum wire_verdict open_xor(struct wire *w, uint8_t *p, size_t *n, const struct sa *from)
{
	(void)w;
	(void)from;
	seen_by[0]++;
	/* Its "tag" is the length's last byte; the header stays in the clear, as in SRTP. */
	if (*n < 13 || p[*n - 1] != (uint8_t)(*n - 1))
		return WIRE_BAD;
	--*n;
	for (size_t i = 12; i < *n; i++)
		p[i] ^= 0x5a;
	return WIRE_PASS;
}

static bool seal_xor(struct wire *w, uint8_t *p, size_t *n, size_t max)
{
	(void)w;
	if (*n == max)
		return false;
	for (size_t i = 12; i < *n; i++)
		p[i] ^= 0x5a;
	p[*n] = (uint8_t)*n;
	++*n;
	return true;
}

static enum wire_verdict answer_stun(struct wire *w, uint8_t *p, size_t *n, const struct sa *from)
{
	static const uint8_t pong[20] = { 1, 1 };

	(void)p;
	(void)n;
	seen_by[1]++;
	wire_send(w, false, from, pong, sizeof(pong));
	return WIRE_TAKEN;
}

static const struct wire_step xor_step = {
	.name = "xor", .takes = WIRE_KIND(RTP_KIND_RTP) | WIRE_KIND(RTP_KIND_RTCP), .recv = open_xor, .send = seal_xor,
};
static const struct wire_step stun_step = { .name = "stun", .takes = WIRE_KIND(RTP_KIND_STUN), .recv = answer_stun };
static const struct wire_step *const secure[] = { &stun_step, &xor_step, NULL };

/* A sealed call relayed to a plain one and back. */
static void test_steps(void **state)
{
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y = session(MEDIA_AUDIO, NULL);
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);
	struct sa stranger = addr("203.0.113.66:66");
	uint8_t b[40] = { 0 }, ping[20] = { 0 };
	uint64_t bad;

	(void)state;
	memset(seen_by, 0, sizeof(seen_by));
	media_session_set(x, &set);
	media_session_set(y, &set);
	wire_of(x)->steps = secure;
	media_bridge(x, y);
	/* In: opened, then relayed in the clear. */
	rtp_write(b, 0, false, 1, 160, 1);
	memset(b + 12, 0x11 ^ 0x5a, 20);
	b[32] = 32;
	assert_true(media_deliver(m, media_session_local(x), &far_a, b, 33));
	assert_int_equal(net.n, 1);
	assert_int_equal(net.sent[0].n, 32);
	assert_int_equal(net.sent[0].b[12], 0x11);
	/* Out: sealed, from a copy that has room for the tag. */
	rtp_write(b, 0, false, 1, 160, 2);
	memset(b + 12, 0x22, 20);
	assert_true(media_deliver(m, media_session_local(y), &far_a, b, 32));
	assert_int_equal(net.n, 2);
	assert_int_equal(net.sent[1].n, 33);
	assert_int_equal(net.sent[1].b[12], 0x22 ^ 0x5a);
	assert_int_equal(net.sent[1].b[32], 32);
	/* What a step refuses teaches nothing, whoever sends it, and is counted. */
	bad = stats(x)->dropped_bad;
	set.relearn = true;
	media_session_set(x, &set);
	for (uint16_t i = 2; i < 8; i++) {
		rtp_write(b, 0, false, i, 160u * i, 1);
		b[32] = 99;
		assert_true(media_deliver(m, media_session_local(x), &stranger, b, 33));
	}
	assert_int_equal(stats(x)->dropped_bad, bad + 6);
	assert_false(sa_is_set(&stats(x)->source));
	/* What a step keeps is no stream's, and each kind comes only to who takes it. */
	assert_int_equal(seen_by[0], 7);
	assert_true(media_deliver(m, media_session_local(x), &stranger, ping, sizeof(ping)));
	assert_int_equal(seen_by[0], 7);
	assert_int_equal(seen_by[1], 1);
	assert_int_equal(stats(x)->dropped_bad, bad + 6);
	assert_int_equal(net.n, 3);
	assert_true(sa_eq(&net.sent[2].to, &stranger));
	assert_int_equal(net.sent[2].n, 20);    /* STUN is not sealed */
	close_pair(x, y);
}

/* What we make ourselves is sealed too, and what it was made in keeps its size. */
static void test_sealed_keepalive(void **state)
{
	struct media_session *x = session(MEDIA_AUDIO, NULL);
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	set.keepalive_ms = 1000;
	media_session_set(x, &set);
	wire_of(x)->steps = secure;
	for (int i = 0; i < 250; i++) {
		clock_fake_add(&clk, 10000);
		media_poll(m, 0);
	}
	assert_int_equal(net.n, 2);
	assert_int_equal(net.sent[0].n, 14);
	assert_int_equal(net.sent[0].b[12], 127 ^ 0x5a);
	media_session_close(x, NULL, NULL);
}

/* A datagram that a step has no room to seal does not leave. */
static void test_no_room_to_seal(void **state)
{
	struct media_session *x = session(MEDIA_AUDIO, NULL), *y = session(MEDIA_AUDIO, NULL);
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);
	static uint8_t b[WIRE_DATAGRAM];

	(void)state;
	media_session_set(x, &set);
	media_session_set(y, &set);
	wire_of(x)->steps = secure;
	media_bridge(x, y);
	rtp_write(b, 0, false, 1, 160, 2);
	assert_true(media_deliver(m, media_session_local(y), &far_a, b, sizeof(b)));
	assert_int_equal(net.n, 0);
	assert_true(media_deliver(m, media_session_local(y), &far_a, b, sizeof(b) - 1));
	assert_int_equal(net.n, 1);
	assert_int_equal(stats(x)->tx, 1);
	close_pair(x, y);
}

/* ---- two threads, real sockets */

static int far_fd;

static int up_threads(void **state)
{
	struct media_prm prm = { .threads = 2, .strict = true };
	socklen_t len = sizeof(far_a);

	(void)state;
	live = obj_live();
	far_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sa_parse_host(&far_a, STR("127.0.0.1"), 0), 0);
	assert_int_equal(bind(far_fd, &far_a.u.s, sa_len(&far_a)), 0);
	assert_int_equal(getsockname(far_fd, &far_a.u.s, &len), 0);
	prm.bind = far_a;
	return media_new(&m, &prm);
}

static int down_threads(void **state)
{
	(void)state;
	close(far_fd);
	media_close(m);
	return obj_live() != live;
}

/* Send `pt` to `in` until it comes back through the bridge with the SSRC of `out`. */
static void passes(struct media_session *in, uint8_t pt, struct media_session *out)
{
	struct pollfd p = { .fd = far_fd, .events = POLLIN };

	for (int i = 0; i < 5000; i++) {
		uint8_t b[2000];
		struct rtp r;
		ssize_t n;

		next_seq++;
		rtp_write(b, pt, false, next_seq, 160u * next_seq, 1000u + pt);
		n = sendto(far_fd, b, 172, 0, &media_session_local(in)->u.s, sa_len(media_session_local(in)));
		assert_int_equal(n, 172);
		while (poll(&p, 1, 1) > 0 && (n = recv(far_fd, b, sizeof(b), MSG_DONTWAIT)) > 0)
			if (!rtp_parse(&r, b, (size_t)n) && r.ssrc == media_session_ssrc(out))
				return;
		media_poll(m, 0);
	}
	fail_msg("nothing comes through");
}

/* Whom a wire's streams are bridged to comes along when it moves. */
static void test_moves_together(void **state)
{
	struct media_session *x, *y, *px = session(MEDIA_AUDIO, NULL), *py;
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	media_session_set(px, &set);
	pair_up(&x, &y, 0);
	py = session(MEDIA_VIDEO, NULL);
	set = set_of(FORMAT_VP8, 99, 0);
	media_session_set(py, &set);
	for (int round = 0; round < 10; round++) {
		assert_int_equal(media_bridge(x, px), 0);
		assert_ptr_equal(x->w->t, px->w->t);
		/* Sometimes before the first move is over. */
		if (round & 1)
			passes(px, 0, x);
		/* To the other's thread, wherever it is: the sound's pair goes too. */
		assert_int_equal(core_move(py->w, m->t[x->w->t == m->t[0]]), 0);
		assert_ptr_not_equal(py->w->t, x->w->t);
		assert_int_equal(media_bridge(py, y), 0);
		assert_ptr_equal(x->w->t, py->w->t);
		assert_ptr_equal(px->w->t, py->w->t);
		assert_true(media_session_bridged(x) && media_session_bridged(y));
		passes(px, 0, x);
		passes(py, 99, y);
		passes(x, 0, px);
		passes(y, 99, py);
		media_unbridge(round & 2 ? x : px);
		media_unbridge(y);
	}
	assert_int_equal(m->t[0]->load + m->t[1]->load, 4);
	/* Closed on its way. */
	media_bridge(x, px);
	core_move(x->w, m->t[x->w->t == m->t[0]]);
	media_session_close(x, NULL, NULL);
	media_echo(y, true);
	passes(y, 99, y);
	media_session_close(y, NULL, NULL);
	close_pair(px, py);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_steps), T(test_no_room_to_seal), T(test_sealed_keepalive),
		cmocka_unit_test_setup_teardown(test_moves_together, up_threads, down_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
