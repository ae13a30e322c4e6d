/* Direct media: two phones alone in a call are told to send to one another, and back here whenever somebody has to
 * hear them. */
#include "alice.h"
#include "base/obj.h"
#include "pbx/bridge.h"
#include "pbx/hooks.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SDP_AT(port, more) SDP_HEAD "m=audio " port " RTP/AVP 0" more
#define PHONE_A SDP_AT("6000", "\r\n")
#define PHONE_B SDP_AT("6010", "\r\n")
#define EVENTS(pt) " " pt "\r\na=rtpmap:" pt " telephone-event/8000\r\n"

static const char plan[] =
	"[default]\n"
	"exten => bob,1,Dial(PJSIP/bob,,g)\n same => n,Set(GLOBAL(DIRECT)=${CHANNEL(rtp,direct)})\n same => n,Wait(600)\n"
	"exten => star,1,Dial(PJSIP/bob,,H)\n"
	"exten => carl,1,Dial(PJSIP/carl)\n";

#define CONF(of_alice, of_bob) WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw,opus\n" \
	"[alice](phone)\naors=alice\n" of_alice "[alice]\ntype=aor\ncontact=sip:alice@127.0.0.1:5061\n" \
	"[bob](phone)\naors=bob\n" of_bob "[bob]\ntype=aor\ncontact=sip:bob@127.0.0.1:5062\n"

static void begin(const char *conf)
{
	wire_open(&t, plan, conf);
	alice_begins();
}

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static void talk(const char *exten, const char *a, const char *b)
{
	alice("INVITE", exten, 1, "", a);
	answer(SIP_INVITE, BOB, 200, "", b);
	learn_tag();
	alice("ACK", exten, 1, "", "");
	world_turn(&t.w);
}

/* The newest request of `m` in a dialog; SIZE_MAX: none. */
static size_t again(enum sip_method m, uint16_t port)
{
	size_t i = request(m, port);

	return i != SIZE_MAX && t.sent[i]->to.tag.n ? i : SIZE_MAX;
}

/* Where the newest request of ours to `port` says that media go; 0: it got none. They accept. */
static unsigned told(enum sip_method m, uint16_t port, const char *sdp)
{
	size_t i = again(m, port);
	struct str body = i == SIZE_MAX ? STR_NULL : t.sent[i]->body;
	size_t at = str_find(body, STR("m=audio "));
	uint32_t n = 0;

	if (i == SIZE_MAX)
		return 0;
	body = str_skip(body, at + 8);
	assert_int_equal(str_u32(str_cut_raw(&body, ' '), &n), 0);
	answer(m, port, 200, "", sdp);
	return n;
}

static unsigned bob_told(void) { return told(SIP_INVITE, BOB, PHONE_B); }
static unsigned alice_told(void) { return told(SIP_INVITE, 5061, PHONE_A); }

static void assert_direct(void)
{
	assert_int_equal(bob_told(), 6000);
	assert_int_equal(alice_told(), 6010);
	wire_forget(&t);
}

static void assert_here(void)
{
	assert_int_equal(bob_told(), 4000);
	assert_int_equal(alice_told(), 4000);
	wire_forget(&t);
}

static bool said(struct str body, const char *what)
{
	return str_find(body, str_z(what)) < body.n;
}

static const char *direct_of(struct channel *ch)
{
	static char room[64];
	struct buf b;

	buf_init(&b, room, sizeof(room) - 1, sizeof(room) - 1);
	assert_int_equal(ch->tech->read(ch, STR("rtp,direct"), &b), 0);
	room[b.n] = '\0';
	return room;
}

/* ---- tests -------------------------------------------------------------------------------- */

static void out_and_back(void **state)
{
	(void)state;
	begin(CONF("", ""));
	talk("bob", PHONE_A, PHONE_B);
	assert_string_equal(wire_header(requested(SIP_INVITE, BOB), "Content-Type"), "application/sdp");
	assert_direct();
	assert_true(channel_at(0)->bridge->native);
	assert_string_equal(direct_of(channel_at(0)), "127.0.0.1:6010");
	assert_string_equal(direct_of(channel_at(1)), "127.0.0.1:6000");
	world_pass(&t.w, 5000);
	assert_int_equal(t.n, 0);
	/* He hangs up, and her call goes on without him. */
	channel_hangup(channel_at(1), CAUSE_NORMAL);
	world_turn(&t.w);
	/* His BYE waits for the end of the re-INVITE. */
	assert_true(request(SIP_BYE, BOB) == SIZE_MAX);
	assert_int_equal(bob_told(), 4000);
	assert_true(request(SIP_BYE, BOB) != SIZE_MAX);
	assert_int_equal(alice_told(), 4000);
	assert_string_equal(global("DIRECT"), "(null)");
}

static void by_update(void **state)
{
	(void)state;
	begin(CONF("", "direct_media_method=update\n"));
	talk("bob", PHONE_A, PHONE_B);
	assert_true(again(SIP_INVITE, BOB) == SIZE_MAX);
	assert_int_equal(told(SIP_UPDATE, BOB, PHONE_B), 6000);
	assert_int_equal(alice_told(), 6010);
}

/* What each endpoint and each SDP says; is it direct then, and natively bridged? */
static void who_may(void **state)
{
	static const struct { const char *conf, *a, *b; bool direct, native; } rows[] = {
		{ CONF("direct_media=no\n", ""), PHONE_A, PHONE_B, false, false },
		{ CONF("", "direct_media=no\n"), PHONE_A, PHONE_B, false, false },
		{ CONF("media_encryption=sdes\nmedia_encryption_optimistic=yes\n", ""), PHONE_A, PHONE_B, false, false },
		/* Digits that only we could translate. */
		{ CONF("", ""), SDP_AT("6000", EVENTS("101")), SDP_AT("6010", EVENTS("101")), true, true },
		{ CONF("", ""), SDP_AT("6000", EVENTS("96")), SDP_AT("6010", EVENTS("101")), false, false },
		{ CONF("", "dtmf_mode=info\n"), SDP_AT("6000", EVENTS("101")), PHONE_B, false, false },
		{ CONF("dtmf_mode=info\n", "dtmf_mode=info\n"), PHONE_A, PHONE_B, true, true },
		{ CONF("", ""), SDP_AT("6000", EVENTS("101")), PHONE_B, true, true },
		/* Packets of other lengths. */
		{ CONF("use_ptime=yes\n", "use_ptime=yes\n"), SDP_AT("6000", "\r\na=ptime:30\r\n"), PHONE_B, false, false },
		/* Behind a NAT that only one of them asks about. */
		{ CONF("disable_direct_media_on_nat=yes\n", ""), PHONE_A, PHONE_B, true, true },
		/* Somebody puts them where we cannot name them. */
		{ CONF("", ""), PHONE_A, "v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nc=IN IP6 ::1\r\nt=0 0\r\nm=audio 6010 RTP/AVP 0\r\n", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		unsigned bob;

		begin(rows[i].conf);
		talk("bob", rows[i].a, rows[i].b);
		bob = bob_told();
		if ((bob == 6000) != rows[i].direct)
			print_error("row %zu: bob was told %u\n", i, bob);
		assert_int_equal(bob == 6000, rows[i].direct);
		/* Without media there is no bridge of them here. */
		assert_int_equal(channel_at(0)->bridge->native, rows[i].native);
		teardown(NULL);
	}
	begin(CONF("", ""));
}

/* Their contacts are not where they come from. */
static void behind_nat(void **state)
{
	(void)state;
	begin(CONF("", "disable_direct_media_on_nat=yes\n"));
	alice("INVITE", "bob", 1, "", PHONE_A);
	{
		size_t i = request(SIP_INVITE, BOB);
		struct buf b = BUF_INIT;

		assert_true(i != SIZE_MAX);
		sip_write_response(&b, t.sent[i], 200, STR_NULL, STR("far"));
		buf_put(&b, STR("Contact: <sip:bob@192.168.1.2>\r\n"));
		sip_write_body(&b, STR("application/sdp"), STR(PHONE_B));
		buf_char(&b, '\0');
		wire_come(&t, "127.0.0.1:5062", b.p);
		buf_free(&b);
	}
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	world_turn(&t.w);
	assert_true(again(SIP_INVITE, 5061) == SIZE_MAX);
	assert_true(again(SIP_INVITE, BOB) == SIZE_MAX);
}

/* The one who is on hold keeps his; the other hears music from here. */
static void hold(void **state)
{
	(void)state;
	begin(CONF("", ""));
	talk("bob", PHONE_A, PHONE_B);
	assert_direct();
	alice("INVITE", "bob", 2, "", SDP_AT("6000", "\r\na=sendonly\r\n"));
	assert_true(said(response(SIP_INVITE)->body, "m=audio 6010"));
	alice("ACK", "bob", 2, "", "");
	assert_true(channel_at(1)->moh);
	assert_int_equal(bob_told(), 4000);
	assert_true(again(SIP_INVITE, 5061) == SIZE_MAX);
	wire_forget(&t);
	/* And comes back with another port. */
	alice("INVITE", "bob", 3, "", SDP_AT("6020", "\r\n"));
	alice("ACK", "bob", 3, "", "");
	assert_int_equal(bob_told(), 6020);
	assert_true(again(SIP_INVITE, 5061) == SIZE_MAX);
}

/* suppress_moh_on_sendonly: nobody hears of her hold, and nothing plays. */
static void quiet_hold(void **state)
{
	struct channel *a;

	(void)state;
	begin(CONF("suppress_moh_on_sendonly=yes\n", ""));
	talk("bob", PHONE_A, PHONE_B);
	assert_direct();
	a = channel_at(0);
	alice("INVITE", "bob", 2, "", SDP_AT("6000", "\r\na=sendonly\r\n"));
	assert_true(said(response(SIP_INVITE)->body, "a=recvonly"));
	alice("ACK", "bob", 2, "", "");
	assert_true(again(SIP_INVITE, BOB) == SIZE_MAX);
	assert_false(bridge_peer(a)->moh);
	alice("INVITE", "bob", 3, "", PHONE_A);
	alice("ACK", "bob", 3, "", "");
	assert_true(again(SIP_INVITE, BOB) == SIZE_MAX);
}

static void another_address(void **state)
{
	(void)state;
	begin(CONF("", ""));
	talk("bob", PHONE_A, PHONE_B);
	assert_direct();
	alice("INVITE", "bob", 2, "", SDP_AT("6020", "\r\n"));
	assert_true(said(response(SIP_INVITE)->body, "m=audio 6010"));
	alice("ACK", "bob", 2, "", "");
	assert_int_equal(bob_told(), 6020);
	wire_forget(&t);
	/* What her phone could take no more: all comes back. */
	alice("INVITE", "bob", 3, "", SDP_HEAD "m=audio 6020 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n");
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(said(response(SIP_INVITE)->body, "m=audio 4000"));
	alice("ACK", "bob", 3, "", "");
	assert_int_equal(bob_told(), 4000);
}

static int no_start(struct chan_hook *h, struct media_session *s)
{
	(void)h;
	(void)s;
	return 0;
}

/* As long as somebody listens, and no longer. */
static void listeners(void **state)
{
	static const struct chan_hook_kind kind = { .name = "Ear", .start = no_start };
	struct chan_hook *h, *k;

	(void)state;
	begin(CONF("", ""));
	talk("bob", PHONE_A, PHONE_B);
	assert_direct();
	h = chan_hook_new(sizeof(*h), &kind);
	k = chan_hook_new(sizeof(*k), &kind);
	assert_int_equal(channel_hook_add(channel_at(0), h), 0);
	assert_here();
	assert_false(channel_at(0)->bridge->native);
	assert_int_equal(channel_hook_add(channel_at(1), k), 0);
	channel_hook_remove(h);
	assert_int_equal(t.n, 0);
	channel_hook_remove(k);
	assert_direct();
	assert_true(channel_at(0)->bridge->native);
}

/* A digit could mean us. */
static void features(void **state)
{
	(void)state;
	begin(CONF("", ""));
	talk("star", SDP_AT("6000", EVENTS("101")), SDP_AT("6010", EVENTS("101")));
	assert_true(again(SIP_INVITE, BOB) == SIZE_MAX);
	assert_true(again(SIP_INVITE, 5061) == SIZE_MAX);
}

/* Another server at his end tells him first: our answer brings the address. */
static void glare_outgoing(void **state)
{
	(void)state;
	begin(CONF("direct_media_glare_mitigation=outgoing\n", "direct_media_glare_mitigation=outgoing\n"));
	talk("bob", PHONE_A, PHONE_B);
	assert_true(again(SIP_INVITE, BOB) == SIZE_MAX);
	assert_int_equal(alice_told(), 6010);
	/* Only the first one. */
	channel_at(0)->listeners++;
	channel_heard_anew(channel_at(0));
	assert_int_equal(bob_told(), 4000);
	assert_int_equal(alice_told(), 4000);
	wire_forget(&t);
	channel_at(0)->listeners--;
	channel_heard_anew(channel_at(0));
	assert_direct();
}

static void glare_incoming(void **state)
{
	(void)state;
	begin(CONF("direct_media_glare_mitigation=incoming\n", "direct_media_glare_mitigation=incoming\n"));
	talk("bob", PHONE_A, PHONE_B);
	assert_int_equal(bob_told(), 6000);
	assert_true(again(SIP_INVITE, 5061) == SIZE_MAX);
	alice("INVITE", "bob", 2, "", PHONE_A);
	assert_true(said(response(SIP_INVITE)->body, "m=audio 6010"));
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(out_and_back), T(by_update), T(who_may), T(behind_nat), T(hold), T(quiet_hold), T(another_address), T(listeners), T(features),
		T(glare_outgoing), T(glare_incoming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
