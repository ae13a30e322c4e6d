/* Connections over TCP: framing, deadlines, caps, peers that do not read, ends of all kinds. */
#include "net_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

static void tcp_framing(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		int fd;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);
		say(fd, "one\ntwo\nthr");
		expect(&w, fd, "one\ntwo\n");
		assert_true(net_conn_alive(w.net, w.from.conn));
		assert_true(sa_eq(&w.from.local, &w.bound));
		say(fd, "ee\n");
		expect(&w, fd, "three\n");
		assert_int_equal(w.got, 3);
		say(fd, "\r\n\r\n");
		expect(&w, fd, "\r\n");         /* RFC 5626 3.5.1 */
		say(fd, "\r\n");                /* half a ping is no ping... */
		say(fd, "four\n");              /* ...and a message ends the count */
		expect(&w, fd, "four\n");
		say(fd, "?\nfive\n");
		expect(&w, fd, "five\n");
		net_count(w.net, &c);
		assert_int_equal(c.rx, 6);
		assert_int_equal(c.dropped_parse, 1);
		assert_int_equal(c.accepted, 1);
		assert_int_equal(c.conns, 1);
		close(fd);
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, 0);
		net_count(w.net, &c);
		assert_int_equal(c.conns, 0);
		world_end(&w);
	}
}

/* A message longer than one read, in small pieces. */
static void tcp_long_message(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		static char text[60000];
		struct net_world w;
		size_t off;
		int fd;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		w.reply = "ok\n";
		memset(text, 'x', sizeof(text));
		text[sizeof(text) - 1] = '\n';
		fd = tcp_client(&w);
		for (off = 0; off < sizeof(text); off += 1000) {
			assert_int_equal(send(fd, text + off, 1000, 0), 1000);
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		}
		expect(&w, fd, "ok\n");
		assert_int_equal(w.got, 1);
		/* Over the limit it ends, with one answer to what came. */
		memset(text, 'y', sizeof(text));
		assert_int_equal(send(fd, text, sizeof(text), 0), sizeof(text));
		for (unsigned i = 0; i < 30; i++)
			send(fd, text, 1000, MSG_NOSIGNAL);
		expect(&w, fd, "ok\n");
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed);
		world_end(&w);
	}
}

static void tcp_last_words(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		int fd;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);
		w.reply = "413\n";
		say(fd, "!too long");
		expect(&w, fd, "413\n");
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed);
		world_end(&w);
	}
}

/* What is handed up without its end: that goes by, and what follows is heard. */
static void tcp_passes_over(void **state)
{
	static char text[100000];

	(void)state;
	memset(text, '!', sizeof(text));
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_limits lim = { .message_ms = 300 };
		struct net_world w;
		int fd;

		world_start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
		w.reply = "413\n";
		fd = tcp_client(&w);
		say(fd, "+100000\n!!");
		expect(&w, fd, "413\n");
		for (size_t off = 2; off < sizeof(text); off += 9998) {
			assert_int_equal(send(fd, text + off, 9998 < sizeof(text) - off ? 9998 : sizeof(text) - off, 0) > 0, 1);
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		}
		say(fd, "next\n");
		expect(&w, fd, "413\n");
		assert_int_equal(w.got, 2);
		assert_int_equal(w.closed, 0);
		say(fd, "+100000\n!!");        /* it never ends */
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		close(fd);
		world_end(&w);
	}
}

static void tcp_deadlines(void **state)
{
	struct net_limits lim = { .first_message_ms = 40, .message_ms = 40, .idle_ms = 80 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		int fd;

		world_start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);            /* says nothing */
		UNTIL(&w, w.closed == 1);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		close(fd);
		fd = tcp_client(&w);            /* a message that never ends */
		say(fd, "one\ntw");
		UNTIL(&w, w.closed == 2);
		close(fd);
		fd = tcp_client(&w);            /* falls silent */
		say(fd, "one\n");
		UNTIL(&w, w.closed == 3);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		close(fd);
		net_count(w.net, &c);
		assert_int_equal(c.timed_out, 3);
		world_end(&w);
	}
}

static void tcp_caps(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct net_limits lim = { .max_conns_per_address = 2 };
		struct net_world w;
		struct net_counters c;
		int a, b, d;

		world_start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
		a = tcp_client(&w);
		b = tcp_client(&w);
		say(a, "a\n");
		expect(&w, a, "a\n");
		say(b, "b\n");
		expect(&w, b, "b\n");
		d = tcp_client(&w);
		UNTIL(&w, at_end(d));
		net_count(w.net, &c);
		assert_int_equal(c.refused_cap, 1);
		assert_int_equal(c.conns, 2);
		close(a);
		UNTIL(&w, w.closed == 1);
		close(d);
		d = tcp_client(&w);             /* the place is free again */
		say(d, "d\n");
		expect(&w, d, "d\n");
		close(b);
		close(d);
		world_end(&w);
	}
}

/* At the limit the unregistered connection that was silent longest goes. */
static void tcp_eviction(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct net_limits lim = { .max_conns = 3 };
		struct net_world w;
		int fd[4], more;

		world_start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
		for (unsigned i = 0; i < 3; i++) {
			fd[i] = tcp_client(&w);
			say(fd[i], "x\n");
			expect(&w, fd[i], "x\n");
			if (i == 0)
				net_conn_keep(w.net, w.from.conn, true);
		}
		say(fd[1], "y\n");              /* so 2 is the oldest that may go */
		expect(&w, fd[1], "y\n");
		fd[3] = tcp_client(&w);
		say(fd[3], "z\n");
		expect(&w, fd[3], "z\n");
		UNTIL(&w, at_end(fd[2]));
		say(fd[0], "0\n");
		expect(&w, fd[0], "0\n");
		say(fd[1], "1\n");
		expect(&w, fd[1], "1\n");
		more = tcp_client(&w);
		UNTIL(&w, at_end(fd[3]) || at_end(fd[1]));
		assert_false(at_end(fd[0]));
		close(more);
		for (unsigned i = 0; i < 4; i++)
			close(fd[i]);
		world_end(&w);
	}
}

static int server(struct sa *at)
{
	int fd = client(SOCK_STREAM, "127.0.0.1:0");
	socklen_t n = sizeof(*at);

	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, &at->u.s, &n), 0);
	return fd;
}

static void tcp_outgoing(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_path p1 = { .proto = NET_TCP }, p2;
		struct net_bytes *b;
		int lfd, fd;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		b = net_bytes_new(STR("out\n"));
		lfd = server(&p1.peer);
		p2 = p1;
		assert_int_equal(net_send(w.net, &p1, b), 0);
		assert_true(p1.conn != 0);
		assert_int_equal(p1.transport, w.id);
		assert_true(sa_port(&p1.local) != 0);
		assert_int_equal(net_send(w.net, &p2, b), 0);
		assert_int_equal(p2.conn, p1.conn);     /* one connection for both */
		UNTIL(&w, readable(lfd));
		fd = accept(lfd, NULL, NULL);
		expect(&w, fd, "out\nout\n");
		say(fd, "in\n");
		expect(&w, fd, "in\n");
		assert_int_equal(w.from.conn, p1.conn);
		/* Goodbye, after what is queued. */
		assert_int_equal(net_send(w.net, &p1, b), 0);
		net_disconnect(w.net, p1.conn);
		assert_false(net_conn_alive(w.net, p1.conn));
		assert_int_equal(net_send(w.net, &p1, b), ENOTCONN);
		expect(&w, fd, "out\n");
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed);
		/* Nobody there: the bytes come back, and the connection is gone. */
		close(lfd);
		p2.conn = 0;
		assert_int_equal(net_send(w.net, &p2, b), 0);
		UNTIL(&w, w.failed == 1 && w.closed == 2);
		assert_int_equal(w.failed_err, ECONNREFUSED);
		assert_int_equal(w.closed_err, ECONNREFUSED);
		p2 = (struct net_path){ .proto = NET_TCP, .peer = addr("[::1]:1") };
		assert_int_equal(net_send(w.net, &p2, b), ENETUNREACH);
		p2.proto = NET_TLS;
		assert_int_equal(net_send(w.net, &p2, b), ENETUNREACH);
		obj_drop(b);
		world_end(&w);
	}
}

static void tcp_disconnect_while_connecting(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_path p = { .proto = NET_TCP };
		struct net_bytes *b;
		int lfd, fd;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		lfd = server(&p.peer);
		b = net_bytes_new(STR("bye\n"));
		assert_int_equal(net_send(w.net, &p, b), 0);
		obj_drop(b);
		net_disconnect(w.net, p.conn);
		UNTIL(&w, readable(lfd));
		fd = accept(lfd, NULL, NULL);
		expect(&w, fd, "bye\n");
		UNTIL(&w, at_end(fd));
		close(fd);
		close(lfd);
		UNTIL(&w, w.closed);
		world_end(&w);
	}
}

static void tcp_peer_that_does_not_read(void **state)
{
	struct net_limits lim = { .send_queue = 20000 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_bytes *b;
		struct net_path p;
		int fd, err = 0;

		world_start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);
		say(fd, "x\n");
		expect(&w, fd, "x\n");
		p = w.from;
		b = obj_new(sizeof(*b) + 9000, NULL);
		b->n = 9000;
		while (!w.closed && err != ENOTCONN) {
			err = net_send(w.net, &p, b);
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		}
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, ENOBUFS);
		assert_true(w.failed > 0);
		obj_drop(b);
		close(fd);
		world_end(&w);
	}
}

/* Nor does one whose queue is not full keep it for ever. */
static void tcp_write_timeout(void **state)
{
	struct net_limits lim = { .send_queue = 64 << 20, .write_ms = 80 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_bytes *b;
		int fd;

		world_start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);
		say(fd, "x\n");
		expect(&w, fd, "x\n");
		b = obj_new(sizeof(*b) + 60000, NULL);
		b->n = 60000;
		for (unsigned i = 0; i < 400; i++)
			net_send(w.net, &w.from, b);
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		obj_drop(b);
		close(fd);
		world_end(&w);
	}
}

static void tcp_reset_and_close_with_queue(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct linger hard = { 1, 0 };
		struct net_bytes *b;
		int fd;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);
		say(fd, "x\n");
		expect(&w, fd, "x\n");
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, ECONNRESET);
		fd = tcp_client(&w);
		say(fd, "x\n");
		expect(&w, fd, "x\n");
		b = net_bytes_new(STR("last\n"));       /* sent, and then the end at once */
		assert_int_equal(net_send(w.net, &w.from, b), 0);
		obj_drop(b);
		world_end(&w);
		assert_true(readable(fd));
		close(fd);
	}
}

/* Out of descriptors: refused, and alive again when there are some. */
static void tcp_no_descriptors(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct net_world w;
		struct rlimit old, low;
		struct net_counters c;
		int hold[64], n = 0, fd, probe;

		world_start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		fd = client(SOCK_STREAM, "127.0.0.1:0");
		getrlimit(RLIMIT_NOFILE, &old);
		probe = dup(0);
		low = (struct rlimit){ (rlim_t)probe, old.rlim_max };
		close(probe);
		setrlimit(RLIMIT_NOFILE, &low);
		while (n < 64 && (hold[n] = dup(0)) >= 0)
			n++;
		assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
		UNTIL(&w, at_end(fd));
		net_count(w.net, &c);
		assert_int_equal(c.refused_cap, 1);
		setrlimit(RLIMIT_NOFILE, &old);
		while (n)
			close(hold[--n]);
		close(fd);
		fd = tcp_client(&w);
		say(fd, "back\n");
		expect(&w, fd, "back\n");
		close(fd);
		world_end(&w);
	}
}

static void tcp_strangers(void **state)
{
	const struct net_limits limits = { .stranger_rate = 1 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		struct sa peer = addr("127.0.0.1:9");
		int fd;

		world_start(&w, modes[m], &limits, NET_TCP, "127.0.0.1:0");
		w.echo = false;
		fd = tcp_client(&w);
		say(fd, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
		UNTIL(&w, at_end(fd));
		UNTIL(&w, w.closed == 1);
		net_count(w.net, &c);
		assert_int_equal(c.dropped_rate, 1);
		assert_in_range(w.got, 5, 11);
		close(fd);
		net_trust(w.net, &peer);
		w.echo = true;
		fd = tcp_client(&w);
		for (int i = 0; i < 20; i++) {
			say(fd, "friend\n");
			expect(&w, fd, "friend\n");
		}
		close(fd);
		world_end(&w);
	}
}

/* Many connections with much to say share a turn: none of them is read to its end. */
static void tcp_turn_is_bounded(void **state)
{
	enum { CONNS = 50, LINES = 500 };
	static char lines[LINES * 100 + 1];
	struct net_world w;
	int fd[CONNS];
	unsigned before;

	(void)state;
	memset(lines, 'x', sizeof(lines) - 1);
	for (size_t i = 1; i <= LINES; i++)
		lines[i * 100 - 1] = '\n';
	world_start(&w, 0, NULL, NET_TCP, "127.0.0.1:0");
	w.echo = false;
	for (size_t i = 0; i < CONNS; i++) {
		fd[i] = tcp_client(&w);
		say(fd[i], "hello\n");
	}
	UNTIL(&w, w.got == CONNS);
	for (size_t i = 0; i < CONNS; i++)
		say(fd[i], lines);
	before = w.got;
	uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
	assert_in_range(w.got - before, 1, CONNS * LINES / 3);
	UNTIL(&w, w.got == CONNS + CONNS * LINES);
	for (size_t i = 0; i < CONNS; i++)
		close(fd[i]);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_framing), cmocka_unit_test(tcp_long_message), cmocka_unit_test(tcp_passes_over),
		cmocka_unit_test(tcp_last_words),
		cmocka_unit_test(tcp_deadlines), cmocka_unit_test(tcp_caps), cmocka_unit_test(tcp_eviction),
		cmocka_unit_test(tcp_outgoing), cmocka_unit_test(tcp_disconnect_while_connecting),
		cmocka_unit_test(tcp_peer_that_does_not_read), cmocka_unit_test(tcp_write_timeout),
		cmocka_unit_test(tcp_strangers),
		cmocka_unit_test(tcp_turn_is_bounded), cmocka_unit_test(tcp_reset_and_close_with_queue),
		cmocka_unit_test(tcp_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
