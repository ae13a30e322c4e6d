/* Datagrams, and transports that come and go: sockets on loopback, with and without io threads. */
#include "net_stage.h"
#include "base/obj.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

static void udp_echo(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c;
		int fd = client(SOCK_DGRAM, "127.0.0.1:0");

		world_start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
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
		world_end(&w);
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
		struct net_world w;
		struct sa to = addr(tv[k].to);
		struct net_path path = { .proto = NET_UDP };
		struct net_bytes *b;
		int fd = client(SOCK_DGRAM, tv[k].from);

		world_start(&w, modes[i / ARRAY_LEN(tv)], NULL, NET_UDP, tv[k].bind);
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
		world_end(&w);
	}
}

static void udp_many(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		unsigned back = 0;
		char in[64];
		int fd = client(SOCK_DGRAM, "127.0.0.1:0");

		world_start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
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
		world_end(&w);
	}
}

static void udp_errors(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_path path = { .proto = NET_UDP };
		struct net_bytes *b, *big;
		struct net_listen_prm prm = { .proto = NET_UDP, .tos = 0x60, .cos = 3 };
		struct net_counters c;
		uint32_t id;

		world_start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
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
		world_end(&w);
	}
}

static void unlisten_inside_a_handler(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		int fd = client(SOCK_DGRAM, "127.0.0.1:0");

		world_start(&w, modes[m], NULL, NET_UDP, "127.0.0.1:0");
		assert_int_equal(connect(fd, &w.bound.u.s, sa_len(&w.bound)), 0);
		w.unlisten = true;
		w.echo = false;
		for (unsigned i = 0; i < 10; i++)
			say(fd, "x");
		UNTIL(&w, w.got >= 1);
		assert_int_equal(net_unlisten(w.net, w.id), ENOENT);
		assert_false(net_transport_addr(w.net, w.id, &w.bound));
		close(fd);
		world_end(&w);
	}
}

/* A reload changes a transport: its address is free at once. */
static void rebind(void **state)
{
	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++)
		for (unsigned i = 0; i < 100; i++) {
			struct net_world w;
			struct net_listen_prm prm = { .proto = i & 1 ? NET_TCP : NET_UDP, .tos = -1, .cos = -1 };
			uint32_t id;

			world_start(&w, modes[m], NULL, prm.proto, "0.0.0.0:0");
			prm.bind = addr("127.0.0.1");
			sa_set_port(&prm.bind, sa_port(&w.bound));
			uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
			assert_int_equal(net_unlisten(w.net, w.id), 0);
			assert_int_equal(net_listen(w.net, &prm, &id, NULL), 0);
			assert_int_not_equal(id, w.id);
			world_end(&w);
		}
}

/* One message a second and five at once; for whoever is trusted as many as come. */
static void udp_strangers(void **state)
{
	const struct net_limits limits = { .stranger_rate = 1 };

	(void)state;
	for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
		struct net_world w;
		struct net_counters c = { 0 };
		int fd = client(SOCK_DGRAM, "127.0.0.1:0"), other = client(SOCK_DGRAM, "127.0.0.2:0");
		struct sa peer = addr("127.0.0.1:9");

		world_start(&w, modes[m], &limits, NET_UDP, "127.0.0.1:0");
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
		world_end(&w);
	}
}

/* One that sends 300 at once fills nobody's queue but its own: the other's one message
 * behind them all is served as the second. */
static void udp_flood_and_another(void **state)
{
	struct net_world w;
	struct net_counters c = { 0 };
	int fd = client(SOCK_DGRAM, "127.0.0.1:0"), other = client(SOCK_DGRAM, "127.0.0.2:0");

	(void)state;
	world_start(&w, 0, NULL, NET_UDP, "127.0.0.1:0");
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
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(udp_echo), cmocka_unit_test(udp_wildcard), cmocka_unit_test(udp_many),
		cmocka_unit_test(udp_errors), cmocka_unit_test(unlisten_inside_a_handler), cmocka_unit_test(rebind),
		cmocka_unit_test(udp_strangers), cmocka_unit_test(udp_flood_and_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
