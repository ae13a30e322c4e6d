/* Two sessions that call each other encrypted, over a network of the test's: each suite of
 * SDES, DTLS in both roles, what is changed on the way, keys and certificates that
 * do not fit. A plain phone stands behind each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "wire_stage.h"
#include "media/dtls.h"
#include "media/srtp.h"

/* ---- the network brings what is sent to whoever is there */

static struct {
	size_t plain, to_phone;         /* RTP that left as it was made; what reached a phone */
	uint8_t payload;                /* of the last of these */
	size_t sealed, dtls, longest;
	unsigned flip;                  /* change the n-th DTLS datagram; 0: none */
	bool cut;                       /* DTLS is lost */
	bool flip_rtp;                  /* a bit of each RTP packet is changed on the way */
	const struct sa *from;          /* whatever is sent comes from here; NULL: from where it does */
} seen;

static void look_at(const struct sent *s)
{
	bool inside = sa_port(&s->to) >= 20000;

	if (s->b[0] >= 20 && s->b[0] <= 63) {
		seen.dtls++;
		seen.longest = s->n > seen.longest ? s->n : seen.longest;
		return;
	}
	if (rtp_kind(s->b, s->n) != RTP_KIND_RTP)
		return;
	if (!inside) {
		seen.to_phone++;
		seen.payload = s->b[12];
	} else if (s->n == 172 && s->b[12] == s->b[13] && s->b[13] == s->b[14]) {
		seen.plain++;
	} else {
		seen.sealed++;
	}
}

static void carry(struct sent *s)
{
	bool dtls = s->b[0] >= 20 && s->b[0] <= 63;

	look_at(s);
	if (sa_port(&s->to) < 20000 || (dtls && seen.cut))
		return;
	if (dtls && seen.flip && !--seen.flip)
		s->b[s->n - 1] ^= 1;
	if (!dtls && seen.flip_rtp)
		s->b[s->n - 1] ^= 1;
	media_deliver(m, &s->to, seen.from ? seen.from : &net.at[s->place], s->b, s->n);
}

static void settle(void)
{
	static struct sent now[KEEP];

	for (int i = 0; i < 40; i++) {
		size_t n = net.n;

		memcpy(now, net.sent, n * sizeof(now[0]));
		net.n = 0;
		for (size_t k = 0; k < n; k++)
			carry(&now[k]);
		media_poll(m, 0);
	}
}

static void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		clock_fake_add(&clk, 10000);
		settle();
	}
}

/* ---- the stage */

static struct media_session *a, *b, *phone_a, *phone_b;        /* phone_a -- a ==== b -- phone_b */
static struct dtls_cert *cert;
static size_t secured, refused;

static void on_secure(void *arg, struct media_session *s, const struct media_event *e)
{
	(void)arg;
	(void)s;
	secured += e->type == MEDIA_SECURE && !e->err;
	refused += e->type == MEDIA_SECURE && e->err == EACCES;
}

static struct media_session *member(void)
{
	struct media_session_prm prm = { .type = MEDIA_AUDIO, .tos = -1, .cos = -1, .fn = on_secure };
	struct media_session *s = NULL;

	assert_int_equal(media_session_new(&s, m, &prm), 0);
	return s;
}

static int call_up(void **state)
{
	struct media_prm prm = { .clock = &clk.c, .strict = true, .net = &fake, .srtp_replay = true, .dtls_mtu = 700 };
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	(void)state;
	live = obj_live();
	memset(&net, 0, sizeof(net));
	memset(&seen, 0, sizeof(seen));
	secured = refused = 0;
	clock_fake_init(&clk, 1700000000);
	clock_fake_add(&clk, 1000000);
	far_a = addr("192.0.2.1:4000");
	set.remote = far_a;
	sa_parse_host(&prm.bind, STR("198.51.100.9"), 0);
	if (media_new(&m, &prm) || dtls_cert_new(&cert))
		return 1;
	a = member();
	b = member();
	phone_a = member();
	phone_b = member();
	media_session_set(phone_a, &set);
	media_session_set(phone_b, &set);
	return 0;
}

static int call_down(void **state)
{
	(void)state;
	media_session_close(a, NULL, NULL);
	media_session_close(b, NULL, NULL);
	close_pair(phone_a, phone_b);
	media_close(m);
	obj_drop(cert);
	return net_places() || obj_live() != live;
}

static struct media_set to(struct media_session *peer, const struct media_secure *sec)
{
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);

	set.remote = *media_session_local(peer);
	set.secure = *sec;
	return set;
}

static struct media_secure sdes(enum crypto_suite suite, uint8_t tx, uint8_t rx)
{
	struct media_secure sec = { .mode = MEDIA_SDES, .tx.suite = (uint8_t)suite, .rx.suite = (uint8_t)suite };

	memset(sec.tx.key, tx, crypto_key_bytes(suite));
	memset(sec.rx.key, rx, crypto_key_bytes(suite));
	return sec;
}

static void agree(const struct media_secure *of_a, const struct media_secure *of_b)
{
	struct media_set set = to(b, of_a);

	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	settle();
}

/* Each phone says something; how many of the two packets reach the other? */
static size_t talk(uint8_t what)
{
	size_t before = seen.to_phone, heard;
	uint8_t p[172];

	next_seq++;
	rtp_write(p, 0, false, next_seq, 160u * next_seq, 0x1234);
	memset(p + 12, what, 160);
	assert_true(media_deliver(m, media_session_local(phone_a), &far_a, p, sizeof(p)));
	settle();
	heard = seen.to_phone - before;
	if (heard)
		assert_int_equal(seen.payload, what);
	assert_true(media_deliver(m, media_session_local(phone_b), &far_a, p, sizeof(p)));
	settle();
	return seen.to_phone - before;
}

static enum crypto_suite suite_of(struct media_session *s)
{
	return stats(s)->suite;
}

/* ---- SDES */

static void test_sdes(void **state)
{
	(void)state;
	for (unsigned i = 1; i < CRYPTO_SUITES; i++) {
		struct media_secure of_a = sdes((enum crypto_suite)i, 1, 2), of_b = sdes((enum crypto_suite)i, 2, 1);

		agree(&of_a, &of_b);
		for (uint8_t k = 1; k < 20; k++)
			assert_int_equal(talk((uint8_t)(k + 20 * i)), 2);
		assert_int_equal(suite_of(a), i);
		/* The same again changes nothing, and the packets before do not come again. */
		agree(&of_a, &of_b);
		assert_int_equal(talk(7), 2);
	}
	assert_int_equal(seen.plain, 0);
	assert_true(seen.sealed > 200);
}

/* Nothing is heard that was changed, repeated, or not sealed at all. */
static void test_tampered(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1);
	uint64_t bad;
	uint8_t p[172];

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	bad = stats(a)->dropped_bad + stats(b)->dropped_bad;
	seen.flip_rtp = true;
	assert_int_equal(talk(2), 0);
	assert_int_equal(stats(a)->dropped_bad + numbers.dropped_bad - numbers.dropped_bad, stats(a)->dropped_bad);
	assert_int_equal(stats(a)->dropped_bad + stats(b)->dropped_bad, bad + 2);
	seen.flip_rtp = false;
	rtp_write(p, 0, false, 9000, 9, 0x77);
	memset(p + 12, 3, 160);
	bad = stats(b)->dropped_bad;
	for (int i = 0; i < 10; i++)
		assert_true(media_deliver(m, media_session_local(b), media_session_local(a), p, sizeof(p)));
	settle();
	assert_int_equal(stats(b)->dropped_bad, bad + 10);
	assert_int_equal(talk(4), 2);
	/* With keys that do not fit each other nothing is heard either. */
	of_b = sdes(1, 2, 9);
	agree(&of_a, &of_b);
	pass(6000);
	assert_int_equal(talk(5), 1);
}

/* From a stranger to a wire that knows its source: not even looked at. */
static void test_spray(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1);
	struct sa stranger = addr("203.0.113.66:66");
	uint64_t bad, source;
	uint8_t p[172];

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	bad = stats(b)->dropped_bad;
	source = numbers.dropped_source;
	rtp_write(p, 0, false, 9000, 9, 0x77);
	for (int i = 0; i < 1000; i++)
		assert_true(media_deliver(m, media_session_local(b), &stranger, p, sizeof(p)));
	assert_int_equal(stats(b)->dropped_bad, bad);
	assert_int_equal(numbers.dropped_source, source + 1000);
	assert_int_equal(talk(2), 2);
}

/* New keys in the middle of a call, also after 2^16 packets. */
static void test_rekey(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1);
	static struct sent one;
	uint32_t before;

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	before = stats(a)->ssrc;
	of_a = sdes(CRYPTO_AEAD_AES_256_GCM, 3, 4);
	of_b = sdes(CRYPTO_AEAD_AES_256_GCM, 4, 3);
	agree(&of_a, &of_b);
	assert_int_equal(talk(2), 2);
	assert_int_equal(stats(a)->ssrc, before);
	/* Over 2^16 in one direction is enough. */
	for (uint32_t i = 0; i < 66000; i++) {
		uint8_t p[172];

		next_seq++;
		rtp_write(p, 0, false, next_seq, 160u * next_seq, 0x1234);
		assert_true(media_deliver(m, media_session_local(phone_a), &far_a, p, sizeof(p)));
		assert_int_equal(net.n, 1);
		net.n = 0;
		one = net.sent[0];
		carry(&one);
		assert_int_equal(net.n, 1);     /* and out of b, to its phone */
		look_at(&net.sent[0]);
		net.n = 0;
	}
	settle();
	assert_true(seen.to_phone > 66000);
	of_a = sdes(CRYPTO_AEAD_AES_256_GCM, 5, 6);
	of_b = sdes(CRYPTO_AEAD_AES_256_GCM, 6, 5);
	agree(&of_a, &of_b);
	assert_int_equal(talk(3), 2);
	assert_int_not_equal(stats(a)->ssrc, before);
	assert_int_equal(seen.plain, 0);
}

/* Into the clear only when that was agreed. */
static void test_to_the_clear(void **state)
{
	struct media_secure of_a = sdes(1, 1, 2), of_b = sdes(1, 2, 1), clear = { 0 };

	(void)state;
	agree(&of_a, &of_b);
	assert_int_equal(talk(1), 2);
	agree(&clear, &clear);
	assert_int_equal(talk(2), 2);
	assert_int_equal(suite_of(a), CRYPTO_NONE);
	assert_int_equal(seen.plain, 2);
	agree(&of_a, &of_b);
	assert_int_equal(talk(3), 2);
	assert_int_equal(seen.plain, 2);
	/* A suite that nobody knows: an error, and what was stays. */
	of_a.tx.suite = 77;
	{
		struct media_set set = to(b, &of_a);

		assert_int_equal(media_session_set(a, &set), EINVAL);
	}
	assert_int_equal(talk(4), 2);
	assert_int_equal(seen.plain, 2);
}

/* ---- DTLS */

static struct dtls_identity *identity(struct dtls_identity_prm prm, struct dtls_cert *own)
{
	struct dtls_identity *d = NULL;
	char why[200];

	if (dtls_identity_new(&d, &prm, own, why))
		fail_msg("%s", why);
	return d;
}

static struct media_secure dtls(struct dtls_identity *mine, struct dtls_identity *theirs, enum crypto_setup setup)
{
	return (struct media_secure){ .mode = MEDIA_DTLS, .identity = mine, .setup = setup,
				      .fingerprint = *dtls_identity_fingerprint(theirs) };
}

static const struct dtls_identity_prm by_print = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256 };

static void test_dtls(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct dtls_identity_prm sha1 = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA1 };
	struct dtls_identity *y = identity(sha1, cert);

	(void)state;
	assert_int_equal(dtls_identity_fingerprint(x)->n, 32);
	assert_int_equal(dtls_identity_fingerprint(y)->n, 20);
	for (int first = 0; first < 2; first++) {
		struct media_secure of_a = dtls(x, y, first ? SETUP_ACTIVE : SETUP_PASSIVE);
		struct media_secure of_b = dtls(y, x, first ? SETUP_PASSIVE : SETUP_ACTIVE);

		secured = 0;
		/* Before the keys are there, nothing leaves. */
		seen.cut = true;
		agree(&of_a, &of_b);
		assert_int_equal(talk(1), first ? 2 : 0);      /* the keys of the first round still hold */
		seen.cut = false;
		clock_fake_add(&clk, 10000);
		settle();
		usleep(210000);         /* OpenSSL's timer has a clock of its own */
		pass(3000);
		assert_int_equal(secured, 2);
		for (uint8_t k = 2; k < 20; k++)
			assert_int_equal(talk(k), 2);
		assert_int_equal(suite_of(a), CRYPTO_AEAD_AES_128_GCM);
		assert_int_equal(suite_of(b), CRYPTO_AEAD_AES_128_GCM);
	}
	assert_int_equal(seen.plain, 0);
	assert_true(seen.longest <= 700);
	obj_drop(x);
	obj_drop(y);
}

/* The peer's certificate is not the one that its SDP named: no keys, whoever begins. */
static void test_wrong_fingerprint(void **state)
{
	struct dtls_cert *other = NULL;
	struct dtls_identity *x = identity(by_print, cert), *y, *z;

	(void)state;
	assert_int_equal(dtls_cert_new(&other), 0);
	y = identity(by_print, other);
	z = identity((struct dtls_identity_prm){ .verify = DTLS_CHECK_NOTHING, .hash = CRYPTO_SHA256 }, cert);
	for (int active = 0; active < 2; active++) {
		struct media_secure of_a = dtls(x, x, active ? SETUP_ACTIVE : SETUP_PASSIVE);
		struct media_secure of_b = dtls(y, x, active ? SETUP_PASSIVE : SETUP_ACTIVE);

		refused = secured = 0;
		agree(&of_a, &of_b);
		pass(1000);
		assert_true(refused > 0);
		assert_int_equal(suite_of(a), CRYPTO_NONE);
		assert_int_equal(talk(1), 0);
	}
	/* dtls_verify=no takes anybody. */
	{
		struct media_secure of_a = dtls(z, z, SETUP_ACTIVE), of_b = dtls(y, z, SETUP_PASSIVE);

		agree(&of_a, &of_b);
		pass(3000);
		assert_int_equal(talk(1), 2);
	}
	assert_int_equal(seen.plain, 0);
	obj_drop(x);
	obj_drop(y);
	obj_drop(z);
	obj_drop(other);
}

/* Behind a NAT the SDP's address is not where it comes from: who can answer there, by a
 * cookie, may shake hands. */
static void test_cookie(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE);
	struct sa elsewhere = addr("203.0.113.5:5555");
	struct media_set set = set_of(FORMAT_ULAW, 0, 0);
	struct media_secure of_b = dtls(x, x, SETUP_ACTIVE);
	size_t hellos = 0;

	(void)state;
	/* a believes that its peer is far_a; b's packets come from a third place. */
	set.secure = of_a;
	assert_int_equal(media_session_set(a, &set), 0);
	set = to(a, &of_b);
	assert_int_equal(media_session_set(b, &set), 0);
	media_poll(m, 0);
	assert_true(net.n > 0);
	for (size_t i = 0; i < net.n; i++)
		if (net.sent[i].b[0] == 22)
			assert_true(media_deliver(m, media_session_local(a), &elsewhere, net.sent[i].b, net.sent[i].n));
	net.n = 0;
	media_poll(m, 0);
	/* HelloVerifyRequest, to where it came from, and not more than that. */
	assert_int_equal(net.n, 1);
	assert_true(sa_eq(&net.sent[0].to, &elsewhere));
	assert_int_equal(net.sent[0].b[13], 3);
	/* b hears it and says hello again, with the cookie; only from there is it good. */
	assert_true(media_deliver(m, media_session_local(b), media_session_local(a), net.sent[0].b, net.sent[0].n));
	net.n = 0;
	media_poll(m, 0);
	assert_int_equal(net.n, 1);
	{
		struct sent hello = net.sent[0];
		struct sa liar = addr("203.0.113.6:5555");

		net.n = 0;
		media_deliver(m, media_session_local(a), &liar, hello.b, hello.n);
		media_poll(m, 0);
		assert_int_equal(net.n, 1);
		assert_int_equal(net.sent[0].b[13], 3);
		net.n = 0;
		media_deliver(m, media_session_local(a), &elsewhere, hello.b, hello.n);
		media_poll(m, 0);
		for (size_t i = 0; i < net.n; i++) {
			assert_true(sa_eq(&net.sent[i].to, &elsewhere));
			hellos += net.sent[i].b[0] == 22 && net.sent[i].b[13] == 2;
		}
		assert_int_equal(hellos, 1);    /* ServerHello */
	}
	obj_drop(x);
}

/* However many say hello, a turn does a few steps, and nobody's packets wait. */
static void test_flood(void **state)
{
	struct dtls_identity *x = identity(by_print, cert);
	struct media_secure of_a = dtls(x, x, SETUP_PASSIVE), of_b = dtls(x, x, SETUP_ACTIVE);
	struct sa stranger = addr("203.0.113.5:5555");
	struct media_set set = to(a, &of_b);
	struct sent hello;
	uint64_t bad;

	(void)state;
	assert_int_equal(media_session_set(b, &set), 0);
	media_poll(m, 0);
	hello = net.sent[0];
	set = to(b, &of_a);
	assert_int_equal(media_session_set(a, &set), 0);
	media_poll(m, 0);
	net.n = 0;
	bad = stats(a)->dropped_bad;
	for (int i = 0; i < 1000; i++) {
		sa_set_port(&stranger, (uint16_t)(1000 + i));
		media_deliver(m, media_session_local(a), &stranger, hello.b, hello.n);
	}
	assert_int_equal(net.n, 0);
	assert_int_equal(stats(a)->dropped_bad, bad + 1000 - DTLS_QUEUE + (net.n ? 2 : 0));
	net.n = 0;
	/* The peer comes through all the same. */
	media_bridge(phone_a, a);
	media_bridge(b, phone_b);
	settle();
	usleep(210000);
	pass(1000);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	obj_drop(x);
}

/* A handshake that is disturbed goes on; new keys by dtls_rekey; a new association by a
 * new fingerprint. */
static void test_dtls_goes_on(void **state)
{
	struct dtls_identity_prm often = { .verify = DTLS_CHECK_FINGERPRINT, .hash = CRYPTO_SHA256, .rekey_s = 10 };
	struct dtls_cert *other = NULL;
	struct dtls_identity *x = identity(often, cert), *y;
	struct media_secure of_a = dtls(x, x, SETUP_ACTIVE), of_b = dtls(x, x, SETUP_PASSIVE);

	(void)state;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(1), 2);
	pass(11000);
	assert_true(secured >= 4);
	assert_int_equal(talk(2), 2);
	/* Whoever sends something else to it changes nothing. */
	{
		uint8_t junk[40] = { 22, 254, 253 };

		for (int i = 0; i < 100; i++)
			media_deliver(m, media_session_local(a), media_session_local(b), junk, sizeof(junk));
		settle();
	}
	assert_int_equal(talk(3), 2);
	assert_int_equal(dtls_cert_new(&other), 0);
	y = identity(by_print, other);
	of_a = dtls(x, y, SETUP_ACTIVE);
	of_b = dtls(y, x, SETUP_PASSIVE);
	secured = 0;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 2);
	assert_int_equal(talk(4), 2);
	/* holdconn: no handshake, and no sound without one. */
	of_a.setup = of_b.setup = SETUP_HOLDCONN;
	secured = seen.dtls = 0;
	agree(&of_a, &of_b);
	pass(1000);
	assert_int_equal(secured, 0);
	assert_int_equal(seen.dtls, 0);
	assert_int_equal(seen.plain, 0);
	obj_drop(x);
	obj_drop(y);
	obj_drop(other);
}

/* Files that cannot serve are refused with a reason. */
static void test_identity_faults(void **state)
{
	struct dtls_identity *d = NULL;
	struct dtls_identity_prm prm = by_print;
	char why[200];

	(void)state;
	assert_int_equal(dtls_identity_new(&d, &prm, NULL, why), EINVAL);
	assert_non_null(strstr(why, "dtls_auto_generate_cert"));
	prm.cert_file = STR("/nowhere/cert.pem");
	assert_int_equal(dtls_identity_new(&d, &prm, cert, why), EINVAL);
	assert_non_null(strstr(why, "/nowhere/cert.pem"));
	prm.cert_file = STR_NULL;
	prm.cipher = STR("NO-SUCH-CIPHER");
	assert_int_equal(dtls_identity_new(&d, &prm, cert, why), EINVAL);
	assert_non_null(strstr(why, "dtls_cipher"));
	prm.cipher = STR_NULL;
	prm.ca_file = STR("/nowhere/ca.pem");
	assert_int_equal(dtls_identity_new(&d, &prm, cert, why), EINVAL);
	assert_non_null(strstr(why, "dtls_ca_file"));
	assert_null(d);
}

#define T(f) cmocka_unit_test_setup_teardown(f, call_up, call_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_sdes), T(test_tampered), T(test_spray), T(test_rekey), T(test_to_the_clear),
		T(test_dtls), T(test_wrong_fingerprint), T(test_cookie), T(test_flood), T(test_dtls_goes_on),
		T(test_identity_faults),
	};

	(void)up;
	(void)down;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
