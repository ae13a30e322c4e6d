/* Options of endpoints that show in what a call says: a row an option, with the line that sets it, who
 * calls, and what is seen only because of it. */
#include "alice.h"
#include "base/obj.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char plan[] =
	"[default]\n"
	"exten => seen,1,Set(GLOBAL(SEEN)=${CHANNEL(tenantid)}/${CALLERID(tag)}/${CALLERID(num-pres)}/${CHANNEL(accountcode)}/"
	"${CHANNEL(language)}/${CHANNEL(tonezone)}/${CHANNEL(musicclass)})\n same => n,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Set(CALLERID(all)=Al <100>)\n same => n,Dial(PJSIP/bob)\n"
	"exten => hidden,1,Set(CALLERID(all)=Al <100>)\n same => n,Set(CALLERID(pres)=prohib)\n same => n,Dial(PJSIP/bob)\n"
	"exten => sent,1,Set(REDIRECTING(from-num)=77)\n same => n,Set(REDIRECTING(count)=1)\n same => n,Dial(PJSIP/bob)\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => rings,1,Ringing()\n same => n,Wait(600)\n"
	"exten => early,1,Progress()\n same => n,Ringing()\n same => n,Wait(600)\n"
	"exten => line,1,Ringing()\n same => n,Set(CONNECTEDLINE(all,i)=Bo <200>)\n same => n,Set(CONNECTEDLINE(num)=201)\n"
	" same => n,Wait(600)\n"
	"exten => changes,1,Set(CONNECTEDLINE(all,i)=Bo <200>)\n same => n,Answer()\n same => n,Wait(1)\n"
	" same => n,Set(CONNECTEDLINE(num)=201)\n same => n,Wait(600)\n"
	"exten => busy,1,Set(GLOBAL(SEEN)=${DEVICE_STATE(PJSIP/alice)})\n same => n,Wait(600)\n"
	"exten => leaves,1,Answer()\n same => n,Wait(1)\n same => n,Hangup(17)\n"
	"[other]\nexten => 12345,1,Answer()\n";

#define HEAD WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\n"
#define BASE "allow=!all,ulaw\n"

static void with(const char *lines)
{
	static char conf[4096];

	snprintf(conf, sizeof(conf), HEAD "%s\n" ALICE_LINE BOB_LINE "[me]\ntype=auth\nusername=me\npassword=x\n", lines);
	wire_reload(&t, conf);
	alice_starts_anew();
	set_global("SEEN", "");
}

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, HEAD BASE ALICE_LINE BOB_LINE);
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

/* All calls are over and forgotten. */
static void over(void)
{
	pbx_hangup_all(t.w.pbx, 16);
	world_turn(&t.w);
	wire_forget(&t);
	t.deaf = true;
	world_pass(&t.w, 40000);
	t.deaf = false;
	wire_forget(&t);
}

static const char *whole(const struct sip_msg *m)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < m->hdrs && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s: %.*s\n", STR_ARG(m->hdr[i].name), STR_ARG(m->hdr[i].value));
	if (n < sizeof(text))
		snprintf(text + n, sizeof(text) - n, "%.*s", STR_ARG(m->body));
	return text;
}

static void must_say(const char *option, const struct sip_msg *m, const char *what)
{
	if (!strstr(whole(m), what))
		fail_msg("no '%s' by %s in:\n%s", what, option, whole(m));
}

/* ---- our INVITE to bob ------------------------------------------------------------------------------ */

static void invites(void **state)
{
	static const struct { const char *lines, *exten, *what; uint16_t port; } rows[] = {
		{ "from_user=me\n", "bob", "<sip:me@", BOB },
		{ "from_domain=dom.test\n", "bob", "<sip:100@dom.test>", BOB },
		{ "contact_user=cu\n", "bob", "Contact: <sip:cu@", BOB },
		{ "outbound_proxy=sip:127.0.0.1:5064\\;lr\n", "bob", "Route: <sip:127.0.0.1:5064;lr>", 5064 },
		{ "send_pai=yes\n", "bob", "P-Asserted-Identity: \"Al\" <sip:100@127.0.0.1>", BOB },
		{ "send_pai=yes\ntrust_id_outbound=yes\n", "hidden", "Privacy: id", BOB },
		{ "timers_sess_expires=600\n", "bob", "Session-Expires: 600", BOB },
		{ "timers_min_se=120\n", "bob", "Min-SE: 120", BOB },
		{ "sdp_owner=me\n", "bob", "o=me ", BOB },
		{ "sdp_session=mine\n", "bob", "s=mine\r\n", BOB },
		{ "rtcp_mux=yes\n", "bob", "a=rtcp-mux", BOB },
		{ "media_address=192.0.2.9\n", "bob", "c=IN IP4 192.0.2.9\r\n", BOB },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char lines[512];

		snprintf(lines, sizeof(lines), BASE "%s", rows[i].lines);
		with(lines);
		alice("INVITE", rows[i].exten, 1, "", SDP_ULAW);
		if (request(SIP_INVITE, rows[i].port) == SIZE_MAX)
			fail_msg("no INVITE to %u by %s", rows[i].port, rows[i].lines);
		must_say(rows[i].lines, requested(SIP_INVITE, rows[i].port), rows[i].what);
		over();
	}
}

static void whom_it_was_for(void **state)
{
	(void)state;
	for (int no = 0; no < 2; no++) {
		with(no ? BASE "send_diversion=no\n" : BASE);
		alice("INVITE", "sent", 1, "", SDP_ULAW);
		assert_int_equal(sip_hdr_named(requested(SIP_INVITE, BOB), STR("Diversion"), 0) == NULL, no);
		over();
	}
}

static void ports_of_its_own(void **state)
{
	unsigned port;
	char want[16];

	(void)state;
	with(BASE "rtp_port_start=31000\nrtp_port_end=31009\n");
	alice("INVITE", "up", 1, "", SDP_ULAW);
	for (port = 31000; port < 31010; port += 2) {
		snprintf(want, sizeof(want), "m=audio %u ", port);
		if (has(response(SIP_INVITE)->body, want))
			break;
	}
	assert_true(port < 31010);
	over();
}

/* ---- what alice's call is inside ----------------------------------------------------------------------- */

static void channels_are(void **state)
{
	static const struct { const char *lines, *want; } rows[] = {
		{ "", "//allowed_not_screened//en//" },
		{ "tenantid=T\n", "T//allowed_not_screened//en//" },
		{ "callerid_tag=tag\n", "/tag/allowed_not_screened//en//" },
		{ "callerid_privacy=prohib\n", "//prohib//en//" },
		{ "accountcode=acc\n", "//allowed_not_screened/acc/en//" },
		{ "language=de\n", "//allowed_not_screened//de//" },
		{ "tone_zone=at\n", "//allowed_not_screened//en/at/" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char lines[256];

		snprintf(lines, sizeof(lines), BASE "%s", rows[i].lines);
		with(lines);
		alice("INVITE", "seen", 1, "", SDP_ULAW);
		assert_string_equal(global("SEEN"), rows[i].want);
		over();
	}
}

/* To whoever it holds; what it hears itself is its channel's. */
static void suggested_music(void **state)
{
	(void)state;
	with(BASE "moh_suggest=jazz\n");
	alice("INVITE", "up", 1, "", SDP_ULAW);
	learn_tag();
	alice("ACK", "up", 1, "", "");
	alice("INVITE", "up", 2, "", SDP_ULAW "a=sendonly\r\n");
	assert_int_equal(world_events(&t.w, "Hold", "MusicClass: jazz"), 1);
	over();
}

static void busy_from_so_many_calls_on(void **state)
{
	(void)state;
	with(BASE "device_state_busy_at=1\n");
	alice("INVITE", "busy", 1, "", SDP_ULAW);
	assert_string_equal(global("SEEN"), "BUSY");
	over();
	with(BASE);
	alice("INVITE", "busy", 1, "", SDP_ULAW);
	assert_string_not_equal(global("SEEN"), "BUSY");
	over();
}

static void overlap(void **state)
{
	(void)state;
	with(BASE "overlap_context=other\n");
	alice("INVITE", "123", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 484);
	over();
	with(BASE);
	alice("INVITE", "123", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 404);
	over();
}

/* ---- answers to alice --------------------------------------------------------------------------------------- */

#define SDP_TWO SDP_HEAD "m=audio 6000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n"

static void answers(void **state)
{
	static const struct { const char *lines, *offer, *what; } rows[] = {
		{ "allow=!all,ulaw,alaw\npreferred_codec_only=yes\n", SDP_TWO, " RTP/AVP 0\r\n" },
		{ "allow=!all,ulaw,alaw\nincoming_call_offer_pref=remote\n", SDP_TWO, " RTP/AVP 8 0\r\n" },
		{ "allow=!all,ulaw\nmax_audio_streams=2\n", SDP_ULAW "m=audio 6002 RTP/AVP 0\r\n", "m=audio " },
		{ "allow=!all,ulaw\nuse_ptime=yes\n", SDP_ULAW "a=ptime:40\r\n", "a=ptime:40" },
		{ "allow=!all,ulaw\nmedia_use_received_transport=yes\n", SDP_HEAD "m=audio 6000 RTP/AVPF 0\r\n", " RTP/AVPF 0\r\n" },
		{ "allow=!all,g726aal2\ng726_non_standard=yes\n", SDP_HEAD "m=audio 6000 RTP/AVP 111\r\na=rtpmap:111 G726-32/8000\r\n",
		  "a=rtpmap:111 G726-32/8000" },
		{ "allow=!all,ulaw,alaw\ndisallow=alaw\n", SDP_TWO, " RTP/AVP 0\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		with(rows[i].lines);
		alice("INVITE", "up", 1, "", rows[i].offer);
		if (status(SIP_INVITE) != 200)
			fail_msg("%s: %u", rows[i].lines, status(SIP_INVITE));
		must_say(rows[i].lines, response(SIP_INVITE), rows[i].what);
		if (strstr(rows[i].lines, "max_audio"))
			assert_false(has(response(SIP_INVITE)->body, "m=audio 0 "));
		over();
	}
}

static void progress_in_the_band(void **state)
{
	(void)state;
	with(BASE "inband_progress=yes\n");
	alice("INVITE", "rings", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 183);
	over();
	with(BASE);
	alice("INVITE", "rings", 1, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 180);
	over();
}

static void nothing_said_by_a_bare_183(void **state)
{
	(void)state;
	for (int ignored = 0; ignored < 2; ignored++) {
		with(ignored ? BASE "ignore_183_without_sdp=yes\n" : BASE);
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		answer(SIP_INVITE, BOB, 183, "", "");
		assert_int_equal(count(SIP_INVITE, 183), !ignored);
		over();
	}
}

static void reason_of_the_end(void **state)
{
	(void)state;
	for (int no = 0; no < 2; no++) {
		with(no ? BASE "suppress_q850_reason_headers=yes\n" : BASE);
		alice_talks("leaves");
		world_pass(&t.w, 3000);
		assert_string_equal(wire_header(requested(SIP_BYE, 5061), "Reason"), no ? "" : "Q.850;cause=17");
		over();
	}
}

/* ---- who is at the other end ------------------------------------------------------------------------------------ */

static void named_at_once(void **state)
{
	(void)state;
	for (int now = 0; now < 2; now++) {
		with(now ? BASE "send_pai=yes\nrpid_immediate=yes\n" : BASE "send_pai=yes\n");
		alice("INVITE", "line", 1, "", SDP_ULAW);
		world_turn(&t.w);
		assert_int_equal(count(SIP_INVITE, 180) > 1, now);
		over();
	}
}

static void changes_told(void **state)
{
	(void)state;
	for (int no = 0; no < 2; no++) {
		with(no ? BASE "send_pai=yes\nsend_connected_line=no\n" : BASE "send_pai=yes\n");
		alice("INVITE", "changes", 1, "", SDP_ULAW);
		learn_tag();
		alice("ACK", "changes", 1, "", "");
		wire_forget(&t);
		world_pass(&t.w, 3000);
		assert_int_equal(request(SIP_INVITE, 5061) != SIZE_MAX, !no);
		over();
	}
}

static void changes_believed(void **state)
{
	(void)state;
	for (int no = 0; no < 2; no++) {
		with(no ? BASE "trust_id_inbound=yes\ntrust_connected_line=no\n" : BASE "trust_id_inbound=yes\n");
		alice("INVITE", "bob", 1, "", SDP_ULAW);
		answer(SIP_INVITE, BOB, 180, "P-Asserted-Identity: \"Rob\" <sip:222@127.0.0.1>\r\n", "");
		assert_int_equal(str_eq(text_view(&channel_at(0)->connected.number), STR("222")), !no);
		over();
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(invites), T(whom_it_was_for), T(ports_of_its_own), T(channels_are), T(suggested_music),
		T(busy_from_so_many_calls_on), T(overlap), T(answers), T(progress_in_the_band), T(nothing_said_by_a_bare_183),
		T(reason_of_the_end), T(named_at_once), T(changes_told), T(changes_believed) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
