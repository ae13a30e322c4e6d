/* STUN and TURN servers of rtp.conf: when they are asked, and where what they say goes. */
#include "ice_alice.h"
#include <errno.h>
#include "pbx/dialplan.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

/* A STUN server is asked from the port of the call, and no more when a list says so. */
static void stun_asked(const char *more, bool asked)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char text[256];
	uint8_t p[256];
	ssize_t got;

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "[general]\nstunaddr=127.0.0.1:%u\nice_deny=0.0.0.0/0,::/0\nice_permit=127.0.0.0/8\n%s",
		 ntohs(a.sin_port), more);
	rtp_conf(text);
	alice("INVITE", "up", 1, "Supported: trickle-ice\r\n", agents_sdp());
	learn_tag();
	world_pass(&t.w, 200);
	got = recv(fd, p, sizeof(p), 0);
	if (asked) {
		struct stun_msg m;

		assert_true(got > 0);
		assert_int_equal(stun_parse(&m, p, (size_t)got), 0);
		assert_int_equal(m.method, STUN_BINDING);
		assert_int_equal(m.software.n > 0, !strstr(more, "software"));
	} else {
		assert_true(got < 0);
	}
	alice("ACK", "up", 1, "", "");
	alice("BYE", "up", 2, "", "");
	alice_starts_anew();
	close(fd);
}

static void test_stun(void **state)
{
	(void)state;
	stun_asked("", true);
	stun_asked("stun_software_attribute=no\n", true);
	stun_asked("stun_deny=127.0.0.0/8\n", false);
	stun_asked("stun_deny=0.0.0.0/0\nstun_permit=127.0.0.0/8\n", true);
	stun_asked("stun_acl=nowhere\n", false);
}

/* ---- a STUN server of the test */

static struct sa seen;          /* what it says of whoever asks */

static int stun_begins(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(a);
	char text[64];

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "[general]\nstunaddr=127.0.0.1:%u\n", ntohs(a.sin_port));
	rtp_conf(text);
	assert_int_equal(sa_parse(&seen, STR("203.0.113.7:7777")), 0);
	return fd;
}

/* Answers what came. Each component is seen at a port of its own. */
static unsigned stun_serves(int fd)
{
	struct sockaddr_in who;
	socklen_t n = sizeof(who);
	uint8_t p[512], q[256];
	unsigned served = 0;
	struct stun_out o;
	struct stun_msg m;
	ssize_t got;

	for (; (got = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&who, &n)) > 0; n = sizeof(who)) {
		assert_int_equal(stun_parse(&m, p, (size_t)got), 0);
		stun_begin(&o, q, sizeof(q), STUN_SUCCESS, STUN_BINDING, m.id);
		stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &seen);
		assert_true(sendto(fd, q, stun_end(&o), 0, (struct sockaddr *)&who, n) > 0);
		sa_set_port(&seen, (uint16_t)(sa_port(&seen) + 1));
		served++;
	}
	return served;
}

static const char *one_host(void)
{
	snprintf(sdp_text, sizeof(sdp_text),
		 SDP_HEAD "m=audio %u RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
		 "a=candidate:1 1 UDP 2130706431 127.0.0.1 %u typ host\r\n", sa_port(&peer.at), sa_port(&peer.at));
	return sdp_text;
}

/* Who takes no candidates by INFO gets the answer when all of them are known: the dialplan begins then. */
static void test_answer_waits(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "up", 1, "", one_host());
	world_pass(&t.w, 100);
	assert_int_equal(status(SIP_INVITE), 100);
	assert_int_equal(stun_serves(fd), 1);           /* RTCP has no port of its own */
	world_pass(&t.w, 20);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	assert_true(has(answered(), " 203.0.113.7 7777 typ srflx raddr 127.0.0.1 "));
	assert_true(has(answered(), "a=end-of-candidates"));
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 1000);
	assert_true(request(SIP_INFO, 5061) == SIZE_MAX);
	close(fd);
}

/* A server that says nothing costs two seconds, and no call. */
static void test_silent_server(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "up", 1, "", one_host());
	world_pass(&t.w, 1900);
	assert_int_equal(status(SIP_INVITE), 100);
	world_pass(&t.w, 200);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	assert_true(has(answered(), "typ host"));
	close(fd);
}

/* Somebody sends it elsewhere while it waits: its dialplan has begun then. */
static void test_redirected_while_it_waits(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "up", 1, "", one_host());
	world_pass(&t.w, 100);
	assert_int_equal(pbx_start(only_channel()), 0);
	world_pass(&t.w, 3000);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(channels(), 1);
	close(fd);
}

/* Alice hangs up while it waits. */
static void test_cancelled_while_it_waits(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "up", 1, "", one_host());
	world_pass(&t.w, 100);
	alice("CANCEL", "up", 1, "", "");
	assert_int_equal(status(SIP_INVITE), 487);
	alice("ACK", "up", 1, "", "");
	world_pass(&t.w, 3000);
	assert_int_equal(channels(), 0);
	close(fd);
}

/* Our INVITE leaves with all that servers say, of both components. */
static void test_offer_waits(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	assert_true(request(SIP_INVITE, BOB) == SIZE_MAX);
	for (int i = 0; i < 20; i++) {
		world_pass(&t.w, 10);
		stun_serves(fd);
	}
	assert_true(has(requested(SIP_INVITE, BOB)->body, " 1 UDP 1694498815 203.0.113.7 7777 typ srflx "));
	assert_true(has(requested(SIP_INVITE, BOB)->body, " 2 UDP 1694498814 203.0.113.7 7778 typ srflx "));
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=end-of-candidates"));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	close(fd);
}

static void test_offer_to_the_silence(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	world_pass(&t.w, 1900);
	assert_true(request(SIP_INVITE, BOB) == SIZE_MAX);
	world_pass(&t.w, 200);
	assert_true(has(requested(SIP_INVITE, BOB)->body, "typ host"));
	close(fd);
}

/* Whoever called hangs up before our INVITE has left: it never does. */
static void test_offer_given_up(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	world_pass(&t.w, 100);
	alice("CANCEL", "bob", 1, "", "");
	assert_int_equal(status(SIP_INVITE), 487);
	alice("ACK", "bob", 1, "", "");
	world_pass(&t.w, 3000);
	stun_serves(fd);
	world_pass(&t.w, 100);
	assert_true(request(SIP_INVITE, BOB) == SIZE_MAX);
	assert_int_equal(channels(), 0);
	close(fd);
}

/* What is found after the answer goes to who takes it by INFO, with the end of it. */
static void test_late_candidates(void **state)
{
	int fd = stun_begins();

	(void)state;
	alice("INVITE", "up", 1, "Supported: timer, trickle-ice\r\n", one_host());
	learn_tag();
	assert_false(has(answered(), "srflx"));
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 100);
	assert_int_equal(stun_serves(fd), 1);
	world_pass(&t.w, 100);
	/* One with the candidate, and when there will be no more, one that says so. */
	assert_int_equal(t.n, 2);
	assert_string_equal(wire_header(t.sent[0], "Info-Package"), "trickle-ice");
	assert_true(has(t.sent[0]->body, "a=mid:a\r\n") && has(t.sent[0]->body, " 203.0.113.7 7777 typ srflx "));
	/* What was told before stands before it, as two INFO may pass each other (RFC 8840 section 4.4). */
	assert_true(has(t.sent[0]->body, "typ host"));
	assert_true(str_find(t.sent[0]->body, STR("typ host")) < str_find(t.sent[0]->body, STR("typ srflx")));
	assert_false(has(t.sent[0]->body, "a=end-of-candidates"));
	assert_true(has(t.sent[1]->body, "a=end-of-candidates") && has(t.sent[1]->body, "typ srflx"));
	wire_answer(&t, 0, 200, "");
	wire_answer(&t, 1, 200, "");
	alice("BYE", "up", 2, "", "");
	alice_starts_anew();
	close(fd);
}

/* turnaddr, turnusername, turnpassword: asked without, then with credentials that are right. */
static void test_turn(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, who;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	unsigned first = 0, second = 0;
	socklen_t n = sizeof(a);
	uint8_t p[512], q[256], key[16];
	char text[256];
	ssize_t got;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "[general]\nturnaddr=127.0.0.1:%u\nturnusername=carol\nturnpassword=sesame\n", ntohs(a.sin_port));
	rtp_conf(text);
	alice("INVITE", "up", 1, "", agents_sdp());
	assert_int_equal(stun_long_key(&peer.hash, STR("carol"), STR("here"), STR("sesame"), key), 0);
	for (int i = 0; i < 60; i++) {
		world_pass(&t.w, 10);
		n = sizeof(who);
		while ((got = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&who, &n)) > 0) {
			struct stun_msg m;
			struct stun_out o;

			assert_int_equal(stun_parse(&m, p, (size_t)got), 0);
			assert_int_equal(m.method, STUN_ALLOCATE);
			if (m.integrity_at) {
				assert_true(str_eq(m.username, STR("carol")));
				assert_int_equal(stun_check(&m, &peer.hash, str_mk((char *)key, 16)), 0);
				second++;
				continue;
			}
			first++;
			stun_begin(&o, q, sizeof(q), STUN_ERROR, STUN_ALLOCATE, m.id);
			stun_put_error(&o, 401, STR("who?"));
			stun_put(&o, STUN_REALM, STR("here"));
			stun_put(&o, STUN_NONCE, STR("once"));
			assert_true(sendto(fd, q, stun_end(&o), 0, (struct sockaddr *)&who, n) > 0);
		}
	}
	/* Alice has one component, so that RTCP's port asks for nothing. */
	assert_int_equal(first, 1);
	assert_true(second >= 1);
	close(fd);
}

/* A listener of TURN over TCP: how many connections bring an Allocate. */
static unsigned turn_connections(const char *more)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(a);
	unsigned asked = 0;
	char text[256];

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "[general]\nturnaddr=127.0.0.1:%u%s\nturnusername=carol\nturnpassword=sesame\n", ntohs(a.sin_port),
		 more);
	rtp_conf(text);
	alice("INVITE", "up", 1, "", agents_sdp());
	for (int i = 0; i < 150; i++) {
		uint8_t p[512];
		struct stun_msg m;
		ssize_t got;
		int far;

		world_pass(&t.w, 10);
		far = accept(fd, NULL, NULL);
		if (far < 0)
			continue;
		world_pass(&t.w, 50);
		got = recv(far, p, sizeof(p), MSG_DONTWAIT);
		assert_true(got > 0);
		assert_int_equal(stun_parse(&m, p, (size_t)got), 0);
		asked += m.method == STUN_ALLOCATE;
		close(far);
	}
	world_pass(&t.w, 1000);
	learn_tag();
	alice("ACK", "up", 1, "", "");
	alice("BYE", "up", 2, "", "");
	alice_starts_anew();
	close(fd);
	return asked;
}

static void test_turn_over_tcp(void **state)
{
	(void)state;
	assert_int_equal(turn_connections("?transport=tcp"), 1);
	assert_int_equal(turn_connections("\\;transport=TCP"), 1);
	assert_int_equal(turn_connections("?transport=udp"), 0);
	/* Neither said: over UDP nobody answers. */
	assert_int_equal(turn_connections(""), 1);
	/* Not understood: no relay is asked. */
	assert_int_equal(turn_connections("?transport=sctp"), 0);
	assert_int_equal(turn_connections("?tcp"), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ice_setup, ice_teardown)
	const struct CMUnitTest tests[] = {
		T(test_stun), T(test_answer_waits), T(test_silent_server), T(test_redirected_while_it_waits), T(test_cancelled_while_it_waits), T(test_offer_waits),
		T(test_offer_to_the_silence), T(test_offer_given_up), T(test_late_candidates), T(test_turn),
		T(test_turn_over_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
