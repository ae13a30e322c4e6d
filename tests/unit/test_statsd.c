/* The client of StatsD over real sockets: its server by address and by name, and each option of
 * statsd.conf. */
#include "net/statsd.h"
#include "config/settings.h"
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static struct loop *loop;
static struct dns *dns;
static struct statsd *st;
static char dir[] = "/tmp/test_statsd.XXXXXX", hosts[64], conf[64];
static int fd;
static unsigned port;

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int up(void **state)
{
	struct dns_prm dp = { .hosts = STR_NULL, .timeout_ms = 300 };
	struct sa a;
	socklen_t n = sizeof(a);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(hosts, sizeof(hosts), "%s/hosts", dir);
	snprintf(conf, sizeof(conf), "%s/statsd.conf", dir);
	put(hosts, "127.0.0.1 stats.test\n");
	dp.hosts = str_z(hosts);
	loop = loop_new(clock_real());
	assert_non_null(loop);
	assert_int_equal(dns_new(&dns, loop, &dp), 0);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(sa_parse(&a, STR("127.0.0.1")), 0);
	assert_int_equal(bind(fd, &a.u.s, sa_len(&a)), 0);
	assert_int_equal(getsockname(fd, &a.u.s, &n), 0);
	port = sa_port(&a);
	return 0;
}

static int down(void **state)
{
	(void)state;
	close(fd);
	dns_free(dns);
	loop_free(loop);
	unlink(hosts);
	unlink(conf);
	return rmdir(dir);
}

/* What came, or "" after the last of it. */
static const char *received(void)
{
	static char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

/* Turns the loop until a datagram is there; how many turns does not matter. */
static const char *wait_for_one(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < 500 && !poll(&p, 1, 10); i++)
		uv_run(loop_uv(loop), UV_RUN_NOWAIT);
	return received();
}

/* `text` becomes statsd.conf; each %u of it the port. */
static int configure(const char *text)
{
	struct config_prm prm = { .dir = dir };
	struct statsd_conf *c = NULL;
	char room[512];
	int err;

	snprintf(room, sizeof(room), text, port);
	put(conf, room);
	assert_int_equal(statsd_conf_load(&c, &prm, NULL), 0);
	err = statsd_configure(st, &(struct statsd_prm){ .enabled = c->enabled, .add_newline = c->add_newline,
		.meter_support = c->meter_support, .server = c->server, .prefix = c->prefix });
	obj_drop(c);
	return err;
}

static void tell(void)
{
	statsd_send(st, STATSD_GAUGE, STR("a"), STR("+1"), 1);
}

#define SERVER "[general]\nenabled=yes\nserver=127.0.0.1:%u\n"

static void options(void **state)
{
	static const struct { const char *conf, *gauge, *meter; } rows[] = {
		{ SERVER, "a:+1|g", "b:1|m" },
		{ SERVER "prefix=pbx.one\n", "pbx.one.a:+1|g", "pbx.one.b:1|m" },
		{ SERVER "add_newline=yes\n", "a:+1|g\n", "b:1|m\n" },
		{ SERVER "meter_support=no\n", "a:+1|g", "b_meter:1|c" },
		{ "[general]\nserver=127.0.0.1:%u\n", "", "" },
		{ SERVER "enabled=no\n", "", "" },
	};

	(void)state;
	assert_int_equal(statsd_new(&st, loop, dns, NULL, NULL), 0);
	tell();                         /* nobody is told yet */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(configure(rows[i].conf), 0);
		tell();
		assert_string_equal(received(), rows[i].gauge);
		statsd_number(st, STATSD_METER, STR("b"), 1);
		assert_string_equal(received(), rows[i].meter);
	}
	statsd_step(NULL, "a", "b", "c");
	statsd_send(NULL, STATSD_SET, STR("a"), STR("b"), 1);
	statsd_free(st);
}

/* What is told meanwhile waits, in order. */
static void by_name(void **state)
{
	(void)state;
	assert_int_equal(statsd_new(&st, loop, dns, NULL, NULL), 0);
	assert_int_equal(configure("[general]\nenabled=yes\nserver=stats.test:%u\n"), 0);
	tell();
	statsd_number(st, STATSD_TIMER, STR("b"), -7);
	assert_string_equal(received(), "");
	assert_string_equal(wait_for_one(), "a:+1|g");
	assert_string_equal(wait_for_one(), "b:-7|ms");
	tell();
	assert_string_equal(received(), "a:+1|g");
	/* Another one while a look-up is under way, and the end of it all. */
	assert_int_equal(configure("[general]\nenabled=yes\nserver=stats.test:%u\n"), 0);
	tell();
	assert_int_equal(configure(SERVER), 0);
	tell();
	assert_string_equal(wait_for_one(), "a:+1|g");
	assert_string_equal(received(), "");
	assert_int_equal(configure("[general]\nenabled=yes\nserver=stats.test:%u\n"), 0);
	tell();
	statsd_free(st);
}

/* No more than a bound of it, whatever is told. */
static void waiting_is_bounded(void **state)
{
	char value[1000];

	(void)state;
	memset(value, '1', sizeof(value));
	assert_int_equal(statsd_new(&st, loop, dns, NULL, NULL), 0);
	assert_int_equal(configure("[general]\nenabled=yes\nserver=nowhere.invalid\n"), 0);
	for (int i = 0; i < 200; i++)
		statsd_send(st, STATSD_SET, STR("a"), str_mk(value, sizeof(value)), 1);
	statsd_free(st);
}

static void servers(void **state)
{
	static const struct { const char *server; int err; const char *host; uint16_t port; bool address; } rows[] = {
		{ "127.0.0.1", 0, "", 8125, true }, { "127.0.0.1:9", 0, "", 9, true }, { "::1", 0, "", 8125, true },
		{ "[::1]:77", 0, "", 77, true }, { "stats.test", 0, "stats.test", 8125, false },
		{ "stats_1.test:80", 0, "stats_1.test", 80, false }, { "", EINVAL, "", 0, false }, { ":80", EINVAL, "", 0, false },
		{ "a b", EINVAL, "", 0, false }, { "a:0", EINVAL, "", 0, false }, { "a:65536", EINVAL, "", 0, false },
		{ "a:x", EINVAL, "", 0, false }, { "a:", EINVAL, "", 0, false }, { "a/b", EINVAL, "", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str host;
		uint16_t at;
		struct sa a;

		assert_int_equal(statsd_server(str_z(rows[i].server), &a, &host, &at), rows[i].err);
		if (rows[i].err)
			continue;
		assert_true(str_eq(host, str_z(rows[i].host)));
		assert_int_equal(at, rows[i].port);
		assert_int_equal(sa_is_set(&a), rows[i].address);
	}
	assert_int_equal(statsd_new(&st, loop, NULL, NULL, NULL), 0);
	assert_int_equal(configure("[general]\nenabled=yes\nserver=stats.test:%u\n"), EINVAL);  /* nobody to ask */
	assert_false(statsd_enabled(st));
	statsd_free(st);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(options), cmocka_unit_test(by_name),
		cmocka_unit_test(waiting_is_bounded), cmocka_unit_test(servers) };

	return cmocka_run_group_tests(tests, up, down);
}
