/* ICE in calls: what stands in the SDP, which options decide it (ice_support first of all), and that alice's
 * agent and the server's find each other over loopback. */
#include "ice_alice.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

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
	assert_int_equal(world_events(&t.w, "TestEvent", "State: ICECHECKLISTCREATE"), 1);
	/* The same again: no restart. */
	alice("INVITE", "up", 2, "", agents_sdp());
	assert_true(has(answered(), old));
	assert_int_equal(world_events(&t.w, "TestEvent", "State: ICECHECKLISTCREATE"), 1);
	alice("ACK", "up", 2, "", "");
	wire_forget(&t);
	ice_restart(peer.ice, ICE_CONTROLLING, NULL, t.w.clock.mono);
	alice("INVITE", "up", 3, "", agents_sdp());
	assert_false(has(answered(), old));
	assert_int_equal(world_events(&t.w, "TestEvent", "State: ICECHECKLISTCREATE"), 2);
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

/* Is that what `pjsip explain` says first of her? */
static bool explains(const char *what)
{
	struct buf b = BUF_INIT;
	bool found;

	reasons_explain(t.svc->reasons, STR("alice"), 1, &b);
	found = strstr(buf_z(&b), what) != NULL;
	if (!found)
		print_error("%s\n", buf_z(&b));
	buf_free(&b);
	return found;
}

static void test_credentials(void **state)
{
	static const struct { const char *ufrag, *pwd; unsigned status; const char *why; } tv[] = {
		{ "abcd", "0123456789012345678901", 200, "" },
		{ "abc", "0123456789012345678901", 488, "ice-ufrag must have 4 to 256 characters" },
		{ "abcd", "012345678901234567890", 488, "ice-pwd 22 to 256" },
		{ "abcd", "01234567890123456789012\"", 488, "of letters, digits, + and /" },
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
			assert_true(explains(tv[i].why));
		}
		alice_starts_anew();
	}
}

/* c= is none of the candidates: somebody on the way has changed it, which is no reason for no ICE. */
static void test_mismatch(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", her_sdp("abcd", "0123456789012345678901", "1 1 UDP 2130706431 127.0.0.1 9 typ host"));
	learn_tag();
	assert_false(has(answered(), "a=ice-mismatch"));
	assert_true(has(answered(), "a=ice-ufrag"));
	assert_true(media_ice_is_on(media()));
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
#define T(f) cmocka_unit_test_setup_teardown(f, ice_setup, ice_teardown)
	const struct CMUnitTest tests[] = {
		T(test_call), T(test_restart), T(test_mdns), T(test_credentials), T(test_mismatch), T(test_options),
		T(test_endpoint_without), T(test_offer), T(test_refresh_of_plain_call), T(test_trickle),
		T(test_trickle_unwanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
