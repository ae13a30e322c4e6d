/* The host of the user agent library: connections of a core that only takes notes, to servers of
 * the test's own on the same loop. */
#include "phone/host_private.h"
#include "../unit/tls_stage.h"
#include "base/log.h"
#include "base/obj.h"
#include "sip/message.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- a core that takes notes ------------------------------------------------------------------- */

struct sidetone_core {
	struct sidetone_host host;
	unsigned opened, closed, received, ran;
	uint32_t conn;                  /* of the last note */
	char local[64], why[160], text[600];
	unsigned code;
};

struct sidetone_core *sidetone_core_new(const struct sidetone_host *host)
{
	struct sidetone_core *c = GOT(calloc(1, sizeof(*c)));

	c->host = *host;
	return c;
}

void sidetone_core_free(struct sidetone_core *c) { free(c); }
void sidetone_core_run(struct sidetone_core *c) { c->ran++; }

void sidetone_core_opened(struct sidetone_core *c, uint32_t conn, const char *local)
{
	c->opened++;
	c->conn = conn;
	str_copy(c->local, sizeof(c->local), local ? str_z(local) : STR("none"));
}

void sidetone_core_closed(struct sidetone_core *c, uint32_t conn, unsigned code, const char *reason)
{
	c->closed++;
	c->conn = conn;
	c->code = code;
	str_copy(c->why, sizeof(c->why), str_z(reason));
}

void sidetone_core_received(struct sidetone_core *c, uint32_t conn, const char *bytes, size_t n)
{
	c->received++;
	c->conn = conn;
	str_copy(c->text, sizeof(c->text), str_mk(bytes, n));
}

/* ---- a server ------------------------------------------------------------------------------------ */

struct world {
	struct sidetone_loop *loop;
	struct sidetone_core *core;
	struct net *net;
	struct sa bound;
	uint32_t id;
	struct net_path from;
	unsigned got;
	size_t live;
};

static int frame(void *arg, struct str data, size_t *len)
{
	(void)arg;
	return sip_msg_frame(data, len);
}

static void *copy(void *arg, const struct net_path *from, struct str bytes)
{
	(void)arg;
	(void)from;
	return net_bytes_new(bytes);
}

/* What comes goes back. */
static void on_recv(void *arg, const struct net_path *from, void *msg)
{
	struct world *w = arg;

	w->got++;
	w->from = *from;
	net_send(w->net, &w->from, msg);
	obj_drop(msg);
}

static void start(struct world *w, enum net_proto proto, struct tls_context *tls, const struct sidetone_loop_options *o)
{
	const struct net_handlers h = { .arg = w, .frame = frame, .parse = copy, .recv = on_recv };
	const struct net_listen_prm prm = { .proto = proto, .tos = -1, .cos = -1, .bind = { 0 }, .tls = tls, .name = STR("t") };
	struct net_listen_prm at = prm;
	char why[200];

	*w = (struct world){ .live = obj_live() };
	assert_int_equal(sa_parse(&at.bind, STR("127.0.0.1:0")), 0);
	w->loop = NULL;
	if (sidetone_loop_new(&w->loop, o, why, sizeof(why)))
		GOT(NULL);
	w->core = sidetone_loop_core(w->loop);
	w->net = GOT(net_new(host_loop(w->loop), 0, &h, NULL));
	assert_int_equal(net_listen(w->net, &at, &w->id, &w->bound), 0);
}

static void end(struct world *w)
{
	net_close(w->net);
	sidetone_loop_free(w->loop);
	assert_int_equal(obj_live(), w->live);
}

#define UNTIL(w, cond) do { \
	uint64_t give_up_ = clock_ms(clock_real()) + (getenv("SIDETONE_OOM") ? 500 : 10000); \
	while (!(cond)) { \
		int t_ = sidetone_loop_timeout((w)->loop); \
		struct pollfd p_ = { sidetone_loop_fd((w)->loop), POLLIN, 0 }; \
		poll(&p_, 1, t_ < 0 || t_ > 1000 ? 1000 : t_); \
		sidetone_loop_process((w)->loop); \
		assert_true(clock_ms(clock_real()) < give_up_); \
	} } while (0)

static const char *uri_of(const struct world *w, const char *form)
{
	static char out[120];

	snprintf(out, sizeof(out), form, sa_port(&w->bound));
	return out;
}

static uint32_t open_it(struct world *w, const char *uri)
{
	uint32_t conn = 0;

	if (w->core->host.open(w->core->host.arg, uri, &conn))
		GOT(NULL);
	assert_true(conn != 0);
	return conn;
}

static int say(struct world *w, uint32_t conn, const char *z)
{
	return w->core->host.send(w->core->host.arg, conn, z, strlen(z));
}

#define MESSAGE "OPTIONS sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"

/* ---- what is shown ------------------------------------------------------------------------------- */

static void speak(enum net_proto proto, const char *form, struct tls_context *tls, const struct sidetone_loop_options *o)
{
	struct world w;
	uint32_t conn, second;

	start(&w, proto, tls, o);
	conn = open_it(&w, uri_of(&w, form));
	second = open_it(&w, uri_of(&w, form));
	assert_int_not_equal(conn, second);
	assert_int_equal(w.core->opened, 0);
	assert_int_equal(say(&w, conn, MESSAGE), ENOTCONN);
	w.core->host.close(w.core->host.arg, second);
	UNTIL(&w, w.core->opened);
	assert_int_equal(w.core->conn, conn);
	if (net_is_websocket(proto))
		assert_string_equal(w.core->local, "none");
	else
		assert_memory_equal(w.core->local, "127.0.0.1:", 10);
	/* Two messages come as two, whatever the stream makes of them. */
	assert_int_equal(say(&w, conn, MESSAGE), 0);
	assert_int_equal(say(&w, conn, MESSAGE), 0);
	UNTIL(&w, w.core->received == 2);
	assert_string_equal(w.core->text, MESSAGE);
	if (proto != NET_UDP) {
		assert_int_equal(say(&w, conn, "\r\n\r\n"), 0);
		UNTIL(&w, w.core->received == 3);
		assert_string_equal(w.core->text, "\r\n");
		net_disconnect(w.net, w.from.conn);
		UNTIL(&w, w.core->closed);
		assert_int_equal(w.core->code, net_is_websocket(proto) ? 1000 : 0);
		assert_int_equal(say(&w, conn, MESSAGE), ENOTCONN);
	}
	assert_int_equal(w.core->opened, 1);
	end(&w);
}

static void each_protocol(void **state)
{
	(void)state;
	speak(NET_UDP, "udp:127.0.0.1:%u", NULL, NULL);
	speak(NET_UDP, "UDP://localhost:%u", NULL, NULL);
	speak(NET_TCP, "tcp:127.0.0.1:%u", NULL, NULL);
	speak(NET_WS, "ws://127.0.0.1:%u/any?KEY=1", NULL, NULL);
}

static void encrypted(void **state)
{
	struct tls_files f;
	struct tls_context *t;
	struct sidetone_loop_options o = { 0 };
	struct world w;

	(void)state;
	files_start(&f);
	write_cert(&f, "a", &(struct cert_prm){ .cn = "x", .san = "IP:127.0.0.1,DNS:localhost", .by = &f.ca });
	t = make_context(&f, "a", &(struct tls_prm){ .version = TLS_VERSION_1_2 });
	o.ca_list_file = f.ca_pem;
	speak(NET_TLS, "tls:127.0.0.1:%u", t, &o);
	speak(NET_TLS, "tls:localhost:%u", t, &o);
	speak(NET_WSS, "wss://127.0.0.1:%u/ws", t, &o);
	/* Nobody vouches for it: refused, and taken by who said so. */
	start(&w, NET_WSS, t, NULL);
	open_it(&w, uri_of(&w, "wss://127.0.0.1:%u/ws"));
	UNTIL(&w, w.core->closed);
	assert_int_equal(w.core->opened, 0);
	assert_non_null(strstr(w.core->why, "certificate"));
	end(&w);
	speak(NET_WSS, "wss://127.0.0.1:%u/ws", t, &(struct sidetone_loop_options){ .no_verify = true });
	obj_drop(t);
	files_end(&f);
}

static void nobody_there(void **state)
{
	struct world w;

	(void)state;
	start(&w, NET_UDP, NULL, NULL);
	open_it(&w, uri_of(&w, "tcp:127.0.0.1:%u"));
	UNTIL(&w, w.core->closed);
	assert_string_equal(w.core->why, "Connection refused");
	end(&w);
	/* Datagrams go nowhere as well, and that is known before one of them is a request. */
	start(&w, NET_TCP, NULL, NULL);
	open_it(&w, uri_of(&w, "udp:127.0.0.1:%u"));
	UNTIL(&w, w.core->closed);
	assert_string_equal(w.core->why, "Connection refused");
	assert_int_equal(w.core->opened, 0);
	end(&w);
}

/* No callback about what was closed, whatever state it was in. */
static void closed_is_silent(void **state)
{
	struct world w;
	uint32_t conn;

	(void)state;
	start(&w, NET_TCP, NULL, NULL);
	w.core->host.close(w.core->host.arg, open_it(&w, "udp:no.such.name.invalid"));
	conn = open_it(&w, uri_of(&w, "tcp:127.0.0.1:%u"));
	UNTIL(&w, w.core->opened);
	assert_int_equal(say(&w, conn, MESSAGE), 0);
	w.core->host.close(w.core->host.arg, conn);
	UNTIL(&w, w.got);
	assert_int_equal(w.core->closed + w.core->received, 0);
	end(&w);
}

static void addresses(void **state)
{
	static const struct {
		const char *uri, *host, *target;
		enum net_proto proto;
		unsigned port;
	} good[] = {
		{ "ws://a.example", "a.example", "/", NET_WS, 80 },
		{ "wss://a.example/sip?KEY=1234", "a.example", "/sip?KEY=1234", NET_WSS, 443 },
		{ "WSS://a.example:8443?x", "a.example", "/?x", NET_WSS, 8443 },
		{ "wss://me:key@a.example:7/x@y", "a.example", "/x@y", NET_WSS, 7 },
		{ "ws://[::1]:5/x", "::1", "/x", NET_WS, 5 },
		{ "udp:a.example", "a.example", "", NET_UDP, 0 },
		{ "tls://192.0.2.1:5061", "192.0.2.1", "", NET_TLS, 5061 },
		{ "tcp:[2001:db8::1]:5060", "2001:db8::1", "", NET_TCP, 5060 },
	};
	static const char *const bad[] = { "", "ws:", "ws://", "ws:a.example", "http://a.example", "a.example", "udp:", "udp:a/b",
		"udp:u@a", "tls://u@a", "ws://u@", "ws://u@/", "ws://a/x y", "ws://a/x\r\nEvil: yes", "ws://a/x#f", "udp:a;transport=tcp", "tcp:a:70000",
		"tls:a?x=y", "wss://a:0/" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct host_uri u;

		if (host_uri_parse(&u, str_z(good[i].uri)))
			GOT(NULL);
		assert_string_equal(text_z(&u.host), good[i].host);
		assert_string_equal(text_z(&u.target), good[i].target);
		assert_true(u.proto == good[i].proto && u.port == good[i].port);
		host_uri_free(&u);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct host_uri u;

		if (host_uri_parse(&u, str_z(bad[i])) != EINVAL)
			print_message("taken: %s\n", bad[i] ? bad[i] : "none");
		assert_int_equal(host_uri_parse(&u, str_z(bad[i])), EINVAL);
	}
}

static void on_after(void *arg)
{
	++*(unsigned *)arg;
}

static void time_and_hashes(void **state)
{
	static const uint8_t md5[16] = { 0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0, 0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72 };
	struct sidetone_timer *never = NULL;
	struct world w;
	unsigned fired = 0;
	uint8_t sum[32];
	uint64_t began;

	(void)state;
	start(&w, NET_UDP, NULL, NULL);
	began = w.core->host.now_us(w.core->host.arg);
	w.core->host.wake(w.core->host.arg, 5000);
	w.core->host.wake(w.core->host.arg, 20);
	UNTIL(&w, w.core->ran);
	assert_true(w.core->host.now_us(w.core->host.arg) - began >= 20000);
	w.core->host.wake(w.core->host.arg, 0);
	w.core->host.wake(w.core->host.arg, UINT64_MAX);
	if (sidetone_loop_after(w.loop, 10, on_after, &fired, NULL) || sidetone_loop_after(w.loop, 1, on_after, &fired, &never))
		GOT(NULL);
	sidetone_timer_cancel(never);
	UNTIL(&w, fired);
	assert_true(w.core->ran == 1 && fired == 1);
	if (w.core->host.hash(w.core->host.arg, SIDETONE_MD5, "abc", 3, sum))
		GOT(NULL);
	assert_memory_equal(sum, md5, 16);
	if (w.core->host.hash(w.core->host.arg, SIDETONE_SHA512_256, "abc", 3, sum))
		GOT(NULL);
	assert_true(sum[0] == 0x53 && sum[31] == 0x23);
	assert_true(w.core->host.wall_us(w.core->host.arg) > INT64_C(1600000000000000));
	if (sidetone_loop_after(w.loop, 100000, on_after, &fired, NULL))
		GOT(NULL);
	end(&w);
}

static void stop_it(void *arg)
{
	sidetone_loop_stop(arg);
}

static void runs_until_stopped(void **state)
{
	struct world w;

	(void)state;
	start(&w, NET_UDP, NULL, NULL);
	if (sidetone_loop_after(w.loop, 5, stop_it, w.loop, NULL))
		GOT(NULL);
	sidetone_loop_run(w.loop);
	end(&w);
}

static void wrong_options(void **state)
{
	struct sidetone_loop *l = NULL;
	char why[200] = "";

	(void)state;
	assert_int_equal(sidetone_loop_new(&l, &(struct sidetone_loop_options){ .from = "nowhere" }, why, sizeof(why)), EINVAL);
	assert_non_null(strstr(why, "'nowhere'"));
	assert_int_equal(sidetone_loop_new(&l, &(struct sidetone_loop_options){ .ca_list_file = "/no/such.pem" }, why, sizeof(why)), EINVAL);
	assert_non_null(strstr(why, "/no/such.pem"));
	assert_null(l);
}

static void note_line(void *arg, int level, const char *category, const char *text)
{
	if (level == 1 && !strcmp(category, "tls") && strstr(text, "no TLS connection"))
		++*(unsigned *)arg;
}

static void lines_for_who_asks(void **state)
{
	struct tls_files f;
	struct tls_context *t;
	unsigned lines = 0;
	struct world w;

	(void)state;
	files_start(&f);
	write_cert(&f, "a", &(struct cert_prm){ .cn = "x", .by = &f.ca });
	t = make_context(&f, "a", &(struct tls_prm){ .version = TLS_VERSION_1_2 });
	start(&w, NET_TLS, t, &(struct sidetone_loop_options){ .log = note_line, .log_arg = &lines });
	open_it(&w, uri_of(&w, "tls:127.0.0.1:%u"));
	UNTIL(&w, w.core->closed);
	assert_int_equal(lines, 1);
	end(&w);
	obj_drop(t);
	files_end(&f);
}

static void count_line(void *arg, int level, const char *category, const char *text)
{
	(void)level;
	(void)category;
	*(unsigned *)arg += !strcmp(text, "a line");
}

static unsigned lines_of(unsigned *n)
{
	*n = 0;
	log_error("a line");
	log_warning("a line");
	return *n;
}

static struct sidetone_loop *loop_with_log(unsigned *n)
{
	struct sidetone_loop *l = NULL;

	if (sidetone_loop_new(&l, &(struct sidetone_loop_options){ .log = n ? count_line : NULL, .log_arg = n }, NULL, 0))
		GOT(NULL);
	return l;
}

/* Loops come and go; the last one that has asked for lines has them while it lives. */
static void lines_of_several_loops(void **state)
{
	struct sidetone_loop *first, *second, *silent;
	unsigned n = 0, m = 0;

	(void)state;
	first = loop_with_log(&n);
	silent = loop_with_log(NULL);
	assert_int_equal(lines_of(&n), 2);
	sidetone_loop_free(silent);
	assert_int_equal(lines_of(&n), 2);
	assert_int_equal(sidetone_loop_new(&silent, &(struct sidetone_loop_options){ .log = count_line, .log_arg = &m, .from = "x" },
					   NULL, 0), EINVAL);
	assert_int_equal(lines_of(&n), 2);
	second = loop_with_log(&m);
	assert_int_equal(lines_of(&n), 0);
	sidetone_loop_free(first);
	assert_int_equal(lines_of(&m), 2);
	sidetone_loop_free(second);
	assert_int_equal(log_mask(), 0);
	assert_int_equal(lines_of(&m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_protocol), cmocka_unit_test(encrypted), cmocka_unit_test(nobody_there),
		cmocka_unit_test(closed_is_silent), cmocka_unit_test(addresses), cmocka_unit_test(time_and_hashes),
		cmocka_unit_test(runs_until_stopped), cmocka_unit_test(wrong_options), cmocka_unit_test(lines_for_who_asks),
		cmocka_unit_test(lines_of_several_loops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
