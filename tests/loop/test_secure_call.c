/* Calls whose media is encrypted, by what the SDP says: options of the endpoint, what
 * is refused and why, keys that stay and keys that change. Sound is in test_secure.c. */
#include "alice.h"
#include "base/obj.h"
#include "media/dtls.h"
#include "service/call/session.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define K30 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define K30B "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define K44 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis="
#define CM80 "AES_CM_128_HMAC_SHA1_80 inline:"
#define PRINT "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n"
#define SAVP(crypto) SDP_HEAD "m=audio 6000 RTP/SAVP 0\r\n" crypto
#define AVP(crypto) SDP_HEAD "m=audio 6000 RTP/AVP 0\r\n" crypto
#define TLS(more) SDP_HEAD "m=audio 6000 UDP/TLS/RTP/SAVP 0\r\n" more

static const char plan[] =
	"[default]\n"
	"exten => up,1,Answer()\n same => n,Set(GLOBAL(SEEN)=${CHANNEL(secure_media)}/${CHANNEL(rtp,secure)})\n"
	" same => n,Wait(600)\n"
	"exten => bob,1,Dial(PJSIP/bob)\n";

#define CONF(lines) WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n" lines \
	ALICE_LINE BOB_LINE

static void with(const char *lines)
{
	char conf[4096];

	snprintf(conf, sizeof(conf), WIRE_UDP "[phone](!)\ntype=endpoint\ncontext=default\nallow=!all,ulaw\n%s\n" ALICE_LINE BOB_LINE,
		 lines);
	wire_reload(&t, conf);
	alice_starts_anew();
}

static int setup(void **state)
{
	(void)state;
	wire_open_media(&t, plan, CONF("media_encryption=sdes\n"));
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

static bool says(struct sip_msg *m, const char *what)
{
	return str_find(m->body, str_z(what)) < m->body.n;
}

static struct str line_of(struct str body, const char *begin)
{
	size_t at = str_find(body, str_z(begin));
	struct str rest = str_skip(body, at), line = STR_NULL;

	str_line(&rest, &line);
	return line;
}

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

/* An offer of hers, by what we answer. */
static const struct { const char *conf, *offer; unsigned status; const char *answer, *not; } tv[] = {
	{ "media_encryption=sdes", SAVP("a=crypto:3 " CM80 K30 "\r\n"), 200, "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:",
	  K30 },
	{ "media_encryption=sdes", SAVP("a=crypto:1 F8_128_HMAC_SHA1_80 inline:" K30 "\r\na=crypto:2 AEAD_AES_256_GCM inline:"
	  K44 "\r\n"), 200, "a=crypto:2 AEAD_AES_256_GCM inline:", "a=crypto:1" },
	{ "media_encryption=sdes", AVP("a=crypto:1 " CM80 K30 "\r\n"), 200, "m=audio 4000 RTP/AVP", NULL },
	{ "media_encryption=sdes", AVP(""), 488, "profile or encryption", NULL },
	{ "media_encryption=sdes\nmedia_use_received_transport=yes", AVP(""), 488, "profile or encryption", NULL },
	{ "media_encryption=sdes\nforce_avp=yes", AVP(""), 488, "profile or encryption", NULL },
	{ "media_encryption=sdes", SAVP(""), 488, "no keys", NULL },
	{ "media_encryption=sdes", SAVP("a=crypto:1 " CM80 K44 "\r\n"), 488, "has not the suite's length", NULL },
	{ "media_encryption=sdes", SAVP("a=crypto:1 " CM80 K30 " UNENCRYPTED_SRTP\r\n"), 488, "takes the protection away", NULL },
	{ "media_encryption=sdes", SAVP("a=crypto:1 F8_128_HMAC_SHA1_80 inline:" K30 "\r\n"), 488, "no suite in common", NULL },
	{ "media_encryption=sdes", TLS("a=setup:actpass\r\n" PRINT), 488, "profile or encryption", NULL },
	{ "media_encryption=no", SAVP("a=crypto:1 " CM80 K30 "\r\n"), 488, "profile or encryption", NULL },
	{ "media_encryption=no", AVP("a=crypto:1 " CM80 K30 "\r\n"), 200, "RTP/AVP", "a=crypto" },
	{ "media_encryption=sdes\nmedia_encryption_optimistic=yes", AVP(""), 200, "RTP/AVP", "a=crypto" },
	{ "media_encryption=sdes\nmedia_encryption_optimistic=yes", SAVP("a=crypto:1 " CM80 K30 "\r\n"), 200, "a=crypto:1",
	  NULL },
	{ "media_encryption=sdes\nmedia_encryption_optimistic=yes", AVP("a=crypto:1 " CM80 K44 "\r\n"), 200, "RTP/AVP",
	  "a=crypto" },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", TLS("a=setup:actpass\r\n" PRINT), 200, "a=setup:active", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_setup=passive", TLS("a=setup:actpass\r\n" PRINT), 200,
	  "a=setup:passive", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_setup=active", TLS("a=setup:active\r\n" PRINT), 200,
	  "a=setup:passive", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", TLS("a=setup:holdconn\r\n" PRINT), 200, "a=setup:holdconn", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", TLS("a=setup:actpass\r\n" PRINT), 200, "a=fingerprint:sha-256 ",
	  NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_fingerprint=SHA-1", TLS("a=setup:actpass\r\n" PRINT), 200,
	  "a=fingerprint:sha-1 ", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", TLS("a=setup:actpass\r\n"), 488, "a=fingerprint", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", TLS("a=setup:actpass\r\na=fingerprint:sha-256 00:11\r\n"), 488,
	  "a=fingerprint", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", TLS("a=setup:sometimes\r\n" PRINT), 488, "a=setup", NULL },
	{ "media_encryption=dtls\ndtls_auto_generate_cert=yes", AVP(""), 488, "profile or encryption", NULL },
};

static void offers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		bool secure;

		with(tv[i].conf);
		alice("INVITE", "up", 1, "", tv[i].offer);
		if (status(SIP_INVITE) != tv[i].status)
			print_error("case %zu: %s %s\n", i, tv[i].conf, tv[i].offer);
		assert_int_equal(status(SIP_INVITE), tv[i].status);
		if (tv[i].status != 200) {
			assert_true(explains(tv[i].answer));
			continue;
		}
		/* The port is whichever was free. */
		assert_true(says(response(SIP_INVITE), strstr(tv[i].answer, "RTP/AVP") ? "RTP/AVP" : tv[i].answer));
		assert_false(tv[i].not && says(response(SIP_INVITE), tv[i].not));
		/* Before refusals of earlier rows are sent again. */
		secure = says(response(SIP_INVITE), "a=crypto") || says(response(SIP_INVITE), "a=setup");
		learn_tag();
		alice("ACK", "up", 1, "", "");
		world_pass(&t.w, 1000);
		assert_string_equal(global("SEEN"), secure ? "1/1" : "/0");
		alice("BYE", "up", 2, "", "");
	}
}

/* Our key stays while the suite does; theirs may be another each time. */
static void again(void **state)
{
	char first[200];
	struct str l;

	(void)state;
	alice("INVITE", "up", 1, "", SAVP("a=crypto:1 " CM80 K30 "\r\n"));
	learn_tag();
	alice("ACK", "up", 1, "", "");
	l = line_of(response(SIP_INVITE)->body, "a=crypto");
	snprintf(first, sizeof(first), "%.*s", STR_ARG(l));
	assert_true(strlen(first) > 60);
	alice("INVITE", "up", 2, "", SAVP("a=crypto:1 " CM80 K30B "\r\n"));
	alice("ACK", "up", 2, "", "");
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(says(response(SIP_INVITE), first));
	/* Ours for theirs: never. */
	{
		char body[600];

		snprintf(body, sizeof(body), SDP_HEAD "m=audio 6000 RTP/SAVP 0\r\n%s\r\n", first);
		alice("INVITE", "up", 3, "", body);
		assert_int_equal(status(SIP_INVITE), 488);
		assert_true(explains("repeats our key"));
	}
	alice("INVITE", "up", 4, "", SAVP("a=crypto:1 AEAD_AES_256_GCM inline:" K44 "\r\n"));
	alice("ACK", "up", 4, "", "");
	assert_true(says(response(SIP_INVITE), "a=crypto:1 AEAD_AES_256_GCM"));
	assert_false(says(response(SIP_INVITE), first));
}

static struct sip_msg *bob_is_asked(const char *conf)
{
	with(conf);
	alice("INVITE", "bob", 1, "", strstr(conf, "dtls") ? TLS("a=setup:actpass\r\n" PRINT) : SAVP("a=crypto:1 " CM80 K30 "\r\n"));
	return requested(SIP_INVITE, BOB);
}

/* Our own offers, and answers to them. */
static void offered(void **state)
{
	struct sip_msg *m;

	(void)state;
	m = bob_is_asked("media_encryption=sdes");
	assert_true(says(m, "RTP/SAVP 0"));
	assert_true(says(m, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"));
	assert_true(says(m, "AEAD_AES_128_GCM") && says(m, "AEAD_AES_256_GCM") && says(m, "AES_256_CM_HMAC_SHA1_80"));
	assert_false(says(m, "SHA1_32"));
	/* A tag that was not offered with this suite. */
	answer(SIP_INVITE, BOB, 200, "", SAVP("a=crypto:1 AEAD_AES_256_GCM inline:" K44 "\r\n"));
	assert_true(request(SIP_BYE, BOB) != SIZE_MAX);

	m = bob_is_asked("media_encryption=sdes");
	answer(SIP_INVITE, BOB, 200, "", AVP(""));
	assert_true(request(SIP_BYE, BOB) != SIZE_MAX);

	m = bob_is_asked("media_encryption=sdes");
	answer(SIP_INVITE, BOB, 200, "", SAVP("a=crypto:1 " CM80 K30 "\r\n"));
	assert_int_equal(status(SIP_INVITE), 200);
	assert_true(says(response(SIP_INVITE), "a=crypto:1 "));

	m = bob_is_asked("media_encryption=sdes\nsrtp_tag_32=yes");
	assert_true(says(m, "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:"));

	m = bob_is_asked("media_encryption=sdes\nmedia_encryption_optimistic=yes");
	assert_true(says(m, "RTP/AVP 0"));
	assert_true(says(m, "a=crypto:1 "));
	answer(SIP_INVITE, BOB, 200, "", AVP(""));
	assert_int_equal(status(SIP_INVITE), 200);

	m = bob_is_asked("media_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_setup=actpass");
	assert_true(says(m, "UDP/TLS/RTP/SAVP 0"));
	assert_true(says(m, "a=setup:actpass") && says(m, "a=fingerprint:sha-256 "));
	answer(SIP_INVITE, BOB, 200, "", TLS("a=setup:active\r\n" PRINT));
	assert_int_equal(status(SIP_INVITE), 200);
}

/* dtls_verify, dtls_rekey, dtls_cipher, srtp_tag_32: what they make of the association. */
static void dtls_options(void **state)
{
	struct dtls_identity_prm prm = { .cipher = STR("ECDHE-ECDSA-AES128-GCM-SHA256"), .verify = DTLS_CHECK_FINGERPRINT,
					 .hash = CRYPTO_SHA1, .tag_32 = true, .rekey_s = 77 };
	struct dtls_identity *d;

	(void)state;
	with("media_encryption=dtls\ndtls_auto_generate_cert=yes\ndtls_verify=fingerprint\ndtls_rekey=77\nsrtp_tag_32=yes\n"
	     "dtls_fingerprint=SHA-1\ndtls_cipher=ECDHE-ECDSA-AES128-GCM-SHA256");
	alice("INVITE", "up", 1, "", TLS("a=setup:actpass\r\n" PRINT));
	learn_tag();
	alice("ACK", "up", 1, "", "");
	d = session_of_channel(only_channel())->dtls.identity;
	assert_non_null(d);
	assert_true(dtls_identity_is(d, &prm));
	prm.verify = DTLS_CHECK_BOTH;
	assert_false(dtls_identity_is(d, &prm));
	alice("BYE", "up", 2, "", "");
	/* webrtc=yes means all of it. */
	with("webrtc=yes");
	alice("INVITE", "up", 1, "", SDP_HEAD "m=audio 6000 UDP/TLS/RTP/SAVPF 0\r\na=setup:actpass\r\na=rtcp-mux\r\n" PRINT);
	assert_int_equal(status(SIP_INVITE), 200);
	learn_tag();
	alice("ACK", "up", 1, "", "");
	d = session_of_channel(only_channel())->dtls.identity;
	prm = (struct dtls_identity_prm){ .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256 };
	assert_true(dtls_identity_is(d, &prm));
}

static struct session *dtls_call(void)
{
	with("media_encryption=dtls\ndtls_auto_generate_cert=yes");
	alice("INVITE", "up", 1, "", TLS("a=setup:actpass\r\n" PRINT));
	learn_tag();
	alice("ACK", "up", 1, "", "");
	return session_of_channel(only_channel());
}

/* The peer's handshake has failed: when no other one succeeds the call is nobody's. What a guest fails
 * at says nothing of the peer. */
static void a_call_without_keys_ends(void **state)
{
	struct session *s = dtls_call();

	(void)state;
	session_secure_event(s, &(struct media_event){ .type = MEDIA_SECURE, .err = EACCES });
	world_pass(&t.w, 4000);
	assert_int_equal(channels(), 1);
	session_secure_event(s, &(struct media_event){ .type = MEDIA_SECURE });
	session_secure_event(s, &(struct media_event){ .type = MEDIA_SECURE, .err = EACCES });
	world_pass(&t.w, 10000);
	assert_int_equal(channels(), 1);
	alice("BYE", "up", 2, "", "");
	assert_int_equal(world_events(&t.w, "TestEvent", "State: SESSION_DESTROYED"), 1);
	alice_starts_anew();
	s = dtls_call();
	session_secure_event(s, &(struct media_event){ .type = MEDIA_SECURE, .err = EACCES, .guest = true });
	world_pass(&t.w, 10000);
	assert_int_equal(channels(), 1);
	session_secure_event(s, &(struct media_event){ .type = MEDIA_SECURE, .err = EPROTO });
	world_pass(&t.w, 6000);
	assert_int_equal(channels(), 0);
	assert_int_equal(world_events(&t.w, "TestEvent", "State: SESSION_DESTROYED"), 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(offers), T(again), T(offered), T(dtls_options), T(a_call_without_keys_ends) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
