/* A user agent's media on encrypted and checked ways (SDES, DTLS, ICE), and on other ones than the call began with. What it
 * offers and sends is in test_phone_media.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include "phone_media_stage.h"

static struct sidetone_media_options options(enum sidetone_encryption e, bool ice)
{
	struct sidetone_media_options o;

	sidetone_media_options_init(&o);
	o.codecs = "ulaw";
	o.encryption = e;
	o.ice = ice;
	return o;
}

static void both(enum sidetone_encryption e, bool ice)
{
	struct sidetone_media_options o = options(e, ice);

	side_up(&a, &o);
	side_up(&b, &o);
	listens(&a, 8000);
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	source(&b, SIDETONE_TONE, "700");
}

static void talks(void)
{
	assert_true(hears(&a, 700));
	assert_true(hears(&b, 440));
	assert_true(state_of(&a).sends && state_of(&a).receives && state_of(&b).sends && state_of(&b).receives);
}

static void call_with(enum sidetone_encryption e, bool ice)
{
	both(e, ice);
	assert_int_equal(offer_answer(&a, &b), 0);
	if (e == SIDETONE_DTLS) {
		/* Not before there are keys. */
		assert_false(state_of(&a).sends);
		assert_true(await_event(&a, SIDETONE_MEDIA_SECURED, 8000) && await_event(&b, SIDETONE_MEDIA_SECURED, 8000));
		assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_SECURED)].error, 0);
	}
	if (ice) {
		assert_true(await_event(&a, SIDETONE_MEDIA_PATH, 8000) && await_event(&b, SIDETONE_MEDIA_PATH, 8000));
		assert_string_equal(a.e[last(&a, SIDETONE_MEDIA_PATH)].text, "connected");
		assert_string_equal(state_of(&a).ice, "connected");
		assert_non_null(strstr(a.s.body, "a=candidate:"));
		assert_non_null(strstr(b.s.body, "a=candidate:"));
	}
	talks();
	assert_int_equal(state_of(&a).encryption, e);
	assert_int_equal(state_of(&b).encryption, e);
	/* Hold, and back: the same keys, the same path. */
	assert_int_equal(sidetone_media_hold(b.m, &b.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_true(hears_nothing(&a));
	assert_int_equal(sidetone_media_hold(b.m, &b.s, SIDETONE_HOLD_OFF), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	talks();
	assert_int_equal(count(&a, SIDETONE_MEDIA_SECURED), e == SIDETONE_DTLS);
}

static void test_sdes(void **state) { (void)state; call_with(SIDETONE_SDES, false); }
static void test_dtls(void **state) { (void)state; call_with(SIDETONE_DTLS, false); }
static void test_ice(void **state) { (void)state; call_with(SIDETONE_PLAIN, true); }
static void test_dtls_ice(void **state) { (void)state; call_with(SIDETONE_DTLS, true); }

/* What one demands the other cannot. */
static void test_other_encryption(void **state)
{
	(void)state;
	for (int e = 0; e < 3; e++)
		for (int f = 0; f < 3; f++) {
			struct sidetone_media_options oa = options((enum sidetone_encryption)e, false), ob = options((enum sidetone_encryption)f, false);

			side_again(&a, &oa);
			side_again(&b, &ob);
			assert_int_equal(offer_answer(&a, &b), e == f ? 0 : 488);
		}
}

static void test_optional_encryption(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_SDES, false), plain = options(SIDETONE_PLAIN, false);

	(void)state;
	o.optional_encryption = true;
	side_up(&a, &o);
	side_up(&b, &plain);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(state_of(&a).encryption, SIDETONE_PLAIN);
	side_again(&b, &o);
	side_again(&a, &o);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_int_equal(state_of(&a).encryption, SIDETONE_SDES);
}

/* One has ICE, the other not: without it. */
static void test_no_ice_there(void **state)
{
	struct sidetone_media_options with = options(SIDETONE_PLAIN, true), without = options(SIDETONE_PLAIN, false);

	(void)state;
	for (int i = 0; i < 2; i++) {
		side_again(&a, i ? &with : &without);
		side_again(&b, i ? &without : &with);
		listens(&b, 8000);
		source(&a, SIDETONE_TONE, "440");
		assert_int_equal(offer_answer(&a, &b), 0);
		assert_true(hears(&b, 440));
		assert_string_equal(state_of(&a).ice, "off");
	}
}

/* A server that does not answer: the offer leaves all the same, after two seconds. */
static void test_deaf_server(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_PLAIN, true);
	char at[SA_TEXT];

	(void)state;
	o.stun = "stun:203.0.113.5";
	side_up(&a, &o);
	side_up(&b, NULL);
	a.s.made = false;
	sidetone_media_handle(a.m, &(struct sidetone_event){ .type = SIDETONE_DESCRIBE, .session = &a.s, .status = SIDETONE_OFFER });
	pass(1900);
	assert_false(a.s.made);
	assert_string_equal(sa_text(&nobody, at), "203.0.113.5:3478");
	/* One of theirs meanwhile is not taken. */
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"), 491);
	pass(200);
	assert_true(a.s.made);
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, a.s.body), 0);
	/* It waits again, and is over meanwhile. */
	a.s.made = false;
	sidetone_media_handle(a.m, &(struct sidetone_event){ .type = SIDETONE_DESCRIBE, .session = &a.s, .status = SIDETONE_OFFER });
	closed(&a);
	pass(3000);
}

/* Its name is looked up once; an offer waits for that no longer than for the server. */
static void test_server_name(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_PLAIN, true);
	char at[SA_TEXT];

	(void)state;
	o.address = "127.0.0.1";
	o.stun = "localhost:3479";
	o.turn = "turn:no..host";
	o.turn_user = o.turn_password = "x";
	side_up(&a, &o);
	assert_non_null(make(&a, SIDETONE_OFFER));
	for (int i = 0; i < 2000 && phone_servers_pending(a.m); i++)
		poll(&(struct pollfd){ .fd = uv_backend_fd(loop_uv(a.m->loop)), .events = POLLIN }, 1, 10), pass(10);
	assert_false(phone_servers_pending(a.m));
	assert_int_equal(sa_port(&a.m->stun.addr), 3479);
	assert_false(sa_is_set(&a.m->turn.addr));
	closed(&a);
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_int_equal(sa_port(&nobody), 3479);
	assert_non_null(sa_text(&nobody, at));
	/* It goes while one is looked up. */
	side_again(&a, &o);
}

/* A certificate that is not the one of the description. */
static void test_wrong_certificate(void **state)
{
	char *digit;

	(void)state;
	both(SIDETONE_DTLS, false);
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, make(&a, SIDETONE_OFFER)), 0);
	assert_non_null(make(&b, SIDETONE_ANSWER));
	digit = strstr(b.s.body, "sha-256 ") + 8;
	*digit = *digit == '0' ? '1' : '0';
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, b.s.body), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_SECURED, 5000));
	assert_int_equal(a.e[last(&a, SIDETONE_MEDIA_SECURED)].error, EACCES);
	assert_true(a.e[last(&a, SIDETONE_MEDIA_SECURED)].text[0]);
	assert_false(state_of(&a).sends || state_of(&a).receives);
	assert_true(hears_nothing(&a));
}

static void test_ipv6(void **state)
{
	struct sidetone_media_options oa = options(SIDETONE_SDES, true), ob = oa;

	(void)state;
	oa.address = "2001:db8::1";
	ob.address = "2001:db8::2";
	side_up(&a, &oa);
	side_up(&b, &ob);
	listens(&b, 8000);
	source(&a, SIDETONE_TONE, "440");
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_non_null(strstr(a.s.body, "c=IN IP6 2001:db8::1"));
	pass(1000);
	assert_true(hears(&b, 440));
}

/* Two answers to an offer with ICE and keys: each has its own, the last one counts. */
static void test_forks(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_SDES, true);

	(void)state;
	both(SIDETONE_SDES, true);
	side_up(&c, &o);
	source(&c, SIDETONE_TONE, "1200");
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, a.s.body), 0);
	assert_int_equal(take(&c, SIDETONE_OFFER, NULL, a.s.body), 0);
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&b, SIDETONE_ANSWER)), 0);
	pass(1500);
	talks();
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&c, SIDETONE_ANSWER)), 0);
	closed(&b);
	pass(1500);
	assert_true(hears(&a, 1200));
}

static void test_bad_ice(void **state)
{
	(void)state;
	both(SIDETONE_PLAIN, true);
	assert_int_equal(take(&a, SIDETONE_OFFER, NULL,
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=ice-ufrag:x\r\na=ice-pwd:y\r\n"), 488);
	assert_int_equal(offer_answer(&a, &b), 0);
	assert_true(await_event(&a, SIDETONE_MEDIA_PATH, 8000));
	talks();
}

/* ---- other ways */

/* An answer has no other port than the offer before it; our next offer has. */
static void answers_from_the_old_one(void)
{
	char before[64];

	str_copy(before, sizeof(before), str_z(state_of(&a).local));
	assert_int_equal(sidetone_media_set_address(a.m, "198.51.100.78", NULL), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	assert_string_equal(before, state_of(&a).local);
	talks();
	a.s.reinvite_error = EPERM;
	assert_int_equal(sidetone_media_renew(a.m, &a.s), EPERM);
	a.s.reinvite_error = 0;
	a.s.asks_at_once = true;
	assert_int_equal(sidetone_media_renew(a.m, &a.s), 0);
	pass(2500);
	assert_true(a.s.made);
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, a.s.body), 0);
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&b, SIDETONE_ANSWER)), 0);
	pass(2000);
	talks();
	assert_true(strncmp(state_of(&a).local, "198.51.100.78:", 14) == 0);
	/* Once: a later offer leaves it where it is. */
	str_copy(before, sizeof(before), str_z(state_of(&a).local));
	assert_int_equal(sidetone_media_hold(a.m, &a.s, SIDETONE_HOLD_ON), 0);
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, a.s.body), 0);
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&b, SIDETONE_ANSWER)), 0);
	assert_string_equal(before, state_of(&a).local);
}

/* Another address, another port, and ICE from its beginning where there is ICE. */
static void moves(enum sidetone_encryption e, bool ice)
{
	char before[64];

	both(e, ice);
	assert_int_equal(sidetone_media_renew(a.m, &a.s), ENOTCONN);
	assert_int_equal(offer_answer(&a, &b), 0);
	pass(2000);
	talks();
	str_copy(before, sizeof(before), str_z(state_of(&a).local));
	assert_int_equal(sidetone_media_set_address(a.m, "not one", NULL), EINVAL);
	assert_int_equal(sidetone_media_set_address(a.m, "198.51.100.77", NULL), 0);
	assert_int_equal(sidetone_media_renew(a.m, &a.s), 0);
	assert_int_equal(a.s.reinvites, 1);
	assert_non_null(make(&a, SIDETONE_OFFER));
	/* Sound goes on by the old one until the other is agreed. */
	assert_true(hears(&b, 440));
	assert_int_equal(take(&b, SIDETONE_OFFER, NULL, a.s.body), 0);
	assert_int_equal(take(&a, SIDETONE_ANSWER, NULL, make(&b, SIDETONE_ANSWER)), 0);
	assert_true(strncmp(state_of(&a).local, "198.51.100.77:", 14) == 0);
	pass(2000);
	talks();
	assert_string_not_equal(before, state_of(&a).local);
	assert_true(strncmp(state_of(&b).remote, "198.51.100.77:", 14) == 0);
	assert_int_equal(a.ended, 0);
	/* And once more, refused: the port stays as it is. */
	assert_int_equal(sidetone_media_renew(a.m, &a.s), 0);
	assert_non_null(make(&a, SIDETONE_OFFER));
	refused(&a);
	talks();
	/* Then the peer's turn. */
	assert_int_equal(sidetone_media_renew(b.m, &b.s), 0);
	assert_int_equal(offer_answer(&b, &a), 0);
	pass(2000);
	talks();
	answers_from_the_old_one();
}

static void test_moves(void **state) { (void)state; moves(SIDETONE_PLAIN, false); }
static void test_moves_sdes(void **state) { (void)state; moves(SIDETONE_SDES, false); }
static void test_moves_dtls(void **state) { (void)state; moves(SIDETONE_DTLS, false); }
/* OpenSSL sends again by its own clock, so DTLS and ICE together are in test_phone_media_sockets.c. */
static void test_moves_ice(void **state) { (void)state; moves(SIDETONE_SDES, true); }

/* ---- descriptions of others */

static const char browser[] =
	"v=0\r\no=- 46117317 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=extmap-allow-mixed\r\n"
	"a=msid-semantic: WMS x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n"
	"a=rtcp:9 IN IP4 0.0.0.0\r\na=candidate:1 1 udp 2122260223 198.51.100.2 40000 typ host generation 0\r\n"
	"a=candidate:2 1 tcp 1518280447 198.51.100.2 9 typ host tcptype active generation 0\r\n"
	"a=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlzz\r\na=ice-options:trickle\r\n"
	"a=fingerprint:sha-256 D9:B9:E4:54:05:2B:26:63:8C:2C:27:73:F1:1F:5C:35:1B:86:7D:6A:8A:37:48:E2:1F:B5:64:51:7D:5F:7C:2E\r\n"
	"a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=msid:x y\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\n"
	"a=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
	"a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\n"
	"a=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\na=ssrc:1 cname:z\r\n"
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlzz\r\n"
	"a=fingerprint:sha-256 D9:B9:E4:54:05:2B:26:63:8C:2C:27:73:F1:1F:5C:35:1B:86:7D:6A:8A:37:48:E2:1F:B5:64:51:7D:5F:7C:2E\r\n"
	"a=setup:actpass\r\na=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";

/* What a browser offers: its sound is taken, its picture is not. */
static void test_browser(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_DTLS, true);

	(void)state;
	for (int bundle = 0; bundle < 2; bundle++) {
		o.bundle = bundle;
		o.codecs = NULL;
		side_again(&a, &o);
		assert_int_equal(take(&a, SIDETONE_OFFER, "application/sdp", browser), 0);
		assert_non_null(make(&a, SIDETONE_ANSWER));
		assert_non_null(strstr(a.s.body, "m=video 0 UDP/TLS/RTP/SAVPF"));
		assert_non_null(strstr(a.s.body, "a=setup:active"));
		assert_non_null(strstr(a.s.body, "a=candidate:"));
		assert_non_null(strstr(a.s.body, "a=rtcp-mux"));
		assert_int_equal(strstr(a.s.body, "a=group:BUNDLE 0\r\n") != NULL, bundle);
		assert_string_equal(state_of(&a).codec, "opus");
		assert_true(state_of(&a).digits_by_rtp);
		pass(50);
		assert_string_equal(state_of(&a).ice, "checking");
	}
}

/* Cut anywhere, and with other bytes in it: refused or taken, and the media lives. */
static void test_broken_descriptions(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_DTLS, true);
	char text[sizeof(browser)];
	unsigned seed = 1, taken = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(browser); i += 3) {
		if (i % 60 == 0)
			side_again(&a, &o);
		memcpy(text, browser, sizeof(text));
		if (i % 2)
			text[i] = 0;
		for (int k = 0; !(i % 2) && k < 3; k++) {
			seed = seed * 1103515245 + 12345;
			text[(seed >> 8) % (sizeof(text) - 1)] = "0 :\n/9a="[seed >> 28 & 7];
		}
		if (!take(&a, SIDETONE_OFFER, NULL, text)) {
			taken++;
			make(&a, SIDETONE_ANSWER);
		}
		if (make(&a, SIDETONE_OFFER) && take(&a, SIDETONE_ANSWER, NULL, text))
			refused(&a);
		a.n = 0;
	}
	assert_true(taken > 20);
	side_again(&a, &o);
	side_up(&b, &o);
	assert_int_equal(offer_answer(&a, &b), 0);
}

/* A router in front passes our ports on. */
static void test_public_address(void **state)
{
	struct sidetone_media_options o = options(SIDETONE_PLAIN, true);

	(void)state;
	o.public_address = "203.0.113.9";
	side_up(&a, &o);
	assert_non_null(make(&a, SIDETONE_OFFER));
	assert_non_null(strstr(a.s.body, "c=IN IP4 203.0.113.9"));
	assert_non_null(strstr(a.s.body, " 203.0.113.9 "));
	assert_non_null(strstr(a.s.body, " 198.51.100.1 "));
}

#define T(f) cmocka_unit_test_setup_teardown(f, stage_up, stage_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sdes), T(test_dtls), T(test_ice), T(test_dtls_ice), T(test_other_encryption), T(test_optional_encryption),
		T(test_no_ice_there), T(test_deaf_server), T(test_server_name),
		T(test_wrong_certificate), T(test_ipv6), T(test_forks), T(test_bad_ice), T(test_moves), T(test_moves_sdes), T(test_moves_dtls),
		T(test_moves_ice), T(test_public_address),
		T(test_browser), T(test_broken_descriptions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
