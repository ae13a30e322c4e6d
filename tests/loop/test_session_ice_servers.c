/* STUN and TURN servers of rtp.conf: when they are asked, and where what they say goes. */
#include "ice_alice.h"
#include <errno.h>
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
	alice("INVITE", "up", 1, "", agents_sdp());
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

/* While it rings, the server hears how it is seen: that stands in the answer. */
static void test_reflexive(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, who;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(a);
	struct sa seen;
	uint8_t p[512], q[256];
	char text[64];
	ssize_t got;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "[general]\nstunaddr=127.0.0.1:%u\n", ntohs(a.sin_port));
	rtp_conf(text);
	assert_int_equal(sa_parse(&seen, STR("203.0.113.7:7777")), 0);
	alice("INVITE", "late", 1, "", agents_sdp());
	assert_int_equal(status(SIP_INVITE), 180);
	for (int i = 0; i < 150; i++) {
		world_pass(&t.w, 10);
		n = sizeof(who);
		while ((got = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&who, &n)) > 0) {
			struct stun_msg m;
			struct stun_out o;

			assert_int_equal(stun_parse(&m, p, (size_t)got), 0);
			stun_begin(&o, q, sizeof(q), STUN_SUCCESS, STUN_BINDING, m.id);
			stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &seen);
			assert_true(sendto(fd, q, stun_end(&o), 0, (struct sockaddr *)&who, n) > 0);
		}
	}
	learn_tag();
	assert_true(has(answered(), " 203.0.113.7 7777 typ srflx raddr 127.0.0.1 "));
	close(fd);
}

/* What is found after the answer goes to who takes it by INFO, with the end of it; to others nothing is sent. */
static void late_candidate(const char *supported, bool told)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, who;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t n = sizeof(a);
	struct sa seen;
	struct stun_msg m;
	struct stun_out o;
	uint8_t p[512], q[256];
	char text[64];
	ssize_t got;

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(text, sizeof(text), "[general]\nstunaddr=127.0.0.1:%u\n", ntohs(a.sin_port));
	rtp_conf(text);
	assert_int_equal(sa_parse(&seen, STR("203.0.113.7:7777")), 0);
	snprintf(sdp_text, sizeof(sdp_text),
		 SDP_HEAD "m=audio %u RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
		 "a=candidate:1 1 UDP 2130706431 127.0.0.1 %u typ host\r\n", sa_port(&peer.at), sa_port(&peer.at));
	alice("INVITE", "up", 1, supported, sdp_text);
	learn_tag();
	assert_false(has(answered(), "srflx"));
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 100);
	n = sizeof(who);
	got = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&who, &n);
	assert_true(got > 0);
	assert_int_equal(stun_parse(&m, p, (size_t)got), 0);
	stun_begin(&o, q, sizeof(q), STUN_SUCCESS, STUN_BINDING, m.id);
	stun_put_addr(&o, STUN_XOR_MAPPED_ADDRESS, &seen);
	assert_true(sendto(fd, q, stun_end(&o), 0, (struct sockaddr *)&who, n) > 0);
	world_pass(&t.w, 100);
	if (told) {
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
	} else {
		assert_true(request(SIP_INFO, 5061) == SIZE_MAX);
	}
	alice("BYE", "up", 2, "", "");
	alice_starts_anew();
	close(fd);
}

static void test_late_candidates(void **state)
{
	(void)state;
	late_candidate("Supported: timer, trickle-ice\r\n", true);
	late_candidate("", false);
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
	learn_tag();
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

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, ice_setup, ice_teardown)
	const struct CMUnitTest tests[] = {
		T(test_stun), T(test_reflexive), T(test_late_candidates), T(test_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
