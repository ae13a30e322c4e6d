/* Transfers over SIP: REFER and Replaces of theirs, REFER and 302 of ours, and the
 * NOTIFYs that tell how it went. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/bridge.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => carl,1,Dial(PJSIP/carl)\n"
	"exten => away,1,Ringing()\n same => n,Transfer(${WHERE})\n same => n,Wait(600)\n"
	"exten => sent,1,Answer()\n same => n,Transfer(${WHERE})\n same => n,Wait(600)\n"
	"exten => external_replaces,1,Set(GLOBAL(TOLD)=${SIPREPLACESHDR})\n same => n,Wait(600)\n"
	"exten => alone,1,Answer()\n same => n,Wait(600)\n"
	"[elsewhere]\n"
	"exten => carl,1,Set(GLOBAL(TOLD)=${SIPREFERRINGCONTEXT} ${SIPTRANSFER} ${SIPREFERTOHDR})\n same => n,Wait(600)\n";

static const char conf[] =
	WIRE_UDP
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\ndirect_media=no\n"
	ALICE_LINE
	BOB_LINE
	"[carl](phone)\naors=carl\n[carl]\ntype=aor\ncontact=sip:carl@127.0.0.1:5063\n"
	"[lost](phone)\naors=lost\n[lost]\ntype=aor\n";

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
	alice_ends(0);
	wire_close(&t);
	return 0;
}

/* What the newest NOTIFY to alice says of her REFER; she accepts it. */
static const char *notified(void)
{
	static char room[64];

	str_copy(room, sizeof(room), str_trim(requested(SIP_NOTIFY, 5061)->body));
	answer(SIP_NOTIFY, 5061, 200, "", "");
	return room;
}

/* ---- the dialplan sends the caller away -------------------------------------------------- */

static void sent_away_before_the_answer(void **state)
{
	static const struct { const char *where, *contact; } tv[] = {
		{ "PJSIP/bob", "<sip:bob@127.0.0.1:5062>" }, { "PJSIP/sip:x@example.org", "<sip:x@example.org>" },
		{ "sips:x@example.org", "<sips:x@example.org>" }, { "700", "<sip:700@127.0.0.1>" },
		{ "700@example.org", "<sip:700@example.org>" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		set_global("WHERE", tv[i].where);
		alice_calls("away");
		assert_int_equal(status(SIP_INVITE), 302);
		assert_string_equal(wire_header(response(SIP_INVITE), "Contact"), tv[i].contact);
		alice("ACK", "away", 1, "", "");
	}
	/* an endpoint that is nowhere */
	alice_starts_anew();
	set_global("WHERE", "PJSIP/lost");
	alice_calls("away");
	assert_int_equal(status(SIP_INVITE), 180);
	assert_int_equal(world_events(&t.w, "VarSet", "Value: FAILURE"), 1);
}

static void alice_is_sent_to_bob(unsigned accepts)
{
	set_global("WHERE", "PJSIP/bob");
	alice_calls("sent");
	alice("ACK", "sent", 1, "", "");
	world_pass(&t.w, 600);
	assert_string_equal(wire_header(requested(SIP_REFER, 5061), "Refer-To"), "sip:bob@127.0.0.1:5062");
	assert_string_equal(wire_header(requested(SIP_REFER, 5061), "Event"), "refer");
	assert_string_equal(wire_header(requested(SIP_REFER, 5061), "Expires"), "600");
	assert_string_equal(wire_header(requested(SIP_REFER, 5061), "Referred-By"), "<sip:sent@127.0.0.1>");
	answer(SIP_REFER, 5061, accepts, "", "");
	wire_forget(&t);
}

static void alice_tells(unsigned cseq, const char *state, const char *how)
{
	char more[128];

	snprintf(more, sizeof(more), "Event: refer\r\nSubscription-State: %s\r\n", state);
	alice("NOTIFY", "sent", cseq, more, how);
	assert_int_equal(status(SIP_NOTIFY), 200);
}

static void sent_away_after_the_answer(void **state)
{
	(void)state;
	alice_is_sent_to_bob(202);
	alice("NOTIFY", "sent", 2, "Event: lamps\r\nSubscription-State: active\r\n", "");
	assert_int_equal(status(SIP_NOTIFY), 489);
	alice_tells(3, "active", "SIP/2.0 100 Trying\r\n");
	assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUS"), "");
	alice_tells(4, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
	assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUS"), "SUCCESS");
	assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUSPROTOCOL"), "0");
	/* nobody waits for this any more */
	alice_tells(5, "terminated", "SIP/2.0 486 Busy\r\n");
	assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUS"), "SUCCESS");
}

static void who_was_sent_did_not_arrive(void **state)
{
	static const struct { const char *state, *how, *code; } tv[] = {
		{ "active", "SIP/2.0 486 Busy\r\n", "486" }, { "terminated", "SIP/2.0 xxx\r\n", "1" }, { "terminated", "", "1" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		alice_is_sent_to_bob(202);
		alice_tells(2, tv[i].state, tv[i].how);
		assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUS"), "FAILURE");
		assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUSPROTOCOL"), tv[i].code);
		alice("BYE", "sent", 3, "", "");
		assert_int_equal(channels(), 0);
	}
	alice_starts_anew();
	alice_is_sent_to_bob(603);
	assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUS"), "FAILURE");
	assert_string_equal(world_var(channel_at(0), "TRANSFERSTATUSPROTOCOL"), "603");
}

/* ---- alice sends somebody away -------------------------------------------------------------- */

/* Nobody is with her, and nobody is where she wants to go: the latter is said. */
static void to_no_extension(void **state)
{
	(void)state;
	alice_talks("alone");
	wire_forget(&t);
	alice("REFER", "alone", 2, "Refer-To: <sip:nosuch@127.0.0.1>\r\n", "");
	assert_int_equal(status(SIP_REFER), 202);
	answer(SIP_NOTIFY, 5061, 200, "", "");
	assert_true(has(requested(SIP_NOTIFY, 5061)->body, "SIP/2.0 404 "));
}

static void refused_refers(void **state)
{
	static const struct { const char *more; unsigned status; } tv[] = {
		{ "", 400 }, { "Refer-To: <tel:+1234>\r\n", 400 }, { "Refer-To: <<>\r\n", 400 },
	};
	char text[sizeof(conf) + 64];

	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice("REFER", "bob", 2 + (unsigned)i, tv[i].more, "");
		assert_int_equal(status(SIP_REFER), tv[i].status);
	}
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
	assert_int_equal(channels(), 2);
	alice("BYE", "bob", 9, "", "");
	answer(SIP_BYE, BOB, 200, "", "");
	/* who may not */
	snprintf(text, sizeof(text), "%s[alice](+)\nallow_transfer=no\n", conf);
	wire_reload(&t, text);
	alice_starts_anew();
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	assert_int_equal(status(SIP_REFER), 603);
	assert_int_equal(channels(), 2);
}

static void without_a_subscription(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\nRefer-Sub: false\r\n", "");
	/* Its response says how it went. */
	assert_int_equal(status(SIP_REFER), 200);
	assert_string_equal(wire_header(response(SIP_REFER), "Refer-Sub"), "false");
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
	assert_true(request(SIP_INVITE, CARL) != SIZE_MAX);
}

static void in_vain_without_a_subscription(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:nosuch@127.0.0.1>\r\nRefer-Sub: false\r\n", "");
	assert_int_equal(status(SIP_REFER), 404);
	assert_string_equal(wire_header(response(SIP_REFER), "Reason"), "Q.850;cause=16");
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
	/* The call is as it was, and ends as ever. */
	channel_hangup(channel_at(0), CAUSE_NORMAL);
	world_turn(&t.w);
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
}

static void wished_for(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\nRefer-Sub: true\r\n", "");
	assert_int_equal(status(SIP_REFER), 202);
	assert_string_equal(wire_header(response(SIP_REFER), "Refer-Sub"), "true");
}

/* Does a BYE come to her within that time? */
static bool bye_comes(unsigned ms)
{
	for (unsigned at = 0; at < ms; at += 500) {
		wire_forget(&t);
		world_pass(&t.w, 500);
		if (request(SIP_BYE, 5061) != SIZE_MAX)
			return true;
	}
	return false;
}

/* Whoever sent the other on hangs up itself, or is made to a minute later. */
static void the_bye_of_who_transferred(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	answer(SIP_INVITE, CARL, 486, "", "");
	assert_false(bye_comes(59000));
	assert_true(bye_comes(1500));
}

static void who_sent_whom(void **state)
{
	struct channel *bob;

	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	bob = channel_at(1);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	assert_string_equal(world_var(bob, "SIPTRANSFER"), "yes");
	assert_true(str_istarts(str_z(world_var(bob, "BLINDTRANSFER")), STR("PJSIP/alice-")));
	assert_int_equal(world_events(&t.w, "BlindTransfer", "IsExternal: Yes"), 1);
	/* Until it has arrived. */
	answer(SIP_INVITE, CARL, 200, "", SDP_ULAW);
	assert_string_equal(world_var(bob, "BLINDTRANSFER"), "");
}

static void into_a_context(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	assert_int_equal(vars_set(&channel_at(0)->vars, STR("TRANSFER_CONTEXT"), STR("elsewhere")), 0);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	assert_true(request(SIP_INVITE, CARL) == SIZE_MAX);
	assert_string_equal(global("TOLD"), "elsewhere yes sip:carl@127.0.0.1");
	/* Nothing is said there, and then it is over. */
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
	channel_hangup(channel_at(channels() - 1), CAUSE_NORMAL);
	world_turn(&t.w);
	assert_string_equal(notified(), "SIP/2.0 503 Service Unavailable");
}

static const char *notify_state(void)
{
	return wire_header(requested(SIP_NOTIFY, 5061), "Subscription-State");
}

/* refer_blind_progress: what bob is told of carl, alice is told. */
static void how_it_fares(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	assert_int_equal(status(SIP_REFER), 202);
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
	answer(SIP_INVITE, CARL, 180, "", "");
	assert_true(str_eq(str_trim(t.sent[request(SIP_NOTIFY, 5061) - 1]->body), STR("SIP/2.0 100 Trying")));
	assert_string_equal(notified(), "SIP/2.0 180 Ringing");
	assert_true(str_istarts(str_z(notify_state()), STR("active")));
	wire_forget(&t);
	/* Longer than a REFER that is done at once may take. */
	world_pass(&t.w, 40000);
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
}

static void how_it_ends(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	answer(SIP_INVITE, CARL, 200, "", SDP_ULAW);
	assert_string_equal(notified(), "SIP/2.0 200 OK");
	assert_true(str_istarts(str_z(notify_state()), STR("terminated")));
	wire_forget(&t);
	alice("BYE", "bob", 3, "", "");
	assert_int_equal(status(SIP_BYE), 200);
	assert_int_equal(channels(), 2);
}

static void not_asked_how_it_fares(void **state)
{
	char text[sizeof(conf) + 64];

	(void)state;
	snprintf(text, sizeof(text), "%s[alice](+)\nrefer_blind_progress=no\n", conf);
	wire_reload(&t, text);
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("REFER", "bob", 2, "Refer-To: <sip:carl@127.0.0.1>\r\n", "");
	assert_string_equal(notified(), "SIP/2.0 200 OK");
	assert_true(str_istarts(str_z(notify_state()), STR("terminated")));
}

/* alice has bob in one call and carl in another. first: the tag of the one with bob. */
static void alice_has_both(char first[64])
{
	alice_talks_to("bob", BOB, SDP_ULAW);
	str_copy(first, 64, str_z(tag));
	alice_starts_anew();
	alice_talks_to("carl", CARL, SDP_ULAW);
	assert_int_equal(channels(), 4);
}

static void refer_to_replace(unsigned cseq, const char *call_id, const char *to_tag)
{
	char more[256];

	snprintf(more, sizeof(more), "Refer-To: <sip:x@127.0.0.1?Subject=a&Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Da1>\r\n",
		 call_id, to_tag);
	alice("REFER", "carl", cseq, more, "");
	assert_int_equal(status(SIP_REFER), 202);
}

static void attended(void **state)
{
	char first[64];

	(void)state;
	alice_has_both(first);
	refer_to_replace(2, "c1", first);
	assert_string_equal(notified(), "SIP/2.0 200 OK");
	/* bob and carl hear one another; the call that was named is ended, of the other the BYE is alice's for a while */
	assert_int_equal(channels(), 2);
	assert_ptr_equal(bridge_peer(channel_at(0)), channel_at(1));
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
	world_pass(&t.w, 600);
	assert_string_equal(wire_header(requested(SIP_BYE, 5061), "Call-ID"), "c1");
	assert_int_equal(world_events(&t.w, "VarSet", "Variable: ATTENDEDTRANSFER"), 3);
	answer(SIP_BYE, 5061, 200, "", "");
	assert_false(bye_comes(57000));
	assert_true(bye_comes(4000));
	assert_string_equal(wire_header(requested(SIP_BYE, 5061), "Call-ID"), "c2");
	assert_true(request(SIP_BYE, BOB) == SIZE_MAX && request(SIP_BYE, CARL) == SIZE_MAX);
}

static void attended_to_herself(void **state)
{
	char first[64];

	(void)state;
	alice_has_both(first);
	refer_to_replace(2, "c2", tag);
	assert_string_equal(notified(), "SIP/2.0 404 Not Found");
	assert_int_equal(channels(), 4);
}

/* The dialplan has no extension for calls that are elsewhere: nothing happens. */
static void attended_nowhere(void **state)
{
	(void)state;
	world_dialplan(&t.w, "[default]\nexten => carl,1,Dial(PJSIP/carl)\n");
	alice_talks_to("carl", CARL, SDP_ULAW);
	refer_to_replace(2, "far", "away");
	assert_string_equal(notified(), "SIP/2.0 404 Not Found");
	assert_int_equal(world_events(&t.w, "BlindTransfer", NULL), 0);
	assert_string_equal(world_var(channel_at(1), "SIPTRANSFER"), "");
	assert_int_equal(channels(), 2);
}

static void attended_elsewhere(void **state)
{
	(void)state;
	alice_talks_to("carl", CARL, SDP_ULAW);
	refer_to_replace(2, "far", "away");
	assert_string_equal(global("TOLD"), "far;to-tag=away;from-tag=a1");
	assert_true(request(SIP_NOTIFY, 5061) == SIZE_MAX);
	assert_int_equal(channels(), 1);
}

/* ---- INVITE with Replaces --------------------------------------------------------------------- */

static void replaces(const char *first, const char *end)
{
	char more[256];

	snprintf(more, sizeof(more), "Replaces: c1;to-tag=%s;from-tag=a1%s\r\n", first, end);
	alice("INVITE", "bob", 1, more, SDP_ULAW);
}

static void a_leg_is_replaced(void **state)
{
	char first[64];
	struct channel *bob;

	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	bob = channel_at(1);
	str_copy(first, sizeof(first), str_z(tag));
	alice_starts_anew();
	replaces(first, "");
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	assert_int_equal(channels(), 2);
	assert_ptr_equal(bridge_peer(channel_at(1)), bob);
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
	assert_string_equal(wire_header(requested(SIP_BYE, 5061), "Call-ID"), "c1");
	assert_true(request(SIP_BYE, BOB) == SIZE_MAX);
}

static void refused_replaces(void **state)
{
	char first[64];

	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	str_copy(first, sizeof(first), str_z(tag));
	alice_starts_anew();
	replaces(first, "\r\nReplaces: c9;to-tag=a;from-tag=b");
	assert_int_equal(status(SIP_INVITE), 400);
	alice_starts_anew();
	replaces("unknown", "");
	assert_int_equal(status(SIP_INVITE), 481);
	alice_starts_anew();
	alice("INVITE", "bob", 1, "Replaces: c1\r\n", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 481);
	alice_starts_anew();
	replaces(first, ";early-only");
	assert_int_equal(status(SIP_INVITE), 486);
	assert_int_equal(channels(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(sent_away_before_the_answer), T(sent_away_after_the_answer), T(who_was_sent_did_not_arrive),
		T(to_no_extension), T(refused_refers), T(without_a_subscription), T(in_vain_without_a_subscription),
		T(wished_for), T(the_bye_of_who_transferred), T(who_sent_whom), T(into_a_context), T(how_it_fares), T(how_it_ends),
		T(not_asked_how_it_fares), T(attended), T(attended_to_herself),
		T(attended_elsewhere), T(attended_nowhere), T(a_leg_is_replaced), T(refused_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
