/* Agreement about the protection of media (security_negotiation=mediasec): what registrations, calls and
 * OPTIONS say of it, before and after a server has said its own list. */
#include "alice.h"
#include "base/obj.h"
#include "service/outbound/outbound.h"
#include "service/place/location.h"
#include "ua/agree.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define MEDIASEC "security_negotiation=mediasec\nsecurity_mechanisms=SDES-SRTP\\;q=0.5\\;mediaplane, ipsec-3gpp,dtls-srtp\n"
#define AUTH "[me]\ntype=auth\nauth_type=userpass\nusername=me\npassword=pw\n"
#define REG(more) "[far]\ntype=registration\nserver_uri=sip:127.0.0.1:5062\nclient_uri=sip:us@127.0.0.1\n" \
	"max_random_initial_delay=0\noutbound_auth=me\nretry_interval=5\n" more AUTH
#define PHONE(more) "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\noutbound_auth=me\n" more ALICE_LINE BOB_LINE
#define DIGEST "WWW-Authenticate: Digest realm=\"far\",nonce=\"1\"\r\n"
#define SERVER "Security-Server: msrp-tls;q=0.1;mediaplane, sdes-srtp;mediaplane\r\nSecurity-Server: tls;q=0.9\r\n" \
	"Security-Server: dtls-srtp;q=2\r\n"

static const char plan[] = "[default]\nexten => bob,1,Dial(PJSIP/bob)\n";

static int teardown(void **state)
{
	(void)state;
	alice_ends(40000);
	wire_close(&t);
	return 0;
}

static int close_wire(void **state)
{
	(void)state;
	wire_close(&t);
	return 0;
}

/* All lines of a header, between bars. */
static const char *lines(const struct sip_msg *m, const char *name)
{
	static char text[512];
	const struct sip_hdr *h;
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; (h = sip_hdr_named(m, str_z(name), i)) && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i ? "|" : "", STR_ARG(h->value));
	return text;
}

static void says(const struct sip_msg *m, const char *client, const char *verify)
{
	bool any = *client || *verify;

	assert_string_equal(lines(m, "Security-Client"), client);
	assert_string_equal(lines(m, "Security-Verify"), verify);
	assert_int_equal(sip_hdr_has_token(m, SIP_H_REQUIRE, STR("mediasec")), any);
	assert_string_equal(lines(m, "Proxy-Require"), any ? "mediasec" : "");
}

#define OURS "sdes-srtp;mediaplane|dtls-srtp"
#define THEIRS "msrp-tls;mediaplane|sdes-srtp;mediaplane"

static void registers(void **state)
{
	(void)state;
	wire_open(&t, "", WIRE_UDP REG(MEDIASEC));
	world_pass(&t.w, 1100);
	says(wire_last(&t), OURS, "");
	wire_reply(&t, SIP_REGISTER, 401, DIGEST SERVER);
	says(wire_last(&t), OURS, THEIRS);
	assert_string_equal(wire_header(wire_last(&t), "Require"), "mediasec");
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 20\r\n");
	world_pass(&t.w, 10100);
	says(wire_last(&t), OURS, "");
	wire_reply(&t, SIP_REGISTER, 503, "");
	world_pass(&t.w, 5100);
	says(wire_last(&t), OURS, THEIRS);      /* refused before: what is known goes with it */
}

/* 494: the list is to be repeated; and what comes back then is a usual challenge. */
static void agreement_required(void **state)
{
	(void)state;
	wire_open(&t, "", WIRE_UDP REG(MEDIASEC));
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 494, SERVER);
	assert_int_equal(wire_last(&t)->cseq, 2);
	says(wire_last(&t), "", THEIRS);
	wire_reply(&t, SIP_REGISTER, 401, DIGEST);
	says(wire_last(&t), OURS, THEIRS);
	wire_reply(&t, SIP_REGISTER, 200, "Expires: 20\r\n");
	/* No loop: the same refusal twice is one, and one that says no list. */
	outbound_register(t.svc, STR("far"));
	wire_reply(&t, SIP_REGISTER, 200, "");
	wire_reply(&t, SIP_REGISTER, 494, SERVER);
	wire_reply(&t, SIP_REGISTER, 494, SERVER);
	assert_int_equal(t.n, 0);
	outbound_register(t.svc, STR("far"));
	wire_reply(&t, SIP_REGISTER, 494, "Security-Server: tls\r\n");
	assert_int_equal(t.n, 0);
}

static void not_asked(void **state)
{
	(void)state;
	wire_open(&t, "", WIRE_UDP REG("security_mechanisms=sdes-srtp\n"));
	world_pass(&t.w, 1100);
	says(wire_last(&t), "", "");
	wire_reply(&t, SIP_REGISTER, 401, DIGEST SERVER);
	says(wire_last(&t), "", "");
	wire_reply(&t, SIP_REGISTER, 494, SERVER);
	assert_int_equal(t.n, 0);
}

/* ---- calls ---------------------------------------------------------------------------------------- */

static void calls(void **state)
{
	(void)state;
	wire_open_media(&t, plan, WIRE_UDP AUTH PHONE(MEDIASEC));
	alice_begins();
	alice_calls("bob");
	says(requested(SIP_INVITE, BOB), "", "");
	answer(SIP_INVITE, BOB, 401, DIGEST SERVER, "");
	says(requested(SIP_INVITE, BOB), OURS, THEIRS);
	answer(SIP_INVITE, BOB, 200, "", SDP_ULAW);
	says(requested(SIP_ACK, BOB), "", "");
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	alice("BYE", "bob", 2, "", "");
	says(requested(SIP_BYE, BOB), "", THEIRS);
	answer(SIP_BYE, BOB, 200, "", "");
	/* The contact is known now. */
	alice_starts_anew();
	alice_calls("bob");
	says(requested(SIP_INVITE, BOB), "", THEIRS);
	answer(SIP_INVITE, BOB, 494, "Security-Server: dtls-srtp\r\n", "");
	says(requested(SIP_INVITE, BOB), "", "dtls-srtp");
	answer(SIP_INVITE, BOB, 180, "", "");
	alice("CANCEL", "bob", 1, "", "");
	says(requested(SIP_CANCEL, BOB), "", "");
	answer(SIP_INVITE, BOB, 487, "", "");
}

/* What a registration has learnt holds for calls to its endpoint, and for OPTIONS. */
static void calls_by_registration(void **state)
{
	struct location *l;

	(void)state;
	wire_open_media(&t, plan, WIRE_UDP REG(MEDIASEC "line=yes\nendpoint=bob\n") PHONE(MEDIASEC "media_encryption=sdes\n"));
	alice_begins();
	world_pass(&t.w, 1100);
	wire_reply(&t, SIP_REGISTER, 401, DIGEST SERVER);
	wire_reply(&t, SIP_REGISTER, 200, "");
	l = location_get(t.svc, STR("bob"), false);
	assert_non_null(l);
	contact_qualify_now(t.svc, location_pick(l));
	says(requested(SIP_OPTIONS, BOB), "", THEIRS);
	answer(SIP_OPTIONS, BOB, 200, "", "");
	alice("INVITE", "bob", 1, "",
	      SDP_HEAD "m=audio 6000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n");
	says(requested(SIP_INVITE, BOB), "", THEIRS);
	assert_true(has(requested(SIP_INVITE, BOB)->body, "a=3ge2ae:requested\r\n"));
	answer(SIP_INVITE, BOB, 200, "",
	       SDP_HEAD "m=audio 6000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n");
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(has(response(SIP_INVITE)->body, "a=3ge2ae:requested\r\n"));
	/* Without keys there is nothing to ask for; without the option neither. */
	learn_tag();
	alice("ACK", "bob", 1, "", "");
	alice("BYE", "bob", 2, "", "");
	wire_reload(&t, WIRE_UDP AUTH PHONE(MEDIASEC));
	alice_starts_anew();
	alice_calls("bob");
	assert_false(has(requested(SIP_INVITE, BOB)->body, "3ge2ae"));
	alice("CANCEL", "bob", 1, "", "");
	wire_reload(&t, WIRE_UDP AUTH PHONE("media_encryption=sdes\n"));
	alice_starts_anew();
	alice("INVITE", "bob", 1, "",
	      SDP_HEAD "m=audio 6000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n");
	says(requested(SIP_INVITE, BOB), "", "");
	assert_false(has(requested(SIP_INVITE, BOB)->body, "3ge2ae"));
}

/* ---- lists ------------------------------------------------------------------------------------------ */

static void lists(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "sdes-srtp", "sdes-srtp " }, { " SDES-srtp ; q = 0.25 ;a=\"x;q=3,y\" , none", "sdes-srtp;a=\"x;q=3,y\" none " },
		{ "sdes-srtp;q=1.001,dtls-srtp;q=1.000", "dtls-srtp " }, { "sdes-srtp;q=,msrp-tls;q=0.", "msrp-tls " },
		{ "sdes-srtp;q=0.1234,,;,tls;q=1,\t", "" }, { "none;q=1.;;b", "none;b " }, { "none;q=a", "" }, { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str list = str_z(rows[i].in);
		struct ua_mechanism m;
		char room[128];
		struct buf b;

		buf_init(&b, room, sizeof(room), 0);
		while (ua_mechanism_next(&list, &m)) {
			ua_mechanism_write(&b, &m);
			buf_char(&b, ' ');
		}
		assert_string_equal(buf_z(&b), rows[i].out);
		buf_free(&b);
	}
}

static void shown(void **state)
{
	const struct option_set *set = object_options(OBJECT_ENDPOINT);
	const struct endpoint *ep;
	struct buf b = BUF_INIT;

	(void)state;
	wire_open(&t, "", WIRE_UDP AUTH PHONE(MEDIASEC));
	ep = snapshot_endpoint(t.svc->conf, STR("alice"));
	option_each(o, set)
		if (str_starts(str_z(o->name), STR("security_"))) {
			option_write(&b, o, ep, false);
			buf_char(&b, '|');
		}
	assert_string_equal(buf_z(&b), "mediasec|sdes-srtp;mediaplane, dtls-srtp|");
	buf_free(&b);
}

int main(void)
{
#define W(f) cmocka_unit_test_teardown(f, close_wire)
#define T(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = { W(registers), W(agreement_required), W(not_asked), T(calls),
		T(calls_by_registration), cmocka_unit_test(lists), W(shown) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
