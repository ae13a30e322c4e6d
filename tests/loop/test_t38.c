/* Calls that become fax calls over T.38 and go back, as both peers see it: SDP and who is asked when, what the options
 * change, which ports are open. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/t38.h"
#include "service/call/functions.h"
#include "service/call/session.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define AUDIO "m=audio 6000 RTP/AVP 0\r\n"
#define IMAGE "m=image 6002 udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:9600\r\na=T38FaxFillBitRemoval\r\n" \
	"a=T38FaxRateManagement:transferredTCF\r\na=T38FaxMaxDatagram:600\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"
#define BARE_IMAGE "m=image 6004 udptl t38\r\n"

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n"
	"exten => local,1,Dial(Local/bob@default)\n";

#define PHONE(lines) "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,alaw\n" \
	"direct_media=no\n" lines
#define CONF(lines) WIRE_UDP PHONE(lines) ALICE_LINE BOB_LINE

static void begin(const char *pjsip)
{
	wire_open_media(&t, plan, pjsip);
	alice_begins();
}

static int setup(void **state)
{
	(void)state;
	begin(CONF("t38_udptl=yes\n"));
	return 0;
}

static int setup_none(void **state)
{
	(void)state;
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

static void assert_says(struct str body, const char *what)
{
	if (!has(body, what))
		fail_msg("no '%s' in:\n%.*s", what, STR_ARG(body));
}

static struct str answered(void)
{
	assert_non_null(response(SIP_INVITE));
	return response(SIP_INVITE)->body;
}

static struct str asked(uint16_t port)
{
	return requested(SIP_INVITE, port)->body;
}

static enum t38_state state_of(size_t n)
{
	return channel_t38_state(channel_at(n));
}

/* Bob says something in the dialog that our INVITE has made; `invite`: that one, held since. */
static void bob(const struct sip_msg *invite, const char *method, unsigned cseq, const char *body)
{
	struct buf b = BUF_INIT;
	char *text;

	oom_pause(true);
	buf_printf(&b, "%s sip:x@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5062;branch=z9hG4bKbob%s%u\r\n"
		   "From: %.*s;tag=far\r\nTo: %s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\nContact: <sip:bob@127.0.0.1:5062>\r\n"
		   "Max-Forwards: 70\r\n", method, method, cseq, STR_ARG(sip_hdr_value(invite, SIP_H_TO)),
		   wire_header(invite, "From"), STR_ARG(invite->call_id), cseq, method);
	buf_printf(&b, "%sContent-Length: %zu\r\n\r\n%s", body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	assert_int_equal(buf_err(&b), 0);
	text = GOT(buf_take(&b));
	oom_pause(false);
	wire_come(&t, "127.0.0.1:5062", text);
	free(text);
}

/* Alice talks to bob; the INVITE to him is kept. */
static struct sip_msg *talk_to_bob(const char *exten)
{
	struct sip_msg *invite;

	alice("INVITE", exten, 1, "", SDP_ULAW);
	invite = obj_hold(requested(SIP_INVITE, BOB));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", exten, 1, "", "");
	wire_forget(&t);
	return invite;
}

/* Both are fax machines now. */
static struct sip_msg *fax(const char *exten)
{
	struct sip_msg *invite = talk_to_bob(exten);

	alice("INVITE", exten, 2, "", SDP_HEAD IMAGE);
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", exten, 2, "", "");
	return invite;
}

/* ---- between two legs -------------------------------------------------------------------- */

static void passed_on(void **state)
{
	struct sip_msg *invite = talk_to_bob("bob");

	(void)state;
	assert_int_equal(ports(), 2);
	assert_int_equal(state_of(0), T38_UNKNOWN);
	alice("INVITE", "bob", 2, "", SDP_HEAD IMAGE);
	/* She waits for what bob says. */
	assert_int_equal(status(SIP_INVITE), 0);
	assert_int_equal(state_of(0), T38_NEGOTIATING);
	assert_int_equal(state_of(1), T38_NEGOTIATING);
	assert_says(asked(BOB), " udptl t38\r\n");
	assert_false(has(asked(BOB), "m=audio"));
	assert_says(asked(BOB), "a=T38FaxVersion:0\r\na=T38MaxBitRate:9600\r\na=T38FaxFillBitRemoval\r\n"
		    "a=T38FaxRateManagement:transferredTCF\r\na=T38FaxMaxDatagram:");
	/* 95 % of (600 - 8) / 4 are 140 bytes of IFP; 5 % more than 145 bytes are for it. */
	assert_says(asked(BOB), "a=T38FaxMaxDatagram:152\r\n");
	assert_false(has(asked(BOB), "T38FaxUdpEC"));
	answer(SIP_INVITE, BOB, 180, "", "");           /* means nothing */
	assert_int_equal(status(SIP_INVITE), 0);
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD "m=image 6008 UDPTL t38\r\na=t38faxversion:3\r\na=T38FaxMaxRate:14400\r\n"
	       "a=T38MaxDatagram: 400\r\na=T38FaxFillBitRemoval:0\r\na=T38FaxRateManagement:localTCF\r\na=T38FaxUdpEC:t38UDPFEC\r\n");
	assert_int_equal(status(SIP_INVITE), 200);
	assert_says(answered(), "m=image ");
	/* What both have: no FillBitRemoval; her own management, her own error correction. */
	assert_says(answered(), " udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
		    "a=T38FaxMaxDatagram:1400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n");
	assert_int_equal(state_of(0), T38_NEGOTIATED);
	assert_int_equal(state_of(1), T38_NEGOTIATED);
	assert_non_null(channel_t38_media(channel_at(0)));
	assert_true(media_session_bridged(channel_t38_media(channel_at(0))));
	assert_int_equal(ports(), 2);
	alice("ACK", "bob", 2, "", "");
	obj_drop(invite);
}

static void behind_local(void **state)
{
	struct sip_msg *invite = fax("local");

	(void)state;
	assert_true(media_session_bridged(channel_t38_media(channel_at(0))));
	assert_int_equal(state_of(0), T38_NEGOTIATED);
	obj_drop(invite);
}

static void refused_by_bob(void **state)
{
	static const unsigned codes[] = { 488, 606, 603 };
	struct sip_msg *invite = talk_to_bob("bob");

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(codes); i++) {
		wire_forget(&t);
		alice("INVITE", "bob", 2 + i, "", SDP_HEAD IMAGE);
		answer(SIP_INVITE, BOB, codes[i], "", "");
		assert_int_equal(status(SIP_INVITE), 488);
		assert_int_equal(ports(), 2);
		assert_int_equal(state_of(1), T38_REJECTED);
		assert_true(media_session_bridged(channel_media(channel_at(0))));
	}
	/* He takes the line and declines it: the same. */
	wire_forget(&t);
	alice("INVITE", "bob", 9, "", SDP_HEAD IMAGE);
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD "m=image 0 udptl t38\r\n");
	assert_int_equal(status(SIP_INVITE), 488);
	assert_int_equal(state_of(1), T38_UNKNOWN);
	assert_int_equal(ports(), 2);
	assert_int_equal(channels(), 2);
	obj_drop(invite);
}

/* The other way round: who was called asks. */
static void asked_by_bob(void **state)
{
	struct sip_msg *invite = talk_to_bob("bob");

	(void)state;
	bob(invite, "INVITE", 1, SDP_HEAD IMAGE);
	assert_says(asked(5061), "m=image ");
	answer(SIP_INVITE, 5061, 401, "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n", "");     /* no outbound_auth */
	assert_int_equal(status(SIP_INVITE), 488);
	bob(invite, "ACK", 1, "");
	wire_forget(&t);
	bob(invite, "INVITE", 2, SDP_HEAD IMAGE);
	answer(SIP_INVITE, 5061, 200, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(state_of(0), T38_NEGOTIATED);
	obj_drop(invite);
}

/* Both ask at once: bob hears 491, says it himself, and is asked again before alice has waited too long. */
static void both_ask(void **state)
{
	struct sip_msg *invite = talk_to_bob("bob");

	(void)state;
	alice("INVITE", "bob", 2, "", SDP_HEAD IMAGE);
	bob(invite, "INVITE", 1, SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 491);
	bob(invite, "ACK", 1, "");
	answer(SIP_INVITE, BOB, 491, "", "");
	wire_forget(&t);
	world_pass(&t.w, 4100);
	assert_says(asked(BOB), "m=image ");
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(state_of(0), T38_NEGOTIATED);
	alice("ACK", "bob", 2, "", "");
	obj_drop(invite);
}

/* ---- back to sound ------------------------------------------------------------------------- */

static void back_by_alice(void **state)
{
	struct sip_msg *invite = fax("bob");

	(void)state;
	wire_forget(&t);
	alice("INVITE", "bob", 3, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_int_equal(state_of(0), T38_UNKNOWN);
	assert_says(answered(), "m=audio ");
	assert_says(asked(BOB), "m=audio ");
	assert_says(asked(BOB), " RTP/AVP 0");
	assert_false(has(asked(BOB), "m=image"));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	alice("ACK", "bob", 3, "", "");
	assert_int_equal(ports(), 2);
	assert_true(media_session_bridged(channel_media(channel_at(0))));
	assert_null(channel_t38_media(channel_at(0)));
	/* And to fax again. */
	wire_forget(&t);
	alice("INVITE", "bob", 4, "", SDP_HEAD IMAGE);
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(media_session_bridged(channel_t38_media(channel_at(0))));
	alice("ACK", "bob", 4, "", "");
	obj_drop(invite);
}

/* Sound in the first line that stays refused, the image in a second: as some gateways do it. */
static void second_line(void **state)
{
	struct sip_msg *invite = talk_to_bob("bob");

	(void)state;
	alice("INVITE", "bob", 2, "", SDP_HEAD "m=audio 0 RTP/AVP 0\r\n" IMAGE);
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_says(answered(), "m=audio 0 ");
	alice("ACK", "bob", 2, "", "");
	wire_forget(&t);
	/* Bob goes back: hers become sound in the first line, and no image. */
	bob(invite, "INVITE", 2, SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_says(asked(5061), "m=audio ");
	assert_false(has(asked(5061), "m=audio 0 "));
	assert_says(asked(5061), "m=image 0 ");
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW "m=image 0 udptl t38\r\n");
	assert_int_equal(ports(), 2);
	assert_true(media_session_bridged(channel_media(channel_at(0))));
	obj_drop(invite);
}

/* Who is left when the other hangs up is told to go back, and the call ends. */
static void hung_up(void **state)
{
	struct sip_msg *invite = fax("bob");

	(void)state;
	wire_forget(&t);
	bob(invite, "BYE", 5, "");
	assert_says(asked(5061), "m=audio ");
	assert_true(request(SIP_BYE, 5061) == SIZE_MAX);
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	assert_true(request(SIP_ACK, 5061) != SIZE_MAX);
	assert_true(request(SIP_BYE, 5061) != SIZE_MAX);
	assert_int_equal(channels(), 0);
	obj_drop(invite);
}

/* ---- alone ------------------------------------------------------------------------------------ */

static void nobody_decides(void **state)
{
	(void)state;
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_HEAD IMAGE);
	world_pass(&t.w, 4900);
	assert_true(status(SIP_INVITE) < 200);
	world_pass(&t.w, 200);
	assert_int_equal(status(SIP_INVITE), 488);
	alice("ACK", "up", 2, "", "");
	assert_int_equal(ports(), 1);
	assert_int_equal(state_of(0), T38_UNKNOWN);
	/* She gives up first. */
	wire_forget(&t);
	alice("INVITE", "up", 3, "", SDP_HEAD IMAGE);
	alice("CANCEL", "up", 3, "", "");
	assert_int_equal(status(SIP_INVITE), 487);
	assert_int_equal(state_of(0), T38_UNKNOWN);
	assert_int_equal(ports(), 1);
	world_pass(&t.w, 6000);
	assert_int_equal(channels(), 1);
}

/* What an application sees and does. */
static void application(void **state)
{
	struct t38_parameters p = { .what = T38_ASK_NEGOTIATE, .max_ifp = 400, .transcoding_mmr = true, .transcoding_jbig = true,
		.management = T38_LOCAL_TCF, .version = 2 };
	struct channel *ch;

	(void)state;
	alice_talks("up");
	ch = only_channel();
	assert_int_equal(channel_t38_indicate(ch, &p), 0);
	world_turn(&t.w);
	assert_says(asked(5061), "a=T38FaxVersion:2\r\na=T38MaxBitRate:14400\r\na=T38FaxTranscodingMMR\r\na=T38FaxTranscodingJBIG\r\n"
		    "a=T38FaxRateManagement:localTCF\r\na=T38FaxMaxDatagram:425\r\n");
	assert_int_equal(channel_t38_indicate(ch, &p), 0);      /* once is enough */
	answer(SIP_INVITE, 5061, 491, "", "");          /* glare: again, a little later */
	assert_int_equal(channel_t38_state(ch), T38_NEGOTIATING);
	wire_forget(&t);
	world_pass(&t.w, 4100);
	assert_says(asked(5061), "m=image ");
	answer(SIP_INVITE, 5061, 200, "", SDP_HEAD BARE_IMAGE);
	assert_int_equal(channel_t38_state(ch), T38_NEGOTIATED);
	assert_non_null(channel_t38_media(ch));
	assert_int_equal(ports(), 1);
	/* A refresh of the session leaves it as it is, by either side. */
	wire_forget(&t);
	assert_int_equal(ua_invite_refresh(session_of_channel(ch)->iv, false), 0);
	assert_says(asked(5061), "m=image ");
	assert_says(asked(5061), "a=T38FaxMaxDatagram:425\r\n");
	answer(SIP_INVITE, 5061, 200, "", SDP_HEAD BARE_IMAGE);
	assert_int_equal(channel_t38_state(ch), T38_NEGOTIATED);
	wire_forget(&t);
	alice("INVITE", "up", 3, "", SDP_HEAD BARE_IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_says(answered(), "a=T38FaxMaxDatagram:425\r\n");
	alice("ACK", "up", 3, "", "");
	assert_int_equal(channel_t38_state(ch), T38_NEGOTIATED);
	wire_forget(&t);
	p.what = T38_ASK_TERMINATE;
	assert_int_equal(channel_t38_indicate(ch, &p), 0);
	world_turn(&t.w);
	assert_int_equal(channel_t38_state(ch), T38_UNKNOWN);
	assert_says(asked(5061), "m=audio ");
	answer(SIP_INVITE, 5061, 200, "", SDP_ULAW);
	assert_non_null(channel_media(ch));
	assert_int_equal(ports(), 1);
}

static void in_the_first_invite(void **state)
{
	(void)state;
	alice("INVITE", "up", 1, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 488);
	alice("ACK", "up", 1, "", "");
	alice_starts_anew();
	alice("INVITE", "up", 1, "", SDP_HEAD AUDIO IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_says(answered(), "m=image 0 udptl t38\r\n");
	learn_tag();
	alice("ACK", "up", 1, "", "");
}

static void assert_named(size_t n, const char *name)
{
	struct buf b = BUF_INIT;

	oom_pause(true);
	assert_int_equal(functions_channel_read(channel_at(n), STR("pjsip,t38state"), &b), 0);
	oom_pause(false);
	assert_true(str_eq(buf_view(&b), str_z(name)));
	buf_free(&b);
}

static void known_to_the_dialplan(void **state)
{
	struct sip_msg *invite = talk_to_bob("bob");

	(void)state;
	assert_named(0, "DISABLED");
	alice("INVITE", "bob", 2, "", SDP_HEAD IMAGE);
	assert_named(0, "REMOTE_REINVITE");
	assert_named(1, "LOCAL_REINVITE");
	answer(SIP_INVITE, BOB, 488, "", "");
	assert_named(1, "REJECTED");
	alice("ACK", "bob", 2, "", "");
	wire_forget(&t);
	alice("INVITE", "bob", 3, "", SDP_HEAD IMAGE);
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD IMAGE);
	assert_named(0, "ENABLED");
	obj_drop(invite);
}

/* ---- options -------------------------------------------------------------------------------------- */

static void without(void **state)
{
	struct t38_parameters p = { .what = T38_ASK_NEGOTIATE, .max_ifp = 400 };

	(void)state;
	for (int no_module = 0; no_module < 2; no_module++) {
		if (no_module)
			teardown(state);
		begin(no_module ? CONF("t38_udptl=yes\n") : CONF(""));
		t.svc->calls.no_t38 = no_module;
		alice_talks("up");
		alice("INVITE", "up", 2, "", SDP_HEAD IMAGE);
		assert_int_equal(status(SIP_INVITE), 488);
		alice("ACK", "up", 2, "", "");
		assert_int_equal(state_of(0), T38_UNAVAILABLE);
	}
	wire_forget(&t);
	assert_int_equal(channel_t38_indicate(only_channel(), &p), 0);
	world_turn(&t.w);
	assert_true(request(SIP_INVITE, 5061) == SIZE_MAX);
}

/* What our offer says, and the answer to theirs with redundancy. */
static void offered_with(const char *lines, const char *in_offer, const char *not_in_offer)
{
	struct t38_parameters p = { .what = T38_ASK_NEGOTIATE, .max_ifp = 200 };
	char conf[1000];

	snprintf(conf, sizeof(conf), WIRE_UDP "%s%s" ALICE_LINE BOB_LINE, PHONE("t38_udptl=yes\n"), lines);
	begin(conf);
	alice_talks("up");
	channel_t38_indicate(only_channel(), &p);
	world_turn(&t.w);
	assert_says(asked(5061), in_offer);
	if (not_in_offer)
		assert_false(has(asked(5061), not_in_offer));
	answer(SIP_INVITE, 5061, 488, "", "");
	teardown(NULL);
}

static void error_correction(void **state)
{
	(void)state;
	offered_with("t38_udptl_ec=none\n", "a=T38FaxMaxDatagram:215\r\n", "T38FaxUdpEC");
	offered_with("t38_udptl_ec=fec\n", "a=T38FaxMaxDatagram:429\r\na=T38FaxUdpEC:t38UDPFEC\r\n", NULL);
	offered_with("t38_udptl_ec=redundancy\n", "a=T38FaxMaxDatagram:847\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n", NULL);
	offered_with("media_address=192.0.2.7\n", "192.0.2.7", NULL);
	offered_with("media_address=192.0.2.7\nt38_udptl_ipv6=yes\n", "192.0.2.7", NULL);
	offered_with("t38_udptl_ipv6=yes\n", "c=IN IP6 ::1", NULL);
	offered_with("rtp_ipv6=yes\n", "c=IN IP4 127.0.0.1", NULL);
	setup(state);
}

/* Whatever she says, bob is told by what is configured. */
static void max_datagram(void **state)
{
	struct sip_msg *invite;

	(void)state;
	begin(CONF("t38_udptl=yes\nt38_udptl_maxdatagram=1000\n"));
	invite = talk_to_bob("bob");
	alice("INVITE", "bob", 2, "", SDP_HEAD IMAGE);
	/* (1000 - 8) / 4 less 5 % is 235. */
	assert_says(asked(BOB), "a=T38FaxMaxDatagram:252\r\n");
	obj_drop(invite);
}

static void other_family(void **state)
{
	(void)state;
	begin(CONF("t38_udptl=yes\nt38_udptl_ipv6=yes\n"));
	alice_talks("up");
	alice("INVITE", "up", 2, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 488);
	alice("ACK", "up", 2, "", "");
}

static void bound_to_media_address(void **state)
{
	struct t38_parameters p = { .what = T38_ASK_NEGOTIATE, .max_ifp = 200 };
	struct sa a;

	(void)state;
	/* The transport that the endpoint names says where. */
	begin(CONF("t38_udptl=yes\nmedia_address=127.0.0.3\ntransport=udp\n"));
	alice_talks("up");
	channel_t38_indicate(only_channel(), &p);
	answer(SIP_INVITE, 5061, 200, "", SDP_HEAD IMAGE);
	sa_parse_host(&a, STR("127.0.0.1"), 0);
	assert_true(sa_eq_host(media_session_local(channel_t38_media(only_channel())), &a));
	teardown(NULL);
	for (int bind = 0; bind < 2; bind++) {
		begin(bind ? CONF("t38_udptl=yes\nmedia_address=127.0.0.3\nt38_bind_udptl_to_media_address=yes\n")
			   : CONF("t38_udptl=yes\nmedia_address=127.0.0.3\n"));
		alice_talks("up");
		channel_t38_indicate(only_channel(), &p);
		answer(SIP_INVITE, 5061, 200, "", SDP_HEAD IMAGE);
		a = *media_session_local(channel_t38_media(only_channel()));
		assert_int_equal(sa_is_any(&a), !bind);
		if (!bind)
			teardown(NULL);
	}
}

/* Their sound goes past us, a fax does not: both are told our ports, and later each other's again. */
static void beside_direct_media(void **state)
{
	struct sip_msg *invite;

	(void)state;
	begin(CONF("t38_udptl=yes\ndirect_media=yes\n"));
	alice("INVITE", "bob", 1, "", SDP_ULAW);
	invite = obj_hold(requested(SIP_INVITE, BOB));
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	for (int i = 0; i < 2; i++)
		if (request(SIP_INVITE, i ? 5061 : BOB) != SIZE_MAX && requested(SIP_INVITE, i ? 5061 : BOB) != invite)
			answer(SIP_INVITE, i ? 5061 : BOB, 200, "", SDP_ULAW);
	wire_forget(&t);
	alice("INVITE", "bob", 2, "", SDP_HEAD IMAGE);
	assert_says(asked(BOB), "m=image ");
	answer(SIP_INVITE, BOB, 200, "", SDP_HEAD IMAGE);
	assert_int_equal(status(SIP_INVITE), 200);
	assert_false(has(answered(), "m=image 6002 "));
	alice("ACK", "bob", 2, "", "");
	assert_true(media_session_bridged(channel_t38_media(channel_at(0))));
	wire_forget(&t);
	alice("INVITE", "bob", 3, "", SDP_ULAW);
	assert_int_equal(status(SIP_INVITE), 200);
	alice("ACK", "bob", 3, "", "");
	assert_says(asked(BOB), "m=audio ");
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	assert_int_equal(channels(), 2);
	assert_int_equal(state_of(0), T38_UNKNOWN);
	assert_int_equal(state_of(1), T38_UNKNOWN);
	obj_drop(invite);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define OWN(f) cmocka_unit_test_setup_teardown(f, setup_none, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(passed_on), T(behind_local), T(refused_by_bob), T(asked_by_bob), T(both_ask), T(back_by_alice), T(second_line), T(hung_up),
		T(nobody_decides), T(application), T(in_the_first_invite), T(known_to_the_dialplan), OWN(without),
		OWN(error_correction), OWN(max_datagram), OWN(beside_direct_media), OWN(other_family), OWN(bound_to_media_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
