/* The leg that we call and what it is told: dial strings, who was redirected
 * (Diversion, History-Info), ringing and hold, video beside sound, and re-INVITEs of
 * ours that meet others. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/dialplan.h"
#include "pbx/originate.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SDP_TWO_VIDEOS SDP_VIDEO "m=video 6004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => dial,1,Dial(${WHAT})\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => carl,1,Set(REDIRECTING(from-name)=Desk)\n same => n,Dial(PJSIP/carl)\n"
	"exten => told,1,Ringing()\n same => n,Wait(600)\n"
	"exten => busy,1,Busy(1)\n"
	"exten => full,1,Congestion(1)\n"
	"exten => more,1,Incomplete(n)\n"
	"exten => away,1,Transfer(PJSIP/sip:x@127.0.0.1)\n same => n,Set(GLOBAL(LATER)=yes)\n"
	"exten => digits,1,Dial(PJSIP/info,20,D(1:2:3))\n"
	"exten => echo,1,Answer()\n same => n,StreamEcho(${HOW})\n same => n,Set(ECHOED=yes)\n same => n,Wait(600)\n";

#define CONF(bob_has) \
	WIRE_UDP \
	"[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,h264\ndirect_media=no\nmax_video_streams=3\n" \
	"send_diversion=yes\n" \
	ALICE_LINE \
	"[bob](phone)\naors=bob\n" bob_has "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n" \
	"[carl](phone)\naors=carl\nsend_history_info=yes\nuser_eq_phone=yes\nset_var=WHO=carl\n" \
	"[carl]\ntype=aor\ncontact=sip:300@127.0.0.1:5063\n" \
	"[info](phone)\naors=bob\ndtmf_mode=info\n" \
	"[lost](phone)\naors=lost\n[lost]\ntype=aor\n"

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, CONF(""));
	alice_begins();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

/* ---- dial strings ------------------------------------------------------------------------- */

static void where_it_goes(void **state)
{
	static const struct { const char *what; uint16_t port; const char *uri; } tv[] = {
		{ "PJSIP/bob", BOB, "sip:bob@127.0.0.1:5062" }, { "PJSIP/700@bob", BOB, "sip:700@127.0.0.1:5062" },
		{ "PJSIP/bob/sip:x@127.0.0.1:5070", 5070, "sip:x@127.0.0.1:5070" },
		{ "PJSIP/bob/sip:bob@127.0.0.1:5062", BOB, "sip:bob@127.0.0.1:5062" },
		{ "PJSIP/7@bob/sip:x@127.0.0.1:5070;a=b", 5070, "sip:7@127.0.0.1:5070;a=b" },
		{ "PJSIP/bob/carl", CARL, "sip:300@127.0.0.1:5063" },
		{ "PJSIP/carl", CARL, "sip:300@127.0.0.1:5063;user=phone" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		set_global("WHAT", tv[i].what);
		alice_calls("dial");
		if (!str_eq(requested(SIP_INVITE, tv[i].port)->ruri.text, str_z(tv[i].uri)))
			fail_msg("%s: %.*s", tv[i].what, STR_ARG(requested(SIP_INVITE, tv[i].port)->ruri.text));
		if (tv[i].port == CARL && i + 1 == ARRAY_LEN(tv)) {
			assert_string_equal(wire_header(requested(SIP_INVITE, CARL), "To"),
					    "<sip:300@127.0.0.1:5063;user=phone>");
			assert_string_equal(world_var(channel_at(1), "WHO"), "carl");
		}
		answer(SIP_INVITE, tv[i].port, 486, "", "");
		alice("CANCEL", "dial", 1, "", "");
		world_turn(&t.w);
	}
}

static void where_it_cannot_go(void **state)
{
	static const struct { const char *what, *status; } tv[] = {
		{ "PJSIP/nobody", "CHANUNAVAIL" }, { "PJSIP/7@nobody", "CHANUNAVAIL" }, { "PJSIP/lost", "CHANUNAVAIL" },
		{ "PJSIP/bob/lost", "CHANUNAVAIL" },
		{ "PJSIP/7@bob/sip:::", "CHANUNAVAIL" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		set_global("WHAT", tv[i].what);
		alice_calls("dial");
		assert_int_equal(channels(), 1);
		assert_string_equal(world_var(channel_at(0), "DIALSTATUS"), tv[i].status);
		assert_true(request(SIP_INVITE, BOB) == SIZE_MAX);
		alice("CANCEL", "dial", 1, "", "");
		world_turn(&t.w);
		assert_int_equal(channels(), 0);
	}
}

/* Nobody has said who bob is: whoever calls sees what was dialled, and at once. */
static void seen_by_the_caller(void **state)
{
	(void)state;
	alice_calls("bob");
	assert_string_equal(text_z(&channel_at(0)->connected.number), "bob");
	assert_true(request(SIP_INVITE, BOB) != SIZE_MAX);
}

/* ---- who was redirected -------------------------------------------------------------------- */

/* As the dialplan has it; the next call's buffer. */
static const char *redirecting_reason(struct channel *ch)
{
	static char room[64];
	struct buf b;

	buf_init(&b, room, sizeof(room), sizeof(room));
	pbx_substitute(t.w.pbx, ch, STR("${REDIRECTING(reason)}"), &b);
	return buf_z(&b);
}

static void told_by_diversion(void **state)
{
	static const struct { const char *header, *number, *reason, *passed_on; } tv[] = {
		{ "<sip:900@x>;reason=user-busy", "900", "cfb", "user-busy" },
		{ "\"Nine\" <sip:900;phone-context=y@x>;reason=\"no-answer\"", "900", "cfnr", "no-answer" },
		{ "<sip:900@x>;reason=\"gone fishing\"", "900", "\"gone fishing\"", "\"gone fishing\"" },
		{ "<sip:900@x>;reason=holiday", "900", "holiday", "holiday" }, { "<sip:900@x>", "900", "unknown", "unknown" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char more[128], expected[128];

		alice_starts_anew();
		snprintf(more, sizeof(more), "Diversion: %s\r\n", tv[i].header);
		alice("INVITE", "bob", 1, more, SDP_ULAW);
		assert_true(str_eq(text_view(&channel_at(0)->redirecting.from.number), str_z(tv[i].number)));
		assert_string_equal(redirecting_reason(channel_at(0)), tv[i].reason);
		/* ... and bob is told */
		snprintf(expected, sizeof(expected), ";reason=%s", tv[i].passed_on);
		assert_true(str_ends(str_z(wire_header(requested(SIP_INVITE, BOB), "Diversion")), str_z(expected)));
		answer(SIP_INVITE, BOB, 486, "", "");
		assert_int_equal(channels(), 0);
	}
}

static void told_by_history(void **state)
{
	static const struct { const char *header, *from, *to, *cause; } tv[] = {
		{ "<sip:900@x>;index=1, <sip:901@x;cause=486>;index=1.1", "900", "901", "486" },
		{ "<sip:900@x>;index=1, <sip:901@x;cause=302>;index=1.1, <sip:902@x;cause=408>;index=1.1.1",
		  "900", "902", "408" },
		{ "<sip:905@x>;index=7, <sip:900@x>;index=1, <sip:901@x;cause=487>;index=1.1", "900", "901", "480" },
		{ "<sip:900@x>;index=1, <sip:901@x;cause=nothing>;index=1.1", "900", "901", "404" },
		{ "<<>, <sip:900@x>;index=1, <sip:901@x>;index=1.1", "900", "901", "404" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		char more[256];
		struct sip_msg *m;

		alice_starts_anew();
		snprintf(more, sizeof(more), "History-Info: %s\r\n", tv[i].header);
		alice("INVITE", "carl", 1, more, SDP_ULAW);
		assert_true(str_eq(text_view(&channel_at(0)->redirecting.from.number), str_z(tv[i].from)));
		assert_true(str_eq(text_view(&channel_at(0)->redirecting.to.number), str_z(tv[i].to)));
		m = requested(SIP_INVITE, CARL);
		snprintf(more, sizeof(more), "History-Info: \"Desk\" <sip:%s@127.0.0.1;user=phone>;index=1\r\n",
			 tv[i].from);
		if (!has(m->bytes, more))
			fail_msg("not there: %s in %.*s", more, STR_ARG(m->bytes));
		snprintf(more, sizeof(more), "History-Info: <sip:%s@127.0.0.1;user=phone;cause=%s>;index=1.1\r\n",
			 tv[i].to, tv[i].cause);
		if (!has(m->bytes, more))
			fail_msg("not there: %s in %.*s", more, STR_ARG(m->bytes));
		answer(SIP_INVITE, CARL, 486, "", "");
		assert_int_equal(channels(), 0);
	}
	/* One entry says that nobody redirected. */
	alice_starts_anew();
	alice("INVITE", "bob", 1, "History-Info: <sip:bob@x>;index=1\r\n", SDP_ULAW);
	assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Diversion"), "");
}

static void told_by_the_called(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, BOB, 181, "Diversion: <sip:900@x>;reason=unconditional\r\n", "");
	assert_int_equal(status(SIP_INVITE), 181);
	assert_string_equal(wire_header(response(SIP_INVITE), "Diversion"), "<sip:900@127.0.0.1>;reason=unconditional");
	answer(SIP_INVITE, BOB, 302, "Contact: <sip:carl@127.0.0.1>\r\nDiversion: <sip:950@x>;reason=away\r\n", "");
	assert_true(has(str_z(wire_header(requested(SIP_INVITE, CARL), "Diversion")),
			"sip:950@127.0.0.1;user=phone>;reason=away"));
}

/* ---- what the caller is told ------------------------------------------------------------------ */

static void last_words(void **state)
{
	static const struct { const char *exten; unsigned status; } tv[] = {
		{ "busy", 486 }, { "full", 503 }, { "more", 484 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		alice_starts_anew();
		alice_calls(tv[i].exten);
		assert_int_equal(status(SIP_INVITE), tv[i].status);
		alice("ACK", tv[i].exten, 1, "", "");
		world_turn(&t.w);
		assert_int_equal(channels(), 0);
	}
}

static void sent_away_is_over(void **state)
{
	(void)state;
	alice_calls("away");
	assert_int_equal(status(SIP_INVITE), 302);
	alice("ACK", "away", 1, "", "");
	world_turn(&t.w);
	assert_int_equal(channels(), 0);
	assert_string_equal(global("LATER"), "");
	assert_int_equal(world_events(&t.w, "HangupRequest", "Cause: 23"), 1);
	assert_int_equal(world_events(&t.w, "Hangup", "TechCause: 302"), 1);
}

static void digits_of_an_early_dialog(void **state)
{
	(void)state;
	alice_calls("digits");
	answer(SIP_INVITE, BOB, 100, "", "");
	assert_true(request(SIP_INFO, BOB) == SIZE_MAX);
	answer(SIP_INVITE, BOB, 183, "", SDP_ULAW);
	world_pass(&t.w, 500);
	assert_true(has(requested(SIP_INFO, BOB)->body, "Signal=3"));
	answer(SIP_INFO, BOB, 200, "", "");
}

static void hold_passes_through(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("INVITE", "bob", 2, "", SDP_ULAW "a=sendonly\r\n");
	assert_true(request(SIP_INVITE, BOB) == SIZE_MAX);      /* bob hears music */
	alice("ACK", "bob", 2, "", "");
	alice("BYE", "bob", 3, "", "");
	answer(SIP_BYE, BOB, 200, "", "");
	wire_reload(&t, CONF("moh_passthrough=yes\n"));
	alice_starts_anew();
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("INVITE", "bob", 2, "", SDP_ULAW "a=sendonly\r\n");
	alice("ACK", "bob", 2, "", "");
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=sendonly"));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW "a=recvonly\r\n");
	wire_forget(&t);
	alice("INVITE", "bob", 3, "", SDP_ULAW);
	alice("ACK", "bob", 3, "", "");
	assert_false(has(requested(SIP_INVITE, BOB)->body, "a=sendonly"));
}

static void who_is_there_now(void **state)
{
	static const char *const how[] = { "invite", "update" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(how); i++) {
		enum sip_method m = i ? SIP_UPDATE : SIP_INVITE;
		struct party p = { 0 };
		char text[sizeof(CONF("")) + 256];

		snprintf(text, sizeof(text), "%s[alice](+)\nsend_rpid=yes\ntrust_id_outbound=yes\nconnected_line_method=%s\n",
			 CONF(""), how[i]);
		wire_reload(&t, text);
		alice_starts_anew();
		alice_talks("up");
		assert_int_equal(party_set(&p, STR("400"), STR("Dora")), 0);
		channel_set_connected(channel_at(0), &p);
		party_free(&p);
		world_turn(&t.w);
		assert_true(str_starts(str_z(wire_header(requested(m, 5061), "Remote-Party-ID")),
				       STR("\"Dora\" <sip:400@127.0.0.1>")));
		answer(m, 5061, 200, "", SDP_ULAW);
		alice("BYE", "up", 2, "", "");
		assert_int_equal(channels(), 0);
	}
}

/* ---- forks: a proxy has rung at two phones of bob's --------------------------------------------- */

/* A response of the phone with that tag to our INVITE. */
static void fork_answers(const char *phone, unsigned code, const char *body)
{
	struct buf b = BUF_INIT;
	char *text;

	oom_pause(true);
	sip_write_response(&b, requested(SIP_INVITE, BOB), code, STR_NULL, str_z(phone));
	buf_printf(&b, "Contact: <sip:%s@127.0.0.1:5062>\r\n", phone);
	sip_write_body(&b, body[0] ? STR("application/sdp") : STR_NULL, str_z(body));
	text = GOT(buf_take(&b));
	oom_pause(false);
	wire_come(&t, "127.0.0.1:5062", text);
	free(text);
}

static void two_phones_answer(void **state)
{
	(void)state;
	alice_calls("bob");
	fork_answers("desk", 180, "");
	fork_answers("cell", 180, "");
	fork_answers("cell", 200, SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(str_eq(requested(SIP_ACK, BOB)->ruri.text, STR("sip:cell@127.0.0.1:5062")));
	assert_true(request(SIP_BYE, BOB) == SIZE_MAX);
	/* The second one that answers is hung up (RFC 3261 13.2.2.4), the first talks on. */
	fork_answers("desk", 200, SDP_ULAW);
	assert_true(str_eq(requested(SIP_ACK, BOB)->ruri.text, STR("sip:desk@127.0.0.1:5062")));
	assert_true(str_eq(requested(SIP_BYE, BOB)->ruri.text, STR("sip:desk@127.0.0.1:5062")));
	assert_int_equal(channels(), 2);
}

/* ---- re-INVITEs of ours ---------------------------------------------------------------------------- */

static size_t reinvites_to_bob(void)
{
	size_t n = 0;

	for (size_t i = 0; i < t.n; i++)
		n += t.sent[i]->request && t.sent[i]->method == SIP_INVITE && sa_port(&t.path[i].peer) == BOB;
	return n;
}

static void refused_for_now_is_tried_again(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("INVITE", "bob", 2, "", SDP_VIDEO);
	alice("ACK", "bob", 2, "", "");
	assert_int_equal(reinvites_to_bob(), 1);
	answer(SIP_INVITE, BOB, 491, "", "");
	wire_forget(&t);
	/* The owner of the Call-ID waits for 2.1 s at least. */
	world_pass(&t.w, 2000);
	assert_int_equal(reinvites_to_bob(), 0);
	world_pass(&t.w, 2100);
	assert_true(reinvites_to_bob() >= 1);   /* or more: nobody answers yet */
	answer(SIP_INVITE, BOB, 200, "", SDP_VIDEO);
	requested(SIP_ACK, BOB);
	assert_int_equal(channels(), 2);
}

static void one_at_a_time(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("INVITE", "bob", 2, "", SDP_VIDEO);
	alice("ACK", "bob", 2, "", "");
	assert_int_equal(reinvites_to_bob(), 1);
	alice("INVITE", "bob", 3, "", SDP_TWO_VIDEOS);
	alice("ACK", "bob", 3, "", "");
	assert_int_equal(reinvites_to_bob(), 1);
	answer(SIP_INVITE, BOB, 200, "", SDP_VIDEO);
	assert_int_equal(reinvites_to_bob(), 2);
}

static void the_call_that_is_gone_ends(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("INVITE", "bob", 2, "", SDP_VIDEO);
	alice("ACK", "bob", 2, "", "");
	answer(SIP_INVITE, BOB, 481, "", "");
	world_turn(&t.w);
	assert_int_equal(channels(), 0);
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
}

static void no_answer_ends_the_call(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_ULAW);
	alice("INVITE", "bob", 2, "", SDP_VIDEO);
	alice("ACK", "bob", 2, "", "");
	for (int i = 0; i < 33; i++) {
		wire_forget(&t);
		world_pass(&t.w, 1000);
	}
	assert_int_equal(channels(), 0);
}

/* ---- video ------------------------------------------------------------------------------------------ */

static void video_ends_for_both(void **state)
{
	(void)state;
	alice_talks_to("bob", BOB, SDP_VIDEO);
	alice("INVITE", "bob", 2, "", SDP_ULAW "m=video 6002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=sendonly\r\n");
	alice("ACK", "bob", 2, "", "");
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=sendonly"));
	answer(SIP_INVITE, BOB, 200, "", SDP_VIDEO "a=recvonly\r\n");
	wire_forget(&t);
	alice("INVITE", "bob", 3, "", SDP_ULAW "m=video 0 RTP/AVP 96\r\n");
	alice("ACK", "bob", 3, "", "");
	assert_true(has(requested(SIP_INVITE, BOB)->body, "m=video 0 "));
}

static void echo_of_one_stream(void **state)
{
	(void)state;
	set_global("HOW", "1,video");
	alice("INVITE", "echo", 1, "", SDP_TWO_VIDEOS);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", "echo", 1, "", "");
	world_pass(&t.w, 600);
	/* The second video is offered away. */
	assert_true(has(requested(SIP_INVITE, 5061)->body, "m=video 0 "));
	answer(SIP_INVITE, 5061, 200, "", SDP_VIDEO "m=video 0 RTP/AVP 96\r\n");
	world_turn(&t.w);
	assert_string_equal(world_var(channel_at(0), "ECHOED"), "");
	{
		struct chan_event *e = chan_event_new(CE_DTMF_END);

		assert_non_null(e);
		e->digit = '#';
		e->ms = 100;
		channel_event(channel_at(0), e);
		world_turn(&t.w);
	}
	assert_string_equal(world_var(channel_at(0), "ECHOED"), "yes");
}

static void echo_of_nonsense(void **state)
{
	static const char *const how[] = { "1,smell", "many,video" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(how); i++) {
		alice_starts_anew();
		set_global("HOW", how[i]);
		alice_talks("echo");
		world_pass(&t.w, 600);
		assert_int_equal(channels(), 0);
	}
}

/* ---- as whom ------------------------------------------------------------------------------------ */

static void dial_as(const char *number, const char *name)
{
	struct originate_prm prm = { .channel = STR("PJSIP/bob"), .app = STR("Wait"), .data = STR("9"),
		.caller_number = str_z(number), .caller_name = str_z(name) };

	wire_forget(&t);
	assert_int_equal(originate(t.w.pbx, &prm, NULL, NULL), 0);
	world_turn(&t.w);
}

static void from_is(const char *want)
{
	const char *from = wire_header(requested(SIP_INVITE, BOB), "From");

	if (!str_starts(str_z(from), str_z(want)))
		fail_msg("From is %s, not %s", from, want);
	/* RFC 3261 table 1: no port in To. */
	assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "To"), "<sip:bob@127.0.0.1>");
}

/* Who has neither a number nor a name stays unnamed. */
static void who_calls(void **state)
{
	(void)state;
	dial_as("", "");
	from_is("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=");
	dial_as("123", "");
	from_is("<sip:123@127.0.0.1>;tag=");
	dial_as("", "Al");
	from_is("\"Al\" <sip:asterisk@127.0.0.1>;tag=");
	wire_reload(&t, CONF("from_user=us\n"));
	dial_as("", "");
	from_is("\"Anonymous\" <sip:us@anonymous.invalid>;tag=");
	dial_as("123", "Al");
	from_is("<sip:us@127.0.0.1>;tag=");
	wire_reload(&t, CONF("from_domain=example.org\n"));
	dial_as("", "");
	from_is("\"Anonymous\" <sip:anonymous@example.org>;tag=");
}

/* Who is called sends on to where nobody is: as if nobody were there at all. */
static void sent_on_to_nobody(void **state)
{
	(void)state;
	alice_calls("bob");
	answer(SIP_INVITE, BOB, 302, "Contact: <sip:nosuch@127.0.0.1>\r\n", "");
	world_pass(&t.w, 100);
	assert_int_equal(status(SIP_INVITE), 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		T(seen_by_the_caller), T(who_calls), T(sent_on_to_nobody), T(where_it_goes), T(where_it_cannot_go), T(told_by_diversion),
		T(told_by_history), T(told_by_the_called),
		T(last_words), T(sent_away_is_over), T(digits_of_an_early_dialog), T(hold_passes_through), T(who_is_there_now),
		T(two_phones_answer), T(refused_for_now_is_tried_again),
		T(one_at_a_time), T(the_call_that_is_gone_ends), T(no_answer_ends_the_call), T(video_ends_for_both),
		T(echo_of_one_stream), T(echo_of_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
