/* Peers of a local socket: what waits for them, and how long. */
#include "manage/client.h"
#include "base/obj.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#define STALL 100       /* [ms] */
#define BIG (4u << 20)  /* [bytes] one write */

struct world {
	struct clock_fake clock;
	struct loop *loop;
	struct client_listener *listener;
	struct client *s;
	char dir[64], path[128];
	int fd, why;
	bool closed;
	unsigned written;
	size_t heard;
};

static void on_data(void *arg, struct str bytes)
{
	((struct world *)arg)->heard += bytes.n;
}

static void on_closed(void *arg, int err)
{
	struct world *w = arg;

	w->closed = true;
	w->why = err;
}

static void on_written(void *arg)
{
	((struct world *)arg)->written++;
}

static void on_accept(void *arg, struct client *s)
{
	static const struct client_ops ops = { on_data, on_closed, on_written };
	struct world *w = arg;

	w->s = s;
	client_limits(s, 2 * BIG, STALL);
	client_start(s, &ops, w);
}

static void turn(struct world *w, unsigned ms)
{
	clock_fake_add(&w->clock, 1000ull * ms);
	uv_run(loop_uv(w->loop), UV_RUN_NOWAIT);
}

static void open_world(struct world *w)
{
	int err;

	*w = (struct world){ .dir = "/tmp/client-XXXXXX" };
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/s", w->dir);
	clock_fake_init(&w->clock, 0);
	w->loop = GOT(loop_new(&w->clock.c));
	assert_int_equal(client_listen_unix(&w->listener, w->loop, w->path, 0600, on_accept, w), 0);
	w->fd = client_connect_unix(w->path, &err);
	assert_true(w->fd >= 0);
	fcntl(w->fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 100 && !w->s; i++)
		turn(w, 0);
	assert_non_null(w->s);
}

static void close_world(struct world *w)
{
	client_close(w->s);
	obj_drop(w->s);
	client_unlisten(w->listener);
	close(w->fd);
	for (int i = 0; i < 10; i++)
		turn(w, STALL);
	rmdir(w->dir);
	loop_free(w->loop);
}

static void send_big(struct world *w)
{
	char *p = calloc(1, BIG);

	assert_int_equal(client_send(w->s, str_mk(p, BIG)), 0);
	free(p);
}

static size_t take(struct world *w, size_t n)
{
	static char waste[1 << 20];
	ssize_t got = recv(w->fd, waste, n < sizeof(waste) ? n : sizeof(waste), 0);

	return got > 0 ? (size_t)got : 0;
}

/* What is sent in one turn leaves in one write at its end. */
static void one_write_a_turn(void **state)
{
	struct world w;
	char got[16];

	(void)state;
	open_world(&w);
	assert_int_equal(client_send(w.s, STR("one ")), 0);
	assert_int_equal(client_send(w.s, STR("two")), 0);
	assert_int_equal(recv(w.fd, got, sizeof(got), 0), -1);
	for (int i = 0; i < 4; i++)
		turn(&w, 0);
	assert_int_equal(recv(w.fd, got, sizeof(got), 0), 7);
	assert_memory_equal(got, "one two", 7);
	assert_int_equal(w.written, 1);
	close_world(&w);
}

static void who_does_not_read_is_cut_off(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	send_big(&w);
	for (unsigned ms = 0; ms < STALL - 20; ms += 10)
		turn(&w, 10);
	assert_false(w.closed);
	for (unsigned ms = 0; ms < 60; ms += 10)
		turn(&w, 10);
	assert_true(w.closed);
	assert_int_equal(w.why, ETIMEDOUT);
	close_world(&w);
}

/* [ms] until it is cut off, or has all. */
static unsigned reads(struct world *w, size_t bytes, size_t *all)
{
	unsigned ms;

	send_big(w);
	for (ms = 0; ms < 20000 && !w->closed && *all < BIG; ms += 10) {
		turn(w, 10);
		if (ms % 80 == 0)
			*all += take(w, bytes);
	}
	return ms;
}

/* Slow is not deaf; but a write may not take forever. */
static void slow_readers(void **state)
{
	struct world w;
	size_t all = 0;

	(void)state;
	open_world(&w);
	reads(&w, 256 << 10, &all);
	assert_false(w.closed);
	assert_int_equal(all, BIG);
	close_world(&w);
	open_world(&w);
	all = 0;
	assert_in_range(reads(&w, 40 << 10, &all), 25 * STALL, 32 * STALL);
	assert_true(w.closed);
	assert_int_equal(w.why, ETIMEDOUT);
	assert_true(all < BIG);
	close_world(&w);
}

static void too_much_is_refused(void **state)
{
	struct world w;

	(void)state;
	open_world(&w);
	client_limits(w.s, BIG + 10, STALL);
	send_big(&w);
	assert_int_equal(client_queued(w.s), BIG);
	assert_int_equal(client_send(w.s, STR("eleven bytes")), EPIPE);
	assert_true(w.closed);
	assert_int_equal(w.why, EPIPE);
	close_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_write_a_turn), cmocka_unit_test(who_does_not_read_is_cut_off),
		cmocka_unit_test(slow_readers), cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
