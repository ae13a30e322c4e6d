/* Mixes through whole sessions: packets in, packets out, and sessions of two threads that
 * come and go. What is computed in a mix is in test_mix.c, taps are in test_mixer_tap.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <sys/socket.h>
#include "mixer_stage.h"

static void test_conference(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_G722, 700), *c = call(2, FORMAT_ALAW, 1100);
	struct phone *other = call(3, FORMAT_ULAW, 0);
	struct media_mix *x = NULL;

	(void)state;
	/* One of the same thread, in no mix, with a pace of its own. */
	agree(other, FORMAT_ULAW, 10);
	media_silence(other->s, true);
	assert_int_equal(media_mix_new(&x, m), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(media_mix_join(x, phone[i].s, &plain), 0);
	assert_int_equal(media_mix_members(x), 3);
	assert_true(media_session_mixed(a->s));
	pass(300);
	forget();
	pass(400);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(phone[i].packets, 20);
		for (int k = 0; k < 3; k++)
			assert_int_equal(hears(&phone[i], &phone[k]), i != k);
		assert_int_equal(phone[i].talk_begins, 1);
	}
	/* Muted, deaf, and one that leaves and is heard by nobody. */
	assert_int_equal(media_mix_set(a->s, &(struct media_member){ .gain = MIX_UNITY, .mute = true }), 0);
	assert_int_equal(media_mix_set(b->s, &(struct media_member){ .gain = MIX_UNITY, .deaf = true }), 0);
	pass(100);
	assert_int_equal(a->talk_ends, 1);
	forget();
	pass(200);
	assert_false(hears(b, c) || hears(c, a));
	assert_true(hears(a, b) && hears(a, c) && hears(c, b));
	assert_int_equal(b->packets, 10);
	assert_int_equal(media_mix_leave(b->s), 0);
	assert_int_equal(media_mix_leave(b->s), 0);
	assert_int_equal(media_mix_set(b->s, &plain), EINVAL);
	pass(60);
	assert_int_equal(b->talk_ends, 1);
	forget();
	pass(200);
	assert_int_equal(b->packets, 0);
	assert_false(hears(c, b));
	/* One goes without a word. */
	hang_up(c);
	pass(60);
	assert_int_equal(media_mix_members(x), 1);
	hang_up(a);
	media_mix_close(x);
	assert_int_equal(media_mix_set(b->s, &plain), EINVAL);
	hang_up(b);
	hang_up(other);
}

/* A mix and a bridge: the last of the calls holds. Sounds are heard instead of it. */
static void test_last_holds(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 700), *c = call(2, FORMAT_ULAW, 1100);
	struct media_mix *x = NULL, *y = NULL;
	struct tone *t = NULL;

	(void)state;
	media_mix_new(&x, m);
	media_mix_new(&y, m);
	media_bridge(a->s, b->s);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, c->s, &plain);
	assert_false(media_session_bridged(b->s));
	pass(200);
	forget();
	pass(200);
	assert_true(hears(a, c) && hears(c, a));
	assert_false(hears(c, b));
	assert_int_equal(b->packets, 0);
	/* Into another. */
	media_mix_join(y, c->s, &plain);
	media_mix_join(y, b->s, &plain);
	assert_int_equal(media_mix_members(x), 1);
	pass(200);
	forget();
	pass(200);
	assert_true(hears(b, c) && hears(c, b));
	assert_false(hears(a, c) || hears(a, b));
	assert_int_equal(tone_parse(&t, STR("1500")), 0);
	media_tone(c->s, t);
	obj_drop(t);
	pass(100);
	forget();
	pass(200);
	assert_false(hears(c, b));
	assert_true(level_of(c->heard, c->n, 8000, 1500) > 4000);
	assert_true(hears(b, c));
	media_tone(c->s, NULL);
	media_bridge(c->s, a->s);
	assert_false(media_session_mixed(c->s) || media_session_mixed(a->s));
	assert_int_equal(media_mix_members(x), 0);
	pass(200);
	forget();
	pass(200);
	assert_true(hears(a, c) && hears(c, a));
	assert_false(hears(b, c));
	assert_int_equal(b->packets, 10);
	media_mix_close(x);
	media_mix_close(y);
	for (int i = 0; i < 3; i++)
		hang_up(&phone[i]);
}

/* Another codec in the middle, another length of packets. */
static void test_codecs(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 700);
	struct media_mix *x = NULL;
	uint32_t ts;

	(void)state;
	media_mix_new(&x, m);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, b->s, &plain);
	pass(200);
	agree(b, FORMAT_G722, 30);
	agree(a, FORMAT_SLIN16, 10);
	pass(200);
	forget();
	pass(600);
	assert_int_equal(a->packets, 60);
	assert_int_equal(b->packets, 20);
	assert_true(hears(a, b) && hears(b, a));
	/* Our timestamps go on by what a packet holds. */
	ts = last_ts(b);
	pass(60);
	assert_int_equal(last_ts(b) - ts, 480);
	media_mix_close(x);
	hang_up(a);
	hang_up(b);
}

/* Its phone begins anew, with timestamps that were there before: nothing of it is late. */
static void test_new_source(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 0);
	struct media_mix *x = NULL;

	(void)state;
	media_mix_new(&x, m);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, b->s, &plain);
	pass(700);
	a->ssrc++;
	a->seq = 777;
	a->ts -= 4000;
	pass(100);
	forget();
	pass(200);
	assert_true(hears(b, a));
	media_mix_close(x);
	hang_up(a);
	hang_up(b);
}

static void test_refused(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_VIDEO, .tos = -1, .cos = -1 };
	struct phone *a = call(0, FORMAT_ULAW, 400);
	struct media_session *v = NULL;
	struct media_mix *x = NULL;

	(void)state;
	assert_int_equal(media_session_new(&v, m, &prm), 0);
	media_mix_new(&x, m);
	assert_int_equal(media_mix_join(x, v, &plain), EINVAL);
	media_mix_join(x, a->s, &plain);
	assert_int_equal(media_mix_join(x, a->s, &plain), 0);
	assert_int_equal(media_mix_members(x), 1);
	obj_hold(a->s);
	obj_hold(x);
	media_session_close(a->s, NULL, NULL);
	assert_int_equal(media_mix_join(x, a->s, &plain), ESHUTDOWN);
	obj_drop(a->s);
	a->s = NULL;
	media_mix_close(x);
	assert_int_equal(media_mix_join(x, v, &plain), ESHUTDOWN);
	obj_drop(x);
	media_session_close(v, NULL, NULL);
}

/* The media closes under a mix and its members. */
static void test_media_closes(void **state)
{
	struct phone *a = call(0, FORMAT_ULAW, 400), *b = call(1, FORMAT_ULAW, 700);
	struct media_mix *x = NULL;

	media_mix_new(&x, m);
	media_mix_join(x, a->s, &plain);
	media_mix_join(x, b->s, &plain);
	pass(100);
	media_close(m);
	assert_int_equal(media_mix_join(x, a->s, &plain), ESHUTDOWN);
	media_mix_close(x);
	hang_up(a);
	hang_up(b);
	live = obj_live();
	assert_int_equal(up(state), 0);
}

/* ---- threads and sockets of the real kind */

enum { SOCKETS = 6, TAPS = 120 };

struct end {
	int fd;
	struct media_session *s;
	uint16_t seq;
};

static struct media_session *session_of(enum media_type type, struct media_session *near, struct media_session *wire)
{
	struct media_session_prm prm = { .type = type, .tos = -1, .cos = -1, .near = near, .on_wire_of = wire };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

static struct end end_of(void)
{
	struct media_set set = { .dir = SDP_SENDRECV, .ncodecs = 1, .dtmf = MEDIA_DTMF_NONE };
	struct end e = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	struct sa at;
	socklen_t len = sizeof(at);

	sa_parse_host(&at, STR("127.0.0.1"), 0);
	assert_int_equal(bind(e.fd, &at.u.s, sa_len(&at)), 0);
	assert_int_equal(getsockname(e.fd, &at.u.s, &len), 0);
	e.s = session_of(MEDIA_AUDIO, NULL, NULL);
	set.remote = at;
	set.codec[0] = (struct media_codec){ .id = FORMAT_ULAW };
	assert_int_equal(media_session_set(e.s, &set), 0);
	return e;
}

static void send_to(struct end *e)
{
	uint8_t pkt[172] = { 0 };
	const struct sa *to = media_session_local(e->s);

	rtp_write(pkt, 0, false, e->seq, 160u * e->seq, (uint32_t)e->fd);
	e->seq++;
	assert_int_equal(sendto(e->fd, pkt, sizeof(pkt), 0, &to->u.s, sa_len(to)), sizeof(pkt));
}

/* Until it is sent something: the poll ends at once when it is. */
static void await_packet(struct end *e)
{
	struct pollfd p = { .fd = e->fd, .events = POLLIN };
	uint8_t pkt[1500];

	for (int i = 0; i < 1000; i++) {
		media_poll(m, 0);
		if (poll(&p, 1, 10) == 1) {
			assert_true(recv(e->fd, pkt, sizeof(pkt), 0) > 0);
			return;
		}
	}
	fail_msg("a member is sent nothing");
}

static uint32_t dice = 12345;
static uint32_t roll(uint32_t n)
{
	dice = dice * 1664525 + 1013904223;
	return (dice >> 16) % n;
}

static struct media *media_of_two(void)
{
	struct media_prm prm = { .threads = 2, .strict = true };
	struct media *was = m;

	sa_parse_host(&prm.bind, STR("127.0.0.1"), 0);
	assert_int_equal(media_new(&m, &prm), 0);
	return was;
}

/* A session in a mix holds its wire on the thread, with all that is on it. */
static void test_pinned(void **state)
{
	struct media *first = media_of_two();
	struct media_session *a = session_of(MEDIA_AUDIO, NULL, NULL), *av = session_of(MEDIA_VIDEO, NULL, a);
	struct media_session *b = session_of(MEDIA_AUDIO, NULL, NULL), *bv = session_of(MEDIA_VIDEO, NULL, b);
	struct media_session *c = session_of(MEDIA_AUDIO, b, NULL), *cv = session_of(MEDIA_VIDEO, NULL, c);
	struct media_session *d = session_of(MEDIA_AUDIO, a, NULL);
	struct media_mix *x = NULL, *y = NULL;

	(void)state;
	media_mix_new(&x, m);
	media_mix_new(&y, m);
	/* a and x on one thread, b and y on the other. */
	assert_int_equal(media_mix_join(x, a, &plain), 0);
	assert_int_equal(media_mix_join(y, b, &plain), 0);
	/* The pictures of two members cannot be joined: neither may move. */
	assert_int_equal(media_bridge(av, bv), EXDEV);
	assert_true(media_session_mixed(a) && media_session_mixed(b));
	/* Whichever side is free moves. */
	assert_int_equal(media_bridge(cv, av), 0);
	assert_int_equal(media_bridge(av, cv), 0);
	/* c would take a along, by way of the pictures, and stays what it is. */
	assert_int_equal(media_bridge(c, d), 0);
	assert_int_equal(media_mix_join(y, c, &plain), EXDEV);
	assert_true(media_session_bridged(c) && !media_session_mixed(c) && media_session_mixed(a));
	assert_int_equal(media_mix_join(x, c, &plain), 0);
	/* When a has left, all of them go. */
	assert_int_equal(media_mix_leave(a), 0);
	assert_int_equal(media_mix_join(y, c, &plain), 0);
	assert_true(media_session_bridged(av));
	assert_int_equal(media_mix_join(y, a, &plain), 0);
	assert_int_equal(media_mix_members(y), 3);
	media_mix_close(x);
	media_mix_close(y);
	media_close(m);
	m = first;
	for (size_t i = 0; i < 7; i++)
		media_session_close(((struct media_session *[]){ a, av, b, bv, c, cv, d })[i], NULL, NULL);
}

/* All that a step may change. */
struct world {
	struct end e[SOCKETS];
	struct media_mix *x[2];
	struct done d[TAPS];
	struct media_tap *tap[TAPS];
	int taps, ended;        /* started; of these, told */
};

static void end_taps(struct world *w)
{
	for (int k = w->ended; k < w->taps; k++)
		if (!w->d[k].n)
			media_tap_stop(w->tap[k]);
	for (; w->ended < w->taps; w->ended++)
		await(&w->d[w->ended]);
}

static void random_step(struct world *w)
{
	struct media_session *s = w->e[roll(SOCKETS)].s, *o = w->e[roll(SOCKETS)].s;

	send_to(&w->e[roll(SOCKETS)]);
	switch (roll(6)) {
	case 0:
	case 1:
		assert_int_equal(media_mix_join(w->x[roll(2)], s, &plain), 0);
		break;
	case 2:
		assert_int_equal(media_mix_leave(s), 0);
		break;
	case 3:
		if (s != o)
			assert_int_equal(media_bridge(s, o), 0);
		break;
	case 4:
		if (w->taps == TAPS)
			break;
		w->tap[w->taps] = record(s, "/dev/null", &w->d[w->taps]);
		w->taps++;
		break;
	default:
		for (int k = w->ended; k < w->taps; k++)
			if (!w->d[k].n)
				media_tap_stop(w->tap[k]);
		break;
	}
	media_poll(m, 0);
	/* A session has so many at most. */
	if (w->taps - w->ended == 8)
		end_taps(w);
}

/* Sessions of two threads come together in mixes and bridges, are recorded, and go,
 * in any order: nothing is lost, nothing is touched by two threads. */
static void test_threads(void **state)
{
	struct media *first = media_of_two();
	struct world w = { .taps = 0 };

	(void)state;
	for (int i = 0; i < SOCKETS; i++)
		w.e[i] = end_of();
	for (int i = 0; i < 2; i++)
		assert_int_equal(media_mix_new(&w.x[i], m), 0);
	for (int i = 0; i < 600; i++)
		random_step(&w);
	for (int i = 0; i < SOCKETS; i++)
		assert_int_equal(media_mix_join(w.x[1], w.e[i].s, &plain), 0);
	assert_int_equal(media_mix_members(w.x[1]), SOCKETS);
	for (int i = 0; i < SOCKETS; i++)
		await_packet(&w.e[i]);
	for (int i = 0; i < SOCKETS; i++) {
		media_session_close(w.e[i].s, NULL, NULL);
		close(w.e[i].fd);
	}
	end_taps(&w);
	media_mix_close(w.x[0]);
	media_mix_close(w.x[1]);
	media_close(m);
	m = first;
	assert_true(w.taps > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_conference),
		T(test_last_holds),
		T(test_codecs),
		T(test_refused),
		T(test_new_source),
		T(test_media_closes),
		T(test_pinned),
		T(test_threads),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
