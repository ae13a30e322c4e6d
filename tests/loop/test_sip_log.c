/* Which SIP messages are shown: debug= of [global], over reloads, and what the console says in its place. */
#include "svc_wire.h"
#include "base/clock.h"
#include "net/dns.h"
#include "service/common/sip_pcap.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define HEAD WIRE_UDP "[global]\ntype=global\n"
#define NEAR "192.0.2.7:5060"
#define FAR "198.51.100.9:5060"

static struct wire t;
static char logged[16384];
static unsigned mask;

static void keep_log(void *arg, enum log_level level, const char *module, int verbosity, struct str line)
{
	size_t n = strlen(logged);

	(void)arg;
	(void)verbosity;
	if (level == LOG_VERBOSE && !strcmp(module, "pjsip"))
		snprintf(logged + n, sizeof(logged) - n, "%.*s\n", STR_ARG(line));
}

static int setup(void **state)
{
	(void)state;
	mask = log_mask();
	log_set_sink(keep_log, NULL);
	log_set_mask(mask | 1u << LOG_VERBOSE);
	wire_open(&t, "[default]\nexten => 1,1,Answer()\n", HEAD);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	log_set_sink(NULL, NULL);
	log_set_mask(mask);
	return 0;
}

/* What is shown of a request and its response. */
static const char *shown(const char *peer, const char *method)
{
	static unsigned n;
	char text[512];

	logged[0] = 0;
	n++;
	snprintf(text, sizeof(text), "%s sip:x@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKl%u;rport\r\n"
		 "From: <sip:y@x>;tag=1\r\nTo: <sip:x@x>\r\nCall-ID: l%u\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n"
		 "Content-Length: 0\r\n\r\n", method, peer, n, n, method);
	wire_come(&t, peer, text);
	return logged;
}

static void shows(const char *peer, const char *method)
{
	const char *text = shown(peer, method);
	char want[64];

	assert_non_null(strstr(text, "<--- Received SIP request ("));
	assert_non_null(strstr(text, "<--- Transmitting SIP response ("));
	snprintf(want, sizeof(want), "CSeq: 1 %s\n", method);
	assert_non_null(strstr(text, want));
}

static void hides(const char *peer, const char *method)
{
	assert_string_equal(shown(peer, method), "");
}

static void as_configured(void **state)
{
	(void)state;
	hides(NEAR, "OPTIONS");
	wire_reload(&t, HEAD "debug=yes\n");
	shows(NEAR, "OPTIONS");
	shows(FAR, "OPTIONS");
	wire_reload(&t, HEAD "debug=192.0.2.7\n");
	shows(NEAR, "OPTIONS");
	hides(FAR, "OPTIONS");
	wire_reload(&t, HEAD "debug=198.51.100.0/24\n");
	hides(NEAR, "OPTIONS");
	shows(FAR, "OPTIONS");
	wire_reload(&t, HEAD "debug=192.0.2.7:5061\n");
	hides(NEAR, "OPTIONS");
	wire_reload(&t, HEAD "debug=not/an/address\n");
	hides(NEAR, "OPTIONS");
	wire_reload(&t, HEAD "debug=no\n");
	hides(NEAR, "OPTIONS");
}

static void at_the_start(void **state)
{
	(void)state;
	wire_close(&t);
	wire_open(&t, "[default]\nexten => 1,1,Answer()\n", HEAD "debug=yes\n");
	shows(NEAR, "OPTIONS");
}

static void the_console_decides(void **state)
{
	(void)state;
	sip_log_all(&t.svc->wire.log);
	wire_reload(&t, HEAD "debug=no\n");
	shows(NEAR, "OPTIONS");
	sip_log_off(&t.svc->wire.log);
	wire_reload(&t, HEAD "debug=yes\n");
	hides(NEAR, "OPTIONS");
}

static void by_host(void **state)
{
	struct sip_log *l = &t.svc->wire.log;

	(void)state;
	assert_int_equal(sip_log_host(l, NULL, STR("192.0.2.7"), false), 0);
	shows(NEAR, "OPTIONS");
	hides(FAR, "OPTIONS");
	assert_int_equal(sip_log_host(l, NULL, STR("198.51.100.0/24"), true), 0);
	shows(NEAR, "OPTIONS");
	shows(FAR, "OPTIONS");
	assert_int_equal(sip_log_host(l, NULL, STR("198.51.100.9"), false), 0);
	hides(NEAR, "OPTIONS");
	shows(FAR, "OPTIONS");
	assert_int_equal(sip_log_host(l, NULL, STR("name.test"), true), EINVAL);        /* nobody to ask */
	assert_int_equal(sip_log_host(l, NULL, STR("!10.0.0.1"), true), EINVAL);
	while (l->hosts < SIP_LOG_HOSTS)
		assert_int_equal(sip_log_host(l, NULL, STR("10.0.0.1"), true), 0);
	assert_int_equal(sip_log_host(l, NULL, STR("10.0.0.1"), true), ENOSPC);
}

static void by_method(void **state)
{
	struct sip_log *l = &t.svc->wire.log;

	(void)state;
	assert_int_equal(sip_log_method(l, STR("options"), false), 0);
	shows(NEAR, "OPTIONS");
	hides(NEAR, "MESSAGE");
	assert_int_equal(sip_log_method(l, STR("MESSAGE"), true), 0);
	shows(NEAR, "OPTIONS");
	shows(NEAR, "MESSAGE");
	assert_int_equal(sip_log_method(l, STR("MESSAGE"), true), EEXIST);
	assert_int_equal(sip_log_method(l, STR("MESSAGE"), false), 0);
	hides(NEAR, "OPTIONS");
	/* Both must fit. */
	assert_int_equal(sip_log_host(l, NULL, STR("198.51.100.9"), false), 0);
	hides(NEAR, "MESSAGE");
	shows(FAR, "MESSAGE");
	hides(FAR, "OPTIONS");
	while (l->methods < SIP_LOG_METHODS) {
		char name[16];

		snprintf(name, sizeof(name), "M%zu", l->methods);
		assert_int_equal(sip_log_method(l, str_z(name), true), 0);
	}
	assert_int_equal(sip_log_method(l, STR("INFO"), true), ENOSPC);
}

static void by_name(void **state)
{
	static const struct str nobody[] = { STR_INIT("127.0.0.1@1") };
	char path[] = "/tmp/sidetone-test-XXXXXX";
	int fd = mkstemp(path);
	struct dns_prm prm = { .hosts = str_z(path), .nameserver = nobody, .nameservers = 1, .timeout_ms = 500 };
	uint64_t end = clock_ms(clock_real()) + 20000;
	struct dns *d = NULL;

	(void)state;
	assert_int_equal(write(fd, "192.0.2.7 near.test\n", 20), 20);
	close(fd);
	assert_int_equal(dns_new(&d, t.w.loop, &prm), 0);
	unlink(path);
	t.svc->resolver.dns = d;
	wire_reload(&t, HEAD "debug=near.test\n");
	while (!shown(NEAR, "OPTIONS")[0]) {
		assert_true(clock_ms(clock_real()) < end);
		poll(NULL, 0, 1);
		world_turn(&t.w);
	}
	hides(FAR, "OPTIONS");
	assert_int_equal(sip_log_host(&t.svc->wire.log, d, STR("far.test"), false), 0);
	sip_log_off(&t.svc->wire.log);  /* while it is asked for */
	t.svc->resolver.dns = NULL;
	dns_free(d);
	world_turn(&t.w);
}

/* An IPv4 packet of UDP in an Ethernet frame, as Wireshark reads it. */
static void check_record(const uint8_t **p, const uint8_t *end, struct str begins, uint16_t port)
{
	uint32_t n;

	assert_true(end - *p > 16 + 42);
	memcpy(&n, *p + 8, 4);
	assert_memory_equal(*p + 8, *p + 12, 4);
	assert_true(end - *p >= 16 + (long)n);
	*p += 16;
	assert_int_equal((*p)[12] << 8 | (*p)[13], 0x0800);
	assert_int_equal((*p)[14], 0x45);
	assert_int_equal((*p)[16] << 8 | (*p)[17], (int)n - 14);
	assert_int_equal((*p)[23], 17);
	assert_int_equal((*p)[34] << 8 | (*p)[35], port);
	assert_int_equal((*p)[38] << 8 | (*p)[39], (int)n - 34);
	assert_memory_equal(*p + 42, begins.p, begins.n);
	*p += n;
}

static void into_a_file(void **state)
{
	struct sip_log *l = &t.svc->wire.log;
	char dir[] = "/tmp/sidetone-test-XXXXXX", path[64];
	uint8_t bytes[8192];
	const uint8_t *p = bytes;
	uint32_t magic;
	ssize_t n;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/none/x", dir);
	assert_int_equal(sip_log_pcap(l, path), ENOENT);
	snprintf(path, sizeof(path), "%s/sip.pcap", dir);
	assert_int_equal(sip_log_pcap(l, path), 0);
	sip_log_all(l);
	sip_log_verbose(l, false);
	hides(NEAR, "OPTIONS");
	sip_log_verbose(l, true);
	shows(NEAR, "OPTIONS");
	sip_log_off(l);
	hides(NEAR, "OPTIONS");
	fd = open(path, O_RDONLY);
	n = read(fd, bytes, sizeof(bytes));
	close(fd);
	unlink(path);
	rmdir(dir);
	assert_true(n > 24);
	memcpy(&magic, bytes, 4);
	assert_int_equal(magic, 0xa1b2c3d4);
	p += 24;
	for (unsigned i = 0; i < 2; i++) {
		check_record(&p, bytes + n, STR("OPTIONS sip:"), 5060);
		check_record(&p, bytes + n, STR("SIP/2.0 401 "), 5060);
	}
	assert_ptr_equal(p, bytes + n);
}

/* A connection over IPv6: packets of UDP all the same; what is too long for one is cut. */
static void of_any_kind(void **state)
{
	struct net_path path = { .proto = NET_TCP };
	static char big[70000];
	uint8_t bytes[128];
	uint32_t n[2];
	int fd[2];

	(void)state;
	memset(big, 'x', sizeof(big));
	assert_int_equal(sa_parse(&path.peer, STR("[2001:db8::1]:5070")), 0);
	assert_int_equal(sa_parse(&path.local, STR("[2001:db8::2]:5060")), 0);
	assert_int_equal(pipe(fd), 0);
	assert_int_equal(sip_pcap_write(fd[1], true, &path, STR("hello")), 0);
	assert_int_equal(read(fd[0], bytes, sizeof(bytes)), 16 + 14 + 40 + 8 + 5);
	assert_int_equal(bytes[16 + 12] << 8 | bytes[16 + 13], 0x86dd);
	assert_memory_equal(bytes + 30 + 8, &path.local.u.in6.sin6_addr, 16);
	assert_memory_equal(bytes + 30 + 24, &path.peer.u.in6.sin6_addr, 16);
	assert_int_equal(bytes[30 + 42] << 8 | bytes[30 + 43], 5070);
	fcntl(fd[1], F_SETPIPE_SZ, 1 << 18);
	assert_int_equal(sip_pcap_write(fd[1], true, &path, str_mk(big, sizeof(big))), 0);
	assert_int_equal(read(fd[0], bytes, 16), 16);
	memcpy(n, bytes + 8, 8);
	assert_int_equal(n[0], 14 + 40 + 8 + 65507);
	assert_int_equal(n[1], 14 + 40 + 8 + 70000);
	close(fd[0]);
	close(fd[1]);
	assert_int_not_equal(sip_pcap_write(-1, true, &path, STR("hello")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(as_configured), T(at_the_start), T(the_console_decides), T(by_host), T(by_method), T(by_name),
		T(into_a_file), T(of_any_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
