/* T.38 on media threads: IFPs between two sessions, each with its own error correction; a user in their place; ports
 * of UDPTL. Over real sockets on 127.0.0.1, under a clock of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include "media/t38.h"
#include "media_stage.h"

static struct media_session *image(struct seen *x)
{
	struct media_session_prm prm = { .type = MEDIA_IMAGE, .tos = -1, .cos = -1, .fn = x ? on_event : NULL, .arg = x };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

static struct media_set to_fax(const struct phone *p, enum udptl_ec ec)
{
	struct media_set set = { .remote = p->at, .dir = SDP_SENDRECV };

	set.udptl.ec = ec;
	return set;
}

static ssize_t get(struct phone *p, void *buf, size_t n)
{
	return recv(p->fd[0], buf, n, MSG_DONTWAIT);
}

static void turn(void)
{
	for (int i = 0; i < 20; i++)
		media_poll(m, 0);
}

/* ---- relay */

static void test_relay(void **state)
{
	struct media_session *x = image(NULL), *y = image(NULL);
	struct media_set set = to_fax(&a, UDPTL_NONE);
	uint8_t buf[64];

	(void)state;
	assert_int_equal(media_session_set(x, &set), 0);
	set = to_fax(&b, UDPTL_REDUNDANCY);
	assert_int_equal(media_session_set(y, &set), 0);
	assert_int_equal(media_bridge(x, y), 0);
	phone_raw(&a, x, "\x00\x07\x01\x06\x00\x00", 6);
	turn();
	/* Each leg has its own numbers and its own way to repair. */
	assert_int_equal(get(&b, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "\x00\x00\x01\x06\x00\x00", 6);
	phone_raw(&a, x, "\x00\x08\x01\x07\x00\x00", 6);
	phone_raw(&a, x, "\x00\x08\x01\x07\x00\x00", 6);       /* once more: heard once */
	phone_raw(&c, x, "\x00\x09\x01\x66\x00\x00", 6);       /* a stranger */
	phone_raw(&a, x, "\x00", 1);
	phone_raw(&a, x, "\x00\x09\x05\x06\x00\x00", 6);       /* cut */
	turn();
	assert_int_equal(get(&b, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, "\x00\x01\x01\x07\x00\x01\x01\x06", 8);
	assert_true(get(&b, buf, sizeof(buf)) < 0);
	phone_raw(&b, y, "\x00\x01\x01\x0b\x00\x01\x01\x0a", 8);
	turn();
	assert_int_equal(get(&a, buf, sizeof(buf)), 6);        /* the lost one, and this one */
	assert_memory_equal(buf, "\x00\x00\x01\x0a\x00\x00", 6);
	assert_int_equal(get(&a, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "\x00\x01\x01\x0b\x00\x00", 6);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	settle();
	assert_true(recv(a.fd[1], buf, sizeof(buf), MSG_DONTWAIT) < 0); /* no RTCP here */
}

/* A peer behind a NAT sends from elsewhere: taken at its first packet, and answered only with t38_udptl_nat. */
static void test_nat(void **state)
{
	struct media_session *x = image(NULL), *y = image(NULL);
	struct media_set set = to_fax(&a, UDPTL_NONE);
	uint8_t buf[64];

	(void)state;
	media_session_set(x, &set);
	set = to_fax(&b, UDPTL_NONE);
	media_session_set(y, &set);
	media_bridge(x, y);
	phone_raw(&c, x, "\x00\x00\x01\x06\x00\x00", 6);
	turn();
	assert_int_equal(get(&b, buf, sizeof(buf)), 6);
	phone_raw(&b, y, "\x00\x00\x01\x06\x00\x00", 6);
	turn();
	assert_int_equal(get(&a, buf, sizeof(buf)), 6);
	set = to_fax(&a, UDPTL_NONE);
	set.symmetric = true;
	set.relearn = true;
	media_session_set(x, &set);
	phone_raw(&c, x, "\x00\x01\x01\x06\x00\x00", 6);
	turn();
	phone_raw(&b, y, "\x00\x01\x01\x06\x00\x00", 6);
	turn();
	assert_int_equal(get(&c, buf, sizeof(buf)), 6);
	assert_true(get(&a, buf, sizeof(buf)) < 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
}

/* ---- users */

struct terminal {
	struct t38_user u;
	unsigned ticks, arrived, departed, told, *freed;
	atomic_uint arrivals;
	uint16_t seq[20];
	uint8_t first[20];
	size_t n;
	unsigned answer;                /* copies of an answer to each IFP; 0: none */
};

static void on_ifp(struct t38_user *u, uint16_t seq, const uint8_t *p, size_t n)
{
	struct terminal *t = (struct terminal *)u;

	assert_true(n && t->n < 20);
	t->seq[t->n] = seq;
	t->first[t->n++] = p[0];
	if (t->answer)
		assert_true(t38_send_ifp(u, (const uint8_t *)"\x0c", 1, t->answer));
	t38_notify(u);
}

static void on_tick(struct t38_user *u) { ((struct terminal *)u)->ticks++; }

static void on_arrive(struct t38_user *u)
{
	((struct terminal *)u)->arrived++;
	atomic_fetch_add(&((struct terminal *)u)->arrivals, 1);
}

static void on_depart(struct t38_user *u) { ((struct terminal *)u)->departed++; }
static void on_told(struct t38_user *u) { ((struct terminal *)u)->told++; }

static void on_free(struct t38_user *u)
{
	++*((struct terminal *)u)->freed;
	free(u);
}

static const struct t38_user_ops terminal_ops = { .ifp = on_ifp, .tick = on_tick, .arrive = on_arrive, .depart = on_depart,
	.told = on_told, .free = on_free };

static struct terminal *terminal(unsigned *freed)
{
	struct terminal *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	t->freed = freed;
	return t;
}

static void test_user(void **state)
{
	struct media_session *x = image(NULL), *y = image(NULL), *sound = session(NULL);
	struct t38_user *held = NULL, *other = NULL;
	unsigned freed = 0;
	struct terminal *t = terminal(&freed);
	struct media_set set = to_fax(&a, UDPTL_NONE);
	uint8_t buf[64];

	(void)state;
	media_session_set(x, &set);
	set = to_fax(&b, UDPTL_NONE);
	media_session_set(y, &set);
	media_bridge(x, y);
	assert_int_equal(media_t38_attach(&other, &terminal(&freed)->u, sound, &terminal_ops), EINVAL);
	assert_int_equal(freed, 1);
	t->answer = 2;
	assert_int_equal(media_t38_attach(&held, &t->u, x, &terminal_ops), 0);
	assert_int_equal(media_t38_attach(&other, &terminal(&freed)->u, x, &terminal_ops), EBUSY);
	assert_int_equal(freed, 2);
	assert_null(other);
	turn();
	assert_int_equal(t->arrived, 1);
	pass(1000);
	assert_in_range(t->ticks, 49, 51);
	phone_raw(&a, x, "\x00\x00\x01\x06\x00\x00", 6);
	phone_raw(&a, x, "\x00\x02\x01\x08\x00\x00", 6);
	phone_raw(&b, y, "\x00\x00\x01\x55\x00\x00", 6);       /* the peer is heard no more */
	turn();
	assert_int_equal(t->n, 2);
	assert_int_equal(t->seq[0], 0);
	assert_int_equal(t->seq[1], 2);
	assert_int_equal(t->first[1], 8);
	assert_in_range(t->told, 1, 2);
	/* Two answers, each twice under its number. */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(get(&a, buf, sizeof(buf)), 6);
		assert_int_equal(buf[1], i / 2);
		assert_int_equal(buf[3], 0x0c);
	}
	assert_true(get(&a, buf, sizeof(buf)) < 0);
	assert_true(get(&b, buf, sizeof(buf)) < 0);
	media_t38_detach(&held);
	assert_null(held);
	turn();
	assert_int_equal(freed, 3);
	/* The relay is there again. */
	phone_raw(&a, x, "\x00\x03\x01\x06\x00\x00", 6);
	turn();
	assert_int_equal(get(&b, buf, sizeof(buf)), 6);
	assert_int_equal(media_t38_together(x, sound), 0);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	media_session_close(sound, NULL, NULL);
}

static void test_user_ends_with_session(void **state)
{
	struct media_session *x = image(NULL);
	struct t38_user *held = NULL;
	unsigned freed = 0;
	struct terminal *t = terminal(&freed);
	struct media_set set = to_fax(&a, UDPTL_NONE);

	(void)state;
	media_session_set(x, &set);
	assert_int_equal(media_t38_attach(&held, &t->u, x, &terminal_ops), 0);
	turn();
	assert_non_null(held);
	media_session_close(x, NULL, NULL);
	turn();
	assert_null(held);
	assert_int_equal(freed, 1);
}

/* What its peer sent before we knew its answer is heard, as nothing is said twice. */
static void test_early(void **state)
{
	struct media_session *x = image(NULL);
	struct t38_user *held = NULL;
	unsigned freed = 0;
	struct terminal *t = terminal(&freed);
	struct media_set set = to_fax(&a, UDPTL_NONE);

	(void)state;
	phone_raw(&a, x, "\x00\x00\x01\x06\x00\x00", 6);
	clock_fake_add(&clk, 200000);
	media_session_set(x, &set);
	assert_int_equal(media_t38_attach(&held, &t->u, x, &terminal_ops), 0);
	turn();
	assert_int_equal(t->n, 1);
	media_session_close(x, NULL, NULL);
	turn();
	assert_null(held);
}

/* The threads go on by themselves. */
static void next_ms(void)
{
	poll(NULL, 0, 1);
	media_poll(m, 0);
}

/* It goes with its stream to another thread. */
static void test_user_moves(void **state)
{
	struct media_session *x, *y;
	struct t38_user *held = NULL;
	unsigned freed = 0;
	struct terminal *t = terminal(&freed);
	struct media_set set;

	(void)state;
	x = image(NULL);
	y = image(NULL);
	set = to_fax(&a, UDPTL_NONE);
	media_session_set(x, &set);
	set = to_fax(&b, UDPTL_NONE);
	media_session_set(y, &set);
	assert_int_equal(media_t38_attach(&held, &t->u, x, &terminal_ops), 0);
	assert_int_equal(media_t38_together(y, x), 0);
	for (int i = 0; i < 2000 && atomic_load(&t->arrivals) < 2; i++)
		next_ms();
	assert_int_equal(atomic_load(&t->arrivals), 2);
	phone_raw(&a, x, "\x00\x00\x01\x06\x00\x00", 6);
	for (int i = 0; i < 2000 && !t->told; i++)
		next_ms();
	assert_int_equal(t->told, 1);
	media_session_close(x, NULL, NULL);
	media_session_close(y, NULL, NULL);
	for (int i = 0; i < 2000 && held; i++)
		next_ms();
	assert_int_equal(freed, 1);
}

static int threads_up(void **state)
{
	(void)state;
	return media_up_threads(2, 0);
}

/* ---- ports */

static void test_ports(void **state)
{
	struct media_session_prm prm = { .type = MEDIA_IMAGE, .tos = -1, .cos = -1 };
	struct media_prm mp = { .clock = &clk.c, .strict = true, .sounds = STR("/nowhere") };
	struct media_session *s[4] = { NULL }, *more = NULL;
	bool seen[10] = { false };
	unsigned base = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {   /* any */
		s[i] = image(NULL);
		assert_int_not_equal(sa_port(media_session_local(s[i])), 0);
	}
	base = (sa_port(media_session_local(s[0])) & 0xfff0u) + 1;
	for (int i = 0; i < 4; i++)
		media_session_close(s[i], NULL, NULL);
	turn();
	/* Odd first and last port of the range, even ones wanted: four, unless others have them. */
	mp.udptl.port_min = (uint16_t)base;
	mp.udptl.port_max = (uint16_t)(base + 8);
	mp.udptl.even = true;
	media_reload(m, &mp);
	for (int i = 0; i < 4; i++) {
		int err = media_session_new(&s[i], m, &prm);

		if (err) {
			assert_int_equal(err, EADDRINUSE);
			s[i] = NULL;
			continue;
		}
		assert_int_equal(sa_port(media_session_local(s[i])) % 2, 0);
		assert_in_range(sa_port(media_session_local(s[i])), base + 1, base + 7);
		assert_false(seen[sa_port(media_session_local(s[i])) - base]);
		seen[sa_port(media_session_local(s[i])) - base] = true;
	}
	assert_int_equal(media_session_new(&more, m, &prm), EADDRINUSE);
	for (int i = 0; i < 4; i++)
		media_session_close(s[i], NULL, NULL);
	turn();
}

#define T(f) cmocka_unit_test_setup_teardown(f, media_up, media_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_relay), T(test_nat), T(test_user), T(test_user_ends_with_session), T(test_early), T(test_ports),
		cmocka_unit_test_setup_teardown(test_user_moves, threads_up, media_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
