/* Offers and answers that go wrong half-way, by what is left of them: RTP ports, the
 * INVITE under way, and who is still called afterwards. Sanitizers watch. */
#include "alice.h"
#include "base/obj.h"
#include "service/call/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define AUDIO "m=audio 6000 RTP/AVP 0\r\n"
#define G729 "m=audio 6000 RTP/AVP 18\r\n"
#define IMAGE "m=image 6002 udptl t38\r\na=T38FaxVersion:0\r\n"
#define NAMELESS "m=audio 6000 RTP/AVP 99\r\na=rtpmap:99 x/1\r\n"

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => ring,1,Ringing()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => early,1,Progress()\n same => n,Wait(1)\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

#define PHONE "[phone](!)\ntype=endpoint\ncontext=default\ndirect_media=no\nallow=!all,ulaw,h264\nt38_udptl=yes\nmax_video_streams=1\n"
#define CONF_BOB(lines) WIRE_UDP PHONE ALICE_LINE \
	"[bob](phone)\naors=bob\n" lines "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"
#define CONF_ALICE(lines) WIRE_UDP PHONE "[alice](phone)\naors=alice\n" lines "[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n"
#define CONF CONF_BOB("")

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, CONF);
	alice_begins();
	return 0;
}

/* Every test ends its calls: then no port is left. */
static int teardown(void **state)
{
	struct media_counters c;

	(void)state;
	alice_ends(40000);
	media_count(t.w.media, &c);
	assert_int_equal(c.sessions, 0);
	wire_close(&t);
	return 0;
}

static size_t ports(void)
{
	struct media_counters c;

	world_turn(&t.w);
	media_count(t.w.media, &c);
	return c.sessions;
}

static bool says(enum sip_method m, const char *what)
{
	struct str body = response(m)->body;

	return str_find(body, str_z(what)) < body.n;
}

static void audio_and_image(void **state)
{
	(void)state;
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_HEAD AUDIO IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(says(SIP_INVITE, "m=image 0 "));
	assert_false(says(SIP_INVITE, "m=audio 0 "));
	alice("ACK", "up", 2, "", "");
	assert_int_equal(ports(), 1);
}

/* A re-INVITE refused, never acknowledged, and the call ends: timer H finds nobody. */
static void refused_unacked(void **state)
{
	(void)state;
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_HEAD G729);
	assert_int_equal(status(SIP_INVITE), 488);
	alice("BYE", "up", 3, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 40000);
}

static void moved_then_refused(void **state)
{
	(void)state;
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_HEAD "m=audio 0 RTP/AVP 0\r\n" AUDIO IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "up", 2, "", "");
	assert_int_equal(ports(), 1);
	alice("INVITE", "up", 3, "", SDP_HEAD NAMELESS NAMELESS NAMELESS);
	assert_int_equal(status(SIP_INVITE), 488);
	assert_int_equal(ports(), 1);
	wire_forget(&t);
	alice("BYE", "up", 4, "", "");
	assert_int_equal(ports(), 0);
}

/* The audio line becomes another type, and sound goes on on a second one. */
static void retyped(void **state)
{
	(void)state;
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_HEAD "m=video 0 RTP/AVP 31\r\n" AUDIO);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "up", 2, "", "");
	assert_int_equal(ports(), 1);
	alice("BYE", "up", 3, "", "");
	assert_int_equal(ports(), 0);
}

/* RFC 3311 5.2: the INVITE's own offer has no answer yet. */
static void update_too_early(void **state)
{
	static const char *const sdp[] = { SDP_HEAD G729, SDP_HEAD AUDIO };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sdp); i++) {
		alice_calls("ring");
		learn_tag();
		alice("UPDATE", "ring", 2, "", sdp[i]);
		assert_int_equal(status(SIP_UPDATE), 500);
		assert_true(wire_header(response(SIP_UPDATE), "Retry-After")[0]);
		assert_int_equal(ports(), 1);
		world_pass(&t.w, 1100);
		assert_int_equal(status(SIP_INVITE), 200);
		assert_true(says(SIP_INVITE, "m=audio "));
		alice("ACK", "ring", 1, "", "");
		alice("BYE", "ring", 3, "", "");
		assert_int_equal(ports(), 0);
		alice_starts_anew();
	}
}

/* Without an offer it only refreshes, and the 200 of the INVITE stays an answer. */
static void update_without_offer(void **state)
{
	(void)state;
	alice_calls("early");
	learn_tag();
	assert_int_equal(status(SIP_INVITE), 183);
	alice("UPDATE", "early", 2, "", "");
	assert_int_equal(status(SIP_UPDATE), 200);
	assert_int_equal(response(SIP_UPDATE)->body.n, 0);
	world_pass(&t.w, 1100);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "early", 1, "", "");
	/* Had the 200 been an offer, this ACK without an answer would have ended the call. */
	world_turn(&t.w);
	assert_int_equal(channels(), 1);
}

static void glare(void **state)
{
	(void)state;
	/* Our offer is in the 200: nothing else before its answer (14.2). */
	alice("INVITE", "up", 1, "", "");
	learn_tag();
	alice("UPDATE", "up", 2, "", SDP_HEAD AUDIO);
	assert_int_equal(status(SIP_UPDATE), 491);
	alice("INVITE", "up", 3, "", SDP_HEAD AUDIO);
	assert_int_equal(status(SIP_INVITE), 491);
	alice("ACK", "up", 1, "", SDP_HEAD AUDIO "m=video 0 RTP/AVP 99\r\n");
	wire_forget(&t);
	alice("INVITE", "up", 4, "", SDP_HEAD AUDIO "m=video 0 RTP/AVP 99\r\n");
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "up", 4, "", "");
	assert_int_equal(ports(), 1);
}

/* A second INVITE while the first is not answered (14.2). */
static void invite_before_answer(void **state)
{
	(void)state;
	alice_calls("ring");
	learn_tag();
	alice("INVITE", "ring", 2, "", SDP_HEAD AUDIO);
	assert_int_equal(status(SIP_INVITE), 500);
	assert_true(wire_header(response(SIP_INVITE), "Retry-After")[0]);
	wire_forget(&t);
	world_pass(&t.w, 1100);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(response(SIP_INVITE)->cseq, 1);
	alice("ACK", "ring", 1, "", "");
}

/* BYE while a reliable response waits for its PRACK, and an ACK that no transaction
 * knows: the retransmission timer has nothing to send. */
static void bye_before_prack(void **state)
{
	(void)state;
	alice("INVITE", "early", 1, "Require: 100rel\r\n", SDP_ULAW);
	learn_tag();
	assert_int_equal(status(SIP_INVITE), 183);
	alice("BYE", "early", 2, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	assert_int_equal(status(SIP_INVITE), 487);
	alice("ACK", "early", 2, "", "");       /* of another branch than the INVITE's */
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 40000);
	assert_int_equal(channels(), 0);
}

/* PRACK may bring an offer only when the one before is answered (RFC 3262 5). */
static void offer_in_prack(void **state)
{
	char rack[64];

	(void)state;
	alice("INVITE", "ring", 1, "Require: 100rel\r\n", SDP_ULAW);
	learn_tag();
	assert_int_equal(status(SIP_INVITE), 180);
	snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\r\n", wire_header(response(SIP_INVITE), "RSeq"));
	alice("PRACK", "ring", 2, rack, SDP_HEAD G729);
	assert_int_equal(status(SIP_PRACK), 500);
	wire_forget(&t);
	world_pass(&t.w, 1100);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(says(SIP_INVITE, "m=audio "));
	alice("ACK", "ring", 1, "", "");
	assert_int_equal(ports(), 1);
}

/* bundle=yes: sound and picture on one port, until the peer takes them apart. */
static void one_port_for_two_streams(void **state)
{
	static const char both[] = SDP_HEAD "a=group:BUNDLE a v\r\nm=audio 6000 RTP/AVP 0\r\na=mid:a\r\na=rtcp-mux\r\n"
		"m=video 6000 RTP/AVP 96\r\na=mid:v\r\na=rtpmap:96 H264/90000\r\n";
	struct sdp *sdp = NULL;

	(void)state;
	wire_reload(&t, CONF_ALICE("bundle=yes\n"));
	alice("INVITE", "up", 1, "", both);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(says(SIP_INVITE, "a=group:BUNDLE a v"));
	assert_int_equal(sdp_parse(&sdp, response(SIP_INVITE)->body), 0);
	assert_int_equal(sdp->nmedia, 2);
	assert_int_equal(sdp->media[0].port, sdp->media[1].port);
	obj_drop(sdp);
	assert_int_equal(ports(), 2);
	learn_tag();
	alice("ACK", "up", 1, "", "");
	alice("INVITE", "up", 2, "", SDP_HEAD AUDIO "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	alice("ACK", "up", 2, "", "");
	assert_false(says(SIP_INVITE, "BUNDLE"));
	assert_int_equal(sdp_parse(&sdp, response(SIP_INVITE)->body), 0);
	assert_int_not_equal(sdp->media[0].port, sdp->media[1].port);
	obj_drop(sdp);
	assert_int_equal(ports(), 2);
}

/* Ours to bob, refused in each way: nothing stays open. */
static void our_offer_refused(void **state)
{
	static const unsigned code[] = { 486, 488, 302, 503 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(code); i++) {
		alice_calls("bob");
		assert_int_equal(ports(), 2);
		answer(SIP_INVITE, 5062, code[i], "", "");
		world_turn(&t.w);
		alice("ACK", "bob", 1, "", "");
		assert_int_equal(ports(), 0);
		alice_starts_anew();
	}
}

/* 183 of one fork with an answer that cannot be used; another fork's is good. */
static void second_answer_is_good(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 183, "", SDP_HEAD G729);
	answer(SIP_INVITE, 5062, 200, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(channels(), 2);
	assert_int_equal(ports(), 2);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
}

/* Where the sound for bob is sent to, in the newest call. */
static uint16_t bob_hears_at(void)
{
	uint16_t port = 0;

	list_each(l, &t.svc->calls.all) {
		struct session *s = container_of(l, struct session, link);

		if (str_eq(s->ep->name, STR("bob")))
			port = sa_port(&neg_first(s->neg, MEDIA_AUDIO)->remote);
	}
	return port;
}

#define AT(port) SDP_HEAD "m=audio " #port " RTP/AVP 0\r\n"

/* Two phones of bob's ring with sound of their own; the second is picked up. */
static void forks(bool follow)
{
	alice_calls("bob");
	fork_answer("one", SIP_INVITE, 5062, 183, "", AT(6000));
	fork_answer("one", SIP_INVITE, 5062, 183, "", AT(6010));
	assert_int_equal(bob_hears_at(), 6000);
	fork_answer("two", SIP_INVITE, 5062, 183, "", AT(6020));
	assert_int_equal(bob_hears_at(), follow ? 6020 : 6000);
	fork_answer("two", SIP_INVITE, 5062, 200, "", AT(6030));
	assert_int_equal(bob_hears_at(), follow ? 6020 : 6030);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
}

static void early_media_of_forks(void **state)
{
	(void)state;
	forks(true);
	alice_starts_anew();
	wire_reload(&t, CONF_BOB("follow_early_media_fork=no\n"));
	forks(false);
	alice_starts_anew();
	wire_reload(&t, CONF "[system]\ntype=system\nfollow_early_media_fork=no\n");
	forks(false);
}

static void second_answer_of_one_fork(void **state)
{
	(void)state;
	wire_reload(&t, CONF "[system]\ntype=system\naccept_multiple_sdp_answers=yes\n");
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 183, "", AT(6000));
	answer(SIP_INVITE, 5062, 183, "", AT(6010));
	assert_int_equal(bob_hears_at(), 6000);
	alice_starts_anew();
	wire_reload(&t, CONF_BOB("accept_multiple_sdp_answers=yes\n") "[system]\ntype=system\naccept_multiple_sdp_answers=yes\n");
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 183, "", AT(6000));
	answer(SIP_INVITE, 5062, 183, "", AT(6010));
	assert_int_equal(bob_hears_at(), 6010);
}

static void cancelled(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 180, "", "");
	alice("CANCEL", "bob", 1, "", "");
	assert_int_equal(status(SIP_INVITE), 487);
	/* bob's 200 crosses the CANCEL. */
	answer(SIP_INVITE, 5062, 200, "", SDP_ULAW);
	assert_true(request(SIP_BYE, 5062) != SIZE_MAX);
	assert_int_equal(ports(), 0);
}

static size_t client_transactions(void)
{
	struct sip_counters c;

	sip_stack_count(t.svc->sip, &c);
	return c.client_tx;
}

/* Our re-INVITE gets a provisional response and nothing more; the call ends. */
static void reinvite_never_answered(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 200, "", SDP_ULAW);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	wire_forget(&t);
	alice("INVITE", "bob", 2, "", SDP_HEAD AUDIO "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	alice("ACK", "bob", 2, "", "");
	world_turn(&t.w);
	answer(SIP_INVITE, 5062, 180, "", "");
	wire_forget(&t);
	alice("BYE", "bob", 3, "", "");
	world_turn(&t.w);
	assert_true(request(SIP_CANCEL, 5062) != SIZE_MAX);
	answer(SIP_BYE, 5062, 200, "", "");
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 70000);
	assert_int_equal(client_transactions(), 0);
}

/* What a request says of us is ours, not what the configuration says by now. */
static void agent_of_its_first_day(void **state)
{
	(void)state;
	wire_reload(&t, "[global]\ntype=global\nuser_agent=Short1\n" CONF);
	alice_talks("up");
	wire_reload(&t, "[global]\ntype=global\nuser_agent=A much longer name that needs a block of its own\n" CONF);
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
	assert_string_equal(wire_header(t.sent[request(SIP_BYE, 5061)], "User-Agent"), "Short1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(audio_and_image), T(refused_unacked), T(moved_then_refused), T(retyped), T(update_too_early),
		T(update_without_offer), T(glare), T(invite_before_answer), T(bye_before_prack), T(offer_in_prack),
		T(our_offer_refused), T(second_answer_is_good), T(cancelled), T(agent_of_its_first_day),
		T(reinvite_never_answered), T(early_media_of_forks), T(second_answer_of_one_fork), T(one_port_for_two_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
