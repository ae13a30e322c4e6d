/* Calls over SIP as the two phones see them: dialogs, offers, reliable
 * responses, session timers, redirection, transfer. */
#include "alice.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SDP_VIDEO SDP_ULAW "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => short,1,Answer()\n same => n,Hangup()\n"
	"exten => ring,1,Ringing()\n same => n,Wait(600)\n"
	"exten => ringup,1,Ringing()\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => carl,1,Dial(PJSIP/carl)\n"
	"exten => refused,1,Dial(PJSIP/bob)\n same => n,Hangup(${HANGUPCAUSE})\n"
	"exten => merge,1,Dial(PJSIP/merge)\n"
	"exten => ours,1,Dial(PJSIP/ours)\n"
	"exten => oursall,1,Dial(PJSIP/oursall)\n";

static const char conf[] =
	"[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5060\n"
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,h264\ndirect_media=no\n"
	"send_rpid=yes\ntrust_id_inbound=yes\ntrust_id_outbound=yes\n"
	"[alice](phone)\naors=alice\ncallerid=Alice <100>\n[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n"
	"[bob](phone)\naors=bob\ncallerid=Bob <200>\n[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"
	"[carl](phone)\naors=carl\nsend_history_info=yes\n[carl]\ntype=aor\ncontact=sip:carl@127.0.0.1:5063\n"
	"[merge](phone)\naors=bob\nallow=!all,g722,alaw,ulaw\n"
	"[ours](phone)\naors=bob\nallow=!all,g722,alaw,ulaw\noutgoing_call_offer_pref=local\n"
	"[oursall](phone)\naors=bob\nallow=!all,g722,alaw,ulaw\noutgoing_call_offer_pref=local_merge\n";

static int setup(void **state)
{
	(void)state;
	wire_open(&t, plan, conf);
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pbx_hangup_all(t.w.pbx, CAUSE_NORMAL);
	world_turn(&t.w);
	wire_close(&t);
	return 0;
}

/* ---- tests -------------------------------------------------------------------------- */

static void test_invite_answer_bye(void **state)
{
	(void)state;
	alice_calls("up");
	assert_int_equal(count(SIP_INVITE, 100), 1);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(str_find(response(SIP_INVITE)->body, STR("m=audio 4000 RTP/AVP 0")) <
		    response(SIP_INVITE)->body.n);
	/* 13.3.1.4: again until the ACK, then no more */
	world_pass(&t.w, 600);
	assert_int_equal(count(SIP_INVITE, 200), 2);
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 5000);
	assert_int_equal(t.n, 0);
	alice("BYE", "up", 2, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	assert_int_equal(channels(), 0);
	alice("BYE", "up", 3, "", "");
	assert_int_equal(status(SIP_BYE), 481);
}

static void test_line_information(void **state)
{
	static const struct { const char *uri, *header; int ani2; } tv[] = {
		{ "", "", 0 }, { ";isup-oli=27", "", 27 }, { "", ";oli=61", 61 }, { ";ss7-oli=1", ";isup-oli=2", 2 },
		{ ";isup-oli=none", "", 0 }, { ";oli=4294967295", "", 0 },
	};

	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct channel *ch;

		if (i) {
			teardown(state);
			setup(state);
		}
		from_uri = tv[i].uri;
		from_header = tv[i].header;
		alice_calls("ring");
		ch = container_of(t.w.pbx->channels.next, struct channel, link);
		assert_int_equal(ch->caller.ani2, tv[i].ani2);
	}
	from_uri = from_header = "";
}

static void test_bye_waits_for_ack(void **state)
{
	(void)state;
	alice_calls("short");
	assert_int_equal(status(SIP_INVITE), 200);
	world_pass(&t.w, 300);
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
	alice("ACK", "short", 1, "", "");
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
	answer(SIP_BYE, 5061, 200, "", "");
}

static void test_no_ack_ends_the_call(void **state)
{
	(void)state;
	alice_calls("up");
	for (int i = 0; i < 33; i++) {
		wire_forget(&t);
		world_pass(&t.w, 1000);
	}
	assert_int_equal(channels(), 0);
}

static void test_answer_in_the_ack(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", "");
	learn_tag();
	assert_true(str_find(response(SIP_INVITE)->body, STR("m=audio 4000 RTP/AVP 0")) <
		    response(SIP_INVITE)->body.n);
	alice("ACK", "up", 1, "", SDP_ULAW);
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
	assert_int_equal(channels(), 1);
}

static void test_no_answer_in_the_ack(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", "");
	learn_tag();
	alice("ACK", "up", 1, "", "");
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
	answer(SIP_BYE, 5061, 200, "", "");
	assert_int_equal(channels(), 0);
}

static void test_unknown_extension(void **state)
{
	(void)state;
	alice("INVITE", "nowhere", 1, "", SDP_ULAW);
	assert_int_equal(count(SIP_INVITE, 100), 0);
	assert_int_equal(status(SIP_INVITE), 404);
	assert_int_equal(channels(), 0);
}

static void test_cancel(void **state)
{
	(void)state;
	alice_calls("ring");
	assert_int_equal(status(SIP_INVITE), 180);
	alice("CANCEL", "ring", 1, "Reason: SIP;cause=480\r\n", "");
	assert_int_equal(status(SIP_CANCEL), 200);
	assert_int_equal(status(SIP_INVITE), 487);
	assert_int_equal(channels(), 0);
	assert_int_equal(world_events(&t.w, "HangupRequest", "Cause: 19"), 1);
	assert_int_equal(world_events(&t.w, "HangupRequest", "TechCause: 487"), 1);
	assert_int_equal(world_events(&t.w, "Hangup", "Cause: 19"), 1);
	assert_int_equal(world_events(&t.w, "Hangup", "TechCause: 487"), 1);
	/* Without a reason of its own it is the one of 487. */
	alice_starts_anew();
	alice_calls("ring");
	alice("CANCEL", "ring", 1, "", "");
	assert_int_equal(world_events(&t.w, "Hangup", "Cause: 127"), 1);
}

static void test_reinvite(void **state)
{
	(void)state;
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_ULAW "a=sendonly\r\n");
	assert_int_equal(count(SIP_INVITE, 100), 0);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(str_find(response(SIP_INVITE)->body, STR("a=recvonly")) < response(SIP_INVITE)->body.n);
	assert_int_equal(world_events(&t.w, "Hold", NULL), 1);
	/* Another before the ACK is glare. */
	wire_forget(&t);
	alice("INVITE", "up", 3, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 491);
	alice("ACK", "up", 2, "", "");
	wire_forget(&t);
	alice("INVITE", "up", 4, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(world_events(&t.w, "Unhold", NULL), 1);
	alice("ACK", "up", 4, "", "");
	assert_int_equal(channels(), 1);
}

static void test_reliable_provisional(void **state)
{
	char rack[64];

	(void)state;
	alice("INVITE", "ringup", 1, "Require: 100rel\r\n", SDP_ULAW);
	learn_tag();
	assert_int_equal(status(SIP_INVITE), 180);
	snprintf(rack, sizeof(rack), "RAck: %s 1 INVITE\r\n", wire_header(response(SIP_INVITE), "RSeq"));
	assert_string_equal(wire_header(response(SIP_INVITE), "Require"), "100rel");
	/* It comes again, and the 200 waits for the PRACK. */
	world_pass(&t.w, 600);
	assert_int_equal(count(SIP_INVITE, 180), 2);
	assert_int_equal(count(SIP_INVITE, 200), 0);
	alice("PRACK", "ringup", 2, "RAck: 1 7 INVITE\r\n", "");
	assert_int_equal(status(SIP_PRACK), 481);
	alice("PRACK", "ringup", 3, rack, "");
	assert_int_equal(status(SIP_PRACK), 200);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "ringup", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 3000);
	assert_int_equal(t.n, 0);
}

static void test_session_timer_expires(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", SDP_ULAW);
	learn_tag();
	assert_string_equal(wire_header(response(SIP_INVITE), "Session-Expires"), "90;refresher=uac");
	alice("ACK", "up", 1, "", "");
	wire_forget(&t);
	world_pass(&t.w, 50000);
	assert_int_equal(t.n, 0);
	/* RFC 4028 10: a third before the end, but not over 32 s before */
	world_pass(&t.w, 12000);
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
	assert_int_equal(channels(), 0);
	answer(SIP_BYE, 5061, 200, "", "");
}

/* The called side wants longer sessions than ours: the same INVITE again, with as much. */
static void test_session_timer_too_small_for_the_called(void **state)
{
	size_t i;

	(void)state;
	alice_calls("bob");
	i = request(SIP_INVITE, 5062);
	assert_string_equal(wire_header(t.sent[i], "Session-Expires"), "1800");
	answer(SIP_INVITE, 5062, 422, "Min-SE: 3600\r\n", "");
	i = request(SIP_INVITE, 5062);
	assert_true(i != SIZE_MAX);
	assert_int_equal(t.sent[i]->cseq, 2);
	assert_string_equal(wire_header(t.sent[i], "Session-Expires"), "3600");
	assert_string_equal(wire_header(t.sent[i], "Min-SE"), "3600");
	assert_true(t.sent[i]->body.n > 0);
	answer(SIP_INVITE, 5062, 200, "Session-Expires: 3600;refresher=uac\r\nRequire: timer\r\n", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	/* The refresh at half of it says the same; a still longer one is taken up too. */
	t.deaf = true;
	world_pass(&t.w, 1799 * 1000);
	t.deaf = false;
	wire_forget(&t);
	world_pass(&t.w, 1100);
	i = request(SIP_INVITE, 5062);
	assert_true(i != SIZE_MAX);
	assert_string_equal(wire_header(t.sent[i], "Session-Expires"), "3600;refresher=uac");
	answer(SIP_INVITE, 5062, 422, "Min-SE: 7200\r\n", "");
	i = request(SIP_INVITE, 5062);
	assert_string_equal(wire_header(t.sent[i], "Session-Expires"), "7200;refresher=uac");
	/* One that wants what it got is refusing the call. */
	answer(SIP_INVITE, 5062, 422, "Min-SE: 100\r\n", "");
	assert_int_equal(count(SIP_INVITE, 422), 0);
}

static void test_session_timer_too_small(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "Supported: timer\r\nSession-Expires: 20\r\n", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 422);
	assert_string_equal(wire_header(response(SIP_INVITE), "Min-SE"), "90");
}

static void test_call_through(void **state)
{
	(void)state;
	alice_calls("bob");
	assert_int_equal(world_events(&t.w, "Newchannel", "CallerIDName: Bob"), 1);
	assert_int_equal(world_events(&t.w, "VarSet", "Variable: SIPDOMAIN"), 1);
	assert_int_equal(world_events(&t.w, "Newexten", "Application: AppDial"), 1);
	/* Whom she called is known from the beginning. */
	assert_int_equal(world_events(&t.w, "NewConnectedLine", "ConnectedLineName: Bob"), 1);
	answer(SIP_INVITE, 5062, 180, "", "");
	assert_int_equal(status(SIP_INVITE), 180);
	assert_true(str_find(str_z(wire_header(response(SIP_INVITE), "Remote-Party-ID")), STR("\"Bob\" <sip:")) == 0);
	assert_string_equal(wire_header(response(SIP_INVITE), "Supported"), "");
	answer(SIP_INVITE, 5062, 200, "Remote-Party-ID: \"Bobby\" <sip:201@x>;party=called\r\n", SDP_ULAW);
	assert_true(request(SIP_ACK, 5062) != SIZE_MAX);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	assert_string_equal(wire_header(response(SIP_INVITE), "Remote-Party-ID"),
			    "\"Bobby\" <sip:201@127.0.0.1>;party=called;privacy=off;screen=no");
	alice("ACK", "bob", 1, "", "");
	assert_int_equal(world_events(&t.w, "Newexten", "Application: AppDial"), 2);
	assert_int_equal(world_events(&t.w, "VarSet", "Variable: BRIDGEPEER"), 2);
	/* Alice adds video: bob is asked too. */
	wire_forget(&t);
	alice("INVITE", "bob", 2, "", SDP_VIDEO);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(request(SIP_INVITE, 5062) != SIZE_MAX);
	assert_true(str_find(t.sent[request(SIP_INVITE, 5062)]->body, STR("m=video 4000")) <
		    t.sent[request(SIP_INVITE, 5062)]->body.n);
	alice("ACK", "bob", 2, "", "");
	answer(SIP_INVITE, 5062, 488, "", "");
	assert_int_equal(channels(), 2);
	wire_forget(&t);
	alice("BYE", "bob", 3, "", "");
	answer(SIP_BYE, 5062, 200, "", "");
	assert_int_equal(channels(), 0);
	assert_int_equal(world_events(&t.w, "Hangup", "Cause: 16"), 2);
	for (unsigned code = 400; code < 700; code++) {
		char line[32];

		snprintf(line, sizeof(line), "TechCause: %u", code);
		assert_int_equal(world_events(&t.w, "Hangup", line), 0);
	}
}

/* The caller hears the status again, the manager both it and Q.850's name for it. */
static void test_refused(void **state)
{
	static const struct { unsigned status, cause, back; } tv[] = { { 486, 17, 486 }, { 404, 1, 404 },
		{ 483, 19, 480 }, { 500, 38, 500 }, { 599, 34, 503 }, { 606, 58, 488 } };
	char line[32];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		alice_calls("refused");
		answer(SIP_INVITE, 5062, tv[i].status, "", "");
		assert_int_equal(status(SIP_INVITE), tv[i].back);
		snprintf(line, sizeof(line), "TechCause: %u", tv[i].status);
		assert_true(world_events(&t.w, "Hangup", line) >= 1);
		snprintf(line, sizeof(line), "Cause: %u", tv[i].cause);
		assert_int_equal(world_events(&t.w, "Hangup", line), 2);
		assert_int_equal(channels(), 0);
	}
}

/* Alice speaks ulaw: which numbers the called one is offered. */
static void offered(const char *exten, unsigned cseq, const char *numbers)
{
	char line[64];
	struct str body;

	wire_forget(&t);
	alice("INVITE", exten, cseq, "", SDP_ULAW);
	assert_true(request(SIP_INVITE, 5062) != SIZE_MAX);
	body = t.sent[request(SIP_INVITE, 5062)]->body;
	snprintf(line, sizeof(line), "m=audio 4000 RTP/AVP %s 101\r\n", numbers);
	assert_true(str_find(body, str_z(line)) < body.n);
}

static void test_outgoing_offer_pref(void **state)
{
	(void)state;
	offered("merge", 1, "0 9 8");           /* remote_merge, the default */
	offered("ours", 2, "0");
	offered("oursall", 3, "9 8 0");
}

static void test_cancel_crosses_answer(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 180, "", "");
	alice("CANCEL", "bob", 1, "", "");
	assert_true(request(SIP_CANCEL, 5062) != SIZE_MAX);
	answer(SIP_CANCEL, 5062, 200, "", "");
	answer(SIP_INVITE, 5062, 200, "", SDP_ULAW);
	assert_true(request(SIP_ACK, 5062) != SIZE_MAX);
	assert_true(request(SIP_BYE, 5062) != SIZE_MAX);
	answer(SIP_BYE, 5062, 200, "", "");
	assert_int_equal(channels(), 0);
}

static void test_redirected(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 302, "Contact: <sip:carl@127.0.0.1>\r\n", "");
	/* Of the leg that refused it is told why. */
	assert_int_equal(world_events(&t.w, "Hangup", "Cause: 23"), 1);
	assert_int_equal(world_events(&t.w, "Hangup", "TechCause: 302"), 1);
	/* The caller is told where to, the next one from whom. */
	assert_int_equal(status(SIP_INVITE), 181);
	assert_string_equal(wire_header(response(SIP_INVITE), "Diversion"), "<sip:carl@127.0.0.1>;reason=unknown");
	assert_true(request(SIP_INVITE, 5063) != SIZE_MAX);
	assert_string_equal(wire_header(t.sent[request(SIP_INVITE, 5063)], "Diversion"),
			    "\"Bob\" <sip:200@127.0.0.1>;reason=unknown");
	assert_string_equal(wire_header(t.sent[request(SIP_INVITE, 5063)], "History-Info"),
			    "\"Bob\" <sip:200@127.0.0.1>;index=1");
	answer(SIP_INVITE, 5063, 180, "", "");
	assert_int_equal(status(SIP_INVITE), 180);
	assert_string_equal(wire_header(response(SIP_INVITE), "Diversion"), "<sip:carl@127.0.0.1>;reason=unknown");
	answer(SIP_INVITE, 5063, 486, "", "");
	assert_int_equal(status(SIP_INVITE), 486);
	alice("ACK", "bob", 1, "", "");
	assert_int_equal(channels(), 0);
}

static void bob_talks_to_alice(void)
{
	alice_calls("bob");
	answer(SIP_INVITE, 5062, 200, "", SDP_ULAW);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	wire_forget(&t);
}

static void test_blind_transfer(void **state)
{
	(void)state;
	bob_talks_to_alice();
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\nReferred-By: <sip:alice@x>\r\n", "");
	assert_int_equal(status(SIP_REFER), 202);
	assert_true(request(SIP_INVITE, 5063) != SIZE_MAX);
	assert_string_equal(wire_header(t.sent[request(SIP_INVITE, 5063)], "Referred-By"), "<sip:alice@x>");
	/* The BYE is alice's; she has some time for it. */
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
	answer(SIP_INVITE, 5063, 180, "", "");
	assert_true(str_starts(t.sent[request(SIP_NOTIFY, 5061)]->body, STR("SIP/2.0 180")));
	answer(SIP_INVITE, 5063, 200, "", SDP_ULAW);
	assert_true(str_starts(t.sent[request(SIP_NOTIFY, 5061)]->body, STR("SIP/2.0 200")));
	answer(SIP_NOTIFY, 5061, 200, "", "");
	wire_forget(&t);
	world_pass(&t.w, 2500);
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
	alice("BYE", "bob", 3, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	assert_int_equal(channels(), 2);
}

static void test_transfer_to_nowhere(void **state)
{
	(void)state;
	bob_talks_to_alice();
	alice("REFER", "bob", 2, "Refer-To: <sip:nowhere@127.0.0.1>\r\n", "");
	assert_true(str_starts(t.sent[request(SIP_NOTIFY, 5061)]->body, STR("SIP/2.0 404")));
	assert_int_equal(channels(), 2);
	wire_forget(&t);
	world_pass(&t.w, 1000);
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(test_invite_answer_bye), T(test_line_information), T(test_bye_waits_for_ack),
		T(test_no_ack_ends_the_call),
		T(test_answer_in_the_ack), T(test_no_answer_in_the_ack),
		T(test_unknown_extension), T(test_cancel), T(test_reinvite), T(test_reliable_provisional),
		T(test_session_timer_expires), T(test_session_timer_too_small),
		T(test_session_timer_too_small_for_the_called), T(test_call_through), T(test_refused),
		T(test_outgoing_offer_pref),
		T(test_cancel_crosses_answer), T(test_redirected), T(test_blind_transfer), T(test_transfer_to_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
