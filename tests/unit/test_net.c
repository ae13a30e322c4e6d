#include "net/net.h"
#include "base/fiber.h"
#include "base/obj.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <cmocka.h>

/* Each test runs with everything on the core's loop and with io threads. */
static const unsigned modes[] = { 0, 1, 2 };

struct world {
	struct loop *loop;
	struct net *net;
	size_t live;
	bool echo, unlisten;
	uint32_t id;
	struct sa bound;
	unsigned got, closed, failed;
	int closed_err, failed_err;
	struct net_path from;           /* of the last message */
	char last[256];
	size_t last_n;
	unsigned canary_at;             /* the how-manieth message began with 'c' */
	const char *reply;
};

/* A toy protocol: a message is a line that ends in LF; "!" cannot be framed,
 * and "?" cannot be parsed. */
static int frame(void *arg, struct str data, size_t *len)
{
	size_t eol;

	(void)arg;
	*len = 0;
	while (*len < data.n && (data.p[*len] == '\r' || data.p[*len] == '\n'))
		++*len;
	if (*len)
		return 0;
	if (data.n && data.p[0] == '!')
		return EBADMSG;
	eol = str_chr(data, '\n');
	if (eol == data.n)
		return EAGAIN;
	*len = eol + 1;
	return 0;
}

static void *parse(void *arg, const struct net_path *from, struct str bytes)
{
	(void)arg;
	assert_true(sa_port(&from->peer) != 0);
	return bytes.p[0] == '?' ? NULL : net_bytes_new(bytes);
}

static void on_recv(void *arg, const struct net_path *from, void *msg)
{
	struct world *w = arg;
	struct net_bytes *m = msg, *b;
	struct net_path path = *from;

	w->got++;
	w->from = *from;
	w->last_n = m->n < sizeof(w->last) ? m->n : sizeof(w->last);
	memcpy(w->last, m->p, w->last_n);
	if (m->p[0] == 'c')
		w->canary_at = w->got;
	if (w->unlisten)
		assert_int_equal(net_unlisten(w->net, w->id), 0);
	w->unlisten = false;
	if (w->echo) {
		b = w->reply ? net_bytes_new(str_z(w->reply)) : obj_hold(m);
		net_send(w->net, &path, b);
		obj_drop(b);
	}
	obj_drop(m);
}

static void on_closed(void *arg, const struct net_path *path, int err)
{
	struct world *w = arg;

	assert_false(net_conn_alive(w->net, path->conn));
	w->closed++;
	w->closed_err = err;
}

static void on_failed(void *arg, const struct net_path *path, struct net_bytes *bytes, int err)
{
	struct world *w = arg;

	assert_true(sa_is_set(&path->peer));
	assert_non_null(bytes);
	w->failed++;
	w->failed_err = err;
}

static struct sa addr(const char *z)
{
	struct sa a;

	assert_int_equal(sa_parse(&a, str_z(z)), 0);
	return a;
}

static void start(struct world *w, unsigned threads, const struct net_limits *lim, enum net_proto proto, const char *at)
{
	const struct net_handlers h = { .arg = w, .frame = frame, .parse = parse, .recv = on_recv, .closed = on_closed,
		.failed = on_failed };
	struct net_listen_prm prm = { .proto = proto, .tos = -1, .cos = -1, .name = STR("t") };

	*w = (struct world){ .live = obj_live(), .echo = true };
	w->loop = GOT(loop_new(clock_real()));
	w->net = net_new(w->loop, threads, &h, lim);
	assert_non_null(w->net);
	prm.bind = addr(at);
	assert_int_equal(net_listen(w->net, &prm, &w->id, &w->bound), 0);
	assert_true(sa_port(&w->bound) != 0);
}

static void end(struct world *w)
{
	net_close(w->net);
	loop_free(w->loop);
	assert_int_equal(obj_live(), w->live);
}

/* Turn the loop until the condition holds; gives up after ten seconds. */
#define UNTIL(w, cond) do { \
	uint64_t give_up_ = clock_ms(clock_real()) + 10000; \
	while (!(cond)) { \
		uv_run(loop_uv((w)->loop), UV_RUN_NOWAIT); \
		assert_true(clock_ms(clock_real()) < give_up_); \
		poll(NULL, 0, 1); \
	} } while (0)

static bool readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) > 0;
}

static int client(int type, const char *from)
{
	struct sa a = addr(from);
	int fd = socket(a.u.s.sa_family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &a.u.s, sa_len(&a)), 0);
	return fd;
}

static int tcp_client(struct world *w)
{
	int fd = client(SOCK_STREAM, "127.0.0.1:0");

	assert_int_equal(connect(fd, &w->bound.u.s, sa_len(&w->bound)), 0);
	return fd;
}

static void say(int fd, const char *z)
{
	assert_int_equal(send(fd, z, strlen(z), MSG_NOSIGNAL), strlen(z));
}

static void expect(struct world *w, int fd, const char *z)
{
	char in[512];
	size_t have = 0;

	while (have < strlen(z)) {
		ssize_t n;

		UNTIL(w, readable(fd));
		n = recv(fd, in + have, sizeof(in) - have, 0);
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_int_equal(have, strlen(z));
	assert_memory_equal(in, z, have);
}

static bool at_end(int fd)
{
	char c;

	return readable(fd) && recv(fd, &c, 1, MSG_DONTWAIT) <= 0;
}

static void udp_echo(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_counters c;
		int fd = client(SOCK_DGRAM, "127.0.0.1:0");

		start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
		assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
		say(fd, "hello");
		expect(&w, fd, "hello");
		assert_int_equal(w.from.transport, w.id);
		assert_true(sa_eq(&w.from.local, &w.bound));
		say(fd, "\r\n\r\n");            /* a keep-alive is neither message nor fault */
		say(fd, "?nonsense");
		say(fd, "again");
		expect(&w, fd, "again");
		net_count(w.net, &c);
		assert_int_equal(c.rx, 3);
		assert_int_equal(c.rx_bytes, 5 + 9 + 5);
		assert_int_equal(c.tx, 2);
		assert_int_equal(c.tx_bytes, 10);
		assert_int_equal(c.dropped_parse, 1);
		assert_int_equal(c.tx_errors, 0);
		close(fd);
		end(&w);
	}
}

/* RFC 3581 section 4: the reply leaves from where the request arrived. */
static void udp_wildcard(void **state)
{
	static const struct {
		const char *bind, *to, *from;
	} tv[] = { { "0.0.0.0:0", "127.0.0.2", "127.0.0.1:0" }, { "[::]:0", "::1", "[::1]:0" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv) * ARRAY_LEN(modes); i++) {
		size_t k = i % ARRAY_LEN(tv);
		struct world w;
		struct sa to = addr(tv[k].to);
		struct net_path path = { .proto = NET_UDP };
		struct net_bytes *b;
		int fd = client(SOCK_DGRAM, tv[k].from);

		start(&w, modes[i / ARRAY_LEN(tv)], NULL, NET_UDP, tv[k].bind);
		sa_set_port(&to, sa_port(&w.bound));
		/* Connected, so only datagrams from exactly `to` come through. */
		assert_int_equal(connect(fd, &to.u.s, sa_len(&to)), 0);
		say(fd, "x");
		expect(&w, fd, "x");
		assert_true(sa_eq(&w.from.local, &to));

		path.peer = w.from.peer;        /* of our own accord: a concrete local address all the same */
		b = net_bytes_new(STR("y"));
		assert_int_equal(net_send(w.net, &path, b), 0);
		assert_false(sa_is_any(&path.local));
		assert_int_equal(sa_port(&path.local), sa_port(&w.bound));
		obj_drop(b);
		close(fd);
		end(&w);
	}
}

static void udp_many(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		unsigned back = 0;
		char in[64];
		int fd = client(SOCK_DGRAM, "127.0.0.1:0");

		start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
		assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
		for (unsigned i = 0; i < 100; i++)
			say(fd, "0123456789");
		UNTIL(&w, w.got == 100);
		while (back < 100) {
			UNTIL(&w, readable(fd));
			assert_int_equal(recv(fd, in, sizeof(in), 0), 10);
			back++;
		}
		close(fd);
		end(&w);
	}
}

static void udp_errors(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_path path = { .proto = NET_UDP };
		struct net_bytes *b, *big;
		struct net_listen_prm prm = { .proto = NET_UDP, .tos = 0x60, .cos = 3 };
		struct net_counters c;
		uint32_t id;

		start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
		b = net_bytes_new(STR("x"));
		prm.bind = w.bound;
		assert_int_equal(net_listen(w.net, &prm, &id, NULL), EADDRINUSE);
		path.peer = addr("[::1]:5060");
		assert_int_equal(net_send(w.net, &path, b), ENETUNREACH);
		assert_int_equal(net_transport_for(w.net, NET_UDP, &path.peer), 0);
		path.peer = addr("127.0.0.1:9");
		assert_int_equal(net_transport_for(w.net, NET_UDP, &path.peer), w.id);
		big = obj_new(sizeof(*big) + 70000, NULL);
		big->n = 70000;
		assert_int_equal(net_send(w.net, &path, big), 0);
		UNTIL(&w, w.failed);
		assert_int_equal(w.failed_err, EMSGSIZE);
		net_count(w.net, &c);
		assert_int_equal(c.tx_errors, 1);
		obj_drop(b);
		obj_drop(big);
		end(&w);
	}
}

static void unlisten_inside_a_handler(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		int fd = client(SOCK_DGRAM, "127.0.0.1:0");

		start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
		assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
		w.unlisten = true;
		w.echo = false;
		for (unsigned i = 0; i < 10; i++)
			say(fd, "x");
		UNTIL(&w, w.got >= 1);
		assert_int_equal(net_unlisten(w.net, w.id), ENOENT);
		assert_false(net_transport_addr(w.net, w.id, &w.bound));
		close(fd);
		end(&w);
	}
}

/* A reload changes a transport: its address is free at once. */
static void rebind(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++)
		for (unsigned i = 0; i < 100; i++) {
			struct world w;
			struct net_listen_prm prm = { .proto = i & 1 ? NET_TCP : NET_UDP, .tos = -1, .cos = -1 };
			uint32_t id;

			start(&w, modes[m], NULL, prm.proto, "0.0.0.0:0");
			prm.bind = addr("127.0.0.1");
			sa_set_port(&prm.bind, sa_port(&w.bound));
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
			assert_int_equal(net_unlisten(w.net, w.id), 0);
			assert_int_equal(net_listen(w.net, &prm, &id, NULL), 0);
			assert_int_not_equal(id, w.id);
			end(&w);
		}
}

static void tcp_framing(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_counters c;
		int fd;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

/* A message longer than one read, in small pieces. */
static void tcp_long_message(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		static char text[60000];
		struct world w;
		size_t off;
		int fd;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

static void tcp_last_words(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		int fd;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
		fd = tcp_client(&w);
		w.reply = "413\n";
		say(fd, "!too long");
		expect(&w, fd, "413\n");
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed);
		end(&w);
	}
}

static void tcp_deadlines(void **state)
{
	struct net_limits lim = { .first_message_ms = 40, .message_ms = 40, .idle_ms = 80 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_counters c;
		int fd;

		start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

static void tcp_caps(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct net_limits lim = { .max_conns_per_address = 2 };
		struct world w;
		struct net_counters c;
		int a, b, d;

		start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

/* At the limit the unregistered connection that was silent longest goes. */
static void tcp_eviction(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct net_limits lim = { .max_conns = 3 };
		struct world w;
		int fd[4], more;

		start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
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
		end(&w);
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
		struct world w;
		struct net_path p1 = { .proto = NET_TCP }, p2;
		struct net_bytes *b;
		int lfd, fd;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

static void tcp_disconnect_while_connecting(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_path p = { .proto = NET_TCP };
		struct net_bytes *b;
		int lfd, fd;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

static void tcp_peer_that_does_not_read(void **state)
{
	struct net_limits lim = { .send_queue = 20000 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_bytes *b;
		struct net_path p;
		int fd, err = 0;

		start(&w, modes[m], &lim, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

static void tcp_reset_and_close_with_queue(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct linger hard = { 1, 0 };
		struct net_bytes *b;
		int fd;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
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
		end(&w);
		assert_true(readable(fd));
		close(fd);
	}
}

/* Out of descriptors: refused, and alive again when there are some. */
static void tcp_no_descriptors(void **state)
{
	(void)state;
	for (size_t m = 0; m < 2; m++) {
		struct world w;
		struct rlimit old, low;
		struct net_counters c;
		int hold[64], n = 0, fd, probe;

		start(&w, modes[m], NULL, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

/* One message a second and five at once; for whoever is trusted as many as come. */
static void udp_strangers(void **state)
{
	const struct net_limits limits = { .stranger_rate = 1 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_counters c = { 0 };
		int fd = client(SOCK_DGRAM, "127.0.0.1:0"), other = client(SOCK_DGRAM, "127.0.0.2:0");
		struct sa peer = addr("127.0.0.1:9");

		start(&w, modes[m], &limits, NET_UDP, "127.0.0.1:0");
		assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
		assert_int_equal(connect(other, &w.bound.u.s, sa_len(&w.bound)), 0);
		for (int i = 0; i < 5; i++)
			say(fd, "hello");
		for (int i = 0; i < 5; i++)
			expect(&w, fd, "hello");
		for (int i = 0; i < 20; i++)
			say(fd, "hello");
		UNTIL(&w, (net_count(w.net, &c), c.rx == 25 && c.tx + c.dropped_rate == 25));
		/* At most some seconds passed in between. */
		assert_in_range(c.dropped_rate, 10, 20);
		for (uint64_t i = 5; i < c.tx; i++)
			expect(&w, fd, "hello");
		say(other, "another");
		expect(&w, other, "another");
		net_trust(w.net, &peer);
		for (int i = 0; i < 50; i++)
			say(fd, "friend");
		for (int i = 0; i < 50; i++)
			expect(&w, fd, "friend");
		close(fd);
		close(other);
		end(&w);
	}
}

/* One that sends 300 at once fills nobody's queue but its own: the other's one message
 * behind them all is served as the second. */
static void udp_flood_and_another(void **state)
{
	struct world w;
	struct net_counters c = { 0 };
	int fd = client(SOCK_DGRAM, "127.0.0.1:0"), other = client(SOCK_DGRAM, "127.0.0.2:0");

	(void)state;
	start(&w, 0, NULL, NET_UDP, "127.0.0.1:0");
	w.echo = false;
	assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
	assert_int_equal(connect(other, &w.bound.u.s, sa_len(&w.bound)), 0);
	for (int i = 0; i < 300; i++)
		say(fd, "flood");
	say(other, "canary");
	UNTIL(&w, (net_count(w.net, &c), w.got + c.dropped_share == 301));
	assert_in_range(w.canary_at, 1, 3);
	assert_int_equal(w.got, 301);   /* nothing is dropped as long as it can wait */
	close(fd);
	close(other);
	end(&w);
}

static void tcp_strangers(void **state)
{
	const struct net_limits limits = { .stranger_rate = 1 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct world w;
		struct net_counters c;
		struct sa peer = addr("127.0.0.1:9");
		int fd;

		start(&w, modes[m], &limits, NET_TCP, "127.0.0.1:0");
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
		end(&w);
	}
}

/* Many connections with much to say share a turn: none of them is read to its end. */
static void tcp_turn_is_bounded(void **state)
{
	enum { CONNS = 50, LINES = 500 };
	static char lines[LINES * 100 + 1];
	struct world w;
	int fd[CONNS];
	unsigned before;

	(void)state;
	memset(lines, 'x', sizeof(lines) - 1);
	for (size_t i = 1; i <= LINES; i++)
		lines[i * 100 - 1] = '\n';
	start(&w, 0, NULL, NET_TCP, "127.0.0.1:0");
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
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_echo), cmocka_unit_test(udp_wildcard), cmocka_unit_test(udp_many),
		cmocka_unit_test(udp_errors), cmocka_unit_test(unlisten_inside_a_handler),
		cmocka_unit_test(rebind), cmocka_unit_test(tcp_framing), cmocka_unit_test(tcp_long_message),
		cmocka_unit_test(tcp_last_words), cmocka_unit_test(tcp_deadlines),
		cmocka_unit_test(tcp_caps), cmocka_unit_test(tcp_eviction), cmocka_unit_test(tcp_outgoing),
		cmocka_unit_test(tcp_disconnect_while_connecting),
		cmocka_unit_test(tcp_peer_that_does_not_read),
		cmocka_unit_test(udp_strangers), cmocka_unit_test(udp_flood_and_another), cmocka_unit_test(tcp_strangers),
		cmocka_unit_test(tcp_turn_is_bounded), cmocka_unit_test(tcp_reset_and_close_with_queue), cmocka_unit_test(tcp_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
