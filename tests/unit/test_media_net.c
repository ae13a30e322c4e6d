/* Media sessions over a network that is the test's own: packets and time as the test gives
 * them, ports of a range, turns, lifetimes. What needs real sockets is in test_media.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include "media/core.h"
#include "media/dtls.h"
#include "media_net.h"

static void test_net(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sa rtcp, elsewhere;
	struct sound *snd = ulaw_sound(480, 0x11);
	uint8_t big[4000] = { 0x80 };

	(void)state;
	assert_int_equal(net_places(), 4);
	/* Nobody has told the thread of it yet. */
	assert_false(net_rtp(media_session_local(x), &far_x, 1));
	media_session_set(x, &set);
	set.remote = far_y;
	media_session_set(y, &set);
	media_bridge(x, y);
	/* A packet in, one out, in the same turn; from the place of the other. */
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	assert_int_equal(net.n, 1);
	assert_true(sa_eq(&net.sent[0].to, &far_y));
	assert_true(sa_eq(&net.at[net.sent[0].place], media_session_local(y)));
	assert_memory_equal(net.sent[0].b + 12, noise, 160);
	media_poll(m, 0);
	assert_int_equal(count(&sx, MEDIA_FIRST_PACKET), 1);
	/* To an address or a port that nobody has; longer than is read; nothing. */
	sa_parse_host(&elsewhere, STR("198.51.100.10"), sa_port(media_session_local(x)));
	assert_false(net_rtp(&elsewhere, &far_x, 2));
	sa_parse_host(&elsewhere, STR("198.51.100.9"), 9);
	assert_false(net_rtp(&elsewhere, &far_x, 2));
	assert_false(media_deliver(m, media_session_local(x), &far_x, big, sizeof(big)));
	assert_false(media_deliver(m, media_session_local(x), &far_x, big, 0));
	assert_int_equal(net.n, 1);
	/* RTCP has a place of its own. */
	sa_parse(&rtcp, STR("192.0.2.1:4001"));
	{
		struct rtcp_out o = { .ssrc = 9, .cname = STR("x") };
		uint8_t buf[100];

		assert_true(media_deliver(m, media_session_local_rtcp(x), &rtcp, buf, rtcp_write(buf, sizeof(buf), &o)));
	}
	media_stats(x, on_stats, NULL);
	media_poll(m, 0);
	assert_int_equal(got.rtcp_rx, 1);
	assert_int_equal(got.rx, 1);
	/* Time is the clock's alone: three packets of sound. */
	media_play_sounds(x, &snd, 1, 3);
	net.n = 0;
	pass(100);
	assert_int_equal(net.n, 3);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 1);
	/* What does not leave is not counted as sent. */
	net.down = true;
	assert_true(net_rtp(media_session_local(y), &far_y, 1));
	net.down = false;
	media_session_close(x, on_stats, NULL);
	media_session_close(y, NULL, NULL);
	media_poll(m, 0);
	assert_int_equal(got_n, 2);
	assert_int_equal(got.tx, 3);
	assert_int_equal(net_places(), 0);
	obj_drop(snd);
}

/* A port that is taken is passed over; so is one whose neighbour is. */
static void test_net_ports(void **state)
{
	struct media_prm prm = net_prm();
	struct media_session *x;

	(void)state;
	net.taken[0] = net.taken[1] = 20001;
	prm.port_min = 20000;
	prm.port_max = 20003;
	media_reload(m, &prm);
	x = session(NULL);
	assert_int_equal(sa_port(media_session_local(x)), 20002);
	assert_int_equal(net_places(), 2);
	/* One that no thread ever heard of gives its places back as well. */
	media_session_close(x, NULL, NULL);
	assert_int_equal(net_places(), 0);
	x = session(NULL);
	obj_drop(x);            /* left for media_close() to end */
}

static size_t descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void turn_loop(struct loop *l, unsigned ms)
{
	for (unsigned i = 0; i <= ms; i += 10) {
		for (int k = 0; k < 4; k++)
			uv_run(loop_uv(l), UV_RUN_NOWAIT);
		clock_fake_add(&clk, i < ms ? 10000 : 0);
	}
}

/* On the core's loop with a clock of the test's: ticks are its timers, events its
 * bell's, and nothing waits for real time. */
static void test_net_on_loop(void **state)
{
	struct loop *l = loop_new(&clk.c);
	struct media_prm prm = net_prm();
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct sound *snd = ulaw_sound(480, 0x11);
	struct media *first = m;
	struct media_session *x;
	struct seen sx = { 0 };
	struct media_counters n;

	(void)state;
	assert_non_null(l);
	prm.core = l;
	assert_int_equal(media_new(&m, &prm), 0);
	x = session(&sx);
	media_session_set(x, &set);
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	assert_int_equal(sx.n, 0);              /* never from inside a call */
	turn_loop(l, 0);
	assert_int_equal(count(&sx, MEDIA_FIRST_PACKET), 1);
	media_play_sounds(x, &snd, 1, 1);
	turn_loop(l, 100);
	assert_int_equal(net.n, 3);
	assert_int_equal(count(&sx, MEDIA_PLAYED), 1);
	media_session_close(x, NULL, NULL);
	turn_loop(l, 200);
	media_count(m, &n);
	assert_int_equal(n.sessions, 0);
	media_close(m);
	loop_free(l);
	m = first;
	obj_drop(snd);
}

/* Its functions are the core's, and nothing of the kernel's is opened. */
static void test_net_alone(void **state)
{
	struct media_prm prm = net_prm();
	struct media *other = NULL;
	size_t fds = descriptors();

	(void)state;
	prm.threads = 1;
	assert_int_equal(media_new(&other, &prm), EINVAL);
	prm.threads = 0;
	assert_int_equal(media_new(&other, &prm), 0);
	obj_drop(session(NULL));
	assert_int_equal(descriptors(), fds);
	media_close(other);
}

/* Times that are longer than 32 bits of milliseconds do not come round. */
static void test_long_timeout(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	set.timeout_ms = 4294968000u;   /* 704 ms more than 2^32 */
	set.keepalive_ms = 4294968000u;
	media_session_set(x, &set);
	pass(3000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 0);
	assert_int_equal(net.n, 0);
	clock_fake_add(&clk, 4294968000u * 1000);
	pass(2000);
	assert_int_equal(count(&sx, MEDIA_TIMEOUT), 1);
	assert_int_equal(net.n, 1);
	assert_int_equal(net.sent[0].b[1], 13);         /* comfort noise */
	media_session_close(x, NULL, NULL);
}

/* ---- turns */

static void seen_doing(enum media_doing doing, const struct media_session *s)
{
	struct media_watch now;

	assert_int_equal(net.seen.doing, doing);
	assert_int_equal(net.seen.port, sa_port(media_session_local(s)));
	assert_true(net.seen.began_us == clk.mono);
	assert_true(media_watch(m, 0, &now));
	assert_int_equal(now.doing, MEDIA_ASLEEP);
	assert_int_equal(now.began_us, 0);
	assert_int_equal(now.port, 0);
	assert_int_equal(now.turns, net.seen.turns + 1);
}

/* A watchdog sees since when a thread is at it, with what and for whom. */
static void test_watch(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	assert_int_equal(media_threads(m), 1);
	assert_false(media_watch(m, 1, &net.seen));
	assert_string_equal(media_doing_name(MEDIA_TICKS), "ticks");
	media_session_set(x, &set);
	set.remote = far_y;
	media_session_set(y, &set);
	media_bridge(x, y);
	net.watched = m;
	assert_true(net_rtp(media_session_local(x), &far_x, 1));
	seen_doing(MEDIA_PACKETS, x);
	media_silence(y, true);
	clock_fake_add(&clk, 20000);
	media_poll(m, 0);
	seen_doing(MEDIA_TICKS, y);
	media_session_close(y, NULL, NULL);     /* says BYE */
	seen_doing(MEDIA_COMMANDS, y);
	net.watched = NULL;
	media_session_close(x, NULL, NULL);
}

/* A turn serves so many streams; the next, which comes at once, the others. */
static void test_bounded_turn(void **state)
{
	enum { N = 300 };
	struct media_session *v[N];
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	for (int i = 0; i < N; i++) {
		v[i] = session(NULL);
		assert_int_equal(media_session_set(v[i], &set), 0);
		assert_int_equal(media_silence(v[i], true), 0);
	}
	clock_fake_add(&clk, 10000);
	media_poll(m, 0);
	assert_int_equal(net.n, 256);
	media_poll(m, 0);
	assert_int_equal(net.n, N);
	media_poll(m, 0);
	assert_int_equal(net.n, N);

	for (int i = 0; i < N; i++)
		media_silence(v[i], i == 0 || i == N - 1);
	net.n = 0;
	/* Nor is a long sleep made good for in a burst. */
	clock_fake_add(&clk, 10000000);
	for (int i = 0; i < 50; i++)
		media_poll(m, 0);
	assert_in_range(net.n, 2, 4);
	for (int i = 0; i < N; i++)
		media_session_close(v[i], NULL, NULL);
}

/* ---- ports of a range */

static int try_session(struct media_session **out)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1 };

	net.opens = 0;
	return media_session_new(out, m, &prm);
}

static void range(uint16_t min, uint16_t max)
{
	struct media_prm prm = net_prm();

	prm.port_min = min;
	prm.port_max = max;
	media_reload(m, &prm);
}

/* Two pairs, both ours: said so without a look. One of another program's: found
 * again when that has gone. */
static void test_small_range(void **state)
{
	struct media_session *v[2], *x = NULL;
	struct media_counters n;

	(void)state;
	range(20000, 20003);
	assert_int_equal(try_session(&v[0]), 0);
	assert_int_equal(try_session(&v[1]), 0);
	assert_int_equal(try_session(&x), ENOBUFS);
	assert_int_equal(net.opens, 0);
	media_session_close(v[0], NULL, NULL);
	media_poll(m, 0);
	net.taken[0] = 20000;
	net.taken[1] = 20003;
	assert_int_equal(try_session(&x), ENOBUFS);
	assert_int_equal(try_session(&x), ENOBUFS);
	net.taken[1] = 0;
	assert_int_equal(try_session(&x), 0);
	media_count(m, &n);
	assert_int_equal(n.ports_used, 2);
	assert_int_equal(n.ports_exhausted, 3);
	media_session_close(x, NULL, NULL);
	media_session_close(v[1], NULL, NULL);
	/* A range that holds no pair. */
	range(20001, 20001);
	assert_int_equal(try_session(&x), ENOBUFS);
	range(20001, 20002);
	assert_int_equal(try_session(&x), ENOBUFS);
	assert_int_equal(net.opens, 0);
}

/* Ten thousand pairs of which other programs have all but one: no session costs
 * more than some tries, and the one is found, wherever it is. */
static void test_crowded_range(void **state)
{
	struct media_session *x = NULL;
	int err = EADDRINUSE, calls = 0;

	(void)state;
	range(10000, 29999);
	net.taken[0] = 10000;
	net.taken[1] = 29999;
	net.but = 23456;
	for (; err == EADDRINUSE && calls < 200; calls++) {
		err = try_session(&x);
		assert_in_range(net.opens, 1, 65);
	}
	assert_int_equal(err, 0);
	assert_in_range(calls, 1, 158);
	assert_int_equal(net.again, 0);         /* each call goes on where the last ended */
	assert_int_equal(sa_port(media_session_local(x)), 23456);
	media_session_close(x, NULL, NULL);
}

/* ---- lifetimes */

/* A digit that a bridge passes on as a tone ends with what it came from; one of
 * the leg's own, begun meanwhile, does not. */
static void test_digit_of_its_own(void **state)
{
	struct media_session *x = session(NULL), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct rtp_event e = { .event = 4, .duration = 160 };
	uint8_t pkt[16];

	(void)state;
	set.nevents = 1;
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	media_session_set(x, &set);
	set = to_phone(&far_y, FORMAT_ULAW, 0);
	set.dtmf = MEDIA_DTMF_INBAND;
	media_session_set(y, &set);
	media_bridge(x, y);
	rtp_write(pkt, 101, true, 1, 500, SSRC);
	rtp_event_write(pkt + 12, &e);
	assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, sizeof(pkt)));
	pass(60);
	assert_true(net.n > 0);
	media_dtmf_begin(y, '9');
	e.end = true;
	rtp_write(pkt, 101, false, 2, 500, SSRC);
	rtp_event_write(pkt + 12, &e);
	assert_true(media_deliver(m, media_session_local(x), &far_x, pkt, sizeof(pkt)));
	pass(400);
	net.n = 0;
	pass(100);
	assert_in_range(net.n, 4, 6);
	media_dtmf_end(y);
	pass(200);
	net.n = 0;
	pass(100);
	assert_int_equal(net.n, 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* The second close of an owner takes nothing away that others hold. */
static void test_closed_twice(void **state)
{
	struct seen sx = { 0 };
	struct media_session *x = session(&sx), *y = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);

	(void)state;
	media_session_set(x, &set);
	media_session_set(y, &set);
	media_bridge(x, y);
	obj_hold(x);
	media_session_close(x, on_stats, NULL);
	media_session_close(x, on_stats, NULL);
	media_session_handler(x, on_event, &sx);
	pass(100);
	assert_int_equal(got_n, 1);
	assert_int_equal(sx.n, 0);
	assert_int_equal(media_unbridge(x), ESHUTDOWN);
	assert_int_equal(media_stats(x, on_stats, NULL), ESHUTDOWN);
	assert_false(media_session_bridged(x) || media_session_bridged(y));
	obj_drop(x);
	media_session_close(y, NULL, NULL);
}

static int answers, empty;
static void on_answer(void *arg, const struct media_stats *st)
{
	assert_ptr_equal(arg, &answers);
	answers++;
	empty += !st;
}

/* Who asked for numbers hears once, also when the media closes: it may hold
 * something for it. */
static void test_stats_at_the_end(void **state)
{
	struct media_prm prm = net_prm();
	struct media *first = m;
	struct media_session *x;

	(void)state;
	answers = empty = 0;
	assert_int_equal(media_new(&m, &prm), 0);
	x = session(NULL);
	media_stats(x, on_answer, &answers);
	media_poll(m, 0);
	assert_int_equal(answers, 1);
	media_stats(x, on_answer, &answers);
	media_session_close(x, on_answer, &answers);
	media_close(m);
	m = first;
	assert_int_equal(answers, 3);
	assert_int_equal(empty, 2);
}

static size_t played, digits, states;
static void on_many(void *arg, struct media_session *s, const struct media_event *e)
{
	(void)arg;
	(void)s;
	played += e->type == MEDIA_PLAYED;
	digits += e->type == MEDIA_DTMF_END;
	states += e->type == MEDIA_SECURE;
}

/* The core does not read: events of packets are dropped, the end of a sound never, and what became of
 * a handshake not before these. */
static void test_full_ring(void **state)
{
	enum { N = 100 };
	struct media_session *v[N];
	struct media_set set = to_phone(&far_x, FORMAT_ULAW, 0);
	struct rtp_event e = { .event = 1, .duration = 160, .end = true };
	struct sound *snd = ulaw_sound(160, 0x11);
	struct media_counters n;
	uint8_t pkt[16];

	(void)state;
	played = digits = states = 0;
	set.nevents = 1;
	set.event[0].rate = 8000;
	set.event[0].pt_rx = set.event[0].pt_tx = 101;
	for (int i = 0; i < N; i++) {
		v[i] = session(NULL);
		media_session_handler(v[i], on_many, NULL);
		media_session_set(v[i], &set);
	}
	/* In one turn all have sent their packet, in a later one all are at the end. */
	for (int i = 0; i < N; i++)
		assert_int_equal(media_play_sounds(v[i], &snd, 1, 1), 0);
	clock_fake_add(&clk, 10000);
	media_poll(m, 0);
	assert_int_equal(net.n, N);
	for (uint32_t i = 1; i < 1000; i++) {
		rtp_write(pkt, 101, true, (uint16_t)i, 1000 * i, SSRC);
		rtp_event_write(pkt + 12, &e);
		assert_true(media_deliver(m, media_session_local(v[0]), &far_x, pkt, sizeof(pkt)));
	}
	media_count(m, &n);
	assert_true(n.events_dropped > 0);
	for (int i = 0; i < N; i++)
		wire_dtls_owner.tell(&v[i]->w->w, false, &(struct media_event){ .type = MEDIA_SECURE });
	clock_fake_add(&clk, 20000);
	for (int i = 0; i < 20; i++)
		media_poll(m, 0);
	assert_true(digits > 300);
	assert_int_equal(played, N);
	assert_int_equal(states, N);
	for (int i = 0; i < N; i++)
		media_session_close(v[i], NULL, NULL);
	obj_drop(snd);
}

/* We send in what the peer sends, if we can; not where asymmetric_rtp_codec says so. */
static void test_follows_the_codec(void **state)
{
	struct media_session *x = session(NULL);
	struct media_set set = to_phone(&far_x, FORMAT_ALAW, 8);

	(void)state;
	set.codec[set.ncodecs++] = (struct media_codec){ FORMAT_ULAW, 0, 0, 20 };
	for (int stays = 0; stays < 2; stays++) {
		set.asymmetric_codec = stays;
		assert_int_equal(media_session_set(x, &set), 0);
		assert_int_equal(media_silence(x, true), 0);
		pass(40);
		assert_int_equal(net.sent[net.n - 1].b[1] & 127, 8);
		for (uint16_t i = 0; i < 3; i++)
			assert_true(net_rtp(media_session_local(x), &far_x, (uint16_t)(i + 10 * stays)));
		pass(60);
		assert_int_equal(net.sent[net.n - 1].b[1] & 127, stays ? 8 : 0);
		net.n = 0;
	}
	media_session_close(x, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, net_up, net_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_net), T(test_net_ports), T(test_net_alone), T(test_net_on_loop), T(test_long_timeout),
		T(test_small_range), T(test_crowded_range), T(test_digit_of_its_own), T(test_closed_twice),
		T(test_stats_at_the_end), T(test_full_ring), T(test_watch), T(test_follows_the_codec), T(test_bounded_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
