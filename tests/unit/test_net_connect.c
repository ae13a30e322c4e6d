/* Connections that somebody opens for itself, without a transport: a client's. */
#include "net_stage.h"
#include "tls_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* A second net on the loop of the world that listens. */
struct caller {
	struct net_world w;
	struct net *net;
	unsigned up, pongs, got, ended;
	struct net_path path;
	int err;
	unsigned code;
	char why[128], last[128];
};

static int one_message(void *arg, struct str data, size_t *len)
{
	(void)arg;
	*len = data.n;
	return 0;
}

static void *copy(void *arg, const struct net_path *from, struct str bytes)
{
	(void)arg;
	(void)from;
	return net_bytes_new(bytes);
}

static void on_recv(void *arg, const struct net_path *from, void *msg)
{
	struct caller *c = arg;
	struct net_bytes *b = msg;

	assert_true(from->conn == c->path.conn);
	c->got++;
	str_copy(c->last, sizeof(c->last), str_mk(b->p, b->n));
	obj_drop(b);
}

static void on_up(void *arg, const struct net_path *path)
{
	struct caller *c = arg;

	assert_true(path->conn == c->path.conn);
	c->up++;
}

static void on_pong(void *arg, const struct net_path *path)
{
	(void)path;
	((struct caller *)arg)->pongs++;
}

static void on_end(void *arg, const struct net_path *path, const struct net_end *end)
{
	struct caller *c = arg;

	assert_false(net_conn_alive(c->net, path->conn));
	c->ended++;
	c->err = end->err;
	c->code = end->code;
	str_copy(c->why, sizeof(c->why), end->why);
}

static void start(struct caller *c, unsigned threads, const struct net_listen_prm *prm)
{
	const struct net_handlers h = { .arg = c, .frame = one_message, .parse = copy, .recv = on_recv, .connected = on_up,
		.pong = on_pong, .ended = on_end };

	*c = (struct caller){ 0 };
	world_start_with(&c->w, 0, NULL, prm);
	c->net = GOT(net_new(c->w.loop, threads, &h, NULL));
}

static void end(struct caller *c)
{
	net_close(c->net);
	world_end(&c->w);
}

static void tell(struct caller *c, const char *z)
{
	struct net_bytes *b = GOT(net_bytes_new(str_z(z)));

	assert_int_equal(net_send(c->net, &c->path, b), 0);
	obj_drop(b);
}

static struct net_listen_prm at(enum net_proto proto, struct tls_context *tls)
{
	return (struct net_listen_prm){ .proto = proto, .tos = -1, .cos = -1, .name = STR("t"), .bind = addr("127.0.0.1:0"),
		.tls = tls };
}

/* There, said, answered, and each has its own. */
static void speak(enum net_proto proto, unsigned threads, struct tls_context *tls)
{
	struct net_listen_prm prm = at(proto, tls);
	struct net_path other;
	struct caller c;

	start(&c, threads, &prm);
	struct net_connect_prm to = { .proto = proto, .peer = c.w.bound, .tls = tls, .host = tls ? STR("sip.example.com") : STR_NULL };

	assert_int_equal(net_connect(c.net, &to, &other), 0);
	assert_int_equal(net_connect(c.net, &to, &c.path), 0);
	assert_true(sa_port(&c.path.local) != 0 && c.path.conn != other.conn);
	net_disconnect(c.net, other.conn);
	UNTIL(&c.w, c.up);
	tell(&c, "hello\n");
	UNTIL(&c.w, c.got);
	assert_string_equal(c.last, "hello\n");
	assert_true(c.w.from.proto == proto && sa_port(&c.w.from.peer) == sa_port(&c.path.local));
	if (proto != NET_UDP) {
		tell(&c, "\r\n\r\n");
		UNTIL(&c.w, c.pongs);
	}
	assert_int_equal(c.got, 1);
	end(&c);
}

static void each_protocol_speaks(void **state)
{
	(void)state;
	for (unsigned m = 0; m < MODES; m++) {
		speak(NET_UDP, modes[m], NULL);
		speak(NET_TCP, modes[m], NULL);
		speak(NET_WS, modes[m], NULL);
	}
}

static void encrypted_too(void **state)
{
	struct tls_files f;
	struct tls_context *t;
	char ca[160];

	(void)state;
	files_start(&f);
	write_cert(&f, "a", &(struct cert_prm){ .cn = "sip.example.com", .by = &f.ca });
	str_copy(ca, sizeof(ca), str_z(f.ca_pem));
	t = make_context(&f, "a", &(struct tls_prm){ .ca_list_file = str_z(ca), .verify_server = true });
	speak(NET_TLS, 0, t);
	speak(NET_WSS, 0, t);
	obj_drop(t);
	files_end(&f);
}

/* Who asks for another name is told why it is not served, in words. */
static void a_wrong_name_is_said(void **state)
{
	struct tls_files f;
	struct tls_context *t;
	char ca[160];
	struct caller c;

	(void)state;
	files_start(&f);
	write_cert(&f, "a", &(struct cert_prm){ .cn = "sip.example.com", .by = &f.ca });
	str_copy(ca, sizeof(ca), str_z(f.ca_pem));
	t = make_context(&f, "a", &(struct tls_prm){ .ca_list_file = str_z(ca), .verify_server = true });
	struct net_listen_prm prm = at(NET_TLS, t);

	start(&c, 0, &prm);
	assert_int_equal(net_connect(c.net, &(struct net_connect_prm){ .proto = NET_TLS, .peer = c.w.bound, .tls = t,
		.host = STR("other.example") }, &c.path), 0);
	UNTIL(&c.w, c.ended);
	assert_int_equal(c.up, 0);
	assert_string_equal(c.why, "its certificate is not for 'other.example' but for CN=sip.example.com");
	end(&c);
	obj_drop(t);
	files_end(&f);
}

/* Nobody at the other end: of a stream and of datagrams alike. */
static void nobody_there(void **state)
{
	static const enum net_proto protos[] = { NET_UDP, NET_TCP, NET_WS };
	struct net_listen_prm prm = at(NET_UDP, NULL);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(protos); i++) {
		struct caller c;
		struct sa nobody;
		int fd = client(SOCK_STREAM, "127.0.0.1:0");

		start(&c, 0, &prm);
		nobody = addr("127.0.0.1:0");
		assert_int_equal(getsockname(fd, &nobody.u.s, &(socklen_t){ sizeof(nobody) }), 0);
		assert_int_equal(net_connect(c.net, &(struct net_connect_prm){ .proto = protos[i], .peer = nobody }, &c.path), 0);
		tell(&c, "hello\n");
		UNTIL(&c.w, c.ended);
		assert_int_equal(c.err, ECONNREFUSED);
		assert_int_equal(c.up, protos[i] == NET_UDP);
		close(fd);
		end(&c);
	}
}

/* ---- a WebSocket server of the test's own ------------------------------------------------------ */

static int raw_server(struct sa *where)
{
	int fd = client(SOCK_STREAM, "127.0.0.1:0");

	*where = addr("127.0.0.1:0");
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, &where->u.s, &(socklen_t){ sizeof(*where) }), 0);
	return fd;
}

/* What it asks for is what it was told to; a close frame's code and reason come up. */
static void target_and_close(void **state)
{
	static const char refuse[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
	struct net_listen_prm prm = at(NET_UDP, NULL);
	struct caller c;
	struct sa where;
	char head[512];
	ssize_t n;
	int lfd, fd;

	(void)state;
	start(&c, 0, &prm);
	lfd = raw_server(&where);
	assert_int_equal(net_connect(c.net, &(struct net_connect_prm){ .proto = NET_WS, .peer = where, .host = STR("pbx.example"),
		.target = STR("/sip?KEY=1234") }, &c.path), 0);
	UNTIL(&c.w, readable(lfd));
	fd = accept(lfd, NULL, NULL);
	UNTIL(&c.w, readable(fd));
	n = recv(fd, head, sizeof(head) - 1, 0);
	assert_true(n > 0);
	head[n] = 0;
	assert_non_null(strstr(head, "GET /sip?KEY=1234 HTTP/1.1\r\nHost: pbx.example:"));
	assert_int_equal(send(fd, refuse, sizeof(refuse) - 1, MSG_NOSIGNAL), sizeof(refuse) - 1);
	UNTIL(&c.w, c.ended);
	assert_string_equal(c.why, "its answer is not 101");
	assert_int_equal(c.code, 0);
	close(fd);
	close(lfd);
	end(&c);
}

static void the_peer_says_why(void **state)
{
	struct net_listen_prm prm = at(NET_WS, NULL);
	struct caller c;

	(void)state;
	start(&c, 0, &prm);
	assert_int_equal(net_connect(c.net, &(struct net_connect_prm){ .proto = NET_WS, .peer = c.w.bound }, &c.path), 0);
	tell(&c, "hello\n");
	UNTIL(&c.w, c.got);
	net_disconnect(c.w.net, c.w.from.conn);
	UNTIL(&c.w, c.ended);
	assert_int_equal(c.code, 1000);
	end(&c);
}

/* A loop that is turned by somebody else sleeps no longer than it may. */
static void turned_from_outside(void **state)
{
	struct net_listen_prm prm = at(NET_TCP, NULL);
	struct caller c;

	(void)state;
	start(&c, 0, &prm);
	assert_int_equal(net_connect(c.net, &(struct net_connect_prm){ .proto = NET_TCP, .peer = c.w.bound }, &c.path), 0);
	tell(&c, "hello\n");
	for (unsigned i = 0; !c.got; i++) {
		uint64_t left = loop_left_ms(c.w.loop);
		struct pollfd p = { uv_backend_fd(loop_uv(c.w.loop)), POLLIN, 0 };

		assert_true(poll(&p, 1, left < 5000 ? (int)left : 5000) > 0 || left < 5000);
		uv_run(loop_uv(c.w.loop), UV_RUN_NOWAIT);
		assert_true(i < 100);
	}
	end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_protocol_speaks), cmocka_unit_test(encrypted_too), cmocka_unit_test(a_wrong_name_is_said),
		cmocka_unit_test(nobody_there), cmocka_unit_test(target_and_close), cmocka_unit_test(the_peer_says_why),
		cmocka_unit_test(turned_from_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
