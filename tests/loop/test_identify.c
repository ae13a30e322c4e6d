/* Whose endpoint a request is: by address, host name, header, Request-URI, name and
 * domain, in the order that the configuration gives. */
#include "svc_wire.h"
#include "net/dns.h"
#include "service/common/lookup.h"
#include "service/common/reason.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define HEAD WIRE_UDP \
	"[e](!)\ntype=endpoint\nallow=ulaw\n[one](e)\n[two](e)\n[i](!)\ntype=identify\nendpoint=one\n[j](i)\nendpoint=two\n" \
	"match=198.51.100.99\n"
#define PEER "192.0.2.1:5060"

static struct wire t;
static unsigned serial;

static int setup(void **state)
{
	(void)state;
	wire_open(&t, "", HEAD);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

/* "METHOD RULE" by which the newest request of that peer was taken, "" when by none: from
 * "... ENDPOINT: by METHOD: 'RULE'". The next call's buffer. */
static const char *taken_by(const char *peer)
{
	static char out[128];
	char room[1024];
	struct buf b;
	struct str all, method, rule;

	buf_init(&b, room, sizeof(room), sizeof(room));
	reasons_explain(t.svc->reasons, str_z(peer), 1, &b);
	all = buf_view(&b);
	method = str_skip(all, str_find(all, STR(": by ")));
	if (!method.n)
		return "";
	method = str_skip(method, 5);
	all = str_cut_raw(&method, ':');
	(void)str_cut_raw(&method, '\'');
	rule = str_cut_raw(&method, '\'');
	snprintf(out, sizeof(out), "%.*s %.*s", STR_ARG(all), STR_ARG(rule));
	return out;
}

/* An OPTIONS. `more`: whole header lines. */
static const char *asked(const char *peer, const char *from, const char *uri, const char *more)
{
	char text[1024];

	serial++;
	snprintf(text, sizeof(text), "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%u\r\nFrom: <%s>;tag=a\r\n"
		 "To: <sip:127.0.0.1>\r\nCall-ID: i%u\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		 uri, peer, serial, from, serial, more);
	wire_forget(&t);
	wire_come(&t, peer, text);
	return taken_by(peer);
}

static const char *from(const char *who)
{
	return asked(PEER, who, "sip:127.0.0.1", "");
}

static const char *with(const char *more)
{
	return asked(PEER, "sip:x@127.0.0.1", "sip:127.0.0.1", more);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void by_header(void **state)
{
	(void)state;
	wire_reload(&t, HEAD "[plain](i)\nmatch_header=X-Who: me\n[either](i)\nmatch_header=X-Who: /^y.*u$/\n"
		    "[lost]\ntype=identify\nendpoint=nobody\nmatch_header=X-Who: them\n");
	assert_string_equal(with("X-Who: me\r\n"), "header plain");
	assert_string_equal(with("x-who:   me \r\n"), "header plain");
	assert_string_equal(with("X-Who: you\r\n"), "header either");
	assert_string_equal(with("X-Who: him\r\nX-Who: you\r\n"), "header either");
	assert_string_equal(with("X-Who: them\r\n"), "");
	assert_string_equal(with("X-Other: me\r\n"), "");
}

static void by_request_uri(void **state)
{
	(void)state;
	wire_reload(&t, HEAD "[plain](i)\nmatch_request_uri=sip:one@127.0.0.1\n"
		    "[either](i)\nmatch_request_uri=/^sip:[0-9]+@/\n");
	assert_string_equal(asked(PEER, "sip:x@y", "sip:one@127.0.0.1", ""), "request_uri plain");
	assert_string_equal(asked(PEER, "sip:x@y", "sip:123@127.0.0.1", ""), "request_uri either");
	assert_string_equal(asked(PEER, "sip:x@y", "sip:one@127.0.0.2", ""), "");
}

static void by_address(void **state)
{
	(void)state;
	wire_reload(&t, HEAD "[all](i)\nmatch=!192.0.2.9\nmatch=192.0.2.0/24\n[six](i)\nmatch=2001:db8::/32\n");
	assert_string_equal(with(""), "ip all");
	assert_string_equal(asked("192.0.2.9:5060", "sip:x@y", "sip:127.0.0.1", ""), "");
	assert_string_equal(asked("198.51.100.99:5060", "sip:x@y", "sip:127.0.0.1", ""), "ip j");
	assert_string_equal(asked("203.0.113.1:5060", "sip:x@y", "sip:127.0.0.1", ""), "");
}

static void by_name_and_domain(void **state)
{
	(void)state;
	wire_reload(&t, HEAD "[two@a.example](e)\n[other]\ntype=domain_alias\ndomain=a.example\n");
	assert_string_equal(from("sip:two@elsewhere"), "username two");
	assert_string_equal(from("sip:two@a.example"), "username two");
	assert_string_equal(from("sip:nobody@a.example"), "");
	/* Only in its domain, or one that is the same, or the transport's own. */
	wire_reload(&t, "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\nallow_reload=yes\n"
		    "[e](!)\ntype=endpoint\nallow=ulaw\n[three@a.example](e)\n[other]\ntype=domain_alias\ndomain=a.example\n");
	assert_string_equal(from("sip:three@a.example"), "username three");
	assert_string_equal(from("sip:three@other"), "username three");
	assert_string_equal(from("sip:three@elsewhere"), "");
	wire_reload(&t, "[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\nallow_reload=yes\ndomain=a.example\n"
		    "[e](!)\ntype=endpoint\nallow=ulaw\n[three@a.example](e)\n");
	assert_string_equal(from("sip:three@elsewhere"), "username three");
	wire_reload(&t, "[global]\ntype=global\ndisable_multi_domain=yes\n" HEAD "[three@a.example](e)\n");
	assert_string_equal(from("sip:three@a.example"), "");
}

/* The endpoint says which ways lead to it. */
static void by_what_it_permits(void **state)
{
	(void)state;
	wire_reload(&t, HEAD "[deaf](e)\nidentify_by=ip\n");
	assert_string_equal(from("sip:one@x"), "username one");
	assert_string_equal(from("sip:deaf@x"), "");
}

static void in_order(void **state)
{
	static const char rest[] = HEAD "[byip](j)\nmatch=192.0.2.1\n[byhead](j)\nmatch_header=X-Who: me\n";
	char text[1024];

	(void)state;
	wire_reload(&t, rest);
	assert_string_equal(asked(PEER, "sip:one@x", "sip:127.0.0.1", "X-Who: me\r\n"), "ip byip");
	snprintf(text, sizeof(text), "[global]\ntype=global\nendpoint_identifier_order=username,header\n%s", rest);
	wire_reload(&t, text);
	assert_string_equal(asked(PEER, "sip:one@x", "sip:127.0.0.1", "X-Who: me\r\n"), "username one");
	assert_string_equal(asked(PEER, "sip:x@x", "sip:127.0.0.1", "X-Who: me\r\n"), "header byhead");
	/* What is not named comes after. */
	assert_string_equal(asked(PEER, "sip:x@x", "sip:127.0.0.1", ""), "ip byip");
}

/* ---- host names: libunbound answers from a file, on a thread of its own ---------------------- */

static struct dns *dns_with(const char *names)
{
	static const struct str nobody[] = { STR_INIT("127.0.0.1@1") };
	char path[] = "/tmp/sidetone-test-XXXXXX";
	int fd = mkstemp(path);
	struct dns_prm prm = { .hosts = str_z(path), .nameserver = nobody, .nameservers = 1, .timeout_ms = 500 };
	struct dns *d = NULL;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, names, strlen(names)), (int)strlen(names));
	close(fd);
	assert_int_equal(dns_new(&d, t.w.loop, &prm), 0);
	unlink(path);
	return d;
}

static void forget_names(struct dns *d)
{
	wire_reload(&t, HEAD);
	t.svc->resolver.dns = NULL;
	dns_free(d);
	world_turn(&t.w);
}

/* Ask until that is the answer; the thread takes what time it takes. */
static void becomes(const char *peer, const char *answer)
{
	uint64_t end = clock_ms(clock_real()) + 20000;

	while (strcmp(asked(peer, "sip:x@y", "sip:127.0.0.1", ""), answer)) {
		if (clock_ms(clock_real()) > end)
			fail_msg("%s is taken by '%s', not by '%s'", peer, taken_by(peer), answer);
		poll(NULL, 0, 1);
		world_turn(&t.w);
	}
}

static void by_host_name(void **state)
{
	struct dns *d = dns_with("192.0.2.50 trunk.test\n192.0.2.51 spare.test\n");

	(void)state;
	t.svc->resolver.dns = d;
	t.svc->resolver.lookup = lookup_over_dns(d);
	wire_reload(&t, HEAD "[trunk](i)\nmatch=trunk.test\nsrv_lookups=no\n[spare](j)\nmatch=spare.test\n"
		    "match=unknown.test\nsrv_lookups=no\n");
	becomes("192.0.2.50:5060", "ip trunk");
	becomes("192.0.2.51:5060", "ip spare");
	assert_string_equal(asked("192.0.2.52:5060", "sip:x@y", "sip:127.0.0.1", ""), "");
	/* One that is not found shuts out nobody, and is asked for again. */
	world_pass(&t.w, 61000);
	assert_string_equal(asked("192.0.2.50:5060", "sip:x@y", "sip:127.0.0.1", ""), "ip trunk");
	/* A reload keeps what it knows. */
	wire_reload(&t, HEAD "[trunk](i)\nmatch=trunk.test\nsrv_lookups=no\n");
	assert_string_equal(asked("192.0.2.50:5060", "sip:x@y", "sip:127.0.0.1", ""), "ip trunk");
	assert_string_equal(asked("192.0.2.51:5060", "sip:x@y", "sip:127.0.0.1", ""), "");
	forget_names(d);
	assert_string_equal(asked("192.0.2.50:5060", "sip:x@y", "sip:127.0.0.1", ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(by_header), T(by_request_uri), T(by_address), T(by_name_and_domain), T(by_what_it_permits), T(in_order),
		T(by_host_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
