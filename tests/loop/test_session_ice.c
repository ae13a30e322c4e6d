/* ICE in calls: what stands in the SDP, which options decide it, and that alice's agent and the server's find
 * each other over loopback. */
#include "alice.h"
#include "base/obj.h"
#include "service/call/session.h"
#include "service/common/ice.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => late,1,Ringing()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

static const char conf[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\nice_support=yes\n"
	ALICE_LINE
	BOB_LINE;

/* ---- alice's agent, on a socket of hers */

static struct {
	int fd;
	struct sa at;
	struct ice *ice;
	struct stun_hash hash;
	enum ice_state state;
	unsigned data;
} peer;

static void peer_send(void *arg, unsigned component, unsigned base, const struct sa *to, const void *p, size_t n)
{
	(void)arg, (void)component, (void)base;
	sendto(peer.fd, p, n, 0, &to->u.s, sa_len(to));
}

static void peer_event(void *arg, const struct ice_event *e)
{
	(void)arg;
	if (e->type == ICE_EV_STATE)
		peer.state = e->state;
}

static void peer_random(void *arg, void *p, size_t n)
{
	(void)arg;
	assert_int_equal(getentropy(p, n), 0);
}

static void peer_begins(void)
{
	struct ice_prm prm = { .ops = { .send = peer_send, .event = peer_event, .random = peer_random },
			       .role = ICE_CONTROLLING, .components = 1, .now_us = t.w.clock.mono };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	peer.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(peer.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	getsockname(peer.fd, (struct sockaddr *)&a, &n);
	sa_from(&peer.at, (struct sockaddr *)&a, n);
	assert_int_equal(stun_hash_openssl(&peer.hash), 0);
	prm.hash = peer.hash;
	assert_int_equal(ice_new(&peer.ice, &prm), 0);
	assert_int_equal(ice_add_host(peer.ice, 1, 0, &peer.at, NULL), 0);
	peer.state = ICE_IDLE;
	peer.data = 0;
}

static void peer_ends(void)
{
	if (!peer.ice)
		return;
	obj_drop(peer.ice);
	obj_drop(peer.hash.arg);
	close(peer.fd);
	peer.ice = NULL;
}

static void peer_turn(void)
{
	uint8_t p[2048];
	ssize_t got;

	while ((got = recv(peer.fd, p, sizeof(p), MSG_DONTWAIT)) > 0) {
		struct sockaddr_storage ss;
		struct sa from = { 0 }, who;
		size_t n = (size_t)got;
		struct media_session *m = session_audio(SESSION_OF(only_channel()));

		(void)ss;
		/* All that comes is of the one call there is. */
		sa_parse_host(&from, STR("127.0.0.1"), sa_port(media_session_local(m)));
		peer.data += ice_datagram(peer.ice, t.w.clock.mono, 0, &from, p, &n, &who) == ICE_DATA;
	}
	ice_tick(peer.ice, t.w.clock.mono);
}

static void pass_with_peer(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		world_pass(&t.w, 10);
		peer_turn();
	}
}

/* Her SDP, with `more` lines; by her agent when `lines`. */
static char sdp_text[2048];

static const char *her_sdp(const char *ufrag, const char *pwd, const char *candidate)
{
	snprintf(sdp_text, sizeof(sdp_text),
		 SDP_HEAD "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=rtcp-mux\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"
		 "a=candidate:%s\r\n", sa_port(&peer.at), ufrag, pwd, candidate);
	return sdp_text;
}

static const char *agents_sdp(void)
{
	char line[128];

	snprintf(line, sizeof(line), "1 1 UDP 2130706431 127.0.0.1 %u typ host", sa_port(&peer.at));
	return her_sdp(ice_ufrag(peer.ice).p, ice_pwd(peer.ice).p, line);
}

static struct media_session *media(void)
{
	return session_audio(SESSION_OF(only_channel()));
}

/* ---- what rtp.conf says */

static void rtp_conf(const char *text)
{
	char dir[] = "/tmp/ice-test-XXXXXX", path[64];
	struct config_prm prm = { .dir = dir };
	struct rtp_conf *rc = NULL;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/rtp.conf", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rtp_conf_load(&rc, &prm, NULL), 0);
	unlink(path);
	rmdir(dir);
	assert_int_equal(service_ice_set(t.svc, rc, NULL, NULL), 0);
	obj_drop(rc);
}

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, conf);
	alice_begins();
	rtp_conf("[general]\n");
	peer_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	peer_ends();
	wire_close(&t);
	return 0;
}

static struct str answered(void)
{
	assert_int_equal(status(SIP_INVITE), 200);
	return response(SIP_INVITE)->body;
}

/* The server's lines, into alice's agent. */
static void describe_to_peer(struct str body)
{
	struct ice_remote r = { .done = true, .now_us = t.w.clock.mono };
	struct candidate c;
	struct ice_desc d;
	struct sdp *s = NULL;
	size_t it = 0;

	assert_int_equal(sdp_parse(&s, body), 0);
	assert_int_equal(ice_desc_read(&d, s, &s->media[0]), 0);
	r.ufrag = d.ufrag;
	r.pwd = d.pwd;
	assert_int_equal(ice_set_remote(peer.ice, &r), 0);
	while (ice_candidate_next(&s->media[0], &it, &c))
		ice_add_remote(peer.ice, &c, t.w.clock.mono);
	obj_drop(s);
}

/* ---- tests */

static void test_call(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", agents_sdp());
	learn_tag();
	assert_true(has(answered(), "a=ice-ufrag:"));
	assert_true(has(answered(), " 127.0.0.1 "));
	ice_gather(peer.ice, t.w.clock.mono);
	describe_to_peer(answered());
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	pass_with_peer(1500);
	assert_int_equal(peer.state, ICE_CONNECTED);
	assert_int_equal(media_ice_state(media()), ICE_CONNECTED);
	/* What the server sends comes from where alice has checked it. */
	assert_int_equal(media_silence(media(), true), 0);
	pass_with_peer(200);
	assert_true(peer.data >= 5);
	/* Alice is gone without a word: the server stops, and says why. */
	for (unsigned i = 0; i < 320; i++)
		world_pass(&t.w, 100);
	assert_int_equal(media_ice_state(media()), ICE_LOST);
}

/* New credentials in a re-INVITE are a restart: ours change as well, and media goes on. */
static void test_restart(void **state)
{
	char old[16];

	(void)state;
	alice("INVITE", "up", 1, "", agents_sdp());
	learn_tag();
	ice_gather(peer.ice, t.w.clock.mono);
	describe_to_peer(answered());
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	pass_with_peer(1500);
	str_copy(old, sizeof(old), str_z(media_ice_own(media())->ufrag));
	/* The same again: no restart. */
	alice("INVITE", "up", 2, "", agents_sdp());
	assert_true(has(answered(), old));
	alice("ACK", "up", 2, "", "");
	wire_forget(&t);
	ice_restart(peer.ice, ICE_CONTROLLING, NULL, t.w.clock.mono);
	alice("INVITE", "up", 3, "", agents_sdp());
	assert_false(has(answered(), old));
	describe_to_peer(answered());
	alice("ACK", "up", 3, "", "");
	wire_forget(&t);
	peer.state = ICE_CHECKING;
	pass_with_peer(1500);
	assert_int_equal(peer.state, ICE_CONNECTED);
	assert_int_equal(media_ice_state(media()), ICE_CONNECTED);
}

/* Candidates with names are passed over; her checks find the way (browsers do so). */
static void test_mdns(void **state)
{
	(void)state;
	her_sdp(ice_ufrag(peer.ice).p, ice_pwd(peer.ice).p, "1 1 UDP 2130706431 3d9a6d3e.local 5000 typ host");
	/* As browsers write it: nowhere in c=, port 9. It is no hold. */
	snprintf(sdp_text, sizeof(sdp_text),
		 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n"
		 "a=ice-options:trickle\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\na=candidate:1 1 UDP 2130706431 3d9a6d3e.local 5000 typ host\r\n",
		 ice_ufrag(peer.ice).p, ice_pwd(peer.ice).p);
	alice("INVITE", "up", 1, "", sdp_text);
	learn_tag();
	assert_false(has(answered(), "a=recvonly") || has(answered(), "a=inactive"));
	ice_gather(peer.ice, t.w.clock.mono);
	describe_to_peer(answered());
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	pass_with_peer(1500);
	assert_int_equal(media_ice_state(media()), ICE_CONNECTED);
}

static void test_credentials(void **state)
{
	static const struct { const char *ufrag, *pwd; unsigned status; } tv[] = {
		{ "abcd", "0123456789012345678901", 200 }, { "abc", "0123456789012345678901", 488 },
		{ "abcd", "012345678901234567890", 488 }, { "abcd", "01234567890123456789012\"", 488 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char line[128];

		snprintf(line, sizeof(line), "1 1 UDP 2130706431 127.0.0.1 %u typ host", sa_port(&peer.at));
		alice("INVITE", "up", 1, "", her_sdp(tv[i].ufrag, tv[i].pwd, line));
		assert_int_equal(status(SIP_INVITE), tv[i].status);
		if (tv[i].status == 200) {
			learn_tag();
			alice("ACK", "up", 1, "", "");
			alice("BYE", "up", 2, "", "");
		} else {
			assert_int_equal(channels(), 0);
		}
		alice_starts_anew();
	}
}

/* c= is none of the candidates: somebody on the way has changed it. */
static void test_mismatch(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", her_sdp("abcd", "0123456789012345678901", "1 1 UDP 2130706431 127.0.0.1 9 typ host"));
	learn_tag();
	assert_true(has(answered(), "a=ice-mismatch"));
	assert_false(has(answered(), "a=ice-ufrag"));
	assert_false(media_ice_is_on(media()));
}

static void answer_to(const char *rtp, const char *want, bool there)
{
	rtp_conf(rtp);
	alice("INVITE", "up", 1, "", agents_sdp());
	learn_tag();
	if (has(answered(), want) != there)
		fail_msg("%s: '%s' is%s in %.*s", rtp, want, there ? " not" : "", STR_ARG(answered()));
	alice("ACK", "up", 1, "", "");
	alice("BYE", "up", 2, "", "");
	alice_starts_anew();
}

static void test_options(void **state)
{
	(void)state;
	answer_to("[general]\n", "a=candidate", true);
	answer_to("[general]\nicesupport=no\n", "a=candidate", false);
	answer_to("[general]\nice_deny=0.0.0.0/0,::/0\n", "a=candidate", false);
	answer_to("[general]\nice_blacklist=0.0.0.0/0,::/0\n", "a=candidate", false);
	answer_to("[general]\nice_deny=0.0.0.0/0,::/0\nice_permit=127.0.0.0/8\n", " 127.0.0.1 ", true);
	answer_to("[general]\nice_acl=nowhere\n", "a=candidate", false);
	answer_to("[general]\n[ice_host_candidates]\n127.0.0.1 => 203.0.113.1\n", " 203.0.113.1 ", true);
	answer_to("[general]\n[ice_host_candidates]\n127.0.0.1 => 203.0.113.1\n", " 127.0.0.1 ", false);
	answer_to("[general]\n[ice_host_candidates]\n127.0.0.1 => 203.0.113.1,include_local_address\n", " 127.0.0.1 ", true);
}

static void test_endpoint_without(void **state)
{
	(void)state;
	wire_reload(&t, WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n" ALICE_LINE);
	alice("INVITE", "up", 1, "", agents_sdp());
	learn_tag();
	assert_false(has(answered(), "a=ice-"));
	assert_false(has(answered(), "a=candidate"));
}

/* Bob is offered ICE and does not know it: the call is as any other. */
static void test_offer(void **state)
{
	(void)state;
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=ice-ufrag:"));
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=candidate:1 1 UDP "));
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=candidate:1 2 UDP "));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	assert_false(has(answered(), "a=ice-"));
	for (size_t i = 0; i < channels(); i++)
		assert_false(media_ice_is_on(session_audio(SESSION_OF(channel_at(i)))));
	alice("ACK", "bob", 1, "", "");
}

/* Who has no ICE is not offered it again in the middle of a call: media would have nowhere to go until
 * the answer is there. */
static void test_refresh_of_plain_call(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n", SDP_ULAW);
	learn_tag();
	assert_false(has(answered(), "a=ice-"));
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 46000);
	assert_true(has(requested(SIP_INVITE, 5061)->body, "m=audio"));
	assert_false(has(requested(SIP_INVITE, 5061)->body, "a=ice-"));
	assert_false(media_ice_is_on(media()));
}

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
		assert_false(has(t.sent[0]->body, "typ host"));
		assert_true(has(t.sent[1]->body, "a=end-of-candidates"));
		assert_false(has(t.sent[1]->body, "a=candidate"));
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

/* Candidates that come by INFO (RFC 8840), and fragments that cannot be. */
static void info(unsigned cseq, const char *body, unsigned want)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "INFO sip:up@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP " ALICE ";branch=z9hG4bKinfo%u%u\r\n"
		 "From: <sip:alice@127.0.0.1>;tag=a1\r\nTo: <sip:up@127.0.0.1>;tag=%s\r\nCall-ID: c%u\r\nCSeq: %u INFO\r\n"
		 "Max-Forwards: 70\r\nInfo-Package: trickle-ice\r\nContent-Type: application/trickle-ice-sdpfrag\r\n"
		 "Content-Disposition: Info-Package\r\nContent-Length: %zu\r\n\r\n%s",
		 call_number, cseq, tag, call_number, cseq, strlen(body), body);
	wire_come(&t, ALICE, text);
	assert_int_equal(status(SIP_INFO), want);
	wire_forget(&t);
}

static void test_trickle(void **state)
{
	char frag[512];

	(void)state;
	snprintf(sdp_text, sizeof(sdp_text),
		 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\na=mid:a\r\n"
		 "a=rtcp-mux\r\na=ice-options:trickle\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
		 ice_ufrag(peer.ice).p, ice_pwd(peer.ice).p);
	alice("INVITE", "up", 1, "Supported: trickle-ice\r\nRecv-Info: trickle-ice\r\n", sdp_text);
	learn_tag();
	assert_true(has(answered(), "a=ice-options:trickle"));
	assert_string_equal(wire_header(response(SIP_INVITE), "Recv-Info"), "trickle-ice");
	describe_to_peer(answered());
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	/* The peer's checks do not get through: only the candidate can bring the two together. */
	for (int i = 0; i < 100; i++)
		world_pass(&t.w, 10);
	assert_int_equal(media_ice_state(media()), ICE_CHECKING);
	info(2, "nonsense", 400);
	snprintf(frag, sizeof(frag), "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\nm=audio 9 RTP/AVP 0\r\na=mid:a\r\n"
		 "a=candidate:1 1 UDP 2130706431 127.0.0.1 %u typ host\r\na=end-of-candidates\r\n", ice_ufrag(peer.ice).p,
		 ice_pwd(peer.ice).p, sa_port(&peer.at));
	info(3, frag, 200);
	world_pass(&t.w, 60);
	{
		uint8_t p[512];
		struct stun_msg m;
		ssize_t n = recv(peer.fd, p, sizeof(p), 0);

		assert_true(n > 0);
		assert_int_equal(stun_parse(&m, p, (size_t)n), 0);
		assert_int_equal(m.cls, STUN_REQUEST);
		assert_int_equal(stun_check(&m, &peer.hash, ice_pwd(peer.ice)), 0);
	}
}

/* Without ICE such a body is none that we know. */
static void test_trickle_unwanted(void **state)
{
	(void)state;
	wire_reload(&t, WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n" ALICE_LINE);
	alice("INVITE", "up", 1, "", agents_sdp());
	learn_tag();
	assert_false(has(answered(), "trickle"));
	assert_string_equal(wire_header(response(SIP_INVITE), "Recv-Info"), "");
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	info(2, "a=ice-ufrag:abcd\r\n", 415);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_call), T(test_restart), T(test_mdns), T(test_credentials), T(test_mismatch), T(test_options),
		T(test_endpoint_without), T(test_offer), T(test_refresh_of_plain_call), T(test_stun),
		T(test_reflexive), T(test_late_candidates), T(test_turn), T(test_trickle), T(test_trickle_unwanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
