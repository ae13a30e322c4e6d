/* Offer and answer of encrypted media: which profile fits whom, keys and roles of two sides
 * that talk to each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "negotiate_stage.h"

static void avpf(struct neg_prm *p) { p->use_avpf = true; }
static int make_key(uint8_t *p, size_t n)
{
	static uint8_t next = 1;

	memset(p, next++, n);
	return 0;
}

static void sdes(struct neg_prm *p) { p->savp = true; p->random = make_key; }
static void dtls(struct neg_prm *p) { p->dtls = true; p->fingerprint.hash = CRYPTO_SHA256; p->fingerprint.n = 32; }
static void optimistic(struct neg_prm *p) { p->optimistic = true; sdes(p); }
static void received(struct neg_prm *p) { p->use_received_transport = true; }
static void received_sdes(struct neg_prm *p) { p->use_received_transport = true; sdes(p); }
static void received_dtls(struct neg_prm *p) { p->use_received_transport = true; dtls(p); }
static void forced_sdes(struct neg_prm *p) { p->force_avp = p->savp = true; p->random = make_key; }

static void test_profiles(void **state)
{
	static const struct { void (*tune)(struct neg_prm *); const char *proto; bool crypto, fits; } tv[] = {
		{ NULL, "RTP/AVP", false, true }, { NULL, "RTP/AVPF", false, false },
		{ NULL, "RTP/AVP", true, true }, { NULL, "RTP/SAVP", true, false },
		{ NULL, "UDP/TLS/RTP/SAVP", false, false },
		{ avpf, "RTP/AVP", false, false }, { avpf, "RTP/AVPF", false, true },
		{ sdes, "RTP/SAVP", true, true }, { sdes, "RTP/AVP", false, false }, { sdes, "RTP/AVP", true, true },
		{ dtls, "UDP/TLS/RTP/SAVP", false, true }, { dtls, "RTP/SAVP", true, false },
		{ dtls, "RTP/AVP", false, false }, { NULL, "RTP/SAVPF", false, false },
		{ optimistic, "RTP/AVP", false, true }, { optimistic, "RTP/SAVP", true, true },
		{ optimistic, "RTP/AVPF", false, false }, { received, "RTP/AVPF", false, true },
		{ received, "RTP/SAVPF", true, false }, { received_sdes, "RTP/SAVPF", true, true },
		{ received_sdes, "RTP/AVP", false, false }, { received_dtls, "UDP/TLS/RTP/SAVPF", false, true },
		{ forced_sdes, "RTP/AVP", false, false }, { forced_sdes, "RTP/AVP", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct side s;
		char text[500];
		enum neg_verdict why;
		int err;

		side_init(&s, "ulaw", tv[i].tune);
		snprintf(text, sizeof(text), HEAD "m=audio 6000 %s 0\r\n%s", tv[i].proto,
			 tv[i].crypto ? "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd\r\n" :
			 strstr(tv[i].proto, "TLS") ? "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n" : "");
		err = offer_in(&s, text, &why);
		if ((err == 0) != tv[i].fits)
			print_error("case %zu %s\n", i, tv[i].proto);
		assert_int_equal(err, tv[i].fits ? 0 : EPROTO);
		assert_int_equal(why, tv[i].fits ? NEG_OK : NEG_PROFILE);
		if (!err) {
			ports(s.n, 10000);
			assert_int_equal(neg_answer_out(s.n, &s.text), 0);
			snprintf(text, sizeof(text), "m=audio 10000 %s 0", tv[i].proto);
			has(buf_z(&s.text), text);
		}
		side_free(&s);
	}
}

static void actpass(struct neg_prm *p) { dtls(p); p->setup = SETUP_ACTPASS; p->fingerprint.v[0] = 7; }
static void passive(struct neg_prm *p) { dtls(p); p->setup = SETUP_PASSIVE; p->fingerprint.v[0] = 8; }
static void active(struct neg_prm *p) { dtls(p); p->setup = SETUP_ACTIVE; }
static void held(struct neg_prm *p) { dtls(p); p->setup = SETUP_HOLDCONN; }
static void no_certificate(struct neg_prm *p) { p->dtls = true; }
static void no_random(struct neg_prm *p) { p->savp = true; }
static void no_random_optimistic(struct neg_prm *p) { p->savp = p->optimistic = true; }
static void tag_32(struct neg_prm *p) { sdes(p); p->srtp_tag_32 = true; }

/* `a` offers, `b` answers; both have it in force. */
static void exchange(struct side *a, struct side *b)
{
	enum neg_verdict why;

	offer(a, "ulaw");
	answer(b, buf_z(&a->text));
	assert_int_equal(answer_in(a, buf_z(&b->text), &why), 0);
}

static const struct neg_secure *secure(struct side *s) { return &neg_stream(s->n, 0)->secure; }

static void facing(struct side *a, struct side *b)
{
	assert_int_equal(secure(a)->mode, NEG_SDES);
	assert_int_equal(secure(b)->mode, NEG_SDES);
	assert_true(crypto_line_eq(&secure(a)->ours, &secure(b)->theirs));
	assert_true(crypto_line_eq(&secure(a)->theirs, &secure(b)->ours));
	assert_false(crypto_line_eq(&secure(a)->ours, &secure(a)->theirs));
}

static void test_sdes(void **state)
{
	struct side a, b;
	struct crypto_line ours;
	enum neg_verdict why;

	(void)state;
	side_init(&a, "ulaw", sdes);
	side_init(&b, "ulaw", optimistic);
	exchange(&a, &b);
	facing(&a, &b);
	assert_int_equal(secure(&a)->ours.suite, CRYPTO_AES_CM_128_HMAC_SHA1_80);
	/* Again, from either side: the same keys. */
	ours = secure(&a)->ours;
	exchange(&a, &b);
	facing(&a, &b);
	assert_true(crypto_line_eq(&ours, &secure(&a)->ours));
	/* An offer that comes to nothing leaves them. */
	offer(&a, "ulaw");
	neg_rollback(a.n);
	facing(&a, &b);
	/* An answer that has no keys, or those of no line of the offer. */
	offer(&a, "ulaw");
	assert_int_equal(answer_in(&a, HEAD "m=audio 6000 RTP/SAVP 0\r\n", &why), EPROTO);
	assert_int_equal(why, NEG_KEYS);
	assert_non_null(strstr(neg_why(a.n, why), "no keys"));
	facing(&a, &b);
	side_free(&a);
	side_free(&b);
	side_init(&a, "ulaw", tag_32);
	side_init(&b, "ulaw", sdes);
	exchange(&a, &b);
	assert_int_equal(secure(&b)->ours.suite, CRYPTO_AES_CM_128_HMAC_SHA1_32);
	side_free(&a);
	side_free(&b);
	/* Without a source of keys there is no offer. */
	side_init(&a, "ulaw", no_random);
	{
		struct formats f = { 0 };
		size_t i;

		formats_edit(&f, STR("ulaw"), true, NULL);
		neg_stream_add(a.n, MEDIA_AUDIO, &f, &i);
		ports(a.n, 10000);
		assert_int_equal(neg_offer_out(a.n, &a.text), ENOTSUP);
	}
	side_free(&a);
}

/* Optimistic to one that knows nothing of keys: in the clear, and back. */
static void test_optimistic(void **state)
{
	struct side a, b;

	(void)state;
	side_init(&a, "ulaw", optimistic);
	side_init(&b, "ulaw", NULL);
	exchange(&a, &b);
	assert_int_equal(secure(&a)->mode, NEG_CLEAR);
	assert_int_equal(secure(&b)->mode, NEG_CLEAR);
	side_free(&b);
	side_init(&b, "ulaw", optimistic);
	exchange(&a, &b);
	facing(&a, &b);
	side_free(&b);
	/* No source of keys: never encrypted, from either side. */
	side_init(&b, "ulaw", no_random_optimistic);
	exchange(&a, &b);
	assert_int_equal(secure(&a)->mode, NEG_CLEAR);
	exchange(&b, &a);
	assert_int_equal(secure(&b)->mode, NEG_CLEAR);
	side_free(&a);
	side_free(&b);
}

static void test_forks(void **state)
{
	struct side a, b, c;
	enum neg_verdict why;

	(void)state;
	side_init(&a, "ulaw", sdes);
	side_init(&b, "ulaw", sdes);
	side_init(&c, "ulaw", sdes);
	offer(&a, "ulaw");
	answer(&b, buf_z(&a.text));
	answer(&c, buf_z(&a.text));
	assert_int_equal(answer_in(&a, buf_z(&b.text), &why), 0);
	facing(&a, &b);
	/* The same offer answered by another. */
	assert_int_equal(answer_in(&a, buf_z(&c.text), &why), 0);
	facing(&a, &c);
	side_free(&a);
	side_free(&b);
	side_free(&c);
}

static void test_roles(void **state)
{
	static const struct { void (*a)(struct neg_prm *), (*b)(struct neg_prm *); enum crypto_setup of_a, of_b; } tv[] = {
		{ actpass, actpass, SETUP_PASSIVE, SETUP_ACTIVE }, { actpass, passive, SETUP_ACTIVE, SETUP_PASSIVE },
		{ actpass, active, SETUP_PASSIVE, SETUP_ACTIVE }, { active, active, SETUP_ACTIVE, SETUP_PASSIVE },
		{ passive, passive, SETUP_PASSIVE, SETUP_ACTIVE }, { held, active, SETUP_HOLDCONN, SETUP_HOLDCONN },
		{ actpass, held, SETUP_HOLDCONN, SETUP_HOLDCONN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(tv); i++) {
		struct side a, b;

		side_init(&a, "ulaw", tv[i].a);
		side_init(&b, "ulaw", tv[i].b);
		exchange(&a, &b);
		for (int again = 0; again < 3; again++) {
			assert_int_equal(secure(&a)->mode, NEG_DTLS);
			assert_int_equal(secure(&a)->setup, tv[i].of_a);
			assert_int_equal(secure(&b)->setup, tv[i].of_b);
			/* Whoever offers next, the roles stay. */
			exchange(again & 1 ? &a : &b, again & 1 ? &b : &a);
		}
		side_free(&a);
		side_free(&b);
	}
}

static void test_certificates(void **state)
{
	struct side a, b;
	enum neg_verdict why;

	(void)state;
	side_init(&a, "ulaw", actpass);
	side_init(&b, "ulaw", no_certificate);
	offer(&a, "ulaw");
	assert_int_equal(offer_in(&b, buf_z(&a.text), &why), EPROTO);
	assert_int_equal(why, NEG_KEYS);
	assert_non_null(strstr(neg_why(b.n, why), "no certificate"));
	side_free(&b);
	/* Of several fingerprints the strongest. */
	side_init(&b, "ulaw", passive);
	answer(&b, HEAD "m=audio 6000 UDP/TLS/RTP/SAVP 0\r\na=setup:actpass\r\na=fingerprint:md5 00\r\n"
	       "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\na=fingerprint:sha-256 "
	       "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n");
	assert_int_equal(secure(&b)->fingerprint.n, 32);
	side_free(&a);
	side_free(&b);
}

static size_t live;
static int leak_setup(void **state) { (void)state; live = obj_live(); return 0; }
static int leak_check(void **state) { (void)state; return obj_live() != live; }
#define T(f) cmocka_unit_test_setup_teardown(f, leak_setup, leak_check)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_profiles), T(test_sdes), T(test_optimistic), T(test_forks), T(test_roles), T(test_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
