/* SRTP alone: each suite there and back, what is refused, numbers that go round, keys
 * that change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "base/obj.h"
#include "media/srtp.h"
#include "media/thread.h"

static size_t live;

static int up(void **state)
{
	(void)state;
	live = obj_live();
	return srtp_setup();
}

static int down(void **state)
{
	(void)state;
	return obj_live() != live;
}

static struct crypto_line line(enum crypto_suite suite, uint8_t fill)
{
	struct crypto_line l = { .tag = 1, .suite = (uint8_t)suite };

	memset(l.key, fill, sizeof(l.key));
	return l;
}

static struct srtp *context(enum crypto_suite suite, uint8_t tx, uint8_t rx, bool replay)
{
	struct srtp_prm prm = { .tx = line(suite, tx), .rx = line(suite, rx), .replay = replay };
	struct srtp *s = NULL;

	assert_int_equal(srtp_new(&s, &prm), 0);
	return s;
}

struct packet {
	_Alignas(8) uint8_t b[256];
	size_t n;
};

static struct packet rtp(uint16_t seq, uint32_t ssrc)
{
	struct packet p = { .n = 172 };

	rtp_write(p.b, 0, false, seq, 160u * seq, ssrc);
	memset(p.b + 12, 0x55, 160);
	return p;
}

static struct packet sealed(struct srtp *s, uint16_t seq, uint32_t ssrc)
{
	struct packet p = rtp(seq, ssrc);

	assert_true(srtp_seal(s, false, p.b, &p.n, sizeof(p.b)));
	return p;
}

static bool opens(struct srtp *s, const struct packet *was)
{
	struct packet p = *was;

	return srtp_open(s, false, p.b, &p.n, 0);
}

static void test_suites(void **state)
{
	static const size_t longer[CRYPTO_SUITES] = { 0, 10, 4, 10, 4, 16, 16 };

	(void)state;
	for (unsigned i = 1; i < CRYPTO_SUITES; i++) {
		struct srtp *a = context((enum crypto_suite)i, 1, 2, true), *b = context((enum crypto_suite)i, 2, 1, true);
		struct packet p = sealed(a, 100, 7), plain = rtp(100, 7), c;
		struct rtcp_out o = { .ssrc = 7, .cname = STR("x") };

		assert_int_equal(srtp_suite(a), i);
		assert_int_equal(p.n, plain.n + longer[i]);
		assert_memory_equal(p.b, plain.b, 12);
		assert_memory_not_equal(p.b + 12, plain.b + 12, 160);
		/* Any bit of it changed: refused. The same again, or with the other's keys: too. */
		for (size_t k = 0; k < p.n; k += 7) {
			c = p;
			c.b[k] ^= k == 0 ? 0x20 : 1;
			assert_false(opens(b, &c));
		}
		assert_false(opens(a, &p));
		c = p;
		assert_true(srtp_open(b, false, c.b, &c.n, 0));
		assert_int_equal(c.n, plain.n);
		assert_memory_equal(c.b, plain.b, plain.n);
		assert_false(opens(b, &p));
		/* RTCP. */
		c.n = rtcp_write(c.b, 100, &o);
		plain = c;
		assert_true(srtp_seal(a, true, c.b, &c.n, sizeof(c.b)));
		assert_true(c.n > plain.n);
		assert_memory_not_equal(c.b + 8, plain.b + 8, plain.n - 8);
		p = c;
		assert_true(srtp_open(b, true, c.b, &c.n, 0));
		assert_int_equal(c.n, plain.n);
		assert_memory_equal(c.b, plain.b, plain.n);
		assert_false(srtp_open(b, true, p.b, &p.n, 0));
		obj_drop(a);
		obj_drop(b);
	}
}

/* A peer whose packets say which key they have (MKI). */
static void test_mki(void **state)
{
	struct srtp_prm prm = { .tx = line(1, 1), .rx = line(1, 2), .replay = true };
	struct srtp *a = NULL, *b = NULL;
	struct packet p;

	(void)state;
	prm.tx.mki_n = 4;
	assert_int_equal(srtp_new(&a, &prm), 0);
	prm = (struct srtp_prm){ .tx = prm.rx, .rx = prm.tx, .replay = true };
	assert_int_equal(srtp_new(&b, &prm), 0);
	p = sealed(a, 1, 7);
	assert_int_equal(p.n, 172 + 10 + 4);
	assert_true(opens(b, &p));
	obj_drop(a);
	obj_drop(b);
}

static void test_replay(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct srtp *a = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 1, 2, true);
		struct srtp *b = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 2, 1, on);
		struct packet first = sealed(a, 1, 7), last = first;

		assert_true(opens(b, &first));
		for (uint16_t i = 2; i < 2000; i++) {
			last = sealed(a, i, 7);
			assert_true(opens(b, &last));
		}
		assert_int_equal(opens(b, &last), !on);
		assert_int_equal(opens(b, &first), !on);        /* beyond the window */
		/* Forged ones are refused all the same. */
		last.b[50] ^= 1;
		assert_false(opens(b, &last));
		obj_drop(a);
		obj_drop(b);
	}
}

/* Out of order, lost, and past 2^16 several times. */
static void test_rollover(void **state)
{
	struct srtp *a = context(CRYPTO_AEAD_AES_128_GCM, 1, 2, true), *b = context(CRYPTO_AEAD_AES_128_GCM, 2, 1, true);
	struct packet held = { 0 };

	(void)state;
	for (uint32_t i = 30000; i < 30000 + 3 * 65536; i++) {
		struct packet p = sealed(a, (uint16_t)i, 7);

		if (i % 100 == 99) {
			held = p;
			continue;
		}
		if (i % 1000 == 500)
			continue;
		assert_true(opens(b, &p));
		if (i % 100 == 3 && held.n)
			assert_true(opens(b, &held));
	}
	assert_int_equal(srtp_rollover(a, 7), 3);
	assert_int_equal(srtp_rollover(a, 8), 0);
	obj_drop(a);
	obj_drop(b);
}

/* Who changes its SSRC again and again is remembered in part only; the latest count. */
static void test_many_ssrcs(void **state)
{
	struct srtp *a = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 1, 2, true);
	struct srtp *b = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 2, 1, true);
	struct packet first = sealed(a, 1, 1000), last = first;

	(void)state;
	assert_true(opens(b, &first));
	for (uint32_t i = 1; i < 3 * SRTP_SSRCS; i++) {
		last = sealed(a, 1, 1000 + i);
		assert_true(opens(b, &last));
	}
	assert_false(opens(b, &last));
	assert_true(opens(b, &first));          /* forgotten long ago */
	obj_drop(a);
	obj_drop(b);
}

static void change(struct wire *w, struct srtp *s)
{
	obj_drop(srtp_install(w, false, s));
}

/* Keys that replace others: the old ones are heard for a while. Whether the peer's count
 * goes on or begins anew, it is heard. */
static void test_new_keys(void **state)
{
	static struct mthread t;
	struct wire w = { .t = &t };

	(void)state;
	for (int goes_on = 0; goes_on < 2; goes_on++) {
		struct srtp *a = context(CRYPTO_AEAD_AES_256_GCM, 1, 2, true), *n, *fresh;
		struct packet old;

		w.srtp[0] = NULL;
		t.now_us = 1000000;
		change(&w, context(CRYPTO_AEAD_AES_256_GCM, 2, 1, true));
		for (uint32_t i = 60000; i < 70000; i++) {
			struct packet p = sealed(a, (uint16_t)i, 7);

			assert_true(opens(w.srtp[0], &p));
		}
		old = sealed(a, 4464, 7);
		fresh = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 3, 4, true);
		n = goes_on ? fresh : NULL;
		/* The peer's new context: with the count of the old one, or without. */
		if (n) {
			for (uint32_t i = 60000; i < 70000; i++)
				sealed(n, (uint16_t)i, 7);
		}
		change(&w, context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 4, 3, true));
		assert_true(opens(w.srtp[0], &old));
		assert_false(opens(w.srtp[0], &old));
		for (uint16_t i = 4465; i < 4500; i++) {
			struct packet p = sealed(fresh, i, 7);

			assert_true(opens(w.srtp[0], &p));
			assert_false(opens(w.srtp[0], &p));
		}
		/* Not for ever. */
		old = sealed(a, 4501, 7);
		assert_false(srtp_open(w.srtp[0], false, old.b, &old.n, t.now_us + SRTP_GRACE_US));
		old = sealed(fresh, 4502, 7);
		assert_true(srtp_open(w.srtp[0], false, old.b, &old.n, t.now_us + SRTP_GRACE_US));
		obj_drop(a);
		obj_drop(fresh);
		change(&w, NULL);
	}
}

/* Lengths at the edge, and a million bad ones: no state, no memory. */
static void test_bad(void **state)
{
	struct srtp *a = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 1, 2, true);
	struct srtp *b = context(CRYPTO_AES_CM_128_HMAC_SHA1_80, 2, 1, true);
	struct packet p = sealed(a, 1, 7), good;
	size_t before = obj_live();
	uint32_t seed = 1;

	(void)state;
	assert_true(opens(b, &p));
	for (size_t n = 0; n < p.n; n++) {
		struct packet c = p;

		c.n = n;
		assert_false(srtp_open(b, false, c.b, &c.n, 0));
		c = p;
		c.n = n;
		assert_false(srtp_open(b, true, c.b, &c.n, 0));
		assert_int_equal(c.n, n);
	}
	for (uint32_t i = 0; i < 1000000; i++) {
		struct packet c = { .n = 32 };

		memcpy(c.b, p.b, 12);
		seed = seed * 1664525 + 1013904223;
		memcpy(c.b + 2, &seed, sizeof(seed));
		memcpy(c.b + 12, &seed, sizeof(seed));
		if (i & 1)
			c.b[8] = (uint8_t)i;
		assert_false(srtp_open(b, false, c.b, &c.n, 0));
	}
	assert_int_equal(obj_live(), before);
	good = sealed(a, 2, 7);
	assert_true(opens(b, &good));
	/* No room for the tag. */
	p = rtp(3, 7);
	assert_false(srtp_seal(a, false, p.b, &p.n, p.n + SRTP_TRAILER - 1));
	assert_true(srtp_seal(a, false, p.b, &p.n, p.n + SRTP_TRAILER));
	obj_drop(a);
	obj_drop(b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_suites), T(test_mki), T(test_replay), T(test_rollover), T(test_many_ssrcs), T(test_new_keys), T(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
