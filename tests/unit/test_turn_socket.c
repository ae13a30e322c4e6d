/* The connection to a TURN server over a real socket on loopback: opened, cut anywhere, stopped up, refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "media/stun.h"
#include "media/turn_socket.h"

static struct turn_socket s;
static unsigned opened, messages, lost;
static size_t bytes;
static int ep, listener, far;

static void on_opened(struct turn_socket *t) { (void)t, opened++; }
static void on_lost(struct turn_socket *t) { (void)t, lost++; }

static void on_message(struct turn_socket *t, struct str msg)
{
	(void)t;
	messages++;
	bytes += msg.n;
}

static const struct turn_socket_ops ops = { .opened = on_opened, .message = on_message, .lost = on_lost };

/* What is ready now, and in the next tenth of a second. */
static bool turn(void)
{
	struct epoll_event e;
	struct watched *w;

	if (epoll_wait(ep, &e, 1, 100) != 1)
		return false;
	assert_true(e.data.u64 & WATCHED);
	w = (struct watched *)(uintptr_t)(e.data.u64 & ~(uint64_t)WATCHED);
	w->ready(w, e.events);
	return true;
}

static void turn_until(const unsigned *n, unsigned want)
{
	while (*n < want)
		assert_true(turn());
}

static int begin(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	struct sa here, to;

	(void)state;
	opened = messages = lost = 0;
	bytes = 0;
	ep = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&in, &n);
	sa_from(&to, (struct sockaddr *)&in, n);
	sa_parse_host(&here, STR("127.0.0.1"), 5004);
	turn_socket_init(&s, &ops, NULL, 0);
	assert_true(turn_socket_open(&s, ep, &here, &to));
	assert_false(turn_socket_open(&s, ep, &here, &to));
	far = accept(listener, NULL, NULL);
	turn_until(&opened, 1);
	return 0;
}

static int end(void **state)
{
	(void)state;
	turn_socket_close(&s);
	close(far);
	close(listener);
	close(ep);
	return 0;
}

static size_t data(uint8_t *p, size_t n)
{
	memset(p, 'd', STUN_CHANNEL_HEADER + n);
	stun_channel_header(p, 0x4000, (uint16_t)n);
	return STUN_CHANNEL_HEADER + n;
}

static void test_pieces(void **state)
{
	uint8_t p[64];
	size_t n = data(p, 33);

	(void)state;
	/* Padding follows in the next piece. */
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(send(far, p + i, 1, 0), 1);
		turn();
	}
	assert_int_equal(messages, 0);
	assert_int_equal(send(far, "\0\0\0", 3, 0), 3);
	turn_until(&messages, 1);
	assert_int_equal(bytes, n);
}

/* More than both kernels hold: what finds no room is dropped whole, and what was taken arrives whole. */
static void test_full(void **state)
{
	static uint8_t all[8 << 20];
	struct turn_stream back = { .nin = 0 };
	uint8_t p[1024];
	size_t n = data(p, 997), got = 0, whole = 0;
	struct str view, msg;
	ssize_t k;

	(void)state;
	for (int i = 0; i < 20000; i++)
		turn_socket_send(&s, p, n);
	while ((k = recv(far, all + got, sizeof(all) - got, MSG_DONTWAIT)) > 0 || turn())
		got += k > 0 ? (size_t)k : 0;
	for (view = str_mk((char *)all, got); turn_stream_take(&back, &view, &msg) == TURN_STREAM_MESSAGE; whole++)
		assert_memory_equal(msg.p, p, n);
	assert_true(whole > 10 && whole < 20000);
	assert_int_equal(whole * 1004, got);
	/* And then it flows again. */
	turn_socket_send(&s, p, n);
	assert_int_equal(recv(far, all, sizeof(all), 0), 1004);
}

static void test_ends(void **state)
{
	(void)state;
	close(far);
	far = -1;
	turn_until(&lost, 1);
	assert_int_equal(s.fd, -1);
	turn_socket_send(&s, "abcd", 4);
	assert_false(turn());
}

static void test_nonsense(void **state)
{
	(void)state;
	assert_int_equal(send(far, "SSH-2.0", 7, 0), 7);
	turn_until(&lost, 1);
	assert_int_equal(s.fd, -1);
}

static void test_refused(void **state)
{
	struct sa here, to;
	struct sockaddr_in in;
	socklen_t n = sizeof(in);

	(void)state;
	getsockname(listener, (struct sockaddr *)&in, &n);
	sa_from(&to, (struct sockaddr *)&in, n);
	sa_parse_host(&here, STR("127.0.0.1"), 0);
	turn_socket_close(&s);
	close(listener);
	listener = -1;
	assert_int_equal(lost, 0);
	if (turn_socket_open(&s, ep, &here, &to))
		turn_until(&lost, 1);
	assert_int_equal(opened, 1);
	assert_int_equal(s.fd, -1);
}

/* From one epoll to another. */
static void test_moves(void **state)
{
	uint8_t p[64];
	size_t n = data(p, 32);
	int other = epoll_create1(EPOLL_CLOEXEC);

	(void)state;
	turn_socket_unwatch(&s);
	assert_int_equal(send(far, p, n, 0), (ssize_t)n);
	assert_false(turn());
	close(ep);
	ep = other;
	turn_socket_watch(&s, ep);
	turn_until(&messages, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = { T(test_pieces), T(test_full), T(test_ends), T(test_nonsense), T(test_refused),
					    T(test_moves) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
