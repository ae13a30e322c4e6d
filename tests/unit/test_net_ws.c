/* Connections over WebSocket, with and without TLS, both ways. */
#include "tls_peer.h"
#include "base/obj.h"
#include "net/ws_frame.h"
#include "net/ws_private.h"
#include <errno.h>
#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define REQUEST "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
#define ANSWER "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n"

static void ws_world(struct net_world *w, unsigned threads, const struct net_limits *lim, uint32_t write_ms, const char *origins)
{
	size_t live = obj_live();
	struct net_listen_prm prm = { .proto = NET_WS, .tos = -1, .cos = -1, .name = STR("t"), .bind = addr("127.0.0.1:0"),
		.write_ms = write_ms, .ws = ws_rules_new(STR("/ws"), str_z(origins)) };

	world_start_with(w, threads, lim, &prm);
	obj_drop(prm.ws);
	w->live = live;
}

/* These bytes come; others may follow. */
static void expect_next(struct net_world *w, int fd, const char *z)
{
	char in[512];
	size_t have = 0;

	while (have < strlen(z)) {
		ssize_t n;

		UNTIL(w, readable(fd));
		n = recv(fd, in + have, strlen(z) - have, 0);
		assert_true(n > 0);
		have += (size_t)n;
	}
	assert_memory_equal(in, z, have);
}

static int upgraded(struct net_world *w)
{
	int fd = tcp_client(w);

	say(fd, REQUEST);
	expect_next(w, fd, ANSWER);
	return fd;
}

/* A masked frame, as a client sends it. */
static size_t make_frame(char *to, unsigned first, struct str payload)
{
	static const uint8_t mask[4] = { 0x11, 0x22, 0x33, 0x44 };
	uint8_t head[WS_HEAD_MAX];
	size_t n = ws_frame_head(head, (enum ws_op)(first & 15), payload.n, mask);

	head[0] = (uint8_t)first;
	memcpy(to, head, n);
	if (payload.n)
		memcpy(to + n, payload.p, payload.n);
	ws_mask(to + n, payload.n, mask);
	return n + payload.n;
}

static void say_frame(int fd, unsigned first, const char *payload)
{
	char frame[1024];
	size_t n = make_frame(frame, first, str_z(payload));

	assert_int_equal(send(fd, frame, n, MSG_NOSIGNAL), n);
}

#define TEXT (0x80 | WS_TEXT)
#define SAYS(what, n) "\x81" n what

static void ws_messages(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		int fd;

		ws_world(&w, modes[m], NULL, 0, "");
		fd = upgraded(&w);
		say_frame(fd, TEXT, "one\n");
		expect_next(&w, fd, SAYS("one\n", "\x04"));
		assert_int_equal(w.from.proto, NET_WS);
		assert_true(net_conn_alive(w.net, w.from.conn));
		/* No message has to say where it ends. */
		say_frame(fd, TEXT, "no end");
		expect_next(&w, fd, SAYS("no end", "\x06"));
		say_frame(fd, 0x80 | WS_BINARY, "two\xff");
		expect_next(&w, fd, "\x82\x04two\xff");
		say_frame(fd, WS_TEXT, "thr");
		say_frame(fd, 0x80 | WS_PING, "hi");
		expect_next(&w, fd, "\x8a\x02hi");
		say_frame(fd, 0x80 | WS_CONTINUATION, "ee\n");
		expect_next(&w, fd, SAYS("three\n", "\x06"));
		say_frame(fd, TEXT, "\r\n\r\n");          /* RFC 7118 6, RFC 5626 3.5.1 */
		expect_next(&w, fd, SAYS("\r\n", "\x02"));
		net_count(w.net, &c);
		assert_int_equal(c.rx, 4);
		close(fd);
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, 0);
		net_count(w.net, &c);
		assert_int_equal(c.conns, 0);
		world_end(&w);
	}
}

/* Of many pings that come together the last is answered, and no other. */
static void ws_many_pings(void **state)
{
	char frames[4096];

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		size_t n = 0;
		int fd;

		ws_world(&w, modes[m], NULL, 0, "");
		fd = upgraded(&w);
		for (int i = 0; i < 100; i++)
			n += make_frame(frames + n, 0x80 | WS_PING, i < 99 ? STR("p") : STR("last"));
		assert_int_equal(send(fd, frames, n, MSG_NOSIGNAL), n);
		expect_next(&w, fd, "\x8a\x04last");
		say_frame(fd, TEXT, "x\n");
		expect_next(&w, fd, SAYS("x\n", "\x02"));
		close(fd);
		world_end(&w);
	}
}

/* Frames behind the request, in one segment, byte by byte, and two in one. */
static void ws_cut_anywhere(void **state)
{
	char all[1024];
	size_t n = strlen(REQUEST);

	(void)state;
	memcpy(all, REQUEST, n);
	n += make_frame(all + n, TEXT, STR("first\n"));
	n += make_frame(all + n, TEXT, STR("second\n"));
	for (size_t step = 1; step <= n; step = step == 1 ? 150 : step == 150 ? n : n + 1) {
		struct net_world w;
		int fd;

		ws_world(&w, 0, NULL, 0, "");
		fd = tcp_client(&w);
		for (size_t at = 0; at < n; at += step) {
			size_t len = step < n - at ? step : n - at;

			assert_int_equal(send(fd, all + at, len, 0), len);
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		}
		expect_next(&w, fd, ANSWER);
		expect_next(&w, fd, SAYS("first\n", "\x06"));
		expect_next(&w, fd, SAYS("second\n", "\x07"));
		assert_int_equal(w.got, 2);
		close(fd);
		world_end(&w);
	}
}

static void ws_refusals(void **state)
{
	static const struct { const char *request, *answer; } rows[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 404 " },
		{ "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 426 " },
		{ "GET /ws HTTP/1.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505 " },
		{ "OPTIONS sip:a SIP/2.0\r\nVia: x\r\n\r\n", "HTTP/1.1 400 " },
		{ "GET /ws HTTP/1.1\r\nOrigin: https://evil.example\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		  "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n\r\n", "HTTP/1.1 403 " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_world w;
		int fd;

		ws_world(&w, i % 2, NULL, 0, "https://good.example");
		fd = tcp_client(&w);
		say(fd, rows[i].request);
		say(fd, "\x81\x01xand more that nobody reads");
		expect_next(&w, fd, rows[i].answer);
		UNTIL(&w, at_end(fd) || w.closed);
		close(fd);
		UNTIL(&w, w.closed);
		assert_int_equal(w.got, 0);
		world_end(&w);
	}
}

static void ws_too_long_a_request(void **state)
{
	static char text[HTTP_HEAD_MAX + 1];
	struct net_world w;
	int fd;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "GET /ws HTTP/1.1\r\nA: ", 21);
	ws_world(&w, 0, NULL, 0, "");
	fd = tcp_client(&w);
	say(fd, text);
	expect_next(&w, fd, "HTTP/1.1 431 ");
	close(fd);
	UNTIL(&w, w.closed);
	world_end(&w);
}

/* What breaks the protocol is answered with a close frame and its code. */
static void ws_broken(void **state)
{
	static const struct { const char *bytes; size_t n; const char *close; } rows[] = {
		{ "\x81\x02hi", 4, "\x88\x02\x03\xea" }, { "\x81\x81\0\0\0\0\xff", 7, "\x88\x02\x03\xef" },
		{ "\x81\xff\0\0\0\1\0\0\0\0", 10, "\x88\x02\x03\xf1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct net_world w;
		int fd;

		ws_world(&w, i % 2, NULL, 0, "");
		fd = upgraded(&w);
		assert_int_equal(send(fd, rows[i].bytes, rows[i].n, 0), rows[i].n);
		expect_next(&w, fd, rows[i].close);
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed);
		assert_int_equal(w.got, 0);
		world_end(&w);
	}
}

static void ws_ends(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_bytes *b;
		int fd;

		ws_world(&w, modes[m], NULL, 0, "");
		b = net_bytes_new(STR("bye\n"));
		fd = upgraded(&w);
		say_frame(fd, 0x80 | WS_CLOSE, "\x03\xe9gone");  /* theirs: the code comes back */
		expect_next(&w, fd, "\x88\x02\x03\xe9");
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed == 1);
		fd = upgraded(&w);
		say_frame(fd, TEXT, "x\n");
		expect_next(&w, fd, SAYS("x\n", "\x02"));
		assert_int_equal(net_send(w.net, &w.from, b), 0);
		net_disconnect(w.net, w.from.conn);             /* ours: after what is queued */
		expect_next(&w, fd, SAYS("bye\n", "\x04"));
		expect_next(&w, fd, "\x88\x02\x03\xe8");
		UNTIL(&w, at_end(fd));
		close(fd);
		UNTIL(&w, w.closed == 2);
		obj_drop(b);
		world_end(&w);
	}
}

/* keep_alive_interval is a ping here. */
static void ws_keep_alive(void **state)
{
	struct net_world w;
	struct net_bytes *ping;
	int fd;

	(void)state;
	ws_world(&w, 1, NULL, 0, "");
	fd = upgraded(&w);
	say_frame(fd, TEXT, "x\n");
	expect_next(&w, fd, SAYS("x\n", "\x02"));
	ping = net_bytes_new(STR("\r\n\r\n"));
	net_send_streams(w.net, ping);
	obj_drop(ping);
	UNTIL(&w, readable(fd));
	{
		char in[8];

		assert_int_equal(recv(fd, in, sizeof(in), 0), 2);
		assert_memory_equal(in, "\x89\0", 2);
	}
	close(fd);
	world_end(&w);
}

/* What is sent to all goes to none that has not said yet what it is: our answer is the first. */
static void ws_keep_alive_before_the_request(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_bytes *ping;
		struct net_counters c;
		int fd;

		ws_world(&w, modes[m], NULL, 0, "");
		ping = net_bytes_new(STR("\r\n\r\n"));
		fd = tcp_client(&w);
		UNTIL(&w, (net_count(w.net, &c), c.accepted) == 1);
		uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		net_send_streams(w.net, ping);
		obj_drop(ping);
		uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
		say(fd, REQUEST);
		expect_next(&w, fd, ANSWER);
		close(fd);
		world_end(&w);
	}
}

static void ws_deadlines(void **state)
{
	struct net_limits lim = { .first_message_ms = 60, .message_ms = 60 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		int fd;

		ws_world(&w, modes[m], &lim, 0, "");
		fd = tcp_client(&w);
		say(fd, "GET /ws HTTP/1.1\r\n");                /* a request without end */
		UNTIL(&w, w.closed == 1);
		close(fd);
		fd = upgraded(&w);                              /* a WebSocket that is silent */
		UNTIL(&w, w.closed == 2);
		close(fd);
		fd = upgraded(&w);
		say_frame(fd, TEXT, "x\n");
		expect_next(&w, fd, SAYS("x\n", "\x02"));
		say_frame(fd, WS_TEXT, "begun, and all of the frame is there");
		UNTIL(&w, w.closed == 3);                       /* but the message has no end */
		assert_int_equal(w.closed_err, ETIMEDOUT);
		close(fd);
		world_end(&w);
	}
}

/* websocket_write_timeout: who does not read for so long is cut off, long before the queue is full. */
static void ws_write_timeout(void **state)
{
	struct net_limits lim = { .send_queue = 64 << 20 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_bytes *b;
		struct net_path path;
		int fd;

		ws_world(&w, modes[m], &lim, 80, "");
		fd = upgraded(&w);
		say_frame(fd, TEXT, "x\n");
		expect_next(&w, fd, SAYS("x\n", "\x02"));
		path = w.from;
		b = obj_new(sizeof(*b) + 60000, NULL);
		b->n = 60000;
		for (unsigned i = 0; i < 400; i++)
			net_send(w.net, &path, b);
		UNTIL(&w, w.closed);
		assert_int_equal(w.closed_err, ETIMEDOUT);
		obj_drop(b);
		close(fd);
		world_end(&w);
	}
}

/* ---- over TLS ---------------------------------------------------------------------------------- */

static void ws_over_tls(void **state)
{
	struct tls_files f;

	(void)state;
	files_start(&f);
	write_cert(&f, "srv", &(struct cert_prm){ .cn = "srv", .san = "IP:127.0.0.1", .by = &f.ca });
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		size_t live = obj_live();
		struct tls_context *t = make_context(&f, "srv", NULL);
		struct net_listen_prm prm = { .proto = NET_WSS, .tos = -1, .cos = -1, .name = STR("t"), .bind = addr("127.0.0.1:0"), .tls = t };
		struct net_world w;
		struct tls_peer p;
		enum { MANY = 24, EACH = 600 };
		static char all[MANY * (EACH + WS_HEAD_MAX) + 1024], line[EACH];
		char in[512];
		int have = 0, ret = 0, want = (int)strlen(ANSWER SAYS("one\n", "\x04"));
		size_t n = strlen(REQUEST);

		world_start_with(&w, modes[m], NULL, &prm);
		w.live = live;
		obj_drop(t);
		peer_start(&p, &f, NULL);
		assert_true(peer_handshake(&p, &w));
		/* In one record: what OpenSSL holds back behind the request is read all the same. */
		memcpy(all, REQUEST, n);
		n += make_frame(all + n, TEXT, STR("one\n"));
		assert_int_equal(SSL_write(p.ssl, all, (int)n), n);
		while (have < want) {
			UNTIL(&w, (ERR_clear_error(), ret = SSL_read(p.ssl, in + have, (int)sizeof(in) - have)) > 0);
			have += ret;
		}
		assert_int_equal(have, want);
		assert_memory_equal(in, ANSWER SAYS("one\n", "\x04"), (size_t)want);
		assert_int_equal(w.from.proto, NET_WSS);
		peer_end(&p);
		UNTIL(&w, w.closed);
		/* Longer than a request may be: the socket is empty, and OpenSSL is not. */
		w.echo = false;
		w.got = 0;
		n = strlen(REQUEST);
		memset(line, 'x', sizeof(line));
		for (unsigned i = 0; i < MANY; i++)
			n += make_frame(all + n, TEXT, str_mk(line, sizeof(line)));
		peer_start(&p, &f, NULL);
		assert_true(peer_handshake(&p, &w));
		assert_int_equal(SSL_write(p.ssl, all, (int)n), n);
		UNTIL(&w, w.got == MANY);
		peer_end(&p);
		UNTIL(&w, w.closed == 2);
		world_end(&w);
	}
	files_end(&f);
}

/* ---- as client ----------------------------------------------------------------------------------- */

static void step(struct net_world *a, struct net_world *b)
{
	uv_run(loop_uv(a->loop), UV_RUN_NOWAIT);
	uv_run(loop_uv(b->loop), UV_RUN_NOWAIT);
}

/* One world connects to another; `proto` is theirs. */
static void speak_with(enum net_proto proto, struct tls_context *tls, const char *host, bool works)
{
	struct net_listen_prm prm = { .proto = proto, .tos = -1, .cos = -1, .name = STR("t"), .bind = addr("127.0.0.1:0"), .tls = tls };
	struct net_world server, client_side;
	struct net_path path = { .proto = proto };
	struct net_bytes *b = net_bytes_new(STR("ping\n"));

	world_start_with(&server, 1, NULL, &prm);
	world_start_with(&client_side, 0, NULL, &prm);
	client_side.echo = false;
	path.peer = server.bound;
	path.host = net_host(client_side.net, str_z(host));
	assert_int_equal(net_send(client_side.net, &path, b), 0);
	UNTIL(&server, (step(&server, &client_side), works ? client_side.got == 1 : client_side.failed == 1));
	if (works) {
		assert_memory_equal(client_side.last, "ping\n", 5);
		assert_int_equal(client_side.from.conn, path.conn);
		/* The way back is the same connection. */
		assert_int_equal(net_send(server.net, &server.from, b), 0);
		UNTIL(&server, (step(&server, &client_side), client_side.got == 2));
	}
	obj_drop(b);
	net_close(client_side.net);
	loop_free(client_side.loop);
	net_close(server.net);
	loop_free(server.loop);
}

static void ws_outgoing(void **state)
{
	size_t live = obj_live();
	struct tls_files f;
	struct tls_context *t;
	struct tls_prm verify = { .verify_server = true };

	(void)state;
	speak_with(NET_WS, NULL, "", true);
	files_start(&f);
	write_cert(&f, "srv", &(struct cert_prm){ .cn = "srv", .san = "DNS:sip.example.com", .by = &f.ca });
	verify.ca_list_file = str_z(f.ca_pem);
	t = make_context(&f, "srv", &verify);
	speak_with(NET_WSS, t, "sip.example.com", true);
	speak_with(NET_WSS, t, "other.example", false);
	obj_drop(t);
	files_end(&f);
	assert_int_equal(obj_live(), live);
}

/* A server that is none of WebSocket: what was to be sent comes back. */
static void ws_outgoing_refused(void **state)
{
	static const char *const answers[] = { "HTTP/1.1 404 Not Found\r\n\r\n", "SIP/2.0 400 What\r\n\r\n", ANSWER };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct net_world w;
		struct net_path path = { .proto = NET_WS };
		struct net_bytes *b;
		int lfd = listening(&path.peer), fd;

		ws_world(&w, 0, NULL, 0, "");
		b = net_bytes_new(STR("x\n"));
		assert_int_equal(net_send(w.net, &path, b), 0);
		obj_drop(b);
		UNTIL(&w, readable(lfd));
		fd = accept(lfd, NULL, NULL);
		expect_next(&w, fd, "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:");
		say(fd, answers[i]);
		UNTIL(&w, w.failed == 1 && w.closed == 1);
		assert_int_equal(w.failed_err, EPROTO);
		close(fd);
		close(lfd);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ws_messages), cmocka_unit_test(ws_many_pings), cmocka_unit_test(ws_cut_anywhere), cmocka_unit_test(ws_refusals),
		cmocka_unit_test(ws_too_long_a_request), cmocka_unit_test(ws_broken), cmocka_unit_test(ws_ends),
		cmocka_unit_test(ws_keep_alive), cmocka_unit_test(ws_keep_alive_before_the_request), cmocka_unit_test(ws_deadlines), cmocka_unit_test(ws_write_timeout),
		cmocka_unit_test(ws_over_tls), cmocka_unit_test(ws_outgoing), cmocka_unit_test(ws_outgoing_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
